//! Warnings: conditions that compile but can never be true, or never be anything else. Found by the values that each slot
//! (a fact, an aggregate, whatever is compared with constants) can still have, and no more than that.

use super::ast::{BinaryOp, Extent, NodeId, Tree};
use super::checked::{Checked, Node, Op, Ref};
use super::finding::Finding;
use super::print::{print_node, value_text};
use super::stream::Terminal;
use super::warn_sets::{Range, Set};
use super::{FactId, Schema, value_ops};
use crate::error::Severity;
use crate::value::{Duration, Type, Value};
use std::cell::Cell;
use std::collections::BTreeSet;

/// Larger expressions are not looked at: a generated one of this size has no reader.
const MOST_NODES: usize = 5_000;

/// What is tried, counted in slots that are looked at. Beyond it nothing more is found.
const BUDGET: u64 = 1_000_000;

/// What is compared: equal slots have equal values.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Slot {
    Fact(FactId),
    /// By canonical text.
    Text(String),
}

/// The values that slots can still have; those left out can have any. Mostly few, so that a list is the fastest map.
type Possible = Vec<(Slot, Set)>;

/// What is probably not meant in a checked expression.
///
/// `said` are the places about which something was said already.
pub(super) fn warnings(tree: &Tree, nodes: &[Node], root: Ref, schema: &Schema, said: Vec<Extent>) -> Vec<Finding> {
    if nodes.len() > MOST_NODES {
        return Vec::new();
    }
    let left = Cell::new(BUDGET);
    let mut reader = Reader { said, ..Reader::new(tree, nodes, Some(schema), &left) };
    reader.look(root);
    let Reader { mut findings, .. } = reader;
    findings.extend(super::warn_known::never_known(tree, nodes, root, schema));
    findings.extend(super::warn_known::beyond_retention(tree, nodes, schema));
    findings
}

/// Whether conditions that are checked against one schema can all be true at one instant, as far as intervals and finite sets of
/// one slot at a time tell; `define` gives the condition behind a fact such as `segment("loyal")`. Never wrongly false.
#[must_use]
pub fn may_hold_together(conditions: &[&Checked], schema: &Schema, define: &dyn Fn(FactId) -> Option<Checked>) -> bool {
    if conditions.iter().any(|condition| super::warn_known::is_never_known(condition, schema)) {
        return false;
    }
    let left = Cell::new(BUDGET);
    let mut possible = Possible::new();
    for condition in conditions.iter().filter(|condition| condition.nodes.len() <= MOST_NODES) {
        let reader = Reader { define: Some(define), ..Reader::new(&condition.tree, &condition.nodes, Some(schema), &left) };
        match reader.assume(condition.root, true, possible) {
            Some(narrowed) => possible = narrowed,
            None => return false,
        }
    }
    true
}

/// Whether a slot of an expression may have a value at all: a count is never below zero.
pub(super) fn may_be(expression: &Checked, slot: Ref, value: &Value) -> bool {
    let left = Cell::new(BUDGET);
    let reader = Reader::new(&expression.tree, &expression.nodes, None, &left);
    let wanted = Set::of(BinaryOp::Equal, value, &expression.node(slot).ty);
    match (reader.universe(slot), wanted) {
        (Some(all), Some(wanted)) => !all.intersect(&wanted).is_empty(),
        _ => true,
    }
}

/// The comparison that says the same with its sides exchanged.
pub(super) fn mirrored(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Less => BinaryOp::Greater,
        BinaryOp::LessEqual => BinaryOp::GreaterEqual,
        BinaryOp::Greater => BinaryOp::Less,
        BinaryOp::GreaterEqual => BinaryOp::LessEqual,
        other => other,
    }
}

pub(super) fn opposite(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Less => BinaryOp::GreaterEqual,
        BinaryOp::LessEqual => BinaryOp::Greater,
        BinaryOp::Greater => BinaryOp::LessEqual,
        BinaryOp::GreaterEqual => BinaryOp::Less,
        BinaryOp::Equal => BinaryOp::NotEqual,
        BinaryOp::NotEqual => BinaryOp::Equal,
        other => other,
    }
}

