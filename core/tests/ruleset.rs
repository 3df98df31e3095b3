//! Rule sets against the reference evaluator: generated rules over partial facts.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

mod shapes;

use proptest::prelude::*;
use std::sync::Arc;
use tactful::column::{Batch, Bits, Column, TimeUnit};
use tactful::expr::{Expression, FactId, NamedFacts, Outcome, Row, RuleSet, Schema, TimeClass, Truth, evaluate};
use tactful::value::{Currency, Type};
use tactful::{Decimal, Duration, Timestamp, Value};

/// Paths and types of the facts.
fn declared() -> Vec<(&'static str, Type)> {
    let list = |element| Type::List(Box::new(element));
    vec![
        ("flag", Type::Bool),
        ("c.age", Type::Int),
        ("c.visits", Type::Uint),
        ("c.score", Type::Double),
        ("c.city", Type::String),
        ("c.tier", Type::Enum(["gold", "silver"].map(Arc::from).into())),
        ("c.spent", Type::Money { currency: Currency::parse("EUR").unwrap(), scale: 2 }),
        ("c.born", Type::Timestamp),
        ("c.gap", Type::Duration),
        ("tags", list(Type::String)),
        ("sizes", list(Type::Int)),
    ]
}

fn schema() -> Arc<Schema> {
    let mut schema = Schema::new();
    for (path, ty) in declared() {
        schema.declare_fact(path, ty, TimeClass::Step);
    }
    Arc::new(schema)
}

/// Small domains, so that values meet the constants and the gaps between them.
fn value(number: usize) -> BoxedStrategy<Value> {
    let texts = |from: &'static [&'static str]| prop::sample::select(from).prop_map(Value::text).boxed();
    let list =
        |items: BoxedStrategy<Value>| prop::collection::vec(items, 0..4).prop_map(|items| Value::List(items.into())).boxed();
    match number {
        0 => any::<bool>().prop_map(Value::Bool).boxed(),
        1 => prop_oneof![-2_i64..12, Just(i64::MAX), Just((1 << 53) + 1)].prop_map(Value::Int).boxed(),
        2 => prop_oneof![0_u64..12, Just(u64::MAX)].prop_map(Value::Uint).boxed(),
        3 => prop::sample::select(&[-1.5, -0.0, 0.0, 0.5, 1.0, 2.0, 2.5, 1e300][..]).prop_map(Value::Double).boxed(),
        4 => texts(&["", "Bonn", "Born", "Ulm", "Berlin"]),
        5 => texts(&["gold", "silver"]),
        6 => (-3_i64..6)
            .prop_map(|units| Value::Decimal(Decimal::new(i128::from(units) * 50, 2, Currency::parse("EUR"))))
            .boxed(),
        7 => (0_i64..4).prop_map(|at| Value::from(Timestamp::from_micros(at * 1_000_000).unwrap())).boxed(),
        8 => (0_i64..4).prop_map(|at| Value::Duration(Duration::from_nanos(at * 1_000_000_000))).boxed(),
        9 => list(texts(&["vip", "new", "old"])),
        _ => list((0_i64..5).prop_map(Value::Int).boxed()),
    }
}

fn facts() -> impl Strategy<Value = Vec<Option<Value>>> {
    (0..declared().len()).map(|number| prop::option::weighted(0.7, value(number))).collect::<Vec<_>>()
}

