//! When quiet hours are.

use crate::playbook::QuietHours;
use crate::value::{Timestamp, Zone};
use chrono::{Datelike, Days, NaiveDate, NaiveTime};
use smallvec::SmallVec;

/// From when on, and until when not any more.
type Stretch = (Timestamp, Timestamp);

/// A week and a day before and after: beyond that, hours that go on are taken for endless.
const AROUND: i64 = 8;

/// The same where there are hours of dates: a year and a month.
const AROUND_DATES: i64 = 400;

/// The quiet time at an instant: its first instant, and the first after it; `None` for the latter when it never ends. Hours that
/// follow each other without a gap are one time. An hour that the clocks show twice is quiet both times, also in between.
pub(super) fn quiet_at(hours: &QuietHours, now: Timestamp, zone: Zone) -> Option<(Timestamp, Option<Timestamp>)> {
    let today = zone.date(now);
    let (mut from, mut until) =
        [-1, 0].into_iter().flat_map(|days| stretches(hours, today, days, zone)).find(|s| holds(s, now))?;
    let around = if hours.dates.is_empty() { AROUND } else { AROUND_DATES };
    for days in -1..=around {
        if zone.midnight(day(today, days)) > until {
            break;
        }
        for next in in_order(hours, today, days, zone) {
            if next.0 <= until {
                until = until.max(next.1);
            }
        }
    }
    // Hours end on the day after that on which they begin.
    for days in (-around..=0).rev() {
        if zone.last_instant(day(today, days + 2).and_time(NaiveTime::MIN)) < from {
            break;
        }
        for before in in_order(hours, today, days, zone).into_iter().rev() {
            if before.0 < from && before.1 >= from {
                from = before.0;
            }
        }
    }
    let endless = zone.date(until) >= day(today, around);
    Some((from, (!endless).then_some(until)))
}

/// The hours that begin so many days after a date, the earliest first.
fn in_order(hours: &QuietHours, today: NaiveDate, days: i64, zone: Zone) -> SmallVec<[Stretch; 4]> {
    let mut own: SmallVec<[Stretch; 4]> = stretches(hours, today, days, zone).filter(|stretch| stretch.1 > stretch.0).collect();
    own.sort_unstable();
    own
}

fn holds(stretch: &Stretch, now: Timestamp) -> bool {
    stretch.0 <= now && now < stretch.1
}

fn day(date: NaiveDate, days: i64) -> NaiveDate {
    let some = Days::new(days.unsigned_abs());
    let moved = if days < 0 { date.checked_sub_days(some) } else { date.checked_add_days(some) };
    moved.unwrap_or(date)
}

