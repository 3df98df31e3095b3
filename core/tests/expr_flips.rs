//! What would make a condition true: the smallest sets of facts, with the nearest values.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::sync::Arc;
use tactful::expr::{Expression, NamedFacts, Schema, TimeClass};
use tactful::value::{Currency, Decimal, Type};
use tactful::{Timestamp, Value};

fn schema() -> Arc<Schema> {
    let mut schema = Schema::new();
    let euros = Type::Money { currency: Currency::parse("EUR").unwrap(), scale: 2 };
    schema.declare_fact("customer.age", Type::Int, TimeClass::Step);
    schema.declare_fact("customer.score", Type::Double, TimeClass::Step);
    schema.declare_fact("customer.name", Type::String, TimeClass::Step);
    schema.declare_fact("customer.email", Type::String, TimeClass::Step);
    schema.declare_fact("customer.city", Type::Enum(["Bonn".into(), "Rome".into()].into()), TimeClass::Step);
    schema.declare_fact("customer.balance", euros, TimeClass::Step);
    schema.declare_fact("customer.tags", Type::List(Box::new(Type::String)), TimeClass::Step);
    schema.declare_fact("segment.loyal", Type::Bool, TimeClass::Step);
    schema.declare_fact("segment.new", Type::Bool, TimeClass::Step);
    schema.declare_event("purchase", [("sku".into(), Type::String), ("quantity".into(), Type::Int)]);
    Arc::new(schema)
}

fn facts() -> NamedFacts {
    let now = Timestamp::parse("2026-03-10T12:00:00Z").unwrap();
    NamedFacts::of(schema(), now)
        .with("customer.age", Value::Int(17))
        .with("customer.city", Value::text("Bonn"))
        .with("customer.balance", Value::Decimal(Decimal::new(1250, 2, Currency::parse("EUR"))))
        .with("customer.tags", Value::List([Value::text("a")].into()))
        .with("segment.loyal", Value::Bool(false))
        .with("segment.new", Value::Bool(true))
        .with_event("purchase", Timestamp::parse("2026-03-01T12:00:00Z").unwrap(), &[("quantity", Value::Int(2))])
}

fn explain(text: &str) -> tactful::expr::Explanation {
    Expression::compile(text, Some(&schema())).unwrap_or_else(|findings| panic!("{findings}")).explain(&facts())
}

#[track_caller]
fn flips(text: &str, wanted: &[&str]) {
    let found = explain(text);
    let sentences = found.flips.as_ref().map_or_else(Vec::new, tactful::expr::Flips::sentences);
    let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
    assert_eq!(sentences, wanted, "{text}");
    assert_eq!(explain(text), found, "{text} again");
}

#[test]
fn comparisons_name_the_nearest_value() {
    flips("customer.age >= 18", &["would be true if `customer.age` were 18"]);
    flips("18 < customer.age", &["would be true if `customer.age` were 19"]);
    flips("customer.age > 17.5", &["would be true if `customer.age` were 18"]);
    flips("!(customer.age < 18)", &["would be true if `customer.age` were 18"]);
    flips("customer.age != 17", &["would be true if `customer.age` were 18"]);
    flips("customer.age in [40, 20, 30]", &["would be true if `customer.age` were 20"]);
    flips("customer.balance > 12.50", &["would be true if `customer.balance` were 12.51 EUR"]);
    flips("customer.balance > 12.555", &["would be true if `customer.balance` were 12.56 EUR"]);
    flips("customer.score > 0.5", &["would be true if `customer.score` were more than 0.5"]);
    flips("customer.name == \"Ada\"", &["would be true if `customer.name` were \"Ada\""]);
    flips("customer.city != \"Bonn\"", &["would be true if `customer.city` were \"Rome\""]);
    flips("\"b\" in customer.tags", &["would be true if `customer.tags` were [\"a\", \"b\"]"]);
    flips("segment(\"loyal\")", &["would be true if `segment(\"loyal\")` were true"]);
    flips("customer.name.startsWith(\"A\")", &["would be true if `customer.name.startsWith(\"A\")` were true"]);
    flips("has(customer.email)", &["would be true if `customer.email` were known"]);
    flips("customer.age > 3", &[]);
    flips("1 / 0 > 3", &[]);
}

