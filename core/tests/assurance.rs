//! What is decided for somebody anonymous does not depend on what was before the present session.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use proptest::prelude::*;
use tactful::{Assurance, CustomerBase, Engine, Event, Identifier, Request, Timestamp};

const PLAYBOOK: &str = r#"
playbook: assurance
version: 1
identity: {customer: {}}
purposes: {marketing: opt_in, service: opt_out}
attributes:
  city: {type: string, default: Rome}
  age: {type: int, resolve: [confidence, earliest]}
  zone: string
  balance: {type: int, assurance: authenticated}
customer_zone: zone
events: {view: {sku: string}, purchase: {amount: int}}
segments:
  buyer: events("purchase").exists()
  rich: customer.balance > 2
personas:
  eager: {prior: 0.4, evidence: [{when: 'events("purchase").within("2d").count() > 1', odds: 9}, {when: customer.age > 2, odds: 3, otherwise: 0.5}]}
journeys:
  way: {stages: {begun: {on: purchase}, saved: {enter: customer.balance > 1}}}
channels: {web: text}
placements: {home: {channel: web, slots: 20}}
offers:
  a: {eligible: 'events("view").within("1d").count() >= 2', treatments: {web: {message: a}}}
  b: {eligible: 'events("purchase").count() == 0', treatments: {web: {message: b}}}
  c: {eligible: 'segment("buyer")', treatments: {web: {message: c}}}
  d: {eligible: 'customer.city == "Rome"', treatments: {web: {message: d}}}
  e: {eligible: customer.age > 2, treatments: {web: {message: e}}}
  f: {eligible: 'journey("way").stage == "begun"', treatments: {web: {message: f}}}
  g: {eligible: session.first, treatments: {web: {message: g}}}
  h: {eligible: 'session.events >= 2', treatments: {web: {message: h}}}
  i: {eligible: now.getHours() > 12, treatments: {web: {message: i}}}
  j: {value: 'persona("eager")', treatments: {web: {message: j}}}
  k: {eligible: 'events("purchase").last("amount") > 2', treatments: {web: {message: k}}}
  l: {eligible: 'events("view").since_first() > duration("1h")', treatments: {web: {message: l}}}
  m: {purposes: marketing, treatments: {web: {message: m}}}
  n: {purposes: service, treatments: {web: {message: n}}}
  o: {eligible: 'location.city == "Bonn"', treatments: {web: {message: o}}}
  p: {eligible: 'segment("rich")', treatments: {web: {message: p}}}
  q: {eligible: 'journey("way").stage == "saved"', treatments: {web: {message: q}}}
"#;

fn base(events: &[serde_json::Value]) -> CustomerBase {
    base_under(PLAYBOOK, events)
}

