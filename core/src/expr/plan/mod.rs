//! All conditions and factors of a playbook compiled together: equal aggregates become one slot that is filled at most once per
//! question, straight from the columns of the story; equal parts become one node; the rules are small programs over them.
//!
//! A plan answers what the reference evaluator answers, the instant until which it holds included, or it *defers*: an error, an
//! event of which a condition is not known, a story in several strands. Whoever asks then asks the reference.

mod ask;
mod blocks;
mod compile;
mod live;
mod number;
mod renew;
mod scalar;
mod sheet;
mod slot;
mod turns;
mod verdict;

pub(crate) use ask::{Asker, Defer, Found, Ground, Memo, NEVER};
pub(crate) use blocks::Blocks;
pub(crate) use compile::PlanBuilder;
pub(crate) use live::{Form, Live, State};
pub(crate) use scalar::Scalar;
pub(crate) use sheet::{Answered, End, FactSheet, Sheet, Sheets, Tally, Values};
pub(crate) use slot::{Columns, Filters, Seen};

use super::ast::BinaryOp;
use super::stream::{Calendar, Terminal};
use super::{EventKind, FactId, PropertyId};
use slot::Slot;
use turns::Turns;

/// The compiled expressions.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    nodes: Vec<Node>,
    slots: Vec<Slot>,
    windows: Vec<Window>,
    /// The event types that slots read, looked up once per question.
    kinds: Vec<EventKind>,
    /// An event type and a window: where both meet is found once per question.
    ranges: Vec<(EventKind, u32)>,
    filters: Filters,
    /// How many computed values there are.
    computed: u32,
    /// Slots that are not looked up while a story only grows.
    standing: live::Standing,
    /// Numbers that are made of slots that stand.
    numbers: number::Numbers,
    /// Conditions on slots that stand.
    verdicts: verdict::Verdicts,
}

/// What a plan reads of the events of a type.
pub(crate) struct KindReads {
    pub(crate) kind: EventKind,
    pub(crate) properties: Vec<PropertyId>,
    /// Of these, which are added up.
    pub(crate) summed: Vec<PropertyId>,
    /// Whether a first or last value is asked for.
    pub(crate) ordered: bool,
}

/// The number of an expression's root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Code(u32);

/// A part of an expression; those it is made of stand before it.
#[derive(Debug, Clone)]
enum Node {
    Constant(Constant),
    Fact(FactId),
    Has(FactId),
    Slot(u32),
    /// The age in a slot, in units of so many nanoseconds.
    Age(u32, f64),
    /// A comparison of the age in a slot with a constant.
    AgeTest(u32, Turns),
    /// A comparison of the age in a slot with a value that stands between the instants it tells.
    AgeAgainst(Against),
    /// The length of a duration, in units of so many nanoseconds.
    Length(u32, f64),
    Not(u32),
    /// `double(x)` of a number.
    Double(u32),
    And(Box<[u32]>),
    Or(Box<[u32]>),
    Ternary(u32, u32, u32),
    /// The first, or the second while that is unknown.
    OrElse(u32, u32),
    Binary(BinaryOp, u32, u32),
    In(u32, Box<[Constant]>),
    /// A computed value, which is computed once per question: its number among those, and what it is.
    Computed(u32, u32),
}

/// An age beside a value: `age op value`, or `value op age` when the age stands `right`.
#[derive(Debug, Clone, Copy)]
struct Against {
    slot: u32,
    /// In units of so many nanoseconds, or as a duration.
    unit: Option<f64>,
    op: BinaryOp,
    value: u32,
    right: bool,
}

/// A scalar that the plan owns.
#[derive(Debug, Clone, PartialEq)]
enum Constant {
    Plain(Scalar<'static>),
    Text(std::sync::Arc<str>),
}

/// Where a stream begins; it ends at `now`.
#[derive(Debug, Clone, PartialEq)]
struct Window {
    /// Lengths of rolling windows, in microseconds.
    lengths: Vec<i64>,
    units: Vec<Calendar>,
    session: bool,
}

impl Plan {
    /// Whether a window is that of a session.
    pub(crate) fn reads_sessions(&self) -> bool {
        self.windows.iter().any(|window| window.session)
    }

    /// What is read of each event type, in the order of their numbers.
    pub(crate) fn reads(&self) -> Vec<KindReads> {
        let add = |list: &mut Vec<PropertyId>, property: PropertyId| {
            if !list.contains(&property) {
                list.push(property);
            }
        };
        let mut reads: Vec<KindReads> = self
            .kinds
            .iter()
            .map(|kind| KindReads { kind: *kind, properties: Vec::new(), summed: Vec::new(), ordered: false })
            .collect();
        for slot in &self.slots {
            for part in &slot.parts {
                let Some(read) = reads.get_mut(part.track as usize) else { continue };
                if let Some(filter) = part.filter {
                    let tested = self.filters.properties(part.kind, usize::from(filter));
                    tested.iter().for_each(|property| add(&mut read.properties, *property));
                }
                let Some(property) = slot.property else { continue };
                add(&mut read.properties, property);
                match slot.terminal {
                    Terminal::Sum | Terminal::Avg => add(&mut read.summed, property),
                    Terminal::First | Terminal::Last => read.ordered = true,
                    _ => {}
                }
            }
        }
        reads
    }

    /// The number that an expression always comes to; `None` when it depends on anything, or is no number.
    pub(crate) fn constant(&self, code: Code) -> Option<f64> {
        match self.nodes.get(code.0 as usize)? {
            Node::Constant(constant) => constant.scalar().number(),
            _ => None,
        }
    }

    /// The facts that have to be true and those that have to be false, when an expression asks for nothing else.
    pub(crate) fn conjunction(&self, code: Code) -> Option<Vec<(FactId, bool)>> {
        let one = |at: &u32| match self.nodes.get(*at as usize)? {
            Node::Fact(fact) => Some((*fact, true)),
            Node::Not(other) => match self.nodes.get(*other as usize)? {
                Node::Fact(fact) => Some((*fact, false)),
                _ => None,
            },
            _ => None,
        };
        match self.nodes.get(code.0 as usize)? {
            Node::And(all) => all.iter().map(one).collect(),
            _ => one(&code.0).map(|fact| vec![fact]),
        }
    }

    /// The conditions on events whose results are kept beside the story.
    pub(crate) fn filters(&self) -> &Filters {
        &self.filters
    }
}

impl Constant {
    fn scalar(&self) -> Scalar<'_> {
        match self {
            Constant::Plain(scalar) => *scalar,
            Constant::Text(text) => Scalar::Text(text),
        }
    }
}
