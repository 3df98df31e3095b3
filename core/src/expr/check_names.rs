//! The checker's part about names: bound variables, declared facts, and names that are looked up later.

use super::ast::{Kind, NodeId};
use super::check::{Binding, Checker};
use super::checked::{Candidate, Op, Ref};
use super::finding::Finding;
use super::schema::Fixed;
use super::{FactId, TimeClass, types};
use crate::error::nearest;
use crate::value::{Type, Value};
use std::sync::Arc;

/// What is asked for a field of, by name.
const FAMILIES: [&str; 3] = ["journey", "preference", "need"];

impl Checker<'_> {
    /// A name, or fields selected from something.
    pub(super) fn path(&mut self, id: NodeId) -> Ref {
        let mut fields: Vec<Arc<str>> = Vec::new();
        let mut at = id;
        loop {
            match self.tree.node(at).kind.clone() {
                Kind::Select { base, field } => {
                    fields.push(field);
                    at = base;
                }
                Kind::Name { name, absolute } => {
                    fields.push(name);
                    fields.reverse();
                    return self.dotted(id, &fields, absolute);
                }
                Kind::Call { target: None, function, args, .. } if fields.len() == 1 && FAMILIES.contains(&&*function) => {
                    return self.of_family(id, &function, &args, &fields[0]);
                }
                Kind::Call { target: Some(whose), function, args, .. } if fields.len() == 1 && &*function == "journey" => {
                    let Some(whose) = self.beside(whose) else { break };
                    return self.of_family(id, &format!("{whose}.journey"), &args, &fields[0]);
                }
                Kind::Call { target: None, function, args, .. } if fields.len() == 1 && &*function == "store" => {
                    return self.of_store(id, &args, &fields[0]);
                }
                _ => break,
            }
        }
        let Kind::Select { base, field } = self.tree.node(id).kind.clone() else { return self.broken(id) };
        if self.is_stream(base) {
            return self.unasked(id, &field);
        }
        if let Some(found) = self.of_instance(id, base, &field) {
            return found;
        }
        let base = self.lower(base);
        self.select(id, base, &field)
    }

    /// `journey("<name>").<field>` and its like.
    pub(super) fn of_family(&mut self, id: NodeId, family: &str, args: &[NodeId], field: &Arc<str>) -> Ref {
        match args.first().map(|arg| self.tree.node(*arg).kind.clone()) {
            Some(Kind::Literal(Value::String(name))) if args.len() == 1 => {
                self.fact_path(id, &format!("{family}.{name}.{field}"))
            }
            _ => {
                let message = format!("`{family}` takes the name of one {family} as a text");
                self.wrong(id, Finding::error("bad_call", self.extent(id), message))
            }
        }
    }

    pub(super) fn select(&mut self, id: NodeId, base: Ref, field: &Arc<str>) -> Ref {
        let ty = match self.ty(base) {
            Type::Map(key, value) if matches!(**key, Type::String | Type::Dyn) => (**value).clone(),
            Type::Dyn => Type::Dyn,
            Type::Optional(held) => Type::Optional(Box::new(match &**held {
                Type::Map(key, value) if matches!(**key, Type::String | Type::Dyn) => (**value).clone(),
                _ => Type::Dyn,
            })),
            other => {
                let message = format!("{other} has no field `{field}`");
                self.report(Finding::error("no_such_field", self.extent(id), message));
                Type::Dyn
            }
        };
        let class = self.mixed([base]);
        self.push(id, Op::Field { base, field: field.clone() }, ty, class)
    }

    /// The path of somebody else whose facts are read, such as `account`.
    pub(super) fn beside(&self, id: NodeId) -> Option<String> {
        let parts = self.names(id)?;
        let path = parts.join(".");
        let bound = parts.first().is_some_and(|first| self.local(first).is_some());
        self.schema.filter(|schema| !bound && schema.subject(&path).is_some()).map(|_| path)
    }

    /// The event types of a bound event.
    pub(super) fn event_kinds(&self, slot: usize) -> Option<Vec<super::EventKind>> {
        match self.scope.get(slot) {
            Some((_, Binding::Event(kinds))) => Some(kinds.clone()),
            _ => None,
        }
    }

    pub(super) fn local(&self, name: &str) -> Option<usize> {
        // A computed value does not see what is bound where it is read.
        let own = self.scope.get(self.taken.floor..).unwrap_or(&[]);
        own.iter().rposition(|(bound, _)| &**bound == name).map(|place| self.taken.floor + place)
    }

    /// `a.b.c`: a bound variable, the longest declared path, or else a name that is looked up later.
    pub(super) fn dotted(&mut self, id: NodeId, parts: &[Arc<str>], absolute: bool) -> Ref {
        let Some(first) = parts.first() else { return self.broken(id) };
        if let Some(slot) = self.local(first).filter(|_| !absolute) {
            return self.variable(id, slot, &parts[1..]);
        }
        if let Some(found) = self.declared(id, parts, absolute) {
            return found;
        }
        if parts.len() == 1 && &**first == "now" {
            self.reads.now = true;
            return self.push(id, Op::Now, Type::Timestamp, TimeClass::Linear);
        }
        if parts.len() == 1 && &**first == "today" && self.schema.is_some() {
            self.reads.now = true;
            self.reads.zone = true;
            return self.push(id, Op::Today, Type::Date, TimeClass::Step);
        }
        if let Some(name) = types::denoted(&parts.join(".")) {
            return self.push(id, Op::Constant(Value::Type(Arc::from(name))), Type::Type, TimeClass::Constant);
        }
        if self.schema.is_some() {
            return self.unknown_name(id, parts);
        }
        self.named(id, parts, absolute)
    }

    pub(super) fn variable(&mut self, id: NodeId, slot: usize, fields: &[Arc<str>]) -> Ref {
        let number = u32::try_from(slot).unwrap_or(u32::MAX);
        match &self.scope[slot].1 {
            Binding::Value(ty, class) => {
                let (ty, class) = (ty.clone(), *class);
                let mut at = self.push(id, Op::Variable(number), ty, class);
                for field in fields {
                    at = self.select(id, at, field);
                }
                at
            }
            Binding::Event(kinds) => {
                let kinds = kinds.clone();
                let Some((field, rest)) = fields.split_first() else {
                    let finding = Finding::error("not_a_value", self.extent(id), "an event is no value")
                        .hint("read one of its properties, such as `e.amount`");
                    return self.wrong(id, finding);
                };
                let mut at = self.event_field(id, number, &kinds, field);
                for field in rest {
                    at = self.select(id, at, field);
                }
                at
            }
        }
    }

    /// The namespaces in which a name is looked for, innermost first.
    pub(super) fn prefixes(&self, absolute: bool) -> Vec<String> {
        let mut prefixes = Vec::new();
        let mut container = if absolute { "" } else { self.container };
        while !container.is_empty() {
            prefixes.push(format!("{container}."));
            container = container.rsplit_once('.').map_or("", |(outer, _)| outer);
        }
        prefixes.push(String::new());
        prefixes
    }

    pub(super) fn declared(&mut self, id: NodeId, parts: &[Arc<str>], absolute: bool) -> Option<Ref> {
        let schema = self.schema?;
        for prefix in self.prefixes(absolute) {
            for count in (1..=parts.len()).rev() {
                let path = format!("{prefix}{}", parts[..count].join("."));
                let mut at = match (schema.fact(&path), schema.fixed().iter().find(|fixed| *fixed.path == *path)) {
                    (Some(fact), _) => self.fact(id, fact),
                    (None, Some(fixed)) => self.fixed(id, fixed),
                    (None, None) => match schema.computed().get(&path) {
                        Some(computed) => self.computed(id, computed),
                        None => continue,
                    },
                };
                for field in &parts[count..] {
                    at = self.select(id, at, field);
                }
                return Some(at);
            }
        }
        None
    }

    /// What stands for a value.
    fn fixed(&mut self, id: NodeId, fixed: &Fixed) -> Ref {
        let op = match &fixed.value {
            Some(value) => Op::Constant(value.clone()),
            None => Op::Unset(fixed.path.clone()),
        };
        self.push(id, op, fixed.ty.clone(), TimeClass::Constant)
    }

    pub(super) fn fact(&mut self, id: NodeId, fact: FactId) -> Ref {
        self.reads.facts.insert(fact);
        let (ty, class) = self
            .schema
            .and_then(|schema| schema.fact_decl(fact))
            .map_or((Type::Dyn, TimeClass::Other), |decl| (decl.ty.clone(), decl.class));
        self.push(id, Op::Fact(fact), ty, class)
    }

    /// A fact whose path was put together out of a call.
    pub(super) fn fact_path(&mut self, id: NodeId, path: &str) -> Ref {
        let Some(schema) = self.schema else {
            let parts: Vec<Arc<str>> = path.split('.').map(Arc::from).collect();
            return self.named(id, &parts, false);
        };
        match schema.fact(path) {
            Some(fact) => self.fact(id, fact),
            None => {
                let parts: Vec<Arc<str>> = path.split('.').map(Arc::from).collect();
                self.unknown_name(id, &parts)
            }
        }
    }

    pub(super) fn named(&mut self, id: NodeId, parts: &[Arc<str>], absolute: bool) -> Ref {
        let mut candidates = Vec::new();
        for prefix in self.prefixes(absolute) {
            for count in (1..=parts.len()).rev() {
                let name = format!("{prefix}{}", parts[..count].join("."));
                candidates.push(Candidate { name: Arc::from(name), rest: parts[count..].to_vec() });
            }
        }
        self.reads.names.insert(Arc::from(parts.join(".")));
        self.push(id, Op::Named(candidates), Type::Dyn, TimeClass::Other)
    }

    pub(super) fn unknown_name(&mut self, id: NodeId, parts: &[Arc<str>]) -> Ref {
        if self.is_full() {
            return self.broken(id);
        }
        if let Some(name) = parts.first().filter(|name| name.starts_with('@')) {
            let message = format!("`{}` stands for nothing here", super::parse_macro::name_text(name));
            return self.wrong(id, Finding::error("unknown_name", self.extent(id), message));
        }
        let path = parts.join(".");
        let mut finding = Finding::error("unknown_name", self.extent(id), format!("unknown name `{}`", written(&path)));
        let schema = self.schema;
        let experiment = path.strip_prefix("drawn.").map(|name| format!("experiment.{name}"));
        if experiment.is_some_and(|experiment| schema.is_some_and(|schema| schema.fact(&experiment).is_some())) {
            let hint = "the experiment needs a namespace `by` that is `unique`, so that nobody has two lots";
            return self.wrong(id, finding.hint(hint));
        }
        let paths = || {
            let fixed = schema.into_iter().flat_map(|schema| schema.fixed().iter().map(|fixed| &*fixed.path));
            let computed = schema.into_iter().flat_map(|schema| schema.computed().paths());
            schema.into_iter().flat_map(|schema| schema.facts().iter().map(|fact| &*fact.path)).chain(fixed).chain(computed)
        };
        let locals = self.scope.iter().map(|(name, _)| &**name).chain(["now", "today"]);
        let group = parts.first().map(|first| format!("{first}."));
        let ending = format!(".{path}");
        let longer = paths().find(|known| known.ends_with(&ending)).filter(|_| parts.len() == 1);
        if let Some(near) = longer.or_else(|| nearest(&path, paths().chain(locals))) {
            finding = finding.hint(format!("did you mean `{}`?", written(near)));
        } else if let Some(group) = group {
            let known: Vec<String> =
                paths().filter(|path| path.starts_with(&group)).take(8).map(|path| format!("`{}`", written(path))).collect();
            if !known.is_empty() {
                finding = finding.hint(format!("there is {}", known.join(", ")));
            } else if let [word] = parts {
                finding = finding.hint(match super::meant::foreign_word(word) {
                    Some(hint) => hint.to_string(),
                    None => format!("if it is a text, put it in quotes: `\"{word}\"`"),
                });
            }
        }
        self.wrong(id, finding)
    }

    pub(super) fn has(&mut self, id: NodeId, base: NodeId, field: &Arc<str>) -> Ref {
        if let Some(mut parts) = self.names(base) {
            let event = parts.first().and_then(|first| self.local(first)).filter(|_| parts.len() == 1);
            if let Some((slot, Binding::Event(kinds))) = event.map(|slot| (slot, &self.scope[slot].1)) {
                let kinds = kinds.clone();
                return self.has_event_field(id, u32::try_from(slot).unwrap_or(u32::MAX), &kinds, field);
            }
            parts.push(field.clone());
            let path = parts.join(".");
            let fixed = self.schema.and_then(|schema| schema.fixed().iter().find(|fixed| *fixed.path == *path));
            if let Some(fixed) = fixed {
                let there = Value::Bool(fixed.value.is_some());
                return self.push(id, Op::Constant(there), Type::Bool, TimeClass::Constant);
            }
            if self.schema.is_some_and(|schema| schema.computed().get(&path).is_some()) {
                return self.has_computed(id, &parts);
            }
            if let Some(fact) = self.schema.and_then(|schema| schema.fact(&path)) {
                self.reads.facts.insert(fact);
                let class = self
                    .schema
                    .and_then(|schema| schema.fact_decl(fact))
                    .map_or(TimeClass::Step, |decl| decl.class.min(TimeClass::Step));
                return self.push(id, Op::HasFact(fact), Type::Bool, class);
            }
        }
        let base = self.lower(base);
        if !matches!(self.ty(base), Type::Map(..) | Type::Optional(_) | Type::Dyn) {
            let message = format!("{} has no field `{field}`", self.ty(base));
            self.report(Finding::error("no_such_field", self.extent(id), message));
        }
        let class = self.mixed([base]);
        self.push(id, Op::HasField { base, field: field.clone() }, Type::Bool, class)
    }

    /// The parts of a dotted name.
    pub(super) fn names(&self, id: NodeId) -> Option<Vec<Arc<str>>> {
        match &self.tree.node(id).kind {
            Kind::Name { name, .. } => Some(vec![name.clone()]),
            Kind::Select { base, field } => {
                let mut parts = self.names(*base)?;
                parts.push(field.clone());
                Some(parts)
            }
            _ => None,
        }
    }
}

/// A fact's path as an expression writes it.
fn written(path: &str) -> String {
    match path.split_once('.') {
        Some(("persona" | "intent", "likely")) => path.to_string(),
        Some((group @ ("segment" | "persona" | "intent" | "unusual" | "trend" | "experiment" | "drawn"), name)) => {
            format!("{group}(\"{name}\")")
        }
        Some((family @ ("journey" | "store" | "preference" | "need"), rest)) => match rest.rsplit_once('.') {
            Some((name, field)) => match name.strip_suffix(".visits") {
                Some(name) => format!("{family}(\"{name}\").visits(\"{field}\")"),
                None => format!("{family}(\"{name}\").{field}"),
            },
            None if family == "need" => format!("need(\"{rest}\")"),
            None => path.to_string(),
        },
        _ => path.to_string(),
    }
}
