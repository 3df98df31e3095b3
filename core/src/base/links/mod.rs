//! Who is the same person: the identity graph, folded from link and revocation events.
//!
//! Every event that names several identifiers says that they are of one customer, every `unlinked` takes that back. What stands
//! of it is folded in the order of the story: each link joins two groups unless a rule of the playbook refuses that. The result
//! depends on the set of events alone. A late event folds again what it can reach: the groups of its identifiers and their
//! neighbours, further only where a decision comes out differently.

mod facts;
mod fold;
mod statements;
mod told;

pub(super) use facts::{Fact, FactKind};
pub(super) use fold::Reason;
pub(super) use statements::State;
pub(super) use told::{Turn, Word};

use crate::customer::{Identifier, Namespaces};
use crate::value::Timestamp;
use fold::{Edge, Outcome, Weight, fold};
use smallvec::SmallVec;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use told::{AsOf, Revoked, Standing, Told};

/// The graph: a node per identifier that was ever linked, a pair per two of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Links {
    numbers: BTreeMap<Identifier, u32>,
    nodes: Vec<Node>,
    pairs: Vec<Pair>,
    groups: Vec<Group>,
    /// Groups without members, to be used again.
    free: Vec<u32>,
    /// The last instant at which anything happened or became known.
    latest: Option<Timestamp>,
}

#[derive(Debug, Clone)]
struct Node {
    identifier: Identifier,
    /// The place of its namespace.
    namespace: u16,
    /// Whether it says who somebody is, rather than which device they used.
    identifies: bool,
    /// Whether its namespace stands for several people.
    shared: bool,
    /// The other identifier and the pair, by number of the other.
    edges: Vec<(u32, u32)>,
    /// Pairs that have revocations.
    cuts: Vec<u32>,
    revoked: Vec<Revoked>,
    /// Links that stand, and those of them with identifiers that identify.
    degree: u32,
    identified: u32,
    group: u32,
}

#[derive(Debug, Clone)]
struct Pair {
    /// The smaller identifier and the larger.
    ends: (u32, u32),
    /// In the order of the story.
    told: SmallVec<[Told; 1]>,
    standing: Standing,
    /// Of a link that stands.
    outcome: Option<Outcome>,
}

#[derive(Debug, Clone, Default)]
struct Group {
    members: Vec<u32>,
    smallest: u32,
    weight: Weight,
    /// The last link at any of its members, or something later.
    latest: Option<Turn>,
}

/// What an event says about identifiers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Saying {
    /// About two of them.
    Pair(Identifier, Identifier, Word),
    /// That the links of an event at this identifier do not hold.
    Revoke(Identifier, Arc<str>),
}

/// What a saying changed.
#[derive(Debug, Clone, Default)]
pub(super) struct Changed {
    /// The ids of customers whose identifiers are others now.
    pub(super) owners: BTreeSet<Identifier>,
    /// What holds now and did not (1), or does not hold any more (-1).
    pub(super) net: BTreeMap<Fact, i32>,
    /// Pairs whose facts are compared as a whole, before and after.
    own: SmallVec<[u32; 2]>,
}

impl Changed {
    fn before(&mut self, facts: BTreeSet<Fact>) {
        facts.into_iter().for_each(|fact| *self.net.entry(fact).or_default() -= 1);
    }

    fn after(&mut self, facts: BTreeSet<Fact>) {
        facts.into_iter().for_each(|fact| *self.net.entry(fact).or_default() += 1);
    }
}

impl Links {
    /// The customer to whom an identifier belongs: the smallest identifier of the group.
    pub(super) fn customer_of<'a>(&'a self, identifier: &'a Identifier) -> &'a Identifier {
        let group = self.number(identifier).and_then(|node| self.group_of(node));
        group.and_then(|group| self.name(group.smallest)).unwrap_or(identifier)
    }

    /// All identifiers of the customer to whom one belongs, in order.
    pub(super) fn members(&self, identifier: &Identifier) -> Vec<Identifier> {
        let group = self.number(identifier).and_then(|node| self.group_of(node));
        let mut members = group.map_or_else(|| vec![identifier.clone()], |group| self.names(&group.members));
        members.sort();
        members
    }

