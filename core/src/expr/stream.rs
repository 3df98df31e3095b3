//! Streams: aggregates over the events of a story, within windows and under conditions.

use super::ast::BinaryOp;
use super::checked::Ref;
use super::evaluate::{Machine, Partial, earlier};
use super::evaluate_names::{Frame, Local};
use super::row_test::RowTests;
use super::stream_follow::{self, Follow, Verdict};
use super::stream_reach::{Reach, reach};
use super::value_ops::{self, Fault};
use super::{EventKind, EventRow, Facts, Folded, FoldedNumbers, Missing, Outcome, PropertyId, SubjectId};
use super::{stream_columns, stream_ends};
use crate::value::{Decimal, Duration, Span, Timestamp, Unit, Value, Zone};
use std::ops::ControlFlow;
use std::sync::Arc;

/// A stream with all its windows and conditions, and what is asked of it.
#[derive(Debug, Clone)]
pub(super) struct Stream {
    /// Whose events; `None` for the customer's own.
    pub(super) subject: Option<SubjectId>,
    /// What is missing when it is not known who that is.
    pub(super) beside: Missing,
    /// Sorted, without repetition.
    pub(super) kinds: Vec<EventKind>,
    pub(super) bounds: Vec<Bound>,
    /// The variable and the condition of each `where`.
    pub(super) conditions: Vec<(u32, Ref)>,
    /// The conditions as tests on columns, when all of them are of that kind.
    pub(super) tests: Option<RowTests>,
    pub(super) terminal: Terminal,
    /// What must or must not come after an event, for it to count.
    pub(super) follows: Vec<Follow>,
    pub(super) property: Option<PropertyId>,
    /// Of `quantile`: which one, from 0 to 1.
    pub(super) share: Decimal,
    /// Of `streak`: the unit of the calendar.
    pub(super) unit: Calendar,
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
    Calendar(Calendar),
    Session,
    Since(Ref),
    Before(Ref),
}

/// A unit of the calendar, and in whose zone it begins and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Calendar {
    pub(super) unit: Unit,
    /// How many days before that of the question belong to it, of a unit of days.
    pub(super) before: u16,
    /// `None` for the customer's own zone.
    pub(super) zone: Option<Zone>,
}

impl Calendar {
    /// The first instant of the unit, or of its first day.
    pub(super) fn start(self, now: Timestamp, zone: Zone) -> Timestamp {
        match self.before {
            0 => self.unit.start(now, zone),
            before => Span::days(before.saturating_add(1), now, zone).after.saturating_add_micros(1),
        }
    }

    /// The zone; unknown when it is the customer's own and that is not known.
    pub(super) fn zone(self, facts: &dyn Facts) -> Result<Zone, Outcome> {
        let unknown = || Outcome::Unknown(Missing::one(Arc::from("customer.time_zone")));
        self.zone.or_else(|| facts.zone()).ok_or_else(unknown)
    }
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
    LeastFrequent,
    Quantile,
    Rate,
    Streak,
}

impl Terminal {
    pub(super) const ALL: [(&'static str, Terminal); 18] = [
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
        ("least_frequent", Terminal::LeastFrequent),
        ("quantile", Terminal::Quantile),
        ("rate", Terminal::Rate),
        ("streak", Terminal::Streak),
    ];

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, terminal)| *terminal)
    }

    pub(super) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, terminal)| *terminal == self).map_or("", |(name, _)| *name)
    }

    pub(super) fn takes_property(self) -> bool {
        !matches!(
            self,
            Terminal::Count
                | Terminal::Exists
                | Terminal::SinceLast
                | Terminal::SinceFirst
                | Terminal::UsualGap
                | Terminal::Rate
                | Terminal::Streak
        )
    }
}

impl Stream {
    /// Where its events are told; `None` when it is not known whose they are.
    pub(super) fn told<'f>(&self, facts: &'f dyn Facts) -> Option<&'f dyn Facts> {
        match self.subject {
            Some(subject) => facts.beside(subject),
            None => Some(facts),
        }
    }

    pub(super) fn children(&self) -> Vec<Ref> {
        let bounds = self.bounds.iter().filter_map(|bound| match bound {
            Bound::RollingBy(by) | Bound::Since(by) | Bound::Before(by) => Some(*by),
            Bound::Rolling(_) | Bound::Calendar(_) | Bound::Session => None,
        });
        let targets = self.follows.iter().flat_map(|follow| &follow.conditions);
        bounds.chain(self.conditions.iter().chain(targets).map(|(_, condition)| *condition)).collect()
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
            follows: self.follows.iter().map(|follow| follow.renumbered(to)).collect(),
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
    /// Of `streak`: the first instants of the units that have an event.
    units: Vec<Timestamp>,
    /// How many a day, and whether that changes with every instant.
    rate: (Option<f64>, bool),
    /// Folded events that may count, but of which only totals are left.
    gone: Option<Missing>,
    /// How many different values there are, when they were counted without being kept.
    pub(super) distinct: Option<i64>,
}