struct Reader<'a> {
    tree: &'a Tree,
    nodes: &'a [Node],
    schema: Option<&'a Schema>,
    findings: Vec<Finding>,
    /// What may still be tried.
    left: &'a Cell<u64>,
    /// Where something was said already.
    said: Vec<Extent>,
    /// The conditions behind facts.
    define: Option<&'a Define<'a>>,
    /// How many conditions stand around this one.
    depth: u32,
}

type Define<'a> = dyn Fn(FactId) -> Option<Checked> + 'a;

/// Segments of segments beyond this are not looked into.
const DEEPEST: u32 = 8;

impl<'a> Reader<'a> {
    fn new(tree: &'a Tree, nodes: &'a [Node], schema: Option<&'a Schema>, left: &'a Cell<u64>) -> Self {
        Reader { tree, nodes, schema, findings: Vec::new(), left, said: Vec::new(), define: None, depth: 0 }
    }

    /// What slots can still have when the condition behind a fact has a truth value.
    fn defined(&self, id: Ref, wanted: bool, possible: Possible) -> Option<Possible> {
        let Op::Fact(fact) = self.node(id).op else { return Some(possible) };
        let found = self.define.filter(|_| self.depth < DEEPEST).and_then(|define| define(fact));
        let Some(condition) = found.filter(|condition| condition.nodes.len() <= MOST_NODES) else { return Some(possible) };
        let reader = Reader {
            define: self.define,
            depth: self.depth + 1,
            ..Reader::new(&condition.tree, &condition.nodes, self.schema, self.left)
        };
        reader.assume(condition.root, wanted, possible)
    }
}

