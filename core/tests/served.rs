//! Who gets what and who goes without: counts by hand.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use tactful::served::{Protected, Served, ServedOptions};
use tactful::{CustomerBase, Engine, Event, Identifier, Timestamp};

const SHOP: &str = r#"
playbook: shop
version: 1
identity: {customer: {}, cookie: {anonymous: true}}
purposes: {marketing: {default: opt_in}}
attributes:
  gender: {type: string}
  age: {type: int}
  diet: {type: string}
segments: {young: customer.age < 30, fond: 'customer.gender == "f"'}
events: {search: {term: string}, visit: {}}
needs:
  baby: {evidence: [{when: 'events("search").where(e, e.term == "nappies").exists()', strength: 0.9}]}
  pet: {evidence: [{when: 'events("search").where(e, e.term == "dog").exists()', strength: 0.8}]}
channels: {web: text}
placements: {home: {channel: web}, side: {channel: web, slots: 2}}
offers:
  nappies:
    purposes: [marketing]
    placements: [home]
    eligible: need("baby") > 0.5
    suitable: segment("young")
    value: 5
    treatments: {web: {message: Nappies.}}
  vegan: {placements: [home], eligible: 'customer.diet == "vegan"', treatments: {web: {message: Greens.}}}
  brooch: {placements: [side], eligible: segment("fond"), treatments: {web: {message: B.}}}
"#;

fn now() -> Timestamp {
    Timestamp::parse("2026-01-05T10:00:00Z").unwrap()
}

