//! A plan asked about very many customers at once, one step after the other: every node is a column.
//!
//! Slots are added up beforehand by whoever has the rows, see [`Plan::tallies`]; only rolling windows and plain aggregates can be. What a
//! column cannot say is left to the plan itself, customer by customer.

use super::super::ast::BinaryOp;
use super::super::stream::Terminal;
use super::super::value_ops;
use super::ask::NEVER;
use super::scalar::Scalar;
use super::turns::LONGEST;
use super::{Code, Constant, Node, Plan};
use crate::expr::{EventKind, FactId, PropertyId};

/// What an aggregate adds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Count,
    Exists,
    /// Of doubles, in the order of the rows.
    Sum,
    SinceLast,
    SinceFirst,
    /// Different texts.
    CountDistinct,
}

/// A slot that rows can be added up into.
#[derive(Debug, Clone)]
pub(crate) struct Tally {
    /// Its number in the plan.
    pub(crate) slot: u32,
    pub(crate) kinds: Vec<EventKind>,
    /// The length of the window; the greatest number without one.
    pub(crate) length: i64,
    pub(crate) end: End,
    pub(crate) property: Option<PropertyId>,
}

/// A column: one value per customer.
#[derive(Debug, Clone)]
pub(crate) struct Sheet {
    pub(crate) values: Values,
    /// Which are known; empty when all are.
    pub(crate) known: Vec<bool>,
}

/// Values of one type.
#[derive(Debug, Clone)]
pub(crate) enum Values {
    Bool(Vec<bool>),
    Int(Vec<i64>),
    Double(Vec<f64>),
    /// Instants, in microseconds, the time since which is asked for.
    Since(Vec<i64>),
}

/// Where columns come from.
pub(crate) trait Sheets {
    /// How many customers there are.
    fn count(&self) -> usize;
    /// The instant of the question, in microseconds.
    fn now(&self) -> i64;
    /// A slot that was added up.
    fn slot(&self, slot: u32) -> Option<Sheet>;
    /// The segment that a fact is, or its column.
    fn fact(&self, fact: FactId) -> Option<FactSheet>;
    /// Only the plan itself can say what this customer comes to.
    fn hard(&mut self, customer: usize);
}

/// What a fact is.
pub(crate) enum FactSheet {
    /// A segment, which is an expression of the same plan.
    Segment(Code),
    Column(Sheet),
}

/// The columns of all nodes that were asked for.
pub(crate) struct Answered {
    nodes: Vec<Made>,
}

/// What a node came to.
enum Made {
    Open,
    Own(Sheet),
    /// What another node came to.
    Same(u32),
}

impl Answered {
    /// Nothing asked yet.
    pub(crate) fn new(plan: &Plan) -> Self {
        Answered { nodes: (0..plan.nodes.len()).map(|_| Made::Open).collect() }
    }

    /// The column of an expression that was asked for.
    pub(crate) fn get(&self, code: Code) -> Option<&Sheet> {
        self.node(code.0)
    }

    fn node(&self, at: u32) -> Option<&Sheet> {
        match self.nodes.get(at as usize)? {
            Made::Own(sheet) => Some(sheet),
            // A segment is a node that stands before those that read it.
            Made::Same(other) if *other != at => self.node(*other),
            Made::Same(_) | Made::Open => None,
        }
    }
}

impl Plan {
    /// What can be added up of the slots that some expressions read.
    pub(crate) fn tallies(&self, codes: impl IntoIterator<Item = Code>) -> Vec<Tally> {
        let mut wanted = vec![false; self.slots.len()];
        for code in codes {
            self.each_node(code.0, &mut |node| {
                if let Node::Slot(slot) | Node::AgeTest(slot, _) = node
                    && let Some(wanted) = wanted.get_mut(*slot as usize)
                {
                    *wanted = true;
                }
            });
        }
        let tally = |(number, slot): (usize, &super::slot::Slot)| {
            let window = self.windows.get(slot.window as usize)?;
            if !window.units.is_empty() || window.session || slot.parts.iter().any(|part| part.filter.is_some()) {
                return None;
            }
            let double = matches!(slot.zero, Some(Scalar::Double(zero)) if zero == 0.0);
            let end = match (slot.terminal, slot.property) {
                (Terminal::Count, None) => End::Count,
                (Terminal::Exists, None) => End::Exists,
                (Terminal::SinceLast, None) => End::SinceLast,
                (Terminal::SinceFirst, None) => End::SinceFirst,
                (Terminal::Sum, Some(_)) if double && slot.parts.len() == 1 => End::Sum,
                (Terminal::CountDistinct, Some(_)) => End::CountDistinct,
                _ => return None,
            };
            Some(Tally {
                slot: u32::try_from(number).ok()?,
                kinds: slot.parts.iter().map(|part| part.kind).collect(),
                length: window.lengths.iter().copied().min().unwrap_or(NEVER),
                end,
                property: slot.property,
            })
        };
        self.slots.iter().enumerate().filter(|(number, _)| wanted.get(*number) == Some(&true)).filter_map(tally).collect()
    }

