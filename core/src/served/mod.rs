//! Who gets what, and who goes without: how many customers are left after each gate, whose strong needs nothing answers, and whether groups that
//! must not be treated differently are.
//!
//! [`CustomerBase::served`](crate::CustomerBase::served) asks for all customers of a base at one instant. Nothing is recorded.

mod ask;
mod bias;
mod groups;
mod html;
mod text;

pub use ask::{Closed, GateServed, NeedServed, PlacementServed, Served, ServedOptions};
pub use bias::{GroupServed, ProtectedServed, Selection};
pub use groups::Protected;
