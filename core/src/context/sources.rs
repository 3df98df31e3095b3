use super::beside::{self, BesideFact};
use super::location::{LOCATION_FACTS, location_type};
use super::planned::{PlanRule, plan_of};
use super::session::{SessionFact, SessionRule};
use super::standing::{self, JourneyFact};
use crate::commitment::{CommitmentFact, CommitmentRules};
use crate::customer::{Kept, Reserved};
use crate::error::Diagnostic;
use crate::expr::{Detail, EventKind, FactId, Schema, TimeClass, declare_computed};
use crate::playbook::{LIKELY, NeedKind, Playbook};
use crate::relation::RelationRules;
use crate::value::{Type, Value};
use smallvec::SmallVec;
use std::sync::Arc;

/// Where a declared fact comes from. The number is the place in the playbook's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// `customer.<name>`.
    Attribute(usize),
    /// `request.<name>`.
    Request(usize),
    /// `experiment("<name>")`, the variant.
    Experiment(usize),
    /// `drawn("<name>")`, the variant of an experiment by the hash alone.
    Drawn(usize),
    /// `segment("<name>")`.
    Segment(usize),
    /// `persona("<name>")`.
    Persona(usize),
    /// `persona.likely`.
    LikelyPersona,
    /// `intent("<name>")`.
    Intent(usize),
    /// `intent.likely`.
    LikelyIntent,
    /// `need("<name>")`, the strength.
    Need(usize),
    /// `need("<name>").time`.
    NeedTime(usize),
    /// `need("<name>").kind`.
    NeedKind(usize),
    /// `preference("<name>")` and what is asked of it.
    Preference(usize, Asked),
    /// `unusual("<name>")`.
    Unusual(usize),
    /// `journey("<name>").stage`.
    Stage(usize),
    /// `journey("<name>").since`.
    Since(usize),
    /// What else is asked of a journey.
    Journey(usize, JourneyFact),
    /// `session.<name>`.
    Session(SessionFact),
    /// `location.<name>`.
    Location(Detail),
    /// `store("<name>").open`.
    StoreOpen(usize),
    /// `commitments.<name>`.
    Commitment(CommitmentFact),
    /// `account.<name>` and its like: the number of the subject, and what is asked.
    Beside(usize, BesideFact),
}

/// What is asked of a preference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// `.liked`: the values that are liked, the strongest first.
    Liked,
    /// `.disliked`: the values that are disliked, the strongest first.
    Disliked,
    /// `.top`: the value that is liked most.
    Top,
    /// `.observations`: how many events told of it.
    Observations,
}

/// All names that the rules of a playbook may read, and where each comes from.
#[derive(Debug, Clone)]
pub(crate) struct Sources {
    /// The names and types.
    pub(crate) schema: Schema,
    /// By the number of the fact.
    pub(crate) facts: Vec<Source>,
    /// The reserved event types.
    pub(crate) reserved: Reserved,
    /// How many event types the playbook declares itself; they come first.
    pub(crate) declared_events: usize,
    /// The first segment fact; the others follow.
    pub(crate) segments: u32,
    /// How many facts are kept once read; sessions and places, which come after them, keep what they need themselves.
    pub(crate) kept: usize,
    /// The attribute that holds the customer's own zone.
    pub(crate) zone: Option<usize>,
    /// By number of the attribute: the event types that tell it, its own first.
    pub(crate) tellers: Vec<SmallVec<[EventKind; 1]>>,
    /// The relations, and what is read through them.
    pub(crate) relations: RelationRules,
    /// Which offers are commitments once they are accepted; `None` where none is.
    pub(crate) commitments: Option<CommitmentRules>,
    /// The kind of each need.
    pub(crate) need_kinds: Vec<NeedKind>,
    /// The plan of each journey.
    pub(crate) plans: Vec<PlanRule>,
    /// What is wrong with computed values.
    pub(crate) mistakes: Vec<Diagnostic>,
}

