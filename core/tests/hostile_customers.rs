//! What nobody would tell on purpose: clocks that are wrong, events from the ends of time, one id with many contents, an identifier
//! that everybody has, a hundred thousand events, ten megabytes of text, nesting without end, bytes that were half written. All of it is
//! bounded and typed, and nothing is lost.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use serde_json::json;
use tactful::customer::{Arrival, MAX_TEXT};
use tactful::{Customer, CustomerBase, Engine, Event, Identifier, Request, Timestamp, Value};

const PLAYBOOK: &str = r#"
playbook: hostile
version: 1
resolution: 1d
identity: {customer: {}, cookie: {anonymous: true}}
purposes: {marketing: opt_in}
attributes: {age: int, tags: list(string)}
events: {visit: {page: string, seconds: double, whatever: list(string)}, purchase: {amount: money(EUR)}}
segments:
  visitor: events("visit").within("30d").count() >= 2
  spender: events("purchase").sum("amount") > 100
  away: events("visit").since_last().days() > 30
preferences: {page: {half_life: 30d, from: [{on: visit, property: page}]}}
unusual: {quiet: {test: silence, on: visit}, dearer: {test: higher, on: purchase, property: amount}}
journeys: {way: {stages: {new: {on: visit}, buyer: {on: purchase, timeout: {after: 90d, to: gone}}, gone: {drop_out: true}}}}
trends: {pages: {count: visit, by: page, k: 2}}
channels: {web: text}
placements: {home: {channel: web}}
offers:
  hat: {eligible: 'segment("visitor") && !segment("away")', value: 'events("purchase").count() + 1', treatments: {web: {message: Hat}}}
  usual: {eligible: '!unusual("quiet") && "a" in preference("page").liked', treatments: {web: {message: As usual}}}
"#;

