//! The story as one instance of a journey with a key sees it: of the events that have the key's property those with its value.

use super::{Context, Holds, Rule};
use crate::customer::Keyed;
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
    /// When its events happened, where that is known.
    pub(crate) when: Option<&'k Keyed>,
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
    /// Whether a condition holds for an instance. One that reads no event with the key is the same for all of them, and is in the plan.
    pub(crate) fn holds_of(&self, rule: &Rule, instance: &InstanceOf<'_>) -> Holds {
        if rule.code().is_some() {
            return self.holds(rule);
        }
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
        let mut flow = ControlFlow::Continue(());
        let mut look = |span: Span| {
            self.whole.events(kinds, span, &mut |row| {
                if self.instance.owns(row) {
                    flow = visit(row);
                }
                flow
            });
            flow
        };
        // Where all are an instance's own, only the instants at which something happened to it are looked at.
        let Some(when) = self.instance.when.filter(|_| kinds.iter().all(|kind| self.instance.is_keyed(*kind))) else {
            let _ = look(span);
            return;
        };
        let known = when.after().filter(|after| *after > span.after);
        if let Some(after) = known
            && look(Span { until: span.until.min(after), ..span }).is_break()
        {
            return;
        }
        for at in when.instants(self.instance.key, known.unwrap_or(span.after), span.until) {
            if look(Span::from(at, at)).is_break() {
                return;
            }
        }
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
