//! Offers that were accepted: what was promised with them, and whether it was kept.
//!
//! A commitment begins with `accepted`, of an offer that declares one, and ends with `fulfilled`, `expired` or `released` of the same slot
//! of the same decision, or else of the same offer, or when its time is over. Its terms are those that the outcome carries.

use crate::customer::{Reserved, StoryRow, View, outcome_column};
use crate::expr::EventKind;
use crate::playbook::{self, Playbook};
use crate::value::{Duration, Span, Timestamp, Value};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Which offers are commitments once they are accepted.
#[derive(Debug, Clone)]
pub(crate) struct CommitmentRules {
    offers: BTreeMap<Arc<str>, playbook::Commitment>,
    accepted: EventKind,
    fulfilled: EventKind,
    expired: EventKind,
    released: EventKind,
}

/// A commitment as it stands at an instant.
#[derive(Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "commitment")]
#[non_exhaustive]
pub struct Commitment {
    /// The offer.
    pub offer: Arc<str>,
    /// `open`, `overdue`, `fulfilled` or `ended`.
    pub state: CommitmentState,
    /// When it was accepted.
    pub since: Timestamp,
    /// From when on it is overdue.
    pub due: Option<Timestamp>,
    /// When it ends if it is not fulfilled.
    pub expires: Option<Timestamp>,
    /// When it was fulfilled or ended.
    pub until: Option<Timestamp>,
    /// The decision that made the offer, when it is known.
    pub decision: Option<String>,
    /// What was promised: terms by name; null when the outcome told none.
    #[schemars(with = "Option<BTreeMap<String, serde_json::Value>>")]
    pub terms: Option<serde_json::Value>,
    /// The id of the event that accepted it.
    pub event: String,
    #[serde(skip)]
    #[schemars(skip)]
    slot: Slot,
}

/// How a commitment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "commitment_state")]
pub enum CommitmentState {
    /// Accepted, and not due yet.
    Open,
    /// It should have been fulfilled.
    Overdue,
    /// It was fulfilled.
    Fulfilled,
    /// It ended without that.
    Ended,
}

/// What rules ask about commitments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CommitmentFact {
    /// `commitments.open`: how many are neither fulfilled nor ended, those overdue too.
    Open,
    /// `commitments.overdue`: how many are overdue.
    Overdue,
    /// `commitments.due`: when the next of those is due, or was.
    Due,
}

/// Which slot of which decision, as the outcome told it.
type Slot = (Option<Arc<str>>, Option<i64>);

impl CommitmentState {
    /// The name in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            CommitmentState::Open => "open",
            CommitmentState::Overdue => "overdue",
            CommitmentState::Fulfilled => "fulfilled",
            CommitmentState::Ended => "ended",
        }
    }
}

impl CommitmentFact {
    pub(crate) const ALL: [CommitmentFact; 3] = [CommitmentFact::Open, CommitmentFact::Overdue, CommitmentFact::Due];

    pub(crate) fn name(self) -> &'static str {
        match self {
            CommitmentFact::Open => "open",
            CommitmentFact::Overdue => "overdue",
            CommitmentFact::Due => "due",
        }
    }
}

impl CommitmentRules {
    /// `None` where no offer declares a commitment.
    pub(crate) fn of(playbook: &Playbook, reserved: &Reserved) -> Option<Self> {
        let declared = playbook.offers.iter().filter_map(|offer| Some((offer.name.text.clone(), offer.commitment?)));
        let offers: BTreeMap<_, _> = declared.collect();
        if offers.is_empty() {
            return None;
        }
        Some(CommitmentRules {
            offers,
            accepted: reserved.outcome("accepted")?,
            fulfilled: reserved.outcome("fulfilled")?,
            expired: reserved.outcome("expired")?,
            released: reserved.released,
        })
    }

    /// The event types that begin or end one.
    pub(crate) fn kinds(&self) -> [EventKind; 4] {
        [self.accepted, self.fulfilled, self.expired, self.released]
    }

