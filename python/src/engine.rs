use crate::catalog;
use crate::census;
use crate::customer::Customer;
use crate::decision::Decision;
use crate::effects::Effects;
use crate::errors::{self, Bad};
use crate::event::{Event, identifier};
use crate::guard::{guard, read, write};
use crate::journey::{self, JourneyWalk};
use crate::next::Forecast;
use crate::question::Question;
use crate::replay::{self, Replay};
use crate::rights::{self, Erasure, Portrait, Sitting, Tombstones};
use crate::table::Table;
use crate::trends::TrendSnapshot;
use crate::{query, time, value};
use chrono::{DateTime, Utc};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyMapping, PyString, PyTuple, PyType};
use std::path::{Path, PathBuf};
use tactful::intake::{Form, Intake};
use tactful::playbook::Limits;

/// A compiled playbook. Immutable, cheap to share between threads; pickles through its documents, with the items and trends it was given.
///
/// Example:
///     >>> engine = tactful.Engine.compile({"shop.yaml": '''
///     ... playbook: shop
///     ... version: 1
///     ... identity: {customer: {}}
///     ... events: {purchase: {amount: money(EUR)}, visit: {}}
///     ... segments: {buyer: {when: 'events("purchase").within("90d").count() >= 1'}}
///     ... channels: {web: text}
///     ... placements: {home: {channel: web}}
///     ... offers:
///     ...   thanks:
///     ...     eligible: segment("buyer")
///     ...     treatments: {web: {message: Thank you for your order.}}
///     ... '''})
///     >>> engine
///     <Engine shop version 1>
#[pyclass(frozen, module = "tactful")]
pub(crate) struct Engine {
    pub(crate) engine: tactful::Engine,
    documents: Vec<(String, String)>,
    /// Whether its items are not those of the documents.
    stocked: bool,
}

impl Engine {
    fn of(py: Python<'_>, documents: Vec<(String, String)>, max_bytes: Option<usize>) -> PyResult<Self> {
        let compiled = py.detach(|| {
            let texts: Vec<(&str, &str)> = documents.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
            let limits = max_bytes.map_or_else(Limits::default, Limits::of_bytes);
            tactful::Engine::compile_within(&texts, limits)
        });
        let engine = compiled.map_err(|findings| errors::playbook(py, &findings))?;
        Ok(Engine { engine, documents, stocked: false })
    }

    fn answer(
        &self,
        py: Python<'_>,
        customer: &Customer,
        question: &Question,
        related: Option<&Bound<'_, PyAny>>,
        explain: bool,
    ) -> PyResult<Decision> {
        let Question { request, now, known_at } = question;
        let related = related.map(|related| others(customer, related)).transpose().map_err(Bad::request)?;
        let related: Option<Vec<&Customer>> = related.as_ref().map(|related| related.iter().map(|one| one.get()).collect());
        py.detach(|| {
            let customer = read(&customer.customer)?;
            let answer = match related {
                Some(related) => {
                    let related = related.iter().map(|one| read(&one.customer)).collect::<PyResult<Vec<_>>>()?;
                    let related: Vec<&tactful::Customer> = related.iter().map(|one| &**one).collect();
                    if explain {
                        self.engine.explain_among(&customer, &related, request, *now, *known_at)
                    } else {
                        self.engine.decide_among(&customer, &related, request, *now, *known_at)
                    }
                }
                None if explain => self.engine.explain(&customer, request, *now, *known_at),
                None => self.engine.decide(&customer, request, *now, *known_at),
            };
            answer.map(Decision::of).map_err(|error| errors::request(&error))
        })
    }
}

#[pymethods]
impl Engine {
    /// Compiles the playbook in a file, or in several: a base and its parts, in YAML or JSON; with the table of items that it names under
    /// ``catalog.file``, from the folder of the file that names it.
    ///
    /// Raises:
    ///     MissingFileError: when a file does not exist (a ``FileNotFoundError``).
    ///     FileError: when it cannot be read (an ``OSError``).
    ///     PlaybookError: with all mistakes of all files.
    #[classmethod]
    #[pyo3(signature = (paths, /))]
    fn load(_class: &Bound<'_, PyType>, py: Python<'_>, paths: &Bound<'_, PyAny>) -> PyResult<Self> {
        guard(|| {
            let paths: Vec<PathBuf> = match paths.extract::<PathBuf>() {
                Ok(path) => vec![path],
                Err(_) => paths.try_iter()?.map(|path| path?.extract::<PathBuf>()).collect::<PyResult<_>>()?,
            };
            let documents = py.detach(|| read_all(&paths))?;
            Engine::of(py, documents, None)
        })
    }

    /// Compiles a playbook of one or several documents, by name: a base and its parts, in YAML or JSON.
    ///
    /// Args:
    ///     documents: a mapping from names to texts, or a sequence of (name, text). Names stand in diagnostics.
    ///     max_bytes: how long a document may be, 4 MiB by default; more for very many offers.
    ///
    /// Raises:
    ///     PlaybookError: with all mistakes of all documents.
    ///
    /// Example:
    ///     >>> tactful.Engine.compile({"shop.yaml": "playbook: shop\nversion: 1\nsegmnets: {}\n"})
    ///     Traceback (most recent call last):
    ///     tactful.errors.PlaybookError: error[unknown_key]: unknown key `segmnets`
    ///       --> shop.yaml:3:1 (segmnets)
    ///        |
    ///      3 | segmnets: {}
    ///        | ^^^^^^^^
    ///       help: did you mean `segments`?
    #[classmethod]
    #[pyo3(signature = (documents, /, *, max_bytes=None))]
    fn compile(
        _class: &Bound<'_, PyType>,
        py: Python<'_>,
        documents: &Bound<'_, PyAny>,
        max_bytes: Option<usize>,
    ) -> PyResult<Self> {
        guard(|| {
            let pairs = match documents.cast::<PyMapping>() {
                Ok(mapping) => mapping.items()?.into_any(),
                Err(_) => documents.clone(),
            };
            Engine::of(py, texts(&pairs)?, max_bytes)
        })
    }

