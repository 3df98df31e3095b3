use crate::customer::Customer;
use crate::decision::Decision;
use crate::effects::Effects;
use crate::engine::Engine;
use crate::errors::{self, Bad};
use crate::estimate::{self, Asked};
use crate::event::{Event, identifier};
use crate::guard::{guard, read, write};
use crate::journey::{self, JourneyWalk};
use crate::map::{JourneyMap, Wanted};
use crate::next::{self, Forecast};
use crate::query;
use crate::question::Question;
use crate::reserve::{self, Reservation};
use crate::rights::{self, Erasure, Portrait, Sitting};
use crate::time;
use chrono::{DateTime, Utc};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyIterator};
use std::sync::RwLock;
use tactful::{Identifier, base};

/// All customers of an organisation, in memory. Events find their customer by identifier; links join customers and unlinking
/// parts them again.
///
/// ``len()`` is the number of customers; iterating gives their ids in order.
///
/// Example:
///     >>> base = tactful.CustomerBase(engine)
///     >>> base.record(tactful.Event("visit", "2010-03-01T10:00:00Z", "customer:17")).arrival
///     'new'
///     >>> list(base)
///     ['customer:17']
#[pyclass(frozen, module = "tactful")]
pub(crate) struct CustomerBase {
    pub(crate) base: RwLock<base::CustomerBase>,
    engine: RwLock<Py<Engine>>,
}

#[pymethods]
impl CustomerBase {
    #[new]
    #[pyo3(signature = (engine, /))]
    fn new(engine: Bound<'_, Engine>) -> Self {
        let base = RwLock::new(base::CustomerBase::new(engine.get().engine.clone()));
        CustomerBase { base, engine: RwLock::new(engine.unbind()) }
    }

    /// The engine.
    #[getter]
    fn engine(&self, py: Python<'_>) -> PyResult<Py<Engine>> {
        Ok(read(&self.engine)?.clone_ref(py))
    }

    /// Goes on with another engine of the same playbook, such as one with a new table of items or newer trends.
    ///
    /// Raises:
    ///     EventError: for the engine of another playbook; nothing is changed then.
    #[pyo3(signature = (engine, /))]
    fn set_engine(&self, py: Python<'_>, engine: Bound<'_, Engine>) -> PyResult<()> {
        guard(|| {
            let own = engine.get().engine.clone();
            py.detach(|| write(&self.base)?.set_engine(own).map_err(|error| errors::event(&error)))?;
            *write(&self.engine)? = engine.unbind();
            Ok(())
        })
    }

