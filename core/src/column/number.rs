use super::{Column, ColumnError, Values};
use crate::value::{Currency, Decimal, DecimalError};
use std::borrow::Cow;
use std::ops::Range;

/// Whole numbers of one width.
#[derive(Debug, Clone)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the variants are named as their types")]
pub enum Ints<'a> {
    I8(Cow<'a, [i8]>),
    I16(Cow<'a, [i16]>),
    I32(Cow<'a, [i32]>),
    I64(Cow<'a, [i64]>),
    U8(Cow<'a, [u8]>),
    U16(Cow<'a, [u16]>),
    U32(Cow<'a, [u32]>),
    U64(Cow<'a, [u64]>),
}

macro_rules! ints {
    ($($variant:ident $int:ident $name:literal),*) => {
        $(
            impl<'a> From<&'a [$int]> for Ints<'a> {
                fn from(numbers: &'a [$int]) -> Self {
                    Ints::$variant(numbers.into())
                }
            }

            impl<'a, const N: usize> From<&'a [$int; N]> for Ints<'a> {
                fn from(numbers: &'a [$int; N]) -> Self {
                    Ints::$variant(numbers.as_slice().into())
                }
            }

            impl<'a> From<Cow<'a, [$int]>> for Ints<'a> {
                fn from(numbers: Cow<'a, [$int]>) -> Self {
                    Ints::$variant(numbers)
                }
            }
        )*

        impl Ints<'_> {
            /// How many numbers there are.
            #[must_use]
            pub fn len(&self) -> usize {
                match self {
                    $(Ints::$variant(numbers) => numbers.len(),)*
                }
            }

            /// A number, whatever its width; `None` beyond the end.
            #[inline]
            #[must_use]
            pub fn get(&self, i: usize) -> Option<i128> {
                match self {
                    $(Ints::$variant(numbers) => numbers.get(i).map(|number| i128::from(*number)),)*
                }
            }

            /// A number as an index; `None` beyond the end or when it is negative.
            #[inline]
            pub(super) fn index(&self, i: usize) -> Option<usize> {
                match self {
                    $(Ints::$variant(numbers) => numbers.get(i).and_then(|number| usize::try_from(*number).ok()),)*
                }
            }

            /// Some of the numbers as indices; the greatest number stands for one that is none. `None` when there are not so many.
            pub(super) fn indices(&self, rows: Range<usize>, into: &mut Vec<u32>) -> Option<()> {
                into.clear();
                match self {
                    $(Ints::$variant(numbers) => {
                        into.extend(numbers.get(rows)?.iter().map(|number| u32::try_from(*number).unwrap_or(u32::MAX)));
                    })*
                }
                Some(())
            }

            pub(super) fn type_name(&self) -> &'static str {
                match self {
                    $(Ints::$variant(_) => $name,)*
                }
            }
        }
    };
}

ints!(I8 i8 "int8", I16 i16 "int16", I32 i32 "int32", I64 i64 "int64", U8 u8 "uint8", U16 u16 "uint16", U32 u32 "uint32", U64 u64 "uint64");

impl Ints<'_> {
    /// Some of the numbers in 64 bits; `None` when one does not fit, or there are not so many.
    pub(super) fn widened(&self, rows: Range<usize>) -> Option<Cow<'_, [i64]>> {
        fn wide<T: Copy + Into<i64>>(numbers: &[T], rows: Range<usize>) -> Option<Cow<'_, [i64]>> {
            Some(Cow::Owned(numbers.get(rows)?.iter().map(|number| (*number).into()).collect()))
        }
        match self {
            Ints::I8(numbers) => wide(numbers, rows),
            Ints::I16(numbers) => wide(numbers, rows),
            Ints::I32(numbers) => wide(numbers, rows),
            Ints::I64(numbers) => numbers.get(rows).map(Cow::Borrowed),
            Ints::U8(numbers) => wide(numbers, rows),
            Ints::U16(numbers) => wide(numbers, rows),
            Ints::U32(numbers) => wide(numbers, rows),
            Ints::U64(numbers) => {
                let numbers: Option<Vec<i64>> = numbers.get(rows)?.iter().map(|number| i64::try_from(*number).ok()).collect();
                numbers.map(Cow::Owned)
            }
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn shown(&self, i: usize) -> String {
        self.get(i).map_or_else(|| "nothing".into(), |number| number.to_string())
    }
}

const WHOLE: &str = "a whole number";

impl Column<'_> {
    /// All rows at once, when they are 64-bit integers and none is null.
    #[must_use]
    pub fn whole_slice(&self) -> Option<&[i64]> {
        match &self.values {
            Values::Int(Ints::I64(numbers)) if self.validity.is_none() && self.parent.is_none() => Some(numbers),
            _ => None,
        }
    }

    /// All rows at once, when they are doubles and none is null.
    #[must_use]
    pub fn double_slice(&self) -> Option<&[f64]> {
        match &self.values {
            Values::Double(numbers) if self.validity.is_none() && self.parent.is_none() => Some(numbers),
            _ => None,
        }
    }

    /// The whole number of a row; `None` when it is null. Doubles and decimals count when they are whole, because data frames
    /// turn whole numbers into doubles as soon as one is null.
    ///
    /// # Errors
    /// `wrong_type` when the column holds no numbers, `wrong_value` for one with a fraction or beyond 64 bits, `no_such_row` beyond
    /// the end.
    #[inline]
    pub fn int(&self, row: usize) -> Result<Option<i64>, ColumnError> {
        self.read(row, |column, row| match &column.values {
            Values::Int(Ints::I64(numbers)) => Ok(numbers.get(row).copied()),
            Values::Int(Ints::I32(numbers)) => Ok(numbers.get(row).map(|number| i64::from(*number))),
            _ => {
                let Some(number) = column.whole_at(row)? else { return Ok(None) };
                i64::try_from(number).map(Some).map_err(|_| ColumnError::wrong_value("a whole number of 64 bits"))
            }
        })
    }

    /// The whole number of a row, also above `i64::MAX`.
    pub(super) fn whole(&self, row: usize) -> Result<Option<i128>, ColumnError> {
        self.read(row, Self::whole_at)
    }

    fn whole_at(&self, row: usize) -> Result<Option<i128>, ColumnError> {
        match &self.values {
            Values::Int(numbers) => Ok(numbers.get(row)),
            Values::Double(numbers) => numbers.get(row).map(|number| whole_double(*number)).transpose(),
            Values::Float(numbers) => numbers.get(row).map(|number| whole_double(f64::from(*number))).transpose(),
            Values::Decimal { units, scale } => {
                units.get(row).map(|units| whole_decimal(i128::from_ne_bytes(*units), *scale)).transpose()
            }
            _ => Err(self.refused(WHOLE)),
        }
    }

    /// The double of a row; `None` when it is null. Whole numbers and decimals give the nearest double. May be NaN or infinite.
    ///
    /// # Errors
    /// `wrong_type` when the column holds no numbers, `no_such_row` beyond the end.
    #[inline]
    pub fn double(&self, row: usize) -> Result<Option<f64>, ColumnError> {
        self.read(row, |column, row| {
            Ok(match &column.values {
                Values::Double(numbers) => numbers.get(row).copied(),
                Values::Float(numbers) => numbers.get(row).map(|number| f64::from(*number)),
                #[expect(clippy::cast_precision_loss, reason = "the nearest double is what is promised")]
                Values::Int(numbers) => numbers.get(row).map(|number| number as f64),
                Values::Decimal { units, scale } => {
                    units.get(row).map(|units| nearest_double(i128::from_ne_bytes(*units), *scale))
                }
                _ => return Err(column.refused("a number")),
            })
        })
    }

    /// The truth value of a row; `None` when it is null.
    ///
    /// # Errors
    /// `wrong_type` when the column holds none, `no_such_row` beyond the end.
    #[inline]
    pub fn bool(&self, row: usize) -> Result<Option<bool>, ColumnError> {
        self.read(row, |column, row| match &column.values {
            Values::Bool(bits) => Ok(bits.get(row)),
            _ => Err(column.refused("bool")),
        })
    }

    /// The exact decimal of a row at `scale` digits after the point (at most [`Decimal::MAX_SCALE`]); `None` when it is null. Whole numbers count whole units,
    /// doubles are taken by their shortest text, and text is read as a number.
    ///
    /// # Errors
    /// `wrong_type` when the column holds neither numbers nor text, `wrong_value` when a digit would be lost or it is no number,
    /// `no_such_row` beyond the end, and for text as [`text`](Self::text).
    pub fn decimal(&self, row: usize, scale: u8, currency: Option<Currency>) -> Result<Option<Decimal>, ColumnError> {
        let scale = scale.min(Decimal::MAX_SCALE);
        self.read(row, |column, row| {
            let text = match &column.values {
                Values::Int(numbers) => {
                    let Some(number) = numbers.get(row) else { return Ok(None) };
                    let units = number.checked_mul(10_i128.pow(u32::from(scale)));
                    let decimal = units.map(|units| Decimal::new(units, scale, currency)).ok_or(DecimalError::Overflow);
                    return decimal.map(Some).map_err(|error| ColumnError::wrong_value(wanted(scale, currency, error)));
                }
                Values::Decimal { units, scale: own } => {
                    let Some(units) = units.get(row).map(|units| i128::from_ne_bytes(*units)) else { return Ok(None) };
                    if i16::from(*own) == i16::from(scale) {
                        return Ok(Some(Decimal::new(units, scale, currency)));
                    }
                    decimal_text(units, *own)
                }
                Values::Double(numbers) => {
                    let Some(number) = numbers.get(row) else { return Ok(None) };
                    if let Some(units) = short_units(*number, scale) {
                        return Ok(Some(Decimal::new(units, scale, currency)));
                    }
                    let decimal = Decimal::from_double(*number, scale, currency);
                    return decimal.map(Some).map_err(|error| ColumnError::wrong_value(wanted(scale, currency, error)));
                }
                // The shortest text of a single-precision number is not that of the double of the same value.
                Values::Float(numbers) => numbers.get(row).map(f32::to_string).unwrap_or_default(),
                Values::Text { .. } | Values::Views { .. } => column.text_at(row)?.to_owned(),
                _ => return Err(column.refused("a decimal number")),
            };
            let decimal = Decimal::parse(&text, scale, currency);
            decimal.map(Some).map_err(|error| ColumnError::wrong_value(wanted(scale, currency, error)))
        })
    }
}

