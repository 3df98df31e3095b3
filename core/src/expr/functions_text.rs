//! Functions over text.

use super::functions_time::{length_text, time_text};
use super::signature::{Call, Function, Overload, Sort, function, takes};
use super::value_ops::{Fault, too_large};
use super::{ErrorCode, Limits};
use crate::value::Value;
use regex::{Regex, RegexBuilder};
use std::sync::Arc;

use Call::{Either, Method};
use Sort::{Bool, Int, String as Text, Strings};

const TESTS: &[Overload] = &[takes(&[Text, Text], Bool)];

/// The standard's functions.
pub(super) const TABLE: &[Function] = &[
    function("contains", Method, TESTS, |args, _| test("contains", args, |text, part| text.contains(part))),
    function("startsWith", Method, TESTS, |args, _| test("startsWith", args, |text, part| text.starts_with(part))),
    function("endsWith", Method, TESTS, |args, _| test("endsWith", args, |text, part| text.ends_with(part))),
    function("matches", Either, TESTS, |args, limits| match args {
        [Value::String(text), Value::String(pattern)] => Ok(Value::Bool(self::pattern(pattern, limits)?.is_match(text))),
        _ => Err(Fault::no_overload("matches", args)),
    }),
];

/// The string extension.
pub(super) const EXTENSION: &[Function] = &[
    function("lowerAscii", Method, &[takes(&[Text], Text)], |args, _| match args {
        [Value::String(text)] => Ok(Value::text(&text.to_ascii_lowercase())),
        _ => Err(Fault::no_overload("lowerAscii", args)),
    }),
    function("upperAscii", Method, &[takes(&[Text], Text)], |args, _| match args {
        [Value::String(text)] => Ok(Value::text(&text.to_ascii_uppercase())),
        _ => Err(Fault::no_overload("upperAscii", args)),
    }),
    function("trim", Method, &[takes(&[Text], Text)], |args, _| match args {
        [Value::String(text)] => Ok(Value::text(text.trim())),
        _ => Err(Fault::no_overload("trim", args)),
    }),
    function("strings.quote", Call::Global, &[takes(&[Text], Text)], |args, limits| match args {
        [Value::String(text)] if text.len() > limits.size / 2 => Err(too_large(limits.size)),
        [Value::String(text)] => Ok(Value::text(&quoted(text))),
        _ => Err(Fault::no_overload("strings.quote", args)),
    }),
    function("reverse", Method, &[takes(&[Text], Text), takes(&[Sort::List], Sort::Same)], |args, _| match args {
        [Value::String(text)] => Ok(Value::text(&text.chars().rev().collect::<String>())),
        [Value::List(items)] => Ok(Value::List(items.iter().rev().cloned().collect())),
        _ => Err(Fault::no_overload("reverse", args)),
    }),
    function("charAt", Method, &[takes(&[Text, Int], Text)], |args, _| match args {
        [Value::String(text), Value::Int(at)] => {
            let at = position(text, *at)?;
            Ok(Value::text(&text.chars().skip(at).take(1).collect::<String>()))
        }
        _ => Err(Fault::no_overload("charAt", args)),
    }),
    function("indexOf", Method, &[takes(&[Text, Text], Int), takes(&[Text, Text, Int], Int)], |args, _| match args {
        [Value::String(text), Value::String(part)] => Ok(index_of(text, part, 0)),
        [Value::String(text), Value::String(part), Value::Int(from)] => Ok(index_of(text, part, position(text, *from)?)),
        _ => Err(Fault::no_overload("indexOf", args)),
    }),
    function("lastIndexOf", Method, &[takes(&[Text, Text], Int), takes(&[Text, Text, Int], Int)], |args, _| match args {
        [Value::String(text), Value::String(part)] => Ok(last_index_of(text, part, usize::MAX)),
        [Value::String(text), Value::String(part), Value::Int(from)] => Ok(last_index_of(text, part, position(text, *from)?)),
        _ => Err(Fault::no_overload("lastIndexOf", args)),
    }),
    function("substring", Method, &[takes(&[Text, Int], Text), takes(&[Text, Int, Int], Text)], |args, _| {
        let (text, from, to) = match args {
            [Value::String(text), Value::Int(from)] => (text, position(text, *from)?, text.chars().count()),
            [Value::String(text), Value::Int(from), Value::Int(to)] => (text, position(text, *from)?, position(text, *to)?),
            _ => return Err(Fault::no_overload("substring", args)),
        };
        if from > to {
            return Err(Fault::new(ErrorCode::IndexOutOfRange, format!("the end {to} lies before the beginning {from}")));
        }
        Ok(Value::text(&text.chars().skip(from).take(to - from).collect::<String>()))
    }),
    function("replace", Method, &[takes(&[Text, Text, Text], Text), takes(&[Text, Text, Text, Int], Text)], |args, limits| {
        let (text, old, new, times) = match args {
            [Value::String(text), Value::String(old), Value::String(new)] => (text, old, new, usize::MAX),
            [Value::String(text), Value::String(old), Value::String(new), Value::Int(times)] => {
                (text, old, new, usize::try_from(*times).unwrap_or(usize::MAX))
            }
            _ => return Err(Fault::no_overload("replace", args)),
        };
        let found = text.matches(&**old).take(times).count();
        if text.len().saturating_add(found.saturating_mul(new.len())) > limits.size {
            return Err(too_large(limits.size));
        }
        Ok(Value::text(&text.replacen(&**old, new, times)))
    }),
    function("split", Method, &[takes(&[Text, Text], Strings), takes(&[Text, Text, Int], Strings)], |args, limits| {
        let (text, by, most) = match args {
            [Value::String(text), Value::String(by)] => (text, by, usize::MAX),
            [Value::String(text), Value::String(by), Value::Int(most)] => {
                (text, by, usize::try_from(*most).unwrap_or(usize::MAX))
            }
            _ => return Err(Fault::no_overload("split", args)),
        };
        let parts: Vec<Value> =
            if by.is_empty() { letters(text, most) } else { text.splitn(most, &**by).map(Value::text).collect() };
        if parts.len() > limits.size { Err(too_large(limits.size)) } else { Ok(Value::List(Arc::from(parts))) }
    }),
    function("join", Method, &[takes(&[Strings], Text), takes(&[Strings, Text], Text)], |args, limits| {
        let (items, by) = match args {
            [Value::List(items)] => (items, ""),
            [Value::List(items), Value::String(by)] => (items, &**by),
            _ => return Err(Fault::no_overload("join", args)),
        };
        let mut joined = String::new();
        for (i, item) in items.iter().enumerate() {
            let Value::String(part) = item else {
                return Err(Fault::no_overload("join", args));
            };
            joined.push_str(if i > 0 { by } else { "" });
            joined.push_str(part);
            if joined.len() > limits.size {
                return Err(too_large(limits.size));
            }
        }
        Ok(Value::text(&joined))
    }),
];

