//! Journey maps of populations.

use crate::base::CustomerBase;
use crate::customer::Customer;
use crate::engine::Engine;
use crate::errors::{self, Bad};
use crate::guard::{guard, read, write};
use crate::query;
use crate::table::Table;
use crate::time;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::sync::RwLock;
use tactful::map::{self, Ground, MapOptions, MapReport, Period, PlanReport, Question, Split};
use tactful_arrow::{ArrowError, map_flows_table, map_stages_table, map_touchpoints_table};

/// Where the customers of a population are in a journey, who goes where, how long that takes, and what is out of line. Shows itself as a
/// picture in a notebook. ``docs/maps.md`` says how everything is counted.
///
/// A map begins with nobody; :meth:`CustomerBase.journey_map` and :meth:`Replay.journey_map` make the maps of all. Maps of disjoint
/// populations add up exactly.
///
/// Args:
///     engine: the engine.
///     journey: the journey.
///     at: the instant at which customers stand where they stand; nothing later is seen.
///     since: only stays that began then or later.
///     split: ``segments`` or ``personas``: groups besides everyone; ``weeks``, ``months``, ``quarters`` or ``years``: a group for each
///         period of the calendar in the playbook's zone, counted as a map of that period alone.
///     nps, csat: the event type and the property of answers from 0 to 10, and from 1 to 5; ``("nps", "score")`` and ``("csat", "score")``
///         when the playbook has them.
///     complaints: event types that are complaints, beside the outcome ``complained``.
///     k: what is told is about at least so many customers.
///
/// Raises:
///     RequestError: for a name that the playbook does not declare, or a ``k`` that is not from 1 to 1,000,000.
///
/// Example:
///     >>> way = tactful.Engine.compile({"shop.yaml": "{playbook: shop, version: 1, identity: {customer: {}}, "
///     ...     "events: {visit: {page: string}}, journeys: {way: {stages: {curious: {on: visit}}}}}"})
///     >>> map = tactful.JourneyMap(way, "way", "2010-03-31T00:00:00Z", k=1)
///     >>> ada = way.customer("customer:ada")
///     >>> _ = way.record(ada, tactful.Event("visit", "2010-03-01T10:00:00Z", "customer:ada"))
///     >>> map.observe(ada)
///     >>> map
///     <JourneyMap of way at 2010-03-31T00:00:00Z: 1 customer>
///     >>> map.report()["stages"][0]["here"]
///     1
#[pyclass(frozen, module = "tactful")]
pub(crate) struct JourneyMap {
    map: RwLock<map::JourneyMap>,
    engine: tactful::Engine,
    options: MapOptions,
    k: u64,
}

/// What a caller says about the map wanted.
pub(crate) struct Wanted {
    pub(crate) options: MapOptions,
    pub(crate) k: u64,
}

type Answered = Option<(String, String)>;

impl Wanted {
    #[expect(clippy::too_many_arguments, reason = "the options of three Python functions")]
    pub(crate) fn new(
        journey: String,
        at: &Bound<'_, PyAny>,
        since: Option<&Bound<'_, PyAny>>,
        split: Option<&str>,
        nps: Answered,
        csat: Answered,
        complaints: Option<Vec<String>>,
        k: u64,
    ) -> PyResult<Self> {
        let answered = |asked: Answered| asked.map(|(event, property)| Question { event, property });
        let split = match split {
            None => Split::Everyone,
            Some("segments") => Split::Segments,
            Some("personas") => Split::Personas,
            Some("weeks") => Split::Periods(Period::Week),
            Some("months") => Split::Periods(Period::Month),
            Some("quarters") => Split::Periods(Period::Quarter),
            Some("years") => Split::Periods(Period::Year),
            Some(other) => {
                let shown: String = other.chars().take(40).collect();
                let message =
                    format!("expected `segments`, `personas`, `weeks`, `months`, `quarters`, `years` or None, found `{shown}`");
                return Err(Bad::new("wrong_option", "split", message).request());
            }
        };
        let options = MapOptions {
            since: time::optional(since, "since").map_err(Bad::request)?,
            split,
            nps: answered(nps),
            csat: answered(csat),
            complaints: complaints.unwrap_or_default(),
            ..MapOptions::new(journey, time::instant(at, "at").map_err(Bad::request)?)
        };
        map::threshold(k).map_err(|error| wrong(&error))?;
        Ok(Wanted { options, k })
    }
}

