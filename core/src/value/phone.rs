use phonenumber::country::Id;
use phonenumber::{Mode, PhoneNumber};

/// The version of the telephone tables, part of the digest of playbooks that read numbers.
pub(crate) const PHONE_TABLES: &str = "libphonenumber 9.0.33";

/// The longest number that is read, in bytes: 15 digits with what people put between them.
const LONGEST: usize = 64;

/// Whether a text is a country with two letters, as ISO 3166 writes it.
pub(crate) fn is_phone_region(text: &str) -> bool {
    text.parse::<Id>().is_ok()
}

/// A telephone number in the form of E.164 (`+` and at most 15 digits); one without a country belongs to `region`. `None` for what
/// is no number that a country has given out, and for extensions, which E.164 has no place for.
pub(crate) fn e164(text: &str, region: Option<&str>) -> Option<String> {
    // Only what numbers are written with reaches the library.
    let fits = |letter: char| letter.is_ascii_digit() || matches!(letter, '+' | ' ' | '-' | '.' | '/' | '(' | ')' | '\u{a0}');
    let text = text.trim();
    if text.len() > LONGEST || !text.chars().all(fits) || !text.contains(|letter: char| letter.is_ascii_digit()) {
        return None;
    }
    let region = region.and_then(|region| region.parse().ok());
    // Numbers are dialled abroad with 00 in most countries; the library knows that prefix only beside a region.
    let abroad = text.strip_prefix("00").filter(|_| region.is_none()).map(|rest| format!("+{rest}"));
    let number: PhoneNumber = phonenumber::parse(region, abroad.as_deref().unwrap_or(text)).ok()?;
    number.is_valid().then(|| number.format().mode(Mode::E164).to_string())
}

#[cfg(test)]
mod tests {
    use super::{e164, is_phone_region};

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (text, region, expected) in [
            ("030 901820", Some("DE"), Some("+4930901820")),
            ("+49 (0)30 901820", Some("DE"), Some("+4930901820")),
            ("0049 30 901820", Some("DE"), Some("+4930901820")),
            ("0049 30 901820", None, Some("+4930901820")),
            ("+1 650-253-0000", Some("DE"), Some("+16502530000")),
            ("(650) 253 0000", Some("US"), Some("+16502530000")),
            ("030 901820", None, None),
            ("0000000000", Some("DE"), None),
            ("+", Some("DE"), None),
            ("++++", None, None),
            ("", Some("DE"), None),
            ("call me", Some("DE"), None),
            ("030 901820 ext. 7", Some("DE"), None),
            ("+999 123", None, None),
        ] {
            assert_eq!(e164(text, region).as_deref(), expected, "{text}");
        }
        assert!(is_phone_region("DE") && !is_phone_region("de") && !is_phone_region("Germany"));
    }
}
