//! Questions as JSON: what is answered, what is refused, and that the published schema is that of the code.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use serde_json::{Value as Json, json};
use tactful::{CustomerBase, Engine, Event, Identifier, Request, Timestamp, Value};

const PLAYBOOK: &str = r#"
playbook: shop
version: 3
identity: {customer: {}, cookie: {anonymous: true}}
purposes: {marketing: {default: opt_in}}
attributes:
  age: {type: int, origin: stated, sensitivity: personal}
  city: {type: string, ttl: 30d}
  spent: {type: money(EUR), default: "0.00"}
events: {purchase: {amount: money(EUR)}, visit: {}}
segments: {buyer: {when: 'events("purchase").within("90d").exists()'}}
personas: {saver: {prior: 0.3, evidence: [{when: customer.age >= 60, odds: 4}]}}
journeys: {orders: {stages: {bought: {on: purchase, timeout: {after: 60d, to: gone}}, gone: {drop_out: true}}}}
channels: {web: text}
placements: {home: {channel: web}}
contact: [{count: shown, scope: channel(web), at_most: 3, per: rolling 7d}]
"#;

fn base() -> CustomerBase {
    let mut base = CustomerBase::new(Engine::compile(&[("shop.yaml", PLAYBOOK)]).unwrap_or_else(|error| panic!("{error}")));
    for event in [
        r#"{"type": "purchase", "time": "2026-03-01T10:00:00Z", "identifier": "customer:1", "id": "p1", "properties": {"amount": "12.50"}}"#,
        r#"{"type": "attribute_set", "time": "2026-03-02T10:00:00Z", "identifier": "customer:1", "properties": {"attribute": "age", "value": 61}}"#,
        r#"{"type": "attribute_set", "time": "2026-03-02T10:00:00Z", "identifier": "customer:1", "properties": {"attribute": "city", "value": "Kiel"}}"#,
        r#"{"type": "consent_given", "time": "2026-03-03T10:00:00Z", "identifier": "customer:1", "properties": {"purpose": "marketing"}}"#,
    ] {
        base.record(&Event::from_json(event).unwrap()).unwrap();
    }
    base
}

fn ask(base: &CustomerBase, question: &Json) -> Json {
    let answer = base.query(&question.to_string()).unwrap_or_else(|error| panic!("{error}"));
    serde_json::from_str(&answer).unwrap()
}

fn refused(base: &CustomerBase, question: &str) -> (String, String, String) {
    let error = base.query(question).unwrap_err();
    (error.code().to_owned(), error.path().to_owned(), error.message().to_owned())
}

#[test]
fn a_customer_is_told_as_of_an_instant() {
    let base = base();
    let told = ask(&base, &json!({"query": "customer", "identifier": "customer:1", "now": "2026-03-03T00:00:00Z"}));
    assert_eq!(told["customer"], "customer:1");
    assert_eq!(told["events"], 3, "the consent is not seen yet");
    assert_eq!(told["last"], "2026-03-02T10:00:00Z");
    assert_eq!(told["segments"], json!([{"segment": "buyer", "member": true}]));
    assert_eq!(told["persona"], "saver");
    assert_eq!(told["journeys"], json!([{"journey": "orders", "stage": "bought", "since": "2026-03-01T10:00:00Z"}]));
    assert_eq!(told["purposes"], json!([{"purpose": "marketing", "permitted": false}]));
    let later = ask(&base, &json!({"query": "customer", "identifier": "customer:1", "now": "2026-07-01T00:00:00Z"}));
    assert_eq!(later["segments"], json!([{"segment": "buyer", "member": false}]));
    assert_eq!(later["journeys"][0]["stage"], "gone");
    assert_eq!(later["purposes"], json!([{"purpose": "marketing", "permitted": true}]));
    let unaware = ask(
        &base,
        &json!({"query": "customer", "identifier": "customer:1", "now": "2026-07-01T00:00:00Z", "known_at": "2026-01-01T00:00:00Z"}),
    );
    assert_eq!((&unaware["events"], &unaware["known_at"]), (&json!(0), &json!("2026-01-01T00:00:00Z")));
}

#[test]
fn somebody_unknown_is_a_customer_without_events() {
    let told =
        ask(&base(), &json!({"query": "customer", "version": 1, "identifier": "customer:9", "now": "2026-03-03T00:00:00Z"}));
    assert_eq!((&told["customer"], &told["events"], &told["first"]), (&json!("customer:9"), &json!(0), &Json::Null));
}