/// The ground of a picture.
fn on(ground: Option<&str>) -> PyResult<Ground> {
    match ground {
        None => Ok(Ground::Either),
        Some("light") => Ok(Ground::Light),
        Some("dark") => Ok(Ground::Dark),
        Some(other) => {
            let shown: String = other.chars().take(40).collect();
            let message = format!("expected `light`, `dark` or None, found `{shown}`");
            Err(Bad::new("wrong_option", "ground", message).request())
        }
    }
}

fn wrong(error: &map::MapError) -> PyErr {
    Bad::new(error.code(), error.path(), error.to_string()).request()
}

impl JourneyMap {
    /// The map that `fill` makes.
    pub(crate) fn filled(
        py: Python<'_>,
        engine: &tactful::Engine,
        wanted: Wanted,
        fill: impl Fn(&MapOptions) -> PyResult<Result<map::JourneyMap, map::MapError>> + Send + Sync,
    ) -> PyResult<Self> {
        let Wanted { options, k } = wanted;
        let map = py.detach(|| fill(&options))?.map_err(|error| wrong(&error))?;
        Ok(JourneyMap { map: RwLock::new(map), engine: engine.clone(), options, k })
    }

    fn told(&self, py: Python<'_>, group: Option<&str>) -> PyResult<MapReport> {
        py.detach(|| Ok::<_, PyErr>(read(&self.map)?.report(group, self.k)))?.map_err(|error| wrong(&error))
    }

    fn table(
        &self,
        py: Python<'_>,
        group: Option<&str>,
        name: &'static str,
        build: fn(&MapReport) -> Result<tactful_arrow::Table, ArrowError>,
    ) -> PyResult<Table> {
        let report = self.told(py, group)?;
        build(&report).map(|table| Table::of(name, table)).map_err(|error| errors::arrow(&error))
    }
}

#[pymethods]
impl JourneyMap {
    #[new]
    #[pyo3(signature = (engine, journey, at, *, since=None, split=None, nps=None, csat=None, complaints=None, k=10))]
    #[expect(clippy::too_many_arguments, reason = "Python's are named")]
    fn new(
        py: Python<'_>,
        engine: &Bound<'_, Engine>,
        journey: String,
        at: &Bound<'_, PyAny>,
        since: Option<&Bound<'_, PyAny>>,
        split: Option<&str>,
        nps: Answered,
        csat: Answered,
        complaints: Option<Vec<String>>,
        k: u64,
    ) -> PyResult<Self> {
        guard(|| {
            let engine = &engine.get().engine;
            let wanted = Wanted::new(journey, at, since, split, nps, csat, complaints, k)?;
            JourneyMap::filled(py, engine, wanted, |options| Ok(engine.journey_map(options)))
        })
    }

    /// Counts a customer, or all customers of a base. Nobody is to be counted twice.
    #[pyo3(signature = (who, /))]
    fn observe(&self, py: Python<'_>, who: &Bound<'_, PyAny>) -> PyResult<()> {
        guard(|| {
            if let Ok(customer) = who.cast::<Customer>() {
                let customer = customer.get();
                return py.detach(|| {
                    let customer = read(&customer.customer)?;
                    self.engine.observe_journey(&mut *write(&self.map)?, &customer);
                    Ok(())
                });
            }
            let Ok(base) = who.cast::<CustomerBase>() else {
                return Err(Bad::kind("who", "a customer or a customer base", who).request());
            };
            let base = base.get();
            py.detach(|| {
                let base = read(&base.base)?;
                let mut map = write(&self.map)?;
                base.iter().for_each(|customer| self.engine.observe_journey(&mut map, customer));
                Ok(())
            })
        })
    }

    /// Adds the map of other customers.
    ///
    /// Raises:
    ///     RequestError: when it is of another journey, instant, period or split.
    #[pyo3(signature = (other, /))]
    fn merge(&self, py: Python<'_>, other: &Bound<'_, JourneyMap>) -> PyResult<()> {
        guard(|| {
            let other = other.get();
            py.detach(|| {
                // A copy, so that no two locks are held at once.
                let other = read(&other.map)?.clone();
                Ok::<_, PyErr>(write(&self.map)?.merge(&other))
            })?
            .map_err(|error| wrong(&error))
        })
    }

