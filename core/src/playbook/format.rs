//! Formatting: the rules of a document with the layout of [`expr::format`](crate::expr::format()), everything else byte for byte.

use super::load::{is_json, sources};
use super::model::Text;
use super::shape::{Path, Required};
use super::source::{Findings, Source, Spot};
use super::table::PLAYBOOK;
use super::tree::{Content, Limits, Node};
use super::{json, yaml};
use crate::error::Diagnostics;
use crate::expr;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

/// What was on several lines goes to one when it is at most this many characters long.
const WIDTH: usize = 100;
/// How often rules that do not come back as they were are left out before the document is left as it is.
const ROUNDS: usize = 3;

/// Formats the rules of a playbook's document, or of one of its parts, in YAML or JSON (told apart as by
/// [`Playbook::load`](super::Playbook::load)). Everything else stays byte for byte: comments, order, quotes, line ends.
///
/// A rule on one line stays on one line, plain where YAML allows it and else in quotes; a rule in a block (`|`, `>`) keeps its
/// block and indentation, and is broken over lines. A rule that cannot be written anew with the same meaning is left as it is.
/// What comes back is read again and compared before it is given.
///
/// # Errors
/// The mistakes of the document and of the syntax of its rules. Names and types are not looked at.
///
/// # Examples
/// ```
/// let text = "segments:\n  adult: customer.age>=18  # of age\n";
/// let formatted = tactful::playbook::format("shop.yaml", text)?;
/// assert_eq!(formatted, "segments:\n  adult: customer.age >= 18  # of age\n");
/// # Ok::<(), tactful::Diagnostics>(())
/// ```
pub fn format(name: &str, text: &str) -> Result<String, Diagnostics> {
    let before = Document::read(name, text)?;
    let mut edits = before.edits()?;
    for _ in 0..ROUNDS {
        if edits.is_empty() {
            break;
        }
        let new = apply(text, &edits);
        let Ok(after) = Document::read(name, &new) else { break };
        let changed: BTreeSet<Spot> = edits.iter().map(|edit| edit.spot).collect();
        if !same(&before.root, &after.root, &changed) {
            break;
        }
        let rules = before.rules();
        let pairs = rules.iter().zip(after.rules());
        let wrong: BTreeSet<Spot> = pairs
            .filter(|((_, node), (_, other))| canonical(node) != canonical(other))
            .map(|((_, node), _)| node.spot)
            .collect();
        if wrong.is_empty() {
            return Ok(new);
        }
        edits.retain(|edit| !wrong.contains(&edit.spot));
    }
    Ok(text.to_owned())
}

fn canonical(node: &Node) -> Option<String> {
    node.text().and_then(|text| expr::format(text).ok())
}

/// Whether two documents say the same, apart from the texts at some places.
fn same(before: &Node, after: &Node, changed: &BTreeSet<Spot>) -> bool {
    match (&before.content, &after.content) {
        (Content::Null, Content::Null) => true,
        (Content::Bool(one), Content::Bool(other)) => one == other,
        (Content::Number(one), Content::Number(other)) => one == other,
        (Content::Text(one), Content::Text(other)) => one.text == other.text || changed.contains(&before.spot),
        (Content::List(one), Content::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other, changed))
        }
        (Content::Map(one), Content::Map(other)) => {
            let pairs = || one.iter().zip(other);
            one.len() == other.len()
                && pairs().all(|(one, other)| one.key == other.key && same(&one.value, &other.value, changed))
        }
        _ => false,
    }
}

/// What stands in a range of bytes instead of the rule at a spot.
struct Edit {
    spot: Spot,
    range: Range<usize>,
    text: String,
}

fn apply(text: &str, edits: &[Edit]) -> String {
    let mut new = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        new.push_str(text.get(at..edit.range.start).unwrap_or(""));
        new.push_str(&edit.text);
        at = edit.range.end;
    }
    new.push_str(text.get(at..).unwrap_or(""));
    new
}

/// A document that was read.
struct Document<'a> {
    findings: Findings<'a>,
    root: Node,
    json: bool,
    /// How many bytes stand before the text of the source.
    mark: usize,
}

