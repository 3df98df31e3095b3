use super::log::EventLog;
use super::spread::spreads;
use hashbrown::HashTable;
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

/// Which activities follow directly on which.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "directly_follows")]
pub struct FollowsTable {
    /// Cases of the log.
    pub cases: u64,
    /// Events of the log.
    pub events: u64,
    /// How often anything followed directly on anything, those left out for too few cases included.
    pub transitions: u64,
    /// The most frequent first; of equals in the order of the names.
    pub pairs: Vec<Follows>,
}

/// How often an activity followed directly on another, and how long that took.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "directly_follows_pair")]
pub struct Follows {
    /// The first.
    pub from: Arc<str>,
    /// The next.
    pub to: Arc<str>,
    /// How often.
    pub count: u64,
    /// In how many cases.
    pub cases: u64,
    /// The mean time between the two, in seconds.
    pub mean_seconds: f64,
    /// The median; of an even number the lower of the two in the middle.
    pub median_seconds: f64,
}

/// Up to how many activities all pairs have a place of their own in a table.
const SQUARE: usize = 1_024;

/// Numbers of pairs in the order in which they came.
struct Pairs {
    /// By place, when there are few activities; `u32::MAX` for none yet.
    square: Vec<u32>,
    table: HashTable<u32>,
    activities: usize,
    pairs: Vec<(u32, u32)>,
}

impl Pairs {
    fn new(activities: usize) -> Self {
        let square = if activities <= SQUARE { vec![u32::MAX; activities * activities] } else { Vec::new() };
        Pairs { square, table: HashTable::new(), activities, pairs: Vec::new() }
    }

    #[inline]
    fn number(&mut self, from: u32, to: u32) -> u32 {
        let Pairs { square, table, activities, pairs } = self;
        if let Some(place) = square.get_mut(from as usize * *activities + to as usize) {
            if *place == u32::MAX {
                *place = u32::try_from(pairs.len()).unwrap_or(u32::MAX);
                pairs.push((from, to));
            }
            return *place;
        }
        let hash = |(from, to): (u32, u32)| (u64::from(from) << 32 | u64::from(to)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let same = |number: &u32| pairs.get(*number as usize) == Some(&(from, to));
        if let Some(number) = table.find(hash((from, to)), same) {
            return *number;
        }
        let number = u32::try_from(pairs.len()).unwrap_or(u32::MAX);
        pairs.push((from, to));
        table.insert_unique(hash((from, to)), number, |number| pairs.get(*number as usize).map_or(0, |pair| hash(*pair)));
        number
    }
}

impl EventLog {
    /// Which activities follow directly on which within a case, how often, and how long that takes. Exact; takes time and
    /// memory in proportion to the number of events.
    #[must_use]
    pub fn directly_follows(&self) -> FollowsTable {
        let mut pairs = Pairs::new(self.names.len());
        let mut numbers: Vec<u32> = Vec::with_capacity(self.events());
        let mut lengths: Vec<i64> = Vec::with_capacity(self.events());
        // By pair: how often, in how many cases, and in which last.
        let mut counts: Vec<(u64, u64, u32)> = Vec::new();
        for (case, one) in (1_u32..).zip(self.cases()) {
            for (activities, times) in one.activities.windows(2).zip(one.times.windows(2)) {
                let number = pairs.number(activities[0], activities[1]);
                numbers.push(number);
                lengths.push(times[1] - times[0]);
                if counts.len() <= number as usize {
                    counts.resize(number as usize + 1, (0, 0, 0));
                }
                if let Some((count, cases, last)) = counts.get_mut(number as usize) {
                    *count += 1;
                    *cases += u64::from(*last != case);
                    *last = case;
                }
            }
        }
        let spreads = spreads(&numbers, &lengths, pairs.pairs.len());
        let mut found: Vec<Follows> = pairs
            .pairs
            .iter()
            .zip(&counts)
            .zip(spreads)
            .map(|(((from, to), (count, cases, _)), spread)| {
                let spread = spread.unwrap_or_default();
                Follows {
                    from: self.names.name(*from),
                    to: self.names.name(*to),
                    count: *count,
                    cases: *cases,
                    mean_seconds: spread.mean,
                    median_seconds: spread.median,
                }
            })
            .collect();
        found.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| (&a.from, &a.to).cmp(&(&b.from, &b.to))));
        FollowsTable { cases: self.len() as u64, events: self.events() as u64, transitions: numbers.len() as u64, pairs: found }
    }
}

impl FollowsTable {
    /// The same without pairs of fewer than `k` cases. As the rest follows from `transitions`, the rarest others are left out beside
    /// them, at least one and as many as it takes that the rest does not say how few the few are.
    #[must_use]
    pub fn at_least(mut self, k: u64) -> Self {
        let (told, few): (Vec<Follows>, Vec<Follows>) = self.pairs.drain(..).partition(|pair| pair.cases >= k);
        let count = |pair: &Follows| pair.count;
        self.pairs = without_rarest(told, &few, k, count);
        self
    }
}

/// What may be told beside the few, most frequent first. Of those left out at least one is of `k` or more, and each of the few of at least
/// one: what is left of the rest then leaves them between one and `k` at least.
pub(super) fn without_rarest<T>(mut told: Vec<T>, few: &[T], k: u64, count: impl Fn(&T) -> u64) -> Vec<T> {
    let mut rest = few.iter().map(&count).fold(0, u64::saturating_add);
    let enough = k.saturating_mul(2).saturating_add(few.len().saturating_sub(1) as u64);
    let mut beside = 0;
    while !few.is_empty()
        && (beside == 0 || rest < enough)
        && let Some(rarest) = told.pop()
    {
        rest = rest.saturating_add(count(&rarest));
        beside += 1;
    }
    told
}
