use crate::value::{Currency, Date, Decimal, Duration, Point, Timestamp, Value};
use smallvec::SmallVec;

/// Events of one type in a span, oldest first, as columns instead of visits.
#[derive(Debug)]
pub struct Run<'a> {
    /// When each happened.
    pub times: &'a [Timestamp],
    /// The columns asked for, in that order, as long as `times`.
    pub columns: SmallVec<[RunColumn<'a>; 4]>,
}

/// A property of the events of a run.
#[derive(Debug, Clone, Copy)]
pub enum RunColumn<'a> {
    /// Events of this type have no such property.
    Absent,
    /// Numbers, times and truth values in 64 bits.
    Bits {
        /// One per event.
        bits: &'a [u64],
        /// Which events lack it; empty when none does.
        missing: &'a [bool],
        /// What the bits mean.
        meaning: Bits,
    },
    /// Text by number.
    Codes {
        /// One per event; 0 for none.
        codes: &'a [u32],
        /// The texts.
        texts: RunTexts<'a>,
    },
}

/// Texts by number, from 1.
#[derive(Debug, Clone, Copy)]
pub struct RunTexts<'a> {
    /// All texts, one after the other.
    pub bytes: &'a str,
    /// Where each ends.
    pub ends: &'a [u32],
}

/// What 64 bits mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bits {
    /// 0 or 1.
    Bool,
    /// A signed number.
    Int,
    /// An unsigned number.
    Uint,
    /// The bits of a double.
    Double,
    /// Signed units of a decimal.
    Decimal {
        /// Digits after the point.
        scale: u8,
        /// The currency of money.
        currency: Option<Currency>,
    },
    /// Microseconds since 1970.
    Timestamp,
    /// Nanoseconds.
    Duration,
    /// Days since 1970.
    Date,
    /// Latitude and longitude.
    Point,
}

impl Bits {
    /// The value that the bits stand for.
    #[must_use]
    pub fn value(self, bits: u64) -> Value {
        let signed = bits.cast_signed();
        match self {
            Bits::Bool => Value::Bool(bits != 0),
            Bits::Int => Value::Int(signed),
            Bits::Uint => Value::Uint(bits),
            Bits::Double => Value::Double(f64::from_bits(bits)),
            Bits::Decimal { scale, currency } => Value::Decimal(Decimal::new(i128::from(signed), scale, currency)),
            // Only times within range are ever stored.
            Bits::Timestamp => Timestamp::from_micros(signed).map_or(Value::Null, Value::from),
            Bits::Duration => Value::Duration(Duration::from_nanos(signed)),
            Bits::Date => i32::try_from(signed).ok().and_then(Date::from_days).map_or(Value::Null, Value::Date),
            Bits::Point => Value::Point(Point::from_bits(bits)),
        }
    }
}

impl<'a> RunTexts<'a> {
    /// The text of a number; empty for 0.
    #[must_use]
    pub fn get(&self, code: u32) -> &'a str {
        let place = code as usize;
        let end = place.checked_sub(1).and_then(|place| self.ends.get(place)).copied().unwrap_or(0);
        let start = place.checked_sub(2).and_then(|place| self.ends.get(place)).copied().unwrap_or(0);
        self.bytes.get(start as usize..end as usize).unwrap_or("")
    }
}

impl<'a> RunColumn<'a> {
    /// The rows from `start` up to before `end`; `None` when there are fewer.
    pub(crate) fn slice(self, start: usize, end: usize) -> Option<Self> {
        Some(match self {
            RunColumn::Absent => RunColumn::Absent,
            RunColumn::Bits { bits, missing, meaning } => {
                RunColumn::Bits { bits: bits.get(start..end)?, missing: missing.get(start..end).unwrap_or(&[]), meaning }
            }
            RunColumn::Codes { codes, texts } => RunColumn::Codes { codes: codes.get(start..end)?, texts },
        })
    }

    /// The value of an event; `None` when it lacks the property.
    #[must_use]
    pub fn value(&self, row: usize) -> Option<Value> {
        match self {
            RunColumn::Absent => None,
            RunColumn::Bits { bits, missing, meaning } => {
                let absent = missing.get(row).copied().unwrap_or(false);
                bits.get(row).filter(|_| !absent).map(|bits| meaning.value(*bits))
            }
            RunColumn::Codes { .. } => self.text(row).map(Value::text),
        }
    }

    /// The text of an event; `None` when it lacks the property or that is no text.
    #[must_use]
    pub fn text(&self, row: usize) -> Option<&'a str> {
        match self {
            RunColumn::Codes { codes, texts } => codes.get(row).filter(|code| **code != 0).map(|code| texts.get(*code)),
            RunColumn::Absent | RunColumn::Bits { .. } => None,
        }
    }

    /// Whether an event has the property.
    #[must_use]
    pub fn has(&self, row: usize) -> bool {
        match self {
            RunColumn::Absent => false,
            RunColumn::Bits { bits, missing, .. } => row < bits.len() && !missing.get(row).copied().unwrap_or(false),
            RunColumn::Codes { codes, .. } => codes.get(row).is_some_and(|code| *code != 0),
        }
    }
}
