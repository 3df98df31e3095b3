/// How long something takes: the number of values, their mean and their median, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Spread {
    pub(super) mean: f64,
    /// Of an even number the lower of the two in the middle.
    pub(super) median: f64,
}

/// The spread of microseconds by group: `groups` says to which of `count` groups each value belongs. Groups without values have
/// none. Takes time in proportion to the number of values.
pub(super) fn spreads(groups: &[u32], micros: &[i64], count: usize) -> Vec<Option<Spread>> {
    let mut starts = vec![0_usize; count + 1];
    for group in groups {
        if let Some(next) = starts.get_mut(*group as usize + 1) {
            *next += 1;
        }
    }
    for group in 0..count {
        starts[group + 1] += starts[group];
    }
    let mut places = starts.clone();
    let mut sorted = vec![0_i64; groups.len()];
    for (group, value) in groups.iter().zip(micros) {
        if let Some(place) = places.get_mut(*group as usize) {
            if let Some(cell) = sorted.get_mut(*place) {
                *cell = *value;
            }
            *place += 1;
        }
    }
    (0..count).map(|group| sorted.get_mut(starts[group]..starts[group + 1]).and_then(spread)).collect()
}

/// The spread of microseconds, which are put into another order; `None` of nothing.
pub(super) fn spread(micros: &mut [i64]) -> Option<Spread> {
    let middle = micros.len().checked_sub(1)? / 2;
    let sum: i128 = micros.iter().map(|value| i128::from(*value)).sum();
    let (_, median, _) = micros.select_nth_unstable(middle);
    let median = *median as f64 / SECOND;
    Some(Spread { mean: sum as f64 / micros.len() as f64 / SECOND, median })
}

const SECOND: f64 = 1_000_000.0;
