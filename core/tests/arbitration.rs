//! Arbitration: factors, groups in their order, exploration, slots, diversity; and the laws that hold of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use tactful::trends::Snapshot;
use tactful::{Decision, Engine, Event, Identifier, Request, Timestamp, Value};

fn engine(rest: &str) -> Engine {
    let playbook = format!(
        "playbook: shop\nversion: 1\nidentity: {{customer: {{}}}}\nevents: {{view: {{sku: string}}}}\n\
         attributes: {{age: int}}\nsegments: {{grown: 'customer.age >= 18', old: 'customer.age >= 65'}}\n\
         channels: {{web: text, mail: text}}\n{rest}"
    );
    Engine::compile(&[("shop.yaml", &playbook)]).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn time(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

const NOW: &str = "2026-03-10T00:00:00Z";

fn ask(engine: &Engine, customer: &str, request: &Request) -> Decision {
    let customer = engine.customer(&Identifier::parse(customer).unwrap()).unwrap();
    let decided = engine.decide(&customer, request, time(NOW), None).unwrap();
    let explained = engine.explain(&customer, request, time(NOW), None).unwrap();
    assert_eq!(decided.placements, explained.placements);
    decided
}

fn names(decision: &Decision) -> Vec<&str> {
    decision.offers().map(|offer| &*offer.offer).collect()
}

/// Customers to whom offers were shown, some of whom clicked: by offer (shown, clicked).
fn counted(engine: &Engine, offers: &[(&str, u32, u32)]) -> Arc<Snapshot> {
    let mut trends = engine.trends();
    for (offer, shown, clicked) in offers {
        for number in 0..*shown {
            let identifier = Identifier::parse(&format!("customer:{offer}_{number}")).unwrap();
            let mut customer = engine.customer(&identifier).unwrap();
            let outcomes = ["shown", "clicked"].into_iter().take(if number < *clicked { 2 } else { 1 });
            for outcome in outcomes {
                let event = Event::new(outcome, time("2026-03-01T10:00:00Z"), identifier.clone())
                    .with_id(outcome)
                    .through("web")
                    .with("offer", *offer)
                    .with("placement", "home");
                engine.record(&mut customer, &event, None).unwrap();
            }
            engine.observe(&mut trends, &customer);
        }
    }
    Arc::new(trends.snapshot(time(NOW), None).unwrap())
}

fn learned(explore: &str, slots: u32) -> Engine {
    let factor = "{learned: clicked, prior: 0.1, weight: 10, by: offer}";
    engine(&format!(
        "arbitration: {{explore: {explore}}}\nplacements: {{home: {{channel: web, slots: {slots}}}}}\noffers:\n{}",
        ["a", "b", "c"]
            .map(|name| format!("  {name}: {{propensity: {factor}, treatments: {{web: {{message: {name}}}}}}}\n"))
            .join("")
    ))
}

#[test]
fn what_was_learned_is_the_mean_of_the_posterior() {
    let engine = learned("{ucb: 0.000001}", 3);
    let trends = counted(&engine, &[("a", 40, 20), ("b", 40, 10)]);
    let decision = ask(&engine, "customer:1", &Request::of("home").with_trends(trends.clone()));
    assert_eq!(names(&decision), ["a", "b", "c"]);
    // (1 + 20) / (10 + 40), (1 + 10) / (10 + 40), and the prior alone.
    for (offer, mean) in decision.offers().zip([0.42, 0.22, 0.1]) {
        assert!((offer.score - mean).abs() < 1e-5, "{offer:?}");
    }
    assert_eq!(decision.trends.as_deref(), Some(&*trends.digest()));
    // Without trends all are equal, and the order of the playbook decides.
    assert_eq!(names(&ask(&engine, "customer:1", &Request::of("home"))), ["a", "b", "c"]);
}

#[test]
fn choices_come_as_often_as_their_probability_says() {
    for (explore, tolerance) in [("thompson", 0.03), ("{epsilon_greedy: 0.3}", 0.03)] {
        let engine = learned(explore, 2);
        let trends = counted(&engine, &[("a", 40, 14), ("b", 40, 12), ("c", 20, 0)]);
        let mut shares: BTreeMap<String, (f64, f64)> = BTreeMap::new();
        let mut pairs: BTreeMap<(String, String), (u32, f64)> = BTreeMap::new();
        let count = 4_000;
        for customer in 0..count {
            let request = Request::of("home").with_trends(trends.clone()).seeded(5);
            let decision = ask(&engine, &format!("customer:{customer}"), &request);
            let chosen: Vec<_> = decision.offers().collect();
            let [first, second] = chosen[..] else { panic!("two slots") };
            let share = shares.entry(first.offer.to_string()).or_default();
            *share = (share.0 + 1.0, first.probability.unwrap());
            let pair = pairs.entry((first.offer.to_string(), second.offer.to_string())).or_default();
            *pair = (pair.0 + 1, second.probability.unwrap());
        }
        for (offer, (times, probability)) in &shares {
            let share = times / f64::from(count);
            assert!((share - probability).abs() < tolerance, "{explore}: {offer} {share} for {probability}");
        }
        for ((first, second), (times, probability)) in &pairs {
            let share = f64::from(*times) / shares[first].0;
            let off = 0.03 + 4.0 * (0.25 / shares[first].0).sqrt();
            assert!((share - probability).abs() < off, "{explore}: {second} after {first}: {share} for {probability}");
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_choice_and_outcomes_tell_the_probability() {
    let engine = learned("{epsilon_greedy: 0.9}", 1);
    let one = |seed: u64| ask(&engine, "customer:1", &Request::of("home").seeded(seed));
    assert_eq!(one(3).to_json(), one(3).to_json());
    let chosen: std::collections::BTreeSet<String> = (0..50).map(|seed| names(&one(seed)).concat()).collect();
    assert_eq!(chosen.len(), 3, "{chosen:?}");
    assert_ne!(one(3).id, one(4).id);
    let events = one(3).outcome("decided", time(NOW), &Identifier::parse("customer:1").unwrap());
    let told = events.iter().flat_map(|event| &event.properties).find(|(name, _)| &**name == "probability");
    let probability = one(3).offers().next().unwrap().probability.unwrap();
    assert_eq!(told.map(|(_, value)| value.clone()), Some(Value::Double(probability)));
    let mut customer = engine.customer(&Identifier::parse("customer:1").unwrap()).unwrap();
    events.iter().for_each(|event| drop(engine.record(&mut customer, event, None).unwrap()));
}

#[test]
fn columns_come_with_the_request() {
    let engine = engine(
        "placements: {home: {channel: web, slots: 3}}\noffers:\n\
         \x20 a: {propensity: {column: model, prior: 0.2}, treatments: {web: {message: a}}}\n\
         \x20 b: {propensity: {column: model}, treatments: {web: {message: b}}}\n",
    );
    let scored = Request::of("home").scored("model", "a", 0.1).scored("model", "b", 0.3);
    assert_eq!(names(&ask(&engine, "customer:1", &scored)), ["b", "a"]);
    assert_eq!(names(&ask(&engine, "customer:1", &Request::of("home"))), ["a"]);
    // What is no number is unknown.
    let wrong = Request::of("home").scored("model", "a", f64::NAN).scored("model", "b", f64::INFINITY);
    let decision = ask(&engine, "customer:1", &wrong);
    assert_eq!(decision.offers().map(|offer| offer.score).collect::<Vec<_>>(), [0.2]);
    let customer = engine.customer(&Identifier::parse("customer:1").unwrap()).unwrap();
    let trace = engine.explain(&customer, &wrong, time(NOW), None).unwrap().trace.unwrap();
    assert_eq!(trace.candidates[1].reasons, ["`propensity` is no number in column `model` and has no prior"]);
    for (column, offer, code) in [("modle", "a", "unknown_column"), ("model", "z", "unknown_offer")] {
        let error = engine.decide(&customer, &Request::of("home").scored(column, offer, 1.0), time(NOW), None).unwrap_err();
        assert_eq!((error.code(), error.path()), (code, &*format!("scores.{column}.{offer}")));
    }
    let twice = Request::of("home").scored("model", "a", 1.0).scored("model", "a", 1.0);
    assert_eq!(engine.decide(&customer, &twice, time(NOW), None).unwrap_err().code(), "score_twice");
}

#[test]
fn rules_read_trends() {
    let engine = engine(
        "placements: {home: {channel: web, slots: 9}}\nrequest: {sku: string}\n\
         trends: {popular: {count: view, by: sku, half_life: 7d, k: 2}}\noffers:\n\
         \x20 often: {value: 'trend(\"popular\").count(request.sku)', treatments: {web: {message: a}}}\n\
         \x20 part: {value: 'trend(\"popular\").share(\"lamp\")', treatments: {web: {message: b}}}\n\
         \x20 daily: {value: 'trend(\"popular\").per_day()', treatments: {web: {message: c}}}\n\
         \x20 rare: {eligible: 'trend(\"popular\").count(\"rug\") > 0.0', treatments: {web: {message: d}}}\n",
    );
    let mut trends = engine.trends();
    for number in 0..6 {
        let identifier = Identifier::parse(&format!("customer:{number}")).unwrap();
        let mut customer = engine.customer(&identifier).unwrap();
        let sku = if number < 3 {
            "lamp"
        } else if number < 5 {
            "vase"
        } else {
            "rug"
        };
        let event = Event::new("view", time("2026-03-01T10:00:00Z"), identifier).with("sku", sku);
        engine.record(&mut customer, &event, None).unwrap();
        engine.observe(&mut trends, &customer);
    }
    let snapshot = trends.snapshot(time("2026-03-02T00:00:00Z"), None).unwrap();
    let read = snapshot.read("popular", &[("sku", "lamp")], time("2026-03-09T00:00:00Z")).unwrap().unwrap();
    assert_eq!(read.count, 1.5);
    let request = Request::of("home").with("sku", "lamp").with_trends(Arc::new(snapshot));
    let customer = engine.customer(&Identifier::parse("customer:1").unwrap()).unwrap();
    let decision = engine.explain(&customer, &request, time("2026-03-09T00:00:00Z"), None).unwrap();
    let scores: BTreeMap<&str, f64> = decision.offers().map(|offer| (&*offer.offer, offer.score)).collect();
    // Half a week's worth is left; of five that are told of three are lamps.
    assert_eq!(scores["often"], 1.5);
    assert_eq!(scores["part"], 0.6);
    assert!((scores["daily"] - 2.5 * std::f64::consts::LN_2 / 7.0).abs() < 1e-12);
    let rare = decision.trace.unwrap().candidates.into_iter().find(|one| &*one.offer == "rare").unwrap();
    assert!(rare.unknown && rare.reasons[0].contains("trend(\"popular\").count"), "{:?}", rare.reasons);
    // Trends of another playbook, and of the future.
    let early = engine.decide(&customer, &request, time("2026-03-01T00:00:00Z"), None).unwrap_err();
    assert_eq!((early.code(), early.path()), ("too_early", "trends"));
    let other = learned("thompson", 1);
    let other = Request::of("home").with_trends(counted(&other, &[]));
    assert_eq!(engine.decide(&customer, &other, time(NOW), None).unwrap_err().code(), "other_trends");
}

/// A playbook of offers with groups and traits.
fn grouped(sequence: &str, placements: &str, offers: &[(i64, &str, &str, bool)]) -> Engine {
    let offers: String = offers
        .iter()
        .enumerate()
        .map(|(number, (value, group, dimension, mandatory))| {
            let group = if group.is_empty() { String::new() } else { format!("group: {group}, ") };
            format!(
                "  o{number}: {{value: {value}, {group}dimension: {dimension}, mandatory: {mandatory}, \
                 treatments: {{web: {{message: x}}, mail: {{message: x}}}}}}\n"
            )
        })
        .collect();
    engine(&format!(
        "groups: {{g: {{}}, h: {{}}}}\narbitration: {{sequence: {sequence}}}\nplacements:\n{placements}offers:\n{offers}"
    ))
}

fn any_offers() -> impl Strategy<Value = Vec<(i64, &'static str, &'static str, bool)>> {
    let dimension = prop::sample::select(vec!["content", "commerce", "community", "convenience"]);
    prop::collection::vec((0..4_i64, prop::sample::select(vec!["", "g", "h"]), dimension, prop::bool::weighted(0.2)), 1..9)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Mandatory offers, then the steps of the sequence, then score, then the order of the playbook.
    #[test]
    fn offers_come_in_the_documented_order(offers in any_offers(), together in any::<bool>()) {
        let sequence = if together { "[[h, g]]" } else { "[h, g]" };
        let engine = grouped(sequence, "  home: {channel: web, slots: 9}\n", &offers);
        let found = ask(&engine, "customer:1", &Request::of("home"));
        let step = |place: usize| match offers[place] {
            (_, _, _, true) => 0,
            (_, "h", _, _) => 1,
            (_, "g", _, _) => if together { 1 } else { 2 },
            _ => 3,
        };
        let mut expected: Vec<usize> = (0..offers.len()).collect();
        expected.sort_by_key(|place| (step(*place), -offers[*place].0, *place));
        let expected: Vec<String> = expected.into_iter().map(|place| format!("o{place}")).collect();
        prop_assert_eq!(names(&found), expected);
    }

    /// No offer twice unless allowed, and at most as many of a kind as allowed; what could still be shown is.
    #[test]
    fn slots_keep_apart_what_is_to_be_kept_apart(
        offers in any_offers(), slots in 1..5_u32, most in 1..3_u32, repeats in any::<bool>(), request in any::<bool>(),
    ) {
        let within = if request { "request" } else { "placement" };
        let placements = format!(
            "  home: {{channel: web, slots: {slots}}}\n  side: {{channel: mail, slots: {slots}, repeats: {repeats}, \
             diversity: {{by: dimension, at_most: {most}, within: {within}}}}}\n"
        );
        let engine = grouped("[]", &placements, &offers);
        let both = Request { placements: vec!["home".to_owned(), "side".to_owned()], ..Request::default() };
        let decision = ask(&engine, "customer:1", &both);
        let home: Vec<&str> = decision.placements[0].offers().iter().map(|offer| &*offer.offer).collect();
        let side: Vec<&str> = decision.placements[1].offers().iter().map(|offer| &*offer.offer).collect();
        let kind = |name: &str| offers[name[1..].parse::<usize>().unwrap()].2;
        let mut kinds: BTreeMap<&str, u32> = BTreeMap::new();
        for name in side.iter().chain(home.iter().filter(|_| request)) {
            *kinds.entry(kind(name)).or_default() += 1;
        }
        for name in &side {
            prop_assert!(repeats || !home.contains(name));
            let own = side.iter().filter(|other| kind(other) == kind(name)).count();
            prop_assert!(own <= most as usize);
        }
        if (side.len() as u32) < slots {
            for number in 0..offers.len() {
                let name = format!("o{number}");
                let shown = side.contains(&&*name) || (!repeats && home.contains(&&*name));
                prop_assert!(shown || kinds.get(kind(&name)).copied().unwrap_or(0) >= most, "{name} could be shown");
            }
        }
    }

    /// The sum of the probabilities of all that could be taken is 1, whatever is explored.
    #[test]
    fn some_offer_is_taken(counts in prop::collection::vec((10..40_u32, 0..40_u32), 3), explore in 0..3_usize, seed in any::<u64>()) {
        let engine = learned(["thompson", "{epsilon_greedy: 0.2}", "{ucb: 1.4}"][explore], 1);
        let offers: Vec<(&str, u32, u32)> =
            ["a", "b", "c"].into_iter().zip(&counts).map(|(name, (shown, clicked))| (name, *shown, *clicked.min(shown))).collect();
        let request = Request::of("home").with_trends(counted(&engine, &offers)).seeded(seed);
        let customer = engine.customer(&Identifier::parse("customer:1").unwrap()).unwrap();
        let trace = engine.explain(&customer, &request, time(NOW), None).unwrap().trace.unwrap();
        let sum: f64 = trace.candidates.iter().filter_map(|one| one.probability).sum();
        prop_assert!((sum - 1.0).abs() < 0.02, "{sum}");
    }
}

#[test]
fn a_formula_stands_in_place_of_the_product() {
    let engine = engine(
        "arbitration: {formula: 'offer.propensity * (offer.margin - 1.0) + (customer.age > 60 ? offer.lever : 0.0)'}\n\
         placements: {home: {channel: web, slots: 3}, plain: {channel: web, slots: 3, arbitration: {}}}\noffers:\n\
         \x20 a: {propensity: 0.5, margin: 9, treatments: {web: {message: a}}}\n\
         \x20 b: {propensity: 0.5, margin: 3.5, lever: 4, treatments: {web: {message: b}}}\n",
    );
    let identifier = Identifier::parse("customer:1").unwrap();
    let mut customer = engine.customer(&identifier).unwrap();
    let silent = engine.decide(&customer, &Request::of("home"), time(NOW), None).unwrap();
    assert!(names(&silent).is_empty(), "an age that is not known leaves no score");
    for (age, order) in [(70, ["b", "a"]), (40, ["a", "b"])] {
        let at = time(NOW).saturating_add_micros(100 - age);
        let event = Event::new("attribute_set", at, identifier.clone()).with("attribute", "age").with("value", age);
        engine.record(&mut customer, &event.with_id(&age.to_string()), None).unwrap();
        let now = time("2026-03-11T00:00:00Z");
        assert_eq!(names(&engine.decide(&customer, &Request::of("home"), now, None).unwrap()), order, "{age}");
    }
    assert_eq!(names(&engine.decide(&customer, &Request::of("plain"), time(NOW), None).unwrap()), ["b", "a"]);
}

/// Weights of a group and of the one around it are added to those of the offer, whose prior counts before theirs.
#[test]
fn weights_of_groups_are_added_to_those_of_their_offers() {
    let playbook = "playbook: shop\nversion: 1\nidentity: {customer: {}}\nattributes: {at_risk: bool}\nchannels: {web: text}
placements: {home: {channel: web, slots: 5}}
groups:
  issue: {lever: {weights: [{when: true, add: 20}]}, context: {weights: [{when: customer.at_risk, add: 100}], prior: 3}}
  part: {of: issue, lever: {weights: [{when: true, add: 25}, {when: false, add: 1000}]}}
offers:
  own: {group: part, lever: {weights: [{when: true, add: 10}]}, context: {weights: [], prior: 2}, treatments: {web: {message: A}}}
  bare: {group: part, treatments: {web: {message: B}}}
  outer: {group: issue, treatments: {web: {message: C}}}
  alone: {lever: {weights: [{when: true, add: 10}]}, treatments: {web: {message: D}}}
";
    let engine = Engine::compile(&[("shop.yaml", playbook)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let customer = engine.customer(&Identifier::parse("customer:ada").unwrap()).unwrap();
    let trace = engine.explain(&customer, &Request::of("home"), time(NOW), None).unwrap().trace.unwrap();
    let scores: Vec<_> = trace
        .candidates
        .iter()
        .map(|candidate| (&*candidate.offer, candidate.score.map(|score| (score.context, score.lever))))
        .collect();
    let expected = [("own", (2.0, 1.55)), ("bare", (3.0, 1.45)), ("outer", (3.0, 1.2)), ("alone", (1.0, 1.1))];
    assert_eq!(scores, expected.map(|(name, score)| (name, Some(score))));
    // A mistake in a group is told once, however many offers it has.
    let mistakes = Engine::compile(&[("shop.yaml", &playbook.replace("customer.at_risk", "customer.rich"))]).unwrap_err();
    assert_eq!(mistakes.to_string().matches("error[").count(), 1, "{mistakes}");
}
