//! How customers come into a journey, out of a stage and out of the journey.

use super::model::{Name, Text};
use super::read::{At, Loader, Names};
use crate::value::Duration;
use chrono::{NaiveTime, Weekday};
use std::sync::Arc;

/// How customers come into a journey; without it they come in by way of any stage.
#[derive(Debug, Clone, PartialEq)]
pub struct JourneyEntry {
    /// `on`: when an event of one of these types happens (and `when`, if declared, is true).
    pub on: Vec<Name>,
    /// `when`: without `on`, when this becomes true.
    pub when: Option<Text>,
    /// `to`: the stage entered; the first when not declared.
    pub to: Option<Name>,
}

/// Whether customers come in again.
#[derive(Debug, Clone, PartialEq)]
pub struct Reentry {
    /// `policy`.
    pub policy: ReentryPolicy,
    /// `after`: not before so much time has passed since they were out.
    pub after: Option<Duration>,
    /// `after_entry`: not before so much time has passed since they came in.
    pub after_entry: Option<Duration>,
    /// `at_most`: how often they come in at all.
    pub at_most: Option<u32>,
    /// `count: version`: entries under earlier versions of the journey do not count.
    pub this_version: bool,
}

/// Whether customers come in again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReentryPolicy {
    /// Once in a lifetime.
    Never,
    /// When they are out.
    AfterLeaving,
    /// Also while they are in: then they begin anew.
    Always,
}

/// Which of several stages that could be entered at one instant is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precedence {
    /// That declared last.
    Last,
    /// That declared first.
    First,
}

/// What becomes of customers who are in a journey when the playbook changes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Migration {
    /// `stages`: the stage now, by that of the earlier version; `None` for outside.
    pub stages: Vec<(Arc<str>, Option<Name>)>,
    /// `otherwise`: for stages that are not listed.
    pub otherwise: MigrationRule,
}

/// What becomes of customers in a stage that no mapping lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MigrationRule {
    /// They stay in the stage of the same name; out when there is none.
    Keep,
    /// They are out, and may come in anew.
    Restart,
    /// They are where the rules of this version say.
    Derive,
}

/// Leaving a stage because a condition holds or an event happens.
#[derive(Debug, Clone, PartialEq)]
pub struct StageExit {
    /// `on`: when an event of one of these types happens (and `when`, if declared, is true).
    pub on: Vec<Name>,
    /// `when`: without `on`, as long as this holds.
    pub when: Option<Text>,
    /// `when_unknown`: what an unknown condition counts as; true when not declared.
    pub unknown: bool,
    /// `to`: the stage entered then; `None` for outside.
    pub to: Option<Name>,
}

/// Waiting in a stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Wait {
    /// `for`: so long.
    pub length: Option<Duration>,
    /// `at`: until this time of day in the customer's zone comes, after the length.
    pub at: Option<NaiveTime>,
    /// `days`: on the day of the calendar that is so many later, at the time of day.
    pub days: Option<u16>,
    /// `weekday`: on the next day of that name after the one on which it begins, at the time of day.
    pub weekday: Option<Weekday>,
    /// `today`: whether the day on which it begins may be that weekday.
    pub today: Today,
    /// `until`: an event of one of these types ends it at once.
    pub until: Vec<Name>,
    /// `reset_on`: an event of one of these types begins it anew.
    pub reset_on: Vec<Name>,
    /// `to`: where it leads; `None` for the branches, `Some(None)` for outside.
    pub to: Option<Option<Name>>,
}

/// Whether the day on which a wait for a weekday begins counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Today {
    /// `skip`: it does not.
    Skip,
    /// `ahead`: it does while the time of day is still to come.
    Ahead,
    /// `reached`: it does, and when the time of day is over the wait ends at once.
    Reached,
}

/// One way on from a stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Branch {
    /// `on`: the first of these events that happens decides, also during a wait.
    pub on: Vec<Name>,
    /// `when`: of those that hold, the first declared is taken, after the wait.
    pub when: Option<Text>,
    /// `to`: where it leads; `None` for outside.
    pub to: Option<Name>,
}

/// The longest stay in a stage, whatever happens.
#[derive(Debug, Clone, PartialEq)]
pub struct MaxStay {
    /// `after`: since it was entered.
    pub after: Duration,
    /// `to`: where it leads; `None` for outside.
    pub to: Option<Name>,
}

/// Coming back to the stage from which one dropped out.
#[derive(Debug, Clone, PartialEq)]
pub struct Return {
    /// `on`: when an event of one of these types happens.
    pub on: Vec<Name>,
    /// `when`: and this is true; without `on`, when it becomes true.
    pub when: Option<Text>,
}

/// A journey that runs while a customer is in a stage of another.
#[derive(Debug, Clone, PartialEq)]
pub struct Inner {
    /// `journey`.
    pub journey: Name,
    /// `start`: its stage that is entered with the outer stage; `None` when it begins by its own rules.
    pub start: Option<Name>,
    /// `ends`: to which stage of the outer journey each of its ends leads; `None` for outside.
    pub ends: Vec<(Name, Option<Name>)>,
}

