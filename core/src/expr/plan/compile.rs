//! Compiling many checked expressions into one plan.

use super::super::ast::BinaryOp;
use super::super::checked::{Checked, Op, Ref};
use super::super::stream::{Bound, Stream, Terminal};
use super::slot::{Part, Slot};
use super::turns::Turns;
use super::{Against, Code, Constant, Node, Plan, Scalar, Window};
use crate::expr::EventKind;
use crate::value::{Type, Value};
use std::collections::BTreeMap;

/// Gathers expressions into a [`Plan`].
#[derive(Debug, Default)]
pub(crate) struct PlanBuilder {
    plan: Plan,
    nodes: BTreeMap<String, u32>,
    slots: BTreeMap<String, u32>,
    filters: BTreeMap<(EventKind, String), u8>,
    /// The nodes of computed values, by what they are.
    computed: BTreeMap<u32, u32>,
    /// Facts below this number are the same throughout a question, whatever becomes of journeys meanwhile.
    still: u32,
}

/// A compiled part, and how it moves with time.
#[derive(Debug, Clone, Copy)]
enum Moves {
    /// It stands still between the instants it tells.
    Still(u32),
    /// The age in a slot, in units of so many nanoseconds or as a duration.
    Age(u32, Option<f64>),
}

impl PlanBuilder {
    /// One over facts of which the first so many are the same throughout a question.
    pub(crate) fn over(still: u32) -> Self {
        PlanBuilder { still, ..Self::default() }
    }

    /// Adds an expression; `None` when it has to be left to the reference.
    pub(crate) fn add(&mut self, expression: &Checked) -> Option<Code> {
        match self.part(expression, expression.root)? {
            Moves::Still(node) => Some(Code(node)),
            Moves::Age(slot, Some(unit)) => Some(Code(self.node(Node::Age(slot, unit)))),
            Moves::Age(_, None) => None,
        }
    }

    /// The finished plan.
    pub(crate) fn build(self) -> Plan {
        self.plan
    }

    fn node(&mut self, node: Node) -> u32 {
        let key = format!("{node:?}");
        if let Some(known) = self.nodes.get(&key) {
            return *known;
        }
        let number = u32::try_from(self.plan.nodes.len()).unwrap_or(u32::MAX);
        self.plan.nodes.push(node);
        self.nodes.insert(key, number);
        number
    }

    fn still(&mut self, expression: &Checked, id: Ref) -> Option<u32> {
        match self.part(expression, id)? {
            Moves::Still(node) => Some(node),
            Moves::Age(..) => None,
        }
    }

    fn part(&mut self, expression: &Checked, id: Ref) -> Option<Moves> {
        let node = expression.node(id);
        let built = match &node.op {
            Op::Constant(value) => Node::Constant(constant(value)?),
            Op::Fact(fact) if plain(&node.ty) => Node::Fact(*fact),
            Op::HasFact(fact) => Node::Has(*fact),
            Op::Computed(value) => {
                return match self.part(expression, *value)? {
                    Moves::Still(inner) => Some(Moves::Still(self.computed(inner))),
                    moving => Some(moving),
                };
            }
            Op::Not(operand) => Node::Not(self.still(expression, *operand)?),
            Op::And(operands) => Node::And(self.all(expression, operands)?),
            Op::Or(operands) => Node::Or(self.all(expression, operands)?),
            Op::Ternary { condition, yes, no } => {
                Node::Ternary(self.still(expression, *condition)?, self.still(expression, *yes)?, self.still(expression, *no)?)
            }
            Op::OrElse { base, other, unwraps: true } => {
                let Op::Told(read) = expression.node(*base).op else { return None };
                Node::OrElse(self.still(expression, read)?, self.still(expression, *other)?)
            }
            Op::Binary { op: BinaryOp::In, left, right } => {
                let left = self.still(expression, *left)?;
                Node::In(left, items(expression, *right)?)
            }
            Op::Binary { op, left, right } => return self.binary(expression, *op, *left, *right),
            Op::Call { function, args } if function.name == "double" => {
                let [arg] = args[..] else { return None };
                Node::Double(self.still(expression, arg)?)
            }
            Op::Call { function, args } => {
                let unit = match function.name {
                    "days" => 86_400_000_000_000.0,
                    "hours" => 3_600_000_000_000.0,
                    "minutes" => 60_000_000_000.0,
                    "seconds" => 1_000_000_000.0,
                    _ => return None,
                };
                let [arg] = args[..] else { return None };
                return match self.part(expression, arg)? {
                    Moves::Age(slot, None) => Some(Moves::Age(slot, Some(unit))),
                    Moves::Still(length) if expression.node(arg).ty == Type::Duration => {
                        Some(Moves::Still(self.node(Node::Length(length, unit))))
                    }
                    _ => None,
                };
            }
            Op::Stream(stream) => {
                let is_value = matches!(
                    stream.terminal,
                    Terminal::Min | Terminal::Max | Terminal::First | Terminal::Last | Terminal::Avg | Terminal::Sum
                );
                if is_value && !plain(&node.ty) {
                    return None;
                }
                let slot = self.slot(stream)?;
                if matches!(stream.terminal, Terminal::SinceLast | Terminal::SinceFirst) {
                    return Some(Moves::Age(slot, None));
                }
                Node::Slot(slot)
            }
            _ => return None,
        };
        Some(Moves::Still(self.node(built)))
    }

