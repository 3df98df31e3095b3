//! The list and set extensions.

use super::ast::BinaryOp;
use super::signature::{Call, Function, Sort, function, takes};
use super::value_ops::{Fault, Key, compare, equal, holds, too_large};
use super::{ErrorCode, Limits, optional, stream_ends, value_ops};
use crate::value::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

use Call::{Global, Method};
use Sort::{Any, Bool, Held, Int, List, OptionalHeld, Same};

/// Methods of lists. `sortBy` is a macro.
pub(super) const TABLE: &[Function] = &[
    // The checker adds what nothing comes to.
    function("sum", Method, &[takes(&[List], Held), takes(&[List, Any], Held)], |args, limits| match args {
        [Value::List(items)] => sum("sum", items, Value::Int(0), limits),
        [Value::List(items), zero] => sum("sum", items, zero.clone(), limits),
        _ => Err(Fault::no_overload("sum", args)),
    }),
    function("avg", Method, &[takes(&[List], Held)], |args, limits| match args {
        [Value::List(items)] => {
            let (first, rest) = items.split_first().ok_or_else(|| nothing("avg"))?;
            let total = sum("avg", rest, first.clone(), limits)?;
            stream_ends::average(&total, i64::try_from(items.len()).unwrap_or(i64::MAX))
        }
        _ => Err(Fault::no_overload("avg", args)),
    }),
    function("min", Method, &[takes(&[List], Held)], |args, _| furthest("min", BinaryOp::Less, args)),
    function("max", Method, &[takes(&[List], Held)], |args, _| furthest("max", BinaryOp::Greater, args)),
    function("only", Method, &[takes(&[List], Held), takes(&[List, List], Held)], |args, _| only(args)),
    function("slice", Method, &[takes(&[List, Int, Int], Same)], |args, _| match args {
        [Value::List(items), Value::Int(from), Value::Int(to)] => slice(items, *from, *to),
        _ => Err(Fault::no_overload("slice", args)),
    }),
    function("flatten", Method, &[takes(&[List], List), takes(&[List, Int], List)], |args, limits| {
        let (items, depth) = match args {
            [Value::List(items)] => (items, 1),
            [Value::List(items), Value::Int(depth)] => (items, *depth),
            _ => return Err(Fault::no_overload("flatten", args)),
        };
        let Ok(depth) = u32::try_from(depth.min(i64::from(u32::MAX))) else {
            return Err(Fault::new(ErrorCode::BadArgument, format!("`flatten` needs a depth of 0 or more, not {depth}")));
        };
        let mut flat = Vec::new();
        flatten(items, depth, &mut flat, limits)?;
        Ok(Value::List(flat.into()))
    }),
    function("sort", Method, &[takes(&[List], Same)], |args, _| match args {
        [Value::List(items)] => sorted_by(items.iter().map(|item| (item.clone(), item.clone())).collect()),
        _ => Err(Fault::no_overload("sort", args)),
    }),
    function("distinct", Method, &[takes(&[List], Same)], |args, limits| match args {
        [Value::List(items)] => distinct(items, limits),
        _ => Err(Fault::no_overload("distinct", args)),
    }),
    function("lists.range", Global, &[takes(&[Int], Sort::Ints)], |args, limits| match args {
        [Value::Int(end)] => match usize::try_from(*end) {
            Ok(count) if count > limits.size => Err(too_large(limits.size)),
            _ => Ok(Value::List((0..*end).map(Value::Int).collect())),
        },
        _ => Err(Fault::no_overload("lists.range", args)),
    }),
    function("first", Method, &[takes(&[List], OptionalHeld)], |args, _| match args {
        [Value::List(items)] => Ok(Value::Optional(items.first().cloned().map(Arc::new))),
        _ => Err(Fault::no_overload("first", args)),
    }),
    function("last", Method, &[takes(&[List], OptionalHeld)], |args, _| match args {
        [Value::List(items)] => Ok(items.last().cloned().map_or(Value::Optional(None), optional::present)),
        _ => Err(Fault::no_overload("last", args)),
    }),
];

