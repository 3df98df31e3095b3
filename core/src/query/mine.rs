//! Mining of event logs: of the stories of a base, or of a table that holds a log.

use super::error::shown;
use super::read::{self, Entries};
use super::threshold::Threshold;
use super::{Asked, QueryError, Question, Subject};
use crate::engine::Activities;
use crate::mine::{
    EventLog, FollowsTable, Funnel, FunnelTable, LogColumns, MineError, OrderMode, Paths, Pattern, Repeats, VariantOptions,
    Variants,
};
use crate::value::{Duration, Timestamp, USUAL_THRESHOLD};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many variants or paths are told, when the question does not say.
const USUAL_TOP: u64 = 100;

impl From<MineError> for QueryError {
    fn from(error: MineError) -> Self {
        QueryError::new(error.code(), error.path(), error.to_string())
    }
}

/// Which log: the events of a base's customers, or the stages that they enter in a journey. Of a base only.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub(super) struct Log {
    /// Up to when, and as it was known then.
    at: Timestamp,
    /// Stages of this journey are the activities; `none` is leaving it. Without it, event types are.
    journey: Option<String>,
    /// Only these event types; all when not given.
    events: Option<Vec<String>>,
}

/// A question that a log answers.
trait Mined: Question {
    fn log(&self) -> Option<&Log>;
    fn of(&self, log: &EventLog, usual_k: u64) -> Result<Self::Answer<'static>, QueryError>;
}

fn of_base<Q: Mined>(question: &Q, asked: &Asked<'_>) -> Result<Q::Answer<'static>, QueryError> {
    let base = asked.base()?;
    let missing = || QueryError::new("missing_key", "log", "the question needs `log`, with the instant `at`");
    let Log { at, journey, events } = question.log().ok_or_else(missing)?;
    let activities = match (journey, events) {
        (Some(_), Some(_)) => {
            return Err(QueryError::new("wrong_value", "log.events", "give `journey` or `events`, not both"));
        }
        (Some(journey), None) => Activities::Stages(journey.clone()),
        (None, events) => Activities::Events(events.clone()),
    };
    question.of(&asked.engine.event_log(base.iter(), &activities, *at)?, USUAL_THRESHOLD)
}

/// Which activities follow directly on which, how often, and how long that takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DirectlyFollows {
    /// Which log; of a base only.
    log: Option<Log>,
    /// Pairs of fewer cases are left out: 10 when not given, of a table 1.
    k: Option<Threshold>,
}

impl Mined for DirectlyFollows {
    fn log(&self) -> Option<&Log> {
        self.log.as_ref()
    }

    fn of(&self, log: &EventLog, usual_k: u64) -> Result<FollowsTable, QueryError> {
        Ok(log.directly_follows().at_least(Threshold::or(self.k, usual_k)))
    }
}

/// The different ways that cases take from their first activity to their last.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct VariantsAsked {
    /// Which log; of a base only.
    log: Option<Log>,
    /// Variants of fewer cases are left out: 10 when not given, of a table 1.
    k: Option<Threshold>,
    /// How many at most: 100 when not given.
    top: Option<u64>,
    /// Only cases that fit this, such as `cart -> not shipping -> end`.
    pattern: Option<String>,
    /// Whether an activity that stands several times in a row counts as often: `keep` when not given.
    repeats: Option<Repeats>,
}

impl Mined for VariantsAsked {
    fn log(&self) -> Option<&Log> {
        self.log.as_ref()
    }

    fn of(&self, log: &EventLog, usual_k: u64) -> Result<Variants, QueryError> {
        let pattern = self.pattern.as_deref().map(Pattern::parse).transpose()?;
        let options = VariantOptions { pattern, repeats: self.repeats.unwrap_or_default() };
        Ok(log.variants(&options)?.at_least(Threshold::or(self.k, usual_k), top(self.top)))
    }
}

/// The most frequent parts of ways, so many activities long.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PathsAsked {
    /// Which log; of a base only.
    log: Option<Log>,
    /// Paths of fewer cases are left out: 10 when not given, of a table 1.
    k: Option<Threshold>,
    /// How many at most: 100 when not given.
    top: Option<u64>,
    /// How many activities, 1 to 32.
    length: u64,
}

impl Mined for PathsAsked {
    fn log(&self) -> Option<&Log> {
        self.log.as_ref()
    }

    fn of(&self, log: &EventLog, usual_k: u64) -> Result<Paths, QueryError> {
        let paths = log.paths(usize::try_from(self.length).unwrap_or(usize::MAX))?;
        Ok(paths.at_least(Threshold::or(self.k, usual_k), top(self.top)))
    }
}

/// How many cases come through the stages of a funnel, how far and how fast.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FunnelAsked {
    /// Which log; of a base only.
    log: Option<Log>,
    /// Stages that fewer cases came to are left out: 10 when not given, of a table 1.
    k: Option<Threshold>,
    /// The activities, one to 64.
    stages: Vec<String>,
    /// What it means that one comes after the other.
    order: OrderMode,
    /// How long the whole way may take, such as `7d`.
    within: Option<String>,
}

impl Mined for FunnelAsked {
    fn log(&self) -> Option<&Log> {
        self.log.as_ref()
    }

    fn of(&self, log: &EventLog, usual_k: u64) -> Result<FunnelTable, QueryError> {
        let mut funnel = Funnel::new(self.stages.iter().map(String::as_str), self.order)?;
        if let Some(within) = &self.within {
            let wrong = |_| QueryError::new("wrong_value", "within", "expected a duration such as `7d` or `1h30m`");
            funnel = funnel.within(Duration::parse(within).map_err(wrong)?)?;
        }
        Ok(log.funnel(&funnel)?.at_least(Threshold::or(self.k, usual_k)))
    }
}

