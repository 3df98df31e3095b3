use super::rules::GROUP;
use super::ties::{Ask, Tie, Which};
use crate::customer::Identifier;
use crate::value::Timestamp;
use smallvec::SmallVec;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// What a customer has to do with one subject of a relation at an instant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Stand {
    /// The groups, or the others on that side; by id.
    pub(crate) with: Vec<Identifier>,
    /// The customer's roles in the group, in the order of the playbook.
    pub(crate) roles: SmallVec<[u16; 2]>,
    /// Since when, at the earliest.
    pub(crate) since: Option<Timestamp>,
    /// The members of the groups, the customer among them.
    pub(crate) members: Vec<Member>,
}

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) owner: Identifier,
    pub(crate) roles: SmallVec<[u16; 2]>,
}

impl Ask<'_> {
    /// What a customer with some identifiers has to do with every subject, in the order of the subjects.
    pub(crate) fn stands(&self, identifiers: &[Identifier]) -> Vec<Stand> {
        self.rules.subjects.iter().map(|subject| self.stand(identifiers, subject.relation, subject.side)).collect()
    }

    fn stand(&self, identifiers: &[Identifier], relation: usize, side: u8) -> Stand {
        let mut stand = Stand::default();
        let Some(rule) = self.rules.relations.get(relation) else { return stand };
        let Some(first) = identifiers.first() else { return stand };
        let grouped = rule.group.is_some();
        let itself = grouped && rule.group.as_deref() == Some(first.namespace());
        if itself {
            stand.with.push(self.who.owner(first));
        } else {
            self.holding(identifiers, relation, rule.across(side), &mut |tie| {
                stand.since = Some(stand.since.map_or(tie.turn.0, |since| since.min(tie.turn.0)));
                stand.roles.extend(tie.role.filter(|role| !stand.roles.contains(role)));
                if !stand.with.contains(&tie.owner) {
                    stand.with.push(tie.owner);
                }
            });
            stand.roles.sort_unstable();
        }
        if grouped {
            let mut members: BTreeMap<Identifier, SmallVec<[u16; 2]>> = BTreeMap::new();
            for group in &stand.with {
                self.holding(&self.who.identifiers(group), relation, GROUP, &mut |tie| {
                    members.entry(tie.owner).or_default().extend(tie.role);
                });
            }
            stand.members = members.into_iter().map(|(owner, roles)| Member { owner, roles }).collect();
        }
        // A group of which nobody was told to be a member is no group.
        if itself && stand.members.is_empty() {
            stand.with.clear();
        }
        stand
    }

    /// Visits the ties that hold.
    pub(crate) fn holding(&self, identifiers: &[Identifier], relation: usize, side: u8, visit: &mut dyn FnMut(Tie)) {
        self.ties(identifiers, relation, side, Which::Holding, &mut |tie| {
            visit(tie);
            ControlFlow::Continue(())
        });
    }
}
