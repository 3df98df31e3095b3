//! Messages of other systems, read but not recorded.

use super::{Asked, QueryError, Question, Subject};
use crate::customer::{Event, EventError};
use crate::intake::{Body, Form, Headers, LeftOut, read_request};
use crate::value::{FromJson, Timestamp, Value};
use schemars::JsonSchema;
use serde::de::DeserializeSeed;
use serde::{Deserialize, Deserializer, Serialize};
use std::cell::Cell;
use std::collections::BTreeMap;

/// Messages of other systems as events of the playbook; nothing is recorded.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Read {
    /// A message, a list of them, or a batch of Segment's. With `headers` the body of a request: its text, or the JSON in it.
    message: Told,
    /// The form; told from the keys of each message when not given, or from the `headers`.
    form: Option<FormName>,
    /// The headers of an HTTP request: those of a CloudEvent in binary mode (`ce-type`), and `content-type`.
    headers: Option<BTreeMap<String, String>>,
    /// When the host got it: corrects the clocks of devices and becomes `known_at`.
    received_at: Option<Timestamp>,
}

/// The forms that messages come in.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum FormName {
    /// tactful's own JSON.
    Own,
    /// What Segment-compatible SDKs send.
    Segment,
    /// CloudEvents 1.0.
    CloudEvents,
}

/// Any JSON.
#[derive(Debug, JsonSchema)]
struct Told(#[schemars(with = "serde_json::Value")] Value);

impl<'de> Deserialize<'de> for Told {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let nodes = Cell::new(u32::MAX);
        FromJson::new(&nodes).deserialize(deserializer).map(Told)
    }
}

/// What messages hold.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "intake")]
pub(super) struct Taken {
    /// The events, as `tactful_event_from_json` and its likes read them.
    events: Vec<EventJson>,
    /// Messages that cannot be read.
    refused: Vec<Refused>,
    /// Parts of messages that the playbook does not declare.
    left_out: Vec<Left>,
}

/// An event in tactful's own form.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "event")]
struct EventJson {
    #[serde(rename = "type")]
    event_type: String,
    time: Timestamp,
    identifiers: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "is_zero")]
    sequence: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    known_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    properties: BTreeMap<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    campaign: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    referrer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    location: BTreeMap<&'static str, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<f64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// A message that cannot be read.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "refused_message")]
struct Refused {
    /// A stable code.
    code: &'static str,
    /// Where, such as `batch[2].timestamp`.
    path: String,
    /// What is wrong.
    message: String,
}

/// A part that was not taken in.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "left_out")]
struct Left {
    /// Where it stands.
    path: String,
    /// Why.
    reason: &'static str,
}

impl Question for Read {
    const NAME: &'static str = "intake";
    const SUBJECT: Subject = Subject::Playbook;
    type Answer<'a> = Taken;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<Taken, QueryError> {
        let form = self.form.map(|form| match form {
            FormName::Own => Form::Own,
            FormName::Segment => Form::Segment,
            FormName::CloudEvents => Form::CloudEvents,
        });
        let taken = match &self.headers {
            Some(headers) if form.is_none() => {
                let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                let headers = Headers::of(headers).map_err(|error| QueryError::from(error).under("headers"))?;
                let body = match &self.message.0 {
                    Value::String(text) => Body::Text(text),
                    json => Body::Json(json),
                };
                read_request(asked.engine, &headers, body, self.received_at)
            }
            Some(_) => {
                return Err(EventError::new("unknown_form", "form", "headers tell the form; leave one of them out").into());
            }
            None => asked.engine.intake_tree(&self.message.0, form, self.received_at),
        };
        let taken = taken.map_err(|error| QueryError::from(error).under("message"))?;
        Ok(Taken {
            events: taken.events.into_iter().map(EventJson::of).collect(),
            refused: taken.refused.iter().map(Refused::of).collect(),
            left_out: taken.left_out.into_iter().map(|LeftOut { path, reason }| Left { path, reason }).collect(),
        })
    }
}

impl EventJson {
    fn of(event: Event) -> Self {
        let details = event.details.map(|details| *details).unwrap_or_default();
        let texts = [
            ("country", details.country),
            ("region", details.region),
            ("city", details.city),
            ("postal_code", details.postal_code),
            ("store", details.store),
        ];
        let mut location: BTreeMap<&'static str, Value> =
            texts.into_iter().filter_map(|(key, text)| Some((key, Value::text(&text?)))).collect();
        if let Some(point) = details.point {
            location.insert("latitude", Value::Double(point.latitude()));
            location.insert("longitude", Value::Double(point.longitude()));
        }
        EventJson {
            device: details.device,
            campaign: details.campaign,
            referrer: details.referrer,
            page: details.page,
            location,
            origin: details.origin.map(crate::playbook::Origin::name),
            confidence: details.confidence,
            event_type: event.event_type,
            time: event.time,
            identifiers: event.identifiers.iter().map(ToString::to_string).collect(),
            id: event.id,
            sequence: event.sequence,
            known_at: event.known_at,
            channel: event.channel,
            source: event.source,
            properties: event.properties.into_iter().collect(),
        }
    }
}

impl Refused {
    fn of(error: &EventError) -> Self {
        Refused { code: error.code(), path: error.path().to_owned(), message: error.message().to_owned() }
    }
}
