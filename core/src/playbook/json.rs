//! JSON (RFC 8259) with places.
//!
//! JSON is not read by the YAML parser, although JSON is nearly YAML: that parser refuses escaped surrogate pairs
//! (`"\ud83d\ude00"`) and tabs after a colon, both of which JSON writers produce.

use super::source::{Findings, Spot, cut, saturate};
use super::tree::{Content, Entry, Limits, Node, Written};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Reads a JSON document; mistakes go to the findings, and `None` comes back when the rest cannot be read.
pub(super) fn parse(document: u32, limits: Limits, findings: &mut Findings<'_>) -> Option<Node> {
    let text = findings.sources.get(document as usize)?.text;
    let mut reader =
        Reader { document, text, at: 0, line: 1, line_start: 0, columns: (0, 0), nodes: 0, limits, findings, path: Vec::new() };
    let result = reader.value(0).and_then(|node| {
        reader.blanks();
        if reader.at < text.len() { Err(reader.wrong("the end of the document")) } else { Ok(node) }
    });
    match result {
        Ok(node) => Some(node),
        Err(Stop { code, spot, message }) => {
            let named = findings
                .sources
                .get(document as usize)
                .is_some_and(|source| source.name.to_ascii_lowercase().ends_with(".json"));
            let hint = "it is read as JSON, since it begins with `{`; a document in YAML has a name that ends in `.yaml`";
            findings.error(code, spot, "", message, (!named && code == "syntax").then(|| hint.to_owned()));
            None
        }
    }
}

/// Why reading cannot go on.
struct Stop {
    code: &'static str,
    spot: Spot,
    message: String,
}

struct Reader<'a, 'b> {
    document: u32,
    text: &'b str,
    at: usize,
    line: u32,
    line_start: usize,
    /// A byte of the current line and how many characters stand before it, so that columns of long lines are counted once.
    columns: (usize, u32),
    nodes: usize,
    limits: Limits,
    findings: &'a mut Findings<'b>,
    path: Vec<String>,
}

