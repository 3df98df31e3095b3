use super::{Duration, Timestamp, Zone};
use chrono::{Datelike, Days, Months, NaiveDate, NaiveTime, Timelike, Weekday};
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
    /// The block of the calendar that holds `now`, up to `now`, in the zone of whoever asks.
    Blocks(Blocks),
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

/// Blocks of the calendar that follow each other without a gap, such as two weeks each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blocks {
    /// How many units each of them has.
    pub count: u16,
    /// Of which unit.
    pub of: BlockUnit,
    /// With which day one of them begins. Without it they are counted from the beginning of 1970.
    pub since: Option<NaiveDate>,
}

/// Of what blocks of the calendar are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockUnit {
    /// Hours that the clocks show: one that they show twice counts once.
    Hour,
    /// Days, weeks or months.
    Of(Unit),
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
            Unit::Day => date.checked_add_days(Days::new(1)),
            Unit::Week { .. } => date.checked_add_days(Days::new(7)),
            Unit::Month => date.with_day(1).and_then(|date| date.checked_add_months(Months::new(1))),
        };
        next.map_or(Timestamp::MAX, |date| zone.midnight(date))
    }
}

impl Blocks {
    /// The first instant of the block that holds `now`.
    #[must_use]
    pub fn start(self, now: Timestamp, zone: Zone) -> Timestamp {
        self.bound(now, zone, 0).unwrap_or(Timestamp::MIN)
    }

    /// The first instant of the next block.
    #[must_use]
    pub fn end(self, now: Timestamp, zone: Zone) -> Timestamp {
        self.bound(now, zone, 1).unwrap_or(Timestamp::MAX)
    }

    /// Where the block begins that comes so many after that of `now`.
    fn bound(self, now: Timestamp, zone: Zone, later: i64) -> Option<Timestamp> {
        let local = zone.local(now.into());
        let first = self.first();
        let count = i64::from(self.count.max(1));
        let block = |units: i64| units.div_euclid(count).checked_add(later)?.checked_mul(count);
        let day = |days: i64| {
            let some = Days::new(days.unsigned_abs());
            if days < 0 { first.checked_sub_days(some) } else { first.checked_add_days(some) }
        };
        let days = local.date().signed_duration_since(first).num_days();
        match self.of {
            BlockUnit::Hour => {
                let hours = block(days * 24 + i64::from(local.hour()))?;
                let time = NaiveTime::from_hms_opt(u32::try_from(hours.rem_euclid(24)).ok()?, 0, 0)?;
                Some(zone.instant(day(hours.div_euclid(24))?.and_time(time)))
            }
            BlockUnit::Of(Unit::Day) => Some(zone.midnight(day(block(days)?)?)),
            BlockUnit::Of(Unit::Week { .. }) => Some(zone.midnight(day(block(days.div_euclid(7))?.checked_mul(7)?)?)),
            BlockUnit::Of(Unit::Month) => {
                let month = |date: NaiveDate| i64::from(date.year()) * 12 + i64::from(date.month0());
                let months = block(month(local.date()) - month(first))?;
                let some = Months::new(u32::try_from(months.unsigned_abs()).ok()?);
                let first = first.with_day(1)?;
                let date = if months < 0 { first.checked_sub_months(some) } else { first.checked_add_months(some) };
                Some(zone.midnight(date?))
            }
        }
    }

    /// The day with which one of them begins.
    fn first(self) -> NaiveDate {
        let epoch = NaiveDate::default();
        let first = match self.of {
            BlockUnit::Of(Unit::Week { first_day }) => {
                let ahead = first_day.days_since(epoch.weekday());
                epoch.checked_add_days(Days::new(u64::from(ahead))).unwrap_or(epoch)
            }
            BlockUnit::Hour | BlockUnit::Of(Unit::Day | Unit::Month) => epoch,
        };
        self.since.unwrap_or(first)
    }

    /// What they are made of, in words.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self.of {
            BlockUnit::Hour => "hour",
            BlockUnit::Of(Unit::Day) => "day",
            BlockUnit::Of(Unit::Week { .. }) => "week",
            BlockUnit::Of(Unit::Month) => "month",
        }
    }

    /// The present one in words, such as `in these 2 weeks`.
    #[must_use]
    pub fn now_words(self) -> String {
        let noun = self.noun();
        if self.count == 1 { format!("in this {noun}") } else { format!("in these {} {noun}s", self.count) }
    }
}

