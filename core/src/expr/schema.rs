use super::computed::ComputedValues;
use crate::value::{Duration, Point, Type, Value, Zone};
use chrono::Weekday;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What an expression may read: declared facts by path, and declared event types with their properties.
///
/// The playbook fills it; an [`Expression`](super::Expression) on its own may be given one too. Names are resolved to
/// small numbers once, when an expression is checked.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    facts: Vec<FactDecl>,
    stores: Arc<[(Arc<str>, Point)]>,
    subjects: Vec<Arc<str>>,
    by_path: BTreeMap<Arc<str>, FactId>,
    events: Vec<EventDecl>,
    event_by_name: BTreeMap<Arc<str>, EventKind>,
    properties: Vec<Arc<str>>,
    property_by_name: BTreeMap<Arc<str>, PropertyId>,
    time_zone: Option<Zone>,
    first_day: Option<Weekday>,
    trends: Arc<[TrendDecl]>,
    fixed: Arc<[Fixed]>,
    computed: ComputedValues,
}

/// A name whose value is the same whenever it is read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fixed {
    /// As it is written.
    pub(crate) path: Arc<str>,
    /// Its type.
    pub(crate) ty: Type,
    /// Its value; `None` when there is none, so that it is unknown.
    pub(crate) value: Option<Value>,
}

/// A trend that expressions may read, by its number in the schema that declared it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrendDecl {
    /// Its name.
    pub name: Arc<str>,
    /// What is told apart, in order.
    pub dimensions: Vec<Arc<str>>,
    /// Whether it sums something.
    pub sums: bool,
    /// Whether it forgets.
    pub decays: bool,
}

/// A declared fact: its number in the schema that declared it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FactId(pub u32);

/// A declared event type: its number in the schema that declared it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventKind(pub u16);

/// Somebody else whose events may be read: their number in the schema that declared them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubjectId(pub u16);

/// The name of a property, shared by all event types that have one of that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PropertyId(pub u16);

/// A fact that expressions may read.
#[derive(Debug, Clone)]
pub struct FactDecl {
    /// The path as written in an expression, such as `customer.age`, `request.basket` or (calls written as paths)
    /// `segment.loyal`, `persona.thrifty`, `journey.lifecycle.stage`.
    pub path: Arc<str>,
    /// Its type.
    pub ty: Type,
    /// How it depends on time.
    pub class: TimeClass,
    /// Whether nothing tells it any more and it has no default, so that it is never known.
    pub retired: bool,
}

/// An event type that expressions may count and read.
#[derive(Debug, Clone)]
pub struct EventDecl {
    /// Its name.
    pub name: Arc<str>,
    /// Its properties in declared order: the column of a property is its place here.
    pub properties: Vec<PropertyDecl>,
    /// Whether it is one that the engine itself declares, such as `shown`; `events()` leaves those out.
    pub reserved: bool,
    /// How long its events are kept; `None` for ever.
    pub retention: Option<Duration>,
}

/// A property of an event type.
#[derive(Debug, Clone)]
pub struct PropertyDecl {
    /// Its name, unique within the event type.
    pub name: Arc<str>,
    /// Its number in the schema.
    pub id: PropertyId,
    /// Its type.
    pub ty: Type,
    /// Whether every event of the type has it.
    pub required: bool,
}

/// How the value of an expression depends on `now` while no event arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimeClass {
    /// Never changes.
    Constant,
    /// Changes at instants that can be told beforehand: window edges, expiry.
    Step,
    /// Grows or shrinks in proportion to `now`: ages, `since_last()`.
    Linear,
    /// Anything else; needs a declared grid before it may drive a segment or a journey.
    Other,
}

impl Schema {
    /// A schema without names.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Declares a fact. A path declared before keeps its number and gets the new type.
    pub fn declare_fact(&mut self, path: &str, ty: Type, class: TimeClass) -> FactId {
        let path: Arc<str> = Arc::from(path);
        let decl = FactDecl { path: path.clone(), ty, class, retired: false };
        if let Some(id) = self.by_path.get(&path) {
            if let Some(place) = self.facts.get_mut(id.0 as usize) {
                *place = decl;
            }
            return *id;
        }
        let id = FactId(u32::try_from(self.facts.len()).unwrap_or(u32::MAX));
        self.facts.push(decl);
        self.by_path.insert(path, id);
        id
    }

    /// Declares an event type with properties (name, type) in order. Names must be new.
    pub fn declare_event(&mut self, name: &str, properties: impl IntoIterator<Item = (Arc<str>, Type)>) -> EventKind {
        let kind = EventKind(u16::try_from(self.events.len()).unwrap_or(u16::MAX));
        let properties = properties
            .into_iter()
            .map(|(name, ty)| {
                let next = PropertyId(u16::try_from(self.properties.len()).unwrap_or(u16::MAX));
                let id = *self.property_by_name.entry(name.clone()).or_insert(next);
                if id == next {
                    self.properties.push(name.clone());
                }
                PropertyDecl { name, id, ty, required: false }
            })
            .collect();
        let name: Arc<str> = Arc::from(name);
        self.events.push(EventDecl { name: name.clone(), properties, reserved: false, retention: None });
        self.event_by_name.insert(name, kind);
        kind
    }

    /// Declares that nothing tells a fact any more and that it has no default: rules that can be known only through it are
    /// warned of.
    pub fn retire(&mut self, fact: FactId) {
        if let Some(declared) = self.facts.get_mut(fact.0 as usize) {
            declared.retired = true;
        }
    }

