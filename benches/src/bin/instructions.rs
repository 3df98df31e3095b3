//! Work for counting instructions: `instructions w1|w2 ROUNDS [RULES]`, `instructions record|apart|decide|online ROUNDS`. See
//! `benches/instructions.sh`.

use std::hint::black_box;
use tactful::expr::{FactId, Row, RuleSet};
use tactful::base::CustomerBase;
use tactful::{Engine, Event, Identifier, Request, Timestamp};
use tactful_benches::features::{self, NOW, statics};
use tactful_benches::{WINDOWS, engine, minutes, orders, story, workload};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let work = arguments.next().expect("w1 or w2");
    let rounds: usize = arguments.next().and_then(|text| text.parse().ok()).expect("a number of rounds");
    match work.as_str() {
        "record" => return record(rounds, 0),
        "apart" => return record(rounds, 3 * 86_400_000_000),
        "decide" => return decide(rounds),
        "online" => return online(rounds),
        _ => {}
    }
    let count = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(1_000);
    let rules = if work == "w1" { vec![workload::w1()] } else { workload::rules(count) };
    let texts = rules.iter().enumerate().map(|(i, rule)| (format!("rule_{i}"), workload::text(rule)));
    let set = RuleSet::compile(texts, &workload::schema()).expect("compiles");
    let rows: Vec<Row> = workload::contexts(if work == "w1" { 1 } else { 64 })
        .iter()
        .map(|context| {
            let mut row = set.row();
            for (number, fact) in (0..).zip(context) {
                row.set(FactId(number), &workload::value(fact)).expect("fits");
            }
            row
        })
        .collect();
    let mut scratch = set.scratch();
    let first = set.rule("rule_0").expect("there");
    let mut found = 0;
    for _ in 0..rounds {
        for row in &rows {
            found += if work == "w1" {
                usize::from(set.holds(first, black_box(row)))
            } else {
                set.matches(black_box(row), &mut scratch).len()
            };
        }
    }
    println!("{found} matches");
}

/// Thirty prepared lines of the retail playbook, told to a new customer every round, each so many microseconds later than it was.
fn record(rounds: usize, apart: i64) {
    let engine = engine();
    let mut events = story(1, 30);
    for (number, event) in (0..).zip(&mut events) {
        event.time = event.time.saturating_add_micros(number * apart);
    }
    let prepared: Vec<_> = events.iter().take(30).map(|event| engine.prepare(event, None).expect("it fits")).collect();
    let identifier = &events[0].identifiers[0];
    let mut effects = 0;
    for _ in 0..rounds {
        let mut customer = engine.customer(identifier).expect("declared");
        for event in &prepared {
            effects += engine.record_prepared(&mut customer, identifier, black_box(event)).expect("it fits").effects.len();
        }
    }
    println!("{effects} effects");
}

/// A decision that reads ten windows of thirty events.
fn decide(rounds: usize) {
    let engine = Engine::compile(&[("windows.yaml", WINDOWS)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let customer = orders(&engine, 30);
    let (request, now) = (Request::of("home"), minutes(90 * 1_440 - 10));
    let mut offers = 0;
    for _ in 0..rounds {
        offers += engine.decide(black_box(&customer), &request, now, None).expect("it fits").offers().count();
    }
    println!("{offers} offers");
}

/// An event of the features job and a decision for its customer, for each of 64 customers with some twenty events.
fn online(rounds: usize) {
    const CUSTOMERS: u64 = 64;
    let engine = Engine::compile(&[("features.yaml", &features::playbook())]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let time = |micros| Timestamp::from_micros(micros).expect("in range");
    let who: Vec<Identifier> =
        (0..CUSTOMERS).map(|number| Identifier::new("customer", &number.to_string()).expect("an identifier")).collect();
    let mut base = CustomerBase::new(engine);
    for (number, identifier) in who.iter().enumerate() {
        for (name, value) in ["tier", "region", "age", "consent"].iter().zip(statics(number as u32)) {
            let told = Event::new("attribute_set", time(NOW - 365 * features::DAY), identifier.clone()).with_id(name);
            base.record(&told.with("attribute", *name).with("value", value)).expect("it fits");
        }
    }
    for (number, told) in features::events(20 * CUSTOMERS, CUSTOMERS).iter().enumerate() {
        base.record(&told.event(&format!("e{number}"), &who[told.customer as usize])).expect("it fits");
    }
    let request = Request::of("home");
    let mut offers = 0;
    for round in 0..rounds {
        for customer in 0..CUSTOMERS {
            let number = round as u64 * CUSTOMERS + customer;
            let event = features::arriving(number, NOW - 10_000_000 + number as i64, customer as u32);
            let event = event.event(&format!("n{number}"), &who[customer as usize]);
            offers += arrive(&mut base, &event, &who[customer as usize], &request, time(NOW));
        }
    }
    println!("{offers} offers");
}

#[inline(never)]
fn arrive(base: &mut CustomerBase, event: &Event, who: &Identifier, request: &Request, now: Timestamp) -> usize {
    base.record(black_box(event)).expect("it fits");
    base.decide(who, request, now, None).expect("it fits").offers().count()
}
