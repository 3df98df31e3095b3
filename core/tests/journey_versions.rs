//! Journeys when the playbook changes: what an old version recorded is taken over by the new one, which says how, and says it once.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use tactful::customer::Customer;
use tactful::engine::{Effect, EffectKind};
use tactful::{CustomerBase, Engine, Event, Identifier, Timestamp};

const OLD: &str = "
playbook: shop
version: 1
identity: {customer: {}, cookie: {}}
events: {visit: {page: string}, subscribed: {}, placed: {order: string}}
journeys:
  way: {stages: {prospect: {on: visit}}}
  orders: {key: order, stages: {open: {on: placed}}}
";

const NEW: &str = "
playbook: shop
version: 2
identity: {customer: {}, cookie: {}}
events: {visit: {page: string}, subscribed: {}, placed: {order: string}}
journeys:
  way:
    migration: {stages: {prospect: interested}}
    stages: {interested: {on: subscribed, timeout: {after: 10d, to: lost}}, buyer: {on: placed}, lost: {drop_out: true}}
  orders:
    migration: {otherwise: keep}
    key: order
    stages: {open: {on: placed, timeout: {after: 30d, to: lost}}, lost: {}}
";

fn engine(text: &str) -> Engine {
    Engine::compile(&[("shop.yaml", text)]).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn day(day: i64) -> Timestamp {
    Timestamp::parse("2026-03-01T00:00:00Z").unwrap().saturating_add_micros(day * 86_400_000_000)
}

fn who(name: &str) -> Identifier {
    Identifier::parse(name).unwrap()
}

/// A customer of the old version in both journeys, with the pins of day 5 recorded by it.
fn pinned(engine: &Engine) -> Customer {
    let ada = who("customer:ada");
    let mut customer = engine.customer(&ada).unwrap();
    engine.record(&mut customer, &Event::new("visit", day(0), ada.clone()).with_id("v"), None).unwrap();
    engine.record(&mut customer, &Event::new("placed", day(1), ada).with("order", "a").with_id("p"), None).unwrap();
    for pin in engine.journey_pins(&customer, day(5)) {
        assert!(engine.record(&mut customer, &pin, None).unwrap().effects.is_empty());
    }
    customer
}

fn told(effects: &[Effect]) -> Vec<(String, EffectKind, String)> {
    let what = |effect: &Effect| serde_json::to_string(&effect.what).unwrap();
    effects.iter().map(|effect| (effect.at.to_string(), effect.kind, what(effect))).collect()
}

#[test]
fn a_pin_tells_journey_version_and_definition() {
    let engine = engine(OLD);
    let customer = pinned(&engine);
    let pins = engine.journey_pins(&customer, day(5));
    let told: Vec<_> = pins
        .iter()
        .map(|pin| {
            let property =
                |name: &str| pin.properties.iter().find(|(own, _)| own == name).map(|(_, value)| format!("{value:?}"));
            (property("journey").unwrap(), property("version").unwrap(), property("definition").unwrap().len() > 60)
        })
        .collect();
    assert_eq!(
        told,
        [
            (r#"String("way")"#.to_owned(), "Int(1)".to_owned(), true),
            (r#"String("orders")"#.to_owned(), "Int(1)".to_owned(), true)
        ]
    );
}

#[test]
fn what_an_old_engine_recorded_is_taken_over_when_it_is_loaded_and_told_with_the_next_call() {
    let (old, new) = (engine(OLD), engine(NEW));
    let bytes = pinned(&old).to_bytes();
    let mut loaded = new.customer_from_bytes(&bytes).unwrap();
    let effects = new.advance(&mut loaded, day(6)).effects;
    let mut what = told(&effects);
    what.sort_by(|a, b| a.2.cmp(&b.2));
    // Under the new rules a visit leads nowhere and an order makes a buyer: who was a prospect is interested by the declared mapping.
    assert_eq!(what.len(), 3, "{what:#?}");
    assert!(what[0].2.contains(r#""from":"open","to":"open","how":"kept""#), "{what:?}");
    assert!(what[1].2.contains(r#""from":"prospect","to":"interested","how":"mapped""#), "{what:?}");
    assert!(what[2].2.contains(r#""stage_changed","journey":"way","from":"buyer","to":"interested""#), "{what:?}");
    assert!(what.iter().all(|(at, kind, _)| *at == day(5).to_string() && *kind == EffectKind::Corrected), "{what:?}");
    // Once: neither again, nor out of the bytes that the new version writes.
    assert!(new.advance(&mut loaded, day(7)).effects.is_empty());
    let mut again = new.customer_from_bytes(&loaded.to_bytes()).unwrap();
    assert!(new.advance(&mut again, day(8)).effects.is_empty());
    // Since day 0 interested, so that the time-out comes at day 10.
    let effects = new.advance(&mut again, day(30)).effects;
    assert_eq!(effects.first().map(|effect| effect.at), Some(day(10)), "{:?}", told(&effects));
}

#[test]
fn an_event_tells_it_too_and_all_that_is_told_is_history() {
    let (old, new) = (engine(OLD), engine(NEW));
    let mut loaded = new.customer_from_bytes(&pinned(&old).to_bytes()).unwrap();
    let placed = Event::new("placed", day(6), who("customer:ada")).with("order", "b").with_id("q");
    let effects = new.record(&mut loaded, &placed, None).unwrap().effects;
    let migrated = effects.iter().filter(|effect| effect.what.name() == "journey_migrated").count();
    assert_eq!((migrated, effects.len()), (2, 5), "{:#?}", told(&effects));
    let history = new.history(&loaded);
    let ids: Vec<String> = history.iter().map(|effect| effect.id.to_string()).collect();
    assert!(effects.iter().all(|effect| ids.contains(&effect.id.to_string())));
    // Recorded with the new engine the same pins have the same effects.
    let mut direct = new.customer(&who("customer:ada")).unwrap();
    for event in [
        Event::new("visit", day(0), who("customer:ada")).with_id("v"),
        Event::new("placed", day(1), who("customer:ada")).with("order", "a").with_id("p"),
    ] {
        new.record(&mut direct, &event, None).unwrap();
    }
    let mut own = Vec::new();
    for pin in old.journey_pins(&pinned(&old), day(5)) {
        own.extend(new.record(&mut direct, &pin, None).unwrap().effects);
    }
    let ids = |effects: &[Effect]| -> Vec<String> {
        let all = effects.iter().filter(|effect| effect.at == day(5)).map(|effect| effect.id.to_string());
        let mut all: Vec<String> = all.collect();
        all.sort();
        all
    };
    assert_eq!(ids(&own), ids(&effects));
}

#[test]
fn a_base_that_is_loaded_tells_it_and_so_does_one_whose_customers_are_joined_first() {
    let (old, new) = (engine(OLD), engine(NEW));
    let mut base = CustomerBase::new(old.clone());
    base.record(&Event::new("visit", day(0), who("customer:ada")).with_id("v")).unwrap();
    base.record(&Event::new("visit", day(0), who("cookie:x")).with_id("w")).unwrap();
    let pins = old.journey_pins(base.find(&who("customer:ada")).unwrap(), day(5));
    for pin in pins {
        base.record(&pin).unwrap();
    }
    let bytes = base.to_bytes();
    // What is told less what is withdrawn, because the customer has another name now.
    let migrated = |effects: &[Effect]| -> i32 {
        let about = effects.iter().filter(|effect| effect.what.name() == "journey_migrated");
        about.map(|effect| if effect.kind == EffectKind::Withdrawn { -1 } else { 1 }).sum()
    };
    let mut loaded = CustomerBase::from_bytes(new.clone(), &bytes).unwrap();
    let visit = Event::new("visit", day(6), who("customer:ada")).with_id("z");
    assert_eq!(migrated(&loaded.record(&visit).unwrap().effects), 1);
    let later = Event::new("visit", day(7), who("customer:ada")).with_id("y");
    assert_eq!(migrated(&loaded.record(&later).unwrap().effects), 0);
    let mut loaded = CustomerBase::from_bytes(new, &bytes).unwrap();
    let mut both = visit.clone();
    both.identifiers.push(who("cookie:x"));
    assert_eq!(migrated(&loaded.record(&both).unwrap().effects), 1, "joined in one event");
}
