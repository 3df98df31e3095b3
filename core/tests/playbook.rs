//! Reading playbooks: the model of a whole one, places in texts, documents that unite, digests, limits.

use tactful::Duration;
use tactful::error::{Diagnostics, Severity};
use tactful::playbook::{
    AtMost, ConsentDefault, Demand, FactorSource, Format, Limits, Movement, Part, Playbook, Scope, Text, json_schema,
};
use tactful::value::{Currency, Decimal, Type, Unit, Value, Window, Zone};

const GROCERY: &str = include_str!("playbooks/grocery.yaml");
const GROCERY_JSON: &str = include_str!("playbooks/grocery.json");

#[expect(clippy::panic, reason = "a test that cannot load its playbook shows why")]
fn load(text: &str) -> Playbook {
    match Playbook::load(&[("test", text)]) {
        Ok((playbook, _)) => playbook,
        Err(mistakes) => panic!("{mistakes}"),
    }
}

fn codes(result: Result<(Playbook, Diagnostics), Diagnostics>) -> Vec<&'static str> {
    let (Ok((_, findings)) | Err(findings)) = result;
    findings.0.iter().map(|finding| finding.code).collect()
}

fn names<'a>(names: impl IntoIterator<Item = &'a tactful::playbook::Name>) -> Vec<&'a str> {
    names.into_iter().map(|name| &*name.text).collect()
}

