//! Places that were recorded under another version of a journey.

use super::derive::set;
use super::moves::{Bits, Turn, short};
use super::ways::Target;
use crate::customer::{Change, InstancesWere, JourneyState, Migrated, Way, What, pinned_column};
use crate::expr::EventKind;
use crate::playbook::MigrationRule;
use crate::value::{Span, Timestamp, Value};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

/// A recorded place.
struct Pinned {
    journey: usize,
    instance: Option<Arc<str>>,
    stage: Option<Arc<str>>,
    since: Option<Timestamp>,
    entries: u32,
    event: Arc<str>,
}

/// Takes over the places that were recorded at this instant under other rules than these. Each says how.
pub(super) fn take_over(turn: &mut Turn<'_, '_>, touched: &mut Bits) {
    for pinned in recorded(turn) {
        let Some(rule) = turn.model.journeys.rules.get(pinned.journey) else { continue };
        // A journey that has a key now and had none, or the other way round, has no place that could be taken over.
        if rule.key.is_some() != pinned.instance.is_some() {
            continue;
        }
        let key = pinned.instance.clone();
        let (to, how) = target(turn, &pinned);
        if how != Migrated::Derived {
            let from = here(turn, &pinned);
            if to != from {
                let before = turn.state.changes.len();
                turn.put(pinned.journey, key.as_ref(), to, Way::Migration);
                for change in turn.state.changes.iter_mut().skip(before) {
                    change.event = Some(pinned.event.clone());
                }
            }
            edit(turn, &pinned, |walk, this_version| {
                walk.entries = if this_version { 0 } else { walk.entries.max(pinned.entries) };
            });
        } else if rule.reentry.this_version {
            edit(turn, &pinned, |walk, _| walk.entries = 0);
        } else {
            edit(turn, &pinned, |walk, _| walk.entries = walk.entries.max(pinned.entries));
        }
        // How long the customer is there is known from before.
        if let (true, Some(since)) = (matches!(how, Migrated::Mapped | Migrated::Kept), pinned.since) {
            backdate(turn, &pinned, since);
        }
        set(touched, pinned.journey);
        let what = What::Migrated { journey: short(pinned.journey), instance: key, from: pinned.stage.clone(), to, how };
        let change = (turn.change)(what);
        turn.state.changes.push(Change { event: Some(pinned.event.clone()), ..change });
    }
}

/// Of changes those that take over places of another version: how each was found, and the moves that came of it.
pub(crate) fn taken_over(changes: &[Change]) -> Vec<Change> {
    let pins: BTreeSet<(Timestamp, u16, &Option<Arc<str>>)> = changes
        .iter()
        .filter_map(|change| match &change.what {
            What::Migrated { journey, .. } => Some((change.at, *journey, &change.event)),
            _ => None,
        })
        .collect();
    let concerned = |change: &&Change| match &change.what {
        What::Migrated { journey, .. } | What::Moved { journey, .. } => pins.contains(&(change.at, *journey, &change.event)),
        _ => false,
    };
    changes.iter().filter(concerned).cloned().collect()
}

/// What was recorded at this instant of journeys whose rules differ from those of then.
fn recorded(turn: &Turn<'_, '_>) -> Vec<Pinned> {
    let kinds: [EventKind; 1] = [turn.model.rules.sources.reserved.journey_pinned];
    let journeys = &turn.model.journeys;
    let mut all = Vec::new();
    turn.view.events(&kinds, Span::from(turn.at, turn.at), &mut |row| {
        let text = |column: usize| match row.value(column) {
            Some(Value::String(text)) if !text.is_empty() => Some(text),
            _ => None,
        };
        let name = text(pinned_column::JOURNEY);
        let journey = journeys.names.iter().position(|own| Some(own) == name.as_ref());
        let digest = text(pinned_column::DEFINITION);
        if let Some(journey) = journey
            && journeys.rules.get(journey).is_some_and(|rule| Some(&rule.digest) != digest.as_ref())
        {
            all.push(Pinned {
                journey,
                instance: text(pinned_column::INSTANCE),
                stage: text(pinned_column::STAGE),
                since: match row.value(pinned_column::SINCE) {
                    Some(Value::Timestamp(since)) => Some(since.to_timestamp().min(turn.at)),
                    _ => None,
                },
                entries: match row.value(pinned_column::ENTRIES) {
                    Some(Value::Int(entries)) => u32::try_from(entries).unwrap_or(0),
                    _ => 0,
                },
                event: Arc::from(row.id()),
            });
        }
        ControlFlow::Continue(())
    });
    all
}