    /// Asks an expression about all customers; `None` when columns cannot say.
    pub(crate) fn ask_all(&self, code: Code, sheets: &mut dyn Sheets, answered: &mut Answered) -> Option<()> {
        self.sheet(code.0, sheets, answered)
    }

    fn sheet(&self, at: u32, sheets: &mut dyn Sheets, answered: &mut Answered) -> Option<()> {
        if !matches!(answered.nodes.get(at as usize)?, Made::Open) {
            return Some(());
        }
        let node = self.nodes.get(at as usize)?;
        let parts: &[u32] = match node {
            Node::Not(one) | Node::Double(one) | Node::In(one, _) => std::slice::from_ref(one),
            Node::And(all) | Node::Or(all) => all,
            _ => &[],
        };
        for part in parts {
            self.sheet(*part, sheets, answered)?;
        }
        if let Node::Binary(_, left, right) = node {
            // A number that is the same for all needs no column, unless there is nothing beside it.
            let alone = self.plain(*left).is_some() && self.plain(*right).is_some();
            for part in [left, right] {
                if alone || self.plain(*part).is_none() {
                    self.sheet(*part, sheets, answered)?;
                }
            }
        }
        if let Node::Ternary(condition, yes, no) = node {
            for part in [condition, yes, no] {
                self.sheet(*part, sheets, answered)?;
            }
        }
        let found = match node {
            Node::Fact(fact) => match sheets.fact(*fact)? {
                FactSheet::Column(sheet) => Made::Own(sheet),
                FactSheet::Segment(code) => {
                    self.sheet(code.0, sheets, answered)?;
                    Made::Same(code.0)
                }
            },
            Node::Computed(_, inner) => {
                self.sheet(*inner, sheets, answered)?;
                Made::Same(*inner)
            }
            node => Made::Own(self.made(node, sheets, answered)?),
        };
        *answered.nodes.get_mut(at as usize)? = found;
        Some(())
    }

