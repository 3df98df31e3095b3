use super::Form;
use crate::customer::EventError;
use crate::value::{FromJson, Timestamp, Value};
use serde::de::DeserializeSeed;
use std::cell::Cell;

const MAX_NODES: u32 = 200_000;

/// Reads JSON within limits.
pub(super) fn parse(text: &str) -> Result<Value, EventError> {
    let nodes = Cell::new(MAX_NODES);
    let mut reader = serde_json::Deserializer::from_str(text);
    let tree = FromJson::new(&nodes).deserialize(&mut reader).and_then(|tree| reader.end().map(|()| tree));
    tree.map_err(|error| EventError::new("invalid_json", "", error.to_string()))
}

/// A part of a message, with its path.
#[derive(Debug, Clone)]
pub(super) struct Message<'a> {
    pub(super) value: &'a Value,
    pub(super) path: String,
}

impl<'a> Message<'a> {
    pub(super) fn root(value: &'a Value) -> Self {
        Message { value, path: String::new() }
    }

    fn child(&self, key: &str, value: &'a Value) -> Self {
        let key: String = key.chars().take(80).collect();
        let path = if self.path.is_empty() { key } else { format!("{}.{key}", self.path) };
        Message { value, path }
    }

    /// A key that is there and not null.
    pub(super) fn get(&self, key: &str) -> Option<Self> {
        let Value::Map(entries) = self.value else { return None };
        let (_, value) = entries.iter().find(|(own, _)| own.as_text() == Some(key))?;
        (*value != Value::Null).then(|| self.child(key, value))
    }

    /// A dotted path.
    pub(super) fn at(&self, path: &str) -> Option<Self> {
        path.split('.').try_fold(self.clone(), |at, key| at.get(key))
    }

    pub(super) fn entries(&self) -> Option<Vec<(&'a str, Self)>> {
        let Value::Map(entries) = self.value else { return None };
        let named = entries.iter().filter_map(|(key, value)| Some((key.as_text()?, value)));
        Some(named.filter(|(_, value)| **value != Value::Null).map(|(key, value)| (key, self.child(key, value))).collect())
    }

    pub(super) fn items(&self) -> Option<Vec<Self>> {
        let Value::List(items) = self.value else { return None };
        Some(items.iter().enumerate().map(|(at, value)| Message { value, path: format!("{}[{at}]", self.path) }).collect())
    }

    /// Text, or a whole number as its digits.
    pub(super) fn text(&self, key: &str) -> Result<Option<String>, EventError> {
        let Some(found) = self.get(key) else { return Ok(None) };
        match found.value {
            Value::String(text) if text.is_empty() => Ok(None),
            Value::String(text) => Ok(Some(text.to_string())),
            Value::Int(number) => Ok(Some(number.to_string())),
            Value::Uint(number) => Ok(Some(number.to_string())),
            _ => Err(found.wrong("wrong_type", "expected text")),
        }
    }

    pub(super) fn time(&self, key: &str) -> Result<Option<Timestamp>, EventError> {
        let Some(found) = self.get(key) else { return Ok(None) };
        let Value::String(text) = found.value else {
            return Err(found.wrong("wrong_type", "expected an RFC 3339 time as text"));
        };
        match Timestamp::parse(text) {
            Ok(time) => Ok(Some(time)),
            Err(_) => Err(found.wrong("not_a_time", "expected an RFC 3339 time such as 2026-03-01T10:00:00Z")),
        }
    }

    pub(super) fn wrong(&self, code: &'static str, message: &str) -> EventError {
        EventError::new(code, self.path.clone(), message)
    }

    pub(super) fn missing(&self, key: &str, message: &str) -> EventError {
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        EventError::new("missing_key", path, message)
    }

    /// The form, told from keys that only it has.
    pub(super) fn form(&self) -> Option<Form> {
        let has = |key: &str| self.get(key).is_some();
        if has("specversion") {
            Some(Form::CloudEvents)
        } else if has("identifier") || has("identifiers") {
            Some(Form::Own)
        } else if ["userId", "anonymousId", "messageId", "previousId", "groupId"].iter().any(|key| has(key)) {
            Some(Form::Segment)
        } else {
            None
        }
    }
}
