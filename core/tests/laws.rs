//! Laws that hold for every story: order of arrival does not matter, telling twice changes nothing, questions change nothing,
//! what was decided then is decided again, and time may pass in one step or in many.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use proptest::prelude::*;
use tactful::base::CustomerBase;
use tactful::customer::Customer;
use tactful::{Engine, Event, Identifier, Request, Timestamp};

const PLAYBOOK: &str = r#"
playbook: laws
version: 1
identity: {customer: {}}
time_zone: Europe/Berlin
purposes: {marketing: opt_in}
attributes: {age: {type: int, ttl: 20d}, city: string}
events:
  visit: {page: string}
  purchase: {amount: money(EUR), shop: string}
segments:
  visitor: events("visit").within("3d").count() >= 2
  buyer: events("purchase").within("10d").sum("amount") > 20
  lapsing: events("purchase").since_last().days() > 5.5
  adult: customer.age >= 18
  today: events("visit", "purchase").within("day").count() >= 2
  busy: events("visit").in_session().count() >= 2
  both: segment("visitor") && segment("buyer")
  settled: journey("way").stage == "regular" && now - journey("way").since > duration("48h")
  needy: need("shop") >= 0.3
  creature_of_habit: '"a" in preference("page").liked || unusual("rush")'
  shopping: intent("buy") > 0.3
resolution: 1d
personas:
  fan: {prior: 0.3, evidence: [{when: events("visit").within("6d").count() >= 3, odds: 4}]}
  saver: {prior: 0.2, evidence: [{when: 'events("purchase").where(p, p.amount < 10).exists()', odds: 5, half_life: 3d}]}
needs:
  shop: {stated: customer.age > 20, evidence: [{when: events("visit").within("8d").exists(), strength: 0.6, half_life: 2d}]}
intents:
  buy: {prior: 0.2, evidence: [{when: events("visit").in_session().count() >= 2, odds: 3}]}
preferences:
  page: {from: [{on: visit, property: page}, {on: purchase, read: weekday}], half_life: 4d}
unusual:
  quiet: {test: silence, on: [visit, purchase], at_least: 3, false_alarm: 0.1}
  rush: {test: burst, on: visit, recent: 2, at_least: 2, false_alarm: 0.2}
  dear: {test: higher, on: purchase, property: amount, recent: 2, at_least: 2, false_alarm: 0.3}
watches:
  city: customer.city
  quiet: unusual("quiet")
  likely: persona.likely
  mood: {value: 'need("shop") > 0.4 ? "wants" : preference("page").top'}
  stage: journey("way").stage
journeys:
  way:
    stages:
      new: {on: visit, from: [none, gone]}
      first: {on: purchase, min_stay: 1d, timeout: {after: 6d, to: gone, reset_on: [purchase, visit]}}
      regular: {enter: segment("buyer") && events("purchase").count() >= 2, timeout: {after: 8d, to: gone}}
      gone: {drop_out: true}
reactions:
  greet: {on: visit, debounce: 13h, at_latest: 30h, placement: home, valid_for: 1d}
  dear: {on: purchase, where: event.amount > 15, after: 20h, cancel: visit, pause: 3d, priority: 2}
  by_page: {on: visit, same: page, after: 7h}
  came: {enters: buyer, leaves: visitor, if: segment("visitor")}
  moved: {watch: city, told: age}
  lost: {stage: way.gone, when: events("visit").within("2d").count() >= 2, pause: 2d}
  birthday: {due: 'journey("way").since + duration("30h")'}
channels: {web: text}
placements: {home: {channel: web, slots: 2}}
contact: [{count: shown, scope: offer, at_most: 2, per: rolling 4d}]
offers:
  one: {purposes: [marketing], eligible: segment("buyer"), value: 2, treatments: {web: {message: '{{ city }}', with: {city: {value: customer.city, missing: there}}}}}
  two: {purposes: [marketing], eligible: 'segment("visitor") || segment("settled")', propensity: persona("fan"), treatments: {web: {message: two}}}
  three: {applicable: 'journey("way").stage == "gone" || segment("lapsing")', value: 0.5, treatments: {web: {message: three}}}
  five: {eligible: 'segment("needy") || segment("shopping") || unusual("dear")', value: need("shop"), treatments: {web: {message: five}}}
  four: {eligible: (segment("today") && !segment("busy")) || segment("creature_of_habit"), treatments: {web: {message: four}}}
