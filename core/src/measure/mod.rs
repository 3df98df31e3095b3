//! Measures of what came of decisions, each with the source of its formula.

mod goodness;

pub use goodness::{Goodness, goodness_of_fit};
