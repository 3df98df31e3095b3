//! The digest of a playbook: equal for documents that say the same.

use super::tree::{Content, Entry, Node};
use crate::value::{PHONE_TABLES, Zone};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::sync::Arc;

/// SHA-256 in hexadecimal over the canonical JSON of the merged tree, a line feed, and the version of the time-zone tables; where
/// telephone numbers are read, another line feed and the version of the telephone tables.
///
/// The canonical JSON has no blanks, keeps the order of keys (order breaks ties), writes numbers as the documents do, so that
/// `1.50` and `1.5` are two digests, and text with the escapes
/// `\" \\ \n \r \t` and, for other control characters below 32, `\u00xx`.
pub(super) fn digest(root: &Node) -> Arc<str> {
    let mut text = String::new();
    write_node(root, &mut text);
    text.push('\n');
    text.push_str(Zone::TABLES);
    if reads_phones(root) {
        text.push('\n');
        text.push_str(PHONE_TABLES);
    }
    hex(&text)
}

fn hex(text: &str) -> Arc<str> {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(text.as_bytes()) {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex.into()
}

/// SHA-256 in hexadecimal over what a journey says of how customers move: its canonical JSON without what is for people, and without
/// how places of earlier versions are taken over.
pub(super) fn of_journey(journey: &Node) -> Arc<str> {
    fn bare(node: &Node, depth: u8) -> Node {
        let Content::Map(entries) = &node.content else { return node.clone() };
        const FOR_PEOPLE: [&str; 10] =
            ["priority", "predict", "long_stay", "title", "goal", "touchpoints", "marketing", "migration", "no_data", "plan"];
        let said = entries.iter().filter(|entry| depth == 1 || !FOR_PEOPLE.contains(&&*entry.key));
        let bare = |entry: &Entry| Entry {
            value: if depth < 2 { bare(&entry.value, depth + 1) } else { entry.value.clone() },
            ..entry.clone()
        };
        Node { spot: node.spot, content: Content::Map(said.map(bare).collect()) }
    }
    let mut text = String::new();
    write_node(&bare(journey, 0), &mut text);
    hex(&text)
}

/// Whether a namespace has telephone numbers, which are read by tables that have versions of their own.
fn reads_phones(root: &Node) -> bool {
    let namespaces = root.entry("identity").map_or(&[][..], |entry| entry.value.entries());
    namespaces.iter().any(|namespace| {
        namespace.value.entry("normalize").and_then(|entry| entry.value.text()).is_some_and(|word| **word == *"phone")
    })
}

fn write_node(node: &Node, out: &mut String) {
    match &node.content {
        Content::Null => out.push_str("null"),
        Content::Bool(true) => out.push_str("true"),
        Content::Bool(false) => out.push_str("false"),
        Content::Number(number) => out.push_str(number),
        Content::Text(written) => write_text(&written.text, out),
        Content::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_node(item, out);
            }
            out.push(']');
        }
        Content::Map(entries) => {
            out.push('{');
            for (index, entry) in entries.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_text(&entry.key, out);
                out.push(':');
                write_node(&entry.value, out);
            }
            out.push('}');
        }
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            letter if u32::from(letter) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", u32::from(letter));
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_written_as_json() {
        let mut out = String::new();
        write_text("\"\\/\n\r\t\u{8}\u{1f}\u{7f}\u{e9}\u{1f600}", &mut out);
        assert_eq!(out, "\"\\\"\\\\/\\n\\r\\t\\u0008\\u001f\u{7f}\u{e9}\u{1f600}\"");
        assert_eq!(serde_json::from_str::<String>(&out).unwrap(), "\"\\/\n\r\t\u{8}\u{1f}\u{7f}\u{e9}\u{1f600}");
    }
}
