use crate::base;
use crate::customer::Customer;
use crate::decision::Decision;
use crate::engine::Engine;
use crate::errors::{self, Bad};
use crate::estimate::Asked;
use crate::event::{Event, identifier};
use crate::guard::guard;
use crate::map::{JourneyMap, Wanted};
use crate::next::Forecast;
use crate::question::{self, Question};
use crate::table::Table;
use crate::{stream, time, value};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping, PyString};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};
use tactful::base::{BadRows, Progress, ReplayError, ReplayOptions, ReplayStats, Step};
use tactful_arrow::{ArrowError, Reader};

/// What a replay found: tables, counts, and the customers as they are at its end.
#[pyclass(frozen, module = "tactful")]
pub(crate) struct Replay {
    replay: tactful::base::Replay,
    tables: Vec<(&'static str, Py<Table>)>,
    seconds: [Duration; 2],
    engine: Py<Engine>,
}

impl Replay {
    fn table(&self, py: Python<'_>, name: &str) -> PyResult<Py<Table>> {
        let found = self.tables.iter().find(|(own, _)| *own == name);
        found.map(|(_, table)| table.clone_ref(py)).ok_or_else(|| errors::internal(&format!("there is no table `{name}`")))
    }

    fn stats_of(&self) -> &ReplayStats {
        &self.replay.tables().stats
    }
}

#[pymethods]
impl Replay {
    /// One row per customer, by id: ``customer``, ``events``, ``first_time``, ``last_time``, ``segments`` (a list of names),
    /// ``persona``, for each journey ``journey_<name>`` (the stage) and ``journey_<name>_since``, and ``next_due``.
    #[getter]
    fn customers(&self, py: Python<'_>) -> PyResult<Py<Table>> {
        self.table(py, "customers")
    }

    /// One row per slot filled, fallback or silence, by time, customer, placement and slot: ``customer``, ``time``, ``placement``,
    /// ``slot`` (from 0), ``offer``, ``kind`` (``offer``, ``fallback``, ``silence``), ``score``, ``message``, ``reason``, ``decision``.
    #[getter]
    fn decisions(&self, py: Python<'_>) -> PyResult<Py<Table>> {
        self.table(py, "decisions")
    }

    /// How far candidates came at each instant: ``time``, ``placement``, ``offer``, ``gate`` (the first that stopped it, or
    /// ``chosen``), ``customers``.
    #[getter]
    fn gates(&self, py: Python<'_>) -> PyResult<Py<Table>> {
        self.table(py, "gates")
    }

    /// The sizes of segments at each instant: ``time``, ``segment``, ``members``, ``unknown``.
    #[getter]
    fn segments(&self, py: Python<'_>) -> PyResult<Py<Table>> {
        self.table(py, "segments")
    }

    /// The sizes of stages at each instant: ``time``, ``journey``, ``stage`` (null for outside), ``customers``, and ``entries`` and
    /// ``exits`` since the instant before.
    #[getter]
    fn stages(&self, py: Python<'_>) -> PyResult<Py<Table>> {
        self.table(py, "stages")
    }

    /// How often customers moved: ``journey``, ``from``, ``to`` (null for outside), ``count``.
    #[getter]
    fn transitions(&self, py: Python<'_>) -> PyResult<Py<Table>> {
        self.table(py, "transitions")
    }

    /// The rows that could not be recorded: ``row`` (from 0 over all tables), ``column``, ``code``, ``reason``.
    #[getter]
    fn bad_rows(&self, py: Python<'_>) -> PyResult<Py<Table>> {
        self.table(py, "bad_rows")
    }

    /// Counts: ``rows``, ``events``, ``duplicates``, ``conflicts``, ``bad_rows``, ``customers``, ``anonymous_visitors``,
    /// ``anonymous_events``, ``decisions``, ``exposures``, ``sources`` (rows by source), ``ignored_columns``, ``seconds`` (wall clock
    /// for ``load`` and ``replay``) and ``digest`` (of the playbook). A new dict each time.
    #[getter]
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let found = self.stats_of();
        let stats = PyDict::new(py);
        stats.set_item("rows", found.rows)?;
        stats.set_item("events", found.events)?;
        stats.set_item("duplicates", found.duplicates)?;
        stats.set_item("conflicts", found.conflicts)?;
        stats.set_item("bad_rows", found.bad_rows)?;
        stats.set_item("customers", found.customers)?;
        stats.set_item("anonymous_visitors", found.anonymous_visitors)?;
        stats.set_item("anonymous_events", found.anonymous_events)?;
        stats.set_item("decisions", found.decisions)?;
        stats.set_item("exposures", found.exposures)?;
        stats.set_item("sources", &found.sources)?;
        stats.set_item("ignored_columns", found.ignored_columns.iter().map(|name| &**name).collect::<Vec<_>>())?;
        let seconds = PyDict::new(py);
        for (step, length) in ["load", "replay"].iter().zip(self.seconds) {
            seconds.set_item(step, length.as_secs_f64())?;
        }
        stats.set_item("seconds", seconds)?;
        stats.set_item("digest", &**self.engine.get().engine.digest())?;
        Ok(stats)
    }

