//! Journeys with a key: one walk for each of its values, a bounded number of them.

use super::ask::Asker;
use super::machine::{Instant, Moves};
use super::moves::{Turn, short};
use super::ways::{Key, Target};
use crate::context::{InstanceOf, Standing, key_of};
use crate::customer::{Change, Instances, JourneyState, Way, What};
use crate::expr::{EventKind, EventRow};
use crate::value::{Span, Timestamp};
use smallvec::SmallVec;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// What happened to one instance at an instant.
#[derive(Default)]
struct Happened {
    /// The types of its events, in the order of the story.
    kinds: SmallVec<[EventKind; 4]>,
    /// The first of them.
    first: Option<Arc<str>>,
}

/// Moves the instances of a journey through an instant, in the order of their keys: those of which an event happened, those at which
/// something is due, and all that are open when something happened that is no instance's alone.
pub(super) fn take(turn: &mut Turn<'_, '_>, number: usize, all: bool, events: bool) {
    let Some(rule) = turn.model.journeys.rules.get(number) else { return };
    let Some(key) = &rule.key else { return };
    let mut of_key: BTreeMap<Arc<str>, Happened> = BTreeMap::new();
    let mut of_all: SmallVec<[EventKind; 4]> = SmallVec::new();
    if events {
        of_all = turn.kinds.iter().filter(|kind| key.kinds.binary_search(kind).is_err()).copied().collect();
        gather(turn, key, &mut of_key);
    }
    let mut instances = turn.state.journeys.get(number).and_then(|journey| journey.instances.clone()).unwrap_or_default();
    let concerns_all = all || of_all.iter().any(|kind| rule.reach.kinds.contains(kind));
    for (own, state) in &instances.all {
        let due = state.due().is_some_and(|due| due <= turn.at);
        if due || (concerns_all && state.is_open()) {
            of_key.entry(own.clone()).or_default();
        }
    }
    if of_key.is_empty() {
        return;
    }
    let before = instances.clone();
    let others = before.all.clone();
    let mut moves: Vec<(Arc<str>, Moves, Option<Arc<str>>)> = Vec::new();
    for (own, happened) in of_key {
        let known = instances.get(&own).cloned();
        let mut state = known.as_deref().cloned().unwrap_or_default();
        let kinds: SmallVec<[EventKind; 4]> = happened.kinds.iter().chain(&of_all).copied().collect();
        let inside = turn.is_inside(number, Some(&own));
        let instant = Instant { at: turn.at, kinds: &kinds, touched: true, inside };
        let instance = InstanceOf { property: key.property, kinds: &key.kinds, key: &own };
        let mut ask = Asker { context: turn.context, number, instance: Some(instance), others: Some(&others) };
        let was_open = state.is_open();
        let moved = state.step(rule, &instant, &mut ask);
        // Nothing is remembered of a value under which nothing began.
        if known.is_none() && moved.is_empty() {
            continue;
        }
        if !was_open && state.is_open() && instances.open().count() >= key.at_most {
            if !instances.full {
                instances.full = true;
                let what = What::Full { journey: short(number), instance: own };
                turn.state.changes.push(Change { event: happened.first, ..(turn.change)(what) });
            }
            continue;
        }
        instances.put(&own, Arc::new(state));
        if !moved.is_empty() {
            moves.push((own, moved, happened.first));
        }
    }
    finish(turn, number, instances, &before, moves);
}

/// Moves an instance because of what happened elsewhere.
pub(super) fn put(turn: &mut Turn<'_, '_>, number: usize, own: &Arc<str>, to: Target, way: Way) {
    let Some(rule) = turn.model.journeys.rules.get(number) else { return };
    let Some(key) = &rule.key else { return };
    let mut instances = turn.state.journeys.get(number).and_then(|journey| journey.instances.clone()).unwrap_or_default();
    let before = instances.clone();
    let mut state = instances.get(own).map(|state| (**state).clone()).unwrap_or_default();
    let instance = InstanceOf { property: key.property, kinds: &key.kinds, key: own };
    let mut ask = Asker { context: turn.context, number, instance: Some(instance), others: Some(&before.all) };
    let was_open = state.is_open();
    let moved = state.put(rule, to, way, turn.at, &mut ask);
    if !was_open && state.is_open() && instances.open().count() >= key.at_most {
        return;
    }
    instances.put(own, Arc::new(state));
    finish(turn, number, instances, &before, vec![(own.clone(), SmallVec::from_slice(&[moved]), None)]);
}

