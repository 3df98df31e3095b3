use crate::error::Place;
use crate::playbook::{AnswerEvent, DataKind, Labels, Origin, Playbook, Sensitivity};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a rule reads in the end: a declared fact, or a conclusion that was declassified or is labelled itself. The numbers are
/// those of the playbook's lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ground {
    Attribute(usize),
    Event(usize),
    /// Event type, property.
    Property(usize, usize),
    /// Event type, property, category.
    Category(usize, usize, usize),
    /// Any of the outcomes of decisions.
    Outcome,
    Segment(usize),
    Persona(usize),
    Journey(usize),
    Intent(usize),
    Need(usize),
    Preference(usize),
    Unusual(usize),
    /// That somebody is related to somebody else.
    Relation(usize),
    /// The identifiers of a namespace with labels, as an experiment hashes them.
    Namespace(usize),
}

/// What may be done with something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Label {
    /// `None` for any.
    pub(crate) purposes: Option<BTreeSet<Arc<str>>>,
    pub(crate) sensitivity: Sensitivity,
    /// Whether it must not be shown to the customer: inferred or special, and not allowed to be revealed.
    pub(crate) hidden: bool,
}

impl Label {
    /// Nothing is known that would restrict it.
    pub(crate) const FREE: Label = Label { purposes: None, sensitivity: Sensitivity::Public, hidden: false };

    /// Both together: the purposes that both have, the greater care.
    pub(crate) fn join(&mut self, other: &Label) {
        self.purposes = match (self.purposes.take(), &other.purposes) {
            (Some(own), Some(others)) => Some(own.intersection(others).cloned().collect()),
            (own, others) => own.or_else(|| others.clone()),
        };
        self.sensitivity = self.sensitivity.max(other.sensitivity);
        self.hidden |= other.hidden;
    }

    pub(crate) fn usable(&self, purpose: &str) -> bool {
        self.purposes.as_ref().is_none_or(|purposes| purposes.iter().any(|allowed| **allowed == *purpose))
    }

    /// As declared; personal when nothing is said.
    pub(crate) fn declared(labels: &Labels) -> Self {
        let sensitivity = labels.sensitivity.unwrap_or(Sensitivity::Personal);
        Label {
            purposes: labels.purposes.as_ref().map(|names| names.iter().map(|name| name.text.clone()).collect()),
            sensitivity,
            hidden: sensitivity == Sensitivity::Special && !labels.reveal,
        }
    }
}

impl Ground {
    /// What is declared of it. For a conclusion only what it adds itself.
    pub(crate) fn label(self, playbook: &Playbook) -> Label {
        match self {
            Ground::Attribute(number) => playbook.attributes.get(number).map_or(Label::FREE, |attribute| {
                let mut label = Label {
                    purposes: attribute.purposes.as_ref().map(|names| names.iter().map(|name| name.text.clone()).collect()),
                    sensitivity: attribute.sensitivity,
                    hidden: !attribute.reveal
                        && (attribute.sensitivity == Sensitivity::Special || attribute.origin == Origin::Inferred),
                };
                // An answer is as careful a matter as the event that tells it.
                for AnswerEvent { event, property, .. } in &attribute.answers {
                    label.join(&Ground::Event(*event).label(playbook));
                    label.join(&Ground::Property(*event, *property).label(playbook));
                }
                label
            }),
            Ground::Outcome => Label { sensitivity: Sensitivity::Personal, ..Label::FREE },
            Ground::Persona(number) => playbook.personas.get(number).map_or(Label::FREE, |persona| {
                // A posterior is inferred, whatever from.
                Label { hidden: !persona.labels.reveal, ..Label::declared(&persona.labels) }
            }),
            // What is concluded about somebody is inferred, whatever from.
            Ground::Intent(_) | Ground::Need(_) | Ground::Preference(_) | Ground::Unusual(_) => {
                self.labels(playbook).map_or(Label::FREE, |labels| Label { hidden: !labels.reveal, ..Label::declared(labels) })
            }
            _ => self.labels(playbook).map_or(Label::FREE, Label::declared),
        }
    }

    pub(crate) fn labels(self, playbook: &Playbook) -> Option<&Labels> {
        match self {
            Ground::Attribute(_) | Ground::Outcome => None,
            Ground::Event(event) => playbook.events.get(event).map(|event| &event.labels),
            Ground::Property(event, property) => playbook.events.get(event)?.properties.get(property).map(|p| &p.labels),
            Ground::Category(event, property, category) => {
                playbook.events.get(event)?.properties.get(property)?.categories.get(category).map(|c| &c.labels)
            }
            Ground::Segment(number) => playbook.segments.get(number).map(|segment| &segment.labels),
            Ground::Persona(number) => playbook.personas.get(number).map(|persona| &persona.labels),
            Ground::Journey(number) => playbook.journeys.get(number).map(|journey| &journey.labels),
            Ground::Intent(number) => playbook.intents.get(number).map(|intent| &intent.labels),
            Ground::Need(number) => playbook.needs.get(number).map(|need| &need.labels),
            Ground::Preference(number) => playbook.preferences.get(number).map(|preference| &preference.labels),
            Ground::Unusual(number) => playbook.unusual.get(number).map(|unusual| &unusual.labels),
            Ground::Relation(number) => playbook.relations.get(number).map(|relation| &relation.labels),
            Ground::Namespace(number) => playbook.namespaces.get(number).map(|namespace| &namespace.labels),
        }
    }

