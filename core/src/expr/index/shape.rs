//! Conditions as *and* and *or* over literals: true exactly when the condition is known to be true.

use super::key::KeyType;
use super::literal::{Constants, Interner, Literal, SlotId};
use super::ranges::Ranges;
use crate::expr::ast::{BinaryOp, Form};
use crate::expr::checked::{Checked, Op, Ref};
use crate::expr::{FactId, Schema, print_node};
use crate::value::{Type, Value};
use hashbrown::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::Arc;

/// A condition without *not*: negation is pushed down to the literals, so that unknown makes no literal true.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::expr) enum Shape {
    Literal(u32),
    /// Of nothing: true.
    And(Vec<Shape>),
    /// Of nothing: false.
    Or(Vec<Shape>),
}

impl Shape {
    fn constant(truth: bool) -> Shape {
        if truth { Shape::And(Vec::new()) } else { Shape::Or(Vec::new()) }
    }
}

/// What is read of a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::expr) enum What {
    Value,
    Told,
}

/// The constants of a text or list slot.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::expr) enum Constant {
    Text(Arc<str>),
    Int(i64),
}

/// How the values of a slot are told apart.
#[derive(Debug, Clone)]
pub(in crate::expr) enum SlotKind {
    Keys(KeyType),
    Texts(Interner<Constant>),
    Elements(Interner<Constant>),
    Told,
}

/// A part of a rule that the reference evaluates.
#[derive(Debug, Clone)]
pub(in crate::expr) struct Opaque {
    pub(in crate::expr) checked: Checked,
    pub(in crate::expr) node: Ref,
}

/// A rule in terms of literals.
#[derive(Debug)]
pub(in crate::expr) struct Lowered {
    pub(in crate::expr) shape: Shape,
    /// Whether *not known to be true* and *known to be false* cannot be told apart by the shape alone: it has an opaque part
    /// or a condition that stands in two places.
    pub(in crate::expr) special: bool,
}

/// Gathers the slots, constants, literals and opaque parts of all rules.
#[derive(Debug, Default)]
pub(in crate::expr) struct Lowering {
    pub(in crate::expr) slots: Vec<(FactId, SlotKind)>,
    by_fact: HashMap<(FactId, What), SlotId, BuildHasherDefault<super::literal::Fold>>,
    pub(in crate::expr) literals: Interner<Literal>,
    pub(in crate::expr) opaque: Vec<Opaque>,
    opaque_texts: Interner<Arc<str>>,
}

/// Rules with further constants of a slot are left to the reference.
const CONSTANTS: u32 = 1 << 20;

/// A rule with more parts than this is left to the reference as a whole.
const PARTS: usize = 4_000;

impl Lowering {
    /// Takes a rule apart.
    pub(in crate::expr) fn lower(&mut self, checked: &Checked, schema: &Schema) -> Lowered {
        let mut rule = Rule { all: self, checked, schema, special: false, parts: 0 };
        let shape = rule.lower(checked.root, true);
        let special = rule.special;
        if rule.parts > PARTS {
            let shape = self.opaque(checked, checked.root, true);
            return Lowered { shape, special: true };
        }
        Lowered { shape, special }
    }

    fn opaque(&mut self, checked: &Checked, node: Ref, wanted: bool) -> Shape {
        let text: Arc<str> = print_node(&checked.tree, checked.node(node).syntax).into();
        let part = self.opaque_texts.number(text);
        if part as usize == self.opaque.len() {
            self.opaque.push(Opaque { checked: checked.clone(), node });
        }
        Shape::Literal(self.literals.number(Literal::Opaque { part, wanted }))
    }

