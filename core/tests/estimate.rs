//! Off-policy estimates: the arithmetic by hand, intervals against a simulated truth, and choices found in the stories of a base.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use std::collections::BTreeMap;
use std::sync::Arc;
use tactful::estimate::{Choice, EstimateOptions, Estimated, HistoryOptions, OffPolicy, Reward, estimate};
use tactful::{CustomerBase, Duration, Engine, Event, Identifier, Request, Timestamp};

fn choice(customer: &str, offer: &str, probability: f64, reward: f64, target: &[(&str, f64)]) -> Choice {
    Choice {
        customer: customer.into(),
        placement: "home".into(),
        slate: None,
        offer: offer.into(),
        probability,
        reward,
        target: target.iter().map(|(offer, probability)| ((*offer).into(), *probability)).collect(),
    }
}

fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
}

/// Four customers: weights 0.9/0.5, 0.1/0.5, 0.9/0.25, 0.1/0.75.
#[test]
fn the_arithmetic_is_that_of_the_formulas() {
    let target = [("a", 0.9), ("b", 0.1)];
    let choices = [
        choice("1", "a", 0.5, 2.0, &target),
        choice("2", "b", 0.5, 1.0, &target),
        choice("3", "a", 0.25, 0.0, &target),
        choice("4", "b", 0.75, 4.0, &target),
    ];
    let found = estimate(&choices, &EstimateOptions::default()).unwrap();
    let weights = [1.8, 0.2, 3.6, 0.1 / 0.75];
    let products = [3.6, 0.2, 0.0, 0.4 / 0.75];
    let (sum, squares) = (weights.iter().sum::<f64>(), weights.iter().map(|weight| weight * weight).sum::<f64>());
    near(found.logged.value, 1.75);
    near(found.inverse_propensity.value, products.iter().sum::<f64>() / 4.0);
    near(found.self_normalised.value, products.iter().sum::<f64>() / sum);
    near(found.effective_size, sum * sum / squares);
    near(found.mean_weight, sum / 4.0);
    near(found.expected_weight, 1.0);
    near(found.largest_weight, 3.6);
    // Customers 1 and 3 are one half, 2 and 4 the other. The model of the second half, which customers 1 and 3 meet: mean 2.5, b
    // (5 + 25) / 12, a 2.5; that of the first: mean 1, a (2 + 10) / 12, b 1.
    let (a, b) = ([2.5, 1.0], [2.5, 1.0]);
    let said = [0.9 * a[0] + 0.1 * b[0], 0.9 * a[1] + 0.1 * b[1]];
    let robust = [
        said[0] + weights[0] * (2.0 - a[0]),
        said[1] + weights[1] * (1.0 - b[1]),
        said[0] + weights[2] * (0.0 - a[0]),
        said[1] + weights[3] * (4.0 - b[1]),
    ];
    let mean = robust.iter().sum::<f64>() / 4.0;
    near(found.doubly_robust.value, mean);
    let spread = robust.iter().map(|one| (one - mean) * (one - mean)).sum::<f64>();
    near(found.doubly_robust.error, (4.0 / 3.0 * spread).sqrt() / 4.0);
    near(found.doubly_robust.high, mean + 1.959_963_984_540_054 * found.doubly_robust.error);
    near(found.gain.value, mean - 1.75);
    let codes: Vec<&str> = found.warnings.iter().map(|warning| warning.code).collect();
    assert_eq!(codes, ["few_customers", "small_effective_size", "heavy_choice"]);
}

/// The same policy brings the same, whatever was chosen.
#[test]
fn the_same_policy_is_estimated_at_what_was_recorded() {
    let target = [("a", 0.7), ("b", 0.3)];
    let choices: Vec<Choice> = (0..100)
        .map(|place| {
            let (offer, probability) = if place % 10 < 7 { ("a", 0.7) } else { ("b", 0.3) };
            choice(&place.to_string(), offer, probability, f64::from(place % 5), &target)
        })
        .collect();
    let found = estimate(&choices, &EstimateOptions::default()).unwrap();
    near(found.inverse_propensity.value, found.logged.value);
    near(found.self_normalised.value, found.logged.value);
    // The models of two halves differ a little.
    assert!((found.doubly_robust.value - found.logged.value).abs() < 0.01 * found.logged.error.max(1.0), "{found}");
    near(found.effective_size, 100.0);
    near(found.inverse_propensity.error, found.logged.error);
    assert!(found.warnings.is_empty(), "{:?}", found.warnings);
}

