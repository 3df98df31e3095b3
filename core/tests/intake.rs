//! Messages of other systems: what becomes of each kind, clocks of devices, what is left out and what is refused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use tactful::intake::{Form, Intake};
use tactful::{CustomerBase, Engine, Identifier, Timestamp, Value};

const PLAYBOOK: &str = r#"
playbook: shop
version: 1
identity: {customer: {}, cookie: {anonymous: true}}
attributes: {first_name: string, age: int, zone: string}
events:
  purchase: {amount: money(EUR), sku: string, utm_source: string}
  page: {name: string, page_title: string}
  joined: {group_id: string, plan: string}
intake:
  events: {purchase: [Order Completed, com.example.order], joined: group}
  properties: {amount: revenue, utm_source: context.campaign.source}
  attributes: {zone: context.timezone}
"#;

fn engine() -> Engine {
    Engine::compile(&[("shop.yaml", PLAYBOOK)]).unwrap_or_else(|error| panic!("{error}"))
}

fn taken(text: &str) -> Intake {
    engine().intake(text, None, None).unwrap_or_else(|error| panic!("{error}"))
}

fn time(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

#[test]
fn a_track_message_is_an_event() {
    let found = taken(
        r#"{"type": "track", "event": "Order Completed", "userId": 17, "anonymousId": "c-1", "messageId": "m1", "channel": "browser",
            "timestamp": "2026-03-01T10:00:00Z", "properties": {"revenue": 12.5, "SKU": "a", "shoe": {"size": 43}},
            "context": {"campaign": {"source": "mail", "name": "spring"}, "device": {"type": "mobile"}, "page": {"path": "/cart"}}}"#,
    );
    let [event] = &found.events[..] else { panic!("{found:?}") };
    assert_eq!(
        (event.event_type.as_str(), event.id.as_deref(), event.channel.as_deref()),
        ("purchase", Some("m1"), Some("browser"))
    );
    let identifiers: Vec<&str> = event.identifiers.iter().map(Identifier::as_str).collect();
    assert_eq!(identifiers, ["customer:17", "cookie:c-1"]);
    assert_eq!(event.property("amount"), Some(&Value::Double(12.5)));
    assert_eq!(event.property("sku"), Some(&Value::text("a")));
    assert_eq!(event.property("utm_source"), Some(&Value::text("mail")));
    let details = event.details.as_ref().unwrap();
    assert_eq!(
        (details.device.as_deref(), details.campaign.as_deref(), details.page.as_deref()),
        (Some("mobile"), Some("spring"), Some("/cart"))
    );
    assert_eq!(found.left_out.iter().map(|part| part.path.as_str()).collect::<Vec<_>>(), ["properties.shoe"]);
    let mut base = CustomerBase::new(engine());
    base.record(event).unwrap();
}

