//! The reference evaluator's part about names: variables in scope, and those that are looked up.

use super::checked::{Candidate, Op, Ref};
use super::evaluate::{Machine, Partial};
use super::value_ops::{self, Fault};
use super::{Detail, ErrorCode, EventRow, Missing, Outcome};
use crate::value::{Moment, Point, Value};
use std::sync::Arc;

/// A variable in scope.
pub(super) struct Frame<'a> {
    pub(super) parent: Option<&'a Frame<'a>>,
    pub(super) slot: u32,
    pub(super) local: Local<'a>,
}

/// What a variable stands for.
pub(super) enum Local<'a> {
    Value(&'a Value),
    /// What `cel.bind` and `cel.block` compute; it fails only where it is read.
    Bound(&'a Outcome),
    Event(&'a dyn EventRow),
}

impl<'a> Frame<'a> {
    fn find(&'a self, slot: u32) -> Option<&'a Local<'a>> {
        let mut frame = Some(self);
        while let Some(here) = frame {
            if here.slot == slot {
                return Some(&here.local);
            }
            frame = here.parent;
        }
        None
    }
}

fn detail_of(row: &dyn EventRow, detail: Option<Detail>) -> Option<Value> {
    match detail {
        Some(detail) => row.detail(detail),
        None => row.source().map(Value::String),
    }
}

impl Machine<'_> {
    /// The nearest of several stores, of equally near ones the first declared.
    pub(super) fn nearest_store(
        &self,
        id: Ref,
        point: Ref,
        stores: &[(Arc<str>, Point)],
        frame: Option<&Frame<'_>>,
    ) -> Partial {
        let found = self.settled(point, frame);
        let outcome = match &found.outcome {
            Outcome::Value(Value::Point(point)) => {
                let nearest = stores.iter().min_by(|a, b| point.distance(a.1).total_cmp(&point.distance(b.1)));
                nearest.map(|(name, _)| Outcome::Value(Value::String(name.clone())))
            }
            Outcome::Value(other) => Some(self.error_at(id, Fault::no_overload("nearest_store", std::slice::from_ref(other)))),
            _ => None,
        };
        match outcome {
            Some(outcome) => Partial::new(outcome, found.until),
            None => found,
        }
    }

    pub(super) fn named(&self, candidates: &[Candidate]) -> Outcome {
        for candidate in candidates {
            let Some(mut value) = self.facts.named(&candidate.name) else { continue };
            for field in &candidate.rest {
                value = match value_ops::select(&value, field) {
                    Ok(value) => value,
                    Err(fault) => return self.error(fault),
                };
            }
            return Outcome::Value(value);
        }
        let name = candidates.first().map_or("", |candidate| &candidate.name);
        self.error(Fault::new(ErrorCode::UnknownName, format!("`{name}` stands for nothing here")))
    }

    pub(super) fn local(&self, op: &Op, frame: Option<&Frame<'_>>) -> Outcome {
        let find = |slot: u32| frame.and_then(|frame| frame.find(slot));
        let event = |slot: u32| match find(slot) {
            Some(Local::Event(row)) => Some(*row),
            _ => None,
        };
        let unknown = |path: &Arc<str>| Outcome::Unknown(Missing::one(path.clone()));
        let found = match op {
            Op::Variable(slot) => match find(*slot) {
                Some(Local::Value(value)) => Some(Outcome::Value((*value).clone())),
                Some(Local::Bound(outcome)) => Some((*outcome).clone()),
                _ => None,
            },
            Op::Property { slot, id, path } => {
                event(*slot).map(|row| row.property(*id).map_or_else(|| unknown(path), Outcome::Value))
            }
            Op::HasProperty { slot, id } => event(*slot).map(|row| Outcome::truth(row.property(*id).is_some())),
            Op::EventTime(slot) => event(*slot).map(|row| Outcome::Value(Value::Timestamp(Moment::from(row.time())))),
            Op::EventChannel { slot, path } => event(*slot)
                .map(|row| row.channel().map_or_else(|| unknown(path), |channel| Outcome::Value(Value::String(channel)))),
            Op::HasChannel(slot) => event(*slot).map(|row| Outcome::truth(row.channel().is_some())),
            Op::EventDetail { slot, detail, path } => {
                event(*slot).map(|row| detail_of(row, *detail).map_or_else(|| unknown(path), Outcome::Value))
            }
            Op::HasDetail { slot, detail } => event(*slot).map(|row| Outcome::truth(detail_of(row, *detail).is_some())),
            _ => None,
        };
        found.unwrap_or_else(|| self.error(Fault::new(ErrorCode::UnknownName, "a variable is read outside of its macro")))
    }
}
