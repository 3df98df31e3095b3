//! Very many offers are found by an index. The law: a decision is what it is when every offer is tried, which is what an
//! explanation does.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use proptest::prelude::*;
use tactful::{Assurance, Engine, Event, Identifier, Request, Timestamp};

const HEAD: &str = r#"
playbook: offers
version: 1
identity: {customer: {}}
time_zone: Europe/Berlin
purposes: {marketing: opt_in, service: opt_out}
attributes:
  age: int
  city: string
  score: {type: double, assurance: recognised}
  tags: list(string)
events: {visit: {page: string}}
request: {basket: int}
segments:
  adult: customer.age >= 18
  visitor: events("visit").within("3d").count() >= 2
channels: {web: text, mail: text}
groups:
  grown: {eligible: customer.age >= 20}
  late: {from: 2026-01-02T00:00:00Z, applicable: {when: customer.city == "Bonn", when_unknown: true}, suitable: customer.score > 1.5}
  here: {where: {cities: Bonn}}
placements:
  home: {channel: web, slots: 3}
  letter: {channel: mail, slots: 2, fallback: {message: Hello}}
offers:
"#;

/// A condition on facts with small domains, so that values meet the constants.
fn condition() -> impl Strategy<Value = String> {
    let one = prop_oneof![
        4 => (prop::sample::select(vec![">=", "<", "==", "!="]), 0..6_i64).prop_map(|(op, n)| format!("customer.age {op} {}", n * 10)),
        3 => prop::sample::select(vec!["Bonn", "Ulm", "Jena", "Kiel"]).prop_map(|city| format!("customer.city == \"{city}\"")),
        2 => (prop::sample::select(vec![">", "<="]), 0..5_i64).prop_map(|(op, n)| format!("customer.score {op} {n}.5")),
        1 => Just("customer.city in [\"Bonn\", \"Kiel\"]".to_owned()),
        1 => prop::sample::select(vec!["a", "b"]).prop_map(|tag| format!("\"{tag}\" in customer.tags")),
        1 => (0..4_i64).prop_map(|n| format!("request.basket > {n}")),
        1 => Just("segment(\"adult\")".to_owned()),
        1 => Just("!segment(\"visitor\")".to_owned()),
        1 => Just("events(\"visit\").count() >= 1".to_owned()),
        1 => Just("!has(customer.age)".to_owned()),
    ];
    prop::collection::vec(prop::collection::vec(one, 1..3), 1..4).prop_map(|parts| {
        let any = |part: Vec<String>| format!("({})", part.join(" || "));
        parts.into_iter().map(any).collect::<Vec<_>>().join(" && ")
    })
}

/// An offer without its name.
fn offer() -> impl Strategy<Value = String> {
    let gate = prop::sample::select(vec!["eligible", "eligible", "applicable", "suitable"]);
    let extra = (
        prop::option::of(condition()),
        prop::sample::select(vec!["", "purposes: [marketing], ", "purposes: [service], ", "purposes: [marketing, service], "]),
        prop::sample::select(vec!["", "", "placements: [home], ", "placements: [letter], "]),
        prop::sample::select(vec!["", "", "assurance: recognised, "]),
        prop::sample::select(vec!["", "", "", "from: 2026-01-02T00:00:00Z, ", "until: 2026-01-02T00:00:00Z, "]),
        (
            prop::sample::select(vec![false, false, true]),
            prop::sample::select(vec![
                "",
                "",
                "group: grown, ",
                "group: late, ",
                "group: here, ",
                "where: {regions: [a, b]}, ",
            ]),
        ),
        prop::sample::select(vec!["{web: {message: w}}", "{mail: {message: m}}", "{web: {message: w}, mail: {message: m}}"]),
        0..4_i64,
    );
    (gate, condition(), extra).prop_map(
        |(gate, condition, (more, purposes, placements, assurance, valid, (unknown, group), treatments, value))| {
            let more = more.filter(|_| gate == "eligible").map_or_else(String::new, |more| format!("suitable: '{more}', "));
            let condition = if unknown { format!("{{when: '{condition}', when_unknown: true}}") } else { format!("'{condition}'") };
            format!(
                "{{{group}{purposes}{placements}{assurance}{valid}{gate}: {condition}, {more}value: {value}, treatments: {treatments}}}"
            )
        },
    )
}

