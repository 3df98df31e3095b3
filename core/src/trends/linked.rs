//! Tables that are linked: trends that count the same by more and by fewer dimensions. What one of them does not tell must not follow
//! from the other by subtraction, so that cells of enough customers are left out beside cells of too few (secondary suppression).

use super::cell::Key;
use super::rules::{Dimension, TrendRule, TrendRules, What};
use super::snapshot::Counted;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What one customer contributes to a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Told {
    pub(super) count: i64,
    /// A hash of what they contribute to the cell in each epoch, whatever the cell.
    pub(super) alike: u64,
}

/// By cell and hash of the customer.
pub(super) type Raw = BTreeMap<Key, BTreeMap<u64, Told>>;

/// A trend by more dimensions beside one by fewer.
struct Link {
    coarse: u16,
    fine: u16,
    /// For each dimension of the coarse one, what it is in the fine one.
    values: Vec<Meant>,
    /// Where the fine one tells the event type, if the coarse one counts one of several, and which.
    only: Option<(usize, Arc<str>)>,
    /// Where the fine one tells the segment, if the coarse one does not: segments overlap, so each is compared by itself.
    segment: Option<usize>,
    k: usize,
}

enum Meant {
    Place(usize),
    Always(Arc<str>),
}

/// Takes out of the published cells those by which others would follow, and adds them to the rest of their trend, unless they are of
/// segments, which overlap.
///
/// Where a coarse cell is told, of the customers in it either none or at least `k` did something that the fine trend does not tell. For
/// a segment beside everybody, and for two segments, either none or at least `k` customers contribute to one and not alike to the other.
pub(super) fn hide(rules: &TrendRules, raw: &Raw, published: &mut BTreeMap<Key, Counted>, rests: &mut BTreeMap<u16, Counted>) {
    let numbers = || (0_u16..).zip(&rules.trends);
    let links: Vec<Link> = numbers().flat_map(|fine| numbers().filter_map(move |coarse| Link::between(coarse, fine))).collect();
    loop {
        let mut hidden: BTreeSet<Key> = links.iter().flat_map(|link| link.hidden(raw, published)).collect();
        hidden.extend(numbers().flat_map(|trend| overlapping(trend, raw, published)));
        if hidden.is_empty() {
            return;
        }
        for key in hidden {
            let Some(cell) = published.remove(&key) else { continue };
            // A rest in which one segment is alone would tell it after all.
            if rules.rule(key.trend).and_then(overlaps).is_none() {
                rests.entry(key.trend).or_default().absorb(&cell);
            }
        }
    }
}

impl Link {
    fn between((coarse, by): (u16, &TrendRule), (fine, rule): (u16, &TrendRule)) -> Option<Self> {
        if coarse == fine || by.histogram.is_some() {
            return None;
        }
        let place = |wanted: Dimension| rule.dimensions.iter().position(|(_, own)| *own == wanted);
        let of_type = |by: &TrendRule| by.dimensions.iter().any(|(_, own)| *own == Dimension::Type);
        let only = match (&by.what, &rule.what) {
            (What::Events(few), What::Events(kinds)) if !of_type(by) && few != kinds => {
                Some((place(Dimension::Type)?, counts_one(by)?))
            }
            (What::Events(_), What::Events(_)) => None,
            (one, other) if one == other => None,
            _ => return None,
        };
        let values = by.dimensions.iter().map(|(_, dimension)| match place(*dimension) {
            Some(place) => Some(Meant::Place(place)),
            None if *dimension == Dimension::Type => counts_one(rule).map(Meant::Always),
            None => None,
        });
        let values = values.collect::<Option<Vec<Meant>>>()?;
        let apart = by.dimensions.iter().any(|(_, own)| *own == Dimension::Segment);
        let segment = overlaps(rule).filter(|_| !apart);
        let k = usize::try_from(rule.k).unwrap_or(usize::MAX);
        Some(Link { coarse, fine, values, only, segment, k })
    }

    /// The cell of the coarse trend that a cell of the fine one is a part of, and the segment if each is compared by itself.
    fn part_of(&self, key: &Key) -> Option<(Key, Option<Arc<str>>)> {
        if self.only.as_ref().is_some_and(|(place, name)| key.values.get(*place) != Some(name)) {
            return None;
        }
        let value = |meant: &Meant| match meant {
            Meant::Place(place) => key.values.get(*place).cloned(),
            Meant::Always(value) => Some(value.clone()),
        };
        let values = self.values.iter().map(value).collect::<Option<Vec<_>>>()?;
        let segment = self.segment.map(|place| key.values.get(place).cloned());
        Some((Key { trend: self.coarse, values: values.into(), bucket: None }, segment.flatten()))
    }

