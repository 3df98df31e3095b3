use super::super::report::FlowReport;

/// A whole number with its thousands apart: `12,345`.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// A number that may not be told: it may be small, or large and one from which a small one would follow.
pub(super) fn count_or(number: Option<u64>) -> String {
    number.map_or_else(|| "–".to_owned(), count)
}

/// How many go a way: `1,234 (62 %)`.
pub(super) fn volume(flow: &FlowReport) -> String {
    let number = count(flow.count);
    flow.share.map_or_else(|| number.clone(), |share| format!("{number} ({})", percent(share)))
}

/// A share in percent: `62 %`, `0.4 %`.
pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent > 0.0 && percent < 9.95 { format!("{percent:.1} %").replace(".0 %", " %") } else { format!("{percent:.0} %") }
}

/// A length of time as people say it: `40 s`, `3.2 h`, `12 days`.
pub(super) fn length(seconds: f64) -> String {
    const UNITS: [(f64, &str, &str); 6] = [
        (31_556_952.0 * 2.0, "year", "years"),
        (2_629_746.0 * 2.0, "month", "months"),
        (86_400.0, "day", "days"),
        (3_600.0, "h", "h"),
        (60.0, "min", "min"),
        (1.0, "s", "s"),
    ];
    if seconds < 1.0 {
        return "at once".to_owned();
    }
    for (least, one, many) in UNITS {
        if seconds >= least * 0.995 {
            let unit = match one {
                "year" => 31_556_952.0,
                "month" => 2_629_746.0,
                _ => least,
            };
            let amount = seconds / unit;
            let shown = if amount < 9.95 { format!("{amount:.1}") } else { format!("{amount:.0}") };
            let shown = shown.trim_end_matches(".0").to_owned();
            return format!("{shown} {}", if shown == "1" { one } else { many });
        }
    }
    String::new()
}

/// From one length to another: `1.4 to 4.5 days`, `5 h to 7 days`.
pub(super) fn range(low: f64, high: f64) -> String {
    let (low, high) = (length(low), length(high));
    match (low.rsplit_once(' '), high.rsplit_once(' ')) {
        _ if low == high => low,
        (Some((number, unit)), Some((_, other))) if unit.trim_end_matches('s') == other.trim_end_matches('s') => {
            format!("{number} to {high}")
        }
        _ => format!("{low} to {high}"),
    }
}

/// A name as people write it.
pub(super) fn plain(name: &str) -> String {
    name.replace('_', " ")
}

/// The date of an instant: `31 Mar 2010`.
pub(super) fn date(time: crate::value::Timestamp) -> String {
    time.to_chrono().format("%-d %b %Y").to_string()
}

/// About how wide text is at a size, in pixels; no font is at hand here, so on the wide side.
pub(super) fn width(text: &str, size: f64) -> f64 {
    let ems: f64 = text
        .chars()
        .map(|sign| match sign {
            'i' | 'l' | 'j' | 'I' | '.' | ',' | ':' | ';' | '|' | '\'' | '!' | '(' | ')' => 0.3,
            'f' | 't' | 'r' | ' ' | '-' | '·' => 0.38,
            'm' | 'w' | 'M' | 'W' | '%' | '@' => 0.92,
            'A'..='Z' => 0.69,
            _ if sign.is_ascii() => 0.57,
            // Han, kana and the like are as wide as they are high.
            _ if sign as u32 >= 0x2e80 => 1.05,
            _ => 0.62,
        })
        .sum();
    ems * size
}

/// The same of bold text.
pub(super) fn bold(text: &str, size: f64) -> f64 {
    width(text, size) * 1.19
}

/// Breaks text into lines that fit; what does not fit into `most` lines ends in an ellipsis.
pub(super) fn wrap(text: &str, size: f64, room: f64, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut words: Vec<String> = Vec::new();
    // A percent sign stays with its number.
    let mut whole: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match whole.last_mut() {
            Some(number) if word.starts_with('%') => *number = format!("{number} {word}"),
            _ => whole.push(word.to_owned()),
        }
    }
    for word in whole {
        // A word that is longer than a line is broken where it has to be.
        let mut part = String::new();
        for sign in word.chars() {
            if width(&part, size) + width("m", size) > room && !part.is_empty() {
                words.push(std::mem::take(&mut part));
            }
            part.push(sign);
        }
        words.push(part);
    }
    for word in words {
        match lines.last_mut() {
            Some(line) if width(line, size) + width(" ", size) + width(&word, size) <= room => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            while width(last, size) + width("…", size) > room && last.pop().is_some() {}
            *last = format!("{}…", last.trim_end_matches([' ', '·', '-']));
        }
    }
    lines
}

/// One line that fits.
pub(super) fn fit(text: &str, size: f64, room: f64) -> String {
    wrap(text, size, room, 1).pop().unwrap_or_default()
}

/// Text within markup. Signs that XML does not have are left out.
pub(super) fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '"' => shown.push_str("&quot;"),
            '\'' => shown.push_str("&#39;"),
            '\n' | '\t' => shown.push(' '),
            '\u{fffe}' | '\u{ffff}' => {}
            _ if sign.is_control() => {}
            _ => shown.push(sign),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0.0, 0.004, 0.05, 0.62, 1.0].map(percent), ["0 %", "0.4 %", "5 %", "62 %", "100 %"]);
        let lengths = [0.0, 40.0, 90.0, 3_600.0, 86_400.0, 90_000.0, 2_592_000.0, 6_000_000.0, 1e9].map(length);
        assert_eq!(
            [range(86_400.0, 172_800.0), range(60.0, 172_800.0), range(60.0, 61.0)],
            ["1 to 2 days", "1 min to 2 days", "1 min"]
        );
        assert_eq!(lengths, ["at once", "40 s", "1.5 min", "1 h", "1 day", "1 day", "30 days", "2.3 months", "32 years"]);
    }

    #[test]
    fn long_names_are_broken_and_cut() {
        assert_eq!(wrap("one two", 10.0, 500.0, 2), ["one two"]);
        let lines = wrap("a name that goes on and on and on", 10.0, 60.0, 2);
        assert_eq!(lines.len(), 2);
        assert!(lines.iter().all(|line| width(line, 10.0) <= 60.0) && lines[1].ends_with('…'), "{lines:?}");
        assert_eq!(fit("complaint · phone", 13.4, 90.0), "complaint…");
        assert!(wrap(&"x".repeat(500), 10.0, 60.0, 3).iter().all(|line| width(line, 10.0) <= 66.0));
    }
}
