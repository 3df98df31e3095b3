//! How often an experiment finds a difference that is there.

use super::normal::{normal_below, normal_quantile};

/// The power of the two-sided comparison of two shares, 0 to 1: how often it finds the difference, when each is `(size, share)` and the test is
/// wrong in `1 - confidence` of the cases without one. Zero when one is empty or nothing differs.
///
/// The normal approximation with the pooled share under no difference (J. L. Fleiss, B. Levin and M. C. Paik, *Statistical Methods for Rates
/// and Proportions*, third edition, 2003, formula 4.14 solved for the power); good from about five expected of each kind.
///
/// # Examples
/// ```
/// // 5 % against 6 %, 8,158 each: 80 % by the tables.
/// let found = tactful::measure::power((8_158.0, 0.05), (8_158.0, 0.06), 0.95);
/// assert!((found - 0.8).abs() < 0.001);
/// ```
#[must_use]
pub fn power((first, p): (f64, f64), (second, q): (f64, f64), confidence: f64) -> f64 {
    let usable = first >= 1.0 && second >= 1.0 && (0.0..=1.0).contains(&p) && (0.0..=1.0).contains(&q) && p != q;
    if !(usable && confidence > 0.0 && confidence < 1.0) {
        return 0.0;
    }
    let pooled = (first * p + second * q) / (first + second);
    let without = libm::sqrt(pooled * (1.0 - pooled) * (1.0 / first + 1.0 / second));
    let with = libm::sqrt(p * (1.0 - p) / first + q * (1.0 - q) / second);
    let beyond = libm::fabs(p - q) - normal_quantile(0.5 + confidence / 2.0) * without;
    if with > 0.0 { normal_below(beyond / with) } else { f64::from(u8::from(beyond > 0.0)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes of each group for 80 % and 90 % by Fleiss, Levin and Paik, formula 4.14 (without correction for continuity).
    #[test]
    fn it_is_that_of_the_formula() {
        for (p, q, size, wanted) in [(0.5, 0.6, 388.0, 0.8), (0.05, 0.06, 8_158.0, 0.8), (0.1, 0.2, 266.0, 0.9)] {
            let found = power((size, p), (size, q), 0.95);
            assert!((found - wanted).abs() < 0.002, "{p} {q}: {found}");
        }
        assert_eq!(power((0.0, 0.1), (10.0, 0.2), 0.95), 0.0);
        assert_eq!(power((10.0, 0.1), (10.0, f64::NAN), 0.95), 0.0);
    }
}
