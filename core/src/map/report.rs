use super::pain::{PainPoint, pains};
use super::proportion::Share;
use super::spec::MapError;
use super::tally::{Count, JourneyMap, StageTally, Tally};
use super::times::Times;
use super::withheld::{Cell, Withheld};
use crate::value::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What may be told of a journey map, of everyone or of one group: no number is about fewer than `k` customers. What would be is null,
/// or left out of its list.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "journey_map")]
pub struct MapReport {
    /// The playbook.
    pub playbook: Arc<str>,
    /// The journey.
    pub journey: Arc<str>,
    /// For people.
    pub title: Arc<str>,
    /// The group; null for everyone.
    pub group: Option<Arc<str>>,
    /// Where customers stand, they stand at this instant.
    pub at: Timestamp,
    /// Only stays that began then or later; null for all.
    pub since: Option<Timestamp>,
    /// About how many customers a number is at least.
    pub k: u64,
    /// Customers who were counted.
    pub customers: Option<u64>,
    /// Of these, customers who are nowhere in the journey at the instant.
    pub outside: Option<u64>,
    /// In the order of the playbook.
    pub stages: Vec<StageReport>,
    /// From where to where customers went, in the order of the stages.
    pub flows: Vec<FlowReport>,
    /// How often customers went ways that are left out; null when it does not follow from the stages' exits.
    pub other_moves: Option<u64>,
    /// Who came to a stage and later to another, whatever lay between.
    pub conversions: Vec<ConversionReport>,
    /// What is out of line, the most customers first.
    pub pain_points: Vec<PainPoint>,
}

/// A stage.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "map_stage")]
pub struct StageReport {
    /// The stage.
    pub stage: Arc<str>,
    /// For people.
    pub title: Arc<str>,
    /// What it is for.
    pub goal: Option<Arc<str>>,
    /// Whether customers here count as lost.
    pub drop_out: bool,
    /// Why nothing is known of it.
    pub no_data: Option<Arc<str>>,
    /// Stays that last at the instant.
    pub here: Option<u64>,
    /// Stays that began in the period.
    pub entries: Option<u64>,
    /// How many customers came in.
    pub entered_by: Option<u64>,
    /// Of the entries, those of customers who had been here before.
    pub returns: Option<u64>,
    /// Of the entries, those that have ended.
    pub exits: Option<u64>,
    /// Of the exits, those into a stage that counts as lost.
    pub drop_outs: Option<u64>,
    /// Of the exits, those out of the journey.
    pub left: Option<u64>,
    /// The share of drop-outs among the exits.
    pub drop_out_rate: Option<f64>,
    /// Its 95 % interval, by Wilson.
    pub drop_out_interval: Option<(f64, f64)>,
    /// How long customers stay.
    pub time: Option<TimeReport>,
    /// Where they met the brand meanwhile, the most frequent first.
    pub touchpoints: Vec<TouchReport>,
    /// On which channels, the most frequent first.
    pub channels: Vec<CountReport>,
    /// What came of offers meanwhile, by outcome.
    pub outcomes: Vec<CountReport>,
    /// Net promoter score: the share of 9 and 10 less that of 0 to 6, from -1 to 1 (Reichheld 2003).
    pub nps: Option<ScoreReport>,
    /// The share of satisfied customers, who answer 4 or 5 of 5.
    pub csat: Option<ScoreReport>,
    /// Complaints.
    pub complaints: Option<u64>,
}

/// How long customers stay in a stage, in seconds. Quantiles are at most 1.6 % off; stays that still last count as long as they were
/// seen (Kaplan and Meier 1958), so a quantile is null when it is not known yet.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "map_time")]
pub struct TimeReport {
    /// Stays that ended.
    pub ended: Option<u64>,
    /// Stays that last.
    pub lasting: Option<u64>,
    /// The mean of those that ended; exact.
    pub mean_seconds: f64,
    /// A quarter has ended by then.
    pub quarter_seconds: Option<f64>,
    /// Half.
    pub median_seconds: Option<f64>,
    /// Three quarters.
    pub three_quarters_seconds: Option<f64>,
    /// Nine tenths.
    pub nine_tenths_seconds: Option<f64>,
}

