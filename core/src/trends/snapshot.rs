use super::cell::{Amount, Key, bucket_bounds};
use super::linked::{self, Raw, Told};
use super::rules::{TrendRule, TrendRules};
use super::store::{TrendError, Trends};
use super::totals::Kept;
use crate::encoding::hash64;
use crate::value::Timestamp;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;

/// What was counted, as decisions read it: immutable, about at least `k` customers in every cell, without anybody in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    pub(super) rules: Arc<TrendRules>,
    pub(super) at: Timestamp,
    pub(super) cells: BTreeMap<Key, Counted>,
    /// By trend, hashes of who contributed what when its cells were last counted anew, those in no cell included.
    pub(super) everyone: BTreeMap<u16, Members>,
    /// What was computed out of it already.
    pub(super) kept: Kept,
}

/// Hashes of customers and of what they contribute.
pub(super) type Members = BTreeMap<u64, u64>;

/// A cell as it is published.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Counted {
    /// How many customers it is about.
    pub(super) customers: u64,
    /// By epoch.
    pub(super) epochs: BTreeMap<i64, Amount>,
    /// The highest bucket, when several of a histogram are one cell.
    pub(super) last_bucket: Option<i32>,
    /// Hashes of who contributed what, to count how many changed. Not part of the digest.
    pub(super) members: Members,
}

/// An answer about at least `k` customers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer {
    /// What was counted, decayed.
    pub count: f64,
    /// The sum, decayed; `None` when the trend sums nothing.
    pub sum: Option<f64>,
    /// About how many customers it is at least.
    pub customers: u64,
}

/// A cell with its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// The values of the dimensions in order; empty for the rest, in which cells of too few customers are counted together.
    pub values: Arc<[Arc<str>]>,
    /// Whether it is the rest.
    pub rest: bool,
    /// Its numbers, when the trend has a histogram.
    pub range: Option<Range>,
    /// What was counted.
    pub answer: Answer,
}

/// Numbers between two bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// The least.
    pub low: f64,
    /// The greatest.
    pub high: f64,
}

/// The name of the rest in place of values; no value of a story is empty before it.
const REST: &str = "\u{0}rest";

impl Snapshot {
    pub(super) fn of(trends: &Trends, at: Timestamp, before: Option<&Snapshot>) -> Self {
        let rules = trends.rules.clone();
        let mut cells: BTreeMap<Key, Counted> = BTreeMap::new();
        let mut everyone: BTreeMap<u16, Members> = BTreeMap::new();
        let mut raw = Raw::new();
        for (id, contribution) in &trends.contributions {
            let member = hash64(id.as_bytes());
            let mut own: BTreeMap<&Key, (i64, String)> = BTreeMap::new();
            for ((key, epoch), amount) in &contribution.0 {
                let over = rules.rule(key.trend).is_some_and(|rule| is_over(rule, *epoch, at));
                if over {
                    cells.entry(key.clone()).or_default().epochs.entry(*epoch).or_default().add(*amount);
                    let (count, told) = own.entry(key).or_default();
                    *count = count.saturating_add(amount.count);
                    // Writing to a string cannot fail.
                    let _ = write!(told, "{epoch} {} {};", amount.count, amount.sum);
                }
            }
            for (key, (count, told)) in own {
                if let Some(cell) = cells.get_mut(key) {
                    let alike = hash64(told.as_bytes());
                    raw.entry(key.clone()).or_default().insert(member, Told { count, alike });
                    let told = format!("{:?} {:?} {told}", key.values, key.bucket);
                    let told = hash64(told.as_bytes());
                    cell.members.insert(member, told);
                    let whole = everyone.entry(key.trend).or_default().entry(member).or_default();
                    *whole = whole.wrapping_add(told);
                }
            }
        }
        let mut snapshot = Snapshot { cells: lump(&rules, cells, &raw), rules, at, everyone, kept: Kept::default() };
        if let Some(before) = before {
            snapshot.hold(before);
        }
        for cell in snapshot.cells.values_mut() {
            cell.customers = cell.members.len() as u64;
        }
        snapshot
    }

