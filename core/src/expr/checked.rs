//! A checked expression: what the evaluators walk. Names are resolved, every part has a type and a class over time.

use super::ast::{BinaryOp, Extent, Form, NodeId, Tree};
use super::check_next::NextStep;
use super::evaluate_today::Elapsed;
use super::signature::Function;
use super::stream::Stream;
use super::value_ops::Fault;
use super::{Detail, EventKind, FactId, Limits, Measure, PropertyId, SubjectId, TimeClass};
use crate::error::Diagnostic;
use crate::value::{Point, Type, Value};
use regex::Regex;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// An expression that was parsed and checked. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Checked {
    pub(super) tree: Arc<Tree>,
    pub(super) nodes: Arc<[Node]>,
    pub(super) root: Ref,
    pub(super) reads: Arc<Reads>,
    pub(super) limits: Limits,
    pub(super) warnings: Arc<[Diagnostic]>,
}

/// What an expression reads: the edges of the dependency graph.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reads {
    /// Declared facts.
    pub facts: BTreeSet<FactId>,
    /// Others whose events are read.
    pub subjects: BTreeSet<SubjectId>,
    /// Event types; all declared ones for `events()`.
    pub events: BTreeSet<EventKind>,
    /// Properties of events.
    pub properties: BTreeSet<PropertyId>,
    /// Names that no schema declares, as dotted as they are written.
    pub names: BTreeSet<Arc<str>>,
    /// Computed values, by name; what they read is read too.
    pub computed: BTreeSet<Arc<str>>,
    /// Trends, by number.
    pub trends: BTreeSet<u16>,
    /// Whether it reads `now`, also by a window or an age.
    pub now: bool,
    /// Whether it reads the time zone.
    pub zone: bool,
    /// Whether it reads the session.
    pub session: bool,
}

/// The number of a node in [`Checked`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Ref(pub(super) u32);

#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) op: Op,
    pub(super) ty: Type,
    pub(super) class: TimeClass,
    /// The syntax it came from.
    pub(super) syntax: NodeId,
    pub(super) extent: Extent,
}

/// A name that may be bound, and the fields that are then selected from its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Candidate {
    pub(super) name: Arc<str>,
    pub(super) rest: Vec<Arc<str>>,
}

#[derive(Clone)]
pub(super) enum Op {
    Constant(Value),
    /// A name that stands for a value, where there is none.
    Unset(Arc<str>),
    /// Fails when it is reached: what the standard finds wrong only then.
    Fail(Fault),
    Now,
    /// The day of the question, in its zone.
    Today,
    /// Whole years or months since a day.
    Elapsed {
        day: Ref,
        unit: Elapsed,
    },
    /// The name of the store next to a point.
    NearestStore {
        point: Ref,
        stores: Arc<[(Arc<str>, Point)]>,
    },
    /// A fact as it was at an earlier instant.
    AsOf {
        fact: FactId,
        time: Ref,
        path: Arc<str>,
    },
    /// A fact of a journey, of the instance with a key.
    OfInstance {
        fact: FactId,
        key: Ref,
    },
    /// With what probability something comes next in a journey.
    NextStep {
        fact: FactId,
        next: Arc<NextStep>,
    },
    /// What is asked of a trend.
    Trend {
        trend: u16,
        measure: Measure,
        /// As it is written, without the values.
        path: Arc<str>,
        args: Vec<Ref>,
    },
    Fact(FactId),
    HasFact(FactId),
    /// What a computed value comes to.
    Computed(Ref),
    /// A name of no schema: the first candidate that is bound counts.
    Named(Vec<Candidate>),
    Variable(u32),
    Field {
        base: Ref,
        field: Arc<str>,
    },
    HasField {
        base: Ref,
        field: Arc<str>,
    },
    Index {
        base: Ref,
        index: Ref,
    },
    /// `base.?field`.
    OptionalField {
        base: Ref,
        field: Arc<str>,
    },
    /// `base[?index]`.
    OptionalIndex {
        base: Ref,
        index: Ref,
    },
    /// What is read, as an optional: absent while it is unknown.
    Told(Ref),
    /// An element of a list or the value of a map's entry that is left out when absent.
    Maybe(Ref),
    /// `base.or(other)`, and `base.orValue(other)` when it `unwraps`; `other` is computed only when needed.
    OrElse {
        base: Ref,
        other: Ref,
        unwraps: bool,
    },
    Property {
        slot: u32,
        id: PropertyId,
        path: Arc<str>,
    },
    HasProperty {
        slot: u32,
        id: PropertyId,
    },
    EventTime(u32),
    EventChannel {
        slot: u32,
        path: Arc<str>,
    },
    HasChannel(u32),
    /// A circumstance of an event; its source when `detail` is none.
    EventDetail {
        slot: u32,
        detail: Option<Detail>,
        path: Arc<str>,
    },
    HasDetail {
        slot: u32,
        detail: Option<Detail>,
    },
    Not(Ref),
    Negate(Ref),
    And(Vec<Ref>),
    Or(Vec<Ref>),
    Ternary {
        condition: Ref,
        yes: Ref,
        no: Ref,
    },
    Binary {
        op: BinaryOp,
        left: Ref,
        right: Ref,
    },
    Call {
        function: &'static Function,
        args: Vec<Ref>,
    },
    /// `matches` with a constant pattern, compiled once.
    Matches {
        text: Ref,
        pattern: Arc<Regex>,
    },
    List(Vec<Ref>),
    Map(Vec<(Ref, Ref)>),
    Loop {
        form: Form,
        range: Ref,
        slot: u32,
        second: Option<u32>,
        filter: Option<Ref>,
        body: Ref,
    },
    Bind {
        slot: u32,
        value: Ref,
        body: Ref,
    },
    Stream(Box<Stream>),
}

