//! State as bytes: what goes round comes back, equal stories are equal bytes, and nothing that anybody sends does harm.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use proptest::prelude::*;
use tactful::customer::Details;
use tactful::encoding::hash64;
use tactful::{Customer, CustomerBase, Engine, Event, Identifier, Request, Timestamp, Value};

const PLAYBOOK: &str = r"
playbook: state
version: 3
identity: {customer: {}, cookie: {anonymous: true}}
purposes: {marketing: opt_in}
attributes: {age: int, tags: list(string), born: date, home: geo_point}
events:
  visit: {page: string, seconds: double, mobile: bool, seen: timestamp, lasted: duration}
  purchase: {amount: money(EUR), shop: {enum: [web, store]}, count: uint, whatever: list(string)}
segments:
  visitor: events('visit').within('3d').count() >= 2
  buyer: events('purchase').sum('amount') > 20
journeys:
  way: {stages: {new: {on: visit}, customer: {on: purchase, timeout: {after: 9d, to: gone}}, gone: {drop_out: true}}}
channels: {web: text}
placements: {home: {channel: web}}
offers: {one: {eligible: segment('buyer'), treatments: {web: {message: one}}}}
";

fn compile(playbook: &str) -> Engine {
    Engine::compile(&[("state.yaml", playbook)]).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn engine() -> Engine {
    compile(PLAYBOOK)
}

/// The same with events that are not kept for ever, and all that is read of them.
fn folding() -> Engine {
    let mut playbook = PLAYBOOK.to_owned();
    for (old, new) in [
        ("  visit: {", "  visit: {retention: 3d, properties: {"),
        ("lasted: duration}", "lasted: duration}}"),
        ("  purchase: {", "  purchase: {retention: 3d, properties: {"),
        ("whatever: list(string)}", "whatever: list(string)}}"),
        (
            "journeys:",
            "  counted: events('purchase').max('count') > 2u && events('purchase').avg('amount') > 1
  slow: events('visit').sum('lasted') > duration('1h') || events('visit').min('seconds') < 1.0
  likes: preference('page').observations > 1 || unusual('quiet')
preferences: {page: {from: [{on: visit, property: page}]}}
unusual: {quiet: {test: silence, on: [visit, purchase]}}
journeys:",
        ),
    ] {
        assert!(playbook.contains(old), "{old}");
        playbook = playbook.replacen(old, new, 1);
    }
    compile(&playbook)
}

fn at(step: i64) -> Timestamp {
    Timestamp::parse("2026-03-20T00:00:00Z").unwrap().saturating_add_micros(step * 21_600_000_001)
}

fn who(number: u8) -> Identifier {
    Identifier::parse(["customer:ada", "customer:é", "cookie:1", "cookie:2"][usize::from(number % 4)]).unwrap()
}

fn event(number: usize, (kind, step, amount, person, late): (u8, i64, u8, u8, i64)) -> Event {
    let odd = amount % 2 == 1;
    let mut event = match kind % 5 {
        0 => {
            Event::new("visit", at(step), who(person)).with("page", ["a", "é", ""][usize::from(amount % 3)]).with("mobile", odd)
        }
        1 => Event::new("visit", at(step), who(person)).with("seconds", f64::from(amount) / 7.0).with("seen", at(step - 1)),
        2 => Event::new("purchase", at(step), who(person))
            .with("amount", format!("{amount}.37").as_str())
            .with("shop", if odd { "web" } else { "store" })
            .with("whatever", Value::List(vec![Value::text(&amount.to_string()), Value::text("x")].into())),
        3 if amount % 4 == 0 => {
            Event::new("attribute_set", at(step), who(person)).with("attribute", "home").with("value", "52.5,13.4")
        }
        3 if amount % 4 == 1 => {
            Event::new("attribute_set", at(step), who(person)).with("attribute", "born").with("value", "1980-02-29")
        }
        3 if amount % 4 == 2 => Event::new("attribute_cleared", at(step), who(person)).with("attribute", "age"),
        3 => Event::new("attribute_set", at(step), who(person)).with("attribute", "age").with("value", i64::from(amount)),
        _ => Event::new("consent_given", at(step), who(person)).with("purpose", "marketing").through("web"),
    };
    event.sequence = i64::from(amount) - 10;
    event.known_at = (late > 0).then(|| at(step + late));
    if amount % 5 == 0 {
        let details = Details { device: Some("mobile".to_owned()), confidence: Some(0.5), ..Details::default() };
        event = event.detailed(details);
    }
    if amount % 3 == 0 { event } else { event.with_id(&format!("event-{number}")) }
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let parts = (0_u8..5, 0_i64..60, 0_u8..30, 0_u8..4, prop_oneof![3 => Just(0_i64), 1 => 1_i64..9]);
    prop::collection::vec(parts, 1..40)
        .prop_map(|parts| parts.into_iter().enumerate().map(|(number, part)| event(number, part)).collect())
}

fn told(engine: &Engine, events: &[Event]) -> Customer {
    let mut customer = engine.customer(&who(0)).unwrap();
    for event in events {
        engine.record(&mut customer, event, None).unwrap();
    }
    customer
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

/// The same bytes with a checksum that agrees.
fn resealed(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.len() >= 16 {
        let sum = hash64(&bytes[16..]).to_le_bytes();
        bytes[8..16].copy_from_slice(&sum);
    }
    bytes
}

fn with_section(mut bytes: Vec<u8>, tag: u8, body: &[u8]) -> Vec<u8> {
    bytes.extend([tag, 1, u8::try_from(body.len()).unwrap()]);
    bytes.extend(body);
    resealed(bytes)
}

/// Everything that can be asked.
fn answers(engine: &Engine, customer: &Customer) -> Vec<String> {
    let mut answers = vec![format!("{:?} {:?}", engine.history(customer), engine.next_due(customer))];
    for step in 0..8 {
        answers.push(engine.explain(customer, &Request::of("home"), at(step * 9), Some(at(80))).unwrap().to_json());
        answers.push(format!("{:?}", engine.segments(customer, at(step * 9))));
    }
    answers
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_goes_round_comes_back(told_events in events(), later in events()) {
        let engine = engine();
        let mut customer = told(&engine, &told_events);
        let bytes = customer.to_bytes();
        let mut again = engine.customer_from_bytes(&bytes).unwrap();
        prop_assert_eq!(again.to_bytes(), bytes);
        prop_assert_eq!(again.len(), customer.len());
        prop_assert_eq!(again.id(), customer.id());
        prop_assert_eq!(answers(&engine, &again), answers(&engine, &customer));
        // What happens afterwards has the effects that it would have had.
        for mut event in later {
            event.id = event.id.map(|id| format!("later-{id}"));
            prop_assert_eq!(engine.record(&mut again, &event, None).unwrap(), engine.record(&mut customer, &event, None).unwrap());
        }
        prop_assert_eq!(again.to_bytes(), customer.to_bytes());
        prop_assert_eq!(engine.advance(&mut again, at(90)), engine.advance(&mut customer, at(90)));
    }

    #[test]
    fn equal_stories_are_equal_bytes(events in events(), seed in any::<u64>()) {
        let engine = engine();
        let (straight, mixed) = (told(&engine, &events), told(&engine, &shuffled(&events, seed)));
        prop_assert_eq!(straight.to_bytes(), mixed.to_bytes());
    }

    #[test]
    fn a_base_goes_round(events in events(), links in prop::collection::vec((0_u8..4, 0_u8..4, any::<bool>(), 0_i64..60), 0..6), seed in any::<u64>()) {
        let engine = engine();
        let mut all = events;
        for (number, (a, b, linked, step)) in links.into_iter().enumerate().filter(|(_, (a, b, ..))| a % 4 != b % 4) {
            let link = Event::new(if linked { "linked" } else { "unlinked" }, at(step), who(a)).with("other", who(b).as_str());
            all.push(link.with_id(&format!("link-{number}")));
        }
        let fill = |events: &[Event]| {
            let mut base = CustomerBase::new(engine.clone());
            events.iter().for_each(|event| { base.record(event).unwrap(); });
            base
        };
        let base = fill(&all);
        let bytes = base.to_bytes();
        let mut again = CustomerBase::from_bytes(engine.clone(), &bytes).unwrap();
        prop_assert_eq!(again.to_bytes(), bytes);
        prop_assert_eq!(again.len(), base.len());
        for (one, other) in again.iter().zip(base.iter()) {
            prop_assert_eq!(one.id(), other.id());
            prop_assert_eq!(answers(&engine, one), answers(&engine, other));
        }
        // Links work on afterwards.
        let part = Event::new("linked", at(70), who(0)).with("other", who(2).as_str()).with_id("last");
        let mut straight = base;
        straight.record(&part).unwrap();
        again.record(&part).unwrap();
        prop_assert_eq!(again.to_bytes(), straight.to_bytes());
        let _ = seed;
    }

    #[test]
    fn unknown_sections_survive(events in events(), body in prop::collection::vec(any::<u8>(), 0..40)) {
        let engine = engine();
        let bytes = with_section(told(&engine, &events).to_bytes(), 77, &body);
        let mut again = engine.customer_from_bytes(&bytes).unwrap();
        prop_assert_eq!(again.to_bytes(), bytes.clone());
        engine.record(&mut again, &Event::new("visit", at(70), who(0)), None).unwrap();
        prop_assert!(again.to_bytes().windows(body.len() + 3).any(|window| window == &bytes[bytes.len() - body.len() - 3..]));
    }

    #[test]
    fn a_changed_bit_or_a_lost_end_is_found(events in events(), place in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let engine = engine();
        let bytes = told(&engine, &events).to_bytes();
        let mut changed = bytes.clone();
        let place = place.index(bytes.len());
        changed[place] ^= 1 << bit;
        prop_assert!(engine.customer_from_bytes(&changed).is_err());
        prop_assert!(engine.customer_from_bytes(&bytes[..place]).is_err());
    }

    /// A sender who knows the format gets a customer who can be used, or an error; in both cases soon.
    #[test]
    fn forged_bytes_do_no_harm(
        events in events(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![0_u8..12, any::<u8>()], 0_u8..3), 1..6),
    ) {
        let engine = engine();
        let mut bytes = told(&engine, &events).to_bytes();
        for (place, byte, how) in changes {
            let place = 16 + place.index(bytes.len() - 16);
            match how {
                0 => bytes[place] = byte,
                1 => bytes.insert(place, byte),
                _ => { if bytes.len() > 18 { bytes.remove(place); } }
            }
        }
        if let Ok(mut customer) = engine.customer_from_bytes(&resealed(bytes)) {
            answers(&engine, &customer);
            engine.record(&mut customer, &Event::new("visit", at(3), who(0)), None).unwrap();
            let bytes = customer.to_bytes();
            prop_assert_eq!(engine.customer_from_bytes(&bytes).unwrap().to_bytes(), bytes);
        }
    }

    /// The same for what is left of folded events: totals that nobody could have counted are no reason to fall over.
    #[test]
    fn forged_folds_do_no_harm(
        events in events(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![0_u8..12, any::<u8>()], 0_u8..4), 1..6),
    ) {
        let engine = folding();
        let mut customer = told(&engine, &events);
        engine.fold(&mut customer, at(40));
        let whole = customer.to_bytes();
        let mut bytes = whole.clone();
        // What is left of folded events stands behind the strands, so most changes are made there.
        let from = bytes.len() / 3;
        for (place, byte, how) in changes {
            let place = from + place.index(bytes.len() - from);
            match how {
                0 => bytes[place] = byte,
                1 => bytes.insert(place, byte),
                2 => { bytes.splice(place..=place, [255, 255, 255, 255, 255, 255, 255, 255, 255, 1]); }
                _ => { if bytes.len() > from + 2 { bytes.remove(place); } }
            }
        }
        if let Ok(mut customer) = engine.customer_from_bytes(&resealed(bytes)) {
            answers(&engine, &customer);
            let late = Event::new("visit", at(70), who(0));
            engine.record(&mut customer, &late, None).unwrap();
            engine.fold(&mut customer, at(90));
            answers(&engine, &customer);
            let bytes = customer.to_bytes();
            prop_assert_eq!(engine.customer_from_bytes(&bytes).unwrap().to_bytes(), bytes);
        }
        prop_assert_eq!(engine.customer_from_bytes(&whole).unwrap().to_bytes(), whole);
    }

    /// Few letters, those of which states are made.
    #[test]
    fn small_alphabets_do_no_harm(body in prop::collection::vec(prop::sample::select(vec![0_u8, 1, 2, 3, 4, 5, 9, 10, 99, 111, 58, 127, 128, 255]), 0..120)) {
        let engine = engine();
        let mut bytes = b"TACTC\0\x01\0".to_vec();
        bytes.extend([0; 8]);
        bytes.extend(&body);
        prop_assert!(engine.customer_from_bytes(&resealed(bytes)).is_err());
        // The same behind a playbook and event types that are right.
        let whole = told(&engine, &[Event::new("visit", at(1), who(0))]).to_bytes();
        let strand = whole.windows(3).position(|window| window[0] == 3 && window[1] == 1 && usize::from(window[2]) < whole.len()).unwrap();
        let mut bytes = whole[..strand].to_vec();
        bytes.extend(&body);
        let _ = engine.customer_from_bytes(&resealed(bytes));
    }
}

