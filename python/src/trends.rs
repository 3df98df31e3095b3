use crate::base::CustomerBase;
use crate::customer::Customer;
use crate::engine::Engine;
use crate::errors::{self, Bad};
use crate::event::Event;
use crate::guard::{guard, read, write};
use crate::query;
use crate::time;
use chrono::{DateTime, Utc};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};
use tactful::trends::{Snapshot, Trends as Counted};

/// What was counted over many customers, with what each of them contributed, so that it can be replaced, forgotten and merged.
///
/// ``len()`` is the number of customers who contribute. The playbook's key ``trends`` says what is counted; ``docs/trends.md`` explains it.
///
/// Example:
///     >>> trends = tactful.Trends(engine)
///     >>> trends.observe(customer)
///     >>> trends
///     <Trends of 1 customer>
///     >>> trends.snapshot("2010-03-09T00:00:00Z").read("events", "2010-03-09T00:00:00Z") is None  # too few customers
///     True
#[pyclass(frozen, module = "tactful")]
pub(crate) struct Trends {
    trends: RwLock<Counted>,
    engine: Py<Engine>,
}

/// What was counted up to an instant, as it may be read: about at least ``k`` customers in every cell, without anybody in it.
///
/// :meth:`Trends.snapshot` makes one; it never changes.
#[pyclass(frozen, eq, module = "tactful")]
pub(crate) struct TrendSnapshot {
    pub(crate) snapshot: Arc<Snapshot>,
    engine: Py<Engine>,
}

impl TrendSnapshot {
    /// The snapshot itself.
    pub(crate) fn shared(&self) -> Arc<Snapshot> {
        self.snapshot.clone()
    }
}

impl PartialEq for TrendSnapshot {
    fn eq(&self, other: &Self) -> bool {
        self.snapshot == other.snapshot
    }
}

#[pymethods]
impl Trends {
    #[new]
    #[pyo3(signature = (engine, /))]
    fn new(engine: Bound<'_, Engine>) -> Self {
        let trends = RwLock::new(engine.get().engine.trends());
        Trends { trends, engine: engine.unbind() }
    }

    /// The engine.
    #[getter]
    fn engine(&self, py: Python<'_>) -> Py<Engine> {
        self.engine.clone_ref(py)
    }

    /// Counts a customer, or all customers of a base, each in place of what they contributed before under any of their identifiers:
    /// corrections, links and partings take effect.
    #[pyo3(signature = (who, /))]
    fn observe(&self, py: Python<'_>, who: &Bound<'_, PyAny>) -> PyResult<()> {
        guard(|| {
            let own = &self.engine.get().engine;
            if let Ok(customer) = who.cast::<Customer>() {
                let customer = customer.get();
                return py.detach(|| {
                    let customer = read(&customer.customer)?;
                    own.observe(&mut *write(&self.trends)?, &customer);
                    Ok(())
                });
            }
            let Ok(base) = who.cast::<CustomerBase>() else {
                return Err(Bad::kind("who", "a customer or a customer base", who).trends());
            };
            let base = base.get();
            py.detach(|| {
                let base = read(&base.base)?;
                base.observe(&mut *write(&self.trends)?);
                Ok(())
            })
        })
    }

    /// Counts something that nobody known said or did, such as a review, a mention or press: one voice, by its id, told again it replaces
    /// what was counted. Identifiers are not looked at.
    ///
    /// Raises:
    ///     EventError: for an event without an id, or that does not fit the playbook.
    #[pyo3(signature = (event, /))]
    fn hear(&self, event: &Bound<'_, Event>) -> PyResult<()> {
        guard(|| {
            let event = &event.get().event;
            self.engine.get().engine.hear(&mut *write(&self.trends)?, event).map_err(|error| errors::event(&error))
        })
    }

    /// Takes back what a customer contributed, by their id; says whether there was anything.
    #[pyo3(signature = (id, /))]
    fn forget(&self, id: &str) -> PyResult<bool> {
        guard(|| Ok(write(&self.trends)?.forget(id)))
    }

