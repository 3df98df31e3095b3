use super::arbitrate::Ranking;
use super::condition::{Condition, conditions};
use super::consent::PurposeRule;
use super::contact::{ContactRule, Switch};
use super::diversity::Traits;
use super::fallback::FallbackRule;
use super::guard::Guard;
use super::lane::Lane;
use super::message::{Messages, TemplateName, VariantRule, treatment_rule};
use super::of_offer::{self, OfferNames, ShownOffer};
use super::promise::Promise;
use super::score::{Factor, LearnedRule, column_number, group_number};
use super::shortlist::Shortlist;
use crate::context::{Rule, Source, Sources, earlier};
use crate::counters::CounterRules;
use crate::customer::Identifier;
use crate::error::Diagnostic;
use crate::expr::{EventKind, Expected};
use crate::playbook::{self, Assurance, DataKind, FactorSource, Format, Group, Name, Offer, Owner, Playbook, Sensitivity};
use crate::suggest::{ItemsRule, Suggestions};
use crate::trends::TrendRules;
use crate::value::{Timestamp, Value};
use std::collections::{BTreeMap, BTreeSet};
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
    /// The places of offers by their names; only where there is a contact policy, or a column.
    pub(crate) by_name: BTreeMap<Arc<str>, usize>,
    /// Whether there are offers that contact rules do not count.
    pub(crate) selective: bool,
    /// The column of outcomes that keeps tags.
    pub(crate) tags: Option<usize>,
    /// The column of outcomes that keeps items.
    pub(crate) items: Option<usize>,
    /// How many event types the playbook declares; outcomes come later.
    pub(crate) declared_events: usize,
    /// What others have to permit before an offer may read of them: all of some purposes, and whether in so many words.
    pub(crate) shared: Vec<(Vec<usize>, bool)>,
    /// By number of the subject of relations: how much of it decisions read.
    pub(crate) extents: Vec<crate::relation::Extent>,
    /// Whether consents of minors are given by somebody else.
    pub(crate) guardian: bool,
    /// How sensitive what triggers each reaction is, by its name.
    pub(crate) triggered: Vec<(Arc<str>, Sensitivity)>,
    /// The namespaces of households and accounts.
    groups: Vec<Arc<str>>,
    /// Whether anything asks a request to be sure who is there.
    pub(crate) graded: bool,
    /// What is limited for all customers together.
    pub(crate) counters: CounterRules,
    /// The outcomes after which a channel is closed.
    pub(crate) closing: Vec<(Arc<str>, EventKind)>,
    /// The names of the request facts.
    pub(crate) request: Vec<Arc<str>>,
    /// The templates.
    pub(super) messages: Messages,
    /// What is suggested.
    pub(crate) suggestions: Option<Suggestions>,
    /// An index over the offers, when there are many.
    pub(crate) shortlist: Option<Shortlist>,
    /// By placement: what tells quickly how far its offers come; empty when there are too many.
    pub(crate) lanes: Vec<Lane>,
    /// The columns that offers take factors from.
    pub(crate) columns: Vec<Arc<str>>,
    /// Whether anything is drawn.
    pub(crate) explores: bool,
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
    /// What must hold, in the order in which it is asked.
    pub(crate) gates: Vec<Condition>,
    /// The group that it belongs to.
    pub(crate) group: Option<Arc<str>>,
    /// Who stands behind it.
    pub(crate) owner: Option<Owner>,
    /// By which contact rules count; those of its group too.
    pub(crate) tags: Arc<[Arc<str>]>,
    /// The contact rules that count it, where a treatment does not say so.
    pub(crate) counts: Switch,
    /// `propensity`, `context`, `value`, `lever`, each with its prior.
    pub(crate) factors: [Option<(Factor, Option<f64>)>; 4],
    /// The formulas by which it may be ranked.
    pub(crate) formulas: Vec<Arc<Rule>>,
    /// The number of the group.
    pub(crate) step_of: Option<usize>,
    /// What it has in common with others.
    pub(crate) traits: Traits,
    /// Whether it comes before all others.
    pub(crate) mandatory: bool,
    /// What it costs when it is taken, in units of money.
    pub(crate) cost: f64,
    /// What is earned when it is taken, in parts of [`playbook::PARTS`].
    pub(crate) margin: Option<u64>,
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
    /// The items that it carries.
    pub(crate) items: Option<ItemsRule>,
    /// Every rule by which these are chosen.
    pub(crate) item_rules: Vec<Rule>,
    /// The first fact of items, where it carries some; rules that read none of these can do without one.
    pub(crate) first_item_fact: Option<u32>,
    /// Whether it is held back while something promised is overdue.
    pub(crate) held: bool,
    /// What it asks.
    pub(crate) question: Option<super::question::QuestionRule>,
    /// What is declared of it, in the order of `offer_attributes`.
    pub(crate) own: Box<[Option<Value>]>,
    /// What formulas read beside that.
    pub(crate) called: [Option<Arc<str>>; 2],
}

