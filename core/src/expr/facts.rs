use super::{Detail, EventKind, FactId, Measure, NextStep, PropertyId, Run, SubjectId};
use crate::value::{Span, Timestamp, Value, Zone};
use smallvec::SmallVec;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Where an expression reads from: one customer at one instant, or a plain set of named values.
///
/// The evaluators know nothing else of the world. A read says until when it holds while no event arrives, so that whoever
/// asks can tell when to ask again.
pub trait Facts {
    /// The instant of the question.
    fn now(&self) -> Timestamp;

    /// The customer's time zone for calendar windows and local time; `None` when it is unknown and no default is declared.
    fn zone(&self) -> Option<Zone>;

    /// The value of a declared fact.
    fn fact(&self, fact: FactId) -> Read;

    /// Whether a declared fact was told and has not expired; a declared default does not count.
    fn has(&self, fact: FactId) -> bool {
        matches!(self.fact(fact).value, Answer::Known(_))
    }

    /// A declared fact as it was at an instant that is not later than `now`; the read's `until` is the first instant after that
    /// one at which it changed or will. `None` where the past is not known.
    fn fact_as_of(&self, fact: FactId, at: Timestamp) -> Option<Read> {
        let _ = (fact, at);
        None
    }

    /// The value of a declared fact of a journey, of the instance with a key.
    fn fact_of(&self, fact: FactId, key: &str) -> Read {
        let _ = (fact, key);
        Read { value: Answer::Unknown(Missing::default()), until: None }
    }

    /// With what probability something comes next in a journey.
    fn next_step(&self, fact: FactId, next: &NextStep) -> Read {
        let _ = fact;
        Read::missing(next.shown.clone())
    }

    /// What is asked of a trend, where its dimensions have these values; `None` when that is about too few customers, or nobody counted.
    fn trend(&self, trend: u16, measure: Measure, values: &[Arc<str>]) -> Option<f64> {
        let _ = (trend, measure, values);
        None
    }

    /// The value under a name that no schema declares; only expressions without a schema ask for one.
    fn named(&self, name: &str) -> Option<Value> {
        let _ = name;
        None
    }

    /// The first instant of which events can be read; of what was before nothing is known. `None` when the whole story can be read.
    fn begins(&self) -> Option<Timestamp> {
        None
    }

    /// What is missing when events of one of these types may not be read; nothing is known of them then.
    fn withheld(&self, kinds: &[EventKind]) -> Option<Arc<str>> {
        let _ = kinds;
        None
    }

    /// Visits the events of some types in a span, oldest first, in the order of the story, until told to stop.
    fn events(&self, kinds: &[EventKind], span: Span, visit: &mut dyn FnMut(&dyn EventRow) -> ControlFlow<()>);

    /// The events of some types in a span as columns of some properties, where the source keeps them so and they are of one
    /// type; otherwise they are visited one by one.
    fn run(&self, kinds: &[EventKind], span: Span, properties: &[PropertyId]) -> Option<Run<'_>> {
        let _ = (kinds, span, properties);
        None
    }

    /// What is left of events of some types that were folded and lie, or may lie, in a span; with totals of a property.
    fn folded(&self, kinds: &[EventKind], span: Span, property: Option<PropertyId>) -> Option<Folded> {
        let _ = (kinds, span, property);
        None
    }

    /// The first instant after `now` at which an event of these types will be seen that is not seen yet: events recorded
    /// with a later time than `now`.
    fn next_event(&self, kinds: &[EventKind]) -> Option<Timestamp>;

    /// The events of somebody else; `None` when it is not known who that is.
    fn beside(&self, subject: SubjectId) -> Option<&dyn Facts> {
        let _ = subject;
        None
    }

    /// The session that is open at `now`: its first instant, and the first instant at which it will be over.
    fn session(&self) -> Option<(Timestamp, Timestamp)>;
}

/// What is left of events that were folded.
#[derive(Debug, Clone, PartialEq)]
pub struct Folded {
    /// Whether all of them lie in the span and were known.
    pub whole: bool,
    /// How many there were.
    pub count: i64,
    /// When the first happened.
    pub first: Timestamp,
    /// When the last happened.
    pub last: Timestamp,
    /// Up to when events are folded.
    pub until: Timestamp,
    /// Totals of the property; `None` when there are none.
    pub numbers: Option<FoldedNumbers>,
}

