//! Laws of the rule language, tried on generated expressions and facts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use proptest::prelude::*;
use std::sync::Arc;
use tactful::expr::{Expression, NamedFacts, Outcome, ProgramBuilder, Schema, Scratch, TimeClass, evaluate, print};
use tactful::value::{Currency, Decimal, Moment, Type, Zone};
use tactful::{Timestamp, Value};

const NOW: &str = "2026-03-29T00:30:00Z";
const HOUR: i64 = 3_600_000_000;

fn schema() -> Arc<Schema> {
    let mut schema = Schema::new();
    let euros = Type::Money { currency: Currency::parse("EUR").unwrap(), scale: 2 };
    schema.declare_fact("customer.age", Type::Int, TimeClass::Step);
    schema.declare_fact("customer.score", Type::Double, TimeClass::Step);
    schema.declare_fact("customer.city", Type::Enum(["Bonn".into(), "Rome".into()].into()), TimeClass::Step);
    schema.declare_fact("customer.since", Type::Timestamp, TimeClass::Step);
    schema.declare_fact("customer.balance", euros.clone(), TimeClass::Step);
    schema.declare_fact("customer.tags", Type::List(Box::new(Type::String)), TimeClass::Step);
    schema.declare_fact("segment.loyal", Type::Bool, TimeClass::Step);
    schema.declare_fact("journey.lifecycle.since", Type::Timestamp, TimeClass::Step);
    schema.declare_event(
        "purchase",
        [
            ("sku".into(), Type::String),
            ("amount".into(), euros),
            ("quantity".into(), Type::Int),
            ("price".into(), Type::Double),
        ],
    );
    schema.declare_event("view", [("sku".into(), Type::String), ("quantity".into(), Type::Int)]);
    Arc::new(schema)
}

fn stream() -> impl Strategy<Value = String> {
    let source = prop_oneof![
        Just("events(\"purchase\")"),
        Just("events(\"view\")"),
        Just("events()"),
        Just("events(\"view\", \"purchase\")")
    ];
    let part = prop_oneof![
        3 => Just(String::new()),
        1 => (1..72i64).prop_map(|hours| format!(".within(\"{hours}h\")")),
        1 => Just(".within(\"day\")".to_string()),
        1 => Just(".within(\"week\")".to_string()),
        1 => Just(".in_session()".to_string()),
        1 => Just(".where(e, e.quantity > 1)".to_string()),
        1 => Just(".where(e, e.sku == \"a\")".to_string()),
        1 => Just(".where(e, has(e.quantity) && e.quantity < 3)".to_string()),
        1 => (0..60i64).prop_map(|hours| format!(".where(e, now - e.time > duration(\"{hours}h\"))")),
        1 => Just(".where(e, e.quantity > customer.age)".to_string()),
        1 => Just(".where(e, e.channel == \"web\")".to_string()),
        1 => Just(".since(customer.since)".to_string()),
        1 => Just(".before(customer.since)".to_string()),
        1 => (0..60i64).prop_map(|hours| format!(".between(customer.since, now - duration(\"{hours}h\"))")),
        1 => Just(".in_stage(\"lifecycle\")".to_string()),
        2 => (
            prop_oneof![Just("followed_by"), Just("not_followed_by")],
            prop_oneof![
                Just("\"purchase\""),
                Just("\"view\""),
                Just("events(\"view\").where(x, x.quantity > 1)"),
                Just("events(\"view\", \"purchase\").where(x, x.quantity > customer.age)"),
                Just("events(\"view\").where(x, now - x.time > duration(\"20h\"))"),
            ],
            prop::option::of(1..48i64),
            prop_oneof![Just(""), Just(", \"sku\""), Just(", \"sku\", \"quantity\"")],
            prop_oneof![Just(""), Just(".without(\"view\")"), Just(".without(\"purchase\")")],
        ).prop_map(|(step, target, hours, by, without)| {
            let within = hours.map_or_else(String::new, |hours| format!(", \"{hours}h\""));
            format!(".{step}({target}{within}{by}){without}")
        }),
    ];
    (source, part.clone(), part).prop_map(|(source, a, b)| format!("{source}{a}{b}"))
}

