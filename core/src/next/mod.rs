//! What comes next: counts of who did what after what, and how long it took, over a population; and what they say about one customer.
//!
//! A customer's way is three sequences of [`steps`]: events, stages of a journey, and segments entered and left. A step has a context: what
//! it is, what was before it, the stage and the segments. [`Transitions`] hold, customer by customer, how often which step followed
//! in which context and after which time, and which steps are still the last. They merge by addition. [`publish`] turns them into a
//! [`Forecast`], of which every number is about at least `k` customers, and which says with what probability something is next and comes within
//! a time.

mod answer;
mod backoff;
mod bytes;
mod curve;
mod forecast;
mod publish;
mod span;
mod spec;
mod steps;
mod transitions;

pub use answer::{Likely, Next, Outlook};
pub use forecast::Forecast;
pub use spec::{NextError, NextOptions};
pub use transitions::Transitions;

pub(crate) use answer::Told;
pub(crate) use spec::{JourneySpec, NextSpec};
pub(crate) use steps::{Contribution, Mark, OUT, Point, Track};
