//! How the rows of one table are read.

use super::super::load::Roles;
use super::flat::Flat;
use crate::column::Column;
use crate::customer::{ATTRIBUTE_CLEARED, ATTRIBUTE_SET, ATTRIBUTES_SET, EventError, Layout, MAX_TEXT};
use crate::engine::Engine;
use crate::expr::EventKind;
use crate::value::Type;
use std::ops::Range;

/// What a row of an event type becomes.
#[derive(Clone, Copy)]
pub(super) enum Target {
    /// A row, by number of the event type.
    Row(u16),
    /// Nothing but that the customer is seen.
    Unread,
    /// Something that only a story can hold.
    Hard,
    /// An attribute named in a column.
    Attribute { cleared: bool },
    /// Attributes in columns of their names.
    Attributes,
}

/// How a property of an event type is read.
pub(super) enum Reader<'a, 'b> {
    Absent,
    Double(&'b Column<'a>),
    /// The same when none is null.
    Doubles(&'b [f64]),
    /// By number among the table's columns of text.
    Text(usize),
    Other(&'b Column<'a>, &'b Type),
}

/// A column of text.
pub(super) struct Text<'a, 'b> {
    pub(super) column: &'b Column<'a>,
    /// By entry of a dictionary the number of its text, [`UNKNOWN`] before it is asked for.
    pub(super) codes: Vec<u32>,
    /// Whether every entry is a text.
    pub(super) sound: bool,
}

/// A text that was not looked at.
pub(super) const UNKNOWN: u32 = u32::MAX;

/// How an attribute is read of which no row is null.
pub(super) enum Said<'b> {
    Ints(&'b [i64]),
    Doubles(&'b [f64]),
}

impl Said<'_> {
    /// The bits of a row; `None` for what is no value.
    #[inline]
    pub(super) fn bits(&self, row: usize) -> Option<u64> {
        match self {
            Said::Ints(numbers) => numbers.get(row).map(|number| number.cast_unsigned()),
            Said::Doubles(numbers) => numbers.get(row).filter(|number| number.is_finite()).map(|number| number.to_bits()),
        }
    }
}

/// A table of events.
pub(super) struct Table<'a, 'b> {
    pub(super) roles: &'b Roles<'a, 'b>,
    engine: &'b Engine,
    /// What each event type becomes, by name.
    targets: Vec<(&'b str, Target)>,
    /// Names of event types as they stand in the table, with what they become, in the order in which they were first asked for.
    names: Vec<(String, Target)>,
    /// By entry of a dictionary of event types, its number among `names`.
    entries: Vec<Option<u32>>,
    /// By number of the event type.
    pub(super) readers: Vec<Vec<Reader<'a, 'b>>>,
    pub(super) texts: Vec<Text<'a, 'b>>,
    /// The attributes that rules read, by number of the event type; none when a column has to be looked at row by row.
    pub(super) attributes: Option<Vec<(usize, Said<'b>)>>,
}

/// A table names so many event types that are looked through.
const NAMES: usize = 1 << 10;

impl<'a, 'b> Table<'a, 'b> {
    pub(super) fn new(engine: &'b Engine, flat: &'b Flat<'_>, roles: &'b Roles<'a, 'b>) -> Self {
        let mut table = Table {
            roles,
            engine,
            targets: targets(engine.layout(), flat),
            names: Vec::new(),
            entries: vec![None; roles.event_type.entries().map_or(0, Column::rows)],
            readers: Vec::new(),
            texts: Vec::new(),
            attributes: attributes(engine.layout(), flat, roles),
        };
        for kind in &flat.kinds {
            let readers = kind.properties.iter().map(|(_, place)| table.reader(kind.kind, *place)).collect();
            table.readers.push(readers);
        }
        table
    }

    fn reader(&mut self, kind: EventKind, place: usize) -> Reader<'a, 'b> {
        let column = self.roles.properties.get(&kind).and_then(|columns| columns.get(place)?.as_ref());
        let (Some((_, column)), Some(ty)) = (column, self.engine.layout().property_type(kind, place)) else {
            return Reader::Absent;
        };
        match ty {
            Type::Double if column.double_slice().is_some() => Reader::Doubles(column.double_slice().unwrap_or(&[])),
            Type::Double if column.type_name() == "double" => Reader::Double(column),
            Type::String => {
                let known = self.texts.iter().position(|text| std::ptr::eq(text.column, *column));
                Reader::Text(known.unwrap_or_else(|| {
                    self.texts.push(Text::new(column));
                    self.texts.len() - 1
                }))
            }
            _ => Reader::Other(column, ty),
        }
    }

    /// What a row becomes, by the name of its event type.
    pub(super) fn target(&mut self, name: &str) -> Result<Target, EventError> {
        match self.names.iter().find(|(own, _)| own == name) {
            Some((_, target)) => Ok(*target),
            None => {
                let target = self.find(name)?;
                if self.names.len() < NAMES {
                    self.names.push((name.to_owned(), target));
                }
                Ok(target)
            }
        }
    }

    fn find(&self, name: &str) -> Result<Target, EventError> {
        match name {
            ATTRIBUTE_SET => return Ok(Target::Attribute { cleared: false }),
            ATTRIBUTE_CLEARED => return Ok(Target::Attribute { cleared: true }),
            ATTRIBUTES_SET => return Ok(Target::Attributes),
            _ => {}
        }
        self.engine.layout().event_kind(name)?;
        Ok(self.targets.iter().find(|(own, _)| *own == name).map_or(Target::Hard, |(_, target)| *target))
    }

    /// The numbers of the event types of some rows, see [`Self::named`]; `None` when a row has to be looked at by itself.
    pub(super) fn kinds(&mut self, rows: Range<usize>, into: &mut Vec<u32>) -> Option<()> {
        let column = self.roles.event_type;
        if column.plain_entries(rows.clone(), into).is_some() {
            for (number, row) in into.iter_mut().zip(rows) {
                *number = match self.entries.get(*number as usize)? {
                    Some(known) => *known,
                    None => {
                        let known = self.number(column.text(row).ok()??)?;
                        *self.entries.get_mut(*number as usize)? = Some(known);
                        known
                    }
                };
            }
            return Some(());
        }
        into.clear();
        let mut last = 0;
        for row in rows {
            let name = column.raw(row)?;
            // Rows of one type often follow each other.
            if self.names.get(last).is_none_or(|(own, _)| own.as_bytes() != name) {
                last = self.number(std::str::from_utf8(name).ok()?)? as usize;
            }
            into.push(u32::try_from(last).ok()?);
        }
        Some(())
    }

    /// The number of a name among those that the table uses.
    fn number(&mut self, name: &str) -> Option<u32> {
        self.target(name).ok()?;
        self.names.iter().position(|(own, _)| own == name).and_then(|number| u32::try_from(number).ok())
    }

    /// What the rows of each event type become that the table has used, by number.
    pub(super) fn named(&self) -> impl Iterator<Item = Target> {
        self.names.iter().map(|(_, target)| *target)
    }
}

impl<'a, 'b> Text<'a, 'b> {
    fn new(column: &'b Column<'a>) -> Self {
        let entries = column.entries();
        let fits = |text: Option<&str>| text.is_some_and(|text| text.len() <= MAX_TEXT);
        let sound = entries.is_some_and(|entries| (0..entries.rows()).all(|entry| entries.text(entry).is_ok_and(fits)));
        Text { column, codes: vec![UNKNOWN; entries.map_or(0, Column::rows)], sound }
    }
}

/// What the rows of each event type become, by name.
fn targets<'b>(layout: &'b Layout, flat: &Flat<'_>) -> Vec<(&'b str, Target)> {
    let declared = flat.rules.sources.declared_events;
    let events = layout.schema().events().iter().enumerate();
    events
        .filter_map(|(number, event)| {
            let kind = EventKind(u16::try_from(number).ok()?);
            let target = match flat.number_of(kind) {
                Some(number) => Target::Row(number),
                None if number < declared => Target::Unread,
                None => Target::Hard,
            };
            Some((&*event.name, target))
        })
        .collect()
}

fn attributes<'b>(layout: &Layout, flat: &Flat<'_>, roles: &'b Roles<'_, 'b>) -> Option<Vec<(usize, Said<'b>)>> {
    let read = roles.attributes.iter().filter_map(|(kind, _, column)| Some((*kind, flat.number_of(*kind)?, *column)));
    read.map(|(kind, number, column)| {
        let said = match layout.property_type(kind, 0)? {
            Type::Int => Said::Ints(column.whole_slice()?),
            Type::Double => Said::Doubles(column.double_slice()?),
            _ => return None,
        };
        Some((usize::from(number), said))
    })
    .collect()
}
