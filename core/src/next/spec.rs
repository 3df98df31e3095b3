use crate::value::Timestamp;
use std::fmt;
use std::sync::Arc;

/// Which population.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextOptions {
    /// The instant as of which is counted; nothing that happened or became known later is seen.
    pub at: Timestamp,
    /// Only steps of then or later; from the beginning when `None`.
    pub since: Option<Timestamp>,
}

impl NextOptions {
    /// Everything that was known at an instant.
    #[must_use]
    pub fn new(at: Timestamp) -> Self {
        NextOptions { at, since: None }
    }
}

/// Transitions that do not belong together, or a population that cannot be counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextError {
    code: &'static str,
    path: &'static str,
    message: String,
}

impl NextError {
    pub(crate) fn new(code: &'static str, path: &'static str, message: impl Into<String>) -> Self {
        NextError { code, path, message: message.into() }
    }

    /// A stable code: `wrong_value`, `other_transitions`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// Which part of the options.
    #[must_use]
    pub fn path(&self) -> &'static str {
        self.path
    }
}

impl fmt::Display for NextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for NextError {}

/// What is counted, as the playbook has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NextSpec {
    pub(crate) options: NextOptions,
    pub(crate) playbook: Arc<str>,
    /// The digest of the playbook that counts or reads it.
    pub(crate) digest: Arc<str>,
    /// All event types that the playbook declares, by number.
    pub(crate) events: Vec<Arc<str>>,
    /// All segments, by number.
    pub(crate) segments: Vec<Arc<str>>,
    /// By number; one without a name stands for customers of a playbook without journeys.
    pub(crate) journeys: Vec<JourneySpec>,
}

/// What is counted of a journey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JourneySpec {
    pub(crate) name: Arc<str>,
    pub(crate) stages: Vec<Arc<str>>,
    /// The event types that are steps, by number, in rising order.
    pub(crate) events: Vec<u16>,
    /// The segments that make a difference, by number; at most 16.
    pub(crate) segments: Vec<u16>,
    /// About how many customers a published number is at least.
    pub(crate) k: u32,
}

impl NextSpec {
    /// What is counted, as text: equal for transitions that can be added.
    pub(super) fn definition(&self) -> String {
        let names = |all: &[Arc<str>], numbers: &[u16]| {
            let names = numbers.iter().filter_map(|number| all.get(usize::from(*number)).map(|name| &**name));
            names.collect::<Vec<_>>().join(",")
        };
        let journeys = self.journeys.iter().map(|journey| {
            let (events, segments) = (names(&self.events, &journey.events), names(&self.segments, &journey.segments));
            format!("{}: {} / {events} / {segments} / {}\n", journey.name, journey.stages.join(","), journey.k)
        });
        format!("{}\n{}\n{}\n", self.playbook, self.events.join(","), self.segments.join(",")) + &journeys.collect::<String>()
    }
}
