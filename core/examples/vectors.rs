//! Writes what really comes out into the files of `tests/vectors`: `cargo run -p tactful --example vectors`. Look at the
//! difference before you keep it: the files say what is right.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a tool may fail")]

#[path = "../tests/vector_runner/mod.rs"]
mod vector_runner;

fn main() {
    for path in vector_runner::files() {
        let found = vector_runner::run(&vector_runner::read(&path));
        let text = serde_json::to_string_pretty(&found).expect("plain data");
        std::fs::write(&path, text + "\n").expect("it can be written");
    }
}
