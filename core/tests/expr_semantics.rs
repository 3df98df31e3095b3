//! The fine points of the rule language, one by one.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::sync::Arc;
use tactful::Diagnostics;
use tactful::expr::{
    CompileOptions, ErrorCode, Expected, Expression, NamedFacts, Outcome, ProgramBuilder, Schema, Scratch, TimeClass,
    compile_text, value_text,
};
use tactful::playbook::Text;
use tactful::value::{Currency, Decimal, Moment, Type, Zone};
use tactful::{Timestamp, Value};

fn time(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn euros(cents: i128) -> Value {
    Value::Decimal(Decimal::new(cents, 2, Currency::parse("EUR")))
}

fn schema() -> Arc<Schema> {
    let mut schema = Schema::new();
    let money = |code: &str| Type::Money { currency: Currency::parse(code).unwrap(), scale: 2 };
    schema.declare_fact("customer.age", Type::Int, TimeClass::Step);
    schema.declare_fact("customer.score", Type::Double, TimeClass::Step);
    schema.declare_fact("customer.name", Type::String, TimeClass::Step);
    schema.declare_fact("customer.city", Type::Enum(["Bonn".into(), "Rome".into()].into()), TimeClass::Step);
    schema.declare_fact("customer.since", Type::Timestamp, TimeClass::Step);
    schema.declare_fact("customer.balance", money("EUR"), TimeClass::Step);
    schema.declare_fact("customer.dollars", money("USD"), TimeClass::Step);
    schema.declare_fact("segment.loyal", Type::Bool, TimeClass::Step);
    schema.declare_fact("persona.thrifty", Type::Double, TimeClass::Other);
    schema.declare_fact("journey.lifecycle.stage", Type::String, TimeClass::Step);
    schema.declare_fact("journey.lifecycle.since", Type::Timestamp, TimeClass::Step);
    schema.declare_fact("request.basket", Type::Map(Box::new(Type::String), Box::new(Type::Int)), TimeClass::Constant);
    schema.declare_event(
        "purchase",
        [
            ("sku".into(), Type::String),
            ("amount".into(), money("EUR")),
            ("quantity".into(), Type::Int),
            ("price".into(), Type::Double),
        ],
    );
    schema.declare_event("view", [("sku".into(), Type::String)]);
    Arc::new(schema)
}

fn facts() -> NamedFacts {
    NamedFacts::of(schema(), time("2026-03-10T12:00:00Z"))
        .with("customer.age", Value::Int(17))
        .with("customer.balance", euros(1250))
        .with("customer.city", Value::text("Bonn"))
        .with("segment.loyal", Value::Bool(true))
        .with("persona.thrifty", Value::Double(0.25))
        .with("journey.lifecycle.stage", Value::text("purchase"))
        .with("journey.lifecycle.since", Value::Timestamp(Moment::from(time("2026-03-01T00:00:00Z"))))
        .with("request.basket", Value::Map([(Value::text("apples"), Value::Int(3))].into()))
        .with_event_through(
            "purchase",
            time("2026-03-01T10:00:00Z"),
            &[("sku", Value::text("b")), ("amount", euros(10)), ("quantity", Value::Int(1)), ("price", Value::Double(0.1))],
            Some("web"),
        )
        .with_event_through(
            "purchase",
            time("2026-03-09T10:00:00Z"),
            &[("sku", Value::text("a")), ("amount", euros(20)), ("quantity", Value::Int(2)), ("price", Value::Double(0.2))],
            None,
        )
        .with_event("purchase", time("2026-03-10T10:00:00Z"), &[("sku", Value::text("b")), ("price", Value::Double(0.3))])
        .with_event("view", time("2026-03-10T11:00:00Z"), &[("sku", Value::text("a"))])
        .with_event("view", time("2026-03-11T11:00:00Z"), &[("sku", Value::text("z"))])
}

fn compile(text: &str) -> Result<Expression, Diagnostics> {
    Expression::compile(text, Some(&schema()))
}

/// What an expression comes to, as text.
fn show(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Value(value) => value_text(value),
        Outcome::Unknown(missing) => format!("unknown {}", missing.iter().collect::<Vec<_>>().join(" ")),
        Outcome::Error(error) => format!("error {}", error.code.name()),
    }
}

