//! Who gets the slots: mandatory offers, then groups in their order, by score or by what is tried to learn.

use super::contact::{Contacts, Taken};
use super::formula::Formula;
use super::gates::Detail;
use super::gates::Stop;
use super::items::Shop;
use super::moment::Moment;
use super::rules::{OfferRule, PlacementRule, TreatmentRule};
use super::score::Posterior;
use super::stock::Stock;
use super::trace::Score;
use super::{Ranked, Reads, fill};
use crate::chance::{Racer, race};
use crate::context::Context;
use crate::error::Diagnostic;
use crate::expr::Schema;
use crate::playbook::{Arbitration, Explore, Playbook};
use crate::suggest::{CatalogRules, Suggested};
use smallvec::SmallVec;
use std::cmp::Ordering;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// How the offers of a placement are ranked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ranking {
    pub(super) formula: Option<Formula>,
    /// By number of the group: its step in the sequence, counted from 1.
    steps: Vec<u32>,
    pub(super) explore: Explore,
    /// The lowest score with which an offer is shown.
    pub(super) at_least: Option<f64>,
}

/// The step of mandatory offers.
pub(crate) const MANDATORY: u32 = 0;

impl Ranking {
    pub(super) fn compile(
        arbitration: &Arbitration,
        playbook: &Playbook,
        schema: &Schema,
        catalog: Option<&CatalogRules>,
        findings: &mut Vec<Diagnostic>,
    ) -> Self {
        let last = u32::try_from(arbitration.sequence.len()).unwrap_or(u32::MAX).saturating_add(1);
        let step = |name: &Arc<str>| {
            let place = arbitration.sequence.iter().position(|step| step.iter().any(|group| group.text == *name));
            place.and_then(|place| u32::try_from(place + 1).ok()).unwrap_or(last)
        };
        Ranking {
            formula: arbitration
                .formula
                .as_ref()
                .and_then(|text| Formula::compile(text, schema, catalog, &playbook.offer_attributes, findings)),
            steps: if last == 1 { Vec::new() } else { playbook.groups.iter().map(|group| step(&group.name.text)).collect() },
            explore: arbitration.explore,
            at_least: arbitration.at_least,
        }
    }

    /// Whether it is the product of the factors alone that counts.
    pub(crate) fn is_plain(&self) -> bool {
        self.formula.is_none() && self.at_least.is_none() && self.steps.is_empty() && self.explore == Explore::No
    }

    /// Whether the order within a step is left to chance.
    pub(crate) fn draws(&self) -> bool {
        matches!(self.explore, Explore::Thompson | Explore::EpsilonGreedy(_))
    }

    /// The score of an offer whose factors are the same for everybody.
    pub(crate) fn constant(&self, offer: &OfferRule, factors: [f64; 4]) -> Option<f64> {
        match &self.formula {
            Some(formula) => formula.constant(offer, factors),
            None => Some(factors.into_iter().product::<f64>()).filter(|total| total.is_finite()),
        }
    }

    /// Who comes first: the step, then score, then declared priority, then order in the playbook.
    pub(super) fn order(&self, a: &Survivor<'_>, b: &Survivor<'_>) -> Ordering {
        let (left, right) = (self.step(a.offer), self.step(b.offer));
        left.cmp(&right)
            .then_with(|| b.score.total.total_cmp(&a.score.total))
            .then_with(|| b.offer.priority.cmp(&a.offer.priority))
            .then_with(|| a.place.cmp(&b.place))
    }

    /// The step in which an offer is ranked, mandatory ones in the first.
    pub(crate) fn step(&self, offer: &OfferRule) -> u32 {
        match offer.step_of.and_then(|group| self.steps.get(group)) {
            _ if offer.mandatory => MANDATORY,
            Some(step) => *step,
            None => u32::MAX,
        }
    }
}

