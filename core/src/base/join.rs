use super::CustomerBase;
use super::links::{Changed, Fact, FactKind, Reason, Saying, Turn};
use crate::customer::{Arrival, Change, Customer, Identifier, Prepared, Strand};
use crate::engine::{Effect, EffectKind, Effected};
use crate::value::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What was told of a customer before.
type Said = (Vec<Change>, Option<Timestamp>);

impl CustomerBase {
    /// Follows what an event says about who is the same person: joins and parts customers, and tells what that changed. `told` is
    /// the instant up to which everything was told before.
    pub(super) fn listen(
        &mut self,
        sayings: &[Saying],
        primary: &Identifier,
        event: &Prepared<'_>,
        arrival: Option<Arrival>,
        told: Option<Timestamp>,
    ) -> Vec<Effect> {
        let engine = self.engine.clone();
        self.relations.forget_full();
        let rules = engine.identity();
        let mut changes = Vec::new();
        match arrival {
            // What gave way, or never was, says nothing.
            Some(Arrival::ConflictKeptOld) => return Vec::new(),
            Some(Arrival::ConflictKeptNew { .. }) => changes.push(self.links.forget(rules, primary, &event.id)),
            Some(Arrival::New | Arrival::Duplicate) | None => {}
        }
        let turn: Turn = (event.time, event.sequence, Arc::from(&*event.id));
        changes.extend(sayings.iter().map(|saying| self.links.tell(rules, saying, &turn, event.known_at)));
        self.follow(changes, told)
    }

    /// Makes the customers anew whose identifiers are others now.
    pub(super) fn follow(&mut self, changes: Vec<Changed>, told: Option<Timestamp>) -> Vec<Effect> {
        let mut owners = BTreeSet::new();
        let mut net: BTreeMap<Fact, i32> = BTreeMap::new();
        for change in changes {
            owners.extend(change.owners);
            change.net.into_iter().for_each(|(fact, count)| *net.entry(fact).or_default() += count);
        }
        let withdrawn = net.iter().filter(|(_, count)| **count < 0).map(|(fact, _)| self.effect(fact, EffectKind::Withdrawn));
        let news = net.iter().filter(|(_, count)| **count > 0).map(|(fact, _)| {
            let news = told.is_none_or(|told| fact.turn.0 >= told);
            self.effect(fact, if news { EffectKind::Happened } else { EffectKind::Corrected })
        });
        let mut effects: Vec<Effect> = withdrawn.chain(news).collect();
        effects.extend(self.make_anew(&owners, told));
        effects
    }

    fn make_anew(&mut self, owners: &BTreeSet<Identifier>, told: Option<Timestamp>) -> Vec<Effect> {
        let (mut said, mut strands): (BTreeMap<Identifier, Said>, Vec<Strand>) = (BTreeMap::new(), Vec::new());
        for (owner, customer) in owners.iter().filter_map(|owner| Some((owner, self.customers.remove(owner)?))) {
            let mut changes = self.engine.said_of(&customer).changes.clone();
            if customer.derived.taken_over {
                let untold = crate::journey::taken_over(&changes);
                changes.retain(|change| !untold.contains(change));
            }
            said.insert(owner.clone(), (changes, customer.derived.advanced));
            strands.extend(customer.into_strands().into_iter().filter(|strand| !strand.is_blank()));
        }
        let mut groups: BTreeMap<Identifier, Vec<Strand>> = BTreeMap::new();
        for strand in strands {
            groups.entry(self.links.customer_of(strand.identifier()).clone()).or_default().push(strand);
        }
        let reached = said.values().filter_map(|(_, advanced)| *advanced).max();
        let mut effects = Vec::new();
        let mut news = Vec::new();
        for (owner, strands) in groups {
            let mut customer = Customer::of_strands(strands).known_by(owner.clone());
            self.engine.restart(&mut customer);
            if let Some(reached) = reached {
                self.engine.advance(&mut customer, reached);
                let before = said.remove(&owner).map(|(changes, _)| changes).unwrap_or_default();
                let found = self.engine.compare(Some(&owner), &before, &customer.derived.changes, told);
                news.extend(about(owner.as_str(), found));
            }
            self.customers.insert(owner, customer);
        }
        // What was told of customers who are none any more did not happen.
        for (id, (changes, _)) in said {
            effects.extend(about(id.as_str(), self.engine.compare(Some(&id), &changes, &[], told)));
        }
        effects.extend(news);
        effects
    }

    /// The instant up to which everything was told of the customers of some identifiers; an event of that instant adds to it.
    pub(super) fn told<'a>(&self, identifiers: impl Iterator<Item = &'a Identifier>, time: Timestamp) -> Option<Timestamp> {
        let told =
            identifiers.filter_map(|identifier| self.customers.get(self.links.customer_of(identifier))?.derived.advanced).max();
        told.map(|told| if told == time { told.saturating_add_micros(-1) } else { told })
    }

    fn effect(&self, fact: &Fact, kind: EffectKind) -> Effect {
        let (time, _, event) = &fact.turn;
        let (identifier, other) = (fact.identifiers.0.text(), fact.identifiers.1.as_ref().map(Identifier::text));
        let second = || other.clone().unwrap_or_else(|| Arc::from(""));
        let what = match fact.kind {
            FactKind::Merged => Effected::Merged { identifier, other: second() },
            FactKind::Parted => Effected::Parted { identifier, other: second() },
            FactKind::Refused(reason) => Effected::LinkRefused { identifier, other, reason: reason.name() },
        };
        Effect::new(None, what, kind, *time, Some(event.clone()))
    }

    /// Says that an identifier of an event was left out because it is nobody's, or nobody's any more.
    pub(super) fn left_out(&self, nobody: &Identifier, event: &Prepared<'_>, reason: Reason) -> Effect {
        let turn: Turn = (event.time, event.sequence, Arc::from(&*event.id));
        let fact = Fact { turn, identifiers: (nobody.clone(), None), kind: FactKind::Refused(reason) };
        self.effect(&fact, EffectKind::Happened)
    }
}

/// Effects with the name of whom they are about.
pub(super) fn about(customer: &str, effects: Vec<Effect>) -> impl Iterator<Item = Effect> {
    let customer: Arc<str> = Arc::from(customer);
    effects.into_iter().map(move |effect| Effect { customer: Some(customer.clone()), ..effect })
}
