//! Laws of trends: any partition in any order, replacing, forgetting, and nobody in the answer.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use proptest::prelude::*;
use tactful::trends::{Snapshot, Trends};
use tactful::{Customer, CustomerBase, Engine, Event, Identifier, Timestamp};

const PLAYBOOK: &str = r#"
playbook: trends
version: 1
identity: {customer: {}}
events: {view: {sku: string, price: money(EUR), weight: double}, visit: {}}
segments: {fan: 'events("view").count() >= 2'}
journeys: {way: {stages: {new: {on: visit}, viewer: {on: view}}}}
channels: {web: text}
placements: {home: {channel: web}}
offers: {one: {treatments: {web: {message: one}}}}
trends:
  popular: {count: view, by: [sku], sum: price, half_life: 7d, k: 3}
  weights: {count: view, sum: weight, histogram: weight, k: 3}
  shown_to: {count: shown, by: [offer, channel, segment], k: 2}
  fans: {count: segment_entered, by: segment, epoch: 1h, k: 2}
  viewers: {count: stage_entered, by: [journey, stage], k: 2}
"#;

fn engine() -> Engine {
    Engine::compile(&[("trends.yaml", PLAYBOOK)]).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn at(hours: i64) -> Timestamp {
    Timestamp::parse("2026-03-20T00:00:00Z").unwrap().saturating_add_micros(hours * 3_600_000_000)
}

fn event(number: usize, (kind, hours, person, sku, price): (u8, i64, u8, u8, u8)) -> Event {
    let who = Identifier::parse(&format!("customer:{}", person % 12)).unwrap();
    let event = match kind % 4 {
        0 | 1 => Event::new("view", at(hours), who)
            .with("sku", ["lamp", "rug", "cup"][usize::from(sku % 3)])
            .with("price", format!("{price}.25").as_str())
            .with("weight", f64::from(price) / 3.0),
        2 => Event::new("visit", at(hours), who),
        _ => Event::new("shown", at(hours), who).with("offer", "one").with("placement", "home").through("web"),
    };
    event.with_id(&format!("e{number}"))
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec((0_u8..4, 0_i64..200, 0_u8..12, 0_u8..3, 0_u8..60), 1..80)
        .prop_map(|parts| parts.into_iter().enumerate().map(|(number, part)| event(number, part)).collect())
}

fn base(engine: &Engine, events: &[Event]) -> CustomerBase {
    let mut base = CustomerBase::new(engine.clone());
    events.iter().for_each(|event| {
        base.record(event).unwrap();
    });
    base
}

fn observed<'a>(engine: &Engine, customers: impl Iterator<Item = &'a Customer>) -> Trends {
    let mut trends = engine.trends();
    customers.for_each(|customer| engine.observe(&mut trends, customer));
    trends
}

