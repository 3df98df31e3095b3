//! Outbound: how and when to reach a customer.

use super::tact::{assurance, met_on, refused};
use super::{Asked, QueryError, Question, Subject};
use crate::decide::Request;
use crate::reach::{Reach, ReachRequest};
use crate::value::{Duration, FromJson, Timestamp, Value};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeSeed;
use std::cell::Cell;
use std::collections::BTreeMap;

/// How and when to reach the customer about an offer, or that it is better not to: placement, channel, the span in which to send, and why.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReachAsked {
    /// The offer that it is about.
    offer: String,
    /// The placements to choose from; by default all on channels that contact.
    #[serde(default)]
    placements: Vec<String>,
    /// How long ahead it may be, up to `31d`; by default `7d`.
    within: Option<String>,
    /// How many of all customers respond on a channel, 0 to 1, by channel; by default what the trends say that the engine goes by,
    /// without any the customer's own rate over all channels.
    #[serde(default)]
    rates: BTreeMap<String, f64>,
    /// The facts of the request, by name.
    #[serde(default)]
    facts: BTreeMap<String, serde_json::Value>,
    /// The instant of the question; later events are not seen.
    now: Timestamp,
    /// On which identifier the customer is met; by default the person as a whole.
    met_on: Option<String>,
    /// How sure the host is who is there: `anonymous`, `recognised` (not said) or `authenticated`.
    assurance: Option<String>,
}

impl Question for ReachAsked {
    const NAME: &'static str = "reach";
    const SUBJECT: Subject = Subject::Customer;
    type Answer<'a> = Reach;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<Reach, QueryError> {
        // The question as a whole was within the limits already.
        let nodes = Cell::new(u32::MAX);
        let value = |json: &serde_json::Value| FromJson::new(&nodes).deserialize(json).unwrap_or(Value::Null);
        let within = self.within.as_deref().map(Duration::parse).transpose();
        let within = within.map_err(|_| QueryError::new("wrong_value", "within", "expected a duration such as `7d`"))?;
        let request = Request {
            placements: Vec::new(),
            facts: self.facts.iter().map(|(name, json)| (name.clone(), value(json))).collect(),
            identifier: met_on(self.met_on.as_deref())?,
            assurance: assurance(self.assurance.as_deref())?,
            ..Request::default()
        };
        let about =
            ReachRequest { offer: self.offer.clone(), placements: self.placements.clone(), within, rates: self.rates.clone() };
        let found = match asked.whom() {
            Some((base, identifier)) => base.reach(identifier, &about, &request, self.now),
            None => asked.engine.reach(asked.customer()?, &about, &request, self.now),
        };
        found.map_err(|error| refused(&error))
    }
}
