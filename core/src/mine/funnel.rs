use super::error::MineError;
use super::log::{Case, EventLog};
use super::spread::spread;
use crate::value::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::sync::Arc;

/// What it means that a stage comes after the one before it. Data with coarse times have many events at one instant, and the three
/// give different figures there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum OrderMode {
    /// At a later instant.
    StrictlyLater,
    /// At a later instant or at the same one, in whatever order the log tells them.
    SameTimeCounts,
    /// Later in the sequence of the log, which orders what has one instant.
    SequenceOrder,
}

/// Stages that cases go through one after the other.
///
/// Between two stages anything may happen. Each event serves for one stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Funnel {
    /// An activity each.
    stages: Vec<String>,
    order: OrderMode,
    window: Option<Duration>,
}

/// How far cases came.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "funnel")]
pub struct FunnelTable {
    /// What `after` means.
    pub order: OrderMode,
    /// Cases of the log.
    pub cases: u64,
    /// In their order.
    pub stages: Vec<FunnelStage>,
}

/// A stage of a funnel.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "funnel_stage")]
pub struct FunnelStage {
    /// The activity.
    pub activity: Arc<str>,
    /// How many cases came here.
    pub cases: u64,
    /// Their share of those in the first stage; null when that is nobody or left out.
    pub share: Option<f64>,
    /// Their share of those in the stage before; null for the first, or when that is nobody or left out.
    pub conversion: Option<f64>,
    /// The mean time since the stage before, in seconds; null for the first, or of nobody.
    pub mean_seconds: Option<f64>,
    /// The median; of an even number the lower of the two in the middle.
    pub median_seconds: Option<f64>,
}

/// The most stages of a funnel.
const MOST: usize = 64;

impl Funnel {
    /// A funnel of one to 64 stages, an activity each.
    ///
    /// # Errors
    /// [`MineError`] with code `bad_funnel` for none or too many.
    pub fn new<S: Into<String>>(stages: impl IntoIterator<Item = S>, order: OrderMode) -> Result<Self, MineError> {
        let stages: Vec<String> = stages.into_iter().take(MOST + 1).map(Into::into).collect();
        if stages.is_empty() || stages.len() > MOST {
            return Err(MineError::new("bad_funnel", "stages", "expected 1 to 64 stages"));
        }
        Ok(Funnel { stages, order, window: None })
    }

    /// Only conversions whose last stage comes at most so long after their first. Whoever begins several times has several tries.
    ///
    /// # Errors
    /// [`MineError`] with code `bad_funnel` for a negative window.
    pub fn within(mut self, window: Duration) -> Result<Self, MineError> {
        if window.nanos() < 0 {
            return Err(MineError::new("bad_funnel", "window", "expected a window of no negative length"));
        }
        self.window = Some(window);
        Ok(self)
    }
}

/// A way through the stages so far: when it began, and when it came to its last stage. Of several with the same stages the one
/// that began last is kept, because it has the most time left.
#[derive(Clone, Copy)]
struct Way {
    began: i64,
    last: i64,
}

impl EventLog {
    /// How many cases come through the stages of a funnel, how far, and how fast.
    ///
    /// # Errors
    /// [`MineError`] when a stage is an activity that the log does not have.
    pub fn funnel(&self, funnel: &Funnel) -> Result<FunnelTable, MineError> {
        let numbers = funnel.stages.iter().enumerate().map(|(place, name)| self.activity(name, &format!("stages[{place}]")));
        let numbers: Vec<u32> = numbers.collect::<Result<_, _>>()?;
        let mut concerns = vec![false; self.names.len()];
        numbers.iter().for_each(|number| concerns[*number as usize] = true);
        let window = funnel.window.map(Duration::micros);
        let mut walk = Walk { numbers: &numbers, concerns, window, order: funnel.order, ways: Vec::new(), counts: Vec::new() };
        let mut cases = vec![0_u64; numbers.len()];
        let mut lengths: Vec<Vec<i64>> = vec![Vec::new(); numbers.len()];
        for case in self.cases() {
            walk.case(case, &mut |stage, length| {
                cases[stage] += 1;
                lengths[stage].extend(length);
            });
        }
        let share = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
        let stages = (0..numbers.len()).map(|stage| {
            let spread = spread(&mut lengths[stage]);
            FunnelStage {
                activity: self.names.name(numbers[stage]),
                cases: cases[stage],
                share: share(cases[stage], cases[0]),
                conversion: stage.checked_sub(1).and_then(|before| share(cases[stage], cases[before])),
                mean_seconds: spread.map(|spread| spread.mean),
                median_seconds: spread.map(|spread| spread.median),
            }
        });
        Ok(FunnelTable { order: funnel.order, cases: self.len() as u64, stages: stages.collect() })
    }
}