#[track_caller]
fn gives(text: &str, wanted: &str) {
    let expression = compile(text).unwrap_or_else(|findings| panic!("{findings}"));
    let found = expression.evaluate(&facts());
    assert_eq!(show(&found.outcome), wanted, "{text}");
    let mut builder = ProgramBuilder::new();
    let id = builder.add(expression.checked());
    let program = builder.build();
    assert_eq!(program.evaluate(id, &facts(), &mut Scratch::new(&program)), found, "{text} as a program");
    assert_eq!(expression.explain(&facts()).outcome, found.outcome, "{text} explained");
}

#[track_caller]
fn refused(text: &str, code: &str, part: &str) {
    match compile(text) {
        Ok(_) => panic!("{text} compiles"),
        Err(findings) => {
            let shown = findings.to_string();
            assert!(findings.0.iter().any(|finding| finding.code == code), "{shown}");
            assert!(shown.contains(part), "{shown}");
        }
    }
}

#[test]
fn unknown_is_absorbed_and_else_wins_over_error() {
    gives("false && customer.score > 1.0", "false");
    gives("customer.score > 1.0 && false", "false");
    gives("customer.score > 1.0 || true", "true");
    gives("1 / 0 > 0 || true", "true");
    gives("customer.score > 1.0 && 1 / 0 > 0", "unknown customer.score");
    gives("1 / 0 > 0 && customer.score > 1.0", "unknown customer.score");
    gives("customer.score > 1.0 || customer.name == \"x\"", "unknown customer.name customer.score");
    gives("customer.name != \"x\"", "unknown customer.name");
    gives("!(customer.name in [\"x\"])", "unknown customer.name");
    gives("customer.score > 1.0 ? 1 : 2", "unknown customer.score");
    gives("1 / 0", "error division_by_zero");
    gives("has(customer.score)", "false");
    gives("has(customer.age) && !has(request.basket.pears)", "true");
    gives("request.basket.pears", "error no_such_key");
}

#[test]
fn names_of_calls_are_facts() {
    gives("segment(\"loyal\") && \"loyal\" in segment", "true");
    gives("persona(\"thrifty\") * 2.0", "0.5");
    gives("journey(\"lifecycle\").stage == \"purchase\"", "true");
    gives("(now - journey(\"lifecycle\").since).days()", "9.5");
}

#[test]
fn streams_follow_their_windows() {
    gives("events(\"purchase\").count()", "3");
    gives("events().count()", "4");
    gives("events(\"view\", \"purchase\").within(\"day\").count()", "unknown customer.time_zone");
    gives("events(\"purchase\").within(\"26h\").count()", "1");
    gives("events(\"purchase\").within(duration(\"26h\") + duration(\"1us\")).count()", "2");
    gives("events(\"purchase\").in_session().count()", "0");
    gives("events(\"purchase\").since(timestamp(\"2026-03-09T10:00:00Z\")).count()", "2");
    gives("events(\"purchase\").before(timestamp(\"2026-03-09T10:00:00Z\")).count()", "1");
    let berlin = facts()
        .with_zone(Zone::parse("Europe/Berlin").unwrap())
        .with_session(time("2026-03-10T10:30:00Z"), time("2026-03-10T12:30:00Z"));
    for (text, count, until) in [
        ("events(\"purchase\").within(\"day\").count()", 1, Some("2026-03-10T23:00:00Z")),
        ("events(\"purchase\").within(\"week\").count()", 2, Some("2026-03-15T23:00:00Z")),
        ("events(\"purchase\").within(\"month\").count()", 3, Some("2026-03-31T22:00:00Z")),
        ("events(\"view\").in_session().count()", 1, Some("2026-03-10T12:30:00Z")),
        ("events(\"purchase\").within(\"48h\").count()", 2, Some("2026-03-11T10:00:00Z")),
        ("events(\"view\").count()", 1, Some("2026-03-11T11:00:00Z")),
        ("events(\"purchase\").count()", 3, None),
    ] {
        let found = compile(text).unwrap().evaluate(&berlin);
        assert_eq!(found.outcome, Outcome::Value(Value::Int(count)), "{text}");
        assert_eq!(found.until, until.map(time), "{text}");
    }
}

