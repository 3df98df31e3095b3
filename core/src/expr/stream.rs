//! Streams: aggregates over the events of a story, within windows and under conditions.

use super::ast::BinaryOp;
use super::checked::Ref;
use super::evaluate::{Frame, Local, Machine, Partial, earlier};
use super::row_test::RowTests;
use super::stream_columns;
use super::value_ops::{self, Fault};
use super::{EventKind, EventRow, Missing, Outcome, PropertyId};
use crate::value::{Duration, Span, Timestamp, Unit, Value};
use std::ops::ControlFlow;
use std::sync::Arc;

/// A stream with all its windows and conditions, and what is asked of it.
#[derive(Debug, Clone)]
pub(super) struct Stream {
    /// Sorted, without repetition.
    pub(super) kinds: Vec<EventKind>,
    pub(super) bounds: Vec<Bound>,
    /// The variable and the condition of each `where`.
    pub(super) conditions: Vec<(u32, Ref)>,
    /// The conditions as tests on columns, when all of them are of that kind.
    pub(super) tests: Option<RowTests>,
    pub(super) terminal: Terminal,
    pub(super) property: Option<PropertyId>,
    /// The sum of nothing, in the type of the property.
    pub(super) zero: Value,
    /// What is missing when there is no event.
    pub(super) nothing: Missing,
    /// What is missing when no event has the property.
    pub(super) lacking: Missing,
}

/// A limit to the events of a stream; an event counts when it lies within all of them.
#[derive(Debug, Clone)]
pub(super) enum Bound {
    Rolling(Duration),
    RollingBy(Ref),
    Calendar(Unit),
    Session,
    Since(Ref),
    Before(Ref),
}

/// What is asked of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Terminal {
    Count,
    Exists,
    Sum,
    Avg,
    Min,
    Max,
    First,
    Last,
    Distinct,
    CountDistinct,
    MostFrequent,
    SinceLast,
    SinceFirst,
    UsualGap,
}

impl Terminal {
    pub(super) const ALL: [(&'static str, Terminal); 14] = [
        ("count", Terminal::Count),
        ("exists", Terminal::Exists),
        ("sum", Terminal::Sum),
        ("avg", Terminal::Avg),
        ("min", Terminal::Min),
        ("max", Terminal::Max),
        ("first", Terminal::First),
        ("last", Terminal::Last),
        ("distinct", Terminal::Distinct),
        ("count_distinct", Terminal::CountDistinct),
        ("most_frequent", Terminal::MostFrequent),
        ("since_last", Terminal::SinceLast),
        ("since_first", Terminal::SinceFirst),
        ("usual_gap", Terminal::UsualGap),
    ];

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, terminal)| *terminal)
    }

    pub(super) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, terminal)| *terminal == self).map_or("", |(name, _)| *name)
    }

    pub(super) fn takes_property(self) -> bool {
        !matches!(self, Terminal::Count | Terminal::Exists | Terminal::SinceLast | Terminal::SinceFirst | Terminal::UsualGap)
    }
}

impl Stream {
    pub(super) fn children(&self) -> Vec<Ref> {
        let bounds = self.bounds.iter().filter_map(|bound| match bound {
            Bound::RollingBy(by) | Bound::Since(by) | Bound::Before(by) => Some(*by),
            Bound::Rolling(_) | Bound::Calendar(_) | Bound::Session => None,
        });
        bounds.chain(self.conditions.iter().map(|(_, condition)| *condition)).collect()
    }
}

impl Stream {
    /// The same stream over other nodes.
    pub(super) fn renumbered(&self, to: &dyn Fn(Ref) -> Ref) -> Self {
        let bound = |bound: &Bound| match bound {
            Bound::RollingBy(by) => Bound::RollingBy(to(*by)),
            Bound::Since(by) => Bound::Since(to(*by)),
            Bound::Before(by) => Bound::Before(to(*by)),
            other => other.clone(),
        };
        Stream {
            bounds: self.bounds.iter().map(bound).collect(),
            conditions: self.conditions.iter().map(|(slot, condition)| (*slot, to(*condition))).collect(),
            ..self.clone()
        }
    }
}

