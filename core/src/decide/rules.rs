use super::consent::PurposeRule;
use super::guard::Guard;
use super::message::{Messages, TemplateName};
use super::promise::Promise;
use super::shortlist::Shortlist;
use crate::context::{Rule, Source, Sources};
use crate::counters::CounterRules;
use crate::customer::Identifier;
use crate::error::Diagnostic;
use crate::expr::{EventKind, Expected};
use crate::playbook::{self, Assurance, DataKind, Format, Name, Offer, Playbook, Sensitivity};
use crate::value::{Duration, Timestamp, Window};
use std::sync::Arc;

/// The compiled part of a playbook that says what may be shown: offers, placements, contact policy.
#[derive(Debug)]
pub(crate) struct Offers {
    /// In the order of the playbook.
    pub(crate) purposes: Vec<PurposeRule>,
    /// Namespaces whose identifiers stand for a browser or device rather than a person.
    anonymous: Vec<Arc<str>>,
    /// Namespaces whose identifiers may not be used for everything.
    pub(crate) namespaces: Vec<NamespaceRule>,
    /// Who is too young to be made offers.
    pub(crate) minors: Option<Guard>,
    /// Who must not be contacted.
    pub(crate) do_not_contact: Option<Guard>,
    /// In the order of the playbook.
    pub(crate) offers: Vec<OfferRule>,
    /// In the order of the playbook.
    pub(crate) placements: Vec<PlacementRule>,
    /// In the order of the playbook.
    pub(crate) contact: Vec<ContactRule>,
    /// What others have to permit before an offer may read of them: all of some purposes, and whether in so many words.
    pub(crate) shared: Vec<(Vec<usize>, bool)>,
    /// Whether consents of minors are given by somebody else.
    pub(crate) guardian: bool,
    /// Whether anything asks a request to be sure who is there.
    pub(crate) graded: bool,
    /// What is limited for all customers together.
    pub(crate) counters: CounterRules,
    /// The names of the request facts.
    pub(crate) request: Vec<Arc<str>>,
    /// The templates.
    pub(crate) messages: Messages,
    /// An index over the offers, when there are many.
    pub(crate) shortlist: Option<Shortlist>,
}

/// What may be done with identifiers of a namespace.
#[derive(Debug)]
pub(crate) struct NamespaceRule {
    /// The namespace.
    pub(crate) name: Arc<str>,
    /// Numbers of the purposes for which they may be used; `None` for any.
    pub(crate) purposes: Option<Vec<usize>>,
    /// Whether they are special, so that using them needs explicit consent.
    pub(crate) special: bool,
}

impl NamespaceRule {
    /// `None` where nothing is restricted.
    fn of(namespace: &playbook::Namespace, playbook: &Playbook) -> Option<Self> {
        let labels = &namespace.labels;
        let special = labels.sensitivity == Some(Sensitivity::Special);
        let purposes = labels.purposes.as_ref().map(|names| purposes(names, playbook));
        (special || purposes.is_some()).then(|| NamespaceRule { name: namespace.name.text.clone(), purposes, special })
    }
}

/// A compiled offer.
#[derive(Debug)]
pub(crate) struct OfferRule {
    /// Its name.
    pub(crate) name: Arc<str>,
    /// All must be permitted; numbers of purposes.
    pub(crate) purposes: Vec<usize>,
    /// Whether it reads anything about the customer that is not public, itself or through others.
    pub(crate) personal: bool,
    /// Whether it reads anything special, so that it needs explicit consent.
    pub(crate) special: bool,
    /// The kinds of data that it reads, itself or through others, in the order of [`DataKind::ALL`].
    pub(crate) data: Vec<DataKind>,
    /// How sure a request has to be who is there.
    pub(crate) assurance: Assurance,
    /// Whether it is made to minors too.
    pub(crate) minors: bool,
    /// Where in [`Offers::shared`] it stands when it reads of others.
    pub(crate) beside: Option<usize>,
    /// Where it may be shown; empty for anywhere.
    pub(crate) placements: Vec<usize>,
    /// The first instant of validity.
    pub(crate) from: Option<Timestamp>,
    /// The first instant after it.
    pub(crate) until: Option<Timestamp>,
    /// `eligible`, `applicable`, `suitable`.
    pub(crate) gates: [Option<Rule>; 3],
    /// What these count as when they are unknown.
    pub(crate) when_unknown: [bool; 3],
    /// `propensity`, `context`, `value`, `lever`, each with its prior.
    pub(crate) factors: [Option<(Rule, Option<f64>)>; 4],
    /// The experiments that may hold it back, and those that its rules read, by number.
    pub(crate) experiments: [Vec<usize>; 2],
    /// Breaks ties.
    pub(crate) priority: i64,
    /// By channel.
    pub(crate) treatments: Vec<TreatmentRule>,
    /// The limits of all customers together that may concern it, by number.
    pub(crate) counted: Vec<usize>,
    /// What is promised with it.
    pub(crate) promise: Option<Promise>,
}

