//! Documents as text: lines, places, and the findings that point at them.

use crate::error::{Diagnostic, Diagnostics, Place, Severity};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many characters of a line a place shows.
const SHOWN: usize = 200;
/// How many findings are kept while loading; a document with more is reported with what was kept.
const KEPT: usize = 10_000;
/// How many findings are reported.
const REPORTED: usize = 100;

/// A place in one of the documents, small enough for every node of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot {
    /// The number of the document.
    pub(super) document: u32,
    /// The line, from 1.
    pub(super) line: u32,
    /// The column in characters, from 1.
    pub(super) column: u32,
    /// How many characters are meant, at least 1.
    pub(super) length: u32,
}

/// A document: its name, its text and where its lines begin.
#[derive(Debug)]
pub(super) struct Source<'a> {
    pub(super) name: Arc<str>,
    pub(super) text: &'a str,
    starts: Vec<u32>,
    shown: RefCell<BTreeMap<u32, Arc<str>>>,
    /// Line, column and byte of the last [`byte`](Self::byte).
    cursor: Cell<(u32, u32, usize)>,
}

impl<'a> Source<'a> {
    /// Lines end at LF, CR or CR LF, as in YAML 1.2. A byte order mark is not part of the text. The text must be shorter
    /// than 4 GiB, which [`Limits`](super::Limits) sees to.
    pub(super) fn new(name: &str, text: &'a str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let bytes = text.as_bytes();
        let breaks = bytes.iter().enumerate().filter(|(at, byte)| match **byte {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        });
        let starts = std::iter::once(0).chain(breaks.map(|(at, _)| saturate(at + 1))).collect();
        Source { name: Arc::from(name), text, starts, shown: RefCell::default(), cursor: Cell::default() }
    }

    /// The text of a line without its end; empty for a line that does not exist.
    pub(super) fn line(&self, line: u32) -> &'a str {
        let index = line.saturating_sub(1) as usize;
        let Some(start) = self.starts.get(index) else { return "" };
        let end = self.starts.get(index + 1).map_or(self.text.len(), |end| *end as usize);
        self.text.get(*start as usize..end).unwrap_or("").trim_end_matches(['\r', '\n'])
    }

    /// The byte of the text at which a line and column, both from 1, stand. Asked in the order of the text, this is one walk.
    pub(super) fn byte(&self, line: u32, column: u32) -> Option<usize> {
        let start = (line, 1, *self.starts.get(line.checked_sub(1)? as usize)? as usize);
        let last = self.cursor.get();
        let from = if last.0 == line && last.1 <= column { last } else { start };
        let before = self.text.get(from.2..)?.chars().take(column.saturating_sub(from.1) as usize);
        let byte = from.2 + before.map(char::len_utf8).sum::<usize>();
        self.cursor.set((line, column, byte));
        Some(byte)
    }

    /// The line and column after the last character that is not blank.
    pub(super) fn end(&self) -> (u32, u32) {
        let last = (1..=self.starts.len()).rev().map(saturate).find(|line| !self.line(*line).trim().is_empty()).unwrap_or(1);
        (last, saturate(self.line(last).trim_end().chars().count()).saturating_add(1))
    }

    /// The line as diagnostics show it.
    pub(super) fn shown(&self, line: u32) -> Arc<str> {
        self.shown
            .borrow_mut()
            .entry(line)
            .or_insert_with(|| self.line(line).chars().take(SHOWN).collect::<String>().into())
            .clone()
    }
}

/// A number that fits, since no document is longer than 4 GiB.
pub(super) fn saturate(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The documents of one load, and what was found in them.
#[derive(Debug)]
pub(super) struct Findings<'a> {
    pub(super) sources: Vec<Source<'a>>,
    list: Vec<Diagnostic>,
    dropped: usize,
}

impl<'a> Findings<'a> {
    pub(super) fn new(sources: Vec<Source<'a>>) -> Self {
        Findings { sources, list: Vec::new(), dropped: 0 }
    }

    /// The full form of a place.
    pub(super) fn place(&self, spot: Spot) -> Place {
        let source = self.sources.get(spot.document as usize);
        Place {
            document: source.map_or_else(|| Arc::from(""), |source| source.name.clone()),
            line: spot.line,
            column: spot.column,
            length: spot.length.max(1),
            source: source.map_or_else(|| Arc::from(""), |source| source.shown(spot.line)),
        }
    }

    /// Adds a mistake.
    pub(super) fn error(&mut self, code: &'static str, spot: Spot, path: &str, message: String, hint: Option<String>) {
        self.add(Severity::Error, code, Some(spot), path, message, hint);
    }

    /// Adds a mistake that shows a second place.
    pub(super) fn clash(&mut self, code: &'static str, spot: Spot, path: &str, message: String, first: (&str, Spot)) {
        let related = Some((first.0.to_owned(), self.place(first.1)));
        let before = self.list.len();
        self.add(Severity::Error, code, Some(spot), path, message, None);
        if let Some(finding) = self.list.get_mut(before) {
            finding.related = related;
        }
    }

    /// Adds a mistake of the documents as a whole.
    pub(super) fn general(&mut self, code: &'static str, message: String, hint: Option<String>) {
        self.add(Severity::Error, code, None, "", message, hint);
    }

    /// Adds a warning.
    pub(super) fn warn(&mut self, code: &'static str, spot: Spot, path: &str, message: String, hint: Option<String>) {
        self.add(Severity::Warning, code, Some(spot), path, message, hint);
    }

    fn add(
        &mut self,
        severity: Severity,
        code: &'static str,
        spot: Option<Spot>,
        path: &str,
        message: String,
        hint: Option<String>,
    ) {
        if self.list.len() >= KEPT {
            self.dropped += 1;
            return;
        }
        let place = spot.map(|spot| self.place(spot));
        self.list.push(Diagnostic { code, severity, message, path: path.to_owned(), place, hint, related: None });
    }

    /// A hint that costs something to find; only for the first findings, so that a document full of mistakes is not slow.
    pub(super) fn hint(&self, find: impl FnOnce() -> String) -> Option<String> {
        (self.list.len() < 2 * REPORTED).then(find)
    }

    /// Whether any mistake was found so far.
    pub(super) fn has_errors(&self) -> bool {
        self.list.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// All findings in the order in which they are shown, at most 100 and a last one that counts the rest.
    pub(super) fn finish(self) -> Diagnostics {
        let mut all = Diagnostics(self.list);
        all.sort();
        let total = all.0.len() + self.dropped;
        let severity = if all.has_errors() { Severity::Error } else { Severity::Warning };
        if total > REPORTED {
            all.0.truncate(REPORTED);
            let message = format!("and {} more", total - REPORTED);
            all.0.push(Diagnostic {
                code: "more",
                severity,
                message,
                path: String::new(),
                place: None,
                hint: None,
                related: None,
            });
        }
        all
    }
}

/// A user's word as messages show it: at most 60 characters, control characters escaped.
pub(super) fn cut(word: &str) -> String {
    let mut shown = String::new();
    for (count, letter) in word.chars().enumerate() {
        if count == 60 {
            shown.push('\u{2026}');
            break;
        }
        if letter.is_control() {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    shown
}
