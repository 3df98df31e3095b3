//! Laws of messages: nothing that a customer says leaves its place, and every template ends, stays small or is refused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use proptest::prelude::*;
use tactful::{Engine, Event, Identifier, Request, Timestamp};

fn compile(message: &str, channel: &str, more: &str) -> Result<Engine, tactful::Diagnostics> {
    let message = serde_json::to_string(message).unwrap();
    let text = format!(
        r#"
playbook: letters
version: 1
identity: {{customer: {{}}}}
attributes: {{name: string, likes: list(string)}}
channels: {{c: {channel}}}
placements: {{home: {{channel: c}}}}
{more}
offers:
  a:
    treatments:
      c:
        message: {message}
        headers: {{subject: "For {{{{ name }}}}"}}
        with: {{name: {{value: customer.name, missing: you}}, likes: {{value: customer.likes, missing: nothing}}}}
"#
    );
    Engine::compile(&[("letters.yaml", &text)])
}

fn codes(message: &str, channel: &str, more: &str) -> Vec<&'static str> {
    match compile(message, channel, more) {
        Ok(_) => Vec::new(),
        Err(mistakes) => mistakes.0.iter().map(|mistake| mistake.code).collect(),
    }
}

/// What is written for a customer of this name: the message, the subject, and otherwise why not.
fn written(engine: &Engine, name: &str) -> Result<(String, String), String> {
    let ada = Identifier::parse("customer:ada").unwrap();
    let now = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
    let mut customer = engine.customer(&ada).unwrap();
    let told = Event::new("attribute_set", now, ada).with("attribute", "name").with("value", name);
    engine.record(&mut customer, &told, None).unwrap();
    let decision = engine.explain(&customer, &Request::of("home"), now, None).unwrap();
    match decision.offers().next() {
        Some(offer) => Ok((offer.message.clone(), offer.headers.get("subject").cloned().unwrap_or_default())),
        None => Err(decision.trace.as_ref().unwrap().candidates[0].reasons.join("; ")),
    }
}

/// Names as attackers choose them.
fn names() -> impl Strategy<Value = String> {
    let parts = prop::sample::select(vec![
        "<",
        ">",
        "\"",
        "'",
        "&",
        "\r\n",
        "\n",
        "\u{0}",
        "\u{202e}",
        "{{ name }}",
        "{% for %}",
        "</script>",
        "<script>",
        "javascript:",
        "&lt;",
        "\\",
        "\\u003c",
        "a",
        " ",
        "é",
        "王",
        "\u{1f600}",
        "Bcc: x@example.org",
        "`",
        "=",
        "/",
        "\u{2028}",
    ]);
    prop::collection::vec(parts, 1..8).prop_map(|parts| parts.concat()).prop_filter("not blank", |name| !name.trim().is_empty())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn nothing_said_becomes_html(name in names()) {
        let engine = compile("<p title=\"{{ name }}\">{{ name | upper }} {{ name }}</p>", "html", "").unwrap();
        let (message, _) = written(&engine, &name).unwrap();
        let inside = message.strip_prefix("<p title=\"").unwrap().strip_suffix("</p>").unwrap();
        let (title, text) = inside.split_once("\">").unwrap();
        prop_assert!(!title.contains(['<', '>', '"', '\'']), "{title}");
        prop_assert!(!text.contains(['<', '>', '"', '\'']), "{text}");
    }

    #[test]
    fn a_header_stays_one_line(name in names()) {
        let engine = compile("x", "text", "").unwrap();
        let (_, subject) = written(&engine, &name).unwrap();
        prop_assert!(!subject.chars().any(|letter| letter.is_control() || letter == '\u{2028}'), "{subject:?}");
    }

    #[test]
    fn values_come_back_out_of_json(name in names()) {
        let engine = compile("{\"a\": {{ name }}}", "json", "").unwrap();
        let (message, _) = written(&engine, &name).unwrap();
        let read: serde_json::Value = serde_json::from_str(&message).unwrap();
        let kept: String = name
            .chars()
            .filter(|letter| (!letter.is_control() || matches!(letter, '\n' | '\t')) && !matches!(letter, '\u{202e}' | '\u{2028}'))
            .collect();
        prop_assert_eq!(read.as_object().unwrap().len(), 1);
        prop_assert_eq!(read["a"].as_str().unwrap(), kept);
    }

    /// In quotes of the author's a value cannot break out of JSON: the message is refused instead.
    #[test]
    fn json_stays_json(name in names()) {
        let engine = compile("{\"a\": \"{{ name }}\"}", "json", "").unwrap();
        match written(&engine, &name) {
            Ok((message, _)) => prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&message).unwrap().as_object().unwrap().len(), 1),
            Err(reason) => prop_assert!(reason.contains("no JSON"), "{reason}"),
        }
    }

    /// Any template is refused or ends soon and small.
    #[test]
    fn any_template_ends(parts in prop::collection::vec(prop::sample::select(vec![
        "{{", "}}", "{%", "%}", "{#", "#}", " name ", " likes ", "|upper", "|join(', ')", "|truncate(3)", "|url", " for x in name ", " for x in likes ",
        " endfor ", " if name ", " endif ", " set a = name ", " include 'x' ", "~", "'", "\"", "*", "+", "-", "x", "<a href=", ">", "\\", "raw", "(", ")", "[0]", ".y",
    ]), 0..24)) {
        let text = parts.concat();
        for channel in ["text", "html", "json", "{format: sms}", "{format: script}"] {
            if let Ok(engine) = compile(&text, channel, "snippets: {x: 'y {{ name }}'}")
                && let Ok((message, _)) = written(&engine, "Ada")
            {
                prop_assert!(message.len() <= 256 * 1024);
            }
        }
    }
}

