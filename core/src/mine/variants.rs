use super::error::MineError;
use super::follows::without_rarest;
use super::log::EventLog;
use super::pattern::Pattern;
use super::spread::spreads;
use hashbrown::HashTable;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What an activity counts that stands several times in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Repeats {
    /// Each counts.
    #[default]
    Keep,
    /// They count once.
    Collapse,
}

/// Which variants are wanted.
#[derive(Debug, Clone, Default)]
pub struct VariantOptions {
    /// Only cases that fit this.
    pub pattern: Option<Pattern>,
    /// What repeated activities count.
    pub repeats: Repeats,
}

/// The different ways that cases take.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "variants")]
pub struct Variants {
    /// Cases that were counted: those that fit the pattern, if there is one. Null when too few do, or do not.
    pub cases: Option<u64>,
    /// Cases of the log.
    pub of: u64,
    /// How many different ways there are, those left out included. Null when the cases are.
    pub distinct: Option<u64>,
    /// The most frequent first; of equals in the order of the names.
    pub variants: Vec<Variant>,
}

/// A way from the first activity to the last.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "variant")]
pub struct Variant {
    /// One after the other.
    pub activities: Vec<Arc<str>>,
    /// How many cases took it.
    pub cases: u64,
    /// Their share of the cases that were counted.
    pub share: f64,
    /// The mean time from the first event to the last, in seconds.
    pub mean_seconds: f64,
    /// The median; of an even number the lower of the two in the middle.
    pub median_seconds: f64,
}

/// Parts of ways.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "paths")]
pub struct Paths {
    /// Cases of the log.
    pub cases: u64,
    /// How many different parts there are, those left out included.
    pub distinct: u64,
    /// Those of most cases first; of equals in the order of the names.
    pub paths: Vec<Path>,
}

/// Activities that stand next to each other in a case.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "path")]
pub struct Path {
    /// One after the other.
    pub activities: Vec<Arc<str>>,
    /// How often.
    pub count: u64,
    /// In how many cases.
    pub cases: u64,
    /// The mean time from the first to the last, in seconds.
    pub mean_seconds: f64,
    /// The median; of an even number the lower of the two in the middle.
    pub median_seconds: f64,
}

/// Sequences by number, each once, in the order in which they came.
#[derive(Default)]
struct Sequences<'a> {
    table: HashTable<u32>,
    sequences: Vec<&'a [u32]>,
    /// By sequence: how often, in how many cases, and in which last.
    counts: Vec<(u64, u64, u32)>,
    /// By occurrence.
    numbers: Vec<u32>,
    lengths: Vec<i64>,
}

