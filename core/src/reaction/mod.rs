//! What pushes: reactions to events, segments, stages, facts, feedback and instants, and the answers that are missed.
//!
//! A reaction only proposes: an effect says that a decision is due, and the host asks for it. What is proposed follows from the set of
//! events like everything else that is derived, so a late event withdraws and corrects it.

mod rules;
mod turn;

pub(crate) use rules::{ReactionRule, Reactions, What};
pub(crate) use turn::{Instant, turn};
