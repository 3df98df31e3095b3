//! What the engine finds wrong with a playbook beyond its form, and that nothing makes it panic.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use proptest::prelude::*;
use tactful::Engine;

const HEAD: &str = "playbook: shop
version: 1
identity: {customer: {}}
purposes: {marketing: opt_in, health: opt_in}
attributes:
  age: int
  pregnant: {type: bool, purposes: [health]}
request: {basket: money(EUR)}
events: {purchase: {amount: money(EUR), sku: string}}
channels: {web: text}
placements: {home: {channel: web}}
";

fn mistakes(rest: &str) -> String {
    match Engine::compile(&[("shop.yaml", &format!("{HEAD}{rest}"))]) {
        Ok(_) => panic!("it compiles"),
        Err(mistakes) => mistakes.to_string(),
    }
}

#[test]
fn mistakes_of_form_and_of_rules_are_reported_together() {
    let text = r#"playbook: shop
version: 1
time_zone: Europe/Berln
identity: {customer: {}}
attributes: {age: integr, city: string}
events: {purchase: {amount: money(EUR), sku: strng}}
segments:
  big: events("purchase").within("90d").sum("amuont") > "ten"
  young: customer.age < 30 && customer.citty == "Ulm"
  same: events("purchase").last("sku") == "a"
channels: {web: text}
placements: {home: {channel: web}}
offers:
  hat: {elegible: segment("bg"), treatments: {web: {message: 'Hi {{ name }}'}}}
"#;
    let mistakes = Engine::compile(&[("shop.yaml", text)]).unwrap_err();
    let found: Vec<(&str, u32)> =
        mistakes.0.iter().map(|finding| (finding.code, finding.place.as_ref().unwrap().line)).collect();
    let expected = [
        ("bad_zone", 3),
        ("bad_type", 5),
        ("bad_type", 6),
        ("unknown_property", 8),
        ("unknown_name", 9),
        ("unknown_key", 14),
        ("unknown_name", 14),
    ];
    assert_eq!(found, expected, "{mistakes}");
}

#[test]
fn a_circle_is_printed() {
    let text = mistakes("segments:\n  a: segment(\"b\")\n  b: segment(\"c\")\n  c: '!segment(\"a\")'\n");
    assert!(text.contains("error[cycle]: these depend on each other: `a` -> `b` -> `c` -> `a`"), "{text}");
    assert!(text.contains("shop.yaml:13:3"), "{text}");
}

