//! What the index of a small set looks up of a rule: codes of single slots that it demands.

use super::constraint::{Constraint, conjuncts};
use super::layout::{CodeRanges, Coded};
use super::literal::SlotId;
use super::order::has_opaque;
use super::shape::Shape;
use smallvec::SmallVec;
use std::borrow::Cow;

/// One necessary condition of a rule, as the index has it.
#[derive(Debug)]
pub(in crate::expr) enum Demand<'a> {
    /// The slot has a code of the ranges.
    Codes(SlotId, Cow<'a, CodeRanges>),
    /// The list has one of the elements.
    List(SlotId, Cow<'a, SmallVec<[u32; 4]>>),
}

/// The demands of the parts of a rule, in their order; `None` for a part that the index cannot look up.
pub(in crate::expr) fn demands<'a>(parts: &[Shape], literals: &'a [Coded]) -> Vec<Option<Demand<'a>>> {
    let mut lists: SmallVec<[SlotId; 4]> = SmallVec::new();
    parts
        .iter()
        .map(|part| match Constraint::of(part, literals)? {
            Constraint::Codes { slot, ranges } => Some(Demand::Codes(slot, ranges)),
            Constraint::Elements { slot, .. } if lists.contains(&slot) => None,
            Constraint::Elements { slot, bits } => {
                lists.push(slot);
                Some(Demand::List(slot, bits))
            }
        })
        .collect()
}

/// Puts the parts of a rule that the index cannot look up before the others, and gives their number. Opaque parts are never
/// moved to the front: then all parts count as such.
pub(in crate::expr) fn bring_forward(shape: &mut Shape, literals: &[Coded]) -> usize {
    let looked_up: Vec<bool> = demands(conjuncts(shape), literals).iter().map(Option::is_some).collect();
    let Shape::And(parts) = shape else { return usize::from(looked_up != [true]) };
    let hidden = parts.iter().zip(&looked_up).any(|(part, looked_up)| !looked_up && has_opaque(part, literals));
    if hidden {
        return parts.len();
    }
    let mut keyed: Vec<(bool, Shape)> = looked_up.into_iter().zip(std::mem::take(parts)).collect();
    keyed.sort_by_key(|(looked_up, _)| *looked_up);
    let count = keyed.iter().filter(|(looked_up, _)| !looked_up).count();
    parts.extend(keyed.into_iter().map(|(_, part)| part));
    count
}