fn compile(playbook: &str) -> Engine {
    Engine::compile(&[("hostile.yaml", playbook)]).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn engine() -> Engine {
    compile(PLAYBOOK)
}

fn at(hours: i64) -> Timestamp {
    Timestamp::parse("2026-03-01T00:00:00Z").unwrap().saturating_add_micros(hours * 3_600_000_000)
}

fn ada() -> Identifier {
    Identifier::parse("customer:ada").unwrap()
}

fn visit(id: &str, time: Timestamp) -> Event {
    Event::new("visit", time, ada()).with("page", "a").with_id(id)
}

/// Everything that can be asked, at the ends of time too; and what comes out of bytes says the same.
fn ask(engine: &Engine, customer: &Customer) {
    let again = engine.customer_from_bytes(&customer.to_bytes()).unwrap();
    assert_eq!(again.len(), customer.len());
    for now in [Timestamp::MIN, at(0), at(24 * 365), Timestamp::MAX] {
        let shown = |customer: &Customer| engine.explain(customer, &Request::of("home"), now, None).unwrap().to_json();
        assert_eq!(shown(customer), shown(&again));
        for query in ["customer", "needs", "preferences", "unusual", "session", "location"] {
            engine.query(Some(customer), &json!({"query": query, "now": now}).to_string()).unwrap();
        }
    }
    let _ = (engine.history(customer), engine.next_due(customer));
}

#[test]
fn clocks_may_be_wrong_by_any_time() {
    let engine = engine();
    let moments = [Timestamp::MIN, at(-24 * 365 * 1500), at(0), at(1), at(24 * 365 * 5000), Timestamp::MAX];
    let mut customer = engine.customer(&ada()).unwrap();
    let mut count = 0;
    for (number, time) in moments.into_iter().enumerate() {
        for (other, known) in moments.into_iter().enumerate() {
            // Known long before it happened, and long after.
            let event = visit(&format!("{number}-{other}"), time);
            assert_eq!(engine.record(&mut customer, &event, Some(known)).unwrap().arrival, Some(Arrival::New));
            count += 1;
        }
    }
    ask(&engine, &customer);
    assert_eq!(customer.len(), count);
    // What is to come is not seen, whenever it was told; and it is seen when its time has come and it was known.
    let member = |now: Timestamp| engine.segments(&customer, now)[0].1;
    assert_eq!((member(at(-24 * 365 * 1400)), member(at(1))), (Some(false), Some(true)));
    engine.advance(&mut customer, Timestamp::MAX);
    assert_eq!(engine.fold(&mut customer, Timestamp::MAX).0, 0);
    ask(&engine, &customer);
    // Device clocks of messages.
    for (timestamp, sent, received) in [
        ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-03-01T00:00:00Z"),
        ("9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
    ] {
        let message = json!({"type": "page", "userId": "1", "timestamp": timestamp, "sentAt": sent, "receivedAt": received});
        assert!(engine.intake(&message.to_string(), None, None).is_ok());
    }
}

#[test]
fn one_id_with_a_thousand_contents_is_one_event() {
    let engine = engine();
    let events: Vec<Event> = (0..1000).map(|n| visit("same", at(n)).with("seconds", n as f64)).collect();
    let told = |events: &mut dyn Iterator<Item = &Event>| {
        let mut customer = engine.customer(&ada()).unwrap();
        for event in events {
            engine.record(&mut customer, event, None).unwrap();
        }
        customer
    };
    let (there, back) = (told(&mut events.iter()), told(&mut events.iter().rev()));
    assert_eq!(there.len(), 1);
    assert_eq!(there.to_bytes(), back.to_bytes());
    assert_eq!(engine.history(&there), engine.history(&back));
    // The one that stays is the same again, all others are conflicts that are reported and change nothing.
    let (mut customer, bytes) = (there.clone(), there.to_bytes());
    let arrivals: Vec<_> = events.iter().map(|e| engine.record(&mut customer, e, None).unwrap().arrival.unwrap()).collect();
    assert_eq!(arrivals.iter().filter(|arrival| **arrival == Arrival::Duplicate).count(), 1);
    assert!(arrivals.iter().all(|arrival| matches!(arrival, Arrival::Duplicate | Arrival::ConflictKeptOld)));
    assert_eq!(customer.to_bytes(), bytes);
}

#[test]
fn an_identifier_that_everybody_has_joins_nobody() {
    const EVERYBODY: usize = if cfg!(debug_assertions) { 20_000 } else { 100_000 };
    let mut base = CustomerBase::new(engine());
    let shared = Identifier::parse("cookie:library").unwrap();
    let mut refused = 0;
    for number in 0..EVERYBODY {
        let who = Identifier::new("customer", &number.to_string()).unwrap();
        let mut event = Event::new("visit", at(0), who).with_id(&format!("e{number}"));
        event.identifiers.push(shared.clone());
        let caused = base.record(&event).unwrap();
        refused +=
            usize::from(caused.effects.iter().any(|effect| serde_json::to_value(effect).unwrap()["effect"] == "link_refused"));
    }
    // Two identified customers never merge through what both used; every refusal was told.
    assert!(base.len() >= EVERYBODY, "{}", base.len());
    assert!(refused >= EVERYBODY - 2, "{refused}");
    assert!(base.iter().all(|customer| customer.len() <= 2));
    let again = CustomerBase::from_bytes(base.engine().clone(), &base.to_bytes()).unwrap();
    assert_eq!(again.to_bytes(), base.to_bytes());
}

#[test]
fn an_attribute_that_changes_its_type_back_and_forth_loses_nothing() {
    let versions: Vec<Engine> = ["int", "string", "list(string)", "timestamp", "bool", "int"]
        .iter()
        .enumerate()
        .map(|(number, ty)| {
            compile(
                &PLAYBOOK.replace("version: 1", &format!("version: {}", number + 1)).replace("age: int", &format!("age: {ty}")),
            )
        })
        .collect();
    let tell = |engine: &Engine, customer: &mut Customer, hours: i64, value: Value| {
        let event = Event::new("attribute_set", at(hours), ada()).with("attribute", "age").with("value", value);
        engine.record(customer, &event.with_id(&format!("a{hours}")), None).unwrap();
    };
    let values = [
        Value::Int(40),
        Value::text("forty"),
        Value::List(vec![Value::text("x")].into()),
        Value::from(at(0)),
        Value::Bool(true),
        Value::Int(41),
    ];
    let mut customer = versions[0].customer(&ada()).unwrap();
    for (hours, (engine, value)) in (0..).zip(versions.iter().zip(values.clone())) {
        customer = engine.customer_from_bytes(&customer.to_bytes()).unwrap();
        tell(engine, &mut customer, hours, value);
        ask(engine, &customer);
        let kept = customer.len() + customer.aside().count();
        assert!(kept > usize::try_from(hours).unwrap(), "{kept} of {}", hours + 1);
    }
    for (hours, (engine, value)) in (0..).zip(versions.iter().zip(values)) {
        let customer = engine.customer_from_bytes(&customer.to_bytes()).unwrap();
        let asked = json!({"query": "attribute", "attribute": "age", "now": at(hours)}).to_string();
        let found: serde_json::Value = serde_json::from_str(&engine.query(Some(&customer), &asked).unwrap()).unwrap();
        assert_eq!(found["value"], value.to_json(), "version {}", hours + 1);
    }
}

fn many(count: i64) -> (Engine, Customer) {
    let engine = engine();
    let mut customer = engine.customer(&ada()).unwrap();
    for number in 0..count {
        let time = at(0).saturating_add_micros(number * 60_000_000);
        let event = match number % 10 {
            0 => Event::new("purchase", time, ada()).with("amount", "0.01"),
            _ => Event::new("visit", time, ada()).with("page", if number % 3 == 0 { "a" } else { "b" }),
        };
        engine.record(&mut customer, &event.with_id(&number.to_string()), None).unwrap();
    }
    assert_eq!(customer.len(), usize::try_from(count).unwrap());
    (engine, customer)
}

#[test]
fn many_events_of_one_customer_are_kept() {
    let (engine, customer) = many(20_000);
    assert_eq!(engine.segments(&customer, at(24 * 13))[1].1, Some(false));
    let again = engine.customer_from_bytes(&customer.to_bytes()).unwrap();
    assert_eq!((again.len(), again.to_bytes()), (customer.len(), customer.to_bytes()));
}

/// `cargo test --release -p tactful --test hostile_customers -- --ignored --nocapture`
#[test]
#[ignore = "takes minutes without --release: by hand"]
fn a_million_events_of_one_customer() {
    #[expect(clippy::disallowed_methods, reason = "it measures")]
    let started = std::time::Instant::now();
    let (engine, customer) = many(1_000_000);
    let recorded = started.elapsed();
    let now = at(0).saturating_add_micros(1_000_000 * 60_000_000);
    assert_eq!(engine.segments(&customer, now)[1].1, Some(true));
    engine.explain(&customer, &Request::of("home"), now, None).unwrap();
    let asked = started.elapsed();
    let bytes = customer.to_bytes();
    let again = engine.customer_from_bytes(&bytes).unwrap();
    assert_eq!(again.to_bytes(), bytes);
    println!(
        "1,000,000 events: recorded in {recorded:?}, asked in {:?}, as bytes {} KB and back in {:?}, memory {} KB, process {} KB",
        asked - recorded,
        bytes.len() / 1024,
        started.elapsed() - asked,
        customer.memory() / 1024,
        resident(),
    );
}

/// Customers with several browsers each, so many links that all of it has to be linear.
fn linked(customers: u32, links_each: u32) -> CustomerBase {
    let mut base = CustomerBase::new(engine());
    for number in 0..customers {
        let who = Identifier::new("customer", &number.to_string()).unwrap();
        let time = at(i64::from(number % 1000));
        base.record(&Event::new("visit", time, who.clone()).with_id(&format!("v{number}"))).unwrap();
        for link in 0..links_each {
            let other = format!("cookie:{number}-{link}");
            let event = Event::new("linked", time, who.clone()).with("other", other.as_str());
            base.record(&event.with_id(&format!("l{number}-{link}"))).unwrap();
        }
    }
    base
}

#[test]
fn many_links_load_again() {
    let base = linked(3_000, 4);
    assert_eq!(base.len(), 3_000);
    let members = base.identifiers(&Identifier::parse("cookie:17-3").unwrap()).unwrap();
    assert_eq!(members.len(), 5);
    let again = CustomerBase::from_bytes(base.engine().clone(), &base.to_bytes()).unwrap();
    assert_eq!((again.len(), again.to_bytes()), (base.len(), base.to_bytes()));
}

/// `cargo test --release -p tactful --test hostile_customers -- --ignored --nocapture`
#[test]
#[ignore = "takes minutes and gigabytes without --release: by hand"]
fn half_a_million_customers_with_two_million_links() {
    #[expect(clippy::disallowed_methods, reason = "it measures")]
    let started = std::time::Instant::now();
    let base = linked(500_000, 4);
    let recorded = started.elapsed();
    let memory = resident();
    let bytes = base.to_bytes();
    let engine = base.engine().clone();
    drop(base);
    let written = started.elapsed();
    let again = CustomerBase::from_bytes(engine, &bytes).unwrap();
    println!(
        "500,000 customers, 2,000,000 links: recorded in {recorded:?}, {memory} KB resident; {} KB of bytes written in {:?}, loaded in {:?}",
        bytes.len() / 1024,
        written - recorded,
        started.elapsed() - written,
    );
    assert_eq!(again.len(), 500_000);
}

/// Resident memory of the process in KB, where the system tells.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[test]
fn ten_megabytes_of_text_are_refused_with_a_place() {
    let engine = engine();
    let long = "x".repeat(10 * 1024 * 1024);
    let mut customer = engine.customer(&ada()).unwrap();
    let mut base = CustomerBase::new(engine.clone());
    let plain = || visit("1", at(0));
    let mut in_list = plain();
    in_list.properties.push(("whatever".to_owned(), Value::List(vec![Value::text(&long)].into())));
    let named = Event { event_type: long.clone(), ..plain() };
    let property = plain().with(&long, "x");
    let id = plain().with_id(&long);
    let channel = plain().through(&long);
    let source = Event { source: Some(long.clone()), ..plain() };
    let tags = Event::new("attribute_set", at(0), ada()).with("attribute", "tags").with("value", Value::text(&long));
    let mut page = plain();
    page.properties = vec![("page".to_owned(), Value::text(&long))];
    for event in [page, in_list, named, property, id, channel, source, tags] {
        let error = engine.record(&mut customer, &event, None).unwrap_err();
        assert_eq!(base.record(&event).unwrap_err().code(), error.code());
        assert!(error.to_string().len() < 1000 && error.path().len() < 200, "{} {}", error.code(), error.path());
    }
    assert!(Identifier::new("customer", &long).is_err());
    assert_eq!(Event::from_json(&json!({"type": "visit", "page": long}).to_string()).unwrap_err().code(), "too_long");
    assert_eq!(engine.intake(&json!({"type": "page", "name": long}).to_string(), None, None).unwrap_err().code(), "too_long");
    let asked = json!({"query": "customer", "now": at(0), "x": long}).to_string();
    assert!(engine.query(Some(&customer), &asked).unwrap_err().to_string().len() < 1000);
    assert!((customer.len(), base.len()) == (0, 0));
    // As long as it may be, it is kept.
    let longest = "x".repeat(MAX_TEXT);
    let mut kept = plain();
    kept.properties = vec![("page".to_owned(), Value::text(&longest))];
    engine.record(&mut customer, &kept, None).unwrap();
    ask(&engine, &customer);
}

#[test]
fn nesting_has_an_end_in_every_form() {
    let engine = engine();
    let deep = |depth: usize| {
        let mut value = Value::text("x");
        for _ in 0..depth {
            value = Value::List(vec![value].into());
        }
        value
    };
    let mut customer = engine.customer(&ada()).unwrap();
    for depth in [2, 64, 65, 500] {
        let event = Event::new("visit", at(0), ada()).with("whatever", deep(depth)).with_id("deep");
        let told = engine.record(&mut customer, &event, None);
        assert!(told.is_err(), "a list of texts is no list of lists, {depth} deep");
        let set = Event::new("attribute_set", at(0), ada()).with("attribute", "tags").with("value", deep(depth));
        assert!(engine.record(&mut customer, &set, None).is_err());
    }
    let text = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    for depth in [100, 10_000, 1_000_000] {
        let nested = text(depth);
        let object = format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        for nested in [&nested, &object] {
            let own = format!(
                r#"{{"type": "visit", "time": "2026-03-01T00:00:00Z", "identifier": "customer:1", "properties": {{"whatever": {nested}}}}}"#
            );
            let segment = format!(
                r#"{{"type": "page", "userId": "1", "timestamp": "2026-03-01T00:00:00Z", "properties": {{"page": {nested}}}}}"#
            );
            let cloud = format!(
                r#"{{"specversion": "1.0", "id": "1", "source": "/s", "type": "visit", "subject": "customer:1", "time": "2026-03-01T00:00:00Z", "data": {{"whatever": {nested}}}}}"#
            );
            assert!(Event::from_json(&own).is_err(), "{depth}");
            for message in [own, segment, cloud] {
                let mut base = CustomerBase::new(engine.clone());
                match base.intake(&message, None, None) {
                    Err(error) => assert!(!error.code().is_empty()),
                    Ok(recorded) => assert!(!recorded.refused.is_empty() || !recorded.left_out.is_empty(), "{depth}"),
                }
            }
            let asked = format!(r#"{{"query": "customer", "now": {nested}}}"#);
            assert!(engine.query(Some(&customer), &asked).is_err());
        }
    }
    assert!(customer.is_empty());
}

#[test]
fn half_written_bytes_are_never_half_a_state() {
    let engine = compile(
        &PLAYBOOK
            .replace("visit: {page", "visit: {retention: 1d, properties: {page")
            .replace("list(string)}, purchase", "list(string)}}, purchase"),
    );
    let mut base = CustomerBase::new(engine.clone());
    for number in 0..6 {
        let who = Identifier::new("customer", &(number % 2).to_string()).unwrap();
        let event = Event::new("visit", at(number * 9), who).with("page", "a").with("seconds", 1.5);
        base.record(&event.with_id(&format!("v{number}"))).unwrap();
    }
    base.record(&Event::new("linked", at(1), Identifier::parse("customer:0").unwrap()).with("other", "cookie:1")).unwrap();
    assert!(base.fold(at(48)).0 > 0);
    let mut trends = engine.trends();
    base.observe(&mut trends);
    let snapshot = trends.snapshot(at(24 * 9), None).unwrap();
    let customer = base.find(&Identifier::parse("customer:0").unwrap()).unwrap();
    let codes = ["not_state", "truncated", "damaged"];
    let whole = [customer.to_bytes(), base.to_bytes(), trends.to_bytes(), snapshot.to_bytes()];
    for (kind, whole) in whole.iter().enumerate() {
        for end in 0..=whole.len() {
            let bytes = &whole[..end];
            let read = match kind {
                0 => engine.customer_from_bytes(bytes).map(|read| read.to_bytes()),
                1 => CustomerBase::from_bytes(engine.clone(), bytes).map(|read| read.to_bytes()),
                2 => engine.trends_from_bytes(bytes).map(|read| read.to_bytes()),
                _ => engine.snapshot_from_bytes(bytes).map(|read| read.to_bytes()),
            };
            match read {
                Ok(read) => assert!(end == whole.len() && read == *whole, "{kind}: {end} of {}", whole.len()),
                Err(error) => assert!(end < whole.len() && codes.contains(&error.code()), "{kind}: {end}: {error}"),
            }
        }
    }
}
