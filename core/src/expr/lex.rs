//! Text to tokens: CEL's lexical rules.

use super::ast::Extent;
use crate::value::Value;
use std::sync::Arc;

/// A token and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) extent: Extent,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum TokenKind {
    /// An identifier or a word such as `in` or `true`.
    Word(Arc<str>),
    /// A field name in backticks.
    Quoted(Arc<str>),
    /// An int literal; the digits, `0x` included.
    Int(Arc<str>),
    /// A uint literal without its `u`.
    Uint(Arc<str>),
    /// A double literal.
    Double(Arc<str>),
    /// A text or bytes literal.
    Constant(Value),
    /// An operator or bracket.
    Sign(&'static str),
    /// The end of the text.
    End,
}

/// Something that is no token.
#[derive(Debug, Clone)]
pub(super) struct LexError {
    pub(super) extent: Extent,
    pub(super) message: String,
    pub(super) hint: Option<&'static str>,
}

const SIGNS: [&str; 26] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "!", "?", ":", ".", ",", "(", ")", "[", "]", "{",
    "}", "=", "&",
];

/// All tokens, the last of them [`TokenKind::End`], and all errors.
pub(super) fn tokens(text: &str) -> (Vec<Token>, Vec<LexError>) {
    let mut lexer = Lexer { text, at: 0, errors: Vec::new(), comments: Vec::new() };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_blank();
        let start = lexer.at;
        if start >= text.len() {
            tokens.push(Token { kind: TokenKind::End, extent: lexer.extent(start) });
            return (tokens, lexer.errors);
        }
        if let Some(kind) = lexer.token() {
            tokens.push(Token { kind, extent: lexer.extent(start) });
        }
    }
}