/// The walk through one case after another.
struct Walk<'a> {
    numbers: &'a [u32],
    /// By activity, whether it is a stage.
    concerns: Vec<bool>,
    window: Option<i64>,
    order: OrderMode,
    /// The best way to each stage so far.
    ways: Vec<Option<Way>>,
    /// How often each stage's activity stands in a group of events; by stage.
    counts: Vec<u32>,
}

impl Walk<'_> {
    /// Tells each stage when it is reached first, and how long after the one before.
    fn case(&mut self, case: Case<'_>, reached: &mut dyn FnMut(usize, Option<i64>)) {
        self.ways.clear();
        self.ways.resize(self.numbers.len(), None);
        let mut furthest = 0;
        let mut place = 0;
        while let Some(time) = case.times.get(place) {
            let end = match self.order {
                OrderMode::SequenceOrder => place + 1,
                _ => place + case.times[place..].iter().take_while(|other| *other == time).count(),
            };
            let group = &case.activities[place..end];
            place = end;
            if !group.iter().any(|activity| self.concerns[*activity as usize]) {
                continue;
            }
            self.group(group, *time, &mut furthest, reached);
            if furthest == self.numbers.len() && self.window.is_none() {
                return;
            }
        }
    }

    /// Events that stand in no order among each other.
    fn group(&mut self, group: &[u32], time: i64, furthest: &mut usize, reached: &mut dyn FnMut(usize, Option<i64>)) {
        let before: SmallVec<[Option<Way>; 16]> = self.ways.iter().copied().collect();
        self.counts.clear();
        self.counts.extend(self.numbers.iter().map(|number| group.iter().filter(|own| *own == number).count() as u32));
        // From every stage reached before, and from the beginning, as far as the events of the group carry.
        for start in 0..self.numbers.len() {
            let Some(mut way) = (match start.checked_sub(1) {
                None => Some(Way { began: time, last: time }),
                Some(stage) => before[stage],
            }) else {
                continue;
            };
            if self.window.is_some_and(|window| time.saturating_sub(way.began) > window) {
                continue;
            }
            let steps = if self.order == OrderMode::SameTimeCounts { self.numbers.len() } else { start + 1 };
            for stage in start..steps {
                // Stages of one activity need an event each.
                let used = self.numbers[start..stage].iter().filter(|own| **own == self.numbers[stage]).count();
                if self.counts[stage] as usize <= used {
                    break;
                }
                if *furthest == stage {
                    reached(stage, stage.checked_sub(1).map(|_| time - way.last));
                    *furthest = stage + 1;
                }
                way.last = time;
                if self.ways[stage].is_none_or(|own| own.began < way.began || (own.began == way.began && own.last > way.last)) {
                    self.ways[stage] = Some(way);
                }
            }
        }
    }
}

impl FunnelTable {
    /// The same without stages that fewer than `k` cases came to, or from which those who came to the stage told before, or the cases
    /// of the log, differ by fewer than `k`: how many did not go on follows from two stages. No share is of a stage that is left out.
    #[must_use]
    pub fn at_least(mut self, k: u64) -> Self {
        let mut before = self.cases;
        let mut follows = true;
        let mut first_told = true;
        let mut kept = Vec::with_capacity(self.stages.len());
        for (place, mut stage) in self.stages.into_iter().enumerate() {
            let fewer = before.saturating_sub(stage.cases);
            if stage.cases < k || (1..k).contains(&fewer) {
                follows = false;
                first_told &= place > 0;
                continue;
            }
            if !follows {
                stage.conversion = None;
            }
            if !first_told {
                stage.share = None;
            }
            (before, follows) = (stage.cases, true);
            kept.push(stage);
        }
        self.stages = kept;
        self
    }
}
