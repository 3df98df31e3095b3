use super::{Reader, StateError, Writer};
use crate::value::{Currency, Date, Decimal, Duration, Moment, Point, Value};
use std::sync::Arc;

/// How deep lists and maps may nest.
const DEPTH: u32 = 64;

/// A value that says itself what it is. What only expressions have (types, optional values) is written as null.
pub(crate) fn write_value(writer: &mut Writer, value: &Value) {
    match value {
        Value::Null | Value::Type(_) | Value::Optional(_) => writer.byte(0),
        Value::Bool(false) => writer.byte(1),
        Value::Bool(true) => writer.byte(2),
        Value::Int(number) => {
            writer.byte(3);
            writer.signed(*number);
        }
        Value::Uint(number) => {
            writer.byte(4);
            writer.varint(*number);
        }
        Value::Double(number) => {
            writer.byte(5);
            writer.raw(&number.to_bits().to_le_bytes());
        }
        Value::Decimal(number) => {
            writer.byte(6);
            write_unit(writer, number.scale(), number.currency());
            writer.wide(number.units());
        }
        Value::String(text) => {
            writer.byte(7);
            writer.text(text);
        }
        Value::Bytes(bytes) => {
            writer.byte(8);
            writer.size(bytes.len());
            writer.raw(bytes);
        }
        Value::List(items) => {
            writer.byte(9);
            writer.size(items.len());
            items.iter().for_each(|item| write_value(writer, item));
        }
        Value::Map(entries) => {
            writer.byte(10);
            writer.size(entries.len());
            for (key, value) in entries.iter() {
                write_value(writer, key);
                write_value(writer, value);
            }
        }
        Value::Timestamp(time) => {
            writer.byte(11);
            writer.signed(time.seconds());
            writer.varint(u64::from(time.nanos()));
        }
        Value::Duration(length) => {
            writer.byte(12);
            writer.signed(length.nanos());
        }
        Value::Date(date) => {
            writer.byte(13);
            writer.signed(i64::from(date.days()));
        }
        Value::Point(point) => {
            writer.byte(14);
            writer.raw(&point.bits().to_le_bytes());
        }
    }
}

/// Reads what [`write_value`] wrote.
pub(crate) fn read_value(reader: &mut Reader<'_>) -> Result<Value, StateError> {
    read_within(reader, DEPTH)
}

fn read_within(reader: &mut Reader<'_>, depth: u32) -> Result<Value, StateError> {
    let Some(deeper) = depth.checked_sub(1) else { return Err(reader.corrupt("lists nested at most 64 deep")) };
    Ok(match reader.byte()? {
        0 => Value::Null,
        1 => Value::Bool(false),
        2 => Value::Bool(true),
        3 => Value::Int(reader.signed()?),
        4 => Value::Uint(reader.varint()?),
        5 => Value::Double(f64::from_bits(reader.eight()?)),
        6 => {
            let (scale, currency) = read_unit(reader)?;
            Value::Decimal(Decimal::new(reader.wide()?, scale, currency))
        }
        7 => Value::text(reader.text()?),
        8 => {
            let length = reader.count(1)?;
            Value::Bytes(Arc::from(reader.take(length)?))
        }
        9 => {
            let count = reader.count(1)?;
            let items: Result<Vec<Value>, StateError> = (0..count).map(|_| read_within(reader, deeper)).collect();
            Value::List(items?.into())
        }
        10 => {
            let count = reader.count(2)?;
            let entries: Result<Vec<(Value, Value)>, StateError> =
                (0..count).map(|_| Ok((read_within(reader, deeper)?, read_within(reader, deeper)?))).collect();
            Value::Map(entries?.into())
        }
        11 => {
            let seconds = reader.signed()?;
            let nanos = u32::try_from(reader.varint()?).map_err(|_| reader.corrupt("nanoseconds"))?;
            Value::Timestamp(Moment::new(seconds, nanos).map_err(|_| reader.corrupt("a time between the years 1 and 9999"))?)
        }
        12 => Value::Duration(Duration::from_nanos(reader.signed()?)),
        13 => {
            let date = i32::try_from(reader.signed()?).ok().and_then(Date::from_days);
            Value::Date(date.ok_or_else(|| reader.corrupt("a date between the years 1 and 9999"))?)
        }
        14 => {
            let point = Point::from_bits(reader.eight()?);
            let point = Point::new(point.latitude(), point.longitude());
            Value::Point(point.ok_or_else(|| reader.corrupt("a point on the earth"))?)
        }
        _ => return Err(reader.corrupt("the kind of a value")),
    })
}

/// Digits after the point, and the three letters of a currency or a zero.
pub(crate) fn write_unit(writer: &mut Writer, scale: u8, currency: Option<Currency>) {
    writer.byte(scale);
    match currency {
        Some(currency) => writer.raw(&currency.letters()),
        None => writer.byte(0),
    }
}

pub(crate) fn read_unit(reader: &mut Reader<'_>) -> Result<(u8, Option<Currency>), StateError> {
    let scale = reader.byte()?;
    if scale > Decimal::MAX_SCALE {
        return Err(reader.corrupt("at most 22 digits after the point"));
    }
    if reader.rest().first() == Some(&0) {
        reader.byte()?;
        return Ok((scale, None));
    }
    let letters = reader.utf8(3)?;
    let currency = Currency::parse(letters).ok_or_else(|| reader.corrupt("a currency of three capital letters"))?;
    Ok((scale, Some(currency)))
}
