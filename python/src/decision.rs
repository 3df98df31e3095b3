use crate::errors::{Bad, internal};
use crate::event::{Event, identifier};
use crate::guard::guard;
use crate::query::loads;
use crate::{html, time};
use chrono::{DateTime, Utc};
use pyo3::prelude::*;
use pyo3::types::PyAny;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use tactful::decide::{self, Answer};

/// The answer to a question: for each placement ranked offers with their messages, or a fallback, or silence.
#[pyclass(frozen, module = "tactful")]
pub(crate) struct Decision {
    decision: Arc<decide::Decision>,
}

impl Decision {
    pub(crate) fn of(decision: decide::Decision) -> Self {
        Decision { decision: Arc::new(decision) }
    }
}

#[pymethods]
impl Decision {
    /// Follows from the playbook, the customer, the instants and the request: 32 hexadecimal digits.
    #[getter]
    fn id(&self) -> &str {
        &self.decision.id
    }

    /// The customer's id.
    #[getter]
    fn customer(&self) -> &str {
        &self.decision.customer
    }

    /// The instant of the question, in UTC.
    #[getter]
    fn now(&self) -> DateTime<Utc> {
        time::datetime(self.decision.now)
    }

    /// Up to when knowledge counted, in UTC.
    #[getter]
    fn known_at(&self) -> DateTime<Utc> {
        time::datetime(self.decision.known_at)
    }

    /// The digest of the playbook: 64 hexadecimal digits.
    #[getter]
    fn playbook(&self) -> &str {
        &self.decision.playbook
    }

    /// An answer for each placement, in the order asked.
    #[getter]
    fn placements(&self) -> Vec<PlacementAnswer> {
        self.decision.placements.iter().map(|answer| PlacementAnswer { answer: answer.clone() }).collect()
    }

    /// The variant of each experiment that had a say, or ``"holdout"``, by name. Recording the outcome ``decided`` or ``shown``
    /// records these too: the customer keeps them from then on.
    #[getter]
    fn assigned(&self) -> BTreeMap<String, String> {
        let assigned = self.decision.assigned.iter();
        assigned.map(|assigned| (assigned.experiment.to_string(), assigned.variant.to_string())).collect()
    }

    /// Why, for each candidate; ``None`` unless it was asked for with ``explain``.
    #[getter]
    fn trace(&self) -> Option<Trace> {
        self.decision.trace.is_some().then(|| Trace { decision: self.decision.clone() })
    }

    /// The events to record when something came of the decision, one per chosen offer: ``decided`` at once, ``shown`` when it was
    /// seen, ``clicked`` or ``rejected`` when that happened. Their ids follow from the decision: telling one twice counts once.
    ///
    /// Args:
    ///     outcome: what came of it.
    ///     time: when: an aware ``datetime`` or RFC 3339 text.
    ///     identifier: whose events they are; by default the decision's customer.
    ///
    /// Raises:
    ///     EventError: for a time without zone or an identifier of another form.
    ///
    /// Example:
    ///     >>> decision = engine.decide(customer, "home", "2010-03-02T10:00:00Z")
    ///     >>> for event in decision.outcome("shown", "2010-03-02T10:00:01Z"):
    ///     ...     print(event.type, event.properties["offer"], engine.record(customer, event).arrival)
    ///     shown thanks new
    #[pyo3(signature = (outcome, time, identifier=None))]
    fn outcome(&self, outcome: &str, time: &Bound<'_, PyAny>, identifier: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<Event>> {
        guard(|| {
            let time = time::instant(time, "time").map_err(Bad::event)?;
            let whose = match identifier {
                Some(whose) => self::identifier(whose, "identifier"),
                None => tactful::Identifier::parse(&self.decision.customer)
                    .map_err(|error| crate::errors::identifier("identifier", error)),
            };
            let events = self.decision.outcome(outcome, time, &whose.map_err(Bad::event)?);
            Ok(events.into_iter().map(Event::of).collect())
        })
    }

    /// The decision as canonical JSON: the same bytes for the same decision in every language.
    fn to_json(&self) -> String {
        self.decision.to_json()
    }

