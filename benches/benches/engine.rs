//! The engine by itself, with the retail playbook: `cargo bench` in `benches/`.

use divan::{Bencher, black_box};
use tactful::Request;
use tactful_benches::{customer, engine, start, story};

fn main() {
    divan::main();
}

/// One event into the story of a customer who has `lines` others.
#[divan::bench(args = [20, 100, 1_000])]
fn record_in_order(bencher: Bencher<'_, '_>, lines: u64) {
    let engine = engine();
    let before = customer(&engine, 1, lines);
    let mut next = story(2, 1).remove(0);
    next.time = start().saturating_add_micros(400 * 86_400_000_000);
    next.identifiers = story(1, 1).remove(0).identifiers;
    bencher.with_inputs(|| before.clone()).bench_values(|mut customer| {
        engine.record(&mut customer, black_box(&next), None).expect("it fits");
        customer
    });
}

/// A decision for two placements a year after the first event.
#[divan::bench(args = [20, 100, 1_000])]
fn decide(bencher: Bencher<'_, '_>, lines: u64) {
    let engine = engine();
    let customer = customer(&engine, 1, lines);
    let request =
        Request { placements: vec!["home_hero".into(), "newsletter".into()], facts: Vec::new(), ..Request::default() };
    let now = start().saturating_add_micros(365 * 86_400_000_000);
    bencher.bench(|| engine.decide(black_box(&customer), &request, now, None).expect("it fits"));
}

/// The same with all reasons.
#[divan::bench(args = [100])]
fn explain(bencher: Bencher<'_, '_>, lines: u64) {
    let engine = engine();
    let customer = customer(&engine, 1, lines);
    let request =
        Request { placements: vec!["home_hero".into(), "newsletter".into()], facts: Vec::new(), ..Request::default() };
    let now = start().saturating_add_micros(365 * 86_400_000_000);
    bencher.bench(|| engine.explain(black_box(&customer), &request, now, None).expect("it fits"));
}

/// A whole year of one customer, event by event.
#[divan::bench(args = [100, 1_000])]
fn year(bencher: Bencher<'_, '_>, lines: u64) {
    let engine = engine();
    bencher.bench(|| customer(&engine, black_box(7), lines));
}
