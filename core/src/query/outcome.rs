//! What came of decisions, what was promised, and what is due.

use super::{Asked, QueryError, Question, Subject};
use crate::commitment::Commitment;
use crate::customer::{StoryRow, outcome_column};
use crate::expr::EventKind;
use crate::playbook::OUTCOMES;
use crate::value::{Span, Timestamp, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// What came of the decisions for a customer, slot by slot.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Outcomes {
    /// The instant.
    now: Timestamp,
    /// Up to when knowledge counts; by default `now`.
    known_at: Option<Timestamp>,
    /// Only of this decision.
    decision: Option<String>,
}

/// What came of decisions.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "outcomes")]
pub(super) struct OutcomesAnswer<'a> {
    /// The customer's id.
    customer: &'a str,
    /// By decision, placement and slot.
    slots: Vec<SlotAnswer>,
    /// How many outcomes were told without a decision, by outcome.
    unattributed: BTreeMap<&'static str, u64>,
}

/// What came of one slot.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "slot_outcomes")]
struct SlotAnswer {
    /// The decision.
    decision: String,
    /// The placement.
    placement: Option<String>,
    /// The slot.
    slot: Option<i64>,
    /// The offer.
    offer: String,
    /// What came of it, and when first; `ignored` too when nothing came of it in the declared time.
    outcomes: BTreeMap<String, Timestamp>,
}

impl Question for Outcomes {
    const NAME: &'static str = "outcomes";
    const SUBJECT: Subject = Subject::Customer;
    type Answer<'a> = OutcomesAnswer<'a>;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<OutcomesAnswer<'a>, QueryError> {
        let known_at = self.known_at.unwrap_or(self.now);
        let customer = asked.customer_at(known_at)?;
        let reserved = &asked.engine.model().rules.sources.reserved;
        let mut kinds: Vec<(EventKind, &'static str)> =
            OUTCOMES.iter().filter_map(|name| Some((reserved.outcome(name)?, *name))).collect();
        kinds.extend([(reserved.confirmed, "confirmed"), (reserved.released, "released")]);
        let (mut slots, mut unattributed) = (BTreeMap::new(), BTreeMap::new());
        let only: Vec<EventKind> = kinds.iter().map(|(kind, _)| *kind).collect();
        customer.view(known_at).events(&only, Span::lifetime(self.now), &mut |row| {
            let name = kinds.iter().find(|(kind, _)| *kind == row.kind()).map_or("?", |(_, name)| *name);
            match row.text(outcome_column::DECISION) {
                Some(decision) if self.decision.as_deref().is_none_or(|only| only == decision) => {
                    let own = slots.entry(key(decision, &row)).or_insert_with(|| SlotAnswer::of(decision, &row));
                    own.outcomes.entry(name.to_owned()).or_insert(row.time());
                }
                None if self.decision.is_none() => *unattributed.entry(name).or_default() += 1,
                _ => {}
            }
            ControlFlow::Continue(())
        });
        for due in asked.engine.due_outcomes(customer, self.now) {
            let text = |name: &str| due.property(name).and_then(Value::as_text);
            let Some(decision) = text("decision") else { continue };
            let slot = match due.property("slot") {
                Some(Value::Int(slot)) => Some(*slot),
                _ => None,
            };
            let key = (decision.to_owned(), text("placement").map(str::to_owned), slot);
            if let Some(own) = slots.get_mut(&key).filter(|_| due.event_type == "ignored") {
                own.outcomes.insert(due.event_type.clone(), due.time);
            }
        }
        Ok(OutcomesAnswer { customer: customer.id(), slots: slots.into_values().collect(), unattributed })
    }
}

fn key(decision: &str, row: &StoryRow<'_>) -> (String, Option<String>, Option<i64>) {
    let slot = match row.value(outcome_column::SLOT) {
        Some(Value::Int(slot)) => Some(slot),
        _ => None,
    };
    (decision.to_owned(), row.text(outcome_column::PLACEMENT).map(str::to_owned), slot)
}

impl SlotAnswer {
    fn of(decision: &str, row: &StoryRow<'_>) -> Self {
        let (decision, placement, slot) = key(decision, row);
        let offer = row.text(outcome_column::OFFER).unwrap_or("").to_owned();
        SlotAnswer { decision, placement, slot, offer, outcomes: BTreeMap::new() }
    }
}

/// What was promised to a customer with offers that they accepted, and how that stands.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Commitments {
    /// The instant.
    now: Timestamp,
    /// Up to when knowledge counts; by default `now`.
    known_at: Option<Timestamp>,
}

/// What was promised.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "commitments")]
pub(super) struct CommitmentsAnswer<'a> {
    /// The customer's id.
    customer: &'a str,
    /// In the order in which they were accepted.
    commitments: Vec<Commitment>,
}

impl Question for Commitments {
    const NAME: &'static str = "commitments";
    const SUBJECT: Subject = Subject::Customer;
    type Answer<'a> = CommitmentsAnswer<'a>;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<CommitmentsAnswer<'a>, QueryError> {
        let customer = asked.customer()?;
        let commitments = asked.engine.commitments(customer, self.now, self.known_at);
        Ok(CommitmentsAnswer { customer: customer.id(), commitments })
    }
}

/// The outcomes that are due and were not told yet: what was ignored, and what is over. Record them as events.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DueOutcomes {
    /// The instant.
    now: Timestamp,
}

/// What is due.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "due_outcomes")]
pub(super) struct DueAnswer<'a> {
    /// The customer's id.
    customer: &'a str,
    /// Events to record, in order: `ignored`, `expired` and `rectified`.
    #[schemars(with = "Vec<BTreeMap<String, serde_json::Value>>")]
    events: Vec<serde_json::Map<String, serde_json::Value>>,
}

impl Question for DueOutcomes {
    const NAME: &'static str = "due_outcomes";
    const SUBJECT: Subject = Subject::Customer;
    type Answer<'a> = DueAnswer<'a>;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<DueAnswer<'a>, QueryError> {
        let customer = asked.customer()?;
        let events = asked.engine.due_outcomes(customer, self.now).iter().map(crate::customer::Event::json).collect();
        Ok(DueAnswer { customer: customer.id(), events })
    }
}
