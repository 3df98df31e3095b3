use super::rules::RelationRules;
use super::saying::{Saying, Word};
use crate::customer::{Identifier, Namespaces, Reserved, Strand, View};
use crate::value::{Span, Timestamp};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

/// The place of an event in the order of the story: time, sequence number, id.
pub(crate) type Turn = (Timestamp, i64, Arc<str>);

/// All that was told about relations, found from each identifier. It holds nothing that is not in the stories, so it is made from
/// them again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Relations {
    numbers: BTreeMap<Identifier, u32>,
    nodes: Vec<Node>,
    pairs: Vec<Pair>,
    /// The last instant at which anything happened or became known.
    latest: Option<Timestamp>,
    /// Ends that hold more than a limit allows, each with the first that is beyond it: what comes later is beyond it too.
    full: BTreeMap<(Identifier, usize, u8), Turn>,
}

#[derive(Debug, Clone)]
struct Node {
    identifier: Identifier,
    /// By relation, side and the other.
    pairs: BTreeMap<(u16, u8, u32), u32>,
    /// What stands.
    standing: BTreeSet<Standing>,
    revoked: Vec<Revoked>,
}

/// What stands at an end: relation, side of this end, since when, in which role, and the pair; in this order.
pub(super) type Standing = (u16, u8, Turn, Option<u16>, u32);

/// Two identifiers in a relation.
#[derive(Debug, Clone)]
struct Pair {
    relation: u16,
    ends: (u32, u32),
    /// On which side each end is.
    sides: (u8, u8),
    /// In the order of the story.
    told: SmallVec<[Told; 1]>,
    /// The roles that stand, each since when.
    standing: SmallVec<[(Option<u16>, Turn); 1]>,
}

#[derive(Debug, Clone, PartialEq)]
struct Told {
    turn: Turn,
    word: Word,
    on_first: bool,
    known_at: Timestamp,
}

/// An event of which nothing holds.
#[derive(Debug, Clone, PartialEq)]
struct Revoked {
    event: Arc<str>,
    turn: Turn,
    known_at: Timestamp,
}

/// Up to when words count: when they happened, and when they were known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AsOf {
    pub(crate) now: Timestamp,
    pub(crate) known_at: Timestamp,
}

impl AsOf {
    pub(crate) const ALL: AsOf = AsOf { now: Timestamp::MAX, known_at: Timestamp::MAX };

    fn sees(self, turn: &Turn, known_at: Timestamp) -> bool {
        turn.0 <= self.now && known_at <= self.known_at
    }
}

