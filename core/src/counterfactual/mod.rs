//! What would have to be otherwise for an offer to win, and what is worth asking.
//!
//! Nothing is guessed: each change is made to a copy (a fact is told, a rule left out, a lever set) and the decision made again. Searches
//! count the decisions they make and say when they stop early.

mod ask;
mod change;
mod win;

pub(crate) use ask::{Asking, what_to_ask};
pub(crate) use win::{Win, what_would_win};

use crate::context::{Rule, Source};
use crate::decide::{OfferRule, Offers};
use crate::engine::Engine;
use std::collections::BTreeSet;

/// Offers times decisions that a search makes, at most.
const WORK: usize = 500_000;
/// With more offers no playbook is compiled anew.
const MOST_OFFERS: usize = 2_000;

/// How many decisions a search may make.
fn budget(offers: &Offers) -> usize {
    (WORK / offers.offers.len().max(1)).clamp(16, 2_000)
}

/// The rules of an offer, and those of the segments that they read, through others too.
fn rules_of<'a>(engine: &'a Engine, offer: &'a OfferRule) -> Vec<&'a Rule> {
    let rules = &engine.model().rules;
    let mut found: Vec<&Rule> = offer.rules().collect();
    let mut seen: BTreeSet<usize> = BTreeSet::new();
    let mut next = 0;
    while let Some(rule) = found.get(next) {
        next += 1;
        for fact in &rule.reads().facts {
            if let Some(Source::Segment(number)) = rules.sources.source(*fact)
                && seen.insert(number)
            {
                found.extend(rules.segments.get(number));
            }
        }
    }
    found
}
