//! Reserving what was decided, and what is told of it.

use crate::base::CustomerBase;
use crate::decision::Decision;
use crate::effects::Effects;
use crate::errors::{self, Bad};
use crate::event::identifier;
use crate::guard::{guard, write};
use crate::time;
use chrono::{DateTime, Utc};
use pyo3::prelude::*;
use pyo3::types::{PyAny, PyDelta, PyString};
use tactful::{Duration, Identifier, RequestError, Timestamp, base};

/// A decision of which every slot is held for the customer until an instant.
#[pyclass(frozen, module = "tactful")]
pub(crate) struct Reservation {
    pub(crate) decision: Py<Decision>,
    pub(crate) expires: Timestamp,
}

#[pymethods]
impl Reservation {
    /// The decision.
    #[getter]
    fn decision(&self, py: Python<'_>) -> Py<Decision> {
        self.decision.clone_ref(py)
    }

    /// From when on nothing is held any more, unless it was confirmed; in UTC.
    #[getter]
    fn expires(&self) -> DateTime<Utc> {
        time::datetime(self.expires)
    }

    fn __repr__(&self) -> String {
        format!("<Reservation until {}>", self.expires)
    }
}

impl CustomerBase {
    pub(crate) fn told(
        &self,
        py: Python<'_>,
        identifier: &Bound<'_, PyAny>,
        now: &Bound<'_, PyAny>,
        tell: impl FnOnce(&mut base::CustomerBase, &Identifier, Timestamp) -> Result<Vec<tactful::Effects>, RequestError> + Send,
    ) -> PyResult<Vec<Effects>> {
        guard(|| {
            let who = self::identifier(identifier, "identifier").map_err(Bad::request)?;
            let now = time::instant(now, "now").map_err(Bad::request)?;
            let caused = py.detach(|| tell(&mut *write(&self.base)?, &who, now).map_err(|error| errors::request(&error)))?;
            caused.into_iter().map(|effects| Effects::of(py, effects)).collect()
        })
    }
}

/// A `timedelta`, or text such as `15m`.
pub(crate) fn length(told: &Bound<'_, PyAny>) -> Result<Duration, Bad> {
    if let Ok(delta) = told.cast::<PyDelta>() {
        return time::duration(delta, "reserve_for");
    }
    let expected = "a timedelta or text such as `15m`";
    let Ok(text) = told.cast::<PyString>() else { return Err(Bad::kind("reserve_for", expected, told)) };
    let text = text.to_cow().map_err(|_| Bad::new("not_utf8", "reserve_for", "expected text without lone surrogates"))?;
    Duration::parse(&text).map_err(|_| Bad::new("out_of_range", "reserve_for", format!("expected {expected}")))
}

/// One placement by name, or several, as a list.
pub(crate) fn listed<'py>(asked: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let names = crate::question::placements(asked).map_err(Bad::request)?;
    Ok(pyo3::types::PyList::new(asked.py(), names)?.into_any())
}
