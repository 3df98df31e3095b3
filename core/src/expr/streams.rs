//! The streams of events that an expression asks something of.

use super::ast::{Kind, NodeId, Tree};
use super::check_stream::MODIFIERS;
use super::{Limits, parse, print_node};
use std::collections::BTreeSet;

/// The texts of the streams that an expression asks something of, such as `events("view").within("7d")`, each once, in the order
/// of the text. Streams within conditions on events are not among them: they do not tell how old what was found is. Empty for
/// an expression that cannot be parsed.
///
/// Linear in the size of the expression.
pub(crate) fn streams(text: &str) -> Vec<String> {
    let Ok(tree) = parse::parse(text, &Limits::default()) else { return Vec::new() };
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    let mut open = vec![tree.root];
    while let Some(at) = open.pop() {
        if is_stream(&tree, at) {
            let stream = print_node(&tree, at);
            if seen.insert(stream.clone()) {
                found.push(stream);
            }
        } else {
            open.extend(parse::children(&tree.node(at).kind).into_iter().rev());
        }
    }
    found
}

/// Whether a part is a stream: `events(…)` with any number of steps behind it.
pub(super) fn is_stream(tree: &Tree, id: NodeId) -> bool {
    let mut at = id;
    loop {
        match &tree.node(at).kind {
            Kind::Call { target: None, function, .. } => return &**function == "events",
            Kind::Call { target: Some(whose), function, .. } if &**function == "events" => return is_name(tree, *whose),
            Kind::Call { target: Some(target), function, .. } if MODIFIERS.contains(&&**function) => at = *target,
            Kind::Where { stream, .. } => at = *stream,
            _ => return false,
        }
    }
}

/// Whether a part is a dotted name, such as `account` or `referral.referrer`.
fn is_name(tree: &Tree, id: NodeId) -> bool {
    match &tree.node(id).kind {
        Kind::Name { .. } => true,
        Kind::Select { base, .. } => is_name(tree, *base),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::streams;

    #[test]
    fn each_stream_is_found_once() {
        let text = r#"events("view").where(v, v.category == "baby").within("30d").count() >= 3
            || events("search").exists() && events("search").count() > 2"#;
        assert_eq!(streams(text), [r#"events("view").where(v, v.category == "baby").within("30d")"#, r#"events("search")"#]);
        assert!(streams("customer.age > 3").is_empty() && streams("((").is_empty());
    }
}