#[test]
fn a_purpose_that_an_attribute_does_not_have_is_shown_with_the_way_to_it() {
    let text = mistakes(
        "segments:
  expecting: customer.pregnant
  soon: segment(\"expecting\") && customer.age > 20
offers:
  diapers: {purposes: [marketing], eligible: segment(\"soon\"), treatments: {web: {message: Diapers}}}
  advice: {purposes: [health], eligible: segment(\"soon\"), treatments: {web: {message: Advice}}}
",
    );
    let expected = "error[purpose_violation]: the offer is for `marketing`, but reads `customer.pregnant` through segment `soon`, then \
                    segment `expecting`, which may be used for `health`";
    assert!(text.contains(expected), "{text}");
    assert!(text.contains("offers.diapers") && !text.contains("offers.advice"), "{text}");
}

#[test]
fn a_message_may_not_show_what_its_purpose_does_not_allow() {
    let text = mistakes(
        "offers:
  hat: {purposes: [marketing], treatments: {web: {message: '{{ p }}', with: {p: {value: customer.pregnant, missing: no}}}}}
",
    );
    assert!(text.contains("error[purpose_violation]"), "{text}");
}

#[test]
fn state_changes_at_instants_that_can_be_told() {
    let text = mistakes("segments:\n  odd: now.getDayOfWeek() == 1\n");
    assert!(text.contains("error[needs_grid]"), "{text}");
    let text = mistakes("segments:\n  rich: request.basket > 100\n");
    assert!(text.contains("error[request_in_state]: `request.basket` comes with a question"), "{text}");
}

#[test]
fn what_is_probably_not_meant_is_a_warning() {
    let rest = "segments:
  adult: customer.age >= 18
  nobody: customer.age > 60 && customer.age < 18
  grown: 18 <= customer.age
";
    let engine = Engine::compile(&[("shop.yaml", &format!("{HEAD}{rest}"))]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let found: Vec<(&str, &str, u32)> = engine
        .warnings()
        .0
        .iter()
        .map(|finding| (finding.code, finding.path.as_str(), finding.place.as_ref().unwrap().line))
        .collect();
    assert_eq!(
        found,
        [("contradiction", "segments.nobody", 14), ("duplicate_condition", "segments.grown", 15)],
        "{}",
        engine.warnings()
    );
}

#[test]
fn messages_are_checked() {
    let text = mistakes("offers:\n  hat: {treatments: {web: {message: 'Hi {{ nmae }}', with: {name: customer.age}}}}\n");
    assert!(text.contains("the message shows `nmae`, which `with` does not declare"), "{text}");
    assert!(text.contains("help: did you mean `name`?"), "{text}");
    let text = mistakes("offers:\n  hat: {treatments: {web: {message: 'Hi {{ name', with: {name: customer.age}}}}\n");
    assert!(text.contains("error[template_syntax]"), "{text}");
}

#[test]
fn templates_cannot_run_for_ever_or_write_without_end() {
    use tactful::{Identifier, Request, Timestamp};
    let word = "x".repeat(200);
    let endless = "{% for a in w %}{% for b in w %}{% for c in w %}{% endfor %}{% endfor %}{% endfor %}";
    let long = "{% for a in w %}{% for b in w %}{{ w }}{% endfor %}{% endfor %}";
    for message in [endless, long] {
        let playbook =
            format!("{HEAD}offers:\n  hat: {{treatments: {{web: {{message: '{message}', with: {{w: '\"{word}\"'}}}}}}}}\n");
        let engine = Engine::compile(&[("shop.yaml", &playbook)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let customer = engine.customer(&Identifier::parse("customer:1").unwrap()).unwrap();
        let decision =
            engine.explain(&customer, &Request::of("home"), Timestamp::parse("2026-03-01T00:00:00Z").unwrap(), None).unwrap();
        assert_eq!(decision.placements[0].kind(), "silence");
        assert_eq!(decision.trace.unwrap().candidates[0].gate, tactful::decide::Gate::Message);
    }
}

const RETAIL: &str = include_str!("../../examples/retail/playbook.yaml");

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_playbook_compiles_or_is_refused(changes in prop::collection::vec((any::<prop::sample::Index>(), ".{0,6}", 0_usize..8), 1..6)) {
        let mut text: Vec<char> = RETAIL.chars().collect();
        for (place, new, cut) in changes {
            let at = place.index(text.len());
            let end = (at + cut).min(text.len());
            text.splice(at..end, new.chars());
        }
        let text: String = text.into_iter().collect();
        if let Err(mistakes) = Engine::compile(&[("retail.yaml", &text)]) {
            prop_assert!(!mistakes.to_string().is_empty());
        }
    }
}

fn warnings(rest: &str) -> Vec<String> {
    let engine = Engine::compile(&[("shop.yaml", &format!("{HEAD}{rest}"))]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let said = engine.warnings().0.iter().map(|warning| format!("{} at {}: {}", warning.code, warning.path, warning.message));
    said.filter(|said| said.starts_with("unreachable")).collect()
}

#[test]
fn offers_that_nobody_is_shown_are_found() {
    let text = "segments:
  young: customer.age < 18
  small: segment(\"young\") && customer.age < 6
offers:
  apart: {eligible: customer.age > 60, suitable: customer.age < 18, treatments: {web: {message: x}}}
  never: {eligible: customer.age > 60 && customer.age < 18, applicable: 'true', treatments: {web: {message: x}}}
  through: {eligible: customer.age > 60, applicable: 'segment(\"small\")', treatments: {web: {message: x}}}
  outside: {eligible: customer.age > 60, applicable: '!segment(\"small\")', treatments: {web: {message: x}}}
  fine: {eligible: customer.age > 3, applicable: 'segment(\"small\")', treatments: {web: {message: x}}}
";
    assert_eq!(
        warnings(text),
        [
            "unreachable_offer at offers.apart: offer `apart` can never be shown: `eligible` and `suitable` cannot hold together",
            "unreachable_offer at offers.never: offer `never` can never be shown: `eligible` is never true",
            "unreachable_offer at offers.through: offer `through` can never be shown: `eligible` and `applicable` cannot hold together",
        ]
    );
}

#[test]
fn stages_that_nobody_enters_are_found() {
    let text = "journeys:
  life:
    stages:
      aware: {enter: customer.age > 3}
      never: {enter: customer.age > 60 && customer.age < 18}
      behind: {enter: customer.age > 4, from: [never]}
      later: {no_data: the shop does not tell yet}
      alone: {}
      stuck: {enter: customer.age > 60 && customer.age < 18, timeout: {after: 3d, to: alone}}
      lost: {enter: customer.age > 90, timeout: {after: 3d, to: timed}}
      timed: {}
      back: {enter: customer.age > 5, from: [aware, never]}
";
    assert_eq!(
        warnings(text),
        [
            "unreachable_stage at journeys.life.stages.never: stage `never` can never be entered: `enter` is never true",
            "unreachable_stage at journeys.life.stages.behind: stage `behind` can never be entered: no stage from which it may be entered can be reached",
            "unreachable_stage at journeys.life.stages.alone: stage `alone` can never be entered: it has neither `on` nor `enter`, and no time-out that can pass leads to it",
            "unreachable_stage at journeys.life.stages.stuck: stage `stuck` can never be entered: `enter` is never true",
        ]
    );
}

#[test]
fn what_fades_needs_a_grid_and_names_are_looked_up() {
    let text = r#"
playbook: wrong
version: 1
identity: {customer: {}}
events: {view: {brand: string}, search: {query: string, hits: int}}
needs: {chair: {evidence: [{when: events("view").exists(), strength: 0.5, half_life: 3d}, {when: 1 < 2, strength: 1.5}]}}
searches: {on: search, property: hits}
problems: {sore_back: {terms: ["...", back], needs: {chiar: 0.4}}}
preferences: {brand: {from: [{on: view, property: brnd}], half_life: 3d}, nothing: {}}
unusual: {dear: {test: higher, on: view, property: brand}, odd: {test: silence, on: view, property: brand}}
personas: {likely: {prior: 0.2}}
watches: {when: now - events("view").since_last()}
"#;
    let mistakes = Engine::compile(&[("a.yaml", text)]).unwrap_err();
    let found: Vec<(&str, &str)> = mistakes.0.iter().map(|found| (found.code, &*found.message)).collect();
    let expected = [
        ("needs_grid", "what fades changes at every instant, so it needs a grid of instants at which it is read"),
        ("bad_number", "expected a number above 0 and at most 1, found `1.5`"),
        ("bad_type", "property `hits` is of type int, expected text"),
        ("empty", "a search term needs at least one letter or digit"),
        ("unknown_name", "unknown need `chiar`"),
        ("needs_grid", "what fades changes at every instant, so it needs a grid of instants at which it is read"),
        ("unknown_name", "none of these event types has a property `brnd`"),
        ("empty", "preference `nothing` is told by nothing"),
        ("bad_type", "property `brand` is of type string, expected a number"),
        ("no_effect", "a test for `silence` looks at instants, not at a property"),
        ("reserved_name", "`likely` stands for the one with the largest posterior and cannot be the name of a persona"),
        ("needs_grid", "the instants at which this changes cannot be told beforehand"),
    ];
    for one in expected {
        assert!(found.contains(&one), "{one:?} is missing in {found:#?}");
    }
}

#[test]
fn the_example_personas_compile() {
    let part = include_str!("../../examples/personas/personas.yaml");
    let base = "playbook: shop\nversion: 1\nidentity: {customer: {}}\n";
    let engine = Engine::compile(&[("shop.yaml", base), ("personas.yaml", part)]).unwrap();
    let priors: Vec<f64> = engine.playbook().personas.iter().map(|persona| persona.prior).collect();
    assert_eq!(priors, [0.32, 0.25, 0.16, 0.15, 0.12]);
}

/// The doubts about contacts and offers.
fn doubts(rest: &str) -> Vec<String> {
    let engine = Engine::compile(&[("shop.yaml", &format!("{HEAD}{rest}"))]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let codes = [
        "contradictory_caps",
        "quiet_gap",
        "no_fallback",
        "possible_tie",
        "shadowed_offer",
        "small_holdout",
        "always_quiet",
        "unaffordable",
    ];
    let said = engine.warnings().0.iter().filter(|warning| codes.contains(&warning.code));
    said.map(|warning| format!("{} at {}: {}", warning.code, warning.path, warning.message)).collect()
}

#[test]
fn caps_that_never_hold_anything_back_are_found() {
    let found = doubts(
        "contact:
  - {name: daily, count: shown, scope: offer, at_most: 3, per: day}
  - {name: weekly, count: [shown, clicked], scope: everything, at_most: 3, per: week}
  - {name: month, count: shown, scope: offer, at_most: 9, per: month}
  - {name: hour, count: sent, scope: everything, at_most: 3, per: rolling 1h}
  - {name: breath, gap: 20m, between: sent}
  - {name: again, count: sent, scope: everything, at_most: 3, per: rolling 1h}
",
    );
    assert_eq!(
        found,
        [
            "contradictory_caps at contact.0: `daily` never holds anything back: `weekly` allows no more than 3 already",
            "contradictory_caps at contact.3: `hour` never holds anything back: with 20m between any two, as `breath` says, there are never so many",
            "contradictory_caps at contact.5: `again` never holds anything back: `hour` allows no more than 3 already",
        ]
    );
    // What an offer obeys alone may well hold it back.
    let alone = doubts(
        "offers:
  hat: {obeys: daily, treatments: {web: {message: hat}}}
contact:
  - {name: daily, count: shown, scope: offer, at_most: 3, per: day}
  - {name: weekly, count: shown, scope: offer, at_most: 3, per: week}
",
    );
    assert!(alone.is_empty(), "{alone:?}");
}

#[test]
fn gaps_in_quiet_hours_are_found() {
    let found = doubts(
        "contact:
  - {name: night, quiet: \"21:00-24:00, 00:30-08:00\"}
  - {name: week, quiet: {weekdays: \"21:00-08:00\"}, zone: UTC}
  - {name: whole, quiet: {weekdays: \"21:00-08:00\", weekend: none}, zone: Asia/Tokyo}
"
        .replace("21:00-24:00, 00:30-08:00", "00:30-08:00, 21:00-24:00")
        .as_str(),
    );
    assert_eq!(
        found,
        [
            "quiet_gap at contact.0: on Monday at 00:00 the quiet hours pause for 30 minutes",
            "quiet_gap at contact.1: `week` says nothing of sat, sun, where messages go out at any hour",
        ]
    );
}

#[test]
fn channels_that_are_always_quiet_are_found() {
    let found = doubts(
        "contact:
  - {name: day, quiet: \"08:00-21:00\", scope: channel(web)}
  - {name: night, quiet: \"21:00-08:00\"}
  - {name: elsewhere, quiet: \"08:00-21:00\", zone: Asia/Tokyo}
",
    );
    assert_eq!(found, ["always_quiet at contact.0: channel `web` is quiet in every minute of the week"]);
    let open = doubts(
        "contact:
  - {name: day, quiet: {daily: \"08:00-21:00\", sun: none}, scope: channel(web)}
  - {name: night, quiet: \"21:00-08:00\"}
",
    );
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn contacts_beyond_a_whole_budget_are_found() {
    let found = doubts(
        "contact:
  - {name: tired, fatigue: 3, half_life: 3d, costs: {web: 4}, otherwise: 2}
  - {name: sent, fatigue: 3, half_life: 3d, costs: {web: 2}, otherwise: 1, spend: {sent: 2, rejected: 9}}
  - {name: just, fatigue: 4, half_life: 3d, costs: {web: 4}, scope: channel(web)}
",
    );
    assert_eq!(
        found,
        [
            "unaffordable at contact.0: a contact by `web` costs 4, more than the whole budget of 3",
            "unaffordable at contact.1: a contact by `web` costs 4, more than the whole budget of 3",
        ]
    );
}

#[test]
fn caps_over_journeys_that_never_keep_anybody_out_are_found() {
    let found = doubts(
        "journeys:
  one: {stages: {a: {enter: 'true'}}}
  two: {stages: {a: {enter: 'true'}}}
journey_caps:
  - {name: both, at_once: 2}
  - {name: single, at_once: 1}
contact:
  - {name: hour, count: shown, scope: offer, at_most: 3, per: hour}
  - {name: day, count: shown, scope: offer, at_most: 3, per: day}
  - {name: days, count: shown, scope: offer, at_most: 3, per: every 2 days}
",
    );
    assert_eq!(
        found,
        [
            "contradictory_caps at journey_caps.0: `both` never keeps anybody out: it is about 2 journeys only",
            "contradictory_caps at contact.0: `hour` never holds anything back: `day` allows no more than 3 already",
            "contradictory_caps at contact.1: `day` never holds anything back: `days` allows no more than 3 already",
        ]
    );
}

#[test]
fn pages_that_may_stay_empty_ties_and_shadows_are_found() {
    const HERE: &str = "playbook: shop
version: 1
identity: {customer: {}}
attributes: {age: int}
channels: {web: {format: html, contact: false}, mail: text}
placements: {home: {channel: web}, letter: {channel: mail, slots: 2}}
offers:
";
    let found = |offers: &str| {
        let engine =
            Engine::compile(&[("shop.yaml", &format!("{HERE}{offers}"))]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let said =
            engine.warnings().0.iter().map(|warning| format!("{} at {}: {}", warning.code, warning.path, warning.message));
        said.collect::<Vec<_>>()
    };
    assert_eq!(
        found("  hat: {eligible: customer.age > 18, treatments: {web: {message: hat}}}\n"),
        ["no_fallback at placements.home: placement `home` may stay empty on a page that customers open themselves"]
    );
    assert_eq!(
        found(
            "  hat: {placements: home, treatments: {web: {message: hat}}}
  cap: {placements: home, eligible: customer.age > 18, treatments: {web: {message: cap}}}
"
        ),
        ["shadowed_offer at offers.cap: offer `cap` is never shown: `hat` is always there and outranks it",]
    );
    assert_eq!(
        found(
            "  hat: {placements: home, value: 0.5, treatments: {web: {message: hat}}}
  scarf: {placements: home, eligible: customer.age > 12, treatments: {web: {message: scarf}}}
  cap: {placements: home, eligible: customer.age > 18, treatments: {web: {message: cap}}}
"
        ),
        [
            "possible_tie at offers.cap: offers `scarf` and `cap` may have the same rank in placement `home`: the order of the playbook decides"
        ]
    );
    // Two slots for two offers; different priorities; conditions that exclude each other; dates as well.
    for offers in [
        "  a: {placements: letter, treatments: {mail: {message: a}}}\n  b: {placements: letter, treatments: {mail: {message: b}}}\n",
        "  a: {placements: home, treatments: {web: {message: a}}}\n  b: {placements: home, priority: 1, eligible: customer.age > 18, treatments: {web: {message: b}}}\n",
        "  z: {placements: home, value: 0.5, treatments: {web: {message: z}}}\n  a: {placements: home, eligible: customer.age > 18, treatments: {web: {message: a}}}\n  b: {placements: home, eligible: customer.age <= 18, treatments: {web: {message: b}}}\n",
        "  z: {placements: home, value: 0.5, treatments: {web: {message: z}}}\n  a: {placements: home, until: 2026-01-01T00:00:00Z, treatments: {web: {message: a}}}\n  b: {placements: home, from: 2026-01-01T00:00:00Z, treatments: {web: {message: b}}}\n",
    ] {
        let found: Vec<String> = found(offers).into_iter().filter(|said| !said.starts_with("no_fallback")).collect();
        assert!(found.is_empty(), "{offers}{found:?}");
    }
}

#[test]
fn ranks_are_known_through_formulas_sequences_and_what_is_mandatory() {
    const HERE: &str = "playbook: shop
version: 1
identity: {customer: {}}
attributes: {age: int}
channels: {mail: text}
groups: {service: {}, sales: {}}
placements: {letter: {channel: mail}}
";
    let found = |rest: &str| {
        let engine =
            Engine::compile(&[("shop.yaml", &format!("{HERE}{rest}"))]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let said = engine.warnings().0.iter().map(|warning| format!("{} at {}", warning.code, warning.path));
        said.collect::<Vec<_>>()
    };
    let offers = |hat: &str, cap: &str| {
        format!(
            "offers:
  hat: {{{hat}, treatments: {{mail: {{message: hat}}}}}}
  cap: {{{cap}, eligible: customer.age > 18, treatments: {{mail: {{message: cap}}}}}}
"
        )
    };
    let hidden = ["shadowed_offer at offers.cap"];
    // What is mandatory comes first, whatever the score.
    assert_eq!(found(&offers("mandatory: true", "value: 9")), hidden);
    assert!(found(&offers("value: 9", "mandatory: true")).is_empty());
    // So does a group of an earlier step, also when a score follows from the customer, or offers are explored.
    let sequence = "arbitration: {sequence: [service, sales]}\n";
    assert_eq!(found(&format!("{sequence}{}", offers("group: service", "group: sales, value: double(customer.age)"))), hidden);
    assert_eq!(found(&format!("{sequence}{}", offers("group: service", "value: 9"))), hidden);
    assert!(found(&format!("{sequence}{}", offers("group: sales, value: 9", "group: service"))).is_empty());
    let explored = "arbitration: {sequence: [service, sales], explore: {epsilon_greedy: 0.1}}\n";
    assert_eq!(found(&format!("{explored}{}", offers("group: service", "group: sales"))), hidden);
    assert!(found(&format!("{explored}{}", offers("group: sales, value: 9", "group: sales"))).is_empty());
    // A formula that reads the offer alone says what the score is.
    let formula = "arbitration: {formula: offer.value * offer.margin}\n";
    assert_eq!(found(&format!("{formula}{}", offers("value: 2, margin: 5", "value: 9, margin: 1"))), hidden);
    assert!(found(&format!("{formula}{}", offers("value: 2, margin: 5", "value: 9, margin: 2"))).is_empty());
    let tie = "offers:
  hat: {value: 2, margin: 5, eligible: customer.age > 12, treatments: {mail: {message: hat}}}
  cap: {value: 10, margin: 1, eligible: customer.age > 18, treatments: {mail: {message: cap}}}
";
    assert_eq!(found(&format!("{formula}{tie}")), ["possible_tie at offers.cap"]);
    let personal = "arbitration: {formula: offer.value * double(customer.age)}\n";
    assert!(found(&format!("{personal}{}", offers("value: 9", "value: 2"))).is_empty());
    // What another placement of the same request has taken is not there any more, unless it may be repeated.
    let both = HERE.replace("{letter: {channel: mail}}", "{letter: {channel: mail}, parcel: {channel: mail}}");
    let plain = offers("value: 9", "value: 2");
    let said = |head: &str| {
        let engine =
            Engine::compile(&[("shop.yaml", &format!("{head}{plain}"))]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        engine.warnings().0.iter().map(|warning| warning.code).collect::<Vec<_>>()
    };
    assert!(said(&both).is_empty());
    assert_eq!(said(&both.replace("channel: mail}", "channel: mail, repeats: true}")), ["shadowed_offer"]);
    // Who has to stand back for diversity is not always there.
    let diverse = "offers:
  hat: {group: sales, value: 9, treatments: {mail: {message: hat}}}
  cap: {group: sales, value: 2, eligible: customer.age > 18, treatments: {mail: {message: cap}}}
";
    assert_eq!(found(diverse), hidden);
    let engine = Engine::compile(&[(
        "shop.yaml",
        &format!("{}{diverse}", HERE.replace("{channel: mail}", "{channel: mail, diversity: [{by: group, at_most: 1}]}")),
    )]);
    assert!(engine.unwrap_or_else(|mistakes| panic!("{mistakes}")).warnings().0.is_empty());
}

#[test]
fn experiments_that_are_too_small_are_found() {
    let found = |experiment: &str| {
        let text = format!(
            "{HEAD}offers: {{hat: {{treatments: {{web: {{message: hat}}}}}}}}\nexperiments: {{autumn: {{{experiment}}}}}\n"
        );
        let engine = Engine::compile(&[("shop.yaml", &text)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let said = engine.warnings().0.iter().filter(|warning| warning.code == "small_holdout");
        said.map(|warning| format!("{}; {}", warning.message, warning.hint.clone().unwrap_or_default())).collect::<Vec<_>>()
    };
    assert_eq!(
        found("holdout: 5%, detects: {customers: 10000, rate: 5%, change: 2%}"),
        [
            "the holdout of experiment `autumn` is too small: 500 customers beside 9500 show a change of 2% from 5% in 39 of 100 cases, 80 are wanted; hold out 13.3% or more"
        ]
    );
    // By hand: (0.02 - 1.96 x 0.01163) / 0.01009 = -0.277, below which are 39 of 100.
    // 9,000 in each half are enough for one point, as the tables say; 4,000 are not, and no holdout helps.
    assert!(found("holdout: 50%, detects: {customers: 18000, rate: 5%, change: 1%}").is_empty());
    assert!(
        found("holdout: 50%, detects: {customers: 8000, rate: 5%, change: 1%}")[0]
            .ends_with("let 20000 customers take part, or look for a larger change")
    );
    assert!(found("holdout: 5%").is_empty());
    // Variants without a holdout: the two smallest.
    let variants = "share: 50%, variants: {a: 80%, b: 10%, c: 10%}, detects: {customers: 20000, rate: 50%, change: 5%}";
    assert!(
        found(variants)[0].starts_with("the smallest variant of experiment `autumn` is too small: 1000 customers beside 1000")
    );
}
