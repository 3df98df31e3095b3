//! What was counted over all customers of a base.

use super::{Asked, QueryError, Question, Subject};
use crate::trends::{ShownTrend, TrendError};
use crate::value::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;

/// What a trend counted over all customers of a base, cell by cell. Only epochs that are over by `at` count, and no cell is about
/// fewer customers than the trend's `k`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Trend {
    /// The name of the trend.
    trend: String,
    /// The instant up to which is counted.
    at: Timestamp,
    /// The instant to which counts decay; by default `at`.
    now: Option<Timestamp>,
}

impl Question for Trend {
    const NAME: &'static str = "trend";
    const SUBJECT: Subject = Subject::Base;
    type Answer<'a> = ShownTrend;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<ShownTrend, QueryError> {
        let base = asked.base()?;
        let mut trends = asked.engine.trends();
        base.observe(&mut trends);
        let wrong = |error: TrendError| {
            let path = if error.code() == "too_early" { "now" } else { "trend" };
            QueryError::new(error.code(), path, error.to_string())
        };
        let snapshot = trends.snapshot(self.at, None).map_err(wrong)?;
        let now = self.now.unwrap_or(self.at);
        snapshot.show(&self.trend, now).map_err(wrong)
    }
}
