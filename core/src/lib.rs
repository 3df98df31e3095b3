//! An embeddable customer decision engine: what should this customer see here, now, in which words, or is silence better, and why?
//!
//! An organisation writes a *playbook*: which events and attributes there are, segments, personas, journeys, offers, placements and
//! the policy of contact. [`Engine::compile`] checks it as a whole. Events are recorded into a [`Customer`], whose *story* is the
//! only state there is; everything else is derived from it at an instant. [`Engine::decide`] answers a [`Request`],
//! [`Engine::explain`] gives the reasons with it. A [`CustomerBase`] holds many customers and finds them by identifier, and a
//! [`Replay`](base::Replay) walks whole tables of events through time.
//!
//! Three things are unusual and hold everywhere:
//!
//! - **Time is an argument.** Nothing here reads a clock. A question may be asked at any instant, so a backtest is the production
//!   code with an older `now`.
//! - **Unknown is a value.** An attribute that was never told is neither false nor zero. A rule that is unknown does not fire, and the
//!   trace names the missing fact.
//! - **State is a function of the set of events.** They may come late, twice and in any order.
//!
//! The crate does no I/O, reads no environment, spawns no threads and has no unsafe code. Any input gives a value or a typed error.
//!
//! # Folders
//!
//! Each knows only those before it: [`value`], [`expr`] (the rule language), [`playbook`], [`customer`] (the story), `context`
//! (everything readable at an instant), `reaction` (what pushes), [`journey`], [`catalog`] (items), [`suggest`], [`decide`], [`engine`], [`base`], [`estimate`], [`served`], [`intake`] (messages of other
//! systems), [`mine`] (event logs), [`map`] (journey maps), [`next`] (what comes next), [`portrait`] (a customer for people),
//! [`query`] (questions as JSON).
//! [`column`] reads tables, [`error`] shows mistakes.
#![forbid(unsafe_code)]

pub mod base;
pub mod cases;
pub mod catalog;
mod chance;
pub mod column;
pub mod commitment;
mod context;
mod counterfactual;
pub mod counters;
pub mod customer;
pub mod decide;
pub mod encoding;
pub mod engine;
pub mod error;
pub mod estimate;
pub mod expr;
pub mod intake;
pub mod journey;
pub mod map;
pub mod measure;
pub mod mine;
pub mod next;
pub mod playbook;
pub mod portrait;
pub mod query;
pub mod reach;
mod reaction;
mod receipt;
mod relation;
pub mod served;
pub mod suggest;
pub mod trends;
pub mod value;

pub use base::CustomerBase;
pub use customer::{Customer, Event, EventError, Identifier, IdentifierError, View};
pub use decide::{Assigned, Decision, Request, RequestError};
pub use encoding::StateError;
pub use engine::{Effects, Engine};
pub use error::{Diagnostic, Diagnostics};
pub use playbook::{Assurance, Playbook};
pub use portrait::Portrait;
pub use query::QueryError;
pub use value::{Decimal, DecimalError, Duration, TimeError, Timestamp, Value};
