//! Warnings about what a playbook can never come to: offers that nobody is shown, stages that nobody enters.

use crate::context::{Rule, Source};
use crate::decide::{Condition, Offers, WHERE};
use crate::error::{Diagnostic, Severity};
use crate::expr::{Checked, FactId, may_hold_together};
use crate::journey::{JourneyRule, Model};
use crate::playbook::{Journey, Name, Playbook, Text};

/// Looks at all offers and stages.
pub(super) fn unreachable(playbook: &Playbook, model: &Model, offers: &Offers) -> Vec<Diagnostic> {
    let judge = Judge { model };
    let mut findings = Vec::new();
    for (offer, rule) in playbook.offers.iter().zip(&offers.offers) {
        let gates: Vec<&Rule> = rule.gates.iter().map(|condition| &condition.rule).collect();
        if judge.may_hold(&gates) {
            if let Some(why) = super::never::why(playbook, model, offers, (offer, rule)) {
                let message = format!("offer `{}` can never be shown: {why}", offer.name.text);
                findings.push(warning("unreachable_offer", message, format!("offers.{}", offer.name.text), &offer.name));
            }
            continue;
        }
        let name = |condition: &Condition| match &condition.whose {
            Some(whose) if **whose == *WHERE => "`where`".to_owned(),
            Some(whose) => format!("`{}` of {whose}", condition.gate.name()),
            None => format!("`{}`", condition.gate.name()),
        };
        let alone = rule.gates.iter().find(|condition| !judge.may_hold(&[&condition.rule]));
        let why = match alone {
            Some(condition) => format!("{} is never true", name(condition)),
            None => format!("{} cannot hold together", rule.gates.iter().map(name).collect::<Vec<_>>().join(" and ")),
        };
        let message = format!("offer `{}` can never be shown: {why}", offer.name.text);
        let path = format!("offers.{}", offer.name.text);
        findings.push(warning("unreachable_offer", message, path, &offer.name));
    }
    for (journey, rule) in playbook.journeys.iter().zip(&model.journeys.rules) {
        findings.extend(judge.stages(journey, rule));
        findings.extend(contrary(journey));
    }
    findings
}

pub(super) struct Judge<'a> {
    pub(super) model: &'a Model,
}

impl Judge<'_> {
    pub(super) fn may_hold(&self, rules: &[&Rule]) -> bool {
        let rules: Vec<&Checked> = rules.iter().map(|rule| rule.checked()).collect();
        let sources = &self.model.rules.sources;
        let define = |fact: FactId| match sources.source(fact) {
            Some(Source::Segment(number)) => self.model.rules.segments.get(number).map(|rule| rule.checked().clone()),
            _ => None,
        };
        may_hold_together(&rules, &sources.schema, &define)
    }

    /// Whether an end of a journey inside of this one leads to a stage.
    fn ends(&self, journey: &Journey, rule: &JourneyRule, stage: u16) -> bool {
        let number = self.model.journeys.names.iter().position(|name| *name == journey.name.text);
        let inner = self.model.journeys.rules.iter().filter_map(|rule| rule.outer.as_ref());
        let mut ends = inner.filter(|outer| Some(outer.journey) == number).flat_map(|outer| &outer.ends);
        ends.any(|(_, to)| *to == Some(stage)) && !rule.stages.is_empty()
    }

    /// The stages that cannot be entered from outside, however often one moves on.
    fn stages(&self, journey: &Journey, rule: &JourneyRule) -> Vec<Diagnostic> {
        let stages = || rule.stages.iter().zip(0_u16..);
        let open: Vec<bool> =
            rule.stages.iter().map(|stage| stage.enter.as_ref().is_none_or(|enter| self.may_hold(&[enter]))).collect();
        let mut reached = vec![false; rule.stages.len()];
        loop {
            let before = reached.clone();
            let is = |reached: &[bool], number: u16| reached.get(usize::from(number)).copied().unwrap_or(false);
            for (stage, number) in stages() {
                let asked = !stage.on.is_empty() || stage.enter.is_some();
                let from_somewhere =
                    rule.allows(None, number) || stages().any(|(_, from)| is(&before, from) && rule.allows(Some(from), number));
                let timed = stages().any(|(_, at)| is(&before, at) && rule.leads(at).any(|to| to == Some(number)));
                let begun = rule.entry.as_ref().is_some_and(|entry| entry.to == number)
                    || rule.outer.as_ref().is_some_and(|outer| outer.start == Some(number))
                    || self.ends(journey, rule, number);
                let timed = timed || begun;
                if let Some(place) = reached.get_mut(usize::from(number)) {
                    *place |= timed || (asked && from_somewhere && is(&open, number));
                }
            }
            if reached == before {
                break;
            }
        }
        let mut findings = self.dead_ends(journey, rule, &reached);
        let unreached = journey
            .stages
            .iter()
            .zip(&rule.stages)
            .zip(reached)
            .zip(open)
            .filter(|(((stage, _), reached), _)| !reached && stage.no_data.is_none());
        findings.extend(unreached.map(|(((stage, rule), _), open)| {
            let why = if rule.on.is_empty() && rule.enter.is_none() {
                "it has neither `on` nor `enter`, and no time-out that can pass leads to it"
            } else if open {
                "no stage from which it may be entered can be reached"
            } else {
                "`enter` is never true"
            };
            let message = format!("stage `{}` can never be entered: {why}", stage.name.text);
            let path = format!("journeys.{}.stages.{}", journey.name.text, stage.name.text);
            warning("unreachable_stage", message, path, &stage.name)
        }));
        findings
    }

    /// Stages that customers come into and nothing leads out of, although they are neither the last nor said to be an end.
    fn dead_ends(&self, journey: &Journey, rule: &JourneyRule, reached: &[bool]) -> Vec<Diagnostic> {
        let ends = rule.exit.is_some() || rule.max_stay.is_some() || rule.outer.is_some();
        let count = rule.stages.len();
        let mut findings = Vec::new();
        for ((number, stage), declared) in (0_u16..).zip(&rule.stages).zip(&journey.stages) {
            let place = usize::from(number);
            let here = reached.get(place).copied().unwrap_or(false) && place + 1 < count;
            let said = ends || stage.last || stage.drop_out || stage.back.is_some() || declared.inner.is_some();
            let next = |(to, other): (u16, &crate::journey::StageRule)| {
                (!other.on.is_empty() || other.enter.is_some()) && rule.allows(Some(number), to)
            };
            if here && !said && rule.leads(number).next().is_none() && !(0_u16..).zip(&rule.stages).any(next) {
                let message = format!("nothing leads out of stage `{}`", declared.name.text);
                let path = format!("journeys.{}.stages.{}", journey.name.text, declared.name.text);
                let hint = "declare a time-out or another way on, or `final: true`".to_owned();
                findings.push(Diagnostic { hint: Some(hint), ..warning("no_way_out", message, path, &declared.name) });
            }
        }
        findings
    }
}

