//! Laws of journeys with a key whose rules read how many instances are open, single ones and their events: arrival does not matter, time
//! may pass in steps, and rules read what history tells.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use proptest::prelude::*;
use tactful::customer::Customer;
use tactful::engine::EffectKind;
use tactful::journey::JourneyHistory;
use tactful::{Engine, Event, Identifier, Timestamp};

const PLAYBOOK: &str = r#"
playbook: laws
version: 1
identity: {customer: {}}
events:
  visit: {retention: 10d, properties: {page: string}}
  placed: {order: string}
  paid: {retention: 8d, properties: {order: string}}
  shipped: {order: string}
segments:
  some_open: journey("orders").open >= 2
  a_placed: journey("orders").instance("a").stage == "placed"
  often: journey("orders").visits("paid") >= 2
  a_again: journey("orders").instance("a").entries >= 2
  from_placed: journey("orders").previous == "placed"
journeys:
  orders:
    key: order
    at_most: 3
    stages:
      placed: {on: placed, from: [none, late], timeout: {after: 42h, to: late, reset_on: visit}, inner: {journey: parcels, start: packed, ends: {sent: paid}}}
      paid: {on: paid, enter: events("placed").within("20d").count() >= 1 && journey("orders").open >= 1}
      many: {enter: 'events("paid").within("3d").count() >= 2 || journey("orders").open >= 3'}
      late: {drop_out: true, timeout: {after: 3d, to: none}}
      shipped: {on: shipped, enter: events("visit").within("5d").exists() && journey("orders").instance("b").visits("late") < 2, final: true}
  parcels:
    key: order
    at_most: 3
    stages:
      packed: {}
      held: {on: paid, from: packed}
      sent: {enter: events("shipped").within("2d").exists() || journey("orders").visits("late") >= 2, final: true}
  invoices:
    key: order
    at_most: 2
    entry: {on: placed, to: due}
    stages:
      due: {wait: {for: 30h}, branches: [{on: paid, to: done}, {when: journey("orders").open >= 2 && events("paid").within("7d").count() == 0, to: dunned}, {to: none}]}
      dunned: {exit: {when: events("paid").within("1d").exists() && journey("parcels").open == 0, when_unknown: false, to: done}, max_stay: {after: 4d, to: none}}
      done: {final: true}
  load:
    stages:
      low: {enter: journey("orders").open < 2}
      high: {enter: journey("orders").open >= 2 && journey("orders").instance("a").visits("placed") >= 1}
"#;

