//! The checker's part about stores.

use super::TimeClass;
use super::ast::{Kind, NodeId};
use super::check::Checker;
use super::checked::{Op, Ref};
use super::finding::Finding;
use crate::error::nearest;
use crate::value::{Type, Value};
use std::sync::Arc;

impl Checker<'_> {
    /// `store("mitte")`: where it is.
    pub(super) fn store(&mut self, id: NodeId, args: &[NodeId]) -> Ref {
        let name = match args.first().map(|arg| self.tree.node(*arg).kind.clone()) {
            Some(Kind::Literal(Value::String(name))) if args.len() == 1 => name,
            _ => {
                let finding = Finding::error("bad_call", self.extent(id), "`store` takes the name of one store as a text");
                return self.wrong(id, finding);
            }
        };
        let stores = self.schema.map(|schema| schema.stores().clone()).unwrap_or_default();
        if let Some((_, point)) = stores.iter().find(|(own, _)| *own == name) {
            return self.push(id, Op::Constant(Value::Point(*point)), Type::Point, TimeClass::Constant);
        }
        let mut finding = Finding::error("unknown_name", self.extent(id), format!("unknown store `{name}`"));
        if let Some(near) = nearest(&name, stores.iter().map(|(name, _)| &**name)) {
            finding = finding.hint(format!("did you mean `{near}`?"));
        }
        self.wrong(id, finding)
    }

    /// `store("mitte").open`.
    pub(super) fn of_store(&mut self, id: NodeId, args: &[NodeId], field: &Arc<str>) -> Ref {
        match args.first().map(|arg| self.tree.node(*arg).kind.clone()) {
            Some(Kind::Literal(Value::String(name))) if args.len() == 1 => {
                self.reads.now = true;
                self.fact_path(id, &format!("store.{name}.{field}"))
            }
            _ => self.store(id, args),
        }
    }

    /// `customer.home.nearest_store()`.
    pub(super) fn nearest_store(&mut self, id: NodeId, target: NodeId) -> Ref {
        let point = self.lower(target);
        if !matches!(self.ty(point), Type::Point | Type::Dyn) {
            let message = format!("`nearest_store` needs a geo_point, but `{}` is {}", self.shown(target), self.ty(point));
            self.report(Finding::error("type_mismatch", self.extent(target), message));
        }
        let stores = self.schema.map(|schema| schema.stores().clone()).unwrap_or_default();
        if stores.is_empty() {
            let finding = Finding::error("unknown_name", self.extent(id), "no store is declared");
            return self.wrong(id, finding.hint("declare some under `stores` in the playbook"));
        }
        let names: Arc<[Arc<str>]> = stores.iter().map(|(name, _)| name.clone()).collect();
        let class = self.mixed([point]);
        self.push(id, Op::NearestStore { point, stores }, Type::Enum(names), class)
    }
}
