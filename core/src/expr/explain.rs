//! Explanations: what every part of an expression came to, and which parts decided.

use super::ast::Kind;
use super::checked::{Checked, Op, Ref};
use super::evaluate::Machine;
use super::print::{print_node, value_text};
use super::{Facts, Missing, Outcome};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::cell::Cell;

/// What an expression came to, part by part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The canonical text of this part.
    pub text: String,
    /// What it came to.
    pub outcome: Outcome,
    /// The parts that were needed for it, in the order written.
    pub parts: Vec<Explanation>,
}

/// Evaluates an expression and keeps what every part came to.
///
/// Parts inside macros and conditions of streams, which take many values, are not shown one by one. Quadratic in the depth of
/// the expression.
#[must_use]
pub fn explain(expression: &Checked, facts: &dyn Facts) -> Explanation {
    let steps = Cell::new(0);
    let machine = Machine::new(&expression.nodes, &expression.limits, facts, &steps);
    part(expression, &machine, expression.root)
}

fn part(expression: &Checked, machine: &Machine<'_>, id: Ref) -> Explanation {
    let node = expression.node(id);
    let outcome = machine.settled(id, None).outcome;
    let mut parts = Vec::new();
    match &node.op {
        Op::And(operands) => junction(expression, machine, operands, false, &mut parts),
        Op::Or(operands) => junction(expression, machine, operands, true, &mut parts),
        Op::Ternary { condition, yes, no } => {
            let condition = part(expression, machine, *condition);
            let branch = condition.outcome.as_bool().map(|truth| if truth { *yes } else { *no });
            parts.push(condition);
            parts.extend(branch.map(|branch| part(expression, machine, branch)));
        }
        // What lies below binds a variable.
        Op::Loop { range, .. } => parts.push(part(expression, machine, *range)),
        Op::Bind { value, .. } => parts.push(part(expression, machine, *value)),
        Op::Stream(_) => {}
        op => {
            for child in op.children() {
                if !matches!(expression.node(child).op, Op::Constant(_)) {
                    parts.push(part(expression, machine, child));
                }
            }
        }
    }
    Explanation { text: print_node(&expression.tree, node.syntax), outcome, parts }
}

/// The operands up to the one that decided; only that one when there is one.
fn junction(expression: &Checked, machine: &Machine<'_>, operands: &[Ref], absorbing: bool, parts: &mut Vec<Explanation>) {
    for operand in operands {
        let found = part(expression, machine, *operand);
        let decided = found.outcome.as_bool() == Some(absorbing);
        if decided {
            parts.clear();
        }
        parts.push(found);
        if decided {
            return;
        }
    }
}

impl Explanation {
    /// The comparisons that decided, in words: those that are false when the whole is false, those that are true when it
    /// is true, those that failed when it failed. Without repetition, in the order written.
    #[must_use]
    pub fn reasons(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        self.collect(&mut reasons);
        reasons
    }

    fn collect(&self, reasons: &mut Vec<String>) {
        let junction = self.parts.iter().any(|part| part.outcome.as_bool().is_some() || part.failed()) && self.is_junction();
        if junction {
            let deciding = |part: &&Explanation| if self.failed() { part.failed() } else { part.outcome == self.outcome };
            for part in self.parts.iter().filter(deciding) {
                part.collect(reasons);
            }
            return;
        }
        let reason = self.reason();
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }

    fn failed(&self) -> bool {
        !matches!(self.outcome, Outcome::Value(_))
    }

    /// Whether it is put together out of truth values with `&&` or `||`.
    fn is_junction(&self) -> bool {
        matches!(super::parse::parse(&self.text, &super::Limits::DEFAULT).map(|tree| tree.node(tree.root()).kind.clone()), Ok(Kind::And(_) | Kind::Or(_)))
    }

    fn reason(&self) -> String {
        match &self.outcome {
            Outcome::Unknown(missing) => format!("unknown: {}", missing_text(missing)),
            Outcome::Error(error) => format!("`{}` failed: {}", self.text, error.message),
            Outcome::Value(value) => {
                let mut known: Vec<String> = Vec::new();
                for part in &self.parts {
                    part.leaves(&mut known);
                }
                let read = if known.is_empty() { String::new() } else { format!(": {}", known.join(", ")) };
                format!("`{}` is {}{read}", self.text, value_text(value))
            }
        }
    }

    /// The values that were read.
    fn leaves(&self, known: &mut Vec<String>) {
        if self.parts.is_empty() {
            let text = match &self.outcome {
                Outcome::Value(value) => format!("`{}` is {}", self.text, value_text(value)),
                Outcome::Unknown(missing) => missing_text(missing),
                Outcome::Error(error) => format!("`{}` failed: {}", self.text, error.message),
            };
            if !known.contains(&text) {
                known.push(text);
            }
        }
        for part in &self.parts {
            part.leaves(known);
        }
    }
}

fn missing_text(missing: &Missing) -> String {
    let paths: Vec<String> = missing.iter().map(|path| format!("`{path}`")).collect();
    format!("{} {} never told", paths.join(", "), if paths.len() == 1 { "was" } else { "were" })
}

impl Serialize for Explanation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("text", &self.text)?;
        match &self.outcome {
            Outcome::Value(value) => map.serialize_entry("value", &value_text(value))?,
            Outcome::Unknown(missing) => map.serialize_entry("unknown", &missing.iter().collect::<Vec<_>>())?,
            Outcome::Error(error) => map.serialize_entry("error", error)?,
        }
        if !self.parts.is_empty() {
            map.serialize_entry("parts", &self.parts)?;
        }
        map.end()
    }
}
