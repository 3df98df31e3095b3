//! All conditions and factors of a playbook compiled together: equal aggregates become one slot that is filled at most once per
//! question, straight from the columns of the story; equal parts become one node; the rules are small programs over them.
//!
//! A plan answers what the reference evaluator answers, the instant until which it holds included, or it *defers*: an error, an
//! event of which a condition is not known, a story in several strands. Whoever asks then asks the reference.

mod ask;
mod compile;
mod scalar;
mod slot;
mod turns;

pub(crate) use ask::{Asker, Defer, Found, Ground, Memo, NEVER};
pub(crate) use compile::PlanBuilder;
pub(crate) use scalar::Scalar;
pub(crate) use slot::{Columns, Filters, Seen};

use super::ast::BinaryOp;
use super::stream::Calendar;
use super::{EventKind, FactId};
use slot::Slot;
use turns::Turns;

/// The compiled expressions.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    nodes: Vec<Node>,
    slots: Vec<Slot>,
    windows: Vec<Window>,
    /// An event type and a window: where both meet is found once per question.
    ranges: Vec<(EventKind, u32)>,
    filters: Filters,
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
    Not(u32),
    /// `double(x)` of a number.
    Double(u32),
    And(Box<[u32]>),
    Or(Box<[u32]>),
    Ternary(u32, u32, u32),
    Binary(BinaryOp, u32, u32),
    In(u32, Box<[Constant]>),
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
