//! The document that an organisation writes: its model, the loader with source positions, and the generated JSON Schema.

mod model;

pub use model::*;
