use super::moves::{Bits, Turn};
use super::rules::Journeys;
use super::story::{Alone, Story, answered};
use crate::context::{Context, Holds, Reach, Rules, Source, earlier};
use crate::customer::{Change, Customer, Derived, Place, SegmentState, StoryRow, View, WatchState, What};
use crate::expr::plan::Live;
use crate::expr::{EventKind, EventRow};
use crate::reaction::{self, Reactions};
use crate::value::{Span, Timestamp, Value};
use smallvec::SmallVec;
use std::cell::{Cell, OnceCell};
use std::ops::ControlFlow;
use std::sync::Arc;

/// What is derived from a story: segments, personas and journeys.
#[derive(Debug)]
pub(crate) struct Model {
    /// Attributes, segments, personas.
    pub(crate) rules: Rules,
    /// Journeys.
    pub(crate) journeys: Journeys,
    /// Reactions.
    pub(crate) reactions: Reactions,
    /// Which of them an event concerns; filled when all is compiled.
    pub(crate) touches: Touches,
}

/// Which segments, journeys and watches an event of each type concerns, as bits.
#[derive(Debug, Default)]
pub(crate) struct Touches {
    /// By event type.
    segments: Vec<Bits>,
    /// By event type.
    journeys: Vec<Bits>,
    /// By event type.
    watches: Vec<Bits>,
    /// By event type.
    reactions: Vec<Bits>,
    /// By event type: segments that read more of it than slots that stand.
    more: Vec<Bits>,
    /// By place of a slot that stands: the segments that read it.
    readers: Vec<Bits>,
    /// Segments that a story alone answers.
    pub(super) alone: Bits,
    /// By journey: the slots that stand which its conditions read; `None` when they read anything else.
    journey_slots: Vec<Option<u128>>,
}

impl Touches {
    /// From what segments and journeys read in the end.
    pub(crate) fn of(rules: &Rules, journeys: &Journeys, reactions: &Reactions) -> Self {
        let declared = rules.sources.declared_events;
        let kinds = rules.sources.schema.events().len();
        let bits = |reaches: &mut dyn Iterator<Item = &Reach>, kind: usize| {
            let mut bits = Bits::new();
            for (number, reach) in reaches.enumerate() {
                let reads = u16::try_from(kind).is_ok_and(|kind| reach.kinds.contains(&EventKind(kind)));
                if reads || (reach.sessions && kind < declared) {
                    set(&mut bits, number);
                }
            }
            bits
        };
        let standing = standing(rules);
        let more = |kind: usize| {
            let mut bits = Bits::new();
            for (number, (stands, reach)) in standing.iter().zip(&rules.reaches.segments).enumerate() {
                let reads = u16::try_from(kind).is_ok_and(|kind| match stands.more {
                    true => reach.kinds.contains(&EventKind(kind)),
                    false => stands.kinds.contains(&EventKind(kind)),
                });
                if reads || (reach.sessions && kind < declared) {
                    set(&mut bits, number);
                }
            }
            bits
        };
        Touches {
            more: (0..kinds).map(more).collect(),
            readers: readers(&standing),
            alone: answered(rules),
            journey_slots: journeys
                .rules
                .iter()
                .map(|rule| {
                    rule.conditions().try_fold(0, |slots, condition| {
                        let stands = rules.plan.stands(condition.code()?);
                        (!stands.more && stands.facts.is_empty()).then_some(slots | stands.slots)
                    })
                })
                .collect(),
            segments: (0..kinds).map(|kind| bits(&mut rules.reaches.segments.iter(), kind)).collect(),
            journeys: (0..kinds).map(|kind| bits(&mut journeys.rules.iter().map(|rule| &rule.reach), kind)).collect(),
            watches: (0..kinds).map(|kind| bits(&mut rules.reaches.watches.iter(), kind)).collect(),
            reactions: match reactions.rules.is_empty() {
                true => Vec::new(),
                false => (0..kinds).map(|kind| bits(&mut reactions.rules.iter().map(|rule| &rule.reach), kind)).collect(),
            },
        }
    }
}

impl Touches {
    /// Whether an event of a type concerns no segment, journey or watch.
    pub(crate) fn none(&self, kind: EventKind) -> bool {
        let none = |by_kind: &[Bits]| by_kind.get(usize::from(kind.0)).is_none_or(|bits| bits.iter().all(|word| *word == 0));
        none(&self.segments) && none(&self.journeys) && none(&self.watches) && none(&self.reactions)
    }

