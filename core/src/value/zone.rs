use super::{Moment, Timestamp};
use chrono::{Datelike, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Weekday};
use std::fmt;
use thiserror::Error;

/// A time zone: a name of the IANA database such as `Europe/Berlin`, or a fixed offset such as `+02:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone(Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Named(chrono_tz::Tz),
    Fixed(chrono::FixedOffset),
}

/// A time zone that nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is not a time zone; write a name such as `Europe/Berlin`, `UTC` or an offset such as `+02:00`")]
pub struct ZoneError(String);

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Zone = Zone(Kind::Named(chrono_tz::UTC));

    /// The version of the time-zone tables in use, part of a playbook's digest.
    pub const TABLES: &'static str = chrono_tz::IANA_TZDB_VERSION;

    /// From a name or an offset (`±hh:mm`).
    ///
    /// # Errors
    /// [`ZoneError`] when there is no such zone.
    pub fn parse(text: &str) -> Result<Self, ZoneError> {
        if let Ok(zone) = text.parse::<chrono_tz::Tz>() {
            return Ok(Zone(Kind::Named(zone)));
        }
        fixed_offset(text).map(|offset| Zone(Kind::Fixed(offset))).ok_or_else(|| ZoneError(text.chars().take(40).collect()))
    }

    /// The local date and time at an instant.
    #[must_use]
    pub fn local(&self, moment: Moment) -> NaiveDateTime {
        match self.0 {
            Kind::Named(zone) => moment.to_chrono().with_timezone(&zone).naive_local(),
            Kind::Fixed(offset) => moment.to_chrono().with_timezone(&offset).naive_local(),
        }
    }

    /// The instant of a local date and time. In a gap (clocks forward) the first instant after it; in an overlap
    /// (clocks back) the earlier of the two.
    #[must_use]
    pub fn instant(&self, local: NaiveDateTime) -> Timestamp {
        let found = |local: NaiveDateTime| match self.0 {
            Kind::Named(zone) => zone.from_local_datetime(&local).map(|time| time.timestamp_micros()),
            Kind::Fixed(offset) => offset.from_local_datetime(&local).map(|time| time.timestamp_micros()),
        };
        let micros = match found(local) {
            LocalResult::Single(micros) | LocalResult::Ambiguous(micros, _) => micros,
            LocalResult::None => self.end_of_gap(local),
        };
        Timestamp::MIN.saturating_add_micros(micros.saturating_sub(Timestamp::MIN.micros()))
    }

    /// The last instant of a local date and time: as [`instant`](Self::instant), but in an overlap the later of the two.
    #[must_use]
    pub fn last_instant(&self, local: NaiveDateTime) -> Timestamp {
        let late = match self.0 {
            Kind::Named(zone) => zone.from_local_datetime(&local).latest().map(|time| time.timestamp_micros()),
            Kind::Fixed(_) => None,
        };
        late.and_then(|micros| Timestamp::from_micros(micros).ok()).unwrap_or_else(|| self.instant(local))
    }

    /// The first instant at which this zone's clocks show `local` or later, `local` lying in a gap.
    fn end_of_gap(&self, local: NaiveDateTime) -> i64 {
        // Clocks never jump by more than a day, so the answer lies within a day of the local time read as UTC.
        let reading = |micros: i64| Timestamp::from_micros(micros).map(|time| self.local(Moment::from(time)));
        let middle = local.and_utc().timestamp_micros();
        let (mut before, mut after) = (middle - 2 * DAY, middle + 2 * DAY);
        while after - before > 1 {
            let half = before + (after - before) / 2;
            match reading(half) {
                Ok(shown) if shown < local => before = half,
                _ => after = half,
            }
        }
        after
    }

    /// The first instant of the local day that holds `time`.
    #[must_use]
    pub fn start_of_day(&self, time: Timestamp) -> Timestamp {
        self.midnight(self.date(time))
    }

    /// The first instant of the local week that holds `time`.
    #[must_use]
    pub fn start_of_week(&self, time: Timestamp, first_day: Weekday) -> Timestamp {
        let date = self.date(time);
        let back = u64::from(date.weekday().days_since(first_day));
        self.midnight(date.checked_sub_days(chrono::Days::new(back)).unwrap_or(date))
    }

    /// The first instant of the local month that holds `time`.
    #[must_use]
    pub fn start_of_month(&self, time: Timestamp) -> Timestamp {
        let date = self.date(time);
        self.midnight(date.with_day(1).unwrap_or(date))
    }

    /// The local date at an instant.
    #[must_use]
    pub fn date(&self, time: Timestamp) -> NaiveDate {
        self.local(Moment::from(time)).date()
    }

    /// The first instant of a local date.
    #[must_use]
    pub fn midnight(&self, date: NaiveDate) -> Timestamp {
        self.instant(date.and_time(NaiveTime::MIN))
    }
}

const DAY: i64 = 86_400_000_000;

fn fixed_offset(text: &str) -> Option<chrono::FixedOffset> {
    let (sign, rest) = match text.as_bytes().first()? {
        b'+' => (1, text.get(1..)?),
        b'-' => (-1, text.get(1..)?),
        _ => (1, text),
    };
    let (hours, minutes) = rest.split_once(':')?;
    if hours.len() != 2 || minutes.len() != 2 || !rest.bytes().all(|b| b.is_ascii_digit() || b == b':') {
        return None;
    }
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    chrono::FixedOffset::east_opt(sign * (hours * 3_600 + minutes * 60))
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Kind::Named(zone) => f.write_str(zone.name()),
            Kind::Fixed(offset) => write!(f, "{offset}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn a_day_follows_the_zone_across_daylight_saving() {
        let berlin = Zone::parse("Europe/Berlin").unwrap();
        assert_eq!(berlin.start_of_day(time("2026-03-29T12:00:00Z")), time("2026-03-28T23:00:00Z"));
        assert_eq!(berlin.start_of_day(time("2026-03-30T12:00:00Z")), time("2026-03-29T22:00:00Z"));
    }

    #[test]
    fn a_local_time_in_a_gap_is_the_end_of_the_gap() {
        let berlin = Zone::parse("Europe/Berlin").unwrap();
        let gap = NaiveDate::from_ymd_opt(2026, 3, 29).unwrap().and_hms_opt(2, 30, 0).unwrap();
        assert_eq!(berlin.instant(gap), time("2026-03-29T01:00:00Z"));
        let overlap = NaiveDate::from_ymd_opt(2026, 10, 25).unwrap().and_hms_opt(2, 30, 0).unwrap();
        assert_eq!(berlin.instant(overlap), time("2026-10-25T00:30:00Z"));
        assert_eq!(berlin.last_instant(overlap), time("2026-10-25T01:30:00Z"));
        assert_eq!(berlin.last_instant(gap), time("2026-03-29T01:00:00Z"));
    }

    #[test]
    fn midnight_that_does_not_exist_is_the_first_instant_of_the_day() {
        let cairo = Zone::parse("America/Sao_Paulo").unwrap();
        assert_eq!(cairo.start_of_day(time("2017-10-15T12:00:00Z")), time("2017-10-15T03:00:00Z"));
    }

    #[test]
    fn offsets_and_names_are_read_and_others_refused() {
        assert_eq!(Zone::parse("+02:00").unwrap().to_string(), "+02:00");
        assert_eq!(Zone::parse("-09:30").unwrap().to_string(), "-09:30");
        for wrong in ["", "Berlin", "+2", "+24:00", "+02:60", "+aa:00", "\u{e9}\u{e9}:00"] {
            assert!(Zone::parse(wrong).is_err(), "{wrong}");
        }
    }
}
