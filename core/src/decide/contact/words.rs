//! What rules have against an offer, in words.

use super::Why;
use super::fatigue::shown;
use super::rules::{ContactRule, Demand, Subject};
use crate::context::Context;
use crate::expr::Facts;
use crate::playbook::Then;
use crate::value::{Timestamp, Unit, Window, Zone};

/// What a rule has against an offer.
#[derive(Debug, Clone, Copy)]
pub(super) enum Objection {
    /// Counted so often, of these in this decision.
    Count { count: usize, here: usize, most: usize, until: Option<Timestamp>, zone: Zone, assumed: bool },
    /// The last of it was then; now stands for this decision.
    Last { last: Timestamp, until: Option<Timestamp> },
    /// It is quiet.
    Quiet { then: Then, until: Option<Timestamp>, zone: Zone, assumed: bool },
    /// Too much is spent.
    Tired { load: i64, cost: i64, until: Option<Timestamp> },
    /// Its condition holds, or may.
    While { unknown: bool },
    /// It is not known whether it forbids.
    Unknown(Why),
}

impl Objection {
    /// Whether something that is not known forbids.
    pub(super) fn unknown(&self) -> bool {
        matches!(self, Objection::Unknown(_) | Objection::While { unknown: true })
    }

    /// The first instant from which on the rule has nothing against the offer, if nothing else happens.
    pub(super) fn until(&self) -> Option<Timestamp> {
        match self {
            Objection::Count { until, .. }
            | Objection::Last { until, .. }
            | Objection::Quiet { until, .. }
            | Objection::Tired { until, .. } => *until,
            Objection::While { .. } | Objection::Unknown(_) => None,
        }
    }
}

impl ContactRule {
    pub(super) fn words(&self, objection: &Objection, context: &Context<'_>) -> String {
        let said = match (objection, &self.demand) {
            (Objection::Last { last, .. }, Demand::Pause { after, times, within, pause }) => {
                let pause = pause.map_or_else(|| "for ever".to_owned(), |pause| format!("for {pause}"));
                let many = if *times > 1 { format!("{times} times within {within}, the last ") } else { String::new() };
                format!("paused {pause} after {} {many}on {last}", after.words)
            }
            (Objection::Last { last, .. }, Demand::Gap { gap, .. }) if *last == context.now() => {
                format!("another comes at the same time, {gap} apart wanted")
            }
            (Objection::Last { last, .. }, Demand::Gap { between, gap }) => {
                format!("{} on {last}, {gap} apart wanted", between.words)
            }
            (Objection::Count { count, here, most, zone, assumed, .. }, Demand::Cap { count: kinds, per, .. }) => {
                let window = match per {
                    Window::Rolling(length) => format!("in the last {length}"),
                    Window::Calendar(Unit::Day) => "today".to_owned(),
                    Window::Calendar(Unit::Week { .. }) => "this week".to_owned(),
                    Window::Calendar(Unit::Month) => "this month".to_owned(),
                    Window::Days(days) => format!("in the last {days} days of the calendar"),
                    Window::Blocks(blocks) => blocks.now_words(),
                    Window::Session => "in this session".to_owned(),
                    Window::Lifetime => "so far".to_owned(),
                };
                let earlier = if *here > 0 { format!(", {here} of them in this decision") } else { String::new() };
                let whose = if self.subject == Subject::Customer { "" } else { ", all members together" };
                let times = if *count == 1 { "once".to_owned() } else { format!("{count} times") };
                let clock = clock(*zone, *assumed);
                format!("{} {times} {window}{whose}{earlier}, at most {most} allowed{clock}", kinds.words)
            }
            (Objection::Quiet { then, until, zone, assumed }, _) => {
                let until = until.map_or_else(|| "at all times".to_owned(), |until| format!("until {until} in {zone}"));
                let then = if *then == Then::Drop { ", so it is dropped" } else { "" };
                format!("quiet {until}{then}{}", clock(*zone, *assumed))
            }
            (Objection::Tired { load, cost, .. }, Demand::Fatigue(budget)) => {
                format!("{} of {} are spent, and this costs {}", shown(*load), shown(budget.budget), shown(*cost))
            }
            (Objection::While { unknown: true }, _) => "its condition is unknown, which counts as true".to_owned(),
            (Objection::While { .. }, _) => "its condition is true".to_owned(),
            (Objection::Unknown(Why::Related), _) => {
                "who is related to the customer is not known here, so that theirs cannot be counted".to_owned()
            }
            (Objection::Unknown(Why::Limit), _) => "how many are allowed is unknown, so that none is".to_owned(),
            (Objection::Unknown(Why::Zone), _) => "the customer's time zone is unknown".to_owned(),
            (Objection::Unknown(Why::Folded(until)), _) => {
                format!("of events up to {until} only totals are kept, so that they cannot be counted")
            }
            (Objection::Count { .. } | Objection::Last { .. } | Objection::Tired { .. }, _) => String::new(),
        };
        format!("`{}`: {said}", self.name)
    }
}

/// What to say of a clock that is not the customer's own.
fn clock(zone: Zone, assumed: bool) -> String {
    if assumed { format!("; the customer's time zone is unknown, {zone} counts") } else { String::new() }
}