impl Checked {
    /// The static type of the result; `dyn` when it is not known before evaluation.
    #[must_use]
    pub fn ty(&self) -> &Type {
        &self.node(self.root).ty
    }

    /// How the result depends on `now` while no event arrives.
    #[must_use]
    pub fn class(&self) -> TimeClass {
        self.node(self.root).class
    }

    /// Its operations.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &Op> {
        self.nodes.iter().map(|node| &node.op)
    }

    /// The syntax tree.
    #[must_use]
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The source text.
    #[must_use]
    pub fn text(&self) -> &str {
        self.tree.own_text()
    }

    /// Everything that it reads.
    #[must_use]
    pub fn reads(&self) -> &Reads {
        &self.reads
    }

    /// What is probably not meant, although it compiles.
    #[must_use]
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// The value, when the expression is a constant.
    #[must_use]
    pub fn constant(&self) -> Option<&Value> {
        match &self.node(self.root).op {
            Op::Constant(value) => Some(value),
            _ => None,
        }
    }

    pub(super) fn node(&self, id: Ref) -> &Node {
        &self.nodes[id.0 as usize]
    }
}

impl Reads {
    /// All that either reads.
    pub fn extend(&mut self, other: &Reads) {
        self.facts.extend(&other.facts);
        self.subjects.extend(&other.subjects);
        self.events.extend(&other.events);
        self.properties.extend(&other.properties);
        self.names.extend(other.names.iter().cloned());
        self.computed.extend(other.computed.iter().cloned());
        self.now |= other.now;
        self.zone |= other.zone;
        self.session |= other.session;
    }
}

impl Op {
    /// The nodes right below, in the order in which they are evaluated.
    pub(super) fn children(&self) -> Vec<Ref> {
        match self {
            Op::Constant(_)
            | Op::Unset(_)
            | Op::Fail(_)
            | Op::Now
            | Op::Today
            | Op::NextStep { .. }
            | Op::Fact(_)
            | Op::HasFact(_)
            | Op::Named(_)
            | Op::Variable(_)
            | Op::Property { .. }
            | Op::HasProperty { .. }
            | Op::EventTime(_)
            | Op::EventChannel { .. }
            | Op::HasChannel(_)
            | Op::EventDetail { .. }
            | Op::HasDetail { .. } => Vec::new(),
            Op::Field { base, .. } | Op::HasField { base, .. } | Op::OptionalField { base, .. } => vec![*base],
            Op::Index { base, index } | Op::OptionalIndex { base, index } => vec![*base, *index],
            Op::Elapsed { day: operand, .. }
            | Op::AsOf { time: operand, .. }
            | Op::OfInstance { key: operand, .. }
            | Op::NearestStore { point: operand, .. } => {
                vec![*operand]
            }
            Op::OrElse { base, other, .. } => vec![*base, *other],
            Op::Told(operand)
            | Op::Computed(operand)
            | Op::Maybe(operand)
            | Op::Not(operand)
            | Op::Negate(operand)
            | Op::Matches { text: operand, .. } => vec![*operand],
            Op::And(operands)
            | Op::Or(operands)
            | Op::List(operands)
            | Op::Call { args: operands, .. }
            | Op::Trend { args: operands, .. } => operands.clone(),
            Op::Ternary { condition, yes, no } => vec![*condition, *yes, *no],
            Op::Binary { left, right, .. } => vec![*left, *right],
            Op::Map(entries) => entries.iter().flat_map(|(key, value)| [*key, *value]).collect(),
            Op::Loop { range, filter, body, .. } => std::iter::once(*range).chain(*filter).chain([*body]).collect(),
            Op::Bind { value, body, .. } => vec![*value, *body],
            Op::Stream(stream) => stream.children(),
        }
    }
}

