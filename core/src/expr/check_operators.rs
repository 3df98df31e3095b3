//! The checker's part about operators, literals and macros.

use super::TimeClass;
use super::ast::{BinaryOp, Form, Kind, NodeId, UnaryOp};
use super::check::{Binding, Checker};
use super::checked::{Op, Ref};
use super::finding::Finding;
use super::types::{self, literal_decimal};
use crate::error::{Severity, nearest};
use crate::value::{Type, Value};
use std::sync::Arc;

impl Checker<'_> {
    pub(super) fn index(&mut self, id: NodeId, base: NodeId, index: NodeId) -> Ref {
        let (base, index, ty, class) = self.looked_up(base, index, false);
        self.push(id, Op::Index { base, index }, ty, class)
    }

    /// `base[index]`: both parts, the type of the result, and the class.
    pub(super) fn looked_up(&mut self, base: NodeId, index: NodeId, optional: bool) -> (Ref, Ref, Type, TimeClass) {
        let (base_ref, index_ref) = (self.lower(base), self.lower(index));
        let at = self.ty(index_ref).clone();
        let (looked_into, optional) = match self.ty(base_ref).clone() {
            Type::Optional(held) => (*held, true),
            other => (other, optional),
        };
        let ty = match looked_into {
            Type::List(element) => {
                if !(types::is_number(&at) || at == Type::Dyn) {
                    self.mismatch(index, "int", &at);
                }
                *element
            }
            Type::Map(key, value) => {
                if !types::comparable(&key, &at) {
                    self.mismatch(index, &key.to_string(), &at);
                }
                *value
            }
            Type::Dyn => Type::Dyn,
            other => {
                self.mismatch(base, "a list or map", &other);
                Type::Dyn
            }
        };
        let class = self.mixed([base_ref, index_ref]);
        let ty = if optional { Type::Optional(Box::new(ty)) } else { ty };
        (base_ref, index_ref, ty, class)
    }

    pub(super) fn unary(&mut self, id: NodeId, op: UnaryOp, operand: NodeId) -> Ref {
        let inner = self.lower(operand);
        let found = self.ty(inner).clone();
        if op == UnaryOp::Not {
            self.need_bool(operand, &found);
            let class = self.mixed([inner]);
            return self.push(id, Op::Not(inner), Type::Bool, class);
        }
        let fits =
            matches!(found, Type::Int | Type::Double | Type::Decimal { .. } | Type::Money { .. } | Type::Duration | Type::Dyn);
        if !fits {
            self.mismatch(operand, "a signed number or duration", &found);
        }
        let class = self.class(inner);
        self.push(id, Op::Negate(inner), found, class)
    }

    pub(super) fn junction(&mut self, id: NodeId, operands: &[NodeId], build: fn(Vec<Ref>) -> Op) -> Ref {
        let parts: Vec<Ref> = operands.iter().map(|operand| self.lower(*operand)).collect();
        for (operand, part) in operands.iter().zip(&parts) {
            let found = self.ty(*part).clone();
            self.need_bool(*operand, &found);
        }
        let class = self.mixed(parts.iter().copied());
        self.push(id, build(parts), Type::Bool, class)
    }

    pub(super) fn ternary(&mut self, id: NodeId, condition: NodeId, yes: NodeId, no: NodeId) -> Ref {
        let (condition_ref, yes_ref, no_ref) = (self.lower(condition), self.lower(yes), self.lower(no));
        let found = self.ty(condition_ref).clone();
        self.need_bool(condition, &found);
        let ty = match self.join(yes_ref, no_ref) {
            Some((ty, _)) => ty,
            None => {
                let (a, b) = (self.ty(yes_ref).clone(), self.ty(no_ref).clone());
                let message = format!("both branches need one type, found {a} and {b}");
                if self.schema.is_some() {
                    self.report(Finding::error("type_mismatch", self.extent(id), message));
                }
                Type::Dyn
            }
        };
        let class = self.mixed([condition_ref]).max(self.class(yes_ref)).max(self.class(no_ref));
        self.push(id, Op::Ternary { condition: condition_ref, yes: yes_ref, no: no_ref }, ty, class)
    }

    pub(super) fn list(&mut self, id: NodeId, items: &[NodeId]) -> Ref {
        let parts: Vec<Ref> = items.iter().map(|item| self.lower(*item)).collect();
        let (element, free) = self.common(&parts);
        let class = self.mixed(parts.iter().copied());
        let list = self.push(id, Op::List(parts), Type::List(Box::new(element)), class);
        self.free[list.0 as usize] = free;
        list
    }

    pub(super) fn map(&mut self, id: NodeId, entries: &[(NodeId, NodeId)]) -> Ref {
        let parts: Vec<(Ref, Ref)> = entries.iter().map(|(key, value)| (self.lower(*key), self.lower(*value))).collect();
        let keys: Vec<Ref> = parts.iter().map(|(key, _)| *key).collect();
        let values: Vec<Ref> = parts.iter().map(|(_, value)| *value).collect();
        for ((key, _), part) in entries.iter().zip(&keys) {
            let found = self.ty(*part).clone();
            if !matches!(found, Type::Bool | Type::Int | Type::Uint | Type::String | Type::Enum(_) | Type::Dyn) {
                self.mismatch(*key, "a bool, int, uint or string as key", &found);
            }
        }
        let ((key, key_free), (value, value_free)) = (self.common(&keys), self.common(&values));
        let class = self.mixed(keys.into_iter().chain(values));
        let map = self.push(id, Op::Map(parts), Type::Map(Box::new(key), Box::new(value)), class);
        self.free[map.0 as usize] = key_free || value_free;
        map
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one syntax node")]
    pub(super) fn repeat(
        &mut self,
        id: NodeId,
        form: Form,
        range: NodeId,
        variable: &Arc<str>,
        second: Option<Arc<str>>,
        filter: Option<NodeId>,
        body: NodeId,
    ) -> Ref {
        if self.is_stream(range) {
            let finding = Finding::error("not_a_list", self.extent(id), format!("a stream of events has no `{}`", form.name()));
            return self.wrong(
                id,
                finding.hint("put a condition on its events with `.where(e, …)` and end with `.count()` or `.exists()`"),
            );
        }
        let range_ref = self.lower(range);
        let class = self.mixed([range_ref]);
        let optional = matches!(form, Form::OptMap | Form::OptFlatMap);
        let (first_ty, second_ty) = match (self.ty(range_ref).clone(), &second) {
            (Type::Optional(held), _) if optional => (*held, Type::Dyn),
            (Type::Dyn, _) => (Type::Dyn, Type::Dyn),
            (Type::List(element), None) if !optional => (*element, Type::Dyn),
            (Type::List(element), Some(_)) => (Type::Int, *element),
            (Type::Map(key, value), _) if !optional && form != Form::SortBy => (*key, *value),
            (other, _) => {
                let wanted = match form {
                    _ if optional => "an optional",
                    Form::SortBy => "a list",
                    _ => "a list or map",
                };
                self.mismatch(range, wanted, &other);
                (Type::Dyn, Type::Dyn)
            }
        };
        let item_ty = first_ty.clone();
        let slot = self.bind(variable, Binding::Value(first_ty.clone(), class));
        let second = second.map(|second| self.bind(&second, Binding::Value(second_ty, class)));
        let filter_ref = filter.map(|filter| {
            let part = self.lower(filter);
            let found = self.ty(part).clone();
            self.need_bool(filter, &found);
            part
        });
        let body_ref = self.lower(body);
        self.scope.truncate(slot as usize);
        let found = self.ty(body_ref).clone();
        let ty = match form {
            Form::All | Form::Exists | Form::ExistsOne => {
                self.need_bool(body, &found);
                Type::Bool
            }
            Form::Filter => {
                self.need_bool(body, &found);
                Type::List(Box::new(item_ty))
            }
            Form::Map | Form::TransformList => Type::List(Box::new(found)),
            Form::SortBy => Type::List(Box::new(item_ty)),
            Form::OptMap => Type::Optional(Box::new(found)),
            Form::OptFlatMap => match found {
                Type::Optional(_) | Type::Dyn => found,
                other => {
                    self.mismatch(body, "an optional", &other);
                    Type::Dyn
                }
            },
            Form::TransformMap => Type::Map(Box::new(first_ty), Box::new(found)),
            Form::TransformMapEntry => match found {
                Type::Map(..) | Type::Dyn => found,
                other => {
                    self.mismatch(body, "a map", &other);
                    Type::Dyn
                }
            },
        };
        let class = class.max(self.mixed(filter_ref.into_iter().chain([body_ref])));
        self.push(id, Op::Loop { form, range: range_ref, slot, second, filter: filter_ref, body: body_ref }, ty, class)
    }

    pub(super) fn binary(&mut self, id: NodeId, op: BinaryOp, left: NodeId, right: NodeId) -> Ref {
        if op == BinaryOp::In
            && let Some(fact) = self.membership(id, left, right)
        {
            return fact;
        }
        let (a, b) = (self.lower(left), self.lower(right));
        self.literals(op, (left, a), (right, b));
        let (left_ty, right_ty) = (self.ty(a).clone(), self.ty(b).clone());
        let ty = match types::binary(op, &left_ty, &right_ty) {
            Ok(ty) => ty,
            Err(hint) => {
                if self.schema.is_some() {
                    let (one, other) = (self.shown(left), self.shown(right));
                    let message = format!("`{}` does not take {left_ty} (`{one}`) and {right_ty} (`{other}`)", op.symbol());
                    let finding = Finding::error("type_mismatch", self.extent(id), message);
                    let meant = self.meant(op, (left, &left_ty), (right, &right_ty));
                    self.report(match meant.or(hint) {
                        Some(hint) => finding.hint(hint),
                        None => finding,
                    });
                }
                Type::Dyn
            }
        };
        self.members(op, (left, &left_ty), (right, &right_ty));
        let class = self.binary_class(op, self.class(a), self.class(b));
        self.push(id, Op::Binary { op, left: a, right: b }, ty, class)
    }

    pub(super) fn binary_class(&self, op: BinaryOp, a: TimeClass, b: TimeClass) -> TimeClass {
        let (low, high) = (a.min(b), a.max(b));
        if high < TimeClass::Linear {
            return high;
        }
        if high == TimeClass::Other || low >= TimeClass::Linear {
            return TimeClass::Other;
        }
        match op {
            BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Multiply => TimeClass::Linear,
            BinaryOp::Divide if a == TimeClass::Linear => TimeClass::Linear,
            _ if op.is_comparison() => TimeClass::Step,
            _ => TimeClass::Other,
        }
    }

    /// `"loyal" in segment`.
    pub(super) fn membership(&mut self, id: NodeId, left: NodeId, right: NodeId) -> Option<Ref> {
        let parts = self.names(right)?;
        let [group] = &parts[..] else { return None };
        if &**group != "segment"
            || self.local(group).is_some()
            || self.schema.is_some_and(|schema| schema.fact(group).is_some())
        {
            return None;
        }
        match self.tree.node(left).kind.clone() {
            Kind::Literal(Value::String(name)) => Some(self.fact_path(id, &format!("segment.{name}"))),
            _ => {
                self.schema?;
                let finding = Finding::error(
                    "bad_call",
                    self.extent(left),
                    "the name of a segment is written as a text, such as `\"loyal\" in segment`",
                );
                Some(self.wrong(id, finding))
            }
        }
    }

    /// Literals beside decimals become decimals, out of their source text.
    pub(super) fn literals(&mut self, op: BinaryOp, left: (NodeId, Ref), right: (NodeId, Ref)) {
        if !(op.is_comparison() || matches!(op, BinaryOp::In | BinaryOp::Add | BinaryOp::Subtract)) {
            return;
        }
        for ((syntax, part), (_, other)) in [(left, right), (right, left)] {
            let target = match self.ty(other).clone() {
                Type::List(element) if op == BinaryOp::In => *element,
                other => other,
            };
            if !matches!(target, Type::Decimal { .. } | Type::Money { .. }) {
                continue;
            }
            self.literal(syntax, part, &target, op);
            let items = match &self.nodes[part.0 as usize].op {
                Op::List(items) if op == BinaryOp::In => items.clone(),
                _ => continue,
            };
            for item in items {
                let syntax = self.syntax(item);
                self.literal(syntax, item, &target, op);
            }
            self.nodes[part.0 as usize].ty = Type::List(Box::new(target));
        }
    }

    pub(super) fn literal(&mut self, syntax: NodeId, part: Ref, target: &Type, op: BinaryOp) {
        if !matches!(self.nodes[part.0 as usize].op, Op::Constant(Value::Int(_) | Value::Double(_))) {
            return;
        }
        let exact = matches!(op, BinaryOp::Add | BinaryOp::Subtract);
        match literal_decimal(&self.tree.number_text(syntax), target, exact) {
            Ok((value, ty)) => {
                let node = &mut self.nodes[part.0 as usize];
                node.op = Op::Constant(value);
                node.ty = ty;
            }
            Err(error) => {
                let message = format!("`{}` is no {target}: {error}", self.shown(syntax));
                self.report(Finding::error("type_mismatch", self.extent(syntax), message));
            }
        }
    }

    /// Texts that are compared with something of a declared set must be of the set.
    pub(super) fn members(&mut self, op: BinaryOp, left: (NodeId, &Type), right: (NodeId, &Type)) {
        if !matches!(op, BinaryOp::Equal | BinaryOp::NotEqual | BinaryOp::In) {
            return;
        }
        let sides = [(left, right.1), (right, left.1)];
        for ((syntax, _), ty) in sides {
            let Type::Enum(names) = ty else { continue };
            let literals = match &self.tree.node(syntax).kind {
                Kind::List(items) if op == BinaryOp::In => items.clone(),
                _ => vec![syntax],
            };
            for literal in literals {
                let Kind::Literal(Value::String(text)) = &self.tree.node(literal).kind else { continue };
                if names.iter().any(|name| name == text) {
                    continue;
                }
                let message = format!("`{text}` is none of the declared values");
                let hint = match nearest(text, names.iter().map(|name| &**name)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!(
                        "declared are {}",
                        names.iter().take(12).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
                    ),
                };
                let finding = Finding::error("unknown_value", self.extent(literal), message).hint(hint);
                self.report(Finding { severity: Severity::Warning, ..finding });
            }
        }
    }
}
