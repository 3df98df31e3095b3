//! Everything that can be read about a customer at one instant, looked up when a rule asks for it.

mod persona;
mod reach;
mod rule;
mod rules;
mod sources;
#[cfg(test)]
mod tests;

pub(crate) use reach::{Reach, Reaches};
pub(crate) use rule::Rule;
pub(crate) use rules::state_rule;
pub(crate) use rules::{PersonaRule, Rules};
pub(crate) use sources::{Source, Sources};

use crate::customer::{Place, View};
use crate::expr::{Answer, EventKind, EventRow, FactId, Facts, Outcome, PropertyId, Read, Run};
use crate::value::{Span, Timestamp, Value, Zone};
use std::cell::{OnceCell, RefCell};
use std::ops::ControlFlow;

/// The posterior of every persona, and until when they hold.
type Posteriors = (Vec<f64>, Option<Timestamp>);

/// One customer at one instant, as rules see them.
///
/// Attributes and streams are read from the story, segments and personas are evaluated when first asked for and then kept.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    rules: &'a Rules,
    view: View<'a>,
    now: Timestamp,
    /// By number of the request fact.
    request: &'a [Option<Value>],
    /// Where the customer is, by number of the journey.
    places: &'a [Option<Place>],
    /// Names of the stages, by number of the journey.
    stages: &'a [Vec<std::sync::Arc<str>>],
    memo: RefCell<Vec<Option<Read>>>,
    zone: OnceCell<Zone>,
    posteriors: OnceCell<Posteriors>,
}

impl<'a> Context<'a> {
    /// A context for a view at `now`; events later than `now` are not seen.
    #[must_use]
    pub(crate) fn new(
        rules: &'a Rules,
        view: View<'a>,
        now: Timestamp,
        request: &'a [Option<Value>],
        places: &'a [Option<Place>],
        stages: &'a [Vec<std::sync::Arc<str>>],
    ) -> Self {
        let memo = RefCell::new(vec![None; rules.sources.facts.len()]);
        Context { rules, view, now, request, places, stages, memo, zone: OnceCell::new(), posteriors: OnceCell::new() }
    }

    /// Takes a value as read, because somebody has just found it.
    pub(crate) fn assume(&self, fact: FactId, read: Read) {
        if let Some(place) = self.memo.borrow_mut().get_mut(fact.0 as usize) {
            *place = Some(read);
        }
    }

    /// The story.
    #[must_use]
    pub(crate) fn view(&self) -> &View<'a> {
        &self.view
    }

    /// The compiled rules.
    #[must_use]
    pub(crate) fn rules(&self) -> &'a Rules {
        self.rules
    }

    /// Membership of a segment.
    #[must_use]
    pub(crate) fn segment(&self, segment: usize) -> Read {
        self.fact(self.rules.sources.segment_fact(segment))
    }

    /// The posterior of every persona, in the order of the playbook; what is left to 1 is "none of these".
    #[must_use]
    pub(crate) fn personas(&self) -> Vec<f64> {
        self.posteriors().0.clone()
    }

    fn posteriors(&self) -> &Posteriors {
        self.posteriors.get_or_init(|| persona::posteriors(self, &self.rules.personas))
    }

    /// An attribute: its value, whether it was told, and until when that holds.
    fn attribute(&self, place: usize) -> (Read, bool) {
        let (Some(rule), Some(kind)) = (self.rules.attributes.get(place), self.rules.sources.reserved.attributes.get(place))
        else {
            return (Read::missing("?".into()), false);
        };
        let next = self.view.next_event(&[*kind], self.now);
        let told = self.view.last(*kind, self.now);
        let expiry = told.and_then(|row| rule.ttl.map(|ttl| row.time().saturating_add_micros(ttl.micros())));
        let expired = expiry.is_some_and(|expiry| self.now >= expiry);
        if let Some(value) = told.filter(|_| !expired).and_then(|row| row.value(0)) {
            return (Read::known(value).until(earlier(next, expiry)), true);
        }
        let read = match &rule.default {
            Some(value) => Read::known(value.clone()),
            None => Read::missing(self.rules.sources.path(FactId(u32::try_from(place).unwrap_or(u32::MAX)))),
        };
        (read.until(next), false)
    }

    fn find(&self, fact: FactId) -> Read {
        let missing = || Read::missing(self.rules.sources.path(fact));
        match self.rules.sources.source(fact) {
            Some(Source::Attribute(place)) => self.attribute(place).0,
            Some(Source::Request(place)) => self.request.get(place).cloned().flatten().map_or_else(missing, Read::known),
            Some(Source::Segment(place)) => match self.rules.segments.get(place) {
                Some(rule) => {
                    let answer = rule.ask(self);
                    let read = match answer.outcome {
                        Outcome::Value(value) => Read::known(value),
                        Outcome::Unknown(missing) => Read { value: Answer::Unknown(missing), until: None },
                        Outcome::Error(_) => missing(),
                    };
                    read.until(answer.until)
                }
                None => missing(),
            },
            Some(Source::Persona(place)) => {
                let (posteriors, until) = self.posteriors();
                posteriors.get(place).map_or_else(missing, |posterior| Read::known(Value::Double(*posterior)).until(*until))
            }
            Some(Source::Stage(journey)) => {
                let place = self.places.get(journey).copied().flatten();
                let name = place.and_then(|place| self.stages.get(journey)?.get(usize::from(place.stage)));
                name.map_or_else(missing, |name| Read::known(Value::String(name.clone())))
            }
            Some(Source::Since(journey)) => match self.places.get(journey).copied().flatten() {
                Some(place) => Read::known(Value::from(place.since)),
                None => missing(),
            },
            None => missing(),
        }
    }
}

impl Facts for Context<'_> {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn zone(&self) -> Option<Zone> {
        let zone = self.zone.get_or_init(|| {
            let own = self.rules.customer_zone.map(|place| self.attribute(place).0.value);
            match own {
                Some(Answer::Known(Value::String(name))) => Zone::parse(&name).unwrap_or(self.rules.zone),
                _ => self.rules.zone,
            }
        });
        Some(*zone)
    }

    fn fact(&self, fact: FactId) -> Read {
        let kept = self.memo.borrow().get(fact.0 as usize).cloned().flatten();
        if let Some(read) = kept {
            return read;
        }
        let read = self.find(fact);
        self.assume(fact, read.clone());
        read
    }

    fn has(&self, fact: FactId) -> bool {
        match self.rules.sources.source(fact) {
            Some(Source::Attribute(place)) => self.attribute(place).1,
            _ => matches!(self.fact(fact).value, Answer::Known(_)),
        }
    }

    fn events(&self, kinds: &[EventKind], span: Span, visit: &mut dyn FnMut(&dyn EventRow) -> ControlFlow<()>) {
        // Nothing after `now` is seen, whatever the span.
        let span = Span { after: span.after, until: span.until.min(self.now) };
        self.view.events(kinds, span, &mut |row| visit(&row));
    }

    fn run(&self, kinds: &[EventKind], span: Span, properties: &[PropertyId]) -> Option<Run<'_>> {
        let span = Span { after: span.after, until: span.until.min(self.now) };
        self.view.run_of(kinds, span, properties)
    }

    fn next_event(&self, kinds: &[EventKind]) -> Option<Timestamp> {
        self.view.next_event(kinds, self.now)
    }

    fn session(&self) -> Option<(Timestamp, Timestamp)> {
        self.view.session(self.now, self.rules.session_gap)
    }
}

/// The earlier of two instants, where none is never.
#[must_use]
pub(crate) fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
