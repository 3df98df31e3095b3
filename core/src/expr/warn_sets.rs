//! Sets of values as the warnings know them: intervals of ordered values, finite sets of texts and their opposites, truth
//! values. Whatever cannot be said exactly is said too widely, so that no warning is ever wrong.

use super::ast::BinaryOp;
use super::value_ops::compare;
use crate::value::{Type, Value};
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

/// More intervals than this are not kept apart.
const MOST_RANGES: usize = 64;

/// A set of values of one slot.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Set {
    /// In order, apart from each other.
    Ranges(Vec<Range>),
    /// Some texts, or all but some.
    Texts {
        texts: BTreeSet<Arc<str>>,
        within: bool,
    },
    Truth {
        yes: bool,
        no: bool,
    },
}

/// An end of an interval and whether it belongs to it; `None` is infinity.
type End = Option<(Value, bool)>;

/// An interval.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Range {
    pub(super) low: End,
    pub(super) high: End,
}

fn order(a: &Value, b: &Value) -> Option<Ordering> {
    compare(BinaryOp::Less, a, b).ok().flatten()
}

impl Range {
    pub(super) fn between(low: Value, high: Value) -> Self {
        Range { low: Some((low, true)), high: Some((high, true)) }
    }

    pub(super) fn from(low: Value) -> Self {
        Range { low: Some((low, true)), high: None }
    }

    /// Whether nothing lies within; outer `None` when the ends cannot be compared.
    fn is_empty(&self) -> Option<bool> {
        let (Some((low, low_in)), Some((high, high_in))) = (&self.low, &self.high) else { return Some(false) };
        Some(match order(low, high)? {
            Ordering::Less => false,
            Ordering::Equal => !(*low_in && *high_in),
            Ordering::Greater => true,
        })
    }

    fn intersect(&self, other: &Range) -> Option<Range> {
        let low = tighter(&self.low, &other.low, Ordering::Greater)?;
        let high = tighter(&self.high, &other.high, Ordering::Less)?;
        Some(Range { low, high })
    }
}

/// The end that leaves less, where `inner` is the order of an end that lies further inside.
fn tighter(a: &End, b: &End, inner: Ordering) -> Option<End> {
    let (Some((a_value, a_in)), Some((b_value, b_in))) = (a, b) else { return Some(a.clone().or_else(|| b.clone())) };
    Some(match order(a_value, b_value)? {
        Ordering::Equal => Some((a_value.clone(), *a_in && *b_in)),
        found if found == inner => a.clone(),
        _ => b.clone(),
    })
}

impl Set {
    /// The values for which a comparison with a constant holds; `None` when that cannot be said.
    pub(super) fn of(op: BinaryOp, constant: &Value, ty: &Type) -> Option<Set> {
        match constant {
            Value::String(text) => {
                let texts = BTreeSet::from([text.clone()]);
                match op {
                    BinaryOp::Equal => Some(Set::Texts { texts, within: true }),
                    BinaryOp::NotEqual => Some(Set::Texts { texts, within: false }),
                    _ => None,
                }
            }
            Value::Bool(truth) => match op {
                BinaryOp::Equal => Some(Set::truth(*truth)),
                BinaryOp::NotEqual => Some(Set::truth(!*truth)),
                _ => None,
            },
            Value::Double(number) if number.is_nan() => None,
            Value::Int(_)
            | Value::Uint(_)
            | Value::Double(_)
            | Value::Decimal(_)
            | Value::Timestamp(_)
            | Value::Duration(_)
            | Value::Date(_) => {
                let closed = |inside| Some((constant.clone(), inside));
                let below = |inside| whole(Range { low: None, high: closed(inside) }, ty);
                let above = |inside| whole(Range { low: closed(inside), high: None }, ty);
                Some(Set::Ranges(match op {
                    BinaryOp::Less => vec![below(false)],
                    BinaryOp::LessEqual => vec![below(true)],
                    BinaryOp::Greater => vec![above(false)],
                    BinaryOp::GreaterEqual => vec![above(true)],
                    BinaryOp::Equal => vec![Range { low: closed(true), high: closed(true) }],
                    BinaryOp::NotEqual => vec![below(false), above(false)],
                    _ => return None,
                }))
            }
            _ => None,
        }
    }

