use crate::base::CustomerBase;
use crate::customer::Customer;
use crate::engine::Engine;
use crate::errors::{self, Bad};
use crate::guard::{guard, read, write};
use crate::time;
use chrono::{DateTime, Utc};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::sync::{Arc, RwLock};
use tactful::next::{self, NextError, NextOptions};

pub(crate) fn wrong(error: &NextError) -> PyErr {
    Bad::new(error.code(), error.path(), error.to_string()).query()
}

/// As of when a population is counted, and from when on.
pub(crate) fn options(at: &Bound<'_, PyAny>, since: Option<&Bound<'_, PyAny>>) -> PyResult<NextOptions> {
    let at = time::instant(at, "at").map_err(Bad::query)?;
    let since = time::optional(since, "since").map_err(Bad::query)?;
    Ok(NextOptions { at, since })
}

/// Counts all customers of a base and lets it keep what they say.
pub(crate) fn learn(base: &mut tactful::CustomerBase, options: &NextOptions) -> PyResult<Arc<next::Forecast>> {
    base.learn(options).map_err(|error| wrong(&error))
}

/// What followed on what in a population as of an instant, with what each customer contributed, so that it can be replaced, forgotten
/// and merged.
///
/// ``len()`` is the number of customers who contribute. ``docs/next.md`` explains what is counted.
///
/// Example:
///     >>> transitions = tactful.Transitions(engine, "2010-04-01T00:00:00Z")
///     >>> transitions.observe(base)
///     >>> transitions.forecast()
///     <Forecast as of 2010-04-01T00:00:00Z>
#[pyclass(frozen, module = "tactful")]
pub(crate) struct Transitions {
    transitions: RwLock<next::Transitions>,
    engine: Py<Engine>,
}

/// What a population says about what comes next: every number in it is about at least ``k`` customers.
///
/// :meth:`Transitions.forecast` and :meth:`CustomerBase.learn` make one; it never changes.
#[pyclass(frozen, eq, module = "tactful")]
pub(crate) struct Forecast {
    pub(crate) forecast: Arc<next::Forecast>,
    engine: Py<Engine>,
}

impl PartialEq for Forecast {
    fn eq(&self, other: &Self) -> bool {
        self.forecast == other.forecast
    }
}

impl Forecast {
    pub(crate) fn new(forecast: Arc<next::Forecast>, engine: Py<Engine>) -> Self {
        Forecast { forecast, engine }
    }
}

#[pymethods]
impl Transitions {
    #[new]
    #[pyo3(signature = (engine, at, *, since=None))]
    fn new(engine: Bound<'_, Engine>, at: &Bound<'_, PyAny>, since: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        guard(|| {
            let made = engine.get().engine.transitions(&options(at, since)?).map_err(|error| wrong(&error))?;
            Ok(Transitions { transitions: RwLock::new(made), engine: engine.clone().unbind() })
        })
    }

    /// The engine.
    #[getter]
    fn engine(&self, py: Python<'_>) -> Py<Engine> {
        self.engine.clone_ref(py)
    }

    /// The instant as of which is counted, in UTC.
    #[getter]
    fn at(&self) -> PyResult<DateTime<Utc>> {
        Ok(time::datetime(read(&self.transitions)?.at()))
    }

    /// Counts a customer, or all customers of a base, each in place of what they contributed before under any of their identifiers.
    #[pyo3(signature = (who, /))]
    fn observe(&self, py: Python<'_>, who: &Bound<'_, PyAny>) -> PyResult<()> {
        guard(|| {
            let own = &self.engine.get().engine;
            if let Ok(customer) = who.cast::<Customer>() {
                let customer = customer.get();
                return py.detach(|| {
                    let customer = read(&customer.customer)?;
                    own.observe_next(&mut *write(&self.transitions)?, &customer);
                    Ok(())
                });
            }
            let Ok(base) = who.cast::<CustomerBase>() else {
                return Err(Bad::kind("who", "a customer or a customer base", who).query());
            };
            let base = base.get();
            py.detach(|| {
                let base = read(&base.base)?;
                base.observe_next(&mut *write(&self.transitions)?);
                Ok(())
            })
        })
    }

    /// Takes back what a customer contributed, by their id; says whether there was anything.
    #[pyo3(signature = (id, /))]
    fn forget(&self, id: &str) -> PyResult<bool> {
        guard(|| Ok(write(&self.transitions)?.forget(id)))
    }

