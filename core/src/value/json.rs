use super::Value;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::cell::Cell;
use std::fmt;

/// Reads JSON into values: whole numbers become int (or uint above 2^63), others double. Keys told twice, numbers beyond 64
/// bits, depth above 32 and more than a budget of nodes are refused.
pub(crate) struct FromJson<'a> {
    depth: u32,
    nodes: &'a Cell<u32>,
}

impl<'a> FromJson<'a> {
    /// A reader that spends from a budget of nodes.
    pub(crate) fn new(nodes: &'a Cell<u32>) -> Self {
        FromJson { depth: 32, nodes }
    }

    fn deeper<E: Error>(&self) -> Result<Self, E> {
        let depth = self.depth.checked_sub(1).ok_or_else(|| E::custom("nested deeper than 32 levels"))?;
        Ok(FromJson { depth, nodes: self.nodes })
    }

    fn spend<E: Error>(&self) -> Result<(), E> {
        let left = self.nodes.get().checked_sub(1).ok_or_else(|| E::custom("more values than the limit allows"))?;
        self.nodes.set(left);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for FromJson<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.spend()?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for FromJson<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or(Value::Uint(value), Value::Int))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        // A whole number of 2^64 or more arrives here, already rounded: refuse it rather than change it in silence.
        if value.abs() >= 9_007_199_254_740_992.0 && value.fract() == 0.0 {
            return Err(E::custom("a whole number beyond 64 bits; write it as text"));
        }
        Ok(Value::Double(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(self.deeper()?)? {
            items.push(item);
        }
        Ok(Value::List(items.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut entries: Vec<(Value, Value)> = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        while let Some(key) = access.next_key::<String>()? {
            if !seen.insert(key.clone()) {
                return Err(A::Error::custom(format!("key `{}` is told twice", key.chars().take(80).collect::<String>())));
            }
            let value = access.next_value_seed(self.deeper()?)?;
            entries.push((Value::text(&key), value));
        }
        Ok(Value::Map(entries.into()))
    }
}

impl Value {
    /// A value from JSON text of at most 32 levels and 10,000 values: whole numbers become int, or uint above 2^63, others double.
    ///
    /// # Errors
    /// What is wrong, in words: no JSON, a key told twice, a number beyond 64 bits, a limit.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let nodes = Cell::new(10_000);
        let mut reader = serde_json::Deserializer::from_str(text);
        let value = FromJson::new(&nodes).deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
        value.map_err(|error| error.to_string())
    }

    /// The value as JSON, for people and for answers: decimals, times and durations as text, bytes as hexadecimal digits,
    /// NaN and infinities as text, an optional as what it holds or null.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match self {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Int(value) => Json::from(*value),
            Value::Uint(value) => Json::from(*value),
            Value::Double(value) => {
                serde_json::Number::from_f64(*value).map_or_else(|| Json::String(value.to_string()), Json::Number)
            }
            Value::Decimal(value) => Json::String(value.to_string()),
            Value::String(value) | Value::Type(value) => Json::String(value.to_string()),
            Value::Bytes(value) => Json::String(value.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))),
            Value::List(items) => Json::Array(items.iter().map(Value::to_json).collect()),
            Value::Map(entries) => Json::Object(
                entries
                    .iter()
                    .map(|(key, value)| {
                        let key = match key {
                            Value::String(text) => text.to_string(),
                            other => other.to_json().to_string(),
                        };
                        (key, value.to_json())
                    })
                    .collect(),
            ),
            Value::Timestamp(value) => Json::String(value.to_string()),
            Value::Duration(value) => Json::String(value.to_string()),
            Value::Date(value) => Json::String(value.to_string()),
            Value::Point(value) => serde_json::json!({"latitude": value.latitude(), "longitude": value.longitude()}),
            Value::Optional(value) => value.as_ref().map_or(Json::Null, |value| value.to_json()),
        }
    }
}

impl serde::Serialize for Value {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}