#[test]
fn poor_overlap_is_said() {
    let mut choices: Vec<Choice> =
        (0..200).map(|place| choice(&place.to_string(), "a", 0.9, 1.0, &[("b", 0.5), ("c", 0.2)])).collect();
    choices.push(choice("x", "b", 0.01, 1.0, &[("b", 0.5), ("c", 0.2)]));
    let found = estimate(&choices, &EstimateOptions { clip: Some(20.0), ..EstimateOptions::default() }).unwrap();
    let codes: Vec<&str> = found.warnings.iter().map(|warning| warning.code).collect();
    assert_eq!(codes, ["small_effective_size", "heavy_choice", "unseen_offers", "clipped"]);
    near(found.largest_weight, 20.0);
    near(found.unseen, 0.2);
    near(found.silent, 0.3);
    // Probabilities that cannot be: everything was chosen as if it were certain.
    let wrong: Vec<Choice> = (0..200)
        .map(|place| choice(&place.to_string(), if place % 2 == 0 { "a" } else { "b" }, 0.1, 1.0, &[("a", 1.0)]))
        .collect();
    let codes: Vec<&str> =
        estimate(&wrong, &EstimateOptions::default()).unwrap().warnings.iter().map(|warning| warning.code).collect();
    assert_eq!(codes, ["weights_off"]);
}

#[test]
fn numbers_out_of_range_are_refused() {
    let code = |choice: Choice, options: EstimateOptions| {
        let error = estimate(&[choice], &options).unwrap_err();
        (error.code(), error.path().to_owned())
    };
    let (good, usual) = (choice("1", "a", 0.5, 1.0, &[("a", 1.0)]), EstimateOptions::default());
    let with = |change: &dyn Fn(&mut Choice)| {
        let mut changed = good.clone();
        change(&mut changed);
        code(changed, EstimateOptions::default())
    };
    for probability in [0.0, -0.1, 1.1, f64::NAN] {
        assert_eq!(with(&|own| own.probability = probability), ("out_of_range", "choices[0].probability".into()));
    }
    assert_eq!(with(&|own| own.reward = f64::NAN), ("out_of_range", "choices[0].reward".into()));
    assert_eq!(
        with(&|own| own.target = vec![("a".into(), 0.7), ("b".into(), 0.7)]),
        ("out_of_range", "choices[0].target".into())
    );
    assert_eq!(with(&|own| own.target = vec![("a".into(), f64::NAN)]), ("out_of_range", "choices[0].target".into()));
    assert_eq!(with(&|own| (own.probability, own.reward) = (1e-300, 1e300)), ("not_finite", String::new()));
    for clip in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(code(good.clone(), EstimateOptions { clip: Some(clip), ..usual.clone() }).1, "clip");
    }
    assert_eq!(code(good, EstimateOptions { confidence: 1.0, ..usual }).1, "confidence");
    assert_eq!(estimate(&[], &EstimateOptions::default()).unwrap_err().code(), "no_choices");
}

/// Draws that follow from a number alone: SplitMix64.
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// A world with two kinds of customers and three offers, whose rates are known; several choices per customer, whose own level differs.
fn simulated(seed: u64) -> (Vec<Choice>, f64) {
    const RATES: [[f64; 3]; 2] = [[0.10, 0.20, 0.05], [0.30, 0.10, 0.15]];
    const LOGGED: [[f64; 3]; 2] = [[0.6, 0.2, 0.2], [0.2, 0.5, 0.3]];
    const TARGET: [[f64; 3]; 2] = [[0.1, 0.8, 0.1], [0.7, 0.1, 0.2]];
    let names = ["a", "b", "c"];
    let mut draws = Draws(seed.wrapping_mul(0x1234_5678_9abc_def1));
    let (mut choices, mut truth) = (Vec::new(), 0.0);
    for kind in 0..2 {
        truth += 0.5 * (0..3).map(|offer| TARGET[kind][offer] * RATES[kind][offer]).sum::<f64>();
    }
    for customer in 0..200 {
        let (kind, level) = (customer % 2, 0.5 + draws.next());
        let target: Vec<(Arc<str>, f64)> = names.iter().zip(TARGET[kind]).map(|(name, q)| (Arc::from(*name), q)).collect();
        for _ in 0..4 {
            let draw = draws.next();
            let taken = if draw < LOGGED[kind][0] {
                0
            } else if draw < LOGGED[kind][0] + LOGGED[kind][1] {
                1
            } else {
                2
            };
            let reward = if draws.next() < RATES[kind][taken] * level { 1.0 } else { 0.0 };
            choices.push(Choice {
                customer: customer.to_string().into(),
                placement: "home".into(),
                slate: None,
                offer: names[taken].into(),
                probability: LOGGED[kind][taken],
                reward,
                target: target.clone(),
            });
        }
    }
    (choices, truth)
}

