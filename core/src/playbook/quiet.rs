//! Quiet hours: by weekday and by date, over midnight.

use super::read::{At, Loader};
use super::source::cut;
use chrono::{Datelike, NaiveDate};
use std::fmt;

/// Quiet hours by the day on which they begin, from Monday on: from and to which minute of that day; the end is beyond 1440
/// when they go on after midnight.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QuietHours {
    /// By day, from Monday on.
    pub days: [Vec<(u16, u16)>; 7],
    /// Days of which nothing is said, although others have hours.
    pub unsaid: Vec<&'static str>,
    /// Beside those of the weekdays, those of dates.
    pub dates: Vec<QuietDate>,
}

/// Quiet hours that begin on a date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuietDate {
    /// Of which year; `None` for every year.
    pub year: Option<i32>,
    /// Month and day, from 1 on.
    pub day: (u32, u32),
    /// From and to which minute of that day.
    pub hours: Vec<(u16, u16)>,
}

impl QuietDate {
    /// Whether it is about a date.
    #[must_use]
    pub fn is_on(&self, date: NaiveDate) -> bool {
        self.day == (date.month(), date.day()) && self.year.is_none_or(|year| year == date.year())
    }
}

impl fmt::Display for QuietDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (month, day) = self.day;
        match self.year {
            Some(year) => write!(f, "{year:04}-{month:02}-{day:02}"),
            None => write!(f, "{month:02}-{day:02}"),
        }
    }
}

/// The days, from Monday on.
pub(crate) const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Minutes of a day.
const DAY: u16 = 24 * 60;

impl Loader<'_> {
    /// Quiet hours as a text, for the `days` beside it, or as a mapping of days.
    pub(super) fn quiet_hours(&mut self, at: &At<'_>, rule: &At<'_>) -> Option<QuietHours> {
        if let Some(text) = at.node.text().cloned() {
            let hours = self.quiet_text(at, &text)?;
            let days = match rule.get("days") {
                None => DAYS.to_vec(),
                Some(days) => {
                    let words = days.one_or_more();
                    DAYS.into_iter()
                        .filter(|day| words.iter().any(|word| word.node.text().is_some_and(|w| **w == **day)))
                        .collect()
                }
            };
            let on = |day: &str| if days.contains(&day) { hours.clone() } else { Vec::new() };
            return Some(QuietHours { days: DAYS.map(on), ..QuietHours::default() });
        }
        if let Some(place) = rule.get("days") {
            self.error_at_key("misplaced", &place, "the hours are told by day already".to_owned(), None);
        }
        let mut wrong = false;
        let mut read = |key: &str| {
            let at = at.get(key)?;
            let hours = self.quiet_text(&at, &at.node.text()?.clone());
            wrong |= hours.is_none();
            hours
        };
        let (daily, weekdays, weekend) = (read("daily"), read("weekdays"), read("weekend"));
        let mut unsaid = Vec::new();
        let days = DAYS.map(|day| {
            let part = if matches!(day, "sat" | "sun") { &weekend } else { &weekdays };
            let hours = read(day).or_else(|| part.clone()).or_else(|| daily.clone());
            if hours.is_none() {
                unsaid.push(day);
            }
            hours.unwrap_or_default()
        });
        let dates: Vec<Option<Vec<QuietDate>>> =
            at.get("dates").iter().flat_map(At::one_or_more).map(|at| self.quiet_dates(&at)).collect();
        wrong |= dates.iter().any(Option::is_none);
        let dates: Vec<QuietDate> = dates.into_iter().flatten().flatten().collect();
        // Whoever names dates only means these.
        if unsaid.len() == DAYS.len() && !dates.is_empty() {
            unsaid.clear();
        }
        if unsaid.len() == DAYS.len() && !wrong {
            let hint = "such as `daily: \"21:00-08:00\"`".to_owned();
            self.error("empty", at, "no day has quiet hours".to_owned(), Some(hint));
        }
        (!wrong).then_some(QuietHours { days, unsaid, dates })
    }

    /// The quiet hours of a date or of several, such as `2026-12-24 14:00-24:00` or `12-25..12-26`.
    fn quiet_dates(&mut self, at: &At<'_>) -> Option<Vec<QuietDate>> {
        let text = at.node.text()?.clone();
        let found = dates(&text);
        if found.is_none() {
            let message = format!("`{}` is no quiet date", cut(&text));
            let hint = format!(
                "write `2026-12-24`, `12-25` for every year, or `12-24..12-26` for at most {MOST_DATES} days, and the hours after it, such as `12-24 14:00-24:00`, unless the whole day is meant"
            );
            self.error("bad_hours", at, message, Some(hint));
        }
        found
    }

    fn quiet_text(&mut self, at: &At<'_>, text: &str) -> Option<Vec<(u16, u16)>> {
        let hours = hours(text);
        if hours.is_none() {
            let message = format!("`{}` are no quiet hours", cut(text));
            let hint =
                "write `21:00-08:00`, which goes on after midnight, several in their order with commas between, or `none`";
            self.error("bad_hours", at, message, Some(hint.to_owned()));
        }
        hours
    }
}

