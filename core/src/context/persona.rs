use super::{Context, PersonaRule, earlier};
use crate::value::Timestamp;

/// The posterior of every persona and until when it holds.
///
/// Bayes' rule with independent evidence: prior times the odds of each condition that is known, divided by the sum over all
/// personas and "none of these", whose prior is what the others leave to 1. Unknown conditions say nothing (odds 1). The
/// odds of what fades are raised to the share that still counts, so that their logarithm halves with each half-life. The factors are multiplied and summed in the order written, so that every platform gives the same bits.
pub(super) fn posteriors(context: &Context<'_>, personas: &[PersonaRule]) -> (Vec<f64>, Option<Timestamp>) {
    let mut until = None;
    let mut weights = Vec::with_capacity(personas.len());
    let mut rest = 1.0;
    for persona in personas {
        rest -= persona.prior;
        let mut weight = persona.prior;
        for (evidence, odds, otherwise) in &persona.evidence {
            let answer = evidence.ask(context);
            until = earlier(until, answer.until);
            weight *= match answer.holds {
                Some(true) if answer.share < 1.0 => libm::pow(*odds, answer.share),
                Some(true) => *odds,
                Some(false) => *otherwise,
                None => 1.0,
            };
        }
        weights.push(weight);
    }
    let total = weights.iter().fold(rest.max(0.0), |sum, weight| sum + weight);
    // Odds so extreme that the sum leaves the range of doubles say nothing that could be compared: fall back on the priors.
    if !(total.is_finite() && total > 0.0) {
        return (personas.iter().map(|persona| persona.prior).collect(), until);
    }
    for weight in &mut weights {
        *weight /= total;
    }
    (weights, until)
}
