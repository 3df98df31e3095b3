//! The rule language: CEL's syntax and semantics, *unknown* as a third truth value, and streams over the story.
//!
//! Text goes through `lex`, `parse` (a syntax tree with positions) and `check` (types, names, the class of each part over
//! time). The checked tree is what the reference evaluator walks; `compile` turns many of them into one program of
//! shared slots. Both read the world through [`Facts`] and nothing else.
//!
//! Besides the standard, expressions read declared facts (`customer.age`, `request.basket`), `segment("loyal")` or
//! `"loyal" in segment`, `persona("thrifty")`, `journey("lifecycle").stage` and `.since`, the instant of the question
//! (`now`), and streams: `events("purchase")`, narrowed by `where(e, …)`, `within("30d" | "day" | "week" | "month" | duration)`,
//! `in_session()`, `since(t)` and `before(t)`, and ended by one of `count`, `exists`, `sum`, `avg`, `min`, `max`, `first`,
//! `last`, `distinct`, `count_distinct`, `most_frequent`, `since_last`, `since_first` and `usual_gap`. Durations have `days()`,
//! `hours()`, `minutes()` and `seconds()`.
//!
//! Every evaluation also tells until when its outcome holds while no event arrives: the first window edge, expiry or turn of
//! a comparison with something that moves with time.

pub mod ast;
mod check;
mod check_calls;
mod check_names;
mod check_operators;
mod check_stream;
mod checked;
mod compile;
mod evaluate;
mod evaluate_loop;
mod explain;
mod expression;
mod facts;
mod functions;
mod functions_bytes;
mod functions_format;
mod functions_math;
mod functions_text;
mod functions_time;
mod index;
mod lex;
mod limits;
mod outcome;
mod parse;
mod prepared;
mod print;
mod program;
mod row_test;
mod ruleset;
mod run;
mod schema;
mod signature;
mod stream;
mod stream_columns;
mod types;
mod value_ops;

pub use check::{CompileOptions, Expected, compile_source, compile_text, expect};
pub use checked::{Checked, Reads};
pub use compile::ProgramBuilder;
pub use evaluate::{Evaluated, evaluate};
pub use explain::{Explanation, explain};
pub use expression::{Expression, NamedFacts};
pub use facts::{Answer, EventRow, Facts, Missing, Read};
pub use index::batch::{BatchMatches, BlockMatches, RuleColumns};
pub use index::row::{Row, RowError};
pub use limits::Limits;
pub use outcome::{ErrorCode, EvalError, Outcome};
pub use prepared::Prepared;
pub use print::{print, print_node, value_text};
pub use program::{ExprId, Program, Scratch};
pub use ruleset::{RuleId, RuleScratch, RuleSet, Truth};
pub use run::{Bits, Run, RunColumn, RunTexts};
pub use schema::{EventDecl, EventKind, FactDecl, FactId, PropertyDecl, PropertyId, Schema, TimeClass};
