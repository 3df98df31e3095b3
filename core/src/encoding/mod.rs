//! State as bytes: a header with a checksum, and tagged, versioned, length-prefixed sections. `docs/state.md` has every byte.

mod error;
mod header;
mod reader;
mod value;
mod writer;

pub use error::StateError;
pub(crate) use header::{Content, Part, Section, open, seal, sections};
pub(crate) use reader::Reader;
pub(crate) use value::{read_unit, read_value, write_unit, write_value};
pub(crate) use writer::Writer;

/// The hash of state bytes and of trends: XXH64 with seed 0 over the bytes, as the specification of xxHash 0.1.1 has it.
///
/// The same on every platform. It finds damage, not forgery.
#[must_use]
pub fn hash64(bytes: &[u8]) -> u64 {
    twox_hash::XxHash64::oneshot(0, bytes)
}

#[cfg(test)]
mod tests;
