//! From the stories of a base to choices, and what another playbook would have chosen at each.

use super::choice::{Choice, EstimateError, EstimateOptions};
use super::estimators::{OffPolicy, estimate};
use crate::base::CustomerBase;
use crate::customer::{Event, Identifier};
use crate::decide::{Gate, Request};
use crate::engine::Engine;
use crate::error::nearest;
use crate::playbook::{Explore, OUTCOMES};
use crate::trends::Snapshot;
use crate::value::{Duration, Timestamp, Value};
use schemars::JsonSchema;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What an outcome brings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reward {
    /// So much.
    Number(f64),
    /// What the offer declares as its `value`, in the playbook by which was chosen; nothing where that is no number.
    Value,
}

/// Which choices, what came of them, and how to ask the other playbook.
#[derive(Debug, Clone)]
pub struct HistoryOptions {
    /// Up to when is known what came of the choices.
    pub now: Timestamp,
    /// Only choices after this instant.
    pub since: Option<Timestamp>,
    /// How long after a choice an outcome still counts; choices whose time is not over are left out. To the end without.
    pub within: Option<Duration>,
    /// Only choices for these placements; all without.
    pub placements: Vec<String>,
    /// What counts, by outcome; each counts once for a choice.
    pub rewards: BTreeMap<String, Reward>,
    /// Whether choices are taken whose probability is not exact: those of Thompson sampling.
    pub approximate: bool,
    /// Facts of every request to the other playbook; those of the recorded requests are not recorded.
    pub facts: Vec<(String, Value)>,
    /// Trends for the other playbook, for rates that it learned.
    pub trends: Option<Arc<Snapshot>>,
    /// How to estimate.
    pub estimate: EstimateOptions,
}

impl HistoryOptions {
    /// All choices, with what came of them by an instant; nothing counts until `rewards` are given.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        HistoryOptions {
            now,
            since: None,
            within: None,
            placements: Vec::new(),
            rewards: BTreeMap::new(),
            approximate: false,
            facts: Vec::new(),
            trends: None,
            estimate: EstimateOptions::default(),
        }
    }
}

/// Choices that are not part of an estimate, by why.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "left_out")]
#[non_exhaustive]
pub struct LeftOut {
    /// Of slots after the first: their probability depends on what the slots before took.
    pub later_slots: u64,
    /// Their probability is not exact.
    pub approximate: u64,
    /// They have no probability, because nothing was explored.
    pub without_probability: u64,
    /// The time in which something may come of them was not over.
    pub open: u64,
}

/// What another playbook would have brought, as a whole and by placement.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "off_policy_report")]
#[non_exhaustive]
pub struct OffPolicyReport {
    /// Digest of the playbook by which was chosen.
    pub before: Arc<str>,
    /// Digest of the other one.
    pub after: Arc<str>,
    /// How often the intervals are to hold the truth.
    pub confidence: f64,
    /// The largest weight; null without a limit.
    pub clip: Option<f64>,
    /// All choices together.
    #[serde(flatten)]
    pub all: OffPolicy,
    /// By placement, in the order of their names.
    pub placements: Vec<PlacementEstimate>,
    /// What was left out.
    pub left_out: LeftOut,
    /// Events that the other playbook does not take, which it therefore does not know.
    pub refused_events: u64,
}

/// What another playbook would have brought in one placement.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "off_policy_placement")]
#[non_exhaustive]
pub struct PlacementEstimate {
    /// The placement.
    pub placement: Arc<str>,
    /// Its choices.
    #[serde(flatten)]
    pub found: OffPolicy,
}

/// The first slot of a placement of a decision.
struct Slot {
    customer: Arc<str>,
    identifier: Identifier,
    offer: Arc<str>,
    probability: f64,
    time: Timestamp,
    reward: f64,
    counted: BTreeSet<String>,
    target: Vec<(Arc<str>, f64)>,
}

/// A decision and a placement of it.
type Key = (Arc<str>, Arc<str>);

