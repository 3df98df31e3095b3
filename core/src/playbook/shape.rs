//! Shapes: what a document may look like, as data. One description checks documents and makes the JSON Schema.

use super::source::{Findings, Spot, cut};
use super::tree::{Content, Entry, Node};
use crate::error::nearest;

/// What may stand somewhere.
#[derive(Debug)]
pub(super) enum Shape {
    /// A mapping with known keys.
    Object(&'static Object),
    /// A mapping from names that the user chooses.
    Names(&'static Shape),
    /// A list.
    List(&'static Shape),
    /// A single value.
    Leaf(Leaf),
    /// One of several, told apart by kind, and mappings by a key that only they have ([`Object::marks`]).
    Either(&'static [Shape]),
}

/// A mapping with known keys.
#[derive(Debug)]
pub(super) struct Object {
    /// Its name, such as `offer`.
    pub(super) name: &'static str,
    /// What it is, for people.
    pub(super) doc: &'static str,
    /// Keys that tell it from the other mappings of an [`Shape::Either`]; none when it is the last resort.
    pub(super) marks: &'static [&'static str],
    /// Its keys.
    pub(super) fields: &'static [Field],
}

/// A key of an [`Object`].
#[derive(Debug)]
pub(super) struct Field {
    pub(super) key: &'static str,
    pub(super) required: bool,
    pub(super) shape: Shape,
    /// What it means, with unit and range.
    pub(super) doc: &'static str,
    /// What holds without it, as JSON; empty for nothing.
    pub(super) default: &'static str,
}

/// A single value.
#[derive(Debug)]
pub(super) enum Leaf {
    /// Any text for people.
    Text,
    /// A name that is declared elsewhere, such as `a channel`.
    Reference(&'static str),
    /// A condition or number in the rule language; a truth value or number written plainly is one too.
    Rule,
    /// `true` or `false`.
    Bool,
    /// A whole number of a range.
    Whole(i64, i64),
    /// A finite number, above the first and below the second bound.
    Number(f64, f64),
    /// A finite number of at least 0, below the bound.
    Amount(f64),
    /// A length of time.
    Duration,
    /// An instant, RFC 3339.
    Instant,
    /// A type.
    Type,
    /// A time zone.
    Zone,
    /// One word of several.
    Word(&'static [&'static str]),
    /// Text with a syntax of its own, and how to say what is expected.
    Pattern(&'static str, &'static str),
    /// Anything.
    Any,
}

impl Object {
    fn field(&self, key: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.key == key)
    }

    /// Whether it has no required key, so that nothing written stands for no keys.
    pub(super) fn may_be_empty(&self) -> bool {
        !self.fields.iter().any(|field| field.required)
    }
}

impl Shape {
    /// Whether a node is of the kind that this shape is about.
    fn takes(&self, node: &Node) -> bool {
        match self {
            Shape::Object(object) => match &node.content {
                Content::Map(_) => object.marks.is_empty() || object.marks.iter().any(|key| node.entry(key).is_some()),
                Content::Null => object.marks.is_empty() && object.may_be_empty(),
                _ => false,
            },
            Shape::Names(_) => matches!(node.content, Content::Map(_) | Content::Null),
            Shape::List(_) => matches!(node.content, Content::List(_)),
            Shape::Leaf(leaf) => leaf.takes(node),
            Shape::Either(shapes) => shapes.iter().any(|shape| shape.takes(node)),
        }
    }

    /// What is expected, in words.
    fn expected(&self) -> String {
        match self {
            Shape::Object(object) => {
                let keys: Vec<String> =
                    object.fields.iter().filter(|f| f.required).map(|field| format!("`{}`", field.key)).collect();
                match (keys.is_empty(), object.marks.is_empty()) {
                    (false, _) => format!("a mapping with {}", keys.join(", ")),
                    (true, false) => format!("a mapping with {}", one_of(object.marks)),
                    (true, true) => "a mapping".to_owned(),
                }
            }
            Shape::Names(_) => "a mapping of names".to_owned(),
            Shape::List(item) => format!("a list of {}", item.plural()),
            Shape::Leaf(leaf) => leaf.expected(),
            Shape::Either(shapes) => {
                let mut words: Vec<String> = shapes.iter().map(Shape::expected).collect();
                words.dedup();
                let last = words.pop().unwrap_or_default();
                if words.is_empty() { last } else { format!("{} or {last}", words.join(", ")) }
            }
        }
    }

    fn plural(&self) -> &'static str {
        match self {
            Shape::Object(_) | Shape::Names(_) => "mappings",
            Shape::List(_) => "lists",
            Shape::Leaf(Leaf::Reference(_)) => "names",
            Shape::Leaf(Leaf::Text) => "texts",
            Shape::Leaf(_) | Shape::Either(_) => "values",
        }
    }

    /// Calls `found` for every single value in a node, and says whether it is a rule.
    pub(super) fn leaves<'n>(&self, node: &'n Node, path: &mut Path, found: &mut impl FnMut(&'n Node, &str, bool)) {
        match self {
            Shape::Object(object) => object.leaves(node, path, found),
            Shape::Names(shape) => {
                for Entry { key, value, .. } in node.entries() {
                    path.within(key, |path| shape.leaves(value, path, &mut *found));
                }
            }
            Shape::List(shape) => {
                for (index, item) in node.items().iter().enumerate() {
                    path.within(&index.to_string(), |path| shape.leaves(item, path, &mut *found));
                }
            }
            Shape::Leaf(leaf) => found(node, path.text(), matches!(leaf, Leaf::Rule)),
            Shape::Either(shapes) => {
                if let Some(shape) = shapes.iter().find(|shape| shape.takes(node)) {
                    shape.leaves(node, path, found);
                }
            }
        }
    }

    /// Reports everything in a node that is not of this shape: wrong kinds, unknown and missing keys. `at` is the place of
    /// the key above, where missing keys are reported.
    pub(super) fn check(&self, node: &Node, at: Spot, path: &mut Path, findings: &mut Findings<'_>) {
        if !self.takes(node) {
            wrong_kind(&self.expected(), node, at, path.text(), findings);
            return;
        }
        match self {
            Shape::Object(object) => object.check(node, at, path, findings, Required::Yes),
            Shape::Names(shape) => {
                for Entry { key, spot, value } in node.entries() {
                    path.within(key, |path| shape.check(value, *spot, path, findings));
                }
            }
            Shape::List(shape) => {
                for (index, item) in node.items().iter().enumerate() {
                    path.within(&index.to_string(), |path| shape.check(item, item.spot, path, findings));
                }
            }
            Shape::Leaf(leaf) => leaf.check(node, path, findings),
            Shape::Either(shapes) => {
                if let Some(shape) = shapes.iter().find(|shape| shape.takes(node)) {
                    shape.check(node, at, path, findings);
                }
            }
        }
    }
}

/// Whether required keys must be there: not in documents that are parts of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Required {
    /// They must.
    Yes,
    /// They need not.
    No,
}

