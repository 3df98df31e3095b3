use crate::value::Timestamp;
use std::sync::Arc;

/// What is cached from a story: segment memberships, journey positions and the changes so far. Can be dropped and derived
/// again at any time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Derived {
    /// The last instant at which something happened that was looked at.
    pub settled: Option<Timestamp>,
    /// How far time has been advanced; nothing changes between `settled` and this.
    pub advanced: Option<Timestamp>,
    /// One per segment, in the order of the playbook.
    pub segments: Vec<SegmentState>,
    /// One per journey, in the order of the playbook.
    pub journeys: Vec<JourneyState>,
    /// All changes so far, in order.
    pub changes: Vec<Change>,
    /// The state just before the last instant, kept because several events often share one.
    mark: Option<Box<Mark>>,
}

#[derive(Debug, Clone, PartialEq)]
struct Mark {
    settled: Option<Timestamp>,
    segments: Vec<SegmentState>,
    journeys: Vec<JourneyState>,
    changes: usize,
}

/// Membership of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SegmentState {
    /// `None` for unknown.
    pub member: Option<bool>,
    /// When this may next change without an event.
    pub due: Option<Timestamp>,
}

/// Where a customer is in a journey.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JourneyState {
    /// Where, and since when; `None` outside of the journey.
    pub place: Option<Place>,
    /// Values of the conditions: one per stage, then that of leaving.
    pub conditions: Vec<SegmentState>,
    /// Stages that became enterable during a minimum stay.
    pub waiting: Vec<bool>,
    /// The stages so far, the present one last and without end.
    pub visits: Vec<Visit>,
}

/// A stage and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The number of the stage in its journey.
    pub stage: u16,
    /// Since when.
    pub since: Timestamp,
    /// When the time-out comes.
    pub timeout: Option<Timestamp>,
    /// When the minimum stay ends, while that is still to come.
    pub stays_until: Option<Timestamp>,
}

/// A stay in a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visit {
    /// The number of the stage in its journey.
    pub stage: u16,
    /// From when.
    pub entered: Timestamp,
    /// Until when; `None` while it lasts.
    pub left: Option<Timestamp>,
}

/// Something that changed at an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: What,
    /// The id of the last event of that instant; `None` when only time passed.
    pub event: Option<Arc<str>>,
}

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// The customer came into a segment.
    Entered {
        /// Its number in the playbook.
        segment: u16,
    },
    /// The customer went out of a segment.
    Left {
        /// Its number in the playbook.
        segment: u16,
    },
    /// The customer moved in a journey.
    Moved {
        /// Its number in the playbook.
        journey: u16,
        /// From which stage; `None` from outside.
        from: Option<u16>,
        /// To which stage; `None` to outside.
        to: Option<u16>,
    },
}

impl Derived {
    /// Nothing derived yet of a customer whose effects were told up to an instant.
    pub(crate) fn told_until(told: Option<Timestamp>) -> Self {
        Derived { advanced: told, ..Derived::default() }
    }

    /// Remembers the present state, to come back to when another event of the next instant arrives.
    pub(crate) fn mark(&mut self) {
        let (settled, changes) = (self.settled, self.changes.len());
        self.mark = Some(Box::new(Mark { settled, segments: self.segments.clone(), journeys: self.journeys.clone(), changes }));
    }

    /// Goes back to before an instant: to the remembered state when that is early enough, else to the beginning. Returns the
    /// changes taken back, and how many remain.
    pub(crate) fn rewind(&mut self, before: Timestamp) -> (Vec<Change>, usize) {
        let advanced = self.advanced;
        let mut changes = std::mem::take(&mut self.changes);
        match self.mark.take() {
            Some(mark) if mark.settled.is_none_or(|settled| settled < before) => {
                let taken = changes.split_off(mark.changes.min(changes.len()));
                let kept = changes.len();
                *self = Derived {
                    settled: mark.settled,
                    advanced,
                    segments: mark.segments,
                    journeys: mark.journeys,
                    changes,
                    mark: None,
                };
                (taken, kept)
            }
            _ => {
                *self = Derived { advanced, ..Derived::default() };
                (changes, 0)
            }
        }
    }

    /// Bytes of memory in use, roughly.
    #[must_use]
    pub fn memory(&self) -> usize {
        let journeys: usize = self
            .journeys
            .iter()
            .map(|journey| {
                journey.conditions.capacity() * size_of::<SegmentState>()
                    + journey.waiting.capacity()
                    + journey.visits.capacity() * size_of::<Visit>()
                    + size_of::<JourneyState>()
            })
            .sum();
        journeys + self.segments.capacity() * size_of::<SegmentState>() + self.changes.capacity() * size_of::<Change>()
    }
}
