use chrono::{DateTime, SecondsFormat, TimeDelta};
use std::fmt;
use thiserror::Error;

/// An instant of the story: microseconds since 1970-01-01T00:00:00Z, between the years 1 and 9999 as in CEL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A time that cannot be read or does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TimeError {
    /// Outside of the years 1 to 9999.
    #[error("time is outside of the years 1 to 9999")]
    OutOfRange,
    /// Not RFC 3339.
    #[error("`{0}` is not a time; write it as RFC 3339 has it, such as `2026-03-29T02:30:00Z`")]
    NotATime(String),
    /// Not a duration.
    #[error("`{0}` is not a duration; write numbers with units, such as `90d`, `1h30m` or `250ms`")]
    NotADuration(String),
}

impl Timestamp {
    /// 0001-01-01T00:00:00Z.
    pub const MIN: Timestamp = Timestamp(-62_135_596_800_000_000);
    /// 9999-12-31T23:59:59.999999Z.
    pub const MAX: Timestamp = Timestamp(253_402_300_799_999_999);

    /// From microseconds since 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// [`TimeError::OutOfRange`] outside of the years 1 to 9999.
    pub fn from_micros(micros: i64) -> Result<Self, TimeError> {
        let time = Timestamp(micros);
        if time < Self::MIN || time > Self::MAX { Err(TimeError::OutOfRange) } else { Ok(time) }
    }

    /// From RFC 3339 text; digits beyond microseconds are cut off.
    ///
    /// # Errors
    /// [`TimeError::NotATime`] when the text is something else, [`TimeError::OutOfRange`] outside of the years 1 to 9999.
    ///
    /// # Examples
    /// ```
    /// use tactful::Timestamp;
    /// let time = Timestamp::parse("2010-03-01T12:00:00+01:00")?;
    /// assert_eq!(time.to_string(), "2010-03-01T11:00:00Z");
    /// # Ok::<(), tactful::TimeError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let parsed = DateTime::parse_from_rfc3339(text).map_err(|_| TimeError::NotATime(text.chars().take(40).collect()))?;
        Self::from_micros(parsed.timestamp_micros())
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn micros(self) -> i64 {
        self.0
    }

    /// The instant `micros` later (earlier when negative), held inside of [`MIN`](Self::MIN) and [`MAX`](Self::MAX).
    #[must_use]
    pub fn saturating_add_micros(self, micros: i64) -> Self {
        Timestamp(self.0.saturating_add(micros).clamp(Self::MIN.0, Self::MAX.0))
    }

    /// The same instant as chrono has it.
    #[must_use]
    pub fn to_chrono(self) -> DateTime<chrono::Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or(DateTime::UNIX_EPOCH)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_chrono().to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        // The text itself may be anything, so it is not repeated.
        let expected = "expected a time as RFC 3339 has it, such as `2026-03-29T02:30:00Z`";
        Timestamp::parse(&text).map_err(|_| serde::de::Error::custom(expected))
    }
}

/// An instant as expressions know it, with nanoseconds. Events are kept in microseconds, see [`Timestamp`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment {
    seconds: i64,
    nanos: u32,
}

impl Moment {
    /// From seconds since 1970 and nanoseconds below 1,000,000,000.
    ///
    /// # Errors
    /// [`TimeError::OutOfRange`] outside of the years 1 to 9999.
    pub fn new(seconds: i64, nanos: u32) -> Result<Self, TimeError> {
        let low = Timestamp::MIN.0.div_euclid(1_000_000);
        let high = Timestamp::MAX.0.div_euclid(1_000_000);
        if seconds < low || seconds > high || nanos >= 1_000_000_000 {
            return Err(TimeError::OutOfRange);
        }
        Ok(Moment { seconds, nanos })
    }

    /// Whole seconds since 1970, rounded down.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds after [`seconds`](Self::seconds).
    #[must_use]
    pub fn nanos(self) -> u32 {
        self.nanos
    }

    /// The same instant in microseconds, rounded down.
    #[must_use]
    pub fn to_timestamp(self) -> Timestamp {
        Timestamp(self.seconds * 1_000_000 + i64::from(self.nanos / 1_000))
    }

    /// The same instant as chrono has it.
    #[must_use]
    pub fn to_chrono(self) -> DateTime<chrono::Utc> {
        DateTime::from_timestamp(self.seconds, self.nanos).unwrap_or(DateTime::UNIX_EPOCH)
    }
}