#[test]
fn what_would_run_long_or_grow_is_refused() {
    let cycle = "snippets: {a: \"{% include 'b' %}\", b: \"{% include 'a' %}\"}";
    assert!(codes("{% include 'a' %}", "text", cycle).contains(&"template_cycle"));
    assert!(codes("{% include 'a' %}", "text", "snippets: {a: \"x{% include 'a' %}\"}").contains(&"template_cycle"));
    assert_eq!(codes("{% include 'c' %}", "text", "snippets: {d: x}"), ["unknown_name"]);
    // Each takes in two of the one before: 2^17 times a text.
    let mut laughs = "snippets: {s0: 'ha ha ha'".to_owned();
    for level in 1..=17 {
        laughs += &format!(", s{level}: \"{{% include 's{0}' %}}{{% include 's{0}' %}}\"", level - 1);
    }
    assert!(codes("{% include 's17' %}", "text", &format!("{laughs}}}")).contains(&"template_too_large"));
    for forbidden in [
        "{% set a = name %}{{ a }}",
        "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
        "{{ 'x' * 1000000000 }}",
        "{% autoescape false %}{{ name }}{% endautoescape %}",
        "{% raw %}{{ name }}{% endraw %}",
        "{% for x in name recursive %}{{ loop(x) }}{% endfor %}",
        "{% extends 'x' %}",
        "{% import 'x' as y %}",
        "{% filter upper %}x{% endfilter %}",
        "{{ {'a': 1} }}",
    ] {
        assert_eq!(codes(forbidden, "html", ""), ["template_forbidden"], "{forbidden}");
    }
    for unknown in ["{{ range(1000000000) }}", "{{ debug() }}", "{{ nmae }}", "{{ greeting }}", "{{ item.name }}", "{{ why }}"]
    {
        assert_eq!(codes(unknown, "text", ""), ["unknown_name"], "{unknown}");
    }
    for unknown in [
        "{{ name | safe }}",
        "{{ name | replace('a', name) }}",
        "{% if name is divisibleby(3) %}{% endif %}",
        "{{ name|upper|e }}",
    ] {
        assert_eq!(codes(unknown, "html", ""), ["template_forbidden"], "{unknown}");
    }
    assert!(codes("{{ name | default('is | safe') }}{% if name is not defined %}x{% endif %}", "html", "").is_empty());
    for broken in ["{{ name", "{% if name %}x", "{# open"] {
        assert_eq!(codes(broken, "text", ""), ["template_syntax"], "{broken}");
    }
}

#[test]
fn values_stand_only_where_escaping_makes_them_harmless() {
    let refused = [
        "<script>var a = '{{ name }}';</script>",
        "<style>{{ name }}</style>",
        "<a href={{ name }}>x</a>",
        "<a href='{{ name }}'>x</a>",
        "<a HREF = \"{{ name | upper }}\">x</a>",
        "<img src=\"{{ name }}\">",
        "<b onclick=\"{{ name }}\">x</b>",
        "<b style=\"{{ name }}\">x</b>",
        "<{{ name }}>",
        "<b {{ name }}>",
        "<b {{ name }}=\"x\">",
        "<!-- {{ name }} -->",
        "<iframe srcdoc=\"{{ name }}\"></iframe>",
    ];
    for place in refused {
        assert_eq!(codes(place, "html", ""), ["unsafe_place"], "{place}");
        assert!(codes(place, "text", "").is_empty());
    }
    let fine = [
        "<a href=\"{{ name | url }}\">{{ name }}</a>",
        "<a href=\"https://example.org/?q={{ name }}\">x</a>",
        "<!-- note --><b title='{{ name }}'>{{ name }}</b>",
        "<script>let a = 1;</script>{{ name }}",
        "1 < 2 {{ name }}",
        "<br/>{{ name }}",
    ];
    for place in fine {
        assert!(codes(place, "html", "").is_empty(), "{place}");
    }
}

