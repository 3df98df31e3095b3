//! Labels flow: what is drawn from facts may be used for no more than all of them, and with no less care.
//!
//! `ground` names what rules read in the end and what was declared of it, `flow` follows reads through segments, personas and
//! journeys up to there or to a declassification, `check` compares that with what offers and placements are for, and `unread`
//! lists what nothing reads.

mod check;
mod flow;
mod ground;
mod unread;

pub(super) use check::check;
pub(crate) use flow::{Drawn, Flow};
pub(super) use ground::{Ground, Label};
pub use unread::Unread;
pub(super) use unread::unread;
