use super::choose::Store;
use super::rules::CatalogRules;
use crate::catalog::Item;
use crate::context::Context;
use crate::expr::{EventKind, EventRow, FactId, Facts, Folded, Measure, NextStep, PropertyId, Read, Run, SubjectId};
use crate::value::{Span, Timestamp, Value, Zone};
use std::ops::ControlFlow;
use std::sync::Arc;

/// What a rule on items reads: the item, and everything else from the context.
pub(crate) struct ItemFacts<'f, 'a> {
    pub(super) rules: &'f CatalogRules,
    pub(super) context: &'f Context<'a>,
    pub(super) item: &'f Item,
    pub(super) store: &'f Store,
}

impl ItemFacts<'_, '_> {
    fn own(&self, fact: FactId) -> Option<Option<Value>> {
        let place = fact.0.checked_sub(self.rules.first_fact)?;
        Some(self.rules.field(self.item, place as usize, self.store))
    }
}

impl Facts for ItemFacts<'_, '_> {
    fn now(&self) -> Timestamp {
        Facts::now(self.context)
    }

    fn zone(&self) -> Option<Zone> {
        Facts::zone(self.context)
    }

    fn fact(&self, fact: FactId) -> Read {
        match self.own(fact) {
            Some(Some(value)) => Read::known(value),
            Some(None) => {
                let path = self.rules.schema.fact_decl(fact).map_or_else(|| Arc::from("item"), |decl| decl.path.clone());
                Read::missing(path)
            }
            None => self.context.fact(fact),
        }
    }

    fn has(&self, fact: FactId) -> bool {
        self.own(fact).map_or_else(|| self.context.has(fact), |value| value.is_some())
    }

    fn fact_as_of(&self, fact: FactId, at: Timestamp) -> Option<Read> {
        if self.own(fact).is_some() { Some(self.fact(fact)) } else { self.context.fact_as_of(fact, at) }
    }

    fn trend(&self, trend: u16, measure: Measure, values: &[Arc<str>]) -> Option<f64> {
        Facts::trend(self.context, trend, measure, values)
    }

    fn next_step(&self, fact: FactId, next: &NextStep) -> Read {
        Facts::next_step(self.context, fact, next)
    }

    fn fact_of(&self, fact: FactId, key: &str) -> Read {
        self.context.fact_of(fact, key)
    }

    fn begins(&self) -> Option<Timestamp> {
        Facts::begins(self.context)
    }

    fn withheld(&self, kinds: &[EventKind]) -> Option<Arc<str>> {
        self.context.withheld(kinds)
    }

    fn events(&self, kinds: &[EventKind], span: Span, visit: &mut dyn FnMut(&dyn EventRow) -> ControlFlow<()>) {
        self.context.events(kinds, span, visit);
    }

    fn run(&self, kinds: &[EventKind], span: Span, properties: &[PropertyId]) -> Option<Run<'_>> {
        self.context.run(kinds, span, properties)
    }

    fn folded(&self, kinds: &[EventKind], span: Span, property: Option<PropertyId>) -> Option<Folded> {
        self.context.folded(kinds, span, property)
    }

    fn next_event(&self, kinds: &[EventKind]) -> Option<Timestamp> {
        self.context.next_event(kinds)
    }

    fn beside(&self, subject: SubjectId) -> Option<&dyn Facts> {
        Facts::beside(self.context, subject)
    }

    fn session(&self) -> Option<(Timestamp, Timestamp)> {
        Facts::session(self.context)
    }
}