    /// Leaves trends and cells as they were in which fewer than `k` customers changed. Trends as a whole first, because a customer
    /// may lift others out of the rest, which then shows in two cells.
    fn hold(&mut self, before: &Snapshot) {
        let none = Members::new();
        for (trend, rule) in (0..).zip(&self.rules.clone().trends) {
            let few = |now: &Members, then: &Members| {
                let changed = changed(now, then) as u64;
                changed > 0 && changed < u64::from(rule.k)
            };
            let then = before.everyone.get(&trend).unwrap_or(&none);
            if few(self.everyone.get(&trend).unwrap_or(&none), then) {
                self.everyone.insert(trend, then.clone());
                self.cells.retain(|key, _| key.trend != trend);
                self.cells.extend(before.cells_of(trend).map(|(key, cell)| (key.clone(), cell.clone())));
                continue;
            }
            let keys: BTreeSet<Key> = self.cells_of(trend).chain(before.cells_of(trend)).map(|(key, _)| key.clone()).collect();
            for key in keys {
                let (now, then) = (self.cells.get(&key), before.cells.get(&key));
                let members = |cell: Option<&Counted>| cell.map_or_else(|| none.clone(), |cell| cell.members.clone());
                if few(&members(now), &members(then)) {
                    match then {
                        Some(cell) => self.cells.insert(key, cell.clone()),
                        None => self.cells.remove(&key),
                    };
                }
            }
        }
    }

    /// The instant up to which it counts.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// SHA-256 over what can be read of it, in hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut text = String::with_capacity(64);
        for byte in Sha256::digest(self.canonical()) {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }

    /// The same without the hashes of who contributed, to be given to others. A later snapshot cannot be made after it.
    #[must_use]
    pub fn without_members(mut self) -> Self {
        self.everyone.clear();
        self.kept = Kept::default();
        self.cells.values_mut().for_each(|cell| cell.members.clear());
        self
    }

    /// The names of the trends.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.rules.trends.iter().map(|trend| &*trend.name)
    }

    /// What a trend counted where the dimensions have these values, decayed to `now`; dimensions that are not named may have any.
    /// `None` when that is about too few customers, or nobody.
    ///
    /// Decay is exact to the epoch: what was counted in one is worth 2^(-age / half-life), its age counted from its end.
    ///
    /// # Errors
    /// [`TrendError`] for a trend or dimension that is not declared, or a `now` before the snapshot.
    pub fn read(&self, trend: &str, values: &[(&str, &str)], now: Timestamp) -> Result<Option<Answer>, TrendError> {
        let (number, rule) = self.rule(trend)?;
        let mut wanted: Vec<Option<&str>> = vec![None; rule.dimensions.len()];
        for (name, value) in values {
            let place = rule.dimensions.iter().position(|(own, _)| **own == **name);
            match place.and_then(|place| wanted.get_mut(place)) {
                Some(wanted) => *wanted = Some(value),
                None => {
                    let shown: String = name.chars().take(80).collect();
                    let message = format!("trend `{trend}` has no dimension `{shown}`");
                    return Err(TrendError::new("unknown_dimension", message));
                }
            }
        }
        self.not_before(now)?;
        let fits = |key: &Key| {
            if is_rest(key) {
                return wanted.iter().all(Option::is_none);
            }
            wanted.iter().zip(key.values.iter()).all(|(wanted, value)| wanted.is_none_or(|wanted| *wanted == **value))
        };
        let cells = self.cells_of(number).filter(|(key, _)| fits(key));
        Ok(cells.fold(None, |sum: Option<Answer>, (_, cell)| {
            let answer = answer(rule, cell, now);
            Some(match sum {
                None => answer,
                Some(sum) => Answer {
                    count: sum.count + answer.count,
                    sum: sum.sum.zip(answer.sum).map(|(a, b)| a + b),
                    customers: sum.customers.max(answer.customers),
                },
            })
        }))
    }

    /// All cells of a trend, in the order of their values.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    pub fn cells(&self, trend: &str, now: Timestamp) -> Result<Vec<Cell>, TrendError> {
        let (number, rule) = self.rule(trend)?;
        self.not_before(now)?;
        let cell = |(key, cell): (&Key, &Counted)| Cell {
            values: if is_rest(key) { Arc::from([]) } else { key.values.clone() },
            rest: is_rest(key),
            range: key.bucket.map(|bucket| range(bucket, cell.last_bucket.unwrap_or(bucket))),
            answer: answer(rule, cell, now),
        };
        Ok(self.cells_of(number).map(cell).collect())
    }

    fn rule(&self, trend: &str) -> Result<(u16, &TrendRule), TrendError> {
        self.rules.find(trend).ok_or_else(|| {
            let shown: String = trend.chars().take(80).collect();
            let near = crate::error::nearest(trend, self.names());
            let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            TrendError::new("unknown_trend", format!("there is no trend `{shown}`{hint}"))
        })
    }

    fn not_before(&self, now: Timestamp) -> Result<(), TrendError> {
        if now < self.at {
            let message = format!("the snapshot counts up to {}, which is after {now}; take an earlier one", self.at);
            return Err(TrendError::new("too_early", message));
        }
        Ok(())
    }

    pub(super) fn cells_of(&self, trend: u16) -> impl Iterator<Item = (&Key, &Counted)> {
        self.cells.iter().filter(move |(key, _)| key.trend == trend)
    }
}

