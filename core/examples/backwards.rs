//! One customer told many events: in order, backwards and shuffled. Prints the seconds each takes, and whether the states are equal.
//!
//! `cargo run --release --example backwards -- 100000`

use std::time::Instant;
use tactful::{Customer, Engine, Event, Identifier, TimeError, Timestamp};

const PLAYBOOK: &str = r#"
playbook: shop
version: 1
identity: {customer: {}}
events: {view: {sku: string, price: money(EUR)}}
segments:
  keen: events("view").within("7d").count() >= 3
  buyer: events("view").within("90d").sum("price") >= 100
"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let events: i64 = std::env::args().nth(1).map_or(Ok(100_000), |count| count.parse())?;
    let engine = Engine::compile(&[("shop.yaml", PLAYBOOK)])?;
    let orders: [(&str, fn(i64, i64) -> i64); 3] = [
        ("in order", |place, _| place),
        ("backwards", |place, events| events - 1 - place),
        // 48,271 is a primitive root of 2^31 - 1, so a factor that no smaller count shares.
        ("shuffled", |place, events| place.wrapping_mul(48_271).rem_euclid(events)),
    ];
    let mut first = None;
    let only = std::env::args().nth(2);
    for (name, order) in orders.into_iter().filter(|(name, _)| only.as_ref().is_none_or(|only| name.starts_with(only.as_str())))
    {
        #[expect(clippy::disallowed_methods, reason = "it measures")]
        let start = Instant::now();
        let mut customer = told(&engine, events, order)?;
        let recorded = start.elapsed().as_secs_f64();
        // What late events change and was put off is told now.
        engine.advance(&mut customer, at(events)?);
        let bytes = customer.to_bytes();
        println!(
            "{name}: {} events in {recorded:.2} s, told and written in {:.2} s",
            customer.len(),
            start.elapsed().as_secs_f64()
        );
        if *first.get_or_insert_with(|| bytes.clone()) != bytes {
            return Err(format!("{name} gives another state").into());
        }
    }
    Ok(())
}

fn told(engine: &Engine, events: i64, order: fn(i64, i64) -> i64) -> Result<Customer, Box<dyn std::error::Error>> {
    let ada = Identifier::parse("customer:ada")?;
    let mut customer = engine.customer(&ada)?;
    for place in 0..events {
        let number = order(place, events);
        let mut event =
            Event::new("view", at(number)?, ada.clone()).with("sku", &*format!("sku{}", number % 500)).with("price", "12.50");
        event.id = Some(format!("e{number}"));
        engine.record(&mut customer, &event, None)?;
    }
    Ok(customer)
}

fn at(number: i64) -> Result<Timestamp, TimeError> {
    Timestamp::from_micros(1_262_304_000_000_000 + number * 3_600_000_000)
}
