use super::contact::Taken;
use super::rules::{OfferRule, Offers, PlacementRule};
use super::trace::{Gate, Score};
use crate::context::{Context, Rule, Source};
use crate::expr::{self, Facts};
use crate::playbook::ConsentDefault;
use crate::value::{Span, Timestamp};
use std::ops::ControlFlow;

/// Why an offer went no further.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stop {
    pub(super) gate: Gate,
    pub(super) unknown: bool,
    pub(super) reasons: Vec<String>,
}

/// Whether reasons are wanted; they cost time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Only what is decided.
    Brief,
    /// With the gate at which each candidate was stopped, but without reasons.
    Gates,
    /// With reasons for every candidate.
    Full,
}

impl Stop {
    fn known(gate: Gate, reason: String) -> Self {
        Stop { gate, unknown: false, reasons: vec![reason] }
    }
}

/// A purpose and what the customer said about it last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consent {
    Given(Timestamp),
    Withdrawn(Timestamp),
    NeverAsked(ConsentDefault),
}

impl Consent {
    /// What holds at an instant: the last word counts.
    pub(crate) fn at(context: &Context<'_>, purpose: &str, default: ConsentDefault) -> Self {
        let reserved = &context.rules().sources.reserved;
        let mut consent = Consent::NeverAsked(default);
        context.view().events(
            &[reserved.consent_given, reserved.consent_withdrawn],
            Span::lifetime(context.now()),
            &mut |row| {
                if row.text(0) == Some(purpose) {
                    let given = row.kind() == reserved.consent_given;
                    consent = if given { Consent::Given(row.time()) } else { Consent::Withdrawn(row.time()) };
                }
                ControlFlow::Continue(())
            },
        );
        consent
    }

    /// Permission that is unknown is none.
    pub(crate) fn permits(self) -> bool {
        matches!(self, Consent::Given(_) | Consent::NeverAsked(ConsentDefault::OptOut))
    }
}

/// What the customer permits, asked once per decision; by number of the purpose.
pub(super) fn consents(offers: &Offers, context: &Context<'_>) -> Vec<Consent> {
    offers.purposes.iter().map(|(name, default)| Consent::at(context, name, *default)).collect()
}

/// Whether all of some purposes are permitted; otherwise which is not.
pub(super) fn permitted(purposes: &[usize], consents: &[Consent]) -> Result<(), (usize, Consent)> {
    for purpose in purposes {
        match consents.get(*purpose) {
            Some(consent) if consent.permits() => {}
            Some(consent) => return Err((*purpose, *consent)),
            None => return Err((*purpose, Consent::NeverAsked(ConsentDefault::OptIn))),
        }
    }
    Ok(())
}

impl OfferRule {
    /// Passes the offer through the gates that do not depend on other offers.
    pub(super) fn pass(
        &self,
        offers: &Offers,
        context: &Context<'_>,
        consents: &[Consent],
        placement: &PlacementRule,
        detail: Detail,
    ) -> Result<Score, Stop> {
        self.consent(offers, consents)?;
        self.validity(context.now())?;
        let gates = self.gates.iter().zip([Gate::Eligible, Gate::Applicable, Gate::Suitable]);
        for ((rule, gate), when_unknown) in gates.zip(self.when_unknown) {
            if let Some(rule) = rule {
                condition(rule, gate, when_unknown, context, detail)?;
            }
        }
        self.contact(offers, context, placement, &[])?;
        self.score(context, detail)
    }

    fn consent(&self, offers: &Offers, consents: &[Consent]) -> Result<(), Stop> {
        permitted(&self.purposes, consents).map_err(|(purpose, consent)| {
            let name = offers.purposes.get(purpose).map_or("?", |(name, _)| name);
            let reason = match consent {
                Consent::Withdrawn(when) => format!("consent for `{name}` was withdrawn on {when}"),
                Consent::Given(_) | Consent::NeverAsked(_) => format!("consent for `{name}` was never given"),
            };
            Stop { gate: Gate::Consent, unknown: matches!(consent, Consent::NeverAsked(_)), reasons: vec![reason] }
        })
    }