fn test(name: &str, args: &[Value], holds: fn(&str, &str) -> bool) -> Result<Value, Fault> {
    match args {
        [Value::String(text), Value::String(part)] => Ok(Value::Bool(holds(text, part))),
        _ => Err(Fault::no_overload(name, args)),
    }
}

/// A regular expression, when it is short and simple enough: matching it is linear in the text.
pub(super) fn pattern(pattern: &str, limits: &Limits) -> Result<Regex, Fault> {
    if pattern.len() > limits.pattern {
        let message = format!("the pattern has {} bytes; at most {} are allowed", pattern.len(), limits.pattern);
        return Err(Fault::new(ErrorCode::BadPattern, message));
    }
    RegexBuilder::new(pattern).size_limit(1 << 20).dfa_size_limit(1 << 20).nest_limit(50).build().map_err(|error| {
        let last = error.to_string().lines().last().unwrap_or("it cannot be read").trim_start_matches("error: ").to_string();
        Fault::new(ErrorCode::BadPattern, format!("the pattern cannot be used: {last}"))
    })
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        let escape = match c {
            '\u{7}' => 'a',
            '\u{8}' => 'b',
            '\u{c}' => 'f',
            '\n' => 'n',
            '\r' => 'r',
            '\t' => 't',
            '\u{b}' => 'v',
            '\\' | '"' => c,
            _ => {
                out.push(c);
                continue;
            }
        };
        out.push('\\');
        out.push(escape);
    }
    out.push('"');
    out
}

