//! Intervals of shares, of their differences and of their ratios.

use schemars::JsonSchema;
use serde::Serialize;

/// Between what something lies, at a confidence that the caller chose.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "interval")]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// The score interval of a share: `some` of `all`, `z` from [`normal_quantile`](super::normal_quantile). `None` of nothing.
///
/// E. B. Wilson, *Probable inference, the law of succession, and statistical inference*, Journal of the American Statistical
/// Association 22 (1927).
///
/// # Examples
/// ```
/// let found = tactful::measure::wilson(10, 50, 1.959_964).ok_or("counted")?;
/// assert!((found.low - 0.1124).abs() < 1e-4 && (found.high - 0.3304).abs() < 1e-4);
/// # Ok::<(), &str>(())
/// ```
#[must_use]
pub fn wilson(some: u64, all: u64, z: f64) -> Option<Interval> {
    if all == 0 || some > all {
        return None;
    }
    let n = all as f64;
    let p = some as f64 / n;
    let square = z * z;
    let middle = p + square / (2.0 * n);
    let half = z * libm::sqrt(p * (1.0 - p) / n + square / (4.0 * n * n));
    let whole = 1.0 + square / n;
    Some(Interval { low: ((middle - half) / whole).clamp(0.0, p), high: ((middle + half) / whole).clamp(p, 1.0) })
}

/// The interval of the difference of two shares, the first less the second; each is `(some, all)`. `None` when one is of nothing.
///
/// R. G. Newcombe, *Interval estimation for the difference between independent proportions: comparison of eleven methods*, Statistics in
/// Medicine 17 (1998), method 10: of the two score intervals, without correction for continuity.
#[must_use]
pub fn difference(first: (u64, u64), second: (u64, u64), z: f64) -> Option<Interval> {
    let (one, two) = (wilson(first.0, first.1, z)?, wilson(second.0, second.1, z)?);
    let (p, q) = (first.0 as f64 / first.1 as f64, second.0 as f64 / second.1 as f64);
    let below = libm::hypot(p - one.low, two.high - q);
    let above = libm::hypot(one.high - p, q - two.low);
    Some(Interval { low: (p - q - below).max(-1.0), high: (p - q + above).min(1.0) })
}

/// The interval of the ratio of two shares, the first by the second; each is `(some, all)`. `None` when one of the shares is zero.
///
/// D. Katz and others, *Obtaining confidence intervals for the risk ratio in cohort studies*, Biometrics 34 (1978): normal on the scale of
/// logarithms.
#[must_use]
pub fn ratio(first: (u64, u64), second: (u64, u64), z: f64) -> Option<Interval> {
    if first.0 == 0 || second.0 == 0 || first.0 > first.1 || second.0 > second.1 {
        return None;
    }
    let [a, n, b, m] = [first.0, first.1, second.0, second.1].map(|count| count as f64);
    let error = libm::sqrt((1.0 / a - 1.0 / n + 1.0 / b - 1.0 / m).max(0.0));
    let logarithm = libm::log((a / n) / (b / m));
    Some(Interval { low: libm::exp(logarithm - z * error), high: libm::exp(logarithm + z * error) })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]

    use super::*;

    const Z: f64 = 1.959_963_985;

    fn near(found: Interval, low: f64, high: f64) {
        assert!((found.low - low).abs() < 1e-4 && (found.high - high).abs() < 1e-4, "{found:?}");
    }

    /// The examples of Newcombe's paper: 56 of 70 against 48 of 80, 10 of 10 against 0 of 10.
    #[test]
    fn differences_are_those_of_the_paper() {
        near(difference((56, 70), (48, 80), Z).unwrap(), 0.0524, 0.3339);
        near(difference((10, 10), (0, 10), Z).unwrap(), 0.6075, 1.0);
        near(difference((9, 10), (3, 10), Z).unwrap(), 0.1705, 0.8090);
    }

    /// 30 of 100 against 20 of 100: ratio 1.5, error of its logarithm √(1/30 - 1/100 + 1/20 - 1/100) = 0.2517.
    #[test]
    fn ratios_are_as_calculated_by_hand() {
        near(ratio((30, 100), (20, 100), Z).unwrap(), 0.9160, 2.4564);
        assert_eq!(ratio((0, 100), (20, 100), Z), None);
    }

    #[test]
    fn shares_of_nothing_and_of_everything() {
        assert_eq!(wilson(0, 0, Z), None);
        near(wilson(0, 10, Z).unwrap(), 0.0, 0.2775);
        near(wilson(10, 10, Z).unwrap(), 0.7225, 1.0);
    }
}
