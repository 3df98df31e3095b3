//! Mining of event logs, against definitions written down as plainly as possible.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests may fail")]

use proptest::prelude::*;
use std::collections::BTreeMap;
use tactful::mine::{EventLog, Funnel, LogBuilder, LogColumns, OrderMode, Pattern, Repeats, VariantOptions};
use tactful::value::{Duration, Timestamp};

const NAMES: [&str; 4] = ["a", "b", "c", "d"];
const CASES: [&str; 4] = ["ada", "ben", "cleo", "dan"];

/// Case, activity, minute.
type Told = (usize, usize, i64);

fn at(minute: i64) -> Timestamp {
    Timestamp::from_micros(minute * 60_000_000).unwrap()
}

fn log(events: &[Told]) -> EventLog {
    let mut builder = LogBuilder::default();
    builder.declare(NAMES);
    for (case, activity, minute) in events {
        builder.push(CASES[*case], NAMES[*activity], at(*minute));
    }
    builder.finish()
}

/// The events of each case: activity and minute, by time, then as told.
fn cases(events: &[Told]) -> Vec<Vec<(usize, i64)>> {
    let mut by_case: BTreeMap<usize, Vec<(usize, i64)>> = BTreeMap::new();
    for (case, activity, minute) in events {
        by_case.entry(*case).or_default().push((*activity, *minute));
    }
    by_case.values_mut().for_each(|case| case.sort_by_key(|(_, minute)| *minute));
    by_case.into_values().collect()
}

fn events() -> impl Strategy<Value = Vec<Told>> {
    prop::collection::vec((0..4_usize, 0..4_usize, 0..12_i64), 0..40)
}

/// Whether some choice of different events goes through the stages: tries them all.
fn converts(case: &[(usize, i64)], stages: &[usize], order: OrderMode, window: Option<i64>) -> bool {
    fn next(case: &[(usize, i64)], stages: &[usize], order: OrderMode, window: Option<i64>, chosen: &mut Vec<usize>) -> bool {
        let Some((stage, rest)) = stages.split_first() else { return true };
        for place in 0..case.len() {
            let after = match chosen.last() {
                None => true,
                Some(last) => match order {
                    OrderMode::StrictlyLater => case[place].1 > case[*last].1,
                    OrderMode::SameTimeCounts => case[place].1 >= case[*last].1 && !chosen.contains(&place),
                    OrderMode::SequenceOrder => place > *last,
                },
            };
            let first = chosen.first().copied().unwrap_or(place);
            let in_time = window.is_none_or(|window| case[place].1 - case[first].1 <= window);
            if case[place].0 == *stage && after && in_time {
                chosen.push(place);
                if next(case, rest, order, window, chosen) {
                    return true;
                }
                chosen.pop();
            }
        }
        false
    }
    next(case, stages, order, window, &mut Vec::new())
}

#[derive(Debug, Clone)]
struct Asked {
    steps: Vec<usize>,
    /// In front of each step, and after the last: what must not stand there, and whether anything may.
    gaps: Vec<(Option<usize>, bool)>,
    from_start: bool,
    to_end: bool,
}

fn asked() -> impl Strategy<Value = Asked> {
    (1..4_usize)
        .prop_flat_map(|steps| {
            let gap = (prop::option::of(0..4_usize), any::<bool>());
            (prop::collection::vec(0..4_usize, steps), prop::collection::vec(gap, steps + 1), any::<bool>(), any::<bool>())
        })
        .prop_map(|(steps, mut gaps, from_start, to_end)| {
            for (without, direct) in &mut gaps {
                *direct &= without.is_none();
            }
            if !from_start {
                gaps[0] = (None, false);
            }
            if !to_end {
                *gaps.last_mut().unwrap() = (None, false);
            }
            Asked { steps, gaps, from_start, to_end }
        })
}

impl Asked {
    fn text(&self) -> String {
        let mut text = if self.from_start { "start".to_owned() } else { String::new() };
        for (number, (without, direct)) in self.gaps.iter().enumerate() {
            if let Some(without) = without {
                text += &format!(" -> not {}", NAMES[*without]);
            }
            let arrow = if text.is_empty() {
                ""
            } else if *direct {
                " => "
            } else {
                " -> "
            };
            match self.steps.get(number) {
                Some(step) => text += &format!("{arrow}{}", NAMES[*step]),
                None if self.to_end => text += &format!("{arrow}end"),
                None => {}
            }
        }
        text
    }