impl Object {
    /// As [`Shape::leaves`], for the keys of a mapping.
    pub(super) fn leaves<'n>(&self, node: &'n Node, path: &mut Path, found: &mut impl FnMut(&'n Node, &str, bool)) {
        for Entry { key, value, .. } in node.entries() {
            if let Some(field) = self.field(key) {
                path.within(key, |path| field.shape.leaves(value, path, &mut *found));
            }
        }
    }

    /// As [`Shape::check`], for the keys of a mapping.
    pub(super) fn check(&self, node: &Node, at: Spot, path: &mut Path, findings: &mut Findings<'_>, required: Required) {
        for Entry { key, spot, value } in node.entries() {
            match self.field(key) {
                Some(field) => path.within(key, |path| field.shape.check(value, *spot, path, findings)),
                None => {
                    let hint = findings.hint(|| match nearest(key, self.fields.iter().map(|field| field.key)) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => {
                            let keys: Vec<&str> = self.fields.iter().map(|field| field.key).collect();
                            format!("{} may have: {}", article(self.name), keys.join(", "))
                        }
                    });
                    path.within(key, |path| {
                        findings.error("unknown_key", *spot, path.text(), format!("unknown key `{}`", cut(key)), hint);
                    });
                }
            }
        }
        if required == Required::No {
            return;
        }
        for field in self.fields.iter().filter(|field| field.required && node.entry(field.key).is_none()) {
            let message = format!("{} needs the key `{}`", article(self.name), field.key);
            findings.error("missing_key", at, path.text(), message, Some(format!("`{}`: {}", field.key, field.doc)));
        }
    }
}

/// `an offer`, `a stage`; `the playbook`, of which there is one.
fn article(noun: &str) -> String {
    match noun.as_bytes().first() {
        _ if noun == "playbook" => "the playbook".to_owned(),
        Some(b'a' | b'e' | b'i' | b'o' | b'u') => format!("an {noun}"),
        _ => format!("a {noun}"),
    }
}

fn wrong_kind(expected: &str, node: &Node, at: Spot, path: &str, findings: &mut Findings<'_>) {
    let spot = if matches!(node.content, Content::Null) { at } else { node.spot };
    let found = match &node.content {
        Content::Number(number) => format!("the number `{}`", cut(number)),
        Content::Bool(truth) => format!("the truth value `{truth}`"),
        Content::Text(written) => format!("the text `{}`", cut(&written.text)),
        Content::Map(entries) if expected.starts_with("a mapping") && !entries.is_empty() => {
            let keys: Vec<String> = entries.iter().take(8).map(|entry| format!("`{}`", cut(&entry.key))).collect();
            format!("one with {}", keys.join(", "))
        }
        _ => node.kind().to_owned(),
    };
    let wants_text = expected.starts_with("text") || expected.starts_with("the name");
    let hint = match &node.content {
        Content::Number(_) | Content::Bool(_) if wants_text => Some("put it in quotes".to_owned()),
        Content::Text(written) if expected.starts_with("`true`") => match &*written.text.to_ascii_lowercase() {
            "yes" | "on" | "y" => Some("write `true`; `yes` and `on` are text in YAML 1.2".to_owned()),
            "no" | "off" | "n" => Some("write `false`; `no` and `off` are text in YAML 1.2".to_owned()),
            _ => None,
        },
        Content::Text(written) if written.quoted && super::json::is_number(&written.text) => {
            Some("leave out the quotes".to_owned())
        }
        _ => None,
    };
    findings.error("wrong_kind", spot, path, format!("expected {expected}, found {found}"), hint);
}