    /// Whether all that was ever told happened by an instant and was known by another.
    pub(super) fn is_told_by(&self, now: Timestamp, known_at: Timestamp) -> bool {
        self.latest.is_none_or(|latest| latest <= now && latest <= known_at)
    }

    /// All identifiers that were of one customer at an instant, by what was known at another, in order. Time in proportion to all
    /// that was linked with them, directly or through others.
    pub(super) fn members_at(
        &self,
        rules: &Namespaces,
        identifier: &Identifier,
        now: Timestamp,
        known_at: Timestamp,
    ) -> Vec<Identifier> {
        let as_of = AsOf { now, known_at };
        if self.is_told_by(now, known_at) {
            return self.members(identifier);
        }
        let Some(start) = self.number(identifier) else { return vec![identifier.clone()] };
        let mut guards: BTreeMap<u32, bool> = BTreeMap::new();
        let mut seen = BTreeSet::from([start]);
        let mut open = vec![start];
        let mut standings: BTreeMap<u32, Standing> = BTreeMap::new();
        while let Some(node) = open.pop() {
            if *guards.entry(node).or_insert_with(|| self.guard_at(rules, node, as_of).is_some()) {
                continue;
            }
            for (other, pair) in self.node(node).map_or(&[][..], |node| &node.edges) {
                let standing = self.standing_at(rules, *pair, as_of);
                let guarded = *guards.entry(*other).or_insert_with(|| self.guard_at(rules, *other, as_of).is_some());
                if matches!(standing, Standing::Linked(_)) && !guarded {
                    standings.insert(*pair, standing);
                    if seen.insert(*other) {
                        open.push(*other);
                    }
                }
            }
        }
        let nodes: Vec<u32> = seen.into_iter().collect();
        let edges = standings.iter().filter_map(|(pair, standing)| self.edge(*pair, standing, &nodes)).collect();
        let (_, roots) = fold(rules, self.weights(&nodes), edges);
        let own = nodes.binary_search(&start).ok().and_then(|place| roots.get(place));
        let same = nodes.iter().zip(&roots).filter(|(_, root)| Some(*root) == own).map(|(node, _)| *node);
        let mut members = self.names(&same.collect::<Vec<u32>>());
        members.sort();
        members
    }

    /// All that was told, in the order of the story: what is folded here is folded again from it.
    pub(super) fn told(&self) -> Vec<(Saying, &Turn, Timestamp)> {
        let mut all = Vec::new();
        for pair in &self.pairs {
            let (Some(a), Some(b)) = (self.name(pair.ends.0), self.name(pair.ends.1)) else { continue };
            let said = |told: &Told| Saying::Pair(a.clone(), b.clone(), told.word);
            all.extend(pair.told.iter().map(|told| (said(told), &told.turn, told.known_at)));
        }
        for node in &self.nodes {
            let said = |revoked: &Revoked| Saying::Revoke(node.identifier.clone(), revoked.event.clone());
            all.extend(node.revoked.iter().map(|revoked| (said(revoked), &revoked.turn, revoked.known_at)));
        }
        all.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
        all
    }

    /// Takes in what an event says.
    pub(super) fn tell(&mut self, rules: &Namespaces, saying: &Saying, turn: &Turn, known_at: Timestamp) -> Changed {
        let mut changed = Changed::default();
        let pairs = match saying {
            Saying::Pair(a, b, word) => {
                let (a, b) = (self.number_or_new(rules, a), self.number_or_new(rules, b));
                let pair = self.pair_or_new(a, b);
                changed.before(self.facts(&[pair], &[a, b]));
                self.hear(pair, Told { turn: turn.clone(), known_at, word: *word });
                vec![pair]
            }
            Saying::Revoke(identifier, event) => {
                let node = self.number_or_new(rules, identifier);
                let pairs = self.pairs_of_event(node, event);
                changed.before(self.facts(&pairs, &[node]));
                if let Some(node) = self.nodes.get_mut(node as usize) {
                    let same = node.revoked.iter_mut().find(|revoked| revoked.event == *event && revoked.turn == *turn);
                    match same {
                        Some(revoked) => revoked.known_at = revoked.known_at.min(known_at),
                        None => node.revoked.push(Revoked { event: event.clone(), turn: turn.clone(), known_at, matches: 0 }),
                    }
                }
                self.count_matches(node, event);
                for pair in &pairs {
                    self.note_cut(*pair);
                }
                pairs
            }
        };
        self.latest = self.latest.max(Some(turn.0.max(known_at)));
        changed.own = pairs.iter().copied().collect();
        for pair in &pairs {
            self.settle(rules, *pair, &mut changed);
        }
        let nodes = match saying {
            Saying::Pair(a, b, _) => [self.number(a), self.number(b)],
            Saying::Revoke(identifier, _) => [self.number(identifier), None],
        };
        let nodes: SmallVec<[u32; 2]> = nodes.into_iter().flatten().collect();
        changed.after(self.facts(&pairs, &nodes));
        changed
    }

