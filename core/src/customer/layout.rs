use super::bytes::{Renames, describe};
use super::texts::short_hash;
use crate::expr::{Bits, EventDecl, EventKind, PropertyId, Schema};
use crate::value::Type;
use std::sync::Arc;

/// How the story keeps its events: which types there are and how each property is stored. Made from a playbook's schema;
/// a story made under one layout is only read under the same.
#[derive(Debug)]
pub struct Layout {
    schema: Arc<Schema>,
    digest: Arc<str>,
    /// Name and version of the playbook it belongs to.
    playbook: (Arc<str>, u64),
    renames: Renames,
    journeys: Vec<JourneyNames>,
    kinds: Vec<KindLayout>,
    /// `rectified`.
    rectified: Option<EventKind>,
    /// A power of two of places: the number of the event type whose name has such a hash, in the next place that was free.
    by_hash: Box<[Option<u16>]>,
}

/// A journey by the names that states call it and its stages by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JourneyNames {
    pub(crate) name: Arc<str>,
    pub(crate) stages: Vec<Arc<str>>,
    /// The digest of its rules.
    pub(crate) definition: Arc<str>,
}

/// One event type.
#[derive(Debug)]
pub(super) struct KindLayout {
    pub(super) cells: Vec<CellKind>,
    /// Whether events of this type make up sessions: those that the playbook declares, not the reserved ones.
    pub(super) in_sessions: bool,
    /// The column of each property of the schema.
    pub(super) columns: Vec<Option<u16>>,
    /// Its name, and name and storage of each property, as they stand in state bytes.
    pub(super) described: Box<[u8]>,
}

/// How a property is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CellKind {
    /// In 64 bits.
    Bits(Bits),
    /// As the number of a text.
    Text,
    /// As it is: lists, maps, bytes, and whatever has no type.
    Whole,
}

impl Layout {
    /// The layout of a schema, of which the first `declared` event types are the playbook's own.
    #[must_use]
    pub fn new(schema: Arc<Schema>, declared: usize, digest: Arc<str>) -> Self {
        let kinds = schema
            .events()
            .iter()
            .enumerate()
            .map(|(place, event)| {
                let cells: Vec<CellKind> = event.properties.iter().map(|property| CellKind::of(&property.ty)).collect();
                let described = describe(event, &cells);
                KindLayout { cells, in_sessions: place < declared, columns: columns(&schema, event), described }
            })
            .collect();
        let rectified = schema.event(super::reserved::RECTIFIED);
        let by_hash = by_hash(&schema);
        let (playbook, renames, journeys) = ((Arc::from(""), 0), Renames::default(), Vec::new());
        Layout { schema, digest, playbook, renames, journeys, kinds, rectified, by_hash }
    }

    /// The same layout, knowing the playbook it belongs to, what that renamed, and its journeys.
    #[must_use]
    pub(crate) fn of_playbook(mut self, playbook: (Arc<str>, u64), renames: Renames, journeys: Vec<JourneyNames>) -> Self {
        (self.playbook, self.renames, self.journeys) = (playbook, renames, journeys);
        self
    }

    /// Its journeys, in the order of the playbook.
    pub(crate) fn journeys(&self) -> &[JourneyNames] {
        &self.journeys
    }

    /// Name and version of the playbook it belongs to.
    pub(crate) fn playbook(&self) -> (&str, u64) {
        (&self.playbook.0, self.playbook.1)
    }

    pub(super) fn renames(&self) -> &Renames {
        &self.renames
    }

    /// The names and types.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The digest of the playbook it belongs to.
    #[must_use]
    pub fn digest(&self) -> &Arc<str> {
        &self.digest
    }

    /// The event type that says that another event is wrong.
    pub(super) fn rectified(&self) -> Option<EventKind> {
        self.rectified
    }

    /// The event type of a name.
    pub(super) fn kind_of(&self, name: &str) -> Option<EventKind> {
        let is = |kind: &EventKind| self.schema.event_decl(*kind).is_some_and(|event| *event.name == *name);
        near(&self.by_hash, name).map_while(|place| self.by_hash.get(place).copied().flatten()).map(EventKind).find(is)
    }

    /// All event types.
    #[must_use]
    pub fn kinds(&self) -> Vec<EventKind> {
        (0..self.kinds.len()).filter_map(|kind| u16::try_from(kind).ok().map(EventKind)).collect()
    }

