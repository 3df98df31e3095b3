//! Late events on long stories cost a bounded number of steps and change nothing else; decisions by what was derived alone are those that try
//! every offer.

use crate::customer::Customer;
use crate::journey::STEPS;
use crate::{Engine, Event, Identifier, Request, Timestamp};

const PLAYBOOK: &str = r#"
playbook: long
version: 1
identity: {customer: {}}
events: {visit: {page: string}, order: {pieces: int}, noise: {page: string}}
segments:
  visitor: events("visit").count() >= 3
  buyer: events("order").within("2d").sum("pieces") >= 4
journeys: {way: {stages: {first: {on: order}, often: {enter: 'events("order").count() >= 9'}}}}
channels: {web: text}
placements: {home: {channel: web}}
offers: {one: {eligible: segment("buyer"), value: 'double(events("visit").count())', treatments: {web: {message: one}}}}
"#;

fn at(minutes: i64) -> Timestamp {
    Timestamp::parse("2026-01-01T00:00:00Z").unwrap().saturating_add_micros(minutes * 60_000_000)
}

fn event(kind: &str, minutes: i64, id: &str) -> Event {
    let event = Event::new(kind, at(minutes), Identifier::parse("customer:ada").unwrap()).with_id(id);
    if kind == "order" { event.with("pieces", 1 + minutes % 3) } else { event.with("page", "a") }
}

fn told(engine: &Engine, events: &[Event]) -> (Customer, u64) {
    let mut customer = engine.customer(&Identifier::parse("customer:ada").unwrap()).unwrap();
    let before = STEPS.get();
    for event in events {
        engine.record(&mut customer, event, None).unwrap();
    }
    (customer, STEPS.get() - before)
}

fn story(late: &str, count: i64) -> Vec<Event> {
    let on_time = (0..5_000)
        .map(|number| event(if number % 7 == 0 { "order" } else { "visit" }, 1_000 + number * 10, &format!("e{number}")));
    let late = (0..count).map(|number| event(late, 1_005 + number * 10, &format!("l{number}")));
    on_time.chain(late).collect()
}

fn answers(engine: &Engine, customer: &Customer) -> Vec<String> {
    [at(1_500), at(30_000), at(60_000)]
        .map(|now| engine.explain(customer, &Request::of("home"), now, Some(at(90_000))).unwrap().to_json())
        .into()
}