    /// Whether it is drawn from other facts, and has no kind of data of its own but those of what it is drawn from. A need has.
    pub(crate) fn is_concluded(self) -> bool {
        match self {
            Ground::Segment(_)
            | Ground::Persona(_)
            | Ground::Journey(_)
            | Ground::Intent(_)
            | Ground::Preference(_)
            | Ground::Unusual(_) => true,
            Ground::Attribute(_)
            | Ground::Need(_)
            | Ground::Event(_)
            | Ground::Property(..)
            | Ground::Category(..)
            | Ground::Outcome
            | Ground::Relation(_)
            | Ground::Namespace(_) => false,
        }
    }

    /// How it is called in a diagnostic.
    pub(crate) fn name(self, playbook: &Playbook) -> String {
        let event = |number: usize| playbook.events.get(number).map_or("?", |event| &event.name.text);
        let property = |number: usize, column: usize| {
            let property = playbook.events.get(number).and_then(|event| event.properties.get(column));
            format!("{}.{}", event(number), property.map_or("?", |property| &property.name.text))
        };
        match self {
            Ground::Attribute(number) => {
                format!("`customer.{}`", playbook.attributes.get(number).map_or("?", |attribute| &attribute.name.text))
            }
            Ground::Event(number) => format!("events of type `{}`", event(number)),
            Ground::Property(number, column) => format!("the property `{}`", property(number, column)),
            Ground::Category(number, column, category) => {
                let declared = playbook.events.get(number).and_then(|event| event.properties.get(column));
                let category = declared.and_then(|property| property.categories.get(category));
                format!("the category `{}` of `{}`", category.map_or("?", |c| &c.value.text), property(number, column))
            }
            Ground::Outcome => "the outcomes of decisions".to_owned(),
            Ground::Segment(number) => format!("segment `{}`", playbook.segments.get(number).map_or("?", |s| &s.name.text)),
            Ground::Persona(number) => format!("persona `{}`", playbook.personas.get(number).map_or("?", |p| &p.name.text)),
            Ground::Journey(number) => format!("journey `{}`", playbook.journeys.get(number).map_or("?", |j| &j.name.text)),
            Ground::Intent(number) => format!("intent `{}`", playbook.intents.get(number).map_or("?", |i| &i.name.text)),
            Ground::Need(number) => format!("need `{}`", playbook.needs.get(number).map_or("?", |n| &n.name.text)),
            Ground::Preference(number) => {
                format!("preference `{}`", playbook.preferences.get(number).map_or("?", |p| &p.name.text))
            }
            Ground::Relation(number) => {
                format!("relation `{}`", playbook.relations.get(number).map_or("?", |relation| &relation.name.text))
            }
            Ground::Namespace(number) => {
                format!("identifiers of `{}`", playbook.namespaces.get(number).map_or("?", |namespace| &namespace.name.text))
            }
            Ground::Unusual(number) => format!("unusual `{}`", playbook.unusual.get(number).map_or("?", |u| &u.name.text)),
        }
    }

    /// Where it is declared.
    pub(crate) fn place(self, playbook: &Playbook) -> Option<Place> {
        let name = match self {
            Ground::Attribute(number) => playbook.attributes.get(number).map(|attribute| &attribute.name),
            Ground::Event(number) => playbook.events.get(number).map(|event| &event.name),
            Ground::Property(event, column) => playbook.events.get(event)?.properties.get(column).map(|p| &p.name),
            Ground::Category(event, column, category) => {
                playbook.events.get(event)?.properties.get(column)?.categories.get(category).map(|c| &c.value)
            }
            Ground::Outcome => None,
            Ground::Segment(number) => playbook.segments.get(number).map(|segment| &segment.name),
            Ground::Persona(number) => playbook.personas.get(number).map(|persona| &persona.name),
            Ground::Journey(number) => playbook.journeys.get(number).map(|journey| &journey.name),
            Ground::Intent(number) => playbook.intents.get(number).map(|intent| &intent.name),
            Ground::Need(number) => playbook.needs.get(number).map(|need| &need.name),
            Ground::Preference(number) => playbook.preferences.get(number).map(|preference| &preference.name),
            Ground::Unusual(number) => playbook.unusual.get(number).map(|unusual| &unusual.name),
            Ground::Relation(number) => playbook.relations.get(number).map(|relation| &relation.name),
            Ground::Namespace(number) => playbook.namespaces.get(number).map(|namespace| &namespace.name),
        };
        name.map(|name| name.place.clone())
    }

    /// Which kind of data it is; `None` when that is not declared. What is drawn from others has no kind of its own.
    pub(crate) fn kind(self, playbook: &Playbook) -> Option<DataKind> {
        match self {
            Ground::Attribute(number) => playbook.attributes.get(number)?.kind,
            Ground::Event(event) | Ground::Property(event, _) | Ground::Category(event, ..) => playbook.events.get(event)?.kind,
            Ground::Outcome => Some(DataKind::Response),
            Ground::Relation(_) => Some(DataKind::Engagement),
            Ground::Need(_) => Some(DataKind::Need),
            Ground::Segment(_)
            | Ground::Persona(_)
            | Ground::Journey(_)
            | Ground::Intent(_)
            | Ground::Preference(_)
            | Ground::Unusual(_)
            | Ground::Namespace(_) => None,
        }
    }
}