impl<'a> Document<'a> {
    fn read(name: &str, text: &'a str) -> Result<Self, Diagnostics> {
        let limits = Limits::default().bounded();
        let (mut findings, fits) = sources(&[(name, text)], limits);
        if !fits {
            return Err(findings.finish());
        }
        let json = findings.sources.first().is_some_and(is_json);
        let root = if json { json::parse(0, limits, &mut findings) } else { yaml::parse(0, limits, &mut findings) };
        let start = Spot { document: 0, line: 1, column: 1, length: 1 };
        let root = root.unwrap_or(Node { spot: start, content: Content::Null });
        match &root.content {
            Content::Map(_) => PLAYBOOK.check(&root, root.spot, &mut Path::default(), &mut findings, Required::No),
            _ if findings.has_errors() => {}
            Content::Null => findings.error("empty_document", start, "", "the document is empty".to_owned(), None),
            _ => {
                let message = format!("expected a mapping with the keys of a playbook, found {}", root.kind());
                findings.error("wrong_kind", root.spot, "", message, None);
            }
        }
        if findings.has_errors() {
            return Err(findings.finish());
        }
        let mark = text.len() - findings.sources.first().map_or(0, |source| source.text.len());
        Ok(Document { findings, root, json, mark })
    }

    /// The rules that are written as text, with their paths, in the order of the tree.
    fn rules(&self) -> Vec<(String, &Node)> {
        let mut rules = Vec::new();
        PLAYBOOK.leaves(&self.root, &mut Path::default(), &mut |node, path, rule| {
            if rule && node.text().is_some() {
                rules.push((path.to_owned(), node));
            }
        });
        rules
    }

    /// The edits in the order of the text.
    fn edits(&self) -> Result<Vec<Edit>, Diagnostics> {
        // An alias may let one text be a rule here and a title there.
        let mut others = BTreeSet::new();
        PLAYBOOK.leaves(&self.root, &mut Path::default(), &mut |node, _, rule| {
            if !rule {
                others.insert(node.spot);
            }
        });
        let mut mistakes = Vec::new();
        let mut edits: Vec<Edit> = Vec::new();
        for (path, node) in self.rules() {
            let Some(rule) = self.text(path, node) else { continue };
            match expr::format(&rule.text) {
                Ok(laid) if !others.contains(&node.spot) => edits.extend(self.edit(node, &rule.text, &laid)),
                Ok(_) => {}
                Err(_) => mistakes.extend(expr::unreadable(&rule)),
            }
        }
        if !mistakes.is_empty() {
            let mut mistakes = Diagnostics(mistakes);
            mistakes.sort();
            mistakes.0.dedup();
            return Err(mistakes);
        }
        edits.sort_by_key(|edit| edit.range.start);
        edits.dedup_by_key(|edit| edit.range.start);
        Ok(edits)
    }

    fn text(&self, path: String, node: &Node) -> Option<Text> {
        let Content::Text(written) = &node.content else { return None };
        let source = self.findings.sources.first()?;
        let lines = written.runs.iter().map(|(byte, line, column)| (*byte, *line, *column, source.shown(*line)));
        Some(Text {
            text: written.text.clone(),
            place: self.findings.place(node.spot),
            path: Arc::from(path),
            lines: lines.collect(),
        })
    }

    fn edit(&self, node: &Node, value: &str, laid: &str) -> Option<Edit> {
        let source = self.findings.sources.first()?;
        let start = source.byte(node.spot.line, node.spot.column)?;
        let raw = source.text.get(start..)?;
        let quote = source.text.get(..start)?.chars().next_back().filter(|_| is_quoted(node));
        let (range, text) = match quote {
            Some('"') if self.json => {
                let line = expr::format_line(value).filter(|line| !value.contains('\n') || line.chars().count() <= WIDTH);
                let text = line.map_or_else(|| laid.to_owned(), |line| single(&line));
                if text == value {
                    return None;
                }
                (start - 1..start + closing(raw, '"')?, serde_json::to_string(&text).ok()?)
            }
            Some(quote @ ('"' | '\'')) => {
                let end = start + closing(raw, quote)?;
                (start - 1..end, one_line(source.text.get(start - 1..end)?, value, Some(quote))?)
            }
            Some(_) => self.block(source, node, value, laid)?,
            None => {
                let end = start + plain_end(raw, value)?;
                (start..end, one_line(source.text.get(start..end)?, value, None)?)
            }
        };
        (source.text.get(range.clone())? != text && text.len() <= expr::Limits::DEFAULT.source).then(|| Edit {
            spot: node.spot,
            range: range.start + self.mark..range.end + self.mark,
            text,
        })
    }

