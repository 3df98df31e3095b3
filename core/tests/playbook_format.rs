//! Formatting of documents: rules get one layout, everything else stays byte for byte.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use proptest::prelude::*;
use tactful::playbook::format;

#[track_caller]
fn formats(name: &str, text: &str, wanted: &str) {
    let found = format(name, text).unwrap_or_else(|findings| panic!("{findings}"));
    assert_eq!(found, wanted, "\n{found}\n");
    assert_eq!(format(name, &found).unwrap(), found, "again");
}

#[track_caller]
fn yaml(text: &str, wanted: &str) {
    formats("test.yaml", text, wanted);
}

#[test]
fn comments_and_layout_stay() {
    yaml(
        "# head\nsegments:   # all\n  a:   b&&c   # why\n\n  # next\n  d: {title:  D&&E , when: 'f==1'}\n",
        "# head\nsegments:   # all\n  a:   b && c   # why\n\n  # next\n  d: {title:  D&&E , when: 'f == 1'}\n",
    );
    yaml("\u{feff}segments:\r\n  a: b&&c\r\n", "\u{feff}segments:\r\n  a: b && c\r\n");
    yaml("segments:\n  a: b&&c", "segments:\n  a: b && c");
    yaml("segments: {ä: a=='ö', b: c  }", "segments: {ä: a == \"ö\", b: c  }");
    yaml("segments:\n  a: true\n  b: 0x10\n  c: +7\n", "segments:\n  a: true\n  b: 0x10\n  c: +7\n");
}

#[test]
fn quotes_are_kept_or_made_single() {
    yaml("segments:\n  a: a?b:c\n", "segments:\n  a: 'a ? b : c'\n");
    yaml("segments:\n  a: \"a=='b'\"\n", "segments:\n  a: 'a == \"b\"'\n");
    yaml("segments:\n  a: \"a&&b\"\n", "segments:\n  a: \"a && b\"\n");
    yaml("segments:\n  a: 'a==\"it''s\"'\n", "segments:\n  a: 'a == \"it''s\"'\n");
    yaml("segments:\n  a: (true)\n  b: (1)\n", "segments:\n  a: 'true'\n  b: '1'\n");
    yaml("segments:\n  a: ( !b )\n", "segments:\n  a: '!b'\n");
    yaml("segments:\n  a: 'a==\" #\"'\n", "segments:\n  a: 'a == \" #\"'\n");
    // What was written well is not touched, whatever its quotes.
    yaml("segments:\n  a: \"a && \\\"b\\\" == c\"\n", "segments:\n  a: \"a && \\\"b\\\" == c\"\n");
}

#[test]
fn what_goes_over_lines_becomes_one_when_it_fits() {
    yaml("segments:\n  a: b\n    &&c\n  d: e\n", "segments:\n  a: b && c\n  d: e\n");
    yaml("segments:\n  a: 'b\n    &&c'\n", "segments:\n  a: 'b && c'\n");
    let long = format!("segments:\n  a: {}\n    &&c\n", "b".repeat(100));
    yaml(&long, &long);
    let long = format!("segments:\n  a: {}&&c\n", "b".repeat(100));
    yaml(&long, &format!("segments:\n  a: {} && c\n", "b".repeat(100)));
}

#[test]
fn blocks_keep_style_and_indentation() {
    yaml(
        "segments:\n  a: |  # why\n      b&&c // so\n\n  # next\n  d: e\n",
        "segments:\n  a: |  # why\n      b && c // so\n\n  # next\n  d: e\n",
    );
    let (b, c) = ("b".repeat(60), "c".repeat(60));
    yaml(
        &format!("segments:\n  a:\n    when: >-\n      {b}\n        &&{c}\n    title: x\n"),
        &format!("segments:\n  a:\n    when: >-\n      {b}\n      && {c}\n    title: x\n"),
    );
    yaml(
        &format!("segments:\n  a: |\n    f({b},{c})\n"),
        &format!("segments:\n  a: |\n    f(\n      {b},\n      {c}\n    )\n"),
    );
    yaml(
        &format!("segments:\n  a: >-\n    f({b},{c})\n"),
        &format!("segments:\n  a: >-\n    f(\n      {b},\n      {c}\n    )\n"),
    );
    yaml("segments:\r\n  a: |+\r\n    b&&c\r\n\r\n", "segments:\r\n  a: |+\r\n    b && c\r\n\r\n");
    // An explicit indentation is left alone.
    yaml("segments:\n  a: |2\n     b&&c\n", "segments:\n  a: |2\n     b&&c\n");
}

