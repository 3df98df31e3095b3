//! The checker: resolves names against a schema, gives every part a type and a class over time, and reports everything
//! that is wrong at once.

use super::ast::{Extent, Kind, NodeId, Tree};
use super::check_computed::Taken;
use super::checked::{Checked, Node, Op, Reads, Ref};
use super::finding::Finding;
use super::parse::parse;
use super::parse_macro::block_name;
use super::{EventKind, Limits, Schema, TimeClass, types};
use crate::error::{Diagnostic, Severity};
use crate::playbook::Text;
use crate::value::{Type, Value};
use std::sync::Arc;

/// What a position in a playbook needs an expression to give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// A truth value.
    Bool,
    /// An int, uint, double or decimal.
    Number,
    /// Anything.
    Any,
    /// A value of one type.
    Type(Type),
}

/// A position that needs a certain type: `check::expect(Type::Bool)`.
#[must_use]
pub fn expect(ty: Type) -> Expected {
    match ty {
        Type::Bool => Expected::Bool,
        Type::Dyn => Expected::Any,
        other => Expected::Type(other),
    }
}

/// Where and how an expression is compiled.
#[derive(Debug, Clone)]
pub struct CompileOptions<'a> {
    /// What names mean; without one every name is looked up when evaluated and nothing has a static type.
    pub schema: Option<&'a Schema>,
    /// The namespace in which names are looked for first, such as `a.b`; empty for none.
    pub container: &'a str,
    /// What the result must be.
    pub expected: Expected,
    /// The journey whose own condition this is, which `in_stage()` reads; empty elsewhere.
    pub journey: &'a str,
    /// How large the expression may be.
    pub limits: Limits,
}

impl<'a> CompileOptions<'a> {
    /// Any result, no container, the default limits.
    #[must_use]
    pub fn new(schema: Option<&'a Schema>) -> Self {
        CompileOptions { schema, container: "", expected: Expected::Any, journey: "", limits: Limits::DEFAULT }
    }
}

/// Compiles a text of a playbook. Below `journeys.<name>` it is a condition of that journey's own.
///
/// # Errors
/// Everything that is wrong, with places in the document.
pub fn compile_text(text: &Text, schema: &Schema, expected: &Expected) -> Result<Checked, Vec<Diagnostic>> {
    let journey = text.path.strip_prefix("journeys.").and_then(|rest| rest.split('.').next()).unwrap_or("");
    let options = CompileOptions { expected: expected.clone(), journey, ..CompileOptions::new(Some(schema)) };
    compile(&text.text, &options, &|finding| Diagnostic {
        code: finding.code,
        severity: finding.severity,
        message: finding.message.clone(),
        path: text.path.to_string(),
        place: Some(finding.extent.place_in(text)),
        hint: finding.hint.clone(),
        related: None,
    })
}

/// Compiles an expression on its own.
///
/// # Errors
/// Everything that is wrong, with places in the expression.
pub fn compile_source(source: &str, options: &CompileOptions<'_>) -> Result<Checked, Vec<Diagnostic>> {
    compile(source, options, &|finding| Diagnostic {
        code: finding.code,
        severity: finding.severity,
        message: finding.message.clone(),
        path: String::new(),
        place: Some(finding.extent.place(source)),
        hint: finding.hint.clone(),
        related: None,
    })
}

fn compile(
    source: &str,
    options: &CompileOptions<'_>,
    report: &dyn Fn(&Finding) -> Diagnostic,
) -> Result<Checked, Vec<Diagnostic>> {
    let refuse = |findings: Vec<Finding>| findings.iter().map(report).collect::<Vec<_>>();
    let tree = parse(source, &options.limits).map_err(refuse)?;
    let mut checker = Checker {
        tree: &tree,
        schema: options.schema,
        container: options.container,
        journey: options.journey,
        limits: &options.limits,
        nodes: Vec::new(),
        free: Vec::new(),
        scope: Vec::new(),
        findings: Vec::new(),
        reads: Reads::default(),
        taken: Taken::by(&tree),
    };
    let root = checker.lower(tree.root());
    checker.expect(root, &options.expected);
    let Checker { nodes, mut findings, reads, taken, .. } = checker;
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Err(refuse(findings));
    }
    let tree = if taken.trees.is_empty() { tree } else { tree.clone().with(&taken.trees) };
    if let Some(schema) = options.schema {
        let said = findings.iter().map(|finding| finding.extent).collect();
        findings.extend(super::warn::warnings(&tree, &nodes, root, schema, said));
    }
    let warnings = Arc::from(refuse(findings));
    Ok(Checked {
        nodes: Arc::from(nodes),
        root,
        reads: Arc::new(reads),
        limits: options.limits,
        warnings,
        tree: Arc::new(tree),
    })
}

