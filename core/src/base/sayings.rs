use super::links::{Saying, Word};
use crate::customer::{EventError, Identifier, Named, Namespaces, Prepared, PreparedCell, Reserved, link_column};
use std::sync::Arc;

/// What an event says about who is the same person: `linked` and `unlinked` say it in words, every other event with several
/// identifiers says that they are of one customer.
pub(super) fn sayings(
    rules: &Namespaces,
    reserved: &Reserved,
    named: &Named<'_>,
    event: &Prepared<'_>,
) -> Result<Vec<Saying>, EventError> {
    let linked = event.kind == reserved.linked;
    if !linked && event.kind != reserved.unlinked {
        if named.others.is_empty() {
            return Ok(Vec::new());
        }
        let pair = |other: &Identifier| {
            Saying::Pair(named.primary.clone().into_owned(), other.clone(), Word::Linked { confidence: 1.0 })
        };
        return Ok(named.others.iter().map(pair).collect());
    }
    let mut others: Vec<Identifier> = named.others.iter().chain(&named.groups).cloned().collect();
    if let Some(text) = text(event, link_column::OTHER) {
        let refused = |error: &EventError| EventError::new(error.code(), "properties.other", error.message().to_owned());
        let other = Identifier::parse(text).map_err(|error| refused(&error.into()))?;
        others.push(rules.read(&other).map_err(|error| refused(&error))?.into_owned());
    }
    let group = rules.is_group(&named.primary);
    if named.beside_group || others.iter().any(|other| rules.is_group(other) != group) {
        let message = "a household or account is a customer of its own; tell `related` instead";
        let path = if named.beside_group { "identifiers" } else { "properties.other" };
        return Err(EventError::new("wrong_link", path, message));
    }
    others.retain(|other| *other != *named.primary);
    others.sort();
    others.dedup();
    let word = if linked { Word::Linked { confidence: confidence(event)? } } else { Word::Unlinked };
    let revoked = text(event, link_column::EVENT).filter(|id| !linked && !id.is_empty());
    if let (Some(id), true) = (revoked, others.is_empty()) {
        return Ok(vec![Saying::Revoke(named.primary.clone().into_owned(), Arc::from(id))]);
    }
    if revoked.is_some() {
        let message = "an event is revoked at one identifier, a pair without naming the event";
        return Err(EventError::new("wrong_link", "properties.event", message));
    }
    if others.is_empty() {
        return Err(match named.nobody.is_empty() {
            true => EventError::new("wrong_link", "identifiers", "a link names two different identifiers"),
            false => EventError::new(
                "forbidden_identifier",
                "identifiers",
                "the playbook declares that nobody has this value; name another identifier",
            ),
        });
    }
    Ok(others.into_iter().map(|other| Saying::Pair(named.primary.clone().into_owned(), other, word)).collect())
}

/// From 0 to 1; a deterministic link has 1, a probabilistic one without a number has 0.
fn confidence(event: &Prepared<'_>) -> Result<f64, EventError> {
    let told = match event.cells.get(link_column::CONFIDENCE) {
        // Zero has no sign here.
        Some(PreparedCell::Bits(bits)) => Some(f64::from_bits(*bits) + 0.0),
        _ => None,
    };
    if told.is_some_and(|told| !(0.0..=1.0).contains(&told)) {
        return Err(EventError::new("wrong_type", "properties.confidence", "expected a number from 0 to 1"));
    }
    let probabilistic = text(event, link_column::KIND) == Some("probabilistic");
    Ok(told.unwrap_or(if probabilistic { 0.0 } else { 1.0 }))
}

fn text<'a>(event: &'a Prepared<'_>, column: usize) -> Option<&'a str> {
    match event.cells.get(column) {
        Some(PreparedCell::Text(text)) => Some(text),
        _ => None,
    }
}