    fn fits(&self, case: &[usize], from: usize, step: usize) -> bool {
        let (without, direct) = self.gaps[step];
        let clear = |to: usize| {
            let between = &case[from..to];
            without.is_none_or(|without| !between.contains(&without)) && (!direct || between.is_empty())
        };
        let free = step == 0 && !self.from_start;
        match self.steps.get(step) {
            None => !self.to_end || clear(case.len()),
            Some(wanted) => (from..case.len())
                .any(|place| case[place] == *wanted && (free || clear(place)) && self.fits(case, place + 1, step + 1)),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]

    #[test]
    fn directly_follows_counts_every_pair_of_neighbours(events in events()) {
        let table = log(&events).directly_follows();
        let mut expected: BTreeMap<(&str, &str), Vec<i64>> = BTreeMap::new();
        for case in cases(&events) {
            for pair in case.windows(2) {
                expected.entry((NAMES[pair[0].0], NAMES[pair[1].0])).or_default().push((pair[1].1 - pair[0].1) * 60);
            }
        }
        prop_assert_eq!(table.pairs.len(), expected.len());
        prop_assert_eq!(table.transitions as usize, expected.values().map(Vec::len).sum::<usize>());
        for pair in &table.pairs {
            let lengths = expected.get_mut(&(&*pair.from, &*pair.to)).unwrap();
            lengths.sort_unstable();
            prop_assert_eq!(pair.count as usize, lengths.len());
            prop_assert_eq!(pair.median_seconds, lengths[(lengths.len() - 1) / 2] as f64);
            let mean = lengths.iter().sum::<i64>() as f64 / lengths.len() as f64;
            prop_assert!((pair.mean_seconds - mean).abs() < 1e-9);
        }
    }

    #[test]
    fn variants_are_the_different_sequences(events in events(), collapse in any::<bool>()) {
        let repeats = if collapse { Repeats::Collapse } else { Repeats::Keep };
        let found = log(&events).variants(&VariantOptions { repeats, ..VariantOptions::default() }).unwrap();
        let mut expected: BTreeMap<Vec<String>, u64> = BTreeMap::new();
        for case in cases(&events) {
            let mut names: Vec<String> = case.iter().map(|(activity, _)| NAMES[*activity].to_owned()).collect();
            if collapse {
                names.dedup();
            }
            *expected.entry(names).or_default() += 1;
        }
        let told: BTreeMap<Vec<String>, u64> = found
            .variants
            .iter()
            .map(|variant| (variant.activities.iter().map(ToString::to_string).collect(), variant.cases))
            .collect();
        prop_assert_eq!(told, expected);
    }

    #[test]
    fn the_order_of_other_cases_and_of_instants_does_not_matter(events in events()) {
        let mut other = events.clone();
        other.sort_by_key(|(case, _, minute)| (std::cmp::Reverse(*case), *minute));
        let (log, other) = (log(&events), log(&other));
        prop_assert_eq!(log.directly_follows(), other.directly_follows());
        prop_assert_eq!(log.paths(3).unwrap(), other.paths(3).unwrap());
    }

    #[test]
    fn a_funnel_finds_whoever_can_be_found(
        events in events(),
        stages in prop::collection::vec(0..4_usize, 1..5),
        order in prop::sample::select(vec![OrderMode::StrictlyLater, OrderMode::SameTimeCounts, OrderMode::SequenceOrder]),
        window in prop::option::of(0..12_i64),
    ) {
        let mut funnel = Funnel::new(stages.iter().map(|stage| NAMES[*stage]), order).unwrap();
        if let Some(window) = window {
            funnel = funnel.within(Duration::from_nanos(window * 60_000_000_000)).unwrap();
        }
        let found = log(&events).funnel(&funnel).unwrap();
        for (place, stage) in found.stages.iter().enumerate() {
            let expected = cases(&events).iter().filter(|case| converts(case, &stages[..=place], order, window)).count();
            prop_assert_eq!(stage.cases as usize, expected, "stage {} of {:?}", place, &stages);
        }
    }

    #[test]
    fn a_pattern_fits_as_its_definition_says(events in events(), asked in asked()) {
        let pattern = Pattern::parse(&asked.text()).unwrap();
        let found = log(&events).matching(&pattern).unwrap();
        let sequences: Vec<Vec<usize>> = cases(&events).iter().map(|case| case.iter().map(|(name, _)| *name).collect()).collect();
        let expected = sequences.iter().filter(|case| asked.fits(case, 0, 0)).count();
        prop_assert_eq!(found.cases as usize, expected, "{}", asked.text());
        // What is written can be read again.
        let again = Pattern::parse(&pattern.to_string()).unwrap();
        prop_assert_eq!(log(&events).matching(&again).unwrap(), found, "{}", pattern.to_string());
    }

    #[test]
    fn any_text_is_a_pattern_or_an_error(text in r#"(start|end|not|a|b|"|->|=>|\||\(|\)| |é){0,12}"#) {
        if let Ok(pattern) = Pattern::parse(&text) {
            let _ = log(&[(0, 0, 0), (0, 1, 1)]).matching(&pattern);
        }
    }
}

/// Some ways that many take and some that few do.
fn many() -> impl Strategy<Value = EventLog> {
    let way = || (prop::collection::vec(0..4_usize, 1..6), prop_oneof![2 => 1..4_usize, 1 => 4..12_usize]);
    prop::collection::vec(way(), 0..8).prop_map(|ways| {
        let mut builder = LogBuilder::default();
        builder.declare(NAMES);
        let mut case = 0;
        for (way, times) in ways {
            for _ in 0..times {
                case += 1;
                for (minute, activity) in (0..).zip(&way) {
                    builder.push(&format!("case {case}"), NAMES[*activity], at(minute));
                }
            }
        }
        builder.finish()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(192) })]

