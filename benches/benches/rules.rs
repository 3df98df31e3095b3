//! The rule language against its peers on one workload, in one run: `cargo bench --bench rules --features peers`.
//!
//! `TACTFUL_RULES` is the largest number of rules, 10000 unless given (a-tree takes a minute to build 100000). Every engine must
//! give the expected matches, or the run ends. Times are of this thread on the processor, the median of several samples.

use std::hint::black_box;
use std::sync::Arc;
use tactful::column::{Batch, Bits, Column};
use tactful::expr::{FactId, Row, RuleColumns, RuleId, RuleSet};
use tactful_benches::measure::{nanos, once};
use tactful_benches::workload::{self, Context, Fact, Kind, Rule};

/// What was measured: what, by whom, nanoseconds.
#[derive(Default)]
struct Table(Vec<(String, String, f64)>);

impl Table {
    fn add(&mut self, work: &str, engine: &str, nanos: f64) {
        println!("{work:28} {engine:24} {nanos:14.2} ns");
        self.0.push((work.into(), engine.into(), nanos));
    }

    fn time(&self, work: &str, engine: &str) -> Option<f64> {
        self.0.iter().find(|(w, e, _)| w == work && e == engine).map(|(.., nanos)| *nanos)
    }

    /// Prints how many times as long `other` takes as `own`, and the target.
    fn ratio(&self, work: &str, own: &str, other: &str, target: f64) {
        if let (Some(own_time), Some(other_time)) = (self.time(work, own), self.time(work, other)) {
            let ratio = other_time / own_time;
            let met = if ratio >= target { "met" } else { "MISSED" };
            println!("| {work} | {other} / {own} | {ratio:.2} | {target} | {met} |");
        }
    }
}

fn fill(row: &mut Row, context: &Context, skip: impl Fn(u32) -> bool) {
    row.clear();
    for (number, fact) in (0..).zip(context).filter(|(number, _)| !skip(*number)) {
        let fact_id = FactId(number);
        match fact {
            Fact::Text(text) => row.set_text(fact_id, text),
            Fact::Int(whole) => row.set_int(fact_id, *whole),
            Fact::Float(double) => row.set_double(fact_id, *double),
            Fact::Bool(truth) => row.set_bool(fact_id, *truth),
            Fact::List(_) => row.set(fact_id, &workload::value(fact)),
        }
        .expect("fits");
    }
}

/// The facts of W1 as a struct of a program without any engine.
struct Native {
    country: u32,
    age: i64,
    total_spend: f64,
    device: u32,
    tags: Vec<u32>,
}

#[inline(never)]
fn native(facts: &Native) -> bool {
    facts.country == 3
        && facts.age >= 30
        && facts.total_spend > 500.0
        && matches!(facts.device, 1 | 2)
        && facts.tags.contains(&7)
}

fn one_rule(table: &mut Table, context: &Context) {
    let schema = workload::schema();
    let set = RuleSet::compile([("w1", workload::text(&workload::w1()))], &schema).expect("compiles");
    let rule = set.rule("w1").expect("there");
    let mut row = set.row();
    fill(&mut row, context, |_| false);
    assert!(set.holds(rule, &row));
    let facts = Native { country: 3, age: 41, total_spend: 1234.56, device: 2, tags: vec![4, 9, 7] };
    table.add("W1 prepared", "native function", nanos(15, 20, || assert!(native(black_box(&facts)))));
    table.add("W1 prepared", "tactful", nanos(15, 20, || assert!(set.holds(rule, black_box(&row)))));
    let json = workload::json(context);
    table.add(
        "W1 from JSON",
        "tactful",
        nanos(15, 20, || {
            row.read_json(black_box(&json)).expect("reads");
            assert!(set.holds(rule, &row));
        }),
    );
    #[cfg(feature = "peers")]
    one_rule_of_peers(table, context, &json);
}

