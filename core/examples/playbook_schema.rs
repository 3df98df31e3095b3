//! Prints the JSON Schema of playbooks: `cargo run -p tactful --example playbook_schema > docs/playbook.schema.json`.

use std::io::Write;

fn main() -> std::io::Result<()> {
    std::io::stdout().write_all(tactful::playbook::json_schema().as_bytes())
}