#[test]
fn numbers_of_things_are_checked_before_memory_is_taken() {
    let engine = engine();
    let whole = told(&engine, &[event(1, (0, 1, 1, 0, 0))]).to_bytes();
    for place in 16..whole.len() {
        let mut bytes = whole.clone();
        // The largest number there is, in the place of every byte.
        bytes.splice(place..=place, [255, 255, 255, 255, 255, 255, 255, 255, 255, 1]);
        let _ = engine.customer_from_bytes(&resealed(bytes));
    }
}

/// The same for folded events, whatever is asked and folded on top of it.
#[test]
fn totals_are_checked_too() {
    let engine = folding();
    let events: Vec<Event> = (0..12).map(|n| event(n, (n as u8, n as i64, n as u8, 0, 0))).collect();
    let mut customer = told(&engine, &events);
    assert!(engine.fold(&mut customer, at(40)).0 > 0);
    let whole = customer.to_bytes();
    for place in 16..whole.len() {
        for large in [&[255, 255, 255, 255, 255, 255, 255, 255, 255, 1][..], &[255, 255, 255, 255, 255, 255, 63]] {
            let mut bytes = whole.clone();
            bytes.splice(place..=place, large.iter().copied());
            let Ok(mut customer) = engine.customer_from_bytes(&resealed(bytes)) else { continue };
            let _ = engine.segments(&customer, at(50));
            engine.record(&mut customer, &Event::new("visit", at(70), who(0)), None).unwrap();
            engine.fold(&mut customer, at(90));
            let _ = engine.segments(&customer, at(90));
        }
    }
}

