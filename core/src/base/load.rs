use super::replay::{Progress, Replay, ReplayError, Step, Watch};
use super::rows::{BadRow, BadRows};
use crate::column::{Batch, Column, ColumnError};
use crate::customer::{
    ATTRIBUTE_CLEARED, ATTRIBUTE_SET, ATTRIBUTES_SET, Arrival, Detail, Details, Event, EventError, Identifier, Layout,
    Prepared, PreparedCell,
};
use crate::engine::Engine;
use crate::expr::{EventDecl, EventKind, Schema};
use crate::playbook::{Origin, RESERVED_EVENTS};
use crate::value::{Point, Type, Value};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A column and its name in the table.
pub(super) type Named<'a, 'b> = (Arc<str>, &'b Column<'a>);

/// The columns of one batch by what they stand for.
pub(super) struct Roles<'a, 'b> {
    pub(super) event_type: &'b Column<'a>,
    pub(super) time: &'b Column<'a>,
    /// By namespace, in order of priority.
    pub(super) identifiers: Vec<(Arc<str>, &'b Column<'a>)>,
    pub(super) id: Option<&'b Column<'a>>,
    sequence: Option<&'b Column<'a>>,
    pub(super) known_at: Option<&'b Column<'a>>,
    channel: Option<&'b Column<'a>>,
    source: Option<&'b Column<'a>>,
    /// By name, those that are there.
    details: Vec<(&'static str, &'b Column<'a>)>,
    /// `attribute`, which names the attribute of an `attribute_set`.
    pub(super) attribute: Option<&'b Column<'a>>,
    /// Columns named like attributes, which an `attributes_set` tells.
    pub(super) attributes: Vec<(EventKind, Arc<str>, &'b Column<'a>)>,
    /// By number of the event type, then property.
    pub(super) properties: BTreeMap<EventKind, Vec<Option<Named<'a, 'b>>>>,
}

/// Takes in the rows of some customers of a batch; a bad row stops.
pub(super) fn add_some(
    replay: &mut Replay,
    batch: &Batch<'_>,
    wanted: &dyn Fn(&Identifier) -> bool,
) -> Result<(), ReplayError> {
    let engine = replay.base().engine().clone();
    let names = replay.options.columns.clone();
    let roles = Roles::find(&engine, batch, &names).map_err(ReplayError::Column)?;
    let stop = |row: usize| move |bad: BadRow| ReplayError::BadRow(BadRow { row: row as u64, ..bad });
    for row in 0..batch.rows() {
        let found = identifiers(&roles, row).map_err(stop(row))?;
        let named = engine.identity().read_all(&found).map_err(|error| stop(row)(refused("", &error)))?;
        if wanted(&named.primary) {
            take(replay, &engine, &roles, row).map_err(stop(row))?;
        }
    }
    Ok(())
}

/// Takes in the rows of a batch.
pub(super) fn add(replay: &mut Replay, batch: &Batch<'_>, watch: &mut Watch<'_>) -> Result<(), ReplayError> {
    let engine = replay.base().engine().clone();
    let names = replay.options.columns.clone();
    let roles = Roles::find(&engine, batch, &names).map_err(ReplayError::Column)?;
    note_ignored(replay, &engine, batch, &names);
    for row in 0..batch.rows() {
        let number = replay.stats().rows;
        replay.stats().rows += 1;
        match take(replay, &engine, &roles, row) {
            Ok(Arrival::New) => replay.stats().events += 1,
            Ok(Arrival::Duplicate) => replay.stats().duplicates += 1,
            Ok(Arrival::ConflictKeptOld | Arrival::ConflictKeptNew { .. }) => replay.stats().conflicts += 1,
            Err(bad) => {
                let bad = BadRow { row: number, ..bad };
                if replay.options.bad_rows == BadRows::Stop {
                    return Err(ReplayError::BadRow(bad));
                }
                replay.stats().bad_rows += 1;
                replay.tables.bad_rows.push(bad);
            }
        }
        if number % 8_192 == 8_191 {
            let progress = Progress { step: Step::Load, done: number + 1, total: None, now: None };
            if watch(progress).is_break() {
                return Err(ReplayError::Stopped);
            }
        }
    }
    Ok(())
}

impl<'a, 'b> Roles<'a, 'b> {
    pub(super) fn find(engine: &Engine, batch: &'b Batch<'a>, names: &BTreeMap<String, String>) -> Result<Self, ColumnError> {
        let named = |role: &str| names.get(role).map_or_else(|| role.to_owned(), Clone::clone);
        // A column named by the caller has to be there; one that merely could be, need not.
        for column in names.values() {
            batch.require(column)?;
        }
        let optional = |role: &str| batch.column(&named(role));
        let identifiers: Vec<_> =
            engine.namespaces().into_iter().filter_map(|name| optional(&name).map(|column| (name, column))).collect();
        if identifiers.is_empty() {
            batch.require(engine.namespaces().first().map_or("customer", |name| name))?;
        }
        let events = engine.layout().schema().events().iter().enumerate();
        let properties = events
            .map(|(kind, event)| {
                let columns = event.properties.iter().map(|property| {
                    let name: Arc<str> = Arc::from(named(&property.name));
                    batch.column(&name).map(|column| (name, column))
                });
                (EventKind(u16::try_from(kind).unwrap_or(u16::MAX)), columns.collect())
            })
            .collect();
        Ok(Roles {
            event_type: batch.require(&named("type"))?,
            time: batch.require(&named("time"))?,
            identifiers,
            id: optional("id"),
            sequence: optional("sequence"),
            known_at: optional("known_at"),
            channel: optional("channel"),
            source: optional("source"),
            details: detail_columns(engine.layout().schema()).filter_map(|name| Some((name, optional(name)?))).collect(),
            attribute: optional("attribute"),
            attributes: attribute_names(engine.layout().schema())
                .filter_map(|(kind, name)| Some((kind, Arc::from(name), optional(name)?)))
                .collect(),
            properties,
        })
    }
}

impl<'a> Roles<'a, '_> {
    /// A text of a row; none when there is no such column.
    fn text(&self, column: Option<&Column<'a>>, name: &str, row: usize) -> Result<Option<&'a str>, BadRow> {
        column.map_or(Ok(None), |column| column.text(row).map_err(|error| bad(name, &error)))
    }
}

/// Columns that belong to no role and no declared property are not read; that is said once.
fn note_ignored(replay: &mut Replay, engine: &Engine, batch: &Batch<'_>, names: &BTreeMap<String, String>) {
    let roles = ["type", "time", "id", "sequence", "known_at", "channel", "source", "attribute", "value"];
    let namespaces = engine.namespaces();
    for column in batch.names() {
        let used = roles.contains(&&**column)
            || detail_columns(engine.layout().schema()).any(|name| name == &**column)
            || attribute_names(engine.layout().schema()).any(|(_, name)| name == &**column)
            || namespaces.contains(column)
            || names.values().any(|name| **name == **column)
            || engine.layout().schema().property(column).is_some();
        let ignored = &mut replay.stats().ignored_columns;
        if !used && !ignored.contains(column) {
            ignored.push(column.clone());
        }
    }
}

fn take(replay: &mut Replay, engine: &Engine, roles: &Roles<'_, '_>, row: usize) -> Result<Arrival, BadRow> {
    let layout = engine.layout();
    let mut buffer = String::new();
    let event_type = required(roles.event_type.name(row, &mut buffer), "type")?;
    if event_type == ATTRIBUTES_SET {
        return take_attributes(replay, engine, roles, row);
    }
    let cleared = event_type == ATTRIBUTE_CLEARED;
    let kind = if cleared || event_type == ATTRIBUTE_SET {
        let mut buffer = String::new();
        let column = roles.attribute.ok_or_else(|| missing("attribute"))?;
        layout.attribute_kind(required(column.name(row, &mut buffer), "attribute")?)
    } else {
        layout.event_kind(event_type)
    }
    .map_err(|error| refused("type", &error))?;
    let time = required(roles.time.timestamp(row), "time")?;
    let identifiers = identifiers(roles, row)?;
    if identifiers.is_empty() {
        return Err(missing("customer"));
    }
    let named = engine.identity().read_all(&identifiers).map_err(|error| refused("", &error))?;
    let identifier = &*named.primary;
    let text = |column: Option<&Column<'_>>, name: &str| -> Result<Option<String>, BadRow> {
        let mut buffer = String::new();
        match column {
            Some(column) => {
                column.name(row, &mut buffer).map(|text| text.map(str::to_owned)).map_err(|error| bad(name, &error))
            }
            None => Ok(None),
        }
    };
    let channel = roles.text(roles.channel, "channel", row)?;
    let source = roles.text(roles.source, "source", row)?;
    let mut event = Prepared {
        kind,
        time,
        known_at: optional(roles.known_at, "known_at", |column| column.timestamp(row))?.unwrap_or(time),
        sequence: optional(roles.sequence, "sequence", |column| whole(column, row))?.unwrap_or(0),
        id: Cow::Borrowed(""),
        channel: channel.filter(|text| !text.is_empty()),
        source: source.filter(|text| !text.is_empty()),
        details: details(roles, row, layout.schema().event_decl(kind))?,
        cells: if cleared { smallvec::smallvec![PreparedCell::Missing] } else { cells(layout, kind, roles, row)? },
    };
    if !cleared {
        layout
            .complete(kind, &event.cells)
            .map_err(|error| refused(error.path().strip_prefix("properties.").unwrap_or(""), &error))?;
    }
    for (name, part) in [("channel", event.channel), ("source", event.source)] {
        if part.is_some_and(|part| part.len() > Identifier::MAX_BYTES) {
            return Err(BadRow {
                row: 0,
                column: Some(Arc::from(name)),
                code: "too_long",
                reason: "expected at most 512 bytes".to_owned(),
            });
        }
    }
    event.id = match text(roles.id, "id")?.filter(|id| !id.is_empty()) {
        Some(id) if id.len() > Identifier::MAX_BYTES => {
            return Err(BadRow {
                row: 0,
                column: Some(Arc::from("id")),
                code: "too_long",
                reason: "expected at most 512 bytes".to_owned(),
            });
        }
        Some(id) => Cow::Owned(id),
        None => Cow::Owned(replay.repeated(identifier, layout.content_id(&event))),
    };
    *replay.stats().sources.entry(source.unwrap_or("").to_owned()).or_default() += 1;
    replay.base.insert(&named, &event).map_err(|error| refused("", &error))
}

