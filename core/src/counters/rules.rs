use super::Claim;
use super::together::Together;
use crate::expr::EventKind;
use crate::playbook::{self, ALL_CUSTOMERS, Clock, MONEY_SCALE, Name, Playbook};
use crate::value::{Decimal, Span, Timestamp, Unit, Window, Zone};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a playbook limits: for all customers together, or for each.
#[derive(Debug, Clone, Default)]
pub(crate) struct CounterRules {
    pub(crate) rules: Vec<CounterRule>,
    /// What each offer costs, in millionths.
    costs: BTreeMap<Arc<str>, i64>,
    zone: Option<Zone>,
}

/// One limit.
#[derive(Debug, Clone)]
pub(crate) struct CounterRule {
    /// Its name in traces, such as `inventory.coffee`.
    pub(crate) name: Arc<str>,
    what: What,
    /// The outcome that counts, beside reservations.
    pub(crate) outcome: (Arc<str>, EventKind),
    /// Pieces, or money in millionths.
    pub(crate) at_most: i64,
    pub(crate) per: Window,
    /// Whose outcomes count together.
    pub(crate) whose: Whose,
    /// By whose clock, where it is not the playbook's.
    zone: Option<Zone>,
}

/// Whose outcomes a limit counts together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// Those of all customers, which [`Counters`](super::Counters) count.
    All,
    /// The customer's own.
    Customer,
    /// Those of all members of a relation and its group, by number.
    Relation(usize),
}

#[derive(Debug, Clone)]
enum What {
    /// Pieces of an offer.
    Inventory(Arc<str>),
    /// Money, for some offers or for all.
    Budget(BTreeSet<Arc<str>>, Decimal),
    /// Outcomes, counted together by scope.
    Cap(Together),
}

/// Where something is shown, or was.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) offer: &'a str,
    pub(crate) placement: &'a str,
    pub(crate) channel: &'a str,
}

impl CounterRules {
    /// `kind` gives the event type of an outcome, `relation` the number of a relation.
    pub(crate) fn of(
        playbook: &Playbook,
        kind: &dyn Fn(&str) -> Option<EventKind>,
        relation: &dyn Fn(&str) -> Option<usize>,
    ) -> Self {
        let outcome = |name: &Name| Some((name.text.clone(), kind(&name.text)?));
        let mut rules = Vec::new();
        for offer in &playbook.offers {
            for (number, stock) in offer.inventory.iter().enumerate() {
                let one = offer.inventory.len() == 1;
                let name = if one { offer.name.text.to_string() } else { format!("{}.{number}", offer.name.text) };
                rules.extend(outcome(&stock.count).map(|outcome| CounterRule {
                    name: format!("inventory.{name}").into(),
                    what: What::Inventory(offer.name.text.clone()),
                    outcome,
                    at_most: i64::try_from(stock.at_most).unwrap_or(i64::MAX),
                    per: stock.per,
                    whose: Whose::All,
                    zone: None,
                }));
            }
        }
        for budget in &playbook.budgets {
            let offers = budget.offers.iter().map(|name| name.text.clone()).collect();
            let whose = match &budget.subject {
                None => Whose::All,
                Some(subject) => relation(&subject.text).map_or(Whose::Customer, Whose::Relation),
            };
            rules.extend(outcome(&budget.count).map(|outcome| CounterRule {
                name: format!("budgets.{}", budget.name.text).into(),
                what: What::Budget(offers, budget.amount),
                outcome,
                at_most: i64::try_from(budget.amount.units()).unwrap_or(i64::MAX),
                per: budget.per,
                whose,
                zone: None,
            }));
        }
        for rule in &playbook.contact {
            let (playbook::Demand::Cap { count, at_most, per }, Some(subject)) = (&rule.demand, &rule.subject) else {
                continue;
            };
            if let (true, Some(at_most)) = (*subject.text == *ALL_CUSTOMERS, at_most.number()) {
                rules.extend(count.first().and_then(outcome).map(|outcome| CounterRule {
                    name: rule.name.clone(),
                    what: What::Cap(Together::of(rule, playbook)),
                    outcome,
                    at_most: i64::from(at_most),
                    per: *per,
                    whose: Whose::All,
                    zone: match rule.clock {
                        Clock::Zone(zone) => Some(zone),
                        Clock::Customer { .. } => None,
                    },
                }));
            }
        }
        let cost = |offer: &playbook::Offer| Some((offer.name.text.clone(), i64::try_from(offer.cost?.units()).ok()?));
        CounterRules { rules, costs: playbook.offers.iter().filter_map(cost).collect(), zone: Some(playbook.time_zone) }
    }

    /// Whether nothing is limited for all customers together.
    pub(crate) fn is_empty(&self) -> bool {
        self.rules.iter().all(|rule| rule.whose != Whose::All)
    }

