//! What comes next: counts that add up, numbers that are about enough customers, and probabilities that are some.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use proptest::prelude::*;
use std::sync::Arc;
use tactful::next::{Next, NextOptions, Outlook};
use tactful::{Customer, CustomerBase, Duration, Engine, Event, Identifier, Request, Timestamp};

const SHOP: &str = r#"
playbook: shop
version: 1
identity: {customer: {}}
events: {visit: {page: string}, cart: {sku: string}, purchase: {sku: string}, call: {}}
segments:
  buyer: events("purchase").count() >= 1
journeys:
  way:
    predict: {k: 3}
    stages:
      curious: {on: visit, from: [none, lost], timeout: {after: 30d, to: lost}}
      ready: {on: cart, timeout: {after: 10d, to: lost}}
      owner: {on: purchase}
      lost: {drop_out: true}
channels: {web: text}
placements: {home: {channel: web}}
offers:
  nudge:
    eligible: journey("way").next("purchase").within("14d") > 0.4
    treatments: {web: {message: Still interested?}}
"#;

const DAY: i64 = 86_400_000_000;

fn engine() -> Engine {
    Engine::compile(&[("shop.yaml", SHOP)]).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn time(hours: i64) -> Timestamp {
    Timestamp::from_micros(1_262_304_000_000_000 + hours * DAY / 24).unwrap()
}

fn name(number: usize) -> Identifier {
    Identifier::parse(&format!("customer:{number:03}")).unwrap()
}

/// A story: event types by number, each so many hours after the one before.
type Story = Vec<(u8, u8)>;

fn events(number: usize, story: &Story) -> Vec<Event> {
    let mut at = 0;
    let told = story.iter().enumerate().map(|(place, (kind, hours))| {
        at += i64::from(*hours);
        let kind = ["visit", "cart", "purchase", "call"][usize::from(*kind % 4)];
        Event::new(kind, time(at), name(number)).with_id(&format!("{number}-{place}"))
    });
    told.collect()
}

fn customer(engine: &Engine, number: usize, story: &Story) -> Customer {
    let mut customer = engine.customer(&name(number)).unwrap();
    for event in events(number, story) {
        engine.record(&mut customer, &event, None).unwrap();
    }
    customer
}

fn outlook(engine: &Engine, forecast: &tactful::next::Forecast, customer: &Customer, within: &[&str], now: Timestamp) -> Next {
    let within: Vec<Duration> = within.iter().map(|text| Duration::parse(text).unwrap()).collect();
    engine.next(customer, forecast, Some("way"), &within, 99, (now, now)).unwrap().remove(0)
}

fn stories() -> impl Strategy<Value = Vec<Story>> {
    proptest::collection::vec(proptest::collection::vec((0..4_u8, prop_oneof![Just(0), 0..100_u8]), 0..12), 0..14)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Parts add up to the whole, in any order and grouping, bit for bit.
    #[test]
    fn parts_add_up(stories in stories(), cut in 0..14_usize, other in 0..14_usize) {
        let engine = engine();
        let options = NextOptions::new(time(400));
        let (low, high) = (cut.min(other).min(stories.len()), cut.max(other).min(stories.len()));
        let of = |range: std::ops::Range<usize>| {
            let mut transitions = engine.transitions(&options).unwrap();
            range.for_each(|number| engine.observe_next(&mut transitions, &customer(&engine, number, &stories[number])));
            transitions
        };
        let (a, b, c) = (of(0..low), of(low..high), of(high..stories.len()));
        let whole = of(0..stories.len());
        let mut left = a.clone();
        left.merge(&b).unwrap();
        left.merge(&c).unwrap();
        let mut right = c.clone();
        right.merge(&b).unwrap();
        let mut last = b.clone();
        last.merge(&c).unwrap();
        last.merge(&a).unwrap();
        right.merge(&a).unwrap();
        prop_assert_eq!(left.to_bytes(), whole.to_bytes());
        prop_assert_eq!(right.to_bytes(), whole.to_bytes());
        prop_assert_eq!(last.forecast().to_bytes(), whole.forecast().to_bytes());
        // Bytes go round, and observing again changes nothing.
        let mut again = engine.transitions_from_bytes(&whole.to_bytes()).unwrap();
        prop_assert_eq!(&again, &whole);
        for (number, story) in stories.iter().enumerate() {
            engine.observe_next(&mut again, &customer(&engine, number, story));
        }
        prop_assert_eq!(&again, &whole);
        let forecast = whole.forecast();
        let read = engine.forecast_from_bytes(&forecast.to_bytes()).unwrap();
        prop_assert_eq!(&read, &forecast);
        prop_assert_eq!(read.digest(), forecast.digest());
        // Whoever is forgotten was never there.
        for number in low..stories.len() {
            again.forget(name(number).as_str());
        }
        prop_assert_eq!(again.to_bytes(), a.to_bytes());
    }

    /// The order in which events arrive makes no difference, and what comes after the instant of the count none either.
    #[test]
    fn arrival_and_the_future_make_no_difference(stories in stories(), at in 0..500_i64, seed in any::<u64>()) {
        let engine = engine();
        let options = NextOptions::new(time(at));
        let (mut straight, mut shuffled) = (engine.transitions(&options).unwrap(), engine.transitions(&options).unwrap());
        for (number, story) in stories.iter().enumerate() {
            engine.observe_next(&mut straight, &customer(&engine, number, story));
            let mut told = events(number, story);
            told.retain(|event| event.time <= time(at));
            for place in 0..told.len() {
                let other = (seed.rotate_left(place as u32) as usize) % told.len();
                told.swap(place, other);
            }
            let mut late = engine.customer(&name(number)).unwrap();
            for event in &told {
                engine.record(&mut late, event, None).unwrap();
            }
            engine.observe_next(&mut shuffled, &late);
        }
        prop_assert_eq!(straight.to_bytes(), shuffled.to_bytes());
    }

    /// What is told are probabilities: none below zero, together with nothing one, and never less within a longer time.
    #[test]
    fn probabilities_are_some(stories in stories(), asks in proptest::collection::vec((0..4_u8, 0..100_u8), 1..5), later in 0..3_000_i64) {
        let engine = engine();
        let mut base = CustomerBase::new(engine.clone());
        for (number, story) in stories.iter().enumerate() {
            for event in events(number, story) {
                base.record(&event).unwrap();
            }
        }
        let forecast = base.learn(&NextOptions::new(time(0))).unwrap();
        let forecast = if later % 2 == 0 { base.learn(&NextOptions::new(time(1_200))).unwrap() } else { forecast };
        let asking = customer(&engine, 900, &asks);
        let now = time(1_200 + later);
        let next = outlook(&engine, &forecast, &asking, &["1s", "1h", "1d", "3d", "30d", "400d"], now);
        for Outlook { nothing, likely, rest, median_seconds, .. } in [next.event, next.next_stage, next.change].into_iter().flatten() {
            for pair in nothing.windows(2) {
                prop_assert!(pair[0] >= pair[1]);
            }
            let mut sums = vec![0.0; nothing.len()];
            for one in &likely {
                prop_assert!((0.0..=1.0 + 1e-12).contains(&one.probability), "{one:?}");
                for pair in one.within.windows(2) {
                    prop_assert!(pair[0] <= pair[1] + 1e-12, "{one:?}");
                }
                prop_assert!(one.within.iter().all(|within| *within >= 0.0 && *within <= one.probability + 1e-12), "{one:?}");
                sums.iter_mut().zip(&one.within).for_each(|(sum, within)| *sum += within);
                prop_assert_eq!(one.median_seconds.is_some(), one.probability > 0.0, "{:?}", one);
            }
            for (sum, nothing) in sums.iter().zip(&nothing) {
                prop_assert!(sum + nothing <= 1.0 + 1e-9 && sum + nothing + rest >= 1.0 - 1e-9, "{sum} {nothing} {rest}");
            }
            prop_assert!(median_seconds.is_none_or(|seconds| seconds >= 0.0));
        }
    }

    /// Damaged bytes are refused or read, and never anything else.
    #[test]
    fn damaged_bytes_are_refused(stories in stories(), place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let engine = engine();
        let mut transitions = engine.transitions(&NextOptions::new(time(400))).unwrap();
        stories.iter().enumerate().for_each(|(number, story)| engine.observe_next(&mut transitions, &customer(&engine, number, story)));
        for mut bytes in [transitions.to_bytes(), transitions.forecast().to_bytes()] {
            let whole = bytes.clone();
            let place = place.index(bytes.len());
            bytes[place] = byte;
            let refused = engine.transitions_from_bytes(&bytes).is_err() && engine.forecast_from_bytes(&bytes).is_err();
            prop_assert!(refused || bytes == whole);
        }
    }
}

/// One way of `count` customers: the same steps, each after its hours.
fn same(count: usize, story: &[(u8, u8)]) -> Vec<Story> {
    vec![story.to_vec(); count]
}

fn learned(stories: &[Story], at: Timestamp) -> CustomerBase {
    let mut base = CustomerBase::new(engine());
    for (number, story) in stories.iter().enumerate() {
        for event in events(number, story) {
            base.record(&event).unwrap();
        }
    }
    base.learn(&NextOptions::new(at)).unwrap();
    base
}

#[test]
fn numbers_are_those_of_a_life_table() {
    // Of ten who put something into their cart, six buy a day later, two call two days later, and two do nothing.
    let mut stories = same(6, &[(1, 0), (2, 24)]);
    stories.extend(same(3, &[(1, 0), (3, 48)]));
    stories.extend(same(3, &[(1, 0)]));
    let base = learned(&stories, time(24 * 100));
    let (engine, forecast) = (base.engine().clone(), base.forecast().unwrap().clone());
    // Right after the step: the context is drawn to the wider ones, which differ by what follows purchases and calls (nothing).
    let all = ["30h", "60h"].map(|text| Duration::parse(text).unwrap());
    let asked = |hours: i64| {
        let mut late = engine.customer(&name(901)).unwrap();
        engine.record(&mut late, &Event::new("cart", time(24 * 100), name(901)), None).unwrap();
        let now = time(24 * 100 + hours);
        engine.next(&late, &forecast, Some("way"), &all, 9, (now, now)).unwrap().remove(0).event.unwrap()
    };
    let fresh = asked(0);
    let of = |outlook: &Outlook, what: &str| outlook.likely.iter().find(|one| one.what == what).unwrap().clone();
    assert_eq!((fresh.order, fresh.steps), (3, 12));
    let (purchase, call) = (of(&fresh, "purchase"), of(&fresh, "call"));
    // 6 of 12 within 30 hours. Nobody else ever stood in this stage after a cart, so the wider contexts say the same.
    assert!((purchase.within[0] - 0.5).abs() < 0.03, "{purchase:?}");
    assert!((call.probability - 0.25).abs() < 0.03, "{call:?}");
    assert!((fresh.nothing[1] - 0.25).abs() < 0.04, "{fresh:?}");
    // After 30 hours those who bought are gone: half of the rest calls.
    let waited = asked(30);
    assert!(of(&waited, "purchase").probability < 0.03, "{waited:?}");
    assert!((of(&waited, "call").probability - 0.5).abs() < 0.07, "{waited:?}");
    let median = of(&waited, "call").median_seconds.unwrap() / 3_600.0;
    assert!((15.0..22.0).contains(&median), "{median}");
    // Nobody is known to have waited a hundred days and then done something.
    assert_eq!(asked(24 * 101).likely.iter().map(|one| one.probability).sum::<f64>(), 0.0);
}

#[test]
fn numbers_about_few_are_not_told() {
    // Two customers call after a visit, which is fewer than three; with a third the number is told.
    let mut stories = same(20, &[(0, 0), (1, 5)]);
    stories.extend(same(2, &[(0, 0), (3, 5)]));
    let chance = |stories: &[Story]| {
        let base = learned(stories, time(24 * 10));
        let engine = base.engine().clone();
        let mut asking = engine.customer(&name(900)).unwrap();
        engine.record(&mut asking, &Event::new("visit", time(24 * 10), name(900)), None).unwrap();
        let chance = |event: &str| {
            engine.chance(&asking, base.forecast().unwrap(), "way", event, Duration::parse("30d").unwrap(), time(24 * 10))
        };
        (chance("call"), chance("cart"))
    };
    let (call, cart) = chance(&stories);
    assert_eq!(call, None);
    assert!(cart.unwrap() > 0.7, "{cart:?}");
    stories.push(vec![(0, 0), (3, 5)]);
    let (call, _) = chance(&stories);
    assert!((call.unwrap() - 3.0 / 23.0).abs() < 0.02, "{call:?}");
    // A population of two says nothing at all.
    assert_eq!(chance(&same(2, &[(0, 0), (1, 5)])), (None, None));
}

#[test]
fn rules_ask_what_comes_next() {
    let mut base = learned(&same(9, &[(1, 0), (2, 24)]), time(24 * 20));
    let (now, ada) = (time(24 * 20 + 1), name(900));
    let kind = |base: &CustomerBase, now| {
        let decision = base.explain(&ada, &Request::of("home"), now, None).unwrap();
        (decision.placements[0].kind(), decision.forecast.clone(), serde_json::to_string(&decision.trace).unwrap())
    };
    // Of somebody of whom nothing is known it is unknown.
    let (silent, digest, trace) = kind(&base, now);
    assert_eq!((silent, digest.as_ref()), ("silence", Some(base.forecast().unwrap().digest())));
    assert!(trace.contains(r#"journey(\"way\").next(\"purchase\").within(\"14d\")"#) && trace.contains("unknown"), "{trace}");
    base.record(&Event::new("cart", time(24 * 20), ada.clone())).unwrap();
    assert_eq!(kind(&base, now).0, "offers");
    let with = base.decide(&ada, &Request::of("home"), now, None).unwrap();
    // Before the population was counted, and without one, it is unknown.
    assert_eq!(kind(&base, time(24 * 20 - 1)).0, "silence");
    let read = CustomerBase::from_bytes(base.engine().clone(), &base.to_bytes()).unwrap();
    assert_eq!(kind(&read, now).0, "offers");
    let forecast: Arc<_> = base.forecast().unwrap().clone();
    base.foresee(None);
    assert_eq!((kind(&base, now).0, kind(&base, now).1), ("silence", None));
    assert_ne!(base.decide(&ada, &Request::of("home"), now, None).unwrap().id, with.id);
    // The request may bring it, also without a base.
    let request = Request::of("home").foreseeing(&forecast);
    assert_eq!(base.decide(&ada, &request, now, None).unwrap().placements[0].kind(), "offers");
    let customer = base.find(&ada).unwrap();
    assert_eq!(base.engine().decide(customer, &request, now, None).unwrap().placements[0].kind(), "offers");
    // One of another playbook is refused.
    let other = Engine::compile(&[("shop.yaml", &SHOP.replace("version: 1", "version: 2"))]).unwrap();
    let refused = CustomerBase::new(other.clone()).decide(&ada, &request, now, None).unwrap_err();
    assert_eq!((refused.code(), refused.path()), ("other_playbook", "forecast"));
    // Its bytes are read by any version that counts alike.
    let carried = Arc::new(other.forecast_from_bytes(&forecast.to_bytes()).unwrap());
    CustomerBase::new(other).decide(&ada, &Request::of("home").foreseeing(&carried), now, None).unwrap();
    let less = Engine::compile(&[("shop.yaml", &SHOP.replace("{k: 3}", "{k: 3, events: purchase}"))]).unwrap();
    assert_eq!(less.forecast_from_bytes(&forecast.to_bytes()).unwrap_err().code(), "other_playbook");
}

#[test]
fn segments_and_stages_make_a_difference() {
    // Whoever bought before calls after a visit; others put something into the cart.
    let mut stories = same(30, &[(2, 0), (0, 10), (3, 10)]);
    stories.extend(same(30, &[(0, 10), (1, 10)]));
    let base = learned(&stories, time(24 * 100));
    let engine = base.engine().clone();
    let likeliest = |story: &Story| {
        let mut asking = engine.customer(&name(900)).unwrap();
        for (place, (kind, _)) in story.iter().enumerate() {
            let kind = ["visit", "cart", "purchase", "call"][usize::from(*kind)];
            let at = time(24 * 100 + place as i64);
            engine.record(&mut asking, &Event::new(kind, at, name(900)), None).unwrap();
        }
        let now = time(24 * 100 + story.len() as i64);
        let next = outlook(&engine, base.forecast().unwrap(), &asking, &["7d"], now);
        (next.event.unwrap().likely[0].what.clone(), next.change.map(|change| change.likely.len()))
    };
    assert_eq!(likeliest(&vec![(2, 0), (0, 0)]).0, "call");
    assert_eq!(likeliest(&vec![(0, 0)]).0, "cart");
}

#[test]
fn what_is_wrong_is_said() {
    let wrong = |rule: &str| {
        let text = SHOP.replace(r#"journey("way").next("purchase").within("14d") > 0.4"#, rule);
        let mistakes = Engine::compile(&[("shop.yaml", &text)]).unwrap_err();
        mistakes.0.iter().map(|mistake| (mistake.code, mistake.message.clone(), mistake.hint.clone())).collect::<Vec<_>>()
    };
    for (rule, code, hint) in [
        (r#"journey("way").next("purchase") > 0.4"#, "bad_call", ".within("),
        (r#"journey("way").next("purchas").within("14d") > 0.4"#, "unknown_name", "`purchase`"),
        (r#"journey("way").next("owner").within("14d") > 0.4"#, "unknown_name", "next_stage"),
        (r#"journey("way").next("purchase").within("soon") > 0.4"#, "bad_window", "14d"),
        (r#"journey("way").next("purchase").count() > 4"#, "bad_call", "within"),
        (r#"journey("wey").next("purchase").within("14d") > 0.4"#, "unknown_name", "way"),
        (r#"journey("way").next_stage("ownr").within("14d") > 0.4"#, "unknown_name", "`owner`"),
        (r#"journey("way").next_segment("byer").within("14d") > 0.4"#, "unknown_name", "`buyer`"),
        (r#"journey("way").next > 0.4"#, "unknown_name", "next"),
    ] {
        let found = wrong(rule);
        assert!(found.len() == 1 && found[0].0 == code, "{rule}: {found:?}");
        assert!(found[0].2.as_ref().is_some_and(|found| found.contains(hint)), "{rule}: {found:?}");
    }
    // What a journey does not look at is never known, so no rule may wait for it.
    for (told, rule, key) in [
        ("{k: 3, events: [visit, cart]}", r#"journey("way").next("purchase").within("14d") > 0.4"#, "events"),
        ("{k: 3, segments: []}", r#"journey("way").next_segment("buyer").within("14d") > 0.4"#, "segments"),
    ] {
        let text = SHOP.replace("{k: 3}", told).replace(r#"journey("way").next("purchase").within("14d") > 0.4"#, rule);
        let mistakes = Engine::compile(&[("shop.yaml", &text)]).unwrap_err();
        let [mistake] = &mistakes.0[..] else { panic!("{mistakes}") };
        assert_eq!((mistake.code, &*mistake.path), ("not_predicted", &*format!("journeys.way.predict.{key}")));
        assert!(mistake.hint.as_ref().is_some_and(|hint| hint.contains("predict")), "{mistake:?}");
    }
    let text = SHOP.replace("buyer: events", "buyer: journey(\"way\").next_stage(\"owner\").within(\"1d\") > 0.5 || events");
    let mistakes = Engine::compile(&[("shop.yaml", &text)]).unwrap_err();
    assert_eq!(mistakes.0.iter().map(|mistake| mistake.code).collect::<Vec<_>>(), ["prediction_in_state"]);
    let engine = engine();
    let backwards = NextOptions { at: time(0), since: Some(time(1)) };
    assert_eq!(engine.transitions(&backwards).unwrap_err().code(), "wrong_value");
    let (mut one, other) =
        (engine.transitions(&NextOptions::new(time(0))).unwrap(), engine.transitions(&NextOptions::new(time(1))).unwrap());
    assert_eq!(one.merge(&other).unwrap_err().code(), "other_transitions");
}
