//! What a template may be made of: text, values, `if` and `for`, and the snippets that it includes. Everything else that the template
//! engine knows is refused when the playbook is compiled, so that no message runs long, grows beyond bounds or turns escaping off.

use std::collections::BTreeMap;
use std::sync::Arc;

/// The longest template with all that it includes, in bytes.
pub(super) const MAX_TEMPLATE: usize = 64 * 1024;
/// How many snippets may be within each other.
const DEEPEST: usize = 20;

/// The filters of messages.
const FILTERS: [&str; 23] = [
    "lower",
    "upper",
    "capitalize",
    "title",
    "trim",
    "length",
    "count",
    "default",
    "d",
    "round",
    "abs",
    "int",
    "float",
    "first",
    "last",
    "sort",
    "unique",
    "min",
    "max",
    "sum",
    "join",
    "truncate",
    "url",
];
/// The tests of messages.
const TESTS: [&str; 7] = ["defined", "undefined", "none", "string", "number", "odd", "even"];

/// A part of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'t> {
    /// Text as it is.
    Text(&'t str),
    /// A value, as an expression.
    Shown(&'t str),
    /// A statement: its word and the rest.
    Tag(&'t str, &'t str),
}

/// What is wrong with a template: code, message, hint.
pub(super) type Mistake = (&'static str, String, Option<String>);

/// The parts of a template; comments are left out.
pub(super) fn pieces(template: &str) -> Result<Vec<Piece<'_>>, Mistake> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while !rest.is_empty() {
        let open = ["{{", "{%", "{#"].into_iter().filter_map(|mark| Some((rest.find(mark)?, mark))).min();
        let Some((at, mark)) = open else {
            pieces.push(Piece::Text(rest));
            break;
        };
        let (text, code) = rest.split_at(at);
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        let code = code.get(mark.len()..).unwrap_or_default();
        if mark == "{#" {
            let end = code.find("#}").ok_or_else(|| unclosed(mark))?;
            rest = code.get(end + 2..).unwrap_or_default();
            continue;
        }
        let end = end_of(code, if mark == "{{" { "}}" } else { "%}" })?;
        let (inside, after) = code.split_at(end);
        rest = after.get(2..).unwrap_or_default();
        let inside = inside.strip_prefix(['-', '+']).unwrap_or(inside);
        let inside = inside.strip_suffix(['-', '+']).unwrap_or(inside).trim();
        if mark == "{{" {
            pieces.push(Piece::Shown(inside));
            continue;
        }
        let word = inside.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').next().unwrap_or_default();
        pieces.push(Piece::Tag(word, inside.get(word.len()..).unwrap_or_default().trim()));
    }
    Ok(pieces)
}

/// Where code ends, beyond the texts in quotes; what it may not have is refused.
fn end_of(code: &str, close: &str) -> Result<usize, Mistake> {
    let mut quote: Option<char> = None;
    let mut escaped = false;
    for (at, letter) in code.char_indices() {
        if let Some(open) = quote {
            match letter {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                letter if letter == open => quote = None,
                _ => {}
            }
            continue;
        }
        if code.get(at..).is_some_and(|rest| rest.starts_with(close)) {
            return Ok(at);
        }
        match letter {
            '\'' | '"' => quote = Some(letter),
            '*' => {
                let hint = "compute it in an expression under `with`".to_owned();
                return Err(("template_forbidden", "a message cannot multiply".to_owned(), Some(hint)));
            }
            '{' | '}' => {
                let message = "a message cannot make mappings".to_owned();
                return Err(("template_forbidden", message, Some("declare the value under `with`".to_owned())));
            }
            _ => {}
        }
    }
    Err(unclosed(if close == "}}" { "{{" } else { "{%" }))
}

fn unclosed(mark: &str) -> Mistake {
    ("template_syntax", format!("the message is no template: `{mark}` is not closed"), None)
}

/// Refuses filters and tests that messages do not have, which the template engine finds out only when it writes one.
fn known(code: &str) -> Result<(), Mistake> {
    let mut words = words(code).into_iter().peekable();
    while let Some(word) = words.next() {
        let (what, names) = match word {
            "|" => ("filter", &FILTERS[..]),
            "is" => ("test", &TESTS[..]),
            _ => continue,
        };
        if what == "test" {
            words.next_if_eq(&"not");
        }
        let Some(name) = words.next().filter(|name| !names.contains(name)) else { continue };
        let near = crate::error::nearest(name, names.iter().copied());
        let hint = near.map_or_else(|| format!("there are: {}", names.join(", ")), |near| format!("did you mean `{near}`?"));
        let shown: String = name.chars().take(80).collect();
        return Err(("template_forbidden", format!("messages have no {what} `{shown}`"), Some(hint)));
    }
    Ok(())
}