    /// What is told of pairs is true, of at least `k` cases, and what is left out is not one pair alone nor of fewer cases.
    #[test]
    fn pairs_of_few_cases_do_not_follow_from_the_others(log in many(), k in 1..8_u64) {
        let (all, told) = (log.directly_follows(), log.directly_follows().at_least(k));
        prop_assert!(told.pairs.iter().all(|pair| pair.cases >= k && all.pairs.contains(pair)));
        prop_assert_eq!(all.pairs.iter().all(|pair| pair.cases >= k), told.pairs.len() == all.pairs.len());
        if !told.pairs.is_empty() && told.pairs.len() < all.pairs.len() {
            let left_out: Vec<_> = all.pairs.iter().filter(|pair| !told.pairs.contains(pair)).collect();
            prop_assert!(left_out.len() >= 2);
            let rest = told.transitions - told.pairs.iter().map(|pair| pair.count).sum::<u64>();
            prop_assert_eq!(rest, left_out.iter().map(|pair| pair.count).sum::<u64>());
            prop_assert!(rest >= k && left_out.iter().any(|pair| pair.cases >= k));
            // Whoever knows the rule knows that another of at least `k` is left out, and that each of the few is at least one.
            let few = left_out.iter().filter(|pair| pair.cases < k).count() as u64;
            prop_assert!(rest - k - (few - 1) >= k, "of a rest of {rest} the few are at most {}", rest - k);
        }
    }

    /// The same of variants, whatever part of them is told; and of patterns that few cases fit or do not fit nothing is.
    #[test]
    fn variants_of_few_cases_do_not_follow_from_the_others(log in many(), k in 1..8_u64, top in 0..6_usize, of in prop::option::of(0..4_usize)) {
        let pattern = of.map(|activity| Pattern::parse(NAMES[activity]).unwrap());
        let options = VariantOptions { pattern, ..VariantOptions::default() };
        let all = log.variants(&options).unwrap();
        let told = log.variants(&options).unwrap().at_least(k, top);
        let cases = all.cases.unwrap();
        let few = |cases: u64| (1..k).contains(&cases);
        prop_assert_eq!(told.cases.is_none(), few(cases) || few(all.of - cases));
        prop_assert!(told.variants.len() <= top);
        prop_assert!(told.variants.iter().all(|variant| variant.cases >= k && all.variants.contains(variant)));
        if let (Some(cases), false) = (told.cases, told.variants.is_empty()) {
            let rest = cases - told.variants.iter().map(|variant| variant.cases).sum::<u64>();
            prop_assert!(!few(rest));
            let left_out = all.variants.len() - told.variants.len();
            prop_assert!(left_out != 1 || rest >= k);
            let rare = all.variants.iter().filter(|variant| variant.cases < k).count() as u64;
            prop_assert!(rare == 0 || rest - k - (rare - 1) >= k, "of a rest of {rest} the few are at most {}", rest - k);
        }
    }

