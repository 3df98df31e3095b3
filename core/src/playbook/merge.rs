//! Several documents become one: maps unite, lists append, single values stand once.

use super::shape::Shape;
use super::source::{Findings, Spot, cut};
use super::table::{PLAYBOOK, SCHEMA_KEY};
use super::tree::{Content, Entry, Node};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Unites the roots of documents in their order. What stands in two of them and cannot be united is a mistake that shows
/// both places. Kinds were checked before; what is of the wrong kind is passed over.
pub(super) fn merge(roots: Vec<Node>, findings: &mut Findings<'_>) -> Node {
    let start = Spot { document: 0, line: 1, column: 1, length: 1 };
    let mut merged = Merged { sections: Vec::new(), places: BTreeMap::new() };
    let spot = roots.first().map_or(start, |root| root.spot);
    for root in roots {
        if let Content::Map(entries) = root.content {
            for entry in entries.into_iter().filter(|entry| &*entry.key != SCHEMA_KEY) {
                merged.add(entry, findings);
            }
        }
    }
    Node { spot, content: Content::Map(merged.sections) }
}

struct Merged {
    sections: Vec<Entry>,
    /// Where each section stands, and the places of the names in it.
    places: BTreeMap<Arc<str>, (usize, Places)>,
}

/// The places of names.
type Places = BTreeMap<Arc<str>, Spot>;

impl Merged {
    fn add(&mut self, entry: Entry, findings: &mut Findings<'_>) {
        let Some(field) = PLAYBOOK.fields.iter().find(|field| field.key == &*entry.key) else { return };
        let Some((index, names)) = self.places.get_mut(&entry.key) else {
            let names = entry.value.entries().iter().map(|inner| (inner.key.clone(), inner.spot)).collect();
            self.places.insert(entry.key.clone(), (self.sections.len(), names));
            self.sections.push(entry);
            return;
        };
        let Some(first) = self.sections.get_mut(*index) else { return };
        match (&field.shape, &mut first.value.content, entry.value.content) {
            (Shape::Names(_) | Shape::Object(_), Content::Map(all), Content::Map(more)) => {
                for inner in more {
                    if let Some(place) = names.get(&inner.key) {
                        clash(&format!("{}.{}", entry.key, cut(&inner.key)), inner.spot, *place, findings);
                    } else {
                        names.insert(inner.key.clone(), inner.spot);
                        all.push(inner);
                    }
                }
            }
            (Shape::Names(_) | Shape::Object(_), empty @ Content::Null, more @ Content::Map(_)) => {
                if let Content::Map(entries) = &more {
                    names.extend(entries.iter().map(|inner| (inner.key.clone(), inner.spot)));
                }
                *empty = more;
            }
            (Shape::List(_), Content::List(all), Content::List(more)) => all.extend(more),
            (Shape::Leaf(_), ..) => clash(&entry.key, entry.spot, first.spot, findings),
            _ => {}
        }
    }
}

fn clash(path: &str, spot: Spot, first: Spot, findings: &mut Findings<'_>) {
    let message = format!("`{}` is declared in two documents", path);
    findings.clash("declared_twice", spot, path, message, ("it is first declared here", first));
}
