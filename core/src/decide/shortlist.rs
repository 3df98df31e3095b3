//! Which of very many offers are worth a look: those whose first condition an index leaves open.
//!
//! Offers that differ only in their conditions, dates and what they show form a group, of which consent and assurance are asked
//! once. What became of the offers that the index leaves out is counted, not looked up: those out of date are known by their
//! dates, the others are stopped by the condition.
//!
//! An offer whose score is the same for everybody, and which nothing but that condition can stop, is not looked up either unless it
//! gets a slot.

use super::lane::{Kind, kind};
use super::rules::{OfferRule, Offers, PlacementRule, TreatmentRule};
use super::trace::Gate;
use crate::context::{Context, Rules};
use crate::expr::Sieve;
use crate::value::Timestamp;
use smallvec::SmallVec;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Fewer offers with conditions are tried one by one.
const MANY: usize = 32;
/// Offers times placements, at most.
const CELLS: usize = 1 << 24;

/// An index over the offers of a playbook.
#[derive(Debug)]
pub(crate) struct Shortlist {
    sieve: Sieve,
    /// By number in the sieve: the place of the offer.
    offers: Vec<usize>,
    /// By number in the sieve: how those rank that nothing else about the customer decides.
    fixed: Vec<Option<Fixed>>,
    /// By placement.
    lots: Vec<Lot>,
}

/// How an offer ranks by score and declared priority.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fixed {
    pub(super) score: f64,
    pub(super) priority: i64,
}

/// The best of those of which only the rank counts any more: as many as there are slots.
#[derive(Debug, Default)]
pub(super) struct Best {
    /// Best first, with their places.
    list: SmallVec<[(Fixed, usize); 1]>,
    /// How many there were that none of them gave way to.
    pub(super) others: usize,
}

impl Best {
    pub(super) fn take(&mut self, fixed: Fixed, place: usize, slots: usize) {
        // As survivors are ranked: by score, then declared priority, then order in the playbook.
        let before = |(known, other): &(Fixed, usize)| {
            let order = known.score.total_cmp(&fixed.score).then(known.priority.cmp(&fixed.priority));
            order.then(place.cmp(other)).is_gt()
        };
        let at = self.list.partition_point(before);
        if at < slots {
            self.list.insert(at, (fixed, place));
            self.others += usize::from(self.list.len() > slots);
            self.list.truncate(slots);
        } else {
            self.others += 1;
        }
    }

    /// The first, with its rank.
    pub(super) fn first(&self) -> Option<(Fixed, usize)> {
        self.list.first().copied()
    }

    pub(super) fn places(&self) -> impl Iterator<Item = usize> {
        self.list.iter().map(|(_, place)| *place)
    }
}

/// The offers of one placement.
#[derive(Debug, Default)]
pub(super) struct Lot {
    /// Those that are tried one by one.
    pub(super) each: Vec<usize>,
    pub(super) groups: Vec<Group>,
    /// By number in the sieve: the group.
    of: Vec<Option<u32>>,
}

/// Offers that consent and assurance do not tell apart.
#[derive(Debug)]
pub(super) struct Group {
    /// The place of one of them.
    pub(super) example: usize,
    /// Where their first condition stands.
    pub(super) gate: Gate,
    pub(super) size: usize,
    /// When they begin and end, sorted.
    from: Vec<Timestamp>,
    until: Vec<Timestamp>,
}

impl Shortlist {
    /// An index when there are enough offers for one.
    pub(crate) fn of(offers: &Offers, rules: &Rules) -> Option<Self> {
        let indexed: Vec<usize> =
            (0..offers.offers.len()).filter(|place| offers.offers.get(*place).and_then(gate).is_some()).collect();
        if indexed.len() < MANY || offers.offers.len().saturating_mul(offers.placements.len()) > CELLS {
            return None;
        }
        let conditions = indexed.iter().filter_map(|place| {
            let offer = offers.offers.get(*place)?;
            offer.gates.get(gate(offer)?).map(|condition| &condition.rule)
        });
        let sieve = Sieve::new(conditions.map(crate::context::Rule::checked), &Arc::new(rules.sources.schema.clone()));
        let lots = offers.placements.iter().enumerate().map(|(number, placement)| Lot::of(offers, number, placement)).collect();
        let fixed = indexed.iter().map(|place| fixed(offers, offers.offers.get(*place)?, rules)).collect();
        Some(Shortlist { sieve, offers: indexed, fixed, lots })
    }

    /// The offers of a placement.
    pub(super) fn lot(&self, placement: usize) -> Option<&Lot> {
        self.lots.get(placement)
    }