#[test]
fn late_events_on_a_long_story_walk_through_it_now_and_then() {
    let engine = Engine::compile(&[("long.yaml", PLAYBOOK)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let events = story("order", 200);
    let (mut late, steps) = told(&engine, &events);
    assert!(steps < 40_000, "{steps} steps; one walk per late event takes a million");
    let mut sorted = events.clone();
    sorted.sort_by_key(|event| event.time);
    let (mut straight, _) = told(&engine, &sorted);
    // Answers never wait for what was put off.
    assert_eq!(answers(&engine, &late), answers(&engine, &straight));
    assert_eq!(engine.history(&late), engine.history(&straight));
    assert_eq!(engine.next_due(&late), engine.next_due(&straight));
    let again = engine.customer_from_bytes(&late.to_bytes()).unwrap();
    assert_eq!(answers(&engine, &again), answers(&engine, &straight));
    engine.advance(&mut late, at(90_000));
    engine.advance(&mut straight, at(90_000));
    assert_eq!(late.to_bytes(), straight.to_bytes());
    assert_eq!(engine.history(&late), engine.history(&straight));
}

#[test]
fn late_events_that_no_rule_reads_walk_nowhere() {
    let engine = Engine::compile(&[("long.yaml", PLAYBOOK)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let (_, on_time) = told(&engine, &story("noise", 0));
    let (late, steps) = told(&engine, &story("noise", 300));
    assert_eq!(steps, on_time);
    let mut sorted = story("noise", 300);
    sorted.sort_by_key(|event| event.time);
    let (straight, _) = told(&engine, &sorted);
    assert_eq!(late.to_bytes(), straight.to_bytes());
    assert_eq!(engine.history(&late), engine.history(&straight));
    assert_eq!(answers(&engine, &late), answers(&engine, &straight));
}

#[test]
fn several_attributes_told_of_long_ago_walk_as_seldom_as_one() {
    let text = PLAYBOOK
        .replace("events:", "attributes: {size: int, city: string}\nevents:")
        .replace("  visitor:", "  large: customer.size > 90 && customer.city != \"b\"\n  visitor:");
    let engine = Engine::compile(&[("long.yaml", &text)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let both = |number: i64| {
        let event = Event::new("attributes_set", at(1_005 + number * 10), Identifier::parse("customer:ada").unwrap());
        event.with_id(&format!("b{number}")).with("size", number % 100).with("city", if number % 3 == 0 { "a" } else { "b" })
    };
    let events: Vec<Event> = story("order", 0).into_iter().chain((0..200).map(both)).collect();
    let (mut late, steps) = told(&engine, &events);
    assert!(steps < 60_000, "{steps} steps; one walk per late event takes a million");
    let mut sorted = events.clone();
    sorted.sort_by_key(|event| event.time);
    let (mut straight, _) = told(&engine, &sorted);
    assert_eq!(answers(&engine, &late), answers(&engine, &straight));
    assert_eq!(engine.history(&late), engine.history(&straight));
    engine.advance(&mut late, at(90_000));
    engine.advance(&mut straight, at(90_000));
    assert_eq!(late.to_bytes(), straight.to_bytes());
}

#[test]
fn several_attributes_told_after_reading_bytes_tell_only_what_they_change() {
    let text = PLAYBOOK.replace("events:", "attributes: {size: int}\nevents:");
    let engine = Engine::compile(&[("long.yaml", &text)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let (mut own, _) = told(&engine, &story("order", 0)[..50]);
    let mut again = engine.customer_from_bytes(&own.to_bytes()).unwrap();
    let size = Event::new("attributes_set", at(9_000), Identifier::parse("customer:ada").unwrap()).with("size", 3);
    let own = engine.record(&mut own, &size, None).unwrap();
    assert_eq!(engine.record(&mut again, &size, None).unwrap(), own);
}

/// Two offers by segment and one by a purpose that nobody is asked for.
const ALONE: &str = r#"
playbook: alone
version: 1
identity: {customer: {}}
purposes: {marketing: opt_in, service: opt_out}
events: {visit: {page: string}, order: {pieces: int}, noise: {page: string}}
segments:
  visitor: events("visit").within("2d").count() >= 2
  buyer: events("order").within("2d").exists()
channels: {web: text}
placements: {home: {channel: web}}
offers:
  look: {eligible: segment("visitor"), purposes: [service], value: '1.0 + double(events("visit").within("2d").count())', treatments: {web: {message: Look}}}
  thanks: {eligible: segment("buyer"), value: '2.5', treatments: {web: {message: Thanks}}}
  news: {eligible: segment("visitor"), purposes: [marketing], value: '9.0', treatments: {web: {message: News}}}
"#;

/// Whether what was derived alone made the decision, and the offer; both ways tell the same.
fn decided(engine: &Engine, customer: &Customer, now: Timestamp) -> (bool, Option<String>) {
    let request = Request::of("home");
    let decision = engine.decide(customer, &request, now, None).unwrap();
    let explained = crate::decide::Decision { trace: None, ..engine.explain(customer, &request, now, None).unwrap() };
    assert_eq!(decision.to_json(), explained.to_json());
    let view = customer.view(now);
    let alone = engine.alone(&view, &engine.state(customer, &view, now), 0, now);
    let offer = decision.offers().next().map(|ranked| ranked.offer.to_string());
    assert!(alone.as_ref().is_none_or(|alone| *alone == decision.placements[0]));
    (alone.is_some(), offer)
}

#[test]
fn what_was_derived_alone_decides_until_something_is_said() {
    let engine = Engine::compile(&[("alone.yaml", ALONE)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let mut customer = engine.customer(&Identifier::parse("customer:ada").unwrap()).unwrap();
    let tell = |customer: &mut Customer, event: Event| _ = engine.record(customer, &event, None).unwrap();
    tell(&mut customer, event("visit", 0, "a"));
    assert_eq!(decided(&engine, &customer, at(1)), (true, None));
    tell(&mut customer, event("order", 2, "b"));
    assert_eq!(decided(&engine, &customer, at(3)), (true, Some("thanks".to_owned())));
    tell(&mut customer, event("visit", 4, "c"));
    assert_eq!(decided(&engine, &customer, at(5)), (true, Some("look".to_owned())));
    // Later than what was derived.
    assert_eq!(decided(&engine, &customer, at(5 * 1_440)), (false, None));
    let said = Event::new("consent_given", at(6), Identifier::parse("customer:ada").unwrap()).with("purpose", "marketing");
    tell(&mut customer, said);
    assert_eq!(decided(&engine, &customer, at(7)), (false, Some("news".to_owned())));
}

/// What is kept of when something may first change, and of how many events there are, is what a look finds.
#[test]
fn what_is_kept_is_what_a_look_finds() {
    let engine = Engine::compile(&[("long.yaml", PLAYBOOK)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let mut customer = engine.customer(&Identifier::parse("customer:ada").unwrap()).unwrap();
    let kinds = ["visit", "order", "noise"];
    for number in 0..60_i64 {
        // Some at one instant, some late, some told twice and some in conflict.
        let minutes = (number / 3) * 500 - if number % 11 == 7 { 4_000 } else { 0 };
        let told = event(kinds[(number % 3) as usize], minutes, &format!("e{}", number - i64::from(number % 13 == 5)));
        engine.record(&mut customer, &told, None).unwrap();
        let rows: usize = customer.strands().iter().map(|strand| strand.counts().map(|(_, count)| count).sum::<usize>()).sum();
        assert_eq!(customer.strands().iter().map(|strand| strand.len()).sum::<usize>(), rows);
        let kept = crate::journey::next_due(&customer.derived);
        let mut fresh = customer.derived.clone();
        fresh.moves();
        assert_eq!(kept, crate::journey::next_due(&fresh), "after event {number}");
    }
    assert!(customer.derived.known_due().is_some());
}
