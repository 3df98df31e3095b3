//! The reference of the rule language: every example in it comes to what it says.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::sync::Arc;
use tactful::expr::{Expression, NamedFacts, Outcome, Schema, TimeClass, value_text};
use tactful::value::{Currency, Decimal, Type, Zone};
use tactful::{Timestamp, Value};

const REFERENCE: &str = include_str!("../../docs/rules.md");

fn schema() -> Arc<Schema> {
    let mut schema = Schema::new();
    let euros = Type::Money { currency: Currency::parse("EUR").unwrap(), scale: 2 };
    schema.declare_fact("customer.age", Type::Int, TimeClass::Step);
    schema.declare_fact("customer.city", Type::String, TimeClass::Step);
    schema.declare_fact("customer.tags", Type::List(Box::new(Type::String)), TimeClass::Step);
    schema.declare_fact("customer.balance", euros.clone(), TimeClass::Step);
    schema.declare_fact("customer.score", Type::Double, TimeClass::Step);
    let properties = [("sku".into(), Type::String), ("amount".into(), euros), ("quantity".into(), Type::Int)];
    for name in ["purchase", "view", "return"] {
        schema.declare_event(name, properties.clone());
    }
    Arc::new(schema)
}

/// The customer that the page describes.
fn facts() -> NamedFacts {
    let time = |text: &str| Timestamp::parse(text).unwrap();
    let euros = |cents: i128| Value::Decimal(Decimal::new(cents, 2, Currency::parse("EUR")));
    let mut facts = NamedFacts::of(schema(), time("2026-03-10T12:00:00Z"))
        .with_zone(Zone::UTC)
        .with("customer.age", Value::Int(17))
        .with("customer.city", Value::text("Bonn"))
        .with("customer.tags", Value::List([Value::text("new"), Value::text("vip")].into()))
        .with("customer.balance", euros(1250));
    for (day, sku, cents) in [(1, "a", 1000), (5, "b", 2000), (9, "a", 1200)] {
        let properties = [("sku", Value::text(sku)), ("amount", euros(cents))];
        facts = facts.with_event("purchase", time(&format!("2026-03-0{day}T12:00:00Z")), &properties);
    }
    for day in ["08", "09", "10"] {
        facts = facts.with_event("view", time(&format!("2026-03-{day}T09:00:00Z")), &[("sku", Value::text("a"))]);
    }
    facts
}

fn show(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Value(value) => value_text(value),
        Outcome::Unknown(missing) => format!("unknown {}", missing.iter().collect::<Vec<_>>().join(" ")),
        Outcome::Error(error) => format!("error {}", error.code.name()),
    }
}

#[test]
fn every_example_comes_to_what_it_says() {
    let schema = schema();
    let facts = facts();
    let (mut tried, mut wrong) = (0, Vec::new());
    for (before, after) in REFERENCE.match_indices("` → `").map(|(at, sign)| (&REFERENCE[..at], &REFERENCE[at + sign.len()..]))
    {
        let text = before.rsplit('`').next().unwrap().replace("\\|", "|");
        let wanted = after.split('`').next().unwrap().replace("\\|", "|");
        tried += 1;
        match Expression::compile(&text, Some(&schema)) {
            Ok(expression) => {
                let found = show(&expression.evaluate(&facts).outcome);
                if found != wanted {
                    wrong.push(format!("{text} → {found}, not {wanted}"));
                }
            }
            Err(mistakes) => wrong.push(format!("{text}: {mistakes}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(tried > 90, "only {tried} examples were found");
}

/// The blocks of code whose first line bears a tag.
fn blocks(tag: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<(&str, Vec<&str>)> = None;
    for line in REFERENCE.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(tag), None) => open = Some((tag, Vec::new())),
            (Some(_), Some((opened, lines))) => {
                found.extend((*opened == tag).then(|| lines.join("\n")));
                open = None;
            }
            (None, Some((_, lines))) => lines.push(line),
            (None, None) => {}
        }
    }
    found
}

/// Whether it compiles, but for names that only a playbook declares.
fn assert_compiles(text: &str, schema: &Schema) {
    if let Err(mistakes) = Expression::compile(text, Some(schema)) {
        let only = |code: &str| matches!(code, "unknown_name" | "unknown_event" | "unknown_property");
        assert!(mistakes.0.iter().all(|mistake| only(mistake.code)), "{text}: {mistakes}");
    }
}

#[test]
fn every_expression_in_a_block_compiles_or_names_what_only_a_playbook_declares() {
    let schema = schema();
    let lines: Vec<String> = blocks("").iter().flat_map(|block| block.lines().map(String::from).collect::<Vec<_>>()).collect();
    assert!(lines.len() >= 10, "only {} lines were found", lines.len());
    for line in lines.iter().filter(|line| !line.starts_with(['`', 'w'])) {
        assert_compiles(line, &schema);
    }
}

#[test]
fn what_is_shown_as_formatted_is() {
    for block in blocks("cel") {
        assert_compiles(&block, &schema());
        assert_eq!(tactful::expr::format(&block).unwrap(), block);
    }
    assert_eq!(blocks("cel").len(), 1);
}

#[test]
fn what_is_shown_of_a_mistake_is_what_is_told() {
    for block in blocks("text") {
        let text = block.lines().find_map(|line| line.strip_prefix(" 1 | ")).unwrap();
        let told = Expression::compile(text, Some(&schema())).unwrap_err().to_string();
        assert_eq!(told.trim_end(), block);
    }
    assert_eq!(blocks("text").len(), 1);
}