impl CustomerBase {
    /// What another playbook would have brought, from the choices that its customers' stories tell with their probability. The other playbook is
    /// asked anew at the instant of each choice, with the events of all customers that were known then, except for what tells of the
    /// choice itself. Takes time and memory in proportion to all events.
    ///
    /// Only the first slot of each placement counts, because the probabilities of later ones depend on those before; each placement is
    /// asked alone. Choices of Thompson sampling are left out unless asked for, because their probability is not exact.
    ///
    /// # Errors
    /// [`EstimateError`] for an undeclared placement, an unknown outcome, no `rewards`, no choices, a request that the other playbook
    /// refuses, and as for [`estimate`].
    pub fn off_policy(&self, after: &Engine, options: &HistoryOptions) -> Result<OffPolicyReport, EstimateError> {
        options.estimate.check()?;
        self.check(after, options)?;
        let mut events = self.history(options.now);
        let (mut slots, left_out) = self.first_slots(&events, options);
        self.reward(&mut slots, &events, options);
        events.sort_by(|a, b| {
            let order = |event: &Event| (event.known_at.unwrap_or(event.time), event.time, event.sequence);
            order(a).cmp(&order(b)).then_with(|| a.id.cmp(&b.id))
        });
        let refused_events = walk(after, options, &events, &mut slots)?;
        let choices: Vec<Choice> = slots
            .into_iter()
            .map(|((_, placement), slot)| Choice {
                customer: slot.customer,
                placement,
                offer: slot.offer,
                probability: slot.probability,
                reward: slot.reward,
                target: slot.target,
            })
            .collect();
        if choices.is_empty() {
            let LeftOut { later_slots, approximate, without_probability, open } = left_out;
            let message = format!(
                "there is no choice with a probability to estimate from; left out: {without_probability} without one, {approximate} \
                 whose probability is not exact (ask with `approximate`), {later_slots} of later slots, {open} still open"
            );
            return Err(EstimateError::new("no_choices", "", message));
        }
        let names: BTreeSet<&Arc<str>> = choices.iter().map(|choice| &choice.placement).collect();
        let of = |placement: &Arc<str>| -> Result<PlacementEstimate, EstimateError> {
            let own: Vec<Choice> = choices.iter().filter(|choice| choice.placement == *placement).cloned().collect();
            Ok(PlacementEstimate { placement: placement.clone(), found: estimate(&own, &options.estimate)? })
        };
        Ok(OffPolicyReport {
            before: self.engine().digest().clone(),
            after: after.digest().clone(),
            confidence: options.estimate.confidence,
            clip: options.estimate.clip,
            all: estimate(&choices, &options.estimate)?,
            placements: names.into_iter().map(of).collect::<Result<_, _>>()?,
            left_out,
            refused_events,
        })
    }

    fn check(&self, after: &Engine, options: &HistoryOptions) -> Result<(), EstimateError> {
        let declared = |engine: &Engine, name: &str| engine.playbook().placements.iter().any(|own| *own.name.text == *name);
        for (place, name) in options.placements.iter().enumerate() {
            if !declared(self.engine(), name) || !declared(after, name) {
                let shown: String = name.chars().take(80).collect();
                let message = format!("placement `{shown}` is not declared in both playbooks");
                return Err(EstimateError::new("unknown_placement", format!("placements[{place}]"), message));
            }
        }
        if options.rewards.is_empty() {
            let message = "say what counts, such as `accepted` with a number or with `value`, that of the offer";
            return Err(EstimateError::new("no_rewards", "rewards", message));
        }
        for (outcome, reward) in &options.rewards {
            let shown: String = outcome.chars().take(80).collect();
            if !OUTCOMES.contains(&outcome.as_str()) {
                let near = nearest(outcome, OUTCOMES.iter().copied());
                let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                let message = format!("`{shown}` is no outcome{hint}");
                return Err(EstimateError::new("unknown_outcome", "rewards", message));
            }
            if matches!(reward, Reward::Number(number) if !number.is_finite()) {
                return Err(EstimateError::new("out_of_range", format!("rewards.{shown}"), "expected a finite number"));
            }
        }
        Ok(())
    }

    /// All events that were known at an instant.
    fn history(&self, now: Timestamp) -> Vec<Event> {
        let known = |event: &Event| event.time <= now && event.known_at.unwrap_or(event.time) <= now;
        self.iter().flat_map(|customer| customer.events()).filter(known).collect()
    }

    /// The first slots that were chosen with a probability.
    fn first_slots(&self, events: &[Event], options: &HistoryOptions) -> (BTreeMap<Key, Slot>, LeftOut) {
        let playbook = self.engine().playbook();
        let inexact = |placement: &str| {
            let own = playbook.placements.iter().find(|own| *own.name.text == *placement);
            let ranked = own.and_then(|own| own.arbitration.as_ref()).unwrap_or(&playbook.arbitration);
            ranked.explore == Explore::Thompson
        };
        let (mut slots, mut left_out): (BTreeMap<Key, Slot>, LeftOut) = (BTreeMap::new(), LeftOut::default());
        // Each slot once, however many outcomes tell of it.
        let mut seen: BTreeSet<(Key, i64)> = BTreeSet::new();
        let mut told: Vec<&Event> = events.iter().filter(|event| ["decided", "shown"].contains(&&*event.event_type)).collect();
        told.sort_by_key(|event| event.time);
        for event in told {
            let Some(About { key, slot, offer }) = About::of(event) else { continue };
            let wanted = options.placements.is_empty() || options.placements.iter().any(|name| **name == *key.1);
            let Some(identifier) = event.identifiers.first().filter(|_| wanted) else { continue };
            if options.since.is_some_and(|since| event.time <= since) || !seen.insert((key.clone(), slot)) {
                continue;
            }
            let end = options.within.map_or(event.time, |within| event.time.saturating_add_micros(within.micros()));
            let probability = match event.property("probability") {
                Some(Value::Double(probability)) => *probability,
                _ => {
                    left_out.without_probability += 1;
                    continue;
                }
            };
            if slot != 0 {
                left_out.later_slots += 1;
            } else if inexact(&key.1) && !options.approximate {
                left_out.approximate += 1;
            } else if end > options.now {
                left_out.open += 1;
            } else {
                let customer = self.find(identifier).map_or_else(|| identifier.as_str(), |customer| customer.id());
                let customer = Arc::from(customer);
                let (identifier, time) = (identifier.clone(), event.time);
                let (reward, counted, target) = (0.0, BTreeSet::new(), Vec::new());
                slots.insert(key, Slot { customer, identifier, offer, probability, time, reward, counted, target });
            }
        }
        (slots, left_out)
    }

