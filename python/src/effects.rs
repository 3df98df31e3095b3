use crate::event::quoted;
use crate::time;
use chrono::{DateTime, Utc};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyIterator, PyTuple};
use tactful::customer::Arrival;
use tactful::engine::{self, Effected};

/// What recording an event, or letting time pass, caused: a sequence of :class:`Effect`, what was withdrawn first.
#[pyclass(frozen, module = "tactful")]
pub(crate) struct Effects {
    arrival: Option<&'static str>,
    effects: Py<PyTuple>,
}

impl Effects {
    pub(crate) fn of(py: Python<'_>, found: engine::Effects) -> PyResult<Self> {
        let arrival = found.arrival.map(|arrival| match arrival {
            Arrival::New => "new",
            Arrival::Duplicate => "duplicate",
            Arrival::ConflictKeptOld => "conflict_kept_old",
            Arrival::ConflictKeptNew { .. } => "conflict_kept_new",
        });
        let effects: PyResult<Vec<Py<Effect>>> =
            found.effects.into_iter().map(|effect| Py::new(py, Effect { effect })).collect();
        Ok(Effects { arrival, effects: PyTuple::new(py, effects?)?.unbind() })
    }
}

#[pymethods]
impl Effects {
    /// What became of the event: ``new``, ``duplicate``, ``conflict_kept_old`` or ``conflict_kept_new`` (its id was told before
    /// with other content); ``None`` when only time passed.
    #[getter]
    fn arrival(&self) -> Option<&'static str> {
        self.arrival
    }

    fn __len__(&self, py: Python<'_>) -> usize {
        self.effects.bind(py).len()
    }

    fn __getitem__<'py>(&self, py: Python<'py>, index: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.effects.bind(py).as_any().get_item(index)
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        self.effects.bind(py).try_iter()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let effects: Vec<String> =
            self.effects.bind(py).iter().map(|effect| Ok(effect.repr()?.to_string())).collect::<PyResult<_>>()?;
        let arrival = match self.arrival {
            Some(arrival) => quoted(py, arrival)?,
            None => "None".to_owned(),
        };
        Ok(format!("Effects(arrival={arrival}, [{}])", effects.join(", ")))
    }
}

/// One thing that changed.
#[pyclass(frozen, module = "tactful")]
pub(crate) struct Effect {
    effect: engine::Effect,
}

#[pymethods]
impl Effect {
    /// Follows from customer, rule, instant and cause: the same effect has the same id, however often it is told.
    #[getter]
    fn id(&self) -> &str {
        &self.effect.id
    }

