use crate::playbook::{Playbook, Relation};
use std::sync::Arc;

/// The relations of a playbook, compiled.
#[derive(Debug, Clone, Default)]
pub(crate) struct RelationRules {
    /// In the order of the playbook.
    pub(crate) relations: Vec<RelationRule>,
    /// What rules read through them, in the order of the playbook.
    pub(crate) subjects: Vec<Subject>,
}

/// A compiled relation.
#[derive(Debug, Clone)]
pub(crate) struct RelationRule {
    pub(crate) name: Arc<str>,
    /// The namespace of its groups.
    pub(crate) group: Option<Arc<str>>,
    /// Names and limits.
    pub(crate) roles: Vec<(Arc<str>, usize)>,
    at_most: usize,
    groups: usize,
    /// The role whose holders consent for the other.
    pub(crate) consents: Option<usize>,
}

/// What rules read through a relation: the group or the other.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) relation: usize,
    /// On which side of the relation it stands.
    pub(crate) side: u8,
}

/// The side of members.
pub(crate) const MEMBER: u8 = 0;
/// The side of groups.
pub(crate) const GROUP: u8 = 1;

impl RelationRules {
    pub(crate) fn of(playbook: &Playbook) -> Self {
        let mut rules = RelationRules::default();
        for (number, relation) in playbook.relations.iter().enumerate() {
            for (_, role) in relation.subjects() {
                let side = match role {
                    Some(role) => u8::try_from(role).unwrap_or(0),
                    None => u8::from(relation.group.is_some()),
                };
                rules.subjects.push(Subject { relation: number, side });
            }
            rules.relations.push(RelationRule::of(relation));
        }
        rules
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.relations.is_empty()
    }

    pub(crate) fn named(&self, name: &str) -> Option<usize> {
        self.relations.iter().position(|relation| *relation.name == *name)
    }

    /// The relation in which one side consents for minors on the other.
    pub(crate) fn guardian(&self) -> Option<(usize, usize)> {
        self.relations.iter().enumerate().find_map(|(number, relation)| Some((number, relation.consents?)))
    }
}

impl RelationRule {
    fn of(relation: &Relation) -> Self {
        let roles = relation.roles.iter().map(|role| (role.name.text.clone(), role.at_most as usize));
        RelationRule {
            name: relation.name.text.clone(),
            group: relation.group.as_ref().map(|group| group.text.clone()),
            roles: roles.collect(),
            at_most: relation.at_most as usize,
            groups: relation.groups as usize,
            consents: relation
                .consents
                .as_ref()
                .and_then(|name| relation.roles.iter().position(|role| role.name.text == name.text)),
        }
    }

    /// Whether both sides are in roles of their own.
    pub(crate) fn directed(&self) -> bool {
        self.group.is_none() && !self.roles.is_empty()
    }

    /// The side across.
    pub(crate) fn across(&self, side: u8) -> u8 {
        if self.group.is_some() || self.directed() { 1 - side.min(1) } else { 0 }
    }

    /// With how many somebody on a side is related at most.
    pub(crate) fn limit(&self, side: u8) -> usize {
        match (&self.group, side) {
            (Some(_), MEMBER) => self.groups,
            (Some(_), _) => self.at_most,
            (None, _) if self.directed() => self.roles.get(usize::from(self.across(side))).map_or(usize::MAX, |role| role.1),
            (None, _) => self.at_most,
        }
    }

    /// How many there are of a role in one group at most, seen from a side.
    pub(crate) fn role_limit(&self, side: u8, role: Option<u16>) -> usize {
        match role {
            Some(role) if self.group.is_some() && side == GROUP => {
                self.roles.get(usize::from(role)).map_or(usize::MAX, |role| role.1)
            }
            _ => usize::MAX,
        }
    }

    /// The name of a role.
    pub(crate) fn role(&self, role: u16) -> Option<&Arc<str>> {
        self.roles.get(usize::from(role)).map(|(name, _)| name)
    }
}
