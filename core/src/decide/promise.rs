use super::gates::{Detail, Stop, reasons_of};
use super::trace::Gate;
use crate::context::{Context, Rule};
use crate::error::Diagnostic;
use crate::expr::{Expected, Facts, Outcome, Schema};
use crate::playbook::Offer;
use crate::suggest::ItemFacts;
use crate::value::{Decimal, Value};
use serde::{Serialize, Serializer};
use std::sync::Arc;

/// What is promised with an offer, compiled.
#[derive(Debug)]
pub(crate) struct Promise {
    cost: Option<Decimal>,
    /// Name and expression.
    pub(crate) terms: Vec<(Arc<str>, Rule)>,
}

/// What was promised with an offer: its cost, and the values of its terms when it was decided. They hold whatever changes later.
#[derive(Clone, PartialEq)]
pub struct Terms {
    /// Name and value, the cost first.
    values: Vec<(Arc<str>, Value)>,
}

impl Promise {
    pub(super) fn compile(offer: &Offer, schema: &Schema, findings: &mut Vec<Diagnostic>) -> Option<Self> {
        if offer.terms.is_empty() && offer.cost.is_none() && offer.commitment.is_none() {
            return None;
        }
        let mut compile = |text| Rule::compile(text, schema, &Expected::Any, findings);
        let terms = offer.terms.iter().filter_map(|(name, text)| Some((name.text.clone(), compile(text)?))).collect();
        Some(Promise { cost: offer.cost, terms })
    }

    /// The values now. What is not known cannot be promised.
    pub(super) fn terms(&self, context: &Context<'_>, item: Option<&ItemFacts<'_, '_>>, detail: Detail) -> Result<Terms, Stop> {
        let cost = self.cost.map(|cost| (Arc::from("cost"), Value::text(&shortest(cost))));
        let mut values: Vec<(Arc<str>, Value)> = cost.into_iter().collect();
        for (name, rule) in &self.terms {
            match rule.ask(item.map_or(context as &dyn Facts, |item| item)).outcome {
                Outcome::Value(value) => values.push((name.clone(), value)),
                _ => {
                    let reason = || format!("the term `{name}` is not known, so that it cannot be promised");
                    let mut stop = Stop::because(Gate::Message, true, detail, reason);
                    if detail == Detail::Full && item.is_none() {
                        stop.reasons.extend(reasons_of(rule, context));
                    }
                    return Err(stop);
                }
            }
        }
        Ok(Terms { values })
    }
}

impl Terms {
    /// Name and value, in the order of the playbook; the cost first, as text.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.values.iter().map(|(name, value)| (&**name, value))
    }

    /// As a JSON object, as outcomes carry it.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Serialize for Terms {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.values.iter().map(|(name, value)| (&**name, value)))
    }
}

/// The names, not the values.
impl std::fmt::Debug for Terms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.values.iter().map(|(name, _)| name)).finish()
    }
}

/// An amount without zeros at its end.
fn shortest(amount: Decimal) -> String {
    let text = amount.amount_text();
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}
