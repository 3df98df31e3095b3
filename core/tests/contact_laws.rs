//! The contact policy against a naive count: every rule is told again here as a search through the whole list of events.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use chrono::{Datelike, Days, Timelike};
use proptest::prelude::*;
use tactful::decide::Gate;
use tactful::{Decision, Engine, Event, Identifier, Request, Timestamp};

const PLAYBOOK: &str = r#"
playbook: policy
version: 1
identity: {customer: {}}
time_zone: Europe/Berlin
channels: {email: text, push: text}
groups: {pair: {}}
placements:
  rolling: {channel: email}
  day: {channel: email}
  week: {channel: email}
  month: {channel: email}
  group: {channel: email}
  sets: {channel: push}
  sent_tag: {channel: email}
  tag_now: {channel: email}
  pause: {channel: email}
  series: {channel: email}
  ever: {channel: email}
  gap: {channel: email}
  quiet: {channel: email}
  tired: {channel: email}
  silent: {channel: email}
  days: {channel: email}
  blocks: {channel: email}
  dated: {channel: email}
  both: {channel: push}
offers:
  rolling: {placements: rolling, obeys: rolling, treatments: {email: {message: m}}}
  day: {placements: day, obeys: day, treatments: {email: {message: m}}}
  week: {placements: week, obeys: week, treatments: {email: {message: m}}}
  month: {placements: month, obeys: month, treatments: {email: {message: m}}}
  group: {placements: group, obeys: group, group: pair, treatments: {email: {message: m}}}
  other: {placements: rolling, value: 0, group: pair, treatments: {email: {message: m}}}
  sets: {placements: sets, obeys: sets, treatments: {push: {message: m}}}
  sent_tag: {placements: sent_tag, obeys: sent_tag, tags: red, treatments: {email: {message: m}}}
  tag_now: {placements: tag_now, obeys: tag_now, tags: red, treatments: {email: {message: m}}}
  pause: {placements: pause, obeys: pause, treatments: {email: {message: m}}}
  series: {placements: series, obeys: series, treatments: {email: {message: m}}}
  ever: {placements: ever, obeys: ever, treatments: {email: {message: m}}}
  gap: {placements: gap, obeys: gap, treatments: {email: {message: m}}}
  quiet: {placements: quiet, obeys: quiet, treatments: {email: {message: m}}}
  tired: {placements: tired, obeys: tired, treatments: {email: {message: m}}}
  silent: {placements: silent, obeys: false, counts: false, treatments: {email: {message: m}}}
  days: {placements: days, obeys: days, treatments: {email: {message: m}}}
  blocks: {placements: blocks, obeys: blocks, treatments: {email: {message: m}}}
  dated: {placements: dated, obeys: dated, treatments: {email: {message: m}}}
  both: {placements: both, obeys: both, group: pair, treatments: {push: {message: m}}}
contact:
  - {name: rolling, count: shown, scope: everything, at_most: 2, per: rolling 3d}
  - {name: day, count: [shown, rejected], scope: everything, at_most: 2, per: day}
  - {name: week, count: shown, scope: channel(email), at_most: 2, per: week(sunday)}
  - {name: month, count: any, scope: everything, at_most: 7, per: month}
  - {name: group, count: shown, scope: group, at_most: 1, per: rolling 5d}
  - {name: sets, count: shown, scope: "channels(email, push)", at_most: 3, per: rolling 4d}
  - {name: sent_tag, count: shown, scope: tag(red), at_most: 1, per: rolling 6d}
  - {name: tag_now, count: shown, scope: tag(red), tags: now, at_most: 1, per: rolling 6d}
  - {name: pause, after: rejected, scope: everything, pause: 2d}
  - {name: series, after: rejected, times: 3, within: 4d, scope: everything, pause: 7d}
  - {name: ever, after: rejected, scope: offer(ever), pause: forever}
  - {name: gap, gap: 9h, between: [shown, clicked]}
  - {name: quiet, quiet: {weekdays: "21:00-07:30", sat: "20:00-10:00", sun: "none"}}
  - {name: days, count: shown, scope: everything, at_most: 2, per: days(3)}
  - {name: blocks, count: shown, scope: everything, at_most: 2, per: every 3 days since 2026-03-02}
  - {name: dated, quiet: {sun: "20:00-06:00", dates: ["04-08..04-09", "2026-03-29 02:00-15:00", "2027-03-20"]}}
  - {name: both, count: shown, scope: [channel(push), group], at_most: 1, per: rolling 5d}
  - {name: tired, fatigue: 5, half_life: 2d, costs: {email: 2}, spend: {shown: 1, rejected: 1.5}}
"#;

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;

#[derive(Debug, Clone)]
struct Told {
    kind: &'static str,
    at: i64,
    offer: &'static str,
    channel: &'static str,
    tags: Option<bool>,
}

fn start() -> i64 {
    // The clocks go forward in the first week.
    Timestamp::parse("2026-03-26T00:00:00Z").unwrap().micros()
}