#[test]
fn a_whole_playbook_is_read() {
    let (playbook, warnings) = Playbook::load(&[("grocery.yaml", GROCERY)]).unwrap();
    assert_eq!(warnings, Diagnostics::default());
    assert_eq!((&*playbook.name.text, playbook.version, playbook.title.as_deref()), ("grocery", 7, Some("Grocery")));
    assert_eq!(playbook.time_zone, Zone::parse("Europe/Berlin").unwrap());
    assert_eq!(playbook.customer_zone.map(|name| name.text.to_string()).as_deref(), Some("zone"));
    assert_eq!(playbook.session_gap, Duration::parse("30m").unwrap());
    assert_eq!(playbook.persona_threshold, 0.6);
    let namespaces: Vec<_> = playbook.namespaces.iter().map(|n| (&*n.name.text, n.anonymous)).collect();
    assert_eq!(namespaces, [("customer", false), ("visit", true)]);
    let purposes: Vec<_> = playbook.purposes.iter().map(|p| (&*p.name.text, p.default)).collect();
    let (optin, optout) = (ConsentDefault::OptIn, ConsentDefault::OptOut);
    assert_eq!(purposes, [("service", optout), ("marketing", optin), ("health", optin)]);

    let types: Vec<String> = playbook.attributes.iter().map(|a| format!("{}: {}", a.name.text, a.ty)).collect();
    let expected = ["zone: string", "country: enum(DE, AT, CH)", "size: enum(small, large)", "age: int", "pregnant: bool"];
    assert_eq!(types[..5], expected);
    assert_eq!(types[5..], ["credit: money(EUR)", "tags: list(string)"]);
    let credit = Value::Decimal(Decimal::new(50, 2, Currency::parse("EUR")));
    assert_eq!(playbook.attributes[5].default, Some(credit));
    assert_eq!(playbook.attributes[6].default, Some(Value::List([Value::text("new")].into())));
    assert_eq!(playbook.attributes[4].purposes.as_deref().map(names), Some(vec!["health"]));
    assert_eq!(playbook.attributes[0].purposes, None);
    assert_eq!(playbook.attributes[4].ttl, Some(Duration::parse("270d").unwrap()));

    let events: Vec<_> = playbook.events.iter().map(|e| (&*e.name.text, names(e.properties.iter().map(|p| &p.name)))).collect();
    let expected = [("visit", vec![]), ("view", vec!["sku", "category"]), ("purchase", vec!["sku", "category", "amount"])];
    assert_eq!(events, expected);
    assert!(playbook.events[2].properties[2].required && !playbook.events[2].properties[0].required);
    assert_eq!(playbook.request[1].ty, Type::Double);

    assert_eq!(&*playbook.segments[0].when.path, "segments.loyal");
    assert_eq!(&*playbook.segments[1].when.path, "segments.parent.when");
    let evidence: Vec<_> = playbook.personas[0].evidence.iter().map(|e| (e.odds, e.otherwise)).collect();
    assert_eq!(evidence, [(3.0, 1.0), (2.5, 0.8)]);

    let journey = &playbook.journeys[0];
    assert_eq!(journey.movement, Movement::Free);
    assert_eq!(names(journey.stages.iter().map(|s| &s.name)), ["awareness", "consideration", "purchase", "lapsed"]);
    let purchase = &journey.stages[2];
    assert_eq!(names(&purchase.on), ["purchase", "accepted"]);
    assert_eq!(purchase.enter.as_ref().map(|text| &*text.text), Some("true"));
    let timeout = purchase.timeout.as_ref().unwrap();
    assert_eq!((&*timeout.to.as_ref().unwrap().text, names(&timeout.reset_on)), ("lapsed", vec!["purchase", "visit"]));
    assert_eq!(names(&journey.stages[1].from), ["none", "lapsed"]);
    assert!(journey.stages[3].drop_out && journey.stages[0].no_data.is_some());

    let formats: Vec<_> = playbook.channels.iter().map(|c| c.format).collect();
    assert_eq!(formats, [Format::Html, Format::Text, Format::Json, Format::Text]);
    let offer = &playbook.offers[0];
    assert_eq!(offer.valid_until.map(|t| t.to_string()).as_deref(), Some("2026-12-31T23:00:00Z"));
    let factors: Vec<_> = offer.factors.iter().flatten().map(|f| (rule(&f.source), f.prior)).collect();
    let expected = [("customer.age / 100.0", Some(0.1)), ("persona(\"thrifty\")", None), ("4.0", None), ("1", None)];
    assert_eq!(factors, expected);
    assert_eq!(offer.priority, 10);
    assert_eq!(&*offer.treatments[0].variants[0].text.text, "Hello {{ name }},\nsave on {{ category }}!\n");
    assert_eq!(offer.treatments[0].with[1].missing.as_deref(), Some("diapers"));
    assert_eq!(names(&playbook.offers[1].purposes), ["service"]);

    assert_eq!(playbook.placements[0].slots, 2);
    assert_eq!(playbook.placements[0].fallback.as_ref().map(|f| f.purposes.len()), Some(1));
    assert_eq!(playbook.placements[1].fallback.as_ref().map(|f| &*f.message), Some("Bye"));
    assert_eq!(playbook.contact.len(), 6);
    let mails = &playbook.contact[0];
    let (Demand::Cap { at_most: AtMost::Number(3), per, .. }, Scope::Only(Part::Channels, channels)) =
        (&mails.demand, &mails.scope)
    else {
        panic!("{mails:?}")
    };
    assert_eq!((&*mails.name, &*channels[0].text, channels.len()), ("mails", "email", 1));
    assert_eq!(*per, Window::Rolling(Duration::parse("7d").unwrap()));
    let week = &playbook.contact[2];
    let Demand::Cap { per, .. } = &week.demand else { panic!("a cap") };
    assert_eq!((&*week.name, *per), ("contact.2", Window::Calendar(Unit::Week { first_day: chrono::Weekday::Mon })));
    let (Scope::Everything, Demand::Pause { pause, .. }) = (&playbook.contact[5].scope, &playbook.contact[5].demand) else {
        panic!("a pause")
    };
    assert_eq!(*pause, Some(Duration::parse("30d").unwrap()));
}

#[test]
fn yaml_and_json_that_say_the_same_have_one_digest() {
    let (yaml, json) = (load(GROCERY), load(GROCERY_JSON));
    assert_eq!(yaml.digest, json.digest);
    assert_eq!(yaml.digest.len(), 64);
    assert_eq!(load(&GROCERY.replace('\n', "\r\n")).digest, yaml.digest);
}

