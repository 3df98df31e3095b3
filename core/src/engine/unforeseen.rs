//! Mistakes about what comes next: rules that ask for what their journey does not look at, which would always be unknown.

use crate::context::{JourneyFact, Source};
use crate::decide::Offers;
use crate::error::{Diagnostic, Severity};
use crate::journey::Model;
use crate::next::Track;
use crate::playbook::Playbook;
use std::collections::BTreeSet;

/// Looks at all rules that decide.
pub(super) fn unforeseen(playbook: &Playbook, model: &Model, offers: &Offers) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    let mut told = BTreeSet::new();
    let rules = offers.offers.iter().flat_map(|offer| offer.rules()).chain(offers.guards());
    for (fact, next) in rules.flat_map(|rule| rule.checked().foreseen()) {
        let Some(Source::Journey(number, JourneyFact::Ahead)) = model.rules.sources.source(fact) else { continue };
        let Some(journey) = playbook.journeys.get(number) else { continue };
        let (mut events, mut segments) = playbook.predicted(number);
        let what = usize::try_from(next.what).unwrap_or(usize::MAX);
        let (key, name, is_seen) = match next.track {
            Track::Event => ("events", playbook.events.get(what).map(|event| &event.name), events.any(|own| own == what)),
            Track::Change => {
                ("segments", playbook.segments.get(what / 2).map(|own| &own.name), segments.any(|own| own == what / 2))
            }
            Track::Stage => continue,
        };
        let Some(name) = name.filter(|_| !is_seen) else { continue };
        if !told.insert((number, next.shown.clone())) {
            continue;
        }
        findings.push(Diagnostic {
            code: "not_predicted",
            severity: Severity::Error,
            message: format!(
                "`{}` is never known: journey `{}` does not look at `{}`",
                next.shown, journey.name.text, name.text
            ),
            path: format!("journeys.{}.predict.{key}", journey.name.text),
            place: Some(journey.name.place.clone()),
            hint: Some(format!("add `{}` to its `predict.{key}`", name.text)),
            related: None,
        });
    }
    findings
}
