use crate::error::nearest;
use crate::value::Timestamp;
use std::fmt;
use std::sync::Arc;

/// Which map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapOptions {
    /// The journey.
    pub journey: String,
    /// The instant at which customers stand where they stand; nothing later is seen.
    pub at: Timestamp,
    /// Only stays that began then or later, and events of then or later; from the beginning when `None`.
    pub since: Option<Timestamp>,
    /// Into which groups customers are put, beside everyone.
    pub split: Split,
    /// Where customers say from 0 to 10 how likely they recommend; when `None`, property `score` of event type `nps`, if there is one.
    pub nps: Option<Question>,
    /// Where customers say from 1 to 5 how satisfied they are; when `None`, property `score` of event type `csat`, if there is one.
    pub csat: Option<Question>,
    /// Event types that are complaints, beside the outcome `complained`.
    pub complaints: Vec<String>,
}

impl MapOptions {
    /// The map of a journey at an instant.
    #[must_use]
    pub fn new(journey: impl Into<String>, at: Timestamp) -> Self {
        MapOptions {
            journey: journey.into(),
            at,
            since: None,
            split: Split::Everyone,
            nps: None,
            csat: None,
            complaints: Vec::new(),
        }
    }
}

/// Into which groups customers are put.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Split {
    /// Into none.
    #[default]
    Everyone,
    /// By the segments that they are in at the instant; those in several count in each.
    Segments,
    /// By the likeliest persona at the instant, when its posterior reaches the threshold.
    Personas,
    /// By periods of the calendar up to the instant, each counted as a map of that period alone would count: who stands where at its end, and
    /// what began in it. At most 520, the latest.
    Periods(super::Period),
}

/// A question that customers answer with a number: an event type and its property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The event type.
    pub event: String,
    /// The property.
    pub property: String,
}

/// A map that cannot be made, or maps that do not belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapError {
    code: &'static str,
    path: &'static str,
    message: String,
}

impl MapError {
    pub(crate) fn new(code: &'static str, path: &'static str, message: impl Into<String>) -> Self {
        MapError { code, path, message: message.into() }
    }

    /// A name that the playbook does not declare.
    pub(crate) fn undeclared<'a>(what: &str, path: &'static str, name: &str, names: impl IntoIterator<Item = &'a str>) -> Self {
        let hint = nearest(name, names).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        let shown: String = name.chars().take(80).collect();
        Self::new("undeclared_name", path, format!("{what} `{shown}` is not declared in the playbook{hint}"))
    }

    /// A stable code: `undeclared_name`, `wrong_type`, `wrong_value`, `other_map`, `unknown_group`.
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

/// A threshold `k`, as reports take it.
///
/// # Errors
/// [`MapError`] with code `wrong_value` when it is not from 1 to 1,000,000.
pub fn threshold(k: u64) -> Result<u64, MapError> {
    crate::value::threshold(k).map_err(|message| MapError::new("wrong_value", "k", message))
}

impl fmt::Display for MapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for MapError {}

/// What a map counts, as the playbook has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MapSpec {
    pub(crate) options: MapOptions,
    pub(crate) playbook: Arc<str>,
    pub(crate) title: Option<Arc<str>>,
    /// Whether a customer may be in several instances at once.
    pub(crate) keyed: bool,
    pub(crate) calendar: super::Calendar,
    pub(crate) stages: Vec<StageSpec>,
}

/// A stage as the playbook has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StageSpec {
    pub(crate) name: Arc<str>,
    pub(crate) title: Option<Arc<str>>,
    pub(crate) goal: Option<Arc<str>>,
    pub(crate) drop_out: bool,
    /// Whether it is good that customers stay here for long.
    pub(crate) long_stay_good: bool,
    pub(crate) no_data: Option<Arc<str>>,
}