    /// How many customers were counted.
    #[getter]
    fn customers(&self) -> PyResult<u64> {
        Ok(read(&self.map)?.customers())
    }

    /// The groups of at least ``k`` customers.
    #[getter]
    fn groups(&self) -> PyResult<Vec<String>> {
        Ok(read(&self.map)?.groups(self.k).map(ToString::to_string).collect())
    }

    /// What may be told, as plain data: the answer of the question ``journey_map``, see ``docs/queries.schema.json``.
    #[pyo3(signature = (group=None))]
    fn report<'py>(&self, py: Python<'py>, group: Option<&str>) -> PyResult<Bound<'py, PyAny>> {
        guard(|| {
            let report = self.told(py, group)?;
            let text = serde_json::to_string(&report).map_err(|error| errors::internal(&error.to_string()))?;
            query::loads(py, &text)
        })
    }

    /// A row per stage: ``stage``, ``title``, ``drop_out``, ``here``, ``entries``, ``entered_by``, ``returns``, ``exits``, ``drop_outs``,
    /// ``left``, ``drop_out_rate``, ``mean_seconds``, ``quarter_seconds``, ``median_seconds``, ``three_quarters_seconds``,
    /// ``nine_tenths_seconds``, ``nps``, ``csat``, ``complaints``. Null is what may not be told.
    #[pyo3(signature = (group=None))]
    fn stages(&self, py: Python<'_>, group: Option<&str>) -> PyResult<Table> {
        guard(|| self.table(py, group, "stages", map_stages_table))
    }

    /// A row per way from a stage to another: ``from``, ``to`` (null for outside), ``count``, ``customers``, ``share``, ``median_seconds``.
    #[pyo3(signature = (group=None))]
    fn flows(&self, py: Python<'_>, group: Option<&str>) -> PyResult<Table> {
        guard(|| self.table(py, group, "flows", map_flows_table))
    }

    /// A row per stage and touchpoint: ``stage``, ``event``, ``channel``, ``count``, ``customers``.
    #[pyo3(signature = (group=None))]
    fn touchpoints(&self, py: Python<'_>, group: Option<&str>) -> PyResult<Table> {
        guard(|| self.table(py, group, "touchpoints", map_touchpoints_table))
    }

    /// The map as an SVG image that needs nothing else.
    ///
    /// Args:
    ///     group: one of :attr:`groups`; everyone when not given.
    ///     ground: ``light`` or ``dark``; as the reader's system prefers it when not given.
    #[pyo3(signature = (group=None, *, ground=None))]
    fn svg(&self, py: Python<'_>, group: Option<&str>, ground: Option<&str>) -> PyResult<String> {
        guard(|| {
            let ground = on(ground)?;
            Ok(self.told(py, group)?.svg(ground))
        })
    }

    /// The map as text for Mermaid.
    #[pyo3(signature = (group=None))]
    fn mermaid(&self, py: Python<'_>, group: Option<&str>) -> PyResult<String> {
        guard(|| Ok(self.told(py, group)?.mermaid()))
    }

    /// The map as text for Graphviz, in the DOT language.
    #[pyo3(signature = (group=None))]
    fn dot(&self, py: Python<'_>, group: Option<&str>) -> PyResult<String> {
        guard(|| Ok(self.told(py, group)?.dot()))
    }

    /// What is planned for the journey (``plan`` in the playbook), beside what this map counted: the map has to be split by ``segments`` when
    /// something is planned for a segment.
    ///
    /// Raises:
    ///     RequestError: when it is not.
    fn plan(&self, py: Python<'_>) -> PyResult<JourneyPlan> {
        guard(|| {
            let found = py.detach(|| Ok::<_, PyErr>(self.engine.journey_plan(&*read(&self.map)?, self.k)))?;
            Ok(JourneyPlan { report: found.map_err(|error| wrong(&error))? })
        })
    }

    /// How this map and another of the same journey differ, stage by stage: the differences of the question ``journey_map_compare``.
    ///
    /// Args:
    ///     other: the other map; this one when not given.
    ///     group, other_group: a group of each; everyone when not given.
    #[pyo3(signature = (other=None, *, group=None, other_group=None))]
    fn compare<'py>(
        &self,
        py: Python<'py>,
        other: Option<&Bound<'py, JourneyMap>>,
        group: Option<&str>,
        other_group: Option<&str>,
    ) -> PyResult<Bound<'py, PyAny>> {
        guard(|| {
            let other = other.map_or(self, |other| other.get());
            let found = py.detach(|| {
                let other = read(&other.map)?.clone();
                Ok::<_, PyErr>(read(&self.map)?.compare(group, &other, other_group, self.k))
            })?;
            let found = found.map_err(|error| wrong(&error))?;
            let text = serde_json::to_string(&found).map_err(|error| errors::internal(&error.to_string()))?;
            query::loads(py, &text)
        })
    }

    /// The map as bytes, for :meth:`like`. It holds numbers about few customers too.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        guard(|| Ok(PyBytes::new(py, &py.detach(|| Ok::<_, PyErr>(read(&self.map)?.to_bytes()))?)))
    }

    /// A map with the same journey, instant, period and split, out of the bytes that :meth:`to_bytes` gave.
    ///
    /// Raises:
    ///     StateError: for bytes that are damaged, or of another map.
    #[pyo3(signature = (data, /))]
    fn like(&self, py: Python<'_>, data: &[u8]) -> PyResult<Self> {
        guard(|| {
            let map = py.detach(|| Ok::<_, PyErr>(read(&self.map)?.like(data)))?.map_err(|error| errors::state(&error))?;
            let options = self.options.clone();
            Ok(JourneyMap { map: RwLock::new(map), engine: self.engine.clone(), options, k: self.k })
        })
    }

    fn _repr_svg_(&self, py: Python<'_>) -> PyResult<String> {
        self.svg(py, None, None)
    }

    fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
        self.svg(py, None, None)
    }

    fn __repr__(&self) -> PyResult<String> {
        let customers = self.customers()?;
        let who = if customers == 1 { "customer" } else { "customers" };
        Ok(format!("<JourneyMap of {} at {}: {customers} {who}>", self.options.journey, self.options.at))
    }
}

