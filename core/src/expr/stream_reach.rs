//! Where the events of a stream lie: its windows at the instant of the question.

use super::Outcome;
use super::evaluate::{Machine, earlier};
use super::evaluate_names::Frame;
use super::stream::{Bound, Stream, blend};
use super::value_ops::Fault;
use crate::value::{Duration, Span, Timestamp, Value};

/// Where the events of a stream lie, and which lengths let them leave again.
pub(super) struct Reach {
    pub(super) span: Span,
    pub(super) lengths: smallvec::SmallVec<[i64; 2]>,
    /// Where the narrowest window begins, and whether it moves with `now`; `None` without one.
    pub(super) start: Option<(Timestamp, bool)>,
    /// Whether the stream ends at `now`, not before.
    pub(super) open: bool,
    /// Whether it ends at some instant of its own.
    pub(super) ends: bool,
}

impl Reach {
    /// Remembers where the narrowest window begins, for what is counted per day.
    fn narrow(&mut self, bound: &Bound, span: Span, now: Timestamp) {
        self.ends |= matches!(bound, Bound::Before(_));
        self.open &= span.until >= now;
        if span.after == Span::lifetime(now).after {
            return;
        }
        // A rolling window begins just after its edge, all others at their first instant.
        let rolling = matches!(bound, Bound::Rolling(_) | Bound::RollingBy(_));
        let start = if rolling { span.after } else { span.after.saturating_add_micros(1) };
        if self.start.is_none_or(|(before, _)| start > before) {
            self.start = Some((start, rolling));
        }
    }
}

/// The span of the stream's windows. `until` becomes the first instant at which it changes other than by rolling.
pub(super) fn reach(
    machine: &Machine<'_>,
    stream: &Stream,
    frame: Option<&Frame<'_>>,
    until: &mut Option<Timestamp>,
) -> Result<Reach, Outcome> {
    // Windows follow the question's own instant even while a comparison looks ahead: what it looks ahead to lies before
    // every window edge.
    let now = machine.facts.now();
    let mut reach =
        Reach { span: Span::lifetime(now), lengths: smallvec::SmallVec::new(), start: None, open: true, ends: false };
    let mut failed: Option<Outcome> = None;
    for bound in &stream.bounds {
        let span = match bound {
            Bound::Rolling(length) => rolling(*length, now, &mut reach),
            Bound::Calendar(calendar) => match calendar.zone(machine.facts) {
                Ok(zone) => {
                    *until = earlier(*until, Some(calendar.unit.end(now, zone)));
                    Span::from(calendar.start(now, zone), now)
                }
                Err(unknown) => {
                    blend(&mut failed, unknown);
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
        reach.narrow(bound, span, now);
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
