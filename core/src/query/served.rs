//! Who gets what, and who goes without.

use super::tact::refused;
use super::threshold::Threshold;
use super::{Asked, QueryError, Question, Subject};
use crate::served::{Protected, Served, ServedOptions};
use crate::value::{FromJson, Timestamp, Value};
use schemars::JsonSchema;
use serde::de::DeserializeSeed;
use serde::{Deserialize, Serialize};
use std::cell::Cell;
use std::collections::BTreeMap;

/// Who gets what at an instant over all customers of a base: how many are left after each gate, unmet needs, and at which rates groups are
/// served.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ServedAsked {
    /// The instant.
    now: Timestamp,
    /// The placements; all of the playbook by default.
    #[serde(default)]
    placements: Vec<String>,
    /// Facts of every request, by name.
    #[serde(default)]
    facts: BTreeMap<String, serde_json::Value>,
    /// From which strength a need is strong; 0.5 by default.
    strong: Option<f64>,
    /// By what groups are told apart.
    #[serde(default)]
    protected: Vec<ProtectedAsked>,
    /// The smallest group that is shown; 10 by default.
    k: Option<Threshold>,
    /// How often intervals are to hold the truth; 0.95 by default.
    confidence: Option<f64>,
    /// `json` (by default), `text` or `html`.
    format: Option<Format>,
}

/// An attribute or segment: its name, or with bands.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
enum ProtectedAsked {
    /// Its name.
    Name(String),
    /// With bands.
    Bands(BandsAsked),
}

/// A number in bands.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct BandsAsked {
    /// The attribute.
    name: String,
    /// Where one group ends and the next begins, rising.
    #[serde(default)]
    bands: Vec<f64>,
}

/// How it is answered.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    Json,
    Text,
    Html,
}

/// Data, or a page.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "served_answer")]
#[serde(untagged)]
pub(super) enum ServedAnswer {
    /// As data.
    Data(Box<Served>),
    /// As text.
    Text {
        /// A page to read.
        text: String,
    },
    /// As sections of a page.
    Html {
        /// Sections of a page.
        html: String,
    },
}

impl Question for ServedAsked {
    const NAME: &'static str = "served";
    const SUBJECT: Subject = Subject::Base;
    type Answer<'a> = ServedAnswer;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<ServedAnswer, QueryError> {
        let base = asked.base()?;
        // The question as a whole was within the limits already.
        let nodes = Cell::new(u32::MAX);
        let value = |json: &serde_json::Value| FromJson::new(&nodes).deserialize(json).unwrap_or(Value::Null);
        let usual = ServedOptions::at(self.now);
        let protected = self.protected.iter().map(|own| match own {
            ProtectedAsked::Name(name) => Protected::by(name),
            ProtectedAsked::Bands(own) => Protected { name: own.name.clone(), bands: own.bands.clone() },
        });
        let options = ServedOptions {
            placements: self.placements.clone(),
            facts: self.facts.iter().map(|(name, json)| (name.clone(), value(json))).collect(),
            strong: self.strong.unwrap_or(usual.strong),
            protected: protected.collect(),
            k: Threshold::or(self.k, usual.k),
            confidence: self.confidence.unwrap_or(usual.confidence),
            ..usual
        };
        let served = base.served(&options).map_err(|error| refused(&error))?;
        Ok(match self.format.unwrap_or(Format::Json) {
            Format::Json => ServedAnswer::Data(Box::new(served)),
            Format::Text => ServedAnswer::Text { text: served.to_string() },
            Format::Html => ServedAnswer::Html { html: served.to_html() },
        })
    }
}
