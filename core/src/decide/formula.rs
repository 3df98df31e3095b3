use super::of_offer::type_of;
use super::rules::OfferRule;
use crate::context::{Context, Rule};
use crate::error::Diagnostic;
use crate::expr::{
    Answer, EventKind, EventRow, Expected, FactId, Facts, Folded, Measure, Missing, PropertyId, Read, Run, Schema, SubjectId,
    TimeClass,
};
use crate::playbook::{FACTORS, OfferAttribute, PARTS, Text};
use crate::suggest::{CatalogRules, ItemFacts};
use crate::value::{Span, Timestamp, Type, Value, Zone};
use std::ops::ControlFlow;
use std::sync::Arc;

/// What a formula reads of the offer that it ranks, in the order of their numbers.
const OF_OFFER: [&str; 7] = [FACTORS[0], FACTORS[1], FACTORS[2], FACTORS[3], "cost", "margin", "priority"];

/// What else it reads of the offer: what is declared of it, in the order of their numbers, after the numbers.
const DECLARED: [&str; 10] = ["name", "title", "group", "owner", "category", "dimension", "incentive", "tags", "from", "until"];

/// A compiled formula.
#[derive(Debug, Clone)]
pub(crate) struct Formula {
    pub(crate) rule: Arc<Rule>,
    /// The number of the first fact about the offer; the others follow.
    first: u32,
    /// The names of what playbooks declare of offers.
    own: Arc<[Arc<str>]>,
    /// The number of the first fact about the item that an offer carries, and what is in an item; those of the offer follow.
    items: Option<(u32, Arc<[Arc<str>]>)>,
}

impl Formula {
    /// Compiles a formula over the names of a playbook, of the offer, and, where there is a catalog, of the first item that it carries.
    pub(super) fn compile(
        text: &Text,
        schema: &Schema,
        catalog: Option<&CatalogRules>,
        attributes: &[OfferAttribute],
        findings: &mut Vec<Diagnostic>,
    ) -> Option<Self> {
        let mut schema = catalog.map_or(schema, |catalog| catalog.schema()).clone();
        let first = u32::try_from(schema.facts().len()).unwrap_or(u32::MAX);
        for name in OF_OFFER {
            schema.declare_fact(&format!("offer.{name}"), Type::Double, TimeClass::Constant);
        }
        for name in DECLARED {
            schema.declare_fact(&format!("offer.{name}"), type_of(name), TimeClass::Constant);
        }
        for own in attributes {
            schema.declare_fact(&format!("offer.{}", own.name.text), own.ty.clone(), TimeClass::Constant);
        }
        let own = attributes.iter().map(|own| own.name.text.clone()).collect();
        let rule = Rule::compile(text, &schema, &Expected::Number, findings)?;
        let items = catalog.map(|catalog| (catalog.first_fact(), catalog.fields().into()));
        Some(Formula { rule: Arc::new(rule), first, own, items })
    }

    /// The score of an offer whose factors are known; `None` when the formula has none.
    pub(super) fn score(
        &self,
        offer: &OfferRule,
        factors: [f64; 4],
        context: &Context<'_>,
        item: Option<&ItemFacts<'_, '_>>,
    ) -> Option<f64> {
        let numbers = numbers(offer, factors);
        let own = Fixed { first: self.first, own: &self.own, items: self.items.as_ref(), numbers, offer };
        let outcome = match item.filter(|_| self.items.is_some()) {
            Some(item) => self.rule.ask(&OfOffer { context: item, own }).outcome,
            None => self.rule.ask(&OfOffer { context, own }).outcome,
        };
        number(outcome.value()?)
    }

