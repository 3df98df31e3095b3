//! Optional values: those that may be absent, after the optional types of the standard.
//!
//! Unknown is something else: `customer.?age` is absent while nothing was told, so that `customer.?age.orValue(18)` always
//! has a value.

use super::ErrorCode;
use super::ast::NodeId;
use super::check::Checker;
use super::checked::{Op, Ref};
use super::evaluate::{Machine, Partial, earlier};
use super::evaluate_names::Frame;
use super::finding::Finding;
use super::signature::{Call, Function, Sort, function, takes};
use super::value_ops::{Fault, field_of, get, type_name};
use super::{Outcome, value_ops};
use crate::value::{Type, Value};
use std::sync::Arc;

use Call::{Global, Method};
use Sort::{Any, Bool, Held, Optional, OptionalOf};

const ABSENT: Value = Value::Optional(None);

/// Functions of optional values. The bodies of `or` and `orValue` are never called: what they take is computed lazily.
pub(super) const TABLE: &[Function] = &[
    function("optional.of", Global, &[takes(&[Any], OptionalOf)], |args, _| match args {
        [value] => Ok(present(value.clone())),
        _ => Err(Fault::no_overload("optional.of", args)),
    }),
    function("optional.none", Global, &[takes(&[], Optional)], |_, _| Ok(ABSENT)),
    function("optional.ofNonZeroValue", Global, &[takes(&[Any], OptionalOf)], |args, _| match args {
        [value] if is_zero(value) => Ok(ABSENT),
        [value] => Ok(present(value.clone())),
        _ => Err(Fault::no_overload("optional.ofNonZeroValue", args)),
    }),
    function("optional.unwrap", Global, &[takes(&[Sort::List], Sort::Unwrapped)], |args, _| unwrapped("optional.unwrap", args)),
    function("unwrapOpt", Method, &[takes(&[Sort::List], Sort::Unwrapped)], |args, _| unwrapped("unwrapOpt", args)),
    function("hasValue", Method, &[takes(&[Optional], Bool)], |args, _| match args {
        [Value::Optional(held)] => Ok(Value::Bool(held.is_some())),
        _ => Err(Fault::no_overload("hasValue", args)),
    }),
    function("value", Method, &[takes(&[Optional], Held)], |args, _| match args {
        [Value::Optional(Some(held))] => Ok((**held).clone()),
        [Value::Optional(None)] => Err(Fault::new(ErrorCode::BadArgument, "an absent optional has no value")),
        _ => Err(Fault::no_overload("value", args)),
    }),
    function("or", Method, &[takes(&[Optional, Optional], Optional)], |args, _| Err(Fault::no_overload("or", args))),
    function("orValue", Method, &[takes(&[Optional, Any], Held)], |args, _| Err(Fault::no_overload("orValue", args))),
];

pub(super) fn present(value: Value) -> Value {
    Value::Optional(Some(Arc::new(value)))
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) | Value::Int(0) | Value::Uint(0) => true,
        Value::Double(number) => *number == 0.0,
        Value::Decimal(amount) => amount.units() == 0,
        Value::String(text) => text.is_empty(),
        Value::Bytes(bytes) => bytes.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Map(entries) => entries.is_empty(),
        Value::Duration(length) => length.nanos() == 0,
        _ => false,
    }
}

fn unwrapped(name: &str, args: &[Value]) -> Result<Value, Fault> {
    let [Value::List(items)] = args else { return Err(Fault::no_overload(name, args)) };
    let mut held = Vec::new();
    for item in items.iter() {
        match item {
            Value::Optional(inner) => held.extend(inner.iter().map(|inner| (**inner).clone())),
            _ => return Err(Fault::no_overload(name, args)),
        }
    }
    Ok(Value::List(held.into()))
}

/// `base.?field`, and `base.field` of an optional.
pub(super) fn select(base: &Value, field: &str) -> Result<Value, Fault> {
    match base {
        Value::Optional(None) => Ok(ABSENT),
        Value::Optional(Some(held)) => select(held, field),
        Value::Map(entries) => Ok(Value::Optional(field_of(entries, field).cloned().map(Arc::new))),
        other => Err(Fault::new(ErrorCode::NoSuchOverload, format!("a {} has no field `{field}`", type_name(other)))),
    }
}

/// `base[?index]`, and `base[index]` of an optional.
pub(super) fn index(base: &Value, at: &Value) -> Result<Value, Fault> {
    match base {
        Value::Optional(None) => Ok(ABSENT),
        Value::Optional(Some(held)) => index(held, at),
        Value::Map(entries) => Ok(Value::Optional(get(entries, at).cloned().map(Arc::new))),
        other => match value_ops::index(other, at) {
            Ok(found) => Ok(present(found)),
            Err(fault) if fault.code == ErrorCode::IndexOutOfRange => Ok(ABSENT),
            Err(fault) => Err(fault),
        },
    }
}

/// What was read, absent while it is unknown.
pub(super) fn told(found: Partial) -> Partial {
    let outcome = match found.outcome {
        Outcome::Value(value) => Outcome::Value(present(value)),
        Outcome::Unknown(_) => Outcome::Value(ABSENT),
        error @ Outcome::Error(_) => error,
    };
    Partial::new(outcome, found.until)
}

