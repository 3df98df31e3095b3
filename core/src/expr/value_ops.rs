//! Equality, order and arithmetic over values, with CEL's exact semantics; shared by every evaluator.

use super::ast::BinaryOp;
use super::{ErrorCode, optional};
use crate::value::{Decimal, DecimalError, Duration, Moment, Value};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Why an operation has no result; its place is added by who asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) code: ErrorCode,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Fault { code, message: message.into() }
    }

    pub(super) fn overflow(what: &str) -> Self {
        Fault::new(ErrorCode::Overflow, format!("{what} is out of range"))
    }

    pub(super) fn no_overload(name: &str, args: &[Value]) -> Self {
        let types: Vec<&str> = args.iter().map(type_name).collect();
        Fault::new(ErrorCode::NoSuchOverload, format!("`{name}` does not take ({})", types.join(", ")))
    }
}

/// The name of a value's type, as `type(x)` gives it.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null_type",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Uint(_) => "uint",
        Value::Double(_) => "double",
        Value::Decimal(_) => "decimal",
        Value::String(_) => "string",
        Value::Bytes(_) => "bytes",
        Value::List(_) => "list",
        Value::Map(_) => "map",
        Value::Timestamp(_) => "google.protobuf.Timestamp",
        Value::Duration(_) => "google.protobuf.Duration",
        Value::Date(_) => "date",
        Value::Point(_) => "geo_point",
        Value::Type(_) => "type",
        Value::Optional(_) => "optional_type",
    }
}

/// CEL equality: numbers by amount whatever their type, values of different types are different, NaN equals nothing.
pub(super) fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| equal(a, b)),
        (Value::Map(a), Value::Map(b)) => maps_equal(a, b),
        (Value::Optional(a), Value::Optional(b)) => match (a, b) {
            (Some(a), Some(b)) => equal(a, b),
            (a, b) => a.is_none() && b.is_none(),
        },
        (Value::Double(a), Value::Double(b)) => a == b,
        (Value::Decimal(a), Value::Decimal(b)) => a.compare(*b) == Some(Ordering::Equal),
        _ => match number_order(a, b) {
            Some(order) => order == Some(Ordering::Equal),
            None => a == b,
        },
    }
}

fn maps_equal(a: &[(Value, Value)], b: &[(Value, Value)]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let entries: BTreeMap<Key<'_>, &Value> = b.iter().filter_map(|(key, value)| Some((Key::of(key)?, value))).collect();
    a.iter().all(|(key, value)| Key::of(key).and_then(|key| entries.get(&key)).is_some_and(|other| equal(value, other)))
}

/// A map key under CEL equality: `1`, `1u` and `1.0` are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key<'a> {
    Bool(bool),
    Number(i128),
    Text(&'a str),
}

impl<'a> Key<'a> {
    /// The key that a value asks for; `None` when no map has such a key.
    pub(super) fn of(value: &'a Value) -> Option<Self> {
        Some(match value {
            Value::Bool(truth) => Key::Bool(*truth),
            Value::Int(number) => Key::Number(i128::from(*number)),
            Value::Uint(number) => Key::Number(i128::from(*number)),
            Value::Double(number) if number.trunc() == *number && number.abs() < 1e20 => Key::Number(*number as i128),
            Value::String(text) => Key::Text(text),
            _ => return None,
        })
    }
}

/// The value under a key.
pub(super) fn get<'a>(entries: &'a [(Value, Value)], key: &Value) -> Option<&'a Value> {
    let key = Key::of(key)?;
    entries.iter().find(|(other, _)| Key::of(other) == Some(key)).map(|(_, value)| value)
}

/// A map out of entries.
pub(super) fn map(entries: Vec<(Value, Value)>) -> Result<Value, Fault> {
    let mut keys = std::collections::BTreeSet::new();
    for (key, _) in &entries {
        let usable = matches!(key, Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::String(_));
        let Some(known) = Key::of(key).filter(|_| usable) else {
            let message = format!("a map key is a bool, int, uint or string, not a {}", type_name(key));
            return Err(Fault::new(ErrorCode::UnsupportedKey, message));
        };
        if !keys.insert(known) {
            return Err(Fault::new(ErrorCode::DuplicateKey, "a key appears twice in this map"));
        }
    }
    drop(keys);
    Ok(Value::Map(Arc::from(entries)))
}