    /// The number or truth that a node always comes to.
    fn plain(&self, at: u32) -> Option<Scalar<'static>> {
        match self.nodes.get(at as usize)? {
            Node::Constant(Constant::Plain(scalar)) => Some(*scalar),
            _ => None,
        }
    }

    fn made(&self, node: &Node, sheets: &mut dyn Sheets, answered: &Answered) -> Option<Sheet> {
        let of = |at: &u32| answered.node(*at);
        let count = sheets.count();
        match node {
            Node::Constant(Constant::Plain(scalar)) => {
                let values = match *scalar {
                    Scalar::Bool(truth) => Values::Bool(vec![truth; count]),
                    Scalar::Int(number) => Values::Int(vec![number; count]),
                    Scalar::Double(number) => Values::Double(vec![number; count]),
                    _ => return None,
                };
                Some(Sheet::known(values))
            }
            Node::Slot(slot) => sheets.slot(*slot).filter(|sheet| !matches!(sheet.values, Values::Since(_))),
            Node::AgeTest(slot, turns) => {
                let Sheet { values: Values::Since(since), known } = sheets.slot(*slot)? else { return None };
                let now = sheets.now();
                let mut truths = turns.all(since.iter().map(|since| now.saturating_sub(*since)));
                if !known.is_empty() {
                    truths.iter_mut().zip(&known).for_each(|(truth, known)| *truth &= *known);
                }
                for (customer, since) in since.iter().enumerate() {
                    // Near the end of time the reference is asked.
                    if now.saturating_sub(*since) > LONGEST / 2 && known.get(customer).copied().unwrap_or(true) {
                        sheets.hard(customer);
                    }
                }
                Some(Sheet { values: Values::Bool(truths), known })
            }
            Node::Not(one) => {
                let Sheet { values: Values::Bool(truths), known } = of(one)? else { return None };
                let truths = truths.iter().map(|truth| !truth).collect();
                Some(Sheet { values: Values::Bool(truths), known: known.clone() })
            }
            Node::Double(one) => {
                let Sheet { values, known } = of(one)?;
                let values = match values {
                    Values::Int(numbers) => numbers.iter().map(|number| *number as f64).collect(),
                    Values::Double(numbers) => numbers.clone(),
                    Values::Bool(_) | Values::Since(_) => return None,
                };
                Some(Sheet { values: Values::Double(values), known: known.clone() })
            }
            Node::And(all) => junction(all.iter().map(&of), count, false),
            Node::Or(all) => junction(all.iter().map(&of), count, true),
            Node::Ternary(condition, yes, no) => {
                let Sheet { values: Values::Bool(truths), known } = of(condition)? else { return None };
                let (yes, no) = (of(yes)?, of(no)?);
                let values = match (&yes.values, &no.values) {
                    (Values::Bool(yes), Values::Bool(no)) => Values::Bool(chosen(truths, yes, no)),
                    (Values::Int(yes), Values::Int(no)) => Values::Int(chosen(truths, yes, no)),
                    (Values::Double(yes), Values::Double(no)) => Values::Double(chosen(truths, yes, no)),
                    _ => return None,
                };
                if known.is_empty() && yes.known.is_empty() && no.known.is_empty() {
                    return Some(Sheet::known(values));
                }
                let taken = truths.iter().enumerate().map(|(customer, truth)| {
                    let branch = if *truth { yes } else { no };
                    known.get(customer).copied().unwrap_or(true) && branch.has(customer)
                });
                let known = taken.collect();
                Some(Sheet { values, known })
            }
            Node::Binary(op, left, right) => {
                let (left, right) = match (self.plain(*left), self.plain(*right)) {
                    (None, Some(number)) => (Side::Column(of(left)?), Side::One(number)),
                    (Some(number), None) => (Side::One(number), Side::Column(of(right)?)),
                    _ => (Side::Column(of(left)?), Side::Column(of(right)?)),
                };
                binary(*op, left, right, sheets)
            }
            Node::Fact(_)
            | Node::OrElse(..)
            | Node::Computed(..)
            | Node::Has(_)
            | Node::Age(..)
            | Node::AgeAgainst(_)
            | Node::Length(..)
            | Node::In(..)
            | Node::Constant(Constant::Text(_)) => None,
        }
    }
}

impl Sheet {
    /// A column of which all is known.
    pub(crate) fn known(values: Values) -> Self {
        Sheet { values, known: Vec::new() }
    }

    /// Whether a customer's value is known.
    pub(crate) fn has(&self, customer: usize) -> bool {
        self.known.get(customer).copied().unwrap_or(true)
    }

    /// The truths of all, where what is not known stands as anything; `None` for other values.
    pub(crate) fn truths(&self) -> Option<&[bool]> {
        match &self.values {
            Values::Bool(truths) => Some(truths),
            _ => None,
        }
    }
}

fn chosen<T: Copy>(truths: &[bool], yes: &[T], no: &[T]) -> Vec<T> {
    truths.iter().zip(yes.iter().zip(no)).map(|(truth, (yes, no))| if *truth { *yes } else { *no }).collect()
}

/// What is not known stands as false in the values.
fn junction<'s>(parts: impl Iterator<Item = Option<&'s Sheet>>, count: usize, absorbing: bool) -> Option<Sheet> {
    let mut absorbed = vec![false; count];
    let mut unknown: Vec<bool> = Vec::new();
    for part in parts {
        let Sheet { values: Values::Bool(truths), known } = part? else { return None };
        if known.is_empty() {
            absorbed.iter_mut().zip(truths).for_each(|(absorbed, truth)| *absorbed |= *truth == absorbing);
            continue;
        }
        unknown.resize(count, false);
        for ((absorbed, unknown), (truth, known)) in absorbed.iter_mut().zip(&mut unknown).zip(truths.iter().zip(known)) {
            *absorbed |= *known && *truth == absorbing;
            *unknown |= !known;
        }
    }
    let known = unknown.iter().zip(&absorbed).map(|(unknown, absorbed)| *absorbed || !unknown).collect();
    let truths = absorbed.into_iter().map(|absorbed| absorbed == absorbing).collect();
    Some(Sheet { values: Values::Bool(truths), known })
}

