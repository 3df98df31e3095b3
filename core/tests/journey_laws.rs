//! Laws of journeys: arrival does not matter, time may pass in steps, and nobody is in two stages of one instance.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use proptest::prelude::*;
use tactful::customer::Customer;
use tactful::{Engine, Event, Identifier, Timestamp};

const PLAYBOOK: &str = r#"
playbook: laws
version: 2
identity: {customer: {}}
time_zone: Europe/Berlin
customer_zone: zone
attributes: {zone: string, vip: bool}
events:
  visit: {retention: 30d, properties: {page: string}}
  need: {what: string}
  placed: {order: string}
  paid: {order: string}
  shipped: {order: string}
segments:
  quiet: events("visit").exists() && events("visit").within("4d").count() == 0
  twice: journey("orders").visits("placed") >= 2 && journey("orders").open >= 1
  a_paid: journey("orders").instance("a").stage == "paid"
  returned: journey("life").previous == "lost"
journeys:
  life:
    migration: {stages: {old: visitor}, otherwise: keep}
    stages:
      visitor: {on: visit, from: [none, lost], wait: {for: 6d, reset_on: visit, to: lost}}
      buying: {on: need, min_stay: 12h, timeout: {after: 9d, to: lost, reset_on: placed}, inner: {journey: buying, start: research, ends: {bought: owner, no: lost}}}
      owner: {max_stay: {after: 12d, to: lost}, exit: {when: 'customer.vip && segment("quiet")', when_unknown: false, to: buying}}
      lost: {drop_out: true, return: {on: need, when: customer.vip}}
  buying:
    stages:
      research: {timeout: {after: 5d, at: "09:30", to: no}}
      evaluation: {enter: events("visit").in_stage().count() >= 2}
      bought: {on: paid, final: true}
      no: {}
  orders:
    key: order
    at_most: 2
    reentry: {policy: after_leaving, after: 3d}
    stages:
      placed: {on: placed, from: none, wait: {for: 2d, at: "08:00", until: paid}, branches: [{when: 'events("paid").exists()', to: paid}, {when: customer.vip, to: reminded}, {to: none}]}
      reminded: {timeout: {after: 36h, to: none}, exit: {on: shipped, to: shipped}}
      paid: {on: paid, from: reminded}
      shipped: {on: shipped, final: true}
  reminder:
    entry: {when: segment("quiet")}
    reentry: {policy: always, at_most: 4}
    exit: {when: events("paid").within("1d").exists(), when_unknown: false}
    max_stay: 9d
    stages:
      sent: {wait: {for: 1d, to: decided}}
      decided: {branches: [{on: visit, to: back}, {when: segment("twice"), to: sent}, {when: customer.vip, to: gone}]}
      back: {final: true}
      gone: {timeout: {after: 2d, to: none}}
  watcher:
    stages:
      calm: {enter: '!segment("twice")'}
      busy: {enter: segment("twice") || journey("orders").entries >= 3}
  # Which of these begin is a matter of caps; each reads another, in the order of the playbook and against it.
  low: {entry: {on: [visit, need]}, max_stay: 3d, exit: {when: 'journey("high").stage == "in" && journey("high").entries >= 2', when_unknown: false}, stages: {in: {}}}
  high: {priority: 5, entry: {on: [need, placed]}, stages: {in: {wait: {for: 2d, to: over}}, over: {final: true}}}
  same: {priority: 5, entry: {when: segment("quiet")}, max_stay: 5d, stages: {in: {branches: [{when: 'journey("low").stage == "in"', to: none}]}}}
  reader: {stages: {free: {enter: 'journey("low").entries + journey("high").entries <= 2'}, full: {enter: 'journey("high").stage == "in" || journey("same").stage == "in"'}}}
journey_caps:
  - {name: one, journeys: [low, high, same], at_once: 1}
  - {name: week, journeys: [low, high], at_most: 3, per: week}
  - {name: two_days, journeys: [low, same], at_most: 1, per: every 2 days since 2026-03-20}
"#;

