//! The checker's and the evaluator's part about journeys beside their stage: visits, and single instances.

use super::TimeClass;
use super::ast::{Kind, NodeId};
use super::check::Checker;
use super::checked::{Checked, Op, Ref};
use super::evaluate::{Machine, Partial, earlier};
use super::evaluate_names::Frame;
use super::finding::Finding;
use super::value_ops::Fault;
use super::{Answer, FactId, Outcome};
use crate::value::{Type, Value};
use std::sync::Arc;

impl Checker<'_> {
    /// The name of the journey of `journey("<name>")`.
    pub(super) fn journey_named(&self, id: NodeId) -> Option<Arc<str>> {
        let Kind::Call { target: None, function, args, .. } = &self.tree.node(id).kind else { return None };
        let [arg] = &args[..] else { return None };
        match &self.tree.node(*arg).kind {
            Kind::Literal(Value::String(name)) if &**function == "journey" => Some(name.clone()),
            _ => None,
        }
    }

    /// The journey and the key of `journey("<name>").instance(key)`.
    fn instance_named(&self, id: NodeId) -> Option<(Arc<str>, NodeId)> {
        let Kind::Call { target: Some(target), function, args, .. } = &self.tree.node(id).kind else { return None };
        let [key] = &args[..] else { return None };
        (&**function == "instance").then_some(())?;
        Some((self.journey_named(*target)?, *key))
    }

    /// `journey("<name>").instance(key).<field>`; `None` for anything else.
    pub(super) fn of_instance(&mut self, id: NodeId, base: NodeId, field: &str) -> Option<Ref> {
        let (journey, key) = self.instance_named(base)?;
        Some(self.instance_fact(id, &format!("journey.{journey}.{field}"), key))
    }

    /// `journey("<name>").visits("<stage>")`, and the same of an instance; `None` for anything else.
    pub(super) fn of_journey(&mut self, id: NodeId, target: NodeId, function: &str, args: &[NodeId]) -> Option<Ref> {
        let (journey, key) = match (self.journey_named(target), self.instance_named(target)) {
            (Some(journey), _) => (journey, None),
            (None, Some((journey, key))) => (journey, Some(key)),
            (None, None) => return None,
        };
        if function != "visits" {
            if function == "instance" {
                let finding = Finding::error("bad_call", self.extent(id), "an instance is no value; ask for its stage");
                return Some(self.wrong(id, finding.hint(format!("write `{}.stage` or `.since`", self.shown(id)))));
            }
            return None;
        }
        let stage = match args {
            [arg] => match &self.tree.node(*arg).kind {
                Kind::Literal(Value::String(stage)) => Some(stage.clone()),
                _ => None,
            },
            _ => None,
        };
        let Some(stage) = stage else {
            let finding = Finding::error("bad_call", self.extent(id), "`visits` takes the name of one stage as a text");
            return Some(self.wrong(id, finding));
        };
        let path = format!("journey.{journey}.visits.{stage}");
        Some(match key {
            Some(key) => self.instance_fact(id, &path, key),
            None => self.fact_path(id, &path),
        })
    }

    fn instance_fact(&mut self, id: NodeId, path: &str, key: NodeId) -> Ref {
        let fact = self.schema.and_then(|schema| schema.fact(path));
        let open = path.split('.').nth(1).map(|journey| format!("journey.{journey}.open"));
        let keyed = open.is_some_and(|open| self.schema.is_some_and(|schema| schema.fact(&open).is_some()));
        let Some(fact) = fact else { return self.fact_path(id, path) };
        if !keyed {
            let finding = Finding::error("bad_call", self.extent(id), "this journey has no instances");
            return self.wrong(id, finding.hint("declare its `key` in the playbook, or ask for the stage without `instance`"));
        }
        let key = self.lower(key);
        self.reads.facts.insert(fact);
        let ty = self.schema.and_then(|schema| schema.fact_decl(fact)).map_or(Type::Dyn, |decl| decl.ty.clone());
        let class = self.mixed([key]).max(TimeClass::Step);
        self.push(id, Op::OfInstance { fact, key }, ty, class)
    }
}

impl Checked {
    /// What it asks of single instances of journeys.
    pub(crate) fn asked_of_instances(&self) -> impl Iterator<Item = FactId> {
        self.nodes().filter_map(|node| match node {
            Op::OfInstance { fact, .. } => Some(*fact),
            _ => None,
        })
    }
}

impl Machine<'_> {
    pub(super) fn of_instance(&self, fact: FactId, key: Ref, frame: Option<&Frame<'_>>) -> Partial {
        let found = self.settled(key, frame);
        let text = match &found.outcome {
            Outcome::Value(Value::String(text)) => text.to_string(),
            Outcome::Value(value @ (Value::Int(_) | Value::Uint(_) | Value::Bool(_))) => super::value_text(value),
            Outcome::Value(other) => {
                return Partial::new(
                    self.error_at(key, Fault::no_overload("instance", std::slice::from_ref(other))),
                    found.until,
                );
            }
            _ => return found,
        };
        let read = self.facts.fact_of(fact, &text);
        let outcome = match read.value {
            Answer::Known(value) => Outcome::Value(value),
            Answer::Unknown(missing) => Outcome::Unknown(missing),
        };
        Partial::new(outcome, earlier(read.until, found.until))
    }
}
