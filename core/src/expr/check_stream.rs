//! The checker's part about streams of events.

use super::ast::{Kind, NodeId};
use super::check::{Binding, Checker};
use super::check_ends::{result_type, zero};
use super::check_follow::Narrowing;
use super::checked::{Op, Ref};
use super::finding::Finding;
use super::row_test::RowTests;
use super::stream::{Bound, Stream, Terminal};
use super::types::is_number;
use super::{Detail, EventKind, Missing, PropertyId, SubjectId, TimeClass};
use crate::error::nearest;
use crate::value::{Duration, Type, Value};
use std::sync::Arc;

/// What narrows a stream.
pub(super) const MODIFIERS: [&str; 10] =
    ["where", "within", "in_session", "in_stage", "since", "before", "between", "followed_by", "not_followed_by", "without"];

impl Checker<'_> {
    /// Whether a part is a stream that nothing has been asked of yet.
    pub(super) fn is_stream(&self, id: NodeId) -> bool {
        super::streams::is_stream(self.tree, id)
    }

    /// A stream where a value is needed, or a `where` on something else.
    pub(super) fn bare_stream(&mut self, id: NodeId) -> Ref {
        if self.is_stream(id) {
            let finding = Finding::error("not_a_value", self.extent(id), "a stream of events is no value");
            return self
                .wrong(id, finding.hint("ask something of it, such as `.count()`, `.sum(\"amount\")` or `.since_last()`"));
        }
        let finding = Finding::error("unknown_function", self.extent(id), "`where` is a method of streams of events");
        self.wrong(id, finding.hint("choose elements of a list with `filter(x, …)`"))
    }

    /// `stream.terminal(args)`.
    pub(super) fn stream(&mut self, id: NodeId, chain: NodeId, function: &str, args: &[NodeId]) -> Ref {
        let Some(terminal) = Terminal::named(function) else {
            let known = Terminal::ALL.iter().map(|(name, _)| *name).chain(MODIFIERS);
            let mut finding = Finding::error(
                "unknown_function",
                self.called(id, Some(chain), function),
                format!("a stream of events has no `{function}`"),
            );
            if let Some(near) = nearest(function, known) {
                finding = finding.hint(format!("did you mean `{near}`?"));
            }
            return self.wrong(id, finding);
        };
        let Some(kinds) = self.kinds(chain) else { return self.broken(id) };
        let Some(subject) = self.whose(chain) else { return self.broken(id) };
        self.reads.events.extend(&kinds);
        self.reads.subjects.extend(subject);
        let Narrowing { bounds, conditions, follows } = self.narrowing(chain, &kinds);
        if subject.is_some() && bounds.iter().any(|bound| matches!(bound, Bound::Session)) {
            let message = "a session is of one customer, not of others";
            let finding = Finding::error("bad_call", self.extent(id), message);
            self.report(finding.hint("take a window such as `.within(\"1d\")`"));
        }
        let (args, share, unit) = self.further(id, terminal, args);
        let property = self.terminal_property(id, terminal, function, args, &kinds);
        let (property, ty) = property.map_or((None, Type::Dyn), |(id, ty)| (Some(id), ty));
        let ty = if self.fits(id, terminal, function, &ty) { ty } else { Type::Dyn };
        let names: Vec<Arc<str>> = kinds.iter().filter_map(|kind| Some(self.schema?.event_decl(*kind)?.name.clone())).collect();
        let whose = subject.and_then(|subject| self.schema?.subjects().get(usize::from(subject.0)));
        let (whose, beside) = match whose {
            Some(path) => (format!("{path}."), Missing::one(path.clone())),
            None => (String::new(), Missing::default()),
        };
        let paths = |suffix: &str| {
            names
                .iter()
                .map(|name| Missing::one(Arc::from(format!("{whose}events.{name}{suffix}"))))
                .fold(Missing::default(), |all, one| all.union(&one))
        };
        let lacking = property
            .and_then(|property| self.schema?.property_name(property))
            .map_or_else(|| paths(""), |name| paths(&format!(".{name}")));
        let parts = bounds.iter().filter_map(|bound| match bound {
            Bound::RollingBy(by) | Bound::Since(by) | Bound::Before(by) => Some(*by),
            _ => None,
        });
        let targets = follows.iter().flat_map(|follow| &follow.conditions);
        let parts = self.mixed(parts.chain(conditions.iter().chain(targets).map(|(_, condition)| *condition)));
        let moving = matches!(terminal, Terminal::SinceLast | Terminal::SinceFirst);
        self.reads.now |= moving || !bounds.is_empty() || !follows.is_empty();
        // Events per day of a window that grows change with every instant.
        let rolls = bounds.iter().all(|bound| matches!(bound, Bound::Rolling(_) | Bound::RollingBy(_))) && !bounds.is_empty();
        let class = parts.max(match terminal {
            Terminal::SinceLast | Terminal::SinceFirst => TimeClass::Linear,
            Terminal::Rate if !rolls => TimeClass::Other,
            _ => TimeClass::Step,
        });
        let result = result_type(terminal, &ty);
        let zero = zero(&ty);
        let tests = RowTests::of(&self.nodes, &conditions).filter(|_| follows.is_empty());
        let nothing = paths("");
        let stream = Stream {
            subject,
            beside,
            nothing,
            lacking,
            kinds,
            bounds,
            conditions,
            tests,
            terminal,
            follows,
            property,
            share,
            unit,
            zero,
        };
        self.push(id, Op::Stream(Box::new(stream)), result, class)
    }

    /// The event types named by `events(…)` at the beginning of a chain, sorted.
    pub(super) fn kinds(&mut self, chain: NodeId) -> Option<Vec<EventKind>> {
        let mut at = chain;
        let (id, args) = loop {
            match self.tree.node(at).kind.clone() {
                Kind::Call { target: Some(target), function, .. } if &*function != "events" => at = target,
                Kind::Where { stream, .. } => at = stream,
                Kind::Call { args, .. } => break (at, args),
                _ => return None,
            }
        };
        let Some(schema) = self.schema else {
            let finding = Finding::error("needs_schema", self.extent(id), "streams need declared event types");
            self.report(finding.hint("compile the expression with a schema"));
            return None;
        };
        let mut kinds = Vec::new();
        let mut good = true;
        for arg in &args {
            let Kind::Literal(Value::String(name)) = self.tree.node(*arg).kind.clone() else {
                let finding = Finding::error(
                    "bad_call",
                    self.extent(*arg),
                    "`events` takes the names of event types as texts, such as `events(\"purchase\")`",
                );
                let hint = self.in_quotes("events", &args);
                self.report(Finding { hint, ..finding });
                good = false;
                continue;
            };
            match schema.event(&name) {
                Some(kind) => kinds.push(kind),
                None if self.is_full() => return None,
                None => {
                    good = false;
                    let mut finding =
                        Finding::error("unknown_event", self.extent(*arg), format!("unknown event type `{name}`"));
                    if let Some(near) = nearest(&name, schema.events().iter().map(|event| &*event.name)) {
                        finding = finding.hint(format!("did you mean `{near}`?"));
                    }
                    self.report(finding);
                }
            }
        }
        if args.is_empty() {
            let declared = schema.events().iter().enumerate().filter(|(_, event)| !event.reserved);
            kinds = declared.filter_map(|(kind, _)| u16::try_from(kind).ok().map(EventKind)).collect();
        }
        kinds.sort_unstable();
        kinds.dedup();
        good.then_some(kinds)
    }

    /// Whose events a chain begins with: `Some(None)` for those of the customer, `None` when nobody is called so.
    pub(super) fn whose(&mut self, chain: NodeId) -> Option<Option<SubjectId>> {
        let mut at = chain;
        let whose = loop {
            match &self.tree.node(at).kind {
                Kind::Call { target, function, .. } if &**function == "events" => break *target,
                Kind::Call { target: Some(target), .. } => at = *target,
                Kind::Where { stream, .. } => at = *stream,
                _ => return Some(None),
            }
        };
        let Some(whose) = whose else { return Some(None) };
        let path = self.names(whose)?.join(".");
        let schema = self.schema?;
        if let Some(subject) = schema.subject(&path) {
            return Some(Some(subject));
        }
        if !self.is_full() {
            let near = nearest(&path, schema.subjects().iter().map(|subject| &**subject));
            let mut finding = Finding::error("unknown_name", self.extent(whose), format!("`{path}` has no events"));
            finding = match near {
                Some(near) => finding.hint(format!("did you mean `{near}`?")),
                None if path == "session" => finding.hint("write `events(\u{2026}).in_session()`"),
                None if schema.subjects().is_empty() => {
                    finding.hint("write `events(\u{2026})`; others are read through `relations`, and none is declared")
                }
                None => {
                    let known: Vec<String> = schema.subjects().iter().take(8).map(|subject| format!("`{subject}`")).collect();
                    finding.hint(format!("there is {}", known.join(", ")))
                }
            };
            self.report(finding);
        }
        None
    }

    /// The windows and conditions of a chain, in the order written.
    pub(super) fn narrowing(&mut self, chain: NodeId, kinds: &[EventKind]) -> Narrowing {
        let mut links = Vec::new();
        let mut at = chain;
        loop {
            links.push(at);
            at = match &self.tree.node(at).kind {
                Kind::Call { target: Some(target), function, .. } if &**function != "events" => *target,
                Kind::Where { stream, .. } => *stream,
                _ => break,
            };
        }
        let mut narrowing = Narrowing::default();
        for link in links.into_iter().rev() {
            match self.tree.node(link).kind.clone() {
                Kind::Where { variable, condition, .. } => {
                    let slot = self.bind(&variable, Binding::Event(kinds.to_vec()));
                    let part = self.lower(condition);
                    self.scope.truncate(slot as usize);
                    if !matches!(self.ty(part), Type::Bool | Type::Dyn) {
                        let message = format!("`where` needs a bool, but `{}` is {}", self.shown(condition), self.ty(part));
                        self.report(Finding::error("type_mismatch", self.extent(condition), message));
                    }
                    narrowing.conditions.push((slot, part));
                }
                Kind::Call { target: Some(_), function, args, .. } if &*function != "events" => {
                    self.narrow(link, &function, &args, kinds, &mut narrowing)
                }
                _ => {}
            }
        }
        narrowing
    }

    pub(super) fn bound(&mut self, id: NodeId, function: &str, args: &[NodeId]) -> Option<Bound> {
        match (function, args) {
            ("in_stage", []) if !self.journey.is_empty() => {
                let path = format!("journey.{}.since", self.journey);
                Some(Bound::Since(self.fact_path(id, &path)))
            }
            ("in_stage", []) => {
                let message = "`in_stage()` stands in a journey's own conditions";
                let finding = Finding::error("bad_call", self.extent(id), message);
                self.report(finding.hint("name the journey: `.in_stage(\"lifecycle\")`"));
                None
            }
            ("in_stage", [arg]) => match self.tree.node(*arg).kind.clone() {
                Kind::Literal(Value::String(name)) => {
                    Some(Bound::Since(self.fact_path(*arg, &format!("journey.{name}.since"))))
                }
                _ => {
                    self.report(Finding::error(
                        "bad_call",
                        self.extent(*arg),
                        "`in_stage` takes the name of one journey as a text",
                    ));
                    None
                }
            },
            ("in_session", []) => {
                self.reads.session = true;
                Some(Bound::Session)
            }
            ("within", [unit, further @ ..]) if self.names_a_unit(*unit) => self.calendar(*unit, further).map(Bound::Calendar),
            ("within", [arg]) => self.within(*arg),
            ("since", [arg]) => self.instant(*arg).map(Bound::Since),
            ("before", [arg]) => self.instant(*arg).map(Bound::Before),
            _ => {
                let takes = match function {
                    "in_session" => "nothing",
                    "in_stage" => "nothing in a journey's own conditions, else the name of a journey",
                    "between" => "two timestamps",
                    "within" => {
                        "one length such as `\"30d\"`, or a unit of the calendar such as `\"week\", \"sunday\", \"UTC\"`"
                    }
                    _ => "one timestamp",
                };
                self.report(Finding::error("bad_call", self.extent(id), format!("`{function}` takes {takes}")));
                None
            }
        }
    }

    fn within(&mut self, arg: NodeId) -> Option<Bound> {
        if let Kind::Literal(Value::String(text)) = self.tree.node(arg).kind.clone() {
            return match Duration::parse(&text) {
                Ok(length) if length.nanos() > 0 => Some(Bound::Rolling(length)),
                Ok(_) => {
                    self.report(Finding::error("bad_window", self.extent(arg), "a window needs a length above zero"));
                    None
                }
                Err(_) => {
                    let finding = Finding::error("bad_window", self.extent(arg), format!("`{text}` is no window"));
                    let near = nearest(&text, ["day", "week", "month"]).map(|near| format!("did you mean `{near}`?"));
                    self.report(finding.hint(near.unwrap_or_else(|| {
                        "write a length such as `30d` or `90m`, or `day`, `days(4)`, `week`, `month`".to_string()
                    })));
                    None
                }
            };
        }
        let length = self.lower(arg);
        if !matches!(self.ty(length), Type::Duration | Type::Dyn) {
            let message = format!("`within` takes a duration, but `{}` is {}", self.shown(arg), self.ty(length));
            let finding = Finding::error("type_mismatch", self.extent(arg), message);
            self.report(finding.hint("write a length such as `\"30d\"` or `\"90m\"`"));
        }
        Some(Bound::RollingBy(length))
    }

    pub(super) fn instant(&mut self, arg: NodeId) -> Option<Ref> {
        let time = self.lower(arg);
        if !matches!(self.ty(time), Type::Timestamp | Type::Dyn) {
            let message = format!("expected a timestamp, but `{}` is {}", self.shown(arg), self.ty(time));
            self.report(Finding::error("type_mismatch", self.extent(arg), message));
        }
        Some(time)
    }

    fn terminal_property(
        &mut self,
        id: NodeId,
        terminal: Terminal,
        function: &str,
        args: &[NodeId],
        kinds: &[EventKind],
    ) -> Option<(PropertyId, Type)> {
        match (terminal.takes_property(), args) {
            (false, []) => None,
            (true, [arg]) => {
                let name = match self.tree.node(*arg).kind.clone() {
                    Kind::Literal(Value::String(name)) | Kind::Name { name, absolute: false } => name,
                    _ => {
                        let message = format!("`{function}` takes the name of a property, such as `{function}(\"amount\")`");
                        self.report(Finding::error("bad_call", self.extent(*arg), message));
                        return None;
                    }
                };
                self.property(*arg, kinds, &name)
            }
            (takes, _) => {
                let what = match takes {
                    true => format!("the name of one property, such as `{function}(\"amount\")`"),
                    false => "nothing".to_string(),
                };
                self.report(Finding::error("bad_call", self.extent(id), format!("`{function}` takes {what}")));
                None
            }
        }
    }

    /// The property of a name that at least one of the event types has.
    pub(super) fn property(&mut self, syntax: NodeId, kinds: &[EventKind], name: &str) -> Option<(PropertyId, Type)> {
        let schema = self.schema?;
        let declared = || kinds.iter().filter_map(|kind| schema.event_decl(*kind)).flat_map(|event| &event.properties);
        let mut found: Option<(PropertyId, Type)> = None;
        for property in declared().filter(|property| &*property.name == name) {
            found = Some(match found {
                None => (property.id, property.ty.clone()),
                Some((id, ty)) if ty == property.ty => (id, ty),
                Some((id, _)) => (id, Type::Dyn),
            });
        }
        if found.is_none() && !self.is_full() {
            let events: Vec<String> = kinds
                .iter()
                .filter_map(|kind| schema.event_decl(*kind))
                .map(|event| format!("`{}`", event.name))
                .take(5)
                .collect();
            let message = format!("unknown property `{name}` of {}", events.join(", "));
            let mut finding = Finding::error("unknown_property", self.extent(syntax), message);
            let inside = |own: &&str| own.strip_prefix(name).is_some_and(|rest| rest.starts_with('_'));
            let parts: Vec<String> =
                declared().map(|property| &*property.name).filter(inside).map(|own| format!("`{own}`")).collect();
            if !parts.is_empty() {
                finding = finding.hint(format!("the parts of an object are properties of their own: {}", parts.join(", ")));
            } else if let Some(near) = nearest(name, declared().map(|property| &*property.name)) {
                finding = finding.hint(format!("did you mean `{near}`?"));
            }
            self.report(finding);
        }
        if let Some((id, _)) = &found {
            self.reads.properties.insert(*id);
        }
        found
    }

    /// Whether a terminal can be computed from properties of a type.
    fn fits(&mut self, id: NodeId, terminal: Terminal, function: &str, ty: &Type) -> bool {
        let fits = match terminal {
            Terminal::Sum | Terminal::Avg => is_number(ty) || matches!(ty, Type::Duration | Type::Dyn),
            Terminal::Min | Terminal::Max | Terminal::Quantile => {
                !matches!(ty, Type::List(_) | Type::Map(..) | Type::Null | Type::Type)
            }
            _ => true,
        };
        if !fits {
            let message = format!("`{function}` cannot be computed from values of type {ty}");
            self.report(Finding::error("type_mismatch", self.extent(id), message));
        }
        fits
    }

    fn path_of(&self, kinds: &[EventKind], field: &str) -> Arc<str> {
        let name = match kinds {
            [kind] => self.schema.and_then(|schema| schema.event_decl(*kind)).map(|event| event.name.clone()),
            _ => None,
        };
        Arc::from(name.map_or_else(|| format!("events.{field}"), |name| format!("events.{name}.{field}")))
    }

    fn has_property(&self, kinds: &[EventKind], name: &str) -> bool {
        let decls = kinds.iter().filter_map(|kind| self.schema?.event_decl(*kind));
        decls.flat_map(|event| &event.properties).any(|property| &*property.name == name)
    }

    /// `e.field`, where `e` is an event.
    pub(super) fn event_field(&mut self, id: NodeId, slot: u32, kinds: &[EventKind], field: &str) -> Ref {
        // A declared property goes before what every event has.
        if !self.has_property(kinds, field) {
            if field == "time" {
                return self.push(id, Op::EventTime(slot), Type::Timestamp, TimeClass::Constant);
            }
            if field == "channel" {
                let path = self.path_of(kinds, field);
                return self.push(id, Op::EventChannel { slot, path }, Type::String, TimeClass::Constant);
            }
            if let Some(detail) = detail_named(field) {
                let (path, ty) = (self.path_of(kinds, field), detail.map_or(Type::String, Detail::ty));
                return self.push(id, Op::EventDetail { slot, detail, path }, ty, TimeClass::Constant);
            }
        }
        match self.property(id, kinds, field) {
            Some((property, ty)) => {
                let path = self.path_of(kinds, field);
                self.push(id, Op::Property { slot, id: property, path }, ty, TimeClass::Constant)
            }
            None => self.broken(id),
        }
    }

    /// `has(e.field)`, where `e` is an event.
    pub(super) fn has_event_field(&mut self, id: NodeId, slot: u32, kinds: &[EventKind], field: &str) -> Ref {
        if !self.has_property(kinds, field) {
            if field == "time" {
                return self.push(id, Op::Constant(Value::Bool(true)), Type::Bool, TimeClass::Constant);
            }
            if field == "channel" {
                return self.push(id, Op::HasChannel(slot), Type::Bool, TimeClass::Constant);
            }
            if let Some(detail) = detail_named(field) {
                return self.push(id, Op::HasDetail { slot, detail }, Type::Bool, TimeClass::Constant);
            }
        }
        match self.property(id, kinds, field) {
            Some((property, _)) => self.push(id, Op::HasProperty { slot, id: property }, Type::Bool, TimeClass::Constant),
            None => self.broken(id),
        }
    }
}

/// What any event may have by a name: its source, or one of its details.
fn detail_named(name: &str) -> Option<Option<Detail>> {
    match name {
        "source" => Some(None),
        name => Detail::named(name).map(Some),
    }
}
