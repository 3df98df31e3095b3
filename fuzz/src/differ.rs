//! The shared subset of CEL through this and another implementation: both give the same value, or both fail.

use crate::random::Random;
use std::collections::BTreeMap;
use tactful::expr::{Expression, NamedFacts, Outcome, value_text};
use tactful::{Timestamp, Value};

#[derive(Clone, Copy)]
enum Sort {
    Bool,
    Int,
    Uint,
    Double,
    Text,
    Ints,
    Texts,
}

struct Generator {
    random: Random,
}

impl Generator {
    fn of(&mut self, sort: Sort, depth: u32) -> String {
        if depth == 0 || self.random.below(5) == 0 {
            return self.leaf(sort);
        }
        let deeper = depth - 1;
        match sort {
            Sort::Bool => self.truth(deeper),
            Sort::Int => match self.random.below(7) {
                0 => format!("size({})", self.of(Sort::Text, deeper)),
                1 => format!("size({})", self.of(Sort::Ints, deeper)),
                2 => self.choice(Sort::Int, deeper),
                3 => format!("{}[{}]", self.of(Sort::Ints, deeper), self.of(Sort::Int, 0)),
                4 => format!("-({})", self.of(Sort::Int, deeper)),
                _ => self.arithmetic(Sort::Int, &["+", "-", "*", "/", "%"], deeper),
            },
            Sort::Uint => match self.random.below(4) {
                0 => self.choice(Sort::Uint, deeper),
                1 => format!("uint({})", self.of(Sort::Int, deeper)),
                _ => self.arithmetic(Sort::Uint, &["+", "-", "*", "/", "%"], deeper),
            },
            Sort::Double => match self.random.below(4) {
                0 => self.choice(Sort::Double, deeper),
                1 => format!("double({})", self.of(Sort::Int, deeper)),
                _ => self.arithmetic(Sort::Double, &["+", "-", "*", "/"], deeper),
            },
            Sort::Text => match self.random.below(4) {
                0 => self.choice(Sort::Text, deeper),
                1 => format!("string({})", self.of(Sort::Int, deeper)),
                2 => format!("{}[{}]", self.of(Sort::Texts, deeper), self.of(Sort::Int, 0)),
                _ => self.arithmetic(Sort::Text, &["+"], deeper),
            },
            Sort::Ints => match self.random.below(5) {
                0 => format!("{}.map(x, x * {})", self.of(Sort::Ints, deeper), self.of(Sort::Int, deeper)),
                1 => format!("{}.filter(x, x > {})", self.of(Sort::Ints, deeper), self.of(Sort::Int, deeper)),
                2 => self.choice(Sort::Ints, deeper),
                3 => format!("[{}, {}]", self.of(Sort::Int, deeper), self.of(Sort::Int, deeper)),
                _ => format!("({} + {})", self.of(Sort::Ints, deeper), self.of(Sort::Ints, deeper)),
            },
            Sort::Texts => match self.random.below(3) {
                0 => self.choice(Sort::Texts, deeper),
                1 => format!("{}.map(x, x + {})", self.of(Sort::Texts, deeper), self.of(Sort::Text, deeper)),
                _ => format!("[{}, {}]", self.of(Sort::Text, deeper), self.of(Sort::Text, deeper)),
            },
        }
    }

    fn truth(&mut self, depth: u32) -> String {
        let sorts = [Sort::Int, Sort::Uint, Sort::Double, Sort::Text, Sort::Bool, Sort::Ints];
        let sort = sorts[self.random.below(sorts.len())];
        match self.random.below(12) {
            0 => format!("({} && {})", self.of(Sort::Bool, depth), self.of(Sort::Bool, depth)),
            1 => format!("({} || {})", self.of(Sort::Bool, depth), self.of(Sort::Bool, depth)),
            2 => format!("!({})", self.of(Sort::Bool, depth)),
            3 => self.choice(Sort::Bool, depth),
            4 => format!("{} in {}", self.of(Sort::Int, depth), self.of(Sort::Ints, depth)),
            5 => format!("{} in {}", self.of(Sort::Text, depth), self.of(Sort::Texts, depth)),
            6 => {
                let name = self.random.pick(&["all", "exists", "exists_one"]);
                format!("{}.{name}(x, x > {})", self.of(Sort::Ints, depth), self.of(Sort::Int, depth))
            }
            7 => {
                let name = self.random.pick(&["contains", "startsWith", "endsWith"]);
                format!("({}).{name}({})", self.of(Sort::Text, depth), self.of(Sort::Text, depth))
            }
            8 => {
                let op = self.random.pick(&["<", "<=", ">", ">="]);
                let sort = [Sort::Int, Sort::Uint, Sort::Double, Sort::Text][self.random.below(4)];
                format!("({} {op} {})", self.of(sort, depth), self.of(sort, depth))
            }
            9 => {
                let op = self.random.pick(&["<", "<=", ">", ">=", "==", "!="]);
                let numbers = [Sort::Int, Sort::Uint, Sort::Double];
                let (a, b) = (numbers[self.random.below(3)], numbers[self.random.below(3)]);
                format!("({} {op} {})", self.of(a, depth), self.of(b, depth))
            }
            _ => {
                let op = self.random.pick(&["==", "!="]);
                format!("({} {op} {})", self.of(sort, depth), self.of(sort, depth))
            }
        }
    }

