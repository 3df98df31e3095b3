//! Event logs out of tables, and what is mined from them.

use crate::errors::{self, Bad};
use crate::guard::guard;
use crate::stream::{reader, sources};
use crate::table::Table;
use pyo3::prelude::*;
use tactful::mine::{self, Funnel, LogColumns, OrderMode, Pattern, Repeats, VariantOptions};
use tactful::value::Duration;
use tactful_arrow::{LogError, follows_table, funnel_table, paths_table, read_log, variants_table};

/// Cases (customers, orders, applications), each a sequence of activities with their times. ``len()`` is the number of cases.
///
/// Activities of a case stand in the order of their times; those of one instant in the order of the rows.
///
/// Args:
///     table: anything that exports an Arrow stream, such as a table of polars, pyarrow, pandas or DuckDB; or several. Rows sorted by
///         case and time are taken as they are, others are sorted.
///     case, activity, time: the names of the columns. A case is text or a whole number; times without a zone are read as UTC.
///
/// Raises:
///     LogError: for a missing column, or a row without case, activity or time.
///     ReplayError: for something that is no table.
///
/// Example:
///     >>> import pyarrow as pa
///     >>> log = tactful.EventLog(pa.table({
///     ...     "case": [1, 1, 2], "activity": ["cart", "pay", "cart"], "time": ["2026-03-01T10:00:00Z"] * 3}))
///     >>> log
///     <EventLog of 3 events in 2 cases: 2 activities>
///     >>> pa.table(log.directly_follows()).to_pylist()
///     [{'from': 'cart', 'to': 'pay', 'count': 1, 'cases': 1, 'mean_seconds': 0.0, 'median_seconds': 0.0}]
///     >>> log.matching("cart -> not pay -> end")
///     1
#[pyclass(frozen, module = "tactful")]
pub(crate) struct EventLog {
    log: mine::EventLog,
}

fn failed(error: &LogError) -> PyErr {
    match error {
        LogError::Arrow(error) => errors::arrow(error),
        LogError::Mine(error) => errors::log(error),
    }
}

#[pymethods]
impl EventLog {
    #[new]
    #[pyo3(signature = (table, *, case="case", activity="activity", time="time"))]
    fn new(py: Python<'_>, table: &Bound<'_, PyAny>, case: &str, activity: &str, time: &str) -> PyResult<Self> {
        guard(|| {
            let readers = sources(table)?.iter().map(|source| reader(source.bind(py))).collect::<PyResult<Vec<_>>>()?;
            let columns = LogColumns { case: case.to_owned(), activity: activity.to_owned(), time: time.to_owned() };
            let log = py.detach(|| read_log(readers, &columns)).map_err(|error| failed(&error))?;
            Ok(EventLog { log })
        })
    }

    /// How many events there are.
    #[getter]
    fn events(&self) -> usize {
        self.log.events()
    }

    /// The activities, in the order in which they came first.
    #[getter]
    fn activities(&self) -> Vec<String> {
        self.log.activities().map(ToString::to_string).collect()
    }

    /// Which activities follow directly on which within a case: ``from``, ``to``, ``count``, ``cases``, ``mean_seconds``,
    /// ``median_seconds``; the most frequent first.
    fn directly_follows(&self, py: Python<'_>) -> PyResult<Table> {
        guard(|| {
            let table = py.detach(|| follows_table(&self.log.directly_follows()));
            table.map(|table| Table::of("directly_follows", table)).map_err(|error| errors::arrow(&error))
        })
    }

    /// The different ways that cases take: ``activities``, ``cases``, ``share``, ``mean_seconds``, ``median_seconds`` (from the first
    /// event to the last); the most frequent first.
    ///
    /// Args:
    ///     pattern: only cases that fit it, such as ``cart -> not shipping -> end``.
    ///     top: at most so many.
    ///     collapse: whether an activity that stands several times in a row counts once.
    #[pyo3(signature = (*, pattern=None, top=None, collapse=false))]
    fn variants(&self, py: Python<'_>, pattern: Option<&str>, top: Option<usize>, collapse: bool) -> PyResult<Table> {
        guard(|| {
            let pattern = pattern.map(Pattern::parse).transpose().map_err(|error| errors::log(&error))?;
            let repeats = if collapse { Repeats::Collapse } else { Repeats::Keep };
            let found = py.detach(|| self.log.variants(&VariantOptions { pattern, repeats }));
            let found = found.map_err(|error| errors::log(&error))?.at_least(0, top.unwrap_or(usize::MAX));
            let table = variants_table(&found).map_err(|error| errors::arrow(&error))?;
            Ok(Table::of("variants", table))
        })
    }