/// What is planned for a journey by segment and stage, beside what customers did there; :meth:`JourneyMap.plan` makes it. Shows itself as a
/// picture in a notebook, ``str()`` gives it as text.
#[pyclass(frozen, module = "tactful")]
pub(crate) struct JourneyPlan {
    report: PlanReport,
}

#[pymethods]
impl JourneyPlan {
    /// As plain data: the answer of the question ``journey_plan``, see ``docs/queries.schema.json``.
    fn report<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        guard(|| {
            let text = serde_json::to_string(&self.report).map_err(|error| errors::internal(&error.to_string()))?;
            query::loads(py, &text)
        })
    }

    /// In how many cells people do otherwise than planned.
    #[getter]
    fn deviating(&self) -> usize {
        self.report.cells.iter().filter(|cell| !cell.deviations.is_empty()).count()
    }

    /// An SVG image that needs nothing else.
    ///
    /// Args:
    ///     ground: ``light`` or ``dark``; as the reader's system prefers it when not given.
    #[pyo3(signature = (*, ground=None))]
    fn svg(&self, ground: Option<&str>) -> PyResult<String> {
        guard(|| Ok(self.report.svg(on(ground)?)))
    }

    /// A table for a page, which brings its styles.
    fn html(&self) -> String {
        self.report.html()
    }

    fn _repr_svg_(&self) -> PyResult<String> {
        self.svg(None)
    }

    fn _repr_html_(&self) -> PyResult<String> {
        self.svg(None)
    }

    fn __str__(&self) -> String {
        self.report.to_string()
    }

    fn __len__(&self) -> usize {
        self.report.cells.len()
    }

    fn __bool__(&self) -> bool {
        !self.report.cells.is_empty()
    }

    fn __repr__(&self) -> String {
        let (all, some) = (self.report.cells.len(), self.deviating());
        format!(
            "<JourneyPlan of {}: {all} {}, {some} otherwise than planned>",
            self.report.journey,
            if all == 1 { "cell" } else { "cells" }
        )
    }
}
