use super::instances::{Instances, InstancesWere};
use super::keyed::Keyed;
use super::places::OldPlace;
use super::reactions::ReactionState;
use super::walk::{Walk, Way};
use crate::expr::plan::Live;
use crate::value::Timestamp;
use smallvec::SmallVec;
use std::fmt;
use std::sync::Arc;

/// What is cached from a story: segment memberships, journey positions and the changes so far. Can be dropped and derived
/// again at any time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Derived {
    /// The last instant at which something happened that was looked at.
    pub settled: Option<Timestamp>,
    /// How far time has been advanced; nothing changes between `settled` and this.
    pub advanced: Option<Timestamp>,
    /// One per segment, in the order of the playbook.
    pub segments: Box<[SegmentState]>,
    /// One per journey, in the order of the playbook.
    pub journeys: Box<[JourneyState]>,
    /// One per watch, in the order of the playbook.
    pub watches: Box<[WatchState]>,
    /// One per reaction, in the order of the playbook.
    pub reactions: Box<[ReactionState]>,
    /// All changes so far, in order.
    pub changes: Vec<Change>,
    /// How to come back to just before the last instant, because several events often share one.
    undo: Undo,
    /// What the walk remembers of earlier instants.
    past: Option<Box<Past>>,
    /// Instants since the last checkpoint.
    walked: u8,
    /// The first instant at which something may change without an event, where that is known.
    due: FirstDue,
    /// How many events there were when the story was last walked through again for late ones.
    pub(crate) walked_at: u32,
    /// Where a walk begins when events before it were folded.
    pub(crate) start: Option<Arc<Start>>,
    /// What late events have put off.
    pending: Option<Box<Pending>>,
    /// What rules read of the story, as it ends.
    pub(crate) live: Option<Box<Live>>,
    /// Whether another version of the playbook wrote the story: what this one takes over from its pins is still to be told.
    pub(crate) taken_over: bool,
}

/// The first instant at which something may change without an event, in microseconds: the largest number for never, the smallest while it is
/// not known. It can be found again at any time, and says nothing of its own.
#[derive(Debug, Clone, Copy)]
struct FirstDue(i64);

impl Default for FirstDue {
    fn default() -> Self {
        FirstDue(i64::MIN)
    }
}

impl PartialEq for FirstDue {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// Late events of which nothing was derived yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pending {
    /// When the earliest of them happened.
    pub(crate) from: Timestamp,
}

/// What was derived before events were folded.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Start {
    /// Up to when knowledge counted.
    pub(crate) known: Timestamp,
    pub(crate) state: Derived,
    /// Places in journeys whose rules have changed since, to be taken over.
    pub(crate) places: Vec<OldPlace>,
}

/// What the last instant changed, as it was before.
#[derive(Debug, Clone, Default, PartialEq)]
struct Undo {
    /// Whether there is anything to come back to.
    marked: bool,
    changes: u32,
    /// When the state before was settled, in microseconds; the smallest number for never.
    settled: i64,
    /// In the order in which it was changed.
    was: Vec<Was>,
    /// What does not fit there; most customers have none of it.
    wide: Option<Box<Wide>>,
}

/// What the last instant changed and takes more than a word, as it was before; each by number, in the order in which it changed.
#[derive(Debug, Clone, Default, PartialEq)]
struct Wide {
    watches: Vec<(usize, WatchState)>,
    reactions: Vec<(usize, ReactionState)>,
    /// Of journeys.
    walks: Vec<(usize, Walk, Option<InstancesWere>)>,
}

/// One thing as it was.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Was {
    field: Field,
    number: u16,
    part: u16,
    value: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Segment,
    Condition,
    Waiting,
    /// How many visits there were, and whether the last of these was still going on.
    Visits,
    Stage,
    Since,
    Timeout,
    StaysUntil,
}

/// What a walk remembers of earlier instants.
#[derive(Debug, Clone, Default, PartialEq)]
struct Past {
    /// The state then, further apart the longer ago, so that a late event need not walk from the beginning.
    checkpoints: Vec<Checkpoint>,
    /// By journey: when the events of its instances happened, where its conditions read them.
    keyed: Vec<Keyed>,
}