/// What is inside of objects, in any spelling; what is left of an object is told by its parts.
#[test]
fn objects_in_messages_are_taken_apart() {
    let playbook = r#"
playbook: shop
version: 1
identity: {customer: {}, account: {}}
attributes: {address_city: string, town: string}
events: {order: {ship_to_postal_code: string, total: double, unit: string}}
relations: {account: {group: account}}
intake: {properties: {total: price.gross}, attributes: {town: seat.city}}
"#;
    let engine = Engine::compile(&[("shop.yaml", playbook)]).unwrap_or_else(|error| panic!("{error}"));
    let read = |text: &str| {
        let found = engine.intake(text, None, None).unwrap();
        assert!(found.refused.is_empty(), "{found:?}");
        let told: Vec<(String, Value)> = found.events.into_iter().flat_map(|event| event.properties).collect();
        (told, found.left_out.into_iter().map(|part| part.path).collect::<Vec<_>>())
    };
    let text = |name: &str, value: &str| (name.to_owned(), Value::text(value));
    let properties = r#"{"shipTo": {"postalCode": "53111", "city": "Bonn", "geo": {"lat": 1}}, "price": {"gross": 2.5, "net": 2.0}, "x": {"y": 1}}"#;
    let expected = vec![text("ship_to_postal_code", "53111"), ("total".to_owned(), Value::Double(2.5))];
    let rest = ["shipTo.city", "shipTo.geo", "price.net", "x"];
    let found = read(&format!(
        r#"{{"type": "track", "event": "Order", "userId": "1", "timestamp": "2026-03-01T10:00:00Z", "properties": {properties}}}"#
    ));
    assert_eq!(found, (expected.clone(), rest.map(|path| format!("properties.{path}")).to_vec()));
    let found = read(&format!(
        r#"{{"specversion": "1.0", "id": "7", "source": "/shop", "type": "order", "time": "2026-03-01T10:00:00Z", "subject": "1", "data": {properties}}}"#
    ));
    assert_eq!(found, (expected, rest.map(|path| format!("data.{path}")).to_vec()));
    let traits = r#"{"address": {"City": "Bonn", "zip": "53111"}, "seat": {"city": "Ulm"}, "role": "x", "age": {"years": 3}}"#;
    let found =
        read(&format!(r#"{{"type": "identify", "userId": "1", "timestamp": "2026-03-01T10:00:00Z", "traits": {traits}}}"#));
    let set = [text("attribute", "address_city"), text("value", "Bonn"), text("attribute", "town"), text("value", "Ulm")];
    assert_eq!(found.0, set);
    assert_eq!(found.1, ["traits.address.zip", "traits.role", "traits.age"]);
    let found = read(&format!(
        r#"{{"type": "group", "userId": "1", "groupId": "acme", "timestamp": "2026-03-01T10:00:00Z", "traits": {traits}}}"#
    ));
    assert_eq!(found.0[2..], set);
    assert_eq!(found.1, ["traits.address.zip", "traits.age"]);
}

const BINARY: [(&str, &str); 6] = [
    ("Ce-Specversion", "1.0"),
    ("ce-type", "com.example.order"),
    ("ce-source", "/till/3"),
    ("ce-id", "17"),
    ("ce-time", "2026-03-01T10:00:00Z"),
    ("ce-subject", "customer:ada"),
];

#[test]
fn a_request_in_binary_mode_is_read_from_its_headers() {
    let engine = engine();
    let found =
        engine.intake_http(BINARY, br#"{"revenue": 12.5, "shoe": {"size": 43}}"#, Some(time("2026-03-01T10:00:05Z"))).unwrap();
    let [event] = &found.events[..] else { panic!("{found:?}") };
    assert_eq!((event.id.as_deref(), event.time), (Some("/till/3#17"), time("2026-03-01T10:00:00Z")));
    assert_eq!((event.property("amount"), event.known_at), (Some(&Value::Double(12.5)), Some(time("2026-03-01T10:00:05Z"))));
    assert_eq!(found.left_out[0].path, "body.shoe");
    // The same as in structured mode.
    let text = r#"{"specversion": "1.0", "type": "com.example.order", "source": "/till/3", "id": "17", "time": "2026-03-01T10:00:00Z",
        "subject": "customer:ada", "data": {"revenue": 12.5, "shoe": {"size": 43}}}"#;
    let structured = engine.intake_http(
        [("content-type", "application/cloudevents+json")],
        text.as_bytes(),
        Some(time("2026-03-01T10:00:05Z")),
    );
    assert_eq!(structured.unwrap().events, found.events);
    // Bytes of a picture have no properties, and the event stands all the same.
    let picture = BINARY.into_iter().chain([("Content-Type", "image/png")]);
    let found = engine.intake_http(picture, &[0x89, 0x50, 0xff], None).unwrap();
    assert_eq!((found.events.len(), found.left_out[0].path.as_str()), (1, "body"));
    let mut base = CustomerBase::new(engine);
    let recorded = base.intake_http(BINARY, br#"{"revenue": 12.5}"#, None).unwrap();
    assert_eq!((recorded.effects.len(), base.len()), (1, 1));
}

#[test]
fn a_request_that_cannot_be_read_says_where() {
    let engine = engine();
    let wrong = |headers: &[(&str, &str)], body: &[u8]| {
        let error = engine.intake_http(headers.iter().copied(), body, None).unwrap_err();
        (error.code(), error.path().to_owned())
    };
    let with = |more: (&'static str, &'static str)| BINARY.into_iter().chain([more]).collect::<Vec<_>>();
    assert_eq!(wrong(&BINARY, b"{"), ("invalid_json", "body".to_owned()));
    assert_eq!(wrong(&BINARY, &[b'{', 0xff]), ("not_utf8", "body".to_owned()));
    assert_eq!(wrong(&with(("CE-ID", "18")), b""), ("duplicate_key", "ce-id".to_owned()));
    assert_eq!(wrong(&with(("ce-customer", "%f")), b""), ("wrong_value", "ce-customer".to_owned()));
    assert_eq!(wrong(&with(("ce-customer", "%ff")), b""), ("wrong_value", "ce-customer".to_owned()));
    assert_eq!(wrong(&with(("content-type", "text/json; charset=latin1")), b"{}"), ("not_utf8", "content-type".to_owned()));
    assert_eq!(
        wrong(&[("content-type", "application/cloudevents+protobuf")], b""),
        ("unknown_form", "content-type".to_owned())
    );
    let long = vec![b' '; tactful::intake::MAX_BYTES + 1];
    assert_eq!(wrong(&BINARY, &long), ("too_long", String::new()));
    let refused = engine.intake_http(BINARY.into_iter().filter(|(name, _)| *name != "ce-time"), b"{}", None).unwrap().refused;
    assert_eq!((refused[0].code(), refused[0].path()), ("missing_key", "ce-time"));
}

#[test]
fn the_clock_of_a_device_is_corrected() {
    let message = |rest: &str| format!(r#"{{"type": "track", "event": "purchase", "userId": "1", {rest}}}"#);
    for (rest, received, expected) in [
        // Ten seconds before it was sent, by a clock that is a day late.
        (
            r#""timestamp": "2026-02-28T10:00:00Z", "sentAt": "2026-02-28T10:00:10Z", "receivedAt": "2026-03-01T10:00:11Z""#,
            None,
            "2026-03-01T10:00:01Z",
        ),
        (
            r#""originalTimestamp": "2026-02-28T10:00:00Z", "sentAt": "2026-02-28T10:00:10Z""#,
            Some("2026-03-01T10:00:11Z"),
            "2026-03-01T10:00:01Z",
        ),
        // Corrected already.
        (
            r#""timestamp": "2026-03-01T10:00:01Z", "originalTimestamp": "2026-02-28T10:00:00Z", "sentAt": "2026-02-28T10:00:10Z", "receivedAt": "2026-03-01T10:00:11Z""#,
            None,
            "2026-03-01T10:00:01Z",
        ),
        // Nothing to correct by.
        (r#""timestamp": "2026-02-28T10:00:00Z""#, Some("2026-03-01T10:00:11Z"), "2026-02-28T10:00:00Z"),
        (r#""properties": {}"#, Some("2026-03-01T10:00:11Z"), "2026-03-01T10:00:11Z"),
    ] {
        let found = engine().intake(&message(rest), None, received.map(time)).unwrap();
        assert_eq!(found.events[0].time, time(expected), "{rest}");
    }
    let found = taken(&message(r#""properties": {}"#));
    assert_eq!((found.refused[0].code(), found.refused[0].path()), ("missing_key", "timestamp"));
}

#[test]
fn identify_sets_attributes_and_links() {
    let found = taken(
        r#"{"type": "identify", "userId": "17", "anonymousId": "c-1", "messageId": "m2", "timestamp": "2026-03-01T10:00:00Z",
            "traits": {"firstName": "Ada", "age": 36, "shoeSize": 38}, "context": {"timezone": "Europe/Berlin"}}"#,
    );
    let told: Vec<(&str, Option<&str>)> =
        found.events.iter().map(|event| (event.event_type.as_str(), event.id.as_deref())).collect();
    assert_eq!(
        told,
        [
            ("linked", Some("m2:linked")),
            ("attribute_set", Some("m2:first_name")),
            ("attribute_set", Some("m2:age")),
            ("attribute_set", Some("m2:zone"))
        ]
    );
    assert_eq!(found.left_out[0].path, "traits.shoeSize");
    let mut base = CustomerBase::new(engine());
    base.intake(r#"{"type": "page", "name": "Home", "anonymousId": "c-1", "timestamp": "2026-03-01T09:00:00Z"}"#, None, None)
        .unwrap();
    for event in &found.events {
        base.record(event).unwrap();
    }
    assert_eq!(base.len(), 1, "the visitor and the customer are one");
    assert_eq!(base.find(&Identifier::parse("cookie:c-1").unwrap()).unwrap().len(), 5);
}

#[test]
fn pages_groups_and_aliases() {
    let found = taken(
        r#"[{"type": "page", "name": "Home", "userId": "1", "timestamp": "2026-03-01T10:00:00Z", "context": {"page": {"title": "Shop"}}},
            {"type": "group", "groupId": "acme", "userId": "1", "timestamp": "2026-03-01T10:00:00Z", "traits": {"plan": "gold"}},
            {"type": "alias", "previousId": "c-9", "userId": "1", "timestamp": "2026-03-01T10:00:00Z"},
            {"type": "screen", "name": "Home", "userId": "1", "timestamp": "2026-03-01T10:00:00Z"}]"#,
    );
    let [page, group, alias] = &found.events[..] else { panic!("{found:?}") };
    assert_eq!((page.property("name"), page.property("page_title")), (Some(&Value::text("Home")), Some(&Value::text("Shop"))));
    assert_eq!((group.event_type.as_str(), group.property("group_id")), ("joined", Some(&Value::text("acme"))));
    assert_eq!(alias.identifiers[1].as_str(), "cookie:c-9");
    assert_eq!(found.left_out[0].path, "[3].event", "nothing is declared for a screen");
}

#[test]
fn a_group_message_relates_the_person_and_tells_of_the_group() {
    let text = r#"
playbook: office
version: 1
identity: {person: {}, cookie: {anonymous: true}, account: {}, household: {}}
attributes: {plan: string, seats: int}
events: {visit: {}}
relations:
  account: {group: account, roles: [buyer, user]}
  household: {group: household}
intake: {user_id: person, group: account}
"#;
    let engine = Engine::compile(&[("office.yaml", text)]).unwrap_or_else(|error| panic!("{error}"));
    let message = r#"{"type": "group", "groupId": "acme", "userId": "1", "anonymousId": "c", "messageId": "m1", "timestamp": "2026-03-01T10:00:00Z",
        "traits": {"plan": "gold", "Seats": 40, "role": "Buyer", "color": "red"}}"#;
    let found = engine.intake(message, None, None).unwrap();
    let told: Vec<String> = found.events.iter().map(tactful::Event::to_json).collect();
    assert_eq!(
        told,
        [
            r#"{"id":"m1:related","identifiers":["person:1"],"properties":{"relation":"account","role":"buyer","to":"account:acme"},"source":"segment","time":"2026-03-01T10:00:00Z","type":"related"}"#,
            r#"{"id":"m1:plan","identifiers":["account:acme"],"properties":{"attribute":"plan","value":"gold"},"source":"segment","time":"2026-03-01T10:00:00Z","type":"attribute_set"}"#,
            r#"{"id":"m1:seats","identifiers":["account:acme"],"properties":{"attribute":"seats","value":40},"source":"segment","time":"2026-03-01T10:00:00Z","type":"attribute_set"}"#,
        ]
    );
    assert_eq!(found.left_out.iter().map(|part| &*part.path).collect::<Vec<_>>(), ["traits.color"]);
    let mut base = CustomerBase::new(engine);
    assert!(base.intake(message, None, None).unwrap().refused.is_empty());
    // Sent again it counts once.
    assert!(base.intake(message, None, None).unwrap().refused.is_empty());
    let asked = r#"{"query": "relations", "version": 1, "identifier": "account:acme", "now": "2026-03-02T00:00:00Z"}"#;
    let answer = base.query(asked).unwrap();
    assert!(answer.contains(r#""role":"buyer""#) && answer.contains(r#""total":1"#), "{answer}");
    let missing = base.intake(r#"{"type": "group", "userId": "1", "timestamp": "2026-03-01T10:00:00Z"}"#, None, None).unwrap();
    assert_eq!((missing.refused[0].code(), missing.refused[0].path()), ("missing_key", "groupId"));
}

#[test]
fn a_batch_shares_when_it_was_sent_and_goes_on_after_mistakes() {
    let found = taken(
        r#"{"sentAt": "2026-02-28T10:00:10Z", "receivedAt": "2026-03-01T10:00:10Z", "batch": [
            {"type": "track", "event": "purchase", "userId": "1", "timestamp": "2026-02-28T10:00:00Z"},
            {"type": "track", "userId": "1", "timestamp": "2026-02-28T10:00:00Z"},
            {"type": "track", "event": "purchase", "timestamp": "2026-02-28T10:00:00Z"},
            {"type": "track", "event": "purchase", "userId": "1", "timestamp": "yesterday"},
            {"type": "shout", "userId": "1", "timestamp": "2026-02-28T10:00:00Z"}]}"#,
    );
    assert_eq!((found.events.len(), found.events[0].time), (1, time("2026-03-01T10:00:00Z")));
    let refused: Vec<(&str, &str)> = found.refused.iter().map(|error| (error.code(), error.path())).collect();
    assert_eq!(
        refused,
        [
            ("missing_key", "batch[1].event"),
            ("missing_key", "batch[2].userId"),
            ("not_a_time", "batch[3].timestamp"),
            ("wrong_value", "batch[4].type")
        ]
    );
}

#[test]
fn cloud_events_are_read_one_by_one_in_batches_and_in_base64() {
    let found = taken(
        r#"[{"specversion": "1.0", "id": "7", "source": "/shop", "type": "com.example.order", "time": "2026-03-01T10:00:00Z",
             "subject": "17", "data": {"revenue": "12.50", "color": "red"}},
            {"specversion": "1.0", "id": "8", "source": "/shop", "type": "org.shop.purchase", "time": "2026-03-01T10:00:00Z",
             "customer": "18", "cookie": "c-2", "data_base64": "eyJza3UiOiAiYSJ9"},
            {"specversion": "1.0", "id": "9", "source": "/shop", "type": "purchase", "time": "2026-03-01T10:00:00Z",
             "subject": "cookie:c-3", "data": {"customer": "19"}},
            {"specversion": "1.0", "id": "10", "source": "/shop", "type": "com.example.refund", "subject": "1", "time": "2026-03-01T10:00:00Z"},
            {"specversion": "1.0", "id": "11", "source": "/shop", "type": "purchase", "time": "2026-03-01T10:00:00Z"},
            {"specversion": "1.0", "id": "12", "source": "/shop", "type": "purchase", "subject": "1", "time": "2026-03-01T10:00:00Z", "data_base64": "!"}]"#,
    );
    let told: Vec<(Option<&str>, Vec<&str>)> = found
        .events
        .iter()
        .map(|event| (event.id.as_deref(), event.identifiers.iter().map(Identifier::as_str).collect()))
        .collect();
    assert_eq!(
        told,
        [
            (Some("/shop#7"), vec!["customer:17"]),
            (Some("/shop#8"), vec!["customer:18", "cookie:c-2"]),
            (Some("/shop#9"), vec!["customer:19", "cookie:c-3"])
        ]
    );
    assert_eq!(found.events[0].property("amount"), Some(&Value::text("12.50")));
    assert_eq!(found.events[1].property("sku"), Some(&Value::text("a")));
    assert_eq!(found.left_out.iter().map(|part| part.path.as_str()).collect::<Vec<_>>(), ["[0].data.color", "[3].type"]);
    let refused: Vec<(&str, &str)> = found.refused.iter().map(|error| (error.code(), error.path())).collect();
    assert_eq!(refused, [("missing_key", "[4].subject"), ("wrong_value", "[5].data_base64")]);
}

/// Properties that are no object are not lost in silence.
#[test]
fn properties_that_are_no_object_are_told() {
    let segment = |kind: &str, rest: &str| {
        format!(
            r#"{{"type": "{kind}", "event": "purchase", "userId": "1", "groupId": "g", "timestamp": "2026-03-01T10:00:00Z", {rest}}}"#
        )
    };
    for (text, path) in [
        (segment("track", r#""properties": "x""#), "properties"),
        (segment("page", r#""properties": [1]"#), "properties"),
        (segment("identify", r#""traits": "x""#), "traits"),
        (segment("group", r#""traits": 1"#), "traits"),
    ] {
        let found = taken(&text);
        assert_eq!((found.events.len(), found.refused[0].code(), found.refused[0].path()), (0, "wrong_type", path), "{text}");
    }
    assert!(taken(&segment("track", r#""properties": null"#)).refused.is_empty());
    let found = taken(
        r#"{"specversion": "1.0", "id": "1", "source": "/s", "type": "purchase", "time": "2026-03-01T10:00:00Z", "subject": "1", "data": "x"}"#,
    );
    assert_eq!((found.events.len(), found.left_out[0].path.as_str()), (1, "data"));
}

#[test]
fn own_events_pass_and_mistakes_in_them_have_codes() {
    let found = taken(
        r#"[{"type": "purchase", "time": "2026-03-01T10:00:00Z", "identifier": "customer:1", "properties": {"amount": "1.00"}},
            {"type": "purchase", "identifier": "customer:1"}, {"hello": 1}]"#,
    );
    assert_eq!((found.events.len(), found.refused[0].code(), found.refused[1].code()), (1, "invalid_json", "unknown_form"));
    assert_eq!(found.refused[1].path(), "[2]");
}

#[test]
fn what_is_no_message_at_all_is_an_error() {
    for (text, code) in [("", "invalid_json"), ("7", "wrong_type"), (r#"{"a": 1, "a": 2}"#, "invalid_json")] {
        assert_eq!(engine().intake(text, None, None).unwrap_err().code(), code);
    }
    let long = " ".repeat(tactful::intake::MAX_BYTES + 1);
    assert_eq!(engine().intake(&long, Some(Form::Segment), None).unwrap_err().code(), "too_long");
}

#[test]
fn a_base_records_what_it_can() {
    let mut base = CustomerBase::new(engine());
    let told = base
        .intake(
            r#"{"batch": [{"type": "track", "event": "purchase", "userId": "1", "timestamp": "2026-03-01T10:00:00Z", "properties": {"amount": true}},
                {"type": "track", "event": "purchase", "userId": "1", "timestamp": "2026-03-01T10:00:00Z"}]}"#,
            None,
            None,
        )
        .unwrap();
    assert_eq!((told.effects.len(), told.refused.len(), base.len()), (1, 1, 1));
    assert_eq!(told.refused[0].path(), "properties.amount");
}

#[test]
fn what_intake_names_has_to_be_declared() {
    let wrong = "playbook: shop\nversion: 1\nidentity: {customer: {}}\nevents: {purchase: {}}\nintake: {user_id: custmer, events: {purchas: Order}}\n";
    let found = Engine::compile(&[("shop.yaml", wrong)]).unwrap_err();
    let codes: Vec<(&str, &str)> = found.0.iter().map(|finding| (finding.code, finding.path.as_str())).collect();
    assert_eq!(codes, [("unknown_name", "intake.user_id"), ("unknown_name", "intake.events.purchas")]);
}

const CONSENT: &str =
    "{playbook: shop, version: 1, identity: {customer: {}, cookie: {anonymous: true}}, events: {page: {name: string}},
    purposes: {marketing: {default: opt_in, expires_after: 30d}}}";

fn page(id: &str, day: u32, permitted: bool, event: Option<&str>) -> String {
    let kind = event.map_or_else(|| r#""type": "page""#.to_owned(), |event| format!(r#""type": "track", "event": "{event}""#));
    format!(
        r#"{{{kind}, "messageId": "{id}", "timestamp": "2026-03-{day:02}T10:00:00Z", "userId": "17",
            "context": {{"consent": {{"categoryPreferences": {{"Marketing": {permitted}}}}}}}}}"#
    )
}

/// What every message repeats does not renew a consent; what the customer chose just now does.
#[test]
fn a_repeated_consent_is_no_new_one() {
    let engine = Engine::compile(&[("shop.yaml", CONSENT)]).unwrap();
    let mut base = CustomerBase::new(engine.clone());
    let ada = Identifier::parse("customer:17").unwrap();
    let mut told = |text: String| {
        let recorded = base.intake(&text, None, None).unwrap();
        assert!(recorded.refused.is_empty() && recorded.left_out.is_empty(), "{recorded:?}");
        let customer = base.find(&ada).unwrap();
        let permits = |time: &str| engine.permits(customer, "marketing", Timestamp::parse(time).unwrap()).unwrap();
        (recorded.effects.len(), permits("2026-03-30T00:00:00Z"), permits("2026-04-05T00:00:00Z"))
    };
    assert_eq!(told(page("a", 1, true, None)), (2, true, false));
    assert_eq!(told(page("b", 20, true, None)), (1, true, false));
    assert_eq!(told(page("c", 21, true, Some("Segment Consent Preference Updated"))), (1, true, true));
    assert_eq!(told(page("d", 22, false, None)), (2, false, false));
    assert_eq!(told(page("e", 23, false, None)), (1, false, false));
}

#[test]
fn the_own_form_is_known_from_when_the_host_got_it_where_it_does_not_say() {
    let playbook = "playbook: shop\nversion: 1\nidentity: {customer: {}}\nevents: {visit: {}}\n";
    let engine = Engine::compile(&[("shop", playbook)]).unwrap();
    let text = r#"[{"type": "visit", "time": "2026-03-01T10:00:00Z", "identifier": "customer:1"},
        {"type": "visit", "time": "2026-03-01T10:00:00Z", "identifier": "customer:1", "known_at": "2026-03-01T11:00:00Z"}]"#;
    let at = |text: &str| Some(Timestamp::parse(text).unwrap());
    let known =
        |received| engine.intake(text, None, received).unwrap().events.iter().map(|event| event.known_at).collect::<Vec<_>>();
    assert_eq!(known(at("2026-03-02T00:00:00Z")), [at("2026-03-02T00:00:00Z"), at("2026-03-01T11:00:00Z")]);
    assert_eq!(known(None), [None, at("2026-03-01T11:00:00Z")]);
}
