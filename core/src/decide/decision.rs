use super::message::SmsLength;
use super::promise::Terms;
use super::trace::Trace;
use crate::customer::{Event, Identifier};
use crate::suggest::Suggested;
use crate::value::{LateText, Timestamp, Value};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The answer to a request: for each placement ranked offers with their messages, or a fallback, or silence.
#[derive(Clone, PartialEq, Serialize)]
pub struct Decision {
    /// Deterministic: from the playbook's digest, the customer, the instants and the request.
    pub id: LateText,
    /// The customer's id.
    pub customer: String,
    /// The instant of the question.
    pub now: Timestamp,
    /// Up to when knowledge counted.
    pub known_at: Timestamp,
    /// The digest of the playbook.
    pub playbook: Arc<str>,
    /// The digest of the forecast, where a rule may ask what comes next and one was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forecast: Option<Arc<str>>,
    /// In the order asked.
    pub placements: Vec<PlacementAnswer>,
    /// The digest of the trends that were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trends: Option<Arc<str>>,
    /// The experiments that had a say, in the order of the playbook, each with the customer's variant.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub assigned: Vec<Assigned>,
    /// Why, for each candidate; only when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<Trace>,
}

/// The part that a customer has in an experiment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Assigned {
    /// The experiment.
    pub experiment: Arc<str>,
    /// The variant, or `holdout`.
    pub variant: Arc<str>,
}

/// What a placement gets.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlacementAnswer {
    /// The placement.
    pub placement: Arc<str>,
    /// Its channel.
    pub channel: Arc<str>,
    /// Offers, a fallback, or silence.
    #[serde(flatten)]
    pub answer: Answer,
    /// In short: how many candidates there were, and which gates stopped how many.
    pub reason: LateText,
    /// The offers that passed every other gate of the customer and wait for the end of quiet hours, in the order of the playbook.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<Held>,
}

/// An offer that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Held {
    /// The offer.
    pub offer: Arc<str>,
    /// The first instant at which it may be sent; what else holds then is to be asked then.
    pub until: Timestamp,
}

/// Offers, or a fallback, or silence: never two of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Answer {
    /// At least one offer, best first.
    Offers {
        /// By slot.
        offers: Vec<Ranked>,
    },
    /// The placement's message for everybody.
    Fallback {
        /// As written in the playbook.
        message: Arc<str>,
    },
    /// Nothing is shown.
    Silence,
}

/// An offer that was chosen.
#[derive(Clone, PartialEq, Serialize)]
pub struct Ranked {
    /// The offer.
    pub offer: Arc<str>,
    /// Propensity x context x value x lever, or what the formula says.
    pub score: f64,
    /// How probable it was that the slot went to this offer, after what the slots before it took; only where offers are explored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// How far the probability may be off; none when it is exact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability_error: Option<f64>,
    /// The rendered message.
    pub message: String,
    /// What is promised with it, frozen; where the playbook declares terms, a cost or a commitment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terms: Option<Terms>,
    /// When it is to be sent, where quiet hours move it; at once without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Its tags, which outcomes keep.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub tags: Arc<[Arc<str>]>,
    /// What goes with it on single lines, such as the subject, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<Arc<str>, String>,
    /// How long it is, on a channel of format `sms`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sms: Option<SmsLength>,
    /// Why the offer is made, on a channel of format `script`, for whoever speaks to the customer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<String>,
    /// The items that it carries, best first, each with the reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Suggested>,
}

impl Decision {
    /// The answer for a placement.
    #[must_use]
    pub fn placement(&self, name: &str) -> Option<&PlacementAnswer> {
        self.placements.iter().find(|answer| *answer.placement == *name)
    }

    /// The chosen offers of all placements, in order.
    pub fn offers(&self) -> impl Iterator<Item = &Ranked> {
        self.placements.iter().flat_map(|answer| answer.offers())
    }

    /// The events to record when something came of the decision, one per chosen offer: `decided` at once, `shown` when it was
    /// seen, `clicked` or `rejected` when that happened. Their ids follow from the decision, so telling one twice counts once.
    ///
    /// Where offers are explored each tells the `probability` of its choice.
    ///
    /// `decided` and `shown` come with one event `assigned` per experiment that had a say, also when nothing was chosen: the
    /// customer keeps the variant from then on.
    #[must_use]
    pub fn outcome(&self, outcome: &str, time: Timestamp, identifier: &Identifier) -> Vec<Event> {
        let mut events = Vec::new();
        let exposes = matches!(outcome, "decided" | "shown");
        for Assigned { experiment, variant } in self.assigned.iter().filter(|_| exposes) {
            events.push(
                Event::new("assigned", time, identifier.clone())
                    .with_id(&format!("{}:{outcome}:assigned:{experiment}", self.id))
                    .with("experiment", &**experiment)
                    .with("variant", &**variant)
                    .with("decision", self.id.as_str()),
            );
        }
        for answer in &self.placements {
            for (slot, ranked) in answer.offers().iter().enumerate() {
                let id = format!("{}:{outcome}:{}:{slot}", self.id, answer.placement);
                let mut event = Event::new(outcome, time, identifier.clone())
                    .with_id(&id)
                    .through(&answer.channel)
                    .with("decision", self.id.as_str())
                    .with("offer", &*ranked.offer)
                    .with("placement", &*answer.placement)
                    .with("slot", Value::Int(i64::try_from(slot).unwrap_or(i64::MAX)));
                if !ranked.tags.is_empty() {
                    let tags = ranked.tags.iter().map(|tag| Value::String(tag.clone()));
                    event = event.with("tags", Value::List(tags.collect::<Vec<_>>().into()));
                }
                if !ranked.items.is_empty() {
                    let items = ranked.items.iter().map(|item| Value::String(item.item.clone()));
                    event = event.with("items", Value::List(items.collect::<Vec<_>>().into()));
                }
                if let Some(probability) = ranked.probability {
                    event = event.with("probability", probability);
                }
                events.push(match &ranked.terms {
                    Some(terms) => event.with("terms", &*terms.to_json()),
                    None => event,
                });
            }
        }
        events
    }

    /// The decision as canonical JSON: the same bytes for the same decision in every language.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl PlacementAnswer {
    /// The chosen offers, best first; none for a fallback or silence.
    #[must_use]
    pub fn offers(&self) -> &[Ranked] {
        match &self.answer {
            Answer::Offers { offers } => offers,
            Answer::Fallback { .. } | Answer::Silence => &[],
        }
    }

    /// `offers`, `fallback` or `silence`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.answer {
            Answer::Offers { .. } => "offers",
            Answer::Fallback { .. } => "fallback",
            Answer::Silence => "silence",
        }
    }
}

/// What was decided, without who the customer is.
impl fmt::Debug for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decision")
            .field("id", &self.id)
            .field("now", &self.now)
            .field("known_at", &self.known_at)
            .field("playbook", &self.playbook)
            .field("placements", &self.placements)
            .field("trace", &self.trace)
            .finish_non_exhaustive()
    }
}

/// Which offer, without the message, which may hold values.
impl fmt::Debug for Ranked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ranked").field("offer", &self.offer).field("score", &self.score).finish_non_exhaustive()
    }
}
