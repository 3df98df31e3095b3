//! What customers may ask for: a portrait of theirs, and erasure.

use crate::customer::Customer;
use crate::effects::Effects;
use crate::engine::Engine;
use crate::errors::{self, Bad};
use crate::event::{Event, identifier};
use crate::guard::{guard, read, write};
use crate::query::loads;
use crate::time;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::sync::RwLock;
use tactful::base;
use tactful::{Identifier, Timestamp};

/// Everything known about a customer at an instant, as a reader may see them: ``print`` shows it as text, notebooks as a page.
///
/// :meth:`CustomerBase.portrait`, :meth:`Engine.portrait` and :meth:`Customer.portrait` make one. ``repr`` does not show it.
#[pyclass(frozen, module = "tactful")]
pub(crate) struct Portrait {
    pub(crate) portrait: tactful::Portrait,
}

/// For whom, up to when knowledge counts, and how much of the timeline.
pub(crate) struct Sitting {
    pub(crate) audience: Option<String>,
    pub(crate) now: Timestamp,
    pub(crate) known_at: Option<Timestamp>,
    pub(crate) events: usize,
}

impl Sitting {
    pub(crate) fn new(
        now: &Bound<'_, PyAny>,
        audience: Option<String>,
        known_at: Option<&Bound<'_, PyAny>>,
        events: usize,
    ) -> Result<Self, Bad> {
        Ok(Sitting { audience, now: time::instant(now, "now")?, known_at: time::optional(known_at, "known_at")?, events })
    }
}

#[pymethods]
impl Portrait {
    /// As text for a terminal.
    #[getter]
    fn text(&self) -> String {
        self.portrait.to_text()
    }

    /// As a whole page of HTML that needs nothing else; light or dark as the reader's system is.
    #[getter]
    fn html(&self) -> String {
        self.portrait.to_html()
    }

    /// As plain data: dicts, lists, text and numbers.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        loads(py, &self.portrait.to_json())
    }

    fn __str__(&self) -> String {
        self.portrait.to_text()
    }

    fn _repr_html_(&self) -> String {
        self.portrait.to_html_part()
    }

    fn __repr__(&self) -> String {
        let count = self.portrait.events;
        let audience = self.portrait.audience.as_ref().map_or(String::new(), |audience| format!(" for {audience}"));
        let events = if count == 1 { "event" } else { "events" };
        format!("<Portrait{audience} at {}: {count} {events}>", self.portrait.now)
    }
}

/// A customer, or one of their identifiers, who was erased.
#[pyclass(frozen, module = "tactful")]
pub(crate) struct Erasure {
    receipt: String,
    identifiers: Vec<String>,
    effects: Py<Effects>,
}

impl Erasure {
    pub(crate) fn of(py: Python<'_>, erasure: base::Erasure) -> PyResult<Self> {
        Ok(Erasure {
            receipt: erasure.receipt.to_json(),
            identifiers: erasure.identifiers.iter().map(Identifier::to_string).collect(),
            effects: Py::new(py, Effects::of(py, erasure.effects)?)?,
        })
    }
}

#[pymethods]
impl Erasure {
    /// What may be kept about it, as plain data: how much of what was erased and when, without saying of whom.
    #[getter]
    fn receipt<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        loads(py, &self.receipt)
    }

    /// Whom it was about, so that other places can forget them too; not to be kept.
    #[getter]
    fn identifiers(&self) -> Vec<String> {
        self.identifiers.clone()
    }

    /// What changed for others: links between them that are judged otherwise now.
    #[getter]
    fn effects(&self, py: Python<'_>) -> Py<Effects> {
        self.effects.clone_ref(py)
    }

    fn __repr__(&self) -> String {
        let count = self.identifiers.len();
        format!("<Erasure of {count} {}>", if count == 1 { "identifier" } else { "identifiers" })
    }
}

