use super::event::{Event, EventError};
use super::identifier::Identifier;
use super::layout::{CellKind, Layout};
use super::reserved::{ATTRIBUTE_CLEARED, ATTRIBUTE_SET};
use super::strand::{Prepared, PreparedCell};
use crate::expr::EventKind;
use crate::value::{Timestamp, Type, Value, only_parts, parts};
use sha2::{Digest, Sha256};
use smallvec::SmallVec;
use std::borrow::Cow;

/// The longest text of a property, in bytes of UTF-8.
pub const MAX_TEXT: usize = 64 * 1024;

impl Layout {
    /// Checks an event against the schema and brings it into the story's form.
    ///
    /// # Errors
    /// [`EventError`] naming the part that does not fit.
    pub fn prepare<'a>(&self, event: &'a Event, known_at: Option<Timestamp>) -> Result<Prepared<'a>, EventError> {
        let (kind, attribute) = self.resolve(event)?;
        let declared = self.schema().event_decl(kind).map_or(&[][..], |event| &event.properties);
        let mut cells: SmallVec<[PreparedCell<'a>; 8]> = declared.iter().map(|_| PreparedCell::Missing).collect();
        for (name, value) in &event.properties {
            if attribute && name == "attribute" {
                continue;
            }
            match declared.iter().position(|property| *property.name == *name) {
                Some(column) => self.fill(kind, column, name, value, &mut cells)?,
                None => self.fill_parts(kind, name, value, &mut cells)?,
            }
        }
        // An attribute that is cleared is one that is set to nothing.
        if attribute && event.event_type != ATTRIBUTE_CLEARED && cells.first() == Some(&PreparedCell::Missing) {
            let message = "expected the value of the attribute; `attribute_cleared` takes one back";
            return Err(EventError::new("missing_property", "properties.value", message));
        }
        if event.event_type != ATTRIBUTE_CLEARED {
            self.complete(kind, &cells)?;
        } else if cells.iter().any(|cell| *cell != PreparedCell::Missing) {
            return Err(EventError::new("undeclared_property", "properties.value", "an attribute is cleared without a value"));
        }
        let mut prepared = Prepared {
            kind,
            time: event.time,
            known_at: known_at.or(event.known_at).unwrap_or(event.time),
            sequence: event.sequence,
            id: Cow::Borrowed(""),
            channel: short(event.channel.as_deref(), "channel")?,
            source: short(event.source.as_deref(), "source")?,
            details: match &event.details {
                Some(details) => Cow::Owned(details.canonical()?),
                None => Cow::Borrowed(""),
            },
            cells,
        };
        prepared.id = match short(event.id.as_deref(), "id")? {
            Some(id) => Cow::Borrowed(id),
            None => Cow::Owned(self.content_id(&prepared)),
        };
        Ok(prepared)
    }

    /// Parts of an object, each under a name of its own.
    fn fill_parts<'a>(
        &self,
        kind: EventKind,
        name: &str,
        value: &'a Value,
        cells: &mut [PreparedCell<'a>],
    ) -> Result<(), EventError> {
        let declared = self.schema().event_decl(kind).map_or(&[][..], |event| &event.properties);
        let names: Vec<&str> = declared.iter().map(|property| &*property.name).collect();
        for part in parts(name, value, &names) {
            match names.iter().position(|own| *own == part.name) {
                Some(column) => self.fill(kind, column, &part.path, part.value, cells)?,
                // No object was told.
                None if *part.value == Value::Null && only_parts(&part.name, &names) => {}
                None => {
                    let path = format!("properties.{}", part.path);
                    return Err(EventError::undeclared("property", &path, &part.name, names));
                }
            }
        }
        Ok(())
    }

    fn fill<'a>(
        &self,
        kind: EventKind,
        column: usize,
        path: &str,
        value: &'a Value,
        cells: &mut [PreparedCell<'a>],
    ) -> Result<(), EventError> {
        let Some(place) = cells.get_mut(column) else { return Ok(()) };
        if !matches!(place, PreparedCell::Missing) {
            return Err(EventError::new("property_twice", format!("properties.{path}"), "the property is told twice"));
        }
        *place = self.cell_of(kind, column, path, value)?;
        Ok(())
    }

    /// Whether an event has all properties that its type demands.
    pub(crate) fn complete(&self, kind: EventKind, cells: &[PreparedCell<'_>]) -> Result<(), EventError> {
        let declared = self.schema().event_decl(kind).map_or(&[][..], |event| &event.properties);
        let missing =
            declared.iter().zip(cells).find(|(property, cell)| property.required && matches!(cell, PreparedCell::Missing));
        match missing {
            Some((property, _)) => {
                let message = format!("every event of this type has `{}`, of type {}", property.name, property.ty);
                Err(EventError::new("missing_property", format!("properties.{}", property.name), message))
            }
            None => Ok(()),
        }
    }

    /// The id of an event that was told without one: from its content, so that the same content is the same event.
    pub(crate) fn content_id(&self, event: &Prepared<'_>) -> String {
        let digest = Sha256::digest(event.canonical(self));
        digest.iter().take(16).fold(String::from("content:"), |text, byte| text + &format!("{byte:02x}"))
    }

    fn cell_of<'a>(
        &self,
        kind: EventKind,
        column: usize,
        path: &str,
        value: &'a Value,
    ) -> Result<PreparedCell<'a>, EventError> {
        let path = || format!("properties.{path}");
        let declared = self.schema().event_decl(kind).and_then(|event| event.properties.get(column)).map(|own| &own.ty);
        if let (Some(CellKind::Text), Some(Type::String | Type::Enum(_)), Value::String(text)) =
            (self.cell(kind, column), declared, value)
        {
            // Text needs no conversion, only a look at a declared set.
            if let Some(Type::Enum(_)) = declared {
                self.typed(kind, column, value.clone()).map_err(|misfit| EventError::misfit(&path(), &misfit))?;
            }
            return fits(text, path).map(|()| PreparedCell::Text(Cow::Borrowed(text)));
        }
        match (declared, value) {
            // As they are.
            (Some(Type::Double), Value::Double(number)) if number.is_finite() => {
                return Ok(PreparedCell::Bits(number.to_bits()));
            }
            (Some(Type::Int), Value::Int(number)) => return Ok(PreparedCell::Bits(number.cast_unsigned())),
            (_, Value::Null) => return Ok(PreparedCell::Missing),
            _ => {}
        }
        let value = self.typed(kind, column, value.clone()).map_err(|misfit| EventError::misfit(&path(), &misfit))?;
        self.store(kind, column, value).map_err(|message| EventError::new("wrong_type", path(), message))
    }

    fn typed(&self, kind: EventKind, column: usize, value: Value) -> Result<Value, crate::value::Misfit> {
        match self.schema().event_decl(kind).and_then(|event| event.properties.get(column)) {
            Some(property) => value.coerce(&property.ty),
            None => Ok(value),
        }
    }

    /// A value of the declared type as a cell of its column.
    pub(crate) fn store<'a>(&self, kind: EventKind, column: usize, value: Value) -> Result<PreparedCell<'a>, &'static str> {
        let signed = |number: i64| PreparedCell::Bits(number.cast_unsigned());
        Ok(match (self.cell(kind, column), value) {
            (Some(CellKind::Whole), value) if value.to_json().to_string().len() <= MAX_TEXT => PreparedCell::Whole(value),
            (Some(CellKind::Whole), _) => return Err("a property has at most 65536 bytes"),
            (_, Value::Bool(value)) => PreparedCell::Bits(u64::from(value)),
            (_, Value::Int(value)) => signed(value),
            (_, Value::Uint(value)) => PreparedCell::Bits(value),
            (_, Value::Double(value)) if value.is_finite() => PreparedCell::Bits(value.to_bits()),
            (_, Value::Double(_)) => return Err("expected a finite number, found NaN or infinity"),
            (_, Value::Decimal(value)) => signed(i64::try_from(value.units()).map_err(|_| "a decimal has at most 18 digits")?),
            (_, Value::Timestamp(value)) => signed(value.to_timestamp().micros()),
            (_, Value::Duration(value)) => signed(value.nanos()),
            (_, Value::Date(value)) => signed(i64::from(value.days())),
            (_, Value::Point(value)) => PreparedCell::Bits(value.bits()),
            (_, Value::String(text)) => PreparedCell::Text(Cow::Owned(text.to_string())),
            _ => return Err("a value of another type than declared"),
        })
    }

    /// The event type meant: an attribute's own event type for `attribute_set`; and whether that is so, so that the property which names the
    /// attribute is none of it.
    fn resolve(&self, event: &Event) -> Result<(EventKind, bool), EventError> {
        if matches!(&*event.event_type, ATTRIBUTE_SET | ATTRIBUTE_CLEARED) {
            let Some(Value::String(attribute)) = event.property("attribute") else {
                return Err(EventError::new(
                    "missing_property",
                    "properties.attribute",
                    "expected the name of an attribute, as text",
                ));
            };
            return Ok((self.attribute_kind(attribute)?, true));
        }
        Ok((self.event_kind(&event.event_type)?, false))
    }

    /// The event type in which an attribute's values are kept.
    pub(crate) fn attribute_kind(&self, attribute: &str) -> Result<EventKind, EventError> {
        self.schema()
            .event(&format!("{ATTRIBUTE_SET}:{attribute}"))
            .ok_or_else(|| EventError::undeclared("attribute", "properties.attribute", attribute, self.attribute_names()))
    }

    /// The names of the declared attributes.
    pub(crate) fn attribute_names(&self) -> impl Iterator<Item = &str> {
        self.schema().events().iter().filter_map(|event| event.name.strip_prefix(ATTRIBUTE_SET)?.strip_prefix(':'))
    }

    /// A declared or reserved event type by its name.
    pub(crate) fn event_kind(&self, name: &str) -> Result<EventKind, EventError> {
        match self.kind_of(name) {
            Some(kind) if !name.as_bytes().contains(&b':') => Ok(kind),
            _ => {
                let names = self.schema().events().iter().map(|event| &*event.name).filter(|name| !name.contains(':'));
                Err(EventError::undeclared("event type", "type", name, names))
            }
        }
    }
}

fn short<'a>(text: Option<&'a str>, part: &'static str) -> Result<Option<&'a str>, EventError> {
    match text {
        Some(text) if text.len() > Identifier::MAX_BYTES => {
            Err(EventError::new("too_long", part, "expected at most 512 bytes"))
        }
        Some("") => Ok(None),
        text => Ok(text),
    }
}

fn fits(text: &str, path: impl Fn() -> String) -> Result<(), EventError> {
    if text.len() > MAX_TEXT {
        return Err(EventError::new("too_long", path(), "expected at most 65536 bytes"));
    }
    Ok(())
}