impl Replay {
    /// The id of a row without one: of its content, counted up when the same content comes again.
    fn repeated(&mut self, identifier: &Identifier, content: String) -> String {
        let count = self.repeats.entry(format!("{identifier} {content}")).or_default();
        *count += 1;
        if *count == 1 { content } else { format!("{content}#{count}") }
    }
}

/// The identifiers of a row, that of highest priority first.
fn identifiers(roles: &Roles<'_, '_>, row: usize) -> Result<SmallVec<[Identifier; 2]>, BadRow> {
    let mut found = SmallVec::new();
    let mut buffer = String::new();
    for (namespace, column) in &roles.identifiers {
        let value = column.name(row, &mut buffer).map_err(|error| bad(namespace, &error))?;
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            // An identifier may come with its namespace or without.
            let own = value.strip_prefix(&**namespace).is_some_and(|rest| rest.starts_with(':'));
            let identifier = if own { Identifier::parse(value) } else { Identifier::new(namespace, value) };
            found.push(identifier.map_err(|error| refused(namespace, &EventError::from(error)))?);
        }
    }
    Ok(found)
}

/// The event types in which attributes are kept, and the names of the attributes.
fn attribute_names(schema: &Schema) -> impl Iterator<Item = (EventKind, &str)> {
    schema.events().iter().enumerate().filter_map(|(kind, event)| {
        let name = event.name.strip_prefix(ATTRIBUTE_SET)?.strip_prefix(':')?;
        Some((EventKind(u16::try_from(kind).ok()?), name))
    })
}

