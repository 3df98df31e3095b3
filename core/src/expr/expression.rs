use super::check::{CompileOptions, compile_source};
use super::evaluate::{Evaluated, evaluate};
use super::explain::{Explanation, explain_with_flips};
use super::{Answer, Checked, EventKind, EventRow, FactId, Facts, Missing, PropertyId, Read, Schema};
use crate::error::Diagnostics;
use crate::value::{Span, Timestamp, Value, Zone};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// An expression on its own: compiled once, evaluated against any facts.
///
/// # Examples
/// ```
/// use tactful::expr::{Expression, NamedFacts};
/// use tactful::{Timestamp, Value};
///
/// let adult = Expression::compile("customer.age >= 18 && customer.city == 'Bonn'", None)?;
/// let facts = NamedFacts::new(Timestamp::parse("2026-01-01T00:00:00Z")?)
///     .with("customer.age", Value::Int(42))
///     .with("customer.city", Value::text("Bonn"));
/// assert!(adult.evaluate(&facts).outcome.is_true());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Expression {
    checked: Checked,
}

impl Expression {
    /// Compiles an expression. With a schema, names and types are checked and missing facts are unknown; without one,
    /// names are looked up when evaluated and a missing one is an error, as in the standard.
    ///
    /// # Errors
    /// Everything that is wrong with it, with places.
    pub fn compile(text: &str, schema: Option<&Schema>) -> Result<Self, Diagnostics> {
        Self::compile_with(text, &CompileOptions::new(schema))
    }

    /// Compiles an expression that must give a certain type, in a namespace or within other limits.
    ///
    /// # Errors
    /// Everything that is wrong with it, with places.
    pub fn compile_with(text: &str, options: &CompileOptions<'_>) -> Result<Self, Diagnostics> {
        let checked = compile_source(text, options).map_err(|findings| {
            let mut findings = Diagnostics(findings);
            findings.sort();
            findings
        })?;
        Ok(Expression { checked })
    }

    /// Evaluates it.
    #[must_use]
    pub fn evaluate(&self, facts: &dyn Facts) -> Evaluated {
        evaluate(&self.checked, facts)
    }

    /// Evaluates it and keeps what every part came to, and what would make it true when it is not.
    #[must_use]
    pub fn explain(&self, facts: &dyn Facts) -> Explanation {
        explain_with_flips(&self.checked, facts)
    }

    /// The checked tree, for compiling many together.
    #[must_use]
    pub fn checked(&self) -> &Checked {
        &self.checked
    }
}

/// A plain set of named values, and events where a schema declares their types.
#[derive(Debug, Clone)]
pub struct NamedFacts {
    schema: Option<Arc<Schema>>,
    now: Timestamp,
    zone: Option<Zone>,
    session: Option<(Timestamp, Timestamp)>,
    values: BTreeMap<Arc<str>, Value>,
    by_fact: BTreeMap<FactId, (Value, Option<Timestamp>)>,
    /// By time, then in the order added.
    events: Vec<NamedEvent>,
}

#[derive(Debug, Clone)]
struct NamedEvent {
    time: Timestamp,
    kind: EventKind,
    properties: Vec<(PropertyId, Value)>,
    channel: Option<Arc<str>>,
}

impl NamedFacts {
    /// No facts, at an instant.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        NamedFacts {
            schema: None,
            now,
            zone: None,
            session: None,
            values: BTreeMap::new(),
            by_fact: BTreeMap::new(),
            events: Vec::new(),
        }
    }

    /// No facts of a schema, at an instant.
    #[must_use]
    pub fn of(schema: Arc<Schema>, now: Timestamp) -> Self {
        NamedFacts { schema: Some(schema), ..Self::new(now) }
    }

    /// The same facts at another instant. A value that has run out by then is gone.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Self {
        NamedFacts { now, ..self.clone() }
    }

    /// With a value under a dotted name.
    #[must_use]
    pub fn with(self, name: &str, value: Value) -> Self {
        self.with_until(name, value, None)
    }

    /// With a value under a dotted name that is known until an instant, not included.
    #[must_use]
    pub fn with_until(mut self, name: &str, value: Value, until: Option<Timestamp>) -> Self {
        if let Some(fact) = self.schema.as_ref().and_then(|schema| schema.fact(name)) {
            self.by_fact.insert(fact, (value.clone(), until));
        }
        self.values.insert(Arc::from(name), value);
        self
    }

    /// With the customer's time zone.
    #[must_use]
    pub fn with_zone(self, zone: Zone) -> Self {
        NamedFacts { zone: Some(zone), ..self }
    }

    /// With a session: its first instant, and the first instant at which it is over.
    #[must_use]
    pub fn with_session(self, start: Timestamp, end: Timestamp) -> Self {
        NamedFacts { session: Some((start, end)), ..self }
    }

    /// With an event. An event type or property that the schema does not declare is left out.
    #[must_use]
    pub fn with_event(self, kind: &str, time: Timestamp, properties: &[(&str, Value)]) -> Self {
        self.with_event_through(kind, time, properties, None)
    }

    /// With an event that came through a channel.
    #[must_use]
    pub fn with_event_through(
        mut self,
        kind: &str,
        time: Timestamp,
        properties: &[(&str, Value)],
        channel: Option<&str>,
    ) -> Self {
        let Some(schema) = &self.schema else { return self };
        let Some(kind) = schema.event(kind) else { return self };
        let properties = properties.iter().filter_map(|(name, value)| Some((schema.property(name)?, value.clone()))).collect();
        let place = self.events.partition_point(|event| event.time <= time);
        self.events.insert(place, NamedEvent { time, kind, properties, channel: channel.map(Arc::from) });
        self
    }
}

impl Facts for NamedFacts {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn zone(&self) -> Option<Zone> {
        self.zone
    }

    fn fact(&self, fact: FactId) -> Read {
        match self.by_fact.get(&fact) {
            Some((value, until)) if until.is_none_or(|until| until > self.now) => {
                Read { value: Answer::Known(value.clone()), until: *until }
            }
            _ => {
                let path = self.schema.as_ref().and_then(|schema| Some(schema.fact_decl(fact)?.path.clone()));
                Read { value: Answer::Unknown(Missing::one(path.unwrap_or_else(|| Arc::from("?")))), until: None }
            }
        }
    }

    fn named(&self, name: &str) -> Option<Value> {
        self.values.get(name).cloned()
    }

    fn events(&self, kinds: &[EventKind], span: Span, visit: &mut dyn FnMut(&dyn EventRow) -> ControlFlow<()>) {
        let from = self.events.partition_point(|event| event.time <= span.after);
        for event in self.events.iter().skip(from).take_while(|event| event.time <= span.until.min(self.now)) {
            if kinds.contains(&event.kind) && visit(event).is_break() {
                return;
            }
        }
    }

    fn next_event(&self, kinds: &[EventKind]) -> Option<Timestamp> {
        self.events.iter().find(|event| event.time > self.now && kinds.contains(&event.kind)).map(|event| event.time)
    }

    fn session(&self) -> Option<(Timestamp, Timestamp)> {
        self.session.filter(|(start, end)| *start <= self.now && self.now < *end)
    }
}

impl EventRow for NamedEvent {
    fn time(&self) -> Timestamp {
        self.time
    }

    fn kind(&self) -> EventKind {
        self.kind
    }

    fn property(&self, property: PropertyId) -> Option<Value> {
        self.properties.iter().find(|(id, _)| *id == property).map(|(_, value)| value.clone())
    }

    fn channel(&self) -> Option<Arc<str>> {
        self.channel.clone()
    }
}