fn wanted(scale: u8, currency: Option<Currency>, error: DecimalError) -> String {
    match currency {
        Some(currency) => format!("an amount of {currency} with {scale} digits after the point ({error})"),
        None => format!("a decimal with {scale} digits after the point ({error})"),
    }
}

/// What [`Decimal::from_double`] makes of a number whose shortest text has at most 15 digits, without making the text.
///
/// Two decimals of at most 15 digits never round to the same double (IEEE 754 binary64 keeps 15), and the shortest text of a
/// double has no more digits than any other text of it. So if such a decimal rounds to the number, it is the shortest text.
fn short_units(number: f64, scale: u8) -> Option<i128> {
    let power = POWERS.get(usize::from(scale))?;
    let units = (number * power).round();
    // Both are exact and the division rounds once, so it gives the double nearest to the decimal.
    let exact = units.abs() < 1e15 && units / power == number;
    #[expect(clippy::cast_possible_truncation, reason = "whole and below 10^15")]
    exact.then_some(i128::from(units as i64))
}

/// Doubles are whole numbers where neighbours are: from -2^53 to 2^53.
fn whole_double(number: f64) -> Result<i128, ColumnError> {
    const LIMIT: f64 = 9_007_199_254_740_992.0;
    if number.trunc() != number || number.abs() > LIMIT {
        return Err(ColumnError::wrong_value(WHOLE));
    }
    #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
    Ok(i128::from(number as i64))
}

fn whole_decimal(units: i128, scale: i8) -> Result<i128, ColumnError> {
    let power = 10_i128.checked_pow(u32::from(scale.unsigned_abs()));
    let whole = match power {
        _ if units == 0 => Some(0),
        Some(power) if scale < 0 => units.checked_mul(power),
        Some(power) if units % power == 0 => Some(units / power),
        _ => None,
    };
    whole.ok_or_else(|| ColumnError::wrong_value(WHOLE))
}

/// The double nearest to `units / 10^scale`.
fn nearest_double(units: i128, scale: i8) -> f64 {
    // Both are exact as doubles, and one division rounds once.
    match (i32::try_from(units), POWERS.get(usize::try_from(scale).unwrap_or(usize::MAX))) {
        (Ok(units), Some(power)) => f64::from(units) / power,
        _ => decimal_text(units, scale).parse().unwrap_or(f64::NAN),
    }
}

const POWERS: [f64; 9] = [1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8];

/// A decimal as text such as `1250e-2`.
fn decimal_text(units: i128, scale: i8) -> String {
    format!("{units}e{}", -i16::from(scale))
}
