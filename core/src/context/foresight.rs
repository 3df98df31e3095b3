//! What a forecast says about what comes next, as rules read it.

use super::{Context, JourneyFact, Source};
use crate::expr::{FactId, NextStep, Read};
use crate::next::Track;
use crate::value::Value;
use std::fmt;

/// Who says what comes next for the customer.
pub(crate) trait Foresight: fmt::Debug {
    /// With what probability a step is the next of a journey and comes within a time (in microseconds); `None` while that is unknown.
    fn chance(&self, journey: u16, track: Track, what: u32, within: i64) -> Option<f64>;
}

impl<'a> Context<'a> {
    /// Takes what comes next.
    #[inline]
    pub(crate) fn set_ahead(&mut self, ahead: Option<&'a dyn Foresight>) {
        self.ahead = ahead;
    }

    /// A step of a journey within a time.
    pub(super) fn next_step(&self, fact: FactId, next: &NextStep) -> Read {
        let missing = || Read::missing(next.shown.clone());
        let journey = match self.rules.sources.source(fact) {
            Some(Source::Journey(journey, JourneyFact::Ahead)) => journey,
            _ => return missing(),
        };
        let Ok(number) = u16::try_from(journey) else { return missing() };
        let chance = self.ahead.and_then(|ahead| ahead.chance(number, next.track, next.what, next.within.micros()));
        chance.map_or_else(missing, |chance| Read::known(Value::Double(chance)))
    }
}