/// Where the comments of a text stand.
pub(super) fn comments(text: &str) -> Vec<Extent> {
    let mut lexer = Lexer { text, at: 0, errors: Vec::new(), comments: Vec::new() };
    lexer.skip_blank();
    while lexer.at < text.len() {
        lexer.token();
        lexer.skip_blank();
    }
    lexer.comments
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    errors: Vec<LexError>,
    comments: Vec<Extent>,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn extent(&self, start: usize) -> Extent {
        let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Extent { start: narrow(start), end: narrow(self.at) }
    }

    fn error(&mut self, start: usize, message: impl Into<String>, hint: Option<&'static str>) {
        let extent = self.extent(start);
        self.errors.push(LexError { extent, message: message.into(), hint });
    }

    fn skip_blank(&mut self) {
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r', '\u{c}']).len();
            self.at += blank;
            if self.rest().starts_with("//") {
                let start = self.at;
                self.at += self.rest().find('\n').unwrap_or(self.rest().len());
                self.comments.push(self.extent(start));
            } else if blank == 0 {
                return;
            }
        }
    }

    fn token(&mut self) -> Option<TokenKind> {
        let rest = self.rest();
        let first = rest.chars().next()?;
        if let Some(kind) = self.constant() {
            return kind;
        }
        if first.is_ascii_alphabetic() || first == '_' {
            let length = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_').len();
            self.at += length;
            return Some(TokenKind::Word(Arc::from(&rest[..length])));
        }
        if first == '`' {
            return self.quoted();
        }
        let fraction = first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit());
        if first.is_ascii_digit() || fraction {
            return self.number();
        }
        let start = self.at;
        match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            Some(&"=") => {
                let (sign, meant, hint) = match rest.as_bytes().get(1) {
                    Some(b'>') => ("=>", ">=", "write `>=`"),
                    Some(b'<') => ("=<", "<=", "write `<=`"),
                    _ => ("=", "==", "compare with `==`"),
                };
                self.foreign(start, sign, hint);
                Some(TokenKind::Sign(meant))
            }
            Some(&"==") if rest.starts_with("===") => {
                self.foreign(start, "===", "compare with `==`");
                Some(TokenKind::Sign("=="))
            }
            Some(&"!=") if rest.starts_with("!==") => {
                self.foreign(start, "!==", "write `!=`");
                Some(TokenKind::Sign("!="))
            }
            Some(&"<") if rest.starts_with("<>") => {
                self.foreign(start, "<>", "write `!=`");
                Some(TokenKind::Sign("!="))
            }
            Some(&"&") => {
                self.foreign(start, "&", "write `&&`");
                Some(TokenKind::Sign("&&"))
            }
            Some(sign) => {
                self.at += sign.len();
                Some(TokenKind::Sign(sign))
            }
            None => {
                self.at += first.len_utf8();
                let hint = match first {
                    '≥' => Some("write `>=`"),
                    '≤' => Some("write `<=`"),
                    '≠' => Some("write `!=`"),
                    '“' | '”' | '„' | '«' | '»' => Some("texts stand in straight quotes: `\"`"),
                    '‘' | '’' => Some("texts stand in straight quotes: `'`"),
                    '–' | '—' | '−' => Some("write `-`"),
                    '×' => Some("write `*`"),
                    '|' => Some("write `||`"),
                    '^' => Some("powers are not part of the language; multiply instead"),
                    '#' => Some("a comment begins with `//`"),
                    ';' => Some("an expression is one condition; join several with `&&`"),
                    _ => None,
                };
                self.error(start, format!("unexpected character `{}`", first.escape_debug()), hint);
                None
            }
        }
    }

    /// A sign of other languages, with the one that is meant.
    fn foreign(&mut self, start: usize, sign: &str, hint: &'static str) {
        self.at = start + sign.len();
        self.error(start, format!("`{sign}` is no operator"), Some(hint));
    }

    fn quoted(&mut self) -> Option<TokenKind> {
        let start = self.at;
        let rest = &self.rest()[1..];
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/' | ' ');
        let length = rest.len() - rest.trim_start_matches(fits).len();
        if length == 0 || !rest[length..].starts_with('`') {
            self.at += 1 + length;
            self.error(
                start,
                "a field name in backticks is not closed, or has characters other than letters, digits, `_.-/ `",
                None,
            );
            return None;
        }
        self.at += length + 2;
        Some(TokenKind::Quoted(Arc::from(&rest[..length])))
    }

    fn number(&mut self) -> Option<TokenKind> {
        let start = self.at;
        let rest = self.rest();
        if let Some(digits) = rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X")) {
            let length = digits.len() - digits.trim_start_matches(|c: char| c.is_ascii_hexdigit()).len();
            self.at += 2 + length;
            if length == 0 {
                self.error(start, "a hexadecimal number needs digits", None);
            }
            return Some(self.int(&rest[..2 + length]));
        }
        let digits = |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let mut length = digits(rest);
        let mut double = false;
        if rest[length..].starts_with('.') && rest[length + 1..].starts_with(|c: char| c.is_ascii_digit()) {
            double = true;
            length += 1 + digits(&rest[length + 1..]);
        }
        if rest[length..].starts_with(['e', 'E']) {
            let signed = usize::from(rest[length + 1..].starts_with(['+', '-']));
            let exponent = digits(&rest[length + 1 + signed..]);
            if exponent > 0 {
                double = true;
                length += 1 + signed + exponent;
            }
        }
        self.at += length;
        let text = &rest[..length];
        if double { Some(TokenKind::Double(Arc::from(text))) } else { Some(self.int(text)) }
    }

    fn int(&mut self, text: &str) -> TokenKind {
        if self.rest().starts_with(['u', 'U']) {
            self.at += 1;
            return TokenKind::Uint(Arc::from(text));
        }
        TokenKind::Int(Arc::from(text))
    }

    /// A text or bytes literal, when one begins here.
    fn constant(&mut self) -> Option<Option<TokenKind>> {
        let rest = self.rest();
        let prefix = rest.len() - rest.trim_start_matches(['r', 'R', 'b', 'B']).len();
        let letters = rest.get(..prefix)?.to_ascii_lowercase();
        if !matches!(letters.as_str(), "" | "r" | "b" | "rb" | "br") || !rest[prefix..].starts_with(['"', '\'']) {
            return None;
        }
        let start = self.at;
        let (raw, bytes) = (letters.contains('r'), letters.contains('b'));
        let body = &rest[prefix..];
        let quote = if body.starts_with("\"\"\"") || body.starts_with("'''") { &body[..3] } else { &body[..1] };
        let inside = &body[quote.len()..];
        let Some(end) = closing(inside, quote, raw) else {
            self.at += prefix + quote.len() + inside.find('\n').unwrap_or(inside.len());
            self.error(start, "this text is not closed", Some("end it with the quote that it began with"));
            return Some(None);
        };
        self.at += prefix + quote.len() + end + quote.len();
        let from = start + prefix + quote.len();
        Some(Some(TokenKind::Constant(self.contents(from, &inside[..end], raw, bytes))))
    }

    fn contents(&mut self, from: usize, inside: &str, raw: bool, bytes: bool) -> Value {
        let mut out: Vec<u8> = Vec::with_capacity(inside.len());
        let mut at = 0;
        while let Some(c) = inside.get(at..).and_then(|rest| rest.chars().next()) {
            let start = at;
            at += c.len_utf8();
            if c != '\\' || raw {
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
            match escape(inside.get(at..).unwrap_or(""), bytes) {
                Some((Escaped::Char(c), length)) => {
                    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                    at += length;
                }
                Some((Escaped::Byte(byte), length)) => {
                    out.push(byte);
                    at += length;
                }
                None => {
                    let here = self.at;
                    let shown: String = inside[start..].chars().take(2).collect();
                    self.at = from + start + shown.len();
                    self.error(
                        from + start,
                        format!("`{shown}` is no escape"),
                        Some("write `\\\\` for a backslash, or a raw text r\"…\""),
                    );
                    self.at = here;
                }
            }
        }
        if bytes { Value::Bytes(Arc::from(out)) } else { Value::String(Arc::from(String::from_utf8_lossy(&out).as_ref())) }
    }
}