impl Machine<'_> {
    /// What a list or map keeps of a part: nothing of an absent one that may lack.
    pub(super) fn held(&self, part: Ref, value: Value) -> Result<Option<Value>, Fault> {
        match (&self.node(part).op, value) {
            (Op::Maybe(_), Value::Optional(held)) => Ok(held.map(|held| (*held).clone())),
            (Op::Maybe(_), other) => Err(Fault::no_overload("?", &[other])),
            (_, value) => Ok(Some(value)),
        }
    }

    pub(super) fn or_else(&self, id: Ref, base: Ref, (other, unwraps): (Ref, bool), frame: Option<&Frame<'_>>) -> Partial {
        let found = self.settled(base, frame);
        let name = if unwraps { "orValue" } else { "or" };
        match found.outcome {
            Outcome::Value(Value::Optional(Some(held))) if unwraps => {
                Partial::new(Outcome::Value((*held).clone()), found.until)
            }
            Outcome::Value(Value::Optional(None)) => {
                let other = self.settled(other, frame);
                let outcome = match other.outcome {
                    Outcome::Value(value) if !unwraps && !matches!(value, Value::Optional(_)) => {
                        self.error_at(id, Fault::no_overload(name, &[ABSENT, value]))
                    }
                    outcome => outcome,
                };
                Partial::new(outcome, earlier(found.until, other.until))
            }
            Outcome::Value(Value::Optional(_)) => found,
            Outcome::Value(value) => Partial::new(self.error_at(id, Fault::no_overload(name, &[value])), found.until),
            _ => found,
        }
    }
}

impl Checker<'_> {
    /// `base.?field`.
    pub(super) fn optional_select(&mut self, id: NodeId, base: NodeId, field: &Arc<str>) -> Ref {
        if let Some(read) = self.optional_read(id, base, field) {
            let (held, class) = (self.ty(read).clone(), self.mixed([read]));
            return self.push(id, Op::Told(read), Type::Optional(Box::new(held)), class);
        }
        let base = self.lower(base);
        let looked_into = match self.ty(base).clone() {
            Type::Optional(held) => *held,
            other => other,
        };
        let ty = match looked_into {
            Type::Map(key, value) if matches!(*key, Type::String | Type::Dyn) => *value,
            Type::Dyn => Type::Dyn,
            other => {
                let message = format!("{other} has no field `{field}`");
                self.report(Finding::error("no_such_field", self.extent(id), message));
                Type::Dyn
            }
        };
        let class = self.mixed([base]);
        self.push(id, Op::OptionalField { base, field: field.clone() }, Type::Optional(Box::new(ty)), class)
    }

    /// A declared fact or an event's property that `base.?field` reads.
    fn optional_read(&mut self, id: NodeId, base: NodeId, field: &Arc<str>) -> Option<Ref> {
        let schema = self.schema?;
        let mut parts = self.names(base)?;
        let bound = parts.first().and_then(|first| self.local(first));
        if let Some(slot) = bound {
            let kinds = self.event_kinds(slot).filter(|_| parts.len() == 1)?;
            return Some(self.event_field(id, u32::try_from(slot).unwrap_or(u32::MAX), &kinds, field));
        }
        parts.push(field.clone());
        let known = self.prefixes(false).into_iter().any(|prefix| {
            let path = format!("{prefix}{}", parts.join("."));
            schema.fact(&path).is_some() || schema.computed().get(&path).is_some()
        });
        if known {
            return self.declared(id, &parts, false);
        }
        let looked_into = self.prefixes(false).into_iter().any(|prefix| {
            (1..parts.len()).any(|count| schema.fact(&format!("{prefix}{}", parts[..count].join("."))).is_some())
        });
        if looked_into { None } else { Some(self.unknown_name(id, &parts)) }
    }

    /// `base[?index]`.
    pub(super) fn optional_index(&mut self, id: NodeId, base: NodeId, index: NodeId) -> Ref {
        let (base, index, ty, class) = self.looked_up(base, index, true);
        self.push(id, Op::OptionalIndex { base, index }, ty, class)
    }

    /// `?value` in a list or map.
    pub(super) fn maybe(&mut self, id: NodeId, inner: NodeId) -> Ref {
        let value = self.lower(inner);
        let ty = match self.ty(value).clone() {
            Type::Optional(held) => *held,
            Type::Dyn => Type::Dyn,
            other => {
                self.mismatch(inner, "an optional", &other);
                Type::Dyn
            }
        };
        let (class, free) = (self.mixed([value]), self.free[value.0 as usize]);
        let part = self.push(id, Op::Maybe(value), ty, class);
        self.free[part.0 as usize] = free;
        part
    }

    /// `base.or(other)` and `base.orValue(other)`.
    pub(super) fn or_else(&mut self, id: NodeId, base: Ref, other: Ref, unwraps: bool) -> Ref {
        let base_ty = self.ty(base).clone();
        let free = self.free[base.0 as usize];
        let held = match &base_ty {
            Type::Optional(held) => (**held).clone(),
            _ => Type::Dyn,
        };
        let left = if unwraps { held } else { base_ty };
        let right = (self.ty(other).clone(), self.free[other.0 as usize]);
        let ty = match super::types::join((&left, free), (&right.0, right.1)) {
            Some((ty, _)) => ty,
            None => {
                if self.schema.is_some() {
                    let message = format!("both values need one type, found {left} and {}", right.0);
                    self.report(Finding::error("type_mismatch", self.extent(id), message));
                }
                Type::Dyn
            }
        };
        let class = self.mixed([base, other]);
        self.push(id, Op::OrElse { base, other, unwraps }, ty, class)
    }
}
