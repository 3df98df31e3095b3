//! Laws of folding: lifetime totals stay exact, what cuts through it is unknown, segments and journeys keep their state, and
//! partings still work.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use proptest::prelude::*;
use tactful::{Customer, CustomerBase, Engine, Event, Identifier, Request, Timestamp};

const PLAYBOOK: &str = r#"
playbook: fold
version: 1
identity: {customer: {}}
attributes: {city: string}
events:
  view: {retention: 10d, properties: {sku: string, price: money(EUR), weight: double, pieces: int}}
  visit: {}
segments:
  viewer: events("view").count() >= 3
  spender: events("view").sum("price") > 40
  average: events("view").avg("pieces") > 10
  heavy: events("view").max("weight") > 5 && events("view").min("weight") < 2
  early: events("view").since_first().days() > 20
  recent: events("view").within("4d").count() >= 2
  gone: events("view").since_last().days() > 6
  visits: events("visit").count() >= 2
journeys:
  way: {stages: {new: {on: visit}, viewing: {on: view, timeout: {after: 9d, to: lost, reset_on: view}}, lost: {drop_out: true}}}
channels: {web: text}
placements: {home: {channel: web}}
offers:
  one: {eligible: segment("spender"), treatments: {web: {message: one}}}
  two: {eligible: 'events("view").distinct("sku") == ["lamp"]', treatments: {web: {message: two}}}
  three: {eligible: events("view").within("30d").count() >= 1, treatments: {web: {message: three}}}
"#;