fn at(day: i64) -> Timestamp {
    Timestamp::parse("2026-01-01T00:00:00Z").unwrap().saturating_add_micros(day * 86_400_000_000)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn an_index_of_offers_changes_no_decision(
        offers in prop::collection::vec(offer(), 40..90),
        customers in prop::collection::vec(
            (
                prop::option::of(0..6_i64),
                prop::option::of(prop::sample::select(vec!["Bonn", "Ulm", "Jena", "Paris"])),
                prop::option::of(0..6_i64),
                prop::option::of(prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 0..3)),
                any::<bool>(),
                0..4_i64,
                prop::option::of(0..5_i64),
            ),
            6,
        ),
        slots in prop::sample::select(vec![1, 1, 3]),
        contact in prop::sample::select(vec![
            "",
            "",
            "contact: [{count: shown, scope: offer, at_most: 1, per: rolling 7d}]\n",
            "contact: [{count: shown, scope: everything, at_most: 2, per: rolling 7d}]\n",
            "contact: [{quiet: \"00:30-02:00\", unknown_zone: Europe/Berlin, then: drop, scope: placement(home)}]\n",
        ]),
        shown in prop::option::of(0..40_u32),
    ) {
        let mut text = HEAD.replace("slots: 3", &format!("slots: {slots}")).replace("channels:", &format!("{contact}channels:"));
        for (number, offer) in offers.iter().enumerate() {
            text.push_str(&format!("  o{number}: {offer}\n"));
        }
        let engine = Engine::compile(&[("offers.yaml", &text)]).unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}"));
        let ada = Identifier::parse("customer:ada").unwrap();
        for (age, city, score, tags, consent, visits, basket) in customers {
            let mut customer = engine.customer(&ada).unwrap();
            let mut tell = |event: Event| engine.record(&mut customer, &event, None).map(|_| ()).unwrap();
            let set = |name: &str| Event::new("attribute_set", at(0), ada.clone()).with("attribute", name).with_id(name);
            if let Some(age) = age {
                tell(set("age").with("value", age * 10));
            }
            if let Some(city) = city {
                tell(set("city").with("value", city));
            }
            if let Some(score) = score {
                tell(set("score").with("value", score as f64));
            }
            if let Some(tags) = tags {
                tell(set("tags").with("value", tactful::Value::List(tags.into_iter().map(tactful::Value::text).collect())));
            }
            if consent {
                tell(Event::new("consent_given", at(0), ada.clone()).with("purpose", "marketing"));
            }
            for visit in 0..visits {
                tell(Event::new("visit", at(0), ada.clone()).with("page", "p").with_id(&format!("v{visit}")));
            }
            if let Some(shown) = shown {
                let event = Event::new("shown", at(0), ada.clone()).with("offer", format!("o{shown}").as_str());
                tell(event.with("placement", "home").through("web").with_id("s"));
            }
            for assurance in [Assurance::Anonymous, Assurance::Recognised, Assurance::Authenticated] {
                let facts = basket.map(|basket| ("basket".into(), basket.into())).into_iter().collect();
                let request = Request { placements: vec!["home".into(), "letter".into()], facts, assurance, ..Request::default() };
                for day in 0..3 {
                    let short = engine.decide(&customer, &request, at(day), None).unwrap();
                    let each = engine.explain(&customer, &request, at(day), None).unwrap();
                    prop_assert_eq!(&short.placements, &each.placements);
                }
            }
        }
    }
}
