use super::Beta;

/// Somebody in a race that the highest score wins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Racer {
    /// The score is known.
    Fixed(f64),
    /// The score is a rate that is drawn, times a weight.
    Drawn(Beta, f64),
}

/// Beyond so many racers times points the grid is coarser.
const POINTS: usize = 16_384;

impl Racer {
    fn simple(self) -> Self {
        match self {
            Racer::Drawn(_, weight) if weight.abs() < f64::MIN_POSITIVE => Racer::Fixed(0.0),
            other => other,
        }
    }

    /// Where its score practically lies.
    fn range(&self) -> (f64, f64) {
        match self {
            Racer::Fixed(score) => (*score, *score),
            Racer::Drawn(beta, weight) => {
                let (mean, deviation) = (beta.mean(), beta.deviation());
                let low = (mean - 10.0 * deviation).max(0.0) * weight;
                let high = (mean + 20.0 * deviation).min(1.0) * weight;
                (low.min(high), low.max(high))
            }
        }
    }

    /// The probability that the score is below, or at, some score.
    fn below(&self, score: f64) -> f64 {
        match self {
            Racer::Fixed(own) if *own <= score => 1.0,
            Racer::Fixed(_) => 0.0,
            Racer::Drawn(beta, weight) if *weight > 0.0 => beta.below(score / weight),
            Racer::Drawn(beta, weight) => 1.0 - beta.below(score / weight),
        }
    }
}

/// The probability of each racer to win, and how far that may be off. Of equal scores the earlier racer's counts.
///
/// A racer wins when its score is the highest: the integral of the product of the others' distribution functions over its own. The
/// integral is taken by trapezes over a grid of scores (128 steps, fewer for more than 128 racers) whose steps are smallest at the lowest
/// and at the highest score that can win, where distributions are steep when rates are near 0 or 1. The error that is stated is the difference to every second step, about three times what the sum is off.
pub(crate) fn race(racers: &[Racer]) -> Vec<(f64, f64)> {
    let racers: Vec<Racer> = racers.iter().map(|racer| racer.simple()).collect();
    // Of those whose score is known only the best can win.
    let mut fixed: Option<(usize, f64)> = None;
    for (place, racer) in racers.iter().enumerate() {
        if let Racer::Fixed(score) = racer
            && fixed.is_none_or(|(_, best)| score.total_cmp(&best).is_gt())
        {
            fixed = Some((place, *score));
        }
    }
    let runs = |place: usize, racer: &Racer| matches!(racer, Racer::Drawn(..)) || fixed.is_some_and(|(best, _)| best == place);
    let running: Vec<(usize, Racer)> =
        racers.iter().copied().enumerate().filter(|(place, racer)| runs(*place, racer)).collect();
    let mut chances = vec![(0.0, 0.0); racers.len()];
    let low = running.iter().map(|(_, racer)| racer.range().0).fold(f64::NEG_INFINITY, f64::max);
    let high = running.iter().map(|(_, racer)| racer.range().1).fold(f64::NEG_INFINITY, f64::max);
    let floor = fixed.is_some_and(|(_, best)| best >= low);
    let steps = (POINTS / running.len().max(1)).clamp(16, 128) / 2 * 2;
    let scores: Vec<f64> = (0..=steps)
        .map(|step| {
            let share = step as f64 / steps as f64;
            low + (high - low) * share * share * share * (10.0 + share * (6.0 * share - 15.0))
        })
        .collect();
    let table: Vec<Vec<f64>> =
        running.iter().map(|(_, racer)| scores.iter().map(|score| racer.below(*score)).collect()).collect();
    // The product of all others is that of those before and those after.
    let ones = vec![1.0; scores.len()];
    let times = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).collect::<Vec<f64>>();
    let mut after = vec![ones.clone()];
    for row in table.iter().rev() {
        let last = after.last().unwrap_or(&ones);
        after.push(times(last, row));
    }
    after.pop();
    let mut before = ones;
    for (((place, racer), row), after) in running.iter().zip(&table).zip(after.iter().rev()) {
        let others = times(&before, after);
        let (chance, off);
        match racer {
            Racer::Fixed(score) => {
                off = 0.0;
                let own = |other: &&(usize, Racer)| other.0 != *place;
                chance = running.iter().filter(own).map(|(_, other)| other.below(*score)).product();
            }
            Racer::Drawn(..) => {
                let fine = integral(row, &others, floor, 1);
                (chance, off) = (fine, (fine - integral(row, &others, floor, 2)).abs());
            }
        }
        if let Some(place) = chances.get_mut(*place) {
            *place = (chance.clamp(0.0, 1.0), off.max(0.0));
        }
        before = times(&before, row);
    }
    chances
}