    pub(super) fn kind(&self, kind: EventKind) -> Option<&KindLayout> {
        self.kinds.get(usize::from(kind.0))
    }

    /// The column of a property in an event type.
    pub(super) fn column(&self, kind: EventKind, property: PropertyId) -> Option<usize> {
        self.kind(kind)?.columns.get(usize::from(property.0)).copied().flatten().map(usize::from)
    }

    /// The column of a property in an event type.
    pub(crate) fn column_of(&self, kind: EventKind, property: PropertyId) -> Option<usize> {
        self.column(kind, property)
    }

    /// Whether a column has a fixed form.
    pub(crate) fn is_flat(&self, kind: EventKind, column: usize) -> bool {
        matches!(self.cell(kind, column), Some(CellKind::Bits(_) | CellKind::Text))
    }

    /// Whether a column holds text.
    pub(crate) fn is_text(&self, kind: EventKind, column: usize) -> bool {
        self.cell(kind, column) == Some(CellKind::Text)
    }

    /// What the bits of a column mean; `None` for text.
    pub(crate) fn bits(&self, kind: EventKind, column: usize) -> Option<Bits> {
        if let Some(CellKind::Bits(bits)) = self.cell(kind, column) { Some(bits) } else { None }
    }

    /// Whether a property of an event type is a double, whose sum depends on the order.
    pub(crate) fn is_double(&self, kind: EventKind, property: PropertyId) -> bool {
        self.column(kind, property).and_then(|column| self.bits(kind, column)) == Some(Bits::Double)
    }

    /// The declared type of a column.
    pub(crate) fn property_type(&self, kind: EventKind, column: usize) -> Option<&Type> {
        self.schema.event_decl(kind).and_then(|event| event.properties.get(column)).map(|property| &property.ty)
    }

    /// The storage of a property of an event type.
    pub(super) fn cell(&self, kind: EventKind, column: usize) -> Option<CellKind> {
        self.kind(kind).and_then(|kind| kind.cells.get(column)).copied()
    }
}

/// The event types by hash of their names, at most half of the places taken.
fn by_hash(schema: &Schema) -> Box<[Option<u16>]> {
    let mut places = vec![None; (schema.events().len() * 2).next_power_of_two()].into_boxed_slice();
    for (number, event) in (0_u16..).zip(schema.events()) {
        let free = near(&places, &event.name).find(|place| places.get(*place).is_some_and(Option::is_none));
        if let Some(place) = free.and_then(|place| places.get_mut(place)) {
            *place = Some(number);
        }
    }
    places
}

/// The places at which the event type of a name may stand, the first one first.
fn near(places: &[Option<u16>], name: &str) -> impl Iterator<Item = usize> + use<> {
    let (first, count) = ((short_hash(name) >> 32) as usize, places.len());
    (0..count).map(move |step| first.wrapping_add(step) & (count - 1))
}

/// Where each property of the schema stands in an event type.
fn columns(schema: &Schema, event: &EventDecl) -> Vec<Option<u16>> {
    let names = (0..schema.property_count()).map(|id| PropertyId(u16::try_from(id).unwrap_or(u16::MAX)));
    names.map(|id| event.column(id).and_then(|column| u16::try_from(column).ok())).collect()
}

impl CellKind {
    /// Whether it holds signed numbers, of which blocks are kept.
    pub(super) fn in_blocks(self) -> bool {
        matches!(self, CellKind::Bits(Bits::Int | Bits::Decimal { .. }))
    }

    pub(super) fn of(ty: &Type) -> Self {
        match ty {
            Type::Bool => CellKind::Bits(Bits::Bool),
            Type::Int => CellKind::Bits(Bits::Int),
            Type::Uint => CellKind::Bits(Bits::Uint),
            Type::Double => CellKind::Bits(Bits::Double),
            Type::Decimal { scale } => CellKind::Bits(Bits::Decimal { scale: *scale, currency: None }),
            Type::Money { currency, scale } => CellKind::Bits(Bits::Decimal { scale: *scale, currency: Some(*currency) }),
            Type::Timestamp => CellKind::Bits(Bits::Timestamp),
            Type::Duration => CellKind::Bits(Bits::Duration),
            Type::Date => CellKind::Bits(Bits::Date),
            Type::Point => CellKind::Bits(Bits::Point),
            Type::String | Type::Enum(_) | Type::PostalCode { .. } => CellKind::Text,
            _ => CellKind::Whole,
        }
    }
}