/// How many customers came, went or contribute something else.
fn changed(now: &Members, then: &Members) -> usize {
    let came = now.iter().filter(|(member, told)| then.get(member) != Some(told)).count();
    came + then.keys().filter(|member| !now.contains_key(member)).count()
}

pub(super) fn is_rest(key: &Key) -> bool {
    matches!(&key.values[..], [rest] if **rest == *REST)
}

/// Whether an epoch has ended by an instant.
fn is_over(rule: &TrendRule, epoch: i64, at: Timestamp) -> bool {
    end(rule, epoch).is_some_and(|end| end <= at.micros())
}

pub(super) fn end(rule: &TrendRule, epoch: i64) -> Option<i64> {
    epoch.checked_add(1)?.checked_mul(rule.epoch)
}

/// Brings cells of too few customers together: neighbouring buckets of a histogram, then all that is left into the rest, which is
/// left out when it is about too few as well. Cells by which others would follow go the same way.
fn lump(rules: &TrendRules, cells: BTreeMap<Key, Counted>, raw: &Raw) -> BTreeMap<Key, Counted> {
    let mut published: BTreeMap<Key, Counted> = BTreeMap::new();
    let mut rests: BTreeMap<u16, Counted> = BTreeMap::new();
    let mut open: Option<(Key, Counted)> = None;
    let large = |key: &Key, cell: &Counted| {
        rules.rule(key.trend).is_some_and(|rule| cell.members.len() >= usize::try_from(rule.k).unwrap_or(usize::MAX))
    };
    let mut close = |open: Option<(Key, Counted)>, published: &mut BTreeMap<Key, Counted>| {
        let Some((key, cell)) = open else { return };
        if large(&key, &cell) {
            published.insert(key, cell);
            return;
        }
        // What is left of a histogram goes to the range below it, if there is one.
        let below = published.range_mut(..&key).next_back();
        match below.filter(|(below, _)| key.bucket.is_some() && below.trend == key.trend && below.values == key.values) {
            Some((_, below)) => below.absorb(&cell),
            None => rests.entry(key.trend).or_default().absorb(&cell),
        }
    };
    for (key, cell) in cells {
        open = match open.take() {
            Some((first, mut range))
                if key.bucket.is_some() && first.trend == key.trend && first.values == key.values && !large(&first, &range) =>
            {
                range.absorb(&cell);
                range.last_bucket = key.bucket;
                Some((first, range))
            }
            other => {
                close(other, &mut published);
                let last_bucket = key.bucket;
                Some((key, Counted { last_bucket, ..cell }))
            }
        };
    }
    close(open, &mut published);
    linked::hide(rules, raw, &mut published, &mut rests);
    for (trend, mut rest) in rests {
        let key = Key { trend, values: Arc::from([Arc::from(REST)]), bucket: None };
        rest.last_bucket = None;
        if large(&key, &rest) {
            published.insert(key, rest);
        }
    }
    published
}

impl Counted {
    pub(super) fn absorb(&mut self, other: &Counted) {
        for (epoch, amount) in &other.epochs {
            self.epochs.entry(*epoch).or_default().add(*amount);
        }
        for (member, told) in &other.members {
            let own = self.members.entry(*member).or_default();
            *own = own.wrapping_add(*told);
        }
        self.last_bucket = self.last_bucket.max(other.last_bucket);
    }
}

fn range(first: i32, last: i32) -> Range {
    let ((a, b), (c, d)) = (bucket_bounds(first), bucket_bounds(last));
    Range { low: a.min(b), high: c.max(d) }
}

/// The decayed count and sum, epoch after epoch in their order, so that every platform gives the same bits.
fn answer(rule: &TrendRule, cell: &Counted, now: Timestamp) -> Answer {
    let parts = libm::pow(10.0, f64::from(rule.scale));
    let (mut count, mut sum) = (0.0, 0.0);
    for (epoch, amount) in &cell.epochs {
        let worth = match (rule.half_life, end(rule, *epoch)) {
            (Some(half_life), Some(end)) => libm::exp2(-((now.micros() - end) as f64) / half_life as f64),
            _ => 1.0,
        };
        count += amount.count as f64 * worth;
        sum += amount.sum as f64 * worth;
    }
    Answer { count, sum: rule.sum.map(|_| sum / parts), customers: cell.customers }
}
