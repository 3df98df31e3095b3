//! From what customers contributed to numbers about at least `k` of them.
//!
//! What is published is a partition: every step is counted in one cell at most, and every cell is about at least `k` customers. So whatever is
//! computed from cells is about `k` customers too; nothing about fewer follows by subtraction.

use super::steps::{ANY, Context, Contributions, NOT_YET, OTHER, Track, seen};
use std::collections::BTreeMap;

/// How often something followed, in a context and after a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Published {
    pub(super) journey: u16,
    pub(super) track: Track,
    /// The number of the level.
    pub(super) level: u8,
    pub(super) context: Context,
    /// What followed, [`OTHER`], or [`NOT_YET`].
    pub(super) next: u32,
    /// The shortest times.
    pub(super) first: u8,
    /// The longest.
    pub(super) last: u8,
    pub(super) count: u64,
    pub(super) customers: u64,
}

/// A part of a customer's contribution.
#[derive(Debug, Clone, Copy)]
struct Entry {
    context: Context,
    next: u32,
    bucket: u8,
    customer: u32,
    count: u64,
}

/// A context is told when less than this part of what followed is too rare to be told apart there.
const MOST_UNTOLD: u64 = 3;

/// Less than this part of all steps may be left out in the widest context, and is no reason not to tell a narrower one.
const LEFT_OUT: u64 = 20;

/// All cells, in order; `k_of` says for a journey about how many customers they have to be.
pub(super) fn publish(contributions: &Contributions, k_of: impl Fn(u16) -> usize) -> Vec<Published> {
    let mut sequences: BTreeMap<(u16, Track), Vec<Entry>> = BTreeMap::new();
    for (customer, contribution) in (0_u32..).zip(contributions.values()) {
        for (cell, count) in &contribution.0 {
            let entry = Entry { context: cell.context, next: cell.next, bucket: cell.bucket, customer, count: *count };
            sequences.entry((cell.journey, cell.track)).or_default().push(entry);
        }
    }
    let mut published = Vec::new();
    for ((journey, track), mut open) in sequences {
        let k = k_of(journey).max(1);
        for (level, looks) in track.levels().iter().enumerate().rev() {
            let mut groups: BTreeMap<Context, Vec<Entry>> = BTreeMap::new();
            for entry in open {
                groups.entry(seen(&entry.context, *looks)).or_default().push(entry);
            }
            open = Vec::new();
            for (context, group) in groups {
                // What followed at the same instant is told apart from what came later: together they would say of neither how often.
                let (at_once, later): (Vec<Entry>, Vec<Entry>) = group.into_iter().partition(|entry| entry.bucket == 0);
                for group in [at_once, later] {
                    let (kept, rest) = if level == 0 { whole(group, k) } else { split(group, k, level) };
                    open.extend(rest);
                    for (next, entries) in kept {
                        for (first, last, count, customers) in ranges(entries, k) {
                            let level = u8::try_from(level).unwrap_or(u8::MAX);
                            published.push(Published { journey, track, level, context, next, first, last, count, customers });
                        }
                    }
                }
            }
        }
    }
    published.sort_unstable();
    published
}

fn customers<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> usize {
    let mut all: Vec<u32> = entries.into_iter().map(|entry| entry.customer).collect();
    all.sort_unstable();
    all.dedup();
    all.len()
}

fn steps(entries: &[Entry]) -> u64 {
    entries.iter().fold(0, |sum, entry| sum.saturating_add(entry.count))
}

/// After how many steps something followed.
fn followed(entries: &[Entry]) -> u64 {
    entries.iter().filter(|entry| entry.next != NOT_YET).fold(0, |sum, entry| sum.saturating_add(entry.count))
}

/// What followed in a context, by what.
fn by_next(group: &[Entry]) -> BTreeMap<u32, Vec<Entry>> {
    let mut by_next: BTreeMap<u32, Vec<Entry>> = BTreeMap::new();
    for entry in group {
        by_next.entry(entry.next).or_default().push(*entry);
    }
    by_next
}

