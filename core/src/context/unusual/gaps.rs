//! Silence and bursts: how long a pause is, or how close events follow, measured against the customer's own gaps.
//!
//! Both tests take the gaps between a customer's events as exponential with a rate of the customer's own that nobody knows. Then
//! the ratio of two sums of gaps follows a beta distribution whatever that rate is, so the rate of false alarms is exact and
//! needs no other customer (Lawless, Statistical Models and Methods for Lifetime Data, 2003, section 4.1).

use crate::value::Timestamp;

/// The first instant at which a silence after these instants is unusual; `None` with fewer than `least` gaps, or when that
/// instant is beyond all time. The instants ascend and differ.
///
/// With `n` gaps of sum `S`, a new gap is longer than `t` with probability `(1 + t/S)^-n`; the silence is unusual when that
/// is below `false_alarm`.
pub(super) fn silent_from(instants: &[Timestamp], false_alarm: f64, least: usize) -> Option<Timestamp> {
    let (first, last) = (instants.first()?, instants.last()?);
    let gaps = instants.len() - 1;
    if gaps == 0 || gaps < least {
        return None;
    }
    let sum = (last.micros() - first.micros()) as f64;
    let longest = sum * libm::expm1(-libm::log(false_alarm) / gaps as f64);
    if longest >= 9.0e18 {
        return None;
    }
    // The first whole microsecond beyond the bound.
    Some(last.saturating_add_micros(longest as i64 + 1)).filter(|at| *at < Timestamp::MAX)
}

/// How likely a silence after these instants is to last until `now`, as for [`silent_from`]; `None` without a gap.
pub(super) fn silence_p(instants: &[Timestamp], now: Timestamp) -> Option<f64> {
    let (first, last) = (instants.first()?, instants.last()?);
    let gaps = instants.len().checked_sub(1).filter(|gaps| *gaps > 0)?;
    let sum = (last.micros() - first.micros()) as f64;
    let silent = (now.micros() - last.micros()) as f64;
    Some(libm::exp(-(gaps as f64) * libm::log1p(silent / sum)))
}

/// How likely gaps as short as the last `recent` ones and the time since are, as for [`burst`]; `None` without a gap before those.
pub(super) fn burst_p(instants: &[Timestamp], now: Timestamp, recent: usize) -> Option<f64> {
    let earlier = instants.len().checked_sub(recent + 1).filter(|earlier| *earlier > 0)?;
    let (first, turn) = (instants.first()?.micros(), instants.get(earlier)?.micros());
    let recent_sum = (now.micros() - turn) as f64;
    Some(beta_at_most(recent_sum / (recent_sum + (turn - first) as f64), recent, earlier))
}

/// Whether the last `recent` gaps, and the time since, are unusually short, and the first instant after `now` at which they
/// no longer are. `None` with fewer than `least` gaps before those.
///
/// With `k` recent gaps of sum `R` (the time since the last event counts with them) and `h` earlier ones of sum `H`, `R / (R + H)`
/// is beta distributed with `k` and `h`; the burst is unusual when a ratio this small has a probability below `false_alarm`.
pub(super) fn burst(
    instants: &[Timestamp],
    now: Timestamp,
    recent: usize,
    false_alarm: f64,
    least: usize,
) -> Option<(bool, Option<Timestamp>)> {
    let earlier = instants.len().checked_sub(recent + 1)?;
    if earlier == 0 || earlier < least {
        return None;
    }
    let (first, turn) = (instants.first()?.micros(), instants.get(earlier)?.micros());
    let history = (turn - first) as f64;
    let unusual = |micros: i64| {
        let recent_sum = (micros - turn) as f64;
        beta_at_most(recent_sum / (recent_sum + history), recent, earlier) < false_alarm
    };
    if !unusual(now.micros()) {
        return Some((false, None));
    }
    // The ratio only grows while nothing happens: the end of the burst is found by halving.
    let (mut yes, mut step) = (now.micros(), 1_i64);
    let mut no = loop {
        let at = yes.saturating_add(step).min(Timestamp::MAX.micros());
        if !unusual(at) {
            break at;
        }
        if at == Timestamp::MAX.micros() {
            return Some((true, None));
        }
        (yes, step) = (at, step.saturating_mul(2));
    };
    while no - yes > 1 {
        let middle = yes + (no - yes) / 2;
        if unusual(middle) { yes = middle } else { no = middle }
    }
    Some((true, Timestamp::from_micros(no).ok()))
}

