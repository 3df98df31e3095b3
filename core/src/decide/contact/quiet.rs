//! When quiet hours are.

use crate::playbook::QuietHours;
use crate::value::{Timestamp, Zone};
use chrono::{Datelike, Days, NaiveDate, NaiveTime};

/// From when on, and until when not any more.
type Stretch = (Timestamp, Timestamp);

/// A week and a day before and after: beyond that, hours that go on are taken for endless.
const AROUND: i64 = 8;

/// The quiet time at an instant: its first instant, and the first after it; `None` for the latter when it never ends. Hours that
/// follow each other without a gap are one time. An hour that the clocks show twice is quiet both times, also in between.
pub(super) fn quiet_at(hours: &QuietHours, now: Timestamp, zone: Zone) -> Option<(Timestamp, Option<Timestamp>)> {
    let today = zone.date(now);
    let (mut from, mut until) =
        [-1, 0].into_iter().flat_map(|days| stretches(hours, today, days, zone)).find(|s| holds(s, now))?;
    let around: Vec<Stretch> = (-AROUND..=AROUND).flat_map(|days| stretches(hours, today, days, zone)).collect();
    let last = around.iter().map(|stretch| stretch.1).max();
    loop {
        let before = around.iter().filter(|stretch| stretch.0 < from && stretch.1 >= from).map(|stretch| stretch.0).min();
        let after = around.iter().filter(|stretch| stretch.1 > until && stretch.0 <= until).map(|stretch| stretch.1).max();
        if before.is_none() && after.is_none() {
            break;
        }
        from = before.unwrap_or(from);
        until = after.unwrap_or(until);
    }
    let whole_week = last == Some(until) && zone.date(until) >= day(today, AROUND);
    Some((from, (!whole_week).then_some(until)))
}

fn holds(stretch: &Stretch, now: Timestamp) -> bool {
    stretch.0 <= now && now < stretch.1
}

fn day(date: NaiveDate, days: i64) -> NaiveDate {
    let some = Days::new(days.unsigned_abs());
    let moved = if days < 0 { date.checked_sub_days(some) } else { date.checked_add_days(some) };
    moved.unwrap_or(date)
}

/// The hours that begin so many days after a date.
fn stretches(hours: &QuietHours, today: NaiveDate, days: i64, zone: Zone) -> impl Iterator<Item = Stretch> {
    let date = day(today, days);
    let number = usize::try_from(date.weekday().num_days_from_monday()).unwrap_or(0);
    let own = hours.days.get(number).map_or(&[][..], Vec::as_slice);
    let local = move |minute: u16| {
        let time = NaiveTime::from_num_seconds_from_midnight_opt(u32::from(minute % 1_440) * 60, 0).unwrap_or(NaiveTime::MIN);
        day(date, i64::from(minute / 1_440)).and_time(time)
    };
    own.iter().map(move |(from, to)| (zone.instant(local(*from)), zone.last_instant(local(*to))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn nightly(hours: (u16, u16)) -> QuietHours {
        QuietHours { days: std::array::from_fn(|_| vec![hours]), unsaid: Vec::new() }
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
            unsaid: Vec::new(),
        };
        let weekend = Some((time("2026-01-10T00:00:00Z"), Some(time("2026-01-12T00:00:00Z"))));
        assert_eq!(quiet_at(&hours, time("2026-01-11T13:00:00Z"), Zone::UTC), weekend);
        assert_eq!(quiet_at(&nightly((0, 1440)), time("2026-01-11T13:00:00Z"), Zone::UTC).unwrap().1, None);
    }
}
