//! Cells of a snapshot added up over dimensions that do not matter, so that decisions find them at once.

use super::rules::{TrendRule, TrendRules, What};
use super::snapshot::{Snapshot, end, is_rest};
use crate::expr::Measure;
use crate::playbook::OUTCOME;
use crate::value::Timestamp;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Counts and sums by the values of some dimensions, in their order, decayed to the instant of the snapshot.
#[derive(Debug)]
pub(crate) struct Totals {
    at: Timestamp,
    half_life: Option<i64>,
    cells: BTreeMap<Box<[Arc<str>]>, (f64, f64)>,
}

impl Totals {
    /// The count of a cell, decayed to an instant; 0 when too few are counted there.
    pub(crate) fn count(&self, values: &[Arc<str>], now: Timestamp) -> f64 {
        self.cell(values).map_or(0.0, |(count, _)| count * self.worth(now))
    }

    /// The count and the sum of a cell, decayed to an instant; `None` when too few are counted there.
    pub(crate) fn read(&self, values: &[Arc<str>], now: Timestamp) -> Option<(f64, f64)> {
        let worth = self.worth(now);
        self.cell(values).map(|(count, sum)| (count * worth, sum * worth))
    }

    fn cell(&self, values: &[Arc<str>]) -> Option<(f64, f64)> {
        self.cells.get(values).copied()
    }

    /// What is left of a count of the snapshot.
    fn worth(&self, now: Timestamp) -> f64 {
        match self.half_life {
            Some(half_life) => libm::exp2(-((now.micros() - self.at.micros()) as f64) / half_life as f64),
            None => 1.0,
        }
    }
}

type Made = BTreeMap<(u16, u64, Option<i64>), Arc<Totals>>;

/// What was computed out of a snapshot already; it is no part of it.
#[derive(Default)]
pub(super) struct Kept {
    totals: Mutex<Made>,
    digest: OnceLock<Arc<str>>,
}

impl Clone for Kept {
    fn clone(&self) -> Self {
        Kept::default()
    }
}

impl PartialEq for Kept {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").finish_non_exhaustive()
    }
}

impl Snapshot {
    /// Whether it was counted by these rules.
    pub(crate) fn is_of(&self, rules: &Arc<TrendRules>) -> bool {
        Arc::ptr_eq(&self.rules, rules) || self.rules == *rules
    }

    /// The digest, computed once.
    pub(crate) fn digest_text(&self) -> Arc<str> {
        self.kept.digest.get_or_init(|| Arc::from(self.digest())).clone()
    }

    /// The cells of a trend added up over all dimensions but those of a mask (bit n: dimension n), decayed with a half-life in
    /// microseconds, by default that of the trend; computed when first asked for.
    pub(crate) fn totals(&self, trend: u16, mask: u64, half_life: Option<i64>) -> Arc<Totals> {
        let half_life = half_life.or_else(|| self.rules.rule(trend).and_then(|rule| rule.half_life));
        let mut made = self.kept.totals.lock().unwrap_or_else(PoisonError::into_inner);
        let totals = || Arc::new(self.add_up(trend, mask, half_life));
        made.entry((trend, mask, half_life)).or_insert_with(totals).clone()
    }

