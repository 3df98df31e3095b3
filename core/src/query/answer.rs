//! Answers to questions, and what reactions propose.

use super::{Asked, QueryError, Question, Subject};
use crate::customer::{Event, Identifier};
use crate::engine::{Due, Waits};
use crate::value::{FromJson, Timestamp, Value};
use schemars::JsonSchema;
use serde::de::DeserializeSeed;
use serde::{Deserialize, Serialize};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The events to record when the customer answers a question: its offer was accepted, and the attribute, as stated. Changes nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AnswerGiven {
    /// The offer that asked.
    offer: String,
    /// What the customer answered, as the attribute takes it.
    answer: serde_json::Value,
    /// The decision in which it was asked; without it the outcome is told of no slot.
    decision: Option<String>,
    /// When it was answered.
    now: Timestamp,
}

/// Events to record.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "answer_events")]
pub(super) struct AnswerEvents<'a> {
    /// The customer's id.
    customer: &'a str,
    /// In order: `accepted` and `attribute_set`.
    #[schemars(with = "Vec<BTreeMap<String, serde_json::Value>>")]
    events: Vec<serde_json::Map<String, serde_json::Value>>,
}

impl Question for AnswerGiven {
    const NAME: &'static str = "answer";
    const SUBJECT: Subject = Subject::Customer;
    type Answer<'a> = AnswerEvents<'a>;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<AnswerEvents<'a>, QueryError> {
        let customer = asked.customer()?;
        // The question as a whole was within the limits already.
        let nodes = Cell::new(u32::MAX);
        let answer = FromJson::new(&nodes).deserialize(&self.answer).unwrap_or(Value::Null);
        let own: Option<&Identifier> = asked.identifier.or(customer.identifier());
        let missing = || QueryError::new("missing_customer", "", "the question is about a customer; give one");
        let decision = self.decision.as_deref();
        let events = asked.engine.answer_to(customer, own.ok_or_else(missing)?, &self.offer, &answer, decision, self.now);
        let events = events.map_err(|error| QueryError::new(error.code(), error.path(), error.message().to_owned()))?;
        Ok(AnswerEvents { customer: customer.id(), events: events.iter().map(Event::json).collect() })
    }
}

/// What reactions propose to do about the customer now, the most urgent first, and what waits.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Reactions {
    /// The instant; later events are not seen.
    now: Timestamp,
    /// Up to when knowledge counts; by default `now`.
    known_at: Option<Timestamp>,
}

/// What reactions propose, and what waits.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "reactions")]
pub(super) struct ReactionsAnswer<'a> {
    /// The customer's id.
    customer: &'a str,
    /// Proposals that still stand: those with the larger priority first, then the earlier ones. Those of reactions without `valid_for`
    /// stand for ever.
    due: Vec<Due>,
    /// What is proposed later, unless something comes between.
    waiting: Vec<Waits>,
    /// Feedback that was not answered in time and is not answered yet, by name.
    overdue: Vec<Arc<str>>,
}

impl Question for Reactions {
    const NAME: &'static str = "reactions";
    const SUBJECT: Subject = Subject::Customer;
    type Answer<'a> = ReactionsAnswer<'a>;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<ReactionsAnswer<'a>, QueryError> {
        let customer = asked.customer()?;
        let queue = asked.engine.reactions(customer, self.now, self.known_at);
        Ok(ReactionsAnswer { customer: customer.id(), due: queue.due, waiting: queue.waiting, overdue: queue.overdue })
    }
}
