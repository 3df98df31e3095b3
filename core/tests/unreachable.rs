//! Offers that can never be shown are warned of, whatever their conditions say; priors that stand in, and answers before the question, are told.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use tactful::{CustomerBase, Engine, Identifier, Request, Timestamp};

fn engine(text: &str) -> Engine {
    let head = "playbook: a\nversion: 1\nidentity: {customer: {}}\nchannels: {web: text, sms: text}\nplacements: {home: {channel: web}}\n";
    Engine::compile(&[("a", &format!("{head}{text}"))]).unwrap()
}

fn never(text: &str) -> Vec<String> {
    let engine = engine(text);
    engine.warnings().0.iter().filter(|own| own.code == "unreachable_offer").map(|own| own.message.clone()).collect()
}

#[test]
fn what_can_never_be_shown_is_warned_of() {
    let offer = |keys: &str| format!("offers: {{o: {{{keys}treatments: {{web: {{message: x}}}}}}}}\n");
    assert_eq!(never(&offer("")), [""; 0]);
    assert_eq!(never(&offer("inventory: 0, ")), ["offer `o` can never be shown: its `inventory` is 0"]);
    assert_eq!(never(&offer("inventory: 1, ")), [""; 0]);
    let budget = |amount: &str| format!("budgets: {{b: {{amount: {amount}, currency: EUR}}}}\n{}", offer("cost: 10, "));
    assert_eq!(never(&budget("9.99")), ["offer `o` can never be shown: it costs 10, more than all of the budget `b`"]);
    assert_eq!(never(&budget("10")), [""; 0]);
    let cap = |most: u8, keys: &str| {
        format!("contact: [{{name: c, count: shown, scope: everything, at_most: {most}, per: day}}]\n{}", offer(keys))
    };
    assert_eq!(never(&cap(0, "")), ["offer `o` can never be shown: `c` allows 0"]);
    assert_eq!(never(&cap(0, "obeys: false, ")), [""; 0]);
    assert_eq!(never(&cap(1, "")), [""; 0]);
    let dated = "groups: {g: {until: 2026-01-01T00:00:00Z}}\n".to_owned() + &offer("group: g, from: 2026-02-01T00:00:00Z, ");
    assert_eq!(never(&dated).len(), 1);
    assert_eq!(
        never("offers: {o: {treatments: {sms: {message: x}}}}\n"),
        ["offer `o` can never be shown: no placement is on `sms`"]
    );
}

#[test]
fn a_prior_that_stands_in_is_told() {
    let text = "offers: {o: {propensity: {column: m, prior: 0.25}, treatments: {web: {message: x}}}}\n";
    let (engine, ada) = (engine(text), Identifier::new("customer", "ada").unwrap());
    let now = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
    let customer = engine.customer(&ada).unwrap();
    let reasons = |request: &Request| {
        let decision = engine.explain(&customer, request, now, None).unwrap();
        decision.trace.unwrap().candidates[0].reasons.clone()
    };
    let told = reasons(&Request::of("home"));
    assert_eq!(told, ["`propensity` has no number in column `m` of the request: its prior 0.25 counts"]);
    let told = reasons(&Request::of("home").scored("m", "o", f64::NAN));
    assert_eq!(told, ["`propensity` is no number in column `m`: its prior 0.25 counts"]);
    assert_eq!(reasons(&Request::of("home").scored("m", "o", 0.5)), [""; 0]);
}

#[test]
fn nothing_comes_of_a_decision_before_it_is_made() {
    let engine = engine("offers: {o: {treatments: {web: {message: x}}}}\n");
    let (mut base, ada) = (CustomerBase::new(engine), Identifier::new("customer", "ada").unwrap());
    let at = |text: &str| Timestamp::parse(text).unwrap();
    let held = base.reserve(&ada, &Request::of("home"), at("2026-01-02T00:00:00Z"), None).unwrap();
    let early = base.feedback(&ada, &held.decision.id, None, "clicked", at("2026-01-01T00:00:00Z"));
    assert_eq!(early.unwrap_err().code(), "too_early");
    assert!(base.feedback(&ada, &held.decision.id, None, "clicked", at("2026-01-02T00:00:00Z")).is_ok());
}

/// With `k` recent and `h` earlier values the least probability is that of one way in all to choose `k` of `k + h`.
#[test]
fn a_rate_of_false_alarms_that_no_values_reach_is_warned_of() {
    let warned = |test: &str| {
        let text = format!("events: {{buy: {{price: double, kind: string}}}}\nunusual: {{u: {{on: buy, {test}}}}}\n");
        let found = engine(&text).warnings().0.iter().find(|own| own.code == "unreachable_unusual").cloned();
        found.map(|own| (own.message, own.hint.unwrap()))
    };
    let (message, hint) = warned("test: higher, property: price, recent: 1").unwrap();
    assert_eq!(
        message,
        "`u` can never be unusual: of so few values the test comes to 0.0244 at the least, not below the `false_alarm` of 0.01"
    );
    assert_eq!(hint, "write `recent: 2`, or let it look at a longer `history`, or be wrong more often");
    // One of 41 is below 0.0245, of 861 below 0.01, three of six one of 20, and not below that.
    for (test, expected) in [
        ("test: higher, property: price, recent: 1, false_alarm: 0.0245", false),
        ("test: lower, property: price, recent: 2", false),
        ("test: lower, property: price, recent: 3, history: 3, at_least: 3, false_alarm: 0.05", true),
        ("test: lower, property: price, recent: 3, history: 3, at_least: 3, false_alarm: 0.051", false),
        ("test: lower, property: price, recent: 3, history: 3, at_least: 4, false_alarm: 0.05", false),
        ("test: shift, property: kind, recent: 1", false),
        ("test: shift, property: kind, recent: 1, history: 99", true),
        ("test: shift, property: kind, recent: 1, history: 100", false),
        ("test: silence, history: 2, at_least: 2, false_alarm: 0.000002", false),
        ("test: burst, recent: 1, history: 2, at_least: 2, false_alarm: 0.000002", false),
    ] {
        assert_eq!(warned(test).is_some(), expected, "{test}");
    }
}
