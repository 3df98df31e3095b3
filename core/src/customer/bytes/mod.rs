//! A customer as bytes, and back. `docs/state.md` says what stands where and why.
//!
//! Strands are written column by column. What is read is checked as if an enemy had written it: numbers against what is left,
//! rows against the order of the story, texts and ids for being there once.

mod aside;
mod fold;
mod kinds;
mod migrate;
mod places;
mod read;
mod track;
mod write;

pub use aside::Aside;
pub(crate) use fold::{read_checkpoint, write_checkpoint};
pub(crate) use kinds::describe;
pub(crate) use migrate::Renames;
pub(crate) use places::{read_places, write_places};
pub(crate) use read::{Read, read};
pub(crate) use write::{write, write_rectified, write_strands, write_unknown};

/// Tags of sections; numbers are never used again for something else.
pub(crate) mod tag {
    pub(crate) const PLAYBOOK: u64 = 1;
    pub(crate) const KINDS: u64 = 2;
    pub(crate) const STRAND: u64 = 3;
    pub(crate) const TOLD: u64 = 7;
    pub(crate) const ASIDE: u64 = 4;
    pub(crate) const FOLD: u64 = 5;
    pub(crate) const CHECKPOINT: u64 = 6;
    pub(crate) const LINKS: u64 = 8;
    pub(crate) const TOLD_EACH: u64 = 9;
    pub(crate) const TOMBSTONES: u64 = 10;
    pub(crate) const RECTIFIED: u64 = 11;
    pub(crate) const CARRIED: u64 = 12;
    pub(crate) const PLACES: u64 = 13;
    pub(crate) const FORECAST: u64 = 15;
    /// Sections above this one are not known to this version.
    pub(crate) const LAST: u64 = 15;
}