/// One side of an operator.
#[derive(Clone, Copy)]
enum Side<'s> {
    Column(&'s Sheet),
    /// The same for all.
    One(Scalar<'static>),
}

/// One side of an operator by its type.
#[derive(Clone, Copy)]
enum Operand<'s, T> {
    All(&'s [T]),
    One(T),
}

impl<'s> Side<'s> {
    fn known(self) -> &'s [bool] {
        match self {
            Side::Column(sheet) => &sheet.known,
            Side::One(_) => &[],
        }
    }

    fn ints(self) -> Option<Operand<'s, i64>> {
        match self {
            Side::Column(Sheet { values: Values::Int(numbers), .. }) => Some(Operand::All(numbers)),
            Side::One(Scalar::Int(number)) => Some(Operand::One(number)),
            _ => None,
        }
    }

    fn doubles(self) -> Option<Operand<'s, f64>> {
        match self {
            Side::Column(Sheet { values: Values::Double(numbers), .. }) => Some(Operand::All(numbers)),
            Side::One(Scalar::Double(number)) => Some(Operand::One(number)),
            _ => None,
        }
    }

    fn truths(self) -> Option<Operand<'s, bool>> {
        match self {
            Side::Column(Sheet { values: Values::Bool(truths), .. }) => Some(Operand::All(truths)),
            Side::One(Scalar::Bool(truth)) => Some(Operand::One(truth)),
            _ => None,
        }
    }
}

fn binary(op: BinaryOp, left: Side<'_>, right: Side<'_>, sheets: &mut dyn Sheets) -> Option<Sheet> {
    let known = match (left.known(), right.known()) {
        ([], known) | (known, []) => known.to_vec(),
        (left, right) => left.iter().zip(right).map(|(left, right)| *left && *right).collect(),
    };
    let values = if let (Some(left), Some(right)) = (left.ints(), right.ints()) {
        if op.is_comparison() {
            Values::Bool(compared(op, left, right))
        } else {
            Values::Int(whole(op, left, right, &known, sheets)?)
        }
    } else if let (Some(left), Some(right)) = (left.doubles(), right.doubles()) {
        match op {
            op if op.is_comparison() => Values::Bool(compared(op, left, right)),
            BinaryOp::Add => Values::Double(paired(left, right, |left, right| left + right)),
            BinaryOp::Subtract => Values::Double(paired(left, right, |left, right| left - right)),
            BinaryOp::Multiply => Values::Double(paired(left, right, |left, right| left * right)),
            _ => return None,
        }
    } else if let (Some(left), Some(right), BinaryOp::Equal | BinaryOp::NotEqual) = (left.truths(), right.truths(), op) {
        Values::Bool(compared(op, left, right))
    } else {
        return None;
    };
    Some(Sheet { values, known })
}

/// Whole numbers; whom they run over for is asked otherwise, because that is an error with a place.
fn whole(
    op: BinaryOp,
    left: Operand<'_, i64>,
    right: Operand<'_, i64>,
    known: &[bool],
    sheets: &mut dyn Sheets,
) -> Option<Vec<i64>> {
    let with = match op {
        BinaryOp::Add => i64::checked_add,
        BinaryOp::Subtract => i64::checked_sub,
        BinaryOp::Multiply => i64::checked_mul,
        _ => return None,
    };
    let found = paired(left, right, with);
    for (customer, value) in found.iter().enumerate() {
        if value.is_none() && known.get(customer).copied().unwrap_or(true) {
            sheets.hard(customer);
        }
    }
    Some(found.into_iter().map(|value| value.unwrap_or(0)).collect())
}

fn compared<T: PartialOrd + Copy>(op: BinaryOp, left: Operand<'_, T>, right: Operand<'_, T>) -> Vec<bool> {
    match op {
        BinaryOp::Less => paired(left, right, |left, right| left < right),
        BinaryOp::LessEqual => paired(left, right, |left, right| left <= right),
        BinaryOp::Greater => paired(left, right, |left, right| left > right),
        BinaryOp::GreaterEqual => paired(left, right, |left, right| left >= right),
        op => paired(left, right, |left, right| value_ops::holds(op, left.partial_cmp(&right))),
    }
}

fn paired<T: Copy, R>(left: Operand<'_, T>, right: Operand<'_, T>, make: impl Fn(T, T) -> R) -> Vec<R> {
    match (left, right) {
        (Operand::All(left), Operand::All(right)) => left.iter().zip(right).map(|(left, right)| make(*left, *right)).collect(),
        (Operand::All(left), Operand::One(right)) => left.iter().map(|left| make(*left, right)).collect(),
        (Operand::One(left), Operand::All(right)) => right.iter().map(|right| make(left, *right)).collect(),
        (Operand::One(left), Operand::One(right)) => vec![make(left, right)],
    }
}
