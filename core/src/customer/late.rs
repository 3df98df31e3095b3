use super::strand::{Arrival, Prepared, Strand};
use super::{Customer, Identifier};
use crate::value::Timestamp;
use std::sync::OnceLock;

/// Events that came long after they happened and are beside the story until it is read: put in their places many at once, because each
/// alone would move all that happened later.
#[derive(Clone, Default)]
pub(super) struct Late {
    /// Sorted by identifier; of each there is a strand in the story too.
    strands: Vec<Strand>,
    /// The whole story, made when it is read.
    whole: OnceLock<Vec<Strand>>,
}

impl Late {
    /// The story with all that is beside it.
    pub(super) fn whole(&self, story: &[Strand]) -> &[Strand] {
        self.whole.get_or_init(|| {
            let mut whole = story.to_vec();
            put_in(&mut whole, self.strands.clone());
            whole
        })
    }

    pub(super) fn strands(&self) -> &[Strand] {
        &self.strands
    }

    fn len(&self) -> usize {
        self.strands.iter().map(Strand::len).sum()
    }
}

fn put_in(story: &mut [Strand], late: Vec<Strand>) {
    for strand in late {
        if let Ok(place) = story.binary_search_by(|own| own.identifier().cmp(strand.identifier()))
            && let Some(own) = story.get_mut(place)
        {
            own.absorb(strand);
        }
    }
}

impl Customer {
    /// Puts an event beside the story; `None` when that cannot be, and it has to go to its place. O(√n), when few are read in between.
    pub(crate) fn wait(&mut self, identifier: &Identifier, event: &Prepared<'_>) -> Option<Arrival> {
        let found = |strands: &[Strand]| strands.binary_search_by(|strand| strand.identifier().cmp(identifier));
        let place = found(&self.strands).ok()?;
        let read = self.late.as_ref().is_some_and(|late| late.whole.get().is_some());
        let beside = self.late.as_ref().map_or(0, |late| late.len());
        if read || beside > FEW.max(4 * self.strands.iter().map(Strand::len).sum::<usize>().isqrt()) {
            self.gather();
        }
        let strand = self.strands.get_mut(place)?;
        if strand.struck().is_some() || strand.folded().is_some() {
            return None;
        }
        if strand.has_id(&event.id) {
            // Told again, it changes at most when it was known.
            return if strand.has(event) { strand.place(event).ok() } else { None };
        }
        let room = strand.room();
        let late = self.late.get_or_insert_default();
        let place = match found(&late.strands) {
            Ok(place) => place,
            Err(place) => {
                late.strands.insert(place, Strand::new(identifier.clone(), strand.layout().clone()));
                place
            }
        };
        let beside = late.strands.get_mut(place)?;
        if room.saturating_add(beside.room()) > MOST {
            return None;
        }
        beside.place(event).ok()
    }

    /// Puts what is beside the story in its places.
    #[inline]
    pub(crate) fn gather(&mut self) {
        if let Some(late) = self.late.take() {
            self.put_back(*late);
        }
    }

    #[cold]
    fn put_back(&mut self, Late { strands, whole }: Late) {
        match whole.into_inner() {
            Some(whole) => self.strands = whole,
            None => put_in(&mut self.strands, strands),
        }
    }

    /// Whether events are beside the story.
    pub(crate) fn waits(&self) -> bool {
        self.late.is_some()
    }

    /// The strands without what is beside them: as many, and of the same playbook.
    #[inline]
    pub(crate) fn in_place(&self) -> &[Strand] {
        &self.strands
    }

    /// The strands beside the story; of most customers there are none.
    #[inline]
    pub(super) fn beside(&self) -> &[Strand] {
        self.late.as_ref().map_or(&[], |late| late.strands())
    }

    /// How many events are known.
    #[must_use]
    pub fn len(&self) -> usize {
        let count = |strands: &[Strand]| strands.iter().map(Strand::len).sum::<usize>();
        count(&self.strands) + count(self.beside())
    }

    /// How many events happened at an instant or later.
    pub(crate) fn count_from(&self, from: Timestamp) -> usize {
        let count = |strands: &[Strand]| strands.iter().map(|strand| strand.count_from(from)).sum::<usize>();
        count(&self.strands) + count(self.beside())
    }

    /// When the first event happened.
    pub(crate) fn begins(&self) -> Option<Timestamp> {
        self.strands.iter().chain(self.beside()).filter_map(Strand::first).min()
    }

    /// An instant after which no event happened.
    pub(crate) fn last(&self) -> Timestamp {
        self.strands.iter().map(Strand::last).max().unwrap_or(Timestamp::MIN)
    }
}

/// So many are beside a short story.
const FEW: usize = 1_024;

/// A strand holds 4 GiB of text; what comes near goes to its place, where it may be refused.
const MOST: usize = 1 << 31;