fn stories() -> impl Strategy<Value = Vec<Told>> {
    let one = (
        prop::sample::select(vec!["shown", "shown", "shown", "rejected", "clicked"]),
        0_i64..120,
        prop::sample::select(vec![0_i64, 0, 1, -1]),
        prop::sample::select(vec!["group", "other", "tag_now", "sent_tag", "ever", "gone", "silent"]),
        prop::sample::select(vec!["email", "push"]),
        prop::option::of(any::<bool>()),
    );
    let told = one.prop_map(|(kind, step, off, offer, channel, tags)| Told {
        kind,
        at: start() + step * 6 * HOUR + off,
        offer,
        channel,
        tags,
    });
    prop::collection::vec(told, 0..16)
}

/// Instants that are likely to lie at the edge of something.
fn instants() -> impl Strategy<Value = i64> {
    (0_i64..240, prop::sample::select(vec![0_i64, 1, -1, HOUR / 2])).prop_map(|(step, off)| start() + step * 3 * HOUR + off)
}

fn local(at: i64) -> chrono::NaiveDateTime {
    chrono::DateTime::from_timestamp_micros(at).unwrap().with_timezone(&chrono_tz::Europe::Berlin).naive_local()
}

fn sunday(at: i64) -> chrono::NaiveDate {
    let date = local(at).date();
    date - Days::new(u64::from(date.weekday().num_days_from_sunday()))
}

/// Whether a rule lets its offer pass, by looking through everything.
fn naive(rule: &str, story: &[Told], now: i64) -> Option<bool> {
    let seen: Vec<&Told> = story.iter().filter(|told| told.at <= now && told.offer != "silent").collect();
    let count = |wanted: &dyn Fn(&Told) -> bool| seen.iter().filter(|told| wanted(told)).count();
    let within = |told: &Told, days: i64| told.at > now - days * DAY;
    let shown = |told: &Told| told.kind == "shown";
    let red_now = |told: &Told| matches!(told.offer, "sent_tag" | "tag_now");
    let rejected: Vec<i64> = seen.iter().filter(|told| told.kind == "rejected").map(|told| told.at).collect();
    Some(match rule {
        "rolling" => count(&|t| shown(t) && within(t, 3)) < 2,
        "day" => count(&|t| t.kind != "clicked" && local(t.at).date() == local(now).date()) < 2,
        "week" => count(&|t| shown(t) && t.channel == "email" && sunday(t.at) == sunday(now)) < 2,
        "days" => {
            let first = local(now).date() - Days::new(2);
            count(&|t| shown(t) && local(t.at).date() >= first) < 2
        }
        "blocks" => {
            let first = chrono::NaiveDate::from_ymd_opt(2026, 3, 2).unwrap();
            let block = |at: i64| (local(at).date() - first).num_days().div_euclid(3);
            count(&|t| shown(t) && block(t.at) == block(now)) < 2
        }
        "dated" => {
            let (date, minute) = (local(now).date(), local(now).hour() * 60 + local(now).minute());
            let day = (date.year(), date.month(), date.day());
            let sunday = date.weekday().num_days_from_sunday() == 0 && minute >= 1_200;
            let monday = date.weekday().num_days_from_monday() == 0 && minute < 360;
            let spring = day == (2026, 3, 29) && (120..900).contains(&minute);
            !(sunday || monday || spring || (day.1 == 4 && (day.2 == 8 || day.2 == 9)))
        }
        "both" => count(&|t| shown(t) && t.channel == "push" && matches!(t.offer, "group" | "other") && within(t, 5)) < 1,
        "month" => count(&|t| (local(t.at).year(), local(t.at).month()) == (local(now).year(), local(now).month())) < 7,
        "group" => count(&|t| shown(t) && matches!(t.offer, "group" | "other") && within(t, 5)) < 1,
        "sets" => count(&|t| shown(t) && within(t, 4)) < 3,
        "sent_tag" => count(&|t| shown(t) && t.tags.unwrap_or_else(|| red_now(t)) && within(t, 6)) < 1,
        "tag_now" => count(&|t| shown(t) && red_now(t) && within(t, 6)) < 1,
        "pause" => !rejected.iter().any(|at| now < at + 2 * DAY),
        "series" => {
            let mut ends = rejected.iter().filter(|end| {
                let so_far = rejected.iter().filter(|at| *at <= end && **at > **end - 4 * DAY).count();
                so_far >= 3
            });
            !ends.any(|end| now < end + 7 * DAY)
        }
        "ever" => count(&|t| t.kind == "rejected" && t.offer == "ever") == 0,
        "gap" => count(&|t| t.kind != "rejected" && t.at > now - 9 * HOUR) == 0,
        "quiet" => {
            let (local, minute) = (local(now), local(now).hour() * 60 + local(now).minute());
            let today = local.weekday().num_days_from_monday();
            let evening = if today == 5 { 1_200 } else { 1_260 };
            let morning = if today == 6 { 600 } else { 450 };
            // Sunday has no evening, so Monday no morning.
            !((minute >= evening && today != 6) || (minute < morning && today != 0))
        }
        "tired" => {
            let cost = |t: &Told| match (t.kind, t.channel) {
                ("shown", "email") => 2.0,
                ("shown", _) => 1.0,
                ("rejected", "email") => 3.0,
                ("rejected", _) => 1.5,
                _ => 0.0,
            };
            let load: f64 = seen.iter().map(|t| cost(t) * 0.5_f64.powf((now - t.at) as f64 / (2 * DAY) as f64)).sum();
            let left = 5.0 - load - 2.0;
            // Millionths are rounded, so that the edge itself is not compared.
            return (left.abs() > 1e-4).then_some(left > 0.0);
        }
        _ => true,
    })
}

