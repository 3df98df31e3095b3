//! The rules of static types: what may be compared, added and put into one list.

use super::ast::BinaryOp;
use crate::value::{Decimal, DecimalError, Type, Value};

/// The type of a constant.
pub(super) fn of(value: &Value) -> Type {
    match value {
        Value::Null => Type::Null,
        Value::Bool(_) => Type::Bool,
        Value::Int(_) => Type::Int,
        Value::Uint(_) => Type::Uint,
        Value::Double(_) => Type::Double,
        Value::Decimal(amount) => match amount.currency() {
            Some(currency) => Type::Money { currency, scale: amount.scale() },
            None => Type::Decimal { scale: amount.scale() },
        },
        Value::String(_) => Type::String,
        Value::Bytes(_) => Type::Bytes,
        Value::List(_) => Type::List(Box::new(Type::Dyn)),
        Value::Map(_) => Type::Map(Box::new(Type::Dyn), Box::new(Type::Dyn)),
        Value::Timestamp(_) => Type::Timestamp,
        Value::Duration(_) => Type::Duration,
        Value::Date(_) => Type::Date,
        Value::Point(_) => Type::Point,
        Value::Type(_) => Type::Type,
        Value::Optional(held) => Type::Optional(Box::new(held.as_ref().map_or(Type::Dyn, |held| of(held)))),
    }
}

/// The type that a name denotes, as CEL spells it.
pub(super) fn denoted(name: &str) -> Option<&'static str> {
    Some(match name {
        "bool" => "bool",
        "int" => "int",
        "uint" => "uint",
        "double" => "double",
        "decimal" => "decimal",
        "string" => "string",
        "bytes" => "bytes",
        "list" => "list",
        "map" => "map",
        "null_type" => "null_type",
        "type" => "type",
        "optional_type" => "optional_type",
        "google.protobuf.Timestamp" => "google.protobuf.Timestamp",
        "google.protobuf.Duration" => "google.protobuf.Duration",
        "geo_point" => "geo_point",
        _ => return None,
    })
}

/// Whether values of a type are numbers.
pub(super) fn is_number(ty: &Type) -> bool {
    matches!(ty, Type::Int | Type::Uint | Type::Double) || is_decimal(ty)
}

fn is_decimal(ty: &Type) -> bool {
    matches!(ty, Type::Decimal { .. } | Type::Money { .. })
}

fn is_text(ty: &Type) -> bool {
    matches!(ty, Type::String | Type::Enum(_) | Type::PostalCode { .. })
}

/// Whether values of two types may be equal.
pub(super) fn comparable(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::Stream | Type::Event, _) | (_, Type::Stream | Type::Event) => false,
        (Type::Dyn | Type::Null, _) | (_, Type::Dyn | Type::Null) => true,
        (Type::Money { currency: a, .. }, Type::Money { currency: b, .. }) => a == b,
        (Type::Double, other) | (other, Type::Double) if is_decimal(other) => false,
        (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) => comparable(a, b),
        (Type::Map(a, b), Type::Map(c, d)) => comparable(a, c) && comparable(b, d),
        _ => a == b || (is_number(a) && is_number(b)) || (is_text(a) && is_text(b)),
    }
}

/// The type of an operator's result, or a hint when it does not take these types.
pub(super) fn binary(op: BinaryOp, a: &Type, b: &Type) -> Result<Type, Option<String>> {
    if *a == Type::Dyn || *b == Type::Dyn {
        return Ok(if op.is_comparison() || op == BinaryOp::In { Type::Bool } else { Type::Dyn });
    }
    match op {
        BinaryOp::Equal | BinaryOp::NotEqual if comparable(a, b) => Ok(Type::Bool),
        BinaryOp::Less | BinaryOp::LessEqual | BinaryOp::Greater | BinaryOp::GreaterEqual
            if comparable(a, b) && ordered(a) && ordered(b) =>
        {
            Ok(Type::Bool)
        }
        BinaryOp::In => match b {
            Type::List(element) if comparable(a, element) => Ok(Type::Bool),
            Type::Map(key, _) if comparable(a, key) => Ok(Type::Bool),
            _ => Err(None),
        },
        BinaryOp::Add => add(a, b).ok_or_else(|| hint(op, a, b)),
        BinaryOp::Subtract => subtract(a, b).ok_or_else(|| hint(op, a, b)),
        BinaryOp::Multiply => multiply(a, b).ok_or_else(|| hint(op, a, b)),
        BinaryOp::Divide if a == b && matches!(a, Type::Int | Type::Uint | Type::Double) => Ok(a.clone()),
        BinaryOp::Remainder if a == b && matches!(a, Type::Int | Type::Uint) => Ok(a.clone()),
        _ => Err(hint(op, a, b)),
    }
}

fn ordered(ty: &Type) -> bool {
    is_number(ty) || is_text(ty) || matches!(ty, Type::Bool | Type::Bytes | Type::Timestamp | Type::Duration | Type::Date)
}