fn snapshot(trends: &Trends) -> Snapshot {
    trends.snapshot(at(240), None).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_partition_in_any_order_gives_the_same_bits(events in events(), parts in prop::collection::vec(0_usize..4, 12)) {
        let engine = engine();
        let base = base(&engine, &events);
        let whole = observed(&engine, base.iter());
        let split: Vec<Trends> = (0..4)
            .map(|part| observed(&engine, base.iter().enumerate().filter(|(n, _)| parts[*n % 12] == part).map(|(_, c)| c)))
            .collect();
        let merged = |order: &[usize]| {
            let mut all = engine.trends();
            order.iter().for_each(|part| all.merge(&split[*part]).unwrap());
            all
        };
        for order in [[0, 1, 2, 3], [3, 1, 0, 2]] {
            prop_assert_eq!(merged(&order).to_bytes(), whole.to_bytes());
            prop_assert_eq!(snapshot(&merged(&order)).to_bytes(), snapshot(&whole).to_bytes());
        }
        // (a + b) + (c + d) is a + (b + (c + d)).
        let (mut left, mut right) = (merged(&[0, 1]), merged(&[1]));
        left.merge(&merged(&[2, 3])).unwrap();
        right.merge(&merged(&[2, 3])).unwrap();
        let mut outer = merged(&[0]);
        outer.merge(&right).unwrap();
        prop_assert_eq!(left, outer);
    }

    #[test]
    fn observing_again_replaces(first in events(), second in events()) {
        let engine = engine();
        let later: Vec<Event> = second.into_iter().map(|mut event| { event.id = event.id.map(|id| id + "'"); event }).collect();
        let mut trends = observed(&engine, base(&engine, &first).iter());
        let all = base(&engine, &first.iter().chain(&later).cloned().collect::<Vec<_>>());
        all.iter().for_each(|customer| engine.observe(&mut trends, customer));
        all.iter().for_each(|customer| engine.observe(&mut trends, customer));
        prop_assert_eq!(&trends, &observed(&engine, all.iter()));
        // Nobody who is forgotten leaves anything.
        for customer in all.iter() {
            trends.forget(customer.id());
        }
        prop_assert_eq!(trends, engine.trends());
    }

    #[test]
    fn links_and_partings_take_effect(events in events()) {
        let engine = engine();
        let mut base = base(&engine, &events);
        let apart = observed(&engine, base.iter());
        let mut trends = apart.clone();
        let (a, b) = (Identifier::parse("customer:1").unwrap(), Identifier::parse("customer:2").unwrap());
        let link = |kind: &str, hours: i64| {
            let mut event = Event::new(kind, at(hours), a.clone()).with_id(&format!("{kind}{hours}"));
            event.identifiers.push(b.clone());
            event
        };
        base.record(&link("linked", 201)).unwrap();
        engine.observe(&mut trends, base.find(&a).unwrap());
        prop_assert_eq!(&trends, &observed(&engine, base.iter()));
        base.record(&link("unlinked", 202)).unwrap();
        for identifier in [&a, &b] {
            if let Some(customer) = base.find(identifier) {
                engine.observe(&mut trends, customer);
            }
        }
        prop_assert_eq!(trends.len(), apart.len());
        prop_assert_eq!(snapshot(&trends).read("popular", &[], at(240)).unwrap(), snapshot(&apart).read("popular", &[], at(240)).unwrap());
    }

    #[test]
    fn bytes_go_round(events in events()) {
        let engine = engine();
        let trends = observed(&engine, base(&engine, &events).iter());
        prop_assert_eq!(&engine.trends_from_bytes(&trends.to_bytes()).unwrap(), &trends);
        let counted = snapshot(&trends);
        let again = engine.snapshot_from_bytes(&counted.to_bytes()).unwrap();
        prop_assert_eq!(&again, &counted);
        prop_assert_eq!(again.digest(), counted.clone().without_members().digest());
        prop_assert!(engine.trends_from_bytes(&counted.to_bytes()).is_err());
    }

    /// No answer, and no difference of two, is about fewer than `k` customers.
    #[test]
    fn nobody_is_in_the_answer(events in events(), more in (0_u8..4, 0_i64..200, 0_u8..12, 0_u8..3, 0_u8..60)) {
        let engine = engine();
        let before = observed(&engine, base(&engine, &events).iter());
        let one_more: Vec<Event> = events.iter().cloned().chain([event(1000, more)]).collect();
        let after = observed(&engine, base(&engine, &one_more).iter());
        let first = snapshot(&before);
        for name in first.names() {
            for cell in first.cells(name, at(240)).unwrap() {
                prop_assert!(cell.answer.customers >= 2, "{name}: {cell:?}");
                if ["popular", "weights"].contains(&name) {
                    prop_assert!(cell.answer.customers >= 3);
                }
            }
        }
        // One customer changed, so nothing that can be read did, unless nothing could be read before.
        let second = after.snapshot(at(240), Some(&first)).unwrap();
        for name in first.names() {
            let (then, now) = (first.cells(name, at(250)).unwrap(), second.cells(name, at(250)).unwrap());
            prop_assert!(then == now || then.is_empty(), "{name}: {then:?} and {now:?}");
        }
    }

    #[test]
    fn damaged_bytes_are_errors(events in events(), place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let engine = engine();
        let trends = observed(&engine, base(&engine, &events).iter());
        for bytes in [trends.to_bytes(), snapshot(&trends).to_bytes()] {
            let mut changed = bytes.clone();
            let place = 16 + place.index(bytes.len() - 16);
            changed[place] = byte;
            let sum = tactful::encoding::hash64(&changed[16..]).to_le_bytes();
            changed[8..16].copy_from_slice(&sum);
            let _ = engine.trends_from_bytes(&changed);
            if let Ok(read) = engine.snapshot_from_bytes(&changed) {
                read.names().for_each(|name| drop(read.cells(name, at(240))));
            }
        }
    }
}