impl Folded {
    /// Both together.
    pub(crate) fn with(self, other: Folded) -> Folded {
        Folded {
            whole: self.whole && other.whole,
            count: self.count.saturating_add(other.count),
            first: self.first.min(other.first),
            last: self.last.max(other.last),
            until: self.until.max(other.until),
            numbers: self.numbers.zip(other.numbers).and_then(|(one, other)| one.with(&other)),
        }
    }
}

/// Totals of a property of folded events.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FoldedNumbers {
    /// How many events have it.
    pub told: i64,
    /// Their sum.
    pub sum: Option<Value>,
    /// The least.
    pub least: Option<Value>,
    /// The greatest.
    pub greatest: Option<Value>,
}

impl Folded {
    /// What is missing where the totals are not enough.
    pub(crate) fn missing(&self) -> Arc<str> {
        format!("events up to {}, of which only totals are kept", self.until).into()
    }
}

impl FoldedNumbers {
    /// Both together; `None` when that has no exact answer, as for doubles, whose sum depends on the order of the story.
    pub(crate) fn with(self, other: &FoldedNumbers) -> Option<FoldedNumbers> {
        if other.told == 0 {
            return Some(self);
        }
        if self.told == 0 {
            return Some(other.clone());
        }
        let sum = match (self.sum?, other.sum.as_ref()?) {
            (Value::Int(a), Value::Int(b)) => Value::Int(a.checked_add(*b)?),
            (Value::Uint(a), Value::Uint(b)) => Value::Uint(a.checked_add(*b)?),
            (Value::Decimal(a), Value::Decimal(b)) => Value::Decimal(a.checked_add(*b).ok()?),
            _ => return None,
        };
        let (least, greatest) = (self.least?, self.greatest?);
        let (low, high) = (other.least.clone()?, other.greatest.clone()?);
        let less = |a: &Value, b: &Value| super::value_ops::total_order(a, b).is_lt();
        Some(FoldedNumbers {
            told: self.told.saturating_add(other.told),
            sum: Some(sum),
            least: Some(if less(&low, &least) { low } else { least }),
            greatest: Some(if less(&greatest, &high) { high } else { greatest }),
        })
    }
}

/// One event as an expression sees it.
pub trait EventRow {
    /// When it happened.
    fn time(&self) -> Timestamp;
    /// Its type.
    fn kind(&self) -> EventKind;
    /// A property; `None` when this event lacks it.
    fn property(&self, property: PropertyId) -> Option<Value>;
    /// The channel it came through, when known.
    fn channel(&self) -> Option<Arc<str>>;
    /// One of the circumstances under which it happened, when told.
    fn detail(&self, detail: Detail) -> Option<Value> {
        let _ = detail;
        None
    }
    /// Who told it, when known.
    fn source(&self) -> Option<Arc<str>> {
        None
    }
}

/// The answer to a read, and until when it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// The value, or why there is none.
    pub value: Answer,
    /// The first instant after `now` at which the value may differ while no event arrives; `None` for never.
    pub until: Option<Timestamp>,
}

/// A value, or why there is none.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Known at `now`.
    Known(Value),
    /// Not known; names the facts that are missing, sorted, without repetition.
    Unknown(Missing),
}

/// Paths of missing facts, sorted, without repetition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Missing(SmallVec<[Arc<str>; 2]>);

impl Missing {
    /// One missing fact.
    #[must_use]
    pub fn one(path: Arc<str>) -> Self {
        let mut paths = SmallVec::new();
        paths.push(path);
        Missing(paths)
    }

    /// All that either side misses.
    #[must_use]
    pub fn union(mut self, other: &Missing) -> Self {
        for path in &other.0 {
            if let Err(place) = self.0.binary_search(path) {
                self.0.insert(place, path.clone());
            }
        }
        self
    }

    /// The paths, sorted.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(|path| &**path)
    }
}

impl Read {
    /// A value that holds for ever.
    #[must_use]
    pub fn known(value: Value) -> Self {
        Read { value: Answer::Known(value), until: None }
    }

    /// Unknown because the fact at `path` is missing.
    #[must_use]
    pub fn missing(path: Arc<str>) -> Self {
        Read { value: Answer::Unknown(Missing::one(path)), until: None }
    }

    /// The same, holding until an instant at most.
    #[must_use]
    pub fn until(self, until: Option<Timestamp>) -> Self {
        Read { until, ..self }
    }
}