    fn reward(&self, slots: &mut BTreeMap<Key, Slot>, events: &[Event], options: &HistoryOptions) {
        let offers = self.engine().playbook().offers.iter();
        let values: BTreeMap<&str, f64> =
            offers.filter_map(|offer| Some((&*offer.name.text, offer.factors[2].as_ref()?.constant()?))).collect();
        for event in events {
            let Some(reward) = options.rewards.get(&event.event_type) else { continue };
            let Some(About { key, slot: 0, .. }) = About::of(event) else { continue };
            let Some(slot) = slots.get_mut(&key) else { continue };
            let end = options.within.map_or(options.now, |within| slot.time.saturating_add_micros(within.micros()));
            if event.time <= end && slot.counted.insert(event.event_type.clone()) {
                slot.reward += match reward {
                    Reward::Number(number) => *number,
                    Reward::Value => values.get(&*slot.offer).copied().unwrap_or(0.0),
                };
            }
        }
    }
}

/// What an outcome is about.
struct About {
    key: Key,
    slot: i64,
    offer: Arc<str>,
}

impl About {
    fn of(event: &Event) -> Option<Self> {
        let text = |name: &str| match event.property(name) {
            Some(Value::String(text)) => Some(text.clone()),
            _ => None,
        };
        let slot = match event.property("slot") {
            Some(Value::Int(slot)) => *slot,
            None => 0,
            _ => return None,
        };
        Some(About { key: (text("decision")?, text("placement")?), slot, offer: text("offer")? })
    }
}

/// Lets a base of the other playbook live through the events, and asks it at each choice. Tells how many events it refused.
fn walk(
    after: &Engine,
    options: &HistoryOptions,
    events: &[Event],
    slots: &mut BTreeMap<Key, Slot>,
) -> Result<u64, EstimateError> {
    // With one slot, so that what is told of each offer is how probable it is for the first.
    let single = after.variant(|playbook| playbook.placements.iter_mut().for_each(|placement| placement.slots = 1));
    let mut base = CustomerBase::new(single.unwrap_or_else(|| after.clone()));
    let mut order: Vec<(Timestamp, Key)> = slots.iter().map(|(key, slot)| (slot.time, key.clone())).collect();
    order.sort();
    let mut refused = 0;
    let mut record = |base: &mut CustomerBase, event: &Event| refused += u64::from(!take(base, event));
    let (mut next, mut own): (usize, Vec<&Event>) = (0, Vec::new());
    let mut open: Option<Arc<str>> = None;
    for (time, key) in order {
        if open.as_ref() != Some(&key.0) {
            own.drain(..).for_each(|event| record(&mut base, event));
            open = Some(key.0.clone());
        }
        while let Some(event) = events.get(next).filter(|event| event.known_at.unwrap_or(event.time) <= time) {
            next += 1;
            let about = matches!(event.property("decision"), Some(Value::String(decision)) if *decision == key.0);
            if about { own.push(event) } else { record(&mut base, event) }
        }
        let Some(slot) = slots.get_mut(&key) else { continue };
        let facts = options.facts.clone();
        let request = Request { facts, trends: options.trends.clone(), ..Request::of(&key.1) };
        slot.target = target(&base, &slot.identifier, &request, time)?;
    }
    Ok(refused)
}

/// Records an event without what the playbook does not declare of it, which no rule of it reads; false when it is refused.
fn take(base: &mut CustomerBase, event: &Event) -> bool {
    let mut known = Cow::Borrowed(event);
    loop {
        match base.record(&known) {
            Ok(_) => return true,
            Err(error) if error.code() == "undeclared_property" => {
                let name = error.path().strip_prefix("properties.").unwrap_or("").to_owned();
                let before = known.properties.len();
                known.to_mut().properties.retain(|(own, _)| *own != name);
                if known.properties.len() == before {
                    return false;
                }
            }
            Err(_) => return false,
        }
    }
}

/// How probable each offer is for the first slot.
fn target(
    base: &CustomerBase,
    identifier: &Identifier,
    request: &Request,
    now: Timestamp,
) -> Result<Vec<(Arc<str>, f64)>, EstimateError> {
    let refused = |error: crate::RequestError| EstimateError::new(error.code(), error.path(), error.message());
    let candidates = base.candidates(identifier, request, now).map_err(refused)?;
    let probable = candidates.into_iter().filter_map(|candidate| {
        let taken = if candidate.gate == Gate::Chosen { 1.0 } else { 0.0 };
        let probability = candidate.probability.unwrap_or(taken);
        (probability > 0.0).then_some((candidate.offer, probability))
    });
    Ok(probable.collect())
}
