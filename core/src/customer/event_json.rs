use super::details::Details;
use super::event::{Event, EventError};
use super::identifier::Identifier;
use crate::expr::Detail;
use crate::playbook::Origin;
use crate::value::{FromJson, Point, Timestamp, Value};
use serde::de::{DeserializeSeed, Error, MapAccess, Visitor};
use std::cell::Cell;
use std::fmt;

/// The largest event as JSON, in bytes.
pub const MAX_JSON: usize = 1024 * 1024;
const MAX_NODES: u32 = 10_000;

impl Event {
    /// Reads an event from JSON: `type`, `time` (RFC 3339), `identifier` or `identifiers` (`namespace:value`), and optionally
    /// `id`, `sequence`, `known_at`, `channel`, `source`, `properties`, and as [`Details`] `device`, `campaign`, `referrer`, `page`,
    /// `location` (an object of `country`, `region`, `city`, `postal_code`, `store`, `latitude` and `longitude`), `origin` and
    /// `confidence`.
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
        event.map_err(|error| EventError::new("invalid_json", "", quiet(&error.to_string())))
    }
}

/// What was expected, without the value that was found.
fn quiet(message: &str) -> String {
    let found = ["invalid type: ", "invalid value: "].iter().any(|start| message.starts_with(start));
    // What was found may hold any text; what was expected comes last and is our own.
    match message.rfind(", expected ").filter(|_| found).and_then(|place| message.get(place + 2..)) {
        Some(expected) => expected.to_owned(),
        None => message.to_owned(),
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
        let mut details = Details::default();
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
                "device" => details.device = access.next_value()?,
                "campaign" => details.campaign = access.next_value()?,
                "referrer" => details.referrer = access.next_value()?,
                "page" => details.page = access.next_value()?,
                "location" => {
                    let told = access.next_value_seed(FromJson::new(self.nodes))?;
                    locate(&mut details, &told).map_err(A::Error::custom)?;
                }
                "origin" => {
                    let word: Option<String> = access.next_value()?;
                    details.origin = word.map(|word| origin(&word)).transpose().map_err(A::Error::custom)?;
                }
                "confidence" => details.confidence = access.next_value()?,
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
                        "device",
                        "campaign",
                        "referrer",
                        "page",
                        "location",
                        "origin",
                        "confidence",
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
            details: (!details.is_empty()).then(|| Box::new(details)),
        })
    }
}

fn origin(word: &str) -> Result<Origin, String> {
    let names = Origin::ALL.map(Origin::name).join("`, `");
    Origin::named(word).ok_or_else(|| format!("`origin` is one of `{names}`"))
}

/// Takes the parts of `location` in.
fn locate(details: &mut Details, told: &Value) -> Result<(), String> {
    let entries = match told {
        Value::Null => return Ok(()),
        Value::Map(entries) => entries,
        _ => return Err("`location` is no object".to_owned()),
    };
    let (mut latitude, mut longitude) = (None, None);
    for (key, value) in entries.iter() {
        let key = key.as_text().unwrap_or("");
        let degrees = || match value {
            Value::Double(degrees) => Ok(Some(*degrees)),
            Value::Int(degrees) => Ok(i32::try_from(*degrees).ok().map(f64::from)),
            Value::Null => Ok(None),
            _ => Err(format!("`location.{key}` is no number")),
        };
        match key {
            "latitude" | "lat" => latitude = degrees()?,
            "longitude" | "lon" | "lng" => longitude = degrees()?,
            _ => {
                let places = [Detail::Country, Detail::Region, Detail::City, Detail::PostalCode, Detail::Store];
                let Some(detail) = places.into_iter().find(|detail| detail.name() == key) else {
                    let shown: String = key.chars().take(80).collect();
                    let names = places.map(Detail::name).into_iter().chain(["latitude", "longitude"]);
                    let near = crate::error::nearest(key, names);
                    let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                    return Err(format!("unknown key `location.{shown}`{hint}"));
                };
                let text = match value {
                    Value::String(text) => Some(text.to_string()),
                    Value::Null => None,
                    _ => return Err(format!("`location.{key}` is no text")),
                };
                if let Some(place) = details.text_mut(detail) {
                    *place = text;
                }
            }
        }
    }
    details.point = match (latitude, longitude) {
        (None, None) => None,
        (Some(latitude), Some(longitude)) => Some(
            Point::new(latitude, longitude).ok_or("`location` has a latitude of -90 to 90 and a longitude of -180 to 180")?,
        ),
        _ => return Err("`location` has both `latitude` and `longitude`, or neither".to_owned()),
    };
    Ok(())
}