/// The names and marks of code, without the texts in quotes.
fn words(code: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = code;
    while let Some(letter) = rest.chars().next() {
        let length = match letter {
            '\'' | '"' => {
                let mut escaped = false;
                let inside = rest.char_indices().skip(1).find(|(_, inner)| {
                    let ends = *inner == letter && !escaped;
                    escaped = *inner == '\\' && !escaped;
                    ends
                });
                let length = inside.map_or(rest.len(), |(at, _)| at + 1);
                rest = rest.get(length..).unwrap_or_default();
                continue;
            }
            letter if letter.is_alphanumeric() || letter == '_' => {
                rest.find(|inner: char| !inner.is_alphanumeric() && inner != '_').unwrap_or(rest.len())
            }
            letter => letter.len_utf8(),
        };
        let (word, after) = rest.split_at(length);
        if !word.trim().is_empty() {
            words.push(word);
        }
        rest = after;
    }
    words
}

/// The template with all that it includes, of allowed parts only.
pub(super) fn expand(template: &str, snippets: &BTreeMap<Arc<str>, Arc<str>>) -> Result<String, Mistake> {
    let mut expanded = String::with_capacity(template.len());
    let mut within: Vec<Arc<str>> = Vec::new();
    take(template, snippets, &mut within, &mut expanded)?;
    Ok(expanded)
}

fn take(
    template: &str,
    snippets: &BTreeMap<Arc<str>, Arc<str>>,
    within: &mut Vec<Arc<str>>,
    expanded: &mut String,
) -> Result<(), Mistake> {
    if template.len() > MAX_TEMPLATE {
        return Err(too_large());
    }
    let mut last = 0;
    for piece in pieces(template)? {
        let (Piece::Shown(code) | Piece::Tag(_, code)) = piece else { continue };
        known(code)?;
        let Piece::Tag(word, rest) = piece else { continue };
        match word {
            "if" | "elif" | "else" | "endif" | "endfor" => {}
            "for" if rest.split_whitespace().all(|word| word != "recursive") => {}
            "include" => {
                let (from, to) = tag_span(template, rest, last)?;
                push(expanded, template.get(last..from).unwrap_or_default())?;
                last = to;
                let name = rest.trim_matches(['"', '\'']);
                let Some((name, text)) = snippets.get_key_value(name) else {
                    let near = crate::error::nearest(name, snippets.keys().map(|name| &**name));
                    let shown: String = name.chars().take(80).collect();
                    let hint = near.map(|near| format!("did you mean `{near}`?"));
                    return Err(("unknown_name", format!("unknown snippet `{shown}`"), hint));
                };
                if within.contains(name) {
                    let names: Vec<String> = within.iter().chain([name]).map(|name| format!("`{name}`")).collect();
                    return Err(("template_cycle", format!("these include each other: {}", names.join(" -> ")), None));
                }
                if within.len() >= DEEPEST {
                    return Err(("template_cycle", format!("more than {DEEPEST} snippets are within each other"), None));
                }
                within.push(name.clone());
                take(text, snippets, within, expanded)?;
                within.pop();
            }
            word => {
                let shown: String = word.chars().take(80).collect();
                let hint = "a message has `if`, `for` and `include`".to_owned();
                return Err(("template_forbidden", format!("`{shown}` is no part of a message"), Some(hint)));
            }
        }
    }
    push(expanded, template.get(last..).unwrap_or_default())
}

/// Where the statement that ends in `rest` begins and ends; `rest` is a part of `template`.
fn tag_span(template: &str, rest: &str, after: usize) -> Result<(usize, usize), Mistake> {
    let at = (rest.as_ptr() as usize).saturating_sub(template.as_ptr() as usize);
    let from = template.get(..at).and_then(|before| before.rfind("{%")).filter(|from| *from >= after);
    let to = template.get(at..).and_then(|code| code.find("%}")).map(|to| at + to + 2);
    from.zip(to).ok_or_else(|| unclosed("{%"))
}

fn push(expanded: &mut String, part: &str) -> Result<(), Mistake> {
    if expanded.len() + part.len() > MAX_TEMPLATE {
        return Err(too_large());
    }
    expanded.push_str(part);
    Ok(())
}

fn too_large() -> Mistake {
    ("template_too_large", format!("a message with all that it includes has at most {MAX_TEMPLATE} bytes"), None)
}