/// The hours that begin so many days after a date, by weekday and by date.
fn stretches(hours: &QuietHours, today: NaiveDate, days: i64, zone: Zone) -> impl Iterator<Item = Stretch> {
    let date = day(today, days);
    let number = usize::try_from(date.weekday().num_days_from_monday()).unwrap_or(0);
    let own = hours.days.get(number).map_or(&[][..], Vec::as_slice);
    let local = move |minute: u16| {
        let time = NaiveTime::from_num_seconds_from_midnight_opt(u32::from(minute % 1_440) * 60, 0).unwrap_or(NaiveTime::MIN);
        day(date, i64::from(minute / 1_440)).and_time(time)
    };
    let dated = hours.dates.iter().filter(move |dated| dated.is_on(date)).flat_map(|dated| &dated.hours);
    own.iter().chain(dated).map(move |(from, to)| (zone.instant(local(*from)), zone.last_instant(local(*to))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::QuietDate;

    fn time(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn nightly(hours: (u16, u16)) -> QuietHours {
        QuietHours { days: std::array::from_fn(|_| vec![hours]), ..QuietHours::default() }
    }

    #[test]
    fn a_night_is_quiet_from_its_first_instant_to_the_first_after_it() {
        let (berlin, night) = (Zone::parse("Europe/Berlin").unwrap(), nightly((1260, 1920)));
        let quiet = |text: &str| quiet_at(&night, time(text), berlin);
        assert_eq!(quiet("2026-01-10T19:59:59.999999Z"), None);
        let whole = Some((time("2026-01-10T20:00:00Z"), Some(time("2026-01-11T07:00:00Z"))));
        assert_eq!(quiet("2026-01-10T20:00:00Z"), whole);
        assert_eq!(quiet("2026-01-11T06:59:59.999999Z"), whole);
        assert_eq!(quiet("2026-01-11T07:00:00Z"), None);
        // The night in which the clocks go forward has an hour less.
        assert_eq!(quiet("2026-03-29T05:59:59Z"), Some((time("2026-03-28T20:00:00Z"), Some(time("2026-03-29T06:00:00Z")))));
    }

    #[test]
    fn hours_that_the_clocks_show_twice_or_never_are_quiet_as_a_whole() {
        let berlin = Zone::parse("Europe/Berlin").unwrap();
        let quiet = |hours, text: &str| quiet_at(&nightly(hours), time(text), berlin);
        // 02:00 to 02:30, which comes twice.
        let twice = Some((time("2026-10-25T00:00:00Z"), Some(time("2026-10-25T01:30:00Z"))));
        assert_eq!(quiet((120, 150), "2026-10-25T00:15:00Z"), twice);
        assert_eq!(quiet((120, 150), "2026-10-25T01:29:59Z"), twice);
        assert_eq!(quiet((120, 150), "2026-10-25T01:30:00Z"), None);
        // 02:00 to 02:30, which does not come at all.
        assert_eq!(quiet((120, 150), "2026-03-29T01:00:00Z"), None);
    }

    #[test]
    fn hours_that_touch_are_one_time_and_a_week_without_end_never_ends() {
        let hours = QuietHours {
            days: std::array::from_fn(|day| if day >= 5 { vec![(0, 1440)] } else { Vec::new() }),
            ..QuietHours::default()
        };
        let weekend = Some((time("2026-01-10T00:00:00Z"), Some(time("2026-01-12T00:00:00Z"))));
        assert_eq!(quiet_at(&hours, time("2026-01-11T13:00:00Z"), Zone::UTC), weekend);
        assert_eq!(quiet_at(&nightly((0, 1440)), time("2026-01-11T13:00:00Z"), Zone::UTC).unwrap().1, None);
    }

    #[test]
    fn dates_come_beside_weekdays_and_join_them() {
        let all_day = |year, month, day| QuietDate { year, day: (month, day), hours: vec![(0, 1440)] };
        let night = nightly((1260, 1920));
        let hours = QuietHours { dates: vec![all_day(Some(2026), 12, 25), all_day(None, 12, 26)], ..night };
        let quiet = |text: &str| quiet_at(&hours, time(text), Zone::UTC);
        // From the evening before to the morning after both days.
        let christmas = Some((time("2026-12-24T21:00:00Z"), Some(time("2026-12-27T08:00:00Z"))));
        assert_eq!(quiet("2026-12-25T12:00:00Z"), christmas);
        assert_eq!(quiet("2026-12-26T20:59:59Z"), christmas);
        assert_eq!(quiet("2026-12-24T20:59:59.999999Z"), None);
        // The next year only the 26th is quiet.
        assert_eq!(quiet("2027-12-25T12:00:00Z"), None);
        assert_eq!(quiet("2027-12-26T12:00:00Z"), Some((time("2027-12-25T21:00:00Z"), Some(time("2027-12-27T08:00:00Z")))));
        let fortnight =
            QuietHours { dates: (10..=31).map(|day| all_day(Some(2026), 8, day)).collect(), ..QuietHours::default() };
        let found = quiet_at(&fortnight, time("2026-08-20T12:00:00Z"), Zone::UTC);
        assert_eq!(found, Some((time("2026-08-10T00:00:00Z"), Some(time("2026-09-01T00:00:00Z")))));
    }
}