/// `base[index]`.
pub(super) fn index(base: &Value, index: &Value) -> Result<Value, Fault> {
    match base {
        Value::Optional(_) => optional::index(base, index),
        Value::List(items) => {
            let Some(Key::Number(at)) = Key::of(index).filter(|_| !matches!(index, Value::Bool(_))) else {
                return Err(Fault::no_overload("_[_]", &[base.clone(), index.clone()]));
            };
            let found = usize::try_from(at).ok().and_then(|at| items.get(at));
            found
                .cloned()
                .ok_or_else(|| Fault::new(ErrorCode::IndexOutOfRange, format!("no element {at} in a list of {}", items.len())))
        }
        Value::Map(entries) => get(entries, index).cloned().ok_or_else(|| no_key(index)),
        _ => Err(Fault::no_overload("_[_]", &[base.clone(), index.clone()])),
    }
}

/// `base.field`.
pub(super) fn select(base: &Value, field: &str) -> Result<Value, Fault> {
    if matches!(base, Value::Optional(_)) {
        return optional::select(base, field);
    }
    let Value::Map(entries) = base else {
        return Err(Fault::new(ErrorCode::NoSuchOverload, format!("a {} has no field `{field}`", type_name(base))));
    };
    field_of(entries, field).cloned().ok_or_else(|| no_key(&Value::text(field)))
}

/// The value under a text key.
pub(super) fn field_of<'a>(entries: &'a [(Value, Value)], field: &str) -> Option<&'a Value> {
    entries.iter().find(|(key, _)| key.as_text() == Some(field)).map(|(_, value)| value)
}

fn no_key(key: &Value) -> Fault {
    Fault::new(ErrorCode::NoSuchKey, format!("no such key: {}", super::print::value_text(key)))
}

/// The order of two numbers of any type: outer `None` when one of them is no number, inner `None` for NaN or two
/// currencies.
fn number_order(a: &Value, b: &Value) -> Option<Option<Ordering>> {
    Some(match (a, b) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Uint(a), Value::Uint(b)) => Some(a.cmp(b)),
        (Value::Double(a), Value::Double(b)) => a.partial_cmp(b),
        (Value::Decimal(a), Value::Decimal(b)) => a.compare(*b),
        (Value::Int(a), Value::Uint(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
        (Value::Uint(a), Value::Int(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
        (Value::Double(double), other) => whole(other).map_or_else(
            || decimal(other).map(|decimal| decimal_double(decimal, *double).map(Ordering::reverse)),
            |number| Some(whole_double(number, *double).map(Ordering::reverse)),
        )?,
        (other, Value::Double(double)) => whole(other).map_or_else(
            || decimal(other).map(|decimal| decimal_double(decimal, *double)),
            |number| Some(whole_double(number, *double)),
        )?,
        (Value::Decimal(decimal), other) => decimal.compare(Decimal::new(whole(other)?, 0, None)),
        (other, Value::Decimal(decimal)) => Decimal::new(whole(other)?, 0, None).compare(*decimal),
        _ => return None,
    })
}

fn whole(value: &Value) -> Option<i128> {
    match value {
        Value::Int(number) => Some(i128::from(*number)),
        Value::Uint(number) => Some(i128::from(*number)),
        _ => None,
    }
}

fn decimal(value: &Value) -> Option<Decimal> {
    match value {
        Value::Decimal(decimal) => Some(*decimal),
        _ => None,
    }
}

/// As the standard has it: the integer as the nearest double, unless the double lies outside of all integers.
fn whole_double(number: i128, double: f64) -> Option<Ordering> {
    (number as f64).partial_cmp(&double)
}

/// Exact: no rounding of the integer. NaN comes last.
fn whole_double_exactly(number: i128, double: f64) -> Ordering {
    if double.is_nan() {
        return Ordering::Less;
    }
    if double.abs() >= 1e20 {
        return if double > 0.0 { Ordering::Less } else { Ordering::Greater };
    }
    let floor = double.floor();
    number.cmp(&(floor as i128)).then(if double > floor { Ordering::Less } else { Ordering::Equal })
}

/// By the double's shortest decimal text, so that 12.5 means 12.5 exactly.
fn decimal_double(decimal: Decimal, double: f64) -> Option<Ordering> {
    match Decimal::from_double(double, Decimal::MAX_SCALE, None) {
        Ok(other) => decimal.compare(other),
        Err(_) => decimal.to_double().partial_cmp(&double),
    }
}

/// The order of two values of types that have one; `None` for NaN.
pub(super) fn compare(op: BinaryOp, a: &Value, b: &Value) -> Result<Option<Ordering>, Fault> {
    if let Some(order) = number_order(a, b) {
        let currencies = matches!((a, b), (Value::Decimal(_), Value::Decimal(_))) && order.is_none();
        return if currencies { Err(decimal_fault(DecimalError::Currencies)) } else { Ok(order) };
    }
    Ok(Some(match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Bytes(a), Value::Bytes(b)) => a.cmp(b),
        (Value::Timestamp(a), Value::Timestamp(b)) => a.cmp(b),
        (Value::Duration(a), Value::Duration(b)) => a.cmp(b),
        (Value::Date(a), Value::Date(b)) => a.cmp(b),
        _ => return Err(Fault::no_overload(op.symbol(), &[a.clone(), b.clone()])),
    }))
}

