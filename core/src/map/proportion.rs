//! Statistics of shares: how sure they are, and whether two differ.

/// The two-sided 95 % point of the normal distribution.
const Z95: f64 = 1.959_963_984_540_054;

/// So many of so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Share {
    pub(super) part: u64,
    pub(super) whole: u64,
}

/// Whether and how two shares differ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Test {
    pub(super) difference: f64,
    /// The ends of its 95 % interval.
    pub(super) low: f64,
    pub(super) high: f64,
    /// Standard errors that the difference is away from none.
    pub(super) z: f64,
    /// Two-sided.
    pub(super) p: f64,
}

impl Share {
    pub(crate) fn of(part: u64, whole: u64) -> Option<Self> {
        (whole > 0 && part <= whole).then_some(Share { part, whole })
    }

    pub(crate) fn value(self) -> f64 {
        self.part as f64 / self.whole as f64
    }

    /// The 95 % interval of Wilson (1927), which holds for small numbers and shares near to 0 and 1.
    pub(crate) fn interval(self) -> (f64, f64) {
        wilson(self.value(), self.whole as f64)
    }

    /// This one less another: the score test of two proportions with pooled variance, and the interval of Newcombe (1998, method 10).
    pub(super) fn less(self, other: Share) -> Test {
        let (a, b) = (self.value(), other.value());
        let ((a_low, a_high), (b_low, b_high)) = (self.interval(), other.interval());
        let difference = a - b;
        let square = |x: f64| x * x;
        let low = difference - libm::sqrt(square(a - a_low) + square(b_high - b));
        let high = difference + libm::sqrt(square(a_high - a) + square(b - b_low));
        let (n, m) = (self.whole as f64, other.whole as f64);
        let pooled = (self.part + other.part) as f64 / (n + m);
        let error = libm::sqrt(pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m));
        let z = if error > 0.0 { difference / error } else { 0.0 };
        Test { difference, low, high, z, p: two_sided(z) }
    }
}

/// The 95 % interval of Wilson (1927) of a share `p` of `n`, which need not be whole.
pub(super) fn wilson(p: f64, n: f64) -> (f64, f64) {
    let z2 = Z95 * Z95;
    let middle = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z95 / (1.0 + z2 / n) * libm::sqrt(p * (1.0 - p) / n + z2 / (4.0 * n * n));
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

/// How likely a standard normal number is at least so far from 0.
fn two_sided(z: f64) -> f64 {
    libm::erfc(z.abs() / std::f64::consts::SQRT_2)
}

/// The q-values of p-values: the share of false findings among those as extreme, by Benjamini and Hochberg (1995).
pub(super) fn q_values(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*b].total_cmp(&p[*a]).then(a.cmp(b)));
    let mut q = vec![1.0; p.len()];
    let mut least: f64 = 1.0;
    for (place, number) in order.iter().enumerate() {
        let rank = p.len() - place;
        least = least.min(p[*number] * p.len() as f64 / rank as f64);
        q[*number] = least;
    }
    q
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, wanted: f64) -> bool {
        (found - wanted).abs() < 5e-5
    }

    #[test]
    fn intervals_are_those_of_the_paper() {
        // Newcombe 1998, table II: (a) 56/70 - 48/80, (e) 10/10 - 0/20.
        let test = Share { part: 56, whole: 70 }.less(Share { part: 48, whole: 80 });
        assert!(near(test.low, 0.0524) && near(test.high, 0.3339), "{test:?}");
        let test = Share { part: 10, whole: 10 }.less(Share { part: 0, whole: 20 });
        assert!(near(test.low, 0.6791) && near(test.high, 1.0), "{test:?}");
    }

    #[test]
    fn q_values_are_those_of_the_procedure() {
        let found = q_values(&[0.01, 0.04, 0.03, 0.005]);
        let wanted = [0.02, 0.04, 0.04, 0.02];
        assert!(found.iter().zip(wanted).all(|(found, wanted)| near(*found, wanted)), "{found:?}");
    }
}