    /// The same as plain data: dicts, lists, text and numbers.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        loads(py, &self.decision.to_json())
    }

    fn __repr__(&self) -> String {
        let answers: Vec<String> =
            self.decision.placements.iter().map(|answer| format!("{}: {}", answer.placement, shown(answer))).collect();
        format!("<Decision at {}: {}>", self.decision.now, answers.join("; "))
    }

    fn _repr_html_(&self) -> String {
        let mut rows: Vec<[String; 5]> = Vec::new();
        for answer in &self.decision.placements {
            let row = |what: &str, score: String, message: &str| {
                [answer.placement.to_string(), what.to_owned(), score, message.to_owned(), answer.reason.to_string()]
            };
            match &answer.answer {
                Answer::Offers { offers } => {
                    rows.extend(offers.iter().map(|ranked| row(&ranked.offer, ranked.score.to_string(), &ranked.message)));
                }
                Answer::Fallback { message } => rows.push(row("(fallback)", String::new(), message)),
                Answer::Silence => rows.push(row("(silence)", String::new(), "")),
            }
        }
        let caption = format!("{} at {}", self.decision.customer, self.decision.now);
        let mut page = html::table(&caption, &["placement", "offer", "score", "message", "reason"], &rows);
        if let Some(trace) = self.trace() {
            page += &trace._repr_html_();
        }
        page
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Decision>().is_ok_and(|other| other.get().decision == self.decision)
    }

    fn __hash__(&self) -> u64 {
        use std::hash::{Hash, Hasher};
        let mut hash = std::collections::hash_map::DefaultHasher::new();
        self.decision.id.hash(&mut hash);
        hash.finish()
    }
}

/// What a placement gets.
#[pyclass(frozen, module = "tactful")]
pub(crate) struct PlacementAnswer {
    answer: decide::PlacementAnswer,
}

#[pymethods]
impl PlacementAnswer {
    /// The placement.
    #[getter]
    fn placement(&self) -> &str {
        &self.answer.placement
    }

    /// Its channel.
    #[getter]
    fn channel(&self) -> &str {
        &self.answer.channel
    }

    /// ``offers``, ``fallback`` or ``silence``.
    #[getter]
    fn kind(&self) -> &'static str {
        self.answer.kind()
    }

    /// The chosen offers, best first; empty for a fallback or silence.
    #[getter]
    fn offers(&self) -> Vec<Ranked> {
        self.answer.offers().iter().map(|ranked| Ranked { ranked: ranked.clone() }).collect()
    }

    /// The placement's message for everybody, when that is shown.
    #[getter]
    fn fallback(&self) -> Option<&str> {
        match &self.answer.answer {
            Answer::Fallback { message } => Some(message),
            Answer::Offers { .. } | Answer::Silence => None,
        }
    }

    /// In short: how many candidates there were, and which gates stopped how many.
    #[getter]
    fn reason(&self) -> &str {
        &self.answer.reason
    }

    /// The offers that wait for the end of quiet hours, each with the first instant at which it may be sent, in UTC; ask again then.
    #[getter]
    fn held(&self) -> Vec<(&str, DateTime<Utc>)> {
        self.answer.held.iter().map(|held| (&*held.offer, time::datetime(held.until))).collect()
    }

    fn __repr__(&self) -> String {
        format!("<PlacementAnswer {}: {}>", self.answer.placement, shown(&self.answer))
    }
}

/// An offer that was chosen.
#[pyclass(frozen, module = "tactful")]
pub(crate) struct Ranked {
    ranked: decide::Ranked,
}

#[pymethods]
impl Ranked {
    /// The offer.
    #[getter]
    fn offer(&self) -> &str {
        &self.ranked.offer
    }

    /// Propensity x context x value x lever.
    #[getter]
    fn score(&self) -> f64 {
        self.ranked.score
    }

    /// How probable it was that the slot went to this offer, after what the slots before it took; ``None`` unless offers are explored.
    #[getter]
    fn probability(&self) -> Option<f64> {
        self.ranked.probability
    }

    /// The rendered message.
    #[getter]
    fn message(&self) -> &str {
        &self.ranked.message
    }