/// Texts of comparisons with an index and of parts without one.
fn atom() -> BoxedStrategy<String> {
    let op = || prop::sample::select(&["==", "!=", "<", "<=", ">", ">="][..]);
    let number = || prop::sample::select(&["-1", "0", "1", "2", "3", "7", "2.5", "0.0", "9007199254740993", "3u"][..]);
    let text = || prop::sample::select(&["'Bonn'", "'Born'", "'Ulm'", "''", "'Paris'"][..]);
    let tag = || prop::sample::select(&["'vip'", "'new'", "'gone'"][..]);
    let fact = || prop::sample::select(&["c.age", "c.visits", "c.score"][..]);
    prop_oneof![
        (fact(), op(), number()).prop_map(|(fact, op, number)| format!("{fact} {op} {number}")),
        (number(), op(), fact()).prop_map(|(number, op, fact)| format!("{number} {op} {fact}")),
        (fact(), number(), number()).prop_map(|(fact, a, b)| format!("{fact} in [{a}, {b}]")),
        (op(), text()).prop_map(|(op, text)| format!("c.city {op} {text}")),
        (text(), text(), text()).prop_map(|(a, b, c)| format!("c.city in [{a}, {b}, {c}]")),
        op().prop_map(|op| format!("c.tier {op} 'gold'")),
        (op(), prop::sample::select(&["-0.5", "1", "1.00", "1.005"][..]))
            .prop_map(|(op, amount)| format!("c.spent {op} {amount}")),
        (op(), prop::sample::select(&["01Z", "02Z", "01.0000005Z"][..]))
            .prop_map(|(op, at)| format!("c.born {op} timestamp('1970-01-01T00:00:{at}')")),
        op().prop_map(|op| format!("c.gap {op} duration('2s')")),
        tag().prop_map(|tag| format!("{tag} in tags")),
        (tag(), tag()).prop_map(|(a, b)| format!("tags.exists(t, t in [{a}, {b}])")),
        Just("sizes.exists(s, s == 3)".to_string()),
        Just("2 in sizes".to_string()),
        Just("flag".to_string()),
        Just("flag == false".to_string()),
        Just("true".to_string()),
        prop::sample::select(&["c.age", "c.born", "c.city", "c.score"][..]).prop_map(|fact| format!("has({fact})")),
        // Without an index, some with errors.
        Just("10 / c.age > 2".to_string()),
        Just("c.city.startsWith('Bo')".to_string()),
        Just("c.age > c.age * 1 - 1".to_string()),
        Just("tags.size() > 1".to_string()),
        Just("sizes[0] == 1".to_string()),
        Just("tags.all(t, t != 'new')".to_string()),
    ]
    .boxed()
}

fn condition() -> impl Strategy<Value = String> {
    atom().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..5).prop_map(|parts| format!("({})", parts.join(" && "))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" || "))),
            inner.clone().prop_map(|part| format!("!({part})")),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
        ]
    })
}

fn truth(outcome: &Outcome) -> Truth {
    match outcome {
        Outcome::Unknown(_) => Truth::Unknown,
        outcome => match outcome.as_bool() {
            Some(true) => Truth::True,
            Some(false) => Truth::False,
            None => Truth::Error,
        },
    }
}

/// The same facts for the reference and for rows.
fn told(schema: &Arc<Schema>, facts: &[Option<Value>]) -> NamedFacts {
    let empty = NamedFacts::of(schema.clone(), Timestamp::from_micros(0).unwrap());
    declared().iter().zip(facts).fold(empty, |all, ((path, _), value)| match value {
        Some(value) => all.with(path, value.clone()),
        None => all,
    })
}

fn fill(row: &mut Row, facts: &[Option<Value>]) {
    row.clear();
    for (number, value) in (0..).zip(facts) {
        if let Some(value) = value {
            row.set(FactId(number), value).unwrap();
        }
    }
}

/// The customers as columns.
struct Table {
    rows: usize,
    flags: Vec<u8>,
    ages: Vec<i64>,
    visits: Vec<u64>,
    scores: Vec<f64>,
    spent: Vec<[u8; 16]>,
    born: Vec<i64>,
    /// `c.city`, `c.tier`, `c.gap`, and the elements of `tags`.
    texts: [(Vec<i32>, Vec<u8>); 4],
    tags: Vec<i32>,
    sizes: (Vec<i32>, Vec<i64>),
    known: Vec<Vec<u8>>,
}