    /// Of no two stages of a funnel, nor of a stage and the whole log, do fewer than `k` cases make the difference.
    #[test]
    fn steps_of_few_cases_do_not_follow_from_the_others(log in many(), k in 1..8_u64, stages in prop::collection::vec(0..4_usize, 1..5)) {
        let funnel = Funnel::new(stages.iter().map(|stage| NAMES[*stage]), OrderMode::SequenceOrder).unwrap();
        let (all, told) = (log.funnel(&funnel).unwrap(), log.funnel(&funnel).unwrap().at_least(k));
        let mut counts = vec![told.cases];
        for stage in &told.stages {
            let full = all.stages.iter().find(|full| full.cases == stage.cases && full.activity == stage.activity);
            prop_assert!(stage.cases >= k && full.is_some());
            counts.push(stage.cases);
        }
        for (place, before) in counts.iter().enumerate() {
            prop_assert!(counts[place..].iter().all(|after| !(1..k).contains(&(before - after))), "{counts:?}");
        }
        // A share of a stage that is left out would tell it.
        for (place, stage) in told.stages.iter().enumerate() {
            let whole = |share: Option<f64>| share.filter(|share| *share > 0.0).map(|share| (stage.cases as f64 / share).round() as u64);
            let before = if place == 0 { None } else { Some(told.stages[place - 1].cases) };
            prop_assert!(whole(stage.conversion).is_none_or(|whole| Some(whole) == before || (place == 0 && whole == told.cases)));
            let first = all.stages.first().map(|first| first.cases);
            prop_assert!(whole(stage.share).is_none_or(|whole| Some(whole) == first && told.stages.first().map(|first| first.cases) == first));
        }
    }
}

#[test]
fn mistakes_say_what_to_do() {
    let log = log(&[(0, 0, 0), (0, 1, 1)]);
    let told = |error: tactful::mine::MineError| format!("{} {}: {error}", error.code(), error.path());
    let pattern = |text: &str| told(Pattern::parse(text).unwrap_err());
    let found = [
        pattern(""),
        pattern("a ->"),
        pattern("a b"),
        pattern("a -> end -> b"),
        pattern("a -> start"),
        pattern("a -> not b -> not c"),
        pattern("a => not b"),
        pattern("a -> not b => c"),
        pattern("a | end"),
        pattern("(a | b"),
        pattern("a -> \"b"),
        pattern("a; b"),
        told(log.matching(&Pattern::parse("a -> e").unwrap()).unwrap_err()),
        told(log.funnel(&Funnel::new(["a", "zebra"], OrderMode::StrictlyLater).unwrap()).unwrap_err()),
        told(Funnel::new(Vec::<String>::new(), OrderMode::StrictlyLater).unwrap_err()),
        told(log.paths(0).unwrap_err()),
    ];
    assert_eq!(
        found.join("\n"),
        "bad_pattern pattern: expected an activity
bad_pattern pattern: expected an activity
bad_pattern pattern: expected `->` or `=>` between two steps
bad_pattern pattern: nothing comes after `end`
bad_pattern pattern: `start` stands in front of everything
bad_pattern pattern: expected an activity between, in front of another `not` or after `=>`
bad_pattern pattern: expected an activity between, in front of another `not` or after `=>`
bad_pattern pattern: expected `->` after what must not happen
bad_pattern pattern: `end` has a meaning of its own here; put an activity of that name in quotes
bad_pattern pattern: expected `)`
bad_pattern pattern: expected `\"` at the end of a name
bad_pattern pattern: did not expect `;`; put names with other signs in quotes
unknown_activity pattern: the log has no activity `e`; did you mean `a`?
unknown_activity stages[1]: the log has no activity `zebra`
bad_funnel stages: expected 1 to 64 stages
bad_length length: expected a length from 1 to 32 activities, found `0`"
    );
}

#[test]
fn columns_are_read_by_name() {
    use tactful::column::{Batch, Column, TimeUnit};
    let rows = Batch::new(
        vec![
            ("customer".into(), Column::ints(&[7_i64, 7, 3])),
            ("type".into(), Column::texts(&[0_i32, 4, 7, 11][..], b"viewbuyview")),
            ("at".into(), Column::timestamps(&[5_i64, 4, 6][..], TimeUnit::Second, None)),
        ],
        3,
    )
    .unwrap();
    let columns = LogColumns { case: "customer".into(), activity: "type".into(), time: "at".into() };
    let mut builder = LogBuilder::default();
    assert_eq!(builder.push_batch(&rows, &columns).unwrap(), 3);
    let found = builder.finish().directly_follows();
    assert_eq!((found.cases, found.events, found.transitions), (2, 3, 1));
    assert_eq!((&*found.pairs[0].from, &*found.pairs[0].to, found.pairs[0].mean_seconds), ("buy", "view", 1.0));
    let error = LogBuilder::default().push_batch(&rows, &LogColumns::default()).unwrap_err();
    assert_eq!((error.code(), error.path()), ("no_such_column", "case"));
}
