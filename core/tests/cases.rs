//! Cases: stories with what is expected of them, on a virtual clock.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use tactful::Engine;

const PLAYBOOK: &str = r#"
playbook: shop
version: 1
identity: {customer: {}, cookie: {}}
purposes: {marketing: opt_in}
attributes: {city: string}
events: {visit: {page: string}}
request: {basket: int}
channels: {web: text}
placements: {home: {channel: web, fallback: Welcome.}, aside: {channel: web}}
segments:
  here: events("visit").within("7d").exists()
  local: customer.city == "Bonn"
journeys: {way: {stages: {in: {on: visit, timeout: {after: 7d, to: gone}}, gone: {drop_out: true}}}}
offers:
  tea: {eligible: segment("here"), applicable: request.basket < 10, value: 2, placements: home, treatments: {web: {message: Tea.}}}
  cake: {purposes: marketing, placements: home, treatments: {web: {message: Cake.}}}
contact: [{name: once, count: shown, scope: offer, at_most: 1, per: rolling 1d}]
experiments: {half: {variants: {a: 0%, b: 100%}}}
"#;

fn engine() -> Engine {
    Engine::compile(&[("shop.yaml", PLAYBOOK)]).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// Tries one case and gives what came otherwise, each with its line.
#[track_caller]
fn failures(steps: &str) -> Vec<(u32, String)> {
    let text = format!("cases:\n  one:\n    steps:\n{steps}");
    let reports = engine().try_cases("cases.yaml", &text).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    reports[0].failures.iter().map(|failure| (failure.place.line, failure.message.clone())).collect()
}

#[test]
fn what_comes_as_expected_passes() {
    let steps = "
      - {at: 2026-03-01T10:00:00Z, event: visit, properties: {page: start}}
      - {segments: {here: true, local: unknown}, stages: {way: in}, variants: {half: b}}
      - {set: {city: Bonn}}
      - {ask: home, facts: {basket: 3}, offers: tea, excludes: cake, message: Te, stopped: {cake: consent}, because: never given, record: shown}
      - {ask: home, facts: {basket: 3}, answer: fallback, message: Welcome, stopped: {tea: contact}, segments: {local: true}}
      - {after: 1d, consent: marketing}
      - {ask: [home, aside], facts: {basket: 3}, offers: [tea]}
      - {after: 5d23h59m59s, stages: {way: in}}
      - {after: 1s, stages: {way: gone}, segments: {here: false}}
      - {ask: aside, answer: silence, offers: []}
      - {after: 1s, set: {city: null}}
      - {segments: {local: unknown}}
";
    assert_eq!(failures(steps), []);
}

#[test]
fn what_comes_otherwise_is_told_with_its_reasons() {
    let steps = "
      - {at: 2026-03-01T10:00:00Z, event: visit}
      - {segments: {here: false}, stages: {way: gone}, variants: {half: a}}
      - {ask: home, facts: {basket: 30}, offers: [tea, cake]}
      - {ask: home, facts: {basket: 3}, answer: silence, excludes: tea}
      - {ask: home, facts: {basket: 3}, includes: cake, message: Coffee, stopped: {cake: contact, tea: consent}}
      - {stages: {way: null}}
";
    let told: Vec<String> = failures(steps).iter().map(|(line, message)| format!("{line}: {message}")).collect();
    let expected = [
        "6: expected segment `here` to be false, but it is true",
        "6: expected journey `way`: in `gone`, but the customer is in `in`",
        "6: expected experiment `half`: `a`, but it is `b`",
        "7: expected the offers `tea`, `cake`, but they are none\n`tea` was stopped at applicable in `home`: `request.basket < 10` is false: \
         `request.basket` is 30; would be true if `request.basket` were 9\n`cake` was stopped at consent in `home`: consent for `marketing` \
         was never given",
        "8: expected silence in `home`, but it gets offers `tea`: 2 candidates: 1 without consent, 1 chosen",
        "8: expected `tea` not to be offered, but the offers are `tea`",
        "9: expected `cake` among the offers, but they are `tea`\n`cake` was stopped at consent in `home`: consent for `marketing` was never given",
        "9: expected a message with `Coffee`, but the messages are `Tea.`",
        "9: expected `cake` to be stopped at `contact`, not at `consent`\n`cake` was stopped at consent in `home`: consent for `marketing` was never given",
        "9: expected `tea` to be stopped at `consent`, not at `chosen`",
        "10: expected journey `way`: outside of it, but the customer is in `in`",
    ];
    assert_eq!(told.join("\n\n"), expected.join("\n\n"));
}

#[test]
fn what_is_held_back_or_moved_otherwise_is_told() {
    let steps = "
      - {at: 2026-03-01T10:00:00Z, event: visit}
      - {ask: home, facts: {basket: 3}, until: {tea: 2026-03-02T10:00:00Z}, sends: {tea: 2026-03-02T10:00:00Z}, record: shown}
      - {ask: home, facts: {basket: 3}, until: {tea: 2026-03-02T10:00:00Z, cake: 2026-03-02T10:00:00Z}, scores: {model: {tea: 1}}}
      - {ask: home, facts: {basket: 3}, until: {tea: 2026-03-02T10:00:00Z, cake: 2026-03-02T10:00:00Z}}
";
    let told: Vec<String> = failures(steps).iter().map(|(line, message)| format!("{line}: {message}")).collect();
    let expected = [
        "6: expected `tea` to be held back until 2026-03-02T10:00:00Z, but it is chosen",
        "6: expected `tea` to be sent at 2026-03-02T10:00:00Z, but at once",
        "7: the question is refused: scores.model.tea: no offer takes a factor out of column `model`",
        "8: expected `cake` to be held back until 2026-03-02T10:00:00Z, but it is stopped by something else\n`cake` was stopped at \
         consent in `home`: consent for `marketing` was never given",
    ];
    assert_eq!(told.join("\n\n"), expected.join("\n\n"));
}

#[test]
fn a_step_that_is_none_is_told_what_it_may_be() {
    let text = "cases: {a: {steps: [{at: 2026-03-01T10:00:00Z, expect: home}]}}";
    let told = engine().try_cases("cases.yaml", text).unwrap_err().to_string();
    assert!(
        told.contains(
            "expected a mapping with `event`, a mapping with `set`, a mapping with `consent`, a mapping with `withdraw`, a mapping \
             with `link`, a mapping with `unlink`, a mapping with `confirm`, a mapping with `release` or a mapping with `ask`, `segments`, \
             `stages`, `variants`, `reach` or `proposed`, found one with `at`, `expect`"
        ),
        "{told}"
    );
}

#[test]
fn an_event_from_before_arrives_late_and_customers_can_be_linked() {
    let steps = "
      - {at: 2026-03-10T10:00:00Z, segments: {here: false}}
      - {at: 2026-03-09T10:00:00Z, customer: 'cookie:1', event: visit}
      - {segments: {here: false}}
      - {link: 'cookie:1'}
      - {segments: {here: true}}
      - {unlink: 'cookie:1'}
      - {segments: {here: false}}
      - {at: 2026-03-01T00:00:00Z, segments: {here: false}}
";
    let told = failures(steps);
    assert_eq!(told, [(12, "it is 2026-03-10T10:00:00Z already, and what is expected is expected now".to_owned())]);
}

#[test]
fn mistakes_are_told_all_at_once_with_their_places() {
    let text = "
cases:
  one:
    customer: custmer:1
    steps:
      - {event: visti, properties: {page: start}}
      - {at: 2026-03-01, event: visit, properties: {pgae: start}}
      - {at: 2026-03-01T10:00:00Z, after: 1d, set: {town: Bonn}}
      - {ask: hoem, offers: te, stopped: {tea: elegible}}
      - {segments: {heer: true, here: maybe}, stages: {way: inn}, variants: {half: c}}
      - {offers: tea, segments: {here: true}}
      - {ask: home, record: showed, surprise: 1}
";
    let told = engine().try_cases("cases.yaml", text).unwrap_err();
    let codes: Vec<(u32, &str)> = told.0.iter().map(|mistake| (mistake.place.as_ref().unwrap().line, mistake.code)).collect();
    let expected = [
        (4, "bad_identifier"),
        (6, "unknown_name"),
        (6, "missing_key"),
        (7, "bad_time"),
        (7, "unknown_name"),
        (8, "too_many"),
        (8, "unknown_name"),
        (9, "unknown_name"),
        (9, "unknown_name"),
        (9, "wrong_word"),
        (10, "unknown_name"),
        (10, "wrong_kind"),
        (10, "unknown_name"),
        (10, "unknown_name"),
        (11, "no_effect"),
        (12, "unknown_name"),
        (12, "unknown_key"),
    ];
    let mut found = codes.clone();
    found.sort();
    let mut wanted = expected.to_vec();
    wanted.sort();
    assert_eq!(found, wanted, "{told}");
}

#[test]
fn anything_is_read_or_refused() {
    let engine = engine();
    for text in [
        "",
        "cases",
        "cases: 1",
        "[]",
        "cases: {a: }",
        "{\"cases\": {}}",
        "cases: {a: {steps: [{}]}}",
        "\u{0}",
        "cases: &a {b: *a}",
    ] {
        if let Ok(reports) = engine.try_cases("cases.yaml", text) {
            assert!(reports.is_empty() || text.contains("a:"), "{text}");
        }
    }
}

#[test]
fn the_cases_of_the_shop_come_as_expected() {
    let read =
        |name: &str| std::fs::read_to_string(format!("{}/../examples/retail/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let engine = Engine::compile(&[("playbook.yaml", &read("playbook.yaml"))]).unwrap();
    let reports = engine.try_cases("cases.yaml", &read("cases.yaml")).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert_eq!(reports.len(), 4);
    for report in reports {
        assert!(report.failures.is_empty() && report.expectations > 2, "{}: {:?}", report.name, report.failures);
    }
}

#[test]
fn outbound_proposals_and_reservations_can_be_expected() {
    let engine = Engine::compile(&[(
        "shop.yaml",
        r#"
playbook: shop
version: 1
identity: {customer: {}}
purposes: {marketing: opt_in}
events: {visit: {page: string}, review: {stars: int}}
channels: {email: text, sms: text, web: text}
placements: {mail: {channel: email}, phone: {channel: sms}, home: {channel: web}}
offers:
  sale: {purposes: [marketing], placements: [mail, phone], treatments: {email: {message: Sale}, sms: {message: Sale}}}
  sorry: {placements: mail, treatments: {email: {message: Sorry}}}
  ticket: {inventory: 1, placements: home, treatments: {web: {message: The last one!}}}
reactions:
  rescue: {on: review, where: event.stars <= 2, placement: mail, offers: sorry, valid_for: 1d}
  hello: {on: review, placement: mail, offers: sorry, priority: 5}
contact: [{quiet: "21:00-08:00"}]
"#,
    )])
    .unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let text = "
cases:
  all of it:
    customer: customer:ada
    steps:
      - {at: 2026-03-01T10:00:00Z, reach: {sale: null}}
      - {consent: marketing}
      - {reach: {sale: email}}
      - {reach: {sale: sms}}
      - {event: review, properties: {stars: 1}}
      - {proposed: [hello, rescue]}
      - {after: 1h, proposed: rescue}
      - {ask: mail, offers: [sale], record: sent}
      - {ask: home, offers: [ticket], reserve: 15m}
      - {after: 1m, customer: 'customer:bob', ask: home, offers: []}
      - {after: 5m, release: all}
      - {customer: 'customer:bob', ask: home, offers: [ticket], reserve: 15m}
      - {after: 5m, customer: 'customer:bob', confirm: accepted}
      - {ask: home, offers: []}
      - {release: all}
      - {customer: 'customer:bob', confirm: accepted}
";
    let reports = engine.try_cases("cases.yaml", text).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let told: Vec<String> =
        reports[0].failures.iter().map(|failure| format!("{}: {}", failure.place.line, failure.message)).collect();
    let expected = [
        "9: expected the customer to be reached by `sms` about `sale`, but it is by `email`: `email` is expected to bring most: 0 of 0 \
         contacts there had a response, 0.500 expected",
        "12: expected the proposals of `rescue`, but they are of `hello`, `rescue`",
        "20: nothing is reserved for `customer:ada`",
        "21: nothing is reserved for `customer:bob`",
    ];
    assert_eq!(told.join("\n"), expected.join("\n"));
}
