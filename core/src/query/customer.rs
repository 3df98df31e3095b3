//! One customer as a whole: who they are and where they stand, what happened so far, when to look again.

use super::{Asked, QueryError, Question, Subject};
use crate::engine::Effect;
use crate::expr::Answer;
use crate::value::{Span, Timestamp, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

/// Who a customer is and where they stand at an instant.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Whole {
    /// The instant; later events are not seen.
    now: Timestamp,
    /// Up to when knowledge counts; by default `now`.
    known_at: Option<Timestamp>,
}

/// Where a customer stands.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "customer")]
pub(super) struct WholeAnswer<'a> {
    /// The customer's id: the smallest identifier.
    customer: &'a str,
    /// All identifiers under which something was told, in order.
    identifiers: Vec<&'a str>,
    /// The instant.
    now: Timestamp,
    /// Up to when knowledge counted.
    known_at: Timestamp,
    /// How many events are seen.
    events: u64,
    /// When the first of them happened.
    first: Option<Timestamp>,
    /// When the last of them happened.
    last: Option<Timestamp>,
    /// Every segment, in the order of the playbook.
    segments: Vec<Member<'a>>,
    /// The persona with the largest posterior, when that reaches the threshold.
    persona: Option<&'a str>,
    /// Every persona, in the order of the playbook.
    personas: Vec<Posterior<'a>>,
    /// Every journey, in the order of the playbook.
    journeys: Vec<Standing<'a>>,
    /// Every purpose, in the order of the playbook.
    purposes: Vec<Permission<'a>>,
}

/// A segment.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "segment_membership")]
pub(super) struct Member<'a> {
    /// The segment.
    segment: &'a str,
    /// In, out, or null for unknown.
    member: Option<bool>,
}

/// A persona.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "persona_posterior")]
pub(super) struct Posterior<'a> {
    /// The persona.
    persona: &'a str,
    /// How likely the customer is of it, 0 to 1.
    posterior: f64,
}

/// A journey.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "journey_place")]
pub(super) struct Standing<'a> {
    /// The journey.
    journey: &'a str,
    /// The stage; null outside of the journey.
    stage: Option<&'a str>,
    /// Since when.
    since: Option<Timestamp>,
}

/// A purpose.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "purpose_permission")]
pub(super) struct Permission<'a> {
    /// The purpose.
    purpose: &'a str,
    /// Whether it is permitted.
    permitted: bool,
}

impl Question for Whole {
    const NAME: &'static str = "customer";
    const SUBJECT: Subject = Subject::Customer;
    type Answer<'a> = WholeAnswer<'a>;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<WholeAnswer<'a>, QueryError> {
        let now = self.now;
        let known_at = self.known_at.unwrap_or(now);
        let (customer, engine) = (asked.customer_at(known_at)?, asked.engine);
        let around = asked.around(now, known_at);
        let permissions = engine.consents_among(customer, around.as_ref(), None, None, (now, known_at));
        let playbook = engine.playbook();
        let (mut events, mut first, mut last) = (0, None, None);
        let view = customer.view(known_at);
        view.events(&engine.layout().kinds(), Span::lifetime(now), &mut |row| {
            events += 1;
            first.get_or_insert(row.time());
            last = Some(row.time());
            ControlFlow::Continue(())
        });
        Ok(engine.look(customer, now, known_at, |context, state| {
            let personas = context.personas();
            let member = |segment: usize| match context.segment(segment).value {
                Answer::Known(Value::Bool(member)) => Some(member),
                _ => None,
            };
            let stages = &engine.model().journeys.stages;
            let standing = |(place, journey): (usize, &'a crate::playbook::Journey)| {
                let at = state.journeys.get(place).and_then(|state| state.place);
                let stage = at.and_then(|at| stages.get(place)?.get(usize::from(at.stage)));
                Standing { journey: &journey.name.text, stage: stage.map(|name| &**name), since: at.map(|at| at.since) }
            };
            WholeAnswer {
                customer: customer.id(),
                identifiers: customer.strands().iter().map(|strand| strand.identifier().as_str()).collect(),
                now,
                known_at,
                events,
                first,
                last,
                segments: (playbook.segments.iter().enumerate())
                    .map(|(place, segment)| Member { segment: &segment.name.text, member: member(place) })
                    .collect(),
                persona: engine.likely(&personas).map(|place| &*playbook.personas[place].name.text),
                personas: (playbook.personas.iter().zip(&personas))
                    .map(|(persona, posterior)| Posterior { persona: &persona.name.text, posterior: *posterior })
                    .collect(),
                journeys: playbook.journeys.iter().enumerate().map(standing).collect(),
                purposes: (playbook.purposes.iter())
                    .zip(&permissions.purposes)
                    .map(|(purpose, said)| Permission { purpose: &purpose.name.text, permitted: said.permitted })
                    .collect(),
            }
        }))
    }
}

/// What happened to a customer so far: segments entered and left, stages changed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct History {
    /// How many effects are left out at the beginning; 0 by default.
    #[serde(default)]
    skip: u64,
    /// How many effects are answered at most; 1,000 by default.
    limit: Option<u64>,
}

/// What happened so far.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "history")]
pub(super) struct HistoryAnswer<'a> {
    /// The customer's id.
    customer: &'a str,
    /// How many effects there are in all.
    total: usize,
    /// The effects, in the order in which they happened.
    effects: Vec<Effect>,
}

impl Question for History {
    const NAME: &'static str = "history";
    const SUBJECT: Subject = Subject::Customer;
    type Answer<'a> = HistoryAnswer<'a>;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<HistoryAnswer<'a>, QueryError> {
        let customer = asked.customer()?;
        let all = asked.engine.history(customer);
        let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let total = all.len();
        let effects = all.into_iter().skip(count(self.skip)).take(count(self.limit.unwrap_or(1000))).collect();
        Ok(HistoryAnswer { customer: customer.id(), total, effects })
    }
}

/// When something may next change for a customer without an event.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NextDue {}

/// When to look again.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "next_due")]
pub(super) struct NextDueAnswer<'a> {
    /// The customer's id.
    customer: &'a str,
    /// The first instant after everything derived so far at which something may change; null when nothing will.
    next_due: Option<Timestamp>,
}

impl Question for NextDue {
    const NAME: &'static str = "next_due";
    const SUBJECT: Subject = Subject::Customer;
    type Answer<'a> = NextDueAnswer<'a>;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<NextDueAnswer<'a>, QueryError> {
        let customer = asked.customer()?;
        Ok(NextDueAnswer { customer: customer.id(), next_due: asked.engine.next_due(customer) })
    }
}
