use super::contact::Taken;
use super::gates::{Detail, Stop};
use super::purse::Purses;
use super::rules::{OfferRule, Offers, PlacementRule};
use super::trace::Gate;
use crate::commitment::Commitment;
use crate::counters::{CounterRule, Counters, Place, Whose};
use crate::value::Timestamp;
use std::cell::OnceCell;

/// What holds offers back at one placement whatever the customer's own contacts: what is limited in number or money, and what is
/// overdue.
pub(super) struct Stock<'c, 'a> {
    offers: &'c Offers,
    /// What is limited for the customer.
    purses: &'c Purses<'c, 'a>,
    counters: Option<&'c dyn Counters>,
    now: Timestamp,
    placement: &'c PlacementRule,
    /// A promise that should have been kept.
    overdue: Option<&'c Commitment>,
    /// By limit: what is taken, where that is the same for all offers here.
    shared: Vec<OnceCell<i64>>,
}

impl<'c, 'a> Stock<'c, 'a> {
    pub(super) fn new(
        offers: &'c Offers,
        purses: &'c Purses<'c, 'a>,
        counters: Option<&'c dyn Counters>,
        now: Timestamp,
        placement: &'c PlacementRule,
        overdue: Option<&'c Commitment>,
    ) -> Self {
        let shared = vec![OnceCell::new(); offers.counters.rules.len()];
        Stock { offers, purses, counters, now, placement, overdue, shared }
    }

    /// Whether there is one left, with the slots that this decision has filled already.
    pub(super) fn pass(&self, offer: &OfferRule, taken: &[Taken<'_>], detail: Detail) -> Result<(), Stop> {
        if let Some(overdue) = self.overdue.filter(|_| offer.held) {
            let due = overdue.due.unwrap_or(self.now);
            let reason = || format!("`{}`, accepted on {}, is overdue since {due}", overdue.offer, overdue.since);
            return Err(Stop::because(Gate::Contact, false, detail, reason));
        }
        if offer.counted.is_empty() {
            return Ok(());
        }
        let rules = &self.offers.counters;
        for number in &offer.counted {
            let Some(rule) = rules.rules.get(*number) else { continue };
            let Some(key) = rule.key(at(offer, self.placement)) else { continue };
            let amount = rule.amount(rules.cost(&offer.name));
            let here = taken.iter().filter(|taken| rule.key(at(taken.offer, taken.placement)).as_ref() == Some(&key));
            let here = here.map(|taken| rule.amount(rules.cost(&taken.offer.name))).fold(0, i64::saturating_add);
            let before = match (rule.whose, self.counters) {
                (Whose::All, Some(counters)) => self.taken(counters, *number, rule, &key),
                (Whose::All, None) => {
                    let reason = || format!("`{}`: what others took is not known here", rule.name);
                    return Err(Stop::because(Gate::Inventory, true, detail, reason));
                }
                (Whose::Customer | Whose::Relation(_), _) => self.purses.taken(rule, &key, detail)?,
            };
            if before.saturating_add(here).saturating_add(amount) > rule.at_most {
                let reason = || rule.words(before.saturating_add(here));
                return Err(Stop::because(Gate::Inventory, false, detail, reason));
            }
        }
        Ok(())
    }

    fn taken(&self, counters: &dyn Counters, number: usize, rule: &CounterRule, key: &str) -> i64 {
        let read = || counters.taken(key, rule.span(self.now, self.offers.counters.zone()));
        match self.shared.get(number).filter(|_| rule.is_shared()) {
            Some(cell) => *cell.get_or_init(read),
            None => read(),
        }
    }
}

fn at<'p>(offer: &'p OfferRule, placement: &'p PlacementRule) -> Place<'p> {
    Place { offer: &offer.name, placement: &placement.name, channel: &placement.channel }
}
