//! The path of every event and of every question, over many customers whose memory is cold: `cargo bench --bench hot`.
//!
//! `TACTFUL_CUSTOMERS` is how many there are, 100,000 unless given. Times are of this thread on the processor; the median of single events is
//! measured by the wall clock.

use std::time::Instant;
use tactful::customer::Customer;
use tactful::playbook::Limits;
use tactful::{Engine, Event, Identifier, Request, Value};
use tactful_benches::measure::{Counting, allocated, nanos, once, thread_nanos};
use tactful_benches::{Counter, WINDOWS, engine, many_offers, minutes, orders};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Which parts to run: all, or those that are named, of `record`, `windows`, `offers`, `memory`, `bytes`.
fn main() {
    let asked: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let part = |name: &str| asked.is_empty() || asked.iter().any(|word| word == name);
    let customers = std::env::var("TACTFUL_CUSTOMERS").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000);
    if part("record") {
        record(customers);
    }
    if part("windows") {
        windows();
    }
    if part("offers") {
        offers();
    }
    if part("memory") {
        memory();
    }
    if part("bytes") {
        bytes();
    }
}

/// A decision among very many offers, each for about one customer in a hundred.
fn offers() {
    let mut few = 0.0;
    for count in [10, 1_000, 10_000, 100_000] {
        let (engine, compiling) = once(|| {
            let text = many_offers(count);
            let limits = Limits::of_bytes(1 << 25);
            Engine::compile_within(&[("offers.yaml", &text)], limits).unwrap_or_else(|mistakes| panic!("{mistakes}"))
        });
        let identifier = Identifier::parse("customer:1").expect("an identifier");
        let request = Request::of("home");
        let mut random = Counter(11);
        let customers: Vec<Customer> = (0..32)
            .map(|_| {
                let mut customer = engine.customer(&identifier).expect("declared");
                for (name, value) in [
                    ("age", Value::Int(i64::try_from(18 + random.below(70)).expect("small"))),
                    ("city", Value::text(&format!("city_{}", random.below(50)))),
                    ("spent", Value::Double(random.below(5_000) as f64)),
                    ("tier", Value::text(["none", "bronze", "silver", "gold"][random.below(4) as usize])),
                    ("visits", Value::Int(i64::try_from(random.below(100)).expect("small"))),
                    ("member", Value::Bool(random.below(2) == 0)),
                ] {
                    let event = Event::new("attribute_set", minutes(0), identifier.clone()).with_id(name).with("attribute", name);
                    engine.record(&mut customer, &event.with("value", value), None).expect("it fits");
                }
                customer
            })
            .collect();
        let mut chosen = 0;
        for customer in &customers {
            let short = engine.decide(customer, &request, minutes(10), None).expect("it fits");
            let each = engine.explain(customer, &request, minutes(10), None).expect("it fits");
            assert_eq!(short.placements, each.placements, "the same as when each is tried");
            chosen += short.offers().count();
        }
        let taken = nanos(7, 20, || {
            for customer in &customers {
                std::hint::black_box(
                    engine.decide(std::hint::black_box(customer), &request, minutes(10), None).expect("it fits"),
                );
            }
        }) / customers.len() as f64;
        few = if count == 10 { taken } else { few };
        println!(
            "decide, {count} offers: {:.2} us, {:.1} times that of 10, {chosen} chosen for {} customers; compiled in {:.2} s",
            taken / 1_000.0,
            taken / few,
            customers.len(),
            compiling / 1e9,
        );
    }
}

