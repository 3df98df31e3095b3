//! The fewest customers that something told may be about, `k`.

use std::ops::RangeInclusive;

/// What a caller may ask for. From 1 everything is told, as one may want of a handful of customers of one's own.
pub(crate) const THRESHOLDS: RangeInclusive<u64> = 1..=1_000_000;

/// What holds where nobody says.
pub(crate) const USUAL_THRESHOLD: u64 = 10;

/// A threshold as a caller asks for it; where it is none, what was expected.
pub(crate) fn threshold(k: u64) -> Result<u64, String> {
    match THRESHOLDS.contains(&k) {
        true => Ok(k),
        false => Err(format!("expected a number of customers from {} to {}, found {k}", THRESHOLDS.start(), THRESHOLDS.end())),
    }
}
