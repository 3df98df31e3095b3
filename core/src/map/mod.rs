//! The journey map of a population: who is where, who goes where, how long that takes, and where it hurts.
//!
//! A [`JourneyMap`] holds integers only, so that the map of a union is the sum of the maps of its parts, bit for bit. What leaves it
//! is a [`MapReport`]: no number in it is about fewer customers than its `k`. A report draws itself as SVG, Mermaid or DOT.
//!
//! - [`tally`] counts, [`spec`] says what, [`times`] keeps lengths of time in logarithmic buckets;
//! - [`report`] is what may be told, with [`pain`] points and the [`compare`]d differences of two maps, on the statistics of [`proportion`]s;
//! - [`withheld`] says what must not be told so that nothing about few follows from the rest;
//! - [`plan`] puts what was planned beside it;
//! - [`draw`] makes pictures.

mod bytes;
mod compare;
mod draw;
mod pain;
mod periods;
mod plan;
mod proportion;
mod report;
mod spec;
mod tally;
mod times;
mod withheld;

pub use compare::{Difference, Measure};
pub use draw::Ground;
pub use pain::{PainKind, PainPoint};
pub use periods::Period;
pub use plan::{Deviation, PlanCell, PlanReport, PlanSegment, PlanShare, PlanStage, PlannedWay, WayReport};
pub use report::{ConversionReport, CountReport, FlowReport, MapReport, ScoreReport, StageReport, TimeReport, TouchReport};
pub use spec::{MapError, MapOptions, Question, Split, threshold};
pub use tally::JourneyMap;

pub(crate) use periods::Calendar;
pub(crate) use spec::{MapSpec, StageSpec};
pub(crate) use tally::{Touch, Walk, WalkEvent, WalkStay, contribution};