    /// Forgets all that an event said at an identifier, because it gave way to another with the same id.
    pub(super) fn forget(&mut self, rules: &Namespaces, identifier: &Identifier, event: &str) -> Changed {
        let mut changed = Changed::default();
        let Some(node) = self.number(identifier) else { return changed };
        let pairs: Vec<u32> = self.node(node).map_or(&[][..], |node| &node.edges).iter().map(|(_, pair)| *pair).collect();
        let of_event = |pair: &u32| self.pair(*pair).is_some_and(|pair| pair.told.iter().any(|told| *told.turn.2 == *event));
        let pairs: Vec<u32> = pairs.into_iter().filter(of_event).collect();
        changed.before(self.facts(&pairs, &[node]));
        changed.own = pairs.iter().copied().collect();
        if let Some(node) = self.nodes.get_mut(node as usize) {
            node.revoked.retain(|revoked| *revoked.turn.2 != *event);
        }
        for number in &pairs {
            if let Some(pair) = self.pairs.get_mut(*number as usize) {
                pair.told.retain(|told| *told.turn.2 != *event);
            }
            self.settle(rules, *number, &mut changed);
        }
        self.count_matches(node, event);
        changed.after(self.facts(&pairs, &[node]));
        changed
    }

    /// All that was told about some sorted identifiers, as it was told and known; and what was told about one of them and another,
    /// under that other.
    pub(super) fn told_about(&self, members: &[Identifier]) -> (Vec<(Turn, Timestamp)>, Vec<(Identifier, Turn)>) {
        let (mut all, mut elsewhere) = (Vec::new(), Vec::new());
        for member in members {
            let Some(node) = self.number(member).and_then(|number| self.node(number)) else { continue };
            all.extend(node.revoked.iter().map(|revoked| (revoked.turn.clone(), revoked.known_at)));
            for (other, pair) in &node.edges {
                let (Some(other), Some(pair)) = (self.name(*other), self.pair(*pair)) else { continue };
                let inside = members.binary_search(other).is_ok();
                // Of two members each has the pair.
                if !inside || member < other {
                    all.extend(pair.told.iter().map(|told| (told.turn.clone(), told.known_at)));
                }
                if !inside {
                    elsewhere.extend(pair.told.iter().map(|told| (other.clone(), told.turn.clone())));
                }
            }
        }
        (all, elsewhere)
    }

    /// Erases some sorted identifiers and all that was told about them.
    pub(super) fn erase(&mut self, rules: &Namespaces, members: &[Identifier]) -> Changed {
        let mut changed = Changed::default();
        let nodes: BTreeSet<u32> = members.iter().filter_map(|member| self.number(member)).collect();
        let edges = nodes.iter().filter_map(|node| self.node(*node)).flat_map(|node| node.edges.iter().copied());
        let (mut around, mut pairs) = (nodes.clone(), BTreeSet::new());
        for (other, pair) in edges {
            around.insert(other);
            pairs.insert(pair);
        }
        let around: Vec<u32> = around.into_iter().collect();
        let own: Vec<u32> = pairs.iter().copied().collect();
        changed.before(self.facts(&own, &around));
        changed.own = own.iter().copied().collect();
        for number in &own {
            if let Some(pair) = self.pairs.get_mut(*number as usize) {
                pair.told.clear();
            }
            self.settle(rules, *number, &mut changed);
        }
        for number in &nodes {
            if let Some(node) = self.nodes.get_mut(*number as usize) {
                node.revoked.clear();
            }
        }
        for number in &around {
            let events: Vec<Arc<str>> =
                self.node(*number).map_or(&[][..], |node| &node.revoked).iter().map(|revoked| revoked.event.clone()).collect();
            for event in events {
                self.count_matches(*number, &event);
            }
        }
        changed.after(self.facts(&own, &around));
        for number in &around {
            if let Some(node) = self.nodes.get_mut(*number as usize) {
                node.edges.retain(|(_, pair)| !pairs.contains(pair));
                node.cuts.retain(|pair| !pairs.contains(pair));
            }
        }
        for member in members {
            let Some(number) = self.numbers.remove(member) else { continue };
            // Nothing joins it any more, so that its group is its own.
            let group = self.node(number).map_or(u32::MAX, |node| node.group);
            if let (Some(node), Ok(nobody)) = (self.nodes.get_mut(number as usize), Identifier::parse("erased:identifier")) {
                node.identifier = nobody;
            }
            if let Some(group) = self.groups.get_mut(group as usize) {
                group.members.retain(|member| *member != number);
            }
            self.tidy(group);
        }
        changed
    }

