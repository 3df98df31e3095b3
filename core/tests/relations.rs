//! Relations and accounts: what stands, what rules and caps read through it, and the laws that hold of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use tactful::{CustomerBase, Engine, Event, Identifier, Request, Timestamp};

const SHOP: &str = r#"
playbook: office_supplies
version: 1
identity:
  person: {}
  email: {normalize: email}
  account: {}
  household: {}
purposes: {marketing: opt_in, service: opt_out}
minors: customer.age < 16
attributes:
  age: {type: int, default: 30}
  tier: {type: string, purposes: [marketing, service]}
  name: string
events:
  purchase: {amount: money(EUR), sku: string}
relations:
  account:
    group: account
    roles: {decider: {at_most: 1}, buyer: {}, user: {}}
    at_most: 3
    purposes: [service, marketing]
  household: {group: household}
  referral: {roles: {referrer: {at_most: 1}, referee: {}}}
  guardianship: {roles: [guardian, ward], consents: guardian}
  partner: {at_most: 1}
segments:
  big: events("purchase").sum("amount") >= 100
channels: {mail: text, web: text}
placements:
  home: {channel: web, slots: 9}
  letter: {channel: mail}
offers:
  rebate:
    purposes: [service]
    placements: home
    eligible: account.events("purchase").within("90d").sum("amount") >= 100 && account.tier == "gold"
    treatments: {web: {message: "rebate for {{n}}", with: {n: account.members}}}
  ask_decider:
    purposes: [service]
    placements: home
    eligible: account.role == "user" && account.members("decider") == 0
    treatments: {web: {message: who decides?}}
  thanks:
    purposes: [service]
    placements: home
    eligible: referral.referrer.segment("big")
    treatments: {web: {message: "{{who}} sent you", with: {who: referral.referrer.name}}}
  family:
    purposes: [marketing]
    minors: true
    placements: home
    eligible: household.events("purchase").count() >= 2
    treatments: {web: {message: family}}
  school:
    purposes: [marketing]
    minors: true
    placements: home
    treatments: {web: {message: school}}
  catalogue:
    purposes: [service]
    placements: letter
    treatments: {mail: {message: catalogue}}
contact:
  - {name: one_letter, count: sent, scope: channel(mail), at_most: 2, per: rolling 30d, subject: account}
"#;

