//! Streams against a plain reference: every end over every window, with properties and conditions that are not always known.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use chrono::{Datelike, Days, NaiveDate, Weekday};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tactful::expr::{Expression, NamedFacts, Outcome, Schema, TimeClass, value_text};
use tactful::value::{Type, Zone};
use tactful::{Timestamp, Value};

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;
/// Two days before the clocks of Berlin go forward.
const START: &str = "2026-03-27T00:00:00Z";

#[derive(Debug, Clone)]
struct Row {
    /// Hours and microseconds after [`START`].
    at: i64,
    sku: Option<&'static str>,
    amount: Option<i64>,
}

#[derive(Debug, Clone, Copy)]
enum Window {
    All,
    Rolling(i64),
    Day,
    Week(Weekday),
    Month,
    Utc,
    Since(i64),
    Before(i64),
    Between(i64, i64),
    Session,
}

#[derive(Debug, Clone, Copy)]
enum Condition {
    None,
    Amount(i64),
    Sku,
    Limit,
}

fn schema() -> Arc<Schema> {
    let mut schema = Schema::new();
    schema.declare_fact("customer.limit", Type::Int, TimeClass::Step);
    schema.declare_event("buy", [("sku".into(), Type::String), ("amount".into(), Type::Int)]);
    Arc::new(schema)
}

fn start() -> Timestamp {
    Timestamp::parse(START).unwrap()
}

fn at(hours: i64) -> Timestamp {
    start().saturating_add_micros(hours * HOUR)
}

fn row() -> impl Strategy<Value = Row> {
    let edge = prop_oneof![8 => Just(0), 1 => Just(1), 1 => Just(-1)];
    let sku = prop::option::weighted(0.85, prop::sample::select(vec!["a", "b", "c"]));
    (0..1200i64, edge, sku, prop::option::weighted(0.85, -3..9i64)).prop_map(|(hours, edge, sku, amount)| Row {
        at: hours * HOUR + edge,
        sku,
        amount,
    })
}

fn window() -> impl Strategy<Value = Window> {
    let day = prop::sample::select(vec![Weekday::Mon, Weekday::Wed, Weekday::Sun]);
    prop_oneof![
        Just(Window::All),
        (1..900i64).prop_map(Window::Rolling),
        Just(Window::Day),
        day.prop_map(Window::Week),
        Just(Window::Month),
        Just(Window::Utc),
        (0..1200i64).prop_map(Window::Since),
        (0..1200i64).prop_map(Window::Before),
        (0..1200i64, 0..1200i64).prop_map(|(a, b)| Window::Between(a, b)),
        Just(Window::Session),
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    prop_oneof![Just(Condition::None), (-3..9i64).prop_map(Condition::Amount), Just(Condition::Sku), Just(Condition::Limit),]
}

fn berlin() -> Zone {
    Zone::parse("Europe/Berlin").unwrap()
}

fn day_name(day: Weekday) -> &'static str {
    match day {
        Weekday::Wed => "wednesday",
        Weekday::Sun => "sunday",
        _ => "monday",
    }
}

fn week_of(date: NaiveDate, first: Weekday) -> NaiveDate {
    let mut date = date;
    while date.weekday() != first {
        date = date.checked_sub_days(Days::new(1)).unwrap();
    }
    date
}

impl Window {
    fn text(self) -> String {
        let time = |hours: i64| format!("timestamp(\"{}\")", at(hours));
        match self {
            Window::All => String::new(),
            Window::Rolling(hours) => format!(".within(\"{hours}h\")"),
            Window::Day => ".within(\"day\")".to_string(),
            Window::Week(Weekday::Mon) => ".within(\"week\")".to_string(),
            Window::Week(first) => format!(".within(\"week\", \"{}\")", day_name(first)),
            Window::Month => ".within(\"month\", \"customer\")".to_string(),
            Window::Utc => ".within(\"day\", \"UTC\")".to_string(),
            Window::Since(from) => format!(".since({})", time(from)),
            Window::Before(to) => format!(".before({})", time(to)),
            Window::Between(from, to) => format!(".between({}, {})", time(from), time(to)),
            Window::Session => ".in_session()".to_string(),
        }
    }

