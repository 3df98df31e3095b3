use super::backoff::Series;
use super::span::{BUCKETS, bucket, end, start};
use super::steps::NOT_YET;

/// How much a narrower context is drawn to the wider one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prior {
    /// As if so many more steps had followed, of which kind and when as in the wider one.
    pub(super) what: f64,
    /// As if so many more had waited, and something had followed as often as in the wider one.
    pub(super) whether: f64,
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
    pub(super) fn of(counts: &Series<'_>) -> Self {
        let mut next: Vec<u32> = counts.keys().map(|(what, _)| *what).filter(|what| *what != NOT_YET).collect();
        next.dedup();
        let mut curve = Curve { shares: vec![vec![0.0; BUCKETS]; next.len()], next };
        curve.narrow(counts, Prior { what: 0.0, whether: 0.0 });
        curve
    }

    /// Of a narrower context, drawn to the wider one.
    ///
    /// From the hazards of the wider context follows how often each step would be expected among those who wait here (indirect
    /// standardisation). What follows is then drawn to what is expected, whether anything does to how much is, and when each step
    /// comes to when it is expected, each by as much as its [`Prior`] says and the less the more is known here.
    pub(super) fn narrow(&mut self, counts: &Series<'_>, prior: Prior) {
        let of = |what: u32| [false, true].map(|later| counts.get(&(what, later)).map(|series| &**series));
        let at = |[at_once, later]: [Option<&[f64]>; 2], bucket: usize| {
            let series = if bucket == 0 { at_once } else { later };
            series.and_then(|series| series.get(bucket)).copied().unwrap_or(0.0)
        };
        let own: Vec<[Option<&[f64]>; 2]> = self.next.iter().map(|what| of(*what)).collect();
        let (unfinished, mut waiting, mut left) = (of(NOT_YET), vec![0.0; BUCKETS], 0.0);
        for (bucket, waiting) in waiting.iter_mut().enumerate().rev() {
            let not_yet = at(unfinished, bucket);
            left += own.iter().map(|series| at(*series, bucket)).sum::<f64>() + not_yet;
            // Who was not followed through a bucket counts half in it (the actuarial estimate of a life table).
            *waiting = (left - not_yet / 2.0).max(0.0);
        }
        let waiting_at = |bucket: usize| waiting.get(bucket).copied().unwrap_or(0.0);
        for buckets in [0..1, 1..BUCKETS] {
            let stood = waiting_at(buckets.start);
            if stood <= 0.0 {
                continue;
            }
            let came = |series: &[Option<&[f64]>; 2]| buckets.clone().map(|bucket| at(*series, bucket)).sum::<f64>();
            let expected = |shares: &Vec<f64>| {
                shares
                    .iter()
                    .enumerate()
                    .take(buckets.end)
                    .skip(buckets.start)
                    .map(|(bucket, share)| waiting_at(bucket) * share)
                    .sum::<f64>()
            };
            let came: Vec<f64> = own.iter().map(came).collect();
            let expected: Vec<f64> = self.shares.iter().map(expected).collect();
            let (all_came, all_expected) = (came.iter().sum::<f64>(), expected.iter().sum::<f64>());
            let all = (all_came * stood + all_expected * prior.whether) / (stood + prior.whether);
            let drawn = if all_expected > 0.0 { prior.what } else { 0.0 };
            for (((shares, series), came), expected) in self.shares.iter_mut().zip(&own).zip(came).zip(expected) {
                let usual = if all_expected > 0.0 { drawn * expected / all_expected } else { 0.0 };
                let drawn_to = if all_came + drawn > 0.0 { all * (came + usual) / (all_came + drawn) } else { 0.0 };
                let known = if came <= 0.0 {
                    0.0
                } else if expected > 0.0 {
                    came / (came + prior.what)
                } else {
                    1.0
                };
                let (as_came, as_expected) = (
                    if came > 0.0 { known * drawn_to / came } else { 0.0 },
                    if expected > 0.0 { drawn_to / expected } else { 0.0 },
                );
                for bucket in buckets.clone() {
                    let Some(share) = shares.get_mut(bucket) else { continue };
                    let waits = waiting_at(bucket);
                    let few = prior.whether.min(1.0);
                    let count = as_came * at(*series, bucket) + ((1.0 - known) * waits + few) * as_expected * *share;
                    *share = if waits + few > 0.0 { count / (waits + few) } else { 0.0 };
                }
            }
        }
        for bucket in 0..BUCKETS {
            let all: f64 = self.shares.iter().filter_map(|shares| shares.get(bucket)).sum();
            if all > 1.0 {
                self.shares.iter_mut().filter_map(|shares| shares.get_mut(bucket)).for_each(|share| *share /= all);
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