    /// Declares how long events of a type are kept: rules that look further back are warned of.
    pub fn keep_for(&mut self, kind: EventKind, retention: Duration) {
        if let Some(declared) = self.events.get_mut(usize::from(kind.0)) {
            declared.retention = Some(retention);
        }
    }

    /// Declares the zone that `"playbook"` names in calendar windows; UTC when not declared.
    pub fn set_time_zone(&mut self, zone: Zone) {
        self.time_zone = Some(zone);
    }

    /// The zone that `"playbook"` names in calendar windows.
    #[must_use]
    pub fn time_zone(&self) -> Zone {
        self.time_zone.unwrap_or(Zone::UTC)
    }

    /// Declares the day on which weeks begin where a rule does not say; Monday when not declared.
    pub fn set_first_day(&mut self, day: Weekday) {
        self.first_day = Some(day);
    }

    /// The day on which weeks begin where a rule does not say.
    #[must_use]
    pub fn first_day(&self) -> Weekday {
        self.first_day.unwrap_or(Weekday::Mon)
    }

    /// Names that stand for a value, in place of those that stood for one before.
    pub(crate) fn fix(&mut self, fixed: Arc<[Fixed]>) {
        self.fixed = fixed;
    }

    /// What stands for a value.
    pub(crate) fn fixed(&self) -> &[Fixed] {
        &self.fixed
    }

    /// The named values that expressions compute where they read them.
    pub(crate) fn computed(&self) -> &ComputedValues {
        &self.computed
    }

    /// The same, to declare one.
    pub(crate) fn computed_mut(&mut self) -> &mut ComputedValues {
        &mut self.computed
    }

    /// Declares the trends.
    pub fn set_trends(&mut self, trends: Arc<[TrendDecl]>) {
        self.trends = trends;
    }

    /// The trends in declared order.
    #[must_use]
    pub fn trends(&self) -> &[TrendDecl] {
        &self.trends
    }

    /// A trend by its name, and its number.
    #[must_use]
    pub fn trend(&self, name: &str) -> Option<(u16, &TrendDecl)> {
        let place = self.trends.iter().position(|trend| *trend.name == *name)?;
        Some((u16::try_from(place).ok()?, self.trends.get(place)?))
    }

    /// Demands a property of every event of a type.
    pub fn require(&mut self, kind: EventKind, property: &str) {
        let declared = self.events.get_mut(usize::from(kind.0)).into_iter().flat_map(|event| &mut event.properties);
        for declared in declared.filter(|declared| *declared.name == *property) {
            declared.required = true;
        }
    }

    /// Declares an event type of the engine itself.
    pub fn declare_reserved_event(&mut self, name: &str, properties: impl IntoIterator<Item = (Arc<str>, Type)>) -> EventKind {
        let kind = self.declare_event(name, properties);
        if let Some(event) = self.events.last_mut() {
            event.reserved = true;
        }
        kind
    }

    /// Declares the stores: their names and where they are.
    pub fn set_stores(&mut self, stores: Arc<[(Arc<str>, Point)]>) {
        self.stores = stores;
    }

    /// The stores in declared order.
    #[must_use]
    pub fn stores(&self) -> &Arc<[(Arc<str>, Point)]> {
        &self.stores
    }

    /// Declares somebody else whose events expressions may read, by the path before `.events(…)`.
    pub fn declare_subject(&mut self, path: &str) -> SubjectId {
        let id = SubjectId(u16::try_from(self.subjects.len()).unwrap_or(u16::MAX));
        self.subjects.push(Arc::from(path));
        id
    }

    /// The number of somebody else whose events may be read.
    #[must_use]
    pub fn subject(&self, path: &str) -> Option<SubjectId> {
        let place = self.subjects.iter().position(|subject| **subject == *path)?;
        u16::try_from(place).ok().map(SubjectId)
    }

    /// The paths of all others whose events may be read, in declared order.
    #[must_use]
    pub fn subjects(&self) -> &[Arc<str>] {
        &self.subjects
    }

    /// The number of the fact at a path.
    #[must_use]
    pub fn fact(&self, path: &str) -> Option<FactId> {
        self.by_path.get(path).copied()
    }

    /// The declaration of a fact.
    #[must_use]
    pub fn fact_decl(&self, id: FactId) -> Option<&FactDecl> {
        self.facts.get(id.0 as usize)
    }

    /// All facts in declared order.
    #[must_use]
    pub fn facts(&self) -> &[FactDecl] {
        &self.facts
    }

    /// The number of an event type.
    #[must_use]
    pub fn event(&self, name: &str) -> Option<EventKind> {
        self.event_by_name.get(name).copied()
    }

    /// The declaration of an event type.
    #[must_use]
    pub fn event_decl(&self, kind: EventKind) -> Option<&EventDecl> {
        self.events.get(usize::from(kind.0))
    }

    /// All event types in declared order.
    #[must_use]
    pub fn events(&self) -> &[EventDecl] {
        &self.events
    }

    /// The number of a property's name.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<PropertyId> {
        self.property_by_name.get(name).copied()
    }

    /// How many different names of properties there are.
    #[must_use]
    pub fn property_count(&self) -> usize {
        self.properties.len()
    }

    /// The name of a property.
    #[must_use]
    pub fn property_name(&self, id: PropertyId) -> Option<&Arc<str>> {
        self.properties.get(usize::from(id.0))
    }
}

impl EventDecl {
    /// The column of a property, when this event type has it.
    #[must_use]
    pub fn column(&self, property: PropertyId) -> Option<usize> {
        self.properties.iter().position(|declared| declared.id == property)
    }
}
