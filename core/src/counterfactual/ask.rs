use super::change::{Act, Changed, Trial};
use super::{budget, rules_of};
use crate::decide::{Decision, Detail, RequestError};
use crate::expr::{self, Answer, FactId, Facts};
use crate::receipt::Setting;
use crate::value::{Type, Value};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Values that are tried of one fact.
const MOST_VALUES: usize = 16;

/// What is worth asking, the most telling first.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "what_to_ask")]
pub(crate) struct Asking {
    /// What is decided as things are, by placement: the offers, or `fallback` or `silence`.
    pub(crate) now: BTreeMap<Arc<str>, Vec<Arc<str>>>,
    /// The facts that are not known and that could change it; by the share of their values that do, then by what is gained.
    pub(crate) ask: Vec<Question>,
    /// How many facts are not known and change nothing, whatever they are.
    pub(crate) idle: usize,
    /// Whether every value was tried.
    pub(crate) complete: bool,
}

/// A fact that is not known.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "question_to_ask")]
pub(crate) struct Question {
    /// The fact as expressions write it.
    pub(crate) fact: String,
    /// What people call it.
    pub(crate) title: Option<Arc<str>>,
    /// Its declared type.
    #[serde(rename = "type")]
    pub(crate) ty: String,
    /// `attribute`, which can be asked of the customer, or `request`, which the host may know.
    pub(crate) kind: &'static str,
    /// The offer that asks for it: the first of the playbook whose question fills the attribute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) offer: Option<Arc<str>>,
    /// The share of the values tried that change what is decided, 0 to 1.
    pub(crate) changes: f64,
    /// How much the scores of what is chosen rise on average over those values.
    pub(crate) gain: f64,
    /// What would be decided for each value tried.
    pub(crate) values: Vec<Outcome>,
}

/// What is decided for a value.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "value_tried")]
pub(crate) struct Outcome {
    /// The value.
    #[schemars(with = "serde_json::Value")]
    pub(crate) value: Value,
    /// Whether that changes what is decided.
    pub(crate) changes: bool,
    /// By placement: the offers, or `fallback` or `silence`.
    pub(crate) decided: BTreeMap<Arc<str>, Vec<Arc<str>>>,
}

/// Which unknown facts would most change what is decided. Each is tried with values on both sides of every threshold that a rule has for it.
pub(crate) fn what_to_ask(setting: &Setting<'_>) -> Result<Asking, RequestError> {
    let engine = setting.engine;
    let counters = setting.counters();
    let present = setting.decide_with(engine, setting.customer, &setting.request, counters, Detail::Brief)?.0;
    let (now, worth) = (decided(&present), worth(&present));
    let unknown = unknown(setting);
    let mut left = budget(engine.offers());
    let mut asking = Asking { now, ask: Vec::new(), idle: 0, complete: true };
    for (fact, values) in unknown {
        let mut tried: Vec<Outcome> = Vec::new();
        let mut gained = 0.0;
        let Some(kind) = values.first().map(|(kind, _, _)| *kind) else { continue };
        for (_, value, act) in values {
            if left == 0 {
                asking.complete = false;
                break;
            }
            left -= 1;
            let Some(changed) = Changed::new(setting, &[&act]) else { continue };
            let made = setting.decide_with(engine, &changed.customer, &changed.request, counters, Detail::Brief);
            let Ok((decision, _)) = made else { continue };
            let now = decided(&decision);
            gained += self::worth(&decision) - worth;
            tried.push(Outcome { value, changes: now != asking.now, decided: now });
        }
        let changing = tried.iter().filter(|outcome| outcome.changes).count();
        if changing == 0 {
            asking.idle += 1;
            continue;
        }
        let sources = &engine.model().rules.sources;
        let declared = sources.schema.fact_decl(fact);
        let path = sources.path(fact);
        let attribute = engine.playbook().attributes.iter().find(|own| path.strip_prefix("customer.") == Some(&*own.name.text));
        let fills = |offer: &&crate::playbook::Offer| {
            offer.question.as_ref().zip(attribute).is_some_and(|(question, own)| question.attribute.text == own.name.text)
        };
        asking.ask.push(Question {
            offer: engine.playbook().offers.iter().find(fills).map(|offer| offer.name.text.clone()),
            fact: path.to_string(),
            title: attribute.and_then(|attribute| attribute.title.clone()),
            ty: declared.map_or_else(String::new, |declared| declared.ty.to_string()),
            kind,
            changes: changing as f64 / tried.len() as f64,
            gain: gained / tried.len() as f64,
            values: tried,
        });
    }
    // Stable, so that equal ones stay in the order of the playbook.
    asking.ask.sort_by(|a, b| b.changes.total_cmp(&a.changes).then(b.gain.total_cmp(&a.gain)));
    Ok(asking)
}