    /// The slot of a fact; `None` when its values cannot be told apart by one, or there are too many.
    fn slot(&mut self, fact: FactId, what: What, ty: &Type) -> Option<SlotId> {
        if let Some(slot) = self.by_fact.get(&(fact, what)) {
            return Some(*slot);
        }
        let kind = match (what, ty) {
            (What::Told, _) => SlotKind::Told,
            (What::Value, Type::String | Type::Enum(_)) => SlotKind::Texts(Interner::default()),
            (What::Value, Type::List(element)) => match **element {
                Type::String | Type::Enum(_) | Type::Int => SlotKind::Elements(Interner::default()),
                _ => return None,
            },
            (What::Value, ty) => SlotKind::Keys(KeyType::of(ty)?),
        };
        let slot = SlotId::try_from(self.slots.len()).ok().filter(|slot| *slot < SlotId::MAX)?;
        self.slots.push((fact, kind));
        self.by_fact.insert((fact, what), slot);
        Some(slot)
    }

    fn constant(&mut self, slot: SlotId, constant: Constant) -> Option<u32> {
        match &mut self.slots.get_mut(usize::from(slot))?.1 {
            SlotKind::Texts(constants) | SlotKind::Elements(constants) => {
                Some(constants.number(constant)).filter(|number| *number < CONSTANTS)
            }
            _ => None,
        }
    }
}

/// One rule on its way.
struct Rule<'a, 'l> {
    all: &'l mut Lowering,
    checked: &'a Checked,
    schema: &'a Schema,
    special: bool,
    parts: usize,
}

