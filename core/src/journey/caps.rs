//! Caps over several journeys: in how many a customer is, and how often one begins.

use super::moves::Turn;
use super::rules::{JourneyRule, Journeys};
use crate::context::Context;
use crate::customer::{JourneyState, Way};
use crate::playbook::{Clock, JourneyLimit, Playbook, UnknownZone};
use crate::value::{Span, Timestamp, Window, Zone};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A compiled cap.
#[derive(Debug)]
pub(super) struct CapRule {
    /// Its name in effects.
    pub(super) name: Arc<str>,
    /// The journeys that count together, by number.
    journeys: Vec<usize>,
    clock: Clock,
    limit: JourneyLimit,
}

impl Journeys {
    /// Takes the caps of a playbook, and tells journeys which they obey.
    pub(super) fn cap(&mut self, playbook: &Playbook) {
        for (number, cap) in (0_u16..).zip(&playbook.journey_caps) {
            let own = cap.journeys.iter().filter_map(|own| self.names.iter().position(|name| *name == own.text));
            let journeys: Vec<usize> = own.collect();
            for journey in &journeys {
                if let Some(rule) = self.rules.get_mut(*journey) {
                    rule.caps.push(number);
                }
            }
            self.caps.push(CapRule { name: cap.name.clone(), journeys, clock: cap.clock, limit: cap.limit });
        }
    }
}

impl Journeys {
    /// The journeys that a cap counts together with one.
    pub(crate) fn together(&self, number: usize) -> BTreeSet<usize> {
        let caps = self.caps.iter().filter(|cap| cap.journeys.contains(&number));
        caps.flat_map(|cap| cap.journeys.iter().copied()).filter(|other| *other != number).collect()
    }
}

impl Turn<'_, '_> {
    /// The first cap that leaves no room for a journey to begin.
    pub(super) fn full(&self, number: usize) -> Option<Arc<str>> {
        let rule = self.model.journeys.rules.get(number)?;
        let caps = rule.caps.iter().filter_map(|cap| self.model.journeys.caps.get(usize::from(*cap)));
        caps.into_iter().find(|cap| !self.has_room(cap, number)).map(|cap| cap.name.clone())
    }

    fn has_room(&self, cap: &CapRule, number: usize) -> bool {
        let states = || {
            cap.journeys.iter().filter_map(|journey| {
                Some((*journey, self.state.journeys.get(*journey)?, self.model.journeys.rules.get(*journey)?))
            })
        };
        let (count, most) = match cap.limit {
            JourneyLimit::AtOnce(most) => {
                let others = states().filter(|(journey, ..)| *journey != number);
                (others.filter(|(_, state, rule)| state.place.is_some() && !state.is_over(rule)).count(), most)
            }
            JourneyLimit::Entries(most, per) => match cap.zone(self.context) {
                Some(Ok(zone)) => {
                    let span = span(per, self.at, zone);
                    (states().map(|(_, state, rule)| state.entries_in(rule, span)).sum(), most)
                }
                Some(Err(Ignored)) => return true,
                None => return false,
            },
        };
        count < most as usize
    }
}

/// The zone is unknown, and then the cap does not count.
struct Ignored;

impl CapRule {
    /// By which zone it goes; none when that is unknown and nobody is to come in then.
    fn zone(&self, context: &Context<'_>) -> Option<Result<Zone, Ignored>> {
        match self.clock {
            Clock::Zone(zone) => Some(Ok(zone)),
            Clock::Customer { unknown } => match (context.own_zone(), unknown) {
                (Some(zone), _) | (None, UnknownZone::Zone(zone)) => Some(Ok(zone)),
                (None, UnknownZone::Ignore) => Some(Err(Ignored)),
                (None, UnknownZone::Hold) => None,
            },
        }
    }
}

fn span(per: Window, now: Timestamp, zone: Zone) -> Span {
    match per {
        Window::Rolling(length) => Span::rolling(length, now),
        Window::Calendar(unit) => Span::from(unit.start(now, zone), now),
        Window::Days(days) => Span::days(days, now, zone),
        Window::Blocks(blocks) => Span::from(blocks.start(now, zone), now),
        Window::Session | Window::Lifetime => Span::lifetime(now),
    }
}

impl JourneyState {
    /// How often the customer came in, in a stretch of time.
    fn entries_in(&self, rule: &JourneyRule, span: Span) -> usize {
        let last = |stage: u16| rule.stages.get(usize::from(stage)).is_some_and(|stage| stage.last);
        let mut before: Option<&crate::customer::Visit> = None;
        let mut count = 0;
        for visit in &self.visits {
            // A move inside of the journey ends a stay in the way in which it begins the next one.
            let moved = visit.by != Way::Entry
                && before.is_some_and(|before| {
                    before.left == Some(visit.entered) && before.ended == Some(visit.by) && !last(before.stage)
                });
            count += usize::from(!moved && span.contains(visit.entered));
            before = Some(visit);
        }
        count
    }
}
