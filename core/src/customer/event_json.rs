use super::event::{Event, EventError};
use super::identifier::Identifier;
use crate::value::{FromJson, Timestamp, Value};
use serde::de::{DeserializeSeed, Error, MapAccess, Visitor};
use std::cell::Cell;
use std::fmt;

/// The largest event as JSON, in bytes.
pub const MAX_JSON: usize = 1024 * 1024;
const MAX_NODES: u32 = 10_000;

impl Event {
    /// Reads an event from JSON: `type`, `time` (RFC 3339), `identifier` or `identifiers` (`namespace:value`), and optionally
    /// `id`, `sequence`, `known_at`, `channel`, `source`, `properties`.
    ///
    /// # Errors
    /// [`EventError`] with code `invalid_json` for anything else: unknown or repeated keys, times out of range, numbers
    /// beyond 64 bits, more than 1 MiB or 10,000 values.
    ///
    /// # Examples
    /// ```
    /// use tactful::Event;
    /// let event = Event::from_json(r#"{"type": "purchase", "time": "2010-03-01T10:00:00Z",
    ///     "identifier": "customer:17", "properties": {"amount": "12.50"}}"#)?;
    /// assert_eq!(event.event_type, "purchase");
    /// # Ok::<(), tactful::EventError>(())
    /// ```
    pub fn from_json(text: &str) -> Result<Self, EventError> {
        if text.len() > MAX_JSON {
            return Err(EventError::new("too_long", "", "an event has at most 1 MiB of JSON"));
        }
        let nodes = Cell::new(MAX_NODES);
        let mut reader = serde_json::Deserializer::from_str(text);
        let event = EventReader { nodes: &nodes }.deserialize(&mut reader).and_then(|event| reader.end().map(|()| event));
        event.map_err(|error| EventError::new("invalid_json", "", error.to_string()))
    }
}

struct EventReader<'a> {
    nodes: &'a Cell<u32>,
}

impl<'de> DeserializeSeed<'de> for EventReader<'_> {
    type Value = Event;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Event, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for EventReader<'_> {
    type Value = Event;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event as a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Event, A::Error> {
        let mut seen = std::collections::BTreeSet::new();
        let (mut event_type, mut time, mut known_at, mut id, mut channel, mut source) = (None, None, None, None, None, None);
        let (mut sequence, mut identifiers, mut properties) = (0, Vec::new(), Vec::new());
        while let Some(key) = access.next_key::<String>()? {
            if !seen.insert(key.clone()) {
                return Err(A::Error::custom(format!("key `{key}` is told twice")));
            }
            match key.as_str() {
                "type" => event_type = Some(access.next_value::<String>()?),
                "time" => time = Some(access.next_value::<Timestamp>()?),
                "known_at" => known_at = access.next_value::<Option<Timestamp>>()?,
                "id" => id = access.next_value()?,
                "sequence" => sequence = access.next_value()?,
                "channel" => channel = access.next_value()?,
                "source" => source = access.next_value()?,
                "identifier" => identifiers.push(access.next_value::<String>()?),
                "identifiers" => identifiers.extend(access.next_value::<Vec<String>>()?),
                "properties" => match access.next_value_seed(FromJson::new(self.nodes))? {
                    Value::Map(entries) => {
                        properties = entries
                            .iter()
                            .map(|(key, value)| (key.as_text().unwrap_or("").to_owned(), value.clone()))
                            .collect();
                    }
                    _ => return Err(A::Error::custom("`properties` is no object")),
                },
                other => {
                    let shown: String = other.chars().take(80).collect();
                    let keys = [
                        "type",
                        "time",
                        "identifier",
                        "identifiers",
                        "id",
                        "sequence",
                        "known_at",
                        "channel",
                        "source",
                        "properties",
                    ];
                    let hint =
                        crate::error::nearest(other, keys).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                    return Err(A::Error::custom(format!("unknown key `{shown}`{hint}")));
                }
            }
        }
        let identifiers: Result<Vec<Identifier>, _> = identifiers.iter().map(|text| Identifier::parse(text)).collect();
        Ok(Event {
            event_type: event_type.ok_or_else(|| A::Error::missing_field("type"))?,
            time: time.ok_or_else(|| A::Error::missing_field("time"))?,
            known_at,
            identifiers: identifiers.map_err(A::Error::custom)?,
            id,
            sequence,
            channel,
            source,
            properties,
        })
    }
}