#[cfg(feature = "peers")]
fn one_rule_of_peers(table: &mut Table, context: &Context, json: &str) {
    use tactful_benches::peers;
    let w1 = workload::w1();
    let ooroo = peers::ooroo_w1();
    let facts = peers::ooroo_context(&ooroo, context);
    table.add("W1 prepared", "ooroo", nanos(15, 20, || assert!(ooroo.evaluate_indexed(black_box(&facts)).is_some())));
    let engine = datalogic_rs::Engine::new();
    let logic = engine.compile(peers::json_logic(&w1).as_str()).expect("compiles");
    let data = peers::datalogic_data(context);
    let mut session = engine.session();
    let mut datalogic = |json: Option<&str>| {
        let found = match json {
            Some(json) => session.eval_borrowed(&logic, json),
            None => session.eval_borrowed(&logic, black_box(&data)),
        };
        assert_eq!(found.expect("evaluates").as_bool(), Some(true));
        session.reset();
    };
    table.add("W1 prepared", "datalogic-rs", nanos(15, 20, || datalogic(None)));
    table.add("W1 from JSON", "datalogic-rs", nanos(15, 20, || datalogic(Some(black_box(json)))));
    let tree = peers::a_tree(std::slice::from_ref(&w1));
    let event = peers::a_tree_event(&tree, context);
    table.add("W1 prepared", "a-tree", nanos(15, 20, || assert_eq!(peers::a_tree_search(&tree, black_box(&event)), [0])));
    let program = cel::Program::compile(&workload::text(&w1)).expect("compiles");
    let facts = peers::cel_context(context);
    table.add("W1 prepared", "cel", nanos(15, 20, || assert_eq!(program.execute(black_box(&facts)), Ok(true.into()))));
}

/// All matching rules for each customer.
fn many_rules(table: &mut Table, contexts: &[Context], all: &[Rule]) {
    let schema = workload::schema();
    let texts: Vec<(String, String)> =
        all.iter().enumerate().map(|(i, rule)| (format!("rule_{i}"), workload::text(rule))).collect();
    for (count, matches, hash) in workload::PUBLISHED.into_iter().filter(|(count, ..)| *count <= all.len()) {
        let work = format!("W2 {count}");
        let expected: Vec<Vec<u32>> = contexts
            .iter()
            .map(|context| {
                (0..).zip(&all[..count]).filter(|(_, rule)| workload::holds(rule, context)).map(|(id, _)| id).collect()
            })
            .collect();
        assert_eq!(expected.iter().map(Vec::len).sum::<usize>(), matches, "the workload is as published");
        let numbers =
            (0_u64..).zip(&expected).flat_map(|(k, ids)| std::iter::once(k).chain(ids.iter().copied().map(u64::from)));
        assert!(hash.is_none_or(|hash| workload::fnv(numbers) == hash), "the workload is as published");
        let (set, build) = once(|| RuleSet::compile(texts[..count].iter().map(|(a, b)| (a, b)), &schema).expect("compiles"));
        println!("{work}: built in {:.3} s, {} bytes a rule", build / 1e9, set.bytes() / count);
        let mut scratch = set.scratch();
        let filled = |skip: &dyn Fn(usize, u32) -> bool| -> Vec<Row> {
            let one = |(k, context): (usize, &Context)| {
                let mut row = set.row();
                fill(&mut row, context, |fact| skip(k, fact));
                row
            };
            contexts.iter().enumerate().map(one).collect()
        };
        let rows = filled(&|_, _| false);
        for (row, expected) in rows.iter().zip(&expected) {
            assert_eq!(set.matches(row, &mut scratch).iter().map(|id| id.0).collect::<Vec<_>>(), *expected);
        }
        let each = contexts.len() as f64;
        let mut search = |rows: &[Row]| {
            nanos(11, 40, || rows.iter().for_each(|row| assert!(black_box(set.matches(row, &mut scratch).len()) < usize::MAX)))
                / each
        };
        table.add(&work, "tactful", search(&rows));
        table.add(&work, "tactful, 1/5 unknown", search(&filled(&|k, fact| (k * 31 + fact as usize * 7) % 5 == 0)));
        let mut row = set.row();
        let preparing =
            nanos(7, 20, || contexts.iter().for_each(|context| fill(black_box(&mut row), context, |_| false))) / each;
        table.add(&work, "(setting the 31 facts)", preparing);
        #[cfg(feature = "peers")]
        many_rules_of_peers(table, &work, contexts, &all[..count], &expected);
    }
}