fn number() -> BoxedStrategy<String> {
    prop_oneof![
        Just("customer.age".to_string()),
        (-2..6i64).prop_map(|number| number.to_string()),
        stream().prop_map(|stream| format!("{stream}.count()")),
        stream().prop_map(|stream| format!("{stream}.sum(\"quantity\")")),
        stream().prop_map(|stream| format!("{stream}.last(\"quantity\")")),
        stream().prop_map(|stream| format!("{stream}.most_frequent(\"quantity\")")),
        stream().prop_map(|stream| format!("{stream}.count_distinct(\"sku\")")),
        stream().prop_map(|stream| format!("{stream}.least_frequent(\"quantity\")")),
        (stream(), 0..=10i64).prop_map(|(stream, tenths)| format!(
            "{stream}.quantile(\"quantity\", {}.{})",
            tenths / 10,
            tenths % 10
        )),
        (stream(), prop_oneof![Just("day"), Just("week"), Just("month")])
            .prop_map(|(stream, unit)| format!("{stream}.streak(\"{unit}\")")),
        Just("customer.?age.orValue(2)".to_string()),
        Just("size(customer.tags)".to_string()),
        Just("9223372036854775807".to_string()),
    ]
    .prop_recursive(2, 6, 2, |inner| {
        (inner.clone(), prop_oneof![Just("+"), Just("-"), Just("*"), Just("/"), Just("%")], inner)
            .prop_map(|(a, op, b)| format!("({a} {op} {b})"))
    })
    .boxed()
}

fn double() -> BoxedStrategy<String> {
    prop_oneof![
        Just("customer.score".to_string()),
        (-3..9i64).prop_map(|number| format!("{}", number as f64 / 2.0 + 0.25)),
        stream().prop_map(|stream| format!("{stream}.since_last().hours()")),
        stream().prop_map(|stream| format!("{stream}.since_first().days()")),
        stream().prop_map(|stream| format!("{stream}.avg(\"quantity\")")),
        stream().prop_map(|stream| format!("{stream}.since_last().days() * 1.5")),
        stream().prop_map(|stream| format!("{stream}.rate()")),
        stream().prop_map(|stream| format!("{stream}.usual_gap().hours()")),
        number().prop_map(|number| format!("double({number})")),
        Just("(now - customer.since).days()".to_string()),
        Just("double((now - customer.since).getHours())".to_string()),
    ]
    .boxed()
}

fn length() -> BoxedStrategy<String> {
    prop_oneof![
        (0..100i64).prop_map(|hours| format!("duration(\"{hours}h\")")),
        stream().prop_map(|stream| format!("{stream}.since_last()")),
        stream().prop_map(|stream| format!("{stream}.since_first()")),
        Just("(now - customer.since)".to_string()),
        Just("(customer.since - now)".to_string()),
        Just("-(now - customer.since)".to_string()),
        (0..30i64).prop_map(|hours| format!("(now - customer.since + duration(\"{hours}h\"))")),
    ]
    .boxed()
}

fn compared() -> impl Strategy<Value = String> {
    prop_oneof![Just("<"), Just("<="), Just(">"), Just(">="), Just("=="), Just("!=")].prop_map(String::from)
}

fn truth() -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        2 => (number(), compared(), number()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        2 => (double(), compared(), double()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        3 => (length(), compared(), length()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        1 => (compared(), 0..200i64).prop_map(|(op, cents)| format!("customer.balance {op} {}.{:02}", cents / 100, cents % 100)),
        1 => (stream(), compared()).prop_filter_map("only purchases have amounts", |(stream, op)| {
            (!stream.starts_with("events(\"view\")")).then(|| format!("{stream}.sum(\"amount\") {op} 2.50"))
        }),
        1 => Just("segment(\"loyal\")".to_string()),
        1 => Just("customer.city == \"Bonn\"".to_string()),
        1 => Just("customer.city in [\"Rome\"]".to_string()),
        1 => Just("has(customer.age)".to_string()),
        1 => Just("customer.tags.exists(t, t == \"a\" && customer.age > 3)".to_string()),
        1 => Just("customer.tags.all(t, t.size() < customer.age)".to_string()),
        1 => Just("\"a\" in customer.tags".to_string()),
        1 => Just("now > customer.since".to_string()),
        1 => Just("now == customer.since".to_string()),
        1 => Just("now.getHours() < 12".to_string()),
        1 => stream().prop_map(|stream| format!("{stream}.exists()")),
        1 => stream().prop_map(|stream| format!("\"a\" in {stream}.distinct(\"sku\")")),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(|all| format!("({})", all.join(" && "))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|all| format!("({})", all.join(" || "))),
            inner.clone().prop_map(|inner| format!("!({inner})")),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
        ]
    })
    .boxed()
}

