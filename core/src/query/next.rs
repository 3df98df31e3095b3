//! What comes next for a customer, by what the customers of the base did.

use super::{Asked, QueryError, Question, Subject};
use crate::next::{Next, NextError, NextOptions};
use crate::value::{Duration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;

impl From<NextError> for QueryError {
    fn from(error: NextError) -> Self {
        QueryError::new(error.code(), error.path(), error.to_string())
    }
}

/// What comes next for a customer, with what probability and when: the next event, the next stage and the next segment entered or left.
/// Told is what the base learned last; when it never did, or `at` is given, its customers are counted anew.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NextAsked {
    /// The instant; later events are not seen.
    now: Timestamp,
    /// Up to when knowledge counts; by default `now`.
    known_at: Option<Timestamp>,
    /// Only in this journey.
    journey: Option<String>,
    /// Only in this instance of a journey with a key.
    instance: Option<String>,
    /// Within which times; by default a day, a week and 30 days. At most 20.
    within: Option<Vec<String>>,
    /// How many of the likeliest are told; 10 when not given.
    top: Option<u16>,
    /// Counts the customers anew, as of this instant; not after `now`.
    at: Option<Timestamp>,
    /// With `at`: only steps of then or later.
    since: Option<Timestamp>,
}

/// What comes next for a customer.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "next")]
pub(super) struct NextAnswer<'a> {
    /// The customer's id.
    customer: &'a str,
    /// The instant.
    now: Timestamp,
    /// As of when the population was counted.
    at: Timestamp,
    /// SHA-256 over the forecast, in hexadecimal digits.
    forecast: Arc<str>,
    /// Within which times probabilities are told.
    within: Vec<String>,
    /// In the order of the playbook; of a journey with a key every instance.
    journeys: Vec<Next>,
}

/// How many times may be asked for.
const MOST_TIMES: usize = 20;

impl Question for NextAsked {
    const NAME: &'static str = "next";
    const SUBJECT: Subject = Subject::Customer;
    type Answer<'a> = NextAnswer<'a>;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<NextAnswer<'a>, QueryError> {
        let customer = asked.customer_at(self.known_at.unwrap_or(self.now))?;
        let Some((base, _)) = asked.whom() else {
            let message = "the question needs a population; ask a customer base";
            return Err(QueryError::new("missing_base", "", message));
        };
        let within = self.within.clone().unwrap_or_else(|| ["1d", "7d", "30d"].map(str::to_owned).to_vec());
        if within.len() > MOST_TIMES {
            return Err(QueryError::new("wrong_value", "within", format!("expected at most {MOST_TIMES} times")));
        }
        let mut lengths = Vec::with_capacity(within.len());
        for (place, text) in within.iter().enumerate() {
            match Duration::parse(text) {
                Ok(length) if length > Duration::ZERO => lengths.push(length),
                _ => {
                    let message = "expected a length of time above zero such as `14d`";
                    return Err(QueryError::new("wrong_value", format!("within[{place}]"), message));
                }
            }
        }
        if self.since.is_some() && self.at.is_none() {
            return Err(QueryError::new("missing_key", "at", "`since` needs `at`, as of when is counted"));
        }
        let forecast = match (base.forecast(), self.at) {
            (Some(forecast), None) => Cow::Borrowed(&**forecast),
            (_, at) => {
                let options = NextOptions { at: at.unwrap_or(self.now), since: self.since };
                let mut transitions = asked.engine.transitions(&options)?;
                base.observe_next(&mut transitions);
                Cow::Owned(transitions.forecast())
            }
        };
        let top = usize::from(self.top.unwrap_or(10));
        let known_at = self.known_at.unwrap_or(self.now);
        let mut journeys =
            asked.engine.next(customer, &forecast, self.journey.as_deref(), &lengths, top, (self.now, known_at))?;
        if let Some(instance) = &self.instance {
            journeys.retain(|next| next.instance.as_deref() == Some(instance));
        }
        let (at, digest) = (forecast.at(), forecast.digest().clone());
        Ok(NextAnswer { customer: customer.id(), now: self.now, at, forecast: digest, within, journeys })
    }
}