#[test]
fn errors_say_what_is_wrong() {
    let engine = engine();
    let bytes = told(&engine, &[event(1, (2, 1, 1, 0, 0))]).to_bytes();
    let code = |bytes: &[u8]| engine.customer_from_bytes(bytes).unwrap_err().code();
    assert_eq!(code(b""), "not_state");
    assert_eq!(code(b"{}"), "not_state");
    assert_eq!(code(b"TACT"), "truncated");
    assert_eq!(code(&bytes[..bytes.len() - 1]), "damaged");
    assert_eq!(code(&CustomerBase::new(engine.clone()).to_bytes()), "not_state");
    let mut newer = bytes.clone();
    newer[6] = 2;
    assert_eq!(code(&newer), "newer_format");
    let error = engine.customer_from_bytes(&newer).unwrap_err();
    assert_eq!(
        (error.offset(), error.to_string().as_str()),
        (6, "format 2 is newer than 1, the newest that this version reads")
    );
    assert_eq!(code(&resealed(bytes[..bytes.len() - 20].to_vec())), "truncated");
    let other = compile(&PLAYBOOK.replace("playbook: state", "playbook: other"));
    let error = other.customer_from_bytes(&bytes).unwrap_err();
    assert_eq!((error.code(), error.message()), ("other_playbook", "the state belongs to playbook `state`, expected `other`"));
    let fewer = compile(&PLAYBOOK.replace("customer: {}, ", ""));
    assert_eq!(fewer.customer_from_bytes(&bytes).unwrap_err().code(), "undeclared_namespace");
}

