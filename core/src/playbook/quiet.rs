//! Quiet hours: by weekday, over midnight.

use super::read::{At, Loader};
use super::source::cut;

/// Quiet hours by the day on which they begin, from Monday on: from and to which minute of that day; the end is beyond 1440
/// when they go on after midnight.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QuietHours {
    /// By day, from Monday on.
    pub days: [Vec<(u16, u16)>; 7],
    /// Days of which nothing is said, although others have hours.
    pub unsaid: Vec<&'static str>,
}

/// The days, from Monday on.
pub(super) const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

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
            return Some(QuietHours { days: DAYS.map(on), unsaid: Vec::new() });
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
        if unsaid.len() == DAYS.len() && !wrong {
            let hint = "such as `daily: \"21:00-08:00\"`".to_owned();
            self.error("empty", at, "no day has quiet hours".to_owned(), Some(hint));
        }
        (!wrong).then_some(QuietHours { days, unsaid })
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
