//! Rules of one list that say the same.

use super::ast::BinaryOp;
use super::checked::{Checked, Op, Ref};
use super::print::{print_node, value_text};
use super::warn::mirrored;
use crate::error::{Diagnostic, Severity};
use std::collections::BTreeMap;

/// Rules of one list whose conditions say the same, whatever the order of their operands.
///
/// The later one is reported, its name as the path. Takes time in proportion to the text of all.
///
/// # Examples
/// ```
/// use tactful::expr::{Expression, repeated};
///
/// let one = Expression::compile("age >= 18 && city == 'Bonn'", None)?;
/// let two = Expression::compile("'Bonn' == city && 18 <= age", None)?;
/// let found = repeated([("adults", one.checked()), ("grown", two.checked())]);
/// assert_eq!(found[0].message, "`grown` has the same condition as `adults`");
/// # Ok::<(), tactful::Diagnostics>(())
/// ```
pub fn repeated<'a>(rules: impl IntoIterator<Item = (&'a str, &'a Checked)>) -> Vec<Diagnostic> {
    let mut known: BTreeMap<String, &str> = BTreeMap::new();
    let mut found = Vec::new();
    for (name, rule) in rules {
        if rule.constant().is_some() {
            continue;
        }
        match known.entry(same(rule, rule.root)) {
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(name);
            }
            std::collections::btree_map::Entry::Occupied(first) => found.push(Diagnostic {
                code: "duplicate_condition",
                severity: Severity::Warning,
                message: format!("`{name}` has the same condition as `{}`", first.get()),
                path: name.to_string(),
                place: None,
                hint: Some("keep one of them, or give the condition a segment of its own".to_string()),
                related: None,
            }),
        }
    }
    found
}

/// A text that conditions share when they say the same but for the order of operands.
fn same(rule: &Checked, id: Ref) -> String {
    let joined = |operands: &[Ref], between: &str| {
        let mut texts: Vec<String> = operands.iter().map(|operand| same(rule, *operand)).collect();
        texts.sort();
        texts.dedup();
        if texts.len() == 1 { texts.concat() } else { format!("({})", texts.join(between)) }
    };
    let node = rule.node(id);
    match &node.op {
        Op::And(operands) => joined(operands, " && "),
        Op::Or(operands) => joined(operands, " || "),
        Op::Not(operand) => format!("!{}", same(rule, *operand)),
        Op::Binary { op, left, right } if op.is_comparison() => {
            let (left, right) = (same(rule, *left), same(rule, *right));
            let turned = matches!(op, BinaryOp::Greater | BinaryOp::GreaterEqual) || (!op.is_ordering() && left > right);
            match turned {
                true => format!("{right} {} {left}", mirrored(*op).symbol()),
                false => format!("{left} {} {right}", op.symbol()),
            }
        }
        Op::Constant(value) => value_text(value),
        _ => print_node(&rule.tree, node.syntax),
    }
}
