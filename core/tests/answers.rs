//! Events of a host's own type that answer a question are facts about its attribute, wherever they stand in the story.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use proptest::prelude::*;
use tactful::engine::{EffectKind, Effected};
use tactful::{Engine, Event, Identifier, Request, Timestamp};

const SHOP: &str = r#"
playbook: shop
version: 1
identity: {customer: {}}
attributes:
  nps: {type: int, ttl: 20d}
  size: enum(small, large)
  sure: {type: int, resolve: confidence}
events:
  surveyed: {survey: string, score: int, size: string}
  told_us: {retention: 3d, properties: {score: int}}
segments:
  fan: customer.nps >= 9
  told: has(customer.nps)
  large: customer.size == "large"
watches: {score: customer.nps}
channels: {web: text}
placements: {home: {channel: web}}
offers:
  ask: {question: {attribute: nps, scale: nps, answer: {on: surveyed, property: score}}, treatments: {web: {message: Recommend us?}}}
  ask_again: {value: 0.5, question: {attribute: nps, scale: nps, answer: {on: told_us, property: score}}, treatments: {web: {message: And now?}}}
  ask_size: {value: 0.1, question: {attribute: size, answer: {on: surveyed, property: size}}, treatments: {web: {message: Your size?}}}
  ask_sure: {value: 0.1, question: {attribute: sure, answer: {on: surveyed, property: score}}, treatments: {web: {message: Sure?}}}
reactions: {thanks: {told: nps, placement: home, offers: ask_size}}
"#;

