//! Warnings about what pushes: reactions that never fire or that nothing answers, and holds that nothing ends.

use super::reach::Judge;
use crate::decide::Offers;
use crate::error::{Diagnostic, Severity};
use crate::journey::Model;
use crate::playbook::{Feedback, Name, Playbook, Reaction, Sentiment, Trigger};
use crate::reaction::ReactionRule;

/// Looks at reactions and feedback.
pub(super) fn pushed(playbook: &Playbook, model: &Model, offers: &Offers) -> Vec<Diagnostic> {
    let judge = Judge { model };
    let mut findings = Vec::new();
    for (reaction, rule) in playbook.reactions.iter().zip(&model.reactions.rules) {
        if let Some(why) = never(playbook, &judge, reaction, rule) {
            let message = format!("reaction `{}` can never propose anything: {why}", reaction.name.text);
            findings.push(warning("unreachable_reaction", message, "reactions", &reaction.name));
        } else if let Some(why) = nothing_to_say(offers, rule) {
            let message = format!("nothing answers reaction `{}`: {why}", reaction.name.text);
            findings.push(warning("unanswered_reaction", message, "reactions", &reaction.name));
        }
    }
    let unread = match playbook.offers.iter().any(|offer| offer.question.is_some()) {
        true => super::labels::unread(playbook, model, offers).attributes,
        false => Vec::new(),
    };
    for offer in &playbook.offers {
        if let Some(question) = offer.question.as_ref().filter(|question| unread.contains(&question.attribute.text)) {
            let name = &question.attribute.text;
            let message =
                format!("offer `{}` asks for `{name}`, which no rule reads: nothing follows from the answer", offer.name.text);
            let hint = "read it in a rule or a message, or do not bother people with it".to_owned();
            let place = Some(question.attribute.place.clone());
            findings.push(Diagnostic { hint: Some(hint), place, ..warning("unread_question", message, "offers", &offer.name) });
        }
    }
    for feedback in &playbook.feedback {
        findings.extend(held_for_ever(playbook, feedback));
    }
    findings
}

/// Why a reaction never fires: none of its triggers can come, or its condition cannot hold.
fn never(playbook: &Playbook, judge: &Judge<'_>, reaction: &Reaction, rule: &ReactionRule) -> Option<String> {
    if rule.condition().is_some_and(|condition| !judge.may_hold(&[condition])) {
        return Some("`if` is never true".to_owned());
    }
    let mut reasons = Vec::new();
    for (trigger, compiled) in reaction.triggers.iter().zip(&rule.triggers) {
        let why = match trigger {
            Trigger::When(_) | Trigger::Due(_) => {
                let condition = compiled.rule().filter(|condition| !judge.may_hold(&[condition]));
                condition.map(|_| "its condition is never true".to_owned())
            }
            Trigger::Enters(name) | Trigger::Leaves(name) => {
                let number = playbook.segments.iter().position(|segment| segment.name.text == name.text);
                let segment = number.and_then(|number| judge.model.rules.segments.get(number));
                let empty = segment.is_some_and(|segment| !judge.may_hold(&[segment]));
                empty.then(|| format!("nobody is ever in segment `{}`", name.text))
            }
            Trigger::Feedback(name, sentiment) => {
                let feedback = playbook.feedback.iter().find(|feedback| feedback.name.text == name.text);
                let silent = feedback.is_some_and(|feedback| feedback.sounds(*sentiment).is_none());
                silent.then(|| format!("feedback `{}` is never {}", name.text, sentiment.name()))
            }
            Trigger::Event(_, Some(text)) if text.text.trim() == "false" => Some("`where` is never true".to_owned()),
            Trigger::Event(..) | Trigger::Stage(..) | Trigger::Watch(_) | Trigger::Told(_) => None,
        };
        reasons.push(why?);
    }
    Some(reasons.join(", "))
}

/// Why no offer can be the answer to a reaction.
fn nothing_to_say(offers: &Offers, rule: &ReactionRule) -> Option<String> {
    let (name, channel) = rule.placement.as_ref()?;
    let number = offers.placements.iter().position(|placement| placement.name == *name)?;
    let placement = offers.placements.get(number)?;
    let mut all = rule.offers.clone().unwrap_or_else(|| (0..offers.offers.len()).collect());
    all.retain(|place| {
        let offer = offers.offers.get(*place);
        offer.is_some_and(|offer| crate::decide::here(offer, number, placement).is_some())
    });
    let why = || format!("none of its offers is for placement `{name}`, or has a treatment for channel `{channel}`");
    (all.is_empty() && placement.fallback.is_none()).then(why)
}

/// A hold that only more feedback could move, since nothing ends it.
fn held_for_ever(playbook: &Playbook, feedback: &Feedback) -> Option<Diagnostic> {
    let ends = !feedback.resolved_by.is_empty() || feedback.time_out.is_some();
    feedback
        .hold
        .as_ref()
        .filter(|_| !ends && feedback.sounds(Sentiment::Negative).is_some() && !playbook.offers.is_empty())?;
    let message = format!("nothing ends what `{}` holds back: once unhappy, for ever held", feedback.name.text);
    let hint = "declare `resolved_by`, `time_out`, or both".to_owned();
    Some(Diagnostic { hint: Some(hint), ..warning("held_forever", message, "feedback", &feedback.name) })
}

fn warning(code: &'static str, message: String, section: &str, name: &Name) -> Diagnostic {
    let path = format!("{section}.{}", name.text);
    Diagnostic { code, severity: Severity::Warning, message, path, place: Some(name.place.clone()), hint: None, related: None }
}
