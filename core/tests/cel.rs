//! The public CEL conformance cases against the rule language.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::path::Path;
use std::sync::Arc;
use tactful::expr::{CompileOptions, Evaluated, Expected, Expression, NamedFacts, Outcome, Schema, TimeClass};
use tactful::value::{Duration, Moment, Type};
use tactful::{Timestamp, Value};

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/cel/cases.jsonl");

/// Prefixes of cases that do not apply yet, with the reason.
const NOT_YET: &str = include_str!("cel_not_yet.txt");

#[test]
fn the_conformance_cases_hold() {
    // Other cases of the suite in the same form can be tried without adding them here.
    #[expect(clippy::disallowed_methods, reason = "a test may be told where its cases are")]
    let path = std::env::var("TACTFUL_CEL_CASES").unwrap_or_else(|_| CASES.to_string());
    let Ok(cases) = std::fs::read_to_string(Path::new(&path)) else {
        println!("skipped: there is no {path}");
        return;
    };
    let not_yet: Vec<&str> = NOT_YET
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split('\t').next())
        .filter(|prefix| !prefix.is_empty())
        .collect();
    let (mut passed, mut left_out, mut failed, mut early) = (0, 0, Vec::new(), std::collections::BTreeMap::new());
    for line in cases.lines() {
        let case: serde_json::Value = serde_json::from_str(line).expect("a case is JSON");
        let id = case["id"].as_str().expect("a case has an id");
        let result = run(&case);
        if let Some(prefix) = not_yet.iter().find(|prefix| id.starts_with(**prefix)) {
            left_out += 1;
            let all: &mut (usize, usize) = early.entry(*prefix).or_default();
            all.0 += usize::from(result.is_ok());
            all.1 += 1;
            continue;
        }
        match result {
            Ok(()) => passed += 1,
            Err(why) => failed.push(format!("{id}: {why}\n    {}", case["expr"])),
        }
    }
    println!("{passed} passed, {left_out} left out, {} failed", failed.len());
    for (prefix, (good, all)) in &early {
        println!("left out {prefix}: {good} of {all} would pass");
    }
    assert!(failed.is_empty(), "{} cases failed:\n{}", failed.len(), failed.join("\n"));
    assert!(passed > 0, "no case was tried");
}

fn run(case: &serde_json::Value) -> Result<(), String> {
    let text = case["expr"].as_str().ok_or("no expression")?;
    let checked = !case["disable_check"].as_bool().unwrap_or(false);
    let mut schema = Schema::new();
    for (name, ty) in case["variables"].as_object().into_iter().flatten() {
        schema.declare_fact(name, type_of(ty), TimeClass::Constant);
    }
    let schema = Arc::new(schema);
    let mut options = CompileOptions::new(checked.then_some(&*schema));
    options.container = case["container"].as_str().unwrap_or("");
    options.expected = Expected::Any;
    let expect = &case["expect"];
    let wants_error = expect["error"].as_bool().unwrap_or(false);
    let expression = match Expression::compile_with(text, &options) {
        Ok(expression) => expression,
        Err(_) if wants_error => return Ok(()),
        Err(findings) => return Err(format!("does not compile: {findings}")),
    };
    if let Some(ty) = expect.get("type") {
        let wanted = type_of(ty);
        if *expression.checked().ty() != wanted {
            return Err(format!("has type {}, not {wanted}", expression.checked().ty()));
        }
    }
    if case["check_only"].as_bool().unwrap_or(false) {
        return Ok(());
    }
    let now = Timestamp::parse("2026-01-01T00:00:00Z").map_err(|error| error.to_string())?;
    let mut facts = if checked { NamedFacts::of(schema.clone(), now) } else { NamedFacts::new(now) };
    for (name, value) in case["bindings"].as_object().into_iter().flatten() {
        facts = facts.with(name, value_of(value).ok_or("a binding cannot be read")?);
    }
    let Evaluated { outcome, .. } = expression.evaluate(&facts);
    match (outcome, expect.get("value")) {
        (Outcome::Error(_), _) if wants_error => Ok(()),
        (outcome, _) if wants_error => Err(format!("gives {outcome:?}, not an error")),
        (_, None | Some(serde_json::Value::Null)) => Ok(()),
        (Outcome::Value(found), Some(wanted)) => {
            let wanted = value_of(wanted).ok_or("the wanted value cannot be read")?;
            if same(&found, &wanted) { Ok(()) } else { Err(format!("gives {found:?}, not {wanted:?}")) }
        }
        (outcome, Some(wanted)) => Err(format!("gives {outcome:?}, not {wanted}")),
    }
}

/// The same value of the same type; the order of a map's entries does not matter, NaN is NaN.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Double(a), Value::Double(b)) => a == b || (a.is_nan() && b.is_nan()),
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| same(a, b)),
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len()
                && a.iter().all(|(key, value)| b.iter().any(|(other, wanted)| same(key, other) && same(value, wanted)))
        }
        _ => a == b,
    }
}

fn type_of(json: &serde_json::Value) -> Type {
    if let Some(element) = json.get("list") {
        return Type::List(Box::new(type_of(element)));
    }
    if let Some(parts) = json.get("map") {
        return Type::Map(Box::new(type_of(&parts[0])), Box::new(type_of(&parts[1])));
    }
    if let Some(name) = json.get("abstract").filter(|name| name[0] == "optional_type") {
        return Type::Optional(Box::new(type_of(&name[1][0])));
    }
    if json.get("type").is_some() {
        return Type::Type;
    }
    match json.as_str() {
        Some("bool") => Type::Bool,
        Some("int64") => Type::Int,
        Some("uint64") => Type::Uint,
        Some("double") => Type::Double,
        Some("string") => Type::String,
        Some("bytes") => Type::Bytes,
        Some("timestamp") => Type::Timestamp,
        Some("duration") => Type::Duration,
        Some("null") => Type::Null,
        _ => Type::Dyn,
    }
}

fn value_of(json: &serde_json::Value) -> Option<Value> {
    let (kind, inner) = json.as_object()?.iter().next()?;
    let text = || inner.as_str();
    Some(match kind.as_str() {
        "null" => Value::Null,
        "bool" => Value::Bool(inner.as_bool()?),
        "int" => Value::Int(text()?.parse().ok()?),
        "uint" => Value::Uint(text()?.parse().ok()?),
        "double" => Value::Double(text()?.parse().ok()?),
        "string" => Value::text(text()?),
        "bytes" => {
            let digits = text()?;
            let bytes: Option<Vec<u8>> =
                (0..digits.len() / 2).map(|i| u8::from_str_radix(&digits[2 * i..2 * i + 2], 16).ok()).collect();
            Value::Bytes(bytes?.into())
        }
        "list" => Value::List(inner.as_array()?.iter().map(value_of).collect::<Option<Vec<_>>>()?.into()),
        "map" => {
            let entries = inner.as_array()?.iter().map(|entry| Some((value_of(&entry[0])?, value_of(&entry[1])?)));
            Value::Map(entries.collect::<Option<Vec<_>>>()?.into())
        }
        "type" => Value::Type(text()?.into()),
        "timestamp" => Value::Timestamp(Moment::new(inner[0].as_i64()?, u32::try_from(inner[1].as_i64()?).ok()?).ok()?),
        "duration" => Value::Duration(Duration::from_nanos(
            inner[0].as_i64()?.checked_mul(1_000_000_000)?.checked_add(inner[1].as_i64()?)?,
        )),
        _ => return None,
    })
}
