//! Damaged texts through everything that reads them: nothing panics, and what compiles survives being printed and read again.

use crate::random::Random;
use std::sync::Arc;
use tactful::expr::{Expression, NamedFacts, Schema, TimeClass, format, print};
use tactful::value::{Currency, Type, Zone};
use tactful::{Timestamp, Value};

const PIECES: [&str; 48] = [
    "customer.age",
    "customer.score",
    "customer.tags",
    "customer.city",
    "events(\"buy\")",
    "events()",
    ".where(e, ",
    ".within(\"7d\")",
    ".within(\"week\", \"sunday\")",
    ".count()",
    ".sum(\"amount\")",
    ".exists()",
    ".not_followed_by(\"view\", \"1h\", \"sku\")",
    " && ",
    " || ",
    "!",
    " ? ",
    " : ",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ", ",
    ".",
    "?",
    "\"a\"",
    "'",
    "\"",
    "\\",
    "1",
    "-9223372036854775808",
    "1e308",
    "0x",
    "1u",
    " in ",
    " == ",
    " < ",
    "cel.bind(x, ",
    "cel.block([",
    "cel.index(0)",
    ".map(x, ",
    ".all(x, ",
    "has(",
    "`",
    "//",
    "\n",
];

fn schema() -> Arc<Schema> {
    let mut schema = Schema::new();
    let euros = Type::Money { currency: Currency::parse("EUR").expect("a currency"), scale: 2 };
    schema.declare_fact("customer.age", Type::Int, TimeClass::Step);
    schema.declare_fact("customer.score", Type::Double, TimeClass::Step);
    schema.declare_fact("customer.city", Type::Enum(["Bonn".into(), "Rome".into()].into()), TimeClass::Step);
    schema.declare_fact("customer.tags", Type::List(Box::new(Type::String)), TimeClass::Step);
    schema.declare_fact("segment.loyal", Type::Bool, TimeClass::Step);
    schema.declare_event("buy", [("sku".into(), Type::String), ("amount".into(), euros), ("count".into(), Type::Int)]);
    schema.declare_event("view", [("sku".into(), Type::String)]);
    Arc::new(schema)
}

fn facts(schema: &Arc<Schema>) -> NamedFacts {
    let time = |text: &str| Timestamp::parse(text).expect("an instant");
    NamedFacts::of(schema.clone(), time("2026-03-10T12:00:00Z"))
        .with_zone(Zone::UTC)
        .with("customer.age", Value::Int(17))
        .with("customer.tags", Value::List([Value::text("a")].into()))
        .with_event("buy", time("2026-03-01T12:00:00Z"), &[("sku", Value::text("a")), ("count", Value::Int(i64::MAX))])
        .with_event("view", time("2026-03-09T12:00:00Z"), &[("sku", Value::text("a"))])
}

fn damage(random: &mut Random, seeds: &[String]) -> String {
    let mut text = seeds[random.below(seeds.len())].clone();
    for _ in 0..1 + random.below(4) {
        let border = |text: &str, mut at: usize| {
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let at = border(&text, random.below(text.len() + 1));
        let to = border(&text, (at + random.below(12)).min(text.len())).max(at);
        match random.below(5) {
            0 => text.insert_str(at, PIECES[random.below(PIECES.len())]),
            1 => text.replace_range(at..to, PIECES[random.below(PIECES.len())]),
            2 => text.replace_range(at..to, ""),
            3 => {
                let other = &seeds[random.below(seeds.len())];
                let from = border(other, random.below(other.len() + 1));
                text.insert_str(at, &other[from..]);
            }
            _ => {
                let copied = text[at..to].to_string();
                text.insert_str(at, &copied);
            }
        }
    }
    text.truncate(border_of(&text, 2_000));
    text
}

fn border_of(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Tries that many texts; the number of those that do not survive.
pub fn run(rounds: u64, seed: u64) -> u64 {
    let mut seeds = Vec::new();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus");
    for entry in std::fs::read_dir(folder).expect("corpus/ is there") {
        let text = std::fs::read_to_string(entry.expect("it can be listed").path()).expect("text");
        seeds.extend(text.lines().filter(|line| !line.is_empty()).map(String::from));
    }
    let schema = schema();
    let facts = facts(&schema);
    let mut random = Random::new(seed);
    let (mut compiled, mut wrong) = (0_u64, 0_u64);
    for _ in 0..rounds {
        let text = damage(&mut random, &seeds);
        for schema in [Some(&*schema), None] {
            let Ok(expression) = Expression::compile(&text, schema) else { continue };
            compiled += 1;
            let found = expression.evaluate(&facts);
            let _ = expression.explain(&facts).to_string();
            let printed = print(expression.checked().tree());
            match Expression::compile(&printed, schema) {
                Ok(again) if print(again.checked().tree()) == printed && again.evaluate(&facts).outcome == found.outcome => {}
                // Places of errors move with the text.
                Ok(again) if matches!(found.outcome, tactful::expr::Outcome::Error(_)) => {
                    wrong += u64::from(print(again.checked().tree()) != printed);
                }
                _ => {
                    wrong += 1;
                    println!("{text:?}\n    is printed as {printed:?}");
                }
            }
            if let Ok(laid) = format(&text) {
                let stable = format(&laid).is_ok_and(|again| again == laid);
                if !stable {
                    wrong += 1;
                    println!("{text:?}\n    has the unstable layout {laid:?}");
                }
            }
        }
    }
    println!("{rounds} texts, {compiled} compiled, {wrong} wrong");
    wrong
}
