//! A customer: the story, told in strands, and what is cached from it.
//!
//! A [`Strand`] holds all events under one primary identifier, column by column; a [`Customer`] is a set of strands, read
//! through a [`View`]. Everything else about a customer is derived from that.

mod derived;
mod details;
mod event;
mod event_json;
mod identifier;
mod layout;
mod marks;
mod prepare;
mod reserved;
mod strand;
mod texts;
mod track;
mod view;

pub use crate::expr::Detail;
pub use derived::{Change, Derived, JourneyState, Place, SegmentState, Visit, What};
pub use details::Details;
pub use event::{Event, EventError};
pub use event_json::MAX_JSON;
pub use identifier::{Identifier, IdentifierError};
pub use layout::Layout;
pub use prepare::MAX_TEXT;
pub(crate) use prepare::primary;
pub use reserved::{ATTRIBUTE_CLEARED, ATTRIBUTE_SET, ATTRIBUTES_SET, Reserved, outcome_column};
pub(crate) use strand::PreparedCell;
pub use strand::{Arrival, Prepared, Strand};
pub use view::{StoryRow, View};

use crate::expr::plan::Filters;
use crate::value::Timestamp;
use std::sync::Arc;

/// One customer as the engine knows them: their strands, and what is cached from them.
#[derive(Debug, Clone)]
pub struct Customer {
    /// Sorted by identifier.
    strands: Vec<Strand>,
    pub(crate) derived: Derived,
}

impl Customer {
    /// A customer without events. [`Engine::customer`](crate::Engine::customer) makes one.
    pub(crate) fn new(identifier: Identifier, layout: Arc<Layout>) -> Self {
        Customer { strands: vec![Strand::new(identifier, layout)], derived: Derived::default() }
    }

    /// A customer made of strands; at least one.
    pub(crate) fn of_strands(mut strands: Vec<Strand>) -> Self {
        strands.sort_by(|a, b| a.identifier().cmp(b.identifier()));
        Customer { strands, derived: Derived::default() }
    }

    /// The customer's id: the smallest identifier of the strands.
    #[must_use]
    pub fn id(&self) -> &str {
        self.strands.first().map_or("", |strand| strand.identifier().as_str())
    }

    /// The strands, sorted by identifier.
    #[must_use]
    pub fn strands(&self) -> &[Strand] {
        &self.strands
    }

    /// How many events are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.strands.iter().map(Strand::len).sum()
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory in use, roughly.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.strands.iter().map(Strand::memory).sum::<usize>() + self.derived.memory()
    }

    /// The story as it was known at an instant.
    #[must_use]
    pub fn view(&self, known_at: Timestamp) -> View<'_> {
        View::new(&self.strands, known_at)
    }

    /// The strand of an identifier, made when it is not there.
    pub(crate) fn strand_mut(&mut self, identifier: &Identifier, layout: &Arc<Layout>) -> Option<&mut Strand> {
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
        self.strands.iter_mut().for_each(|strand| strand.mark(filters));
    }

    pub(crate) fn into_strands(self) -> Vec<Strand> {
        self.strands
    }
}