#[test]
fn history_comes_in_parts() {
    let base = base();
    let all = ask(&base, &json!({"query": "history", "identifier": "customer:1"}));
    assert_eq!(all["total"], 2);
    assert_eq!(all["effects"][0]["effect"], "segment_entered");
    assert_eq!(all["effects"][1]["to"], "bought");
    let second = ask(&base, &json!({"query": "history", "identifier": "customer:1", "skip": 1, "limit": 1}));
    assert_eq!(second["effects"], json!([all["effects"][1]]));
    assert_eq!(second["total"], 2);
}

#[test]
fn attributes_have_values_defaults_and_ends() {
    let base = base();
    let value = |attribute: &str, now: &str| {
        ask(&base, &json!({"query": "attribute", "identifier": "customer:1", "attribute": attribute, "now": now}))
    };
    let age = value("age", "2026-03-03T00:00:00Z");
    assert_eq!(
        (&age["value"], &age["known"], &age["told"], &age["until"]),
        (&json!(61), &json!(true), &json!(true), &Json::Null)
    );
    assert_eq!(value("age", "2026-03-01T00:00:00Z")["known"], false);
    assert_eq!(value("city", "2026-03-03T00:00:00Z")["until"], "2026-04-01T10:00:00Z");
    assert_eq!(value("city", "2026-04-01T10:00:00Z")["value"], Json::Null);
    let spent = value("spent", "2026-03-03T00:00:00Z");
    assert_eq!((&spent["value"], &spent["told"], &spent["type"]), (&json!("0.00 EUR"), &json!(false), &json!("money(EUR)")));
}

#[test]
fn the_next_instant_to_look_is_known() {
    let due = ask(&base(), &json!({"query": "next_due", "identifier": "customer:1"}));
    assert_eq!(due, json!({"customer": "customer:1", "next_due": "2026-04-30T10:00:00Z"}));
}

