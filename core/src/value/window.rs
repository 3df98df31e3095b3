use super::{Duration, Timestamp, Zone};
use chrono::{Datelike, Weekday};
use std::fmt;

/// Which part of the story a question looks at, relative to `now`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// `now - length < t <= now`.
    Rolling(Duration),
    /// The calendar unit that holds `now`, up to `now`, in the zone of whoever asks.
    Calendar(Unit),
    /// So many days of the calendar, that of `now` the last of them, in the zone of whoever asks.
    Days(u16),
    /// The session that is open at `now`.
    Session,
    /// All that is known at `now`.
    Lifetime,
}

/// A unit of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// From midnight to midnight.
    Day,
    /// Seven days.
    Week {
        /// The day on which a week begins.
        first_day: Weekday,
    },
    /// From the first to the last day.
    Month,
}

/// A stretch of time: after `after`, up to and including `until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Not part of the span itself.
    pub after: Timestamp,
    /// The last instant of the span.
    pub until: Timestamp,
}

impl Unit {
    /// The first instant of the unit that holds `now`.
    #[must_use]
    pub fn start(self, now: Timestamp, zone: Zone) -> Timestamp {
        match self {
            Unit::Day => zone.start_of_day(now),
            Unit::Week { first_day } => zone.start_of_week(now, first_day),
            Unit::Month => zone.start_of_month(now),
        }
    }

    /// The first instant of the next unit: when a calendar window of this unit runs empty.
    #[must_use]
    pub fn end(self, now: Timestamp, zone: Zone) -> Timestamp {
        let date = zone.date(self.start(now, zone));
        let next = match self {
            Unit::Day => date.checked_add_days(chrono::Days::new(1)),
            Unit::Week { .. } => date.checked_add_days(chrono::Days::new(7)),
            Unit::Month => date.with_day(1).and_then(|date| date.checked_add_months(chrono::Months::new(1))),
        };
        next.map_or(Timestamp::MAX, |date| zone.midnight(date))
    }
}

impl Span {
    /// The last `days` days of the calendar, up to `now`; that of `now` is one of them.
    #[must_use]
    pub fn days(days: u16, now: Timestamp, zone: Zone) -> Self {
        let first = zone.date(now).checked_sub_days(chrono::Days::new(u64::from(days.saturating_sub(1))));
        first.map_or(Self::lifetime(now), |first| Self::from(zone.midnight(first), now))
    }

    /// The events `now - length < t <= now`; a negative length gives an empty span.
    #[must_use]
    pub fn rolling(length: Duration, now: Timestamp) -> Self {
        Span { after: now.saturating_add_micros(length.micros().saturating_neg()), until: now }
    }

    /// Everything up to `now`.
    #[must_use]
    pub fn lifetime(now: Timestamp) -> Self {
        Span { after: Timestamp::MIN.saturating_add_micros(-1), until: now }
    }

    /// From `start` (included) to `now`.
    #[must_use]
    pub fn from(start: Timestamp, now: Timestamp) -> Self {
        Span { after: start.saturating_add_micros(-1), until: now }
    }

    /// Whether an instant lies in the span.
    #[must_use]
    pub fn contains(&self, time: Timestamp) -> bool {
        time > self.after && time <= self.until
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Window::Rolling(length) => write!(f, "rolling {length}"),
            Window::Calendar(Unit::Day) => f.write_str("day"),
            Window::Calendar(Unit::Week { .. }) => f.write_str("week"),
            Window::Calendar(Unit::Month) => f.write_str("month"),
            Window::Days(days) => write!(f, "days({days})"),
            Window::Session => f.write_str("session"),
            Window::Lifetime => f.write_str("lifetime"),
        }
    }
}
