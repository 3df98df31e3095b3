//! What came of decisions, as far as it follows from what was told: what was ignored, what is over.

use super::Engine;
use crate::commitment::{Commitment, CommitmentState};
use crate::customer::{Customer, Event, RECTIFIED, StoryRow, outcome_column};
use crate::expr::EventKind;
use crate::value::{Span, Timestamp, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

/// Outcomes that answer what was shown.
pub(crate) const ANSWERS: [&str; 9] =
    ["clicked", "dismissed", "accepted", "rejected", "converted", "redeemed", "complained", "unsubscribed", "muted"];

impl Engine {
    /// The commitments of a customer at an instant, in the order in which they were accepted; none where no offer declares one.
    #[must_use]
    pub fn commitments(&self, customer: &Customer, now: Timestamp, known_at: Option<Timestamp>) -> Vec<Commitment> {
        let known_at = known_at.unwrap_or(now);
        let Some(rules) = &self.model().rules.sources.commitments else { return Vec::new() };
        let customer = self.as_known(customer, known_at);
        rules.commitments(&customer.view(known_at), now, &|_| true)
    }

    /// The outcomes of a customer's decisions that are due at an instant and were not told yet: `ignored` for what was shown and not
    /// answered in the declared time, `expired` for reservations and commitments whose time is over, and `rectified` for an `ignored` that an
    /// answer contradicts which came late. Record them, and caps, pauses and rules see them. Each has the instant at which it was due, and
    /// an id that follows from the decision, so that telling one twice counts once.
    #[must_use]
    pub fn due_outcomes(&self, customer: &Customer, now: Timestamp) -> Vec<Event> {
        let mut due = Vec::new();
        self.ignored(customer, now, &mut due);
        self.over(customer, now, &mut due);
        due.sort_by(|a, b| (a.time, &a.id).cmp(&(b.time, &b.id)));
        due
    }

    fn ignored(&self, customer: &Customer, now: Timestamp, due: &mut Vec<Event>) {
        let Some(length) = self.playbook().outcomes.ignored_after else { return };
        let reserved = &self.model().rules.sources.reserved;
        let view = customer.view(Timestamp::MAX);
        let kinds: Vec<EventKind> = ANSWERS.iter().filter_map(|name| reserved.outcome(name)).collect();
        // When each slot, or each offer without a decision, was answered.
        let mut answered: BTreeMap<String, Vec<Timestamp>> = BTreeMap::new();
        view.events(&kinds, Span::lifetime(now), &mut |row| {
            answered.entry(slot(&row)).or_default().push(row.time());
            ControlFlow::Continue(())
        });
        let (Some(shown), Some(ignored)) = (reserved.outcome("shown"), reserved.outcome("ignored")) else { return };
        let mut told: BTreeSet<String> = BTreeSet::new();
        view.events(&[ignored], Span::lifetime(now), &mut |row| {
            told.insert(row.id().to_owned());
            ControlFlow::Continue(())
        });
        view.events(&[shown], Span::lifetime(now), &mut |row| {
            let end = row.time().saturating_add_micros(length.micros());
            let answer = |answers: &Vec<Timestamp>| answers.iter().any(|answer| *answer >= row.time() && *answer < end);
            let answered = answered.get(&slot(&row)).is_some_and(answer);
            let Some(event) = again(&row, "ignored", end) else { return ControlFlow::Continue(()) };
            let known = event.id.as_ref().is_some_and(|id| told.contains(id));
            if known && answered {
                let id = event.id.clone().unwrap_or_default();
                let identifier = row.strand().identifier().clone();
                let wrong = Event::new(RECTIFIED, end, identifier).with_id(&format!("{id}:answered")).with("event", &*id);
                due.push(wrong.with("reason", "it was answered in time"));
            } else if !known && !answered && end <= now {
                due.push(event);
            }
            ControlFlow::Continue(())
        });
    }

    fn over(&self, customer: &Customer, now: Timestamp, due: &mut Vec<Event>) {
        let reserved = &self.model().rules.sources.reserved;
        let view = customer.view(Timestamp::MAX);
        for row in crate::decide::lapsed(&view, reserved, now) {
            let expires = crate::counters::expires(&row).unwrap_or(now);
            due.extend(again(&row, "expired", expires));
        }
        let (Some(rules), Some(expired)) = (&self.model().rules.sources.commitments, reserved.outcome("expired")) else {
            return;
        };
        let mut told: BTreeSet<String> = BTreeSet::new();
        view.events(&[expired], Span::lifetime(now), &mut |row| {
            told.insert(row.id().to_owned());
            ControlFlow::Continue(())
        });
        let ended = rules.commitments(&view, now, &|_| true);
        let ended = ended.into_iter().filter(|own| own.state == CommitmentState::Ended && own.until == own.expires);
        let at: BTreeMap<String, Timestamp> = ended.filter_map(|own| Some((own.event, own.until?))).collect();
        let [accepted, ..] = rules.kinds();
        view.events(&[accepted], Span::lifetime(now), &mut |row| {
            if let Some(time) = at.get(row.id())
                && let Some(event) = again(&row, "expired", *time)
            {
                let id = format!("{}:commitment", event.id.as_deref().unwrap_or(""));
                if !told.contains(&id) {
                    due.push(event.with_id(&id));
                }
            }
            ControlFlow::Continue(())
        });
    }
}

/// Which slot of which decision an outcome is about; without a decision, which offer.
fn slot(row: &StoryRow<'_>) -> String {
    match (row.text(outcome_column::DECISION), row.text(outcome_column::PLACEMENT), row.value(outcome_column::SLOT)) {
        (Some(decision), Some(placement), Some(Value::Int(slot))) => format!("{decision}:{placement}:{slot}"),
        _ => format!("\n{}", row.text(outcome_column::OFFER).unwrap_or("")),
    }
}

/// An outcome told again as another.
pub(super) fn again(row: &StoryRow<'_>, outcome: &str, time: Timestamp) -> Option<Event> {
    let mut event = row.told()?;
    let number = match row.value(outcome_column::SLOT) {
        Some(Value::Int(number)) => Some(number),
        _ => None,
    };
    let id = match (row.text(outcome_column::DECISION), row.text(outcome_column::PLACEMENT), number) {
        (Some(decision), Some(placement), Some(slot)) => format!("{decision}:{outcome}:{placement}:{slot}"),
        _ => format!("{outcome}:{}", row.id()),
    };
    event.properties.retain(|(name, _)| name != "expires");
    (event.event_type, event.time, event.known_at, event.sequence) = (outcome.to_owned(), time, None, 0);
    Some(event.with_id(&id))
}
