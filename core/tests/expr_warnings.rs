//! Warnings about conditions that compile but are probably not meant.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use proptest::prelude::*;
use std::sync::Arc;
use tactful::expr::{Expression, NamedFacts, Outcome, Schema, TimeClass, repeated};
use tactful::value::{Currency, Decimal, Duration, Type};
use tactful::{Timestamp, Value};

fn schema() -> Arc<Schema> {
    let mut schema = Schema::new();
    let euros = Type::Money { currency: Currency::parse("EUR").unwrap(), scale: 2 };
    schema.declare_fact("customer.age", Type::Int, TimeClass::Step);
    schema.declare_fact("customer.points", Type::Uint, TimeClass::Step);
    schema.declare_fact("customer.score", Type::Double, TimeClass::Step);
    schema.declare_fact("customer.name", Type::String, TimeClass::Step);
    schema.declare_fact("customer.city", Type::Enum(["Bonn".into(), "Rome".into()].into()), TimeClass::Step);
    schema.declare_fact("customer.balance", euros, TimeClass::Step);
    schema.declare_fact("persona.thrifty", Type::Double, TimeClass::Other);
    schema.declare_fact("segment.loyal", Type::Bool, TimeClass::Step);
    let fax = schema.declare_fact("customer.fax", Type::String, TimeClass::Step);
    schema.retire(fax);
    schema.declare_event("purchase", [("sku".into(), Type::String), ("quantity".into(), Type::Int)]);
    let view = schema.declare_event("view", [("sku".into(), Type::String)]);
    schema.keep_for(view, Duration::parse("30d").unwrap());
    Arc::new(schema)
}

fn compile(text: &str) -> Expression {
    Expression::compile(text, Some(&schema())).unwrap_or_else(|findings| panic!("{findings}"))
}

fn warnings(text: &str) -> Vec<String> {
    compile(text).checked().warnings().iter().map(|warning| format!("{}: {}", warning.code, warning.message)).collect()
}

#[track_caller]
fn warns(text: &str, wanted: &str) {
    assert_eq!(warnings(text), [wanted], "{text}");
}

#[track_caller]
fn silent(text: &str) {
    assert_eq!(warnings(text), Vec::<String>::new(), "{text}");
}

#[test]
fn contradictions_are_found() {
    warns(
        "customer.age > 60 && customer.age < 18",
        "contradiction: `customer.age < 18` cannot hold together with `customer.age > 60`",
    );
    warns(
        "customer.age > 17 && customer.age < 18",
        "contradiction: `customer.age < 18` cannot hold together with `customer.age > 17`",
    );
    warns(
        "customer.city == \"Bonn\" && customer.age > 1 && \"Rome\" == customer.city",
        "contradiction: `\"Rome\" == customer.city` cannot hold together with `customer.city == \"Bonn\"`",
    );
    warns(
        "customer.city != \"Bonn\" && customer.city != \"Rome\"",
        "contradiction: `customer.city != \"Rome\"` cannot hold together with `customer.city != \"Bonn\"`",
    );
    warns(
        "customer.balance > 10.50 && customer.balance <= 10.5",
        "contradiction: `customer.balance <= 10.5` cannot hold together with `customer.balance > 10.50`",
    );
    warns(
        "segment(\"loyal\") && !segment(\"loyal\")",
        "contradiction: `!segment(\"loyal\")` cannot hold together with `segment(\"loyal\")`",
    );
    warns(
        "(customer.age < 5 || customer.age > 90) && customer.age in [20, 30]",
        "contradiction: `customer.age in [20, 30]` cannot hold together with `customer.age < 5 || customer.age > 90`",
    );
    warns(
        "events(\"purchase\").count() > 3 && events(\"purchase\").count() == 2",
        "contradiction: `events(\"purchase\").count() == 2` cannot hold together with `events(\"purchase\").count() > 3`",
    );
    warns(
        "events(\"purchase\").where(e, e.quantity > 5 && e.quantity < 3).exists()",
        "contradiction: `e.quantity < 3` cannot hold together with `e.quantity > 5`",
    );
}

