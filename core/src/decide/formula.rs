use super::rules::OfferRule;
use crate::context::{Context, Rule};
use crate::error::Diagnostic;
use crate::expr::{
    Answer, EventKind, EventRow, Expected, FactId, Facts, Folded, Measure, Missing, PropertyId, Read, Run, Schema, SubjectId,
    TimeClass,
};
use crate::playbook::{PARTS, Text};
use crate::value::{Span, Timestamp, Type, Value, Zone};
use std::ops::ControlFlow;
use std::sync::Arc;

/// What a formula reads of the offer that it ranks, in the order of their numbers.
const OF_OFFER: [&str; 7] = ["propensity", "context", "value", "lever", "cost", "margin", "priority"];

/// What else it reads of the offer: what is declared of it, in the order of their numbers, after the numbers.
const DECLARED: [&str; 6] = ["name", "group", "category", "tags", "from", "until"];

/// A compiled formula.
#[derive(Debug, Clone)]
pub(crate) struct Formula {
    pub(crate) rule: Arc<Rule>,
    /// The number of the first fact about the offer; the others follow.
    first: u32,
}

impl Formula {
    pub(super) fn compile(text: &Text, schema: &Schema, findings: &mut Vec<Diagnostic>) -> Option<Self> {
        let mut schema = schema.clone();
        let first = u32::try_from(schema.facts().len()).unwrap_or(u32::MAX);
        for name in OF_OFFER {
            schema.declare_fact(&format!("offer.{name}"), Type::Double, TimeClass::Constant);
        }
        for name in DECLARED {
            let kind = match name {
                "tags" => Type::List(Box::new(Type::String)),
                "from" | "until" => Type::Timestamp,
                _ => Type::String,
            };
            schema.declare_fact(&format!("offer.{name}"), kind, TimeClass::Constant);
        }
        let rule = Rule::compile(text, &schema, &Expected::Number, findings)?;
        Some(Formula { rule: Arc::new(rule), first })
    }

    /// The score of an offer whose factors are known; `None` when the formula has none.
    pub(super) fn score(&self, offer: &OfferRule, factors: [f64; 4], context: &Context<'_>) -> Option<f64> {
        let numbers = numbers(offer, factors);
        let facts = OfOffer { context, own: Fixed { first: self.first, numbers, offer } };
        number(self.rule.ask(&facts).outcome.value()?)
    }

    /// The score of an offer whose factors are the same for everybody, where the formula reads nothing but the offer.
    pub(super) fn constant(&self, offer: &OfferRule, factors: [f64; 4]) -> Option<f64> {
        let reads = self.rule.reads();
        let own = reads.facts.iter().all(|fact| fact.0 >= self.first) && reads.names.is_empty() && reads.trends.is_empty();
        let still = reads.subjects.is_empty() && reads.events.is_empty() && !reads.now && !reads.zone && !reads.session;
        let facts = Fixed { first: self.first, numbers: numbers(offer, factors), offer };
        (own && still).then(|| number(self.rule.ask(&facts).outcome.value()?)).flatten()
    }

    /// Why there is no score.
    pub(super) fn reasons(&self, offer: &OfferRule, factors: [f64; 4], context: &Context<'_>) -> Vec<String> {
        let numbers = numbers(offer, factors);
        let facts = OfOffer { context, own: Fixed { first: self.first, numbers, offer } };
        crate::expr::explain(self.rule.checked(), &facts).reasons()
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
    let [group, category, ..] = &offer.traits;
    match name {
        "name" => Some(Value::String(offer.name.clone())),
        "group" => group.clone().map(Value::String),
        "category" => category.clone().map(Value::String),
        "tags" => Some(Value::List(offer.tags.iter().map(|tag| Value::String(tag.clone())).collect())),
        "from" => offer.from.map(Value::from),
        "until" => offer.until.map(Value::from),
        _ => None,
    }
}

/// A context, and what is read of one offer beside it.
#[derive(Debug)]
struct OfOffer<'c, 'a> {
    context: &'c Context<'a>,
    own: Fixed<'c>,
}

impl Facts for OfOffer<'_, '_> {
    fn now(&self) -> Timestamp {
        Facts::now(self.context)
    }

    fn zone(&self) -> Option<Zone> {
        Facts::zone(self.context)
    }

    fn fact(&self, fact: FactId) -> Read {
        self.own.read(fact).unwrap_or_else(|| Facts::fact(self.context, fact))
    }

    fn has(&self, fact: FactId) -> bool {
        self.own.read(fact).map_or_else(|| Facts::has(self.context, fact), |read| matches!(read.value, Answer::Known(_)))
    }

    fn fact_as_of(&self, fact: FactId, at: Timestamp) -> Option<Read> {
        Facts::fact_as_of(self.context, fact, at)
    }

    fn fact_of(&self, fact: FactId, key: &str) -> Read {
        Facts::fact_of(self.context, fact, key)
    }

    fn trend(&self, trend: u16, measure: Measure, values: &[Arc<str>]) -> Option<f64> {
        Facts::trend(self.context, trend, measure, values)
    }

    fn begins(&self) -> Option<Timestamp> {
        Facts::begins(self.context)
    }

    fn withheld(&self, kinds: &[EventKind]) -> Option<Arc<str>> {
        Facts::withheld(self.context, kinds)
    }

    fn events(&self, kinds: &[EventKind], span: Span, visit: &mut dyn FnMut(&dyn EventRow) -> ControlFlow<()>) {
        Facts::events(self.context, kinds, span, visit);
    }

    fn run(&self, kinds: &[EventKind], span: Span, properties: &[PropertyId]) -> Option<Run<'_>> {
        Facts::run(self.context, kinds, span, properties)
    }

    fn folded(&self, kinds: &[EventKind], span: Span, property: Option<PropertyId>) -> Option<Folded> {
        Facts::folded(self.context, kinds, span, property)
    }

    fn next_event(&self, kinds: &[EventKind]) -> Option<Timestamp> {
        Facts::next_event(self.context, kinds)
    }

    fn beside(&self, subject: SubjectId) -> Option<&dyn Facts> {
        Facts::beside(self.context, subject)
    }

    fn session(&self) -> Option<(Timestamp, Timestamp)> {
        Facts::session(self.context)
    }
}

/// What is read of an offer, and nothing else.
#[derive(Debug)]
struct Fixed<'o> {
    first: u32,
    numbers: [f64; OF_OFFER.len()],
    offer: &'o OfferRule,
}

impl Fixed<'_> {
    /// A fact about the offer; `None` when it is about something else.
    fn read(&self, fact: FactId) -> Option<Read> {
        let place = usize::try_from(fact.0.checked_sub(self.first)?).ok()?;
        if let Some(number) = self.numbers.get(place) {
            return Some(Read::known(Value::Double(*number)));
        }
        let name = DECLARED.get(place.checked_sub(self.numbers.len())?)?;
        Some(declared(self.offer, name).map_or_else(|| Read::missing(format!("offer.{name}").into()), Read::known))
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
