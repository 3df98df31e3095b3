//! The syntax tree: an arena of nodes with positions, as written, before names mean anything.

use crate::error::Place;
use crate::playbook::Text;
use crate::value::Value;
use std::sync::Arc;

/// A stretch of source text in bytes: from `start` up to, not including, `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize)]
pub struct Extent {
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

/// The number of a node in its [`Tree`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

/// A parsed expression.
#[derive(Debug, Clone)]
pub struct Tree {
    /// The source; behind it those of the computed values that it reads.
    pub text: Arc<str>,
    pub(super) nodes: Vec<Node>,
    pub(super) root: NodeId,
    /// How many bytes and nodes are its own.
    pub(super) own: (usize, usize),
}

/// A part of an expression and where it stands.
#[derive(Debug, Clone)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Where it stands.
    pub extent: Extent,
    /// Levels below it, itself included.
    pub(super) depth: u32,
}

/// What a part of an expression is.
#[derive(Debug, Clone)]
pub enum Kind {
    /// A constant. The source text of a number is found by its extent.
    Literal(Value),
    /// An identifier; `absolute` when it has a leading dot.
    Name {
        /// The identifier.
        name: Arc<str>,
        /// Whether a leading dot forbids looking into the container or at bound variables.
        absolute: bool,
    },
    /// `base.field`.
    Select {
        /// What is selected from.
        base: NodeId,
        /// The field.
        field: Arc<str>,
    },
    /// `base.?field`.
    OptionalSelect {
        /// What is selected from.
        base: NodeId,
        /// The field.
        field: Arc<str>,
    },
    /// `base[?index]`.
    OptionalIndex {
        /// What is looked into.
        base: NodeId,
        /// The key or position.
        index: NodeId,
    },
    /// `?value` as an element of a list or the value of a map's entry: left out when absent.
    Maybe(NodeId),
    /// `has(base.field)`.
    Has {
        /// What is looked into.
        base: NodeId,
        /// The field.
        field: Arc<str>,
    },
    /// `base[index]`.
    Index {
        /// What is looked into.
        base: NodeId,
        /// The key or position.
        index: NodeId,
    },
    /// `function(args)` or `target.function(args)`.
    Call {
        /// The receiver.
        target: Option<NodeId>,
        /// The name.
        function: Arc<str>,
        /// Whether the name has a leading dot.
        absolute: bool,
        /// The arguments.
        args: Vec<NodeId>,
    },
    /// `!x` or `-x`.
    Unary {
        /// Which.
        op: UnaryOp,
        /// The operand.
        operand: NodeId,
    },
    /// Arithmetic, comparison or `in`.
    Binary {
        /// Which.
        op: BinaryOp,
        /// Left operand.
        left: NodeId,
        /// Right operand.
        right: NodeId,
    },
    /// `a && b && c`, two or more operands.
    And(Vec<NodeId>),
    /// `a || b || c`, two or more operands.
    Or(Vec<NodeId>),
    /// `condition ? yes : no`.
    Ternary {
        /// The condition.
        condition: NodeId,
        /// When true.
        yes: NodeId,
        /// When false.
        no: NodeId,
    },
    /// `[a, b]`.
    List(Vec<NodeId>),
    /// `{a: b}`; the value of `{?a: b}` is a [`Kind::Maybe`].
    Map(Vec<(NodeId, NodeId)>),
    /// A macro that goes through a list or the keys of a map.
    Loop {
        /// Which macro.
        form: Form,
        /// What is gone through.
        range: NodeId,
        /// The variable; with a second one, the position or key.
        variable: Arc<str>,
        /// The second variable: the element or the value.
        second: Option<Arc<str>>,
        /// Of the mapping macros with a condition: the condition.
        filter: Option<NodeId>,
        /// The condition or the result.
        body: NodeId,
    },
    /// `cel.bind(variable, value, body)`.
    Bind {
        /// The variable.
        variable: Arc<str>,
        /// Its value.
        value: NodeId,
        /// Where it may be read.
        body: NodeId,
    },
    /// `cel.block([value, …], body)`: each value may be read as `cel.index(n)` by those behind it and by the body.
    Block {
        /// The values in order.
        values: Vec<NodeId>,
        /// Where all of them may be read.
        body: NodeId,
    },
    /// `stream.where(variable, condition)`.
    Where {
        /// The stream.
        stream: NodeId,
        /// The name of the event.
        variable: Arc<str>,
        /// The condition.
        condition: NodeId,
    },
}