#[test]
fn every_example_of_the_guide_compiles() {
    let guide = include_str!("../../docs/contact-policy.md");
    let examples: Vec<&str> = guide.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(examples.len(), 2);
    for example in examples {
        if let Err(mistakes) = Engine::compile(&[("example.yaml", example)]) {
            panic!("{mistakes}");
        }
    }
}

const RULES: [&str; 19] = [
    "rolling", "day", "week", "month", "group", "sets", "sent_tag", "tag_now", "pause", "series", "ever", "gap", "quiet",
    "tired", "silent", "days", "both", "blocks", "dated",
];

fn told(engine: &Engine, story: &[Told], order: &[usize]) -> tactful::customer::Customer {
    let ada = Identifier::parse("customer:ada").unwrap();
    let mut customer = engine.customer(&ada).unwrap();
    for place in order {
        let told = &story[*place];
        let time = Timestamp::from_micros(told.at).unwrap();
        let mut event = Event::new(told.kind, time, ada.clone()).with_id(&format!("e{place}")).through(told.channel);
        event = event.with("offer", told.offer);
        if let Some(red) = told.tags {
            let tag = tactful::Value::text(if red { "red" } else { "blue" });
            event = event.with("tags", tactful::Value::List(vec![tag].into()));
        }
        engine.record(&mut customer, &event, None).unwrap();
    }
    customer
}

fn asked(engine: &Engine, customer: &tactful::customer::Customer, now: i64) -> Decision {
    let request = Request { placements: RULES.map(str::to_owned).into(), ..Request::default() };
    engine.explain(customer, &request, Timestamp::from_micros(now).unwrap(), None).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_rule_says_what_a_naive_count_says(story in stories(), now in instants()) {
        let engine = Engine::compile(&[("policy.yaml", PLAYBOOK)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let straight: Vec<usize> = (0..story.len()).collect();
        let customer = told(&engine, &story, &straight);
        // Each rule is asked by itself: what one placement takes would count for the next.
        for rule in RULES {
            let decision = engine.explain(&customer, &Request::of(rule), Timestamp::from_micros(now).unwrap(), None).unwrap();
            let candidates = &decision.trace.as_ref().unwrap().candidates;
            let own = candidates.iter().find(|candidate| *candidate.offer == *rule).unwrap();
            if let Some(passes) = naive(rule, &story, now) {
                prop_assert_eq!(own.gate == Gate::Chosen, passes, "{} at {}: {:?}", rule, local(now), own.reasons);
            }
            prop_assert!(own.gate == Gate::Chosen || own.gate == Gate::Contact);
            // What is said to hold until an instant holds until then and no longer, if nothing else happens.
            if let Some(until) = own.until.filter(|until| !story.iter().any(|told| told.at > now && told.at <= until.micros())) {
                let at = |time: Timestamp| {
                    let decision = engine.explain(&customer, &Request::of(rule), time, None).unwrap();
                    decision.trace.unwrap().candidates.into_iter().find(|own| *own.offer == *rule).unwrap().gate
                };
                prop_assert_eq!(at(until), Gate::Chosen, "{} at {}", rule, until);
                prop_assert_eq!(at(until.saturating_add_micros(-1)), Gate::Contact, "{} before {}", rule, until);
            }
        }
    }

    #[test]
    fn the_order_of_arrival_makes_no_difference(story in stories(), now in instants(), turn in 0_usize..16) {
        let engine = Engine::compile(&[("policy.yaml", PLAYBOOK)]).unwrap();
        let straight: Vec<usize> = (0..story.len()).collect();
        let mut mixed: Vec<usize> = straight.iter().rev().copied().collect();
        mixed.rotate_left(turn.min(story.len()));
        let (one, other) = (told(&engine, &story, &straight), told(&engine, &story, &mixed));
        prop_assert_eq!(asked(&engine, &one, now).to_json(), asked(&engine, &other, now).to_json());
    }

    #[test]
    fn reasons_make_no_difference(story in stories(), now in instants()) {
        let engine = Engine::compile(&[("policy.yaml", PLAYBOOK)]).unwrap();
        let straight: Vec<usize> = (0..story.len()).collect();
        let customer = told(&engine, &story, &straight);
        let request = Request { placements: RULES.map(str::to_owned).into(), ..Request::default() };
        let mut explained = asked(&engine, &customer, now);
        explained.trace = None;
        let decided = engine.decide(&customer, &request, Timestamp::from_micros(now).unwrap(), None).unwrap();
        prop_assert_eq!(explained.to_json(), decided.to_json());
    }
}
