//! Objects inside of what an event tells: `address: {city: …}` is the declared property `address_city`.

use super::Value;

/// A part of what was told, under the name that it would be declared by.
pub(crate) struct Part<'a> {
    pub(crate) name: String,
    /// Where it stands, such as `address.city`.
    pub(crate) path: String,
    pub(crate) value: &'a Value,
}

/// What was told under a name: itself, unless it is an object of which only parts are declared. Objects are followed as deep as declared
/// names reach; what is declared itself is never taken apart.
pub(crate) fn parts<'a>(name: &str, value: &'a Value, declared: &[&str]) -> Vec<Part<'a>> {
    let mut found = Vec::new();
    follow(Part { name: name.to_owned(), path: shown(name), value }, declared, &mut found);
    found
}

fn follow<'a>(part: Part<'a>, declared: &[&str], found: &mut Vec<Part<'a>>) {
    match part.value {
        Value::Map(entries) if only_parts(&part.name, declared) => {
            for (key, value) in entries.iter() {
                let key = key.as_text().unwrap_or("");
                let (name, path) = (format!("{}_{key}", part.name), format!("{}.{}", part.path, shown(key)));
                follow(Part { name, path, value }, declared, found);
            }
        }
        _ => found.push(part),
    }
}

/// Whether names are declared that begin with this one, and not this one itself.
pub(crate) fn only_parts(name: &str, declared: &[&str]) -> bool {
    let inside = |own: &&str| own.strip_prefix(name).is_some_and(|rest| rest.starts_with('_'));
    !declared.contains(&name) && declared.iter().any(inside)
}

fn shown(name: &str) -> String {
    name.chars().take(80).collect()
}