/// What has been gathered from the events so far.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) certain: i64,
    /// Events of which it is not known whether they count.
    uncertain: i64,
    failed: Option<Outcome>,
    pub(super) until: Option<Timestamp>,
    pub(super) first: Option<Timestamp>,
    pub(super) last: Option<Timestamp>,
    /// Events that have the property.
    pub(super) told: i64,
    pub(super) value: Option<Value>,
    values: Vec<Value>,
    /// How many different values there are, when they were counted without being kept.
    pub(super) distinct: Option<i64>,
}

/// Where the events of a stream lie, and which lengths let them leave again.
pub(super) struct Reach {
    pub(super) span: Span,
    pub(super) lengths: smallvec::SmallVec<[i64; 2]>,
}

/// What is asked of a stream.
pub(super) fn evaluate(machine: &Machine<'_>, stream: &Stream, frame: Option<&Frame<'_>>) -> Partial {
    match gather(machine, stream, frame) {
        Ok(tally) => tally.result(machine, stream),
        Err(failed) => failed,
    }
}

/// How many of the events that count lack the property; they are left out.
pub(super) fn left_out(machine: &Machine<'_>, stream: &Stream) -> i64 {
    match gather(machine, stream, None) {
        Ok(tally) if stream.property.is_some() => tally.certain - tally.told,
        _ => 0,
    }
}

fn gather(machine: &Machine<'_>, stream: &Stream, frame: Option<&Frame<'_>>) -> Result<Tally, Partial> {
    let facts = machine.facts;
    let mut until = facts.next_event(&stream.kinds);
    let reach = match reach(machine, stream, frame, &mut until) {
        Ok(reach) => reach,
        Err(failed) => return Err(Partial::new(failed, until)),
    };
    if let Some(tally) = stream_columns::gather(machine, stream, &reach, until) {
        return tally.map_err(|fault| Partial::new(machine.error(fault), Some(machine.soon())));
    }
    let mut tally = Tally::until(until);
    let mut fault = None;
    facts.events(&stream.kinds, reach.span, &mut |row| match machine
        .step()
        .and_then(|()| tally.add(machine, stream, &reach, row, frame))
    {
        Ok(()) => ControlFlow::Continue(()),
        Err(failed) => {
            fault = Some(failed);
            ControlFlow::Break(())
        }
    });
    match fault {
        // Events that were not looked at may bring another outcome at any time.
        Some(fault) => Err(Partial::new(machine.error(fault), Some(machine.soon()))),
        None => Ok(tally),
    }
}

/// The span of the stream's windows. `until` becomes the first instant at which it changes other than by rolling.
fn reach(
    machine: &Machine<'_>,
    stream: &Stream,
    frame: Option<&Frame<'_>>,
    until: &mut Option<Timestamp>,
) -> Result<Reach, Outcome> {
    // Windows follow the question's own instant even while a comparison looks ahead: what it looks ahead to lies before
    // every window edge.
    let now = machine.facts.now();
    let mut reach = Reach { span: Span::lifetime(now), lengths: smallvec::SmallVec::new() };
    let mut failed: Option<Outcome> = None;
    for bound in &stream.bounds {
        let span = match bound {
            Bound::Rolling(length) => rolling(*length, now, &mut reach),
            Bound::Calendar(unit) => match machine.facts.zone() {
                Some(zone) => {
                    *until = earlier(*until, Some(unit.end(now, zone)));
                    Span::from(unit.start(now, zone), now)
                }
                None => {
                    blend(&mut failed, Outcome::Unknown(Missing::one(Arc::from("customer.time_zone"))));
                    continue;
                }
            },
            Bound::Session => match machine.facts.session() {
                Some((start, end)) => {
                    *until = earlier(*until, Some(end));
                    Span::from(start, now)
                }
                None => Span { after: now, until: now },
            },
            Bound::RollingBy(by) | Bound::Since(by) | Bound::Before(by) => {
                let by = machine.settled(*by, frame);
                *until = earlier(*until, by.until);
                match (bound, by.outcome) {
                    (Bound::RollingBy(_), Outcome::Value(Value::Duration(length))) => rolling(length, now, &mut reach),
                    (Bound::Since(_), Outcome::Value(Value::Timestamp(time))) => {
                        let whole = time.to_timestamp();
                        let later = i64::from(time.nanos() % 1_000 > 0);
                        Span::from(whole.saturating_add_micros(later), now)
                    }
                    (Bound::Before(_), Outcome::Value(Value::Timestamp(time))) => {
                        let whole = time.to_timestamp();
                        let last = if time.nanos() % 1_000 > 0 { whole } else { whole.saturating_add_micros(-1) };
                        Span { after: Span::lifetime(now).after, until: last.min(now) }
                    }
                    (_, Outcome::Value(value)) => {
                        blend(&mut failed, machine.error(Fault::no_overload("within", &[value])));
                        continue;
                    }
                    (_, other) => {
                        blend(&mut failed, other);
                        continue;
                    }
                }
            }
        };
        reach.span.after = reach.span.after.max(span.after);
        reach.span.until = reach.span.until.min(span.until);
    }
    match failed {
        Some(failed) => Err(failed),
        None => Ok(reach),
    }
}

