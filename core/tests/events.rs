//! Events from outside: any text gives an event or an error that says where, and what was recorded before stays.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use proptest::prelude::*;
use tactful::customer::Arrival;
use tactful::{CustomerBase, Engine, Event, Identifier, Timestamp};

const PLAYBOOK: &str = "
playbook: shop
version: 1
identity: {customer: {}, cookie: {}}
events:
  purchase: {amount: money(EUR), sku: string, pieces: int, rate: double, tags: list(string), when: timestamp, kind: 'enum(a, b)'}
";

fn base() -> CustomerBase {
    CustomerBase::new(Engine::compile(&[("shop.yaml", PLAYBOOK)]).unwrap_or_else(|mistakes| panic!("{mistakes}")))
}

fn refused(properties: &str) -> (String, String) {
    let mut base = base();
    let text = format!(
        r#"{{"type": "purchase", "time": "2026-03-01T00:00:00Z", "identifier": "customer:1", "properties": {properties}}}"#
    );
    let error = Event::from_json(&text).and_then(|event| base.record(&event)).unwrap_err();
    assert!(base.find(&Identifier::parse("customer:1").unwrap()).is_none_or(tactful::Customer::is_empty));
    (error.code().to_owned(), error.path().to_owned())
}

#[test]
fn what_does_not_fit_is_refused_with_its_place() {
    let wrong = |property: &str| ("wrong_type".to_owned(), format!("properties.{property}"));
    for (properties, expected) in [
        (r#"{"pieces": 1.5}"#, wrong("pieces")),
        (r#"{"pieces": "1"}"#, wrong("pieces")),
        (r#"{"pieces": true}"#, wrong("pieces")),
        (r#"{"pieces": 9223372036854775808}"#, wrong("pieces")),
        (r#"{"amount": 1.005}"#, wrong("amount")),
        (r#"{"amount": "1e300"}"#, wrong("amount")),
        (r#"{"amount": "100000000000000000"}"#, wrong("amount")),
        (r#"{"amount": {}}"#, wrong("amount")),
        (r#"{"rate": "NaN"}"#, wrong("rate")),
        (r#"{"tags": ["a", 1]}"#, wrong("tags")),
        (r#"{"tags": "a"}"#, wrong("tags")),
        (r#"{"when": "yesterday"}"#, wrong("when")),
        (r#"{"kind": "c"}"#, wrong("kind")),
        (r#"{"colour": "red"}"#, ("undeclared_property".to_owned(), "properties.colour".to_owned())),
        (r#"{"pieces": 18446744073709551616}"#, ("invalid_json".to_owned(), String::new())),
        (r#"{"sku": "a", "sku": "b"}"#, ("invalid_json".to_owned(), String::new())),
        ("[]", ("invalid_json".to_owned(), String::new())),
    ] {
        assert_eq!(refused(properties), expected, "{properties}");
    }
}

/// `address: {city: …}` is the property `address_city`, as deep as declared names reach and no deeper.
#[test]
fn objects_are_taken_apart_where_their_parts_are_declared() {
    let playbook = "
playbook: shop
version: 1
identity: {customer: {}}
attributes: {home_city: string, home_geo_floor: int, name: string}
events: {order: {address_city: string, address_geo_floor: int, note: string}}
segments: {bonn: 'events(\"order\").where(e, e.address_city == \"Bonn\" && e.address_geo_floor == 3).exists()'}
";
    let engine = Engine::compile(&[("shop.yaml", playbook)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let told = |kind: &str, properties: &str| {
        let mut base = CustomerBase::new(engine.clone());
        let text = format!(
            r#"{{"type": "{kind}", "time": "2026-03-01T00:00:00Z", "identifier": "customer:1", "properties": {properties}}}"#
        );
        let recorded = Event::from_json(&text).and_then(|event| base.record(&event));
        let events = base.find(&Identifier::parse("customer:1").unwrap()).map(|customer| {
            let told = customer.events();
            told.iter()
                .map(|event| event.to_json().split(r#""properties":"#).nth(1).unwrap_or("").to_owned())
                .collect::<Vec<_>>()
        });
        recorded.map(|_| events.unwrap()).map_err(|error| (error.code(), error.path().to_owned(), error.message().to_owned()))
    };
    let order = |properties: &str| told("order", properties);
    let flat = order(r#"{"address_city": "Bonn", "address_geo_floor": 3}"#).unwrap();
    for properties in [
        r#"{"address": {"city": "Bonn", "geo": {"floor": 3}}}"#,
        r#"{"address": {"city": "Bonn", "geo_floor": 3}}"#,
        r#"{"address_geo": {"floor": 3}, "address": {"city": "Bonn", "geo": null}}"#,
    ] {
        assert_eq!(order(properties).unwrap(), flat, "{properties}");
    }
    assert!(order(r#"{"address": null}"#).is_ok() && order(r#"{"address": {}}"#).is_ok());
    let wrong = |properties: &str| order(properties).map_err(|(code, path, _)| (code, path)).unwrap_err();
    for (properties, code, path) in [
        (r#"{"address": {"city": "Bonn"}, "address_city": "Ulm"}"#, "property_twice", "properties.address_city"),
        (r#"{"address_city": "Ulm", "address": {"city": "Bonn"}}"#, "property_twice", "properties.address.city"),
        (r#"{"address": {"geo": {"floor": "3"}}}"#, "wrong_type", "properties.address.geo.floor"),
        (r#"{"address": {"city": {"name": "Bonn"}}}"#, "wrong_type", "properties.address.city"),
        (r#"{"address": {"geo": {"lat": 1}}}"#, "undeclared_property", "properties.address.geo.lat"),
        (r#"{"address": "Bonn"}"#, "undeclared_property", "properties.address"),
        (r#"{"note": {"city": "Bonn"}}"#, "wrong_type", "properties.note"),
        (r#"{"billing": {"city": "Bonn"}}"#, "undeclared_property", "properties.billing"),
    ] {
        assert_eq!(wrong(properties), (code, path.to_owned()), "{properties}");
    }
    // Deep ones end where no declared name goes on.
    let deep = format!(r#"{{"address": {}1{}}}"#, r#"{"geo": "#.repeat(25), "}".repeat(25));
    assert_eq!(wrong(&deep), ("undeclared_property", "properties.address.geo.geo".to_owned()));
    let near = order(r#"{"address": {"citi": "Bonn"}}"#).unwrap_err().2;
    assert_eq!(near, "property `address_citi` is not declared in the playbook; did you mean `address_city`?");

    let set = |properties: &str| told("attributes_set", properties);
    let flat = set(r#"{"name": "Ada", "home_city": "Bonn", "home_geo_floor": 3}"#).unwrap();
    assert_eq!(set(r#"{"name": "Ada", "home": {"city": "Bonn", "geo": {"floor": 3}}}"#).unwrap(), flat);
    let (code, path, _) = set(r#"{"home": {"zip": "53111"}}"#).unwrap_err();
    assert_eq!((code, path.as_str()), ("undeclared_attribute", "properties.home_zip"));

    let asked = playbook.replace("e.address_city", "e.address.city");
    let mistakes = Engine::compile(&[("shop.yaml", asked.as_str())]).unwrap_err();
    let hint = "the parts of an object are properties of their own: `address_city`, `address_geo_floor`";
    assert_eq!(mistakes.0[0].hint.as_deref(), Some(hint));
}

#[test]
fn an_attribute_without_a_value_says_how_one_is_taken_back() {
    let engine =
        Engine::compile(&[("a.yaml", "{playbook: a, version: 1, identity: {customer: {}}, attributes: {age: int}}")]).unwrap();
    let text = r#"{"type": "attribute_set", "time": "2026-03-01T00:00:00Z", "identifier": "customer:1", "properties": {"attribute": "age", "value": null}}"#;
    let error = CustomerBase::new(engine).record(&Event::from_json(text).unwrap()).unwrap_err();
    assert_eq!((error.code(), error.path()), ("missing_property", "properties.value"));
    assert!(error.message().contains("`attribute_cleared`"), "{error}");
}

#[test]
fn hostile_sizes_are_bounded() {
    let long = "x".repeat(70_000);
    assert_eq!(refused(&format!(r#"{{"sku": "{long}"}}"#)), ("too_long".to_owned(), "properties.sku".to_owned()));
    let deep = format!(r#"{{"tags": {}{}}}"#, "[".repeat(5_000), "]".repeat(5_000));
    assert_eq!(refused(&deep).0, "invalid_json");
    let wide = format!(r#"{{"tags": [{}]}}"#, vec!["1"; 20_000].join(","));
    assert_eq!(refused(&wide).0, "invalid_json");
    assert_eq!(Event::from_json(&" ".repeat(2_000_000)).unwrap_err().code(), "too_long");
    let mut event = Event::new("purchase", Timestamp::MAX, Identifier::parse("customer:1").unwrap()).with_id(&"i".repeat(600));
    assert_eq!(base().record(&event).unwrap_err().path(), "id");
    event.id = None;
    assert_eq!(base().record(&event).unwrap().arrival, Some(Arrival::New));
}

#[test]
fn nan_and_infinity_are_no_property() {
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let event = Event::new("purchase", Timestamp::MIN, Identifier::parse("customer:1").unwrap()).with("rate", number);
        assert_eq!(base().record(&event).unwrap_err().code(), "wrong_type");
        let event = Event::new("purchase", Timestamp::MIN, Identifier::parse("customer:1").unwrap()).with("amount", number);
        assert_eq!(base().record(&event).unwrap_err().code(), "wrong_type");
    }
}

#[test]
fn a_customer_belongs_to_one_playbook() {
    let (mut one, other) = (base(), Engine::compile(&[("other.yaml", &PLAYBOOK.replace("version: 1", "version: 2"))]).unwrap());
    let ada = Identifier::parse("customer:1").unwrap();
    one.record(&Event::new("purchase", Timestamp::MIN, ada.clone())).unwrap();
    let mut customer = one.find(&ada).unwrap().clone();
    let event = Event::new("purchase", Timestamp::MAX, ada);
    assert_eq!(other.record(&mut customer, &event, None).unwrap_err().code(), "other_playbook");
    assert_eq!(customer.len(), 1);
}

const SAMPLE: &str = r#"{"type":"purchase","time":"2026-03-01T00:00:00Z","identifiers":["customer:1","cookie:2"],"id":"a","sequence":3,
"known_at":"2026-03-02T00:00:00Z","channel":"web","source":"shop","properties":{"amount":"1.50","sku":"a","pieces":3,"tags":["x"]}}"#;

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_an_event_or_an_error(text in ".{0,80}") {
        let _ = Event::from_json(&text);
    }

    #[test]
    fn a_changed_event_is_recorded_or_refused(changes in prop::collection::vec((any::<prop::sample::Index>(), ".{0,4}", 0_usize..4), 1..5)) {
        let mut text: Vec<char> = SAMPLE.chars().collect();
        for (place, new, cut) in changes {
            let at = place.index(text.len());
            let end = (at + cut).min(text.len());
            text.splice(at..end, new.chars());
        }
        let mut base = base();
        let recorded = Event::from_json(&text.into_iter().collect::<String>()).and_then(|event| base.record(&event));
        match recorded {
            Ok(effects) => prop_assert_eq!(effects.arrival, Some(Arrival::New)),
            Err(error) => prop_assert!(!error.code().is_empty() && !error.message().is_empty()),
        }
    }
}