/// A declared hash over numbers: multiply and rotate, one word at a time.
fn hash(sequence: &[u32]) -> u64 {
    let start = (sequence.len() as u64).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let mixed = sequence
        .iter()
        .fold(start, |hash, number| (hash.rotate_left(23) ^ u64::from(*number)).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed ^ (mixed >> 29)
}

impl<'a> Sequences<'a> {
    fn add(&mut self, sequence: &'a [u32], case: u32, length: i64) {
        let Sequences { table, sequences, counts, .. } = self;
        let own = hash(sequence);
        let same = |number: &u32| sequences.get(*number as usize).is_some_and(|known| *known == sequence);
        let number = match table.find(own, same) {
            Some(number) => *number,
            None => {
                let number = u32::try_from(sequences.len()).unwrap_or(u32::MAX);
                sequences.push(sequence);
                counts.push((0, 0, 0));
                table.insert_unique(own, number, |number| sequences.get(*number as usize).map_or(0, |known| hash(known)));
                number
            }
        };
        if let Some((count, cases, last)) = counts.get_mut(number as usize) {
            *count += 1;
            *cases += u64::from(*last != case);
            *last = case;
        }
        self.numbers.push(number);
        self.lengths.push(length);
    }

    fn finish(self, log: &EventLog) -> Vec<Path> {
        let spreads = spreads(&self.numbers, &self.lengths, self.sequences.len());
        let found = self.sequences.iter().zip(&self.counts).zip(spreads);
        let mut paths: Vec<Path> = found
            .map(|((sequence, (count, cases, _)), spread)| {
                let spread = spread.unwrap_or_default();
                Path {
                    activities: sequence.iter().map(|activity| log.names.name(*activity)).collect(),
                    count: *count,
                    cases: *cases,
                    mean_seconds: spread.mean,
                    median_seconds: spread.median,
                }
            })
            .collect();
        paths.sort_by(|a, b| b.cases.cmp(&a.cases).then(b.count.cmp(&a.count)).then_with(|| a.activities.cmp(&b.activities)));
        paths
    }
}

impl EventLog {
    /// The different ways that cases take from their first event to their last.
    ///
    /// # Errors
    /// [`MineError`] when the pattern names an activity that the log does not have.
    pub fn variants(&self, options: &VariantOptions) -> Result<Variants, MineError> {
        let wanted = options.pattern.as_ref().map(|pattern| pattern.compile(self)).transpose()?;
        let collapsed: Vec<Vec<u32>> = match options.repeats {
            Repeats::Keep => Vec::new(),
            Repeats::Collapse => self
                .cases()
                .map(|case| {
                    let mut activities = case.activities.to_vec();
                    activities.dedup();
                    activities
                })
                .collect(),
        };
        let mut sequences = Sequences::default();
        for (place, (number, case)) in (1_u32..).zip(self.cases()).enumerate() {
            if wanted.as_ref().is_some_and(|wanted| !wanted.fits(case.activities)) {
                continue;
            }
            let length = case.times.last().zip(case.times.first()).map_or(0, |(last, first)| last - first);
            sequences.add(collapsed.get(place).map_or(case.activities, |activities| activities), number, length);
        }
        let cases = sequences.numbers.len() as u64;
        let paths = sequences.finish(self);
        let variants: Vec<Variant> = paths
            .into_iter()
            .map(|path| Variant {
                activities: path.activities,
                cases: path.cases,
                share: path.cases as f64 / cases.max(1) as f64,
                mean_seconds: path.mean_seconds,
                median_seconds: path.median_seconds,
            })
            .collect();
        Ok(Variants { cases: Some(cases), of: self.len() as u64, distinct: Some(variants.len() as u64), variants })
    }

    /// The parts of ways that are `length` activities long, each wherever it begins.
    ///
    /// # Errors
    /// [`MineError`] with code `bad_length` for a length that is not from 1 to 32.
    pub fn paths(&self, length: usize) -> Result<Paths, MineError> {
        if !(1..=32).contains(&length) {
            let message = format!("expected a length from 1 to 32 activities, found `{length}`");
            return Err(MineError::new("bad_length", "length", message));
        }
        let mut sequences = Sequences::default();
        for (number, case) in (1_u32..).zip(self.cases()) {
            for (activities, times) in case.activities.windows(length).zip(case.times.windows(length)) {
                sequences.add(activities, number, times[length - 1] - times[0]);
            }
        }
        let paths = sequences.finish(self);
        Ok(Paths { cases: self.len() as u64, distinct: paths.len() as u64, paths })
    }
}

impl Variants {
    /// The same without variants of fewer than `k` cases, and at most `top`. As the rest follows from `cases`, the rarest others are
    /// left out beside them, as [`FollowsTable::at_least`](super::FollowsTable::at_least) does. When fewer than `k` cases fit, or do not
    /// fit, nothing is told.
    #[must_use]
    pub fn at_least(mut self, k: u64, top: usize) -> Self {
        let (told, few): (Vec<Variant>, Vec<Variant>) = self.variants.drain(..).partition(|variant| variant.cases >= k);
        self.variants = without_rarest(told, &few, k, |variant| variant.cases);
        self.variants.truncate(top);
        let few = |cases: u64| (1..k).contains(&cases);
        if self.cases.is_some_and(|cases| few(cases) || few(self.of.saturating_sub(cases))) {
            (self.cases, self.distinct, self.variants) = (None, None, Vec::new());
        }
        self
    }
}

impl Paths {
    /// The same without paths of fewer than `k` cases, and at most `top`.
    #[must_use]
    pub fn at_least(mut self, k: u64, top: usize) -> Self {
        self.paths.retain(|path| path.cases >= k);
        self.paths.truncate(top);
        self
    }
}