/// The state just after an instant.
#[derive(Debug, Clone, PartialEq)]
struct Checkpoint {
    settled: Option<Timestamp>,
    segments: Box<[SegmentState]>,
    journeys: Box<[JourneyState]>,
    /// How many stages each journey had seen.
    visits: Box<[(usize, bool)]>,
    watches: Box<[WatchState]>,
    reactions: Box<[ReactionState]>,
    changes: usize,
}

/// Membership of a segment, or how a condition stands, and when that may next change without an event. Eight bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SegmentState(i64);

/// When a segment changes that never does.
const NEVER: i64 = i64::MAX >> 2;

impl SegmentState {
    /// A membership, `None` for unknown, and when it may next change.
    #[must_use]
    pub fn new(member: Option<bool>, due: Option<Timestamp>) -> Self {
        let member = match member {
            None => 0,
            Some(false) => 1,
            Some(true) => 2,
        };
        // Microseconds of the years 1 to 9999 take less than 60 bits.
        SegmentState((due.map_or(NEVER, Timestamp::micros) << 2) | member)
    }

    /// `None` for unknown.
    #[must_use]
    pub fn member(self) -> Option<bool> {
        match self.0 & 3 {
            0 => None,
            truth => Some(truth == 2),
        }
    }

    /// One or zero: whether it holds at an instant in microseconds, whether it is known, and whether the customer is a member.
    #[inline]
    pub(crate) fn standing(self, now: i64) -> [u64; 3] {
        let bits = self.0.cast_unsigned();
        [u64::from(self.0 >> 2 > now), (bits | bits >> 1) & 1, bits >> 1 & 1]
    }

    /// When this may next change, in microseconds; later than any instant for never.
    pub(crate) fn due_micros(self) -> i64 {
        self.0 >> 2
    }

    /// The first instant at which any of them may change without an event.
    #[inline]
    pub(crate) fn first_due(all: &[SegmentState]) -> Option<Timestamp> {
        // The membership is in the lowest bits, so that the order is that of the instants.
        let first = all.iter().fold(NEVER << 2, |first, segment| first.min(segment.0));
        SegmentState(first).due()
    }

    /// When this may next change without an event.
    #[must_use]
    pub fn due(self) -> Option<Timestamp> {
        match self.0 >> 2 {
            NEVER => None,
            due => Timestamp::from_micros(due).ok(),
        }
    }
}

impl Default for SegmentState {
    fn default() -> Self {
        SegmentState::new(None, None)
    }
}

impl fmt::Debug for SegmentState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SegmentState").field("member", &self.member()).field("due", &self.due()).finish()
    }
}

/// What a watched fact was last known to be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WatchState {
    /// Text as it is, other values as expressions write them; `None` as long as it was never known.
    pub value: Option<Arc<str>>,
    /// When this may next change without an event.
    pub due: Option<Timestamp>,
}

/// Where a customer is in a journey.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JourneyState {
    /// Where, and since when; `None` outside of the journey.
    pub place: Option<Place>,
    /// Values of the conditions: one per stage, then that of leaving.
    pub conditions: SmallVec<[SegmentState; 8]>,
    /// Stages that became enterable during a minimum stay.
    pub waiting: SmallVec<[bool; 8]>,
    /// The stages so far, the present one last and without end.
    pub visits: Vec<Visit>,
    /// How often they came in, and the times that run beside those of the place.
    pub walk: Walk,
    /// Of a journey with a key; `place` is then that of the open instance which moved last.
    pub instances: Option<Box<Instances>>,
}

/// A stage and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The number of the stage in its journey.
    pub stage: u16,
    /// Since when.
    pub since: Timestamp,
    /// When the time-out comes.
    pub timeout: Option<Timestamp>,
    /// When the minimum stay ends, while that is still to come.
    pub stays_until: Option<Timestamp>,
}

/// A stay in a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visit {
    /// The number of the stage in its journey.
    pub stage: u16,
    /// From when.
    pub entered: Timestamp,
    /// Until when; `None` while it lasts.
    pub left: Option<Timestamp>,
    /// What led in.
    pub by: Way,
    /// What led out.
    pub ended: Option<Way>,
}