/// The probability that a beta variable with whole `a` and `b`, both above 0, is at most `x`: that of at least `a` successes in
/// `a + b - 1` trials. Takes `a` steps.
fn beta_at_most(x: f64, a: usize, b: usize) -> f64 {
    if x >= 1.0 {
        return 1.0;
    }
    let trials = (a + b - 1) as f64;
    let odds = x / (1.0 - x);
    let mut term = libm::exp(trials * libm::log1p(-x));
    let mut below = 0.0;
    for successes in 0..a {
        below += term;
        let successes = successes as f64;
        term *= (trials - successes) / (successes + 1.0) * odds;
    }
    (1.0 - below).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::super::chance::Chance;
    use super::*;

    fn instants(gaps: &[f64]) -> Vec<Timestamp> {
        let mut at = 0.0;
        let mut list = vec![Timestamp::from_micros(0).unwrap()];
        for gap in gaps {
            at += (gap * 1e6).ceil().max(1.0);
            list.push(Timestamp::from_micros(at as i64).unwrap());
        }
        list
    }

    #[test]
    fn the_beta_distribution_is_that_of_tables() {
        // Uniform, and two tails of binomial distributions by hand.
        assert!((beta_at_most(0.3, 1, 1) - 0.3).abs() < 1e-12);
        assert!((beta_at_most(0.5, 2, 3) - 0.6875).abs() < 1e-12);
        assert!((beta_at_most(0.1, 3, 10) - 0.110_869_977_745).abs() < 1e-9);
    }

    #[test]
    fn silence_is_exact_at_the_edge() {
        let story = instants(&[100.0; 10]);
        let from = silent_from(&story, 0.01, 4).unwrap();
        // 1000 s times (0.01^(-1/10) - 1)
        let expected = 1000.0 * (0.01_f64.powf(-0.1) - 1.0);
        let found = (from.micros() - story[10].micros()) as f64 / 1e6;
        assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        assert_eq!(silent_from(&story[..4], 0.01, 4), None);
        assert!((silence_p(&story, from).unwrap() - 0.01).abs() < 1e-9);
        assert_eq!(silence_p(&story, story[10]), Some(1.0));
        assert_eq!(silence_p(&story[..1], from), None);
    }

    #[test]
    fn false_alarms_are_as_rare_as_declared() {
        let mut chance = Chance(7);
        let (mut silences, mut bursts) = (0, 0);
        let rounds = 20_000;
        for _ in 0..rounds {
            let gaps: Vec<f64> = (0..13).map(|_| -1000.0 * libm::log(1.0 - chance.next())).collect();
            let story = instants(&gaps);
            silences += usize::from(silent_from(&story[..13], 0.05, 4).unwrap() <= story[13]);
            bursts += usize::from(burst(&story, story[13], 4, 0.05, 4).unwrap().0);
        }
        for alarms in [silences, bursts] {
            let rate = alarms as f64 / f64::from(rounds);
            assert!((rate - 0.05).abs() < 0.006, "{rate}");
        }
    }

    #[test]
    fn a_burst_ends_at_its_instant() {
        let story = instants(&[1000.0, 1000.0, 1000.0, 1000.0, 1000.0, 1.0, 1.0, 1.0]);
        let now = story[8];
        let (unusual, until) = burst(&story, now, 3, 0.01, 4).unwrap();
        let until = until.unwrap();
        assert!(unusual && until > now);
        let before = until.saturating_add_micros(-1);
        assert!(burst(&story, before, 3, 0.01, 4).unwrap().0);
        assert!(!burst(&story, until, 3, 0.01, 4).unwrap().0);
        assert_eq!(burst(&story, now, 3, 0.01, 6), None);
        assert!((burst_p(&story, until, 3).unwrap() - 0.01).abs() < 1e-9);
        assert_eq!(burst_p(&story, now, 8), None);
    }
}
