//! The reference evaluator's part about what depends on today in the zone of the question, and about reads at an earlier
//! instant.

use super::checked::Ref;
use super::evaluate::{Machine, Partial, earlier};
use super::evaluate_names::Frame;
use super::value_ops::Fault;
use super::{Answer, FactId, Missing, Outcome};
use crate::value::{Date, Timestamp, Value, Zone};
use std::sync::Arc;

/// What is asked of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Elapsed {
    /// Whole years since then.
    Years,
    /// Whole months since then.
    Months,
    /// Days until another year is complete; 0 on that day.
    DaysToAnniversary,
}

impl Elapsed {
    const ALL: [Elapsed; 3] = [Elapsed::Years, Elapsed::Months, Elapsed::DaysToAnniversary];

    /// What a method of a name asks.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.name() == name)
    }

    /// The name of the method.
    pub(super) fn name(self) -> &'static str {
        match self {
            Elapsed::Years => "years",
            Elapsed::Months => "months",
            Elapsed::DaysToAnniversary => "days_to_anniversary",
        }
    }

    /// The names of all.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        Self::ALL.into_iter().map(Elapsed::name)
    }
}

impl Machine<'_> {
    /// The day in the zone, and when it ends.
    fn day(&self) -> Result<(Date, Zone), Outcome> {
        let unknown = || Outcome::Unknown(Missing::one(Arc::from("customer.time_zone")));
        let zone = self.facts.zone().ok_or_else(unknown)?;
        let day = Date::of(zone.date(self.now)).ok_or_else(|| self.error(Fault::overflow("the date")))?;
        Ok((day, zone))
    }

    pub(super) fn today(&self) -> Partial {
        match self.day() {
            Ok((day, zone)) => Partial::new(Outcome::Value(Value::Date(day)), start_of(day.add_days(1), zone)),
            Err(outcome) => Partial::new(outcome, None),
        }
    }

    pub(super) fn elapsed(&self, id: Ref, day: Ref, unit: Elapsed, frame: Option<&Frame<'_>>) -> Partial {
        let found = self.settled(day, frame);
        let value = match &found.outcome {
            Outcome::Value(value) => value,
            _ => return found,
        };
        let (today, zone) = match self.day() {
            Ok(known) => known,
            Err(outcome) => return Partial::new(outcome, found.until),
        };
        let from = match value {
            Value::Date(day) => Some(*day),
            Value::Timestamp(time) => Date::of(zone.date(time.to_timestamp())),
            other => {
                let fault = Fault::no_overload(unit.name(), std::slice::from_ref(other));
                return Partial::new(self.error_at(id, fault), found.until);
            }
        };
        let Some(from) = from else {
            return Partial::new(self.error_at(id, Fault::overflow("the date")), found.until);
        };
        let (number, next) = match unit {
            Elapsed::Years => (from.years_until(today), from.anniversary_after(today)),
            Elapsed::Months => (from.months_until(today), from.month_after(today)),
            Elapsed::DaysToAnniversary => {
                let yesterday = today.add_days(-1).unwrap_or(today);
                let days = from.anniversary_after(yesterday).map_or(0, |day| day.days() - today.days());
                (i64::from(days), today.add_days(1))
            }
        };
        Partial::new(Outcome::Value(Value::Int(number)), earlier(found.until, start_of(next, zone)))
    }

    /// A fact as it was at an earlier instant; one after the question's reads at the question's.
    pub(super) fn as_of(&self, fact: FactId, time: Ref, path: &Arc<str>, frame: Option<&Frame<'_>>) -> Partial {
        let found = self.eval(time, frame);
        let at = match &found.outcome {
            Outcome::Value(Value::Timestamp(at)) => at.to_timestamp(),
            Outcome::Value(other) => {
                return Partial::new(
                    self.error_at(time, Fault::no_overload("as_of", std::slice::from_ref(other))),
                    found.until,
                );
            }
            _ => return self.settle(found),
        };
        let read = self.facts.fact_as_of(fact, at.min(self.facts.now()));
        let Some(read) = read else {
            return Partial::new(Outcome::Unknown(Missing::one(path.clone())), found.until);
        };
        // What follows `now` at a distance passes a change that much later; what stands still never passes one before `now`.
        let until = match (found.moving, at < self.facts.now()) {
            (true, _) => read.until.map(|until| until.saturating_add_micros((self.now.micros() - at.micros()).max(0))),
            (false, true) => None,
            (false, false) => read.until,
        };
        let outcome = match read.value {
            Answer::Known(value) => Outcome::Value(value),
            Answer::Unknown(missing) => Outcome::Unknown(missing),
        };
        Partial::new(outcome, earlier(until, found.until))
    }
}

/// The first instant of a day.
fn start_of(day: Option<Date>, zone: Zone) -> Option<Timestamp> {
    day.map(|day| zone.midnight(day.to_chrono()))
}