/// How many days one quiet date may name.
const MOST_DATES: usize = 366;

/// Every date that a text names, with the hours that begin on each.
fn dates(text: &str) -> Option<Vec<QuietDate>> {
    let (days, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), "00:00-24:00"));
    let (first, last) = days.split_once("..").unwrap_or((days, days));
    let (first, last) = (date(first)?, date(last)?);
    let hours = hours(rest).filter(|hours| !hours.is_empty())?;
    if first.1 != last.1 || (first.1 && last.0 < first.0) {
        return None;
    }
    let mut found = Vec::new();
    let mut day = first.0;
    loop {
        found.push(QuietDate { year: first.1.then_some(day.year()), day: (day.month(), day.day()), hours: hours.clone() });
        if day == last.0 || found.len() > MOST_DATES {
            break;
        }
        day = day.succ_opt()?;
        // Those of every year go on in the next one.
        if !first.1 && day.year() != LEAP {
            day = day.with_year(LEAP)?;
        }
    }
    (found.len() <= MOST_DATES).then_some(found)
}

/// A year that has every day of a year.
const LEAP: i32 = 2000;

/// A date, and whether it tells its year.
fn date(text: &str) -> Option<(NaiveDate, bool)> {
    match text.len() {
        5 => format!("{LEAP}-{text}").parse().ok().map(|date| (date, false)),
        10 => text.parse().ok().map(|date| (date, true)),
        _ => None,
    }
}

/// The hours that begin on a day, in minutes, in their order and without overlap; empty for `none`.
fn hours(text: &str) -> Option<Vec<(u16, u16)>> {
    if text.trim() == "none" {
        return Some(Vec::new());
    }
    let minute = |text: &str| {
        let (hour, minute) = text.trim().split_once(':')?;
        let digits = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(hour) || !digits(minute) {
            return None;
        }
        let (hour, minute) = (hour.parse::<u16>().ok()?, minute.parse::<u16>().ok()?);
        (minute < 60 && hour * 60 + minute <= DAY).then_some(hour * 60 + minute)
    };
    let mut hours: Vec<(u16, u16)> = Vec::new();
    for part in text.split(',') {
        let (from, to) = part.split_once('-')?;
        let (from, to) = (minute(from)?, minute(to)?);
        let before = hours.last().map_or(0, |last| last.1);
        if from == to || from == DAY || before > from {
            return None;
        }
        hours.push((from, if to > from { to } else { to + DAY }));
    }
    Some(hours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_dates_are_of_one_year_or_of_every_year_and_may_be_several() {
        let days = |text: &str| -> Option<Vec<(Option<i32>, u32, u32)>> {
            Some(dates(text)?.iter().map(|date| (date.year, date.day.0, date.day.1)).collect())
        };
        assert_eq!(days("2026-12-24"), Some(vec![(Some(2026), 12, 24)]));
        assert_eq!(days("12-31..01-01"), Some(vec![(None, 12, 31), (None, 1, 1)]));
        assert_eq!(days("02-28..03-01 08:00-09:00").map(|days| days.len()), Some(3));
        assert_eq!(days("2026-02-28..2026-03-01").map(|days| days.len()), Some(2));
        assert_eq!(dates("12-24 14:00-24:00").unwrap()[0].hours, [(840, 1440)]);
        assert_eq!(days("01-01..12-31").map(|days| days.len()), Some(366));
        for wrong in [
            "",
            "24.12.",
            "2026-12-24..12-25",
            "2026-12-25..2026-12-24",
            "2026-01-01..2027-01-02",
            "13-01",
            "12-24 none",
            "12-24 9-10",
            "2026-02-29",
        ] {
            assert_eq!(days(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn quiet_hours_go_on_after_midnight() {
        assert_eq!(hours("21:00-08:00"), Some(vec![(1260, 1920)]));
        assert_eq!(hours("12:00-14:00, 22:30-24:00"), Some(vec![(720, 840), (1350, 1440)]));
        assert_eq!(hours("00:00-24:00"), Some(vec![(0, 1440)]));
        assert_eq!(hours("none"), Some(Vec::new()));
        for wrong in ["", "21-8", "21:00-21:00", "21:00-08:00,07:00-09:00", "09:60-10:00", "20:00-24:01", "24:00-08:00"] {
            assert_eq!(hours(wrong), None, "{wrong}");
        }
    }
}