impl<'a> Rule<'a, '_> {
    /// When `node` is known to be `wanted`.
    fn lower(&mut self, node: Ref, wanted: bool) -> Shape {
        self.parts += 1;
        if self.parts > PARTS {
            return Shape::constant(false);
        }
        let checked = self.checked;
        match &checked.node(node).op {
            Op::Constant(Value::Bool(truth)) => Shape::constant(*truth == wanted),
            Op::Not(operand) => self.lower(*operand, !wanted),
            Op::Computed(value) => self.lower(*value, wanted),
            Op::And(operands) => self.junction(operands, wanted, wanted),
            Op::Or(operands) => self.junction(operands, wanted, !wanted),
            Op::Ternary { condition, yes, no } => {
                self.special = true;
                let branches = [(true, *yes), (false, *no)]
                    .map(|(truth, branch)| Shape::And(vec![self.lower(*condition, truth), self.lower(branch, wanted)]));
                Shape::Or(branches.into())
            }
            op => match self.literal(op, wanted) {
                Some(literal) => Shape::Literal(self.all.literals.number(literal)),
                None => {
                    self.special = true;
                    self.all.opaque(checked, node, wanted)
                }
            },
        }
    }

    fn junction(&mut self, operands: &[Ref], wanted: bool, all: bool) -> Shape {
        let parts = operands.iter().map(|operand| self.lower(*operand, wanted)).collect();
        if all { Shape::And(parts) } else { Shape::Or(parts) }
    }

    fn literal(&mut self, op: &Op, wanted: bool) -> Option<Literal> {
        match op {
            Op::Fact(fact) => {
                let ty = self.ty(*fact).filter(|ty| **ty == Type::Bool)?;
                let slot = self.all.slot(*fact, What::Value, ty)?;
                Some(Literal::Keys { slot, ranges: Ranges::of(u64::from(wanted), u64::from(wanted)) })
            }
            Op::HasFact(fact) => {
                let slot = self.all.slot(*fact, What::Told, &Type::Bool)?;
                Some(Literal::Keys { slot, ranges: Ranges::of(u64::from(wanted), u64::from(wanted)) })
            }
            Op::Binary { op: BinaryOp::In, left, right } => match (self.op(*left), self.op(*right)) {
                (Op::Fact(fact), _) => {
                    let list = self.constants(*right)?;
                    self.one_of(*fact, &list, wanted)
                }
                (Op::Constant(element), Op::Fact(fact)) => {
                    let element = element.clone();
                    self.has_one_of(*fact, &[element], wanted)
                }
                _ => None,
            },
            Op::Binary { op, left, right } if op.is_comparison() => match (self.op(*left), self.op(*right)) {
                (Op::Fact(fact), Op::Constant(constant)) => self.compared(*fact, *op, constant, wanted),
                (Op::Constant(constant), Op::Fact(fact)) => self.compared(*fact, mirrored(*op), constant, wanted),
                _ => None,
            },
            Op::Loop { form: Form::Exists, range, slot, second: None, filter: None, body } => {
                let Op::Fact(fact) = self.op(*range) else { return None };
                let wanted_elements = self.elements(*body, *slot)?;
                self.has_one_of(*fact, &wanted_elements, wanted)
            }
            Op::Call { function, args } if function.name == "sets.intersects" => {
                let [left, right] = args[..] else { return None };
                match (self.op(left), self.op(right)) {
                    (Op::Fact(fact), _) => self.constants(right).and_then(|list| self.has_one_of(*fact, &list, wanted)),
                    (_, Op::Fact(fact)) => self.constants(left).and_then(|list| self.has_one_of(*fact, &list, wanted)),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// `fact op constant` is `wanted`.
    fn compared(&mut self, fact: FactId, op: BinaryOp, constant: &Value, wanted: bool) -> Option<Literal> {
        let ty = self.ty(fact)?;
        if let (Type::String | Type::Enum(_), Value::String(text)) = (ty, constant) {
            let slot = self.all.slot(fact, What::Value, ty)?;
            let constant = self.all.constant(slot, Constant::Text(text.clone()))?;
            return Some(match op {
                BinaryOp::Equal | BinaryOp::NotEqual => {
                    let within = (op == BinaryOp::Equal) == wanted;
                    Literal::Texts { slot, constants: Constants::from_slice(&[constant]), within }
                }
                _ => Literal::TextOrder { slot, op: if wanted { op } else { opposite(op) }, constant },
            });
        }
        let ranges = KeyType::of(ty)?.ranges(op, constant)?;
        let slot = self.all.slot(fact, What::Value, ty)?;
        Some(Literal::Keys { slot, ranges: if wanted { ranges } else { ranges.complement() } })
    }

    /// `fact in constants` is `wanted`.
    fn one_of(&mut self, fact: FactId, constants: &[Value], wanted: bool) -> Option<Literal> {
        let ty = self.ty(fact)?;
        if matches!(ty, Type::String | Type::Enum(_)) {
            let slot = self.all.slot(fact, What::Value, ty)?;
            let constants = self.numbers(slot, constants, &|value| value.as_text().map(|text| Constant::Text(text.into())))?;
            return Some(Literal::Texts { slot, constants, within: wanted });
        }
        let keys = KeyType::of(ty)?;
        let mut parts = Vec::new();
        for constant in constants {
            // Values of other types are different: a list of them may be mixed.
            let alike = std::mem::discriminant(constant) == std::mem::discriminant(&keys.example());
            if alike || (is_number(constant) && is_number(&keys.example())) {
                parts.extend(keys.ranges(BinaryOp::Equal, constant)?.0);
            }
        }
        let slot = self.all.slot(fact, What::Value, ty)?;
        let ranges = Ranges::union(parts);
        Some(Literal::Keys { slot, ranges: if wanted { ranges } else { ranges.complement() } })
    }

    /// The list has one of the constants, is `wanted`.
    fn has_one_of(&mut self, fact: FactId, constants: &[Value], wanted: bool) -> Option<Literal> {
        let ty = self.ty(fact)?;
        let Type::List(element) = ty else { return None };
        let whole = **element == Type::Int;
        if whole && constants.iter().any(|constant| matches!(constant, Value::Uint(_) | Value::Double(_) | Value::Decimal(_))) {
            return None;
        }
        let slot = self.all.slot(fact, What::Value, ty)?;
        let constants = self.numbers(slot, constants, &|value| match value {
            Value::String(text) if !whole => Some(Constant::Text(text.clone())),
            Value::Int(number) if whole => Some(Constant::Int(*number)),
            _ => None,
        })?;
        Some(Literal::Elements { slot, constants, within: wanted })
    }

    fn numbers(&mut self, slot: SlotId, values: &[Value], constant: &dyn Fn(&Value) -> Option<Constant>) -> Option<Constants> {
        let mut numbers = Constants::new();
        for value in values {
            // A value that the fact cannot have is equal to none of its values.
            if let Some(constant) = constant(value) {
                numbers.push(self.all.constant(slot, constant)?);
            }
        }
        numbers.sort_unstable();
        numbers.dedup();
        Some(numbers)
    }

    /// The constants that the variable `slot` is compared with in `v == constant` or `v in [constants]`.
    fn elements(&self, body: Ref, slot: u32) -> Option<Vec<Value>> {
        let Op::Binary { op, left, right } = self.op(body) else { return None };
        match (op, self.op(*left), self.op(*right)) {
            (BinaryOp::Equal, Op::Variable(variable), Op::Constant(value))
            | (BinaryOp::Equal, Op::Constant(value), Op::Variable(variable))
                if *variable == slot =>
            {
                Some(vec![value.clone()])
            }
            (BinaryOp::In, Op::Variable(variable), _) if *variable == slot => self.constants(*right),
            _ => None,
        }
    }

    /// The elements of a list of constants.
    fn constants(&self, list: Ref) -> Option<Vec<Value>> {
        match self.op(list) {
            Op::Constant(Value::List(items)) => Some(items.to_vec()),
            Op::List(items) => items
                .iter()
                .map(|item| match self.op(*item) {
                    Op::Constant(value) => Some(value.clone()),
                    _ => None,
                })
                .collect(),
            _ => None,
        }
    }

    fn op(&self, node: Ref) -> &'a Op {
        &self.checked.node(node).op
    }

    fn ty(&self, fact: FactId) -> Option<&'a Type> {
        self.schema.fact_decl(fact).map(|declared| &declared.ty)
    }
}

fn is_number(value: &Value) -> bool {
    matches!(value, Value::Int(_) | Value::Uint(_) | Value::Double(_) | Value::Decimal(_))
}

/// The operator with its sides exchanged.
fn mirrored(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Less => BinaryOp::Greater,
        BinaryOp::LessEqual => BinaryOp::GreaterEqual,
        BinaryOp::Greater => BinaryOp::Less,
        BinaryOp::GreaterEqual => BinaryOp::LessEqual,
        other => other,
    }
}