    /// Puts a word among those about a pair; the same word of the same event counts once, as known at the earliest.
    fn hear(&mut self, number: u32, told: Told) {
        let Some(pair) = self.pairs.get_mut(number as usize) else { return };
        let (event, unlinked) = (told.turn.2.clone(), told.word == Word::Unlinked);
        match pair.told.binary_search_by(|known| known.turn.cmp(&told.turn)) {
            Ok(place) => {
                if let Some(known) = pair.told.get_mut(place) {
                    known.known_at = known.known_at.min(told.known_at);
                }
                return;
            }
            Err(place) => pair.told.insert(place, told),
        }
        let (a, b) = pair.ends;
        let revoked = [a, b].map(|node| self.count_matches(node, &event));
        if unlinked || revoked.contains(&true) {
            self.note_cut(number);
        }
    }

    /// Counts what the revocation of an event takes back at a node; false when it was not revoked there.
    fn count_matches(&mut self, number: u32, event: &str) -> bool {
        if !self.node(number).is_some_and(|node| node.revoked.iter().any(|revoked| *revoked.event == *event)) {
            return false;
        }
        let matches = u32::try_from(self.pairs_of_event(number, event).len()).unwrap_or(u32::MAX);
        let Some(node) = self.nodes.get_mut(number as usize) else { return false };
        node.revoked.iter_mut().filter(|revoked| *revoked.event == *event).for_each(|revoked| revoked.matches = matches);
        true
    }

    fn note_cut(&mut self, pair: u32) {
        let Some((a, b)) = self.pair(pair).map(|pair| pair.ends) else { return };
        for node in [a, b] {
            if let Some(node) = self.nodes.get_mut(node as usize)
                && !node.cuts.contains(&pair)
            {
                node.cuts.push(pair);
            }
        }
    }

    /// The pairs at a node that an event linked.
    fn pairs_of_event(&self, node: u32, event: &str) -> Vec<u32> {
        let edges = self.node(node).map_or(&[][..], |node| &node.edges).iter();
        let linked = |told: &Told| *told.turn.2 == *event && told.word != Word::Unlinked;
        edges.map(|(_, pair)| *pair).filter(|pair| self.pair(*pair).is_some_and(|pair| pair.told.iter().any(linked))).collect()
    }

    /// Follows what now stands of a pair: counts, guards, groups.
    fn settle(&mut self, rules: &Namespaces, number: u32, changed: &mut Changed) {
        let standing = self.standing_at(rules, number, AsOf::ALL);
        let Some(pair) = self.pairs.get_mut(number as usize) else { return };
        if pair.standing == standing {
            return;
        }
        let (a, b) = pair.ends;
        let was = std::mem::replace(&mut pair.standing, standing.clone());
        let outcome = pair.outcome.take();
        let stood = matches!(was, Standing::Linked(_));
        let stands = matches!(standing, Standing::Linked(_));
        let guarded = [a, b].map(|node| self.guard(rules, node).is_some());
        if stood != stands {
            self.count(a, b, stands);
        }
        let flipped: SmallVec<[u32; 2]> = [a, b]
            .into_iter()
            .zip(guarded)
            .filter(|(node, guarded)| self.guard(rules, *node).is_some() != *guarded)
            .map(|(node, _)| node)
            .collect();
        if flipped.is_empty() {
            match &standing {
                _ if guarded.contains(&true) => {
                    let reason = self.guard_of(rules, number).filter(|_| stands);
                    self.decide(number, reason.map(Outcome::Refused));
                    return;
                }
                // What joined nobody leaves nothing behind.
                Standing::Nothing | Standing::Weak(_) | Standing::Cut(_) if outcome != Some(Outcome::Joined) => return,
                Standing::Linked(turn) if !stood && self.append(rules, number, turn, changed) => return,
                _ => {}
            }
        }
        self.fold_again(rules, number, &flipped, changed);
    }