/// How many cases fit a pattern.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Matching {
    /// Which log; of a base only.
    log: Option<Log>,
    /// Fewer cases are not told: 10 when not given, of a table 1.
    k: Option<Threshold>,
    /// Such as `cart -> not shipping -> end`.
    pattern: String,
}

/// How many cases fit a pattern.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "matching")]
pub(super) struct MatchingAnswer {
    /// How many; null when it is fewer than `k`, or when fewer than `k` do not fit.
    cases: Option<u64>,
    /// Of how many.
    of: u64,
    /// Their share.
    share: Option<f64>,
}

impl Mined for Matching {
    fn log(&self) -> Option<&Log> {
        self.log.as_ref()
    }

    fn of(&self, log: &EventLog, usual_k: u64) -> Result<MatchingAnswer, QueryError> {
        let found = log.matching(&Pattern::parse(&self.pattern)?)?;
        let k = Threshold::or(self.k, usual_k);
        let rest = found.of - found.cases;
        let told = found.cases >= k && (rest == 0 || rest >= k);
        Ok(MatchingAnswer { cases: told.then_some(found.cases), of: found.of, share: told.then_some(found.share) })
    }
}

fn top(top: Option<u64>) -> usize {
    usize::try_from(top.unwrap_or(USUAL_TOP)).unwrap_or(usize::MAX)
}

macro_rules! questions {
    ($($question:ident $name:literal $answer:ty),*) => {
        $(
            impl Question for $question {
                const NAME: &'static str = $name;
                const SUBJECT: Subject = Subject::Base;
                type Answer<'a> = $answer;

                fn answer<'a>(&self, asked: &Asked<'a>) -> Result<$answer, QueryError> {
                    of_base(self, asked)
                }
            }
        )*

        /// How a log answers each of the questions.
        fn answer(name: &str, entries: &Entries, log: &EventLog) -> Option<Result<String, QueryError>> {
            match name {
                $($name => Some(answer_as::<$question>(entries, log)),)*
                _ => None,
            }
        }

        const NAMES: &[&str] = &[$($name),*];
    };
}

questions!(
    DirectlyFollows "directly_follows" FollowsTable,
    VariantsAsked "variants" Variants,
    PathsAsked "paths" Paths,
    FunnelAsked "funnel" FunnelTable,
    Matching "matching" MatchingAnswer
);

fn answer_as<Q: Mined>(entries: &Entries, log: &EventLog) -> Result<String, QueryError> {
    let question = read::typed::<Q>(entries)?;
    if question.log().is_some() {
        return Err(QueryError::new("wrong_value", "log", "`log` is for a customer base; the log is the table here"));
    }
    let failed = |error: serde_json::Error| QueryError::new("internal", "", error.to_string());
    serde_json::to_string(&question.of(log, 1)?).map_err(failed)
}

/// A question about a table that holds an event log: `directly_follows`, `variants`, `paths`, `funnel` or `matching`, with the key
/// `table` that says which columns are which.
///
/// # Examples
/// ```
/// use tactful::{mine::EventLog, query::LogQuestion, Timestamp};
/// let question = LogQuestion::read(r#"{"query": "matching", "table": {"case": "customer"}, "pattern": "cart -> not pay -> end"}"#)?;
/// assert_eq!(question.columns().case, "customer");
/// let at = Timestamp::parse("2026-03-01T10:00:00Z")?;
/// let log = EventLog::of([("ada", "cart", at), ("ben", "cart", at), ("ben", "pay", at)]);
/// assert_eq!(question.answer(&log)?, r#"{"cases":1,"of":2,"share":0.5}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct LogQuestion {
    name: &'static str,
    entries: Entries,
    columns: LogColumns,
}

/// Which columns of the table say what; by default `case`, `activity` and `time`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    case: Option<String>,
    activity: Option<String>,
    time: Option<String>,
}

impl LogQuestion {
    /// Reads a question.
    ///
    /// # Errors
    /// [`QueryError`] for text that is no question about a log. Keys beside `query`, `version` and `table` are read when it is answered.
    pub fn read(question: &str) -> Result<Self, QueryError> {
        let (entry, mut entries) = super::read(question)?;
        let Some(name) = NAMES.iter().find(|name| **name == entry.name) else {
            let message = format!("`{}` is not about a log; expected one of {}", shown(entry.name), NAMES.join(", "));
            return Err(QueryError::new("unknown_query", "query", message));
        };
        let place = entries.iter().position(|(key, _)| key == "table");
        let mut columns = LogColumns::default();
        if let Some(place) = place {
            let (_, table) = entries.remove(place);
            let table: Table = read::nested(&table).map_err(|error| error.under("table"))?;
            columns.case = table.case.unwrap_or(columns.case);
            columns.activity = table.activity.unwrap_or(columns.activity);
            columns.time = table.time.unwrap_or(columns.time);
        }
        Ok(LogQuestion { name, entries, columns })
    }

    /// Which columns the log stands in.
    #[must_use]
    pub fn columns(&self) -> &LogColumns {
        &self.columns
    }

    /// Answers it, in JSON.
    ///
    /// # Errors
    /// [`QueryError`] for keys that the question does not have, or names that the log does not have.
    pub fn answer(&self, log: &EventLog) -> Result<String, QueryError> {
        answer(self.name, &self.entries, log)
            .unwrap_or_else(|| Err(QueryError::new("internal", "query", "the question is not answered")))
    }
}
