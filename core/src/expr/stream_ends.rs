//! What streams come to in the end: averages, values by how often they occur, quantiles, rates and streaks.

use super::stream_reach::Reach;
use super::value_ops::{self, Fault};
use crate::value::{Decimal, Duration, Timestamp, Unit, Value, Zone};

/// Microseconds of a day.
const DAY: f64 = 86_400_000_000.0;

pub(super) fn average(sum: &Value, count: i64) -> Result<Value, Fault> {
    match sum {
        Value::Int(sum) => Ok(Value::Double(*sum as f64 / count as f64)),
        Value::Uint(sum) => Ok(Value::Double(*sum as f64 / count as f64)),
        Value::Double(sum) => Ok(Value::Double(sum / count as f64)),
        Value::Decimal(sum) => {
            sum.average(u64::try_from(count).unwrap_or(0)).map(Value::Decimal).map_err(value_ops::decimal_fault)
        }
        Value::Duration(sum) => Ok(Value::Duration(Duration::from_nanos(sum.nanos() / count.max(1)))),
        other => Err(Fault::no_overload("avg", std::slice::from_ref(other))),
    }
}

/// The value with the most occurrences, two at least; of several the smallest.
pub(super) fn most_frequent(mut values: Vec<Value>) -> Option<Value> {
    values.sort_by(value_ops::total_order);
    let mut best: Option<(usize, &Value)> = None;
    for run in values.chunk_by(|a, b| value_ops::total_order(a, b).is_eq()) {
        if run.len() >= 2 && best.is_none_or(|(count, _)| run.len() > count) {
            best = run.first().map(|value| (run.len(), value));
        }
    }
    best.map(|(_, value)| value.clone())
}

/// The value with the fewest occurrences; of several the smallest.
pub(super) fn least_frequent(mut values: Vec<Value>) -> Option<Value> {
    values.sort_by(value_ops::total_order);
    let runs = values.chunk_by(|a, b| value_ops::total_order(a, b).is_eq());
    // Of equally long runs the first counts.
    runs.min_by_key(|run| run.len()).and_then(|run| run.first()).cloned()
}

/// The smallest value that at least a share of all do not exceed: the nearest rank, without interpolation, so that the
/// quantile of amounts is one of them.
pub(super) fn quantile(mut values: Vec<Value>, share: Decimal) -> Option<Value> {
    values.sort_by(value_ops::total_order);
    let count = i128::try_from(values.len()).ok()?;
    let whole = 10_i128.checked_pow(u32::from(share.scale()))?;
    let parts = share.units().checked_mul(count)?;
    let rank = (parts.div_euclid(whole) + i128::from(parts.rem_euclid(whole) > 0)).clamp(1, count.max(1));
    values.get(usize::try_from(rank - 1).ok()?).cloned()
}

/// How many a day, unknown for no length of time; and whether that changes with every instant.
pub(super) fn rate(count: i64, first: Option<Timestamp>, reach: &Reach) -> (Option<f64>, bool) {
    let Some((start, rolls)) = reach.start.or_else(|| first.map(|first| (first, false))) else {
        return (None, false);
    };
    // What ends before `now` ends just before an instant of its own.
    let end = reach.span.until.micros().saturating_add(i64::from(!reach.open));
    let micros = end.saturating_sub(start.micros());
    let still = if rolls { !reach.ends } else { !reach.open };
    if micros <= 0 {
        return (None, !still);
    }
    (Some(count as f64 / (micros as f64 / DAY)), !still && count > 0)
}

/// How many units of the calendar in a row have an event, up to the one that holds `now`, or up to the one before while this
/// one has none. `starts` are the first instants of the units that have one, in order.
pub(super) fn streak(starts: &[Timestamp], unit: Unit, now: Timestamp, zone: Zone) -> i64 {
    let before = |start: Timestamp| unit.start(start.saturating_add_micros(-1), zone);
    let mut expected = unit.start(now, zone);
    let mut starts = starts.iter().rev().peekable();
    if starts.peek().is_some_and(|last| **last != expected) {
        expected = before(expected);
    }
    let mut length = 0;
    for start in starts {
        if *start != expected {
            break;
        }
        length += 1;
        expected = before(expected);
    }
    length
}
