use super::{Column, ColumnError, ColumnProblem, Values};
use crate::value::{Duration, Moment, Type, Value};
use std::sync::Arc;

impl Column<'_> {
    /// The value of a row as the declared type has it; `None` when it is null.
    ///
    /// Text is read as the declared type writes it, for tables such as CSV that know nothing else: `12`, `-0.5`, `true`. Other
    /// numbers and times convert as [`int`](Self::int), [`double`](Self::double), [`decimal`](Self::decimal) and
    /// [`timestamp`](Self::timestamp) say; durations are read from text such as `90d`; `dyn` takes what the column holds.
    ///
    /// # Errors
    /// `wrong_type`, `wrong_value`, `unsupported_type` when the declared type cannot stand in a column (bytes, lists, maps), and
    /// those of the reads named above.
    pub fn value_as(&self, row: usize, declared: &Type) -> Result<Option<Value>, ColumnError> {
        if matches!(declared, Type::Bool | Type::Int | Type::Uint | Type::Double) && self.is_text() {
            return self.parsed(row, declared);
        }
        Ok(match declared {
            Type::Bool => self.bool(row)?.map(Value::Bool),
            Type::Int => self.int(row)?.map(Value::Int),
            Type::Uint => match self.whole(row)? {
                None => None,
                Some(number) => {
                    let number = u64::try_from(number)
                        .map_err(|_| ColumnError::wrong_value("a whole number from 0 to 2^64 - 1").at(row))?;
                    Some(Value::Uint(number))
                }
            },
            Type::Double => self.double(row)?.map(Value::Double),
            Type::Decimal { scale } => self.decimal(row, *scale, None)?.map(Value::Decimal),
            Type::Money { currency, scale } => self.decimal(row, *scale, Some(*currency))?.map(Value::Decimal),
            Type::String => self.text(row)?.map(Value::text),
            Type::Enum(names) => self.member(row, names)?.map(Value::String),
            Type::Timestamp => self.timestamp(row)?.map(|time| Value::Timestamp(Moment::from(time))),
            Type::Duration => self.duration(row)?.map(Value::Duration),
            Type::Date => match &self.plain().values {
                Values::Text { .. } | Values::Views { .. } => self.as_text(row, declared, "a date such as `2000-02-29`")?,
                _ => match self.timestamp(row)? {
                    None => None,
                    Some(time) => {
                        let day = Value::from(time).coerce(declared);
                        Some(day.map_err(|_| ColumnError::wrong_value("a day without a time of day").at(row))?)
                    }
                },
            },
            Type::Point => self.as_text(row, declared, "a point such as `52.52,13.405`")?,
            Type::PostalCode { .. } if !self.is_text() => match self.int(row)? {
                None => None,
                Some(number) => {
                    let code = Value::Int(number).coerce(declared);
                    Some(code.map_err(|_| ColumnError::wrong_value("a postal code").at(row))?)
                }
            },
            Type::PostalCode { .. } => self.as_text(row, declared, "a postal code such as `DE-10115`")?,
            Type::Dyn => self.any(row)?,
            Type::Null => self.read(row, |column, _| Err(column.refused("null")))?,
            Type::Bytes | Type::List(_) | Type::Map(..) | Type::Type | Type::Optional(_) | Type::Stream | Type::Event => {
                self.read(row, |column, _| {
                    let (expected, found) =
                        (format!("{declared} (which no column can hold)").into(), column.type_name().into());
                    Err(ColumnProblem::Unsupported { expected, found }.into())
                })?
            }
        })
    }

    /// A value that is written as text.
    fn as_text(&self, row: usize, declared: &Type, expected: &'static str) -> Result<Option<Value>, ColumnError> {
        let Some(text) = self.text(row)? else { return Ok(None) };
        let value = Value::text(text).coerce(declared);
        value.map(Some).map_err(|_| ColumnError::wrong_value(expected).at(row))
    }

    fn is_text(&self) -> bool {
        matches!(self.plain().values, Values::Text { .. } | Values::Views { .. })
    }

    /// A number or truth value out of text.
    fn parsed(&self, row: usize, declared: &Type) -> Result<Option<Value>, ColumnError> {
        let Some(text) = self.text(row)? else { return Ok(None) };
        let (value, expected) = match declared {
            Type::Bool => (text.parse().ok().map(Value::Bool), "`true` or `false`"),
            Type::Int => (text.parse().ok().map(Value::Int), "a whole number of 64 bits"),
            Type::Uint => (text.parse().ok().map(Value::Uint), "a whole number from 0 to 2^64 - 1"),
            _ => (text.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Double), "a finite number"),
        };
        value.map(Some).ok_or_else(|| ColumnError::wrong_value(expected).at(row))
    }

    fn member(&self, row: usize, names: &[Arc<str>]) -> Result<Option<Arc<str>>, ColumnError> {
        let Some(text) = self.text(row)? else { return Ok(None) };
        match names.iter().find(|name| ***name == *text) {
            Some(name) => Ok(Some(name.clone())),
            None => {
                let names: Vec<String> = names.iter().take(12).map(|name| format!("`{name}`")).collect();
                Err(ColumnError::wrong_value(format!("one of {}", names.join(", "))).at(row))
            }
        }
    }

    fn duration(&self, row: usize) -> Result<Option<Duration>, ColumnError> {
        let Some(text) = self.text(row)? else { return Ok(None) };
        let wrong = |_| ColumnError::wrong_value("a duration such as `90d` or `1h30m`").at(row);
        Duration::parse(text).map(Some).map_err(wrong)
    }

    fn any(&self, row: usize) -> Result<Option<Value>, ColumnError> {
        Ok(match &self.plain().values {
            Values::Null => None,
            Values::Bool(_) => self.bool(row)?.map(Value::Bool),
            Values::Int(_) => self.whole(row)?.and_then(|number| match i64::try_from(number) {
                Ok(number) => Some(Value::Int(number)),
                Err(_) => u64::try_from(number).ok().map(Value::Uint),
            }),
            Values::Float(_) | Values::Double(_) => self.double(row)?.map(Value::Double),
            Values::Decimal { scale, .. } => self.decimal(row, u8::try_from(*scale).unwrap_or(0), None)?.map(Value::Decimal),
            Values::Text { .. } | Values::Views { .. } => self.text(row)?.map(Value::text),
            Values::Timestamp { .. } | Values::Date(_) => self.timestamp(row)?.map(|time| Value::Timestamp(Moment::from(time))),
            // Entries are never a dictionary themselves.
            Values::Dictionary { .. } | Values::Unsupported(_) => self.read(row, |column, _| Err(column.refused("a value")))?,
        })
    }
}