    /// Decides for a customer of the replay, with all their events, what was recorded by the replay included. Changes nothing.
    ///
    /// Args and errors: as for :meth:`CustomerBase.decide`.
    #[pyo3(signature = (identifier, placements, now, *, facts=None, known_at=None, assurance=None, scores=None, seed=None, trends=None, reaction=None))]
    #[expect(clippy::too_many_arguments, reason = "the parts of a question")]
    fn decide(
        &self,
        py: Python<'_>,
        identifier: &Bound<'_, PyAny>,
        placements: &Bound<'_, PyAny>,
        now: &Bound<'_, PyAny>,
        facts: Option<&Bound<'_, PyAny>>,
        known_at: Option<&Bound<'_, PyAny>>,
        assurance: Option<&Bound<'_, PyAny>>,
        scores: Option<&Bound<'_, PyAny>>,
        seed: Option<&Bound<'_, PyAny>>,
        trends: Option<&Bound<'_, PyAny>>,
        reaction: Option<String>,
    ) -> PyResult<Decision> {
        guard(|| {
            let identifier = self::identifier(identifier, "identifier").map_err(Bad::request)?;
            let question = Question::new(placements, now, facts, known_at, assurance);
            let question = question.and_then(|asked| asked.ranked(scores, seed, trends)).map_err(Bad::request)?;
            let question = question.reacting(reaction);
            py.detach(|| base::answer(self.replay.base(), &identifier, &question, false))
        })
    }

    /// The same decision with the reasons for every candidate in :attr:`Decision.trace`.
    ///
    /// Args and errors: as for :meth:`decide`.
    #[pyo3(signature = (identifier, placements, now, *, facts=None, known_at=None, assurance=None, scores=None, seed=None, trends=None, reaction=None))]
    #[expect(clippy::too_many_arguments, reason = "the parts of a question")]
    fn explain(
        &self,
        py: Python<'_>,
        identifier: &Bound<'_, PyAny>,
        placements: &Bound<'_, PyAny>,
        now: &Bound<'_, PyAny>,
        facts: Option<&Bound<'_, PyAny>>,
        known_at: Option<&Bound<'_, PyAny>>,
        assurance: Option<&Bound<'_, PyAny>>,
        scores: Option<&Bound<'_, PyAny>>,
        seed: Option<&Bound<'_, PyAny>>,
        trends: Option<&Bound<'_, PyAny>>,
        reaction: Option<String>,
    ) -> PyResult<Decision> {
        guard(|| {
            let identifier = self::identifier(identifier, "identifier").map_err(Bad::request)?;
            let question = Question::new(placements, now, facts, known_at, assurance);
            let question = question.and_then(|asked| asked.ranked(scores, seed, trends)).map_err(Bad::request)?;
            let question = question.reacting(reaction);
            py.detach(|| base::answer(self.replay.base(), &identifier, &question, true))
        })
    }

    /// A copy of the customer that an identifier points to; ``None`` when nobody is known by it.
    #[pyo3(signature = (identifier, /))]
    fn find(&self, py: Python<'_>, identifier: &Bound<'_, PyAny>) -> PyResult<Option<Customer>> {
        guard(|| {
            let identifier = self::identifier(identifier, "identifier").map_err(Bad::request)?;
            let found = py.detach(|| self.replay.base().find(&identifier).cloned());
            Ok(found.map(|found| Customer::of(found, self.engine.clone_ref(py))))
        })
    }

