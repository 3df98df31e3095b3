//! Which items of the catalog were shown often enough.

use super::super::reserved::open;
use super::super::rules::{Offers, PlacementRule};
use super::count::Entry;
use super::most;
use super::rules::{ContactRule, Demand};
use crate::context::Context;
use crate::customer::StoryRow;
use crate::expr::Facts;
use crate::value::{Span, Timestamp, Value, Zone};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

/// The items that contact rules hold back.
#[derive(Debug, Default)]
pub(in crate::decide) struct SpentItems {
    items: BTreeSet<Arc<str>>,
    /// Whether it is not known of a rule what it holds back, so that it holds back all.
    unknown: bool,
}

impl SpentItems {
    pub(super) fn add(&mut self, more: Option<BTreeSet<Arc<str>>>) {
        match more {
            Some(more) => self.items.extend(more),
            None => self.unknown = true,
        }
    }

    /// Whether an item is held back.
    pub(in crate::decide) fn holds(&self, item: &str) -> bool {
        self.unknown || self.items.contains(item)
    }
}

impl ContactRule {
    /// The items that the rule holds back; `None` when that is not known.
    pub(super) fn items(
        &self,
        number: usize,
        offers: &Offers,
        context: &Context<'_>,
        placement: &PlacementRule,
        at: Timestamp,
    ) -> Option<BTreeSet<Arc<str>>> {
        let Some(column) = offers.items else { return Some(BTreeSet::new()) };
        let kinds = self.kinds();
        let views = self.views(context)?;
        let zone = match &self.demand {
            Demand::Cap { per, .. } if per.is_calendar() => match self.zone(context).ok()? {
                Some((zone, _)) => zone,
                None => return Some(BTreeSet::new()),
            },
            _ => Zone::UTC,
        };
        let Some(span) = self.span(context, zone, at) else { return Some(BTreeSet::new()) };
        let keeps = matches!(&self.demand, Demand::Pause { times, .. } if *times > 1);
        let mut entries: BTreeMap<Arc<str>, Entry> = BTreeMap::new();
        for view in views {
            if view.folded(kinds, Span::lifetime(context.now()), None).is_some() {
                return None;
            }
            let mut add = |row: StoryRow<'_>| {
                if self.key(number, &row, offers, placement).is_some()
                    && let Some(Value::List(items)) = row.value(column)
                {
                    for item in items.iter() {
                        if let Value::String(item) = item {
                            entries.entry(item.clone()).or_default().add(row.time(), keeps);
                        }
                    }
                }
                ControlFlow::Continue(())
            };
            view.events(kinds, span, &mut add);
            if self.held(context).is_some() {
                open(view, &context.rules().sources.reserved, context.now()).into_iter().for_each(|row| _ = add(row));
            }
        }
        entries.values_mut().for_each(|entry| entry.times.sort_unstable());
        let most = match &self.demand {
            Demand::Cap { at_most, limit, .. } => most(*at_most, limit.as_deref(), context)?,
            _ => 0,
        };
        let holds = |entry: &Entry| match &self.demand {
            Demand::Cap { .. } => entry.count >= most,
            Demand::Pause { times, within, pause, .. } => entry.began(*times as usize, *within, *pause, at).is_some(),
            Demand::Gap { .. } => entry.count > 0,
            _ => false,
        };
        Some(entries.into_iter().filter(|(_, entry)| holds(entry)).map(|(item, _)| item).collect())
    }
}