impl Table {
    fn of(customers: &[Vec<Option<Value>>]) -> Table {
        let rows = customers.len();
        let bits = |set: &dyn Fn(&Vec<Option<Value>>) -> bool| {
            let mut bytes = vec![0_u8; rows.div_ceil(8)];
            customers.iter().enumerate().filter(|(_, one)| set(one)).for_each(|(row, _)| bytes[row / 8] |= 1 << (row % 8));
            bytes
        };
        let mut table = Table {
            rows,
            flags: bits(&|one| one[0] == Some(Value::Bool(true))),
            ages: Vec::new(),
            visits: Vec::new(),
            scores: Vec::new(),
            spent: Vec::new(),
            born: Vec::new(),
            texts: std::array::from_fn(|_| (vec![0], Vec::new())),
            tags: vec![0],
            sizes: (vec![0], Vec::new()),
            known: (0..declared().len()).map(|fact| bits(&|one| one[fact].is_some())).collect(),
        };
        let mut push = |column: usize, text: &str| {
            let (offsets, bytes) = &mut table.texts[column];
            bytes.extend(text.as_bytes());
            offsets.push(i32::try_from(bytes.len()).unwrap());
        };
        let mut tags = 0;
        for one in customers {
            table.ages.push(if let Some(Value::Int(number)) = one[1] { number } else { 0 });
            table.visits.push(if let Some(Value::Uint(number)) = one[2] { number } else { 0 });
            table.scores.push(if let Some(Value::Double(number)) = one[3] { number } else { 0.0 });
            push(0, one[4].as_ref().and_then(Value::as_text).unwrap_or(""));
            push(1, one[5].as_ref().and_then(Value::as_text).unwrap_or("gold"));
            table.spent.push(if let Some(Value::Decimal(amount)) = one[6] { amount.units() } else { 0 }.to_ne_bytes());
            table.born.push(if let Some(Value::Timestamp(at)) = one[7] { at.to_timestamp().micros() } else { 0 });
            push(2, &if let Some(Value::Duration(gap)) = one[8] { format!("{}ns", gap.nanos()) } else { "0s".into() });
            if let Some(Value::List(items)) = &one[9] {
                items.iter().filter_map(Value::as_text).for_each(|tag| push(3, tag));
                tags += i32::try_from(items.len()).unwrap();
            }
            table.tags.push(tags);
            if let Some(Value::List(items)) = &one[10] {
                let whole = |item: &Value| if let Value::Int(number) = item { *number } else { 0 };
                table.sizes.1.extend(items.iter().map(whole));
            }
            table.sizes.0.push(i32::try_from(table.sizes.1.len()).unwrap());
        }
        table
    }

    fn matches(&self, rules: &RuleSet) -> tactful::expr::BatchMatches {
        let text = |at: usize| Column::texts(self.texts[at].0.as_slice(), &self.texts[at].1);
        let valid = |fact: usize| Bits::new(&self.known[fact], 0, self.rows).unwrap();
        let columns = [
            Column::bools(Bits::new(&self.flags, 0, self.rows).unwrap()),
            Column::ints(self.ages.as_slice()),
            Column::ints(self.visits.as_slice()),
            Column::doubles(self.scores.as_slice()),
            text(0),
            text(1),
            Column::decimals(&self.spent, 2),
            Column::timestamps(self.born.as_slice(), TimeUnit::Microsecond, None),
            text(2),
        ];
        let named = columns
            .into_iter()
            .enumerate()
            .map(|(fact, column)| (Arc::from(declared()[fact].0), column.with_validity(valid(fact)).unwrap()));
        let batch = Batch::new(named.collect(), self.rows).unwrap();
        let columns = tactful::expr::RuleColumns::new(&batch).with_list("tags", &self.tags, text(3), Some(valid(9))).with_list(
            "sizes",
            &self.sizes.0,
            Column::ints(self.sizes.1.as_slice()),
            Some(valid(10)),
        );
        rules.matches_batch(&columns).unwrap()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn a_rule_set_finds_what_the_reference_finds(
        conditions in prop::collection::vec(condition(), 1..60),
        customers in prop::collection::vec(facts(), 1..8),
    ) {
        let schema = schema();
        // Too many nested conditions in one rule are refused: that is not what is tested here.
        let named: Vec<(String, String)> = conditions.into_iter().enumerate()
            .filter(|(_, text)| Expression::compile(text, Some(&schema)).is_ok())
            .map(|(i, text)| (format!("r{i}"), text)).collect();
        let checked: Vec<_> = named.iter().map(|(_, text)| Expression::compile(text, Some(&schema)).unwrap()).collect();
        let rules = RuleSet::compile(named.iter().map(|(name, text)| (name, text)), &schema).unwrap();
        let (mut row, mut again, mut scratch) = (rules.row(), rules.row(), rules.scratch());
        let batch = Table::of(&customers).matches(&rules);
        for (at, customer) in customers.iter().enumerate() {
            let facts = told(&schema, customer);
            let expected: Vec<Truth> = checked.iter().map(|one| truth(&evaluate(one.checked(), &facts).outcome)).collect();
            fill(&mut row, customer);
            let found: Vec<u32> = rules.matches(&row, &mut scratch).iter().map(|rule| rule.0).collect();
            let wanted: Vec<u32> = (0..).zip(&expected).filter(|(_, truth)| **truth == Truth::True).map(|(rule, _)| rule).collect();
            prop_assert_eq!(&found, &wanted);
            for ((rule, expected), (_, text)) in (0..).zip(&expected).zip(&named) {
                let rule = tactful::expr::RuleId(rule);
                prop_assert_eq!(rules.value(rule, &row), Some(*expected), "{} of {:?}", text, customer);
                prop_assert_eq!(rules.holds(rule, &row), *expected == Truth::True);
                prop_assert_eq!(batch.holds(rule, at), *expected == Truth::True, "{} of {:?}", text, customer);
            }
            let found: Vec<u32> =
                rules.matches_facts(&facts, &mut again, &mut scratch).unwrap().iter().map(|rule| rule.0).collect();
            prop_assert_eq!(found, wanted);
        }
    }
}

/// A number below `bound`, the next one of splitmix64.
fn below(state: &mut u64, bound: u64) -> i64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    i64::try_from((z ^ (z >> 31)) % bound).unwrap()
}

