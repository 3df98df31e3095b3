//! Which items of the catalog are suggested to a customer, and why.

use super::{Asked, QueryError, Question, Subject};
use crate::engine::Engine;
use crate::suggest::{Asking, Left, Shelf, Suggested, suggested};
use crate::trends::TrendError;
use crate::value::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The items that a suggestion finds for a customer, best first, each with the reason why. Nothing that the customer has or gave back
/// is among them unless it is bought again and again.
///
/// What others did comes from the trends that the host gave the engine; where it gave none, a base counts its own customers up to `at`,
/// which takes time in proportion to all their stories.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Suggest {
    /// The suggestion; by default all, in the order of the playbook.
    suggestion: Option<String>,
    /// The instant; later events are not seen.
    now: Timestamp,
    /// Up to when knowledge counts; by default `now`.
    known_at: Option<Timestamp>,
    /// Up to when a base counts what others did; by default `now`.
    at: Option<Timestamp>,
    /// At most so many items of each suggestion, 1 to 1000; by default 10.
    at_most: Option<usize>,
}

/// What is suggested to a customer.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "suggestions")]
pub(super) struct SuggestAnswer<'a> {
    /// The customer's id.
    customer: &'a str,
    /// In the order of the playbook.
    suggestions: Vec<Found>,
    /// How many events of the customer are about items that the catalog does not have; they count for nothing.
    unknown_items: usize,
}

/// What one suggestion finds.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "suggestion_found")]
pub(super) struct Found {
    /// The suggestion.
    suggestion: String,
    /// The items, best first.
    items: Vec<With>,
    /// How many items it found that may not be suggested.
    left_out: Left,
}

/// An item, and why in words.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "suggested_item_with_reason")]
pub(super) struct With {
    #[serde(flatten)]
    item: Suggested,
    /// Why it is there, in words.
    reason: String,
}

impl Question for Suggest {
    const NAME: &'static str = "suggest";
    const SUBJECT: Subject = Subject::Customer;
    type Answer<'a> = SuggestAnswer<'a>;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<SuggestAnswer<'a>, QueryError> {
        let customer = asked.customer()?;
        let counted;
        let mut engine: &Engine = asked.engine;
        if let (Some(base), Some(_), None) = (asked.base, engine.shelf(), engine.trends_for(None, self.now)) {
            let mut trends = engine.trends();
            base.observe(&mut trends);
            let wrong = |error: TrendError| QueryError::new(error.code(), "at", error.to_string());
            let at = self.at.unwrap_or(self.now);
            counted = engine.with_trends(trends.snapshot(at, None).map_err(wrong)?).map_err(wrong)?;
            engine = &counted;
        }
        let Some(all) = engine.suggestions() else {
            let message = "the playbook declares no `catalog`, so there is nothing to suggest";
            return Err(QueryError::new("no_catalog", "", message));
        };
        let names = || all.list.iter().map(|rule| &*rule.name);
        if let Some(name) = self.suggestion.as_ref().filter(|name| names().all(|known| *known != ***name)) {
            return Err(QueryError::undeclared("suggestion", "suggestion", name, names()));
        }
        let at_most = self.at_most.unwrap_or(10);
        if !(1..=1_000).contains(&at_most) {
            return Err(QueryError::new("wrong_value", "at_most", "expected 1 to 1000"));
        }
        let nothing = Shelf::default();
        let shelf = engine.shelf().unwrap_or(&nothing);
        let known_at = self.known_at.unwrap_or(self.now);
        Ok(engine.look(customer, self.now, known_at, |context, _| {
            let asking = Asking::new(&all.catalog, &all.list, shelf, context);
            let wanted = all.list.iter().filter(|rule| self.suggestion.as_ref().is_none_or(|name| *rule.name == **name));
            let suggestions = wanted
                .map(|rule| {
                    let mut left_out = Left::default();
                    let items = suggested(&asking, rule, at_most, &|_| false, &mut left_out).into_iter();
                    let items = items.map(|item| With { reason: item.reason(), item }).collect();
                    Found { suggestion: rule.name.to_string(), items, left_out }
                })
                .collect();
            SuggestAnswer { customer: customer.id(), suggestions, unknown_items: asking.unknown() }
        }))
    }
}