    /// The items that the playbook's suggestions find for a customer, see :meth:`Engine.suggest`. What others did comes from the trends
    /// that the engine was given; without any the base counts its own customers, which takes time in proportion to all their stories.
    ///
    /// Args:
    ///     identifier: whom they are for; somebody unknown is a customer without events.
    ///     at: up to when the base counts what others did; ``now`` when not given.
    #[pyo3(signature = (identifier, now, *, suggestion=None, at_most=None, known_at=None, at=None))]
    #[expect(clippy::too_many_arguments, reason = "each is a keyword of its own")]
    fn suggest<'py>(
        &self,
        py: Python<'py>,
        identifier: &Bound<'py, PyAny>,
        now: &Bound<'py, PyAny>,
        suggestion: Option<&Bound<'py, PyAny>>,
        at_most: Option<&Bound<'py, PyAny>>,
        known_at: Option<&Bound<'py, PyAny>>,
        at: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let keys = [("identifier", Some(identifier)), ("now", Some(now)), ("suggestion", suggestion), ("at_most", at_most)];
        let [a, b, c, d] = keys;
        self.ask(py, "suggest", &[a, b, c, d, ("known_at", known_at), ("at", at)])
    }

    /// How and when to reach whom an identifier points to about an offer, or that silence is better: ``answer`` (``reach`` or ``silence``), ``placement``,
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
    #[pyo3(signature = (identifier, offer, now, *, placements=None, within=None, rates=None, facts=None))]
    #[expect(clippy::too_many_arguments, reason = "Python's are named")]
    fn reach<'py>(
        &self,
        py: Python<'py>,
        identifier: &Bound<'py, PyAny>,
        offer: &Bound<'py, PyAny>,
        now: &Bound<'py, PyAny>,
        placements: Option<&Bound<'py, PyAny>>,
        within: Option<&Bound<'py, PyAny>>,
        rates: Option<&Bound<'py, PyAny>>,
        facts: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let told = [("identifier", Some(identifier)), ("offer", Some(offer)), ("now", Some(now)), ("placements", placements)];
        let [a, b, c, d] = told;
        self.ask(py, "reach", &[a, b, c, d, ("within", within), ("rates", rates), ("facts", facts)])
    }

    /// Records an event for the customer whom its identifiers point to, who is made when nobody is known by them.
    ///
    /// An event with several identifiers is kept under the one whose namespace the playbook declares first. ``linked`` joins the
    /// customers of its two identifiers, ``unlinked`` takes that back.
    ///
    /// Raises:
    ///     EventError: when it does not fit the playbook; nothing is changed then.
    #[pyo3(signature = (event, /))]
    fn record(&self, py: Python<'_>, event: &Bound<'_, Event>) -> PyResult<Effects> {
        guard(|| {
            let event = event.get();
            let found = py.detach(|| write(&self.base)?.record(&event.event).map_err(|error| errors::event(&error)))?;
            Effects::of(py, found)
        })
    }

    /// Lets time pass up to ``now`` for all customers and tells what changed without an event, in the order in which it happened; each effect
    /// says whom it is about (``customer``). Takes time in proportion to the number of customers.
    ///
    /// Example:
    ///     >>> base = tactful.CustomerBase(engine)
    ///     >>> base.advance("2010-07-01T00:00:00Z")
    ///     Effects(arrival=None, [])
    #[pyo3(signature = (now, /))]
    fn advance(&self, py: Python<'_>, now: &Bound<'_, PyAny>) -> PyResult<Effects> {
        guard(|| {
            let now = time::instant(now, "now").map_err(Bad::request)?;
            let found = py.detach(|| Ok::<_, PyErr>(write(&self.base)?.advance(now)))?;
            Effects::of(py, found)
        })
    }

    /// The first instant, in UTC, at which something may change for any customer without an event: when to call :meth:`advance`. ``None``
    /// when nothing will. The question ``customers`` says for whom.
    fn next_due(&self, py: Python<'_>) -> PyResult<Option<DateTime<Utc>>> {
        guard(|| py.detach(|| Ok(read(&self.base)?.next_due().map(time::datetime))))
    }

    /// Folds events of all customers that are older than the playbook keeps them at ``horizon`` into exact totals, as
    /// :meth:`Engine.fold` does. Gives how many were folded, and what changed by then without an event.
    #[pyo3(signature = (horizon, /))]
    fn fold(&self, py: Python<'_>, horizon: &Bound<'_, PyAny>) -> PyResult<(u64, Effects)> {
        guard(|| {
            let horizon = time::instant(horizon, "horizon").map_err(Bad::request)?;
            let (count, found) = py.detach(|| Ok::<_, PyErr>(write(&self.base)?.fold(horizon)))?;
            Ok((count, Effects::of(py, found)?))
        })
    }

    /// The whole base as bytes, for :meth:`from_bytes`: all stories, and what was told about links between identifiers.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        guard(|| {
            let bytes = py.detach(|| Ok::<_, PyErr>(read(&self.base)?.to_bytes()))?;
            Ok(PyBytes::new(py, &bytes))
        })
    }

    /// A base out of the bytes that :meth:`to_bytes` gave, under the engine's playbook or another version of it.
    ///
    /// Raises:
    ///     StateError: for bytes that are damaged, of a newer format or of another playbook.
    ///
    /// Example:
    ///     >>> list(tactful.CustomerBase.from_bytes(engine, base.to_bytes())) == list(base)
    ///     True
    #[staticmethod]
    #[pyo3(signature = (engine, data, /))]
    fn from_bytes(py: Python<'_>, engine: Bound<'_, Engine>, data: &[u8]) -> PyResult<Self> {
        guard(|| {
            let own = &engine.get().engine;
            let base =
                py.detach(|| base::CustomerBase::from_bytes(own.clone(), data)).map_err(|error| errors::state(&error))?;
            Ok(CustomerBase { base: RwLock::new(base), engine: RwLock::new(engine.clone().unbind()) })
        })
    }

    /// Pickles with its engine.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (Py<Engine>, Bound<'py, PyBytes>))> {
        let (py, own) = (slf.py(), slf.get());
        Ok((slf.getattr("from_bytes")?, (read(&own.engine)?.clone_ref(py), own.to_bytes(py)?)))
    }

    /// Decides for the customer whom an identifier points to; somebody unknown is a customer without events.
    ///
    /// Args and errors: as for :meth:`Engine.decide`; an undeclared namespace is a ``RequestError`` too.
    ///
    /// Example:
    ///     >>> base.decide("customer:nobody", "home", "2010-03-01T10:00:00Z").placements[0].kind
    ///     'silence'
    #[pyo3(signature = (identifier, placements, now, *, facts=None, known_at=None, assurance=None, scores=None, seed=None, trends=None, reaction=None))]
    #[expect(clippy::too_many_arguments, reason = "the parts of a question")]
    fn decide(
        &self,
        py: Python<'_>,
        identifier: &Bound<'_, PyAny>,
        placements: &Bound<'_, PyAny>,
        now: &Bound<'_, PyAny>,
        facts: Option<&Bound<'_, PyAny>>,
        known_at: Option<&Bound<'_, PyAny>>,
        assurance: Option<&Bound<'_, PyAny>>,
        scores: Option<&Bound<'_, PyAny>>,
        seed: Option<&Bound<'_, PyAny>>,
        trends: Option<&Bound<'_, PyAny>>,
        reaction: Option<String>,
    ) -> PyResult<Decision> {
        guard(|| {
            let identifier = self::identifier(identifier, "identifier").map_err(Bad::request)?;
            let question = Question::new(placements, now, facts, known_at, assurance);
            let question = question.and_then(|asked| asked.ranked(scores, seed, trends)).map_err(Bad::request)?;
            let question = question.reacting(reaction);
            py.detach(|| answer(&*read(&self.base)?, &identifier, &question, false))
        })
    }

    /// The same decision with the reasons for every candidate in :attr:`Decision.trace`.
    ///
    /// Args and errors: as for :meth:`decide`.
    #[pyo3(signature = (identifier, placements, now, *, facts=None, known_at=None, assurance=None, scores=None, seed=None, trends=None, reaction=None))]
    #[expect(clippy::too_many_arguments, reason = "the parts of a question")]
    fn explain(
        &self,
        py: Python<'_>,
        identifier: &Bound<'_, PyAny>,
        placements: &Bound<'_, PyAny>,
        now: &Bound<'_, PyAny>,
        facts: Option<&Bound<'_, PyAny>>,
        known_at: Option<&Bound<'_, PyAny>>,
        assurance: Option<&Bound<'_, PyAny>>,
        scores: Option<&Bound<'_, PyAny>>,
        seed: Option<&Bound<'_, PyAny>>,
        trends: Option<&Bound<'_, PyAny>>,
        reaction: Option<String>,
    ) -> PyResult<Decision> {
        guard(|| {
            let identifier = self::identifier(identifier, "identifier").map_err(Bad::request)?;
            let question = Question::new(placements, now, facts, known_at, assurance);
            let question = question.and_then(|asked| asked.ranked(scores, seed, trends)).map_err(Bad::request)?;
            let question = question.reacting(reaction);
            py.detach(|| answer(&*read(&self.base)?, &identifier, &question, true))
        })
    }

    /// Decides for the customer whom an identifier points to, and holds what was chosen for them, all slots or none, until it is
    /// confirmed, released or over. Records ``decided`` and ``reserved``. Deciding, checking and counting are one step, so that caps and
    /// inventory are exact however many threads do this.
    ///
    /// Args:
    ///     reserve_for: how long it holds: a ``timedelta`` or text such as ``"15m"``; by default what the playbook declares.
    ///
    /// Raises:
    ///     RequestError: as for :meth:`decide`, and ``not_in_order`` when an outcome of the customer is recorded more than an hour later.
    ///
    /// Example:
    ///     >>> bought = tactful.Event("purchase", "2010-03-01T10:00:00Z", "customer:17", properties={"amount": "12.50"})
    ///     >>> base.record(bought).arrival
    ///     'new'
    ///     >>> held = base.reserve("customer:17", "home", "2010-03-05T10:00:00Z")
    ///     >>> base.release("customer:17", held.decision.id, "2010-03-05T10:00:01Z")[0].arrival
    ///     'new'
    #[pyo3(signature = (identifier, placements, now, *, facts=None, assurance=None, reserve_for=None))]
    #[expect(clippy::too_many_arguments, reason = "Python's are named")]
    fn reserve(
        &self,
        py: Python<'_>,
        identifier: &Bound<'_, PyAny>,
        placements: &Bound<'_, PyAny>,
        now: &Bound<'_, PyAny>,
        facts: Option<&Bound<'_, PyAny>>,
        assurance: Option<&Bound<'_, PyAny>>,
        reserve_for: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Reservation> {
        guard(|| {
            let identifier = self::identifier(identifier, "identifier").map_err(Bad::request)?;
            let Question { request, now, .. } = Question::new(placements, now, facts, None, assurance).map_err(Bad::request)?;
            let length =
                reserve_for.filter(|length| !length.is_none()).map(reserve::length).transpose().map_err(Bad::request)?;
            let held = py.detach(|| {
                let held = write(&self.base)?.reserve(&identifier, &request, now, length);
                held.map_err(|error| errors::request(&error))
            })?;
            Ok(Reservation { decision: Py::new(py, Decision::of(held.decision))?, expires: held.expires })
        })
    }

    /// Takes for good what was reserved, of one offer or of all of a decision: records ``confirmed``, and what came of it.
    ///
    /// Args:
    ///     decision: the id of the decision.
    ///     outcome: what came of it, such as ``"shown"`` or ``"accepted"``.
    ///
    /// Raises:
    ///     RequestError: ``unknown_decision``, ``not_reserved``, ``already_confirmed``, ``already_released``, ``expired_decision``,
    ///         ``not_decided`` or ``unknown_outcome``; nothing is changed then.
    #[pyo3(signature = (identifier, decision, outcome, now, *, offer=None))]
    fn confirm(
        &self,
        py: Python<'_>,
        identifier: &Bound<'_, PyAny>,
        decision: &str,
        outcome: &str,
        now: &Bound<'_, PyAny>,
        offer: Option<&str>,
    ) -> PyResult<Vec<Effects>> {
        self.told(py, identifier, now, |base, who, now| base.confirm(who, decision, offer, outcome, now))
    }

    /// Gives back what was reserved: records ``released``.
    ///
    /// Args and errors: as for :meth:`confirm`.
    #[pyo3(signature = (identifier, decision, now, *, offer=None))]
    fn release(
        &self,
        py: Python<'_>,
        identifier: &Bound<'_, PyAny>,
        decision: &str,
        now: &Bound<'_, PyAny>,
        offer: Option<&str>,
    ) -> PyResult<Vec<Effects>> {
        self.told(py, identifier, now, |base, who, now| base.release(who, decision, offer, now))
    }

    /// Records what came of a decision that was recorded before, for the very slots that were decided; telling it twice counts once.
    ///
    /// Raises:
    ///     RequestError: ``unknown_decision``, ``expired_decision``, ``not_decided`` or ``unknown_outcome``; nothing is changed then.
    #[pyo3(signature = (identifier, decision, outcome, now, *, offer=None))]
    fn feedback(
        &self,
        py: Python<'_>,
        identifier: &Bound<'_, PyAny>,
        decision: &str,
        outcome: &str,
        now: &Bound<'_, PyAny>,
        offer: Option<&str>,
    ) -> PyResult<Vec<Effects>> {
        self.told(py, identifier, now, |base, who, now| base.feedback(who, decision, offer, outcome, now))
    }

    /// A decision with a receipt of what it was made from: ``{"decision": …, "receipt": …}``. Keep the receipt; :meth:`verify` makes the
    /// decision again.
    ///
    /// Raises:
    ///     QueryError: where :meth:`decide` raises a ``RequestError``.
    ///
    /// Example:
    ///     >>> told = base.receipt("customer:17", "home", "2010-03-01T10:00:00Z")
    ///     >>> base.verify("customer:17", told["receipt"])["verdict"]
    ///     'same'
    #[pyo3(signature = (identifier, placements, now, *, facts=None, known_at=None, assurance=None, scores=None, seed=None))]
    #[expect(clippy::too_many_arguments, reason = "Python's are named")]
    fn receipt<'py>(
        &self,
        py: Python<'py>,
        identifier: &Bound<'py, PyAny>,
        placements: &Bound<'py, PyAny>,

        now: &Bound<'py, PyAny>,
        facts: Option<&Bound<'py, PyAny>>,
        known_at: Option<&Bound<'py, PyAny>>,
        assurance: Option<&Bound<'py, PyAny>>,
        scores: Option<&Bound<'py, PyAny>>,
        seed: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let placements = reserve::listed(placements)?;
        let asked = [("identifier", Some(identifier)), ("placements", Some(&placements)), ("now", Some(now))];
        let more = [("facts", facts), ("known_at", known_at), ("assurance", assurance), ("scores", scores), ("seed", seed)];
        self.ask(py, "receipt", &[&asked[..], &more].concat())
    }

    /// Makes the decision of a receipt again: the ``verdict`` is ``same``, ``inputs_changed`` (which ``inputs``, and what ``answers`` differ),
    /// ``erased`` or ``not_genuine``.
    fn verify<'py>(
        &self,
        py: Python<'py>,
        identifier: &Bound<'py, PyAny>,
        receipt: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.ask(py, "verify", &[("identifier", Some(identifier)), ("receipt", Some(receipt))])
    }

    /// The smallest ``changes`` of facts that would make an offer win a slot, and the smallest ``lever`` and ``value`` that would.
    ///
    /// Args and errors: as for :meth:`receipt`; ``placement`` is by default the first.
    #[pyo3(signature = (identifier, placements, offer, now, *, placement=None, facts=None, known_at=None, assurance=None))]
    #[expect(clippy::too_many_arguments, reason = "Python's are named")]
    fn what_would_win<'py>(
        &self,
        py: Python<'py>,
        identifier: &Bound<'py, PyAny>,
        placements: &Bound<'py, PyAny>,
        offer: &Bound<'py, PyAny>,
        now: &Bound<'py, PyAny>,
        placement: Option<&Bound<'py, PyAny>>,
        facts: Option<&Bound<'py, PyAny>>,
        known_at: Option<&Bound<'py, PyAny>>,
        assurance: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let placements = reserve::listed(placements)?;
        let asked = [("identifier", Some(identifier)), ("placements", Some(&placements)), ("now", Some(now))];
        let more = [
            ("offer", Some(offer)),
            ("placement", placement),
            ("facts", facts),
            ("known_at", known_at),
            ("assurance", assurance),
        ];
        self.ask(py, "what_would_win", &[&asked[..], &more].concat())
    }

    /// The facts that are not known and would most change what is decided, each with what its values would do.
    ///
    /// Args and errors: as for :meth:`receipt`.
    #[pyo3(signature = (identifier, placements, now, *, facts=None, known_at=None, assurance=None))]
    #[expect(clippy::too_many_arguments, reason = "Python's are named")]
    fn what_to_ask<'py>(
        &self,
        py: Python<'py>,
        identifier: &Bound<'py, PyAny>,
        placements: &Bound<'py, PyAny>,

        now: &Bound<'py, PyAny>,
        facts: Option<&Bound<'py, PyAny>>,
        known_at: Option<&Bound<'py, PyAny>>,
        assurance: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let placements = reserve::listed(placements)?;
        let asked = [("identifier", Some(identifier)), ("placements", Some(&placements)), ("now", Some(now))];
        let more = [("facts", facts), ("known_at", known_at), ("assurance", assurance)];
        self.ask(py, "what_to_ask", &[&asked[..], &more].concat())
    }

    /// What was promised with offers that a customer accepted, and how that stands.
    #[pyo3(signature = (identifier, now, *, known_at=None))]
    fn commitments<'py>(
        &self,
        py: Python<'py>,
        identifier: &Bound<'py, PyAny>,
        now: &Bound<'py, PyAny>,
        known_at: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.ask(py, "commitments", &[("identifier", Some(identifier)), ("now", Some(now)), ("known_at", known_at)])
    }

    /// What came of the decisions for a customer, slot by slot.
    #[pyo3(signature = (identifier, now, *, known_at=None, decision=None))]
    fn outcomes<'py>(
        &self,
        py: Python<'py>,
        identifier: &Bound<'py, PyAny>,
        now: &Bound<'py, PyAny>,
        known_at: Option<&Bound<'py, PyAny>>,
        decision: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let asked = [("identifier", Some(identifier)), ("now", Some(now)), ("known_at", known_at), ("decision", decision)];
        self.ask(py, "outcomes", &asked)
    }

    /// The outcomes that are due and were not told yet, as events to record: what was ignored, and what is over.
    fn due_outcomes(&self, py: Python<'_>, identifier: &Bound<'_, PyAny>, now: &Bound<'_, PyAny>) -> PyResult<Vec<Event>> {
        guard(|| {
            let identifier = self::identifier(identifier, "identifier").map_err(Bad::request)?;
            let now = time::instant(now, "now").map_err(Bad::request)?;
            let due = py.detach(|| {
                let base = read(&self.base)?;
                Ok::<_, PyErr>(
                    base.find(&identifier).map(|customer| base.engine().due_outcomes(customer, now)).unwrap_or_default(),
                )
            })?;
            Ok(due.into_iter().map(Event::of).collect())
        })
    }

    /// Records a customer's answer to the question of an offer: that it was ``accepted``, and the attribute, as stated. Returns the effects
    /// of each event.
    ///
    /// Args:
    ///     identifier: who answered.
    ///     offer: the offer that asked.
    ///     answer: as the attribute takes it.
    ///     now: when.
    ///     decision: the id of the decision in which it was asked, so that telling it twice counts once.
    ///
    /// Raises:
    ///     RequestError: for an offer that asks nothing, an answer that does not fit, or a decision in which it was not asked.
    #[pyo3(signature = (identifier, offer, answer, now, *, decision=None))]
    fn record_answer(
        &self,
        py: Python<'_>,
        identifier: &Bound<'_, PyAny>,
        offer: String,
        answer: &Bound<'_, PyAny>,
        now: &Bound<'_, PyAny>,
        decision: Option<String>,
    ) -> PyResult<Vec<Effects>> {
        let answer = guard(|| crate::value::value(answer, "answer", crate::value::Doubles::Finite).map_err(Bad::request))?;
        self.told(py, identifier, now, move |base, who, now| base.record_answer(who, &offer, &answer, decision.as_deref(), now))
    }

    /// What reactions propose to do about a customer now, the most urgent first (``due``), what waits (``waiting``), and feedback that was not
    /// answered in time (``overdue``); for hosts that do not keep the effects.
    #[pyo3(signature = (identifier, now, *, known_at=None))]
    fn reactions<'py>(
        &self,
        py: Python<'py>,
        identifier: &Bound<'py, PyAny>,
        now: &Bound<'py, PyAny>,
        known_at: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.ask(py, "reactions", &[("identifier", Some(identifier)), ("now", Some(now)), ("known_at", known_at)])
    }

    /// Everything known about a customer at an instant, for people: ``print`` it, or let a notebook show it.
    ///
    /// Args and errors: as for :meth:`Engine.portrait`; the customer is found by ``identifier``, as they were known then.
    ///
    /// Example:
    ///     >>> print(base.portrait("customer:17", "2010-03-02T00:00:00Z").text.splitlines()[0])
    ///     customer:17
    #[pyo3(signature = (identifier, now, *, audience=None, known_at=None, events=50))]
    fn portrait(
        &self,
        py: Python<'_>,
        identifier: &Bound<'_, PyAny>,
        now: &Bound<'_, PyAny>,
        audience: Option<String>,
        known_at: Option<&Bound<'_, PyAny>>,
        events: usize,
    ) -> PyResult<Portrait> {
        guard(|| {
            let identifier = self::identifier(identifier, "identifier").map_err(Bad::request)?;
            let sitting = Sitting::new(now, audience, known_at, events).map_err(Bad::request)?;
            let Sitting { audience, now, known_at, events } = sitting;
            let portrait = py.detach(|| {
                let portrait = read(&self.base)?.portrait(&identifier, audience.as_deref(), now, known_at, events);
                portrait.map_err(|error| errors::request(&error))
            })?;
            Ok(Portrait { portrait })
        })
    }

    /// Everything known about a customer, machine-readable: ``events`` that can be recorded again (``Event.from_json``) and make an
    /// equal customer, ``links``, ``totals``, and a ``portrait`` of what is drawn from them at ``now``.
    ///
    /// Raises:
    ///     QueryError: for an identifier of another form or of an undeclared namespace, or a time without zone.
    fn export<'py>(
        &self,
        py: Python<'py>,
        identifier: &Bound<'py, PyAny>,
        now: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.ask(py, "export", &[("identifier", Some(identifier)), ("now", Some(now))])
    }

    /// Who a customer was at an instant: all ``identifiers``, and the ``links`` with what became of each.
    ///
    /// Errors: as for :meth:`export`.
    #[pyo3(signature = (identifier, now, *, known_at=None))]
    fn identity<'py>(
        &self,
        py: Python<'py>,
        identifier: &Bound<'py, PyAny>,
        now: &Bound<'py, PyAny>,
        known_at: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.ask(py, "identity", &[("identifier", Some(identifier)), ("now", Some(now)), ("known_at", known_at)])
    }

    /// How long events of each type are kept, and how many are due to become totals: of one customer, or of all.
    ///
    /// Errors: as for :meth:`export`.
    ///
    /// Example:
    ///     >>> base.retention("2010-03-02T00:00:00Z")["due"]
    ///     0
    #[pyo3(signature = (now, *, identifier=None))]
    fn retention<'py>(
        &self,
        py: Python<'py>,
        now: &Bound<'py, PyAny>,
        identifier: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.ask(py, "retention", &[("identifier", identifier), ("now", Some(now))])
    }

    /// Erases the customer whom an identifier points to, with all identifiers: story, totals and links. Events up to ``at``, or known
    /// by then, are refused from then on, with the code ``erased``.
    ///
    /// Args:
    ///     identifier: whom.
    ///     at: the instant of the erasure.
    ///     key: at least 16 bytes that nobody can guess and that the host keeps; all erasures of a base have one.
    ///
    /// Raises:
    ///     EventError: for the identifier, the time, or a key that is too short or another one than before; nothing is changed then.
    ///
    /// Example:
    ///     >>> erased = tactful.CustomerBase(engine)
    ///     >>> visit = tactful.Event("visit", "2010-03-01T10:00:00Z", "customer:17")
    ///     >>> erased.record(visit).arrival
    ///     'new'
    ///     >>> erased.erase("customer:17", "2010-04-01T00:00:00Z", b"a secret that only we keep").receipt["events"]
    ///     {'visit': 1}
    ///     >>> erased.record(visit)
    ///     Traceback (most recent call last):
    ///     tactful.errors.EventError: identifiers: the event is about a customer who was erased after it; only later events are taken in
    fn erase(&self, py: Python<'_>, identifier: &Bound<'_, PyAny>, at: &Bound<'_, PyAny>, key: &[u8]) -> PyResult<Erasure> {
        guard(|| rights::erase_from(py, &self.base, identifier, at, key, base::CustomerBase::erase))
    }

    /// Erases what was told under one identifier, and all links with it; the rest of its customer stays.
    ///
    /// Args and errors: as for :meth:`erase`.
    fn erase_identifier(
        &self,
        py: Python<'_>,
        identifier: &Bound<'_, PyAny>,
        at: &Bound<'_, PyAny>,
        key: &[u8],
    ) -> PyResult<Erasure> {
        guard(|| rights::erase_from(py, &self.base, identifier, at, key, base::CustomerBase::erase_identifier))
    }

    /// Gives a base out of bytes the key of its erasures, which the bytes do not hold. Without it, events up to the last erasure are
    /// refused with the code ``erasure_key``.
    ///
    /// Raises:
    ///     EventError: for a key that is too short or not theirs.
    #[pyo3(signature = (key, /))]
    fn unlock(&self, key: &[u8]) -> PyResult<()> {
        guard(|| write(&self.base)?.unlock(key).map_err(|error| errors::event(&error)))
    }

    /// Up to when events of an identifier are refused because its customer was erased; ``None`` when they are not.
    ///
    /// Raises:
    ///     EventError: for the identifier, or when the key is not known.
    #[pyo3(signature = (identifier, /))]
    fn erased_until(&self, identifier: &Bound<'_, PyAny>) -> PyResult<Option<DateTime<Utc>>> {
        guard(|| {
            let identifier = self::identifier(identifier, "identifier").map_err(Bad::event)?;
            let until = read(&self.base)?.erased_until(&identifier).map_err(|error| errors::event(&error))?;
            Ok(until.map(time::datetime))
        })
    }

    /// Answers a question about the playbook, or about the customer whom its ``identifier`` points to; somebody unknown is a customer
    /// without events. ``docs/queries.md`` lists the questions.
    ///
    /// Args and errors: as for :meth:`Engine.query`.
    ///
    /// Example:
    ///     >>> base.query({"query": "next_due", "identifier": "customer:17"})
    ///     {'customer': 'customer:17', 'next_due': None}
    #[pyo3(signature = (question, /))]
    fn query<'py>(&self, py: Python<'py>, question: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        guard(|| {
            let question = query::text(question)?;
            let answer = py.detach(|| read(&self.base)?.query(&question).map_err(|error| errors::query(&error)))?;
            query::loads(py, &answer)
        })
    }

    /// What another playbook would have brought, from choices that were recorded with their probability because the playbook explores: a dict
    /// with ``logged``, ``inverse_propensity``, ``self_normalised``, ``doubly_robust`` and ``gain`` (each ``value``, ``error``, ``low``,
    /// ``high``, per choice), ``effective_size``, ``warnings``, ``placements``, ``left_out`` and a ``text`` to read. See docs/decisions.md.
    ///
    /// Args:
    ///     after: the other playbook, compiled.
    ///     now: up to when is known what came of the choices.
    ///     rewards: what counts, by outcome: a number, or ``"value"`` for what the offer declares.
    ///     since: only choices after this instant.
    ///     within: how long after a choice an outcome counts, such as ``"30d"``; choices whose time is not over are left out.
    ///     placements: only choices for these.
    ///     clip: the largest weight of a choice.
    ///     confidence: how often the intervals are to hold the truth; 0.95 when not given.
    ///     approximate: whether choices of Thompson sampling count, whose probability is not exact.
    ///     facts: of every request to the other playbook that no receipt tells; ``None`` for one that is not known.
    ///     trends: for what the other playbook learned.
    ///     receipts: of the decisions, as :meth:`receipt` gives them under ``"receipt"``: what was asked is asked again, with its placements, facts
    ///         and columns.
    ///
    /// Raises:
    ///     QueryError: for no choices (``no_choices``), a receipt that is none or was altered (``wrong_receipt``), an unknown outcome or placement, or
    ///         a number out of range.
    #[pyo3(signature = (after, now, *, rewards, since=None, within=None, placements=None, clip=None, confidence=None, approximate=false, facts=None, trends=None, receipts=None))]
    #[expect(clippy::too_many_arguments, reason = "Python's are named")]
    fn off_policy<'py>(
        &self,
        py: Python<'py>,
        after: &Bound<'py, Engine>,
        now: &Bound<'py, PyAny>,
        rewards: &Bound<'py, PyAny>,
        since: Option<&Bound<'py, PyAny>>,
        within: Option<&str>,
        placements: Option<Vec<String>>,
        clip: Option<f64>,
        confidence: Option<f64>,
        approximate: bool,
        facts: Option<&Bound<'py, PyAny>>,
        trends: Option<&Bound<'py, PyAny>>,
        receipts: Option<Vec<Bound<'py, PyAny>>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        guard(|| {
            let asked =
                Asked { now, rewards, since, within, placements, clip, confidence, approximate, facts, trends, receipts };
            let options = asked.options()?;
            // A copy, because the question takes long and others may record meanwhile.
            let base = read(&self.base)?.clone();
            estimate::off_policy(py, &base, after, &options)
        })
    }

    /// Who gets what at an instant and who goes without: customers left after each gate, unmet needs, and the rates of groups with
    /// their intervals. A dict; with ``format`` ``"text"`` or ``"html"`` a page of it.
    ///
    /// Args:
    ///     now: the instant.
    ///     placements: all when not given.
    ///     facts: of every request.
    ///     strong: from which strength a need is strong; 0.5 when not given.
    ///     protected: attributes or segments that tell groups apart, by name, or as ``{"name": "age", "bands": [30, 50]}``.
    ///     k: the smallest group that is shown; 10 when not given.
    ///     confidence: how often the intervals are to hold the truth; 0.95 when not given.
    ///
    /// Raises:
    ///     QueryError: for an undeclared name or a number out of range.
    #[pyo3(signature = (now, *, placements=None, facts=None, strong=None, protected=None, k=None, confidence=None, format=None))]
    #[expect(clippy::too_many_arguments, reason = "Python's are named")]
    fn served<'py>(
        &self,
        py: Python<'py>,
        now: &Bound<'py, PyAny>,
        placements: Option<&Bound<'py, PyAny>>,
        facts: Option<&Bound<'py, PyAny>>,
        strong: Option<&Bound<'py, PyAny>>,
        protected: Option<&Bound<'py, PyAny>>,
        k: Option<&Bound<'py, PyAny>>,
        confidence: Option<&Bound<'py, PyAny>>,
        format: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let told = [("now", Some(now)), ("placements", placements), ("facts", facts), ("strong", strong)];
        let [a, b, c, d] = told;
        self.ask(
            py,
            "served",
            &[a, b, c, d, ("protected", protected), ("k", k), ("confidence", confidence), ("format", format)],
        )
    }

    /// The value of an attribute at an instant, and until when that holds.
    ///
    /// Args:
    ///     identifier: of whom; somebody unknown is a customer without events.
    ///     attribute: its name.
    ///     now: the instant; later events are not seen.
    ///     as_of: an earlier instant of which the value is asked.
    ///     known_at: up to when knowledge counts; ``now`` when not given.
    ///
    /// Raises:
    ///     QueryError: for an attribute or a namespace that the playbook does not declare.
    #[pyo3(signature = (identifier, attribute, now, *, as_of=None, known_at=None))]
    fn attribute<'py>(
        &self,
        py: Python<'py>,
        identifier: &Bound<'py, PyAny>,
        attribute: &Bound<'py, PyAny>,
        now: &Bound<'py, PyAny>,
        as_of: Option<&Bound<'py, PyAny>>,
        known_at: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let asked = [("attribute", Some(attribute)), ("now", Some(now)), ("as_of", as_of), ("known_at", known_at)];
        self.ask(py, "attribute", &[&[("identifier", Some(identifier))], &asked[..]].concat())
    }

    /// Counts what came next for its customers as of an instant, and keeps what that says for decisions and :meth:`next`, until it learns
    /// again. Rules that ask ``journey("…").next("…").within("14d")`` are unknown before, and at instants before ``at``.
    ///
    /// Args:
    ///     at: nothing later is seen.
    ///     since: only steps of then or later; from the beginning when ``None``.
    ///
    /// Raises:
    ///     QueryError: for a period that ends before it begins.
    ///
    /// Example:
    ///     >>> base.learn("2010-04-01T00:00:00Z")
    ///     <Forecast as of 2010-04-01T00:00:00Z>
    #[pyo3(signature = (at, *, since=None))]
    fn learn(&self, py: Python<'_>, at: &Bound<'_, PyAny>, since: Option<&Bound<'_, PyAny>>) -> PyResult<Forecast> {
        guard(|| {
            let options = next::options(at, since)?;
            let made = py.detach(|| next::learn(&mut *write(&self.base)?, &options))?;
            Ok(Forecast::new(made, read(&self.engine)?.clone_ref(py)))
        })
    }

    /// Takes what another population says about what comes next, in place of what it learned; ``None`` forgets it.
    #[pyo3(signature = (forecast, /))]
    fn foresee(&self, forecast: Option<&Bound<'_, Forecast>>) -> PyResult<()> {
        guard(|| {
            write(&self.base)?.foresee(forecast.map(|forecast| forecast.get().forecast.clone()));
            Ok(())
        })
    }

    /// What comes next for a customer, with what probability and when: of each journey the next ``event``, the ``next_stage`` and the next
    /// ``change`` (a segment entered or left). Told is what the base learned last; when it never did, its customers are counted anew.
    ///
    /// Args:
    ///     within: the times within which probabilities are told, such as ``["14d"]``; a day, a week and 30 days when ``None``.
    ///     top: how many of the likeliest are told; 10 when ``None``.
    ///     journey: only of this one.
    ///
    /// Raises:
    ///     QueryError: for a journey or a namespace that the playbook does not declare, or an instant before the population was counted.
    ///
    /// Example:
    ///     >>> base.next("customer:17", "2010-04-02T00:00:00Z", within=["14d"])["within"]
    ///     ['14d']
    #[pyo3(signature = (identifier, now, *, journey=None, within=None, top=None, known_at=None))]
    #[expect(clippy::too_many_arguments, reason = "each is a keyword of its own")]
    fn next<'py>(
        &self,
        py: Python<'py>,
        identifier: &Bound<'py, PyAny>,
        now: &Bound<'py, PyAny>,
        journey: Option<&Bound<'py, PyAny>>,
        within: Option<&Bound<'py, PyAny>>,
        top: Option<&Bound<'py, PyAny>>,
        known_at: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let asked = [("identifier", Some(identifier)), ("now", Some(now)), ("journey", journey)];
        self.ask(py, "next", &[&asked[..], &[("within", within), ("top", top), ("known_at", known_at)]].concat())
    }

    /// Where the value of an attribute comes from: the ``fact`` that counts, by what it was chosen (``resolve``), and the facts
    /// that ``lost``, each with the reason (``because``).
    ///
    /// Args and errors: as for :meth:`attribute`.
    #[pyo3(signature = (identifier, attribute, now, *, known_at=None))]
    fn why<'py>(
        &self,
        py: Python<'py>,
        identifier: &Bound<'py, PyAny>,
        attribute: &Bound<'py, PyAny>,
        now: &Bound<'py, PyAny>,
        known_at: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.ask(
            py,
            "why",
            &[("identifier", Some(identifier)), ("attribute", Some(attribute)), ("now", Some(now)), ("known_at", known_at)],
        )
    }

    /// The session that is open at an instant: since when and until when, pages, channel, device, campaign, cart.
    ///
    /// Args and errors: as for :meth:`attribute`.
    ///
    /// Example:
    ///     >>> base.session("customer:17", "2010-03-01T10:00:00Z")["open"]
    ///     False
    #[pyo3(signature = (identifier, now, *, known_at=None))]
    fn session<'py>(
        &self,
        py: Python<'py>,
        identifier: &Bound<'py, PyAny>,
        now: &Bound<'py, PyAny>,
        known_at: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.ask(py, "session", &[("identifier", Some(identifier)), ("now", Some(now)), ("known_at", known_at)])
    }

    /// Where a customer is at an instant, as far as that is known, and the stores by distance in metres.
    ///
    /// Args and errors: as for :meth:`attribute`.
    #[pyo3(signature = (identifier, now, *, known_at=None))]
    fn location<'py>(
        &self,
        py: Python<'py>,
        identifier: &Bound<'py, PyAny>,
        now: &Bound<'py, PyAny>,
        known_at: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.ask(py, "location", &[("identifier", Some(identifier)), ("now", Some(now)), ("known_at", known_at)])
    }

    /// The stages that a customer has seen by `now`, a :class:`JourneyWalk` for each journey and instance in which they ever were.
    ///
    /// Args:
    ///     identifier: of whom; nobody known has no walks.
    ///     now: the instant; later events are not seen.
    ///     journey, instance: only these.
    ///     known_at: up to when knowledge counts; ``now`` when not given.
    ///
    /// Raises:
    ///     QueryError: for a journey that is not declared.
    #[pyo3(signature = (identifier, now, *, journey=None, instance=None, known_at=None))]
    fn journeys(
        &self,
        py: Python<'_>,
        identifier: &Bound<'_, PyAny>,
        now: &Bound<'_, PyAny>,
        journey: Option<&str>,
        instance: Option<&str>,
        known_at: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Vec<JourneyWalk>> {
        let Some(customer) = self.copy_of(py, identifier)? else { return Ok(Vec::new()) };
        let engine = &read(&self.engine)?.get().engine.clone();
        journey::walks(py, engine, &customer, (now, known_at), (journey, instance))
    }

    /// Where a customer is in every journey, as events of the type ``journey_pinned``: recorded before the playbook is changed, they tell the
    /// next version from where it takes over, see ``migration``. Changes nothing.
    #[pyo3(signature = (identifier, now))]
    fn journey_pins(&self, py: Python<'_>, identifier: &Bound<'_, PyAny>, now: &Bound<'_, PyAny>) -> PyResult<Vec<Event>> {
        let Some(customer) = self.copy_of(py, identifier)? else { return Ok(Vec::new()) };
        let engine = &read(&self.engine)?.get().engine.clone();
        journey::pins(py, engine, &customer, now)
    }

    /// The map of a journey of all customers; see :class:`JourneyMap` for the options and :attr:`Engine.playbook` for the journeys.
    #[pyo3(signature = (journey, at, *, since=None, split=None, nps=None, csat=None, complaints=None, k=10))]
    #[expect(clippy::too_many_arguments, reason = "Python's are named")]
    fn journey_map(
        &self,
        py: Python<'_>,
        journey: String,
        at: &Bound<'_, PyAny>,
        since: Option<&Bound<'_, PyAny>>,
        split: Option<&str>,
        nps: Option<(String, String)>,
        csat: Option<(String, String)>,
        complaints: Option<Vec<String>>,
        k: u64,
    ) -> PyResult<JourneyMap> {
        guard(|| {
            let wanted = Wanted::new(journey, at, since, split, nps, csat, complaints, k)?;
            let engine = &read(&self.engine)?.get().engine.clone();
            JourneyMap::filled(py, engine, wanted, |options| {
                let base = read(&self.base)?;
                Ok(engine.journey_map(options).map(|mut map| {
                    base.iter().for_each(|customer| engine.observe_journey(&mut map, customer));
                    map
                }))
            })
        })
    }

    /// A copy of the customer that an identifier points to; ``None`` when nobody is known by it.
    ///
    /// Raises:
    ///     RequestError: for an identifier of another form.
    #[pyo3(signature = (identifier, /))]
    fn find(&self, py: Python<'_>, identifier: &Bound<'_, PyAny>) -> PyResult<Option<Customer>> {
        guard(|| {
            let identifier = self::identifier(identifier, "identifier").map_err(Bad::request)?;
            let found = py.detach(|| Ok::<_, PyErr>(read(&self.base)?.find(&identifier).cloned()))?;
            let engine = self.engine(py)?;
            Ok(found.map(|found| Customer::of(found, engine)))
        })
    }

    fn __contains__(&self, identifier: &Bound<'_, PyAny>) -> PyResult<bool> {
        guard(|| match self::identifier(identifier, "identifier") {
            Ok(identifier) => Ok(read(&self.base)?.find(&identifier).is_some()),
            Err(_) => Ok(false),
        })
    }

    fn __len__(&self) -> PyResult<usize> {
        Ok(read(&self.base)?.len())
    }

    fn __bool__(&self) -> bool {
        true
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        let ids = py
            .detach(|| Ok::<_, PyErr>(read(&self.base)?.iter().map(|customer| customer.id().to_owned()).collect::<Vec<_>>()))?;
        ids.into_pyobject(py)?.try_iter()
    }

    fn __repr__(&self) -> PyResult<String> {
        let count = self.__len__()?;
        Ok(format!("<CustomerBase of {count} {}>", if count == 1 { "customer" } else { "customers" }))
    }
}