/// The integral of what grows with a distribution over that distribution, both given at the points of a grid of which every `nth` is
/// taken; below and above the grid the product goes from 0, and to 1.
fn integral(own: &[f64], others: &[f64], floor: bool, nth: usize) -> f64 {
    // Below a score that is known nobody else wins.
    let below = if floor { 0.0 } else { others.first().copied().unwrap_or(0.0) / 2.0 };
    let mut last = (own.first().copied().unwrap_or(0.0), others.first().copied().unwrap_or(0.0));
    let mut sum = last.0 * below;
    let points = own.iter().copied().zip(others.iter().copied()).step_by(nth).skip(1);
    for (share, product) in points.chain([(1.0, 1.0)]) {
        sum += (share - last.0) * (product + last.1) / 2.0;
        last = (share, product);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::Draws;
    use proptest::prelude::*;

    /// P(A > B) of two Beta distributions with whole parameters, by the sum of Evan Miller (2014).
    fn closed(a: (u32, u32), b: (u32, u32)) -> f64 {
        let ln_beta = |a: f64, b: f64| libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b);
        let [a1, b1, a2, b2] = [a.0, a.1, b.0, b.1].map(f64::from);
        (0..a.0)
            .map(f64::from)
            .map(|i| libm::exp(ln_beta(a2 + i, b1 + b2) - libm::log(b1 + i) - ln_beta(1.0 + i, b1) - ln_beta(a2, b2)))
            .sum::<f64>()
            + 0.0 * a1
    }

    proptest! {
        #[test]
        fn of_two_the_chances_are_those_of_the_closed_form(a in (1_u32..60, 1_u32..60), b in (1_u32..60, 1_u32..60)) {
            let drawn = |(a, b): (u32, u32)| Racer::Drawn(Beta::new(f64::from(a), f64::from(b)), 1.0);
            let found = race(&[drawn(a), drawn(b)]);
            let (chance, off) = found[0];
            prop_assert!((chance - closed(a, b)).abs() <= off + 1e-4, "{chance} for {}", closed(a, b));
            prop_assert!((chance - closed(a, b)).abs() < 2e-3, "{chance} for {}", closed(a, b));
        }

        #[test]
        fn somebody_wins(racers in prop::collection::vec(
            prop_oneof![
                (0.3_f64..50.0, 0.3_f64..50.0, -2.0_f64..5.0).prop_map(|(a, b, w)| Racer::Drawn(Beta::new(a, b), w)),
                (-1.0_f64..3.0).prop_map(Racer::Fixed),
            ], 1..8)) {
            let found = race(&racers);
            let sum: f64 = found.iter().map(|(chance, _)| chance).sum();
            let off: f64 = found.iter().map(|(_, off)| off).sum();
            prop_assert!((sum - 1.0).abs() <= off + 2e-3, "{found:?}");
        }
    }

    /// All pairs of whole parameters on a lattice, those near 0 and 1 among them.
    #[test]
    fn chances_of_two_are_near_the_closed_form_everywhere() {
        let sides: Vec<(u32, u32)> = [1, 2, 5, 20, 59].into_iter().flat_map(|a| [1, 2, 5, 20, 59].map(|b| (a, b))).collect();
        for a in &sides {
            for b in &sides {
                let drawn = |(a, b): (u32, u32)| Racer::Drawn(Beta::new(f64::from(a), f64::from(b)), 1.0);
                let (chance, off) = race(&[drawn(*a), drawn(*b)])[0];
                let error = (chance - closed(*a, *b)).abs();
                assert!(error < 2e-3 && error <= off + 1e-4, "{a:?} {b:?}: {chance} for {}, off {off}", closed(*a, *b));
            }
        }
    }

    #[test]
    fn chances_are_how_often_draws_win() {
        let arms = [(Beta::new(0.4, 19.6), 2.0), (Beta::new(12.0, 300.0), 1.0), (Beta::new(3.0, 40.0), 0.8)];
        let mut wins = [0_u32; 4];
        for customer in 0..20_000 {
            let draws = Draws::of(1, 0, &customer.to_string());
            let scores: Vec<f64> = arms
                .iter()
                .enumerate()
                .map(|(arm, (beta, weight))| beta.quantile(draws.number(&arm.to_string())) * weight)
                .chain([0.03])
                .collect();
            let best = (0..4).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap_or(0);
            wins[best] += 1;
        }
        let racers: Vec<Racer> =
            arms.iter().map(|(beta, weight)| Racer::Drawn(*beta, *weight)).chain([Racer::Fixed(0.03)]).collect();
        for (won, (chance, off)) in wins.iter().zip(race(&racers)) {
            let share = f64::from(*won) / 20_000.0;
            assert!((share - chance).abs() < 0.02 + off, "{wins:?}, {:?}", race(&racers));
        }
    }
}
