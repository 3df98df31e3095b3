//! Aggregates over columns: what visiting events one by one comes to, without visiting them.

use super::evaluate::{Machine, earlier};
use super::row_test::{RowTest, RowTests};
use super::stream::{Stream, Tally, Terminal};
use super::stream_reach::Reach;
use super::value_ops::{self, Fault};
use super::{Bits, RunColumn};
use crate::value::{Decimal, Timestamp, Value};
use std::borrow::Cow;

/// Gathers a stream from the columns of the story; `None` when it has to be gathered from visits: the source keeps no columns,
/// a condition is not known for some event, or the arithmetic has no answer.
pub(super) fn gather(
    machine: &Machine<'_>,
    stream: &Stream,
    reach: &Reach,
    until: Option<Timestamp>,
) -> Option<Result<Tally, Fault>> {
    let conditions = stream.tests.as_ref()?;
    let (conditions, column) = match stream.property {
        Some(property) => {
            let mut with = Cow::Borrowed(conditions);
            let place = conditions.properties.iter().position(|known| *known == property);
            let place = place.unwrap_or_else(|| with.to_mut().column(property));
            (with, Some(place))
        }
        None => (Cow::Borrowed(conditions), None),
    };
    let run = stream.told(machine.facts)?.run(&stream.kinds, reach.span, &conditions.properties)?;
    // A column is read many events at a time.
    if let Err(fault) = machine.take_steps(run.times.len() as u64 / 64) {
        return Some(Err(fault));
    }
    let rows = Rows::of(&conditions, &run.columns, run.times.len())?;
    let mut tally = Tally::until(until);
    tally.certain = i64::try_from(rows.count()).unwrap_or(i64::MAX);
    tally.first = rows.first().and_then(|row| run.times.get(row)).copied();
    tally.last = rows.last().and_then(|row| run.times.get(row)).copied();
    if let Some(first) = tally.first {
        for length in &reach.lengths {
            tally.until = earlier(tally.until, Some(first.saturating_add_micros(*length)));
        }
    }
    let column = column.and_then(|place| run.columns.get(place));
    tally.take_column(stream, column, &rows)?;
    Some(Ok(tally))
}

/// The events that count: all, or those listed.
enum Rows {
    All(usize),
    Some(Vec<usize>),
}

impl Rows {
    fn of(conditions: &RowTests, columns: &[RunColumn<'_>], rows: usize) -> Option<Self> {
        if conditions.tests.is_empty() {
            return Some(Rows::All(rows));
        }
        let mut chosen = Vec::new();
        for row in 0..rows {
            // The conditions of a chain are looked at in turn, as a visit does.
            let mut holds = true;
            for test in &conditions.tests {
                if !RowTest::holds(test, columns, row)? {
                    holds = false;
                    break;
                }
            }
            if holds {
                chosen.push(row);
            }
        }
        Some(Rows::Some(chosen))
    }

    fn count(&self) -> usize {
        match self {
            Rows::All(rows) => *rows,
            Rows::Some(rows) => rows.len(),
        }
    }

    fn first(&self) -> Option<usize> {
        self.iter().next()
    }

    fn last(&self) -> Option<usize> {
        self.iter().next_back()
    }

    fn iter(&self) -> Box<dyn DoubleEndedIterator<Item = usize> + '_> {
        match self {
            Rows::All(rows) => Box::new(0..*rows),
            Rows::Some(rows) => Box::new(rows.iter().copied()),
        }
    }
}

impl Tally {
    /// Takes in the values of the property.
    fn take_column(&mut self, stream: &Stream, column: Option<&RunColumn<'_>>, rows: &Rows) -> Option<()> {
        match stream.terminal {
            Terminal::Count | Terminal::Exists | Terminal::SinceLast | Terminal::SinceFirst => return Some(()),
            Terminal::Rate => return Some(()),
            _ if self.certain == 0 => return Some(()),
            _ => {}
        }
        let column = column?;
        let told = rows.iter().filter(|row| column.has(*row)).count();
        self.told = i64::try_from(told).ok()?;
        if told == 0 {
            return Some(());
        }
        match stream.terminal {
            Terminal::Sum | Terminal::Avg => self.value = Some(sum(stream.terminal, column, rows)?),
            Terminal::First => self.value = rows.iter().find_map(|row| column.value(row)),
            Terminal::Last => self.value = rows.iter().rev().find_map(|row| column.value(row)),
            Terminal::Min | Terminal::Max => self.value = Some(extreme(stream.terminal, column, rows)?),
            Terminal::CountDistinct => self.distinct = Some(distinct(column, rows)?),
            _ => return None,
        }
        Some(())
    }
}

/// The sum as a visit adds it up; `None` on overflow and for what is no number.
fn sum(terminal: Terminal, column: &RunColumn<'_>, rows: &Rows) -> Option<Value> {
    let RunColumn::Bits { bits, meaning, .. } = column else { return None };
    let values = || rows.iter().filter(|row| column.has(*row)).filter_map(|row| bits.get(row).copied());
    match meaning {
        Bits::Int => values().try_fold(0_i64, |sum, bits| sum.checked_add(bits.cast_signed())).map(Value::Int),
        Bits::Uint => values().try_fold(0_u64, u64::checked_add).map(Value::Uint),
        Bits::Double => {
            // A left fold in the order of the story, a sum from zero on, an average from the first value on.
            let values = values().map(f64::from_bits);
            let sum = if terminal == Terminal::Sum {
                Some(values.fold(0.0, |sum, value| sum + value))
            } else {
                values.reduce(|sum, value| sum + value)
            };
            sum.map(Value::Double)
        }
        Bits::Decimal { scale, currency } => {
            let units = values().try_fold(0_i128, |sum, bits| sum.checked_add(i128::from(bits.cast_signed())))?;
            Some(Value::Decimal(Decimal::new(units, *scale, *currency)))
        }
        Bits::Bool | Bits::Timestamp | Bits::Duration | Bits::Date | Bits::Point => None,
    }
}

fn extreme(terminal: Terminal, column: &RunColumn<'_>, rows: &Rows) -> Option<Value> {
    use super::ast::BinaryOp;
    let op = if terminal == Terminal::Min { BinaryOp::Less } else { BinaryOp::Greater };
    let mut best: Option<Value> = None;
    for value in rows.iter().filter_map(|row| column.value(row)) {
        let better = match &best {
            Some(best) => value_ops::holds(op, value_ops::compare(op, &value, best).ok()?),
            None => true,
        };
        if better {
            best = Some(value);
        }
    }
    best
}

/// How many different values there are. Doubles are left to a visit: equal ones may have different bits.
fn distinct(column: &RunColumn<'_>, rows: &Rows) -> Option<i64> {
    let mut seen: Vec<u64> = Vec::new();
    let mut take = |value: u64| {
        // Lines of one order follow each other.
        if seen.last() != Some(&value) {
            seen.push(value);
        }
    };
    match column {
        RunColumn::Codes { codes, .. } => {
            rows.iter().filter_map(|row| codes.get(row)).filter(|code| **code != 0).for_each(|code| take(u64::from(*code)));
        }
        RunColumn::Bits { meaning: Bits::Double, .. } | RunColumn::Absent => return None,
        RunColumn::Bits { bits, .. } => {
            rows.iter().filter(|row| column.has(*row)).filter_map(|row| bits.get(row)).for_each(|bits| take(*bits));
        }
    }
    seen.sort_unstable();
    seen.dedup();
    i64::try_from(seen.len()).ok()
}