/// Something that changed at an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: What,
    /// The id of the first event of that instant; `None` when only time passed.
    pub event: Option<Arc<str>>,
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// The customer came into a segment.
    Entered {
        /// Its number in the playbook.
        segment: u16,
    },
    /// The customer went out of a segment.
    Left {
        /// Its number in the playbook.
        segment: u16,
    },
    /// The customer moved in a journey.
    Moved {
        /// Its number in the playbook.
        journey: u16,
        /// From which stage; `None` from outside.
        from: Option<u16>,
        /// To which stage; `None` to outside.
        to: Option<u16>,
        /// Of a journey with a key: of which instance.
        instance: Option<Arc<str>>,
    },
    /// The customer did not come into a journey because of a cap.
    Capped {
        /// Its number in the playbook.
        journey: u16,
        /// The name of the cap.
        cap: Arc<str>,
    },
    /// A watched fact was known to be one thing and now is another.
    Watched {
        /// Its number in the playbook.
        watch: u16,
        /// What it was.
        from: Arc<str>,
        /// What it is.
        to: Arc<str>,
    },
    /// A reaction proposes something, or the time for an answer is over.
    Proposed {
        /// Its number in the playbook.
        reaction: u16,
        /// The number of the trigger.
        by: u16,
        /// When it was triggered.
        since: Timestamp,
        /// What tells it apart from others of the reaction.
        instance: Option<Arc<str>>,
    },
    /// An instance of a journey was not begun because too many were open.
    Full {
        /// The journey's number in the playbook.
        journey: u16,
        /// The instance.
        instance: Arc<str>,
    },
    /// A place of an earlier version of the playbook was taken over.
    Migrated {
        /// The journey's number in the playbook.
        journey: u16,
        /// Of which instance.
        instance: Option<Arc<str>>,
        /// The stage then, by name; `None` for outside.
        from: Option<Arc<str>>,
        /// The stage now; `None` for outside.
        to: Option<u16>,
        /// How that was found.
        how: Migrated,
    },
}

/// How the place of an earlier version of a playbook was taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Migrated {
    /// By the declared mapping of stages.
    Mapped,
    /// The stage of the same name.
    Kept,
    /// Out, to begin anew.
    Restarted,
    /// Where the rules of this version say that the customer is.
    Derived,
}

impl Migrated {
    /// All of them; the place of each is its number in bytes.
    pub const ALL: [Migrated; 4] = [Migrated::Mapped, Migrated::Kept, Migrated::Restarted, Migrated::Derived];

    /// Its name in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Migrated::Mapped => "mapped",
            Migrated::Kept => "kept",
            Migrated::Restarted => "restarted",
            Migrated::Derived => "derived",
        }
    }
}

