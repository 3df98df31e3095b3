use crate::customer::EventError;
use crate::decide::RequestError;
use crate::error::nearest;
use serde::de::{Error, Expected, Unexpected};
use std::fmt;

/// A question that cannot be answered. It never repeats values, which may be personal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryError {
    code: &'static str,
    path: String,
    message: String,
}

impl QueryError {
    pub(crate) fn new(code: &'static str, path: impl Into<String>, message: impl Into<String>) -> Self {
        QueryError { code, path: path.into(), message: message.into() }
    }

    /// A name that the playbook does not declare, with the nearest one that it does.
    pub(crate) fn undeclared<'a>(what: &str, path: &str, name: &str, names: impl IntoIterator<Item = &'a str>) -> Self {
        let hint = nearest(name, names).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        Self::new("undeclared_name", path, format!("{what} `{}` is not declared in the playbook{hint}", shown(name)))
    }

    /// A stable code such as `unknown_key`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// Which part of the question, such as `now` or `placements[0]`; empty when it is the whole.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong, and what was expected.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The same error of a part that stands under `key`.
    pub(super) fn under(mut self, key: &str) -> Self {
        self.path = match self.path.as_str() {
            "" => key.to_owned(),
            rest if rest.starts_with('[') => format!("{key}{rest}"),
            rest => format!("{key}.{rest}"),
        };
        self
    }
}

/// A name, cut to a length for people.
pub(super) fn shown(name: &str) -> String {
    name.chars().take(80).collect()
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.path, self.message) }
    }
}

impl std::error::Error for QueryError {}

impl From<RequestError> for QueryError {
    fn from(error: RequestError) -> Self {
        QueryError::new(error.code(), error.path(), error.message())
    }
}

impl From<EventError> for QueryError {
    fn from(error: EventError) -> Self {
        QueryError::new(error.code(), error.path(), error.message())
    }
}

/// What reading a question's types finds wrong.
impl Error for QueryError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        QueryError::new("wrong_value", "", message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        QueryError::new("wrong_type", "", format!("expected {}, found {}", wanted(expected), kind(&found)))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        QueryError::new("wrong_value", "", format!("expected {}, found another {}", wanted(expected), kind(&found)))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let hint = nearest(variant, expected.iter().copied());
        let hint = hint.map_or_else(|| listed(expected), |near| format!("; did you mean `{near}`?"));
        QueryError::new("wrong_value", "", format!("`{}` is not known here{hint}", shown(variant)))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let hint = nearest(field, expected.iter().copied());
        let hint = hint.map_or_else(|| listed(expected), |near| format!("; did you mean `{near}`?"));
        QueryError::new("unknown_key", shown(field), format!("the question has no key `{}`{hint}", shown(field)))
    }

    fn missing_field(field: &'static str) -> Self {
        QueryError::new("missing_key", field, format!("the question needs `{field}`"))
    }
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() { String::new() } else { format!("; expected one of {}", names.join(", ")) }
}

/// Numbers by what they are, not by how wide they are.
fn wanted(expected: &dyn Expected) -> String {
    match expected.to_string().as_str() {
        "usize" | "u64" | "u32" | "u16" | "u8" => "a whole number of 0 or more".to_owned(),
        "i64" | "i32" => "a whole number".to_owned(),
        "f64" | "f32" => "a number".to_owned(),
        other => other.to_owned(),
    }
}

fn kind(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "truth value",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "whole number",
        Unexpected::Float(_) => "number",
        Unexpected::Char(_) | Unexpected::Str(_) => "text",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq => "list",
        Unexpected::Map => "object",
        _ => "value",
    }
}
