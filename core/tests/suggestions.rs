//! Laws of suggestions: what others did merges in any order and tells about nobody, what the customer has is not suggested again.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use proptest::prelude::*;
use serde_json::Value as Json;
use tactful::catalog::BadItem;
use tactful::column::{Batch, Column, Offsets};
use tactful::{Customer, CustomerBase, Engine, Event, Identifier, Request, Timestamp};

const SHOP: &str = r#"
playbook: shop
version: 1
identity: {customer: {}}
attributes: {city: string}
events:
  view: {sku: string}
  purchase: {sku: string, order: string}
  returned: {sku: string}
channels: {web: text}
placements: {home: {channel: web}}
segments: {buyers: 'events("purchase").exists()'}
catalog:
  item: sku
  bought: purchase
  seen: view
  returned: returned
  price: money(EUR)
  attributes: {pieces: int}
  k: 3
  epoch: 1d
  half_life: 10d
  categories: {tea: {replenish: true}, pots: {life: 100d}}
  items:
    - {id: a, category: tea, price: 1}
    - {id: b, category: tea, price: 2}
    - {id: c, category: pots, price: 3}
    - {id: d, category: pots, price: 4}
    - {id: e, category: cups, price: 5}
    - {id: f, category: cups, price: 6}
suggestions:
  due: {how: due_again}
  together: {how: bought_together, lift: 0}
  looked: {how: seen_together, lift: 0}
  popular: {how: popular}
  inside: {how: popular, by: segment}
  bigger: {how: next_size, above: 0.1, up_to: 9}
offers:
  some: {suggest: {from: [due, together, popular], at_most: 6}, treatments: {web: {message: "{{ item.id }}"}}}
"#;

fn shop() -> Engine {
    Engine::compile(&[("shop.yaml", SHOP)]).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn at(hour: i64) -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000 + hour * 3_600_000_000).unwrap()
}

/// Who did what with which item, in which hour.
type Deed = (u8, u8, u8, i64);

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    prop::collection::vec((0..9_u8, 0..3_u8, 0..7_u8, 0..400_i64), 0..80)
}

fn event(number: usize, (who, what, item, hour): Deed) -> Event {
    let what = ["purchase", "view", "returned"][usize::from(what)];
    let item = ["a", "b", "c", "d", "e", "f", "unheard"][usize::from(item)];
    let who = Identifier::parse(&format!("customer:{who}")).unwrap();
    Event::new(what, at(hour), who).with("sku", item).with_id(&format!("e{number}"))
}

fn base_of(engine: &Engine, deeds: &[(usize, Deed)]) -> CustomerBase {
    let mut base = CustomerBase::new(engine.clone());
    for (number, deed) in deeds {
        base.record(&event(*number, *deed)).unwrap();
    }
    base
}

