//! What is counted over all customers together: caps, inventory, money. Reserved, confirmed or released in one step.
//!
//! [`Counters`] is what a decision reads and reserves; [`MemoryCounters`] keeps it in memory. A [`CustomerBase`](crate::CustomerBase)
//! has its own, derived from the events of all its customers; a host that keeps customers elsewhere may bring another.

mod account;
mod error;
mod memory;
mod rules;
mod story;
mod together;
mod unlimited;

pub use error::CounterError;
pub use memory::MemoryCounters;
pub(crate) use memory::{Ahead, Standing};
pub(crate) use rules::{CounterRule, CounterRules, Place, Whose};
pub(crate) use story::{counted, expires, feed, slot_of, told};
pub(crate) use unlimited::Unlimited;

use crate::value::{Span, Timestamp};
use std::fmt;
use std::sync::Arc;

/// One slot of a decision that is to be reserved: what it takes of each counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Names the slot: `<decision>:<placement>:<slot>`.
    pub id: String,
    /// What it takes; empty when nothing that it uses is limited.
    pub claims: Vec<Claim>,
}

/// What is taken of one counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The counter, such as `inventory.coffee:accepted`.
    pub key: Arc<str>,
    /// How much: a number of pieces, or money in millionths.
    pub amount: i64,
    /// Each window in which it is limited, with how much may be taken in it.
    pub limits: Vec<(Span, i64)>,
}

/// Shared counters: what is taken of each, by whom it does not matter. Safe to use from many threads; [`reserve`](Self::reserve) checks
/// and counts in one step.
///
/// Amounts never get lost or counted twice: a reservation is named, and telling the same again changes nothing.
pub trait Counters: fmt::Debug + Send + Sync {
    /// How much of a counter is taken in a span that ends at its `until`: what was confirmed or counted in it, and what is reserved
    /// and open at its end.
    fn taken(&self, key: &str, span: Span) -> i64;

    /// Reserves all slots of a decision until `expires`, or none. Reserving what is open already changes nothing. What was taken at a later
    /// instant than `now` counts as well, so that threads whose clocks differ never take one too many.
    ///
    /// # Errors
    /// [`CounterError`] with code `used_up` when a counter has no room, or `already_confirmed`, `already_released` or `expired` for a slot
    /// that is over; nothing is changed then.
    fn reserve(&self, holds: &[Hold], now: Timestamp, expires: Timestamp) -> Result<(), CounterError>;

    /// Takes for good what was reserved.
    ///
    /// # Errors
    /// `not_reserved`, `already_confirmed`, `already_released`, or `expired` when `now` is not before the end of the reservation; nothing is
    /// changed then.
    fn confirm(&self, id: &str, now: Timestamp) -> Result<(), CounterError>;

    /// Gives back what was reserved.
    ///
    /// # Errors
    /// As for [`confirm`](Self::confirm).
    fn release(&self, id: &str, now: Timestamp) -> Result<(), CounterError>;
}