#[test]
fn aggregates_are_changed_like_facts() {
    flips(
        "events(\"purchase\").within(\"90d\").count() >= 6",
        &["would be true if `events(\"purchase\").within(\"90d\").count()` were 6"],
    );
    flips(
        "events(\"purchase\").since_last().days() > 60.0",
        &["would be true if `events(\"purchase\").since_last().days()` were more than 60.0"],
    );
    flips("events(\"purchase\").count() < 0", &["no change of up to three facts would make it true"]);
}

#[test]
fn sets_are_as_small_as_can_be() {
    flips(
        "customer.age >= 18 || segment(\"loyal\")",
        &["would be true if `customer.age` were 18", "would be true if `segment(\"loyal\")` were true"],
    );
    flips(
        "customer.age >= 18 && segment(\"loyal\")",
        &["would be true if `customer.age` were 18 and `segment(\"loyal\")` were true"],
    );
    flips("customer.age >= 18 && customer.age < 21", &["would be true if `customer.age` were 18"]);
    flips(
        "customer.age >= 18 && customer.score > 0.5 && customer.name == \"x\"",
        &["would be true if `customer.age` were 18 and `customer.score` were more than 0.5 and `customer.name` were \"x\""],
    );
    flips(
        "customer.age > 20 && segment(\"loyal\") && !segment(\"new\") && customer.name == \"x\"",
        &["no change of up to three facts would make it true"],
    );
    flips("has(customer.email) && customer.email == \"x\"", &["would be true if `customer.email` were \"x\""]);
    flips(
        "segment(\"new\") ? customer.age >= 18 : true",
        &["would be true if `segment(\"new\")` were false", "would be true if `customer.age` were 18"],
    );
}

#[test]
fn the_search_is_bounded() {
    let many: Vec<String> = (0..400)
        .map(|n| format!("(customer.age == {n} && customer.score > {n}.5 && segment(\"loyal\") && !segment(\"new\"))"))
        .collect();
    flips(&many.join(" || "), &["what would make it true was not found within budget"]);
}

#[test]
fn an_explanation_is_read_as_text_and_as_json() {
    let found = explain("customer.age >= 18 && customer.balance < 100");
    assert_eq!(
        found.to_string(),
        "`customer.age >= 18` is false: `customer.age` is 17\nwould be true if `customer.age` were 18"
    );
    let json = serde_json::to_value(explain("customer.score > 0.5")).unwrap();
    assert_eq!(
        json,
        serde_json::json!({
            "text": "customer.score > 0.5",
            "unknown": ["customer.score"],
            "parts": [{"text": "customer.score", "unknown": ["customer.score"]}],
            "flips": {"sets": [[{"fact": "customer.score", "value": "0.5", "aim": "above"}]], "complete": true},
        })
    );
}

#[test]
fn the_element_that_decided_and_what_is_bound_are_shown() {
    let schema = {
        let mut schema = Schema::new();
        schema.declare_fact("customer.tags", Type::List(Box::new(Type::String)), TimeClass::Step);
        schema.declare_fact("customer.age", Type::Int, TimeClass::Step);
        Arc::new(schema)
    };
    let facts = NamedFacts::of(schema.clone(), Timestamp::parse("2026-03-10T12:00:00Z").unwrap())
        .with("customer.age", Value::Int(17))
        .with("customer.tags", Value::List([Value::text("new"), Value::text("vip")].into()));
    let shown = |text: &str| {
        let explanation = Expression::compile(text, Some(&schema)).unwrap().explain(&facts);
        (explanation.reasons().join("; "), serde_json::to_value(&explanation).unwrap())
    };
    let (text, tree) = shown("customer.tags.all(t, t != \"vip\")");
    assert_eq!(text, "`customer.tags.all(t, t != \"vip\")` is false: `customer.tags` is [\"new\", \"vip\"], `t` is \"vip\"");
    assert_eq!(tree["parts"][1]["text"], "t != \"vip\"");
    assert_eq!(tree["parts"][1]["parts"][0]["value"], "\"vip\"");
    let (text, tree) = shown("cel.bind(grown, customer.age >= 18, grown && customer.tags.exists(t, t == \"vip\"))");
    assert!(text.contains("`customer.age` is 17"), "{text}");
    assert_eq!(tree["parts"][0]["text"], "customer.age >= 18");
    assert_eq!(tree["parts"][1]["parts"][0]["text"], "grown");
}
