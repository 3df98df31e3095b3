//! Journeys: stages, how customers move between them, and the walk through a story from instant to instant.
//!
//! `rules` and `ways` are what the playbook says, compiled; `machine` moves one walk through one instant; `moves` takes all journeys
//! through it, those with a key by way of `instance`, and what is recorded of other versions by way of `migrate`; `derive` walks from
//! instant to instant; `story` answers what needs nothing but the story.

mod ask;
mod caps;
mod derive;
mod history;
mod instance;
mod machine;
mod migrate;
mod moves;
mod rules;
mod story;
mod ways;

#[cfg(test)]
pub(crate) use derive::STEPS;
pub(crate) use derive::{Model, News, Touches, derive, derive_marked, derive_news, due_after, next_due};
pub use history::{JourneyHistory, Stay};
pub(crate) use migrate::taken_over;
pub(crate) use rules::{JourneyRule, Journeys, StageRule};
#[cfg(test)]
pub(crate) use story::Story;
