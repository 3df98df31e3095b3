//! Columns of a batch: typed views over buffers that somebody else owns.
//!
//! A [`Batch`] is a table of named [`Column`]s. Its memory belongs to an Arrow producer or to a caller with plain arrays;
//! nothing is copied and building a column reads no rows. Every read checks its bounds and its text, so that malformed
//! buffers give a [`ColumnError`] for that row and nothing worse.

mod batch;
mod bits;
mod bulk;
mod convert;
mod error;
mod number;
mod text;
mod time;

pub use batch::Batch;
pub use bits::Bits;
pub use error::{ColumnError, ColumnProblem};
pub use number::Ints;
pub use text::Offsets;
pub use time::TimeUnit;

use std::borrow::Cow;
use std::fmt;

/// A borrowed, typed view of one column: its values, and which of them are null.
///
/// Rows count from 0. Reads take constant time and allocate nothing, except [`value_as`](Self::value_as) for new text.
/// Each read accepts the types whose values fit without a guess, and refuses the others with the code `wrong_type`.
///
/// # Examples
/// ```
/// use tactful::column::{Bits, Column};
/// let ages = Column::ints(&[41_i32, 0, 29]).with_validity(Bits::new(&[0b101], 0, 3)?)?;
/// assert_eq!(ages.int(0)?, Some(41));
/// assert_eq!(ages.int(1)?, None);
/// assert_eq!(ages.text(2).unwrap_err().to_string(), "row 2: expected text, found int32");
/// # Ok::<(), tactful::column::ColumnError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Column<'a> {
    values: Values<'a>,
    rows: usize,
    validity: Option<Bits<'a>>,
    /// Validity of the struct that the column is a field of.
    parent: Option<Bits<'a>>,
}