#[test]
fn streams_of_nothing_and_of_lacking_properties() {
    gives("events(\"purchase\").within(\"1h\").count()", "0");
    gives("events(\"purchase\").within(\"1h\").exists()", "false");
    gives("events(\"purchase\").within(\"1h\").sum(\"amount\")", "0.00 EUR");
    gives("events(\"purchase\").within(\"1h\").sum(quantity)", "0");
    gives("events(\"purchase\").within(\"1h\").max(\"price\")", "unknown events.purchase");
    gives("events(\"purchase\").within(\"1h\").since_last()", "unknown events.purchase");
    gives("events(\"purchase\").within(\"3h\").last(\"amount\")", "unknown events.purchase.amount");
    gives("events(\"purchase\").last(\"amount\")", "0.20 EUR");
    gives("events(\"purchase\").first(\"sku\")", "\"b\"");
    gives("events(\"purchase\").avg(\"amount\")", "0.150000 EUR");
    gives("events(\"purchase\").avg(\"quantity\")", "1.5");
    gives("events(\"purchase\").sum(\"price\") == 0.1 + 0.2 + 0.3", "true");
    gives("events(\"purchase\").sum(\"amount\") == 0.30", "true");
    gives("events(\"purchase\").distinct(\"sku\")", "[\"a\", \"b\"]");
    gives("events(\"purchase\").count_distinct(\"sku\")", "2");
    gives("events(\"purchase\").within(\"1h\").count_distinct(\"sku\")", "0");
    gives("events(\"purchase\").within(\"1h\").distinct(\"sku\")", "unknown events.purchase");
    gives("events(\"purchase\").most_frequent(\"sku\")", "\"b\"");
    gives("events(\"purchase\").most_frequent(\"quantity\")", "unknown events.purchase.quantity");
    gives("events().most_frequent(\"sku\")", "\"a\"");
    gives("events(\"purchase\").since_last()", "duration(\"7200s\")");
    gives("events(\"purchase\").usual_gap()", "duration(\"86400s\")");
    gives("events(\"purchase\").since(timestamp(\"2026-03-09T00:00:00Z\")).usual_gap()", "unknown events.purchase");
    gives("events(\"view\").usual_gap()", "unknown events.view");
    gives("events(\"purchase\").since_first().days()", "9.083333333333334");
    gives("events(\"purchase\").min(\"price\") < events(\"purchase\").max(\"price\")", "true");
}

#[test]
fn an_unknown_condition_makes_the_count_a_range() {
    // One event has quantity 1, one 2, one none.
    gives("events(\"purchase\").where(e, e.quantity > 1).count()", "unknown events.purchase.quantity");
    gives("events(\"purchase\").where(e, e.quantity > 1).count() >= 1", "true");
    gives("1 > events(\"purchase\").where(e, e.quantity > 1).count()", "false");
    gives("events(\"purchase\").where(e, e.quantity > 1).count() >= 2", "unknown events.purchase.quantity");
    gives("events(\"purchase\").where(e, e.quantity > 1).count() != 3", "true");
    gives("events(\"purchase\").where(e, e.quantity > 1).count() == 2", "unknown events.purchase.quantity");
    gives("events(\"purchase\").where(e, e.quantity > 1).sum(\"amount\")", "unknown events.purchase.quantity");
    // One event surely counts, so there is one; none surely does, and one may.
    gives("events(\"purchase\").where(e, e.quantity > 1).exists()", "true");
    gives("events(\"purchase\").where(e, e.quantity > 7).exists()", "unknown events.purchase.quantity");
    gives("events(\"purchase\").where(e, e.quantity > 7 && e.sku == \"z\").exists()", "false");
    gives("events(\"purchase\").where(e, has(e.quantity) && e.quantity > 1).count()", "1");
    gives("events(\"purchase\").where(e, e.channel == \"web\").count()", "unknown events.purchase.channel");
    gives("events(\"purchase\").where(e, has(e.channel)).where(e, e.time > timestamp(\"2026-03-02T00:00:00Z\")).count()", "0");
}

