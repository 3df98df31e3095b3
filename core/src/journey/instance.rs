//! Journeys with a key: one walk for each of its values, a bounded number of them.

use super::ask::Asker;
use super::machine::{Instant, Moves};
use super::moves::{Turn, short};
use super::ways::{Key, Target};
use crate::context::{InstanceOf, Standing, earlier, key_of};
use crate::customer::{Change, Instances, InstancesWere, JourneyState, Place, Way, What};
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
    let mut of_all: SmallVec<[EventKind; 4]> = SmallVec::new();
    if events {
        of_all = turn.kinds.iter().filter(|kind| key.kinds.binary_search(kind).is_err()).copied().collect();
        gather(turn, key, &mut of_key);
    }
    let Some(mut instances) = taken(turn, number) else { return };
    let concerns_all = all || of_all.iter().any(|kind| rule.reach.kinds.contains(kind));
    if concerns_all || instances.due.is_some_and(|due| due <= turn.at) {
        for (own, state) in instances.all() {
            let due = state.due().is_some_and(|due| due <= turn.at);
            if due || (concerns_all && state.is_open()) {
                of_key.entry(own.clone()).or_default();
            }
        }
    }
    let full = instances.full;
    let mut open = instances.count_open();
    let mut outcomes: Vec<Outcome> = Vec::new();
    let looked_at = !of_key.is_empty();
    for (own, happened) in of_key {
        let known = instances.get(&own).cloned();
        let mut state = known.as_deref().cloned().unwrap_or_default();
        let kinds: SmallVec<[EventKind; 4]> = happened.kinds.iter().chain(&of_all).copied().collect();
        let inside = turn.is_inside(number, Some(&own));
        let instant = Instant { at: turn.at, kinds: &kinds, touched: true, inside };
        let instance = InstanceOf { property: key.property, kinds: &key.kinds, key: &own };
        let mut ask = Asker { context: turn.context, number, instance: Some(instance), others: Some(instances.all()) };
        let was_open = state.is_open();
        let (moves, _) = state.step(rule, &instant, &mut ask);
        // Nothing is remembered of a value under which nothing began.
        if known.is_none() && moves.is_empty() {
            continue;
        }
        if !was_open && state.is_open() && open >= key.at_most {
            if !instances.full {
                instances.full = true;
                let what = What::Full { journey: short(number), instance: own };
                turn.state.changes.push(Change { event: happened.first, ..(turn.change)(what) });
            }
            continue;
        }
        open = open + usize::from(state.is_open()) - usize::from(was_open);
        if known.as_deref() != Some(&state) {
            outcomes.push(Outcome { key: own, state: Arc::new(state), moves, first: happened.first });
        }
    }
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
    let Some(instances) = taken(turn, number) else { return };
    let full = instances.full;
    let mut state = instances.get(own).map(|state| (**state).clone()).unwrap_or_default();
    let instance = InstanceOf { property: key.property, kinds: &key.kinds, key: own };
    let mut ask = Asker { context: turn.context, number, instance: Some(instance), others: Some(instances.all()) };
    let was_open = state.is_open();
    let moved = state.put(rule, to, way, turn.at, &mut ask);
    if !was_open && state.is_open() && instances.count_open() >= key.at_most {
        return put_back(turn, number, instances, true);
    }
    let moves = SmallVec::from_slice(&[moved]);
    finish(turn, number, instances, full, vec![Outcome { key: own.clone(), state: Arc::new(state), moves, first: None }]);
}

/// The instances of a journey, out of the state: nothing is copied on the way of every event.
fn taken(turn: &mut Turn<'_, '_>, number: usize) -> Option<Box<Instances>> {
    turn.state.journeys.get_mut(number).map(|journey| journey.instances.take().unwrap_or_default())
}

/// Instances that did not change, back into the state; what rules were shown of one of them is shown no longer.
fn put_back(turn: &mut Turn<'_, '_>, number: usize, instances: Box<Instances>, looked_at: bool) {
    let Some(journey) = turn.state.journeys.get_mut(number) else { return };
    journey.instances = (*instances != Instances::default()).then_some(instances);
    if looked_at {
        turn.context.move_to(number, journey.place);
        if turn.context.rules().journeys_told {
            turn.context.stand(number, Standing::of(journey));
        }
    }
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
fn finish(turn: &mut Turn<'_, '_>, number: usize, mut instances: Box<Instances>, full: bool, outcomes: Vec<Outcome>) {
    let at_most = turn.model.journeys.rules.get(number).and_then(|rule| rule.key.as_ref()).map_or(0, |key| key.at_most);
    let Some(place) = turn.state.journeys.get(number).map(|journey| journey.place) else { return };
    let due = instances.due;
    let mut were = InstancesWere { full, due, each: Vec::with_capacity(outcomes.len()) };
    for Outcome { key, state, .. } in &outcomes {
        instances.due = earlier(instances.due, state.due());
        let before = instances.put(key, state.clone());
        were.each.push((key.clone(), before));
    }
    instances.full &= instances.count_open() >= at_most;
    while instances.all().len() - instances.count_open() > at_most {
        let ended = instances.all().iter().filter(|(_, state)| !state.is_open());
        let Some((key, _)) = ended.min_by_key(|(key, state)| (state.walk.ended, key)) else { break };
        let key = key.clone();
        let before = instances.remove(&key);
        were.each.push((key, before));
    }
    // Only when the one that was due first changed, another has to be found.
    let before = || were.each.iter().filter_map(|(_, before)| before.as_ref());
    if due.is_some() && before().any(|before| before.due() == due) {
        instances.due = instances.all().iter().filter_map(|(_, state)| state.due()).min();
    }
    let place_now = latest(&instances, place, turn.at, &outcomes, before().map(|before| &**before));
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
    for Outcome { key, moves, first, .. } in outcomes {
        for (from, to) in moves {
            let what = What::Moved { journey: short(number), from, to, instance: Some(key.clone()) };
            let change = (turn.change)(what);
            turn.state.changes.push(Change { event: first.clone().or(change.event.clone()), ..change });
            turn.moved.push(number);
        }
    }
}

/// Where the journey as a whole is: where the open instance is that moved last, of several at one instant that of the greatest key.
/// `place` is where it was, `before` those that changed as they were.
fn latest<'a>(
    instances: &Instances,
    place: Option<Place>,
    at: Timestamp,
    outcomes: &[Outcome],
    mut before: impl Iterator<Item = &'a JourneyState>,
) -> Option<Place> {
    let moved = |state: &JourneyState| state.place.filter(|place| state.is_open() && place.since >= at);
    let news = outcomes.iter().filter_map(|outcome| moved(&outcome.state)).last();
    if news.is_some() && place.is_none_or(|place| place.since < at) {
        return news;
    }
    // Nobody else moved as late as the one that was latest, unless that changed.
    let was_latest = |state: &JourneyState| state.is_open() && state.place.map(|own| own.since) >= place.map(|own| own.since);
    if news.is_none() && place.is_some() && !before.any(was_latest) {
        return place;
    }
    let open = instances.open().filter_map(|(key, state)| Some((state.place?, key)));
    open.max_by_key(|(place, key)| (place.since, *key)).map(|(place, _)| place)
}
