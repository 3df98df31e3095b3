//! Conditions of `where` that read nothing but properties and constants, as tests on columns.

use super::ast::BinaryOp;
use super::checked::{Node, Op, Ref};
use super::{Bits, PropertyId, RunColumn, value_ops};
use crate::value::Value;
use regex::Regex;
use std::sync::Arc;

/// A condition on one event of a run. Properties are numbered in the order of [`RowTests::properties`].
#[derive(Debug, Clone)]
pub(super) enum RowTest {
    Constant(bool),
    And(Vec<RowTest>),
    Or(Vec<RowTest>),
    Not(Box<RowTest>),
    Has(usize),
    Truth(usize),
    Compare { column: usize, op: BinaryOp, value: Value },
    Text { column: usize, test: TextTest },
}

/// A test on a text.
#[derive(Debug, Clone)]
pub(super) enum TextTest {
    Equals(Arc<str>),
    Differs(Arc<str>),
    Contains(Arc<str>),
    StartsWith(Arc<str>),
    EndsWith(Arc<str>),
    Matches(Arc<Regex>),
    In(Vec<Arc<str>>),
}

/// All conditions of a stream as tests, and the properties that they read.
#[derive(Debug, Clone, Default)]
pub(super) struct RowTests {
    pub(super) properties: Vec<PropertyId>,
    pub(super) tests: Vec<RowTest>,
}

impl RowTests {
    /// The tests for the conditions of a stream; `None` when one of them is not of this kind.
    pub(super) fn of(nodes: &[Node], conditions: &[(u32, Ref)]) -> Option<Self> {
        let mut tests = RowTests::default();
        for (slot, condition) in conditions {
            let test = tests.test(nodes, *slot, *condition)?;
            tests.tests.push(test);
        }
        Some(tests)
    }

    /// The number of a property's column.
    pub(super) fn column(&mut self, property: PropertyId) -> usize {
        self.properties.iter().position(|known| *known == property).unwrap_or_else(|| {
            self.properties.push(property);
            self.properties.len() - 1
        })
    }

    fn test(&mut self, nodes: &[Node], slot: u32, id: Ref) -> Option<RowTest> {
        let op = |id: Ref| nodes.get(id.0 as usize).map(|node| &node.op);
        let property = |id: Ref| match op(id) {
            Some(Op::Property { slot: own, id, .. }) if *own == slot => Some(*id),
            _ => None,
        };
        let constant = |id: Ref| match op(id) {
            Some(Op::Constant(value)) => Some(value.clone()),
            _ => None,
        };
        let text = |id: Ref| constant(id).and_then(|value| if let Value::String(text) = value { Some(text) } else { None });
        match op(id)? {
            Op::Constant(Value::Bool(truth)) => Some(RowTest::Constant(*truth)),
            Op::And(operands) => operands.iter().map(|id| self.test(nodes, slot, *id)).collect::<Option<_>>().map(RowTest::And),
            Op::Or(operands) => operands.iter().map(|id| self.test(nodes, slot, *id)).collect::<Option<_>>().map(RowTest::Or),
            Op::Not(inner) => self.test(nodes, slot, *inner).map(|test| RowTest::Not(Box::new(test))),
            Op::HasProperty { slot: own, id } if *own == slot => Some(RowTest::Has(self.column(*id))),
            Op::Property { slot: own, id, .. } if *own == slot => Some(RowTest::Truth(self.column(*id))),
            Op::Matches { text: subject, pattern } => {
                let column = self.column(property(*subject)?);
                Some(RowTest::Text { column, test: TextTest::Matches(pattern.clone()) })
            }
            Op::Call { function, args } => {
                let [subject, word] = args[..] else { return None };
                let (property, word) = (property(subject)?, text(word)?);
                let test = match function.name {
                    "contains" => TextTest::Contains(word),
                    "startsWith" => TextTest::StartsWith(word),
                    "endsWith" => TextTest::EndsWith(word),
                    _ => return None,
                };
                Some(RowTest::Text { column: self.column(property), test })
            }
            Op::Binary { op: BinaryOp::In, left, right } => {
                let property = property(*left)?;
                let words: Option<Vec<Arc<str>>> = match op(*right)? {
                    Op::List(items) => items.iter().map(|item| text(*item)).collect(),
                    Op::Constant(Value::List(items)) => items
                        .iter()
                        .map(|item| if let Value::String(text) = item { Some(text.clone()) } else { None })
                        .collect(),
                    _ => None,
                };
                Some(RowTest::Text { column: self.column(property), test: TextTest::In(words?) })
            }
            Op::Binary { op, left, right } if op.is_comparison() => {
                let (property, op, value) = match (property(*left), constant(*right)) {
                    (Some(property), Some(value)) => (property, *op, value),
                    _ => (property(*right)?, mirrored(*op), constant(*left)?),
                };
                let column = self.column(property);
                Some(match (op, value) {
                    (BinaryOp::Equal, Value::String(word)) => RowTest::Text { column, test: TextTest::Equals(word) },
                    (BinaryOp::NotEqual, Value::String(word)) => RowTest::Text { column, test: TextTest::Differs(word) },
                    (_, Value::String(_)) => return None,
                    (op, value) => RowTest::Compare { column, op, value },
                })
            }
            _ => None,
        }
    }
}