#[test]
fn money_is_exact_and_never_mixes() {
    gives("customer.balance > 12.49", "true");
    gives("customer.balance == 12.5", "true");
    gives("customer.balance > 12.499999999", "true");
    gives("customer.balance >= 12 && customer.balance < 13", "true");
    gives("customer.balance in [1.00, 12.50]", "true");
    gives("customer.balance > - // a sign on its own line\n 12.50", "true");
    gives("customer.balance + 0.01", "12.51 EUR");
    gives("customer.balance * 3 - customer.balance", "25.00 EUR");
    gives("double(customer.balance) * 1.5", "18.75");
    refused("customer.balance * 1.5 > 1.0", "type_mismatch", "double(x)");
    refused("customer.balance < customer.dollars", "type_mismatch", "EUR and USD");
    refused("customer.balance + customer.dollars > 1", "type_mismatch", "money(USD)");
    refused("customer.balance > customer.score", "type_mismatch", "double(x)");
    refused("customer.balance + 0.001 > 1", "type_mismatch", "more digits");
}

#[test]
fn everything_wrong_is_reported_at_once_with_hints() {
    let findings =
        compile("customer.agee > 18 && events(\"purchse\").count() > \"x\" && customer.city == \"Bon\"").unwrap_err();
    let codes: Vec<&str> = findings.0.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["unknown_name", "unknown_event", "unknown_value"]);
    let shown = findings.to_string();
    for hint in ["did you mean `customer.age`?", "did you mean `purchase`?", "did you mean `Bonn`?"] {
        assert!(shown.contains(hint), "{shown}");
    }
    refused("customer.age > \"18\"", "type_mismatch", "write `18` without quotes");
    refused("events(\"purchase\").summ(\"amount\") > 1", "unknown_function", "did you mean `sum`?");
    refused("events(\"purchase\").sum(\"amout\") > 1", "unknown_property", "did you mean `amount`?");
    refused("events(\"purchase\")", "not_a_value", ".count()");
    refused("events(\"purchase\").exists(e, e.quantity > 1)", "not_a_list", ".where(e, …)");
    refused("events(\"purchase\").within(\"30 days\").count()", "bad_window", "30d");
    refused("segment(\"loyl\")", "unknown_name", "did you mean `segment(\"loyal\")`?");
    refused("customer.age = 1", "syntax", "compare with `==`");
    refused("customer.age > 1 and true", "syntax", "write `&&`");
    refused("Name{a: 1}", "message_literal", "write a map");
    refused("customer.name.matches(\"(\")", "bad_pattern", "pattern");
    refused("duration(\"1x\") > duration(\"1h\")", "bad_constant", "not a duration");
    refused("customer.name.startWith(\"x\")", "unknown_function", "did you mean `startsWith`?");
}

#[test]
fn a_result_of_the_wrong_type_is_refused_where_a_bool_is_needed() {
    let schema = schema();
    let options = CompileOptions { expected: Expected::Bool, ..CompileOptions::new(Some(&schema)) };
    assert!(Expression::compile_with("customer.age > 1", &options).is_ok());
    assert_eq!(Expression::compile_with("customer.age", &options).unwrap_err().0[0].code, "type_mismatch");
    let options = CompileOptions { expected: Expected::Number, ..options };
    assert!(Expression::compile_with("customer.age", &options).is_ok());
    assert!(Expression::compile_with("customer.name", &options).is_err());
}

#[test]
fn places_are_those_of_the_document() {
    let place =
        tactful::error::Place { document: "shop.yaml".into(), line: 7, column: 11, length: 1, source: "    when: |".into() };
    let text = Text {
        text: "customer.age > 1 &&\n  customer.agge > 2".into(),
        place,
        path: "segments.adult".into(),
        lines: vec![(0, 8, 7, "      customer.age > 1 &&".into()), (20, 9, 7, "        customer.agge > 2".into())],
    };
    let own = |path: &str| Text { text: "events(\"view\").in_stage().exists()".into(), path: path.into(), ..text.clone() };
    assert!(compile_text(&own("journeys.lifecycle.stages.retention.enter"), &schema(), &Expected::Bool).is_ok());
    assert_eq!(compile_text(&own("segments.adult"), &schema(), &Expected::Bool).unwrap_err()[0].code, "bad_call");
    let findings = compile_text(&text, &schema(), &Expected::Bool).unwrap_err();
    let place = findings[0].place.clone().unwrap();
    assert_eq!((place.line, place.column, place.length), (9, 9, 13));
    assert_eq!((&*place.document, &*findings[0].path), ("shop.yaml", "segments.adult"));
    let alone = compile("true &&\n\tcustomer.agge > 2").unwrap_err();
    let place = alone.0[0].place.clone().unwrap();
    assert_eq!((place.line, place.column, place.length), (2, 2, 13));
}