impl Loader<'_> {
    /// The time of day of a key.
    pub(super) fn time_of_day(&mut self, parent: &At<'_>, key: &str) -> Option<NaiveTime> {
        let at = parent.get(key)?;
        let text = at.node.text()?.clone();
        let parsed = NaiveTime::parse_from_str(&text, "%H:%M").ok();
        if parsed.is_none() {
            let message = format!("expected a time of day, found `{}`", super::source::cut(&text));
            self.error("bad_time", &at, message, Some("write hours and minutes, such as \"09:30\"".to_owned()));
        }
        parsed
    }

    /// The stage of a key, where `none` stands for outside; `None` without the key.
    pub(super) fn target(&mut self, parent: &At<'_>, key: &str, sources: &Names) -> Option<Option<Name>> {
        let at = parent.get(key)?;
        let name = self.reference(&at, "stage", sources)?;
        Some(Some(name).filter(|name| &*name.text != super::journeys::NOT_IN))
    }

    pub(super) fn entry(&mut self, journey: &At<'_>, stages: &Names) -> Option<JourneyEntry> {
        let at = journey.get("entry")?;
        let events = self.declared.events.clone();
        let on = self.references(&at, "on", "event type", &events);
        let when = self.rule_of(&at, "when");
        if on.is_empty() && when.is_none() {
            let message = "nothing leads into the journey".to_owned();
            self.error_at_key("no_way_in", &at, message, Some("declare `on`, `when`, or both".to_owned()));
        }
        let to = at.get("to").and_then(|to| self.reference(&to, "stage", stages));
        Some(JourneyEntry { on, when, to })
    }

    pub(super) fn reentry(&mut self, journey: &At<'_>) -> Reentry {
        let at = journey.get("reentry");
        let word = at.as_ref().and_then(|at| at.node.text().cloned().or_else(|| at.text("policy")));
        let policy = match word.as_deref() {
            Some("never") => ReentryPolicy::Never,
            Some("always") => ReentryPolicy::Always,
            _ => ReentryPolicy::AfterLeaving,
        };
        let Some(at) = at else {
            return Reentry { policy, after: None, after_entry: None, at_most: None, this_version: false };
        };
        let (after, at_most) = (self.duration_of(&at, "after"), at.number("at_most"));
        if let (ReentryPolicy::Never, Some(key)) = (policy, at.get("after").or_else(|| at.get("at_most"))) {
            let message = format!("`{}` stands beside `never`", key.key);
            self.error_at_key("contradiction", &key, message, Some("keep one of the two".to_owned()));
        }
        let after_entry = self.duration_of(&at, "after_entry");
        Reentry { policy, after, after_entry, at_most, this_version: at.text("count").as_deref() == Some("version") }
    }

    pub(super) fn migration(&mut self, journey: &At<'_>, sources: &Names) -> Migration {
        let mut migration = Migration { stages: Vec::new(), otherwise: MigrationRule::Derive };
        let Some(at) = journey.get("migration") else { return migration };
        migration.otherwise = match at.text("otherwise").as_deref() {
            Some("keep") => MigrationRule::Keep,
            Some("restart") => MigrationRule::Restart,
            _ => MigrationRule::Derive,
        };
        for old in at.get("stages").iter().flat_map(At::children).collect::<Vec<_>>() {
            if let Some(name) = self.reference(&old, "stage", sources) {
                let name = Some(name).filter(|name| &*name.text != super::journeys::NOT_IN);
                migration.stages.push((old.key.clone(), name));
            }
        }
        migration
    }

    pub(super) fn stage_exit(&mut self, stage: &At<'_>, sources: &Names) -> Option<StageExit> {
        let at = stage.get("exit")?;
        let events = self.declared.events.clone();
        let on = self.references(&at, "on", "event type", &events);
        let (when, unknown) = self.condition(stage, "exit", true);
        if on.is_empty() && when.is_none() {
            let message = "nothing leads out by this".to_owned();
            self.error_at_key("no_way_out", &at, message, Some("declare `on`, `when`, or both".to_owned()));
        }
        Some(StageExit { on, when, unknown, to: self.target(&at, "to", sources).flatten() })
    }

    pub(super) fn wait(&mut self, stage: &At<'_>, sources: &Names) -> Option<Wait> {
        let at = stage.get("wait")?;
        let events = self.declared.events.clone();
        let wait = Wait {
            length: self.duration_of(&at, "for"),
            at: self.time_of_day(&at, "at"),
            days: at.number("days"),
            weekday: at.text("weekday").and_then(|day| day.parse().ok()),
            today: match at.text("today").as_deref() {
                Some("ahead") => Today::Ahead,
                Some("reached") => Today::Reached,
                _ => Today::Skip,
            },
            until: self.references(&at, "until", "event type", &events),
            reset_on: self.references(&at, "reset_on", "event type", &events),
            to: self.target(&at, "to", sources),
        };
        for place in ["days", "weekday"].iter().filter_map(|key| at.get(key)) {
            if at.get("at").is_none() {
                let message = format!("`{}` says on which day, and nothing says when", place.key);
                self.error_at_key("bad_wait", &place, message, Some("such as `at: \"09:00\"`".to_owned()));
            }
            let other = ["for", "weekday"].into_iter().find(|other| **other != *place.key && at.get(other).is_some());
            if let Some(other) = other {
                let message = format!("`{}` and `{other}` both say how long", place.key);
                self.error_at_key("bad_wait", &place, message, Some("declare one of them".to_owned()));
            }
        }
        if let (Some(place), None) = (at.get("today"), at.get("weekday")) {
            let message = "`today` says whether the present day may be the `weekday`".to_owned();
            self.error_at_key("bad_wait", &place, message, Some("such as `weekday: thursday`".to_owned()));
        }
        if ["for", "at", "until", "days", "weekday"].iter().all(|key| at.get(key).is_none()) {
            let message = "the wait has no end".to_owned();
            self.error_at_key("bad_wait", &at, message, Some("declare `for`, `at`, `until`, or several".to_owned()));
        }
        if wait.to.is_none() && at.get("to").is_none() && stage.get("branches").is_none() {
            let message = "the wait leads nowhere".to_owned();
            self.error_at_key("bad_wait", &at, message, Some("declare `to`, or `branches` of the stage".to_owned()));
        }
        Some(wait)
    }

    pub(super) fn branches(&mut self, stage: &At<'_>, sources: &Names) -> Vec<Branch> {
        let Some(list) = stage.get("branches") else { return Vec::new() };
        let events = self.declared.events.clone();
        let mut branches = Vec::new();
        let items: Vec<At<'_>> = list.items().collect();
        for (place, at) in items.iter().enumerate() {
            let branch = Branch {
                on: self.references(at, "on", "event type", &events),
                when: self.rule_of(at, "when"),
                to: self.target(at, "to", sources).flatten(),
            };
            let ranked = |at: &At<'_>| at.get("on").is_none();
            let never = ranked(at) && branch.when.is_none() && items.iter().skip(place + 1).any(ranked);
            if never {
                let message = "a branch without `on` and `when` is always taken, so those after it never are".to_owned();
                self.error("unreachable_branch", at, message, Some("put it last".to_owned()));
            }
            branches.push(branch);
        }
        branches
    }

    pub(super) fn max_stay(&mut self, stage: &At<'_>, sources: &Names) -> Option<MaxStay> {
        let at = stage.get("max_stay")?;
        let after = self.duration_of(&at, "after");
        Some(MaxStay { after: after?, to: self.target(&at, "to", sources).flatten() })
    }

    pub(super) fn back(&mut self, stage: &At<'_>) -> Option<Return> {
        let at = stage.get("return")?;
        let events = self.declared.events.clone();
        if !stage.flag("drop_out") {
            let message = "only who dropped out can return".to_owned();
            self.error_at_key("bad_return", &at, message, Some("declare `drop_out: true` of the stage".to_owned()));
        }
        let back = Return { on: self.references(&at, "on", "event type", &events), when: self.rule_of(&at, "when") };
        if at.get("on").or_else(|| at.get("when")).is_none() {
            self.error_at_key("bad_return", &at, "nothing leads back".to_owned(), Some("declare `on` or `when`".to_owned()));
        }
        Some(back)
    }

    /// `journeys` are the names of all journeys with those of their stages.
    pub(super) fn inner(&mut self, stage: &At<'_>, sources: &Names, journeys: &[(Arc<str>, Names)]) -> Option<Inner> {
        let at = stage.get("inner")?;
        let names: Names = journeys.iter().map(|(name, _)| name.clone()).collect();
        let journey = at.get("journey").and_then(|at| self.reference(&at, "journey", &names))?;
        let known = journeys.iter().find(|(name, _)| *name == journey.text).map(|(_, stages)| stages.clone())?;
        let start = at.get("start").and_then(|at| self.reference(&at, "stage", &known));
        let mut ends = Vec::new();
        for end in at.get("ends").iter().flat_map(At::children).collect::<Vec<_>>() {
            let to = self.reference(&end, "stage", sources);
            let name = Name { text: end.key.clone(), place: self.findings.place(end.spot) };
            if !known.contains(&end.key) {
                let message = format!("journey `{}` has no stage `{}`", journey.text, super::source::cut(&end.key));
                let near = crate::error::nearest(&end.key, known.iter().map(|name| &**name));
                self.error_at_key("unknown_name", &end, message, near.map(|near| format!("did you mean `{near}`?")));
                continue;
            }
            ends.push((name, to.filter(|name| &*name.text != super::journeys::NOT_IN)));
        }
        Some(Inner { journey, start, ends })
    }
}
