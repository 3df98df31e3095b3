use crate::customer::Way;
use crate::value::{Duration, Timestamp};
use std::sync::Arc;

/// The stages that a customer saw in one journey, or in one instance of a journey with a `key`, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct JourneyHistory {
    /// The journey.
    pub journey: Arc<str>,
    /// The key of the instance, such as the number of an order; `None` for a journey without a `key`.
    pub instance: Option<Arc<str>>,
    /// How often the customer came in.
    pub entries: u32,
    /// When they came in the last time.
    pub began: Option<Timestamp>,
    /// When they went out or came to a final stage; `None` while they are in.
    pub ended: Option<Timestamp>,
    /// The first instant at which they may move without an event.
    pub next: Option<Timestamp>,
    /// In order; one that still lasts comes last. Never two at once.
    pub stays: Vec<Stay>,
}

/// A stay in a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stay {
    /// The stage.
    pub stage: Arc<str>,
    /// Its number in the journey, from 0.
    pub number: u16,
    /// From when.
    pub entered: Timestamp,
    /// Until when; `None` while it lasts.
    pub left: Option<Timestamp>,
    /// What kind of rule led in.
    pub by: Way,
    /// What kind of rule led out; `None` while it lasts.
    pub ended: Option<Way>,
    /// The id of the first event of the instant at which it was entered; `None` when only time passed.
    pub event: Option<Arc<str>>,
}

impl JourneyHistory {
    /// The stay that still lasts.
    #[must_use]
    pub fn open(&self) -> Option<&Stay> {
        self.stays.last().filter(|stay| stay.left.is_none())
    }
}

impl Stay {
    /// How long it lasted, or has lasted by `now`.
    #[must_use]
    pub fn length(&self, now: Timestamp) -> Duration {
        let until = self.left.unwrap_or(now).max(self.entered);
        Duration::from_nanos(until.micros().saturating_sub(self.entered.micros()).saturating_mul(1_000))
    }
}