impl Leaf {
    fn takes(&self, node: &Node) -> bool {
        match (self, &node.content) {
            (Leaf::Any, _) | (Leaf::Bool, Content::Bool(_)) => true,
            (Leaf::Rule, Content::Text(_) | Content::Bool(_) | Content::Number(_)) => true,
            (Leaf::Whole(..) | Leaf::Number(..) | Leaf::Amount(_), Content::Number(_)) => true,
            (Leaf::Bool | Leaf::Whole(..) | Leaf::Number(..) | Leaf::Amount(_), _) => false,
            (_, Content::Text(_)) => true,
            _ => false,
        }
    }

    fn expected(&self) -> String {
        match self {
            Leaf::Text => "text".to_owned(),
            Leaf::Reference(noun) => format!("the name of {noun}"),
            Leaf::Rule => "an expression".to_owned(),
            Leaf::Bool => "`true` or `false`".to_owned(),
            Leaf::Whole(low, high) if *high == i64::MAX => format!("a whole number from {low}"),
            Leaf::Whole(low, high) => format!("a whole number from {low} to {high}"),
            Leaf::Number(low, high) => match (low.is_finite(), high.is_finite()) {
                (true, true) => format!("a number above {low} and below {high}"),
                (true, false) => format!("a number above {low}"),
                (false, true) => format!("a number below {high}"),
                (false, false) => "a number".to_owned(),
            },
            Leaf::Amount(high) => format!("a number of at least 0 and below {high}"),
            Leaf::Duration => "a duration such as `90d` or `1h30m`".to_owned(),
            Leaf::Instant => "an instant such as `2026-03-29T02:30:00Z`".to_owned(),
            Leaf::Type => "a type such as `string` or `money(EUR)`".to_owned(),
            Leaf::Zone => "a time zone such as `Europe/Berlin`".to_owned(),
            Leaf::Word(words) => one_of(words),
            Leaf::Pattern(_, expected) => (*expected).to_owned(),
            Leaf::Any => "a value".to_owned(),
        }
    }

    /// Checks what can be seen without the rest of the playbook and is not read again: words and ranges of numbers.
    fn check(&self, node: &Node, path: &mut Path, findings: &mut Findings<'_>) {
        let wrong = match (self, &node.content) {
            (Leaf::Whole(low, high), Content::Number(number)) => {
                !number.parse::<i64>().is_ok_and(|number| number >= *low && number <= *high)
            }
            (Leaf::Number(low, high), Content::Number(number)) => {
                !number.parse::<f64>().is_ok_and(|number| number.is_finite() && number > *low && number < *high)
            }
            (Leaf::Amount(high), Content::Number(number)) => {
                !number.parse::<f64>().is_ok_and(|number| number >= 0.0 && number < *high)
            }
            (Leaf::Rule, Content::Number(number)) => number.contains(".inf") || number.contains(".nan"),
            (Leaf::Word(words), Content::Text(written)) => {
                let word = &*written.text;
                if !words.contains(&word) {
                    let longer = words.iter().copied().find(|known| word.len() > 1 && known.starts_with(word));
                    let near = longer.or_else(|| nearest(word, words.iter().copied()));
                    let hint = near.map(|near| format!("did you mean `{near}`?"));
                    let message = format!("expected {}, found `{}`", one_of(words), cut(word));
                    findings.error("wrong_word", node.spot, path.text(), message, hint);
                }
                false
            }
            _ => false,
        };
        if wrong {
            let Content::Number(number) = &node.content else { return };
            let message = format!("expected {}, found `{}`", self.expected(), cut(number));
            findings.error("out_of_range", node.spot, path.text(), message, None);
        }
    }
}

fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

/// A structural path that grows and shrinks while a tree is walked.
#[derive(Debug, Default)]
pub(super) struct Path(String);

impl Path {
    /// The path so far.
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// Does something one step deeper.
    pub(super) fn within(&mut self, step: &str, act: impl FnOnce(&mut Path)) {
        let length = self.0.len();
        if length > 0 {
            self.0.push('.');
        }
        // A key may be megabytes of text; a path is for people.
        self.0.push_str(&cut(step));
        act(self);
        self.0.truncate(length);
    }
}