/// What followed in a context, as far as that can be told, and what goes on to a wider one: what is rare, and all of it when too much is.
fn split(group: Vec<Entry>, k: usize, level: usize) -> (Vec<(u32, Vec<Entry>)>, Vec<Entry>) {
    let (kept, rest): (Vec<_>, Vec<_>) = by_next(&group).into_iter().partition(|(_, entries)| customers(entries) >= k);
    let rest: Vec<Entry> = rest.into_iter().flat_map(|(_, entries)| entries).collect();
    // Wider than the last step is only what follows on anything, which says too little to fall back on.
    let most_untold = if level == 1 { 1 } else { MOST_UNTOLD };
    let is_much = followed(&rest).saturating_mul(most_untold) > followed(&group);
    if kept.is_empty() || is_much && followed(&rest).saturating_mul(LEFT_OUT) > steps(&group) {
        return (Vec::new(), group);
    }
    (kept, rest)
}

/// The same in the widest context, where all that is rare stands together, or is left out when that is about too few and is not much.
fn whole(group: Vec<Entry>, k: usize) -> (Vec<(u32, Vec<Entry>)>, Vec<Entry>) {
    let total = steps(&group);
    let (mut kept, mut rare): (Vec<(u32, Vec<Entry>, usize)>, Vec<Entry>) = (Vec::new(), Vec::new());
    for (next, entries) in by_next(&group) {
        let customers = customers(&entries);
        match next {
            _ if customers >= k => kept.push((next, entries, customers)),
            // Of those with whom nothing followed yet that cannot be told, and it is no step.
            NOT_YET => {}
            _ => rare.extend(entries),
        }
    }
    while !rare.is_empty() && customers(&rare) < k {
        // The next smallest stands with the rare ones, so that they are enough; the last that can be told does not.
        let named = || kept.iter().enumerate().filter(|(_, (next, ..))| *next != NOT_YET);
        let smallest = named().min_by_key(|(_, (next, _, customers))| (*customers, *next)).map(|(place, _)| place);
        match smallest.filter(|_| named().count() > 1 && steps(&rare).saturating_mul(LEFT_OUT) > total) {
            Some(place) => rare.extend(kept.remove(place).1),
            None => rare.clear(),
        }
    }
    let mut kept: Vec<(u32, Vec<Entry>)> = kept.into_iter().map(|(next, entries, _)| (next, entries)).collect();
    if !rare.is_empty() {
        kept.push((OTHER, rare));
    }
    (kept, Vec::new())
}

/// Neighbouring times together until each is about `k` customers: shortest, longest, how often, about how many.
fn ranges(mut entries: Vec<Entry>, k: usize) -> Vec<(u8, u8, u64, u64)> {
    entries.sort_unstable_by_key(|entry| (entry.bucket, entry.customer));
    let mut ranges: Vec<(u8, u8, Vec<Entry>)> = Vec::new();
    let mut enough = true;
    for run in entries.chunk_by(|a, b| a.bucket == b.bucket) {
        let Some(bucket) = run.first().map(|entry| entry.bucket) else { continue };
        match ranges.last_mut().filter(|_| !enough) {
            Some((_, last, together)) => {
                *last = bucket;
                together.extend(run);
            }
            None => ranges.push((bucket, bucket, run.to_vec())),
        }
        enough = ranges.last().is_some_and(|(.., together)| customers(together) >= k);
    }
    if !enough && ranges.len() > 1 {
        // What is left goes to the times before.
        if let (Some((_, last, rest)), Some((_, end, together))) = (ranges.pop(), ranges.last_mut()) {
            *end = last;
            together.extend(rest);
        }
    }
    let range = |(first, last, together): (u8, u8, Vec<Entry>)| (first, last, steps(&together), customers(&together) as u64);
    ranges.into_iter().map(range).collect()
}

impl Published {
    /// Whether a level of its sequence leads to a wider one in which it is counted too.
    pub(super) fn contexts(&self) -> impl Iterator<Item = (u8, Context)> {
        let levels = self.track.levels().iter().take(usize::from(self.level) + 1);
        (0..).zip(levels).map(|(level, looks)| (level, seen(&self.context, *looks)))
    }

    /// Whether what its level looks at is there, and nothing else.
    pub(super) fn is_sound(&self, spec: &super::spec::NextSpec) -> bool {
        let Some(looks) = self.track.levels().get(usize::from(self.level)) else { return false };
        let hidden = self.context.iter().zip(looks).all(|(part, looks)| *looks || *part == ANY);
        hidden
            && usize::from(self.journey) < spec.journeys.len()
            && self.first <= self.last
            && usize::from(self.last) < super::span::BUCKETS
            && self.count > 0
    }
}
