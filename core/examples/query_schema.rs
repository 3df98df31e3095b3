//! Prints the JSON Schema of questions: `cargo run -p tactful --example query_schema > docs/queries.schema.json`.

use std::io::Write;

fn main() -> std::io::Result<()> {
    std::io::stdout().write_all(tactful::query::json_schema().as_bytes())
}