impl CustomerBase {
    /// A copy of a customer, so that no lock is held while they are asked about.
    fn copy_of(&self, py: Python<'_>, identifier: &Bound<'_, PyAny>) -> PyResult<Option<tactful::Customer>> {
        let identifier = self::identifier(identifier, "identifier").map_err(Bad::request)?;
        py.detach(|| Ok(read(&self.base)?.find(&identifier).cloned()))
    }

    /// Asks a question that has a method of its own.
    fn ask<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        keys: &[(&str, Option<&Bound<'py, PyAny>>)],
    ) -> PyResult<Bound<'py, PyAny>> {
        let question = PyDict::new(py);
        question.set_item("query", name)?;
        for (key, value) in keys {
            if let Some(value) = value.filter(|value| !value.is_none()) {
                question.set_item(key, value)?;
            }
        }
        self.query(py, question.as_any())
    }
}

/// What a base answers to a question about an identifier.
pub(crate) fn answer(
    base: &base::CustomerBase,
    identifier: &Identifier,
    question: &Question,
    explain: bool,
) -> PyResult<Decision> {
    let Question { request, now, known_at } = question;
    let answer = if explain {
        base.explain(identifier, request, *now, *known_at)
    } else {
        base.decide(identifier, request, *now, *known_at)
    };
    answer.map(Decision::of).map_err(|error| errors::request(&error))
}
