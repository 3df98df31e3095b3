use crate::counters::expires;
use crate::customer::{Reserved, StoryRow, View, outcome_column};
use crate::expr::EventKind;
use crate::value::{Span, Timestamp, Value};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// The reservations of a customer that are open at an instant: begun, and neither confirmed, released nor expired.
pub(crate) fn open<'a>(view: &View<'a>, reserved: &Reserved, now: Timestamp) -> Vec<StoryRow<'a>> {
    unended(view, reserved, now, &|expires| expires.is_none_or(|expires| now < expires))
}

/// The reservations of a customer whose time is over at an instant, and of which nothing was told since.
pub(crate) fn lapsed<'a>(view: &View<'a>, reserved: &Reserved, now: Timestamp) -> Vec<StoryRow<'a>> {
    unended(view, reserved, now, &|expires| expires.is_some_and(|expires| expires <= now))
}

fn unended<'a>(
    view: &View<'a>,
    reserved: &Reserved,
    now: Timestamp,
    wanted: &dyn Fn(Option<Timestamp>) -> bool,
) -> Vec<StoryRow<'a>> {
    let Some(kind) = reserved.outcome(crate::customer::RESERVED) else { return Vec::new() };
    let mut held: Vec<StoryRow<'a>> = Vec::new();
    view.events(&[kind], Span::lifetime(now), &mut |row| {
        if wanted(expires(&row)) {
            held.push(row);
        }
        ControlFlow::Continue(())
    });
    if held.is_empty() {
        return held;
    }
    let expired = reserved.outcome("expired");
    let ends: Vec<EventKind> = [Some(reserved.confirmed), Some(reserved.released), expired].into_iter().flatten().collect();
    let mut over: BTreeSet<(Option<&str>, Option<&str>, Option<i64>)> = BTreeSet::new();
    view.events(&ends, Span::lifetime(now), &mut |row| {
        over.insert(slot(&row));
        ControlFlow::Continue(())
    });
    held.retain(|row| !over.contains(&slot(row)));
    held
}

/// Which slot of which decision an outcome is about.
fn slot<'a>(row: &StoryRow<'a>) -> (Option<&'a str>, Option<&'a str>, Option<i64>) {
    let number = match row.value(outcome_column::SLOT) {
        Some(Value::Int(number)) => Some(number),
        _ => None,
    };
    (row.text(outcome_column::DECISION), row.text(outcome_column::PLACEMENT), number)
}
