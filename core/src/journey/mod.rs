//! Journeys: stages, how customers move between them, and the walk through a story from instant to instant.

mod derive;
mod history;
mod machine;
mod rules;

pub(crate) use derive::{Model, Touches, derive, next_due};
pub use history::{JourneyHistory, Stay};
pub(crate) use rules::{JourneyRule, Journeys};