/// Thirty purchases of every customer, customer after customer, in time order.
fn record(count: usize) {
    let engine = engine();
    let identifiers: Vec<Identifier> =
        (0..count).map(|number| Identifier::new("customer", &number.to_string()).expect("an identifier")).collect();
    let mut customers: Vec<Customer> =
        identifiers.iter().map(|identifier| engine.customer(identifier).expect("declared")).collect();
    let mut random = Counter(7);
    let (mut singles, mut total, mut effects) = (Vec::new(), 0, 0);
    for round in 0..30 {
        for chunk in 0..count.div_ceil(10_000) {
            let numbers: Vec<usize> = (chunk * 10_000..count.min((chunk + 1) * 10_000)).collect();
            let events: Vec<Event> = numbers
                .iter()
                .map(|number| {
                    let minute = i64::from(round) * 4_320 + i64::try_from(*number).expect("small") % 4_320;
                    let pence = i64::try_from(50 + random.below(2_000)).expect("small");
                    let quantity = i64::try_from(1 + random.below(24)).expect("small");
                    Event::new("purchase", minutes(minute), identifiers[*number].clone())
                        .with_id(&format!("o{round}"))
                        .with("invoice", format!("{}", round / 3).as_str())
                        .with("stock_code", format!("{}", 20_000 + random.below(3_000)).as_str())
                        .with("description", ["WHITE HANGING HEART", "GIFT BOX", "CHRISTMAS LIGHTS"][random.below(3) as usize])
                        .with("quantity", quantity)
                        .with("unit_price", format!("{}.{:02}", pence / 100, pence % 100).as_str())
                        .with("amount", format!("{}.{:02}", pence * quantity / 100, pence * quantity % 100).as_str())
                        .with("country", "United Kingdom")
                })
                .collect();
            let prepared: Vec<_> = events.iter().map(|event| engine.prepare(event, None).expect("it fits")).collect();
            let started = thread_nanos();
            for (number, event) in numbers.iter().zip(&prepared) {
                let begin = Instant::now();
                let told = engine.record_prepared(&mut customers[*number], &identifiers[*number], event).expect("it fits");
                singles.push(u32::try_from(begin.elapsed().as_nanos()).unwrap_or(u32::MAX));
                effects += told.effects.len();
            }
            total += thread_nanos() - started;
        }
    }
    let events = singles.len();
    singles.sort_unstable();
    let at = |share: f64| f64::from(singles[(events as f64 * share) as usize]) / 1_000.0;
    println!(
        "record, retail playbook, {count} customers x 30 events: median {:.2} us, p90 {:.2} us, p99 {:.2} us, mean {:.2} us of CPU, {effects} effects",
        at(0.5),
        at(0.9),
        at(0.99),
        total as f64 / events as f64 / 1_000.0
    );
    let bytes: usize = customers.iter().map(Customer::memory).sum();
    println!("  memory: {} bytes per customer with 30 events of seven properties and fourteen segments", bytes / count);
}

/// A decision that reads ten windows.
fn windows() {
    let engine = Engine::compile(&[("windows.yaml", WINDOWS)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let request = Request::of("home");
    let now = minutes(90 * 1_440 - 10);
    for count in [30, 10_000] {
        let customer = orders(&engine, count);
        let decided = engine.decide(&customer, &request, now, None).expect("it fits");
        assert_eq!(decided.offers().count(), 1, "the windows were read");
        let taken = nanos(11, 20, || {
            std::hint::black_box(engine.decide(std::hint::black_box(&customer), &request, now, None).expect("it fits"));
        });
        println!("decide, ten windows, {count} events in 90 days: {:.2} us", taken / 1_000.0);
    }
}

/// What customers with 30 events of four properties take, as the allocator counts it.
fn memory() {
    const COUNT: usize = 1_000;
    let engine = Engine::compile(&[("windows.yaml", WINDOWS)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let before = allocated();
    let customers: Vec<Customer> = (0..COUNT).map(|_| orders(&engine, 30)).collect();
    let taken = (allocated() - before) / COUNT;
    let told = customers[0].memory() + size_of::<Customer>();
    println!("memory, 30 events of four properties: {taken} bytes per customer were asked of the allocator, {told} are told by it");
}

/// A customer as bytes and back.
fn bytes() {
    let engine = Engine::compile(&[("windows.yaml", WINDOWS)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let customer = orders(&engine, 30);
    let bytes = customer.to_bytes();
    let encoded = nanos(11, 20, || {
        std::hint::black_box(std::hint::black_box(&customer).to_bytes());
    });
    let decoded = nanos(11, 20, || {
        std::hint::black_box(engine.customer_from_bytes(std::hint::black_box(&bytes)).expect("whole"));
    });
    assert_eq!(engine.customer_from_bytes(&bytes).expect("whole").to_bytes(), bytes, "the same again");
    println!(
        "bytes, 30 events of four properties: {} bytes, encoded in {:.2} us, decoded in {:.2} us",
        bytes.len(),
        encoded / 1_000.0,
        decoded / 1_000.0
    );
}