/// Lists as sets: order and repetition do not count.
pub(super) const SETS: &[Function] = &[
    function("sets.contains", Global, &[takes(&[List, List], Bool)], |args, limits| {
        of_two("sets.contains", args, limits, |a, b| b.items.iter().all(|item| a.holds(item)))
    }),
    function("sets.equivalent", Global, &[takes(&[List, List], Bool)], |args, limits| {
        of_two("sets.equivalent", args, limits, |a, b| {
            a.items.iter().all(|item| b.holds(item)) && b.items.iter().all(|item| a.holds(item))
        })
    }),
    function("sets.intersects", Global, &[takes(&[List, List], Bool)], |args, limits| {
        of_two("sets.intersects", args, limits, |a, b| a.items.iter().any(|item| b.holds(item)))
    }),
];

fn nothing(name: &str) -> Fault {
    Fault::new(ErrorCode::BadArgument, format!("an empty list has no `{name}`"))
}

/// The only element; of several the error names all, as a second list calls them.
fn only(args: &[Value]) -> Result<Value, Fault> {
    let (items, names) = match args {
        [Value::List(items)] => (items, None),
        [Value::List(items), Value::List(names)] => (items, Some(names)),
        _ => return Err(Fault::no_overload("only", args)),
    };
    match &**items {
        [] => Err(nothing("only")),
        [item] => Ok(item.clone()),
        several => {
            let names = names.into_iter().flat_map(|names| names.iter()).take(8).map(|name| match name {
                Value::String(name) => name.to_string(),
                name => format!("{name:?}"),
            });
            let names: Vec<String> = names.collect();
            let told = if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) };
            Err(Fault::new(ErrorCode::BadArgument, format!("`only` takes a list of one, not of {}{told}", several.len())))
        }
    }
}

/// Numbers or lengths of time of one type, added up in their order.
fn sum(name: &str, items: &[Value], start: Value, limits: &Limits) -> Result<Value, Fault> {
    items.iter().try_fold(start, |total, item| match item {
        Value::Int(_) | Value::Uint(_) | Value::Double(_) | Value::Decimal(_) | Value::Duration(_) => {
            value_ops::binary(BinaryOp::Add, &total, item, limits.size)
        }
        other => Err(Fault::no_overload(name, std::slice::from_ref(other))),
    })
}

/// The first of the elements that none is beyond.
fn furthest(name: &str, op: BinaryOp, args: &[Value]) -> Result<Value, Fault> {
    let [Value::List(items)] = args else { return Err(Fault::no_overload(name, args)) };
    let (first, rest) = items.split_first().ok_or_else(|| nothing(name))?;
    let mut best = first;
    for item in rest {
        if holds(op, compare(op, item, best)?) {
            best = item;
        }
    }
    Ok(best.clone())
}

fn slice(items: &[Value], from: i64, to: i64) -> Result<Value, Fault> {
    let range = usize::try_from(from).ok().zip(usize::try_from(to).ok()).filter(|(from, to)| from <= to);
    range.and_then(|(from, to)| items.get(from..to)).map(|part| Value::List(Arc::from(part))).ok_or_else(|| {
        let message = format!("no elements {from} up to {to} in a list of {}", items.len());
        Fault::new(ErrorCode::IndexOutOfRange, message)
    })
}

fn flatten(items: &[Value], depth: u32, flat: &mut Vec<Value>, limits: &Limits) -> Result<(), Fault> {
    for item in items {
        match item {
            Value::List(inner) if depth > 0 => flatten(inner, depth - 1, flat, limits)?,
            _ if flat.len() >= limits.size => return Err(too_large(limits.size)),
            other => flat.push(other.clone()),
        }
    }
    Ok(())
}