fn engine() -> Engine {
    Engine::compile(&[("fold.yaml", PLAYBOOK)]).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn at(hours: i64) -> Timestamp {
    Timestamp::parse("2026-01-01T00:00:00Z").unwrap().saturating_add_micros(hours * 3_600_000_000)
}

fn who(person: u8) -> Identifier {
    Identifier::parse(["customer:ada", "customer:ben"][usize::from(person % 2)]).unwrap()
}

fn event(number: usize, (kind, hours, price, person): (u8, i64, u8, u8)) -> Event {
    let event = match kind % 4 {
        0..=2 => Event::new("view", at(hours), who(person))
            .with("sku", if price % 2 == 0 { "lamp" } else { "rug" })
            .with("price", format!("{price}.25").as_str())
            .with("weight", f64::from(price) / 7.0)
            .with("pieces", i64::from(price)),
        _ => Event::new("visit", at(hours), who(person)),
    };
    event.with_id(&format!("e{number}"))
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec((0_u8..4, 0_i64..960, 0_u8..60, 0_u8..2), 1..40)
        .prop_map(|parts| parts.into_iter().enumerate().map(|(number, part)| event(number, part)).collect())
}

fn alone(events: &[Event]) -> Vec<Event> {
    events
        .iter()
        .cloned()
        .map(|mut event| {
            event.identifiers = vec![who(0)];
            event
        })
        .collect()
}

fn told(engine: &Engine, events: &[Event]) -> Customer {
    let mut customer = engine.customer(&who(0)).unwrap();
    for event in events {
        engine.record(&mut customer, event, None).unwrap();
    }
    engine.advance(&mut customer, at(960));
    customer
}

/// Every segment; their windows are lifetimes or shorter than the retention.
fn lasting(engine: &Engine, customer: &Customer, now: Timestamp) -> Vec<(String, Option<bool>)> {
    engine.segments(customer, now).into_iter().map(|(name, member)| (name.to_string(), member)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lifetime_totals_stay_exact(events in events(), later in events(), fold in 240_i64..960) {
        let engine = engine();
        let whole = told(&engine, &alone(&events));
        let mut folded = whole.clone();
        let (count, _) = engine.fold(&mut folded, at(fold));
        let old = alone(&events).iter().filter(|event| event.event_type == "view" && event.time <= at(fold - 240)).count();
        prop_assert_eq!((count, folded.len() + old), (old as u64, whole.len()));
        prop_assert_eq!(lasting(&engine, &folded, at(960)), lasting(&engine, &whole, at(960)));
        prop_assert_eq!(lasting(&engine, &folded, at(1200)), lasting(&engine, &whole, at(1200)));
        prop_assert_eq!(engine.history(&folded), engine.history(&whole));
        prop_assert_eq!(engine.next_due(&folded), engine.next_due(&whole));
        // Again changes nothing; and in two steps it is what it is in one.
        let once = folded.to_bytes();
        prop_assert_eq!(engine.fold(&mut folded, at(fold)).0, 0);
        prop_assert_eq!(&folded.to_bytes(), &once);
        let read = engine.customer_from_bytes(&once).unwrap();
        prop_assert_eq!(read.to_bytes(), once);
        prop_assert_eq!(lasting(&engine, &read, at(960)), lasting(&engine, &whole, at(960)));
        prop_assert_eq!(engine.history(&read), engine.history(&whole));
        let mut steps = whole.clone();
        engine.fold(&mut steps, at((240 + fold) / 2));
        engine.fold(&mut steps, at(fold));
        prop_assert_eq!(lasting(&engine, &steps, at(960)), lasting(&engine, &whole, at(960)));
        // What happens afterwards has the effects that it would have had.
        let (mut whole, mut read) = (whole, read);
        for event in alone(&later) {
            let id = format!("later-{}", event.id.as_deref().unwrap());
            let mut event = event.with_id(&id);
            event.time = event.time.saturating_add_micros(961 * 3_600_000_000);
            let caused = engine.record(&mut whole, &event, None).unwrap();
            prop_assert_eq!(&engine.record(&mut folded, &event, None).unwrap(), &caused);
            prop_assert_eq!(&engine.record(&mut read, &event, None).unwrap(), &caused);
        }
        prop_assert_eq!(engine.history(&folded), engine.history(&whole));
    }

    /// An answer after a fold is the answer before it, or unknown.
    #[test]
    fn nothing_becomes_wrong(events in events(), fold in 240_i64..960, hours in 0_i64..1400) {
        let engine = engine();
        let whole = told(&engine, &alone(&events));
        let mut folded = whole.clone();
        engine.fold(&mut folded, at(fold));
        for ((name, before), (_, after)) in lasting(&engine, &whole, at(hours)).into_iter().zip(lasting(&engine, &folded, at(hours))) {
            prop_assert!(after.is_none() || after == before, "{name}: {before:?} became {after:?}");
        }
        let offers = |customer: &Customer| -> Vec<String> {
            let decision = engine.decide(customer, &Request::of("home"), at(hours), None).unwrap();
            decision.offers().map(|offer| offer.offer.to_string()).collect()
        };
        let _ = (offers(&whole), offers(&folded));
    }

    #[test]
    fn what_comes_too_late_changes_nothing(events in events(), late in (0_u8..3, 0_i64..960, 0_u8..60, 0_u8..2), fold in 240_i64..960) {
        let engine = engine();
        let mut folded = told(&engine, &alone(&events));
        engine.fold(&mut folded, at(fold));
        let late = &alone(&[event(1000, late)])[0];
        let before = (folded.to_bytes(), engine.history(&folded));
        match engine.record(&mut folded, late, None) {
            Err(error) => {
                prop_assert_eq!((error.code(), error.path()), ("too_late", "time"));
                prop_assert!(late.time <= at(fold - 240));
                prop_assert_eq!(before, (folded.to_bytes(), engine.history(&folded)));
            }
            Ok(_) => prop_assert!(late.time > at(fold - 240) || !alone(&events).iter().any(|event| event.event_type == "view" && event.time <= at(fold - 240))),
        }
    }

    /// Each strand is folded by itself, so parting two customers gives what each would have been.
    #[test]
    fn partings_still_work(events in events(), fold in 240_i64..960) {
        let engine = engine();
        let link = |kind: &str, hours: i64| Event::new(kind, at(hours), who(0)).with("other", who(1).as_str()).with_id(kind);
        let mut linked = CustomerBase::new(engine.clone());
        let mut apart = CustomerBase::new(engine.clone());
        for event in &events {
            linked.record(event).unwrap();
            apart.record(event).unwrap();
        }
        linked.record(&link("linked", 961)).unwrap();
        apart.record(&link("linked", 961)).unwrap();
        linked.fold(at(fold));
        linked.record(&link("unlinked", 962)).unwrap();
        apart.record(&link("unlinked", 962)).unwrap();
        apart.fold(at(fold));
        for (one, other) in linked.iter().zip(apart.iter()) {
            prop_assert_eq!(one.len(), other.len());
            prop_assert_eq!(lasting(&engine, one, at(970)), lasting(&engine, other, at(970)));
        }
        prop_assert_eq!(linked.len(), apart.len());
        let again = CustomerBase::from_bytes(engine.clone(), &linked.to_bytes()).unwrap();
        prop_assert_eq!(again.to_bytes(), linked.to_bytes());
    }
}

#[test]
fn the_fold_is_visible() {
    let engine = engine();
    let views: Vec<Event> = (0..4).map(|n| event(n, (0, n as i64 * 24, 10, 0))).collect();
    let mut customer = told(&engine, &views);
    assert_eq!(engine.fold(&mut customer, at(24 + 240)).0, 2);
    let totals = customer.strands()[0].folded().unwrap().totals().next().unwrap();
    assert_eq!((totals.0, totals.1.count, totals.1.first, totals.1.last, totals.1.until), ("view", 2, at(0), at(24), at(24)));
    let trace = engine.explain(&customer, &Request::of("home"), at(100), None).unwrap().trace.unwrap();
    let text = trace.to_string();
    assert!(text.contains("events up to 2026-01-02T00:00:00Z, of which only totals are kept"), "{text}");
}
