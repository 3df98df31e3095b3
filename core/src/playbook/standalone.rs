//! Schemas for expressions and rule sets that stand on their own, without a playbook.

use super::types::{self, Wrong};
use crate::error::{Diagnostic, Diagnostics, Severity};
use crate::expr::{Schema, TimeClass};
use crate::value::Type;

/// Types in each other up to here.
const DEPTH: u32 = 16;

/// A schema from dotted names and the types of their facts. The types are those of a playbook, and beside them `bytes`, `dyn` (any
/// value), `null`, `type`, `map(KEY, VALUE)`, `optional(T)` and lists of all of these; CEL's own names (`int64`, `null_type`,
/// `optional_type(T)`, `google.protobuf.Timestamp` …) mean the same.
///
/// # Errors
/// Everything that is wrong with any name or type; the path of a finding is the name.
///
/// # Examples
/// ```
/// let schema = tactful::playbook::schema([("customer.age", "int"), ("visits", "map(string, uint)")])?;
/// assert!(schema.fact("customer.age").is_some());
/// # Ok::<(), tactful::Diagnostics>(())
/// ```
pub fn schema<'a>(facts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Schema, Diagnostics> {
    let mut schema = Schema::new();
    let mut findings = Vec::new();
    for (name, ty) in facts {
        let shown: String = name.chars().take(80).collect();
        let finding = |code, message: String, hint: Option<String>| Diagnostic {
            code,
            severity: Severity::Error,
            message,
            path: shown.clone(),
            place: None,
            hint,
            related: None,
        };
        if name.split('.').any(str::is_empty) {
            let message = format!("`{shown}` is not a name; write one such as `customer.age`");
            findings.push(finding("bad_name", message, None));
        } else if schema.fact(name).is_some() {
            findings.push(finding("declared_twice", format!("`{shown}` is declared twice"), None));
        } else {
            match read(ty, DEPTH) {
                Ok(ty) => {
                    schema.declare_fact(name, ty, TimeClass::Constant);
                }
                Err(Wrong { message, hint }) => findings.push(finding("bad_type", message, hint)),
            }
        }
    }
    if findings.is_empty() { Ok(schema) } else { Err(Diagnostics(findings)) }
}

fn read(text: &str, depth: u32) -> Result<Type, Wrong> {
    let text = text.trim();
    let Some(depth) = depth.checked_sub(1) else {
        return Err(Wrong { message: format!("more than {DEPTH} types in each other"), hint: None });
    };
    let inside = text.split_once('(').and_then(|(head, rest)| Some((head.trim(), rest.trim_end().strip_suffix(')')?)));
    Ok(match (text, inside) {
        ("bytes", _) => Type::Bytes,
        ("dyn" | "any", _) => Type::Dyn,
        ("null" | "null_type", _) => Type::Null,
        ("type", _) => Type::Type,
        ("int64", _) => Type::Int,
        ("uint64", _) => Type::Uint,
        ("google.protobuf.Timestamp", _) => Type::Timestamp,
        ("google.protobuf.Duration", _) => Type::Duration,
        ("list", _) => Type::List(Box::new(Type::Dyn)),
        ("map", _) => Type::Map(Box::new(Type::Dyn), Box::new(Type::Dyn)),
        (_, Some(("type", _))) => Type::Type,
        (_, Some(("list", element))) => Type::List(Box::new(read(element, depth)?)),
        (_, Some(("optional" | "optional_type", held))) => Type::Optional(Box::new(read(held, depth)?)),
        (_, Some(("map", both))) => match comma(both) {
            Some((key, value)) => Type::Map(Box::new(read(key, depth)?), Box::new(read(value, depth)?)),
            None => {
                let hint = Some("such as `map(string, int)`".to_owned());
                return Err(Wrong { message: "type `map` needs the types of its keys and its values".to_owned(), hint });
            }
        },
        _ => types::parse(text)?.0,
    })
}

/// The two sides of the first comma outside of parentheses.
fn comma(text: &str) -> Option<(&str, &str)> {
    let mut open = 0_i32;
    let place = text.char_indices().find(|(_, letter)| {
        match letter {
            '(' => open += 1,
            ')' => open -= 1,
            _ => {}
        }
        *letter == ',' && open == 0
    });
    place.and_then(|(place, _)| Some((text.get(..place)?, text.get(place + 1..)?)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_read_as_it_is_written() {
        for text in [
            "bytes",
            "dyn",
            "null",
            "type",
            "uint",
            "map(string, list(map(int, dyn)))",
            "optional(map(bool, uint))",
            "list(list(bytes))",
            "enum(a, b)",
            "money(EUR)",
            "list(enum(a, b))",
            "map(enum(a, b), decimal(2))",
        ] {
            let schema = schema([("x", text)]).unwrap();
            assert_eq!(schema.facts()[0].ty.to_string(), text);
        }
        for (text, meant) in [("optional_type(int64)", "optional(int)"), ("map", "map(dyn, dyn)"), ("any", "dyn")] {
            assert_eq!(schema([("x", text)]).unwrap().facts()[0].ty.to_string(), meant);
        }
    }

    #[test]
    fn all_mistakes_are_told() {
        let deep = format!("{}int{}", "list(".repeat(20), ")".repeat(20));
        let wrong = [("a..b", "int"), ("c", "itn"), ("d", "int"), ("d", "int"), ("e", "map(int)"), ("f", &deep)];
        let codes: Vec<_> = schema(wrong).unwrap_err().0.iter().map(|finding| (finding.code, finding.path.clone())).collect();
        let expected = [("bad_name", "a..b"), ("bad_type", "c"), ("declared_twice", "d"), ("bad_type", "e"), ("bad_type", "f")];
        assert_eq!(codes, expected.map(|(code, path)| (code, path.to_owned())));
    }
}
