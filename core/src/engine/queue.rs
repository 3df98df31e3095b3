//! The queue of a customer: what reactions propose and what waits, at an instant.

use super::{Effected, Engine};
use crate::customer::{Customer, What};
use crate::engine::effect::Namer;
use crate::value::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

/// What reactions propose for a customer, and what waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReactionQueue {
    /// Proposals that still stand: those with the larger priority first, then the earlier ones.
    pub due: Vec<Due>,
    /// What is proposed later, unless something comes between, the earliest first.
    pub waiting: Vec<Waits>,
    /// Feedback that was not answered in time, by name, one for each case, the earliest first.
    pub overdue: Vec<Arc<str>>,
}

/// A proposal that stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "reaction_proposed")]
pub struct Due {
    /// When it was proposed.
    pub at: Timestamp,
    /// The proposal, as the effect has it.
    #[serde(flatten)]
    pub proposal: Effected,
    /// The id of the event that triggered it.
    pub cause: Option<Arc<str>>,
}

/// Something that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "reaction_waiting")]
pub struct Waits {
    /// The reaction, or `feedback.<name>` for an answer that is awaited.
    pub reaction: Arc<str>,
    /// When it is proposed, or the answer overdue.
    pub due: Timestamp,
    /// When it was triggered.
    pub since: Timestamp,
    /// What tells it apart from others of the reaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<Arc<str>>,
}

impl Engine {
    /// What reactions propose for a customer at an instant, and what waits; for hosts that do not keep the effects. Changes nothing.
    #[must_use]
    pub fn reactions(&self, customer: &Customer, now: Timestamp, known_at: Option<Timestamp>) -> ReactionQueue {
        let customer = &*self.as_known(customer, known_at.unwrap_or(now));
        let view = customer.view(known_at.unwrap_or(now));
        let state = self.state(customer, &view, now);
        let namer = Namer { playbook: self.playbook(), model: self.model(), customer: customer.identifier().cloned() };
        let (mut due, mut overdue) = (Vec::new(), Vec::new());
        for change in state.changes.iter().filter(|change| change.at <= now) {
            if !matches!(change.what, What::Proposed { .. }) {
                continue;
            }
            match namer.what(change) {
                Effected::ResponseOverdue { feedback, .. } => overdue.push(feedback),
                Effected::ReactionDue { not_after: Some(end), .. } if end <= now => {}
                proposal => due.push(Due { at: change.at, proposal, cause: change.event.clone() }),
            }
        }
        let priority = |due: &Due| match due.proposal {
            Effected::ReactionDue { priority, .. } => priority,
            _ => 0,
        };
        due.sort_by_key(|due| (std::cmp::Reverse(priority(due)), due.at));
        let names = &self.0.names.reactions;
        let waiting = state.reactions.iter().zip(names).flat_map(|(reaction, name)| {
            reaction.waiting.iter().map(|waiting| Waits {
                reaction: name.clone(),
                due: waiting.due,
                since: waiting.since,
                instance: waiting.instance.clone(),
            })
        });
        let mut waiting: Vec<Waits> = waiting.collect();
        waiting.sort_by_key(|waiting| waiting.due);
        ReactionQueue { due, waiting, overdue }
    }
}
