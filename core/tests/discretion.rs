//! What is personal stands in no `Debug` and in no error: canary values go through every type and every way to fail.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use tactful::base::Tombstones;
use tactful::{CustomerBase, Engine, Event, Identifier, Request, Timestamp, Value};

const CANARY: &str = "canary7391";

const KEY: &[u8] = b"a secret that only we keep";

const PLAYBOOK: &str = r#"playbook: shop
version: 1
identity: {customer: {}, email: {}}
purposes: {marketing: opt_in, service: opt_out}
departments: {hotline: {purposes: service}}
attributes: {name: string, age: int, size: {enum: [small, large]}, amount: money(EUR), born: timestamp, tags: list(string)}
events: {purchase: {sku: string, amount: money(EUR), size: {enum: [s, l]}, count: int, at: timestamp, lasts: duration}}
request: {word: string, count: int, size: {enum: [s, l]}}
segments: {named: customer.name == "Ada"}
channels: {web: html}
placements: {home: {channel: web}}
offers:
  hello:
    purposes: service
    eligible: customer.name != request.word
    treatments: {web: {message: 'Hello {{ name }}', with: {name: customer.name}}}
  sum:
    eligible: int(customer.name) > 3
    treatments: {web: {message: 'x'}}
  loud:
    treatments: {web: {message: '{{ name.nothing.more }}', with: {name: customer.name}}}
"#;

fn now() -> Timestamp {
    Timestamp::parse("2026-03-01T00:00:00Z").unwrap()
}

fn who(text: &str) -> Identifier {
    Identifier::parse(text).unwrap()
}

fn silent(what: &str, text: &str) {
    assert!(!text.contains(CANARY), "{what} shows a value: {text}");
}

