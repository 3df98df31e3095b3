//! Chance without a source of chance: numbers that follow from a seed, and the Beta distribution. The same bits everywhere.

mod beta;
mod draw;
mod race;

pub(crate) use beta::Beta;
pub(crate) use draw::Draws;
pub(crate) use race::{Racer, race};
