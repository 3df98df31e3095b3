use crate::customer::{Event, EventError, Identifier, primary};
use crate::value::{Timestamp, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The place of an event in the order of the story.
pub(super) type Turn = (Timestamp, i64, String);

/// Who is the same person: the identity graph, folded from link and revocation events.
#[derive(Debug, Clone, Default)]
pub(super) struct Links {
    /// What was told about each pair of identifiers, in the order of the story; the last word counts.
    told: BTreeMap<(Identifier, Identifier), BTreeMap<Turn, bool>>,
    /// For identifiers with links: those that are linked now.
    neighbours: BTreeMap<Identifier, BTreeSet<Identifier>>,
    /// For identifiers in a group of several: the smallest of the group.
    groups: BTreeMap<Identifier, Identifier>,
}

/// The two identifiers of a link event, `None` for other events: both of its identifiers, or its identifier and the property
/// `other`.
pub(super) fn pair(event: &Event, namespaces: &[Arc<str>]) -> Result<Option<(Identifier, Identifier)>, EventError> {
    if !matches!(event.event_type.as_str(), "linked" | "unlinked") {
        return Ok(None);
    }
    let mut identifiers = event.identifiers.clone();
    if let Some(Value::String(other)) = event.property("other") {
        let other =
            Identifier::parse(other).map_err(|error| EventError::new(error.code(), "properties.other", error.to_string()))?;
        identifiers.push(other);
    }
    identifiers.sort();
    identifiers.dedup();
    primary(&identifiers, namespaces)?;
    match &identifiers[..] {
        [a, b] => Ok(Some((a.clone(), b.clone()))),
        _ => Err(EventError::new("wrong_link", "identifiers", "a link names exactly two different identifiers")),
    }
}

impl Links {
    /// All that was told: two identifiers, when, and whether they were linked or parted.
    pub(super) fn told(&self) -> impl Iterator<Item = (&Identifier, &Identifier, &Turn, bool)> {
        self.told.iter().flat_map(|((a, b), told)| told.iter().map(move |(turn, linked)| (a, b, turn, *linked)))
    }

    /// The customer to whom an identifier belongs: the smallest identifier of the group.
    pub(super) fn customer_of<'a>(&'a self, identifier: &'a Identifier) -> &'a Identifier {
        self.groups.get(identifier).unwrap_or(identifier)
    }

    /// Takes in what an event says; tells whether the two are linked now and were not, or the reverse.
    pub(super) fn tell(
        &mut self,
        a: &Identifier,
        b: &Identifier,
        time: Timestamp,
        sequence: i64,
        id: &str,
        linked: bool,
    ) -> bool {
        let told = self.told.entry((a.clone(), b.clone())).or_default();
        let last = |told: &BTreeMap<_, bool>| told.last_key_value().is_some_and(|(_, linked)| *linked);
        let before = last(told);
        told.insert((time, sequence, id.to_owned()), linked);
        let after = last(told);
        for (from, to) in [(a, b), (b, a)] {
            let neighbours = self.neighbours.entry(from.clone()).or_default();
            if after {
                neighbours.insert(to.clone());
            } else {
                neighbours.remove(to);
            }
        }
        before != after
    }

    /// Finds the groups of some identifiers anew.
    pub(super) fn regroup(&mut self, affected: &[Identifier]) {
        let mut done: BTreeSet<Identifier> = BTreeSet::new();
        for identifier in affected {
            if done.contains(identifier) {
                continue;
            }
            let mut group = BTreeSet::from([identifier.clone()]);
            let mut open = vec![identifier.clone()];
            while let Some(next) = open.pop() {
                for neighbour in self.neighbours.get(&next).into_iter().flatten() {
                    if group.insert(neighbour.clone()) {
                        open.push(neighbour.clone());
                    }
                }
            }
            let Some(smallest) = group.first().cloned() else { continue };
            for member in &group {
                if group.len() > 1 {
                    self.groups.insert(member.clone(), smallest.clone());
                } else {
                    self.groups.remove(member);
                }
            }
            done.extend(group);
        }
    }
}
