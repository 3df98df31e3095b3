//! The mathematical extension.

use super::ErrorCode;
use super::ast::BinaryOp;
use super::signature::{Call, Function, Overload, Sort, function, takes, takes_some};
use super::value_ops::{Fault, compare, holds};
use crate::value::Value;

use Call::Global;
use Sort::{Any, Bool, Double, Int, List, Number, Same, Uint};

const MOST: &[Overload] = &[takes(&[List], Any), takes_some(&[Number], Any)];
const ROUNDING: &[Overload] = &[takes(&[Double], Double)];
const TESTS: &[Overload] = &[takes(&[Double], Bool)];
const SIGNED: &[Overload] = &[takes(&[Int], Same), takes(&[Uint], Same), takes(&[Double], Same)];
const BITS: &[Overload] = &[takes(&[Int, Int], Same), takes(&[Uint, Uint], Same)];
const SHIFTS: &[Overload] = &[takes(&[Int, Int], Same), takes(&[Uint, Int], Same)];

/// Functions in the namespace `math`.
pub(super) const TABLE: &[Function] = &[
    function("math.greatest", Global, MOST, |args, _| most("math.greatest", BinaryOp::Greater, args)),
    function("math.least", Global, MOST, |args, _| most("math.least", BinaryOp::Less, args)),
    function("math.ceil", Global, ROUNDING, |args, _| double("math.ceil", args, f64::ceil)),
    function("math.floor", Global, ROUNDING, |args, _| double("math.floor", args, f64::floor)),
    function("math.round", Global, ROUNDING, |args, _| double("math.round", args, f64::round)),
    function("math.trunc", Global, ROUNDING, |args, _| double("math.trunc", args, f64::trunc)),
    function("math.sqrt", Global, &[takes(&[Number], Double)], |args, _| match args {
        [Value::Int(number)] => Ok(Value::Double((*number as f64).sqrt())),
        [Value::Uint(number)] => Ok(Value::Double((*number as f64).sqrt())),
        _ => double("math.sqrt", args, f64::sqrt),
    }),
    function("math.pow", Global, &[takes(&[Int, Int], Int), takes(&[Double, Double], Double)], |args, _| match args {
        [Value::Double(base), Value::Double(power)] => Ok(Value::Double(libm::pow(*base, *power))),
        [Value::Int(base), Value::Int(power)] => {
            let power = u32::try_from((*power).min(i64::from(u32::MAX))).map_err(|_| {
                Fault::new(
                    ErrorCode::BadArgument,
                    format!("`math.pow` of whole numbers needs a power of 0 or more, not {power}"),
                )
            })?;
            base.checked_pow(power).map(Value::Int).ok_or_else(|| Fault::overflow("the power"))
        }
        _ => Err(Fault::no_overload("math.pow", args)),
    }),
    function("math.isNaN", Global, TESTS, |args, _| test("math.isNaN", args, f64::is_nan)),
    function("math.isInf", Global, TESTS, |args, _| test("math.isInf", args, f64::is_infinite)),
    function("math.isFinite", Global, TESTS, |args, _| test("math.isFinite", args, f64::is_finite)),
    function("math.abs", Global, SIGNED, |args, _| match args {
        [Value::Int(number)] => number.checked_abs().map(Value::Int).ok_or_else(|| Fault::overflow("the absolute value")),
        [Value::Uint(number)] => Ok(Value::Uint(*number)),
        _ => double("math.abs", args, f64::abs),
    }),
    function("math.sign", Global, SIGNED, |args, _| match args {
        [Value::Int(number)] => Ok(Value::Int(number.signum())),
        [Value::Uint(number)] => Ok(Value::Uint(u64::from(*number > 0))),
        _ => double("math.sign", args, |number| if number == 0.0 || number.is_nan() { number } else { number.signum() }),
    }),
    function("math.bitAnd", Global, BITS, |args, _| bits("math.bitAnd", args, |a, b| a & b)),
    function("math.bitOr", Global, BITS, |args, _| bits("math.bitOr", args, |a, b| a | b)),
    function("math.bitXor", Global, BITS, |args, _| bits("math.bitXor", args, |a, b| a ^ b)),
    function("math.bitNot", Global, &[takes(&[Int], Same), takes(&[Uint], Same)], |args, _| match args {
        [Value::Int(number)] => Ok(Value::Int(!number)),
        [Value::Uint(number)] => Ok(Value::Uint(!number)),
        _ => Err(Fault::no_overload("math.bitNot", args)),
    }),
    function("math.bitShiftLeft", Global, SHIFTS, |args, _| shift("math.bitShiftLeft", args, u64::checked_shl)),
    function("math.bitShiftRight", Global, SHIFTS, |args, _| shift("math.bitShiftRight", args, u64::checked_shr)),
];

fn most(name: &str, op: BinaryOp, args: &[Value]) -> Result<Value, Fault> {
    let numbers = match args {
        [Value::List(items)] => items,
        _ => args,
    };
    let is_number = |value: &Value| matches!(value, Value::Int(_) | Value::Uint(_) | Value::Double(_) | Value::Decimal(_));
    let Some((first, rest)) = numbers.split_first().filter(|_| numbers.iter().all(is_number)) else {
        return Err(Fault::no_overload(name, args));
    };
    let mut best = first;
    for number in rest {
        if holds(op, compare(op, number, best)?) {
            best = number;
        }
    }
    Ok(best.clone())
}

fn double(name: &str, args: &[Value], operation: fn(f64) -> f64) -> Result<Value, Fault> {
    match args {
        [Value::Double(number)] => Ok(Value::Double(operation(*number))),
        _ => Err(Fault::no_overload(name, args)),
    }
}

fn test(name: &str, args: &[Value], holds: fn(f64) -> bool) -> Result<Value, Fault> {
    match args {
        [Value::Double(number)] => Ok(Value::Bool(holds(*number))),
        _ => Err(Fault::no_overload(name, args)),
    }
}

fn bits(name: &str, args: &[Value], operation: fn(u64, u64) -> u64) -> Result<Value, Fault> {
    match args {
        [Value::Int(a), Value::Int(b)] => Ok(Value::Int(operation(a.cast_unsigned(), b.cast_unsigned()).cast_signed())),
        [Value::Uint(a), Value::Uint(b)] => Ok(Value::Uint(operation(*a, *b))),
        _ => Err(Fault::no_overload(name, args)),
    }
}

/// Shifts the bits of a number; those shifted in are 0, also for negative numbers.
fn shift(name: &str, args: &[Value], operation: fn(u64, u32) -> Option<u64>) -> Result<Value, Fault> {
    let (Some(value), [_, Value::Int(by)]) = (args.first(), args) else {
        return Err(Fault::no_overload(name, args));
    };
    if *by < 0 {
        return Err(Fault::new(ErrorCode::BadArgument, format!("`{name}` cannot shift by {by}")));
    }
    let shifted = |bits: u64| u32::try_from(*by).ok().and_then(|by| operation(bits, by)).unwrap_or(0);
    match value {
        Value::Int(number) => Ok(Value::Int(shifted(number.cast_unsigned()).cast_signed())),
        Value::Uint(number) => Ok(Value::Uint(shifted(*number))),
        _ => Err(Fault::no_overload(name, args)),
    }
}
