//! The list and set extensions.

use super::ast::BinaryOp;
use super::signature::{Call, Function, Sort, function, takes};
use super::value_ops::{Fault, compare, equal, too_large};
use super::{ErrorCode, Limits, optional};
use crate::value::Value;
use std::sync::Arc;

use Call::{Global, Method};
use Sort::{Bool, Int, List, OptionalHeld, Same};

/// Methods of lists. `sortBy` is a macro.
pub(super) const TABLE: &[Function] = &[
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
        let Ok(depth) = u32::try_from(depth) else {
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
        of_two("sets.contains", args, limits, |a, b| b.iter().all(|item| holds(a, item)))
    }),
    function("sets.equivalent", Global, &[takes(&[List, List], Bool)], |args, limits| {
        of_two("sets.equivalent", args, limits, |a, b| {
            a.iter().all(|item| holds(b, item)) && b.iter().all(|item| holds(a, item))
        })
    }),
    function("sets.intersects", Global, &[takes(&[List, List], Bool)], |args, limits| {
        of_two("sets.intersects", args, limits, |a, b| a.iter().any(|item| holds(b, item)))
    }),
];

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
    // Elements that have a place in an order are found by it, the others by comparing with all.
    let mut seen = std::collections::BTreeSet::new();
    let mut others: Vec<usize> = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let new = match super::value_ops::Key::of(item) {
            Some(key) => seen.insert(key),
            None => {
                pairs(others.len(), 1, limits)?;
                let new = others.iter().all(|known| !equal(&items[*known], item));
                others.push(at);
                new
            }
        };
        if new {
            kept.push(item.clone());
        }
    }
    Ok(Value::List(kept.into()))
}

fn holds(items: &[Value], wanted: &Value) -> bool {
    items.iter().any(|item| equal(item, wanted))
}

/// Refuses to compare more pairs than a text may have bytes.
fn pairs(a: usize, b: usize, limits: &Limits) -> Result<(), Fault> {
    if a.saturating_mul(b) > limits.size { Err(too_large(limits.size)) } else { Ok(()) }
}

fn of_two(name: &str, args: &[Value], limits: &Limits, test: fn(&[Value], &[Value]) -> bool) -> Result<Value, Fault> {
    match args {
        [Value::List(a), Value::List(b)] => {
            pairs(a.len(), b.len(), limits)?;
            Ok(Value::Bool(test(a, b)))
        }
        _ => Err(Fault::no_overload(name, args)),
    }
}
