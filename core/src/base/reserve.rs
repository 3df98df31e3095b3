//! Reserving, confirming and releasing what was decided, and feedback on it.

use super::CustomerBase;
use crate::counters::{Ahead, Counters, Standing, slot_of};
use crate::customer::{Event, Identifier, RESERVED, StoryRow, outcome_column};
use crate::decide::{Detail, Request, RequestError};
use crate::engine::{Effects, Reservation};
use crate::expr::EventKind;
use crate::playbook::OUTCOMES;
use crate::value::{Duration, Span, Timestamp, Value};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// In microseconds.
const AN_HOUR: i64 = 3_600_000_000;

/// A slot of a decision, as it was reserved or decided.
struct Slot {
    id: String,
    offer: String,
    /// As it was told, to be told again as another outcome.
    event: Event,
}

impl CustomerBase {
    /// Decides for the customer whom an identifier points to, and holds what was chosen for them: all slots or none. Records `decided`
    /// and `reserved`. Since deciding, checking and counting are one step, caps and inventory are exact.
    ///
    /// Time neither stands still nor runs backwards for who reserves: when an outcome of the customer is recorded at `now`, or up to an
    /// hour later by a thread that was faster, the decision is of the instant after that. So the same asked again at the same instant is
    /// another decision, and what the first one holds counts for it.
    ///
    /// What is held counts as shown until it is [confirmed](Self::confirm), [released](Self::release) or expired, `reserve_for` from now
    /// on; by default what the playbook declares under `decisions`.
    ///
    /// # Errors
    /// As for [`decide`](Self::decide), and `not_in_order` when an outcome of the customer is recorded more than an hour later; nothing is
    /// changed then.
    ///
    /// # Examples
    /// ```
    /// # use tactful::{CustomerBase, Engine, Identifier, Request, Timestamp};
    /// let mut base = CustomerBase::new(Engine::compile(&[("shop.yaml", r#"
    /// playbook: shop
    /// version: 1
    /// identity: {customer: {}}
    /// channels: {web: text}
    /// placements: {home: {channel: web}}
    /// offers: {ticket: {inventory: 1, treatments: {web: {message: The last one!}}}}
    /// "#)])?);
    /// let (ada, bob) = (Identifier::parse("customer:ada")?, Identifier::parse("customer:bob")?);
    /// let now = Timestamp::parse("2026-03-01T10:00:00Z")?;
    /// let held = base.reserve(&ada, &Request::of("home"), now, None)?;
    /// assert_eq!(base.decide(&bob, &Request::of("home"), now, None)?.offers().count(), 0);
    /// base.confirm(&ada, held.decision.id.as_str(), None, "accepted", now)?;
    /// let again = base.confirm(&ada, held.decision.id.as_str(), None, "accepted", now);
    /// assert_eq!(again.map_err(|error| error.code()), Err("already_confirmed"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reserve(
        &mut self,
        identifier: &Identifier,
        request: &Request,
        now: Timestamp,
        reserve_for: Option<Duration>,
    ) -> Result<Reservation, RequestError> {
        let now = self.in_order(identifier, now)?;
        let ahead = Ahead(self.ledger());
        let decision = self.answer_counting(identifier, request, now, None, Detail::Brief, Some(&ahead))?;
        let expires = self.engine.expires(now, reserve_for)?;
        let holds = self.engine.holds(&decision);
        let refused = |error: crate::counters::CounterError| RequestError::new(error.code(), "", error.to_string());
        self.ledger().reserve(&holds, now, expires).map_err(refused)?;
        let reservation = Reservation { decision, expires };
        for event in reservation.events(identifier) {
            if let Err(error) = self.record(&event) {
                for hold in &holds {
                    // It was reserved just now.
                    let _ = self.ledger().release(&hold.id, now);
                }
                return Err(RequestError::new(error.code(), "identifier", error.message()));
            }
        }
        Ok(reservation)
    }

    /// Takes for good what was reserved, of one offer or of all of a decision: records `confirmed`, and what came of it, such as `shown`
    /// or `accepted`.
    ///
    /// # Errors
    /// `unknown_decision`, `not_reserved`, `already_confirmed`, `already_released`, `expired_decision`, or `unknown_outcome`; nothing is
    /// changed then.
    pub fn confirm(
        &mut self,
        identifier: &Identifier,
        decision: &str,
        offer: Option<&str>,
        outcome: &str,
        now: Timestamp,
    ) -> Result<Vec<Effects>, RequestError> {
        known(outcome)?;
        let slots = self.open_slots(identifier, decision, offer, now)?;
        self.tell(slots.iter().flat_map(|slot| [slot.as_outcome("confirmed", now), slot.as_outcome(outcome, now)]).collect())
    }

    /// Gives back what was reserved, of one offer or of all of a decision: records `released`.
    ///
    /// # Errors
    /// As for [`confirm`](Self::confirm).
    pub fn release(
        &mut self,
        identifier: &Identifier,
        decision: &str,
        offer: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<Effects>, RequestError> {
        let slots = self.open_slots(identifier, decision, offer, now)?;
        self.tell(slots.iter().map(|slot| slot.as_outcome("released", now)).collect())
    }

    /// Records what came of a decision that was recorded before, of one offer or of all: `clicked`, `rejected` … It is told for the very
    /// slots that were decided; telling it twice counts once.
    ///
    /// # Errors
    /// `unknown_decision` for a decision of which nothing is recorded for this customer, `expired_decision` after the time that the playbook
    /// declares, `too_early` before it was made, `not_decided` for an offer that was not part of it, `unknown_outcome`; nothing is changed then. What happened nevertheless
    /// can be [recorded](Self::record) as an event without a decision.
    pub fn feedback(
        &mut self,
        identifier: &Identifier,
        decision: &str,
        offer: Option<&str>,
        outcome: &str,
        now: Timestamp,
    ) -> Result<Vec<Effects>, RequestError> {
        known(outcome)?;
        let slots = self.slots(identifier, decision, &OUTCOMES)?;
        let begun = slots.values().map(|slot| slot.event.time).min();
        let Some(begun) = begun else { return Err(unknown_decision()) };
        if now < begun {
            let message = "nothing comes of a decision before it is made; give the instant at which it happened";
            return Err(RequestError::new("too_early", "now", message));
        }
        if let Some(length) = self.engine.playbook().decisions.expire_after
            && now >= begun.saturating_add_micros(length.micros())
        {
            let message = "the decision is over, and takes no feedback any more; record what happened without a decision";
            return Err(RequestError::new("expired_decision", "decision", message));
        }
        let slots = of_offer(slots, offer)?;
        self.tell(slots.iter().map(|slot| slot.as_outcome(outcome, now)).collect())
    }

    /// Records a customer's answer to a question, see [`Engine::answer_to`](crate::Engine::answer_to): that its offer was accepted, and the attribute.
    ///
    /// # Errors
    /// As for that, and for an identifier that cannot be used; nothing is changed then.
    pub fn record_answer(
        &mut self,
        identifier: &Identifier,
        offer: &str,
        answer: &Value,
        decision: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<Effects>, RequestError> {
        let refused = |error: crate::customer::EventError| RequestError::new(error.code(), "identifier", error.message());
        let met = self.engine.identity().read(identifier).map_err(refused)?.into_owned();
        let events = match self.find(&met) {
            Some(customer) => self.engine.answer_to(customer, &met, offer, answer, decision, now)?,
            None => self.engine.answer_to(&self.engine.customer(&met).map_err(refused)?, &met, offer, answer, decision, now)?,
        };
        self.tell(events)
    }

    /// The instant itself, or the first one after all that came of decisions for a customer.
    fn in_order(&self, identifier: &Identifier, now: Timestamp) -> Result<Timestamp, RequestError> {
        let reserved = &self.engine.model().rules.sources.reserved;
        let kinds = reserved.outcomes.iter().chain([&reserved.confirmed, &reserved.released]);
        let Some(customer) = self.find(identifier) else { return Ok(now) };
        let view = customer.view(Timestamp::MAX);
        let last = kinds.filter_map(|kind| view.last(*kind, Timestamp::MAX)).map(|row| row.time()).max();
        match last.filter(|last| *last >= now) {
            None => Ok(now),
            Some(last) if last.micros().saturating_sub(now.micros()) <= AN_HOUR => Ok(last.saturating_add_micros(1)),
            Some(last) => {
                let message = format!("an outcome of the customer is recorded at {last}; reserve at a later instant");
                Err(RequestError::new("not_in_order", "now", message))
            }
        }
    }

    /// Records events that belong together.
    fn tell(&mut self, events: Vec<Event>) -> Result<Vec<Effects>, RequestError> {
        let refused = |error: crate::customer::EventError| RequestError::new(error.code(), "identifier", error.message());
        events.iter().map(|event| self.record(event).map_err(refused)).collect()
    }

    /// The slots of a decision that are reserved, all of them open.
    fn open_slots(
        &self,
        identifier: &Identifier,
        decision: &str,
        offer: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<Slot>, RequestError> {
        let reserved = self.slots(identifier, decision, &[RESERVED])?;
        if reserved.is_empty() {
            let decided = !self.slots(identifier, decision, &OUTCOMES)?.is_empty();
            let message = "nothing of the decision is reserved; reserve instead of deciding";
            return Err(if decided { RequestError::new("not_reserved", "decision", message) } else { unknown_decision() });
        }
        let slots = of_offer(reserved, offer)?;
        for slot in &slots {
            let error = |code, message: &str| Err(RequestError::new(code, "decision", message));
            match self.ledger().standing(&slot.id, now.max(slot.event.time)) {
                Standing::Open(_) => {}
                Standing::Confirmed => return error("already_confirmed", "it was confirmed before, and counts once"),
                Standing::Released => return error("already_released", "it was released before; reserve again"),
                Standing::Expired => return error("expired_decision", "the reservation is over; reserve again"),
                Standing::Nothing => return error("not_reserved", "it is not reserved; reserve instead of deciding"),
            }
        }
        Ok(slots)
    }

    /// The slots of a decision of which some outcome is recorded for a customer, by their id.
    fn slots(
        &self,
        identifier: &Identifier,
        decision: &str,
        outcomes: &[&str],
    ) -> Result<BTreeMap<String, Slot>, RequestError> {
        let refused = |error: crate::customer::EventError| RequestError::new(error.code(), "identifier", error.message());
        let met = self.engine.identity().read(identifier).map_err(refused)?;
        let mut slots: BTreeMap<String, Slot> = BTreeMap::new();
        let Some(customer) = self.customers.get(self.links.customer_of(&met)) else { return Ok(slots) };
        let reserved = &self.engine.model().rules.sources.reserved;
        let kinds: Vec<EventKind> = outcomes.iter().filter_map(|outcome| reserved.outcome(outcome)).collect();
        customer.view(Timestamp::MAX).events(&kinds, Span::lifetime(Timestamp::MAX), &mut |row| {
            if row.text(outcome_column::DECISION) == Some(decision) {
                let slot = Slot::of(&row);
                slots.entry(slot.id.clone()).or_insert(slot);
            }
            ControlFlow::Continue(())
        });
        Ok(slots)
    }
}

impl Slot {
    fn of(row: &StoryRow<'_>) -> Self {
        let offer = row.text(outcome_column::OFFER).unwrap_or("").to_owned();
        let mut event = Event::new(RESERVED, row.time(), row.strand().identifier().clone());
        for (name, column) in
            [("decision", outcome_column::DECISION), ("offer", outcome_column::OFFER), ("placement", outcome_column::PLACEMENT)]
        {
            event = row.text(column).into_iter().fold(event, |event, text| event.with(name, text));
        }
        if let Some(Value::Int(slot)) = row.value(outcome_column::SLOT) {
            event = event.with("slot", slot);
        }
        if let Some(terms) = row.text(outcome_column::TERMS) {
            event = event.with("terms", terms);
        }
        event.channel = row.channel().map(str::to_owned);
        Slot { id: slot_of(row), offer, event }
    }

    /// The event of another outcome, with the same name as [`Decision::outcome`](crate::Decision::outcome) gives it.
    fn as_outcome(&self, outcome: &str, time: Timestamp) -> Event {
        let id = match self.id.splitn(2, ':').collect::<Vec<_>>()[..] {
            [decision, slot] => format!("{decision}:{outcome}:{slot}"),
            _ => format!("{outcome}:{}", self.id),
        };
        // Nothing comes of a decision before it is made.
        let time = time.max(self.event.time);
        Event { event_type: outcome.to_owned(), time, ..self.event.clone() }.with_id(&id)
    }
}

/// The slots that show an offer; all without one.
fn of_offer(slots: BTreeMap<String, Slot>, offer: Option<&str>) -> Result<Vec<Slot>, RequestError> {
    let found: Vec<Slot> = slots.into_values().filter(|slot| offer.is_none_or(|offer| slot.offer == offer)).collect();
    match found.is_empty() {
        true => Err(RequestError::new("not_decided", "offer", "the decision did not choose this offer")),
        false => Ok(found),
    }
}

fn known(outcome: &str) -> Result<(), RequestError> {
    if OUTCOMES.contains(&outcome) {
        return Ok(());
    }
    let shown: String = outcome.chars().take(80).collect();
    let near = crate::error::nearest(outcome, OUTCOMES);
    let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    Err(RequestError::new("unknown_outcome", "outcome", format!("`{shown}` is no outcome of a decision{hint}")))
}

fn unknown_decision() -> RequestError {
    let message = "nothing is recorded of such a decision for this customer; record what happened without a decision";
    RequestError::new("unknown_decision", "decision", message)
}
