//! What columns say of a stream is what visiting its events says.

use super::{Context, Holds, Rule};
use crate::customer::{Customer, Derived, Strand};
use crate::expr::plan::Live;
use crate::expr::{EventKind, EventRow, Expected, FactId, Facts, Outcome, Read, evaluate};
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

    #[test]
    fn the_plan_says_what_the_reference_says(
        events in events(),
        shapes in prop::collection::vec((any::<[u8; 4]>(), any::<[u8; 4]>(), 0_u8..8), 1..12),
        now in 0_i64..140,
        known in prop_oneof![Just(200_i64), 0_i64..150],
        marked in any::<bool>(),
    ) {
        let segments: Vec<String> =
            shapes.iter().enumerate().map(|(number, shape)| format!("  s{number}: '{}'\n", condition(number, shape))).collect();
        let text = format!("{PLAYBOOK}attributes: {{age: int, city: string}}\nsegments:\n{}", segments.concat());
        let engine = Engine::compile(&[("plan.yaml", &text)]).unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}"));
        let ada = Identifier::parse("customer:ada").unwrap();
        let mut customer = engine.customer(&ada).unwrap();
        for event in &events {
            engine.record(&mut customer, event, None).unwrap();
        }
        if now % 3 > 0 {
            let age = Event::new("attribute_set", at(0), ada).with("attribute", "age").with("value", now).with_id("age");
            engine.record(&mut customer, &age, None).unwrap();
        }
        if !marked {
            // A story that was only read in has no marks.
            customer = Customer::of_strands(customer.into_strands().into_iter().map(Strand::without_marks).collect());
        }
        let rules = &engine.model().rules;
        let context = Context::new(rules, customer.view(at(known)), at(now), &[], &[], &[]);
        for (rule, text) in rules.segments.iter().zip(&segments) {
            prop_assert!(rule.code().is_some(), "{} is left to the reference", text);
            let answer = rule.ask(&context);
            let (holds, failed) = (context.holds(rule), matches!(answer.outcome, Outcome::Error(_)));
            prop_assert_eq!(holds, Holds { truth: answer.outcome.as_bool(), failed, until: answer.until }, "{}", text);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_stands_is_what_a_fresh_look_finds(
        events in events(),
        shapes in prop::collection::vec((any::<[u8; 4]>(), any::<[u8; 4]>(), 0_u8..8), 2..12),
        late in prop::collection::vec(any::<u8>(), 20),
    ) {
        let segments: Vec<String> =
            shapes.iter().enumerate().map(|(number, shape)| format!("  s{number}: '{}'\n", condition(number, shape))).collect();
        let journey = format!(
            "journeys: {{way: {{stages: {{a: {{on: purchase, timeout: {{after: 30h, to: c, reset_on: [view]}}}}, b: {{enter: '{}'}}, c: {{}}}}}}}}\n",
            condition(0, &shapes[0])
        );
        let text = format!("{PLAYBOOK}attributes: {{age: int, city: string}}\n{journey}segments:\n{}", segments.concat());
        let engine = Engine::compile(&[("live.yaml", &text)]).unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}"));
        let mut customer = engine.customer(&Identifier::parse("customer:ada").unwrap()).unwrap();
        // Most come in time order, and some with the time of the one before.
        let mut sorted = events.clone();
        sorted.sort_by_key(|event| event.time);
        let mut told: Vec<(u8, Event)> = late.iter().copied().zip(sorted).collect();
        for place in 1..told.len() {
            if told[place].0 < 100 {
                told[place].1.time = told[place - 1].1.time;
                told[place].1.sequence = told[place - 1].1.sequence + i64::from(told[place].0 % 3) - 1;
            }
        }
        told.sort_by_key(|(late, event)| if *late > 230 { at(200) } else { event.time });
        for (number, (late, event)) in told.iter().enumerate() {
            if late % 7 == 0 && number > 0 {
                engine.advance(&mut customer, event.time.saturating_add_micros(-i64::from(*late) * 60_000_000));
            }
            engine.record(&mut customer, event, None).unwrap();
            let strands = customer.strands().iter().cloned().map(Strand::without_marks).collect();
            let mut whole = Customer::of_strands(strands);
            whole.derived.advanced = customer.derived.advanced;
            let (own, fresh) = (engine.told(&customer), engine.told(&whole));
            let (due, again) = (engine.next_due(&customer), engine.next_due(&whole));
            prop_assert_eq!(due, again, "{}", text);
            let members = |state: &Derived| state.segments.iter().map(|segment| segment.member()).collect::<Vec<_>>();
            prop_assert_eq!(members(&own), members(&fresh), "{}", text);
            // When each looks again may differ, but nobody may sleep through a change.
            let rules = &engine.model().rules;
            let places: Vec<_> = own.journeys.iter().map(|journey| journey.place).collect();
            let stages = &engine.model().journeys.stages;
            for state in [&own, &fresh] {
                let due = crate::journey::next_due(state).unwrap_or(Timestamp::MAX);
                for hours in [0, 1, 7, 20, 31, 45, 90] {
                    let now = own.advanced.unwrap().saturating_add_micros(hours * 3_600_000_000);
                    if now < due {
                        let context = Context::new(rules, customer.view(Timestamp::MAX), now, &[], &places, stages);
                        let then: Vec<_> = rules.segments.iter().map(|rule| context.holds(rule).truth).collect();
                        prop_assert_eq!(&members(state), &then, "{}", text);
                    }
                }
            }
            prop_assert_eq!(&own.journeys, &fresh.journeys, "{}", text);
            prop_assert_eq!(&own.changes, &fresh.changes, "{}", text);
            if let Some(live) = customer.derived.live.as_ref().filter(|live| live.is_at(customer.derived.settled)) {
                let view = customer.view(Timestamp::MAX);
                let story = crate::journey::Story { rules: &engine.model().rules, view: &view, now: customer.derived.settled.unwrap(), live: None };
                let mut again = Live::default();
                engine.model().rules.plan.follow(&mut again, &story, None, customer.len());
                prop_assert!(live.agrees(&again).0, "{live:?}\n{again:?}\n{text}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn ages_stand_beside_gaps_and_counts_as_the_reference_says(
        events in events(),
        shapes in prop::collection::vec(any::<[u8; 4]>(), 1..8),
        now in 0_i64..140,
        known in prop_oneof![Just(200_i64), 0_i64..150],
        marked in any::<bool>(),
    ) {
        let segments: Vec<String> =
            shapes.iter().enumerate().map(|(number, shape)| format!("  s{number}: '{}'\n", beside(*shape))).collect();
        let text = format!("{PLAYBOOK}segments:\n{}", segments.concat());
        let engine = Engine::compile(&[("beside.yaml", &text)]).unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}"));
        let mut customer = engine.customer(&Identifier::parse("customer:ada").unwrap()).unwrap();
        let mut sorted = events.clone();
        sorted.sort_by_key(|event| event.time);
        for event in &sorted {
            engine.record(&mut customer, event, None).unwrap();
            let strands = customer.strands().iter().cloned().map(Strand::without_marks).collect();
            let mut fresh = Customer::of_strands(strands);
            fresh.derived.advanced = customer.derived.advanced;
            let (own, fresh) = (engine.told(&customer), engine.told(&fresh));
            prop_assert_eq!(&own.segments, &fresh.segments, "{}", text);
            prop_assert_eq!(&own.changes, &fresh.changes, "{}", text);
        }
        if !marked {
            customer = Customer::of_strands(customer.into_strands().into_iter().map(Strand::without_marks).collect());
        }
        let rules = &engine.model().rules;
        let context = Context::new(rules, customer.view(at(known)), at(now), &[], &[], &[]);
        for (rule, text) in rules.segments.iter().zip(&segments) {
            prop_assert!(rule.code().is_some(), "{} is left to the reference", text);
            let answer = rule.ask(&context);
            let (holds, failed) = (context.holds(rule), matches!(answer.outcome, Outcome::Error(_)));
            prop_assert_eq!(holds, Holds { truth: answer.outcome.as_bool(), failed, until: answer.until }, "{}", text);
        }
    }
}

/// A comparison of a gap, or of an age with what is no constant, chosen by some bytes.
fn beside([stream, filter, end, constant]: [u8; 4]) -> String {
    let streams = [
        r#"events("purchase")"#,
        r#"events("purchase").within("40h")"#,
        r#"events("view").within("60h")"#,
        r#"events("purchase").in_session()"#,
    ];
    let filters = ["", "", r#".where(e, e.sku == "a")"#, r#".where(e, e.sku.contains("b"))"#, ".where(e, has(e.sku))"];
    let ends = [
        "usual_gap().hours() > N",
        r#"usual_gap() == duration("Nh")"#,
        "since_last() > SAME.usual_gap()",
        "usual_gap() == SAME.since_last()",
        "since_first().days() <= N.5 * SAME.usual_gap().days()",
        "usual_gap().hours() != SAME.since_last().hours()",
        "since_last().hours() < double(SAME.count()) + 0.25",
        "since_last().hours() >= SAME.count()",
    ];
    let (stream, filter) = (streams[usize::from(stream) % streams.len()], filters[usize::from(filter) % filters.len()]);
    let end = ends[usize::from(end) % ends.len()].replace('N', &(1 + constant % 6).to_string());
    format!("{stream}{filter}.{}", end.replace("SAME", &format!("{stream}{filter}")))
}

#[test]
fn conditions_on_many_events_at_once_say_what_they_say_of_each() {
    let words = ["a", "b", "ab", "", "c", "tea \u{2615}"];
    let conditions = CONDITIONS.iter().filter(|condition| !condition.is_empty() && !condition.contains("|| true"));
    let counts: Vec<String> = conditions.map(|condition| format!(r#"events("purchase"){condition}.count()"#)).collect();
    let segments = counts
        .iter()
        .enumerate()
        .flat_map(|(number, count)| [5, 20, 40, 60, 90].map(|least| format!("  s{number}_{least}: '{count} >= {least}'\n")));
    let text = format!("{PLAYBOOK}segments:\n{}", segments.collect::<String>());
    let engine = Engine::compile(&[("many.yaml", &text)]).unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}"));
    let ada = Identifier::parse("customer:ada").unwrap();
    let (mut one, mut none) = (engine.customer(&ada).unwrap(), 0);
    for number in 0..130_usize {
        let mut event = Event::new("purchase", at(number as i64), ada.clone()).with_id(&number.to_string());
        // Some have no text, and some no numbers.
        if number % 7 > 0 || number < 60 {
            event = event.with("sku", words[number * number % words.len()]);
        }
        if number % 3 > 0 {
            event =
                event.with("amount", "4.5").with("pieces", number as i64 % 8).with("gift", number % 2 == 0).with("rate", 0.75);
        }
        engine.record(&mut one, &event, None).unwrap();
    }
    // The same story without marks, which get made at once.
    let strands = one.strands().iter().cloned().map(Strand::without_marks).collect();
    let mut all = Customer::of_strands(strands);
    engine.advance(&mut all, at(130));
    let rules = &engine.model().rules;
    for rule in &rules.segments {
        let held = [&one, &all].map(|customer| {
            let context = Context::new(rules, customer.view(at(200)), at(130), &[], &[], &[]);
            let answer = rule.ask(&context);
            let (holds, failed) = (context.holds(rule), matches!(answer.outcome, Outcome::Error(_)));
            assert_eq!(holds, Holds { truth: answer.outcome.as_bool(), failed, until: answer.until });
            holds
        });
        assert_eq!(held[0], held[1]);
        none += usize::from(held[0].truth == Some(true));
    }
    assert!(none > 5, "{none} hold");
}

#[test]
fn slots_stand_where_a_story_grows_at_its_end() {
    let text = format!(
        "{PLAYBOOK}segments: {{two: 'events(\"view\").within(\"9h\").count() == 2', all: 'events(\"view\").sum(\"seconds\") > 3.0'}}"
    );
    let engine = Engine::compile(&[("live.yaml", &text)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let ada = Identifier::parse("customer:ada").unwrap();
    let mut customer = engine.customer(&ada).unwrap();
    let known = |customer: &Customer| {
        let live = customer.derived.live.as_ref().filter(|live| live.is_at(customer.derived.settled));
        live.map_or(0, |live| live.agrees(live).1)
    };
    for (number, hour) in [1, 1, 5, 20, 20, 40].into_iter().enumerate() {
        let event = Event::new("view", at(hour), ada.clone()).with_id(&number.to_string()).with("seconds", 1.5);
        engine.record(&mut customer, &event, None).unwrap();
        assert_eq!(known(&customer), 2);
    }
    engine.advance(&mut customer, at(60));
    assert_eq!(known(&customer), 2);
    let late = Event::new("view", at(3), ada).with_id("late").with("seconds", 0.5);
    engine.record(&mut customer, &late, None).unwrap();
    assert_eq!(known(&customer), 0, "a late event changes what stood");
}

/// A comparison of an aggregate, chosen by some bytes.
fn atom([stream, filter, end, constant]: [u8; 4]) -> String {
    let streams = [
        r#"events("purchase")"#,
        r#"events("purchase").within("40h")"#,
        r#"events("purchase").within("day")"#,
        r#"events("purchase").in_session()"#,
        r#"events("purchase").within("60h").within("30h")"#,
        r#"events("view", "purchase").within("30h")"#,
    ];
    let filters = [
        "",
        "",
        "",
        r#".where(e, e.sku == "a")"#,
        r#".where(e, e.sku.contains("b") || e.sku in ["a", "c"])"#,
        ".where(e, e.pieces >= 3).where(e, e.gift)",
        ".where(e, has(e.sku))",
    ];
    let ends = [
        "count() >= N",
        "count() * 2 > N",
        "count() < N",
        "exists() == true",
        r#"sum("amount") > N"#,
        r#"sum("amount") >= N.5"#,
        r#"sum("pieces") != N"#,
        r#"sum("rate") < 0.N"#,
        r#"sum("weight") == 3u"#,
        r#"avg("pieces") > N"#,
        r#"avg("amount") < N.5"#,
        r#"avg("rate") > 0.N"#,
        r#"min("pieces") < N"#,
        r#"max("amount") > N"#,
        r#"max("rate") > 0.N"#,
        r#"first("sku") == "a""#,
        r#"last("sku") in ["a", "b"]"#,
        r#"last("pieces") <= N"#,
        r#"count_distinct("sku") == 2"#,
        r#"count_distinct("pieces") > N"#,
        "since_last().hours() < N0",
        "since_last().days() == 1",
        r#"since_first() >= duration("20h")"#,
        "since_last().minutes() != N0.0",
    ];
    let (stream, filter) = (usize::from(stream) % streams.len(), usize::from(filter) % filters.len());
    // Both event types have `sku` and nothing else in common.
    let both = stream == streams.len() - 1;
    let end = if both { ends[usize::from(end) % 3] } else { ends[usize::from(end) % ends.len()] };
    let filter = if both { "" } else { filters[filter] };
    let aggregate = format!("{}{filter}.{}", streams[stream], end.replace('N', &(1 + constant % 6).to_string()));
    match aggregate.strip_suffix(" > 2") {
        Some(number) => format!("1.5 + double({number}) * 0.25 > 2.0"),
        None => aggregate,
    }
}

/// A condition of two comparisons, a fact and earlier segments.
fn condition(number: usize, (a, b, shape): &([u8; 4], [u8; 4], u8)) -> String {
    let (a, b) = (atom(*a), atom(*b));
    match shape {
        0 => a,
        1 => format!("{a} && {b}"),
        2 => format!("{a} || {b}"),
        3 => format!("!({a}) && (customer.age > 40 || {b})"),
        4 => format!("{a} ? {b} : customer.age == 30"),
        5 => format!("has(customer.age) || {a}"),
        6 if number > 0 => format!(r#"segment("s{}") || {b}"#, number - 1),
        _ => format!(r#"customer.city == "Ulm" || {a} || !({b})"#),
    }
}
