use super::pain::longer_than_both;
use super::proportion::{Share, q_values};
use super::spec::MapError;
use super::tally::{Count, JourneyMap, StageTally, Tally};
use super::withheld::{Cell, Withheld};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What two maps are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Measure {
    /// The share of customers who stand in the stage.
    Here,
    /// The share of stays that ended in a drop-out.
    DropOut,
    /// The share of entries by customers who had been here before.
    Returns,
    /// The share of those in the stage who later came to another.
    Conversion,
    /// The share of stays that are longer than the median of both.
    Time,
    /// The share of bad answers: 0 to 6 of 10, 1 to 2 of 5.
    Dissatisfaction,
    /// The share of stays with a complaint.
    Complaints,
}

/// How two populations or periods differ in one measure of one stage.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "map_difference")]
pub struct Difference {
    /// By what.
    pub measure: Measure,
    /// The stage.
    pub stage: Arc<str>,
    /// The later stage of a conversion; null otherwise.
    pub to: Option<Arc<str>>,
    /// The share in the first map.
    pub first: f64,
    /// The share in the second.
    pub second: f64,
    /// Of how many in the first.
    pub first_of: u64,
    /// Of how many in the second.
    pub second_of: u64,
    /// The second less the first.
    pub difference: f64,
    /// Its 95 % interval (Newcombe 1998).
    pub interval: (f64, f64),
    /// How many standard errors the difference is away from none.
    pub z: f64,
    /// How likely a difference like this is by chance alone, two-sided.
    pub p: f64,
    /// The same, corrected for the number of comparisons (Benjamini and Hochberg 1995).
    pub q: f64,
    /// The median times in the stage, in seconds; null for other measures.
    pub median_seconds: Option<(f64, f64)>,
}

struct Pair {
    measure: Measure,
    stage: u16,
    to: Option<u16>,
    shares: (Share, Share),
    medians: Option<(f64, f64)>,
}

impl JourneyMap {
    /// How this map and another of the same journey differ, stage by stage: two groups, two populations, or two periods. Only what is
    /// about at least `k` customers in both. Differences of chance are among them; `q` tells which to take seriously.
    ///
    /// # Errors
    /// [`MapError`] with code `other_map` for another journey, `unknown_group`, or `wrong_value` for a `k` that is not from 1 to 1,000,000.
    pub fn compare(
        &self,
        group: Option<&str>,
        other: &JourneyMap,
        other_group: Option<&str>,
        k: u64,
    ) -> Result<Vec<Difference>, MapError> {
        super::threshold(k)?;
        let (spec, theirs) = (self.spec(), other.spec());
        let names = |spec: &super::spec::MapSpec| spec.stages.iter().map(|stage| stage.name.clone()).collect::<Vec<_>>();
        if spec.options.journey != theirs.options.journey || names(spec) != names(theirs) {
            return Err(MapError::new("other_map", "", "the maps are of different journeys, which cannot be compared"));
        }
        let (a, b) = (self.tally(group)?, other.tally(other_group)?);
        let withheld = (Withheld::of(spec, a, k), Withheld::of(theirs, b, k));
        let mut pairs: Vec<Pair> = Vec::new();
        for (number, stage) in (0_u16..).zip(&spec.stages) {
            of_stage(number, stage.drop_out, (spec, a, &withheld.0), (theirs, b, &withheld.1), k, &mut pairs);
        }
        let tests: Vec<_> = pairs.iter().map(|pair| pair.shares.1.less(pair.shares.0)).collect();
        let q_values = q_values(&tests.iter().map(|test| test.p).collect::<Vec<_>>());
        let name = |stage: u16| spec.stages.get(usize::from(stage)).map_or_else(|| Arc::from("?"), |stage| stage.name.clone());
        let told = pairs.iter().zip(tests).zip(q_values).map(|((pair, test), q)| Difference {
            measure: pair.measure,
            stage: name(pair.stage),
            to: pair.to.map(name),
            first: pair.shares.0.value(),
            second: pair.shares.1.value(),
            first_of: pair.shares.0.whole,
            second_of: pair.shares.1.whole,
            difference: test.difference,
            interval: (test.low, test.high),
            z: test.z,
            p: test.p,
            q,
            median_seconds: pair.medians,
        });
        Ok(told.collect())
    }
}

