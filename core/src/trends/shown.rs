use super::snapshot::{Answer, Cell, Snapshot};
use super::store::TrendError;
use crate::value::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

/// A trend as a snapshot shows it, as plain data.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "trend")]
pub struct ShownTrend {
    /// The name of the trend.
    pub trend: String,
    /// The instant up to which was counted.
    pub at: Timestamp,
    /// The instant to which counts decayed.
    pub now: Timestamp,
    /// SHA-256 over the snapshot of all trends, in hexadecimal digits.
    pub digest: String,
    /// In the order of their values; the rest first.
    pub cells: Vec<ShownCell>,
}

/// A cell of a trend.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "trend_cell")]
pub struct ShownCell {
    /// The values of the dimensions in their order; empty for the rest.
    pub values: Vec<String>,
    /// Whether cells of too few customers are counted together here.
    pub rest: bool,
    /// The least number of the range, when the trend has a histogram.
    pub low: Option<f64>,
    /// The greatest.
    pub high: Option<f64>,
    /// How many, decayed.
    pub count: f64,
    /// Their sum, decayed; null when the trend sums nothing.
    pub sum: Option<f64>,
    /// About how many customers it is.
    pub customers: u64,
}

impl ShownTrend {
    /// As a JSON object, as the question `trend` gives it.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl From<&Cell> for ShownCell {
    fn from(cell: &Cell) -> Self {
        let Answer { count, sum, customers } = cell.answer;
        ShownCell {
            values: cell.values.iter().map(ToString::to_string).collect(),
            rest: cell.rest,
            low: cell.range.map(|range| range.low),
            high: cell.range.map(|range| range.high),
            count,
            sum,
            customers,
        }
    }
}

impl Snapshot {
    /// All cells of a trend as plain data, decayed to `now`.
    ///
    /// # Errors
    /// As for [`cells`](Self::cells).
    pub fn show(&self, trend: &str, now: Timestamp) -> Result<ShownTrend, TrendError> {
        let cells = self.cells(trend, now)?.iter().map(ShownCell::from).collect();
        Ok(ShownTrend { trend: trend.to_owned(), at: self.at(), now, digest: self.digest(), cells })
    }
}
