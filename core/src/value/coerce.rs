use super::decimal::DecimalError;
use super::{Date, Decimal, Duration, Moment, Point, Timestamp, Type, Value, postal};

/// Why a value does not fit a declared type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// What was expected, such as `int` or `one of web, shop`.
    pub expected: String,
    /// What came, without personal content: a type's name, or what is wrong with a number.
    pub found: String,
}

impl Value {
    /// The value as a declared type has it, converting what is written differently in JSON: whole numbers to doubles,
    /// numbers and text to decimals (exactly), text to timestamps, durations and dates, text, lists and maps to points, text and
    /// maps to postal codes.
    ///
    /// # Errors
    /// [`Misfit`] when the value cannot be of that type without loss; NaN and infinities are refused for doubles.
    pub fn coerce(self, ty: &Type) -> Result<Value, Misfit> {
        let found = self.type_name();
        let misfit = |found: &str| Misfit { expected: ty.to_string(), found: found.to_owned() };
        let decimal = |scale: u8, currency| {
            let converted = match &self {
                Value::Int(number) => Decimal::parse(&number.to_string(), scale, currency),
                Value::Uint(number) => Decimal::parse(&number.to_string(), scale, currency),
                Value::Double(number) => Decimal::from_double(*number, scale, currency),
                Value::String(text) => Decimal::parse(text, scale, currency),
                Value::Decimal(number) if number.currency() == currency || number.currency().is_none() => {
                    Decimal::parse(&number.amount_text(), scale, currency)
                }
                _ => return Err(misfit(found)),
            };
            let number = converted.map_err(|error| match error {
                DecimalError::NotADecimal => misfit(&format!("{found} that is no decimal number")),
                other => misfit(&format!("{found} with {other}")),
            })?;
            if i64::try_from(number.units()).is_err() {
                return Err(misfit("a number beyond 18 digits"));
            }
            Ok(Value::Decimal(number))
        };
        match (ty, &self) {
            (Type::Dyn, _)
            | (Type::Null, Value::Null)
            | (Type::Bool, Value::Bool(_))
            | (Type::Int, Value::Int(_))
            | (Type::Uint, Value::Uint(_))
            | (Type::String, Value::String(_))
            | (Type::Bytes, Value::Bytes(_))
            | (Type::Timestamp, Value::Timestamp(_))
            | (Type::Duration, Value::Duration(_))
            | (Type::Date, Value::Date(_))
            | (Type::Point, Value::Point(_))
            | (Type::Type, Value::Type(_))
            | (Type::Optional(_), Value::Optional(None)) => Ok(self),
            (Type::Optional(ty), Value::Optional(Some(held))) => {
                (**held).clone().coerce(ty).map(|held| Value::Optional(Some(std::sync::Arc::new(held))))
            }
            (Type::Double, Value::Double(number)) if number.is_finite() => Ok(self),
            (Type::Double, Value::Double(_)) => Err(misfit("NaN or infinity")),
            (Type::Double, Value::Int(number)) => Ok(Value::Double(*number as f64)),
            (Type::Int, Value::Uint(number)) => {
                i64::try_from(*number).map(Value::Int).map_err(|_| misfit("a number above 2^63"))
            }
            (Type::Uint, Value::Int(number)) => {
                u64::try_from(*number).map(Value::Uint).map_err(|_| misfit("a negative number"))
            }
            (Type::Decimal { scale }, _) => decimal(*scale, None),
            (Type::Money { currency, scale }, _) => decimal(*scale, Some(*currency)),
            (Type::Enum(names), Value::String(text)) if names.contains(text) => Ok(self),
            (Type::Enum(_), Value::String(_)) => Err(misfit("another text")),
            (Type::Timestamp, Value::String(text)) => Timestamp::parse(text)
                .map(|time| Value::Timestamp(Moment::from(time)))
                .map_err(|_| misfit("text that is no RFC 3339 time")),
            (Type::Duration, Value::String(text)) => {
                Duration::parse(text).map(Value::Duration).map_err(|_| misfit("text that is no duration"))
            }
            (Type::Date, Value::String(text)) => {
                Date::parse(text).map(Value::Date).ok_or_else(|| misfit("text that is no date such as `2000-02-29`"))
            }
            // A day that came as an instant is its midnight in UTC.
            (Type::Date, Value::Timestamp(moment)) => {
                let time = moment.to_chrono();
                let midnight = moment.nanos() == 0 && moment.seconds().rem_euclid(86_400) == 0;
                let day = Date::of(time.date_naive()).filter(|_| midnight);
                day.map(Value::Date).ok_or_else(|| misfit("a timestamp with a time of day"))
            }
            (Type::Timestamp, Value::Date(day)) => {
                let midnight = i64::from(day.days()) * 86_400;
                Moment::new(midnight, 0).map(Value::Timestamp).map_err(|_| misfit("a date out of range"))
            }
            (Type::Point, Value::String(text)) => {
                Point::parse(text).map(Value::Point).ok_or_else(|| misfit("text that is no point such as `52.52,13.405`"))
            }
            (Type::Point, Value::List(items)) => match &items[..] {
                [latitude, longitude] => point(latitude, longitude).ok_or_else(|| misfit("a list that is no point")),
                _ => Err(misfit("a list that is not latitude and longitude")),
            },
            (Type::Point, Value::Map(entries)) => {
                let part = |names: &[&str]| {
                    entries.iter().find(|(key, _)| key.as_text().is_some_and(|key| names.contains(&key))).map(|(_, part)| part)
                };
                let parts = part(&["latitude", "lat"]).zip(part(&["longitude", "lon", "lng"]));
                let point = parts.and_then(|(latitude, longitude)| point(latitude, longitude)).filter(|_| entries.len() == 2);
                point.ok_or_else(|| misfit("a map that is not latitude and longitude"))
            }
            (Type::PostalCode { country }, Value::String(text)) => match postal::canonical(text, country.as_deref()) {
                Some(code) => Ok(Value::text(&code)),
                None => Err(misfit("text that is no postal code")),
            },
            (Type::PostalCode { country }, Value::Int(number)) => {
                let code = postal::of_number(*number, country.as_deref());
                code.map(|code| Value::text(&code)).ok_or_else(|| misfit("a number that is no postal code"))
            }
            (Type::PostalCode { .. }, Value::Map(entries)) => {
                let part = |name: &str| entries.iter().find(|(key, _)| key.as_text() == Some(name))?.1.as_text();
                let country = part("country").filter(|country| postal::is_country(country));
                let code = part("code").filter(|_| country.is_some() && entries.len() == 2);
                let code = code.and_then(|code| postal::canonical(code, country));
                code.map(|code| Value::text(&code)).ok_or_else(|| misfit("a map that is not country and code"))
            }
            (Type::List(element), Value::List(items)) => {
                let items: Result<Vec<Value>, Misfit> = items.iter().cloned().map(|item| item.coerce(element)).collect();
                items.map(|items| Value::List(items.into()))
            }
            (Type::Map(key, value), Value::Map(entries)) => {
                let entries: Result<Vec<(Value, Value)>, Misfit> =
                    entries.iter().cloned().map(|(k, v)| Ok((k.coerce(key)?, v.coerce(value)?))).collect();
                entries.map(|entries| Value::Map(entries.into()))
            }
            _ => Err(misfit(found)),
        }
    }

    /// The name of the value's type, as the rule language has it.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Uint(_) => "uint",
            Value::Double(_) => "double",
            Value::Decimal(number) if number.currency().is_some() => "money",
            Value::Decimal(_) => "decimal",
            Value::String(_) => "string",
            Value::Bytes(_) => "bytes",
            Value::List(_) => "list",
            Value::Map(_) => "map",
            Value::Timestamp(_) => "timestamp",
            Value::Duration(_) => "duration",
            Value::Date(_) => "date",
            Value::Point(_) => "geo_point",
            Value::Type(_) => "type",
            Value::Optional(_) => "optional",
        }
    }
}

fn point(latitude: &Value, longitude: &Value) -> Option<Value> {
    let degrees = |value: &Value| match value {
        Value::Double(degrees) => Some(*degrees),
        Value::Int(degrees) => i32::try_from(*degrees).ok().map(f64::from),
        Value::Decimal(degrees) if degrees.currency().is_none() => Some(degrees.to_double()),
        _ => None,
    };
    Point::new(degrees(latitude)?, degrees(longitude)?).map(Value::Point)
}
