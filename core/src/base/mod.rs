//! The customer base in memory: all customers of an organisation, found by identifier.

mod bytes;
mod census;
mod compare;
mod count;
mod customers;
mod erase;
mod join;
mod links;
mod load;
mod pass;
mod relate;
mod replay;
mod reserve;
mod rows;
mod sayings;
mod shared;
mod story;
mod tombstones;

pub use census::{Census, CensusOptions};
pub use compare::{Comparison, GateChange, Given, OfferChange, PlacementChange, SegmentChange, Share, Side, Swap, Times};
pub use erase::{Erasure, ErasureReceipt};
pub(crate) use replay::addressed;
pub use replay::{Likeliest, PredictionRow, Progress, Replay, ReplayError, ReplayOptions, Step, Watch};
pub use rows::{
    BadRow, BadRows, CustomerRow, DecisionRow, GateRow, ReplayStats, ReplayTables, SegmentRow, StageRow, TransitionRow,
};
pub use shared::SharedBase;
pub use story::{LinkTold, Story};

use crate::counters::{Counters, MemoryCounters};
use crate::customer::{ATTRIBUTES_SET, Arrival, Customer, Event, EventError, Identifier, Named, Prepared, Strand};
use crate::decide::{Candidate, Decision, Detail, Replayed, Request, RequestError};
use crate::encoding::Section;
use crate::engine::{Beyond, CustomerReasons, Effects, Engine};
use crate::next::{Forecast, NextError, NextOptions, Transitions};
use crate::relation::Relations;
use crate::trends::Trends;
use crate::value::Timestamp;
use count::Carried;
use customers::Customers;
use join::about;
use links::{Links, Reason};
use sayings::sayings;
use std::borrow::Cow;
use std::sync::{Arc, OnceLock};
pub use tombstones::Tombstones;

/// All customers of an organisation. Events find their customer by identifier; links join customers and unlinking parts them
/// again, because a customer is a set of strands and everything else is derived.
#[derive(Debug, Clone)]
pub struct CustomerBase {
    engine: Engine,
    /// By the smallest identifier of each customer.
    customers: Customers,
    links: Links,
    tombstones: Tombstones,
    /// Who is related to whom, as the stories tell.
    relations: Relations,
    /// What is counted over all customers, as the stories tell; made when it is first asked for.
    counted: OnceLock<MemoryCounters>,
    /// What customers took who were erased since.
    carried: Carried,
    /// What its customers said about what comes next when it last learned that.
    forecast: Option<Arc<Forecast>>,
    /// Sections of its bytes that this version does not know.
    unknown: Vec<Section>,
}

impl CustomerBase {
    /// An empty base.
    #[must_use]
    pub fn new(engine: Engine) -> Self {
        CustomerBase {
            engine,
            customers: Customers::default(),
            links: Links::default(),
            tombstones: Tombstones::default(),
            relations: Relations::default(),
            counted: OnceLock::new(),
            carried: Carried::default(),
            forecast: None,
            unknown: Vec::new(),
        }
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Goes on with another engine of the same playbook, such as one with a new table of items or newer trends.
    ///
    /// # Errors
    /// [`EventError`] with code `other_playbook` for the engine of another playbook; nothing is changed then.
    pub fn set_engine(&mut self, engine: Engine) -> Result<(), EventError> {
        if engine.digest() != self.engine.digest() {
            return Err(EventError::new("other_playbook", "", crate::engine::OTHER_PLAYBOOK));
        }
        self.engine = engine;
        Ok(())
    }

    /// How many customers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.customers.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.customers.is_empty()
    }