/// A compiled treatment.
#[derive(Debug)]
pub(crate) struct TreatmentRule {
    /// The channel.
    pub(crate) channel: Arc<str>,
    /// How its messages are written.
    pub(crate) format: Format,
    /// How many segments a text message may take.
    pub(crate) segments: u32,
    /// The template, when there is nothing to choose from and no header beside it.
    pub(crate) plain: Option<TemplateName>,
    /// The wordings.
    pub(super) variants: Vec<VariantRule>,
    /// Whether it greets.
    pub(crate) greets: bool,
    /// By which a wording is chosen and a customer greeted.
    pub(crate) voiced: Vec<Rule>,
    /// What the message shows: name, expression, what stands for an unknown value.
    pub(crate) with: Vec<(Arc<str>, Rule, Option<Arc<str>>)>,
    /// What is said of the offer, where the message shows something of it.
    pub(super) offer: Option<minijinja::Value>,
    /// How sure a request has to be who is there.
    pub(crate) assurance: Assurance,
    /// The contact rules that hold it back.
    pub(crate) obeys: Switch,
    /// The contact rules that count it.
    pub(crate) counts: Switch,
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
    /// How its offers are ranked.
    pub(crate) ranking: Ranking,
    /// Whether it may show what another placement shows.
    pub(crate) repeats: bool,
    /// How diverse its offers are.
    pub(crate) diversity: Vec<playbook::Diversity>,
}

impl Offers {
    /// Whether the message of a treatment is the same for everybody.
    pub(crate) fn is_constant(&self, treatment: &TreatmentRule) -> bool {
        treatment.plain.as_ref().is_some_and(|template| template.constant().is_some())
    }

    /// Compiles offers, placements and contact policy; findings are added to `findings`. `None` when something is wrong.
    pub(crate) fn compile(playbook: &Playbook, sources: &Sources, findings: &mut Vec<Diagnostic>) -> Option<Self> {
        let mut messages = Messages::new(playbook, sources, findings);
        let suggestions = Suggestions::compile(playbook, sources, findings);
        let before = findings.iter().filter(|finding| finding.severity == crate::error::Severity::Error).count();
        let relation = |name: &str| sources.relations.named(name);
        let counters = CounterRules::of(playbook, &|name| sources.reserved.outcome(name), &relation);
        let mut columns = Vec::new();
        let (schema, catalog) = (&sources.schema, suggestions.as_ref().map(|suggestions| &suggestions.catalog));
        let usual = Ranking::compile(&playbook.arbitration, playbook, schema, catalog, findings);
        let mut rankings = Vec::new();
        for placement in &playbook.placements {
            let own = placement.arbitration.as_ref();
            rankings.push(own.map_or_else(|| usual.clone(), |own| Ranking::compile(own, playbook, schema, catalog, findings)));
        }
        let mut offers: Vec<OfferRule> = Vec::with_capacity(playbook.offers.len());
        let mut names = OfferNames::new(playbook, schema, catalog);
        for offer in &playbook.offers {
            names.stand_for(offer);
            let written = (&mut messages, &mut columns);
            let mut rule = offer_rule(offer, playbook, sources, (suggestions.as_ref(), &names), written, findings);
            let here = |number: &usize| rule.placements.is_empty() || rule.placements.contains(number);
            let ranked = rankings.iter().enumerate().filter(|(number, _)| here(number)).map(|(_, ranking)| ranking);
            let mut formulas: Vec<Arc<Rule>> = Vec::new();
            for formula in ranked.filter_map(|ranking| ranking.formula.as_ref()) {
                if !formulas.iter().any(|known| Arc::ptr_eq(known, &formula.rule)) {
                    formulas.push(formula.rule.clone());
                }
            }
            let read = formulas.iter().flat_map(|rule| &rule.reads().facts).filter_map(|fact| experiment(*fact, sources));
            rule.experiments[1].extend(read);
            rule.formulas = formulas;
            rule.counted = counters.concerning(&offer.name.text);
            offers.push(rule);
        }
        let explores = rankings.iter().any(|ranking| ranking.explore != playbook::Explore::No);
        let placements = playbook
            .placements
            .iter()
            .zip(rankings)
            .map(|(placement, ranking)| PlacementRule {
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
                fallback: placement
                    .fallback
                    .as_ref()
                    .map(|fallback| FallbackRule::compile(fallback, sources, playbook, &mut messages, findings)),
                ranking,
                repeats: placement.repeats,
                diversity: placement.diversity.clone(),
            })
            .collect();
        let contact = playbook.contact.iter().filter_map(|rule| ContactRule::compile(rule, sources, findings)).collect();
        let by_name = offers.iter().enumerate().map(|(place, offer)| (offer.name.clone(), place)).collect();
        let counted = |offer: &OfferRule| {
            let all = |counts: &Switch| *counts == Switch::All;
            all(&offer.counts) && offer.treatments.iter().all(|treatment| all(&treatment.counts))
        };
        let selective = !offers.iter().all(counted);
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
            by_name: if playbook.contact.is_empty() && columns.is_empty() { BTreeMap::new() } else { by_name },
            selective,
            tags: sources.reserved.tags,
            items: sources.reserved.items,
            declared_events: sources.declared_events,
            contact,
            shared: Vec::new(),
            extents: Vec::new(),
            counters,
            closing: playbook
                .outcomes
                .close_channel
                .iter()
                .filter_map(|name| Some((name.text.clone(), sources.reserved.outcome(&name.text)?)))
                .collect(),
            guardian: sources.relations.guardian().is_some(),
            triggered: Vec::new(),
            groups: sources.relations.relations.iter().filter_map(|relation| relation.group.clone()).collect(),
            graded: graded(playbook),
            request: playbook.request.iter().map(|fact| fact.name.text.clone()).collect(),
            messages,
            suggestions,
            shortlist: None,
            lanes: Vec::new(),
            columns,
            explores,
        })
    }
}

