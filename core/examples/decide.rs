//! Records events from JSON lines and decides for every customer: `decide PLAYBOOK EVENTS NOW PLACEMENT…` prints one decision a
//! line, as canonical JSON, by customer.

use std::io::{BufRead, BufReader, Write};
use tactful::{CustomerBase, Engine, Event, Request, Timestamp};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [playbook, events, now, placements @ ..] = &arguments[..] else {
        return Err("usage: decide PLAYBOOK EVENTS NOW PLACEMENT…".into());
    };
    let engine = Engine::compile(&[(playbook, &std::fs::read_to_string(playbook)?)])?;
    let mut base = CustomerBase::new(engine.clone());
    for line in BufReader::new(std::fs::File::open(events)?).lines() {
        base.record(&Event::from_json(&line?)?)?;
    }
    let request = Request { placements: placements.to_vec(), facts: Vec::new(), ..Request::default() };
    let now = Timestamp::parse(now)?;
    let mut out = std::io::stdout().lock();
    for customer in base.iter() {
        writeln!(out, "{}", engine.explain(customer, &request, now, None)?.to_json())?;
    }
    Ok(())
}