impl Op {
    /// The same operation over other nodes.
    pub(super) fn renumbered(&self, to: &dyn Fn(Ref) -> Ref) -> Op {
        let all = |refs: &[Ref]| refs.iter().map(|part| to(*part)).collect::<Vec<_>>();
        match self {
            Op::Constant(_)
            | Op::Unset(_)
            | Op::Fail(_)
            | Op::Now
            | Op::Today
            | Op::NextStep { .. }
            | Op::Fact(_)
            | Op::HasFact(_)
            | Op::Named(_)
            | Op::Variable(_)
            | Op::Property { .. }
            | Op::HasProperty { .. }
            | Op::EventTime(_)
            | Op::EventChannel { .. }
            | Op::HasChannel(_)
            | Op::EventDetail { .. }
            | Op::HasDetail { .. } => self.clone(),
            Op::Field { base, field } => Op::Field { base: to(*base), field: field.clone() },
            Op::HasField { base, field } => Op::HasField { base: to(*base), field: field.clone() },
            Op::Index { base, index } => Op::Index { base: to(*base), index: to(*index) },
            Op::OptionalField { base, field } => Op::OptionalField { base: to(*base), field: field.clone() },
            Op::OptionalIndex { base, index } => Op::OptionalIndex { base: to(*base), index: to(*index) },
            Op::Elapsed { day, unit } => Op::Elapsed { day: to(*day), unit: *unit },
            Op::NearestStore { point, stores } => Op::NearestStore { point: to(*point), stores: stores.clone() },
            Op::OfInstance { fact, key } => Op::OfInstance { fact: *fact, key: to(*key) },
            Op::Trend { trend, measure, path, args } => {
                Op::Trend { trend: *trend, measure: *measure, path: path.clone(), args: all(args) }
            }
            Op::AsOf { fact, time, path } => Op::AsOf { fact: *fact, time: to(*time), path: path.clone() },
            Op::Told(read) => Op::Told(to(*read)),
            Op::Computed(value) => Op::Computed(to(*value)),
            Op::Maybe(value) => Op::Maybe(to(*value)),
            Op::OrElse { base, other, unwraps } => Op::OrElse { base: to(*base), other: to(*other), unwraps: *unwraps },
            Op::Not(operand) => Op::Not(to(*operand)),
            Op::Negate(operand) => Op::Negate(to(*operand)),
            Op::And(operands) => Op::And(all(operands)),
            Op::Or(operands) => Op::Or(all(operands)),
            Op::Ternary { condition, yes, no } => Op::Ternary { condition: to(*condition), yes: to(*yes), no: to(*no) },
            Op::Binary { op, left, right } => Op::Binary { op: *op, left: to(*left), right: to(*right) },
            Op::Call { function, args } => Op::Call { function, args: all(args) },
            Op::Matches { text, pattern } => Op::Matches { text: to(*text), pattern: pattern.clone() },
            Op::List(items) => Op::List(all(items)),
            Op::Map(entries) => Op::Map(entries.iter().map(|(key, value)| (to(*key), to(*value))).collect()),
            Op::Loop { form, range, slot, second, filter, body } => Op::Loop {
                form: *form,
                range: to(*range),
                slot: *slot,
                second: *second,
                filter: filter.map(to),
                body: to(*body),
            },
            Op::Bind { slot, value, body } => Op::Bind { slot: *slot, value: to(*value), body: to(*body) },
            Op::Stream(stream) => Op::Stream(Box::new(stream.renumbered(to))),
        }
    }

    /// The variable that is read here, when one is.
    pub(super) fn reads_slot(&self) -> Option<u32> {
        match self {
            Op::Variable(slot)
            | Op::EventTime(slot)
            | Op::HasChannel(slot)
            | Op::Property { slot, .. }
            | Op::HasProperty { slot, .. }
            | Op::EventChannel { slot, .. }
            | Op::EventDetail { slot, .. }
            | Op::HasDetail { slot, .. } => Some(*slot),
            _ => None,
        }
    }

