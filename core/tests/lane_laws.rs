//! Where conditions are nothing but segments, offers are passed by bits, and scores made of what stands are short programs. The law: a
//! decision is what it is when every offer is tried gate by gate, which is what an explanation does.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use proptest::prelude::*;
use tactful::base::CustomerBase;
use tactful::{Engine, Event, Identifier, Request, Timestamp};

const HEAD: &str = r#"
playbook: lanes
version: 1
identity: {customer: {}}
purposes: {marketing: opt_in}
attributes: {age: int}
events:
  view: {via: string}
  purchase: {amount: double}
segments:
  s0: events("view").within("2d").count() >= 2
  s1: events("purchase").since_last().days() < 3
  s2: events("purchase").within("5d").sum("amount") > 9.5
  s3: customer.age >= 18
  s4: '!events().within("4d").exists()'
  s5: events("view").within("6d").count_distinct("via") >= 2
  s6: segment("s0") && customer.age > 30
  s7: events("purchase").avg("amount") > 4.0
channels: {web: text}
placements:
  home: {channel: web, slots: 1, fallback: {message: Hello}}
  list: {channel: web, slots: 3}
offers:
"#;

/// What a score is made of; some of it is what no segment reads.
const NUMBERS: [&str; 8] = [
    r#"double(events("view").within("2d").count())"#,
    r#"events("purchase").within("5d").sum("amount")"#,
    r#"double(events("view").within("6d").count_distinct("via"))"#,
    r#"events("purchase").sum("amount")"#,
    r#"double(events().count())"#,
    r#"double(customer.age)"#,
    r#"events("purchase").avg("amount")"#,
    "0.5",
];

fn score() -> impl Strategy<Value = String> {
    let number = || prop::sample::select(NUMBERS.to_vec());
    let op = || prop::sample::select(vec!["+", "-", "*"]);
    let factor = (0..9_i32).prop_map(|factor| format!("{factor}.25"));
    prop_oneof![
        2 => (factor.clone(), op(), number()).prop_map(|(factor, op, number)| format!("{factor} {op} {number}")),
        2 => (number(), op(), number(), op(), factor.clone())
            .prop_map(|(left, one, right, two, factor)| format!("{left} {one} {right} {two} {factor}")),
        1 => (factor, op(), number(), op(), number())
            .prop_map(|(factor, one, left, two, right)| format!("{factor} {one} ({left} {two} {right})")),
        1 => (0..4_i32).prop_map(|factor| format!("{factor}.0")),
    ]
}

/// An offer without its name.
fn offer() -> impl Strategy<Value = String> {
    let part = (0..8_u8, any::<bool>())
        .prop_map(|(number, inside)| format!("{}segment(\"s{number}\")", if inside { "" } else { "!" }));
    let condition = prop::collection::vec(part, 1..4).prop_map(|parts| parts.join(" && "));
    let gate = || prop::sample::select(vec!["eligible", "eligible", "eligible", "applicable", "suitable"]);
    let unknown = prop::sample::select(vec![false, false, false, false, true]);
    let extra = prop::sample::select(vec![
        "",
        "",
        "",
        "",
        "purposes: [marketing], ",
        "until: 2026-01-06T00:00:00Z, ",
        "from: 2026-01-05T00:00:00Z, ",
        "priority: 2, ",
        "mandatory: true, ",
    ]);
    let message = prop::sample::select(vec!["m", "m", "m", "{{ age }}"]);
    (gate(), condition.clone(), prop::option::of(condition), unknown, extra, score(), prop::option::of(0..3_i32), message)
        .prop_map(|(gate, condition, more, unknown, extra, score, prior, message)| {
            let condition =
                if unknown { format!("{{when: '{condition}', when_unknown: true}}") } else { format!("'{condition}'") };
            let more = more.filter(|_| gate != "suitable").map_or_else(String::new, |more| format!("suitable: '{more}', "));
            let value = match prior {
                Some(prior) => format!("{{value: '{score}', prior: {prior}}}"),
                None => format!("'{score}'"),
            };
            let with = if message == "m" { "" } else { ", with: {age: customer.age}" };
            format!(
                "{{{extra}{gate}: {condition}, {more}value: {value}, treatments: {{web: {{message: \"{message}\"{with}}}}}}}"
            )
        })
}

fn hours(hours: i64) -> Timestamp {
    Timestamp::parse("2026-01-01T00:00:00Z").unwrap().saturating_add_micros(hours * 3_600_000_000)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn a_decision_by_bits_is_the_one_that_tries_every_offer(
        offers in prop::collection::vec(offer(), 1..14),
        age in prop::option::of(prop::sample::select(vec![12_i64, 20, 40])),
        consent in any::<bool>(),
        events in prop::collection::vec((0..220_i64, any::<bool>(), 0..4_u8), 0..14),
        late in any::<bool>(),
        placements in prop::sample::select(vec![vec!["home"], vec!["list"], vec!["home", "list"], vec!["list", "home"]]),
        after in prop::collection::vec(0..200_i64, 2..5),
    ) {
        let mut text = HEAD.to_owned();
        for (number, offer) in offers.iter().enumerate() {
            text.push_str(&format!("  o{number}: {offer}\n"));
        }
        let engine = Engine::compile(&[("lanes.yaml", &text)]).unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}"));
        let ada = Identifier::parse("customer:ada").unwrap();
        let mut base = CustomerBase::new(engine);
        if let Some(age) = age {
            let told = Event::new("attribute_set", hours(0), ada.clone()).with("attribute", "age").with("value", age);
            base.record(&told).unwrap();
        }
        if consent {
            base.record(&Event::new("consent_given", hours(0), ada.clone()).with("purpose", "marketing")).unwrap();
        }
        let mut events = events;
        if !late {
            events.sort_unstable();
        }
        let request = Request { placements: placements.iter().map(|name| (*name).to_owned()).collect(), ..Request::default() };
        let ask = |base: &CustomerBase, now: Timestamp| {
            let mut explained = base.explain(&ada, &request, now, None).unwrap();
            explained.trace = None;
            let decided = base.decide(&ada, &request, now, None).unwrap();
            prop_assert_eq!(decided.to_json(), explained.to_json(), "{} at {}", text, now);
            Ok(())
        };
        ask(&base, hours(0))?;
        for (number, (hour, view, n)) in events.iter().enumerate() {
            let event = Event::new(if *view { "view" } else { "purchase" }, hours(*hour), ada.clone()).with_id(&format!("e{number}"));
            let event = if *view { event.with("via", &*format!("v{}", n % 3)) } else { event.with("amount", f64::from(*n) * 3.1) };
            base.record(&event).unwrap();
            ask(&base, hours(*hour))?;
        }
        for hour in after {
            ask(&base, hours(hour))?;
        }
    }
}
