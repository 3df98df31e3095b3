//! The customer base in memory: all customers of an organisation, found by identifier.

mod bytes;
mod links;
mod load;
mod replay;
mod rows;

pub use replay::{Progress, Replay, ReplayError, ReplayOptions, Step, Watch};
pub use rows::{
    BadRow, BadRows, CustomerRow, DecisionRow, GateRow, ReplayStats, ReplayTables, SegmentRow, StageRow, TransitionRow,
};

use crate::customer::{ATTRIBUTES_SET, Arrival, Customer, Event, EventError, Identifier, Prepared, Strand, primary};
use crate::decide::{Decision, Request, RequestError};
use crate::encoding::Section;
use crate::engine::{Effects, Engine};
use crate::value::Timestamp;
use links::Links;
use std::collections::BTreeMap;

/// All customers of an organisation. Events find their customer by identifier; links join customers and unlinking parts them
/// again, because a customer is a set of strands and everything else is derived.
#[derive(Debug, Clone)]
pub struct CustomerBase {
    engine: Engine,
    /// By the smallest identifier of each customer.
    customers: BTreeMap<Identifier, Customer>,
    links: Links,
    /// Sections of its bytes that this version does not know.
    unknown: Vec<Section>,
}

impl CustomerBase {
    /// An empty base.
    #[must_use]
    pub fn new(engine: Engine) -> Self {
        CustomerBase { engine, customers: BTreeMap::new(), links: Links::default(), unknown: Vec::new() }
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
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

    /// The customer that an identifier points to.
    #[must_use]
    pub fn find(&self, identifier: &Identifier) -> Option<&Customer> {
        self.customers.get(self.links.customer_of(identifier))
    }

    /// Records an event for the customer whom its identifiers point to, who is made when nobody is known by them.
    ///
    /// An event with several identifiers is kept under the one whose namespace was declared first. `linked` joins the
    /// customers of its two identifiers, `unlinked` takes that back.
    ///
    /// # Errors
    /// [`EventError`]; nothing is changed then.
    pub fn record(&mut self, event: &Event) -> Result<Effects, EventError> {
        let namespaces = self.engine.namespaces();
        let identifier = primary(&event.identifiers, &namespaces)?.clone();
        if event.event_type == ATTRIBUTES_SET {
            let (engine, parts) = (self.engine.clone(), crate::engine::parts(event)?);
            let prepared = engine.prepare_attributes(&parts, None)?;
            return engine.record_attributes(self.customer_mut(&identifier), &identifier, &prepared);
        }
        let prepared = self.engine.layout().prepare(event, None)?;
        let link = links::pair(event, &namespaces)?;
        let effects = self.record_prepared(&identifier, &prepared)?;
        if let Some((a, b)) = link {
            self.link(&a, &b, event);
        }
        Ok(effects)
    }

    /// Records an event that fits the schema under its primary identifier.
    fn record_prepared(&mut self, identifier: &Identifier, event: &Prepared<'_>) -> Result<Effects, EventError> {
        let engine = self.engine.clone();
        engine.record_prepared(self.customer_mut(identifier), identifier, event)
    }

    /// Puts an event into the story without deriving anything from it yet.
    fn insert(&mut self, identifier: &Identifier, event: &Prepared<'_>) -> Result<Arrival, EventError> {
        let engine = self.engine.clone();
        engine.insert(self.customer_mut(identifier), identifier, event)
    }

    fn customer_mut(&mut self, identifier: &Identifier) -> &mut Customer {
        let owner = self.links.customer_of(identifier).clone();
        let layout = self.engine.layout().clone();
        self.customers.entry(owner).or_insert_with(|| Customer::new(identifier.clone(), layout))
    }

    /// Decides for the customer whom an identifier points to, as met on it; somebody unknown is a customer without events.
    ///
    /// # Errors
    /// [`RequestError`] as for [`Engine::decide`], or for an identifier of an undeclared namespace.
    pub fn decide(&self, identifier: &Identifier, request: &Request, now: Timestamp) -> Result<Decision, RequestError> {
        self.with_customer(identifier, |customer| self.engine.decide(customer, &request.met_on(identifier), now, None))
    }

    /// The same decision with the reasons for every candidate.
    ///
    /// # Errors
    /// As for [`decide`](Self::decide).
    pub fn explain(&self, identifier: &Identifier, request: &Request, now: Timestamp) -> Result<Decision, RequestError> {
        self.with_customer(identifier, |customer| self.engine.explain(customer, &request.met_on(identifier), now, None))
    }

    fn with_customer(
        &self,
        identifier: &Identifier,
        answer: impl FnOnce(&Customer) -> Result<Decision, RequestError>,
    ) -> Result<Decision, RequestError> {
        match self.find(identifier) {
            Some(customer) => answer(customer),
            None => {
                let nobody = self.engine.customer(identifier);
                let nobody = nobody.map_err(|error| RequestError::new(error.code(), "identifier", error.message()))?;
                answer(&nobody)
            }
        }
    }

    /// Follows what an event says about who is the same person.
    fn link(&mut self, a: &Identifier, b: &Identifier, event: &Event) {
        let before = [a, b].map(|identifier| self.links.customer_of(identifier).clone());
        let id = event.id.clone().unwrap_or_default();
        if !self.links.tell(a, b, event.time, event.sequence, &id, event.event_type == "linked") {
            return;
        }
        let strands: Vec<Strand> =
            before.iter().filter_map(|owner| self.customers.remove(owner)).flat_map(Customer::into_strands).collect();
        let affected: Vec<Identifier> =
            strands.iter().map(|strand| strand.identifier().clone()).chain([a.clone(), b.clone()]).collect();
        self.links.regroup(&affected);
        let mut groups: BTreeMap<Identifier, Vec<Strand>> = BTreeMap::new();
        for strand in strands {
            groups.entry(self.links.customer_of(strand.identifier()).clone()).or_default().push(strand);
        }
        for (owner, strands) in groups {
            let mut customer = Customer::of_strands(strands);
            let last = customer.view(Timestamp::MAX).last_instant();
            if let Some(last) = last {
                self.engine.advance(&mut customer, last);
            }
            self.customers.insert(owner, customer);
        }
    }
}