    /// Adds other trends, which stay as they are: in any order, and however customers were parted, with equal bits.
    ///
    /// Raises:
    ///     TrendError: when the others were counted by other rules; nothing is changed then.
    #[pyo3(signature = (other, /))]
    fn merge(&self, py: Python<'_>, other: &Bound<'_, Trends>) -> PyResult<()> {
        guard(|| {
            let other = other.get();
            py.detach(|| {
                // A copy, so that trends can be added to themselves.
                let other = read(&other.trends)?.clone();
                write(&self.trends)?.merge(&other).map_err(|error| errors::trends(&error))
            })
        })
    }

    /// What may be read at an instant and after: the epochs that are over by then.
    ///
    /// With the snapshot that was read ``before``, what fewer than ``k`` customers changed since stays as it was, so that the
    /// difference of two answers tells about nobody either.
    ///
    /// Raises:
    ///     TrendError: for an instant of another form, or when the one before was counted by other rules.
    #[pyo3(signature = (at, *, before=None))]
    fn snapshot(
        &self,
        py: Python<'_>,
        at: &Bound<'_, PyAny>,
        before: Option<&Bound<'_, TrendSnapshot>>,
    ) -> PyResult<TrendSnapshot> {
        guard(|| {
            let at = time::instant(at, "at").map_err(Bad::trends)?;
            let before = before.map(Bound::get);
            let made = py.detach(|| {
                let made = read(&self.trends)?.snapshot(at, before.map(|before| &*before.snapshot));
                made.map_err(|error| errors::trends(&error))
            })?;
            Ok(TrendSnapshot { snapshot: Arc::new(made), engine: self.engine.clone_ref(py) })
        })
    }

    /// The trends as bytes, for :meth:`from_bytes`; equal trends give equal bytes.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        guard(|| {
            let bytes = py.detach(|| Ok::<_, PyErr>(read(&self.trends)?.to_bytes()))?;
            Ok(PyBytes::new(py, &bytes))
        })
    }

    /// Trends out of the bytes that :meth:`to_bytes` gave, under a playbook that counts alike.
    ///
    /// Raises:
    ///     StateError: for bytes that are damaged, of a newer format or counted by other rules.
    ///
    /// Example:
    ///     >>> trends = tactful.Trends(engine)
    ///     >>> trends.observe(base)
    ///     >>> tactful.Trends.from_bytes(engine, trends.to_bytes()).to_bytes() == trends.to_bytes()
    ///     True
    #[staticmethod]
    #[pyo3(signature = (engine, data, /))]
    fn from_bytes(py: Python<'_>, engine: Bound<'_, Engine>, data: &[u8]) -> PyResult<Self> {
        guard(|| {
            let own = &engine.get().engine;
            let read = py.detach(|| own.trends_from_bytes(data)).map_err(|error| errors::state(&error))?;
            Ok(Trends { trends: RwLock::new(read), engine: engine.clone().unbind() })
        })
    }

    /// Pickles with its engine.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (Py<Engine>, Bound<'py, PyBytes>))> {
        let (py, own) = (slf.py(), slf.get());
        Ok((slf.getattr("from_bytes")?, (own.engine.clone_ref(py), own.to_bytes(py)?)))
    }

    fn __len__(&self) -> PyResult<usize> {
        Ok(read(&self.trends)?.len())
    }

    fn __bool__(&self) -> bool {
        true
    }

    fn __repr__(&self) -> PyResult<String> {
        let count = self.__len__()?;
        Ok(format!("<Trends of {count} {}>", if count == 1 { "customer" } else { "customers" }))
    }
}

#[pymethods]
impl TrendSnapshot {
    /// The instant up to which it counts, in UTC.
    #[getter]
    fn at(&self) -> DateTime<Utc> {
        time::datetime(self.snapshot.at())
    }