#[test]
fn classes_over_time() {
    for (text, class) in [
        ("1 + 1", TimeClass::Constant),
        ("customer.age > 1", TimeClass::Step),
        ("now", TimeClass::Linear),
        ("now - customer.since", TimeClass::Linear),
        ("(now - customer.since).days() * 2.0 > 3.0", TimeClass::Step),
        ("events(\"view\").since_last() > duration(\"1h\")", TimeClass::Step),
        ("events(\"view\").since_last() > events(\"purchase\").since_last()", TimeClass::Other),
        ("now.getHours() > 3", TimeClass::Other),
        ("persona(\"thrifty\") > 0.5", TimeClass::Other),
        ("events(\"view\").where(e, now - e.time > duration(\"1h\")).count()", TimeClass::Step),
    ] {
        assert_eq!(compile(text).unwrap().checked().class(), class, "{text}");
    }
}

#[test]
fn a_linear_comparison_turns_at_its_exact_instant() {
    for (text, until) in [
        ("events(\"purchase\").since_last() >= duration(\"3h\")", Some("2026-03-10T13:00:00Z")),
        ("events(\"purchase\").since_last() > duration(\"3h\")", Some("2026-03-10T13:00:00.000001Z")),
        ("events(\"purchase\").since_last() == duration(\"3h\")", Some("2026-03-10T13:00:00Z")),
        ("events(\"purchase\").since_last().days() < 1.0", Some("2026-03-11T10:00:00Z")),
        ("events(\"purchase\").since_last() > duration(\"1h\")", None),
        ("now < timestamp(\"2026-04-01T00:00:00Z\")", Some("2026-04-01T00:00:00Z")),
        ("timestamp(\"2026-04-01T00:00:00Z\") - now > duration(\"24h\")", Some("2026-03-31T00:00:00Z")),
        ("events(\"purchase\").where(e, now - e.time > duration(\"5h\")).count()", Some("2026-03-10T15:00:00.000001Z")),
    ] {
        assert_eq!(compile(text).unwrap().evaluate(&facts()).until, until.map(time), "{text}");
    }
}

#[test]
fn reasons_are_readable() {
    for (text, reasons) in [
        ("customer.age >= 18 && segment(\"loyal\")", vec!["`customer.age >= 18` is false: `customer.age` is 17"]),
        (
            "events(\"purchase\").within(\"90d\").count() >= 6",
            vec!["`events(\"purchase\").within(\"90d\").count() >= 6` is false: count is 3"],
        ),
        ("segment(\"loyal\") && customer.score > 1.0", vec!["unknown: `customer.score` is not known"]),
        (
            "customer.age < 18 && customer.city == \"Bonn\"",
            vec![
                "`customer.age < 18` is true: `customer.age` is 17",
                "`customer.city == \"Bonn\"` is true: `customer.city` is \"Bonn\"",
            ],
        ),
        (
            "customer.age > 18 || customer.balance > 20",
            vec![
                "`customer.age > 18` is false: `customer.age` is 17",
                "`customer.balance > 20` is false: `customer.balance` is 12.50 EUR",
            ],
        ),
        ("segment(\"loyal\")", vec!["`segment(\"loyal\")` is true"]),
        (
            "events(\"purchase\").sum(\"amount\") > 5",
            vec![
                "`events(\"purchase\").sum(\"amount\") > 5` is false: sum is 0.30 EUR (1 event without the property left out)",
            ],
        ),
        ("1 / 0 == 1", vec!["`1 / 0 == 1` failed: division by zero"]),
    ] {
        assert_eq!(compile(text).unwrap().explain(&facts()).reasons(), reasons, "{text}");
    }
    let json = serde_json::to_string(&compile("customer.age >= 18").unwrap().explain(&facts())).unwrap();
    assert_eq!(
        json,
        concat!(
            r#"{"text":"customer.age >= 18","value":"false","parts":[{"text":"customer.age","value":"17"}],"#,
            r#""flips":{"sets":[[{"fact":"customer.age","value":"18"}]],"complete":true}}"#
        )
    );
}