fn suggest(engine: &Engine, customer: &Customer, now: Timestamp) -> Json {
    let answer = engine.query(customer, &format!(r#"{{"query": "suggest", "now": "{now}", "at_most": 100}}"#)).unwrap();
    serde_json::from_str(&answer).unwrap()
}

fn items(answer: &Json) -> impl Iterator<Item = &Json> {
    answer["suggestions"].as_array().unwrap().iter().flat_map(|found| found["items"].as_array().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Customers counted in any partition, merged in any order, and told in any order of arrival give the same suggestions.
    #[test]
    fn what_others_did_merges_in_any_order(deeds in deeds(), parts in prop::collection::vec(0..3_usize, 9), seed in any::<u64>()) {
        let engine = shop();
        let numbered: Vec<(usize, Deed)> = deeds.into_iter().enumerate().collect();
        let mut shuffled = numbered.clone();
        shuffled.sort_by_key(|(number, _)| (*number as u64).wrapping_mul(seed | 1).rotate_left(17));
        let (one, other) = (base_of(&engine, &numbered), base_of(&engine, &shuffled));
        let mut whole = engine.trends();
        one.observe(&mut whole);
        let mut parted = [engine.trends(), engine.trends(), engine.trends()];
        for (place, customer) in other.iter().enumerate() {
            engine.observe(&mut parted[parts[place % parts.len()]], customer);
        }
        let [mut first, second, third] = parted;
        let mut left = second.clone();
        left.merge(&third).unwrap();
        left.merge(&first).unwrap();
        first.merge(&second).unwrap();
        first.merge(&third).unwrap();
        prop_assert_eq!(first.to_bytes(), left.to_bytes());
        prop_assert_eq!(first.to_bytes(), whole.to_bytes());
        let now = at(500);
        let (mine, theirs) = (whole.snapshot(now, None).unwrap(), left.snapshot(now, None).unwrap());
        prop_assert_eq!(mine.digest(), theirs.digest());
        let (knowing, again) = (engine.with_trends(mine.clone()).unwrap(), engine.with_trends(theirs.clone()).unwrap());
        for customer in one.iter() {
            let twin = other.find(&Identifier::parse(customer.id()).unwrap()).unwrap();
            prop_assert_eq!(suggest(&knowing, customer, now), suggest(&again, twin, now));
        }
    }

    /// Nothing is suggested that the customer has or gave back, unless it is bought again and again or worn out; nothing unheard of; and
    /// what is due is due now.
    #[test]
    fn what_the_customer_has_is_not_suggested(deeds in deeds(), hour in 0..3_000_i64) {
        let engine = shop();
        let numbered: Vec<(usize, Deed)> = deeds.iter().copied().enumerate().collect();
        let base = base_of(&engine, &numbered);
        let now = at(hour);
        let mut trends = engine.trends();
        base.observe(&mut trends);
        let engine = engine.with_trends(trends.snapshot(now, None).unwrap()).unwrap();
        for customer in base.iter() {
            let answer = suggest(&engine, customer, now);
            for item in items(&answer) {
                let id = item["item"].as_str().unwrap();
                prop_assert!(["a", "b", "c", "d", "e", "f"].contains(&id));
                let done = |what: u8| deeds.iter().filter(|(who, did, what_item, when)| {
                    format!("customer:{who}") == customer.id() && *did == what && *when <= hour
                        && ["a", "b", "c", "d", "e", "f", ""][usize::from(*what_item)] == id
                }).map(|deed| deed.3).max();
                if item["how"] == "due_again" {
                    let time = |key: &str| Timestamp::parse(item["because"][key].as_str().unwrap()).unwrap();
                    prop_assert!(time("from") <= now && now <= time("until"), "{item}");
                } else if !["a", "b"].contains(&id) {
                    let (bought, returned) = (done(0), done(2));
                    prop_assert!(bought.is_none() && returned.is_none(), "{item} {bought:?} {returned:?}");
                }
            }
        }
    }

    /// With fewer customers than the threshold, nobody learns what others did.
    #[test]
    fn company_holds_the_threshold(deeds in deeds()) {
        let engine = shop();
        let few: Vec<(usize, Deed)> = deeds.into_iter().map(|(who, what, item, hour)| (who % 2, what, item, hour)).enumerate().collect();
        let base = base_of(&engine, &few);
        let now = at(500);
        let mut trends = engine.trends();
        base.observe(&mut trends);
        let snapshot = trends.snapshot(now, None).unwrap();
        let engine = engine.with_trends(snapshot).unwrap();
        for customer in base.iter() {
            let answer = suggest(&engine, customer, now);
            for item in items(&answer) {
                let kind = item["because"]["kind"].as_str().unwrap();
                let whose = item["because"]["whose"].as_str();
                prop_assert!(!["together", "popular"].contains(&kind) && whose != Some("category"), "{item}");
            }
        }
    }

    /// What is decided is the same with and without reasons, and what an offer carries is what the message names first.
    #[test]
    fn offers_carry_what_they_say(deeds in deeds()) {
        let engine = shop();
        let numbered: Vec<(usize, Deed)> = deeds.into_iter().enumerate().collect();
        let base = base_of(&engine, &numbered);
        let now = at(401);
        for customer in base.iter() {
            let brief = engine.decide(customer, &Request::of("home"), now, None).unwrap();
            let mut full = engine.explain(customer, &Request::of("home"), now, None).unwrap();
            full.trace = None;
            prop_assert_eq!(brief.to_json(), full.to_json());
            for offer in brief.offers() {
                prop_assert_eq!(&offer.message, &*offer.items[0].item);
            }
        }
    }

    /// Any table gives a catalog and all that is wrong with it; rows that are right are kept.
    #[test]
    fn any_table_is_read(rows in prop::collection::vec((0..6_u8, 0..4_u8, any::<bool>()), 0..20)) {
        let written: Vec<String> = rows.iter().map(|(id, price, odd)| {
            let price = ["", ", \"price\": 2.5", ", \"price\": -1", ", \"price\": \"x\""][usize::from(*price)];
            let odd = if *odd { ", \"prize\": 3" } else { "" };
            format!("{{\"id\": \"i{id}\"{price}{odd}}}")
        }).collect();
        let (engine, bad) = shop().with_catalog_json(&format!("[{}]", written.join(", "))).unwrap();
        let right: std::collections::BTreeSet<u8> = rows.iter().filter(|(_, price, _)| *price == 1).map(|row| row.0).collect();
        prop_assert_eq!(engine.catalog().unwrap().len(), right.len());
        let wrong_rows: std::collections::BTreeSet<usize> = bad.iter().filter_map(|bad| bad.row).collect();
        prop_assert_eq!(wrong_rows.len() + right.len(), rows.len());
        let (lines, told) = shop().with_catalog_json(&written.join("\n")).unwrap();
        prop_assert_eq!(lines.catalog(), engine.catalog());
        prop_assert_eq!(told, bad);
    }
}

fn codes(bad: &[BadItem]) -> Vec<(&'static str, Option<usize>, Option<&str>)> {
    bad.iter().map(|bad| (bad.code, bad.row, bad.column.as_deref())).collect()
}

#[test]
fn what_is_wrong_with_a_table_has_a_row_a_column_and_a_code() {
    let table = r#"[
        {"id": "x", "price": 1.50, "pieces": 3},
        {"price": 1},
        {"id": "y"},
        {"id": "x", "price": 2},
        {"id": "z", "price": 1, "pieces": "many"},
        {"id": "n", "price": -2},
        {"id": "s", "price": 1, "stock": -1},
        {"id": "l", "price": 1, "life": "long"},
        {"id": "c", "price": 1, "complements": ["x", "nothing"]},
        7,
        {"id": "k", "price": 1, "stock": {"ulm": 3, "berlin": true}, "brand": "x"},
        {"id": "", "price": 1},
        {"id": 12, "price": "3.00"}
    ]"#;
    let (engine, bad) = shop().with_catalog_json(table).unwrap();
    assert_eq!(
        codes(&bad),
        [
            ("unknown_column", None, Some("brand")),
            ("missing_id", Some(1), Some("id")),
            ("missing_price", Some(2), Some("price")),
            ("duplicate_item", Some(3), Some("id")),
            ("wrong_type", Some(4), Some("pieces")),
            ("bad_price", Some(5), Some("price")),
            ("wrong_type", Some(6), Some("stock")),
            ("wrong_type", Some(7), Some("life")),
            ("unknown_item", Some(8), Some("complements")),
            ("not_a_row", Some(9), None),
            ("missing_id", Some(11), Some("id")),
        ]
    );
    assert_eq!(bad[4].to_string(), "row 4, column `pieces`: expected int, found string");
    let ids: Vec<&str> = engine.catalog().unwrap().items().iter().map(|item| &*item.id).collect();
    assert_eq!(ids, ["x", "c", "k", "12"]);
    assert_eq!(shop().with_catalog_json("[{]").unwrap_err().code(), "invalid_json");
    assert_eq!(shop().with_catalog_json("{\"id\": 1}{").unwrap_err().code(), "invalid_json");
    let bare = Engine::compile(&[("a", "playbook: a\nversion: 1\n")]).unwrap();
    assert_eq!(bare.with_catalog_json("[]").unwrap_err().code(), "no_catalog");
}

#[test]
fn a_table_of_columns_is_the_same_as_one_of_rows() {
    let ids = Column::texts(Offsets::from(&[0_i32, 1, 2, 3][..]), b"xyz");
    let prices = Column::doubles(&[1.5, 2.0, 3.25][..]);
    let stock = Column::ints(&[3_i64, 0, 1][..]);
    let columns = vec![("id".into(), ids), ("price".into(), prices), ("stock.ulm".into(), stock)];
    let (columns, bad) = shop().with_catalog_batches(&[Batch::new(columns, 3).unwrap()]).unwrap();
    assert!(bad.is_empty(), "{bad:?}");
    let rows = r#"[{"id": "x", "price": 1.5, "stock": {"ulm": 3}}, {"id": "y", "price": 2, "stock": {"ulm": 0}},
        {"id": "z", "price": 3.25, "stock": {"ulm": 1}}]"#;
    let (rows, _) = shop().with_catalog_json(rows).unwrap();
    assert_eq!(columns.catalog(), rows.catalog());
    assert_eq!(columns.catalog().unwrap().digest(), rows.catalog().unwrap().digest());
}

#[test]
fn wrong_rows_of_a_playbook_are_mistakes_with_their_place() {
    let text =
        SHOP.replace("    - {id: f, category: cups, price: 6}\n", "    - {id: f, category: cups}\n    - {id: a, price: 1}\n");
    let mistakes = Engine::compile(&[("shop.yaml", &text)]).unwrap_err();
    let told: Vec<(&str, &str)> = mistakes.0.iter().map(|mistake| (mistake.code, &*mistake.path)).collect();
    assert_eq!(told, [("missing_price", "catalog.items[5]"), ("duplicate_item", "catalog.items[6]")]);
    assert!(mistakes.to_string().contains("shop.yaml:30:"), "{mistakes}");
}

/// What others did after the instant of a question is not known then.
#[test]
fn company_does_not_look_into_the_future() {
    let engine = shop();
    let deeds: Vec<(usize, Deed)> = (0..6).map(|who| (usize::from(who), (who, 0, 4, 10))).collect();
    let base = base_of(&engine, &deeds);
    let mut trends = engine.trends();
    base.observe(&mut trends);
    let knowing = engine.with_trends(trends.snapshot(at(100), None).unwrap()).unwrap();
    let nobody = engine.customer(&Identifier::parse("customer:new").unwrap()).unwrap();
    assert_eq!(items(&suggest(&knowing, &nobody, at(99))).count(), 0);
    assert!(items(&suggest(&knowing, &nobody, at(100))).count() > 0);
}

/// The purposes of what suggestions read hold for the offers that carry their items.
#[test]
fn reading_the_story_for_a_suggestion_is_a_use_of_it() {
    let text = r#"
playbook: shop
version: 1
identity: {customer: {}}
purposes: {marketing: opt_in, service: opt_in}
events: {purchase: {properties: {sku: string}, purposes: [service]}}
channels: {web: text}
placements: {home: {channel: web}}
catalog: {item: sku, bought: purchase}
suggestions: {again: {how: due_again}}
offers:
  refill: {purposes: marketing, suggest: again, treatments: {web: {message: "{{ item.id }}"}}}
"#;
    let mistakes = Engine::compile(&[("shop.yaml", text)]).unwrap_err();
    assert!(mistakes.0.iter().any(|mistake| mistake.code == "purpose_violation"), "{mistakes}");
    assert!(Engine::compile(&[("shop.yaml", &text.replace("purposes: marketing,", "purposes: service,"))]).is_ok());
}

/// A table as text gives the catalog that the same rows give in JSON, whatever separates its cells.
#[test]
fn a_table_as_text_is_the_same_as_one_of_rows() {
    let rows = r#"[{"id": "x", "name": "One, two", "price": 1.5, "pieces": 3, "stock": {"ulm": 3}, "complements": ["y", "z"]},
        {"id": "y", "price": 2, "stock": {"ulm": 0}}, {"id": "z", "name": "Say \"z\"", "price": 3.25, "replenish": "30d", "life": "2d"}]"#;
    let (rows, bad) = shop().with_catalog_json(rows).unwrap();
    assert!(bad.is_empty(), "{bad:?}");
    let lines = [
        ["id", "name", "price", "pieces", "stock.ulm", "complements", "replenish", "life"],
        ["x", "\"One, two\"", "1.5", " 3 ", "3", "y | z", "", ""],
        ["y", "", "2", "", "0", "", "", ""],
        ["z", "\"Say \"\"z\"\"\"", "3.25", "", "", "", "30d", "2d"],
    ];
    for (separator, end) in [(",", "\n"), (";", "\r\n"), ("\t", "\n")] {
        let text: String = lines.iter().map(|line| line.join(separator) + end).collect();
        for text in [text.clone(), format!("\u{feff}{text}")] {
            let (own, bad) = shop().with_catalog_text(&text).unwrap();
            assert!(bad.is_empty(), "{bad:?}");
            assert_eq!(own.catalog(), rows.catalog());
        }
    }
    let (again, bad) = shop().with_catalog_text(&rows.catalog().unwrap().to_json()).unwrap();
    assert!(bad.is_empty(), "{bad:?} {}", rows.catalog().unwrap().to_json());
    assert_eq!(again.catalog(), rows.catalog());
    let codes = |text: &str| shop().with_catalog_text(text).unwrap_err().code();
    assert_eq!(
        [codes(""), codes("name\nx\n"), codes("id,price,id\n"), codes("[1")],
        ["empty_table", "missing_column", "duplicate_column", "invalid_json"]
    );
    let (_, bad) = shop().with_catalog_text("id,price\r\na,1\r\n\r\nb\r\nc,\"1\n").unwrap();
    let told: Vec<String> = bad.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "line 4: expected 2 cells, one for each column, found 1",
            "line 5: a quotation mark opens a cell that is never closed"
        ]
    );
}