/// The earlier of two instants, where none is never.
pub(super) fn earlier_of(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// How many things are remembered as they were.
const LONG: usize = 4_096;
/// How many instants lie between a checkpoint and the next.
const APART: u8 = 32;
/// How many checkpoints there are at most.
const MOST: usize = 32;

impl JourneyState {
    /// Everything but the stays so far.
    pub(crate) fn clone_but_visits(&self) -> Self {
        let JourneyState { place, conditions, waiting, walk, instances, .. } = self;
        let (conditions, waiting) = (SmallVec::from_slice(conditions), SmallVec::from_slice(waiting));
        JourneyState { place: *place, conditions, waiting, visits: Vec::new(), walk: *walk, instances: instances.clone() }
    }
}

impl Derived {
    /// Nothing derived yet of a customer whose effects were told up to an instant.
    pub(crate) fn told_until(told: Option<Timestamp>, same_version: bool) -> Self {
        Derived { advanced: told, taken_over: !same_version, ..Derived::default() }
    }

    /// Nothing derived yet, but what there is to begin from.
    pub(crate) fn starting(start: Option<Arc<Start>>) -> Self {
        Derived { start, ..Derived::default() }
    }

    /// Takes up what was derived before events were folded, for a walk from the beginning to `to`; says whether places in journeys are
    /// still to be taken over.
    pub(crate) fn resume(&mut self, to: Timestamp) -> bool {
        let Some(start) = self.start.clone() else { return false };
        if self.settled.is_none() && start.state.settled.is_some_and(|settled| settled <= to) {
            let Derived { settled, segments, journeys, watches, reactions, changes, .. } = start.state.clone();
            (self.settled, self.segments, self.journeys, self.changes) = (settled, segments, journeys, changes);
            (self.watches, self.reactions) = (watches, reactions);
            self.forget();
            self.moves();
            return !start.places.is_empty();
        }
        false
    }

    /// When something may first change without an event, where that is known.
    pub(crate) fn known_due(&self) -> Option<Option<Timestamp>> {
        match self.due.0 {
            i64::MIN => None,
            due => Some(Timestamp::from_micros(due).ok()),
        }
    }

    /// Keeps when something may first change without an event, until something [`moves`](Self::moves).
    pub(crate) fn keep_due(&mut self, due: Option<Timestamp>) {
        self.due = FirstDue(due.map_or(i64::MAX, Timestamp::micros));
    }

    /// Whatever may change without an event is about to change.
    pub(crate) fn moves(&mut self) {
        self.due = FirstDue::default();
    }

    /// Forgets how to come back to earlier instants, because their events are there no longer.
    pub(crate) fn forget(&mut self) {
        (self.undo, self.past, self.walked, self.live) = (Undo::default(), None, 0, None);
    }

    /// A word of whatever the next event is going to touch.
    #[inline]
    pub(crate) fn warm(&self) -> u64 {
        let segment = self.segments.first().map_or(0, |segment| segment.0);
        let journey = self.journeys.first().map_or(0, |journey| i64::from(journey.walk.entries) ^ journey.waiting.len() as i64);
        let change = self.changes.last().map_or(0, |change| change.at.micros());
        let undo = self.undo.was.first().map_or(0, |was| was.value);
        let live = self.live.as_ref().map_or(0, |live| live.warm());
        (segment ^ journey ^ change ^ undo).cast_unsigned() ^ live
    }

    /// What late events have put off.
    pub(crate) fn pending(&self) -> Option<Pending> {
        self.pending.as_deref().copied()
    }

    /// The same, which is made up for now.
    pub(crate) fn take_pending(&mut self) -> Option<Pending> {
        self.pending.take().map(|pending| *pending)
    }

    /// Puts off what late events change.
    pub(crate) fn put_off(&mut self, pending: Pending) {
        self.pending = Some(Box::new(pending));
    }

    /// Up to when everything was told that is to be told.
    pub(crate) fn told(&self) -> Option<Timestamp> {
        let pending = self.pending().map(|pending| pending.from.saturating_add_micros(-1));
        self.advanced.map(|advanced| pending.map_or(advanced, |pending| advanced.min(pending)))
    }

    /// From here on what changes is remembered, to come back when another event of the next instant arrives.
    pub(crate) fn mark(&mut self) {
        let Derived { settled, changes, undo, .. } = self;
        undo.was.clear();
        if let Some(wide) = &mut undo.wide {
            wide.watches.clear();
            wide.reactions.clear();
            wide.walks.clear();
        }
        let Ok(count) = u32::try_from(changes.len()) else {
            *undo = Undo::default();
            return;
        };
        (undo.marked, undo.settled, undo.changes) = (true, settled.map_or(i64::MIN, Timestamp::micros), count);
    }

    /// The same state, for a walk that nobody comes back from.
    pub(crate) fn for_question(&self) -> Self {
        Derived {
            settled: self.settled,
            advanced: self.advanced,
            segments: self.segments.clone(),
            journeys: self.journeys.clone(),
            watches: self.watches.clone(),
            reactions: self.reactions.clone(),
            changes: self.changes.clone(),
            undo: Undo::default(),
            past: None,
            walked: 0,
            due: self.due,
            start: self.start.clone(),
            walked_at: self.walked_at,
            pending: None,
            live: None,
            taken_over: false,
        }
    }

    /// Goes back to before an instant: to the mark when that is early enough, else to a checkpoint or the beginning. Returns the
    /// changes taken back, and how many remain.
    pub(crate) fn rewind(&mut self, before: Timestamp) -> (Vec<Change>, usize) {
        self.moves();
        let early = |settled: Option<Timestamp>| settled.is_none_or(|settled| settled < before);
        let mut changes = std::mem::take(&mut self.changes);
        let marked = Timestamp::from_micros(self.undo.settled).ok();
        if self.undo.marked && early(marked) {
            let taken = changes.split_off((self.undo.changes as usize).min(changes.len()));
            self.changes = changes;
            self.settled = marked;
            self.undo.marked = false;
            while let Some(was) = self.undo.was.pop() {
                self.restore(was);
            }
            let wide = self.undo.wide.as_deref_mut().map(std::mem::take).unwrap_or_default();
            for (number, was) in wide.watches.into_iter().rev() {
                if let Some(watch) = self.watches.get_mut(number) {
                    *watch = was;
                }
            }
            for (number, was) in wide.reactions.into_iter().rev() {
                if let Some(reaction) = self.reactions.get_mut(number) {
                    *reaction = was;
                }
            }
            for (number, walk, were) in wide.walks.into_iter().rev() {
                let Some(journey) = self.journeys.get_mut(number) else { continue };
                journey.walk = walk;
                if let Some(were) = were {
                    let mut instances = journey.instances.take().unwrap_or_default();
                    instances.restore(were);
                    journey.instances = (!instances.is_empty()).then_some(instances);
                }
            }
            let settled = self.settled;
            if let Some(past) = &mut self.past {
                past.checkpoints.retain(|checkpoint| checkpoint.settled <= settled);
                past.keyed.iter_mut().for_each(|keyed| keyed.rewind(settled));
            }
            let kept = self.changes.len();
            return (taken, kept);
        }
        let Past { checkpoints, keyed } = &mut **self.past.get_or_insert_default();
        while checkpoints.last().is_some_and(|checkpoint| !early(checkpoint.settled)) {
            checkpoints.pop();
        }
        let Some(checkpoint) = checkpoints.last() else {
            *self = Derived { advanced: self.advanced, start: self.start.take(), ..Derived::default() };
            return (changes, 0);
        };
        let taken = changes.split_off(checkpoint.changes.min(changes.len()));
        self.changes = changes;
        self.settled = checkpoint.settled;
        keyed.iter_mut().for_each(|keyed| keyed.rewind(checkpoint.settled));
        self.segments = checkpoint.segments.clone();
        self.watches = checkpoint.watches.clone();
        self.reactions = checkpoint.reactions.clone();
        for ((journey, then), (count, open)) in self.journeys.iter_mut().zip(&checkpoint.journeys).zip(&checkpoint.visits) {
            let mut visits = std::mem::take(&mut journey.visits);
            visits.truncate(*count);
            if let (true, Some(last)) = (*open, visits.last_mut()) {
                (last.left, last.ended) = (None, None);
            }
            *journey = JourneyState { visits, ..then.clone() };
        }
        self.undo = Undo::default();
        self.walked = 0;
        let kept = self.changes.len();
        (taken, kept)
    }

    fn restore(&mut self, was: Was) {
        let Was { field, number, part, value } = was;
        if field == Field::Segment {
            if let Some(segment) = self.segments.get_mut(usize::from(number)) {
                *segment = SegmentState(value);
            }
            return;
        }
        let Some(journey) = self.journeys.get_mut(usize::from(number)) else { return };
        let instant = |value: i64| Timestamp::from_micros(value).ok();
        match (field, &mut journey.place) {
            (Field::Condition, _) => {
                if let Some(condition) = journey.conditions.get_mut(usize::from(part)) {
                    *condition = SegmentState(value);
                }
            }
            (Field::Waiting, _) => {
                if let Some(waiting) = journey.waiting.get_mut(usize::from(part)) {
                    *waiting = value != 0;
                }
            }
            (Field::Visits, _) => {
                journey.visits.truncate(usize::try_from(value).unwrap_or(0));
                if let (1, Some(last)) = (part, journey.visits.last_mut()) {
                    (last.left, last.ended) = (None, None);
                }
            }
            (Field::Stage, place) => {
                *place = u16::try_from(value).ok().map(|stage| Place {
                    stage,
                    since: Timestamp::MIN,
                    timeout: None,
                    stays_until: None,
                });
            }
            (Field::Since, Some(place)) => place.since = instant(value).unwrap_or(place.since),
            (Field::Timeout, Some(place)) => place.timeout = instant(value),
            (Field::StaysUntil, Some(place)) => place.stays_until = instant(value),
            (Field::Segment, _) | (Field::Since | Field::Timeout | Field::StaysUntil, None) => {}
        }
    }

    /// Whether something that changed at an instant, or began to wait then, is told as caused by nothing but time.
    pub(crate) fn by_time_alone(&self, at: Timestamp) -> bool {
        self.changes.last().is_some_and(|change| change.at == at && change.event.is_none())
            || self.reactions.iter().any(|reaction| reaction.waits_by_time_alone(at))
    }

    /// When the events of a journey's instances happened, as far as the walk has come; out of the state while the journey has its turn.
    pub(crate) fn take_keyed(&mut self, journey: usize) -> Keyed {
        let settled = self.settled;
        let all = &mut self.past.get_or_insert_default().keyed;
        match all.get_mut(journey) {
            Some(keyed) => std::mem::take(keyed),
            None => Keyed::beginning(settled),
        }
    }

    /// The same, back.
    pub(crate) fn put_keyed(&mut self, journey: usize, keyed: Keyed) {
        let settled = self.settled;
        let all = &mut self.past.get_or_insert_default().keyed;
        while all.len() <= journey {
            all.push(Keyed::beginning(settled));
        }
        if let Some(own) = all.get_mut(journey) {
            *own = keyed;
        }
    }

    /// Whether it is known how to come back to before the last instant.
    pub(crate) fn is_marked(&self) -> bool {
        self.undo.marked
    }

    /// A segment stands otherwise at the last instant than was thought.
    pub(crate) fn settle_again(&mut self, number: usize, after: SegmentState) {
        self.moves();
        let Some(segment) = self.segments.get_mut(number) else { return };
        let before = std::mem::replace(segment, after);
        let known = |was: &Was| was.field == Field::Segment && usize::from(was.number) == number;
        if !self.undo.was.iter().any(known) {
            self.segment_was(number, before);
        }
    }

    /// Takes down how a segment was before it changed.
    pub(crate) fn segment_was(&mut self, number: usize, was: SegmentState) {
        self.was(Field::Segment, number, 0, was.0);
    }

    /// Takes down how a watch was before it changed.
    pub(crate) fn watch_was(&mut self, number: usize, was: WatchState) {
        self.wide(|wide| &mut wide.watches, (number, was));
    }

    /// Takes down how a reaction was before it changed.
    pub(crate) fn reaction_was(&mut self, number: usize, was: ReactionState) {
        self.wide(|wide| &mut wide.reactions, (number, was));
    }

    /// Takes down how a journey's walk was before it changed, and what changed of its instances.
    pub(crate) fn walk_was(&mut self, number: usize, walk: Walk, were: Option<InstancesWere>) {
        self.wide(|wide| &mut wide.walks, (number, walk, were));
    }

    fn wide<T>(&mut self, of: impl FnOnce(&mut Wide) -> &mut Vec<T>, was: T) {
        if !self.undo.marked {
            return;
        }
        let all = of(self.undo.wide.get_or_insert_default());
        if all.len() < LONG {
            all.push(was);
        } else {
            self.undo = Undo::default();
        }
    }

    /// Takes down how a journey was before it changed; `visits` is how many stays there were and whether the last was open.
    pub(crate) fn journey_was(&mut self, number: usize, was: &JourneyState, visits: (usize, bool)) {
        if !self.undo.marked {
            return;
        }
        let Some(now) = self.journeys.get(number) else { return };
        let mut told: SmallVec<[(Field, usize, i64); 8]> = SmallVec::new();
        for (part, (before, now)) in was.conditions.iter().zip(&now.conditions).enumerate() {
            if before != now {
                told.push((Field::Condition, part, before.0));
            }
        }
        for (part, (before, now)) in was.waiting.iter().zip(&now.waiting).enumerate() {
            if before != now {
                told.push((Field::Waiting, part, i64::from(*before)));
            }
        }
        if now.visits.len() != visits.0 || now.visits.last().is_some_and(|visit| visit.left.is_none()) != visits.1 {
            told.push((Field::Visits, usize::from(visits.1), i64::try_from(visits.0).unwrap_or(i64::MAX)));
        }
        if was.place != now.place {
            // Restored from the last to the first, so that the stage comes before what belongs to it.
            let micros = |time: Option<Timestamp>| time.map_or(i64::MAX, Timestamp::micros);
            let stays = was.place.zip(now.place).filter(|(was, now)| (was.stage, was.since) == (now.stage, now.since));
            if let Some((was, now)) = stays {
                if was.stays_until != now.stays_until {
                    told.push((Field::StaysUntil, 0, micros(was.stays_until)));
                }
                if was.timeout != now.timeout {
                    told.push((Field::Timeout, 0, micros(was.timeout)));
                }
            } else if let Some(place) = was.place {
                told.push((Field::StaysUntil, 0, micros(place.stays_until)));
                told.push((Field::Timeout, 0, micros(place.timeout)));
                told.push((Field::Since, 0, place.since.micros()));
            }
            if stays.is_none() {
                told.push((Field::Stage, 0, was.place.map_or(-1, |place| i64::from(place.stage))));
            }
        }
        for (field, part, value) in told {
            self.was(field, number, part, value);
        }
    }

    fn was(&mut self, field: Field, number: usize, part: usize, value: i64) {
        let (true, Ok(number), Ok(part)) = (self.undo.marked, u16::try_from(number), u16::try_from(part)) else { return };
        // Who lets much time pass without an event comes back by way of a checkpoint.
        if self.undo.was.len() >= LONG {
            self.undo = Undo::default();
            return;
        }
        self.undo.was.push(Was { field, number, part, value });
    }

    /// Counts an instant that was walked through; now and then the state is kept.
    pub(crate) fn walked(&mut self) {
        self.walked += 1;
        if self.walked < APART {
            return;
        }
        self.walked = 0;
        let visits =
            |journey: &JourneyState| (journey.visits.len(), journey.visits.last().is_some_and(|visit| visit.left.is_none()));
        let checkpoint = Checkpoint {
            settled: self.settled,
            segments: self.segments.clone(),
            watches: self.watches.clone(),
            reactions: self.reactions.clone(),
            visits: self.journeys.iter().map(visits).collect(),
            journeys: self.journeys.iter().map(|journey| journey.clone_but_visits()).collect(),
            changes: self.changes.len(),
        };
        let checkpoints = &mut self.past.get_or_insert_default().checkpoints;
        checkpoints.push(checkpoint);
        // Of the older half every second one goes, when there are many: the longer ago, the further apart.
        if checkpoints.len() > MOST {
            let mut place = 0;
            checkpoints.retain(|_| {
                place += 1;
                place > MOST / 2 || place % 2 == 0
            });
        }
    }

    /// Bytes of memory in use, roughly.
    #[must_use]
    pub fn memory(&self) -> usize {
        let journeys: usize = self
            .journeys
            .iter()
            .map(|journey| {
                let conditions = if journey.conditions.spilled() { journey.conditions.capacity() * 8 } else { 0 };
                let instances = journey.instances.iter().flat_map(|instances| instances.all());
                let instances: usize = instances
                    .map(|(key, state)| key.len() + 168 + size_of::<JourneyState>() + state.visits.len() * size_of::<Visit>())
                    .sum();
                conditions + instances + journey.visits.capacity() * size_of::<Visit>() + size_of::<JourneyState>()
            })
            .sum();
        let checkpoint = size_of::<Checkpoint>() + self.segments.len() * 8 + self.journeys.len() * size_of::<JourneyState>();
        journeys
            + self.segments.len() * size_of::<SegmentState>()
            + self.changes.capacity() * size_of::<Change>()
            + self.undo.was.capacity() * size_of::<Was>()
            + self.past.as_ref().map_or(0, |past| {
                let keyed: usize = past.keyed.iter().map(Keyed::memory).sum();
                past.checkpoints.len() * checkpoint + keyed
            })
            + self.live.as_ref().map_or(0, |live| live.memory())
    }
}
