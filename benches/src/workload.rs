//! The rule-matching workload: a schema of 31 facts, customers and rules, drawn by a fixed generator (splitmix64), so that every
//! machine and language draws the same.

use tactful::Value;
use tactful::expr::{Schema, TimeClass};
use tactful::value::Type;

/// splitmix64.
pub struct Rng(u64);

impl Rng {
    /// From a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Rng(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from 0 to below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }

    /// A number from 0 to below 1.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// What a fact is like.
#[derive(Debug, Clone)]
pub enum Kind {
    /// A text out of these, the first ones more often.
    Text(Vec<String>),
    /// A whole number from low to high, skewed by an exponent.
    Int(f64, f64, f64),
    /// A number with two digits.
    Float(f64, f64, f64),
    /// True with a probability.
    Bool(f64),
    /// Up to eight of these texts.
    List(Vec<String>),
}

/// The value of a fact.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "named as their types")]
pub enum Fact {
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    List(Vec<String>),
}

/// One comparison.
#[derive(Debug, Clone)]
pub struct Pred {
    /// The number of the fact.
    pub field: usize,
    /// `eq ne > >= < <= in has has_any`.
    pub op: &'static str,
    /// The constant.
    pub value: Fact,
}

/// A part of a rule: one comparison, or any of several.
#[derive(Debug, Clone)]
pub enum Item {
    /// One comparison.
    One(Pred),
    /// Any of several.
    Any(Vec<Pred>),
}

/// All of its items.
pub type Rule = Vec<Item>;

/// A customer: a value for each fact.
pub type Context = Vec<Fact>;

/// The facts.
#[must_use]
pub fn fields() -> Vec<(&'static str, Kind)> {
    let words = |text: &str| Kind::Text(text.split(' ').map(String::from).collect());
    let numbered = |prefix: &str, width: usize, count: usize| -> Vec<String> {
        (0..count).map(|i| format!("{prefix}{i:0width$}")).collect()
    };
    let mut tags: Vec<String> = ["vip", "new", "lapsed", "promo"].map(String::from).to_vec();
    tags.extend(numbered("tag_", 2, 56));
    vec![
        ("country", words("DE FR GB US CN JP IN BR CA AU ES IT NL SE PL TR MX KR ZA SG")),
        ("city", Kind::Text(numbered("city_", 3, 200))),
        ("device", words("ios android web pos kiosk")),
        ("channel", words("email sms push web app store call_center social")),
        ("persona", Kind::Text(numbered("persona_", 1, 10))),
        ("stage", words("need research evaluation selection after_sale feedback loyalty advocacy")),
        ("lang", words("en de fr zh ja es pt it ko tr")),
        ("tier", words("none bronze silver gold platinum")),
        ("last_category", Kind::Text(numbered("cat_", 2, 40))),
        ("age", Kind::Int(18.0, 90.0, 1.0)),
        ("orders", Kind::Int(0.0, 200.0, 2.5)),
        ("visits_30d", Kind::Int(0.0, 120.0, 2.5)),
        ("sessions_7d", Kind::Int(0.0, 60.0, 2.5)),
        ("days_since_order", Kind::Int(0.0, 730.0, 2.0)),
        ("tenure_days", Kind::Int(0.0, 4000.0, 1.5)),
        ("messages_7d", Kind::Int(0.0, 30.0, 2.0)),
        ("nps", Kind::Int(0.0, 10.0, 1.0)),
        ("household", Kind::Int(1.0, 8.0, 1.5)),
        ("cart_items", Kind::Int(0.0, 25.0, 2.5)),
        ("total_spend", Kind::Float(0.0, 20000.0, 3.0)),
        ("avg_order", Kind::Float(0.0, 900.0, 2.0)),
        ("churn_score", Kind::Float(0.0, 1.0, 1.5)),
        ("ltv", Kind::Float(0.0, 50000.0, 3.0)),
        ("engagement", Kind::Float(0.0, 1.0, 1.0)),
        ("cart_value", Kind::Float(0.0, 2500.0, 2.5)),
        ("consent_email", Kind::Bool(0.7)),
        ("consent_push", Kind::Bool(0.45)),
        ("is_b2b", Kind::Bool(0.15)),
        ("has_app", Kind::Bool(0.5)),
        ("tags", Kind::List(tags)),
        ("owned", Kind::List(numbered("prod_", 3, 150))),
    ]
}

/// The facts as tactful declares them.
#[must_use]
pub fn schema() -> Schema {
    let mut schema = Schema::new();
    for (name, kind) in fields() {
        let ty = match kind {
            Kind::Text(_) => Type::String,
            Kind::Int(..) => Type::Int,
            Kind::Float(..) => Type::Double,
            Kind::Bool(_) => Type::Bool,
            Kind::List(_) => Type::List(Box::new(Type::String)),
        };
        schema.declare_fact(name, ty, TimeClass::Step);
    }
    schema
}

fn skewed(rng: &mut Rng, from: &[String]) -> String {
    let u = rng.unit();
    from[(u * u * from.len() as f64) as usize].clone()
}

fn two_digits(number: f64) -> f64 {
    format!("{number:.2}").parse().expect("a number")
}

fn number(kind: &Kind, u: f64) -> Fact {
    match kind {
        Kind::Int(low, high, k) => Fact::Int((low + (high - low) * u.powf(*k)) as i64),
        Kind::Float(low, high, k) => Fact::Float(two_digits(low + (high - low) * u.powf(*k))),
        _ => unreachable!("only of numbers"),
    }
}

fn context(rng: &mut Rng, fields: &[(&str, Kind)]) -> Context {
    fields
        .iter()
        .map(|(_, kind)| match kind {
            Kind::Text(from) => Fact::Text(skewed(rng, from)),
            Kind::Int(..) | Kind::Float(..) => {
                let u = rng.unit();
                number(kind, u)
            }
            Kind::Bool(p) => Fact::Bool(rng.unit() < *p),
            Kind::List(from) => {
                let count = rng.below(9);
                let mut list = Vec::new();
                for _ in 0..count {
                    let value = skewed(rng, from);
                    if !list.contains(&value) {
                        list.push(value);
                    }
                }
                Fact::List(list)
            }
        })
        .collect()
}

fn several(rng: &mut Rng, from: &[String], count: usize) -> Fact {
    let mut list = Vec::new();
    while list.len() < count {
        let value = skewed(rng, from);
        if !list.contains(&value) {
            list.push(value);
        }
    }
    Fact::List(list)
}

fn pred(rng: &mut Rng, fields: &[(&str, Kind)]) -> Pred {
    let field = rng.below(fields.len());
    let kind = &fields[field].1;
    let made = |op, value| Pred { field, op, value };
    match kind {
        Kind::Text(from) => {
            let t = rng.unit();
            if t < 0.36 {
                return made("eq", Fact::Text(skewed(rng, from)));
            }
            if t < 0.40 {
                return made("ne", Fact::Text(skewed(rng, from)));
            }
            let count = 2 + rng.below((from.len() / 3).clamp(1, 5));
            made("in", several(rng, from, count))
        }
        Kind::Bool(_) => made("eq", Fact::Bool(rng.unit() < 0.6)),
        Kind::List(from) => {
            if rng.unit() < 0.4 {
                return made("has", Fact::Text(skewed(rng, from)));
            }
            let count = 2 + rng.below(4);
            made("has_any", several(rng, from, count))
        }
        Kind::Int(..) | Kind::Float(..) => {
            let q = rng.unit();
            let mut q = if q < 0.5 { 0.04 + 0.66 * q } else { 1.0 - 0.04 - 0.66 * (1.0 - q) };
            let mut value;
            if rng.unit() < 0.7 {
                q = (q * 20.0).round_ties_even() / 20.0;
                value = number(kind, q);
                if let Fact::Float(v) = &mut value
                    && *v != 0.0
                {
                    let short: f64 = format!("{v:.1e}").parse().expect("a number");
                    *v = two_digits(short);
                }
            } else {
                value = number(kind, q);
            }
            if rng.unit() < 0.06 && matches!(kind, Kind::Int(..)) {
                return made("eq", value);
            }
            let mut op = if q > 0.5 { [">=", ">"] } else { ["<=", "<"] }[rng.below(2)];
            if rng.unit() < 0.05 {
                op = match op {
                    ">=" => "<=",
                    ">" => "<",
                    "<=" => ">=",
                    _ => ">",
                };
            }
            made(op, value)
        }
    }
}

fn rule(rng: &mut Rng, fields: &[(&str, Kind)]) -> Rule {
    let has_or = rng.unit() < 1.0 / 3.0;
    let count = if has_or { 4 + rng.below(3) } else { 3 + rng.below(4) };
    let mut preds: Vec<Pred> = (0..count).map(|_| pred(rng, fields)).collect();
    let any = if has_or { preds.split_off(count - if count == 6 { 3 } else { 2 }) } else { Vec::new() };
    let mut items: Rule = preds.into_iter().map(Item::One).collect();
    if has_or {
        items.push(Item::Any(any));
    }
    items
}

/// The seed of the workload.
pub const SEED: u64 = 20_261_121;

/// Customers; the first one satisfies [`w1`].
#[must_use]
pub fn contexts(count: usize) -> Vec<Context> {
    let (fields, mut rng) = (fields(), Rng::new(SEED));
    let mut contexts: Vec<Context> = (0..count).map(|_| context(&mut rng, &fields)).collect();
    let text = |text: &str| text.to_string();
    for (name, value) in [
        ("country", Fact::Text(text("DE"))),
        ("age", Fact::Int(41)),
        ("total_spend", Fact::Float(1234.56)),
        ("device", Fact::Text(text("android"))),
        ("tags", Fact::List(vec![text("promo"), text("tag_07"), text("vip")])),
    ] {
        contexts[0][place(name)] = value;
    }
    contexts
}

/// The first rules of the stream.
#[must_use]
pub fn rules(count: usize) -> Vec<Rule> {
    let (fields, mut rng) = (fields(), Rng::new(SEED ^ 0x5_DEEC_E66D));
    (0..count).map(|_| rule(&mut rng, &fields)).collect()
}

/// The number of a fact.
#[must_use]
pub fn place(name: &str) -> usize {
    fields().iter().position(|(field, _)| *field == name).expect("declared")
}

/// One rule of five comparisons.
#[must_use]
pub fn w1() -> Rule {
    let one = |name, op, value| Item::One(Pred { field: place(name), op, value });
    let text = |text: &str| text.to_string();
    vec![
        one("country", "eq", Fact::Text(text("DE"))),
        one("age", ">=", Fact::Int(30)),
        one("total_spend", ">", Fact::Float(500.0)),
        one("device", "in", Fact::List(vec![text("ios"), text("android")])),
        one("tags", "has", Fact::Text(text("vip"))),
    ]
}

/// Whether a rule is true for a customer: the plain meaning, for checking.
#[must_use]
pub fn holds(rule: &Rule, context: &Context) -> bool {
    let test = |pred: &Pred| {
        let value = &context[pred.field];
        let order = match (value, &pred.value) {
            (Fact::Int(a), Fact::Int(b)) => a.partial_cmp(b),
            (Fact::Float(a), Fact::Float(b)) => a.partial_cmp(b),
            _ => None,
        };
        match (pred.op, value, &pred.value) {
            ("eq", a, b) => a == b,
            ("ne", a, b) => a != b,
            (">=", ..) => order.is_some_and(|order| order.is_ge()),
            (">", ..) => order.is_some_and(|order| order.is_gt()),
            ("<=", ..) => order.is_some_and(|order| order.is_le()),
            ("<", ..) => order.is_some_and(|order| order.is_lt()),
            ("in", Fact::Text(text), Fact::List(list)) | ("has", Fact::List(list), Fact::Text(text)) => list.contains(text),
            ("has_any", Fact::List(list), Fact::List(any)) => any.iter().any(|one| list.contains(one)),
            _ => unreachable!("no such comparison"),
        }
    };
    rule.iter().all(|item| match item {
        Item::One(pred) => test(pred),
        Item::Any(preds) => preds.iter().any(test),
    })
}

/// FNV-1a over numbers.
#[must_use]
pub fn fnv(numbers: impl IntoIterator<Item = u64>) -> u64 {
    numbers.into_iter().fold(0xcbf2_9ce4_8422_2325, |hash, number| (hash ^ number).wrapping_mul(0x0100_0000_01b3))
}

/// What the workload's author has published for a number of rules and 64 customers: matches, and the hash over the number of
/// each customer and its matching rules.
pub const PUBLISHED: [(usize, usize, Option<u64>); 5] = [
    (10, 12, None),
    (100, 71, None),
    (1_000, 677, Some(0x8a06_13a7_6ac6_4f33)),
    (10_000, 7_387, Some(0x5701_59e6_89e1_4db0)),
    (100_000, 77_850, Some(0x45b3_aa14_526e_c253)),
];

/// A rule in the language of tactful.
#[must_use]
pub fn text(rule: &Rule) -> String {
    let fields = fields();
    let constant = |value: &Fact| match value {
        Fact::Text(text) => format!("\"{text}\""),
        Fact::Int(number) => number.to_string(),
        Fact::Float(number) => format!("{number:?}"),
        Fact::Bool(truth) => truth.to_string(),
        Fact::List(list) => format!("[{}]", list.iter().map(|text| format!("\"{text}\"")).collect::<Vec<_>>().join(", ")),
    };
    let pred = |pred: &Pred| {
        let (name, value) = (fields[pred.field].0, constant(&pred.value));
        match pred.op {
            "eq" => format!("{name} == {value}"),
            "ne" => format!("{name} != {value}"),
            "has" => format!("{value} in {name}"),
            "has_any" => format!("{name}.exists(x, x in {value})"),
            op => format!("{name} {op} {value}"),
        }
    };
    let item = |item: &Item| match item {
        Item::One(one) => pred(one),
        Item::Any(any) => format!("({})", any.iter().map(pred).collect::<Vec<_>>().join(" || ")),
    };
    rule.iter().map(item).collect::<Vec<_>>().join(" && ")
}

/// A customer as JSON.
#[must_use]
pub fn json(context: &Context) -> String {
    let value = |value: &Fact| match value {
        Fact::Text(text) => format!("\"{text}\""),
        Fact::Int(number) => number.to_string(),
        Fact::Float(number) => format!("{number:?}"),
        Fact::Bool(truth) => truth.to_string(),
        Fact::List(list) => format!("[{}]", list.iter().map(|text| format!("\"{text}\"")).collect::<Vec<_>>().join(",")),
    };
    let fields = fields();
    let entries: Vec<String> =
        fields.iter().zip(context).map(|((name, _), fact)| format!("\"{name}\":{}", value(fact))).collect();
    format!("{{{}}}", entries.join(","))
}

/// A fact as tactful's value.
#[must_use]
pub fn value(fact: &Fact) -> Value {
    match fact {
        Fact::Text(text) => Value::text(text),
        Fact::Int(number) => Value::Int(*number),
        Fact::Float(number) => Value::Double(*number),
        Fact::Bool(truth) => Value::Bool(*truth),
        Fact::List(list) => Value::List(list.iter().map(|text| Value::text(text)).collect()),
    }
}