    fn validity(&self, now: Timestamp) -> Result<(), Stop> {
        if let Some(from) = self.from.filter(|from| now < *from) {
            return Err(Stop::known(Gate::Validity, format!("valid from {from} on")));
        }
        match self.until.filter(|until| now >= *until) {
            Some(until) => Err(Stop::known(Gate::Validity, format!("valid until {until}"))),
            None => Ok(()),
        }
    }

    /// The contact policy, with the slots that this decision has filled already.
    pub(super) fn contact(
        &self,
        offers: &Offers,
        context: &Context<'_>,
        placement: &PlacementRule,
        taken: &[Taken<'_>],
    ) -> Result<(), Stop> {
        match offers.contact.iter().find_map(|rule| rule.objects(context, self, placement, taken)) {
            Some(reason) => Err(Stop::known(Gate::Contact, reason)),
            None => Ok(()),
        }
    }

    /// The factors and their product, multiplied in the documented order.
    fn score(&self, context: &Context<'_>, detail: Detail) -> Result<Score, Stop> {
        let names = ["propensity", "context", "value", "lever"];
        let mut values = [1.0; 4];
        for ((factor, name), value) in self.factors.iter().zip(names).zip(&mut values) {
            let Some((rule, prior)) = factor else { continue };
            let number = context.number(rule).filter(|number| number.is_finite());
            *value = match (number, prior) {
                (Some(number), _) => number,
                (None, Some(prior)) => *prior,
                (None, None) => {
                    let mut reasons = vec![format!("`{name}` has no value and no prior")];
                    if detail == Detail::Full {
                        reasons.extend(reasons_of(rule, context));
                    }
                    return Err(Stop { gate: Gate::Score, unknown: true, reasons });
                }
            };
        }
        let [propensity, fit, worth, lever] = values;
        let total = propensity * fit * worth * lever;
        if !total.is_finite() {
            return Err(Stop::known(Gate::Score, "the product of the factors is beyond the range of numbers".to_owned()));
        }
        Ok(Score { propensity, context: fit, value: worth, lever, total })
    }
}

/// A condition lets an offer pass only when it is known to be true, or unknown and declared to count as true then. An error
/// never passes.
fn condition(rule: &Rule, gate: Gate, when_unknown: bool, context: &Context<'_>, detail: Detail) -> Result<(), Stop> {
    let holds = context.holds(rule);
    if holds.truth.unwrap_or(when_unknown && !holds.failed) {
        return Ok(());
    }
    let unknown = holds.truth.is_none();
    let reasons = match detail {
        Detail::Brief | Detail::Gates => Vec::new(),
        Detail::Full => reasons_of(rule, context),
    };
    Err(Stop { gate, unknown, reasons })
}

/// Why a rule came out as it did and the smallest change that would have turned it; where a segment decided, why the customer is
/// in it or not.
pub(super) fn reasons_of(rule: &Rule, context: &Context<'_>) -> Vec<String> {
    let mut reasons = expr::explain(rule.checked(), context).reasons();
    let rules = context.rules();
    let mut segments = Vec::new();
    for fact in &rule.reads().facts {
        let Some(Source::Segment(number)) = rules.sources.source(*fact) else { continue };
        let path = rules.sources.path(*fact);
        let name = path.strip_prefix("segment.").unwrap_or(&path);
        let (called, listed) = (format!("segment({name:?})"), format!("{name:?} in segment"));
        let decided = reasons.iter().any(|reason| reason.contains(&called) || reason.contains(&listed));
        if let (true, Some(segment)) = (decided, rules.segments.get(number)) {
            let mut why = expr::explain(segment.checked(), context).reasons();
            why.extend(turned_by(segment, context));
            segments.push(format!("segment `{name}`: {}", why.join("; ")));
        }
    }
    // What would turn a segment is said of the segment.
    if segments.is_empty() {
        reasons.extend(turned_by(rule, context));
    }
    reasons.extend(segments);
    reasons
}

/// The smallest change that would turn a rule, in words; the first of several.
fn turned_by(rule: &Rule, context: &Context<'_>) -> Option<String> {
    expr::flips(rule.checked(), context)?.sentences().into_iter().next()
}
