//! What comes after an event: `followed_by` and `not_followed_by`, joined on properties.

use super::checked::Ref;
use super::evaluate::{Machine, Partial, earlier};
use super::evaluate_names::{Frame, Local};
use super::stream::{Stream, blend};
use super::stream_reach::Reach;
use super::value_ops::Fault;
use super::{EventKind, EventRow, Outcome, PropertyId};
use crate::value::{Duration, Span, Timestamp, Value};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// What must come after an event (or must not, when `negated`) for it to count.
#[derive(Debug, Clone)]
pub(super) struct Follow {
    /// The types of what follows; sorted.
    pub(super) kinds: Vec<EventKind>,
    pub(super) conditions: Vec<(u32, Ref)>,
    /// How soon; `None` for any time.
    pub(super) within: Option<Duration>,
    /// What both have in common.
    pub(super) by: Vec<PropertyId>,
    /// What must not come between; sorted.
    pub(super) without: Vec<EventKind>,
    pub(super) negated: bool,
}

/// What is known of an event's followers.
#[derive(Debug, Clone)]
pub(super) enum Verdict {
    /// It counts.
    Counts,
    /// It does not count, until then at least.
    LeftOut(Option<Timestamp>),
    /// That cannot be told.
    Uncertain(Outcome),
}

impl Verdict {
    pub(super) const COUNTS: Verdict = Verdict::Counts;

    pub(super) fn failed(&self) -> Option<Outcome> {
        match self {
            Verdict::Uncertain(outcome) => Some(outcome.clone()),
            Verdict::Counts | Verdict::LeftOut(_) => None,
        }
    }

    pub(super) fn until(&self) -> Option<Timestamp> {
        match self {
            Verdict::LeftOut(until) => *until,
            Verdict::Counts | Verdict::Uncertain(_) => None,
        }
    }

    /// Both conditions together.
    fn and(self, other: Verdict) -> Verdict {
        match (self, other) {
            // Both must hold: it stays out until the later of both, and for ever when either says so.
            (Verdict::LeftOut(a), Verdict::LeftOut(b)) => Verdict::LeftOut(a.zip(b).map(|(a, b)| a.max(b))),
            (Verdict::LeftOut(until), _) | (_, Verdict::LeftOut(until)) => Verdict::LeftOut(until),
            (Verdict::Uncertain(a), Verdict::Uncertain(b)) => Verdict::Uncertain(a.blend(b)),
            (Verdict::Uncertain(outcome), _) | (_, Verdict::Uncertain(outcome)) => Verdict::Uncertain(outcome),
            (Verdict::Counts, Verdict::Counts) => Verdict::Counts,
        }
    }
}

impl Follow {
    /// The same over other nodes.
    pub(super) fn renumbered(&self, to: &dyn Fn(Ref) -> Ref) -> Self {
        let conditions = self.conditions.iter().map(|(slot, condition)| (*slot, to(*condition))).collect();
        Follow { conditions, ..self.clone() }
    }

    /// All types that matter beside the stream's own; sorted.
    fn all_kinds(&self, base: &[EventKind]) -> Vec<EventKind> {
        let mut kinds: Vec<EventKind> = self.kinds.iter().chain(&self.without).chain(base).copied().collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }
}

/// For each event of a stream, in the order of the story, what is known of its followers; `None` when nothing is asked.
pub(super) fn verdicts(
    machine: &Machine<'_>,
    stream: &Stream,
    reach: &Reach,
    frame: Option<&Frame<'_>>,
    until: &mut Option<Timestamp>,
) -> Result<Option<Vec<Verdict>>, Partial> {
    let mut all: Option<Vec<Verdict>> = None;
    for follow in &stream.follows {
        *until = earlier(*until, stream.told(machine.facts).and_then(|told| told.next_event(&follow.all_kinds(&[]))));
        let found = of_one(machine, stream, follow, reach, frame, until)
            .map_err(|fault| Partial::new(machine.error(fault), Some(machine.soon())))?;
        all = Some(match all {
            Some(before) => before.into_iter().zip(found).map(|(a, b)| a.and(b)).collect(),
            None => found,
        });
    }
    Ok(all)
}

/// An event as far as it matters here.
struct Step {
    time: Timestamp,
    /// What is joined on; `None` when the event lacks it.
    key: Option<String>,
    /// Whether it belongs to the stream.
    base: bool,
    /// Whether it is what is looked for: `Some(Err(…))` when that is not known.
    target: Option<Result<(), Outcome>>,
    blocks: bool,
}

/// The nearest that comes later, by the place in the order.
#[derive(Default)]
struct Ahead {
    target: Option<(usize, Timestamp)>,
    unsure: Option<(usize, Timestamp, Outcome)>,
    block: Option<usize>,
}