/// A touchpoint in a stage.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "map_touchpoint")]
pub struct TouchReport {
    /// The event type.
    pub event: Arc<str>,
    /// The channel, if there is one.
    pub channel: Option<Arc<str>>,
    /// How often.
    pub count: u64,
    /// Of how many customers.
    pub customers: u64,
}

/// How often something happened.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "map_count")]
pub struct CountReport {
    /// What.
    pub name: Arc<str>,
    /// How often.
    pub count: u64,
    /// Of how many customers.
    pub customers: u64,
}

/// A score that customers gave.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "map_score")]
pub struct ScoreReport {
    /// How many answers.
    pub answers: u64,
    /// The score.
    pub score: f64,
    /// Its 95 % interval: for the net promoter score of a difference of shares, for satisfaction by Wilson.
    pub interval: (f64, f64),
    /// How often each answer was given, from the lowest on; null when by fewer than `k` customers.
    pub counts: Vec<Option<u64>>,
}

/// A way from a stage to another.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "map_flow")]
pub struct FlowReport {
    /// From which stage; null from outside.
    pub from: Option<Arc<str>>,
    /// To which stage; null out of the journey.
    pub to: Option<Arc<str>>,
    /// How often.
    pub count: u64,
    /// Of how many customers.
    pub customers: u64,
    /// The share of those who left the stage; of entries from outside the share of them all. Null when the whole is not told.
    pub share: Option<f64>,
    /// The median time in the stage before, in seconds, at most 1.6 % off; null from outside.
    pub median_seconds: Option<f64>,
}

/// Who came to a stage and later to another.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "map_conversion")]
pub struct ConversionReport {
    /// The first stage.
    pub from: Arc<str>,
    /// The later.
    pub to: Arc<str>,
    /// How many customers.
    pub customers: u64,
    /// Their share of those who came to the first.
    pub share: f64,
    /// Its 95 % interval, by Wilson.
    pub interval: (f64, f64),
}