type Side<'a> = (&'a super::spec::MapSpec, &'a Tally, &'a Withheld);

fn of_stage(stage: u16, drop_out: bool, a: Side<'_>, b: Side<'_>, k: u64, pairs: &mut Vec<Pair>) {
    let none = StageTally::default();
    let counted = |side: Side<'_>| side.1.stages.get(&stage).unwrap_or(&none).clone();
    let (first, second) = (counted(a), counted(b));
    let mut add = |measure, to, parts: [(u64, u64, u64); 2], medians| {
        // Each: the part, the whole, and about how many customers the part is.
        let share = |(part, whole, customers): (u64, u64, u64)| {
            Share::of(part, whole).filter(|_| whole >= k && (part == 0 || customers >= k))
        };
        if let (Some(first), Some(second)) = (share(parts[0]), share(parts[1])) {
            pairs.push(Pair { measure, stage, to, shares: (first, second), medians });
        }
    };
    let part = |count: Count, whole: u64| (count.count, whole, count.customers);
    let here = |counted: &StageTally, tally: &Tally| (counted.here.customers, tally.customers, counted.here.customers);
    // What a report withholds is not told here either.
    let both = |cells: &[Cell]| [a, b].iter().all(|side| cells.iter().all(|cell| side.2.tells(*cell)));
    if both(&[Cell::Here(stage)]) {
        add(Measure::Here, None, [here(&first, a.1), here(&second, b.1)], None);
    }
    let returns = |counted: &StageTally| part(counted.returns, counted.entries.count);
    if both(&[Cell::Returns(stage), Cell::Entries(stage)]) {
        add(Measure::Returns, None, [returns(&first), returns(&second)], None);
    }
    if drop_out {
        return;
    }
    let drop = |side: Side<'_>, counted: &StageTally| part(side.1.drop_outs(stage, side.0), counted.entries.count);
    if both(&[Cell::DropOuts(stage), Cell::Entries(stage)]) {
        add(Measure::DropOut, None, [drop(a, &first), drop(b, &second)], None);
    }
    let later = a.1.reached.keys().chain(b.1.reached.keys()).filter(|(from, _)| *from == stage).map(|(_, to)| *to);
    let later: std::collections::BTreeSet<u16> = later.collect();
    for to in later {
        let none = |side: Side<'_>| !side.1.reached.contains_key(&(stage, to)) && side.2.tells(Cell::First(stage));
        if ![a, b].iter().all(|side| none(*side) || side.2.tells_conversion(side.1, (stage, to), k)) {
            continue;
        }
        let reached = |side: Side<'_>, counted: &StageTally| {
            let reached = side.1.reached.get(&(stage, to)).copied().unwrap_or_default().customers;
            (reached, counted.entries.customers, reached)
        };
        add(Measure::Conversion, Some(to), [reached(a, &first), reached(b, &second)], None);
    }
    let (times_a, times_b) = (a.1.ended(stage), b.1.ended(stage));
    if both(&[Cell::Exits(stage)])
        && first.exits.customers >= k
        && second.exits.customers >= k
        && let Some((share_a, share_b, medians)) = longer_than_both(&times_a, &times_b)
    {
        let parts = [share_a, share_b].map(|share| (share.part, share.whole, share.whole));
        add(Measure::Time, None, parts, Some(medians));
    }
    let bad = |counted: &StageTally| {
        let sum = |answers: &BTreeMap<u8, Count>, to: u8| answers.range(..=to).map(|(_, count)| count.count).sum::<u64>();
        let people = |answers: &BTreeMap<u8, Count>, to: u8| answers.range(..=to).map(|(_, count)| count.customers).max();
        let customers = people(&counted.nps, 6).max(people(&counted.csat, 2)).unwrap_or(0);
        (sum(&counted.nps, 6) + sum(&counted.csat, 2), sum(&counted.nps, 10) + sum(&counted.csat, 5), customers)
    };
    add(Measure::Dissatisfaction, None, [bad(&first), bad(&second)], None);
    let complained = |counted: &StageTally| part(counted.complained, counted.entries.count);
    if both(&[Cell::Entries(stage)]) {
        add(Measure::Complaints, None, [complained(&first), complained(&second)], None);
    }
}