    /// All commitments of a customer at an instant, in the order of the story; those that `reads` leaves out are not seen.
    pub(crate) fn commitments(&self, view: &View<'_>, now: Timestamp, reads: &dyn Fn(Timestamp) -> bool) -> Vec<Commitment> {
        let mut found: Vec<Commitment> = Vec::new();
        view.events(&self.kinds(), Span::lifetime(now), &mut |row| {
            let Some(offer) = row.text(outcome_column::OFFER).filter(|_| reads(row.time())) else {
                return ControlFlow::Continue(());
            };
            if row.kind() == self.accepted {
                if let Some((offer, rule)) = self.offers.get_key_value(offer) {
                    found.push(Commitment::of(&row, offer.clone(), rule));
                }
            } else if !own_reservation(&row) {
                let (decision, slot) = (row.text(outcome_column::DECISION), slot_of(&row));
                let same = |own: &&mut Commitment| {
                    let named = own.decision.as_deref() == decision && own.slot == slot;
                    own.until.is_none() && *own.offer == *offer && (decision.is_none() || own.decision.is_none() || named)
                };
                if let Some(own) = found.iter_mut().find(same) {
                    own.until = Some(row.time());
                    let kept = row.kind() == self.fulfilled;
                    own.state = if kept { CommitmentState::Fulfilled } else { CommitmentState::Ended };
                }
            }
            ControlFlow::Continue(())
        });
        for own in &mut found {
            // What was over when it ended had ended before.
            if let Some(expires) = own.expires.filter(|expires| *expires <= own.until.unwrap_or(now)) {
                (own.state, own.until) = (CommitmentState::Ended, Some(expires));
            } else if own.until.is_none() && own.due.is_some_and(|due| due <= now) {
                own.state = CommitmentState::Overdue;
            }
        }
        found
    }

    /// The value of a fact, and the first later instant at which it changes without an event.
    pub(crate) fn fact(&self, all: &[Commitment], asked: CommitmentFact, now: Timestamp) -> (Option<Value>, Option<Timestamp>) {
        let open = || all.iter().filter(|own| own.until.is_none());
        let ahead = open().flat_map(|own| [own.due, own.expires]).flatten().filter(|at| *at > now).min();
        let count = |number: usize| Some(Value::Int(i64::try_from(number).unwrap_or(i64::MAX)));
        let value = match asked {
            CommitmentFact::Open => count(open().count()),
            CommitmentFact::Overdue => count(open().filter(|own| own.state == CommitmentState::Overdue).count()),
            CommitmentFact::Due => open().filter_map(|own| own.due).min().map(Value::from),
        };
        (value, ahead)
    }
}

impl Commitment {
    fn of(row: &StoryRow<'_>, offer: Arc<str>, rule: &playbook::Commitment) -> Self {
        let after = |length: Option<Duration>| length.map(|length| row.time().saturating_add_micros(length.micros()));
        Commitment {
            offer,
            state: CommitmentState::Open,
            since: row.time(),
            due: after(rule.fulfil_within),
            expires: after(rule.expires_after),
            until: None,
            decision: row.text(outcome_column::DECISION).map(str::to_owned),
            terms: row.text(outcome_column::TERMS).and_then(|terms| serde_json::from_str(terms).ok()),
            event: row.id().to_owned(),
            slot: slot_of(row),
        }
    }
}

fn slot_of(row: &StoryRow<'_>) -> Slot {
    let number = match row.value(outcome_column::SLOT) {
        Some(Value::Int(number)) => Some(number),
        _ => None,
    };
    (row.text(outcome_column::PLACEMENT).map(Arc::from), number)
}

/// Whether an event says that the reservation of a slot is over, rather than what was promised in it.
fn own_reservation(row: &StoryRow<'_>) -> bool {
    let Some(decision) = row.text(outcome_column::DECISION) else { return false };
    let (placement, slot) = (row.text(outcome_column::PLACEMENT), row.value(outcome_column::SLOT));
    match (placement, slot) {
        (Some(placement), Some(Value::Int(slot))) => row.id() == format!("{decision}:expired:{placement}:{slot}"),
        _ => false,
    }
}

/// How it stands, not what was promised.
impl std::fmt::Debug for Commitment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Commitment").field("offer", &self.offer).field("state", &self.state).finish_non_exhaustive()
    }
}
