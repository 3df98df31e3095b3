use crate::errors::{self, Bad};
use crate::guard::guard;
use crate::time;
use crate::value::{self, Doubles};
use chrono::{DateTime, Utc};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use tactful::Identifier;
use tactful::customer::Details;

/// Something that happened: its type, its time, whose it is, and its properties.
///
/// Besides the types that the playbook declares there are reserved ones: ``attribute_set`` (properties ``attribute`` and
/// ``value``), ``consent_given`` and ``consent_withdrawn`` (``purpose``), ``linked`` and ``unlinked`` (two identifiers) and the
/// outcomes of a decision (``shown``, ``clicked``, ``rejected`` …).
///
/// Args:
///     type: its type.
///     time: when it happened: an aware ``datetime`` or RFC 3339 text. Digits beyond microseconds are cut off.
///     identifiers: whose it is, such as ``customer:17``, or several of these.
///     id: its id, unique for the customer. Without one its content stands for it, so that telling it twice counts once.
///     sequence: orders events of one instant; the source counts it up.
///     known_at: when the host learned of it; ``time`` when not given.
///     channel: the channel it came through.
///     source: who told it.
///     details: under which circumstances it happened, by name: ``device``, ``campaign``, ``referrer``, ``page``, ``country``,
///         ``region``, ``city``, ``postal_code``, ``store``, ``point`` (latitude and longitude in degrees), ``origin`` (of the
///         facts that it tells: ``stated``, ``observed``, ``inferred``, ``third_party``), ``confidence`` (0 to 1).
///     properties: by name; ``None`` for what is not known. Money is best given as ``Decimal`` or text, which are exact.
///
/// Raises:
///     EventError: for a time without zone (``naive_time``), NaN and infinities (``not_finite``), an identifier of another form,
///         and values that no property can hold. Whether type and properties are declared is checked when it is recorded.
///
/// Example:
///     >>> from datetime import datetime, timezone
///     >>> from decimal import Decimal
///     >>> time = datetime(2010, 3, 1, 10, tzinfo=timezone.utc)
///     >>> event = tactful.Event("purchase", time, "customer:17", properties={"amount": Decimal("12.50")})
///     >>> event.properties
///     {'amount': Decimal('12.50')}
///     >>> tactful.Event("purchase", datetime(2010, 3, 1), "customer:17")
///     Traceback (most recent call last):
///     tactful.errors.EventError: time: expected a datetime with a time zone, found one without; write `datetime(…, tzinfo=timezone.utc)`
#[pyclass(frozen, module = "tactful")]
pub(crate) struct Event {
    pub(crate) event: tactful::Event,
}

#[pymethods]
impl Event {
    #[new]
    #[pyo3(signature = (r#type, time, identifiers, *, id=None, sequence=0, known_at=None, channel=None, source=None, details=None, properties=None))]
    #[expect(clippy::too_many_arguments, reason = "an event has as many parts")]
    fn new(
        r#type: &Bound<'_, PyAny>,
        time: &Bound<'_, PyAny>,
        identifiers: &Bound<'_, PyAny>,
        id: Option<&Bound<'_, PyAny>>,
        sequence: i64,
        known_at: Option<&Bound<'_, PyAny>>,
        channel: Option<&Bound<'_, PyAny>>,
        source: Option<&Bound<'_, PyAny>>,
        details: Option<&Bound<'_, PyAny>>,
        properties: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        guard(|| {
            let event = || -> Result<tactful::Event, Bad> {
                Ok(tactful::Event {
                    event_type: text(r#type, "type")?,
                    time: time::instant(time, "time")?,
                    known_at: time::optional(known_at, "known_at")?,
                    identifiers: several(identifiers)?,
                    id: id.map(|id| text(id, "id")).transpose()?,
                    sequence,
                    channel: channel.map(|channel| text(channel, "channel")).transpose()?,
                    source: source.map(|source| text(source, "source")).transpose()?,
                    properties: match properties {
                        Some(properties) => value::named(properties, "properties", Doubles::Finite)?,
                        None => Vec::new(),
                    },
                    details: details.map(told).transpose()?.flatten(),
                })
            };
            event().map(Event::of).map_err(Bad::event)
        })
    }

    /// Reads an event from JSON: ``type``, ``time``, ``identifier`` or ``identifiers``, and optionally ``id``, ``sequence``,
    /// ``known_at``, ``channel``, ``source``, ``properties``.
    ///
    /// Raises:
    ///     EventError: with code ``invalid_json`` for anything else, such as unknown or repeated keys, or numbers beyond 64 bits;
    ///         ``too_long`` from 1 MiB on.
    ///
    /// Example:
    ///     >>> tactful.Event.from_json('{"type": "visit", "time": "2010-03-01T10:00:00Z", "identifier": "customer:17"}')
    ///     Event('visit', '2010-03-01T10:00:00Z', ['customer:17'])
    #[staticmethod]
    #[pyo3(signature = (text, /))]
    fn from_json(text: &Bound<'_, PyString>) -> PyResult<Self> {
        guard(|| {
            let text = value::string(text, "").map_err(Bad::event)?;
            tactful::Event::from_json(&text).map(Event::of).map_err(|error| errors::event(&error))
        })
    }

    /// The event as JSON, which :meth:`from_json` reads; what was not told is left out.
    ///
    /// Example:
    ///     >>> tactful.Event("visit", "2010-03-01T10:00:00Z", "customer:17").to_json()
    ///     '{"identifiers":["customer:17"],"time":"2010-03-01T10:00:00Z","type":"visit"}'
    fn to_json(&self) -> String {
        self.event.to_json()
    }

    /// Its type.
    #[getter]
    fn r#type(&self) -> &str {
        &self.event.event_type
    }

