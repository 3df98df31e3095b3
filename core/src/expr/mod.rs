//! The rule language: CEL's syntax and semantics, *unknown* as a third truth value, and streams over the story.
//!
//! Text goes through `lex`, `parse` (a syntax tree with positions) and `check` (types, names, the class of each part over
//! time). The checked tree is what the reference evaluator walks; `compile` turns many of them into one program of
//! shared slots. Both read the world through [`Facts`] and nothing else.
//!
//! Besides the standard, expressions read declared facts (`customer.age`, `request.basket`), `segment("loyal")` or
//! `"loyal" in segment`, `persona("thrifty")`, `journey("lifecycle").stage` and `.since`, the instant of the question
//! (`now`), and streams of events, narrowed step by step and ended by a question; `docs/rules.md` lists them all.
//!
//! A checked expression also tells what is probably not meant ([`Checked::warnings`], [`repeated`]), why it came to what it
//! came to ([`explain`]) and what would turn it ([`flips`]); [`format`](format()) lays its text out.
//!
//! Every evaluation also tells until when its outcome holds while no event arrives: the first window edge, expiry or turn of
//! a comparison with something that moves with time.

pub mod ast;
mod check;
mod check_calendar;
mod check_calls;
mod check_computed;
mod check_ends;
mod check_follow;
mod check_journey;
mod check_names;
mod check_next;
mod check_operators;
mod check_place;
mod check_stream;
mod check_today;
mod check_trend;
mod checked;
mod compile;
mod computed;
mod detail;
mod evaluate;
mod evaluate_compare;
mod evaluate_loop;
mod evaluate_names;
mod evaluate_steps;
mod evaluate_today;
mod explain;
mod expression;
mod facts;
mod finding;
mod flip;
mod flip_values;
mod format;
mod functions;
mod functions_bytes;
mod functions_date;
mod functions_format;
mod functions_list;
mod functions_math;
mod functions_place;
mod functions_text;
mod functions_time;
mod index;
mod lex;
mod limits;
mod meant;
mod optional;
mod outcome;
mod parse;
mod parse_macro;
mod parse_on;
pub(crate) mod plan;
mod prepared;
mod print;
mod program;
mod repeated;
mod row_test;
mod ruleset;
mod ruleset_build;
mod run;
mod schema;
mod sieve;
mod signature;
mod stream;
mod stream_columns;
mod stream_ends;
mod stream_follow;
mod stream_reach;
mod streams;
mod told;
mod types;
mod uses;
mod value_ops;
mod warn;
mod warn_known;
mod warn_sets;

pub use check::{CompileOptions, Expected, compile_source, compile_text, expect};
pub use check_next::NextStep;
pub use check_trend::Measure;
pub use checked::{Checked, Reads};
pub use compile::ProgramBuilder;
pub(crate) use computed::declare_computed;
pub use detail::Detail;
pub use evaluate::{Evaluated, evaluate};
pub use explain::{Explanation, explain, explain_with_flips};
pub use expression::{Expression, NamedFacts};
pub use facts::{Answer, EventRow, Facts, Folded, FoldedNumbers, Missing, Read};
pub(crate) use flip::changes;
pub use flip::{Beyond, Change, Flips, flips};
pub use format::format;
pub(crate) use format::{format_line, unreadable};
pub use index::batch::{BatchMatches, BlockMatches, RuleColumns};
pub use index::row::{Row, RowError};
pub use limits::Limits;
pub use outcome::{ErrorCode, EvalError, Outcome};
pub use prepared::Prepared;
pub use print::{print, print_node, value_text};
pub use program::{ExprId, Program, Scratch};
pub use repeated::repeated;
pub use ruleset::{RuleId, RuleScratch, RuleSet, Truth};
pub use run::{Bits, Run, RunColumn, RunTexts};
pub(crate) use schema::Fixed;
pub use schema::{EventDecl, EventKind, FactDecl, FactId, PropertyDecl, PropertyId, Schema, SubjectId, TimeClass, TrendDecl};
pub(crate) use sieve::Sieve;
pub(crate) use streams::streams;
pub use told::FactError;
pub(crate) use uses::{Asked, uses};
pub use warn::may_hold_together;