    /// What is probably not meant, although it compiles.
    #[getter]
    fn warnings(&self, py: Python<'_>) -> PyResult<Vec<Py<PyAny>>> {
        errors::diagnostics(py, self.engine.warnings())
    }

    /// SHA-256 over the playbook's content, whatever its layout and comments: 64 hexadecimal digits.
    #[getter]
    fn digest(&self) -> &str {
        self.engine.digest()
    }

    /// What the playbook declares, as plain data; a new dict each time. It answers the question ``describe``.
    ///
    /// Keys: ``name``, ``version``, ``title``, ``digest``, ``time_zone``, ``namespaces``, ``purposes``, ``attributes``, ``events``,
    /// ``request``, ``segments``, ``personas``, ``journeys``, ``channels``, ``offers``, ``placements``, ``contact``.
    ///
    /// Example:
    ///     >>> engine.playbook["segments"]
    ///     [{'name': 'buyer', 'title': None, 'when': 'events("purchase").within("90d").count() >= 1'}]
    #[getter]
    fn playbook<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        guard(|| {
            let answer = py.detach(|| self.engine.query(None, r#"{"query": "describe"}"#));
            query::loads(py, &answer.map_err(|error| errors::query(&error))?)
        })
    }

    /// A customer of whom nothing is known yet.
    ///
    /// Raises:
    ///     EventError: for an identifier of another form, or of a namespace that the playbook does not declare.
    ///
    /// Example:
    ///     >>> engine.customer("customer:17")
    ///     <Customer customer:…: 0 events>
    #[pyo3(signature = (identifier, /))]
    fn customer(slf: &Bound<'_, Self>, identifier: &Bound<'_, PyAny>) -> PyResult<Customer> {
        guard(|| {
            let identifier = self::identifier(identifier, "identifier").map_err(Bad::event)?;
            let customer = slf.get().engine.customer(&identifier).map_err(|error| errors::event(&error))?;
            Ok(Customer::of(customer, slf.clone().unbind()))
        })
    }

    /// A customer out of the bytes that :meth:`Customer.to_bytes` gave, under this playbook or another version of it.
    ///
    /// What the playbook no longer knows is kept and not read, see :meth:`Customer.aside`.
    ///
    /// Raises:
    ///     StateError: for bytes that are damaged, of a newer format or of another playbook.
    #[pyo3(signature = (data, /))]
    fn customer_from_bytes(slf: &Bound<'_, Self>, data: &[u8]) -> PyResult<Customer> {
        guard(|| {
            let engine = &slf.get().engine;
            let customer = slf.py().detach(|| engine.customer_from_bytes(data)).map_err(|error| errors::state(&error))?;
            Ok(Customer::of(customer, slf.clone().unbind()))
        })
    }

    /// Puts an event into a customer's story and tells what it caused.
    ///
    /// An event told twice changes nothing; a late one takes its place in time, and history is corrected.
    ///
    /// Args:
    ///     customer: whose story it is.
    ///     event: the event.
    ///     known_at: when the host learned of it; by default the event's own, else its time.
    ///
    /// Raises:
    ///     EventError: when it does not fit the playbook; nothing is changed then.
    ///
    /// Example:
    ///     >>> ben = engine.customer("customer:ben")
    ///     >>> event = tactful.Event("purchase", "2010-03-01T10:00:00Z", "customer:ben", properties={"amount": 12})
    ///     >>> engine.record(ben, event)
    ///     Effects(arrival='new', [<Effect happened segment buyer entered at 2010-03-01T10:00:00Z>])
    ///     >>> engine.record(ben, event)
    ///     Effects(arrival='duplicate', [])
    #[pyo3(signature = (customer, event, *, known_at=None))]
    fn record(
        &self,
        py: Python<'_>,
        customer: &Bound<'_, Customer>,
        event: &Bound<'_, Event>,
        known_at: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Effects> {
        guard(|| {
            let known_at = time::optional(known_at, "known_at").map_err(Bad::event)?;
            let (customer, event) = (customer.get(), event.get());
            let found = py.detach(|| {
                let mut customer = write(&customer.customer)?;
                self.engine.record(&mut customer, &event.event, known_at).map_err(|error| errors::event(&error))
            })?;
            Effects::of(py, found)
        })
    }

    /// Lets time pass up to ``now`` and tells what changed without an event.
    ///
    /// Example:
    ///     >>> engine.advance(customer, "2010-07-01T00:00:00Z")
    ///     Effects(arrival=None, [<Effect happened segment buyer left at 2010-05-30T10:00:00Z>])
    fn advance(&self, py: Python<'_>, customer: &Bound<'_, Customer>, now: &Bound<'_, PyAny>) -> PyResult<Effects> {
        guard(|| {
            let now = time::instant(now, "now").map_err(Bad::request)?;
            let customer = customer.get();
            let found = py.detach(|| Ok::<_, PyErr>(self.engine.advance(&mut *write(&customer.customer)?, now)))?;
            Effects::of(py, found)
        })
    }

    /// Folds events that are older than the playbook keeps them at ``horizon`` into exact totals, after letting time pass up to there.
    /// Gives how many were folded, and what changed by then without an event.
    ///
    /// Counts, sums, least and greatest of all events stay exact; windows that cut through what was folded are unknown. An event from
    /// before the fold that arrives later is an ``EventError`` with the code ``too_late``.
    fn fold(&self, py: Python<'_>, customer: &Bound<'_, Customer>, horizon: &Bound<'_, PyAny>) -> PyResult<(u64, Effects)> {
        guard(|| {
            let horizon = time::instant(horizon, "horizon").map_err(Bad::request)?;
            let customer = customer.get();
            let (count, found) = py.detach(|| Ok::<_, PyErr>(self.engine.fold(&mut *write(&customer.customer)?, horizon)))?;
            Ok((count, Effects::of(py, found)?))
        })
    }

    /// The first instant, in UTC, at which something may change without an event; ``None`` when nothing will.
    ///
    /// It counts from what was derived last, by :meth:`record` or :meth:`advance`.
    fn next_due(&self, py: Python<'_>, customer: &Bound<'_, Customer>) -> PyResult<Option<DateTime<Utc>>> {
        guard(|| {
            let customer = customer.get();
            py.detach(|| Ok(self.engine.next_due(&*read(&customer.customer)?).map(time::datetime)))
        })
    }

    /// Every segment at an instant: ``True`` for in, ``False`` for out, ``None`` for unknown; in the order of the playbook.
    ///
    /// Example:
    ///     >>> engine.segments(customer, "2010-03-02T00:00:00Z")
    ///     {'buyer': True}
    fn segments<'py>(
        &self,
        py: Python<'py>,
        customer: &Bound<'py, Customer>,
        now: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyDict>> {
        guard(|| {
            let now = time::instant(now, "now").map_err(Bad::request)?;
            let customer = customer.get();
            let found = py.detach(|| Ok::<_, PyErr>(self.engine.segments(&*read(&customer.customer)?, now)))?;
            let segments = PyDict::new(py);
            for (name, member) in found {
                segments.set_item(&*name, member)?;
            }
            Ok(segments)
        })
    }

    /// Answers a question about the playbook or about a customer: what has no method of its own. ``docs/queries.md`` lists the
    /// questions. Changes nothing.
    ///
    /// Args:
    ///     customer: whom it is about; ``None`` for a question about the playbook.
    ///     question: ``query`` with the name of the question, its ``version`` (1 by default), and the keys that the question has.
    ///         Times may be text or an aware ``datetime``.
    ///
    /// Returns:
    ///     The answer: dicts, lists, text, numbers, truth values and ``None``.
    ///
    /// Raises:
    ///     QueryError: for an unknown question or key, a value that does not fit, or an undeclared name.
    ///
    /// Example:
    ///     >>> engine.query(customer, {"query": "customer", "now": "2010-03-02T00:00:00Z"})["segments"]
    ///     [{'segment': 'buyer', 'member': True}]
    ///     >>> engine.query(None, {"query": "describe"})["name"]
    ///     'shop'
    #[pyo3(signature = (customer, question, /))]
    fn query<'py>(
        &self,
        py: Python<'py>,
        customer: Option<&Bound<'py, Customer>>,
        question: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        guard(|| {
            let question = query::text(question)?;
            let customer = customer.map(Bound::get);
            let answer = py.detach(|| {
                let customer = customer.map(|customer| read(&customer.customer)).transpose()?;
                self.engine.query(customer.as_deref(), &question).map_err(|error| errors::query(&error))
            })?;
            query::loads(py, &answer)
        })
    }

    /// The stages that a customer has seen by `now`, a :class:`JourneyWalk` for each journey and instance in which they ever were.
    ///
    /// Args:
    ///     customer: who.
    ///     now: the instant; later events are not seen.
    ///     journey, instance: only these.
    ///     known_at: up to when knowledge counts; ``now`` when not given.
    ///
    /// Raises:
    ///     QueryError: for a journey that is not declared.
    #[pyo3(signature = (customer, now, *, journey=None, instance=None, known_at=None))]
    fn journeys(
        &self,
        py: Python<'_>,
        customer: &Bound<'_, Customer>,
        now: &Bound<'_, PyAny>,
        journey: Option<&str>,
        instance: Option<&str>,
        known_at: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Vec<JourneyWalk>> {
        let customer = read(&customer.get().customer)?;
        journey::walks(py, &self.engine, &customer, (now, known_at), (journey, instance))
    }

    /// Where a customer is in every journey, as events of the type ``journey_pinned``: recorded before the playbook is changed, they tell the
    /// next version from where it takes over, see ``migration``. Changes nothing.
    #[pyo3(signature = (customer, now))]
    fn journey_pins(&self, py: Python<'_>, customer: &Bound<'_, Customer>, now: &Bound<'_, PyAny>) -> PyResult<Vec<Event>> {
        let customer = read(&customer.get().customer)?;
        journey::pins(py, &self.engine, &customer, now)
    }

    /// The value of an attribute at an instant: ``known``, ``told``, ``value``, ``until`` when that holds, and its ``type``.
    ///
    /// Args:
    ///     customer: whose it is.
    ///     attribute: its name.
    ///     now: the instant; later events are not seen.
    ///     as_of: the instant at which it is read, as known at ``now``; ``now`` when not given.
    ///     known_at: up to when knowledge counts; ``now`` when not given.
    ///
    /// Raises:
    ///     QueryError: for an attribute that the playbook does not declare.
    #[pyo3(signature = (customer, attribute, now, *, as_of=None, known_at=None))]
    fn attribute<'py>(
        &self,
        py: Python<'py>,
        customer: &Bound<'py, Customer>,
        attribute: &str,
        now: &Bound<'py, PyAny>,
        as_of: Option<&Bound<'py, PyAny>>,
        known_at: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.ask(py, customer, "attribute", Some(attribute), &[("now", Some(now)), ("as_of", as_of), ("known_at", known_at)])
    }

    /// Where the value of an attribute comes from: the ``fact`` that counts (event, source, origin, time, confidence), by what it
    /// was chosen (``resolve``), and the facts that ``lost``, each with the reason (``because``).
    ///
    /// Args:
    ///     customer: whose it is.
    ///     attribute: its name.
    ///     now: the instant; later events are not seen.
    ///     known_at: up to when knowledge counts; ``now`` when not given.
    ///
    /// Raises:
    ///     QueryError: for an attribute that the playbook does not declare.
    #[pyo3(signature = (customer, attribute, now, *, known_at=None))]
    fn why<'py>(
        &self,
        py: Python<'py>,
        customer: &Bound<'py, Customer>,
        attribute: &str,
        now: &Bound<'py, PyAny>,
        known_at: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.ask(py, customer, "why", Some(attribute), &[("now", Some(now)), ("known_at", known_at)])
    }

