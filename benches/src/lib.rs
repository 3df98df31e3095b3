//! Data for the benchmarks: customers of a shop like that of `examples/retail`, made from a counter, the same on every run.

pub mod features;
pub mod measure;
#[cfg(feature = "peers")]
pub mod peers;
pub mod workload;

use tactful::customer::Customer;
use tactful::{Engine, Event, Identifier, Timestamp};

/// The playbook of the retail example.
pub const PLAYBOOK: &str = include_str!("../../examples/retail/playbook.yaml");

/// An engine for it.
pub fn engine() -> Engine {
    Engine::compile(&[("playbook.yaml", PLAYBOOK)]).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// splitmix64, by Sebastiano Vigna.
pub struct Counter(pub u64);

impl Counter {
    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// The first instant of the data.
pub fn start() -> Timestamp {
    Timestamp::parse("2010-01-01T08:00:00Z").expect("a time")
}

/// Lines of one customer in time order: orders of about twenty lines within a year, one line in fifty a return.
pub fn story(number: u64, lines: u64) -> Vec<Event> {
    let mut random = Counter(number);
    let identifier = Identifier::new("customer", &number.to_string()).expect("an identifier");
    let orders = lines.div_ceil(20).max(1);
    let mut events = Vec::new();
    for order in 0..orders {
        let day = (order * 360 + random.below(360)) / orders;
        let time =
            start().saturating_add_micros(i64::try_from(day * 86_400 + random.below(36_000)).expect("small") * 1_000_000);
        for line in 0..20.min(lines) {
            let event_type = if random.below(50) == 0 { "return" } else { "purchase" };
            let quantity = i64::try_from(1 + random.below(24)).expect("small");
            let pence = i64::try_from(50 + random.below(2_000)).expect("small");
            let mut event = Event::new(event_type, time, identifier.clone())
                .with_id(&format!("{number}:{order}:{line}"))
                .with("invoice", format!("{order}").as_str())
                .with("stock_code", format!("{}", 20_000 + random.below(3_000)).as_str())
                .with(
                    "description",
                    ["WHITE HANGING HEART", "GIFT BOX", "CHRISTMAS LIGHTS", "LUNCH BAG"][random.below(4) as usize],
                )
                .with("quantity", quantity)
                .with("unit_price", format!("{}.{:02}", pence / 100, pence % 100).as_str())
                .with("amount", format!("{}.{:02}", pence * quantity / 100, pence * quantity % 100).as_str())
                .with("country", "United Kingdom");
            event.sequence = i64::try_from(order * 20 + line).expect("small");
            events.push(event);
        }
    }
    events
}

/// A customer with that story, and the consent to be addressed.
pub fn customer(engine: &Engine, number: u64, lines: u64) -> Customer {
    let identifier = Identifier::new("customer", &number.to_string()).expect("an identifier");
    let mut customer = engine.customer(&identifier).expect("a declared namespace");
    let consent = Event::new("consent_given", start(), identifier).with("purpose", "marketing");
    engine.record(&mut customer, &consent, None).expect("it fits");
    for event in story(number, lines) {
        engine.record(&mut customer, &event, None).unwrap_or_else(|error| panic!("{error}"));
    }
    customer
}

/// So many minutes after the first instant.
pub fn minutes(count: i64) -> Timestamp {
    start().saturating_add_micros(count * 60_000_000)
}

/// A playbook with one offer whose condition reads ten windows.
pub const WINDOWS: &str = r#"
playbook: windows
version: 1
identity: {customer: {}}
events: {visit: {page: string, section: string}, order: {sku: string, category: string, quantity: int, amount: money(EUR)}}
channels: {web: text}
placements: {home: {channel: web}}
offers:
  one:
    eligible: >-
      events("order").within("1d").count() < 1000000 && events("order").within("7d").count() < 1000000
      && events("order").within("30d").sum("amount") < 100000000 && events("order").within("90d").sum("amount") < 100000000
      && events("order").within("90d").exists() && events("order").within("60d").sum("quantity") < 100000000
      && events("order").within("14d").where(e, e.category == "tea").count() < 1000000
      && events("order").within("90d").where(e, e.category == "tea").sum("amount") < 1000000000
      && events("order").within("90d").count_distinct("category") < 10000
      && events("order").within("60d").max("amount") < 1000000
    treatments: {web: {message: Hello}}
"#;

/// A customer with so many orders of four properties in 90 days.
pub fn orders(engine: &Engine, count: i64) -> Customer {
    let identifier = Identifier::parse("customer:1").expect("an identifier");
    let mut customer = engine.customer(&identifier).expect("declared");
    let mut random = Counter(3);
    for number in 0..count {
        let time = minutes(number * 90 * 1_440 / count);
        let event = Event::new("order", time, identifier.clone())
            .with_id(&format!("o{number}"))
            .with("sku", format!("{}", 1_000 + random.below(200)).as_str())
            .with("category", ["tea", "coffee", "cups", "books"][random.below(4) as usize])
            .with("quantity", 1 + i64::try_from(random.below(5)).expect("small"))
            .with("amount", format!("{}.{:02}", random.below(90), random.below(100)).as_str());
        engine.record(&mut customer, &event, None).expect("it fits");
    }
    customer
}

/// A playbook with twenty caps and so many offers, each with two to four conditions on six attributes, most of which one customer in five meets.
pub fn many_offers(count: usize) -> String {
    let mut text = String::from(
        "playbook: offers\nversion: 1\nidentity: {customer: {}}\nattributes: {age: int, city: string, spent: double, tier: string, \
         visits: int, member: bool}\nevents: {visit: {page: string}}\nchannels: {web: text}\nplacements: {home: {channel: web}}\n\
         contact:\n",
    );
    for cap in 0..20 {
        let scope = ["offer", "everything", "placement(home)", "channel(web)"][cap % 4];
        text += &format!("  - {{name: cap_{cap}, count: shown, scope: {scope}, at_most: {}, per: rolling {}d}}\n", 1 + cap, 1 + cap);
    }
    text += "offers:\n";
    let mut random = Counter(5);
    for number in 0..count {
        let parts: Vec<String> = (0..2 + random.below(3))
            .map(|_| match random.below(6) {
                0 if random.below(2) == 0 => format!("customer.age >= {}", 70 + random.below(15)),
                0 => format!("customer.age < {}", 20 + random.below(15)),
                1 => format!("customer.city == \"city_{}\"", random.below(50)),
                2 => format!("customer.spent > {}.0", 3_500 + random.below(1_400)),
                3 => format!("customer.tier == \"{}\"", ["bronze", "silver", "gold"][random.below(3) as usize]),
                4 => format!("customer.visits > {}", 70 + random.below(28)),
                _ => format!("customer.visits < {} && customer.member", 5 + random.below(20)),
            })
            .collect();
        text += &format!(
            "  offer_{number}: {{eligible: '{}', value: {}.5, treatments: {{web: {{message: Offer {number}}}}}}}\n",
            parts.join(" && "),
            random.below(1_000)
        );
    }
    text
}
