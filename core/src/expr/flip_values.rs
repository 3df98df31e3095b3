//! The nearest values for which a comparison comes out as wanted.

use super::ast::BinaryOp;
use super::flip::Beyond;
use super::value_ops::equal;
use super::warn::{mirrored, opposite};
use crate::value::{Currency, Decimal, Duration, Type, Value};

/// A value to try, and how it is said.
pub(super) struct Aim {
    pub(super) value: Value,
    pub(super) said: Value,
    pub(super) beyond: Beyond,
}

fn exactly(value: Value) -> Aim {
    Aim { said: value.clone(), value, beyond: Beyond::Exactly }
}

/// The values for which `slot op other` (or `other op slot` when `turned`) is what is wanted, the nearest to the current first.
pub(super) fn aims(op: BinaryOp, turned: bool, other: &Value, wanted: bool, ty: &Type, current: Option<&Value>) -> Vec<Aim> {
    if op == BinaryOp::In {
        return if turned { members(other, wanted, current) } else { of_list(other, wanted, ty, current) };
    }
    if !op.is_comparison() {
        return Vec::new();
    }
    let op = if turned { mirrored(op) } else { op };
    nearest(if wanted { op } else { opposite(op) }, other, ty, current).into_iter().collect()
}

/// The slot is the list: the element comes in or goes.
fn members(element: &Value, wanted: bool, current: Option<&Value>) -> Vec<Aim> {
    let mut items: Vec<Value> = match current {
        Some(Value::List(items)) => items.to_vec(),
        None => Vec::new(),
        Some(_) => return Vec::new(),
    };
    if wanted {
        items.push(element.clone());
    } else {
        items.retain(|item| !equal(item, element));
    }
    vec![exactly(Value::List(items.into()))]
}

/// The slot is the element: one of the list, or for an enum one that is not.
fn of_list(list: &Value, wanted: bool, ty: &Type, current: Option<&Value>) -> Vec<Aim> {
    let Value::List(items) = list else { return Vec::new() };
    if wanted {
        let mut aims: Vec<Aim> = items.iter().take(16).filter_map(|item| nearest(BinaryOp::Equal, item, ty, current)).collect();
        if let Some(current) = current.and_then(number) {
            aims.sort_by(|a, b| {
                let distance = |aim: &Aim| number(&aim.value).map_or(f64::INFINITY, |number| (number - current).abs());
                distance(a).total_cmp(&distance(b))
            });
        }
        return aims;
    }
    match ty {
        Type::Enum(names) => {
            let free = names.iter().map(|name| Value::String(name.clone()));
            free.filter(|name| !items.iter().any(|item| equal(item, name))).take(1).map(exactly).collect()
        }
        _ => Vec::new(),
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Uint(number) => Some(*number as f64),
        Value::Double(number) => Some(*number),
        Value::Decimal(amount) => Some(amount.to_double()),
        _ => None,
    }
}

/// The value nearest to the boundary for which `slot op other` holds.
fn nearest(op: BinaryOp, other: &Value, ty: &Type, current: Option<&Value>) -> Option<Aim> {
    match other {
        Value::String(text) => match op {
            BinaryOp::Equal => Some(exactly(other.clone())),
            BinaryOp::NotEqual => match ty {
                Type::Enum(names) => names.iter().find(|name| *name != text).map(|name| exactly(Value::String(name.clone()))),
                _ => None,
            },
            _ => None,
        },
        Value::Bool(truth) => match op {
            BinaryOp::Equal => Some(exactly(Value::Bool(*truth))),
            BinaryOp::NotEqual => Some(exactly(Value::Bool(!truth))),
            _ => None,
        },
        Value::Int(_) | Value::Uint(_) | Value::Double(_) | Value::Decimal(_) => numeric(op, other, ty, current),
        Value::Duration(length) => {
            beyond(op, other, |by| length.nanos().checked_add(by).map(|nanos| Value::Duration(Duration::from_nanos(nanos))))
        }
        Value::Timestamp(time) => beyond(op, other, |by| {
            let whole = time.to_timestamp();
            Some(Value::from(whole.saturating_add_micros(by)))
        }),
        _ => None,
    }
}

/// Of what has no next value worth saying: the boundary, or the least beyond it.
fn beyond(op: BinaryOp, boundary: &Value, step: impl Fn(i64) -> Option<Value>) -> Option<Aim> {
    match op {
        BinaryOp::Equal | BinaryOp::LessEqual | BinaryOp::GreaterEqual => Some(exactly(boundary.clone())),
        BinaryOp::Greater => Some(Aim { value: step(1)?, said: boundary.clone(), beyond: Beyond::Above }),
        BinaryOp::Less => Some(Aim { value: step(-1)?, said: boundary.clone(), beyond: Beyond::Below }),
        _ => None,
    }
}

fn numeric(op: BinaryOp, other: &Value, ty: &Type, current: Option<&Value>) -> Option<Aim> {
    // Without a static type the value it has tells the type, else what it is compared with.
    let shown = current.unwrap_or(other);
    let (scale, currency) = match (ty, shown) {
        (Type::Int | Type::Uint, _) | (Type::Dyn, Value::Int(_) | Value::Uint(_)) => (0, None),
        (Type::Decimal { scale }, _) => (*scale, None),
        (Type::Money { scale, currency }, _) => (*scale, Some(*currency)),
        (Type::Dyn, Value::Decimal(amount)) => (amount.scale(), amount.currency()),
        _ => {
            let boundary = number(other)?;
            return beyond(op, &Value::Double(boundary), |by| {
                Some(Value::Double(if by > 0 { boundary.next_up() } else { boundary.next_down() }))
            });
        }
    };
    let (units, exact) = floored(other, scale)?;
    let ceiling = if exact { units } else { units.checked_add(1)? };
    let wanted = match op {
        BinaryOp::Equal if exact => units,
        BinaryOp::GreaterEqual => ceiling,
        BinaryOp::Greater | BinaryOp::NotEqual => units.checked_add(1)?,
        BinaryOp::LessEqual => units,
        BinaryOp::Less => ceiling.checked_sub(1)?,
        _ => return None,
    };
    exact_value(wanted, scale, currency, ty, shown).map(exactly)
}

fn exact_value(units: i128, scale: u8, currency: Option<Currency>, ty: &Type, shown: &Value) -> Option<Value> {
    match (ty, shown) {
        (Type::Uint, _) | (Type::Dyn, Value::Uint(_)) => u64::try_from(units).ok().map(Value::Uint),
        (Type::Int, _) | (Type::Dyn, Value::Int(_)) => i64::try_from(units).ok().map(Value::Int),
        _ => Some(Value::Decimal(Decimal::new(units, scale, currency))),
    }
}

/// A number in units of a scale, rounded down, and whether nothing was lost.
fn floored(value: &Value, scale: u8) -> Option<(i128, bool)> {
    let amount = match value {
        Value::Int(number) => Decimal::new(i128::from(*number), 0, None),
        Value::Uint(number) => Decimal::new(i128::from(*number), 0, None),
        Value::Decimal(amount) => *amount,
        Value::Double(number) => Decimal::from_double(*number, Decimal::MAX_SCALE, None).ok()?,
        _ => return None,
    };
    let power = |digits: u8| 10_i128.checked_pow(u32::from(digits));
    if amount.scale() <= scale {
        return Some((amount.units().checked_mul(power(scale - amount.scale())?)?, true));
    }
    let power = power(amount.scale() - scale)?;
    Some((amount.units().div_euclid(power), amount.units().rem_euclid(power) == 0))
}