/// Over 1,000 worlds 95 % intervals hold the truth in about 95 of 100: 3.4 standard errors of that count are 2.4 points. The mean of the
/// estimates is the truth within four of their standard errors, and doubly robust estimates spread less than weights alone.
#[test]
fn intervals_hold_the_truth_as_often_as_they_say() {
    const WORLDS: u64 = 1_000;
    let mut held = [0_u32; 3];
    let (mut sums, mut squares, mut truth) = ([0.0; 3], [0.0; 3], 0.0);
    for seed in 1..=WORLDS {
        let (choices, own) = simulated(seed);
        truth = own;
        let found = estimate(&choices, &EstimateOptions::default()).unwrap();
        for (place, one) in [found.inverse_propensity, found.self_normalised, found.doubly_robust].into_iter().enumerate() {
            let Estimated { value, low, high, .. } = one;
            held[place] += u32::from(low <= truth && truth <= high);
            sums[place] += value;
            squares[place] += (value - truth) * (value - truth);
        }
    }
    for place in 0..3 {
        let share = f64::from(held[place]) / WORLDS as f64;
        assert!((share - 0.95).abs() < 0.024, "estimator {place} holds in {share}");
        let mean = sums[place] / WORLDS as f64;
        let error = (squares[place] / WORLDS as f64).sqrt() / (WORLDS as f64).sqrt();
        assert!((mean - truth).abs() < 4.0 * error, "estimator {place}: {mean} is not {truth}");
    }
    assert!(squares[2] < squares[0], "a model lessens the variance");
}

const SHOP: &str = "
playbook: shop
version: 1
identity: {customer: {}}
events: {visit: {}}
channels: {web: text}
arbitration: {explore: {epsilon_greedy: 0.5}}
placements: {home: {channel: web}, pair: {channel: web, slots: 2}}
contact: [{name: once_a_day, count: shown, scope: offer, at_most: 1, per: rolling 1d}]
offers:
  sofa: {value: 10, treatments: {web: {message: A sofa.}}}
  lamp: {value: 4, treatments: {web: {message: A lamp.}}}
  rug: {value: 1, eligible: 'events(\"visit\").count() > 1', treatments: {web: {message: A rug.}}}
";

