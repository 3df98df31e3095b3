//! Journey maps: they add up exactly, tell of nobody in particular, find what is planted, and draw whatever comes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests may fail")]

use proptest::prelude::*;
use tactful::map::{
    Deviation, Ground, JourneyMap, MapOptions, MapReport, Measure, PainKind, Period, PlannedWay, Question, Split,
};
use tactful::{Customer, Engine, Event, Identifier, Timestamp};

const PLAYBOOK: &str = r#"
playbook: shop
version: 1
identity: {customer: {}}
events: {visit: {page: string}, look: {sku: string}, buy: {sku: string}, gripe: {about: string}, nps: {score: int}, stars: {given: int}}
segments: {looker: 'events("look").exists()'}
channels: {web: text, phone: text}
journeys:
  way:
    title: From visit to purchase
    stages:
      curious: {on: visit, from: [none, lost], timeout: {after: 5d, to: lost}}
      choosing: {on: look, goal: find something, timeout: {after: 5d, to: lost}}
      buying: {on: buy, timeout: {after: 30d, to: lost}}
      talking: {no_data: nobody tells}
      lost: {drop_out: true}
"#;

fn engine() -> Engine {
    Engine::compile(&[("shop.yaml", PLAYBOOK)]).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn at(minute: i64) -> Timestamp {
    Timestamp::from_micros(1_267_000_000_000_000 + minute * 60_000_000).unwrap()
}

const DAY: i64 = 24 * 60;

fn options() -> MapOptions {
    MapOptions {
        split: Split::Segments,
        complaints: vec!["gripe".to_owned()],
        csat: Some(Question { event: "stars".to_owned(), property: "given".to_owned() }),
        ..MapOptions::new("way", at(60 * DAY))
    }
}

const PLANNED: &str = r#"
playbook: shop
version: 1
time_zone: Europe/Berlin
identity: {customer: {}}
events: {visit: {page: string}, look: {sku: string}, buy: {sku: string}}
segments: {lookers: {title: "Look <first>", when: 'events("look").exists()'}, nobody: 'events("buy").count() > 99'}
journeys:
  way:
    stages:
      curious: {on: visit, from: [none, lost], timeout: {after: 5d, to: lost}}
      choosing: {on: look, goal: find something, timeout: {after: 20d, to: lost}}
      unseen: {no_data: nobody tells}
      buying: {on: buy}
      lost: {drop_out: true}
    plan:
      lookers:
        choosing: {wording: 'Take <two> & "pay" one', selling_point: cheap, pain_point: too many, stay: 7d, goes_on: 0.5}
        curious: {stay: 1d, goes_on: 0.9}
      everyone: {curious: {goal: they look}, buying: {stay: 1d}, unseen: {goal: they talk}}
      nobody: {lost: {wording: come back}}
"#;

/// Of 40 who came 30 looked after three days and ten were lost; of the 30 nine bought after one day, and the others waited for twenty.
fn planned() -> (Engine, JourneyMap) {
    let engine = Engine::compile(&[("shop.yaml", PLANNED)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let mut map = engine.journey_map(&MapOptions { split: Split::Segments, ..MapOptions::new("way", at(60 * DAY)) }).unwrap();
    for who in 0..40 {
        let identifier = Identifier::parse(&format!("customer:{who}")).unwrap();
        let mut customer = engine.customer(&identifier).unwrap();
        let told = [(0, "visit", true), (3 * DAY, "look", who < 30), (4 * DAY, "buy", who < 10)];
        for (minute, name, _) in told.into_iter().filter(|(.., does)| *does) {
            engine.record(&mut customer, &Event::new(name, at(minute), identifier.clone()), None).unwrap();
        }
        engine.observe_journey(&mut map, &customer);
    }
    (engine, map)
}

#[test]
fn what_was_planned_stands_beside_what_was_walked_and_what_deviates_is_told() {
    let (engine, map) = planned();
    let plan = engine.journey_plan(&map, 10).unwrap();
    let cell = |segment: Option<&str>, stage: &str| {
        plan.cells.iter().find(|cell| cell.segment.as_deref() == segment && *cell.stage == *stage).unwrap()
    };
    let choosing = cell(Some("lookers"), "choosing");
    assert_eq!((choosing.entries, choosing.goal.as_deref()), (Some(30), Some("find something")));
    // Twenty of thirty took twenty days, ten one day: more than half take longer than a week, a third goes on, and more are lost.
    let longer = choosing.stays_longer.unwrap();
    assert!((longer.share - 2.0 / 3.0).abs() < 1e-9 && longer.interval.0 > 0.48, "{longer:?}");
    assert!((choosing.goes_on.unwrap().share - 1.0 / 3.0).abs() < 1e-9);
    assert_eq!(
        choosing.ways.iter().map(|way| (way.way, way.count)).collect::<Vec<_>>(),
        [(PlannedWay::On, 10), (PlannedWay::Lost, 20)]
    );
    // All who look were seen to look: 100 % go on, after three days where one was planned.
    let curious = cell(Some("lookers"), "curious");
    assert_eq!((curious.goes_on.unwrap().share, &curious.deviations[..]), (1.0, &[Deviation::StaysLonger][..]));
    assert_eq!(cell(None, "curious").deviations, []);
    // Nobody is in the segment: nothing deviates.
    assert_eq!((cell(Some("nobody"), "lost").entries, &cell(Some("nobody"), "lost").deviations[..]), (None, &[][..]));
    assert_eq!(plan.segments[2].customers, Some(0));
    // All ten who bought are still there, longer than the day that was planned, though none of these stays has ended.
    assert_eq!(cell(None, "buying").deviations, [Deviation::StaysLonger]);
    let text = plan.to_string();
    assert!(text.contains("!              Most stay longer than planned (100 %, 89 % to 100 %)"), "{text}");
    for drawing in [plan.svg(Ground::Either), plan.svg(Ground::Dark)] {
        well_formed(&drawing);
        assert!(drawing.contains("Look &lt;first&gt;") && drawing.contains("“Take &lt;two&gt; &amp; "), "{drawing}");
    }
    let html = plan.html();
    assert!(html.contains("“Take &lt;two&gt; &amp; &quot;pay&quot; one”") && !html.contains("<two>"), "{html}");
}

#[test]
fn a_plan_tells_of_nobody_in_particular_and_needs_groups() {
    let (engine, map) = planned();
    let plan = engine.journey_plan(&map, 31).unwrap();
    let lookers = plan.cells.iter().filter(|cell| cell.segment.as_deref() == Some("lookers"));
    for cell in lookers {
        assert_eq!((cell.entries, cell.exits, cell.median_seconds), (None, None, None), "{cell:?}");
        assert!(cell.ways.is_empty() && cell.goes_on.is_none() && cell.stays_longer.is_none() && cell.deviations.is_empty());
    }
    // Twenty are lost, ten buy: with 15 neither the ten nor what follows from them is told.
    let plan = engine.journey_plan(&map, 15).unwrap();
    let choosing = plan.cells.iter().find(|cell| *cell.stage == *"choosing").unwrap();
    assert!(choosing.stays_longer.is_none() && choosing.goes_on.is_none(), "{choosing:?}");
    // What is withheld need not be few.
    assert!(plan.to_string().contains("not told, planned 50 %") && plan.svg(Ground::Light).contains("not told, planned 50 %"));
    let whole = engine.journey_map(&MapOptions::new("way", at(60 * DAY))).unwrap();
    assert_eq!(engine.journey_plan(&whole, 10).unwrap_err().code(), "wrong_value");
    let other = self::engine().journey_map(&MapOptions::new("way", at(0))).unwrap();
    assert_eq!(engine.journey_plan(&other, 10).unwrap_err().code(), "other_map");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// A map by period is the maps of its periods.
    #[test]
    fn a_period_counts_as_the_map_of_it_alone(
        events in proptest::collection::vec((0..4_usize, 0..6_usize, 0..100 * DAY), 0..40),
        period in 0..4_usize,
        since in proptest::option::of(0..60 * DAY),
    ) {
        let engine = engine();
        let period = [Period::Week, Period::Month, Period::Quarter, Period::Year][period];
        let options = MapOptions { split: Split::Periods(period), since: since.map(at), ..MapOptions::new("way", at(90 * DAY)) };
        let people = customers(&engine, &events);
        let by_period = map(&engine, &options, &people);
        for group in by_period.groups(1) {
            let found = by_period.report(Some(group), 1).unwrap();
            prop_assert!(found.since.unwrap() <= found.at);
            let alone = MapOptions { split: Split::Everyone, since: found.since, at: found.at, ..options.clone() };
            let alone = map(&engine, &alone, &people).report(None, 1).unwrap();
            prop_assert_eq!(MapReport { group: None, ..found }, alone);
        }
        let like = by_period.like(&by_period.to_bytes()).unwrap();
        prop_assert_eq!(like, by_period);
    }
}

/// Who, what, when.
type Told = (usize, usize, i64);

fn customers(engine: &Engine, events: &[Told]) -> Vec<Customer> {
    walkers(engine, events, Ways::One)
}

/// With instances each event is about one of three things.
fn walkers(engine: &Engine, events: &[Told], ways: Ways) -> Vec<Customer> {
    let mut customers: Vec<Customer> = Vec::new();
    let count = events.iter().map(|(who, ..)| who + 1).max().unwrap_or(0);
    for who in 0..count {
        customers.push(engine.customer(&Identifier::parse(&format!("customer:{who}")).unwrap()).unwrap());
    }
    for (number, (who, what, minute)) in events.iter().enumerate() {
        let identifier = Identifier::parse(&format!("customer:{who}")).unwrap();
        let types = ["visit", "look", "buy", "gripe", "nps", "stars"];
        let mut event = Event::new(types[*what % 6], at(*minute), identifier).with_id(&format!("e{number}"));
        event = match what % 6 {
            4 => event.with("score", (*minute % 11).unsigned_abs() as i64),
            5 => event.with("given", (*minute % 5).unsigned_abs() as i64 + 1),
            0..=2 if ways == Ways::Instances => event.with("sku", ["a", "b", "c"][usize::try_from(minute % 3).unwrap()]),
            _ => event,
        };
        engine.record(&mut customers[*who], &event, None).unwrap();
    }
    customers
}

fn map<'a>(engine: &Engine, options: &MapOptions, customers: impl IntoIterator<Item = &'a Customer>) -> JourneyMap {
    let mut map = engine.journey_map(options).unwrap();
    customers.into_iter().for_each(|customer| engine.observe_journey(&mut map, customer));
    map
}

fn events() -> impl Strategy<Value = Vec<Told>> {
    prop::collection::vec((0..6_usize, 0..6_usize, 0..70 * DAY), 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn the_map_of_a_union_is_the_sum_of_the_maps(events in events(), parts in prop::collection::vec(0..3_usize, 6), since in prop::option::of(0..60 * DAY)) {
        let engine = engine();
        let options = MapOptions { since: since.map(at), ..options() };
        let customers = customers(&engine, &events);
        let whole = map(&engine, &options, &customers);
        let part = |wanted: usize| {
            map(&engine, &options, customers.iter().zip(&parts).filter(|(_, part)| **part == wanted).map(|(customer, _)| customer))
        };
        let (a, b, c) = (part(0), part(1), part(2));
        let mut left = a.clone();
        left.merge(&b).unwrap();
        left.merge(&c).unwrap();
        prop_assert_eq!(&left, &whole);
        let mut right = c.clone();
        right.merge(&a).unwrap();
        right.merge(&b).unwrap();
        prop_assert_eq!(right.to_bytes(), whole.to_bytes());
        prop_assert_eq!(&engine.journey_map(&options).unwrap().like(&whole.to_bytes()).unwrap(), &whole);
        prop_assert_eq!(left.report(None, 1).unwrap(), whole.report(None, 1).unwrap());
    }

    #[test]
    fn everybody_is_in_one_stage_or_outside(events in events()) {
        let engine = engine();
        let report = map(&engine, &options(), &customers(&engine, &events)).report(None, 1).unwrap();
        let here: u64 = report.stages.iter().map(|stage| stage.here.unwrap()).sum();
        prop_assert_eq!(here + report.outside.unwrap(), report.customers.unwrap());
        for stage in &report.stages {
            let ends = |out: bool| -> u64 {
                let flows = report.flows.iter().filter(|flow| if out { &flow.from } else { &flow.to }.as_ref() == Some(&stage.stage));
                flows.map(|flow| flow.count).sum()
            };
            prop_assert_eq!(ends(false), stage.entries.unwrap());
            prop_assert_eq!(ends(true), stage.exits.unwrap());
            prop_assert_eq!(stage.entries.unwrap(), stage.exits.unwrap() + stage.here.unwrap());
        }
    }

    #[test]
    fn no_number_is_about_too_few(events in events(), k in 2..5_u64) {
        let engine = engine();
        let map = map(&engine, &options(), &customers(&engine, &events));
        let (all, some) = (map.report(None, 1).unwrap(), map.report(None, k).unwrap());
        for (full, told) in all.stages.iter().zip(&some.stages) {
            prop_assert!(told.entered_by.is_none_or(|by| by == 0 || by >= k));
            // What happened less often than `k` times is about fewer than `k` customers.
            for number in [told.here, told.entries, told.returns, told.exits, told.drop_outs] {
                prop_assert!(number.is_none_or(|number| number == 0 || number >= k), "{} {told:?}", told.stage);
            }
            prop_assert!(told.entries.is_none() || told.entries == full.entries);
            prop_assert!(told.touchpoints.iter().all(|touch| touch.customers >= k));
            prop_assert!(told.time.is_none() || full.exits >= Some(k));
            let rest = told.entries.zip(told.exits).map(|(entries, exits)| entries - exits);
            prop_assert!(rest.is_none_or(|rest| rest == 0 || rest >= k));
            let kept = told.exits.zip(told.drop_outs).map(|(exits, lost)| exits - lost);
            prop_assert!(told.drop_outs == Some(0) || kept.is_none_or(|kept| kept == 0 || kept >= k));
        }
        let hidden = all.stages.iter().zip(&some.stages).filter(|(_, told)| told.here.is_none());
        let hidden: u64 = hidden.filter_map(|(full, _)| full.here).sum();
        // They are all others' rest, unless how many customers there are, or are nowhere, is withheld too.
        let followed = some.customers.is_some() && some.outside.is_some();
        prop_assert!(hidden == 0 || hidden >= k || !followed);
        for number in [some.customers, some.outside] {
            prop_assert!(number.is_none_or(|number| number == 0 || number >= k), "{number:?}");
        }
        // A share tells what it is a share of.
        let entered = |name: &str| some.stages.iter().find(|stage| *stage.stage == *name).and_then(|stage| stage.entered_by);
        prop_assert!(some.conversions.iter().all(|way| entered(&way.from).is_some()));
        prop_assert!(some.flows.iter().all(|flow| flow.customers >= k));
        prop_assert!(some.conversions.iter().all(|conversion| conversion.customers >= k));
        prop_assert!(map.groups(k).count() <= map.groups(1).count());
    }

    /// Somebody who knows how the numbers of a map hang together solves for those that are withheld.
    #[test]
    fn no_small_number_follows_from_the_others(
        events in prop::collection::vec((0..14_usize, prop_oneof![4 => 0..3_usize, 1 => 3..6_usize], 0..70 * DAY), 0..90),
        k in 2..6_u64,
    ) {
        let engine = engine();
        let map = map(&engine, &options(), &customers(&engine, &events));
        let (truth, told) = (map.report(None, 1).unwrap(), map.report(None, k).unwrap());
        let concluded = conclusions(&numbers(&truth), &numbers(&told));
        for (what, counts) in concluded {
            prop_assert!(counts.iter().any(|count| *count >= k), "{what:?} are {counts:?}, k is {k}\n{:#?}", told.flows);
        }
        for (stage, full) in told.stages.iter().zip(&truth.stages) {
            for way in told.conversions.iter().filter(|way| way.from == stage.stage || way.to == stage.stage) {
                let rest = full.entered_by.unwrap().saturating_sub(way.customers);
                prop_assert!(stage.entered_by.is_none() || rest == 0 || rest >= k, "{way:?}");
            }
        }
    }

    /// The same of a period, and of a journey with a key, where a customer may be in several instances. What is concluded is not about
    /// few stays, and a flow not about few customers.
    #[test]
    fn no_small_number_of_a_period_or_of_instances_follows_from_the_others(
        events in prop::collection::vec((0..14_usize, prop_oneof![4 => 0..3_usize, 1 => 3..6_usize], 0..70 * DAY), 0..90),
        k in 2..6_u64,
        since in prop::option::of(0..50 * DAY),
        keyed in any::<bool>(),
    ) {
        let engine = if keyed { keyed_engine() } else { engine() };
        let options = MapOptions { since: since.map(at), ..options() };
        let ways = if keyed { Ways::Instances } else { Ways::One };
        let map = map(&engine, &options, &walkers(&engine, &events, ways));
        let (truth, told) = (map.report(None, 1).unwrap(), map.report(None, k).unwrap());
        let all = numbers_of(&truth, ways, since.is_some());
        for (what, counts) in conclusions(&all, &numbers_of(&told, ways, since.is_some())) {
            prop_assert!(counts.iter().any(|count| *count >= k), "{what:?} are {counts:?}, k is {k}\n{told:#?}");
            let by = |flow: &&tactful::map::FlowReport| {
                what == [format!("{}>{}", flow.from.as_deref().unwrap_or("out"), flow.to.as_deref().unwrap_or("out"))]
            };
            prop_assert!(truth.flows.iter().find(by).is_none_or(|flow| flow.customers >= k), "{what:?}, k is {k}\n{told:#?}");
        }
        let few = |number: u64| (1..k).contains(&number);
        prop_assert!(!told.customers.is_some_and(few) && !told.outside.is_some_and(few));
        // How many are somewhere in the journey is the rest of those who are not.
        let inside = told.customers.zip(told.outside).map(|(all, outside)| all - outside);
        prop_assert!(!inside.is_some_and(few), "{inside:?}");
        for (stage, full) in told.stages.iter().zip(&truth.stages) {
            for number in [stage.here, stage.entries, stage.returns, stage.exits, stage.drop_outs].into_iter().flatten() {
                prop_assert!(!few(number), "{} {stage:?}", stage.stage);
            }
            prop_assert!(!stage.entered_by.is_some_and(few), "{} {:?}", stage.stage, stage.entered_by);
            if let (Some(by), Some(entries), Some(returns)) = (stage.entered_by, full.entries, full.returns) {
                // Some of those who came in the period had been there before.
                prop_assert!(!few(by.saturating_sub(entries - returns)), "{} {by} {entries} {returns}", stage.stage);
            }
            for way in told.conversions.iter().filter(|way| way.from == stage.stage || way.to == stage.stage) {
                let rest = full.entered_by.unwrap().saturating_sub(way.customers);
                prop_assert!(stage.entered_by.is_none() || rest == 0 || rest >= k, "{way:?}");
            }
        }
    }

    #[test]
    fn damaged_maps_give_an_error(events in events(), place in 0..400_usize, bit in 0..8_u32) {
        let engine = engine();
        let map = map(&engine, &options(), &customers(&engine, &events));
        let mut bytes = map.to_bytes();
        let place = place % bytes.len();
        bytes[place] ^= 1 << bit;
        prop_assert!(map.like(&bytes).is_err());
    }

    /// Whatever the flows are, no number at one covers other words.
    #[test]
    fn labels_cover_no_words(ways in proptest::collection::vec(proptest::collection::vec((0..7_usize, 1..4_000_i64), 1..14), 5..60)) {
        let stages: Vec<String> = (0..7).map(|number| format!("s{number}: {{on: e{number}, timeout: {{after: 2d, to: lost}}}}")).collect();
        let types: Vec<String> = (0..7).map(|number| format!("e{number}: {{}}")).collect();
        let playbook = format!(
            "{{playbook: p, version: 1, identity: {{customer: {{}}}}, events: {{{}}},
              journeys: {{way: {{stages: {{{}, lost: {{drop_out: true}}}}}}}}}}",
            types.join(", "), stages.join(", ")
        );
        let engine = Engine::compile(&[("p.yaml", &playbook)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let mut map = engine.journey_map(&MapOptions::new("way", at(60 * DAY))).unwrap();
        for (number, way) in ways.iter().enumerate() {
            let identifier = Identifier::parse(&format!("customer:{number}")).unwrap();
            let mut customer = engine.customer(&identifier).unwrap();
            let mut minute = 0;
            for (what, later) in way {
                minute += later;
                engine.record(&mut customer, &Event::new(&format!("e{what}"), at(minute), identifier.clone()), None).unwrap();
            }
            engine.observe_journey(&mut map, &customer);
        }
        let words = words_of(&map.report(None, 1).unwrap().svg(Ground::Light));
        prop_assert!(words.iter().any(|one| one.at_flow));
        for (place, one) in words.iter().enumerate().filter(|(_, one)| one.at_flow) {
            for (_, other) in words.iter().enumerate().filter(|(own, other)| *own != place && !(other.at_flow && other.x == one.x)) {
                let apart = one.right <= other.left || other.right <= one.left || one.bottom <= other.top || other.bottom <= one.top;
                prop_assert!(apart, "`{}` covers `{}`: {one:?} {other:?}", one.text, other.text);
            }
        }
    }

    #[test]
    fn any_map_can_be_drawn(events in events(), k in 1..4_u64) {
        let engine = engine();
        let report = map(&engine, &options(), &customers(&engine, &events)).report(None, k).unwrap();
        for ground in [Ground::Either, Ground::Light, Ground::Dark] {
            well_formed(&report.svg(ground));
        }
        prop_assert!(report.mermaid().starts_with("flowchart LR\n"));
        let dot = report.dot();
        prop_assert!(dot.starts_with("digraph"));
    }
}

/// The same journey once for every sku.
fn keyed_engine() -> Engine {
    let keyed = PLAYBOOK.replace("{page: string}", "{sku: string}").replace("    title: From", "    key: sku\n    title: From");
    Engine::compile(&[("shop.yaml", &keyed)]).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// How often a customer may be in a journey at once.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ways {
    One,
    Instances,
}

/// The numbers of a report by name, and the equations that hold between them: what is added less what is subtracted is naught.
type Numbers = (std::collections::BTreeMap<String, Option<u64>>, Vec<Vec<(String, i64)>>);

fn numbers(report: &MapReport) -> Numbers {
    numbers_of(report, Ways::One, false)
}

/// With a period, stays may have begun before it: what they add is told nowhere. With instances customers are not the sum of those who
/// are somewhere, and who comes to a stage may have been there in another instance.
fn numbers_of(report: &MapReport, ways: Ways, period: bool) -> Numbers {
    let mut known = std::collections::BTreeMap::new();
    let mut equations = Vec::new();
    let names: Vec<String> = report.stages.iter().map(|stage| stage.stage.to_string()).collect();
    let mut standing = vec![("customers".to_owned(), -1), ("outside".to_owned(), 1)];
    known.insert("customers".to_owned(), report.customers);
    known.insert("outside".to_owned(), report.outside);
    let mut shares = Vec::new();
    for flow in &report.flows {
        let (from, to) = (flow.from.as_deref().unwrap_or("out"), flow.to.as_deref().unwrap_or("out"));
        known.insert(format!("{from}>{to}"), Some(flow.count));
        shares.extend(flow.share.map(|share| (from.to_owned(), (flow.count as f64 / share).round() as u64)));
    }
    let ends = || names.iter().map(String::as_str).chain(["out"]);
    for stage in &report.stages {
        let name = |what: &str| format!("{what} {}", stage.stage);
        for (what, told) in [
            ("here", stage.here),
            ("entries", stage.entries),
            ("new", stage.entered_by),
            ("returns", stage.returns),
            ("exits", stage.exits),
            ("lost", stage.drop_outs),
            ("lasts", stage.time.as_ref().and_then(|time| time.lasting)),
        ] {
            known.insert(name(what), told);
        }
        standing.push((name("here"), 1));
        if ways == Ways::One && !period {
            equations.push(vec![(name("entries"), 1), (name("new"), -1), (name("returns"), -1)]);
        }
        equations.push(vec![(name("entries"), 1), (name("exits"), -1), (name("lasts"), -1)]);
        let (mut here, mut came) = (vec![(name("here"), 1), (name("lasts"), -1)], vec![(name("entries"), -1)]);
        if period {
            here.push((name("older"), -1));
            came.push((name("carried"), 1));
        }
        equations.push(here);
        let flows = |whole: &str, ways: Vec<String>| {
            let mut equation = vec![(name(whole), -1)];
            equation.extend(ways.into_iter().map(|way| (way, 1)));
            equation
        };
        came.extend(ends().map(|from| (format!("{from}>{}", stage.stage), 1)));
        equations.push(came);
        equations.push(flows("exits", ends().map(|to| format!("{}>{to}", stage.stage)).collect()));
        equations.push(flows("lost", vec![format!("{}>lost", stage.stage)]));
    }
    let began = ends().map(|to| (format!("out>{to}"), 1)).chain([("began".to_owned(), -1)]);
    equations.push(began.collect());
    if ways == Ways::One {
        equations.push(standing);
    }
    known.insert("began".to_owned(), None);
    for (from, whole) in shares {
        known.insert(if from == "out" { "began".to_owned() } else { format!("exits {from}") }, Some(whole));
    }
    (known, equations)
}

/// Which numbers that are not told, and which sums of up to four of them, follow from what is: those that are combinations of the equations.
/// Each with the numbers that it is a sum of.
fn conclusions((truth, equations): &Numbers, (told, _): &Numbers) -> Vec<(Vec<String>, Vec<u64>)> {
    const P: i128 = 1_000_000_007;
    let mut real: std::collections::BTreeMap<&str, u64> = std::collections::BTreeMap::new();
    for (name, number) in truth {
        real.insert(name, number.unwrap_or(0));
    }
    for equation in equations {
        // What no report tells by itself follows here, where all is told.
        let [(whole, _), rest @ ..] = &equation[..] else { continue };
        if whole.starts_with("entries") && rest.len() == 2 && rest[1].0.starts_with("lasts") {
            let lasts = real[whole.as_str()] - real[rest[0].0.as_str()];
            real.insert(&rest[1].0, lasts);
        }
        // Nor is it told what lies before the period.
        if let Some((name, sign)) = equation.iter().find(|(name, _)| name.starts_with("older") || name.starts_with("carried")) {
            let number = |name: &str| i64::try_from(real.get(name).copied().unwrap_or(0)).unwrap();
            let others: i64 = equation.iter().filter(|(own, _)| own != name).map(|(own, sign)| sign * number(own)).sum();
            real.insert(name, u64::try_from(-others * sign).expect("an equation holds"));
        }
    }
    let unknown: Vec<&str> = real
        .iter()
        .filter(|(name, number)| **number > 0 && told.get(**name).copied().flatten().is_none() && **name != "began")
        .map(|(name, _)| *name)
        .collect();
    let mut columns = unknown.clone();
    columns.extend(told.get("began").copied().flatten().is_none().then_some("began"));
    let power = |mut base: i128, mut by: i128| {
        let mut result = 1;
        while by > 0 {
            if by & 1 == 1 {
                result = result * base % P;
            }
            (base, by) = (base * base % P, by >> 1);
        }
        result
    };
    let mut rows: Vec<(usize, Vec<i128>)> = Vec::new();
    let reduce = |rows: &[(usize, Vec<i128>)], row: &mut Vec<i128>| {
        for (pivot, other) in rows {
            let by = row[*pivot];
            if by != 0 {
                row.iter_mut().zip(other).for_each(|(own, other)| *own = (*own - by * other).rem_euclid(P));
            }
        }
    };
    for equation in equations {
        let mut row = vec![0_i128; columns.len()];
        for (name, sign) in equation {
            columns.iter().position(|own| own == name).into_iter().for_each(|place| row[place] += i128::from(*sign));
        }
        row.iter_mut().for_each(|own| *own = own.rem_euclid(P));
        reduce(&rows, &mut row);
        if let Some(pivot) = row.iter().position(|own| *own != 0) {
            let by = power(row[pivot], P - 2);
            row.iter_mut().for_each(|own| *own = *own * by % P);
            rows.push((pivot, row));
        }
    }
    let mut found = Vec::new();
    let mut sets: Vec<Vec<usize>> = (0..unknown.len()).map(|one| vec![one]).collect();
    for _ in 0..4 {
        let mut longer = Vec::new();
        for set in &sets {
            let mut row = vec![0_i128; columns.len()];
            set.iter().for_each(|place| row[*place] = 1);
            reduce(&rows, &mut row);
            if row.iter().all(|own| *own == 0) {
                let names = set.iter().map(|place| unknown[*place].to_owned()).collect();
                found.push((names, set.iter().map(|place| real[unknown[*place]]).collect()));
            } else if unknown.len() <= 20 || set.len() < 2 {
                longer.extend((set[set.len() - 1] + 1..unknown.len()).map(|next| [&set[..], &[next]].concat()));
            }
        }
        sets = longer;
    }
    found
}

/// Few customers may have many stays where a journey has a key: what follows about these is not told either.
#[test]
fn many_stays_of_few_customers_are_not_told() {
    let engine = keyed_engine();
    let since = at(30 * DAY);
    // Who, which instances of them, and what happens in each when.
    type Group<'a> = (&'a str, i64, i64, &'a [(&'a str, i64)]);
    let walked = |groups: &[Group<'_>], since: Option<Timestamp>| {
        let mut map = engine.journey_map(&MapOptions { since, ..MapOptions::new("way", at(33 * DAY)) }).unwrap();
        for (group, customers, instances, happens) in groups {
            for who in 0..*customers {
                let name = Identifier::parse(&format!("customer:{group}{who}")).unwrap();
                let mut customer = engine.customer(&name).unwrap();
                for instance in 0..*instances {
                    for (what, minute) in *happens {
                        let event = Event::new(what, at(*minute), name.clone()).with("sku", &*format!("i{instance}"));
                        engine.record(&mut customer, &event, None).unwrap();
                    }
                }
                engine.observe_journey(&mut map, &customer);
            }
        }
        map.report(None, 10).unwrap()
    };
    let (old, new) = (29 * DAY, 31 * DAY);
    let stage = |report: &MapReport, name: &str| report.stages.iter().find(|stage| *stage.stage == *name).unwrap().clone();
    // 27 stays of nine customers ended: neither they nor what they are the rest of.
    let gone: [Group<'_>; 2] = [("few", 9, 3, &[("visit", new), ("look", new + 60)]), ("many", 30, 1, &[("visit", new)])];
    let report = walked(&gone, None);
    let (curious, choosing) = (stage(&report, "curious"), stage(&report, "choosing"));
    assert_eq!((curious.exits, choosing.entries, choosing.entered_by, choosing.here), (None, None, None, None));
    assert!(curious.entries.is_none() || curious.here.is_none(), "{curious:?}");
    assert!(report.flows.iter().all(|flow| flow.to.as_deref() != Some("choosing")));
    // 27 stays of nine began before the period: here are the new ones and these.
    let older: [Group<'_>; 2] = [("few", 9, 3, &[("visit", old)]), ("many", 30, 1, &[("visit", new)])];
    let curious = stage(&walked(&older, Some(since)), "curious");
    assert!(curious.entries.is_none() || curious.here.is_none(), "{curious:?}");
    // 27 stays of nine last, of those that began in the period; thirty others last from before.
    let lasting: [Group<'_>; 3] = [
        ("few", 9, 3, &[("visit", new)]),
        ("many", 30, 1, &[("visit", new), ("look", new + 60)]),
        ("old", 30, 1, &[("visit", old)]),
    ];
    let curious = stage(&walked(&lasting, Some(since)), "curious");
    assert!(curious.entries.is_none() || curious.exits.is_none(), "{curious:?}");
}

#[test]
fn a_solver_finds_what_a_map_gives_away() {
    let engine = engine();
    let map = map(&engine, &options(), &customers(&engine, &planted(2)));
    let truth = map.report(None, 1).unwrap();
    let mut told = truth.clone();
    let flow = told.flows.remove(1);
    let names = |told: &MapReport| conclusions(&numbers(&truth), &numbers(told));
    assert!(names(&told).iter().any(|(what, counts)| what.len() == 1 && counts[..] == [flow.count]), "{told:?}");
}

/// Of 32 who came six went one way and six another: that it was twelve is told nowhere, nor what twelve is the rest of.
#[test]
fn a_sum_of_few_and_few_is_not_told_either() {
    let engine = engine();
    let mut events: Vec<Told> = (0..32).map(|customer| (customer, 0, 59 * DAY)).collect();
    events.extend((0..12).map(|customer| (customer, 1 + customer % 2, 59 * DAY + 60)));
    let map = map(&engine, &options(), &customers(&engine, &events));
    let (truth, told) = (map.report(None, 1).unwrap(), map.report(None, 10).unwrap());
    assert_eq!(truth.stages[0].exits, Some(12));
    let found = conclusions(&numbers(&truth), &numbers(&told));
    assert!(found.iter().all(|(_, counts)| counts.iter().any(|count| *count >= 10)), "{found:?}\n{told:#?}");
}

/// Every element that begins ends, and no number is missing.
fn well_formed(svg: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = svg;
    while let Some(start) = rest.find('<') {
        let end = rest[start..].find('>').expect("an element ends") + start;
        let element = &rest[start + 1..end];
        rest = &rest[end + 1..];
        let name = element.trim_start_matches('/').split([' ', '/']).next().unwrap();
        if element.starts_with('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !element.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
}

/// A population in which of those who choose a share is lost.
fn planted(lost_of_ten: i64) -> Vec<Told> {
    let mut events = Vec::new();
    for who in 0..200_i64 {
        let (customer, start) = (usize::try_from(who).unwrap(), who % 7 * DAY);
        events.push((customer, 0, start));
        events.push((customer, 1, start + 60));
        events.push((customer, 3 + usize::from(who % 2 == 0), start + 61));
        if who % 10 >= lost_of_ten {
            events.push((customer, 2, start + 120));
        }
    }
    events
}

fn report(events: &[Told]) -> MapReport {
    let engine = engine();
    map(&engine, &options(), &customers(&engine, events)).report(None, 10).unwrap()
}

#[test]
fn what_is_planted_is_found() {
    // Of those who buy all are lost in the end, for nobody comes back within 30 days; so choosing has to be worse than curious alone.
    let found = report(&planted(6));
    let choosing = found.stages.iter().find(|stage| &*stage.stage == "choosing").unwrap();
    assert_eq!((choosing.drop_outs, choosing.exits, choosing.drop_out_rate), (Some(120), Some(200), Some(0.6)));
    let complaints =
        found.pain_points.iter().find(|pain| pain.kind == PainKind::Complaints).expect("complaints while choosing");
    assert_eq!((&*complaints.stage, complaints.share, complaints.otherwise), ("choosing", 0.5, 0.0));
    assert!(complaints.q < 1e-6 && complaints.interval.0 > 0.4 && complaints.of == 200, "{complaints:?}");
    let long: Vec<&str> =
        found.pain_points.iter().filter(|pain| pain.kind == PainKind::Time).map(|pain| &*pain.stage).collect();
    assert_eq!(long, ["buying"], "it lasts 30 days");
    // Answers are 0 to 10 by minute, complaints only while choosing.
    assert!(found.pain_points.iter().all(|pain| pain.q <= 0.05 && pain.difference > 0.0));
}

#[test]
fn whatever_stands_in_a_title_is_text() {
    let evil = "</text><script>alert(1)</script>&\"'--]]>\u{7f}";
    let quoted = serde_json::to_string(evil).unwrap();
    let stages: Vec<String> =
        (0..24).map(|number| format!("s{number}: {{on: visit, title: {quoted}, goal: {quoted}}}")).collect();
    let stages = stages.join(", ");
    let playbook = format!(
        "{{playbook: p, version: 1, identity: {{customer: {{}}}}, events: {{visit: {{page: string}}}},
          journeys: {{way: {{title: {quoted}, stages: {{{stages}, quiet: {{no_data: {quoted}}}, gone: {{drop_out: true, enter: 'false'}}}}}}}}}}"
    );
    let engine = Engine::compile(&[("p.yaml", &playbook)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let report = engine.journey_map(&MapOptions::new("way", at(0))).unwrap().report(None, 1).unwrap();
    let svg = report.svg(Ground::Either);
    well_formed(&svg);
    assert!(!svg.contains("<script") && !svg.contains('\u{7f}'));
    assert!(!report.mermaid().contains("<script") && !report.dot().contains("\"'--"));
}

/// Marks stand behind the titles of stages, also where these are wide, and a name that is cut ends in no sign.
#[test]
fn marks_stand_behind_titles() {
    let text = PLAYBOOK
        .replace("goal: find something", "title: Consideration")
        .replace("{on: buy,", "{on: buy, title: Enjoying them,")
        .replace("      talking:", "      one: {no_data: x}\n      two: {no_data: x}\n      talking:");
    let engine = Engine::compile(&[("shop.yaml", &text)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let svg = map(&engine, &options(), &customers(&engine, &planted(6))).report(None, 10).unwrap().svg(Ground::Light);
    // As wide as in DejaVu Sans Bold of 17 px, the widest of usual fonts.
    let mut seen = 0;
    for (title, wide) in [("Consideration", 133.5), ("Enjoying them", 135.8)] {
        let words =
            svg.split("<text class=\"tm-stage\" x=\"").skip(1).find(|part| part.contains(&format!(">{title}<"))).unwrap();
        let number = |text: &str| text.parse::<f64>().unwrap();
        let (x, y) = words.split_once("\" y=\"").map(|(x, rest)| (number(x), number(rest.split('"').next().unwrap()))).unwrap();
        let marks = svg.split("tm-mark\" transform=\"translate(").skip(1).map(|part| part.split(')').next().unwrap());
        let marks = marks.map(|mark| mark.split_once(' ').map(|(x, y)| (number(x), number(y))).unwrap());
        for (mark, _) in marks.filter(|mark| (mark.1 - y).abs() < 12.0 && mark.0 > x && mark.0 < x + 200.0) {
            assert!(mark - 9.5 >= x + wide + 3.0, "{title}: {x} {mark}");
            seen += 1;
        }
    }
    assert_eq!(seen, 2, "{svg}");
    // A percent sign stays with its number.
    let lines = words_of(&svg);
    assert!(
        lines.iter().any(|words| words.text.contains(" %")) && lines.iter().all(|words| !words.text.starts_with('%')),
        "{lines:?}"
    );
}

/// Where words of a picture stand.
#[derive(Debug)]
struct Words {
    text: String,
    /// Its anchor, which the two lines of a label share.
    x: f64,
    at_flow: bool,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

/// All words of a picture, as wide as letters are on average.
fn words_of(svg: &str) -> Vec<Words> {
    let mut found = Vec::new();
    for part in svg.split("<text ").skip(1) {
        let (tag, rest) = part.split_once('>').unwrap();
        let inner = rest.split("</text>").next().unwrap();
        let mut text = String::new();
        let mut inside = true;
        for sign in inner.replace("&lt;", "<1").chars() {
            match sign {
                '<' if !text.is_empty() || inner.starts_with("<tspan") => inside = false,
                '>' => inside = true,
                sign if inside => text.push(sign),
                _ => {}
            }
        }
        let of = |name: &str| tag.split(&format!("{name}=\"")).nth(1).unwrap().split('"').next().unwrap();
        let (class, x, y) = (of("class"), of("x").parse::<f64>().unwrap(), of("y").parse::<f64>().unwrap());
        let size = if class.contains("tm-title") {
            34.0
        } else if class.contains("tm-here") {
            18.0
        } else {
            14.0
        };
        let wide = text.chars().count() as f64 * size * 0.48;
        let left = if class.contains("tm-mid") {
            x - wide / 2.0
        } else if class.contains("tm-end") {
            x - wide
        } else {
            x
        };
        let at_flow = (class.contains("tm-share") || class.contains("tm-number")) && class.contains("tm-halo");
        found.push(Words { text, x, at_flow, left, right: left + wide, top: y - size * 0.7, bottom: y + size * 0.15 });
    }
    found
}

/// What came of offers stands in the stage in which it came, and groups may be those of the likeliest persona.
#[test]
fn outcomes_and_personas_are_counted_by_stage() {
    let offers = "placements: {home: {channel: web}}\noffers: {hello: {treatments: {web: {message: hello}}}}\n\
        personas:\n  buyer: {prior: 0.5, evidence: [{when: 'events(\"buy\").exists()', odds: 30}]}\n  \
        watcher: {prior: 0.5, evidence: [{when: '!events(\"buy\").exists()', odds: 30}]}\n";
    let engine =
        Engine::compile(&[("shop.yaml", &format!("{PLAYBOOK}{offers}"))]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let mut map = engine.journey_map(&MapOptions { split: Split::Personas, ..MapOptions::new("way", at(4 * DAY)) }).unwrap();
    // Thirty come and are shown something; all look, twelve click then, and eleven of these buy.
    for who in 0..30 {
        let name = Identifier::parse(&format!("customer:{who}")).unwrap();
        let mut customer = engine.customer(&name).unwrap();
        let mut tell = |what: &str, minute: i64| {
            let event = Event::new(what, at(minute), name.clone());
            let about = matches!(what, "shown" | "clicked");
            let event = if about { event.with("offer", "hello").with("placement", "home") } else { event };
            engine.record(&mut customer, &event, None).unwrap();
        };
        tell("visit", 0);
        tell("shown", 10);
        tell("look", DAY);
        if who < 12 {
            tell("clicked", DAY + 10);
        }
        if who < 11 {
            tell("buy", 2 * DAY);
        }
        engine.observe_journey(&mut map, &customer);
    }
    let outcomes = |report: &MapReport| -> Vec<(String, String, u64)> {
        let of = |stage: &tactful::map::StageReport| {
            let stage_name = stage.stage.to_string();
            stage.outcomes.iter().map(|one| (stage_name.clone(), one.name.to_string(), one.count)).collect::<Vec<_>>()
        };
        report.stages.iter().flat_map(of).collect()
    };
    let one = |stage: &str, outcome: &str, count| (stage.to_owned(), outcome.to_owned(), count);
    let whole = map.report(None, 10).unwrap();
    assert_eq!(outcomes(&whole), [one("curious", "shown", 30), one("choosing", "clicked", 12)]);
    assert_eq!(map.groups(10).map(|group| group.to_string()).collect::<Vec<_>>(), ["buyer", "watcher"]);
    let buyers = map.report(Some("buyer"), 10).unwrap();
    assert_eq!(buyers.customers, Some(11));
    assert_eq!(outcomes(&buyers), [one("curious", "shown", 11), one("choosing", "clicked", 11)]);
    // One watcher clicked: that is told nowhere.
    assert_eq!(outcomes(&map.report(Some("watcher"), 10).unwrap()), [one("curious", "shown", 19)]);
}

/// Where a long stay is good it is no pain point, and who stays shorter than planned deviates.
#[test]
fn where_a_long_stay_is_good_a_short_one_deviates() {
    let good = PLAYBOOK.replace("{on: buy,", "{on: buy, long_stay: good,");
    let long = |text: &str| {
        let engine = Engine::compile(&[("shop.yaml", text)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let found = map(&engine, &options(), &customers(&engine, &planted(6))).report(None, 10).unwrap();
        found.pain_points.iter().any(|pain| pain.kind == PainKind::Time && *pain.stage == *"buying")
    };
    assert!(long(PLAYBOOK) && !long(&good));
    let text = format!("{good}    plan: {{everyone: {{buying: {{stay: 40d}}}}}}\n");
    let engine = Engine::compile(&[("shop.yaml", &text)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let walked = map(&engine, &options(), &customers(&engine, &planted(6)));
    let plan = engine.journey_plan(&walked, 10).unwrap();
    assert_eq!(plan.cells[0].deviations, [Deviation::StaysShorter, Deviation::UnplannedPain], "{:?}", plan.cells[0]);
}

#[test]
fn populations_are_compared() {
    let engine = engine();
    let (few, many) = (customers(&engine, &planted(2)), customers(&engine, &planted(6)));
    let (few, many) = (map(&engine, &options(), &few), map(&engine, &options(), &many));
    let found = few.compare(None, &many, None, 10).unwrap();
    let drop = found.iter().find(|found| found.measure == Measure::DropOut && &*found.stage == "choosing").unwrap();
    assert_eq!((drop.first, drop.second, drop.first_of, drop.second_of), (0.2, 0.6, 200, 200));
    assert!(drop.q < 1e-9 && drop.interval.0 > 0.3 && drop.interval.1 < 0.5, "{drop:?}");
    let same = few.compare(None, &few, Some("looker"), 10).unwrap();
    assert!(same.iter().all(|same| same.difference == 0.0 && same.p == 1.0), "everybody looks");
}

#[test]
fn mistakes_say_what_to_do() {
    let engine = engine();
    let told = |options: MapOptions| {
        let error = engine.journey_map(&options).unwrap_err();
        format!("{} {}: {error}", error.code(), error.path())
    };
    let question = |event: &str, property: &str| Some(Question { event: event.to_owned(), property: property.to_owned() });
    let map = map(&engine, &options(), &[]);
    let found = [
        told(MapOptions::new("wya", at(0))),
        told(MapOptions { since: Some(at(1)), ..MapOptions::new("way", at(0)) }),
        told(MapOptions { nps: question("nsp", "score"), ..options() }),
        told(MapOptions { csat: question("stars", "gave"), ..options() }),
        told(MapOptions { complaints: vec!["grippe".to_owned()], ..options() }),
        map.report(Some("lookers"), 1).unwrap_err().to_string(),
        map.clone().merge(&engine.journey_map(&MapOptions::new("way", at(0))).unwrap()).unwrap_err().to_string(),
    ];
    assert_eq!(
        found.join("\n"),
        "undeclared_name journey: journey `wya` is not declared in the playbook; did you mean `way`?
wrong_value since: expected an instant that is not after `at`
undeclared_name nps: event type `nsp` is not declared in the playbook; did you mean `nps`?
undeclared_name csat: property `gave` is not declared in the playbook
undeclared_name complaints: event type `grippe` is not declared in the playbook; did you mean `gripe`?
the map has no group `lookers`
the maps are of different journeys, instants, periods or groups, which cannot be added"
    );
}
