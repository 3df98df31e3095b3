/// How many trials a distribution stands for at most: with more it would be so narrow that nothing is tried any more.
const MOST: f64 = 100_000.0;

/// The Beta distribution of a rate: what is known of it after some successes and failures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Beta {
    pub(crate) a: f64,
    pub(crate) b: f64,
    /// The logarithm of the Beta function.
    ln_beta: f64,
}

impl Beta {
    /// The distribution after a prior `rate` that counts as `weight` trials, and what was counted. Of more than 100,000 trials the rate
    /// counts, as if there had been that many.
    pub(crate) fn posterior(rate: f64, weight: f64, successes: f64, trials: f64) -> Self {
        let successes = successes.max(0.0);
        let a = rate * weight + successes;
        let b = (1.0 - rate) * weight + (trials - successes).max(0.0);
        let shrink = if a + b > MOST { MOST / (a + b) } else { 1.0 };
        Beta::new((a * shrink).max(1e-6), (b * shrink).max(1e-6))
    }

    pub(crate) fn new(a: f64, b: f64) -> Self {
        Beta { a, b, ln_beta: libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b) }
    }

    pub(crate) fn mean(&self) -> f64 {
        self.a / (self.a + self.b)
    }

    pub(crate) fn deviation(&self) -> f64 {
        let sum = self.a + self.b;
        libm::sqrt(self.a * self.b / (sum * sum * (sum + 1.0)))
    }

    /// The probability of being at most `x`: the regularised incomplete Beta function, by the continued fraction DLMF 8.17.22,
    /// evaluated as Lentz has it.
    pub(crate) fn below(&self, x: f64) -> f64 {
        if x <= 0.0 {
            return 0.0;
        }
        if x >= 1.0 {
            return 1.0;
        }
        let (a, b) = (self.a, self.b);
        let front = libm::exp(a * libm::log(x) + b * libm::log1p(-x) - self.ln_beta);
        let low = x < (a + 1.0) / (a + b + 2.0);
        let part = if low { front * fraction(a, b, x) / a } else { 1.0 - front * fraction(b, a, 1.0 - x) / b };
        part.clamp(0.0, 1.0)
    }

    /// The number below which a share `u` lies, to 12 digits: by Newton's method, kept within an interval that is halved where the method
    /// would leave it.
    pub(crate) fn quantile(&self, u: f64) -> f64 {
        let (mut low, mut high) = (0.0, 1.0);
        let mut x = self.mean();
        for _ in 0..100 {
            let off = self.below(x) - u;
            if off > 0.0 {
                high = x;
            } else {
                low = x;
            }
            if off.abs() < 1e-13 || high - low < 1e-14 {
                break;
            }
            let density = libm::exp((self.a - 1.0) * libm::log(x) + (self.b - 1.0) * libm::log1p(-x) - self.ln_beta);
            let next = x - off / density;
            // Comparisons with what is no number are false.
            let next = if next > low && next < high { next } else { (low + high) / 2.0 };
            if (next - x).abs() < 1e-15 {
                break;
            }
            x = next;
        }
        x
    }
}

fn fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let guard = |number: f64| if number.abs() < TINY { TINY } else { number };
    let mut c = 1.0;
    let mut d = 1.0 / guard(1.0 - (a + b) * x / (a + 1.0));
    let mut product = d;
    for step in 1..2_000_u32 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / guard(1.0 + even * d);
        c = guard(1.0 + even / c);
        product *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / guard(1.0 + odd * d);
        c = guard(1.0 + odd / c);
        let factor = d * c;
        product *= factor;
        if (factor - 1.0).abs() < 1e-15 {
            break;
        }
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn near(a: f64, b: f64, within: f64) -> bool {
        (a - b).abs() <= within
    }

    /// Values out of closed forms: powers, and binomial sums.
    #[test]
    fn probabilities_are_those_of_closed_forms() {
        for x in [0.01, 0.2, 0.5, 0.77, 0.999] {
            assert!(near(Beta::new(3.0, 1.0).below(x), x * x * x, 1e-14));
            assert!(near(Beta::new(1.0, 4.0).below(x), 1.0 - libm::pow(1.0 - x, 4.0), 1e-14));
            assert!(near(Beta::new(2.0, 2.0).below(x), x * x * (3.0 - 2.0 * x), 1e-14));
            // The arcsine law.
            let law = 2.0 / std::f64::consts::PI * libm::asin(libm::sqrt(x));
            assert!(near(Beta::new(0.5, 0.5).below(x), law, 1e-13));
        }
        // P(X >= 3) of a binomial with 10 trials and 0.3.
        assert!(near(Beta::new(3.0, 8.0).below(0.3), 0.617_217_213_6, 1e-9));
    }

    proptest! {
        #[test]
        fn a_quantile_is_where_its_share_lies_below(a in 0.05_f64..5_000.0, b in 0.05_f64..5_000.0, u in 0.001_f64..0.999) {
            let beta = Beta::new(a, b);
            let x = beta.quantile(u);
            prop_assert!((0.0..=1.0).contains(&x));
            prop_assert!(near(beta.below(x), u, 1e-9), "{} at {x} for {u}", beta.below(x));
        }

        #[test]
        fn more_is_below_what_is_larger(a in 0.05_f64..5_000.0, b in 0.05_f64..5_000.0, x in 0.0_f64..1.0, y in 0.0_f64..1.0) {
            let beta = Beta::new(a, b);
            prop_assert!(beta.below(x.min(y)) <= beta.below(x.max(y)) + 1e-12);
            prop_assert!(near(beta.below(x), 1.0 - Beta::new(b, a).below(1.0 - x), 1e-9));
        }

        #[test]
        fn what_was_counted_moves_the_mean_between_prior_and_rate(
            rate in 0.01_f64..0.99, weight in 0.1_f64..1_000.0, successes in 0.0_f64..1e9, more in 0.0_f64..1e9,
        ) {
            let trials = successes + more;
            let mean = Beta::posterior(rate, weight, successes, trials).mean();
            let seen = if trials > 0.0 { successes / trials } else { rate };
            prop_assert!(mean >= rate.min(seen) - 1e-6 && mean <= rate.max(seen) + 1e-6);
        }
    }
}
