use crate::context::{BesideFact, NeedRule, PersonaRule, Rule, Rules, Source};
use crate::decide::Offers;
use crate::expr::{EventKind, PropertyId, uses};
use crate::journey::Model;
use crate::playbook::{ContactRule, Playbook};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a playbook declares and no rule reads: data that need not be collected for it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[schemars(rename = "unread")]
pub struct Unread {
    /// Attributes.
    pub attributes: Vec<Arc<str>>,
    /// Event types that no rule reads and no journey waits for.
    pub events: Vec<Arc<str>>,
    /// Properties that no rule reads, as `event.property`; not those of the event types above.
    pub properties: Vec<String>,
    /// Facts of the request.
    pub request: Vec<Arc<str>>,
    /// Computed values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub computed: Vec<Arc<str>>,
}

impl Unread {
    /// Whether everything is read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Unread::default()
    }
}

/// What no rule reads: none of a segment, conclusion, watch, journey, reaction, offer or guard, nor the contact policy.
pub(in crate::engine) fn unread(playbook: &Playbook, model: &Model, offers: &Offers) -> Unread {
    let Model { rules, journeys, reactions, .. } = model;
    let mut read = Read::default();
    let families = rules.personas.iter().chain(&rules.intents).flat_map(PersonaRule::conditions);
    let evidence = families.chain(rules.needs.iter().flat_map(NeedRule::conditions)).chain(&rules.watches);
    let stages = journeys.rules.iter().flat_map(|journey| journey.conditions());
    let fallbacks = offers.placements.iter().filter_map(|placement| placement.fallback.as_ref()).flat_map(|own| own.rules());
    let chosen = offers.offers.iter().flat_map(|offer| offer.rules()).chain(offers.guards()).chain(fallbacks);
    let reacting = reactions.rules.iter().flat_map(|reaction| reaction.rules());
    for rule in rules.segments.iter().chain(evidence).chain(stages).chain(chosen).chain(reacting) {
        read.add(rule, rules);
    }
    for journey in &journeys.rules {
        read.events.extend(journey.kinds().map(|kind| usize::from(kind.0)));
        if let Some(key) = &journey.key {
            read.look_at(&key.kinds, Some(key.property), rules);
        }
    }
    for reaction in &reactions.rules {
        let kinds: Vec<EventKind> = reaction.kinds().collect();
        read.look_at(&kinds, reaction.same(), rules);
        read.attributes.extend(reaction.told());
    }
    for (kinds, property) in rules.beside() {
        read.look_at(kinds, property, rules);
    }
    read.attributes.extend((0..rules.preferences.len()).flat_map(|preference| rules.beside_preference(preference)));
    if let (true, Some(zone)) = (read.zone || playbook.contact.iter().any(ContactRule::reads_zone), rules.customer_zone) {
        read.attributes.insert(zone);
    }
    let answers = read.attributes.iter().filter_map(|attribute| playbook.attributes.get(*attribute));
    for answer in answers.flat_map(|attribute| &attribute.answers) {
        let Some(event) = playbook.events.get(answer.event) else { continue };
        read.events.insert(answer.event);
        read.properties.extend(event.properties.get(answer.property).map(|own| (answer.event, own.name.text.clone())));
    }
    let unless = |read: &BTreeSet<usize>, names: Vec<&Arc<str>>| -> Vec<Arc<str>> {
        names.into_iter().enumerate().filter(|(number, _)| !read.contains(number)).map(|(_, name)| name.clone()).collect()
    };
    let mut properties = Vec::new();
    for (number, event) in playbook.events.iter().enumerate().filter(|(number, _)| read.events.contains(number)) {
        for property in event.properties.iter().filter(|p| !read.properties.contains(&(number, p.name.text.clone()))) {
            properties.push(format!("{}.{}", event.name.text, property.name.text));
        }
    }
    Unread {
        attributes: unless(&read.attributes, playbook.attributes.iter().map(|attribute| &attribute.name.text).collect()),
        events: unless(&read.events, playbook.events.iter().map(|event| &event.name.text).collect()),
        properties,
        request: unless(&read.request, playbook.request.iter().map(|fact| &fact.name.text).collect()),
        computed: {
            let names = playbook.computed.iter().map(|computed| &computed.name.text);
            names.filter(|name| !read.computed.contains(*name)).cloned().collect()
        },
    }
}

/// What some rule reads, by number.
#[derive(Default)]
struct Read {
    attributes: BTreeSet<usize>,
    request: BTreeSet<usize>,
    events: BTreeSet<usize>,
    properties: BTreeSet<(usize, Arc<str>)>,
    computed: BTreeSet<Arc<str>>,
    zone: bool,
}

impl Read {
    fn look_at(&mut self, kinds: &[EventKind], property: Option<PropertyId>, rules: &Rules) {
        let name = property.and_then(|property| rules.sources.schema.property_name(property));
        for kind in kinds {
            self.events.insert(usize::from(kind.0));
            self.properties.extend(name.map(|name| (usize::from(kind.0), name.clone())));
        }
    }

    fn add(&mut self, rule: &Rule, rules: &Rules) {
        let reads = rule.reads();
        self.zone |= reads.zone;
        self.computed.extend(reads.computed.iter().cloned());
        self.events.extend(reads.events.iter().map(|kind| usize::from(kind.0)));
        for fact in &reads.facts {
            match rules.sources.source(*fact) {
                Some(Source::Attribute(number) | Source::Beside(_, BesideFact::Attribute(number))) => {
                    self.attributes.insert(number);
                }
                Some(Source::Request(number)) => _ = self.request.insert(number),
                Some(Source::Session(_) | Source::Location(_)) => {
                    self.events.extend(rules.sessions.kinds().iter().map(|kind| usize::from(kind.0)));
                }
                _ => {}
            }
        }
        for (kind, property) in uses(rule.checked()).into_keys() {
            let name = rules.sources.schema.property_name(property).cloned();
            self.properties.extend(name.map(|name| (usize::from(kind.0), name)));
        }
    }
}
