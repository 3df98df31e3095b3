//! YAML 1.2 with places: the events of `saphyr-parser` become a tree.
//!
//! Plain scalars are read by the core schema, so `yes` and `no` are text. Aliases stand for copies and are counted as
//! such; merge keys and tags are refused, since they make a document mean something that it does not show.

use super::json;
use super::scalar;
use super::source::{Findings, Spot, cut, saturate};
use super::tree::{Content, Entry, Limits, Node, Written};
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, StrInput};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Reads a YAML document; mistakes go to the findings, and `None` comes back when the rest cannot be read.
pub(super) fn parse(document: u32, limits: Limits, findings: &mut Findings<'_>) -> Option<Node> {
    let source = findings.sources.get(document as usize)?;
    let (text, end) = (source.text, source.end());
    let builder = Builder {
        document,
        text,
        cursor: (0, 0),
        end,
        limits,
        nodes: 0,
        frames: Vec::new(),
        anchors: BTreeMap::new(),
        root: None,
        findings,
    };
    builder.run(Parser::new_from_str(text))
}

/// A list or mapping that is not at its end yet.
struct Frame {
    spot: Spot,
    anchor: usize,
    inside: Inside,
}

enum Inside {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, known: BTreeMap<Arc<str>, Spot>, key: Option<Key> },
}

/// A key whose value comes next.
struct Key {
    text: Arc<str>,
    spot: Spot,
    /// Whether the value is left out, because the key is a mistake.
    skip: bool,
}

struct Builder<'a, 'b> {
    document: u32,
    text: &'b str,
    /// How many characters of the text stand before which byte, the last time somebody asked.
    cursor: (usize, usize),
    /// After the last character that is not blank.
    end: (u32, u32),
    limits: Limits,
    nodes: usize,
    frames: Vec<Frame>,
    anchors: BTreeMap<usize, Node>,
    root: Option<Node>,
    findings: &'a mut Findings<'b>,
}

