//! Which properties of which events an expression uses, and which of their values it asks for.

use super::ast::BinaryOp;
use super::checked::{Checked, Op, Ref};
use super::{EventKind, PropertyId};
use crate::value::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The values of a property that an expression asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Only whether it is one of these texts, by `==` or `in`.
    Only(BTreeSet<Arc<str>>),
    /// Any.
    Any,
}

/// Every property that is used, by event type. Linear in the size of the expression.
#[must_use]
pub(crate) fn uses(rule: &Checked) -> BTreeMap<(EventKind, PropertyId), Asked> {
    let mut walk = Walk { rule, slots: BTreeMap::new(), found: BTreeMap::new(), denied: false };
    walk.visit(rule.root);
    walk.found
}

struct Walk<'a> {
    rule: &'a Checked,
    slots: BTreeMap<u32, Vec<EventKind>>,
    found: BTreeMap<(EventKind, PropertyId), Asked>,
    /// Whether what is read may hold because a comparison does not: then all other values are asked for.
    denied: bool,
}

impl Walk<'_> {
    fn visit(&mut self, id: Ref) {
        let rule = self.rule;
        match &rule.node(id).op {
            Op::Binary { op: BinaryOp::Equal, left, right } => {
                if !self.compared(*left, *right) && !self.compared(*right, *left) {
                    self.visit_all(&[*left, *right], true);
                }
            }
            Op::Binary { op: BinaryOp::In, left, right } => {
                if !self.compared(*left, *right) {
                    self.visit_all(&[*left, *right], true);
                }
            }
            Op::Property { slot, id, .. } | Op::HasProperty { slot, id } => self.use_slot(*slot, *id, &Asked::Any),
            Op::Stream(stream) => {
                for (slot, _) in &stream.conditions {
                    self.slots.insert(*slot, stream.kinds.clone());
                }
                self.use_kinds(&stream.kinds, stream.property, &Asked::Any);
                for follow in &stream.follows {
                    for (slot, _) in &follow.conditions {
                        self.slots.insert(*slot, follow.kinds.clone());
                    }
                    for property in &follow.by {
                        self.use_kinds(&stream.kinds, Some(*property), &Asked::Any);
                        self.use_kinds(&follow.kinds, Some(*property), &Asked::Any);
                    }
                }
                // That there are none is asked about those that fit, however the answer is used.
                self.visit_all(&stream.children(), false);
            }
            Op::And(operands) | Op::Or(operands) => {
                for operand in operands {
                    self.visit(*operand);
                }
            }
            op => self.visit_all(&op.children(), true),
        }
    }

    fn visit_all(&mut self, ids: &[Ref], denied: bool) {
        let before = std::mem::replace(&mut self.denied, denied);
        for id in ids {
            self.visit(*id);
        }
        self.denied = before;
    }

    /// A property compared with constant texts; false when it is something else.
    fn compared(&mut self, property: Ref, with: Ref) -> bool {
        let (Op::Property { slot, id, .. }, Some(texts)) = (&self.rule.node(property).op, self.texts(with)) else {
            return false;
        };
        let asked = if self.denied { Asked::Any } else { Asked::Only(texts) };
        self.use_slot(*slot, *id, &asked);
        true
    }

    fn texts(&self, id: Ref) -> Option<BTreeSet<Arc<str>>> {
        let text = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            _ => None,
        };
        match &self.rule.node(id).op {
            Op::Constant(Value::List(items)) => items.iter().map(text).collect(),
            Op::Constant(value) => text(value).map(|text| BTreeSet::from([text])),
            Op::List(items) => items
                .iter()
                .map(|item| match &self.rule.node(*item).op {
                    Op::Constant(value) => text(value),
                    _ => None,
                })
                .collect(),
            _ => None,
        }
    }

    fn use_slot(&mut self, slot: u32, property: PropertyId, asked: &Asked) {
        let kinds = self.slots.get(&slot).cloned().unwrap_or_default();
        self.use_kinds(&kinds, Some(property), asked);
    }

    fn use_kinds(&mut self, kinds: &[EventKind], property: Option<PropertyId>, asked: &Asked) {
        let Some(property) = property else { return };
        for kind in kinds {
            let before = self.found.remove(&(*kind, property));
            let together = match (before, asked) {
                (None, asked) => asked.clone(),
                (Some(Asked::Only(mut texts)), Asked::Only(more)) => {
                    texts.extend(more.iter().cloned());
                    Asked::Only(texts)
                }
                (Some(_), _) => Asked::Any,
            };
            self.found.insert((*kind, property), together);
        }
    }
}
