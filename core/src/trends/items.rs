//! What customers do with the items of a catalog, as trends like all others: what is in one basket, what is wanted, how long it takes
//! to buy again. They are counted when the playbook declares suggestions that need them.

use super::cell::{Amount, Key, bucket};
use super::contribution::{Attributes, Contribution, of_row};
use super::rules::{Dimension, TrendRule, TrendRules, What};
use super::snapshot::Snapshot;
use crate::catalog::Catalog;
use crate::customer::{Derived, Reserved, StoryRow, View};
use crate::expr::{EventKind, PropertyId, Schema};
use crate::playbook::{CatalogSection, HowToSuggest, Playbook, SuggestOf};
use crate::value::{Span, Timestamp, Value};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// The most items of a basket that are paired, the first of it.
const PAIRED: usize = 50;

/// What is counted of items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ItemsOf {
    /// Baskets, or sessions when it is about looks.
    Baskets(bool),
    /// In how many an item is.
    Items(bool),
    /// In how many two items are.
    Pairs(bool),
    /// How many days it took to buy of a category again.
    Gaps,
}

/// Where items are found in the story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ItemReads {
    item: PropertyId,
    /// The items that an offer carries, of outcomes.
    items: Option<PropertyId>,
    /// Event types from this number on belong to the engine.
    declared_events: usize,
    bought: Vec<EventKind>,
    seen: Vec<EventKind>,
    basket: Option<PropertyId>,
    /// A longer pause between looks ends a session, in microseconds.
    gap: i64,
}

/// The trends that the suggestions of a playbook need, and where they read.
pub(super) fn item_trends(playbook: &Playbook, schema: &Schema, reserved: &Reserved) -> Option<(ItemReads, Vec<TrendRule>)> {
    let section = playbook.catalog.as_ref()?;
    let kinds = |names: &[crate::playbook::Name]| names.iter().filter_map(|name| schema.event(&name.text)).collect();
    let reads = ItemReads {
        item: schema.property(&section.item.text)?,
        items: reserved.items.and_then(|_| schema.property("items")),
        declared_events: playbook.events.len(),
        bought: kinds(&section.bought),
        seen: kinds(&section.seen),
        basket: section.basket.as_ref().and_then(|name| schema.property(&name.text)),
        gap: playbook.session_gap.micros(),
    };
    let mut trends: Vec<TrendRule> = Vec::new();
    let mut add = |name: String, what: ItemsOf, dimensions: Vec<(Arc<str>, Dimension)>| {
        if trends.iter().all(|trend| *trend.name != *name) {
            trends.push(rule(section, name, what, dimensions));
        }
    };
    let item = || (Arc::from("item"), Dimension::Item);
    let word = |seen: bool| if seen { "seen" } else { "bought" };
    for suggestion in &playbook.suggestions {
        let seen = suggestion.of == SuggestOf::Seen;
        match suggestion.how {
            HowToSuggest::BoughtTogether | HowToSuggest::SeenTogether => {
                let seen = suggestion.how == HowToSuggest::SeenTogether;
                add(format!("baskets_{}", word(seen)), ItemsOf::Baskets(seen), Vec::new());
                add(format!("items_{}", word(seen)), ItemsOf::Items(seen), vec![item()]);
                let pair = vec![item(), (Arc::from("with"), Dimension::Item)];
                add(format!("{}_together", word(seen)), ItemsOf::Pairs(seen), pair);
            }
            HowToSuggest::Popular => {
                add(format!("items_{}", word(seen)), ItemsOf::Items(seen), vec![item()]);
                let Some(by) = &suggestion.by else { continue };
                let place = playbook.attributes.iter().position(|attribute| attribute.name.text == by.text);
                let dimension = match place {
                    _ if *by.text == *"segment" => Dimension::Segment,
                    Some(place) => Dimension::Attribute(place),
                    None => continue,
                };
                let dimensions = vec![item(), (by.text.clone(), dimension)];
                add(format!("items_{}_by_{}", word(seen), by.text), ItemsOf::Items(seen), dimensions);
            }
            HowToSuggest::DueAgain => {
                add("days_between_purchases".to_owned(), ItemsOf::Gaps, vec![(Arc::from("category"), Dimension::Item)]);
            }
            HowToSuggest::Complements | HowToSuggest::AfterEvent => {
                add("items_bought".to_owned(), ItemsOf::Items(false), vec![item()]);
            }
            HowToSuggest::NextSize | HowToSuggest::StillLooking => {}
        }
    }
    Some((reads, trends))
}

