//! From the stories of a base to choices, and what another playbook would have chosen at each.

use super::choice::{Choice, EstimateError, EstimateOptions};
use super::estimators::{OffPolicy, estimate_among};
use crate::base::CustomerBase;
use crate::customer::{Event, Identifier};
use crate::decide::{Ranked, Replayed, Request, RequestError};
use crate::engine::Engine;
use crate::error::nearest;
use crate::playbook::{Explore, OUTCOMES};
use crate::receipt::{AnswerRead, Receipt};
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
    /// Facts of every request to the other playbook that no receipt tells; `null` for one that is not known.
    pub facts: Vec<(String, Value)>,
    /// Receipts of the decisions, as the question `receipt` gives them, as JSON: what was asked is asked again, with its placements in their order,
    /// its facts and columns.
    pub receipts: Vec<String>,
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
            receipts: Vec::new(),
            trends: None,
            estimate: EstimateOptions::default(),
        }
    }
}

/// Answers that are not part of an estimate, by why.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "left_out")]
#[non_exhaustive]
pub struct LeftOut {
    /// Not every slot before the last one that is told is told.
    pub incomplete: u64,
    /// What was asked is not known, and makes a difference: several placements, in an order that only the receipt tells; or the other playbook
    /// reads facts or columns of the request. Receipts help.
    pub without_request: u64,
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

/// A decision that was explored, with what is known of how it was asked for.
struct Answered {
    customer: Arc<str>,
    identifier: Identifier,
    /// The instants of the question: when, and up to when knowledge counted.
    instant: (Timestamp, Timestamp),
    /// In the order asked, with how many slots there were.
    placements: Vec<(Arc<str>, usize)>,
    slots: BTreeMap<Arc<str>, Vec<Slot>>,
    request: Option<Request>,
    /// How probable each offer is with the other playbook, by place of the placement and slot.
    targets: BTreeMap<(usize, usize), Vec<(Arc<str>, f64)>>,
}

/// A slot that was filled.
struct Slot {
    offer: Arc<str>,
    items: Option<Value>,
    /// Whether what was decided is told, not only what was seen of it.
    decided: bool,
    probability: Option<f64>,
    identifier: Identifier,
    time: Timestamp,
    reward: f64,
    counted: BTreeSet<String>,
}

/// The slots of a decision that are told, by placement and number.
type Told = BTreeMap<Arc<str>, BTreeMap<i64, Slot>>;

impl CustomerBase {
    /// What another playbook would have brought, from the choices that its customers' stories tell with their probability. The other playbook is
    /// asked anew at the instant of each choice, with the events of all customers that were known then, except for what tells of the
    /// choice itself. Takes time and memory in proportion to all events.
    ///
    /// The slots of a decision are one [slate](Choice::slate): each slot is asked about after those before it were given to what was chosen
    /// then, with its items. Where a decision has a [receipt](HistoryOptions::receipts), it is asked as it was asked then, for all its placements in their
    /// order; without one only decisions for one placement count, and only where the other playbook reads no facts or columns of the
    /// request but those in `facts`. Choices of Thompson sampling are left out unless asked for, because their probability is not exact.
    ///
    /// # Errors
    /// [`EstimateError`] for an undeclared placement, an unknown outcome, no `rewards`, a receipt that is none or was altered, no choices, a
    /// request that the other playbook refuses, and as for [`estimate`](super::estimate).
    pub fn off_policy(&self, after: &Engine, options: &HistoryOptions) -> Result<OffPolicyReport, EstimateError> {
        options.estimate.check()?;
        self.check(after, options)?;
        let receipts = receipts(&options.receipts)?;
        let mut events = self.history(options.now);
        let (mut answered, left_out) = self.answered(&events, &receipts, after, options);
        self.reward(&mut answered, &events, options);
        events.sort_by(|a, b| {
            let order = |event: &Event| (event.known_at.unwrap_or(event.time), event.time, event.sequence);
            order(a).cmp(&order(b)).then_with(|| a.id.cmp(&b.id))
        });
        let refused_events = walk(after, options, &events, &mut answered)?;
        let choices: Vec<Choice> = answered.into_iter().flat_map(|(decision, answered)| answered.choices(&decision)).collect();
        if choices.is_empty() {
            let LeftOut { incomplete, without_request, approximate, without_probability, open } = left_out;
            let message = format!(
                "there is no choice with a probability to estimate from; left out: {without_probability} without one, {approximate} \
                 whose probability is not exact (ask with `approximate`), {without_request} of which is not known what was asked (give \
                 `receipts`, or `facts`), {incomplete} of which not every slot is told, {open} still open"
            );
            return Err(EstimateError::new("no_choices", "", message));
        }
        let wanted =
            |placement: &str| options.placements.is_empty() || options.placements.iter().any(|name| *name == *placement);
        let names: BTreeSet<&Arc<str>> = choices.iter().map(|choice| &choice.placement).filter(|name| wanted(name)).collect();
        let of = |placement: &Arc<str>| -> Result<PlacementEstimate, EstimateError> {
            let found = estimate_among(&choices, &options.estimate, &|name| *name == **placement)?;
            Ok(PlacementEstimate { placement: placement.clone(), found })
        };
        Ok(OffPolicyReport {
            before: self.engine().digest().clone(),
            after: after.digest().clone(),
            confidence: options.estimate.confidence,
            clip: options.estimate.clip,
            all: estimate_among(&choices, &options.estimate, &wanted)?,
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

    /// The decisions of which a slot was chosen with a probability.
    fn answered(
        &self,
        events: &[Event],
        receipts: &BTreeMap<Arc<str>, Asked>,
        after: &Engine,
        options: &HistoryOptions,
    ) -> (BTreeMap<Arc<str>, Answered>, LeftOut) {
        let mut told: BTreeMap<Arc<str>, Told> = BTreeMap::new();
        let mut outcomes: Vec<&Event> =
            events.iter().filter(|event| ["decided", "shown"].contains(&&*event.event_type)).collect();
        outcomes.sort_by_key(|event| event.time);
        for event in outcomes {
            let Some(About { decision, placement, slot, offer }) = About::of(event) else { continue };
            let Some(identifier) = event.identifiers.first() else { continue };
            // Each slot once, however many outcomes tell of it.
            let slots = told.entry(decision).or_default().entry(placement).or_default();
            let own = slots.entry(slot).or_insert_with(|| Slot {
                offer,
                decided: false,
                items: event.property("items").cloned(),
                probability: match event.property("probability") {
                    Some(Value::Double(probability)) => Some(*probability),
                    _ => None,
                },
                identifier: identifier.clone(),
                time: event.time,
                reward: 0.0,
                counted: BTreeSet::new(),
            });
            own.decided |= event.event_type == "decided";
        }
        let reads = |name: &Arc<str>| !options.facts.iter().any(|(told, _)| **told == **name);
        let asks = after.offers().request.iter().any(reads) || !after.offers().columns.is_empty();
        let (mut answered, mut left_out) = (BTreeMap::new(), LeftOut::default());
        for (decision, told) in told {
            match self.complete(told, receipts.get(&decision), asks, options) {
                Ok(Some(found)) => _ = answered.insert(decision, found),
                Ok(None) => {}
                Err(why) => *why(&mut left_out) += 1,
            }
        }
        (answered, left_out)
    }

    /// A decision as it can be estimated from; `None` when it is not asked about, else why it is left out.
    fn complete(
        &self,
        told: Told,
        asked: Option<&Asked>,
        asks: bool,
        options: &HistoryOptions,
    ) -> Result<Option<Answered>, fn(&mut LeftOut) -> &mut u64> {
        let wanted = |name: &str| options.placements.is_empty() || options.placements.iter().any(|own| *own == *name);
        let times = || told.values().flat_map(BTreeMap::values).map(|slot| slot.time);
        let (Some(time), Some(last)) = (times().min(), times().max()) else { return Ok(None) };
        if !told.keys().any(|name| wanted(name)) || options.since.is_some_and(|since| time <= since) {
            return Ok(None);
        }
        let playbook = self.engine().playbook();
        let rule = |name: &str| playbook.placements.iter().find(|own| *own.name.text == *name);
        let most = |name: &str| rule(name).map_or(0, |own| own.slots as usize);
        let explores =
            |name: &str| rule(name).and_then(|own| own.arbitration.as_ref()).unwrap_or(&playbook.arbitration).explore;
        if told.values().flat_map(BTreeMap::values).all(|slot| slot.probability.is_none()) {
            return Err(|left| &mut left.without_probability);
        }
        if told.keys().any(|name| explores(name) == Explore::Thompson) && !options.approximate {
            return Err(|left| &mut left.approximate);
        }
        if options.within.is_some_and(|within| last.saturating_add_micros(within.micros()) > options.now) {
            return Err(|left| &mut left.open);
        }
        let receipt = asked.map(|(receipt, _)| receipt);
        let order: Vec<Arc<str>> = match receipt {
            Some(receipt) => receipt.answers.iter().map(|answer| Arc::from(&*answer.placement)).collect(),
            None => told.keys().cloned().collect(),
        };
        if receipt.is_none() && (asks || order.len() > 1) {
            return Err(|left| &mut left.without_request);
        }
        let mut slots: BTreeMap<Arc<str>, Vec<Slot>> = BTreeMap::new();
        for (name, own) in told {
            // Of what was not filled nobody tells, unless it is told what was decided.
            let full = own.len() >= most(&name) || receipt.is_some() || own.values().any(|slot| slot.decided);
            let whole = full && own.keys().zip(0..).all(|(slot, place)| *slot == place);
            // What was not left to chance is certain, where something else was.
            let known = own.values().all(|slot| slot.probability.is_some() || explores(&name) == Explore::No);
            if !whole || !known {
                return Err(|left| &mut left.incomplete);
            }
            slots.insert(name, own.into_values().collect());
        }
        if let Some(receipt) = receipt {
            let same = |answer: &AnswerRead| {
                let own = slots.get(&*answer.placement).map_or(&[][..], |slots| slots);
                own.iter().map(|slot| &*slot.offer).eq(answer.offers.iter().map(|offer| &**offer))
            };
            if !receipt.answers.iter().all(same) || slots.keys().any(|name| !order.contains(name)) {
                return Err(|left| &mut left.incomplete);
            }
        }
        let Some(identifier) = slots.values().flatten().map(|slot| &slot.identifier).next().cloned() else { return Ok(None) };
        let customer = self.find(&identifier).map_or_else(|| identifier.as_str(), |customer| customer.id());
        let placements = order.into_iter().map(|name| {
            let most = most(&name).max(slots.get(&name).map_or(0, Vec::len));
            (name, most)
        });
        Ok(Some(Answered {
            customer: Arc::from(customer),
            instant: receipt.map_or((time, time), |receipt| (receipt.now, receipt.known_at)),
            placements: placements.collect(),
            request: asked.map(|(_, request)| request.clone()),
            identifier,
            slots,
            targets: BTreeMap::new(),
        }))
    }

    fn reward(&self, answered: &mut BTreeMap<Arc<str>, Answered>, events: &[Event], options: &HistoryOptions) {
        let offers = self.engine().playbook().offers.iter();
        let values: BTreeMap<&str, f64> =
            offers.filter_map(|offer| Some((&*offer.name.text, offer.factors[2].as_ref()?.constant()?))).collect();
        for event in events {
            let Some(reward) = options.rewards.get(&event.event_type) else { continue };
            let Some(About { decision, placement, slot, .. }) = About::of(event) else { continue };
            let slots = answered.get_mut(&decision).and_then(|answered| answered.slots.get_mut(&placement));
            let Some(slot) = slots.and_then(|slots| slots.get_mut(usize::try_from(slot).ok()?)) else { continue };
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

impl Answered {
    /// Slot after slot; those that stayed empty too, because the other playbook may fill them.
    fn choices(self, decision: &Arc<str>) -> Vec<Choice> {
        let Answered { customer, placements, mut slots, mut targets, .. } = self;
        let single = placements.iter().map(|(_, most)| most).sum::<usize>() == 1;
        let mut choices = Vec::new();
        for (number, (placement, most)) in placements.iter().enumerate() {
            let mut filled = slots.remove(placement).unwrap_or_default().into_iter();
            for slot in 0..*most {
                let (offer, probability, reward) = match filled.next() {
                    Some(slot) => (slot.offer, slot.probability.unwrap_or(1.0), slot.reward),
                    None => (Arc::from(""), 1.0, 0.0),
                };
                choices.push(Choice {
                    customer: customer.clone(),
                    placement: placement.clone(),
                    slate: (!single).then(|| decision.clone()),
                    offer,
                    probability,
                    reward,
                    target: targets.remove(&(number, slot)).unwrap_or_default(),
                });
            }
        }
        choices
    }

    /// How probable each offer is for each slot after what was chosen for those before, in a base of the other playbook.
    fn ask(&mut self, base: &CustomerBase, options: &HistoryOptions) -> Result<(), RequestError> {
        let offers = base.engine().offers();
        let mut request = match &self.request {
            Some(request) => request.clone(),
            None => {
                Request { placements: self.placements.iter().map(|(name, _)| name.to_string()).collect(), ..Request::default() }
            }
        };
        // What no rule of the other playbook reads makes no difference.
        request.facts.retain(|(name, _)| offers.request.iter().any(|known| **known == **name));
        request.scores.retain(|(column, offer, _)| {
            offers.columns.iter().any(|known| **known == **column) && offers.by_name.contains_key(&**offer)
        });
        for (name, value) in &options.facts {
            if !request.facts.iter().any(|(known, _)| known == name) {
                request.facts.push((name.clone(), value.clone()));
            }
        }
        request.trends = options.trends.clone();
        let named =
            |(name, slots): (&Arc<str>, &Vec<Slot>)| (name.clone(), slots.iter().map(|slot| slot.offer.clone()).collect());
        let replayed = Replayed::new(self.slots.iter().map(named).collect());
        let decision = base.decide_replayed(&self.identifier, &request, self.instant, &replayed)?;
        for (number, (placement, most)) in self.placements.iter().enumerate() {
            let own = self.slots.get(placement).map_or(&[][..], |slots| slots);
            let taken = decision.placement(placement).map_or(&[][..], |answer| answer.offers());
            for slot in 0..*most {
                let sure = || taken.get(slot).map(|ranked| vec![(ranked.offer.clone(), 1.0)]).unwrap_or_default();
                let mut target = replayed.told(placement, slot).unwrap_or_else(sure);
                target.retain(|(_, probability)| *probability > 0.0);
                let goes_on = match (own.get(slot), taken.get(slot)) {
                    (Some(chosen), Some(ranked)) if chosen.offer == ranked.offer => {
                        let same = carries(ranked, chosen.items.as_ref());
                        // The same offer with other items is another choice, of which nothing is known.
                        for (offer, _) in target.iter_mut().filter(|(offer, _)| *offer == chosen.offer && !same) {
                            *offer = Arc::from(format!("{offer} with other items"));
                        }
                        same
                    }
                    (chosen, ranked) => chosen.is_none() && ranked.is_none(),
                };
                self.targets.insert((number, slot), target);
                // After something else nothing that follows counts.
                if !goes_on {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// Whether an offer carries the items that an outcome tells.
fn carries(ranked: &Ranked, told: Option<&Value>) -> bool {
    let names: Vec<&str> = match told {
        Some(Value::List(items)) => items.iter().filter_map(Value::as_text).collect(),
        _ => Vec::new(),
    };
    ranked.items.iter().map(|item| &*item.item).eq(names)
}

/// A receipt, and the request that it tells.
type Asked = (Receipt, Request);

/// Receipts by decision.
fn receipts(told: &[String]) -> Result<BTreeMap<Arc<str>, Asked>, EstimateError> {
    let mut receipts = BTreeMap::new();
    for (place, text) in told.iter().enumerate() {
        let wrong = |message: String| EstimateError::new("wrong_receipt", format!("receipts[{place}]"), message);
        let receipt: Receipt = serde_json::from_str(text).map_err(|error| wrong(format!("expected a receipt: {error}")))?;
        if !receipt.is_genuine() {
            return Err(wrong("the receipt was altered".to_owned()));
        }
        let request = receipt.request().map_err(|error| wrong(error.to_string()))?;
        receipts.insert(Arc::from(&*receipt.decision), (receipt, request));
    }
    Ok(receipts)
}

/// What an outcome is about.
struct About {
    decision: Arc<str>,
    placement: Arc<str>,
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
        Some(About { decision: text("decision")?, placement: text("placement")?, slot, offer: text("offer")? })
    }
}

/// Lets a base of the other playbook live through the events, and asks it at each decision. Tells how many events it refused.
fn walk(
    after: &Engine,
    options: &HistoryOptions,
    events: &[Event],
    answered: &mut BTreeMap<Arc<str>, Answered>,
) -> Result<u64, EstimateError> {
    let mut base = CustomerBase::new(after.clone());
    let mut order: Vec<(Timestamp, Arc<str>)> =
        answered.iter().map(|(decision, own)| (own.instant.0.max(own.instant.1), decision.clone())).collect();
    order.sort();
    let mut refused = 0;
    let mut record = |base: &mut CustomerBase, event: &Event| refused += u64::from(!take(base, event));
    let (mut next, mut own): (usize, Vec<&Event>) = (0, Vec::new());
    for (time, decision) in order {
        while let Some(event) = events.get(next).filter(|event| event.known_at.unwrap_or(event.time) <= time) {
            next += 1;
            let about = matches!(event.property("decision"), Some(Value::String(told)) if *told == decision);
            if about { own.push(event) } else { record(&mut base, event) }
        }
        if let Some(answered) = answered.get_mut(&decision) {
            let refused = |error: RequestError| EstimateError::new(error.code(), error.path(), error.message());
            answered.ask(&base, options).map_err(refused)?;
        }
        own.drain(..).for_each(|event| record(&mut base, event));
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
