//! The compiled contact policy.

use crate::context::{Rule, Sources};
use crate::customer::RESERVED;
use crate::error::Diagnostic;
use crate::expr::{EventKind, Expected};
use crate::playbook::{self, ALL_CUSTOMERS, AtMost, Clock, Name, OUTCOMES, Part, Playbook, QuietHours, Then};
use crate::value::{Duration, Type, Window};
use smallvec::SmallVec;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A compiled contact rule.
#[derive(Debug)]
pub(crate) struct ContactRule {
    /// Its name in traces.
    pub(crate) name: Arc<str>,
    /// What it is about.
    pub(crate) scope: Scope,
    /// Whose events count.
    pub(crate) subject: Subject,
    /// By which clock.
    pub(crate) clock: Clock,
    /// What it demands.
    pub(crate) demand: Demand,
}

/// Whose events a contact rule counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The customer's own.
    Customer,
    /// Those of all members of a relation and its group, by number.
    Relation(usize),
    /// Those of all customers, which [`Counters`](crate::counters::Counters) count.
    All,
}

/// What a contact rule is about, and what it counts together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Each offer for itself.
    Offer,
    /// Each group of offers for itself.
    Group,
    /// Each item for itself: what is held back is the item.
    Item,
    /// Each placement for itself.
    Placement,
    /// Each channel for itself.
    Channel,
    /// Everything.
    Everything,
    /// Some of a kind, together.
    Only(Part, SmallVec<[Arc<str>; 2]>),
    /// What is of all of these.
    All(Vec<Scope>),
}

impl Scope {
    fn of(scope: &playbook::Scope) -> Self {
        match scope {
            playbook::Scope::Offer => Scope::Offer,
            playbook::Scope::Group => Scope::Group,
            playbook::Scope::Item => Scope::Item,
            playbook::Scope::Placement => Scope::Placement,
            playbook::Scope::Channel => Scope::Channel,
            playbook::Scope::Everything => Scope::Everything,
            playbook::Scope::Only(part, names) => Scope::Only(*part, names.iter().map(|name| name.text.clone()).collect()),
            playbook::Scope::All(scopes) => Scope::All(scopes.iter().map(Scope::of).collect()),
        }
    }

    /// Whether it is about items.
    pub(super) fn is_of_items(&self) -> bool {
        self.parts().contains(&Scope::Item)
    }

    /// The scopes of a list, or itself.
    pub(super) fn parts(&self) -> &[Scope] {
        match self {
            Scope::All(scopes) => scopes,
            one => std::slice::from_ref(one),
        }
    }
}

/// The event types that a rule counts, and what they are called.
#[derive(Debug)]
pub(crate) struct Kinds {
    pub(crate) kinds: SmallVec<[EventKind; 4]>,
    /// Such as `` `shown` or `clicked` ``.
    pub(crate) words: String,
    /// Whether what a decision takes counts already.
    pub(crate) taken: bool,
    /// Whether what is reserved counts: it counts as shown until that is over.
    pub(crate) reserved: bool,
}

/// What a contact rule demands.
#[derive(Debug)]
pub(crate) enum Demand {
    /// At most so many in a window, or as many as a rule says; then `at_most` is 0.
    Cap { count: Kinds, at_most: u32, limit: Option<Box<Rule>>, per: Window },
    /// None for so long after so many of them within a time; `None` for ever.
    Pause { after: Kinds, times: u32, within: Duration, pause: Option<Duration> },
    /// So much time after each.
    Gap { between: Kinds, gap: Duration },
    /// None in some hours.
    Quiet { hours: QuietHours, then: Then },
    /// None that would spend more than there is.
    Fatigue(Budget),
    /// None while a condition holds.
    While { rule: Rule, when_unknown: bool },
    /// What is counted over all customers is not counted in one story.
    Elsewhere,
}

/// A budget that contacts spend, in millionths of a unit.
#[derive(Debug)]
pub(crate) struct Budget {
    pub(crate) budget: i64,
    pub(crate) half_life: Duration,
    /// By channel.
    pub(crate) costs: BTreeMap<Arc<str>, f64>,
    pub(crate) otherwise: f64,
    pub(crate) sensitivity: [f64; 3],
    /// By event type.
    pub(crate) spend: SmallVec<[(EventKind, f64); 2]>,
    /// The factor of showing something.
    pub(crate) contact: f64,
    /// Whether what is reserved spends like what is shown.
    pub(crate) reserved: bool,
}

/// For which contact rules something is the case, by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Switch {
    All,
    None,
    Only(SmallVec<[usize; 2]>),
}

impl Switch {
    pub(crate) fn holds(&self, rule: usize) -> bool {
        match self {
            Switch::All => true,
            Switch::None => false,
            Switch::Only(rules) => rules.contains(&rule),
        }
    }

