//! Rule sets of shapes that an index might not like: drawn by a fixed generator, with the plain meaning beside the text.

use tactful::Value;
use tactful::expr::{FactId, Row, Schema, TimeClass};
use tactful::value::Type;

/// What the rules of a set look like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    /// How many facts are whole numbers, texts and lists.
    pub(crate) ints: usize,
    pub(crate) texts: usize,
    pub(crate) lists: usize,
    /// How many different texts or elements there are.
    pub(crate) words: u64,
    /// Parts of a rule, at least and at most.
    pub(crate) parts: (u64, u64),
    /// Comparisons in an *or*, at most; how many in a hundred parts are one.
    pub(crate) or: (u64, u64),
    /// Constants of a list of constants, at most.
    pub(crate) constants: u64,
    /// How many in a hundred values make a comparison of numbers true, about.
    pub(crate) loose: u64,
}

const PLAIN: Shape =
    Shape { name: "", ints: 8, texts: 6, lists: 2, words: 40, parts: (2, 5), or: (2, 20), constants: 3, loose: 25 };

pub(crate) const SHAPES: [Shape; 9] = [
    Shape { name: "few facts", ints: 2, texts: 1, lists: 0, ..PLAIN },
    Shape { name: "one fact", ints: 1, texts: 0, lists: 0, parts: (1, 2), or: (1, 0), ..PLAIN },
    Shape { name: "mostly lists", ints: 1, texts: 1, lists: 4, words: 300, ..PLAIN },
    Shape { name: "one list", ints: 0, texts: 0, lists: 1, parts: (1, 4), ..PLAIN },
    Shape { name: "long or", or: (10, 70), parts: (2, 4), ..PLAIN },
    Shape { name: "mostly true", loose: 95, texts: 0, lists: 0, ..PLAIN },
    Shape { name: "many constants", ints: 1, texts: 2, lists: 0, words: 20_000, constants: 60, parts: (1, 3), ..PLAIN },
    Shape { name: "many facts", ints: 200, texts: 150, lists: 20, ..PLAIN },
    Shape { name: "one text", ints: 0, texts: 1, lists: 0, words: 5_000, parts: (1, 1), or: (1, 0), constants: 1, ..PLAIN },
];

const NUMBERS: u64 = 100_000;

/// splitmix64.
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

#[derive(Debug, Clone)]
pub(crate) enum Test {
    /// At least, or at most.
    Number {
        fact: usize,
        least: bool,
        bound: u64,
    },
    OneOf {
        fact: usize,
        constants: Vec<u64>,
        within: bool,
    },
    HasOneOf {
        fact: usize,
        constants: Vec<u64>,
        within: bool,
    },
}

/// All of its parts, of each of which any test must hold.
pub(crate) type Rule = Vec<Vec<Test>>;

/// The facts of a customer: one number, or those of a list; `None` when unknown.
pub(crate) type Customer = Vec<Option<Vec<u64>>>;

impl Shape {
    pub(crate) fn schema(&self) -> Schema {
        let mut schema = Schema::new();
        let list = Type::List(Box::new(Type::String));
        for (kind, count, ty) in [("i", self.ints, Type::Int), ("t", self.texts, Type::String), ("l", self.lists, list)] {
            for number in 0..count {
                schema.declare_fact(&format!("{kind}{number}"), ty.clone(), TimeClass::Step);
            }
        }
        schema
    }

    fn facts(&self) -> usize {
        self.ints + self.texts + self.lists
    }

    fn test(&self, rng: &mut Rng) -> Test {
        let fact = rng.below(self.facts() as u64) as usize;
        if fact < self.ints {
            let share = (1 + rng.below(2 * self.loose)).min(99);
            let least = rng.below(2) == 0;
            let bound = if least { NUMBERS * (100 - share) / 100 } else { NUMBERS * share / 100 };
            return Test::Number { fact, least, bound: bound + rng.below(NUMBERS / 100) };
        }
        let mut constants: Vec<u64> = (0..=rng.below(self.constants)).map(|_| rng.below(self.words)).collect();
        constants.sort_unstable();
        constants.dedup();
        let within = rng.below(10) > 0;
        if fact < self.ints + self.texts {
            Test::OneOf { fact, constants, within }
        } else {
            Test::HasOneOf { fact, constants, within }
        }
    }

