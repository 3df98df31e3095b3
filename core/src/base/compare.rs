//! What another playbook would have done with the same history: two replays side by side.

use super::CustomerBase;
use super::replay::{Replay, ReplayError, ReplayOptions};
use super::rows::DecisionRow;
use crate::customer::Event;
use crate::decide::RequestError;
use crate::engine::Engine;
use crate::playbook::OUTCOMES;
use crate::value::{Timestamp, USUAL_THRESHOLD, threshold};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Two replays of the same history, what the second does differently.
///
/// A decision is one customer at one instant in one placement. The value of an offer is what the playbook declares as its `value`,
/// where that is a number; customers are counted once however often they are reached.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "comparison")]
#[non_exhaustive]
pub struct Comparison {
    /// The first replay as a whole.
    pub before: Side,
    /// The second.
    pub after: Side,
    /// Decisions with the same answer: the same offers in the same slots, or both a fallback, or both silence.
    pub same: u64,
    /// Decisions with another answer.
    pub changed: u64,
    /// Decisions that only the first replay took: of customers, instants or placements that the second does not have.
    pub only_before: u64,
    /// Decisions that only the second took.
    pub only_after: u64,
    /// Customers who get an offer only in the second replay.
    pub gained: u64,
    /// Customers who got one only in the first.
    pub lost: u64,
    /// Customers who get none in either.
    pub never: u64,
    /// By placement, in their order.
    pub placements: Vec<PlacementChange>,
    /// By offer, in the order of their names.
    pub offers: Vec<OfferChange>,
    /// What stands in the first slot now in place of what stood there, most frequent first. Without an offer: a fallback or silence.
    pub swaps: Vec<Swap>,
    /// Where candidates stop, where that is not the same in both; the greatest difference first.
    pub gates: Vec<GateChange>,
    /// The fewest customers that a segment is told of.
    pub k: u64,
    /// By segment of the first playbook, as membership is at the end of the first replay; in the order of their names.
    pub segments: Vec<SegmentChange>,
    /// How many segments are withheld: fewer than `k` customers are in them, outside of them, or make the difference to one that is told.
    pub withheld: u64,
}

/// One replay as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "comparison_side")]
#[non_exhaustive]
pub struct Side {
    /// Digest of the playbook.
    pub digest: Arc<str>,
    /// Customers who can be addressed.
    pub customers: u64,
    /// Customers who get an offer at least once.
    pub reached: u64,
    /// What is given.
    #[serde(flatten)]
    pub given: Given,
    /// The most offers that one customer gets.
    pub most: u64,
    /// Offers per customer, those without one included; null without customers.
    pub per_customer: Option<f64>,
    /// Offers whose `value` is no number, so that it does not count.
    pub without_value: u64,
}

/// What some decisions give.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "comparison_given")]
#[non_exhaustive]
pub struct Given {
    /// Offers; a decision may give several.
    pub offers: u64,
    /// Fallbacks.
    pub fallbacks: u64,
    /// Silences.
    pub silences: u64,
    /// The declared values of the offers together.
    pub value: f64,
}

/// What a placement gives.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "placement_change")]
#[non_exhaustive]
pub struct PlacementChange {
    /// The placement.
    pub placement: Arc<str>,
    /// In the first replay.
    pub before: Given,
    /// In the second.
    pub after: Given,
}

/// How often an offer is given, and to how many customers.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "offer_change")]
#[non_exhaustive]
pub struct OfferChange {
    /// The offer.
    pub offer: Arc<str>,
    /// In the first replay.
    pub before: Times,
    /// In the second.
    pub after: Times,
}

/// How often, and to how many customers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "offer_times")]
#[non_exhaustive]
pub struct Times {
    /// How often.
    pub times: u64,
    /// To how many customers.
    pub customers: u64,
}

