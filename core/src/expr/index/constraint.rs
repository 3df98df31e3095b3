//! What a rule demands of single slots: necessary conditions that an index can look up.

use super::layout::{CodeRanges, Coded};
use super::literal::SlotId;
use super::shape::Shape;
use smallvec::SmallVec;
use std::borrow::Cow;

/// A necessary condition on one slot.
#[derive(Debug, Clone)]
pub(in crate::expr) enum Constraint<'a> {
    Codes { slot: SlotId, ranges: Cow<'a, CodeRanges> },
    Elements { slot: SlotId, bits: Cow<'a, SmallVec<[u32; 4]>> },
}

/// The parts of a shape that must all be true.
pub(in crate::expr) fn conjuncts(shape: &Shape) -> &[Shape] {
    match shape {
        Shape::And(parts) => parts,
        other => std::slice::from_ref(other),
    }
}

impl<'a> Constraint<'a> {
    /// The condition that is the same as a part of a rule; `None` when it reads several slots or is not of that kind.
    pub(in crate::expr) fn of(part: &Shape, literals: &'a [Coded]) -> Option<Self> {
        match part {
            Shape::Literal(number) => match literals.get(*number as usize)? {
                Coded::Codes { slot, ranges } => Some(Constraint::Codes { slot: *slot, ranges: Cow::Borrowed(ranges) }),
                Coded::Elements { slot, bits, within: true } => {
                    Some(Constraint::Elements { slot: *slot, bits: Cow::Borrowed(bits) })
                }
                _ => None,
            },
            Shape::Or(parts) => {
                let mut parts = parts.iter().map(|part| Constraint::of(part, literals));
                let first = parts.next()??;
                parts.try_fold(first, |all, part| all.or(&part?))
            }
            Shape::And(_) => None,
        }
    }

    pub(in crate::expr) fn slot(&self) -> SlotId {
        match self {
            Constraint::Codes { slot, .. } | Constraint::Elements { slot, .. } => *slot,
        }
    }

    fn or(self, other: &Constraint<'_>) -> Option<Self> {
        match (self, other) {
            (Constraint::Codes { slot, ranges }, Constraint::Codes { slot: same, ranges: more }) if slot == *same => {
                Some(Constraint::Codes {
                    slot,
                    ranges: Cow::Owned(merged(ranges.iter().chain(more.iter()).copied().collect())),
                })
            }
            (Constraint::Elements { slot, bits }, Constraint::Elements { slot: same, bits: more }) if slot == *same => {
                let mut all: SmallVec<[u32; 4]> = bits.iter().chain(more.iter()).copied().collect();
                all.sort_unstable();
                all.dedup();
                Some(Constraint::Elements { slot, bits: Cow::Owned(all) })
            }
            _ => None,
        }
    }
}

fn merged(mut ranges: CodeRanges) -> CodeRanges {
    ranges.sort_unstable();
    let mut all = CodeRanges::new();
    for (low, high) in ranges {
        match all.last_mut() {
            Some((_, last)) if low <= last.saturating_add(1) => *last = high.max(*last),
            _ => all.push((low, high)),
        }
    }
    all
}

/// The codes of both.
pub(in crate::expr) fn both(a: &CodeRanges, b: &CodeRanges) -> CodeRanges {
    let mut all = CodeRanges::new();
    for (low, high) in a {
        for (from, to) in b {
            let (low, high) = (*low.max(from), *high.min(to));
            if low <= high {
                all.push((low, high));
            }
        }
    }
    all
}
