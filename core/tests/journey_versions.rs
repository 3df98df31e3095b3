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
    // The other one was in the stage too, and their place is in the bytes.
    assert_eq!(migrated(&loaded.record(&both).unwrap().effects), 2, "joined in one event");
}

/// A customer of the old version in both journeys who was let be until day 5; nobody recorded pins.
fn walked(engine: &Engine) -> Customer {
    let ada = who("customer:ada");
    let mut customer = engine.customer(&ada).unwrap();
    engine.record(&mut customer, &Event::new("visit", day(0), ada.clone()).with_id("v"), None).unwrap();
    engine.record(&mut customer, &Event::new("placed", day(1), ada).with("order", "a").with_id("p"), None).unwrap();
    engine.advance(&mut customer, day(5));
    customer
}

#[test]
fn bytes_hold_places_so_that_a_changed_journey_takes_them_over_without_pins() {
    let (old, new) = (engine(OLD), engine(NEW));
    let customer = walked(&old);
    let bytes = customer.to_bytes();
    assert_eq!(old.customer_from_bytes(&bytes).unwrap().to_bytes(), bytes, "the same version changes nothing");
    assert_eq!(old.customer_from_bytes(&bytes).unwrap().len(), 2);
    let mut loaded = new.customer_from_bytes(&bytes).unwrap();
    assert_eq!(stage(&new, &loaded, day(5)).as_deref(), Some("interested"));
    let mut what = told(&new.advance(&mut loaded, day(6)).effects);
    what.sort_by(|a, b| a.2.cmp(&b.2));
    assert_eq!(what.len(), 3, "{what:#?}");
    assert!(what[0].2.contains(r#""from":"open","to":"open","how":"kept""#), "{what:?}");
    assert!(what[1].2.contains(r#""from":"prospect","to":"interested","how":"mapped""#), "{what:?}");
    assert!(what[2].2.contains(r#""stage_changed","journey":"way","from":"buyer","to":"interested""#), "{what:?}");
    assert!(what.iter().all(|(at, ..)| *at == day(5).to_string()), "{what:?}");
    // Once, and from then on it is part of the story.
    assert!(new.advance(&mut loaded, day(7)).effects.is_empty());
    let mut again = new.customer_from_bytes(&loaded.to_bytes()).unwrap();
    let effects = new.advance(&mut again, day(30)).effects;
    assert_eq!(effects.first().map(|effect| effect.at), Some(day(10)), "{:?}", told(&effects));
}

#[test]
fn what_a_load_takes_over_is_told_though_the_bytes_were_written_again_before() {
    let (old, new) = (engine(OLD), engine(NEW));
    let loaded = new.customer_from_bytes(&walked(&old).to_bytes()).unwrap();
    let mut again = new.customer_from_bytes(&loaded.to_bytes()).unwrap();
    assert_eq!(new.advance(&mut again, day(6)).effects.len(), 3);
    assert_eq!(again.to_bytes(), {
        let mut once = new.customer_from_bytes(&walked(&old).to_bytes()).unwrap();
        new.advance(&mut once, day(6));
        once.to_bytes()
    });
}

#[test]
fn a_base_holds_places_of_customers_who_were_joined_too() {
    let (old, new) = (engine(OLD), engine(NEW));
    let mut base = CustomerBase::new(old);
    base.record(&Event::new("visit", day(0), who("customer:ada")).with_id("v")).unwrap();
    base.record(&Event::new("visit", day(0), who("customer:bob")).with_id("b")).unwrap();
    let mut both = Event::new("placed", day(1), who("customer:ada")).with("order", "a").with_id("p");
    both.identifiers.push(who("cookie:x"));
    base.record(&both).unwrap();
    let bytes = base.to_bytes();
    let mut loaded = CustomerBase::from_bytes(new, &bytes).unwrap();
    let mut migrated = loaded.advance(day(6)).effects;
    migrated.retain(|effect| effect.what.name() == "journey_migrated");
    let what = told(&migrated);
    assert_eq!(what.len(), 3, "{what:#?}");
    assert_eq!(what.iter().filter(|(.., what)| what.contains(r#""to":"interested","how":"mapped""#)).count(), 2, "{what:#?}");
}

fn stage(engine: &Engine, customer: &Customer, now: Timestamp) -> Option<String> {
    let history = engine.journey_history(customer, now);
    let way = history.iter().find(|history| &*history.journey == "way")?;
    way.open().map(|stay| stay.stage.to_string())
}

/// A playbook whose events are folded after a day.
fn folding(version: u32, journeys: &str) -> Engine {
    engine(&format!(
        "
playbook: shop
version: {version}
identity: {{customer: {{}}, cookie: {{}}}}
events: {{visit: {{retention: 1d, properties: {{page: string}}}}, placed: {{retention: 1d, properties: {{order: string}}}}, back: {{}}}}
journeys: {journeys}
"
    ))
}

/// A customer in the stage `prospect` since day 0 and with an order `a`, of whose events nothing but totals is left on day 5.
fn folded(old: &Engine) -> Customer {
    let mut customer = walked(old);
    assert_eq!(old.fold(&mut customer, day(5)).0, 2);
    customer
}

const FOLDED: &str = "{way: {stages: {prospect: {on: visit}}}, orders: {key: order, stages: {open: {on: placed}}}}";

#[test]
fn what_was_folded_is_taken_over_by_declared_rules_and_says_which() {
    let migrated = |text: &str| {
        let new = folding(2, text);
        let mut loaded = new.customer_from_bytes(&folded(&folding(1, FOLDED)).to_bytes()).unwrap();
        let before = stage(&new, &loaded, day(5));
        let effects = new.advance(&mut loaded, day(6)).effects;
        let told: Vec<String> = told(&effects).into_iter().map(|(.., what)| what).collect();
        assert!(new.advance(&mut loaded, day(6)).effects.is_empty(), "once");
        let mut again = new.customer_from_bytes(&loaded.to_bytes()).unwrap();
        assert!(new.advance(&mut again, day(7)).effects.is_empty(), "also out of bytes");
        assert_eq!(stage(&new, &again, day(7)), before);
        (before, told)
    };
    let way = |told: &[String]| told.iter().filter(|what| what.contains("journey_migrated") && what.contains("way")).count();
    // The same rules: nothing to take over.
    let (stage, told) = migrated(FOLDED);
    assert_eq!((stage.as_deref(), told.len()), (Some("prospect"), 0), "{told:#?}");
    // A mapping.
    let (stage, told) = migrated(
        "{way: {migration: {stages: {prospect: interested}}, stages: {interested: {on: back}, other: {on: visit}}},
          orders: {key: order, migration: {otherwise: restart}, stages: {open: {on: placed, timeout: {after: 9d, to: late}}, late: {}}}}",
    );
    assert_eq!(stage.as_deref(), Some("interested"), "{told:#?}");
    assert!(told.iter().any(|what| what.contains(r#""from":"prospect","to":"interested","how":"mapped""#)), "{told:#?}");
    assert!(told.iter().any(|what| what.contains(r#""instance":"a","from":"open","to":null,"how":"restarted""#)), "{told:#?}");
    // The same name under other rules is kept, and said to be, also where nothing is declared: there is nothing to derive it from.
    for otherwise in ["keep", "derive"] {
        let (stage, told) = migrated(&format!(
            "{{way: {{migration: {{otherwise: {otherwise}}}, stages: {{prospect: {{on: back}}}}}}, orders: {{key: order, stages: {{open: {{on: placed}}}}}}}}"
        ));
        assert_eq!(stage.as_deref(), Some("prospect"), "{told:#?}");
        assert!(told.iter().any(|what| what.contains(r#""from":"prospect","to":"prospect","how":"kept""#)), "{told:#?}");
        assert!(way(&told) >= 1);
    }
    // Nothing of that name is left: out, in again by the rules, and said to be.
    let (stage, told) = migrated("{way: {stages: {new: {on: visit}}}, orders: {key: order, stages: {open: {on: placed}}}}");
    assert_eq!(stage, None, "{told:#?}");
    assert!(told.iter().any(|what| what.contains(r#""from":"prospect","to":null,"how":"restarted""#)), "{told:#?}");
    // A journey that has a key now and had none has no place to take over.
    let (_, told) =
        migrated("{way: {key: order, stages: {prospect: {on: placed}}}, orders: {key: order, stages: {open: {on: placed}}}}");
    assert!(told.iter().any(|what| what.contains(r#""from":"prospect","to":null,"how":"restarted""#)), "{told:#?}");
}

#[test]
fn what_was_folded_goes_on_under_the_rules_of_now_since_when_it_was() {
    let new = folding(
        2,
        "{way: {stages: {prospect: {on: back, timeout: {after: 10d, to: lost}}, regular: {enter: 'events(\"visit\").count() >= 1'}, lost: {}}},
          orders: {key: order, stages: {open: {on: placed}}}}",
    );
    let mut loaded = new.customer_from_bytes(&folded(&folding(1, FOLDED)).to_bytes()).unwrap();
    let effects = new.advance(&mut loaded, day(30)).effects;
    // What held before anybody looked moves nobody; since day 0 there, so that the time-out comes at day 10.
    let moves: Vec<_> = effects.iter().filter(|effect| effect.what.name() == "stage_changed").collect();
    assert_eq!(moves.last().map(|effect| effect.at), Some(day(10)), "{:#?}", told(&effects));
    let history = new.journey_history(&loaded, day(30));
    let way = history.iter().find(|history| &*history.journey == "way").unwrap();
    let stays: Vec<_> = way.stays.iter().map(|stay| (&*stay.stage, stay.entered, stay.left)).collect();
    assert_eq!(stays, [("prospect", day(0), Some(day(10))), ("lost", day(10), None)]);
}

#[test]
fn pins_are_places_of_after_the_events_of_their_instant() {
    let (old, new) = (engine(OLD), engine(NEW));
    let ada = who("customer:ada");
    let mut customer = old.customer(&ada).unwrap();
    old.record(&mut customer, &Event::new("visit", day(0), ada.clone()).with_id("v"), None).unwrap();
    // Told up to the instant of an order, which under the new rules makes a buyer.
    old.record(&mut customer, &Event::new("placed", day(1), ada).with("order", "a").with_id("p"), None).unwrap();
    let loaded = new.customer_from_bytes(&customer.to_bytes()).unwrap();
    assert_eq!(stage(&new, &loaded, day(2)).as_deref(), Some("interested"));
}
