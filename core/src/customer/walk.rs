use super::derived::{JourneyState, earlier_of};
use crate::value::Timestamp;

/// What moved a customer in a journey: the kind of rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// An event of `on`.
    Event,
    /// `enter` became true.
    Condition,
    /// The journey's `entry`.
    Entry,
    /// A time-out.
    Timeout,
    /// The end of a `wait`.
    Wait,
    /// One of `branches`.
    Branch,
    /// The stage's or the journey's `max_stay`.
    MaxStay,
    /// The stage's `exit`.
    StageExit,
    /// The journey's `exit`.
    Exit,
    /// `return`, back to where the customer had dropped out.
    Return,
    /// The journey around this one.
    Outer,
    /// The end of a journey inside of this one.
    Inner,
    /// Another version of the playbook.
    Migration,
}

impl Way {
    /// All of them; the place of each is its number in bytes.
    pub const ALL: [Way; 13] = [
        Way::Event,
        Way::Condition,
        Way::Entry,
        Way::Timeout,
        Way::Wait,
        Way::Branch,
        Way::MaxStay,
        Way::StageExit,
        Way::Exit,
        Way::Return,
        Way::Outer,
        Way::Inner,
        Way::Migration,
    ];

    /// Its name in answers: that of the key in the playbook.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Way::Event => "on",
            Way::Condition => "enter",
            Way::Entry => "entry",
            Way::Timeout => "timeout",
            Way::Wait => "wait",
            Way::Branch => "branches",
            Way::MaxStay => "max_stay",
            Way::StageExit => "stage_exit",
            Way::Exit => "exit",
            Way::Return => "return",
            Way::Outer => "outer",
            Way::Inner => "inner",
            Way::Migration => "migration",
        }
    }
}

/// What is known of a customer's way through a journey beside where they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Walk {
    /// When they came in the last time.
    pub began: Option<Timestamp>,
    /// When they went out, or came to a final stage, the last time; `None` while they are in.
    pub ended: Option<Timestamp>,
    /// How often they came in.
    pub entries: u32,
    /// When the stage's wait ends.
    pub wait: Option<Timestamp>,
    /// When the stage's longest stay ends.
    pub limit: Option<Timestamp>,
    /// When the journey's longest stay ends.
    pub end: Option<Timestamp>,
    /// From which stage they dropped out.
    pub back: Option<u16>,
}

impl Walk {
    /// When something changes without an event.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        // A wait that only an event ends lasts to the end of time.
        let wait = self.wait.filter(|wait| *wait < Timestamp::MAX);
        earlier_of(earlier_of(wait, self.limit), self.end)
    }
}

impl JourneyState {
    /// When something may change without an event.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        if let Some(instances) = &self.instances {
            return instances.due();
        }
        let conditions = self.conditions.iter().fold(None, |due, condition| earlier_of(due, condition.due()));
        let place = self.place.and_then(|place| earlier_of(place.timeout, place.stays_until));
        earlier_of(earlier_of(conditions, place), self.walk.due())
    }

    /// The same after an instant.
    pub(crate) fn due_after(&self, at: Timestamp) -> Option<Timestamp> {
        match self.due() {
            Some(due) if due <= at => self.later_due(at),
            due => due,
        }
    }

    /// The same where something that was due by then could not be done.
    #[cold]
    fn later_due(&self, at: Timestamp) -> Option<Timestamp> {
        if let Some(instances) = &self.instances {
            return instances.open().filter_map(|(_, state)| state.due_after(at)).min();
        }
        let conditions = self.conditions.iter().map(|condition| condition.due());
        let place = self.place.map_or([None, None], |place| [place.timeout, place.stays_until]);
        let walk = [self.walk.wait.filter(|wait| *wait < Timestamp::MAX), self.walk.limit, self.walk.end];
        conditions.chain(place).chain(walk).flatten().filter(|due| *due > at).min()
    }

    /// Whether the customer is in, and not in a final stage.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.place.is_some() && self.walk.ended.is_none()
    }
}
