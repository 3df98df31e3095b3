//! Questions and answers as plain data.

use crate::errors::Bad;
use crate::value::{self, Doubles};
use pyo3::prelude::*;
use pyo3::types::PyMapping;
use serde_json::{Map, Value as Json};

/// A question as JSON.
pub(crate) fn text(question: &Bound<'_, PyAny>) -> PyResult<String> {
    if question.cast::<PyMapping>().is_err() {
        return Err(Bad::kind("", "a question as a mapping, such as {\"query\": \"describe\"}", question).query());
    }
    let entries = value::named(question, "", Doubles::Finite).map_err(Bad::query)?;
    let object: Map<String, Json> = entries.iter().map(|(name, value)| (name.clone(), value.to_json())).collect();
    Ok(Json::Object(object).to_string())
}

/// Plain data from JSON.
pub(crate) fn loads<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import("json")?.call_method1("loads", (text,))
}