    /// Some segments, and those that read slots which changed.
    fn concerned(&self, mut segments: Bits, changed: u128) -> Bits {
        places(changed).map_while(|place| self.readers.get(place)).for_each(|readers| join(&mut segments, readers));
        segments
    }
}

/// By place of a slot that stands: the segments that read it in the end.
fn readers(standing: &[Reads]) -> Vec<Bits> {
    let mut readers = Vec::new();
    for (number, reads) in standing.iter().enumerate() {
        for place in places(reads.slots) {
            if readers.len() <= place {
                readers.resize(place + 1, Bits::new());
            }
            if let Some(bits) = readers.get_mut(place) {
                set(bits, number);
            }
        }
    }
    readers
}

/// The places of bits that are set.
fn places(bits: u128) -> impl Iterator<Item = usize> {
    let next = |bits: &u128| Some(bits & bits.wrapping_sub(1)).filter(|rest| *rest != 0);
    std::iter::successors(Some(bits).filter(|bits| *bits != 0), next).map(|bits| bits.trailing_zeros() as usize)
}

/// What a segment reads in the end.
#[derive(Default, Clone)]
struct Reads {
    slots: u128,
    /// Event types of the attributes.
    kinds: Vec<EventKind>,
    /// Whether it reads anything but slots that stand and attributes.
    more: bool,
}

/// What each segment reads in the end, through other segments.
fn standing(rules: &Rules) -> Vec<Reads> {
    let mut reads: Vec<Option<Reads>> = vec![None; rules.segments.len()];
    fn read(rules: &Rules, number: usize, reads: &mut Vec<Option<Reads>>) -> Reads {
        if let Some(Some(known)) = reads.get(number) {
            return known.clone();
        }
        let mut own = Reads { more: true, ..Reads::default() };
        if let Some(code) = rules.segments.get(number).and_then(|rule| rule.code()) {
            let stands = rules.plan.stands(code);
            (own.slots, own.more) = (stands.slots, stands.more);
            for fact in stands.facts {
                match rules.sources.source(fact) {
                    Some(Source::Attribute(place)) => own.kinds.extend(rules.sources.tellers(place)),
                    Some(Source::Segment(other)) => {
                        let other = read(rules, other, reads);
                        own.slots |= other.slots;
                        own.kinds.extend(other.kinds);
                        own.more |= other.more;
                    }
                    _ => own.more = true,
                }
            }
        }
        if let Some(place) = reads.get_mut(number) {
            *place = Some(own.clone());
        }
        own
    }
    (0..rules.segments.len()).map(|number| read(rules, number, &mut reads)).collect()
}

pub(super) fn set(bits: &mut Bits, number: usize) {
    if bits.len() <= number / 64 {
        bits.resize(number / 64 + 1, 0);
    }
    if let Some(word) = bits.get_mut(number / 64) {
        *word |= 1 << (number % 64);
    }
}

pub(super) fn has(bits: &[u64], number: usize) -> bool {
    bits.get(number / 64).is_some_and(|word| word & (1 << (number % 64)) != 0)
}

/// Which bits are set, in order.
fn numbers(bits: &Bits) -> impl Iterator<Item = usize> {
    bits.iter().enumerate().flat_map(|(place, word)| {
        let next = |word: &u64| Some(word & word.wrapping_sub(1)).filter(|rest| *rest != 0);
        let words = std::iter::successors(Some(*word).filter(|word| *word != 0), next);
        words.map(move |word| place * 64 + word.trailing_zeros() as usize)
    })
}

/// All that events of some types concern.
fn touched(by_kind: &[Bits], kinds: &[EventKind]) -> Bits {
    if let [kind] = kinds {
        return Bits::from_slice(touched_by(by_kind, *kind));
    }
    let mut all = Bits::new();
    kinds.iter().filter_map(|kind| by_kind.get(usize::from(kind.0))).for_each(|bits| join(&mut all, bits));
    all
}

/// Sets bits that are set in others.
fn join(all: &mut Bits, others: &[u64]) {
    if all.len() < others.len() {
        all.resize(others.len(), 0);
    }
    all.iter_mut().zip(others).for_each(|(all, others)| *all |= others);
}