    /// Appends a link that is later than all others at its two groups; false when it is not.
    fn append(&mut self, rules: &Namespaces, number: u32, turn: &Turn, changed: &mut Changed) -> bool {
        let Some((a, b)) = self.pair(number).map(|pair| pair.ends) else { return false };
        let (Some(node_a), Some(node_b)) = (self.node(a), self.node(b)) else { return false };
        let (group_a, group_b) = (node_a.group, node_b.group);
        let device = !node_a.identifies || !node_b.identifies;
        let (Some(left), Some(right)) = (self.groups.get(group_a as usize), self.groups.get(group_b as usize)) else {
            return false;
        };
        if [left, right].iter().any(|group| group.latest.as_ref().is_some_and(|latest| latest >= turn)) {
            return false;
        }
        let outcome = match left.weight.refusal(&right.weight, rules, device) {
            _ if group_a == group_b => Outcome::Redundant,
            Some(reason) => Outcome::Refused(reason),
            None => Outcome::Joined,
        };
        let owners = [left, right].map(|group| self.name(group.smallest).cloned());
        for group in [group_a, group_b] {
            if let Some(group) = self.groups.get_mut(group as usize) {
                group.latest = Some(turn.clone());
            }
        }
        self.decide(number, Some(outcome));
        if outcome == Outcome::Joined {
            changed.owners.extend(owners.into_iter().flatten());
            self.unite(group_a, group_b, changed);
        }
        true
    }

    fn unite(&mut self, a: u32, b: u32, changed: &mut Changed) {
        let size = |group: u32| self.groups.get(group as usize).map_or(0, |group| group.members.len());
        let (keep, give) = if size(a) >= size(b) { (a, b) } else { (b, a) };
        let moved = self.groups.get(give as usize).map_or(&[][..], |group| &group.members);
        let cuts = moved.iter().filter_map(|node| self.node(*node)).flat_map(|node| node.cuts.iter().copied());
        let cuts: BTreeSet<u32> = cuts.filter(|pair| !changed.own.contains(pair)).collect();
        let cuts: Vec<u32> = cuts.into_iter().collect();
        changed.before(self.facts(&cuts, &[]));
        let Some(given) = self.groups.get_mut(give as usize).map(std::mem::take) else { return };
        for member in &given.members {
            if let Some(node) = self.nodes.get_mut(*member as usize) {
                node.group = keep;
            }
        }
        let smaller = self.groups.get(keep as usize).is_some_and(|kept| self.name(given.smallest) < self.name(kept.smallest));
        if let Some(kept) = self.groups.get_mut(keep as usize) {
            kept.members.extend(&given.members);
            kept.weight.absorb(&given.weight);
            if smaller {
                kept.smallest = given.smallest;
            }
        }
        self.free.push(give);
        changed.after(self.facts(&cuts, &[]));
    }

