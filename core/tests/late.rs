//! Events far back in a long story: told in whatever order, with duplicates, contradictions and questions in between, the story is the set of
//! its events, and costs no more than a walk through it now and then.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use proptest::prelude::*;
use tactful::customer::Arrival;
use tactful::{Customer, Engine, Event, Identifier, Timestamp};

const PLAYBOOK: &str = r#"
playbook: late
version: 1
identity: {customer: {}, cookie: {}}
attributes: {age: int}
events:
  view: {sku: string, seconds: double, tags: list(string)}
  purchase: {amount: money(EUR)}
  noise: {what: string}
segments:
  keen: events("view").where(e, e.sku == "a").within("2d").count() >= 3
  buyer: events("purchase").within("9d").sum("amount") >= 10
  grown: customer.age >= 18
journeys: {way: {stages: {new: {on: view}, buyer: {on: purchase, timeout: {after: 2d, to: gone}}, gone: {}}}}
"#;

/// So many events are told in order first.
const LONG: i64 = 1_400;

/// Late events happened before so many minutes, with more than 1,024 others after them: only then is anything put off.
const EARLY: i64 = 3_000;

fn engine() -> Engine {
    Engine::compile(&[("late.yaml", PLAYBOOK)]).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn at(minutes: i64) -> Timestamp {
    Timestamp::parse("2026-03-01T00:00:00Z").unwrap().saturating_add_micros(minutes * 60_000_000)
}

fn who(second: bool) -> Identifier {
    Identifier::parse(if second { "customer:ada" } else { "cookie:1" }).unwrap()
}

fn told(number: i64) -> Event {
    let event = match number % 3 {
        0 => Event::new("purchase", at(number * 10), who(true)).with("amount", "1.20"),
        _ => Event::new("view", at(number * 10), who(true)).with("sku", if number % 2 == 0 { "a" } else { "b" }),
    };
    event.with_id(&format!("e{number}"))
}

/// What is done with a customer after the long story.
#[derive(Debug, Clone)]
enum Step {
    Tell(Event, Option<Timestamp>),
    Read(i64),
    Copy,
    Advance,
}

fn minute() -> impl Strategy<Value = i64> {
    prop_oneof![9 => 0..EARLY, 1 => 0..LONG * 10]
}

fn step() -> impl Strategy<Value = Step> {
    let event =
        (0..6_u8, minute(), 0..60_i64, any::<(bool, bool, bool)>()).prop_map(|(kind, minute, id, (one, two, three))| {
            let mut event = match kind {
                0 => Event::new("purchase", at(minute), who(one)).with("amount", "3.10"),
                1 => Event::new("noise", at(minute), who(one)),
                2 => Event::new("attribute_set", at(minute), who(true)).with("attribute", "age").with("value", 17 + minute % 3),
                3 => Event::new("view", at(minute), who(one)).with("seconds", 1.5),
                4 => Event::new("view", at(minute), who(true)).with("sku", "a").through("web"),
                _ => Event::new("view", at(minute), who(true)).with("sku", "z"),
            };
            event.sequence = i64::from(two);
            let id = if three { format!("late{id}") } else { format!("late{minute}") };
            Step::Tell(event.with_id(&id), two.then(|| at(minute + id.len() as i64)))
        });
    let again = (0..LONG).prop_map(|number| Step::Tell(told(number), None));
    let read = (0..LONG * 10).prop_map(Step::Read);
    prop_oneof![60 => event, 6 => again, 2 => read, 1 => Just(Step::Copy), 1 => Just(Step::Advance)]
}

fn end(engine: &Engine, mut customer: Customer) -> (Vec<u8>, String) {
    engine.advance(&mut customer, at(LONG * 20));
    let history: Vec<String> = engine.history(&customer).iter().map(|effect| format!("{effect:?}")).collect();
    (customer.to_bytes(), history.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2))]

    #[test]
    fn late_events_of_a_long_story_take_their_places(steps in proptest::collection::vec(step(), 0..80)) {
        let engine = engine();
        let mut customer = engine.customer(&who(true)).unwrap();
        let mut all: Vec<(Event, Option<Timestamp>)> = (0..LONG).map(|number| (told(number), None)).collect();
        for (event, known_at) in &all {
            engine.record(&mut customer, event, *known_at).unwrap();
        }
        for step in steps {
            match step {
                Step::Tell(event, known_at) => {
                    engine.record(&mut customer, &event, known_at).unwrap();
                    all.push((event, known_at));
                }
                Step::Read(minute) => {
                    let copy = engine.customer_from_bytes(&customer.to_bytes()).unwrap();
                    prop_assert_eq!(customer.len(), copy.len());
                    prop_assert_eq!(engine.segments(&customer, at(minute)), engine.segments(&copy, at(minute)));
                }
                Step::Copy => customer = customer.clone(),
                Step::Advance => {
                    engine.advance(&mut customer, at(LONG * 10));
                }
            }
        }
        all.sort_by_key(|(event, _)| event.time);
        let mut sorted = engine.customer(&who(true)).unwrap();
        for (event, known_at) in &all {
            engine.record(&mut sorted, event, *known_at).unwrap();
        }
        prop_assert_eq!(end(&engine, customer), end(&engine, sorted));
    }
}

#[test]
fn what_is_beside_the_story_is_told_again_as_what_it_is() {
    let engine = engine();
    let mut customer = engine.customer(&who(true)).unwrap();
    let backwards = |number: i64| told(2 * LONG - number);
    for number in 0..2 * LONG {
        let effects = engine.record(&mut customer, &backwards(number), None).unwrap();
        assert_eq!(effects.arrival, Some(Arrival::New));
        if number % 7 == 0 {
            let again = engine.record(&mut customer, &backwards(number), None).unwrap();
            assert_eq!((again.arrival, again.effects.len()), (Some(Arrival::Duplicate), 0));
            let again = engine.record(&mut customer, &backwards(number / 2), None).unwrap();
            assert_eq!(again.arrival, Some(Arrival::Duplicate));
            let other = backwards(number).with("sku", "other");
            let Ok(other) = engine.record(&mut customer, &other, None) else { continue };
            assert!(matches!(other.arrival, Some(Arrival::ConflictKeptOld | Arrival::ConflictKeptNew { .. })));
        }
    }
    assert_eq!(i64::try_from(customer.len()).unwrap(), 2 * LONG);
}

#[test]
fn a_story_told_in_any_order_is_the_same_bytes() {
    let engine = engine();
    let story = |order: &dyn Fn(i64) -> i64| {
        let mut customer = engine.customer(&who(true)).unwrap();
        for place in 0..2 * LONG {
            engine.record(&mut customer, &told(order(place)), None).unwrap();
        }
        end(&engine, customer)
    };
    let sorted = story(&|place| place);
    assert_eq!(story(&|place| 2 * LONG - 1 - place), sorted);
    // 1,009 shares no factor with the length, so each comes once.
    assert_eq!(story(&|place| place * 1_009 % (2 * LONG)), sorted);
}
