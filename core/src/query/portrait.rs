//! A customer for people.

use super::{Asked, QueryError, Question, Subject};
use crate::portrait::Portrait;
use crate::value::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Everything known about a customer at an instant, for people.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Paint {
    /// For whom: `customer` (nothing special or inferred that is not to be revealed, and only what their consent covers), a
    /// department or a purpose; by default the host, who sees everything.
    #[serde(rename = "for")]
    audience: Option<String>,
    /// The instant; later events are not seen.
    now: Timestamp,
    /// Up to when knowledge counts; by default `now`.
    known_at: Option<Timestamp>,
    /// `json` (by default), `text` for a terminal, `html` for a whole page, or `html_part` for a part of one.
    #[serde(default)]
    format: Format,
    /// How many events the timeline has at most; 50 by default.
    events: Option<u64>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "portrait_format")]
enum Format {
    #[default]
    Json,
    Text,
    Html,
    HtmlPart,
}

/// A customer for people: one of the two.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "portrait_answer")]
pub(super) struct PaintAnswer {
    /// As plain data, for the format `json`.
    #[serde(skip_serializing_if = "Option::is_none")]
    portrait: Option<Portrait>,
    /// As text, for the other formats.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

impl Question for Paint {
    const NAME: &'static str = "portrait";
    const SUBJECT: Subject = Subject::Customer;
    type Answer<'a> = PaintAnswer;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<PaintAnswer, QueryError> {
        let events = self.events.map_or(Portrait::EVENTS, |events| usize::try_from(events).unwrap_or(usize::MAX));
        let audience = self.audience.as_deref();
        let portrait = match asked.whom() {
            Some((base, identifier)) => base.portrait(identifier, audience, self.now, self.known_at, events)?,
            None => asked.engine.portrait(asked.customer()?, audience, self.now, self.known_at, events)?,
        };
        let text = match self.format {
            Format::Json => return Ok(PaintAnswer { portrait: Some(portrait), text: None }),
            Format::Text => portrait.to_text(),
            Format::Html => portrait.to_html(),
            Format::HtmlPart => portrait.to_html_part(),
        };
        Ok(PaintAnswer { portrait: None, text: Some(text) })
    }
}
