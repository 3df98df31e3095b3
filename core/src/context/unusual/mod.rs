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
            UnusualTest::Silence | UnusualTest::Burst => self.pace(&instants(&told), context.now()),
            _ if self.enough(told.len()) => self.tail(&told).map(|tail| (tail.p_value < tail.threshold, None)),
            _ => None,
        };
        match found {
            Some((unusual, until)) => known(unusual, until),
            None => Read::missing(self.path.clone()).until(next),
        }
    }

    /// What the test counts at the context's instant and finds, whether that is enough or not; `None` where what it compares was folded.
    pub(crate) fn found(&self, context: &Context<'_>) -> Option<Found> {
        let told = self.told(context);
        let whole = self.kept().is_some_and(|kept| told.len() >= kept);
        if let Some((_, last)) = context.gone(&self.kinds, Span::lifetime(context.now()))
            && !(whole && told.first().is_some_and(|(first, _)| *first > last))
        {
            return None;
        }
        let (p_value, threshold, least) = match self.test {
            UnusualTest::Silence => (gaps::silence_p(&instants(&told), context.now()), self.false_alarm, 0.0),
            UnusualTest::Burst => (gaps::burst_p(&instants(&told), context.now(), self.recent), self.false_alarm, 0.0),
            _ => match self.tail(&told) {
                Some(values::Tail { p_value, threshold, least }) => (Some(p_value), threshold, least),
                None => (None, self.false_alarm, 1.0),
            },
        };
        Some(Found {
            earlier: self.earlier(told.len()),
            needed: self.at_least.max(1),
            recent: if self.test == UnusualTest::Silence { 1 } else { told.len().saturating_sub(self.gap()).min(self.recent) },
            p_value,
            threshold,
            within_reach: p_value.is_some() && least < threshold,
        })
    }

    /// The least probability that the test comes to, however the values lie, when so many are compared with as many earlier ones as are
    /// looked at: one of all ways to choose them from all. 0 where there is no such bound.
    pub(super) fn least(&self, recent: usize) -> f64 {
        let history = match self.test {
            UnusualTest::Silence | UnusualTest::Burst => None,
            UnusualTest::Shift => self.history.map(|history| history.max(self.at_least)),
            UnusualTest::Higher | UnusualTest::Lower => Some(self.history.unwrap_or(HISTORY).max(self.at_least).min(HISTORY)),
        };
        let Some(history) = history else { return 0.0 };
        (1..=recent).fold(1.0, |least, number| least * number as f64 / (history + number) as f64)
    }

    /// How many of so many instants or values lie before those that are compared with them; of instants, gaps.
    fn earlier(&self, told: usize) -> usize {
        let compared = if self.test == UnusualTest::Silence { 0 } else { self.recent };
        told.saturating_sub(compared + self.gap())
    }

    /// A gap lies between two instants.
    fn gap(&self) -> usize {
        usize::from(matches!(self.test, UnusualTest::Silence | UnusualTest::Burst))
    }

    fn enough(&self, told: usize) -> bool {
        self.earlier(told) >= self.at_least.max(1)
    }

    /// What a shift or a level comes to; `None` with nothing to compare with.
    fn tail(&self, told: &[(Timestamp, Option<Value>)]) -> Option<values::Tail> {
        let earlier = told.len().checked_sub(self.recent).filter(|earlier| *earlier > 0)?;
        if self.test == UnusualTest::Shift {
            let texts: Vec<String> = told.iter().filter_map(|(_, value)| value.as_ref().map(crate::expr::value_text)).collect();
            let (history, recent) = texts.split_at_checked(earlier)?;
            return Some(values::shifted(history, recent, self.false_alarm));
        }
        let numbers: Vec<f64> = told.iter().filter_map(|(_, value)| number(value.as_ref()?)).collect();
        let (history, recent) = numbers.split_at_checked(earlier)?;
        let latest = history.get(history.len().saturating_sub(HISTORY)..).unwrap_or(history);
        let values::Levels { low, high } = values::level(latest, recent);
        let (p_value, least) = if self.test == UnusualTest::Higher { high } else { low };
        Some(values::Tail { p_value, threshold: self.false_alarm, least })
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
}

/// What a test counted and found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Found {
    /// How many earlier gaps or values there are.
    pub(crate) earlier: usize,
    /// How many are needed.
    pub(crate) needed: usize,
    /// How many of the latest are compared with them.
    pub(crate) recent: usize,
    /// How likely an outcome this extreme is when nothing is unusual; `None` with nothing to compare.
    pub(crate) p_value: Option<f64>,
    /// Below which that is unusual.
    pub(crate) threshold: f64,
    /// Whether so many gaps or values could come below it at all.
    pub(crate) within_reach: bool,
}

fn instants(told: &[(Timestamp, Option<Value>)]) -> Vec<Timestamp> {
    told.iter().map(|(time, _)| *time).collect()
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
