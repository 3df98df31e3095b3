use crate::context::Source;
use crate::customer::{Customer, Event};
use crate::decide::Request;
use crate::engine::Engine;
use crate::expr::{Beyond, FactId};
use crate::playbook::{Assurance, Playbook};
use crate::receipt::Setting;
use crate::value::{Timestamp, Value};
use schemars::JsonSchema;
use serde::Serialize;

/// Something that would be otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "change")]
pub(crate) struct Change {
    /// `attribute`, `request`, `consent`, `assurance`, `time`, `inventory`, `contact` or `aggregate`.
    pub(crate) kind: &'static str,
    /// Which: a fact as an expression writes it, a purpose, a contact rule, a limit.
    pub(crate) what: String,
    /// What it would have to be; null when it is enough that it did not hold it back.
    #[schemars(with = "Option<serde_json::Value>")]
    pub(crate) to: Option<Value>,
    /// Whether just that, or just beyond: `exactly`, `above`, `below`, `known`.
    #[schemars(with = "String")]
    pub(crate) aim: Beyond,
}

/// A change that can be made.
#[derive(Debug, Clone)]
pub(super) struct Trial {
    pub(super) change: Change,
    pub(super) act: Act,
}

/// How a change is made.
#[derive(Debug, Clone)]
pub(super) enum Act {
    /// An attribute, by number, is told.
    Attribute(usize, Value),
    /// A fact of the request is given.
    Request(String, Value),
    /// Consent for a purpose is given.
    Consent(String),
    /// The host is sure who is there.
    Assurance,
    /// It is asked at another instant.
    Time(Timestamp),
    /// Nothing is taken of what is limited for all.
    Unlimited,
    /// A contact rule, by number, is left out.
    Contact(usize),
    /// A condition of an offer is left out: 0 to 2.
    Gate(usize, usize),
}

impl Trial {
    /// A fact that can be told; `None` for those that follow from others.
    pub(super) fn of_fact(engine: &Engine, fact: FactId, said: crate::expr::Change, value: Value) -> Option<Self> {
        let (kind, act) = match engine.model().rules.sources.source(fact)? {
            Source::Attribute(place) => ("attribute", Act::Attribute(place, value)),
            Source::Request(place) => ("request", Act::Request(engine.offers().request.get(place)?.to_string(), value)),
            _ => return None,
        };
        let to = (said.aim != Beyond::Known).then_some(said.value);
        Some(Trial { change: Change { kind, what: said.fact, to, aim: said.aim }, act })
    }

    /// Whether it is one that is known, with a number that is farther away: no smaller change.
    pub(super) fn is_further(&self, known: &Change) -> bool {
        let own = &self.change;
        let same = known.kind == own.kind && known.what == own.what && known.aim == own.aim;
        same && !matches!(known.to, Some(Value::String(_) | Value::Bool(_)))
    }

    /// Whether two cannot be made together.
    pub(super) fn excludes(&self, other: &Trial) -> bool {
        self.change.kind == other.change.kind && self.change.what == other.change.what
    }
}

/// What is asked with some changes made.
pub(super) struct Changed {
    pub(super) customer: Customer,
    pub(super) request: Request,
    pub(super) instant: (Timestamp, Timestamp),
    pub(super) unlimited: bool,
    contact: Vec<usize>,
    gates: Vec<(usize, usize)>,
}

impl Changed {
    /// `None` for a change that the playbook refuses.
    pub(super) fn new(setting: &Setting<'_>, acts: &[&Act]) -> Option<Self> {
        let mut changed = Changed {
            customer: setting.customer.clone(),
            request: setting.request.clone(),
            instant: (setting.now, setting.known_at),
            unlimited: false,
            contact: Vec::new(),
            gates: Vec::new(),
        };
        let identifier = setting.customer.strands().first()?.identifier().clone();
        let playbook = setting.engine.playbook();
        for (number, act) in acts.iter().enumerate() {
            let told = |event: Event| event.with_id(&format!("what if {number}"));
            let mut record = |event: Event| {
                let known_at = setting.known_at.min(setting.now);
                setting.engine.record(&mut changed.customer, &told(event), Some(known_at)).is_ok()
            };
            let time = setting.now.min(setting.known_at);
            match act {
                Act::Attribute(place, value) => {
                    let name = &*playbook.attributes.get(*place)?.name.text;
                    let event = Event::new("attribute_set", time, identifier.clone()).with("attribute", name);
                    if !record(event.with("value", value.clone())) {
                        return None;
                    }
                }
                Act::Consent(purpose) => {
                    let event = Event::new("consent_given", time, identifier.clone()).with("purpose", &**purpose);
                    if !record(event.with("explicit", true)) {
                        return None;
                    }
                }
                Act::Request(name, value) => {
                    changed.request.facts.retain(|(own, _)| own != name);
                    changed.request.facts.push((name.clone(), value.clone()));
                }
                Act::Assurance => changed.request.assurance = Assurance::Authenticated,
                Act::Time(at) => changed.instant = (*at, setting.known_at.max(*at)),
                Act::Unlimited => changed.unlimited = true,
                Act::Contact(rule) => changed.contact.push(*rule),
                Act::Gate(offer, gate) => changed.gates.push((*offer, *gate)),
            }
        }
        Some(changed)
    }

    /// The playbook with what is left out of it; `None` when all of it stays.
    pub(super) fn engine(&self, engine: &Engine) -> Option<Option<Engine>> {
        if self.contact.is_empty() && self.gates.is_empty() {
            return Some(None);
        }
        let change = |playbook: &mut Playbook| {
            let mut number = 0;
            playbook.contact.retain(|_| {
                number += 1;
                !self.contact.contains(&(number - 1))
            });
            for (offer, gate) in &self.gates {
                if let Some(offer) = playbook.offers.get_mut(*offer) {
                    match gate {
                        0 => offer.eligible = None,
                        1 => offer.applicable = None,
                        _ => offer.suitable = None,
                    }
                }
            }
        };
        engine.variant(change).map(Some)
    }
}
