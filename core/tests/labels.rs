//! Labels: what is said when a playbook uses facts for more than they are for, in full. The cases stand in `labels.txt`: a title
//! after `===`, the rest of the playbook, and after `>>>` what is shown.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use tactful::Engine;

const HEAD: &str = "playbook: shop
version: 1
identity: {customer: {}, phone: {unique: true, purposes: service}, badge: {unique: true, sensitivity: special}}
purposes: {service: opt_out, marketing: opt_in, health: opt_in, delivery: {basis: contract}}
customer_zone: zone
attributes:
  zone: {type: string, purposes: service}
  age: {type: int, kind: demographic}
  city: {type: string, purposes: [service], kind: location}
  mood: {type: string, origin: inferred}
  pregnant: {type: bool, origin: inferred, sensitivity: special, purposes: [health], kind: need}
  diet: {type: string, sensitivity: special, reveal: true}
events:
  complaint: {title: Complaint, properties: {about: string}, purposes: service}
  purchase:
    kind: engagement
    properties:
      sku: string
      note: {type: string, purposes: service}
      category:
        type: string
        categories: {pharmacy: {sensitivity: special, purposes: health}}
channels: {web: text}
";

#[test]
fn every_use_beyond_a_label_is_shown_as_written_down() {
    let text = include_str!("labels.txt");
    let mut wrong = String::new();
    let mut count = 0;
    for case in text.split("=== ").skip(1) {
        let (title, rest) = case.split_once('\n').unwrap();
        let (playbook, expected) = rest.split_once(">>>\n").unwrap();
        let shown = match Engine::compile(&[("shop", &format!("{HEAD}{playbook}"))]) {
            Ok(engine) => format!("fine\n{}", engine.warnings()),
            Err(mistakes) => mistakes.to_string(),
        };
        if shown.trim_end() != expected.trim_end() {
            wrong.push_str(&format!("=== {title}\n{playbook}>>>\n{}\n\n", shown.trim_end()));
        }
        count += 1;
    }
    assert!(count > 20, "the file of cases was cut");
    assert!(wrong.is_empty(), "these are shown otherwise:\n\n{wrong}");
}

#[test]
fn what_no_rule_reads_is_listed() {
    let rest = "request: {basket: int, weather: string}
segments: {adult: customer.age >= 18}
minors: {when: customer.diet == 'milk', when_unknown: false}
offers:
  hat:
    purposes: service
    eligible: segment('adult') && request.basket > 1
    suitable: events('purchase').where(e, e.sku == 'hat').count() == 0
    treatments: {web: {message: A hat}}
contact: [{count: shown, scope: offer, at_most: 1, per: day}]
";
    let engine = Engine::compile(&[("shop", &format!("{HEAD}{rest}"))]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let unread = serde_json::to_value(engine.unread()).unwrap();
    let expected = serde_json::json!({
        "attributes": ["city", "mood", "pregnant"],
        "events": ["complaint"],
        "properties": ["purchase.note", "purchase.category"],
        "request": ["weather"],
    });
    assert_eq!(unread, expected);
}

#[test]
fn labels_flow_through_conclusions() {
    let text = r#"
playbook: a
version: 1
resolution: 1d
identity: {customer: {}}
purposes: {marketing: opt_in, service: opt_out}
attributes:
  ill: {type: bool, sensitivity: personal, purposes: service}
  brands: {type: list(string), purposes: service}
events:
  search: {properties: {query: {type: string, purposes: service}}}
  visit: {properties: {shop: {type: string, purposes: service}}}
searches: {on: search, property: query}
problems: {pain: {terms: [pain], needs: {rest: 0.5}}}
needs:
  rest: {}
  cure: {stated: customer.ill}
intents: {buy: {prior: 0.2, evidence: [{when: customer.ill, odds: 2}]}}
preferences: {brand: {stated: brands}, shop: {from: [{on: visit, property: shop}]}}
unusual: {away: {test: shift, on: visit, property: shop}}
channels: {web: text}
placements: {home: {channel: web}}
offers:
  searched: {purposes: [marketing], eligible: need("rest") > 0.1, treatments: {web: {message: x}}}
  stated: {purposes: [marketing], eligible: need("cure") > 0.1, treatments: {web: {message: x}}}
  intended: {purposes: [marketing], eligible: intent("buy") > 0.1, treatments: {web: {message: x}}}
  branded: {purposes: [marketing], eligible: '"x" in preference("brand").liked', treatments: {web: {message: x}}}
  shopped: {purposes: [marketing], eligible: '"x" in preference("shop").liked', treatments: {web: {message: x}}}
  unusual: {purposes: [marketing], eligible: unusual("away"), treatments: {web: {message: x}}}
  served: {purposes: [service], eligible: 'need("rest") > 0.1 && unusual("away")', treatments: {web: {message: x}}}
"#;
    let mistakes = Engine::compile(&[("a.yaml", text)]).unwrap_err();
    let found: Vec<&str> = mistakes.0.iter().map(|found| &*found.path).collect();
    for offer in ["searched", "stated", "intended", "branded", "shopped", "unusual"] {
        assert!(found.iter().any(|path| *path == format!("offers.{offer}")), "{offer}: {mistakes}");
    }
    assert!(!found.iter().any(|path| path.starts_with("offers.served")), "{mistakes}");
}

/// A session is made of all events, and its cart of their properties: whoever reads it reads them.
#[test]
fn sessions_inherit_the_labels_of_what_they_are_made_of() {
    let text = r#"
playbook: a
version: 1
identity: {customer: {}}
purposes: {marketing: opt_in, service: opt_out}
events:
  add: {properties: {sku: {type: string, purposes: service}, price: int}}
  view: {}
sessions: {cart: {add: add, item: sku, value: price}}
intents: {buy: {prior: 0.2, evidence: [{when: 'events("view").count() > 3', odds: 2}]}}
channels: {web: text}
placements: {home: {channel: web}}
offers:
  cart: {purposes: marketing, eligible: session.cart.size() == 0, treatments: {web: {message: x}}}
  worth: {purposes: marketing, eligible: session.cart_value > 3, treatments: {web: {message: x}}}
  pages: {purposes: marketing, eligible: session.pages > 3, treatments: {web: {message: x}}}
  window: {purposes: marketing, eligible: 'events("view").in_session().exists()', treatments: {web: {message: x}}}
  intended: {purposes: marketing, eligible: intent("buy") > 0.1, treatments: {web: {message: x}}}
"#;
    let wrong = |text: &str| -> Vec<String> {
        let mistakes = Engine::compile(&[("a.yaml", text)]).err().unwrap_or_default();
        mistakes.0.iter().map(|found| found.path.strip_prefix("offers.").unwrap_or(&found.path).to_owned()).collect()
    };
    // An item of the cart is a property of an event; what it is worth is told of an item.
    assert_eq!(wrong(text), ["cart", "worth"]);
    // Where a session begins and ends follows every event.
    let all = text.replace("  view: {}\n", "  view: {}\n  complaint: {properties: {}, purposes: service}\n");
    assert_eq!(wrong(&all), ["cart", "cart", "worth", "worth", "pages", "window", "intended"]);
}