proptest! {
    /// Any text is a table or a typed error.
    #[test]
    fn any_text_is_a_table_or_an_error(text in "[id,;\"\t\n\r |.0-9a\u{feff}\\[{}]{0,80}", header in any::<bool>()) {
        let text = if header { format!("id,price,pieces\n{text}") } else { text };
        match shop().with_catalog_text(&text) {
            Ok((engine, bad)) => {
                let known = engine.catalog().map_or(0, |catalog| catalog.len());
                prop_assert!(known + bad.len() <= 2 * text.len() + 2);
            }
            Err(error) => prop_assert!(!error.code().is_empty() && !error.to_string().is_empty()),
        }
    }
}

const FILED: &str = "
playbook: shop
version: 1
identity: {customer: {}}
events: {purchase: {sku: string}}
catalog: {item: sku, bought: purchase, price: money(EUR), file: tables/items.csv}
suggestions: {again: {how: due_again}}
";

#[test]
fn a_playbook_names_the_table_beside_it() {
    let table = "id,price\ntea,4.50\ncup,\n";
    let documents = [("/shop/shop.yaml", FILED), ("tables/items.csv", table)];
    let engine = Engine::compile(&documents).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert_eq!(engine.catalog().unwrap().len(), 1);
    let warning = engine.warnings().0.iter().find(|one| one.code == "missing_price").unwrap();
    assert!(
        warning.message.starts_with("`tables/items.csv`, line 3, column `price`: every item needs a price"),
        "{}",
        warning.message
    );
    // A host that reads files asks which, and in whose folder.
    let (within, name) = tactful::playbook::Playbook::table(&documents[..1]).unwrap();
    assert_eq!((&*within, &*name), ("/shop/shop.yaml", "tables/items.csv"));
    // The digest is that of the playbook: the same whatever the table says.
    let other = Engine::compile(&[documents[0], ("tables/items.csv", "id,price\n")]).unwrap();
    assert_eq!(engine.digest(), other.digest());
    let codes = |documents: &[(&str, &str)]| -> Vec<&'static str> {
        let found = Engine::compile(documents).unwrap_err();
        found.0.iter().filter(|one| one.severity == tactful::error::Severity::Error).map(|mistake| mistake.code).collect()
    };
    assert_eq!(codes(&documents[..1]), ["missing_file"]);
    assert_eq!(codes(&[documents[0], ("tables/items.csv", "price\n1\n")]), ["missing_column"]);
    assert_eq!(codes(&[documents[0], documents[1], ("more.csv", table)]), ["unused_table"]);
    let plain = FILED.replace(", file: tables/items.csv", "");
    assert_eq!(codes(&[("shop.yaml", &plain), ("items.csv", table)]), ["unused_table"]);
}