#[test]
fn a_playbook_that_only_adds_reads_everything() {
    let old = engine();
    let events: Vec<Event> = (0..30).map(|n| event(n, (n as u8, n as i64, n as u8, n as u8, 0))).collect();
    let new = compile(
        &PLAYBOOK
            .replace("version: 3", "version: 4")
            .replace("  visit: {", "  search: {words: string}\n  visit: {rank: int, ")
            .replace("attributes: {", "attributes: {city: string, "),
    );
    let moved = new.customer_from_bytes(&told(&old, &events).to_bytes()).unwrap();
    assert_eq!(moved.aside().count(), 0);
    assert_eq!(moved.to_bytes(), told(&new, &with_ids(&old, &events)).to_bytes());
}

/// The same events with the ids that they were given.
fn with_ids(engine: &Engine, events: &[Event]) -> Vec<Event> {
    let named = |event: &Event| {
        let mut named = event.clone();
        if event.id.is_none() {
            let bytes = told(engine, std::slice::from_ref(event)).to_bytes();
            let other = compile(&PLAYBOOK.replace("events:", "events:\n  more: {}"));
            let customer = other.customer_from_bytes(&bytes).unwrap();
            let kinds: Vec<_> = (0..40).map(tactful::expr::EventKind).collect();
            customer.view(Timestamp::MAX).events(&kinds, tactful::value::Span::lifetime(Timestamp::MAX), &mut |row| {
                named.id = Some(row.id().to_owned());
                std::ops::ControlFlow::Continue(())
            });
        }
        named
    };
    events.iter().map(named).collect()
}

