//! What a placement shows when no offer is left: a text, or a message that is written like those of offers.

use super::gates::Detail;
use super::message::{Messages, treatment_rule, write};
use super::of_offer::ShownOffer;
use super::rules::{TreatmentRule, experiment, purposes};
use crate::context::{Context, Rule, Sources};
use crate::error::Diagnostic;
use crate::playbook::{Fallback, Playbook};
use crate::value::Timestamp;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A compiled fallback.
#[derive(Debug)]
pub(crate) struct FallbackRule {
    /// As written.
    message: Arc<str>,
    /// Its templates, when it is not the same for everybody.
    pub(crate) treatment: Option<Box<TreatmentRule>>,
    /// Whether it reads anything about the customer that is not public, though no purpose is declared for it.
    pub(crate) personal: bool,
    /// The experiments that its wordings read, by number.
    pub(super) experiments: Vec<usize>,
    /// All must be permitted; numbers of purposes.
    pub(crate) purposes: Vec<usize>,
    /// The first instant of validity.
    from: Option<Timestamp>,
    /// The first instant after it.
    until: Option<Timestamp>,
}

impl FallbackRule {
    pub(super) fn compile(
        fallback: &Fallback,
        sources: &Sources,
        playbook: &Playbook,
        messages: &mut Messages,
        findings: &mut Vec<Diagnostic>,
    ) -> Self {
        let treatment = fallback.treatment.as_ref().and_then(|treatment| {
            treatment_rule(
                treatment,
                ((&sources.schema, &sources.schema), None, &ShownOffer::none()),
                playbook,
                messages,
                findings,
            )
        });
        let facts = treatment.iter().flat_map(TreatmentRule::rules).flat_map(|rule| &rule.reads().facts);
        let experiments: BTreeSet<usize> = facts.filter_map(|fact| experiment(*fact, sources)).collect();
        FallbackRule {
            experiments: experiments.into_iter().collect(),
            message: fallback.message.clone(),
            treatment: treatment.map(Box::new),
            personal: false,
            purposes: purposes(&fallback.purposes, playbook),
            from: fallback.valid_from,
            until: fallback.valid_until,
        }
    }

    /// Whether it may be shown at an instant, as far as its dates say.
    pub(crate) fn valid(&self, now: Timestamp) -> bool {
        self.from.is_none_or(|from| now >= from) && self.until.is_none_or(|until| now < until)
    }

    /// Every rule by which it is written.
    pub(crate) fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.treatment.iter().flat_map(|treatment| treatment.rules())
    }

    /// The message for a customer; without one, why.
    pub(super) fn write(&self, messages: &Messages, context: &Context<'_>) -> Result<Arc<str>, String> {
        let Some(treatment) = &self.treatment else { return Ok(self.message.clone()) };
        match write(messages, None, treatment, context, None, Detail::Brief) {
            Ok(written) => Ok(written.message.into()),
            Err(stop) => Err(format!("the fallback cannot be shown: {}", stop.reasons.join(", "))),
        }
    }
}