impl Reader<'_, '_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' => self.at += 1,
                b'\n' | b'\r' => {
                    let pair = byte == b'\r' && self.text.as_bytes().get(self.at + 1) == Some(&b'\n');
                    self.at += if pair { 2 } else { 1 };
                    self.line = self.line.saturating_add(1);
                    self.line_start = self.at;
                    self.columns = (self.at, 0);
                }
                _ => return,
            }
        }
    }

    /// The place of a byte of the current line.
    fn spot(&mut self, byte: usize, length: u32) -> Spot {
        let (from, before) = if self.columns.0 <= byte { self.columns } else { (self.line_start, 0) };
        let count = self.text.get(from..byte).map_or(0, |between| between.chars().count());
        self.columns = (byte, before.saturating_add(saturate(count)));
        Spot { document: self.document, line: self.line, column: self.columns.1.saturating_add(1), length: length.max(1) }
    }

    fn wrong(&mut self, expected: &str) -> Stop {
        let found = match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            Some(letter) => format!("`{}`", cut(&letter.to_string())),
            None => "the end of the document".to_owned(),
        };
        let spot = self.spot(self.at, 1);
        Stop { code: "syntax", spot, message: format!("expected {expected}, found {found}") }
    }

    fn value(&mut self, depth: usize) -> Result<Node, Stop> {
        self.blanks();
        let start = self.at;
        self.nodes += 1;
        if self.nodes > self.limits.nodes {
            let spot = self.spot(start, 1);
            return Err(Stop { code: "too_large", spot, message: format!("more than {} values", self.limits.nodes) });
        }
        if depth > self.limits.depth {
            let spot = self.spot(start, 1);
            return Err(Stop { code: "too_deep", spot, message: format!("nested deeper than {}", self.limits.depth) });
        }
        match self.peek() {
            Some(b'{') => self.map(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => {
                let (spot, written) = self.string()?;
                Ok(Node { spot, content: Content::Text(written) })
            }
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.word(),
        }
    }

    fn map(&mut self, depth: usize) -> Result<Node, Stop> {
        let spot = self.spot(self.at, 1);
        self.at += 1;
        let mut entries: Vec<Entry> = Vec::new();
        let mut known: BTreeMap<Arc<str>, Spot> = BTreeMap::new();
        self.blanks();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Node { spot, content: Content::Map(entries) });
        }
        loop {
            self.blanks();
            if self.peek() != Some(b'"') {
                return Err(self.wrong("a key in double quotes"));
            }
            let (key_spot, key) = self.string()?;
            self.blanks();
            if self.peek() != Some(b':') {
                return Err(self.wrong("`:`"));
            }
            self.at += 1;
            self.path.push(cut(&key.text));
            self.nodes += 1;
            let value = self.value(depth + 1)?;
            if let Some(first) = known.get(&key.text) {
                let message = format!("key `{}` stands twice in one mapping", cut(&key.text));
                self.findings.clash("duplicate_key", key_spot, &self.path.join("."), message, ("it first stands here", *first));
            } else {
                known.insert(key.text.clone(), key_spot);
                entries.push(Entry { key: key.text, spot: key_spot, value });
            }
            self.path.pop();
            self.blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return Err(self.wrong("`,` or `}`")),
            }
        }
        self.at += 1;
        Ok(Node { spot, content: Content::Map(entries) })
    }

    fn list(&mut self, depth: usize) -> Result<Node, Stop> {
        let spot = self.spot(self.at, 1);
        self.at += 1;
        let mut items = Vec::new();
        self.blanks();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Node { spot, content: Content::List(items) });
        }
        loop {
            self.path.push(items.len().to_string());
            items.push(self.value(depth + 1)?);
            self.path.pop();
            self.blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return Err(self.wrong("`,` or `]`")),
            }
        }
        self.at += 1;
        Ok(Node { spot, content: Content::List(items) })
    }

    fn word(&mut self) -> Result<Node, Stop> {
        let rest = self.text.get(self.at..).unwrap_or("");
        let length = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
        let content = match rest.get(..length) {
            Some("true") => Content::Bool(true),
            Some("false") => Content::Bool(false),
            Some("null") => Content::Null,
            _ => return Err(self.wrong("a JSON value")),
        };
        let spot = self.spot(self.at, saturate(length));
        self.at += length;
        Ok(Node { spot, content })
    }

    fn number(&mut self) -> Result<Node, Stop> {
        let rest = self.text.get(self.at..).unwrap_or("");
        let length = rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte)).count();
        let number = rest.get(..length).unwrap_or("");
        let spot = self.spot(self.at, saturate(length));
        if !is_number(number) {
            let message = format!("`{}` is not a number as JSON writes it", cut(number));
            return Err(Stop { code: "syntax", spot, message });
        }
        self.at += length;
        Ok(Node { spot, content: Content::Number(Arc::from(number)) })
    }

    fn string(&mut self) -> Result<(Spot, Written), Stop> {
        self.at += 1;
        let start = self.at;
        let spot = self.spot(start, 1);
        let mut text = String::new();
        let mut runs = Vec::new();
        loop {
            let rest = self.text.get(self.at..).unwrap_or("");
            let plain = rest.bytes().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..=0x1f)).count();
            if plain > 0 {
                if !runs.is_empty() {
                    let spot = self.spot(self.at, 1);
                    runs.push((saturate(text.len()), spot.line, spot.column));
                }
                text.push_str(rest.get(..plain).unwrap_or(""));
                self.at += plain;
            }
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    let spot = self.spot(self.at, 1);
                    runs.push((saturate(text.len()), spot.line, spot.column));
                    let letter = self.escape()?;
                    text.push(letter);
                }
                Some(_) => return Err(self.wrong("no control character inside a string")),
                None => return Err(self.wrong("`\"`")),
            }
        }
        let length = self.text.get(start..self.at).map_or(1, |raw| raw.chars().count());
        let spot = Spot { length: saturate(length).max(1), ..spot };
        self.at += 1;
        if runs.first().is_some_and(|run| run.0 != 0) {
            runs.insert(0, (0, spot.line, spot.column));
        }
        Ok((spot, Written { text: text.into(), runs, quoted: true }))
    }

    fn escape(&mut self) -> Result<char, Stop> {
        self.at += 1;
        let letter = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                let high = self.hex()?;
                if (0xd800..0xdc00).contains(&high) && self.text.get(self.at..).is_some_and(|rest| rest.starts_with("\\u")) {
                    self.at += 2;
                    let low = self.hex()?;
                    let second = (0xdc00..0xe000).contains(&low).then(|| low - 0xdc00);
                    let pair = second.and_then(|second| char::from_u32(0x10000 + ((high - 0xd800) << 10) + second));
                    return pair.ok_or_else(|| self.wrong("the second half of a surrogate pair before"));
                }
                return char::from_u32(high).ok_or_else(|| self.wrong("the second half of a surrogate pair"));
            }
            _ => return Err(self.wrong("one of the escapes `\\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u`")),
        };
        self.at += 1;
        Ok(letter)
    }

    fn hex(&mut self) -> Result<u32, Stop> {
        let digits = self.text.get(self.at..self.at + 4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let Some(code) = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) else {
            return Err(self.wrong("four hexadecimal digits"));
        };
        self.at += 4;
        Ok(code)
    }
}

/// Whether a text is a number as JSON writes it.
pub(super) fn is_number(text: &str) -> bool {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = text.strip_prefix('-').unwrap_or(text);
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest.starts_with('0')) {
        return false;
    }
    let mut rest = rest.get(whole..).unwrap_or("");
    if let Some(fraction) = rest.strip_prefix('.') {
        let count = digits(fraction);
        if count == 0 {
            return false;
        }
        rest = fraction.get(count..).unwrap_or("");
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let count = digits(exponent);
        return count > 0 && count == exponent.len();
    }
    rest.is_empty()
}
