//! Whatever is written is refused or ends soon: nothing panics, nothing grows without bound.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use proptest::prelude::*;
use std::sync::Arc;
use tactful::expr::{
    CompileOptions, Expression, Limits, NamedFacts, Outcome, ProgramBuilder, Schema, Scratch, TimeClass, flips, format, print,
};
use tactful::value::{Currency, Decimal, Type, Zone};
use tactful::{Timestamp, Value};

fn schema() -> Arc<Schema> {
    let mut schema = Schema::new();
    let euros = Type::Money { currency: Currency::parse("EUR").unwrap(), scale: 2 };
    schema.declare_fact("customer.age", Type::Int, TimeClass::Step);
    schema.declare_fact("customer.name", Type::String, TimeClass::Step);
    schema.declare_fact("customer.balance", euros.clone(), TimeClass::Step);
    schema.declare_fact("customer.since", Type::Timestamp, TimeClass::Step);
    schema.declare_fact("customer.any", Type::Dyn, TimeClass::Step);
    schema.declare_event("purchase", [("sku".into(), Type::String), ("amount".into(), euros), ("any".into(), Type::Dyn)]);
    Arc::new(schema)
}

fn facts() -> NamedFacts {
    let now = Timestamp::parse("2026-03-10T12:00:00Z").unwrap();
    let mut facts = NamedFacts::of(schema(), now)
        .with_zone(Zone::UTC)
        .with("customer.age", Value::Int(i64::MAX))
        .with("customer.balance", Value::Decimal(Decimal::new(i128::MAX, 2, Currency::parse("EUR"))))
        .with("customer.any", Value::Double(f64::NAN));
    for day in 1..9 {
        let any = if day % 2 == 0 { Value::Int(day) } else { Value::Double(f64::NAN) };
        facts = facts.with_event(
            "purchase",
            Timestamp::parse(&format!("2026-03-0{day}T12:00:00Z")).unwrap(),
            &[("sku", Value::text("a")), ("any", any)],
        );
    }
    facts
}

#[track_caller]
fn fails(text: &str, code: &str) {
    let expression = Expression::compile(text, None).unwrap_or_else(|findings| panic!("{findings}"));
    match expression.evaluate(&facts()).outcome {
        Outcome::Error(error) => assert_eq!(error.code.name(), code, "{text}: {}", error.message),
        other => panic!("{text} gives {:?}", other.value().map(tactful::expr::value_text).map(|text| text.len())),
    }
}

/// `steps` times a binding that makes of the last one what `of` says.
fn grown(start: &str, of: &str, steps: usize, end: &str) -> String {
    let mut text = String::new();
    let mut last = start.to_string();
    for step in 0..steps {
        text.push_str(&format!("cel.bind(v{step}, {}, ", of.replace('$', &last)));
        last = format!("v{step}");
    }
    format!("{text}{}{}", end.replace('$', &last), ")".repeat(steps))
}

#[test]
fn what_grows_is_cut_off() {
    fails(&grown("'0123456789'", "$ + $", 60, "size($)"), "too_large");
    fails(&grown("[1, 2]", "$ + $", 60, "size($)"), "too_large");
    fails(&grown("[1, 2]", "[$, $]", 60, "$ == $"), "out_of_steps");
    fails(&grown("[1, 2]", "[$, $]", 60, "$.flatten(100)"), "out_of_steps");
    fails(&grown("[1, 2]", "{'a': $, 'b': $}", 60, "$ in [$]"), "out_of_steps");
    fails(&grown("[1, 2]", "[optional.of($), optional.of($)]", 60, "$ == $"), "out_of_steps");
    fails(&grown("'x'", "$.replace('', $ + $)", 60, "size($)"), "too_large");
    fails(&grown("['x', 'y']", "[$.join($[0]), $.join($[1])]", 60, "size($)"), "too_large");
    fails(&grown("'x'", "'%s%s%s'.format([$, $, $])", 60, "size($)"), "too_large");
    fails("lists.range(1000000).map(x, lists.range(1000000))", "out_of_steps");
    fails("lists.range(1000000).all(x, lists.range(1000000).all(y, true))", "out_of_steps");
    fails("lists.range(3000).map(x, lists.range(3000).map(y, y))", "out_of_steps");
    fails("lists.range(1000000).map(x, 'some text').join('more text')", "too_large");
    fails("lists.range(5000).map(x, [x]).distinct()", "too_large");
    fails("sets.contains(lists.range(5000).map(x, [x]), lists.range(5000).map(x, [x]))", "too_large");
    fails("lists.range(1000000).exists(x, 'a'.matches('[a-z]{1000}' + string(x) + 'b'))", "out_of_steps");
    fails("lists.range(100000).map(x, 'a'.matches('(((a{30}){30}){30}){30}' + string(x)))", "out_of_steps");
    fails("'%.99999f'.format([1.0])", "bad_argument");
    fails("[1, 2].flatten(9223372036854775807).slice(0, 9223372036854775807)", "index_out_of_range");
    fails("'a'.substring(-9223372036854775808)", "index_out_of_range");
    fails("math.bitShiftLeft(1, -9223372036854775808)", "bad_argument");
    fails("math.abs(-9223372036854775808)", "overflow");
    fails("-9223372036854775808 / -1", "overflow");
    fails("timestamp(9223372036854775807)", "overflow");
    fails("timestamp('9999-12-31T23:59:59Z') + duration('1s')", "overflow");
}

