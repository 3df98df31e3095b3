use super::forecast::{Basis, Forecast};
use super::steps::{OTHER, OUT, Point, Track};
use crate::value::{Duration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

/// What comes next for a customer in one journey, or in one instance of it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "next_in_journey")]
pub struct Next {
    /// The journey; null for a playbook without journeys.
    pub journey: Option<Arc<str>>,
    /// The key of the instance; null for a journey without a key.
    pub instance: Option<Arc<str>>,
    /// The stage in which they are; null outside of the journey.
    pub stage: Option<Arc<str>>,
    /// The next event; null when that is unknown: nothing has happened yet, or too few of the population say so.
    pub event: Option<Outlook>,
    /// The next stage; `none` is leaving the journey.
    pub next_stage: Option<Outlook>,
    /// The next segment that is entered or left.
    pub change: Option<Outlook>,
}

/// What comes next in one sequence, and when.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "next_outlook")]
pub struct Outlook {
    /// The last steps that are looked at, the latest first; at most three.
    pub after: Vec<String>,
    /// When the last step was.
    pub since: Timestamp,
    /// How many steps back the narrowest context looks that enough of the population were in: from 0 to 3.
    pub order: u8,
    /// How often the population was in that context.
    pub steps: u64,
    /// With what probability nothing comes within the times that were asked for, in their order.
    pub nothing: Vec<f64>,
    /// In how many seconds half of those have a next step who have one; null when none have.
    pub median_seconds: Option<f64>,
    /// The likeliest first.
    pub likely: Vec<Likely>,
    /// With what probability something comes next, as far ahead as was ever seen, that is not told: too rare, or beyond `top`.
    pub rest: f64,
}

/// Something that may come next.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "next_likely")]
pub struct Likely {
    /// The event type, the stage, or `entered` or `left` and the segment.
    pub what: String,
    /// With what probability it is the next, as far ahead as was ever seen.
    pub probability: f64,
    /// With what probability it is the next and comes within the times that were asked for, in their order.
    pub within: Vec<f64>,
    /// In how many seconds half of those have it who have it next.
    pub median_seconds: Option<f64>,
}

/// What an answer about what comes next tells.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told<'a> {
    pub(crate) within: &'a [Duration],
    pub(crate) top: usize,
    pub(crate) now: Timestamp,
}

impl Forecast {
    /// What comes next for somebody who stands so in a sequence.
    pub(crate) fn outlook(&self, journey: u16, track: Track, point: &Point, told: Told<'_>) -> Option<Outlook> {
        let (curve, Basis { order, steps }) = self.curve(journey, track, point)?;
        let waited = told.now.micros().saturating_sub(point.since.micros());
        let mut times: Vec<i64> = told.within.iter().map(|length| length.micros()).collect();
        times.push(i64::MAX);
        let chances = curve.chances(waited, &times);
        let seconds = |what: Option<u32>| curve.median(what, waited).map(|micros| micros as f64 / 1e6);
        let mut all: Vec<(u32, f64, Vec<f64>)> = Vec::new();
        let mut rest = 0.0;
        for (what, mut within) in chances.of {
            let ever = within.pop().unwrap_or(0.0);
            match what {
                OTHER => rest += ever,
                what => all.push((what, ever, within)),
            }
        }
        all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        rest += all.iter().skip(told.top).map(|(_, ever, _)| ever).sum::<f64>();
        let likely = all.into_iter().take(told.top).map(|(what, probability, within)| Likely {
            what: self.shown(journey, track, what),
            probability,
            within,
            median_seconds: seconds(Some(what)),
        });
        let likely: Vec<Likely> = likely.collect();
        let mut nothing = chances.none;
        nothing.pop();
        let after = point.steps().map(|what| self.shown(journey, track, what)).collect();
        Some(Outlook { after, since: point.since, order, steps, nothing, median_seconds: seconds(None), likely, rest })
    }

    fn shown(&self, journey: u16, track: Track, what: u32) -> String {
        match (track, what) {
            (Track::Stage, OUT) => "none".to_owned(),
            _ => self.name(journey, track, what).unwrap_or_default(),
        }
    }
}