    /// Folds again what a pair, and nodes whose guard changed, can reach.
    fn fold_again(&mut self, rules: &Namespaces, number: u32, flipped: &[u32], changed: &mut Changed) {
        let Some((a, b)) = self.pair(number).map(|pair| pair.ends) else { return };
        let mut core: BTreeSet<u32> = BTreeSet::new();
        let mut refused: BTreeMap<u32, Option<Outcome>> = BTreeMap::new();
        for node in [a, b] {
            core.extend(self.peers(node));
        }
        for node in flipped {
            for (other, pair) in self.node(*node).map_or(&[][..], |node| &node.edges) {
                if self.stands(*pair) {
                    core.extend(self.peers(*other));
                    refused.insert(*pair, self.guard_of(rules, *pair).map(Outcome::Refused));
                }
            }
        }
        if let Some(reason) = self.guard_of(rules, number).filter(|_| self.stands(number)) {
            refused.insert(number, Some(Outcome::Refused(reason)));
        }
        let (nodes, outcomes, roots) = loop {
            let nodes = self.neighbourhood(rules, &core);
            let (outcomes, roots) = self.fold_nodes(rules, &nodes);
            let differs = |(pair, outcome): &&(u32, Outcome)| self.pair(*pair).and_then(|pair| pair.outcome) != Some(*outcome);
            let ends = outcomes.iter().filter(differs).filter_map(|(pair, _)| Some(self.pair(*pair)?.ends));
            let further: Vec<u32> = ends.flat_map(|(a, b)| [a, b]).filter(|node| !core.contains(node)).collect();
            if further.is_empty() {
                break (nodes, outcomes, roots);
            }
            for node in further {
                core.extend(self.peers(node));
            }
        };
        let told = outcomes.iter().map(|(pair, _)| *pair).chain(refused.keys().copied());
        let cuts = core.iter().filter_map(|node| self.node(*node)).flat_map(|node| node.cuts.iter().copied());
        let told: BTreeSet<u32> = told.chain(cuts).filter(|pair| !changed.own.contains(pair)).collect();
        let told: Vec<u32> = told.into_iter().collect();
        let before = self.facts(&told, &[]);
        let folded: Vec<u32> = outcomes.iter().map(|(pair, _)| *pair).collect();
        for (pair, outcome) in outcomes {
            self.decide(pair, Some(outcome));
        }
        for (pair, outcome) in refused.into_iter().filter(|(_, outcome)| outcome.is_some()) {
            self.decide(pair, outcome);
        }
        self.regroup(&core, &nodes, &roots, changed);
        folded.into_iter().for_each(|pair| self.note_latest(pair));
        let after = self.facts(&told, &[]);
        changed.before(before);
        changed.after(after);
    }

    /// Lets the groups at both ends of a link know when it was told.
    fn note_latest(&mut self, pair: u32) {
        let Some(Pair { ends: (a, b), standing: Standing::Linked(turn), .. }) = self.pairs.get(pair as usize) else { return };
        for node in [a, b] {
            let group = self.nodes.get(*node as usize).map(|node| node.group);
            if let Some(group) = group.and_then(|group| self.groups.get_mut(group as usize))
                && group.latest.as_ref().is_none_or(|latest| latest < turn)
            {
                group.latest = Some(turn.clone());
            }
        }
    }

    /// Some whole groups and all groups that a link touches them from, sorted.
    fn neighbourhood(&self, rules: &Namespaces, core: &BTreeSet<u32>) -> Vec<u32> {
        let mut nodes = core.clone();
        for node in core.iter().filter(|node| self.guard(rules, **node).is_none()) {
            for (other, pair) in self.node(*node).map_or(&[][..], |node| &node.edges) {
                if !nodes.contains(other) && self.stands(*pair) && self.guard(rules, *other).is_none() {
                    nodes.extend(self.peers(*other));
                }
            }
        }
        nodes.into_iter().collect()
    }

    fn fold_nodes(&self, rules: &Namespaces, nodes: &[u32]) -> (Vec<(u32, Outcome)>, Vec<usize>) {
        let open = |node: &u32| self.guard(rules, *node).is_none();
        let mut edges = Vec::new();
        for node in nodes.iter().filter(|node| open(node)) {
            for (other, pair) in self.node(*node).map_or(&[][..], |node| &node.edges) {
                if other > node
                    && open(other)
                    && let Some(standing) = self.pair(*pair).map(|pair| &pair.standing)
                {
                    edges.extend(self.edge(*pair, standing, nodes));
                }
            }
        }
        fold(rules, self.weights(nodes), edges)
    }

    /// Gives the nodes of `core` the groups that a fold found.
    fn regroup(&mut self, core: &BTreeSet<u32>, nodes: &[u32], roots: &[usize], changed: &mut Changed) {
        let mut found: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
        for (node, root) in nodes.iter().zip(roots).filter(|(node, _)| core.contains(node)) {
            found.entry(*root).or_default().push(*node);
        }
        for members in found.into_values() {
            let old: BTreeSet<u32> = members.iter().filter_map(|node| Some(self.node(*node)?.group)).collect();
            let same = old.len() == 1
                && old
                    .first()
                    .and_then(|group| self.groups.get(*group as usize))
                    .is_some_and(|old| old.members.len() == members.len());
            if same {
                continue;
            }
            let groups = old.iter().filter_map(|group| self.groups.get(*group as usize));
            let latest = groups.clone().filter_map(|group| group.latest.clone()).max();
            changed.owners.extend(
                groups.filter(|group| !group.members.is_empty()).filter_map(|group| self.name(group.smallest).cloned()),
            );
            for node in &members {
                let group = self.node(*node).map(|node| node.group);
                if let Some(group) = group.and_then(|group| self.groups.get_mut(group as usize)) {
                    group.members.retain(|member| member != node);
                }
            }
            for group in old {
                self.tidy(group);
            }
            self.found(members, latest);
        }
    }