impl Sources {
    /// The names that a playbook declares.
    #[must_use]
    pub(crate) fn of(playbook: &Playbook) -> Self {
        let mut schema = Schema::new();
        schema.set_time_zone(playbook.time_zone);
        schema.set_first_day(playbook.week_begins);
        for event in &playbook.events {
            let properties = event.properties.iter().map(|property| (property.name.text.clone(), property.ty.clone()));
            let kind = schema.declare_event(&event.name.text, properties);
            for property in event.properties.iter().filter(|property| property.required) {
                schema.require(kind, &property.name.text);
            }
            if let Some(retention) = event.retention {
                schema.keep_for(kind, retention);
            }
        }
        let declared_events = playbook.events.len();
        let attributes = playbook.attributes.iter().map(|attribute| (attribute.name.text.clone(), attribute.ty.clone()));
        let purposes = playbook.purposes.iter().map(|purpose| purpose.name.text.clone()).collect();
        let channels = playbook.channels.iter().map(|channel| channel.name.text.clone()).collect();
        let relations = RelationRules::of(playbook);
        let names = relations.relations.iter().map(|relation| relation.name.clone()).collect();
        let by_guardian = relations.guardian().is_some();
        let tagged = playbook.offers.iter().any(|offer| !offer.tags.is_empty())
            || playbook.groups.iter().any(|group| !group.tags.is_empty());
        let terms = !playbook.budgets.is_empty()
            || playbook
                .offers
                .iter()
                .any(|offer| !offer.terms.is_empty() || offer.cost.is_some() || offer.commitment.is_some());
        let items = playbook.offers.iter().any(|offer| offer.items.is_some());
        let reserved = Reserved::declare(
            &mut schema,
            purposes,
            channels,
            attributes,
            names,
            by_guardian,
            Kept { terms, tagged, explores: playbook.explores(), items },
        );
        let zone = playbook
            .customer_zone
            .as_ref()
            .and_then(|name| playbook.attributes.iter().position(|attribute| attribute.name.text == name.text));
        let tellers = playbook.attributes.iter().zip(&reserved.attributes).map(|(attribute, own)| {
            let mut kinds: SmallVec<[EventKind; 1]> = SmallVec::from_elem(*own, 1);
            let answers = attribute.answers.iter().filter_map(|answer| u16::try_from(answer.event).ok().map(EventKind));
            for kind in answers {
                if !kinds.contains(&kind) {
                    kinds.push(kind);
                }
            }
            kinds
        });
        let tellers = tellers.collect();
        let session_facts: Vec<(SessionFact, Type)> = SessionRule::of(playbook, &schema).facts().collect();
        schema.set_trends(playbook.trend_decls().into());
        schema.set_stores(playbook.stores.iter().map(|store| (store.name.text.clone(), store.point)).collect());
        let mut facts = Vec::new();
        let mut declare = |path: String, ty: Type, class: TimeClass, source: Source| {
            facts.push(source);
            schema.declare_fact(&path, ty, class)
        };
        for (place, attribute) in playbook.attributes.iter().enumerate() {
            declare(
                format!("customer.{}", attribute.name.text),
                attribute.ty.clone(),
                TimeClass::Step,
                Source::Attribute(place),
            );
        }
        for (place, fact) in playbook.request.iter().enumerate() {
            declare(format!("request.{}", fact.name.text), fact.ty.clone(), TimeClass::Constant, Source::Request(place));
        }
        let mut segments = FactId(u32::try_from(playbook.attributes.len() + playbook.request.len()).unwrap_or(u32::MAX));
        for (place, segment) in playbook.segments.iter().enumerate() {
            let id = declare(format!("segment.{}", segment.name.text), Type::Bool, TimeClass::Step, Source::Segment(place));
            if place == 0 {
                segments = id;
            }
        }
        for (place, persona) in playbook.personas.iter().enumerate() {
            declare(format!("persona.{}", persona.name.text), Type::Double, TimeClass::Step, Source::Persona(place));
        }
        for (family, types, likely) in
            [("persona", &playbook.personas, Source::LikelyPersona), ("intent", &playbook.intents, Source::LikelyIntent)]
        {
            if !types.is_empty() {
                let names: Arc<[Arc<str>]> = types.iter().map(|one| one.name.text.clone()).collect();
                declare(format!("{family}.{LIKELY}"), Type::Enum(names), TimeClass::Step, likely);
            }
        }
        for (place, intent) in playbook.intents.iter().enumerate() {
            declare(format!("intent.{}", intent.name.text), Type::Double, TimeClass::Step, Source::Intent(place));
        }
        let kinds: Arc<[Arc<str>]> = [NeedKind::Pragmatic, NeedKind::TrendDriven].map(|kind| Arc::from(kind.name())).into();
        for (place, need) in playbook.needs.iter().enumerate() {
            let path = format!("need.{}", need.name.text);
            declare(format!("{path}.time"), Type::Timestamp, TimeClass::Step, Source::NeedTime(place));
            declare(format!("{path}.kind"), Type::Enum(kinds.clone()), TimeClass::Constant, Source::NeedKind(place));
            declare(path, Type::Double, TimeClass::Step, Source::Need(place));
        }
        for (place, preference) in playbook.preferences.iter().enumerate() {
            let texts = || Type::List(Box::new(Type::String));
            for (field, ty, asked) in [
                ("liked", texts(), Asked::Liked),
                ("disliked", texts(), Asked::Disliked),
                ("top", Type::String, Asked::Top),
                ("observations", Type::Int, Asked::Observations),
            ] {
                let path = format!("preference.{}.{field}", preference.name.text);
                declare(path, ty, TimeClass::Step, Source::Preference(place, asked));
            }
        }
        for (place, unusual) in playbook.unusual.iter().enumerate() {
            declare(format!("unusual.{}", unusual.name.text), Type::Bool, TimeClass::Step, Source::Unusual(place));
        }
        for (place, journey) in playbook.journeys.iter().enumerate() {
            let stages: Arc<[Arc<str>]> = journey.stages.iter().map(|stage| stage.name.text.clone()).collect();
            declare(format!("journey.{}.stage", journey.name.text), Type::Enum(stages), TimeClass::Step, Source::Stage(place));
            declare(format!("journey.{}.since", journey.name.text), Type::Timestamp, TimeClass::Step, Source::Since(place));
        }
        for (place, experiment) in playbook.experiments.iter().enumerate() {
            let arms: Arc<[Arc<str>]> = experiment.arms().map(|(name, _)| name).collect();
            let path = format!("experiment.{}", experiment.name.text);
            declare(path, Type::Enum(arms.clone()), TimeClass::Constant, Source::Experiment(place));
            if playbook.draws(experiment) {
                declare(format!("drawn.{}", experiment.name.text), Type::Enum(arms), TimeClass::Step, Source::Drawn(place));
            }
        }
        let kept = facts.len();
        let mut declare = |path: String, ty: Type, class: TimeClass, source: Source| {
            facts.push(source);
            schema.declare_fact(&path, ty, class)
        };
        for (place, journey) in playbook.journeys.iter().enumerate() {
            let stages: Arc<[Arc<str>]> = journey.stages.iter().map(|stage| stage.name.text.clone()).collect();
            for (name, ty, asked) in standing::facts(&stages, journey.key.is_some(), !journey.plan.is_empty()) {
                let path = format!("journey.{}.{name}", journey.name.text);
                declare(path, ty, TimeClass::Step, Source::Journey(place, asked));
            }
        }
        for (fact, ty) in session_facts {
            declare(format!("session.{}", fact.name()), ty, SessionRule::CLASS, Source::Session(fact));
        }
        for detail in LOCATION_FACTS {
            declare(format!("location.{}", detail.name()), location_type(detail), TimeClass::Step, Source::Location(detail));
        }
        for (place, store) in playbook.stores.iter().enumerate().filter(|(_, store)| store.opening_hours.is_some()) {
            declare(format!("store.{}.open", store.name.text), Type::Bool, TimeClass::Step, Source::StoreOpen(place));
        }
        let commitments = CommitmentRules::of(playbook, &reserved);
        for asked in CommitmentFact::ALL.into_iter().filter(|_| commitments.is_some()) {
            let ty = if asked == CommitmentFact::Due { Type::Timestamp } else { Type::Int };
            declare(format!("commitments.{}", asked.name()), ty, TimeClass::Step, Source::Commitment(asked));
        }
        beside::declare(playbook, &mut schema, &mut facts);
        let retired = playbook.attributes.iter().map(|attribute| attribute.retired && attribute.default.is_none());
        for (place, _) in
            retired.chain(playbook.request.iter().map(|fact| fact.retired)).enumerate().filter(|(_, retired)| *retired)
        {
            schema.retire(FactId(u32::try_from(place).unwrap_or(u32::MAX)));
        }
        let mistakes = declare_computed(&playbook.computed, &mut schema);
        Sources {
            mistakes,
            schema,
            facts,
            reserved,
            declared_events,
            segments: segments.0,
            kept,
            zone,
            tellers,
            relations,
            commitments,
            need_kinds: playbook.needs.iter().map(|need| need.kind).collect(),
            plans: playbook.journeys.iter().map(|journey| plan_of(journey, playbook)).collect(),
        }
    }

