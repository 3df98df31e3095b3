//! Facts as hosts tell them: by dotted name or nested, from values or from JSON.

use super::{NamedFacts, Schema};
use crate::error::nearest;
use crate::value::{FromJson, Misfit, Timestamp, Type, Value};
use serde::de::DeserializeSeed;
use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

/// The largest facts as JSON, in bytes.
const MAX_JSON: usize = 16 * 1024 * 1024;
const MAX_NODES: u32 = 1_000_000;

/// A fact that cannot be used. It never repeats values, which may be personal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactError {
    code: &'static str,
    path: String,
    message: String,
}

impl FactError {
    fn new(code: &'static str, path: impl Into<String>, message: impl Into<String>) -> Self {
        FactError { code, path: path.into(), message: message.into() }
    }

    /// `undeclared_fact`, `wrong_type`, `told_twice`, `bad_json` or `too_long`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// Which fact, such as `facts.customer.age`; empty when it is about all.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong, and what was expected.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for FactError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.path, self.message) }
    }
}

impl std::error::Error for FactError {}

impl NamedFacts {
    /// Facts at an instant, by dotted name or nested: `customer.age`, or `customer` with a map that has `age`. With a schema each has
    /// to be declared and to fit its type, and `null` is unknown; without one they are taken as they are.
    ///
    /// # Errors
    /// [`FactError`] for a fact that is not declared, has another type, or is told twice.
    pub fn told(schema: Option<&Arc<Schema>>, told: Vec<(String, Value)>, now: Timestamp) -> Result<Self, FactError> {
        let Some(schema) = schema else {
            return Ok(told.into_iter().fold(NamedFacts::new(now), |facts, (name, value)| facts.with(&name, value)));
        };
        let mut facts = NamedFacts::of(schema.clone(), now);
        let mut seen = std::collections::BTreeSet::new();
        let mut open = told;
        open.reverse();
        while let Some((name, value)) = open.pop() {
            let declared = schema.fact(&name).and_then(|fact| schema.fact_decl(fact));
            let path = || format!("facts.{}", name.chars().take(80).collect::<String>());
            match (declared, value) {
                (None, Value::Null) => {}
                (Some(declared), value) => {
                    if !seen.insert(name.clone()) {
                        return Err(FactError::new("told_twice", path(), "the fact is told twice"));
                    }
                    if value == Value::Null && !matches!(declared.ty, Type::Null | Type::Dyn) {
                        continue;
                    }
                    let misfit = |misfit: Misfit| {
                        let message = format!("expected {}, found {}", misfit.expected, misfit.found);
                        FactError::new("wrong_type", path(), message)
                    };
                    let value = match (&declared.ty, value) {
                        // NaN and infinities are values of the rule language, though not of attributes.
                        (Type::Double, Value::Double(number)) => Value::Double(number),
                        (ty, value) => value.coerce(ty).map_err(misfit)?,
                    };
                    facts = facts.with(&name, value);
                }
                (None, Value::Map(entries)) => {
                    for (key, value) in entries.iter().rev() {
                        let Value::String(key) = key else {
                            return Err(FactError::new("undeclared_fact", path(), "expected names that are text"));
                        };
                        open.push((format!("{name}.{key}"), value.clone()));
                    }
                }
                (None, _) => {
                    let names = schema.facts().iter().map(|fact| &*fact.path);
                    let hint = nearest(&name, names).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                    return Err(FactError::new("undeclared_fact", path(), format!("the schema does not declare it{hint}")));
                }
            }
        }
        Ok(facts)
    }

    /// The same from a JSON object of at most 16 MiB and 1,000,000 values.
    ///
    /// # Errors
    /// As [`told`](Self::told), and for text that is no JSON object.
    pub fn from_json(schema: Option<&Arc<Schema>>, text: &str, now: Timestamp) -> Result<Self, FactError> {
        if text.len() > MAX_JSON {
            return Err(FactError::new("too_long", "facts", "expected at most 16 MiB of JSON"));
        }
        let nodes = Cell::new(MAX_NODES);
        let mut reader = serde_json::Deserializer::from_str(text);
        let tree = FromJson::new(&nodes).deserialize(&mut reader).and_then(|tree| reader.end().map(|()| tree));
        match tree.map_err(|error| FactError::new("bad_json", "facts", error.to_string()))? {
            Value::Map(entries) => {
                let told = entries.iter().map(|(key, value)| (key.as_text().unwrap_or("").to_owned(), value.clone()));
                Self::told(schema, told.collect(), now)
            }
            _ => Err(FactError::new("bad_json", "facts", "expected facts as a JSON object")),
        }
    }
}