impl From<Timestamp> for Moment {
    fn from(time: Timestamp) -> Self {
        let micros = time.0.rem_euclid(1_000_000);
        Moment { seconds: time.0.div_euclid(1_000_000), nanos: u32::try_from(micros * 1_000).unwrap_or(0) }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_chrono().to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

/// A length of time with nanoseconds; negative lengths are allowed. At most about 292 years, as in CEL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(i64);

impl Duration {
    /// No time at all.
    pub const ZERO: Duration = Duration(0);

    /// From nanoseconds.
    #[must_use]
    pub fn from_nanos(nanos: i64) -> Self {
        Duration(nanos)
    }

    /// From microseconds.
    ///
    /// # Errors
    /// [`TimeError::OutOfRange`] above about 292 years.
    pub fn from_micros(micros: i64) -> Result<Self, TimeError> {
        micros.checked_mul(1_000).map(Duration).ok_or(TimeError::OutOfRange)
    }

    /// The length in nanoseconds.
    #[must_use]
    pub fn nanos(self) -> i64 {
        self.0
    }

    /// The length in microseconds, rounded towards zero.
    #[must_use]
    pub fn micros(self) -> i64 {
        self.0 / 1_000
    }

    /// From text such as `90d`, `1h30m`, `-1.5s` or `250ms`: CEL's form (`h m s ms us ns`), with `d` (24 hours) and `w`
    /// (168 hours) besides.
    ///
    /// # Errors
    /// [`TimeError::NotADuration`] when the text is something else, [`TimeError::OutOfRange`] above about 292 years.
    ///
    /// # Examples
    /// ```
    /// use tactful::Duration;
    /// assert_eq!(Duration::parse("1h30m")?.nanos(), 5_400_000_000_000);
    /// assert_eq!(Duration::parse("7d")?, Duration::parse("168h")?);
    /// # Ok::<(), tactful::TimeError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let wrong = || TimeError::NotADuration(text.chars().take(40).collect());
        let (negative, mut rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        if rest == "0" {
            return Ok(Duration::ZERO);
        }
        if rest.is_empty() {
            return Err(wrong());
        }
        let mut total: i128 = 0;
        while !rest.is_empty() {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (whole, after) = rest.split_at(digits);
            let (fraction, after) = match after.strip_prefix('.') {
                Some(after) => {
                    let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
                    after.split_at(digits)
                }
                None => ("", after),
            };
            if whole.is_empty() && fraction.is_empty() {
                return Err(wrong());
            }
            let (unit, after) =
                UNITS.iter().find_map(|(name, unit)| Some((*unit, after.strip_prefix(name)?))).ok_or_else(wrong)?;
            let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| TimeError::OutOfRange)? };
            total = whole.checked_mul(unit).and_then(|part| total.checked_add(part)).ok_or(TimeError::OutOfRange)?;
            let mut place = unit;
            for digit in fraction.bytes() {
                place /= 10;
                total = total.checked_add(place * i128::from(digit - b'0')).ok_or(TimeError::OutOfRange)?;
            }
            rest = after;
        }
        let total = if negative { -total } else { total };
        i64::try_from(total).map(Duration).map_err(|_| TimeError::OutOfRange)
    }

    /// The same length as chrono has it.
    #[must_use]
    pub fn to_chrono(self) -> TimeDelta {
        TimeDelta::nanoseconds(self.0)
    }
}

const UNITS: [(&str, i128); 9] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
    ("w", 604_800_000_000_000),
];

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        if self.0 < 0 {
            f.write_str("-")?;
        }
        let mut rest = i128::from(self.0).abs();
        for (name, unit) in [("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000)] {
            let count = rest / unit;
            rest %= unit;
            if count > 0 {
                write!(f, "{count}{name}")?;
            }
        }
        for (name, unit) in [("ms", 1_000_000), ("us", 1_000), ("ns", 1)] {
            let count = rest / unit;
            rest %= unit;
            if count > 0 {
                write!(f, "{count}{name}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_beyond_the_range_are_refused() {
        let most = i128::MAX.to_string();
        for text in ["300y", "107000d", "1e9s", &format!("{most}ns"), &format!("{most}ns0.9s"), &format!("{most}9ns")] {
            assert!(Duration::parse(text).is_err(), "{text}");
        }
        assert_eq!(Duration::parse("-1.5s").unwrap().nanos(), -1_500_000_000);
    }
}
