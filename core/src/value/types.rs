use super::Currency;
use std::fmt;

/// The static type of an expression, an attribute or an event's property.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Type {
    /// Not known before evaluation; every use is checked then.
    Dyn,
    /// The type of `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// 64-bit signed integer.
    Int,
    /// 64-bit unsigned integer.
    Uint,
    /// IEEE 754 double.
    Double,
    /// Exact decimal with a fixed number of digits after the point.
    Decimal {
        /// Digits after the point, 0 to 18.
        scale: u8,
    },
    /// Exact amount of one currency.
    Money {
        /// The currency; amounts of two currencies never mix.
        currency: Currency,
        /// Digits after the point.
        scale: u8,
    },
    /// Unicode text.
    String,
    /// Text out of a declared set, sorted as declared.
    Enum(std::sync::Arc<[std::sync::Arc<str>]>),
    /// Bytes.
    Bytes,
    /// An instant.
    Timestamp,
    /// A length of time.
    Duration,
    /// A day of the calendar.
    Date,
    /// A point on the Earth.
    Point,
    /// A postal code as canonical text such as `DE-10115`.
    PostalCode {
        /// The country (ISO 3166-1 alpha-2) of codes that name none.
        country: Option<std::sync::Arc<str>>,
    },
    /// A list of one element type.
    List(Box<Type>),
    /// A map from one type to another.
    Map(Box<Type>, Box<Type>),
    /// A type as a value.
    Type,
    /// A value that may be absent; only inside expressions.
    Optional(Box<Type>),
    /// A stream of events of the story, as `events("purchase")` gives it; only inside expressions.
    Stream,
    /// One event of a stream, bound by `where`; only inside expressions.
    Event,
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Dyn => f.write_str("dyn"),
            Type::Null => f.write_str("null"),
            Type::Bool => f.write_str("bool"),
            Type::Int => f.write_str("int"),
            Type::Uint => f.write_str("uint"),
            Type::Double => f.write_str("double"),
            Type::Decimal { scale } => write!(f, "decimal({scale})"),
            Type::Money { currency, scale } if *scale == currency.minor_digits() => write!(f, "money({currency})"),
            Type::Money { currency, scale } => write!(f, "money({currency}, {scale})"),
            Type::String => f.write_str("string"),
            Type::Enum(names) => {
                f.write_str("enum(")?;
                for (i, name) in names.iter().enumerate() {
                    if i > 0 {
                        f.write_str(", ")?;
                    }
                    f.write_str(name)?;
                }
                f.write_str(")")
            }
            Type::Bytes => f.write_str("bytes"),
            Type::Timestamp => f.write_str("timestamp"),
            Type::Duration => f.write_str("duration"),
            Type::Date => f.write_str("date"),
            Type::Point => f.write_str("geo_point"),
            Type::PostalCode { country: None } => f.write_str("postal_code"),
            Type::PostalCode { country: Some(country) } => write!(f, "postal_code({country})"),
            Type::List(element) => write!(f, "list({element})"),
            Type::Map(key, value) => write!(f, "map({key}, {value})"),
            Type::Type => f.write_str("type"),
            Type::Optional(held) => write!(f, "optional({held})"),
            Type::Stream => f.write_str("event stream"),
            Type::Event => f.write_str("event"),
        }
    }
}
