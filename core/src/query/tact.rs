//! Consent and labels: what a customer permits, who may see what, why in the customer's words, and what nobody reads.

use super::{Asked, QueryError, Question, Subject};
use crate::customer::Identifier;
use crate::decide::{Request, RequestError};
use crate::engine::{CustomerReasons, Permissions, SharedView, Unread};
use crate::playbook::Assurance;
use crate::value::{FromJson, Timestamp, Value};
use schemars::JsonSchema;
use serde::de::DeserializeSeed;
use serde::{Deserialize, Serialize};
use std::cell::Cell;
use std::collections::BTreeMap;

/// What a customer permits at an instant.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Consents {
    /// The instant; later events are not seen.
    now: Timestamp,
    /// Up to when knowledge counts; by default `now`.
    known_at: Option<Timestamp>,
    /// On which identifier the customer is met; by default the person as a whole.
    met_on: Option<String>,
    /// For which channel; by default none in particular.
    channel: Option<String>,
}

impl Question for Consents {
    const NAME: &'static str = "consents";
    const SUBJECT: Subject = Subject::Customer;
    type Answer<'a> = Permissions;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<Permissions, QueryError> {
        let met_on = met_on(self.met_on.as_deref())?;
        let at = (self.now, self.known_at.unwrap_or(self.now));
        let around = asked.around(at.0, at.1);
        Ok(asked.engine.consents_among(asked.customer()?, around.as_ref(), met_on.as_ref(), self.channel.as_deref(), at))
    }
}

/// What a department, or somebody working for a purpose, may see of a customer.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ViewFor {
    /// A department or a purpose.
    #[serde(rename = "for")]
    audience: String,
    /// The instant; later events are not seen.
    now: Timestamp,
    /// Up to when knowledge counts; by default `now`.
    known_at: Option<Timestamp>,
}

impl Question for ViewFor {
    const NAME: &'static str = "view";
    const SUBJECT: Subject = Subject::Customer;
    type Answer<'a> = SharedView;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<SharedView, QueryError> {
        let known_at = self.known_at.unwrap_or(self.now);
        let around = asked.around(self.now, known_at);
        let view = asked.engine.view_among(asked.customer()?, around.as_ref(), &self.audience, (self.now, known_at));
        view.map_err(|error| refused(&error))
    }
}

/// Why a customer sees what they see, in words for them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Reasons {
    /// The placements, in the order asked.
    placements: Vec<String>,
    /// The facts of the request, by name.
    #[serde(default)]
    facts: BTreeMap<String, serde_json::Value>,
    /// The instant; later events are not seen.
    now: Timestamp,
    /// Up to when knowledge counts; by default `now`.
    known_at: Option<Timestamp>,
    /// On which identifier the customer is met; by default, in a base, on the one by which it is asked, else the person as a whole.
    met_on: Option<String>,
    /// How sure the host is who is there: `anonymous`, `recognised` (not said) or `authenticated`.
    assurance: Option<String>,
    /// `json` (by default), `text`, or `html` for a part of a page.
    #[serde(default)]
    format: ReasonsFormat,
}

/// The form in which a customer is told.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "reasons_format")]
enum ReasonsFormat {
    #[default]
    Json,
    Text,
    Html,
}

/// Why a customer sees what they see: one of them.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "reasons_answer")]
#[serde(untagged)]
pub(super) enum ReasonsAnswer {
    /// As data.
    Data(CustomerReasons),
    /// As text.
    Text {
        /// To be read.
        text: String,
    },
    /// As a part of a page.
    Html {
        /// A part of a page.
        html: String,
    },
}

impl Question for Reasons {
    const NAME: &'static str = "reasons_for_customer";
    const SUBJECT: Subject = Subject::Customer;
    type Answer<'a> = ReasonsAnswer;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<ReasonsAnswer, QueryError> {
        // The question as a whole was within the limits already.
        let nodes = Cell::new(u32::MAX);
        let value = |json: &serde_json::Value| FromJson::new(&nodes).deserialize(json).unwrap_or(Value::Null);
        let request = Request {
            placements: self.placements.clone(),
            facts: self.facts.iter().map(|(name, json)| (name.clone(), value(json))).collect(),
            identifier: met_on(self.met_on.as_deref())?,
            assurance: assurance(self.assurance.as_deref())?,
            ..Request::default()
        };
        let reasons = match asked.whom() {
            Some((base, identifier)) => base.reasons_for_customer(identifier, &request, self.now, self.known_at),
            None => asked.engine.reasons_for_customer(asked.customer()?, &request, self.now, self.known_at),
        };
        let reasons = reasons.map_err(|error| refused(&error))?;
        Ok(match self.format {
            ReasonsFormat::Json => ReasonsAnswer::Data(reasons),
            ReasonsFormat::Text => ReasonsAnswer::Text { text: reasons.to_string() },
            ReasonsFormat::Html => ReasonsAnswer::Html { html: reasons.to_html() },
        })
    }
}

/// What the playbook declares and no rule reads.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Unused {}

impl Question for Unused {
    const NAME: &'static str = "unread";
    const SUBJECT: Subject = Subject::Playbook;
    type Answer<'a> = Unread;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<Unread, QueryError> {
        Ok(asked.engine.unread())
    }
}

pub(super) fn assurance(text: Option<&str>) -> Result<Assurance, QueryError> {
    let Some(text) = text else { return Ok(Assurance::default()) };
    Assurance::named(text).ok_or_else(|| RequestError::unknown_assurance(text)).map_err(|error| refused(&error))
}

pub(super) fn met_on(text: Option<&str>) -> Result<Option<Identifier>, QueryError> {
    let wrong = |error: crate::customer::IdentifierError| QueryError::new(error.code(), "met_on", error.to_string());
    text.map(|text| Identifier::parse(text).map_err(wrong)).transpose()
}

pub(super) fn refused(error: &RequestError) -> QueryError {
    QueryError::new(error.code(), error.path(), error.message())
}