#[test]
fn equal_parts_are_shared() {
    let mut builder = ProgramBuilder::new();
    let add = |builder: &mut ProgramBuilder, text: &str| builder.add(compile(text).unwrap().checked());
    add(&mut builder, "events(\"purchase\").within(\"90d\").count() >= 6");
    let before = builder_nodes(&builder);
    add(&mut builder, "events('purchase').within('90d').count() >= 6");
    assert_eq!(builder_nodes(&builder), before);
    add(&mut builder, "events(\"purchase\").within(\"90d\").count() >= 7");
    assert_eq!(builder_nodes(&builder), before + 2);
}

fn builder_nodes(builder: &ProgramBuilder) -> usize {
    builder.clone().build().nodes()
}

#[test]
fn what_is_read_is_told() {
    let checked = compile("customer.age > 1 && events(\"view\").within(\"week\").exists()").unwrap();
    let reads = checked.checked().reads();
    let schema = schema();
    assert_eq!(reads.facts.iter().copied().collect::<Vec<_>>(), [schema.fact("customer.age").unwrap()]);
    assert_eq!(reads.events.iter().copied().collect::<Vec<_>>(), [schema.event("view").unwrap()]);
    assert!(reads.now && reads.zone && !reads.session);
}

#[test]
fn nesting_is_bounded_without_a_deep_stack() {
    let nested =
        |open: &str, inner: &str, close: &str, levels: usize| format!("{}{inner}{}", open.repeat(levels), close.repeat(levels));
    let plain = NamedFacts::new(time("2026-01-01T00:00:00Z"));
    for (open, inner, close) in [
        ("(", "1", ")"),
        ("[", "1", "]"),
        ("!", "true", ""),
        ("-", "x", ""),
        ("{1: ", "1", "}"),
        ("true ? 1 : ", "1", ""),
        ("1 + (", "1", ")"),
        ("[1].map(x, ", "1", ")"),
        ("f(", "1", ")"),
        ("1 + ", "1", ""),
        ("", "x", ".a"),
        ("", "x", "[0]"),
        ("", "true", " && (true || true)"),
    ] {
        for levels in [150, 20_000] {
            let text = nested(open, inner, close, levels);
            if let Ok(expression) = Expression::compile(&text, None) {
                let _ = expression.evaluate(&plain);
                if levels < 200 {
                    let _ = expression.explain(&plain);
                }
            } else {
                assert!(levels > 150, "{open}{inner}{close} is refused too early");
            }
        }
    }
}

#[test]
fn long_evaluations_are_cut_off() {
    let text = "[1,2,3,4,5,6,7,8,9,10]";
    let nested = format!(
        "{text}.all(a, {text}.all(b, {text}.all(c, {text}.all(d, {text}.all(e, {text}.all(f, {text}.all(g, {text}.all(h, true))))))))"
    );
    let options =
        CompileOptions { limits: tactful::expr::Limits { steps: 10_000, ..Default::default() }, ..CompileOptions::new(None) };
    let found = Expression::compile_with(&nested, &options).unwrap().evaluate(&NamedFacts::new(time("2026-01-01T00:00:00Z")));
    assert!(matches!(found.outcome, Outcome::Error(error) if error.code == ErrorCode::OutOfSteps));
    // A list that doubles at every level: small to hold, too large to go through.
    let mut doubled = "[1]".to_string();
    for _ in 0..60 {
        doubled = format!("[{doubled}].map(x, [x, x])[0]");
    }
    let found = Expression::compile(&format!("{doubled} == {doubled}"), None)
        .unwrap()
        .evaluate(&NamedFacts::new(time("2026-01-01T00:00:00Z")));
    assert!(matches!(found.outcome, Outcome::Error(error) if error.code == ErrorCode::OutOfSteps));
}

