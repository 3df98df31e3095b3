//! Laws of identity: who is the same person depends on the set of events, not on the order in which they arrive; what was revoked
//! leaves everything as if it had never been; and the incremental fold says what folding everything again says.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use tactful::base::CustomerBase;
use tactful::engine::{Effect, EffectKind, Effected};
use tactful::{Engine, Event, Identifier, Request, Timestamp};

const PLAYBOOK: &str = r#"
playbook: identity
version: 1
identity:
  customer: {unique: true}
  email: {limit: 2, normalize: email, guard: 3}
  cookie: {anonymous: true, limit: 3, guard: 2}
  terminal: {shared: true}
identity_limits: {identifiers: 5, confidence: 0.7}
purposes: {marketing: opt_in}
attributes: {city: string}
events: {visit: {page: string}, purchase: {amount: money(EUR)}}
segments:
  visitor: events("visit").within("3d").count() >= 2
  buyer: events("purchase").sum("amount") > 20
  local: customer.city == "Ulm"
journeys:
  way:
    stages:
      new: {on: visit, from: [none, gone]}
      first: {on: purchase, timeout: {after: 6d, to: gone}}
      gone: {drop_out: true}
channels: {web: text}
placements: {home: {channel: web, slots: 3}}
contact: [{count: shown, scope: offer, at_most: 1, per: rolling 4d}]
offers:
  one: {purposes: [marketing], eligible: segment("buyer"), value: 2, treatments: {web: {message: one}}}
  two: {eligible: 'segment("visitor") || segment("local")', treatments: {web: {message: two}}}
  three: {applicable: 'journey("way").stage == "gone"', treatments: {web: {message: three}}}
"#;

const NAMES: [&str; 11] = [
    "customer:a",
    "customer:b",
    "customer:c",
    "email:x@d.de",
    "email:y@d.de",
    "email:z@d.de",
    "cookie:1",
    "cookie:2",
    "cookie:3",
    "cookie:4",
    "terminal:t",
];

