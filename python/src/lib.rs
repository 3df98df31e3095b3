//! The Python package `tactful`: a thin layer over the crate, without logic of its own.
//!
//! Classes are frozen and methods take `&self`; work runs with the interpreter released. No lock is ever held while the
//! interpreter is taken again, so that two threads cannot wait for each other.
#![deny(clippy::undocumented_unsafe_blocks)]

mod base;
mod catalog;
mod census;
mod customer;
mod decision;
mod effects;
mod engine;
mod errors;
mod estimate;
mod event;
mod explanation;
mod expression;
mod guard;
mod html;
mod journey;
mod layout;
mod log;
mod map;
mod next;
mod query;
mod question;
mod replay;
mod reserve;
mod rights;
mod rules;
mod stream;
mod table;
mod time;
mod trends;
mod value;

/// The compiled part of the package.
#[pyo3::pymodule(gil_used = false)]
mod _tactful {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::base::CustomerBase;
    #[pymodule_export]
    use super::customer::Customer;
    #[pymodule_export]
    use super::decision::{Decision, PlacementAnswer, Ranked, Trace};
    #[pymodule_export]
    use super::effects::{Effect, Effects};
    #[pymodule_export]
    use super::engine::Engine;
    #[pymodule_export]
    use super::event::Event;
    #[pymodule_export]
    use super::explanation::Explanation;
    #[pymodule_export]
    use super::expression::Expression;
    #[pymodule_export]
    use super::guard::_panic;
    #[pymodule_export]
    use super::journey::{JourneyStay, JourneyWalk};
    #[pymodule_export]
    use super::layout::{format_expression, format_playbook};
    #[pymodule_export]
    use super::log::EventLog;
    #[pymodule_export]
    use super::map::{JourneyMap, JourneyPlan};
    #[pymodule_export]
    use super::next::{Forecast, Transitions};
    #[pymodule_export]
    use super::replay::{Comparison, Replay};
    #[pymodule_export]
    use super::reserve::Reservation;
    #[pymodule_export]
    use super::rights::{Erasure, Portrait, Tombstones};
    #[pymodule_export]
    use super::rules::{Row, RuleSet};
    #[pymodule_export]
    use super::table::Table;
    #[pymodule_export]
    use super::trends::{TrendSnapshot, Trends};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
