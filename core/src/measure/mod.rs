//! Measures of what came of decisions, each with the source of its formula.

mod goodness;
mod normal;
mod power;
mod proportion;

pub use goodness::{Goodness, goodness_of_fit};
pub use normal::{normal_below, normal_quantile};
pub use power::power;
pub use proportion::{Interval, difference, ratio, wilson};