    /// The session that is open at an instant: since when and until when, pages, channel, device, campaign, cart.
    ///
    /// Args:
    ///     customer: whose it is.
    ///     now: the instant; later events are not seen.
    ///     known_at: up to when knowledge counts; ``now`` when not given.
    #[pyo3(signature = (customer, now, *, known_at=None))]
    fn session<'py>(
        &self,
        py: Python<'py>,
        customer: &Bound<'py, Customer>,
        now: &Bound<'py, PyAny>,
        known_at: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.ask(py, customer, "session", None, &[("now", Some(now)), ("known_at", known_at)])
    }

    /// Where a customer is at an instant, as far as that is known, and the stores by distance in metres.
    ///
    /// Args:
    ///     customer: whose place it is.
    ///     now: the instant; later events are not seen.
    ///     known_at: up to when knowledge counts; ``now`` when not given.
    #[pyo3(signature = (customer, now, *, known_at=None))]
    fn location<'py>(
        &self,
        py: Python<'py>,
        customer: &Bound<'py, Customer>,
        now: &Bound<'py, PyAny>,
        known_at: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.ask(py, customer, "location", None, &[("now", Some(now)), ("known_at", known_at)])
    }

    /// Everything known about a customer at an instant, for people: ``print`` it, or let a notebook show it.
    ///
    /// Args:
    ///     customer: whom it shows.
    ///     now: the instant; later events are not seen.
    ///     audience: for whom: ``"customer"`` (nothing special or inferred that is not to be revealed, and only what their consent
    ///         covers), a department or a purpose; ``None`` for the host, who sees everything.
    ///     known_at: up to when knowledge counts; ``now`` when not given.
    ///     events: how many events the timeline has at most.
    ///
    /// Raises:
    ///     RequestError: for an audience that is neither.
    ///
    /// Example:
    ///     >>> print(engine.portrait(customer, "2010-03-02T00:00:00Z").text.splitlines()[1])
    ///     1 event on 2010-03-01, 1 session
    #[pyo3(signature = (customer, now, *, audience=None, known_at=None, events=50))]
    fn portrait(
        &self,
        py: Python<'_>,
        customer: &Bound<'_, Customer>,
        now: &Bound<'_, PyAny>,
        audience: Option<String>,
        known_at: Option<&Bound<'_, PyAny>>,
        events: usize,
    ) -> PyResult<Portrait> {
        self.paint(py, customer.get(), now, audience, known_at, events)
    }

    /// Everything known about a customer, machine-readable: ``events`` that can be recorded again (``Event.from_json``) and make an
    /// equal customer, ``totals``, and a ``portrait`` of what is drawn from them at ``now``.
    ///
    /// Example:
    ///     >>> [event["type"] for event in engine.export(customer, "2010-03-02T00:00:00Z")["events"]]
    ///     ['purchase']
    fn export<'py>(
        &self,
        py: Python<'py>,
        customer: &Bound<'py, Customer>,
        now: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.ask(py, customer, "export", None, &[("now", Some(now))])
    }

    /// Erases a customer who is kept outside of a base: sets a tombstone for each of their identifiers, and empties the customer. Ask
    /// :meth:`Tombstones.check` before you record an event, and drop what else you keep of them.
    ///
    /// Raises:
    ///     EventError: for a time without zone, or a customer of another playbook.
    fn erase(
        &self,
        py: Python<'_>,
        customer: &Bound<'_, Customer>,
        at: &Bound<'_, PyAny>,
        tombstones: &Bound<'_, Tombstones>,
    ) -> PyResult<Erasure> {
        guard(|| rights::erase(py, &self.engine, customer.get(), at, tombstones.get()))
    }

    /// Decides what a customer should see at ``now``, or that silence is better. Changes nothing.
    ///
    /// Args:
    ///     customer: the customer.
    ///     placements: the name of a placement, or several; they are filled in this order.
    ///     now: the instant: an aware ``datetime`` or RFC 3339 text. Later events are not seen.
    ///     facts: what the host knows about this moment, by the names that the playbook declares under ``request``.
    ///     known_at: up to when knowledge counts; by default ``now``.
    ///     assurance: how sure the host is who is there: ``anonymous``, ``recognised`` (when not said) or ``authenticated``.
    ///     met_on: on which of their identifiers the customer is met, for consents that bind to one and for somebody anonymous.
    ///     related: the household or account with all its members, and whoever else may be related; who is related to whom is read
    ///         out of their stories. Without it everything that rules read of others is unknown.
    ///     scores: numbers for factors that the playbook takes out of a column: by column, then offer. NaN counts as unknown.
    ///     seed: what exploration draws follow from: the same seed, customer and instant give the same draws; 0 by default.
    ///     trends: what was counted over many customers, for learned factors and rules that read trends; unknown without.
    ///     forecast: what a population says about what comes next, for rules that ask that; unknown without.
    ///     reaction: the reaction that the question answers: only its offers are looked at, on its placement when ``placements`` is empty.
    ///
    /// Raises:
    ///     RequestError: for an unknown placement, a fact that does not fit, or a time without zone.
    ///
    /// Example:
    ///     >>> decision = engine.decide(customer, "home", "2010-03-02T10:00:00Z")
    ///     >>> decision.placements[0].offers[0].message
    ///     'Thank you for your order.'
    #[pyo3(signature = (customer, placements, now, *, facts=None, known_at=None, assurance=None, met_on=None, related=None, scores=None, seed=None, trends=None, reaction=None, forecast=None))]
    #[expect(clippy::too_many_arguments, reason = "the parts of a question")]
    fn decide(
        &self,
        py: Python<'_>,
        customer: &Bound<'_, Customer>,
        placements: &Bound<'_, PyAny>,
        now: &Bound<'_, PyAny>,
        facts: Option<&Bound<'_, PyAny>>,
        known_at: Option<&Bound<'_, PyAny>>,
        assurance: Option<&Bound<'_, PyAny>>,
        met_on: Option<&Bound<'_, PyAny>>,
        related: Option<&Bound<'_, PyAny>>,
        scores: Option<&Bound<'_, PyAny>>,
        seed: Option<&Bound<'_, PyAny>>,
        trends: Option<&Bound<'_, PyAny>>,
        reaction: Option<String>,
        forecast: Option<&Bound<'_, Forecast>>,
    ) -> PyResult<Decision> {
        guard(|| {
            let question = Question::new(placements, now, facts, known_at, assurance);
            let question = question.and_then(|asked| asked.ranked(scores, seed, trends)).map_err(Bad::request)?;
            let question = question.reacting(reaction).foreseeing(forecast);
            let question = self.met_on(question, met_on)?;
            self.answer(py, customer.get(), &question, related, false)
        })
    }

    /// The same decision with the reasons for every candidate in :attr:`Decision.trace`. Changes nothing.
    ///
    /// Args and errors: as for :meth:`decide`.
    ///
    /// Example:
    ///     >>> print(engine.explain(customer, "home", "2010-03-02T10:00:00Z").trace.text.splitlines()[0])
    ///     segments: buyer
    #[pyo3(signature = (customer, placements, now, *, facts=None, known_at=None, assurance=None, met_on=None, related=None, scores=None, seed=None, trends=None, reaction=None, forecast=None))]
    #[expect(clippy::too_many_arguments, reason = "the parts of a question")]
    fn explain(
        &self,
        py: Python<'_>,
        customer: &Bound<'_, Customer>,
        placements: &Bound<'_, PyAny>,
        now: &Bound<'_, PyAny>,
        facts: Option<&Bound<'_, PyAny>>,
        known_at: Option<&Bound<'_, PyAny>>,
        assurance: Option<&Bound<'_, PyAny>>,
        met_on: Option<&Bound<'_, PyAny>>,
        related: Option<&Bound<'_, PyAny>>,
        scores: Option<&Bound<'_, PyAny>>,
        seed: Option<&Bound<'_, PyAny>>,
        trends: Option<&Bound<'_, PyAny>>,
        reaction: Option<String>,
        forecast: Option<&Bound<'_, Forecast>>,
    ) -> PyResult<Decision> {
        guard(|| {
            let question = Question::new(placements, now, facts, known_at, assurance);
            let question = question.and_then(|asked| asked.ranked(scores, seed, trends)).map_err(Bad::request)?;
            let question = question.reacting(reaction).foreseeing(forecast);
            let question = self.met_on(question, met_on)?;
            self.answer(py, customer.get(), &question, related, true)
        })
    }

    /// Takes in the events of many customers, walks through time, and decides for every customer at each instant.
    ///
    /// Columns of the tables: ``type``, ``time``, one per namespace of identifiers (``customer`` for ``customer:17``), optionally
    /// ``id``, ``sequence``, ``known_at``, ``channel``, ``source``, and one per property. Rows may come in any order; with ids and
    /// sequence numbers the result does not depend on it. Nothing is copied on the way in.
    ///
    /// Args:
    ///     events: a table, or several: anything that exports an Arrow stream (``__arrow_c_stream__``), such as those of
    ///         polars, pyarrow, pandas and DuckDB.
    ///     decide_at: the instants at which every customer known by then gets a decision.
    ///     placements: the placements that ask, by name.
    ///     record: the outcome recorded for every chosen offer one microsecond after its decision; ``None`` for no record.
    ///     columns: which column stands for what, where the names differ, such as ``{"time": "invoice_date"}``.
    ///     bad_rows: ``"stop"`` at the first row that cannot be recorded, or ``"report"`` each in :attr:`Replay.bad_rows`.
    ///     forecast: what rules that ask what comes next go by, such as :meth:`Replay.learn` gives; of instants before its own it knows nothing.
    ///     progress: called as ``progress(step, done, total, now)`` now and then: ``step`` is ``"load"`` (``done`` counts rows) or
    ///         ``"replay"`` (``done`` counts customers over all instants), ``total`` and ``now`` are ``None`` when not known. An
    ///         exception from it ends the replay and comes out of this call.
    ///
    /// Raises:
    ///     ReplayError: for a bad row when those stop the replay, a missing column, or something that is no table.
    ///     RequestError: for an unknown placement or a time without zone.
    ///     KeyboardInterrupt: at once when the user interrupts.
    ///
    /// Example:
    ///     >>> import pyarrow as pa
    ///     >>> from datetime import datetime, timezone
    ///     >>> events = pa.table({
    ///     ...     "customer": ["1", "2", "1"],
    ///     ...     "type": ["purchase", "visit", "visit"],
    ///     ...     "time": [datetime(2010, 3, day, tzinfo=timezone.utc) for day in (1, 2, 3)],
    ///     ...     "amount": ["12.50", None, None],
    ///     ... })
    ///     >>> replay = engine.replay(events, decide_at=["2010-04-01T00:00:00Z"], placements=["home"])
    ///     >>> pa.table(replay.decisions).select(["customer", "kind", "offer"]).to_pylist()
    ///     [{'customer': 'customer:1', 'kind': 'offer', 'offer': 'thanks'}, {'customer': 'customer:2', 'kind': 'silence', 'offer': None}]
    #[pyo3(signature = (events, *, decide_at=None, placements=None, record=None, columns=None, bad_rows="stop", progress=None, forecast=None))]
    #[expect(clippy::too_many_arguments, reason = "each is a keyword of its own")]
    fn replay(
        slf: &Bound<'_, Self>,
        py: Python<'_>,
        events: &Bound<'_, PyAny>,
        decide_at: Option<&Bound<'_, PyAny>>,
        placements: Option<&Bound<'_, PyAny>>,
        record: Option<String>,
        columns: Option<&Bound<'_, PyAny>>,
        bad_rows: &str,
        progress: Option<Py<PyAny>>,
        forecast: Option<&Bound<'_, Forecast>>,
    ) -> PyResult<Replay> {
        guard(|| {
            let options = replay::options(decide_at, placements, record, columns, bad_rows, forecast)?;
            replay::run(py, slf, events, options, progress)
        })
    }

    /// Segments and the best offer of every customer at one instant, straight from tables of events, without keeping stories.
    ///
    /// Fastest for rows in time order. What only a story can tell (consent, contact rules, journeys, events told twice) is told
    /// from stories, which takes longer and gives the same.
    ///
    /// Args:
    ///     events: a table, or several, with the columns that :meth:`replay` takes.
    ///     now: the instant; events that happened later, or became known later, are not seen.
    ///     placement: whose first slot's offer is wanted; ``None`` for segments only.
    ///     columns: which column stands for what, where the names differ.
    ///
    /// Returns:
    ///     One row per customer in the order in which they first appear: ``customer``, for each segment ``segment_<name>`` (null for
    ///     unknown), ``offer`` and ``score``.
    ///
    /// Raises:
    ///     ReplayError: for a bad row, a missing column, or something that is no table.
    ///     RequestError: for an unknown placement or a time without zone.
    ///
    /// Example:
    ///     >>> import pyarrow as pa
    ///     >>> from datetime import datetime, timezone
    ///     >>> events = pa.table({
    ///     ...     "customer": ["1", "2", "1"],
    ///     ...     "type": ["purchase", "visit", "visit"],
    ///     ...     "time": [datetime(2010, 3, day, tzinfo=timezone.utc) for day in (1, 2, 3)],
    ///     ...     "amount": ["12.50", None, None],
    ///     ... })
    ///     >>> found = pa.table(engine.census(events, "2010-04-01T00:00:00Z", placement="home"))
    ///     >>> found.select(["customer", "offer"]).to_pylist()
    ///     [{'customer': 'customer:1', 'offer': 'thanks'}, {'customer': 'customer:2', 'offer': None}]
    #[pyo3(signature = (events, now, *, placement=None, columns=None))]
    fn census(
        &self,
        py: Python<'_>,
        events: &Bound<'_, PyAny>,
        now: &Bound<'_, PyAny>,
        placement: Option<String>,
        columns: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Table> {
        guard(|| census::run(py, &self.engine, events, now, placement, columns))
    }

    /// Reads text of other systems as events, for ``tactful.intake``: the events, the errors of what was refused, and what was left out.
    #[pyo3(signature = (text, form, received_at, /))]
    fn _intake(
        &self,
        py: Python<'_>,
        text: &Bound<'_, PyString>,
        form: Option<&str>,
        received_at: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<TakenIn> {
        guard(|| {
            let form = match form {
                None => None,
                Some("own") => Some(Form::Own),
                Some("segment") => Some(Form::Segment),
                Some("cloud_events") => Some(Form::CloudEvents),
                Some(_) => {
                    let message = "expected `own`, `segment` or `cloud_events`";
                    return Err(Bad::new("unknown_form", "form", message).event());
                }
            };
            let text = value::string(text, "").map_err(Bad::event)?;
            let received = time::optional(received_at, "received_at").map_err(Bad::event)?;
            let taken = py.detach(|| self.engine.intake(&text, form, received)).map_err(|error| errors::event(&error))?;
            Ok(told(py, taken))
        })
    }

    /// Reads the events of an HTTP request, likewise.
    #[pyo3(signature = (headers, body, received_at, /))]
    fn _intake_http(
        &self,
        py: Python<'_>,
        headers: Vec<(Bound<'_, PyString>, Bound<'_, PyString>)>,
        body: &Bound<'_, PyBytes>,
        received_at: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<TakenIn> {
        guard(|| {
            let text = |text: &Bound<'_, PyString>| value::string(text, "headers").map_err(Bad::event);
            let headers = headers.iter().map(|(name, value)| Ok((text(name)?, text(value)?))).collect::<PyResult<Vec<_>>>()?;
            let received = time::optional(received_at, "received_at").map_err(Bad::event)?;
            let body = body.as_bytes();
            let read = || {
                let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                self.engine.intake_http(headers, body, received)
            };
            let taken = py.detach(read).map_err(|error| errors::event(&error))?;
            Ok(told(py, taken))
        })
    }

    /// The same engine with the items of a table, in place of those it had. The playbook is not compiled again and customers go on as
    /// they are.
    ///
    /// Args:
    ///     table: a table (polars, pandas, pyarrow, DuckDB, anything with ``__arrow_c_stream__``), a list of dicts, the path of a file
    ///         (``.parquet``, ``.arrow``, ``.feather`` and ``.ipc`` with pyarrow, anything else as text), or text: JSON (a list of
    ///         objects or one per line), else CSV. Columns: ``id``, ``name``, ``category``, ``price``, ``stock`` (by store in a table:
    ///         ``stock.<store>``), ``replenish``, ``life``, ``warranty``, ``complements`` and the attributes that the playbook declares.
    ///
    /// Returns:
    ///     The engine, and what is wrong with the table: dicts with ``code``, ``row``, ``column`` and ``message``, of CSV ``line`` too.
    ///     Such rows are left out, all others are kept.
    ///
    /// Raises:
    ///     QueryError: for something that is no table, or a playbook without a catalog.
    ///     MissingFileError, FileError: for a file that is not there or cannot be read.
    ///
    /// Example:
    ///     >>> shop = tactful.Engine.compile({"shop.yaml": '''
    ///     ... playbook: shop
    ///     ... version: 1
    ///     ... identity: {customer: {}}
    ///     ... events: {purchase: {sku: string}}
    ///     ... catalog: {item: sku, bought: purchase, price: money(EUR)}
    ///     ... '''})
    ///     >>> shop, bad = shop.with_catalog([{"id": "tea", "price": 4.5}, {"id": "cup"}])
    ///     >>> bad[0]["code"], bad[0]["row"]
    ///     ('missing_price', 1)
    #[pyo3(signature = (table, /))]
    fn with_catalog<'py>(&self, py: Python<'py>, table: &Bound<'py, PyAny>) -> PyResult<(Self, Bound<'py, PyAny>)> {
        guard(|| {
            let (engine, bad) = catalog::read(py, &self.engine, table)?;
            Ok((Engine { engine, documents: self.documents.clone(), stocked: true }, bad))
        })
    }

    /// The same engine with what was counted over many customers: rules and learned factors read it, suggestions and :meth:`reach` look
    /// at what others did. A decision may bring other trends for itself.
    ///
    /// Args:
    ///     snapshot: made by :meth:`Trends.snapshot`; decisions before its instant do not see it.
    ///
    /// Raises:
    ///     TrendError: for a snapshot that was counted by other rules.
    #[pyo3(signature = (snapshot, /))]
    fn with_trends(&self, snapshot: &Bound<'_, TrendSnapshot>) -> PyResult<Self> {
        guard(|| {
            let snapshot = snapshot.get();
            let engine = self.engine.with_trends(snapshot.shared()).map_err(|error| errors::trends(&error))?;
            Ok(Engine { engine, documents: self.documents.clone(), stocked: self.stocked })
        })
    }

    /// The items that the playbook's suggestions find for a customer, best first, each with how, the figures and the reason.
    ///
    /// Args:
    ///     customer: whom they are for.
    ///     now: the instant; later events are not seen.
    ///     suggestion: one suggestion; all when not given.
    ///     at_most: how many items of each.
    ///     known_at: up to when knowledge counts; ``now`` when not given.
    ///
    /// Returns:
    ///     ``suggestions`` with ``suggestion``, ``items`` and ``left_out``, and the number of events about ``unknown_items``.
    ///
    /// Raises:
    ///     QueryError: for an undeclared suggestion, or a playbook without a catalog.
    #[pyo3(signature = (customer, now, *, suggestion=None, at_most=None, known_at=None))]
    fn suggest<'py>(
        &self,
        py: Python<'py>,
        customer: &Bound<'py, Customer>,
        now: &Bound<'py, PyAny>,
        suggestion: Option<&Bound<'py, PyAny>>,
        at_most: Option<&Bound<'py, PyAny>>,
        known_at: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let keys = [("now", Some(now)), ("suggestion", suggestion), ("at_most", at_most), ("known_at", known_at)];
        self.ask(py, customer, "suggest", None, &keys)
    }

    /// How and when to reach a customer about an offer, or that silence is better: ``answer`` (``reach`` or ``silence``), ``placement``,
    /// ``channel``, ``not_before``, ``not_after``, ``message``, ``reason``, and every placement in ``options``.
    ///
    /// Args:
    ///     offer: what it is about.
    ///     now: the instant of the question; later events are not seen, the hours ahead are tried.
    ///     placements: to choose from; all on channels that contact when not given.
    ///     within: how long ahead, such as ``"2d"``; ``"7d"`` when not given.
    ///     rates: how many of all customers respond, 0 to 1, by channel.
    ///     facts: of the request, by name.
    ///
    /// Raises:
    ///     QueryError: for an undeclared offer or placement, or a value that cannot be used.
    #[pyo3(signature = (customer, offer, now, *, placements=None, within=None, rates=None, facts=None))]
    #[expect(clippy::too_many_arguments, reason = "Python's are named")]
    fn reach<'py>(
        &self,
        py: Python<'py>,
        customer: &Bound<'py, Customer>,
        offer: &Bound<'py, PyAny>,
        now: &Bound<'py, PyAny>,
        placements: Option<&Bound<'py, PyAny>>,
        within: Option<&Bound<'py, PyAny>>,
        rates: Option<&Bound<'py, PyAny>>,
        facts: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let told = [("offer", Some(offer)), ("now", Some(now)), ("placements", placements)];
        let [a, b, c] = told;
        self.ask(py, customer, "reach", None, &[a, b, c, ("within", within), ("rates", rates), ("facts", facts)])
    }

    fn __repr__(&self) -> String {
        let playbook = self.engine.playbook();
        format!("<Engine {} version {}>", playbook.name.text, playbook.version)
    }

    /// The same engine again, out of a pickle: with a table of items in JSON and a snapshot of trends as bytes.
    #[staticmethod]
    fn _restore(
        py: Python<'_>,
        documents: Vec<(String, String)>,
        max_bytes: usize,
        items: Option<&str>,
        trends: Option<&[u8]>,
    ) -> PyResult<Self> {
        guard(|| {
            let mut own = Engine::of(py, documents, Some(max_bytes))?;
            if let Some(items) = items {
                let wrong = |error: tactful::catalog::CatalogError| Bad::new(error.code(), "items", error.to_string()).query();
                own = Engine { engine: own.engine.with_catalog_json(items).map_err(wrong)?.0, stocked: true, ..own };
            }
            if let Some(bytes) = trends {
                let snapshot = own.engine.snapshot_from_bytes(bytes).map_err(|error| errors::state(&error))?;
                let engine = own.engine.with_trends(snapshot).map_err(|error| errors::trends(&error))?;
                own = Engine { engine, ..own };
            }
            Ok(own)
        })
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let longest = self.documents.iter().map(|(_, text)| text.len()).max().unwrap_or(0);
        let class = py.get_type::<Engine>();
        let items = self.engine.catalog().filter(|_| self.stocked).map(tactful::catalog::Catalog::to_json);
        let trends =
            self.engine.snapshot().map(|snapshot| PyBytes::new(py, &(**snapshot).clone().without_members().to_bytes()));
        if items.is_none() && trends.is_none() && longest <= Limits::default().bytes {
            return Ok((class.getattr("compile")?, (self.documents.clone(),).into_pyobject(py)?));
        }
        let longest = longest.max(Limits::default().bytes);
        Ok((class.getattr("_restore")?, (self.documents.clone(), longest, items, trends).into_pyobject(py)?))
    }
}

