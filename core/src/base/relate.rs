//! Relations in a base: told with events, found from each identifier, read through whoever holds the identifiers.

use super::CustomerBase;
use crate::customer::{Arrival, Customer, EventError, Identifier, Prepared, PreparedCell};
use crate::engine::{Around, Effect, EffectKind, Effected};
use crate::relation::{AsOf, Ask, Extent, Refusal, Relations, Saying, Tie, Turn, Who};
use crate::value::Timestamp;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Who holds which identifiers in a base, as of an instant.
pub(crate) struct Holders<'a> {
    base: &'a CustomerBase,
    as_of: AsOf,
}

impl Who for Holders<'_> {
    fn owner(&self, identifier: &Identifier) -> Identifier {
        if self.as_of == AsOf::ALL || self.base.links.is_told_by(self.as_of.now, self.as_of.known_at) {
            return self.base.links.customer_of(identifier).clone();
        }
        self.identifiers(identifier).into_iter().next().unwrap_or_else(|| identifier.clone())
    }

    fn identifiers(&self, owner: &Identifier) -> Vec<Identifier> {
        if self.as_of == AsOf::ALL {
            return self.base.links.members(owner);
        }
        self.base.links.members_at(self.base.engine.identity(), owner, self.as_of.now, self.as_of.known_at)
    }
}

/// A relation as it stands: relation, both ends, role, the event that told it.
type Key = (usize, Identifier, Identifier, Option<u16>, Turn);

/// Two identifiers in a relation.
type Pair = (usize, (Identifier, Identifier));

/// An identifier on a side of a relation.
type End = (Identifier, usize, u8);

/// What was so before an event, or is after it.
#[derive(Default)]
struct State {
    /// Of the pairs that the event is about: what stands, and which limit refuses it.
    own: BTreeMap<Key, Option<Refusal>>,
    /// What holds beside them at ends that may exceed a limit.
    held: BTreeSet<Key>,
    /// What is refused there.
    refused: BTreeMap<Key, Refusal>,
    /// Events of which nothing holds any more.
    revokes: BTreeSet<Arc<str>>,
}

