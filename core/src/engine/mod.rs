//! The engine: a compiled playbook that records events, lets time pass, decides and explains.

mod answer;
mod around;
mod attributes;
mod audience;
mod because;
mod catalog;
mod compile;
mod decision;
mod effect;
mod fold;
mod journeys;
mod labels;
mod log;
mod map;
mod minors;
mod never;
mod next;
mod outcomes;
mod policy;
mod pushed;
mod queue;
mod reach;
mod reader;
mod readers;
mod reserve;
mod samples;
mod settle;
#[cfg(test)]
mod tests;
mod trends;
mod unforeseen;
mod variant;

pub(crate) use around::{Around, Beyond, identifiers_of};
pub(crate) use attributes::parts;
pub use audience::{
    CustomerReasons, Permission, Permissions, PlacementReasons, SharedAttribute, SharedEvent, SharedEvents, SharedView,
    ShownReasons,
};
pub(crate) use effect::digest;
pub use effect::{Effect, EffectKind, Effected, Effects};
pub use labels::Unread;
pub use log::Activities;
pub use minors::{MinorAround, Minority};
pub use queue::{Due, ReactionQueue, Waits};
pub(crate) use reader::{Conclusion, Reader};
pub use reserve::Reservation;

use crate::context::Context;
use crate::customer::{
    ATTRIBUTES_SET, Arrival, Customer, Derived, Event, EventError, Identifier, Layout, Namespaces, Prepared, StateNames, View,
    named_event,
};
use crate::decide::{Consent, Offers, Request, Said};
use crate::encoding::StateError;
use crate::error::Diagnostics;
use crate::expr::Answer;
use crate::journey::{Model, News, derive, due_after, next_due};
use crate::playbook::{Limits, Playbook};
use crate::suggest::Shelf;
use crate::trends::{Snapshot, TrendRules};
use crate::value::{Timestamp, Value};
use labels::Flow;
use std::borrow::Cow;
use std::sync::Arc;

/// A compiled playbook. Immutable, cheap to clone, usable from many threads at once.
///
/// # Examples
/// ```
/// use tactful::{Engine, Event, Identifier, Request, Timestamp};
/// let engine = Engine::compile(&[("shop.yaml", r#"
/// playbook: shop
/// version: 1
/// identity: {customer: {}}
/// events: {purchase: {amount: money(EUR)}}
/// channels: {web: text}
/// placements: {home: {channel: web}}
/// offers:
///   thanks:
///     eligible: events("purchase").within("90d").count() >= 1
///     treatments: {web: {message: Thank you for your order.}}
/// "#)])?;
/// let ada = Identifier::parse("customer:ada")?;
/// let mut customer = engine.customer(&ada)?;
/// let time = Timestamp::parse("2010-03-01T10:00:00Z")?;
/// engine.record(&mut customer, &Event::new("purchase", time, ada).with("amount", "12.50"), None)?;
///
/// let decision = engine.decide(&customer, &Request::of("home"), time, None)?;
/// assert_eq!(decision.offers().next().map(|offer| &*offer.message), Some("Thank you for your order."));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Engine(Arc<Inner>, Given);

/// What an engine goes by beside its playbook.
#[derive(Debug, Clone, Default)]
struct Given {
    /// The items that can be suggested.
    shelf: Option<Arc<Shelf>>,
    /// What was counted over many customers.
    trends: Option<Arc<Snapshot>>,
}

#[derive(Debug)]
struct Inner {
    playbook: Playbook,
    identity: Namespaces,
    model: Model,
    offers: Offers,
    flow: Flow,
    trends: Arc<TrendRules>,
    /// Names of what is derived.
    names: Arc<StateNames>,
    warnings: Diagnostics,
}

impl Engine {
    /// Compiles a playbook of one or several named documents, YAML or JSON: a base and its parts.
    ///
    /// # Errors
    /// All mistakes of all documents at once, each with its place.
    pub fn compile(documents: &[(&str, &str)]) -> Result<Self, Diagnostics> {
        Self::compile_within(documents, Limits::default())
    }