#[test]
fn layout_comments_and_names_of_documents_do_not_count_in_the_digest_but_values_and_order_do() {
    let base = load("playbook: a\nversion: 1\nchannels: {x: html, y: text}\n").digest;
    assert_eq!(base, load("# shop\nplaybook: 'a'\nversion: 0x1\nchannels:\n  x: html\n  y: &t text\n").digest);
    assert_ne!(base, load("playbook: a\nversion: 2\nchannels: {x: html, y: text}\n").digest);
    assert_ne!(base, load("playbook: a\nversion: 1\nchannels: {y: text, x: html}\n").digest);
    let named = Playbook::load(&[("other", "playbook: a\nversion: 1\nchannels: {x: html, y: text}\n")]).unwrap().0;
    assert_eq!(base, named.digest);
    assert_eq!(base, load(r#"{"$schema": "s", "playbook": "a", "version": 1, "channels": {"x": "html", "y": "text"}}"#).digest);
    // The canonical form is written down here, so that it cannot change unseen.
    let canonical = format!("{{\"playbook\":\"a\",\"version\":1}}\n{}", Zone::TABLES);
    let expected: String =
        <sha2::Sha256 as sha2::Digest>::digest(canonical.as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(*load("playbook: a\nversion: 1\n").digest, *expected);
}

#[test]
fn documents_unite_by_name_append_lists_and_keep_their_order() {
    let base = "playbook: a\nversion: 1\nchannels: {web: html}\nsegments:\ncontact:\n  - {count: sent, scope: offer, at_most: 1, per: day}\n";
    let part = "contact:\n  - {after: sent, scope: channel(mail), pause: 1d}\nchannels: {mail: text}\ntitle: A\nsegments: {all: true}\n";
    let (playbook, _) = Playbook::load(&[("base", base), ("part", part)]).unwrap();
    assert_eq!(names(playbook.channels.iter().map(|c| &c.name)), ["web", "mail"]);
    assert_eq!(playbook.contact.len(), 2);
    assert_eq!(playbook.title.as_deref(), Some("A"));
    assert_eq!(playbook.segments[0].when.place.document.as_ref(), "part");
    let together = "playbook: a\nversion: 1\nchannels: {web: html, mail: text}\nsegments: {all: true}\ncontact:\n  \
        - {count: sent, scope: offer, at_most: 1, per: day}\n  - {after: sent, scope: channel(mail), pause: 1d}\ntitle: A\n";
    assert_eq!(load(together).digest, playbook.digest);
    let third = "channels: {web: html, mail: text}\n";
    assert_eq!(codes(Playbook::load(&[("a", base), ("b", part), ("c", third)])), ["declared_twice", "declared_twice"]);
    assert_eq!(codes(Playbook::load(&[("a", base), ("a", part)])), ["duplicate_document"]);
    assert_eq!(codes(Playbook::load(&[])), ["empty_document"]);
    assert_eq!(codes(Playbook::load(&[("part", part), ("base", base)])), ["missing_key", "missing_key"]);
}

/// Every `@` of the segment's rule is found where it stands in the document.
fn places_agree(document: &str) {
    let playbook = load(document);
    let rule = &playbook.segments[0].when;
    let mut expected = Vec::new();
    for (line, text) in document.lines().enumerate() {
        let columns = text.chars().enumerate().filter(|(_, letter)| *letter == '@').map(|(column, _)| column + 1);
        expected.extend(columns.map(|column| (line + 1, column)));
    }
    let found = rule.text.match_indices('@').map(|(byte, _)| rule.place_of(byte, 1));
    let found: Vec<_> = found.map(|place| (place.line as usize, place.column as usize)).collect();
    assert_eq!(found, expected, "{document}\n{rule:?}");
    assert!(!found.is_empty());
}

#[test]
fn every_character_of_a_rule_knows_its_place() {
    let rules = [
        "a @ b@",
        "\u{e9}\u{1f600} @ b\u{e9}@",
        "plain @\n    goes @ on\n\n      and@ on @",
        "'single @ it''s @'",
        "'single @\n    it''s @ and\n\n    on ''''@'",
        "\"double @ \\\" @ \\u00e9@\\x41@\\U0001F600 @ \\t@\\n@\"",
        "\"double @ \\\n      cut @\n    folded @\n\n    \\  @ on\"",
        "|\n    literal @\n      deeper @\n\n    end @",
        "|2-  # comment\n      deeper @\n    end @",
        "|+\n\n    \n    late @\n\n",
        ">\n    folded @\n    more @\n\n    para @\n      deeper @\n    back @",
        ">-\n    @@ @\n    @",
        "&anchor a @ b",
        "&anchor\n    'a @ b'",
        "&anchor  # comment\n    plain @\n    on @",
        "&anchor |2\n      deeper @\n    end @",
        "&anchor >\n\n    &folded @\n    on @",
    ];
    for rule in rules {
        let document = format!("playbook: a\nversion: 1\nsegments:\n  s: {rule}\n");
        places_agree(&document);
        places_agree(&document.replace('\n', "\r\n"));
        places_agree(&format!("{document}  other: x\ntitle: B\n"));
    }
    places_agree("playbook: a\nversion: 1\nsegments:\n  s: {when: c @ d, title: x}\n");
    places_agree("playbook: a\nversion: 1\nsegments:\n  s:\n    when:\n      - @\n".replace("- @", "a @ b").as_str());
    places_agree(r#"{"playbook": "a", "version": 1, "segments": {"s": "@ \"@\" \u00e9@\ud83d\ude00@ \/@ \n@ é😀 @"}}"#);
    places_agree(
        "{\r\n\t\"playbook\":\t\"a\",\n\"version\": 1, \"segments\":\r{\"s\": \"x @ y@\"}}".replace('\r', " ").as_str(),
    );
}

#[test]
fn a_place_beyond_the_text_is_its_end_and_odd_bytes_are_places_too() {
    let text = |playbook: &Playbook| -> Text { playbook.segments[0].when.clone() };
    let rule = text(&load("playbook: a\nversion: 1\nsegments: {s: \u{e9}\u{e9}}\n"));
    assert_eq!(rule.place_of(99, 0).column, rule.place.column + 2);
    assert_eq!(rule.place_of(1, 5).column, rule.place.column + 1);
    assert_eq!(rule.place_of(0, 0).length, 1);
    // Blanks at the head of a line of a literal block are characters of the text.
    let rule = text(&load("playbook: a\nversion: 1\nsegments:\n  s: |\n    a\n      b\n"));
    assert_eq!(&*rule.text, "a\n  b\n");
    let place = rule.place_of(2, 1);
    assert_eq!((place.line, place.column, &*place.source), (6, 5, "      b"));
}

#[test]
fn json_is_read_as_json() {
    let title = |json: &str| load(&format!("{{\"playbook\": \"a\", \"version\": 1, \"title\":\t{json}}}")).title;
    assert_eq!(title(r#""\ud83d\ude00\/\b\f\n\r\t\u0041\\\"""#).as_deref(), Some("\u{1f600}/\u{8}\u{c}\n\r\tA\\\""));
    for wrong in
        ["'a'", "\"a", "\"\\x41\"", "\"\\ude00\"", "\"a\nb\"", "+1", "1.", ".5", "0x1", "tru", "NaN", "\"a\" // b", "[1,]"]
    {
        let text = format!("{{\"playbook\": \"a\", \"version\": 1, \"title\": {wrong}}}");
        assert_eq!(codes(Playbook::load(&[("a.json", &text)])), ["syntax"], "{wrong}");
    }
    // A name decides before the text does.
    assert_eq!(codes(Playbook::load(&[("a.json", "playbook: a\nversion: 1\n")])), ["syntax"]);
    assert!(Playbook::load(&[("a.yml", "{playbook: a, version: 1}")]).is_ok());
    assert!(Playbook::load(&[("a.yml", "\u{feff}{playbook: a, version: 1}")]).is_ok());
    assert!(Playbook::load(&[("a", "\u{feff} {\"playbook\": \"a\", \"version\": 1}")]).is_ok());
}

#[test]
fn aliases_are_copies() {
    let text = "playbook: a\nversion: 1\nsegments:\n  x: &rule 'a > 1'\n  y: *rule\n";
    let playbook = load(text);
    assert_eq!(playbook.segments[0].when.text, playbook.segments[1].when.text);
    assert_eq!(playbook.digest, load("playbook: a\nversion: 1\nsegments: {x: a > 1, y: a > 1}\n").digest);
}

#[test]
fn limits_hold() {
    let mut limits = Limits::default();
    limits.bytes = 30;
    assert!(Playbook::load_within(&[("a", "playbook: a\nversion: 1\n")], limits).is_ok());
    assert_eq!(codes(Playbook::load_within(&[("a", GROCERY)], limits)), ["too_large"]);

    let mut limits = Limits::default();
    limits.nodes = 5;
    assert!(Playbook::load_within(&[("a", "playbook: a\nversion: 1\n")], limits).is_ok());
    for text in [GROCERY, GROCERY_JSON] {
        assert_eq!(codes(Playbook::load_within(&[("a", text)], limits)), ["too_large"]);
    }

    for (open, close) in [("[", "]"), ("{\"a\": ", "}")] {
        let deep = |depth: usize| format!("{{\"playbook\": {}1{}}}", open.repeat(depth), close.repeat(depth));
        for name in ["a.json", "a.yaml"] {
            assert_eq!(codes(Playbook::load(&[(name, &deep(64))])), ["too_deep"], "{name}");
            assert!(codes(Playbook::load(&[(name, &deep(63))])).contains(&"missing_key"), "{name}");
            let mut unbounded = Limits::default();
            unbounded.depth = usize::MAX;
            assert!(Playbook::load_within(&[(name, &deep(100_000))], unbounded).is_err());
        }
    }
    let mut bomb = "a: &a0 [x, x]\n".to_owned();
    for level in 1..40 {
        bomb += &format!("b{level}: &a{level} [*a{0}, *a{0}]\n", level - 1);
    }
    assert_eq!(codes(Playbook::load(&[("bomb", &bomb)])), ["too_large"]);
    let wide = format!("a: &a [{}]\nb: [{}]\n", "x, ".repeat(1_000), "*a, ".repeat(1_000));
    assert_eq!(codes(Playbook::load(&[("wide", &wide)])), ["too_large"]);
    let tall = format!("a: &a {0}1{1}\nb: {0}*a{1}\n", "[".repeat(40), "]".repeat(40));
    assert_eq!(codes(Playbook::load(&[("tall", &tall)])), ["too_deep"]);
    let anchors: String = (0..60).map(|level| format!("&a{level} [")).collect();
    let nested = format!("a: {anchors}{}{}", "x, ".repeat(10_000), "]".repeat(60));
    assert_eq!(codes(Playbook::load(&[("anchors", &nested)])), ["too_large"]);
}

#[test]
fn many_mistakes_are_cut_and_counted() {
    let mut text = "playbook: a\nversion: 1\nsegments:\n".to_owned();
    for number in 0..250 {
        text += &format!("  s{number}: []\n");
    }
    let mistakes = Playbook::load(&[("a", &text)]).unwrap_err();
    assert_eq!(mistakes.0.len(), 101);
    let last = mistakes.0.last().unwrap();
    assert_eq!((last.code, &*last.message, last.severity), ("more", "and 150 more", Severity::Error));
}

#[test]
fn priors_may_be_decimal_fractions_that_add_up_to_one() {
    let priors = |list: &[f64]| {
        let personas: Vec<String> = list.iter().enumerate().map(|(n, prior)| format!("p{n}: {{prior: {prior}}}")).collect();
        codes(Playbook::load(&[("a", &format!("playbook: a\nversion: 1\npersonas: {{{}}}\n", personas.join(", ")))]))
    };
    let exact = [0.34, 0.24, 0.33, 0.09];
    assert!(exact.iter().sum::<f64>() > 1.0);
    assert!(priors(&exact).is_empty());
    assert_eq!(priors(&[0.5, 0.4, 0.2, 0.1]), ["bad_priors"]);
}

#[test]
fn warnings_come_with_the_playbook() {
    let text = "playbook: a\nversion: 1\nattributes: {points: money(PTS)}\nchannels: {web: html, mail: text}\n\
        placements: {home: {channel: web}}\noffers: {o: {placements: home, treatments: {mail: {message: x}}}}\n";
    let (_, warnings) = Playbook::load(&[("a", text)]).unwrap();
    assert!(!warnings.has_errors());
    assert_eq!(warnings.0.iter().map(|w| w.code).collect::<Vec<_>>(), ["unknown_currency", "no_treatment"]);
}

const REFERENCE: &str = include_str!("../../docs/playbook.md");

#[test]
fn every_example_of_the_reference_is_a_playbook() {
    let examples: Vec<&str> = REFERENCE.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(examples.len() > 10);
    for example in examples {
        load(example);
    }
}

#[test]
fn every_key_is_in_the_reference_with_its_meaning_and_default() {
    let schema: serde_json::Value = serde_json::from_str(&json_schema()).unwrap();
    let is_row = |line: &&str| line.starts_with("| `") && line.matches('|').count() == 5;
    let lines: Vec<&str> = REFERENCE.lines().collect();
    let tables: Vec<&[&str]> = lines.split(|line| !is_row(line)).filter(|table| !table.is_empty()).collect();
    let mut used = vec![0; tables.len()];
    for (object, definition) in schema["$defs"].as_object().unwrap() {
        let keys = definition["properties"].as_object().unwrap();
        let describes = |row: &str, (key, field): (&String, &serde_json::Value)| {
            let meaning = format!("| {} |", field["description"].as_str().unwrap());
            let default = match &field["default"] {
                serde_json::Value::Null => String::new(),
                default => format!("`{}`", default.to_string().replace('"', "")),
            };
            row.starts_with(&format!("| `{key}` |")) && row.ends_with(&meaning) && row.contains(&default)
        };
        // Forms of one thing may share a table; the table of an object is the smallest that has all its keys.
        let all = |table: &[&str]| keys.iter().all(|key| table.iter().any(|row| describes(row, key)));
        let smallest = (0..tables.len()).filter(|table| all(tables[*table])).map(|table| tables[table].len()).min();
        let Some(smallest) = smallest else { panic!("no table of the reference has all keys of `{object}`: {keys:?}") };
        for table in (0..tables.len()).filter(|table| tables[*table].len() == smallest && all(tables[*table])) {
            used[table] += keys.len();
        }
    }
    for (table, used) in tables.iter().zip(used) {
        assert!(used >= table.len(), "rows of no object: {table:?}");
    }
}

#[test]
fn every_code_of_a_mistake_is_in_the_reference() {
    let mistakes = include_str!("playbook_mistakes.txt");
    let codes: Vec<&str> = mistakes.lines().filter_map(|line| line.strip_prefix("error[")?.split(']').next()).collect();
    assert!(codes.len() > 60);
    for code in codes {
        assert!(REFERENCE.contains(&format!("`{code}`")), "{code}");
    }
}

#[test]
fn the_checked_in_schema_is_the_generated_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/playbook.schema.json");
    let Ok(checked_in) = std::fs::read_to_string(path) else { panic!("docs/playbook.schema.json is missing") };
    // Compared as values, since the order of keys depends on how serde_json was built.
    let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    assert_eq!(
        value(&checked_in),
        value(&json_schema()),
        "run: cargo run -p tactful --example playbook_schema > docs/playbook.schema.json"
    );
}

#[test]
fn half_a_surrogate_pair_is_refused() {
    for title in ["\\ud83d\\u0041", "\\ud83d\\ud83d", "\\ud83d", "\\ude00"] {
        let text = format!("{{\"playbook\": \"shop\", \"version\": 1, \"title\": \"{title}\"}}");
        assert!(Playbook::load(&[("shop.json", &text)]).is_err(), "{title}");
    }
    let whole = r#"{"playbook": "shop", "version": 1, "title": "\ud83d\ude00"}"#;
    assert_eq!(Playbook::load(&[("shop.json", whole)]).unwrap().0.title.as_deref(), Some("\u{1f600}"));
}

fn rule(source: &FactorSource) -> &str {
    match source {
        FactorSource::Rule(text) => &text.text,
        FactorSource::Column(_) | FactorSource::Learned(_) | FactorSource::Weights(_) => "",
    }
}