impl<'b> Builder<'_, 'b> {
    fn run(mut self, mut parser: Parser<'b, StrInput<'b>>) -> Option<Node> {
        let mut documents = 0;
        while let Some(event) = parser.next_event() {
            let (event, span) = match event {
                Ok(event) => event,
                Err(error) => return self.syntax(&error),
            };
            let spot = self.spot(span.start);
            match event {
                Event::DocumentStart(_) => {
                    documents += 1;
                    if documents > 1 {
                        let message = "a second document begins here; one text holds one document".to_owned();
                        self.findings.error(
                            "several_documents",
                            spot,
                            "",
                            message,
                            Some("put it into a text of its own".into()),
                        );
                        return self.root;
                    }
                }
                Event::Alias(anchor) => self.alias(anchor, spot)?,
                Event::Scalar(value, style, anchor, tag) => {
                    self.tag(tag.as_deref(), spot);
                    let bare = anchor == 0 && tag.is_none();
                    let node = self.scalar(&value, style, span.start, bare);
                    self.count(1, spot)?;
                    self.put(node, anchor)?;
                }
                Event::SequenceStart(anchor, tag) => {
                    self.tag(tag.as_deref(), spot);
                    self.open(Frame { spot, anchor, inside: Inside::List(Vec::new()) })?;
                }
                Event::MappingStart(anchor, tag) => {
                    self.tag(tag.as_deref(), spot);
                    let inside = Inside::Map { entries: Vec::new(), known: BTreeMap::new(), key: None };
                    self.open(Frame { spot, anchor, inside })?;
                }
                Event::SequenceEnd | Event::MappingEnd => {
                    let Some(frame) = self.frames.pop() else { continue };
                    let content = match frame.inside {
                        Inside::List(items) => Content::List(items),
                        Inside::Map { entries, .. } => Content::Map(entries),
                    };
                    self.put(Node { spot: frame.spot, content }, frame.anchor)?;
                }
                Event::StreamEnd => break,
                Event::Nothing | Event::StreamStart | Event::DocumentEnd => {}
            }
        }
        self.root
    }

    fn syntax(self, error: &ScanError) -> Option<Node> {
        let mut spot = self.spot(*error.marker());
        let line = self.findings.sources.get(self.document as usize).map_or("", |source| source.line(spot.line));
        // The parser miscounts columns in directives (`%YAML 1.2`) with a carriage return inside.
        spot.column = spot.column.min(saturate(line.chars().count()).saturating_add(1));
        let indent: String = line.chars().take_while(|letter| letter.is_whitespace()).collect();
        let hint = if indent.contains('\t') {
            Some("indent with spaces; YAML does not take tabs".to_owned())
        } else if error.info().contains("mapping values") {
            Some("put text that contains `: ` in quotes".to_owned())
        } else if matches!(line.chars().nth(spot.column.saturating_sub(1) as usize), Some('[' | '{' | '"' | '\'')) {
            Some("inside of `{ }` a text that contains brackets, braces or commas stands in quotes".to_owned())
        } else {
            None
        };
        let info: String = error.info().chars().take(200).collect();
        let message = format!("not readable as YAML: {info}");
        match self.frames.iter().rev().find(|frame| self.is_open(frame)) {
            Some(frame) if hint.is_none() => {
                self.findings.clash("syntax", spot, &self.path(), message, ("this is not closed yet", frame.spot));
            }
            _ => self.findings.error("syntax", spot, &self.path(), message, hint),
        }
        None
    }

    /// Whether a list or mapping was begun with a bracket.
    fn is_open(&self, frame: &Frame) -> bool {
        let line = self.findings.sources.get(self.document as usize).map_or("", |source| source.line(frame.spot.line));
        matches!(line.chars().nth(frame.spot.column.saturating_sub(1) as usize), Some('[' | '{'))
    }

    fn spot(&self, marker: Marker) -> Spot {
        let place = (saturate(marker.line().max(1)), saturate(marker.col().saturating_add(1)));
        // The parser places the end of the text on a line of its own; people look at the last line that has something.
        let (line, column) = place.min(self.end);
        Spot { document: self.document, line, column, length: 1 }
    }

    /// The structural path of what comes next.
    fn path(&self) -> String {
        let parts: Vec<String> = self
            .frames
            .iter()
            .filter_map(|frame| match &frame.inside {
                Inside::List(items) => Some(items.len().to_string()),
                Inside::Map { key, .. } => key.as_ref().map(|key| cut(&key.text)),
            })
            .collect();
        parts.join(".")
    }

    fn tag(&mut self, tag: Option<&saphyr_parser::Tag>, spot: Spot) {
        if let Some(tag) = tag {
            let message = format!("tag `{}` is not allowed", cut(&tag.to_string()));
            self.findings.error(
                "tag",
                spot,
                &self.path(),
                message,
                Some("leave it out; the playbook says what is expected where".into()),
            );
        }
    }

    fn count(&mut self, more: usize, spot: Spot) -> Option<()> {
        self.nodes = self.nodes.saturating_add(more);
        if self.nodes > self.limits.nodes {
            let message = format!("more than {} values, aliases counted as often as they are used", self.limits.nodes);
            self.findings.error("too_large", spot, &self.path(), message, None);
            return None;
        }
        Some(())
    }

    fn deep(&mut self, depth: usize, spot: Spot) -> Option<()> {
        if depth > self.limits.depth {
            let message = format!("nested deeper than {}", self.limits.depth);
            self.findings.error("too_deep", spot, "", message, None);
            return None;
        }
        Some(())
    }

    fn open(&mut self, frame: Frame) -> Option<()> {
        self.count(1, frame.spot)?;
        self.deep(self.frames.len() + 1, frame.spot)?;
        self.frames.push(frame);
        Some(())
    }

    fn alias(&mut self, anchor: usize, spot: Spot) -> Option<()> {
        let Some(node) = self.anchors.get(&anchor) else {
            let message = "an alias inside of what it stands for".to_owned();
            self.findings.error("alias", spot, &self.path(), message, None);
            return self.put(Node { spot, content: Content::Null }, 0);
        };
        let (size, depth) = (node.size(), node.depth());
        self.count(size, spot)?;
        self.deep(self.frames.len() + depth, spot)?;
        let copy = self.anchors.get(&anchor).cloned()?;
        self.put(copy, 0)
    }

    /// A finished node goes where the document is.
    fn put(&mut self, node: Node, anchor: usize) -> Option<()> {
        if anchor != 0 {
            // The copy kept for aliases counts too, else anchors within anchors would cost more than the limit.
            self.count(node.size(), node.spot)?;
            self.anchors.insert(anchor, node.clone());
        }
        let is_key = matches!(self.frames.last(), Some(Frame { inside: Inside::Map { key: None, .. }, .. }));
        let path = if is_key { self.path() } else { String::new() };
        let Some(frame) = self.frames.last_mut() else {
            self.root = Some(node);
            return Some(());
        };
        match &mut frame.inside {
            Inside::List(items) => items.push(node),
            Inside::Map { entries, known, key } => match key.take() {
                Some(Key { skip: true, .. }) => {}
                Some(Key { text, spot, .. }) => entries.push(Entry { key: text, spot, value: node }),
                None => {
                    let spot = node.spot;
                    let (text, skip) = match key_text(&node) {
                        Some(text) => (text, false),
                        None => (Arc::from("?"), true),
                    };
                    let under = if path.is_empty() { cut(&text) } else { format!("{path}.{}", cut(&text)) };
                    if skip {
                        let message = format!("expected a name as key, found {}", node.kind());
                        self.findings.error("bad_key", spot, &path, message, None);
                    } else if &*text == "<<" && !is_quoted(&node) {
                        let hint = "write the keys out, or use an alias for the whole value";
                        self.findings.error("merge_key", spot, &path, "merge keys are not allowed".into(), Some(hint.into()));
                        *key = Some(Key { text, spot, skip: true });
                        return Some(());
                    } else if let Some(first) = known.get(&text) {
                        let message = format!("key `{}` stands twice in one mapping", cut(&text));
                        self.findings.clash("duplicate_key", spot, &under, message, ("it first stands here", *first));
                        *key = Some(Key { text, spot, skip: true });
                        return Some(());
                    } else {
                        known.insert(text.clone(), spot);
                    }
                    *key = Some(Key { text, spot, skip });
                }
            },
        }
        Some(())
    }

    /// A scalar that begins at `start`, which is that of its anchor or tag when it is not `bare`.
    fn scalar(&mut self, value: &str, style: ScalarStyle, start: Marker, bare: bool) -> Node {
        let mut spot = self.spot(start);
        let quoted = style != ScalarStyle::Plain;
        if !quoted && value.is_empty() {
            return Node { spot, content: Content::Null };
        }
        let mut byte = self.byte(start.index());
        if !bare {
            let (skipped, line, column) = scalar::skip_properties(self.text.get(byte..).unwrap_or(""), style, spot);
            (spot.line, spot.column) = (line, column);
            byte += skipped;
        }
        if matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted) {
            spot.column = spot.column.saturating_add(1);
            byte += 1;
        }
        let (runs, length) = scalar::runs(self.text.get(byte..).unwrap_or(""), style, value, spot);
        spot.length = length;
        let content = if quoted { None } else { plain(value) };
        let content = content.unwrap_or_else(|| Content::Text(Written { text: Arc::from(value), runs, quoted }));
        Node { spot, content }
    }

    /// The byte at which a character stands. Events come in the order of the text, so this is one walk over it.
    fn byte(&mut self, index: usize) -> usize {
        if index < self.cursor.0 {
            self.cursor = (0, 0);
        }
        let rest = self.text.get(self.cursor.1..).unwrap_or("");
        let step: usize = rest.chars().take(index - self.cursor.0).map(char::len_utf8).sum();
        self.cursor = (index, self.cursor.1 + step);
        self.cursor.1
    }
}