impl Offers {
    /// The offer of a name, where there is a contact policy.
    pub(crate) fn named(&self, name: &str) -> Option<&OfferRule> {
        self.by_name.get(name).and_then(|place| self.offers.get(*place))
    }

    /// The name of a purpose.
    pub(crate) fn purpose_name(&self, number: usize) -> &str {
        self.purposes.get(number).map_or("?", |purpose| &purpose.name)
    }

    /// Whether an identifier stands for a browser or device rather than a person.
    pub(crate) fn anonymous(&self, identifier: &Identifier) -> bool {
        self.anonymous.iter().any(|namespace| **namespace == *identifier.namespace())
    }

    /// How sensitive what triggers a reaction is.
    pub(crate) fn triggered_by(&self, reaction: &str) -> Sensitivity {
        let own = self.triggered.iter().find(|(name, _)| **name == *reaction);
        own.map_or(Sensitivity::Public, |(_, sensitivity)| *sensitivity)
    }

    /// Whether an identifier stands for a household or account rather than a person.
    pub(crate) fn is_group(&self, identifier: &Identifier) -> bool {
        self.groups.iter().any(|namespace| **namespace == *identifier.namespace())
    }

    /// Finds the trends that rates are learned from.
    pub(crate) fn resolve(&mut self, trends: &TrendRules) {
        let factors = self.offers.iter_mut().flat_map(|offer| offer.factors.iter_mut().flatten());
        for (factor, _) in factors {
            if let Factor::Learned(rule) = factor {
                rule.resolve(trends);
            }
        }
    }

    /// The rules that forbid.
    pub(crate) fn guards(&self) -> impl Iterator<Item = &Rule> {
        let restraints = self.contact.iter().filter_map(ContactRule::rule);
        self.minors.iter().chain(&self.do_not_contact).map(|guard| &guard.rule).chain(restraints)
    }
}

impl OfferRule {
    /// Whether a rule of it reads of an item.
    pub(crate) fn reads_item(&self, rule: &Rule) -> bool {
        self.first_item_fact.is_some_and(|first| rule.reads().facts.iter().any(|fact| fact.0 >= first))
    }

