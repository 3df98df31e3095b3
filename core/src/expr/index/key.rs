//! Order-preserving 64-bit keys of scalars, and the keys for which a comparison with a constant is true.

use super::ranges::Ranges;
use crate::expr::ast::BinaryOp;
use crate::expr::value_ops;
use crate::value::{Currency, Decimal, Duration, Moment, Type, Value};
use std::cmp::Ordering;

/// The types whose values have keys: `a < b` in the language means `key(a) < key(b)`.
///
/// NaN has the highest key and lies in no range of an order. Instants between two microseconds share a key, so that a
/// comparison with an instant of whole microseconds is exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::expr) enum KeyType {
    Bool,
    Int,
    Uint,
    Double,
    Decimal { scale: u8, currency: Option<Currency> },
    Timestamp,
    Duration,
}

const SIGN: u64 = 1 << 63;

pub(in crate::expr) fn int_key(number: i64) -> u64 {
    number.cast_unsigned() ^ SIGN
}

pub(in crate::expr) fn double_key(number: f64) -> u64 {
    if number.is_nan() {
        return u64::MAX;
    }
    // Both zeros are one number.
    let bits = (number + 0.0).to_bits();
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

fn key_int(key: u64) -> i64 {
    (key ^ SIGN).cast_signed()
}

fn key_double(key: u64) -> f64 {
    f64::from_bits(if key & SIGN == 0 { !key } else { key & !SIGN })
}

fn moment_key(moment: Moment) -> u64 {
    // Within the years 1 to 9999, so that nothing overflows.
    let micros = moment.seconds() * 1_000_000 + i64::from(moment.nanos() / 1_000);
    int_key(micros * 2 + i64::from(!moment.nanos().is_multiple_of(1_000)))
}

fn key_moment(key: u64) -> Option<Moment> {
    let halves = key_int(key);
    let micros = halves.div_euclid(2);
    let nanos = micros.rem_euclid(1_000_000) * 1_000 + halves.rem_euclid(2);
    Moment::new(micros.div_euclid(1_000_000), u32::try_from(nanos).ok()?).ok()
}

impl KeyType {
    /// The keys of a type; `None` when its values have none.
    pub(in crate::expr) fn of(ty: &Type) -> Option<Self> {
        Some(match ty {
            Type::Bool => KeyType::Bool,
            Type::Int => KeyType::Int,
            Type::Uint => KeyType::Uint,
            Type::Double => KeyType::Double,
            Type::Decimal { scale } => KeyType::Decimal { scale: *scale, currency: None },
            Type::Money { currency, scale } => KeyType::Decimal { scale: *scale, currency: Some(*currency) },
            Type::Timestamp => KeyType::Timestamp,
            Type::Duration => KeyType::Duration,
            _ => return None,
        })
    }

    /// The key of a value of exactly this type.
    pub(in crate::expr) fn key(self, value: &Value) -> Option<u64> {
        Some(match (self, value) {
            (KeyType::Bool, Value::Bool(truth)) => u64::from(*truth),
            (KeyType::Int, Value::Int(number)) => int_key(*number),
            (KeyType::Uint, Value::Uint(number)) => *number,
            (KeyType::Double, Value::Double(number)) => double_key(*number),
            (KeyType::Decimal { scale, currency }, Value::Decimal(number))
                if number.scale() == scale && number.currency() == currency =>
            {
                int_key(i64::try_from(number.units()).ok()?)
            }
            (KeyType::Timestamp, Value::Timestamp(moment)) => moment_key(*moment),
            (KeyType::Duration, Value::Duration(length)) => int_key(length.nanos()),
            _ => return None,
        })
    }

    /// Some value of the type.
    pub(in crate::expr) fn example(self) -> Value {
        self.value(int_key(0)).unwrap_or(Value::Null)
    }

    /// The value with a key.
    fn value(self, key: u64) -> Option<Value> {
        Some(match self {
            KeyType::Bool => Value::Bool(key != 0),
            KeyType::Int => Value::Int(key_int(key)),
            KeyType::Uint => Value::Uint(key),
            KeyType::Double => Value::Double(key_double(key)),
            KeyType::Decimal { scale, currency } => Value::Decimal(Decimal::new(i128::from(key_int(key)), scale, currency)),
            KeyType::Timestamp => Value::Timestamp(key_moment(key)?),
            KeyType::Duration => Value::Duration(Duration::from_nanos(key_int(key))),
        })
    }

    /// The least and the greatest key that an ordered value has.
    fn domain(self) -> (u64, u64) {
        match self {
            KeyType::Bool => (0, 1),
            KeyType::Double => (double_key(f64::NEG_INFINITY), double_key(f64::INFINITY)),
            KeyType::Timestamp => {
                let ends = [crate::Timestamp::MIN, crate::Timestamp::MAX].map(|end| int_key(end.micros() * 2));
                (ends[0], ends[1] + 1)
            }
            _ => (0, u64::MAX),
        }
    }

    /// The keys for which `value op constant` is true; `None` when that is an error for some or keys are too coarse.
    pub(in crate::expr) fn ranges(self, op: BinaryOp, constant: &Value) -> Option<Ranges> {
        if let Value::Timestamp(moment) = constant
            && !moment.nanos().is_multiple_of(1_000)
        {
            return None;
        }
        let (least, most) = self.domain();
        // The first key that is not less than the constant, and the first that is greater.
        let (from, after) = match self.key(constant) {
            Some(key) if key <= most => (Some(key), key.checked_add(1)),
            _ => (
                self.search(least, most, op, constant, Ordering::Equal)?,
                self.search(least, most, op, constant, Ordering::Greater)?,
            ),
        };
        let below = |end: Option<u64>| match end {
            Some(0) => Ranges::none(),
            Some(end) => Ranges::of(0, end - 1),
            None => Ranges::of(0, most),
        };
        let above = |start: Option<u64>| start.map_or_else(Ranges::none, |start| Ranges::of(start, most));
        let unordered = matches!(constant, Value::Double(number) if number.is_nan());
        let equal = || if unordered { Ranges::none() } else { below(after).intersection(&above(from)) };
        Some(match op {
            BinaryOp::Equal => equal(),
            BinaryOp::NotEqual => equal().complement(),
            _ if unordered => Ranges::none(),
            BinaryOp::Less => below(from),
            BinaryOp::LessEqual => below(after),
            BinaryOp::Greater => above(after),
            BinaryOp::GreaterEqual => above(from),
            _ => return None,
        })
    }

    /// The first key from which on the order against the constant is at least `wanted`; inner `None` for no key.
    ///
    /// Asks the reference, so that rounding between types is the same.
    #[expect(clippy::option_option, reason = "not comparable, or comparable and never reached")]
    fn search(self, least: u64, most: u64, op: BinaryOp, constant: &Value, wanted: Ordering) -> Option<Option<u64>> {
        let reached = |key: u64| -> Option<bool> {
            let order = value_ops::compare(op, &self.value(key)?, constant).ok()?;
            Some(order.is_some_and(|order| order >= wanted))
        };
        if reached(least)? {
            return Some(Some(least));
        }
        if !reached(most)? {
            return Some(None);
        }
        let (mut before, mut at) = (least, most);
        while at - before > 1 {
            let half = before + (at - before) / 2;
            if reached(half)? { at = half } else { before = half }
        }
        Some(Some(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each comparison of each value with each constant, by keys and by the reference.
    fn agree(ty: &Type, values: &[Value], constants: &[Value]) {
        let keys = KeyType::of(ty).unwrap();
        for (value, constant) in values.iter().flat_map(|value| constants.iter().map(move |constant| (value, constant))) {
            for op in [
                BinaryOp::Equal,
                BinaryOp::NotEqual,
                BinaryOp::Less,
                BinaryOp::LessEqual,
                BinaryOp::Greater,
                BinaryOp::GreaterEqual,
            ] {
                let key = keys.key(value).unwrap();
                let ranges = keys.ranges(op, constant).unwrap();
                let held = ranges.0.iter().any(|(low, high)| *low <= key && key <= *high);
                let expected = value_ops::binary(op, value, constant, 0).unwrap();
                assert_eq!(Value::Bool(held), expected, "{value:?} {op:?} {constant:?}");
            }
        }
    }

    #[test]
    fn keys_compare_as_values_do() {
        let wholes: Vec<i64> = vec![i64::MIN, -(1 << 53) - 1, -1, 0, 1, 42, 1 << 53, (1 << 53) + 1, (1 << 53) + 2, i64::MAX];
        let ints: Vec<Value> = wholes.iter().map(|number| Value::Int(*number)).collect();
        let uints: Vec<Value> = [0, 1, 42, 1 << 53, (1 << 53) + 1, u64::MAX].map(Value::Uint).to_vec();
        let halves =
            [f64::NEG_INFINITY, -1.5, -0.0, 0.0, 0.5, 1.0, 42.0, 9_007_199_254_740_993.0, 1e300, f64::INFINITY, f64::NAN];
        let doubles: Vec<Value> = halves.iter().copied().map(Value::Double).collect();
        let all: Vec<Value> = ints.iter().chain(&uints).chain(&doubles).cloned().collect();
        agree(&Type::Int, &ints, &all);
        agree(&Type::Uint, &uints, &all);
        agree(&Type::Double, &doubles, &all);
        agree(&Type::Bool, &[Value::Bool(false), Value::Bool(true)], &[Value::Bool(false), Value::Bool(true)]);
    }

    #[test]
    fn exact_numbers_and_times_compare_by_key() {
        let amounts: Vec<Value> =
            [-151, -150, 0, 149, 150, 151].map(|units| Value::Decimal(Decimal::new(units, 2, None))).to_vec();
        let finer: Vec<Value> = [-1500, 1499, 1500, 1501].map(|units| Value::Decimal(Decimal::new(units, 3, None))).to_vec();
        agree(&Type::Decimal { scale: 2 }, &amounts, &[amounts.clone(), finer, vec![Value::Int(1)]].concat());
        let lengths: Vec<Value> = [-1, 0, 1, 90].map(|nanos| Value::Duration(Duration::from_nanos(nanos))).to_vec();
        agree(&Type::Duration, &lengths, &lengths);
        let moment = |seconds, nanos| Value::Timestamp(Moment::new(seconds, nanos).unwrap());
        let times = [moment(-1, 999_999_000), moment(0, 0), moment(0, 1), moment(0, 1_000), moment(0, 1_500)];
        agree(&Type::Timestamp, &times, &[moment(0, 0), moment(0, 1_000), moment(-1, 999_999_000)]);
        assert_eq!(KeyType::Timestamp.ranges(BinaryOp::Less, &moment(0, 1)), None);
    }
}
