use super::rules::CatalogRules;
use crate::catalog::Catalog;
use crate::context::Context;
use crate::expr::{EventKind, Facts};
use crate::value::{Span, Timestamp, Value};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// What the customer did with items, as far as it may be read.
#[derive(Debug, Default)]
pub(super) struct Own {
    /// When each item was bought, in order, each instant once.
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
        each(rules, catalog, context, &rules.bought, &mut unknown, |item, time| {
            let times = own.bought.entry(item).or_default();
            if times.last() != Some(&time) {
                times.push(time);
            }
        });
        each(rules, catalog, context, &rules.returned, &mut unknown, |item, time| {
            own.returned.insert(item, time);
        });
        each(rules, catalog, context, &rules.seen, &mut unknown, |item, time| {
            own.seen.insert(item, time);
        });
        own.unknown = unknown;
        own
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
    mut visit: impl FnMut(u32, Timestamp),
) {
    if kinds.is_empty() {
        return;
    }
    context.events(kinds, Span::lifetime(Facts::now(context)), &mut |row| {
        let mut about = |value: &Value| {
            if let Value::String(id) = value {
                match catalog.number(id) {
                    Some(item) => visit(item, row.time()),
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