    /// The variables that are bound for the nodes below.
    pub(super) fn binds(&self) -> Vec<u32> {
        match self {
            Op::Loop { slot, second, .. } => std::iter::once(*slot).chain(*second).collect(),
            Op::Bind { slot, .. } => vec![*slot],
            Op::Stream(stream) => {
                let targets = stream.follows.iter().flat_map(|follow| &follow.conditions);
                stream.conditions.iter().chain(targets).map(|(slot, _)| *slot).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// Names and numbers without addresses: equal operations show equal text, which `compile` relies on.
impl fmt::Debug for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Op::Constant(value) => write!(f, "constant {value:?}"),
            Op::Unset(path) => write!(f, "unset {path}"),
            Op::Fail(fault) => write!(f, "fail {fault:?}"),
            Op::Now => f.write_str("now"),
            Op::Today => f.write_str("today"),
            Op::Elapsed { day, unit } => write!(f, "{} {day:?}", unit.name()),
            Op::NearestStore { point, .. } => write!(f, "nearest store {point:?}"),
            Op::OfInstance { fact, key } => write!(f, "of instance {} {key:?}", fact.0),
            Op::Trend { measure, args, path, .. } => write!(f, "{path} {measure:?} {args:?}"),
            Op::AsOf { fact, time, .. } => write!(f, "as of {} {time:?}", fact.0),
            Op::NextStep { fact, next } => write!(f, "next {} {next:?}", fact.0),
            Op::Fact(id) => write!(f, "fact {}", id.0),
            Op::HasFact(id) => write!(f, "has fact {}", id.0),
            Op::Computed(value) => write!(f, "computed {value:?}"),
            Op::Named(candidates) => write!(f, "named {candidates:?}"),
            Op::Variable(slot) => write!(f, "variable {slot}"),
            Op::Field { base, field } => write!(f, "field {base:?} {field:?}"),
            Op::HasField { base, field } => write!(f, "has field {base:?} {field:?}"),
            Op::Index { base, index } => write!(f, "index {base:?} {index:?}"),
            Op::OptionalField { base, field } => write!(f, "optional field {base:?} {field:?}"),
            Op::OptionalIndex { base, index } => write!(f, "optional index {base:?} {index:?}"),
            Op::Told(read) => write!(f, "told {read:?}"),
            Op::Maybe(value) => write!(f, "maybe {value:?}"),
            Op::OrElse { base, other, unwraps } => write!(f, "or else {base:?} {other:?} {unwraps}"),
            Op::Property { slot, id, path } => write!(f, "property {slot} {} {path}", id.0),
            Op::HasProperty { slot, id } => write!(f, "has property {slot} {}", id.0),
            Op::EventTime(slot) => write!(f, "time {slot}"),
            Op::EventChannel { slot, path } => write!(f, "channel {slot} {path}"),
            Op::HasChannel(slot) => write!(f, "has channel {slot}"),
            Op::EventDetail { slot, detail, path } => write!(f, "detail {slot} {detail:?} {path}"),
            Op::HasDetail { slot, detail } => write!(f, "has detail {slot} {detail:?}"),
            Op::Not(operand) => write!(f, "not {operand:?}"),
            Op::Negate(operand) => write!(f, "negate {operand:?}"),
            Op::And(operands) => write!(f, "and {operands:?}"),
            Op::Or(operands) => write!(f, "or {operands:?}"),
            Op::Ternary { condition, yes, no } => write!(f, "ternary {condition:?} {yes:?} {no:?}"),
            Op::Binary { op, left, right } => write!(f, "binary {op:?} {left:?} {right:?}"),
            Op::Call { function, args } => write!(f, "call {} {args:?}", function.name),
            Op::Matches { text, pattern } => write!(f, "matches {text:?} {:?}", pattern.as_str()),
            Op::List(items) => write!(f, "list {items:?}"),
            Op::Map(entries) => write!(f, "map {entries:?}"),
            Op::Loop { form, range, slot, second, filter, body } => {
                write!(f, "loop {form:?} {range:?} {slot} {second:?} {filter:?} {body:?}")
            }
            Op::Bind { slot, value, body } => write!(f, "bind {slot} {value:?} {body:?}"),
            Op::Stream(stream) => write!(f, "{stream:?}"),
        }
    }
}