/// Whether an order is what an ordering operator asks for.
pub(super) fn holds(op: BinaryOp, order: Option<Ordering>) -> bool {
    match (op, order) {
        (BinaryOp::Less, Some(order)) => order.is_lt(),
        (BinaryOp::LessEqual, Some(order)) => order.is_le(),
        (BinaryOp::Greater, Some(order)) => order.is_gt(),
        (BinaryOp::GreaterEqual, Some(order)) => order.is_ge(),
        (BinaryOp::Equal, order) => order == Some(Ordering::Equal),
        (BinaryOp::NotEqual, order) => order != Some(Ordering::Equal),
        _ => false,
    }
}

/// A total order over all values, for sorting: by kind, then numbers by exact amount, text by code points, NaN last.
///
/// Unlike [`compare`] it never rounds and never mixes decimals with other numbers: an order for sorting must be consistent.
pub(super) fn total_order(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Double(a), Value::Double(b)) => a.partial_cmp(b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan())),
        (Value::Double(double), Value::Int(_) | Value::Uint(_)) => {
            whole(b).map_or(Ordering::Equal, |b| whole_double_exactly(b, *double).reverse())
        }
        (Value::Int(_) | Value::Uint(_), Value::Double(double)) => {
            whole(a).map_or(Ordering::Equal, |a| whole_double_exactly(a, *double))
        }
        (Value::Int(_) | Value::Uint(_), Value::Int(_) | Value::Uint(_)) => whole(a).cmp(&whole(b)),
        (Value::Decimal(a), Value::Decimal(b)) => {
            a.currency().cmp(&b.currency()).then_with(|| a.compare(*b).unwrap_or(Ordering::Equal))
        }
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::String(a), Value::String(b)) | (Value::Type(a), Value::Type(b)) => a.cmp(b),
        (Value::Bytes(a), Value::Bytes(b)) => a.cmp(b),
        (Value::Timestamp(a), Value::Timestamp(b)) => a.cmp(b),
        (Value::Duration(a), Value::Duration(b)) => a.cmp(b),
        (Value::Date(a), Value::Date(b)) => a.cmp(b),
        (Value::Point(a), Value::Point(b)) => a.cmp(b),
        (Value::List(a), Value::List(b)) => {
            let first = a.iter().zip(b.iter()).map(|(a, b)| total_order(a, b)).find(|order| order.is_ne());
            first.unwrap_or_else(|| a.len().cmp(&b.len()))
        }
        (Value::Optional(a), Value::Optional(b)) => match (a, b) {
            (Some(a), Some(b)) => total_order(a, b),
            (a, b) => a.is_some().cmp(&b.is_some()),
        },
        (Value::Map(a), Value::Map(b)) => {
            let entries = a.iter().zip(b.iter());
            let first =
                entries.map(|(a, b)| total_order(&a.0, &b.0).then_with(|| total_order(&a.1, &b.1))).find(|order| order.is_ne());
            first.unwrap_or_else(|| a.len().cmp(&b.len()))
        }
        _ => rank(a).cmp(&rank(b)),
    }
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Int(_) | Value::Uint(_) | Value::Double(_) => 2,
        Value::Decimal(_) => 3,
        Value::String(_) => 4,
        Value::Bytes(_) => 5,
        Value::Timestamp(_) => 6,
        Value::Duration(_) => 7,
        Value::List(_) => 8,
        Value::Map(_) => 9,
        Value::Type(_) => 10,
        Value::Optional(_) => 11,
        Value::Date(_) => 12,
        Value::Point(_) => 13,
    }
}