/// What comes in place of what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "offer_swap")]
#[non_exhaustive]
pub struct Swap {
    /// The placement.
    pub placement: Arc<str>,
    /// What stood there.
    pub from: Option<Arc<str>>,
    /// What stands there now.
    pub to: Option<Arc<str>>,
    /// How often.
    pub times: u64,
}

/// How many candidates stop at a gate, over all instants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "gate_change")]
#[non_exhaustive]
pub struct GateChange {
    /// The placement.
    pub placement: Arc<str>,
    /// The offer.
    pub offer: Arc<str>,
    /// The gate, or `chosen`.
    pub gate: &'static str,
    /// In the first replay.
    pub before: u64,
    /// In the second.
    pub after: u64,
}

/// What the members of a segment get.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "segment_change")]
#[non_exhaustive]
pub struct SegmentChange {
    /// The segment.
    pub segment: Arc<str>,
    /// Its members.
    pub members: u64,
    /// In the first replay.
    pub before: Share,
    /// In the second.
    pub after: Share,
}

/// What some customers get.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "segment_share")]
#[non_exhaustive]
pub struct Share {
    /// Customers with at least one offer.
    pub reached: u64,
    /// Offers that they get.
    pub offers: u64,
    /// The declared values of these together.
    pub value: f64,
}

/// An instant, a customer and a placement.
type Key<'a> = (Timestamp, &'a str, &'a str);
/// The answer: what kind it is, and the offers by slot.
type Answer<'a> = (&'a str, Vec<Option<&'a Arc<str>>>);

impl CustomerBase {
    /// What another playbook would have done with the history of this base: its events are recorded under both, every customer is asked at
    /// each instant with what was known then, and the answers are compared.
    ///
    /// Where the replays `record` what they show, that stands in place of what was recorded of decisions from the first instant on, so
    /// that each playbook is held to its own contacts. Reservations, and limits of all customers together, are as a replay has them.
    /// Segments are told of at least `k` customers.
    ///
    /// # Errors
    /// [`ReplayError`] for a placement that one of the playbooks does not declare, an unknown outcome, or a `k` that is not from 1 to
    /// 1,000,000.
    pub fn compare(&self, after: &Engine, options: &ReplayOptions, k: u64) -> Result<Comparison, ReplayError> {
        let (first, last) = (options.decide_at.iter().min().copied(), options.decide_at.iter().max().copied());
        let own = |event: &Event| OUTCOMES.contains(&&*event.event_type) && event.property("decision").is_some();
        let stands_in = |event: &Event| options.record.is_some() && Some(event.time) >= first && own(event);
        let mut events: Vec<Event> = self.iter().flat_map(|customer| customer.events()).collect();
        events.retain(|event| Some(event.time) <= last && !stands_in(event));
        events.sort_by(|a, b| (a.time, a.sequence, &a.id).cmp(&(b.time, b.sequence, &b.id)));
        let replayed = |engine: &Engine| -> Result<Replay, ReplayError> {
            let mut replay = Replay::new(engine.clone(), options.clone())?;
            for event in &events {
                // What one playbook does not declare it does not see.
                let _ = replay.base.record(event);
            }
            replay.run(&mut |_| ControlFlow::Continue(()))?;
            Ok(replay)
        };
        Ok(replayed(self.engine())?.compare_at_least(&replayed(after)?, k)?)
    }
}

impl Replay {
    /// What another replay of the same history does differently. Segments are told of at least 10 customers.
    ///
    /// Both must have been run. Takes time and memory in proportion to their decisions.
    #[must_use]
    pub fn compare(&self, after: &Replay) -> Comparison {
        self.compared(after, USUAL_THRESHOLD)
    }

    /// The same with segments of at least `k` customers.
    ///
    /// # Errors
    /// [`RequestError`] with code `out_of_range` for a `k` that is not from 1 to 1,000,000.
    pub fn compare_at_least(&self, after: &Replay, k: u64) -> Result<Comparison, RequestError> {
        let k = threshold(k).map_err(|message| RequestError::new("out_of_range", "k", message))?;
        Ok(self.compared(after, k))
    }

