//! Facts out of JSON text, without a tree: the reader puts every value where it belongs.

use super::layout::{Coding, Names};
use super::row::{Row, RowError};
use crate::expr::FactId;
use crate::value::{FromJson, Type};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use smallvec::SmallVec;
use std::cell::Cell;
use std::fmt;

impl Row {
    /// Takes all facts from a JSON object; the facts before are forgotten. A path such as `customer.age` may be one key or keys
    /// of objects in each other. Fields that no rule reads are skipped, `null` is unknown.
    ///
    /// Takes time in proportion to the text.
    ///
    /// # Errors
    /// `bad_json` for text that is no JSON object, is nested too deep, tells a fact twice or has a value of another type.
    pub fn read_json(&mut self, text: &str) -> Result<(), RowError> {
        self.clear();
        let mut seen: SmallVec<[u64; 16]> = SmallVec::from_elem(0, self.layout.facts.len().div_ceil(64));
        let mut reader = serde_json::Deserializer::from_str(text);
        let level = Level { row: self, seen: &mut seen, level: 0 };
        let read = level.deserialize(&mut reader).and_then(|()| reader.end());
        read.map_err(|error| {
            self.clear();
            RowError::json(error.to_string())
        })
    }
}

/// The object of one level of names.
struct Level<'a> {
    row: &'a mut Row,
    seen: &'a mut [u64],
    level: u32,
}

/// What a key stands for.
enum Field {
    Fact(FactId),
    Below(u32),
    Nothing,
}

struct Key<'a>(Option<&'a Names>);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Field;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Field, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Field;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a fact")
    }

    #[inline]
    fn visit_str<E>(self, name: &str) -> Result<Field, E> {
        let Some(names) = self.0.filter(|names| names.may_have(name)) else { return Ok(Field::Nothing) };
        Ok(match names.facts.get(name) {
            Some(fact) => Field::Fact(*fact),
            None if names.below.is_empty() => Field::Nothing,
            None => names.below.get(name).map_or(Field::Nothing, |level| Field::Below(*level)),
        })
    }
}

impl<'de> DeserializeSeed<'de> for Level<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Level<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of facts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let layout = self.row.layout.clone();
        let names = layout.names.get(self.level as usize);
        while let Some(field) = access.next_key_seed(Key(names))? {
            match field {
                Field::Nothing => {
                    access.next_value::<IgnoredAny>()?;
                }
                Field::Below(level) => access.next_value_seed(Level { row: self.row, seen: self.seen, level })?,
                Field::Fact(fact) => {
                    if let Some(word) = self.seen.get_mut(fact.0 as usize / 64) {
                        if *word >> (fact.0 % 64) & 1 == 1 {
                            let path = layout.schema.fact_decl(fact).map_or("", |declared| &*declared.path);
                            return Err(A::Error::custom(format_args!("`{path}` is told twice")));
                        }
                        *word |= 1 << (fact.0 % 64);
                    }
                    access.next_value_seed(Told { row: self.row, fact })?;
                }
            }
        }
        Ok(())
    }
}

/// The value of a fact.
struct Told<'a> {
    row: &'a mut Row,
    fact: FactId,
}

impl<'de> DeserializeSeed<'de> for Told<'_> {
    type Value = ();

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let places = self.row.layout.places(self.fact);
        let list = places
            .value
            .and_then(|slot| self.row.layout.slot(slot))
            .is_some_and(|slot| matches!(slot.coding, Coding::Elements { .. }));
        let declared = self.row.layout.schema.fact_decl(self.fact).map(|declared| &declared.ty);
        if places.kept || (!list && matches!(declared, Some(Type::List(_) | Type::Map(..) | Type::Dyn))) {
            let budget = Cell::new(NODES);
            let value = FromJson::new(&budget).deserialize(deserializer)?;
            return self.row.set(self.fact, &value).map_err(D::Error::custom);
        }
        deserializer.deserialize_any(self)
    }
}

/// Values in one fact, at most.
const NODES: u32 = 100_000;

impl<'de> Visitor<'de> for Told<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.row.layout.schema.fact_decl(self.fact) {
            Some(declared) => write!(f, "{} for `{}`", declared.ty, declared.path),
            None => f.write_str("a value"),
        }
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.row.forget(self.fact);
        Ok(())
    }

    #[inline]
    fn visit_bool<E: Error>(self, truth: bool) -> Result<(), E> {
        self.row.set_bool(self.fact, truth).map_err(E::custom)
    }

    #[inline]
    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.row.set_int(self.fact, number).map_err(E::custom)
    }

    #[inline]
    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        match i64::try_from(number) {
            Ok(number) => self.row.set_int(self.fact, number),
            Err(_) => self.row.set(self.fact, &crate::Value::Uint(number)),
        }
        .map_err(E::custom)
    }

    #[inline]
    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        self.row.set_double(self.fact, number).map_err(E::custom)
    }

    #[inline]
    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.row.set_text(self.fact, text).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let texts = match self.row.layout.schema.fact_decl(self.fact).map(|declared| &declared.ty) {
            Some(Type::List(element)) => **element != Type::Int,
            _ => return Err(A::Error::invalid_type(serde::de::Unexpected::Seq, &self)),
        };
        self.row.begin_list(self.fact);
        while access.next_element_seed(Item { row: self.row, fact: self.fact, texts })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(A::Error::invalid_type(serde::de::Unexpected::Map, &self))
    }
}

/// An element of a list.
struct Item<'a> {
    row: &'a mut Row,
    fact: FactId,
    texts: bool,
}

impl<'de> DeserializeSeed<'de> for Item<'_> {
    type Value = ();

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.texts { deserializer.deserialize_str(self) } else { deserializer.deserialize_i64(self) }
    }
}

impl Visitor<'_> for Item<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.texts { "text" } else { "a whole number" })
    }

    #[inline]
    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.row.push_text(self.fact, text);
        Ok(())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.row.push_int(self.fact, number);
        Ok(())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        let number = i64::try_from(number).map_err(|_| E::invalid_value(serde::de::Unexpected::Unsigned(number), &self))?;
        self.row.push_int(self.fact, number);
        Ok(())
    }
}