/// A row that tells several attributes, each in a column of its name; those that are null are not told.
fn take_attributes(replay: &mut Replay, engine: &Engine, roles: &Roles<'_, '_>, row: usize) -> Result<Arrival, BadRow> {
    let layout = engine.layout();
    let time = required(roles.time.timestamp(row), "time")?;
    let identifiers = identifiers(roles, row)?;
    if identifiers.is_empty() {
        return Err(missing("customer"));
    }
    let named = engine.identity().read_all(&identifiers).map_err(|error| refused("", &error))?;
    let mut event = Event::new(ATTRIBUTES_SET, time, named.primary.clone().into_owned());
    event.known_at = optional(roles.known_at, "known_at", |column| column.timestamp(row))?;
    event.sequence = optional(roles.sequence, "sequence", |column| whole(column, row))?.unwrap_or(0);
    event.channel = roles.text(roles.channel, "channel", row)?.map(str::to_owned);
    event.source = roles.text(roles.source, "source", row)?.map(str::to_owned);
    event.details =
        Some(details(roles, row, None)?).filter(|text| !text.is_empty()).map(|text| Box::new(Details::of_canonical(&text)));
    let mut buffer = String::new();
    if let Some(column) = roles.id {
        event.id = column.name(row, &mut buffer).map_err(|error| bad("id", &error))?.map(str::to_owned);
    }
    for (kind, name, column) in &roles.attributes {
        let ty = layout.schema().event_decl(*kind).and_then(|event| event.properties.first()).map(|property| &property.ty);
        let Some(value) = ty.map_or(Ok(None), |ty| column.value_as(row, ty)).map_err(|error| bad(name, &error))? else {
            continue;
        };
        event = event.with(name, value);
    }
    let refuse = |error: EventError| refused(error.path().strip_prefix("properties.").unwrap_or(""), &error);
    let parts = crate::engine::parts(&event, layout).map_err(|error| refused("", &error))?;
    let prepared = engine.prepare_attributes(&parts, None).map_err(refuse)?;
    *replay.stats().sources.entry(event.source.clone().unwrap_or_default()).or_default() += 1;
    let mut arrival = Arrival::Duplicate;
    for part in &prepared {
        arrival = arrival.or(replay.base.insert(&named, part).map_err(refuse)?);
    }
    Ok(arrival)
}

