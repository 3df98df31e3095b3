//! Where the reactions of a playbook stand for a customer: what waits to be proposed, and when something last was.

use super::derived::SegmentState;
use crate::value::Timestamp;
use smallvec::SmallVec;
use std::sync::Arc;

/// How one reaction stands. Derived from the story like segments and journeys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReactionState {
    /// How its own conditions stand, in the order of its triggers, and when each may next change without an event.
    pub conditions: SmallVec<[SegmentState; 1]>,
    /// When it last proposed something.
    pub last: Option<Timestamp>,
    /// What waits for its instant, in the order in which it was triggered.
    pub waiting: SmallVec<[Waiting; 1]>,
}

/// Something that was triggered and is not proposed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// When it is proposed, unless something comes between.
    pub due: Timestamp,
    /// When it was triggered; of several triggers that are one, the last.
    pub since: Timestamp,
    /// When the first of them was.
    pub first: Timestamp,
    /// The number of the trigger.
    pub by: u16,
    /// What tells it apart from others of the reaction, such as an order.
    pub instance: Option<Arc<str>>,
    /// The id of the event that triggered it.
    pub event: Option<Arc<str>>,
}

impl ReactionState {
    /// Whether something waits that was triggered at an instant by nothing but time.
    pub(super) fn waits_by_time_alone(&self, at: Timestamp) -> bool {
        self.waiting.iter().any(|waiting| waiting.since == at && waiting.event.is_none())
    }

    /// When this may next change without an event.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        let conditions = self.conditions.iter().filter_map(|condition| condition.due());
        conditions.chain(self.waiting.iter().map(|waiting| waiting.due)).min()
    }

    /// The same after an instant.
    #[cold]
    pub(crate) fn due_after(&self, at: Timestamp) -> Option<Timestamp> {
        let conditions = self.conditions.iter().filter_map(|condition| condition.due());
        conditions.chain(self.waiting.iter().map(|waiting| waiting.due)).filter(|due| *due > at).min()
    }
}