    /// Whether its score depends on the item that it carries.
    pub(super) fn scores_item(&self) -> bool {
        let formulas = self.formulas.iter().any(|rule| self.reads_item(rule));
        formulas || self.factors.iter().flatten().any(|(factor, _)| factor.rules().any(|rule| self.reads_item(rule)))
    }

    /// The conditions and factors, but for those that read of an item.
    pub(crate) fn ranked_by(&mut self) -> impl Iterator<Item = &mut Rule> {
        let first = self.first_item_fact.unwrap_or(u32::MAX);
        let plain = move |rule: &&mut Rule| rule.reads().facts.iter().all(|fact| fact.0 < first);
        self.gates
            .iter_mut()
            .map(|condition| &mut condition.rule)
            .chain(self.factors.iter_mut().flatten().flat_map(|(factor, _)| factor.rules_mut()))
            .filter(plain)
    }

    /// Whether a factor is a rate that is told apart by the segments of the customer.
    pub(crate) fn learns_by_segment(&self) -> bool {
        let mut factors = self.factors.iter().flatten();
        factors.any(|(factor, _)| matches!(factor, Factor::Learned(learned) if learned.by_segment()))
    }

    /// Whether a contact rule counts what came of it through a channel.
    pub(crate) fn counted(&self, rule: usize, channel: Option<&str>) -> bool {
        let treatment = self.treatments.iter().find(|treatment| Some(&*treatment.channel) == channel);
        treatment.map_or(&self.counts, |treatment| &treatment.counts).holds(rule)
    }

    /// Every rule of the offer: conditions, factors and what its messages show.
    pub(crate) fn rules(&self) -> impl Iterator<Item = &Rule> {
        let gates = self.gates.iter().map(|condition| &condition.rule);
        let factors = self.factors.iter().flatten().flat_map(|(factor, _)| factor.rules());
        let factors = factors.chain(self.formulas.iter().map(|rule| &**rule));
        let shown = self.treatments.iter().flat_map(TreatmentRule::rules);
        let promised = self.promise.iter().flat_map(|promise| promise.terms.iter().map(|(_, rule)| rule));
        gates.chain(factors).chain(shown).chain(&self.item_rules).chain(promised)
    }
}

impl TreatmentRule {
    /// What its messages show, and by what they are chosen.
    pub(super) fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.with.iter().map(|(_, rule, _)| rule).chain(&self.voiced)
    }
}

