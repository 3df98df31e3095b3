//! What the index looks up of a rule: codes of single slots that it demands, and choices of which one must hold.

use super::constraint::{Constraint, conjuncts};
use super::layout::{CodeRanges, Coded};
use super::literal::SlotId;
use super::order::has_opaque;
use super::shape::Shape;
use smallvec::SmallVec;
use std::borrow::Cow;

/// Of how many choices over several slots, or further demands on one list, the index looks up each rule.
pub(in crate::expr) const CHOICES: usize = 2;

/// How many choices the index looks up over so many slots. A union meets lines of all slots in every block: over very many slots
/// that costs more than it saves, and choices are verified.
pub(in crate::expr) fn choices(slots: usize) -> usize {
    if slots <= 64 { CHOICES } else { 0 }
}

/// One necessary condition of a rule, as the index has it.
#[derive(Debug)]
pub(in crate::expr) enum Demand<'a> {
    /// The slot has a code of the ranges.
    Codes(SlotId, Cow<'a, CodeRanges>),
    /// The list has one of the elements.
    List(SlotId, Cow<'a, SmallVec<[u32; 4]>>),
    /// One of them holds, each of another slot; and which of the rule's choices this is.
    Choice(usize, Vec<Constraint<'a>>),
}

/// The demands of the parts of a rule, in their order, with at most `most` choices; `None` for a part that the index cannot look up.
pub(in crate::expr) fn demands<'a>(parts: &[Shape], literals: &'a [Coded], most: usize) -> Vec<Option<Demand<'a>>> {
    let mut lists: SmallVec<[SlotId; 4]> = SmallVec::new();
    let mut taken = 0;
    let mut choice = |members| {
        let free = taken < most.min(CHOICES);
        taken += usize::from(free);
        free.then(|| Demand::Choice(taken - 1, members))
    };
    parts
        .iter()
        .map(|part| match Constraint::of(part, literals) {
            Some(Constraint::Codes { slot, ranges }) => Some(Demand::Codes(slot, ranges)),
            Some(Constraint::Elements { slot, bits }) if !lists.contains(&slot) => {
                lists.push(slot);
                Some(Demand::List(slot, bits))
            }
            Some(second) => choice(vec![second]),
            None => choice(Constraint::any_of(part, literals)?),
        })
        .collect()
}

/// Puts the parts of a rule that the index cannot look up before the others, and gives their number. Opaque parts are never
/// moved to the front: then all parts count as such.
pub(in crate::expr) fn bring_forward(shape: &mut Shape, literals: &[Coded], choices: usize) -> usize {
    let looked_up: Vec<bool> = demands(conjuncts(shape), literals, choices).iter().map(Option::is_some).collect();
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