    /// The score of an offer whose factors are the same for everybody, where the formula reads nothing but the offer.
    pub(super) fn constant(&self, offer: &OfferRule, factors: [f64; 4]) -> Option<f64> {
        let reads = self.rule.reads();
        let own = reads.facts.iter().all(|fact| fact.0 >= self.first) && reads.names.is_empty() && reads.trends.is_empty();
        let still = reads.subjects.is_empty() && reads.events.is_empty() && !reads.now && !reads.zone && !reads.session;
        let facts = Fixed { first: self.first, own: &self.own, items: None, numbers: numbers(offer, factors), offer };
        (own && still).then(|| number(self.rule.ask(&facts).outcome.value()?)).flatten()
    }

    /// Why there is no score.
    pub(super) fn reasons(
        &self,
        offer: &OfferRule,
        factors: [f64; 4],
        context: &Context<'_>,
        item: Option<&ItemFacts<'_, '_>>,
    ) -> Vec<String> {
        let numbers = numbers(offer, factors);
        let own = Fixed { first: self.first, own: &self.own, items: self.items.as_ref(), numbers, offer };
        match item.filter(|_| self.items.is_some()) {
            Some(item) => crate::expr::explain(self.rule.checked(), &OfOffer { context: item, own }).reasons(),
            None => crate::expr::explain(self.rule.checked(), &OfOffer { context, own }).reasons(),
        }
    }
}

fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Int(number) => *number as f64,
        Value::Uint(number) => *number as f64,
        Value::Double(number) => *number,
        Value::Decimal(number) => number.to_double(),
        _ => return None,
    };
    Some(number).filter(|number| number.is_finite())
}

/// What is read of an offer; a cost or margin that is not declared is 0.
fn numbers(offer: &OfferRule, factors: [f64; 4]) -> [f64; OF_OFFER.len()] {
    let [propensity, fit, value, lever] = factors;
    let margin = offer.margin.map_or(0.0, |sum| sum as f64 / PARTS as f64);
    [propensity, fit, value, lever, offer.cost, margin, offer.priority as f64]
}

/// What a formula reads of the offer.
fn declared(offer: &OfferRule, name: &str) -> Option<Value> {
    let ([group, category, dimension, incentive], [title, owner]) = (&offer.traits, &offer.called);
    match name {
        "name" => Some(Value::String(offer.name.clone())),
        "group" => group.clone().map(Value::String),
        "category" => category.clone().map(Value::String),
        "dimension" => dimension.clone().map(Value::String),
        "incentive" => incentive.clone().map(Value::String),
        "title" => title.clone().map(Value::String),
        "owner" => owner.clone().map(Value::String),
        "tags" => Some(Value::List(offer.tags.iter().map(|tag| Value::String(tag.clone())).collect())),
        "from" => offer.from.map(Value::from),
        "until" => offer.until.map(Value::from),
        _ => None,
    }
}

/// A context or that of an item, and what is read of one offer beside it.
struct OfOffer<'c, F> {
    context: &'c F,
    own: Fixed<'c>,
}

impl<F: Facts + OfItem> OfOffer<'_, F> {
    fn context_knows(&self, fact: FactId) -> bool {
        F::KNOWS_ITEM || !self.own.of_item(fact)
    }
}

/// Whether facts about an item are known there.
trait OfItem {
    const KNOWS_ITEM: bool;
}

impl OfItem for Context<'_> {
    const KNOWS_ITEM: bool = false;
}

impl OfItem for ItemFacts<'_, '_> {
    const KNOWS_ITEM: bool = true;
}