/// A compiled treatment.
#[derive(Debug)]
pub(crate) struct TreatmentRule {
    /// The channel.
    pub(crate) channel: Arc<str>,
    /// The message.
    pub(crate) template: TemplateName,
    /// What the message shows: name, expression, what stands for an unknown value.
    pub(crate) with: Vec<(Arc<str>, Rule, Option<Arc<str>>)>,
    /// How sure a request has to be who is there.
    pub(crate) assurance: Assurance,
}

/// A compiled placement.
#[derive(Debug)]
pub(crate) struct PlacementRule {
    /// Its name.
    pub(crate) name: Arc<str>,
    /// Its channel.
    pub(crate) channel: Arc<str>,
    /// How many offers it takes.
    pub(crate) slots: usize,
    /// Whether showing something there is contacting the customer.
    pub(crate) contact: bool,
    /// All must be permitted before anything is chosen for a customer; numbers of purposes.
    pub(crate) purposes: Vec<usize>,
    /// How sure a request has to be who is there.
    pub(crate) assurance: Assurance,
    /// What is shown when none is left.
    pub(crate) fallback: Option<FallbackRule>,
}

/// A compiled fallback.
#[derive(Debug)]
pub(crate) struct FallbackRule {
    /// As written.
    pub(crate) message: Arc<str>,
    /// All must be permitted; numbers of purposes.
    pub(crate) purposes: Vec<usize>,
    /// The first instant of validity.
    from: Option<Timestamp>,
    /// The first instant after it.
    until: Option<Timestamp>,
}

impl FallbackRule {
    /// Whether it may be shown at an instant, as far as its dates say.
    pub(crate) fn valid(&self, now: Timestamp) -> bool {
        self.from.is_none_or(|from| now >= from) && self.until.is_none_or(|until| now < until)
    }
}

/// A compiled contact rule.
#[derive(Debug)]
pub(crate) struct ContactRule {
    /// Its name in traces.
    pub(crate) name: Arc<str>,
    /// The outcome that is counted or that starts the pause.
    pub(crate) outcome: (Arc<str>, EventKind),
    /// What is counted together.
    pub(crate) scope: Scope,
    /// What it demands.
    pub(crate) limit: Limit,
    /// The relation whose members are counted together; `None` for the customer alone.
    pub(crate) subject: Option<usize>,
}

/// What a contact rule counts together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Each offer for itself.
    Offer,
    /// Each placement for itself.
    Placement,
    /// Each channel for itself.
    Channel,
    /// One channel only.
    OnlyChannel(Arc<str>),
    /// Everything.
    Everything,
}

/// What a contact rule demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    /// At most so many in a window.
    Cap {
        /// How many.
        at_most: u32,
        /// In which window.
        per: Window,
    },
    /// None for so long after the outcome.
    Pause(Duration),
}

impl Offers {
    /// Whether the message of a treatment is the same for everybody.
    pub(crate) fn is_constant(&self, treatment: &TreatmentRule) -> bool {
        self.messages.constant(&treatment.template).is_some()
    }