/// What is asked of a stream.
pub(super) fn evaluate(machine: &Machine<'_>, stream: &Stream, frame: Option<&Frame<'_>>) -> Partial {
    match gather(machine, stream, frame) {
        Ok(tally) => tally.result(machine, stream),
        Err(failed) => failed,
    }
}

/// How many of the events that count lack the property; they are left out.
pub(super) fn left_out(machine: &Machine<'_>, stream: &Stream, frame: Option<&Frame<'_>>) -> i64 {
    match gather(machine, stream, frame) {
        Ok(tally) if stream.property.is_some() => tally.certain - tally.told,
        _ => 0,
    }
}

fn gather(machine: &Machine<'_>, stream: &Stream, frame: Option<&Frame<'_>>) -> Result<Tally, Partial> {
    // Of events that may not be read there may be any number, and any may follow.
    let follows = || stream.follows.iter().find_map(|follow| machine.facts.withheld(&follow.kinds));
    if let Some(withheld) = machine.facts.withheld(&stream.kinds).or_else(follows) {
        let failed = Some(Outcome::Unknown(Missing::one(withheld)));
        let until = machine.facts.next_event(&stream.kinds);
        return Ok(Tally { uncertain: i64::MAX, failed, ..Tally::until(until) });
    }
    let (mut tally, reach) = gather_read(machine, stream, frame)?;
    // In a part of the story that cannot be read there may be any number.
    let hidden = |begins: Timestamp| reach.span.after < reach.span.until.min(begins.saturating_add_micros(-1));
    if stream.subject.is_none() && machine.facts.begins().is_some_and(hidden) {
        tally.uncertain = i64::MAX.saturating_sub(tally.certain);
        blend(&mut tally.failed, Outcome::Unknown(stream.nothing.clone()));
    }
    Ok(tally)
}

/// What can be read, and which span was asked for.
fn gather_read(machine: &Machine<'_>, stream: &Stream, frame: Option<&Frame<'_>>) -> Result<(Tally, Reach), Partial> {
    let facts = machine.facts;
    let Some(told) = stream.told(facts) else {
        return Err(Partial::new(Outcome::Unknown(stream.beside.clone()), None));
    };
    let mut until = told.next_event(&stream.kinds);
    if stream.terminal == Terminal::Streak {
        let zone = stream.unit.zone(facts).map_err(|unknown| Partial::new(unknown, until))?;
        until = earlier(until, Some(stream.unit.unit.end(facts.now(), zone)));
    }
    let reach = match reach(machine, stream, frame, &mut until) {
        Ok(reach) => reach,
        Err(failed) => return Err(Partial::new(failed, until)),
    };
    let folded = told.folded(&stream.kinds, reach.span, stream.property);
    if folded.is_none()
        && let Some(tally) = stream_columns::gather(machine, stream, &reach, until)
    {
        return tally
            .map(|tally| (tally.paced(&reach), reach))
            .map_err(|fault| Partial::new(machine.error(fault), Some(machine.soon())));
    }
    let mut tally = Tally::until(until);
    if let Some(folded) = &folded {
        tally.begin(stream, &reach, folded);
    }
    let follows = stream_follow::verdicts(machine, stream, &reach, frame, &mut tally.until)?;
    let mut fault = None;
    let mut at = 0;
    told.events(&stream.kinds, reach.span, &mut |row| {
        let verdict = follows.as_ref().and_then(|verdicts| verdicts.get(at)).unwrap_or(&Verdict::COUNTS);
        at += 1;
        match machine.step().and_then(|()| tally.add(machine, stream, &reach, row, (verdict, frame))) {
            Ok(()) => ControlFlow::Continue(()),
            Err(failed) => {
                fault = Some(failed);
                ControlFlow::Break(())
            }
        }
    });
    match fault {
        // Events that were not looked at may bring another outcome at any time.
        Some(fault) => Err(Partial::new(machine.error(fault), Some(machine.soon()))),
        None => Ok((tally.paced(&reach), reach)),
    }
}