    /// Of each group the smallest cell that is told, where too few customers are in what is not.
    fn hidden(&self, raw: &Raw, published: &BTreeMap<Key, Counted>) -> Vec<Key> {
        let mut groups: BTreeMap<(Key, Option<Arc<str>>), Vec<&Key>> = BTreeMap::new();
        for (key, _) in of_trend(self.fine, published) {
            let Some(group) = self.part_of(key).filter(|(whole, _)| published.contains_key(whole)) else { continue };
            groups.entry(group).or_default().push(key);
        }
        if groups.is_empty() {
            return Vec::new();
        }
        let mut all: BTreeMap<(Key, Option<Arc<str>>), BTreeMap<u64, i64>> = BTreeMap::new();
        for (key, members) in of_trend(self.fine, raw) {
            let Some(group) = self.part_of(key).filter(|group| groups.contains_key(group)) else { continue };
            let sum = all.entry(group).or_default();
            members.iter().for_each(|(member, told)| *sum.entry(*member).or_default() += told.count);
        }
        let mut found = Vec::new();
        for (group, keys) in groups {
            let Some(mut rest) = all.remove(&group) else { continue };
            if self.segment.is_some() {
                // Beside everybody stands what this segment did.
                rest = raw.get(&group.0).into_iter().flatten().map(|(member, told)| (*member, told.count)).collect();
            }
            for key in &keys {
                for (member, told) in behind(key, raw, published) {
                    rest.entry(member).and_modify(|count| *count -= told.count);
                }
            }
            let untold = rest.values().filter(|count| **count != 0).count();
            if (1..self.k).contains(&untold) {
                found.extend(smallest(keys.into_iter(), published));
            }
        }
        found
    }
}

/// Of two segments that differ by too few customers the smaller one, all else being equal.
fn overlapping((trend, rule): (u16, &TrendRule), raw: &Raw, published: &BTreeMap<Key, Counted>) -> Vec<Key> {
    let Some(place) = overlaps(rule) else { return Vec::new() };
    let k = usize::try_from(rule.k).unwrap_or(usize::MAX);
    let mut groups: BTreeMap<(Vec<&Arc<str>>, Option<i32>), Vec<&Key>> = BTreeMap::new();
    for (key, _) in of_trend(trend, published) {
        let others = key.values.iter().enumerate().filter(|(other, _)| *other != place).map(|(_, value)| value);
        groups.entry((others.collect(), key.bucket)).or_default().push(key);
    }
    let nobody = BTreeMap::new();
    let members = |key: &Key| raw.get(key).unwrap_or(&nobody);
    let mut found = Vec::new();
    for keys in groups.values() {
        for (number, one) in keys.iter().enumerate() {
            for other in keys.iter().skip(number + 1) {
                let (one, other) = (*one, *other);
                let differ = |a: &Key, b: &Key| {
                    let others = members(b);
                    members(a).iter().filter(move |(member, told)| others.get(*member) != Some(*told)).count()
                };
                let apart =
                    differ(one, other) + members(other).keys().filter(|member| !members(one).contains_key(*member)).count();
                if (1..k).contains(&apart) {
                    found.extend(smallest([one, other].into_iter(), published));
                }
            }
        }
    }
    found
}

/// Where a trend tells the segment, if something is counted once for each segment that the customer was in.
fn overlaps(rule: &TrendRule) -> Option<usize> {
    let place = rule.dimensions.iter().position(|(_, own)| *own == Dimension::Segment)?;
    (rule.what != What::Segments).then_some(place)
}

/// The event type, when a trend counts one.
fn counts_one(rule: &TrendRule) -> Option<Arc<str>> {
    match &rule.what {
        What::Events(kinds) if kinds.len() == 1 => rule.counted.split('/').next().map(Arc::from),
        _ => None,
    }
}

fn of_trend<T>(trend: u16, cells: &BTreeMap<Key, T>) -> impl Iterator<Item = (&Key, &T)> {
    let first = Key { trend, values: Arc::from([]), bucket: None };
    cells.range(first..).take_while(move |(key, _)| key.trend == trend)
}

/// What customers contribute to a published cell, which may be several neighbouring ones of a histogram.
fn behind(key: &Key, raw: &Raw, published: &BTreeMap<Key, Counted>) -> BTreeMap<u64, Told> {
    let last = Key { bucket: published.get(key).and_then(|cell| cell.last_bucket).or(key.bucket), ..key.clone() };
    let mut members: BTreeMap<u64, Told> = BTreeMap::new();
    for told in raw.range(key..=&last).flat_map(|(_, members)| members) {
        members.entry(*told.0).or_default().count += told.1.count;
    }
    members
}

/// The cell of the fewest customers; of equals the last.
fn smallest<'a>(keys: impl Iterator<Item = &'a Key>, published: &BTreeMap<Key, Counted>) -> Option<Key> {
    let size = |key: &&Key| published.get(*key).map_or(0, |cell| cell.members.len());
    keys.min_by(|a, b| size(a).cmp(&size(b)).then(b.cmp(a))).cloned()
}