fn engine() -> Engine {
    Engine::compile(&[("laws.yaml", PLAYBOOK)]).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn ada() -> Identifier {
    Identifier::parse("customer:ada").unwrap()
}

/// Six hours a step, so that ties are likely.
fn at(step: u32) -> Timestamp {
    Timestamp::parse("2026-03-20T00:00:00Z").unwrap().saturating_add_micros(i64::from(step) * 6 * 3_600_000_000)
}

fn event(kind: u8, step: u32, number: usize, choice: u8) -> Event {
    let order = ["a", "b", "c", "d", "e"][usize::from(choice % 5)];
    let name = ["visit", "placed", "placed", "paid", "paid", "shipped"][usize::from(kind)];
    let event = Event::new(name, at(step), ada()).with_id(&format!("e{number}"));
    let mut event = if kind == 0 { event } else { event.with("order", order) };
    event.sequence = i64::from(choice % 2);
    event
}

/// What happens, in which step, and to which order.
type Part = (u8, u32, u8);

fn parts() -> impl Strategy<Value = Vec<Part>> {
    prop::collection::vec((0_u8..6, 0_u32..70, 0_u8..10), 1..60)
}

fn story(parts: &[Part]) -> Vec<Event> {
    parts.iter().enumerate().map(|(number, (kind, step, choice))| event(*kind, *step, number, *choice)).collect()
}

fn shuffled(events: &[Event], seed: u64) -> Vec<Event> {
    let mut shuffled = events.to_vec();
    let mut state = seed | 1;
    for place in (1..shuffled.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        shuffled.swap(place, usize::try_from(state >> 33).unwrap() % (place + 1));
    }
    shuffled
}

fn told(engine: &Engine, events: &[Event]) -> Customer {
    let mut customer = engine.customer(&ada()).unwrap();
    for event in events {
        engine.record(&mut customer, event, None).unwrap();
    }
    engine.advance(&mut customer, at(120));
    customer
}

fn everything(engine: &Engine, customer: &Customer) -> String {
    let histories: Vec<_> = (0..4).map(|step| engine.journey_history(customer, at(step * 30))).collect();
    let segments = engine.segments(customer, at(120));
    format!("{:?} {histories:?} {segments:?} {:?}", engine.history(customer), engine.next_due(customer))
}

/// The stays of an instance at the end of which it is, if it has not ended.
fn is_open(history: &JourneyHistory) -> bool {
    history.ended.is_none() && history.stays.last().is_some_and(|stay| stay.left.is_none())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn order_of_arrival_does_not_matter(parts in parts(), seed in any::<u64>()) {
        let events = story(&parts);
        let engine = engine();
        let mut sorted = events.clone();
        sorted.sort_by_key(|event| event.time);
        let (straight, mixed) = (told(&engine, &sorted), told(&engine, &shuffled(&events, seed)));
        prop_assert_eq!(everything(&engine, &straight), everything(&engine, &mixed));
        let again = engine.customer_from_bytes(&mixed.to_bytes()).unwrap();
        prop_assert_eq!(everything(&engine, &straight), everything(&engine, &again));
    }

    #[test]
    fn time_may_pass_in_one_step_or_in_many(parts in parts()) {
        let events = story(&parts);
        let engine = engine();
        let at_once = told(&engine, &events);
        let mut stepwise = engine.customer(&ada()).unwrap();
        let mut events = events;
        events.sort_by_key(|event| event.time);
        let mut open = events.iter().peekable();
        for step in 0..=120 {
            while let Some(event) = open.next_if(|event| event.time <= at(step)) {
                engine.record(&mut stepwise, event, None).unwrap();
            }
            engine.advance(&mut stepwise, at(step));
        }
        prop_assert_eq!(everything(&engine, &at_once), everything(&engine, &stepwise));
    }

    #[test]
    fn rules_read_what_history_tells(parts in parts(), seed in any::<u64>()) {
        let events = story(&parts);
        let engine = engine();
        let customer = told(&engine, &shuffled(&events, seed));
        let first = events.iter().map(|event| event.time).min();
        let offset = u32::try_from(seed % 9).unwrap();
        for step in (offset..100).step_by(9).filter(|step| first.is_some_and(|first| at(*step) >= first)) {
            let now = at(step);
            let segments = engine.segments(&customer, now);
            let member = |name: &str| segments.iter().find(|(own, _)| &**own == name).and_then(|(_, member)| *member);
            let all = engine.journey_history(&customer, now);
            let orders: Vec<_> = all.iter().filter(|history| &*history.journey == "orders").collect();
            let open = orders.iter().filter(|history| is_open(history));
            prop_assert_eq!(member("some_open"), Some(open.clone().count() >= 2));
            let a = orders.iter().find(|history| history.instance.as_deref() == Some("a"));
            let here = a.and_then(|a| a.stays.last()).filter(|stay| stay.left.is_none());
            prop_assert_eq!(member("a_placed"), here.map(|stay| &*stay.stage == "placed"));
            prop_assert_eq!(member("a_again"), Some(a.is_some_and(|a| a.entries >= 2)));
            let paid = orders.iter().flat_map(|history| &history.stays).filter(|stay| &*stay.stage == "paid").count();
            prop_assert_eq!(member("often"), Some(paid >= 2));
            let latest = open.max_by_key(|history| (history.stays.last().map(|stay| stay.entered), history.instance.clone()));
            let previous = latest.and_then(|latest| latest.stays.iter().nth_back(1));
            prop_assert_eq!(member("from_placed"), previous.map(|stay| &*stay.stage == "placed"));
        }
    }

    #[test]
    fn what_is_told_adds_up_to_history(parts in parts(), seed in any::<u64>()) {
        let events = story(&parts);
        let engine = engine();
        let mut customer = engine.customer(&ada()).unwrap();
        let mut told = std::collections::BTreeMap::<String, i32>::new();
        for event in &shuffled(&events, seed) {
            for effect in engine.record(&mut customer, event, None).unwrap().effects {
                let what = serde_json::to_string(&(&effect.at, &effect.what)).unwrap();
                *told.entry(what).or_default() += if effect.kind == EffectKind::Withdrawn { -1 } else { 1 };
            }
        }
        told.retain(|_, count| *count != 0);
        let mut history: std::collections::BTreeMap<String, i32> = std::collections::BTreeMap::new();
        for effect in engine.history(&customer) {
            *history.entry(serde_json::to_string(&(&effect.at, &effect.what)).unwrap()).or_default() += 1;
        }
        prop_assert_eq!(told, history);
    }

    // After a fold the events before it are gone: what conditions read of the instances' events goes on from there.
    #[test]
    fn a_fold_changes_nothing_of_what_comes_after_it(parts in parts(), seed in any::<u64>()) {
        let events = story(&parts);
        let engine = engine();
        let (early, late): (Vec<Event>, Vec<Event>) = events.iter().cloned().partition(|event| event.time <= at(40));
        let whole = told(&engine, &[early.clone(), late.clone()].concat());
        let mut folded = engine.customer(&ada()).unwrap();
        for event in &early {
            engine.record(&mut folded, event, None).unwrap();
        }
        engine.advance(&mut folded, at(40));
        engine.fold(&mut folded, at(40));
        let mut folded = engine.customer_from_bytes(&folded.to_bytes()).unwrap();
        for event in &shuffled(&late, seed) {
            engine.record(&mut folded, event, None).unwrap();
        }
        engine.advance(&mut folded, at(120));
        prop_assert_eq!(engine.journey_history(&whole, at(120)), engine.journey_history(&folded, at(120)));
    }
}
