//! The same rules and customers in the languages of other engines.

use crate::workload::{Context, Fact, Item, Kind, Pred, Rule, fields, json};
use a_tree::{ATree, AttributeDefinition, Event};
use ooroo::{IndexedContext, RuleSetBuilder, field};

/// Rules in an a-tree.
pub fn a_tree(rules: &[Rule]) -> ATree<u64> {
    let definitions: Vec<AttributeDefinition> = fields()
        .iter()
        .map(|(name, kind)| match kind {
            Kind::Text(_) => AttributeDefinition::string(name),
            Kind::Int(..) => AttributeDefinition::integer(name),
            Kind::Float(..) => AttributeDefinition::float(name),
            Kind::Bool(_) => AttributeDefinition::boolean(name),
            Kind::List(_) => AttributeDefinition::string_list(name),
        })
        .collect();
    let mut tree = ATree::new(&definitions).expect("attributes");
    for (id, rule) in (0_u64..).zip(rules) {
        tree.insert(&id, &a_tree_text(rule)).expect("a rule");
    }
    tree
}

fn a_tree_text(rule: &Rule) -> String {
    let fields = fields();
    let list = |list: &[String]| format!("[{}]", list.iter().map(|text| format!("'{text}'")).collect::<Vec<_>>().join(", "));
    let pred = |pred: &Pred| {
        let name = fields[pred.field].0;
        match (pred.op, &pred.value) {
            ("eq", Fact::Bool(true)) => name.to_string(),
            ("eq", Fact::Bool(false)) => format!("(not {name})"),
            ("eq", Fact::Text(text)) => format!("{name} = '{text}'"),
            ("ne", Fact::Text(text)) => format!("{name} <> '{text}'"),
            ("eq", Fact::Int(number)) => format!("{name} = {number}"),
            ("in", Fact::List(any)) => format!("{name} in {}", list(any)),
            ("has", Fact::Text(text)) => format!("{name} one of {}", list(std::slice::from_ref(text))),
            ("has_any", Fact::List(any)) => format!("{name} one of {}", list(any)),
            (op, Fact::Int(number)) => format!("{name} {op} {number}"),
            (op, Fact::Float(number)) => format!("{name} {op} {number:.2}"),
            other => unreachable!("{other:?}"),
        }
    };
    let item = |item: &Item| match item {
        Item::One(one) => pred(one),
        Item::Any(any) => format!("({})", any.iter().map(pred).collect::<Vec<_>>().join(" or ")),
    };
    rule.iter().map(item).collect::<Vec<_>>().join(" and ")
}

/// A customer as an a-tree's event.
pub fn a_tree_event(tree: &ATree<u64>, context: &Context) -> Event {
    let mut event = tree.make_event();
    for ((name, _), fact) in fields().iter().zip(context) {
        match fact {
            Fact::Text(text) => event.with_string(name, text),
            Fact::Int(number) => event.with_integer(name, *number),
            Fact::Float(number) => event.with_float(name, (number * 100.0).round() as i64, 2),
            Fact::Bool(truth) => event.with_boolean(name, *truth),
            Fact::List(list) => event.with_string_list(name, &list.iter().map(String::as_str).collect::<Vec<_>>()),
        }
        .expect("an attribute");
    }
    event.build().expect("an event")
}

/// The rules that an a-tree finds, sorted.
pub fn a_tree_search(tree: &ATree<u64>, event: &Event) -> Vec<u32> {
    let report = tree.search(event).expect("an answer");
    let mut found: Vec<u32> = report.matches().iter().map(|id| u32::try_from(**id).expect("small")).collect();
    found.sort_unstable();
    found
}

/// A rule in JSON logic.
pub fn json_logic(rule: &Rule) -> String {
    let fields = fields();
    let text = |text: &String| format!("\"{text}\"");
    let list = |list: &[String]| format!("[{}]", list.iter().map(text).collect::<Vec<_>>().join(","));
    let pred = |pred: &Pred| {
        let var = format!("{{\"var\":\"{}\"}}", fields[pred.field].0);
        let constant = match &pred.value {
            Fact::Text(one) => text(one),
            Fact::Int(number) => number.to_string(),
            Fact::Float(number) => format!("{number:?}"),
            Fact::Bool(truth) => truth.to_string(),
            Fact::List(any) => list(any),
        };
        match (pred.op, &pred.value) {
            ("eq", _) => format!("{{\"==\":[{var},{constant}]}}"),
            ("ne", _) => format!("{{\"!=\":[{var},{constant}]}}"),
            ("in", _) => format!("{{\"in\":[{var},{constant}]}}"),
            ("has", _) => format!("{{\"in\":[{constant},{var}]}}"),
            ("has_any", Fact::List(any)) => {
                let parts: Vec<String> = any.iter().map(|one| format!("{{\"in\":[{},{var}]}}", text(one))).collect();
                format!("{{\"or\":[{}]}}", parts.join(","))
            }
            (op, _) => format!("{{\"{op}\":[{var},{constant}]}}"),
        }
    };
    let item = |item: &Item| match item {
        Item::One(one) => pred(one),
        Item::Any(any) => format!("{{\"or\":[{}]}}", any.iter().map(pred).collect::<Vec<_>>().join(",")),
    };
    format!("{{\"and\":[{}]}}", rule.iter().map(item).collect::<Vec<_>>().join(","))
}

/// A customer for datalogic.
pub fn datalogic_data(context: &Context) -> datalogic_rs::ParsedData {
    datalogic_rs::ParsedData::from_json(&json(context)).expect("JSON")
}

/// A customer for cel.
pub fn cel_context(context: &Context) -> cel::Context<'static, 'static> {
    let mut made = cel::Context::default();
    for ((name, _), fact) in fields().iter().zip(context) {
        match fact {
            Fact::Text(text) => made.add_variable(*name, text.as_str()),
            Fact::Int(number) => made.add_variable(*name, *number),
            Fact::Float(number) => made.add_variable(*name, *number),
            Fact::Bool(truth) => made.add_variable(*name, *truth),
            Fact::List(list) => made.add_variable(*name, list),
        }
        .expect("a value");
    }
    made
}

/// The rule of five comparisons for ooroo, which takes the wanted tag from the facts.
pub fn ooroo_w1() -> ooroo::RuleSet {
    RuleSetBuilder::new()
        .rule("w1", |rule| {
            rule.when(
                field("country")
                    .eq("DE")
                    .and(field("age").gte(30_i64))
                    .and(field("total_spend").gt(500.0_f64))
                    .and(field("device").is_in(["ios", "android"]))
                    .and(field("wanted_tag").is_in_field("tags")),
            )
        })
        .terminal("w1", 0)
        .compile()
        .expect("compiles")
}

/// A customer for [`ooroo_w1`].
pub fn ooroo_context(rules: &ooroo::RuleSet, context: &Context) -> IndexedContext {
    let mut made = rules.context_builder().set("wanted_tag", "vip");
    for ((name, _), fact) in fields().iter().zip(context) {
        made = match fact {
            Fact::Text(text) => made.set(name, text.as_str()),
            Fact::Int(number) => made.set(name, *number),
            Fact::Float(number) => made.set(name, *number),
            Fact::Bool(truth) => made.set(name, *truth),
            Fact::List(list) => {
                made.set(name, ooroo::Value::List(list.iter().map(|text| ooroo::Value::String(text.clone())).collect()))
            }
        };
    }
    made.build()
}
