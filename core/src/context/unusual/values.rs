//! Shifts and levels: whether the latest values differ from the customer's earlier ones.

use std::collections::BTreeMap;

/// What a test found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tail {
    /// How likely an outcome this extreme is when nothing is unusual.
    pub(super) p_value: f64,
    /// Below which that is unusual.
    pub(super) threshold: f64,
    /// The least that values like these can come to, in whatever order they came.
    pub(super) least: f64,
}

/// Whether the usual value, the most frequent of `history`, is too rare among the `recent` values: Fisher's exact test, with the
/// choice of the value paid for.
///
/// Which value is the usual one depends on what is tested, so each value that might have been chosen counts as a test of its own.
/// Those that are too rare altogether to ever be noticed are left out (Tarone, A modified Bonferroni method for discrete data,
/// Biometrics 46, 1990): with `k` the smallest number such that at most `k` values can have a probability below `false_alarm / k`, the
/// bound is `false_alarm / k`. How often a value occurs altogether does not depend on the order of the values, so false alarms
/// are at most as frequent as declared, whatever the values and however many there are.
pub(super) fn shifted(history: &[String], recent: &[String], false_alarm: f64) -> Tail {
    let mut counts: BTreeMap<&String, (usize, usize)> = BTreeMap::new();
    for value in history {
        counts.entry(value).or_default().0 += 1;
    }
    // Ties go to the smallest value.
    let usual = counts.iter().rev().max_by_key(|(_, (before, _))| *before).map(|(value, _)| *value);
    for value in recent {
        counts.entry(value).or_default().1 += 1;
    }
    let Some((before, seen)) = usual.and_then(|usual| counts.get(usual)).copied() else {
        return Tail { p_value: 1.0, threshold: false_alarm, least: 1.0 };
    };
    let mut least: Vec<f64> = counts
        .values()
        .map(|(before, seen)| {
            let in_all = before + seen;
            let fewest = in_all.saturating_sub(history.len());
            few(recent.len(), fewest, history.len(), in_all - fewest)
        })
        .collect();
    least.sort_by(f64::total_cmp);
    let noticed = |bound: f64| least.partition_point(|probability| *probability < bound);
    let chosen_from = (1..=least.len()).find(|tests| noticed(false_alarm / *tests as f64) <= *tests).unwrap_or(least.len());
    Tail {
        p_value: few(recent.len(), seen, history.len(), before),
        threshold: false_alarm / chosen_from.max(1) as f64,
        // The earliest values would all have been the usual one, as far as they reach.
        least: least.first().copied().unwrap_or(1.0),
    }
}

/// The probability, were nothing different, that of the last `recent` values at most `seen` are one that the customer had
/// `before` times in `history` earlier values: the lower tail of the hypergeometric distribution (Fisher's exact test, 1935).
fn few(recent: usize, seen: usize, history: usize, before: usize) -> f64 {
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

/// How the latest values lie among all: the probability of ranks as low, and of ranks as high, as theirs, were nothing different, each
/// with the least that it could have been
/// (Wilcoxon's rank-sum test, 1945, exact, with middle ranks for ties).
///
/// Takes time in proportion to `(recent + history) * recent * sum of ranks`; callers bound both.
pub(super) fn level(history: &[f64], recent: &[f64]) -> Levels {
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
    let Some(ways) = ways.last() else { return Levels { low: (1.0, 1.0), high: (1.0, 1.0) } };
    let all: f64 = ways.iter().sum();
    let low = |found: usize| ways.iter().take(found + 1).sum::<f64>() / all;
    let high = |found: usize| ways.iter().skip(found).sum::<f64>() / all;
    let lowest = ways.iter().position(|ways| *ways > 0.0).unwrap_or(0);
    Levels { low: (low(found), low(lowest)), high: (high(found), high(most)) }
}

/// Where the latest values lie among all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Levels {
    /// The probability of ranks as low, and the least that it could have been.
    pub(super) low: (f64, f64),
    /// The same of ranks as high.
    pub(super) high: (f64, f64),
}

#[cfg(test)]
mod tests {
    use super::super::chance::Chance;
    use super::*;