    fn compared(&self, after: &Replay, k: u64) -> Comparison {
        let sides = [Found::of(self), Found::of(after)];
        let [first, second] = [answers(self), answers(after)];
        let (mut same, mut changed, mut only_before) = (0, 0, 0);
        let mut swaps: BTreeMap<(&str, Option<&Arc<str>>, Option<&Arc<str>>), u64> = BTreeMap::new();
        for (key, answer) in &first {
            match second.get(key) {
                Some(other) if other == answer => same += 1,
                Some(other) => {
                    changed += 1;
                    let (from, to) = (head(answer), head(other));
                    if from != to {
                        *swaps.entry((key.2, from, to)).or_default() += 1;
                    }
                }
                None => only_before += 1,
            }
        }
        let mut swaps: Vec<Swap> = swaps
            .into_iter()
            .map(|((placement, from, to), times)| Swap {
                placement: placement.into(),
                from: from.cloned(),
                to: to.cloned(),
                times,
            })
            .collect();
        swaps.sort_by_key(|swap| std::cmp::Reverse(swap.times));
        let only_after = second.keys().filter(|key| !first.contains_key(*key)).count() as u64;
        let reached = [0, 1].map(|side: usize| sides[side].customers.iter().filter(|(_, share)| share.offers > 0));
        let reached = reached.map(|side| side.map(|(customer, _)| *customer).collect::<BTreeSet<_>>());
        let everybody: BTreeSet<&str> =
            [self, after].iter().flat_map(|replay| replay.tables.customers.iter().map(|row| &*row.customer)).collect();
        let (segments, withheld) = segments(self, &sides, k);
        Comparison {
            same,
            changed,
            only_before,
            only_after,
            gained: reached[1].difference(&reached[0]).count() as u64,
            lost: reached[0].difference(&reached[1]).count() as u64,
            never: everybody.iter().filter(|one| !reached[0].contains(*one) && !reached[1].contains(*one)).count() as u64,
            placements: placements(&sides),
            offers: offers(&sides),
            swaps,
            gates: gates(self, after),
            k,
            segments,
            withheld,
            before: side(self, &sides[0]),
            after: side(after, &sides[1]),
        }
    }
}

/// What one replay gives, added up.
#[derive(Default)]
struct Found<'a> {
    placements: BTreeMap<&'a str, Given>,
    order: Vec<&'a str>,
    offers: BTreeMap<&'a Arc<str>, (u64, BTreeSet<&'a str>)>,
    customers: BTreeMap<&'a str, Share>,
    without_value: u64,
}

impl<'a> Found<'a> {
    fn of(replay: &'a Replay) -> Self {
        let values = values(replay.base().engine());
        let mut found = Found { order: replay.options.placements.iter().map(String::as_str).collect(), ..Found::default() };
        for row in &replay.tables.decisions {
            let given = found.placements.entry(&row.placement).or_default();
            let Some(offer) = &row.offer else {
                *(if row.kind == "fallback" { &mut given.fallbacks } else { &mut given.silences }) += 1;
                continue;
            };
            let value = values.get(offer).copied();
            found.without_value += u64::from(value.is_none());
            given.offers += 1;
            given.value += value.unwrap_or(0.0);
            let times = found.offers.entry(offer).or_default();
            times.0 += 1;
            times.1.insert(&row.customer);
            let share = found.customers.entry(&row.customer).or_default();
            share.reached = 1;
            share.offers += 1;
            share.value += value.unwrap_or(0.0);
        }
        found
    }
}

/// The declared values of offers that are numbers.
fn values(engine: &Engine) -> BTreeMap<Arc<str>, f64> {
    let offers = engine.playbook().offers.iter();
    offers.filter_map(|offer| Some((offer.name.text.clone(), offer.factors[2].as_ref()?.constant()?))).collect()
}

