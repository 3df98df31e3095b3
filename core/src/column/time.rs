use super::{Column, ColumnError, Values};
use crate::value::Timestamp;
use std::fmt;

/// What a column of timestamps counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TimeUnit {
    /// Seconds.
    Second,
    /// 1/1,000 of a second.
    Millisecond,
    /// 1/1,000,000 of a second.
    Microsecond,
    /// 1/1,000,000,000 of a second.
    Nanosecond,
}

impl TimeUnit {
    /// Microseconds, rounded down; `None` beyond 64 bits.
    pub(super) fn micros(self, ticks: i64) -> Option<i64> {
        match self {
            TimeUnit::Second => ticks.checked_mul(1_000_000),
            TimeUnit::Millisecond => ticks.checked_mul(1_000),
            TimeUnit::Microsecond => Some(ticks),
            TimeUnit::Nanosecond => Some(ticks.div_euclid(1_000)),
        }
    }
}

impl fmt::Display for TimeUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TimeUnit::Second => "s",
            TimeUnit::Millisecond => "ms",
            TimeUnit::Microsecond => "us",
            TimeUnit::Nanosecond => "ns",
        })
    }
}

const DAY: i64 = 86_400_000_000;

impl Column<'_> {
    /// All rows at once, when they are timestamps in microseconds and none is null. They may be out of range, see [`timestamp`](Self::timestamp).
    #[must_use]
    pub fn micros_slice(&self) -> Option<&[i64]> {
        match &self.values {
            Values::Timestamp { ticks, unit: TimeUnit::Microsecond, .. }
                if self.validity.is_none() && self.parent.is_none() =>
            {
                Some(ticks)
            }
            _ => None,
        }
    }

    /// The instant of a row; `None` when it is null. Nanoseconds are rounded down to microseconds, a date is its midnight in UTC,
    /// and text is read as RFC 3339.
    ///
    /// # Errors
    /// `wrong_type` when the column holds no times, `wrong_value` outside of the years 1 to 9999 or for other text, `no_such_row`
    /// beyond the end.
    pub fn timestamp(&self, row: usize) -> Result<Option<Timestamp>, ColumnError> {
        self.read(row, |column, row| {
            let micros = match &column.values {
                Values::Timestamp { ticks, unit, .. } => {
                    let Some(ticks) = ticks.get(row) else { return Ok(None) };
                    unit.micros(*ticks)
                }
                Values::Date(days) => {
                    let Some(days) = days.get(row).map(|days| i64::from(*days)) else { return Ok(None) };
                    days.checked_mul(DAY)
                }
                Values::Text { .. } | Values::Views { .. } => {
                    let text = column.text_at(row)?;
                    return Timestamp::parse(text)
                        .map(Some)
                        .map_err(|_| ColumnError::wrong_value("a time as RFC 3339 has it, such as `2026-03-29T02:30:00Z`"));
                }
                _ => return Err(column.refused("timestamps")),
            };
            let time = micros.and_then(|micros| Timestamp::from_micros(micros).ok());
            time.map(Some).ok_or_else(|| ColumnError::wrong_value("a time from the years 1 to 9999"))
        })
    }
}