fn engine(text: &str) -> Engine {
    Engine::compile(&[("shop.yaml", text)]).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// A base whose customers were each asked once, and who accepted the lamp.
fn told(customers: u32, outcome: &str) -> CustomerBase {
    let mut base = CustomerBase::new(engine(SHOP));
    for number in 0..customers {
        let who = Identifier::parse(&format!("customer:{number:04}")).unwrap();
        let now = at("2026-01-05T10:00:00Z").saturating_add_micros(i64::from(number) * 1_000_000);
        base.record(&Event::new("visit", now, who.clone())).unwrap();
        let decision = base.decide(&who, &Request::of("home"), now, None).unwrap();
        for event in decision.outcome(outcome, now, &who) {
            base.record(&event).unwrap();
        }
        if decision.offers().any(|offer| &*offer.offer == "lamp") {
            for event in decision.outcome("accepted", now.saturating_add_micros(60_000_000), &who) {
                base.record(&event).unwrap();
            }
        }
    }
    base
}

fn options() -> HistoryOptions {
    HistoryOptions {
        rewards: BTreeMap::from([("accepted".to_owned(), Reward::Value)]),
        ..HistoryOptions::at(at("2026-02-01T00:00:00Z"))
    }
}

/// The other playbook always takes the lamp, which is worth 4 whenever it is taken. The choice itself must not hold the offer back.
#[test]
fn choices_are_found_in_the_stories_and_asked_again() {
    let lamp_first =
        SHOP.replace("{epsilon_greedy: 0.5}", "no").replace("arbitration: {explore: no}", "").replace("value: 4", "value: 40");
    for outcome in ["shown", "decided"] {
        let base = told(400, outcome);
        let found = base.off_policy(&engine(&lamp_first), &options()).unwrap();
        assert_eq!((found.all.choices, found.all.customers, found.refused_events), (400, 400, 0));
        near(found.all.expected_weight, 1.0);
        near(found.all.largest_weight, 4.0);
        assert!(found.all.doubly_robust.low <= 4.0 && 4.0 <= found.all.doubly_robust.high, "{found}");
        near(found.all.self_normalised.value, 4.0);
        assert!(found.all.gain.low > 0.0, "{found}");
        let own = base.off_policy(&engine(SHOP), &options()).unwrap();
        near(own.all.inverse_propensity.value, own.all.logged.value);
        near(own.all.effective_size, 400.0);
    }
}

#[test]
fn what_cannot_count_is_left_out_and_said() {
    let mut base = told(40, "shown");
    let (who, now) = (Identifier::parse("customer:pair").unwrap(), at("2026-01-20T10:00:00Z"));
    let decision = base.decide(&who, &Request::of("pair"), now, None).unwrap();
    for event in decision.outcome("shown", now, &who) {
        base.record(&event).unwrap();
    }
    base.record(&Event::new("shown", now, who.clone()).with("offer", "sofa").with("placement", "home").with("decision", "x"))
        .unwrap();
    let found = base.off_policy(&engine(SHOP), &options()).unwrap();
    assert_eq!((found.all.choices, found.all.slots, found.left_out.without_probability), (41, 42, 1));
    let names: Vec<&str> = found.placements.iter().map(|one| &*one.placement).collect();
    assert_eq!(names, ["home", "pair"]);

    let within = HistoryOptions { within: Some(Duration::parse("14d").unwrap()), ..options() };
    let found = base.off_policy(&engine(SHOP), &within).unwrap();
    assert_eq!((found.all.choices, found.left_out.open), (40, 1));
    let later = HistoryOptions { since: Some(at("2026-01-20T09:00:00Z")), ..within };
    let error = base.off_policy(&engine(SHOP), &later).unwrap_err();
    assert_eq!(error.code(), "no_choices");

    let code = |options: HistoryOptions| base.off_policy(&engine(SHOP), &options).unwrap_err().code();
    assert_eq!(code(HistoryOptions { rewards: BTreeMap::new(), ..options() }), "no_rewards");
    assert_eq!(
        code(HistoryOptions { rewards: BTreeMap::from([("bought".into(), Reward::Value)]), ..options() }),
        "unknown_outcome"
    );
    assert_eq!(code(HistoryOptions { placements: vec!["hom".into()], ..options() }), "unknown_placement");
}

/// What differs between the playbooks in events is told, not fatal, and an estimate does not depend on the order of arrival.
#[test]
fn another_schema_is_told() {
    let base = told(60, "shown");
    let without =
        SHOP.replace("events: {visit: {}}", "events: {call: {}}").replace("eligible: 'events(\"visit\").count() > 1', ", "");
    let found = base.off_policy(&engine(&without), &options()).unwrap();
    assert_eq!(found.refused_events, 60);
    let mut again = CustomerBase::new(engine(SHOP));
    let mut events: Vec<Event> = base.iter().flat_map(|customer| customer.events()).collect();
    events.reverse();
    for event in &events {
        again.record(event).unwrap();
    }
    let all = |base: &CustomerBase| -> OffPolicy { base.off_policy(&engine(&without), &options()).unwrap().all };
    assert_eq!(all(&base), all(&again));
}

/// Three offers for two slots, where nothing goes with `c`: how probable each is first, and each after it.
struct Ways {
    first: [f64; 3],
    second: [[f64; 3]; 3],
}

const THREE: [&str; 3] = ["a", "b", "c"];
const LOGGED_WAYS: Ways = Ways { first: [0.5, 0.3, 0.2], second: [[0.0, 0.6, 0.4], [0.25, 0.0, 0.75], [0.0; 3]] };
const TARGET_WAYS: Ways = Ways { first: [0.2, 0.5, 0.3], second: [[0.0, 0.1, 0.9], [0.8, 0.0, 0.2], [0.0; 3]] };

impl Ways {
    /// Every pair with its probability; without a second one after `c`.
    fn pairs(&self) -> Vec<(usize, Option<usize>, f64)> {
        let mut pairs = Vec::new();
        for first in 0..3 {
            let after: f64 = self.second[first].iter().sum();
            if after == 0.0 {
                pairs.push((first, None, self.first[first]));
            }
            let seconds = (0..3).filter(|second| self.second[first][*second] > 0.0);
            pairs.extend(seconds.map(|second| (first, Some(second), self.first[first] * self.second[first][second])));
        }
        pairs
    }
}

/// What the slots bring on average; the second depends on the first.
fn brings(first: usize, second: Option<usize>) -> [f64; 2] {
    const SECOND: [[f64; 3]; 3] = [[0.0, 0.9, 0.2], [0.4, 0.0, 0.7], [0.0; 3]];
    [[0.3, 0.5, 0.8][first], second.map_or(0.0, |second| SECOND[first][second])]
}

fn slate(customer: &str, first: usize, second: Option<usize>, rewards: [f64; 2]) -> [Choice; 2] {
    let named = |chances: [f64; 3]| THREE.iter().zip(chances).map(|(name, chance)| (Arc::from(*name), chance)).collect();
    let one = |offer: &str, probability, reward, target: Vec<(Arc<str>, f64)>| Choice {
        customer: customer.into(),
        placement: "pair".into(),
        slate: Some(format!("of {customer}").into()),
        offer: offer.into(),
        probability,
        reward,
        target,
    };
    let (offer, chance) = second.map_or(("", 1.0), |second| (THREE[second], LOGGED_WAYS.second[first][second]));
    [
        one(THREE[first], LOGGED_WAYS.first[first], rewards[0], named(TARGET_WAYS.first)),
        one(offer, chance, rewards[1], named(TARGET_WAYS.second[first])),
    ]
}

/// All that can happen to two customers, each weighed by how probable it is: on average estimates are what the other policy brings.
#[test]
fn slates_are_estimated_right_on_average() {
    let truth = |ways: &Ways| -> f64 {
        ways.pairs().iter().map(|(first, second, chance)| chance * brings(*first, *second).iter().sum::<f64>()).sum()
    };
    let mut happens: Vec<(usize, Option<usize>, [f64; 2], f64)> = Vec::new();
    for (first, second, chance) in LOGGED_WAYS.pairs() {
        for rewards in [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]] {
            let own = brings(first, second).into_iter().zip(rewards);
            let chance: f64 = chance * own.map(|(rate, reward)| if reward > 0.0 { rate } else { 1.0 - rate }).product::<f64>();
            happens.push((first, second, rewards, chance));
        }
    }
    let (mut total, mut means, mut weights) = (0.0, [0.0; 4], 0.0);
    for (first, second, rewards, chance) in &happens {
        for (other, after, others, also) in &happens {
            let choices = [slate("1", *first, *second, *rewards), slate("2", *other, *after, *others)].concat();
            let found = estimate(&choices, &EstimateOptions::default()).unwrap();
            assert_eq!((found.choices, found.customers), (2, 2));
            let weight = chance * also;
            total += weight;
            weights += weight * found.mean_weight;
            for (mean, own) in means.iter_mut().zip([found.logged, found.inverse_propensity, found.doubly_robust, found.gain]) {
                *mean += weight * own.value;
            }
        }
    }
    near(total, 1.0);
    near(weights, 1.0);
    let (before, after) = (truth(&LOGGED_WAYS), truth(&TARGET_WAYS));
    near(means[0], before);
    near(means[1], after);
    near(means[2], after);
    near(means[3], after - before);
    assert!((after - before).abs() > 0.05);
}