fn engine() -> Engine {
    Engine::compile(&[("laws.yaml", PLAYBOOK)]).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn ada() -> Identifier {
    Identifier::parse("customer:ada").unwrap()
}

/// Six hours a step, so that ties are likely.
fn at(step: u32) -> Timestamp {
    Timestamp::parse("2026-03-20T00:00:00Z").unwrap().saturating_add_micros(i64::from(step) * 6 * 3_600_000_000)
}

fn event(kind: u8, step: u32, number: usize, choice: u8) -> Event {
    let order = ["a", "b", "c", "d"][usize::from(choice % 4)];
    let event = match kind {
        0 | 1 => Event::new("visit", at(step), ada()),
        2 => Event::new("need", at(step), ada()),
        3 | 4 => Event::new("placed", at(step), ada()).with("order", order),
        5 => Event::new("paid", at(step), ada()).with("order", order),
        6 => Event::new("shipped", at(step), ada()).with("order", order),
        7 => Event::new("attribute_set", at(step), ada()).with("attribute", "vip").with("value", choice.is_multiple_of(2)),
        8 => {
            let zone = ["Europe/Berlin", "America/New_York", "Asia/Tokyo"][usize::from(choice % 3)];
            Event::new("attribute_set", at(step), ada()).with("attribute", "zone").with("value", zone)
        }
        _ => {
            let stage = ["old", "owner", "gone_for_good"][usize::from(choice % 3)];
            let pin = Event::new("journey_pinned", at(step), ada()).with("journey", "life").with("stage", stage);
            pin.with("since", tactful::Value::from(at(step.saturating_sub(5)))).with("definition", "old").with("entries", 2)
        }
    };
    let mut event = event.with_id(&format!("e{number}"));
    event.sequence = i64::from(choice % 2);
    event
}

fn stories() -> impl Strategy<Value = Vec<Event>> {
    let parts = prop::collection::vec((0_u8..10, 0_u32..80, 0_u8..12), 1..30);
    parts.prop_map(|parts| {
        parts.into_iter().enumerate().map(|(number, (kind, step, choice))| event(kind, step, number, choice)).collect()
    })
}

fn told(engine: &Engine, events: &[Event]) -> Customer {
    let mut customer = engine.customer(&ada()).unwrap();
    for event in events {
        engine.record(&mut customer, event, None).unwrap();
    }
    engine.advance(&mut customer, at(160));
    customer
}

fn everything(engine: &Engine, customer: &Customer) -> String {
    let histories: Vec<_> = (0..16).map(|step| engine.journey_history(customer, at(step * 10))).collect();
    format!("{:?} {histories:?} {:?}", engine.history(customer), engine.next_due(customer))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn order_of_arrival_does_not_matter(events in stories(), seed in any::<u64>()) {
        let engine = engine();
        let mut shuffled = events.clone();
        let mut state = seed | 1;
        for place in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            shuffled.swap(place, usize::try_from(state >> 33).unwrap() % (place + 1));
        }
        let (straight, mixed) = (told(&engine, &events), told(&engine, &shuffled));
        prop_assert_eq!(everything(&engine, &straight), everything(&engine, &mixed));
    }

    #[test]
    fn time_may_pass_in_one_step_or_in_many(events in stories()) {
        let engine = engine();
        let at_once = told(&engine, &events);
        let mut stepwise = engine.customer(&ada()).unwrap();
        let mut events = events;
        events.sort_by_key(|event| event.time);
        let mut open = events.iter().peekable();
        for step in 0..=160 {
            while let Some(event) = open.next_if(|event| event.time <= at(step)) {
                engine.record(&mut stepwise, event, None).unwrap();
            }
            engine.advance(&mut stepwise, at(step));
        }
        prop_assert_eq!(everything(&engine, &at_once), everything(&engine, &stepwise));
    }

    #[test]
    fn nothing_moves_before_it_is_due(events in stories()) {
        let engine = engine();
        let mut customer = engine.customer(&ada()).unwrap();
        for event in &events {
            engine.record(&mut customer, event, None).unwrap();
        }
        for _ in 0..40 {
            let Some(due) = engine.next_due(&customer) else { break };
            let before = engine.advance(&mut customer, due.saturating_add_micros(-1));
            prop_assert!(before.effects.is_empty(), "{:?} before {due}", before.effects);
            engine.advance(&mut customer, due);
        }
    }

    #[test]
    fn nobody_is_in_two_stages_of_one_instance(events in stories()) {
        let engine = engine();
        let customer = told(&engine, &events);
        for history in engine.journey_history(&customer, at(160)) {
            prop_assert!(!history.stays.is_empty());
            for pair in history.stays.windows(2) {
                // One ends before the next begins, and says by what it ended.
                prop_assert!(pair[0].left.is_some_and(|left| left <= pair[1].entered), "{history:?}");
                prop_assert!(pair[0].ended.is_some());
                if pair[0].left == Some(pair[1].entered) {
                    prop_assert!(pair[0].ended == Some(pair[1].by) || history.entries > 1, "{history:?}");
                }
            }
            let last = history.stays.last().unwrap();
            prop_assert_eq!(last.left.is_none(), last.ended.is_none());
            prop_assert!(history.entries >= 1);
        }
        let open = engine.journey_history(&customer, at(160));
        let open = open.iter().filter(|history| &*history.journey == "orders" && history.ended.is_none()).count();
        prop_assert!(open <= 2);
    }

    #[test]
    fn what_is_told_adds_up_to_history(events in stories()) {
        let engine = engine();
        let mut customer = engine.customer(&ada()).unwrap();
        let mut told = std::collections::BTreeMap::<String, i32>::new();
        for event in &events {
            for effect in engine.record(&mut customer, event, None).unwrap().effects {
                let what = serde_json::to_string(&(&effect.at, &effect.what, &effect.id, &effect.cause)).unwrap();
                let sign = if effect.kind == tactful::engine::EffectKind::Withdrawn { -1 } else { 1 };
                *told.entry(what).or_default() += sign;
            }
        }
        told.retain(|_, count| *count != 0);
        let mut history: std::collections::BTreeMap<String, i32> = std::collections::BTreeMap::new();
        let mut ids = std::collections::BTreeSet::new();
        for effect in engine.history(&customer) {
            prop_assert!(ids.insert(effect.id.to_string()), "two effects have one id");
            let what = serde_json::to_string(&(&effect.at, &effect.what, &effect.id, &effect.cause)).unwrap();
            *history.entry(what).or_default() += 1;
        }
        prop_assert_eq!(told, history);
    }

    #[test]
    fn folding_and_bytes_keep_where_customers_are(events in stories()) {
        let engine = engine();
        let mut customer = told(&engine, &events);
        let before = engine.journey_history(&customer, at(160));
        engine.fold(&mut customer, at(160));
        prop_assert_eq!(&before, &engine.journey_history(&customer, at(160)));
        let again = engine.customer_from_bytes(&customer.to_bytes()).unwrap();
        prop_assert_eq!(&before, &engine.journey_history(&again, at(160)));
        prop_assert_eq!(engine.history(&customer), engine.history(&again));
    }

    #[test]
    fn nobody_is_in_more_journeys_than_caps_allow(events in stories()) {
        let engine = engine();
        let customer = told(&engine, &events);
        let histories = engine.journey_history(&customer, at(160));
        let of = |names: &[&str]| -> Vec<(Timestamp, Timestamp)> {
            let stays = histories.iter().filter(|history| names.contains(&&*history.journey)).flat_map(|history| &history.stays);
            stays.filter(|stay| &*stay.stage == "in").map(|stay| (stay.entered, stay.left.unwrap_or(at(1_000)))).collect()
        };
        let three = of(&["low", "high", "same"]);
        for (from, _) in &three {
            prop_assert!(three.iter().filter(|(start, end)| start <= from && from < end).count() <= 1, "{three:?}");
        }
    }

    #[test]
    fn pins_of_the_same_version_change_nothing(events in stories(), step in 0_u32..100) {
        let engine = engine();
        let mut customer = told(&engine, &events);
        let before = engine.journey_history(&customer, at(160));
        for pin in engine.journey_pins(&customer, at(step)) {
            engine.record(&mut customer, &pin, None).unwrap();
        }
        prop_assert_eq!(before, engine.journey_history(&customer, at(160)));
    }
}