    /// ``happened``, or ``corrected`` (a late event shows that it had happened) or ``withdrawn`` (that it had not).
    #[getter]
    fn kind(&self) -> &'static str {
        self.effect.kind.name()
    }

    /// ``segment_entered``, ``segment_left``, ``stage_changed``, ``journey_full``, ``journey_migrated``, ``context_changed``,
    /// ``reaction_due``, ``response_overdue``; of links ``merged``, ``parted`` or ``link_refused``; of relations ``related``, ``unrelated``
    /// or ``relation_refused``.
    #[getter]
    fn effect(&self) -> &'static str {
        self.effect.what.name()
    }

    /// When it happened, in UTC, however late it became known.
    #[getter]
    fn at(&self) -> DateTime<Utc> {
        time::datetime(self.effect.at)
    }

    /// The segment; ``None`` for a change of stage.
    #[getter]
    fn segment(&self) -> Option<&str> {
        match &self.effect.what {
            Effected::SegmentEntered { segment } | Effected::SegmentLeft { segment } => Some(segment),
            _ => None,
        }
    }

    /// The journey; ``None`` for a segment.
    #[getter]
    fn journey(&self) -> Option<&str> {
        match &self.effect.what {
            Effected::StageChanged { journey, .. }
            | Effected::JourneyFull { journey, .. }
            | Effected::JourneyMigrated { journey, .. } => Some(journey),
            _ => None,
        }
    }

    /// From which stage; ``None`` from outside of the journey, and for a segment.
    #[getter]
    #[expect(clippy::wrong_self_convention, reason = "the name in Python")]
    fn from_stage(&self) -> Option<&str> {
        match &self.effect.what {
            Effected::StageChanged { from, .. } | Effected::JourneyMigrated { from, .. } => from.as_deref(),
            _ => None,
        }
    }

    /// To which stage; ``None`` to outside of the journey, and for a segment.
    #[getter]
    fn to_stage(&self) -> Option<&str> {
        match &self.effect.what {
            Effected::StageChanged { to, .. } | Effected::JourneyMigrated { to, .. } => to.as_deref(),
            _ => None,
        }
    }

    /// The key of the instance, of a journey with a key; of a reaction or feedback what tells it apart; ``None`` for everything else.
    #[getter]
    fn instance(&self) -> Option<&str> {
        match &self.effect.what {
            Effected::StageChanged { instance, .. } | Effected::JourneyMigrated { instance, .. } => instance.as_deref(),
            Effected::ReactionDue { instance, .. } | Effected::ResponseOverdue { instance, .. } => instance.as_deref(),
            Effected::JourneyFull { instance, .. } => instance.as_deref(),
            _ => None,
        }
    }

    /// How a place of another version of a journey was taken over: ``mapped``, ``kept``, ``restarted`` or ``derived``; the cap that left no
    /// room for a journey; ``None`` for everything else.
    #[getter]
    fn how(&self) -> Option<&str> {
        match &self.effect.what {
            Effected::JourneyMigrated { how, .. } => Some(how),
            Effected::JourneyFull { cap, .. } => cap.as_deref(),
            _ => None,
        }
    }

    /// The watch whose fact changed; ``None`` for other effects.
    #[getter]
    fn watch(&self) -> Option<&str> {
        match &self.effect.what {
            Effected::ContextChanged { watch, .. } => Some(watch),
            _ => None,
        }
    }

    /// What a watched fact was, as text; ``None`` for other effects.
    #[getter]
    #[expect(clippy::wrong_self_convention, reason = "the name in Python")]
    fn from_value(&self) -> Option<&str> {
        match &self.effect.what {
            Effected::ContextChanged { from, .. } => Some(from),
            _ => None,
        }
    }

    /// What a watched fact is, as text; ``None`` for other effects.
    #[getter]
    fn to_value(&self) -> Option<&str> {
        match &self.effect.what {
            Effected::ContextChanged { to, .. } => Some(to),
            _ => None,
        }
    }

    /// The smaller of the two identifiers of a link, or of a relation that of the member or in the first role; ``None`` for a segment
    /// or a journey.
    #[getter]
    fn identifier(&self) -> Option<&str> {
        match &self.effect.what {
            Effected::Merged { identifier, .. }
            | Effected::Parted { identifier, .. }
            | Effected::LinkRefused { identifier, .. }
            | Effected::Related { identifier, .. }
            | Effected::Unrelated { identifier, .. }
            | Effected::RelationRefused { identifier, .. } => Some(identifier),
            _ => None,
        }
    }

    /// The larger of the two identifiers of a link, or of a relation that of the group or in the second role; ``None`` for a segment or a journey, and when only one is concerned.
    #[getter]
    fn other(&self) -> Option<&str> {
        match &self.effect.what {
            Effected::Merged { other, .. }
            | Effected::Parted { other, .. }
            | Effected::Related { other, .. }
            | Effected::Unrelated { other, .. }
            | Effected::RelationRefused { other, .. } => Some(other),
            Effected::LinkRefused { other, .. } => other.as_deref(),
            _ => None,
        }
    }

    /// Why a link was refused: ``shared``, ``guard``, ``size``, ``unique``, ``limit``, ``device``, ``confidence``,
    /// ``not_linked`` or ``never``; of a reaction what triggered it, in words; ``None`` for everything else.
    #[getter]
    fn reason(&self) -> Option<&str> {
        match &self.effect.what {
            Effected::ReactionDue { reason, .. } => Some(reason),
            Effected::LinkRefused { reason, .. } => Some(reason),
            _ => None,
        }
    }

    /// The reaction that proposes a decision; ``None`` for other effects.
    #[getter]
    fn reaction(&self) -> Option<&str> {
        match &self.effect.what {
            Effected::ReactionDue { reaction, .. } => Some(reaction),
            _ => None,
        }
    }

    /// The feedback that was not answered in time; ``None`` for other effects.
    #[getter]
    fn feedback(&self) -> Option<&str> {
        match &self.effect.what {
            Effected::ResponseOverdue { feedback, .. } => Some(feedback),
            _ => None,
        }
    }

    /// When a reaction was triggered, or feedback given, in UTC; ``None`` for other effects.
    #[getter]
    fn since(&self) -> Option<DateTime<Utc>> {
        match &self.effect.what {
            Effected::ReactionDue { since, .. } | Effected::ResponseOverdue { since, .. } => Some(time::datetime(*since)),
            _ => None,
        }
    }

    /// Where a reaction proposes a decision; ``None`` for other effects.
    #[getter]
    fn placement(&self) -> Option<&str> {
        match &self.effect.what {
            Effected::ReactionDue { placement, .. } => placement.as_deref(),
            _ => None,
        }
    }

    /// The channel of that placement; ``None`` for other effects.
    #[getter]
    fn channel(&self) -> Option<&str> {
        match &self.effect.what {
            Effected::ReactionDue { channel, .. } => channel.as_deref(),
            _ => None,
        }
    }

    /// From when on what a reaction proposes does not stand any more, in UTC; ``None`` for never, and for other effects.
    #[getter]
    fn not_after(&self) -> Option<DateTime<Utc>> {
        match &self.effect.what {
            Effected::ReactionDue { not_after, .. } => not_after.map(time::datetime),
            _ => None,
        }
    }

    /// Which reaction comes first of several, the larger; 0 for other effects.
    #[getter]
    fn priority(&self) -> i64 {
        match &self.effect.what {
            Effected::ReactionDue { priority, .. } => *priority,
            _ => 0,
        }
    }

    /// The relation of ``related``, ``unrelated`` and ``relation_refused``; ``None`` for everything else.
    #[getter]
    fn relation(&self) -> Option<&str> {
        match &self.effect.what {
            Effected::Related { relation, .. }
            | Effected::Unrelated { relation, .. }
            | Effected::RelationRefused { relation, .. } => Some(relation),
            _ => None,
        }
    }

    /// The role of the member of a household or account; ``None`` without one, and for everything else.
    #[getter]
    fn role(&self) -> Option<&str> {
        match &self.effect.what {
            Effected::Related { role, .. } | Effected::Unrelated { role, .. } | Effected::RelationRefused { role, .. } => {
                role.as_deref()
            }
            _ => None,
        }
    }

    /// Which limit refuses a relation: ``at_most``, ``role`` or ``groups``; ``None`` for everything else.
    #[getter]
    fn limit(&self) -> Option<&'static str> {
        match &self.effect.what {
            Effected::RelationRefused { limit, .. } => Some(limit),
            _ => None,
        }
    }

    /// Whom it is about, when an event joined or parted customers; ``None`` for the customer to whom the event belongs.
    #[getter]
    fn customer(&self) -> Option<&str> {
        self.effect.customer.as_deref()
    }

    /// The id of the first event of that instant; ``None`` when only time passed.
    #[getter]
    fn cause(&self) -> Option<&str> {
        self.effect.cause.as_deref()
    }

    /// As plain data, named as in the vectors: ``id``, ``kind``, ``at``, ``effect``, its names, ``cause``.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let told = PyDict::new(py);
        told.set_item("id", self.id())?;
        told.set_item("kind", self.kind())?;
        told.set_item("at", self.effect.at.to_string())?;
        told.set_item("effect", self.effect())?;
        match &self.effect.what {
            Effected::SegmentEntered { segment } | Effected::SegmentLeft { segment } => told.set_item("segment", &**segment)?,
            Effected::StageChanged { journey, from, to, instance } => {
                told.set_item("journey", &**journey)?;
                told.set_item("from", from.as_deref())?;
                told.set_item("to", to.as_deref())?;
                if let Some(instance) = instance {
                    told.set_item("instance", &**instance)?;
                }
            }
            Effected::JourneyFull { journey, instance, cap } => {
                told.set_item("journey", &**journey)?;
                for (name, value) in [("instance", instance), ("cap", cap)] {
                    if let Some(value) = value {
                        told.set_item(name, &**value)?;
                    }
                }
            }
            Effected::JourneyMigrated { journey, instance, from, to, how } => {
                told.set_item("journey", &**journey)?;
                if let Some(instance) = instance {
                    told.set_item("instance", &**instance)?;
                }
                told.set_item("from", from.as_deref())?;
                told.set_item("to", to.as_deref())?;
                told.set_item("how", *how)?;
            }
            Effected::ContextChanged { watch, from, to } => {
                told.set_item("watch", &**watch)?;
                told.set_item("from", &**from)?;
                told.set_item("to", &**to)?;
            }
            Effected::ReactionDue { reaction, reason, since, instance, placement, channel, not_after, priority } => {
                told.set_item("reaction", &**reaction)?;
                told.set_item("reason", &**reason)?;
                told.set_item("since", since.to_string())?;
                let texts = [("instance", instance), ("placement", placement), ("channel", channel)];
                for (key, text) in texts.into_iter().filter_map(|(key, text)| Some((key, text.as_ref()?))) {
                    told.set_item(key, &**text)?;
                }
                if let Some(not_after) = not_after {
                    told.set_item("not_after", not_after.to_string())?;
                }
                told.set_item("priority", priority)?;
            }
            Effected::ResponseOverdue { feedback, since, instance } => {
                told.set_item("feedback", &**feedback)?;
                told.set_item("since", since.to_string())?;
                if let Some(instance) = instance {
                    told.set_item("instance", &**instance)?;
                }
            }
            Effected::Merged { identifier, other } | Effected::Parted { identifier, other } => {
                told.set_item("identifier", &**identifier)?;
                told.set_item("other", &**other)?;
            }
            Effected::LinkRefused { identifier, other, reason } => {
                told.set_item("identifier", &**identifier)?;
                told.set_item("other", other.as_deref())?;
                told.set_item("reason", *reason)?;
            }
            Effected::Related { relation, role, identifier, other }
            | Effected::Unrelated { relation, role, identifier, other }
            | Effected::RelationRefused { relation, role, identifier, other, .. } => {
                told.set_item("relation", &**relation)?;
                told.set_item("role", role.as_deref())?;
                told.set_item("identifier", &**identifier)?;
                told.set_item("other", &**other)?;
                if let Some(limit) = self.limit() {
                    told.set_item("limit", limit)?;
                }
            }
        }
        told.set_item("cause", self.cause())?;
        if let Some(customer) = self.customer() {
            told.set_item("customer", customer)?;
        }
        Ok(told)
    }

    fn __repr__(&self) -> String {
        let what = match &self.effect.what {
            Effected::SegmentEntered { segment } => format!("segment {segment} entered"),
            Effected::SegmentLeft { segment } => format!("segment {segment} left"),
            Effected::JourneyFull { journey, .. } => format!("journey {journey}: full"),
            Effected::JourneyMigrated { journey, from, to, how, .. } => {
                let name = |stage: &Option<std::sync::Arc<str>>| stage.as_deref().unwrap_or("outside").to_owned();
                format!("journey {journey}: {} {how} as {}", name(from), name(to))
            }
            Effected::StageChanged { journey, from, to, .. } => {
                let name = |stage: &Option<std::sync::Arc<str>>| stage.as_deref().unwrap_or("outside").to_owned();
                format!("journey {journey}: {} to {}", name(from), name(to))
            }
            // What was watched may be personal; it is not shown where nobody asked for it.
            Effected::ContextChanged { watch, .. } => format!("watch {watch} changed"),
            Effected::ReactionDue { reaction, .. } => format!("reaction {reaction} due"),
            Effected::ResponseOverdue { feedback, .. } => format!("response to {feedback} overdue"),
            // Identifiers are personal and stay out of what a log may show.
            Effected::Merged { .. } => "two customers merged".to_owned(),
            Effected::Parted { .. } => "two customers parted".to_owned(),
            Effected::LinkRefused { reason, .. } => format!("link refused: {reason}"),
            Effected::Related { relation, .. } => format!("related: {relation}"),
            Effected::Unrelated { relation, .. } => format!("related no more: {relation}"),
            Effected::RelationRefused { relation, limit, .. } => format!("relation refused: {relation}, {limit}"),
        };
        format!("<Effect {} {what} at {}>", self.kind(), self.effect.at)
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Effect>().is_ok_and(|other| other.get().effect == self.effect)
    }

    fn __hash__(&self) -> u64 {
        use std::hash::{Hash, Hasher};
        let mut hash = std::collections::hash_map::DefaultHasher::new();
        (&self.effect.id, self.effect.at).hash(&mut hash);
        hash.finish()
    }
}
