//! What is concluded about a customer: needs and intents, preferences, what is unusual.

use super::{Asked, QueryError, Question, Subject};
use crate::expr::Answer;
use crate::value::{Timestamp, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a customer needs at an instant, and what they are up to in the session that is open then.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Needs {
    /// The instant; later events are not seen.
    now: Timestamp,
    /// Up to when knowledge counts; by default `now`.
    known_at: Option<Timestamp>,
}

/// What a customer needs.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "needs")]
pub(super) struct NeedsAnswer<'a> {
    /// The customer's id.
    customer: &'a str,
    /// Every need, in the order of the playbook.
    needs: Vec<Need<'a>>,
    /// Every intent, in the order of the playbook; null without an open session.
    intents: Option<Vec<Intent<'a>>>,
}

/// A need.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "need_strength")]
pub(super) struct Need<'a> {
    /// The need.
    need: &'a str,
    /// `pragmatic` or `trend_driven`.
    kind: &'static str,
    /// How strong it is, 0 to 1; null when nothing is known.
    strength: Option<f64>,
    /// Whether the customer said so themselves.
    stated: bool,
    /// The last event that it rests on.
    time: Option<Timestamp>,
    /// The events that are gone, so that it is not known; only when there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<Arc<str>>,
    /// Until when that holds while nothing happens; null for ever.
    until: Option<Timestamp>,
}

/// An intent.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "intent_posterior")]
pub(super) struct Intent<'a> {
    /// The intent.
    intent: &'a str,
    /// How likely it is, 0 to 1.
    posterior: f64,
}

impl Question for Needs {
    const NAME: &'static str = "needs";
    const SUBJECT: Subject = Subject::Customer;
    type Answer<'a> = NeedsAnswer<'a>;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<NeedsAnswer<'a>, QueryError> {
        let customer = asked.customer()?;
        let playbook = asked.engine.playbook();
        let known_at = self.known_at.unwrap_or(self.now);
        Ok(asked.engine.look(customer, self.now, known_at, |context, _| {
            let need = |(number, need): (usize, &'a crate::playbook::Need)| {
                let found = context.need(number);
                Need {
                    need: &need.name.text,
                    kind: need.kind.name(),
                    strength: found.strength,
                    stated: found.stated,
                    time: found.latest,
                    missing: found.gone,
                    until: found.until,
                }
            };
            let intents = context.intents().map(|(posteriors, _)| {
                let named = playbook.intents.iter().zip(posteriors);
                named.map(|(intent, posterior)| Intent { intent: &intent.name.text, posterior: *posterior }).collect()
            });
            NeedsAnswer { customer: customer.id(), needs: playbook.needs.iter().enumerate().map(need).collect(), intents }
        }))
    }
}

/// What a customer likes and dislikes at an instant.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Preferences {
    /// One preference; all when not given.
    preference: Option<String>,
    /// The instant; later events are not seen.
    now: Timestamp,
    /// Up to when knowledge counts; by default `now`.
    known_at: Option<Timestamp>,
}

/// What a customer likes and dislikes.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "preferences")]
pub(super) struct PreferencesAnswer<'a> {
    /// The customer's id.
    customer: &'a str,
    /// In the order of the playbook.
    preferences: Vec<Preference<'a>>,
}

/// A preference.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "preference_values")]
pub(super) struct Preference<'a> {
    /// The preference.
    preference: &'a str,
    /// How many events told of it; null when some of them are gone.
    observations: Option<u64>,
    /// The events that are gone, so that only what was stated is known; only when there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<Arc<str>>,
    /// What is known of each value: what was stated first, then the strongest first.
    values: Vec<Liking>,
    /// Until when that holds while nothing happens; null for ever.
    until: Option<Timestamp>,
}

/// How much a value is liked.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "liking")]
pub(super) struct Liking {
    /// The value.
    value: String,
    /// From -1 (disliked) to 1 (liked).
    strength: f64,
    /// How many events told of it.
    observations: u64,
    /// Whether the customer said so themselves.
    stated: bool,
    /// Whether it counts as liked (true), as disliked (false), or as neither (null).
    liked: Option<bool>,
}