    /// The event types that tell an attribute: its own, and those of answers to questions about it.
    #[must_use]
    pub(crate) fn tellers(&self, attribute: usize) -> &[EventKind] {
        self.tellers.get(attribute).map_or(&[], |kinds| kinds)
    }

    /// Where a fact comes from.
    #[must_use]
    pub(crate) fn source(&self, fact: FactId) -> Option<Source> {
        self.facts.get(fact.0 as usize).copied()
    }

    /// The segments that decide what a fact of a plan is; none for any other fact.
    pub(crate) fn planned_by(&self, fact: FactId) -> impl Iterator<Item = usize> {
        let plan = match self.source(fact) {
            Some(Source::Journey(journey, JourneyFact::Planned(_))) => self.plans.get(journey),
            _ => None,
        };
        plan.into_iter().flatten().filter_map(|(segment, _)| *segment)
    }

    /// The path of a fact, as it is shown.
    #[must_use]
    pub(crate) fn path(&self, fact: FactId) -> Arc<str> {
        self.schema.fact_decl(fact).map_or_else(|| Arc::from("?"), |decl| decl.path.clone())
    }

    /// The value of a fact that the playbook fixes.
    #[must_use]
    pub(crate) fn constant(&self, fact: FactId) -> Option<Value> {
        match self.source(fact) {
            Some(Source::NeedKind(place)) => self.need_kinds.get(place).map(|kind| Value::text(kind.name())),
            _ => None,
        }
    }

    /// The fact of a segment.
    #[must_use]
    pub(crate) fn segment_fact(&self, segment: usize) -> FactId {
        FactId(self.segments.saturating_add(u32::try_from(segment).unwrap_or(u32::MAX)))
    }
}