#[test]
fn what_is_always_the_same_is_found() {
    warns("customer.age > 17 || customer.age <= 20", "always_true: `customer.age <= 20` or `customer.age > 17` always holds");
    warns(
        "customer.city != \"Bonn\" || customer.city != \"Rome\"",
        "always_true: `customer.city != \"Rome\"` or `customer.city != \"Bonn\"` always holds",
    );
    warns("customer.points < 0u", "always_false: `customer.points < 0u` is never true: `customer.points` is at least 0u");
    warns("now.getHours() == 24", "always_false: `now.getHours() == 24` is never true: `now.getHours()` is between 0 and 23");
    warns(
        "now.getDayOfWeek() < 7 && customer.age > 1",
        "always_true: `now.getDayOfWeek() < 7` is always true: `now.getDayOfWeek()` is between 0 and 6",
    );
    warns(
        "persona(\"thrifty\") > 60.0",
        "always_false: `persona(\"thrifty\") > 60.0` is never true: `persona(\"thrifty\")` is between 0.0 and 1.0",
    );
    warns(
        "events(\"purchase\").count() >= 0",
        "always_true: `events(\"purchase\").count() >= 0` is always true: `events(\"purchase\").count()` is at least 0",
    );
    warns("1 > 2 || customer.age > 3", "always_false: `1 > 2` compares constants and is never true");
    warns(
        "customer.age == customer.age",
        "always_true: `customer.age == customer.age` compares something with itself and is always true",
    );
    warns("customer.age > 3 && customer.age > 3", "duplicate_condition: `customer.age > 3` stands here twice");
}

#[test]
fn a_value_outside_of_the_declared_ones_is_found() {
    warns("customer.city == \"Bon\"", "unknown_value: `Bon` is none of the declared values");
    warns(
        "customer.city in [\"Bonn\", \"Paris\"] && customer.age > 3",
        "unknown_value: `Paris` is none of the declared values",
    );
}

#[test]
fn what_nothing_tells_any_more_is_never_known() {
    let fax = |part: &str| format!("never_known: `{part}` is never known: nothing tells `customer.fax` any more");
    warns("customer.fax == \"1\"", &fax("customer.fax == \"1\""));
    warns("customer.age > 3 && customer.fax.startsWith(\"+49\")", &fax("customer.fax.startsWith(\"+49\")"));
    warns("customer.fax == \"1\" || customer.fax == \"2\"", &fax("customer.fax == \"1\" || customer.fax == \"2\""));
    warns("customer.age > 3 ? customer.fax == \"1\" : customer.age < 1", &fax("customer.fax == \"1\""));
    warns("has(customer.fax)", "always_false: `has(customer.fax)` is never true: nothing tells it any more");
    silent("customer.?fax.orValue(\"\") == \"\"");
}

#[test]
fn windows_beyond_what_is_kept_are_found() {
    let back = |text: &str, length: &str| {
        format!("beyond_retention: `{text}` looks back {length}, but `view` events are kept for 30d")
    };
    let text = "events(\"view\").within(\"90d\").count()";
    warns(&format!("{text} > 3"), &back(text, "90d"));
    let text = "events(\"purchase\", \"view\").within(\"month\").exists()";
    warns(text, &back(text, "31d1h"));
    let text = "events(\"purchase\").within(\"60d\").not_followed_by(\"view\").exists()";
    warns(text, &back(text, "60d"));
    silent("events(\"view\").within(\"30d\").exists()");
    silent("events(\"view\").within(\"90d\").within(\"week\").exists()");
    silent("events(\"view\").count() > 3");
}

#[test]
fn what_may_be_meant_is_left_alone() {
    silent("true");
    silent("customer.age > 18 && customer.age < 60");
    silent("customer.age < 18 || customer.age > 60");
    silent("customer.score > 1.0 || customer.score <= 1.0");
    silent("customer.name > \"a\" && customer.name < \"b\"");
    silent("customer.age in [1, 2] && customer.age in [2, 3]");
    silent("customer.age >= 18 ? customer.city == \"Bonn\" : customer.city == \"Rome\"");
    silent("has(customer.age) && customer.age > 3");
    silent("events(\"purchase\").within(\"7d\").count() == 0 && events(\"purchase\").within(\"90d\").count() > 0");
}

