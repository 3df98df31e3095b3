//! Laws of facts, sessions and places: the order of arrival does not matter, and what a walk through time found is what is read at
//! each instant.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use proptest::prelude::*;
use std::collections::BTreeMap;
use tactful::customer::{Customer, Details};
use tactful::engine::Effected;
use tactful::playbook::Origin;
use tactful::value::Point;
use tactful::{Engine, Event, Identifier, Timestamp};

const PLAYBOOK: &str = r#"
playbook: facts
version: 1
identity: {customer: {}}
time_zone: Europe/Berlin
customer_zone: zone
sources: [crm, web]
sessions: {gap: 90m, new_campaign: true, midnight: true, pages: view, cart: {add: add, remove: remove, empty: buy, item: sku, value: amount}}
locations: {ttl: 5h}
stores: {mitte: {point: [52.52, 13.405], opening_hours: {daily: "08:00-20:00", sun: closed}}}
attributes:
  age: {type: int, resolve: [source, confidence, latest], ttl: 40h}
  city: {type: string, resolve: [origin, confidence, earliest], ttl: 30h}
  name: {type: string, ttl: 20h}
  born: date
  zone: string
events: {view: {}, add: {sku: string, amount: int}, remove: {sku: string}, buy: {}}
segments:
  grown: customer.age >= 18
  known: has(customer.city) && customer.city != "Ulm"
  named: customer.name == "Ada"
  renamed: customer.name != customer.name.as_of(now - duration("13h"))
  older: customer.born.years() >= 18
  months: customer.born.months() % 2 == 0
  party: customer.born.days_to_anniversary() == 0
  young_day: today - customer.born < duration("157800h")
  here: session.open
  second: session.number == 2
  pages: session.pages >= 2
  spring: session.campaign == "spring"
  busy: events("view").in_session().count() >= 2
  full: session.cart_value >= 3
  long: session.minutes > 30.0
  old: now - session.start > duration("100m")
  near: location.point.within(store("mitte"), "2km")
  german: location.country == "DE"
  open: store("mitte").open
"#;

fn engine() -> Engine {
    Engine::compile(&[("facts.yaml", PLAYBOOK)]).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn ada() -> Identifier {
    Identifier::parse("customer:ada").unwrap()
}

/// Every 37 minutes across the change of the clocks, so that gaps, midnights and ties come up.
fn at(step: u32) -> Timestamp {
    Timestamp::parse("2026-03-27T16:00:00Z").unwrap().saturating_add_micros(i64::from(step) * 37 * 60_000_000)
}

fn event((number, (kind, step, pick, source)): (usize, (u8, u32, u8, u8))) -> Event {
    let of = |kind: &str| Event::new(kind, at(step), ada());
    let set = |attribute: &str| of("attribute_set").with("attribute", attribute);
    let mut event = match kind {
        0 | 1 => of("view"),
        2 => of("add").with("sku", ["x", "y"][usize::from(pick % 2)]).with("amount", i64::from(pick % 3) + 1),
        3 => of("remove").with("sku", ["x", "y"][usize::from(pick % 2)]),
        4 => of("buy"),
        5 => set("age").with("value", 16 + i64::from(pick % 4)),
        6 => set("city").with("value", ["Ulm", "Bonn"][usize::from(pick % 2)]),
        7 => set("name").with("value", ["Ada", "Bea"][usize::from(pick % 2)]),
        8 => set("born").with("value", ["2008-03-28", "2008-03-29", "2008-02-29", "2008-09-30"][usize::from(pick % 4)]),
        9 => set("zone").with("value", ["America/New_York", "Asia/Tokyo"][usize::from(pick % 2)]),
        _ => of("attribute_cleared").with("attribute", ["age", "city", "name"][usize::from(pick % 3)]),
    };
    event.source = [None, Some("crm"), Some("web"), Some("other")][usize::from(source % 4)].map(str::to_owned);
    let details = Details {
        campaign: [None, None, Some("spring"), Some("summer")][usize::from(pick % 4)].map(str::to_owned),
        country: [None, Some("DE"), Some("FR")][usize::from(source % 3)].map(str::to_owned),
        point: [None, Point::new(52.521, 13.41), Point::new(48.8, 2.3)][usize::from(pick % 3)],
        confidence: [None, Some(0.5), Some(0.9)][usize::from(pick % 3)],
        origin: [None, Some(Origin::Inferred), Some(Origin::ThirdParty)][usize::from(source % 3)],
        ..Details::default()
    };
    event.with_id(&format!("e{number}")).detailed(details)
}

fn stories() -> impl Strategy<Value = Vec<Event>> {
    let part = (0_u8..11, 0_u32..110, any::<u8>(), any::<u8>());
    prop::collection::vec(part, 1..14).prop_map(|parts| parts.into_iter().enumerate().map(event).collect())
}

fn told(engine: &Engine, events: &[Event]) -> Customer {
    let mut customer = engine.customer(&ada()).unwrap();
    for event in events {
        engine.record(&mut customer, event, None).unwrap();
    }
    engine.advance(&mut customer, at(160));
    customer
}

fn answers(engine: &Engine, customer: &Customer) -> Vec<String> {
    let mut answers: Vec<String> = engine.history(customer).iter().map(|effect| format!("{effect:?}")).collect();
    for step in (0..160).step_by(23) {
        let now = at(step);
        for question in ["session", "location"] {
            answers.push(engine.query(customer, &format!(r#"{{"query": "{question}", "now": "{now}"}}"#)).unwrap());
        }
        for attribute in ["age", "city", "name"] {
            let question = format!(r#"{{"query": "why", "attribute": "{attribute}", "now": "{now}"}}"#);
            answers.push(engine.query(customer, &question).unwrap());
        }
    }
    answers
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn order_of_arrival_does_not_matter(events in stories(), seed in any::<u64>()) {
        let engine = engine();
        let mut others = events.clone();
        let turns = usize::try_from(seed % 29).unwrap();
        others.rotate_left(turns % events.len());
        if seed % 2 == 0 {
            others.reverse();
        }
        let again: Vec<Event> = others.iter().chain(&events).cloned().collect();
        prop_assert_eq!(answers(&engine, &told(&engine, &events)), answers(&engine, &told(&engine, &again)));
    }

    #[test]
    fn a_walk_finds_what_is_read_at_each_instant(events in stories(), more in prop::collection::vec(0_i64..5_900, 8)) {
        let engine = engine();
        let customer = told(&engine, &events);
        let first = events.iter().map(|event| event.time).min().unwrap();
        let history = engine.history(&customer);
        // Just before and at every change, and somewhere in between.
        let edges = history.iter().flat_map(|effect| [effect.at.saturating_add_micros(-1), effect.at]);
        let between = more.iter().map(|minutes| at(0).saturating_add_micros(minutes * 60_000_000));
        for now in edges.chain(between).filter(|now| *now >= first) {
            let mut members: BTreeMap<&str, bool> = BTreeMap::new();
            for effect in history.iter().filter(|effect| effect.at <= now) {
                match &effect.what {
                    Effected::SegmentEntered { segment } => _ = members.insert(segment, true),
                    Effected::SegmentLeft { segment } => _ = members.insert(segment, false),
                    _ => {}
                }
            }
            for (segment, member) in engine.segments(&customer, now) {
                let walked = members.get(&*segment).copied().unwrap_or(false);
                prop_assert_eq!(walked, member == Some(true), "{} at {}", segment, now);
            }
        }
    }
}