#[test]
fn declared_names_carry_over() {
    let old = engine();
    let events: Vec<Event> = (0..30).map(|n| event(n, (n as u8, n as i64, n as u8, n as u8, 0))).collect();
    let renamed = PLAYBOOK
        .replace("  purchase: {amount:", "  order: {total:")
        .replace("'purchase'", "'order'")
        .replace("'amount'", "'total'")
        .replace("on: purchase", "on: order")
        .replace("attributes: {age:", "attributes: {years:");
    let new = compile(&format!(
        "{renamed}\nrenamed: {{events: {{purchase: order}}, properties: {{order.amount: total}}, attributes: {{age: years}}}}\n"
    ));
    let moved = new.customer_from_bytes(&told(&old, &events).to_bytes()).unwrap();
    // One more: the place in the journey, whose definition is another, is taken over.
    assert_eq!((moved.aside().count(), moved.len()), (0, told(&old, &events).len() + 1));
    assert_eq!(new.segments(&moved, at(40)), old.segments(&told(&old, &events), at(40)));
    // Without the declaration they are kept aside, and come back with it.
    let silent = compile(&renamed);
    let kept = silent.customer_from_bytes(&told(&old, &events).to_bytes()).unwrap();
    assert_eq!(kept.aside().map(tactful::customer::Aside::code).collect::<std::collections::BTreeSet<_>>().len(), 2);
    assert!(kept.len() < moved.len());
    assert_eq!(new.customer_from_bytes(&kept.to_bytes()).unwrap().to_bytes(), moved.to_bytes());
}