impl<'a> Reader<'a> {
    fn node(&self, id: Ref) -> &'a Node {
        &self.nodes[id.0 as usize]
    }

    fn syntax(&self, id: Ref) -> NodeId {
        self.node(id).syntax
    }

    fn text(&self, id: Ref) -> String {
        let text = print_node(self.tree, self.syntax(id));
        if text.chars().count() > 80 { text.chars().take(79).chain(['…']).collect() } else { text }
    }

    fn warn(&mut self, code: &'static str, at: Ref, message: String, hint: Option<String>) {
        let finding = Finding::error(code, self.node(at).extent, message);
        self.findings.push(Finding { severity: Severity::Warning, hint, ..finding });
    }

    /// Looks at a part and all below it, innermost first; tells whether there was anything to say, so that what follows
    /// from it is not said again.
    fn look(&mut self, id: Ref) -> bool {
        let op = &self.node(id).op;
        // What a computed value says of itself is said where it is declared.
        if matches!(op, Op::Computed(_)) {
            return false;
        }
        let mut said = false;
        for child in op.children() {
            said |= self.look(child);
        }
        if said {
            return true;
        }
        match op {
            Op::And(operands) => self.look_at_junction(operands, true),
            Op::Or(operands) => self.look_at_junction(operands, false),
            Op::Binary { op, .. } if op.is_comparison() || *op == BinaryOp::In => self.look_at_comparison(id),
            _ => false,
        }
    }

    /// `&&` of which no two operands hold together (`wanted` true), `||` of which one always holds.
    fn look_at_junction(&mut self, operands: &[Ref], wanted: bool) -> bool {
        // Only what begins alike is written out and compared.
        let mut marks: Vec<(u64, Ref)> = operands.iter().map(|operand| (self.mark(*operand), *operand)).collect();
        marks.sort_by_key(|(mark, _)| *mark);
        let alike = marks.chunk_by(|a, b| a.0 == b.0).filter(|alike| alike.len() > 1);
        let alike: BTreeSet<u32> = alike.flatten().map(|(_, operand)| operand.0).collect();
        let mut seen = BTreeSet::new();
        for operand in operands.iter().filter(|operand| alike.contains(&operand.0)) {
            let text = print_node(self.tree, self.syntax(*operand));
            if !seen.insert(text) {
                let text = self.text(*operand);
                self.warn("duplicate_condition", *operand, format!("`{text}` stands here twice"), None);
                return true;
            }
        }
        if self.assume_all(operands, wanted).is_some() {
            return false;
        }
        // The first operands that cannot hold together: the more there are, the less is possible.
        let (mut before, mut at) = (0, operands.len() - 1);
        while at - before > 1 {
            let half = before + (at - before) / 2;
            if self.assume_all(&operands[..=half], wanted).is_none() { at = half } else { before = half }
        }
        let last = operands[at];
        let partner = operands[..at].iter().find(|before| self.assume_all(&[**before, last], wanted).is_none());
        let with = match partner {
            Some(partner) => format!("`{}`", self.text(*partner)),
            None => "what stands before it".to_string(),
        };
        let text = self.text(last);
        if wanted {
            let message = format!("`{text}` cannot hold together with {with}");
            let hint = "this is never true; write `||` when one of them is enough".to_string();
            self.warn("contradiction", last, message, Some(hint));
        } else {
            let message = format!("`{text}` or {with} always holds");
            let hint = "this is always true; write `&&` when both are needed".to_string();
            self.warn("always_true", last, message, Some(hint));
        }
        true
    }

    /// A number that conditions of one text share.
    fn mark(&self, id: Ref) -> u64 {
        match &self.node(id).op {
            Op::Fact(fact) => 2 + u64::from(fact.0),
            Op::Not(operand) => self.mark(*operand).rotate_left(7),
            Op::Binary { op, left, right } => {
                self.mark(*left).rotate_left(17) ^ self.mark(*right).rotate_left(33) ^ (*op as u64).rotate_left(56)
            }
            Op::Constant(_) => 1,
            _ => 0,
        }
    }

    fn look_at_comparison(&mut self, id: Ref) -> bool {
        let Op::Binary { op, left, right } = &self.node(id).op else { return false };
        let (op, left, right) = (*op, *left, *right);
        let extent = self.node(id).extent;
        if self.said.iter().any(|said| extent.start <= said.start && said.end <= extent.end) {
            return true;
        }
        // Of what is wrong itself nothing more is said.
        let broken = |id: Ref| matches!((&self.node(id).op, self.ty(id)), (Op::Constant(Value::Null), Type::Dyn));
        if broken(left) || broken(right) {
            return false;
        }
        if let (Op::Constant(a), Op::Constant(b)) = (&self.node(left).op, &self.node(right).op) {
            let Ok(Value::Bool(truth)) = value_ops::binary(op, a, b, 0) else { return false };
            let (code, how) = if truth { ("always_true", "always") } else { ("always_false", "never") };
            let text = self.text(id);
            self.warn(code, id, format!("`{text}` compares constants and is {how} true"), None);
            return true;
        }
        let null = |id: Ref| matches!(self.node(id).op, Op::Constant(Value::Null));
        let nullable = |id: Ref| matches!(self.ty(id), Type::Dyn | Type::Null);
        if let Some(other) =
            [(left, right), (right, left)].into_iter().find(|(a, b)| null(*a) && !nullable(*b)).map(|pair| pair.1)
        {
            let (code, how) = if op == BinaryOp::NotEqual { ("always_true", "always") } else { ("always_false", "never") };
            let message = format!("`{}` is {how} true: `{}` is never null", self.text(id), self.text(other));
            let hint = matches!(self.node(other).op, Op::Fact(_))
                .then(|| format!("ask whether it is known: `has({})`", self.text(other)));
            self.warn(code, id, message, hint);
            return true;
        }
        if op.is_comparison() && *self.ty(left) != Type::Double && self.slot(left) == self.slot(right) {
            let truth = matches!(op, BinaryOp::Equal | BinaryOp::LessEqual | BinaryOp::GreaterEqual);
            let (code, how) = if truth { ("always_true", "always") } else { ("always_false", "never") };
            let text = self.text(id);
            self.warn(code, id, format!("`{text}` compares something with itself and is {how} true"), None);
            return true;
        }
        let (code, how) = match (self.assume(id, true, Possible::new()), self.assume(id, false, Possible::new())) {
            (None, _) => ("always_false", "never"),
            (_, None) => ("always_true", "always"),
            _ => return false,
        };
        let side = if self.is_constant(left) { right } else { left };
        let reason = self.universe(side).map(|set| format!(": `{}` is {}", self.text(side), described(&set)));
        let text = self.text(id);
        self.warn(code, id, format!("`{text}` is {how} true{}", reason.unwrap_or_default()), None);
        true
    }

    fn is_constant(&self, id: Ref) -> bool {
        matches!(self.node(id).op, Op::Constant(_))
    }

    fn ty(&self, id: Ref) -> &'a Type {
        &self.node(id).ty
    }

    fn slot(&self, id: Ref) -> Slot {
        match &self.node(id).op {
            Op::Fact(fact) => Slot::Fact(*fact),
            _ => Slot::Text(print_node(self.tree, self.syntax(id))),
        }
    }

    fn assume_all(&self, operands: &[Ref], wanted: bool) -> Option<Possible> {
        let is_junction = |id: &&Ref| matches!(self.node(**id).op, Op::And(_) | Op::Or(_) | Op::Ternary { .. });
        let mut possible = Possible::new();
        for operand in operands.iter().filter(|id| !is_junction(id)).chain(operands.iter().filter(is_junction)) {
            possible = self.assume(*operand, wanted, possible)?;
        }
        Some(possible)
    }

    /// What slots can still have when a condition has a truth value; `None` when it cannot have it.
    fn assume(&self, id: Ref, wanted: bool, possible: Possible) -> Option<Possible> {
        let Some(left) = self.left.get().checked_sub(1 + possible.len() as u64) else { return Some(possible) };
        self.left.set(left);
        match &self.node(id).op {
            Op::Constant(Value::Bool(truth)) => (*truth == wanted).then_some(possible),
            Op::Not(operand) => self.assume(*operand, !wanted, possible),
            Op::Computed(value) => self.assume(*value, wanted, possible),
            Op::And(operands) | Op::Or(operands) => {
                if matches!(self.node(id).op, Op::And(_)) == wanted {
                    let mut possible = possible;
                    for operand in operands {
                        possible = self.assume(*operand, wanted, possible)?;
                    }
                    return Some(possible);
                }
                operands
                    .iter()
                    .filter_map(|operand| self.assume(*operand, wanted, possible.clone()))
                    .reduce(|a, b| either(&a, &b))
            }
            Op::Ternary { condition, yes, no } => {
                let branch = |truth: bool, part: Ref| {
                    self.assume(*condition, truth, possible.clone()).and_then(|possible| self.assume(part, wanted, possible))
                };
                match (branch(true, *yes), branch(false, *no)) {
                    (Some(a), Some(b)) => Some(either(&a, &b)),
                    (a, b) => a.or(b),
                }
            }
            Op::Binary { op: BinaryOp::In, left, right } => match self.members(*left, *right, wanted) {
                Some(set) => self.narrowed(*left, &set, possible),
                None => Some(possible),
            },
            Op::Binary { op, left, right } if op.is_comparison() => {
                let (slot, op, constant) = match (&self.node(*left).op, &self.node(*right).op) {
                    (Op::Constant(_), Op::Constant(_)) => return Some(possible),
                    (_, Op::Constant(constant)) => (*left, *op, constant),
                    (Op::Constant(constant), _) => (*right, mirrored(*op), constant),
                    _ => return Some(possible),
                };
                // NaN is neither below nor above.
                if !wanted && op.is_ordering() && *self.ty(slot) == Type::Double && self.universe(slot).is_none() {
                    return Some(possible);
                }
                match Set::of(if wanted { op } else { opposite(op) }, constant, self.ty(slot)) {
                    Some(set) => self.narrowed(slot, &set, possible),
                    None => Some(possible),
                }
            }
            _ if *self.ty(id) == Type::Bool => {
                self.narrowed(id, &Set::truth(wanted), possible).and_then(|possible| self.defined(id, wanted, possible))
            }
            _ => Some(possible),
        }
    }

    /// The set of a list of constants, or what lies outside of it.
    fn members(&self, slot: Ref, list: Ref, wanted: bool) -> Option<Set> {
        let constants: Vec<&Value> = match &self.node(list).op {
            Op::List(items) => items
                .iter()
                .map(|item| match &self.node(*item).op {
                    Op::Constant(value) => Some(value),
                    _ => None,
                })
                .collect::<Option<_>>()?,
            Op::Constant(Value::List(items)) => items.iter().collect(),
            _ => return None,
        };
        let op = if wanted { BinaryOp::Equal } else { BinaryOp::NotEqual };
        let mut sets = constants.iter().map(|constant| Set::of(op, constant, self.ty(slot)));
        let first = match sets.next() {
            Some(first) => first?,
            // Nothing is in an empty list.
            None if wanted => return Some(Set::Ranges(Vec::new())),
            None => return None,
        };
        sets.try_fold(first, |all, set| if wanted { all.union(&set?) } else { Some(all.intersect(&set?)) })
    }

    fn narrowed(&self, slot: Ref, set: &Set, mut possible: Possible) -> Option<Possible> {
        let key = self.slot(slot);
        let known = possible.iter_mut().find(|(slot, _)| *slot == key);
        let narrowed = match &known {
            Some((_, before)) => before.intersect(set),
            None => match self.universe(slot) {
                Some(all) => all.intersect(set),
                None => set.clone(),
            },
        };
        if narrowed.is_empty() {
            return None;
        }
        match known {
            Some((_, before)) => *before = narrowed,
            None => possible.push((key, narrowed)),
        }
        Some(possible)
    }

    /// All values that a slot can have, where that says anything.
    fn universe(&self, slot: Ref) -> Option<Set> {
        let from_zero = |zero: Value| Some(Set::Ranges(vec![Range::from(zero)]));
        let between = |low: i64, high: i64| Some(Set::Ranges(vec![Range::between(Value::Int(low), Value::Int(high))]));
        let node = self.node(slot);
        match (&node.op, &node.ty) {
            (_, Type::Enum(names)) => Some(Set::Texts { texts: names.iter().cloned().collect(), within: true }),
            (_, Type::Bool) => Some(Set::Truth { yes: true, no: true }),
            (Op::Fact(fact), Type::Double) => {
                let path = &self.schema?.fact_decl(*fact)?.path;
                let share = ["persona.", "intent.", "need."].iter().any(|family| path.starts_with(family));
                share.then(|| Set::Ranges(vec![Range::between(Value::Double(0.0), Value::Double(1.0))]))
            }
            (Op::Stream(stream), _) => match stream.terminal {
                Terminal::Count | Terminal::Streak => from_zero(Value::Int(0)),
                Terminal::Rate => from_zero(Value::Double(0.0)),
                Terminal::CountDistinct => from_zero(Value::Int(0)),
                Terminal::SinceLast | Terminal::SinceFirst | Terminal::UsualGap => from_zero(Value::Duration(Duration::ZERO)),
                _ => None,
            },
            (Op::Call { function, args }, _) => {
                let first = *args.first()?;
                match (function.name, self.ty(first)) {
                    ("size", _) => from_zero(Value::Int(0)),
                    ("getHours", Type::Timestamp) => between(0, 23),
                    ("getMinutes" | "getSeconds", Type::Timestamp) => between(0, 59),
                    ("getMilliseconds", _) => between(0, 999),
                    ("getMonth", _) => between(0, 11),
                    ("getDate", _) => between(1, 31),
                    ("getDayOfMonth", _) => between(0, 30),
                    ("getDayOfWeek", _) => between(0, 6),
                    ("getDayOfYear", _) => between(0, 365),
                    ("days" | "hours" | "minutes" | "seconds", _) => {
                        self.universe(first).and_then(|_| from_zero(Value::Double(0.0)))
                    }
                    _ => None,
                }
            }
            (_, Type::Uint) => from_zero(Value::Uint(0)),
            _ => None,
        }
    }
}

/// What slots can have in one case or the other.
fn either(a: &Possible, b: &Possible) -> Possible {
    let other = |slot: &Slot| b.iter().find(|(same, _)| same == slot).map(|(_, set)| set);
    a.iter().filter_map(|(slot, set)| Some((slot.clone(), set.union(other(slot)?)?))).collect()
}

fn described(set: &Set) -> String {
    match set {
        Set::Ranges(ranges) => match &ranges[..] {
            [Range { low: Some((low, _)), high: Some((high, _)) }] => {
                format!("between {} and {}", value_text(low), value_text(high))
            }
            [Range { low: Some((low, _)), high: None }] => format!("at least {}", value_text(low)),
            _ => "something else".to_string(),
        },
        Set::Texts { texts, .. } => {
            let names: Vec<String> = texts.iter().take(12).map(|name| format!("\"{name}\"")).collect();
            format!("one of {}", names.join(", "))
        }
        Set::Truth { .. } => "true or false".to_string(),
    }
}
