use crate::value::{Moment, Timestamp, Value, Zone};
use std::fmt::Write;

/// How many characters of a value are shown.
const MOST: usize = 200;
/// How many items of a list are shown.
const ITEMS: usize = 20;

/// A value in words, cut to a length for people.
pub(super) fn value(value: &Value, zone: Zone) -> String {
    let text = match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) | Value::Type(text) => clean(text),
        Value::Int(number) => number.to_string(),
        Value::Uint(number) => number.to_string(),
        Value::Double(number) => number.to_string(),
        Value::Decimal(number) => number.to_string(),
        Value::Date(date) => date.to_string(),
        Value::Duration(duration) => duration.to_string(),
        Value::Point(point) => point.to_string(),
        Value::Timestamp(moment) => moment_of(*moment, zone),
        Value::List(items) => {
            let shown: Vec<String> = items.iter().take(ITEMS).map(|item| self::value(item, zone)).collect();
            let more = if items.len() > ITEMS { ", …" } else { "" };
            format!("{}{more}", shown.join(", "))
        }
        other => clean(&other.to_json().to_string()),
    };
    cut(&text)
}

fn cut(text: &str) -> String {
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(MOST).collect();
    short.push('…');
    short
}

/// Text without what steers terminals and browsers: control characters, and marks that turn the direction of writing around.
pub(super) fn clean(text: &str) -> String {
    let shown = |letter: char| match letter {
        '\n' | '\r' | '\t' => ' ',
        letter if letter.is_control() => '\u{fffd}',
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}' | '\u{feff}' => '\u{fffd}',
        '\u{2028}' | '\u{2029}' => ' ',
        letter => letter,
    };
    text.chars().map(shown).collect()
}

/// A name for people: `title`, else the name with blanks.
pub(super) fn title(title: Option<&str>, name: &str) -> String {
    match title {
        Some(title) => clean(title),
        None => clean(&name.replace('_', " ")),
    }
}

/// An instant to the minute, in a zone; to the second when it has seconds.
pub(super) fn time(time: Timestamp, zone: Zone) -> String {
    moment_of(Moment::from(time), zone)
}

fn moment_of(moment: Moment, zone: Zone) -> String {
    use chrono::Timelike;
    let local = zone.local(moment);
    let form = if local.second() == 0 { "%Y-%m-%d %H:%M" } else { "%Y-%m-%d %H:%M:%S" };
    local.format(form).to_string()
}

/// A day in a zone.
pub(super) fn day(time: Timestamp, zone: Zone) -> String {
    zone.date(time).format("%Y-%m-%d").to_string()
}

/// How long it was from one instant to another, to the minute.
pub(super) fn length(from: Timestamp, to: Timestamp) -> String {
    let minutes = (to.micros() - from.micros()) / 60_000_000;
    match (minutes / 60, minutes % 60) {
        (0, 0) => "under a minute".to_owned(),
        (0, minutes) => format!("{minutes} min"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// A share of 1 in per cent, to the whole.
pub(super) fn percent(share: f64) -> String {
    format!("{:.0} %", (share * 100.0).clamp(-100.0, 100.0))
}

/// A number and what it counts.
pub(super) fn count(number: u64, one: &str, many: &str) -> String {
    let mut text = String::new();
    let digits = number.to_string();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    let _ = write!(text, " {}", if number == 1 { one } else { many });
    text
}

/// What a consent is, in words.
pub(super) fn consent(state: &str, explicit: bool) -> &'static str {
    match state {
        "given" if explicit => "given explicitly",
        "given" => "given",
        "withdrawn" => "withdrawn",
        "objected" => "objected to",
        "expired" => "expired",
        "elsewhere" => "given elsewhere only",
        "lawful" => "lawful without consent",
        "never_asked" => "nothing said",
        "not_entitled" => "given by one who may not",
        _ => "not in this session",
    }
}
