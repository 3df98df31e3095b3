//! Journeys with a key: one walk for each of its values, a bounded number of them.

use super::ask::Asker;
use super::machine::{Instant, Moves};
use super::moves::{Turn, short};
use super::ways::{Key, Target};
use crate::context::{InstanceOf, Standing, key_of};
use crate::customer::{Change, Instances, InstancesWere, JourneyState, Way, What};
use crate::expr::{EventKind, EventRow};
use crate::value::Span;
use smallvec::SmallVec;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Types of events with the place of the first of each in the instant.
type Placed = SmallVec<[(u32, EventKind); 4]>;

/// What happened to one instance at an instant.
#[derive(Default)]
struct Happened {
    /// The types of its events with their places in the instant, in the order of the story.
    kinds: Placed,
    /// The first of them.
    first: Option<Arc<str>>,
}

/// How an instance comes out of an instant.
struct Outcome {
    key: Arc<str>,
    state: Arc<JourneyState>,
    moves: Moves,
    /// The first of its events.
    first: Option<Arc<str>>,
}

/// Moves the instances of a journey through an instant, in the order of their keys: those of which an event happened, those at which
/// something is due, and all that are open when something happened that is no instance's alone.
pub(super) fn take(turn: &mut Turn<'_, '_>, number: usize, all: bool, events: bool) {
    let Some(rule) = turn.model.journeys.rules.get(number) else { return };
    let Some(key) = &rule.key else { return };
    let mut of_key: BTreeMap<Arc<str>, Happened> = BTreeMap::new();
    let mut of_all = Placed::new();
    if events {
        of_all = gather(turn, key, &mut of_key);
    }
    let Some(mut instances) = taken(turn, number) else { return };
    let mut when = key.read.then(|| turn.state.take_keyed(number));
    if let Some(when) = &mut when {
        of_key.keys().for_each(|own| when.push(own, turn.at));
    }
    for (own, _) in instances.due_by(turn.at) {
        of_key.entry(own.clone()).or_default();
    }
    if all || of_all.iter().any(|(_, kind)| rule.reach.kinds.contains(kind)) {
        for (own, _) in instances.open() {
            of_key.entry(own.clone()).or_default();
        }
    }
    let full = instances.full;
    let mut refused: Option<Arc<str>> = None;
    let mut open = instances.count_open();
    let mut outcomes: Vec<Outcome> = Vec::new();
    let looked_at = !of_key.is_empty();
    for (own, happened) in of_key {
        let known = instances.get(&own).cloned();
        let mut state = known.as_deref().cloned().unwrap_or_default();
        let mut kinds: Placed = happened.kinds.iter().chain(&of_all).copied().collect();
        kinds.sort_unstable();
        let kinds: SmallVec<[EventKind; 4]> = kinds.into_iter().map(|(_, kind)| kind).collect();
        let inside = turn.is_inside(number, Some(&own));
        let mut instant = Instant { at: turn.at, kinds: &kinds, touched: true, inside };
        let instance = InstanceOf { property: key.property, kinds: &key.kinds, key: &own, when: when.as_ref() };
        let mut ask = Asker { context: turn.context, number, instance: Some(instance), others: Some(&*instances) };
        let was_open = state.is_open();
        let (mut moves, _) = state.step(rule, &instant, &mut ask);
        if !was_open && state.is_open() && open >= key.at_most {
            // It stays out, and its conditions stand as they do.
            instant.inside = false;
            state = known.as_deref().cloned().unwrap_or_default();
            (moves, _) = state.step(rule, &instant, &mut ask);
            if refused.is_none() {
                refused = Some(own.clone());
                if !full {
                    tell_full(turn, number, &own, happened.first.clone());
                }
            }
        }
        // Nothing is remembered of a value under which nothing began.
        if known.is_none() && moves.is_empty() {
            continue;
        }
        open = open + usize::from(state.is_open()) - usize::from(was_open);
        if known.as_deref() != Some(&state) {
            outcomes.push(Outcome { key: own, state: Arc::new(state), moves, first: happened.first });
        }
    }
    if let Some(when) = when {
        turn.state.put_keyed(number, when);
    }
    instances.full |= refused.is_some();
    if outcomes.is_empty() && instances.full == full {
        put_back(turn, number, instances, looked_at);
    } else {
        finish(turn, number, instances, full, outcomes);
    }
}

/// Moves an instance because of what happened elsewhere.
pub(super) fn put(turn: &mut Turn<'_, '_>, number: usize, own: &Arc<str>, to: Target, way: Way) {
    let Some(rule) = turn.model.journeys.rules.get(number) else { return };
    let Some(key) = &rule.key else { return };
    let Some(mut instances) = taken(turn, number) else { return };
    let full = instances.full;
    let mut state = instances.get(own).map(|state| (**state).clone()).unwrap_or_default();
    let instance = InstanceOf { property: key.property, kinds: &key.kinds, key: own, when: None };
    let mut ask = Asker { context: turn.context, number, instance: Some(instance), others: Some(&*instances) };
    let was_open = state.is_open();
    let moved = state.put(rule, to, way, turn.at, &mut ask);
    if !was_open && state.is_open() && instances.count_open() >= key.at_most {
        if full {
            return put_back(turn, number, instances, true);
        }
        instances.full = true;
        tell_full(turn, number, own, None);
        return finish(turn, number, instances, full, Vec::new());
    }
    let moves = SmallVec::from_slice(&[moved]);
    finish(turn, number, instances, full, vec![Outcome { key: own.clone(), state: Arc::new(state), moves, first: None }]);
}