    /// The same for documents within other limits than the usual ones, such as those with very many offers.
    ///
    /// # Errors
    /// As for [`compile`](Self::compile).
    pub fn compile_within(documents: &[(&str, &str)], limits: Limits) -> Result<Self, Diagnostics> {
        match Playbook::draft_within(documents, limits) {
            (Some(playbook), findings) => compile::compile(playbook, findings, Some(&tables(documents)))
                .map(|(inner, shelf)| Engine(Arc::new(inner), Given { shelf: shelf.map(Arc::new), trends: None })),
            (None, mistakes) => Err(mistakes),
        }
    }

    /// What is probably not meant, although it compiles; rows of the table of items that were left out too.
    #[must_use]
    pub fn warnings(&self) -> &Diagnostics {
        &self.0.warnings
    }

    /// The playbook.
    #[must_use]
    pub fn playbook(&self) -> &Playbook {
        &self.0.playbook
    }

    /// The playbook's digest.
    #[must_use]
    pub fn digest(&self) -> &Arc<str> {
        &self.0.playbook.digest
    }

    pub(crate) fn layout(&self) -> &Arc<Layout> {
        &self.0.model.rules.layout
    }

    pub(crate) fn model(&self) -> &Model {
        &self.0.model
    }

    pub(crate) fn offers(&self) -> &Offers {
        &self.0.offers
    }

    /// The compiled namespaces.
    pub(crate) fn identity(&self) -> &Namespaces {
        &self.0.identity
    }

    /// Names of the namespaces in order of priority.
    pub(crate) fn namespaces(&self) -> Vec<Arc<str>> {
        self.0.playbook.namespaces.iter().map(|namespace| namespace.name.text.clone()).collect()
    }

    /// A customer of whom nothing is known yet.
    ///
    /// # Errors
    /// [`EventError`] with code `undeclared_namespace`, `identifier_form` or `forbidden_identifier`.
    pub fn customer(&self, identifier: &Identifier) -> Result<Customer, EventError> {
        let identifier = self.identity().read(identifier)?.into_owned();
        Ok(Customer::new(identifier, self.layout().clone()))
    }

    /// An identifier in the form that its namespace gives it, as [`Request::on`] takes it.
    ///
    /// # Errors
    /// As for [`customer`](Self::customer).
    pub fn identifier(&self, identifier: &Identifier) -> Result<Identifier, EventError> {
        Ok(self.identity().read(identifier)?.into_owned())
    }