#[test]
fn a_stream_of_keys_does_not_grow_a_customer_without_end() {
    let playbook = "playbook: a\nversion: 1\nidentity: {customer: {}}\nevents: {placed: {order: string}, done: {order: string}}\n\
        journeys: {orders: {key: order, at_most: 3, stages: {open: {on: placed}, done: {on: done, final: true}}}}\n";
    let engine = Engine::compile(&[("a.yaml", playbook)]).unwrap();
    let mut customer = engine.customer(&ada()).unwrap();
    let mut full = 0;
    let mut told = |effects: tactful::Effects| {
        for effect in effects.effects.iter().filter(|effect| effect.what.name() == "journey_full") {
            full += if effect.kind == tactful::engine::EffectKind::Withdrawn { -1 } else { 1 };
        }
    };
    for number in 0..4_000_u32 {
        let order = format!("o{number}");
        let placed = Event::new("placed", at(number), ada()).with("order", &*order);
        told(engine.record(&mut customer, &placed, None).unwrap());
        if number % 2 == 0 {
            let done = Event::new("done", at(number), ada()).with("order", &*order).with_id(&format!("d{number}"));
            told(engine.record(&mut customer, &done, None).unwrap());
        }
    }
    // Three are open for ever, and of those that ended three are remembered; that no other began was said once.
    assert!(engine.journey_history(&customer, at(4_000)).len() <= 6);
    assert_eq!(full, 1);
}

