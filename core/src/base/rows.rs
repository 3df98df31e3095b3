use crate::value::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a replay found, as rows of tables.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReplayTables {
    /// One per customer who can be addressed, by id.
    pub customers: Vec<CustomerRow>,
    /// One per slot filled, fallback or silence: by instant, then customer, placement, slot.
    pub decisions: Vec<DecisionRow>,
    /// What became of the candidates: by instant, placement and offer in the order of the playbook, gate.
    pub gates: Vec<GateRow>,
    /// By instant, then segment in the order of the playbook.
    pub segments: Vec<SegmentRow>,
    /// By instant, then journey and stage in the order of the playbook.
    pub stages: Vec<StageRow>,
    /// By journey, from and to in the order of the playbook.
    pub transitions: Vec<TransitionRow>,
    /// By row.
    pub bad_rows: Vec<BadRow>,
    /// Counts.
    pub stats: ReplayStats,
}

/// A customer at the end of a replay.
#[derive(Debug, Clone, PartialEq)]
pub struct CustomerRow {
    /// The customer's id.
    pub customer: String,
    /// Events of the types that the playbook declares.
    pub events: u64,
    /// The first of them.
    pub first: Option<Timestamp>,
    /// The last of them.
    pub last: Option<Timestamp>,
    /// Names of the segments the customer is in.
    pub segments: Vec<Arc<str>>,
    /// The persona with the largest posterior at or above the threshold.
    pub persona: Option<Arc<str>>,
    /// By journey: the stage and since when.
    pub journeys: Vec<Option<(Arc<str>, Timestamp)>>,
    /// When something will next change without an event.
    pub next_due: Option<Timestamp>,
}

/// A slot filled, a fallback or silence.
#[derive(Debug, Clone, PartialEq)]
pub struct DecisionRow {
    /// The customer's id.
    pub customer: Arc<str>,
    /// The instant of the question.
    pub time: Timestamp,
    /// The placement.
    pub placement: Arc<str>,
    /// The slot, from 0.
    pub slot: i64,
    /// `offer`, `fallback` or `silence`.
    pub kind: &'static str,
    /// The offer, when there is one.
    pub offer: Option<Arc<str>>,
    /// Its score.
    pub score: Option<f64>,
    /// What is shown.
    pub message: Option<Arc<str>>,
    /// Which gates stopped how many candidates.
    pub reason: Arc<str>,
    /// The decision's id.
    pub decision: Arc<str>,
}

/// How many customers an offer met a gate for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateRow {
    /// The instant.
    pub time: Timestamp,
    /// The placement.
    pub placement: Arc<str>,
    /// The offer.
    pub offer: Arc<str>,
    /// The gate that stopped it, or `chosen`.
    pub gate: &'static str,
    /// For how many customers.
    pub customers: u64,
}

/// A segment at an instant.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentRow {
    /// The instant.
    pub time: Timestamp,
    /// The segment.
    pub segment: Arc<str>,
    /// Customers who are in it.
    pub members: u64,
    /// Customers of whom that is not known.
    pub unknown: u64,
}

/// A stage at an instant.
#[derive(Debug, Clone, PartialEq)]
pub struct StageRow {
    /// The instant.
    pub time: Timestamp,
    /// The journey.
    pub journey: Arc<str>,
    /// The stage; `None` for customers outside of the journey.
    pub stage: Option<Arc<str>>,
    /// Customers who are there.
    pub customers: u64,
    /// Entries since the instant before.
    pub entries: u64,
    /// Exits since the instant before.
    pub exits: u64,
}

/// How often customers moved from one stage to another.
#[derive(Debug, Clone, PartialEq)]
pub struct TransitionRow {
    /// The journey.
    pub journey: Arc<str>,
    /// From which stage; `None` from outside.
    pub from: Option<Arc<str>>,
    /// To which stage; `None` to outside.
    pub to: Option<Arc<str>>,
    /// How often.
    pub count: u64,
}

/// A row that could not be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// Its number over all batches, from 0.
    pub row: u64,
    /// The column, when it is about one.
    pub column: Option<Arc<str>>,
    /// A stable code.
    pub code: &'static str,
    /// What is wrong.
    pub reason: String,
}

/// Counts of a replay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReplayStats {
    /// Rows read.
    pub rows: u64,
    /// Events recorded from them.
    pub events: u64,
    /// Rows that told an event again.
    pub duplicates: u64,
    /// Rows whose id was told with other content.
    pub conflicts: u64,
    /// Rows that could not be recorded.
    pub bad_rows: u64,
    /// Customers who can be addressed.
    pub customers: u64,
    /// Visitors under anonymous identifiers, who are counted but not addressed.
    pub anonymous_visitors: u64,
    /// Their events.
    pub anonymous_events: u64,
    /// Decisions made.
    pub decisions: u64,
    /// Events recorded because of decisions.
    pub exposures: u64,
    /// Rows by source; those without one under the empty name.
    pub sources: BTreeMap<String, u64>,
    /// Columns that belong to no declared name and were not read.
    pub ignored_columns: Vec<Arc<str>>,
}

/// What to do with rows that cannot be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BadRows {
    /// Stop at the first.
    #[default]
    Stop,
    /// Report each and go on.
    Report,
}
