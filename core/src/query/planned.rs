//! What was planned for a segment in a stage, beside what customers did there.

use super::map::{Map, On};
use super::threshold::Threshold;
use super::{Asked, QueryError, Question, Subject};
use crate::map::PlanReport;
use crate::value::USUAL_THRESHOLD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The declared map of a journey (`plan`) beside the walked one: for each segment and stage that is planned, what is, who came, where they
/// went otherwise and how long they stayed, and what deviates.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Planned {
    /// Which map. Customers are put into groups by segment, whatever it says.
    map: Map,
    /// No number is about fewer customers: 10 when not given.
    k: Option<Threshold>,
    /// `json` (by default), `text`, `html` (a part of a page) or `svg`.
    format: Option<Format>,
    /// For which ground an SVG is; for either when not given, as the reader's system prefers it.
    ground: Option<On>,
}

/// How it is answered.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum Format {
    Json,
    Text,
    Html,
    Svg,
}

/// Data, or something to read.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "journey_plan_answer")]
#[serde(untagged)]
pub(super) enum PlannedAnswer {
    /// As data.
    Data(Box<PlanReport>),
    /// As text.
    Text {
        /// To be read as it stands.
        text: String,
    },
    /// As a part of a page.
    Html {
        /// A table that brings its styles.
        html: String,
    },
    /// As a picture.
    Svg {
        /// An image that stands on its own.
        svg: String,
    },
}

impl Question for Planned {
    const NAME: &'static str = "journey_plan";
    const SUBJECT: Subject = Subject::Base;
    type Answer<'a> = PlannedAnswer;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<PlannedAnswer, QueryError> {
        let (map, k) = (self.map.by_segment().of(asked)?, Threshold::or(self.k, USUAL_THRESHOLD));
        let report = asked.engine.journey_plan(&map, k)?;
        Ok(match self.format.unwrap_or(Format::Json) {
            Format::Json => PlannedAnswer::Data(Box::new(report)),
            Format::Text => PlannedAnswer::Text { text: report.to_string() },
            Format::Html => PlannedAnswer::Html { html: report.html() },
            Format::Svg => PlannedAnswer::Svg { svg: report.svg(On::ground(self.ground)) },
        })
    }
}
