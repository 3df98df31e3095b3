//! The document that an organisation writes: its model, the loader with source positions, and the generated JSON Schema.
//!
//! [`Playbook::load`] goes from text to [`Playbook`] in four steps: `yaml` or `json` make a `tree` in which everything knows
//! its place; `shape` checks kinds and keys against the one description in `table`, from which [`json_schema()`] is made too;
//! `merge` unites documents; and the rooms (`identity`, `facts`, `intake`, `labels`, `people`, `needs`, `preferences`, `journeys`,
//! `offers`, `placements`, `contact`, `reactions`, `promises`) read their sections. Every step goes on after a mistake, so that all are reported at once.

mod arbitration;
mod assurance;
mod cases;
mod catalog;
mod circles;
mod computed;
mod contact;
mod digest;
mod experiments;
mod facts;
mod format;
mod groups;
mod identity;
mod intake;
mod journey_caps;
mod journeys;
mod json;
mod json_schema;
mod labels;
mod load;
mod merge;
mod model;
mod needs;
mod offer_attributes;
mod offers;
mod people;
mod placements;
mod places;
mod predict;
mod preferences;
mod promises;
mod questions;
mod quiet;
mod reactions;
mod read;
mod relations;
mod renamed;
mod reserved;
mod scalar;
mod shape;
mod source;
mod standalone;
mod table;
mod templates;
mod touchpoints;
mod tree;
mod trends;
mod types;
mod voice;
mod ways;
mod yaml;

pub(crate) use arbitration::OUTCOMES_TREND;
pub use arbitration::{Arbitration, Diversity, Explore, Learned, OfferTrait, PARTS};
pub use assurance::Assurance;
pub(crate) use cases::{Act, Beyond, Case, Expectation, When, cases};
pub use catalog::{CatalogSection, HowToSuggest, ItemCategory, ItemRow, OfferItems, SuggestOf, Suggestion};
pub(crate) use catalog::{ITEM_COLUMNS, is_table};
pub(crate) use contact::ALL_CUSTOMERS;
pub use contact::{AtMost, Clock, ContactRule, Demand, Fatigue, Part, Scope, Switch, Then, UnknownZone};
pub use experiments::{Detects, Experiment, HOLDOUT, TREATED, WHOLE};
pub use format::format;
pub use groups::{Group, Owner};
pub use intake::Intake;
pub use journey_caps::{JourneyCap, JourneyLimit};
pub use json_schema::json_schema;
pub use labels::{Category, DataKind, Declassify, Department, Guard, Labels, LegalBasis};
pub use model::*;
pub use needs::{Need, NeedEvidence, NeedKind, Problem, Searches};
pub use offer_attributes::OfferAttribute;
pub(crate) use offer_attributes::{FACTORS, OF_EVERY_OFFER};
pub(crate) use people::LIKELY;
pub use places::{Cart, Sessions, Store};
pub use predict::Predict;
pub use preferences::{Preference, PreferenceSource, Trait, Unusual, UnusualTest, Watch};
pub(crate) use promises::MONEY_SCALE;
pub use promises::{Budget, Commitment, Decisions, Outcomes, Stock};
pub use questions::{AnswerEvent, Question, Scale};
pub(crate) use quiet::DAYS;
pub use quiet::{QuietDate, QuietHours};
pub use reactions::{Feedback, Reaction, Sentiment, Trigger};
pub use relations::{Relation, Role};
pub use reserved::{OUTCOMES, RESERVED_EVENTS};
pub use standalone::schema;
pub use templates::{GA4, VOCABULARY};
pub use touchpoints::{Cell, Plan, Touchpoint};
pub use tree::Limits;
pub(crate) use trends::USUAL_K;
pub use trends::{FEEDBACK, OUTCOME, SEGMENT_ENTERED, STAGE_ENTERED};
pub(crate) use voice::same_language;
pub use voice::{Address, Appeal, Greeting, VOICE_FACTS, Variant, Voice};
pub use ways::{
    Branch, Inner, JourneyEntry, MaxStay, Migration, MigrationRule, Precedence, Reentry, ReentryPolicy, Return, StageExit,
    Today, Wait,
};
