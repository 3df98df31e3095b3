//! Reading the pieces that all rooms of a playbook are made of: names, texts, rules, lengths of time, references.
//!
//! Kinds and keys were checked before ([`shape`](super::shape)), so a piece of the wrong kind is passed over in silence here.

use super::assurance::Assurance;
use super::model::{Name, Text};
use super::reserved::OUTCOMES;
use super::source::{Findings, Spot, cut};
use super::tree::{Content, Node};
use super::types;
use crate::error::nearest;
use crate::value::{Duration, Timestamp, Type};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

/// What is read: findings so far and the names that the documents declare.
#[derive(Debug)]
pub(super) struct Loader<'a> {
    pub(super) findings: Findings<'a>,
    pub(super) declared: Declared,
}

/// The names that may be referred to.
#[derive(Debug, Default, Clone)]
pub(super) struct Declared {
    pub(super) attributes: Rc<Names>,
    pub(super) purposes: Rc<Names>,
    /// Declared event types and the outcomes of decisions.
    pub(super) events: Rc<Names>,
    pub(super) channels: Rc<Names>,
    pub(super) placements: Rc<Names>,
    /// Groups of offers.
    pub(super) groups: Rc<Names>,
    /// Trends by which rates can be learned, with their dimensions.
    pub(super) rates: Rc<Vec<(Arc<str>, Vec<Arc<str>>)>>,
}

/// Declared names.
pub(super) type Names = BTreeSet<Arc<str>>;

/// A node with the place of its key and its structural path.
#[derive(Debug, Clone)]
pub(super) struct At<'n> {
    pub(super) node: &'n Node,
    /// The last step of the path: the key, or the number of an item.
    pub(super) key: Arc<str>,
    /// The place of the key, or of the node itself in a list.
    pub(super) spot: Spot,
    pub(super) path: String,
}

impl<'n> At<'n> {
    /// The root of the documents.
    pub(super) fn root(node: &'n Node) -> Self {
        At { node, key: Arc::from(""), spot: node.spot, path: String::new() }
    }

    fn step(&self, key: &Arc<str>, spot: Spot, node: &'n Node) -> Self {
        let dot = if self.path.is_empty() { "" } else { "." };
        At { node, key: key.clone(), spot, path: format!("{}{dot}{}", self.path, cut(key)) }
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<Self> {
        self.node.entry(key).map(|entry| self.step(&entry.key, entry.spot, &entry.value))
    }

    /// All values of a mapping.
    pub(super) fn children(&self) -> impl Iterator<Item = Self> {
        self.node.entries().iter().map(|entry| self.step(&entry.key, entry.spot, &entry.value))
    }

    /// All items of a list.
    pub(super) fn items(&self) -> impl Iterator<Item = Self> {
        self.node.items().iter().enumerate().map(|(n, item)| self.step(&Arc::from(n.to_string()), item.spot, item))
    }

    /// The items of a list, or the single value that stands for a list of one.
    pub(super) fn one_or_more(&self) -> Vec<Self> {
        match &self.node.content {
            Content::List(_) => self.items().collect(),
            _ => vec![self.clone()],
        }
    }

    /// The text of a key.
    pub(super) fn text(&self, key: &str) -> Option<Arc<str>> {
        self.node.entry(key).and_then(|entry| entry.value.text().cloned())
    }

    /// The truth value of a key; false when it is not there.
    pub(super) fn flag(&self, key: &str) -> bool {
        matches!(self.node.entry(key).map(|entry| &entry.value.content), Some(Content::Bool(true)))
    }

    /// The assurance that is asked for; anonymous when nothing is.
    pub(super) fn assurance(&self) -> Assurance {
        self.text("assurance").and_then(|word| Assurance::named(&word)).unwrap_or(Assurance::Anonymous)
    }

    /// The number of a key.
    pub(super) fn number<T: std::str::FromStr>(&self, key: &str) -> Option<T> {
        match self.node.entry(key).map(|entry| &entry.value.content) {
            Some(Content::Number(number)) => number.parse().ok(),
            _ => None,
        }
    }
}

impl Loader<'_> {
    /// A mistake at the value itself.
    pub(super) fn error(&mut self, code: &'static str, at: &At<'_>, message: String, hint: Option<String>) {
        self.findings.error(code, at.node.spot, &at.path, message, hint);
    }

    /// A mistake at the key.
    pub(super) fn error_at_key(&mut self, code: &'static str, at: &At<'_>, message: String, hint: Option<String>) {
        self.findings.error(code, at.spot, &at.path, message, hint);
    }

