//! A customer: the story, told in strands, and what is cached from it.
//!
//! A [`Strand`] holds all events under one primary identifier, column by column; a [`Customer`] is a set of strands, read
//! through a [`View`]. Everything else about a customer is derived from that.

mod bytes;
mod derived;
mod details;
mod event;
mod event_json;
mod fold;
mod identifier;
mod instances;
mod keyed;
mod late;
mod layout;
mod marks;
mod namespaces;
mod places;
mod prepare;
mod reactions;
mod reserved;
mod strand;
mod struck;
mod texts;
mod told;
mod track;
mod view;
mod walk;
mod weave;

pub use crate::expr::Detail;
pub use bytes::Aside;
pub(crate) use bytes::{
    Read, Renames, read, read_checkpoint, read_places, tag, write_checkpoint, write_places, write_rectified, write_strands,
    write_unknown,
};
pub use derived::{Change, Derived, JourneyState, Migrated, Place, SegmentState, Visit, WatchState, What};
pub(crate) use derived::{Pending, Start};
pub use details::Details;
pub(crate) use details::{detail_value, read as read_detail};
pub use event::{Event, EventError};
pub use event_json::MAX_JSON;
pub(crate) use fold::{Checkpoint, Numbers, StateNames, Sum};
pub use fold::{Fold, Totals};
pub use identifier::{Identifier, IdentifierError};
pub use instances::Instances;
pub(crate) use instances::InstancesWere;
pub(crate) use keyed::Keyed;
pub(crate) use layout::JourneyNames;
pub use layout::Layout;
pub(crate) use namespaces::{Named, Namespaces};
pub(crate) use places::{OldPlace, Saved, SavedPlace};
pub use prepare::MAX_TEXT;
pub use reactions::{ReactionState, Waiting};
pub use reserved::{
    ATTRIBUTE_CLEARED, ATTRIBUTE_SET, ATTRIBUTES_SET, Kept, RECTIFIED, RESERVED, Reserved, assigned_column, consent_column,
    link_column, outcome_column, pinned_column, relation_column,
};
pub(crate) use strand::PreparedCell;
pub use strand::{Arrival, Prepared, Strand};
pub(crate) use struck::named_event;
pub(crate) use texts::{Texts, short_hash};
pub use view::{StoryRow, View};
pub use walk::{Walk, Way};

use late::Late;

use crate::encoding::{Content, Section, StateError};
use crate::expr::plan::Filters;
use crate::value::Timestamp;
use std::fmt;
use std::sync::Arc;

/// One customer as the engine knows them: their strands, and what is cached from them.
#[derive(Clone)]
pub struct Customer {
    /// Sorted by identifier.
    strands: Vec<Strand>,
    /// Events that are not in their places yet.
    late: Option<Box<Late>>,
    /// The smallest identifier, when a base knows one that has no strand.
    smallest: Option<Box<Identifier>>,
    pub(crate) derived: Derived,
    /// What its bytes told that is not in the story.
    besides: Option<Box<Besides>>,
    /// What was derived from all strands together before events were folded.
    checkpoint: Option<Box<Checkpoint>>,
}

/// What bytes tell of a customer besides the story.
#[derive(Debug, Clone, Default)]
struct Besides {
    /// Sections that this version does not know.
    unknown: Vec<Section>,
    /// Where they were in their journeys.
    saved: Option<Saved>,
}

/// How much is known, not what.
impl fmt::Debug for Customer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Customer").field("strands", &self.strands()).finish_non_exhaustive()
    }
}

impl Customer {
    /// A customer without events. [`Engine::customer`](crate::Engine::customer) makes one.
    pub(crate) fn new(identifier: Identifier, layout: Arc<Layout>) -> Self {
        Customer {
            strands: vec![Strand::new(identifier, layout)],
            late: None,
            smallest: None,
            derived: Derived::default(),
            besides: None,
            checkpoint: None,
        }
    }

    /// A customer made of strands; at least one.
    pub(crate) fn of_strands(mut strands: Vec<Strand>) -> Self {
        strands.sort_by(|a, b| a.identifier().cmp(b.identifier()));
        Customer { strands, late: None, smallest: None, derived: Derived::default(), besides: None, checkpoint: None }
    }

