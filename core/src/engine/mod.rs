//! The engine: a compiled playbook that records events, lets time pass, decides and explains.

mod answer;
mod around;
mod attributes;
mod audience;
mod because;
mod catalog;
mod compile;
mod effect;
mod fold;
mod journeys;
mod labels;
mod log;
mod map;
mod minors;
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

use crate::context::{Assignment, Beside, Context, Foresight};
use crate::customer::{
    ATTRIBUTES_SET, Arrival, Change, Customer, Derived, Event, EventError, Identifier, Layout, Namespaces, Pending, Prepared,
    StateNames, View, What, named_event,
};
use crate::decide::{
    self, Assigned, Candidate, Consent, Decision, Detail, JourneyPlace, Moment, Offers, Request, RequestError, Said, Trace,
};
use crate::encoding::StateError;
use crate::error::Diagnostics;
use crate::expr::{Answer, Facts};
use crate::journey::{Model, News, derive, derive_marked, derive_news, next_due};
use crate::playbook::{Assurance, Limits, Playbook, Sensitivity};
use crate::reaction::ReactionRule;
use crate::suggest::Shelf;
use crate::trends::{Snapshot, TrendRules};
use crate::value::{LateText, Recipe, Timestamp, Value};
use effect::Namer;
use labels::Flow;
use next::Ahead;
use smallvec::SmallVec;
use std::borrow::Cow;
use std::collections::BTreeSet;
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
        self.restart(&mut customer);
        customer.strands().iter().try_for_each(|strand| self.owns(strand.identifier()))?;
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
            let parts = parts(event)?;
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
            customer.mark(self.0.model.rules.plan.filters());
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
        self.relation_sayings(identifier, event)?;
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
        self.catch_up(customer);
        customer.mark(self.0.model.rules.plan.filters());
        let mut effects = match customer.derived.take_pending() {
            Some(pending) => self.settle(customer, pending.from, pending.from),
            None => Vec::new(),
        };
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
    /// empty, a time-out. `None` when nothing will.
    #[must_use]
    pub fn next_due(&self, customer: &Customer) -> Option<Timestamp> {
        next_due(&self.told(customer))
    }

    /// Decides what a customer should see at `now`, or that silence is better. Changes nothing: the events to record come with
    /// the decision, see [`Decision::outcome`]. Events later than `now`, or known later than `known_at` (by default `now`), are
    /// not seen.
    ///
    /// # Errors
    /// [`RequestError`] for an unknown placement or a fact that does not fit.
    pub fn decide(
        &self,
        customer: &Customer,
        request: &Request,
        now: Timestamp,
        known_at: Option<Timestamp>,
    ) -> Result<Decision, RequestError> {
        self.answer(customer, request, now, known_at, Detail::Brief).map(|(decision, _)| decision)
    }

    /// The same decision, with the reasons for every candidate.
    ///
    /// # Errors
    /// As for [`decide`](Self::decide).
    pub fn explain(
        &self,
        customer: &Customer,
        request: &Request,
        now: Timestamp,
        known_at: Option<Timestamp>,
    ) -> Result<Decision, RequestError> {
        self.answer(customer, request, now, known_at, Detail::Full).map(|(decision, _)| decision)
    }

    /// The same decision with the customers who are related to this one: rules may read of them, and caps may count their contacts.
    /// Give the household or account with all its members, and whoever else may be related; who is related to whom, and as what, is
    /// read out of the stories of them all as of `now`. A [`CustomerBase`](crate::CustomerBase) gathers them itself.
    ///
    /// # Errors
    /// As for [`decide`](Self::decide), and for a customer of another playbook.
    pub fn decide_among(
        &self,
        customer: &Customer,
        related: &[&Customer],
        request: &Request,
        now: Timestamp,
        known_at: Option<Timestamp>,
    ) -> Result<Decision, RequestError> {
        let around = self.around(customer, related, now, known_at.unwrap_or(now))?;
        let beyond = Beyond { around: Some(&around), ..Beyond::default() };
        self.answer_among(customer, beyond, request, now, known_at, Detail::Brief).map(|(decision, _)| decision)
    }

    /// The decision of [`decide_among`](Self::decide_among) with the reasons for every candidate.
    ///
    /// # Errors
    /// As for [`decide_among`](Self::decide_among).
    pub fn explain_among(
        &self,
        customer: &Customer,
        related: &[&Customer],
        request: &Request,
        now: Timestamp,
        known_at: Option<Timestamp>,
    ) -> Result<Decision, RequestError> {
        let around = self.around(customer, related, now, known_at.unwrap_or(now))?;
        let beyond = Beyond { around: Some(&around), ..Beyond::default() };
        self.answer_among(customer, beyond, request, now, known_at, Detail::Full).map(|(decision, _)| decision)
    }

    /// A decision, and what became of the candidates as far as the detail asks for it and no trace holds it.
    pub(crate) fn answer(
        &self,
        customer: &Customer,
        request: &Request,
        now: Timestamp,
        known_at: Option<Timestamp>,
        detail: Detail,
    ) -> Result<(Decision, Vec<Candidate>), RequestError> {
        self.answer_among(customer, Beyond::default(), request, now, known_at, detail)
    }

    /// The same with what is known beyond the customer.
    pub(crate) fn answer_among(
        &self,
        customer: &Customer,
        beyond: Beyond<'_>,
        request: &Request,
        now: Timestamp,
        known_at: Option<Timestamp>,
        detail: Detail,
    ) -> Result<(Decision, Vec<Candidate>), RequestError> {
        let inner = &*self.0;
        let met_on = request.identifier.as_ref().or(beyond.met);
        let around = beyond.around.filter(|_| !self.relations().is_empty());
        if !self.knows(customer) {
            return Err(RequestError::new("other_playbook", "", OTHER_PLAYBOOK));
        }
        let known_at = known_at.unwrap_or(now);
        let customer = &*self.as_known(customer, known_at);
        let reaction = self.reaction(request)?;
        let placements = match reaction.and_then(|rule| rule.placement.as_ref()) {
            Some((name, _)) if request.placements.is_empty() => self.placements_of(std::slice::from_ref(name))?,
            _ => self.placements_of(&request.placements)?,
        };
        let only = beyond.only.or(reaction.and_then(|rule| rule.offers.as_deref()));
        let facts = decide::facts_in_order(request, &inner.offers.request, &inner.model.rules.sources.schema)?;
        let trends = self.trends_for(request.trends.as_ref(), now);
        let moment = Moment::of(&inner.offers, &inner.trends, request, trends, customer.id(), now)?;
        let view = customer.view(known_at);
        let state = self.state(customer, &view, now);
        let places: SmallVec<[_; 2]> = state.journeys.iter().map(|journey| journey.place).collect();
        let said = self.said(view, now, met_on);
        // What is decided depends on which identifier the customer is met on.
        let binds = said.by_identifier() || request.assurance == Assurance::Anonymous || !inner.offers.namespaces.is_empty();
        let met = (request.assurance == Assurance::Anonymous).then_some(met_on);
        let assigned = inner.model.rules.experiments.assign(view, now, met);
        // What comes next is found out only where a rule may ask for it.
        let forecast = request
            .forecast
            .as_ref()
            .or(beyond.forecast)
            .map(|forecast| &**forecast)
            .filter(|_| !inner.model.rules.foreseen.is_empty());
        if forecast.is_some_and(|forecast| forecast.spec().digest != *self.digest()) {
            let message = "the forecast was made with another playbook; learn it again, or read it from its bytes";
            return Err(RequestError::new("other_playbook", "forecast", message));
        }
        let ahead = forecast.and_then(|forecast| {
            let asked = |journey| inner.model.rules.foreseen.contains(&journey);
            Ahead::new(forecast, now, &self.ways(forecast.spec(), &view, &state, now, asked))
        });
        let (answers, trace) = {
            let stages = &inner.model.journeys.stages;
            let new = || {
                let mut context = Context::new(&inner.model.rules, view, now, &facts, &places, stages);
                context.set_standing(&state.journeys);
                context.set_assigned(&assigned);
                context.set_ahead(ahead.as_ref().map(|ahead| ahead as &dyn Foresight));
                context.set_trends(trends.map(|trends| &**trends));
                context
            };
            let instant = (now, known_at);
            let others = around.map(|around| self.others(around, customer, None, instant, Assurance::Authenticated));
            // Of others only what they permit for the purposes of each offer; of somebody anonymous nobody is another.
            let permitted: Vec<_> = match around.filter(|_| request.assurance > Assurance::Anonymous) {
                Some(around) => {
                    let others = |key| self.others(around, customer, Some(key), instant, request.assurance);
                    inner.offers.shared.iter().map(others).collect()
                }
                None => Vec::new(),
            };
            let others = others.as_ref().map(|others| others as &dyn Beside);
            let mut whole = new();
            whole.set_beside(others);
            // Everything may be read of somebody authenticated, and of somebody recognised where nothing asks for more.
            let less = request.assurance == Assurance::Anonymous
                || request.assurance < Assurance::Authenticated && inner.offers.graded;
            let told = others.filter(|_| request.assurance > Assurance::Anonymous);
            let limited = less.then(|| new().limited(request.assurance, met_on).beside(told));
            // What others have to do with it is not derived, and what was derived before a fold may be unknown after it.
            let folded = view.strands().iter().any(|strand| strand.folded().is_some());
            if detail != Detail::Full && around.is_none() && !folded && state.settled.is_some() {
                whole.known(&state.segments);
            }
            if let Some(live) = state.live.as_ref().filter(|live| detail != Detail::Full && live.is_at(state.settled)) {
                whole.standing_on(live);
            }
            let context = limited.as_ref().unwrap_or(&whole);
            let said = said.since(Facts::begins(context));
            let shared = |others| match less {
                true => new().limited(request.assurance, met_on).beside(Some(others)),
                false => new().beside(Some(others)),
            };
            let shared: Vec<Context<'_>> = permitted.iter().map(|others| shared(others as &dyn Beside)).collect();
            let guardian = self.guardian_of(customer, around);
            let reads = decide::Reads {
                context,
                whole: &whole,
                shared: &shared,
                shelf: self.shelf(),
                counters: beyond.counters,
                unlimited: beyond.unlimited,
                only,
                triggered: reaction.map_or(Sensitivity::Public, |rule| inner.offers.triggered_by(&rule.name)),
            };
            let mut answers = decide::decide(&inner.offers, reads, said, &guardian, &moment, &placements, detail);
            let candidates = if detail == Detail::Full { std::mem::take(&mut answers.candidates) } else { Vec::new() };
            let trace = (detail == Detail::Full).then(|| self.trace(context, request.assurance, candidates));
            (answers, trace)
        };
        let decision = Decision {
            id: LateText::new(DecisionId {
                playbook: self.digest().clone(),
                customer: customer.identifier().cloned(),
                now,
                known_at,
                placements: answers.placements.iter().map(|answer| answer.placement.clone()).collect(),
                facts,
                identifier: met_on.filter(|_| binds).cloned(),
                assurance: request.assurance,
                forecast: forecast.map(|forecast| forecast.digest().clone()),
                ranked: Ranked::of(request, trends, inner.offers.explores),
            }),
            customer: customer.id().to_owned(),
            now,
            known_at,
            playbook: self.digest().clone(),
            forecast: forecast.map(|forecast| forecast.digest().clone()),
            placements: answers.placements,
            trends: trends.map(|trends| trends.digest_text()),
            assigned: answers.exposed.into_iter().filter_map(|number| self.assigned(&assigned, number)).collect(),
            trace,
        };
        Ok((decision, answers.candidates))
    }

    fn assigned(&self, assigned: &[Option<Assignment>], number: usize) -> Option<Assigned> {
        let rule = self.0.model.rules.experiments.rules.get(number)?;
        let arm = assigned.get(number).copied().flatten()?.arm;
        Some(Assigned { experiment: rule.name.clone(), variant: rule.arm(arm)?.clone() })
    }

    /// The reaction that a question answers.
    fn reaction(&self, request: &Request) -> Result<Option<&ReactionRule>, RequestError> {
        let Some(name) = &request.reaction else { return Ok(None) };
        let reactions = &self.0.model.reactions;
        let found = reactions.named(name).map(Some);
        found.ok_or_else(|| {
            let shown: String = name.chars().take(80).collect();
            let own = reactions.rules.iter().filter(|rule| !rule.missed);
            let near = crate::error::nearest(name, own.map(|rule| &*rule.name));
            let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            RequestError::new("unknown_reaction", "reaction", format!("reaction `{shown}` is not declared{hint}"))
        })
    }

    fn placements_of<T: AsRef<str>>(&self, names: &[T]) -> Result<SmallVec<[usize; 4]>, RequestError> {
        let declared = &self.0.offers.placements;
        let mut numbers = SmallVec::new();
        for (place, name) in names.iter().map(AsRef::as_ref).enumerate() {
            let path = || format!("placements[{place}]");
            let shown = || -> String { name.chars().take(80).collect() };
            let Some(number) = declared.iter().position(|placement| *placement.name == *name) else {
                let near = crate::error::nearest(name, declared.iter().map(|placement| &*placement.name));
                let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                return Err(RequestError::new(
                    "unknown_placement",
                    path(),
                    format!("placement `{}` is not declared{hint}", shown()),
                ));
            };
            if numbers.contains(&number) {
                return Err(RequestError::new("placement_twice", path(), format!("placement `{}` is asked twice", shown())));
            }
            numbers.push(number);
        }
        if numbers.is_empty() {
            return Err(RequestError::new("no_placement", "placements", "a request names at least one placement"));
        }
        Ok(numbers)
    }

    fn trace(&self, context: &Context<'_>, assurance: Assurance, candidates: Vec<Candidate>) -> Trace {
        let playbook = self.playbook();
        let member = |number: usize| matches!(context.segment(number).value, Answer::Known(Value::Bool(true)));
        let segments = playbook.segments.iter().enumerate().filter(|(number, _)| member(*number));
        let journeys = playbook.journeys.iter().zip(&self.0.model.journeys.stages).enumerate();
        Trace {
            assurance,
            segments: segments.map(|(_, segment)| segment.name.text.clone()).collect(),
            personas: playbook.personas.iter().map(|persona| persona.name.text.clone()).zip(context.personas()).collect(),
            journeys: journeys
                .map(|(number, (journey, stages))| {
                    let place = context.place(number);
                    let stage = place.and_then(|place| stages.get(usize::from(place.stage)).cloned());
                    JourneyPlace { journey: journey.name.text.clone(), stage, since: place.map(|place| place.since) }
                })
                .collect(),
            commitments: context.commitments(),
            candidates,
        }
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

    /// The same as [`settle`](Self::settle), put off while that would walk through very many instants for few late events: so many of
    /// them cost no more than a walk through the story now and then. What was put off is told when it is made up for.
    fn settle_late(&self, customer: &mut Customer, from: Timestamp, time: Timestamp) -> Vec<Effect> {
        let pending = customer.derived.take_pending();
        let from = pending.map_or(from, |pending| pending.from.min(from));
        if puts_off(customer, from) {
            customer.derived.put_off(Pending { from });
            return Vec::new();
        }
        let effects = self.settle(customer, from, time);
        customer.derived.walked_at = u32::try_from(customer.len()).unwrap_or(u32::MAX);
        effects
    }

    /// Puts an event that happened long before others beside the story, when nothing is derived from it now.
    #[cold]
    fn wait(
        &self,
        customer: &mut Customer,
        identifier: &Identifier,
        event: &Prepared<'_>,
    ) -> Result<Option<Arrival>, EventError> {
        let pending = customer.derived.pending();
        let from = pending.map_or(event.time, |pending| pending.from.min(event.time));
        if customer.count_from(event.time) <= MANY_INSTANTS || !(puts_off(customer, from) || self.indifferent(customer, event))
        {
            return Ok(None);
        }
        self.relation_sayings(identifier, event)?;
        Ok(customer.wait(identifier, event))
    }

    /// Whether a late event changes nothing that was derived: no rule reads its type, the customer had begun before, and nothing
    /// changed at its instant that it could be named for.
    fn indifferent(&self, customer: &Customer, event: &Prepared<'_>) -> bool {
        let derived = &customer.derived;
        let late = derived.pending().is_none() && derived.settled.is_some_and(|settled| event.time <= settled);
        // What follows sessions follows all events that the playbook declares, so only these are known to be read by no rule.
        let declared = usize::from(event.kind.0) < self.0.model.rules.sources.declared_events;
        late && declared
            && self.0.model.touches.none(event.kind)
            && customer.begins().is_some_and(|first| first < event.time)
            && derived.changes.binary_search_by_key(&event.time, |change| change.at).is_err()
    }

    /// The same as [`settle`](Self::settle) for an event later than all others.
    fn settle_next(&self, customer: &mut Customer, news: News<'_>) -> Vec<Effect> {
        let model = &self.0.model;
        customer.mark(model.rules.plan.filters());
        let (strands, state) = customer.parts_mut();
        let told = state.advanced;
        let (reached, kept) = (told.unwrap_or(news.at).max(news.at), state.changes.len());
        let view = View::new(strands, Timestamp::MAX);
        if state.settled.is_none() {
            derive_news(model, &view, state, news.at.saturating_add_micros(-1), &news);
        }
        derive_marked(model, &view, state, reached, &news);
        if customer.derived.changes.len() == kept {
            return Vec::new();
        }
        let told = if told == Some(news.at) { told.map(|told| told.saturating_add_micros(-1)) } else { told };
        self.compare(customer.identifier(), &[], customer.derived.changes.get(kept..).unwrap_or(&[]), told)
    }

    /// Derives what an event at `time`, already in its place, changes from the instant `from` on, and compares with what was
    /// said before.
    fn settle(&self, customer: &mut Customer, from: Timestamp, time: Timestamp) -> Vec<Effect> {
        customer.mark(self.0.model.rules.plan.filters());
        let mut state = std::mem::take(&mut customer.derived);
        let told = state.advanced;
        let frontier = state.settled;
        let reached = state.advanced.unwrap_or(time).max(time);
        let strands = customer.strands();
        let view = View::new(strands, Timestamp::MAX);
        let (said, kept) = if frontier.is_some_and(|settled| settled >= from) {
            state.rewind(from)
        } else {
            // What time alone changes comes first.
            let kept = state.changes.len();
            derive(&self.0.model, &view, &mut state, time.saturating_add_micros(-1));
            (Vec::new(), kept)
        };
        state.mark();
        derive(&self.0.model, &view, &mut state, reached);
        // What lies before the instant up to which everything was told corrects that; what comes with its last instant adds to it.
        let told = if told == Some(from) { told.map(|told| told.saturating_add_micros(-1)) } else { told };
        let effects = self.compare(customer.identifier(), &said, state.changes.get(kept..).unwrap_or(&[]), told);
        customer.derived = state;
        effects
    }

    /// What is withdrawn, corrected and new between two versions of history, of which all up to `told` was told before.
    pub(crate) fn compare(
        &self,
        customer: Option<&Identifier>,
        said: &[Change],
        holds: &[Change],
        told: Option<Timestamp>,
    ) -> Vec<Effect> {
        if said.is_empty() && holds.is_empty() {
            return Vec::new();
        }
        let namer = Namer { playbook: &self.0.playbook, model: &self.0.model, customer: customer.cloned() };
        let (before, after) = (Among::of(said), Among::of(holds));
        let withdrawn = once(said).filter(|change| !after.has(change)).map(|change| (change, EffectKind::Withdrawn));
        let news = once(holds).filter(|change| !before.has(change)).map(|change| {
            let news = told.is_none_or(|told| change.at > told);
            (change, if news { EffectKind::Happened } else { EffectKind::Corrected })
        });
        withdrawn.chain(news).map(|(change, kind)| namer.effect(change, kind)).collect()
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

/// Whether too few events came since the story was last walked through for late ones to walk through all that happened since an instant.
fn puts_off(customer: &Customer, from: Timestamp) -> bool {
    let derived = &customer.derived;
    if derived.settled.is_none_or(|settled| settled < from) {
        return false;
    }
    let (later, new) = (customer.count_from(from), customer.len().saturating_sub(derived.walked_at as usize));
    later > MANY_INSTANTS && new.saturating_mul(PER_EVENT) < later
}

/// A late event is derived from at once when no more events than this happened after it.
const MANY_INSTANTS: usize = 1_024;

/// Of a longer story so many events are walked through again for late ones per event that came.
const PER_EVENT: usize = 16;

/// Changes without those that came before at the same instant, where rules moved somebody in a circle: an effect is told once.
fn once(changes: &[Change]) -> impl Iterator<Item = &Change> {
    let few = changes.len() <= FEW;
    let mut seen = BTreeSet::new();
    changes.iter().enumerate().filter_map(move |(place, change)| {
        let new = match few {
            true => !changes.get(..place)?.iter().any(|other| other.at == change.at && other.what == change.what),
            false => seen.insert((change.at, &change.what)),
        };
        new.then_some(change)
    })
}

/// So many changes are looked through one by one.
const FEW: usize = 16;

/// Changes in which others are looked up by instant and what changed.
enum Among<'a> {
    Few(&'a [Change]),
    Many(BTreeSet<(Timestamp, &'a What)>),
}

impl<'a> Among<'a> {
    fn of(changes: &'a [Change]) -> Self {
        match changes.len() {
            0..=FEW => Among::Few(changes),
            _ => Among::Many(changes.iter().map(|change| (change.at, &change.what)).collect()),
        }
    }

    fn has(&self, change: &Change) -> bool {
        match self {
            Among::Few(changes) => changes.iter().any(|other| other.at == change.at && other.what == change.what),
            Among::Many(changes) => changes.contains(&(change.at, &change.what)),
        }
    }
}

pub(crate) const OTHER_PLAYBOOK: &str = "the customer was made with another playbook; record the events again with this one";

/// What the id of a decision is made of.
struct DecisionId {
    playbook: Arc<str>,
    customer: Option<Identifier>,
    now: Timestamp,
    known_at: Timestamp,
    placements: SmallVec<[Arc<str>; 2]>,
    facts: Vec<Option<Value>>,
    /// On which identifier the customer was met, when that matters.
    identifier: Option<Identifier>,
    assurance: Assurance,
    /// The forecast that rules could ask.
    forecast: Option<Arc<str>>,
    ranked: Option<Box<Ranked>>,
}

/// What ranking read beside the customer.
struct Ranked {
    scores: Vec<(String, String, f64)>,
    seed: u64,
    trends: Option<Arc<Snapshot>>,
    /// The reaction that was answered.
    reaction: Option<String>,
}

impl Ranked {
    /// `None` when there is nothing.
    fn of(request: &Request, trends: Option<&Arc<Snapshot>>, explores: bool) -> Option<Box<Self>> {
        let seed = if explores { request.seed } else { 0 };
        let any = !request.scores.is_empty() || seed != 0 || trends.is_some() || request.reaction.is_some();
        any.then(|| {
            let mut scores = request.scores.clone();
            scores.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
            Box::new(Ranked { scores, seed, trends: trends.cloned(), reaction: request.reaction.clone() })
        })
    }
}

impl Recipe for DecisionId {
    fn write(&self) -> String {
        let facts = serde_json::to_string(&self.facts).unwrap_or_default();
        let customer = self.customer.as_ref().map_or("", Identifier::as_str);
        let mut placements = self.placements.join("\n");
        if let Some(identifier) = &self.identifier {
            placements = format!("{placements}\n\n{identifier}");
        }
        if self.assurance != Assurance::Recognised {
            placements = format!("{placements}\n\n\n{}", self.assurance);
        }
        if let Some(forecast) = &self.forecast {
            placements = format!("{placements}\n\n\n\n{forecast}");
        }
        if let Some(ranked) = &self.ranked {
            let trends = ranked.trends.as_ref().map_or_else(|| Arc::from(""), |trends| trends.digest_text());
            placements = format!("{placements}\n\n\n\n{}\n{trends}", ranked.seed);
            if let Some(reaction) = &ranked.reaction {
                placements = format!("{placements}\n\n{reaction}");
            }
            for (column, offer, number) in &ranked.scores {
                placements = format!("{placements}\n{column}\n{offer}\n{:016x}", number.to_bits());
            }
        }
        digest(&[&self.playbook, customer, &self.now.to_string(), &self.known_at.to_string(), &placements, &facts])
    }
}

/// The documents that are tables of items.
fn tables<'d>(documents: &[(&'d str, &'d str)]) -> Vec<(&'d str, &'d str)> {
    documents.iter().filter(|(name, _)| crate::playbook::is_table(name)).copied().collect()
}
