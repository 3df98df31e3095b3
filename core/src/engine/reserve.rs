//! Deciding and reserving in one step.

use super::{Beyond, Engine};
use crate::counters::{Counters, Hold, Place, Whose};
use crate::customer::{Customer, Event, Identifier, RESERVED};
use crate::decide::{Decision, Detail, Request, RequestError};
use crate::value::{Duration, Timestamp};

/// How often is decided again when others were faster.
const ATTEMPTS: usize = 8;

/// A decision of which every slot is held for the customer until an instant.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Reservation {
    /// The decision.
    pub decision: Decision,
    /// From when on nothing is held any more, unless it was confirmed.
    pub expires: Timestamp,
}

impl Reservation {
    /// The events to record: `decided` and `reserved`, with the experiments that had a say.
    #[must_use]
    pub fn events(&self, identifier: &Identifier) -> Vec<Event> {
        let now = self.decision.now;
        let mut events = self.decision.outcome("decided", now, identifier);
        let reserved = self.decision.outcome(RESERVED, now, identifier).into_iter();
        events.extend(reserved.map(|event| event.with("expires", self.expires)));
        events
    }
}

impl Engine {
    /// The same decision as [`decide`](Self::decide), where caps over all customers, inventory and budgets are read from `counters`. Without
    /// them such offers are held back, because what is not known to be left may be used up.
    ///
    /// # Errors
    /// As for [`decide`](Self::decide).
    pub fn decide_counted(
        &self,
        customer: &Customer,
        request: &Request,
        now: Timestamp,
        known_at: Option<Timestamp>,
        counters: &dyn Counters,
    ) -> Result<Decision, RequestError> {
        let beyond = Beyond { counters: Some(counters), ..Beyond::default() };
        self.answer_among(customer, beyond, request, now, known_at, Detail::Brief).map(|(decision, _)| decision)
    }

    /// Decides and reserves what was chosen: all slots or none. When others were faster it decides again, up to 8 times. Record
    /// [`Reservation::events`], and confirm or release each slot by its id, `<decision>:<placement>:<slot>`.
    ///
    /// A reservation counts as shown until it is confirmed, released or expired, `reserve_for` from now on; by default what the playbook
    /// declares.
    ///
    /// # Errors
    /// As for [`decide`](Self::decide); `used_up` when others were faster every time, or another code of
    /// [`CounterError`](crate::counters::CounterError).
    pub fn reserve(
        &self,
        customer: &Customer,
        request: &Request,
        now: Timestamp,
        reserve_for: Option<Duration>,
        counters: &dyn Counters,
    ) -> Result<Reservation, RequestError> {
        let expires = self.expires(now, reserve_for)?;
        let mut refused = None;
        for _ in 0..ATTEMPTS {
            let decision = self.decide_counted(customer, request, now, None, counters)?;
            match counters.reserve(&self.holds(&decision), now, expires) {
                Ok(()) => return Ok(Reservation { decision, expires }),
                Err(error) if error.code() == "used_up" => refused = Some(error),
                Err(error) => return Err(RequestError::new(error.code(), "decision", error.to_string())),
            }
        }
        let message = refused.map_or_else(String::new, |error| error.to_string());
        Err(RequestError::new("used_up", "", message))
    }

    /// When a reservation that begins now expires.
    pub(crate) fn expires(&self, now: Timestamp, reserve_for: Option<Duration>) -> Result<Timestamp, RequestError> {
        let length = reserve_for.unwrap_or(self.playbook().decisions.reserve_for).micros();
        if length <= 0 {
            return Err(RequestError::new("out_of_range", "reserve_for", "a reservation holds for more than no time"));
        }
        Ok(now.saturating_add_micros(length))
    }

    /// What each slot of a decision takes.
    pub(crate) fn holds(&self, decision: &Decision) -> Vec<Hold> {
        let rules = &self.offers().counters;
        let mut holds = Vec::new();
        for answer in &decision.placements {
            for (slot, ranked) in answer.offers().iter().enumerate() {
                let place = Place { offer: &ranked.offer, placement: &answer.placement, channel: &answer.channel };
                let claims = rules.claims(Whose::All, place, None, None, decision.now);
                holds.push(Hold { id: format!("{}:{}:{slot}", decision.id, answer.placement), claims });
            }
        }
        holds
    }
}