fn base_under(playbook: &str, events: &[serde_json::Value]) -> CustomerBase {
    let engine = Engine::compile(&[("playbook.yaml", playbook)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let mut base = CustomerBase::new(engine);
    for event in events {
        base.record(&Event::from_json(&event.to_string()).unwrap()).unwrap();
    }
    base
}

fn asked(base: &CustomerBase, assurance: Assurance) -> String {
    asked_on("customer:ada", base, assurance)
}

fn asked_on(identifier: &str, base: &CustomerBase, assurance: Assurance) -> String {
    let who = Identifier::parse(identifier).unwrap();
    let now = Timestamp::parse("2026-03-05T10:30:00Z").unwrap();
    let decision = base.explain(&who, &Request::of("home").assured(assurance), now, None).unwrap();
    format!("{}\n{}", serde_json::to_string(&decision.placements).unwrap(), serde_json::to_string(&decision.trace).unwrap())
}

/// Something that happened so many minutes before ten o'clock, or after it.
fn event(minutes: std::ops::Range<i64>) -> impl Strategy<Value = serde_json::Value> {
    let what = prop_oneof![
        Just(serde_json::json!({"type": "view", "properties": {"sku": "x"}})),
        Just(serde_json::json!({"type": "view", "location": {"city": "Bonn"}})),
        (0..5_i64).prop_map(|amount| serde_json::json!({"type": "purchase", "properties": {"amount": amount}})),
        (0..5_i64)
            .prop_map(|age| serde_json::json!({"type": "attribute_set", "properties": {"attribute": "age", "value": age}})),
        (0..5_i64).prop_map(
            |money| serde_json::json!({"type": "attribute_set", "properties": {"attribute": "balance", "value": money}})
        ),
        Just(serde_json::json!({"type": "attribute_set", "properties": {"attribute": "city", "value": "Bonn"}})),
        Just(serde_json::json!({"type": "attribute_set", "properties": {"attribute": "zone", "value": "Asia/Tokyo"}})),
        Just(serde_json::json!({"type": "consent_given", "properties": {"purpose": "marketing"}})),
        Just(serde_json::json!({"type": "consent_given", "properties": {"purpose": "service"}})),
    ];
    (minutes, what).prop_map(|(minute, mut event)| {
        let ten = Timestamp::parse("2026-03-05T10:00:00Z").unwrap();
        event["time"] = ten.saturating_add_micros(minute * 60_000_000).to_string().into();
        event["identifier"] = "customer:ada".into();
        event
    })
}

/// Events of the present session, of which one that is certain begins it.
fn present() -> impl Strategy<Value = Vec<serde_json::Value>> {
    proptest::collection::vec(event(0..30), 0..6).prop_map(|mut events| {
        events.push(serde_json::json!({
            "type": "view", "id": "first", "time": "2026-03-05T10:00:00Z", "identifier": "customer:ada", "properties": {"sku": "y"},
        }));
        events
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn somebody_anonymous_is_the_same_whatever_was_before(
        before in proptest::collection::vec(event(-9000..-40), 0..8),
        present in present(),
    ) {
        let all: Vec<_> = before.iter().chain(&present).cloned().collect();
        prop_assert_eq!(asked(&base(&all), Assurance::Anonymous), asked(&base(&present), Assurance::Anonymous));
    }

    #[test]
    fn what_asks_for_more_is_as_if_it_had_never_been_told(
        events in proptest::collection::vec(event(-9000..30), 0..8),
    ) {
        let about_money = |event: &serde_json::Value| event["properties"]["attribute"] == "balance";
        let others: Vec<_> = events.iter().filter(|event| !about_money(event)).cloned().collect();
        prop_assert_eq!(asked(&base(&events), Assurance::Recognised), asked(&base(&others), Assurance::Recognised));
    }

    /// What the same customer does elsewhere is none of somebody's business who only holds one of their browsers.
    #[test]
    fn somebody_anonymous_is_read_on_the_identifier_that_asks(
        elsewhere in proptest::collection::vec(event(0..30), 0..8),
        present in present(),
    ) {
        let playbook = PLAYBOOK.replace("{customer: {}}", "{customer: {}, cookie: {anonymous: true}}");
        let here = present.into_iter().map(|mut event| {
            event["identifier"] = "cookie:1".into();
            event
        });
        let here: Vec<_> = here.chain([serde_json::json!({
            "type": "linked", "time": "2026-03-05T09:00:00Z", "identifier": "customer:ada", "properties": {"other": "cookie:1"},
        })]).collect();
        let all: Vec<_> = here.iter().chain(&elsewhere).cloned().collect();
        let [all, here] = [all, here].map(|events| asked_on("cookie:1", &base_under(&playbook, &events), Assurance::Anonymous));
        prop_assert_eq!(all, here);
    }

    /// Events that ask for more make no difference below that, not even by when they happened.
    #[test]
    fn events_that_ask_for_more_are_not_read(events in proptest::collection::vec(event(-9000..30), 0..12)) {
        let playbook = PLAYBOOK.replace("purchase: {amount: int}", "purchase: {assurance: authenticated, properties: {amount: int}}");
        assert_ne!(playbook, PLAYBOOK);
        let others: Vec<_> = events.iter().filter(|event| event["type"] != "purchase").cloned().collect();
        let [all, others] = [events, others].map(|events| asked(&base_under(&playbook, &events), Assurance::Recognised));
        prop_assert_eq!(all, others);
    }
}