/// All that events of a type concern.
fn touched_by(by_kind: &[Bits], kind: EventKind) -> &[u64] {
    by_kind.get(usize::from(kind.0)).map_or(&[], |bits| &bits[..])
}

impl Model {
    /// Takes an event of the last instant that was looked at into what stands; it is the last of its type in the story. Says whether all
    /// is settled by that: where it changes no more than until when something holds, the instant need not be gone through again.
    pub(crate) fn follow_same(&self, customer: &mut Customer, kind: EventKind) -> bool {
        let Some(mut live) = customer.derived.live.take() else { return false };
        let at = customer.derived.settled;
        let view = View::new(customer.strands(), Timestamp::MAX);
        let ([strand], Some(now)) = (view.strands(), at) else { return false };
        let rows = strand.len();
        if !live.stands(at, rows.saturating_sub(1)) || strand.folded().is_some() || customer.derived.by_time_alone(now) {
            return false;
        }
        let before = live.changed();
        live.changes(0);
        self.rules.plan.follow(&mut live, &Story { rules: &self.rules, view: &view, now, live: None }, Some(kind), rows);
        let changed = live.changed();
        live.changes(before | changed);
        let alone = strand.holds_at_only(kind, now) && customer.derived.advanced == at;
        let again = if alone { self.settle_again(&view, &customer.derived, kind, &live, changed) } else { None };
        customer.derived.live = Some(live);
        let Some(again) = again else { return false };
        for (number, after) in again {
            customer.derived.settle_again(number, after);
        }
        true
    }

    /// All that can be read at an instant.
    fn context<'c>(&'c self, view: &View<'c>, at: Timestamp, state: &Derived, live: Option<&'c Live>) -> Context<'c> {
        let places: SmallVec<[Option<Place>; 2]> = state.journeys.iter().map(|journey| journey.place).collect();
        let mut context = Context::new(&self.rules, *view, at, &[], &places, &self.journeys.stages);
        context.set_standing(&state.journeys);
        if let Some(live) = live {
            context.standing_on(live);
        }
        context
    }

    /// The segments that stand otherwise when slots changed; `None` when that may matter to anything else.
    fn settle_again(
        &self,
        view: &View<'_>,
        state: &Derived,
        kind: EventKind,
        live: &Live,
        changed: u128,
    ) -> Option<SmallVec<[(usize, SegmentState); 16]>> {
        let watched = |by_kind: &[Bits]| touched_by(by_kind, kind).iter().any(|word| *word != 0);
        let watched = watched(&self.touches.watches) || watched(&self.touches.reactions);
        if watched || kind == self.rules.sources.reserved.journey_pinned || !state.is_marked() {
            return None;
        }
        let journeys = touched_by(&self.touches.journeys, kind);
        for (number, slots) in self.touches.journey_slots.iter().enumerate().filter(|(number, _)| has(journeys, *number)) {
            if slots.is_none_or(|slots| slots & changed != 0) || self.journeys.rules.get(number)?.key.is_some() {
                return None;
            }
        }
        let more = touched_by(&self.touches.more, kind);
        let concerned = self.touches.concerned(Bits::from_slice(more), changed);
        if concerned.iter().all(|word| *word == 0) {
            return Some(SmallVec::new());
        }
        let now = state.settled?;
        let story = Story { rules: &self.rules, view, now, live: Some(live) };
        let alone = Alone::new(self, &story);
        let context: OnceCell<Context<'_>> = OnceCell::new();
        let mut again = SmallVec::new();
        for number in numbers(&concerned) {
            let before = *state.segments.get(number)?;
            let after = alone
                .segment(number)
                .unwrap_or_else(|| standing_of(context.get_or_init(|| self.context(view, now, state, Some(live))), number));
            if (before.member() == Some(true)) != (after.member() == Some(true)) {
                return None;
            }
            if before != after {
                again.push((number, after));
            }
        }
        Some(again)
    }
}

/// Walks a story on to `to`, from instant to instant: those at which events happened, and those at which something changes
/// because time passes. State is a function of the set of events, so a walk in one step or in a thousand ends the same.
pub(crate) fn derive(model: &Model, view: &View<'_>, state: &mut Derived, to: Timestamp) {
    walk(model, view, state, to, None, Comes::Again);
}

