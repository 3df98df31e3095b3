//! An embeddable customer decision engine.
#![forbid(unsafe_code)]

pub mod column;
pub mod error;
pub mod expr;
pub mod playbook;
pub mod value;

pub use error::{Diagnostic, Diagnostics};
pub use value::{Decimal, DecimalError, Duration, TimeError, Timestamp, Value};
