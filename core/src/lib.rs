//! An embeddable customer decision engine.
#![forbid(unsafe_code)]

pub mod customer;
pub mod error;
pub mod expr;
pub mod playbook;
pub mod value;

pub use customer::{Customer, Event, EventError, Identifier, IdentifierError, View};
pub use error::{Diagnostic, Diagnostics};
pub use value::{Decimal, DecimalError, Duration, TimeError, Timestamp, Value};
