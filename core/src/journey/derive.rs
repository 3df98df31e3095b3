use super::machine::Instant;
use super::rules::Journeys;
use crate::context::{Context, Holds, Reach, Rules, earlier};
use crate::customer::{Change, Derived, JourneyState, Place, SegmentState, View, What};
use crate::value::Timestamp;
use smallvec::SmallVec;
use std::cell::Cell;
use std::sync::Arc;

/// What is derived from a story: segments, personas and journeys.
#[derive(Debug)]
pub(crate) struct Model {
    /// Attributes, segments, personas.
    pub(crate) rules: Rules,
    /// Journeys.
    pub(crate) journeys: Journeys,
}

/// Walks a story on to `to`, from instant to instant: those at which events happened, and those at which something changes
/// because time passes. State is a function of the set of events, so a walk in one step or in a thousand ends the same.
pub(crate) fn derive(model: &Model, view: &View<'_>, state: &mut Derived, to: Timestamp) {
    state.segments.resize(model.rules.segments.len(), SegmentState::default());
    state.journeys.resize(model.journeys.rules.len(), JourneyState::default());
    loop {
        let event = view.next_instant(state.settled);
        // A customer begins with the first event: before it there is nothing that time could change.
        // What was due by then has been looked at; an answer that cannot say more is not asked for ever.
        let due = state.settled.and_then(|settled| next_due(state).filter(|due| *due > settled));
        let Some(at) = earlier(event, due).filter(|at| *at <= to) else { break };
        step(model, view, state, at, event == Some(at));
        state.settled = Some(at);
    }
    state.advanced = state.advanced.max(Some(to));
}

/// The first instant at which something may change without an event.
#[must_use]
pub(crate) fn next_due(state: &Derived) -> Option<Timestamp> {
    let segments = state.segments.iter().fold(None, |due, segment| earlier(due, segment.due));
    state.journeys.iter().fold(segments, |due, journey| earlier(due, journey.due()))
}

/// Moves through one instant: segments that do not depend on journeys, then journeys in the order of the playbook, then the
/// other segments.
fn step(model: &Model, view: &View<'_>, state: &mut Derived, at: Timestamp, events: bool) {
    let (kinds, first_event) = if events { view.at(at) } else { (SmallVec::new(), None) };
    let event: Option<Arc<str>> = first_event.map(|row| Arc::from(row.id()));
    let first = state.settled.is_none();
    let declared = model.rules.sources.declared_events;
    let in_session = kinds.iter().any(|kind| usize::from(kind.0) < declared);
    let touches = |reach: &Reach, due: Option<Timestamp>| {
        first
            || due.is_some_and(|due| due <= at)
            || kinds.iter().any(|kind| reach.kinds.contains(kind))
            || (reach.sessions && in_session)
    };
    let reaches = &model.rules.reaches;
    let touched: Vec<bool> =
        reaches.segments.iter().zip(&state.segments).map(|(reach, segment)| touches(reach, segment.due)).collect();
    let journeys_touched: Vec<bool> =
        model.journeys.rules.iter().zip(&state.journeys).map(|(rule, journey)| touches(&rule.reach, journey.due())).collect();
    if !touched.contains(&true) && !journeys_touched.contains(&true) {
        return;
    }
    let places: SmallVec<[Option<Place>; 2]> = state.journeys.iter().map(|journey| journey.place).collect();
    let changes = &mut state.changes;
    let segments = Cell::from_mut(&mut state.segments[..]).as_slice_of_cells();
    let mut context = Context::new(&model.rules, *view, at, &[], &places, &model.journeys.stages);
    let alone = |segment: usize, reach: &Reach| reach.journeys.is_empty() && touched[segment];
    settle(model, &context, segments, alone, |what| changes.push(Change { at, what, event: event.clone() }));
    context.settle(segments);
    let mut moved: SmallVec<[usize; 4]> = SmallVec::new();
    for (number, rule) in model.journeys.rules.iter().enumerate() {
        let depends = rule.reach.journeys.iter().any(|journey| moved.contains(journey));
        let Some(journey) = state.journeys.get_mut(number) else { break };
        let instant = Instant { at, kinds: &kinds, touched: journeys_touched[number] || depends };
        let mut ask = |rule: &crate::context::Rule, place: Option<Place>| {
            context.move_to(number, place);
            context.holds(rule)
        };
        let moves = journey.step(rule, &instant, &mut ask);
        context.move_to(number, journey.place);
        for (from, to) in moves {
            if !moved.contains(&number) {
                moved.push(number);
            }
            let what = What::Moved { journey: u16::try_from(number).unwrap_or(u16::MAX), from, to };
            changes.push(Change { at, what, event: event.clone() });
        }
    }
    let again = |segment: usize, reach: &Reach| {
        !reach.journeys.is_empty() && (touched[segment] || reach.journeys.iter().any(|journey| moved.contains(journey)))
    };
    settle(model, &context, segments, again, |what| changes.push(Change { at, what, event: event.clone() }));
}

/// Evaluates the segments that were chosen and reports who came in and who went out.
fn settle(
    model: &Model,
    context: &Context<'_>,
    segments: &[Cell<SegmentState>],
    chosen: impl Fn(usize, &Reach) -> bool,
    mut report: impl FnMut(What),
) {
    for (number, (segment, reach)) in segments.iter().zip(&model.rules.reaches.segments).enumerate() {
        if !chosen(number, reach) {
            continue;
        }
        let Holds { truth: member, until: due, .. } = context.member(number);
        let before = segment.replace(SegmentState { member, due });
        let number = u16::try_from(number).unwrap_or(u16::MAX);
        match (before.member == Some(true), member == Some(true)) {
            (false, true) => report(What::Entered { segment: number }),
            (true, false) => report(What::Left { segment: number }),
            _ => {}
        }
    }
}