fn now() -> Timestamp {
    Timestamp::parse(NOW).unwrap()
}

fn around(hours: std::ops::Range<i64>) -> impl Strategy<Value = Timestamp> {
    (hours, prop_oneof![3 => Just(0i64), 1 => Just(1), 1 => Just(-1)])
        .prop_map(|(hours, micros)| now().saturating_add_micros(hours * HOUR + micros))
}

fn facts() -> impl Strategy<Value = NamedFacts> {
    let until = prop::option::of(around(1..50)).boxed();
    let values = (
        prop::option::of((0..6i64, until.clone())),
        prop::option::of((0..8i64, until.clone())),
        prop::option::of((prop::bool::ANY, until.clone())),
        prop::option::of((around(-60..60), until.clone())),
        prop::option::of((0..200i64, until.clone())),
        prop::option::of((prop::collection::vec("[ab]{1,3}", 0..3), until.clone())),
        prop::option::of((prop::bool::ANY, until)),
    );
    let event = (
        prop::bool::ANY,
        around(-80..30),
        prop::option::of("[ab]"),
        prop::option::of(0..4i64),
        prop::option::of(0..300i64),
        prop::option::of(prop_oneof![Just("web"), Just("app")]),
    );
    (
        values,
        prop::collection::vec(event, 0..9),
        prop::option::of(Just("Europe/Berlin")),
        prop::option::of((around(-5..0), around(1..3))),
    )
        .prop_map(|(values, events, zone, session)| {
            let mut facts = NamedFacts::of(schema(), now());
            let (age, score, bonn, since, balance, tags, loyal) = values;
            if let Some((age, until)) = age {
                facts = facts.with_until("customer.age", Value::Int(age), until);
            }
            if let Some((score, until)) = score {
                facts = facts.with_until("customer.score", Value::Double(score as f64 / 2.0), until);
            }
            if let Some((bonn, until)) = bonn {
                facts = facts.with_until("customer.city", Value::text(if bonn { "Bonn" } else { "Rome" }), until);
            }
            if let Some((since, until)) = since {
                facts = facts.with_until("customer.since", Value::Timestamp(Moment::from(since)), until);
                facts = facts.with_until("journey.lifecycle.since", Value::Timestamp(Moment::from(since)), until);
            }
            if let Some((cents, until)) = balance {
                facts = facts.with_until("customer.balance", euros(cents), until);
            }
            if let Some((tags, until)) = tags {
                let tags: Vec<Value> = tags.iter().map(|tag| Value::text(tag)).collect();
                facts = facts.with_until("customer.tags", Value::List(tags.into()), until);
            }
            if let Some((loyal, until)) = loyal {
                facts = facts.with_until("segment.loyal", Value::Bool(loyal), until);
            }
            for (purchase, time, sku, quantity, cents, channel) in events {
                let mut properties = Vec::new();
                properties.extend(sku.as_deref().map(|sku| ("sku", Value::text(sku))));
                properties.extend(quantity.map(|quantity| ("quantity", Value::Int(quantity))));
                properties.extend(cents.filter(|_| purchase).map(|cents| ("amount", euros(cents))));
                facts = facts.with_event_through(if purchase { "purchase" } else { "view" }, time, &properties, channel);
            }
            if let Some(zone) = zone {
                facts = facts.with_zone(Zone::parse(zone).unwrap());
            }
            if let Some((start, end)) = session {
                facts = facts.with_session(start, end);
            }
            facts
        })
}

fn euros(cents: i64) -> Value {
    Value::Decimal(Decimal::new(i128::from(cents), 2, Currency::parse("EUR")))
}