/// An offer that passed all gates but the last.
pub(super) struct Survivor<'a> {
    pub(super) place: usize,
    pub(super) offer: &'a OfferRule,
    pub(super) treatment: &'a TreatmentRule,
    pub(super) score: Score,
    pub(super) learned: Option<Posterior>,
    pub(super) reasons: Vec<String>,
    /// The items that it carries, with the first of which it is ranked.
    pub(super) items: Vec<Suggested>,
    /// How probable it was to be taken for the slot that it got, or else for the first slot that it could have had.
    pub(super) chance: Option<Chance>,
}

/// A probability, and how far it may be off at most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Chance {
    pub(crate) probability: f64,
    pub(crate) error: f64,
}

const SURE: Chance = Chance { probability: 1.0, error: 0.0 };
const NEVER: Chance = Chance { probability: 0.0, error: 0.0 };

impl Survivor<'_> {
    fn factors(&self) -> [f64; 4] {
        let Score { propensity, context, value, lever, .. } = self.score;
        [propensity, context, value, lever]
    }

    /// The same with another propensity.
    fn at(&mut self, propensity: f64, placement: &PlacementRule, context: &Context<'_>, shop: &Shop<'_, '_>) {
        let [_, fit, value, lever] = self.factors();
        let item = self.items.first().and_then(|first| shop.asking(self.offer)?.facts(first));
        if let Some(total) = self.offer.total([propensity, fit, value, lever], placement, context, item.as_ref()) {
            self.score = Score { propensity, total, ..self.score };
        }
    }
}

/// Who came out of arbitration, in the order in which that was decided.
pub(super) enum Outcome {
    Chosen(Ranked),
    Stopped(Stop),
}

/// Somebody who could have a slot, with the message and what is promised.
type Runner<'a> = (Survivor<'a>, Ranked);

/// What was decided before, for the same request.
#[derive(Default)]
pub(super) struct Before<'a> {
    pub(super) taken: SmallVec<[Taken<'a>; 4]>,
    /// The items that the offers carry.
    pub(super) items: BTreeSet<Arc<str>>,
}

impl<'a> Before<'a> {
    /// Whether any of the items that an offer carries is shown already.
    fn shows(&self, survivor: &Survivor<'_>) -> bool {
        survivor.items.iter().any(|item| self.items.contains(&item.item))
    }

    fn take(&mut self, survivor: &Survivor<'a>, placement: &'a PlacementRule, ranked: &Ranked) {
        self.taken.push(Taken { offer: survivor.offer, treatment: survivor.treatment, placement, at: ranked.at });
        self.items.extend(ranked.items.iter().map(|item| item.item.clone()));
    }
}

/// What fills a placement.
pub(super) struct Slots<'f, 's, 'c, 'a> {
    pub(super) shop: &'f Shop<'s, 'c>,
    pub(super) reads: Reads<'f, 'c>,
    pub(super) moment: &'f Moment<'f>,
    pub(super) placement: &'a PlacementRule,
    pub(super) limits: (&'f Contacts<'f, 'c>, &'f Stock<'f, 'c>),
    pub(super) detail: Detail,
}

