//! Where the characters of a YAML scalar stand in the text of the document.

use super::source::{Spot, saturate};
use saphyr_parser::ScalarStyle;
use std::iter::Peekable;
use std::str::Chars;

/// Finds each character of `value` in `raw`, the text of the document from the first character of the scalar on.
///
/// All styles of YAML keep the characters that are not blank in their order, and change only blanks and line ends; so the
/// n-th such character of the value is the n-th of the text, escapes counted as what they stand for.
///
/// Gives the runs of [`Written`](super::tree::Written), and how many characters stand on the first line.
pub(super) fn runs(raw: &str, style: ScalarStyle, value: &str, start: Spot) -> (Vec<(u32, u32, u32)>, u32) {
    let mut reader = Reader { raw: raw.chars().peekable(), style, line: start.line, column: start.column };
    let mut runs: Vec<(u32, u32, u32)> = Vec::new();
    // The last run: number of its first character in the value, line and column.
    let mut last = (0_u32, start.line, start.column);
    let mut length = 1;
    // How many blanks stand before the character at hand, in the value and on its line in the text.
    let mut blanks = 0_u32;
    let mut number = 0_u32;
    for (at, letter) in value.char_indices() {
        if letter.is_whitespace() {
            blanks = if letter == ' ' || letter == '\t' { blanks + 1 } else { 0 };
            number += 1;
            continue;
        }
        let Some(found) = reader.next() else { break };
        if found.letter != letter {
            break;
        }
        if found.line == start.line {
            length = (found.column + 1).saturating_sub(start.column).max(1);
        }
        let expected = last.2.saturating_add(number - last.0);
        if found.line != last.1 || found.column != expected {
            // Only in a literal block the blanks at the head of a line are characters of the value.
            let back = if style == ScalarStyle::Literal { blanks.min(found.blanks) } else { 0 };
            last = (number - back, found.line, found.column - back);
            runs.push((saturate(at - back as usize), found.line, found.column - back));
        }
        blanks = 0;
        number += 1;
    }
    if runs.first().is_some_and(|run| run.0 != 0) {
        runs.insert(0, (0, start.line, start.column));
    }
    (runs, length)
}

/// Skips anchor, tag, blanks and comments before a scalar, and the header of a block scalar. Gives the number of bytes, and
/// the line and column after them.
pub(super) fn skip_properties(raw: &str, style: ScalarStyle, start: Spot) -> (usize, u32, u32) {
    let mut reader = Reader { raw: raw.chars().peekable(), style, line: start.line, column: start.column };
    let mut bytes = 0;
    let mut header = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
    loop {
        let rest = raw.get(bytes..).unwrap_or("");
        let length = match rest.chars().next() {
            Some(blank) if blank.is_whitespace() => blank.len_utf8(),
            Some('&' | '!') => rest.find(char::is_whitespace).unwrap_or(rest.len()),
            Some('#') => rest.find(['\n', '\r']).unwrap_or(rest.len()),
            Some('|' | '>') if header => {
                header = false;
                rest.find(['\n', '\r']).unwrap_or(rest.len())
            }
            _ => return (bytes, reader.line, reader.column),
        };
        for _ in rest.get(..length).unwrap_or("").chars() {
            reader.take();
        }
        bytes += length;
        if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) && !header {
            return (bytes, reader.line, reader.column);
        }
    }
}

/// A character of the text that is not blank.
struct Found {
    letter: char,
    line: u32,
    column: u32,
    /// How many blanks stand before it on its line.
    blanks: u32,
}

struct Reader<'a> {
    raw: Peekable<Chars<'a>>,
    style: ScalarStyle,
    line: u32,
    column: u32,
}

impl Reader<'_> {
    /// The next character that is not blank.
    fn next(&mut self) -> Option<Found> {
        let mut blanks = 0;
        loop {
            let (line, column) = (self.line, self.column);
            let letter = self.take()?;
            if self.style == ScalarStyle::DoubleQuoted && letter == '\\' {
                match self.escape()? {
                    Some(letter) if !letter.is_whitespace() => return Some(Found { letter, line, column, blanks }),
                    _ => blanks = 0,
                }
                continue;
            }
            if letter == ' ' || letter == '\t' {
                blanks += 1;
            } else if letter.is_whitespace() {
                blanks = 0;
            } else {
                if self.style == ScalarStyle::SingleQuoted && letter == '\'' {
                    self.take();
                }
                return Some(Found { letter, line, column, blanks });
            }
        }
    }

    /// One character of the text; line ends are LF, CR or CR LF.
    fn take(&mut self) -> Option<char> {
        let letter = self.raw.next()?;
        match letter {
            '\r' if self.raw.peek() == Some(&'\n') => {}
            '\n' | '\r' => {
                self.line = self.line.saturating_add(1);
                self.column = 1;
            }
            _ => self.column = self.column.saturating_add(1),
        }
        Some(letter)
    }

    /// What an escape stands for, after its backslash (YAML 1.2, section 5.7); nothing for a line end.
    fn escape(&mut self) -> Option<Option<char>> {
        let digits = match self.take()? {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            '0' => return Some(Some('\0')),
            'a' => return Some(Some('\u{7}')),
            'b' => return Some(Some('\u{8}')),
            'e' => return Some(Some('\u{1b}')),
            't' | 'n' | 'v' | 'f' | 'r' | 'N' | '_' | 'L' | 'P' => return Some(None),
            letter if letter.is_whitespace() => return Some(None),
            letter => return Some(Some(letter)),
        };
        let mut code = 0_u32;
        for _ in 0..digits {
            code = code.checked_mul(16)?.checked_add(self.take()?.to_digit(16)?)?;
        }
        Some(char::from_u32(code))
    }
}
