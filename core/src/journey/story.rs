//! A story up to an instant as conditions read it that need nothing but slots and plain attributes: without all that a context brings along.

use super::derive::{Model, has, set};
use super::moves::Bits;
use crate::context::{Rules, Source};
use crate::customer::{SegmentState, View};
use crate::expr::plan::{Asker, Defer, Found, Ground, Live, Memo, NEVER, Scalar, Seen, State};
use crate::expr::{EventKind, FactId, PropertyId, RunColumn};
use crate::value::{Timestamp, Value, Zone};
use std::cell::OnceCell;

/// A story up to an instant.
pub(crate) struct Story<'v, 'a> {
    pub(crate) rules: &'v Rules,
    pub(crate) view: &'v View<'a>,
    pub(crate) now: Timestamp,
    /// Slots as they stand there.
    pub(crate) live: Option<&'v Live>,
}

impl<'a> Ground<'a> for Story<'_, 'a> {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn zone(&self) -> Option<Zone> {
        None
    }

    fn session(&self) -> Option<(Timestamp, Timestamp)> {
        None
    }

    /// Attributes of which the last that was told is all that counts, as far as they are no texts.
    fn fact(&self, fact: FactId) -> Result<Found<'_>, Defer> {
        let kind = plain(self.rules, fact).ok_or(Defer)?;
        let quick = self.view.told_last(kind, self.now);
        let until = match quick {
            Some(_) => NEVER,
            None => self.view.next_event(&[kind], self.now).map_or(NEVER, Timestamp::micros),
        };
        let value = match quick.unwrap_or_else(|| self.view.last(kind, self.now).and_then(|row| row.value(0))) {
            None => None,
            Some(Value::Bool(truth)) => Some(Scalar::Bool(truth)),
            Some(Value::Int(number)) => Some(Scalar::Int(number)),
            Some(Value::Uint(number)) => Some(Scalar::Uint(number)),
            Some(Value::Double(number)) => Some(Scalar::Double(number)),
            Some(_) => return Err(Defer),
        };
        Ok(Found { value, until })
    }

    fn told(&self, _: FactId) -> bool {
        false
    }

    fn standing(&self, slot: u32) -> Option<State> {
        self.live?.get(&self.rules.plan, slot, self.now)
    }

    fn live(&self) -> Option<&Live> {
        self.live
    }

    fn seen(&self, kind: EventKind) -> Seen<'a> {
        self.view.seen(kind)
    }

    fn column(&self, place: (u32, u32), property: PropertyId) -> Option<RunColumn<'a>> {
        self.view.column(place, property)
    }
}

/// The event type of an attribute of which the last that was told is all that counts.
fn plain(rules: &Rules, fact: FactId) -> Option<EventKind> {
    let Some(Source::Attribute(place)) = rules.sources.source(fact) else { return None };
    rules.attributes.get(place).filter(|rule| rule.is_plain())?;
    rules.sources.reserved.attributes.get(place).copied()
}

/// The segments that a story alone answers, as bits.
pub(super) fn answered(rules: &Rules) -> Bits {
    let mut bits = Bits::new();
    for (number, rule) in rules.segments.iter().enumerate() {
        let alone = |code| rules.plan.reads_only(code, &|fact| plain(rules, fact).is_some());
        if rule.code().is_some_and(alone) {
            set(&mut bits, number);
        }
    }
    bits
}

/// What segments come to that a story alone answers.
pub(super) struct Alone<'s, 'a> {
    model: &'s Model,
    story: Option<&'s Story<'s, 'a>>,
    memo: OnceCell<Box<Memo<'a>>>,
}

impl<'s, 'a> Alone<'s, 'a> {
    /// For a story, where its slots stand.
    pub(super) fn new(model: &'s Model, story: &'s Story<'s, 'a>) -> Self {
        Alone { model, story: Some(story).filter(|story| story.live.is_some()), memo: OnceCell::new() }
    }

    /// How a segment stands; `None` when it takes a context to tell.
    pub(super) fn segment(&self, number: usize) -> Option<SegmentState> {
        let story = self.story.filter(|_| has(&self.model.touches.alone, number))?;
        let code = self.model.rules.segments.get(number)?.code()?;
        let (truth, until) = Asker::new(&self.model.rules.plan, story, &self.memo).holds(code).ok()?;
        let due = if until == NEVER { None } else { Timestamp::from_micros(until).ok() };
        Some(SegmentState::new(truth, due))
    }
}