    /// All customers, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Customer> {
        self.customers.values()
    }

    /// The customer that an identifier points to, in whatever form the identifier is written.
    #[must_use]
    pub fn find(&self, identifier: &Identifier) -> Option<&Customer> {
        let identifier = self.engine.identity().read(identifier).ok()?;
        self.customers.get(self.links.customer_of(&identifier))
    }

    /// All identifiers of the customer that one points to, in order; those too under which nothing was told. The identifier alone
    /// when it was never linked.
    ///
    /// # Errors
    /// [`EventError`] for an identifier of an undeclared namespace or of another form.
    pub fn identifiers(&self, identifier: &Identifier) -> Result<Vec<Identifier>, EventError> {
        let identifier = self.engine.identity().read(identifier)?;
        Ok(self.links.members(&identifier))
    }

    /// The identifiers that were of one customer at an instant, by what was known at another: links and revocations count that
    /// happened by `now` and were known by `known_at`. Takes time in proportion to all that was ever linked with them, unless
    /// nothing came later.
    ///
    /// # Errors
    /// As for [`identifiers`](Self::identifiers).
    pub fn identifiers_at(
        &self,
        identifier: &Identifier,
        now: Timestamp,
        known_at: Timestamp,
    ) -> Result<Vec<Identifier>, EventError> {
        let identifier = self.engine.identity().read(identifier)?;
        Ok(self.links.members_at(self.engine.identity(), &identifier, now, known_at))
    }

    /// The customer that an identifier pointed to at an instant, by what was known at another; a copy when that was somebody else
    /// than now.
    #[must_use]
    pub fn find_at<'a>(&'a self, identifier: &Identifier, now: Timestamp, known_at: Timestamp) -> Option<Cow<'a, Customer>> {
        self.find_read(&*self.engine.identity().read(identifier).ok()?, now, known_at)
    }

    /// The same for an identifier in the form of its namespace.
    fn find_read<'a>(&'a self, identifier: &Identifier, now: Timestamp, known_at: Timestamp) -> Option<Cow<'a, Customer>> {
        let customer = self.customers.get(self.links.customer_of(identifier));
        if self.links.is_told_by(now, known_at) {
            return customer.map(Cow::Borrowed);
        }
        let members = self.links.members_at(self.engine.identity(), identifier, now, known_at);
        if members == self.links.members(identifier) {
            return customer.map(Cow::Borrowed);
        }
        let strand = |member: &Identifier| -> Option<Strand> {
            let customer = self.customers.get(self.links.customer_of(member))?;
            customer.strands().iter().find(|strand| strand.identifier() == member).cloned()
        };
        let strands: Vec<Strand> = members.iter().filter_map(strand).collect();
        let smallest = members.first().filter(|_| !strands.is_empty())?.clone();
        let mut customer = Customer::of_strands(strands).known_by(smallest);
        self.engine.restart(&mut customer);
        Some(Cow::Owned(customer))
    }

    /// Records an event for the customer whom its identifiers point to, who is made when nobody is known by them.
    ///
    /// An event with several identifiers is kept under the one whose namespace was declared first, and says that all are of one
    /// customer, as `linked` does in words. `unlinked` takes that back, for a pair or for all that an event linked. The effects
    /// say who was joined and parted, which links were refused and why, and what that changed for each customer.
    ///
    /// # Errors
    /// [`EventError`]; nothing is changed then.
    pub fn record(&mut self, event: &Event) -> Result<Effects, EventError> {
        let engine = self.engine.clone();
        let named = engine.identity().read_all(&event.identifiers)?;
        if event.event_type == ATTRIBUTES_SET {
            let parts = crate::engine::parts(event, engine.layout())?;
            return self.record_named(&engine, &named, &engine.prepare_attributes(&parts, None)?);
        }
        self.record_named(&engine, &named, &[engine.layout().prepare(event, None)?])
    }

    /// Records the parts of one event, of which there is one unless it tells several attributes.
    fn record_named(&mut self, engine: &Engine, named: &Named<'_>, parts: &[Prepared<'_>]) -> Result<Effects, EventError> {
        let Some(first) = parts.first() else { return Ok(Effects { arrival: None, effects: Vec::new() }) };
        let reserved = &engine.model().rules.sources.reserved;
        let sayings = sayings(engine.identity(), reserved, named, first)?;
        let (sayings, erased) = self.tombstones.admit(named, sayings, first, reserved)?;
        self.admit_relation(&named.primary, first)?;
        if sayings.is_empty() && named.nobody.is_empty() && erased.is_empty() {
            let told = self.relates(first).then(|| self.told(std::iter::once(&*named.primary), first.time)).flatten();
            let mut effects = self.record_prepared(engine, &named.primary, parts)?;
            effects.effects.extend(self.relate(&named.primary, first, effects.arrival, told));
            if let Some(Arrival::ConflictKeptNew { .. }) = effects.arrival {
                // What gave way may have linked somebody.
                let told = self.told(std::iter::once(&*named.primary), first.time);
                effects.effects.extend(self.listen(&[], &named.primary, first, effects.arrival, told));
            }
            return Ok(effects);
        }
        let told = self.told(std::iter::once(&*named.primary).chain(&named.others), first.time);
        let mut effects = self.record_prepared(engine, &named.primary, parts)?;
        let owner = self.links.customer_of(&named.primary).clone();
        effects.effects = about(owner.as_str(), effects.effects).collect();
        if effects.arrival == Some(Arrival::New) {
            effects.effects.extend(named.nobody.iter().map(|nobody| self.left_out(nobody, first, Reason::Never)));
            effects.effects.extend(erased.iter().map(|erased| self.left_out(erased, first, Reason::Erased)));
        }
        effects.effects.extend(self.listen(&sayings, &named.primary, first, effects.arrival, told));
        effects.effects.extend(self.relate(&named.primary, first, effects.arrival, told));
        Ok(effects)
    }

    /// Records an event that fits the schema under its primary identifier.
    fn record_prepared(
        &mut self,
        engine: &Engine,
        identifier: &Identifier,
        parts: &[Prepared<'_>],
    ) -> Result<Effects, EventError> {
        let effects = self.known_or_new(identifier, |customer| match parts {
            [event] => engine.record_prepared(customer, identifier, event),
            parts => engine.record_attributes(customer, identifier, parts),
        })?;
        if let ([event], Some(arrival)) = (parts, effects.arrival) {
            self.count(identifier, event, arrival);
        }
        Ok(effects)
    }

    /// Folds events of all customers that are older than the playbook keeps them, see [`Engine::fold`]. Tells how many there were
    /// and, customer by customer, what changed by then without an event.
    pub fn fold(&mut self, horizon: Timestamp) -> (u64, Effects) {
        let engine = self.engine.clone();
        let (mut count, mut all) = (0, Effects { arrival: None, effects: Vec::new() });
        for customer in self.customers.values_mut() {
            let (folded, caused) = engine.fold(customer, horizon);
            count += folded;
            all.effects.extend(about(customer.id(), caused.effects));
        }
        (count, all)
    }

    /// Counts all customers, each in place of what they contributed before, see [`Engine::observe`].
    pub fn observe(&self, trends: &mut Trends) {
        self.customers.values().for_each(|customer| self.engine.observe(trends, customer));
    }

    /// Counts all customers, each in place of what they contributed before, see [`Engine::observe_next`].
    pub fn observe_next(&self, transitions: &mut Transitions) {
        self.customers.values().for_each(|customer| self.engine.observe_next(transitions, customer));
    }

    /// Counts what came next for its customers, and keeps what that says for decisions and questions, until it learns again. Rules that ask
    /// what comes next are unknown before, and at instants before that of the options.
    ///
    /// # Errors
    /// [`NextError`] for a period that ends before it begins.
    pub fn learn(&mut self, options: &NextOptions) -> Result<Arc<Forecast>, NextError> {
        let mut transitions = self.engine.transitions(options)?;
        self.observe_next(&mut transitions);
        let forecast = Arc::new(transitions.forecast());
        self.forecast = Some(forecast.clone());
        Ok(forecast)
    }

    /// What it last learned or was given about what comes next.
    #[must_use]
    pub fn forecast(&self) -> Option<&Arc<Forecast>> {
        self.forecast.as_ref()
    }

    /// Takes what another population says about what comes next, in place of what it learned; `None` forgets it.
    pub fn foresee(&mut self, forecast: Option<Arc<Forecast>>) {
        self.forecast = forecast;
    }

    /// Puts an event into the story without deriving anything from it yet.
    fn insert(&mut self, named: &Named<'_>, event: &Prepared<'_>) -> Result<Arrival, EventError> {
        let engine = self.engine.clone();
        let reserved = &engine.model().rules.sources.reserved;
        let sayings = sayings(engine.identity(), reserved, named, event)?;
        let (sayings, _) = self.tombstones.admit(named, sayings, event, reserved)?;
        self.admit_relation(&named.primary, event)?;
        let arrival = self.known_or_new(&named.primary, |customer| engine.insert(customer, &named.primary, event))?;
        if !sayings.is_empty() || matches!(arrival, Arrival::ConflictKeptNew { .. }) {
            self.listen(&sayings, &named.primary, event, Some(arrival), None);
        }
        self.hear(&named.primary, event, arrival);
        self.count(&named.primary, event, arrival);
        Ok(arrival)
    }

    /// Changes the customer that an identifier points to. Somebody unknown is made for that, and stays unknown when it is refused.
    fn known_or_new<T>(
        &mut self,
        identifier: &Identifier,
        change: impl FnOnce(&mut Customer) -> Result<T, EventError>,
    ) -> Result<T, EventError> {
        let owner = self.links.customer_of(identifier);
        if let Some(customer) = self.customers.get_mut(owner) {
            return change(customer);
        }
        let owner = owner.clone();
        let mut customer = Customer::new(identifier.clone(), self.engine.layout().clone()).known_by(owner.clone());
        let changed = change(&mut customer)?;
        self.customers.insert(owner, customer);
        Ok(changed)
    }

    /// Decides for the customer whom an identifier points to, as met on it; somebody unknown is a customer without events. Who that
    /// is, is asked as of `now`, with what was known at `known_at` (by default `now`).
    ///
    /// # Errors
    /// [`RequestError`] as for [`Engine::decide`], or for an identifier of an undeclared namespace.
    pub fn decide(
        &self,
        identifier: &Identifier,
        request: &Request,
        now: Timestamp,
        known_at: Option<Timestamp>,
    ) -> Result<Decision, RequestError> {
        self.answer(identifier, request, now, known_at, Detail::Brief)
    }

    /// The same decision with the reasons for every candidate.
    ///
    /// # Errors
    /// As for [`decide`](Self::decide).
    pub fn explain(
        &self,
        identifier: &Identifier,
        request: &Request,
        now: Timestamp,
        known_at: Option<Timestamp>,
    ) -> Result<Decision, RequestError> {
        self.answer(identifier, request, now, known_at, Detail::Full)
    }

    /// Why the customer whom an identifier points to sees what they see, in words for them; see [`Engine::reasons_for_customer`].
    ///
    /// # Errors
    /// As for [`decide`](Self::decide).
    pub fn reasons_for_customer(
        &self,
        identifier: &Identifier,
        request: &Request,
        now: Timestamp,
        known_at: Option<Timestamp>,
    ) -> Result<CustomerReasons, RequestError> {
        let (met, customer) = self.somebody(identifier, now, known_at)?;
        let around = self.all_around(&met, now, known_at);
        let request = self.completed(request.met_on(&met));
        let beyond = Beyond { around: around.as_ref(), counters: self.counters(), ..Beyond::default() };
        self.engine.reasons_among(&customer, beyond, &request, now, known_at.unwrap_or(now))
    }

    fn answer(
        &self,
        identifier: &Identifier,
        request: &Request,
        now: Timestamp,
        known_at: Option<Timestamp>,
        detail: Detail,
    ) -> Result<Decision, RequestError> {
        self.answer_counting(identifier, request, now, known_at, detail, self.counters())
    }

    fn answer_counting(
        &self,
        identifier: &Identifier,
        request: &Request,
        now: Timestamp,
        known_at: Option<Timestamp>,
        detail: Detail,
        counters: Option<&dyn Counters>,
    ) -> Result<Decision, RequestError> {
        let (met, customer) = self.somebody(identifier, now, known_at)?;
        let around = self.around(&met, now, known_at);
        let (met, forecast) = (Some(&*met), self.forecast.as_ref());
        let beyond = Beyond { around: around.as_ref(), counters, met, forecast, ..Beyond::default() };
        let answer = self.engine.answer_among(&customer, beyond, request, now, known_at, detail);
        answer.map(|(decision, _)| decision)
    }

    /// A question with the forecast that the base goes by, unless it brings its own.
    pub(crate) fn completed(&self, mut request: Request) -> Request {
        request.forecast = request.forecast.or_else(|| self.forecast.clone());
        request
    }

    /// What becomes of every candidate of a decision, without reasons.
    pub(crate) fn candidates(
        &self,
        identifier: &Identifier,
        request: &Request,
        now: Timestamp,
    ) -> Result<Vec<Candidate>, RequestError> {
        let (met, customer) = self.somebody(identifier, now, None)?;
        let around = self.around(&met, now, None);
        let request = self.completed(request.met_on(&met));
        let beyond = Beyond { around: around.as_ref(), counters: self.counters(), ..Beyond::default() };
        self.engine.answer_among(&customer, beyond, &request, now, None, Detail::Gates).map(|(_, candidates)| candidates)
    }

    /// Decides where explored slots are given to offers in place of what is drawn.
    pub(crate) fn decide_replayed(
        &self,
        identifier: &Identifier,
        request: &Request,
        (now, known_at): (Timestamp, Timestamp),
        replayed: &Replayed,
    ) -> Result<Decision, RequestError> {
        let (met, customer) = self.somebody(identifier, now, Some(known_at))?;
        let around = self.around(&met, now, Some(known_at));
        let request = self.completed(request.met_on(&met));
        let beyond =
            Beyond { around: around.as_ref(), counters: self.counters(), replayed: Some(replayed), ..Beyond::default() };
        self.engine.answer_among(&customer, beyond, &request, now, Some(known_at), Detail::Brief).map(|(decision, _)| decision)
    }

    /// An identifier in the form of its namespace, and whom it pointed to; a customer without events when that is nobody.
    pub(crate) fn somebody<'a>(
        &'a self,
        identifier: &'a Identifier,
        now: Timestamp,
        known_at: Option<Timestamp>,
    ) -> Result<(Cow<'a, Identifier>, Cow<'a, Customer>), RequestError> {
        let refused = |error: EventError| RequestError::new(error.code(), "identifier", error.message());
        let met = self.engine.identity().read(identifier).map_err(refused)?;
        let customer = match self.find_read(&met, now, known_at.unwrap_or(now)) {
            Some(Cow::Borrowed(customer)) => Cow::Borrowed(customer),
            Some(Cow::Owned(customer)) => Cow::Owned(customer),
            None => Cow::Owned(self.engine.customer(&met).map_err(refused)?),
        };
        Ok((met, customer))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]

    use super::*;

    /// What is refused leaves nobody behind.
    #[test]
    fn somebody_unknown_stays_unknown_when_their_first_event_is_refused() {
        let engine =
            Engine::compile(&[("a.yaml", "{playbook: a, version: 1, identity: {customer: {}}, events: {visit: {}}}")]).unwrap();
        let mut base = CustomerBase::new(engine);
        let (empty, ada) = (base.to_bytes(), Identifier::parse("customer:ada").unwrap());
        let refused = base.known_or_new(&ada, |_| Err::<(), _>(EventError::new("story_full", "", "no room")));
        assert_eq!(refused.map_err(|error| error.code()), Err("story_full"));
        assert!(base.is_empty() && base.find(&ada).is_none());
        assert_eq!(base.to_bytes(), empty);
        base.record(&Event::new("visit", Timestamp::from_micros(0).unwrap(), ada.clone())).unwrap();
        assert!(base.find(&ada).is_some());
    }
}
