//! The functions of the language: one table of names, signatures and bodies. The checker reads the signatures, every
//! evaluator calls the bodies.

use super::signature::{Call, Function, Sort, function, takes};
use super::value_ops::{Fault, type_name};
use super::{
    ErrorCode, Limits, functions_bytes, functions_date, functions_format, functions_list, functions_math, functions_place,
    functions_text, functions_time, optional,
};
use crate::value::{Moment, Value};
use std::sync::Arc;

use Call::{Either, Global};
use Sort::{Any, Bool, Bytes, Decimal, Double, Duration, Int, List, Map, Null, Same, String as Text, Timestamp, Uint};

const CORE: &[Function] = &[
    function("size", Either, &[takes(&[Text], Int), takes(&[Bytes], Int), takes(&[List], Int), takes(&[Map], Int)], size),
    function("type", Global, &[takes(&[Any], Sort::Type)], |args, _| match args {
        [value] => Ok(Value::Type(Arc::from(type_name(value)))),
        _ => Err(Fault::no_overload("type", args)),
    }),
    function("dyn", Global, &[takes(&[Any], Any)], |args, _| match args {
        [value] => Ok(value.clone()),
        _ => Err(Fault::no_overload("dyn", args)),
    }),
    function("bool", Global, &[takes(&[Bool], Bool), takes(&[Text], Bool)], to_bool),
    function(
        "int",
        Global,
        &[
            takes(&[Int], Int),
            takes(&[Uint], Int),
            takes(&[Double], Int),
            takes(&[Decimal], Int),
            takes(&[Text], Int),
            takes(&[Timestamp], Int),
        ],
        to_int,
    ),
    function(
        "uint",
        Global,
        &[takes(&[Uint], Uint), takes(&[Int], Uint), takes(&[Double], Uint), takes(&[Text], Uint)],
        to_uint,
    ),
    Function {
        name: "double",
        call: Global,
        overloads: &[
            takes(&[Double], Double),
            takes(&[Int], Double),
            takes(&[Uint], Double),
            takes(&[Decimal], Double),
            takes(&[Text], Double),
        ],
        run: to_double,
        linear: true,
    },
    function(
        "string",
        Global,
        &[
            takes(&[Text], Text),
            takes(&[Bool], Text),
            takes(&[Int], Text),
            takes(&[Uint], Text),
            takes(&[Double], Text),
            takes(&[Decimal], Text),
            takes(&[Bytes], Text),
            takes(&[Timestamp], Text),
            takes(&[Duration], Text),
            takes(&[Sort::Date], Text),
            takes(&[Null], Text),
        ],
        functions_text::to_string,
    ),
    function("bytes", Global, &[takes(&[Bytes], Bytes), takes(&[Text], Bytes)], |args, _| match args {
        [Value::Bytes(bytes)] => Ok(Value::Bytes(bytes.clone())),
        [Value::String(text)] => Ok(Value::Bytes(Arc::from(text.as_bytes()))),
        _ => Err(Fault::no_overload("bytes", args)),
    }),
    Function {
        name: "timestamp",
        call: Global,
        overloads: &[takes(&[Timestamp], Same), takes(&[Text], Timestamp), takes(&[Int], Timestamp)],
        run: functions_time::to_timestamp,
        linear: true,
    },
    Function {
        name: "duration",
        call: Global,
        overloads: &[takes(&[Duration], Same), takes(&[Text], Duration)],
        run: functions_time::to_duration,
        linear: true,
    },
];

/// The tables in which a function is looked for.
static TABLES: [&[Function]; 12] = [
    CORE,
    functions_date::TABLE,
    functions_place::TABLE,
    functions_time::TABLE,
    functions_text::TABLE,
    functions_text::EXTENSION,
    functions_format::TABLE,
    functions_math::TABLE,
    functions_bytes::TABLE,
    functions_list::TABLE,
    functions_list::SETS,
    optional::TABLE,
];

/// The function of a name.
pub(super) fn find(name: &str) -> Option<&'static Function> {
    TABLES.iter().flat_map(|table| table.iter()).find(|function| function.name == name)
}

/// The names of all functions.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    TABLES.iter().flat_map(|table| table.iter()).map(|function| function.name)
}