impl JourneyMap {
    /// What may be told of everyone, or of a group: numbers about at least `k` customers.
    ///
    /// # Errors
    /// [`MapError`] with code `unknown_group`, or `wrong_value` for a `k` that is not from 1 to 1,000,000.
    pub fn report(&self, group: Option<&str>, k: u64) -> Result<MapReport, MapError> {
        super::threshold(k)?;
        let (spec, tally) = (self.spec(), self.tally(group)?);
        let name = |stage: u16| spec.stages.get(usize::from(stage)).map_or_else(|| Arc::from("?"), |stage| stage.name.clone());
        let none = StageTally::default();
        let withheld = Withheld::of(spec, tally, k);
        let stages = (0_u16..).zip(&spec.stages).map(|(number, declared)| {
            let counted = tally.stages.get(&number).unwrap_or(&none);
            let (drop_outs, left) = (tally.drop_outs(number, spec), tally.moved(number, None));
            let exits = withheld.told(Cell::Exits(number), counted.exits.count);
            let told_drops = withheld.told(Cell::DropOuts(number), drop_outs.count).filter(|_| exits.is_some());
            let rate = Share::of(drop_outs.count, counted.exits.count).filter(|_| told_drops.is_some() && !declared.drop_out);
            let lasting = withheld.tells(Cell::Lasting(number));
            StageReport {
                stage: declared.name.clone(),
                title: declared.title.clone().unwrap_or_else(|| in_words(&declared.name)),
                goal: declared.goal.clone(),
                drop_out: declared.drop_out,
                no_data: declared.no_data.clone(),
                here: withheld.told(Cell::Here(number), counted.here.count),
                entries: withheld.told(Cell::Entries(number), counted.entries.count),
                entered_by: Some(counted.entries.customers).filter(|_| withheld.tells_entered(tally, number, k)),
                returns: withheld.told(Cell::Returns(number), counted.returns.count),
                exits,
                drop_outs: told_drops,
                left: withheld.told(Cell::Flow(Some(number), None), left.count),
                drop_out_rate: rate.map(Share::value),
                drop_out_interval: rate.map(Share::interval),
                time: time(tally, number, counted, exits, lasting, k),
                touchpoints: touchpoints(counted, k),
                channels: channels(counted, k),
                outcomes: counts(&counted.outcomes, k),
                nps: nps(&counted.nps, k),
                csat: csat(&counted.csat, k),
                complaints: told(counted.complaints.count, counted.complaints.customers, k),
            }
        });
        let whole_told = |from: Option<u16>| withheld.tells(from.map_or(Cell::Began, Cell::Exits));
        let tells = |(from, to): (Option<u16>, Option<u16>)| withheld.tells(Cell::Flow(from, to));
        let hidden = || tally.moves.iter().filter(|(way, _)| !tells(**way));
        let other: u64 = hidden().map(|(_, way)| way.moves.count).sum();
        // It is no more than what follows from the whole of each stage.
        let other_told = other >= k.max(1) && hidden().all(|((from, _), _)| whole_told(*from));
        let flows = tally.moves.iter().filter(|(way, _)| tells(**way)).map(|((from, to), way)| {
            let whole: u64 = tally.moves.iter().filter(|((own, _), _)| own == from).map(|(_, way)| way.moves.count).sum();
            FlowReport {
                from: from.map(name),
                to: to.map(name),
                count: way.moves.count,
                customers: way.moves.customers,
                share: Some(way.moves.count as f64 / whole.max(1) as f64).filter(|_| whole_told(*from)),
                median_seconds: from.and_then(|_| Times::quantile(&way.times, &Times::default(), 0.5)),
            }
        });
        let conversions = tally.reached.iter().filter(|(pair, _)| withheld.tells_conversion(tally, **pair, k)).filter_map(
            |((from, to), reached)| {
                let whole = tally.stages.get(from)?.entries.customers;
                let share = Share::of(reached.customers, whole)?;
                Some(ConversionReport {
                    from: name(*from),
                    to: name(*to),
                    customers: reached.customers,
                    share: share.value(),
                    interval: share.interval(),
                })
            },
        );
        let period = group.and_then(|group| spec.periods().find(|period| *period.name == *group));
        Ok(MapReport {
            playbook: spec.playbook.clone(),
            journey: Arc::from(spec.options.journey.as_str()),
            title: spec.title.clone().unwrap_or_else(|| in_words(&spec.options.journey)),
            group: group.map(Arc::from),
            at: period.as_ref().map_or(spec.options.at, |period| period.at),
            since: period.as_ref().map_or(spec.options.since, |period| Some(period.since)),
            k,
            customers: withheld.told(Cell::Customers, tally.customers),
            outside: withheld.told(Cell::Outside, tally.outside),
            stages: stages.collect(),
            flows: flows.collect(),
            other_moves: other_told.then_some(other),
            conversions: conversions.collect(),
            pain_points: pains(spec, tally, &withheld, k),
        })
    }
}

/// A name as people write it.
pub(super) fn in_words(name: &str) -> Arc<str> {
    let words = name.replace('_', " ");
    let mut signs = words.chars();
    signs.next().map_or_else(|| Arc::from(""), |first| Arc::from(first.to_uppercase().chain(signs).collect::<String>()))
}

/// A number, unless it is about too few.
fn told(count: u64, customers: u64, k: u64) -> Option<u64> {
    (count == 0 || customers >= k).then_some(count)
}

impl Tally {
    /// How often customers went from a stage to another, or out of the journey.
    pub(super) fn moved(&self, from: u16, to: Option<u16>) -> Count {
        self.moves.get(&(Some(from), to)).map_or_else(Count::default, |way| way.moves)
    }

    /// How often customers went from a stage to one that counts as lost. Customers who went to several count once at least.
    pub(super) fn drop_outs(&self, from: u16, spec: &super::spec::MapSpec) -> Count {
        let lost = (0_u16..).zip(&spec.stages).filter(|(_, stage)| stage.drop_out);
        lost.fold(Count::default(), |sum, (number, _)| {
            let moved = self.moved(from, Some(number));
            Count { count: sum.count + moved.count, customers: sum.customers.max(moved.customers) }
        })
    }

    /// How long the stays in a stage lasted that ended.
    pub(super) fn ended(&self, stage: u16) -> Times {
        let mut all = Times::default();
        for ((from, _), way) in &self.moves {
            if *from == Some(stage) {
                all.merge(&way.times);
            }
        }
        all
    }
}