    /// The map of a journey of all customers who can be addressed; see :class:`JourneyMap` for the options.
    #[pyo3(signature = (journey, at, *, since=None, split=None, nps=None, csat=None, complaints=None, k=10))]
    #[expect(clippy::too_many_arguments, reason = "Python's are named")]
    fn journey_map(
        &self,
        py: Python<'_>,
        journey: String,
        at: &Bound<'_, PyAny>,
        since: Option<&Bound<'_, PyAny>>,
        split: Option<&str>,
        nps: Option<(String, String)>,
        csat: Option<(String, String)>,
        complaints: Option<Vec<String>>,
        k: u64,
    ) -> PyResult<JourneyMap> {
        guard(|| {
            let wanted = Wanted::new(journey, at, since, split, nps, csat, complaints, k)?;
            let engine = &self.engine.get().engine;
            JourneyMap::filled(py, engine, wanted, |options| Ok(self.replay.journey_map(options)))
        })
    }

    /// Counts all customers of the replay and gives what they say about what comes next, for another replay or for decisions.
    ///
    /// Args:
    ///     at: as of when is counted; nothing later is seen.
    ///     since: only steps of then or later.
    #[pyo3(signature = (at, *, since=None))]
    fn learn(&self, py: Python<'_>, at: &Bound<'_, PyAny>, since: Option<&Bound<'_, PyAny>>) -> PyResult<Forecast> {
        guard(|| {
            let options = crate::next::options(at, since)?;
            let engine = &self.engine.get().engine;
            let made = py.detach(|| {
                let mut transitions = engine.transitions(&options)?;
                self.replay.base().observe_next(&mut transitions);
                Ok(transitions.forecast())
            });
            let made = made.map_err(|error| crate::next::wrong(&error))?;
            Ok(Forecast::new(std::sync::Arc::new(made), self.engine.clone_ref(py)))
        })
    }

    /// What comes next for every customer: a row per customer and journey, or instance, with ``customer``, ``journey``, ``instance``,
    /// ``stage``, and of the likeliest ``event``, ``next_stage`` and ``change`` of a segment the probability that it is next and comes within
    /// the time (``event_within`` …) and in how many seconds half of those have it (``event_seconds`` …); ``nothing_within``. Null is unknown.
    ///
    /// Args:
    ///     now: the instant; not before that of the forecast.
    ///     within: the time, such as ``14d``.
    ///     forecast: by what; that of the replay when not given.
    ///
    /// Raises:
    ///     QueryError: without a forecast.
    #[pyo3(signature = (now, *, within="30d", forecast=None))]
    fn predictions(
        &self,
        py: Python<'_>,
        now: &Bound<'_, PyAny>,
        within: &str,
        forecast: Option<&Bound<'_, Forecast>>,
    ) -> PyResult<Table> {
        guard(|| {
            let now = time::instant(now, "now").map_err(Bad::query)?;
            let within = tactful::Duration::parse(within).ok().filter(|length| *length > tactful::Duration::ZERO);
            let Some(within) = within else {
                return Err(Bad::new("wrong_value", "within", "expected a length of time above zero such as `14d`").query());
            };
            let forecast = forecast.map(|forecast| forecast.get().forecast.clone());
            let rows = py.detach(|| self.replay.predictions(now, within, forecast.as_deref()));
            let rows = rows.map_err(|error| crate::next::wrong(&error))?;
            let table = tactful_arrow::predictions_table(&rows).map_err(|error| errors::arrow(&error))?;
            Ok(Table::of("predictions", table))
        })
    }

    /// What another replay of the same history does differently, as a :class:`Comparison`: run the same events through two
    /// playbooks and compare. Segments of fewer than ``k`` customers are withheld. Takes time in proportion to the decisions of both.
    ///
    /// Raises:
    ///     RequestError: for a ``k`` that is not from 1 to 1,000,000.
    #[pyo3(signature = (after, /, *, k=10))]
    fn compare(&self, py: Python<'_>, after: &Bound<'_, Replay>, k: u64) -> PyResult<Comparison> {
        let after = after.get();
        guard(|| {
            let found = py.detach(|| self.replay.compare_at_least(&after.replay, k));
            Ok(Comparison { found: found.map_err(|error| errors::request(&error))? })
        })
    }

