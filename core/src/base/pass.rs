//! Time passes for all customers of a base.

use super::CustomerBase;
use crate::customer::{Customer, Identifier};
use crate::engine::Effects;
use crate::value::Timestamp;
use std::sync::Arc;

impl CustomerBase {
    /// Lets time pass up to `now` for all customers and tells what changed without an event, in the order in which it happened, of one
    /// instant by customer; each effect says whom it is about. In one step or in a thousand the effects are the same.
    ///
    /// Takes time in proportion to the number of customers.
    pub fn advance(&mut self, now: Timestamp) -> Effects {
        let engine = self.engine.clone();
        let mut effects = Vec::new();
        for customer in self.customers.values_mut() {
            let caused = engine.advance(customer, now);
            effects.extend(about(customer, caused).effects);
        }
        effects.sort_by_key(|effect| effect.at);
        Effects { arrival: None, effects }
    }

    /// The first instant at which something may change for any customer without an event, see [`Engine::next_due`]: when to call
    /// [`advance`](Self::advance). `None` when nothing will. The question `customers` says for whom.
    ///
    /// Takes time in proportion to the number of customers.
    ///
    /// [`Engine::next_due`]: crate::Engine::next_due
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.customers.values().filter_map(|customer| self.engine.next_due(customer)).min()
    }

    /// The customers whose id comes after an identifier, by id; all without one.
    pub(crate) fn after(&self, identifier: Option<&Identifier>) -> impl Iterator<Item = &Customer> {
        self.customers.after(identifier)
    }
}

/// Effects that say whom they are about.
fn about(customer: &Customer, mut caused: Effects) -> Effects {
    if !caused.effects.is_empty() {
        let id: Arc<str> = customer.id().into();
        caused.effects.iter_mut().for_each(|effect| effect.customer = Some(id.clone()));
    }
    caused
}
