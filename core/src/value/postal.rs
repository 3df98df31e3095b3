//! Postal codes as canonical text: the country, a dash and the code, such as `DE-10115` or `GB-SW1A1AA`; without a country
//! the code alone.

/// The longest code, in letters and digits; the longest in use has 10.
const LONGEST: usize = 16;

/// The canonical text of a code that may carry its country (`DE-10115`, `DE 10115`, `10115`); blanks, dots and dashes within a
/// code do not count, letters become capitals. `country` holds where the text names none. `None` when it is no postal code.
pub(crate) fn canonical(text: &str, country: Option<&str>) -> Option<String> {
    let text = text.trim();
    let (own, code) = match (text.get(..2), text.get(2..3), text.get(3..)) {
        (Some(own), Some("-" | " "), Some(code)) if is_country(own) => (Some(own), code),
        _ => (None, text),
    };
    let mut letters = String::with_capacity(code.len() + 3);
    if let Some(country) = own.or(country) {
        letters.extend(country.chars().map(|letter| letter.to_ascii_uppercase()));
        letters.push('-');
    }
    let start = letters.len();
    for letter in code.chars() {
        match letter {
            ' ' | '.' | '-' => {}
            letter if letter.is_ascii_alphanumeric() => letters.push(letter.to_ascii_uppercase()),
            _ => return None,
        }
    }
    (1..=LONGEST).contains(&(letters.len() - start)).then_some(letters)
}

/// Countries whose codes are digits alone and always so many; a code that came as a number has lost the zeros it began with.
const DIGITS: [(usize, &[&str]); 5] = [
    (
        4,
        &[
            "AT", "AU", "BE", "BG", "CH", "CY", "DK", "GE", "HU", "LI", "LU", "LV", "MD", "MK", "NO", "NZ", "PH", "SI", "TN",
            "ZA",
        ],
    ),
    (
        5,
        &[
            "BA", "CZ", "DE", "DZ", "EE", "EG", "ES", "FI", "FR", "GR", "HR", "ID", "IT", "KR", "LT", "MA", "ME", "MX", "MY",
            "PK", "PL", "RS", "SE", "SK", "TH", "TR", "UA", "US",
        ],
    ),
    (6, &["BY", "CN", "CO", "IN", "KZ", "RO", "RU", "SG"]),
    (7, &["CL", "IL", "JP", "PT"]),
    (8, &["BR"]),
];

/// The canonical text of a code that was told as a number, with the zeros that the codes of its country begin with. `None` when it is no
/// postal code.
pub(crate) fn of_number(number: i64, country: Option<&str>) -> Option<String> {
    let number = u32::try_from(number).ok()?;
    let own = |names: &[&str]| country.is_some_and(|country| names.iter().any(|name| name.eq_ignore_ascii_case(country)));
    let digits = DIGITS.iter().find(|(_, names)| own(names)).map_or(1, |(digits, _)| *digits);
    canonical(&format!("{number:0digits$}"), country)
}

/// Whether a text is of the form of a country code: two letters, ISO 3166-1 alpha-2.
pub(crate) fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// The country and the code of a canonical text; the country is empty when none was told.
pub(crate) fn parts(canonical: &str) -> (&str, &str) {
    canonical.split_once('-').unwrap_or(("", canonical))
}

/// Whether a canonical code begins with another, which may name a country too; one that names none holds for any.
pub(crate) fn begins_with(canonical: &str, prefix: &str) -> bool {
    // A prefix may be a country alone.
    let (country, code) = parts(canonical);
    if let Some(wanted) = prefix.strip_suffix('-').filter(|wanted| is_country(wanted)) {
        return country.eq_ignore_ascii_case(wanted);
    }
    let Some(prefix) = self::canonical(prefix, None) else { return prefix.trim().is_empty() };
    let (wanted, begin) = parts(&prefix);
    (wanted.is_empty() || wanted == country) && code.starts_with(begin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_one_text() {
        for (text, country, expected) in [
            ("10115", None, Some("10115")),
            ("10115", Some("de"), Some("DE-10115")),
            ("de-10115", Some("AT"), Some("DE-10115")),
            ("GB sw1a 1aa", None, Some("GB-SW1A1AA")),
            ("SW1A 1AA", Some("GB"), Some("GB-SW1A1AA")),
            ("1234 AB", Some("NL"), Some("NL-1234AB")),
            ("", None, None),
            ("DE-", None, None),
            ("101_15", None, None),
            ("12345678901234567", None, None),
        ] {
            assert_eq!(canonical(text, country).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn numbers_get_back_the_zeros_they_began_with() {
        for (number, country, expected) in [
            (1067, Some("DE"), Some("DE-01067")),
            (10115, Some("de"), Some("DE-10115")),
            (1, Some("NO"), Some("NO-0001")),
            (600_001, Some("JP"), Some("JP-0600001")),
            (1_310_100, Some("BR"), Some("BR-01310100")),
            (1067, None, Some("1067")),
            (1067, Some("GB"), Some("GB-1067")),
            (123_456, Some("DE"), Some("DE-123456")),
            (-1, Some("DE"), None),
        ] {
            assert_eq!(of_number(number, country).as_deref(), expected, "{number}");
        }
    }

    #[test]
    fn prefixes_may_name_the_country() {
        assert!(begins_with("DE-10115", "10"));
        assert!(begins_with("DE-10115", "DE-10"));
        assert!(begins_with("DE-10115", "DE-"));
        assert!(begins_with("GB-SW1A1AA", "sw1a 1"));
        assert!(!begins_with("AT-1010", "DE-10"));
        assert!(!begins_with("10115", "DE-10"));
        assert!(!begins_with("DE-10115", "01"));
    }
}
