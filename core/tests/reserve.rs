//! Laws of reserving: never one too many, whatever threads do and in whatever order it is told.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

use proptest::prelude::*;
use std::sync::Arc;
use tactful::base::{CustomerBase, SharedBase};
use tactful::counters::{Claim, Counters, Hold, MemoryCounters};
use tactful::value::Span;
use tactful::{Engine, Event, Identifier, Request, Timestamp};

const SHOP: &str = r#"
playbook: shop
version: 1
identity: {customer: {}}
channels: {web: text}
placements: {home: {channel: web, slots: 2}}
offers:
  ticket: {inventory: 5, treatments: {web: {message: Yours}}}
  voucher: {cost: 0.1, treatments: {web: {message: Cheaper}}}
budgets: {fund: {amount: 0.7, currency: EUR}}
contact:
  - {count: shown, scope: offer, at_most: 3, per: day}
"#;

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(1_780_000_000_000_000 + micros).unwrap()
}

fn shop() -> CustomerBase {
    CustomerBase::new(Engine::compile(&[("shop.yaml", SHOP)]).unwrap())
}

fn customer(number: usize) -> Identifier {
    Identifier::parse(&format!("customer:{number}")).unwrap()
}

/// How often each offer was shown or accepted.
fn counted(base: &CustomerBase, outcome: &str, offer: &str, whose: Option<usize>) -> usize {
    let customers = base.iter().filter(|one| whose.is_none_or(|number| one.id() == customer(number).as_str()));
    let events = customers.flat_map(|one| base.story(&Identifier::parse(one.id()).unwrap()).unwrap().events);
    let of =
        |event: &Event| event.property("offer").and_then(|offer| offer.as_text().map(str::to_owned)).as_deref() == Some(offer);
    events.filter(|event| event.event_type == *outcome && of(event)).count()
}

#[test]
fn threads_never_get_one_too_many() {
    let base = SharedBase::new(shop());
    std::thread::scope(|scope| {
        for thread in 0..8_usize {
            let base = base.clone();
            scope.spawn(move || {
                for turn in 0..40_usize {
                    // All threads meet two customers, and each asks at instants of its own.
                    let who = customer(turn % 2);
                    let now = at((turn * 8 + thread) as i64);
                    let held = base.reserve(&who, &Request::of("home"), now, None).unwrap();
                    let id = held.decision.id.to_string();
                    if held.decision.offers().count() == 0 {
                        continue;
                    }
                    match (turn + thread) % 3 {
                        0 => drop(base.confirm(&who, &id, None, "shown", now).unwrap()),
                        1 => drop(base.release(&who, &id, None, now).unwrap()),
                        _ => {
                            base.confirm(&who, &id, None, "shown", now).unwrap();
                            assert_eq!(base.confirm(&who, &id, None, "shown", now).unwrap_err().code(), "already_confirmed");
                        }
                    }
                }
            });
        }
    });
    let base = base.read();
    for number in 0..2 {
        for offer in ["ticket", "voucher"] {
            assert!(counted(&base, "shown", offer, Some(number)) <= 3, "{offer} of {number}");
        }
    }
    let all = |offer| counted(&base, "confirmed", offer, None);
    assert!(all("ticket") <= 5 && all("voucher") <= 7);
    // Something was to be had, and the threads took it.
    assert!(all("ticket") >= 4 && all("voucher") >= 4, "{} {}", all("ticket"), all("voucher"));
}

