//! What stories say of counters: outcomes, reservations, and what became of these.

use super::rules::Whose;
use super::{CounterRules, Hold, MemoryCounters, Place};
use crate::customer::{RESERVED, Reserved, StoryRow, View, outcome_column};
use crate::expr::EventKind;
use crate::playbook::MONEY_SCALE;
use crate::value::{Decimal, Span, Timestamp, Value};
use std::ops::ControlFlow;

/// The event types that are counted.
pub(crate) fn counted(reserved: &Reserved) -> Vec<EventKind> {
    reserved.outcomes.iter().copied().chain([reserved.confirmed, reserved.released]).collect()
}

/// What some stories together took up to an instant of what is limited for whoever it is.
pub(crate) fn told(
    views: &[View<'_>],
    rules: &CounterRules,
    whose: Whose,
    reserved: &Reserved,
    now: Timestamp,
) -> MemoryCounters {
    let (counters, kinds) = (MemoryCounters::default(), counted(reserved));
    for view in views {
        view.events(&kinds, Span::lifetime(now), &mut |row| {
            feed(&counters, rules, whose, reserved, &row);
            ControlFlow::Continue(())
        });
    }
    counters
}

/// Which slot an outcome is about: `<decision>:<placement>:<slot>`; its own name when it is about no decision.
pub(crate) fn slot_of(row: &StoryRow<'_>) -> String {
    match (row.text(outcome_column::DECISION), row.text(outcome_column::PLACEMENT), row.value(outcome_column::SLOT)) {
        (Some(decision), Some(placement), Some(Value::Int(slot))) => format!("{decision}:{placement}:{slot}"),
        _ => format!("{}\n{}", row.strand().identifier(), row.id()),
    }
}

/// Counts an outcome, a reservation or what became of one.
pub(crate) fn feed(counters: &MemoryCounters, rules: &CounterRules, whose: Whose, reserved: &Reserved, row: &StoryRow<'_>) {
    let (kind, time, id) = (row.kind(), row.time(), slot_of(row));
    let Some(offer) = row.text(outcome_column::OFFER) else { return };
    let placement = row.text(outcome_column::PLACEMENT).unwrap_or("");
    let place = Place { offer, placement, channel: row.channel().unwrap_or("") };
    let claims = |outcome| rules.claims(whose, place, cost(row), outcome, time);
    if Some(kind) == reserved.outcome(RESERVED) {
        let expires = expires(row).unwrap_or(Timestamp::MAX);
        counters.told_reserved(&Hold { id, claims: claims(None) }, time, expires);
    } else if kind == reserved.confirmed {
        counters.told_confirmed(&Hold { id, claims: claims(None) }, time);
    } else if kind == reserved.released {
        counters.told_over(&id, time, false);
    } else {
        if Some(kind) == reserved.outcome("expired") {
            counters.told_over(&id, time, true);
        }
        let claims = claims(Some(kind));
        if !claims.is_empty() {
            counters.take(&id, &claims, time);
        }
    }
}

/// The cost that was frozen with an outcome, in millionths.
fn cost(row: &StoryRow<'_>) -> Option<i64> {
    let terms = row.text(outcome_column::TERMS).filter(|terms| terms.starts_with('{'))?;
    let terms: serde_json::Value = serde_json::from_str(terms).ok()?;
    let cost = Decimal::parse(terms.get("cost")?.as_str()?, MONEY_SCALE, None).ok()?;
    i64::try_from(cost.units()).ok()
}

/// From when on a reservation no longer holds.
pub(crate) fn expires(row: &StoryRow<'_>) -> Option<Timestamp> {
    (outcome_column::EXPIRES..outcome_column::EXPIRES + 4).find_map(|column| match row.value(column) {
        Some(Value::Timestamp(moment)) => Some(moment.to_timestamp()),
        _ => None,
    })
}
