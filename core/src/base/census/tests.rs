//! What a census says is what the stories say.

use super::{Census, CensusOptions, stories};
use crate::column::{Batch, Column, TimeUnit};
use crate::{Engine, Timestamp};
use proptest::prelude::*;
use std::sync::Arc;

const PLAYBOOK: &str = r#"
playbook: census
version: 1
identity: {customer: {}}
purposes: {marketing: opt_in}
attributes: {tier: int, city: string}
events:
  view: {page: string, seconds: double}
  order: {amount: money(EUR), pieces: int, page: string}
  noise: {page: string}
segments:
  viewer: events("view").within("3d").count() >= 2
  spender: events("order").within("10d").sum("amount") > 20
  patient: events("view").within("9d").sum("seconds") >= 4.5
  lapsing: events("order").since_last().days() > 5.5
  wide: events("view", "order").within("8d").count_distinct("page") >= 2
  tea: 'events("order").where(o, o.page == "a").count() >= 1'
  large: events("order").max("pieces") >= 4
  first_a: events("view").first("page") == "a"
  gold: customer.tier == 3
  ulm: 'customer.city == "Ulm" && segment("viewer")'
  today: events("view").within("day").count() >= 1
channels: {web: text}
placements: {home: {channel: web}}
offers:
  one: {eligible: segment("spender"), value: 'double(events("order").count())', treatments: {web: {message: one}}}
  two: {eligible: segment("viewer") && !segment("gold"), value: 'events("view").within("9d").sum("seconds")', treatments: {web: {message: two}}}
  three: {applicable: {when: segment("gold"), when_unknown: true}, value: 0.5, priority: 2, treatments: {web: {message: three}}}
  four: {value: 0.5, treatments: {web: {message: four}}}
"#;

/// What is added up row by row, and asked about all customers at once.
const ADDED_UP: &str = r#"
playbook: census
version: 1
identity: {customer: {}}
purposes: {marketing: opt_in}
attributes: {tier: int, city: string, rate: double}
events:
  view: {page: string, seconds: double}
  order: {amount: money(EUR), pieces: int, page: string}
  noise: {page: string}
segments:
  viewer: events("view").within("3d").count() >= 2
  patient: events("view").within("9d").sum("seconds") >= 4.5
  lapsing: events("order").since_last().days() > 5.5
  early: '!(events("view", "order").since_first().days() < 9)'
  wide: events("view", "order").within("8d").count_distinct("page") >= 2
  gold: customer.tier == 3
  rated: customer.rate > 1.0 || events("order").count() * 2 - 1 > 4
  both: segment("viewer") && !segment("gold")
  either: 'segment("lapsing") ? segment("wide") : events("view").within("3d").within("20h").exists() == true'
channels: {web: text}
placements: {home: {channel: web}}
offers:
  one: {eligible: segment("lapsing"), value: 'double(events("order").count())', treatments: {web: {message: one}}}
  two: {eligible: segment("both"), value: 'events("view").within("9d").sum("seconds") + 0.5 * double(events("view").count())', treatments: {web: {message: two}}}
  three: {applicable: {when: segment("gold"), when_unknown: true}, value: 0.5, priority: 2, treatments: {web: {message: three}}}
  four: {value: 0.5, propensity: {value: customer.rate, prior: 0.25}, treatments: {web: {message: four}}}
  five: {eligible: segment("either"), value: customer.rate, treatments: {web: {message: five}}}
"#;

type Row = (i64, u8, i64, u8);

fn rows() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec((0_i64..4, 0_u8..9, 0_i64..60, 0_u8..12), 1..60)
}

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Form {
    Plain,
    WithIds,
    /// Names as dictionaries without nulls, attributes in columns of their own.
    Coded,
}

fn form() -> impl Strategy<Value = Form> {
    prop_oneof![Just(Form::Plain), Just(Form::WithIds), Just(Form::Coded)]
}

