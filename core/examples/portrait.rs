//! Writes the portrait of a customer: `portrait <playbook.yaml> <events.jsonl> <identifier> <now> <text|html> [for]`.

use std::error::Error;
use tactful::{CustomerBase, Engine, Event, Identifier, Timestamp};

fn main() -> Result<(), Box<dyn Error>> {
    let told: Vec<String> = std::env::args().skip(1).collect();
    let [playbook, events, identifier, now, format, audience @ ..] = &told[..] else {
        return Err("expected: playbook.yaml events.jsonl identifier now text|html [for]".into());
    };
    let mut base = CustomerBase::new(Engine::compile(&[(playbook, &std::fs::read_to_string(playbook)?)])?);
    for line in std::fs::read_to_string(events)?.lines() {
        base.record(&Event::from_json(line)?)?;
    }
    let audience = audience.first().map(String::as_str);
    let portrait = base.portrait(&Identifier::parse(identifier)?, audience, Timestamp::parse(now)?, None, 50)?;
    print!("{}", if format == "html" { portrait.to_html() } else { portrait.to_text() });
    Ok(())
}
