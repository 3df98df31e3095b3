//! Work for counting instructions: `instructions w1|w2 ROUNDS [RULES]`. See `benches/instructions.sh`.

use std::hint::black_box;
use tactful::expr::{FactId, Row, RuleSet};
use tactful_benches::workload;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let work = arguments.next().expect("w1 or w2");
    let rounds: usize = arguments.next().and_then(|text| text.parse().ok()).expect("a number of rounds");
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