#[test]
fn an_inventory_is_used_up_exactly_by_threads_of_many_customers() {
    let base = SharedBase::new(shop());
    let got: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|thread| {
                let base = base.clone();
                scope.spawn(move || {
                    let took = (0..10).filter(|turn| {
                        let who = customer(thread * 10 + turn);
                        let held = base.reserve(&who, &Request::of("home"), at(0), None).unwrap();
                        let ticket = held.decision.offers().any(|ranked| &*ranked.offer == "ticket");
                        ticket && base.confirm(&who, held.decision.id.as_str(), Some("ticket"), "accepted", at(1)).is_ok()
                    });
                    took.count()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(got, 5);
}

/// One step of a client of the counters.
#[derive(Debug, Clone, Copy)]
enum Step {
    Reserve,
    Confirm,
    Release,
}

/// Every order in which clients can take their steps, each its own in order.
fn orders(left: &mut Vec<usize>, so_far: &mut Vec<usize>, visit: &mut dyn FnMut(&[usize])) {
    if left.iter().all(|left| *left == 0) {
        visit(so_far);
    }
    for client in 0..left.len() {
        if left[client] > 0 {
            left[client] -= 1;
            so_far.push(client);
            orders(left, so_far, visit);
            so_far.pop();
            left[client] += 1;
        }
    }
}

#[test]
fn no_order_of_steps_takes_one_too_many_or_loses_one() {
    // Each step is one critical section, so these are all the ways in which threads can meet.
    let clients: [&[Step]; 4] = [
        &[Step::Reserve, Step::Confirm, Step::Confirm],
        &[Step::Reserve, Step::Release, Step::Reserve],
        &[Step::Reserve, Step::Confirm],
        &[Step::Reserve, Step::Release],
    ];
    let hold = |client: usize, round: usize| Hold {
        id: format!("{client}:{round}"),
        claims: vec![Claim { key: Arc::from("seat"), amount: 1, limits: vec![(Span::lifetime(at(0)), 2)] }],
    };
    let mut left: Vec<usize> = clients.iter().map(|steps| steps.len()).collect();
    let mut tried = 0;
    orders(&mut left, &mut Vec::new(), &mut |order| {
        let counters = MemoryCounters::default();
        let (mut done, mut held, mut confirmed) = ([0_usize; 4], [None::<usize>; 4], [false; 4]);
        for client in order {
            let client = *client;
            let step = clients[client][done[client]];
            let id = |round: Option<usize>| format!("{client}:{}", round.unwrap_or(9));
            let room = 2 - counters.taken("seat", Span::lifetime(at(0)));
            match step {
                Step::Reserve => {
                    let made = counters.reserve(&[hold(client, done[client])], at(0), at(10));
                    assert_eq!(made.is_ok(), room > 0);
                    held[client] = made.is_ok().then_some(done[client]);
                }
                Step::Confirm => {
                    let made = counters.confirm(&id(held[client]), at(0));
                    assert_eq!(made.is_ok(), held[client].is_some() && !confirmed[client]);
                    confirmed[client] |= made.is_ok();
                }
                Step::Release => {
                    assert_eq!(counters.release(&id(held[client]), at(0)).is_ok(), held[client].is_some());
                    held[client] = None;
                }
            }
            done[client] += 1;
            let holding = (0..4).filter(|client| held[*client].is_some()).count() as i64;
            assert_eq!(counters.taken("seat", Span::lifetime(at(0))), holding);
            assert!(holding <= 2);
        }
        // Whatever was not confirmed is free again when its time is over.
        let kept = confirmed.iter().filter(|confirmed| **confirmed).count() as i64;
        assert_eq!(counters.taken("seat", Span::lifetime(at(10))), kept);
        tried += 1;
    });
    assert_eq!(tried, 25_200);
}

#[test]
fn all_or_nothing_is_reserved() {
    let counters = MemoryCounters::default();
    let claim = |key: &str, limit| Claim { key: Arc::from(key), amount: 1, limits: vec![(Span::lifetime(at(0)), limit)] };
    let holds =
        [Hold { id: "a".to_owned(), claims: vec![claim("x", 1)] }, Hold { id: "b".to_owned(), claims: vec![claim("y", 0)] }];
    assert_eq!(counters.reserve(&holds, at(0), at(1)).map_err(|error| error.code()), Err("used_up"));
    assert_eq!(counters.taken("x", Span::lifetime(at(0))), 0);
    // Two slots of one decision count together.
    let twice =
        [Hold { id: "a".to_owned(), claims: vec![claim("x", 1)] }, Hold { id: "b".to_owned(), claims: vec![claim("x", 1)] }];
    assert_eq!(counters.reserve(&twice, at(0), at(1)).map_err(|error| error.what().to_owned()), Err("x".to_owned()));
    // The same again changes nothing.
    counters.reserve(&holds[..1], at(0), at(1)).unwrap();
    counters.reserve(&holds[..1], at(0), at(1)).unwrap();
    assert_eq!(counters.taken("x", Span::lifetime(at(0))), 1);
}

/// What a host may do at an instant.
fn act() -> impl Strategy<Value = (u8, usize)> {
    (0..4_u8, 0..3_usize)
}

proptest! {
    /// Counting while it happens, counting the stories afterwards, and counting what was told in another order give the same.
    #[test]
    fn counters_follow_from_the_set_of_events(acts in prop::collection::vec(act(), 1..24), order in any::<u64>()) {
        let mut base = shop();
        let mut last: Vec<(usize, String)> = Vec::new();
        for (turn, (what, number)) in acts.iter().enumerate() {
            let now = at(turn as i64 * 1_000_000);
            match what {
                0 | 1 => {
                    let held = base.reserve(&customer(*number), &Request::of("home"), now, None).unwrap();
                    last.push((*number, held.decision.id.to_string()));
                }
                _ => {
                    let Some((who, id)) = last.get(number % last.len().max(1)).cloned() else { continue };
                    let _ = match what {
                        2 => base.confirm(&customer(who), &id, None, "accepted", now).map(drop),
                        _ => base.release(&customer(who), &id, None, now).map(drop),
                    };
                }
            }
        }
        let mut events: Vec<Event> = base.iter().flat_map(|one| base.story(&Identifier::parse(one.id()).unwrap()).unwrap().events).collect();
        let mut seed = order;
        for place in (1..events.len()).rev() {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            events.swap(place, (seed >> 33) as usize % (place + 1));
        }
        let mut again = shop();
        // Asked before, so that what is told is counted one by one.
        again.decide(&customer(9), &Request::of("home"), at(0), None).unwrap();
        events.iter().for_each(|event| drop(again.record(event).unwrap()));
        let read = CustomerBase::from_bytes(base.engine().clone(), &base.to_bytes()).unwrap();
        for turn in 0..=acts.len() as i64 {
            let ask = |base: &CustomerBase| base.explain(&customer(9), &Request::of("home"), at(turn * 1_000_000), None).unwrap();
            prop_assert_eq!(ask(&base), ask(&again));
            prop_assert_eq!(ask(&base), ask(&read));
        }
    }
}
