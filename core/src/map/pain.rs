use super::proportion::{Share, Test, q_values};
use super::spec::MapSpec;
use super::tally::{StageTally, Tally, Touch};
use super::times::Times;
use super::withheld::{Cell, Withheld};
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

/// What is out of line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum PainKind {
    /// More customers drop out.
    DropOut,
    /// Customers stay long: more than half of the stays are longer than three quarters of the others.
    Time,
    /// More answers are bad: 0 to 6 of 10, or 1 to 2 of 5.
    Dissatisfaction,
    /// More stays have a complaint.
    Complaints,
}

/// A stage, or a touchpoint in it, that is out of line: a stage compared with all other stages of the journey, a touchpoint with the
/// stays in the same stage without it. A touchpoint goes together with what is out of line; whether it is its cause the numbers do not say,
/// and long stays meet more touchpoints.
///
/// The statistic is the score test of two shares; its p-values are corrected for the number of comparisons made in the map (Benjamini
/// and Hochberg 1995), and only what is false in at most 5 % of such findings is told, when it is also a quarter worse (time: twice).
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "pain_point")]
pub struct PainPoint {
    /// What is out of line.
    pub kind: PainKind,
    /// The stage.
    pub stage: Arc<str>,
    /// The event type of a touchpoint; null for the stage as a whole.
    pub event: Option<Arc<str>>,
    /// Its channel.
    pub channel: Option<Arc<str>>,
    /// The share here: of stays that ended in a drop-out, of stays that are longer than three quarters of the others, of bad answers, of stays with a
    /// complaint.
    pub share: f64,
    /// The share among what it is compared with.
    pub otherwise: f64,
    /// The one less the other.
    pub difference: f64,
    /// The 95 % interval of the difference (Newcombe 1998).
    pub interval: (f64, f64),
    /// The statistic: how many standard errors the difference is away from none.
    pub z: f64,
    /// How likely a difference like this is by chance alone, two-sided.
    pub p: f64,
    /// The same, corrected for the number of comparisons.
    pub q: f64,
    /// Of how many stays or answers.
    pub of: u64,
    /// How many of them there are more than there would be otherwise.
    pub excess: f64,
    /// The median time here and among the others, in seconds; null for other kinds.
    pub median_seconds: Option<(f64, f64)>,
}

/// The q-value up to which a finding is told.
const Q: f64 = 0.05;
/// How much worse it has to be. Stages take different times by their nature, so that more is asked there.
fn worse(kind: PainKind) -> f64 {
    if kind == PainKind::Time { 2.0 } else { 1.25 }
}

/// Of how many stays or answers at least, whatever `k` is: below it the test is not to be trusted.
const LEAST: u64 = 30;

struct Candidate<'a> {
    kind: PainKind,
    stage: u16,
    touch: Option<&'a Touch>,
    here: Share,
    others: Share,
    medians: Option<(f64, f64)>,
}

pub(super) fn pains(spec: &MapSpec, tally: &Tally, withheld: &Withheld, k: u64) -> Vec<PainPoint> {
    let mut candidates = Vec::new();
    for (number, counted) in &tally.stages {
        if spec.stages.get(usize::from(*number)).is_some_and(|stage| !stage.drop_out) {
            of_stage(spec, tally, *number, counted, (withheld, k), &mut candidates);
            if withheld.tells(Cell::Exits(*number)) && withheld.tells(Cell::DropOuts(*number)) {
                of_touches(spec, tally, *number, counted, k, &mut candidates);
            }
        }
    }
    let tests: Vec<Test> = candidates.iter().map(|candidate| candidate.here.less(candidate.others)).collect();
    let q_values = q_values(&tests.iter().map(|test| test.p).collect::<Vec<_>>());
    let mut found: Vec<PainPoint> = Vec::new();
    for ((candidate, test), q) in candidates.iter().zip(tests).zip(q_values) {
        let (share, otherwise) = (candidate.here.value(), candidate.others.value());
        if q > Q || test.difference <= 0.0 || share < otherwise * worse(candidate.kind) {
            continue;
        }
        found.push(PainPoint {
            kind: candidate.kind,
            stage: spec.stages.get(usize::from(candidate.stage)).map_or_else(|| Arc::from("?"), |stage| stage.name.clone()),
            event: candidate.touch.map(|touch| touch.event.clone()),
            channel: candidate.touch.and_then(|touch| touch.channel.clone()),
            share,
            otherwise,
            difference: test.difference,
            interval: (test.low, test.high),
            z: test.z,
            p: test.p,
            q,
            of: candidate.here.whole,
            excess: test.difference * candidate.here.whole as f64,
            median_seconds: candidate.medians,
        });
    }
    found.sort_by(|a, b| {
        b.excess
            .total_cmp(&a.excess)
            .then_with(|| (a.kind, &a.stage, &a.event, &a.channel).cmp(&(b.kind, &b.stage, &b.event, &b.channel)))
    });
    found
}

/// Bad answers, and all.
fn opinions(counted: &StageTally) -> (u64, u64) {
    let sum = |answers: &std::collections::BTreeMap<u8, super::tally::Count>, to: u8| {
        answers.range(..=to).map(|(_, count)| count.count).sum::<u64>()
    };
    (sum(&counted.nps, 6) + sum(&counted.csat, 2), sum(&counted.nps, 10) + sum(&counted.csat, 5))
}