    /// The lines of a block scalar, of which the first that is not blank is that of the spot.
    #[expect(clippy::unused_self, reason = "one of the ways of `edit`")]
    fn block(&self, source: &Source<'_>, node: &Node, value: &str, laid: &str) -> Option<(Range<usize>, String)> {
        let first = node.spot.line;
        let header = (1..first).rev().map(|line| source.line(line)).find(|line| !line.trim().is_empty())?;
        let header = header.split(" #").next()?.trim_end();
        let style = header.trim_end_matches(['-', '+']).chars().next_back().filter(|style| matches!(style, '|' | '>'))?;
        if style == '>' {
            // Folding would take the rest of the rule into a comment.
            expr::format_line(value)?;
        }
        let line = source.line(first);
        let indent = line.len() - line.trim_start_matches(' ').len();
        if indent == 0 || !value.trim_start().starts_with(line.trim()) {
            return None;
        }
        let mut last = first;
        let mut at = first + 1;
        while let Some(byte) = source.byte(at, 1).filter(|byte| *byte < source.text.len()) {
            let line = source.text.get(byte..)?.split(['\n', '\r']).next()?;
            if !line.trim().is_empty() {
                if line.len() - line.trim_start_matches(' ').len() < indent {
                    break;
                }
                last = at;
            }
            at += 1;
        }
        let end = source.byte(last, 1)? + source.line(last).len();
        let ending = if source.text.contains("\r\n") { "\r\n" } else { "\n" };
        let text = laid.lines().collect::<Vec<_>>().join(&format!("{ending}{}", " ".repeat(indent)));
        Some((source.byte(first, 1)? + indent..end, text))
    }
}

fn is_quoted(node: &Node) -> bool {
    matches!(&node.content, Content::Text(written) if written.quoted)
}

/// A rule for a JSON string: its texts in single quotes, which need no escapes there.
fn single(line: &str) -> String {
    if line.contains(['\'', '\\']) || line.contains("\"\"\"") { line.to_owned() } else { line.replace('"', "'") }
}

/// How many bytes there are up to and with the closing quote.
fn closing(raw: &str, quote: char) -> Option<usize> {
    let mut letters = raw.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        if letter == '\\' && quote == '"' {
            letters.next();
        } else if letter == quote {
            if quote == '\'' && letters.peek().is_some_and(|(_, next)| *next == '\'') {
                letters.next();
            } else {
                return Some(at + 1);
            }
        }
    }
    None
}

/// How many bytes a plain scalar has, whose words may stand on several lines.
fn plain_end(raw: &str, value: &str) -> Option<usize> {
    let mut rest = raw;
    for word in value.split_whitespace() {
        rest = rest.trim_start().strip_prefix(word)?;
    }
    Some(raw.len() - rest.len())
}

/// A scalar of YAML on one line, in the style that it had where that is possible.
fn one_line(old: &str, value: &str, quote: Option<char>) -> Option<String> {
    let line = expr::format_line(value)?;
    let several = old.contains(['\n', '\r']);
    if (several && line.chars().count() > WIDTH) || (line == value && !several) {
        return None;
    }
    if line.chars().any(|letter| letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{feff}')) {
        return None;
    }
    Some(match quote {
        None if is_plain(old, &line) => line,
        Some('"') if !line.contains(['"', '\\']) => format!("\"{line}\""),
        _ => format!("'{}'", line.replace('\'', "''")),
    })
}

/// Whether a rule can stand without quotes where `old` did: as text, and, when that may be within brackets, without brackets.
fn is_plain(old: &str, line: &str) -> bool {
    let flow = [',', '[', ']', '{', '}'];
    let word = matches!(&*line.to_ascii_lowercase(), "true" | "false" | "null");
    line.starts_with(|first: char| first.is_ascii_alphabetic() || matches!(first, '_' | '('))
        && !word
        && !line.contains(" #")
        && !line.ends_with(':')
        && ![": ", ":,", ":[", ":]", ":{", ":}"].iter().any(|mark| line.contains(mark))
        && (!line.contains(flow) || old.contains(flow))
}