    pub(super) fn truth(truth: bool) -> Set {
        Set::Truth { yes: truth, no: !truth }
    }

    /// What lies in both, or a little more.
    pub(super) fn intersect(&self, other: &Set) -> Set {
        match (self, other) {
            (Set::Ranges(a), Set::Ranges(b)) => {
                let mut both = Vec::new();
                for a in a {
                    for b in b {
                        let Some(range) = a.intersect(b) else { return self.clone() };
                        match range.is_empty() {
                            Some(true) => {}
                            Some(false) => both.push(range),
                            None => return self.clone(),
                        }
                    }
                }
                if both.len() > MOST_RANGES { self.clone() } else { Set::Ranges(both) }
            }
            (Set::Texts { texts: a, within: a_in }, Set::Texts { texts: b, within: b_in }) => {
                let (texts, within) = match (a_in, b_in) {
                    (true, true) => (a.intersection(b).cloned().collect(), true),
                    (true, false) => (a.difference(b).cloned().collect(), true),
                    (false, true) => (b.difference(a).cloned().collect(), true),
                    (false, false) => (a.union(b).cloned().collect(), false),
                };
                Set::Texts { texts, within }
            }
            (Set::Truth { yes, no }, Set::Truth { yes: other_yes, no: other_no }) => {
                Set::Truth { yes: *yes && *other_yes, no: *no && *other_no }
            }
            _ => self.clone(),
        }
    }

    /// What lies in either; `None` for all there is.
    pub(super) fn union(&self, other: &Set) -> Option<Set> {
        match (self, other) {
            (Set::Ranges(a), Set::Ranges(b)) => {
                let mut all = a.clone();
                for range in b {
                    if !all.contains(range) {
                        all.push(range.clone());
                    }
                }
                (all.len() <= MOST_RANGES).then_some(Set::Ranges(all))
            }
            (Set::Texts { texts: a, within: a_in }, Set::Texts { texts: b, within: b_in }) => {
                let (texts, within) = match (a_in, b_in) {
                    (true, true) => (a.union(b).cloned().collect(), true),
                    (true, false) => (b.difference(a).cloned().collect(), false),
                    (false, true) => (a.difference(b).cloned().collect(), false),
                    (false, false) => (a.intersection(b).cloned().collect(), false),
                };
                Some(Set::Texts { texts, within })
            }
            (Set::Truth { yes, no }, Set::Truth { yes: other_yes, no: other_no }) => {
                Some(Set::Truth { yes: *yes || *other_yes, no: *no || *other_no })
            }
            _ => None,
        }
    }

    /// Whether surely nothing lies within.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Set::Ranges(ranges) => ranges.is_empty(),
            Set::Texts { texts, within } => *within && texts.is_empty(),
            Set::Truth { yes, no } => !yes && !no,
        }
    }
}

/// An interval of whole numbers with the ends that belong to it.
fn whole(range: Range, ty: &Type) -> Range {
    if !matches!(ty, Type::Int | Type::Uint) {
        return range;
    }
    let step = |end: End, by: i64| match end {
        Some((Value::Int(number), false)) => match number.checked_add(by) {
            Some(next) => Some((Value::Int(next), true)),
            None => Some((Value::Int(number), false)),
        },
        Some((Value::Uint(number), false)) => match number.checked_add_signed(by) {
            Some(next) => Some((Value::Uint(next), true)),
            None => Some((Value::Uint(number), false)),
        },
        other => other,
    };
    Range { low: step(range.low, 1), high: step(range.high, -1) }
}
