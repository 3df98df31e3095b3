use crate::value::{THRESHOLDS, threshold};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use std::borrow::Cow;

/// The fewest customers that something told may be about.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "u64")]
pub(super) struct Threshold(u64);

impl Threshold {
    /// The number asked for, or else the usual one.
    pub(super) fn or(asked: Option<Threshold>, usual: u64) -> u64 {
        asked.map_or(usual, |asked| asked.0)
    }
}

impl TryFrom<u64> for Threshold {
    type Error = String;

    fn try_from(k: u64) -> Result<Self, String> {
        threshold(k).map(Threshold)
    }
}

impl JsonSchema for Threshold {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("threshold")
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "integer", "format": "uint64", "minimum": THRESHOLDS.start(), "maximum": THRESHOLDS.end()})
    }
}