    /// Compiles offers, placements and contact policy; findings are added to `findings`. `None` when something is wrong.
    pub(crate) fn compile(playbook: &Playbook, sources: &Sources, findings: &mut Vec<Diagnostic>) -> Option<Self> {
        let mut messages = Messages::new();
        let before = findings.iter().filter(|finding| finding.severity == crate::error::Severity::Error).count();
        let counters = CounterRules::of(playbook, &|name| sources.reserved.outcome(name));
        let offer = |offer: &Offer| {
            let rule = offer_rule(offer, playbook, sources, &mut messages, findings);
            OfferRule { counted: counters.concerning(&offer.name.text), ..rule }
        };
        let offers = playbook.offers.iter().map(offer).collect();
        let placements = playbook
            .placements
            .iter()
            .map(|placement| PlacementRule {
                name: placement.name.text.clone(),
                channel: placement.channel.text.clone(),
                slots: placement.slots as usize,
                contact: playbook
                    .channels
                    .iter()
                    .find(|channel| channel.name.text == placement.channel.text)
                    .is_none_or(|channel| channel.contact),
                purposes: purposes(&placement.purposes, playbook),
                assurance: placement.assurance,
                fallback: placement.fallback.as_ref().map(|fallback| FallbackRule {
                    message: fallback.message.clone(),
                    purposes: purposes(&fallback.purposes, playbook),
                    from: fallback.valid_from,
                    until: fallback.valid_until,
                }),
            })
            .collect();
        let contact = playbook.contact.iter().filter_map(|rule| contact_rule(rule, sources)).collect();
        let minors = Guard::compile(playbook.minors.as_ref(), playbook, sources, findings);
        let do_not_contact = Guard::compile(playbook.do_not_contact.as_ref(), playbook, sources, findings);
        let anonymous = playbook.namespaces.iter().filter(|namespace| namespace.anonymous);
        let after = findings.iter().filter(|finding| finding.severity == crate::error::Severity::Error).count();
        (before == after).then(|| Offers {
            purposes: playbook
                .purposes
                .iter()
                .map(|purpose| PurposeRule {
                    name: purpose.name.text.clone(),
                    default: purpose.default,
                    basis: purpose.basis,
                    expires_after: purpose.expires_after,
                })
                .collect(),
            anonymous: anonymous.map(|namespace| namespace.name.text.clone()).collect(),
            namespaces: playbook.namespaces.iter().filter_map(|namespace| NamespaceRule::of(namespace, playbook)).collect(),
            minors,
            do_not_contact,
            offers,
            placements,
            contact,
            shared: Vec::new(),
            counters,
            guardian: sources.relations.guardian().is_some(),
            graded: graded(playbook),
            request: playbook.request.iter().map(|fact| fact.name.text.clone()).collect(),
            messages,
            shortlist: None,
        })
    }
}

impl Offers {
    /// The name of a purpose.
    pub(crate) fn purpose_name(&self, number: usize) -> &str {
        self.purposes.get(number).map_or("?", |purpose| &purpose.name)
    }

    /// Whether an identifier stands for a browser or device rather than a person.
    pub(crate) fn anonymous(&self, identifier: &Identifier) -> bool {
        self.anonymous.iter().any(|namespace| **namespace == *identifier.namespace())
    }

    /// The rules that forbid.
    pub(crate) fn guards(&self) -> impl Iterator<Item = &Rule> {
        self.minors.iter().chain(&self.do_not_contact).map(|guard| &guard.rule)
    }
}

impl OfferRule {
    /// The conditions and factors.
    pub(crate) fn ranked_by(&mut self) -> impl Iterator<Item = &mut Rule> {
        self.gates.iter_mut().flatten().chain(self.factors.iter_mut().flatten().map(|(rule, _)| rule))
    }

    /// Every rule of the offer: conditions, factors and what its messages show.
    pub(crate) fn rules(&self) -> impl Iterator<Item = &Rule> {
        let gates = self.gates.iter().flatten();
        let factors = self.factors.iter().flatten().map(|(rule, _)| rule);
        let shown = self.treatments.iter().flat_map(|treatment| treatment.with.iter().map(|(_, rule, _)| rule));
        let promised = self.promise.iter().flat_map(|promise| promise.terms.iter().map(|(_, rule)| rule));
        gates.chain(factors).chain(shown).chain(promised)
    }
}

