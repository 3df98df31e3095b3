//! Replenishment: what is used up, worn out or out of warranty about now.

use super::company::{Company, Spread};
use super::own::Own;
use super::rules::CatalogRules;
use crate::catalog::{Catalog, Item};
use crate::value::{Duration, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Two gaps tell a habit, which are three purchases.
const HABIT: usize = 2;
/// A window is not narrower than this to either side of the median, so that somebody regular to the minute is not missed.
const LEAST: i64 = 86_400_000_000;

/// That an item is due.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Due {
    pub(super) item: u32,
    /// What it was bought last.
    pub(super) last: Timestamp,
    /// After which time it is usually bought again, or how long it lasts.
    pub(super) after: Duration,
    /// From when on it is due.
    pub(super) from: Timestamp,
    /// Until when.
    pub(super) until: Timestamp,
    /// Whose habit that is.
    pub(super) whose: Whose,
}

/// Where a length of time comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// The customer's own, with this item.
    Own,
    /// The customer's own, with the category.
    OwnCategory,
    /// Everybody's, with the category.
    Category,
    /// The catalog says so.
    Declared,
    /// How long the item lasts.
    Life,
    /// How long it is under warranty.
    Warranty,
}

impl Whose {
    pub(super) fn name(self) -> &'static str {
        match self {
            Whose::Own => "own",
            Whose::OwnCategory => "own_category",
            Whose::Category => "category",
            Whose::Declared => "declared",
            Whose::Life => "life",
            Whose::Warranty => "warranty",
        }
    }
}

/// The items that are due at an instant, the most urgent first.
pub(super) fn due(
    rules: &CatalogRules,
    catalog: &Catalog,
    company: Option<&Company>,
    own: &Own,
    lead: Duration,
    now: Timestamp,
) -> Vec<Due> {
    let mut found = Vec::new();
    // Of a category that is bought again and again, what was bought last stands for it.
    let mut latest: BTreeMap<Arc<str>, (Timestamp, u32)> = BTreeMap::new();
    let bought = own.bought.keys().filter_map(|number| Some((*number, catalog.get(*number)?, own.owned(*number)?)));
    for (number, item, last) in bought {
        if rules.replenishable(item) {
            match (habit(&own.bought, number), &item.category) {
                (Some(spread), _) => found.push(window(number, last, spread, Whose::Own)),
                (None, Some(category)) => {
                    let newest = latest.entry(category.clone()).or_insert((last, number));
                    if last > newest.0 {
                        *newest = (last, number);
                    }
                }
                (None, None) => found.extend(declared(rules, item, number, last)),
            }
            continue;
        }
        for (length, whose) in rules.lasts(item).into_iter().zip([Whose::Life, Whose::Warranty]) {
            let Some(after) = length else { continue };
            let end = last.saturating_add_micros(after.micros());
            let (from, until) = (end.saturating_add_micros(-lead.micros()), end.saturating_add_micros(lead.micros()));
            found.push(Due { item: number, last, after, from, until, whose });
        }
    }
    for (category, (last, number)) in latest {
        let items = catalog.category(&category);
        // What was bought of the category since, under a habit of its own or not, met the need.
        let times = own.bought_any(items);
        let last = times.last().copied().unwrap_or(last);
        let spread = spread(&gaps(&times));
        let everybody = company.and_then(|company| company.gaps.get(&category));
        match (spread, everybody, catalog.get(number)) {
            (Some(spread), _, _) => found.push(window(number, last, spread, Whose::OwnCategory)),
            (None, Some(spread), _) => found.push(window(number, last, *spread, Whose::Category)),
            (None, None, Some(item)) => found.extend(declared(rules, item, number, last)),
            (None, None, None) => {}
        }
    }
    found.retain(|due| due.from <= now && now <= due.until);
    found.sort_by_key(|due| (due.until, due.item));
    found.dedup_by_key(|due| due.item);
    found
}

/// The customer's own habit with an item.
fn habit(bought: &BTreeMap<u32, Vec<Timestamp>>, item: u32) -> Option<Spread> {
    spread(&gaps(bought.get(&item)?))
}

fn gaps(times: &[Timestamp]) -> Vec<i64> {
    let mut gaps: Vec<i64> = times.windows(2).filter_map(|pair| Some(pair.last()?.micros() - pair.first()?.micros())).collect();
    gaps.sort_unstable();
    gaps
}

/// The quartiles of lengths of time in order; of an even number the lower middle.
fn spread(gaps: &[i64]) -> Option<Spread> {
    if gaps.len() < HABIT {
        return None;
    }
    let at = |place: usize| gaps.get(place).map(|micros| Duration::from_nanos(micros.saturating_mul(1_000)));
    let last = gaps.len() - 1;
    Some(Spread { first: at(last / 4)?, median: at(last / 2)?, third: at((3 * last).div_ceil(4))?, count: gaps.len() as f64 })
}

/// The window is the interquartile range.
fn window(item: u32, last: Timestamp, spread: Spread, whose: Whose) -> Due {
    let median = spread.median.micros();
    let from = spread.first.micros().min(median.saturating_sub(LEAST));
    let until = spread.third.micros().max(median.saturating_add(LEAST));
    let at = |micros: i64| last.saturating_add_micros(micros);
    Due { item, last, after: spread.median, from: at(from), until: at(until), whose }
}

/// The declared time, with a quarter of it to either side.
fn declared(rules: &CatalogRules, item: &Item, number: u32, last: Timestamp) -> Option<Due> {
    let gap = rules.gap(item)?;
    let part = |quarters: i64| Duration::from_nanos((gap.micros() / 4).saturating_mul(quarters).saturating_mul(1_000));
    Some(window(number, last, Spread { first: part(3), median: gap, third: part(5), count: 0.0 }, Whose::Declared))
}