    #[test]
    fn tails_are_those_of_tables() {
        // R: phyper(0, 8, 2, 5)
        assert!((few(5, 3, 5, 5) - 0.222_222_222_222).abs() < 1e-9);
        assert!((few(4, 0, 10, 9) - 5.0 * 1.0 / 1001.0).abs() < 1e-9);
        // Three values above seven: one of 120 ways is as high.
        let history = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0];
        let Levels { low, high } = level(&history, &[8.0, 9.0, 10.0]);
        assert!((high.0 - 1.0 / 120.0).abs() < 1e-12 && (low.0 - 1.0).abs() < 1e-12);
        assert!((high.1 - 1.0 / 120.0).abs() < 1e-12 && (low.1 - 1.0 / 120.0).abs() < 1e-12);
        // All the same: nothing is unusual, nor could it be.
        assert_eq!(level(&[2.0; 6], &[2.0; 3]), Levels { low: (1.0, 1.0), high: (1.0, 1.0) });
    }

    #[test]
    fn false_alarms_are_at_most_as_frequent_as_declared() {
        let mut chance = Chance(3);
        let (mut low, mut high, rounds) = (0, 0, 2_000);
        for _ in 0..rounds {
            // Prices with ties.
            let values: Vec<f64> = (0..20).map(|_| (chance.next() * 10.0).floor()).collect();
            let (history, recent) = values.split_at(15);
            let Levels { low: down, high: up } = level(history, recent);
            low += usize::from(down.0 < 0.05);
            high += usize::from(up.0 < 0.05);
            assert!(down.1 <= down.0 && up.1 <= up.0);
        }
        for alarms in [low, high] {
            assert!(alarms as f64 / f64::from(rounds) <= 0.06, "{alarms}");
        }
    }

    fn is_shifted(history: &[String], recent: &[String], false_alarm: f64) -> bool {
        let Tail { p_value, threshold, least } = shifted(history, recent, false_alarm);
        assert!(p_value >= least, "{p_value} {least}");
        p_value < threshold
    }

    /// The usual value is chosen from the values that are tested: without paying for that, some of these rates are twice what is
    /// declared.
    #[test]
    fn shifts_are_at_most_as_frequent_as_declared() {
        let mut chance = Chance(11);
        for (shares, history, recent) in [
            (&[0.5, 0.5][..], 6, 4),
            (&[0.5, 0.5], 20, 6),
            (&[0.4, 0.3, 0.3], 12, 5),
            (&[0.7, 0.1, 0.1, 0.1], 30, 8),
            (&[0.1; 10], 40, 20),
            (&[0.02; 50], 40, 10),
        ] {
            for false_alarm in [0.01, 0.05] {
                let rounds = 4_000;
                let mut alarms = 0;
                for _ in 0..rounds {
                    let mut value = || {
                        let (mut sum, drawn) = (0.0, chance.next());
                        shares
                            .iter()
                            .position(|share| {
                                sum += share;
                                drawn < sum
                            })
                            .unwrap_or(0)
                            .to_string()
                    };
                    let values: Vec<String> = (0..history + recent).map(|_| value()).collect();
                    let (earlier, latest) = values.split_at(history);
                    alarms += usize::from(is_shifted(earlier, latest, false_alarm));
                }
                let (rate, rounds) = (alarms as f64 / f64::from(rounds), f64::from(rounds));
                // Three standard errors above what is declared.
                let most = false_alarm + 3.0 * (false_alarm * (1.0 - false_alarm) / rounds).sqrt();
                assert!(rate <= most, "{rate} of {false_alarm} with {} values, {history} and {recent}", shares.len());
            }
        }
        // And what has shifted is seen.
        let texts = |texts: &[&str]| -> Vec<String> { texts.iter().map(|text| (*text).to_owned()).collect() };
        assert!(is_shifted(&texts(&["dog"; 12]), &texts(&["cat"; 4]), 0.01));
        assert!(is_shifted(&texts(&["dog"; 10]), &texts(&["cat", "hay", "cat", "hay"]), 0.01));
        assert!(!is_shifted(&texts(&["dog"; 10]), &texts(&["cat", "dog", "dog", "dog"]), 0.01));
    }
}