    /// A customer out of the bytes that [`Customer::to_bytes`] wrote, under this playbook or an earlier or later version of it.
    ///
    /// What the playbook no longer knows is kept and not read, see [`Customer::aside`].
    ///
    /// # Errors
    /// [`StateError`] for bytes that are damaged, of a newer format or of another playbook.
    ///
    /// # Examples
    /// ```
    /// # use tactful::{Engine, Event, Identifier, Timestamp};
    /// # let engine = Engine::compile(&[("shop.yaml",
    /// #     "{playbook: shop, version: 1, identity: {customer: {}}, events: {visit: {page: string}}}")])?;
    /// let ada = Identifier::parse("customer:ada")?;
    /// let mut customer = engine.customer(&ada)?;
    /// let visit = Event::new("visit", Timestamp::parse("2010-03-01T10:00:00Z")?, ada).with("page", "home");
    /// engine.record(&mut customer, &visit, None)?;
    /// let bytes = customer.to_bytes();
    /// let again = engine.customer_from_bytes(&bytes)?;
    /// assert_eq!(again.to_bytes(), bytes);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn customer_from_bytes(&self, bytes: &[u8]) -> Result<Customer, StateError> {
        let mut customer = Customer::of_bytes(bytes, self.layout())?;
        customer.strands().iter().try_for_each(|strand| self.owns(strand.identifier()))?;
        self.restart(&mut customer);
        self.pin(&mut customer);
        Ok(customer)
    }

    /// Whether the playbook declares the namespace of an identifier that a state holds.
    pub(crate) fn owns(&self, identifier: &Identifier) -> Result<(), StateError> {
        if self.0.playbook.namespaces.iter().any(|namespace| *namespace.name.text == *identifier.namespace()) {
            return Ok(());
        }
        let name: String = identifier.namespace().chars().take(80).collect();
        Err(StateError::new("undeclared_namespace", 0, format!("namespace `{name}` is not declared in the playbook")))
    }

    /// Derives again, without telling it, what had been told of a customer before they were written as bytes.
    fn catch_up(&self, customer: &mut Customer) {
        if let (None, Some(told)) = (customer.derived.settled, customer.derived.advanced) {
            let mut state = std::mem::take(&mut customer.derived);
            derive(&self.0.model, &customer.view(Timestamp::MAX), &mut state, told);
            customer.derived = state;
        }
        if !customer.derived.taken_over {
            customer.forget_saved();
        }
    }

    /// How this version took over the places that an earlier one recorded, when that is still to be told; it is told once.
    #[cold]
    fn taken_over(&self, customer: &mut Customer) -> Vec<Effect> {
        self.catch_up(customer);
        customer.derived.taken_over = false;
        customer.forget_saved();
        let changes = crate::journey::taken_over(&customer.derived.changes);
        self.compare(customer.identifier(), &[], &changes, customer.derived.advanced)
    }

    /// What is derived of a customer up to when their effects were told, late events included that were put off.
    pub(crate) fn told<'a>(&self, customer: &'a Customer) -> Cow<'a, Derived> {
        let said = self.said_of(customer);
        let (Some(pending), Some(reached)) = (said.pending(), said.advanced) else { return said };
        let mut state = said.into_owned();
        state.take_pending();
        state.rewind(pending.from);
        derive(&self.0.model, &customer.view(Timestamp::MAX), &mut state, reached);
        Cow::Owned(state)
    }

    /// What was told of a customer, derived again when they come out of bytes.
    pub(crate) fn said_of<'a>(&self, customer: &'a Customer) -> Cow<'a, Derived> {
        let (None, Some(told)) = (customer.derived.settled, customer.derived.advanced) else {
            return Cow::Borrowed(&customer.derived);
        };
        let mut state = customer.derived.clone();
        derive(&self.0.model, &customer.view(Timestamp::MAX), &mut state, told);
        Cow::Owned(state)
    }

    /// Puts an event into a customer's story and tells what it caused. `known_at` is when the host learned of it; by default
    /// the event's own, else its time.
    ///
    /// An event told twice changes nothing; a late one takes its place in time, and history is corrected. With more than 1,024 events
    /// after it, what a late event corrects may be told with a later event or [`advance`](Self::advance); answers never wait for that.
    ///
    /// # Errors
    /// [`EventError`]; nothing is changed then.
    pub fn record(&self, customer: &mut Customer, event: &Event, known_at: Option<Timestamp>) -> Result<Effects, EventError> {
        self.owned(customer)?;
        let identifier = self.identity().primary(&event.identifiers)?;
        if event.event_type == ATTRIBUTES_SET {
            let parts = parts(event, self.layout())?;
            return self.record_attributes(customer, &identifier, &self.prepare_attributes(&parts, known_at)?);
        }
        let prepared = self.layout().prepare(event, known_at)?;
        self.record_prepared(customer, &identifier, &prepared)
    }

    /// Checks an event against the playbook and brings it into the story's form, so that recording it later is fast. `known_at` as for
    /// [`record`](Self::record).
    ///
    /// # Errors
    /// [`EventError`] naming the part that does not fit.
    pub fn prepare<'a>(&self, event: &'a Event, known_at: Option<Timestamp>) -> Result<Prepared<'a>, EventError> {
        self.layout().prepare(event, known_at)
    }

    /// Records a prepared event under an identifier, which must be of a declared namespace.
    ///
    /// # Errors
    /// As for [`record`](Self::record).
    pub fn record_prepared(
        &self,
        customer: &mut Customer,
        identifier: &Identifier,
        event: &Prepared<'_>,
    ) -> Result<Effects, EventError> {
        customer.warm(event.kind);
        if customer.derived.taken_over {
            let mut effects = self.taken_over(customer);
            let Effects { arrival, effects: own } = self.record_prepared(customer, identifier, event)?;
            effects.extend(own);
            return Ok(Effects { arrival, effects });
        }
        self.catch_up(customer);
        // When nothing is known after what was looked at last, this event is all that is new.
        let (settled, pending) = (customer.derived.settled, customer.derived.pending());
        let strikes = event.kind == self.0.model.rules.sources.reserved.rectified;
        let after = |settled: Option<Timestamp>| match settled {
            Some(settled) => settled < event.time && customer.last() <= settled,
            None => customer.derived.start.is_none() && customer.is_blank(),
        };
        let next = pending.is_none() && !strikes && after(settled);
        let same = settled == Some(event.time) && pending.is_none() && !strikes;
        let waits = if next || same || strikes { None } else { self.wait(customer, identifier, event)? };
        let arrival = match waits {
            Some(arrival) => arrival,
            None => self.insert(customer, identifier, event)?,
        };
        if arrival == Arrival::New && same && customer.ends_with_event(event) {
            customer.mark_kind(event.kind, self.0.model.rules.plan.filters());
            if self.0.model.follow_same(customer, event.kind) {
                return Ok(Effects { arrival: Some(arrival), effects: Vec::new() });
            }
        } else if !next {
            customer.derived.live = None;
        }
        let effects = match arrival {
            Arrival::New if next && customer.ends_with(event.kind, event.time) => {
                self.settle_next(customer, News { at: event.time, kind: event.kind, id: &event.id })
            }
            Arrival::New if self.indifferent(customer, event) => {
                if !customer.waits() {
                    customer.mark(self.0.model.rules.plan.filters());
                }
                Vec::new()
            }
            Arrival::New => {
                let from = self.since(customer, identifier, event);
                self.settle_late(customer, from, event.time)
            }
            Arrival::ConflictKeptNew { old_time } => self.settle_late(customer, event.time.min(old_time), event.time),
            // What is refused for its content tells what time it is nevertheless, so that the order of arrival makes no difference.
            Arrival::ConflictKeptOld => self.settle_late(customer, event.time, event.time),
            Arrival::Duplicate => Vec::new(),
        };
        Ok(Effects { arrival: Some(arrival), effects })
    }

    /// From when on an event changes what holds: one that says that another is wrong does from that one on.
    fn since(&self, customer: &Customer, identifier: &Identifier, event: &Prepared<'_>) -> Timestamp {
        if event.kind != self.0.model.rules.sources.reserved.rectified {
            return event.time;
        }
        let strand = customer.strands().iter().find(|strand| strand.identifier() == identifier);
        let wrong = strand.zip(named_event(event)).and_then(|(strand, id)| strand.rectified_event(id));
        wrong.map_or(event.time, |wrong| wrong.time.min(event.time))
    }

    /// A customer as they were known at an instant: with the events that were not known to be wrong then.
    pub(crate) fn as_known<'a>(&self, customer: &'a Customer, known_at: Timestamp) -> Cow<'a, Customer> {
        match customer.before_rectified(known_at) {
            None => Cow::Borrowed(customer),
            Some(mut before) => {
                self.restart(&mut before);
                Cow::Owned(before)
            }
        }
    }

    /// Puts an event into the story without deriving anything from it yet.
    pub(crate) fn insert(
        &self,
        customer: &mut Customer,
        identifier: &Identifier,
        event: &Prepared<'_>,
    ) -> Result<Arrival, EventError> {
        if self.0.model.rules.sources.reserved.relations.is_some() {
            self.relation_sayings(identifier, event)?;
        }
        let full = || EventError::new("story_full", "", "the customer's story holds more than 4 GiB of text");
        let strand = customer.strand_mut(identifier, self.layout()).ok_or_else(full)?;
        if event.kind == self.0.model.rules.sources.reserved.rectified
            && let Some(until) = strand.folded().and_then(|fold| fold.totals().map(|(_, totals)| totals.until).max())
            && !named_event(event).is_some_and(|id| strand.knows(id))
        {
            let message = format!(
                "no event of that id is kept; events up to {until} are folded into totals, of which none can be taken out again"
            );
            return Err(EventError::new("too_late", "properties.event", message));
        }
        if let Some(until) = strand.folded_until(event.kind).filter(|until| event.time <= *until) {
            let message = format!("events of this type up to {until} are folded into totals, so none can be added there");
            return Err(EventError::new("too_late", "time", message));
        }
        strand.insert(event).map_err(|_| full())
    }

    /// Lets time pass up to `now` and tells what changed without an event.
    pub fn advance(&self, customer: &mut Customer, now: Timestamp) -> Effects {
        let mut effects = if customer.derived.taken_over { self.taken_over(customer) } else { Vec::new() };
        self.catch_up(customer);
        customer.mark(self.0.model.rules.plan.filters());
        if let Some(pending) = customer.derived.take_pending() {
            effects.extend(self.settle(customer, pending.from, pending.from));
        }
        let mut state = std::mem::take(&mut customer.derived);
        let known = state.changes.len();
        derive(&self.0.model, &customer.view(Timestamp::MAX), &mut state, now);
        effects.extend(self.compare(customer.identifier(), &[], state.changes.get(known..).unwrap_or(&[]), None));
        customer.derived = state;
        Effects { arrival: None, effects }
    }

    /// Everything that happened to a customer so far, in order: segments entered and left, stages changed.
    #[must_use]
    pub fn history(&self, customer: &Customer) -> Vec<Effect> {
        self.compare(customer.identifier(), &[], &self.told(customer).changes, None)
    }

    /// The first instant after everything derived so far at which something may change without an event: a window that runs
    /// empty, a time-out. `None` when nothing will. The same for equal stories that were told up to the same instant, however they came.
    #[must_use]
    pub fn next_due(&self, customer: &Customer) -> Option<Timestamp> {
        due_after(&self.0.model, &customer.view(Timestamp::MAX), &self.told(customer))
    }

    /// What is derived from the story at an instant: what is cached, when that is not ahead of the question, else a walk from
    /// the beginning.
    pub(crate) fn state<'a>(&self, customer: &'a Customer, view: &View<'_>, now: Timestamp) -> Cow<'a, Derived> {
        let cached = &customer.derived;
        let all_known = view.known_at() >= now && view.sees_all();
        let usable = all_known && cached.settled.is_none_or(|settled| settled <= now);
        if usable && let Some(pending) = cached.pending() {
            let mut state = cached.clone();
            state.take_pending();
            state.rewind(pending.from);
            derive(&self.0.model, view, &mut state, now);
            return Cow::Owned(state);
        }
        let due = usable
            && view.next_instant(cached.settled).is_none_or(|next| next > now)
            && next_due(cached).is_none_or(|due| due > now);
        if due && cached.settled.is_some() {
            return Cow::Borrowed(cached);
        }
        let start = cached.start.clone().filter(|start| start.known <= view.known_at());
        let mut state = if usable { cached.for_question() } else { Derived::starting(start) };
        derive(&self.0.model, view, &mut state, now);
        Cow::Owned(state)
    }

    /// Every segment of a customer at an instant: in, out or unknown, in the order of the playbook.
    #[must_use]
    pub fn segments(&self, customer: &Customer, now: Timestamp) -> Vec<(Arc<str>, Option<bool>)> {
        self.look(customer, now, now, |context, _| {
            let member = |number: usize| match context.segment(number).value {
                Answer::Known(Value::Bool(member)) => Some(member),
                _ => None,
            };
            let segments = self.0.playbook.segments.iter().enumerate();
            segments.map(|(number, segment)| (segment.name.text.clone(), member(number))).collect()
        })
    }

    /// The persona with the largest posterior, when that reaches the playbook's threshold.
    #[must_use]
    pub fn persona(&self, customer: &Customer, now: Timestamp) -> Option<Arc<str>> {
        let posteriors = self.look(customer, now, now, |context, _| context.personas());
        self.likely(&posteriors).and_then(|place| self.0.playbook.personas.get(place)).map(|persona| persona.name.text.clone())
    }

    /// The number of the persona with the largest posterior, when that reaches the playbook's threshold.
    pub(crate) fn likely(&self, posteriors: &[f64]) -> Option<usize> {
        let likely = posteriors.iter().enumerate().filter(|(_, posterior)| **posterior >= self.0.playbook.persona_threshold);
        likely.min_by(|(_, a), (_, b)| b.total_cmp(a)).map(|(place, _)| place)
    }

    /// Whether a purpose is permitted for a customer at an instant; `None` for a purpose that is not declared.
    #[must_use]
    pub fn permits(&self, customer: &Customer, purpose: &str, now: Timestamp) -> Option<bool> {
        let (number, rule) = self.0.offers.purposes.iter().enumerate().find(|(_, rule)| *rule.name == *purpose)?;
        let customer = self.as_known(customer, now);
        Some(self.said_by_entitled(&customer, None, None, (now, now)).consent(number, rule, None).permits())
    }

    /// What the customer said about what may be done, on an identifier or as a person.
    fn said<'a>(&self, view: View<'a>, now: Timestamp, who: Option<&'a Identifier>) -> Said<'a> {
        let sources = &self.0.model.rules.sources;
        Said::read(&self.0.offers, &sources.reserved, sources.declared_events, view, now, who)
    }

    /// What the playbook declares and no rule reads, so that it need not be collected.
    #[must_use]
    pub fn unread(&self) -> Unread {
        labels::unread(self.playbook(), &self.0.model, &self.0.offers)
    }

    /// Whether the last word on a purpose, as met on an identifier, permits (true) or withdraws it (false); `None` when nothing such
    /// stands.
    pub(crate) fn standing(&self, customer: &Customer, purpose: &str, who: &Identifier, now: Timestamp) -> Option<bool> {
        let (number, rule) = self.0.offers.purposes.iter().enumerate().find(|(_, rule)| *rule.name == *purpose)?;
        match self.said(customer.view(Timestamp::MAX), now, Some(who)).consent(number, rule, None) {
            Consent::Given { .. } => Some(true),
            Consent::Withdrawn(_) => Some(false),
            _ => None,
        }
    }

    /// Everything readable about a customer at an instant, with what was known by another.
    pub(crate) fn look<T>(
        &self,
        customer: &Customer,
        now: Timestamp,
        known_at: Timestamp,
        read: impl FnOnce(&Context<'_>, &Derived) -> T,
    ) -> T {
        let customer = &*self.as_known(customer, known_at);
        let view = customer.view(known_at);
        let state = self.state(customer, &view, now);
        let places: Vec<_> = state.journeys.iter().map(|journey| journey.place).collect();
        let context = Context::new(&self.0.model.rules, view, now, &[], &places, &self.0.model.journeys.stages);
        let trends = self.trends_for(None, now);
        read(&context.standing(&state.journeys).trending(trends.map(|trends| &**trends)), &state)
    }

    /// What may be read about a customer by a host that is so sure who is there.
    fn look_as<T>(
        &self,
        customer: &Customer,
        now: Timestamp,
        known_at: Timestamp,
        request: &Request,
        read: impl FnOnce(&Context<'_>) -> T,
    ) -> T {
        let customer = &*self.as_known(customer, known_at);
        let view = customer.view(known_at);
        let state = self.state(customer, &view, now);
        let places: Vec<_> = state.journeys.iter().map(|journey| journey.place).collect();
        let context = Context::new(&self.0.model.rules, view, now, &[], &places, &self.0.model.journeys.stages);
        read(&context.standing(&state.journeys).limited(request.assurance, request.identifier.as_ref()))
    }

    /// Whether a customer's story was made with this playbook.
    fn knows(&self, customer: &Customer) -> bool {
        let same = |layout: &Arc<Layout>| Arc::ptr_eq(layout, self.layout()) || layout.digest() == self.digest();
        customer.in_place().iter().all(|strand| same(strand.layout()))
    }

    fn owned(&self, customer: &Customer) -> Result<(), EventError> {
        if self.knows(customer) { Ok(()) } else { Err(EventError::new("other_playbook", "", OTHER_PLAYBOOK)) }
    }
}

pub(crate) const OTHER_PLAYBOOK: &str = "the customer was made with another playbook; record the events again with this one";

/// The documents that are tables of items.
fn tables<'d>(documents: &[(&'d str, &'d str)]) -> Vec<(&'d str, &'d str)> {
    documents.iter().filter(|(name, _)| crate::playbook::is_table(name)).copied().collect()
}