fn of_one(
    machine: &Machine<'_>,
    stream: &Stream,
    follow: &Follow,
    reach: &Reach,
    frame: Option<&Frame<'_>>,
    until: &mut Option<Timestamp>,
) -> Result<Vec<Verdict>, Fault> {
    let span = Span { after: reach.span.after, until: machine.facts.now() };
    let mut steps: Vec<Step> = Vec::new();
    let mut fault = None;
    let Some(told) = stream.told(machine.facts) else { return Ok(Vec::new()) };
    told.events(&follow.all_kinds(&stream.kinds), span, &mut |row| match machine
        .step()
        .map(|()| step_of(machine, stream, follow, reach, row, (frame, until)))
    {
        Ok(step) => {
            steps.push(step);
            ControlFlow::Continue(())
        }
        Err(failed) => {
            fault = Some(failed);
            ControlFlow::Break(())
        }
    });
    if let Some(fault) = fault {
        return Err(fault);
    }
    let mut ahead: BTreeMap<&str, Ahead> = BTreeMap::new();
    let mut verdicts = Vec::new();
    for (at, step) in steps.iter().enumerate().rev() {
        if step.base {
            let found = step.key.as_deref().and_then(|key| ahead.get(key));
            verdicts.push(match &step.key {
                Some(_) => verdict(follow, step.time, found, machine.facts.now()),
                None => Verdict::LeftOut(None),
            });
        }
        let Some(key) = &step.key else { continue };
        let next = ahead.entry(key).or_default();
        match &step.target {
            Some(Ok(())) => next.target = Some((at, step.time)),
            Some(Err(outcome)) => next.unsure = Some((at, step.time, outcome.clone())),
            None => {}
        }
        if step.blocks {
            next.block = Some(at);
        }
    }
    verdicts.reverse();
    Ok(verdicts)
}

fn step_of(
    machine: &Machine<'_>,
    stream: &Stream,
    follow: &Follow,
    reach: &Reach,
    row: &dyn EventRow,
    (frame, until): (Option<&Frame<'_>>, &mut Option<Timestamp>),
) -> Step {
    let mut key = Some(String::new());
    for property in &follow.by {
        key = match (key, row.property(*property)) {
            (Some(key), Some(value)) => Some(format!("{key}{value:?}\u{1f}")),
            _ => None,
        };
    }
    let target = follow.kinds.contains(&row.kind()).then(|| target(machine, follow, row, frame, until)).flatten();
    Step {
        time: row.time(),
        key,
        base: stream.kinds.contains(&row.kind()) && row.time() <= reach.span.until,
        target,
        blocks: follow.without.contains(&row.kind()),
    }
}

/// Whether an event meets the conditions on what follows; `None` when it does not.
fn target(
    machine: &Machine<'_>,
    follow: &Follow,
    row: &dyn EventRow,
    frame: Option<&Frame<'_>>,
    until: &mut Option<Timestamp>,
) -> Option<Result<(), Outcome>> {
    let mut failed = None;
    for (slot, condition) in &follow.conditions {
        let inner = Frame { parent: frame, slot: *slot, local: Local::Event(row) };
        let found = machine.settled(*condition, Some(&inner));
        *until = earlier(*until, found.until);
        match found.outcome {
            Outcome::Value(Value::Bool(true)) => {}
            Outcome::Value(Value::Bool(false)) => return None,
            Outcome::Value(other) => blend(&mut failed, machine.error(Fault::no_overload("where", &[other]))),
            other => blend(&mut failed, other),
        }
    }
    Some(failed.map_or(Ok(()), Err))
}

fn verdict(follow: &Follow, time: Timestamp, ahead: Option<&Ahead>, now: Timestamp) -> Verdict {
    let last = follow.within.map(|within| time.saturating_add_micros(within.micros()));
    let block = ahead.and_then(|ahead| ahead.block);
    let reaches = |at: usize, time: Timestamp| last.is_none_or(|last| time <= last) && block.is_none_or(|block| at < block);
    let sure = ahead.and_then(|ahead| ahead.target).is_some_and(|(at, time)| reaches(at, time));
    let unsure = ahead.and_then(|ahead| ahead.unsure.as_ref()).filter(|(at, time, _)| reaches(*at, *time));
    match (follow.negated, sure, unsure) {
        (false, true, _) => Verdict::Counts,
        (true, true, _) => Verdict::LeftOut(None),
        (_, false, Some((_, _, outcome))) => match last.filter(|last| follow.negated && *last > now) {
            // Whatever it was, the time has not passed yet.
            Some(last) => Verdict::LeftOut(Some(last)),
            None => Verdict::Uncertain(outcome.clone()),
        },
        (false, false, None) => Verdict::LeftOut(None),
        // Only when its time has passed is it sure that nothing came.
        (true, false, None) => match last.filter(|last| *last > now) {
            Some(last) => Verdict::LeftOut(Some(last)),
            None => Verdict::Counts,
        },
    }
}