/// An operator whose operands are both known.
pub(super) fn binary(op: BinaryOp, a: &Value, b: &Value, size: usize) -> Result<Value, Fault> {
    match op {
        BinaryOp::Equal => Ok(Value::Bool(equal(a, b))),
        BinaryOp::NotEqual => Ok(Value::Bool(!equal(a, b))),
        BinaryOp::Less | BinaryOp::LessEqual | BinaryOp::Greater | BinaryOp::GreaterEqual => {
            Ok(Value::Bool(holds(op, compare(op, a, b)?)))
        }
        BinaryOp::In => contains(a, b).map(Value::Bool),
        BinaryOp::Add => add(a, b, size),
        BinaryOp::Subtract => subtract(a, b),
        BinaryOp::Multiply => multiply(a, b),
        BinaryOp::Divide => divide(a, b),
        BinaryOp::Remainder => remainder(a, b),
    }
}

fn contains(needle: &Value, within: &Value) -> Result<bool, Fault> {
    match within {
        Value::List(items) => Ok(items.iter().any(|item| equal(item, needle))),
        Value::Map(entries) => Ok(get(entries, needle).is_some()),
        _ => Err(Fault::no_overload("in", &[needle.clone(), within.clone()])),
    }
}

pub(super) fn too_large(limit: usize) -> Fault {
    Fault::new(ErrorCode::TooLarge, format!("the result would be larger than {limit}"))
}

fn add(a: &Value, b: &Value, size: usize) -> Result<Value, Fault> {
    let fits = |a: usize, b: usize| if a.saturating_add(b) > size { Err(too_large(size)) } else { Ok(()) };
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.checked_add(*b).map(Value::Int).ok_or_else(|| Fault::overflow("the sum")),
        (Value::Uint(a), Value::Uint(b)) => a.checked_add(*b).map(Value::Uint).ok_or_else(|| Fault::overflow("the sum")),
        (Value::Double(a), Value::Double(b)) => Ok(Value::Double(a + b)),
        (Value::Decimal(a), Value::Decimal(b)) => a.checked_add(*b).map(Value::Decimal).map_err(decimal_fault),
        (Value::String(a), Value::String(b)) => {
            fits(a.len(), b.len())?;
            Ok(Value::String(Arc::from([&**a, &**b].concat())))
        }
        (Value::Bytes(a), Value::Bytes(b)) => {
            fits(a.len(), b.len())?;
            Ok(Value::Bytes(Arc::from([&**a, &**b].concat())))
        }
        (Value::List(a), Value::List(b)) => {
            fits(a.len(), b.len())?;
            Ok(Value::List(Arc::from([&**a, &**b].concat())))
        }
        (Value::Timestamp(time), Value::Duration(length)) | (Value::Duration(length), Value::Timestamp(time)) => {
            shift(*time, i128::from(length.nanos()))
        }
        (Value::Duration(a), Value::Duration(b)) => {
            a.nanos().checked_add(b.nanos()).map(length).ok_or_else(|| Fault::overflow("the duration"))
        }
        _ => Err(Fault::no_overload("+", &[a.clone(), b.clone()])),
    }
}

fn length(nanos: i64) -> Value {
    Value::Duration(Duration::from_nanos(nanos))
}

fn nanos_of(time: Moment) -> i128 {
    i128::from(time.seconds()) * 1_000_000_000 + i128::from(time.nanos())
}

fn shift(time: Moment, by: i128) -> Result<Value, Fault> {
    let nanos = nanos_of(time) + by;
    let seconds = i64::try_from(nanos.div_euclid(1_000_000_000)).ok();
    let rest = u32::try_from(nanos.rem_euclid(1_000_000_000)).ok();
    let moved = seconds.zip(rest).and_then(|(seconds, rest)| Moment::new(seconds, rest).ok());
    moved.map(Value::Timestamp).ok_or_else(|| Fault::overflow("the timestamp"))
}

