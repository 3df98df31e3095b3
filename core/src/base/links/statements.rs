use super::fold::Outcome;
use super::told::{AsOf, Standing, Turn};
use super::{Links, Reason};
use crate::customer::{Identifier, Namespaces};
use crate::value::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// What was told about two identifiers, and what came of it.
pub(in crate::base) struct Statement {
    pub(in crate::base) identifiers: (Identifier, Identifier),
    pub(in crate::base) state: State,
    /// Why a link that stands joins nobody; `None` when it is not known any more.
    pub(in crate::base) reason: Option<Reason>,
    /// The event that brought the state about.
    pub(in crate::base) turn: Turn,
    /// The largest confidence of a link among them; `None` when there was none.
    pub(in crate::base) confidence: Option<f64>,
}

/// What became of two identifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::base) enum State {
    /// They are of one customer.
    Same,
    /// A rule refuses the link.
    Refused,
    /// All links were taken back.
    Revoked,
}

impl State {
    pub(in crate::base) fn name(self) -> &'static str {
        match self {
            State::Same => "same",
            State::Refused => "refused",
            State::Revoked => "revoked",
        }
    }
}

impl Links {
    /// What was told about some sorted identifiers, of one customer at an instant, and any other: in the order of the story.
    pub(in crate::base) fn statements(
        &self,
        rules: &Namespaces,
        members: &[Identifier],
        now: Timestamp,
        known_at: Timestamp,
    ) -> Vec<Statement> {
        let as_of = AsOf { now, known_at };
        let present = self.latest.is_none_or(|latest| latest <= now && latest <= known_at);
        let nodes: BTreeSet<u32> = members.iter().filter_map(|member| self.number(member)).collect();
        let edges = nodes.iter().filter_map(|node| self.node(*node)).flat_map(|node| node.edges.iter());
        let pairs: BTreeSet<u32> = edges.map(|(_, pair)| *pair).collect();
        let statement = |number: &u32| {
            let pair = self.pair(*number)?;
            let (a, b) = pair.ends;
            let inside = nodes.contains(&a) && nodes.contains(&b);
            let guard = || [a, b].into_iter().filter_map(|node| self.guard_at(rules, node, as_of)).min();
            let (state, reason, turn) = match self.standing_at(rules, *number, as_of) {
                Standing::Nothing => return None,
                Standing::Weak(turn) => (State::Refused, Some(Reason::Confidence), turn),
                Standing::Cut(turn) => (State::Revoked, None, turn),
                Standing::Linked(turn) => match pair.outcome {
                    Some(Outcome::Refused(reason)) if present => (State::Refused, Some(reason), turn),
                    _ if inside => (State::Same, None, turn),
                    _ => (State::Refused, guard(), turn),
                },
            };
            let seen = pair.told.iter().filter(|told| as_of.sees(&told.turn, told.known_at));
            let confidence = seen.filter_map(|told| told.word.confidence()).max_by(f64::total_cmp);
            let identifiers = (self.name(a)?.clone(), self.name(b)?.clone());
            Some(Statement { identifiers, state, reason, turn, confidence })
        };
        let mut all: Vec<Statement> = pairs.iter().filter_map(statement).collect();
        all.sort_by(|a, b| (&a.turn, &a.identifiers).cmp(&(&b.turn, &b.identifiers)));
        all
    }

    /// Which of some sorted identifiers events at one of them named besides, by place in the story.
    pub(in crate::base) fn named_beside(&self, members: &[Identifier]) -> BTreeMap<(Identifier, Turn), BTreeSet<Identifier>> {
        let mut beside: BTreeMap<(Identifier, Turn), BTreeSet<Identifier>> = BTreeMap::new();
        for member in members {
            let edges = self.number(member).and_then(|number| self.node(number)).map_or(&[][..], |node| &node.edges);
            for (other, pair) in edges {
                let (Some(other), Some(pair)) = (self.name(*other), self.pair(*pair)) else { continue };
                if members.binary_search(other).is_ok() {
                    for told in &pair.told {
                        beside.entry((member.clone(), told.turn.clone())).or_default().insert(other.clone());
                    }
                }
            }
        }
        beside
    }
}