    /// The customer out of bytes that [`to_bytes`](Self::to_bytes) wrote; nothing is derived yet.
    pub(crate) fn of_bytes(bytes: &[u8], layout: &Arc<Layout>) -> Result<Self, StateError> {
        let mut saved = None;
        let Read { strands, told, unknown, checkpoint, same_version } = read(bytes, Content::Customer, layout, |part| {
            if part.tag != tag::PLACES || saved.is_some() {
                return Ok(false);
            }
            saved = Some(read_places(part.body.clone())?);
            Ok(true)
        })?;
        let saved = saved.and_then(|mut saved| saved.pop_first()).map(|(_, saved)| saved);
        if strands.is_empty() {
            return Err(StateError::new("truncated", bytes.len(), "expected at least one strand"));
        }
        let derived = Derived::told_until(told, same_version);
        Ok(Customer {
            strands,
            late: None,
            smallest: None,
            derived,
            besides: (!unknown.is_empty() || saved.is_some()).then(|| Box::new(Besides { unknown, saved })),
            checkpoint: checkpoint.map(Box::new),
        })
    }

    /// The customer as bytes: the story, and up to when its effects were told. What is derived from it is not written.
    ///
    /// Canonical: customers with equal stories under equal playbooks, whose effects were told up to the same instant, give equal bytes,
    /// whatever the order of arrival.
    /// [`Engine::customer_from_bytes`](crate::Engine::customer_from_bytes) reads them.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        bytes::write(self)
    }

    /// What was derived before events were folded: from the only strand, or from all of them together.
    pub(crate) fn checkpoint(&self) -> Option<&Checkpoint> {
        match &self.strands[..] {
            [strand] => strand.folded().and_then(|fold| fold.checkpoint.as_ref()),
            _ => self.checkpoint.as_deref(),
        }
    }

    /// Keeps what was derived from all strands together; one alone keeps it itself.
    pub(crate) fn set_checkpoint(&mut self, checkpoint: Checkpoint) {
        self.checkpoint = (self.strands.len() > 1).then(|| Box::new(checkpoint));
    }

    /// Gives memory back that events which are gone still take.
    pub(crate) fn compact(&mut self) {
        self.gather();
        let Some(layout) = self.strands.first().map(|strand| strand.layout().clone()) else { return };
        if let Ok(again) = Customer::of_bytes(&self.to_bytes(), &layout) {
            self.strands = again.strands;
        }
    }

    /// The story, and what is derived from it, to be derived further.
    pub(crate) fn parts_mut(&mut self) -> (&[Strand], &mut Derived) {
        (&self.strands, &mut self.derived)
    }

    pub(crate) fn strands_mut(&mut self) -> &mut [Strand] {
        self.gather();
        &mut self.strands
    }

    fn unknown(&self) -> &[Section] {
        self.besides.as_ref().map_or(&[], |besides| &besides.unknown)
    }

    /// Where they were in their journeys up to when their effects were told: as this version of the playbook found, or as their bytes
    /// say as long as that is still to be told.
    pub(crate) fn saved(&self) -> Option<Saved> {
        if self.derived.settled.is_none() || self.derived.taken_over {
            return self.besides.as_ref().and_then(|besides| besides.saved.clone());
        }
        Saved::of(&self.derived, self.strands().first()?.layout())
    }

    /// Keeps what the bytes of a base say of where they were.
    pub(crate) fn set_saved(&mut self, saved: Saved) {
        self.besides.get_or_insert_default().saved = Some(saved);
    }

    /// Where they were was told.
    pub(crate) fn forget_saved(&mut self) {
        if let Some(besides) = &mut self.besides {
            besides.saved = None;
            if besides.unknown.is_empty() {
                self.besides = None;
            }
        }
    }

    /// The same customer, known by an identifier that is smaller than those of the strands.
    pub(crate) fn known_by(mut self, smallest: Identifier) -> Self {
        self.smallest = self.strands.first().is_none_or(|strand| smallest < *strand.identifier()).then(|| Box::new(smallest));
        self
    }

    /// The customer's id: the smallest of their identifiers, also when nothing was told under it.
    #[must_use]
    pub fn id(&self) -> &str {
        self.identifier().map_or("", Identifier::as_str)
    }

    /// The identifier that is their id; `None` for a customer without strands.
    pub(crate) fn identifier(&self) -> Option<&Identifier> {
        self.smallest.as_deref().or(self.strands.first().map(Strand::identifier))
    }

    /// The strands, sorted by identifier.
    #[must_use]
    #[inline]
    pub fn strands(&self) -> &[Strand] {
        match &self.late {
            None => &self.strands,
            Some(late) => late.whole(&self.strands),
        }
    }

    /// Events that were told to another version of the playbook and do not fit this one: kept, but not read, or read without what
    /// does not fit.
    pub fn aside(&self) -> impl Iterator<Item = &Aside> {
        self.strands().iter().flat_map(Strand::aside)
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory in use, roughly.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.strands.iter().chain(self.beside()).map(Strand::memory).sum::<usize>() + self.derived.memory()
    }

    /// The story as it was known at an instant.
    #[must_use]
    pub fn view(&self, known_at: Timestamp) -> View<'_> {
        View::new(self.strands(), known_at)
    }

    /// Whether the last event of a type happened at an instant: not when it was known before to be wrong.
    pub(crate) fn ends_with(&self, kind: crate::expr::EventKind, time: Timestamp) -> bool {
        self.strands.iter().any(|strand| strand.last_of(kind) == Some(time))
    }

    /// Reads a word of whatever an event of a type is going to touch, all at once: memory that is cold is then waited for once and not
    /// piece by piece.
    #[inline]
    pub(crate) fn warm(&self, kind: crate::expr::EventKind) {
        let strand = self.strands.first().map_or(0, |strand| strand.warm(kind));
        std::hint::black_box(strand ^ self.derived.warm());
    }

    /// Whether nothing was ever told.
    pub(crate) fn is_blank(&self) -> bool {
        self.strands.iter().all(Strand::is_blank)
    }

    /// Whether a story in one strand ends with an event: it is the last of its type, and none is later.
    pub(crate) fn ends_with_event(&self, event: &Prepared<'_>) -> bool {
        let [strand] = &self.strands[..] else { return false };
        strand.last() == event.time && strand.ends_with(event)
    }

    /// The strand of an identifier, made when it is not there.
    pub(crate) fn strand_mut(&mut self, identifier: &Identifier, layout: &Arc<Layout>) -> Option<&mut Strand> {
        self.gather();
        let place = match self.strands.binary_search_by(|strand| strand.identifier().cmp(identifier)) {
            Ok(place) => place,
            Err(place) => {
                // The strand that a customer was made with holds nothing yet when the first event comes in under another name.
                self.strands.insert(place, Strand::new(identifier.clone(), layout.clone()));
                place
            }
        };
        self.strands.get_mut(place)
    }

    /// Remembers what conditions on single events come to, for the events that came since the last time.
    pub(crate) fn mark(&mut self, filters: &Filters) {
        self.gather();
        self.strands.iter_mut().for_each(|strand| strand.mark(filters));
    }

    /// The same for events of one type.
    pub(crate) fn mark_kind(&mut self, kind: crate::expr::EventKind, filters: &Filters) {
        self.gather();
        self.strands.iter_mut().for_each(|strand| strand.mark_kind(kind, filters));
    }

    /// Takes the strands of some sorted identifiers out.
    pub(crate) fn take(&mut self, identifiers: &[Identifier]) -> Vec<Strand> {
        self.gather();
        let strands = std::mem::take(&mut self.strands);
        let (taken, kept) = strands.into_iter().partition(|strand| identifiers.binary_search(strand.identifier()).is_ok());
        self.strands = kept;
        taken
    }

    /// Its strands.
    pub(crate) fn into_strands(mut self) -> Vec<Strand> {
        self.gather();
        self.strands
    }
}