/// A value to try: `attribute` or `request`, the value, and how it is told.
type Value3 = (&'static str, Value, Act);

/// The facts that are read by offers of these placements and are not known, with values to try.
fn unknown(setting: &Setting<'_>) -> Vec<(FactId, Vec<Value3>)> {
    let engine = setting.engine;
    let offers = engine.offers();
    let asked: BTreeSet<usize> = (0..offers.placements.len())
        .filter(|number| {
            offers.placements.get(*number).is_some_and(|own| setting.request.placements.iter().any(|name| **name == *own.name))
        })
        .collect();
    let here = |offer: &&crate::decide::OfferRule| {
        offer.placements.is_empty() || offer.placements.iter().any(|own| asked.contains(own))
    };
    let mut found: BTreeMap<u32, Vec<Value3>> = BTreeMap::new();
    let instant = (setting.now, setting.known_at);
    engine.look_asking(setting.customer, &setting.request, instant, |context| {
        for rule in offers.offers.iter().filter(here).flat_map(|offer| rules_of(engine, offer)) {
            for fact in &rule.reads().facts {
                if !matches!(Facts::fact(context, *fact).value, Answer::Unknown(_)) {
                    continue;
                }
                let own = found.entry(fact.0).or_default();
                let ty = engine.model().rules.sources.schema.fact_decl(*fact).map(|declared| declared.ty.clone());
                let whole: Vec<Value> = match ty {
                    Some(Type::Bool) => vec![Value::Bool(true), Value::Bool(false)],
                    Some(Type::Enum(names)) => names.iter().map(|name| Value::String(name.clone())).collect(),
                    _ => Vec::new(),
                };
                for value in whole {
                    add(own, engine, *fact, value);
                }
            }
            for (_, fact, value) in expr::changes(rule.checked(), context) {
                if let Some(fact) = fact
                    && let Some(own) = found.get_mut(&fact.0)
                {
                    add(own, engine, fact, value);
                }
            }
        }
    });
    found.into_iter().filter(|(_, values)| !values.is_empty()).map(|(fact, values)| (FactId(fact), values)).collect()
}

fn add(own: &mut Vec<Value3>, engine: &crate::engine::Engine, fact: FactId, value: Value) {
    let said = expr::Change { fact: String::new(), value: value.clone(), aim: expr::Beyond::Exactly };
    let Some(trial) = Trial::of_fact(engine, fact, said, value.clone()) else { return };
    if own.len() < MOST_VALUES && !own.iter().any(|(_, known, _)| *known == value) {
        own.push((trial.change.kind, value, trial.act));
    }
}

fn decided(decision: &Decision) -> BTreeMap<Arc<str>, Vec<Arc<str>>> {
    let told = |answer: &crate::decide::PlacementAnswer| match answer.offers() {
        [] => vec![Arc::from(answer.kind())],
        offers => offers.iter().map(|ranked| ranked.offer.clone()).collect(),
    };
    decision.placements.iter().map(|answer| (answer.placement.clone(), told(answer))).collect()
}

fn worth(decision: &Decision) -> f64 {
    decision.offers().map(|ranked| ranked.score).sum()
}
