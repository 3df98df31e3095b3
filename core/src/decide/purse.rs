//! What is limited for the customer alone, or for those who belong together: it is counted in their stories, whoever else there is.

use super::gates::{Detail, Stop};
use super::rules::Offers;
use super::trace::Gate;
use crate::context::Context;
use crate::counters::{CounterRule, Counters, MemoryCounters, Whose, counted, told};
use crate::customer::View;
use crate::expr::Facts;
use crate::value::{Span, Window};
use std::cell::OnceCell;

/// What was spent, counted when it is first asked for.
pub(super) struct Purses<'r, 'a> {
    offers: &'r Offers,
    /// All of the story.
    whole: &'r Context<'a>,
    /// Whether there is always enough.
    unlimited: bool,
    /// By whose it is.
    told: Vec<(Whose, OnceCell<MemoryCounters>)>,
}

impl<'r, 'a> Purses<'r, 'a> {
    pub(super) fn new(offers: &'r Offers, whole: &'r Context<'a>, unlimited: bool) -> Self {
        let mut told: Vec<(Whose, OnceCell<MemoryCounters>)> = Vec::new();
        for rule in offers.counters.rules.iter().filter(|rule| rule.whose != Whose::All) {
            if told.iter().all(|(whose, _)| *whose != rule.whose) {
                told.push((rule.whose, OnceCell::new()));
            }
        }
        Purses { offers, whole, unlimited, told }
    }

    /// What was taken under a limit; a stop when that is not known.
    pub(super) fn taken(&self, rule: &CounterRule, key: &str, detail: Detail) -> Result<i64, Stop> {
        if self.unlimited {
            return Ok(i64::MIN / 4);
        }
        let unknown = |why: &str| Stop::because(Gate::Inventory, true, detail, || format!("`{}`: {why}", rule.name));
        let views: &[View<'a>] = match rule.whose {
            Whose::Customer => std::slice::from_ref(self.whole.view()),
            Whose::Relation(relation) => match self.whole.others() {
                Some(others) => others.together(relation),
                None => {
                    return Err(unknown("who is related to the customer is not known here, so that theirs cannot be counted"));
                }
            },
            Whose::All => &[],
        };
        let now = self.whole.now();
        let span = match rule.per {
            Window::Session => Facts::session(self.whole).map(|(start, _)| Span::from(start, now)),
            _ => Some(rule.span(now, self.offers.counters.zone())),
        };
        let Some(span) = span else { return Ok(0) };
        let reserved = &self.whole.rules().sources.reserved;
        if let Some(folded) = views.iter().find_map(|view| view.folded(&counted(reserved), span, None)) {
            return Err(unknown(&format!(
                "of events up to {} only totals are kept, so that they cannot be counted",
                folded.until
            )));
        }
        let own = self.told.iter().find(|(whose, _)| *whose == rule.whose);
        let counters =
            own.map(|(whose, told_of)| told_of.get_or_init(|| told(views, &self.offers.counters, *whose, reserved, now)));
        Ok(counters.map_or(0, |counters| counters.taken(key, span)))
    }
}