    /// The children of a mapping with their names. Names are letters, digits and underscores, so that they can be written
    /// in rules, paths and templates.
    pub(super) fn named<'n>(&mut self, parent: &At<'n>, noun: &str) -> Vec<(Name, At<'n>)> {
        let mut list = Vec::new();
        for child in parent.children() {
            if let Some(name) = self.declared_name(&child, noun) {
                list.push((name, child));
            }
        }
        list
    }

    pub(super) fn declared_name(&mut self, child: &At<'_>, noun: &str) -> Option<Name> {
        let text = &child.key;
        let first = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
        if !first || text.len() > 100 || !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            let message = format!("`{}` cannot be the name of {noun}", cut(text));
            let hint = "write a letter, then letters, digits and underscores, at most 100".to_owned();
            self.error_at_key("bad_name", child, message, Some(hint));
            return None;
        }
        Some(Name { text: text.clone(), place: self.findings.place(child.spot) })
    }

    /// As [`named`](Self::named), for names that are written in rules without quotes: the words of the rule language are
    /// not names.
    pub(super) fn identifiers<'n>(&mut self, parent: &At<'n>, noun: &str) -> Vec<(Name, At<'n>)> {
        let mut list = self.named(parent, noun);
        list.retain(|(name, child)| {
            let reserved = WORDS.contains(&&*name.text);
            if reserved {
                let message = format!("`{}` is a word of the rule language and cannot be the name of {noun}", name.text);
                self.error_at_key("reserved_name", child, message, None);
            }
            !reserved
        });
        list
    }

    /// A rule or template with the places of its characters.
    pub(super) fn rule(&self, at: &At<'_>) -> Option<Text> {
        let (text, runs): (Arc<str>, &[(u32, u32, u32)]) = match &at.node.content {
            Content::Text(written) => (written.text.clone(), &written.runs),
            Content::Bool(truth) => (Arc::from(if *truth { "true" } else { "false" }), &[]),
            Content::Number(number) => (number.clone(), &[]),
            Content::Null | Content::List(_) | Content::Map(_) => return None,
        };
        let source = self.findings.sources.get(at.node.spot.document as usize)?;
        let lines = runs.iter().map(|(byte, line, column)| (*byte, *line, *column, source.shown(*line))).collect();
        Some(Text { text, place: self.findings.place(at.node.spot), path: Arc::from(&*at.path), lines })
    }

    /// The rule of a key.
    pub(super) fn rule_of(&self, at: &At<'_>, key: &str) -> Option<Text> {
        at.get(key).and_then(|at| self.rule(&at))
    }

    /// The length of time of a key; it must be above zero.
    pub(super) fn duration_of(&mut self, parent: &At<'_>, key: &str) -> Option<Duration> {
        let at = parent.get(key)?;
        let text = at.node.text()?.clone();
        self.duration(&at, &text)
    }

    /// A length of time above zero, written in a text of `at`.
    pub(super) fn duration(&mut self, at: &At<'_>, text: &str) -> Option<Duration> {
        match Duration::parse(text) {
            Ok(length) if length > Duration::ZERO => Some(length),
            Ok(_) => {
                self.error("bad_duration", at, format!("expected a duration above zero, found `{}`", cut(text)), None);
                None
            }
            Err(error) => {
                self.error("bad_duration", at, error.to_string(), duration_hint(text));
                None
            }
        }
    }

    /// The instant of a key.
    pub(super) fn instant_of(&mut self, parent: &At<'_>, key: &str) -> Option<Timestamp> {
        let at = parent.get(key)?;
        let text = at.node.text()?.clone();
        match Timestamp::parse(&text) {
            Ok(time) => Some(time),
            Err(error) => {
                let hint = Timestamp::parse(&format!("{text}T00:00:00Z")).ok().map(|time| format!("write `{time}`"));
                self.error("bad_time", &at, error.to_string(), hint);
                None
            }
        }
    }

    /// A type, as text or as `{enum: [..]}`.
    pub(super) fn type_of(&mut self, at: &At<'_>) -> Option<Type> {
        if let Some(words) = at.get("enum") {
            let mut list: Vec<Arc<str>> = Vec::new();
            for word in words.items() {
                let Some(text) = word.node.text() else { continue };
                if list.contains(text) {
                    self.error("duplicate_name", &word, format!("`{}` stands twice in one enum", cut(text)), None);
                } else if list.len() >= types::ENUM_WORDS {
                    let message = format!("more than {} words in one enum", types::ENUM_WORDS);
                    self.error("too_many", &word, message, None);
                    break;
                } else {
                    list.push(text.clone());
                }
            }
            if words.node.items().is_empty() {
                self.error_at_key("empty", &words, "an enum needs at least one word".to_owned(), None);
            }
            return Some(Type::Enum(list.into()));
        }
        let text = at.node.text()?;
        match types::parse(text) {
            Ok((ty, warning)) => {
                if let Some((message, hint)) = warning {
                    self.findings.warn("unknown_currency", at.node.spot, &at.path, message, hint);
                }
                Some(ty)
            }
            Err(wrong) => {
                self.error("bad_type", at, wrong.message, wrong.hint);
                None
            }
        }
    }

    /// The type of a value that is a type by itself, or a mapping with the key `type`.
    pub(super) fn type_within(&mut self, at: &At<'_>) -> Option<Type> {
        match at.get("type") {
            Some(inner) => self.type_of(&inner),
            None => self.type_of(at),
        }
    }

    /// A name that must be declared: `noun` as in `channel`, `known` what is declared.
    pub(super) fn reference(&mut self, at: &At<'_>, noun: &str, known: &Names) -> Option<Name> {
        let text = at.node.text()?;
        if !known.contains(text) {
            let hint = self.findings.hint(|| near_or_list(text, noun, known));
            self.error("unknown_name", at, format!("unknown {noun} `{}`", cut(text)), hint);
        }
        Some(Name { text: text.clone(), place: self.findings.place(at.node.spot) })
    }

    /// The names of a key, one or a list; each must be declared and stand once.
    pub(super) fn references(&mut self, parent: &At<'_>, key: &str, noun: &str, known: &Names) -> Vec<Name> {
        let mut names: Vec<Name> = Vec::new();
        let mut seen = Names::new();
        for at in parent.get(key).iter().flat_map(At::one_or_more) {
            if let Some(name) = self.reference(&at, noun, known) {
                if seen.insert(name.text.clone()) {
                    names.push(name);
                } else {
                    self.error("duplicate_name", &at, format!("{noun} `{}` stands twice in one list", cut(&name.text)), None);
                }
            }
        }
        names
    }

    /// The purposes of a key.
    pub(super) fn purposes_of(&mut self, parent: &At<'_>) -> Vec<Name> {
        let known = self.declared.purposes.clone();
        self.references(parent, "purposes", "purpose", &known)
    }

    /// A channel that is named by something else than a whole text: a key, or a part of a text.
    pub(super) fn channel(&mut self, text: &str, spot: Spot, path: &str) -> Option<Name> {
        let known = self.declared.channels.clone();
        if !known.contains(text) {
            let hint = self.findings.hint(|| near_or_list(text, "channel", &known));
            self.findings.error("unknown_name", spot, path, format!("unknown channel `{}`", cut(text)), hint);
            return None;
        }
        Some(Name { text: Arc::from(text), place: self.findings.place(spot) })
    }
}