#[derive(Debug, Clone)]
enum Values<'a> {
    Null,
    Bool(Bits<'a>),
    Int(Ints<'a>),
    Float(Cow<'a, [f32]>),
    Double(Cow<'a, [f64]>),
    Decimal { units: &'a [[u8; 16]], scale: i8 },
    Text { offsets: Offsets<'a>, bytes: &'a [u8] },
    Views { views: &'a [[u8; 16]], buffers: Vec<&'a [u8]> },
    Dictionary { indices: Ints<'a>, entries: Box<Column<'a>> },
    Timestamp { ticks: Cow<'a, [i64]>, unit: TimeUnit, zone: Option<&'a str> },
    Date(Cow<'a, [i32]>),
    Unsupported(Box<str>),
}

impl<'a> Column<'a> {
    fn new(values: Values<'a>, rows: usize) -> Self {
        Column { values, rows, validity: None, parent: None }
    }

    /// Nothing but nulls.
    #[must_use]
    pub fn nulls(rows: usize) -> Self {
        Self::new(Values::Null, rows)
    }

    /// Truth values, one bit each.
    #[must_use]
    pub fn bools(bits: Bits<'a>) -> Self {
        Self::new(Values::Bool(bits), bits.len())
    }

    /// Whole numbers of any width.
    #[must_use]
    pub fn ints(numbers: impl Into<Ints<'a>>) -> Self {
        let numbers = numbers.into();
        let rows = numbers.len();
        Self::new(Values::Int(numbers), rows)
    }

    /// Single-precision numbers.
    #[must_use]
    pub fn floats(numbers: impl Into<Cow<'a, [f32]>>) -> Self {
        let numbers = numbers.into();
        let rows = numbers.len();
        Self::new(Values::Float(numbers), rows)
    }

    /// Double-precision numbers.
    #[must_use]
    pub fn doubles(numbers: impl Into<Cow<'a, [f64]>>) -> Self {
        let numbers = numbers.into();
        let rows = numbers.len();
        Self::new(Values::Double(numbers), rows)
    }

    /// Exact decimals `units / 10^scale`, each a 128-bit integer in the machine's byte order, at any alignment.
    #[must_use]
    pub fn decimals(units: &'a [[u8; 16]], scale: i8) -> Self {
        Self::new(Values::Decimal { units, scale }, units.len())
    }

    /// Text: row `i` is `bytes[offsets[i]..offsets[i + 1]]`, so there is one offset more than there are rows.
    #[must_use]
    pub fn texts(offsets: impl Into<Offsets<'a>>, bytes: &'a [u8]) -> Self {
        let offsets = offsets.into();
        let rows = offsets.len().saturating_sub(1);
        Self::new(Values::Text { offsets, bytes }, rows)
    }

    /// Text as Arrow's views: records of 16 bytes, with the text itself or a place in one of `buffers`.
    #[must_use]
    pub fn text_views(views: &'a [[u8; 16]], buffers: Vec<&'a [u8]>) -> Self {
        Self::new(Values::Views { views, buffers }, views.len())
    }

    /// Numbers into a column of distinct entries.
    ///
    /// # Errors
    /// `unsupported_type` when the entries are a dictionary themselves.
    pub fn dictionary(indices: impl Into<Ints<'a>>, entries: Column<'a>) -> Result<Self, ColumnError> {
        if matches!(entries.values, Values::Dictionary { .. }) {
            return Err(ColumnProblem::Unsupported {
                expected: "plain entries".into(),
                found: "a dictionary of dictionaries".into(),
            }
            .into());
        }
        let indices = indices.into();
        let rows = indices.len();
        Ok(Self::new(Values::Dictionary { indices, entries: Box::new(entries) }, rows))
    }

    /// Instants: ticks since 1970-01-01T00:00:00Z. The zone is only how a reader would show them; a column without one holds
    /// local times of nobody knows where, which are read as UTC (see [`zone`](Self::zone)).
    #[must_use]
    pub fn timestamps(ticks: impl Into<Cow<'a, [i64]>>, unit: TimeUnit, zone: Option<&'a str>) -> Self {
        let ticks = ticks.into();
        let rows = ticks.len();
        Self::new(Values::Timestamp { ticks, unit, zone }, rows)
    }

    /// Dates: days since 1970-01-01, read as their midnight in UTC.
    #[must_use]
    pub fn dates(days: impl Into<Cow<'a, [i32]>>) -> Self {
        let days = days.into();
        let rows = days.len();
        Self::new(Values::Date(days), rows)
    }

    /// A column that may stand in a batch and cannot be read. `found` says what it is.
    #[must_use]
    pub fn unsupported(found: impl Into<Box<str>>, rows: usize) -> Self {
        Self::new(Values::Unsupported(found.into()), rows)
    }

    /// The same column with a bit per row that says whether there is a value; a clear bit is null.
    ///
    /// # Errors
    /// `unequal_lengths` when there are fewer or more bits than rows.
    pub fn with_validity(self, validity: Bits<'a>) -> Result<Self, ColumnError> {
        self.same_length("validity bitmap", validity.len())?;
        Ok(Column { validity: Some(validity), ..self })
    }

    /// The same column as a field of a struct: where the struct is null, so is the field.
    ///
    /// # Errors
    /// `unequal_lengths` when there are fewer or more bits than rows.
    pub fn within(self, parent: Bits<'a>) -> Result<Self, ColumnError> {
        self.same_length("validity bitmap of the struct", parent.len())?;
        Ok(Column { parent: Some(parent), ..self })
    }

    fn same_length(&self, what: &str, rows: usize) -> Result<(), ColumnError> {
        if rows == self.rows {
            return Ok(());
        }
        Err(ColumnProblem::UnequalLengths { what: what.into(), expected: rows, found: self.rows }.into())
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Whether there is no value in a row; so for rows beyond the end.
    #[must_use]
    pub fn is_null(&self, row: usize) -> bool {
        self.is_masked(row)
            || match &self.values {
                Values::Null => true,
                Values::Dictionary { indices, entries } => {
                    indices.index(row).is_some_and(|entry| entry < entries.rows && entries.is_null(entry))
                }
                _ => row >= self.rows,
            }
    }

    #[inline]
    fn is_masked(&self, row: usize) -> bool {
        let clear = |bits: &Option<Bits<'_>>| bits.is_some_and(|bits| bits.get(row) != Some(true));
        clear(&self.validity) || clear(&self.parent)
    }

    /// The zone of a column of timestamps, when it has one.
    #[must_use]
    pub fn zone(&self) -> Option<&'a str> {
        match &self.plain().values {
            Values::Timestamp { zone, .. } => *zone,
            _ => None,
        }
    }

    /// The distinct entries, when the column is a dictionary: what is worked out
    /// once per entry need not be worked out per row, see [`entry`](Self::entry).
    #[must_use]
    pub fn entries(&self) -> Option<&Column<'a>> {
        match &self.values {
            Values::Dictionary { entries, .. } => Some(entries),
            _ => None,
        }
    }

    /// Which of the [`entries`](Self::entries) a row has; `None` when the row is null.
    ///
    /// # Errors
    /// `wrong_type` when the column is no dictionary, `malformed` when there is no such entry, `no_such_row` beyond the end.
    pub fn entry(&self, row: usize) -> Result<Option<usize>, ColumnError> {
        if !self.holds(row)? {
            return Ok(None);
        }
        match &self.values {
            Values::Dictionary { indices, entries } => entry_of(indices, entries, row).map(Some),
            _ => Err(self.refused("a dictionary")),
        }
        .map_err(|error| error.at(row))
    }

    /// What the column holds, as errors name it: `int64`, `text`, `dictionary of text`.
    #[must_use]
    pub fn type_name(&self) -> String {
        self.to_string()
    }

    /// The column without its dictionary.
    fn plain(&self) -> &Column<'a> {
        self.entries().unwrap_or(self)
    }

    /// Whether there is a row and not masked as null.
    #[inline]
    fn holds(&self, row: usize) -> Result<bool, ColumnError> {
        if row >= self.rows {
            return Err(ColumnError::from(ColumnProblem::NoSuchRow { rows: self.rows }).at(row));
        }
        Ok(!self.is_masked(row))
    }

    /// Reads a row with `read`, which sees the column without its dictionary and the row in it.
    #[inline]
    fn read<T>(
        &self,
        row: usize,
        read: impl FnOnce(&Column<'a>, usize) -> Result<Option<T>, ColumnError>,
    ) -> Result<Option<T>, ColumnError> {
        if !self.holds(row)? {
            return Ok(None);
        }
        match &self.values {
            Values::Null => Ok(None),
            Values::Dictionary { indices, entries } => entry_of(indices, entries, row)
                .and_then(|entry| if entries.is_null(entry) { Ok(None) } else { read(entries, entry) }),
            _ => read(self, row),
        }
        .map_err(|error| error.at(row))
    }

    #[cold]
    fn refused(&self, expected: &str) -> ColumnError {
        let (expected, found) = (expected.into(), self.type_name().into());
        match self.plain().values {
            Values::Unsupported(_) => ColumnProblem::Unsupported { expected, found },
            _ => ColumnProblem::WrongType { expected, found },
        }
        .into()
    }
}

#[inline]
fn entry_of(indices: &Ints<'_>, entries: &Column<'_>, row: usize) -> Result<usize, ColumnError> {
    indices.index(row).filter(|entry| *entry < entries.rows).ok_or_else(|| {
        ColumnError::malformed(format!("a dictionary index from 0 to below {}", entries.rows), indices.shown(row))
    })
}

impl fmt::Display for Column<'_> {
    /// The name of the type.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.values {
            Values::Null => f.write_str("null"),
            Values::Bool(_) => f.write_str("bool"),
            Values::Int(numbers) => f.write_str(numbers.type_name()),
            Values::Float(_) => f.write_str("float"),
            Values::Double(_) => f.write_str("double"),
            Values::Decimal { scale, .. } => write!(f, "decimal128({scale})"),
            Values::Text { .. } | Values::Views { .. } => f.write_str("text"),
            Values::Dictionary { entries, .. } => write!(f, "dictionary of {entries}"),
            Values::Timestamp { unit, zone: None, .. } => write!(f, "timestamp({unit})"),
            Values::Timestamp { unit, zone: Some(zone), .. } => write!(f, "timestamp({unit}, {zone})"),
            Values::Date(_) => f.write_str("date"),
            Values::Unsupported(found) => f.write_str(found),
        }
    }
}

#[cfg(test)]
mod tests;