    /// Counts a group anew that lost members, or keeps its place for another when it has none left.
    fn tidy(&mut self, number: u32) {
        let Some(group) = self.groups.get_mut(number as usize) else { return };
        let (members, latest) = (std::mem::take(&mut group.members), group.latest.take());
        if members.is_empty() {
            *group = Group::default();
            self.free.push(number);
        } else {
            let group = self.group(members, latest);
            if let Some(place) = self.groups.get_mut(number as usize) {
                *place = group;
            }
        }
    }

    fn found(&mut self, members: Vec<u32>, latest: Option<Turn>) -> u32 {
        let group = self.group(members, latest);
        let number = self.free.pop().unwrap_or(u32::try_from(self.groups.len()).unwrap_or(u32::MAX));
        for member in &group.members {
            if let Some(node) = self.nodes.get_mut(*member as usize) {
                node.group = number;
            }
        }
        match self.groups.get_mut(number as usize) {
            Some(place) => *place = group,
            None => self.groups.push(group),
        }
        number
    }

    fn group(&self, members: Vec<u32>, latest: Option<Turn>) -> Group {
        let mut weight = Weight::default();
        for one in self.weights(&members) {
            weight.absorb(&one);
        }
        let smallest = members.iter().copied().min_by(|a, b| self.name(*a).cmp(&self.name(*b))).unwrap_or(0);
        Group { members, smallest, weight, latest }
    }

    /// Counts a link that came to stand, or that does no longer.
    fn count(&mut self, a: u32, b: u32, stands: bool) {
        let identifies = [a, b].map(|node| self.node(node).is_some_and(|node| node.identifies));
        for (node, other) in [(a, identifies[1]), (b, identifies[0])] {
            let Some(node) = self.nodes.get_mut(node as usize) else { continue };
            let identified = u32::from(other);
            if stands {
                node.degree = node.degree.saturating_add(1);
                node.identified = node.identified.saturating_add(identified);
            } else {
                node.degree = node.degree.saturating_sub(1);
                node.identified = node.identified.saturating_sub(identified);
            }
        }
    }

    /// Why an identifier joins nobody at present.
    fn guard(&self, rules: &Namespaces, node: u32) -> Option<Reason> {
        let node = self.node(node)?;
        guard(rules, node, node.degree, node.identified)
    }

    /// Why a pair joins nobody, because of one of its two.
    fn guard_of(&self, rules: &Namespaces, pair: u32) -> Option<Reason> {
        let (a, b) = self.pair(pair)?.ends;
        [a, b].into_iter().filter_map(|node| self.guard(rules, node)).min()
    }

    fn guard_at(&self, rules: &Namespaces, number: u32, as_of: AsOf) -> Option<Reason> {
        let node = self.node(number)?;
        let (mut degree, mut identified) = (0, 0);
        for (other, pair) in &node.edges {
            if matches!(self.standing_at(rules, *pair, as_of), Standing::Linked(_)) {
                degree += 1;
                identified += u32::from(self.node(*other).is_some_and(|other| other.identifies));
            }
        }
        guard(rules, node, degree, identified)
    }

    fn standing_at(&self, rules: &Namespaces, pair: u32, as_of: AsOf) -> Standing {
        let Some(pair) = self.pair(pair) else { return Standing::Nothing };
        let revoked: SmallVec<[&[Revoked]; 2]> =
            [pair.ends.0, pair.ends.1].iter().filter_map(|node| self.node(*node)).map(|node| &node.revoked[..]).collect();
        Standing::of(&pair.told, &revoked, rules.limits.confidence, as_of)
    }

    fn stands(&self, pair: u32) -> bool {
        self.pair(pair).is_some_and(|pair| matches!(pair.standing, Standing::Linked(_)))
    }

