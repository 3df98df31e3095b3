//! What a trace tells of each candidate beside its gate: the facts that were read, and how close it was.

use super::Reads;
use super::rules::Offers;
use super::trace::{Candidate, Gate};
use crate::context::Rule;
use crate::expr;

/// The candidates of one placement, each with its place among the offers.
pub(super) fn complete(offers: &Offers, reads: Reads<'_, '_>, candidates: &mut [(usize, Candidate)]) {
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
            for read in expr::explain(rule.checked(), context).read() {
                if !own.facts.contains(&read) {
                    own.facts.push(read);
                }
            }
        }
    }
}
