use crate::value::Timestamp;
use smallvec::SmallVec;
use std::cmp::Ordering;
use std::sync::Arc;

/// The place of an event in the order of the story: time, sequence number, id.
pub(in crate::base) type Turn = (Timestamp, i64, Arc<str>);

/// What an event says about two identifiers.
#[derive(Debug, Clone, Copy)]
pub(in crate::base) enum Word {
    /// They are of one customer, with a confidence from 0 to 1; a deterministic link has 1.
    Linked { confidence: f64 },
    /// What was said before does not hold.
    Unlinked,
}

impl Word {
    /// How sure a link is.
    pub(in crate::base) fn confidence(self) -> Option<f64> {
        match self {
            Word::Linked { confidence } => Some(confidence),
            Word::Unlinked => None,
        }
    }

    fn order(self) -> Option<u64> {
        match self {
            // Of numbers that are not negative the bits are in order too.
            Word::Linked { confidence } => Some(confidence.to_bits()),
            Word::Unlinked => None,
        }
    }
}

impl PartialEq for Word {
    fn eq(&self, other: &Self) -> bool {
        self.order() == other.order()
    }
}

impl Eq for Word {}

impl PartialOrd for Word {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Word {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order().cmp(&other.order())
    }
}

/// A word, who said it, and when it was known.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Told {
    pub(super) turn: Turn,
    pub(super) known_at: Timestamp,
    pub(super) word: Word,
}

/// An event whose links do not hold, by its id.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Revoked {
    pub(super) event: Arc<str>,
    pub(super) turn: Turn,
    pub(super) known_at: Timestamp,
    /// How many links it takes back.
    pub(super) matches: u32,
}

/// Up to when words count: when they happened, and when they were known.
#[derive(Debug, Clone, Copy)]
pub(super) struct AsOf {
    pub(super) now: Timestamp,
    pub(super) known_at: Timestamp,
}

/// What stands of all that was told about two identifiers.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) enum Standing {
    /// Nothing but revocations.
    #[default]
    Nothing,
    /// Only links that are too uncertain to join, the first of them here.
    Weak(Turn),
    /// A link, since here.
    Linked(Turn),
    /// All links were revoked, the last of them here.
    Cut(Turn),
}

impl AsOf {
    pub(super) const ALL: AsOf = AsOf { now: Timestamp::MAX, known_at: Timestamp::MAX };

    pub(super) fn sees(self, turn: &Turn, known_at: Timestamp) -> bool {
        turn.0 <= self.now && known_at <= self.known_at
    }
}

impl Standing {
    /// What holds of some words in their order. Every link before the last revocation of the pair is void, and so is every link
    /// whose event was revoked.
    pub(super) fn of(told: &[Told], revoked: &[&[Revoked]], least: f64, as_of: AsOf) -> Self {
        let mut standing = Standing::Nothing;
        for told in told.iter().filter(|told| as_of.sees(&told.turn, told.known_at)) {
            let Word::Linked { confidence } = told.word else {
                if standing != Standing::Nothing {
                    standing = Standing::Cut(told.turn.clone());
                }
                continue;
            };
            let mut revocations = revoked.iter().flat_map(|list| list.iter());
            let revocation =
                revocations.find(|revoked| revoked.event == told.turn.2 && as_of.sees(&revoked.turn, revoked.known_at));
            let turn = || told.turn.clone();
            standing = match (standing, revocation) {
                (Standing::Linked(since), _) => Standing::Linked(since),
                (Standing::Weak(since), Some(_)) => Standing::Weak(since),
                (Standing::Cut(before), Some(revoked)) => Standing::Cut(before.max(revoked.turn.clone())),
                (Standing::Nothing, Some(revoked)) => Standing::Cut(revoked.turn.clone()),
                (_, None) if confidence >= least => Standing::Linked(turn()),
                (Standing::Weak(since), None) => Standing::Weak(since),
                (Standing::Nothing | Standing::Cut(_), None) => Standing::Weak(turn()),
            };
        }
        standing
    }
}

/// Revocations of a pair that take nothing back.
pub(super) fn idle(told: &[Told]) -> SmallVec<[Turn; 1]> {
    let mut open = false;
    let mut idle = SmallVec::new();
    for told in told {
        match told.word {
            Word::Linked { .. } => open = true,
            Word::Unlinked if open => open = false,
            Word::Unlinked => idle.push(told.turn.clone()),
        }
    }
    idle
}