    fn decide(&mut self, pair: u32, outcome: Option<Outcome>) {
        if let Some(pair) = self.pairs.get_mut(pair as usize) {
            pair.outcome = outcome;
        }
    }

    /// A link that stands between two of some sorted nodes.
    fn edge<'a>(&'a self, number: u32, standing: &'a Standing, nodes: &[u32]) -> Option<Edge<'a>> {
        let Standing::Linked(turn) = standing else { return None };
        let (a, b) = self.pair(number)?.ends;
        let ends = (nodes.binary_search(&a).ok()?, nodes.binary_search(&b).ok()?);
        let (a, b) = (self.node(a)?, self.node(b)?);
        Some(Edge {
            pair: number,
            turn,
            rank: a.namespace.max(b.namespace),
            names: (&a.identifier, &b.identifier),
            ends,
            through_device: !a.identifies || !b.identifies,
        })
    }

    fn weights(&self, nodes: &[u32]) -> Vec<Weight> {
        nodes.iter().filter_map(|node| self.node(*node)).map(|node| Weight::one(node.namespace, node.identifies)).collect()
    }

    fn peers(&self, node: u32) -> impl Iterator<Item = u32> {
        self.group_of(node).map_or(&[][..], |group| &group.members).iter().copied()
    }

    fn number(&self, identifier: &Identifier) -> Option<u32> {
        self.numbers.get(identifier).copied()
    }

    fn node(&self, number: u32) -> Option<&Node> {
        self.nodes.get(number as usize)
    }

    fn pair(&self, number: u32) -> Option<&Pair> {
        self.pairs.get(number as usize)
    }

    fn group_of(&self, node: u32) -> Option<&Group> {
        self.groups.get(self.node(node)?.group as usize)
    }

    fn name(&self, node: u32) -> Option<&Identifier> {
        self.node(node).map(|node| &node.identifier)
    }

    fn names(&self, nodes: &[u32]) -> Vec<Identifier> {
        nodes.iter().filter_map(|node| self.node(*node)).map(|node| node.identifier.clone()).collect()
    }

    fn number_or_new(&mut self, rules: &Namespaces, identifier: &Identifier) -> u32 {
        if let Some(number) = self.number(identifier) {
            return number;
        }
        let number = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        let place = rules.place(identifier.namespace()).unwrap_or(0);
        let rule = rules.rule(place);
        self.nodes.push(Node {
            identifier: identifier.clone(),
            namespace: u16::try_from(place).unwrap_or(u16::MAX),
            identifies: rule.is_some_and(|rule| rule.identifies()),
            shared: rule.is_some_and(|rule| rule.shared),
            edges: Vec::new(),
            cuts: Vec::new(),
            revoked: Vec::new(),
            degree: 0,
            identified: 0,
            group: 0,
        });
        self.numbers.insert(identifier.clone(), number);
        self.found(vec![number], None);
        number
    }

    fn pair_or_new(&mut self, a: u32, b: u32) -> u32 {
        let edges = self.node(a).map_or(&[][..], |node| &node.edges);
        let place = match edges.binary_search_by_key(&b, |(other, _)| *other) {
            Ok(place) => return edges.get(place).map_or(0, |(_, pair)| *pair),
            Err(place) => place,
        };
        let number = u32::try_from(self.pairs.len()).unwrap_or(u32::MAX);
        let ends = if self.name(a) < self.name(b) { (a, b) } else { (b, a) };
        self.pairs.push(Pair { ends, told: SmallVec::new(), standing: Standing::Nothing, outcome: None });
        if let Some(node) = self.nodes.get_mut(a as usize) {
            node.edges.insert(place, (b, number));
        }
        if let Some(node) = self.nodes.get_mut(b as usize) {
            let place = node.edges.partition_point(|(other, _)| *other < a);
            node.edges.insert(place, (a, number));
        }
        number
    }
}

/// Why an identifier with so many links joins nobody: it stands for several people, or there are more than one person has.
fn guard(rules: &Namespaces, node: &Node, degree: u32, identified: u32) -> Option<Reason> {
    let rule = rules.rule(usize::from(node.namespace))?;
    if node.shared {
        return Some(Reason::Shared);
    }
    (identified > rule.guard || degree > rules.limits.identifiers).then_some(Reason::Guard)
}
