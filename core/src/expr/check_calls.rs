//! The checker's part about calls of functions.

use super::ast::{Extent, Kind, NodeId};
use super::check::Checker;
use super::check_ends::{result_type, zero};
use super::checked::{Op, Ref};
use super::evaluate_today::Elapsed;
use super::finding::Finding;
use super::signature::{Call, Function, Sort};
use super::stream::Terminal;
use super::value_ops::Fault;
use super::{ErrorCode, TimeClass, functions, functions_text};
use crate::error::nearest;
use crate::value::{Type, Value};
use std::sync::Arc;

impl Checker<'_> {
    pub(super) fn call(&mut self, id: NodeId, target: Option<NodeId>, function: &Arc<str>, args: &[NodeId]) -> Ref {
        if self.is_stream(id) {
            return self.bare_stream(id);
        }
        if let Some(target) = target.filter(|target| self.is_stream(*target)) {
            return self.stream(id, target, function, args);
        }
        if let Some(found) = self.of_trend(id, target, function, args) {
            return found;
        }
        if target.is_none()
            && matches!(&**function, "segment" | "persona" | "intent" | "need" | "unusual" | "experiment" | "drawn")
            && functions::find(function).is_none()
        {
            return match args.first().map(|arg| self.tree.node(*arg).kind.clone()) {
                Some(Kind::Literal(Value::String(name))) if args.len() == 1 => {
                    self.fact_path(id, &format!("{function}.{name}"))
                }
                _ => {
                    let message = format!("`{function}` takes the name of one {function} as a text");
                    let finding = Finding::error("bad_call", self.extent(id), message);
                    let hint = self.in_quotes(function, args);
                    self.wrong(id, Finding { hint, ..finding })
                }
            };
        }
        if target.is_none() && &**function == "store" && self.schema.is_some() {
            return self.store(id, args);
        }
        if let Some(found) = target.and_then(|target| self.of_next(id, target, function, args)) {
            return found;
        }
        if let Some(found) = target.and_then(|target| self.of_journey(id, target, function, args)) {
            return found;
        }
        if let (Some(target), "nearest_store", [], true) = (target, &**function, args, self.schema.is_some()) {
            return self.nearest_store(id, target);
        }
        if let (Some(target), Some(unit), []) = (target, Elapsed::named(function), args) {
            return self.elapsed(id, target, unit);
        }
        if let (Some(target), "as_of", true) = (target, &**function, self.schema.is_some()) {
            return self.as_of(id, target, args);
        }
        if let Some(target) = target {
            let qualified = self
                .names(target)
                .filter(|parts| self.local(&parts[0]).is_none())
                .map(|parts| format!("{}.{function}", parts.join(".")));
            if let Some(found) = qualified.and_then(|name| functions::find(&name)) {
                return self.apply(id, found, args);
            }
        }
        if let (Some(target), "segment" | "members", [arg]) = (target, &**function, args)
            && let Some(whose) = self.beside(target)
        {
            return match self.tree.node(*arg).kind.clone() {
                Kind::Literal(Value::String(name)) => self.fact_path(id, &format!("{whose}.{function}.{name}")),
                _ => {
                    let message = format!("`{function}` takes one name as a text");
                    let finding = Finding::error("bad_call", self.extent(id), message);
                    let hint = self.in_quotes(function, args);
                    self.wrong(id, Finding { hint, ..finding })
                }
            };
        }
        let method = target.is_some();
        let all: Vec<NodeId> = target.into_iter().chain(args.iter().copied()).collect();
        match functions::find(function) {
            Some(found) if found.call == Call::Either || (found.call == Call::Method) == method => self.apply(id, found, &all),
            Some(found) => {
                let name = found.name;
                let meant = super::meant::function(function).filter(|_| !method).map(|meant| format!("write {meant}"));
                let usual = || if method { format!("write `{name}(x)`") } else { format!("write `x.{name}(…)`") };
                let hint = meant.unwrap_or_else(usual);
                let how = if method { "no method" } else { "a method" };
                self.no_function(id, &all, format!("`{name}` is {how}"), Some(hint))
            }
            None if self.is_full() => self.broken(id),
            None if target.is_none() && &**function == "journey" => {
                let finding = Finding::error("bad_call", self.extent(id), "a journey is no value; ask for its stage");
                self.wrong(id, finding.hint(format!("write `{}.stage` or `.since`", self.shown(id))))
            }
            // What is asked is no stream, because the function is misspelled that would give one.
            None if target.is_some_and(|target| self.is_near_stream(target)) => match target {
                Some(target) => self.lower(target),
                None => self.broken(id),
            },
            None if super::meant::macro_usage(function).is_some() => {
                let usage = super::meant::macro_usage(function).unwrap_or_default();
                let finding = Finding::error(
                    "bad_call",
                    self.called(id, target, function),
                    format!("`{function}` needs a name and what is done with it"),
                );
                self.wrong(id, finding.hint(format!("write `{usage}`")))
            }
            None => {
                let known = super::meant::function(function).map(|meant| format!("write {meant}"));
                let hint = nearest(
                    function,
                    functions::names().chain(Elapsed::names()).chain([
                        "events",
                        "segment",
                        "persona",
                        "experiment",
                        "drawn",
                        "store",
                        "as_of",
                        "nearest_store",
                    ]),
                )
                .map(|near| format!("did you mean `{near}`?"));
                let hint = known.or(hint);
                self.no_function(id, &all, format!("unknown function `{function}`"), hint)
            }
        }
    }

    pub(super) fn no_function(&mut self, id: NodeId, args: &[NodeId], message: String, hint: Option<String>) -> Ref {
        if self.schema.is_none() {
            let fault = Fault::new(ErrorCode::UnknownFunction, message);
            return self.push(id, Op::Fail(fault), Type::Dyn, TimeClass::Constant);
        }
        for arg in args {
            // A group of facts, such as `customer`, is no value, but that is not the mistake here.
            if !self.is_group(*arg) {
                self.lower(*arg);
            }
        }
        let extent = match &self.tree.node(id).kind {
            Kind::Call { target, function, .. } => self.called(id, *target, function),
            _ => self.extent(id),
        };
        let finding = Finding { hint, ..Finding::error("unknown_function", extent, message) };
        self.wrong(id, finding)
    }

    pub(super) fn apply(&mut self, id: NodeId, function: &'static Function, args: &[NodeId]) -> Ref {
        let mut parts: Vec<Ref> = args.iter().map(|arg| self.lower(*arg)).collect();
        self.complete(id, function, args, &mut parts);
        let found: Vec<Type> = parts.iter().map(|part| self.ty(*part).clone()).collect();
        let mut fitting = function.overloads.iter().filter(|overload| overload.accepts(&found));
        let ty = match (fitting.next(), fitting.next()) {
            (Some(only), None) => only.result.ty(found.first()),
            (Some(one), Some(other)) => {
                let same = one.result == other.result && fitting.all(|more| more.result == one.result);
                if same { one.result.ty(found.first()) } else { Type::Dyn }
            }
            (None, _) => {
                if self.schema.is_some() {
                    self.report(no_overload(function, &found, self.extent(id)));
                }
                Type::Dyn
            }
        };
        let moving = parts.first().is_some_and(|first| self.class(*first) == TimeClass::Linear);
        let rest = self.mixed(parts.iter().skip(1).copied());
        let class = if function.linear && moving && rest < TimeClass::Linear {
            TimeClass::Linear
        } else {
            self.mixed(parts.iter().copied())
        };
        if function.name == "matches"
            && let Some(op) = self.matches(args, &parts)
        {
            return self.push(id, op, ty, class);
        }
        if let (Some(Op::Constant(value)), "timestamp" | "duration" | "date") =
            (parts.first().map(|part| self.nodes[part.0 as usize].op.clone()), function.name)
        {
            return self.constant_time(id, function, value, ty);
        }
        if let ("or" | "orValue", [base, other]) = (function.name, &parts[..]) {
            let (base, other, unwraps) = (*base, *other, function.name == "orValue");
            return self.or_else(id, base, other, unwraps);
        }
        // What holds nothing yet may still hold anything.
        let first_free = parts.first().is_some_and(|first| self.free[first.0 as usize]);
        let keeps = |sort: Sort| matches!(sort, Sort::Same | Sort::Held | Sort::OptionalOf | Sort::OptionalHeld);
        let free = parts.is_empty() || (first_free && function.overloads.iter().any(|overload| keeps(overload.result)));
        let ty = match function.name {
            "math.greatest" | "math.least" => one_type(&found).unwrap_or(ty),
            "avg" => result_type(Terminal::Avg, &ty),
            _ => ty,
        };
        let call = self.push(id, Op::Call { function, args: parts }, ty, class);
        self.free[call.0 as usize] = free;
        call
    }

    /// Adds what a call leaves out: what nothing sums up to, and that `orValue` asks whether something is known that is no optional.
    fn complete(&mut self, id: NodeId, function: &Function, args: &[NodeId], parts: &mut Vec<Ref>) {
        let (Some(first), Some(syntax), Some(_)) = (parts.first().copied(), args.first(), self.schema) else { return };
        match (function.name, self.ty(first).clone(), parts.len()) {
            ("sum", Type::List(element), 1) => {
                let zero = self.push(id, Op::Constant(zero(&element)), *element, TimeClass::Constant);
                parts.push(zero);
            }
            ("orValue", ty, 2) if !matches!(ty, Type::Optional(_) | Type::Dyn | Type::Stream | Type::Event) => {
                let class = self.mixed([first]);
                parts[0] = self.push(*syntax, Op::Told(first), Type::Optional(Box::new(ty)), class);
            }
            _ => {}
        }
    }

    /// `timestamp("…")` and `duration("…")` of a constant: computed now, and refused now when they are wrong.
    pub(super) fn constant_time(&mut self, id: NodeId, function: &'static Function, value: Value, ty: Type) -> Ref {
        match (function.run)(&[value], self.limits) {
            Ok(value) => self.push(id, Op::Constant(value), ty, TimeClass::Constant),
            Err(fault) if self.schema.is_some() => {
                let finding = Finding::error("bad_constant", self.extent(id), fault.message);
                self.wrong(id, finding)
            }
            Err(fault) => self.push(id, Op::Fail(fault), ty, TimeClass::Constant),
        }
    }

    pub(super) fn matches(&mut self, args: &[NodeId], parts: &[Ref]) -> Option<Op> {
        let [text, pattern] = parts else { return None };
        let Op::Constant(Value::String(source)) = &self.nodes[pattern.0 as usize].op else { return None };
        match functions_text::pattern(&source.clone(), self.limits) {
            Ok(pattern) => Some(Op::Matches { text: *text, pattern: Arc::new(pattern) }),
            Err(fault) => {
                let extent = args.get(1).map_or(Extent::default(), |arg| self.extent(*arg));
                if self.schema.is_some() {
                    self.report(Finding::error("bad_pattern", extent, fault.message));
                }
                None
            }
        }
    }
}

/// The type that all arguments, or all elements of a list that is the only one, have.
fn one_type(args: &[Type]) -> Option<Type> {
    match args {
        [Type::List(element)] => Some((**element).clone()),
        [first, rest @ ..] => rest.iter().all(|other| other == first).then(|| first.clone()),
        [] => None,
    }
}

fn no_overload(function: &Function, found: &[Type], extent: Extent) -> Finding {
    let types: Vec<String> = found.iter().map(ToString::to_string).collect();
    let takes: Vec<String> = function
        .overloads
        .iter()
        .map(|overload| format!("({})", overload.params.iter().map(|sort: &Sort| sort.name()).collect::<Vec<_>>().join(", ")))
        .collect();
    let message = format!("`{}` does not take ({})", function.name, types.join(", "));
    Finding::error("type_mismatch", extent, message).hint(format!("it takes {}", takes.join(" or ")))
}