#[test]
fn counts_decay_and_small_cells_are_the_rest() {
    let engine = engine();
    let view = |person: u8, sku: u8, n: usize| event(n, (0, 10, person, sku, 8));
    // Four customers see the lamp, two the rug, one the cup.
    let told: Vec<Event> = [(1, 0), (2, 0), (3, 0), (4, 0), (5, 1), (6, 1), (7, 2)]
        .into_iter()
        .enumerate()
        .map(|(n, (person, sku))| view(person, sku, n))
        .collect();
    let trends = observed(&engine, base(&engine, &told).iter());
    let counted = trends.snapshot(at(24), None).unwrap();
    let read = |values: &[(&str, &str)], hours| counted.read("popular", values, at(hours)).unwrap();
    let lamp = read(&[("sku", "lamp")], 24).unwrap();
    assert_eq!((lamp.count, lamp.sum, lamp.customers), (4.0, Some(33.0), 4));
    assert_eq!(read(&[("sku", "lamp")], 24 + 7 * 24).unwrap().count, 2.0);
    assert_eq!((read(&[("sku", "rug")], 24), read(&[("sku", "sofa")], 24)), (None, None));
    assert_eq!(read(&[], 24).unwrap().count, 7.0);
    let cells = counted.cells("popular", at(24)).unwrap();
    assert_eq!(cells.iter().map(|cell| (cell.rest, cell.answer.count)).collect::<Vec<_>>(), [(true, 3.0), (false, 4.0)]);
    // Before the epoch is over nothing is known of it.
    assert_eq!(trends.snapshot(at(23), None).unwrap().cells("popular", at(24)).unwrap().len(), 0);
    let ranges = counted.cells("weights", at(24)).unwrap();
    let range = ranges[0].range.unwrap();
    assert!(ranges.len() == 1 && range.low <= 8.0 / 3.0 && 8.0 / 3.0 < range.high && range.high / range.low <= 1.125);
    for (code, asked) in [
        ("unknown_trend", counted.read("populr", &[], at(24))),
        ("unknown_dimension", counted.read("popular", &[("colour", "red")], at(24))),
        ("too_early", counted.read("popular", &[], at(23))),
    ] {
        assert_eq!(asked.unwrap_err().code(), code);
    }
    let other = Engine::compile(&[("trends.yaml", &PLAYBOOK.replace("k: 3", "k: 4"))]).unwrap();
    assert_eq!(other.trends().merge(&trends).unwrap_err().code(), "other_trends");
    assert_eq!(other.trends_from_bytes(&trends.to_bytes()).unwrap_err().code(), "other_playbook");
}

const LINKED: &str = r#"
playbook: linked
version: 1
identity: {customer: {}}
attributes: {member: bool}
events: {view: {sku: string, shop: string, weight: int}}
segments: {member: customer.member, any: 'events("view").count() >= 1'}
trends:
  all: {count: view, k: 3}
  by_sku: {count: view, by: sku, k: 3}
  by_both: {count: view, by: [sku, shop], k: 3}
  by_segment: {count: view, by: segment, k: 3}
  weights: {count: view, histogram: weight, k: 3}
"#;

