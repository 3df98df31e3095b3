use crate::context::{Rule, Rules, Source};
use crate::decide::Offers;
use crate::error::{Diagnostic, Severity};
use crate::journey::Journeys;
use crate::playbook::{Attribute, Name, Offer, Playbook};

/// An offer may read an attribute only if the attribute may be used for every purpose of the offer, also when it reads it
/// through segments, personas or journeys: choosing by a fact is a use of it.
pub(super) fn check_purposes(
    playbook: &Playbook,
    rules: &Rules,
    offers: &Offers,
    journeys: &Journeys,
    findings: &mut Vec<Diagnostic>,
) {
    for (offer, compiled) in playbook.offers.iter().zip(&offers.offers) {
        for rule in compiled.rules() {
            for number in rules.reach(rule).attributes {
                let Some(attribute) = playbook.attributes.get(number) else { continue };
                for purpose in offer.purposes.iter().filter(|purpose| !usable(attribute, purpose)) {
                    let way = way_to(rule, number, playbook, rules, journeys, 0).unwrap_or_default();
                    findings.push(violation(offer, attribute, purpose, &way));
                }
            }
        }
    }
    findings.dedup();
}

fn usable(attribute: &Attribute, purpose: &Name) -> bool {
    attribute.purposes.as_ref().is_none_or(|purposes| purposes.iter().any(|allowed| allowed.text == purpose.text))
}

/// Through which segments, personas and journeys a rule reads an attribute.
fn way_to(
    rule: &Rule,
    attribute: usize,
    playbook: &Playbook,
    rules: &Rules,
    journeys: &Journeys,
    depth: u32,
) -> Option<Vec<String>> {
    if depth > 500 {
        return None;
    }
    for fact in &rule.reads().facts {
        let (step, through): (String, Vec<&Rule>) = match rules.sources.source(*fact)? {
            Source::Attribute(number) if number == attribute => return Some(Vec::new()),
            Source::Segment(number) => (
                format!("segment `{}`", playbook.segments.get(number)?.name.text),
                rules.segments.get(number).into_iter().collect(),
            ),
            Source::Persona(number) => (
                format!("persona `{}`", playbook.personas.get(number)?.name.text),
                rules.personas.iter().flat_map(|persona| persona.evidence.iter().map(|(rule, ..)| rule)).collect(),
            ),
            Source::Stage(number) | Source::Since(number) => (
                format!("journey `{}`", playbook.journeys.get(number)?.name.text),
                journeys.rules.get(number)?.conditions().collect(),
            ),
            Source::Attribute(_) | Source::Request(_) => continue,
        };
        let found = through.into_iter().find_map(|rule| way_to(rule, attribute, playbook, rules, journeys, depth + 1));
        if let Some(mut way) = found {
            way.insert(0, step);
            return Some(way);
        }
    }
    None
}

fn violation(offer: &Offer, attribute: &Attribute, purpose: &Name, way: &[String]) -> Diagnostic {
    let allowed: Vec<String> = attribute.purposes.iter().flatten().map(|purpose| format!("`{}`", purpose.text)).collect();
    let allowed = if allowed.is_empty() { "no purpose".to_owned() } else { allowed.join(", ") };
    let way = if way.is_empty() { String::new() } else { format!(" through {}", way.join(", then ")) };
    Diagnostic {
        code: "purpose_violation",
        severity: Severity::Error,
        message: format!(
            "the offer is for `{}`, but reads `customer.{}`{way}, which may be used for {allowed}",
            purpose.text, attribute.name.text
        ),
        path: format!("offers.{}", offer.name.text),
        place: Some(purpose.place.clone()),
        hint: Some(format!(
            "leave the attribute out of the offer's rules, or allow it for `{}` under `attributes`",
            purpose.text
        )),
        related: Some(("the attribute is declared here".to_owned(), attribute.name.place.clone())),
    }
}