/// Events, the errors of what was refused, and what was left out: paths and reasons.
type TakenIn = (Vec<Event>, Vec<Py<PyAny>>, Vec<(String, &'static str)>);

fn told(py: Python<'_>, taken: Intake) -> TakenIn {
    let refused = taken.refused.iter().map(|error| errors::event(error).into_value(py).into_any()).collect();
    let left_out = taken.left_out.into_iter().map(|part| (part.path, part.reason)).collect();
    (taken.events.into_iter().map(Event::of).collect(), refused, left_out)
}

/// Reads a file as a document that is named like it.
pub(crate) fn document(path: &PathBuf) -> PyResult<(String, String)> {
    let name = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => errors::missing_file(&name),
        _ => errors::unreadable_file(&name, &error),
    })?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok((name, text)),
        Err(error) => Err(errors::not_utf8(&name, error.utf8_error().valid_up_to())),
    }
}

/// The files of a playbook, and the table of items beside them.
fn read_all(paths: &[PathBuf]) -> PyResult<Vec<(String, String)>> {
    let mut documents = paths.iter().map(document).collect::<PyResult<Vec<_>>>()?;
    // Most playbooks name none and need not be read twice.
    if !documents.iter().any(|(_, text)| text.contains("file")) {
        return Ok(documents);
    }
    let texts: Vec<(&str, &str)> = documents.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    if let Some((within, name)) = tactful::playbook::Playbook::table(&texts) {
        let folder = Path::new(&*within).parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let path = folder.join(&*name);
        // A link may lead out of the folder.
        if let (Ok(folder), Ok(real)) = (folder.canonicalize(), path.canonicalize())
            && !real.starts_with(folder)
        {
            let outside = std::io::Error::other("it leads out of the folder of the playbook");
            return Err(errors::unreadable_file(&path.display().to_string(), &outside));
        }
        let (_, text) = document(&path)?;
        documents.push((name.to_string(), text));
    }
    Ok(documents)
}

