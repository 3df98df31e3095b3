//! Rectification: an event that is known to be wrong counts as never told from then on, and is still there as of before.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use tactful::{CustomerBase, Engine, Event, Identifier, Timestamp};

const PLAYBOOK: &str = r#"
playbook: shop
version: 1
identity: {customer: {unique: true}, cookie: {anonymous: true}}
attributes: {age: int}
events: {visit: {retention: 90d, properties: {page: string}}, purchase: {amount: money(EUR)}}
segments: {buyer: {when: 'events("purchase").exists()'}, often: {when: 'events("visit").count() >= 2'}, old: customer.age >= 60}
journeys: {orders: {stages: {known: {on: visit}, bought: {on: purchase}}}}
channels: {web: text}
placements: {home: {channel: web}}
offers: {thanks: {eligible: segment("buyer"), treatments: {web: {message: thanks}}}}
"#;

fn engine() -> Engine {
    Engine::compile(&[("shop.yaml", PLAYBOOK)]).unwrap_or_else(|error| panic!("{error}"))
}

fn id(text: &str) -> Identifier {
    Identifier::parse(text).unwrap()
}

fn day(day: i64) -> Timestamp {
    Timestamp::from_micros(1_772_323_200_000_000 + day * 86_400_000_000).unwrap()
}

fn event(kind: &str, at: i64, id: &str) -> Event {
    Event::new(kind, day(at), self::id("customer:a")).with_id(id)
}

fn ask(base: &CustomerBase, question: &Json) -> Json {
    serde_json::from_str(&base.query(&question.to_string()).unwrap()).unwrap()
}

