//! An embeddable customer decision engine.
#![forbid(unsafe_code)]

pub mod base;
pub mod column;
pub mod context;
pub mod customer;
pub mod decide;
pub mod engine;
pub mod error;
pub mod expr;
pub mod journey;
pub mod playbook;
pub mod value;

pub use base::CustomerBase;
pub use customer::{Customer, Event, EventError, Identifier, IdentifierError, View};
pub use decide::{Decision, Request, RequestError};
pub use engine::{Effects, Engine};
pub use error::{Diagnostic, Diagnostics};
pub use playbook::Playbook;
pub use value::{Decimal, DecimalError, Duration, TimeError, Timestamp, Value};