/// Names and texts.
fn texts(pairs: &Bound<'_, PyAny>) -> PyResult<Vec<(String, String)>> {
    let expected = "a mapping from names to texts, or a sequence of (name, text)";
    let wrong = |found: &Bound<'_, PyAny>| errors::documents(Bad::kind("documents", expected, found));
    if pairs.is_instance_of::<PyString>() {
        return Err(wrong(pairs));
    }
    let mut documents = Vec::new();
    for pair in pairs.try_iter().map_err(|_| wrong(pairs))? {
        let pair = pair?;
        let Ok((name, text)) = pair.extract::<(Bound<'_, PyString>, Bound<'_, PyString>)>() else { return Err(wrong(&pair)) };
        let name = value::string(&name, "documents").map_err(errors::documents)?;
        let text = value::string(&text, &name).map_err(errors::documents)?;
        documents.push((name, text));
    }
    Ok(documents)
}

impl Engine {
    /// A portrait of a customer.
    pub(crate) fn paint(
        &self,
        py: Python<'_>,
        customer: &Customer,
        now: &Bound<'_, PyAny>,
        audience: Option<String>,
        known_at: Option<&Bound<'_, PyAny>>,
        events: usize,
    ) -> PyResult<Portrait> {
        guard(|| {
            let sitting = Sitting::new(now, audience, known_at, events).map_err(Bad::request)?;
            let Sitting { audience, now, known_at, events } = sitting;
            let portrait = py.detach(|| {
                let customer = read(&customer.customer)?;
                let portrait = self.engine.portrait(&customer, audience.as_deref(), now, known_at, events);
                portrait.map_err(|error| errors::request(&error))
            })?;
            Ok(Portrait { portrait })
        })
    }