    /// A computed value that is kept for the question, unless it is a single thing, which is looked up once anyway, or may change within.
    fn computed(&mut self, inner: u32) -> u32 {
        let mut still = true;
        self.plan.each_node(inner, &mut |node| {
            if let Node::Fact(fact) | Node::Has(fact) = node {
                still &= fact.0 < self.still;
            }
        });
        let single = matches!(
            self.plan.nodes.get(inner as usize),
            Some(Node::Constant(_) | Node::Fact(_) | Node::Has(_) | Node::Slot(_) | Node::Computed(..)) | None
        );
        if single || !still {
            return inner;
        }
        if let Some(known) = self.computed.get(&inner) {
            return *known;
        }
        let node = self.node(Node::Computed(self.plan.computed, inner));
        self.plan.computed += 1;
        self.computed.insert(inner, node);
        node
    }

    fn all(&mut self, expression: &Checked, parts: &[Ref]) -> Option<Box<[u32]>> {
        parts.iter().map(|part| self.still(expression, *part)).collect()
    }

    fn binary(&mut self, expression: &Checked, op: BinaryOp, left: Ref, right: Ref) -> Option<Moves> {
        let value = |id: Ref| match &expression.node(id).op {
            Op::Constant(value) => Some(value),
            _ => None,
        };
        let against = |(slot, unit): (u32, Option<f64>), still: u32, id: Ref, right: bool| match value(id) {
            Some(constant) => Some(Node::AgeTest(slot, Turns::of(op, unit, constant, right)?)),
            None => Some(Node::AgeAgainst(Against { slot, unit, op, value: still, right })),
        };
        let node = match (self.part(expression, left)?, self.part(expression, right)?) {
            (Moves::Still(left), Moves::Still(right)) => Node::Binary(op, left, right),
            (Moves::Age(slot, unit), Moves::Still(still)) if op.is_comparison() => against((slot, unit), still, right, false)?,
            (Moves::Still(still), Moves::Age(slot, unit)) if op.is_comparison() => against((slot, unit), still, left, true)?,
            _ => return None,
        };
        Some(Moves::Still(self.node(node)))
    }