fn offer_rule(
    offer: &Offer,
    playbook: &Playbook,
    sources: &Sources,
    messages: &mut Messages,
    findings: &mut Vec<Diagnostic>,
) -> OfferRule {
    let schema = &sources.schema;
    let gates = [&offer.eligible, &offer.applicable, &offer.suitable]
        .map(|text| text.as_ref().and_then(|text| Rule::compile(text, schema, &Expected::Bool, findings)));
    let factors = offer.factors.each_ref().map(|factor| {
        let factor = factor.as_ref()?;
        Some((Rule::compile(&factor.value, schema, &Expected::Number, findings)?, factor.prior))
    });
    let mut treatments: Vec<TreatmentRule> = Vec::new();
    for treatment in &offer.treatments {
        let format = playbook.channels.iter().find(|channel| channel.name.text == treatment.channel.text);
        let format = format.map_or(Format::Text, |channel| channel.format);
        let names: Vec<&str> = treatment.with.iter().map(|shown| &*shown.name.text).collect();
        let template = messages.add(&treatment.message, format, &names, findings);
        let with = treatment
            .with
            .iter()
            .filter_map(|shown| {
                let rule = Rule::compile(&shown.value, schema, &Expected::Any, findings)?;
                Some((shown.name.text.clone(), rule, shown.missing.clone()))
            })
            .collect();
        treatments.extend(template.map(|template| TreatmentRule {
            channel: treatment.channel.text.clone(),
            template,
            with,
            assurance: treatment.assurance,
        }));
    }
    let shown = treatments.iter().flat_map(|treatment| treatment.with.iter().map(|(_, rule, _)| rule));
    let read = gates.iter().flatten().chain(factors.iter().flatten().map(|(rule, _)| rule)).chain(shown);
    let read: std::collections::BTreeSet<usize> = read
        .flat_map(|rule| &rule.reads().facts)
        .filter_map(|fact| match sources.source(*fact) {
            Some(Source::Experiment(number)) => Some(number),
            _ => None,
        })
        .collect();
    let holds = |experiment: &&playbook::Experiment| {
        experiment.holdout > 0
            && (experiment.offers.is_empty() || experiment.offers.iter().any(|name| name.text == offer.name.text))
    };
    let holds = playbook.experiments.iter().enumerate().filter(|(_, experiment)| holds(experiment)).map(|(number, _)| number);
    OfferRule {
        experiments: [holds.collect(), read.into_iter().collect()],
        name: offer.name.text.clone(),
        purposes: purposes(&offer.purposes, playbook),
        personal: false,
        special: false,
        data: Vec::new(),
        assurance: offer.assurance,
        minors: offer.minors,
        beside: None,
        placements: numbers(&offer.placements, playbook.placements.iter().map(|placement| &placement.name)),
        from: offer.valid_from,
        until: offer.valid_until,
        gates,
        when_unknown: offer.when_unknown,
        factors,
        priority: offer.priority,
        treatments,
        counted: Vec::new(),
        promise: Promise::compile(offer, schema, findings),
    }
}

fn contact_rule(rule: &playbook::ContactRule, sources: &Sources) -> Option<ContactRule> {
    let (name, outcome, scope, limit) = match rule {
        playbook::ContactRule::Cap { name, count, scope, at_most, per, .. } => {
            (name, count, scope, Limit::Cap { at_most: *at_most, per: *per })
        }
        playbook::ContactRule::Pause { name, after, scope, pause } => (name, after, scope, Limit::Pause(*pause)),
    };
    let subject = match rule {
        playbook::ContactRule::Cap { subject: Some(subject), .. } if *subject.text == *playbook::ALL_CUSTOMERS => return None,
        playbook::ContactRule::Cap { subject: Some(subject), .. } => sources.relations.named(&subject.text),
        _ => None,
    };
    let scope = match scope {
        playbook::Scope::Offer => Scope::Offer,
        playbook::Scope::Placement => Scope::Placement,
        playbook::Scope::Channel(None) => Scope::Channel,
        playbook::Scope::Channel(Some(channel)) => Scope::OnlyChannel(channel.text.clone()),
        playbook::Scope::Everything => Scope::Everything,
    };
    let kind = sources.reserved.outcome(&outcome.text)?;
    Some(ContactRule { name: name.clone(), outcome: (outcome.text.clone(), kind), scope, limit, subject })
}

/// Whether anything asks a request to be sure who is there.
fn graded(playbook: &Playbook) -> bool {
    let attributes = playbook.attributes.iter().map(|attribute| attribute.assurance);
    let offers = playbook.offers.iter().map(|offer| offer.assurance);
    let treatments = playbook.offers.iter().flat_map(|offer| &offer.treatments).map(|treatment| treatment.assurance);
    let placements = playbook.placements.iter().map(|placement| placement.assurance);
    let events = playbook.events.iter().map(|event| event.assurance);
    attributes.chain(events).chain(offers).chain(treatments).chain(placements).any(|minimum| minimum > Assurance::Anonymous)
}

pub(super) fn purposes(names: &[Name], playbook: &Playbook) -> Vec<usize> {
    numbers(names, playbook.purposes.iter().map(|purpose| &purpose.name))
}

fn numbers<'a>(names: &[Name], declared: impl Iterator<Item = &'a Name> + Clone) -> Vec<usize> {
    names.iter().filter_map(|name| declared.clone().position(|declared| declared.text == name.text)).collect()
}