/// Who was erased, for a host that keeps customers itself: hashes under a key that only the host has. ``len()`` counts identifiers.
///
/// Args:
///     key: at least 16 bytes that nobody can guess.
///
/// Raises:
///     EventError: for a key that is too short.
///
/// Example:
///     >>> tombstones = tactful.Tombstones(b"a secret that only we keep")
///     >>> engine.erase(engine.customer("customer:9"), "2010-04-01T00:00:00Z", tombstones).receipt["scope"]
///     'person'
///     >>> tombstones.check(engine, tactful.Event("visit", "2010-03-01T10:00:00Z", "customer:9"))
///     Traceback (most recent call last):
///     tactful.errors.EventError: identifiers: the event is about a customer who was erased after it; only later events are taken in
#[pyclass(frozen, module = "tactful")]
pub(crate) struct Tombstones {
    tombstones: RwLock<base::Tombstones>,
}

#[pymethods]
impl Tombstones {
    #[new]
    #[pyo3(signature = (key, /))]
    fn new(key: &[u8]) -> PyResult<Self> {
        guard(|| {
            let tombstones = base::Tombstones::new(key).map_err(|error| errors::event(&error))?;
            Ok(Tombstones { tombstones: RwLock::new(tombstones) })
        })
    }

    /// Refuses an event about a customer who was erased after it.
    ///
    /// Raises:
    ///     EventError: with code ``erased``, or for an identifier.
    #[pyo3(signature = (engine, event, /))]
    fn check(&self, engine: &Bound<'_, Engine>, event: &Bound<'_, Event>) -> PyResult<()> {
        guard(|| {
            let checked = read(&self.tombstones)?.check(&engine.get().engine, &event.get().event);
            checked.map_err(|error| errors::event(&error))
        })
    }

    /// As bytes, for :meth:`from_bytes`; without the key.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &read(&self.tombstones)?.to_bytes()))
    }

    /// Out of the bytes that :meth:`to_bytes` gave, and their key.
    ///
    /// Raises:
    ///     StateError: for bytes that are damaged or of a newer format, with code ``erasure_key`` for another key.
    #[staticmethod]
    #[pyo3(signature = (data, key, /))]
    fn from_bytes(data: &[u8], key: &[u8]) -> PyResult<Self> {
        guard(|| {
            let tombstones = base::Tombstones::from_bytes(data, key).map_err(|error| errors::state(&error))?;
            Ok(Tombstones { tombstones: RwLock::new(tombstones) })
        })
    }

    fn __len__(&self) -> PyResult<usize> {
        Ok(read(&self.tombstones)?.len())
    }

    fn __bool__(&self) -> bool {
        true
    }

    fn __repr__(&self) -> PyResult<String> {
        let count = self.__len__()?;
        Ok(format!("<Tombstones of {count} {}>", if count == 1 { "identifier" } else { "identifiers" }))
    }
}

/// Erases a customer who is kept outside of a base.
pub(crate) fn erase(
    py: Python<'_>,
    engine: &tactful::Engine,
    customer: &Customer,
    at: &Bound<'_, PyAny>,
    tombstones: &Tombstones,
) -> PyResult<Erasure> {
    let at = time::instant(at, "at").map_err(Bad::event)?;
    let erasure = py.detach(|| {
        let mut own = write(&customer.customer)?;
        let erasure = engine.erase(own.clone(), at, &mut *write(&tombstones.tombstones)?);
        let erasure = erasure.map_err(|error| errors::event(&error))?;
        // Nothing is left but by what they are found.
        if let Some(first) = erasure.identifiers.first() {
            *own = engine.customer(first).map_err(|error| errors::event(&error))?;
        }
        Ok::<_, PyErr>(erasure)
    })?;
    Erasure::of(py, erasure)
}

/// Erases somebody from a base.
pub(crate) fn erase_from(
    py: Python<'_>,
    base: &RwLock<base::CustomerBase>,
    whom: &Bound<'_, PyAny>,
    at: &Bound<'_, PyAny>,
    key: &[u8],
    erase: fn(&mut base::CustomerBase, &Identifier, Timestamp, &[u8]) -> Result<base::Erasure, tactful::EventError>,
) -> PyResult<Erasure> {
    let whom = identifier(whom, "identifier").map_err(Bad::event)?;
    let at = time::instant(at, "at").map_err(Bad::event)?;
    let erasure = py.detach(|| erase(&mut *write(base)?, &whom, at, key).map_err(|error| errors::event(&error)))?;
    Erasure::of(py, erasure)
}