impl<F: Facts + OfItem> Facts for OfOffer<'_, F> {
    fn now(&self) -> Timestamp {
        self.context.now()
    }

    fn zone(&self) -> Option<Zone> {
        self.context.zone()
    }

    fn fact(&self, fact: FactId) -> Read {
        match self.own.read(fact) {
            Some(read) => read,
            None if self.context_knows(fact) => self.context.fact(fact),
            None => self.own.no_item(fact),
        }
    }

    fn has(&self, fact: FactId) -> bool {
        match self.own.read(fact) {
            Some(read) => matches!(read.value, Answer::Known(_)),
            None => self.context_knows(fact) && self.context.has(fact),
        }
    }

    fn fact_as_of(&self, fact: FactId, at: Timestamp) -> Option<Read> {
        self.context.fact_as_of(fact, at)
    }

    fn fact_of(&self, fact: FactId, key: &str) -> Read {
        self.context.fact_of(fact, key)
    }

    fn trend(&self, trend: u16, measure: Measure, values: &[Arc<str>]) -> Option<f64> {
        self.context.trend(trend, measure, values)
    }

    fn begins(&self) -> Option<Timestamp> {
        self.context.begins()
    }

    fn withheld(&self, kinds: &[EventKind]) -> Option<Arc<str>> {
        self.context.withheld(kinds)
    }

    fn events(&self, kinds: &[EventKind], span: Span, visit: &mut dyn FnMut(&dyn EventRow) -> ControlFlow<()>) {
        self.context.events(kinds, span, visit);
    }

    fn run(&self, kinds: &[EventKind], span: Span, properties: &[PropertyId]) -> Option<Run<'_>> {
        self.context.run(kinds, span, properties)
    }

    fn folded(&self, kinds: &[EventKind], span: Span, property: Option<PropertyId>) -> Option<Folded> {
        self.context.folded(kinds, span, property)
    }

    fn next_event(&self, kinds: &[EventKind]) -> Option<Timestamp> {
        self.context.next_event(kinds)
    }

    fn beside(&self, subject: SubjectId) -> Option<&dyn Facts> {
        self.context.beside(subject)
    }

    fn session(&self) -> Option<(Timestamp, Timestamp)> {
        self.context.session()
    }
}

/// What is read of an offer, and nothing else.
#[derive(Debug)]
struct Fixed<'o> {
    first: u32,
    own: &'o [Arc<str>],
    items: Option<&'o (u32, Arc<[Arc<str>]>)>,
    numbers: [f64; OF_OFFER.len()],
    offer: &'o OfferRule,
}

impl Fixed<'_> {
    /// Whether a fact is about the item that the offer carries.
    fn of_item(&self, fact: FactId) -> bool {
        self.items.is_some_and(|(first, _)| (*first..self.first).contains(&fact.0))
    }

    /// A fact about an item, of an offer that carries none.
    fn no_item(&self, fact: FactId) -> Read {
        let name = self.items.and_then(|(first, names)| names.get(fact.0.checked_sub(*first)? as usize));
        Read::missing(name.map_or_else(|| Arc::from("item"), |name| format!("item.{name}").into()))
    }

    /// A fact about the offer; `None` when it is about something else.
    fn read(&self, fact: FactId) -> Option<Read> {
        let place = usize::try_from(fact.0.checked_sub(self.first)?).ok()?;
        if let Some(number) = self.numbers.get(place) {
            return Some(Read::known(Value::Double(*number)));
        }
        let place = place.checked_sub(self.numbers.len())?;
        let (name, value) = match DECLARED.get(place) {
            Some(name) => (*name, declared(self.offer, name)),
            None => {
                let place = place - DECLARED.len();
                (&**self.own.get(place)?, self.offer.own.get(place).cloned().flatten())
            }
        };
        Some(value.map_or_else(|| Read::missing(format!("offer.{name}").into()), Read::known))
    }
}

impl Facts for Fixed<'_> {
    fn now(&self) -> Timestamp {
        Timestamp::MIN
    }

    fn zone(&self) -> Option<Zone> {
        None
    }

    fn fact(&self, fact: FactId) -> Read {
        self.read(fact).unwrap_or_else(|| Read { value: Answer::Unknown(Missing::default()), until: None })
    }

    fn events(&self, _: &[EventKind], _: Span, _: &mut dyn FnMut(&dyn EventRow) -> ControlFlow<()>) {}

    fn next_event(&self, _: &[EventKind]) -> Option<Timestamp> {
        None
    }
    fn session(&self) -> Option<(Timestamp, Timestamp)> {
        None
    }
}
