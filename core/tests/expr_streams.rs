//! Streams: what follows what, rates, quantiles and streaks, against plain computations.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use proptest::prelude::*;
use std::sync::Arc;
use tactful::expr::{CompileOptions, Expression, NamedFacts, Outcome, Schema, TimeClass, value_text};
use tactful::value::{Type, Zone};
use tactful::{Timestamp, Value};

const NOW: &str = "2026-03-10T12:00:00Z";
const HOUR: i64 = 3_600_000_000;

fn schema() -> Arc<Schema> {
    let mut schema = Schema::new();
    schema.declare_fact("customer.limit", Type::Int, TimeClass::Step);
    schema.declare_fact("journey.lifecycle.since", Type::Timestamp, TimeClass::Step);
    for name in ["cart", "purchase", "return"] {
        schema.declare_event(name, [("sku".into(), Type::String), ("amount".into(), Type::Int)]);
    }
    Arc::new(schema)
}

fn time(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn base() -> NamedFacts {
    NamedFacts::of(schema(), time(NOW))
}

fn with(facts: NamedFacts, kind: &str, at: &str, sku: &str, amount: i64) -> NamedFacts {
    facts.with_event(kind, time(at), &[("sku", Value::text(sku)), ("amount", Value::Int(amount))])
}

fn show(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Value(value) => value_text(value),
        Outcome::Unknown(missing) => format!("unknown {}", missing.iter().collect::<Vec<_>>().join(" ")),
        Outcome::Error(error) => format!("error {}", error.code.name()),
    }
}

fn ask(text: &str, facts: &NamedFacts) -> String {
    let expression = Expression::compile(text, Some(&schema())).unwrap_or_else(|findings| panic!("{findings}"));
    show(&expression.evaluate(facts).outcome)
}

#[test]
fn an_abandoned_cart_is_one_that_no_purchase_follows_in_time() {
    let abandoned = "events(\"cart\").not_followed_by(\"purchase\", \"1h\", \"sku\").count()";
    let facts = with(base(), "cart", "2026-03-10T11:30:00Z", "a", 1);
    let expression = Expression::compile(abandoned, Some(&schema())).unwrap();
    // The hour has not passed: the cart is not abandoned yet, but it will be.
    let found = expression.evaluate(&facts);
    assert_eq!((show(&found.outcome).as_str(), found.until), ("0", Some(time("2026-03-10T12:30:00Z"))));
    assert_eq!(ask(abandoned, &facts.at(time("2026-03-10T12:30:00Z"))), "1");
    // A purchase of something else does not help; one of the same does, up to the last instant of the hour.
    let other = with(facts.clone(), "purchase", "2026-03-10T11:40:00Z", "b", 1);
    assert_eq!(ask(abandoned, &other.at(time("2026-03-10T13:00:00Z"))), "1");
    let bought = with(facts.clone(), "purchase", "2026-03-10T12:30:00Z", "a", 1);
    assert_eq!(ask(abandoned, &bought.at(time("2026-03-10T13:00:00Z"))), "0");
    let late = with(facts, "purchase", "2026-03-10T12:30:00.000001Z", "a", 1);
    assert_eq!(ask(abandoned, &late.at(time("2026-03-10T13:00:00Z"))), "1");
}

#[test]
fn nothing_named_may_come_between() {
    let facts = with(base(), "cart", "2026-03-01T10:00:00Z", "a", 1);
    let facts = with(facts, "return", "2026-03-01T11:00:00Z", "a", 1);
    let facts = with(facts, "purchase", "2026-03-01T12:00:00Z", "a", 5);
    assert_eq!(ask("events(\"cart\").followed_by(\"purchase\", \"7d\").count()", &facts), "1");
    assert_eq!(ask("events(\"cart\").followed_by(\"purchase\", \"7d\").without(\"return\").count()", &facts), "0");
    assert_eq!(ask("events(\"cart\").followed_by(\"purchase\", \"1h\").count()", &facts), "0");
    assert_eq!(ask("events(\"cart\").followed_by(events(\"purchase\").where(p, p.amount > 4)).exists()", &facts), "true");
    assert_eq!(ask("events(\"cart\").followed_by(events(\"purchase\").where(p, p.amount > 5)).exists()", &facts), "false");
    // Whether what follows is meant is not known, so the count is a range.
    let unsure = "events(\"cart\").followed_by(events(\"purchase\").where(p, p.amount > customer.limit)).count()";
    assert_eq!(ask(unsure, &facts), "unknown customer.limit");
    assert_eq!(ask(&format!("{unsure} <= 1"), &facts), "true");
    assert_eq!(ask("events(\"cart\").not_followed_by(\"cart\").last(\"sku\")", &facts), "\"a\"");
    assert_eq!(ask("events(\"purchase\").between(timestamp(\"2026-03-01T12:00:00Z\"), now).count()", &facts), "1");
    assert_eq!(
        ask(
            "events(\"cart\").between(timestamp(\"2026-03-01T09:00:00Z\"), timestamp(\"2026-03-01T10:00:00Z\")).count()",
            &facts
        ),
        "0"
    );
}

