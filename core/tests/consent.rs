//! Laws of consent, over random stories of two linked identifiers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use proptest::prelude::*;
use tactful::{CustomerBase, Engine, Event, Identifier, Request, Timestamp};

const PLAYBOOK: &str = r#"playbook: shop
version: 1
identity: {customer: {}, cookie: {anonymous: true}}
purposes: {marketing: opt_in, news: opt_out, health: {default: opt_in, expires_after: 20d}}
attributes: {pregnant: {type: bool, sensitivity: special, purposes: health}}
events: {visit: {}}
channels: {web: {contact: false}, email: text}
placements: {home: {channel: web}, mail: {channel: email}, hero: {channel: web, purposes: marketing}}
offers:
  a: {purposes: marketing, treatments: {web: {message: a}, email: {message: a}}}
  b: {purposes: news, eligible: 'events("visit").count() >= 0', treatments: {web: {message: b}, email: {message: b}}}
  c: {purposes: [marketing, news], treatments: {web: {message: c}, email: {message: c}}}
  d: {purposes: health, eligible: '!has(customer.pregnant) || customer.pregnant', treatments: {web: {message: d}}}
"#;

fn engine() -> Engine {
    Engine::compile(&[("shop", PLAYBOOK)]).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn at(day: u32) -> Timestamp {
    Timestamp::from_micros(1_770_000_000_000_000 + i64::from(day) * 86_400_000_000).unwrap()
}

fn who(cookie: bool) -> Identifier {
    Identifier::parse(if cookie { "cookie:a" } else { "customer:1" }).unwrap()
}

/// Something said: what, about which purpose, on which identifier, with which scope, when, and for how long.
type Said = (u8, u8, bool, u8, u32, Option<u32>);

fn said() -> impl Strategy<Value = Said> {
    (0_u8..7, 0_u8..4, any::<bool>(), 0_u8..5, 0_u32..60, prop::option::weighted(0.3, 1_u32..30))
}

fn event((what, purpose, cookie, scope, day, lasts): Said, id: &str) -> Event {
    let kinds =
        ["consent_given", "consent_withdrawn", "objected", "objection_withdrawn", "do_not_contact", "contact_allowed", "visit"];
    let kind = kinds[usize::from(what)];
    let mut event = Event::new(kind, at(day), who(cookie)).with_id(id);
    let contact = what >= 4;
    if what < 4 && (purpose < 3 || what < 2) {
        event = event.with("purpose", ["marketing", "news", "health", "marketing"][usize::from(purpose)]);
    }
    match scope {
        1 if !contact => event = event.with("scope", "person"),
        2 if !contact => event = event.with("scope", "identifier"),
        3 if what < 6 => event = event.with("for_channel", "email"),
        4 if what < 6 => event = event.with("for_channel", "web"),
        _ => {}
    }
    match lasts {
        Some(days) if what != 6 => event.with("expires", at(day + days).to_string().as_str()),
        _ => event,
    }
}

fn told(engine: &Engine, story: &[Said], linked: bool) -> CustomerBase {
    let mut base = CustomerBase::new(engine.clone());
    if linked {
        let mut link = Event::new("linked", at(0), who(false)).with_id("link");
        link.identifiers.push(who(true));
        base.record(&link).unwrap();
    }
    for (number, said) in story.iter().enumerate() {
        base.record(&event(*said, &format!("e{number}"))).unwrap();
    }
    base
}

/// What is permitted: every offer that came beyond consent, by placement.
fn permitted(base: &CustomerBase, met_on: Option<bool>, cookie: bool, day: u32) -> Vec<String> {
    let placements = ["home", "mail", "hero"].map(str::to_owned).to_vec();
    let request = Request { placements, identifier: met_on.map(who), ..Request::default() };
    let engine = base.engine();
    let nobody = engine.customer(&who(cookie)).unwrap();
    let customer = base.find(&who(cookie)).unwrap_or(&nobody);
    let trace = engine.explain(customer, &request, at(day), Some(at(200))).unwrap().trace.unwrap();
    let beyond = trace.candidates.iter().filter(|candidate| candidate.gate != tactful::decide::Gate::Consent);
    beyond.map(|candidate| format!("{}:{}", candidate.placement, candidate.offer)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn more_consent_never_removes_an_offer(
        story in prop::collection::vec(said(), 0..10), more in said(), linked in any::<bool>(),
        met_on in prop::option::of(any::<bool>()), day in 0_u32..80,
    ) {
        let engine = engine();
        let before = permitted(&told(&engine, &story, linked), met_on, false, day);
        let mut longer = story.clone();
        longer.push((0, more.1, more.2, more.3, more.4, more.5));
        let after = permitted(&told(&engine, &longer, linked), met_on, false, day);
        for offer in before {
            prop_assert!(after.contains(&offer), "{offer} went away: {longer:?}");
        }
    }

    #[test]
    fn less_permission_never_adds_an_offer(
        story in prop::collection::vec(said(), 0..10), more in said(), kind in 0_u8..3,
        met_on in prop::option::of(any::<bool>()), day in 0_u32..80,
    ) {
        let engine = engine();
        let before = permitted(&told(&engine, &story, true), met_on, false, day);
        let mut longer = story.clone();
        longer.push(([1, 2, 4][usize::from(kind)], more.1, more.2, more.3, more.4, more.5));
        for offer in permitted(&told(&engine, &longer, true), met_on, false, day) {
            prop_assert!(before.contains(&offer), "{offer} came in: {longer:?}");
        }
    }

    #[test]
    fn the_person_s_last_no_wins_over_any_later_yes_on_one_identifier_or_channel(
        story in prop::collection::vec(said(), 0..8), kind in 1_u8..3, met_on in prop::option::of(any::<bool>()),
    ) {
        let engine = engine();
        // Nothing after the day of the withdrawal binds to the person, nor takes an objection of the person back.
        let mut story: Vec<Said> = story;
        for said in &mut story {
            let later = said.4 >= 30;
            if later && (said.0 == 0 || said.0 == 3) && !matches!(said.3, 2..=4) {
                said.3 = 2;
            }
        }
        story.push((kind, 0, false, 1, 30, None));
        let base = told(&engine, &story, true);
        for offer in permitted(&base, met_on, false, 70) {
            prop_assert!(!offer.ends_with('a') && !offer.ends_with('c'), "{offer}: {story:?}");
        }
    }

    #[test]
    fn after_a_revoked_link_each_has_what_was_told_on_it_alone(
        story in prop::collection::vec(said(), 0..10), met_on in prop::option::of(any::<bool>()), day in 0_u32..80,
    ) {
        let engine = engine();
        let apart = told(&engine, &story, false);
        let mut base = told(&engine, &story, true);
        let mut unlink = Event::new("unlinked", at(0), who(false)).with_id("unlink");
        unlink.identifiers.push(who(true));
        unlink.sequence = 1;
        base.record(&unlink).unwrap();
        for cookie in [false, true] {
            prop_assert_eq!(permitted(&base, met_on, cookie, day), permitted(&apart, met_on, cookie, day));
        }
    }

    #[test]
    fn the_order_of_arrival_does_not_matter(
        story in prop::collection::vec(said(), 0..10), met_on in prop::option::of(any::<bool>()), day in 0_u32..80,
    ) {
        let engine = engine();
        let straight = told(&engine, &story, true);
        let mut base = CustomerBase::new(engine.clone());
        for (number, said) in story.iter().enumerate().rev() {
            base.record(&event(*said, &format!("e{number}"))).unwrap();
        }
        let mut link = Event::new("linked", at(0), who(false)).with_id("link");
        link.identifiers.push(who(true));
        base.record(&link).unwrap();
        prop_assert_eq!(permitted(&base, met_on, false, day), permitted(&straight, met_on, false, day));
    }
}

#[test]
fn an_identifier_that_only_gave_consent_takes_nothing_away() {
    let engine = engine();
    // Bound to the customer number, for marketing; then the browser says yes to something else.
    let story = vec![(0, 0, false, 2, 1, None)];
    let before = permitted(&told(&engine, &story, true), None, false, 10);
    assert!(before.contains(&"home:a".to_owned()), "{before:?}");
    let more = [story.clone(), vec![(0, 1, true, 4, 2, None)]].concat();
    assert_eq!(permitted(&told(&engine, &more, true), None, false, 10), before);
    // A browser in which something was done, and which said nothing about marketing, does.
    let visited = [story, vec![(6, 0, true, 0, 2, None)]].concat();
    assert!(!permitted(&told(&engine, &visited, true), None, false, 10).contains(&"home:a".to_owned()));
}
