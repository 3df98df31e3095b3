//! From text to a question's types: first a tree, so that limits and repeated keys are settled once, then the types, so that
//! every mistake has its path.

use super::error::{QueryError, shown};
use crate::value::{FromJson, Value};
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;
use std::cell::Cell;

/// The largest question, in bytes of JSON.
pub const MAX_BYTES: usize = 1024 * 1024;
/// The most values in a question.
const MAX_NODES: u32 = 100_000;

/// The entries of a question, in order, each key once.
pub(super) type Entries = Vec<(String, Value)>;

/// Reads a JSON object; at most [`MAX_BYTES`] long, 32 levels deep and 100,000 values large.
pub(super) fn entries(text: &str) -> Result<Entries, QueryError> {
    if text.len() > MAX_BYTES {
        return Err(QueryError::new("too_long", "", "a question has at most 1 MiB of JSON"));
    }
    let nodes = Cell::new(MAX_NODES);
    let mut reader = serde_json::Deserializer::from_str(text);
    let tree = FromJson::new(&nodes).deserialize(&mut reader).and_then(|tree| reader.end().map(|()| tree));
    match tree.map_err(|error| QueryError::new("invalid_json", "", error.to_string()))? {
        Value::Map(entries) => {
            Ok(entries.iter().map(|(key, value)| (key.as_text().unwrap_or("").to_owned(), value.clone())).collect())
        }
        _ => Err(QueryError::new("wrong_type", "", "expected a question as a JSON object")),
    }
}

/// Reads the rest of a question into its type.
pub(super) fn typed<T: DeserializeOwned>(entries: &Entries) -> Result<T, QueryError> {
    let object: Vec<(Value, Value)> = entries.iter().map(|(key, value)| (Value::text(key), value.clone())).collect();
    T::deserialize(Tree(&Value::Map(object.into())))
}

/// Reads one value of a question into its type.
pub(super) fn nested<T: DeserializeOwned>(value: &Value) -> Result<T, QueryError> {
    T::deserialize(Tree(value))
}

/// One value of the tree, as serde reads it.
#[derive(Clone, Copy)]
struct Tree<'a>(&'a Value);

impl<'a> IntoDeserializer<'a, QueryError> for Tree<'a> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Tree<'de> {
    type Error = QueryError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, QueryError> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Int(value) => visitor.visit_i64(*value),
            Value::Uint(value) => visitor.visit_u64(*value),
            Value::Double(value) => visitor.visit_f64(*value),
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::List(items) => {
                let mut access = Items { inner: SeqDeserializer::new(items.iter().map(Tree)), next: 0 };
                visitor.visit_seq(&mut access)
            }
            Value::Map(entries) => {
                let pairs = entries.iter().map(|(key, value)| (key.as_text().unwrap_or(""), Tree(value)));
                visitor.visit_map(Keys { inner: MapDeserializer::new(pairs), entries, next: 0 })
            }
            _ => Err(QueryError::invalid_type(Unexpected::Other("value"), &visitor)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, QueryError> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, QueryError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, QueryError> {
        match self.0 {
            Value::String(text) => visitor.visit_enum((&**text).into_deserializer()),
            _ => Err(QueryError::new("wrong_type", "", "expected text")),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

/// Items of a list; a mistake in one gets its number.
struct Items<I> {
    inner: I,
    next: usize,
}

impl<'a, I: SeqAccess<'a, Error = QueryError>> SeqAccess<'a> for &mut Items<I> {
    type Error = QueryError;

    fn next_element_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Result<Option<T::Value>, QueryError> {
        let place = self.next;
        self.next += 1;
        self.inner.next_element_seed(seed).map_err(|error| error.under(&format!("[{place}]")))
    }
}

/// Entries of an object; a mistake in one gets its key.
struct Keys<'a, I> {
    inner: I,
    entries: &'a [(Value, Value)],
    next: usize,
}

impl<'a, I: MapAccess<'a, Error = QueryError>> MapAccess<'a> for Keys<'a, I> {
    type Error = QueryError;

    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Result<Option<K::Value>, QueryError> {
        self.next += 1;
        self.inner.next_key_seed(seed)
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, QueryError> {
        let key = self.next.checked_sub(1).and_then(|place| self.entries.get(place)?.0.as_text()).unwrap_or("");
        self.inner.next_value_seed(seed).map_err(|error| error.under(&shown(key)))
    }
}