    fn holds(self, time: Timestamp, now: Timestamp, session: Option<Timestamp>) -> bool {
        let (zone, micros) = (berlin(), time.micros());
        if time > now {
            return false;
        }
        match self {
            Window::All => true,
            Window::Rolling(hours) => micros > now.micros() - hours * HOUR,
            Window::Day => zone.date(time) == zone.date(now),
            Window::Week(first) => week_of(zone.date(time), first) == week_of(zone.date(now), first),
            Window::Month => {
                let (a, b) = (zone.date(time), zone.date(now));
                (a.year(), a.month()) == (b.year(), b.month())
            }
            Window::Utc => micros.div_euclid(DAY) == now.micros().div_euclid(DAY),
            Window::Since(from) => time >= at(from),
            Window::Before(to) => time < at(to),
            Window::Between(from, to) => time >= at(from) && time < at(to),
            Window::Session => session.is_some_and(|start| time >= start),
        }
    }
}

impl Condition {
    fn text(self) -> String {
        match self {
            Condition::None => String::new(),
            Condition::Amount(least) => format!(".where(e, e.amount > {least})"),
            Condition::Sku => ".where(e, e.sku == \"a\")".to_string(),
            Condition::Limit => ".where(e, e.amount > 2 || e.amount > customer.limit)".to_string(),
        }
    }

    /// Whether a row counts; `None` when that is not known.
    fn holds(self, row: &Row) -> Option<bool> {
        match self {
            Condition::None => Some(true),
            Condition::Amount(least) => Some(row.amount? > least),
            Condition::Sku => Some(row.sku? == "a"),
            Condition::Limit => (row.amount? > 2).then_some(true),
        }
    }
}

fn micros_text(micros: i64) -> String {
    value_text(&Value::Duration(tactful::value::Duration::from_micros(micros).unwrap()))
}

/// What each end of a stream should come to; "unknown" for whatever is missing.
fn expected(certain: &[&Row], uncertain: usize, now: i64) -> BTreeMap<&'static str, String> {
    let mut all = BTreeMap::new();
    let unknown = || "unknown".to_string();
    let mut ends: Vec<(&'static str, Option<String>)> = Vec::new();
    let amounts: Vec<i64> = certain.iter().filter_map(|row| row.amount).collect();
    let skus: Vec<&str> = certain.iter().filter_map(|row| row.sku).collect();
    let times: Vec<i64> = certain.iter().map(|row| row.at).collect();
    let mut sorted = amounts.clone();
    sorted.sort_unstable();
    ends.push(("count()", Some(certain.len().to_string())));
    ends.push(("sum(\"amount\")", Some(amounts.iter().sum::<i64>().to_string())));
    let count = amounts.len() as f64;
    ends.push((
        "avg(\"amount\")",
        (!amounts.is_empty()).then(|| value_text(&Value::Double(amounts.iter().sum::<i64>() as f64 / count))),
    ));
    ends.push(("min(\"amount\")", sorted.first().map(ToString::to_string)));
    ends.push(("max(\"amount\")", sorted.last().map(ToString::to_string)));
    ends.push(("first(\"amount\")", amounts.first().map(ToString::to_string)));
    ends.push(("last(\"amount\")", amounts.last().map(ToString::to_string)));
    let different: BTreeSet<&str> = skus.iter().copied().collect();
    let list = different.iter().map(|sku| format!("\"{sku}\"")).collect::<Vec<_>>().join(", ");
    ends.push(("distinct(\"sku\")", (!different.is_empty()).then(|| format!("[{list}]"))));
    ends.push(("count_distinct(\"sku\")", Some(different.len().to_string())));
    let often = |sku: &str| skus.iter().filter(|other| **other == sku).count();
    let quoted = |sku: &str| format!("\"{sku}\"");
    // The first of the largest or smallest, in order: the smallest value of several.
    let most = different.iter().rev().copied().max_by_key(|sku| often(sku)).filter(|sku| often(sku) >= 2);
    ends.push(("most_frequent(\"sku\")", most.map(quoted)));
    ends.push(("least_frequent(\"sku\")", different.iter().copied().min_by_key(|sku| often(sku)).map(quoted)));
    let rank = (sorted.len() * 3).div_ceil(4).max(1) - 1;
    ends.push(("quantile(\"amount\", 0.75)", sorted.get(rank).map(ToString::to_string)));
    ends.push(("since_first()", times.first().map(|time| micros_text(now - time))));
    ends.push(("since_last()", times.last().map(|time| micros_text(now - time))));
    let mut gaps: Vec<i64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    gaps.sort_unstable();
    let middle = (gaps.len() >= 2).then(|| micros_text(gaps[(gaps.len() - 1) / 2]));
    ends.push(("usual_gap()", middle));
    for (text, first) in [("streak(\"week\")", Weekday::Mon), ("streak(\"week\", \"sunday\")", Weekday::Sun)] {
        let week = |micros: i64| week_of(berlin().date(start().saturating_add_micros(micros)), first);
        let weeks: BTreeSet<NaiveDate> = times.iter().map(|time| week(*time)).collect();
        let mut at = week(now);
        if !weeks.contains(&at) {
            at = at.checked_sub_days(Days::new(7)).unwrap();
        }
        let mut length = 0;
        while weeks.contains(&at) {
            length += 1;
            at = at.checked_sub_days(Days::new(7)).unwrap();
        }
        ends.push((text, Some(length.to_string())));
    }
    for (end, value) in ends {
        all.insert(end, value.filter(|_| uncertain == 0).unwrap_or_else(unknown));
    }
    let exists = match (certain.len(), uncertain) {
        (0, 0) => "false".to_string(),
        (0, _) => unknown(),
        _ => "true".to_string(),
    };
    all.insert("exists()", exists);
    all
}