    /// What a rule asks of a trend; `None` for too few customers or nobody.
    pub(crate) fn measure(&self, trend: u16, measure: Measure, values: &[Arc<str>], now: Timestamp) -> Option<f64> {
        let rule = self.rules.rule(trend)?;
        let first = |count: usize| (1_u64 << count.min(63)) - 1;
        let read = |values: &[Arc<str>]| self.totals(trend, first(values.len()), None).read(values, now);
        match measure {
            Measure::Count => read(values).map(|(count, _)| count),
            Measure::Sum => read(values).map(|(_, sum)| sum),
            Measure::Share => read(values).zip(read(&[])).map(|((part, _), (all, _))| part / all),
            Measure::PerDay => {
                // What is worth half after a time is, of a steady stream, worth its length divided by ln 2 in all.
                let days = rule.half_life? as f64 / 86_400_000_000.0;
                read(values).map(|(count, _)| count * std::f64::consts::LN_2 / days)
            }
            Measure::Rate => {
                let outcome = rule.dimensions.iter().position(|(name, _)| **name == *OUTCOME)?;
                let (outcomes, others) = values.split_at_checked(2)?;
                // Which dimensions the others are: the first ones that are not the outcome.
                let places: Vec<usize> =
                    (0..rule.dimensions.len()).filter(|place| *place != outcome).take(others.len()).collect();
                let mask = places.iter().fold(1_u64 << outcome, |mask, place| mask | 1 << place);
                let totals = self.totals(trend, mask, None);
                let count = |which: usize| {
                    let before = places.iter().filter(|place| **place < outcome).count();
                    let mut key: Vec<Arc<str>> = others.to_vec();
                    key.insert(before, outcomes.get(which)?.clone());
                    totals.read(&key, now).map(|(count, _)| count)
                };
                // Below the threshold there is no rate, whichever of the two it is.
                Some(count(0)? / count(1)?)
            }
        }
    }

    /// By channel, how many contacts were made and how many had a response, decayed to an instant: of the outcomes of each kind the one
    /// that was counted most, because one contact may have several, and no more responses than contacts. `None` when no trend counts outcomes
    /// by channel.
    pub(crate) fn responses(
        &self,
        contacts: &[&str],
        responses: &[&str],
        now: Timestamp,
    ) -> Option<BTreeMap<Arc<str>, (f64, f64)>> {
        let rules = self.rules.trends.iter().zip(0_u16..);
        let place = |rule: &TrendRule, wanted: &str| {
            rule.dimensions.iter().take(64).position(|(name, _)| **name == *wanted).map(|place| (place, 1_u64 << place))
        };
        let (number, outcome, channel) = rules
            .filter(|(rule, _)| matches!(rule.what, What::Events(_)))
            .find_map(|(rule, number)| Some((number, place(rule, OUTCOME)?, place(rule, "channel")?)))?;
        let totals = self.totals(number, outcome.1 | channel.1, None);
        let worth = totals.worth(now);
        let mut found: BTreeMap<Arc<str>, (f64, f64)> = BTreeMap::new();
        for (values, (count, _)) in &totals.cells {
            let [first, second] = &values[..] else { continue };
            let (outcome, channel) = if outcome.0 < channel.0 { (first, second) } else { (second, first) };
            let both = found.entry(channel.clone()).or_default();
            if contacts.contains(&&**outcome) {
                both.0 = both.0.max(count * worth);
            }
            if responses.contains(&&**outcome) {
                both.1 = both.1.max(count * worth);
            }
        }
        found.values_mut().for_each(|(contacts, responses)| *responses = responses.min(*contacts));
        Some(found)
    }

    fn add_up(&self, trend: u16, mask: u64, half_life: Option<i64>) -> Totals {
        let mut cells: BTreeMap<Box<[Arc<str>]>, (f64, f64)> = BTreeMap::new();
        let at = self.at();
        let Some(rule) = self.rules.rule(trend) else { return Totals { at, half_life, cells } };
        let parts = libm::pow(10.0, f64::from(rule.scale));
        for (key, cell) in self.cells_of(trend) {
            // The rest counts only where nothing is asked for.
            if is_rest(key) && mask != 0 {
                continue;
            }
            let asked = |place: &usize| *place < 64 && mask >> place & 1 == 1;
            let values = (0..key.values.len()).filter(asked).filter_map(|place| key.values.get(place).cloned());
            let total = cells.entry(values.collect()).or_default();
            let (mut count, mut sum) = (0.0, 0.0);
            for (epoch, amount) in &cell.epochs {
                let worth = match (half_life, end(rule, *epoch)) {
                    (Some(half_life), Some(end)) => libm::exp2(-((at.micros() - end) as f64) / half_life as f64),
                    _ => 1.0,
                };
                count += amount.count as f64 * worth;
                sum += amount.sum as f64 * worth;
            }
            total.0 += count;
            total.1 += sum / parts;
        }
        Totals { at, half_life, cells }
    }
}
