use super::contact::Taken;
use super::gates::{Detail, Stop};
use super::rules::{OfferRule, PlacementRule};
use super::trace::Gate;
use crate::playbook::OfferTrait;
use std::sync::Arc;

/// What an offer has in common with others, in the order of [`OfferTrait::ALL`].
pub(crate) type Traits = [Option<Arc<str>>; 4];

fn of(traits: &Traits, by: OfferTrait) -> Option<&Arc<str>> {
    OfferTrait::ALL.iter().zip(traits).find(|(own, _)| **own == by).and_then(|(_, value)| value.as_ref())
}

/// Whether another offer of its kinds may be shown beside what was taken already.
pub(super) fn pass(placement: &PlacementRule, offer: &OfferRule, taken: &[Taken<'_>], detail: Detail) -> Result<(), Stop> {
    for rule in &placement.diversity {
        let Some(kind) = of(&offer.traits, rule.by) else { continue };
        let counts = |taken: &&Taken<'_>| {
            let here = rule.within_request || taken.placement.name == placement.name;
            here && of(&taken.offer.traits, rule.by) == Some(kind)
        };
        let count = taken.iter().filter(counts).count();
        if count >= rule.at_most as usize {
            let reason = || {
                let whole = if rule.within_request { "this request" } else { "this placement" };
                format!(
                    "diversity: {count} of {} `{kind}` in {whole} already, at most {} allowed",
                    rule.by.name(),
                    rule.at_most
                )
            };
            return Err(Stop::because(Gate::Outranked, false, detail, reason));
        }
    }
    Ok(())
}