fn engine() -> Engine {
    Engine::compile(&[("shop.yaml", SHOP)]).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn day(day: u32) -> Timestamp {
    Timestamp::parse(&format!("2026-03-{day:02}T12:00:00Z")).unwrap()
}

fn id(text: &str) -> Identifier {
    Identifier::parse(text).unwrap()
}

fn related(at: u32, on: &str, relation: &str, to: &str, role: &str) -> Event {
    let event = Event::new("related", day(at), id(on)).with("relation", relation).with("to", to);
    if role.is_empty() { event } else { event.with("role", role) }
}

fn bought(at: u32, who: &str, amount: &str) -> Event {
    Event::new("purchase", day(at), id(who)).with("amount", amount)
}

fn shown(base: &CustomerBase, who: &str, placement: &str, at: u32) -> Vec<String> {
    let decision = base.decide(&id(who), &Request::of(placement), day(at), None).unwrap();
    decision.offers().map(|offer| offer.message.to_string()).collect()
}

fn base(events: &[Event]) -> CustomerBase {
    let mut base = CustomerBase::new(engine());
    for event in events {
        base.record(event).unwrap_or_else(|error| panic!("{error}"));
    }
    base
}

#[test]
fn an_account_is_read_through_its_members() {
    let tier = Event::new("attribute_set", day(1), id("account:acme")).with("attribute", "tier").with("value", "gold");
    let mut base = base(&[
        related(1, "person:ann", "account", "account:acme", "user"),
        related(2, "person:bob", "account", "account:acme", "buyer"),
        tier,
        bought(3, "person:ann", "40.00"),
        bought(4, "person:bob", "60.00"),
        bought(5, "person:eve", "900.00"),
    ]);
    assert_eq!(shown(&base, "person:ann", "home", 6), ["rebate for 2", "who decides?"]);
    assert_eq!(shown(&base, "person:bob", "home", 6), ["rebate for 2"]);
    assert!(shown(&base, "person:eve", "home", 6).is_empty(), "who has no account reads none");
    assert_eq!(shown(&base, "account:acme", "home", 6), ["rebate for 2"], "the account is a customer of its own");
    let gone = Event::new("unrelated", day(7), id("person:bob")).with("relation", "account").with("to", "account:acme");
    base.record(&gone).unwrap();
    assert_eq!(shown(&base, "person:ann", "home", 8), ["who decides?"]);
    assert_eq!(shown(&base, "person:ann", "home", 6), ["rebate for 2", "who decides?"], "as it was then");
}

#[test]
fn the_same_with_a_lone_engine_that_is_given_the_others() {
    let engine = engine();
    let customer = |who: &str, events: &[Event]| {
        let mut customer = engine.customer(&id(who)).unwrap();
        for event in events {
            engine.record(&mut customer, event, None).unwrap();
        }
        customer
    };
    let tier = Event::new("attribute_set", day(1), id("account:acme")).with("attribute", "tier").with("value", "gold");
    let ann =
        customer("person:ann", &[related(1, "person:ann", "account", "account:acme", "user"), bought(3, "person:ann", "40")]);
    let bob = customer("person:bob", &[bought(4, "person:bob", "60")]);
    let acme = customer("account:acme", &[tier, related(2, "account:acme", "account", "person:bob", "buyer")]);
    let request = Request::of("home");
    let messages = |related: &[&tactful::Customer]| -> Vec<String> {
        let decision = engine.decide_among(&ann, related, &request, day(6), None).unwrap();
        decision.offers().map(|offer| offer.message.to_string()).collect()
    };
    assert_eq!(messages(&[&acme, &bob]), ["rebate for 2", "who decides?"]);
    assert_eq!(messages(&[&bob, &acme]), ["rebate for 2", "who decides?"], "in any order");
    assert_eq!(messages(&[&bob]), ["who decides?"], "without the account its attributes are unknown");
    let alone = engine.explain(&ann, &request, day(6), None).unwrap();
    assert!(alone.offers().next().is_none());
    let trace = alone.trace.unwrap();
    let rebate = trace.candidates.iter().find(|candidate| &*candidate.offer == "rebate").unwrap();
    assert!(rebate.unknown && rebate.reasons.iter().any(|reason| reason.contains("account")), "{:?}", rebate.reasons);
}

#[test]
fn a_cap_counts_the_contacts_of_all_members() {
    let sent = |at: u32, who: &str| Event::new("sent", day(at), id(who)).with("offer", "catalogue").through("mail");
    let mut base = base(&[
        related(1, "person:ann", "account", "account:acme", ""),
        related(1, "person:bob", "account", "account:acme", ""),
        sent(2, "person:bob"),
    ]);
    assert_eq!(shown(&base, "person:ann", "letter", 4), ["catalogue"]);
    base.record(&sent(3, "account:acme")).unwrap();
    assert!(shown(&base, "person:ann", "letter", 4).is_empty());
    assert!(shown(&base, "account:acme", "letter", 4).is_empty());
    assert_eq!(shown(&base, "person:eve", "letter", 4), ["catalogue"], "who has no account counts alone");
    let explained = base.explain(&id("person:ann"), &Request::of("letter"), day(4), None).unwrap().trace.unwrap();
    let reasons = &explained.candidates[0].reasons;
    assert_eq!(reasons[..], ["`one_letter`: `sent` 2 times in the last 30d, all members together, at most 2 allowed"]);
    // Alone nobody knows whose contacts count, and what may be forbidden is.
    let engine = base.engine();
    let ann = base.find(&id("person:ann")).unwrap();
    let alone = engine.explain(ann, &Request::of("letter"), day(4), None).unwrap().trace.unwrap();
    assert!(alone.candidates[0].unknown, "{:?}", alone.candidates[0].reasons);
}

#[test]
fn others_are_read_only_as_far_as_they_permit() {
    let consent = |who: &str| Event::new("consent_given", day(1), id(who)).with("purpose", "marketing");
    let mut base = base(&[
        related(1, "person:ann", "household", "household:1", ""),
        related(1, "person:bob", "household", "household:1", ""),
        consent("person:ann"),
        bought(2, "person:ann", "1"),
        bought(3, "person:bob", "1"),
    ]);
    assert!(!shown(&base, "person:ann", "home", 4).contains(&"family".to_owned()), "Bob never permitted marketing");
    base.record(&consent("person:bob")).unwrap();
    assert!(shown(&base, "person:ann", "home", 4).contains(&"family".to_owned()));
    let withdrawn = Event::new("consent_withdrawn", day(4), id("person:bob")).with("purpose", "marketing");
    base.record(&withdrawn).unwrap();
    assert!(!shown(&base, "person:ann", "home", 5).contains(&"family".to_owned()));
}

#[test]
fn a_guardian_consents_for_a_minor() {
    let age = Event::new("attribute_set", day(1), id("person:kid")).with("attribute", "age").with("value", 12_i64);
    let by = |at: u32, by: &str| {
        let event = Event::new("consent_given", day(at), id("person:kid")).with("purpose", "marketing");
        if by.is_empty() { event } else { event.with("by", by) }
    };
    let mut base = base(&[age, by(2, ""), by(2, "person:stranger")]);
    assert!(shown(&base, "person:kid", "home", 3).is_empty(), "neither the child's own yes counts nor a stranger's");
    base.record(&related(1, "person:mum", "guardianship", "person:kid", "guardian")).unwrap();
    assert!(shown(&base, "person:kid", "home", 3).is_empty());
    base.record(&by(3, "email:Mum@Home.Example")).unwrap();
    let mum = Event::new("linked", day(1), id("person:mum")).with("other", "email:mum@home.example");
    base.record(&mum).unwrap();
    assert_eq!(shown(&base, "person:kid", "home", 4), ["school"]);
    let grown = Event::new("attribute_set", day(5), id("person:kid")).with("attribute", "age").with("value", 16_i64);
    base.record(&grown).unwrap();
    assert_eq!(shown(&base, "person:kid", "home", 6), ["school"], "whoever is grown up spoke for themselves");
    let withdrawn = Event::new("consent_withdrawn", day(3), id("person:kid")).with("purpose", "marketing");
    base.record(&withdrawn).unwrap();
    assert!(shown(&base, "person:kid", "home", 4).is_empty(), "a no counts, whoever says it");
}

fn asked(base: &CustomerBase, question: &str, who: &str, at: u32) -> serde_json::Value {
    let question = serde_json::json!({"query": question, "identifier": who, "now": day(at), "placements": ["home"]});
    let mut question = question;
    if question["query"] == "consents" {
        question.as_object_mut().unwrap().remove("placements");
    }
    serde_json::from_str(&base.query(&question.to_string()).unwrap()).unwrap()
}

/// Decisions, consents, portraits, views and reasons go by the same consents.
#[test]
fn every_answer_goes_by_what_a_guardian_said() {
    let age = Event::new("attribute_set", day(1), id("person:kid")).with("attribute", "age").with("value", 12_i64);
    let by = |at: u32, by: &str| {
        let event = Event::new("consent_given", day(at), id("person:kid")).with("purpose", "marketing");
        if by.is_empty() { event } else { event.with("by", by) }
    };
    let told = [age, by(2, ""), related(3, "person:mum", "guardianship", "person:kid", "guardian"), by(4, "person:mum")];
    for (known, permitted, state) in [(2, false, "not_entitled"), (3, false, "not_entitled"), (4, true, "given")] {
        let base = base(&told[..known]);
        let customer = base.find(&id("person:kid")).unwrap();
        let consents = asked(&base, "consents", "person:kid", 5);
        let marketing = &consents["purposes"][0];
        assert_eq!((&marketing["permitted"], &marketing["state"]), (&permitted.into(), &state.into()));
        assert_eq!(consents["minority"]["guardians"].as_array().unwrap().len(), usize::from(known > 2));
        assert_eq!(shown(&base, "person:kid", "home", 5).is_empty(), !permitted);
        let portrait = base.portrait(&id("person:kid"), None, day(5), None, 0).unwrap();
        assert_eq!((portrait.consents[0].permitted, portrait.consents[0].state), (permitted, state));
        let view =
            base.query(&format!(r#"{{"query": "view", "identifier": "person:kid", "for": "marketing", "now": "{}"}}"#, day(5)));
        assert_eq!(view.unwrap().contains(r#""purposes":["marketing"]"#), permitted);
        let reasons = asked(&base, "reasons_for_customer", "person:kid", 5);
        assert_eq!(reasons["placements"][0]["kind"] == "offers", permitted);
        assert!(!reasons.to_string().contains("mum"), "{reasons}");
        // An engine alone knows no guardian unless it is given one.
        assert_eq!(base.engine().permits(customer, "marketing", day(5)), Some(false));
    }
    let base = base(&told);
    let mum = asked(&base, "consents", "person:mum", 5);
    assert_eq!(mum["minority"]["minors_around"][0]["may_consent"], true);
    assert!(
        !format!("{:?}", base.engine().consents(base.find(&id("person:kid")).unwrap(), None, None, day(5), None))
            .contains("mum")
    );
}

#[test]
fn a_household_is_no_minor() {
    let engine = Engine::compile(&[(
        "a.yaml",
        "{playbook: a, version: 1, identity: {person: {}, household: {}}, attributes: {age: int}, minors: customer.age < 16,
          relations: {household: {group: household}}, channels: {web: text}, placements: {home: {channel: web}},
          offers: {tea: {treatments: {web: {message: tea}}}}}",
    )])
    .unwrap();
    let base = CustomerBase::new(engine);
    assert_eq!(shown(&base, "household:1", "home", 2), ["tea"]);
    assert!(shown(&base, "person:1", "home", 2).is_empty(), "nobody knows their age");
}

#[test]
fn a_referrer_is_read() {
    let name = Event::new("attribute_set", day(1), id("person:ann")).with("attribute", "name").with("value", "Ann");
    let base = base(&[name, bought(1, "person:ann", "120"), related(2, "person:ann", "referral", "person:bob", "referrer")]);
    assert_eq!(shown(&base, "person:bob", "home", 3), ["Ann sent you"]);
    assert!(shown(&base, "person:ann", "home", 3).is_empty());
}

fn told(base: &CustomerBase, who: &str) -> serde_json::Value {
    let question = format!(r#"{{"query": "relations", "identifier": "{who}", "now": "2026-03-31T00:00:00Z"}}"#);
    serde_json::from_str(&base.query(&question).unwrap()).unwrap()
}

#[test]
fn limits_refuse_and_say_which() {
    let mut base = base(&[]);
    let mut effects = Vec::new();
    for (at, who) in [(2, "a"), (3, "b"), (4, "c"), (5, "d"), (1, "e")] {
        let event = related(at, &format!("person:{who}"), "account", "account:acme", "decider");
        let told = base.record(&event).unwrap();
        effects.extend(told.effects.iter().map(|effect| {
            let effect = serde_json::to_value(effect).unwrap();
            let text = |key: &str| effect[key].as_str().unwrap_or("-").to_owned();
            format!("{} {} {} {}", text("kind"), text("effect"), text("identifier"), text("limit"))
        }));
    }
    assert_eq!(
        effects,
        [
            "happened related person:a -",
            "happened relation_refused person:b role",
            "happened relation_refused person:c role",
            "happened relation_refused person:d at_most",
            "withdrawn related person:a -",
            "withdrawn relation_refused person:c role",
            "happened related person:e -",
            "happened relation_refused person:a role",
            "happened relation_refused person:c at_most",
        ]
    );
    let answer = told(&base, "account:acme");
    let listed: Vec<(String, bool, String)> = answer["relations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let text = |key: &str| one[key].as_str().unwrap_or("-").to_owned();
            (text("with"), one["holds"].as_bool().unwrap(), text("limit"))
        })
        .collect();
    let row = |who: &str, holds: bool, limit: &str| (format!("person:{who}"), holds, limit.to_owned());
    assert_eq!(
        listed,
        [
            row("e", true, "-"),
            row("a", false, "role"),
            row("b", false, "role"),
            row("c", false, "at_most"),
            row("d", false, "at_most")
        ]
    );
}

#[test]
fn accounts_are_linked_with_accounts() {
    let (acme, bolt) = (id("account:acme"), id("account:bolt"));
    let by_other = Event::new("linked", day(2), acme.clone()).with("other", "account:bolt").with_id("l");
    let mut by_both = Event::new("linked", day(2), bolt.clone()).with_id("l");
    by_both.identifiers.push(acme.clone());
    for linked in [by_other, by_both] {
        let mut base = base(&[]);
        // Any other event that names two accounts is the first one's and joins nobody.
        let mut bought = Event::new("purchase", day(1), bolt.clone()).with("amount", "1");
        bought.identifiers.push(acme.clone());
        assert!(base.record(&bought).unwrap().effects.is_empty());
        assert!(base.find(&acme).is_some() && base.find(&bolt).is_none());
        let merged = base.record(&linked).unwrap().effects;
        assert_eq!(merged[0].what.name(), "merged");
        assert_eq!(base.find(&bolt).unwrap().id(), "account:acme");
        let mut unlinked = Event::new("unlinked", day(3), acme.clone());
        unlinked.identifiers.push(bolt.clone());
        base.record(&unlinked).unwrap();
        assert_eq!(base.find(&acme).unwrap().strands().len(), 1);
    }
}

#[test]
fn a_group_never_merges_with_its_members() {
    let mut base = base(&[]);
    let mut both = Event::new("purchase", day(1), id("account:acme")).with("amount", "1");
    both.identifiers.push(id("person:ann"));
    base.record(&both).unwrap();
    assert_eq!(base.find(&id("person:ann")).unwrap().len(), 1, "the event is the person's");
    assert!(base.find(&id("account:acme")).is_none());
    let linked = Event::new("linked", day(1), id("person:ann")).with("other", "account:acme");
    assert_eq!(base.record(&linked).unwrap_err().code(), "wrong_link");
    let mut three = Event::new("linked", day(1), id("person:ann"));
    three.identifiers.extend([id("account:acme"), id("account:bolt")]);
    assert_eq!(base.record(&three).unwrap_err().path(), "identifiers");
    for (relation, to, role, path) in [
        ("account", "person:bob", "", "properties.to"),
        ("partner", "account:acme", "", "properties.to"),
        ("account", "account:acme", "boss", "properties.role"),
        ("referral", "person:bob", "", "properties.role"),
        ("partner", "person:ann", "", "properties.to"),
        ("partner", "nobody", "", "properties.to"),
        ("friend", "person:bob", "", "properties.relation"),
    ] {
        let error = base.record(&related(1, "person:ann", relation, to, role)).unwrap_err();
        assert_eq!(error.path(), path, "{relation}: {error}");
    }
}

#[test]
fn what_is_kept_of_a_customer_does_not_read_of_others() {
    for rule in [r#"account.role == "user""#, r#"account.events("purchase").exists()"#, "referral.referrer.tier == \"x\""] {
        let playbook = SHOP.replace("  big: ", &format!("  wrong: '{rule}'\n  big: "));
        let mistakes = Engine::compile(&[("shop.yaml", &playbook)]).unwrap_err();
        assert!(mistakes.0.iter().any(|mistake| mistake.code == "relation_in_state"), "{rule}: {mistakes}");
    }
    // Labels of the relation and of what is read through it count for the offer.
    let playbook = SHOP.replace("    purposes: [service, marketing]\n", "    purposes: [marketing]\n");
    let mistakes = Engine::compile(&[("shop.yaml", &playbook)]).unwrap_err();
    let text = mistakes.to_string();
    assert!(text.contains("reads relation `account`"), "{text}");
    let special = SHOP.replace("  household: {group: household}\n", "  household: {group: household, sensitivity: special}\n");
    let base = CustomerBase::new(Engine::compile(&[("shop.yaml", &special)]).unwrap());
    assert!(base.is_empty());
}

#[test]
fn a_relation_of_many_stays_bounded() {
    let playbook = SHOP.replace("    at_most: 3\n", "    at_most: 1000\n");
    let mut base = CustomerBase::new(Engine::compile(&[("shop.yaml", &playbook)]).unwrap());
    let mut refused = 0;
    for number in 0..5_000_u32 {
        let mut event = related(1, &format!("person:{number:06}"), "account", "account:acme", "user");
        event.sequence = i64::from(number);
        let effects = base.record(&event).unwrap();
        refused += effects.effects.iter().filter(|effect| effect.what.name() == "relation_refused").count();
    }
    assert_eq!(refused, 4_000);
    let answer = told(&base, "account:acme");
    assert_eq!((answer["total"].as_u64(), answer["relations"].as_array().map(Vec::len)), (Some(5_000), Some(1_000)));
    assert_eq!(told(&base, "person:004999")["relations"][0]["limit"], "at_most");
    assert_eq!(told(&base, "person:000999")["relations"][0]["holds"], true);
    assert_eq!(shown(&base, "person:000500", "home", 6), ["who decides?"]);
}

mod laws {
    use super::*;
    use proptest::prelude::*;

    const PEOPLE: [&str; 5] = ["person:a", "person:b", "person:c", "email:a@x.org", "email:b@x.org"];
    const GROUPS: [&str; 2] = ["account:1", "account:2"];

    /// A word about who is related to whom or who is who; an id of its own.
    fn word() -> impl Strategy<Value = (u32, u32, Event)> {
        let pick = (0..6_u8, 1..20_u32, 0..5_usize, 0..5_usize, 0..2_usize, 0..4_usize, 1..25_u32, 0..8_u32);
        pick.prop_map(|(kind, at, one, two, group, role, known, named)| {
            let role = ["", "decider", "buyer", "user"][role];
            let (on, to) = (PEOPLE[one], PEOPLE[two]);
            let mut event = match kind {
                0 | 1 => related(at, on, "account", GROUPS[group], role),
                2 => related(at, GROUPS[group], "account", on, role),
                3 => Event { event_type: "unrelated".to_owned(), ..related(at, on, "account", GROUPS[group], role) },
                4 => Event::new("unrelated", day(at), id(on)).with("event", format!("e{named}").as_str()),
                _ => Event::new("linked", day(at), id(on)).with("other", to),
            };
            event.known_at = Some(day(at.max(known)));
            (at, kind.into(), event)
        })
    }

    fn words() -> impl Strategy<Value = Vec<Event>> {
        proptest::collection::vec(word(), 1..12).prop_map(|words| {
            words.into_iter().enumerate().map(|(number, (_, _, event))| event.with_id(&format!("e{number}"))).collect()
        })
    }

    fn filled(events: &[Event]) -> CustomerBase {
        let mut base = CustomerBase::new(engine());
        for event in events {
            // Some link somebody to themselves, which is refused.
            let _ = base.record(event);
        }
        base
    }

    /// All that can be asked, as of now and as of then.
    fn answers(base: &CustomerBase) -> Vec<String> {
        let mut answers = Vec::new();
        for who in PEOPLE.iter().chain(&GROUPS) {
            for (now, known_at) in [(31, 31), (12, 12), (12, 31), (31, 12)] {
                let question = format!(
                    r#"{{"query": "relations", "identifier": "{who}", "now": "2026-03-{now}T12:00:00Z", "known_at": "2026-03-{known_at}T12:00:00Z"}}"#
                );
                answers.push(base.query(&question).unwrap());
            }
            answers.push(format!("{:?}", shown(base, who, "home", 28)));
        }
        answers
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

        #[test]
        fn the_order_of_arrival_does_not_matter(events in words(), turn in any::<prop::sample::Index>()) {
            let one = filled(&events);
            let mut others = events.clone();
            others.rotate_left(turn.index(events.len()));
            others.reverse();
            let other = filled(&others);
            prop_assert_eq!(answers(&one), answers(&other));
            prop_assert_eq!(one.to_bytes(), other.to_bytes());
            let again = CustomerBase::from_bytes(one.engine().clone(), &one.to_bytes()).unwrap();
            prop_assert_eq!(answers(&again), answers(&one));
        }

        #[test]
        fn what_was_revoked_has_never_been(events in words(), on in 0..5_usize, group in 0..2_usize, at in 1..20_u32) {
            let without = filled(&events);
            let event = related(at, PEOPLE[on], "account", GROUPS[group], "user").with_id("told");
            let mut revoked = Event::new("unrelated", day(at), id(PEOPLE[on])).with("event", "told").with_id("revoked");
            revoked.known_at = Some(day(1));
            let mut with = events.clone();
            with.insert(0, revoked);
            with.push(event);
            let with = filled(&with);
            let ties = |base: &CustomerBase| -> Vec<serde_json::Value> {
                PEOPLE.iter().chain(&GROUPS).map(|who| told(base, who)["relations"].clone()).collect()
            };
            prop_assert_eq!(ties(&without), ties(&with));
        }

        #[test]
        fn what_effects_say_in_the_end_is_what_stands(events in words()) {
            // Links change who is who, and that is told as such.
            let events: Vec<Event> = events.into_iter().filter(|event| event.event_type != "linked").collect();
            let mut base = CustomerBase::new(engine());
            let mut net: std::collections::BTreeMap<String, i32> = Default::default();
            for event in &events {
                let Ok(effects) = base.record(event) else { continue };
                for effect in effects.effects {
                    let effect = serde_json::to_value(&effect).unwrap();
                    let text = |key: &str| effect[key].as_str().unwrap_or("-").to_owned();
                    let count = if text("kind") == "withdrawn" { -1 } else { 1 };
                    let what = format!("{} {} {} {}", text("identifier"), text("other"), text("role"), text("limit"));
                    match text("effect").as_str() {
                        "related" | "relation_refused" => *net.entry(what).or_default() += count,
                        "unrelated" => *net.entry(what).or_default() -= count,
                        _ => {}
                    }
                }
            }
            net.retain(|_, count| *count != 0);
            let mut stands: std::collections::BTreeMap<String, i32> = Default::default();
            for group in GROUPS {
                for one in told(&base, group)["relations"].as_array().unwrap() {
                    let text = |key: &str| one[key].as_str().unwrap_or("-").to_owned();
                    *stands.entry(format!("{} {group} {} {}", text("with"), text("role"), text("limit"))).or_default() += 1;
                }
            }
            prop_assert_eq!(net, stands);
        }
    }
}