fn answers(replay: &Replay) -> BTreeMap<Key<'_>, Answer<'_>> {
    let mut answers: BTreeMap<Key<'_>, Answer<'_>> = BTreeMap::new();
    for row in &replay.tables.decisions {
        let DecisionRow { time, customer, placement, kind, offer, .. } = row;
        answers.entry((*time, customer, placement)).or_insert((kind, Vec::new())).1.push(offer.as_ref());
    }
    answers
}

/// What stands in the first slot.
fn head<'a>(answer: &Answer<'a>) -> Option<&'a Arc<str>> {
    answer.1.first().copied().flatten()
}

fn side(replay: &Replay, found: &Found<'_>) -> Side {
    let customers = replay.tables.customers.len() as u64;
    let mut given = Given::default();
    for one in found.placements.values() {
        given.offers += one.offers;
        given.fallbacks += one.fallbacks;
        given.silences += one.silences;
        given.value += one.value;
    }
    Side {
        digest: Arc::from(&**replay.base().engine().digest()),
        customers,
        reached: found.customers.len() as u64,
        most: found.customers.values().map(|share| share.offers).max().unwrap_or(0),
        per_customer: (customers > 0).then(|| given.offers as f64 / customers as f64),
        without_value: found.without_value,
        given,
    }
}

