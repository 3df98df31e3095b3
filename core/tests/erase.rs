//! Erasure: afterwards a base is as if the customer had never been, except for a tombstone that refuses them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use proptest::prelude::*;
use std::collections::BTreeSet;
use tactful::base::Tombstones;
use tactful::{CustomerBase, Engine, Event, Identifier, Timestamp};

const PLAYBOOK: &str = r#"
playbook: shop
version: 1
identity: {customer: {unique: true}, email: {guard: 2}, cookie: {anonymous: true}}
attributes: {age: {type: int}}
events: {visit: {}, purchase: {amount: money(EUR)}}
segments: {buyer: {when: 'events("purchase").exists()'}, often: {when: 'events("visit").count() >= 2'}}
"#;

const KEY: &[u8] = b"a secret that only we keep";

fn engine() -> Engine {
    Engine::compile(&[("shop.yaml", PLAYBOOK)]).unwrap_or_else(|error| panic!("{error}"))
}

fn id(text: &str) -> Identifier {
    Identifier::parse(text).unwrap()
}

fn day(day: i64) -> Timestamp {
    Timestamp::from_micros(1_772_323_200_000_000 + day * 86_400_000_000).unwrap()
}

fn event(kind: &str, at: i64, number: usize, identifiers: &[&str]) -> Event {
    let mut event = Event::new(kind, day(at), id(identifiers[0])).with_id(&format!("e{number}"));
    event.identifiers = identifiers.iter().map(|text| id(text)).collect();
    event
}

fn told(events: &[Event]) -> CustomerBase {
    let mut base = CustomerBase::new(engine());
    events.iter().for_each(|event| drop(base.record(event).unwrap()));
    base
}

/// All that is known of all, derived up to one instant; and the links.
fn known(base: &CustomerBase) -> (Vec<(String, Vec<u8>, String)>, Vec<Vec<Identifier>>) {
    let customers = base.iter().filter(|customer| !customer.is_empty()).map(|customer| {
        let mut customer = customer.clone();
        base.engine().advance(&mut customer, day(1000));
        (customer.id().to_owned(), customer.to_bytes(), format!("{:?}", base.engine().history(&customer)))
    });
    let links = NAMES.iter().map(|name| base.identifiers(&id(name)).unwrap());
    (customers.collect(), links.collect())
}

const NAMES: [&str; 9] = [
    "customer:a",
    "customer:b",
    "customer:c",
    "email:a@x.de",
    "email:b@x.de",
    "email:c@x.de",
    "cookie:1",
    "cookie:2",
    "cookie:3",
];

#[test]
fn an_erased_customer_is_gone_and_refused() {
    let events = [
        event("visit", 1, 1, &["customer:a", "cookie:1"]),
        event("purchase", 2, 2, &["email:a@x.de"]).with("amount", "9.50"),
        event("linked", 3, 3, &["customer:a", "email:a@x.de"]),
        event("visit", 4, 4, &["customer:b", "cookie:1"]),
    ];
    let mut base = told(&events);
    let erasure = base.erase(&id("cookie:1"), day(10), KEY).unwrap();
    assert_eq!(erasure.identifiers, [id("cookie:1"), id("customer:a"), id("email:a@x.de")]);
    let receipt = erasure.receipt.to_json();
    assert_eq!(erasure.receipt.events.values().sum::<u64>(), 3, "{receipt}");
    assert_eq!((erasure.receipt.links, erasure.receipt.until), (3, day(10)));
    for personal in ["a@x.de", "customer:", "cookie:"] {
        assert!(!receipt.contains(personal), "{receipt}");
    }
    assert!(base.find(&id("email:a@x.de")).is_none());
    assert_eq!(base.identifiers(&id("customer:b")).unwrap(), [id("customer:b")]);

    let codes = |base: &mut CustomerBase| {
        events.iter().map(|event| base.record(event).map_err(|error| error.code()).err()).collect::<Vec<_>>()
    };
    // What b did on the cookie is b's, without the cookie.
    assert_eq!(codes(&mut base), [Some("erased"), Some("erased"), Some("erased"), None]);
    assert_eq!(base.identifiers(&id("customer:b")).unwrap(), [id("customer:b")]);

    // Nothing of it is in the bytes, and the tombstones are.
    let bytes = base.to_bytes();
    assert!(
        !bytes.windows(6).any(|part| part == b"a@x.de" || part == b"ie:1\0\0")
            && !bytes.windows(8).any(|part| part == b"cookie:1")
    );
    let mut again = CustomerBase::from_bytes(engine(), &bytes).unwrap();
    assert_eq!(again.to_bytes(), bytes);
    assert_eq!(codes(&mut again), [Some("erasure_key"); 4]);
    assert_eq!(again.is_erased(&id("customer:a")).unwrap_err().code(), "erasure_key");
    assert_eq!(again.unlock(b"another secret of nobody").unwrap_err().code(), "erasure_key");
    again.unlock(KEY).unwrap();
    assert_eq!(codes(&mut again), [Some("erased"), Some("erased"), Some("erased"), None]);
    assert!(again.is_erased(&id("cookie:1")).unwrap() && !again.is_erased(&id("customer:b")).unwrap());

    // What comes later begins a new customer; what happened before and became known later does not.
    let mut late = event("visit", 9, 9, &["customer:a"]);
    late.known_at = Some(day(20));
    assert_eq!(again.record(&late).unwrap_err().code(), "erased");
    again.record(&event("visit", 11, 8, &["customer:a"])).unwrap();
    assert_eq!(again.find(&id("customer:a")).unwrap().len(), 1);
}

