//! Where customers were in their journeys.

use crate::errors::Bad;
use crate::event::Event;
use crate::guard::guard;
use crate::time;
use chrono::{DateTime, TimeDelta, Utc};
use pyo3::prelude::*;
use tactful::journey::{self, JourneyHistory};
use tactful::{Customer, Engine, Timestamp};

/// The stages that a customer saw in one journey, or in one instance of a journey with a ``key``, in order.
///
/// Example:
///     >>> way = tactful.Engine.compile({"shop.yaml": "{playbook: shop, version: 1, identity: {customer: {}}, "
///     ...     "events: {visit: {page: string}}, journeys: {way: {stages: {curious: {on: visit}}}}}"})
///     >>> ada = way.customer("customer:ada")
///     >>> _ = way.record(ada, tactful.Event("visit", "2010-03-01T10:00:00Z", "customer:ada", id="v1"))
///     >>> [walk] = way.journeys(ada, "2010-03-03T10:00:00Z")
///     >>> walk.stage, walk.stays[0].by, walk.stays[0].event, walk.stays[0].duration.days
///     ('curious', 'on', 'v1', 2)
#[pyclass(frozen, eq, module = "tactful")]
#[derive(PartialEq)]
pub(crate) struct JourneyWalk {
    history: JourneyHistory,
    now: Timestamp,
}

/// A stay in a stage.
#[pyclass(frozen, eq, module = "tactful")]
#[derive(PartialEq)]
pub(crate) struct JourneyStay {
    stay: journey::Stay,
    now: Timestamp,
}

#[pymethods]
impl JourneyWalk {
    /// The journey.
    #[getter]
    fn journey(&self) -> &str {
        &self.history.journey
    }

    /// The key of the instance; ``None`` for a journey without a key.
    #[getter]
    fn instance(&self) -> Option<&str> {
        self.history.instance.as_deref()
    }

    /// The stage; ``None`` outside of the journey.
    #[getter]
    fn stage(&self) -> Option<&str> {
        self.history.open().map(|stay| &*stay.stage)
    }

    /// Since when they are in the stage.
    #[getter]
    fn since(&self) -> Option<DateTime<Utc>> {
        self.history.open().map(|stay| time::datetime(stay.entered))
    }

    /// The stage before.
    #[getter]
    fn previous(&self) -> Option<&str> {
        let place = self.history.stays.len().checked_sub(1 + usize::from(self.history.open().is_some()))?;
        self.history.stays.get(place).map(|stay| &*stay.stage)
    }

    /// How often they came into the journey.
    #[getter]
    fn entries(&self) -> u32 {
        self.history.entries
    }

    /// When they came in the last time.
    #[getter]
    fn began(&self) -> Option<DateTime<Utc>> {
        self.history.began.map(time::datetime)
    }

    /// When they went out or came to a final stage; ``None`` while they are in.
    #[getter]
    fn ended(&self) -> Option<DateTime<Utc>> {
        self.history.ended.map(time::datetime)
    }

    /// The first instant at which they may move without an event.
    #[getter]
    fn next(&self) -> Option<DateTime<Utc>> {
        self.history.next.map(time::datetime)
    }

    /// The stays in stages, in order; one that still lasts comes last.
    #[getter]
    fn stays(&self) -> Vec<JourneyStay> {
        self.history.stays.iter().map(|stay| JourneyStay { stay: stay.clone(), now: self.now }).collect()
    }

    /// How often they came into a stage.
    #[pyo3(signature = (stage, /))]
    fn visits(&self, stage: &str) -> usize {
        self.history.stays.iter().filter(|stay| *stay.stage == *stage).count()
    }

    fn __repr__(&self) -> String {
        let instance = self.history.instance.as_ref().map_or_else(String::new, |_| " (an instance)".to_owned());
        let stages: Vec<&str> = self.history.stays.iter().map(|stay| &*stay.stage).collect();
        format!("<JourneyWalk of {}{instance}: {}>", self.history.journey, stages.join(" -> "))
    }
}

#[pymethods]
impl JourneyStay {
    /// The stage.
    #[getter]
    fn stage(&self) -> &str {
        &self.stay.stage
    }

    /// From when, in UTC.
    #[getter]
    fn entered(&self) -> DateTime<Utc> {
        time::datetime(self.stay.entered)
    }

    /// Until when; ``None`` while it lasts.
    #[getter]
    fn left(&self) -> Option<DateTime<Utc>> {
        self.stay.left.map(time::datetime)
    }

    /// How long it lasted, or has lasted by the instant that was asked for.
    #[getter]
    fn duration(&self) -> TimeDelta {
        TimeDelta::microseconds(self.stay.length(self.now).micros())
    }

    /// Which key of the playbook led in, such as ``on``, ``enter`` or ``timeout``.
    #[getter]
    fn by(&self) -> &str {
        self.stay.by.name()
    }

    /// The id of the event that did; ``None`` when only time passed.
    #[getter]
    fn event(&self) -> Option<&str> {
        self.stay.event.as_deref()
    }

    /// Which key led out; ``None`` while it lasts.
    #[getter]
    fn ended(&self) -> Option<&str> {
        self.stay.ended.map(|way| way.name())
    }

    fn __repr__(&self) -> String {
        let until = self.stay.left.map_or_else(|| "now".to_owned(), |left| left.to_string());
        format!("<JourneyStay in {} from {} to {until}, by {}>", self.stay.stage, self.stay.entered, self.stay.by.name())
    }
}

/// The walks of a customer, of one journey or instance only when these are given.
pub(crate) fn walks(
    py: Python<'_>,
    engine: &Engine,
    customer: &Customer,
    (now, known_at): (&Bound<'_, PyAny>, Option<&Bound<'_, PyAny>>),
    (journey, instance): (Option<&str>, Option<&str>),
) -> PyResult<Vec<JourneyWalk>> {
    guard(|| {
        if let Some(name) = journey
            && !engine.playbook().journeys.iter().any(|own| *own.name.text == *name)
        {
            let shown: String = name.chars().take(40).collect();
            return Err(Bad::new("unknown_name", "journey", format!("journey `{shown}` is not declared")).query());
        }
        let now = time::instant(now, "now").map_err(Bad::query)?;
        let known_at = time::optional(known_at, "known_at").map_err(Bad::query)?.unwrap_or(now);
        let found = py.detach(|| engine.journey_history_as_known(customer, now, known_at));
        let own = found
            .into_iter()
            .filter(|history| journey.is_none_or(|name| *history.journey == *name))
            .filter(|history| instance.is_none_or(|key| history.instance.as_deref() == Some(key)));
        Ok(own.map(|history| JourneyWalk { history, now }).collect())
    })
}

/// Where a customer is, as events for the next version of the playbook.
pub(crate) fn pins(py: Python<'_>, engine: &Engine, customer: &Customer, now: &Bound<'_, PyAny>) -> PyResult<Vec<Event>> {
    guard(|| {
        let now = time::instant(now, "now").map_err(Bad::query)?;
        Ok(py.detach(|| engine.journey_pins(customer, now)).into_iter().map(Event::of).collect())
    })
}
