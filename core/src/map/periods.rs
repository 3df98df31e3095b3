use super::spec::MapSpec;
use crate::value::{Timestamp, Zone};
use chrono::{Datelike, NaiveDate};
use std::sync::Arc;

/// A period of the calendar, in the zone of the playbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// Seven days, from the day on which the playbook's weeks begin; named by its first day: `2010-03-01`.
    Week,
    /// `2010-03`.
    Month,
    /// Three months: `2010-Q1`.
    Quarter,
    /// `2010`.
    Year,
}

/// The calendar by which a map is split into periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Calendar {
    pub(crate) zone: Zone,
    pub(crate) week_begins: chrono::Weekday,
}

/// One period of a map: it counts as a map from `since` to `at` would.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) name: Arc<str>,
    pub(crate) since: Timestamp,
    /// The last instant.
    pub(crate) at: Timestamp,
}

/// How many periods are told apart; earlier ones are left out.
pub(crate) const MOST_PERIODS: usize = 520;

impl Calendar {
    /// The first day of the period that holds a day, and its name.
    fn first_day(self, period: Period, date: NaiveDate) -> (NaiveDate, String) {
        let month = |month| NaiveDate::from_ymd_opt(date.year(), month, 1).unwrap_or(date);
        match period {
            Period::Week => {
                let back = u64::from(date.weekday().days_since(self.week_begins));
                let first = date.checked_sub_days(chrono::Days::new(back)).unwrap_or(date);
                (first, first.to_string())
            }
            Period::Month => (month(date.month()), format!("{:04}-{:02}", date.year(), date.month())),
            Period::Quarter => {
                let quarter = date.month0() / 3;
                (month(quarter * 3 + 1), format!("{:04}-Q{}", date.year(), quarter + 1))
            }
            Period::Year => (month(1), format!("{:04}", date.year())),
        }
    }

    /// The periods up to `at`, the latest first; that of `at` ends with it, and that of `since` begins with it.
    fn back_from(self, period: Period, since: Timestamp, at: Timestamp) -> impl Iterator<Item = Stretch> {
        let mut end = Some(at);
        let next = move || {
            let at = end?;
            let (day, name) = self.first_day(period, self.zone.date(at));
            let first = self.zone.midnight(day).min(at);
            let from = first.max(since);
            end = (first > since && first > Timestamp::MIN).then(|| first.saturating_add_micros(-1));
            Some(Stretch { name: Arc::from(name), since: from, at })
        };
        std::iter::from_fn(next).take(MOST_PERIODS)
    }
}

impl MapSpec {
    /// The periods into which the map is split, the latest first.
    pub(crate) fn periods(&self) -> impl Iterator<Item = Stretch> + use<> {
        let super::Split::Periods(period) = self.options.split else { return None.into_iter().flatten() };
        let since = self.options.since.unwrap_or(Timestamp::MIN);
        Some(self.calendar.back_from(period, since, self.options.at)).into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_follow_the_calendar_of_the_zone_across_daylight_saving() {
        let zone = Zone::parse("Europe/Berlin").unwrap_or(Zone::UTC);
        let calendar = Calendar { zone, week_begins: chrono::Weekday::Sun };
        let time = |text: &str| Timestamp::parse(text).unwrap_or(Timestamp::MIN);
        let told = |period, since: &str, at: &str| {
            let found = calendar.back_from(period, time(since), time(at));
            found.map(|own| format!("{} {} {}", own.name, own.since, own.at)).collect::<Vec<_>>()
        };
        assert_eq!(
            told(Period::Month, "2026-02-10T00:00:00Z", "2026-04-02T12:00:00Z"),
            [
                "2026-04 2026-03-31T22:00:00Z 2026-04-02T12:00:00Z",
                "2026-03 2026-02-28T23:00:00Z 2026-03-31T21:59:59.999999Z",
                "2026-02 2026-02-10T00:00:00Z 2026-02-28T22:59:59.999999Z",
            ]
        );
        assert_eq!(
            told(Period::Week, "2026-03-22T00:00:00Z", "2026-03-29T00:00:00Z"),
            [
                "2026-03-29 2026-03-28T23:00:00Z 2026-03-29T00:00:00Z",
                "2026-03-22 2026-03-22T00:00:00Z 2026-03-28T22:59:59.999999Z"
            ]
        );
        assert_eq!(
            told(Period::Quarter, "2025-12-31T00:00:00Z", "2026-03-31T22:00:00Z"),
            [
                "2026-Q2 2026-03-31T22:00:00Z 2026-03-31T22:00:00Z",
                "2026-Q1 2025-12-31T23:00:00Z 2026-03-31T21:59:59.999999Z",
                "2025-Q4 2025-12-31T00:00:00Z 2025-12-31T22:59:59.999999Z",
            ]
        );
        assert_eq!(told(Period::Year, "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z").len(), 1);
        assert_eq!(calendar.back_from(Period::Week, Timestamp::MIN, Timestamp::MAX).count(), MOST_PERIODS);
        assert!(calendar.back_from(Period::Year, Timestamp::MIN, time("0003-01-01T00:00:00Z")).count() <= 4);
    }
}
