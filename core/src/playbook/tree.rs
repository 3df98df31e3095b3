//! A document as a tree in which everything knows its place; what YAML and JSON have in common.

use super::source::Spot;
use std::sync::Arc;

/// How much of a text is read before it is refused. The limits hold for each document by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of text; 4 MiB by default, never more than 1 GiB.
    pub bytes: usize,
    /// Scalars, lists and mappings, with aliases counted as often as they are used; 500,000 by default.
    pub nodes: usize,
    /// Lists and mappings within each other; 64 by default, never more than 128.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { bytes: 4 << 20, nodes: 500_000, depth: 64 }
    }
}

impl Limits {
    /// Documents of up to so many bytes, with values in proportion: for playbooks with very many offers.
    #[must_use]
    pub fn of_bytes(bytes: usize) -> Self {
        let usual = Limits::default();
        Limits { bytes, nodes: usual.nodes.max(bytes / 8), ..usual }
    }

    /// The limits with those bounds that hold whatever the host says.
    pub(super) fn bounded(self) -> Self {
        Limits { bytes: self.bytes.min(1 << 30), nodes: self.nodes, depth: self.depth.min(128) }
    }
}

/// Anything in a document.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// Where it begins; for text the first character inside the quotes.
    pub(super) spot: Spot,
    pub(super) content: Content,
}

/// What a node is.
#[derive(Debug, Clone)]
pub(super) enum Content {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as JSON writes it (`+5` is `5`, `0x10` is `16`, `.5` is `0.5`), or `.inf`, `-.inf`, `.nan`.
    Number(Arc<str>),
    /// Text.
    Text(Written),
    /// A list.
    List(Vec<Node>),
    /// A mapping; keys are unique.
    Map(Vec<Entry>),
}

/// Text with the places of its characters.
#[derive(Debug, Clone)]
pub(super) struct Written {
    pub(super) text: Arc<str>,
    /// (byte offset, line, column), ascending: from that byte on, one character of the text is one column of the line,
    /// until the next entry. Empty when that holds for the whole text from the spot of the node.
    pub(super) runs: Vec<(u32, u32, u32)>,
    /// Whether it was quoted or a block, and so is certainly meant as text.
    pub(super) quoted: bool,
}

/// A key and its value.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: Arc<str>,
    pub(super) spot: Spot,
    pub(super) value: Node,
}

impl Node {
    /// The kind in words, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match &self.content {
            Content::Null => "nothing",
            Content::Bool(_) => "a truth value",
            Content::Number(_) => "a number",
            Content::Text(_) => "text",
            Content::List(_) => "a list",
            Content::Map(_) => "a mapping",
        }
    }

    /// The entry of a mapping.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| &*entry.key == key)
    }

    /// All entries of a mapping; none for anything else.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.content {
            Content::Map(entries) => entries,
            _ => &[],
        }
    }

    /// All items of a list; none for anything else.
    pub(super) fn items(&self) -> &[Node] {
        match &self.content {
            Content::List(items) => items,
            _ => &[],
        }
    }

    /// The text, when it is text.
    pub(super) fn text(&self) -> Option<&Arc<str>> {
        match &self.content {
            Content::Text(written) => Some(&written.text),
            _ => None,
        }
    }

    /// The number as it is written, when it is a number.
    pub(super) fn number(&self) -> Option<&str> {
        match &self.content {
            Content::Number(written) => Some(written),
            _ => None,
        }
    }

    /// How many nodes there are in it.
    pub(super) fn size(&self) -> usize {
        match &self.content {
            Content::List(items) => 1 + items.iter().map(Node::size).sum::<usize>(),
            Content::Map(entries) => 1 + entries.iter().map(|entry| 1 + entry.value.size()).sum::<usize>(),
            _ => 1,
        }
    }

    /// How many lists and mappings are within each other.
    pub(super) fn depth(&self) -> usize {
        match &self.content {
            Content::List(items) => 1 + items.iter().map(Node::depth).max().unwrap_or(0),
            Content::Map(entries) => 1 + entries.iter().map(|entry| entry.value.depth()).max().unwrap_or(0),
            _ => 0,
        }
    }
}
