//! The same engine with something otherwise, to see what that changes.

use super::{Engine, compile};
use crate::context::Context;
use crate::customer::Customer;
use crate::decide::{Request, facts_in_order};
use crate::error::Diagnostics;
use crate::playbook::Playbook;
use crate::value::Timestamp;
use smallvec::SmallVec;
use std::sync::Arc;

impl Engine {
    /// The playbook changed and compiled; `None` when that is a mistake. It keeps its digest, so that customers of this engine are known
    /// to it: what is told as an event must not change.
    pub(crate) fn variant(&self, change: impl FnOnce(&mut Playbook)) -> Option<Engine> {
        let mut playbook = self.playbook().clone();
        change(&mut playbook);
        compile::compile(playbook, Diagnostics::default(), None).ok().map(|(inner, _)| Engine(Arc::new(inner), self.1.clone()))
    }

    /// Everything readable about a customer at an instant by the rules of a request. Nothing is read when a fact of it does not fit.
    pub(crate) fn look_asking(
        &self,
        customer: &Customer,
        request: &Request,
        (now, known_at): (Timestamp, Timestamp),
        read: impl FnOnce(&Context<'_>),
    ) {
        let rules = &self.model().rules;
        let Ok(facts) = facts_in_order(request, &self.offers().request, &rules.sources.schema) else { return };
        let customer = &*self.as_known(customer, known_at);
        let view = customer.view(known_at);
        let state = self.state(customer, &view, now);
        let places: SmallVec<[_; 2]> = state.journeys.iter().map(|journey| journey.place).collect();
        let assigned = rules.experiments.assign(view, now, None);
        let context = Context::new(rules, view, now, &facts, &places, &self.model().journeys.stages);
        read(&context.standing(&state.journeys).assigned(&assigned));
    }
}