fn subtract(a: &Value, b: &Value) -> Result<Value, Fault> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.checked_sub(*b).map(Value::Int).ok_or_else(|| Fault::overflow("the difference")),
        (Value::Uint(a), Value::Uint(b)) => a.checked_sub(*b).map(Value::Uint).ok_or_else(|| Fault::overflow("the difference")),
        (Value::Double(a), Value::Double(b)) => Ok(Value::Double(a - b)),
        (Value::Decimal(a), Value::Decimal(b)) => a.checked_sub(*b).map(Value::Decimal).map_err(decimal_fault),
        (Value::Timestamp(a), Value::Timestamp(b)) => {
            i64::try_from(nanos_of(*a) - nanos_of(*b)).map(length).map_err(|_| Fault::overflow("the duration"))
        }
        (Value::Timestamp(time), Value::Duration(length)) => shift(*time, -i128::from(length.nanos())),
        (Value::Date(a), Value::Date(b)) => {
            let days = i64::from(a.days()) - i64::from(b.days());
            days.checked_mul(86_400_000_000_000).map(length).ok_or_else(|| Fault::overflow("the duration"))
        }
        (Value::Duration(a), Value::Duration(b)) => {
            a.nanos().checked_sub(b.nanos()).map(length).ok_or_else(|| Fault::overflow("the duration"))
        }
        _ => Err(Fault::no_overload("-", &[a.clone(), b.clone()])),
    }
}

fn multiply(a: &Value, b: &Value) -> Result<Value, Fault> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.checked_mul(*b).map(Value::Int).ok_or_else(|| Fault::overflow("the product")),
        (Value::Uint(a), Value::Uint(b)) => a.checked_mul(*b).map(Value::Uint).ok_or_else(|| Fault::overflow("the product")),
        (Value::Double(a), Value::Double(b)) => Ok(Value::Double(a * b)),
        (Value::Decimal(amount), Value::Int(factor)) | (Value::Int(factor), Value::Decimal(amount)) => {
            amount.checked_mul_int(*factor).map(Value::Decimal).map_err(decimal_fault)
        }
        _ => Err(Fault::no_overload("*", &[a.clone(), b.clone()])),
    }
}

fn divide(a: &Value, b: &Value) -> Result<Value, Fault> {
    match (a, b) {
        (Value::Int(_), Value::Int(0)) | (Value::Uint(_), Value::Uint(0)) => {
            Err(Fault::new(ErrorCode::DivisionByZero, "division by zero"))
        }
        (Value::Int(a), Value::Int(b)) => a.checked_div(*b).map(Value::Int).ok_or_else(|| Fault::overflow("the quotient")),
        (Value::Uint(a), Value::Uint(b)) => a.checked_div(*b).map(Value::Uint).ok_or_else(|| Fault::overflow("the quotient")),
        (Value::Double(a), Value::Double(b)) => Ok(Value::Double(a / b)),
        _ => Err(Fault::no_overload("/", &[a.clone(), b.clone()])),
    }
}

fn remainder(a: &Value, b: &Value) -> Result<Value, Fault> {
    match (a, b) {
        (Value::Int(_), Value::Int(0)) | (Value::Uint(_), Value::Uint(0)) => {
            Err(Fault::new(ErrorCode::DivisionByZero, "remainder of a division by zero"))
        }
        (Value::Int(a), Value::Int(b)) => a.checked_rem(*b).map(Value::Int).ok_or_else(|| Fault::overflow("the remainder")),
        (Value::Uint(a), Value::Uint(b)) => a.checked_rem(*b).map(Value::Uint).ok_or_else(|| Fault::overflow("the remainder")),
        _ => Err(Fault::no_overload("%", &[a.clone(), b.clone()])),
    }
}

/// `-x`.
pub(super) fn negate(value: &Value) -> Result<Value, Fault> {
    match value {
        Value::Int(number) => number.checked_neg().map(Value::Int).ok_or_else(|| Fault::overflow("the negated number")),
        Value::Double(number) => Ok(Value::Double(-number)),
        Value::Decimal(amount) => amount.checked_neg().map(Value::Decimal).map_err(decimal_fault),
        Value::Duration(length) => {
            length.nanos().checked_neg().map(self::length).ok_or_else(|| Fault::overflow("the duration"))
        }
        _ => Err(Fault::no_overload("-", std::slice::from_ref(value))),
    }
}

pub(super) fn decimal_fault(error: DecimalError) -> Fault {
    let code = match error {
        DecimalError::Overflow => ErrorCode::Overflow,
        DecimalError::Currencies => ErrorCode::NoSuchOverload,
        DecimalError::TooManyDigits | DecimalError::NotADecimal => ErrorCode::BadConversion,
    };
    Fault::new(code, error.to_string())
}