fn engine() -> Engine {
    Engine::compile(&[("identity.yaml", PLAYBOOK)]).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn name(number: u8) -> Identifier {
    Identifier::parse(NAMES[usize::from(number) % NAMES.len()]).unwrap()
}

fn at(step: u32) -> Timestamp {
    Timestamp::parse("2026-03-20T00:00:00Z").unwrap().saturating_add_micros(i64::from(step) * 6 * 3_600_000_000)
}

type Part = (u8, u8, u8, u32, u32);

fn event(number: usize, (kind, a, b, step, late): Part) -> Event {
    let same = a % 11 == b % 11;
    let other = name(if same { b + 1 } else { b });
    let two = |event: &str| {
        let mut event = Event::new(event, at(step), name(a));
        event.identifiers.push(other.clone());
        event
    };
    let mut event = match kind {
        0..=4 => two("linked"),
        5 => two("linked").with("kind", "probabilistic").with("confidence", 0.5 + f64::from(b % 5) / 10.0),
        6 => two("unlinked"),
        7 => Event::new("unlinked", at(step), name(a)).with("event", format!("e{}", usize::from(b) % (number + 1)).as_str()),
        8..=9 => two("visit"),
        10 => Event::new("purchase", at(step), name(a)).with("amount", "12.50"),
        11 => Event::new("attribute_set", at(step), name(a)).with("attribute", "city").with("value", "Ulm"),
        12 => Event::new("consent_given", at(step), name(a)).with("purpose", "marketing"),
        _ => Event::new("shown", at(step), name(a)).with("offer", "two").with("placement", "home"),
    }
    .with_id(&format!("e{number}"));
    event.known_at = (late > 0).then(|| at(step + late));
    event
}

fn stories(most: usize) -> impl Strategy<Value = Vec<Event>> {
    let part = (0_u8..14, 0_u8..11, 0_u8..11, 0_u32..40, prop_oneof![3 => Just(0_u32), 1 => 1_u32..9]);
    prop::collection::vec(part, 1..most)
        .prop_map(|parts| parts.into_iter().enumerate().map(|(number, part)| event(number, part)).collect())
}

fn shuffled(events: &[Event], seed: u64) -> Vec<Event> {
    let mut events = events.to_vec();
    let mut state = seed | 1;
    for place in (1..events.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        events.swap(place, usize::try_from(state >> 33).unwrap() % (place + 1));
    }
    events
}

fn told(engine: &Engine, events: &[Event]) -> CustomerBase {
    let mut base = CustomerBase::new(engine.clone());
    for event in events {
        base.record(event).unwrap();
    }
    base
}

/// Who is one, as it can be seen from outside.
fn partition(base: &CustomerBase) -> BTreeSet<Vec<Identifier>> {
    NAMES.iter().map(|name| base.identifiers(&Identifier::parse(name).unwrap()).unwrap()).collect()
}

/// Everything derived of everybody: decisions with their reasons, segments, stages, history.
fn everything(base: &CustomerBase) -> Vec<String> {
    let mut all = Vec::new();
    for customer in base.iter() {
        let mut customer = customer.clone();
        base.engine().advance(&mut customer, at(60));
        all.push(format!("{} {:?}", customer.id(), base.engine().history(&customer)));
    }
    for name in NAMES {
        let identifier = Identifier::parse(name).unwrap();
        for step in (0..50).step_by(7) {
            all.push(base.explain(&identifier, &Request::of("home"), at(step), Some(at(step))).unwrap().to_json());
        }
        all.push(base.explain(&identifier, &Request::of("home"), at(50), Some(at(90))).unwrap().to_json());
    }
    all
}

/// A fold of everything at once, written for clearness.
mod plain {
    use super::*;

    type Turn = (Timestamp, String);

    type Word = (Identifier, Identifier, Turn, Option<f64>);

    fn sayings(events: &[Event]) -> (Vec<Word>, Vec<(Identifier, String)>) {
        let (mut pairs, mut revoked) = (Vec::new(), Vec::new());
        for event in events {
            let turn = (event.time, event.id.clone().unwrap());
            let confidence = match event.property("confidence") {
                Some(tactful::Value::Double(confidence)) => *confidence,
                _ => 1.0,
            };
            if let (Some(tactful::Value::String(id)), "unlinked") = (event.property("event"), event.event_type.as_str()) {
                revoked.push((event.identifiers[0].clone(), id.to_string()));
            } else if let [a, b] = &event.identifiers[..] {
                let word = (event.event_type != "unlinked").then_some(confidence);
                pairs.push((a.min(b).clone(), a.max(b).clone(), turn, word));
            }
        }
        pairs.sort_by(|a, b| a.2.cmp(&b.2));
        (pairs, revoked)
    }

    fn rank(identifier: &Identifier) -> usize {
        ["customer", "email", "cookie", "terminal"].iter().position(|name| *name == identifier.namespace()).unwrap()
    }

    fn identifies(identifier: &Identifier) -> bool {
        rank(identifier) < 2
    }

    pub(super) fn partition(events: &[Event]) -> BTreeSet<Vec<Identifier>> {
        let (said, revoked) = sayings(events);
        let mut standing: BTreeMap<(Identifier, Identifier), Turn> = BTreeMap::new();
        for (a, b, turn, word) in said {
            let key = (a.clone(), b.clone());
            let void = revoked.iter().any(|(at, id)| *id == turn.1 && (*at == a || *at == b));
            match word {
                None => drop(standing.remove(&key)),
                Some(confidence) if confidence >= 0.7 && !void => drop(standing.entry(key).or_insert(turn)),
                Some(_) => {}
            }
        }
        let guarded = |identifier: &Identifier| {
            let others = standing.keys().filter(|(a, b)| a == identifier || b == identifier);
            let others: Vec<&Identifier> = others.map(|(a, b)| if a == identifier { b } else { a }).collect();
            let guard = match identifier.namespace() {
                "terminal" => return true,
                "cookie" => 2,
                "email" => 3,
                _ => 100,
            };
            others.len() > 5 || others.iter().filter(|other| identifies(other)).count() > guard
        };
        let mut links: Vec<_> = standing.iter().filter(|((a, b), _)| !guarded(a) && !guarded(b)).collect();
        links.sort_by_key(|((a, b), turn)| ((*turn).clone(), rank(a).max(rank(b)), a.clone(), b.clone()));
        let mut groups: Vec<BTreeSet<Identifier>> =
            NAMES.iter().map(|name| BTreeSet::from([Identifier::parse(name).unwrap()])).collect();
        for ((a, b), _) in links {
            let place = |identifier: &Identifier| groups.iter().position(|group| group.contains(identifier)).unwrap();
            let (left, right) = (place(a), place(b));
            let both: BTreeSet<Identifier> = groups[left].union(&groups[right]).cloned().collect();
            let count = |namespace: &str| both.iter().filter(|one| one.namespace() == namespace).count();
            let device = !identifies(a) || !identifies(b);
            let two_people = device && [left, right].iter().all(|group| groups[*group].iter().any(identifies));
            let fits = both.len() <= 5 && count("customer") <= 1 && count("email") <= 2 && count("cookie") <= 3;
            if left != right && fits && !two_people {
                groups[left] = both;
                groups.remove(right);
            }
        }
        groups.into_iter().map(|group| group.into_iter().collect()).collect()
    }
}

/// What was told and not taken back, by what it says.
#[derive(Default)]
struct Net(BTreeMap<String, i32>);

impl Net {
    fn add(&mut self, base: &CustomerBase, owner: &Identifier, effects: &[Effect]) {
        for effect in effects {
            let link = matches!(effect.what, Effected::Merged { .. } | Effected::Parted { .. } | Effected::LinkRefused { .. });
            let customer = match &effect.customer {
                // Two events of one instant may say the same of the same link.
                _ if link => format!(" {}", effect.cause.as_deref().unwrap_or("")),
                Some(customer) => customer.to_string(),
                None => base.find(owner).unwrap().id().to_owned(),
            };
            let key = format!("{customer} {} {} {}", effect.at, effect.id, serde_json::to_string(&effect.what).unwrap());
            *self.0.entry(key).or_default() += if effect.kind == EffectKind::Withdrawn { -1 } else { 1 };
        }
    }

    fn holds(self) -> BTreeSet<String> {
        self.0.iter().for_each(|(key, count)| assert!((0..=1).contains(count), "{count} times: {key}"));
        self.0.into_iter().filter(|(_, count)| *count > 0).map(|(key, _)| key).collect()
    }
}

/// All effects of recording some events and of letting time pass for everybody, taken together.
fn net(engine: &Engine, events: &[Event]) -> (CustomerBase, BTreeSet<String>) {
    let (mut base, mut net) = (CustomerBase::new(engine.clone()), Net::default());
    for event in events {
        let effects = base.record(event).unwrap().effects;
        let primary = event.identifiers.iter().min_by_key(|identifier| {
            let rank = ["customer", "email", "cookie", "terminal"].iter().position(|name| *name == identifier.namespace());
            (rank, (*identifier).clone())
        });
        net.add(&base, primary.unwrap(), &effects);
    }
    for customer in base.iter() {
        let mut customer = customer.clone();
        let effects = engine.advance(&mut customer, at(60)).effects;
        let owner = customer.strands()[0].identifier().clone();
        net.add(&base, &owner, &effects);
    }
    (base, net.holds())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_incremental_fold_says_what_folding_everything_says(events in stories(40), seed in any::<u64>()) {
        let engine = engine();
        let expected = plain::partition(&events);
        prop_assert_eq!(partition(&told(&engine, &events)), expected.clone());
        prop_assert_eq!(partition(&told(&engine, &shuffled(&events, seed))), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn order_of_arrival_does_not_matter(events in stories(25), seed in any::<u64>()) {
        let engine = engine();
        let (straight, mixed) = (told(&engine, &events), told(&engine, &shuffled(&events, seed)));
        prop_assert_eq!(everything(&straight), everything(&mixed));
    }

    #[test]
    fn telling_twice_changes_nothing(events in stories(25)) {
        let engine = engine();
        let mut base = told(&engine, &events);
        let before = everything(&base);
        for event in &events {
            let effects = base.record(event).unwrap();
            prop_assert!(effects.effects.is_empty(), "{:?}", effects.effects);
        }
        prop_assert_eq!(before, everything(&base));
    }

    #[test]
    fn what_was_revoked_leaves_nothing_behind(events in stories(20), a in 0_u8..11, b in 0_u8..11) {
        // A link between two, told last and revoked, and the same story without it.
        prop_assume!(a != b);
        let engine = engine();
        let mut base = told(&engine, &events);
        let (before, derived) = (partition(&base), everything(&base).len());
        let mut link = Event::new("linked", at(45), name(a)).with_id("link");
        link.identifiers.push(name(b));
        base.record(&link).unwrap();
        let primary = if base.find(&name(a)).is_some() { name(a) } else { name(b) };
        base.record(&Event::new("unlinked", at(46), primary.clone()).with("event", "link").with_id("unlink")).unwrap();
        prop_assert_eq!(partition(&base), before);
        prop_assert!(everything(&base).len() >= derived);
    }

    #[test]
    fn who_was_the_same_then_is_what_was_known_then(events in stories(25), now in 0_u32..50, known in 0_u32..60) {
        let engine = engine();
        let base = told(&engine, &events);
        let then: Vec<Event> = events
            .iter()
            .filter(|event| event.time <= at(now) && event.known_at.unwrap_or(event.time) <= at(known))
            .cloned()
            .collect();
        let fresh = told(&engine, &then);
        for name in NAMES {
            let identifier = Identifier::parse(name).unwrap();
            let found = base.identifiers_at(&identifier, at(now), at(known)).unwrap();
            prop_assert_eq!(found, fresh.identifiers(&identifier).unwrap());
            let ask = |base: &CustomerBase| base.decide(&identifier, &Request::of("home"), at(now), Some(at(known))).unwrap().to_json();
            prop_assert_eq!(ask(&base), ask(&fresh));
        }
    }

    #[test]
    fn effects_add_up_whatever_the_order(events in stories(25), seed in any::<u64>()) {
        let engine = engine();
        let (base, told) = net(&engine, &events);
        let (_, mixed) = net(&engine, &shuffled(&events, seed));
        prop_assert_eq!(&told, &mixed);
        let mut history = BTreeSet::new();
        for customer in base.iter() {
            let mut customer = customer.clone();
            engine.advance(&mut customer, at(60));
            for effect in engine.history(&customer) {
                let what = serde_json::to_string(&effect.what).unwrap();
                history.insert(format!("{} {} {} {what}", customer.id(), effect.at, effect.id));
            }
        }
        let derived: BTreeSet<String> = told.into_iter().filter(|key| !key.starts_with(' ')).collect();
        prop_assert_eq!(derived, history);
    }
}
