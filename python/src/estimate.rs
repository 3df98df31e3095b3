//! What another playbook would have brought, and who gets what.

use crate::engine::Engine;
use crate::errors::{self, Bad};
use crate::query::loads;
use crate::trends::TrendSnapshot;
use crate::{time, value};
use pyo3::prelude::*;
use pyo3::types::{PyMapping, PyString};
use std::collections::BTreeMap;
use tactful::CustomerBase;
use tactful::estimate::{EstimateOptions, HistoryOptions, Reward};

/// The parts of a question about another playbook, as Python gives them.
pub(crate) struct Asked<'a, 'py> {
    pub(crate) now: &'a Bound<'py, PyAny>,
    pub(crate) rewards: &'a Bound<'py, PyAny>,
    pub(crate) since: Option<&'a Bound<'py, PyAny>>,
    pub(crate) within: Option<&'a str>,
    pub(crate) placements: Option<Vec<String>>,
    pub(crate) clip: Option<f64>,
    pub(crate) confidence: Option<f64>,
    pub(crate) approximate: bool,
    pub(crate) facts: Option<&'a Bound<'py, PyAny>>,
    pub(crate) trends: Option<&'a Bound<'py, PyAny>>,
    pub(crate) receipts: Option<Vec<Bound<'py, PyAny>>>,
}

impl Asked<'_, '_> {
    pub(crate) fn options(&self) -> PyResult<HistoryOptions> {
        let within = self.within.map(tactful::Duration::parse).transpose();
        let within =
            within.map_err(|_| Bad::new("wrong_value", "within", "expected a duration such as `30d`".to_owned()).query())?;
        let estimate =
            EstimateOptions { clip: self.clip, confidence: self.confidence.unwrap_or(EstimateOptions::default().confidence) };
        let facts = self.facts.map(|facts| value::named(facts, "facts", value::Doubles::Finite)).transpose();
        let wrong = |found: &Bound<'_, PyAny>| Bad::kind("trends", "a TrendSnapshot", found).query();
        let trends = self.trends.map(|found| match found.cast::<TrendSnapshot>() {
            Ok(snapshot) => Ok(snapshot.get().shared()),
            Err(_) => Err(wrong(found)),
        });
        Ok(HistoryOptions {
            since: self.since.map(|since| time::instant(since, "since")).transpose().map_err(Bad::query)?,
            within,
            placements: self.placements.clone().unwrap_or_default(),
            rewards: rewards(self.rewards)?,
            approximate: self.approximate,
            facts: facts.map_err(Bad::query)?.unwrap_or_default(),
            receipts: self.receipts.iter().flatten().map(crate::query::text).collect::<PyResult<_>>()?,
            trends: trends.transpose()?,
            estimate,
            ..HistoryOptions::at(time::instant(self.now, "now").map_err(Bad::query)?)
        })
    }
}

/// What counts: a number, or ``"value"``, by outcome.
fn rewards(found: &Bound<'_, PyAny>) -> PyResult<BTreeMap<String, Reward>> {
    let wrong = || Bad::kind("rewards", "a mapping from outcomes to numbers or \"value\"", found).query();
    let mut rewards = BTreeMap::new();
    for pair in found.cast::<PyMapping>().map_err(|_| wrong())?.items().map_err(|_| wrong())? {
        let (outcome, reward) = pair.extract::<(Bound<'_, PyString>, Bound<'_, PyAny>)>().map_err(|_| wrong())?;
        let outcome = value::string(&outcome, "rewards").map_err(Bad::query)?;
        let reward = match reward.cast::<PyString>() {
            Ok(word) if word.to_str().is_ok_and(|word| word == "value") => Reward::Value,
            Ok(_) => return Err(wrong()),
            Err(_) => Reward::Number(reward.extract::<f64>().map_err(|_| wrong())?),
        };
        rewards.insert(outcome, reward);
    }
    Ok(rewards)
}

/// Asks a base.
pub(crate) fn off_policy<'py>(
    py: Python<'py>,
    base: &CustomerBase,
    after: &Bound<'py, Engine>,
    options: &HistoryOptions,
) -> PyResult<Bound<'py, PyAny>> {
    let after = after.get().engine.clone();
    let answer = py.detach(|| {
        let report = base
            .off_policy(&after, options)
            .map_err(|error| Bad::new(error.code(), error.path(), error.message().to_owned()).query())?;
        let mut answer = serde_json::to_value(&report).map_err(|error| errors::internal(&error.to_string()))?;
        if let Some(answer) = answer.as_object_mut() {
            answer.insert("text".to_owned(), report.to_string().into());
        }
        Ok::<_, PyErr>(answer.to_string())
    })?;
    loads(py, &answer)
}