    /// SHA-256 over all that can be read of it, in hexadecimal digits.
    #[getter]
    fn digest(&self, py: Python<'_>) -> String {
        py.detach(|| self.snapshot.digest())
    }

    /// The names of the trends.
    #[getter]
    fn names(&self) -> Vec<String> {
        self.snapshot.names().map(str::to_owned).collect()
    }

    /// What a trend counted where its dimensions have these ``values``, decayed to ``now``; dimensions that are not named may have any.
    ///
    /// Gives ``count``, ``sum`` (``None`` when the trend sums nothing) and ``customers`` (about how many it is at least), or ``None`` when
    /// that would be about too few customers.
    ///
    /// Raises:
    ///     TrendError: for a trend or dimension that is not declared, or an instant before the snapshot.
    #[pyo3(signature = (trend, now, *, values=None))]
    fn read<'py>(
        &self,
        py: Python<'py>,
        trend: &str,
        now: &Bound<'py, PyAny>,
        values: Option<BTreeMap<String, String>>,
    ) -> PyResult<Option<Bound<'py, PyDict>>> {
        guard(|| {
            let now = time::instant(now, "now").map_err(Bad::trends)?;
            let values = values.unwrap_or_default();
            let wanted: Vec<(&str, &str)> = values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let found = py.detach(|| self.snapshot.read(trend, &wanted, now)).map_err(|error| errors::trends(&error))?;
            let Some(found) = found else { return Ok(None) };
            let answer = PyDict::new(py);
            answer.set_item("count", found.count)?;
            answer.set_item("sum", found.sum)?;
            answer.set_item("customers", found.customers)?;
            Ok(Some(answer))
        })
    }

    /// All cells of a trend, decayed to ``now``: each with ``values``, ``rest``, ``low``, ``high``, ``count``, ``sum`` and
    /// ``customers``.
    ///
    /// Raises:
    ///     TrendError: as for :meth:`read`.
    fn cells<'py>(&self, py: Python<'py>, trend: &str, now: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        guard(|| {
            let now = time::instant(now, "now").map_err(Bad::trends)?;
            let shown = py.detach(|| self.snapshot.show(trend, now)).map_err(|error| errors::trends(&error))?;
            query::loads(py, &shown.to_json())?.get_item("cells")
        })
    }

    /// The snapshot as bytes, for :meth:`from_bytes`. It holds hashes of who contributed, for the snapshot after it;
    /// ``members=False`` leaves them out, for one that is given away.
    #[pyo3(signature = (*, members=true))]
    fn to_bytes<'py>(&self, py: Python<'py>, members: bool) -> PyResult<Bound<'py, PyBytes>> {
        guard(|| {
            let bytes = py.detach(|| match members {
                true => self.snapshot.to_bytes(),
                false => Snapshot::clone(&self.snapshot).without_members().to_bytes(),
            });
            Ok(PyBytes::new(py, &bytes))
        })
    }

    /// A snapshot out of the bytes that :meth:`to_bytes` gave, under a playbook that counts alike.
    ///
    /// Raises:
    ///     StateError: for bytes that are damaged, of a newer format or counted by other rules.
    #[staticmethod]
    #[pyo3(signature = (engine, data, /))]
    fn from_bytes(py: Python<'_>, engine: Bound<'_, Engine>, data: &[u8]) -> PyResult<Self> {
        guard(|| {
            let own = &engine.get().engine;
            let read = py.detach(|| own.snapshot_from_bytes(data)).map_err(|error| errors::state(&error))?;
            Ok(TrendSnapshot { snapshot: Arc::new(read), engine: engine.clone().unbind() })
        })
    }

    /// Pickles with its engine.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (Py<Engine>, Bound<'py, PyBytes>))> {
        let (py, own) = (slf.py(), slf.get());
        Ok((slf.getattr("from_bytes")?, (own.engine.clone_ref(py), own.to_bytes(py, true)?)))
    }

    fn __repr__(&self) -> String {
        format!("<TrendSnapshot at {}>", self.snapshot.at())
    }
}