/// The operator that is true where this one is false, for values that always have an order.
fn opposite(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Less => BinaryOp::GreaterEqual,
        BinaryOp::LessEqual => BinaryOp::Greater,
        BinaryOp::Greater => BinaryOp::LessEqual,
        BinaryOp::GreaterEqual => BinaryOp::Less,
        other => other,
    }
}

impl Shape {
    /// The same without constants and needless nesting.
    pub(in crate::expr) fn simplified(self) -> Shape {
        let (parts, all) = match self {
            Shape::Literal(_) => return self,
            Shape::And(parts) => (parts, true),
            Shape::Or(parts) => (parts, false),
        };
        let mut kept = Vec::with_capacity(parts.len());
        for part in parts {
            match (part.simplified(), all) {
                (Shape::And(inner), true) | (Shape::Or(inner), false) => kept.extend(inner),
                // Of nothing: false ends *and*, true ends *or*.
                (Shape::Or(inner), true) | (Shape::And(inner), false) if inner.is_empty() => {
                    return Shape::constant(!all);
                }
                (part, _) => kept.push(part),
            }
        }
        match (kept.len(), all) {
            (1, _) => kept.remove(0),
            (_, true) => Shape::And(kept),
            (_, false) => Shape::Or(kept),
        }
    }

    /// Calls `visit` with every literal.
    pub(in crate::expr) fn literals(&self, visit: &mut dyn FnMut(u32)) {
        match self {
            Shape::Literal(number) => visit(*number),
            Shape::And(parts) | Shape::Or(parts) => parts.iter().for_each(|part| part.literals(visit)),
        }
    }
}