    /// When it happened, in UTC.
    #[getter]
    fn time(&self) -> DateTime<Utc> {
        time::datetime(self.event.time)
    }

    /// Whose it is.
    #[getter]
    fn identifiers(&self) -> Vec<&str> {
        self.event.identifiers.iter().map(Identifier::as_str).collect()
    }

    /// Its id; ``None`` when its content stands for it.
    #[getter]
    fn id(&self) -> Option<&str> {
        self.event.id.as_deref()
    }

    /// Orders events of one instant.
    #[getter]
    fn sequence(&self) -> i64 {
        self.event.sequence
    }

    /// When the host learned of it, in UTC; ``None`` when that was at once.
    #[getter]
    fn known_at(&self) -> Option<DateTime<Utc>> {
        self.event.known_at.map(time::datetime)
    }

    /// The channel it came through.
    #[getter]
    fn channel(&self) -> Option<&str> {
        self.event.channel.as_deref()
    }

    /// Who told it.
    #[getter]
    fn source(&self) -> Option<&str> {
        self.event.source.as_deref()
    }

    /// Under which circumstances it happened, by name; a new dict each time.
    #[getter]
    fn details<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let told = PyDict::new(py);
        for (name, value) in self.event.details.iter().flat_map(|details| details.entries()) {
            told.set_item(name, value::python(py, &value)?)?;
        }
        Ok(told)
    }

    /// Its properties, by name; a new dict each time.
    #[getter]
    fn properties<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let properties = PyDict::new(py);
        for (name, value) in &self.event.properties {
            properties.set_item(name, value::python(py, value)?)?;
        }
        Ok(properties)
    }

    /// What kind of event it is and what it tells, not what it says: that may be personal, and representations end up in logs.
    fn __repr__(&self) -> String {
        let names: Vec<&str> = self.event.properties.iter().map(|(name, _)| name.as_str()).collect();
        let names = if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) };
        format!("<Event {} at {}{names}>", self.event.event_type, self.event.time)
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Event>().is_ok_and(|other| other.get().event == self.event)
    }

    fn __hash__(&self) -> u64 {
        let mut hash = DefaultHasher::new();
        (&self.event.event_type, self.event.time, &self.event.identifiers, &self.event.id).hash(&mut hash);
        hash.finish()
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        let parts = (self.r#type(), self.time(), self.identifiers()).into_pyobject(py)?;
        let more = PyDict::new(py);
        more.set_item("id", self.id())?;
        more.set_item("sequence", self.sequence())?;
        more.set_item("known_at", self.known_at())?;
        more.set_item("channel", self.channel())?;
        more.set_item("source", self.source())?;
        more.set_item("details", self.details(py)?)?;
        more.set_item("properties", self.properties(py)?)?;
        Ok((parts, more))
    }
}

impl Event {
    pub(crate) fn of(event: tactful::Event) -> Self {
        Event { event }
    }
}

/// The circumstances of an event; none when nothing of them is known.
fn told(details: &Bound<'_, PyAny>) -> Result<Option<Box<Details>>, Bad> {
    let mut told = Details::default();
    for (name, value) in value::named(details, "details", Doubles::Finite)? {
        let place = |error: &tactful::EventError| format!("details.{}", error.path());
        told.set(&name, &value).map_err(|error| Bad::new(error.code(), &place(&error), error.message().to_owned()))?;
    }
    Ok((!told.is_empty()).then(|| Box::new(told)))
}

/// One identifier.
pub(crate) fn identifier(found: &Bound<'_, PyAny>, path: &str) -> Result<Identifier, Bad> {
    let text = text(found, path)?;
    Identifier::parse(&text).map_err(|error| errors::identifier(path, error))
}

/// One identifier or several.
fn several(found: &Bound<'_, PyAny>) -> Result<Vec<Identifier>, Bad> {
    if found.is_instance_of::<PyString>() {
        return identifier(found, "identifiers").map(|identifier| vec![identifier]);
    }
    let Ok(items) = found.try_iter() else {
        return Err(Bad::kind("identifiers", "an identifier such as `customer:17`, or several", found));
    };
    items
        .map(|item| match item {
            Ok(item) => identifier(&item, "identifiers"),
            Err(error) => Err(Bad::new("wrong_type", "identifiers", error.to_string())),
        })
        .collect()
}

fn text(found: &Bound<'_, PyAny>, path: &str) -> Result<String, Bad> {
    match found.cast::<PyString>() {
        Ok(text) => value::string(text, path),
        Err(_) => Err(Bad::kind(path, "text", found)),
    }
}

pub(crate) fn quoted(py: Python<'_>, text: &str) -> PyResult<String> {
    PyString::new(py, text).repr()?.extract()
}