#[test]
fn large_sets_of_plain_values_are_compared_at_once() {
    let text = "sets.equivalent(lists.range(100000), lists.range(100000).reverse())";
    assert!(Expression::compile(text, None).unwrap().evaluate(&facts()).outcome.is_true());
}

#[test]
fn many_operands_are_checked_in_bounded_time() {
    for text in [
        (0..2400).map(|n| format!("customer.age != {n}")).collect::<Vec<_>>().join(" && "),
        (0..1800).map(|n| format!("(customer.age == {n} || customer.name == \"{n}\")")).collect::<Vec<_>>().join(" && "),
        format!("{}true{}", "customer.age > 1 && (customer.age < 2 || (".repeat(60), "))".repeat(60)),
        (0..3500).map(|n| format!("customer.name == \"{n}\"")).collect::<Vec<_>>().join(" || "),
        format!("customer.age in [{}]", (0..15_000).map(|n| n.to_string()).collect::<Vec<_>>().join(", ")),
    ] {
        let expression = Expression::compile(&text, Some(&schema())).unwrap_or_else(|findings| panic!("{findings}"));
        let _ = expression.explain(&facts());
        let once = format(&text).unwrap();
        assert_eq!(format(&once).unwrap(), once);
    }
}

#[test]
fn nesting_ends_at_its_limit_everywhere() {
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("{1: ", "}"),
        ("!", ""),
        ("-", ""),
        ("f(", ")"),
        ("x.?y[?", "]"),
        ("1 ? 2 : ", ""),
        ("[?", "]"),
    ] {
        let text = format!("{}1{}", open.repeat(20_000), close.repeat(20_000));
        let findings = Expression::compile(&text, None).map(|_| ()).expect_err(open);
        assert!(findings.0.iter().any(|finding| matches!(finding.code, "too_deep" | "too_large")), "{open}: {findings}");
        assert!(format(&text).is_err());
    }
    let chain = format!("x{}", ".a".repeat(20_000));
    assert!(Expression::compile(&chain, None).is_err());
    let comments = "// c\n".repeat(19_000) + "a";
    assert_eq!(format(&comments).unwrap().matches("// c").count(), 19_000);
}

const FUNCTIONS: &[&str] = &[
    "size",
    "type",
    "dyn",
    "bool",
    "int",
    "uint",
    "double",
    "string",
    "bytes",
    "timestamp",
    "duration",
    "math.greatest",
    "math.least",
    "math.ceil",
    "math.abs",
    "math.sqrt",
    "math.bitNot",
    "math.bitShiftLeft",
    "math.sign",
    "lists.range",
    "sets.contains",
    "sets.equivalent",
    "strings.quote",
    "base64.encode",
    "base64.decode",
    "optional.of",
    "optional.ofNonZeroValue",
    "optional.unwrap",
    "optional.none",
    "segment",
    "persona",
    "events",
    "has",
];

const METHODS: &[&str] = &[
    "size",
    "contains",
    "startsWith",
    "endsWith",
    "matches",
    "getHours",
    "getFullYear",
    "getMilliseconds",
    "days",
    "charAt",
    "indexOf",
    "lastIndexOf",
    "join",
    "lowerAscii",
    "upperAscii",
    "replace",
    "reverse",
    "split",
    "substring",
    "trim",
    "format",
    "slice",
    "flatten",
    "sort",
    "distinct",
    "first",
    "last",
    "hasValue",
    "value",
    "or",
    "orValue",
    "unwrapOpt",
    "count",
    "sum",
    "within",
    "since",
    "before",
    "between",
    "followed_by",
    "not_followed_by",
    "without",
    "rate",
    "quantile",
    "streak",
    "usual_gap",
    "least_frequent",
    "in_stage",
];

