//! Places that were recorded under another version of a journey.

use super::derive::set;
use super::moves::{Bits, Turn, short};
use super::ways::Target;
use crate::context::Standing;
use crate::customer::{Change, InstancesWere, JourneyState, Migrated, OldPlace, Visit, Way, What, pinned_column};
use crate::expr::EventKind;
use crate::playbook::MigrationRule;
use crate::value::{Duration, Span, Timestamp, Value};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Takes over places that were found under other rules than these, as of this instant. Each says how.
pub(super) fn take_over(turn: &mut Turn<'_, '_>, places: &[OldPlace], touched: &mut Bits) {
    for old in places {
        let Some(rule) = turn.model.journeys.rules.get(old.journey) else { continue };
        let (to, how) = target(turn, old);
        // A journey that has a key now and had none, or the other way round, has no place that could be taken over.
        if rule.key.is_some() == old.instance.is_some() {
            if how != Migrated::Derived && to != here(turn, old) {
                let before = turn.state.changes.len();
                turn.put(old.journey, old.instance.as_ref(), to, Way::Migration);
                if old.event.is_none() && how == Migrated::Kept {
                    // Nobody moved: the stay goes on.
                    turn.state.changes.truncate(before);
                }
                turn.state.changes.iter_mut().skip(before).for_each(|change| change.event.clone_from(&old.event));
            }
            let entries = |now: u32| if rule.reentry.this_version { 0 } else { now.max(old.entries) };
            with(turn, old, |state| state.walk.entries = entries(state.walk.entries));
            let stays = matches!(how, Migrated::Mapped | Migrated::Kept);
            if old.event.is_none() {
                remember(turn, old, rule.max_stay.filter(|_| stays));
            }
            // How long the customer is there is known from before.
            if let (true, Some(since)) = (stays, old.since) {
                backdate(turn, old, since);
            }
            set(touched, old.journey);
        } else if old.event.is_none()
            && let Some(state) = turn.state.journeys.get_mut(old.journey)
        {
            *state = JourneyState::default();
        }
        let (journey, instance, from) = (short(old.journey), old.instance.clone(), old.stage.clone());
        let change = (turn.change)(What::Migrated { journey, instance, from, to, how });
        turn.state.changes.push(Change { event: old.event.clone(), ..change });
    }
}

/// What the story does not tell any more of a walk that was taken over: when it began and ended, and the stay that goes on.
fn remember(turn: &mut Turn<'_, '_>, old: &OldPlace, max_stay: Option<Duration>) {
    let at = turn.at;
    with(turn, old, |state| {
        let goes_on = state.place.is_some() && state.walk.ended.is_none();
        state.walk.began = old.began.or(state.walk.began);
        state.walk.ended = if goes_on { None } else { old.ended.or(Some(at)) };
        if let (true, Some(stay), Some(began)) = (goes_on, max_stay, old.began) {
            state.walk.end = Some(began.saturating_add_micros(stay.micros()));
        }
        if state.place.is_none() {
            if let Some(visit) = state.visits.last_mut().filter(|visit| visit.left.is_none()) {
                (visit.left, visit.ended) = (Some(at), Some(Way::Migration));
            }
            return;
        }
        // Of the stay until now and that from now on one is made.
        let Some(mut last) = state.visits.pop() else { return };
        let since = old.since.unwrap_or(last.entered);
        if let Some(before) = state.visits.pop_if(|before| before.left == Some(at) && before.entered >= since) {
            last.by = before.by;
        }
        state.visits.push(Visit { entered: since, ..last });
    });
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
pub(super) fn recorded(turn: &Turn<'_, '_>) -> Vec<OldPlace> {
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
            all.push(OldPlace {
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
                event: Some(Arc::from(row.id())),
                began: None,
                ended: None,
            });
        }
        ControlFlow::Continue(())
    });
    all
}

/// Where the customer is now, and how that was found.
fn target(turn: &Turn<'_, '_>, old: &OldPlace) -> (Target, Migrated) {
    let Some(rule) = turn.model.journeys.rules.get(old.journey) else { return (None, Migrated::Derived) };
    let number = |name: &str| turn.model.journeys.stage(old.journey, name);
    // Of folded events nothing can be derived again: the stage of that name is the best that is known.
    let folded = old.event.is_none();
    if rule.key.is_some() != old.instance.is_some() {
        return (None, if folded { Migrated::Restarted } else { Migrated::Derived });
    }
    if let Some(stage) = &old.stage
        && let Some((_, to)) = rule.migration.stages.iter().find(|(from, _)| from == stage)
    {
        return (to.as_ref().and_then(|to| number(&to.text)), Migrated::Mapped);
    }
    let otherwise = match rule.migration.otherwise {
        MigrationRule::Derive if folded => MigrationRule::Keep,
        otherwise => otherwise,
    };
    match (otherwise, &old.stage) {
        (MigrationRule::Keep, Some(stage)) => match number(stage) {
            Some(stage) => (Some(stage), Migrated::Kept),
            None => (None, Migrated::Restarted),
        },
        (MigrationRule::Keep, None) => (None, Migrated::Kept),
        (MigrationRule::Restart, _) => (None, Migrated::Restarted),
        (MigrationRule::Derive, _) => (here(turn, old), Migrated::Derived),
    }
}

/// Where the rules of this version say that the customer is.
fn here(turn: &Turn<'_, '_>, old: &OldPlace) -> Target {
    let journey = turn.state.journeys.get(old.journey)?;
    match &old.instance {
        Some(key) => journey.instances.as_ref()?.get(key)?.place,
        None => journey.place,
    }
    .map(|place| place.stage)
}

/// Since when the customer is in the stage, and what follows from that.
fn backdate(turn: &mut Turn<'_, '_>, old: &OldPlace, since: Timestamp) {
    let at = turn.at;
    with(turn, old, |state| {
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
fn with(turn: &mut Turn<'_, '_>, old: &OldPlace, change: impl FnOnce(&mut JourneyState)) {
    let Some(journey) = turn.state.journeys.get_mut(old.journey) else { return };
    let was = JourneyState { instances: None, ..journey.clone_but_visits() };
    let visits = (journey.visits.len(), journey.visits.last().is_some_and(|visit| visit.left.is_none()));
    let mut were = None;
    match (&old.instance, &mut journey.instances) {
        (None, _) => change(journey),
        (Some(key), Some(instances)) => {
            if let Some(mut state) = instances.get(key).cloned() {
                change(Arc::make_mut(&mut state));
                let full = instances.full;
                let before = instances.put(key, state);
                journey.place = instances.place();
                were = Some(InstancesWere { full, each: vec![(key.clone(), before)] });
            }
        }
        (Some(_), None) => {}
    }
    let place = journey.place;
    let standing = turn.context.rules().journeys_told.then(|| Standing::of(journey));
    turn.state.walk_was(old.journey, was.walk, were);
    turn.state.journey_was(old.journey, &was, visits);
    turn.context.move_to(old.journey, place);
    if let Some(standing) = standing {
        turn.context.stand(old.journey, standing);
    }
}
