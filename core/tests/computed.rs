//! Computed values: named once, read by many rules.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use tactful::Engine;

const HEAD: &str = "playbook: p
version: 1
identity: {customer: {}}
attributes: {city: string, age: int, joined: timestamp, tags: list(string), vip: bool}
events: {view: {page: string}, order: {amount: money(EUR)}}
";

/// Compiles, and tries cases that all have to hold.
fn tried(playbook: &str, cases: &str) {
    let playbook = format!("{HEAD}{playbook}");
    let engine = Engine::compile(&[("p", &playbook)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    for report in engine.try_cases("cases.yaml", cases).unwrap_or_else(|mistakes| panic!("{mistakes}")) {
        assert!(report.failures.is_empty(), "{}: {:?}", report.name, report.failures);
    }
}

/// What is said of a playbook.
fn mistakes(playbook: &str) -> String {
    match Engine::compile(&[("p", &format!("{HEAD}{playbook}"))]) {
        Ok(engine) => engine.warnings().to_string(),
        Err(mistakes) => mistakes.to_string(),
    }
}

#[test]
fn a_value_is_named_once_and_read_by_segments_offers_and_other_values() {
    tried(
        r#"
computed:
  city_points: 'customer.?city.orValue("") == "Bonn" ? 10 : 0'
  lead: {value: 'computed.city_points + (events("view").within("30d").count() >= 2 ? 20 : 0)', title: Points}
  usual: customer.tags.exists(t, t == "usual")
segments:
  lead: computed.lead >= 30
  warm: computed.lead >= 10
channels: {web: text}
placements: {home: {channel: web, slots: 3}}
offers:
  a: {placements: home, eligible: computed.lead >= 20, value: computed.lead, treatments: {web: {message: '{{ lead }}', with: {lead: computed.lead}}}}
  b: {placements: home, value: 25, treatments: {web: {message: b}}}
  c: {placements: home, eligible: 'computed.usual && customer.tags.all(t, computed.usual || t == "x")', value: 1, treatments: {web: {message: c}}}
"#,
        r#"
cases:
  points are added, and taken off when the window has passed:
    steps:
      - {at: 2026-03-01T10:00:00Z, segments: {lead: false, warm: false}, ask: home, offers: b, stopped: {a: eligible}, because: computed.lead}
      - {set: {city: Bonn}}
      - {segments: {lead: false, warm: true}, ask: home, offers: b}
      - {event: view, properties: {page: a}}
      - {event: view, properties: {page: b}}
      - {segments: {lead: true, warm: true}, ask: home, offers: [a, b], message: "30"}
      - {at: 2026-03-31T09:59:59Z, segments: {lead: true}}
      - {at: 2026-03-31T10:00:00Z, segments: {lead: false, warm: true}, ask: home, offers: b}
  names that are bound around a value are not seen by it:
    steps:
      - {at: 2026-03-01T10:00:00Z, set: {tags: [x, usual]}}
      - {ask: home, offers: [b, c]}
"#,
    );
}

#[test]
fn ages_turn_a_segment_at_their_instant() {
    tried(
        r#"
computed: {age: now - customer.joined, days: 'computed.age.days()'}
segments: {old: 'computed.days > 30.0', long: 'computed.age > duration("48h")'}
"#,
        r#"
cases:
  the instant is exact:
    steps:
      - {at: 2026-03-01T00:00:00Z, set: {joined: 2026-03-01T00:00:00Z}}
      - {at: 2026-03-03T00:00:00Z, segments: {long: false}}
      - {at: 2026-03-03T00:00:00.000001Z, segments: {long: true}}
      - {at: 2026-03-31T00:00:00Z, segments: {old: false}}
      - {at: 2026-03-31T00:00:00.000001Z, segments: {old: true}}
"#,
    );
}

#[test]
fn what_is_wrong_is_told_once_and_where_it_stands() {
    let told = mistakes("computed: {a: computed.b + 1, b: computed.c * 2, c: computed.a}\nsegments: {s: computed.a > 1}\n");
    assert!(
        told.contains("these depend on each other: `computed.a` -> `computed.b` -> `computed.c` -> `computed.a`")
            && told.matches("error[").count() == 1,
        "{told}"
    );
    let told = mistakes("computed: {a: customer.agee + 1, b: computed.a + 1}\nsegments: {s: computed.b > 1}\n");
    assert!(told.contains("did you mean `customer.age`?") && told.matches("error[").count() == 1, "{told}");
    let told = mistakes("computed: {lead: customer.age + 1}\nsegments: {s: computed.lad > 1, t: computed.lead}\n");
    assert!(told.contains("did you mean `computed.lead`?"), "{told}");
    assert!(told.contains("expected bool, but `computed.lead` is int"), "{told}");
    let told = mistakes("request: {x: int}\ncomputed: {r: request.x + 1}\nsegments: {s: computed.r > 1}\n");
    assert!(told.contains("`request.x` comes with a question"), "{told}");
    // A circle through a segment names all that lies on it.
    let told = mistakes(
        "computed: {a: 'segment(\"s\") ? 1 : 0', b: computed.a + 1, other: customer.age + computed.b}\nsegments: {s: t || customer.vip, t: computed.other > 0}\n"
            .replace("t ||", "segment(\"t\") ||")
            .as_str(),
    );
    assert!(
        told.contains("these depend on each other: `s` -> `t` -> `computed.other` -> `computed.b` -> `computed.a` -> `s`"),
        "{told}"
    );
    // Of what reads something wrong nothing is doubted.
    let told = mistakes("computed: {a: customer.agee}\nsegments: {s: computed.a == 3, t: computed.a < 1 && customer.vip}\n");
    assert!(told.contains("did you mean `customer.age`?") && !told.contains("warning["), "{told}");
}

#[test]
fn labels_are_those_of_what_it_is_computed_from() {
    let told = mistakes(
        r#"
purposes: {ads: opt_in, care: opt_in}
attributes: {pregnant: {type: bool, purposes: [care]}}
computed: {baby: 'customer.pregnant ? 10 : 0'}
channels: {web: text}
placements: {home: {channel: web}}
offers: {a: {placements: home, purposes: ads, eligible: computed.baby > 5, treatments: {web: {message: a}}}}
"#
        .replace("attributes: {pregnant: {type: bool, purposes: [care]}}\n", "")
        .as_str(),
    );
    assert!(told.contains("pregnant"), "{told}");
}

#[test]
fn what_grows_without_bounds_is_refused() {
    let mut doubled = String::from("computed:\n  v0: customer.age + 1\n");
    for number in 1..40 {
        doubled += &format!("  v{number}: computed.v{0} + computed.v{0}\n", number - 1);
    }
    let told = mistakes(&doubled);
    assert!(told.contains("error[too_large]"), "{told}");
    let mut chained = String::from("computed:\n  v0: customer.age + 1\n");
    for number in 1..150 {
        chained += &format!("  v{number}: computed.v{} + 1\n", number - 1);
    }
    let told = mistakes(&chained);
    assert!(told.contains("error[too_deep]"), "{told}");
}

#[test]
fn decision_tables_give_the_first_row_all_rows_or_their_sum() {
    tried(
        r#"
request: {total: money(EUR), weight: double}
computed:
  discount:
    rows:
      - {when: customer.city == "Bonn" && request.total >= 100, give: 20}
      - {when: 'customer.city in ["Bonn", "Ulm"]  // a comment', give: 10}
      - {give: 0}
  fees:
    hit: collect
    rows:
      - {when: request.weight > 30.0, give: '"heavy"'}
      - {when: request.weight > 10.0 && request.weight <= 30.0, give: '"medium"'}
      - {when: customer.age < 18, give: '"young"'}
      - {give: '"handling"'}
  points:
    hit: sum
    rows: [{when: customer.vip, give: 10}, {when: customer.age >= 18, give: 5}]
  reduced: request.total * (100 - computed.discount)
channels: {web: text}
placements: {home: {channel: web}}
offers:
  a: {placements: home, treatments: {web: {message: '{{ d }} {{ f }} {{ p }} {{ r }}', with: {d: computed.discount, f: 'computed.fees.join("+")', p: computed.points, r: computed.reduced}}}}
"#,
        r#"
cases:
  what is unknown hits no row:
    steps:
      - {at: 2026-03-01T10:00:00Z, ask: home, facts: {total: 100.00, weight: 31.0}, message: 0 heavy+handling 0}
      - {set: {city: Ulm, age: 17}}
      - {ask: home, facts: {total: 100.00, weight: 30.0}, message: 10 medium+young+handling 0}
      - {set: {city: Bonn, age: 18, vip: true}}
      - {ask: home, facts: {total: 100.00, weight: 10.0}, message: 20 handling 15}
      - {ask: home, facts: {total: 99.99, weight: 10.0}, message: 10 handling 15}
"#,
    );
}

#[test]
fn a_table_with_unique_rows_fails_where_two_are_hit_and_names_them() {
    tried(
        r#"
computed:
  rate:
    hit: unique
    rows:
      - {when: customer.age < 18, give: 0}
      - {when: customer.age >= 18 && customer.age < 65, give: 10}
      - {when: customer.age >= 60  // overlaps, give: 20}
      - {give: 5}
  only: {hit: unique, rows: [{give: 1}]}
channels: {web: text}
placements: {home: {channel: web}}
offers:
  a: {placements: home, eligible: computed.rate >= computed.only, treatments: {web: {message: '{{ r }}', with: {r: computed.rate}}}}
"#
        .replace("  // overlaps", "")
        .as_str(),
        r#"
cases:
  one row:
    steps:
      - {at: 2026-03-01T10:00:00Z, ask: home, message: "5"}
      - {set: {age: 30}}
      - {ask: home, message: "10"}
      - {set: {age: 66}}
      - {ask: home, message: "20"}
      - {set: {age: 12}}
      - {ask: home, stopped: {a: eligible}}
  two rows:
    steps:
      - {at: 2026-03-01T10:00:00Z, set: {age: 62}}
      - {at: 2026-03-01T10:00:01Z, ask: home, stopped: {a: eligible}, because: "row 2, row 3"}
"#,
    );
}

#[test]
fn a_table_may_have_several_outputs() {
    tried(
        r#"
computed:
  terms:
    rows:
      - {when: customer.vip, give: {discount: 20, label: '"Gold"', points: computed.base * 2}}
      - {give: {label: '"Basic"', points: computed.base, discount: 0}}
  found: {hit: collect, rows: [{when: customer.age >= 18, give: {what: '"grown"'}}, {when: customer.vip, give: {what: '"vip"'}}]}
  base: 'computed.found.what.size() + 1'
channels: {web: text}
placements: {home: {channel: web}}
offers:
  a: {placements: home, value: double(computed.terms.discount) + 1.0, treatments: {web: {message: '{{ l }} {{ p }} {{ w }}', with: {l: computed.terms.label, p: computed.terms.points, w: 'has(computed.terms.label) ? computed.found.what.join("+") + "." : ""'}}}}
"#,
        r#"
cases:
  outputs go by the same rows:
    steps:
      - {at: 2026-03-01T10:00:00Z, ask: home, message: "Basic 1 ."}
      - {set: {age: 30, vip: true}}
      - {ask: home, message: "Gold 6 grown+vip."}
"#,
    );
    let told = mistakes("computed: {a: {rows: [{when: customer.agee > 1, give: {x: 1, y: 2}}, {give: {x: 1, y: 2}}]}}\n");
    assert_eq!(told.matches("error[").count(), 1, "{told}");
    let told = mistakes("computed: {a: {rows: [{when: customer.vip, give: {x: 1, y: 2}}, {give: {x: 1}}]}}\n");
    assert!(told.contains("all rows give the same: the first gives `x`, `y`"), "{told}");
    let told = mistakes("computed: {a: {rows: [{when: customer.vip, give: {x: 1}}, {give: 1}]}}\n");
    assert!(told.contains("all rows give the same"), "{told}");
    let told = mistakes("computed: {a: {rows: [{when: customer.vip, give: {'x y': 1}}, {give: {'x y': 1}}]}}\n");
    assert!(told.contains("error[bad_name]"), "{told}");
    let told = mistakes("computed: {a: {rows: [{give: {x: computed.a.y, y: computed.a.x}}]}}\n");
    assert!(told.contains("these depend on each other: `computed.a.x` -> `computed.a.y` -> `computed.a.x`"), "{told}");
    let told = mistakes("computed: {a: {rows: [{give: {x: 1}}]}}\nsegments: {s: computed.a > 1}\n");
    assert!(told.contains("unknown name `computed.a`") && told.contains("computed.a.x"), "{told}");
}

#[test]
fn tables_that_cannot_be_are_told_cell_by_cell() {
    let told = mistakes("computed: {a: {rows: [{when: customer.agee > 1, give: 1}, {give: customer.cty}]}}\n");
    assert!(told.contains("did you mean `customer.age`?") && told.contains("did you mean `customer.city`?"), "{told}");
    assert_eq!(told.matches("error[").count(), 2, "{told}");
    let told = mistakes("computed: {a: {rows: [{when: customer.age > 1, give: 1}]}}\n");
    assert!(told.contains("the last row needs no `when`"), "{told}");
    let told = mistakes("computed: {a: {rows: [{give: 1}, {give: 2}]}}\n");
    assert!(told.contains("never reached"), "{told}");
    let told = mistakes("computed: {a: {rows: []}}\n");
    assert!(told.contains("error[empty]"), "{told}");
    let told = mistakes("computed: {a: {rows: [{when: customer.age > 1, give: 1}, {give: '\"x\"'}]}}\n");
    assert!(told.contains("error["), "{told}");
}

#[test]
fn days_of_the_calendar_end_at_midnight_of_their_zone() {
    tried(
        r#"
segments: {utc: 'events("view").within("days(4)", "UTC").exists()', there: 'events("view").within("days(2)", "America/New_York").exists()'}
"#,
        r#"
cases:
  four days, today the last of them:
    steps:
      - {at: 2026-03-01T23:59:59Z, event: view, properties: {page: a}}
      - {segments: {utc: true, there: true}}
      - {at: 2026-03-04T23:59:59Z, segments: {utc: true}}
      - {at: 2026-03-05T00:00:00Z, segments: {utc: false}}
  another zone:
    steps:
      - {at: 2026-03-02T04:59:59Z, event: view, properties: {page: a}}            # 1 March there
      - {at: 2026-03-03T04:59:59Z, segments: {there: true}}
      - {at: 2026-03-03T05:00:00Z, segments: {there: false}}
"#,
    );
}

#[test]
fn what_no_rule_reads_is_told() {
    let text = format!(
        "{HEAD}computed: {{a: customer.age + 1, b: computed.a * 2, c: customer.age * 3}}\nsegments: {{s: computed.b > 4}}\n"
    );
    let engine = Engine::compile(&[("p", &text)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let unread = engine.unread();
    assert_eq!(unread.computed.iter().map(|name| &**name).collect::<Vec<_>>(), ["c"]);
    assert!(!unread.attributes.iter().any(|name| &**name == "age"), "{:?}", unread.attributes);
}

#[test]
fn a_value_of_a_stage_follows_the_stage() {
    tried(
        r#"
journeys:
  path:
    stages:
      first: {on: view, exit: {when: 'events("order").exists()', to: second}}
      second: {exit: {when: computed.place > 15, to: third}}
      third: {}
computed:
  place: 'journey("path").stage == "first" ? 10 : journey("path").stage == "second" ? 20 : 30'
segments: {late: computed.place >= 30}
"#,
        r#"
cases:
  each stage is read as of its instant:
    steps:
      - {at: 2026-03-01T10:00:00Z, event: view, properties: {page: a}}
      - {stages: {path: first}, segments: {late: false}}
      - {after: 1h, event: order, properties: {amount: 5}}
      - {stages: {path: third}, segments: {late: true}}
"#,
    );
}
