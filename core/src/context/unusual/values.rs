//! Shifts and levels: whether the latest values differ from the customer's earlier ones.

/// The probability, were nothing different, that of the last `recent` values at most `seen` are the usual one, which the customer
/// had `before` times in `history` earlier values: the lower tail of the hypergeometric distribution (Fisher's exact test, 1935).
/// Exact for a value chosen beforehand. The usual one is chosen from the same history, which with few values makes false alarms more
/// frequent than declared; by how much was not simulated.
pub(super) fn shift(recent: usize, seen: usize, history: usize, before: usize) -> f64 {
    let (all, usual) = (recent + history, seen + before);
    let least = recent.saturating_sub(all - usual);
    let ln_choose = |n: usize, k: usize| ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k);
    let total = ln_choose(all, recent);
    let mut sum = 0.0;
    for count in least..=seen {
        sum += libm::exp(ln_choose(usual, count) + ln_choose(all - usual, recent - count) - total);
    }
    f64::min(sum, 1.0)
}

fn ln_factorial(n: usize) -> f64 {
    libm::lgamma(n as f64 + 1.0)
}

/// How the latest values lie among all: the probability of ranks as low, and of ranks as high, as theirs, were nothing different
/// (Wilcoxon's rank-sum test, 1945, exact, with middle ranks for ties).
///
/// Takes time in proportion to `(recent + history) * recent * sum of ranks`; callers bound both.
pub(super) fn level(history: &[f64], recent: &[f64]) -> (f64, f64) {
    let mut sorted: Vec<f64> = history.iter().chain(recent).copied().collect();
    sorted.sort_by(f64::total_cmp);
    // Twice the middle rank, a whole number.
    let rank = |value: f64| {
        let low = sorted.partition_point(|other| other.total_cmp(&value).is_lt());
        let high = sorted.partition_point(|other| other.total_cmp(&value).is_le());
        low + high + 1
    };
    let ranks: Vec<usize> = sorted.iter().map(|value| rank(*value)).collect();
    let found: usize = recent.iter().map(|value| rank(*value)).sum();
    let most: usize = ranks.iter().rev().take(recent.len()).sum();
    // ways[k][s]: in how many ways k of the ranks so far have the sum s.
    let mut ways = vec![vec![0.0_f64; most + 1]; recent.len() + 1];
    if let Some(start) = ways.first_mut().and_then(|row| row.first_mut()) {
        *start = 1.0;
    }
    for rank in ranks {
        for count in (1..=recent.len()).rev() {
            let (fewer, more) = ways.split_at_mut(count);
            let (Some(fewer), Some(more)) = (fewer.last(), more.first_mut()) else { continue };
            for (sum, from) in more.iter_mut().skip(rank).zip(fewer) {
                *sum += from;
            }
        }
    }
    let Some(ways) = ways.last() else { return (1.0, 1.0) };
    let all: f64 = ways.iter().sum();
    let low: f64 = ways.iter().take(found + 1).sum();
    let high: f64 = ways.iter().skip(found).sum();
    (low / all, high / all)
}

#[cfg(test)]
mod tests {
    use super::super::chance::Chance;
    use super::*;

    #[test]
    fn tails_are_those_of_tables() {
        // R: phyper(0, 8, 2, 5)
        assert!((shift(5, 3, 5, 5) - 0.222_222_222_222).abs() < 1e-9);
        assert!((shift(4, 0, 10, 9) - 5.0 * 1.0 / 1001.0).abs() < 1e-9);
        // Three values above seven: one of 120 ways is as high.
        let history = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0];
        let (low, high) = level(&history, &[8.0, 9.0, 10.0]);
        assert!((high - 1.0 / 120.0).abs() < 1e-12 && (low - 1.0).abs() < 1e-12);
        // All the same: nothing is unusual.
        assert_eq!(level(&[2.0; 6], &[2.0; 3]), (1.0, 1.0));
    }

    #[test]
    fn false_alarms_are_at_most_as_frequent_as_declared() {
        let mut chance = Chance(3);
        let (mut low, mut high, rounds) = (0, 0, 2_000);
        for _ in 0..rounds {
            // Prices with ties.
            let values: Vec<f64> = (0..20).map(|_| (chance.next() * 10.0).floor()).collect();
            let (history, recent) = values.split_at(15);
            let (down, up) = level(history, recent);
            low += usize::from(down < 0.05);
            high += usize::from(up < 0.05);
        }
        for alarms in [low, high] {
            assert!(alarms as f64 / f64::from(rounds) <= 0.06, "{alarms}");
        }
    }
}