#[test]
fn what_no_longer_converts_is_unknown_and_kept() {
    let old = engine();
    let events: Vec<Event> = (0..30).map(|n| event(n, (n as u8, n as i64, n as u8, n as u8, 0))).collect();
    let customer = told(&old, &events);
    // An attribute that changes its type, a set that loses a word, a property that goes.
    let new = compile(
        &PLAYBOOK.replace("{age: int", "{age: string").replace("[web, store]", "[web]").replace("seconds: double, ", ""),
    );
    let moved = new.customer_from_bytes(&customer.to_bytes()).unwrap();
    let reasons: std::collections::BTreeSet<(&str, &str)> = moved.aside().map(|aside| (aside.code(), aside.path())).collect();
    assert_eq!(
        reasons.into_iter().collect::<Vec<_>>(),
        [("undeclared_property", "properties.seconds"), ("wrong_type", "properties.shop"), ("wrong_type", "properties.value"),]
    );
    // Ages are all the values there are, so nothing is left to read of them; of the others what fits is read.
    let ages = events.iter().filter(|event| matches!(event.property("value"), Some(Value::Int(_)))).count();
    assert_eq!(moved.len(), customer.len() - ages);
    assert_eq!(new.segments(&moved, at(40))[1].1, old.segments(&customer, at(40))[1].1);
    // The version that knew them reads all of it again.
    let back = old.customer_from_bytes(&moved.to_bytes()).unwrap();
    assert_eq!(back.to_bytes(), customer.to_bytes());
    assert!(!format!("{:?}", moved.aside().collect::<Vec<_>>()).contains("store"));
}

/// One file per version of the format, written when it was new.
#[test]
fn every_version_is_read() {
    let engine = engine();
    let events: Vec<Event> = (0..30).map(|n| event(n, (n as u8, n as i64, n as u8, n as u8, (n as i64 % 4) * 2))).collect();
    let mut customer = told(&engine, &events);
    engine.advance(&mut customer, at(60));
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/states/customer.1.bin");
    #[expect(clippy::disallowed_methods, reason = "a test may be told to write what it expects")]
    if std::env::var_os("WRITE_GOLDEN").is_some() {
        std::fs::write(&path, customer.to_bytes()).unwrap();
    }
    let golden = std::fs::read(&path).unwrap();
    let read = engine.customer_from_bytes(&golden).unwrap();
    assert_eq!(answers(&engine, &read), answers(&engine, &customer));
    assert_eq!((read.len(), read.aside().count()), (customer.len(), 0));
    assert_eq!(engine.customer_from_bytes(&read.to_bytes()).unwrap().to_bytes(), read.to_bytes());
}

#[test]
fn a_version_that_is_put_back_reads_numbers_that_another_widened() {
    let old = engine();
    let mut customer = old.customer(&who(0)).unwrap();
    for (step, age) in [17_i64, -3, i64::MAX].into_iter().enumerate() {
        let told = Event::new("attribute_set", at(step as i64), who(0)).with_id(&step.to_string()).with("attribute", "age");
        old.record(&mut customer, &told.with("value", age), None).unwrap();
    }
    for wider in ["double", "decimal(2)"] {
        let new = compile(&PLAYBOOK.replace("version: 3", "version: 4").replace("age: int", &format!("age: {wider}")));
        let between = new.customer_from_bytes(&customer.to_bytes()).unwrap();
        let again = old.customer_from_bytes(&between.to_bytes()).unwrap();
        let ages = |at: Timestamp| {
            let text = format!(r#"{{"query": "attribute", "version": 1, "attribute": "age", "now": "{at}"}}"#);
            let answer: serde_json::Value = serde_json::from_str(&old.query(&again, &text).unwrap()).unwrap();
            answer["value"].as_i64()
        };
        assert_eq!((ages(at(0)), ages(at(1))), (Some(17), Some(-3)), "{wider}");
        // What was told between and is no whole number is kept aside.
        let mut between = between;
        let told = Event::new("attribute_set", at(9), who(0)).with_id("half").with("attribute", "age").with("value", 1.5);
        new.record(&mut between, &told, None).unwrap();
        let again = old.customer_from_bytes(&between.to_bytes()).unwrap();
        assert!(again.aside().any(|aside| aside.event().id.as_deref() == Some("half")));
        assert_eq!(new.customer_from_bytes(&again.to_bytes()).unwrap().to_bytes(), between.to_bytes());
    }
}