#[cfg(feature = "peers")]
fn many_rules_of_peers(table: &mut Table, work: &str, contexts: &[Context], rules: &[Rule], expected: &[Vec<u32>]) {
    use tactful_benches::peers;
    let each = contexts.len() as f64;
    let (tree, build) = once(|| peers::a_tree(rules));
    println!("{work}: a-tree built in {:.3} s", build / 1e9);
    let events: Vec<_> = contexts.iter().map(|context| peers::a_tree_event(&tree, context)).collect();
    for (event, expected) in events.iter().zip(expected) {
        assert_eq!(peers::a_tree_search(&tree, event), *expected);
    }
    let search = || {
        events.iter().for_each(|event| assert!(black_box(tree.search(event).expect("answers").matches().len()) < usize::MAX))
    };
    table.add(work, "a-tree", nanos(5, 40, search) / each);
    if rules.len() > 1_000 {
        return;
    }
    let engine = datalogic_rs::Engine::new();
    let logics: Vec<_> = rules.iter().map(|rule| engine.compile(peers::json_logic(rule).as_str()).expect("compiles")).collect();
    let data: Vec<_> = contexts.iter().map(peers::datalogic_data).collect();
    let mut arena = datalogic_rs::bumpalo::Bump::new();
    let mut search = |data: &datalogic_rs::ParsedData| -> Vec<u32> {
        arena.reset();
        let holds = |logic| engine.evaluate(logic, data, &arena).expect("evaluates").as_bool() == Some(true);
        (0..).zip(&logics).filter(|(_, logic)| holds(logic)).map(|(id, _)| id).collect()
    };
    for (data, expected) in data.iter().zip(expected) {
        assert_eq!(search(data), *expected);
    }
    table.add(work, "datalogic-rs", nanos(3, 40, || data.iter().for_each(|data| drop(black_box(search(data))))) / each);
    let programs: Vec<_> = rules.iter().map(|rule| cel::Program::compile(&workload::text(rule)).expect("compiles")).collect();
    let facts: Vec<_> = contexts.iter().map(peers::cel_context).collect();
    let search = |facts: &cel::Context<'_, '_>| -> Vec<u32> {
        (0..).zip(&programs).filter(|(_, one)| one.execute(facts) == Ok(true.into())).map(|(id, _)| id).collect()
    };
    for (facts, expected) in facts.iter().zip(expected) {
        assert_eq!(search(facts), *expected);
    }
    table.add(work, "cel", nanos(3, 40, || facts.iter().for_each(|facts| drop(black_box(search(facts))))) / each);
}

