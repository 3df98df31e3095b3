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

fn day(day: i64) -> Timestamp {
    Timestamp::parse("2026-03-01T00:00:00Z").unwrap().saturating_add_micros(day * 86_400_000_000)
}

/// Who is asked, and what happens to them.
fn told(name: &str, at: i64) -> Event {
    Event::new(name, day(at), Identifier::parse("customer:ada").unwrap()).with_id(&format!("{name}{at}"))
}

/// A proposal stands until something is said that can be its answer, and each thing that is said answers one.
#[test]
fn proposals_stand_until_they_are_answered() {
    let more = "reactions: {again: {on: visit, same: page, placement: mail, offers: sorry, valid_for: 9d}}";
    let engine = Engine::compile(&[("shop.yaml", SHOP), ("more.yaml", more)]).unwrap();
    let ada = Identifier::parse("customer:ada").unwrap();
    let mut customer = engine.customer(&ada).unwrap();
    let said = |name: &str, at: i64, offer: &str, placement: &str, decision: &str| {
        told(name, at).with("offer", offer).with("placement", placement).with("decision", decision)
    };
    let due = |customer: &tactful::Customer, at: i64| engine.reactions(customer, day(at), None).due.len();
    engine.record(&mut customer, &said("sent", 0, "sorry", "mail", "before"), None).unwrap();
    engine.record(&mut customer, &told("visit", 1).with("page", "a"), None).unwrap();
    engine.record(&mut customer, &told("visit", 2).with("page", "b"), None).unwrap();
    assert_eq!(due(&customer, 3), 2, "what was said before answers nothing");
    engine.record(&mut customer, &said("sent", 3, "sorry", "note", "elsewhere"), None).unwrap();
    assert_eq!(due(&customer, 3), 2, "another placement");
    engine.record(&mut customer, &said("decided", 4, "sorry", "mail", "d"), None).unwrap();
    engine.record(&mut customer, &said("sent", 4, "sorry", "mail", "d"), None).unwrap();
    assert_eq!(due(&customer, 5), 1, "one decision answers one proposal");
    assert_eq!(engine.reactions(&customer, day(5), None).due[0].at, day(2), "the earliest");
    assert_eq!(due(&customer, 3), 2, "as of before");
    engine.record(&mut customer, &said("shown", 5, "sorry", "mail", "e"), None).unwrap();
    assert_eq!(due(&customer, 6), 0);
}

/// Feedback that was answered late is not overdue any more; the case that was not is.
#[test]
fn feedback_is_overdue_until_it_is_answered() {
    let more = "events: {complaint: {case: string}, call: {case: string}}
feedback: {complaints: {on: complaint, same: case, respond_within: 1d, answered_by: call, time_out: 30d}}";
    let engine = Engine::compile(&[("shop.yaml", SHOP), ("more.yaml", more)]).unwrap();
    let mut customer = engine.customer(&Identifier::parse("customer:ada").unwrap()).unwrap();
    for event in
        [told("complaint", 1).with("case", "a"), told("complaint", 2).with("case", "b"), told("call", 5).with("case", "a")]
    {
        engine.record(&mut customer, &event, None).unwrap();
    }
    let overdue = |at: i64| engine.reactions(&customer, day(at), None).overdue.len();
    assert_eq!([overdue(1), overdue(2), overdue(4), overdue(5), overdue(6)], [0, 1, 2, 1, 1]);
}

/// What an event or an attribute that triggers may be used for holds for the answer too, and so do explicit consent and profiling.
#[test]
fn an_answer_is_held_to_the_labels_of_the_event_that_triggers_it() {
    let more = |event: &str, purposes: &str, trigger: &str| {
        format!(
            "purposes: {{care: opt_in, ads: opt_in}}
attributes: {{ill: {{type: bool, purposes: care}}}}
events: {{diagnosis: {{properties: {{code: string}}, {event}}}}}
offers: {{visit: {{purposes: {purposes}, treatments: {{email: {{message: Come in.}}}}}}}}
reactions: {{call: {{{trigger}, placement: mail, offers: visit}}}}"
        )
    };
    let compile = |more: String| Engine::compile(&[("shop.yaml", SHOP), ("more.yaml", &more)]);
    for trigger in ["on: diagnosis", "told: ill"] {
        let wrong = compile(more("purposes: care", "ads", trigger)).unwrap_err();
        assert_eq!(wrong.0.iter().map(|finding| finding.code).collect::<Vec<_>>(), ["purpose_violation"], "{wrong}");
        assert!(wrong.0[0].message.contains("through reaction `call`"), "{}", wrong.0[0].message);
        assert!(compile(more("purposes: care", "care", trigger)).is_ok());
    }
    let engine = compile(more("sensitivity: special", "care", "on: diagnosis")).unwrap();
    let ada = Identifier::parse("customer:ada").unwrap();
    let mut customer = engine.customer(&ada).unwrap();
    let yes = |at: i64, explicit: bool| told("consent_given", at).with("purpose", "care").with("explicit", explicit);
    let offered = |customer: &tactful::Customer, at: i64| {
        let plain = tactful::Request::of("mail");
        let reacting = tactful::Request::reacting("call");
        [plain, reacting].map(|request| engine.decide(customer, &request, day(at), None).unwrap().offers().count())
    };
    engine.record(&mut customer, &told("diagnosis", 1), None).unwrap();
    engine.record(&mut customer, &yes(1, false), None).unwrap();
    assert_eq!(offered(&customer, 2), [1, 0], "because of something special it needs a yes in so many words");
    engine.record(&mut customer, &yes(3, true), None).unwrap();
    assert_eq!(offered(&customer, 4), [1, 1]);
    engine.record(&mut customer, &told("objected", 5), None).unwrap();
    assert_eq!(offered(&customer, 6), [1, 0], "to react to what somebody did is profiling");
}
