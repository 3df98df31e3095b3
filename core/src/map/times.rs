use std::collections::BTreeMap;

/// Lengths of time in logarithmic buckets, 64 per doubling, each with the sum of what is in it: a bucket stands for its mean, which is at
/// most 1/64 (1.6 %) away from any of its lengths, and exact when all are equal. Integers only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Times {
    pub(super) buckets: BTreeMap<u16, Bucket>,
}

/// So many lengths, and their sum in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Bucket {
    pub(super) count: u64,
    pub(super) sum: i128,
}

/// From the bits of the double: its exponent and the six highest bits of its fraction, counted from those of 1.
fn bucket(micros: i64) -> u16 {
    const SHIFT: u32 = 46;
    if micros <= 0 {
        return 0;
    }
    let one = 1.0_f64.to_bits() >> SHIFT;
    let place = ((micros as f64).to_bits() >> SHIFT).saturating_sub(one);
    u16::try_from(place + 1).unwrap_or(u16::MAX)
}

impl Bucket {
    /// What it stands for, in seconds.
    fn seconds(self) -> f64 {
        self.sum as f64 / self.count.max(1) as f64 / 1_000_000.0
    }
}

impl Times {
    pub(super) fn add(&mut self, micros: i64) {
        let micros = micros.max(0);
        let bucket = self.buckets.entry(bucket(micros)).or_default();
        bucket.count += 1;
        bucket.sum = bucket.sum.saturating_add(i128::from(micros));
    }

    pub(super) fn merge(&mut self, other: &Times) {
        for (bucket, more) in &other.buckets {
            let own = self.buckets.entry(*bucket).or_default();
            own.count = own.count.saturating_add(more.count);
            own.sum = own.sum.saturating_add(more.sum);
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.buckets.values().fold(0, |sum, bucket| sum.saturating_add(bucket.count))
    }

    /// The mean in seconds, exact; `None` of nothing.
    pub(super) fn mean(&self) -> Option<f64> {
        let count = self.count();
        let sum = self.buckets.values().fold(0_i128, |sum, bucket| sum.saturating_add(bucket.sum));
        (count > 0).then(|| sum as f64 / count as f64 / 1_000_000.0)
    }

    /// How many are longer than seconds, to the bucket.
    pub(super) fn longer_than(&self, seconds: f64) -> u64 {
        let last = bucket((seconds * 1_000_000.0) as i64);
        self.buckets.range(last.saturating_add(1)..).map(|(_, bucket)| bucket.count).sum()
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
            let of = |times: &Times| times.buckets.get(&bucket).copied().unwrap_or_default();
            let (here, seen) = (of(ended), of(lasting).count);
            let ends = here.count;
            if ends > 0 {
                still *= 1.0 - ends as f64 / at_risk;
                // What is left after the last is rounding only.
                if still <= 1.0 - part + 1e-12 {
                    return Some(here.seconds());
                }
            }
            at_risk -= (ends + seen) as f64;
        }
        None
    }
}

impl Times {
    /// Which share lasts longer than `seconds`, by Kaplan and Meier (1958), and how many stays, all of them ended, would tell it as surely by
    /// Greenwood's variance (1926). `None` when that is not known of any.
    pub(super) fn longer(ended: &Times, lasting: &Times, seconds: f64) -> Option<(f64, f64)> {
        let all = (ended.count() + lasting.count()) as f64;
        let last = bucket((seconds * 1_000_000.0) as i64);
        let (mut at_risk, mut still, mut variance) = (all, 1.0, 0.0);
        let mut buckets: Vec<u16> = ended.buckets.keys().chain(lasting.buckets.keys()).copied().collect();
        buckets.sort_unstable();
        buckets.dedup();
        for bucket in buckets.into_iter().take_while(|bucket| *bucket <= last) {
            let of = |times: &Times| times.buckets.get(&bucket).copied().unwrap_or_default();
            // Of a bucket that goes past the end, what is longer on the whole is longer.
            let (here, seen) = (of(ended), of(lasting));
            if here.count > 0 && here.seconds() <= seconds {
                let ends = here.count as f64;
                still *= 1.0 - ends / at_risk;
                variance += if at_risk > ends { ends / (at_risk * (at_risk - ends)) } else { 0.0 };
            }
            if seen.count > 0 && seen.seconds() < seconds {
                at_risk -= seen.count as f64;
            }
            at_risk -= if here.seconds() <= seconds { here.count as f64 } else { 0.0 };
        }
        if at_risk <= 0.0 && still > 0.0 {
            return None;
        }
        let spread = still * still * variance;
        Some((still, if spread > 0.0 { still * (1.0 - still) / spread } else { at_risk.max(ended.count() as f64) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_near_to_what_is_in_it() {
        for micros in [1, 2, 3, 1_000, 999_999, 86_400_000_000, 31_556_952_000_000, i64::MAX / 2] {
            let (mut times, more) = (Times::default(), micros + micros / 64);
            times.add(micros);
            assert_eq!(
                Times::quantile(&times, &Times::default(), 0.5),
                Some(micros as f64 / 1_000_000.0),
                "one alone is exact"
            );
            assert!(bucket(more) - bucket(micros) <= 2, "{micros}");
            assert!(bucket(micros + micros / 32 + 1) > bucket(micros), "{micros}");
        }
        assert_eq!((bucket(0), bucket(1), bucket(-5)), (0, 1, 0));
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

    #[test]
    fn the_share_that_lasts_longer_is_sure_as_that_of_fewer_stays_when_some_still_last() {
        let (mut ended, mut lasting) = (Times::default(), Times::default());
        [10, 20, 30, 40].iter().for_each(|seconds| ended.add(seconds * 1_000_000));
        // Nothing lasts: the plain share, of as many.
        let (share, stays) = Times::longer(&ended, &lasting, 20.0).unwrap_or_default();
        assert!((share - 0.5).abs() < 1e-12 && (stays - 4.0).abs() < 1e-9, "{share} {stays}");
        assert_eq!(Times::longer(&ended, &lasting, 5.0), Some((1.0, 4.0)));
        // Four who were seen for 15 seconds: one of eight had gone by then, one of three after it.
        (0..4).for_each(|_| lasting.add(15_000_000));
        let (share, stays) = Times::longer(&ended, &lasting, 20.0).unwrap_or_default();
        assert!((share - 7.0 / 8.0 * 2.0 / 3.0).abs() < 1e-12, "{share}");
        assert!(stays > 3.0 && stays < 8.0, "{stays}");
        // Nobody was seen for so long.
        assert_eq!(Times::longer(&Times::default(), &lasting, 20.0), None);
        assert_eq!(Times::longer(&Times::default(), &Times::default(), 20.0), None);
    }
}
