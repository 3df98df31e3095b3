//! Mining of event logs: who follows whom, which ways cases take, and how far they come.
//!
//! An [`EventLog`] holds cases (customers, orders, applications), each a sequence of activities with their times. It is read from
//! columns, or from the stories of customers. Its answers are exact: counts, means, and medians of all values.
//!
//! ```
//! use tactful::mine::{EventLog, Funnel, OrderMode, Pattern, VariantOptions};
//! use tactful::Timestamp;
//! let time = |hour: i64| Timestamp::from_micros(hour * 3_600_000_000);
//! let log = EventLog::of([
//!     ("ada", "cart", time(1)?), ("ada", "shipping", time(2)?), ("ada", "payment", time(2)?),
//!     ("ben", "cart", time(1)?),
//! ]);
//! let follows = log.directly_follows();
//! assert_eq!((follows.pairs.len(), follows.transitions), (2, 2));
//! let funnel = log.funnel(&Funnel::new(["cart", "shipping", "payment"], OrderMode::StrictlyLater)?)?;
//! assert_eq!(funnel.stages.iter().map(|stage| stage.cases).collect::<Vec<_>>(), [2, 1, 0]);
//! let given_up = Pattern::parse("cart -> not shipping -> end")?;
//! let variants = log.variants(&VariantOptions { pattern: Some(given_up), ..VariantOptions::default() })?;
//! assert_eq!((variants.cases, variants.variants[0].activities.len()), (Some(1), 1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod follows;
mod funnel;
mod log;
mod names;
mod pattern;
mod spread;
mod variants;

pub use error::MineError;
pub use follows::{Follows, FollowsTable};
pub use funnel::{Funnel, FunnelStage, FunnelTable, OrderMode};
pub use log::{EventLog, LogBuilder, LogColumns};
pub use pattern::{Pattern, PatternMatches};
pub use variants::{Path, Paths, Repeats, Variant, VariantOptions, Variants};
