//! Formatting of expressions.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use proptest::prelude::*;
use tactful::expr::{Expression, format, print};

#[track_caller]
fn formats(text: &str, wanted: &str) {
    let found = format(text).unwrap_or_else(|findings| panic!("{findings}"));
    assert_eq!(found, wanted, "\n{found}\n");
    assert_eq!(format(&found).unwrap(), found, "again");
}

#[test]
fn short_expressions_stand_on_one_line() {
    formats(" a&&b ", "a && b");
    formats("((a)) && (b || c)", "a && (b || c)");
    formats("'x' + r'\\d' + b'a' + '''long'''", "\"x\" + r'\\d' + b'a' + '''long'''");
    formats("1.50 + 0x1F + 2u", "1.50 + 0x1F + 2u");
    formats("a.?b[?0].orValue({?'c': d, 'e': [?f]})", "a.?b[?0].orValue({?\"c\": d, \"e\": [?f]})");
}

#[test]
fn long_expressions_are_broken_where_they_branch() {
    formats(
        "customer.age >= 18 && customer.country in [\"DE\", \"AT\", \"CH\"] && events(\"purchase\").within(\"90d\").count() >= 6 && (segment(\"loyal\") || persona(\"thrifty\") > 0.6)",
        "customer.age >= 18\n&& customer.country in [\"DE\", \"AT\", \"CH\"]\n&& events(\"purchase\").within(\"90d\").count() >= 6\n&& (segment(\"loyal\") || persona(\"thrifty\") > 0.6)",
    );
    formats(
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa && (bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb || cccccccccccccccccccccccccccccccccccccccccccc)",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n&& (\n  bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n  || cccccccccccccccccccccccccccccccccccccccccccc\n)",
    );
    formats(
        "customer.country in [\"Germany\", \"Austria\", \"Switzerland\", \"Liechtenstein\", \"Luxembourg\", \"Belgium\", \"Netherlands\"]",
        "customer.country in [\n  \"Germany\",\n  \"Austria\",\n  \"Switzerland\",\n  \"Liechtenstein\",\n  \"Luxembourg\",\n  \"Belgium\",\n  \"Netherlands\"\n]",
    );
}

#[test]
fn calls_in_a_row_stand_one_below_the_other() {
    formats(
        "events(\"purchase\").where(e, e.category == \"coffee\" && e.amount > 20.00).within(\"180d\").not_followed_by(events(\"return\")).count() >= 3 && customer.age > 17",
        "events(\"purchase\")\n  .where(e, e.category == \"coffee\" && e.amount > 20.00)\n  .within(\"180d\")\n  .not_followed_by(events(\"return\"))\n  .count() >= 3\n&& customer.age > 17",
    );
    formats(
        "customer.tags_of_the_customer.filter(tag, tag.startsWith(\"season:\")).exists(tag, tag.endsWith(\"2026\") || tag.endsWith(\"2027\"))",
        "customer.tags_of_the_customer\n  .filter(tag, tag.startsWith(\"season:\"))\n  .exists(tag, tag.endsWith(\"2026\") || tag.endsWith(\"2027\"))",
    );
    // A single call keeps its line.
    formats(
        "customer.tags.exists(tag, tag.startsWith(\"a long beginning of a word\") || tag.startsWith(\"another long beginning\"))",
        "customer.tags.exists(tag,\n  tag.startsWith(\"a long beginning of a word\") || tag.startsWith(\"another long beginning\")\n)",
    );
    formats(
        "events(\"view\") // seen\n // and then\n .within(\"7d\").count() > 2",
        "events(\"view\") // seen\n  // and then\n  .within(\"7d\")\n  .count() > 2",
    );
    formats(
        "cel.bind(spent, events(\"purchase\").within(\"90d\").sum(\"amount\"), spent > 100.00 && spent < 1000.00 && customer.age > 17)",
        "cel.bind(spent,\n  events(\"purchase\").within(\"90d\").sum(\"amount\"),\n  spent > 100.00 && spent < 1000.00 && customer.age > 17\n)",
    );
    formats(
        "{\"a name of a field\": customer.first_of_the_fields, ?\"another name of a field\": customer.?second_of_the_fields}",
        "{\n  \"a name of a field\": customer.first_of_the_fields,\n  ?\"another name of a field\": customer.?second_of_the_fields\n}",
    );
}

