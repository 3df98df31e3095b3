//! Whether counts are as they should be: Pearson's test of goodness of fit.

/// How well counts fit the shares that were expected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Goodness {
    /// The sum of (observed - expected)² / expected.
    pub chi_squared: f64,
    /// The number of classes less one.
    pub degrees: u32,
    /// How often counts of the expected shares are as far off or farther, 0 to 1.
    pub p_value: f64,
}

/// Pearson's test: `observed` counts against shares that are expected. The test is an approximation, good from about five expected
/// in each class; `None` when nothing was counted, a share is not above zero, or there are fewer than two classes.
///
/// K. Pearson, *On the criterion that a given system of deviations …*, Philosophical Magazine 50 (1900). The tail of the distribution
/// is Q(d/2, χ²/2) of Abramowitz and Stegun, 6.5.3, by the series 6.5.29 and the continued fraction 6.5.31.
///
/// # Examples
/// ```
/// let fit = tactful::measure::goodness_of_fit(&[530, 470], &[0.5, 0.5]).ok_or("counted")?;
/// assert!((fit.chi_squared - 3.6).abs() < 1e-12 && (fit.p_value - 0.0578).abs() < 1e-4);
/// # Ok::<(), &str>(())
/// ```
#[must_use]
pub fn goodness_of_fit(observed: &[u64], shares: &[f64]) -> Option<Goodness> {
    let total: u64 = observed.iter().fold(0, |sum, count| sum.saturating_add(*count));
    let whole: f64 = shares.iter().sum();
    let usable = shares.iter().all(|share| *share > 0.0 && share.is_finite());
    if total == 0 || !usable || observed.len() != shares.len() || observed.len() < 2 {
        return None;
    }
    let mut chi_squared = 0.0;
    for (count, share) in observed.iter().zip(shares) {
        let expected = total as f64 * share / whole;
        let off = *count as f64 - expected;
        chi_squared += off * off / expected;
    }
    let degrees = u32::try_from(observed.len() - 1).ok()?;
    Some(Goodness { chi_squared, degrees, p_value: upper_gamma(f64::from(degrees) / 2.0, chi_squared / 2.0) })
}

/// The regularised upper incomplete gamma function, for `a` above zero and `x` not below.
fn upper_gamma(a: f64, x: f64) -> f64 {
    const ROUNDS: u32 = 10_000;
    const CLOSE: f64 = 1e-15;
    if x <= 0.0 {
        return 1.0;
    }
    let front = libm::exp(a * libm::log(x) - x - libm::lgamma(a));
    if x < a + 1.0 {
        let (mut term, mut sum) = (1.0 / a, 1.0 / a);
        for round in 1..=ROUNDS {
            term *= x / (a + f64::from(round));
            sum += term;
            if term < sum * CLOSE {
                break;
            }
        }
        return (1.0 - front * sum).clamp(0.0, 1.0);
    }
    // Lentz's way of evaluating a continued fraction.
    let tiny = 1e-300;
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / tiny;
    let mut d = 1.0 / b;
    let mut fraction = d;
    for round in 1..=ROUNDS {
        let round = f64::from(round);
        let numerator = -round * (round - a);
        b += 2.0;
        d = numerator * d + b;
        d = 1.0 / if d.abs() < tiny { tiny } else { d };
        c = b + numerator / c;
        c = if c.abs() < tiny { tiny } else { c };
        fraction *= c * d;
        if (c * d - 1.0).abs() < CLOSE {
            break;
        }
    }
    (front * fraction).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_are_those_of_the_tables() {
        // Upper 5 % and 0.1 % points of the distribution.
        for (degrees, chi_squared, tail) in [
            (1, 3.841_458_821, 0.05),
            (2, 5.991_464_547, 0.05),
            (5, 11.070_497_694, 0.05),
            (10, 29.588_298_445, 0.001),
            (30, 43.772_971_826, 0.05),
        ] {
            let found = upper_gamma(f64::from(degrees) / 2.0, chi_squared / 2.0);
            assert!((found - tail).abs() < 1e-9, "{degrees}: {found}");
        }
    }

    #[test]
    fn what_cannot_be_tested_is_not() {
        assert_eq!(goodness_of_fit(&[], &[]), None);
        assert_eq!(goodness_of_fit(&[0, 0], &[0.5, 0.5]), None);
        assert_eq!(goodness_of_fit(&[1, 2], &[1.0, 0.0]), None);
        assert_eq!(goodness_of_fit(&[5], &[1.0]), None);
        let even = goodness_of_fit(&[500, 500], &[0.5, 0.5]).map(|fit| fit.p_value);
        assert_eq!(even, Some(1.0));
        assert!(goodness_of_fit(&[u64::MAX, 0], &[0.5, 0.5]).is_some_and(|fit| fit.p_value == 0.0));
    }
}