/// The columns of details; a column that a declared event type has as a property belongs to that.
fn detail_columns(schema: &Schema) -> impl Iterator<Item = &'static str> + '_ {
    let names = Detail::ALL.into_iter().filter(|detail| *detail != Detail::Point).map(Detail::name);
    let declared = schema.events().iter().filter(|event| !RESERVED_EVENTS.contains(&&*event.name));
    let taken: Vec<&str> = declared.flat_map(|event| &event.properties).map(|property| &*property.name).collect();
    names.chain(["latitude", "longitude"]).filter(move |name| !taken.contains(name))
}

/// The details of a row. Those that its event type has as properties are no details of it.
fn details(roles: &Roles<'_, '_>, row: usize, kind: Option<&EventDecl>) -> Result<Cow<'static, str>, BadRow> {
    if roles.details.is_empty() {
        return Ok(Cow::Borrowed(""));
    }
    let mut details = Details::default();
    let (mut latitude, mut longitude) = (None, None);
    let mut buffer = String::new();
    let wrong = |name: &str, reason: &str| BadRow {
        row: 0,
        column: Some(Arc::from(name)),
        code: "wrong_value",
        reason: reason.to_owned(),
    };
    for (name, column) in &roles.details {
        if kind.is_some_and(|kind| kind.properties.iter().any(|property| &*property.name == *name)) {
            continue;
        }
        let number = || match column.value_as(row, &Type::Double).map_err(|error| bad(name, &error))? {
            Some(Value::Double(number)) => Ok(Some(number)),
            _ => Ok(None),
        };
        match *name {
            "latitude" => latitude = number()?,
            "longitude" => longitude = number()?,
            "confidence" => details.confidence = number()?,
            _ => {
                let told = column.name(row, &mut buffer).map_err(|error| bad(name, &error))?.filter(|text| !text.is_empty());
                if *name == "origin" {
                    let names = Origin::ALL.map(Origin::name).join("`, `");
                    let expected = format!("expected one of `{names}`");
                    let origin = told.map(|word| Origin::named(word).ok_or_else(|| wrong(name, &expected)));
                    details.origin = origin.transpose()?;
                } else if let Some(place) =
                    Detail::ALL.into_iter().find(|detail| detail.name() == *name).and_then(|detail| details.text_mut(detail))
                {
                    *place = told.map(str::to_owned);
                }
            }
        }
    }
    details.point = match (latitude, longitude) {
        (Some(latitude), Some(longitude)) => {
            let point = Point::new(latitude, longitude);
            Some(point.ok_or_else(|| wrong("latitude", "expected -90 to 90, and a longitude of -180 to 180"))?)
        }
        (None, None) => None,
        (Some(_), None) => return Err(wrong("longitude", "expected it beside `latitude`")),
        (None, Some(_)) => return Err(wrong("latitude", "expected it beside `longitude`")),
    };
    details.canonical().map(Cow::Owned).map_err(|error| refused(error.path(), &error))
}