#[test]
fn optionals_are_absent_or_hold_a_value() {
    gives("customer.?age.orValue(5)", "17");
    gives("customer.?score.orValue(5.0)", "5.0");
    gives("customer.?score", "optional.none()");
    gives("customer.?score.hasValue() || customer.?age.hasValue()", "true");
    gives("customer.?name.or(optional.of(\"x\"))", "optional.of(\"x\")");
    gives("optional.of(1).orValue(1 / 0)", "1");
    gives("optional.none().orValue(customer.score)", "unknown customer.score");
    gives("request.basket.?pears.orValue(0) + request.basket[?\"apples\"].orValue(0)", "3");
    gives("request.?basket.apples.value()", "3");
    gives("[1, ?optional.none(), ?optional.of(3)]", "[1, 3]");
    gives("{\"a\": 1, ?\"b\": optional.none(), ?\"c\": optional.of(2)}", "{\"a\": 1, \"c\": 2}");
    gives("optional.none().value()", "error bad_argument");
    gives("optional.of(optional.of(1))", "optional.of(optional.of(1))");
    gives("[optional.of(1), optional.none()].unwrapOpt()", "[1]");
    gives("optional.of(2).optMap(x, x * x) == optional.of(4)", "true");
    gives("optional.of([1]).optFlatMap(x, x[?1]).hasValue()", "false");
    gives("optional.of(1).optMap(x, customer.score)", "unknown customer.score");
    gives("[[1, 2], []].map(l, l.first().orValue(0))", "[1, 0]");
    gives("[1, 2].last() == [1, 2][?1]", "true");
    gives("events(\"purchase\").where(e, e.?quantity.orValue(7) == 7).count()", "1");
    refused("optional.of(1).orValue(\"x\")", "type_mismatch", "both values need one type");
    refused("[?1]", "type_mismatch", "an optional");
    refused("[1].optMap(x, x)", "type_mismatch", "expected an optional");
    refused("customer.?ago", "unknown_name", "did you mean");
}

#[test]
fn lists_are_cut_sorted_and_compared_as_sets() {
    gives("[1, 2, 3, 4].slice(1, 3)", "[2, 3]");
    gives("[1].slice(1, 0)", "error index_out_of_range");
    gives("[1, [2, [3]]].flatten()", "[1, 2, [3]]");
    gives("[1, [2, [3]]].flatten(2)", "[1, 2, 3]");
    gives("[1].flatten(-1)", "error bad_argument");
    gives("[3, 1, 2].sort()", "[1, 2, 3]");
    gives("[\"b\", \"a\"].sort()", "[\"a\", \"b\"]");
    gives("[dyn(1), dyn(\"a\")].sort()", "error no_such_overload");
    gives("[{\"n\": 2}, {\"n\": 1}].sortBy(m, m.n)", "[{\"n\": 1}, {\"n\": 2}]");
    gives("[-3, 2, -1].sortBy(x, x * x)", "[-1, 2, -3]");
    gives("[1, 1u, 2, 1.0, [1], [1.0], \"a\", \"a\"].distinct()", "[1, 2, [1], \"a\"]");
    gives("lists.range(3)", "[0, 1, 2]");
    gives("lists.range(-1)", "[]");
    gives("lists.range(2000000)", "error too_large");
    gives("[1, 2].reverse()", "[2, 1]");
    gives("sets.contains([1, 2], [2u, 1.0, 2])", "true");
    gives("sets.equivalent([1, 1], [1])", "true");
    gives("sets.intersects([], [1])", "false");
    gives("sets.intersects(lists.range(9), lists.range(12).reverse())", "true");
}

#[test]
fn a_bound_value_fails_only_where_it_is_read() {
    gives("cel.bind(x, 1 / 0, true)", "true");
    gives("cel.bind(x, 1 / 0, x > 1 || true)", "true");
    gives("cel.bind(x, 1 / 0, x > 1)", "error division_by_zero");
    gives("cel.bind(adult, customer.score > 17.0, adult || true)", "true");
    gives("cel.bind(adult, customer.score > 17.0, adult && true)", "unknown customer.score");
}

#[test]
fn values_of_a_block_stand_on_those_before_them() {
    gives("cel.block([1, cel.index(0) + 1, cel.index(1) * cel.index(0)], cel.index(2) + cel.index(1))", "4");
    gives("cel.block([[1, 2]], cel.index(0).map(cel.iterVar(0, 0), cel.iterVar(0, 0) * 2))", "[2, 4]");
    gives("cel.block([1 / 0], true)", "true");
    gives("cel.block([], 3)", "3");
    refused("cel.block([cel.index(1), 2], 3)", "unknown_name", "`cel.index(1)` stands for nothing here");
    refused("cel.block(3, 4)", "bad_macro", "`cel.block` takes a list of values");
    refused("cel.index(\"a\")", "bad_macro", "`cel.index` takes one whole number");
    let long = format!("cel.block([{}], 1)", vec!["1"; 300].join(", "));
    refused(&long, "too_deep", "nested more than 200 levels deep");
}
