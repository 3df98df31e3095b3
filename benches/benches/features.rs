//! The features job online: one event is stored, then 48 windows, 20 segments and the best of 20 offers for its customer:
//! `cargo bench --bench features`, beside the same in plain Rust without an engine.
//!
//! `TACTFUL_EVENTS` and `TACTFUL_CUSTOMERS` are 1,000,000 and 50,000 unless given. With `TACTFUL_EXPECTED`, a file such as
//! `expected_1m.json`, every segment's and every offer's number of customers is checked, and the sum of scores.

use std::collections::BTreeMap;
use std::time::Instant;
use tactful::base::CustomerBase;
use tactful::{Engine, Event, Identifier, Request, Timestamp};
use tactful_benches::features::{DAY, NOW, OFFERS, Told, arriving, events, mix, plain_best, playbook, statics};
use tactful_benches::measure::thread_nanos;

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn time(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros).expect("in range")
}

fn main() {
    let (count, customers) = (number("TACTFUL_EVENTS", 1_000_000), number("TACTFUL_CUSTOMERS", 50_000));
    let told = events(count, customers);
    let engine = Engine::compile(&[("features.yaml", &playbook())]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let who: Vec<Identifier> =
        (0..customers).map(|number| Identifier::new("customer", &number.to_string()).expect("an identifier")).collect();
    let mut base = CustomerBase::new(engine.clone());
    for (number, identifier) in who.iter().enumerate() {
        for (name, value) in ["tier", "region", "age", "consent"].iter().zip(statics(number as u32)) {
            let event = Event::new("attribute_set", time(NOW - 365 * DAY), identifier.clone())
                .with_id(name)
                .with("attribute", *name)
                .with("value", value);
            base.record(&event).expect("it fits");
        }
    }
    let started = thread_nanos();
    for (number, told) in told.iter().enumerate() {
        base.record(&told.event(&format!("e{number}"), &who[told.customer as usize])).expect("it fits");
    }
    let taken = (thread_nanos() - started) as f64 / count as f64 / 1_000.0;
    println!("record {count} events of {customers} customers, each event made and told: {taken:.2} us of CPU");
    if let Ok(path) = std::env::var("TACTFUL_EXPECTED") {
        check(&engine, &base, &who, &std::fs::read_to_string(path).expect("the file of expected answers"));
    }
    let requests = 100_000_u64;
    let plain = floor(&told, customers, requests);
    for (order, late) in [("in time order", false), ("each earlier than the one before, so that all are late", true)] {
        let mut base = base.clone();
        let ours = online(&mut base, &told, &who, requests, late);
        println!("online, {order}: median tactful {ours:.2} us, plain Rust {plain:.2} us, ratio {:.1}", ours / plain);
    }
}

/// An event, then a decision for its customer. Microseconds, the median.
fn online(base: &mut CustomerBase, told: &[Told], who: &[Identifier], requests: u64, late: bool) -> f64 {
    let request = Request::of("home");
    let mut singles = Vec::with_capacity(requests as usize);
    for number in 0..requests {
        let customer = told[(mix(99 + number) % told.len() as u64) as usize].customer;
        let before = if late { number } else { requests - number };
        let identifier = &who[customer as usize];
        let event = arriving(number, NOW - 1 - before as i64, customer).event(&format!("n{number}"), identifier);
        let begin = Instant::now();
        base.record(&event).expect("it fits");
        let decision = base.decide(identifier, &request, time(NOW), None).expect("it fits");
        singles.push(begin.elapsed().as_nanos() as u32);
        std::hint::black_box(decision);
    }
    singles.sort_unstable();
    f64::from(singles[singles.len() / 2]) / 1_000.0
}

/// Compares what is decided for every customer with the job's answers.
fn check(engine: &Engine, base: &CustomerBase, who: &[Identifier], expected: &str) {
    let expected: serde_json::Value = serde_json::from_str(expected).expect("JSON");
    let (mut segments, mut offers, mut sum) = (BTreeMap::new(), BTreeMap::new(), 0.0);
    let request = Request::of("home");
    for identifier in who {
        let customer = base.find(identifier).expect("known");
        for (name, member) in engine.segments(customer, time(NOW)) {
            *segments.entry(name.to_string()).or_insert(0_u64) += u64::from(member == Some(true));
        }
        let decision = engine.decide(customer, &request, time(NOW), None).expect("it fits");
        let best = decision.offers().next();
        sum += best.map_or(0.0, |best| best.score);
        *offers.entry(best.map_or("none".to_owned(), |best| best.offer.to_string())).or_insert(0_u64) += 1;
    }
    for (found, kind) in [(&segments, "segments"), (&offers, "offers")] {
        for (name, count) in expected[kind].as_object().expect("counts") {
            assert_eq!(found.get(name).copied().unwrap_or(0), count.as_u64().expect("a count"), "{kind} {name}");
        }
    }
    let wanted = expected["score_sum"].as_f64().expect("a sum");
    assert!((sum - wanted).abs() < 0.01, "scores add up to {sum}, not {wanted}");
    println!("the answers are those expected: {} segments, {} offers, scores {sum:.4}", segments.len(), OFFERS.len());
}

/// The same without an engine: the events of 90 days are scanned into an array of figures. Microseconds, the median.
fn floor(told: &[Told], customers: u64, requests: u64) -> f64 {
    #[derive(Clone, Default)]
    struct Plain {
        events: Vec<(i64, f64, u8, u8)>,
        last: i64,
        last_purchase: i64,
        count: u32,
        spend: f64,
    }
    let mut all = vec![Plain::default(); customers as usize];
    for told in told {
        let one = &mut all[told.customer as usize];
        one.count += 1;
        one.last = told.time;
        if told.kind == 4 {
            one.last_purchase = told.time;
            one.spend += told.value;
        }
        if NOW - told.time <= 90 * DAY {
            one.events.push((told.time, told.value, told.kind, told.channel));
        }
    }
    let mut singles = Vec::with_capacity(requests as usize);
    let mut sum = 0.0;
    for number in 0..requests {
        let customer = told[(mix(99 + number) % told.len() as u64) as usize].customer;
        let begin = Instant::now();
        let one = &mut all[customer as usize];
        one.events.push((NOW - 1 - number as i64, 0.0, (number % 4) as u8, (number % 6) as u8));
        one.count += 1;
        one.last = one.last.max(NOW - 1 - number as i64);
        let (mut f, mut channels) = ([0_f64; 57], 0_u8);
        for (time, value, kind, channel) in &one.events {
            let (age, i) = (NOW - time, usize::from(*kind) * 3);
            if age > 90 * DAY {
                continue;
            }
            channels |= 1 << channel;
            for (k, days) in [7, 30, 90].iter().enumerate() {
                if age <= days * DAY {
                    f[i + k] += 1.0;
                    f[24 + i + k] += value;
                }
            }
        }
        let days = |last: i64| if last == 0 { 9_999.0 } else { ((NOW - last) / DAY) as f64 };
        (f[48], f[49], f[50]) = (days(one.last), days(one.last_purchase), f64::from(channels.count_ones()));
        (f[51], f[52]) = (f64::from(one.count), one.spend);
        for (place, value) in f[53..].iter_mut().zip(statics(customer)) {
            *place = value as f64;
        }
        sum += plain_best(&f);
        singles.push(begin.elapsed().as_nanos() as u32);
    }
    std::hint::black_box(sum);
    singles.sort_unstable();
    f64::from(singles[singles.len() / 2]) / 1_000.0
}