fn show(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Value(value) => value_text(value),
        Outcome::Unknown(_) => "unknown".to_string(),
        Outcome::Error(error) => format!("error {}", error.code.name()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 400 } else { 4_000 }))]

    #[test]
    fn every_end_over_every_window_is_what_a_plain_search_finds(
        mut rows in prop::collection::vec(row(), 0..14),
        (now, session) in (0..1300i64, prop::option::of(0..400i64)),
        window in window(),
        condition in condition(),
        least in 0..5i64,
    ) {
        rows.sort_by_key(|row| row.at);
        let schema = schema();
        let now_at = at(now);
        let mut facts = NamedFacts::of(schema.clone(), now_at).with_zone(berlin());
        // Of events at one instant the order told is the order of the story.
        for row in &rows {
            let mut properties = Vec::new();
            properties.extend(row.sku.map(|sku| ("sku", Value::text(sku))));
            properties.extend(row.amount.map(|amount| ("amount", Value::Int(amount))));
            facts = facts.with_event("buy", start().saturating_add_micros(row.at), &properties);
        }
        let session = session.map(|back| at(now - back));
        if let Some(session) = session {
            facts = facts.with_session(session, at(now + 1));
        }
        let inside: Vec<&Row> =
            rows.iter().filter(|row| window.holds(start().saturating_add_micros(row.at), now_at, session)).collect();
        let certain: Vec<&Row> = inside.iter().copied().filter(|row| condition.holds(row) == Some(true)).collect();
        let uncertain = inside.iter().filter(|row| condition.holds(row).is_none()).count();
        let stream = format!("events(\"buy\"){}{}", window.text(), condition.text());
        for (end, wanted) in expected(&certain, uncertain, now * HOUR) {
            let text = format!("{stream}.{end}");
            let expression = Expression::compile(&text, Some(&schema)).unwrap_or_else(|findings| panic!("{findings}"));
            prop_assert_eq!(show(&expression.evaluate(&facts).outcome), wanted, "{}", text);
        }
        // A count is a range: what holds for all of it is known.
        let (low, high) = (certain.len() as i64, (certain.len() + uncertain) as i64);
        for (op, of) in [(">=", (low >= least, high >= least)), ("<", (low < least, high < least))] {
            let text = format!("{stream}.count() {op} {least}");
            let expression = Expression::compile(&text, Some(&schema)).unwrap();
            let wanted = if of.0 == of.1 { of.0.to_string() } else { "unknown".to_string() };
            prop_assert_eq!(show(&expression.evaluate(&facts).outcome), wanted, "{}", text);
        }
    }
}
