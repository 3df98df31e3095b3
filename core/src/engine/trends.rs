//! Trends of the customers of an engine.

use super::Engine;
use crate::customer::Customer;
use crate::encoding::StateError;
use crate::trends::{Contribution, Snapshot, Trends};

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

    /// Counts a customer, in place of what they contributed before under any of their identifiers: corrections, links and partings
    /// take effect.
    pub fn observe(&self, trends: &mut Trends, customer: &Customer) {
        let contribution = self.contribution(customer);
        let identifiers = customer.strands().iter().map(|strand| strand.identifier().as_str());
        trends.replace(customer.id(), identifiers, contribution);
    }

    /// What a customer contributes to trends: all that is in their story, and the stages and segments entered so far.
    #[must_use]
    pub fn contribution(&self, customer: &Customer) -> Contribution {
        Contribution::of(&self.0.trends, customer, &self.told(customer), self.catalog())
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
