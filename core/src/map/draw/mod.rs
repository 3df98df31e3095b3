//! Pictures of a journey map, made without a browser.
//!
//! The SVG stands on its own: its colours are in it, for light and dark ground, and everything that a colour says is also said by a
//! pattern, a shape or a word, so that it can be printed in grey.

mod labels;
mod lanes;
mod layout;
mod plan;
mod plan_html;
mod plan_text;
mod svg;
mod text;
mod words;

pub use svg::Ground;