#[test]
fn what_contradicts_itself_is_warned_of_or_refused() {
    let codes = |journey: &str| -> Vec<&'static str> {
        let text = format!(
            "playbook: a\nversion: 1\nevents: {{visit: {{page: string}}, buy: {{order: string}}}}\nattributes: {{age: int}}\njourneys:\n  way: {{{journey}}}\n"
        );
        match Engine::compile(&[("a.yaml", &text)]) {
            Ok(engine) => engine.warnings().0.iter().map(|warning| warning.code).collect(),
            Err(mistakes) => mistakes.0.iter().map(|mistake| mistake.code).collect(),
        }
    };
    assert!(codes("stages: {a: {on: visit}, b: {on: buy, final: true}}").is_empty());
    assert_eq!(
        codes("stages: {a: {on: visit}, b: {enter: customer.age > 5 && customer.age < 3}}"),
        ["unreachable_stage", "contradiction"]
    );
    assert_eq!(codes("stages: {a: {on: visit, from: none}, b: {on: buy, from: none}, c: {on: buy, from: a}}"), ["no_way_out"]);
    assert_eq!(codes("key: order_id, stages: {a: {on: buy}}"), ["unknown_key"]);
    assert_eq!(codes("key: page, stages: {a: {on: buy}}"), ["unknown_key"]);
    assert_eq!(codes("key: order, at_most: 1000000, stages: {a: {on: buy}}"), ["out_of_range"]);
    assert_eq!(codes("stages: {a: {on: buy, exit: 'journey(\"way\").instance(\"x\").stage == \"a\"'}}"), ["bad_call"]);
    assert_eq!(codes("stages: {a: {on: buy, exit: 'journey(\"way\").visits(\"b\") > 1'}}"), ["unknown_name"]);
    for leaves_at_once in [
        "exit: 'true', stages: {a: {on: visit}}",
        "exit: customer.age > 5, entry: {when: customer.age > 5, to: a}, stages: {a: {}}",
        "exit: customer.age > 5, stages: {a: {enter: customer.age > 5}}",
        "stages: {a: {enter: customer.age > 5, exit: customer.age > 5}}",
        "stages: {a: {on: visit, exit: {when: 'true', to: b}}, b: {}}",
    ] {
        assert_eq!(codes(leaves_at_once), ["contradiction"], "{leaves_at_once}");
    }
    assert!(codes("exit: customer.age > 5, stages: {a: {enter: customer.age > 6}}").is_empty());
    // A time-out that the longest stay forestalls; where both come at once the time-out does.
    for never in [
        "stages: {a: {on: visit, timeout: {after: 20d, to: b}, max_stay: {after: 1d}}, b: {on: buy}}",
        "max_stay: 1d, stages: {a: {on: visit, timeout: {after: 20d, to: b}}, b: {on: buy}}",
    ] {
        assert_eq!(codes(never), ["contradiction"], "{never}");
    }
    assert!(codes("stages: {a: {on: visit, timeout: {after: 1d, to: b}, max_stay: {after: 1d}}, b: {on: buy}}").is_empty());
    assert_eq!(codes("stages: {a: {on: buy, branches: [{to: b}]}, b: {branches: [{to: a}]}}"), ["zero_time_circle"]);
    let one_condition =
        "stages: {a: {on: buy, branches: [{when: customer.age > 5, to: b}]}, b: {branches: [{when: customer.age > 5, to: a}]}}";
    assert_eq!(codes(one_condition), ["zero_time_circle"]);
    let another = "stages: {a: {on: buy, branches: [{when: customer.age > 5, to: b}]}, b: {branches: [{when: customer.age <= 5, to: a}]}}";
    assert!(codes(another).is_empty());
}