    /// The offers whose first condition may hold, by their numbers here; `None` when that cannot be told.
    pub(super) fn possible(&self, context: &Context<'_>) -> Option<Vec<u32>> {
        let mut possible = self.sieve.possible(context).ok()?;
        possible.sort_unstable();
        possible.dedup();
        Some(possible)
    }

    /// How an offer ranks, when that is the same for everybody; and whether it is known that its condition holds.
    pub(super) fn fixed(&self, number: u32) -> Option<(Fixed, bool)> {
        let fixed = (*self.fixed.get(number as usize)?)?;
        Some((fixed, self.sieve.is_exact(number)))
    }

    /// The place of an offer, and its group in a lot; `None` when it is not made there.
    pub(super) fn find(&self, lot: &Lot, number: u32) -> Option<(usize, usize)> {
        let group = (*lot.of.get(number as usize)?)?;
        Some((*self.offers.get(number as usize)?, group as usize))
    }
}

/// How an offer ranks by the product of its factors, when only its condition, consent and assurance can stop it.
fn fixed(offers: &Offers, offer: &OfferRule, rules: &Rules) -> Option<Fixed> {
    let [holding, read] = &offer.experiments;
    let plain = offer.gates.len() == 1
        && (offer.from, offer.until) == (None, None)
        && holding.is_empty()
        && read.is_empty()
        && offer.counted.is_empty()
        && offer.promise.is_none()
        && offer.items.is_none()
        && offer.question.is_none()
        && !offer.mandatory
        && offer.treatments.iter().all(|treatment| offers.messages.of_everybody(treatment).is_some());
    let mut score = 1.0;
    for (factor, _) in offer.factors.iter().flatten().filter(|_| plain) {
        score *= rules.plan.constant(factor.rule()?.code()?).filter(|number| number.is_finite())?;
    }
    (plain && score.is_finite()).then_some(Fixed { score, priority: offer.priority })
}

impl Lot {
    fn of(offers: &Offers, number: usize, placement: &PlacementRule) -> Lot {
        let mut lot = Lot::default();
        let mut kinds: BTreeMap<(Kind<'_>, Gate), u32> = BTreeMap::new();
        for (place, offer) in offers.offers.iter().enumerate() {
            let treatment = here(offer, number, placement);
            let first = gate(offer).and_then(|place| Some(offer.gates.get(place)?.gate));
            let (Some(gate), Some(treatment)) = (first, treatment) else {
                if gate(offer).is_some() {
                    lot.of.push(None);
                } else if treatment.is_some() {
                    lot.each.push(place);
                }
                continue;
            };
            // Dates the wrong way round would be counted twice.
            if offer.from.zip(offer.until).is_some_and(|(from, until)| from > until) {
                lot.of.push(None);
                lot.each.push(place);
                continue;
            }
            let group = *kinds.entry((kind(offer, treatment), gate)).or_insert_with(|| {
                lot.groups.push(Group { example: place, gate, size: 0, from: Vec::new(), until: Vec::new() });
                u32::try_from(lot.groups.len() - 1).unwrap_or(u32::MAX)
            });
            lot.of.push(Some(group));
            if let Some(group) = lot.groups.get_mut(group as usize) {
                group.size += 1;
                group.from.extend(offer.from);
                group.until.extend(offer.until);
            }
        }
        for group in &mut lot.groups {
            group.from.sort_unstable();
            group.until.sort_unstable();
        }
        lot
    }
}

impl Group {
    /// How many of its offers are not valid at an instant.
    pub(super) fn invalid(&self, now: Timestamp) -> usize {
        let begun = self.from.partition_point(|from| *from <= now);
        self.from.len() - begun + self.until.partition_point(|until| *until <= now)
    }
}

/// The treatment by which an offer is made in a placement; `None` when it is not.
pub(crate) fn here<'o>(offer: &'o OfferRule, number: usize, placement: &PlacementRule) -> Option<&'o TreatmentRule> {
    let here = offer.placements.is_empty() || offer.placements.contains(&number);
    offer.treatments.iter().find(|treatment| treatment.channel == placement.channel).filter(|_| here)
}

/// The condition of an offer that is indexed: the last one at its first gate that unknown does not pass, so that whoever it stops is
/// stopped there. Whoever is asked a condition that reads an experiment is exposed to it, and what is read of others is another
/// context: such offers are tried one by one.
fn gate(offer: &OfferRule) -> Option<usize> {
    let [_, read] = &offer.experiments;
    if !read.is_empty() || offer.beside.is_some() {
        return None;
    }
    let first = offer.gates.first()?.gate;
    let there = offer.gates.iter().take_while(|condition| condition.gate == first);
    there.enumerate().filter(|(_, condition)| !condition.when_unknown).last().map(|(place, _)| place)
}
