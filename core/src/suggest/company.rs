use crate::catalog::Catalog;
use crate::trends::{Cell, ItemsOf, Snapshot};
use crate::value::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What others did with items, out of a snapshot of trends and by number of the item, so that a decision looks it up at once.
///
/// All counts fade alike, so what stands here holds as of the snapshot's instant and its proportions hold at any later one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Company {
    pub(super) bought: Together,
    pub(super) seen: Together,
    /// By dimension and its value: counts of baskets with an item, the most first.
    pub(super) groups: BTreeMap<(Arc<str>, Arc<str>), Vec<(u32, f64)>>,
    /// By category, how long it took to buy again.
    pub(super) gaps: BTreeMap<Arc<str>, Spread>,
}

/// What was bought or looked at together.
#[derive(Debug, Clone, Default)]
pub(super) struct Together {
    /// How many baskets or sessions there were.
    pub(super) baskets: f64,
    /// How many of them had an item.
    pub(super) items: BTreeMap<u32, f64>,
    /// How many had both, by either.
    pub(super) pairs: BTreeMap<u32, Vec<(u32, f64)>>,
    /// The items, the most wanted first.
    pub(super) popular: Vec<(u32, f64)>,
}

/// How lengths of time are spread: the quartiles.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spread {
    pub(super) first: Duration,
    pub(super) median: Duration,
    pub(super) third: Duration,
    /// How many there are.
    pub(super) count: f64,
}

impl Company {
    /// Reads a snapshot; items that the catalog does not have are left out.
    pub(crate) fn of(snapshot: &Snapshot, catalog: &Catalog) -> Self {
        let mut company = Company::default();
        for (name, what, group) in snapshot.item_trends() {
            let Ok(cells) = snapshot.cells(&name, snapshot.at()) else { continue };
            let cells: Vec<Cell> = cells.into_iter().filter(|cell| !cell.rest).collect();
            let number = |cell: &Cell, place: usize| catalog.number(cell.values.get(place)?);
            let count = |cell: &Cell| cell.answer.count;
            match (what, group) {
                (ItemsOf::Baskets(seen), _) => {
                    company.side(seen).baskets = cells.iter().map(count).sum();
                }
                (ItemsOf::Items(seen), None) => {
                    let items: Vec<(u32, f64)> =
                        cells.iter().filter_map(|cell| Some((number(cell, 0)?, count(cell)))).collect();
                    let side = company.side(seen);
                    side.items = items.iter().copied().collect();
                    side.popular = ranked(items);
                }
                (ItemsOf::Items(seen), Some(group)) => {
                    let mut groups: BTreeMap<Arc<str>, Vec<(u32, f64)>> = BTreeMap::new();
                    for cell in &cells {
                        if let (Some(item), Some(value)) = (number(cell, 0), cell.values.get(1)) {
                            groups.entry(value.clone()).or_default().push((item, count(cell)));
                        }
                    }
                    let key = group_key(seen, &group);
                    company.groups.extend(groups.into_iter().map(|(value, items)| ((key.clone(), value), ranked(items))));
                }
                (ItemsOf::Pairs(seen), _) => {
                    let pairs = &mut company.side(seen).pairs;
                    for cell in &cells {
                        if let (Some(one), Some(other)) = (number(cell, 0), number(cell, 1)) {
                            pairs.entry(one).or_default().push((other, count(cell)));
                            pairs.entry(other).or_default().push((one, count(cell)));
                        }
                    }
                }
                (ItemsOf::Gaps, _) => {
                    let mut by_category: BTreeMap<Arc<str>, Vec<(f64, f64, f64)>> = BTreeMap::new();
                    for cell in &cells {
                        if let (Some(category), Some(range)) = (cell.values.first(), cell.range) {
                            by_category.entry(category.clone()).or_default().push((range.low, range.high, count(cell)));
                        }
                    }
                    let spreads = by_category.into_iter().filter_map(|(name, ranges)| Some((name, spread(ranges)?)));
                    company.gaps.extend(spreads);
                }
            }
        }
        company
    }

    fn side(&mut self, seen: bool) -> &mut Together {
        if seen { &mut self.seen } else { &mut self.bought }
    }

    /// What was bought or looked at together.
    pub(super) fn together(&self, seen: bool) -> &Together {
        if seen { &self.seen } else { &self.bought }
    }

    /// What is popular in a group.
    pub(super) fn group(&self, seen: bool, dimension: &str, value: &str) -> &[(u32, f64)] {
        self.groups.get(&(group_key(seen, dimension), Arc::from(value))).map_or(&[], Vec::as_slice)
    }
}

fn group_key(seen: bool, dimension: &str) -> Arc<str> {
    Arc::from(format!("{} {dimension}", if seen { "seen" } else { "bought" }))
}

/// The most first; of equals the first of the table.
fn ranked(mut items: Vec<(u32, f64)>) -> Vec<(u32, f64)> {
    items.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    items
}

/// The quartiles of a histogram of days, evenly spread within each range.
fn spread(mut ranges: Vec<(f64, f64, f64)>) -> Option<Spread> {
    ranges.sort_by(|a, b| a.0.total_cmp(&b.0));
    let total: f64 = ranges.iter().map(|(_, _, count)| count).sum();
    let quantile = |share: f64| {
        let wanted = share * total;
        let mut before = 0.0;
        for (low, high, count) in &ranges {
            if *count > 0.0 && before + count >= wanted {
                return days(low + (high - low) * ((wanted - before) / count));
            }
            before += count;
        }
        ranges.last().map_or(Duration::ZERO, |(_, high, _)| days(*high))
    };
    (total > 0.0).then(|| Spread { first: quantile(0.25), median: quantile(0.5), third: quantile(0.75), count: total })
}

/// A number of days to the second.
fn days(days: f64) -> Duration {
    // Beyond 64 bits the conversion stays at the end of the range.
    let seconds = libm::round(days * 86_400.0) as i64;
    Duration::from_nanos(seconds.saturating_mul(1_000_000_000))
}