#[test]
fn a_stage_is_a_window() {
    let facts = with(base(), "cart", "2026-03-01T10:00:00Z", "a", 1);
    let told = |since: &str| facts.clone().with("journey.lifecycle.since", Value::from(time(since)));
    let text = "events(\"cart\").in_stage(\"lifecycle\").count()";
    assert_eq!(ask(text, &facts), "unknown journey.lifecycle.since");
    assert_eq!(ask(text, &told("2026-03-01T10:00:00Z")), "1");
    assert_eq!(ask(text, &told("2026-03-02T10:00:00Z")), "0");
    let schema = schema();
    let own = CompileOptions { journey: "lifecycle", ..CompileOptions::new(Some(&schema)) };
    let expression = Expression::compile_with("events(\"cart\").in_stage().count()", &own).unwrap();
    assert_eq!(show(&expression.evaluate(&told("2026-03-01T10:00:00Z")).outcome), "1");
    assert!(expression.checked().reads().facts.contains(&schema.fact("journey.lifecycle.since").unwrap()));
}

#[test]
fn rates_are_per_day() {
    let mut facts = base();
    for day in 1..=9 {
        facts = with(facts, "cart", &format!("2026-03-0{day}T12:00:00Z"), "a", day);
    }
    assert_eq!(ask("events(\"cart\").within(\"4d\").rate()", &facts), "0.75");
    assert_eq!(ask("events(\"cart\").rate()", &facts), "1.0");
    assert_eq!(ask("events(\"purchase\").within(\"4d\").rate()", &facts), "0.0");
    assert_eq!(ask("events(\"purchase\").rate()", &facts), "unknown events.purchase");
    let between = "events(\"cart\").between(timestamp(\"2026-03-01T00:00:00Z\"), timestamp(\"2026-03-05T00:00:00Z\")).rate()";
    assert_eq!(ask(between, &facts), "1.0");
    assert_eq!(ask("events(\"cart\").quantile(\"amount\", 0.9)", &facts), "9");
    assert_eq!(ask("events(\"cart\").quantile(\"amount\", 0.5)", &facts), "5");
    assert_eq!(ask("events(\"cart\").quantile(\"amount\", 0)", &facts), "1");
    assert_eq!(ask("events(\"cart\").least_frequent(\"sku\")", &facts), "\"a\"");
    assert_eq!(ask("events(\"purchase\").quantile(\"amount\", 0.5)", &facts), "unknown events.purchase");
}

#[test]
fn streaks_end_now_or_with_the_unit_before() {
    let facts = base().with_zone(Zone::UTC);
    let weeks = "events(\"cart\").streak(\"week\")";
    assert_eq!(ask(weeks, &base()), "unknown customer.time_zone");
    assert_eq!(ask(weeks, &facts), "0");
    // The week of 10 March begins on the 9th.
    let facts = with(facts, "cart", "2026-03-08T23:00:00Z", "a", 1);
    let facts = with(facts, "cart", "2026-02-17T01:00:00Z", "a", 1);
    assert_eq!(ask(weeks, &facts), "1");
    let facts = with(facts, "cart", "2026-02-23T00:00:00Z", "a", 1);
    assert_eq!(ask(weeks, &facts), "3");
    assert_eq!(ask(weeks, &with(facts.clone(), "cart", "2026-03-10T01:00:00Z", "a", 1)), "4");
    let expression = Expression::compile(weeks, Some(&schema())).unwrap();
    assert_eq!(expression.evaluate(&facts).until, Some(time("2026-03-16T00:00:00Z")));
    assert_eq!(ask(weeks, &facts.at(time("2026-03-16T00:00:00Z"))), "0");
}

