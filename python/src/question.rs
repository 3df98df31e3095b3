//! What a caller asks: placements, facts, and when.

use crate::errors::Bad;
use crate::time;
use crate::value::{self, Doubles};
use pyo3::prelude::*;
use pyo3::types::PyString;
use tactful::{Assurance, Request, RequestError, Timestamp};

/// A question at an instant.
pub(crate) struct Question {
    pub(crate) request: Request,
    pub(crate) now: Timestamp,
    pub(crate) known_at: Option<Timestamp>,
}

impl Question {
    pub(crate) fn new(
        asked: &Bound<'_, PyAny>,
        now: &Bound<'_, PyAny>,
        facts: Option<&Bound<'_, PyAny>>,
        known_at: Option<&Bound<'_, PyAny>>,
        assurance: Option<&Bound<'_, PyAny>>,
    ) -> Result<Self, Bad> {
        let facts = match facts {
            Some(facts) => value::named(facts, "facts", Doubles::Finite)?,
            None => Vec::new(),
        };
        let assurance = match assurance {
            Some(word) => self::assurance(word)?,
            None => Assurance::default(),
        };
        let request = Request { placements: placements(asked)?, facts, assurance, ..Request::default() };
        Ok(Question { request, now: time::instant(now, "now")?, known_at: time::optional(known_at, "known_at")? })
    }
}

fn assurance(word: &Bound<'_, PyAny>) -> Result<Assurance, Bad> {
    let expected = "`anonymous`, `recognised` or `authenticated`";
    let Ok(text) = word.cast::<PyString>() else { return Err(Bad::kind("assurance", expected, word)) };
    let word = value::string(text, "assurance")?;
    Assurance::named(&word).ok_or_else(|| {
        let error = RequestError::unknown_assurance(&word);
        Bad::new(error.code(), error.path(), error.message().to_owned())
    })
}

/// One placement by name, or several.
pub(crate) fn placements(asked: &Bound<'_, PyAny>) -> Result<Vec<String>, Bad> {
    texts(asked, "placements", "the name of a placement, or several")
}

fn texts(found: &Bound<'_, PyAny>, path: &str, expected: &str) -> Result<Vec<String>, Bad> {
    if let Ok(text) = found.cast::<PyString>() {
        return value::string(text, path).map(|text| vec![text]);
    }
    let Ok(items) = found.try_iter() else { return Err(Bad::kind(path, expected, found)) };
    let mut texts = Vec::new();
    for (place, item) in items.enumerate() {
        let path = format!("{path}[{place}]");
        let item = item.map_err(|error| Bad::new("wrong_type", &path, error.to_string()))?;
        let Ok(text) = item.cast::<PyString>() else { return Err(Bad::kind(&path, "text", &item)) };
        texts.push(value::string(text, &path)?);
    }
    Ok(texts)
}