    /// Answers a question about the playbook, the customers of the replay or one of them, as :meth:`CustomerBase.query` does.
    #[pyo3(signature = (question, /))]
    fn query<'py>(&self, py: Python<'py>, question: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        guard(|| {
            let question = crate::query::text(question)?;
            let answer = py.detach(|| self.replay.base().query(&question).map_err(|error| errors::query(&error)))?;
            crate::query::loads(py, &answer)
        })
    }

    /// What another playbook would have brought with the choices that the events tell.
    ///
    /// Args, answer and errors: as for :meth:`CustomerBase.off_policy`.
    #[pyo3(signature = (after, now, *, rewards, since=None, within=None, placements=None, clip=None, confidence=None, approximate=false, facts=None, trends=None, receipts=None))]
    #[expect(clippy::too_many_arguments, reason = "Python's are named")]
    fn off_policy<'py>(
        &self,
        py: Python<'py>,
        after: &Bound<'py, Engine>,
        now: &Bound<'py, PyAny>,
        rewards: &Bound<'py, PyAny>,
        since: Option<&Bound<'py, PyAny>>,
        within: Option<&str>,
        placements: Option<Vec<String>>,
        clip: Option<f64>,
        confidence: Option<f64>,
        approximate: bool,
        facts: Option<&Bound<'py, PyAny>>,
        trends: Option<&Bound<'py, PyAny>>,
        receipts: Option<Vec<Bound<'py, PyAny>>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        guard(|| {
            let asked =
                Asked { now, rewards, since, within, placements, clip, confidence, approximate, facts, trends, receipts };
            let options = asked.options()?;
            crate::estimate::off_policy(py, self.replay.base(), after, &options)
        })
    }

    /// The events of a customer in the order of the story, what was recorded by the replay included; empty when nobody is known.
    #[pyo3(signature = (identifier, /))]
    fn events(&self, py: Python<'_>, identifier: &Bound<'_, PyAny>) -> PyResult<Vec<Event>> {
        guard(|| {
            let identifier = self::identifier(identifier, "identifier").map_err(Bad::request)?;
            Ok(py.detach(|| {
                self.replay
                    .base()
                    .find(&identifier)
                    .map(|customer| customer.events().into_iter().map(Event::of).collect())
                    .unwrap_or_default()
            }))
        })
    }

    fn __repr__(&self) -> String {
        let ReplayStats { events, customers, decisions, .. } = self.stats_of();
        format!("<Replay of {events} events of {customers} customers: {decisions} decisions>")
    }
}

/// What one playbook does differently from another with the same history.
#[pyclass(frozen, module = "tactful")]
pub(crate) struct Comparison {
    found: tactful::base::Comparison,
}

#[pymethods]
impl Comparison {
    /// A page to read: totals of both, then what changes most.
    #[getter]
    fn text(&self) -> String {
        self.found.to_string()
    }

    /// All of it: ``before`` and ``after`` (``digest``, ``customers``, ``reached``, ``offers``, ``fallbacks``, ``silences``, ``value``,
    /// ``most``, ``per_customer``, ``without_value``); ``same``, ``changed``, ``only_before`` and ``only_after`` (decisions); ``gained``,
    /// ``lost`` and ``never`` (customers); and lists by ``placements``, ``offers``, ``swaps``, ``gates`` and ``segments``.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        guard(|| {
            let text = serde_json::to_string(&self.found).map_err(|error| errors::internal(&error.to_string()))?;
            crate::query::loads(py, &text)
        })
    }

    fn __str__(&self) -> String {
        self.found.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<Comparison: {} decisions stay, {} change>", self.found.same, self.found.changed)
    }
}

/// The options of a replay.
pub(crate) fn options(
    decide_at: Option<&Bound<'_, PyAny>>,
    placements: Option<&Bound<'_, PyAny>>,
    record: Option<String>,
    columns: Option<&Bound<'_, PyAny>>,
    bad_rows: &str,
    forecast: Option<&Bound<'_, Forecast>>,
) -> PyResult<ReplayOptions> {
    let bad_rows = match bad_rows {
        "stop" => BadRows::Stop,
        "report" => BadRows::Report,
        other => {
            let shown: String = other.chars().take(40).collect();
            let message = format!("expected `stop` or `report`, found `{shown}`");
            return Err(Bad::new("wrong_option", "bad_rows", message).replay());
        }
    };
    Ok(ReplayOptions {
        decide_at: decide_at.map_or_else(|| Ok(Vec::new()), instants)?,
        placements: placements.map_or_else(|| Ok(Vec::new()), question::placements).map_err(Bad::request)?,
        record,
        columns: columns.map_or_else(|| Ok(BTreeMap::new()), names).map_err(Bad::replay)?,
        bad_rows,
        forecast: forecast.map(|forecast| forecast.get().forecast.clone()),
    })
}

/// One instant or several.
fn instants(found: &Bound<'_, PyAny>) -> PyResult<Vec<tactful::Timestamp>> {
    let several = !found.is_instance_of::<PyString>() && found.hasattr("__iter__")?;
    if !several {
        return Ok(vec![time::instant(found, "decide_at").map_err(Bad::request)?]);
    }
    let mut instants = Vec::new();
    for (place, instant) in found.try_iter()?.enumerate() {
        instants.push(time::instant(&instant?, &format!("decide_at[{place}]")).map_err(Bad::request)?);
    }
    Ok(instants)
}