#[test]
fn addresses_that_run_something_are_not_written() {
    let engine = compile("<a href=\"{{ name | url }}\">x</a>", "html", "").unwrap();
    for address in [
        "javascript:alert(1)",
        "JaVaScript:alert(1)",
        " data:text/html,x",
        "//evil.example",
        "/\\evil",
        "x",
        "vbscript:x",
        "https://a b",
    ] {
        assert_eq!(written(&engine, address), Err("a link of the message is no web address".to_owned()), "{address}");
    }
    for address in ["https://example.org/a?b=1", "/shop", "mailto:a@example.org", "#top"] {
        assert!(written(&engine, address).is_ok(), "{address}");
    }
}

#[test]
fn what_a_voice_lacks_is_a_mistake() {
    let told = |more: &str, message: &str| {
        let text = format!(
            "playbook: a\nversion: 1\nattributes: {{n: string}}\nchannels: {{c: text}}\n{more}\noffers: {{a: {{treatments: {{c: {{message: {message}}}}}}}}}\n"
        );
        match Engine::compile(&[("a", &text)]) {
            Ok(_) => Vec::new(),
            Err(mistakes) => mistakes.0.iter().map(|mistake| mistake.code).collect(),
        }
    };
    assert_eq!(told("", "[{language: de, text: x}]"), ["no_voice"]);
    assert_eq!(told("voice: {language: customer.n}", "[{stage: new, text: x}]"), ["no_voice"]);
    assert!(told("voice: {language: customer.n}", "[{language: de, text: x}, {returning: true, text: y}]").is_empty());
    let greetings = |formal: &str| {
        format!("voice: {{greetings: {{en: {{formal: '{formal}', informal: 'Hi {{{{ name }}}}', without_name: Hello}}}}}}")
    };
    assert!(told(&greetings("Dear {{ name }}"), "'{{ greeting }}'").is_empty());
    assert_eq!(told(&greetings("Dear"), "x"), ["missing_key", "bad_greeting"]);
    assert_eq!(told(&greetings("Dear {{ title }}"), "x"), ["missing_key", "bad_greeting"]);
    assert_eq!(told(&greetings(" "), "x"), ["missing_key", "bad_greeting"]);
    assert_eq!(told("voice: {appeal: {nobody: factual}}", "x"), ["unknown_name"]);
    assert_eq!(
        told(
            "voice: {default_language: de, greetings: {en: {formal: 'A {{ name }}', informal: 'B {{ name }}', without_name: C}}}",
            "x"
        ),
        ["missing_key"]
    );
    assert_eq!(told("", "x, headers: {subject: \"a\\nb\"}"), ["bad_header"]);
}

/// What greets reveals what it is made of.
#[test]
fn a_greeting_is_a_use_of_the_name() {
    let text = r#"
playbook: a
version: 1
purposes: {marketing: opt_in, service: opt_in}
attributes: {family: {type: string, purposes: [service]}, nick: {type: string, origin: inferred}}
channels: {c: text}
voice: {family_name: customer.family, greetings: {en: {formal: 'Dear {{ name }}', informal: 'Hi {{ name }}', without_name: Hello}}}
offers: {a: {purposes: marketing, treatments: {c: {message: '{{ greeting }} x'}}}}
"#;
    let codes = |text: &str| -> Vec<&'static str> {
        Engine::compile(&[("a", text)]).map_or_else(|mistakes| mistakes.0.iter().map(|m| m.code).collect(), |_| Vec::new())
    };
    assert_eq!(codes(text), ["purpose_violation"]);
    assert!(codes(&text.replace("{{ greeting }} x", "x")).is_empty());
    let inferred = text
        .replace("purposes: marketing,", "purposes: service,")
        .replace("family_name: customer.family", "nickname: customer.nick");
    assert_eq!(codes(&inferred), ["reveals"]);
}