/// Tells that an instance could not begin because there are too many.
fn tell_full(turn: &mut Turn<'_, '_>, number: usize, own: &Arc<str>, event: Option<Arc<str>>) {
    let what = What::Full { journey: short(number), instance: own.clone() };
    let change = (turn.change)(what);
    turn.state.changes.push(Change { event: event.or(change.event.clone()), ..change });
}

/// The instances of a journey, out of the state: nothing is copied on the way of every event.
fn taken(turn: &mut Turn<'_, '_>, number: usize) -> Option<Box<Instances>> {
    turn.state.journeys.get_mut(number).map(|journey| journey.instances.take().unwrap_or_default())
}

/// Instances that did not change, back into the state; what rules were shown of one of them is shown no longer.
fn put_back(turn: &mut Turn<'_, '_>, number: usize, instances: Box<Instances>, looked_at: bool) {
    let Some(journey) = turn.state.journeys.get_mut(number) else { return };
    journey.instances = (!instances.is_empty()).then_some(instances);
    if looked_at {
        turn.context.move_to(number, journey.place);
        if turn.context.rules().journeys_told {
            turn.context.stand(number, Standing::of(journey));
        }
    }
}

/// The events of the instant that have the key's property, by its value; the others are returned.
fn gather(turn: &Turn<'_, '_>, key: &Key, of_key: &mut BTreeMap<Arc<str>, Happened>) -> Placed {
    let is_keyed = |kind: &EventKind| key.kinds.binary_search(kind).is_ok();
    let mut of_all = Placed::new();
    if !turn.kinds.iter().any(is_keyed) {
        of_all.extend((0..).zip(turn.kinds.iter().copied()));
        // The order matters where there are several.
        if of_all.len() < 2 {
            return of_all;
        }
        of_all.clear();
    }
    let mut place = 0;
    let add = |kinds: &mut Placed, place: u32, kind: EventKind| {
        if !kinds.iter().any(|(_, known)| *known == kind) {
            kinds.push((place, kind));
        }
    };
    turn.view.events(turn.kinds, Span::from(turn.at, turn.at), &mut |row| {
        let kind = EventRow::kind(&row);
        place += 1;
        if !is_keyed(&kind) {
            add(&mut of_all, place, kind);
        } else if let Some(value) = EventRow::property(&row, key.property) {
            let happened = of_key.entry(Arc::from(key_of(&value))).or_default();
            add(&mut happened.kinds, place, kind);
            happened.first.get_or_insert_with(|| Arc::from(row.id()));
        }
        ControlFlow::Continue(())
    });
    of_all
}

/// Puts the instances back: forgets the oldest that ended when there are too many, and tells the moves.
fn finish(turn: &mut Turn<'_, '_>, number: usize, mut instances: Box<Instances>, full: bool, outcomes: Vec<Outcome>) {
    let at_most = turn.model.journeys.rules.get(number).and_then(|rule| rule.key.as_ref()).map_or(0, |key| key.at_most);
    let Some(place) = turn.state.journeys.get(number).map(|journey| journey.place) else { return };
    let mut were = InstancesWere { full, each: Vec::with_capacity(outcomes.len()) };
    for Outcome { key, state, .. } in &outcomes {
        let before = instances.put(key, state.clone());
        were.each.push((key.clone(), before));
    }
    instances.full &= instances.count_open() >= at_most;
    while instances.count() - instances.count_open() > at_most {
        let Some(key) = instances.first_ended().cloned() else { break };
        let before = instances.remove(&key);
        were.each.push((key, before));
    }
    let place_now = instances.place();
    let Some(journey) = turn.state.journeys.get_mut(number) else { return };
    let was = JourneyState { place, ..JourneyState::default() };
    let walk = journey.walk;
    journey.place = place_now;
    journey.instances = Some(instances);
    let standing = turn.context.rules().journeys_told.then(|| Standing::of(journey));
    turn.state.walk_was(number, walk, Some(were));
    turn.state.journey_was(number, &was, (0, false));
    turn.context.move_to(number, place_now);
    if let Some(standing) = standing {
        turn.context.stand(number, standing);
    }
    if outcomes.iter().any(|outcome| !outcome.moves.is_empty()) {
        turn.moved.push(number);
    }
    for Outcome { key, moves, first, .. } in outcomes {
        for (from, to) in moves {
            let what = What::Moved { journey: short(number), from, to, instance: Some(key.clone()) };
            let change = (turn.change)(what);
            turn.state.changes.push(Change { event: first.clone().or(change.event.clone()), ..change });
        }
    }
}
