use crate::customer::layout::{CellKind, Layout};
use crate::encoding::{Reader, StateError, Writer, read_unit, write_unit};
use crate::expr::{Bits, EventDecl, EventKind, Schema};
use crate::value::Type;
use std::collections::BTreeSet;
use std::sync::Arc;

/// An event type as it is written: its name, and name and storage of each property.
pub(crate) fn describe(event: &EventDecl, cells: &[CellKind]) -> Box<[u8]> {
    let mut writer = Writer::default();
    writer.text(&event.name);
    writer.size(cells.len());
    for (property, cell) in event.properties.iter().zip(cells) {
        writer.text(&property.name);
        write_storage(&mut writer, *cell);
    }
    writer.into_bytes().into()
}

/// How a property is stored.
pub(super) fn write_storage(writer: &mut Writer, cell: CellKind) {
    match cell {
        CellKind::Text => writer.byte(9),
        CellKind::Whole => writer.byte(10),
        CellKind::Bits(Bits::Bool) => writer.byte(1),
        CellKind::Bits(Bits::Int) => writer.byte(2),
        CellKind::Bits(Bits::Uint) => writer.byte(3),
        CellKind::Bits(Bits::Double) => writer.byte(4),
        CellKind::Bits(Bits::Decimal { scale, currency }) => {
            writer.byte(5);
            write_unit(writer, scale, currency);
        }
        CellKind::Bits(Bits::Timestamp) => writer.byte(7),
        CellKind::Bits(Bits::Duration) => writer.byte(8),
        CellKind::Bits(Bits::Date) => writer.byte(11),
        CellKind::Bits(Bits::Point) => writer.byte(12),
    }
}

/// The event types that a state uses, by the numbers it gives them.
pub(super) enum Kinds {
    /// All of them are declared now as they were then.
    Same(Vec<EventKind>),
    /// Some were declared otherwise; a layout as it was then.
    Other(Arc<Layout>),
}

pub(super) fn read_kinds(mut reader: Reader<'_>, layout: &Layout) -> Result<Kinds, StateError> {
    let mut whole = reader.clone();
    let count = reader.count(2)?;
    let mut kinds = Vec::with_capacity(count);
    for _ in 0..count {
        let known = reader.clone().text().ok().and_then(|name| layout.schema().event(name));
        let described = known.and_then(|kind| layout.kind(kind)).map_or(&[][..], |kind| &kind.described);
        // A type told twice gets the same number twice, which the strands' own order refuses.
        match known {
            Some(kind) if !described.is_empty() && reader.rest().starts_with(described) => {
                reader.take(described.len())?;
                kinds.push(kind);
            }
            _ => return other(&mut whole).map(Kinds::Other),
        }
    }
    reader.end()?;
    Ok(Kinds::Same(kinds))
}

/// The layout under which the state was written.
fn other(reader: &mut Reader<'_>) -> Result<Arc<Layout>, StateError> {
    let mut schema = Schema::new();
    let mut names = BTreeSet::new();
    let mut properties_in_all = 0;
    let count = reader.count(2)?;
    for _ in 0..count {
        let name = reader.text()?;
        if !names.insert(name) {
            return Err(reader.corrupt("every event type once"));
        }
        let count = reader.count(2)?;
        properties_in_all += count;
        let mut properties: Vec<(Arc<str>, Type)> = Vec::with_capacity(count);
        for _ in 0..count {
            let name: Arc<str> = Arc::from(reader.text()?);
            let ty = read_storage(reader)?;
            properties.push((name, ty));
        }
        let different: BTreeSet<&Arc<str>> = properties.iter().map(|(name, _)| name).collect();
        if different.len() < properties.len() {
            return Err(reader.corrupt("every property of an event type once"));
        }
        schema.declare_event(name, properties);
    }
    reader.end()?;
    // A layout has a table of event types by names of properties.
    if count.saturating_mul(properties_in_all) > MOST_PLACES {
        return Err(reader.corrupt("fewer event types and properties"));
    }
    Ok(Arc::new(Layout::new(Arc::new(schema), count, Arc::from(""))))
}

const MOST_PLACES: usize = 1 << 22;

pub(super) fn read_storage(reader: &mut Reader<'_>) -> Result<Type, StateError> {
    Ok(match reader.byte()? {
        1 => Type::Bool,
        2 => Type::Int,
        3 => Type::Uint,
        4 => Type::Double,
        5 => match read_unit(reader)? {
            (scale, Some(currency)) => Type::Money { currency, scale },
            (scale, None) => Type::Decimal { scale },
        },
        7 => Type::Timestamp,
        8 => Type::Duration,
        9 => Type::String,
        10 => Type::Dyn,
        11 => Type::Date,
        12 => Type::Point,
        _ => return Err(reader.corrupt("the kind of a property")),
    })
}