/// Two slates by hand: weights 0.2/0.5 = 0.4 and 0.4 × 0.1/0.6 = 1/15; 0.5/0.3 = 5/3 and 5/3 × 0.8/0.25 = 16/3.
#[test]
fn a_slot_counts_as_often_as_it_and_those_before_it_are_more_probable() {
    let choices = [slate("1", 0, Some(1), [1.0, 3.0]), slate("2", 1, Some(0), [2.0, 6.0])].concat();
    let found = estimate(&choices, &EstimateOptions::default()).unwrap();
    assert_eq!((found.choices, found.slots, found.customers), (2, 4, 2));
    near(found.logged.value, 6.0);
    let terms = [0.4 + 3.0 / 15.0, 10.0 / 3.0 + 6.0 * 16.0 / 3.0];
    near(found.inverse_propensity.value, (terms[0] + terms[1]) / 2.0);
    // Slot by slot: Σ w r / Σ w, times how often it is filled, which is always.
    let first = (0.4 + 10.0 / 3.0) / (0.4 + 5.0 / 3.0);
    let second = (0.2 + 32.0) / (1.0 / 15.0 + 16.0 / 3.0);
    near(found.self_normalised.value, first + second);
    near(found.mean_weight, (1.0 / 15.0 + 16.0 / 3.0) / 2.0);
    near(found.largest_weight, 16.0 / 3.0);
    near(found.silent, 0.0);
    // The model of each is that of the other: everything is drawn to the mean of its slot, 2 and 6 beside 1 and 3.
    let [first, second] = [[2.0, 6.0], [1.0, 3.0]];
    let robust = [
        first[0] + 0.4 * (1.0 - first[0]) + 0.4 * first[1] + 1.0 / 15.0 * (3.0 - first[1]),
        second[0] + 5.0 / 3.0 * (2.0 - second[0]) + 5.0 / 3.0 * second[1] + 16.0 / 3.0 * (6.0 - second[1]),
    ];
    near(found.doubly_robust.value, (robust[0] + robust[1]) / 2.0);
    let cut = estimate(&choices, &EstimateOptions { clip: Some(1.0), ..EstimateOptions::default() }).unwrap();
    near(cut.inverse_propensity.value, (0.4 + 0.2 + 2.0 + 6.0) / 2.0);
    assert_eq!((cut.clipped, cut.largest_weight), (2, 1.0));

    let mut mixed = choices;
    mixed[1].customer = "3".into();
    let error = estimate(&mixed, &EstimateOptions::default()).unwrap_err();
    assert_eq!((error.code(), error.path()), ("mixed_slate", "choices[1].customer"));
}

