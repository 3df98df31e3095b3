//! Draws a journey map of a made-up population: `cargo run -p tactful --example journey_map > map.svg`, or with `dark`, `mermaid`, `dot`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "an example may fail")]

use tactful::map::{Ground, MapOptions};
use tactful::{Engine, Event, Identifier, Timestamp};

const PLAYBOOK: &str = r#"
playbook: tea_house
version: 1
identity: {customer: {}}
channels: {web: text, shop: text, email: text, phone: text}
events:
  visit: {page: string}
  search: {text: string}
  basket: {sku: string}
  purchase: {sku: string}
  parcel_delivered: {parcel: string}
  nps: {score: int}
  complaint: {about: string}
journeys:
  tea:
    title: From the first cup to the friend who is told
    stages:
      awareness: {on: visit, from: [none, lost], goal: be found, timeout: {after: 14d, to: lost}}
      consideration: {on: search, goal: find the right tea, timeout: {after: 14d, to: lost}}
      basket: {on: basket, title: Basket and checkout, timeout: {after: 7d, to: lost}}
      delivery: {on: purchase, title: Purchase and delivery, goal: be on time}
      enjoying: {on: parcel_delivered, title: Enjoying it, timeout: {after: 60d, to: lost}}
      advocacy: {no_data: what friends tell each other leaves no trace in the data}
      lost: {drop_out: true, title: Lost}
"#;

/// Numbers that look like chance and are the same every time: Knuth's multiplier of MMIX.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

fn main() {
    let engine = Engine::compile(&[("tea.yaml", PLAYBOOK)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let begin = Timestamp::parse("2026-01-05T08:00:00Z").unwrap().micros();
    let at = Timestamp::parse("2026-05-31T00:00:00Z").unwrap();
    let mut map =
        engine.journey_map(&MapOptions { complaints: vec!["complaint".to_owned()], ..MapOptions::new("tea", at) }).unwrap();
    let mut dice = Dice(7);
    for number in 0..12_000 {
        let who = Identifier::parse(&format!("customer:{number}")).unwrap();
        let mut customer = engine.customer(&who).unwrap();
        let mut minute = i64::try_from(dice.below(120 * 24 * 60)).unwrap();
        let mut tell = |dice: &mut Dice, name: &str, channel: &str, hours: u64, score: Option<i64>| {
            minute += i64::try_from(1 + dice.below(hours * 60)).unwrap();
            let time = Timestamp::from_micros(begin + minute * 60_000_000).unwrap();
            let mut event = Event::new(name, time, who.clone());
            event.channel = Some(channel.to_owned());
            if let Some(score) = score {
                event = event.with("score", score);
            }
            engine.record(&mut customer, &event, None).unwrap();
        };
        let channel = ["web", "web", "email", "shop"][usize::try_from(dice.below(4)).unwrap()];
        tell(&mut dice, "visit", channel, 1, None);
        let mut rounds = 0;
        while dice.below(100) < 74 && rounds < 3 {
            rounds += 1;
            tell(&mut dice, "search", "web", 60, None);
            if dice.below(100) < 30 {
                tell(&mut dice, "search", "shop", 90, None);
            }
            if dice.below(100) >= 78 {
                continue;
            }
            tell(&mut dice, "basket", "web", 70, None);
            let asked = dice.below(100) < 35;
            if asked {
                let score = i64::try_from(2 + dice.below(6)).unwrap();
                tell(&mut dice, "nps", "email", 20, Some(score));
            }
            if dice.below(100) < if asked { 62 } else { 44 } {
                if dice.below(100) < 30 {
                    tell(&mut dice, "complaint", "phone", 20, None);
                }
                break;
            }
            tell(&mut dice, "purchase", "web", 8, None);
            if dice.below(100) < 22 {
                tell(&mut dice, "complaint", "phone", 70, None);
            }
            tell(&mut dice, "parcel_delivered", "shop", 140, None);
            if dice.below(100) < 60 {
                let score = i64::try_from(6 + dice.below(5)).unwrap();
                tell(&mut dice, "nps", "email", 200, Some(score));
            }
            if dice.below(100) < 45 {
                tell(&mut dice, "search", "web", 600, None);
            } else {
                break;
            }
        }
        if rounds > 0 && dice.below(100) < 12 {
            tell(&mut dice, "visit", "email", 1_200, None);
        }
        engine.observe_journey(&mut map, &customer);
    }
    let report = map.report(None, 10).unwrap();
    match std::env::args().nth(1).as_deref() {
        Some("dark") => print!("{}", report.svg(Ground::Dark)),
        Some("light") => print!("{}", report.svg(Ground::Light)),
        Some("mermaid") => print!("{}", report.mermaid()),
        Some("dot") => print!("{}", report.dot()),
        _ => print!("{}", report.svg(Ground::Either)),
    }
}