    /// As declared, the first that is; otherwise for all rules, or for none.
    pub(crate) fn of(declared: &[Option<&playbook::Switch>], all: bool, playbook: &Playbook) -> Self {
        match declared.iter().flatten().next() {
            Some(playbook::Switch::All) => Switch::All,
            Some(playbook::Switch::None) => Switch::None,
            Some(playbook::Switch::Only(names)) => {
                let number = |name: &Name| playbook.contact.iter().position(|rule| rule.name == name.text);
                Switch::Only(names.iter().filter_map(number).collect())
            }
            None if all => Switch::All,
            None => Switch::None,
        }
    }
}

/// Outcomes that a decision has the moment it is made.
pub(crate) const TAKEN: [&str; 5] = ["decided", "reserved", "sent", "delivered", "shown"];

impl ContactRule {
    pub(crate) fn compile(rule: &playbook::ContactRule, sources: &Sources, findings: &mut Vec<Diagnostic>) -> Option<Self> {
        if rule.subject.as_ref().is_some_and(|subject| *subject.text == *ALL_CUSTOMERS) {
            return Some(ContactRule {
                name: rule.name.clone(),
                scope: Scope::Everything,
                subject: Subject::All,
                clock: rule.clock,
                demand: Demand::Elsewhere,
            });
        }
        let kinds = |names: &[Name]| {
            let kind = |name: &Name| sources.reserved.outcome(&name.text).or_else(|| sources.schema.event(&name.text));
            let words: Vec<String> = names.iter().map(|name| format!("`{}`", name.text)).collect();
            Kinds {
                kinds: names.iter().filter_map(kind).collect(),
                words: if names.len() >= OUTCOMES.len() { "any outcome".to_owned() } else { words.join(" or ") },
                taken: names.iter().any(|name| TAKEN.contains(&&*name.text)),
                reserved: names.iter().any(|name| *name.text == *"shown") && !names.iter().any(|name| *name.text == *RESERVED),
            }
        };
        let demand = match &rule.demand {
            playbook::Demand::Cap { count, at_most, per } => {
                let limit = match at_most {
                    AtMost::Number(_) => None,
                    AtMost::Rule(text) => {
                        Some(Box::new(Rule::compile(text, &sources.schema, &Expected::Type(Type::Int), findings)?))
                    }
                };
                Demand::Cap { count: kinds(count), at_most: at_most.number().unwrap_or(0), limit, per: *per }
            }
            playbook::Demand::Pause { after, times, within, pause } => {
                Demand::Pause { after: kinds(after), times: *times, within: within.unwrap_or(Duration::ZERO), pause: *pause }
            }
            playbook::Demand::Gap { between, gap } => Demand::Gap { between: kinds(between), gap: *gap },
            playbook::Demand::Quiet { hours, then } => Demand::Quiet { hours: hours.clone(), then: *then },
            playbook::Demand::Fatigue(fatigue) => Demand::Fatigue(Budget::of(fatigue, sources)),
            playbook::Demand::While { when, when_unknown } => {
                let rule = Rule::compile(when, &sources.schema, &Expected::Bool, findings)?;
                Demand::While { rule, when_unknown: *when_unknown }
            }
        };
        let subject = rule.subject.as_ref().and_then(|subject| sources.relations.named(&subject.text));
        Some(ContactRule {
            name: rule.name.clone(),
            scope: Scope::of(&rule.scope),
            subject: subject.map_or(Subject::Customer, Subject::Relation),
            clock: rule.clock,
            demand,
        })
    }

    /// What it asks of the customer beside what it counts.
    pub(crate) fn rule(&self) -> Option<&Rule> {
        match &self.demand {
            Demand::While { rule, .. } => Some(rule),
            Demand::Cap { limit, .. } => limit.as_deref(),
            Demand::Pause { .. } | Demand::Gap { .. } | Demand::Quiet { .. } | Demand::Fatigue(_) | Demand::Elsewhere => None,
        }
    }

    /// Whether what is reserved counts beside its event types.
    pub(crate) fn counts_reserved(&self) -> bool {
        match &self.demand {
            Demand::Cap { count: kinds, .. } | Demand::Pause { after: kinds, .. } | Demand::Gap { between: kinds, .. } => {
                kinds.reserved
            }
            Demand::Fatigue(budget) => budget.reserved,
            Demand::Quiet { .. } | Demand::While { .. } | Demand::Elsewhere => false,
        }
    }

    /// The event types that it counts.
    pub(crate) fn kinds(&self) -> &[EventKind] {
        match &self.demand {
            Demand::Cap { count: kinds, .. } | Demand::Pause { after: kinds, .. } | Demand::Gap { between: kinds, .. } => {
                &kinds.kinds
            }
            Demand::Quiet { .. } | Demand::Fatigue(_) | Demand::While { .. } | Demand::Elsewhere => &[],
        }
    }
}