/// Words that CEL keeps for itself.
const WORDS: [&str; 21] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "var",
    "void",
    "while",
];

fn duration_hint(text: &str) -> Option<String> {
    let word = text.trim().trim_start_matches(|letter: char| letter.is_ascii_digit());
    let number = text.trim().get(..text.trim().len() - word.len())?;
    let unit = match word.trim().to_ascii_lowercase().trim_end_matches('s') {
        "" => return (!number.is_empty()).then(|| format!("for days write `{number}d`")),
        "second" | "sec" => "s",
        "minute" | "min" => "m",
        "hour" | "hr" => "h",
        "day" | "d" => "d",
        "week" | "w" => "w",
        "month" | "mo" | "year" | "y" => return Some("months and years differ in length; write days".to_owned()),
        _ => return None,
    };
    Some(format!("write `{number}{unit}`"))
}

/// How many names are looked at for a hint.
const COMPARED: usize = 2_000;

fn near_or_list(text: &str, noun: &str, known: &Names) -> String {
    if let Some(near) = nearest(text, known.iter().take(COMPARED).map(|name| &**name)) {
        return format!("did you mean `{near}`?");
    }
    // Outcomes are known without a declaration; a list of them would hide what was declared.
    let mut own = known.iter().map(|name| &**name).filter(|name| noun != "event type" || !OUTCOMES.contains(name));
    let shown: Vec<&str> = own.by_ref().take(12).collect();
    let more = if own.next().is_some() { ", \u{2026}" } else { "" };
    if shown.is_empty() { format!("no {noun} is declared") } else { format!("declared: {}{more}", shown.join(", ")) }
}