fn hint(op: BinaryOp, a: &Type, b: &Type) -> Option<String> {
    match (a, b) {
        (Type::Money { currency: a, .. }, Type::Money { currency: b, .. }) if a != b => {
            Some(format!("amounts of {a} and {b} do not mix; compare their numbers with `double(x)` when that is meant"))
        }
        _ if (is_decimal(a) && *b == Type::Double)
            || (is_decimal(b) && *a == Type::Double)
            || (is_decimal(a) && is_decimal(b)) =>
        {
            Some("convert exact numbers with `double(x)`".to_string())
        }
        _ if is_number(a) && is_number(b) => Some("convert one of them, such as with `double(x)`".to_string()),
        _ if op == BinaryOp::Add && (is_text(a) || is_text(b)) => Some("convert to text with `string(x)`".to_string()),
        _ => None,
    }
}

fn add(a: &Type, b: &Type) -> Option<Type> {
    match (a, b) {
        (Type::Int | Type::Uint | Type::Double | Type::Bytes | Type::Duration, _) if a == b => Some(a.clone()),
        (Type::Timestamp, Type::Duration) | (Type::Duration, Type::Timestamp) => Some(Type::Timestamp),
        (Type::List(_), Type::List(_)) => {
            Some(join((a, false), (b, false)).map_or(Type::List(Box::new(Type::Dyn)), |(ty, _)| ty))
        }
        _ if is_text(a) && is_text(b) => Some(Type::String),
        _ => same_decimal(a, b),
    }
}

fn subtract(a: &Type, b: &Type) -> Option<Type> {
    match (a, b) {
        (Type::Int | Type::Uint | Type::Double | Type::Duration, _) if a == b => Some(a.clone()),
        (Type::Timestamp, Type::Timestamp) | (Type::Date, Type::Date) => Some(Type::Duration),
        (Type::Timestamp, Type::Duration) => Some(Type::Timestamp),
        _ => same_decimal(a, b),
    }
}

fn multiply(a: &Type, b: &Type) -> Option<Type> {
    match (a, b) {
        (Type::Int | Type::Uint | Type::Double, _) if a == b => Some(a.clone()),
        (amount, Type::Int) | (Type::Int, amount) if is_decimal(amount) => Some(amount.clone()),
        _ => None,
    }
}

/// Plus and minus of exact numbers: one kind, at the larger number of digits.
fn same_decimal(a: &Type, b: &Type) -> Option<Type> {
    match (a, b) {
        (Type::Decimal { scale: a }, Type::Decimal { scale: b }) => Some(Type::Decimal { scale: *a.max(b) }),
        (Type::Money { currency, scale: a }, Type::Money { currency: other, scale: b }) if currency == other => {
            Some(Type::Money { currency: *currency, scale: *a.max(b) })
        }
        _ => None,
    }
}

/// The type of either of two values, each with whether its open parts may still become anything.
pub(super) fn join(a: (&Type, bool), b: (&Type, bool)) -> Option<(Type, bool)> {
    let ((a, a_free), (b, b_free)) = (a, b);
    match (a, b) {
        _ if a == b => Some((a.clone(), a_free && b_free)),
        (Type::Dyn, other) if a_free => Some((other.clone(), b_free)),
        (other, Type::Dyn) if b_free => Some((other.clone(), a_free)),
        (Type::Dyn, _) | (_, Type::Dyn) => Some((Type::Dyn, false)),
        (Type::Null, other) | (other, Type::Null) if matches!(other, Type::Timestamp | Type::Duration | Type::Optional(_)) => {
            Some((other.clone(), false))
        }
        (Type::List(a), Type::List(b)) => {
            let (element, free) = join((a, a_free), (b, b_free))?;
            Some((Type::List(Box::new(element)), free))
        }
        (Type::Optional(a), Type::Optional(b)) => {
            let (held, free) = join((a, a_free), (b, b_free))?;
            Some((Type::Optional(Box::new(held)), free))
        }
        (Type::Map(a_key, a_value), Type::Map(b_key, b_value)) => {
            let (key, key_free) = join((a_key, a_free), (b_key, b_free))?;
            let (value, value_free) = join((a_value, a_free), (b_value, b_free))?;
            Some((Type::Map(Box::new(key), Box::new(value)), key_free && value_free))
        }
        _ if is_text(a) && is_text(b) => Some((Type::String, false)),
        _ => None,
    }
}

/// A number literal as an exact number: of the target's own type when `exact`, else with as many digits as it has.
pub(super) fn literal_decimal(source: &str, target: &Type, exact: bool) -> Result<(Value, Type), DecimalError> {
    let (currency, scale) = match target {
        Type::Money { currency, scale } => (Some(*currency), *scale),
        Type::Decimal { scale } => (None, *scale),
        _ => return Err(DecimalError::NotADecimal),
    };
    if let Some(digits) = source.strip_prefix("0x").or_else(|| source.strip_prefix("0X")) {
        let units = i128::from_str_radix(digits, 16).map_err(|_| DecimalError::NotADecimal)?;
        let value = Decimal::new(units, 0, currency);
        return Ok((Value::Decimal(value), of(&Value::Decimal(value))));
    }
    let value = match Decimal::parse(source, scale, currency) {
        Err(DecimalError::TooManyDigits) if !exact => Decimal::parse(source, Decimal::MAX_SCALE, currency)?,
        other => other?,
    };
    Ok((Value::Decimal(value), of(&Value::Decimal(value))))
}
