//! Journey maps of a base: as data, as pictures, and compared.

use super::threshold::Threshold;
use super::{Asked, QueryError, Question, Subject};
use crate::map::{self, Difference, Ground, JourneyMap, MapError, MapOptions, MapReport, Period};
use crate::value::{Timestamp, USUAL_THRESHOLD};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

impl From<MapError> for QueryError {
    fn from(error: MapError) -> Self {
        let path = match error.path() {
            "" => String::new(),
            "group" | "k" => error.path().to_owned(),
            path => format!("map.{path}"),
        };
        QueryError::new(error.code(), path, error.to_string())
    }
}

/// Which map.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub(super) struct Map {
    /// The journey.
    journey: String,
    /// The instant at which customers stand where they stand; nothing later is seen.
    at: Timestamp,
    /// Only stays that began then or later; all when not given.
    since: Option<Timestamp>,
    /// Into which groups customers are put, beside everyone.
    split: Option<Split>,
    /// Where customers say from 0 to 10 how likely they recommend: `score` of event type `nps` when not given.
    nps: Option<Answered>,
    /// Where customers say from 1 to 5 how satisfied they are: `score` of event type `csat` when not given.
    csat: Option<Answered>,
    /// Event types that are complaints, beside the outcome `complained`.
    complaints: Option<Vec<String>>,
}

/// Into which groups customers are put.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Split {
    /// By the segments that they are in at the instant.
    Segments,
    /// By their likeliest persona.
    Personas,
    /// By calendar weeks in the playbook's zone, named by their first day; each is counted as a map of that period alone. At most the
    /// last 520 periods.
    Weeks,
    /// By calendar months, such as `2010-03`.
    Months,
    /// By quarters, such as `2010-Q1`.
    Quarters,
    /// By years.
    Years,
}

/// A question that customers answer with a number.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct Answered {
    /// The event type.
    event: String,
    /// Its property.
    property: String,
}

impl Map {
    /// The same with customers in groups by segment.
    pub(super) fn by_segment(&self) -> Self {
        Map { split: Some(Split::Segments), ..self.clone() }
    }

    pub(super) fn of(&self, asked: &Asked<'_>) -> Result<JourneyMap, QueryError> {
        let base = asked.base()?;
        let answered = |question: &Option<Answered>| {
            question
                .as_ref()
                .map(|question| map::Question { event: question.event.clone(), property: question.property.clone() })
        };
        let mut made = asked.engine.journey_map(&MapOptions {
            since: self.since,
            split: match self.split {
                None => map::Split::Everyone,
                Some(Split::Segments) => map::Split::Segments,
                Some(Split::Personas) => map::Split::Personas,
                Some(Split::Weeks) => map::Split::Periods(Period::Week),
                Some(Split::Months) => map::Split::Periods(Period::Month),
                Some(Split::Quarters) => map::Split::Periods(Period::Quarter),
                Some(Split::Years) => map::Split::Periods(Period::Year),
            },
            nps: answered(&self.nps),
            csat: answered(&self.csat),
            complaints: self.complaints.clone().unwrap_or_default(),
            ..MapOptions::new(self.journey.as_str(), self.at)
        })?;
        base.iter().for_each(|customer| asked.engine.observe_journey(&mut made, customer));
        Ok(made)
    }
}

/// Where a base's customers are in a journey, who goes where, how long that takes, and what is out of line.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MapAsked {
    /// Which map.
    map: Map,
    /// One of its groups; everyone when not given.
    group: Option<String>,
    /// No number is about fewer customers: 10 when not given.
    k: Option<Threshold>,
}

impl Question for MapAsked {
    const NAME: &'static str = "journey_map";
    const SUBJECT: Subject = Subject::Base;
    type Answer<'a> = MapReport;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<MapReport, QueryError> {
        Ok(self.map.of(asked)?.report(self.group.as_deref(), Threshold::or(self.k, USUAL_THRESHOLD))?)
    }
}

/// The same as a picture.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Picture {
    /// Which map.
    map: Map,
    /// One of its groups; everyone when not given.
    group: Option<String>,
    /// No number is about fewer customers: 10 when not given.
    k: Option<Threshold>,
    /// As what.
    form: Form,
    /// For which ground an SVG is; for either when not given, as the reader's system prefers it.
    ground: Option<On>,
}

/// A form of a picture.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Form {
    /// An image that stands on its own.
    Svg,
    /// Text for Mermaid.
    Mermaid,
    /// Text for Graphviz.
    Dot,
}

/// On which ground a picture is shown.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(super) enum On {
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl On {
    pub(super) fn ground(on: Option<On>) -> Ground {
        match on {
            None => Ground::Either,
            Some(On::Light) => Ground::Light,
            Some(On::Dark) => Ground::Dark,
        }
    }
}

/// A picture.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "journey_map_picture")]
pub(super) struct PictureAnswer {
    /// As what.
    form: Form,
    /// Its text.
    picture: String,
}

impl Question for Picture {
    const NAME: &'static str = "journey_map_picture";
    const SUBJECT: Subject = Subject::Base;
    type Answer<'a> = PictureAnswer;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<PictureAnswer, QueryError> {
        let report = self.map.of(asked)?.report(self.group.as_deref(), Threshold::or(self.k, USUAL_THRESHOLD))?;
        let picture = match self.form {
            Form::Svg => report.svg(On::ground(self.ground)),
            Form::Mermaid => report.mermaid(),
            Form::Dot => report.dot(),
        };
        Ok(PictureAnswer { form: self.form, picture })
    }
}

/// How two groups or periods of a journey differ, stage by stage.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Compare {
    /// The first map.
    map: Map,
    /// One of its groups; everyone when not given.
    group: Option<String>,
    /// The second map; the first again when not given, with another group.
    other: Option<Map>,
    /// One of its groups; everyone when not given.
    other_group: Option<String>,
    /// Only what is about at least so many customers in both: 10 when not given.
    k: Option<Threshold>,
}

/// How two groups or periods differ.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "journey_map_compare")]
pub(super) struct CompareAnswer {
    /// In the order of the stages.
    differences: Vec<Difference>,
}

impl Question for Compare {
    const NAME: &'static str = "journey_map_compare";
    const SUBJECT: Subject = Subject::Base;
    type Answer<'a> = CompareAnswer;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<CompareAnswer, QueryError> {
        let first = self.map.of(asked)?;
        let other = self.other.as_ref().map(|other| other.of(asked)).transpose()?;
        let (group, other_group) = (self.group.as_deref(), self.other_group.as_deref());
        let differences =
            first.compare(group, other.as_ref().unwrap_or(&first), other_group, Threshold::or(self.k, USUAL_THRESHOLD))?;
        Ok(CompareAnswer { differences })
    }
}