#[test]
fn no_debug_shows_a_value() {
    let engine = Engine::compile(&[("shop", PLAYBOOK)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let mut base = CustomerBase::new(engine.clone());
    let id = who(&format!("email:{CANARY}@example.org"));
    silent("Identifier", &format!("{id:?}"));
    let event = |kind: &str| Event::new(kind, now(), id.clone()).with_id(CANARY);
    let mut all = [
        event("attribute_set").with("attribute", "name").with("value", CANARY),
        event("attribute_set").with("attribute", "tags").with("value", Value::List([Value::text(CANARY)].into())),
        event("purchase").with("sku", CANARY).with("count", 7391_i64),
        event("consent_given").with("purpose", "marketing").with("proof", CANARY),
    ];
    for (number, event) in all.iter_mut().enumerate() {
        event.id = Some(format!("{CANARY}-{number}"));
        event.source = Some(CANARY.to_owned());
        event.channel = Some(CANARY.to_owned());
        silent("Event", &format!("{event:?}"));
        let effects = base.record(event).unwrap();
        silent("Effects", &format!("{effects:?}"));
    }
    let customer = base.find(&id).unwrap();
    silent("Customer", &format!("{customer:?}"));
    silent("CustomerBase", &format!("{base:?}"));
    for strand in customer.strands() {
        silent("Strand", &format!("{strand:?}"));
    }
    let view = customer.view(now());
    silent("View", &format!("{view:?}"));
    let kinds: Vec<_> = (0..60).map(tactful::expr::EventKind).collect();
    view.events(&kinds, tactful::value::Span::lifetime(now()), &mut |row| {
        silent("StoryRow", &format!("{row:?}"));
        std::ops::ControlFlow::Continue(())
    });
    let request = Request::of("home").with("word", CANARY).on(&id);
    silent("Request", &format!("{request:?}"));
    let decision = engine.explain(customer, &request, now(), None).unwrap();
    assert!(decision.to_json().contains(CANARY), "the decision itself does show it");
    silent("Decision", &format!("{decision:?}"));
    silent("PlacementAnswer", &format!("{:?}", decision.placements));
    silent("Trace", &format!("{:?}", decision.trace));
    silent("outcome", &format!("{:?}", decision.outcome("shown", now(), &id)));
    let shared = engine.view_for(customer, "hotline", now(), None).unwrap();
    assert!(serde_json::to_string(&shared).unwrap().contains(CANARY));
    silent("SharedView", &format!("{shared:?}"));
    silent("SharedAttribute", &format!("{:?} {:?}", shared.attributes, shared.timeline));
    let reasons = engine.reasons_for_customer(customer, &request, now(), None).unwrap();
    silent("ShownReasons", &format!("{:?}", reasons.placements));
    for audience in [None, Some("customer"), Some("hotline")] {
        let portrait = base.portrait(&id, audience, now(), None, 50).unwrap();
        assert!(portrait.to_json().contains(CANARY) && portrait.to_text().contains(CANARY), "{audience:?}");
        silent("Portrait", &format!("{portrait:?}"));
    }
    silent("Story", &format!("{:?}", base.story(&id).unwrap()));
    base.record(&Event::new("linked", now(), id.clone()).with("other", "customer:1").with_id(CANARY)).unwrap();
    silent("LinkTold", &format!("{:?}", base.links(&id, now(), now()).unwrap()));
    let wrong = event("rectified").with("event", &*format!("{CANARY}-2")).with("reason", CANARY).with_id("wrong");
    silent("Effects", &format!("{:?}", base.record(&wrong).unwrap()));
    let customer = base.find(&id).unwrap();
    assert_eq!(customer.rectified().count(), 1);
    silent("Customer", &format!("{customer:?} {:?}", customer.rectified().collect::<Vec<_>>()));
    let mut tombstones = Tombstones::new(KEY).unwrap();
    let erasure = engine.erase(customer.clone(), now(), &mut tombstones).unwrap();
    silent("Erasure", &format!("{erasure:?} {:?} {}", erasure.receipt, erasure.receipt.to_json()));
    silent("Tombstones", &format!("{tombstones:?} {}", tombstones.check(&engine, &all[0]).unwrap_err()));
    let erasure = base.clone().erase(&id, now(), KEY).unwrap();
    silent("Erasure", &format!("{erasure:?} {}", erasure.receipt.to_json()));
    silent("key", &format!("{:?}", base.erase(&id, now(), CANARY.as_bytes()).unwrap_err()));
    base.erase(&id, now(), KEY).unwrap();
    silent("refused", &format!("{:?} {base:?}", base.clone().record(&all[0]).unwrap_err()));
    silent("CustomerReasons", &format!("{reasons:?}"));
    silent("ShownReasons", &format!("{:?}", reasons.placements));
}

#[test]
fn no_error_of_an_event_shows_a_value() {
    let engine = Engine::compile(&[("shop", PLAYBOOK)]).unwrap();
    let mut base = CustomerBase::new(engine.clone());
    let id = who("customer:1");
    let event = |kind: &str| Event::new(kind, now(), id.clone());
    let long = format!("{CANARY}{}", "x".repeat(70_000));
    let values = [Value::text(CANARY), Value::text(&long), Value::List([Value::text(CANARY)].into()), Value::Double(f64::NAN)];
    let mut failed = 0;
    for property in ["sku", "amount", "size", "count", "at", "lasts"] {
        for value in &values {
            if let Err(error) = base.record(&event("purchase").with(property, value.clone())) {
                failed += 1;
                silent(property, &format!("{error} {error:?} {}", error.path()));
            }
        }
    }
    for attribute in ["name", "age", "size", "amount", "born", "tags"] {
        for value in &values {
            let told = event("attribute_set").with("attribute", attribute).with("value", value.clone());
            if let Err(error) = base.record(&told) {
                failed += 1;
                silent(attribute, &format!("{error} {error:?} {}", error.path()));
            }
        }
    }
    for kind in ["consent_given", "objected", "do_not_contact", "linked", "shown"] {
        for property in ["purpose", "scope", "for_channel", "expires", "explicit", "other", "offer", "slot"] {
            if let Err(error) = base.record(&event(kind).with(property, CANARY)) {
                failed += 1;
                silent(kind, &format!("{error} {error:?}"));
            }
        }
    }
    assert!(failed > 40, "{failed}");
}

#[test]
fn no_error_of_json_shows_a_value() {
    let good = r#"{"type": "purchase", "time": "2026-03-01T00:00:00Z", "identifier": "customer:1", "properties": {}}"#;
    let mut failed = 0;
    for (key, _) in
        [("type", ""), ("time", ""), ("identifier", ""), ("properties", ""), ("known_at", ""), ("sequence", ""), ("id", "")]
    {
        for value in [
            format!("\"{CANARY}\""),
            format!("[\"{CANARY}\"]"),
            format!("{{\"a\": \"{CANARY}\"}}"),
            format!("\"{CANARY}"),
            "7391e999".to_owned(),
        ] {
            let mut keys: Vec<String> = good[1..good.len() - 1].split(", ").map(str::to_owned).collect();
            keys.retain(|own| !own.starts_with(&format!("\"{key}\"")));
            keys.push(format!("\"{key}\": {value}"));
            if let Err(error) = Event::from_json(&format!("{{{}}}", keys.join(", "))) {
                failed += 1;
                silent(key, &format!("{error} {error:?}"));
            }
        }
    }
    for text in [format!("\"{CANARY}\""), format!("[{CANARY}]"), CANARY.to_owned(), format!("{{\"type\": \"{CANARY}")] {
        silent("json", &Event::from_json(&text).unwrap_err().to_string());
        failed += 1;
    }
    assert!(failed > 25, "{failed}");
    silent("identifier", &format!("{:?}", Identifier::parse(CANARY)));
    let engine = Engine::compile(&[("shop", PLAYBOOK)]).unwrap();
    let wrong = format!("{CANARY}@example.org:1");
    silent("namespace", &engine.customer(&who(&wrong)).unwrap_err().to_string());
}

#[test]
fn no_error_of_a_question_shows_a_value() {
    let engine = Engine::compile(&[("shop", PLAYBOOK)]).unwrap();
    let mut customer = engine.customer(&who("customer:1")).unwrap();
    let name = Event::new("attribute_set", now(), who("customer:1")).with("attribute", "name").with("value", CANARY);
    engine.record(&mut customer, &name, None).unwrap();
    for fact in ["count", "size"] {
        let error = engine.decide(&customer, &Request::of("home").with(fact, CANARY), now(), None).unwrap_err();
        silent(fact, &format!("{error} {error:?}"));
    }
    let base = CustomerBase::new(engine.clone());
    let mut failed = 0;
    for query in [
        "customer",
        "consents",
        "view",
        "reasons_for_customer",
        "attribute",
        "history",
        "why",
        "portrait",
        "export",
        "identity",
        "retention",
    ] {
        for key in ["identifier", "now", "known_at", "met_on", "facts", "placements", "limit", "events"] {
            for value in [format!("\"{CANARY}\""), format!("[[\"{CANARY}\"]]"), format!("{{\"count\": \"{CANARY}\"}}")] {
                let text = format!("{{\"query\": \"{query}\", \"{key}\": {value}}}");
                if let Err(error) = engine.query(&customer, &text) {
                    failed += 1;
                    silent(query, &format!("{error} {error:?}"));
                }
                if let Err(error) = base.query(&text) {
                    silent(query, &format!("{error} {error:?}"));
                }
            }
        }
    }
    assert!(failed > 100, "{failed}");
}