    /// The limits that may concern an offer, by number.
    pub(crate) fn concerning(&self, offer: &str) -> Vec<usize> {
        let costs = self.cost(offer) != 0;
        let concerns = |rule: &CounterRule| match &rule.what {
            What::Inventory(own) => **own == *offer,
            What::Budget(offers, _) => costs && (offers.is_empty() || offers.contains(offer)),
            What::Cap(together) => together.binds(offer),
        };
        self.rules.iter().enumerate().filter(|(_, rule)| concerns(rule)).map(|(number, _)| number).collect()
    }

    /// What an offer costs, in millionths.
    pub(crate) fn cost(&self, offer: &str) -> i64 {
        self.costs.get(offer).copied().unwrap_or(0)
    }

    pub(crate) fn zone(&self) -> Zone {
        self.zone.unwrap_or(Zone::UTC)
    }

    /// What showing an offer somewhere takes of each counter, for a cost that was frozen or else today's; those of one outcome, or all.
    pub(crate) fn claims(
        &self,
        whose: Whose,
        at: Place<'_>,
        cost: Option<i64>,
        outcome: Option<EventKind>,
        now: Timestamp,
    ) -> Vec<Claim> {
        let cost = cost.unwrap_or_else(|| self.cost(at.offer));
        let mut claims: Vec<Claim> = Vec::new();
        let rules = self.rules.iter().filter(|rule| rule.whose == whose);
        for rule in rules.filter(|rule| outcome.is_none_or(|outcome| outcome == rule.outcome.1)) {
            let (Some(key), amount) = (rule.key(at), rule.amount(cost)) else { continue };
            if amount == 0 {
                continue;
            }
            let limit = (rule.span(now, self.zone()), rule.limit(at.offer));
            match claims.iter_mut().find(|claim| *claim.key == *key) {
                Some(claim) => claim.limits.push(limit),
                None => claims.push(Claim { key: Arc::from(key), amount, limits: vec![limit] }),
            }
        }
        claims
    }
}

impl CounterRule {
    /// The counter for an offer somewhere; `None` when this limit does not concern it.
    pub(crate) fn key(&self, at: Place<'_>) -> Option<String> {
        let outcome = &self.outcome.0;
        match &self.what {
            What::Inventory(offer) => (**offer == *at.offer).then(|| format!("inventory.{offer}:{outcome}")),
            What::Budget(offers, _) => {
                (offers.is_empty() || offers.contains(at.offer)).then(|| format!("{}:{outcome}", self.name))
            }
            What::Cap(together) => together.key(at).map(|key| format!("{key}:{outcome}")),
        }
    }

    /// Whether its counter is the same for all offers of a placement.
    pub(crate) fn is_shared(&self) -> bool {
        !matches!(&self.what, What::Inventory(_)) && !matches!(&self.what, What::Cap(together) if together.tells_offers_apart())
    }

    pub(crate) fn amount(&self, cost: i64) -> i64 {
        if matches!(self.what, What::Budget(..)) { cost } else { 1 }
    }

    /// How many there may be with this offer among them: any number where it does not obey.
    fn limit(&self, offer: &str) -> i64 {
        match &self.what {
            What::Cap(together) if !together.binds(offer) => i64::MAX,
            _ => self.at_most,
        }
    }

    pub(crate) fn span(&self, now: Timestamp, zone: Zone) -> Span {
        match self.per {
            Window::Rolling(length) => Span::rolling(length, now),
            Window::Calendar(unit) => Span::from(unit.start(now, self.zone.unwrap_or(zone)), now),
            Window::Days(days) => Span::days(days, now, self.zone.unwrap_or(zone)),
            Window::Blocks(blocks) => Span::from(blocks.start(now, self.zone.unwrap_or(zone)), now),
            Window::Session | Window::Lifetime => Span::lifetime(now),
        }
    }

    /// Why something is not to be had, with how much is taken.
    pub(crate) fn words(&self, taken: i64) -> String {
        let window = match self.per {
            Window::Rolling(length) => format!(" in the last {length}"),
            Window::Calendar(Unit::Day) => " today".to_owned(),
            Window::Calendar(Unit::Week { .. }) => " this week".to_owned(),
            Window::Calendar(Unit::Month) => " this month".to_owned(),
            Window::Days(days) => format!(" in the last {days} days"),
            Window::Blocks(blocks) => format!(" {}", blocks.now_words()),
            Window::Session | Window::Lifetime => String::new(),
        };
        let name = &self.name;
        match &self.what {
            What::Budget(_, amount) => {
                let money = |units: i64| {
                    let text = Decimal::new(i128::from(units), MONEY_SCALE, None).amount_text();
                    let text = text.trim_end_matches('0').trim_end_matches('.').to_owned();
                    format!("{text} {}", amount.currency().map_or_else(String::new, |currency| currency.to_string()))
                };
                let together = if matches!(self.whose, Whose::Relation(_)) { ", all members together" } else { "" };
                format!("`{name}`: {} of {} spent{window}{together}", money(taken), money(self.at_most))
            }
            What::Inventory(_) => format!("`{name}`: {taken} of {} taken{window}", self.at_most),
            What::Cap(_) => {
                let outcome = &self.outcome.0;
                format!("`{name}`: `{outcome}` {taken} times{window}, all customers together, at most {} allowed", self.at_most)
            }
        }
    }
}
