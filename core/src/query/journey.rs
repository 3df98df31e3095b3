//! Where a customer was in their journeys, and how that is told to another version of the playbook.

use super::{Asked, QueryError, Question, Subject};
use crate::error::nearest;
use crate::value::{Timestamp, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The stages that a customer has seen.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Journeys {
    /// The instant; later events are not seen.
    now: Timestamp,
    /// Up to when knowledge counts; by default `now`.
    known_at: Option<Timestamp>,
    /// Only this journey.
    journey: Option<String>,
    /// Only this instance of journeys with a key.
    instance: Option<String>,
}

/// The stages that a customer has seen.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "journeys")]
pub(super) struct JourneysAnswer<'a> {
    /// The customer's id.
    customer: &'a str,
    /// The instant.
    now: Timestamp,
    /// Every journey in which they ever were, in the order of the playbook; of one with a key every instance, by key.
    journeys: Vec<Walked>,
}

/// One way through a journey.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "journey_walk")]
struct Walked {
    /// The journey.
    journey: Arc<str>,
    /// The key of the instance; null for a journey without a key.
    instance: Option<Arc<str>>,
    /// The stage; null outside of the journey.
    stage: Option<Arc<str>>,
    /// Since when.
    since: Option<Timestamp>,
    /// The stage before.
    previous: Option<Arc<str>>,
    /// How often they came in.
    entries: u32,
    /// When they came in the last time.
    began: Option<Timestamp>,
    /// When they went out or came to a final stage; null while they are in.
    ended: Option<Timestamp>,
    /// The first instant at which they may move without an event.
    next: Option<Timestamp>,
    /// The stays, in order.
    stays: Vec<Stayed>,
}

/// A stay in a stage.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "journey_stay")]
struct Stayed {
    /// The stage.
    stage: Arc<str>,
    /// From when.
    entered: Timestamp,
    /// Until when; null while it lasts.
    left: Option<Timestamp>,
    /// How long it lasted, or has lasted by now, in seconds.
    seconds: f64,
    /// Which key of the playbook led in, such as `on`, `enter` or `timeout`.
    by: &'static str,
    /// The id of the event that did; null when only time passed.
    event: Option<Arc<str>>,
    /// Which key led out; null while it lasts.
    ended: Option<&'static str>,
}

impl Question for Journeys {
    const NAME: &'static str = "journeys";
    const SUBJECT: Subject = Subject::Customer;
    type Answer<'a> = JourneysAnswer<'a>;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<JourneysAnswer<'a>, QueryError> {
        let customer = asked.customer()?;
        let known_at = self.known_at.unwrap_or(self.now);
        let names = &asked.engine.model().journeys.names;
        if let Some(journey) = &self.journey
            && !names.iter().any(|name| **name == **journey)
        {
            let near = nearest(journey, names.iter().map(|name| &**name));
            let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            let message = format!("journey `{}` is not declared{hint}", super::shown(journey));
            return Err(QueryError::new("unknown_name", "journey", message));
        }
        let wanted = |own: &str, journey: &Option<String>| journey.as_ref().is_none_or(|journey| **journey == *own);
        let histories = asked.engine.journey_history_as_known(customer, self.now, known_at);
        let journeys = histories
            .into_iter()
            .filter(|history| wanted(&history.journey, &self.journey))
            .filter(|history| history.instance.as_deref().is_none_or(|instance| wanted(instance, &self.instance)))
            .map(|history| {
                let open = history.open().cloned();
                let before = history.stays.len().checked_sub(1 + usize::from(open.is_some()));
                Walked {
                    stage: open.as_ref().map(|stay| stay.stage.clone()),
                    since: open.as_ref().map(|stay| stay.entered),
                    previous: before.and_then(|place| history.stays.get(place)).map(|stay| stay.stage.clone()),
                    entries: history.entries,
                    began: history.began,
                    ended: history.ended,
                    next: history.next,
                    stays: history
                        .stays
                        .iter()
                        .map(|stay| Stayed {
                            stage: stay.stage.clone(),
                            entered: stay.entered,
                            left: stay.left,
                            seconds: stay.length(self.now).micros() as f64 / 1e6,
                            by: stay.by.name(),
                            event: stay.event.clone(),
                            ended: stay.ended.map(|way| way.name()),
                        })
                        .collect(),
                    journey: history.journey,
                    instance: history.instance,
                }
            })
            .collect();
        Ok(JourneysAnswer { customer: customer.id(), now: self.now, journeys })
    }
}

/// The events to record before the playbook is changed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Pins {
    /// The instant.
    now: Timestamp,
}

/// The events to record before the playbook is changed.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "journey_pins")]
pub(super) struct PinsAnswer<'a> {
    /// The customer's id.
    customer: &'a str,
    /// One for each journey and instance, in the form in which events are recorded.
    events: Vec<Pin>,
}

/// An event to record.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "journey_pin")]
struct Pin {
    /// `journey_pinned`.
    #[serde(rename = "type")]
    event_type: String,
    /// The same for the same customer, journey and instant.
    id: Option<String>,
    /// When.
    time: Timestamp,
    /// Whose it is.
    identifier: Option<String>,
    /// The journey and where the customer is in it.
    properties: BTreeMap<String, Value>,
}

impl Question for Pins {
    const NAME: &'static str = "journey_pins";
    const SUBJECT: Subject = Subject::Customer;
    type Answer<'a> = PinsAnswer<'a>;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<PinsAnswer<'a>, QueryError> {
        let customer = asked.customer()?;
        let pins = asked.engine.journey_pins(customer, self.now);
        let events = pins.into_iter().map(|pin| Pin {
            identifier: pin.identifiers.first().map(ToString::to_string),
            event_type: pin.event_type,
            id: pin.id,
            time: pin.time,
            properties: pin.properties.into_iter().collect(),
        });
        Ok(PinsAnswer { customer: customer.id(), events: events.collect() })
    }
}