    fn slot(&mut self, stream: &Stream) -> Option<u32> {
        if stream.subject.is_some() || !stream.follows.is_empty() || !supported(stream.terminal) {
            return None;
        }
        let mut window = Window { lengths: Vec::new(), units: Vec::new(), session: false };
        for bound in &stream.bounds {
            match bound {
                Bound::Rolling(length) => window.lengths.push(length.micros()),
                Bound::Calendar(calendar) => window.units.push(*calendar),
                Bound::Session => window.session = true,
                Bound::RollingBy(_) | Bound::Since(_) | Bound::Before(_) => return None,
            }
        }
        let zero = match (stream.terminal, &stream.zero) {
            (Terminal::Sum, zero) => Some(match constant(zero)? {
                Constant::Plain(zero) => zero,
                Constant::Text(_) => return None,
            }),
            _ => None,
        };
        let tests = stream.tests.as_ref()?;
        // The gaps between events of several types are left to the reference.
        if stream.terminal == Terminal::UsualGap && stream.kinds.len() != 1 {
            return None;
        }
        let window = self.window(window);
        let mut parts = Vec::with_capacity(stream.kinds.len());
        for kind in &stream.kinds {
            let filter = if tests.tests.is_empty() { None } else { Some(self.filter(*kind, tests)?) };
            let track = number(&mut self.plan.kinds, *kind);
            parts.push(Part { kind: *kind, track, range: self.range(*kind, window), filter });
        }
        let (terminal, property) = (stream.terminal, stream.property.filter(|_| stream.terminal.takes_property()));
        let slot = Slot { parts: parts.into(), window, terminal, property, zero };
        let key = format!("{slot:?}");
        if let Some(known) = self.slots.get(&key) {
            return Some(*known);
        }
        let in_blocks = matches!(slot.terminal, Terminal::Sum | Terminal::Avg | Terminal::Min | Terminal::Max);
        if let (true, Some(property)) = (in_blocks, slot.property) {
            for kind in &stream.kinds {
                let kind = usize::from(kind.0);
                let summed = &mut self.plan.filters.summed;
                if summed.len() <= kind {
                    summed.resize(kind + 1, Vec::new());
                }
                if let Some(summed) = summed.get_mut(kind).filter(|summed| !summed.contains(&property)) {
                    summed.push(property);
                }
            }
        }
        let number = u32::try_from(self.plan.slots.len()).ok()?;
        self.plan.slots.push(slot);
        self.slots.insert(key, number);
        Some(number)
    }

    fn window(&mut self, window: Window) -> u32 {
        number(&mut self.plan.windows, window)
    }

    fn range(&mut self, kind: EventKind, window: u32) -> u32 {
        number(&mut self.plan.ranges, (kind, window))
    }

    fn filter(&mut self, kind: EventKind, tests: &super::super::row_test::RowTests) -> Option<u8> {
        let key = (kind, format!("{tests:?}"));
        if let Some(known) = self.filters.get(&key) {
            return Some(*known);
        }
        let number = self.plan.filters.add(kind, tests)?;
        self.filters.insert(key, number);
        Some(number)
    }
}

/// The place of something in a list that holds it once.
fn number<T: PartialEq>(list: &mut Vec<T>, wanted: T) -> u32 {
    let place = list.iter().position(|known| *known == wanted).unwrap_or_else(|| {
        list.push(wanted);
        list.len() - 1
    });
    u32::try_from(place).unwrap_or(u32::MAX)
}

fn constant(value: &Value) -> Option<Constant> {
    if let Value::String(text) = value {
        return Some(Constant::Text(text.clone()));
    }
    Scalar::of(value)?.without_text().map(Constant::Plain)
}

/// The elements of a list of constants.
fn items(expression: &Checked, list: Ref) -> Option<Box<[Constant]>> {
    match &expression.node(list).op {
        Op::Constant(Value::List(items)) => items.iter().map(constant).collect(),
        Op::List(items) => items
            .iter()
            .map(|item| match &expression.node(*item).op {
                Op::Constant(value) => constant(value),
                _ => None,
            })
            .collect(),
        _ => None,
    }
}

/// Whether values of a type are scalars.
fn plain(ty: &Type) -> bool {
    matches!(
        ty,
        Type::Bool
            | Type::Int
            | Type::Uint
            | Type::Double
            | Type::Decimal { .. }
            | Type::Money { .. }
            | Type::Duration
            | Type::String
            | Type::Enum(_)
    )
}

fn supported(terminal: Terminal) -> bool {
    matches!(
        terminal,
        Terminal::Count
            | Terminal::Exists
            | Terminal::Sum
            | Terminal::Avg
            | Terminal::Min
            | Terminal::Max
            | Terminal::First
            | Terminal::Last
            | Terminal::CountDistinct
            | Terminal::SinceLast
            | Terminal::SinceFirst
            | Terminal::UsualGap
    )
}
