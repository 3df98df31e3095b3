//! Several attributes told in one event.

use super::{Effects, Engine};
use crate::customer::{ATTRIBUTE_CLEARED, ATTRIBUTE_SET, Arrival, Customer, Event, EventError, Identifier, Layout, Prepared};
use crate::value::{Timestamp, Value};

/// What `attributes_set` tells, as one event per attribute; null takes an attribute back. With an id each has an id of its own
/// made of that, so that telling the whole twice counts once. Objects whose parts are attributes are taken apart.
///
/// # Errors
/// [`EventError`] when nothing is told.
pub(crate) fn parts(event: &Event, layout: &Layout) -> Result<Vec<Event>, EventError> {
    if event.properties.is_empty() {
        return Err(EventError::new("missing_property", "properties", "expected at least one attribute and its value"));
    }
    let part = |attribute: &str, value: &Value| {
        let mut properties = vec![("attribute".to_owned(), Value::text(attribute))];
        let cleared = *value == Value::Null;
        if !cleared {
            properties.push(("value".to_owned(), value.clone()));
        }
        Event {
            event_type: if cleared { ATTRIBUTE_CLEARED } else { ATTRIBUTE_SET }.to_owned(),
            id: event.id.as_ref().filter(|id| !id.is_empty()).map(|id| format!("{id}/{attribute}")),
            properties,
            ..event.clone()
        }
    };
    let mut told = Vec::with_capacity(event.properties.len());
    for (attribute, value) in &event.properties {
        if let Value::Map(_) = value {
            let names: Vec<&str> = layout.attribute_names().collect();
            told.extend(crate::value::parts(attribute, value, &names).iter().map(|own| part(&own.name, own.value)));
        } else {
            told.push(part(attribute, value));
        }
    }
    Ok(told)
}

impl Engine {
    /// The parts in the story's form.
    pub(crate) fn prepare_attributes<'a>(
        &self,
        parts: &'a [Event],
        known_at: Option<Timestamp>,
    ) -> Result<Vec<Prepared<'a>>, EventError> {
        let named = |error: EventError, part: &Event| match (error.path(), part.property("attribute")) {
            ("properties.value", Some(Value::String(name))) => {
                EventError::new(error.code(), format!("properties.{name}"), error.message())
            }
            ("properties.attribute", Some(Value::String(name))) => {
                let shown: String = name.chars().take(80).collect();
                EventError::new(error.code(), format!("properties.{shown}"), error.message())
            }
            _ => error,
        };
        parts.iter().map(|part| self.layout().prepare(part, known_at).map_err(|error| named(error, part))).collect()
    }

    /// Records what one event told about several attributes, as one step.
    pub(crate) fn record_attributes(
        &self,
        customer: &mut Customer,
        identifier: &Identifier,
        parts: &[Prepared<'_>],
    ) -> Result<Effects, EventError> {
        self.catch_up(customer);
        let mut arrival = Arrival::Duplicate;
        let mut from: Option<Timestamp> = None;
        let mut time = Timestamp::MIN;
        for part in parts {
            // What is told of long ago waits beside the story, as one attribute alone does.
            let own = match self.wait(customer, identifier, part)? {
                Some(arrival) => arrival,
                None => self.insert(customer, identifier, part)?,
            };
            let since = match own {
                Arrival::New | Arrival::ConflictKeptOld => Some(part.time),
                Arrival::ConflictKeptNew { old_time } => Some(part.time.min(old_time)),
                Arrival::Duplicate => None,
            };
            from = crate::context::earlier(from, since);
            time = part.time;
            arrival = arrival.or(own);
        }
        let effects = from.map_or_else(Vec::new, |from| self.settle_late(customer, from, time));
        Ok(Effects { arrival: Some(arrival), effects })
    }
}
