//! What was planned for a segment in a stage, beside what customers did there.

use super::map::{Map, USUAL_K};
use super::{Asked, QueryError, Question, Subject};
use crate::map::{MapReport, PainPoint, Share};
use crate::playbook::{Cell, Journey};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The declared map of a journey (`plan`) beside the walked one: for each segment and stage that is planned, what is, who came, and
/// where they went otherwise.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Planned {
    /// Which map. Customers are put into groups by segment, whatever it says.
    map: Map,
    /// No number is about fewer customers: 10 when not given.
    k: Option<u64>,
}

/// The declared map beside the walked one.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "journey_plan")]
pub(super) struct PlannedAnswer {
    /// In the order of the plan.
    cells: Vec<PlannedCell>,
}

/// What is planned for a segment in a stage, and what customers did there.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "planned_cell")]
struct PlannedCell {
    /// The segment; null for everyone.
    segment: Option<Arc<str>>,
    /// The stage.
    stage: Arc<str>,
    /// What is to be reached; of the stage when the cell does not say.
    goal: Option<Arc<str>>,
    /// What is known to hurt.
    pain_point: Option<Arc<str>>,
    /// What speaks for the brand.
    selling_point: Option<Arc<str>>,
    /// How it is said.
    wording: Option<Arc<str>>,
    /// How often customers came in; null when by fewer than `k`.
    entries: Option<u64>,
    /// How often they went on to another stage or out of the journey.
    exits: Option<u64>,
    /// How long half of them stay, in seconds.
    median_seconds: Option<f64>,
    /// Where they went: on as declared, and otherwise.
    ways: Vec<WayReport>,
    /// What is out of line here.
    found: Vec<PainPoint>,
    /// Whether something is out of line although no pain point is planned for.
    unplanned: bool,
}

/// Where customers went out of a stage.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "planned_way")]
struct WayReport {
    /// Which way.
    way: PlannedWay,
    /// How often, as far as it may be told.
    count: u64,
    /// The share of those who left the stage; null when these are too few to be told.
    share: Option<f64>,
    /// Its 95 % interval, by Wilson.
    interval: Option<(f64, f64)>,
}

/// A way out of a stage, by the order in which stages are declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "planned_way_kind")]
enum PlannedWay {
    /// To the next stage: as planned.
    On,
    /// Past stages.
    Skipped,
    /// To an earlier stage, or back from where customers count as lost.
    Back,
    /// To a stage where customers count as lost.
    Lost,
    /// Out of the journey.
    Left,
}

impl PlannedWay {
    fn of(journey: &Journey, from: &str, to: Option<&str>) -> Option<Self> {
        let Some(to) = to else { return Some(PlannedWay::Left) };
        let place = |name: &str| journey.stages.iter().position(|stage| *stage.name.text == *name);
        let (source, target) = (place(from)?, place(to)?);
        let is_lost = |place: usize| journey.stages.get(place).is_some_and(|stage| stage.drop_out);
        let between = (source + 1..target).any(|place| !is_lost(place));
        Some(match () {
            () if is_lost(target) => PlannedWay::Lost,
            () if target < source || is_lost(source) => PlannedWay::Back,
            () if between => PlannedWay::Skipped,
            () => PlannedWay::On,
        })
    }
}

impl PlannedCell {
    fn of(journey: &Journey, segment: Option<Arc<str>>, stage: &Arc<str>, cell: &Cell, walked: Option<&MapReport>) -> Self {
        let report = walked.and_then(|walked| walked.stages.iter().find(|own| own.stage == *stage));
        let exits = report.and_then(|report| report.exits);
        let mut counts: Vec<(PlannedWay, u64)> = Vec::new();
        for flow in walked.iter().flat_map(|walked| &walked.flows).filter(|flow| flow.from.as_ref() == Some(stage)) {
            let Some(way) = PlannedWay::of(journey, stage, flow.to.as_deref()) else { continue };
            match counts.iter_mut().find(|(own, _)| *own == way) {
                Some((_, count)) => *count += flow.count,
                None => counts.push((way, flow.count)),
            }
        }
        counts.sort_unstable();
        let ways = counts.into_iter().map(|(way, count)| {
            let share = exits.and_then(|exits| Share::of(count, exits));
            WayReport { way, count, share: share.map(Share::value), interval: share.map(Share::interval) }
        });
        let found = walked.iter().flat_map(|walked| &walked.pain_points).filter(|pain| pain.stage == *stage);
        let found: Vec<PainPoint> = found.cloned().collect();
        let declared = journey.stages.iter().find(|own| own.name.text == *stage);
        PlannedCell {
            segment,
            stage: stage.clone(),
            goal: cell.goal.clone().or_else(|| declared.and_then(|stage| stage.goal.clone())),
            pain_point: cell.pain_point.clone(),
            selling_point: cell.selling_point.clone(),
            wording: cell.wording.clone(),
            entries: report.and_then(|report| report.entries),
            exits,
            median_seconds: report.and_then(|report| report.time.as_ref()).and_then(|time| time.median_seconds),
            ways: ways.collect(),
            unplanned: cell.pain_point.is_none() && !found.is_empty(),
            found,
        }
    }
}

impl Question for Planned {
    const NAME: &'static str = "journey_plan";
    const SUBJECT: Subject = Subject::Base;
    type Answer<'a> = PlannedAnswer;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<PlannedAnswer, QueryError> {
        let (map, k) = (self.map.by_segment().of(asked)?, self.k.unwrap_or(USUAL_K));
        let journeys = &asked.engine.playbook().journeys;
        let Some(journey) = journeys.iter().find(|journey| *journey.name.text == *self.map.journey()) else {
            return Ok(PlannedAnswer { cells: Vec::new() });
        };
        let mut cells = Vec::new();
        for plan in &journey.plan {
            let segment = plan.segment.as_ref().map(|segment| segment.text.clone());
            // A segment in which nobody is has been walked by nobody.
            let walked = map.report(segment.as_deref(), k).ok();
            for (stage, cell) in &plan.cells {
                cells.push(PlannedCell::of(journey, segment.clone(), &stage.text, cell, walked.as_ref()));
            }
        }
        Ok(PlannedAnswer { cells })
    }
}