fn position(text: &str, at: i64) -> Result<usize, Fault> {
    let length = text.chars().count();
    let found = usize::try_from(at).ok().filter(|at| *at <= length);
    found.ok_or_else(|| Fault::new(ErrorCode::IndexOutOfRange, format!("no position {at} in a text of {length}")))
}

fn count(n: usize) -> Value {
    Value::Int(i64::try_from(n).unwrap_or(i64::MAX))
}

fn index_of(text: &str, part: &str, from: usize) -> Value {
    let start = text.char_indices().nth(from).map_or(text.len(), |(at, _)| at);
    let found = text.get(start..).and_then(|rest| rest.find(part));
    found.map_or(Value::Int(-1), |at| count(from + text.get(start..start + at).map_or(0, |before| before.chars().count())))
}

fn last_index_of(text: &str, part: &str, from: usize) -> Value {
    // A match that ends inside of a character is none, so the end may move back to a border.
    let mut end = text.char_indices().nth(from).map_or(text.len(), |(at, _)| at.saturating_add(part.len()).min(text.len()));
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let found = text.get(..end).and_then(|before| before.rfind(part));
    found.map_or(Value::Int(-1), |at| count(text.get(..at).map_or(0, |before| before.chars().count())))
}

/// Each letter for itself; the last of `most` parts has the rest.
fn letters(text: &str, most: usize) -> Vec<Value> {
    if most == 0 {
        return Vec::new();
    }
    let single = text.chars().count().min(most - 1);
    let rest: String = text.chars().skip(single).collect();
    let mut parts: Vec<Value> = text.chars().take(single).map(|c| Value::text(c.encode_utf8(&mut [0; 4]))).collect();
    if !rest.is_empty() {
        parts.push(Value::text(&rest));
    }
    parts
}

/// `string(x)`.
pub(super) fn to_string(args: &[Value], _: &Limits) -> Result<Value, Fault> {
    Ok(match args {
        [Value::String(text)] => Value::String(text.clone()),
        [Value::Bool(truth)] => Value::text(if *truth { "true" } else { "false" }),
        [Value::Int(number)] => Value::text(&number.to_string()),
        [Value::Uint(number)] => Value::text(&number.to_string()),
        [Value::Double(number)] => Value::text(&double_text(*number)),
        [Value::Decimal(amount)] => Value::text(&amount.amount_text()),
        [Value::Bytes(bytes)] => match std::str::from_utf8(bytes) {
            Ok(text) => Value::text(text),
            Err(_) => return Err(Fault::new(ErrorCode::BadConversion, "the bytes are no UTF-8 text")),
        },
        [Value::Timestamp(time)] => Value::text(&time_text(*time)),
        [Value::Duration(length)] => Value::text(&length_text(*length)),
        [Value::Date(day)] => Value::text(&day.to_string()),
        [Value::Null] => Value::text("null"),
        _ => return Err(Fault::no_overload("string", args)),
    })
}

/// The shortest text of a double that reads back as the same, with an exponent below 0.0001 and from 1e21 on.
pub(super) fn double_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_string();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_string();
    }
    let size = number.abs();
    if size != 0.0 && !(1e-4..1e21).contains(&size) {
        let text = format!("{number:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, digits) = exponent.strip_prefix('-').map_or(("+", exponent), |digits| ("-", digits));
        return format!("{mantissa}e{sign}{digits:0>2}");
    }
    number.to_string()
}