fn compile(text: &str) -> Expression {
    Expression::compile(text, Some(&schema())).unwrap_or_else(|findings| panic!("{text}\n{findings}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_changes_before_the_instant_that_is_named(text in truth(), facts in facts(), picks in prop::collection::vec(0.0..1.0f64, 6)) {
        let expression = compile(&text);
        let found = expression.evaluate(&facts);
        let first = now().saturating_add_micros(1);
        let last = found.until.map_or(now().saturating_add_micros(400 * HOUR), |until| until.saturating_add_micros(-1));
        prop_assert!(found.until.is_none_or(|until| until > now()), "{text} is said to change at or before now");
        let span = last.micros() - now().micros();
        let somewhere = picks.iter().map(|pick| now().saturating_add_micros((span as f64 * pick) as i64));
        let edges = (-90..90).flat_map(|hours| [-1, 0, 1].map(|micros| now().saturating_add_micros(hours * HOUR + micros)));
        for instant in somewhere.chain(edges).chain([first, last]).filter(|instant| *instant > now() && *instant <= last) {
            let later = expression.evaluate(&facts.at(instant));
            prop_assert_eq!(&later.outcome, &found.outcome, "{} at {} although {:?}", text, instant, found.until);
        }
    }

    #[test]
    fn a_program_gives_what_each_expression_gives_alone(texts in prop::collection::vec(truth(), 1..6), facts in facts(), other in facts()) {
        let mut builder = ProgramBuilder::new();
        let expressions: Vec<Expression> = texts.iter().map(|text| compile(text)).collect();
        let ids: Vec<_> = expressions.iter().map(|expression| builder.add(expression.checked())).collect();
        let program = builder.build();
        let mut scratch = Scratch::new(&program);
        for facts in [&facts, &other, &facts.at(now().saturating_add_micros(7 * HOUR))] {
            scratch.begin();
            for (id, expression) in ids.iter().zip(&expressions) {
                prop_assert_eq!(program.evaluate(*id, facts, &mut scratch), evaluate(expression.checked(), facts), "{}", expression.checked().text());
            }
        }
    }

    #[test]
    fn canonical_text_means_the_same(text in truth(), facts in facts()) {
        let expression = compile(&text);
        let printed = print(expression.checked().tree());
        let again = compile(&printed);
        prop_assert_eq!(print(again.checked().tree()), printed);
        let (one, two) = (expression.evaluate(&facts), again.evaluate(&facts));
        prop_assert_eq!(one.until, two.until);
        match (one.outcome, two.outcome) {
            (Outcome::Error(one), Outcome::Error(two)) => prop_assert_eq!(one.code, two.code),
            (one, two) => prop_assert_eq!(one, two),
        }
    }

    #[test]
    fn an_explanation_comes_to_the_same(text in truth(), facts in facts()) {
        let expression = compile(&text);
        let explanation = expression.explain(&facts);
        prop_assert_eq!(&explanation.outcome, &expression.evaluate(&facts).outcome);
        prop_assert!(!explanation.reasons().is_empty());
    }

    #[test]
    fn no_text_breaks_the_compiler(text in prop_oneof![
        any::<String>(),
        "[a-z0-9 .,(){}\\[\\]\"'?:!<>=&|+*/%\\\\-]{0,60}",
        prop::collection::vec(prop_oneof![
            Just("events"), Just("("), Just(")"), Just("."), Just("\"purchase\""), Just("where"), Just("e"), Just(","), Just("count"),
            Just("["), Just("]"), Just("{"), Just("}"), Just("?"), Just(":"), Just("-"), Just("1"), Just("1.5"), Just("&&"), Just("!"),
            Just("has"), Just("customer"), Just("age"), Just("in"), Just("all"), Just("now"), Just("b'\\xff'"), Just("é"), Just("\\"),
        ], 0..30).prop_map(|parts| parts.concat()),
    ]) {
        let facts = NamedFacts::of(schema(), now());
        for schema in [None, Some(&*schema())] {
            match Expression::compile(&text, schema) {
                Ok(expression) => { let _ = expression.explain(&facts); }
                Err(findings) => prop_assert!(findings.has_errors() && !findings.to_string().is_empty()),
            }
        }
    }
}
