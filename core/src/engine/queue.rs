//! The queue of a customer: what reactions propose and what waits, at an instant.

use super::{Effected, Engine};
use crate::customer::{Customer, View, What, outcome_column};
use crate::engine::effect::Namer;
use crate::expr::EventKind;
use crate::reaction::ReactionRule;
use crate::value::{Span, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
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
    /// What reactions propose for a customer at an instant, and what waits; for hosts that do not keep the effects. A proposal stands
    /// until an outcome is told that can be its answer: of one of its offers, on its placement, at its instant or later and before its
    /// `not_after`; each decision answers one proposal of a reaction, the earliest. Feedback is overdue until an event answers or resolves
    /// it. Changes nothing.
    #[must_use]
    pub fn reactions(&self, customer: &Customer, now: Timestamp, known_at: Option<Timestamp>) -> ReactionQueue {
        let customer = &*self.as_known(customer, known_at.unwrap_or(now));
        let view = customer.view(known_at.unwrap_or(now));
        let state = self.state(customer, &view, now);
        let namer = Namer { playbook: self.playbook(), model: self.model(), customer: customer.identifier().cloned() };
        let (mut due, mut overdue) = (Vec::new(), Vec::new());
        let mut answers = Answers { said: self.contacts(&view, now), taken: BTreeSet::new() };
        for change in state.changes.iter().filter(|change| change.at <= now) {
            let What::Proposed { reaction: number, instance, .. } = &change.what else { continue };
            let Some(rule) = self.model().reactions.rules.get(usize::from(*number)) else { continue };
            match namer.what(change) {
                Effected::ResponseOverdue { feedback, .. } => {
                    if !answered(rule, &view, (change.at, now), instance.as_ref()) {
                        overdue.push(feedback);
                    }
                }
                Effected::ReactionDue { not_after, .. } if answers.take(self, (*number, rule), change.at, not_after) => {}
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

impl Engine {
    /// What was said to a customer, by decision: when first, of which offer, on which placement.
    fn contacts(&self, view: &View<'_>, now: Timestamp) -> Vec<Said> {
        let mut said: Vec<Said> = Vec::new();
        if self.model().reactions.rules.iter().all(|rule| rule.missed) {
            return said;
        }
        let reserved = &self.model().rules.sources.reserved;
        let kinds: Vec<EventKind> = SAYING.iter().filter_map(|name| reserved.outcome(name)).collect();
        let mut known: BTreeSet<(String, String, String)> = BTreeSet::new();
        view.events(&kinds, Span::lifetime(now), &mut |row| {
            let text = |column: usize| row.text(column).unwrap_or("").to_owned();
            let (offer, placement) = (text(outcome_column::OFFER), text(outcome_column::PLACEMENT));
            let decision = row.text(outcome_column::DECISION).unwrap_or(row.id()).to_owned();
            if known.insert((decision.clone(), offer.clone(), placement.clone())) {
                said.push(Said { time: row.time(), decision, offer, placement });
            }
            ControlFlow::Continue(())
        });
        said
    }
}

/// Outcomes that tell that something was said.
const SAYING: [&str; 4] = ["decided", "sent", "delivered", "shown"];

/// Something that was said to a customer.
struct Said {
    time: Timestamp,
    /// The decision; the id of the event without one.
    decision: String,
    offer: String,
    placement: String,
}

/// What answers proposals.
struct Answers {
    /// In the order of the story.
    said: Vec<Said>,
    /// By number of the reaction: the decisions that answered an earlier proposal of it.
    taken: BTreeSet<(u16, String)>,
}

impl Answers {
    /// Finds what answers a proposal of a reaction, which answers no other of it then.
    fn take(&mut self, engine: &Engine, (number, rule): (u16, &ReactionRule), at: Timestamp, end: Option<Timestamp>) -> bool {
        let offers = &engine.offers().offers;
        let answers = |said: &&Said| {
            let in_time = said.time >= at && end.is_none_or(|end| said.time < end);
            let own = rule
                .offers
                .as_ref()
                .map(|own| own.iter().any(|place| offers.get(*place).is_some_and(|offer| *offer.name == *said.offer)));
            let here = rule.placement.as_ref().map(|(name, _)| said.placement.is_empty() || **name == *said.placement);
            // Without offers of its own only the placement tells.
            let fits = match (own, here) {
                (Some(own), here) => own && here.unwrap_or(true),
                (None, here) => here.unwrap_or(false) && !said.placement.is_empty(),
            };
            in_time && fits && !self.taken.contains(&(number, said.decision.clone()))
        };
        let found = self.said.iter().find(answers).map(|said| said.decision.clone());
        found.is_some_and(|decision| self.taken.insert((number, decision)))
    }
}

/// Whether feedback was answered or resolved after its answer was overdue.
fn answered(rule: &ReactionRule, view: &View<'_>, (at, now): (Timestamp, Timestamp), instance: Option<&Arc<str>>) -> bool {
    let mut found = false;
    view.events(rule.answers(), Span::from(at, now), &mut |row| {
        found = rule.is_about(&row, instance);
        if found { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    found
}
