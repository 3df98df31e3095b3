//! The story as one instance of a journey with a key sees it: of the events that have the key's property those with its value.

use super::{Context, Holds, Rule};
use crate::expr::{EventKind, EventRow, FactId, Facts, Folded, NextStep, Outcome, PropertyId, Read, Run};
use crate::value::{Span, Timestamp, Value, Zone};
use std::ops::ControlFlow;

/// Which events are those of an instance.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InstanceOf<'k> {
    /// The property.
    pub(crate) property: PropertyId,
    /// The event types that have it, sorted.
    pub(crate) kinds: &'k [EventKind],
    /// Its value, as text.
    pub(crate) key: &'k str,
}

impl InstanceOf<'_> {
    fn is_keyed(&self, kind: EventKind) -> bool {
        self.kinds.binary_search(&kind).is_ok()
    }

    fn owns(&self, row: &dyn EventRow) -> bool {
        !self.is_keyed(row.kind()) || row.property(self.property).is_some_and(|value| key_of(&value) == self.key)
    }
}

/// A key as text: text as it is, other values as expressions write them.
pub(crate) fn key_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_string(),
        value => crate::expr::value_text(value),
    }
}

impl Context<'_> {
    /// Whether a condition holds for an instance.
    pub(crate) fn holds_of(&self, rule: &Rule, instance: &InstanceOf<'_>) -> Holds {
        let answer = rule.ask(&Part { whole: self, instance });
        Holds { truth: answer.outcome.as_bool(), failed: matches!(answer.outcome, Outcome::Error(_)), until: answer.until }
    }
}

/// The part of a context that is an instance's.
struct Part<'p, 'a> {
    whole: &'p Context<'a>,
    instance: &'p InstanceOf<'p>,
}

impl Facts for Part<'_, '_> {
    fn now(&self) -> Timestamp {
        Facts::now(self.whole)
    }

    fn zone(&self) -> Option<Zone> {
        Facts::zone(self.whole)
    }

    fn fact(&self, fact: FactId) -> Read {
        Facts::fact(self.whole, fact)
    }

    fn fact_of(&self, fact: FactId, key: &str) -> Read {
        Facts::fact_of(self.whole, fact, key)
    }

    fn next_step(&self, fact: FactId, next: &NextStep) -> Read {
        Facts::next_step(self.whole, fact, next)
    }

    fn has(&self, fact: FactId) -> bool {
        self.whole.has(fact)
    }

    fn fact_as_of(&self, fact: FactId, at: Timestamp) -> Option<Read> {
        self.whole.fact_as_of(fact, at)
    }

    fn begins(&self) -> Option<Timestamp> {
        self.whole.begins()
    }

    fn events(&self, kinds: &[EventKind], span: Span, visit: &mut dyn FnMut(&dyn EventRow) -> ControlFlow<()>) {
        self.whole.events(kinds, span, &mut |row| if self.instance.owns(row) { visit(row) } else { ControlFlow::Continue(()) });
    }

    fn run(&self, kinds: &[EventKind], span: Span, properties: &[PropertyId]) -> Option<Run<'_>> {
        let keyed = kinds.iter().any(|kind| self.instance.is_keyed(*kind));
        if keyed { None } else { self.whole.run(kinds, span, properties) }
    }

    fn folded(&self, kinds: &[EventKind], span: Span, property: Option<PropertyId>) -> Option<Folded> {
        let folded = self.whole.folded(kinds, span, property)?;
        // Totals do not say which of the events were this instance's.
        let keyed = kinds.iter().any(|kind| self.instance.is_keyed(*kind));
        Some(Folded { whole: folded.whole && !keyed, ..folded })
    }

    fn next_event(&self, kinds: &[EventKind]) -> Option<Timestamp> {
        self.whole.next_event(kinds)
    }

    fn session(&self) -> Option<(Timestamp, Timestamp)> {
        Facts::session(self.whole)
    }
}