#[test]
fn json_keeps_its_layout() {
    formats(
        "a.json",
        "{\"segments\": {\"a\":  \"b==\\\"c\\\"\",\n\"d\": true}}",
        "{\"segments\": {\"a\":  \"b == 'c'\",\n\"d\": true}}",
    );
    formats("a.json", "{\"segments\": {\"a\": \"b==\\\"it's\\\"\"}}", "{\"segments\": {\"a\": \"b == \\\"it's\\\"\"}}");
    formats("a.json", "{\"segments\": {\"a\": \"b // so\\n&&c\"}}", "{\"segments\": {\"a\": \"b // so\\n&& c\"}}");
}

#[test]
fn one_text_in_two_places() {
    yaml("segments:\n  a: &x b&&c\n  d: *x\n", "segments:\n  a: &x b && c\n  d: *x\n");
    let shared = "title: &x b&&c\nsegments:\n  d: *x\n";
    yaml(shared, shared);
}

#[test]
fn what_cannot_be_parsed_is_refused_with_places() {
    let mistakes = format("a.yaml", "segments:\n  a: b &&\n  c: d e\n  f: g&&h\n").unwrap_err();
    let places: Vec<_> =
        mistakes.0.iter().map(|finding| (&*finding.path, finding.place.as_ref().map(|place| place.line))).collect();
    assert_eq!(places, [("segments.a", Some(2)), ("segments.c", Some(3))], "{mistakes}");
    assert_eq!(mistakes.0[0].place.as_ref().map(|place| &*place.document), Some("a.yaml"));
    for text in ["", "# nothing\n", "[1]", "a: [", "{\"a\": ", "segmnets: {}\n"] {
        assert!(format("a", text).is_err(), "{text}");
    }
}

#[test]
fn whole_playbooks_keep_their_meaning() {
    let documents = [
        ("grocery.yaml", include_str!("playbooks/grocery.yaml")),
        ("grocery.json", include_str!("playbooks/grocery.json")),
        ("retail.yaml", include_str!("../../examples/retail/playbook.yaml")),
        ("personas.yaml", include_str!("../../examples/personas/personas.yaml")),
    ];
    for (name, text) in documents {
        let found = format(name, text).unwrap_or_else(|findings| panic!("{name}\n{findings}"));
        assert_eq!(format(name, &found).unwrap(), found, "{name} again");
        let comments = |text: &str| text.matches('#').count();
        assert_eq!(comments(text), comments(&found), "{name}");
        if tactful::Engine::compile(&[(name, text)]).is_ok() {
            tactful::Engine::compile(&[(name, &found)]).unwrap_or_else(|findings| panic!("{name}\n{findings}"));
        }
    }
}

#[test]
fn documented_playbooks_are_stable() {
    let mut count = 0;
    for page in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs")).unwrap() {
        let path = page.unwrap().path();
        if path.extension().is_none_or(|end| end != "md") {
            continue;
        }
        let page = std::fs::read_to_string(&path).unwrap();
        for block in page.split("```yaml\n").skip(1) {
            let block = block.split("```").next().unwrap();
            if let Ok(found) = format("docs.yaml", block) {
                assert_eq!(format("docs.yaml", &found).unwrap(), found, "{}", path.display());
                count += 1;
            }
        }
    }
    assert!(count >= 10, "{count}");
}

proptest! {
    /// Any text of the letters that matter to YAML and to rules is refused, or formatted once and for all.
    #[test]
    fn formatting_twice_is_formatting_once(
        rule in "[ab1 .,:#?|&'\"()\\[\\]{}!/\n-]{1,24}",
        style in prop::sample::select(vec!["", "|\n    ", "|-\n    ", ">\n    ", "&x ", "'", "\"", "{when: "]),
    ) {
        let close = match style { "'" => "'", "\"" => "\"", "{when: " => "}", _ => "" };
        let rule = rule.replace('\n', "\n    ");
        let text = format!("segments:\n  a: {style}{rule}{close}\n  b: c&&d\n");
        if let Ok(found) = format("a.yaml", &text) {
            prop_assert_eq!(format("a.yaml", &found).unwrap(), found);
        }
    }
}
