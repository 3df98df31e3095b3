//! `format` of the string extension.

use super::functions_text::double_text;
use super::functions_time::{length_text, time_text};
use super::signature::{Call, Function, Sort, function, takes};
use super::value_ops::{Fault, too_large, type_name};
use super::{ErrorCode, Limits};
use crate::value::Value;
use std::fmt::Write;

/// `"…".format([…])`.
pub(super) const TABLE: &[Function] =
    &[function("format", Call::Method, &[takes(&[Sort::String, Sort::List], Sort::String)], |args, limits| match args {
        [Value::String(text), Value::List(items)] => Ok(Value::text(&format(text, items, limits)?)),
        _ => Err(Fault::no_overload("format", args)),
    })];

/// Digits after the point when a clause names none.
const DIGITS: usize = 6;

fn format(text: &str, items: &[Value], limits: &Limits) -> Result<String, Fault> {
    let mut out = String::new();
    let mut items = items.iter();
    let mut rest = text;
    while let Some((before, clause)) = rest.split_once('%') {
        out.push_str(before);
        if let Some(after) = clause.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let (digits, clause) = match clause.strip_prefix('.') {
            Some(after) => {
                let length = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
                let (digits, clause) = after.split_at(length);
                let digits = digits.parse().ok().filter(|digits| *digits <= 300);
                (digits.ok_or_else(|| bad("a precision is a number of at most 300 digits"))?, clause)
            }
            None => (DIGITS, clause),
        };
        let mut letters = clause.chars();
        let letter = letters.next().ok_or_else(|| bad("the text ends within a clause"))?;
        rest = letters.as_str();
        if !"sdfexXob".contains(letter) {
            return Err(bad(&format!("there is no clause `%{letter}`")));
        }
        let item = items.next().ok_or_else(|| Fault::new(ErrorCode::IndexOutOfRange, "there are more clauses than values"))?;
        substitute(&mut out, letter, digits, item, limits)?;
        if out.len() > limits.size {
            return Err(too_large(limits.size));
        }
    }
    out.push_str(rest);
    Ok(out)
}

fn bad(message: &str) -> Fault {
    Fault::new(ErrorCode::BadArgument, message)
}

fn substitute(out: &mut String, clause: char, digits: usize, item: &Value, limits: &Limits) -> Result<(), Fault> {
    let _ = match (clause, item) {
        ('s', item) => return plain(out, item, limits),
        ('d' | 'f' | 'e', Value::Double(number)) if !number.is_finite() => write!(out, "{}", special(*number)),
        ('d', Value::Int(number)) => write!(out, "{number}"),
        ('d', Value::Uint(number)) => write!(out, "{number}"),
        ('f', Value::Double(number)) => write!(out, "{number:.digits$}"),
        ('f', Value::Int(number)) => write!(out, "{:.digits$}", *number as f64),
        ('f', Value::Uint(number)) => write!(out, "{:.digits$}", *number as f64),
        ('e', Value::Double(number)) => write!(out, "{}", scientific(*number, digits)),
        ('e', Value::Int(number)) => write!(out, "{}", scientific(*number as f64, digits)),
        ('e', Value::Uint(number)) => write!(out, "{}", scientific(*number as f64, digits)),
        ('b', Value::Bool(truth)) => write!(out, "{}", u8::from(*truth)),
        ('x' | 'X', Value::String(text)) => hexadecimal(out, clause, text.as_bytes()),
        ('x' | 'X', Value::Bytes(bytes)) => hexadecimal(out, clause, bytes),
        ('x' | 'X' | 'o' | 'b', Value::Int(number)) => {
            out.push_str(if *number < 0 { "-" } else { "" });
            radix(out, clause, number.unsigned_abs())
        }
        ('x' | 'X' | 'o' | 'b', Value::Uint(number)) => radix(out, clause, *number),
        _ => {
            let message = format!("`%{clause}` cannot show a {}", type_name(item));
            return Err(Fault::new(ErrorCode::NoSuchOverload, message));
        }
    };
    Ok(())
}

fn special(number: f64) -> &'static str {
    match number {
        number if number.is_nan() => "NaN",
        number if number > 0.0 => "Infinity",
        _ => "-Infinity",
    }
}

fn radix(out: &mut String, clause: char, number: u64) -> std::fmt::Result {
    match clause {
        'x' => write!(out, "{number:x}"),
        'X' => write!(out, "{number:X}"),
        'o' => write!(out, "{number:o}"),
        _ => write!(out, "{number:b}"),
    }
}

fn hexadecimal(out: &mut String, clause: char, bytes: &[u8]) -> std::fmt::Result {
    bytes.iter().try_for_each(|byte| if clause == 'x' { write!(out, "{byte:02x}") } else { write!(out, "{byte:02X}") })
}

/// With a sign and at least two digits in the exponent.
fn scientific(number: f64, digits: usize) -> String {
    let text = format!("{number:.digits$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
    format!("{mantissa}e{sign}{exponent:0>2}")
}

/// The value as people read it: text without quotes, maps by the text of their keys.
fn plain(out: &mut String, item: &Value, limits: &Limits) -> Result<(), Fault> {
    if out.len() > limits.size {
        return Err(too_large(limits.size));
    }
    match item {
        Value::Null => out.push_str("null"),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Int(number) => out.push_str(&number.to_string()),
        Value::Uint(number) => out.push_str(&number.to_string()),
        Value::Double(number) if !number.is_finite() => out.push_str(special(*number)),
        Value::Double(number) => out.push_str(&double_text(*number)),
        Value::Decimal(amount) => out.push_str(&amount.to_string()),
        Value::String(text) | Value::Type(text) => out.push_str(text),
        Value::Bytes(bytes) => out.push_str(&String::from_utf8_lossy(bytes)),
        Value::Timestamp(time) => out.push_str(&time_text(*time)),
        Value::Duration(length) => out.push_str(&length_text(*length)),
        Value::Date(day) => out.push_str(&day.to_string()),
        Value::Point(point) => out.push_str(&point.to_string()),
        Value::Optional(None) => out.push_str("optional.none()"),
        Value::Optional(Some(held)) => {
            out.push_str("optional(");
            plain(out, held, limits)?;
            out.push(')');
        }
        Value::List(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                out.push_str(if i > 0 { ", " } else { "" });
                plain(out, item, limits)?;
            }
            out.push(']');
        }
        Value::Map(entries) => {
            let mut shown = Vec::with_capacity(entries.len());
            for (key, value) in entries.iter() {
                let mut text = String::new();
                plain(&mut text, key, limits)?;
                shown.push((text, value));
            }
            shown.sort_by(|a, b| a.0.cmp(&b.0));
            out.push('{');
            for (i, (key, value)) in shown.into_iter().enumerate() {
                out.push_str(if i > 0 { ", " } else { "" });
                out.push_str(&key);
                out.push_str(": ");
                plain(out, value, limits)?;
            }
            out.push('}');
        }
    }
    Ok(())
}
