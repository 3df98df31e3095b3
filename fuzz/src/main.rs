//! Fuzzing of the rule language, by generators that know its grammar.
//!
//! ```text
//! cargo run --release -- differ 1000000 [seed]     the same expressions through another implementation of CEL
//! cargo run --release -- texts 1000000 [seed]      damaged texts of corpus/ through lexer, parser, checker, evaluator, explanation
//! ```
//!
//! Both are deterministic in their seed. What they found stands in `corpus/`, which `core/tests/expr_corpus.rs` runs as well.

mod differ;
mod random;
mod texts;

fn main() -> std::process::ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, otherwise: u64| args.get(at).and_then(|arg| arg.parse().ok()).unwrap_or(otherwise);
    let (rounds, seed) = (number(1, 100_000), number(2, 1));
    let failures = match args.first().map(String::as_str) {
        Some("differ") => differ::run(rounds, seed),
        Some("texts") => texts::run(rounds, seed),
        _ => {
            eprintln!("usage: differ|texts <rounds> [seed]");
            return std::process::ExitCode::FAILURE;
        }
    };
    if failures == 0 { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE }
}