impl fmt::Display for Blocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.count, self.of, self.since) {
            (1, BlockUnit::Hour, None) => return f.write_str("hour"),
            (1, ..) => write!(f, "every {}", self.noun())?,
            _ => write!(f, "every {} {}s", self.count, self.noun())?,
        }
        self.since.map_or(Ok(()), |since| write!(f, " since {since}"))
    }
}

impl Window {
    /// Whether it goes by the calendar, so that it depends on a zone.
    #[must_use]
    pub fn is_calendar(&self) -> bool {
        matches!(self, Window::Calendar(_) | Window::Days(_) | Window::Blocks(_))
    }
}

impl Span {
    /// The last `days` days of the calendar, up to `now`; that of `now` is one of them.
    #[must_use]
    pub fn days(days: u16, now: Timestamp, zone: Zone) -> Self {
        let first = zone.date(now).checked_sub_days(Days::new(u64::from(days.saturating_sub(1))));
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
            Window::Blocks(blocks) => write!(f, "{blocks}"),
            Window::Session => f.write_str("session"),
            Window::Lifetime => f.write_str("lifetime"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn blocks(count: u16, of: BlockUnit, since: Option<&str>) -> Blocks {
        Blocks { count, of, since: since.map(|date| date.parse().unwrap()) }
    }

    #[track_caller]
    fn holds(blocks: Blocks, now: &str, zone: &str, start: &str, end: &str) {
        let zone = Zone::parse(zone).unwrap();
        let found = (blocks.start(time(now), zone), blocks.end(time(now), zone));
        assert_eq!(found, (time(start), time(end)), "{blocks} at {now} in {zone}");
    }

    #[test]
    fn an_hour_is_that_of_the_clock_also_where_it_is_shown_twice_or_never() {
        let hour = blocks(1, BlockUnit::Hour, None);
        holds(hour, "2026-03-10T10:59:59.999999Z", "UTC", "2026-03-10T10:00:00Z", "2026-03-10T11:00:00Z");
        holds(hour, "2026-03-10T10:29:00Z", "Asia/Kolkata", "2026-03-10T09:30:00Z", "2026-03-10T10:30:00Z");
        // 02:00 to 03:00 comes twice, and is one hour of the clock; in spring it does not come.
        holds(hour, "2026-10-25T01:30:00Z", "Europe/Berlin", "2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z");
        holds(hour, "2026-03-29T00:30:00Z", "Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z");
        let six = blocks(6, BlockUnit::Hour, None);
        holds(six, "2026-03-29T03:00:00Z", "Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29T04:00:00Z");
    }

    #[test]
    fn blocks_follow_each_other_from_a_day_on_and_before_it() {
        let (week, month) = (BlockUnit::Of(Unit::Week { first_day: Weekday::Sun }), BlockUnit::Of(Unit::Month));
        let two_days = blocks(2, BlockUnit::Of(Unit::Day), Some("2026-03-10"));
        holds(two_days, "2026-03-11T23:59:59Z", "UTC", "2026-03-10T00:00:00Z", "2026-03-12T00:00:00Z");
        holds(two_days, "2026-03-09T12:00:00Z", "UTC", "2026-03-08T00:00:00Z", "2026-03-10T00:00:00Z");
        // 20522 days after 1970-01-01 is 2026-03-10.
        holds(
            blocks(2, BlockUnit::Of(Unit::Day), None),
            "2026-03-10T12:00:00Z",
            "UTC",
            "2026-03-10T00:00:00Z",
            "2026-03-12T00:00:00Z",
        );
        holds(
            blocks(2, week, Some("2026-03-04")),
            "2026-03-17T12:00:00Z",
            "UTC",
            "2026-03-04T00:00:00Z",
            "2026-03-18T00:00:00Z",
        );
        holds(blocks(1, week, None), "2026-03-10T12:00:00Z", "UTC", "2026-03-08T00:00:00Z", "2026-03-15T00:00:00Z");
        holds(blocks(3, month, None), "2026-02-10T12:00:00Z", "UTC", "2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z");
        holds(
            blocks(2, month, Some("2026-02-01")),
            "2026-01-31T12:00:00Z",
            "UTC",
            "2025-12-01T00:00:00Z",
            "2026-02-01T00:00:00Z",
        );
        // The day on which the clocks go forward has 23 hours.
        holds(two_days, "2026-03-29T12:00:00Z", "Europe/Berlin", "2026-03-27T23:00:00Z", "2026-03-29T22:00:00Z");
    }
}
