//! The rule language against its peers on one workload, in one run: `cargo bench --bench rules --features peers`.
//!
//! `TACTFUL_RULES` is the largest number of rules, 10000 unless given; peers take a minute to build 100000.

use std::hint::black_box;
use tactful::expr::{Row, RuleSet};
use tactful_benches::measure::{nanos, once};
use tactful_benches::workload::{self, Context};

fn fill(row: &mut Row, context: &Context) {
    for (number, fact) in (0..).zip(context) {
        row.set(tactful::expr::FactId(number), &workload::value(fact)).expect("fits");
    }
}

fn main() {
    let most: usize = std::env::var("TACTFUL_RULES").ok().and_then(|text| text.parse().ok()).unwrap_or(10_000);
    let contexts = workload::contexts(64);
    let all = workload::rules(most);
    let schema = workload::schema();
    let texts: Vec<(String, String)> =
        all.iter().enumerate().map(|(i, rule)| (format!("rule_{i}"), workload::text(rule))).collect();

    let one = RuleSet::compile([("w1", workload::text(&workload::w1()))], &schema).expect("compiles");
    let mut row = one.row();
    fill(&mut row, &contexts[0]);
    let mut scratch = one.scratch();
    let rule = one.rule("w1").expect("there");
    println!(
        "W1 holds {:.1} ns",
        nanos(9, 10, || {
            black_box(one.holds(rule, black_box(&row)));
        })
    );
    println!(
        "W1 matches {:.1} ns",
        nanos(9, 10, || {
            black_box(one.matches(black_box(&row), &mut scratch));
        })
    );
    let json = workload::json(&contexts[0]);
    println!(
        "W1 json {:.1} ns ({} bytes)",
        nanos(9, 10, || {
            row.read_json(black_box(&json)).unwrap();
            assert!(one.holds(rule, black_box(&row)));
        }),
        json.len()
    );

    for (count, matches, hash) in workload::PUBLISHED {
        if count > most {
            continue;
        }
        let (set, build) = once(|| RuleSet::compile(texts[..count].iter().map(|(a, b)| (a, b)), &schema).expect("compiles"));
        let mut scratch = set.scratch();
        let rows: Vec<Row> = contexts
            .iter()
            .map(|context| {
                let mut row = set.row();
                fill(&mut row, context);
                row
            })
            .collect();
        let mut numbers = Vec::new();
        let mut found = 0;
        for (k, row) in rows.iter().enumerate() {
            numbers.push(k as u64);
            let ids = set.matches(row, &mut scratch);
            found += ids.len();
            numbers.extend(ids.iter().map(|id| u64::from(id.0)));
            let expected: Vec<u32> =
                (0..).zip(&all[..count]).filter(|(_, rule)| workload::holds(rule, &contexts[k])).map(|(i, _)| i).collect();
            assert_eq!(ids.iter().map(|id| id.0).collect::<Vec<_>>(), expected);
        }
        assert_eq!(found, matches);
        if let Some(hash) = hash {
            assert_eq!(workload::fnv(numbers), hash);
        }
        let time = nanos(9, 20, || {
            for row in &rows {
                black_box(set.matches(row, &mut scratch));
            }
        }) / 64.0;
        println!("W2 {count}: {:.3} us, build {:.3} s, {} bytes a rule", time / 1e3, build / 1e9, set.bytes() / count);
    }
}
