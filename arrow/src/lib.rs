//! The [Arrow C Data Interface](https://arrow.apache.org/docs/format/CDataInterface.html), written by hand: tables come in from
//! any data frame and go out to any, without copies and without a dependency on one.
//!
//! Ownership, in four sentences. A structure is *taken* by moving its contents out and marking the source as released; from then
//! on the Rust value releases it, once, when dropped. A [`Chunk`] owns one batch, and the [`Batch`](tactful::column::Batch) that it
//! gives borrows from it. A [`Table`] shares its buffers: each export holds its own count, so a table may be exported again
//! and again, and exports may outlive it. Only pointers and sizes that the interface itself states can be checked; that a
//! buffer is as long as its array says is the promise of whoever passes the pointer, and the reason why taking is unsafe.
#![deny(clippy::undocumented_unsafe_blocks)]

mod abi;
mod census;
mod error;
mod export;
mod import;
mod map;
mod mine;
mod replay;
mod rules;

pub use abi::{ArrowArray, ArrowArrayStream, ArrowSchema};
pub use census::census;
pub use error::ArrowError;
pub use export::{Kind, OwnedColumn, Table};
pub use import::{Chunk, Field, Lists, Reader};
pub use map::{map_flows_table, map_stages_table, map_touchpoints_table, predictions_table};
pub use mine::{LogError, follows_table, funnel_table, paths_table, read_log, variants_table};
pub use replay::{NamedTables, tables};
pub use rules::Matching;