impl Question for Preferences {
    const NAME: &'static str = "preferences";
    const SUBJECT: Subject = Subject::Customer;
    type Answer<'a> = PreferencesAnswer<'a>;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<PreferencesAnswer<'a>, QueryError> {
        let customer = asked.customer()?;
        let declared = &asked.engine.playbook().preferences;
        if let Some(name) = &self.preference
            && declared.iter().all(|preference| *preference.name.text != **name)
        {
            let names = declared.iter().map(|preference| &*preference.name.text);
            return Err(QueryError::undeclared("preference", "preference", name, names));
        }
        let known_at = self.known_at.unwrap_or(self.now);
        let preferences = asked.engine.look(customer, self.now, known_at, |context, _| {
            let wanted = |name: &str| self.preference.as_deref().is_none_or(|wanted| wanted == name);
            let mut found = Vec::new();
            for (number, preference) in declared.iter().enumerate().filter(|(_, own)| wanted(&own.name.text)) {
                let Some(known) = context.preference(number) else { continue };
                let values = known.values.iter().map(|value| Liking {
                    value: value.value.to_string(),
                    strength: value.strength,
                    observations: value.observations,
                    stated: value.stated,
                    liked: value.liked,
                });
                found.push(Preference {
                    preference: &preference.name.text,
                    observations: known.gone.is_none().then_some(known.observations),
                    missing: known.gone.clone(),
                    values: values.collect(),
                    until: known.until,
                });
            }
            found
        });
        Ok(PreferencesAnswer { customer: customer.id(), preferences })
    }
}

/// What is unusual for a customer at an instant.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Unusual {
    /// The instant; later events are not seen.
    now: Timestamp,
    /// Up to when knowledge counts; by default `now`.
    known_at: Option<Timestamp>,
}

/// What is unusual for a customer.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "unusual")]
pub(super) struct UnusualAnswer<'a> {
    /// The customer's id.
    customer: &'a str,
    /// In the order of the playbook.
    unusual: Vec<Tested<'a>>,
}

/// The outcome of a test.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "unusual_test")]
pub(super) struct Tested<'a> {
    /// The name.
    unusual: &'a str,
    /// The test: `silence`, `burst`, `shift`, `higher` or `lower`.
    test: &'static str,
    /// How often the test is wrong when nothing is unusual.
    false_alarm: f64,
    /// Whether it is unusual; null when too little is known of the customer.
    holds: Option<bool>,
    /// What is missing when it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<String>,
    /// Until when that holds while nothing happens; null for ever.
    until: Option<Timestamp>,
    /// What was counted, and what came of it; null where it was folded.
    evidence: Option<Evidence>,
}

/// What a test counted and found.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "unusual_evidence")]
pub(super) struct Evidence {
    /// How many of the latest gaps or values are compared; for a silence the one gap that lasts.
    recent: usize,
    /// How many earlier ones they are compared with.
    earlier: usize,
    /// How many earlier ones are needed: with fewer it is not known whether it is unusual.
    needed: usize,
    /// The probability of an outcome at least as extreme when nothing is unusual; null with nothing to compare.
    p_value: Option<f64>,
    /// It is unusual when the probability is below this: the rate of false alarms, for a shift divided by the values chosen from.
    threshold: f64,
    /// Whether values such as these could come below it in any order; false says that there are too few of them, or that they are too much alike.
    within_reach: bool,
}

impl Question for Unusual {
    const NAME: &'static str = "unusual";
    const SUBJECT: Subject = Subject::Customer;
    type Answer<'a> = UnusualAnswer<'a>;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<UnusualAnswer<'a>, QueryError> {
        let customer = asked.customer()?;
        let declared = &asked.engine.playbook().unusual;
        let known_at = self.known_at.unwrap_or(self.now);
        let unusual = asked.engine.look(customer, self.now, known_at, |context, _| {
            let tested = |(number, unusual): (usize, &'a crate::playbook::Unusual)| {
                let read = context.unusual(number);
                let missing = match &read.value {
                    Answer::Unknown(missing) => missing.iter().next().map(str::to_owned),
                    Answer::Known(_) => None,
                };
                Tested {
                    missing,
                    unusual: &unusual.name.text,
                    test: unusual.test.name(),
                    false_alarm: unusual.false_alarm,
                    holds: match read.value {
                        Answer::Known(Value::Bool(holds)) => Some(holds),
                        _ => None,
                    },
                    until: read.until,
                    evidence: context.unusual_found(number).map(|found| Evidence {
                        recent: found.recent,
                        earlier: found.earlier,
                        needed: found.needed,
                        p_value: found.p_value,
                        threshold: found.threshold,
                        within_reach: found.within_reach,
                    }),
                }
            };
            declared.iter().enumerate().map(tested).collect()
        });
        Ok(UnusualAnswer { customer: customer.id(), unusual })
    }
}