#[test]
fn mistakes_in_streams_are_explained() {
    for (text, part) in [
        ("events(\"cart\").followed_by(\"purchas\").count()", "did you mean `purchase`?"),
        ("events(\"cart\").followed_by(\"purchase\", \"7d\", \"sk\").count()", "did you mean `sku`?"),
        ("events(\"cart\").without(\"return\").count()", "after `followed_by`"),
        ("events(\"cart\").followed_by().count()", "takes an event type"),
        ("events(\"cart\").followed_by(events(\"purchase\").within(\"7d\")).count()", "no window of its own"),
        ("events(\"cart\").quantile(\"amount\", 90)", "a number from 0 to 1"),
        ("events(\"cart\").streak(\"year\")", "takes `\"day\"`, `\"week\"` or `\"month\"`"),
        ("events(\"cart\").between(now).count()", "takes two timestamps"),
        ("events(\"cart\").rate(\"amount\")", "takes nothing"),
        ("events(\"cart\").in_stage().count()", "name the journey"),
        ("events(\"cart\").in_stage(\"life\").count()", "unknown name `journey(\"life\").since`"),
    ] {
        let findings = Expression::compile(text, Some(&schema())).map(|_| ()).expect_err(text);
        assert!(findings.to_string().contains(part), "{text}\n{findings}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn followers_are_those_that_a_plain_search_finds(
        events in prop::collection::vec((0..3usize, 0..60i64, 0..2usize), 0..14),
        hours in 1..30i64, by in any::<bool>(), without in any::<bool>(), negated in any::<bool>(),
    ) {
        let names = ["cart", "purchase", "return"];
        let start = time("2026-03-08T00:00:00Z");
        let mut facts = base();
        let mut story: Vec<(i64, usize, usize)> = Vec::new();
        for (kind, hour, sku) in &events {
            let sku_text = ["a", "b"][*sku];
            facts = with(facts, names[*kind], &start.saturating_add_micros(hour * HOUR).to_string(), sku_text, 1);
            story.push((*hour, *kind, *sku));
        }
        story.sort_by_key(|(hour, ..)| *hour);
        let now = 60;
        let matched = |a: usize, b: usize| !by || a == b;
        let count = (0..story.len()).filter(|at| {
            let (hour, kind, sku) = story[*at];
            let mut followed = false;
            for (later, next, other) in &story[at + 1..] {
                if without && *next == 2 && matched(*other, sku) {
                    break;
                }
                followed |= *next == 1 && matched(*other, sku) && *later <= hour + hours;
            }
            kind == 0 && if negated { !followed && hour + hours <= now } else { followed }
        }).count();
        let text = format!(
            "events(\"cart\").{}(\"purchase\", \"{hours}h\"{}){}.count()",
            if negated { "not_followed_by" } else { "followed_by" },
            if by { ", \"sku\"" } else { "" },
            if without { ".without(\"return\")" } else { "" },
        );
        prop_assert_eq!(ask(&text, &facts), count.to_string(), "{} {:?}", text, story);
    }

    #[test]
    fn a_quantile_is_the_nearest_rank(mut values in prop::collection::vec(0..50i64, 1..30), hundredths in 0..=100i64) {
        let mut facts = base();
        for value in &values {
            facts = with(facts, "cart", "2026-03-01T00:00:00Z", "a", *value);
        }
        values.sort_unstable();
        let count = i64::try_from(values.len()).unwrap();
        let found = ask(&format!("events(\"cart\").quantile(\"amount\", {}.{:02})", hundredths / 100, hundredths % 100), &facts);
        let smallest = values.iter().find(|value| {
            let below = i64::try_from(values.iter().filter(|other| other <= value).count()).unwrap();
            below * 100 >= hundredths * count
        });
        prop_assert_eq!(found, smallest.unwrap().to_string());
    }
}