/// As for single choices: over 1,000 worlds of slates 95 % intervals hold the truth in about 95 of 100.
#[test]
fn intervals_of_slates_hold_the_truth_as_often_as_they_say() {
    const WORLDS: u64 = 1_000;
    let truth: f64 =
        TARGET_WAYS.pairs().iter().map(|(first, second, chance)| chance * brings(*first, *second).iter().sum::<f64>()).sum();
    let mut held = [0_u32; 3];
    let (mut sums, mut squares) = ([0.0; 3], [0.0; 3]);
    for seed in 1..=WORLDS {
        let mut draws = Draws(seed.wrapping_mul(0x0bad_5eed_1234_5677));
        let mut choices = Vec::new();
        for customer in 0..250 {
            let mut draw = draws.next();
            let taken = LOGGED_WAYS.pairs().into_iter().find(|(_, _, chance)| {
                draw -= chance;
                draw < 0.0
            });
            let (first, second, _) = taken.unwrap_or((2, None, 0.2));
            let rewards = brings(first, second).map(|rate| if draws.next() < rate { 1.0 } else { 0.0 });
            choices.extend(slate(&customer.to_string(), first, second, rewards));
        }
        let found = estimate(&choices, &EstimateOptions::default()).unwrap();
        for (place, one) in [found.inverse_propensity, found.self_normalised, found.doubly_robust].into_iter().enumerate() {
            held[place] += u32::from(one.low <= truth && truth <= one.high);
            sums[place] += one.value;
            squares[place] += (one.value - truth) * (one.value - truth);
        }
    }
    for place in 0..3 {
        let share = f64::from(held[place]) / WORLDS as f64;
        assert!((share - 0.95).abs() < 0.024, "estimator {place} holds in {share}");
        let mean = sums[place] / WORLDS as f64;
        let error = (squares[place] / WORLDS as f64).sqrt() / (WORLDS as f64).sqrt();
        assert!((mean - truth).abs() < 4.0 * error, "estimator {place}: {mean} is not {truth}");
    }
    assert!(squares[2] < squares[0], "a model lessens the variance");
}

/// Two of five offers, at most one for the home; two carry the one thing that goes with a pot, so that one of them shuts out the other.
const SHELF: &str = "
playbook: shelf
version: 1
identity: {customer: {}}
events: {purchase: {sku: string}}
request: {rain: bool}
channels: {web: text}
arbitration: {explore: {epsilon_greedy: 0.6}}
placements:
  side: {channel: web}
  pair: {channel: web, slots: 2, diversity: {by: category, at_most: 1}}
