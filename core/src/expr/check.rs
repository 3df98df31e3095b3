//! The checker: resolves names against a schema, gives every part a type and a class over time, and reports everything
//! that is wrong at once.

use super::ast::{BinaryOp, Extent, Form, Kind, NodeId, Tree, UnaryOp};
use super::checked::{Candidate, Checked, Node, Op, Reads, Ref};
use super::functions;
use super::parse::{Finding, parse};
use super::signature::{Call, Function, Overload, Sort};
use super::types::{self, literal_decimal};
use super::value_ops::Fault;
use super::{ErrorCode, EventKind, Limits, Schema, TimeClass, functions_text};
use crate::error::{Diagnostic, Severity, nearest};
use crate::playbook::Text;
use crate::value::{Type, Value};
use std::sync::Arc;

/// What a position in a playbook needs an expression to give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// A truth value.
    Bool,
    /// An int, uint, double or decimal.
    Number,
    /// Anything.
    Any,
    /// A value of one type.
    Type(Type),
}

/// A position that needs a certain type: `check::expect(Type::Bool)`.
#[must_use]
pub fn expect(ty: Type) -> Expected {
    match ty {
        Type::Bool => Expected::Bool,
        Type::Dyn => Expected::Any,
        other => Expected::Type(other),
    }
}

/// Where and how an expression is compiled.
#[derive(Debug, Clone)]
pub struct CompileOptions<'a> {
    /// What names mean; without one every name is looked up when evaluated and nothing has a static type.
    pub schema: Option<&'a Schema>,
    /// The namespace in which names are looked for first, such as `a.b`; empty for none.
    pub container: &'a str,
    /// What the result must be.
    pub expected: Expected,
    /// How large the expression may be.
    pub limits: Limits,
}

impl<'a> CompileOptions<'a> {
    /// Any result, no container, the default limits.
    #[must_use]
    pub fn new(schema: Option<&'a Schema>) -> Self {
        CompileOptions { schema, container: "", expected: Expected::Any, limits: Limits::DEFAULT }
    }
}

/// Compiles a text of a playbook.
///
/// # Errors
/// Everything that is wrong, with places in the document.
pub fn compile_text(text: &Text, schema: &Schema, expected: &Expected) -> Result<Checked, Vec<Diagnostic>> {
    let options = CompileOptions { expected: expected.clone(), ..CompileOptions::new(Some(schema)) };
    compile(&text.text, &options, &|finding| Diagnostic {
        code: finding.code,
        severity: finding.severity,
        message: finding.message.clone(),
        path: text.path.to_string(),
        place: Some(finding.extent.place_in(text)),
        hint: finding.hint.clone(),
        related: None,
    })
}

/// Compiles an expression on its own.
///
/// # Errors
/// Everything that is wrong, with places in the expression.
pub fn compile_source(source: &str, options: &CompileOptions<'_>) -> Result<Checked, Vec<Diagnostic>> {
    compile(source, options, &|finding| Diagnostic {
        code: finding.code,
        severity: finding.severity,
        message: finding.message.clone(),
        path: String::new(),
        place: Some(finding.extent.place(source)),
        hint: finding.hint.clone(),
        related: None,
    })
}

fn compile(
    source: &str,
    options: &CompileOptions<'_>,
    report: &dyn Fn(&Finding) -> Diagnostic,
) -> Result<Checked, Vec<Diagnostic>> {
    let refuse = |findings: Vec<Finding>| findings.iter().map(report).collect::<Vec<_>>();
    let tree = parse(source, &options.limits).map_err(refuse)?;
    let mut checker = Checker {
        tree: &tree,
        schema: options.schema,
        container: options.container,
        limits: &options.limits,
        nodes: Vec::new(),
        free: Vec::new(),
        scope: Vec::new(),
        findings: Vec::new(),
        reads: Reads::default(),
    };
    let root = checker.lower(tree.root());
    checker.expect(root, &options.expected);
    let Checker { nodes, findings, reads, .. } = checker;
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Err(refuse(findings));
    }
    let warnings = Arc::from(refuse(findings));
    Ok(Checked {
        nodes: Arc::from(nodes),
        root,
        reads: Arc::new(reads),
        limits: options.limits,
        warnings,
        tree: Arc::new(tree),
    })
}