/// From what a column stands for to its name.
pub(crate) fn names(found: &Bound<'_, PyAny>) -> Result<BTreeMap<String, String>, Bad> {
    let wrong = || Bad::kind("columns", "a mapping from what a column stands for to its name", found);
    let mut names = BTreeMap::new();
    for pair in found.cast::<PyMapping>().map_err(|_| wrong())?.items().map_err(|_| wrong())? {
        let (role, name) = pair.extract::<(Bound<'_, PyString>, Bound<'_, PyString>)>().map_err(|_| wrong())?;
        names.insert(value::string(&role, "columns")?, value::string(&name, "columns")?);
    }
    Ok(names)
}

/// Takes in all tables and walks through time.
pub(crate) fn run(
    py: Python<'_>,
    owner: &Bound<'_, Engine>,
    events: &Bound<'_, PyAny>,
    options: ReplayOptions,
    progress: Option<Py<PyAny>>,
) -> PyResult<Replay> {
    let engine = &owner.get().engine;
    let mut replay = tactful::base::Replay::new(engine.clone(), options).map_err(|error| errors::replay(&error))?;
    let mut teller = Teller { progress, raised: None };
    let sources = stream::sources(events)?;
    let started = clock();
    for source in sources {
        // One after the other, because some sources cannot have two results open at a time.
        let reader = stream::reader(source.bind(py))?;
        let taken = py.detach(|| take(&mut replay, reader, &mut teller));
        taken.map_err(|error| teller.error(error))?;
    }
    let rows = replay.tables().stats.rows;
    if teller.tell(Progress { step: Step::Load, done: rows, total: Some(rows), now: None }).is_break() {
        return Err(teller.error(Failure::Replay(ReplayError::Stopped)));
    }
    let loaded = clock();
    let walked = py.detach(|| replay.run(&mut |progress| teller.tell(progress)).map(|_| ()));
    walked.map_err(|error| teller.error(Failure::Replay(error)))?;
    if let Some(error) = teller.raised {
        return Err(error);
    }
    let seconds = [loaded - started, clock() - loaded];
    let tables =
        py.detach(|| tactful_arrow::tables(replay.tables(), engine.playbook())).map_err(|error| errors::arrow(&error))?;
    let tables: PyResult<Vec<_>> =
        tables.into_iter().map(|(name, table)| Ok((name, Py::new(py, Table::of(name, table))?))).collect();
    Ok(Replay { replay, tables: tables?, seconds, engine: owner.clone().unbind() })
}

#[expect(clippy::disallowed_methods, reason = "how long a replay takes is told to people and decides nothing")]
fn clock() -> Instant {
    Instant::now()
}

/// Why a replay cannot go on.
enum Failure {
    Replay(ReplayError),
    Arrow(ArrowError),
}

/// Takes in the batches of one table.
fn take(replay: &mut tactful::base::Replay, reader: Reader, teller: &mut Teller) -> Result<(), Failure> {
    for chunk in reader {
        let chunk = chunk.map_err(Failure::Arrow)?;
        let batch = chunk.batch().map_err(Failure::Arrow)?;
        replay.add(&batch, &mut |progress| teller.tell(progress)).map_err(Failure::Replay)?;
    }
    Ok(())
}

/// Tells the caller how far the replay is, and notices when it is to stop.
struct Teller {
    progress: Option<Py<PyAny>>,
    raised: Option<PyErr>,
}

impl Teller {
    fn tell(&mut self, Progress { step, done, total, now }: Progress) -> ControlFlow<()> {
        let step = match step {
            Step::Load => "load",
            Step::Replay => "replay",
        };
        let told = Python::attach(|py| {
            py.check_signals()?;
            match &self.progress {
                Some(progress) => progress.call1(py, (step, done, total, now.map(time::datetime))).map(|_| ()),
                None => Ok(()),
            }
        });
        match told {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.raised = Some(error);
                ControlFlow::Break(())
            }
        }
    }

    /// What the caller gets: its own exception, when it raised one.
    fn error(&mut self, failure: Failure) -> PyErr {
        match (self.raised.take(), failure) {
            (Some(error), _) => error,
            (None, Failure::Replay(error)) => errors::replay(&error),
            (None, Failure::Arrow(error)) => errors::arrow(&error),
        }
    }
}