#[test]
fn somebody_unknown_gets_a_tombstone_and_a_short_key_is_refused() {
    let mut base = told(&[]);
    assert_eq!(base.erase(&id("customer:a"), day(5), b"short").unwrap_err().code(), "erasure_key");
    base.record(&event("visit", 1, 1, &["customer:b"])).unwrap();
    assert!(base.erase(&id("customer:a"), day(5), KEY).unwrap().receipt.events.is_empty());
    assert_eq!(base.record(&event("visit", 5, 2, &["customer:a"])).unwrap_err().code(), "erased");
    assert_eq!(base.len(), 1);
}

#[test]
fn trends_forget_who_was_erased() {
    let mut base = told(&[event("visit", 1, 1, &["customer:a"])]);
    let mut trends = base.engine().trends();
    base.engine().observe(&mut trends, base.find(&id("customer:a")).unwrap());
    let erasure = base.erase(&id("customer:a"), day(5), KEY).unwrap();
    assert!(erasure.forget_in(&mut trends) && trends.is_empty());
}

fn shown(events: &[Event]) -> Vec<String> {
    let one = |event: &Event| {
        let names: Vec<&str> = event.identifiers.iter().map(Identifier::as_str).collect();
        format!("{} {} {names:?} {:?}", event.event_type, event.time, event.property("other"))
    };
    events.iter().map(one).collect()
}