fn offer_rule(
    offer: &Offer,
    playbook: &Playbook,
    sources: &Sources,
    (suggestions, names): (Option<&Suggestions>, &OfferNames<'_>),
    (messages, columns): (&mut Messages, &mut Vec<Arc<str>>),
    findings: &mut Vec<Diagnostic>,
) -> OfferRule {
    let schema = &names.plain;
    let group = offer.group.as_ref().and_then(|name| playbook.groups.iter().find(|group| group.name.text == name.text));
    let gates = conditions(offer, &around(group, playbook), schema, findings);
    // What is asked once the items are chosen reads of the first of them.
    let of_items = names.items.as_ref().filter(|_| offer.items.is_some());
    let with_item = of_items.unwrap_or(schema);
    let factors = offer.factors.each_ref().map(|factor| {
        let playbook::Factor { source, prior } = factor.as_ref()?;
        let compiled = match source {
            FactorSource::Rule(text) => Factor::Rule(Rule::compile(text, with_item, &Expected::Number, findings)?),
            FactorSource::Column(name) => Factor::Column(column_number(columns, name)),
            FactorSource::Weights(weights) => {
                let weight = |(text, add): &(playbook::Text, f64)| {
                    Some((Rule::compile(text, with_item, &Expected::Bool, findings)?, *add))
                };
                let compiled: Vec<Option<(Rule, f64)>> = weights.iter().map(weight).collect();
                Factor::Weights(compiled.into_iter().collect::<Option<_>>()?)
            }
            FactorSource::Learned(learned) => Factor::Learned(Box::new(LearnedRule::of(learned, *prior))),
        };
        Some((compiled, *prior))
    });
    let switch = |own, of_group: fn(&Group) -> Option<&playbook::Switch>, of_offer| {
        // Whoever waits for a message is not asked for the sake of the group.
        let of_group = group.filter(|_| !offer.transactional).and_then(of_group);
        Switch::of(&[own, of_offer, of_group], !offer.transactional, playbook)
    };
    let items = offer.items.as_ref().map(|items| ItemsRule::compile(items, playbook));
    let fields = suggestions.filter(|_| items.is_some()).map(|suggestions| suggestions.catalog.fields());
    let treatments: Vec<TreatmentRule> = offer
        .treatments
        .iter()
        .filter_map(|treatment| {
            let shown = ShownOffer::of(offer, playbook);
            let rule = treatment_rule(treatment, ((schema, with_item), fields, &shown), playbook, messages, findings)?;
            Some(TreatmentRule {
                obeys: switch(treatment.obeys.as_ref(), |group| group.obeys.as_ref(), offer.obeys.as_ref()),
                counts: switch(treatment.counts.as_ref(), |group| group.counts.as_ref(), offer.counts.as_ref()),
                ..rule
            })
        })
        .collect();
    let item_rules: Vec<Rule> = items
        .iter()
        .flat_map(|items| &items.from)
        .flat_map(|number| suggestions.into_iter().flat_map(|all| all.rules(*number)))
        .cloned()
        .collect();
    let shown = treatments.iter().flat_map(TreatmentRule::rules).chain(&item_rules);
    let factors_read = factors.iter().flatten().flat_map(|(factor, _)| factor.rules());
    let read = gates.iter().map(|condition| &condition.rule).chain(factors_read).chain(shown);
    let read: BTreeSet<usize> =
        read.flat_map(|rule| &rule.reads().facts).filter_map(|fact| experiment(*fact, sources)).collect();
    let own_tags = tags(offer, group);
    let holds = |experiment: &&playbook::Experiment| {
        experiment.holdout > 0
            && !experiment.except_tags.iter().any(|except| own_tags.contains(&except.text))
            && (experiment.offers.is_empty() && !offer.transactional
                || experiment.offers.iter().any(|name| name.text == offer.name.text))
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
        from: offer.valid_from.max(group.and_then(|group| group.valid_from)),
        until: earlier(offer.valid_until, group.and_then(|group| group.valid_until)),
        group: group.map(|group| group.name.text.clone()),
        owner: offer.owner.or(group.and_then(|group| group.owner)),
        tags: own_tags,
        counts: switch(None, |group| group.counts.as_ref(), offer.counts.as_ref()),
        gates,
        factors,
        formulas: Vec::new(),
        step_of: group_number(offer.group.as_ref(), playbook),
        traits: [
            offer.group.as_ref().map(|name| name.text.clone()),
            offer.category.clone(),
            offer.dimension.clone(),
            offer.incentive.clone(),
        ],
        mandatory: offer.mandatory,
        cost: offer.cost.map_or(0.0, crate::value::Decimal::to_double),
        margin: offer.margin,
        priority: offer.priority,
        treatments,
        counted: Vec::new(),
        promise: Promise::compile(offer, with_item, findings),
        items,
        item_rules,
        first_item_fact: of_items.and_then(|_| u32::try_from(schema.facts().len()).ok()),
        question: super::question::QuestionRule::compile(offer, playbook, sources),
        own: of_offer::own(offer, playbook).into(),
        called: [offer.title.clone(), offer.owner.or(group.and_then(|group| group.owner)).map(|owner| Arc::from(owner.name()))],
        held: !offer.despite_overdue
            && (playbook.held.is_empty()
                || offer.purposes.iter().any(|own| playbook.held.iter().any(|held| held.text == own.text))),
    }
}

/// A group with all that it is a part of, the outermost first.
pub(super) fn around<'p>(group: Option<&'p Group>, playbook: &'p Playbook) -> Vec<&'p Group> {
    let mut groups: Vec<&Group> = Vec::new();
    let mut next = group;
    while let Some(group) = next {
        groups.push(group);
        next = group.of.as_ref().and_then(|of| playbook.groups.iter().find(|around| around.name.text == of.text));
    }
    groups.reverse();
    groups
}

/// The tags of an offer and its group, each once.
pub(super) fn tags(offer: &Offer, group: Option<&Group>) -> Arc<[Arc<str>]> {
    let tags = offer.tags.iter().chain(group.into_iter().flat_map(|group| &group.tags));
    let tags: BTreeSet<Arc<str>> = tags.map(|tag| tag.text.clone()).collect();
    tags.into_iter().collect()
}

/// The experiment that a fact tells of.
pub(super) fn experiment(fact: crate::expr::FactId, sources: &Sources) -> Option<usize> {
    match sources.source(fact) {
        Some(Source::Experiment(number)) => Some(number),
        _ => None,
    }
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