    /// Adds those of another population, which stay as they are: in any order, and however customers were parted, with equal bits.
    ///
    /// Raises:
    ///     QueryError: when the others are of another playbook, instant or period; nothing is changed then.
    #[pyo3(signature = (other, /))]
    fn merge(&self, py: Python<'_>, other: &Bound<'_, Transitions>) -> PyResult<()> {
        guard(|| {
            let other = other.get();
            py.detach(|| {
                // A copy, so that transitions can be added to themselves.
                let other = read(&other.transitions)?.clone();
                write(&self.transitions)?.merge(&other).map_err(|error| wrong(&error))
            })
        })
    }

    /// What may be told of them: every number is about at least so many customers as ``predict.k`` of its journey says.
    fn forecast(&self, py: Python<'_>) -> PyResult<Forecast> {
        guard(|| {
            let made = py.detach(|| Ok::<_, PyErr>(read(&self.transitions)?.forecast()))?;
            Ok(Forecast::new(Arc::new(made), self.engine.clone_ref(py)))
        })
    }

    /// The transitions as bytes, for :meth:`from_bytes`. They hold numbers about single customers.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        guard(|| {
            let bytes = py.detach(|| Ok::<_, PyErr>(read(&self.transitions)?.to_bytes()))?;
            Ok(PyBytes::new(py, &bytes))
        })
    }

    /// Transitions out of the bytes that :meth:`to_bytes` gave, under a playbook that counts alike.
    ///
    /// Raises:
    ///     StateError: for bytes that are damaged, of a newer format or counted by another playbook.
    #[staticmethod]
    #[pyo3(signature = (engine, data, /))]
    fn from_bytes(py: Python<'_>, engine: Bound<'_, Engine>, data: &[u8]) -> PyResult<Self> {
        guard(|| {
            let own = &engine.get().engine;
            let found = py.detach(|| own.transitions_from_bytes(data)).map_err(|error| errors::state(&error))?;
            Ok(Transitions { transitions: RwLock::new(found), engine: engine.clone().unbind() })
        })
    }

    /// Pickles with its engine.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (Py<Engine>, Bound<'py, PyBytes>))> {
        let (py, own) = (slf.py(), slf.get());
        Ok((slf.getattr("from_bytes")?, (own.engine.clone_ref(py), own.to_bytes(py)?)))
    }

    fn __len__(&self) -> PyResult<usize> {
        Ok(read(&self.transitions)?.len())
    }

    fn __bool__(&self) -> bool {
        true
    }

    fn __repr__(&self) -> PyResult<String> {
        let count = self.__len__()?;
        Ok(format!("<Transitions of {count} {}>", if count == 1 { "customer" } else { "customers" }))
    }
}

#[pymethods]
impl Forecast {
    /// The instant as of which the population was counted, in UTC.
    #[getter]
    fn at(&self) -> DateTime<Utc> {
        time::datetime(self.forecast.at())
    }

    /// SHA-256 over its bytes, in hexadecimal digits.
    #[getter]
    fn digest(&self) -> String {
        self.forecast.digest().to_string()
    }

    /// The forecast as bytes, for :meth:`from_bytes`.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        guard(|| {
            let bytes = py.detach(|| self.forecast.to_bytes());
            Ok(PyBytes::new(py, &bytes))
        })
    }

    /// A forecast out of the bytes that :meth:`to_bytes` gave, under a playbook that counts alike.
    ///
    /// Raises:
    ///     StateError: for bytes that are damaged, of a newer format or counted by another playbook.
    #[staticmethod]
    #[pyo3(signature = (engine, data, /))]
    fn from_bytes(py: Python<'_>, engine: Bound<'_, Engine>, data: &[u8]) -> PyResult<Self> {
        guard(|| {
            let own = &engine.get().engine;
            let found = py.detach(|| own.forecast_from_bytes(data)).map_err(|error| errors::state(&error))?;
            Ok(Forecast::new(Arc::new(found), engine.clone().unbind()))
        })
    }

    /// Pickles with its engine.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (Py<Engine>, Bound<'py, PyBytes>))> {
        let (py, own) = (slf.py(), slf.get());
        Ok((slf.getattr("from_bytes")?, (own.engine.clone_ref(py), own.to_bytes(py)?)))
    }

    fn __repr__(&self) -> String {
        format!("<Forecast as of {}>", self.forecast.at())
    }
}
