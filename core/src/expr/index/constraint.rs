//! What a rule demands of single slots: necessary conditions that an index can look up.

use super::layout::{CodeRanges, Coded};
use super::literal::SlotId;
use super::order::Odds;
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

/// The constraint of a rule that rarely holds: the way by which the rule is found.
pub(in crate::expr) fn rarest<'a>(shape: &Shape, literals: &'a [Coded], odds: &Odds) -> Option<Constraint<'a>> {
    let constraints = conjuncts(shape).iter().filter_map(|part| Constraint::of(part, literals));
    constraints.map(|one| (one.odds(odds), one)).min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, one)| one)
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

    /// The conditions, each on another slot, one of which holds exactly when a part of a rule does.
    pub(in crate::expr) fn any_of(part: &Shape, literals: &'a [Coded]) -> Option<Vec<Self>> {
        let Shape::Or(parts) = part else { return None };
        let mut all: Vec<Self> = Vec::with_capacity(parts.len());
        for part in parts {
            let one = Constraint::of(part, literals)?;
            match all.iter_mut().find(|known| known.slot() == one.slot()) {
                Some(known) => *known = known.clone().or(&one)?,
                None => all.push(one),
            }
        }
        Some(all)
    }

    fn slot(&self) -> SlotId {
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

    /// How often it holds.
    pub(in crate::expr) fn odds(&self, odds: &Odds) -> f32 {
        match self {
            Constraint::Codes { slot, ranges } => odds.codes(usize::from(*slot), ranges),
            Constraint::Elements { slot, bits } => {
                odds.of(&Coded::Elements { slot: *slot, bits: bits.clone().into_owned(), within: true })
            }
        }
    }

    /// A number by which rules are sorted, so that rules that are possible for the same values stand together: by slot, by
    /// kind of range, then by its end.
    pub(in crate::expr) fn sort_key(&self) -> (SlotId, u8, u32) {
        match self {
            Constraint::Codes { slot, ranges } => match &ranges[..] {
                [] => (*slot, 0, 0),
                [(0, high)] => (*slot, 0, *high),
                [(low, high)] if low == high => (*slot, 2, *low),
                [(low, _)] => (*slot, 1, *low),
                [.., (low, _)] => (*slot, 2, *low),
            },
            // The last constant is mostly the rarest: rules name the common ones first.
            Constraint::Elements { slot, bits } => (*slot, 3, bits.last().copied().unwrap_or(0)),
        }
    }
}

pub(in crate::expr) fn merged(mut ranges: CodeRanges) -> CodeRanges {
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
