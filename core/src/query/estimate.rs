//! What another way of choosing would have brought.

use super::{Asked, QueryError, Question, Subject};
use crate::engine::Engine;
use crate::estimate::{Choice, EstimateError, EstimateOptions, HistoryOptions, OffPolicy, OffPolicyReport, Reward, estimate};
use crate::value::{Duration, FromJson, Timestamp, Value};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeSeed;
use std::cell::Cell;
use std::collections::BTreeMap;

/// What another playbook would have brought, estimated from the choices that the customers of a base were given with a known probability.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OffPolicyAsked {
    /// The other playbook, YAML or JSON, as text.
    playbook: String,
    /// Up to when is known what came of the choices.
    now: Timestamp,
    /// Only choices after this instant.
    since: Option<Timestamp>,
    /// How long after a choice an outcome still counts, such as `30d`; choices whose time is not over are left out.
    within: Option<String>,
    /// Only choices for these placements.
    #[serde(default)]
    placements: Vec<String>,
    /// What counts, by outcome: a number, or `value` for what the offer declares.
    rewards: BTreeMap<String, RewardAsked>,
    /// The largest weight.
    clip: Option<f64>,
    /// How often the intervals are to hold the truth; 0.95 by default.
    confidence: Option<f64>,
    /// Whether choices of Thompson sampling count, whose probability is not exact.
    #[serde(default)]
    approximate: bool,
    /// Facts of every request to the other playbook that no receipt tells, by name; null for one that is not known.
    #[serde(default)]
    facts: BTreeMap<String, serde_json::Value>,
    /// Receipts of the decisions, as the question `receipt` gives them: what was asked is asked again.
    #[serde(default)]
    receipts: Vec<serde_json::Value>,
}

/// What an outcome brings: a number, or `value`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
enum RewardAsked {
    /// So much.
    Number(f64),
    /// `value`, what the offer declares.
    Word(String),
}

impl Question for OffPolicyAsked {
    const NAME: &'static str = "off_policy";
    const SUBJECT: Subject = Subject::Base;
    type Answer<'a> = OffPolicyReport;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<OffPolicyReport, QueryError> {
        let base = asked.base()?;
        let after = Engine::compile(&[("playbook", &self.playbook)])
            .map_err(|mistakes| QueryError::new("invalid_playbook", "playbook", mistakes.to_string()))?;
        let within = self.within.as_deref().map(Duration::parse).transpose();
        let within = within.map_err(|_| QueryError::new("wrong_value", "within", "expected a duration such as `30d`"))?;
        let mut rewards = BTreeMap::new();
        for (outcome, reward) in &self.rewards {
            let reward = match reward {
                RewardAsked::Number(number) => Reward::Number(*number),
                RewardAsked::Word(word) if word == "value" => Reward::Value,
                RewardAsked::Word(_) => {
                    return Err(QueryError::new("wrong_value", "rewards", "expected a number or `value`"));
                }
            };
            rewards.insert(outcome.clone(), reward);
        }
        // The question as a whole was within the limits already.
        let nodes = Cell::new(u32::MAX);
        let value = |json: &serde_json::Value| FromJson::new(&nodes).deserialize(json).unwrap_or(Value::Null);
        let options = HistoryOptions {
            now: self.now,
            since: self.since,
            within,
            placements: self.placements.clone(),
            rewards,
            approximate: self.approximate,
            facts: self.facts.iter().map(|(name, json)| (name.clone(), value(json))).collect(),
            receipts: self.receipts.iter().map(ToString::to_string).collect(),
            trends: None,
            estimate: options(self.clip, self.confidence),
        };
        base.off_policy(&after, &options).map_err(|error| refused(&error))
    }
}

fn options(clip: Option<f64>, confidence: Option<f64>) -> EstimateOptions {
    EstimateOptions { clip, confidence: confidence.unwrap_or(EstimateOptions::default().confidence) }
}

fn refused(error: &EstimateError) -> QueryError {
    QueryError::new(error.code(), error.path(), error.message())
}

/// The same from choices that are given: how probable each was, what came of it, and how another way would have chosen.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EstimateAsked {
    /// The choices.
    choices: Vec<ChoiceAsked>,
    /// The largest weight.
    clip: Option<f64>,
    /// How often the intervals are to hold the truth; 0.95 by default.
    confidence: Option<f64>,
}

/// A choice.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ChoiceAsked {
    /// Whose it is.
    customer: String,
    /// The placement.
    #[serde(default)]
    placement: String,
    /// The answer that it is part of, where that has several slots: its choices follow each other in the order in which the slots were filled.
    slate: Option<String>,
    /// What was chosen; empty for a slot of a slate that stayed empty.
    offer: String,
    /// How probable that was after what the slots before took, above 0 to 1.
    probability: f64,
    /// What came of it.
    reward: f64,
    /// How probable each offer would have been after the slots before, together at most 1.
    target: BTreeMap<String, f64>,
}

impl Question for EstimateAsked {
    const NAME: &'static str = "estimate";
    const SUBJECT: Subject = Subject::Playbook;
    type Answer<'a> = OffPolicy;

    fn answer<'a>(&self, _: &Asked<'a>) -> Result<OffPolicy, QueryError> {
        let choices: Vec<Choice> = self
            .choices
            .iter()
            .map(|choice| Choice {
                customer: choice.customer.as_str().into(),
                placement: choice.placement.as_str().into(),
                slate: choice.slate.as_deref().map(Into::into),
                offer: choice.offer.as_str().into(),
                probability: choice.probability,
                reward: choice.reward,
                target: choice.target.iter().map(|(offer, probability)| (offer.as_str().into(), *probability)).collect(),
            })
            .collect();
        estimate(&choices, &options(self.clip, self.confidence)).map_err(|error| refused(&error))
    }
}
