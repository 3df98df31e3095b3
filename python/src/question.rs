//! What a caller asks: placements, facts, and when.

use crate::errors::Bad;
use crate::next::Forecast;
use crate::time;
use crate::trends::TrendSnapshot;
use crate::value::{self, Doubles};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyMapping, PyString};
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

    /// The same as the answer to a reaction.
    pub(crate) fn reacting(mut self, reaction: Option<String>) -> Self {
        self.request.reaction = reaction;
        self
    }

    /// The same with what a population says about what comes next.
    pub(crate) fn foreseeing(mut self, forecast: Option<&Bound<'_, Forecast>>) -> Self {
        self.request.forecast = forecast.map(|forecast| forecast.get().forecast.clone());
        self
    }

    /// The same with what ranking reads beside the customer.
    pub(crate) fn ranked(
        mut self,
        scores: Option<&Bound<'_, PyAny>>,
        seed: Option<&Bound<'_, PyAny>>,
        trends: Option<&Bound<'_, PyAny>>,
    ) -> Result<Self, Bad> {
        if let Some(scores) = scores {
            self.request.scores = columns(scores)?;
        }
        if let Some(seed) = seed {
            let expected = "a whole number from 0 to 2**64 - 1";
            self.request.seed = seed.extract::<u64>().map_err(|_| Bad::kind("seed", expected, seed))?;
        }
        if let Some(trends) = trends {
            let Ok(snapshot) = trends.cast::<TrendSnapshot>() else {
                return Err(Bad::kind("trends", "a snapshot of trends", trends));
            };
            self.request.trends = Some(snapshot.get().shared());
        }
        Ok(self)
    }
}

fn mapping<'py>(found: &Bound<'py, PyAny>, expected: &str) -> Result<Bound<'py, PyList>, Bad> {
    let items = found.cast::<PyMapping>().ok().and_then(|found| found.items().ok());
    items.ok_or_else(|| Bad::kind("scores", expected, found))
}

/// Numbers by column and offer.
fn columns(scores: &Bound<'_, PyAny>) -> Result<Vec<(String, String, f64)>, Bad> {
    let expected = "a mapping of columns to mappings of offers to numbers";
    let mut found = Vec::new();
    for item in mapping(scores, expected)?.iter() {
        let Ok((column, numbers)) = item.extract::<(String, Bound<'_, PyAny>)>() else {
            return Err(Bad::kind("scores", expected, scores));
        };
        for item in mapping(&numbers, expected)?.iter() {
            let Ok((offer, number)) = item.extract::<(String, f64)>() else {
                return Err(Bad::kind("scores", expected, scores));
            };
            found.push((column.clone(), offer, number));
        }
    }
    Ok(found)
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
