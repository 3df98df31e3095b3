use super::derived::{JourneyState, earlier_of};
use crate::value::Timestamp;
use std::sync::Arc;

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

/// The instances of a journey with a `key`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Instances {
    /// By key, sorted.
    all: Vec<(Arc<str>, Arc<JourneyState>)>,
    /// How many have not ended.
    open: usize,
    /// Whether one was refused because there were too many, and none has ended since.
    pub full: bool,
    /// The first instant at which one of them may change without an event.
    pub due: Option<Timestamp>,
}

/// What of the instances of a journey changed, as it was before.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct InstancesWere {
    pub(crate) full: bool,
    pub(crate) due: Option<Timestamp>,
    /// In the order in which they changed; `None` for one that was not there.
    pub(crate) each: Vec<(Arc<str>, Option<Arc<JourneyState>>)>,
}

impl Instances {
    /// Of instances sorted by key.
    pub(crate) fn of(all: Vec<(Arc<str>, Arc<JourneyState>)>, full: bool, due: Option<Timestamp>) -> Self {
        let open = all.iter().filter(|(_, state)| state.is_open()).count();
        Instances { all, open, full, due }
    }

    /// All of them by key, sorted.
    #[must_use]
    pub fn all(&self) -> &[(Arc<str>, Arc<JourneyState>)] {
        &self.all
    }

    /// The instance of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Arc<JourneyState>> {
        self.place(key).ok().and_then(|place| self.all.get(place)).map(|(_, state)| state)
    }

    fn place(&self, key: &str) -> Result<usize, usize> {
        self.all.binary_search_by(|(own, _)| (**own).cmp(key))
    }

    /// Puts an instance in its place; returns what was there.
    pub(crate) fn put(&mut self, key: &Arc<str>, state: Arc<JourneyState>) -> Option<Arc<JourneyState>> {
        self.open += usize::from(state.is_open());
        let before = match self.place(key) {
            Ok(place) => self.all.get_mut(place).map(|own| std::mem::replace(&mut own.1, state)),
            Err(place) => {
                self.all.insert(place, (key.clone(), state));
                None
            }
        };
        self.open -= before.iter().filter(|before| before.is_open()).count();
        before
    }

    /// Takes an instance out.
    pub(crate) fn remove(&mut self, key: &str) -> Option<Arc<JourneyState>> {
        let place = self.place(key).ok()?;
        let (_, state) = self.all.remove(place);
        self.open -= usize::from(state.is_open());
        Some(state)
    }

    /// Makes everything as it was.
    pub(crate) fn restore(&mut self, were: InstancesWere) {
        for (key, state) in were.each.into_iter().rev() {
            match state {
                Some(state) => self.put(&key, state),
                None => self.remove(&key),
            };
        }
        (self.full, self.due) = (were.full, were.due);
    }

    /// How many have not ended.
    pub(crate) fn count_open(&self) -> usize {
        self.open
    }

    /// Those that have not ended.
    pub fn open(&self) -> impl Iterator<Item = &(Arc<str>, Arc<JourneyState>)> {
        self.all.iter().filter(|(_, state)| state.is_open())
    }
}

impl JourneyState {
    /// Whether the customer is in, and not in a final stage.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.place.is_some() && self.walk.ended.is_none()
    }
}