#[test]
fn equal_conditions_of_several_rules_are_found() {
    let rules = [
        ("a", compile("customer.age > 3 && segment(\"loyal\")")),
        ("b", compile("segment(\"loyal\") && 3 < customer.age")),
        ("c", compile("segment(\"loyal\") && 3 <= customer.age")),
        ("d", compile("true")),
        ("e", compile("true")),
    ];
    let found = repeated(rules.iter().map(|(name, rule)| (*name, rule.checked())));
    assert_eq!(found.iter().map(|found| found.message.as_str()).collect::<Vec<_>>(), ["`b` has the same condition as `a`"]);
    assert_eq!(found[0].path, "b");
}

fn condition() -> impl Strategy<Value = String> {
    let op = prop_oneof![Just("<"), Just("<="), Just(">"), Just(">="), Just("=="), Just("!=")];
    let leaf = prop_oneof![
        (op.clone(), 0..4i64).prop_map(|(op, number)| format!("customer.age {op} {number}")),
        (op.clone(), 0..4i64).prop_map(|(op, number)| format!("{number} {op} customer.age")),
        (op.clone(), 0..4i64).prop_map(|(op, number)| format!("customer.age {op} {number}.5")),
        (op.clone(), 0..3i64).prop_map(|(op, number)| format!("customer.points {op} {number}u")),
        (op, 0..3i64).prop_map(|(op, number)| format!("customer.balance {op} {number}.0")),
        Just("customer.city == \"Bonn\"".to_string()),
        Just("customer.city != \"Rome\"".to_string()),
        Just("customer.city in [\"Bonn\", \"Rome\"]".to_string()),
        Just("customer.age in [1, 3]".to_string()),
        Just("segment(\"loyal\")".to_string()),
    ];
    leaf.prop_recursive(3, 10, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(|all| format!("({})", all.join(" && "))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|all| format!("({})", all.join(" || "))),
            inner.clone().prop_map(|inner| format!("!({inner})")),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Tries all customers that the conditions can tell apart: what is warned about is so for every one of them.
    #[test]
    fn no_warning_is_wrong(text in condition()) {
        let expression = compile(&text);
        let now = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
        // The line of a place is cut.
        prop_assume!(text.len() < 190);
        for warning in expression.checked().warnings() {
            let place = warning.place.as_ref().unwrap();
            let part: String = place.source.chars().skip(place.column as usize - 1).take(place.length as usize).collect();
            let (part, wanted) = match warning.code {
                "contradiction" | "always_false" => (part, false),
                "always_true" => (part, true),
                _ => continue,
            };
            // Of two operands the second is marked; the whole that holds them is found by its brackets.
            let whole = if warning.code == "always_false" || warning.message.contains(" is always true") { part } else { text.clone() };
            let junction = warning.code == "contradiction" || warning.message.ends_with("always holds");
            let nested = whole.contains('?') || whole.contains("!(");
            if junction && (nested || whole.matches("||").count() + whole.matches("&&").count() != 1) {
                continue;
            }
            let tried = compile(&whole);
            for age in -1..6 {
                for points in 0..4u64 {
                    for cents in [-50, 0, 50, 100, 150, 200, 250] {
                        for city in ["Bonn", "Rome"] {
                            for loyal in [true, false] {
                                let facts = NamedFacts::of(schema(), now)
                                    .with("customer.age", Value::Int(age))
                                    .with("customer.points", Value::Uint(points))
                                    .with("customer.balance", Value::Decimal(Decimal::new(cents, 2, Currency::parse("EUR"))))
                                    .with("customer.city", Value::text(city))
                                    .with("segment.loyal", Value::Bool(loyal));
                                let found = tried.evaluate(&facts).outcome;
                                prop_assert!(found != Outcome::truth(!wanted), "{whole} in {text}: {}", warning.message);
                            }
                        }
                    }
                }
            }
        }
    }
}
