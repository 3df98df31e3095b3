//! The normal distribution, for intervals.

/// The share of a standard normal distribution below `z`: erfc(-z/√2)/2 (Abramowitz and Stegun, 26.2.29).
#[must_use]
pub fn normal_below(z: f64) -> f64 {
    0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2)
}

/// Where a share of a standard normal distribution lies below, found by halving [`normal_below`]; at most 38 off zero, and 0 for what is
/// no share.
///
/// # Examples
/// ```
/// assert!((tactful::measure::normal_quantile(0.975) - 1.959_963_985).abs() < 1e-9);
/// ```
#[must_use]
pub fn normal_quantile(share: f64) -> f64 {
    if !(0.0..=1.0).contains(&share) {
        return 0.0;
    }
    let (mut low, mut high) = (-38.0, 38.0);
    for _ in 0..80 {
        let middle = 0.5 * (low + high);
        if normal_below(middle) < share { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the tables of Abramowitz and Stegun, 26.5.
    #[test]
    fn it_is_that_of_the_tables() {
        for (share, z) in [(0.5, 0.0), (0.9, 1.281_551_566), (0.975, 1.959_963_985), (0.995, 2.575_829_304)] {
            assert!((normal_quantile(share) - z).abs() < 1e-9, "{share}");
            assert!((normal_quantile(1.0 - share) + z).abs() < 1e-9, "{share}");
            assert!((normal_below(z) - share).abs() < 1e-9, "{share}");
        }
        assert_eq!(normal_quantile(f64::NAN), 0.0);
    }
}
