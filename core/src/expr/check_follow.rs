//! The checker's part about what narrows a stream beyond windows, and about what its ends take.

use super::EventKind;
use super::ast::{Kind, NodeId};
use super::check::Checker;
use super::checked::Ref;
use super::finding::Finding;
use super::stream::Bound;
use super::stream_follow::Follow;
use crate::error::nearest;
use crate::value::{Duration, Value};

/// All that narrows a stream, in the order written.
#[derive(Default)]
pub(super) struct Narrowing {
    pub(super) bounds: Vec<Bound>,
    pub(super) conditions: Vec<(u32, Ref)>,
    pub(super) follows: Vec<Follow>,
}

impl Checker<'_> {
    /// One step of a chain other than `where`.
    pub(super) fn narrow(
        &mut self,
        id: NodeId,
        function: &str,
        args: &[NodeId],
        kinds: &[EventKind],
        narrowing: &mut Narrowing,
    ) {
        match (function, args) {
            ("between", [from, to]) => {
                narrowing.bounds.extend(self.instant(*from).map(Bound::Since));
                narrowing.bounds.extend(self.instant(*to).map(Bound::Before));
            }
            ("followed_by" | "not_followed_by", [target, rest @ ..]) => {
                if let Some(follow) = self.follow(id, *target, rest, kinds, function == "not_followed_by") {
                    narrowing.follows.push(follow);
                }
            }
            ("followed_by" | "not_followed_by", []) => {
                let message = format!("`{function}` takes an event type, such as `{function}(\"purchase\", \"7d\", \"sku\")`");
                self.report(Finding::error("bad_call", self.extent(id), message));
            }
            ("where", _) => {
                let message = "`where` needs a name for the event and a condition";
                let condition = args.first().map_or_else(|| "e.amount > 3".to_string(), |arg| self.shown(*arg));
                let finding = Finding::error("bad_call", self.extent(id), message);
                self.report(finding.hint(format!("write `.where(e, {condition})`")));
            }
            ("without", names) => {
                let found: Vec<EventKind> = names.iter().filter_map(|name| self.event_named(*name)).collect();
                match narrowing.follows.last_mut() {
                    Some(follow) => {
                        follow.without.extend(found);
                        follow.without.sort_unstable();
                        follow.without.dedup();
                    }
                    None => {
                        let message = "`without` says what must not come between, after `followed_by`";
                        let finding = Finding::error("bad_call", self.extent(id), message);
                        self.report(finding.hint("write `.followed_by(\"purchase\", \"7d\").without(\"return\")`"));
                    }
                }
            }
            _ => narrowing.bounds.extend(self.bound(id, function, args)),
        }
    }

    /// `followed_by(what, within, properties…)`.
    fn follow(&mut self, id: NodeId, target: NodeId, rest: &[NodeId], base: &[EventKind], negated: bool) -> Option<Follow> {
        let whose = self.whose(id)?;
        let (kinds, conditions) = if self.is_stream(target) {
            let kinds = self.kinds(target)?;
            if self.whose(target)? != whose {
                let message = "what follows is of the same customer, or of the same others";
                self.report(Finding::error("bad_call", self.extent(target), message));
            }
            let inner = self.narrowing(target, &kinds);
            if !inner.bounds.is_empty() || !inner.follows.is_empty() {
                let finding = Finding::error(
                    "bad_call",
                    self.extent(target),
                    "what follows may have conditions, but no window of its own",
                );
                self.report(finding.hint("put the time into the second argument, such as `\"7d\"`"));
            }
            (kinds, inner.conditions)
        } else {
            (vec![self.event_named(target)?], Vec::new())
        };
        let (within, names) = match rest {
            [first, names @ ..] => match self.length(*first) {
                Some(length) => (Some(length), names),
                None => (None, rest),
            },
            [] => (None, rest),
        };
        let mut by = Vec::new();
        for name in names {
            match self.tree.node(*name).kind.clone() {
                Kind::Literal(Value::String(text)) => {
                    let mine = self.property(*name, base, &text);
                    let theirs = self.property(*name, &kinds, &text);
                    by.extend(mine.and(theirs).map(|(id, _)| id));
                }
                _ => {
                    let message = "a property that both events share is written as a text, such as `\"sku\"`";
                    self.report(Finding::error("bad_call", self.extent(*name), message));
                }
            }
        }
        self.reads.events.extend(&kinds);
        Some(Follow { kinds, conditions, within, by, without: Vec::new(), negated })
    }

    /// A length of time above zero, written as a text.
    fn length(&mut self, id: NodeId) -> Option<Duration> {
        let Kind::Literal(Value::String(text)) = &self.tree.node(id).kind else { return None };
        Duration::parse(text).ok().filter(|length| length.nanos() > 0)
    }

    /// The event type that a text names.
    fn event_named(&mut self, id: NodeId) -> Option<EventKind> {
        let schema = self.schema?;
        let Kind::Literal(Value::String(name)) = self.tree.node(id).kind.clone() else {
            let message = "expected the name of an event type as a text, such as `\"purchase\"`";
            self.report(Finding::error("bad_call", self.extent(id), message));
            return None;
        };
        let found = schema.event(&name);
        match found {
            Some(kind) => {
                self.reads.events.insert(kind);
            }
            None => {
                let mut finding = Finding::error("unknown_event", self.extent(id), format!("unknown event type `{name}`"));
                if let Some(near) = nearest(&name, schema.events().iter().map(|event| &*event.name)) {
                    finding = finding.hint(format!("did you mean `{near}`?"));
                }
                self.report(finding);
            }
        }
        found
    }
}