    /// The parts of ways that are ``length`` activities long: ``activities``, ``count``, ``cases``, ``mean_seconds``, ``median_seconds``;
    /// those of most cases first.
    #[pyo3(signature = (length, *, top=None))]
    fn paths(&self, py: Python<'_>, length: usize, top: Option<usize>) -> PyResult<Table> {
        guard(|| {
            let found = py.detach(|| self.log.paths(length)).map_err(|error| errors::log(&error))?;
            let table = paths_table(&found.at_least(0, top.unwrap_or(usize::MAX))).map_err(|error| errors::arrow(&error))?;
            Ok(Table::of("paths", table))
        })
    }

    /// How many cases come through the stages of a funnel: ``activity``, ``cases``, ``share`` (of the first stage), ``conversion`` (of the
    /// one before), ``mean_seconds`` and ``median_seconds`` (since the one before).
    ///
    /// Args:
    ///     stages: an activity each, one to 64.
    ///     order: what it means that a stage comes after another: ``strictly_later`` (at a later instant), ``same_time_counts`` (or at the
    ///         same one, in any order) or ``sequence_order`` (later in the order of the log).
    ///     within: how long the whole way may take, such as ``7d``.
    #[pyo3(signature = (stages, *, order, within=None))]
    fn funnel(&self, py: Python<'_>, stages: Vec<String>, order: &str, within: Option<&str>) -> PyResult<Table> {
        guard(|| {
            let order = match order {
                "strictly_later" => OrderMode::StrictlyLater,
                "same_time_counts" => OrderMode::SameTimeCounts,
                "sequence_order" => OrderMode::SequenceOrder,
                other => {
                    let shown: String = other.chars().take(40).collect();
                    let message = format!("expected `strictly_later`, `same_time_counts` or `sequence_order`, found `{shown}`");
                    return Err(Bad::new("wrong_option", "order", message).log());
                }
            };
            let mut funnel = Funnel::new(stages, order).map_err(|error| errors::log(&error))?;
            if let Some(within) = within {
                let window = Duration::parse(within).map_err(|error| Bad::time("within", &error).log())?;
                funnel = funnel.within(window).map_err(|error| errors::log(&error))?;
            }
            let found = py.detach(|| self.log.funnel(&funnel)).map_err(|error| errors::log(&error))?;
            let table = funnel_table(&found).map_err(|error| errors::arrow(&error))?;
            Ok(Table::of("funnel", table))
        })
    }

    /// How many cases fit a pattern.
    ///
    /// Steps are separated by ``->`` (later, whatever lies between) or ``=>`` (directly after). A step is an activity, or several of
    /// which any will do (``cart | basket``), or ``not`` with what must not stand between the steps beside it. ``start`` and ``end`` are
    /// the ends of a case. Names with blanks stand in quotes.
    #[pyo3(signature = (pattern, /))]
    fn matching(&self, py: Python<'_>, pattern: &str) -> PyResult<u64> {
        guard(|| {
            let pattern = Pattern::parse(pattern).map_err(|error| errors::log(&error))?;
            let found = py.detach(|| self.log.matching(&pattern)).map_err(|error| errors::log(&error))?;
            Ok(found.cases)
        })
    }

    fn __len__(&self) -> usize {
        self.log.len()
    }

    fn __bool__(&self) -> bool {
        true
    }

    fn __repr__(&self) -> String {
        let activities = self.log.activities().count();
        format!("<EventLog of {} events in {} cases: {activities} activities>", self.log.events(), self.log.len())
    }
}