/// Where the customer is now, and how that was found.
fn target(turn: &Turn<'_, '_>, pinned: &Pinned) -> (Target, Migrated) {
    let Some(rule) = turn.model.journeys.rules.get(pinned.journey) else { return (None, Migrated::Derived) };
    let number = |name: &str| turn.model.journeys.stage(pinned.journey, name);
    if let Some(stage) = &pinned.stage
        && let Some((_, to)) = rule.migration.stages.iter().find(|(old, _)| old == stage)
    {
        return (to.as_ref().and_then(|to| number(&to.text)), Migrated::Mapped);
    }
    match (rule.migration.otherwise, &pinned.stage) {
        (MigrationRule::Keep, Some(stage)) => match number(stage) {
            Some(stage) => (Some(stage), Migrated::Kept),
            None => (None, Migrated::Restarted),
        },
        (MigrationRule::Keep, None) => (None, Migrated::Kept),
        (MigrationRule::Restart, _) => (None, Migrated::Restarted),
        (MigrationRule::Derive, _) => (here(turn, pinned), Migrated::Derived),
    }
}

/// Where the rules of this version say that the customer is.
fn here(turn: &Turn<'_, '_>, pinned: &Pinned) -> Target {
    let journey = turn.state.journeys.get(pinned.journey)?;
    match &pinned.instance {
        Some(key) => journey.instances.as_ref()?.get(key)?.place,
        None => journey.place,
    }
    .map(|place| place.stage)
}

fn edit(turn: &mut Turn<'_, '_>, pinned: &Pinned, change: impl FnOnce(&mut crate::customer::Walk, bool)) {
    let this_version = turn.model.journeys.rules.get(pinned.journey).is_some_and(|rule| rule.reentry.this_version);
    with(turn, pinned, |state| change(&mut state.walk, this_version));
}

/// Since when the customer is in the stage, and what follows from that.
fn backdate(turn: &mut Turn<'_, '_>, pinned: &Pinned, since: Timestamp) {
    let at = turn.at;
    with(turn, pinned, |state| {
        let back = at.micros().saturating_sub(since.micros());
        if let Some(place) = &mut state.place {
            let earlier = |time: Option<Timestamp>| time.map(|time| time.saturating_add_micros(-back));
            (place.timeout, place.stays_until) = (earlier(place.timeout), earlier(place.stays_until));
            place.since = since;
            let ends = |time: Option<Timestamp>| time.filter(|time| *time < Timestamp::MAX);
            state.walk.wait = match state.walk.wait {
                Some(wait) if ends(Some(wait)).is_some() => earlier(Some(wait)),
                wait => wait,
            };
            state.walk.limit = earlier(state.walk.limit);
        }
    });
}

/// Changes a walk, and takes down how it was.
fn with(turn: &mut Turn<'_, '_>, pinned: &Pinned, change: impl FnOnce(&mut JourneyState)) {
    let Some(journey) = turn.state.journeys.get_mut(pinned.journey) else { return };
    let was = JourneyState { instances: None, ..journey.clone_but_visits() };
    let visits = (journey.visits.len(), journey.visits.last().is_some_and(|visit| visit.left.is_none()));
    let mut were = None;
    match (&pinned.instance, &mut journey.instances) {
        (None, _) => change(journey),
        (Some(key), Some(instances)) => {
            if let Some(mut state) = instances.get(key).cloned() {
                change(Arc::make_mut(&mut state));
                let (full, due) = (instances.full, instances.due);
                let before = instances.put(key, state);
                instances.due = instances.all().iter().filter_map(|(_, state)| state.due()).min();
                were = Some(InstancesWere { full, due, each: vec![(key.clone(), before)] });
            }
        }
        (Some(_), None) => {}
    }
    let place = journey.place;
    turn.state.walk_was(pinned.journey, was.walk, were);
    turn.state.journey_was(pinned.journey, &was, visits);
    turn.context.move_to(pinned.journey, place);
}