/// A view: who, when, of what, where, how heavy.
type Look = (u8, i64, usize, usize, i64);

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// What a table does not tell does not follow from a table by fewer dimensions: of the customers in a told cell of the latter, none or
    /// at least k did something that the former does not tell.
    #[test]
    fn no_difference_of_two_tables_is_about_few(
        looks in prop::collection::vec((0_u8..14, 0_i64..100, 0_usize..3, 0_usize..2, 1_i64..40), 1..60),
        members in 0_u8..14,
    ) {
        let engine = Engine::compile(&[("linked.yaml", LINKED)]).unwrap();
        let mut base = with_members(&engine, members);
        for (number, (who, hours, sku, shop, weight)) in looks.iter().enumerate() {
            let who = Identifier::parse(&format!("customer:{who}")).unwrap();
            let view = Event::new("view", at(*hours), who).with_id(&format!("v{number}"));
            base.record(&view.with("sku", SKUS[*sku]).with("shop", SHOPS[*shop]).with("weight", *weight)).unwrap();
        }
        let snapshot = observed(&engine, base.iter()).snapshot(at(240), None).unwrap();
        let told = |trend: &str| snapshot.cells(trend, at(240)).unwrap().into_iter().filter(|cell| !cell.rest).collect::<Vec<_>>();
        let names = |trend: &str| -> Vec<Vec<String>> {
            told(trend).iter().map(|cell| cell.values.iter().map(ToString::to_string).collect()).collect()
        };
        let few = |looks: &mut dyn Iterator<Item = &Look>| {
            let who: std::collections::BTreeSet<u8> = looks.map(|look| look.0).collect();
            (1..3).contains(&who.len()).then_some(who.len())
        };
        let skus = names("by_sku");
        if !told("all").is_empty() {
            let untold = |look: &&Look| !skus.iter().any(|cell| cell[0] == SKUS[look.2]);
            prop_assert!(skus.is_empty() || few(&mut looks.iter().filter(untold)).is_none(), "{skus:?}");
            let both = names("by_both");
            let untold = |look: &&Look| !both.iter().any(|cell| cell[0] == SKUS[look.2] && cell[1] == SHOPS[look.3]);
            prop_assert!(both.is_empty() || few(&mut looks.iter().filter(untold)).is_none(), "{both:?}");
            let ranges: Vec<_> = told("weights").iter().filter_map(|cell| cell.range).collect();
            let untold = |look: &&Look| !ranges.iter().any(|range| range.low <= look.4 as f64 && (look.4 as f64) < range.high);
            prop_assert!(ranges.is_empty() || few(&mut looks.iter().filter(untold)).is_none(), "{ranges:?}");
        }
        for sku in &skus {
            let of: Vec<Vec<String>> = names("by_both").into_iter().filter(|cell| cell[0] == sku[0]).collect();
            let untold = |look: &&Look| SKUS[look.2] == sku[0] && !of.iter().any(|cell| cell[1] == SHOPS[look.3]);
            prop_assert!(of.is_empty() || few(&mut looks.iter().filter(untold)).is_none(), "{sku:?} {of:?}");
        }
        // A segment beside everybody, and beside another one.
        let segments = names("by_segment");
        let is_told = |name: &str| segments.iter().any(|cell| cell[0] == name);
        if is_told("member") && (is_told("any") || !told("all").is_empty()) {
            prop_assert!(few(&mut looks.iter().filter(|look| look.0 >= members)).is_none(), "{segments:?}");
        }
    }
}

const SKUS: [&str; 3] = ["lamp", "rug", "cup"];
const SHOPS: [&str; 2] = ["ulm", "kiel"];

/// A base in which the first so many customers are members.
fn with_members(engine: &Engine, members: u8) -> CustomerBase {
    let mut base = CustomerBase::new(engine.clone());
    for who in 0..members {
        let who = Identifier::parse(&format!("customer:{who}")).unwrap();
        let told = Event::new("attribute_set", at(-1), who).with("attribute", "member").with("value", true);
        base.record(&told).unwrap();
    }
    base
}

#[test]
fn a_segment_of_nearly_everybody_is_not_told_beside_everybody() {
    let engine = Engine::compile(&[("linked.yaml", LINKED)]).unwrap();
    let counted = |members: u8| {
        let mut base = with_members(&engine, members);
        for who in 0..12 {
            let name = Identifier::parse(&format!("customer:{who}")).unwrap();
            base.record(&Event::new("view", at(who), name).with_id(&format!("v{who}"))).unwrap();
        }
        let snapshot = observed(&engine, base.iter()).snapshot(at(240), None).unwrap();
        let read =
            |segment: &str| snapshot.read("by_segment", &[("segment", segment)], at(240)).unwrap().map(|answer| answer.count);
        (read("any"), read("member"))
    };
    assert_eq!(counted(9), (Some(12.0), Some(9.0)));
    assert_eq!(counted(10), (Some(12.0), None));
    assert_eq!(counted(12), (Some(12.0), Some(12.0)));
}