fn rolling(length: Duration, now: Timestamp, reach: &mut Reach) -> Span {
    reach.lengths.push(length.micros());
    Span::rolling(length, now)
}

fn blend(into: &mut Option<Outcome>, other: Outcome) {
    *into = Some(match into.take() {
        Some(before) => before.blend(other),
        None => other,
    });
}

impl Tally {
    /// Nothing gathered yet.
    pub(super) fn until(until: Option<Timestamp>) -> Self {
        Tally { until, ..Tally::default() }
    }

    fn add(
        &mut self,
        machine: &Machine<'_>,
        stream: &Stream,
        reach: &Reach,
        row: &dyn EventRow,
        frame: Option<&Frame<'_>>,
    ) -> Result<(), Fault> {
        let mut failed: Option<Outcome> = None;
        for (slot, condition) in &stream.conditions {
            let inner = Frame { parent: frame, slot: *slot, local: Local::Event(row) };
            let found = machine.settled(*condition, Some(&inner));
            match found.outcome {
                Outcome::Value(Value::Bool(true)) => self.until = earlier(self.until, found.until),
                Outcome::Value(Value::Bool(false)) => {
                    self.until = earlier(self.until, found.until);
                    return Ok(());
                }
                Outcome::Value(other) => blend(&mut failed, machine.error(Fault::no_overload("where", &[other]))),
                other => {
                    self.until = earlier(self.until, found.until);
                    blend(&mut failed, other);
                }
            }
        }
        for length in &reach.lengths {
            self.until = earlier(self.until, Some(row.time().saturating_add_micros(*length)));
        }
        if let Some(failed) = failed {
            self.uncertain += 1;
            blend(&mut self.failed, failed);
            return Ok(());
        }
        self.certain += 1;
        self.first = Some(self.first.unwrap_or(row.time()));
        if let (Terminal::UsualGap, Some(last)) = (stream.terminal, self.last) {
            self.values.push(
                Duration::from_micros(row.time().micros().saturating_sub(last.micros()))
                    .map(Value::Duration)
                    .map_err(|_| Fault::overflow("the duration"))?,
            );
        }
        self.last = Some(row.time());
        match stream.property.and_then(|property| row.property(property)) {
            Some(value) => self.take(stream, value, machine.limits().size),
            None => Ok(()),
        }
    }

    fn take(&mut self, stream: &Stream, value: Value, size: usize) -> Result<(), Fault> {
        self.told += 1;
        match stream.terminal {
            Terminal::Sum => {
                let before = self.value.as_ref().unwrap_or(&stream.zero);
                self.value = Some(value_ops::binary(BinaryOp::Add, before, &value, size)?);
            }
            // Whole numbers are added up exactly and divided once.
            Terminal::Avg => {
                self.value = Some(match self.value.take() {
                    Some(before) => value_ops::binary(BinaryOp::Add, &before, &value, size)?,
                    None => value,
                });
            }
            Terminal::Min | Terminal::Max => {
                let op = if stream.terminal == Terminal::Min { BinaryOp::Less } else { BinaryOp::Greater };
                let better = match &self.value {
                    Some(best) => value_ops::holds(op, value_ops::compare(op, &value, best)?),
                    None => true,
                };
                if better {
                    self.value = Some(value);
                }
            }
            Terminal::First => self.value = Some(self.value.take().unwrap_or(value)),
            Terminal::Last => self.value = Some(value),
            Terminal::Distinct | Terminal::CountDistinct | Terminal::MostFrequent => self.values.push(value),
            Terminal::Count | Terminal::Exists | Terminal::SinceLast | Terminal::SinceFirst | Terminal::UsualGap => {}
        }
        Ok(())
    }

