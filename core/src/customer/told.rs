//! The story as the events that a host would tell, so that it can be told again elsewhere.

use super::details::Details;
use super::event::Event;
use super::view::StoryRow;
use super::{ATTRIBUTE_CLEARED, ATTRIBUTE_SET, Customer};
use crate::expr::EventRow;
use crate::value::{Span, Timestamp, Value};
use serde_json::{Map, Value as Json, json};
use std::ops::ControlFlow;
use std::sync::Arc;

impl Customer {
    /// All events that the playbook knows, in the order of the story, as a host would tell them: recorded again under the same
    /// playbook they make the same customer. Attributes come as `attribute_set` or `attribute_cleared`. What was folded into
    /// totals, or is kept [aside](Self::aside), is not among them.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        let Some(layout) = self.strands().first().map(|strand| strand.layout().clone()) else { return Vec::new() };
        let mut events = Vec::with_capacity(self.len());
        self.view(Timestamp::MAX).events(&layout.kinds(), Span::lifetime(Timestamp::MAX), &mut |row| {
            events.extend(row.told());
            ControlFlow::Continue(())
        });
        events
    }
}

impl StoryRow<'_> {
    /// The event type that a host would tell.
    pub(crate) fn told_type(&self) -> Arc<str> {
        let name = self.strand().layout().schema().event_decl(self.kind()).map(|kind| kind.name.clone());
        match name {
            Some(name) if name.starts_with(ATTRIBUTE_SET) => {
                Arc::from(if self.value(0).is_some() { ATTRIBUTE_SET } else { ATTRIBUTE_CLEARED })
            }
            name => name.unwrap_or_else(|| Arc::from("?")),
        }
    }

    /// The event that a host would tell, with an id; `None` when its type is not known.
    #[must_use]
    pub fn told(&self) -> Option<Event> {
        let kind = self.strand().layout().schema().event_decl(self.kind())?;
        let mut properties: Vec<(String, Value)> = Vec::new();
        let attribute = match kind.name.split_once(':') {
            Some((ATTRIBUTE_SET, attribute)) => Some(attribute),
            _ => None,
        };
        properties.extend(attribute.map(|attribute| ("attribute".to_owned(), Value::text(attribute))));
        for property in &kind.properties {
            properties.extend(self.property(property.id).map(|value| (property.name.to_string(), value)));
        }
        let event_type = match attribute {
            // An attribute that was set to nothing was taken back.
            Some(_) if properties.len() == 1 => ATTRIBUTE_CLEARED,
            Some(_) => ATTRIBUTE_SET,
            None => &kind.name,
        };
        let details = self.details();
        let known_at = self.known_at();
        Some(Event {
            event_type: event_type.to_owned(),
            time: self.time(),
            known_at: (known_at != self.time()).then_some(known_at),
            identifiers: vec![self.strand().identifier().clone()],
            id: Some(self.id().to_owned()),
            sequence: self.sequence(),
            channel: self.channel().map(str::to_owned),
            source: self.source().map(str::to_owned),
            properties,
            details: (!details.is_empty()).then(|| Box::new(details)),
        })
    }
}

impl Event {
    /// The event in tactful's own JSON, which [`from_json`](Self::from_json) reads; keys are sorted, what was not told is left out.
    ///
    /// # Examples
    /// ```
    /// # use tactful::Event;
    /// let text = r#"{"identifiers":["customer:ada"],"properties":{"page":"home"},"time":"2026-03-01T10:00:00Z","type":"visit"}"#;
    /// assert_eq!(Event::from_json(text)?.to_json(), text);
    /// # Ok::<(), tactful::EventError>(())
    /// ```
    #[must_use]
    pub fn to_json(&self) -> String {
        Json::Object(self.json()).to_string()
    }

    /// The same as an object.
    pub(crate) fn json(&self) -> Map<String, Json> {
        let mut object = Map::new();
        let mut put = |key: &str, value: Json| object.insert(key.to_owned(), value);
        put("type", json!(self.event_type));
        put("time", json!(self.time));
        let identifiers: Vec<&str> = self.identifiers.iter().map(super::Identifier::as_str).collect();
        put("identifiers", json!(identifiers));
        self.id.iter().for_each(|id| drop(put("id", json!(id))));
        if self.sequence != 0 {
            put("sequence", json!(self.sequence));
        }
        self.known_at.iter().for_each(|known_at| drop(put("known_at", json!(known_at))));
        self.channel.iter().for_each(|channel| drop(put("channel", json!(channel))));
        self.source.iter().for_each(|source| drop(put("source", json!(source))));
        if let Some(details) = &self.details {
            write_details(details, &mut put);
        }
        if !self.properties.is_empty() {
            let entries = self.properties.iter().map(|(name, value)| (name.clone(), told(value)));
            put("properties", Json::Object(entries.collect()));
        }
        object
    }
}

/// A value as events tell it: the declared type has the currency.
fn told(value: &Value) -> Json {
    match value {
        Value::Decimal(number) => Json::String(number.amount_text()),
        Value::List(items) => Json::Array(items.iter().map(told).collect()),
        other => other.to_json(),
    }
}

fn write_details(details: &Details, put: &mut impl FnMut(&str, Json) -> Option<Json>) {
    let mut location = Map::new();
    for (name, value) in details.entries() {
        match (name, value) {
            ("country" | "region" | "city" | "postal_code" | "store", value) => {
                location.insert(name.to_owned(), value.to_json());
            }
            ("point", Value::Point(point)) => {
                location.insert("latitude".to_owned(), json!(point.latitude()));
                location.insert("longitude".to_owned(), json!(point.longitude()));
            }
            (name, value) => {
                put(name, value.to_json());
            }
        }
    }
    if !location.is_empty() {
        put("location", Json::Object(location));
    }
}
