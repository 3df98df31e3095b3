//! What is said about broken expressions, in full. The cases stand in `expr_mistakes.txt`: an expression after `===`, and
//! below it what is shown.
#![allow(clippy::unwrap_used, reason = "tests")]

use tactful::expr::{Expression, Schema, TimeClass};
use tactful::value::{Currency, Type};

fn schema() -> Schema {
    let mut schema = Schema::new();
    let money = |code: &str| Type::Money { currency: Currency::parse(code).unwrap(), scale: 2 };
    schema.declare_fact("customer.age", Type::Int, TimeClass::Step);
    schema.declare_fact("customer.name", Type::String, TimeClass::Step);
    schema.declare_fact("customer.city", Type::Enum(["Bonn".into(), "Rome".into()].into()), TimeClass::Step);
    schema.declare_fact("customer.since", Type::Timestamp, TimeClass::Step);
    schema.declare_fact("customer.balance", money("EUR"), TimeClass::Step);
    schema.declare_fact("customer.dollars", money("USD"), TimeClass::Step);
    schema.declare_fact("customer.tags", Type::List(Box::new(Type::String)), TimeClass::Step);
    schema.declare_fact("segment.loyal", Type::Bool, TimeClass::Step);
    schema.declare_fact("persona.thrifty", Type::Double, TimeClass::Other);
    schema.declare_fact("journey.lifecycle.stage", Type::String, TimeClass::Step);
    schema.declare_fact("journey.lifecycle.since", Type::Timestamp, TimeClass::Step);
    let purchase = [("sku".into(), Type::String), ("amount".into(), money("EUR")), ("quantity".into(), Type::Int)];
    schema.declare_event("purchase", purchase);
    schema.declare_event("view", [("sku".into(), Type::String)]);
    schema
}

#[test]
fn every_mistake_is_shown_as_written_down() {
    let schema = schema();
    let mut wrong = String::new();
    let mut count = 0;
    for case in include_str!("expr_mistakes.txt").split("=== ").skip(1) {
        count += 1;
        let (text, expected) = case.split_once('\n').unwrap_or((case, ""));
        let shown = match Expression::compile(text, Some(&schema)) {
            Ok(expression) => {
                let warnings: Vec<String> = expression.checked().warnings().iter().map(ToString::to_string).collect();
                format!("compiles\n{}", warnings.join("\n"))
            }
            Err(mistakes) => mistakes.to_string(),
        };
        if shown.trim_end() != expected.trim_end() {
            wrong.push_str(&format!("=== {text}\n{shown}\n\n"));
        }
    }
    assert!(count >= 80, "the file of cases was cut");
    assert!(wrong.is_empty(), "these are shown otherwise:\n\n{wrong}");
}