fn key_text(node: &Node) -> Option<Arc<str>> {
    match &node.content {
        Content::Text(written) => Some(written.text.clone()),
        Content::Bool(truth) => Some(Arc::from(if *truth { "true" } else { "false" })),
        Content::Number(number) => Some(number.clone()),
        Content::Null | Content::List(_) | Content::Map(_) => None,
    }
}

fn is_quoted(node: &Node) -> bool {
    matches!(&node.content, Content::Text(Written { quoted: true, .. }))
}

/// What a plain scalar is in the core schema of YAML 1.2 (section 10.3.2); `None` for text.
fn plain(text: &str) -> Option<Content> {
    match text {
        "null" | "Null" | "NULL" | "~" => return Some(Content::Null),
        "true" | "True" | "TRUE" => return Some(Content::Bool(true)),
        "false" | "False" | "FALSE" => return Some(Content::Bool(false)),
        ".nan" | ".NaN" | ".NAN" => return Some(Content::Number(Arc::from(".nan"))),
        _ => {}
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(digits, 8);
    }
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    if matches!(rest, ".inf" | ".Inf" | ".INF") {
        return Some(Content::Number(format!("{sign}.inf").into()));
    }
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(whole, fraction)| (whole, Some(fraction)));
    if whole.is_empty() && fraction.is_none_or(str::is_empty) {
        return None;
    }
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        trimmed => trimmed,
    };
    let number = match fraction {
        None => format!("{sign}{whole}{exponent}"),
        Some("") => format!("{sign}{whole}.0{exponent}"),
        Some(fraction) => format!("{sign}{whole}.{fraction}{exponent}"),
    };
    json::is_number(&number).then(|| Content::Number(number.into()))
}

fn radix(digits: &str, radix: u32) -> Option<Content> {
    let valid = !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix));
    let number = u128::from_str_radix(digits, radix).ok().filter(|_| valid)?;
    Some(Content::Number(number.to_string().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        let shown = |text: &str| match plain(text) {
            Some(Content::Null) => "null".to_owned(),
            Some(Content::Bool(truth)) => truth.to_string(),
            Some(Content::Number(number)) => number.to_string(),
            _ => format!("text {text}"),
        };
        for (text, expected) in [
            ("~", "null"),
            ("Null", "null"),
            ("TRUE", "true"),
            ("false", "false"),
            ("yes", "text yes"),
            ("tRue", "text tRue"),
            ("+007", "7"),
            ("-0", "-0"),
            ("0x1F", "31"),
            ("0o17", "15"),
            ("0x", "text 0x"),
            ("0x+1", "text 0x+1"),
            (".5", "0.5"),
            ("-5.", "-5.0"),
            ("1.50e+3", "1.50e+3"),
            ("1e3", "1e3"),
            ("1e", "text 1e"),
            (".", "text ."),
            ("-", "text -"),
            ("1_000", "text 1_000"),
            ("12:30:45", "text 12:30:45"),
            ("2026-01-01", "text 2026-01-01"),
            ("-.INF", "-.inf"),
            (".NaN", ".nan"),
            ("\u{661}", "text \u{661}"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }
}