impl Relations {
    /// All that strands tell. Linear in the number of such events, times the logarithm.
    pub(crate) fn of<'s>(
        rules: &RelationRules,
        namespaces: &Namespaces,
        reserved: &Reserved,
        strands: impl Iterator<Item = &'s Strand>,
    ) -> Self {
        let mut relations = Relations::default();
        let Some((related, unrelated)) = reserved.relations else { return relations };
        for strand in strands {
            let view = View::new(std::slice::from_ref(strand), Timestamp::MAX);
            view.events(&[related, unrelated], Span::lifetime(Timestamp::MAX), &mut |row| {
                let told =
                    super::sayings(rules, namespaces, strand.identifier(), row.kind() == related, |column| row.text(column));
                // What an earlier version of the playbook took in and this one does not know is not read.
                let turn = (row.time(), row.sequence(), Arc::from(row.id()));
                for saying in told.unwrap_or_default() {
                    relations.tell(&saying, &turn, row.known_at());
                }
                ControlFlow::Continue(())
            });
        }
        relations
    }

    /// Takes in what an event says; tells the ends whose standing may be another now.
    pub(crate) fn tell(&mut self, saying: &Saying, turn: &Turn, known_at: Timestamp) {
        self.latest = self.latest.max(Some(turn.0.max(known_at)));
        match saying {
            Saying::Tie { relation, ends, sides, on_first, word } => {
                let pair = self.pair_or_new(*relation, ends, *sides);
                let told = Told { turn: turn.clone(), word: *word, on_first: *on_first, known_at };
                let Some(own) = self.pairs.get_mut(pair as usize) else { return };
                let key = |told: &Told| (told.turn.clone(), told.on_first, told.word);
                match own.told.binary_search_by(|known| key(known).cmp(&key(&told))) {
                    Ok(place) => {
                        if let Some(known) = own.told.get_mut(place) {
                            known.known_at = known.known_at.min(known_at);
                        }
                    }
                    Err(place) => own.told.insert(place, told),
                }
                self.stand(pair);
            }
            Saying::Revoke { on, event } => {
                let node = self.number_or_new(on);
                if let Some(node) = self.nodes.get_mut(node as usize) {
                    match node.revoked.iter_mut().find(|known| known.event == *event && known.turn == *turn) {
                        Some(known) => known.known_at = known.known_at.min(known_at),
                        None => node.revoked.push(Revoked { event: event.clone(), turn: turn.clone(), known_at }),
                    }
                }
                self.told_by(node, event).into_iter().for_each(|pair| self.stand(pair));
            }
        }
    }

    /// Forgets what an event said at an identifier, because it gave way to another with the same id.
    pub(crate) fn forget(&mut self, on: &Identifier, event: &str) {
        let Some(node) = self.number(on) else { return };
        let revokes = self.nodes.get(node as usize).is_some_and(|node| node.revoked.iter().any(|gone| *gone.turn.2 == *event));
        let pairs = if revokes { self.pairs_of(node) } else { self.told_by(node, event) };
        if let Some(node) = self.nodes.get_mut(node as usize) {
            node.revoked.retain(|gone| *gone.turn.2 != *event);
        }
        for number in pairs {
            if let Some(pair) = self.pairs.get_mut(number as usize) {
                let first = pair.ends.0 == node;
                pair.told.retain(|told| !(told.on_first == first && *told.turn.2 == *event));
            }
            self.stand(number);
        }
    }

    /// The pairs of which an event tells at an identifier: relation, ends, sides.
    pub(crate) fn told_by_event(&self, on: &Identifier, event: &str) -> Vec<(usize, (Identifier, Identifier))> {
        let Some(node) = self.number(on) else { return Vec::new() };
        let pairs = self.told_by(node, event).into_iter().filter_map(|pair| self.pairs.get(pair as usize));
        let ends = |pair: &Pair| Some((self.name(pair.ends.0)?.clone(), self.name(pair.ends.1)?.clone()));
        pairs.filter_map(|pair| Some((usize::from(pair.relation), ends(pair)?))).collect()
    }

    /// How much stands at an identifier, in all relations.
    pub(crate) fn count(&self, identifier: &Identifier) -> usize {
        self.number(identifier).and_then(|node| self.nodes.get(node as usize)).map_or(0, |node| node.standing.len())
    }

    /// The roles in which two identifiers stand to each other, each since when.
    pub(crate) fn between(
        &self,
        relation: usize,
        (first, second): &(Identifier, Identifier),
        side: u8,
    ) -> SmallVec<[(Option<u16>, Turn); 1]> {
        let found = self.number(first).zip(self.number(second)).zip(u16::try_from(relation).ok());
        let pair = found.and_then(|((first, second), relation)| {
            self.nodes.get(first as usize)?.pairs.get(&(relation, side, second)).copied()
        });
        pair.and_then(|pair| self.pairs.get(pair as usize)).map(|pair| pair.standing.clone()).unwrap_or_default()
    }

    /// What stands at an end with one other identifier.
    pub(super) fn at(&self, end: &Identifier, other: &Identifier, relation: usize, side: u8) -> Vec<Standing> {
        let found = self.number(end).zip(self.number(other)).zip(u16::try_from(relation).ok());
        let Some(((end, other), relation)) = found else { return Vec::new() };
        let pair = self.nodes.get(end as usize).and_then(|node| node.pairs.get(&(relation, side, other)));
        let standing = pair.and_then(|pair| Some((*pair, self.pairs.get(*pair as usize)?)));
        let (pair, standing) = standing.map_or((0, &[][..]), |(pair, own)| (pair, &own.standing[..]));
        standing.iter().map(|(role, turn)| (relation, side, turn.clone(), *role, pair)).collect()
    }

    /// The first at an end that is beyond a limit, where that is known.
    pub(crate) fn full(&self, end: &Identifier, relation: usize, side: u8) -> Option<&Turn> {
        self.full.get(&(end.clone(), relation, side))
    }

    pub(crate) fn note_full(&mut self, end: &Identifier, relation: usize, side: u8, first: Turn) {
        self.full.insert((end.clone(), relation, side), first);
    }

    /// Who is who has changed.
    pub(crate) fn forget_full(&mut self) {
        self.full.clear();
    }

    /// The events of others that name one of some identifiers: on which identifier they were told, and when.
    pub(crate) fn told_about(&self, identifiers: &[Identifier]) -> Vec<(Identifier, Turn)> {
        let mut found = BTreeSet::new();
        for node in identifiers.iter().filter_map(|identifier| self.number(identifier)) {
            for pair in self.pairs_of(node) {
                let Some(pair) = self.pairs.get(pair as usize) else { continue };
                let (first, second) = (self.name(pair.ends.0), self.name(pair.ends.1));
                for told in &pair.told {
                    let on = if told.on_first { first } else { second };
                    let other = on.filter(|on| !identifiers.contains(on));
                    found.extend(other.map(|on| (on.clone(), told.turn.clone())));
                }
            }
        }
        found.into_iter().collect()
    }

    /// Forgets everything about some identifiers.
    pub(crate) fn erase(&mut self, identifiers: &[Identifier]) {
        let nodes: Vec<u32> = identifiers.iter().filter_map(|identifier| self.number(identifier)).collect();
        for node in nodes {
            for number in self.pairs_of(node) {
                if let Some(pair) = self.pairs.get_mut(number as usize) {
                    pair.told.clear();
                }
                self.stand(number);
                let ends = self.pairs.get(number as usize).map(|pair| [pair.ends.0, pair.ends.1]);
                for end in ends.into_iter().flatten() {
                    if let Some(node) = self.nodes.get_mut(end as usize) {
                        node.pairs.retain(|_, pair| *pair != number);
                    }
                }
            }
            if let Some(node) = self.nodes.get_mut(node as usize) {
                // Nothing points to the number any more; the name goes.
                node.revoked.clear();
            }
        }
        for identifier in identifiers {
            let number = self.numbers.remove(identifier);
            if let Some(node) = number.and_then(|number| self.nodes.get_mut(number as usize))
                && let Ok(nobody) = Identifier::parse("erased:x")
            {
                node.identifier = nobody;
            }
        }
    }

    /// Whether all that was ever told counts.
    pub(super) fn is_told_by(&self, as_of: AsOf) -> bool {
        self.latest.is_none_or(|latest| latest <= as_of.now && latest <= as_of.known_at)
    }

    /// What stands at an identifier, in order.
    pub(super) fn standing(&self, identifier: &Identifier, as_of: AsOf) -> Cow<'_, BTreeSet<Standing>> {
        let Some(node) = self.number(identifier).and_then(|node| self.nodes.get(node as usize)) else {
            return Cow::Owned(BTreeSet::new());
        };
        if self.is_told_by(as_of) {
            return Cow::Borrowed(&node.standing);
        }
        let mut standing = BTreeSet::new();
        for ((relation, side, _), pair) in &node.pairs {
            let roles = self.roles(*pair, as_of).into_iter();
            standing.extend(roles.map(|(role, turn)| (*relation, *side, turn, role, *pair)));
        }
        Cow::Owned(standing)
    }

    /// The two identifiers of a pair, and on which side each is.
    pub(super) fn ends(&self, pair: u32) -> Option<(&Identifier, &Identifier, (u8, u8))> {
        let pair = self.pairs.get(pair as usize)?;
        Some((self.name(pair.ends.0)?, self.name(pair.ends.1)?, pair.sides))
    }

    /// The roles of a pair that stand, each since when.
    fn roles(&self, pair: u32, as_of: AsOf) -> SmallVec<[(Option<u16>, Turn); 1]> {
        let mut standing: SmallVec<[(Option<u16>, Turn); 1]> = SmallVec::new();
        let Some(pair) = self.pairs.get(pair as usize) else { return standing };
        for told in pair.told.iter().filter(|told| as_of.sees(&told.turn, told.known_at)) {
            match told.word {
                Word::Unrelated(None) => standing.clear(),
                Word::Unrelated(role) => standing.retain(|(own, _)| *own != role),
                Word::Related(role) => {
                    let on = if told.on_first { pair.ends.0 } else { pair.ends.1 };
                    let revoked = self.nodes.get(on as usize).map_or(&[][..], |node| &node.revoked);
                    let void = revoked.iter().any(|gone| gone.event == told.turn.2 && as_of.sees(&gone.turn, gone.known_at));
                    if !void && !standing.iter().any(|(own, _)| *own == role) {
                        standing.push((role, told.turn.clone()));
                    }
                }
            }
        }
        standing
    }

    /// Notes at both ends of a pair what stands now.
    fn stand(&mut self, number: u32) {
        let now = self.roles(number, AsOf::ALL);
        let Some(pair) = self.pairs.get_mut(number as usize) else { return };
        let before = std::mem::replace(&mut pair.standing, now.clone());
        let (relation, ends, sides) = (pair.relation, pair.ends, pair.sides);
        for (end, side) in [(ends.0, sides.0), (ends.1, sides.1)] {
            let Some(node) = self.nodes.get_mut(end as usize) else { continue };
            let key = (node.identifier.clone(), usize::from(relation), side);
            if self.full.get(&key).is_some_and(|full| before.iter().chain(&now).any(|(_, turn)| turn < full)) {
                self.full.remove(&key);
            }
            for (role, turn) in &before {
                node.standing.remove(&(relation, side, turn.clone(), *role, number));
            }
            for (role, turn) in &now {
                node.standing.insert((relation, side, turn.clone(), *role, number));
            }
        }
    }

    /// The pairs at a node of which an event tells.
    fn told_by(&self, node: u32, event: &str) -> Vec<u32> {
        let of_event = |number: &u32| {
            self.pairs.get(*number as usize).is_some_and(|pair| {
                let first = pair.ends.0 == node;
                pair.told.iter().any(|told| told.on_first == first && *told.turn.2 == *event)
            })
        };
        self.pairs_of(node).into_iter().filter(of_event).collect()
    }

    fn pairs_of(&self, node: u32) -> Vec<u32> {
        self.nodes.get(node as usize).map(|node| node.pairs.values().copied().collect()).unwrap_or_default()
    }

    fn number(&self, identifier: &Identifier) -> Option<u32> {
        self.numbers.get(identifier).copied()
    }

    fn name(&self, node: u32) -> Option<&Identifier> {
        self.nodes.get(node as usize).map(|node| &node.identifier)
    }

    fn number_or_new(&mut self, identifier: &Identifier) -> u32 {
        if let Some(number) = self.number(identifier) {
            return number;
        }
        let number = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        let identifier = identifier.clone();
        self.numbers.insert(identifier.clone(), number);
        self.nodes.push(Node { identifier, pairs: BTreeMap::new(), standing: BTreeSet::new(), revoked: Vec::new() });
        number
    }

    fn pair_or_new(&mut self, relation: u16, ends: &(Identifier, Identifier), sides: (u8, u8)) -> u32 {
        let (first, second) = (self.number_or_new(&ends.0), self.number_or_new(&ends.1));
        let found = self.nodes.get(first as usize).and_then(|node| node.pairs.get(&(relation, sides.0, second)));
        if let Some(pair) = found {
            return *pair;
        }
        let number = u32::try_from(self.pairs.len()).unwrap_or(u32::MAX);
        self.pairs.push(Pair { relation, ends: (first, second), sides, told: SmallVec::new(), standing: SmallVec::new() });
        for (node, side, other) in [(first, sides.0, second), (second, sides.1, first)] {
            if let Some(node) = self.nodes.get_mut(node as usize) {
                node.pairs.insert((relation, side, other), number);
            }
        }
        number
    }
}