/// The only event of a story after the last instant that was looked at: nothing has to be searched for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct News<'a> {
    pub(crate) at: Timestamp,
    pub(crate) kind: EventKind,
    pub(crate) id: &'a str,
}

/// The same walk, when it is known which event is still to come.
pub(crate) fn derive_news(model: &Model, view: &View<'_>, state: &mut Derived, to: Timestamp, news: &News<'_>) {
    walk(model, view, state, to, Some(news), Comes::Again);
}

/// The same walk, with a mark just before that event: what time alone changes comes first.
pub(crate) fn derive_marked(model: &Model, view: &View<'_>, state: &mut Derived, to: Timestamp, news: &News<'_>) {
    walk(model, view, state, to, Some(news), Comes::First);
}

/// Whether the event that is new is still to be marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comes {
    First,
    Again,
}

fn walk(model: &Model, view: &View<'_>, state: &mut Derived, to: Timestamp, news: Option<&News<'_>>, mut comes: Comes) {
    let resumed = state.resume(to);
    prepare(model, state);
    if resumed {
        take_up(model, view, state);
    }
    while state.settled.is_none_or(|settled| settled < to) {
        let event = match news {
            Some(news) => Some(news.at).filter(|at| state.settled.is_none_or(|settled| *at > settled)),
            None => view.next_instant(state.settled),
        };
        // A customer begins with the first event: before it there is nothing that time could change.
        let first = if state.settled.is_some() { first_due(state) } else { None };
        // What was due by then has been looked at; an answer that cannot say more is not asked for ever, and holds nothing else up.
        let due = match (first, state.settled) {
            (Some(first), Some(settled)) if first <= settled => next_due_after(state, settled),
            (first, _) => first,
        };
        let Some(at) = earlier(event, due).filter(|at| *at <= to) else { break };
        let happened = match news {
            _ if event != Some(at) => Happened::Nothing,
            Some(news) => Happened::One(*news),
            None => Happened::Any,
        };
        if comes == Comes::First && event == Some(at) {
            state.mark();
            comes = Comes::Again;
        }
        let quiet = state.settled.is_some() && first.is_none_or(|first| first > at);
        state.moves();
        step(model, view, state, at, happened, quiet);
        state.settled = Some(at);
        state.walked();
    }
    // Whoever asks next begins with it.
    if state.settled.is_some() {
        first_due(state);
    }
    state.advanced = state.advanced.max(Some(to));
}

/// Takes over the places of folded events in journeys whose rules have changed since, at the instant up to which they were derived.
#[cold]
fn take_up(model: &Model, view: &View<'_>, state: &mut Derived) {
    let (Some(start), Some(at)) = (state.start.clone(), state.settled) else { return };
    let change = |what: What| Change { at, what, event: None };
    let mut segments = std::mem::take(&mut state.segments);
    let mut context = model.context(view, at, state, None);
    context.settle(Cell::from_mut(&mut segments[..]).as_slice_of_cells());
    Turn {
        model,
        view,
        state,
        context: &mut context,
        at,
        kinds: &[],
        change: &change,
        moved: SmallVec::new(),
        wanting: SmallVec::new(),
    }
    .take_up(&start.places);
    drop(context);
    state.segments = segments;
    state.forget();
}

/// What happened at an instant.
enum Happened<'a> {
    /// Time passed.
    Nothing,
    /// One event.
    One(News<'a>),
    /// Whatever stands in the story.
    Any,
}

/// Makes room for every segment, journey and watch.
fn prepare(model: &Model, state: &mut Derived) {
    let journeys = &model.journeys.rules;
    resize(&mut state.segments, model.rules.segments.len());
    resize(&mut state.journeys, journeys.len());
    resize(&mut state.watches, model.rules.watches.len());
    resize(&mut state.reactions, model.reactions.rules.len());
    for (journey, rule) in state.journeys.iter_mut().zip(journeys).filter(|(_, rule)| rule.key.is_none()) {
        if journey.conditions.len() != rule.slots || journey.waiting.len() != rule.stages.len() {
            journey.conditions.resize(rule.slots, SegmentState::default());
            journey.waiting.resize(rule.stages.len(), false);
        }
    }
}