/// What a name bound by a macro stands for.
pub(super) enum Binding {
    Value(Type, TimeClass),
    Event(Vec<EventKind>),
}

pub(super) struct Checker<'a> {
    pub(super) tree: &'a Tree,
    pub(super) schema: Option<&'a Schema>,
    pub(super) container: &'a str,
    pub(super) journey: &'a str,
    pub(super) limits: &'a Limits,
    pub(super) nodes: Vec<Node>,
    /// Of each node: whether what its type leaves open (`dyn`) may still become anything, as in `[]`.
    pub(super) free: Vec<bool>,
    /// Bound names, innermost last; a name's place is its slot.
    pub(super) scope: Vec<(Arc<str>, Binding)>,
    findings: Vec<Finding>,
    pub(super) reads: Reads,
    /// The computed values that are read.
    pub(super) taken: Taken<'a>,
}

impl Checker<'_> {
    pub(super) fn push(&mut self, syntax: NodeId, op: Op, ty: Type, class: TimeClass) -> Ref {
        let id = Ref(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        // Without a schema nothing is known before evaluation, constants included.
        let ty = if self.schema.is_some() { ty } else { Type::Dyn };
        let syntax_in_all = NodeId(syntax.0.saturating_add(self.taken.base));
        self.nodes.push(Node { op, ty, class, syntax: syntax_in_all, extent: self.extent(syntax) });
        self.free.push(false);
        id
    }

    pub(super) fn ty(&self, id: Ref) -> &Type {
        &self.nodes[id.0 as usize].ty
    }

    pub(super) fn class(&self, id: Ref) -> TimeClass {
        self.nodes[id.0 as usize].class
    }

    /// Where a part stands; the parts of a computed value stand where that is read.
    pub(super) fn extent(&self, id: NodeId) -> Extent {
        self.taken.site.unwrap_or_else(|| self.tree.node(id).extent)
    }

    /// The syntax of a part of the tree that is being checked.
    pub(super) fn syntax(&self, part: Ref) -> NodeId {
        NodeId(self.nodes[part.0 as usize].syntax.0.saturating_sub(self.taken.base))
    }

    /// Whether more findings would be dropped, so that looking for hints is in vain.
    pub(super) fn is_full(&self) -> bool {
        self.findings.len() >= 100
    }

    pub(super) fn report(&mut self, finding: Finding) {
        if !self.is_full() {
            self.findings.push(finding);
        }
    }

    /// Something of which nothing more is said, after it was reported.
    pub(super) fn broken(&mut self, syntax: NodeId) -> Ref {
        self.push(syntax, Op::Constant(Value::Null), Type::Dyn, TimeClass::Constant)
    }

    pub(super) fn wrong(&mut self, syntax: NodeId, finding: Finding) -> Ref {
        self.report(finding);
        self.broken(syntax)
    }

    pub(super) fn mismatch(&mut self, syntax: NodeId, expected: &str, found: &Type) {
        if self.schema.is_some() {
            let text = self.shown(syntax);
            let message = format!("expected {expected}, but `{text}` is {found}");
            self.report(Finding::error("type_mismatch", self.extent(syntax), message));
        }
    }

    pub(super) fn shown(&self, syntax: NodeId) -> String {
        let text = super::print::print_node(self.tree, syntax);
        if text.chars().count() > 60 { text.chars().take(59).chain(['…']).collect() } else { text }
    }

    pub(super) fn expect(&mut self, root: Ref, expected: &Expected) {
        let found = self.ty(root).clone();
        let syntax = self.tree.root();
        let (fits, wanted) = match expected {
            Expected::Any => (true, String::new()),
            Expected::Bool => (matches!(found, Type::Bool | Type::Dyn), "bool".to_string()),
            Expected::Number => (types::is_number(&found) || found == Type::Dyn, "a number".to_string()),
            Expected::Type(wanted) => (types::comparable(wanted, &found), wanted.to_string()),
        };
        if !fits {
            self.mismatch(syntax, &wanted, &found);
        }
    }

    /// The class of something computed from parts of these classes in a way that does not keep movement.
    pub(super) fn mixed(&self, parts: impl IntoIterator<Item = Ref>) -> TimeClass {
        let most = parts.into_iter().map(|part| self.class(part)).max().unwrap_or(TimeClass::Constant);
        if most >= TimeClass::Linear { TimeClass::Other } else { most }
    }

    pub(super) fn lower(&mut self, id: NodeId) -> Ref {
        match self.tree.node(id).kind.clone() {
            Kind::Literal(value) => {
                let ty = types::of(&value);
                self.push(id, Op::Constant(value), ty, TimeClass::Constant)
            }
            Kind::Name { .. } | Kind::Select { .. } => self.path(id),
            Kind::Has { base, field } => self.has(id, base, &field),
            Kind::OptionalSelect { base, field } => self.optional_select(id, base, &field),
            Kind::OptionalIndex { base, index } => self.optional_index(id, base, index),
            Kind::Maybe(inner) => self.maybe(id, inner),
            Kind::Index { base, index } => self.index(id, base, index),
            Kind::Call { target, function, args, .. } => self.call(id, target, &function, &args),
            Kind::Unary { op, operand } => self.unary(id, op, operand),
            Kind::Binary { op, left, right } => self.binary(id, op, left, right),
            Kind::And(operands) => self.junction(id, &operands, Op::And),
            Kind::Or(operands) => self.junction(id, &operands, Op::Or),
            Kind::Ternary { condition, yes, no } => self.ternary(id, condition, yes, no),
            Kind::List(items) => self.list(id, &items),
            Kind::Map(entries) => self.map(id, &entries),
            Kind::Loop { form, range, variable, second, filter, body } => {
                self.repeat(id, form, range, &variable, second, filter, body)
            }
            Kind::Bind { variable, value, body } => self.bound_in(id, &variable, value, |checker| checker.lower(body)),
            Kind::Block { values, body } => self.block(id, &values, 0, body),
            Kind::Where { .. } => self.bare_stream(id),
        }
    }

    /// A name with a value, and what reads it.
    fn bound_in(&mut self, id: NodeId, name: &Arc<str>, value: NodeId, body: impl FnOnce(&mut Self) -> Ref) -> Ref {
        let value = self.lower(value);
        let slot = self.bind(name, Binding::Value(self.ty(value).clone(), self.mixed([value])));
        let body = body(self);
        self.scope.pop();
        let (ty, class) = (self.ty(body).clone(), self.class(body).max(self.mixed([value])));
        let free = self.free[body.0 as usize];
        let bind = self.push(id, Op::Bind { slot, value, body }, ty, class);
        self.free[bind.0 as usize] = free;
        bind
    }

    /// `cel.block`: every value is bound for what comes behind it.
    fn block(&mut self, id: NodeId, values: &[NodeId], at: i64, body: NodeId) -> Ref {
        match values.split_first() {
            Some((value, rest)) => {
                let name = Arc::from(block_name(at));
                self.bound_in(id, &name, *value, |checker| checker.block(id, rest, at + 1, body))
            }
            None => self.lower(body),
        }
    }

    pub(super) fn bind(&mut self, name: &Arc<str>, binding: Binding) -> u32 {
        self.scope.push((name.clone(), binding));
        u32::try_from(self.scope.len() - 1).unwrap_or(u32::MAX)
    }

    pub(super) fn need_bool(&mut self, syntax: NodeId, found: &Type) {
        if !matches!(found, Type::Bool | Type::Dyn) {
            self.mismatch(syntax, "bool", found);
        }
    }

    pub(super) fn join(&self, a: Ref, b: Ref) -> Option<(Type, bool)> {
        types::join((self.ty(a), self.free[a.0 as usize]), (self.ty(b), self.free[b.0 as usize]))
    }

    /// The type that all have in common; `dyn` when there is none.
    pub(super) fn common(&self, parts: &[Ref]) -> (Type, bool) {
        let Some((first, rest)) = parts.split_first() else { return (Type::Dyn, true) };
        let mut common = (self.ty(*first).clone(), self.free[first.0 as usize]);
        for part in rest {
            common =
                types::join((&common.0, common.1), (self.ty(*part), self.free[part.0 as usize])).unwrap_or((Type::Dyn, false));
        }
        common
    }
}