const MACROS: &[&str] = &["all", "exists", "exists_one", "map", "filter", "optMap", "optFlatMap", "sortBy", "where"];

fn grammar() -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        Just("0"),
        Just("-1"),
        Just("9223372036854775807"),
        Just("-9223372036854775808"),
        Just("1u"),
        Just("1.5"),
        Just("1e308"),
        Just("'a'"),
        Just("''"),
        Just("'%s%d%f%e%x'"),
        Just("'é\\U0001F600'"),
        Just("b'\\xff'"),
        Just("null"),
        Just("true"),
        Just("false"),
        Just("[]"),
        Just("{}"),
        Just("[1, 'a', 1.5]"),
        Just("{'a': 1, 2: 'b'}"),
        Just("x"),
        Just("customer.age"),
        Just("customer.name"),
        Just("customer.balance"),
        Just("customer.any"),
        Just("customer.?name"),
        Just("now"),
        Just("timestamp('0001-01-01T00:00:00Z')"),
        Just("timestamp('9999-12-31T23:59:59.999999999Z')"),
        Just("duration('-292y')"),
        Just("optional.none()"),
        Just("optional.of(1)"),
        Just("events('purchase')"),
        Just("events('purchase').within('7d')"),
        Just("events()"),
        Just("int"),
        Just("'sku'"),
        Just("'any'"),
        Just("'7d'"),
        Just("'week'"),
        Just("'purchase'"),
    ]
    .prop_map(String::from);
    leaf.prop_recursive(4, 24, 3, |inner| {
        let op = prop_oneof![
            Just("+"),
            Just("-"),
            Just("*"),
            Just("/"),
            Just("%"),
            Just("<"),
            Just("<="),
            Just(">"),
            Just("=="),
            Just("!="),
            Just("in"),
            Just("&&"),
            Just("||"),
        ];
        let args = prop::collection::vec(inner.clone(), 0..4).prop_map(|args| args.join(", "));
        prop_oneof![
            (inner.clone(), op, inner.clone()).prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            (prop::sample::select(FUNCTIONS), args.clone()).prop_map(|(name, args)| format!("{name}({args})")),
            (inner.clone(), prop::sample::select(METHODS), args.clone())
                .prop_map(|(on, name, args)| format!("({on}).{name}({args})")),
            (inner.clone(), prop::sample::select(METHODS), args).prop_map(|(on, name, args)| format!("{on}.{name}({args})")),
            (inner.clone(), prop::sample::select(MACROS), inner.clone())
                .prop_map(|(on, name, body)| format!("({on}).{name}(x, {body})")),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a})[{b}]")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a})[?{b}]")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("[?{a}, {b}]")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{{{a}: {b}, ?'o': {a}}}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("cel.bind(x, {a}, {b})")),
            inner.clone().prop_map(|a| format!("({a}).?a.b")),
            inner.clone().prop_map(|a| format!("has(({a}).a)")),
            inner.prop_map(|a| format!("!-({a})")),
        ]
    })
    .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_the_grammar_gives_breaks_anything(text in grammar()) {
        let schema = schema();
        let facts = facts();
        let limits = Limits { steps: 20_000, size: 2_000, ..Limits::default() };
        for schema in [None, Some(&*schema)] {
            let options = CompileOptions { limits, ..CompileOptions::new(schema) };
            let Ok(expression) = Expression::compile_with(&text, &options) else { continue };
            let found = expression.evaluate(&facts);
            let mut builder = ProgramBuilder::new();
            let id = builder.add(expression.checked());
            let program = builder.build();
            prop_assert_eq!(&program.evaluate(id, &facts, &mut Scratch::new(&program)), &found, "{}", &text);
            prop_assert_eq!(&expression.explain(&facts).outcome, &found.outcome, "{}", &text);
            let _ = flips(expression.checked(), &facts);
            let printed = print(expression.checked().tree());
            let again = Expression::compile_with(&printed, &options).unwrap_or_else(|findings| panic!("{text}\n{printed}\n{findings}"));
            prop_assert_eq!(print(again.checked().tree()), printed);
        }
        if let Ok(once) = format(&text) {
            prop_assert_eq!(format(&once).unwrap(), once);
        }
    }
}
