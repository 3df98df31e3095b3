//! What columns say of a stream is what visiting its events says.

use super::{Context, Rule};
use crate::expr::{EventKind, EventRow, Expected, FactId, Facts, Read, evaluate};
use crate::playbook::Playbook;
use crate::value::{Span, Timestamp, Zone};
use crate::{Engine, Event, Identifier};
use proptest::prelude::*;
use std::ops::ControlFlow;

const PLAYBOOK: &str = "
playbook: columns
version: 1
identity: {customer: {}}
events:
  view: {sku: string, seconds: double, new: bool}
  purchase: {sku: string, amount: money(EUR), pieces: int, weight: uint, rate: double, when: timestamp, gift: bool}
";

const STREAMS: [&str; 4] = [
    r#"events("purchase")"#,
    r#"events("purchase").within("40h")"#,
    r#"events("view").within("20h")"#,
    r#"events("view", "purchase").within("30h")"#,
];

const CONDITIONS: [&str; 12] = [
    "",
    r#".where(e, e.sku == "a")"#,
    r#".where(e, e.sku != "a")"#,
    r#".where(e, e.sku.contains("b") || e.sku.startsWith("a"))"#,
    r#".where(e, !e.sku.endsWith("b"))"#,
    r#".where(e, e.sku.matches("^[ab]$"))"#,
    r#".where(e, e.sku in ["a", "ab"])"#,
    r#".where(e, has(e.sku) && e.sku > "a")"#,
    ".where(e, e.amount > 3.5)",
    ".where(e, 2 <= e.pieces).where(e, e.pieces < 6)",
    ".where(e, e.gift && e.rate >= 0.5)",
    ".where(e, e.weight == 3u || true)",
];

const ENDS: [&str; 24] = [
    "count()",
    "exists()",
    "since_last()",
    "since_first()",
    r#"sum("amount")"#,
    r#"sum("pieces")"#,
    r#"sum("weight")"#,
    r#"sum("rate")"#,
    r#"sum("seconds")"#,
    r#"avg("amount")"#,
    r#"avg("pieces")"#,
    r#"avg("rate")"#,
    r#"min("amount")"#,
    r#"max("pieces")"#,
    r#"min("sku")"#,
    r#"max("rate")"#,
    r#"min("when")"#,
    r#"first("sku")"#,
    r#"last("amount")"#,
    r#"count_distinct("sku")"#,
    r#"count_distinct("pieces")"#,
    r#"count_distinct("rate")"#,
    r#"most_frequent("sku")"#,
    "usual_gap()",
];

/// A context that keeps no columns.
struct Visited<'c, 'a>(&'c Context<'a>);

impl Facts for Visited<'_, '_> {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn zone(&self) -> Option<Zone> {
        self.0.zone()
    }

    fn fact(&self, fact: FactId) -> Read {
        self.0.fact(fact)
    }

    fn events(&self, kinds: &[EventKind], span: Span, visit: &mut dyn FnMut(&dyn EventRow) -> ControlFlow<()>) {
        self.0.events(kinds, span, visit);
    }

    fn next_event(&self, kinds: &[EventKind]) -> Option<Timestamp> {
        self.0.next_event(kinds)
    }

    fn session(&self) -> Option<(Timestamp, Timestamp)> {
        self.0.session()
    }
}

fn at(hours: i64) -> Timestamp {
    Timestamp::parse("2026-03-01T00:00:00Z").unwrap().saturating_add_micros(hours * 3_600_000_000)
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let part = (0_i64..100, any::<u8>(), any::<u8>(), 0_i64..8, any::<bool>());
    prop::collection::vec(part, 0..20).prop_map(|parts| {
        let told = |(number, (hour, bits, text, pieces, view)): (usize, (i64, u8, u8, i64, bool))| {
            let ada = Identifier::parse("customer:ada").unwrap();
            let has = |bit: u8| bits & (1 << bit) != 0;
            let sku = ["a", "b", "ab", ""][usize::from(text % 4)];
            let mut event = Event::new(if view { "view" } else { "purchase" }, at(hour), ada).with_id(&number.to_string());
            if has(0) {
                event.known_at = Some(at(hour + 5));
            }
            if text < 230 {
                event = event.with("sku", sku);
            }
            if view {
                return event.with("seconds", f64::from(text) / 8.0);
            }
            if text > 20 {
                event = event.with("amount", format!("{pieces}.5").as_str()).with("pieces", pieces).with("weight", pieces);
            }
            if text > 10 {
                event = event.with("rate", f64::from(text) / 256.0 - 0.25).with("gift", has(1)).with("when", at(hour * 2));
            }
            event
        };
        parts.into_iter().enumerate().map(told).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn columns_say_what_visits_say(events in events(), now in 0_i64..140, known in 0_i64..150) {
        let (playbook, _) = Playbook::load(&[("columns.yaml", PLAYBOOK)]).unwrap();
        let engine = Engine::compile(&[("columns.yaml", PLAYBOOK)]).unwrap();
        let mut customer = engine.customer(&Identifier::parse("customer:ada").unwrap()).unwrap();
        for event in &events {
            engine.record(&mut customer, event, None).unwrap();
        }
        let rules = &engine.model().rules;
        let context = Context::new(rules, customer.view(at(known)), at(now), &[], &[], &[]);
        let place = playbook.name.place.clone();
        for stream in STREAMS {
            for condition in CONDITIONS {
                for end in ENDS {
                    let text = format!("{stream}{condition}.{end}");
                    let source = crate::playbook::Text { text: text.as_str().into(), place: place.clone(), path: "".into(), lines: Vec::new() };
                    // Not every end fits every stream; those that do not are refused when compiled.
                    let Some(rule) = Rule::compile(&source, &rules.sources.schema, &Expected::Any, &mut Vec::new()) else { continue };
                    let columns = evaluate(rule.checked(), &context);
                    prop_assert_eq!(columns, evaluate(rule.checked(), &Visited(&context)), "{}", text);
                }
            }
        }
    }
}
