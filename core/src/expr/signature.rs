//! How functions are described: names, signatures and bodies.

use super::Limits;
use super::value_ops::Fault;
use crate::value::{Type, Value};

/// A function of the language.
pub(super) struct Function {
    /// Its name; one with a dot is called as written, not as a method.
    pub(super) name: &'static str,
    /// How it is called.
    pub(super) call: Call,
    /// What it takes and gives; the receiver is the first parameter.
    pub(super) overloads: &'static [Overload],
    /// Computes it. Arguments outside of the overloads are [`ErrorCode::NoSuchOverload`].
    pub(super) run: fn(&[Value], &Limits) -> Result<Value, Fault>,
    /// Whether the result is in proportion to the first argument.
    pub(super) linear: bool,
}

/// How a function may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// `f(x)`.
    Global,
    /// `x.f()`.
    Method,
    /// Both.
    Either,
}

/// One signature.
pub(super) struct Overload {
    pub(super) params: &'static [Sort],
    /// Whether the last parameter may be given several times.
    pub(super) repeats: bool,
    pub(super) result: Sort,
}

/// A set of types in a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Any,
    Null,
    Bool,
    Int,
    Uint,
    Double,
    Decimal,
    /// Any of the four.
    Number,
    String,
    Bytes,
    Timestamp,
    Duration,
    Date,
    Point,
    PostalCode,
    List,
    Strings,
    Map,
    Type,
    Optional,
    /// As a result: the type of the first argument.
    Same,
    /// As a result: what the first argument, a list or an optional, holds.
    Held,
    /// As a result: an optional of the first argument.
    OptionalOf,
    /// As a result: an optional of what the first argument, a list or an optional, holds.
    OptionalHeld,
    /// As a result: a list of what the elements of the first argument, a list of optionals, hold.
    Unwrapped,
    /// A list of int.
    Ints,
}

impl Sort {
    /// Whether an argument of a type may be passed; `dyn` always may.
    pub(super) fn accepts(self, ty: &Type) -> bool {
        match (self, ty) {
            (Sort::Any | Sort::Same | Sort::OptionalOf, ty) => !matches!(ty, Type::Stream | Type::Event),
            (_, Type::Dyn) => true,
            (Sort::Null, Type::Null)
            | (Sort::Bool, Type::Bool)
            | (Sort::Int, Type::Int)
            | (Sort::Uint, Type::Uint)
            | (Sort::Double, Type::Double)
            | (Sort::Decimal, Type::Decimal { .. } | Type::Money { .. })
            | (Sort::String, Type::String | Type::Enum(_) | Type::PostalCode { .. })
            | (Sort::Bytes, Type::Bytes)
            | (Sort::Timestamp, Type::Timestamp)
            | (Sort::Duration, Type::Duration)
            | (Sort::Date, Type::Date)
            | (Sort::Point, Type::Point)
            | (Sort::PostalCode, Type::PostalCode { .. })
            | (Sort::List, Type::List(_))
            | (Sort::Map, Type::Map(..))
            | (Sort::Type, Type::Type)
            | (Sort::Optional, Type::Optional(_)) => true,
            (Sort::Number, ty) => super::types::is_number(ty),
            (Sort::Strings, Type::List(element)) => Sort::String.accepts(element),
            _ => false,
        }
    }

    /// The type of a result.
    pub(super) fn ty(self, first: Option<&Type>) -> Type {
        match self {
            Sort::Any | Sort::Number => Type::Dyn,
            Sort::Optional => Type::Optional(Box::new(Type::Dyn)),
            Sort::Held => held(first),
            Sort::OptionalOf => Type::Optional(Box::new(first.cloned().unwrap_or(Type::Dyn))),
            Sort::OptionalHeld => Type::Optional(Box::new(held(first))),
            Sort::Unwrapped => Type::List(Box::new(held(Some(&held(first))))),
            Sort::Ints => Type::List(Box::new(Type::Int)),
            Sort::Same => first.cloned().unwrap_or(Type::Dyn),
            Sort::Null => Type::Null,
            Sort::Bool => Type::Bool,
            Sort::Int => Type::Int,
            Sort::Uint => Type::Uint,
            Sort::Double => Type::Double,
            Sort::Decimal => Type::Dyn,
            Sort::String => Type::String,
            Sort::Bytes => Type::Bytes,
            Sort::Timestamp => Type::Timestamp,
            Sort::Duration => Type::Duration,
            Sort::Date => Type::Date,
            Sort::Point => Type::Point,
            Sort::PostalCode => Type::PostalCode { country: None },
            Sort::List => Type::List(Box::new(Type::Dyn)),
            Sort::Strings => Type::List(Box::new(Type::String)),
            Sort::Map => Type::Map(Box::new(Type::Dyn), Box::new(Type::Dyn)),
            Sort::Type => Type::Type,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Sort::Any | Sort::Same | Sort::Held | Sort::OptionalOf => "any",
            Sort::Optional | Sort::OptionalHeld => "optional",
            Sort::Unwrapped => "list",
            Sort::Ints => "list(int)",
            Sort::Null => "null",
            Sort::Bool => "bool",
            Sort::Int => "int",
            Sort::Uint => "uint",
            Sort::Double => "double",
            Sort::Decimal => "decimal",
            Sort::Number => "number",
            Sort::String => "string",
            Sort::Bytes => "bytes",
            Sort::Timestamp => "timestamp",
            Sort::Duration => "duration",
            Sort::Date => "date",
            Sort::Point => "geo_point",
            Sort::PostalCode => "postal_code",
            Sort::List => "list",
            Sort::Strings => "list(string)",
            Sort::Map => "map",
            Sort::Type => "type",
        }
    }
}

/// What the elements of a list, or the value of an optional, are.
fn held(ty: Option<&Type>) -> Type {
    match ty {
        Some(Type::List(held) | Type::Optional(held)) => (**held).clone(),
        _ => Type::Dyn,
    }
}

pub(super) const fn takes(params: &'static [Sort], result: Sort) -> Overload {
    Overload { params, result, repeats: false }
}

/// The same, where the last parameter may be given several times.
pub(super) const fn takes_some(params: &'static [Sort], result: Sort) -> Overload {
    Overload { params, result, repeats: true }
}

impl Overload {
    /// Whether arguments of these types may be passed.
    pub(super) fn accepts(&self, args: &[Type]) -> bool {
        let fits = args.len() == self.params.len() || (self.repeats && args.len() > self.params.len());
        let sorts = self.params.iter().chain(self.params.last().into_iter().cycle());
        fits && sorts.zip(args).all(|(sort, ty)| sort.accepts(ty))
    }
}

pub(super) const fn function(
    name: &'static str,
    call: Call,
    overloads: &'static [Overload],
    run: fn(&[Value], &Limits) -> Result<Value, Fault>,
) -> Function {
    Function { name, call, overloads, run, linear: false }
}