fn of_stage<'a>(
    spec: &MapSpec,
    tally: &Tally,
    stage: u16,
    counted: &StageTally,
    (withheld, k): (&Withheld, u64),
    candidates: &mut Vec<Candidate<'a>>,
) {
    // A share is about few when its part is.
    let few = |part: u64| (1..k).contains(&part);
    let others = || {
        tally.stages.iter().filter(|(number, _)| {
            **number != stage && spec.stages.get(usize::from(**number)).is_some_and(|stage| !stage.drop_out)
        })
    };
    let mut add = |kind, here: (u64, u64), others: (u64, u64), customers: u64, medians| {
        if let (Some(here), Some(others)) = (Share::of(here.0, here.1), Share::of(others.0, others.1))
            && here.whole >= LEAST
            && others.whole >= LEAST
            && customers >= k
            && !few(here.part)
            && !few(others.part)
        {
            candidates.push(Candidate { kind, stage, touch: None, here, others, medians });
        }
    };
    let exits = counted.exits;
    let dropped = tally.drop_outs(stage, spec).count;
    // Only what is told is compared, so that nothing else follows from the shares.
    let tells = |stage: u16| withheld.tells(Cell::DropOuts(stage)) && withheld.tells(Cell::Entries(stage));
    let comparable = || others().filter(|(number, _)| tells(**number));
    let stays: u64 = comparable().map(|(_, other)| other.entries.count).sum();
    let other_dropped: u64 = comparable().map(|(number, _)| tally.drop_outs(*number, spec).count).sum();
    if tells(stage) {
        add(PainKind::DropOut, (dropped, counted.entries.count), (other_dropped, stays), exits.customers, None);
    }
    let here = tally.ended(stage);
    let mut elsewhere = Times::default();
    // Where a long stay is good it neither hurts nor is it what others are compared with.
    let is_good = |stage: u16| spec.stages.get(usize::from(stage)).is_some_and(|stage| stage.long_stay_good);
    others().filter(|(number, _)| !is_good(**number)).for_each(|(number, _)| elsewhere.merge(&tally.ended(*number)));
    if let Some(compared) = longer(&here, &elsewhere).filter(|_| !is_good(stage) && withheld.tells(Cell::Exits(stage))) {
        add(PainKind::Time, compared.here, compared.others, exits.customers, Some(compared.medians));
    }
    let (bad, all) = opinions(counted);
    let other = others().map(|(_, other)| opinions(other)).fold((0, 0), |sum, other| (sum.0 + other.0, sum.1 + other.1));
    let answered = counted.nps.values().chain(counted.csat.values()).map(|count| count.customers).max().unwrap_or(0);
    add(PainKind::Dissatisfaction, (bad, all), other, answered, None);
    let other_complained: u64 = others().map(|(_, other)| other.complained.count).sum();
    let other_entries: u64 = others().map(|(_, other)| other.entries.count).sum();
    let (complained, entries) = (counted.complained, counted.entries);
    if withheld.tells(Cell::Entries(stage)) && (complained.count == 0 || complained.customers >= k) {
        let whole = (complained.count, entries.count);
        add(PainKind::Complaints, whole, (other_complained, other_entries), entries.customers, None);
    }
}

/// Touchpoints with which more drop out than without them, in the same stage.
fn of_touches<'a>(
    spec: &MapSpec,
    tally: &'a Tally,
    stage: u16,
    counted: &'a StageTally,
    k: u64,
    candidates: &mut Vec<Candidate<'a>>,
) {
    let dropped = tally.drop_outs(stage, spec).count;
    for (touch, with) in counted.touches.iter().filter(|(_, with)| with.events.customers >= k && with.ended >= LEAST) {
        let without = counted.exits.count.saturating_sub(with.ended);
        if without < LEAST {
            continue;
        }
        let here = Share::of(with.dropped, with.ended);
        let others = Share::of(dropped.saturating_sub(with.dropped), without);
        let few = |share: Share| (1..k).contains(&share.part);
        if let (Some(here), Some(others)) = (here, others)
            && !few(here)
            && !few(others)
        {
            candidates.push(Candidate { kind: PainKind::DropOut, stage, touch: Some(touch), here, others, medians: None });
        }
    }
}

struct Longer {
    here: (u64, u64),
    others: (u64, u64),
    medians: (f64, f64),
}

/// How many stays are longer than three quarters of the others, here and there: the control quantile test, after Mood (1950).
fn longer(here: &Times, others: &Times) -> Option<Longer> {
    let nobody = Times::default();
    let long = Times::quantile(others, &nobody, 0.75)?;
    let medians = (Times::quantile(here, &nobody, 0.5)?, Times::quantile(others, &nobody, 0.5)?);
    Some(Longer { here: (here.longer_than(long), here.count()), others: (others.longer_than(long), others.count()), medians })
}

/// Whether two populations stay differently long: how many of each are longer than the median of both.
pub(super) fn longer_than_both(a: &Times, b: &Times) -> Option<(Share, Share, (f64, f64))> {
    let nobody = Times::default();
    let mut both = a.clone();
    both.merge(b);
    let median = Times::quantile(&both, &nobody, 0.5)?;
    let share = |times: &Times| Share::of(times.longer_than(median), times.count());
    let medians = (Times::quantile(a, &nobody, 0.5)?, Times::quantile(b, &nobody, 0.5)?);
    Some((share(a)?, share(b)?, medians))
}