impl RowTest {
    /// Whether the condition holds for an event; `None` when that is not known or an error, which only a visit can tell apart.
    pub(super) fn holds(&self, columns: &[RunColumn<'_>], row: usize) -> Option<bool> {
        match self {
            RowTest::Constant(truth) => Some(*truth),
            RowTest::And(tests) => junction(tests, columns, row, false),
            RowTest::Or(tests) => junction(tests, columns, row, true),
            RowTest::Not(test) => test.holds(columns, row).map(|truth| !truth),
            RowTest::Has(column) => columns.get(*column).map(|column| column.has(row)),
            RowTest::Truth(column) => match columns.get(*column)?.value(row)? {
                Value::Bool(truth) => Some(truth),
                _ => None,
            },
            RowTest::Compare { column, op, value } => {
                if let (Some(RunColumn::Bits { bits, missing: [], meaning: Bits::Int }), Value::Int(constant)) =
                    (columns.get(*column), value)
                {
                    return bits.get(row).map(|found| value_ops::holds(*op, Some(found.cast_signed().cmp(constant))));
                }
                let found = columns.get(*column)?.value(row)?;
                match op {
                    BinaryOp::Equal => Some(value_ops::equal(&found, value)),
                    BinaryOp::NotEqual => Some(!value_ops::equal(&found, value)),
                    op => value_ops::compare(*op, &found, value).ok().map(|order| value_ops::holds(*op, order)),
                }
            }
            RowTest::Text { column, test } => {
                let text = columns.get(*column)?.text(row)?;
                Some(match test {
                    TextTest::Equals(word) => text == &**word,
                    TextTest::Differs(word) => text != &**word,
                    TextTest::Contains(word) => text.contains(&**word),
                    TextTest::StartsWith(word) => text.starts_with(&**word),
                    TextTest::EndsWith(word) => text.ends_with(&**word),
                    TextTest::Matches(pattern) => pattern.is_match(text),
                    TextTest::In(words) => words.iter().any(|word| text == &**word),
                })
            }
        }
    }
}

/// The comparison that says the same with its sides exchanged.
fn mirrored(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Less => BinaryOp::Greater,
        BinaryOp::LessEqual => BinaryOp::GreaterEqual,
        BinaryOp::Greater => BinaryOp::Less,
        BinaryOp::GreaterEqual => BinaryOp::LessEqual,
        other => other,
    }
}

/// `&&` absorbs on false, `||` on true; otherwise what is not known decides.
fn junction(tests: &[RowTest], columns: &[RunColumn<'_>], row: usize, absorbing: bool) -> Option<bool> {
    let mut known = true;
    for test in tests {
        match test.holds(columns, row) {
            Some(truth) if truth == absorbing => return Some(absorbing),
            Some(_) => {}
            None => known = false,
        }
    }
    known.then_some(!absorbing)
}
