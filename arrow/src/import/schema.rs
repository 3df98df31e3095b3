use crate::abi::ArrowSchema;
use crate::error::ArrowError;
use std::ffi::{CStr, c_char};
use std::sync::Arc;
use tactful::column::TimeUnit;

/// A column of a schema: its name and what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub(super) name: Arc<str>,
    pub(super) format: Format,
    pub(super) text: Box<str>,
}

impl Field {
    /// The name of the column.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Arrow's format string, such as `tsu:UTC`; of a dictionary that of its entries.
    #[must_use]
    pub fn format(&self) -> &str {
        &self.text
    }

    /// Whether the column can be read, or only stand in a batch. A list is read by [`Chunk::lists`](super::Chunk::lists).
    #[must_use]
    pub fn is_supported(&self) -> bool {
        match &self.format {
            Format::Unsupported(_) | Format::List { .. } => false,
            Format::Dictionary { entries, .. } => !matches!(**entries, Format::Unsupported(_)),
            _ => true,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Format {
    Null,
    Bool,
    Int(Int),
    Float,
    Double,
    Decimal { scale: i8 },
    Text,
    LargeText,
    TextView,
    Timestamp { unit: TimeUnit, zone: Option<Box<str>> },
    Date,
    Dictionary { index: Int, entries: Box<Format> },
    List { large: bool, elements: Box<Format> },
    Unsupported(Box<str>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Int {
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
}

/// The columns of a table's schema.
///
/// # Safety
/// The schema is not released and keeps the interface's contract.
pub(super) unsafe fn fields(schema: &ArrowSchema) -> Result<Arc<[Field]>, ArrowError> {
    // SAFETY: the format of a schema is NUL-terminated text by contract.
    let format = unsafe { text("schema", "format", schema.format) }?;
    if format != "+s" || !schema.dictionary.is_null() {
        return Err(ArrowError::NotATable(format));
    }
    let count = usize::try_from(schema.n_children)
        .map_err(|_| ArrowError::malformed("schema", "a number of children", schema.n_children))?;
    if count > 0 && schema.children.is_null() {
        return Err(ArrowError::malformed("schema", format!("{count} children"), "a null pointer"));
    }
    (0..count)
        .map(|i| {
            // SAFETY: there are `n_children` pointers by contract, and each of them is null or valid as long as the schema.
            let child = unsafe { (*schema.children.add(i)).as_ref() };
            let child = child.filter(|child| !child.is_released());
            let child = child
                .ok_or_else(|| ArrowError::malformed("schema", format!("child {i}"), "a null pointer or a released one"))?;
            // SAFETY: a child keeps the contract as its parent does.
            unsafe { field(child) }
        })
        .collect()
}

/// # Safety
/// As for [`fields`].
unsafe fn field(schema: &ArrowSchema) -> Result<Field, ArrowError> {
    let name = match schema.name.is_null() {
        true => String::new(),
        // SAFETY: a name that is not null is NUL-terminated text by contract.
        false => unsafe { text("schema", "name", schema.name) }?,
    };
    // SAFETY: the format of a schema is NUL-terminated text by contract.
    let own = unsafe { text(&name, "format", schema.format) }?;
    // SAFETY: a dictionary is null or a valid schema by contract.
    let Some(dictionary) = (unsafe { schema.dictionary.as_ref() }) else {
        if own == "+l" || own == "+L" {
            // SAFETY: a child keeps the contract as its parent does.
            let elements = unsafe { elements(&name, schema) }?;
            let format = Format::List { large: own == "+L", elements: Box::new(elements) };
            return Ok(Field { name: name.into(), format, text: own.into() });
        }
        return Ok(Field { name: name.into(), format: parse(&own), text: own.into() });
    };
    let Format::Int(index) = parse(&own) else {
        return Err(ArrowError::malformed(&name, "indices of a whole-number format", own));
    };
    // SAFETY: as above.
    let entries = unsafe { text(&name, "format of the dictionary", dictionary.format) }?;
    let format = match dictionary.dictionary.is_null() {
        true => parse(&entries),
        false => Format::Unsupported("dictionary".into()),
    };
    Ok(Field { name: name.into(), format: Format::Dictionary { index, entries: Box::new(format) }, text: entries.into() })
}

/// What a list holds. Lists of lists are not read.
///
/// # Safety
/// As for [`fields`].
unsafe fn elements(name: &str, schema: &ArrowSchema) -> Result<Format, ArrowError> {
    if schema.n_children != 1 || schema.children.is_null() {
        return Err(ArrowError::malformed(name, "one child of a list", schema.n_children));
    }
    // SAFETY: there is one pointer by contract, null or valid as long as the schema.
    let child = unsafe { (*schema.children).as_ref() }.filter(|child| !child.is_released());
    let child = child.ok_or_else(|| ArrowError::malformed(name, "a child of a list", "a null pointer or a released one"))?;
    // SAFETY: the format of a schema is NUL-terminated text by contract.
    if unsafe { text(name, "format", child.format) }?.starts_with('+') {
        return Ok(Format::Unsupported("list of lists or structs".into()));
    }
    // SAFETY: as promised by the caller.
    Ok(unsafe { field(child) }?.format)
}

/// # Safety
/// `pointer` is null or points to NUL-terminated text.
unsafe fn text(place: &str, what: &str, pointer: *const c_char) -> Result<String, ArrowError> {
    if pointer.is_null() {
        return Err(ArrowError::malformed(place, format!("a {what}"), "a null pointer"));
    }
    // SAFETY: as promised by the caller.
    let text = unsafe { CStr::from_ptr(pointer) };
    let text = text.to_str().map_err(|_| ArrowError::malformed(place, format!("a {what} in UTF-8"), text.to_string_lossy()))?;
    Ok(text.to_owned())
}

fn parse(format: &str) -> Format {
    match format {
        "n" => Format::Null,
        "b" => Format::Bool,
        "c" => Format::Int(Int::I8),
        "C" => Format::Int(Int::U8),
        "s" => Format::Int(Int::I16),
        "S" => Format::Int(Int::U16),
        "i" => Format::Int(Int::I32),
        "I" => Format::Int(Int::U32),
        "l" => Format::Int(Int::I64),
        "L" => Format::Int(Int::U64),
        "f" => Format::Float,
        "g" => Format::Double,
        "u" => Format::Text,
        "U" => Format::LargeText,
        "vu" => Format::TextView,
        "tdD" => Format::Date,
        // Milliseconds at midnight: a date, and a timestamp all the same.
        "tdm" => Format::Timestamp { unit: TimeUnit::Millisecond, zone: None },
        _ => decimal(format).or_else(|| timestamp(format)).unwrap_or_else(|| unsupported(format)),
    }
}

/// `d:precision,scale` or with `,128` after it.
fn decimal(format: &str) -> Option<Format> {
    let mut parts = format.strip_prefix("d:")?.split(',');
    let _precision: u8 = parts.next()?.parse().ok()?;
    let scale = parts.next()?.parse().ok()?;
    let bits = parts.next().unwrap_or("128");
    (bits == "128" && parts.next().is_none()).then_some(Format::Decimal { scale })
}

fn timestamp(format: &str) -> Option<Format> {
    let (unit, zone) = format.strip_prefix("ts")?.split_once(':')?;
    let unit = match unit {
        "s" => TimeUnit::Second,
        "m" => TimeUnit::Millisecond,
        "u" => TimeUnit::Microsecond,
        "n" => TimeUnit::Nanosecond,
        _ => return None,
    };
    Some(Format::Timestamp { unit, zone: (!zone.is_empty()).then(|| zone.into()) })
}

fn unsupported(format: &str) -> Format {
    let name = match format.as_bytes() {
        b"z" | b"Z" | b"vz" | [b'w', b':', ..] => "binary",
        b"e" => "half-precision float",
        [b'd', ..] => "decimal of other than 128 bits",
        [b't', b't', ..] => "time of day",
        [b't', b'D', ..] => "duration",
        [b't', b'i', ..] => "interval",
        b"+s" => "struct",
        b"+m" => "map",
        b"+r" => "run-end encoding",
        [b'+', b'u', ..] => "union",
        [b'+', ..] => "list",
        _ => "unknown format",
    };
    Format::Unsupported(format!("{name} (arrow format `{format}`)").into())
}
