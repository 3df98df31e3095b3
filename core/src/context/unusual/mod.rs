//! What is unusual for this customer, measured against their own history with a stated test and rate of false alarms.

#[cfg(test)]
mod chance;
mod gaps;
mod values;

use super::Context;
use crate::expr::{EventKind, Facts, PropertyId, Read};
use crate::playbook::UnusualTest;
use crate::value::{Span, Timestamp, Value};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// A compiled declaration of something unusual.
#[derive(Debug)]
pub(crate) struct UnusualRule {
    /// What is tested.
    pub(crate) test: UnusualTest,
    /// Events of these types.
    pub(crate) kinds: Vec<EventKind>,
    /// The property that is looked at, for a shift or a level.
    pub(crate) property: Option<PropertyId>,
    /// How many of the latest are compared with those before.
    pub(crate) recent: usize,
    /// The rate of false alarms.
    pub(crate) false_alarm: f64,
    /// How many earlier gaps or values are needed.
    pub(crate) at_least: usize,
    /// What is missing when there are fewer.
    pub(crate) path: Arc<str>,
}

/// How many earlier values a level is compared with at most: the test takes time in proportion to the square of it.
const HISTORY: usize = 40;

impl UnusualRule {
    /// Whether it is unusual at the context's instant, and until when that holds.
    pub(super) fn read(&self, context: &Context<'_>) -> Read {
        let next = context.next_event(&self.kinds);
        let unknown = || Read::missing(self.path.clone()).until(next);
        let known =
            |unusual: bool, until: Option<Timestamp>| Read::known(Value::Bool(unusual)).until(super::earlier(next, until));
        match self.test {
            UnusualTest::Silence => {
                let instants = self.instants(context);
                let least = self.at_least.max(1);
                if instants.len() <= least {
                    return unknown();
                }
                match gaps::silent_from(&instants, self.false_alarm, least) {
                    Some(from) if from <= context.now() => known(true, None),
                    from => known(false, from),
                }
            }
            UnusualTest::Burst => {
                let instants = self.instants(context);
                match gaps::burst(&instants, context.now(), self.recent, self.false_alarm, self.at_least) {
                    Some((unusual, until)) => known(unusual, until),
                    None => unknown(),
                }
            }
            UnusualTest::Shift => match self.shift(context) {
                Some(probability) => known(probability < self.false_alarm, None),
                None => unknown(),
            },
            UnusualTest::Higher | UnusualTest::Lower => match self.level(context) {
                Some(probability) => known(probability < self.false_alarm, None),
                None => unknown(),
            },
        }
    }

    /// The different instants of the events so far, ascending.
    fn instants(&self, context: &Context<'_>) -> Vec<Timestamp> {
        let mut instants = Vec::new();
        context.events(&self.kinds, Span::lifetime(context.now()), &mut |event| {
            if instants.last() != Some(&event.time()) {
                instants.push(event.time());
            }
            ControlFlow::Continue(())
        });
        instants
    }

    /// The values of the property, oldest first; events without it are left out.
    fn values(&self, context: &Context<'_>) -> Vec<Value> {
        let mut values = Vec::new();
        let Some(property) = self.property else { return values };
        context.events(&self.kinds, Span::lifetime(context.now()), &mut |event| {
            values.extend(event.property(property));
            ControlFlow::Continue(())
        });
        values
    }

    /// The probability of as few of the latest values being the usual one.
    fn shift(&self, context: &Context<'_>) -> Option<f64> {
        let values: Vec<String> = self.values(context).iter().map(crate::expr::value_text).collect();
        let earlier = values.len().checked_sub(self.recent).filter(|earlier| *earlier >= self.at_least.max(1))?;
        let (history, recent) = values.split_at(earlier);
        let mut counts: BTreeMap<&String, usize> = BTreeMap::new();
        for value in history {
            *counts.entry(value).or_default() += 1;
        }
        // Ties go to the smallest value.
        let (usual, before) = counts.into_iter().rev().max_by_key(|(_, count)| *count)?;
        let seen = recent.iter().filter(|value| *value == usual).count();
        Some(values::shift(recent.len(), seen, history.len(), before))
    }

    /// The probability of the latest values being as high, or as low, as they are.
    fn level(&self, context: &Context<'_>) -> Option<f64> {
        let values: Vec<f64> = self.values(context).iter().filter_map(number).collect();
        let earlier = values.len().checked_sub(self.recent).filter(|earlier| *earlier >= self.at_least.max(1))?;
        let (history, recent) = values.split_at(earlier);
        let (low, high) = values::level(history.get(earlier.saturating_sub(HISTORY)..)?, recent);
        Some(if self.test == UnusualTest::Higher { high } else { low })
    }
}

/// A number as a double; a level compares, it does not add.
pub(super) fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Int(number) => *number as f64,
        Value::Uint(number) => *number as f64,
        Value::Double(number) => *number,
        Value::Decimal(amount) => amount.to_double(),
        Value::Duration(length) => length.nanos() as f64,
        Value::Timestamp(moment) => moment.to_timestamp().micros() as f64,
        _ => return None,
    };
    number.is_finite().then_some(number)
}