fn time(tally: &Tally, stage: u16, counted: &StageTally, exits: Option<u64>, told: bool, k: u64) -> Option<TimeReport> {
    let ended = tally.ended(stage);
    let mean_seconds = ended.mean().filter(|_| counted.exits.customers >= k)?;
    let quantile = |part: f64| Times::quantile(&ended, &counted.lasting, part);
    Some(TimeReport {
        ended: exits,
        lasting: told.then(|| counted.lasting.count()),
        mean_seconds,
        quarter_seconds: quantile(0.25),
        median_seconds: quantile(0.5),
        three_quarters_seconds: quantile(0.75),
        nine_tenths_seconds: quantile(0.9),
    })
}

fn touchpoints(counted: &StageTally, k: u64) -> Vec<TouchReport> {
    let mut touches: Vec<TouchReport> = counted
        .touches
        .iter()
        .filter(|(_, touch)| touch.events.customers >= k)
        .map(|(touch, tally)| TouchReport {
            event: touch.event.clone(),
            channel: touch.channel.clone(),
            count: tally.events.count,
            customers: tally.events.customers,
        })
        .collect();
    touches.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| (&a.event, &a.channel).cmp(&(&b.event, &b.channel))));
    touches
}

/// By channel; of the touchpoints that may be told, so that nothing of the others follows from the difference.
fn channels(counted: &StageTally, k: u64) -> Vec<CountReport> {
    let mut channels: BTreeMap<Arc<str>, Count> = BTreeMap::new();
    for (touch, tally) in counted.touches.iter().filter(|(_, touch)| touch.events.customers >= k) {
        if let Some(channel) = &touch.channel {
            let own = channels.entry(channel.clone()).or_default();
            own.count += tally.events.count;
            // A customer may have met the brand in several ways: at least so many.
            own.customers = own.customers.max(tally.events.customers);
        }
    }
    counts(&channels, k)
}

fn counts(counted: &BTreeMap<Arc<str>, Count>, k: u64) -> Vec<CountReport> {
    let mut counts: Vec<CountReport> = counted
        .iter()
        .filter(|(_, count)| count.customers >= k)
        .map(|(name, count)| CountReport { name: name.clone(), count: count.count, customers: count.customers })
        .collect();
    counts.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
    counts
}

fn answers(counted: &BTreeMap<u8, Count>, from: u8, to: u8, k: u64) -> (u64, u64, Vec<Option<u64>>) {
    let all = counted.values().map(|count| count.count).sum();
    // Whoever answered several times may stand in several answers: at least so many customers.
    let customers = counted.values().map(|count| count.customers).max().unwrap_or(0);
    let each = (from..=to).map(|answer| {
        let count = counted.get(&answer).copied().unwrap_or_default();
        told(count.count, count.customers, k)
    });
    (all, customers, each.collect())
}

fn between(counted: &BTreeMap<u8, Count>, from: u8, to: u8) -> u64 {
    counted.range(from..=to).map(|(_, count)| count.count).sum()
}

fn nps(counted: &BTreeMap<u8, Count>, k: u64) -> Option<ScoreReport> {
    let (answers, customers, counts) = answers(counted, 0, 10, k);
    if answers == 0 || customers < k {
        return None;
    }
    let n = answers as f64;
    let (promoters, detractors) = (between(counted, 9, 10) as f64 / n, between(counted, 0, 6) as f64 / n);
    let score = promoters - detractors;
    let error = libm::sqrt((promoters + detractors - score * score).max(0.0) / n) * 1.959_963_984_540_054;
    Some(ScoreReport { answers, score, interval: ((score - error).max(-1.0), (score + error).min(1.0)), counts })
}

fn csat(counted: &BTreeMap<u8, Count>, k: u64) -> Option<ScoreReport> {
    let (answers, customers, counts) = answers(counted, 1, 5, k);
    let share = Share::of(between(counted, 4, 5), answers).filter(|_| customers >= k)?;
    Some(ScoreReport { answers, score: share.value(), interval: share.interval(), counts })
}
