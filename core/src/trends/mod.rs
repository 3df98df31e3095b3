//! Trends: what is counted over many customers, so that it can be merged, forgotten and read without telling about anybody.
//!
//! A customer *contributes* a vector of integers: per trend, cell and epoch a count and a sum. [`Trends`] hold the contribution of
//! each customer, so that observing somebody again replaces what they contributed before. Merging is addition, so any partition
//! in any order gives the same bits. A [`Snapshot`] is what decisions read: counts of epochs that are over, without anybody in it, and
//! no cell that is about fewer customers than the trend's `k`.

mod bytes;
mod cell;
mod contribution;
mod feedback;
mod items;
mod linked;
mod rules;
mod shown;
mod snapshot;
mod store;
#[cfg(test)]
mod tests;
mod totals;

pub use cell::bucket_bounds;
pub use contribution::Contribution;
pub(crate) use items::ItemsOf;
pub use rules::TrendRules;
pub use shown::{ShownCell, ShownTrend};
pub use snapshot::{Answer, Cell, Range, Snapshot};
pub use store::{TrendError, Trends};
