//! The C interface of tactful: handles, plain structures and functions over the crates `tactful` and `tactful-arrow`.
//!
//! The public documentation is `include/tactful.h`, which is made from the comments here; `docs/c.md` is the guide. Every
//! function goes through [`guard`], so that a panic becomes a status; every pointer is checked for null and every text for
//! UTF-8 before it is used; outputs are written last.
#![allow(non_camel_case_types, reason = "types are named here as C names them")]
#![allow(clippy::missing_safety_doc, reason = "the head of the header states the contract of all functions once")]
#![allow(unreachable_pub, reason = "what is public here is reached by name from C, not by path")]
#![deny(clippy::undocumented_unsafe_blocks, unsafe_op_in_unsafe_fn)]

mod guard;
mod version;

mod text;
mod value;

mod error;

mod event;

mod customer;
mod effects;
mod engine;

mod request;

mod decision;

mod base;

mod query;

mod erase;

mod state;

mod trends;

mod catalog;

mod column;
mod log;
mod replay;

mod census;
mod rules;

/// Handles may be used from any thread, and read from many at once.
const _: () = {
    const fn shared_between_threads<T: Send + Sync>() {}
    shared_between_threads::<error::tactful_error>();
    shared_between_threads::<engine::tactful_engine>();
    shared_between_threads::<event::tactful_event>();
    shared_between_threads::<customer::tactful_customer>();
    shared_between_threads::<effects::tactful_effects>();
    shared_between_threads::<request::tactful_request>();
    shared_between_threads::<decision::tactful_decision>();
    shared_between_threads::<base::tactful_base>();
    shared_between_threads::<query::tactful_answer>();
    shared_between_threads::<rules::tactful_expression>();
    shared_between_threads::<rules::tactful_rules>();
    shared_between_threads::<rules::tactful_row>();
    shared_between_threads::<replay::tactful_replay>();
    shared_between_threads::<state::tactful_bytes>();
    shared_between_threads::<erase::tactful_tombstones>();
    shared_between_threads::<trends::tactful_trends>();
    shared_between_threads::<trends::tactful_snapshot>();
};