fn with_table<T>(rows: &[Row], form: Form, read: impl FnOnce(Batch<'_>) -> T) -> T {
    let set = if form == Form::Coded { "attributes_set" } else { "attribute_set" };
    let kinds = ["view", "order", "noise", set, "consent_given"];
    let kind = |row: &Row| match row.1 {
        0..=2 => 0,
        3..=5 => 1,
        6 => 2,
        7 => 3,
        _ if row.3 > 9 => 4,
        _ => 0,
    };
    let text = |texts: &[Option<String>]| -> (Vec<i32>, String, Vec<u8>) {
        let (mut offsets, mut bytes, mut valid) = (vec![0], String::new(), vec![0_u8; texts.len().div_ceil(8)]);
        for (at, text) in texts.iter().enumerate() {
            if let Some(text) = text {
                bytes.push_str(text);
                valid[at / 8] |= 1 << (at % 8);
            }
            offsets.push(i32::try_from(bytes.len()).unwrap());
        }
        (offsets, bytes, valid)
    };
    let who: Vec<i64> = rows.iter().map(|row| row.0).collect();
    let types = text(&rows.iter().map(|row| Some(kinds[kind(row)].to_owned())).collect::<Vec<_>>());
    let hours: Vec<i64> = rows.iter().map(|row| row.2 * 6 * 3_600).collect();
    let told = |row: &Row, kind_of: usize, value: String| (kind(row) == kind_of).then_some(value);
    let pages = rows.iter().map(|row| (kind(row) < 3 && row.3 < 9).then(|| ["a", "b", "c"][usize::from(row.3 % 3)].to_owned()));
    let pages = text(&pages.collect::<Vec<_>>());
    let seconds: Vec<f64> = rows.iter().map(|row| f64::from(row.3) / 4.0 + 0.1).collect();
    let amounts = text(&rows.iter().map(|row| told(row, 1, format!("{}.37", row.3))).collect::<Vec<_>>());
    let pieces: Vec<i64> = rows.iter().map(|row| i64::from(row.3 % 6)).collect();
    let names = |row: &Row| if row.3.is_multiple_of(2) { "tier" } else { "city" };
    let attribute = text(&rows.iter().map(|row| told(row, 3, names(row).to_owned())).collect::<Vec<_>>());
    let value = rows.iter().map(|row| told(row, 3, if row.3 % 2 == 0 { (row.3 / 3).to_string() } else { "Ulm".to_owned() }));
    let value = text(&value.collect::<Vec<_>>());
    let purpose = text(&rows.iter().map(|row| told(row, 4, "marketing".to_owned())).collect::<Vec<_>>());
    let ids_of = text(&rows.iter().map(|row| Some(format!("{}{}{}", row.1, row.2, row.3))).collect::<Vec<_>>());
    let mut columns: Vec<(Arc<str>, Column<'_>)> = vec![
        ("customer".into(), Column::ints(&who[..])),
        ("type".into(), column(&types)),
        ("time".into(), Column::timestamps(&hours[..], TimeUnit::Second, None)),
        ("page".into(), column(&pages)),
        ("seconds".into(), Column::doubles(&seconds[..])),
        ("amount".into(), column(&amounts)),
        ("pieces".into(), Column::ints(&pieces[..])),
        ("attribute".into(), column(&attribute)),
        ("value".into(), column(&value)),
        ("purpose".into(), column(&purpose)),
    ];
    let (names, letters) =
        (text(&kinds.map(|kind| Some(kind.to_owned()))), text(&["a", "b", "c"].map(|page| Some(page.to_owned()))));
    let entries: Vec<i32> = rows.iter().map(|row| i32::try_from(kind(row)).unwrap()).collect();
    let letter: Vec<u8> = rows.iter().map(|row| row.3 % 3).collect();
    let tiers: Vec<i64> = rows.iter().map(|row| i64::from(row.3 / 3)).collect();
    let rates: Vec<f64> = rows.iter().map(|row| f64::from(row.3) / 5.0).collect();
    match form {
        Form::Plain => {}
        Form::WithIds => columns.push(("id".into(), column(&ids_of))),
        Form::Coded => {
            columns.retain(|(name, _)| !["type", "page", "attribute", "value"].contains(&&**name));
            columns.push(("type".into(), Column::dictionary(&entries[..], column(&names)).unwrap()));
            columns.push(("page".into(), Column::dictionary(&letter[..], column(&letters)).unwrap()));
            columns.push(("tier".into(), Column::ints(&tiers[..])));
            columns.push(("rate".into(), Column::doubles(&rates[..])));
        }
    }
    read(Batch::new(columns, rows.len()).unwrap())
}

fn column((offsets, bytes, valid): &(Vec<i32>, String, Vec<u8>)) -> Column<'_> {
    let valid = crate::column::Bits::new(valid, 0, offsets.len() - 1).unwrap();
    Column::texts(&offsets[..], bytes.as_bytes()).with_validity(valid).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rows_say_what_stories_say(rows in rows(), now in 0_i64..400, form in form(), sorted in any::<bool>()) {
        let engine = Engine::compile(&[("census.yaml", PLAYBOOK)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let now = Timestamp::from_micros(now * 3_600_000_000 + 1).unwrap();
        let options = CensusOptions { now, placement: Some("home".to_owned()), columns: Default::default() };
        let mut rows = rows;
        if sorted {
            rows.sort_by_key(|row| row.2);
        }
        let (flat, told) = with_table(&rows, form, |batch| {
            let batches = [batch];
            (Census::of(&engine, &batches, &options).unwrap(), stories::all(&engine, &batches, &options).unwrap())
        });
        prop_assert_eq!(by_customer(&flat), by_customer(&told));
    }

    #[test]
    fn figures_say_what_stories_say(rows in rows(), now in 0_i64..400, coded in any::<bool>(), sorted in prop::bool::weighted(0.8)) {
        let engine = Engine::compile(&[("census.yaml", ADDED_UP)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let now = Timestamp::from_micros(now * 3_600_000_000 + 1).unwrap();
        let options = CensusOptions { now, placement: Some("home".to_owned()), columns: Default::default() };
        let mut rows = rows;
        if sorted {
            rows.sort_by_key(|row| row.2);
        }
        let flat = super::flat::Flat::of(&engine, Some(0)).unwrap();
        prop_assert!(super::sums::Sums::of(&flat, now).is_some(), "everything can be added up");
        let (flat, told) = with_table(&rows, if coded { Form::Coded } else { Form::Plain }, |batch| {
            let batches = [batch];
            (Census::of(&engine, &batches, &options).unwrap(), stories::all(&engine, &batches, &options).unwrap())
        });
        prop_assert_eq!(by_customer(&flat), by_customer(&told));
    }
}

type Told = Vec<(Arc<str>, Vec<Option<bool>>, Option<Arc<str>>, Option<f64>)>;

fn by_customer(found: &Census) -> Told {
    let mut told: Told = found
        .customers
        .iter()
        .enumerate()
        .map(|(at, customer)| {
            let members = found.segments.iter().map(|(_, members)| members[at]).collect();
            (customer.clone(), members, found.offers[at].clone(), found.scores[at])
        })
        .collect();
    told.sort_by(|a, b| a.0.cmp(&b.0));
    told
}

#[test]
fn rows_are_enough_for_most() {
    let engine = Engine::compile(&[("census.yaml", PLAYBOOK)]).unwrap();
    let options = |placement: Option<&str>| CensusOptions {
        now: Timestamp::from_micros(60 * 6 * 3_600_000_000).unwrap(),
        placement: placement.map(str::to_owned),
        columns: Default::default(),
    };
    let rows: Vec<Row> = (0..40).map(|at| (at % 4, (at % 6) as u8, at, (at % 5) as u8)).collect();
    let found = with_table(&rows, Form::Plain, |batch| Census::of(&engine, &[batch], &options(Some("home"))).unwrap());
    assert_eq!((found.customers.len(), found.from_stories), (4, 0));
    let wrong = with_table(&rows, Form::Plain, |batch| Census::of(&engine, &[batch], &options(Some("hom"))).unwrap_err());
    assert_eq!(wrong.code(), "unknown_placement");
}

/// Number 7 of one namespace is somebody else than number 7 of another.
#[test]
fn the_same_number_in_two_namespaces_is_two_customers() {
    let playbook = "{playbook: a, version: 1, identity: {person: {}, household: {}}, events: {view: {}}, \
        segments: {viewer: 'events(\"view\").count() >= 2'}, channels: {web: text}, placements: {home: {channel: web}}, offers: {}}";
    let engine = Engine::compile(&[("a.yaml", playbook)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let now = Timestamp::from_micros(100_000_000).unwrap();
    let options = CensusOptions { now, placement: None, columns: Default::default() };
    let (who, times) = ([7_i64], [1_i64]);
    let table = |namespace: &str| {
        let columns = vec![
            (Arc::from(namespace), Column::ints(&who[..])),
            ("type".into(), Column::texts(&[0_i32, 4][..], b"view")),
            ("time".into(), Column::timestamps(&times[..], TimeUnit::Second, None)),
        ];
        Batch::new(columns, 1).unwrap()
    };
    let batches = [table("person"), table("household")];
    let (flat, told) = (Census::of(&engine, &batches, &options).unwrap(), stories::all(&engine, &batches, &options).unwrap());
    let names = by_customer(&flat).into_iter().map(|(name, members, ..)| (name.to_string(), members)).collect::<Vec<_>>();
    assert_eq!(names, ["household:7", "person:7"].map(|name| (name.to_owned(), vec![Some(false)])));
    assert_eq!(by_customer(&flat), by_customer(&told));
}