/// The macros that go through a list or map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// `all`.
    All,
    /// `exists`.
    Exists,
    /// `exists_one`.
    ExistsOne,
    /// `map`.
    Map,
    /// `filter`.
    Filter,
    /// `transformList`.
    TransformList,
    /// `transformMap`.
    TransformMap,
    /// `transformMapEntry`.
    TransformMapEntry,
    /// `optMap`.
    OptMap,
    /// `optFlatMap`.
    OptFlatMap,
    /// `sortBy`.
    SortBy,
}

/// Operators with one operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UnaryOp {
    /// `!`
    Not,
    /// `-`
    Negate,
}

/// Operators with two operands that both count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BinaryOp {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `in`
    In,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
}

impl BinaryOp {
    /// How it is written.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            BinaryOp::Equal => "==",
            BinaryOp::NotEqual => "!=",
            BinaryOp::Less => "<",
            BinaryOp::LessEqual => "<=",
            BinaryOp::Greater => ">",
            BinaryOp::GreaterEqual => ">=",
            BinaryOp::In => "in",
            BinaryOp::Add => "+",
            BinaryOp::Subtract => "-",
            BinaryOp::Multiply => "*",
            BinaryOp::Divide => "/",
            BinaryOp::Remainder => "%",
        }
    }

    /// Whether it asks for an order: `<`, `<=`, `>`, `>=`.
    #[must_use]
    pub fn is_ordering(self) -> bool {
        matches!(self, BinaryOp::Less | BinaryOp::LessEqual | BinaryOp::Greater | BinaryOp::GreaterEqual)
    }

    /// Whether it asks for an order or for equality.
    #[must_use]
    pub fn is_comparison(self) -> bool {
        self.is_ordering() || matches!(self, BinaryOp::Equal | BinaryOp::NotEqual)
    }
}

impl Form {
    /// How it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Form::All => "all",
            Form::Exists => "exists",
            Form::ExistsOne => "exists_one",
            Form::Map => "map",
            Form::Filter => "filter",
            Form::TransformList => "transformList",
            Form::TransformMap => "transformMap",
            Form::TransformMapEntry => "transformMapEntry",
            Form::OptMap => "optMap",
            Form::OptFlatMap => "optFlatMap",
            Form::SortBy => "sortBy",
        }
    }
}

impl Tree {
    /// The outermost node.
    #[must_use]
    pub fn root(&self) -> NodeId {
        self.root
    }

    /// The same with other trees behind it. The nodes of each are numbered on from those before it.
    pub(super) fn with(self, others: &[&Tree]) -> Tree {
        let mut text = self.text.to_string();
        let mut nodes = self.nodes;
        for other in others {
            let (bytes, by) = (count(text.len() + 1), count(nodes.len()));
            text.push('\n');
            text.push_str(other.own_text());
            nodes.extend(other.nodes.iter().take(other.own.1).map(|node| Node {
                kind: node.kind.renumbered(&|id| NodeId(id.0.saturating_add(by))),
                extent: Extent { start: node.extent.start.saturating_add(bytes), end: node.extent.end.saturating_add(bytes) },
                depth: node.depth,
            }));
        }
        Tree { text: Arc::from(text), nodes, ..self }
    }

    /// The source without that of computed values.
    pub(super) fn own_text(&self) -> &str {
        self.text.get(..self.own.0).unwrap_or("")
    }

    /// Whether a node is of a computed value that is read.
    pub(super) fn is_taken_in(&self, id: NodeId) -> bool {
        id.0 as usize >= self.own.1
    }

    /// The computed values that are named, such as `lead` in `computed.lead`.
    pub(super) fn computed(&self) -> impl Iterator<Item = Arc<str>> {
        self.nodes.iter().filter_map(|node| match &node.kind {
            Kind::Select { base, field } | Kind::OptionalSelect { base, field } | Kind::Has { base, field } => {
                match &self.node(*base).kind {
                    Kind::Name { name, .. } => (&**name == super::computed::FAMILY).then(|| field.clone()),
                    // An output of a table.
                    Kind::Select { base, field: table } => {
                        let family = &self.node(*base).kind;
                        matches!(family, Kind::Name { name, .. } if &**name == super::computed::FAMILY)
                            .then(|| Arc::from(format!("{table}.{field}")))
                    }
                    _ => None,
                }
            }
            _ => None,
        })
    }

