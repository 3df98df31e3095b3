use super::pain::PainPoint;
use super::proportion::Share;
use super::report::{MapReport, in_words};
use super::spec::MapError;
use super::tally::{JourneyMap, Tally};
use super::times::Times;
use crate::playbook::{Cell, Journey, Playbook};
use crate::value::{Duration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The declared map of a journey (`plan`) beside the walked one: for each segment and stage what is planned, who came, where they went and
/// how long they stayed, and where that deviates. No number is about fewer than `k` customers; what would be is null.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "journey_plan")]
pub struct PlanReport {
    /// The playbook.
    pub playbook: Arc<str>,
    /// The journey.
    pub journey: Arc<str>,
    /// For people.
    pub title: Arc<str>,
    /// Nothing later is counted.
    pub at: Timestamp,
    /// Only stays that began then or later; null for all.
    pub since: Option<Timestamp>,
    /// About how many customers a number is at least.
    pub k: u64,
    /// For whom something is planned, in the order of the plan.
    pub segments: Vec<PlanSegment>,
    /// In the order of the playbook.
    pub stages: Vec<PlanStage>,
    /// In the order of the plan.
    pub cells: Vec<PlanCell>,
}

/// For whom something is planned.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "planned_segment")]
pub struct PlanSegment {
    /// The segment; null for everyone.
    pub segment: Option<Arc<str>>,
    /// For people.
    pub title: Arc<str>,
    /// How many customers are in it.
    pub customers: Option<u64>,
}

/// A stage of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "planned_stage")]
pub struct PlanStage {
    /// The stage.
    pub stage: Arc<str>,
    /// For people.
    pub title: Arc<str>,
    /// Whether customers here count as lost.
    pub drop_out: bool,
    /// Why nothing is known of it.
    pub no_data: Option<Arc<str>>,
}

/// What is planned for a segment in a stage, and what customers did there.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "planned_cell")]
pub struct PlanCell {
    /// The segment; null for everyone.
    pub segment: Option<Arc<str>>,
    /// The stage.
    pub stage: Arc<str>,
    /// What is to be reached; of the stage when the cell does not say.
    pub goal: Option<Arc<str>>,
    /// What is known to hurt.
    pub pain_point: Option<Arc<str>>,
    /// What speaks for the brand.
    pub selling_point: Option<Arc<str>>,
    /// How it is said.
    pub wording: Option<Arc<str>>,
    /// How long half of them are to stay at most, in seconds; where a long stay is good, at least.
    pub planned_stay_seconds: Option<f64>,
    /// Which share is to come to the next stage.
    pub planned_goes_on: Option<f64>,
    /// How often customers came in; null when by fewer than `k`.
    pub entries: Option<u64>,
    /// How often they went on to another stage or out of the journey.
    pub exits: Option<u64>,
    /// How long half of them stay, in seconds.
    pub median_seconds: Option<f64>,
    /// Which share stays longer than planned.
    pub stays_longer: Option<PlanShare>,
    /// Which share of the customers who came in came to the next stage, by whichever way.
    pub goes_on: Option<PlanShare>,
    /// Where they went: on as declared, and otherwise.
    pub ways: Vec<WayReport>,
    /// What is out of line here.
    pub found: Vec<PainPoint>,
    /// Whether something is out of line although no pain point is planned for.
    pub unplanned: bool,
    /// Where people do otherwise than planned; empty when it goes as planned, or when too few came to say.
    pub deviations: Vec<Deviation>,
}

/// A share and how sure it is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "planned_share")]
pub struct PlanShare {
    /// From 0 to 1.
    pub share: f64,
    /// Its 95 % interval, by Wilson; of times with the number of stays that tells as much without any that still last (Kaplan and Meier 1958,
    /// Greenwood 1926).
    pub interval: (f64, f64),
}

/// Where customers went out of a stage.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "planned_way")]
pub struct WayReport {
    /// Which way.
    pub way: PlannedWay,
    /// How often, as far as it may be told.
    pub count: u64,
    /// The share of those who left the stage; null when these are too few to be told.
    pub share: Option<f64>,
    /// Its 95 % interval, by Wilson.
    pub interval: Option<(f64, f64)>,
}

/// A way out of a stage, by the order in which stages are declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "planned_way_kind")]
pub enum PlannedWay {
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

/// Where people do otherwise than planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "plan_deviation")]
pub enum Deviation {
    /// More than half stay longer than planned: 0.5 is below the interval of `stays_longer`.
    StaysLonger,
    /// Fewer than half stay as long as planned, where a long stay is good.
    StaysShorter,
    /// Fewer come to the next stage than planned: that is above the interval of `goes_on`.
    FewerGoOn,
    /// More skip stages than go on to the next: the interval of that way lies above the other's; so with the other ways.
    MoreSkip,
    /// More go back than on.
    MoreGoBack,
    /// More are lost than go on.
    MoreAreLost,
    /// More leave the journey than go on.
    MoreLeave,
    /// Something is out of line, and no pain point is planned for.
    UnplannedPain,
}

impl PlannedWay {
    fn of(journey: &Journey, source: usize, target: Option<usize>) -> Self {
        let Some(target) = target else { return PlannedWay::Left };
        let is_lost = |place: usize| journey.stages.get(place).is_some_and(|stage| stage.drop_out);
        let unseen = |place: usize| journey.stages.get(place).is_some_and(|stage| stage.no_data.is_some());
        let between = (source + 1..target).any(|place| !is_lost(place) && !unseen(place));
        match () {
            () if is_lost(target) => PlannedWay::Lost,
            () if target < source || is_lost(source) => PlannedWay::Back,
            () if between => PlannedWay::Skipped,
            () => PlannedWay::On,
        }
    }

    fn instead(self) -> Option<Deviation> {
        match self {
            PlannedWay::On => None,
            PlannedWay::Skipped => Some(Deviation::MoreSkip),
            PlannedWay::Back => Some(Deviation::MoreGoBack),
            PlannedWay::Lost => Some(Deviation::MoreAreLost),
            PlannedWay::Left => Some(Deviation::MoreLeave),
        }
    }
}

impl JourneyMap {
    /// What was planned for a journey, beside what this map counted of it.
    ///
    /// # Errors
    /// [`MapError`] with code `other_map` when it is a map of another journey, and with `wrong_value` when something is planned for a segment
    /// and the map is not split by segment.
    pub(crate) fn plan(&self, journey: &Journey, playbook: &Playbook, k: u64) -> Result<PlanReport, MapError> {
        super::threshold(k)?;
        let spec = self.spec();
        let same = journey.stages.len() == spec.stages.len()
            && journey.stages.iter().zip(&spec.stages).all(|(own, counted)| own.name.text == counted.name);
        if !same {
            return Err(MapError::new("other_map", "", "the map is of another journey or of another version of it"));
        }
        if spec.options.split != super::Split::Segments && journey.plan.iter().any(|plan| plan.segment.is_some()) {
            let message = "something is planned for a segment; make the map with groups by segment";
            return Err(MapError::new("wrong_value", "split", message));
        }
        let mut report = PlanReport {
            playbook: spec.playbook.clone(),
            journey: journey.name.text.clone(),
            title: spec.title.clone().unwrap_or_else(|| in_words(&journey.name.text)),
            at: spec.options.at,
            since: spec.options.since,
            k,
            segments: Vec::new(),
            stages: Vec::new(),
            cells: Vec::new(),
        };
        let stages = spec.stages.iter().map(|stage| PlanStage {
            stage: stage.name.clone(),
            title: stage.title.clone().unwrap_or_else(|| in_words(&stage.name)),
            drop_out: stage.drop_out,
            no_data: stage.no_data.clone(),
        });
        report.stages = stages.collect();
        let nobody = Tally::default();
        for plan in &journey.plan {
            let segment = plan.segment.as_ref().map(|segment| segment.text.clone());
            let declared = segment.as_ref().and_then(|name| playbook.segments.iter().find(|own| own.name.text == *name));
            // A segment in which nobody is has been walked by nobody.
            let walked = self.report(segment.as_deref(), k).ok();
            let tally = self.tally(segment.as_deref()).unwrap_or(&nobody);
            report.segments.push(PlanSegment {
                title: match (&segment, declared.and_then(|own| own.title.clone())) {
                    (_, Some(title)) => title,
                    (Some(name), None) => in_words(name),
                    (None, None) => Arc::from("Everyone"),
                },
                customers: walked.as_ref().map_or(Some(0), |walked| walked.customers),
                segment: segment.clone(),
            });
            for (stage, cell) in &plan.cells {
                let Some(place) = journey.stages.iter().position(|own| own.name.text == stage.text) else { continue };
                report.cells.push(PlanCell::of(journey, place, segment.clone(), cell, walked.as_ref(), tally, k));
            }
        }
        Ok(report)
    }
}

impl PlanCell {
    fn of(
        journey: &Journey,
        place: usize,
        segment: Option<Arc<str>>,
        cell: &Cell,
        walked: Option<&MapReport>,
        tally: &Tally,
        k: u64,
    ) -> Self {
        let declared = journey.stages.get(place);
        let stage = declared.map_or_else(|| Arc::from("?"), |stage| stage.name.text.clone());
        let place_of = |name: &Arc<str>| journey.stages.iter().position(|own| own.name.text == *name);
        let report = walked.and_then(|walked| walked.stages.get(place));
        let exits = report.and_then(|report| report.exits);
        let mut counts: BTreeMap<PlannedWay, u64> = BTreeMap::new();
        for flow in walked.iter().flat_map(|walked| &walked.flows).filter(|flow| flow.from.as_ref() == Some(&stage)) {
            let way = PlannedWay::of(journey, place, flow.to.as_ref().and_then(place_of));
            *counts.entry(way).or_default() += flow.count;
        }
        let share_of = |count: u64| exits.and_then(|exits| Share::of(count, exits));
        let ways = counts.iter().map(|(way, count)| {
            let share = share_of(*count);
            WayReport { way: *way, count: *count, share: share.map(Share::value), interval: share.map(Share::interval) }
        });
        let found: Vec<PainPoint> =
            walked.iter().flat_map(|walked| &walked.pain_points).filter(|pain| pain.stage == stage).cloned().collect();
        // Nobody is seen to come where nothing can be observed.
        let next = journey.stages.iter().skip(place + 1).find(|stage| !stage.drop_out && stage.no_data.is_none());
        let next = next.map(|stage| stage.name.text.clone());
        let lost = declared.is_some_and(|stage| stage.drop_out);
        let conversion = walked.iter().flat_map(|walked| &walked.conversions);
        let conversion = conversion.filter(|way| way.from == stage && !lost).find(|way| Some(&way.to) == next.as_ref());
        let goes_on = conversion.map(|way| PlanShare { share: way.share, interval: way.interval });
        let number = u16::try_from(place).unwrap_or(u16::MAX);
        let longer = cell.stay.filter(|_| exits.is_some()).and_then(|stay| Longer::of(tally, number, stay));

        let mut deviations = Vec::new();
        let long_stay_good = declared.is_some_and(|stage| stage.long_stay_good);
        match longer {
            Some(longer) if !long_stay_good && longer.share.interval.0 > 0.5 => deviations.push(Deviation::StaysLonger),
            Some(longer) if long_stay_good && longer.share.interval.1 < 0.5 => deviations.push(Deviation::StaysShorter),
            _ => {}
        }
        if goes_on.zip(cell.goes_on).is_some_and(|(walked, planned)| walked.interval.1 < planned) {
            deviations.push(Deviation::FewerGoOn);
        }
        // Where nothing comes next, nobody can go on.
        if next.is_some() && !lost {
            let mut on = counts.get(&PlannedWay::On).copied().unwrap_or(0);
            if on == 0 {
                // What is too rare to be told is compared all the same, so that nobody is said to do otherwise than they did.
                let target = next.as_ref().and_then(place_of).and_then(|place| u16::try_from(place).ok());
                on = target.map_or(0, |target| tally.moved(number, Some(target)).count);
            }
            let above = |count: u64| {
                let (way, on) = (share_of(count), share_of(on));
                way.zip(on).is_some_and(|(way, on)| way.interval().0 > on.interval().1)
            };
            let instead = counts.iter().filter(|(_, count)| above(**count)).filter_map(|(way, _)| way.instead());
            deviations.extend(instead);
        }
        let unplanned = cell.pain_point.is_none() && !found.is_empty();
        if unplanned {
            deviations.push(Deviation::UnplannedPain);
        }
        PlanCell {
            segment,
            goal: cell.goal.clone().or_else(|| declared.and_then(|stage| stage.goal.clone())),
            pain_point: cell.pain_point.clone(),
            selling_point: cell.selling_point.clone(),
            wording: cell.wording.clone(),
            planned_stay_seconds: cell.stay.map(seconds),
            planned_goes_on: cell.goes_on,
            entries: report.and_then(|report| report.entries),
            exits,
            median_seconds: report.and_then(|report| report.time.as_ref()).and_then(|time| time.median_seconds),
            stays_longer: longer.filter(|longer| longer.may_be_told(k)).map(|longer| longer.share),
            goes_on,
            ways: ways.collect(),
            found,
            unplanned,
            deviations,
            stage,
        }
    }
}

fn seconds(length: Duration) -> f64 {
    length.micros() as f64 / 1e6
}

/// How many stay longer than planned.
#[derive(Debug, Clone, Copy)]
struct Longer {
    share: PlanShare,
    /// About how many stays it is.
    stays: f64,
}

impl Longer {
    fn of(tally: &Tally, stage: u16, stay: Duration) -> Option<Self> {
        let lasting = tally.stages.get(&stage).map(|counted| counted.lasting.clone()).unwrap_or_default();
        let (share, stays) = Times::longer(&tally.ended(stage), &lasting, seconds(stay))?;
        Some(Longer { share: PlanShare { share, interval: super::proportion::wilson(share, stays) }, stays })
    }

    /// Whether both parts are about enough stays, or nobody's.
    fn may_be_told(self, k: u64) -> bool {
        let enough = |part: f64| part * self.stays < 0.5 || part * self.stays > k as f64 - 0.5;
        enough(self.share.share) && enough(1.0 - self.share.share)
    }
}