catalog: {item: sku, bought: purchase, items: [{id: pot, complements: [tea]}, {id: tea}]}
suggestions: {with: {how: complements}}
offers:
  go: {suggest: {from: [with], at_most: 1}, value: 3, treatments: {web: {message: \"{{ item.id }}\"}}}
  also: {suggest: {from: [with], at_most: 1}, value: 2, treatments: {web: {message: \"{{ item.id }}\"}}}
  sofa: {category: home, value: 5, treatments: {web: {message: A sofa.}}}
  lamp: {category: home, value: 4, treatments: {web: {message: A lamp.}}}
  coat: {eligible: request.rain, propensity: {column: model, prior: 0.1}, value: 9, treatments: {web: {message: A coat.}}}
";

/// What was decided: offers by slot, with the probability of all together and what came of them.
type Decided = (Vec<(String, String)>, f64, f64);

/// One customer who bought a pot, asked with a seed; what comes of a slot depends on the slots up to it.
fn shelf(engine: &Engine, request: &Request, seed: u64) -> (CustomerBase, Decided) {
    let (who, now) = (Identifier::parse("customer:ada").unwrap(), at("2026-01-05T10:00:00Z"));
    let mut base = CustomerBase::new(engine.clone());
    base.record(&Event::new("purchase", at("2026-01-02T10:00:00Z"), who.clone()).with("sku", "pot")).unwrap();
    let decision = base.decide(&who, &request.clone().seeded(seed), now, None).unwrap();
    let (mut offers, mut chance, mut reward) = (Vec::new(), 1.0, 0.0);
    for answer in &decision.placements {
        for ranked in answer.offers() {
            offers.push((answer.placement.to_string(), ranked.offer.to_string()));
            chance *= ranked.probability.unwrap_or(1.0);
        }
    }
    let wins = |place: usize| {
        let (_, offer) = &offers[place];
        let first = offers.first().is_some_and(|(_, first)| first == "sofa" || first == "coat");
        place == 0 && ["lamp", "also"].contains(&offer.as_str()) || place > 0 && (first || offer == "lamp")
    };
    for event in decision.outcome("decided", now, &who) {
        base.record(&event).unwrap();
    }
    for (place, event) in decision.outcome("accepted", now.saturating_add_micros(60_000_000), &who).iter().enumerate() {
        if wins(place) {
            base.record(event).unwrap();
            reward += 1.0;
        }
    }
    (base, (offers, chance, reward))
}

/// Every answer that a playbook may give, by seed, until all of them are found.
fn all_answers(engine: &Engine, request: &Request) -> Vec<(u64, Decided)> {
    let mut found: Vec<(u64, Decided)> = Vec::new();
    for seed in 0..4_000 {
        let (_, decided) = shelf(engine, request, seed);
        if !found.iter().any(|(_, known)| known.0 == decided.0) {
            found.push((seed, decided));
            if found.iter().map(|(_, (_, chance, _))| chance).sum::<f64>() > 1.0 - 1e-9 {
                return found;
            }
        }
    }
    panic!("only {} answers were found", found.len());
}

/// Estimates of every answer that may be given, each weighed by how probable it is, are on average what the other playbook brings by
/// itself; whatever an answer of several slots or placements, diversity, items, facts and columns have to do with each other.
fn right_on_average(after: &str, request: &Request, with_receipts: bool) {
    let (before, after) = (engine(SHELF), engine(after));
    let truth: f64 = all_answers(&after, request).iter().map(|(_, (_, chance, reward))| chance * reward).sum();
    let (mut total, mut mean, mut weights) = (0.0, 0.0, 0.0);
    for (seed, (offers, chance, _)) in all_answers(&before, request) {
        let (base, _) = shelf(&before, request, seed);
        let options = HistoryOptions {
            rewards: BTreeMap::from([("accepted".to_owned(), Reward::Number(1.0))]),
            facts: vec![("rain".to_owned(), tactful::Value::Bool(true))],
            receipts: if with_receipts { vec![receipt(&base, request, seed)] } else { Vec::new() },
            ..HistoryOptions::at(at("2026-02-01T00:00:00Z"))
        };
        let found = base.off_policy(&after, &options).unwrap();
        assert_eq!((found.all.choices, found.all.slots), (1, offers.len() as u64));
        total += chance;
        mean += chance * found.all.inverse_propensity.value;
        weights += chance * found.all.mean_weight;
    }
    near(total, 1.0);
    near(weights, 1.0);
    near(mean, truth);
}

fn receipt(base: &CustomerBase, request: &Request, seed: u64) -> String {
    let facts: BTreeMap<&str, serde_json::Value> =
        request.facts.iter().map(|(name, value)| (name.as_str(), value.to_json())).collect();
    let mut scores: BTreeMap<&str, BTreeMap<&str, f64>> = BTreeMap::new();
    for (column, offer, number) in &request.scores {
        scores.entry(column).or_default().insert(offer, *number);
    }
    let asked = serde_json::json!({
        "query": "receipt", "identifier": "customer:ada", "now": "2026-01-05T10:00:00Z", "placements": request.placements,
        "facts": facts, "scores": scores, "seed": seed,
    });
    let answer: serde_json::Value = serde_json::from_str(&base.query(&asked.to_string()).unwrap()).unwrap();
    answer["receipt"].to_string()
}

fn without_column(text: &str) -> String {
    text.replace("propensity: {column: model, prior: 0.1}, ", "")
}

#[test]
fn slates_of_a_playbook_are_estimated_right_on_average() {
    let request = Request::of("pair").with("rain", true);
    let other = without_column(SHELF).replace("0.6", "0.3").replace("value: 4", "value: 40").replace("value: 2", "value: 30");
    right_on_average(&other, &request, false);
    right_on_average(&other.replace("arbitration: {explore: {epsilon_greedy: 0.3}}", ""), &request, false);
}

#[test]
fn what_a_receipt_tells_is_asked_again() {
    let both = Request { placements: vec!["side".into(), "pair".into()], ..Request::default() };
    let request = both.with("rain", true).scored("model", "coat", 0.9);
    let other = SHELF.replace("0.6", "0.9").replace("value: 4", "value: 7").replace("value: 9", "value: 8");
    right_on_average(&other, &request, true);
    // Nobody knows which placement was asked first, and which number the column had.
    let (base, _) = shelf(&engine(SHELF), &request, 1);
    let options = HistoryOptions { facts: vec![("rain".to_owned(), tactful::Value::Bool(true))], ..options() };
    let error = base.off_policy(&engine(&without_column(SHELF)), &options).unwrap_err();
    assert_eq!(error.code(), "no_choices");
    assert!(error.message().contains("1 of which is not known what was asked"), "{error}");
    let (base, _) = shelf(&engine(SHELF), &Request::of("side"), 1);
    assert_eq!(base.off_policy(&engine(SHELF), &options).unwrap_err().code(), "no_choices");
    let known = base.off_policy(&engine(&without_column(SHELF)), &options).unwrap();
    assert_eq!((known.all.choices, known.left_out.without_request), (1, 0));
    let unknown = HistoryOptions { facts: Vec::new(), ..options.clone() };
    assert_eq!(base.off_policy(&engine(&without_column(SHELF)), &unknown).unwrap_err().code(), "no_choices");

    let told = receipt(&base, &Request::of("side"), 1);
    let wrong = |text: String| {
        let options = HistoryOptions { receipts: vec![told.clone(), text], ..options.clone() };
        let error = base.off_policy(&engine(SHELF), &options).unwrap_err();
        (error.code(), error.path().to_owned())
    };
    assert_eq!(wrong("{}".to_owned()), ("wrong_receipt", "receipts[1]".to_owned()));
    assert_eq!(wrong(told.replace("\"seed\":1", "\"seed\":2")), ("wrong_receipt", "receipts[1]".to_owned()));
}

/// Where only some slots were seen, nobody knows what the others held.
#[test]
fn slates_that_are_not_told_whole_are_left_out() {
    let (mut base, _) = shelf(&engine(SHELF), &Request::of("pair"), 1);
    let (who, now) = (Identifier::parse("customer:ada").unwrap(), at("2026-01-08T10:00:00Z"));
    for day in 0..3 {
        let now = now.saturating_add_micros(i64::from(day) * 86_400_000_000);
        let decision = base.decide(&who, &Request::of("pair").seeded(5), now, None).unwrap();
        let events = decision.outcome("shown", now, &who);
        assert_eq!(events.len(), 2);
        let told = [&events[..1], &events[1..], &events[..]][day as usize];
        told.iter().for_each(|event| _ = base.record(event).unwrap());
    }
    let options = HistoryOptions { facts: vec![("rain".to_owned(), tactful::Value::Null)], ..options() };
    let found = base.off_policy(&engine(&without_column(SHELF)), &options).unwrap();
    assert_eq!((found.all.choices, found.left_out.incomplete), (2, 2));
}
