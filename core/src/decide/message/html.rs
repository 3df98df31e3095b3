//! Where values may stand in HTML, so that escaping them is enough: in text and within quoted values of attributes.

use super::tags::{Mistake, Piece};

/// Attributes that hold an address: a value may be the whole of it when it goes through `url`.
const ADDRESSES: [&str; 12] =
    ["href", "src", "action", "formaction", "poster", "data", "cite", "background", "xlink:href", "ping", "manifest", "srcset"];
/// Elements whose content is no HTML.
const RAW: [&str; 8] = ["script", "style", "xmp", "iframe", "noembed", "noframes", "noscript", "plaintext"];

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Text,
    /// After `<`.
    TagName(String),
    /// Within a tag, between attributes.
    Tag(String),
    AttributeName(String, String),
    /// After the name of an attribute.
    Equals(String, String),
    /// After its `=`.
    Value(String, String),
    /// In quotes, with whether anything stands there yet.
    Quoted(String, String, char, bool),
    Unquoted(String, String),
    /// Within an element whose content is no HTML.
    Raw(String),
    Comment,
}

/// Refuses values in places where escaping is not enough.
pub(super) fn check(pieces: &[Piece<'_>]) -> Result<(), Mistake> {
    let mut state = State::Text;
    for piece in pieces {
        match piece {
            Piece::Tag(..) => {}
            Piece::Text(text) => state = walk(state, text),
            Piece::Shown(expression) => {
                allowed(&state, expression)?;
                if let State::Quoted(.., begun) = &mut state {
                    *begun = true;
                }
            }
        }
    }
    Ok(())
}

fn allowed(state: &State, expression: &str) -> Result<(), Mistake> {
    let refused = |place: String, hint: &str| {
        let shown: String = expression.chars().take(80).collect();
        Err((
            "unsafe_place",
            format!("`{shown}` stands {place}, where escaping does not make a value harmless"),
            Some(hint.to_owned()),
        ))
    };
    match state {
        State::Text => Ok(()),
        State::Quoted(_, name, _, begun) => {
            let name = name.to_ascii_lowercase();
            if name.starts_with("on") || name == "style" || name == "srcdoc" {
                return refused(format!("in the attribute `{name}`"), "show values in text, or in attributes that run nothing");
            }
            let checked = expression.rsplit('|').next().is_some_and(|filter| filter.trim() == "url");
            if ADDRESSES.contains(&&*name) && !begun && !checked {
                return refused(
                    format!("at the beginning of the address in `{name}`"),
                    "write `{{ \u{2026} | url }}`, which refuses what is no web address",
                );
            }
            Ok(())
        }
        State::Comment => refused("in a comment".to_owned(), "move it out of the comment"),
        State::Raw(tag) => refused(format!("within `{tag}`"), "show values in text, or use a channel of format `json`"),
        State::Value(..) | State::Unquoted(..) => {
            refused("in an attribute without quotes".to_owned(), "put quotes around the attribute's value")
        }
        State::TagName(_) | State::Tag(_) | State::AttributeName(..) | State::Equals(..) => {
            refused("within a tag".to_owned(), "show values in text, or within quotes as the value of an attribute")
        }
    }
}

fn walk(mut state: State, text: &str) -> State {
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let next = rest.get(letter.len_utf8()..).unwrap_or_default();
        // What is skipped as a whole.
        match &state {
            State::Text if rest.starts_with("<!--") => {
                state = State::Comment;
                rest = rest.get(4..).unwrap_or_default();
                continue;
            }
            State::Comment if rest.starts_with("-->") => {
                state = State::Text;
                rest = rest.get(3..).unwrap_or_default();
                continue;
            }
            State::Raw(tag) => {
                let close = format!("</{tag}");
                let ends = rest.get(..close.len()).is_some_and(|part| part.eq_ignore_ascii_case(&close));
                if ends {
                    state = State::Tag(format!("/{tag}"));
                    rest = rest.get(close.len()..).unwrap_or_default();
                } else {
                    rest = next;
                }
                continue;
            }
            _ => {}
        }
        state = step(state, letter);
        rest = next;
    }
    state
}

fn step(state: State, letter: char) -> State {
    let blank = letter.is_ascii_whitespace();
    match state {
        State::Text if letter == '<' => State::TagName(String::new()),
        State::Text => State::Text,
        State::TagName(name) if name.is_empty() && !letter.is_ascii_alphabetic() && !matches!(letter, '/' | '!' | '?') => {
            State::Text
        }
        State::TagName(name) if letter == '>' => inside(name),
        State::TagName(name) if blank => State::Tag(name),
        State::TagName(mut name) => {
            name.push(letter.to_ascii_lowercase());
            State::TagName(name)
        }
        State::Tag(tag) if letter == '>' => inside(tag),
        State::Tag(tag) if blank || letter == '/' => State::Tag(tag),
        State::Tag(tag) => State::AttributeName(tag, letter.to_string()),
        State::AttributeName(tag, name) if letter == '=' => State::Value(tag, name),
        State::AttributeName(tag, _) if letter == '>' => inside(tag),
        State::AttributeName(tag, name) if blank => State::Equals(tag, name),
        State::AttributeName(tag, mut name) => {
            name.push(letter);
            State::AttributeName(tag, name)
        }
        State::Equals(tag, name) if letter == '=' => State::Value(tag, name),
        State::Equals(tag, name) if blank => State::Equals(tag, name),
        State::Equals(tag, _) if letter == '>' => inside(tag),
        State::Equals(tag, _) => State::AttributeName(tag, letter.to_string()),
        State::Value(tag, name) if matches!(letter, '"' | '\'') => State::Quoted(tag, name, letter, false),
        State::Value(tag, name) if blank => State::Value(tag, name),
        State::Value(tag, _) if letter == '>' => inside(tag),
        State::Value(tag, name) => State::Unquoted(tag, name),
        State::Quoted(tag, _, quote, _) if letter == quote => State::Tag(tag),
        State::Quoted(tag, name, quote, begun) => State::Quoted(tag, name, quote, begun || !blank),
        State::Unquoted(tag, _) if blank => State::Tag(tag),
        State::Unquoted(tag, _) if letter == '>' => inside(tag),
        State::Unquoted(tag, name) => State::Unquoted(tag, name),
        State::Raw(tag) => State::Raw(tag),
        State::Comment => State::Comment,
    }
}

/// After the end of a tag.
fn inside(tag: String) -> State {
    if RAW.contains(&&*tag) { State::Raw(tag) } else { State::Text }
}