    pub(crate) fn rules(&self, count: usize, seed: u64) -> Vec<Rule> {
        let mut rng = Rng(seed);
        let part = |rng: &mut Rng| -> Vec<Test> {
            let any = rng.below(100) < self.or.1;
            let tests = if any { 2 + rng.below(self.or.0 - 1) } else { 1 };
            (0..tests).map(|_| self.test(rng)).collect()
        };
        let (least, most) = self.parts;
        (0..count).map(|_| (0..least + rng.below(most - least + 1)).map(|_| part(&mut rng)).collect()).collect()
    }

    pub(crate) fn customers(&self, count: usize, seed: u64) -> Vec<Customer> {
        let mut rng = Rng(seed ^ 0xc0ff_ee00);
        let mut value = |fact: usize| {
            if rng.below(20) == 0 {
                return None;
            }
            Some(match fact {
                fact if fact < self.ints => vec![rng.below(NUMBERS)],
                fact if fact < self.ints + self.texts => vec![rng.below(self.words)],
                _ => (0..rng.below(6)).map(|_| rng.below(self.words)).collect(),
            })
        };
        (0..count).map(|_| (0..self.facts()).map(&mut value).collect()).collect()
    }

    /// A rule in the language.
    pub(crate) fn text(&self, rule: &Rule) -> String {
        let name = |fact: usize| match fact {
            fact if fact < self.ints => format!("i{fact}"),
            fact if fact < self.ints + self.texts => format!("t{}", fact - self.ints),
            fact => format!("l{}", fact - self.ints - self.texts),
        };
        let list = |constants: &[u64]| constants.iter().map(|word| format!("'w{word}'")).collect::<Vec<_>>().join(", ");
        let not = |within: bool| if within { "" } else { "!" };
        let test = |test: &Test| match test {
            Test::Number { fact, least, bound } => format!("{} {} {bound}", name(*fact), if *least { ">=" } else { "<" }),
            Test::OneOf { fact, constants, within } => format!("{}({} in [{}])", not(*within), name(*fact), list(constants)),
            Test::HasOneOf { fact, constants, within } => {
                format!("{}{}.exists(x, x in [{}])", not(*within), name(*fact), list(constants))
            }
        };
        let part = |part: &Vec<Test>| format!("({})", part.iter().map(test).collect::<Vec<_>>().join(" || "));
        rule.iter().map(part).collect::<Vec<_>>().join(" && ")
    }

    pub(crate) fn fill(&self, row: &mut Row, customer: &Customer) {
        row.clear();
        for (number, value) in (0..).zip(customer) {
            let Some(value) = value else { continue };
            let words = || value.iter().map(|word| Value::text(&format!("w{word}")));
            let value = match number as usize {
                fact if fact < self.ints => Value::Int(value[0] as i64),
                fact if fact < self.ints + self.texts => words().next().unwrap(),
                _ => Value::List(words().collect()),
            };
            row.set(FactId(number), &value).unwrap();
        }
    }
}

/// Whether a rule is known to be true.
pub(crate) fn holds(rule: &Rule, customer: &Customer) -> bool {
    let test = |test: &Test| match test {
        Test::Number { fact, least, bound } => customer[*fact].as_ref().is_some_and(|value| (value[0] >= *bound) == *least),
        Test::OneOf { fact, constants, within } | Test::HasOneOf { fact, constants, within } => {
            customer[*fact].as_ref().is_some_and(|values| values.iter().any(|value| constants.contains(value)) == *within)
        }
    };
    rule.iter().all(|part| part.iter().any(test))
}
