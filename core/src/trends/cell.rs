use crate::value::Value;
use std::sync::Arc;

/// A cell of a trend: the values of its dimensions in order, and a bucket when it has a histogram.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    /// The number of the trend.
    pub(crate) trend: u16,
    pub(crate) values: Arc<[Arc<str>]>,
    pub(crate) bucket: Option<i32>,
}

/// What is counted in a cell and an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Amount {
    pub(crate) count: i64,
    pub(crate) sum: i128,
}

impl Amount {
    /// Addition that stays at the ends of the range, which 2^63 events are needed to reach.
    pub(crate) fn add(&mut self, other: Amount) {
        self.count = self.count.saturating_add(other.count);
        self.sum = self.sum.saturating_add(other.sum);
    }
}

/// The logarithmic bucket of a number: eight per doubling, so that a bucket's bounds are at most 1/8 of its value apart. Negative
/// numbers have negative buckets, 0 has bucket 0.
///
/// From the bits of the double nearest to it (sign, exponent and the three highest bits of the fraction), so that every platform
/// finds the same.
pub(crate) fn bucket(number: f64) -> i32 {
    let high = i32::try_from(number.abs().to_bits() >> 49).unwrap_or(i32::MAX);
    if number < 0.0 { -high } else { high }
}

/// The numbers that fall into a bucket: from the one nearer to zero (included) to the one farther (excluded).
#[must_use]
pub fn bucket_bounds(bucket: i32) -> (f64, f64) {
    let bound = |bucket: u32| f64::from_bits(u64::from(bucket.min(0x3ff8)) << 49);
    let (near, far) = (bound(bucket.unsigned_abs()), bound(bucket.unsigned_abs().saturating_add(1)));
    if bucket < 0 { (-near, -far) } else { (near, far) }
}

/// How many parts of 1 sums of doubles are counted in.
const PARTS: f64 = 1_000_000.0;

/// A number as integer: of decimals the units, of doubles millionths.
pub(crate) fn whole(value: &Value) -> Option<i128> {
    match value {
        Value::Int(number) => Some(i128::from(*number)),
        Value::Uint(number) => Some(i128::from(*number)),
        Value::Decimal(number) => Some(number.units()),
        // Beyond 128 bits the conversion stays at the end of the range, NaN is never stored.
        Value::Double(number) => Some((number * PARTS).round() as i128),
        _ => None,
    }
}

/// The same as a double, for buckets.
pub(crate) fn double(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Uint(number) => Some(*number as f64),
        Value::Decimal(number) => Some(number.to_double()),
        Value::Double(number) => Some(*number),
        _ => None,
    }
}