    /// The same question about the customer as met on an identifier, in the form that its namespace gives it.
    fn met_on(&self, mut question: Question, met_on: Option<&Bound<'_, PyAny>>) -> PyResult<Question> {
        if let Some(met_on) = met_on.filter(|met_on| !met_on.is_none()) {
            let identifier = identifier(met_on, "met_on").map_err(Bad::request)?;
            let read = self.engine.identifier(&identifier);
            question.request.identifier =
                Some(read.map_err(|error| Bad::new(error.code(), "met_on", error.message().to_owned()).request())?);
        }
        Ok(question)
    }

    /// Asks a question about a customer that has a method of its own.
    fn ask<'py>(
        &self,
        py: Python<'py>,
        customer: &Bound<'py, Customer>,
        name: &str,
        attribute: Option<&str>,
        times: &[(&str, Option<&Bound<'py, PyAny>>)],
    ) -> PyResult<Bound<'py, PyAny>> {
        let question = PyDict::new(py);
        question.set_item("query", name)?;
        if let Some(attribute) = attribute {
            question.set_item("attribute", attribute)?;
        }
        for (key, time) in times {
            if let Some(time) = time.filter(|time| !time.is_none()) {
                question.set_item(key, time)?;
            }
        }
        self.query(py, Some(customer), question.as_any())
    }
}

/// Other customers, each once.
fn others<'py>(customer: &Customer, related: &Bound<'py, PyAny>) -> Result<Vec<Bound<'py, Customer>>, Bad> {
    let Ok(items) = related.try_iter() else { return Err(Bad::kind("related", "customers", related)) };
    let mut others: Vec<Bound<'py, Customer>> = Vec::new();
    for (place, item) in items.enumerate() {
        let path = format!("related[{place}]");
        let item = item.map_err(|error| Bad::new("wrong_type", &path, error.to_string()))?;
        let Ok(other) = item.cast::<Customer>() else { return Err(Bad::kind(&path, "a customer", &item)) };
        // A customer is read under a lock, which is taken once.
        if !std::ptr::eq(other.get(), customer) && !others.iter().any(|known| known.is(other)) {
            others.push(other.clone());
        }
    }
    Ok(others)
}
