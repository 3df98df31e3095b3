//! Time passes for all customers of a base: in one step or in several, and everybody is named.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use tactful::{CustomerBase, Engine, Event, Identifier, Timestamp};

const SHOP: &str = r#"
playbook: shop
version: 1
identity: {customer: {}}
events: {order: {}}
segments: {buyer: events("order").within("10d").exists()}
"#;

fn later(start: Timestamp, days: i64) -> Timestamp {
    Timestamp::from_micros(start.micros() + days * 86_400_000_000).unwrap()
}

fn base() -> (CustomerBase, Timestamp) {
    let start = Timestamp::parse("2026-03-01T10:00:00Z").unwrap();
    let mut base = CustomerBase::new(Engine::compile(&[("shop.yaml", SHOP)]).unwrap());
    for (who, days) in [("customer:a", 3), ("customer:b", 1), ("customer:c", 2)] {
        base.record(&Event::new("order", later(start, days), Identifier::parse(who).unwrap())).unwrap();
    }
    (base, start)
}

#[test]
fn steps_that_next_due_names_tell_what_one_step_tells() {
    let (mut whole, start) = base();
    let mut steps = whole.clone();
    let end = later(start, 30);
    let at_once = whole.advance(end).effects;
    let whom: Vec<_> = at_once.iter().map(|effect| effect.customer.as_deref().unwrap()).collect();
    assert_eq!(whom, ["customer:b", "customer:c", "customer:a"]);
    assert_eq!((whole.next_due(), whole.advance(end).effects.len()), (None, 0));
    let mut told = Vec::new();
    while let Some(due) = steps.next_due() {
        told.extend(steps.advance(due).effects);
    }
    assert_eq!(told, at_once);
}

#[test]
fn pages_of_customers_hold_each_once() {
    let (base, _) = base();
    let ask = |question: &str| base.query(question).unwrap();
    let first = ask(r#"{"query": "customers", "limit": 2}"#);
    assert!(first.contains(r#""total":3"#) && first.ends_with(r#""next":"customer:b"}"#), "{first}");
    let last = ask(r#"{"query": "customers", "after": "customer:b", "limit": 2}"#);
    let due = r#""customers":[{"customer":"customer:c","events":1,"next_due":"2026-03-13T10:00:00Z"}],"next":null"#;
    assert!(last.contains(due), "{last}");
    let by = ask(r#"{"query": "customers", "due_by": "2026-03-12T10:00:00Z"}"#);
    assert!(by.contains("customer:b") && !by.contains("customer:a") && !by.contains("customer:c"), "{by}");
    for (wrong, code) in [(r#""after": "b""#, "identifier_form"), (r#""limit": 0"#, "wrong_value")] {
        let error = base.query(&format!(r#"{{"query": "customers", {wrong}}}"#)).unwrap_err();
        assert_eq!(error.code(), code);
    }
}