/// Exactly so many, and no memory for more.
fn resize<T: Clone + Default>(list: &mut Box<[T]>, count: usize) {
    if list.len() != count {
        let mut longer = std::mem::take(list).into_vec();
        longer.reserve_exact(count.saturating_sub(longer.len()));
        longer.resize(count, T::default());
        *list = longer.into_boxed_slice();
    }
}

/// The first instant at which something may change without an event, which is kept until something changes.
fn first_due(state: &mut Derived) -> Option<Timestamp> {
    let first = next_due(state);
    state.keep_due(first);
    first
}

/// The first instant at which something may change without an event.
#[must_use]
pub(crate) fn next_due(state: &Derived) -> Option<Timestamp> {
    if let Some(known) = state.known_due() {
        return known;
    }
    let segments = SegmentState::first_due(&state.segments);
    let journeys = state.journeys.iter().fold(segments, |due, journey| earlier(due, journey.due()));
    let watches = state.watches.iter().fold(journeys, |due, watch| earlier(due, watch.due));
    state.reactions.iter().fold(watches, |due, reaction| earlier(due, reaction.due()))
}

/// The same after an instant, where something was due by then and stays so.
#[cold]
fn next_due_after(state: &Derived, at: Timestamp) -> Option<Timestamp> {
    let segments = state.segments.iter().map(|segment| segment.due());
    let watches = state.watches.iter().map(|watch| watch.due);
    let later = segments.chain(watches).flatten().filter(|due| *due > at);
    let journeys = state.journeys.iter().filter_map(|journey| journey.due_after(at));
    later.chain(journeys).chain(state.reactions.iter().filter_map(|reaction| reaction.due_after(at))).min()
}

/// The first instant after all that was told at which something may change without an event, out of what holds at that instant. What a walk
/// has noted may be earlier: of two conditions that each settle a segment it notes the one that it looked at, and that depends on when
/// it looked, so on the order in which the events came. This is the same for equal stories that were told up to the same instant.
#[must_use]
pub(crate) fn due_after(model: &Model, view: &View<'_>, state: &Derived) -> Option<Timestamp> {
    let at = state.settled?.max(state.advanced.unwrap_or(Timestamp::MIN));
    let places: SmallVec<[Option<Place>; 2]> = state.journeys.iter().map(|journey| journey.place).collect();
    let mut context = Context::new(&model.rules, *view, at, &[], &places, &model.journeys.stages);
    context.set_standing(&state.journeys);
    let segments = (0..model.rules.segments.len()).fold(None, |due, number| earlier(due, context.member(number).until));
    let journeys = state.journeys.iter().fold(segments, |due, journey| earlier(due, journey.due_after(at)));
    let watches = model.rules.watches.iter().fold(journeys, |due, watch| earlier(due, watch.ask(&context).until));
    state.reactions.iter().fold(watches, |due, reaction| earlier(due, reaction.due_after(at)))
}

#[cfg(test)]
thread_local! {
    /// How many instants this thread walked through.
    pub(crate) static STEPS: Cell<u64> = const { Cell::new(0) };
}