#[test]
fn an_engine_answers_about_its_playbook_without_a_customer() {
    let engine = base().engine().clone();
    let told: Json = serde_json::from_str(&engine.query(None, r#"{"query": "describe"}"#).unwrap()).unwrap();
    assert_eq!((&told["name"], &told["version"], &told["digest"]), (&json!("shop"), &json!(3), &json!(&**engine.digest())));
    assert_eq!(told["attributes"][2]["default"], "0.00 EUR");
    assert_eq!(told["journeys"][0]["stages"][1]["drop_out"], true);
    assert_eq!(told["contact"][0]["text"], "at most 3 `shown` per rolling 7d, counted for channel(web)");
    let error = engine.query(None, r#"{"query": "next_due"}"#).unwrap_err();
    assert_eq!((error.code(), error.path()), ("missing_customer", ""));
    let other = Engine::compile(&[("other.yaml", "playbook: other\nversion: 1\nidentity: {customer: {}}\n")]).unwrap();
    let customer = other.customer(&Identifier::parse("customer:1").unwrap()).unwrap();
    assert_eq!(engine.query(&customer, r#"{"query": "next_due"}"#).unwrap_err().code(), "other_playbook");
}

#[test]
fn every_mistake_has_a_code_a_path_and_advice() {
    let base = base();
    let whole = r#""identifier": "customer:1", "now": "2026-03-03T00:00:00Z""#;
    for (question, code, path, message) in [
        ("", "invalid_json", "", "EOF"),
        ("[]", "wrong_type", "", "expected a question as a JSON object"),
        ("{} {}", "invalid_json", "", "trailing"),
        (r#"{"query": "customer", "query": "describe"}"#, "invalid_json", "", "key `query` is told twice"),
        ("{}", "missing_key", "query", "says in `query` which one"),
        (r#"{"query": 7}"#, "wrong_type", "query", "as text"),
        (r#"{"query": "custmer"}"#, "unknown_query", "query", "did you mean `customer`?"),
        (r#"{"query": "describe", "version": 2}"#, "unknown_version", "version", "known in version 1"),
        (r#"{"query": "describe", "identifier": "customer:1"}"#, "unknown_key", "identifier", "no key `identifier`"),
        (r#"{"query": "customer"}"#, "missing_key", "identifier", "whom it is about"),
        (r#"{"query": "customer", "identifier": 1}"#, "wrong_type", "identifier", "namespace:value"),
        (r#"{"query": "customer", "identifier": "1"}"#, "identifier_form", "identifier", "namespace:value"),
        (
            r#"{"query": "customer", "identifier": "mail:1", "now": "2026-03-03T00:00:00Z"}"#,
            "undeclared_namespace",
            "identifier",
            "mail",
        ),
        (r#"{"query": "customer", "identifier": "customer:1"}"#, "missing_key", "now", "needs `now`"),
        (r#"{"query": "customer", "identifier": "customer:1", "now": 3}"#, "wrong_type", "now", "found whole number"),
        (r#"{"query": "customer", "identifier": "customer:1", "now": "noon"}"#, "wrong_value", "now", ""),
        (
            &format!(r#"{{"query": "customer", {whole}, "knwon_at": null}}"#),
            "unknown_key",
            "knwon_at",
            "did you mean `known_at`?",
        ),
        (
            &format!(r#"{{"query": "attribute", {whole}, "attribute": "aeg"}}"#),
            "undeclared_name",
            "attribute",
            "did you mean `age`?",
        ),
        (
            r#"{"query": "history", "identifier": "customer:1", "limit": -1}"#,
            "wrong_value",
            "limit",
            "a whole number of 0 or more",
        ),
    ] {
        let found = refused(&base, question);
        assert_eq!((&*found.0, &*found.1), (code, path), "{question}: {}", found.2);
        assert!(found.2.contains(message), "{question}: {}", found.2);
    }
}

#[test]
fn values_do_not_stand_in_errors() {
    let found = refused(&base(), r#"{"query": "history", "identifier": "customer:1", "limit": "ada@example.org"}"#);
    assert_eq!(found, ("wrong_type".into(), "limit".into(), "expected a whole number of 0 or more, found text".into()));
}

#[test]
fn size_and_depth_are_bounded() {
    let base = base();
    let long = format!("{}{}", r#"{"query": "describe"}"#, " ".repeat(tactful::query::MAX_BYTES));
    assert_eq!(refused(&base, &long).0, "too_long");
    let deep = format!(r#"{{"query": {}"#, "[".repeat(100_000));
    assert_eq!(refused(&base, &deep).0, "invalid_json");
    let wide = format!(r#"{{"query": [{}1]}}"#, "1,".repeat(100_001));
    assert!(refused(&base, &wide).2.contains("more values than the limit allows"));
}

#[test]
fn the_checked_in_schema_is_the_generated_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/queries.schema.json");
    let Ok(checked_in) = std::fs::read_to_string(path) else { panic!("docs/queries.schema.json is missing") };
    // Compared as values, since the order of keys depends on how serde_json was built.
    let value = |text: &str| serde_json::from_str::<Json>(text).unwrap();
    let again = "run: cargo run -p tactful --example query_schema > docs/queries.schema.json";
    assert_eq!(value(&checked_in), value(&tactful::query::json_schema()), "{again}");
}

#[test]
fn every_question_is_in_the_guide() {
    let schema: Json = serde_json::from_str(&tactful::query::json_schema()).unwrap();
    let guide = include_str!("../../docs/queries.md");
    for question in schema["oneOf"].as_array().unwrap() {
        let name = question["title"].as_str().unwrap();
        assert!(guide.contains(&format!("| `{name}` |")), "docs/queries.md lacks `{name}`");
        assert!(!schema["$defs"]["answers"]["properties"][name].is_null());
        assert!(question["description"].is_string(), "{name} says what it asks");
    }
}

const RANKED: &str = "
playbook: shop
version: 1
identity: {customer: {}}
attributes: {age: int, city: string}
request: {rain: bool}
channels: {web: text}
placements: {home: {channel: web}}
offers:
  adult: {eligible: customer.age >= 18, value: 2, lever: LEVER, treatments: {web: {message: For adults.}}}
  coat: {eligible: 'request.rain && customer.city == \"Ulm\"', value: 3, lever: LOVER, treatments: {web: {message: A coat.}}}
  top: {value: 6, treatments: {web: {message: Top.}}}
";

/// Neither a fact nor a lever is enough for `adult`, both are; made sure of by deciding with each of them and with both.
#[test]
fn facts_and_a_lever_together_are_told_where_neither_is_enough() {
    let now = Timestamp::parse("2026-03-01T10:00:00Z").unwrap();
    let ada = Identifier::parse("customer:ada").unwrap();
    let shop = |lever: f64, lover: f64| {
        let text = RANKED.replace("LEVER", &format!("{lever:?}")).replace("LOVER", &format!("{lover:?}"));
        Engine::compile(&[("shop.yaml", &text)]).unwrap_or_else(|mistakes| panic!("{mistakes}"))
    };
    let told = |engine: &Engine, facts: &[(&str, Value)]| {
        let mut customer = engine.customer(&ada).unwrap();
        for (name, value) in facts {
            let event = Event::new("attribute_set", now, ada.clone()).with("attribute", *name).with("value", value.clone());
            engine.record(&mut customer, &event, None).unwrap();
        }
        customer
    };
    let chosen = |lever, lover, facts: &[(&str, Value)], rain: bool| {
        let engine = shop(lever, lover);
        let decision = engine.decide(&told(&engine, facts), &Request::of("home").with("rain", rain), now, None).unwrap();
        decision.offers().map(|offer| offer.offer.to_string()).collect::<Vec<_>>().join(" ")
    };
    let ask = |offer: &str, facts: &[(&str, Value)]| -> serde_json::Value {
        let engine = shop(1.0, 1.0);
        let asked = serde_json::json!({
            "query": "what_would_win", "offer": offer, "placements": ["home"], "now": "2026-03-01T10:00:00Z", "facts": {"rain": false},
        });
        serde_json::from_str(&engine.query(&told(&engine, facts), &asked.to_string()).unwrap()).unwrap()
    };
    let (young, grown) = ([("age", Value::Int(17))], [("age", Value::Int(18))]);
    let found = ask("adult", &young);
    assert_eq!(
        (&found["changes"], &found["lever"], &found["value"]),
        (&serde_json::json!([]), &serde_json::json!(null), &serde_json::json!(null))
    );
    let change = serde_json::json!({"kind": "attribute", "what": "customer.age", "to": 18, "aim": "exactly"});
    assert_eq!(found["together"], serde_json::json!([{"changes": [change], "lever": 3.0, "value": 6.0}]));
    assert_eq!(found["complete"], serde_json::json!(true));
    assert_eq!(chosen(1.0, 1.0, &grown, false), "top");
    assert_eq!(chosen(3.0, 1.0, &young, false), "top");
    assert_eq!(chosen(3.0, 1.0, &grown, false), "adult");
    assert_eq!(chosen(3.0_f64.next_down(), 1.0, &grown, false), "top");

    // Two facts and a lever, and no smaller set.
    let found = ask("coat", &[]);
    let told = &found["together"][0];
    let what: Vec<&str> = told["changes"].as_array().unwrap().iter().filter_map(|change| change["what"].as_str()).collect();
    assert_eq!(
        (what, &told["lever"], &found["together"][1]),
        (vec!["request.rain", "customer.city"], &serde_json::json!(2.0), &serde_json::Value::Null)
    );
    let ulm = [("city", Value::text("Ulm"))];
    assert_eq!(chosen(1.0, 2.0, &ulm, true), "coat");
    assert_eq!(
        (chosen(1.0, 2.0, &ulm, false), chosen(1.0, 2.0, &[], true), chosen(1.0, 1.0, &ulm, true)),
        ("top".into(), "top".into(), "top".into())
    );

    // Who comes to a rank already needs no facts.
    let found = ask("adult", &grown);
    assert_eq!((&found["lever"], found.get("together")), (&serde_json::json!(3.0), None));
}

/// The offer is made on one of two placements only: what stops it there is why it is better to be silent.
#[test]
fn silence_is_explained_by_what_stops_the_offer_where_it_is_made() {
    let text = "
playbook: shop
version: 1
identity: {customer: {}}
purposes: {marketing: {default: opt_in}}
channels: {web: text, mail: text}
placements: {home: {channel: web}, letter: {channel: mail}}
offers:
  news: {purposes: [marketing], treatments: {mail: {message: News.}}}
";
    let base = CustomerBase::new(Engine::compile(&[("shop.yaml", text)]).unwrap_or_else(|error| panic!("{error}")));
    let asked = json!({"query": "reach", "identifier": "customer:1", "offer": "news", "now": "2026-03-01T10:00:00Z"});
    let found = ask(&base, &asked);
    assert_eq!(found["options"][0]["reason"], json!("the offer is not made there"));
    assert_eq!(found["reason"], json!("silence is better: stopped at `consent`: consent for `marketing` was never given"));
}