/// Customers of which each is told something by number.
fn base(count: u32, tell: &dyn Fn(u32, &mut Vec<(&'static str, &'static str, String)>)) -> CustomerBase {
    let engine = Engine::compile(&[("shop.yaml", SHOP)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let mut base = CustomerBase::new(engine);
    for number in 0..count {
        let who = Identifier::parse(&format!("customer:{number:04}")).unwrap();
        base.record(&Event::new("visit", now(), who.clone())).unwrap();
        let mut told = Vec::new();
        tell(number, &mut told);
        for (what, name, value) in told {
            let event = match what {
                "attribute" => {
                    let event = Event::new("attribute_set", now(), who.clone()).with("attribute", name);
                    if name == "age" {
                        event.with("value", value.parse::<i64>().unwrap())
                    } else {
                        event.with("value", value.as_str())
                    }
                }
                "consent" => Event::new("consent_given", now(), who.clone()).with("purpose", name),
                _ => Event::new("search", now(), who.clone()).with("term", value.as_str()),
            };
            base.record(&event).unwrap();
        }
    }
    base
}

fn served(base: &CustomerBase, protected: Vec<Protected>) -> Served {
    base.served(&ServedOptions { protected, ..ServedOptions::at(now()) }).unwrap()
}

/// Eight customers look for nappies: two do not consent, one is too old, one of unknown age. One of them is vegan all the same.
#[test]
fn the_gate_that_closes_is_counted_and_needs_stay_unmet() {
    let base = base(10, &|number, told| {
        if number < 8 {
            told.push(("search", "", "nappies".to_owned()));
        }
        if number != 0 && number != 1 {
            told.push(("consent", "marketing", String::new()));
        }
        if number != 3 {
            told.push(("attribute", "age", if number == 2 { "50" } else { "25" }.to_owned()));
        }
        if number != 9 {
            told.push(("attribute", "diet", if number == 0 { "vegan" } else { "any" }.to_owned()));
        }
        if number == 9 {
            told.push(("search", "", "dog".to_owned()));
        }
    });
    let found = served(&base, Vec::new());
    assert_eq!((found.customers, found.served), (10, 5));
    let home = &found.placements[0];
    assert_eq!((&*home.placement, home.served), ("home", 5));
    let gates: Vec<_> = home.gates.iter().map(|gate| (gate.gate, gate.closed, gate.unknown, gate.left)).collect();
    // Without consent (1) the vegan offer reaches farther: it stops at eligible, as it does for 8 and 9; of 9 the diet is unknown.
    assert_eq!(gates, [("eligible", 3, 1, 7), ("suitable", 2, 1, 5)]);
    let side = &found.placements[1];
    let gates: Vec<_> = side.gates.iter().map(|gate| (gate.gate, gate.closed, gate.unknown, gate.left)).collect();
    assert_eq!((side.served, gates), (0, vec![("eligible", 10, 10, 0)]));

    let baby = &found.needs[0];
    assert_eq!((&*baby.need, baby.strong, baby.unserved, baby.unmet), ("baby", 8, 3, 4));
    assert_eq!(baby.offers.iter().map(|offer| &**offer).collect::<Vec<_>>(), ["nappies"]);
    let by: Vec<_> = baby.unmet_by.iter().map(|closed| (closed.gate, closed.customers)).collect();
    assert_eq!(by, [("consent", 2), ("suitable", 2)]);
    let by: Vec<_> = baby.unserved_by.iter().map(|closed| (closed.gate, closed.customers)).collect();
    assert_eq!(by, [("eligible", 1), ("suitable", 2)]);
    let pet = &found.needs[1];
    assert_eq!((pet.strong, pet.unserved, pet.unmet, pet.offers.len()), (1, 1, 1, 0));
    assert_eq!((pet.unmet_by[0].gate, pet.unmet_by[0].customers), ("none", 1));
}

fn everybody(number: u32, told: &mut Vec<(&'static str, &'static str, String)>) {
    told.push(("attribute", "gender", if number.is_multiple_of(2) { "f" } else { "m" }.to_owned()));
    told.push(("attribute", "age", (20 + number % 50).to_string()));
    // 60 of 100 women and 30 of 100 men.
    let vegan = if number.is_multiple_of(2) { number / 2 % 10 < 6 } else { number / 2 % 10 < 3 };
    told.push(("attribute", "diet", if vegan { "vegan" } else { "<any>" }.to_owned()));
}

#[test]
fn rates_of_groups_are_compared_with_the_highest() {
    let base = base(200, &everybody);
    let options = ServedOptions {
        placements: vec!["home".into()],
        protected: vec![
            Protected::by("gender"),
            Protected { name: "age".into(), bands: vec![30.0, 50.0] },
            Protected::by("fond"),
            Protected::by("diet"),
        ],
        ..ServedOptions::at(now())
    };
    let found = base.served(&options).unwrap();
    let gender = &found.protected[0];
    // The side is not asked here, but its offer reads the attribute through a segment.
    assert_eq!(gender.read_by.iter().map(|offer| &**offer).collect::<Vec<_>>(), ["brooch"]);
    let any = &gender.selections[0];
    assert!(any.offer.is_none() && any.alarm);
    let [women, men] = any.groups.as_slice() else { panic!("two groups") };
    assert_eq!((&*women.group, women.customers, women.served, women.ratio), ("f", 100, 60, Some(1.0)));
    assert!(women.ratio_interval.is_none() && women.difference_interval.is_none() && !women.below_four_fifths);
    assert_eq!((&*men.group, men.customers, men.served, men.ratio), ("m", 100, 30, Some(0.5)));
    assert!(men.below_four_fifths && (men.difference + 0.3).abs() < 1e-12);
    // By Newcombe and by Katz, calculated by hand: the logarithm of 0.5 is off by 1.96 x √(1/30 - 1/100 + 1/60 - 1/100) = 0.3395.
    let (difference, ratio) = (men.difference_interval.unwrap(), men.ratio_interval.unwrap());
    assert!((difference.low + 0.4221).abs() < 1e-3 && (difference.high + 0.1639).abs() < 1e-3, "{difference:?}");
    assert!((ratio.low - 0.3561).abs() < 1e-4 && (ratio.high - 0.7021).abs() < 1e-4, "{ratio:?}");
    assert_eq!(gender.selections[1].offer.as_deref(), Some("vegan"));
    let ages: Vec<(&str, u64)> =
        found.protected[1].selections[0].groups.iter().map(|group| (&*group.group, group.customers)).collect();
    assert_eq!(ages, [("30 to below 50", 80), ("50 and above", 80), ("below 30", 40)]);
    let fond: Vec<&str> = found.protected[2].selections[0].groups.iter().map(|group| &*group.group).collect();
    assert_eq!(fond, ["in", "out"]);
    assert_eq!(found.protected[2].read_by.len(), 1);
    let text = found.to_string();
    assert!(text.contains("by gender: read by brooch") && text.contains("below four fifths"), "{text}");
    let html = found.to_html();
    assert!(html.contains("<td>&lt;any&gt;</td>") && !html.contains("<any>"));
}

/// A group below the threshold is never shown, nor can it be told from the sum of all.
#[test]
fn small_groups_are_withheld() {
    let names = |base: &CustomerBase, k: u64| {
        let options = ServedOptions { protected: vec![Protected::by("gender")], k, ..ServedOptions::at(now()) };
        let found = base.served(&options).unwrap().protected.remove(0);
        let groups = found.selections.into_iter().next().map(|one| one.groups).unwrap_or_default();
        (groups.iter().map(|group| (group.group.to_string(), group.customers)).collect::<Vec<_>>(), found.withheld)
    };
    let base = base(60, &|number, told| {
        let gender = if number < 30 {
            "f"
        } else if number < 48 {
            "m"
        } else if number < 52 {
            "x"
        } else {
            "y"
        };
        told.push(("attribute", "gender", gender.to_owned()));
    });
    assert_eq!(names(&base, 10), (vec![("f".into(), 30), ("m".into(), 18), ("other".into(), 12)], 2));
    // Twelve are too few: the smallest that would be shown goes with them.
    assert_eq!(names(&base, 13), (vec![("f".into(), 30), ("other".into(), 30)], 3));
    assert_eq!(names(&base, 61), (Vec::new(), 4));
    assert_eq!(names(&base, 4).0.len(), 4);
}

#[test]
fn what_is_wrong_is_said() {
    let base = base(1, &|_, _| {});
    let code = |options: ServedOptions| {
        let error = base.served(&options).unwrap_err();
        (error.code(), error.path().to_owned())
    };
    let usual = || ServedOptions::at(now());
    let protected = |own: Protected| ServedOptions { protected: vec![own], ..usual() };
    assert_eq!(code(protected(Protected::by("gendre"))), ("undeclared_group", "protected[0]".into()));
    assert_eq!(code(protected(Protected { name: "age".into(), bands: vec![30.0, 20.0] })).1, "protected[0].bands");
    assert_eq!(code(protected(Protected { name: "age".into(), bands: vec![f64::NAN] })).1, "protected[0].bands");
    assert_eq!(code(ServedOptions { strong: 0.0, ..usual() }), ("out_of_range", "strong".into()));
    assert_eq!(code(ServedOptions { confidence: f64::NAN, ..usual() }).1, "confidence");
    assert_eq!(code(ServedOptions { k: 0, ..usual() }), ("out_of_range", "k".into()));
    assert_eq!(
        code(ServedOptions { placements: vec!["hom".into()], ..usual() }),
        ("unknown_placement", "placements[0]".into())
    );
    let nobody = CustomerBase::new(base.engine().clone());
    assert_eq!(nobody.served(&usual()).unwrap().customers, 0);
    assert!(nobody.served(&ServedOptions { placements: vec!["hom".into()], ..usual() }).is_err());
}