#[test]
fn what_was_wrong_counts_until_it_was_known_and_not_after() {
    let mut base = CustomerBase::new(engine());
    let set = |at: i64, id: &str, age: i64| event("attribute_set", at, id).with("attribute", "age").with("value", age);
    base.record(&event("purchase", 1, "p").with("amount", "9.50")).unwrap();
    base.record(&set(2, "a1", 61)).unwrap();
    let told = base.record(&event("rectified", 5, "r1").with("event", "p").with("reason", "never ordered")).unwrap();
    let told: Vec<String> = told.effects.iter().map(|effect| format!("{} {:?}", effect.kind.name(), effect.at)).collect();
    assert_eq!(told.len(), 2, "the segment and the stage are withdrawn: {told:?}");
    assert!(told.iter().all(|effect| effect.starts_with("withdrawn")), "{told:?}");
    base.record(&event("rectified", 6, "r2").with("event", "a1").with("reason", "a slip of the pen")).unwrap();
    base.record(&set(2, "a2", 16)).unwrap();

    let buyer = |now: i64, known_at: i64| {
        let answer =
            ask(&base, &json!({"query": "customer", "identifier": "customer:a", "now": day(now), "known_at": day(known_at)}));
        (answer["segments"][0]["member"].clone(), answer["events"].clone(), answer["segments"][2]["member"].clone())
    };
    assert_eq!(
        buyer(4, 4),
        (json!(true), json!(3), json!(false)),
        "as it was known then; of two tellings of one day the later id counts"
    );
    assert_eq!(buyer(4, 7).0, json!(false), "as it is known now to have been");
    assert_eq!(buyer(7, 7).2, json!(false), "16 is not 61");
    let shown = |now: i64, known_at: i64| {
        let decision = base.decide(&id("customer:a"), &tactful::Request::of("home"), day(now), Some(day(known_at))).unwrap();
        decision.offers().count()
    };
    assert_eq!((shown(4, 4), shown(7, 7), shown(4, 7)), (1, 0, 0));
    let why = ask(&base, &json!({"query": "why", "identifier": "customer:a", "attribute": "age", "now": day(7)}));
    assert_eq!((&why["value"], &why["lost"]), (&json!(16), &json!([])));

    // The history is visible, and told again it makes an equal customer.
    let export = ask(&base, &json!({"query": "export", "identifier": "customer:a", "now": day(7)}));
    let ids: Vec<&str> = export["events"].as_array().unwrap().iter().map(|event| event["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["p", "a1", "a2", "r1", "r2"]);
    let portrait = base.portrait(&id("customer:a"), None, day(7), None, 9).unwrap().to_text();
    assert!(portrait.contains("never ordered") && !portrait.contains("9.50"), "{portrait}");

    // What is folded forgets it; what is erased counts it.
    let erased = base.clone().erase(&id("customer:a"), day(8), b"a secret that only we keep").unwrap().receipt;
    assert_eq!(erased.events.values().sum::<u64>(), 5);
    assert_eq!(base.find(&id("customer:a")).unwrap().rectified().count(), 2);
}

#[test]
fn links_are_taken_back_by_unlinking_them() {
    let mut base = CustomerBase::new(engine());
    base.record(&event("linked", 1, "l").with("other", "cookie:1")).unwrap();
    base.record(&event("rectified", 2, "r").with("event", "l")).unwrap();
    assert_eq!(base.identifiers(&id("customer:a")).unwrap().len(), 2);
    assert_eq!(base.find(&id("customer:a")).unwrap().rectified().count(), 0);
    assert_eq!(base.record(&event("rectified", 2, "r2")).unwrap_err().path(), "properties.event");
}

#[test]
fn what_is_folded_is_forgotten_here_too() {
    let engine = engine();
    let mut customer = engine.customer(&id("customer:a")).unwrap();
    for told in [event("visit", 1, "v1"), event("visit", 2, "v2"), event("rectified", 3, "r").with("event", "v1")] {
        engine.record(&mut customer, &told, None).unwrap();
    }
    assert_eq!(customer.rectified().count(), 1);
    assert_eq!(engine.fold(&mut customer, day(200)).0, 1, "the wrong one is in no total");
    assert_eq!(customer.rectified().count(), 0);
}

/// Of what is folded only totals are left, which are exported; to correct a part of them is refused, and changes nothing.
#[test]
fn what_is_folded_cannot_be_rectified_any_more() {
    let mut base = CustomerBase::new(engine());
    for told in [event("visit", 1, "v1"), event("purchase", 1, "p").with("amount", "9.50"), event("visit", 150, "v2")] {
        base.record(&told).unwrap();
    }
    assert_eq!(base.fold(day(200)).0, 1);
    let before = base.to_bytes();
    let refused = base.record(&event("rectified", 201, "r1").with("event", "v1")).unwrap_err();
    assert_eq!((refused.code(), refused.path()), ("too_late", "properties.event"));
    assert!(refused.message().contains("folded into totals") && !refused.message().contains("v1"), "{}", refused.message());
    assert_eq!(base.to_bytes(), before);
    base.record(&event("rectified", 201, "r2").with("event", "v2")).unwrap();
    base.record(&event("rectified", 202, "r3").with("event", "v2")).unwrap();
    base.record(&event("rectified", 201, "r4").with("event", "p")).unwrap();
    let export = ask(&base, &json!({"query": "export", "identifier": "customer:a", "now": day(203)}));
    assert_eq!((&export["totals"][0]["event"], &export["totals"][0]["count"]), (&json!("visit"), &json!(1)));
    assert_eq!(base.find(&id("customer:a")).unwrap().rectified().count(), 2);
}

fn stories() -> impl Strategy<Value = Vec<Event>> {
    let one = (0_usize..6, 0_i64..10, 0_i64..4, 0_usize..8, any::<bool>());
    prop::collection::vec(one, 1..20).prop_map(|all| {
        let events = all.into_iter().enumerate().map(|(number, (kind, at, later, other, cookie))| {
            // Of two events of one id the one with the smaller hash stays, whatever their types.
            let name = if kind == 5 { format!("r{number}") } else { format!("e{}", number % 8) };
            let mut event = match kind {
                0 | 1 => event("visit", at, &name).with("page", "home"),
                2 => event("purchase", at, &name).with("amount", at),
                3 => event("attribute_set", at, &name).with("attribute", "age").with("value", 58 + at),
                4 => event("linked", at, &name).with("other", "cookie:1"),
                _ => event("rectified", at, &name).with("event", &*format!("e{other}")),
            };
            if cookie && kind != 4 {
                event.identifiers = vec![id("cookie:1")];
            }
            event.known_at = (later > 0).then(|| day(at + later));
            event
        });
        events.collect()
    })
}

fn known(base: &CustomerBase) -> Vec<(String, Vec<u8>, String)> {
    let of = |customer: &tactful::Customer| {
        let mut customer = customer.clone();
        base.engine().advance(&mut customer, day(1000));
        (customer.id().to_owned(), customer.to_bytes(), format!("{:?}", base.engine().history(&customer)))
    };
    base.iter().filter(|customer| !customer.is_empty()).map(of).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 500, ..ProptestConfig::with_cases(100) })]

    /// In whatever order events and what rectifies them arrive, the customer is the same; also out of bytes.
    #[test]
    fn order_does_not_matter((told, mixed) in stories().prop_flat_map(|told| (Just(told.clone()), Just(told).prop_shuffle()))) {
        let bases = [&told, &mixed].map(|events| {
            let mut base = CustomerBase::new(engine());
            for (number, event) in events.iter().enumerate() {
                base.record(event).unwrap();
                if number % 3 == 0 {
                    base = CustomerBase::from_bytes(engine(), &base.to_bytes()).unwrap();
                }
            }
            base
        });
        let shown = |events: &[Event]| events.iter().map(Event::to_json).collect::<Vec<_>>().join("\n");
        prop_assert!(known(&bases[0]) == known(&bases[1]), "{}\nor\n{}", shown(&told), shown(&mixed));
        let again = CustomerBase::from_bytes(engine(), &bases[0].to_bytes()).unwrap();
        prop_assert_eq!(again.to_bytes(), bases[0].to_bytes());
        prop_assert_eq!(known(&again), known(&bases[0]));
    }

    /// A customer of whom something was rectified is one of whom it was never told, but for what says so; and as known before, the
    /// one of whom nothing was rectified yet.
    #[test]
    fn rectified_is_as_if_never_told(told in stories(), known_at in 0_i64..14) {
        let story = |events: &[Event]| {
            let mut base = CustomerBase::new(engine());
            events.iter().for_each(|event| drop(base.record(event).unwrap()));
            base
        };
        let whole = story(&told);
        let segments = |base: &CustomerBase, name: &str, now: i64, known_at: i64| {
            let question = json!({"query": "customer", "identifier": name, "now": day(now), "known_at": day(known_at)});
            let answer = ask(base, &question);
            (answer["segments"].clone(), answer["journeys"].clone())
        };
        // By what was known at an instant: only what was known by then was told.
        let by_then: Vec<Event> =
            told.iter().filter(|event| event.known_at.unwrap_or(event.time) <= day(known_at)).cloned().collect();
        // Which of two events of one id stays may depend on one that was not known yet.
        let mut ids: Vec<_> = told.iter().map(|event| (event.identifiers.clone(), event.id.clone())).collect();
        ids.sort();
        ids.dedup();
        prop_assume!(ids.len() == told.len());
        let then = story(&by_then);
        for name in ["customer:a", "cookie:1"] {
            for now in [0, 3, 6, 9] {
                if whole.identifiers(&id(name)).unwrap() == then.identifiers(&id(name)).unwrap() {
                    prop_assert_eq!(segments(&whole, name, now, known_at), segments(&then, name, now, known_at));
                }
            }
        }
        let wrong = |event: &&Event| {
            let names = |other: &Event| {
                other.event_type == "rectified"
                    && other.identifiers == event.identifiers
                    && other.property("event").and_then(|own| own.as_text()) == event.id.as_deref()
            };
            event.event_type == "linked" || event.event_type == "rectified" || !told.iter().any(names)
        };
        let right: Vec<Event> = told.iter().filter(wrong).cloned().collect();
        let right = story(&right);
        for name in ["customer:a", "cookie:1"] {
            prop_assert_eq!(segments(&whole, name, 20, 20), segments(&right, name, 20, 20));
        }
    }
}
