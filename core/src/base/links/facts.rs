use super::fold::Outcome;
use super::told::{Standing, Turn, idle};
use super::{Links, Reason};
use crate::customer::Identifier;
use std::collections::BTreeSet;

/// What a link or its revocation came to, as the story stands now.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::base) struct Fact {
    /// The event that brought it about.
    pub(in crate::base) turn: Turn,
    /// The two identifiers, the smaller first; one only when an event was revoked that linked nothing.
    pub(in crate::base) identifiers: (Identifier, Option<Identifier>),
    pub(in crate::base) kind: FactKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::base) enum FactKind {
    /// Two customers are one.
    Merged,
    /// A link was revoked, and its identifiers are of two customers.
    Parted,
    /// A link joins nobody, or a revocation takes nothing back.
    Refused(Reason),
}

impl Links {
    /// What is said at present about some pairs, and about revocations at some nodes that link nothing.
    pub(super) fn facts(&self, pairs: &[u32], nodes: &[u32]) -> BTreeSet<Fact> {
        let mut facts = BTreeSet::new();
        pairs.iter().for_each(|pair| self.note_facts(*pair, &mut facts));
        self.note_revocations(nodes, &mut facts);
        facts
    }

    /// Adds what is said about a pair at present.
    fn note_facts(&self, number: u32, facts: &mut BTreeSet<Fact>) {
        let Some(pair) = self.pair(number) else { return };
        let (a, b) = pair.ends;
        let (Some(smaller), Some(larger)) = (self.name(a), self.name(b)) else { return };
        let fact = |turn: &Turn, kind| Fact { turn: turn.clone(), identifiers: (smaller.clone(), Some(larger.clone())), kind };
        facts.extend(idle(&pair.told).iter().map(|turn| fact(turn, FactKind::Refused(Reason::NotLinked))));
        let apart = || self.node(a).map(|node| node.group) != self.node(b).map(|node| node.group);
        match &pair.standing {
            Standing::Nothing => {}
            Standing::Weak(turn) => {
                facts.insert(fact(turn, FactKind::Refused(Reason::Confidence)));
            }
            Standing::Cut(turn) => {
                if apart() {
                    facts.insert(fact(turn, FactKind::Parted));
                }
            }
            Standing::Linked(turn) => match pair.outcome {
                Some(Outcome::Joined) => {
                    facts.insert(fact(turn, FactKind::Merged));
                }
                Some(Outcome::Refused(reason)) => {
                    facts.insert(fact(turn, FactKind::Refused(reason)));
                }
                Some(Outcome::Redundant) | None => {}
            },
        }
    }

    /// Adds revocations of events that linked nothing.
    fn note_revocations(&self, nodes: &[u32], facts: &mut BTreeSet<Fact>) {
        for node in nodes.iter().filter_map(|node| self.node(*node)) {
            facts.extend(node.revoked.iter().filter(|revoked| revoked.matches == 0).map(|revoked| Fact {
                turn: revoked.turn.clone(),
                identifiers: (node.identifier.clone(), None),
                kind: FactKind::Refused(Reason::NotLinked),
            }));
        }
    }
}
