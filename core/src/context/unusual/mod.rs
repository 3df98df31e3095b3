//! What is unusual for this customer, measured against their own history with a stated test and rate of false alarms.

#[cfg(test)]
mod chance;
mod gaps;
mod values;

use super::Context;
use crate::expr::{EventKind, Facts, PropertyId, Read};
use crate::playbook::UnusualTest;
use crate::value::{Span, Timestamp, Value};
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
    /// How many earlier gaps or values are looked at at most.
    pub(crate) history: Option<usize>,
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
        let known =
            |unusual: bool, until: Option<Timestamp>| Read::known(Value::Bool(unusual)).until(super::earlier(next, until));
        let told = self.told(context);
        // What was folded is missing where it belongs to what is compared.
        let whole = self.kept().is_some_and(|kept| told.len() >= kept);
        if let Some((gone, last)) = context.gone(&self.kinds, Span::lifetime(context.now()))
            && !(whole && told.first().is_some_and(|(first, _)| *first > last))
        {
            return Read::missing(gone).until(next);
        }
        let found = match self.test {
            UnusualTest::Silence | UnusualTest::Burst => {
                let instants: Vec<Timestamp> = told.into_iter().map(|(time, _)| time).collect();
                self.pace(&instants, context.now())
            }
            UnusualTest::Shift => {
                let values: Vec<String> =
                    told.iter().filter_map(|(_, value)| value.as_ref().map(crate::expr::value_text)).collect();
                self.split(&values).map(|(history, recent)| (values::shifted(history, recent, self.false_alarm), None))
            }
            UnusualTest::Higher | UnusualTest::Lower => {
                let values: Vec<f64> = told.iter().filter_map(|(_, value)| number(value.as_ref()?)).collect();
                self.split(&values).map(|(history, recent)| {
                    let latest = history.get(history.len().saturating_sub(HISTORY)..).unwrap_or(history);
                    let (low, high) = values::level(latest, recent);
                    let probability = if self.test == UnusualTest::Higher { high } else { low };
                    (probability < self.false_alarm, None)
                })
            }
        };
        match found {
            Some((unusual, until)) => known(unusual, until),
            None => Read::missing(self.path.clone()).until(next),
        }
    }

    /// How many of the latest instants or values are looked at; `None` for all of them.
    fn kept(&self) -> Option<usize> {
        let level = matches!(self.test, UnusualTest::Higher | UnusualTest::Lower);
        let history = self.history.or(level.then_some(HISTORY)).map(|history| history.max(self.at_least));
        Some(match self.test {
            // A gap lies between two instants.
            UnusualTest::Silence => history? + 1,
            UnusualTest::Burst => history? + self.recent + 1,
            _ => history? + self.recent,
        })
    }

    /// What is looked at, oldest first: the different instants of the events, or the values of the property with theirs.
    fn told(&self, context: &Context<'_>) -> Vec<(Timestamp, Option<Value>)> {
        let mut told: Vec<(Timestamp, Option<Value>)> = Vec::new();
        let ordered = matches!(self.test, UnusualTest::Higher | UnusualTest::Lower);
        context.events(&self.kinds, Span::lifetime(context.now()), &mut |event| {
            match self.property {
                Some(property) => {
                    let value = event.property(property).filter(|value| !ordered || number(value).is_some());
                    told.extend(value.map(|value| (event.time(), Some(value))));
                }
                None if told.last().is_none_or(|(last, _)| *last != event.time()) => told.push((event.time(), None)),
                None => {}
            }
            ControlFlow::Continue(())
        });
        if let Some(kept) = self.kept() {
            told.drain(..told.len().saturating_sub(kept));
        }
        told
    }

    /// Whether a silence or a burst is unusual, and until when.
    fn pace(&self, instants: &[Timestamp], now: Timestamp) -> Option<(bool, Option<Timestamp>)> {
        if self.test == UnusualTest::Burst {
            return gaps::burst(instants, now, self.recent, self.false_alarm, self.at_least);
        }
        let least = self.at_least.max(1);
        if instants.len() <= least {
            return None;
        }
        Some(match gaps::silent_from(instants, self.false_alarm, least) {
            Some(from) if from <= now => (true, None),
            from => (false, from),
        })
    }

    /// The earlier values and the recent ones; `None` with too few earlier ones.
    fn split<'v, T>(&self, values: &'v [T]) -> Option<(&'v [T], &'v [T])> {
        let earlier = values.len().checked_sub(self.recent).filter(|earlier| *earlier >= self.at_least.max(1))?;
        Some(values.split_at(earlier))
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
