//! The corpus of the fuzzers (`fuzz/`): every text compiles or is refused, and what compiles survives being printed and laid out.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::path::Path;
use tactful::Timestamp;
use tactful::expr::{Expression, NamedFacts, format, print};

#[test]
fn every_text_of_the_corpus_is_read_or_refused() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    let mut tried = 0;
    let mut compiled = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let texts = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for text in texts.lines().filter(|line| !line.is_empty()) {
            tried += 1;
            let Ok(expression) = Expression::compile(text, None) else { continue };
            compiled += 1;
            let facts = NamedFacts::new(Timestamp::from_micros(0).unwrap());
            let _ = expression.explain(&facts).to_string();
            let printed = print(expression.checked().tree());
            let again = Expression::compile(&printed, None).unwrap_or_else(|mistakes| panic!("{text}: {mistakes}"));
            assert_eq!(print(again.checked().tree()), printed, "{text}");
            let laid = format(text).unwrap();
            assert_eq!(format(&laid).unwrap(), laid, "{text}");
        }
    }
    assert!(tried >= 16 && compiled >= 10, "{tried} texts, {compiled} compiled");
}