/// Thousands of constants per fact: groups of codes say too little about some rules, elements share rows.
#[test]
fn many_rules_with_many_constants_are_found_exactly() {
    let mut schema = Schema::new();
    let facts = ["a", "b", "c"].map(|path| schema.declare_fact(path, Type::Int, TimeClass::Step));
    let list = schema.declare_fact("l", Type::List(Box::new(Type::Int)), TimeClass::Step);
    let mut state = 7;
    // Each rule: a >= x (&& b < y || c == z) && (w in l).
    let rules: Vec<[i64; 5]> = (0..9_000)
        .map(|_| {
            let kind = below(&mut state, 4);
            [kind, below(&mut state, 3_000), below(&mut state, 3_000), below(&mut state, 40), below(&mut state, 3_000)]
        })
        .collect();
    let text = |[kind, x, y, z, w]: &[i64; 5]| match kind {
        0 => format!("a >= {x} && b < {y}"),
        1 => format!("a >= {x} && (b < {y} || c == {z})"),
        2 => format!("a in [{x}, {y}, {w}] || !(c != {z})"),
        _ => format!("b < {y} && {w} in l"),
    };
    let set = RuleSet::compile(rules.iter().enumerate().map(|(i, rule)| (format!("r{i}"), text(rule))), &schema).unwrap();
    let (mut row, mut scratch) = (set.row(), set.scratch());
    let mut total = 0;
    for customer in 0..40 {
        row.clear();
        let known = |fact: i64| customer % (fact + 3) != 0;
        let values: Vec<Option<i64>> =
            (0..3).map(|fact| Some(below(&mut state, if fact == 2 { 40 } else { 3_000 })).filter(|_| known(fact))).collect();
        let elements: Vec<i64> = (0..60).map(|_| below(&mut state, 3_000)).collect();
        for (fact, value) in facts.iter().zip(&values) {
            if let Some(value) = value {
                row.set_int(*fact, *value).unwrap();
            }
        }
        if known(3) {
            row.set(list, &Value::List(elements.iter().map(|element| Value::Int(*element)).collect())).unwrap();
        }
        let holds = |[kind, x, y, z, w]: &[i64; 5]| {
            let (a, b) = (values[0].is_some_and(|a| a >= *x), values[1].is_some_and(|b| b < *y));
            let c = values[2] == Some(*z);
            match kind {
                0 => a && b,
                1 => a && (b || c),
                2 => values[0].is_some_and(|a| [x, y, w].contains(&&a)) || c,
                _ => b && known(3) && elements.contains(w),
            }
        };
        let expected: Vec<u32> = (0..).zip(&rules).filter(|(_, rule)| holds(rule)).map(|(id, _)| id).collect();
        let found: Vec<u32> = set.matches(&row, &mut scratch).iter().map(|rule| rule.0).collect();
        assert_eq!(found, expected);
        total += found.len();
    }
    assert!(total > 10_000);
}

/// Few and many rules of each shape, so that every kind of index is asked; some blocks are full and others not.
#[test]
fn rule_sets_of_every_shape_are_found_exactly() {
    for (seed, shape) in (1..).zip(shapes::SHAPES) {
        for count in [3, 300, 2_700] {
            let rules = shape.rules(count, seed);
            let texts = rules.iter().enumerate().map(|(i, rule)| (format!("r{i}"), shape.text(rule)));
            let set = RuleSet::compile(texts, &shape.schema()).unwrap();
            let (mut row, mut scratch) = (set.row(), set.scratch());
            let mut total = 0;
            for customer in shape.customers(24, seed) {
                shape.fill(&mut row, &customer);
                let expected: Vec<u32> =
                    (0..).zip(&rules).filter(|(_, rule)| shapes::holds(rule, &customer)).map(|(id, _)| id).collect();
                let found: Vec<u32> = set.matches(&row, &mut scratch).iter().map(|rule| rule.0).collect();
                assert_eq!(found, expected, "{count} rules of {}", shape.name);
                total += found.len();
            }
            assert!(count < 2_700 || total > 0, "{} matches something", shape.name);
            // No shape may take memory out of proportion to its text.
            let text: usize = rules.iter().map(|rule| shape.text(rule).len()).sum();
            assert!(set.bytes() < 40 * text + (4 << 20), "{}: {} bytes for {text}", shape.name, set.bytes());
        }
    }
}

