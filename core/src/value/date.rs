use chrono::{Datelike, Days, Months, NaiveDate};
use std::fmt;

/// A day of the calendar without a time of day and without a zone, such as a birthday: years 1 to 9999, proleptic Gregorian.
///
/// # Examples
/// ```
/// use tactful::value::Date;
/// let born = Date::parse("2008-02-29").unwrap();
/// let before = Date::parse("2026-02-28").unwrap();
/// // Who was born on 29 February grows a year older on 1 March of a common year.
/// assert_eq!(born.years_until(before), 17);
/// assert_eq!(born.years_until(before.add_days(1).unwrap()), 18);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(NaiveDate);

impl Date {
    /// From year, month and day; `None` when there is no such day between the years 1 and 9999.
    #[must_use]
    pub fn new(year: i32, month: u32, day: u32) -> Option<Self> {
        NaiveDate::from_ymd_opt(year, month, day).and_then(Self::of)
    }

    /// From `YYYY-MM-DD`; of an RFC 3339 time the day as it is written counts. `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let day = match text.get(..10) {
            Some(day) if text.len() > 10 => chrono::DateTime::parse_from_rfc3339(text).ok().map(|_| day)?,
            _ => text,
        };
        let digits = |range: std::ops::Range<usize>| {
            let part = day.get(range)?;
            part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse::<u32>().ok()).flatten()
        };
        let dashes = day.len() == 10 && day.as_bytes().get(4) == Some(&b'-') && day.as_bytes().get(7) == Some(&b'-');
        if !dashes {
            return None;
        }
        Self::new(i32::try_from(digits(0..4)?).ok()?, digits(5..7)?, digits(8..10)?)
    }

    /// From a day as chrono has it; `None` outside of the years 1 to 9999.
    #[must_use]
    pub fn of(day: NaiveDate) -> Option<Self> {
        (1..=9999).contains(&day.year()).then_some(Date(day))
    }

    /// The same day as chrono has it.
    #[must_use]
    pub fn to_chrono(self) -> NaiveDate {
        self.0
    }

    /// Days since 1970-01-01.
    #[must_use]
    pub fn days(self) -> i32 {
        self.0.signed_duration_since(NaiveDate::default()).num_days().try_into().unwrap_or(0)
    }

    /// From days since 1970-01-01; `None` outside of the years 1 to 9999.
    #[must_use]
    pub fn from_days(days: i32) -> Option<Self> {
        let day = match u64::try_from(days) {
            Ok(days) => NaiveDate::default().checked_add_days(Days::new(days)),
            Err(_) => NaiveDate::default().checked_sub_days(Days::new(u64::from(days.unsigned_abs()))),
        };
        day.and_then(Self::of)
    }

    /// So many days later, earlier when negative; `None` outside of the years 1 to 9999.
    #[must_use]
    pub fn add_days(self, days: i64) -> Option<Self> {
        i64::from(self.days()).checked_add(days).and_then(|days| i32::try_from(days).ok()).and_then(Self::from_days)
    }

    /// So many months later, earlier when negative. Where that month is shorter, its last day; `None` outside of the years 1
    /// to 9999.
    #[must_use]
    pub fn add_months(self, months: i64) -> Option<Self> {
        let length = Months::new(u32::try_from(months.unsigned_abs()).ok()?);
        let day = if months < 0 { self.0.checked_sub_months(length) } else { self.0.checked_add_months(length) };
        day.and_then(Self::of)
    }

    /// Whole years from this day to another: how old somebody is who was born on this day. Negative when the other is
    /// earlier. A year is complete on the anniversary, see [`anniversary`](Self::anniversary).
    #[must_use]
    pub fn years_until(self, other: Date) -> i64 {
        let passed = (other.0.month(), other.0.day()) >= (self.0.month(), self.0.day());
        i64::from(other.0.year()) - i64::from(self.0.year()) - i64::from(!passed)
    }

    /// Whole months from this day to another, negative when the other is earlier.
    #[must_use]
    pub fn months_until(self, other: Date) -> i64 {
        let months = |day: Date| i64::from(day.0.year()) * 12 + i64::from(day.0.month0());
        months(other) - months(self) - i64::from(other.0.day() < self.0.day())
    }

    /// The day in a year on which another year is complete: the same month and day, 1 March for 29 February in a common year.
    /// `None` outside of the years 1 to 9999.
    #[must_use]
    pub fn anniversary(self, year: i32) -> Option<Self> {
        let (month, day) = (self.0.month(), self.0.day());
        Self::new(year, month, day).or_else(|| Self::new(year, 3, 1))
    }

    /// The first anniversary after another day.
    #[must_use]
    pub fn anniversary_after(self, other: Date) -> Option<Self> {
        let year = other.0.year();
        self.anniversary(year).filter(|day| *day > other).or_else(|| self.anniversary(year.checked_add(1)?))
    }

    /// The first day after `other` on which another month since this day is complete.
    #[must_use]
    pub fn month_after(self, other: Date) -> Option<Self> {
        let first = Self::of(other.0.with_day(1)?)?;
        // Where a month has no such day, the month is complete on the first day of the next.
        let mut month = first;
        for _ in 0..3 {
            let day = month.0.with_day(self.0.day()).and_then(Self::of).or_else(|| month.add_months(1));
            if let Some(day) = day.filter(|day| *day > other) {
                return Some(day);
            }
            month = month.add_months(1)?;
        }
        None
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.0.year(), self.0.month(), self.0.day())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        Date::parse(text).unwrap()
    }

    #[test]
    fn dates_are_read_and_others_refused() {
        assert_eq!(day("2000-02-29").to_string(), "2000-02-29");
        assert_eq!(day("2000-02-29T23:30:00+05:00"), day("2000-02-29"));
        for wrong in ["", "2001-02-29", "2000-2-9", "20000229", "0000-01-01", "2000-02-29x", "+200-01-01", "2000-02-29 10:00"] {
            assert_eq!(Date::parse(wrong), None, "{wrong}");
        }
        for text in ["0001-01-01", "1969-12-31", "1970-01-01", "9999-12-31"] {
            assert_eq!(Date::from_days(day(text).days()), Some(day(text)));
        }
    }

    #[test]
    fn years_and_months_are_complete_on_their_day() {
        assert_eq!(day("2008-02-29").years_until(day("2012-02-29")), 4);
        assert_eq!(day("2008-02-29").anniversary_after(day("2026-02-28")), Some(day("2026-03-01")));
        assert_eq!(day("2008-05-05").anniversary_after(day("2026-05-05")), Some(day("2027-05-05")));
        assert_eq!(day("2008-01-31").months_until(day("2008-02-29")), 0);
        assert_eq!(day("2008-01-31").months_until(day("2008-03-01")), 1);
        assert_eq!(day("2008-01-31").month_after(day("2008-02-29")), Some(day("2008-03-01")));
        assert_eq!(day("2008-01-31").add_months(1), Some(day("2008-02-29")));
        assert_eq!(day("2030-01-01").years_until(day("2026-01-01")), -4);
    }

    #[test]
    fn between_two_steps_the_number_of_months_is_the_same() {
        let from = day("2007-12-31");
        let mut at = day("2008-01-15");
        for _ in 0..500 {
            let next = from.month_after(at).unwrap();
            let before = next.add_days(-1).unwrap();
            assert_eq!(from.months_until(before), from.months_until(at));
            assert_eq!(from.months_until(next), from.months_until(at) + 1, "{next}");
            at = at.add_days(1).unwrap();
        }
    }
}
