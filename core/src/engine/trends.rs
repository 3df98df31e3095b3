//! Trends of the customers of an engine.

use super::{Engine, Given};
use crate::context::Told;
use crate::customer::{Customer, Derived, Event, EventError, Identifier};
use crate::encoding::StateError;
use crate::trends::{Contribution, Snapshot, TrendError, Trends};
use crate::value::Timestamp;
use std::sync::Arc;

impl Engine {
    /// Trends of nobody yet, for what the playbook counts.
    ///
    /// # Examples
    /// ```
    /// # use tactful::{Engine, Event, Identifier, Timestamp};
    /// let engine = Engine::compile(&[("shop.yaml", "{playbook: shop, version: 1, identity: {customer: {}},
    ///     events: {view: {sku: string}}, trends: {popular: {count: view, by: sku, half_life: 7d, k: 2}}}")])?;
    /// let mut trends = engine.trends();
    /// for name in ["customer:1", "customer:2", "customer:3"] {
    ///     let identifier = Identifier::parse(name)?;
    ///     let mut customer = engine.customer(&identifier)?;
    ///     let view = Event::new("view", Timestamp::parse("2010-03-01T10:00:00Z")?, identifier).with("sku", "lamp");
    ///     engine.record(&mut customer, &view, None)?;
    ///     engine.observe(&mut trends, &customer);
    /// }
    /// let now = Timestamp::parse("2010-03-09T00:00:00Z")?;
    /// let snapshot = trends.snapshot(now, None)?;
    /// let lamps = snapshot.read("popular", &[("sku", "lamp")], now)?.ok_or("too few")?;
    /// assert_eq!((lamps.count, lamps.customers), (1.5, 3));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn trends(&self) -> Trends {
        Trends::new(self.0.trends.clone())
    }

    /// The same engine with what was counted over many customers: rules and learned factors read it, suggestions and
    /// [`reach`](Self::reach) look at what others did. Decisions before its instant do not see it. A [request](crate::Request::trends) may
    /// bring other trends for itself. Cheap, so it may be made anew as often as one likes; see
    /// [`CustomerBase::set_engine`](crate::CustomerBase::set_engine) for a base.
    ///
    /// # Errors
    /// [`TrendError`] with code `other_trends` for trends that were counted by other rules than those of this playbook.
    pub fn with_trends(&self, snapshot: impl Into<Arc<Snapshot>>) -> Result<Engine, TrendError> {
        let snapshot = snapshot.into();
        if !snapshot.is_of(&self.0.trends) {
            let message = "the trends were counted by other rules than those of this playbook; count them with this engine";
            return Err(TrendError::new("other_trends", message.to_owned()));
        }
        Ok(Engine(self.0.clone(), Given { trends: Some(snapshot), ..self.1.clone() }))
    }

    /// What was counted over many customers, as it was [given](Self::with_trends).
    #[must_use]
    pub fn snapshot(&self) -> Option<&Arc<Snapshot>> {
        self.1.trends.as_ref()
    }

    /// What was counted over many customers that a question at an instant goes by: what it brings, else what the engine goes by, unless
    /// that is of later.
    pub(crate) fn trends_for<'t>(&'t self, brought: Option<&'t Arc<Snapshot>>, now: Timestamp) -> Option<&'t Arc<Snapshot>> {
        brought.or_else(|| self.1.trends.as_ref().filter(|own| own.at() <= now))
    }

    /// Counts a customer, in place of what they contributed before under any of their identifiers: corrections, links and partings
    /// take effect.
    pub fn observe(&self, trends: &mut Trends, customer: &Customer) {
        let contribution = self.contribution(customer);
        let identifiers = customer.strands().iter().map(|strand| strand.identifier().as_str());
        trends.replace(customer.id(), identifiers, contribution);
    }

    /// Counts something that nobody known said or did: a review, a mention, a share, press. Each event is one voice, by its id, in all trends
    /// that count its type; told again it replaces what was counted. It is of no customer, so identifiers are not looked at.
    ///
    /// # Errors
    /// [`EventError`] for an event that does not fit the playbook, and with code `missing_id` for one without an id.
    ///
    /// # Examples
    /// ```
    /// # use tactful::{Engine, Event, Timestamp};
    /// let engine = Engine::compile(&[("shop.yaml", "{playbook: shop, version: 1, events: {mention: {tone: int, about: string}},
    ///     feedback: {press: {on: mention, score: tone, negative: -1, positive: 1, topic: about}},
    ///     trends: {mood: {count: feedback, by: [topic, sentiment], k: 2}}}")])?;
    /// let mut trends = engine.trends();
    /// for id in ["a", "b", "c"] {
    ///     let text = r#"{"type": "mention", "time": "2010-03-01T10:00:00Z", "properties": {"tone": -2, "about": "delivery"}}"#;
    ///     engine.hear(&mut trends, &Event::from_json(text)?.with_id(id))?;
    /// }
    /// let now = Timestamp::parse("2010-03-02T00:00:00Z")?;
    /// let found = trends.snapshot(now, None)?.read("mood", &[("topic", "delivery"), ("sentiment", "negative")], now)?;
    /// assert_eq!(found.map(|found| found.customers), Some(3));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn hear(&self, trends: &mut Trends, event: &Event) -> Result<(), EventError> {
        let Some(id) = event.id.as_deref().filter(|id| !id.is_empty()) else {
            let message = "an event of nobody needs an id, so that telling it twice counts once";
            return Err(EventError::new("missing_id", "id", message));
        };
        let prepared = self.layout().prepare(event, None)?;
        // No customer's id begins with that, so that a voice is never taken for one.
        let voice = Identifier::parse(&format!("voice:{id}"))
            .map_err(|error| EventError::new(error.code(), "id", error.to_string()))?;
        let mut nobody = Customer::new(voice.clone(), self.layout().clone());
        self.insert(&mut nobody, &voice, &prepared)?;
        let contribution = Contribution::of(&self.0.trends, &nobody, (&Derived::default(), &|_, _| None), self.catalog());
        trends.replace(&format!("\u{0}{voice}"), std::iter::empty(), contribution);
        Ok(())
    }

    /// What a customer contributes to trends: all that is in their story, and the stages and segments entered so far.
    #[must_use]
    pub fn contribution(&self, customer: &Customer) -> Contribution {
        let view = customer.view(Timestamp::MAX);
        let attributes = &self.0.model.rules.attributes;
        let told = |attribute: usize, at: Timestamp| {
            let all = attributes.get(attribute)?.all(&view, at);
            all.into_iter().find(Told::counts).and_then(|told| told.value)
        };
        Contribution::of(&self.0.trends, customer, (&self.told(customer), &told), self.catalog())
    }

    /// Trends out of the bytes that [`Trends::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`StateError`] for bytes that are damaged, or of trends that were counted by other rules.
    pub fn trends_from_bytes(&self, bytes: &[u8]) -> Result<Trends, StateError> {
        Trends::of_bytes(self.0.trends.clone(), bytes)
    }

    /// A snapshot of trends out of the bytes that [`Snapshot::to_bytes`] wrote.
    ///
    /// # Errors
    /// As for [`trends_from_bytes`](Self::trends_from_bytes).
    pub fn snapshot_from_bytes(&self, bytes: &[u8]) -> Result<Snapshot, StateError> {
        Snapshot::of_bytes(self.0.trends.clone(), bytes)
    }
}
