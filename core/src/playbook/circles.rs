//! Ways through a journey that nothing but time, or not even that, leads in a circle.

use super::model::{Journey, Stage, Text};
use super::read::{At, Loader};
use super::ways::Branch;
use crate::value::Duration;
use chrono::NaiveTime;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A circle that time alone leads through takes so long at least, so that what happens while nobody looks is bounded.
const HOUR: i64 = 3_600_000_000;

/// How long a way takes at least.
#[derive(Clone, Copy)]
struct Takes {
    micros: i64,
    /// A wait until a time of day: nothing when that is now, a day when it was just there.
    clock: Option<NaiveTime>,
    /// A wait until another day.
    days: bool,
}

impl Loader<'_> {
    /// Ways that are taken at once, without a condition or as long as the same one holds, must not lead back to where they began.
    pub(super) fn circles(&mut self, section: &At<'_>, journeys: &[Journey]) {
        for journey in journeys {
            let exits = journey.stages.iter().filter_map(|stage| stage.exit.as_ref()?.when.as_ref());
            let branches = journey.stages.iter().filter_map(|stage| first_branch(stage)?.when.as_ref());
            let conditions: BTreeSet<&str> = exits.chain(branches).map(|when| when.text.trim()).collect();
            let mut conditions = std::iter::once(None).chain(conditions.into_iter().map(Some));
            // One mistake for each journey.
            let _ =
                conditions.any(|condition| self.circle(section, journey, condition)) || self.circle_of_time(section, journey);
        }
    }

    /// Says where ways that are taken at once while a condition holds go in a circle, and whether they do.
    fn circle(&mut self, section: &At<'_>, journey: &Journey, condition: Option<&str>) -> bool {
        let holds = |when: &Option<Text>| when.as_ref().map(|when| when.text.trim()) == condition;
        let exit = |stage: &Stage| {
            stage.exit.as_ref().is_some_and(|exit| exit.on.is_empty() && condition.is_some() && holds(&exit.when))
        };
        let at_once = |name: &Arc<str>| {
            let stage = journey.stages.iter().find(|stage| stage.name.text == *name)?;
            let to = match &stage.exit {
                Some(own) if exit(stage) => &own.to,
                _ => {
                    let branch = first_branch(stage).filter(|branch| branch.when.is_none() || holds(&branch.when));
                    &branch.filter(|_| stage.wait.is_none())?.to
                }
            };
            to.as_ref().map(|to| to.text.clone())
        };
        for stage in &journey.stages {
            let mut way = vec![stage.name.text.clone()];
            while let Some(next) = way.last().and_then(at_once) {
                let circle = next == stage.name.text;
                way.push(next);
                if circle || way.len() > journey.stages.len() {
                    break;
                }
            }
            if way.len() > 2 && way.first() == way.last() {
                let own = section.get(&journey.name.text).and_then(|at| at.get("stages"));
                let own = own.and_then(|at| at.get(&stage.name.text));
                let key = |key| own.as_ref().and_then(|at| at.get(key));
                let Some(at) = key(if exit(stage) { "exit" } else { "branches" }) else { continue };
                let names: Vec<String> = way.iter().map(|name| format!("`{name}`")).collect();
                let names = names.join(" -> ");
                let (message, hint) = match condition {
                    None => (
                        format!("these lead to each other without any time passing: {names}"),
                        "give one of the branches a condition, or its stage a `wait`",
                    ),
                    Some(_) => (
                        format!("these lead to each other without any time passing while one condition holds: {names}"),
                        "give one of them another condition, or a way that takes time",
                    ),
                };
                self.error_at_key("zero_time_circle", &at, message, Some(hint.to_owned()));
                return true;
            }
        }
        false
    }

    /// Says where time alone leads in a circle that takes less than an hour, and whether it does.
    fn circle_of_time(&mut self, section: &At<'_>, journey: &Journey) -> bool {
        let by_time = |name: &Arc<str>| by_time(journey.stages.iter().find(|stage| stage.name.text == *name)?);
        for stage in &journey.stages {
            let mut way = vec![stage.name.text.clone()];
            let mut takes: Vec<Takes> = Vec::new();
            let mut first = None;
            while let Some((key, next, time)) = way.last().and_then(by_time) {
                first.get_or_insert(key);
                takes.push(time);
                let circle = next == stage.name.text;
                way.push(next);
                if circle || way.len() > journey.stages.len() {
                    break;
                }
            }
            let (true, Some(first)) = (way.len() > 2 && way.first() == way.last(), first) else { continue };
            let micros = takes.iter().fold(0_i64, |all, takes| all.saturating_add(takes.micros));
            let clocks: BTreeSet<NaiveTime> = takes.iter().filter_map(|takes| takes.clock).collect();
            // Whoever comes back to a time of day comes back to it on another day, unless it is the same instant still.
            let a_day = takes.iter().any(|takes| takes.days) || clocks.len() > 1 || (clocks.len() == 1 && micros > 0);
            if a_day || micros >= HOUR {
                continue;
            }
            let own = section.get(&journey.name.text).and_then(|at| at.get("stages"));
            let Some(at) = own.and_then(|at| at.get(&stage.name.text)).and_then(|at| at.get(first)) else { continue };
            let names: Vec<String> = way.iter().map(|name| format!("`{name}`")).collect();
            let within = match Duration::from_micros(micros) {
                Ok(time) if micros > 0 => format!("within {time}"),
                _ => "at one instant".to_owned(),
            };
            let message = format!("these lead to each other {within} though nothing happens: {}", names.join(" -> "));
            let hint = "let an event lead on somewhere, or make the whole circle take an hour at least".to_owned();
            self.error_at_key("short_circle", &at, message, Some(hint));
            return true;
        }
        false
    }
}

/// The branch that is looked at first when no event leads on.
fn first_branch(stage: &Stage) -> Option<&Branch> {
    stage.branches.iter().find(|branch| branch.on.is_empty())
}

/// The way out of a stage that is taken when nothing happens: the key that declares it, where it leads and how long it takes.
fn by_time(stage: &Stage) -> Option<(&'static str, Arc<str>, Takes)> {
    let first = first_branch(stage).filter(|branch| branch.when.is_none());
    let branch = first.and_then(|branch| branch.to.as_ref());
    let simply = |time: Duration| Takes { micros: time.micros(), clock: None, days: false };
    let mut ways: Vec<(&'static str, Arc<str>, Takes)> = Vec::new();
    match &stage.wait {
        Some(wait) if wait.length.is_some() || wait.at.is_some() => {
            let takes = Takes {
                micros: wait.length.map_or(0, Duration::micros),
                clock: wait.at,
                days: wait.days.is_some() || wait.weekday.is_some(),
            };
            // A weekday that is today may be now.
            let takes = Takes { days: wait.days.is_some() || (takes.days && wait.today == super::ways::Today::Skip), ..takes };
            let to = wait.to.as_ref().map_or(branch, Option::as_ref);
            ways.extend(to.map(|to| ("wait", to.text.clone(), takes)));
        }
        Some(_) => {}
        None => ways.extend(branch.map(|to| ("branches", to.text.clone(), simply(Duration::ZERO)))),
    }
    if let Some(timeout) = &stage.timeout {
        let takes = Takes { clock: timeout.at, ..simply(timeout.after) };
        ways.extend(timeout.to.as_ref().map(|to| ("timeout", to.text.clone(), takes)));
    }
    if let Some(longest) = &stage.max_stay {
        ways.extend(longest.to.as_ref().map(|to| ("max_stay", to.text.clone(), simply(longest.after))));
    }
    ways.into_iter().min_by_key(|(_, _, takes)| takes.micros)
}
