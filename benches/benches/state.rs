//! State as bytes: a customer with 30 events of four properties, written and read.

use divan::Bencher;
use tactful::{Customer, Engine, Event, Identifier};
use tactful_benches::{Counter, start};

const PLAYBOOK: &str = "{playbook: shop, version: 1, identity: {customer: {}},
  events: {purchase: {sku: string, quantity: int, amount: money(EUR), store: string}}}";

fn main() {
    divan::main();
}

fn made() -> (Engine, Customer) {
    let engine = Engine::compile(&[("shop.yaml", PLAYBOOK)]).expect("it compiles");
    let identifier = Identifier::parse("customer:4711").expect("an identifier");
    let mut customer = engine.customer(&identifier).expect("declared");
    let mut random = Counter(1);
    for number in 0..30_i64 {
        let time = start().saturating_add_micros((number * 86_400 + random.below(80_000) as i64) * 1_000_000);
        let event = Event::new("purchase", time, identifier.clone())
            .with_id(&format!("order-{}", 880_000 + number))
            .with("sku", format!("{}", 20_000 + random.below(3_000)).as_str())
            .with("quantity", 1 + random.below(9) as i64)
            .with("amount", format!("{}.{:02}", random.below(200), random.below(100)).as_str())
            .with("store", ["berlin", "ulm", "web"][random.below(3) as usize]);
        engine.record(&mut customer, &event, None).expect("it fits");
    }
    println!("{} bytes", customer.to_bytes().len());
    (engine, customer)
}

#[divan::bench]
fn write(bencher: Bencher<'_, '_>) {
    let (_, customer) = made();
    bencher.bench_local(|| divan::black_box(&customer).to_bytes());
}

#[divan::bench]
fn read(bencher: Bencher<'_, '_>) {
    let (engine, customer) = made();
    let bytes = customer.to_bytes();
    bencher.bench_local(|| engine.customer_from_bytes(divan::black_box(&bytes)).expect("it is read"));
}