/// The events of the instant that have the key's property, by its value.
fn gather(turn: &Turn<'_, '_>, key: &Key, of_key: &mut BTreeMap<Arc<str>, Happened>) {
    let kinds: SmallVec<[EventKind; 4]> =
        turn.kinds.iter().filter(|kind| key.kinds.binary_search(kind).is_ok()).copied().collect();
    if kinds.is_empty() {
        return;
    }
    turn.view.events(&kinds, Span::from(turn.at, turn.at), &mut |row| {
        if let Some(value) = EventRow::property(&row, key.property) {
            let happened = of_key.entry(Arc::from(key_of(&value))).or_default();
            let kind = EventRow::kind(&row);
            if !happened.kinds.contains(&kind) {
                happened.kinds.push(kind);
            }
            happened.first.get_or_insert_with(|| Arc::from(row.id()));
        }
        ControlFlow::Continue(())
    });
}

/// Puts the instances back: forgets the oldest that ended when there are too many, and tells the moves.
fn finish(
    turn: &mut Turn<'_, '_>,
    number: usize,
    mut instances: Box<Instances>,
    before: &Instances,
    moves: Vec<(Arc<str>, Moves, Option<Arc<str>>)>,
) {
    if instances.all == before.all && instances.full == before.full {
        if let Some(journey) = turn.state.journeys.get(number) {
            turn.context.move_to(number, journey.place);
            if turn.context.rules().journeys_told {
                turn.context.stand(number, Standing::of(journey));
            }
        }
        return;
    }
    let at_most = turn.model.journeys.rules.get(number).and_then(|rule| rule.key.as_ref()).map_or(0, |key| key.at_most);
    let open = instances.open().count();
    instances.full &= open >= at_most;
    let ended = instances.all.len() - open;
    if ended > at_most {
        let mut old: Vec<(Option<Timestamp>, Arc<str>)> = instances
            .all
            .iter()
            .filter(|(_, state)| !state.is_open())
            .map(|(key, state)| (state.walk.ended, key.clone()))
            .collect();
        old.sort();
        old.truncate(ended - at_most);
        instances.all.retain(|(key, _)| !old.iter().any(|(_, gone)| gone == key));
    }
    instances.due = instances.all.iter().filter_map(|(_, state)| state.due()).min();
    // The journey as a whole is where the open instance is that moved last.
    let latest = instances.open().filter_map(|(key, state)| Some((state.place?, key)));
    let place = latest.max_by_key(|(place, key)| (place.since, (*key).clone())).map(|(place, _)| place);
    let Some(journey) = turn.state.journeys.get_mut(number) else { return };
    let was = JourneyState { place: journey.place, ..JourneyState::default() };
    let (walk, had) = (journey.walk, journey.instances.take());
    journey.place = place;
    journey.instances = Some(instances);
    let standing = turn.context.rules().journeys_told.then(|| Standing::of(journey));
    turn.state.walk_was(number, walk, had);
    turn.state.journey_was(number, &was, (0, false));
    turn.context.move_to(number, place);
    if let Some(standing) = standing {
        turn.context.stand(number, standing);
    }
    for (key, moved, first) in moves {
        for (from, to) in moved {
            let what = What::Moved { journey: short(number), from, to, instance: Some(key.clone()) };
            let change = (turn.change)(what);
            turn.state.changes.push(Change { event: first.clone().or(change.event.clone()), ..change });
            turn.moved.push(number);
        }
    }
}