    fn result(mut self, machine: &Machine<'_>, stream: &Stream) -> Partial {
        if let Some(failed) = self.failed.take() {
            let range = (stream.terminal == Terminal::Count && matches!(failed, Outcome::Unknown(_)))
                .then_some((self.certain, self.certain + self.uncertain));
            return Partial { range, ..Partial::new(failed, self.until) };
        }
        let missing = if self.certain == 0 { &stream.nothing } else { &stream.lacking };
        let unknown = || Outcome::Unknown(missing.clone());
        let mut moving = false;
        let outcome = match stream.terminal {
            Terminal::Count => Outcome::Value(Value::Int(self.certain)),
            Terminal::Exists => Outcome::truth(self.certain > 0),
            Terminal::Sum => Outcome::Value(self.value.unwrap_or_else(|| stream.zero.clone())),
            Terminal::Avg => match self.value.map(|sum| average(&sum, self.told)) {
                Some(Ok(average)) => Outcome::Value(average),
                Some(Err(fault)) => machine.error(fault),
                None => unknown(),
            },
            Terminal::Min | Terminal::Max | Terminal::First | Terminal::Last => self.value.map_or_else(unknown, Outcome::Value),
            Terminal::CountDistinct if self.distinct.is_some_and(|count| count > 0) => {
                Outcome::Value(Value::Int(self.distinct.unwrap_or(0)))
            }
            Terminal::Distinct | Terminal::CountDistinct if self.values.is_empty() => unknown(),
            Terminal::Distinct => {
                self.values.sort_by(value_ops::total_order);
                self.values.dedup_by(|a, b| value_ops::total_order(a, b).is_eq());
                Outcome::Value(Value::List(Arc::from(self.values)))
            }
            Terminal::CountDistinct => {
                self.values.sort_by(value_ops::total_order);
                self.values.dedup_by(|a, b| value_ops::total_order(a, b).is_eq());
                Outcome::Value(Value::Int(i64::try_from(self.values.len()).unwrap_or(i64::MAX)))
            }
            Terminal::MostFrequent => most_frequent(self.values).map_or_else(unknown, Outcome::Value),
            // The median; of an even number the lower middle.
            Terminal::UsualGap => {
                self.values.sort_by(value_ops::total_order);
                let middle = self.values.len().saturating_sub(1) / 2;
                self.values.get(middle).cloned().map_or_else(unknown, Outcome::Value)
            }
            Terminal::SinceLast | Terminal::SinceFirst => {
                let since = if stream.terminal == Terminal::SinceLast { self.last } else { self.first };
                moving = since.is_some();
                match since.map(|since| Duration::from_micros(machine.now.micros().saturating_sub(since.micros()))) {
                    Some(Ok(age)) => Outcome::Value(Value::Duration(age)),
                    Some(Err(_)) => machine.error(Fault::overflow("the duration")),
                    None => unknown(),
                }
            }
        };
        Partial { moving, ..Partial::new(outcome, self.until) }
    }
}

fn average(sum: &Value, count: i64) -> Result<Value, Fault> {
    match sum {
        Value::Int(sum) => Ok(Value::Double(*sum as f64 / count as f64)),
        Value::Uint(sum) => Ok(Value::Double(*sum as f64 / count as f64)),
        Value::Double(sum) => Ok(Value::Double(sum / count as f64)),
        Value::Decimal(sum) => {
            sum.average(u64::try_from(count).unwrap_or(0)).map(Value::Decimal).map_err(value_ops::decimal_fault)
        }
        Value::Duration(sum) => Ok(Value::Duration(Duration::from_nanos(sum.nanos() / count.max(1)))),
        other => Err(Fault::no_overload("avg", std::slice::from_ref(other))),
    }
}

/// The value with the most occurrences, two at least; of several the smallest.
fn most_frequent(mut values: Vec<Value>) -> Option<Value> {
    values.sort_by(value_ops::total_order);
    let mut best: Option<(usize, &Value)> = None;
    for run in values.chunk_by(|a, b| value_ops::total_order(a, b).is_eq()) {
        if run.len() >= 2 && best.is_none_or(|(count, _)| run.len() > count) {
            best = run.first().map(|value| (run.len(), value));
        }
    }
    best.map(|(_, value)| value.clone())
}