fn size(args: &[Value], _: &Limits) -> Result<Value, Fault> {
    let size = match args {
        [Value::String(text)] => text.chars().count(),
        [Value::Bytes(bytes)] => bytes.len(),
        [Value::List(items)] => items.len(),
        [Value::Map(entries)] => entries.len(),
        _ => return Err(Fault::no_overload("size", args)),
    };
    Ok(Value::Int(i64::try_from(size).unwrap_or(i64::MAX)))
}

fn bad(what: &str, value: &Value) -> Fault {
    let text: String = super::print::value_text(value).chars().take(60).collect();
    Fault::new(ErrorCode::BadConversion, format!("{text} is not {what}"))
}

fn to_bool(args: &[Value], _: &Limits) -> Result<Value, Fault> {
    match args {
        [Value::Bool(truth)] => Ok(Value::Bool(*truth)),
        [text @ Value::String(word)] => match &**word {
            "1" | "t" | "true" | "TRUE" | "True" => Ok(Value::Bool(true)),
            "0" | "f" | "false" | "FALSE" | "False" => Ok(Value::Bool(false)),
            _ => Err(bad("a bool", text)),
        },
        _ => Err(Fault::no_overload("bool", args)),
    }
}

fn to_int(args: &[Value], _: &Limits) -> Result<Value, Fault> {
    let range = || Fault::overflow("the int");
    match args {
        [Value::Int(number)] => Ok(Value::Int(*number)),
        [Value::Uint(number)] => i64::try_from(*number).map(Value::Int).map_err(|_| range()),
        // Both ends are excluded, as in the standard: the doubles there do not tell which integer was meant.
        [Value::Double(number)] if *number > -9_223_372_036_854_775_808.0 && *number < 9_223_372_036_854_775_808.0 => {
            Ok(Value::Int(*number as i64))
        }
        [Value::Double(_)] => Err(range()),
        [Value::Decimal(amount)] => {
            let power = 10_i128.checked_pow(u32::from(amount.scale())).ok_or_else(range)?;
            i64::try_from(amount.units() / power).map(Value::Int).map_err(|_| range())
        }
        [text @ Value::String(digits)] => digits.parse().map(Value::Int).map_err(|_| bad("an int", text)),
        [Value::Timestamp(time)] => Ok(Value::Int(time.seconds())),
        _ => Err(Fault::no_overload("int", args)),
    }
}

fn to_uint(args: &[Value], _: &Limits) -> Result<Value, Fault> {
    let range = || Fault::overflow("the uint");
    match args {
        [Value::Uint(number)] => Ok(Value::Uint(*number)),
        [Value::Int(number)] => u64::try_from(*number).map(Value::Uint).map_err(|_| range()),
        [Value::Double(number)] if *number >= 0.0 && *number < 18_446_744_073_709_551_616.0 => Ok(Value::Uint(*number as u64)),
        [Value::Double(_)] => Err(range()),
        [text @ Value::String(digits)] => digits.parse().map(Value::Uint).map_err(|_| bad("a uint", text)),
        _ => Err(Fault::no_overload("uint", args)),
    }
}

fn to_double(args: &[Value], _: &Limits) -> Result<Value, Fault> {
    match args {
        [Value::Double(number)] => Ok(Value::Double(*number)),
        [Value::Int(number)] => Ok(Value::Double(*number as f64)),
        [Value::Uint(number)] => Ok(Value::Double(*number as f64)),
        [Value::Decimal(amount)] => Ok(Value::Double(amount.to_double())),
        [text @ Value::String(digits)] => digits.parse().map(Value::Double).map_err(|_| bad("a double", text)),
        _ => Err(Fault::no_overload("double", args)),
    }
}

/// An instant out of seconds since 1970.
pub(super) fn moment(seconds: i64, nanos: u32) -> Result<Value, Fault> {
    Moment::new(seconds, nanos).map(Value::Timestamp).map_err(|_| Fault::overflow("the timestamp"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_function_is_in_the_reference() {
        let reference = include_str!("../../../docs/rules.md");
        let missing: Vec<&str> = super::names().filter(|name| !reference.contains(name)).collect();
        assert!(missing.is_empty(), "not in docs/rules.md: {missing:?}");
    }
}
