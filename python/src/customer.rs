use crate::engine::Engine;
use crate::event::Event;
use crate::guard::{guard, read};
use crate::rights::Portrait;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::sync::RwLock;
use tactful::customer::Aside;

/// One customer as an engine knows them: their story, and what is cached from it. :meth:`Engine.customer` makes one.
///
/// A customer may be used from several threads; what changes it is done one after the other. ``len()`` is the number of events.
#[pyclass(frozen, module = "tactful")]
pub(crate) struct Customer {
    pub(crate) customer: RwLock<tactful::Customer>,
    engine: Py<Engine>,
}

impl Customer {
    pub(crate) fn of(customer: tactful::Customer, engine: Py<Engine>) -> Self {
        Customer { customer: RwLock::new(customer), engine }
    }
}

#[pymethods]
impl Customer {
    /// The customer's id: the smallest of their identifiers under which something is known.
    #[getter]
    fn id(&self) -> PyResult<String> {
        Ok(read(&self.customer)?.id().to_owned())
    }

    /// The events of the story in their order, as copies. Attributes come as ``attribute_set`` or ``attribute_cleared``.
    fn events(&self, py: Python<'_>) -> PyResult<Vec<Event>> {
        guard(|| py.detach(|| Ok(read(&self.customer)?.events().into_iter().map(Event::of).collect())))
    }

    /// The customer as bytes, for :meth:`Engine.customer_from_bytes`: the story, and up to when its effects were told.
    ///
    /// Equal stories under equal playbooks give equal bytes, in whatever order their events arrived.
    ///
    /// Example:
    ///     >>> engine.customer_from_bytes(customer.to_bytes()).events() == customer.events()
    ///     True
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        guard(|| {
            let bytes = py.detach(|| Ok::<_, PyErr>(read(&self.customer)?.to_bytes()))?;
            Ok(PyBytes::new(py, &bytes))
        })
    }

    /// Events that were told to another version of the playbook and do not fit this one, each with the code and the part that do
    /// not: kept, but not read.
    fn aside(&self, py: Python<'_>) -> PyResult<Vec<(Event, &'static str, String)>> {
        guard(|| {
            py.detach(|| {
                let customer = read(&self.customer)?;
                let told = |aside: &Aside| (Event::of(aside.event().clone()), aside.code(), aside.path().to_owned());
                Ok(customer.aside().map(told).collect())
            })
        })
    }

    /// Everything known at an instant, for people: ``print(customer.portrait(now))``. As :meth:`Engine.portrait`.
    #[pyo3(signature = (now, *, audience=None, known_at=None, events=50))]
    fn portrait(
        &self,
        py: Python<'_>,
        now: &Bound<'_, PyAny>,
        audience: Option<String>,
        known_at: Option<&Bound<'_, PyAny>>,
        events: usize,
    ) -> PyResult<Portrait> {
        self.engine.bind(py).get().paint(py, self, now, audience, known_at, events)
    }

    /// Pickles with its engine, which several customers of one pickle share.
    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        let read = self.engine.bind(py).getattr("customer_from_bytes")?;
        Ok((read, (self.to_bytes(py)?,)))
    }

    fn __len__(&self) -> PyResult<usize> {
        Ok(read(&self.customer)?.len())
    }

    fn __bool__(&self) -> bool {
        true
    }

    fn __repr__(&self) -> PyResult<String> {
        let customer = read(&self.customer)?;
        let events = customer.len();
        // The identifier says who it is, and representations end up in logs.
        let namespace = customer.id().split(':').next().unwrap_or_default();
        Ok(format!("<Customer {namespace}:\u{2026}: {events} {}>", if events == 1 { "event" } else { "events" }))
    }
}