    /// What goes with the message on single lines, such as ``subject``, by name.
    #[getter]
    fn headers(&self) -> BTreeMap<String, String> {
        self.ranked.headers.iter().map(|(name, header)| (name.to_string(), header.clone())).collect()
    }

    /// On a channel of format ``sms`` the ``encoding``, ``units`` and ``segments`` of the message.
    #[getter]
    fn sms<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.ranked.sms.as_ref().map(|length| plain(py, length)).transpose()
    }

    /// On a channel of format ``script`` why the offer is made, for whoever speaks to the customer.
    #[getter]
    fn why(&self) -> Vec<String> {
        self.ranked.why.clone()
    }

    /// The items that the offer carries, best first: dicts with ``item``, ``name``, ``price``, ``how`` and ``because``.
    #[getter]
    fn items<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        plain(py, &self.ranked.items)
    }

    /// When it is to be sent, in UTC, where quiet hours move it; ``None`` for at once.
    #[getter]
    fn at(&self) -> Option<DateTime<Utc>> {
        self.ranked.at.map(time::datetime)
    }

    /// Its tags, which outcomes keep.
    #[getter]
    fn tags(&self) -> Vec<&str> {
        self.ranked.tags.iter().map(|tag| &**tag).collect()
    }

    fn __repr__(&self) -> String {
        format!("<Ranked {} {}>", self.ranked.offer, self.ranked.score)
    }
}

/// Plain data as Python has it.
fn plain<'py>(py: Python<'py>, data: &impl Serialize) -> PyResult<Bound<'py, PyAny>> {
    let text = serde_json::to_string(data).map_err(|error| internal(&error.to_string()))?;
    loads(py, &text)
}

/// Why a decision came out as it did: what became of each candidate. ``str()`` is for people.
#[pyclass(frozen, module = "tactful")]
pub(crate) struct Trace {
    decision: Arc<decide::Decision>,
}

impl Trace {
    fn trace(&self) -> PyResult<&decide::Trace> {
        self.decision.trace.as_ref().ok_or_else(|| internal("a trace without a trace"))
    }
}

#[pymethods]
impl Trace {
    /// For people: segments, personas, journeys, and for each candidate the first gate that stopped it, with reasons.
    #[getter]
    fn text(&self) -> PyResult<String> {
        Ok(self.trace()?.to_string())
    }

    /// As plain data: ``segments``, ``personas``, ``journeys`` and ``candidates`` with ``placement``, ``offer``, ``gate``,
    /// ``unknown``, ``reasons`` and, where there are any, ``data`` (the kinds of data that it reads) and ``score``.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        guard(|| loads(py, &json(self.trace()?)?))
    }

    fn __str__(&self) -> PyResult<String> {
        self.text()
    }

    fn __repr__(&self) -> PyResult<String> {
        Ok(format!("<Trace of {} candidates>", self.trace()?.candidates.len()))
    }

    fn _repr_html_(&self) -> String {
        let candidates = self.decision.trace.iter().flat_map(|trace| &trace.candidates);
        let rows: Vec<[String; 6]> = candidates
            .map(|candidate| {
                let score = candidate.score.map_or_else(String::new, |score| score.total.to_string());
                let reasons = candidate.reasons.join("; ");
                [
                    candidate.placement.to_string(),
                    candidate.offer.to_string(),
                    candidate.gate.name().to_owned(),
                    score,
                    candidate.data.join(", "),
                    reasons,
                ]
            })
            .collect();
        html::table("candidates", &["placement", "offer", "gate", "score", "data", "reasons"], &rows)
    }
}

/// An answer in a few words.
fn shown(answer: &decide::PlacementAnswer) -> String {
    match &answer.answer {
        Answer::Offers { offers } => offers.iter().map(|ranked| &*ranked.offer).collect::<Vec<_>>().join(", "),
        Answer::Fallback { .. } => "(fallback)".to_owned(),
        Answer::Silence => "(silence)".to_owned(),
    }
}

fn json(data: &impl Serialize) -> PyResult<String> {
    serde_json::to_string(data).map_err(|error| internal(&error.to_string()))
}
