//! What another way of choosing would have brought, told from choices that were recorded with their probability.
//!
//! The engine records with every explored choice how probable it was. A choice that another playbook would make more often counts more,
//! one that it would make less often counts less: that is all there is to *off-policy* estimates. [`estimate`] is the arithmetic,
//! [`CustomerBase::off_policy`](crate::CustomerBase::off_policy) finds the choices in the stories of a base and asks the other playbook about each, at its
//! instant and with what was known then.

mod choice;
mod estimators;
mod history;
mod text;

pub use choice::{Choice, EstimateError, EstimateOptions};
pub use estimators::{Estimated, OffPolicy, Overlap, estimate};
pub use history::{HistoryOptions, LeftOut, OffPolicyReport, PlacementEstimate, Reward};
