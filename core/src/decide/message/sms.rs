use schemars::JsonSchema;
use serde::Serialize;

/// How long a text message is: by its characters it is written in 7 bits each (GSM 03.38, 160 to a message, 153 to a segment of a longer
/// one) or in UTF-16 (70 and 67).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "sms_length")]
pub struct SmsLength {
    /// `gsm7` or `ucs2`.
    pub encoding: &'static str,
    /// How many septets, or code units of UTF-16.
    pub units: u32,
    /// How many segments are sent.
    pub segments: u32,
}

/// The basic characters of GSM 03.38.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// Those that take an escape and so two septets.
const EXTENDED: &str = "\u{c}^{}\\[~]|€";

impl SmsLength {
    /// The length of a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let septets = |letter: char| match letter {
            letter if BASIC.contains(letter) => Some(1),
            letter if EXTENDED.contains(letter) => Some(2),
            _ => None,
        };
        match text.chars().map(septets).collect::<Option<Vec<u32>>>() {
            Some(sizes) => Self::count("gsm7", &sizes, 160, 153),
            None => {
                let sizes: Vec<u32> = text.chars().map(|letter| if letter.len_utf16() == 2 { 2 } else { 1 }).collect();
                Self::count("ucs2", &sizes, 70, 67)
            }
        }
    }

    /// No character is cut in two by the end of a segment.
    fn count(encoding: &'static str, sizes: &[u32], alone: u32, each: u32) -> Self {
        let units = sizes.iter().fold(0_u32, |sum, size| sum.saturating_add(*size));
        if units <= alone {
            return SmsLength { encoding, units, segments: u32::from(units > 0) };
        }
        let (mut segments, mut filled) = (1_u32, 0);
        for size in sizes {
            if filled + size > each {
                segments = segments.saturating_add(1);
                filled = 0;
            }
            filled += size;
        }
        SmsLength { encoding, units, segments }
    }
}

#[cfg(test)]
mod tests {
    use super::SmsLength;

    fn told(text: &str) -> (&'static str, u32, u32) {
        let SmsLength { encoding, units, segments } = SmsLength::of(text);
        (encoding, units, segments)
    }

    #[test]
    fn characters_decide_the_encoding_and_the_segments() {
        assert_eq!(told(""), ("gsm7", 0, 0));
        assert_eq!(told(&"a".repeat(160)), ("gsm7", 160, 1));
        assert_eq!(told(&"a".repeat(161)), ("gsm7", 161, 2));
        assert_eq!(told(&"a".repeat(306)), ("gsm7", 306, 2));
        assert_eq!(told(&"a".repeat(307)), ("gsm7", 307, 3));
        assert_eq!(told(&"€".repeat(80)), ("gsm7", 160, 1));
        // 153 is odd: the escape and its character stay together.
        assert_eq!(told(&"€".repeat(153)), ("gsm7", 306, 3));
        assert_eq!(told(&"ж".repeat(70)), ("ucs2", 70, 1));
        assert_eq!(told(&"ж".repeat(71)), ("ucs2", 71, 2));
        assert_eq!(told(&"\u{1f600}".repeat(35)), ("ucs2", 70, 1));
        assert_eq!(told(&"\u{1f600}".repeat(67)), ("ucs2", 134, 3));
        assert_eq!(told("Grüße, ça va"), ("ucs2", 12, 1));
        assert_eq!(told("Grüße à Ça"), ("gsm7", 10, 1));
    }
}