/// Moves through one instant: segments that do not depend on journeys, then journeys in the order of the playbook, then the
/// other segments. Where it is `quiet` nothing changes because of time.
fn step(model: &Model, view: &View<'_>, state: &mut Derived, at: Timestamp, happened: Happened<'_>, quiet: bool) {
    #[cfg(test)]
    STEPS.set(STEPS.get() + 1);
    let kinds: SmallVec<[EventKind; 4]>;
    let first_event = match &happened {
        Happened::Nothing => {
            kinds = SmallVec::new();
            First::None
        }
        Happened::One(news) => {
            kinds = SmallVec::from_slice(&[news.kind]);
            First::News(*news)
        }
        Happened::Any => {
            let (all, first) = view.at(at);
            kinds = all;
            first.map_or(First::None, First::Row)
        }
    };
    let first = state.settled.is_none();
    let live = follow(model, view, state, at, &happened);
    let mut segments_touched = match &live {
        None => touched(&model.touches.segments, &kinds),
        Some(live) => model.touches.concerned(touched(&model.touches.more, &kinds), live.changed()),
    };
    let mut journeys_touched = touched(&model.touches.journeys, &kinds);
    for (place, segments) in state.segments.chunks(64).enumerate().filter(|_| !quiet) {
        let mut due = 0;
        for (place, segment) in segments.iter().enumerate() {
            due |= u64::from(first | (segment.due_micros() <= at.micros())) << place;
        }
        if due != 0 {
            set(&mut segments_touched, place * 64 + 63 - due.leading_zeros() as usize);
            if let Some(word) = segments_touched.get_mut(place) {
                *word |= due;
            }
        }
    }
    for (number, journey) in state.journeys.iter().enumerate().filter(|_| !quiet) {
        if first || journey.due().is_some_and(|due| due <= at) {
            set(&mut journeys_touched, number);
        }
    }
    let mut watches_touched = touched(&model.touches.watches, &kinds);
    for (number, watch) in state.watches.iter().enumerate().filter(|_| !quiet) {
        if first || watch.due.is_some_and(|due| due <= at) {
            set(&mut watches_touched, number);
        }
    }
    let reacts = !state.reactions.is_empty();
    let reactions_touched = reacts
        && (first
            || touched(&model.touches.reactions, &kinds).iter().any(|word| *word != 0)
            || state.reactions.iter().any(|reaction| reaction.due().is_some_and(|due| due <= at)));
    if !reactions_touched && segments_touched.iter().chain(&journeys_touched).chain(&watches_touched).all(|word| *word == 0) {
        state.live = live;
        return;
    }
    // The cause is looked up when something changes, which is rare.
    let cause: OnceCell<Option<Arc<str>>> = OnceCell::new();
    let change = |what: What| {
        let event = cause.get_or_init(|| happened_first(model, view, &first_event, at)).clone();
        Change { at, what, event }
    };
    let before = state.changes.len();
    let reaches = &model.rules.reaches.segments;
    let mut segments = std::mem::take(&mut state.segments);
    let cells = Cell::from_mut(&mut segments[..]).as_slice_of_cells();
    let story = Story { rules: &model.rules, view, now: at, live: live.as_deref() };
    let alone = Alone::new(model, &story);
    // Made when something is asked that the story alone does not answer.
    let mut made: Option<Context<'_>> = None;
    let mut more = false;
    for number in numbers(&segments_touched) {
        if reaches.get(number).is_none_or(|reach| !reach.journeys.is_empty()) {
            more = true;
            continue;
        }
        let after = alone.segment(number).unwrap_or_else(|| {
            standing_of(made.get_or_insert_with(|| model.context(view, at, state, live.as_deref())), number)
        });
        settle(after, cells, number, state, &change);
    }
    let watched = watches_touched.iter().any(|word| *word != 0);
    let reacting = reactions_touched || (reacts && state.changes.len() > before);
    let moving = journeys_touched.iter().any(|word| *word != 0) || kinds.contains(&model.rules.sources.reserved.journey_pinned);
    if !(more || watched || reacting || moving) {
        drop(made);
        (state.segments, state.live) = (segments, live);
        return;
    }
    let mut context = made.unwrap_or_else(|| model.context(view, at, state, live.as_deref()));
    context.settle(cells);
    let mut turn = Turn {
        model,
        view,
        state,
        context: &mut context,
        at,
        kinds: &kinds,
        change: &change,
        moved: SmallVec::new(),
        wanting: SmallVec::new(),
    };
    turn.take(&journeys_touched);
    let moved = turn.moved;
    for (number, reach) in reaches.iter().enumerate().filter(|(_, reach)| !reach.journeys.is_empty()) {
        if has(&segments_touched, number) || reach.journeys.iter().any(|journey| moved.contains(journey)) {
            settle(standing_of(&context, number), cells, number, state, &change);
        }
    }
    for (number, reach) in model.rules.reaches.watches.iter().enumerate() {
        if has(&watches_touched, number) || reach.journeys.iter().any(|journey| moved.contains(journey)) {
            look(model, &context, number, state, &change);
        }
    }
    if reactions_touched || (reacts && state.changes.len() > before) {
        let instant =
            reaction::Instant { view, context: &context, at, kinds: &kinds, before, moved: &moved, first, change: &change };
        reaction::turn(&model.reactions, &instant, state);
    }
    drop(context);
    state.segments = segments;
    state.live = live;
}

