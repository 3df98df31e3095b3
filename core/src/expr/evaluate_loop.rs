//! The reference evaluator's part about macros that go through a list or map.

use super::Outcome;
use super::ast::Form;
use super::checked::Ref;
use super::evaluate::{Machine, Partial, earlier};
use super::evaluate_names::{Frame, Local};
use super::value_ops::{self, Fault};
use crate::value::{Timestamp, Value};
use std::sync::Arc;

/// One run of a macro through a list or map.
pub(super) struct Round<'a, 'm> {
    pub(super) machine: &'a Machine<'m>,
    pub(super) id: Ref,
    pub(super) form: Form,
    pub(super) slots: (u32, Option<u32>),
    pub(super) filter: Option<Ref>,
    pub(super) body: Ref,
    pub(super) frame: Option<&'a Frame<'a>>,
}

/// What the rounds of a macro have come to so far.
struct Gathered {
    until: Option<Timestamp>,
    failed: Option<Outcome>,
    values: Vec<Value>,
    entries: Vec<(Value, Value)>,
    matches: usize,
}

impl Round<'_, '_> {
    /// Goes through the range.
    pub(super) fn run(&self, range: Partial) -> Partial {
        let mut gathered = Gathered { until: range.until, failed: None, values: Vec::new(), entries: Vec::new(), matches: 0 };
        let optional = matches!(self.form, Form::OptMap | Form::OptFlatMap);
        match range.outcome {
            Outcome::Value(Value::Optional(None)) if optional => {}
            Outcome::Value(Value::Optional(Some(held))) if optional => {
                if let Some(done) = self.round(&held, &held, &held, &mut gathered) {
                    return done;
                }
            }
            Outcome::Value(other) if optional => {
                let fault = Fault::no_overload(self.form.name(), std::slice::from_ref(&other));
                return Partial::new(self.machine.error_at(self.id, fault), range.until);
            }
            Outcome::Value(Value::List(items)) => {
                for (at, item) in items.iter().enumerate() {
                    let at = Value::Int(i64::try_from(at).unwrap_or(i64::MAX));
                    let (first, second) = if self.slots.1.is_some() { (&at, item) } else { (item, item) };
                    if let Some(done) = self.round(first, second, item, &mut gathered) {
                        return done;
                    }
                }
            }
            Outcome::Value(Value::Map(entries)) if self.form != Form::SortBy => {
                for (key, value) in entries.iter() {
                    if let Some(done) = self.round(key, value, key, &mut gathered) {
                        return done;
                    }
                }
            }
            Outcome::Value(other) => {
                let fault = Fault::no_overload(self.form.name(), std::slice::from_ref(&other));
                return Partial::new(self.machine.error_at(self.id, fault), range.until);
            }
            other => return Partial::new(other, range.until),
        }
        self.finish(gathered)
    }

    /// One round; gives the result when it is decided.
    fn round(&self, first: &Value, second: &Value, item: &Value, gathered: &mut Gathered) -> Option<Partial> {
        let machine = self.machine;
        let built = gathered.values.len().max(gathered.entries.len());
        if built >= machine.limits().size {
            return Some(Partial::new(machine.error(value_ops::too_large(machine.limits().size)), Some(machine.soon())));
        }
        if let Err(fault) = machine.step() {
            return Some(Partial::new(machine.error(fault), Some(machine.soon())));
        }
        let outer = Frame { parent: self.frame, slot: self.slots.0, local: Local::Value(first) };
        let inner = self.slots.1.map(|slot| Frame { parent: Some(&outer), slot, local: Local::Value(second) });
        let frame = inner.as_ref().unwrap_or(&outer);
        if let Some(filter) = self.filter {
            let found = machine.settled(filter, Some(frame));
            gathered.until = earlier(gathered.until, found.until);
            match found.outcome {
                Outcome::Value(Value::Bool(true)) => {}
                Outcome::Value(Value::Bool(false)) => return None,
                other => {
                    gathered.fail(self.condition_failed(other));
                    return None;
                }
            }
        }
        let found = machine.settled(self.body, Some(frame));
        let absorbing = self.form == Form::Exists;
        match (self.form, found.outcome) {
            (Form::All | Form::Exists, Outcome::Value(Value::Bool(truth))) if truth == absorbing => {
                return Some(Partial::new(Outcome::truth(truth), earlier(gathered.until, found.until)));
            }
            (Form::All | Form::Exists, Outcome::Value(Value::Bool(_))) => {}
            (Form::ExistsOne, Outcome::Value(Value::Bool(truth))) => gathered.matches += usize::from(truth),
            (Form::Filter, Outcome::Value(Value::Bool(truth))) => {
                if truth {
                    gathered.values.push(item.clone());
                }
            }
            (Form::All | Form::Exists | Form::ExistsOne | Form::Filter, other) => gathered.fail(self.condition_failed(other)),
            (Form::Map | Form::TransformList, Outcome::Value(value)) => gathered.values.push(value),
            (Form::OptMap | Form::OptFlatMap, Outcome::Value(value)) => gathered.values.push(value),
            (Form::SortBy, Outcome::Value(key)) => gathered.entries.push((key, item.clone())),
            (Form::TransformMap, Outcome::Value(value)) => gathered.entries.push((first.clone(), value)),
            (Form::TransformMapEntry, Outcome::Value(Value::Map(entries))) => gathered.entries.extend(entries.iter().cloned()),
            (Form::TransformMapEntry, Outcome::Value(other)) => {
                gathered.fail(machine.error_at(self.body, Fault::no_overload(self.form.name(), std::slice::from_ref(&other))));
            }
            (_, other) => gathered.fail(other),
        }
        gathered.until = earlier(gathered.until, found.until);
        None
    }

    fn condition_failed(&self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Value(other) => {
                self.machine.error_at(self.body, Fault::no_overload(self.form.name(), std::slice::from_ref(&other)))
            }
            other => other,
        }
    }

    fn flattened(&self, values: Vec<Value>) -> Outcome {
        match values.into_iter().next() {
            None => Outcome::Value(Value::Optional(None)),
            Some(found @ Value::Optional(_)) => Outcome::Value(found),
            Some(other) => {
                let fault = Fault::no_overload(self.form.name(), std::slice::from_ref(&other));
                self.machine.error_at(self.body, fault)
            }
        }
    }

    fn finish(&self, gathered: Gathered) -> Partial {
        let outcome = gathered.failed.unwrap_or_else(|| match self.form {
            Form::All => Outcome::truth(true),
            Form::Exists => Outcome::truth(false),
            Form::ExistsOne => Outcome::truth(gathered.matches == 1),
            Form::Map | Form::Filter | Form::TransformList => Outcome::Value(Value::List(Arc::from(gathered.values))),
            Form::OptMap => Outcome::Value(Value::Optional(gathered.values.into_iter().next().map(Arc::new))),
            Form::OptFlatMap => self.flattened(gathered.values),
            Form::SortBy => super::functions_list::sorted_by(gathered.entries)
                .map_or_else(|fault| self.machine.error_at(self.id, fault), Outcome::Value),
            Form::TransformMap | Form::TransformMapEntry => {
                value_ops::map(gathered.entries).map_or_else(|fault| self.machine.error_at(self.id, fault), Outcome::Value)
            }
        });
        Partial::new(outcome, gathered.until)
    }
}

impl Gathered {
    fn fail(&mut self, outcome: Outcome) {
        self.failed = Some(match self.failed.take() {
            Some(before) => before.blend(outcome),
            None => outcome,
        });
    }
}
