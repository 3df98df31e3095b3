//! The rule language: CEL's syntax and semantics, *unknown* as a third truth value, and streams over the story.
//!
//! Text goes through `lex`, `parse` (a syntax tree with positions) and `check` (types, names, the class of each part over
//! time). The checked tree is what the reference evaluator walks; `compile` turns many of them into one program of
//! shared slots. Both read the world through [`Facts`] and nothing else.

mod facts;
mod schema;

pub use facts::{Answer, EventRow, Facts, Missing, Read};
pub use schema::{EventDecl, EventKind, FactDecl, FactId, PropertyDecl, PropertyId, Schema, TimeClass};