/// Where the closing quote stands.
fn closing(inside: &str, quote: &str, raw: bool) -> Option<usize> {
    let mut chars = inside.char_indices();
    while let Some((at, c)) = chars.next() {
        if inside[at..].starts_with(quote) {
            return Some(at);
        }
        if c == '\\' && !raw {
            chars.next();
        }
        if (c == '\n' || c == '\r') && quote.len() == 1 {
            return None;
        }
    }
    None
}

enum Escaped {
    Char(char),
    Byte(u8),
}

/// The escape after a backslash, and its length without the backslash.
fn escape(rest: &str, bytes: bool) -> Option<(Escaped, usize)> {
    let first = rest.chars().next()?;
    let simple = match first {
        'a' => Some('\u{7}'),
        'b' => Some('\u{8}'),
        'f' => Some('\u{c}'),
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'v' => Some('\u{b}'),
        '\\' | '?' | '"' | '\'' | '`' => Some(first),
        _ => None,
    };
    if let Some(c) = simple {
        return Some((Escaped::Char(c), first.len_utf8()));
    }
    let (digits, radix, skipped) = match first {
        'x' | 'X' => (2, 16, 1),
        'u' if !bytes => (4, 16, 1),
        'U' if !bytes => (8, 16, 1),
        '0'..='3' => (3, 8, 0),
        _ => return None,
    };
    let code = rest.get(skipped..skipped + digits)?;
    if !code.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let number = u32::from_str_radix(code, radix).ok()?;
    let length = skipped + digits;
    if bytes {
        return Some((Escaped::Byte(u8::try_from(number).ok()?), length));
    }
    Some((Escaped::Char(char::from_u32(number)?), length))
}
