//! What another playbook would have done.

use super::threshold::Threshold;
use super::{Asked, QueryError, Question, Subject};
use crate::base::{Comparison, ReplayError, ReplayOptions};
use crate::engine::Engine;
use crate::value::{Timestamp, USUAL_THRESHOLD};
use schemars::JsonSchema;
use serde::Deserialize;

/// At so many instants a base is asked at most.
const MOST_INSTANTS: usize = 1_000;

/// What another playbook would have done with the history of a base, beside what its own does.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CompareAsked {
    /// The other playbook, YAML or JSON, as text.
    playbook: String,
    /// The instants at which every customer known by then is asked, at most 1,000; each with what was known then.
    instants: Vec<Timestamp>,
    /// The placements that ask; all that the base's playbook declares by default.
    #[serde(default)]
    placements: Vec<String>,
    /// The outcome recorded of what each playbook shows, such as `shown`, in place of what was recorded of decisions from the first instant
    /// on; nothing by default.
    record: Option<String>,
    /// Segments are told of at least so many customers: 10 when not given.
    k: Option<Threshold>,
}

impl Question for CompareAsked {
    const NAME: &'static str = "compare";
    const SUBJECT: Subject = Subject::Base;
    type Answer<'a> = Comparison;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<Comparison, QueryError> {
        let base = asked.base()?;
        if self.instants.is_empty() || self.instants.len() > MOST_INSTANTS {
            let message = format!("expected 1 to {MOST_INSTANTS} instants, found {}", self.instants.len());
            return Err(QueryError::new("wrong_value", "instants", message));
        }
        let after = Engine::compile(&[("playbook", &self.playbook)])
            .map_err(|mistakes| QueryError::new("invalid_playbook", "playbook", mistakes.to_string()))?;
        let all = || asked.engine.playbook().placements.iter().map(|placement| placement.name.text.to_string()).collect();
        let options = ReplayOptions {
            decide_at: self.instants.clone(),
            placements: if self.placements.is_empty() { all() } else { self.placements.clone() },
            record: self.record.clone(),
            ..ReplayOptions::default()
        };
        base.compare(&after, &options, Threshold::or(self.k, USUAL_THRESHOLD)).map_err(|error| {
            let path = if matches!(error, ReplayError::Outcome(_)) { "record" } else { "placements" };
            QueryError::new(error.code(), path, error.to_string())
        })
    }
}