impl CustomerBase {
    /// Who is around a customer, as far as decisions read it; `None` where the playbook declares no relations.
    pub(crate) fn around<'a>(
        &'a self,
        identifier: &Identifier,
        now: Timestamp,
        known_at: Option<Timestamp>,
    ) -> Option<Around<'a>> {
        self.around_to(identifier, now, known_at, &self.engine.offers().extents)
    }

    /// Everybody who is around a customer.
    pub(crate) fn all_around<'a>(
        &'a self,
        identifier: &Identifier,
        now: Timestamp,
        known_at: Option<Timestamp>,
    ) -> Option<Around<'a>> {
        self.around_to(identifier, now, known_at, &[])
    }

    fn around_to<'a>(
        &'a self,
        identifier: &Identifier,
        now: Timestamp,
        known_at: Option<Timestamp>,
        extents: &[Extent],
    ) -> Option<Around<'a>> {
        if self.engine.relations().is_empty() {
            return None;
        }
        let as_of = AsOf { now, known_at: known_at.unwrap_or(now) };
        let who = Holders { base: self, as_of };
        let fetch = |owner: &Identifier| -> Option<Cow<'a, Customer>> { self.find_at(owner, now, as_of.known_at) };
        Some(Around::new(&self.ask(&who), &who.identifiers(identifier), extents, &fetch))
    }

    /// Asks about relations with those who hold identifiers as of an instant.
    pub(crate) fn holders(&self, as_of: AsOf) -> Holders<'_> {
        Holders { base: self, as_of }
    }

    pub(crate) fn ask<'a>(&'a self, who: &'a Holders<'a>) -> Ask<'a> {
        Ask { rules: self.engine.relations(), relations: &self.relations, who, as_of: who.as_of }
    }

    /// All relations again, from the stories.
    pub(super) fn relate_all(&mut self) {
        if !self.engine.relations().is_empty() {
            let engine = self.engine.clone();
            let reserved = &engine.model().rules.sources.reserved;
            let strands = self.customers.values().flat_map(Customer::strands);
            self.relations = Relations::of(engine.relations(), engine.identity(), reserved, strands);
        }
    }

    /// Whether an event is about relations.
    pub(super) fn relates(&self, event: &Prepared<'_>) -> bool {
        let relations = self.engine.model().rules.sources.reserved.relations;
        relations.is_some_and(|(related, unrelated)| event.kind == related || event.kind == unrelated)
    }

    /// Refuses an event that relates somebody to a customer who was erased.
    pub(super) fn admit_relation(&self, on: &Identifier, event: &Prepared<'_>) -> Result<(), EventError> {
        if !self.relates(event) {
            return Ok(());
        }
        for saying in self.engine.relation_sayings(on, event)? {
            if let Saying::Tie { ends: (first, second), .. } = &saying {
                self.tombstones.admit_other(if first == on { second } else { first }, event)?;
            }
        }
        Ok(())
    }

    /// Follows what an event says about relations, without telling what that changed.
    pub(super) fn hear(&mut self, on: &Identifier, event: &Prepared<'_>, arrival: Arrival) {
        if self.engine.relations().is_empty() {
            return;
        }
        match arrival {
            Arrival::ConflictKeptOld => return,
            Arrival::ConflictKeptNew { .. } => self.relations.forget(on, &event.id),
            Arrival::New | Arrival::Duplicate => {}
        }
        if self.relates(event) {
            let turn: Turn = (event.time, event.sequence, Arc::from(&*event.id));
            for saying in self.engine.relation_sayings(on, event).unwrap_or_default() {
                self.relations.tell(&saying, &turn, event.known_at);
            }
        }
    }

    /// Follows what an event says about relations, and tells what that changed.
    pub(super) fn relate(
        &mut self,
        on: &Identifier,
        event: &Prepared<'_>,
        arrival: Option<Arrival>,
        told: Option<Timestamp>,
    ) -> Vec<Effect> {
        if self.engine.relations().is_empty() {
            return Vec::new();
        }
        let engine = self.engine.clone();
        let forgets = matches!(arrival, Some(Arrival::ConflictKeptNew { .. }));
        let sayings = match arrival {
            Some(Arrival::ConflictKeptOld) => return Vec::new(),
            _ => engine.relation_sayings(on, event).unwrap_or_default(),
        };
        if sayings.is_empty() && !forgets {
            return Vec::new();
        }
        let mut pairs: Vec<Pair> = Vec::new();
        for saying in &sayings {
            match saying {
                Saying::Tie { relation, ends, .. } => pairs.push((usize::from(*relation), ends.clone())),
                Saying::Revoke { on, event } => pairs.extend(self.relations.told_by_event(on, event)),
            }
        }
        if forgets {
            pairs.extend(self.relations.told_by_event(on, &event.id));
        }
        pairs.sort();
        pairs.dedup();
        let turn: Turn = (event.time, event.sequence, Arc::from(&*event.id));
        let ends = self.crowded(&pairs, &sayings, &turn);
        let before = self.stands(&pairs, &ends);
        self.hear(on, event, arrival.unwrap_or(Arrival::New));
        let mut after = self.stands(&pairs, &ends);
        after.revokes.extend(sayings.iter().filter_map(|saying| match saying {
            Saying::Revoke { event, .. } => Some(event.clone()),
            Saying::Tie { .. } => None,
        }));
        self.changes(&before, &after, told, &turn)
    }

    /// The ends at which an event may take somebody's place or make room for somebody: those that hold as many as a limit allows,
    /// unless all of it is beyond the limit anyway.
    fn crowded(&self, pairs: &[Pair], sayings: &[Saying], turn: &Turn) -> Vec<End> {
        let said: Vec<Option<u16>> = sayings.iter().filter_map(Saying::role).collect();
        let mut crowded = Vec::new();
        for (relation, ends) in pairs {
            let Some(rule) = self.engine.relations().relations.get(*relation) else { continue };
            let standing = self.relations.between(*relation, ends, 0);
            for (end, side) in [(&ends.0, 0), (&ends.1, rule.across(0))] {
                let roles = said.iter().chain(standing.iter().map(|(role, _)| role));
                let least = roles.map(|role| rule.role_limit(side, *role)).fold(rule.limit(side), usize::min);
                let room = self.relations.count(end) + sayings.len() <= least;
                let full = self.relations.full(end, *relation, side);
                let beyond = full.is_some_and(|full| turn > full && standing.iter().all(|(_, turn)| turn > full));
                if !room && !beyond {
                    crowded.push((end.clone(), *relation, side));
                }
            }
        }
        crowded
    }

    /// What stands between some pairs, and what else stands at some ends.
    fn stands(&mut self, pairs: &[Pair], crowded: &[End]) -> State {
        let mut state = State::default();
        let mut full = Vec::new();
        let who = self.holders(AsOf::ALL);
        let ask = self.ask(&who);
        for (relation, ends) in pairs {
            for (role, turn) in self.relations.between(*relation, ends, 0) {
                let refused = ask.refusal(*relation, (&ends.0, &ends.1), role, &turn);
                state.own.insert((*relation, ends.0.clone(), ends.1.clone(), role, turn), refused);
            }
        }
        for (end, relation, side) in crowded {
            let Some(rule) = self.engine.relations().relations.get(*relation) else { continue };
            let (ties, first) = ask.within(end, *relation, *side);
            full.extend(first.map(|first| (end.clone(), *relation, *side, first)));
            for Tie { own, other, role, turn, refused, .. } in ties {
                let swapped = if rule.across(0) == 0 { other < own } else { *side == 1 };
                let (first, second) = if swapped { (other, own) } else { (own, other) };
                let key = (*relation, first, second, role, turn);
                match refused {
                    _ if state.own.contains_key(&key) => {}
                    None => _ = state.held.insert(key),
                    Some(limit) => _ = state.refused.insert(key, limit),
                }
            }
        }
        for (end, relation, side, first) in full {
            self.relations.note_full(&end, relation, side, first);
        }
        state
    }

    fn changes(&self, before: &State, after: &State, told: Option<Timestamp>, cause: &Turn) -> Vec<Effect> {
        let rules = self.engine.relations();
        let (mut withdrawn, mut news) = (Vec::new(), Vec::new());
        let mut note =
            |key: &Key, gone: bool, made: &dyn Fn(Arc<str>, Option<Arc<str>>, Arc<str>, Arc<str>) -> Effected, turn: &Turn| {
                let (relation, first, second, role, _) = key;
                let Some(rule) = rules.relations.get(*relation) else { return };
                let role = role.and_then(|role| rule.role(role)).cloned();
                let what = made(rule.name.clone(), role, first.text(), second.text());
                let kind = match gone {
                    true => EffectKind::Withdrawn,
                    false if told.is_none_or(|told| turn.0 > told) => EffectKind::Happened,
                    false => EffectKind::Corrected,
                };
                let effect = Effect::new(None, what, kind, turn.0, Some(turn.2.clone()));
                if gone { withdrawn.push(effect) } else { news.push(effect) }
            };
        let related = |relation, role, identifier, other| Effected::Related { relation, role, identifier, other };
        let unrelated = |relation, role, identifier, other| Effected::Unrelated { relation, role, identifier, other };
        let refused = |limit: Refusal| {
            move |relation, role, identifier, other| Effected::RelationRefused {
                relation,
                role,
                identifier,
                other,
                limit: limit.name(),
            }
        };
        for (key, limit) in before.own.iter().filter(|(key, limit)| after.own.get(key) != Some(limit)) {
            // What ends at its time is news of its own; what never was is withdrawn.
            let ended = !after.own.contains_key(key) && key.4 < *cause && limit.is_none();
            let revoked = ended && after.revokes.contains(&key.4.2);
            match limit {
                None if ended && !revoked => note(key, false, &unrelated, cause),
                None => note(key, true, &related, &key.4),
                Some(limit) => note(key, true, &refused(*limit), &key.4),
            }
        }
        for (key, limit) in after.own.iter().filter(|(key, limit)| before.own.get(key) != Some(limit)) {
            match limit {
                None => note(key, false, &related, &key.4),
                Some(limit) => note(key, false, &refused(*limit), &key.4),
            }
        }
        // Those who lose their place to somebody told earlier, or get one that somebody left.
        let own = |key: &&Key| !before.own.contains_key(*key) && !after.own.contains_key(*key);
        for key in before.held.difference(&after.held).filter(own) {
            let limit = after.refused.get(key).copied().unwrap_or(Refusal::AtMost);
            note(key, true, &related, &key.4);
            note(key, false, &refused(limit), &key.4);
        }
        for key in after.held.difference(&before.held).filter(own) {
            let limit = before.refused.get(key).copied().unwrap_or(Refusal::AtMost);
            note(key, true, &refused(limit), &key.4);
            note(key, false, &related, &key.4);
        }
        for (key, limit) in &before.refused {
            if let Some(other) = after.refused.get(key).filter(|other| *other != limit) {
                note(key, true, &refused(*limit), &key.4);
                note(key, false, &refused(*other), &key.4);
            }
        }
        withdrawn.extend(news);
        withdrawn
    }
}

impl crate::engine::Engine {
    /// What an event says about relations; nothing for most.
    ///
    /// # Errors
    /// As for [`sayings`](crate::relation::sayings).
    pub(crate) fn relation_sayings(
        &self,
        on: &Identifier,
        event: &Prepared<'_>,
    ) -> Result<smallvec::SmallVec<[Saying; 1]>, EventError> {
        let Some((related, unrelated)) = self.model().rules.sources.reserved.relations else {
            return Ok(smallvec::SmallVec::new());
        };
        if event.kind != related && event.kind != unrelated {
            return Ok(smallvec::SmallVec::new());
        }
        crate::relation::sayings(self.relations(), self.identity(), on, event.kind == related, |column| {
            match event.cells.get(column) {
                Some(PreparedCell::Text(text)) => Some(text),
                _ => None,
            }
        })
    }
}