/// Slots as they stand at an instant, when they stood just before and it is known what happened.
fn follow(model: &Model, view: &View<'_>, state: &mut Derived, at: Timestamp, happened: &Happened<'_>) -> Option<Box<Live>> {
    let live = state.live.take();
    if !model.rules.plan.is_standing() {
        return None;
    }
    let [strand] = view.strands() else { return None };
    let rows = strand.len();
    if strand.folded().is_some() {
        return None;
    }
    match happened {
        // The events of this instant were taken in as they came.
        Happened::Any => live.filter(|live| live.stands(Some(at), rows)),
        Happened::Nothing => {
            let mut live = live.filter(|live| live.is_at(state.settled))?;
            let rows = live.rows();
            model.rules.plan.follow(&mut live, &Story { rules: &model.rules, view, now: at, live: None }, None, rows);
            Some(live)
        }
        Happened::One(news) => {
            let mut live = live.unwrap_or_default();
            if !live.stands(state.settled, rows.saturating_sub(1)) {
                live.clear();
            }
            model.rules.plan.follow(
                &mut live,
                &Story { rules: &model.rules, view, now: at, live: None },
                Some(news.kind),
                rows,
            );
            Some(live)
        }
    }
}

/// The first event of an instant, where that is known.
enum First<'a> {
    None,
    News(News<'a>),
    Row(StoryRow<'a>),
}

fn happened_first(model: &Model, view: &View<'_>, first: &First<'_>, at: Timestamp) -> Option<Arc<str>> {
    match first {
        First::None => None,
        First::News(news) => (news.kind != model.rules.sources.reserved.journey_pinned).then(|| Arc::from(news.id)),
        First::Row(row) => cause_of(model, view, Some(*row), at),
    }
}

/// The id of the first event of an instant. Pins say where customers were, they do not move them.
fn cause_of(model: &Model, view: &View<'_>, first: Option<StoryRow<'_>>, at: Timestamp) -> Option<Arc<str>> {
    let row = first?;
    let pinned = model.rules.sources.reserved.journey_pinned;
    if EventRow::kind(&row) != pinned {
        return Some(Arc::from(row.id()));
    }
    let (kinds, _) = view.at(at);
    let others: SmallVec<[EventKind; 4]> = kinds.into_iter().filter(|kind| *kind != pinned).collect();
    let mut found = None;
    view.events(&others, Span::from(at, at), &mut |row| {
        found = Some(Arc::from(row.id()));
        ControlFlow::Break(())
    });
    found
}

/// Evaluates a watch and reports what it changed from and to.
fn look(model: &Model, context: &Context<'_>, number: usize, state: &mut Derived, change: &dyn Fn(What) -> Change) {
    let (Some(rule), Some(before)) = (model.rules.watches.get(number), state.watches.get(number).cloned()) else { return };
    let found = rule.ask(context);
    // What is not known at the moment is no change; it is compared with what was known last.
    let value = found.outcome.value().map(shown).or_else(|| before.value.clone());
    let after = WatchState { value, due: found.until };
    if before == after {
        return;
    }
    if let (Some(from), Some(to)) = (&before.value, &after.value)
        && from != to
    {
        let watch = u16::try_from(number).unwrap_or(u16::MAX);
        state.changes.push(change(What::Watched { watch, from: from.clone(), to: to.clone() }));
    }
    if let Some(watch) = state.watches.get_mut(number) {
        *watch = after;
    }
    state.watch_was(number, before);
}

/// A watched value: text as it is, other values as expressions write them.
fn shown(value: &Value) -> Arc<str> {
    match value {
        Value::String(text) => text.clone(),
        value => crate::expr::value_text(value).into(),
    }
}

/// How a segment stands.
fn standing_of(context: &Context<'_>, number: usize) -> SegmentState {
    let Holds { truth, until, .. } = context.member(number);
    SegmentState::new(truth, until)
}

/// Takes how a segment stands and reports who came in and who went out.
fn settle(
    after: SegmentState,
    segments: &[Cell<SegmentState>],
    number: usize,
    state: &mut Derived,
    change: &dyn Fn(What) -> Change,
) {
    let Some(segment) = segments.get(number) else { return };
    let before = segment.replace(after);
    if before == after {
        return;
    }
    state.segment_was(number, before);
    let number = u16::try_from(number).unwrap_or(u16::MAX);
    match (before.member() == Some(true), after.member() == Some(true)) {
        (false, true) => state.changes.push(change(What::Entered { segment: number })),
        (true, false) => state.changes.push(change(What::Left { segment: number })),
        _ => {}
    }
}
