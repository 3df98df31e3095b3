//! The checker's and the evaluator's part about what comes next in a journey: `journey("<name>").next("<event>").within("14d")`.

use super::ast::{Kind, NodeId};
use super::check::Checker;
use super::checked::{Checked, Op, Ref};
use super::evaluate::{Machine, Partial};
use super::finding::Finding;
use super::{Answer, FactId, Outcome, TimeClass};
use crate::error::nearest;
use crate::next::Track;
use crate::value::{Duration, Type, Value};
use std::sync::Arc;

/// What may come next, and within which time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextStep {
    /// Of which sequence.
    pub(crate) track: Track,
    /// The number of the event type or stage; of a segment twice that.
    pub(crate) what: u32,
    /// Within which time.
    pub(crate) within: Duration,
    /// As it is written.
    pub(crate) shown: Arc<str>,
}

/// The sequences by the names of their methods, and what each takes.
const STEPS: [(&str, Track, &str); 3] = [
    ("next", Track::Event, "an event type"),
    ("next_stage", Track::Stage, "a stage"),
    ("next_segment", Track::Change, "a segment"),
];

impl Checker<'_> {
    /// `journey("<name>").next("<event>")` and its like.
    fn next_named(&self, id: NodeId) -> Option<(Arc<str>, usize, NodeId)> {
        let Kind::Call { target: Some(target), function, args, .. } = &self.tree.node(id).kind else { return None };
        let place = STEPS.iter().position(|(name, ..)| *name == &**function)?;
        let [arg] = &args[..] else { return None };
        Some((self.journey_named(*target)?, place, *arg))
    }

    /// `journey("<name>").next("<event>").within("14d")`, or a mistake in that; `None` for anything else.
    pub(super) fn of_next(&mut self, id: NodeId, target: NodeId, function: &str, args: &[NodeId]) -> Option<Ref> {
        if let Some((name, _, what)) = STEPS.iter().find(|(name, ..)| *name == function)
            && self.journey_named(target).is_some()
        {
            let finding = match args {
                [_] => Finding::error("bad_call", self.extent(id), format!("`{name}` needs a time within which it comes"))
                    .hint(format!("write `{}.within(\"14d\")`, a probability from 0 to 1", self.shown(id))),
                _ => Finding::error("bad_call", self.extent(id), format!("`{name}` takes the name of {what} as a text")),
            };
            return Some(self.wrong(id, finding));
        }
        let (journey, place, arg) = self.next_named(target)?;
        if function != "within" {
            let finding =
                Finding::error("bad_call", self.extent(id), format!("`{function}` cannot be asked of what comes next"));
            return Some(self.wrong(id, finding.hint("ask `.within(\"14d\")`, a probability from 0 to 1")));
        }
        Some(self.next_within(id, &journey, place, arg, args))
    }

    fn next_within(&mut self, id: NodeId, journey: &str, place: usize, arg: NodeId, args: &[NodeId]) -> Ref {
        let Some((_, track, noun)) = STEPS.get(place).copied() else { return self.broken(id) };
        let Some(schema) = self.schema else { return self.broken(id) };
        let Kind::Literal(Value::String(name)) = self.tree.node(arg).kind.clone() else {
            let finding = Finding::error("bad_call", self.extent(arg), format!("expected the name of {noun} as a text"));
            return self.wrong(id, finding);
        };
        let path = format!("journey.{journey}.next()");
        let Some(fact) = schema.fact(&path) else { return self.fact_path(id, &path) };
        let length = match args {
            [length] => match self.tree.node(*length).kind.clone() {
                Kind::Literal(Value::String(text)) => Duration::parse(&text).ok(),
                _ => None,
            },
            _ => None,
        };
        let Some(within) = length.filter(|length| *length > Duration::ZERO) else {
            let at = args.first().copied().unwrap_or(id);
            let finding =
                Finding::error("bad_window", self.extent(at), "`within` takes one length of time above zero, as a text");
            return self.wrong(id, finding.hint("write a length such as `\"14d\"` or `\"90m\"`"));
        };
        let stages = || match schema.fact(&format!("journey.{journey}.stage")).and_then(|fact| schema.fact_decl(fact)) {
            Some(decl) => match &decl.ty {
                Type::Enum(stages) => stages.to_vec(),
                _ => Vec::new(),
            },
            None => Vec::new(),
        };
        let segments = || {
            let all = schema.facts().iter().filter_map(|decl| decl.path.strip_prefix("segment."));
            all.map(Arc::from).collect::<Vec<Arc<str>>>()
        };
        let known = match track {
            Track::Event => schema.events().iter().map(|event| event.name.clone()).collect(),
            Track::Stage => stages(),
            Track::Change => segments(),
        };
        let Some(number) = known.iter().position(|known| *known == name) else {
            let finding = Finding::error("unknown_name", self.extent(arg), format!("`{name}` is not the name of {noun}"));
            let hint = match nearest(&name, known.iter().map(|known| &**known)) {
                Some(near) => Some(format!("did you mean `{near}`?")),
                None if track == Track::Event && stages().contains(&name) => {
                    Some(format!("for a stage write `.next_stage(\"{name}\")`"))
                }
                None => None,
            };
            return self.wrong(id, Finding { hint, ..finding });
        };
        self.reads.facts.insert(fact);
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        let what = if track == Track::Change { number.saturating_mul(2) } else { number };
        let next = NextStep { track, what, within, shown: self.shown(id).into() };
        self.push(id, Op::NextStep { fact, next: Arc::new(next) }, Type::Double, TimeClass::Other)
    }
}

impl Checked {
    /// What it asks about what comes next, and of which fact.
    pub(crate) fn foreseen(&self) -> impl Iterator<Item = (FactId, &NextStep)> {
        self.nodes().filter_map(|node| match node {
            Op::NextStep { fact, next } => Some((*fact, &**next)),
            _ => None,
        })
    }

    /// Whether it asks what comes next.
    pub(crate) fn asks_ahead(&self) -> bool {
        self.foreseen().next().is_some()
    }
}

impl Machine<'_> {
    pub(super) fn next_step(&self, fact: FactId, next: &NextStep) -> Partial {
        let read = self.facts.next_step(fact, next);
        let outcome = match read.value {
            Answer::Known(value) => Outcome::Value(value),
            Answer::Unknown(missing) => Outcome::Unknown(missing),
        };
        Partial::new(outcome, read.until)
    }
}
