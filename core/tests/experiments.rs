//! Experiments: shares come out as declared, exposures stick, groups exclude each other.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use tactful::base::CustomerBase;
use tactful::measure::goodness_of_fit;
use tactful::{Assigned, Decision, Engine, Event, Identifier, Request, Timestamp};

fn engine(experiments: &str) -> Engine {
    let playbook = format!(
        "playbook: shop\nversion: 1\nidentity: {{customer: {{}}}}\nevents: {{view: {{}}}}\nchannels: {{web: text}}\n\
         placements: {{home: {{channel: web}}}}\noffers:\n  one: {{treatments: {{web: {{message: One.}}}}}}\nexperiments:\n{experiments}"
    );
    Engine::compile(&[("shop.yaml", &playbook)]).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn time(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn ask(engine: &Engine, name: &str) -> Decision {
    let customer = engine.customer(&Identifier::parse(name).unwrap()).unwrap();
    engine.decide(&customer, &Request::of("home"), time("2026-01-01T00:00:00Z"), None).unwrap()
}

fn variants(engine: &Engine, name: &str) -> serde_json::Value {
    let customer = engine.customer(&Identifier::parse(name).unwrap()).unwrap();
    let answer = engine.query(&customer, r#"{"query": "experiments", "now": "2026-01-01T00:00:00Z"}"#).unwrap();
    serde_json::from_str::<serde_json::Value>(&answer).unwrap()["experiments"].take()
}

#[test]
fn shares_come_out_as_declared() {
    let engine = engine("  hero: {holdout: 5%, variants: {a: 25%, b: 70%}}\n");
    let mut counts = [0_u64; 3];
    for customer in 0..20_000 {
        let found = variants(&engine, &format!("customer:{customer}"));
        let place = ["holdout", "a", "b"].iter().position(|name| found[0]["variant"] == **name).unwrap();
        counts[place] += 1;
    }
    let fit = goodness_of_fit(&counts, &[0.05, 0.25, 0.7]).unwrap();
    assert!(fit.p_value > 0.001, "{counts:?}: {fit:?}");
}

#[test]
fn nobody_takes_part_in_two_experiments_of_a_group() {
    let engine = engine(
        "  left: {group: page, share: 30%, variants: {a: 50%, b: 50%}}\n  right: {group: page, share: 60%, variants: {a: 50%, b: 50%}}\n",
    );
    let mut counts = [0_u64; 3];
    let mut variants_of_right = [0_u64; 2];
    for customer in 0..10_000 {
        let found = variants(&engine, &format!("customer:{customer}"));
        let takes_part = |number: usize| !found[number]["variant"].is_null();
        assert!(!(takes_part(0) && takes_part(1)));
        counts[if takes_part(0) {
            0
        } else if takes_part(1) {
            1
        } else {
            2
        }] += 1;
        if takes_part(1) {
            variants_of_right[usize::from(found[1]["variant"] == "b")] += 1;
        }
    }
    assert!(goodness_of_fit(&counts, &[0.3, 0.6, 0.1]).unwrap().p_value > 0.001, "{counts:?}");
    // Who takes part and which variant they get are two throws of the dice.
    assert!(goodness_of_fit(&variants_of_right, &[0.5, 0.5]).unwrap().p_value > 0.001, "{variants_of_right:?}");
}

#[test]
fn who_was_exposed_keeps_the_variant_when_the_weights_change() {
    let before = engine("  hero: {holdout: 50%}\n");
    let after = engine("  hero: {holdout: 0.01%}\n");
    let held = (0..50).map(|number| format!("customer:{number}")).find(|name| ask(&before, name).offers().next().is_none());
    let held = held.unwrap();
    assert!(ask(&after, &held).offers().next().is_some(), "without an exposure the new weights count");

    let mut base = CustomerBase::new(before);
    let (identifier, now) = (Identifier::parse(&held).unwrap(), time("2026-01-01T00:00:00Z"));
    base.record(&Event::new("view", now, identifier.clone())).unwrap();
    let decision = base.decide(&identifier, &Request::of("home"), now, None).unwrap();
    assert_eq!(decision.assigned, [Assigned { experiment: "hero".into(), variant: "holdout".into() }]);
    assert!(decision.outcome("clicked", now, &identifier).is_empty());
    for event in decision.outcome("decided", now, &identifier) {
        base.record(&event).unwrap();
    }
    let base = CustomerBase::from_bytes(after, &base.to_bytes()).unwrap();
    let later = base.explain(&identifier, &Request::of("home"), time("2026-02-01T00:00:00Z"), None).unwrap();
    assert!(later.offers().next().is_none());
    assert!(later.trace.unwrap().to_string().contains("held out by `hero` since the first exposure"));
}

#[test]
fn explaining_exposes_to_no_more_than_deciding() {
    let engine = engine("  hero: {holdout: 50%}\n  other: {holdout: 50%}\n");
    for number in 0..50 {
        let customer = engine.customer(&Identifier::parse(&format!("customer:{number}")).unwrap()).unwrap();
        let (request, now) = (Request::of("home"), time("2026-01-01T00:00:00Z"));
        let decided = engine.decide(&customer, &request, now, None).unwrap();
        let explained = engine.explain(&customer, &request, now, None).unwrap();
        assert_eq!(decided.assigned, explained.assigned);
    }
}

#[test]
fn state_may_read_the_lot_of_a_unique_identifier_and_no_exposure() {
    let mistake = |segment: &str, unique: bool| {
        let playbook = format!(
            "playbook: shop\nversion: 1\nidentity: {{customer: {{unique: {unique}}}}}\nsegments:\n  in_short: {segment}\n\
             experiments:\n  path: {{by: customer, variants: {{short: 50%, long: 50%}}}}\n  old: {{holdout: 5%}}\n"
        );
        Engine::compile(&[("shop.yaml", &playbook)]).err().map(|mistakes| {
            let found = &mistakes.0[0];
            format!("{}: {}; {}", found.code, found.message, found.hint.as_deref().unwrap_or_default())
        })
    };
    assert_eq!(mistake(r#"drawn("path") == "short""#, true), None);
    let undrawn = |name: &str| {
        format!(
            "unknown_name: unknown name `drawn(\"{name}\")`; the experiment needs a namespace `by` that is `unique`, so that nobody has two lots"
        )
    };
    assert_eq!(mistake(r#"drawn("path") == "short""#, false).unwrap_or_default(), undrawn("path"));
    assert_eq!(mistake(r#"drawn("old") == "holdout""#, true).unwrap_or_default(), undrawn("old"));
    assert_eq!(
        mistake(r#"experiment("path") == "short""#, true).unwrap_or_default(),
        "experiment_in_state: `experiment.path` is decided with a question, but this holds between questions too; \
         read it in an offer's conditions instead, or read `drawn(…)`, the variant by the hash alone"
    );
}