    fn choice(&mut self, sort: Sort, depth: u32) -> String {
        format!("({} ? {} : {})", self.of(Sort::Bool, depth), self.of(sort, depth), self.of(sort, depth))
    }

    fn arithmetic(&mut self, sort: Sort, ops: &[&str], depth: u32) -> String {
        let op = self.random.pick(ops);
        format!("({} {op} {})", self.of(sort, depth), self.of(sort, depth))
    }

    fn leaf(&mut self, sort: Sort) -> String {
        let constants: &[&str] = match sort {
            Sort::Bool => &["true", "false", "yes"],
            Sort::Int => &["0", "1", "-1", "3", "7", "number", "9223372036854775807", "-9223372036854775808", "0x1f"],
            Sort::Uint => &["0u", "1u", "7u", "18446744073709551615u", "0x1fu"],
            Sort::Double => &["0.0", "1.5", "-2.25", "1e300", "3.0", "9007199254740993.0", "share", "0.1"],
            Sort::Text => &["''", "'a'", "\"b\"", "'größe'", "text", "r'\\n'", "'\\n'", "'''a'b'''"],
            Sort::Ints => &["[]", "[1]", "[1, 2, 3]", "numbers", "[7, -1]"],
            Sort::Texts => &["[]", "['a']", "['a', 'b']", "texts"],
        };
        self.random.pick(constants).to_string()
    }
}

fn theirs() -> cel::Context<'static, 'static> {
    let mut context = cel::Context::default();
    context.add_variable("yes", true).expect("a value");
    context.add_variable("number", 5_i64).expect("a value");
    context.add_variable("share", 0.5_f64).expect("a value");
    context.add_variable("text", "abc").expect("a value");
    context.add_variable("numbers", vec![1_i64, 5, 9]).expect("a value");
    context.add_variable("texts", vec!["abc", "x"]).expect("a value");
    context
}

fn ours() -> NamedFacts {
    let list = |values: Vec<Value>| Value::List(values.into());
    NamedFacts::new(Timestamp::from_micros(0).expect("an instant"))
        .with("yes", Value::Bool(true))
        .with("number", Value::Int(5))
        .with("share", Value::Double(0.5))
        .with("text", Value::text("abc"))
        .with("numbers", list([1, 5, 9].map(Value::Int).to_vec()))
        .with("texts", list(vec![Value::text("abc"), Value::text("x")]))
}

fn their_text(value: &cel::Value) -> Option<String> {
    Some(value_text(&their_value(value)?))
}

fn their_value(value: &cel::Value) -> Option<Value> {
    Some(match value {
        cel::Value::Null => Value::Null,
        cel::Value::Bool(truth) => Value::Bool(*truth),
        cel::Value::Int(number) => Value::Int(*number),
        cel::Value::UInt(number) => Value::Uint(*number),
        cel::Value::Float(number) => Value::Double(*number),
        cel::Value::String(text) => Value::text(text),
        cel::Value::List(items) => Value::List(items.iter().map(their_value).collect::<Option<Vec<_>>>()?.into()),
        _ => return None,
    })
}

/// Where the other implementation is known to leave the standard; `None` for a real difference.
fn known(ours: &str, theirs: &str) -> Option<&'static str> {
    match (ours, theirs) {
        ("fails", _) => None,
        (_, "fails") => Some("it fails where the standard gives a value"),
        _ => None,
    }
}

/// Tries that many expressions; the number of differences.
pub fn run(rounds: u64, seed: u64) -> u64 {
    let mut generator = Generator { random: Random::new(seed) };
    let (facts, context) = (ours(), theirs());
    let (mut same, mut refused, mut differences) = (0_u64, 0_u64, 0_u64);
    let mut excused: BTreeMap<&'static str, u64> = BTreeMap::new();
    for _ in 0..rounds {
        let text = generator.of(Sort::Bool, 5);
        let Ok(program) = cel::Program::compile(&text) else {
            refused += 1;
            continue;
        };
        let expression = match Expression::compile(&text, None) {
            Ok(expression) => expression,
            Err(mistakes) => {
                println!("refused here only: {text}\n{mistakes}");
                differences += 1;
                continue;
            }
        };
        let found = match expression.evaluate(&facts).outcome {
            Outcome::Value(value) => value_text(&value),
            Outcome::Error(_) => "fails".to_string(),
            Outcome::Unknown(_) => "unknown".to_string(),
        };
        let wanted = match program.execute(&context) {
            Ok(value) => their_text(&value).unwrap_or_else(|| "another kind".to_string()),
            Err(_) => "fails".to_string(),
        };
        if found == wanted {
            same += 1;
        } else if let Some(reason) = known(&found, &wanted) {
            let count = excused.entry(reason).or_default();
            *count += 1;
            if *count <= 3 {
                println!("excused: {text}\n    here {found}, there {wanted}");
            }
        } else {
            differences += 1;
            if differences <= 20 {
                println!("{text}\n    here {found}, there {wanted}");
            }
        }
    }
    println!("{same} the same, {refused} refused there, {differences} different");
    for (reason, count) in excused {
        println!("{count} excused: {reason}");
    }
    differences
}
