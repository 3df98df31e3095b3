use std::collections::BTreeMap;

/// Lengths of time in logarithmic buckets: 32 per doubling, so that a bucket's middle is at most 1/64 (1.6 %) away from what is in it.
/// Integers only; sums are exact.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Times {
    pub(super) buckets: BTreeMap<u16, u64>,
    /// Microseconds.
    pub(super) sum: i128,
}

/// From the bits of the double: its exponent and the five highest bits of its fraction.
const SHIFT: u32 = 47;

fn bucket(micros: i64) -> u16 {
    let micros = micros.max(0) as f64;
    u16::try_from(micros.to_bits() >> SHIFT).unwrap_or(u16::MAX)
}

/// The middle of a bucket, in seconds.
fn middle(bucket: u16) -> f64 {
    if bucket == 0 {
        return 0.0;
    }
    let bound = |bucket: u64| f64::from_bits(bucket << SHIFT);
    let bucket = u64::from(bucket);
    (bound(bucket) + bound(bucket + 1)) / 2.0 / 1_000_000.0
}

impl Times {
    pub(super) fn add(&mut self, micros: i64) {
        *self.buckets.entry(bucket(micros)).or_default() += 1;
        self.sum = self.sum.saturating_add(i128::from(micros.max(0)));
    }

    pub(super) fn merge(&mut self, other: &Times) {
        for (bucket, count) in &other.buckets {
            let own = self.buckets.entry(*bucket).or_default();
            *own = own.saturating_add(*count);
        }
        self.sum = self.sum.saturating_add(other.sum);
    }

    pub(super) fn count(&self) -> u64 {
        self.buckets.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// The mean in seconds; `None` of nothing.
    pub(super) fn mean(&self) -> Option<f64> {
        let count = self.count();
        (count > 0).then(|| self.sum as f64 / count as f64 / 1_000_000.0)
    }

    /// How many are longer than seconds, to the bucket.
    pub(super) fn longer_than(&self, seconds: f64) -> u64 {
        let last = bucket((seconds * 1_000_000.0) as i64);
        self.buckets.range(last.saturating_add(1)..).map(|(_, count)| count).sum()
    }

    /// The time after which a share `part` (0 to 1) of the stays has ended, in seconds: Kaplan and Meier's estimate (1958), in which those
    /// that still last count as long as they were seen. `None` when less than that is known to end.
    pub(super) fn quantile(ended: &Times, lasting: &Times, part: f64) -> Option<f64> {
        let mut at_risk = (ended.count() + lasting.count()) as f64;
        let mut still = 1.0;
        let mut buckets: Vec<u16> = ended.buckets.keys().chain(lasting.buckets.keys()).copied().collect();
        buckets.sort_unstable();
        buckets.dedup();
        for bucket in buckets {
            let (ends, seen) =
                (ended.buckets.get(&bucket).copied().unwrap_or(0), lasting.buckets.get(&bucket).copied().unwrap_or(0));
            if ends > 0 {
                still *= 1.0 - ends as f64 / at_risk;
                // What is left after the last is rounding only.
                if still <= 1.0 - part + 1e-12 {
                    return Some(middle(bucket));
                }
            }
            at_risk -= (ends + seen) as f64;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_a_bucket_is_near_to_what_is_in_it() {
        for micros in [0, 1, 2, 3, 1_000, 999_999, 86_400_000_000, 31_556_952_000_000, i64::MAX] {
            let seconds = micros as f64 / 1_000_000.0;
            assert!((middle(bucket(micros)) - seconds).abs() <= seconds / 64.0, "{micros}");
        }
    }

    #[test]
    fn what_still_lasts_counts_as_long_as_it_was_seen() {
        let (mut ended, mut lasting) = (Times::default(), Times::default());
        [10, 20, 30, 40].iter().for_each(|seconds| ended.add(seconds * 1_000_000));
        let near = |found: Option<f64>, wanted: f64| found.is_some_and(|found| (found / wanted - 1.0).abs() < 0.016);
        assert!(near(Times::quantile(&ended, &lasting, 0.5), 20.0));
        // Four who were seen for 25 seconds and are still there: of eight, half have gone only with the one after 40.
        (0..4).for_each(|_| lasting.add(25_000_000));
        assert_eq!(Times::quantile(&ended, &lasting, 0.9).map(f64::round), Some(40.0));
        assert!(near(Times::quantile(&ended, &lasting, 0.5), 30.0));
        assert_eq!(Times::quantile(&Times::default(), &lasting, 0.5), None);
    }
}
