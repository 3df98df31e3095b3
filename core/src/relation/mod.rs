//! Who is related to whom: typed, revocable relations between customers, or between customers and a household or account.
//!
//! A relation is told by an event on an identifier and belongs to whoever holds that identifier, so joining and parting customers
//! never touches it. What stands is a function of the set of events: all that was told of two identifiers, in the order of the
//! story. Limits count in that order too: whoever was told within the limit is related, the others wait until there is room.

mod around;
mod index;
mod rules;
mod saying;
mod ties;

pub(crate) use around::{Extent, Stand};
pub(crate) use index::{AsOf, Relations, Turn};
pub(crate) use rules::RelationRules;
pub(crate) use saying::{Saying, sayings};
pub(crate) use ties::{Ask, Refusal, Tie, Which, Who};
