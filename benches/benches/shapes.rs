//! Rule sets of shapes that no tuning has seen: `TACTFUL_RULES=100000 cargo bench --bench shapes`.
//!
//! Every answer is checked against the plain meaning first. A shape whose time or memory stands out is a cliff.

#[path = "../../core/tests/shapes/mod.rs"]
mod shapes;

use std::hint::black_box;
use tactful::expr::{Row, RuleSet};
use tactful_benches::measure::{nanos, once};

fn main() {
    let count = std::env::var("TACTFUL_RULES").ok().and_then(|text| text.parse().ok()).unwrap_or(10_000);
    println!("| shape, {count} rules | build s | bytes a rule | text bytes a rule | matches | us a question | ns a match |");
    println!("|---|---|---|---|---|---|---|");
    for (seed, shape) in (11..).zip(shapes::SHAPES) {
        let rules = shape.rules(count, seed);
        let texts: Vec<(String, String)> =
            rules.iter().enumerate().map(|(i, rule)| (format!("r{i}"), shape.text(rule))).collect();
        let (set, build) = once(|| RuleSet::compile(texts.iter().map(|(a, b)| (a, b)), &shape.schema()).expect("compiles"));
        let mut scratch = set.scratch();
        let customers = shape.customers(32, seed);
        let rows: Vec<Row> = customers
            .iter()
            .map(|customer| {
                let mut row = set.row();
                shape.fill(&mut row, customer);
                row
            })
            .collect();
        let mut matches = 0;
        for (row, customer) in rows.iter().zip(&customers) {
            let found: Vec<u32> = set.matches(row, &mut scratch).iter().map(|rule| rule.0).collect();
            let expected = (0..).zip(&rules).filter(|(_, rule)| shapes::holds(rule, customer)).map(|(id, _)| id);
            assert!(found.iter().copied().eq(expected), "{}", shape.name);
            matches += found.len();
        }
        let time =
            nanos(5, 30, || rows.iter().for_each(|row| assert!(black_box(set.matches(row, &mut scratch).len()) < usize::MAX)));
        let each = customers.len() as f64;
        println!(
            "| {} | {:.2} | {} | {} | {:.0} | {:.2} | {:.1} |",
            shape.name,
            build / 1e9,
            set.bytes() / count,
            texts.iter().map(|(_, text)| text.len()).sum::<usize>() / count,
            matches as f64 / each,
            time / each / 1e3,
            time / matches.max(1) as f64
        );
    }
}
