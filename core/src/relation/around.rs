use super::rules::GROUP;
use super::ties::{Ask, Tie, Which};
use crate::customer::Identifier;
use crate::value::Timestamp;
use smallvec::SmallVec;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// How much of those around a customer is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Extent {
    /// The groups, and the customer's place in them: as quick for a member of very many as for one of few.
    Groups,
    /// How many members the groups have too: who they are is looked up, what is known of them is not.
    Counts,
    /// All members of the groups too.
    Members,
}

/// What a customer has to do with one subject of a relation at an instant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Stand {
    /// The groups, or the others on that side; by id.
    pub(crate) with: Vec<Identifier>,
    /// The customer's roles in the group, in the order of the playbook.
    pub(crate) roles: SmallVec<[u16; 2]>,
    /// Since when, at the earliest.
    pub(crate) since: Option<Timestamp>,
    /// The members of the groups, the customer among them; none where only their number is asked for.
    pub(crate) members: Vec<Identifier>,
    /// How many members there are.
    pub(crate) count: usize,
    /// How many of them are in each role that anybody is in.
    pub(crate) in_roles: SmallVec<[(u16, usize); 4]>,
}

impl Ask<'_> {
    /// What a customer with some identifiers has to do with every subject, in the order of the subjects; `extents` says how much of each
    /// is asked for, all of those that it does not name.
    pub(crate) fn stands(&self, identifiers: &[Identifier], extents: &[Extent]) -> Vec<Stand> {
        let extents = extents.iter().copied().chain(std::iter::repeat(Extent::Members));
        let subjects = self.rules.subjects.iter().zip(extents);
        subjects.map(|(subject, extent)| self.stand(identifiers, subject.relation, subject.side, extent)).collect()
    }

    fn stand(&self, identifiers: &[Identifier], relation: usize, side: u8, extent: Extent) -> Stand {
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
        if grouped && extent >= Extent::Counts {
            let mut members: BTreeMap<Identifier, SmallVec<[u16; 2]>> = BTreeMap::new();
            for group in &stand.with {
                self.holding(&self.who.identifiers(group), relation, GROUP, &mut |tie| {
                    members.entry(tie.owner).or_default().extend(tie.role);
                });
            }
            stand.count = members.len();
            for role in members.values_mut().flat_map(|roles| {
                roles.sort_unstable();
                roles.dedup();
                roles.iter()
            }) {
                match stand.in_roles.iter_mut().find(|(own, _)| own == role) {
                    Some((_, count)) => *count += 1,
                    None => stand.in_roles.push((*role, 1)),
                }
            }
            if extent == Extent::Members {
                stand.members = members.into_keys().collect();
            }
        }
        // A group of which nobody was told to be a member is no group.
        let nobody = match extent {
            Extent::Members | Extent::Counts => stand.count == 0,
            Extent::Groups => itself && !self.has_members(identifiers, relation),
        };
        if itself && nobody {
            stand.with.clear();
        }
        stand
    }

    /// Whether anybody is a member of a group.
    fn has_members(&self, group: &[Identifier], relation: usize) -> bool {
        let mut any = false;
        self.ties(group, relation, GROUP, Which::Holding, &mut |_| {
            any = true;
            ControlFlow::Break(())
        });
        any
    }

    /// Visits the ties that hold.
    pub(crate) fn holding(&self, identifiers: &[Identifier], relation: usize, side: u8, visit: &mut dyn FnMut(Tie)) {
        self.ties(identifiers, relation, side, Which::Holding, &mut |tie| {
            visit(tie);
            ControlFlow::Continue(())
        });
    }
}