#[test]
fn mistakes_name_what_was_written() {
    let said = |journeys: &str| {
        let text = format!("playbook: a\nversion: 1\nevents: {{visit: {{page: string}}}}\n{journeys}");
        Engine::compile(&[("a.yaml", &text)]).unwrap_err().to_string()
    };
    let asks = "journeys: {way: {stages: {curious: {on: visit}}}}\nsegments: {s: 'journey(\"way\").visits(\"curios\") > 1'}\n";
    let shown = said(asks);
    assert!(shown.contains("unknown name `journey(\"way\").visits(\"curios\")`"), "{shown}");
    assert!(shown.contains("did you mean `journey(\"way\").visits(\"curious\")`?"), "{shown}");
    let shown = said("journeys: {way: {key: order, stages: {a: {on: visit}}}}\n");
    assert!(shown.contains("(journeys.way.key)"), "{shown}");
}

/// Conditions that lead in a circle at one instant end there; what is still due then hides nothing else that time brings.
#[test]
fn a_circle_at_one_instant_hides_nothing() {
    let playbook = r#"
playbook: a
version: 1
identity: {customer: {}}
attributes: {vip: bool}
events: {visit: {page: string}, order: {number: string}}
segments: {fresh: events("visit").within("5d").exists()}
journeys:
  round:
    stages:
      a: {on: visit, wait: {at: "09:00"}, branches: [{when: customer.vip, to: b}, {to: none}]}
      b: {wait: {at: "09:00"}, branches: [{when: customer.vip, to: a}, {to: none}]}
  orders:
    key: number
    stages:
      a: {on: order, wait: {at: "09:00"}, branches: [{when: customer.vip, to: b}, {to: none}]}
      b: {wait: {at: "09:00"}, branches: [{when: customer.vip, to: a}, {to: none}], max_stay: {after: 7d}}
"#;
    let engine = Engine::compile(&[("a.yaml", playbook)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let time = |text: &str| Timestamp::parse(text).unwrap();
    let told = || {
        let mut customer = engine.customer(&ada()).unwrap();
        let vip = Event::new("attribute_set", time("2026-01-01T00:00:00Z"), ada()).with("attribute", "vip").with("value", true);
        engine.record(&mut customer, &vip, None).unwrap();
        let order = Event::new("order", time("2026-01-01T09:30:00Z"), ada()).with("number", "7");
        engine.record(&mut customer, &order, None).unwrap();
        engine.record(&mut customer, &Event::new("visit", time("2026-01-01T10:00:00Z"), ada()), None).unwrap();
        customer
    };
    let mut customer = told();
    engine.advance(&mut customer, time("2026-01-03T00:00:00Z"));
    assert_eq!(engine.next_due(&customer), Some(time("2026-01-06T10:00:00Z")));
    engine.advance(&mut customer, time("2026-03-01T00:00:00Z"));
    let left: Vec<Timestamp> =
        engine.history(&customer).iter().filter(|one| one.what.name() == "segment_left").map(|one| one.at).collect();
    assert_eq!(left, [time("2026-01-06T10:00:00Z")]);
    let mut stepwise = told();
    for hours in 0..24 * 59 {
        engine.advance(
            &mut stepwise,
            Timestamp::from_micros(time("2026-01-01T10:00:00Z").micros() + hours * 3_600_000_000).unwrap(),
        );
    }
    engine.advance(&mut stepwise, time("2026-03-01T00:00:00Z"));
    assert_eq!(engine.history(&customer), engine.history(&stepwise));
    assert_eq!(
        engine.journey_history(&customer, time("2026-03-01T00:00:00Z")),
        engine.journey_history(&stepwise, time("2026-03-01T00:00:00Z"))
    );
}
