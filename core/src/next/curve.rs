use super::publish::Published;
use super::span::{BUCKETS, bucket, end, start};
use super::steps::{NOT_YET, OTHER};
use std::collections::BTreeMap;

/// How often what followed in one context, by time.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    /// By what followed, [`NOT_YET`] too.
    series: BTreeMap<u32, Vec<f64>>,
    /// How many were still waiting, by time.
    waiting: Vec<f64>,
    steps: u64,
}

impl Node {
    pub(super) fn add(&mut self, cell: &Published) {
        self.steps = self.steps.saturating_add(cell.count);
        let series = self.series.entry(cell.next).or_insert_with(|| vec![0.0; BUCKETS]);
        // Times that were counted together are taken as spread evenly over their buckets.
        let (first, last) = (usize::from(cell.first), usize::from(cell.last));
        let holds = |bucket: &usize| *bucket == 0 || start(*bucket) < end(*bucket);
        let count = (first..=last).filter(holds).count();
        let each = cell.count as f64 / count.max(1) as f64;
        for bucket in (first..=last).filter(holds) {
            if let Some(own) = series.get_mut(bucket) {
                *own += each;
            }
        }
    }

    pub(super) fn finish(&mut self) {
        let mut waiting = vec![0.0; BUCKETS];
        let mut left = 0.0;
        for (bucket, own) in waiting.iter_mut().enumerate().rev() {
            let at = |series: &Vec<f64>| series.get(bucket).copied().unwrap_or(0.0);
            let unfinished = self.series.get(&NOT_YET).map_or(0.0, at);
            left += self.series.values().map(at).sum::<f64>();
            // Who was not followed through a bucket counts half in it (the actuarial estimate of a life table).
            *own = (left - unfinished / 2.0).max(0.0);
        }
        self.waiting = waiting;
    }

    pub(super) fn steps(&self) -> u64 {
        self.steps
    }

    fn named(&self) -> impl Iterator<Item = (u32, &Vec<f64>)> {
        self.series.iter().filter(|(next, _)| **next != NOT_YET).map(|(next, series)| (*next, series))
    }
}

/// For each next step and bucket of time the share of those still waiting whom it reaches then.
#[derive(Debug, Clone)]
pub(crate) struct Curve {
    pub(super) next: Vec<u32>,
    shares: Vec<Vec<f64>>,
}

/// What may be next within some times.
#[derive(Debug, Clone)]
pub(crate) struct Chances {
    /// By next step, then by time.
    pub(crate) of: Vec<(u32, Vec<f64>)>,
    /// That nothing is, by time.
    pub(crate) none: Vec<f64>,
}

impl Curve {
    /// Of the widest context.
    pub(super) fn of(node: &Node) -> Self {
        let (mut next, mut shares) = (Vec::new(), Vec::new());
        for (what, series) in node.named() {
            let share = |(count, waiting): (&f64, &f64)| if *waiting > 0.0 { (count / waiting).min(1.0) } else { 0.0 };
            next.push(what);
            shares.push(series.iter().zip(&node.waiting).map(share).collect());
        }
        Curve { next, shares }
    }

    /// Of a narrower context: its own shares, drawn to those of the wider one.
    pub(super) fn narrow(&mut self, node: &Node) {
        let prior = node.named().count().max(1) as f64;
        let none = vec![0.0; BUCKETS];
        let own: Vec<Option<&Vec<f64>>> =
            self.next.iter().map(|what| node.series.get(what).filter(|_| *what != OTHER)).collect();
        let rare = node.series.get(&OTHER).unwrap_or(&none);
        for (bucket, waiting) in node.waiting.iter().enumerate() {
            let at = |series: &Vec<f64>| series.get(bucket).copied().unwrap_or(0.0);
            // What is rare here is shared out as in the wider context.
            let unnamed = self.shares.iter().zip(&own).filter(|(_, own)| own.is_none());
            let unnamed: f64 = unnamed.map(|(share, _)| at(share)).sum();
            let rare = at(rare);
            let all = waiting + prior;
            for ((share, own), what) in self.shares.iter_mut().zip(&own).zip(&self.next) {
                let Some(share) = share.get_mut(bucket) else { continue };
                let count = match own {
                    Some(series) => at(series),
                    None if unnamed > 0.0 => rare * *share / unnamed,
                    None if *what == OTHER => rare,
                    None => 0.0,
                };
                *share = (count + prior * *share) / all;
            }
        }
    }