#[test]
fn formulas_read_the_item_that_an_offer_carries_and_nothing_that_items_do_not_have() {
    let text = |formula: &str| SHOP.replace("offers:\n", &format!("arbitration: {{formula: '{formula}'}}\noffers:\n"));
    assert!(Engine::compile(&[("shop.yaml", &text("double(item.price) * double(item.pieces)"))]).is_ok());
    let wrong = Engine::compile(&[("shop.yaml", &text("double(item.prize)"))]).unwrap_err();
    assert!(wrong.to_string().contains("did you mean `item.price`?"), "{wrong}");
    let bare = "playbook: a\nversion: 1\nchannels: {web: text}\nplacements: {home: {channel: web}}\narbitration: {formula: 'double(item.price)'}\noffers: {a: {treatments: {web: {message: a}}}}\n";
    assert!(Engine::compile(&[("shop.yaml", bare)]).is_err(), "no catalog, no items");
}

#[test]
fn the_lines_of_one_basket_are_one_purchase() {
    let text = "playbook: p\nversion: 1\nidentity: {customer: {}}\nevents: {buy: {sku: string, basket: string}}\n\
        catalog: {item: sku, bought: buy, basket: basket, categories: {coffee: {replenish: true}}, items: [{id: beans, category: coffee}]}\n\
        suggestions: {again: {how: due_again}}\n";
    let engine = Engine::compile(&[("p.yaml", text)]).unwrap();
    let who = Identifier::parse("customer:ada").unwrap();
    let mut customer = engine.customer(&who).unwrap();
    let start = Timestamp::parse("2026-01-01T10:00:00Z").unwrap();
    let after = |minutes: i64| start.saturating_add_micros(minutes * 60_000_000);
    // Three purchases, ten days apart, of which the first two have two lines, a minute apart.
    for (n, (minutes, basket)) in [(0, "a"), (1, "a"), (14_400, "b"), (14_401, "b"), (28_800, "c")].into_iter().enumerate() {
        let line = Event::new("buy", after(minutes), who.clone())
            .with("sku", "beans")
            .with("basket", basket)
            .with_id(&format!("l{n}"));
        engine.record(&mut customer, &line, None).unwrap();
    }
    let due = |minutes: i64| suggest(&engine, &customer, after(minutes));
    let found = due(28_800 + 14_400);
    let because = &items(&found).next().unwrap()["because"];
    assert_eq!((because["whose"].as_str(), because["after"].as_str()), (Some("own"), Some("10d")));
    assert_eq!(items(&due(28_800 + 60)).count(), 0);
}