/// Customers as columns: numbers, dictionaries of texts, bits, and lists of dictionary entries.
fn batch(table: &mut Table, all: &[Rule], rows: usize) {
    let rules = &all[..all.len().min(1_000)];
    let schema = workload::schema();
    let texts = rules.iter().enumerate().map(|(i, rule)| (format!("rule_{i}"), workload::text(rule)));
    let set = RuleSet::compile(texts, &schema).expect("compiles");
    // The same 4,096 customers again and again: the time does not depend on it.
    let contexts = workload::contexts(4_096);
    let fields = workload::fields();
    let (mut ints, mut doubles, mut bits, mut indices, mut entries) = (vec![], vec![], vec![], vec![], vec![]);
    let mut lists = vec![];
    for (place, (_, kind)) in fields.iter().enumerate() {
        let facts = || (0..rows).map(|row| &contexts[row % contexts.len()][place]);
        let (mut int, mut double, mut bit) = (vec![], vec![], vec![]);
        let mut index: Vec<i32> = vec![];
        let (mut offsets, mut bytes, mut list) = (vec![0_i32], vec![], vec![0_i32]);
        if let Kind::Text(from) | Kind::List(from) = kind {
            for text in from {
                bytes.extend(text.as_bytes());
                offsets.push(i32::try_from(bytes.len()).expect("short"));
            }
            let number = |text: &String| i32::try_from(from.iter().position(|one| one == text).expect("there")).expect("few");
            let numbers: Vec<Vec<i32>> = contexts
                .iter()
                .map(|context| match &context[place] {
                    Fact::Text(text) => vec![number(text)],
                    Fact::List(list) => list.iter().map(number).collect(),
                    _ => vec![],
                })
                .collect();
            for row in 0..rows {
                index.extend(&numbers[row % numbers.len()]);
                list.push(i32::try_from(index.len()).expect("fits"));
            }
        } else {
            for fact in facts() {
                match fact {
                    Fact::Int(number) => int.push(*number),
                    Fact::Float(number) => double.push(*number),
                    Fact::Bool(truth) => bit.push(*truth),
                    _ => {}
                }
            }
        }
        let packed: Vec<u8> =
            bit.chunks(8).map(|bits| bits.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit))).collect();
        ints.push(int);
        doubles.push(double);
        bits.push(packed);
        indices.push(index);
        entries.push((offsets, bytes));
        lists.push(list);
    }
    let dictionary = |place: usize| {
        let (offsets, bytes) = &entries[place];
        Column::dictionary(indices[place].as_slice(), Column::texts(offsets.as_slice(), bytes)).expect("plain entries")
    };
    let column = |place: usize| {
        Some(match &fields[place].1 {
            Kind::Text(_) => dictionary(place),
            Kind::Int(..) => Column::ints(ints[place].as_slice()),
            Kind::Float(..) => Column::doubles(doubles[place].as_slice()),
            Kind::Bool(_) => Column::bools(Bits::new(&bits[place], 0, rows).expect("enough")),
            Kind::List(_) => return None,
        })
    };
    let columns = fields.iter().enumerate().filter_map(|(place, (name, _))| Some((Arc::from(*name), column(place)?))).collect();
    let table_of = Batch::new(columns, rows).expect("equal lengths");
    let mut columns = RuleColumns::new(&table_of);
    for (place, (name, _)) in fields.iter().enumerate().filter(|(_, (_, kind))| matches!(kind, Kind::List(_))) {
        columns = columns.with_list(name, &lists[place], dictionary(place), None);
    }
    let (found, _) = once(|| set.matches_batch(&columns).expect("fits"));
    for (id, rule) in (0..).zip(rules) {
        for (k, context) in contexts.iter().enumerate().take(256) {
            assert_eq!(found.holds(RuleId(id), k), workload::holds(rule, context));
        }
    }
    let time = nanos(3, 100, || {
        let mut true_ones = 0_u64;
        set.matches_blocks(black_box(&columns), &mut |block| true_ones += block.rule(RuleId(0))[0] & 1).expect("fits");
        black_box(true_ones);
    });
    let per = time / rows as f64 / rules.len() as f64;
    table.add(&format!("batch {} x {rows}", rules.len()), "tactful, row and rule", per);
    println!(
        "| batch of {} rules over {rows} rows | ns per row and rule | {per:.3} | 0.5 | {} |",
        rules.len(),
        if per < 0.5 { "met" } else { "MISSED" }
    );
}

fn main() {
    let number = |name: &str, other: usize| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(other);
    let contexts = workload::contexts(64);
    let all = workload::rules(number("TACTFUL_RULES", 10_000));
    let mut table = Table::default();
    one_rule(&mut table, &contexts[0]);
    many_rules(&mut table, &contexts, &all);
    println!("\n| work | ratio of | is | target | |\n|---|---|---|---|---|");
    for peer in ["ooroo", "datalogic-rs", "a-tree", "cel"] {
        table.ratio("W1 prepared", "tactful", peer, 5.0);
    }
    table.ratio("W1 prepared", "tactful", "native function", 1.0 / 6.0);
    table.ratio("W1 from JSON", "tactful", "datalogic-rs", 1.0);
    for (count, target) in [(100, 15.0), (1_000, 80.0), (10_000, 80.0), (100_000, 200.0)] {
        table.ratio(&format!("W2 {count}"), "tactful", "a-tree", target);
        table.ratio(&format!("W2 {count}"), "tactful, 1/5 unknown", "tactful", 1.0 / 1.3);
    }
    batch(&mut table, &all, number("TACTFUL_ROWS", 1_000_000));
}