    /// With what probability each next step comes within some times (in microseconds, rising), when none came for `waited`.
    pub(crate) fn chances(&self, waited: i64, within: &[i64]) -> Chances {
        let mut of: Vec<(u32, Vec<f64>)> = self.next.iter().map(|what| (*what, Vec::with_capacity(within.len()))).collect();
        let mut none = Vec::with_capacity(within.len());
        for length in within {
            let mut reached = vec![0.0; self.next.len()];
            let mut left = 1.0;
            self.walk(waited, waited.saturating_add(*length), |bucket, share, alive, _| {
                for (reached, shares) in reached.iter_mut().zip(&self.shares) {
                    *reached += share * shares.get(bucket).copied().unwrap_or(0.0);
                }
                left = alive;
                true
            });
            of.iter_mut().zip(reached).for_each(|((_, all), reached)| all.push(reached));
            none.push(left);
        }
        Chances { of, none }
    }

    /// With what probability one step is the next and comes within a time; `None` for one that is too rare to be told.
    pub(crate) fn chance(&self, what: u32, waited: i64, within: i64) -> Option<f64> {
        let place = self.next.iter().position(|own| *own == what)?;
        let shares = self.shares.get(place)?;
        let mut reached = 0.0;
        self.walk(waited, waited.saturating_add(within), |bucket, share, _, _| {
            reached += share * shares.get(bucket).copied().unwrap_or(0.0);
            true
        });
        Some(reached)
    }

    /// After which time (from now on, in microseconds) half of those are there whom a step ever reaches, or any step when `what` is `None`;
    /// `None` when nobody is reached, or only at no time that is counted.
    pub(crate) fn median(&self, what: Option<u32>, waited: i64) -> Option<i64> {
        let share_at = |bucket: usize| -> f64 {
            let all = self.next.iter().zip(&self.shares).filter(|(own, _)| what.is_none_or(|what| **own == what));
            all.map(|(_, shares)| shares.get(bucket).copied().unwrap_or(0.0)).sum()
        };
        let mut whole = 0.0;
        self.walk(waited, i64::MAX, |bucket, share, _, _| {
            whole += share * share_at(bucket);
            true
        });
        if whole <= 0.0 {
            return None;
        }
        let (mut reached, mut found) = (0.0, None);
        self.walk(waited, i64::MAX, |bucket, share, _, (from, to)| {
            let here = share * share_at(bucket);
            if reached + here >= whole / 2.0 {
                let part = if here > 0.0 { (whole / 2.0 - reached) / here } else { 0.0 };
                let length = to.saturating_sub(from) as f64 * part;
                found = Some(from.saturating_add(length as i64).saturating_sub(waited).max(0));
                return false;
            }
            reached += here;
            true
        });
        found.filter(|_| whole > 0.0)
    }

    /// Goes through the buckets from `waited` to `until`, both counted from the last step: tells of each how many of those who were
    /// waiting at first (a part of 1) its shares are taken of, how many are left after it, and from when to when it is gone through.
    fn walk(&self, waited: i64, until: i64, mut each: impl FnMut(usize, f64, f64, (i64, i64)) -> bool) {
        let mut alive = 1.0;
        let waited = waited.max(0);
        for bucket in usize::from(bucket(waited))..BUCKETS {
            let (from, to) = (start(bucket), end(bucket));
            if bucket > 0 && (to <= waited || from == to) {
                continue;
            }
            if bucket > 0 && from >= until {
                break;
            }
            let all: f64 = self.shares.iter().map(|shares| shares.get(bucket).copied().unwrap_or(0.0)).sum();
            // Who comes in a bucket comes at any of its times alike. The last one has no end, so it is gone through at once.
            let length = to.saturating_sub(from) as f64;
            let (done, reach) = match bucket {
                0 => (0.0, 1.0),
                _ if to == i64::MAX => (0.0, 1.0),
                _ => {
                    let part = |time: i64| (time.saturating_sub(from) as f64 / length).clamp(0.0, 1.0);
                    (part(waited), part(until))
                }
            };
            let still = 1.0 - all * done;
            if still <= 0.0 {
                continue;
            }
            let share = alive * (reach - done) / still;
            alive = (alive - share * all).max(0.0);
            let last = if to == i64::MAX { from } else { to.min(until) };
            if !each(bucket, share, alive, (from.max(waited), last)) {
                break;
            }
        }
    }
}