#[test]
fn shares_and_lift_are_of_their_range_and_a_catalog_says_which_events_are_about_it() {
    let head = "playbook: p\nversion: 1\nidentity: {customer: {}}\nevents: {buy: {sku: string}}\n";
    let codes = |rest: &str| match Engine::compile(&[("p.yaml", &format!("{head}{rest}"))]) {
        Ok(_) => Vec::new(),
        Err(mistakes) => mistakes.0.iter().map(|mistake| mistake.code).collect::<Vec<_>>(),
    };
    let with = |key: &str| {
        codes(&format!("catalog: {{item: sku, bought: buy}}\nsuggestions: {{s: {{how: bought_together, {key}}}}}\n"))
    };
    assert_eq!(with("support: 1.1"), ["out_of_range"]);
    assert_eq!(with("confidence: -0.1"), ["out_of_range"]);
    assert_eq!(with("lift: -1"), ["out_of_range"]);
    assert!(with("support: 1, confidence: 0, lift: 0").is_empty());
    assert_eq!(codes("catalog: {item: sku}\n"), ["missing_key"]);
}

/// What somebody said in answer to a question counts as the attribute, as of each purchase; what is no longer known then does not.
#[test]
fn popular_by_an_attribute_reads_answers() {
    let text = SHOP
        .replace("attributes: {city: string}", "attributes: {city: {type: string, ttl: 100d}}")
        .replace("  returned: {sku: string}", "  returned: {sku: string}\n  surveyed: {town: string}")
        .replace("  inside: {how: popular, by: segment}", "  inside: {how: popular, by: city}")
        .replace("offers:\n", "offers:\n  ask: {question: {attribute: city, answer: {on: surveyed, property: town}}, treatments: {web: {message: Where?}}}\n");
    let engine = Engine::compile(&[("shop.yaml", &text)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let mut base = CustomerBase::new(engine.clone());
    for number in 0..8 {
        let who = Identifier::parse(&format!("customer:{number}")).unwrap();
        let said = match number {
            0..4 => Event::new("surveyed", at(0), who.clone()).with("town", "Ulm"),
            _ => Event::new("attribute_set", at(0), who.clone()).with("attribute", "city").with("value", "Ulm"),
        };
        base.record(&said).unwrap();
        base.record(&Event::new("purchase", at(1), who.clone()).with("sku", "a")).unwrap();
        // They have long moved.
        base.record(&Event::new("purchase", at(24 * 150), who).with("sku", "b")).unwrap();
    }
    let mut trends = engine.trends();
    base.observe(&mut trends);
    let now = at(24 * 151);
    let snapshot = trends.snapshot(now, None).unwrap();
    let customers = |item: &str| {
        snapshot.read("items_bought_by_city", &[("item", item), ("city", "Ulm")], now).unwrap().map(|found| found.customers)
    };
    assert_eq!((customers("a"), customers("b")), (Some(8), None));
}
