//! Fast matching: many conditions over prepared rows.
//!
//! `key` maps every scalar to an order-preserving 64-bit number, `literal` turns comparisons with constants into sets of
//! such numbers, `shape` writes a condition as *and* and *or* over literals that are known to be true or known to be false.
//! `layout` cuts the numbers of a fact into codes: all values between two neighbouring constants have one code. A `row` holds
//! the codes of one customer, `flat` is the program of one rule over them. `bitmaps`
//! finds the rules that are possible by a bitmap for each of the `groups` of a fact's codes, and decides them by `record`s of tests over
//! `pieces` of a row. `batch` goes through columns as `source` reads them. What cannot be written that way is an opaque
//! literal, which the reference evaluator decides.

pub(super) mod batch;
pub(super) mod bitmaps;
pub(super) mod constraint;
pub(super) mod flat;
mod groups;
pub(super) mod json;
pub(super) mod key;
pub(super) mod layout;
pub(super) mod literal;
pub(super) mod order;
mod pieces;
pub(super) mod ranges;
mod record;
pub(super) mod row;
pub(super) mod shape;
mod source;
