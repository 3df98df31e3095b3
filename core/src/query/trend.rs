//! What was counted over all customers of a base.

use super::{Asked, QueryError, Question, Subject};
use crate::trends::TrendError;
use crate::value::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

/// What a trend counted.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "trend")]
pub(super) struct TrendAnswer {
    /// The name of the trend.
    trend: String,
    /// The instant up to which was counted.
    at: Timestamp,
    /// The instant to which counts decayed.
    now: Timestamp,
    /// SHA-256 over the snapshot of all trends, in hexadecimal digits.
    digest: String,
    /// In the order of their values; the rest first.
    cells: Vec<Counted>,
}

/// A cell of a trend.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "trend_cell")]
struct Counted {
    /// The values of the dimensions in their order; empty for the rest.
    values: Vec<String>,
    /// Whether cells of too few customers are counted together here.
    rest: bool,
    /// The least number of the range, when the trend has a histogram.
    low: Option<f64>,
    /// The greatest.
    high: Option<f64>,
    /// How many, decayed.
    count: f64,
    /// Their sum, decayed; null when the trend sums nothing.
    sum: Option<f64>,
    /// About how many customers it is.
    customers: u64,
}

impl Question for Trend {
    const NAME: &'static str = "trend";
    const SUBJECT: Subject = Subject::Base;
    type Answer<'a> = TrendAnswer;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<TrendAnswer, QueryError> {
        let base = asked.base()?;
        let mut trends = asked.engine.trends();
        base.iter().for_each(|customer| asked.engine.observe(&mut trends, customer));
        let wrong = |error: TrendError| {
            let path = if error.code() == "too_early" { "now" } else { "trend" };
            QueryError::new(error.code(), path, error.to_string())
        };
        let snapshot = trends.snapshot(self.at, None).map_err(wrong)?;
        let now = self.now.unwrap_or(self.at);
        let cells = snapshot.cells(&self.trend, now).map_err(wrong)?;
        let cells = cells.into_iter().map(|cell| Counted {
            values: cell.values.iter().map(ToString::to_string).collect(),
            rest: cell.rest,
            low: cell.range.map(|range| range.low),
            high: cell.range.map(|range| range.high),
            count: cell.answer.count,
            sum: cell.answer.sum,
            customers: cell.answer.customers,
        });
        let cells = cells.collect();
        Ok(TrendAnswer { trend: self.trend.clone(), at: self.at, now, digest: snapshot.digest(), cells })
    }
}
