//! The reference evaluator: walks the checked tree. It also finds until when the outcome holds while no event arrives.

use super::ast::Extent;
use super::checked::{Checked, Node, Op, Ref};
use super::evaluate_loop::Round;
use super::evaluate_names::{Frame, Local};
use super::program::Memo;
use super::value_ops::{self, Fault};
use super::{Answer, EvalError, Facts, Limits, Missing, Outcome, optional, stream};
use crate::value::{Duration, Moment, Timestamp, Value};
use std::cell::Cell;
use std::sync::Arc;

/// What an expression came to, and until when that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluated {
    /// The value, or why there is none.
    pub outcome: Outcome,
    /// The first instant after `now` at which the outcome may be another while no event arrives; `None` for never.
    pub until: Option<Timestamp>,
}

/// Evaluates a checked expression at the instant of the facts.
///
/// Linear in the size of the expression and the events it visits, and bounded by [`Limits::steps`].
#[must_use]
pub fn evaluate(expression: &Checked, facts: &dyn Facts) -> Evaluated {
    let steps = Cell::new(0);
    let machine = Machine::new(&expression.nodes, &expression.limits, facts, &steps);
    let found = machine.settled(expression.root, None);
    Evaluated { outcome: found.outcome, until: found.until }
}

/// A result on the way.
#[derive(Debug, Clone)]
pub(super) struct Partial {
    pub(super) outcome: Outcome,
    pub(super) until: Option<Timestamp>,
    /// Whether the value moves in proportion to `now` until then.
    pub(super) moving: bool,
    /// Of an unknown count: the least and the most that it can be.
    pub(super) range: Option<(i64, i64)>,
}

impl Partial {
    pub(super) fn new(outcome: Outcome, until: Option<Timestamp>) -> Self {
        Partial { outcome, until, moving: false, range: None }
    }

    fn value(value: Value) -> Self {
        Partial::new(Outcome::Value(value), None)
    }
}

/// The earlier of two instants, of which `None` is never.
pub(super) fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Steps that a pattern costs which is put together while evaluating: it is compiled every time.
const PATTERN: u64 = 20_000;

/// One evaluation.
pub(super) struct Machine<'a> {
    nodes: &'a [Node],
    limits: &'a Limits,
    memo: Option<&'a Memo>,
    pub(super) facts: &'a dyn Facts,
    /// `facts.now()`, or a later instant that a comparison looks ahead to.
    pub(super) now: Timestamp,
    /// Whether this only looks ahead, so that nobody asks until when it holds.
    pub(super) ahead: bool,
    pub(super) steps: &'a Cell<u64>,
    extent: Cell<Extent>,
}

impl<'a> Machine<'a> {
    pub(super) fn new(nodes: &'a [Node], limits: &'a Limits, facts: &'a dyn Facts, steps: &'a Cell<u64>) -> Self {
        Machine {
            nodes,
            limits,
            memo: None,
            facts,
            now: facts.now(),
            ahead: false,
            steps,
            extent: Cell::new(Extent::default()),
        }
    }

    /// The same, keeping what parts without bound variables came to.
    pub(super) fn remembering(self, memo: &'a Memo) -> Self {
        Machine { memo: Some(memo), ..self }
    }

    /// The same at a later instant.
    pub(super) fn looking_ahead(&self, now: Timestamp) -> Self {
        Machine { now, ahead: true, extent: Cell::new(self.extent.get()), ..*self }
    }

    pub(super) fn limits(&self) -> &Limits {
        self.limits
    }

    /// One microsecond later.
    pub(super) fn soon(&self) -> Timestamp {
        self.now.saturating_add_micros(1)
    }