/// Conditions that lead out at the instant at which they lead in.
fn contrary(journey: &Journey) -> Vec<Diagnostic> {
    let text = |text: &Option<Text>| text.as_ref().map(|text| text.text.trim().to_owned());
    let always = |text: &Option<String>| text.as_deref() == Some("true");
    let finding = |message: String, path: String, name: &Name, hint: &str| Diagnostic {
        hint: Some(hint.to_owned()),
        ..warning("contradiction", message, path, name)
    };
    let mut findings = Vec::new();
    let path = format!("journeys.{}", journey.name.text);
    let out = text(&journey.exit);
    if always(&out) {
        let message = format!("nobody can be in journey `{}`: its `exit` is always true", journey.name.text);
        findings.push(finding(message, format!("{path}.exit"), &journey.name, "say when customers leave it"));
    }
    let entry = journey.entry.as_ref().and_then(|entry| text(&entry.when));
    if out.is_some() && !always(&out) && entry == out {
        let message = format!("nobody can be in journey `{}`: `entry` and `exit` are the same condition", journey.name.text);
        findings.push(finding(message, format!("{path}.exit"), &journey.name, "negate one of the two"));
    }
    for stage in &journey.stages {
        let longest = [journey.max_stay, stage.max_stay.as_ref().map(|stay| stay.after)].into_iter().flatten().min();
        if let (Some(timeout), Some(longest)) = (&stage.timeout, longest)
            && longest < timeout.after
        {
            let message = format!("the time-out after {} never comes: the longest stay is {longest}", timeout.after);
            let path = format!("{path}.stages.{}.timeout", stage.name.text);
            findings.push(finding(message, path, &stage.name, "make it shorter, or leave it out"));
        }
        let own = stage.exit.as_ref().filter(|exit| exit.on.is_empty()).and_then(|exit| text(&exit.when));
        let enter = text(&stage.enter);
        let path = format!("{path}.stages.{}", stage.name.text);
        let why = match (&own, &out) {
            (Some(_), _) if always(&own) => "its `exit` is always true",
            (Some(_), _) if enter == own => "`enter` and `exit` are the same condition",
            (_, Some(_)) if enter == out && !always(&out) => "`enter` is the condition under which the journey is left",
            _ => continue,
        };
        let message = format!("nobody can stay in stage `{}`: {why}", stage.name.text);
        findings.push(finding(message, path, &stage.name, "negate one of the two, or lead out by something else"));
    }
    findings
}

fn warning(code: &'static str, message: String, path: String, name: &Name) -> Diagnostic {
    Diagnostic { code, severity: Severity::Warning, message, path, place: Some(name.place.clone()), hint: None, related: None }
}
