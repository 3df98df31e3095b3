//! What is said of reactions, feedback and questions that marketers probably do not mean, and how many proposals wait at most.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use tactful::{Engine, Event, Identifier, Timestamp};

const SHOP: &str = r#"
playbook: shop
version: 1
identity: {customer: {}}
attributes: {nps: int, shoe: int}
events: {review: {stars: int}, visit: {page: string}}
channels: {email: text, push: text}
placements: {mail: {channel: email}, note: {channel: push}}
offers:
  sorry: {eligible: customer.nps < 3, treatments: {email: {message: Sorry.}}}
"#;

fn warnings(more: &str) -> Vec<(&'static str, String)> {
    let engine = Engine::compile(&[("shop.yaml", SHOP), ("more.yaml", more)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    engine.warnings().0.iter().map(|warning| (warning.code, warning.message.clone())).collect()
}

#[test]
fn reactions_that_never_propose_anything_are_told() {
    let found = warnings("reactions: {never: {when: customer.nps > 5 && customer.nps < 3, placement: mail}}");
    assert_eq!(
        found[0],
        ("unreachable_reaction", "reaction `never` can never propose anything: its condition is never true".to_owned())
    );
    let found = warnings("reactions: {never: {on: visit, if: customer.nps > 5 && customer.nps < 3, placement: mail}}");
    assert_eq!(found[0].1, "reaction `never` can never propose anything: `if` is never true");
    let glad = "feedback: {reviews: {on: review, score: stars, negative: 2}}
reactions: {glad: {feedback: reviews, sentiment: positive, placement: mail}}";
    assert_eq!(warnings(glad)[0].1, "reaction `glad` can never propose anything: feedback `reviews` is never positive");
    assert!(warnings("reactions: {fine: {on: visit, placement: mail}}").is_empty());
}

#[test]
fn reactions_that_no_offer_answers_are_told() {
    let found = warnings("reactions: {alone: {on: visit, placement: note, offers: sorry}}");
    assert_eq!(found[0].0, "unanswered_reaction");
}

#[test]
fn holds_that_nothing_ends_and_questions_that_nobody_reads_are_told() {
    let found = warnings("feedback: {reviews: {on: review, score: stars, negative: 2, hold: everything}}");
    assert_eq!(found[0].0, "held_forever");
    let ended = "feedback: {reviews: {on: review, score: stars, negative: 2, hold: everything, time_out: 7d}}";
    assert!(warnings(ended).is_empty());
    let found = warnings("offers: {ask: {priority: 1, question: shoe, treatments: {email: {message: Your size?}}}}");
    assert_eq!(found.iter().map(|(code, _)| *code).collect::<Vec<_>>(), ["unread_question"], "{found:?}");
    let read = "offers: {ask: {priority: 1, question: nps, treatments: {email: {message: Recommend us?}}}}";
    assert!(warnings(read).is_empty());
}

#[test]
fn at_most_64_proposals_of_a_reaction_wait() {
    let more = "reactions: {later: {on: visit, same: page, after: 1d}}";
    let engine = Engine::compile(&[("shop.yaml", SHOP), ("more.yaml", more)]).unwrap();
    let ada = Identifier::parse("customer:ada").unwrap();
    let mut customer = engine.customer(&ada).unwrap();
    let start = Timestamp::parse("2026-03-01T00:00:00Z").unwrap();
    for number in 0..100 {
        let time = start.saturating_add_micros(number * 1_000_000);
        let visit = Event::new("visit", time, ada.clone()).with("page", number.to_string().as_str());
        engine.record(&mut customer, &visit, None).unwrap();
    }
    assert_eq!(engine.reactions(&customer, start.saturating_add_micros(200_000_000), None).waiting.len(), 64);
    let effects = engine.advance(&mut customer, start.saturating_add_micros(3 * 86_400_000_000));
    assert_eq!(effects.effects.len(), 64);
    assert_eq!(engine.next_due(&customer), None);
}

#[test]
fn an_offer_needs_the_purposes_of_what_triggers_its_reaction() {
    let more = |purposes: &str| {
        format!(
            "purposes: {{care: opt_in, ads: opt_in}}
attributes: {{ill: {{type: bool, purposes: care}}}}
segments: {{patients: customer.ill}}
offers: {{visit: {{priority: 1, purposes: {purposes}, treatments: {{email: {{message: Come in.}}}}}}}}
reactions: {{call: {{enters: patients, placement: mail, offers: visit}}}}"
        )
    };
    let wrong = Engine::compile(&[("shop.yaml", SHOP), ("more.yaml", &more("ads"))]).unwrap_err();
    assert_eq!(wrong.0.iter().map(|finding| finding.code).collect::<Vec<_>>(), ["purpose_violation"]);
    assert!(wrong.0[0].message.contains("reaction `call`"), "{}", wrong.0[0].message);
    assert!(Engine::compile(&[("shop.yaml", SHOP), ("more.yaml", &more("care"))]).is_ok());
}