#[test]
fn comments_stay_where_they_stood() {
    formats("// who\na // grown up\n&& b", "// who\na // grown up\n&& b");
    formats("a && // grown up\n b", "a // grown up\n&& b");
    formats("a\n // and also\n && b // last\n// end", "a\n// and also\n&& b // last\n// end");
    formats("[1, // one\n 2 // two\n]", "[\n  1, // one\n  2 // two\n]");
    formats("f(a, // first\n b)", "f(\n  a, // first\n  b\n)");
    formats("a +\n// odd\n b", "// odd\na + b");
    formats("\"// none\" + 'x'", "\"// none\" + \"x\"");
    formats("(a // x\n || b) && c // y", "(\n  a // x\n  || b\n)\n&& c // y");
}

#[test]
fn broken_text_is_reported() {
    assert!(format("a &&").unwrap_err().to_string().contains("expected a value"));
}

fn expression() -> impl Strategy<Value = String> {
    let blank = prop_oneof![6 => Just(" ".to_string()), 1 => Just("\n".to_string()), 1 => Just(" // note\n".to_string()), 1 => Just("\n// line\n".to_string())];
    let leaf = prop_oneof![
        Just("alpha.beta".to_string()),
        Just("1".to_string()),
        Just("-2.50".to_string()),
        Just("'text'".to_string()),
        Just("r'a\\b'".to_string()),
        Just("now".to_string())
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        let blank = blank.clone();
        prop_oneof![
            (
                prop::collection::vec((inner.clone(), blank.clone()), 2..5),
                prop_oneof![Just("&&"), Just("||"), Just("+"), Just("==")]
            )
                .prop_map(|(parts, sign)| {
                    let parts: Vec<String> = parts.into_iter().map(|(part, blank)| format!("({part}){blank}")).collect();
                    parts.join(sign)
                }),
            (prop::collection::vec((blank.clone(), inner.clone()), 0..5)).prop_map(|parts| {
                let parts: Vec<String> = parts.into_iter().map(|(blank, part)| format!("{blank}{part}")).collect();
                format!("[{}]", parts.join(","))
            }),
            (inner.clone(), blank.clone(), inner.clone()).prop_map(|(a, blank, b)| format!("some_function({a},{blank}{b})")),
            (inner.clone(), blank.clone(), inner.clone(), blank.clone()).prop_map(|(a, blank, b, other)| format!(
                "({a}).method({blank}{b}){other}.all(x, x == {a}).size(){other}.startsWith(a)"
            )),
            (inner.clone(), blank.clone(), inner.clone(), blank.clone())
                .prop_map(|(a, blank, b, other)| format!("{{'k':{blank}{a},{other}?'l'{blank}: {b}}}.filter(x,{blank}x).end")),
            (inner.clone(), blank.clone(), inner.clone())
                .prop_map(|(a, blank, b)| format!("cel.bind(x,{blank}{a}, [x, {b}]{blank})")),
            (inner.clone(), inner.clone(), blank, inner.clone())
                .prop_map(|(a, b, blank, c)| format!("({a}) ? ({b}){blank}: ({c})")),
            inner.prop_map(|a| format!("!({a})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 800, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn formatting_is_stable_and_keeps_meaning_and_comments(text in expression()) {
        let once = format(&text).unwrap_or_else(|findings| panic!("{text}\n{findings}"));
        let twice = format(&once).unwrap_or_else(|findings| panic!("{once}\n{findings}"));
        prop_assert_eq!(&twice, &once, "{}", text);
        let canonical = |text: &str| print(Expression::compile(text, None).unwrap().checked().tree());
        prop_assert_eq!(canonical(&once), canonical(&text));
        for comment in ["// note", "// line"] {
            prop_assert_eq!(once.matches(comment).count(), text.matches(comment).count(), "{}\n{}", text, once);
        }
    }
}
