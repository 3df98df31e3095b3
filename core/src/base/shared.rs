use super::CustomerBase;
use crate::customer::{Event, EventError, Identifier};
use crate::decide::{Decision, Request, RequestError};
use crate::engine::{Effects, Reservation};
use crate::query::QueryError;
use crate::value::{Duration, Timestamp};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// A customer base that many threads share: questions run side by side, whatever changes something runs alone. A clone is the same base.
///
/// Threads that [`reserve`](Self::reserve) and [`confirm`](Self::confirm) for one customer, or of one inventory, never get one too many.
///
/// # Examples
/// ```
/// # use tactful::base::SharedBase;
/// # use tactful::{CustomerBase, Engine, Identifier, Request, Timestamp};
/// let shop = "{playbook: shop, version: 1, identity: {customer: {}}, channels: {web: text}, placements: {home: {channel: web}}, \
///     offers: {ticket: {inventory: 3, treatments: {web: {message: Yours}}}}}";
/// let base = SharedBase::new(CustomerBase::new(Engine::compile(&[("shop.yaml", shop)])?));
/// let now = Timestamp::parse("2026-03-01T10:00:00Z")?;
/// let got: usize = std::thread::scope(|scope| {
///     let one = |number: usize| {
///         let base = base.clone();
///         scope.spawn(move || {
///             let who = Identifier::parse(&format!("customer:{number}")).map_err(|_| "an identifier")?;
///             let held = base.reserve(&who, &Request::of("home"), now, None).map_err(|_| "a decision")?;
///             Ok::<_, &str>(held.decision.offers().count())
///         })
///     };
///     let threads: Vec<_> = (0..8).map(one).collect();
///     threads.into_iter().filter_map(|thread| thread.join().ok()?.ok()).sum()
/// });
/// assert_eq!(got, 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct SharedBase(Arc<RwLock<CustomerBase>>);

impl SharedBase {
    /// Shares a base.
    #[must_use]
    pub fn new(base: CustomerBase) -> Self {
        SharedBase(Arc::new(RwLock::new(base)))
    }

    /// The base, to be read: others may read at the same time.
    pub fn read(&self) -> RwLockReadGuard<'_, CustomerBase> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The base, to be changed by nobody else meanwhile.
    pub fn write(&self) -> RwLockWriteGuard<'_, CustomerBase> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// As [`CustomerBase::record`].
    ///
    /// # Errors
    /// As there.
    pub fn record(&self, event: &Event) -> Result<Effects, EventError> {
        self.write().record(event)
    }

    /// As [`CustomerBase::decide`].
    ///
    /// # Errors
    /// As there.
    pub fn decide(
        &self,
        identifier: &Identifier,
        request: &Request,
        now: Timestamp,
        known_at: Option<Timestamp>,
    ) -> Result<Decision, RequestError> {
        self.read().decide(identifier, request, now, known_at)
    }

    /// As [`CustomerBase::explain`].
    ///
    /// # Errors
    /// As there.
    pub fn explain(
        &self,
        identifier: &Identifier,
        request: &Request,
        now: Timestamp,
        known_at: Option<Timestamp>,
    ) -> Result<Decision, RequestError> {
        self.read().explain(identifier, request, now, known_at)
    }

    /// As [`CustomerBase::reserve`].
    ///
    /// # Errors
    /// As there.
    pub fn reserve(
        &self,
        identifier: &Identifier,
        request: &Request,
        now: Timestamp,
        reserve_for: Option<Duration>,
    ) -> Result<Reservation, RequestError> {
        self.write().reserve(identifier, request, now, reserve_for)
    }

    /// As [`CustomerBase::confirm`].
    ///
    /// # Errors
    /// As there.
    pub fn confirm(
        &self,
        identifier: &Identifier,
        decision: &str,
        offer: Option<&str>,
        outcome: &str,
        now: Timestamp,
    ) -> Result<Vec<Effects>, RequestError> {
        self.write().confirm(identifier, decision, offer, outcome, now)
    }

    /// As [`CustomerBase::release`].
    ///
    /// # Errors
    /// As there.
    pub fn release(
        &self,
        identifier: &Identifier,
        decision: &str,
        offer: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<Effects>, RequestError> {
        self.write().release(identifier, decision, offer, now)
    }

    /// As [`CustomerBase::feedback`].
    ///
    /// # Errors
    /// As there.
    pub fn feedback(
        &self,
        identifier: &Identifier,
        decision: &str,
        offer: Option<&str>,
        outcome: &str,
        now: Timestamp,
    ) -> Result<Vec<Effects>, RequestError> {
        self.write().feedback(identifier, decision, offer, outcome, now)
    }

    /// As [`CustomerBase::query`].
    ///
    /// # Errors
    /// As there.
    pub fn query(&self, question: &str) -> Result<String, QueryError> {
        self.read().query(question)
    }
}
