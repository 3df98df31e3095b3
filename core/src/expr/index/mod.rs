//! Fast matching: many conditions over prepared rows.
//!
//! `key` maps every scalar to an order-preserving 64-bit number, `literal` turns comparisons with constants into sets of
//! such numbers, `shape` writes a condition as *and* and *or* over literals that are known to be true or known to be false.
//! `layout` cuts the numbers of a fact into codes: all values between two neighbouring constants have one code. A `row` holds
//! the codes of one customer, `flat` is the program of one rule over them, `whole` and `bitmap` find the rules that are still
//! possible in the order of `cluster`, `batch` goes through columns as `source` reads them. What cannot be written that way is an opaque literal, which the reference evaluator decides.

pub(super) mod batch;
pub(super) mod bitmap;
pub(super) mod cluster;
pub(super) mod constraint;
pub(super) mod demand;
mod fill;
pub(super) mod flat;
pub(super) mod json;
pub(super) mod key;
pub(super) mod layout;
pub(super) mod literal;
pub(super) mod order;
pub(super) mod ranges;
pub(super) mod row;
pub(super) mod shape;
mod source;
pub(super) mod whole;
