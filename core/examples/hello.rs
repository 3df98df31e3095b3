//! The smallest use of tactful: one event, one decision.

use tactful::{Engine, Event, Identifier, Request, Timestamp};

const PLAYBOOK: &str = r#"
playbook: shop
version: 1
identity: {customer: {}}
events: {purchase: {amount: money(EUR)}}
channels: {web: text}
placements: {home: {channel: web}}
offers:
  thanks:
    eligible: events("purchase").within("90d").sum("amount") >= 10
    treatments: {web: {message: Thank you.}}
"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::compile(&[("shop.yaml", PLAYBOOK)])?;
    let ada = Identifier::parse("customer:ada")?;
    let time = Timestamp::parse("2010-03-01T10:00:00Z")?;

    let mut customer = engine.customer(&ada)?;
    engine.record(&mut customer, &Event::new("purchase", time, ada).with("amount", "12.50"), None)?;

    let decision = engine.explain(&customer, &Request::of("home"), time, None)?;
    for offer in decision.offers() {
        println!("{}", offer.message);
    }
    print!("{}", decision.trace.ok_or("an explained decision has a trace")?);
    Ok(())
}
