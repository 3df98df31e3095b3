use super::span;
use crate::value::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which of a customer's sequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Track {
    /// Events.
    Event,
    /// Stages of the journey.
    Stage,
    /// Segments entered and left.
    Change,
}

impl Track {
    /// All of them; the place of each is its number.
    pub(crate) const ALL: [Track; 3] = [Track::Event, Track::Stage, Track::Change];

    /// From the least to the most that is looked at of a context.
    pub(super) fn levels(self) -> &'static [[bool; 5]] {
        match self {
            Track::Stage => &[
                [false, false, false, false, false],
                [false, false, true, false, false],
                [false, true, true, false, false],
                [false, true, true, false, true],
                [true, true, true, false, true],
            ],
            Track::Event | Track::Change => &[
                [false, false, false, false, false],
                [false, false, true, false, false],
                [false, false, true, true, false],
                [false, true, true, true, false],
                [false, true, true, true, true],
                [true, true, true, true, true],
            ],
        }
    }

    /// How many steps back a level looks: from 0 to 3.
    pub(super) fn order(self, level: usize) -> u8 {
        self.levels().get(level).map_or(0, |looks| looks.iter().take(3).map(|looks| u8::from(*looks)).sum())
    }
}

/// The two steps before, the step, the stage, and a bit for each segment.
pub(super) type Context = [u32; 5];

/// In a context: not looked at.
pub(super) const ANY: u32 = u32::MAX;
/// In a context: nothing was before.
pub(crate) const NOTHING: u32 = u32::MAX - 1;
/// As a stage: outside of the journey.
pub(crate) const OUT: u32 = u32::MAX - 2;
/// As what follows: nothing yet.
pub(super) const NOT_YET: u32 = u32::MAX;
/// As what follows: one of several that are too rare to be told apart.
pub(crate) const OTHER: u32 = u32::MAX - 1;

/// The part of a context that a level looks at.
pub(super) fn seen(context: &Context, looks: [bool; 5]) -> Context {
    let mut seen = *context;
    seen.iter_mut().zip(looks).filter(|(_, looks)| !looks).for_each(|(part, _)| *part = ANY);
    seen
}

/// A step as it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) time: Timestamp,
    /// What: the number of an event type, of a stage or [`OUT`], or of a segment twice, plus one when it was left.
    pub(crate) what: u32,
    /// The stage after its instant, or [`OUT`].
    pub(crate) stage: u32,
    /// A bit for each segment in which the customer was after its instant.
    pub(crate) segments: u32,
}

/// Where somebody stands in a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Point {
    pub(super) context: Context,
    /// When the last step was.
    pub(crate) since: Timestamp,
}

impl Point {
    /// After a step of a sequence.
    pub(crate) fn after(track: Track, marks: &[Mark], place: usize) -> Option<Self> {
        let mark = marks.get(place)?;
        let before = |back: usize| place.checked_sub(back).and_then(|place| marks.get(place)).map_or(NOTHING, |mark| mark.what);
        let stage = if track == Track::Stage { NOTHING } else { mark.stage };
        Some(Point { context: [before(2), before(1), mark.what, stage, mark.segments], since: mark.time })
    }

    /// The steps that are looked at, the latest first.
    pub(crate) fn steps(&self) -> impl Iterator<Item = u32> {
        [self.context[2], self.context[1], self.context[0]].into_iter().filter(|step| *step != NOTHING)
    }
}

/// What is counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cell {
    pub(super) journey: u16,
    pub(super) track: Track,
    pub(super) context: Context,
    /// What followed, or [`NOT_YET`].
    pub(super) next: u32,
    /// After which time, or for how long nothing did.
    pub(super) bucket: u8,
}

/// What one customer adds: how often.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Contribution(pub(super) BTreeMap<Cell, u64>);

impl Contribution {
    /// Counts a sequence of steps that is in order of time, as of `at`.
    pub(crate) fn count(&mut self, journey: u16, track: Track, marks: &[Mark], since: Option<Timestamp>, at: Timestamp) {
        for (place, mark) in marks.iter().enumerate() {
            if since.is_some_and(|since| mark.time < since) {
                continue;
            }
            let Some(point) = Point::after(track, marks, place) else { break };
            let (next, until) = marks.get(place + 1).map_or((NOT_YET, at), |next| (next.what, next.time));
            let bucket = span::bucket(until.micros().saturating_sub(mark.time.micros()));
            let own = self.0.entry(Cell { journey, track, context: point.context, next, bucket }).or_default();
            *own = own.saturating_add(1);
        }
    }

    /// Adds another contribution.
    pub(super) fn add(&mut self, other: &Contribution) {
        for (cell, count) in &other.0 {
            let own = self.0.entry(*cell).or_default();
            *own = own.saturating_add(*count);
        }
    }
}

/// By the customer's id.
pub(super) type Contributions = BTreeMap<Arc<str>, Arc<Contribution>>;
