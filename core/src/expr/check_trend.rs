//! The checker's and the evaluator's part about trends: `trend("<name>").count(…)` and its like.

use super::TimeClass;
use super::ast::{Kind, NodeId};
use super::check::Checker;
use super::checked::{Op, Ref};
use super::evaluate::{Machine, Partial};
use super::evaluate_names::Frame;
use super::finding::Finding;
use super::value_ops::Fault;
use super::{Missing, Outcome};
use crate::error::nearest;
use crate::value::{Type, Value};
use std::sync::Arc;

/// What is asked of a trend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// `count(…)`: how many, where the dimensions have these values; those not named may have any.
    Count,
    /// `sum(…)`: their sum.
    Sum,
    /// `share(…)`: the part of all that is counted.
    Share,
    /// `rate(success, trial, …)`: how many of one outcome for each of another.
    Rate,
    /// `per_day(…)`: how many a day, lately.
    PerDay,
}

impl Measure {
    /// All of them.
    pub const ALL: [Measure; 5] = [Measure::Count, Measure::Sum, Measure::Share, Measure::Rate, Measure::PerDay];

    /// The name in expressions.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Measure::Count => "count",
            Measure::Sum => "sum",
            Measure::Share => "share",
            Measure::Rate => "rate",
            Measure::PerDay => "per_day",
        }
    }
}

impl Checker<'_> {
    /// `trend("<name>").<measure>(…)`, or `trend("<name>")` alone; `None` for anything else.
    pub(super) fn of_trend(&mut self, id: NodeId, target: Option<NodeId>, function: &str, args: &[NodeId]) -> Option<Ref> {
        let schema = self.schema?;
        let (call, measure) = match target {
            Some(target) => (target, Some(function)),
            None => (id, None),
        };
        let Kind::Call { target: None, function: family, args: names, .. } = &self.tree.node(call).kind else { return None };
        (&**family == "trend").then_some(())?;
        let name = match names.first().map(|name| &self.tree.node(*name).kind) {
            Some(Kind::Literal(Value::String(name))) if names.len() == 1 => name.clone(),
            _ => {
                let finding = Finding::error("bad_call", self.extent(call), "`trend` takes the name of one trend as a text");
                return Some(self.wrong(id, finding));
            }
        };
        let Some((number, trend)) = schema.trend(&name) else {
            let known = schema.trends().iter().map(|trend| &*trend.name);
            let hint = match nearest(&name, known.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are: {}", known.take(12).collect::<Vec<_>>().join(", ")),
            };
            let shown: String = name.chars().take(80).collect();
            let finding = Finding::error("unknown_name", self.extent(call), format!("there is no trend `{shown}`"));
            return Some(self.wrong(id, finding.hint(hint)));
        };
        let measures = Measure::ALL.map(Measure::name).join("`, `");
        let measure = match measure.map(|word| Measure::ALL.into_iter().find(|measure| measure.name() == word)) {
            Some(Some(measure)) => measure,
            Some(None) | None => {
                let message = "a trend is no value; ask it for a number".to_owned();
                let hint = format!("write `trend({name:?}).count()`; there are: `{measures}`");
                return Some(self.wrong(id, Finding::error("bad_call", self.extent(id), message).hint(hint)));
            }
        };
        let outcome = trend.dimensions.iter().position(|dimension| **dimension == *crate::playbook::OUTCOME);
        let wrong = match measure {
            Measure::Sum if !trend.sums => Some("it sums nothing: declare its `sum`"),
            Measure::PerDay if !trend.decays => Some("it never forgets: declare its `half_life`"),
            Measure::Rate if outcome.is_none() => {
                Some("it has no dimension `outcome`: `count: outcome` and `by: [outcome, …]`")
            }
            Measure::Rate if args.len() < 2 => Some("`rate` takes two outcomes, such as `rate(\"clicked\", \"shown\")`"),
            _ => None,
        };
        let most = trend.dimensions.len() + usize::from(measure == Measure::Rate);
        if let Some(wrong) = wrong {
            let finding =
                Finding::error("bad_call", self.extent(id), format!("`{}` of trend `{name}`: {wrong}", measure.name()));
            return Some(self.wrong(id, finding));
        }
        if args.len() > most {
            let message = format!(
                "trend `{name}` is told apart by {}, so that `{}` takes at most {most} values",
                trend.dimensions.iter().map(|dimension| format!("`{dimension}`")).collect::<Vec<_>>().join(", "),
                measure.name(),
            );
            return Some(self.wrong(id, Finding::error("bad_call", self.extent(id), message)));
        }
        let path = format!("trend({name:?}).{}", measure.name()).into();
        let mut values = Vec::with_capacity(args.len());
        for arg in args {
            let value = self.lower(*arg);
            if !matches!(self.ty(value), Type::String | Type::Enum(_) | Type::Bool | Type::Int | Type::Uint | Type::Dyn) {
                let found = self.ty(value).clone();
                self.mismatch(*arg, "text, int or bool", &found);
            }
            values.push(value);
        }
        self.reads.trends.insert(number);
        let class = self.mixed(values.iter().copied()).max(TimeClass::Constant);
        Some(self.push(id, Op::Trend { trend: number, measure, path, args: values }, Type::Double, class))
    }
}

impl Machine<'_> {
    pub(super) fn trend(
        &self,
        trend: u16,
        measure: Measure,
        (path, args): (&Arc<str>, &[Ref]),
        frame: Option<&Frame<'_>>,
    ) -> Partial {
        let mut values: Vec<Arc<str>> = Vec::with_capacity(args.len());
        for arg in args {
            let found = self.settled(*arg, frame);
            match &found.outcome {
                Outcome::Value(Value::String(text)) => values.push(text.clone()),
                Outcome::Value(value @ (Value::Int(_) | Value::Uint(_) | Value::Bool(_))) => {
                    values.push(super::value_text(value).into());
                }
                Outcome::Value(other) => {
                    let fault = Fault::no_overload(measure.name(), std::slice::from_ref(other));
                    return Partial::new(self.error_at(*arg, fault), None);
                }
                _ => return found,
            }
        }
        match self.facts.trend(trend, measure, &values) {
            Some(number) if number.is_finite() => Partial::new(Outcome::Value(Value::Double(number)), None),
            _ => Partial::new(Outcome::Unknown(Missing::one(path.clone())), None),
        }
    }
}