fn rule(section: &CatalogSection, name: String, what: ItemsOf, dimensions: Vec<(Arc<str>, Dimension)>) -> TrendRule {
    TrendRule {
        counted: format!("{what:?}"),
        name: Arc::from(name),
        what: What::Items(what),
        dimensions,
        sum: None,
        scale: 0,
        histogram: None,
        half_life: section.half_life.map(|length| length.micros().max(1)),
        epoch: section.epoch.micros().max(1),
        k: section.k,
    }
}

/// Items that belong together, as their numbers.
struct Basket<'a> {
    /// From when on it counts.
    time: Timestamp,
    items: Vec<u32>,
    /// Its last event.
    last: StoryRow<'a>,
}

/// What one customer does with items.
pub(super) struct ItemsSeen<'a> {
    bought: Vec<Basket<'a>>,
    seen: Vec<Basket<'a>>,
}

impl<'a> ItemsSeen<'a> {
    pub(super) fn of(reads: &ItemReads, catalog: &Catalog, view: &View<'a>) -> Self {
        ItemsSeen {
            bought: baskets(reads, catalog, view, &reads.bought, false),
            seen: baskets(reads, catalog, view, &reads.seen, true),
        }
    }

    /// Adds to a contribution what a trend counts.
    pub(super) fn count(
        &self,
        contribution: &mut Contribution,
        rules: &TrendRules,
        (trend, rule): (u16, &TrendRule),
        what: ItemsOf,
        catalog: &Catalog,
        (derived, told): (&Derived, Attributes<'_>),
    ) {
        let id = |number: u32| catalog.get(number).map(|item| item.id.clone());
        let one = Amount { count: 1, sum: 0 };
        let mut add = |time: Timestamp, values: Vec<Arc<str>>, bucket: Option<i32>| {
            let key = Key { trend, values: values.into(), bucket };
            contribution.0.entry((key, time.micros().div_euclid(rule.epoch))).or_default().add(one);
        };
        match what {
            ItemsOf::Baskets(seen) => self.side(seen).iter().for_each(|basket| add(basket.time, Vec::new(), None)),
            ItemsOf::Items(seen) => {
                for basket in self.side(seen) {
                    let groups: Option<Vec<Arc<str>>> = rule.dimensions.get(1).map(|(_, dimension)| match dimension {
                        Dimension::Attribute(place) => told(*place, basket.last.time()).and_then(named).into_iter().collect(),
                        dimension => of_row(rules, derived, &basket.last, *dimension).into_iter().collect(),
                    });
                    for item in basket.items.iter().filter_map(|number| id(*number)) {
                        match &groups {
                            None => add(basket.time, vec![item], None),
                            Some(groups) => {
                                groups.iter().for_each(|group| add(basket.time, vec![item.clone(), group.clone()], None))
                            }
                        }
                    }
                }
            }
            ItemsOf::Pairs(seen) => {
                for basket in self.side(seen) {
                    let mut items: Vec<Arc<str>> = basket.items.iter().take(PAIRED).filter_map(|number| id(*number)).collect();
                    items.sort();
                    for (place, item) in items.iter().enumerate() {
                        for with in items.iter().skip(place + 1) {
                            add(basket.time, vec![item.clone(), with.clone()], None);
                        }
                    }
                }
            }
            ItemsOf::Gaps => {
                let mut last: BTreeMap<Arc<str>, Timestamp> = BTreeMap::new();
                for basket in &self.bought {
                    let time = basket.last.time();
                    let mut categories: Vec<Arc<str>> =
                        basket.items.iter().filter_map(|number| catalog.get(*number)?.category.clone()).collect();
                    categories.sort();
                    categories.dedup();
                    for category in categories {
                        let before = last.insert(category.clone(), time);
                        if let Some(before) = before.filter(|before| *before < time) {
                            let days = (time.micros() - before.micros()) as f64 / 86_400_000_000.0;
                            add(basket.time, vec![category], Some(bucket(days)));
                        }
                    }
                }
            }
        }
    }

    fn side(&self, seen: bool) -> &[Basket<'a>] {
        if seen { &self.seen } else { &self.bought }
    }
}

/// The name of a group of customers who have a value.
fn named(value: Value) -> Option<Arc<str>> {
    match value {
        Value::String(text) => Some(text),
        Value::Bool(value) => Some(Arc::from(if value { "true" } else { "false" })),
        Value::Int(number) => Some(Arc::from(number.to_string())),
        _ => None,
    }
}

/// Purchases of one basket: those that share its property, else those of one instant. Looks of one session: those without a longer
/// pause between them.
fn baskets<'a>(reads: &ItemReads, catalog: &Catalog, view: &View<'a>, kinds: &[EventKind], seen: bool) -> Vec<Basket<'a>> {
    let mut list: Vec<Basket<'a>> = Vec::new();
    let mut named: BTreeMap<Arc<str>, usize> = BTreeMap::new();
    let mut before: Option<Timestamp> = None;
    view.events(kinds, Span::lifetime(Timestamp::MAX), &mut |row| {
        let schema = row.strand().layout().schema();
        let property = |id: PropertyId| row.value(schema.event_decl(row.kind())?.column(id)?);
        let known = |value: &Value| if let Value::String(item) = value { catalog.number(item) } else { None };
        let numbers: Vec<u32> = if usize::from(row.kind().0) < reads.declared_events {
            property(reads.item).iter().filter_map(known).collect()
        } else if let Some(Value::List(items)) = reads.items.and_then(property) {
            items.iter().filter_map(known).collect()
        } else {
            Vec::new()
        };
        if numbers.is_empty() {
            return ControlFlow::Continue(());
        }
        let name = if seen { None } else { reads.basket.and_then(property) };
        let name = name.map(|name| match name {
            Value::String(name) => name,
            other => Arc::from(other.to_json().to_string()),
        });
        let pause = if seen { reads.gap } else { 0 };
        let joined = before.is_some_and(|before| row.time().micros() - before.micros() <= pause);
        before = Some(row.time());
        let place = match &name {
            Some(name) => named.get(name).copied(),
            None => list.len().checked_sub(1).filter(|_| joined),
        };
        // An event counts from when it was known on.
        let time = row.time().max(row.known_at());
        match place.and_then(|place| list.get_mut(place)) {
            Some(basket) => {
                for number in numbers {
                    if !basket.items.contains(&number) {
                        basket.items.push(number);
                    }
                }
                basket.time = basket.time.max(time);
                basket.last = row;
            }
            None => {
                named.extend(name.map(|name| (name, list.len())));
                let mut items: Vec<u32> = Vec::with_capacity(numbers.len());
                for number in numbers {
                    if !items.contains(&number) {
                        items.push(number);
                    }
                }
                list.push(Basket { time, items, last: row });
            }
        }
        ControlFlow::Continue(())
    });
    list
}

impl Snapshot {
    /// The trends of items: name, what is counted, and by what else.
    pub(crate) fn item_trends(&self) -> Vec<(String, ItemsOf, Option<Arc<str>>)> {
        let rules = self.rules.trends.iter();
        rules
            .filter_map(|rule| match rule.what {
                What::Items(what) => {
                    let group = match what {
                        ItemsOf::Items(_) => rule.dimensions.get(1).map(|(name, _)| name.clone()),
                        _ => None,
                    };
                    Some((rule.name.to_string(), what, group))
                }
                _ => None,
            })
            .collect()
    }
}