/// What a name bound by a macro stands for.
pub(super) enum Binding {
    Value(Type, TimeClass),
    Event(Vec<EventKind>),
}

pub(super) struct Checker<'a> {
    pub(super) tree: &'a Tree,
    pub(super) schema: Option<&'a Schema>,
    container: &'a str,
    pub(super) limits: &'a Limits,
    nodes: Vec<Node>,
    /// Of each node: whether what its type leaves open (`dyn`) may still become anything, as in `[]`.
    free: Vec<bool>,
    /// Bound names, innermost last; a name's place is its slot.
    pub(super) scope: Vec<(Arc<str>, Binding)>,
    findings: Vec<Finding>,
    pub(super) reads: Reads,
}

impl Checker<'_> {
    pub(super) fn push(&mut self, syntax: NodeId, op: Op, ty: Type, class: TimeClass) -> Ref {
        let id = Ref(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        // Without a schema nothing is known before evaluation, constants included.
        let ty = if self.schema.is_some() { ty } else { Type::Dyn };
        self.nodes.push(Node { op, ty, class, syntax, extent: self.tree.node(syntax).extent });
        self.free.push(false);
        id
    }

    pub(super) fn ty(&self, id: Ref) -> &Type {
        &self.nodes[id.0 as usize].ty
    }

    pub(super) fn class(&self, id: Ref) -> TimeClass {
        self.nodes[id.0 as usize].class
    }

    pub(super) fn extent(&self, id: NodeId) -> Extent {
        self.tree.node(id).extent
    }

    pub(super) fn report(&mut self, finding: Finding) {
        if self.findings.len() < 100 {
            self.findings.push(finding);
        }
    }

    /// Something of which nothing more is said, after it was reported.
    pub(super) fn broken(&mut self, syntax: NodeId) -> Ref {
        self.push(syntax, Op::Constant(Value::Null), Type::Dyn, TimeClass::Constant)
    }

    pub(super) fn wrong(&mut self, syntax: NodeId, finding: Finding) -> Ref {
        self.report(finding);
        self.broken(syntax)
    }

    fn mismatch(&mut self, syntax: NodeId, expected: &str, found: &Type) {
        if self.schema.is_some() {
            let text = self.shown(syntax);
            let message = format!("expected {expected}, but `{text}` is {found}");
            self.report(Finding::error("type_mismatch", self.extent(syntax), message));
        }
    }

    pub(super) fn shown(&self, syntax: NodeId) -> String {
        let text = super::print::print_node(self.tree, syntax);
        if text.chars().count() > 60 { text.chars().take(59).chain(['…']).collect() } else { text }
    }

    fn expect(&mut self, root: Ref, expected: &Expected) {
        let found = self.ty(root).clone();
        let syntax = self.tree.root();
        let (fits, wanted) = match expected {
            Expected::Any => (true, String::new()),
            Expected::Bool => (matches!(found, Type::Bool | Type::Dyn), "bool".to_string()),
            Expected::Number => (types::is_number(&found) || found == Type::Dyn, "a number".to_string()),
            Expected::Type(wanted) => (types::comparable(wanted, &found), wanted.to_string()),
        };
        if !fits {
            self.mismatch(syntax, &wanted, &found);
        }
    }

    /// The class of something computed from parts of these classes in a way that does not keep movement.
    pub(super) fn mixed(&self, parts: impl IntoIterator<Item = Ref>) -> TimeClass {
        let most = parts.into_iter().map(|part| self.class(part)).max().unwrap_or(TimeClass::Constant);
        if most >= TimeClass::Linear { TimeClass::Other } else { most }
    }

    pub(super) fn lower(&mut self, id: NodeId) -> Ref {
        match self.tree.node(id).kind.clone() {
            Kind::Literal(value) => {
                let ty = types::of(&value);
                self.push(id, Op::Constant(value), ty, TimeClass::Constant)
            }
            Kind::Name { .. } | Kind::Select { .. } => self.path(id),
            Kind::Has { base, field } => self.has(id, base, &field),
            Kind::Index { base, index } => self.index(id, base, index),
            Kind::Call { target, function, args, .. } => self.call(id, target, &function, &args),
            Kind::Unary { op, operand } => self.unary(id, op, operand),
            Kind::Binary { op, left, right } => self.binary(id, op, left, right),
            Kind::And(operands) => self.junction(id, &operands, Op::And),
            Kind::Or(operands) => self.junction(id, &operands, Op::Or),
            Kind::Ternary { condition, yes, no } => self.ternary(id, condition, yes, no),
            Kind::List(items) => self.list(id, &items),
            Kind::Map(entries) => self.map(id, &entries),
            Kind::Loop { form, range, variable, second, filter, body } => {
                self.repeat(id, form, range, &variable, second, filter, body)
            }
            Kind::Bind { variable, value, body } => {
                let value = self.lower(value);
                let slot = self.bind(&variable, Binding::Value(self.ty(value).clone(), self.mixed([value])));
                let body = self.lower(body);
                self.scope.pop();
                let (ty, class) = (self.ty(body).clone(), self.class(body).max(self.mixed([value])));
                self.push(id, Op::Bind { slot, value, body }, ty, class)
            }
            Kind::Where { .. } => self.bare_stream(id),
        }
    }

    pub(super) fn bind(&mut self, name: &Arc<str>, binding: Binding) -> u32 {
        self.scope.push((name.clone(), binding));
        u32::try_from(self.scope.len() - 1).unwrap_or(u32::MAX)
    }

    /// A name, or fields selected from something.
    fn path(&mut self, id: NodeId) -> Ref {
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
                Kind::Call { target: None, function, args, .. } if fields.len() == 1 && &*function == "journey" => {
                    return self.journey(id, &args, &fields[0]);
                }
                _ => break,
            }
        }
        let Kind::Select { base, field } = self.tree.node(id).kind.clone() else { return self.broken(id) };
        let base = self.lower(base);
        self.select(id, base, &field)
    }

    fn journey(&mut self, id: NodeId, args: &[NodeId], field: &Arc<str>) -> Ref {
        match args.first().map(|arg| self.tree.node(*arg).kind.clone()) {
            Some(Kind::Literal(Value::String(name))) if args.len() == 1 => {
                self.fact_path(id, &format!("journey.{name}.{field}"))
            }
            _ => {
                self.wrong(id, Finding::error("bad_call", self.extent(id), "`journey` takes the name of one journey as a text"))
            }
        }
    }

    fn select(&mut self, id: NodeId, base: Ref, field: &Arc<str>) -> Ref {
        let ty = match self.ty(base) {
            Type::Map(key, value) if matches!(**key, Type::String | Type::Dyn) => (**value).clone(),
            Type::Dyn => Type::Dyn,
            other => {
                let message = format!("{other} has no field `{field}`");
                self.report(Finding::error("no_such_field", self.extent(id), message));
                Type::Dyn
            }
        };
        let class = self.mixed([base]);
        self.push(id, Op::Field { base, field: field.clone() }, ty, class)
    }

    fn local(&self, name: &str) -> Option<usize> {
        self.scope.iter().rposition(|(bound, _)| &**bound == name)
    }

    /// `a.b.c`: a bound variable, the longest declared path, or else a name that is looked up later.
    fn dotted(&mut self, id: NodeId, parts: &[Arc<str>], absolute: bool) -> Ref {
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
        if let Some(name) = types::denoted(&parts.join(".")) {
            return self.push(id, Op::Constant(Value::Type(Arc::from(name))), Type::Type, TimeClass::Constant);
        }
        if self.schema.is_some() {
            return self.unknown_name(id, parts);
        }
        self.named(id, parts, absolute)
    }

    fn variable(&mut self, id: NodeId, slot: usize, fields: &[Arc<str>]) -> Ref {
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
    fn prefixes(&self, absolute: bool) -> Vec<String> {
        let mut prefixes = Vec::new();
        let mut container = if absolute { "" } else { self.container };
        while !container.is_empty() {
            prefixes.push(format!("{container}."));
            container = container.rsplit_once('.').map_or("", |(outer, _)| outer);
        }
        prefixes.push(String::new());
        prefixes
    }

    fn declared(&mut self, id: NodeId, parts: &[Arc<str>], absolute: bool) -> Option<Ref> {
        let schema = self.schema?;
        for prefix in self.prefixes(absolute) {
            for count in (1..=parts.len()).rev() {
                let path = format!("{prefix}{}", parts[..count].join("."));
                let Some(fact) = schema.fact(&path) else { continue };
                let mut at = self.fact(id, fact);
                for field in &parts[count..] {
                    at = self.select(id, at, field);
                }
                return Some(at);
            }
        }
        None
    }

    fn fact(&mut self, id: NodeId, fact: super::FactId) -> Ref {
        self.reads.facts.insert(fact);
        let (ty, class) = self
            .schema
            .and_then(|schema| schema.fact_decl(fact))
            .map_or((Type::Dyn, TimeClass::Other), |decl| (decl.ty.clone(), decl.class));
        self.push(id, Op::Fact(fact), ty, class)
    }

    /// A fact whose path was put together out of a call.
    fn fact_path(&mut self, id: NodeId, path: &str) -> Ref {
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

    fn named(&mut self, id: NodeId, parts: &[Arc<str>], absolute: bool) -> Ref {
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

    fn unknown_name(&mut self, id: NodeId, parts: &[Arc<str>]) -> Ref {
        let path = parts.join(".");
        let mut finding = Finding::error("unknown_name", self.extent(id), format!("unknown name `{path}`"));
        let schema = self.schema;
        let paths = || schema.into_iter().flat_map(|schema| schema.facts().iter().map(|fact| &*fact.path));
        let locals = self.scope.iter().map(|(name, _)| &**name).chain(["now"]);
        let group = parts.first().map(|first| format!("{first}."));
        if let Some(near) = nearest(&path, paths().chain(locals)) {
            finding = finding.hint(format!("did you mean `{}`?", written(near)));
        } else if let Some(group) = group {
            let known: Vec<String> =
                paths().filter(|path| path.starts_with(&group)).take(8).map(|path| format!("`{}`", written(path))).collect();
            if !known.is_empty() {
                finding = finding.hint(format!("there is {}", known.join(", ")));
            }
        }
        self.wrong(id, finding)
    }

    fn has(&mut self, id: NodeId, base: NodeId, field: &Arc<str>) -> Ref {
        if let Some(mut parts) = self.names(base) {
            let event = parts.first().and_then(|first| self.local(first)).filter(|_| parts.len() == 1);
            if let Some((slot, Binding::Event(kinds))) = event.map(|slot| (slot, &self.scope[slot].1)) {
                let kinds = kinds.clone();
                return self.has_event_field(id, u32::try_from(slot).unwrap_or(u32::MAX), &kinds, field);
            }
            parts.push(field.clone());
            if let Some(fact) = self.schema.and_then(|schema| schema.fact(&parts.join("."))) {
                self.reads.facts.insert(fact);
                let class = self
                    .schema
                    .and_then(|schema| schema.fact_decl(fact))
                    .map_or(TimeClass::Step, |decl| decl.class.min(TimeClass::Step));
                return self.push(id, Op::HasFact(fact), Type::Bool, class);
            }
        }
        let base = self.lower(base);
        if !matches!(self.ty(base), Type::Map(..) | Type::Dyn) {
            let message = format!("{} has no field `{field}`", self.ty(base));
            self.report(Finding::error("no_such_field", self.extent(id), message));
        }
        let class = self.mixed([base]);
        self.push(id, Op::HasField { base, field: field.clone() }, Type::Bool, class)
    }

    /// The parts of a dotted name.
    fn names(&self, id: NodeId) -> Option<Vec<Arc<str>>> {
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

    fn index(&mut self, id: NodeId, base: NodeId, index: NodeId) -> Ref {
        let (base_ref, index_ref) = (self.lower(base), self.lower(index));
        let at = self.ty(index_ref).clone();
        let ty = match self.ty(base_ref).clone() {
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
        self.push(id, Op::Index { base: base_ref, index: index_ref }, ty, class)
    }

    fn unary(&mut self, id: NodeId, op: UnaryOp, operand: NodeId) -> Ref {
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

    fn need_bool(&mut self, syntax: NodeId, found: &Type) {
        if !matches!(found, Type::Bool | Type::Dyn) {
            self.mismatch(syntax, "bool", found);
        }
    }

    fn junction(&mut self, id: NodeId, operands: &[NodeId], build: fn(Vec<Ref>) -> Op) -> Ref {
        let parts: Vec<Ref> = operands.iter().map(|operand| self.lower(*operand)).collect();
        for (operand, part) in operands.iter().zip(&parts) {
            let found = self.ty(*part).clone();
            self.need_bool(*operand, &found);
        }
        let class = self.mixed(parts.iter().copied());
        self.push(id, build(parts), Type::Bool, class)
    }

    fn ternary(&mut self, id: NodeId, condition: NodeId, yes: NodeId, no: NodeId) -> Ref {
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

    fn join(&self, a: Ref, b: Ref) -> Option<(Type, bool)> {
        types::join((self.ty(a), self.free[a.0 as usize]), (self.ty(b), self.free[b.0 as usize]))
    }

    /// The type that all have in common; `dyn` when there is none.
    fn common(&self, parts: &[Ref]) -> (Type, bool) {
        let Some((first, rest)) = parts.split_first() else { return (Type::Dyn, true) };
        let mut common = (self.ty(*first).clone(), self.free[first.0 as usize]);
        for part in rest {
            common =
                types::join((&common.0, common.1), (self.ty(*part), self.free[part.0 as usize])).unwrap_or((Type::Dyn, false));
        }
        common
    }

    fn list(&mut self, id: NodeId, items: &[NodeId]) -> Ref {
        let parts: Vec<Ref> = items.iter().map(|item| self.lower(*item)).collect();
        let (element, free) = self.common(&parts);
        let class = self.mixed(parts.iter().copied());
        let list = self.push(id, Op::List(parts), Type::List(Box::new(element)), class);
        self.free[list.0 as usize] = free;
        list
    }

    fn map(&mut self, id: NodeId, entries: &[(NodeId, NodeId)]) -> Ref {
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
    fn repeat(
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
        let (first_ty, second_ty) = match (self.ty(range_ref).clone(), &second) {
            (Type::List(element), None) => (*element, Type::Dyn),
            (Type::List(element), Some(_)) => (Type::Int, *element),
            (Type::Map(key, value), _) => (*key, *value),
            (Type::Dyn, _) => (Type::Dyn, Type::Dyn),
            (other, _) => {
                self.mismatch(range, "a list or map", &other);
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

    fn binary(&mut self, id: NodeId, op: BinaryOp, left: NodeId, right: NodeId) -> Ref {
        if op == BinaryOp::In {
            if let Some(fact) = self.membership(id, left, right) {
                return fact;
            }
        }
        let (a, b) = (self.lower(left), self.lower(right));
        self.literals(op, (left, a), (right, b));
        let (left_ty, right_ty) = (self.ty(a).clone(), self.ty(b).clone());
        let ty = match types::binary(op, &left_ty, &right_ty) {
            Ok(ty) => ty,
            Err(hint) => {
                if self.schema.is_some() {
                    let message = format!("`{}` does not take {left_ty} and {right_ty}", op.symbol());
                    let finding = Finding::error("type_mismatch", self.extent(id), message);
                    self.report(match hint {
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

    fn binary_class(&self, op: BinaryOp, a: TimeClass, b: TimeClass) -> TimeClass {
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
    fn membership(&mut self, id: NodeId, left: NodeId, right: NodeId) -> Option<Ref> {
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
    fn literals(&mut self, op: BinaryOp, left: (NodeId, Ref), right: (NodeId, Ref)) {
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
                let syntax = self.nodes[item.0 as usize].syntax;
                self.literal(syntax, item, &target, op);
            }
            self.nodes[part.0 as usize].ty = Type::List(Box::new(target));
        }
    }

    fn literal(&mut self, syntax: NodeId, part: Ref, target: &Type, op: BinaryOp) {
        if !matches!(self.nodes[part.0 as usize].op, Op::Constant(Value::Int(_) | Value::Double(_))) {
            return;
        }
        let exact = matches!(op, BinaryOp::Add | BinaryOp::Subtract);
        match literal_decimal(self.tree.source(syntax), target, exact) {
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
    fn members(&mut self, op: BinaryOp, left: (NodeId, &Type), right: (NodeId, &Type)) {
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
                let message = format!("`{text}` is none of the declared values, so this never holds");
                let hint = match nearest(text, names.iter().map(|name| &**name)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!(
                        "declared are {}",
                        names.iter().take(12).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
                    ),
                };
                self.report(Finding::error("unknown_value", self.extent(literal), message).hint(hint));
            }
        }
    }

    fn call(&mut self, id: NodeId, target: Option<NodeId>, function: &Arc<str>, args: &[NodeId]) -> Ref {
        if self.is_stream(id) {
            return self.bare_stream(id);
        }
        if let Some(target) = target.filter(|target| self.is_stream(*target)) {
            return self.stream(id, target, function, args);
        }
        if target.is_none() && matches!(&**function, "segment" | "persona" | "trend") && functions::find(function).is_none() {
            return match args.first().map(|arg| self.tree.node(*arg).kind.clone()) {
                Some(Kind::Literal(Value::String(name))) if args.len() == 1 => {
                    self.fact_path(id, &format!("{function}.{name}"))
                }
                _ => {
                    let message = format!("`{function}` takes the name of one {function} as a text");
                    self.wrong(id, Finding::error("bad_call", self.extent(id), message))
                }
            };
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
        let method = target.is_some();
        let all: Vec<NodeId> = target.into_iter().chain(args.iter().copied()).collect();
        match functions::find(function) {
            Some(found) if found.call == Call::Either || (found.call == Call::Method) == method => self.apply(id, found, &all),
            Some(found) => {
                let name = found.name;
                let hint = if method { format!("write `{name}(x)`") } else { format!("write `x.{name}(…)`") };
                let how = if method { "no method" } else { "a method" };
                self.no_function(id, &all, format!("`{name}` is {how}"), Some(hint))
            }
            None => {
                let hint = nearest(function, functions::names().chain(["events", "segment", "persona"]))
                    .map(|near| format!("did you mean `{near}`?"));
                self.no_function(id, &all, format!("unknown function `{function}`"), hint)
            }
        }
    }

    fn no_function(&mut self, id: NodeId, args: &[NodeId], message: String, hint: Option<String>) -> Ref {
        if self.schema.is_none() {
            let fault = Fault::new(ErrorCode::UnknownFunction, message);
            return self.push(id, Op::Fail(fault), Type::Dyn, TimeClass::Constant);
        }
        for arg in args {
            self.lower(*arg);
        }
        let finding = Finding { hint, ..Finding::error("unknown_function", self.extent(id), message) };
        self.wrong(id, finding)
    }

    fn apply(&mut self, id: NodeId, function: &'static Function, args: &[NodeId]) -> Ref {
        let parts: Vec<Ref> = args.iter().map(|arg| self.lower(*arg)).collect();
        let found: Vec<Type> = parts.iter().map(|part| self.ty(*part).clone()).collect();
        let fits = |overload: &&Overload| {
            overload.params.len() == found.len() && overload.params.iter().zip(&found).all(|(sort, ty)| sort.accepts(ty))
        };
        let mut fitting = function.overloads.iter().filter(fits);
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
        if function.name == "matches" {
            if let Some(op) = self.matches(args, &parts) {
                return self.push(id, op, ty, class);
            }
        }
        if let (Some(Op::Constant(value)), "timestamp" | "duration") =
            (parts.first().map(|part| self.nodes[part.0 as usize].op.clone()), function.name)
        {
            return self.constant_time(id, function, value, ty);
        }
        self.push(id, Op::Call { function, args: parts }, ty, class)
    }

    /// `timestamp("…")` and `duration("…")` of a constant: computed now, and refused now when they are wrong.
    fn constant_time(&mut self, id: NodeId, function: &'static Function, value: Value, ty: Type) -> Ref {
        match (function.run)(&[value], self.limits) {
            Ok(value) => self.push(id, Op::Constant(value), ty, TimeClass::Constant),
            Err(fault) if self.schema.is_some() => {
                let finding = Finding::error("bad_constant", self.extent(id), fault.message);
                self.wrong(id, finding)
            }
            Err(fault) => self.push(id, Op::Fail(fault), ty, TimeClass::Constant),
        }
    }

    fn matches(&mut self, args: &[NodeId], parts: &[Ref]) -> Option<Op> {
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

/// A fact's path as an expression writes it.
fn written(path: &str) -> String {
    match path.split_once('.') {
        Some((group @ ("segment" | "persona" | "trend"), name)) => format!("{group}(\"{name}\")"),
        Some(("journey", rest)) => match rest.rsplit_once('.') {
            Some((name, field)) => format!("journey(\"{name}\").{field}"),
            None => path.to_string(),
        },
        _ => path.to_string(),
    }
}
