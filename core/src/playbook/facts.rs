//! What is known about customers: purposes, attributes, event types, facts of the request.

use super::assurance::Assurance;
use super::labels::DataKind;
use super::model::{Attribute, Criterion, EventType, Name, Origin, Property, RequestFact, Sensitivity};
use super::read::{At, Loader};
use super::reserved::{EVENT_FIELDS, OUTCOMES, RESERVED_EVENTS};
use super::source::cut;
use super::types;
use crate::value::Type;

/// How many event types, and how many different names of properties, an engine can number.
const MOST_EVENTS: usize = 10_000;

impl Loader<'_> {
    pub(super) fn attributes(&mut self, root: &At<'_>) -> Vec<Attribute> {
        let Some(section) = root.get("attributes") else { return Vec::new() };
        let named = self.identifiers(&section, "an attribute");
        named.into_iter().filter_map(|(name, at)| self.attribute(name, &at)).collect()
    }

    fn attribute(&mut self, name: Name, at: &At<'_>) -> Option<Attribute> {
        let ty = self.type_within(at);
        let labels = self.labels(at);
        let ttl = self.duration_of(at, "ttl");
        // What has no type is a mistake already; rules that read it are checked all the same.
        let ty = ty.unwrap_or(Type::Dyn);
        let default = at.get("default").and_then(|default| match types::value(default.node, &ty) {
            Ok(value) => Some(value),
            Err(wrong) => {
                self.error("bad_default", &default, wrong.message, wrong.hint);
                None
            }
        });
        Some(Attribute {
            answers: Vec::new(),
            name,
            title: at.text("title"),
            ty,
            default,
            origin: at.text("origin").and_then(|word| Origin::named(&word)).unwrap_or(Origin::Stated),
            sensitivity: labels.sensitivity.unwrap_or(Sensitivity::Personal),
            purposes: labels.purposes,
            reveal: labels.reveal,
            kind: at.text("kind").and_then(|word| DataKind::named(&word)),
            assurance: at.assurance(),
            ttl,
            retired: at.flag("retired"),
            sources: self.sources_of(at).into_iter().map(|name| name.text).collect(),
            resolve: self.criteria(at),
        })
    }

    /// Who tells facts, the most trusted first.
    pub(super) fn sources_of(&mut self, at: &At<'_>) -> Vec<Name> {
        let mut names: Vec<Name> = Vec::new();
        for at in at.get("sources").iter().flat_map(At::one_or_more) {
            let Some(text) = at.node.text().cloned() else { continue };
            if names.iter().any(|name| name.text == text) {
                self.error("duplicate_name", &at, format!("source `{}` stands twice in one list", cut(&text)), None);
                continue;
            }
            names.push(Name { text, place: self.findings.place(at.node.spot) });
        }
        names
    }

    fn criteria(&mut self, at: &At<'_>) -> Vec<Criterion> {
        let mut criteria: Vec<Criterion> = Vec::new();
        for at in at.get("resolve").iter().flat_map(At::one_or_more) {
            let Some(criterion) = at.node.text().and_then(|word| Criterion::named(word)) else { continue };
            if criteria.contains(&criterion) {
                self.error("duplicate_name", &at, format!("`{}` stands twice in one list", criterion.name()), None);
            } else if let Some(last @ (Criterion::Latest | Criterion::Earliest)) = criteria.last() {
                let message = format!("`{}` comes after `{}`, which leaves nothing open", criterion.name(), last.name());
                self.error("never_reached", &at, message, Some(format!("let `{}` stand last", last.name())));
            } else {
                criteria.push(criterion);
            }
        }
        criteria
    }

    pub(super) fn events(&mut self, root: &At<'_>) -> Vec<EventType> {
        let Some(section) = root.get("events") else { return Vec::new() };
        let named = self.named(&section, "an event type");
        if named.len() > MOST_EVENTS {
            self.error_at_key("too_many", &section, format!("more than {MOST_EVENTS} event types"), None);
        }
        let mut events = Vec::new();
        for (name, at) in named {
            if OUTCOMES.contains(&&*name.text) || RESERVED_EVENTS.contains(&&*name.text) {
                let message = format!("event type `{}` belongs to the engine and cannot be declared", name.text);
                let hint = "it is known without a declaration; take another name for events of your own".to_owned();
                self.error_at_key("reserved_name", &at, message, Some(hint));
                continue;
            }
            let properties = match at.get("properties") {
                Some(inner) => self.properties(&inner),
                None => self.properties(&at),
            };
            let long = at.get("properties").is_some();
            let retention = if long { self.duration_of(&at, "retention") } else { None };
            events.push(EventType {
                name,
                title: at.text("title").filter(|_| long),
                properties,
                labels: self.labels_beside(&at, "properties"),
                kind: at.text("kind").filter(|_| long).and_then(|word| DataKind::named(&word)),
                assurance: if long { at.assurance() } else { Assurance::Anonymous },
                retention,
            });
        }
        let different: std::collections::BTreeSet<_> =
            events.iter().flat_map(|e| &e.properties).map(|p| &p.name.text).collect();
        if different.len() > MOST_EVENTS {
            self.error_at_key("too_many", &section, format!("more than {MOST_EVENTS} different names of properties"), None);
        }
        events
    }

    fn properties(&mut self, at: &At<'_>) -> Vec<Property> {
        let mut properties = Vec::new();
        for (name, at) in self.identifiers(at, "a property") {
            if EVENT_FIELDS.contains(&&*name.text) {
                let message = format!("property `{}` has the name of something that every event has", name.text);
                let hint = format!("take another name; every event has: {}", EVENT_FIELDS.join(", "));
                self.error_at_key("reserved_name", &at, message, Some(hint));
                continue;
            }
            let ty = self.type_within(&at).unwrap_or(Type::Dyn);
            let (labels, categories) = (self.labels(&at), self.categories(&at));
            properties.push(Property { name, ty, required: at.flag("required"), labels, categories });
        }
        properties
    }

    pub(super) fn request(&mut self, root: &At<'_>) -> Vec<RequestFact> {
        let Some(section) = root.get("request") else { return Vec::new() };
        let named = self.identifiers(&section, "a request fact");
        let read = |(name, at): (Name, At<'_>)| {
            let ty = self.type_within(&at).unwrap_or(Type::Dyn);
            RequestFact { name, ty, retired: at.flag("retired") }
        };
        named.into_iter().map(read).collect()
    }
}