"#;

fn engine() -> Engine {
    Engine::compile(&[("laws.yaml", PLAYBOOK)]).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn ada() -> Identifier {
    Identifier::parse("customer:ada").unwrap()
}

/// Hours since the beginning of the story, in steps that make ties likely.
fn at(step: u32) -> Timestamp {
    Timestamp::parse("2026-03-20T00:00:00Z").unwrap().saturating_add_micros(i64::from(step) * 6 * 3_600_000_000)
}

fn event(kind: u8, step: u32, number: usize, amount: u8, late: u32) -> Event {
    let event = match kind % 6 {
        0 | 1 => Event::new("visit", at(step), ada()).with("page", if amount.is_multiple_of(2) { "a" } else { "b" }),
        2 | 3 => Event::new("purchase", at(step), ada()).with("amount", format!("{amount}.37").as_str()).with("shop", "s"),
        4 if amount.is_multiple_of(3) => Event::new("consent_withdrawn", at(step), ada()).with("purpose", "marketing"),
        4 if amount % 3 == 1 => Event::new("consent_given", at(step), ada()).with("purpose", "marketing"),
        4 => Event::new("shown", at(step), ada()).with("offer", "one").with("placement", "home"),
        _ if amount.is_multiple_of(2) => {
            Event::new("attribute_set", at(step), ada()).with("attribute", "age").with("value", i64::from(amount))
        }
        _ => Event::new("attribute_set", at(step), ada()).with("attribute", "city").with("value", "Ulm"),
    };
    let mut event = event.with_id(&format!("e{number}"));
    event.sequence = i64::from(amount % 2);
    event.known_at = (late > 0).then(|| at(step + late));
    event
}

fn stories() -> impl Strategy<Value = Vec<Event>> {
    let parts = prop::collection::vec((0_u8..6, 0_u32..80, 0_u8..30, prop_oneof![4 => Just(0_u32), 1 => 1_u32..9]), 1..25);
    parts.prop_map(|parts| {
        parts
            .into_iter()
            .enumerate()
            .map(|(number, (kind, step, amount, late))| event(kind, step, number, amount, late))
            .collect()
    })
}

fn told(engine: &Engine, events: &[Event]) -> Customer {
    let mut customer = engine.customer(&ada()).unwrap();
    for event in events {
        engine.record(&mut customer, event, None).unwrap();
    }
    engine.advance(&mut customer, at(120));
    customer
}

fn answers(engine: &Engine, customer: &Customer) -> Vec<String> {
    (0..30)
        .map(|step| engine.explain(customer, &Request::of("home"), at(step * 4 + 1), Some(at(200))).unwrap().to_json())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

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
        prop_assert_eq!(engine.history(&straight), engine.history(&mixed));
        prop_assert_eq!(engine.next_due(&straight), engine.next_due(&mixed));
        prop_assert_eq!(answers(&engine, &straight), answers(&engine, &mixed));
    }

    #[test]
    fn telling_twice_changes_nothing(events in stories()) {
        let engine = engine();
        let mut customer = told(&engine, &events);
        let before = (engine.history(&customer), answers(&engine, &customer));
        for event in &events {
            let effects = engine.record(&mut customer, event, None).unwrap();
            prop_assert_eq!(effects.arrival, Some(tactful::customer::Arrival::Duplicate));
            prop_assert!(effects.effects.is_empty());
        }
        prop_assert_eq!(before, (engine.history(&customer), answers(&engine, &customer)));
    }

    #[test]
    fn questions_change_nothing(events in stories()) {
        let engine = engine();
        let customer = told(&engine, &events);
        let before = customer.to_bytes();
        let first = answers(&engine, &customer);
        let brief = engine.decide(&customer, &Request::of("home"), at(50), None).unwrap();
        let full = engine.explain(&customer, &Request::of("home"), at(50), None).unwrap();
        prop_assert_eq!(&brief.placements, &full.placements);
        prop_assert_eq!(brief.id, full.id);
        prop_assert_eq!(first, answers(&engine, &customer));
        prop_assert_eq!(before, customer.to_bytes());
    }

    #[test]
    fn what_was_decided_then_is_decided_again(events in stories()) {
        let engine = engine();
        let mut events = events;
        events.sort_by_key(|event| event.known_at.unwrap_or(event.time));
        let mut customer = engine.customer(&ada()).unwrap();
        let mut decided = Vec::new();
        let mut open = events.iter().peekable();
        for step in 0..100 {
            let now = at(step);
            while let Some(event) = open.next_if(|event| event.known_at.unwrap_or(event.time) <= now) {
                engine.record(&mut customer, event, None).unwrap();
            }
            decided.push((now, engine.decide(&customer, &Request::of("home"), now, None).unwrap()));
        }
        for (now, then) in decided {
            prop_assert_eq!(&then, &engine.decide(&customer, &Request::of("home"), now, Some(now)).unwrap());
        }
    }

    #[test]
    fn time_may_pass_in_one_step_or_in_many(events in stories()) {
        let engine = engine();
        let at_once = told(&engine, &events);
        let mut stepwise = engine.customer(&ada()).unwrap();
        let mut events = events;
        events.sort_by_key(|event| event.time);
        let mut open = events.iter().peekable();
        for step in 0..=120 {
            while let Some(event) = open.next_if(|event| event.time <= at(step)) {
                engine.record(&mut stepwise, event, None).unwrap();
            }
            engine.advance(&mut stepwise, at(step));
        }
        prop_assert_eq!(engine.history(&at_once), engine.history(&stepwise));
    }

    #[test]
    fn nothing_changes_before_it_is_due(events in stories()) {
        let engine = engine();
        let mut customer = told(&engine, &events);
        for _ in 0..20 {
            let Some(due) = engine.next_due(&customer) else { break };
            let before = engine.advance(&mut customer, due.saturating_add_micros(-1));
            prop_assert!(before.effects.is_empty(), "{:?} before {due}", before.effects);
            engine.advance(&mut customer, due);
        }
    }

    #[test]
    fn effects_add_up_to_history(events in stories()) {
        let engine = engine();
        let mut base = CustomerBase::new(engine.clone());
        let mut told = std::collections::BTreeSet::new();
        for event in &events {
            for effect in base.record(event).unwrap().effects {
                let what = serde_json::to_string(&(&effect.at, &effect.what, &effect.id, &effect.cause)).unwrap();
                match effect.kind {
                    tactful::engine::EffectKind::Withdrawn => prop_assert!(told.remove(&what), "withdrawn but never told: {what}"),
                    _ => prop_assert!(told.insert(what.clone()), "told twice: {what}"),
                }
            }
        }
        let customer = base.find(&ada()).unwrap();
        let history: std::collections::BTreeSet<String> =
            {
            let all = engine.history(customer);
            all.iter().map(|effect| serde_json::to_string(&(&effect.at, &effect.what, &effect.id, &effect.cause)).unwrap()).collect()
        };
        prop_assert_eq!(told, history);
    }

    #[test]
    fn more_consent_never_removes_an_offer(events in stories(), step in 0_u32..100) {
        let engine = engine();
        let mut customer = told(&engine, &events);
        let offers = |customer: &Customer| -> usize {
            let decision = engine.explain(customer, &Request::of("home"), at(step), Some(at(300))).unwrap();
            decision.trace.unwrap().candidates.iter().filter(|candidate| candidate.gate != tactful::decide::Gate::Consent).count()
        };
        let before = offers(&customer);
        let consent = Event::new("consent_given", at(step), ada()).with("purpose", "marketing").with_id("zz");
        engine.record(&mut customer, &consent, None).unwrap();
        prop_assert!(offers(&customer) >= before);
    }
}
