//! Lengths of time in buckets: one for none at all, then four per doubling from a second on.

/// How many buckets there are; the last is without end.
pub(super) const BUCKETS: usize = 138;

const SECOND: i64 = 1_000_000;

/// Where a bucket begins, in microseconds; that instant is not in it. Bucket 0 is no time at all.
pub(super) fn start(bucket: usize) -> i64 {
    let Some(step) = bucket.checked_sub(1) else { return 0 };
    let (doublings, quarter) = (step / 4, (step % 4) as i64);
    let least = ((4 + quarter) << doublings.min(40)) >> 2;
    least.saturating_sub(1).saturating_mul(SECOND)
}

/// Where it ends, in microseconds; that instant is in it.
pub(super) fn end(bucket: usize) -> i64 {
    match bucket {
        0 => 0,
        bucket if bucket + 1 >= BUCKETS => i64::MAX,
        bucket => start(bucket + 1),
    }
}

/// The bucket of a length of time in microseconds.
pub(super) fn bucket(micros: i64) -> u8 {
    if micros <= 0 {
        return 0;
    }
    let (mut low, mut high) = (1, BUCKETS - 1);
    // The last bucket that begins before it.
    while low < high {
        let middle = (low + high).div_ceil(2);
        if start(middle) < micros { low = middle } else { high = middle - 1 }
    }
    u8::try_from(low).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_length_lies_in_its_bucket(micros in 1_i64..9_000_000_000_000_000) {
            let bucket = usize::from(bucket(micros));
            prop_assert!(start(bucket) < micros && micros <= end(bucket));
            prop_assert!(start(bucket) < end(bucket));
            // Bounds are at most a quarter of the length apart, and a second.
            prop_assert!(end(bucket) - start(bucket) <= start(bucket) / 4 + 2 * SECOND || bucket + 1 == BUCKETS);
        }
    }

    #[test]
    fn buckets_follow_each_other() {
        assert_eq!((bucket(0), bucket(-5), usize::from(bucket(i64::MAX))), (0, 0, BUCKETS - 1));
        for bucket in 1..BUCKETS - 1 {
            assert_eq!(end(bucket), start(bucket + 1));
            assert!(start(bucket) <= start(bucket + 1));
        }
    }
}
