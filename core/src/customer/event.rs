use super::details::Details;
use super::identifier::{Identifier, IdentifierError};
use crate::error::nearest;
use crate::value::{Misfit, Timestamp, Value};
use std::fmt;

/// Something that happened, as a host tells it.
///
/// The reserved types `attribute_set` (properties `attribute`, `value`), `attributes_set` (one property per attribute),
/// `attribute_cleared` (property `attribute`), `consent_given` and `consent_withdrawn`
/// (`purpose`), `linked` and `unlinked` (two identifiers) and the outcomes (`shown`, `clicked`, `rejected` …) are events
/// like any other.
#[derive(Clone, PartialEq)]
pub struct Event {
    /// Its type, declared in the playbook or reserved.
    pub event_type: String,
    /// When it happened.
    pub time: Timestamp,
    /// When the host learned of it; `time` when not given.
    pub known_at: Option<Timestamp>,
    /// Whose it is: at least one.
    pub identifiers: Vec<Identifier>,
    /// Its id, unique for the customer; without one the event's content stands for it, so that telling it twice counts once.
    pub id: Option<String>,
    /// Orders events of one instant; the source counts it up.
    pub sequence: i64,
    /// The channel it came through.
    pub channel: Option<String>,
    /// Who told it.
    pub source: Option<String>,
    /// Its properties, by name.
    pub properties: Vec<(String, Value)>,
    /// Under which circumstances: device, campaign, place, origin and confidence; most events have none of these.
    pub details: Option<Box<Details>>,
}

impl Event {
    /// An event of a type, at a time, of a customer.
    #[must_use]
    pub fn new(event_type: &str, time: Timestamp, identifier: Identifier) -> Self {
        Event {
            event_type: event_type.to_owned(),
            time,
            known_at: None,
            identifiers: vec![identifier],
            id: None,
            sequence: 0,
            channel: None,
            source: None,
            properties: Vec::new(),
            details: None,
        }
    }

    /// The same event with details.
    #[must_use]
    pub fn detailed(mut self, details: Details) -> Self {
        self.details = (!details.is_empty()).then(|| Box::new(details));
        self
    }

    /// The same event with one more property.
    #[must_use]
    pub fn with(mut self, property: &str, value: impl Into<Value>) -> Self {
        self.properties.push((property.to_owned(), value.into()));
        self
    }

    /// The same event with an id.
    #[must_use]
    pub fn with_id(mut self, id: &str) -> Self {
        self.id = Some(id.to_owned());
        self
    }

    /// The same event, come through a channel.
    #[must_use]
    pub fn through(mut self, channel: &str) -> Self {
        self.channel = Some(channel.to_owned());
        self
    }

    /// A property by name.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&Value> {
        self.properties.iter().find(|(property, _)| property == name).map(|(_, value)| value)
    }
}

/// What kind of event it is and what it tells, not what it says: that may be personal.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let properties: Vec<&str> = self.properties.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Event")
            .field("event_type", &self.event_type)
            .field("time", &self.time)
            .field("identifiers", &self.identifiers)
            .field("properties", &properties)
            .finish_non_exhaustive()
    }
}

/// An event that cannot be recorded. Nothing was changed.
///
/// The message never repeats values of properties, which may be personal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventError {
    code: &'static str,
    path: String,
    message: String,
}

impl EventError {
    pub(crate) fn new(code: &'static str, path: impl Into<String>, message: impl Into<String>) -> Self {
        EventError { code, path: path.into(), message: message.into() }
    }

    /// A stable code such as `undeclared_event_type`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// Which part of the event, such as `properties.amount`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong, and what was expected.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn undeclared<'a>(what: &'static str, path: &str, name: &str, names: impl IntoIterator<Item = &'a str>) -> Self {
        let code = match what {
            "event type" => "undeclared_event_type",
            "property" => "undeclared_property",
            "attribute" => "undeclared_attribute",
            "namespace" => "undeclared_namespace",
            _ => "undeclared_purpose",
        };
        // What cannot be a name may be a value that slipped into its place.
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b' '));
        let shown: String = if plain { name.chars().take(80).collect() } else { "\u{2026}".to_owned() };
        let hint = nearest(name, names).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        Self::new(code, path, format!("{what} `{shown}` is not declared in the playbook{hint}"))
    }

    pub(crate) fn misfit(path: &str, misfit: &Misfit) -> Self {
        Self::new("wrong_type", path, format!("expected {}, found {}", misfit.expected, misfit.found))
    }
}

impl fmt::Display for EventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.path, self.message) }
    }
}

impl std::error::Error for EventError {}

impl From<IdentifierError> for EventError {
    fn from(error: IdentifierError) -> Self {
        EventError::new(error.code(), "identifiers", error.to_string())
    }
}
