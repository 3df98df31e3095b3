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
    assert_eq!((found.all.choices, found.left_out.later_slots, found.left_out.without_probability), (41, 1, 1));
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