pub(super) fn blend(into: &mut Option<Outcome>, other: Outcome) {
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

    /// Begins with the totals of folded events, where they are enough; otherwise what is asked is not known.
    fn begin(&mut self, stream: &Stream, reach: &Reach, folded: &Folded) {
        let plain = folded.whole && stream.conditions.is_empty() && stream.follows.is_empty();
        let (numbers, told) = match &folded.numbers {
            Some(numbers) => (numbers.clone(), true),
            None => (FoldedNumbers::default(), false),
        };
        let value = match stream.terminal {
            Terminal::Count | Terminal::Exists | Terminal::SinceLast | Terminal::SinceFirst | Terminal::Rate if plain => None,
            Terminal::Sum | Terminal::Avg if plain && told => numbers.sum,
            Terminal::Min if plain && told => numbers.least,
            Terminal::Max if plain && told => numbers.greatest,
            _ => {
                self.gone = Some(Missing::one(folded.missing()));
                // They leave a rolling window with the last of them.
                for length in &reach.lengths {
                    self.until = earlier(self.until, Some(folded.last.saturating_add_micros(*length)));
                }
                return;
            }
        };
        for length in &reach.lengths {
            self.until = earlier(self.until, Some(folded.first.saturating_add_micros(*length)));
        }
        (self.certain, self.told, self.value) = (folded.count, numbers.told, value);
        (self.first, self.last) = (Some(folded.first), Some(folded.last));
    }

    fn add(
        &mut self,
        machine: &Machine<'_>,
        stream: &Stream,
        reach: &Reach,
        row: &dyn EventRow,
        (verdict, frame): (&Verdict, Option<&Frame<'_>>),
    ) -> Result<(), Fault> {
        if matches!(verdict, Verdict::LeftOut(_)) {
            self.until = earlier(self.until, verdict.until());
            return Ok(());
        }
        let mut failed: Option<Outcome> = verdict.failed();
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
            self.uncertain = self.uncertain.saturating_add(1);
            blend(&mut self.failed, failed);
            return Ok(());
        }
        self.certain = self.certain.saturating_add(1);
        if let (Terminal::Streak, Ok(zone)) = (stream.terminal, stream.unit.zone(machine.facts)) {
            let start = stream.unit.unit.start(row.time(), zone);
            if self.units.last() != Some(&start) {
                self.units.push(start);
            }
        }
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
        self.told = self.told.saturating_add(1);
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
            Terminal::Distinct
            | Terminal::CountDistinct
            | Terminal::MostFrequent
            | Terminal::LeastFrequent
            | Terminal::Quantile => self.values.push(value),
            Terminal::Count
            | Terminal::Exists
            | Terminal::SinceLast
            | Terminal::SinceFirst
            | Terminal::UsualGap
            | Terminal::Rate
            | Terminal::Streak => {}
        }
        Ok(())
    }

    /// With how many there are a day.
    fn paced(self, reach: &Reach) -> Self {
        Tally { rate: stream_ends::rate(self.certain, self.first, reach), ..self }
    }

    fn result(mut self, machine: &Machine<'_>, stream: &Stream) -> Partial {
        // One event that surely counts is enough, as one true operand is for `||`.
        if stream.terminal == Terminal::Exists && self.certain > 0 {
            return Partial::new(Outcome::truth(true), self.until);
        }
        // What comes last is known when it came after all that was folded.
        let last = match stream.terminal {
            Terminal::SinceLast => self.last.is_some(),
            Terminal::Last => self.value.is_some(),
            _ => false,
        };
        if let Some(gone) = self.gone.take().filter(|_| !last) {
            blend(&mut self.failed, Outcome::Unknown(gone));
            return Partial::new(self.failed.unwrap_or(Outcome::Unknown(Missing::default())), self.until);
        }
        if let Some(failed) = self.failed.take() {
            let range = (stream.terminal == Terminal::Count && matches!(failed, Outcome::Unknown(_)))
                .then_some((self.certain, self.certain.saturating_add(self.uncertain)));
            return Partial { range, ..Partial::new(failed, self.until) };
        }
        let missing = if self.certain == 0 { &stream.nothing } else { &stream.lacking };
        let unknown = || Outcome::Unknown(missing.clone());
        let mut moving = false;
        let outcome = match stream.terminal {
            Terminal::Count => Outcome::Value(Value::Int(self.certain)),
            Terminal::Exists => Outcome::truth(self.certain > 0),
            Terminal::Sum => Outcome::Value(self.value.unwrap_or_else(|| stream.zero.clone())),
            Terminal::Avg => match self.value.map(|sum| stream_ends::average(&sum, self.told)) {
                Some(Ok(average)) => Outcome::Value(average),
                Some(Err(fault)) => machine.error(fault),
                None => unknown(),
            },
            Terminal::Min | Terminal::Max | Terminal::First | Terminal::Last => self.value.map_or_else(unknown, Outcome::Value),
            Terminal::CountDistinct if self.distinct.is_some_and(|count| count > 0) => {
                Outcome::Value(Value::Int(self.distinct.unwrap_or(0)))
            }
            Terminal::Distinct if self.values.is_empty() => unknown(),
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
            Terminal::MostFrequent => stream_ends::most_frequent(self.values).map_or_else(unknown, Outcome::Value),
            Terminal::LeastFrequent => stream_ends::least_frequent(self.values).map_or_else(unknown, Outcome::Value),
            Terminal::Quantile => stream_ends::quantile(self.values, stream.share).map_or_else(unknown, Outcome::Value),
            Terminal::Rate => {
                let (rate, moves) = self.rate;
                let until = if moves { earlier(self.until, Some(machine.soon())) } else { self.until };
                return Partial::new(rate.map_or_else(unknown, |rate| Outcome::Value(Value::Double(rate))), until);
            }
            Terminal::Streak => match stream.unit.zone(machine.facts) {
                Ok(zone) => {
                    let length = stream_ends::streak(&self.units, stream.unit.unit, machine.facts.now(), zone);
                    Outcome::Value(Value::Int(length))
                }
                Err(unknown) => unknown,
            },
            // Two gaps are needed to speak of a usual one.
            Terminal::UsualGap if self.values.len() < 2 => unknown(),
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