impl<'a> Slots<'_, '_, '_, 'a> {
    /// Takes offers for the slots, best first; `done` is told of each what became of it. Offers that are taken count for those that follow.
    pub(super) fn fill(
        &self,
        mut survivors: Vec<Survivor<'a>>,
        before: &mut Before<'a>,
        done: &mut dyn FnMut(Survivor<'a>, Outcome),
    ) {
        let ranking = &self.placement.ranking;
        if let Explore::Ucb(width) = ranking.explore {
            self.raise(&mut survivors, width);
        }
        survivors.sort_by(|a, b| ranking.order(a, b));
        match ranking.explore {
            Explore::No | Explore::Ucb(_) => {
                let mut filled = 0;
                let mut open: VecDeque<Survivor<'a>> = survivors.into();
                while let Some(mut survivor) = open.pop_front() {
                    if ranking.explore != Explore::No {
                        survivor.chance = Some(SURE);
                    }
                    match self.try_one(&survivor, filled, before) {
                        Ok(ranked) => {
                            before.take(&survivor, self.placement, &ranked);
                            filled += 1;
                            let takes = !ranked.items.is_empty();
                            done(survivor, Outcome::Chosen(ranked));
                            if takes && filled < self.placement.slots {
                                self.rank_again(&mut open, before, done);
                            }
                        }
                        Err(stop) => {
                            survivor.chance = survivor.chance.map(|_| NEVER);
                            done(survivor, Outcome::Stopped(stop));
                        }
                    }
                }
            }
            Explore::Thompson | Explore::EpsilonGreedy(_) => self.explore(survivors, before, done),
        }
    }

    /// Ranks anew what carries an item that is shown already, with other items.
    fn rank_again(&self, open: &mut VecDeque<Survivor<'a>>, before: &Before<'_>, done: &mut dyn FnMut(Survivor<'a>, Outcome)) {
        let mut left = VecDeque::with_capacity(open.len());
        for mut survivor in open.drain(..) {
            match if before.shows(&survivor) { self.choose_again(&mut survivor, before) } else { Ok(()) } {
                Ok(()) => left.push_back(survivor),
                Err(stop) => done(survivor, Outcome::Stopped(stop)),
            }
        }
        left.make_contiguous().sort_by(|a, b| self.placement.ranking.order(a, b));
        *open = left;
    }

    /// Other items for an offer that carries some which are shown already, and the score with these.
    fn choose_again(&self, survivor: &mut Survivor<'a>, before: &Before<'_>) -> Result<(), Stop> {
        let (contacts, _) = self.limits;
        let (offer, context) = (survivor.offer, self.reads.of(survivor.offer));
        survivor.items = self.shop.choose(offer, survivor.treatment, contacts, &before.items, self.detail)?;
        if offer.scores_item() {
            let item = survivor.items.first().and_then(|first| self.shop.asking(offer)?.facts(first));
            let scored = offer.score(survivor.place, self.placement, context, item.as_ref(), self.moment, self.detail)?;
            let propensity = survivor.score.propensity;
            (survivor.score, survivor.reasons) = (scored.score, scored.reasons);
            // What was drawn or raised stays so.
            if survivor.learned.is_some() {
                survivor.at(propensity, self.placement, context, self.shop);
            }
        }
        Ok(())
    }

    fn try_one(&self, survivor: &Survivor<'_>, filled: usize, before: &Before<'_>) -> Result<Ranked, Stop> {
        fill(self.shop, self.reads, survivor, self.limits, (self.placement, filled), before, self.detail)
    }

    /// Fills slot after slot; each is given to one of those of the first step that could have it.
    fn explore(&self, survivors: Vec<Survivor<'a>>, before: &mut Before<'a>, done: &mut dyn FnMut(Survivor<'a>, Outcome)) {
        let ranking = &self.placement.ranking;
        let mut open = survivors;
        let mut filled = 0;
        while filled < self.placement.slots && !open.is_empty() {
            let step = open.first().map_or(MANDATORY, |first| ranking.step(first.offer));
            let mut running: Vec<Runner<'a>> = Vec::new();
            let mut later = Vec::new();
            let mut again = false;
            for mut survivor in open {
                if ranking.step(survivor.offer) != step {
                    later.push(survivor);
                    continue;
                }
                if before.shows(&survivor) {
                    if let Err(stop) = self.choose_again(&mut survivor, before) {
                        done(survivor, Outcome::Stopped(stop));
                        continue;
                    }
                    again = true;
                }
                match self.try_one(&survivor, filled, before) {
                    Ok(ranked) => running.push((survivor, ranked)),
                    // What was taken stays taken, so that it is stopped for all slots that follow.
                    Err(stop) => done(survivor, Outcome::Stopped(stop)),
                }
            }
            if again {
                running.sort_by(|(a, _), (b, _)| ranking.order(a, b));
            }
            if running.is_empty() {
                open = later;
                continue;
            }
            let (drawn, chances) = match ranking.explore {
                _ if step == MANDATORY => (0, (0..running.len()).map(|place| if place == 0 { SURE } else { NEVER }).collect()),
                Explore::EpsilonGreedy(epsilon) => self.greedy(running.len(), epsilon, filled),
                _ => self.thompson(&mut running, filled),
            };
            let named = self.moment.replayed.and_then(|replayed| {
                let names = running.iter().map(|(survivor, _)| &survivor.offer.name);
                replayed.take(&self.placement.name, filled, names.zip(&chances))
            });
            let best = named.unwrap_or(drawn);
            open = Vec::with_capacity(running.len() + later.len());
            for (place, ((mut survivor, ranked), chance)) in running.into_iter().zip(chances).enumerate() {
                if place == best {
                    survivor.chance = Some(chance);
                    before.take(&survivor, self.placement, &ranked);
                    filled += 1;
                    done(survivor, Outcome::Chosen(ranked));
                } else {
                    survivor.chance.get_or_insert(chance);
                    open.push(survivor);
                }
            }
            open.extend(later);
        }
        for survivor in open {
            if let Err(stop) = self.try_one(&survivor, self.placement.slots, before) {
                done(survivor, Outcome::Stopped(stop));
            }
        }
    }

    /// With a probability any one of those that are left, else the best; and how probable each was.
    fn greedy(&self, running: usize, epsilon: f64, slot: usize) -> (usize, Vec<Chance>) {
        let name = &self.placement.name;
        let explores = self.moment.draws.number(&format!("{name}\0{slot}\0explore")) < epsilon;
        let share = epsilon / running as f64;
        let best = if explores { self.moment.draws.below(&format!("{name}\0{slot}\0which"), running) } else { 0 };
        let chance = |place: usize| {
            let probability = if place == 0 { 1.0 - epsilon + share } else { share };
            Chance { probability, error: 0.0 }
        };
        (best, (0..running).map(chance).collect())
    }

    /// Draws each learned propensity from what is known of it; the best score of those drawn wins. And how probable each was.
    fn thompson(&self, running: &mut [Runner<'a>], slot: usize) -> (usize, Vec<Chance>) {
        let mut racers = Vec::with_capacity(running.len());
        for (survivor, _) in running.iter_mut() {
            let context = self.reads.of(survivor.offer);
            match survivor.learned {
                Some(Posterior { beta, .. }) => {
                    let [_, fit, value, lever] = survivor.factors();
                    let text = format!("{}\0{slot}\0{}", self.placement.name, survivor.offer.name);
                    let drawn = beta.quantile(self.moment.draws.number(&text));
                    survivor.at(drawn, self.placement, context, self.shop);
                    racers.push(Racer::Drawn(beta, fit * value * lever));
                }
                None => racers.push(Racer::Fixed(survivor.score.total)),
            }
        }
        let order = |a: &Survivor<'_>, b: &Survivor<'_>| {
            let priority = a.offer.priority.cmp(&b.offer.priority);
            a.score.total.total_cmp(&b.score.total).then(priority).then(b.place.cmp(&a.place))
        };
        let best = (0..running.len()).max_by(|a, b| match (running.get(*a), running.get(*b)) {
            (Some((a, _)), Some((b, _))) => order(a, b),
            _ => Ordering::Equal,
        });
        let chances = race(&racers).into_iter().map(|(probability, error)| Chance { probability, error });
        (best.unwrap_or(0), chances.collect())
    }

    /// Learned propensities as high as they may well be: the mean plus `width` times the root of the logarithm of all trials divided by
    /// the offer's own (UCB1 of Auer, Cesa-Bianchi and Fischer, 2002, whose width is the root of 2), at most 1. Trials count with the
    /// weight of the prior.
    fn raise(&self, survivors: &mut [Survivor<'a>], width: f64) {
        let all: f64 = survivors.iter().filter_map(|one| one.learned).map(|known| known.trials + known.weight).sum();
        let logarithm = libm::log(all.max(1.0));
        for survivor in survivors {
            let Some(Posterior { beta, trials, weight, .. }) = survivor.learned else { continue };
            let context = self.reads.of(survivor.offer);
            let bound = beta.mean() + width * libm::sqrt(logarithm / (trials + weight).max(f64::MIN_POSITIVE));
            survivor.at(bound.min(1.0), self.placement, context, self.shop);
        }
    }
}
