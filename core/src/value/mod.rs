//! Values, types, time, windows and exact decimals: the vocabulary that every other folder speaks.

mod coerce;
mod date;
mod decimal;
mod html;
mod json;
mod late_text;
mod parts;
mod phone;
mod point;
pub(crate) mod postal;
mod threshold;
mod time;
mod types;
mod window;
mod zone;

pub use coerce::Misfit;
pub use date::Date;
pub use decimal::{Currency, Decimal, DecimalError};
pub(crate) use html::escaped;
pub(crate) use json::FromJson;
pub use late_text::LateText;
pub(crate) use late_text::Recipe;
pub(crate) use parts::{only_parts, parts};
pub(crate) use phone::{PHONE_TABLES, e164, is_phone_region};
pub use point::Point;
pub(crate) use threshold::{THRESHOLDS, USUAL_THRESHOLD, threshold};
pub use time::{Duration, Moment, TimeError, Timestamp};
pub use types::Type;
pub use window::{BlockUnit, Blocks, Span, Unit, Window};
pub use zone::{Zone, ZoneError};

use std::sync::Arc;

/// A value of the rule language, of an attribute or of an event's property.
///
/// *Unknown* is not a value of this type: reading something may give no value at all, see
/// [`Outcome`](crate::expr::Outcome). Cloning is cheap: text, bytes, lists and maps are shared.
///
/// `PartialEq` is structural (two doubles are equal when their bits are, so `NaN == NaN`); the rule language's own
/// equality, under which `1 == 1.0`, lives in `expr`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Value {
    /// CEL's `null`.
    Null,
    /// A truth value.
    Bool(bool),
    /// A signed 64-bit integer.
    Int(i64),
    /// An unsigned 64-bit integer.
    Uint(u64),
    /// An IEEE 754 double; may be NaN or infinite inside expressions, never in a score.
    Double(f64),
    /// An exact decimal, or money when it has a currency.
    Decimal(Decimal),
    /// Unicode text.
    String(Arc<str>),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// A list.
    List(Arc<[Value]>),
    /// A map; entries are kept in the order written, keys are unique under CEL equality.
    Map(Arc<[(Value, Value)]>),
    /// An instant, with the nanoseconds that CEL has.
    Timestamp(Moment),
    /// A length of time, with the nanoseconds that CEL has.
    Duration(Duration),
    /// A day of the calendar.
    Date(Date),
    /// A point on the Earth.
    Point(Point),
    /// A type as a value, as CEL's `type(x)` gives it.
    Type(Arc<str>),
    /// A value that may be absent, as `optional.of(x)` and `a.?b` give it; only inside expressions.
    Optional(Option<Arc<Value>>),
}

impl Value {
    /// Text as a value.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Value::String(Arc::from(text))
    }

    /// The text, when the value is text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::Uint(a), Value::Uint(b)) => a == b,
            (Value::Double(a), Value::Double(b)) => a.to_bits() == b.to_bits(),
            (Value::Decimal(a), Value::Decimal(b)) => a == b,
            (Value::String(a), Value::String(b)) | (Value::Type(a), Value::Type(b)) => a == b,
            (Value::Bytes(a), Value::Bytes(b)) => a == b,
            (Value::List(a), Value::List(b)) => a == b,
            (Value::Map(a), Value::Map(b)) => a == b,
            (Value::Timestamp(a), Value::Timestamp(b)) => a == b,
            (Value::Duration(a), Value::Duration(b)) => a == b,
            (Value::Date(a), Value::Date(b)) => a == b,
            (Value::Point(a), Value::Point(b)) => a == b,
            (Value::Optional(a), Value::Optional(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Value {}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value::Int(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Value::Double(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Value::text(value)
    }
}

impl From<Decimal> for Value {
    fn from(value: Decimal) -> Self {
        Value::Decimal(value)
    }
}

impl From<Timestamp> for Value {
    fn from(value: Timestamp) -> Self {
        Value::Timestamp(value.into())
    }
}