#[test]
fn json_sets_facts_and_refuses_what_is_told_twice() {
    let mut schema = Schema::new();
    schema.declare_fact("customer.age", Type::Int, TimeClass::Step);
    schema.declare_fact("customer.tags", Type::List(Box::new(Type::String)), TimeClass::Step);
    schema.declare_fact("c.score", Type::Double, TimeClass::Step);
    let rules = [
        ("adult", "customer.age >= 18"),
        ("vip", "'vip' in customer.tags"),
        ("good", "c.score > 1.5"),
        ("odd", "customer.age % 2 == 1"),
        ("told", "has(c.score)"),
    ];
    let rules = RuleSet::compile(rules, &schema).unwrap();
    let (mut row, mut scratch) = (rules.row(), rules.scratch());
    let mut found = |json: &str| {
        row.read_json(json).map(|()| {
            let ids = rules.matches(&row, &mut scratch).to_vec();
            ids.into_iter().map(|id| rules.name(id).unwrap()).collect::<Vec<_>>().join(" ")
        })
    };
    let skipped = r#""other":[1,{"customer":{"age":1}}],"customer.none":{}"#;
    assert_eq!(
        found(&format!(r#"{{"customer":{{"age":19,"tags":["a","vip"]}},"c.score":2,{skipped}}}"#)).unwrap(),
        "adult vip good odd told"
    );
    assert_eq!(found(r#"{"customer.age":20,"c.score":null}"#).unwrap(), "adult");
    assert_eq!(found("{}").unwrap(), "");
    for (json, part) in [
        (r#"{"customer.age":1,"customer":{"age":1}}"#, "`customer.age` is told twice"),
        (r#"{"c.score":1,"c":{"score":1}}"#, "`c.score` is told twice"),
        (r#"{"c.score":"high"}"#, "`c.score`: expected double, found string"),
        (r#"{"customer.age":1.5}"#, "`customer.age`: expected int, found double"),
        (r#"{"customer.tags":["a",1]}"#, "expected text"),
        (r#"{"c.score":[1]}"#, "expected double for `c.score`"),
        ("[]", "expected an object of facts"),
        ("{} {}", "trailing characters"),
    ] {
        let error = found(json).unwrap_err();
        assert_eq!(error.code(), "bad_json");
        assert!(error.to_string().contains(part), "{error}");
        // What was read before the mistake is forgotten.
        assert_eq!(found("{}").unwrap(), "");
    }
}

#[test]
fn mistakes_carry_the_names_of_their_rules() {
    let mut schema = Schema::new();
    schema.declare_fact("age", Type::Int, TimeClass::Step);
    let mistakes =
        RuleSet::compile([("a", "age > 'x'"), ("b", "agee > 1"), ("b", "age > 1"), ("c", "age")], &schema).unwrap_err();
    let found: Vec<_> = mistakes.0.iter().map(|one| (one.code, one.path.as_str())).collect();
    assert_eq!(found, [("type_mismatch", "a"), ("unknown_name", "b"), ("type_mismatch", "c"), ("duplicate_name", "b")]);
}

#[test]
fn a_row_of_another_set_matches_nothing() {
    let mut schema = Schema::new();
    let age = schema.declare_fact("age", Type::Int, TimeClass::Step);
    let set = |text: &str| RuleSet::compile([("r", text)], &schema).unwrap();
    let (one, other) = (set("age > 1"), set("age > 1"));
    let mut row = other.row();
    row.set_int(age, 5).unwrap();
    let rule = one.rule("r").unwrap();
    assert!(other.holds(rule, &row) && !one.holds(rule, &row));
    assert!(one.matches(&row, &mut one.scratch()).is_empty());
    assert_eq!((one.value(rule, &row), other.value(rule, &row)), (None, Some(Truth::True)));
    assert!(row.set_named("agee", &Value::Int(1)).is_err() && row.set(age, &Value::text("5")).is_err());
    assert_eq!(other.value(rule, &row), Some(Truth::Unknown));
    let facts = NamedFacts::of(Arc::new(schema.clone()), Timestamp::from_micros(0).unwrap()).with("age", Value::Int(0));
    assert_eq!(one.explain("r", &facts).unwrap().reasons(), ["`age > 1` is false: `age` is 0"]);
}
