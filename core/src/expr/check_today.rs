//! The checker's part about what depends on today: whole years and months since a day, and reads at an earlier instant.

use super::TimeClass;
use super::ast::{BinaryOp, NodeId};
use super::check::Checker;
use super::checked::{Op, Ref};
use super::evaluate_today::Elapsed;
use super::finding::Finding;
use crate::value::Type;
use std::sync::Arc;

impl Checker<'_> {
    /// `day.years()` and the like.
    pub(super) fn elapsed(&mut self, id: NodeId, target: NodeId, unit: Elapsed) -> Ref {
        let day = self.lower(target);
        self.reads.now = true;
        self.reads.zone = true;
        if !matches!(self.ty(day), Type::Date | Type::Timestamp | Type::Dyn) {
            let message =
                format!("`{}` needs a date or timestamp, but `{}` is {}", unit.name(), self.shown(target), self.ty(day));
            let finding = Finding::error("type_mismatch", self.extent(target), message);
            let finding = match self.ty(day) {
                Type::Duration => finding.hint("months and years differ in length; take `.days()` of a duration"),
                _ => finding,
            };
            self.report(finding);
        }
        let class = self.mixed([day]).max(TimeClass::Step);
        self.push(id, Op::Elapsed { day, unit }, Type::Int, class)
    }

    /// `customer.age.as_of(t)`.
    pub(super) fn as_of(&mut self, id: NodeId, target: NodeId, args: &[NodeId]) -> Ref {
        let [arg] = args else {
            let finding = Finding::error("bad_call", self.extent(id), "`as_of` takes one timestamp");
            return self.wrong(id, finding.hint("such as `customer.city.as_of(now - duration(\"30d\"))`"));
        };
        let path = self.names(target).map(|parts| parts.join("."));
        let path = path.filter(|path| path.starts_with("customer."));
        let fact = path.as_ref().and_then(|path| self.schema?.fact(path));
        let (Some(fact), Some(path)) = (fact, path) else {
            // A name that is not declared is the mistake then.
            let before = self.is_full();
            let known = self.names(target).is_none_or(|parts| parts.first().is_none_or(|first| &**first != "customer"));
            if !known && !before {
                return self.lower(target);
            }
            let finding = Finding::error("bad_call", self.extent(target), "`as_of` is asked of an attribute");
            return self.wrong(id, finding.hint("write `customer.<attribute>.as_of(t)`"));
        };
        let time = self.lower(*arg);
        if !matches!(self.ty(time), Type::Timestamp | Type::Dyn) {
            let message = format!("`as_of` takes a timestamp, but `{}` is {}", self.shown(*arg), self.ty(time));
            self.report(Finding::error("type_mismatch", self.extent(*arg), message));
        }
        self.reads.facts.insert(fact);
        let ty = self.schema.and_then(|schema| schema.fact_decl(fact)).map_or(Type::Dyn, |decl| decl.ty.clone());
        // A fixed distance behind `now` passes every change at an instant that can be told.
        let class = if self.follows_now(time) { TimeClass::Step } else { self.mixed([time]).max(TimeClass::Step) };
        self.push(id, Op::AsOf { fact, time, path: Arc::from(path) }, ty, class)
    }

    /// Whether a time is `now`, or a fixed length of time before or after it.
    fn follows_now(&self, id: Ref) -> bool {
        let still = |id: Ref| self.class(id) < TimeClass::Linear;
        match &self.nodes[id.0 as usize].op {
            Op::Now => true,
            Op::Binary { op: BinaryOp::Add, left, right } => {
                (self.follows_now(*left) && still(*right)) || (still(*left) && self.follows_now(*right))
            }
            Op::Binary { op: BinaryOp::Subtract, left, right } => self.follows_now(*left) && still(*right),
            _ => false,
        }
    }
}