/// The second of each pair, in the order of the first; equals keep their order. All keys must be of one type that has an
/// order.
pub(super) fn sorted_by(mut pairs: Vec<(Value, Value)>) -> Result<Value, Fault> {
    if let Some((first, _)) = pairs.first() {
        for (key, _) in &pairs {
            if std::mem::discriminant(first) != std::mem::discriminant(key) {
                return Err(Fault::no_overload("sort", &[first.clone(), key.clone()]));
            }
            compare(BinaryOp::Less, first, key)?;
        }
    }
    pairs.sort_by(|(a, _), (b, _)| match compare(BinaryOp::Less, a, b) {
        Ok(Some(order)) => order,
        // NaN comes last.
        _ => is_nan(a).cmp(&is_nan(b)),
    });
    Ok(Value::List(pairs.into_iter().map(|(_, value)| value).collect()))
}

fn is_nan(value: &Value) -> bool {
    matches!(value, Value::Double(number) if number.is_nan())
}

/// The first of equal elements, in the order of the list.
fn distinct(items: &[Value], limits: &Limits) -> Result<Value, Fault> {
    let mut kept: Vec<Value> = Vec::new();
    // Whole numbers, texts and truth values are found by their order, the others by comparing with all.
    let mut seen = BTreeSet::new();
    let compared = items.iter().filter(|item| Key::of(item).is_none());
    let (count, parts) =
        compared.fold((0_usize, 0_usize), |(count, parts), item| (count + 1, parts.saturating_add(weight(item))));
    bounded(count, parts, limits)?;
    let mut others: Vec<&Value> = Vec::new();
    for item in items {
        let new = match Key::of(item) {
            Some(key) => seen.insert(key),
            None => {
                let new = others.iter().all(|known| !equal(known, item));
                if new {
                    others.push(item);
                }
                new
            }
        };
        if new {
            kept.push(item.clone());
        }
    }
    Ok(Value::List(kept.into()))
}

/// How many parts a value has.
fn weight(value: &Value) -> usize {
    match value {
        Value::List(items) => items.iter().fold(1, |sum, item| sum.saturating_add(weight(item))),
        Value::Map(entries) => entries.iter().fold(1, |sum, (_, value)| sum.saturating_add(weight(value))),
        Value::Optional(Some(held)) => weight(held).saturating_add(1),
        Value::String(text) => 1 + text.len() / 64,
        Value::Bytes(bytes) => 1 + bytes.len() / 64,
        _ => 1,
    }
}

/// Refuses to compare more than ten times as many parts as a list may have elements.
fn bounded(times: usize, parts: usize, limits: &Limits) -> Result<(), Fault> {
    if times.saturating_mul(parts) > limits.size.saturating_mul(10) { Err(too_large(limits.size)) } else { Ok(()) }
}

/// A list of which it is asked what it holds.
struct Members<'a> {
    items: &'a [Value],
    /// When all elements have a place in an order.
    keys: Option<BTreeSet<Key<'a>>>,
}

impl<'a> Members<'a> {
    fn of(items: &'a [Value]) -> Self {
        Members { items, keys: items.iter().map(Key::of).collect() }
    }

    fn holds(&self, wanted: &Value) -> bool {
        match (&self.keys, Key::of(wanted)) {
            (Some(keys), Some(key)) => keys.contains(&key),
            // Doubles with a fraction and decimals have no key of their own.
            _ => self.items.iter().any(|item| equal(item, wanted)),
        }
    }
}

fn of_two(name: &str, args: &[Value], limits: &Limits, test: fn(&Members<'_>, &Members<'_>) -> bool) -> Result<Value, Fault> {
    let [Value::List(a), Value::List(b)] = args else { return Err(Fault::no_overload(name, args)) };
    let (a, b) = (Members::of(a), Members::of(b));
    if a.keys.is_none() || b.keys.is_none() {
        let parts = |members: &Members<'_>| members.items.iter().fold(0_usize, |sum, item| sum.saturating_add(weight(item)));
        bounded(a.items.len(), parts(&b), limits)?;
        bounded(b.items.len(), parts(&a), limits)?;
    }
    Ok(Value::Bool(test(&a, &b)))
}