fn placements(sides: &[Found<'_>; 2]) -> Vec<PlacementChange> {
    let mut names: Vec<&str> = sides[0].order.clone();
    names.extend(sides[1].order.iter().filter(|name| !sides[0].order.contains(name)));
    let of = |side: &Found<'_>, name: &str| side.placements.get(name).copied().unwrap_or_default();
    names
        .into_iter()
        .map(|name| PlacementChange { placement: name.into(), before: of(&sides[0], name), after: of(&sides[1], name) })
        .collect()
}

fn offers(sides: &[Found<'_>; 2]) -> Vec<OfferChange> {
    let names: BTreeSet<&Arc<str>> = sides.iter().flat_map(|side| side.offers.keys().copied()).collect();
    let of = |side: &Found<'_>, name: &Arc<str>| {
        side.offers.get(name).map_or(Times::default(), |(times, who)| Times { times: *times, customers: who.len() as u64 })
    };
    names
        .into_iter()
        .map(|name| OfferChange { offer: name.clone(), before: of(&sides[0], name), after: of(&sides[1], name) })
        .collect()
}

fn gates(before: &Replay, after: &Replay) -> Vec<GateChange> {
    let mut counts: BTreeMap<(&Arc<str>, &Arc<str>, &'static str), [u64; 2]> = BTreeMap::new();
    for (side, replay) in [before, after].into_iter().enumerate() {
        for row in &replay.tables.gates {
            counts.entry((&row.placement, &row.offer, row.gate)).or_default()[side] += row.customers;
        }
    }
    let mut changes: Vec<GateChange> = counts
        .into_iter()
        .filter(|(_, [before, after])| before != after)
        .map(|((placement, offer, gate), [before, after])| GateChange {
            placement: placement.clone(),
            offer: offer.clone(),
            gate,
            before,
            after,
        })
        .collect();
    changes.sort_by_key(|change| std::cmp::Reverse(change.before.abs_diff(change.after)));
    changes
}

/// The segments that may be told, and how many may not. Whoever subtracts one from another, or from everybody, learns about none or at
/// least `k`; of two that are too close the smaller is withheld.
fn segments(before: &Replay, sides: &[Found<'_>; 2], k: u64) -> (Vec<SegmentChange>, u64) {
    let everybody = &before.tables.customers;
    let mut found: BTreeMap<&Arc<str>, Members> = BTreeMap::new();
    for (number, row) in everybody.iter().enumerate() {
        for segment in &row.segments {
            found.entry(segment).or_insert_with(|| Members(vec![0; everybody.len().div_ceil(64)])).add(number);
        }
    }
    let total = found.len();
    let mut largest: Vec<(&Arc<str>, Members)> = found.into_iter().collect();
    largest.sort_by_key(|(segment, members)| (std::cmp::Reverse(members.count()), *segment));
    let few = |number: u64| (1..k).contains(&number);
    let mut told: Vec<(&Arc<str>, Members)> = Vec::new();
    for (segment, members) in largest {
        let alone = !few(members.count()) && !few(everybody.len() as u64 - members.count());
        let close = |(_, other): &(&Arc<str>, Members)| few(members.without(other)) || few(other.without(&members));
        if alone && !told.iter().any(close) {
            told.push((segment, members));
        }
    }
    told.sort_by_key(|(segment, _)| *segment);
    let withheld = (total - told.len()) as u64;
    let change = |(segment, members): (&Arc<str>, Members)| {
        let mut shares = [Share::default(); 2];
        for (_, row) in everybody.iter().enumerate().filter(|(number, _)| members.has(*number)) {
            for (share, side) in shares.iter_mut().zip(sides) {
                if let Some(own) = side.customers.get(&*row.customer) {
                    share.reached += own.reached;
                    share.offers += own.offers;
                    share.value += own.value;
                }
            }
        }
        let [before, after] = shares;
        SegmentChange { segment: segment.clone(), members: members.count(), before, after }
    };
    (told.into_iter().map(change).collect(), withheld)
}

/// Who is in a segment: a bit for each customer.
struct Members(Vec<u64>);

impl Members {
    fn add(&mut self, number: usize) {
        if let Some(word) = self.0.get_mut(number / 64) {
            *word |= 1 << (number % 64);
        }
    }

    fn has(&self, number: usize) -> bool {
        self.0.get(number / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    fn count(&self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// How many are here and not there.
    fn without(&self, other: &Members) -> u64 {
        self.0.iter().zip(&other.0).map(|(own, other)| u64::from((own & !other).count_ones())).sum()
    }
}

impl fmt::Display for Comparison {
    /// A page to read: totals, then what changes most.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Comparison { before, after, .. } = self;
        let row = |f: &mut fmt::Formatter<'_>, name: &str, one: &dyn fmt::Display, two: &dyn fmt::Display| {
            writeln!(f, "{name:<28} {one:>12} {two:>12}")
        };
        row(f, "", &"before", &"after")?;
        row(f, "customers", &before.customers, &after.customers)?;
        row(f, "with an offer", &before.reached, &after.reached)?;
        row(f, "offers", &before.given.offers, &after.given.offers)?;
        row(f, "fallbacks", &before.given.fallbacks, &after.given.fallbacks)?;
        row(f, "silences", &before.given.silences, &after.given.silences)?;
        row(f, "most for one customer", &before.most, &after.most)?;
        row(f, "declared value", &format!("{:.2}", before.given.value), &format!("{:.2}", after.given.value))?;
        writeln!(f, "\n{} decisions stay, {} change", self.same, self.changed)?;
        writeln!(
            f,
            "{} customers gain a first offer, {} lose their last, {} get none either way",
            self.gained, self.lost, self.never
        )?;
        if self.only_before + self.only_after > 0 {
            writeln!(f, "{} decisions were only taken before, {} only after", self.only_before, self.only_after)?;
        }
        writeln!(f)?;
        for OfferChange { offer, before, after } in self.offers.iter().filter(|change| change.before != change.after) {
            row(f, offer, &before.times, &after.times)?;
        }
        writeln!(f)?;
        let nothing = Arc::from("nothing");
        for Swap { placement, from, to, times } in self.swaps.iter().take(10) {
            let (from, to) = (from.as_ref().unwrap_or(&nothing), to.as_ref().unwrap_or(&nothing));
            writeln!(f, "{placement}: {to} in place of {from}, {times} times")?;
        }
        for GateChange { placement, offer, gate, before, after } in
            self.gates.iter().filter(|one| one.gate != "chosen").take(10)
        {
            writeln!(f, "{placement}, {offer}: {before} were stopped at {gate}, {after} are now")?;
        }
        Ok(())
    }
}
