use super::rules::CatalogRules;
use crate::catalog::Catalog;
use crate::context::Context;
use crate::expr::{EventKind, EventRow, Facts};
use crate::value::{Span, Timestamp, Value};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// What the customer did with items, as far as it may be read.
#[derive(Debug, Default)]
pub(super) struct Own {
    /// When each item was bought, in order, each instant once; what shares a basket was bought when the basket was complete.
    pub(super) bought: BTreeMap<u32, Vec<Timestamp>>,
    /// When it was last given back.
    pub(super) returned: BTreeMap<u32, Timestamp>,
    /// When it was last looked at.
    pub(super) seen: BTreeMap<u32, Timestamp>,
    /// How many events were about items that the catalog does not have.
    pub(super) unknown: usize,
}

impl Own {
    pub(super) fn read(rules: &CatalogRules, catalog: &Catalog, context: &Context<'_>) -> Self {
        let mut own = Own::default();
        let mut unknown = 0;
        let mut lines: Vec<(u32, Timestamp, Option<Value>)> = Vec::new();
        each(rules, catalog, context, &rules.bought, &mut unknown, |item, row| {
            lines.push((item, row.time(), rules.basket.and_then(|basket| row.property(basket))));
        });
        own.buy(lines);
        each(rules, catalog, context, &rules.returned, &mut unknown, |item, row| {
            own.returned.insert(item, row.time());
        });
        each(rules, catalog, context, &rules.seen, &mut unknown, |item, row| {
            own.seen.insert(item, row.time());
        });
        own.unknown = unknown;
        own
    }

    /// The lines of one basket are one purchase, though they may have been written minutes apart.
    fn buy(&mut self, lines: Vec<(u32, Timestamp, Option<Value>)>) {
        let named = |basket: &Option<Value>| basket.as_ref().map(|name| name.to_json().to_string());
        let mut complete: BTreeMap<String, Timestamp> = BTreeMap::new();
        for (_, time, basket) in &lines {
            complete.extend(named(basket).map(|name| (name, *time)));
        }
        for (item, time, basket) in lines {
            let time = named(&basket).and_then(|name| complete.get(&name).copied()).unwrap_or(time);
            self.bought.entry(item).or_default().push(time);
        }
        for times in self.bought.values_mut() {
            times.sort_unstable();
            times.dedup();
        }
    }

    /// When an item was last bought, unless it was given back since.
    pub(super) fn owned(&self, item: u32) -> Option<Timestamp> {
        let last = *self.bought.get(&item)?.last()?;
        self.returned.get(&item).is_none_or(|returned| *returned < last).then_some(last)
    }

    /// Whether it was given back and not bought again.
    pub(super) fn gave_back(&self, item: u32) -> bool {
        let last = self.bought.get(&item).and_then(|times| times.last());
        self.returned.get(&item).is_some_and(|returned| last.is_none_or(|last| last <= returned))
    }

    /// When any item of some was bought, in order.
    pub(super) fn bought_any(&self, items: &[u32]) -> Vec<Timestamp> {
        let mut times: Vec<Timestamp> = items.iter().filter_map(|item| self.bought.get(item)).flatten().copied().collect();
        times.sort_unstable();
        times.dedup();
        times
    }
}

fn each(
    rules: &CatalogRules,
    catalog: &Catalog,
    context: &Context<'_>,
    kinds: &[EventKind],
    unknown: &mut usize,
    mut visit: impl FnMut(u32, &dyn EventRow),
) {
    if kinds.is_empty() {
        return;
    }
    context.events(kinds, Span::lifetime(Facts::now(context)), &mut |row| {
        let mut about = |value: &Value| {
            if let Value::String(id) = value {
                match catalog.number(id) {
                    Some(item) => visit(item, row),
                    None => *unknown += 1,
                }
            }
        };
        if usize::from(row.kind().0) < rules.declared_events {
            row.property(rules.item).iter().for_each(about);
        } else if let Some(Value::List(items)) = rules.items.and_then(|items| row.property(items)) {
            items.iter().for_each(&mut about);
        }
        ControlFlow::Continue(())
    });
}