    /// A node; the root for a number that is not of this tree.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node {
        self.nodes.get(id.0 as usize).unwrap_or(&self.nodes[self.root.0 as usize])
    }

    /// The source text of a number, without what may stand between its sign and its digits.
    pub(super) fn number_text(&self, id: NodeId) -> String {
        let source = self.source(id);
        let digits = source.rsplit(char::is_whitespace).next().unwrap_or("").trim_start_matches('-');
        format!("{}{digits}", if source.starts_with('-') { "-" } else { "" })
    }

    /// The source text of a node.
    #[must_use]
    pub fn source(&self, id: NodeId) -> &str {
        let extent = self.node(id).extent;
        self.text.get(extent.start as usize..extent.end as usize).unwrap_or("")
    }
}

impl Kind {
    /// The same over other nodes.
    fn renumbered(&self, to: &dyn Fn(NodeId) -> NodeId) -> Kind {
        let all = |nodes: &[NodeId]| nodes.iter().map(|node| to(*node)).collect::<Vec<_>>();
        match self {
            Kind::Literal(_) | Kind::Name { .. } => self.clone(),
            Kind::Select { base, field } => Kind::Select { base: to(*base), field: field.clone() },
            Kind::OptionalSelect { base, field } => Kind::OptionalSelect { base: to(*base), field: field.clone() },
            Kind::OptionalIndex { base, index } => Kind::OptionalIndex { base: to(*base), index: to(*index) },
            Kind::Maybe(value) => Kind::Maybe(to(*value)),
            Kind::Has { base, field } => Kind::Has { base: to(*base), field: field.clone() },
            Kind::Index { base, index } => Kind::Index { base: to(*base), index: to(*index) },
            Kind::Call { target, function, absolute, args } => {
                Kind::Call { target: target.map(to), function: function.clone(), absolute: *absolute, args: all(args) }
            }
            Kind::Unary { op, operand } => Kind::Unary { op: *op, operand: to(*operand) },
            Kind::Binary { op, left, right } => Kind::Binary { op: *op, left: to(*left), right: to(*right) },
            Kind::And(operands) => Kind::And(all(operands)),
            Kind::Or(operands) => Kind::Or(all(operands)),
            Kind::Ternary { condition, yes, no } => Kind::Ternary { condition: to(*condition), yes: to(*yes), no: to(*no) },
            Kind::List(items) => Kind::List(all(items)),
            Kind::Map(entries) => Kind::Map(entries.iter().map(|(key, value)| (to(*key), to(*value))).collect()),
            Kind::Loop { form, range, variable, second, filter, body } => Kind::Loop {
                form: *form,
                range: to(*range),
                variable: variable.clone(),
                second: second.clone(),
                filter: filter.map(to),
                body: to(*body),
            },
            Kind::Bind { variable, value, body } => {
                Kind::Bind { variable: variable.clone(), value: to(*value), body: to(*body) }
            }
            Kind::Block { values, body } => Kind::Block { values: all(values), body: to(*body) },
            Kind::Where { stream, variable, condition } => {
                Kind::Where { stream: to(*stream), variable: variable.clone(), condition: to(*condition) }
            }
        }
    }
}

impl Extent {
    /// Where the extent lies in an expression on its own.
    #[must_use]
    pub fn place(self, text: &str) -> Place {
        let start = floor(text, self.start as usize);
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let number = text[..start].bytes().filter(|byte| *byte == b'\n').count();
        let line = text[line_start..].lines().next().unwrap_or("");
        let column = text[line_start..start].chars().count();
        Place {
            document: Arc::from(""),
            line: count(number + 1),
            column: count(column + 1),
            length: self.length(text),
            source: line.chars().take(200).collect::<String>().into(),
        }
    }

    /// Where the extent lies in the document that a text came from.
    #[must_use]
    pub fn place_in(self, text: &Text) -> Place {
        let start = floor(&text.text, self.start as usize);
        let line = text.lines.iter().take_while(|line| line.0 as usize <= start).last();
        let (from, number, column, source) = match line {
            Some((from, number, column, source)) => (*from as usize, *number, *column, source.clone()),
            None => (0, text.place.line, text.place.column, text.place.source.clone()),
        };
        let before = text.text.get(from..start).map_or(0, |before| before.chars().count());
        Place {
            document: text.place.document.clone(),
            line: number,
            column: column.saturating_add(count(before)),
            length: self.length(&text.text),
            source,
        }
    }

    /// From the beginning of one to the end of another.
    #[must_use]
    pub fn to(self, other: Extent) -> Extent {
        Extent { start: self.start, end: other.end.max(self.start) }
    }

    fn length(self, text: &str) -> u32 {
        let (start, end) = (floor(text, self.start as usize), floor(text, self.end as usize));
        let meant = text.get(start..end).unwrap_or("").lines().next().unwrap_or("");
        count(meant.chars().count()).max(1)
    }
}

/// The last character border at or before a byte.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