fn engine() -> Engine {
    Engine::compile(&[("shop.yaml", SHOP)]).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn ada() -> Identifier {
    Identifier::parse("customer:ada").unwrap()
}

fn at(hours: i64) -> Timestamp {
    Timestamp::parse("2026-03-01T00:00:00Z").unwrap().saturating_add_micros(hours * 3_600_000_000)
}

fn survey(hours: i64, id: &str, score: i64) -> Event {
    Event::new("surveyed", at(hours), ada()).with_id(id).with("score", score)
}

/// What an event says of `nps`: nothing, or a value, or that nothing is known any more.
fn said(event: &Event) -> Option<Option<i64>> {
    let number = |name: &str| match event.property(name) {
        Some(tactful::Value::Int(number)) => Some(*number),
        _ => None,
    };
    match &*event.event_type {
        "attribute_set" => Some(number("value")),
        "attribute_cleared" => Some(None),
        _ => number("score").filter(|score| (0..=10).contains(score)).map(Some),
    }
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let part = (0_i64..900, 0_u8..5, -1_i64..13, any::<bool>());
    prop::collection::vec(part, 1..14).prop_map(|parts| {
        let told = |(number, (hours, kind, score, late)): (usize, (i64, u8, i64, bool))| {
            let id = number.to_string();
            let mut event = match kind {
                0 => Event::new("attribute_set", at(hours), ada()).with_id(&id).with("attribute", "nps").with("value", score),
                1 => Event::new("attribute_cleared", at(hours), ada()).with_id(&id).with("attribute", "nps"),
                2 => Event::new("surveyed", at(hours), ada()).with_id(&id).with("survey", "other"),
                3 => Event::new("told_us", at(hours), ada()).with_id(&id).with("score", score),
                _ => survey(hours, &id, score),
            };
            event.known_at = late.then(|| at(hours + 30));
            event
        };
        parts.into_iter().enumerate().map(told).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_answer_counts_as_if_it_had_been_told_as_the_attribute(events in events(), now in 0_i64..1_500, known in 0_i64..1_500) {
        let engine = engine();
        let mut customer = engine.customer(&ada()).unwrap();
        for event in &events {
            engine.record(&mut customer, event, None).unwrap();
        }
        // By hand: the last in the order of the story that says anything, unless it is older than 20 days.
        let seen = |event: &&Event| event.time <= at(now) && event.known_at.unwrap_or(event.time) <= at(known);
        let mut sorted: Vec<&Event> = events.iter().filter(seen).collect();
        sorted.sort_by_key(|event| (event.time, event.id.clone()));
        let last = sorted.iter().rev().find_map(|event| said(event).map(|value| (event, value)));
        let fresh = |event: &Event| event.time.saturating_add_micros(20 * 86_400_000_000) > at(now);
        let wanted = last.and_then(|(event, value)| value.filter(|_| fresh(event)));
        let text = format!(
            r#"{{"query": "why", "version": 1, "attribute": "nps", "now": "{}", "known_at": "{}"}}"#, at(now), at(known)
        );
        let answer: serde_json::Value = serde_json::from_str(&engine.query(&customer, &text).unwrap()).unwrap();
        prop_assert_eq!(answer["value"].as_i64(), wanted, "{}", answer);
        if let (Some((event, _)), Some(_)) = (last, wanted) {
            prop_assert_eq!(answer["fact"]["event"].as_str(), event.id.as_deref());
            prop_assert_eq!(answer["fact"]["event_type"].as_str(), Some(&*event.event_type));
            prop_assert_eq!(answer["fact"]["origin"].as_str(), Some("stated"));
        }
        if known >= 940 && now >= 900 {
            let segments = engine.segments(&customer, at(now));
            let member = |name: &str| segments.iter().find(|(own, _)| &**own == name).unwrap().1;
            prop_assert_eq!(member("told"), Some(wanted.is_some()));
            prop_assert_eq!(member("fan"), wanted.map(|score| score >= 9));
        }
    }

    #[test]
    fn answers_come_in_any_order(events in events(), turns in prop::collection::vec(any::<prop::sample::Index>(), 14)) {
        let engine = engine();
        let told = |events: &[Event]| {
            let mut customer = engine.customer(&ada()).unwrap();
            let mut net = std::collections::BTreeMap::new();
            let mut note = |effects: tactful::Effects| {
                for effect in effects.effects {
                    let key = (effect.at, effect.id.to_string(), effect.cause, serde_json::to_string(&effect.what).unwrap());
                    *net.entry(key).or_insert(0) += if effect.kind == EffectKind::Withdrawn { -1 } else { 1 };
                }
            };
            events.iter().for_each(|event| note(engine.record(&mut customer, event, None).unwrap()));
            note(engine.advance(&mut customer, at(2_000)));
            net.retain(|_, count| *count != 0);
            (net, customer.to_bytes(), engine.next_due(&customer))
        };
        let mut shuffled = events.clone();
        for (place, turn) in turns.iter().enumerate().take(shuffled.len()) {
            let other = turn.index(shuffled.len());
            shuffled.swap(place, other);
        }
        prop_assert_eq!(told(&events), told(&shuffled));
    }
}

#[test]
fn a_question_that_was_answered_elsewhere_is_not_asked_again() {
    let engine = engine();
    let mut customer = engine.customer(&ada()).unwrap();
    let asked = |customer: &_, hours| {
        let decision = engine.decide(customer, &Request::of("home"), at(hours), None).unwrap();
        decision.offers().next().map(|offer| offer.offer.to_string())
    };
    engine.record(&mut customer, &Event::new("surveyed", at(0), ada()).with_id("0").with("size", "huge"), None).unwrap();
    assert_eq!(asked(&customer, 1).as_deref(), Some("ask"));
    let effects = engine.record(&mut customer, &survey(2, "1", 9).with("size", "large"), None).unwrap();
    let told: Vec<&str> = effects.effects.iter().map(|effect| effect.what.name()).collect();
    assert!(told.contains(&"segment_entered") && told.contains(&"reaction_due"), "{told:?}");
    assert_eq!(asked(&customer, 3), None);
    assert_eq!(asked(&customer, 2 + 20 * 24).as_deref(), Some("ask"), "it has expired");
    // Out of the scale it is no answer, and triggers nothing.
    let effects = engine.record(&mut customer, &survey(4, "2", 11), None).unwrap();
    assert!(!effects.effects.iter().any(|effect| matches!(effect.what, Effected::ReactionDue { .. })), "{effects:?}");
    assert_eq!(engine.segments(&customer, at(5))[0].1, Some(true));
    // What is known to be wrong answers nothing.
    let wrong = Event::new("rectified", at(6), ada()).with("event", "1");
    engine.record(&mut customer, &wrong, None).unwrap();
    assert_eq!(asked(&customer, 7).as_deref(), Some("ask"));
}

#[test]
fn an_answer_that_was_folded_is_unknown_and_says_so() {
    let engine = engine();
    let mut customer = engine.customer(&ada()).unwrap();
    engine.record(&mut customer, &survey(0, "1", 3), None).unwrap();
    engine.record(&mut customer, &Event::new("told_us", at(2), ada()).with_id("2").with("score", 9), None).unwrap();
    engine.fold(&mut customer, at(100));
    let question = |now: i64| format!(r#"{{"query": "attribute", "version": 1, "attribute": "nps", "now": "{}"}}"#, at(now));
    assert!(engine.query(&customer, &question(101)).unwrap().contains(r#""known":false"#));
    assert_eq!(engine.segments(&customer, at(101))[1].1, Some(false));
    engine.record(&mut customer, &survey(110, "3", 5), None).unwrap();
    assert!(engine.query(&customer, &question(111)).unwrap().contains(r#""value":5"#), "what came later is known");
}

#[test]
fn labels_of_the_event_hold_for_the_attribute() {
    let text = |event: &str| {
        format!(
            "playbook: a\nversion: 1\nidentity: {{customer: {{}}}}\npurposes: {{service: opt_out, marketing: opt_in}}\n\
             attributes: {{mood: int}}\nevents: {{felt: {event}}}\nchannels: {{web: text}}\nplacements: {{home: {{channel: web}}}}\n\
             offers:\n  ask: {{purposes: service, question: {{attribute: mood, answer: {{on: felt, property: score}}}}, treatments: {{web: {{message: How?}}}}}}\n  \
             sell: {{purposes: marketing, eligible: customer.mood > 3, treatments: {{web: {{message: Buy.}}}}}}\n"
        )
    };
    assert!(Engine::compile(&[("a.yaml", &text("{score: int}"))]).is_ok());
    let mistakes = Engine::compile(&[("a.yaml", &text("{purposes: service, properties: {score: int}}"))]).unwrap_err();
    assert_eq!(mistakes.0[0].code, "purpose_violation", "{mistakes}");
    let unread = Engine::compile(&[("a.yaml", &text("{score: int, other: int}"))]).unwrap();
    let unread = unread.query(None, r#"{"query": "unread", "version": 1}"#).unwrap();
    assert!(unread.contains("felt.other") && !unread.contains("felt.score"), "{unread}");
}