fn stories() -> impl Strategy<Value = Vec<Event>> {
    let kinds = prop::sample::select(vec!["visit", "purchase", "linked", "linked", "unlinked"]);
    let one = (kinds, 0_i64..20, prop::collection::btree_set(0_usize..NAMES.len(), 1..4), any::<bool>());
    prop::collection::vec(one, 1..30).prop_map(|all| {
        let events = all.into_iter().enumerate().filter_map(|(number, (kind, at, names, words))| {
            let names: Vec<&str> = names.into_iter().map(|name| NAMES[name]).collect();
            let link = kind.ends_with("linked");
            if link && names.len() < 2 {
                return None;
            }
            let mut event = event(kind, at, number, if link && words { &names[..1] } else { &names });
            if link && words {
                event = event.with("other", names[1]);
            }
            Some(event)
        });
        events.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// A base that refused everything about a customer from the beginning is the base from which they were erased.
    #[test]
    fn erased_is_as_if_never_told((events, whom, at) in (stories(), prop::sample::select(&NAMES[..]), 0_i64..30)) {
        let mut erased = told(&events);
        let erasure = erased.erase(&id(whom), day(at), KEY).unwrap();
        let members: BTreeSet<Identifier> = erasure.identifiers.iter().cloned().collect();
        let mut never = CustomerBase::new(engine());
        for member in &members {
            never.erase(member, erasure.receipt.until, KEY).unwrap();
        }
        let mut refused = 0_u64;
        for event in &events {
            // An event that is later than the erasure, or about others, is let in.
            if let Err(error) = never.record(event) {
                prop_assert_eq!(error.code(), "erased");
                refused += 1;
            }
        }
        let removed = erasure.receipt.events.values().sum::<u64>() + erasure.receipt.elsewhere;
        prop_assert_eq!(removed, refused, "{:?} {}", shown(&events), whom);
        prop_assert_eq!(known(&erased), known(&never));
        // Telling it all again changes nothing.
        let before = known(&erased);
        for event in &events {
            let _ = erased.record(event);
        }
        prop_assert_eq!(known(&erased), before);
    }

    /// The same for one identifier of a customer, of whom the rest stays.
    #[test]
    fn an_erased_identifier_is_as_if_never_told(
        (events, whom, at) in (stories(), prop::sample::select(&NAMES[..]), 0_i64..30)
    ) {
        let mut erased = told(&events);
        let erasure = erased.erase_identifier(&id(whom), day(at), KEY).unwrap();
        prop_assert_eq!(&erasure.identifiers, &[id(whom)]);
        let mut never = CustomerBase::new(engine());
        never.erase(&id(whom), erasure.receipt.until, KEY).unwrap();
        let refused = events.iter().filter(|event| never.record(event).is_err()).count() as u64;
        prop_assert_eq!(erasure.receipt.events.values().sum::<u64>() + erasure.receipt.elsewhere, refused);
        prop_assert_eq!(known(&erased), known(&never), "{:?} {}", shown(&events), whom);
        let before = known(&erased);
        for event in &events {
            let _ = erased.record(event);
        }
        prop_assert_eq!(known(&erased), before);
        let value = whom.split(':').nth(1).unwrap();
        let text = erased.to_bytes().windows(whom.len()).any(|part| part == whom.as_bytes());
        prop_assert!(!text, "{} is in the bytes", value);
    }
}

#[test]
fn a_customer_outside_of_a_base_is_erased_too() {
    let engine = engine();
    let mut customer = engine.customer(&id("customer:a")).unwrap();
    let told = event("purchase", 2, 2, &["customer:a"]).with("amount", "9.50");
    engine.record(&mut customer, &told, None).unwrap();
    assert_eq!(Tombstones::new(b"short").unwrap_err().code(), "erasure_key");
    let mut tombstones = Tombstones::new(KEY).unwrap();
    let erasure = engine.erase(customer, day(5), &mut tombstones).unwrap();
    assert_eq!((erasure.receipt.scope, erasure.receipt.events["purchase"]), ("person", 1));
    let bytes = tombstones.to_bytes();
    assert_eq!(Tombstones::from_bytes(&bytes, b"another secret of nobody").unwrap_err().code(), "erasure_key");
    assert_eq!(Tombstones::from_bytes(&bytes[..bytes.len() - 1], KEY).unwrap_err().code(), "damaged");
    let again = Tombstones::from_bytes(&bytes, KEY).unwrap();
    assert_eq!((again.len(), again.to_bytes()), (1, bytes));
    for tombstones in [&tombstones, &again] {
        assert_eq!(tombstones.check(&engine, &told).unwrap_err().code(), "erased");
        assert!(tombstones.check(&engine, &event("visit", 6, 6, &["customer:a"])).is_ok());
        assert!(tombstones.check(&engine, &event("visit", 1, 6, &["customer:b"])).is_ok());
    }
}

#[test]
fn who_consented_for_somebody_else_is_not_left_behind_in_their_story() {
    let playbook = r#"
playbook: shop
version: 1
identity: {customer: {}, email: {}}
purposes: {marketing: opt_in}
attributes: {age: int}
minors: customer.age < 16
relations: {guardianship: {roles: [guardian, ward], consents: guardian}}
"#;
    let mut base = CustomerBase::new(Engine::compile(&[("shop.yaml", playbook)]).unwrap());
    let said = |number: usize, kind: &str, by: Option<&str>| {
        let told = event(kind, 2, number, &["customer:kid"]).with("purpose", "marketing");
        by.map_or(told.clone(), |by| told.with("by", by))
    };
    for told in [
        event("attribute_set", 1, 1, &["customer:kid"]).with("attribute", "age").with("value", 9_i64),
        event("related", 1, 2, &["customer:kid"])
            .with("relation", "guardianship")
            .with("to", "customer:mum")
            .with("role", "ward"),
        event("linked", 1, 3, &["customer:mum", "email:mum@x.de"]),
        said(4, "consent_given", Some("email:mum@x.de")),
        said(5, "consent_given", Some("customer:dad")),
        said(6, "consent_withdrawn", None),
    ] {
        base.record(&told).unwrap();
    }
    let erasure = base.erase(&id("customer:mum"), day(10), KEY).unwrap();
    assert_eq!(erasure.receipt.elsewhere, 2, "the relation and the consent");
    let story = base.story(&id("customer:kid")).unwrap();
    let kinds: Vec<(&str, Option<&str>)> =
        story.events.iter().map(|event| (&*event.event_type, event.property("by").and_then(|by| by.as_text()))).collect();
    let left = [("attribute_set", None), ("consent_given", Some("customer:dad")), ("consent_withdrawn", None)];
    assert_eq!(kinds, left);
    let bytes = base.to_bytes();
    assert!(!bytes.windows(3).any(|part| part == b"mum"));
}
