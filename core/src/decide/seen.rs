//! What a trace tells of each candidate beside its gate: the facts that were read, and how close it was.

use super::Reads;
use super::items::Shop;
use super::rules::Offers;
use super::trace::{Candidate, Gate};
use crate::context::Rule;
use crate::expr::{self, Facts};
use crate::suggest::Suggested;

/// The candidates of one placement, each with its place among the offers.
pub(super) fn complete(
    offers: &Offers,
    reads: Reads<'_, '_>,
    shop: &Shop<'_, '_>,
    items: &[(usize, Suggested)],
    candidates: &mut [(usize, Candidate)],
) {
    let totals = |gates: &dyn Fn(Gate) -> bool| -> Vec<f64> {
        let scored = candidates.iter().filter(|(_, own)| gates(own.gate)).filter_map(|(_, own)| own.score);
        scored.map(|score| score.total).collect()
    };
    let won = totals(&|gate| gate == Gate::Chosen).into_iter().min_by(f64::total_cmp);
    let lost = totals(&|gate| gate != Gate::Chosen).into_iter().max_by(f64::total_cmp);
    for (place, own) in candidates {
        let other = if own.gate == Gate::Chosen { lost } else { won };
        own.margin = own.score.zip(other).map(|(score, other)| score.total - other);
        let Some(offer) = offers.offers.get(*place) else { continue };
        let context = reads.of(offer);
        let conditions = offer.gates.iter().filter(|condition| condition.gate <= own.gate).map(|condition| &condition.rule);
        let factors = offer.factors.iter().flatten().flat_map(|(factor, _)| factor.rules()).filter(|_| own.gate >= Gate::Score);
        let asks = |rule: &&Rule| {
            let reads = rule.reads();
            !reads.facts.is_empty() || !reads.events.is_empty() || reads.session
        };
        for rule in conditions.chain(factors).filter(asks) {
            let first = items.iter().find(|(other, _)| other == place).map(|(_, item)| item);
            let item = first.filter(|_| offer.reads_item(rule)).and_then(|item| shop.asking(offer)?.facts(item));
            let facts = item.as_ref().map_or(context as &dyn Facts, |item| item);
            for read in expr::explain(rule.checked(), facts).read() {
                if !own.facts.contains(&read) {
                    own.facts.push(read);
                }
            }
        }
    }
}