    pub(super) fn node(&self, id: Ref) -> &'a Node {
        &self.nodes[id.0 as usize]
    }

    /// A failure at the part that is being evaluated.
    pub(super) fn error(&self, fault: Fault) -> Outcome {
        Outcome::Error(EvalError { code: fault.code, span: self.extent.get(), message: fault.message })
    }

    pub(super) fn error_at(&self, id: Ref, fault: Fault) -> Outcome {
        self.extent.set(self.node(id).extent);
        self.error(fault)
    }

    /// Evaluates a part whose movement nobody can follow: when it moves, it may differ at the next instant.
    pub(super) fn settled(&self, id: Ref, frame: Option<&Frame<'_>>) -> Partial {
        self.settle(self.eval(id, frame))
    }

    pub(super) fn settle(&self, found: Partial) -> Partial {
        if found.moving {
            return Partial { until: earlier(found.until, Some(self.soon())), moving: false, ..found };
        }
        found
    }

    /// Evaluates a part, or recalls what it came to.
    pub(super) fn eval(&self, id: Ref, frame: Option<&Frame<'_>>) -> Partial {
        let Some(memo) = self.memo else { return self.compute(id, frame) };
        if let Some(known) = memo.recall(id) {
            if !self.ahead || !known.moving {
                return known;
            }
            if let (Op::Stream(_), Outcome::Value(Value::Duration(age))) = (&self.node(id).op, &known.outcome) {
                return self.aged(*age, known.until);
            }
        }
        let found = self.compute(id, frame);
        if !self.ahead {
            memo.keep(id, &found);
        }
        found
    }

    /// The age of an event, known for the question's instant, at the instant that is looked ahead to.
    fn aged(&self, age: Duration, until: Option<Timestamp>) -> Partial {
        let later = self.now.micros().saturating_sub(self.facts.now().micros());
        let outcome = match Duration::from_micros(age.micros().saturating_add(later)) {
            Ok(age) => Outcome::Value(Value::Duration(age)),
            Err(_) => self.error(Fault::overflow("the duration")),
        };
        Partial { moving: true, ..Partial::new(outcome, until) }
    }

    fn compute(&self, id: Ref, frame: Option<&Frame<'_>>) -> Partial {
        let node = self.node(id);
        self.extent.set(node.extent);
        if let Err(fault) = self.step() {
            return Partial::new(self.error(fault), Some(self.soon()));
        }
        match &node.op {
            Op::Constant(value) => Partial::value(value.clone()),
            Op::Unset(path) => Partial::new(Outcome::Unknown(Missing::one(path.clone())), None),
            Op::Fail(fault) => Partial::new(self.error(fault.clone()), None),
            Op::Now => Partial { moving: true, ..Partial::value(Value::Timestamp(Moment::from(self.now))) },
            Op::Today => self.today(),
            Op::Elapsed { day, unit } => self.elapsed(id, *day, *unit, frame),
            Op::NearestStore { point, stores } => self.nearest_store(id, *point, stores, frame),
            Op::AsOf { fact, time, path } => self.as_of(*fact, *time, path, frame),
            Op::OfInstance { fact, key } => self.of_instance(*fact, *key, frame),
            Op::NextStep { fact, next } => self.next_step(*fact, next),
            Op::Trend { trend, measure, path, args } => self.trend(*trend, *measure, (path, args), frame),
            Op::Fact(fact) => {
                let read = self.facts.fact(*fact);
                match read.value {
                    Answer::Known(value) => Partial::new(Outcome::Value(value), read.until),
                    Answer::Unknown(missing) => Partial::new(Outcome::Unknown(missing), read.until),
                }
            }
            Op::Computed(value) => self.eval(*value, frame),
            Op::HasFact(fact) => Partial::new(Outcome::truth(self.facts.has(*fact)), self.facts.fact(*fact).until),
            Op::Named(candidates) => Partial::new(self.named(candidates), None),
            Op::Variable(_)
            | Op::Property { .. }
            | Op::HasProperty { .. }
            | Op::EventTime(_)
            | Op::EventChannel { .. }
            | Op::HasChannel(_)
            | Op::EventDetail { .. }
            | Op::HasDetail { .. } => Partial::new(self.local(&node.op, frame), None),
            Op::Field { base, field } => {
                let base = self.settled(*base, frame);
                self.apply(id, base, |base| value_ops::select(base, field))
            }
            Op::HasField { base, field } => self.has_field(id, *base, field, frame),
            Op::Index { base, index } => {
                let (base, index) = (self.settled(*base, frame), self.settled(*index, frame));
                self.apply_two(id, base, index, value_ops::index)
            }
            Op::OptionalField { base, field } => {
                let base = self.settled(*base, frame);
                self.apply(id, base, |base| optional::select(base, field))
            }
            Op::OptionalIndex { base, index } => {
                let (base, index) = (self.settled(*base, frame), self.settled(*index, frame));
                self.apply_two(id, base, index, optional::index)
            }
            Op::Told(read) => optional::told(self.settled(*read, frame)),
            Op::Maybe(value) => self.settled(*value, frame),
            Op::OrElse { base, other, unwraps } => self.or_else(id, *base, (*other, *unwraps), frame),
            Op::Not(operand) => self.not(id, *operand, frame),
            Op::Negate(operand) => {
                let operand = self.eval(*operand, frame);
                let moving = operand.moving;
                Partial { moving, ..self.apply(id, operand, value_ops::negate) }
            }
            Op::And(operands) => self.junction(operands, false, frame),
            Op::Or(operands) => self.junction(operands, true, frame),
            Op::Ternary { condition, yes, no } => self.ternary(id, *condition, *yes, *no, frame),
            Op::Binary { op, left, right } => self.binary(id, *op, *left, *right, frame),
            Op::Call { function, args } => self.call(id, function, args, frame),
            Op::Matches { text, pattern } => self.matches(id, *text, pattern, frame),
            Op::List(items) => self.list(items, frame),
            Op::Map(entries) => self.map(entries, frame),
            Op::Loop { form, range, slot, second, filter, body } => {
                let range = self.settled(*range, frame);
                Round { machine: self, id, form: *form, slots: (*slot, *second), filter: *filter, body: *body, frame }
                    .run(range)
            }
            Op::Bind { slot, value, body } => self.bind(*slot, *value, *body, frame),
            Op::Stream(stream) => stream::evaluate(self, stream, frame),
        }
    }

    fn not(&self, id: Ref, operand: Ref, frame: Option<&Frame<'_>>) -> Partial {
        let operand = self.settled(operand, frame);
        self.apply(id, operand, |operand| match operand {
            Value::Bool(truth) => Ok(Value::Bool(!truth)),
            other => Err(Fault::no_overload("!", std::slice::from_ref(other))),
        })
    }

    fn matches(&self, id: Ref, text: Ref, pattern: &regex::Regex, frame: Option<&Frame<'_>>) -> Partial {
        let text = self.settled(text, frame);
        self.apply(id, text, |text| match text {
            Value::String(text) => {
                self.take_steps(text.len() as u64)?;
                Ok(Value::Bool(pattern.is_match(text)))
            }
            other => Err(Fault::no_overload("matches", &[other.clone(), Value::text(pattern.as_str())])),
        })
    }

    fn list(&self, items: &[Ref], frame: Option<&Frame<'_>>) -> Partial {
        let may_lack = items.iter().any(|item| matches!(self.node(*item).op, Op::Maybe(_)));
        self.gather(items, frame, |values| match may_lack {
            true => {
                let held = values.into_iter().zip(items).map(|(value, item)| self.held(*item, value));
                Ok(Value::List(held.filter_map(Result::transpose).collect::<Result<_, _>>()?))
            }
            false => Ok(Value::List(Arc::from(values))),
        })
    }

    fn map(&self, entries: &[(Ref, Ref)], frame: Option<&Frame<'_>>) -> Partial {
        let parts: Vec<Ref> = entries.iter().flat_map(|(key, value)| [*key, *value]).collect();
        self.gather(&parts, frame, |items| {
            let mut items = items.into_iter();
            let mut built = Vec::with_capacity(entries.len());
            let mut sources = entries.iter();
            while let (Some(key), Some(value), Some((_, source))) = (items.next(), items.next(), sources.next()) {
                built.extend(self.held(*source, value)?.map(|value| (key, value)));
            }
            value_ops::map(built)
        })
    }

    fn bind(&self, slot: u32, value: Ref, body: Ref, frame: Option<&Frame<'_>>) -> Partial {
        let value = self.settled(value, frame);
        let inner = Frame { parent: frame, slot, local: Local::Bound(&value.outcome) };
        let body = self.eval(body, Some(&inner));
        Partial { until: earlier(body.until, value.until), ..body }
    }

    fn apply(&self, id: Ref, operand: Partial, operation: impl FnOnce(&Value) -> Result<Value, Fault>) -> Partial {
        let outcome = match operand.outcome {
            Outcome::Value(value) => operation(&value).map_or_else(|fault| self.error_at(id, fault), Outcome::Value),
            other => other,
        };
        Partial::new(outcome, operand.until)
    }

    pub(super) fn apply_two(
        &self,
        id: Ref,
        a: Partial,
        b: Partial,
        operation: impl FnOnce(&Value, &Value) -> Result<Value, Fault>,
    ) -> Partial {
        let outcome = match (a.outcome, b.outcome) {
            (Outcome::Value(a), Outcome::Value(b)) => {
                operation(&a, &b).map_or_else(|fault| self.error_at(id, fault), Outcome::Value)
            }
            (a, b) => a.blend(b),
        };
        Partial::new(outcome, earlier(a.until, b.until))
    }

    /// `has` is always true or false, whatever is known of what it looks into.
    fn has_field(&self, id: Ref, base: Ref, field: &str, frame: Option<&Frame<'_>>) -> Partial {
        let base = self.settled(base, frame);
        if matches!(base.outcome, Outcome::Unknown(_)) {
            return Partial::new(Outcome::truth(false), base.until);
        }
        self.apply(id, base, |base| match base {
            Value::Map(entries) => Ok(Value::Bool(value_ops::field_of(entries, field).is_some())),
            Value::Optional(_) => Ok(Value::Bool(matches!(optional::select(base, field)?, Value::Optional(Some(_))))),
            other => Err(Fault::no_overload("has", std::slice::from_ref(other))),
        })
    }

    /// `&&` (absorbed by false) and `||` (absorbed by true).
    fn junction(&self, operands: &[Ref], absorbing: bool, frame: Option<&Frame<'_>>) -> Partial {
        let mut failed: Option<Outcome> = None;
        let mut until = None;
        for operand in operands {
            let found = self.settled(*operand, frame);
            let outcome = match found.outcome {
                Outcome::Value(Value::Bool(truth)) if truth == absorbing => {
                    return Partial::new(Outcome::truth(truth), found.until);
                }
                Outcome::Value(Value::Bool(_)) => None,
                Outcome::Value(other) => {
                    let name = if absorbing { "||" } else { "&&" };
                    Some(self.error_at(*operand, Fault::no_overload(name, std::slice::from_ref(&other))))
                }
                other => Some(other),
            };
            until = earlier(until, found.until);
            if let Some(outcome) = outcome {
                failed = Some(match failed {
                    Some(before) => before.blend(outcome),
                    None => outcome,
                });
            }
        }
        Partial::new(failed.unwrap_or(Outcome::truth(!absorbing)), until)
    }

    fn ternary(&self, id: Ref, condition: Ref, yes: Ref, no: Ref, frame: Option<&Frame<'_>>) -> Partial {
        let found = self.settled(condition, frame);
        match found.outcome {
            Outcome::Value(Value::Bool(truth)) => {
                let branch = self.eval(if truth { yes } else { no }, frame);
                Partial { until: earlier(branch.until, found.until), ..branch }
            }
            Outcome::Value(other) => {
                let fault = Fault::no_overload("_ ? _ : _", std::slice::from_ref(&other));
                Partial::new(self.error_at(id, fault), found.until)
            }
            other => Partial::new(other, found.until),
        }
    }

    fn call(&self, id: Ref, function: &super::signature::Function, args: &[Ref], frame: Option<&Frame<'_>>) -> Partial {
        let mut values: smallvec::SmallVec<[Value; 3]> = smallvec::SmallVec::new();
        let mut failed: Option<Outcome> = None;
        let (mut until, mut moving) = (None, false);
        for (i, arg) in args.iter().enumerate() {
            let found = if i == 0 && function.linear { self.eval(*arg, frame) } else { self.settled(*arg, frame) };
            until = earlier(until, found.until);
            moving |= found.moving;
            match found.outcome {
                Outcome::Value(value) => values.push(value),
                other => {
                    failed = Some(match failed {
                        Some(before) => before.blend(other),
                        None => other,
                    });
                }
            }
        }
        let run = || {
            values.iter().try_for_each(|value| self.weigh(value))?;
            if let ("matches", Some(Value::String(pattern))) = (function.name, values.get(1)) {
                self.take_steps(PATTERN + 100 * pattern.len() as u64)?;
            }
            let built = (function.run)(&values, self.limits())?;
            self.charge(&built).map(|()| built)
        };
        let outcome = failed.unwrap_or_else(|| match run() {
            Ok(value) => Outcome::Value(value),
            Err(fault) => self.error_at(id, fault),
        });
        Partial { moving, ..Partial::new(outcome, until) }
    }

    fn gather(
        &self,
        parts: &[Ref],
        frame: Option<&Frame<'_>>,
        build: impl FnOnce(Vec<Value>) -> Result<Value, Fault>,
    ) -> Partial {
        let here = self.extent.get();
        let mut values = Vec::with_capacity(parts.len());
        let mut failed: Option<Outcome> = None;
        let mut until = None;
        for part in parts {
            let found = self.settled(*part, frame);
            until = earlier(until, found.until);
            match found.outcome {
                Outcome::Value(value) => values.push(value),
                other => {
                    failed = Some(match failed {
                        Some(before) => before.blend(other),
                        None => other,
                    });
                }
            }
        }
        self.extent.set(here);
        let outcome = failed.unwrap_or_else(|| build(values).map_or_else(|fault| self.error(fault), Outcome::Value));
        Partial::new(outcome, until)
    }
}
