use crate::engine::Engine;
use crate::event::Event;
use crate::guard::{guard, read};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::ops::ControlFlow;
use std::sync::RwLock;
use tactful::Timestamp;
use tactful::customer::{ATTRIBUTE_CLEARED, ATTRIBUTE_SET, Aside, StoryRow};
use tactful::expr::{EventKind, EventRow};
use tactful::value::{Span, Value};

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
        guard(|| py.detach(|| Ok(story(&*read(&self.customer)?))))
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

/// All events of a customer.
pub(crate) fn story(customer: &tactful::Customer) -> Vec<Event> {
    let kinds = customer.strands().first().map_or(0, |strand| strand.layout().schema().events().len());
    let kinds: Vec<EventKind> = (0..kinds).filter_map(|kind| u16::try_from(kind).ok().map(EventKind)).collect();
    let mut events = Vec::with_capacity(customer.len());
    customer.view(Timestamp::MAX).events(&kinds, Span::lifetime(Timestamp::MAX), &mut |row| {
        events.extend(told(&row).map(Event::of));
        ControlFlow::Continue(())
    });
    events
}

/// A row of the story as the event that a host would tell.
fn told(row: &StoryRow<'_>) -> Option<tactful::Event> {
    let kind = row.strand().layout().schema().event_decl(row.kind())?;
    let mut properties: Vec<(String, Value)> = Vec::new();
    let event_type = match kind.name.split_once(':') {
        Some((ATTRIBUTE_SET, attribute)) => {
            properties.push(("attribute".to_owned(), Value::text(attribute)));
            ATTRIBUTE_SET
        }
        _ => &kind.name,
    };
    for property in &kind.properties {
        properties.extend(row.property(property.id).map(|value| (property.name.to_string(), value)));
    }
    // An attribute that was set to nothing was taken back.
    let event_type = match event_type {
        ATTRIBUTE_SET if properties.len() == 1 => ATTRIBUTE_CLEARED,
        other => other,
    };
    let details = row.details();
    let known_at = row.known_at();
    Some(tactful::Event {
        event_type: event_type.to_owned(),
        time: row.time(),
        known_at: (known_at != row.time()).then_some(known_at),
        identifiers: vec![row.strand().identifier().clone()],
        id: Some(row.id().to_owned()),
        sequence: row.sequence(),
        channel: row.channel().map(str::to_owned),
        source: row.source().map(str::to_owned),
        properties,
        details: (!details.is_empty()).then(|| Box::new(details)),
    })
}