/// The properties of a row in the story's form.
fn cells<'a>(
    layout: &Layout,
    kind: EventKind,
    roles: &Roles<'a, '_>,
    row: usize,
) -> Result<SmallVec<[PreparedCell<'a>; 8]>, BadRow> {
    let mut cells = SmallVec::new();
    let (Some(event), Some(columns)) = (layout.schema().event_decl(kind), roles.properties.get(&kind)) else {
        return Ok(cells);
    };
    for (place, (property, column)) in event.properties.iter().zip(columns).enumerate() {
        let Some((name, column)) = column else {
            cells.push(PreparedCell::Missing);
            continue;
        };
        let cell = match &property.ty {
            Type::String => {
                column.text(row).map_err(|error| bad(name, &error))?.map(|text| Ok(PreparedCell::Text(Cow::Borrowed(text))))
            }
            ty => column.value_as(row, ty).map_err(|error| bad(name, &error))?.map(|value| layout.store(kind, place, value)),
        };
        cells.push(match cell {
            None => PreparedCell::Missing,
            Some(Ok(PreparedCell::Text(text))) if text.len() > crate::customer::MAX_TEXT => {
                return Err(BadRow {
                    row: 0,
                    column: Some(name.clone()),
                    code: "too_long",
                    reason: "expected at most 65536 bytes".to_owned(),
                });
            }
            Some(Ok(cell)) => cell,
            Some(Err(reason)) => {
                return Err(BadRow { row: 0, column: Some(name.clone()), code: "wrong_type", reason: reason.to_owned() });
            }
        });
    }
    Ok(cells)
}

pub(super) fn required<T>(value: Result<Option<T>, ColumnError>, name: &str) -> Result<T, BadRow> {
    value.map_err(|error| bad(name, &error))?.ok_or_else(|| missing(name))
}

fn optional<T>(
    column: Option<&Column<'_>>,
    name: &str,
    read: impl FnOnce(&Column<'_>) -> Result<Option<T>, ColumnError>,
) -> Result<Option<T>, BadRow> {
    column.map_or(Ok(None), |column| read(column).map_err(|error| bad(name, &error)))
}

/// A whole number, also out of text.
fn whole(column: &Column<'_>, row: usize) -> Result<Option<i64>, ColumnError> {
    Ok(match column.value_as(row, &Type::Int)? {
        Some(Value::Int(number)) => Some(number),
        _ => None,
    })
}

pub(super) fn missing(name: &str) -> BadRow {
    BadRow { row: 0, column: Some(Arc::from(name)), code: "missing_value", reason: "expected a value, found null".to_owned() }
}

pub(super) fn bad(name: &str, error: &ColumnError) -> BadRow {
    BadRow { row: 0, column: Some(Arc::from(name)), code: error.code(), reason: error.problem().to_string() }
}

pub(super) fn refused(name: &str, error: &EventError) -> BadRow {
    let column = (!name.is_empty()).then(|| Arc::from(name));
    BadRow { row: 0, column, code: error.code(), reason: error.message().to_owned() }
}
