use super::index::{AsOf, Relations, Standing, Turn};
use super::rules::{GROUP, RelationRule, RelationRules};
use crate::customer::Identifier;
use smallvec::SmallVec;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// Who holds which identifiers, at the instant of a question.
pub(crate) trait Who {
    /// The customer whom an identifier points to: their smallest identifier.
    fn owner(&self, identifier: &Identifier) -> Identifier;
    /// All identifiers of the customer whom one points to.
    fn identifiers(&self, owner: &Identifier) -> Vec<Identifier>;
}

/// A question about relations: by which rules, who is who, and as of when.
#[derive(Clone, Copy)]
pub(crate) struct Ask<'a> {
    pub(crate) rules: &'a RelationRules,
    pub(crate) relations: &'a Relations,
    pub(crate) who: &'a dyn Who,
    pub(crate) as_of: AsOf,
}

/// That somebody is related to somebody else, as told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tie {
    pub(crate) relation: usize,
    /// The side on which the customer stands of whom is asked.
    pub(crate) side: u8,
    /// The identifier of theirs, and that of the other.
    pub(crate) own: Identifier,
    pub(crate) other: Identifier,
    /// The customer whom the other identifier points to.
    pub(crate) owner: Identifier,
    /// The member's role in a group.
    pub(crate) role: Option<u16>,
    /// The event that told it.
    pub(crate) turn: Turn,
    /// The limit that it exceeds.
    pub(crate) refused: Option<Refusal>,
}

/// Which limit refuses a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Refusal {
    /// `at_most` of the relation, or of the role of the other in one between two roles.
    AtMost,
    /// `at_most` of a role.
    Role,
    /// `groups`.
    Groups,
}

impl Refusal {
    /// The name in answers: the key of the playbook.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Refusal::AtMost => "at_most",
            Refusal::Role => "role",
            Refusal::Groups => "groups",
        }
    }
}

/// Which ties are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    All,
    Holding,
}

impl Ask<'_> {
    /// Visits the ties of a customer on one side of a relation, in the order of the story; those alone that hold, unless `which`
    /// asks for all.
    pub(crate) fn ties(
        &self,
        identifiers: &[Identifier],
        relation: usize,
        side: u8,
        which: Which,
        visit: &mut dyn FnMut(Tie) -> ControlFlow<()>,
    ) {
        let Some(rule) = self.rules.relations.get(relation) else { return };
        let Ok(number) = u16::try_from(relation) else { return };
        let of_side = |standing: &&Standing| standing.0 == number && standing.1 == side;
        if let [identifier] = identifiers {
            let standing = self.relations.standing(identifier, self.as_of);
            self.judge(rule, identifiers, relation, side, which, &mut standing.iter().filter(of_side), visit);
            return;
        }
        let mut all: BTreeSet<Standing> = BTreeSet::new();
        for identifier in identifiers {
            all.extend(self.relations.standing(identifier, self.as_of).iter().filter(of_side).cloned());
        }
        self.judge(rule, identifiers, relation, side, which, &mut all.iter(), visit);
    }

    /// Holds what stands at an end, in order, to the limits of both ends.
    #[expect(clippy::too_many_arguments, reason = "an end, what stands there, and what is wanted of it")]
    fn judge(
        &self,
        rule: &RelationRule,
        identifiers: &[Identifier],
        relation: usize,
        side: u8,
        which: Which,
        standing: &mut dyn Iterator<Item = &Standing>,
        visit: &mut dyn FnMut(Tie) -> ControlFlow<()>,
    ) {
        let mut ranks = Ranks::default();
        let own = self.owner_of(identifiers);
        for standing in standing {
            let Some((own_identifier, other)) = self.ends(standing, identifiers, side) else { continue };
            let (.., turn, role, _) = standing;
            let owner = self.who.owner(other);
            // One who was joined with somebody since is not related to themselves.
            if Some(&owner) == own.as_ref() {
                continue;
            }
            let mut refused = ranks.refusal(rule, side, &owner, *role);
            // Of two limits that of the group is named, from wherever one looks.
            if refused.is_none() || which == Which::All && rule.group.is_some() && side != GROUP {
                let others = self.who.identifiers(&owner);
                let across =
                    own.as_ref().and_then(|own| self.refused_across(rule, &others, relation, rule.across(side), own, *role));
                refused = across.or(refused);
            }
            if refused.is_some() && which == Which::Holding {
                continue;
            }
            let (own, other) = (own_identifier.clone(), other.clone());
            let tie = Tie { relation, side, own, other, owner, role: *role, turn: turn.clone(), refused };
            if visit(tie).is_break() {
                return;
            }
        }
    }

    /// What stands at an end with those who are within its limit, and with the first who is not, and when that was told.
    pub(crate) fn within(&self, end: &Identifier, relation: usize, side: u8) -> (Vec<Tie>, Option<Turn>) {
        let identifiers = std::slice::from_ref(end);
        let Some(rule) = self.rules.relations.get(relation) else { return (Vec::new(), None) };
        let own = self.owner_of(identifiers);
        let (most, mut owners, mut first) = (rule.limit(side), BTreeSet::new(), None);
        self.walk(identifiers, relation, side, &mut |standing, other, _| {
            let owner = self.who.owner(other);
            if Some(&owner) == own.as_ref() || owners.contains(&owner) {
                return ControlFlow::Continue(());
            }
            if owners.len() >= most {
                first = Some((standing.2.clone(), owner));
                return ControlFlow::Break(());
            }
            owners.insert(owner);
            ControlFlow::Continue(())
        });
        let beyond = first.as_ref().map(|(_, owner)| owner);
        let mut all = BTreeSet::new();
        for owner in owners.iter().chain(beyond) {
            for identifier in self.who.identifiers(owner) {
                all.extend(self.relations.at(end, &identifier, relation, side));
            }
        }
        let mut ties = Vec::with_capacity(all.len());
        self.judge(rule, identifiers, relation, side, Which::All, &mut all.iter(), &mut |tie| {
            ties.push(tie);
            ControlFlow::Continue(())
        });
        (ties, first.map(|(turn, _)| turn))
    }

    /// Which limit refuses what stands between two identifiers in a role since an event.
    pub(crate) fn refusal(
        &self,
        relation: usize,
        (first, second): (&Identifier, &Identifier),
        role: Option<u16>,
        turn: &Turn,
    ) -> Option<Refusal> {
        let rule = self.rules.relations.get(relation)?;
        let (a, b) = (self.who.owner(first), self.who.owner(second));
        let across = rule.across(0);
        [(second, across, &b, &a, 0), (first, 0, &a, &b, across)].into_iter().find_map(|(end, side, owner, wanted, theirs)| {
            let identifiers = self.who.identifiers(owner);
            let later = self.relations.full(end, relation, side).is_some_and(|full| turn > full);
            if later && identifiers.len() == 1 && !self.stood_before(wanted, owner, relation, theirs, turn) {
                return Some(beyond(rule, side));
            }
            self.refused_across(rule, &identifiers, relation, side, wanted, role)
        })
    }

    /// Whether somebody was related to somebody else before an event.
    fn stood_before(&self, who: &Identifier, owner: &Identifier, relation: usize, side: u8, turn: &Turn) -> bool {
        let mut found = false;
        self.walk(&self.who.identifiers(who), relation, side, &mut |standing, other, _| {
            found = standing.2 < *turn && self.who.owner(other) == *owner;
            if found || standing.2 >= *turn { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        found
    }

    /// Whether the limits at the other end leave room for somebody.
    fn refused_across(
        &self,
        rule: &RelationRule,
        identifiers: &[Identifier],
        relation: usize,
        side: u8,
        wanted: &Identifier,
        role: Option<u16>,
    ) -> Option<Refusal> {
        let (most, most_of_role) = (rule.limit(side), rule.role_limit(side, role));
        let least = most.min(most_of_role);
        // Most ends are far from full, which needs no walk: a group of a hundred thousand would cost one for every member told.
        let standing: usize = identifiers.iter().map(|identifier| self.relations.count(identifier)).sum();
        if (self.as_of == AsOf::ALL || self.relations.is_told_by(self.as_of)) && standing <= least {
            return None;
        }
        let mut count = 0_usize;
        self.walk(identifiers, relation, side, &mut |_, _, _| {
            count += 1;
            if count > least { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        if count <= least {
            return None;
        }
        let own = self.owner_of(identifiers);
        let mut ranks = Ranks::default();
        let mut found = Some(beyond(rule, side));
        self.walk(identifiers, relation, side, &mut |standing, other, _| {
            let owner = self.who.owner(other);
            if Some(&owner) == own.as_ref() {
                return ControlFlow::Continue(());
            }
            let refused = ranks.refusal(rule, side, &owner, standing.3);
            if owner == *wanted && standing.3 == role {
                found = refused;
                return ControlFlow::Break(());
            }
            match refused {
                // All that come now are beyond the limit too.
                Some(Refusal::AtMost | Refusal::Groups) if !ranks.owners.contains(wanted) => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        });
        found
    }

    /// Visits what stands at some identifiers of one customer, in order.
    fn walk(
        &self,
        identifiers: &[Identifier],
        relation: usize,
        side: u8,
        visit: &mut dyn FnMut(&Standing, &Identifier, &Identifier) -> ControlFlow<()>,
    ) {
        let Ok(relation) = u16::try_from(relation) else { return };
        let of_side = |standing: &&Standing| standing.0 == relation && standing.1 == side;
        let mut each = |standing: &Standing| match self.ends(standing, identifiers, side) {
            Some((own, other)) => visit(standing, other, own),
            None => ControlFlow::Continue(()),
        };
        if let [identifier] = identifiers {
            let _ = self.relations.standing(identifier, self.as_of).iter().filter(of_side).try_for_each(&mut each);
            return;
        }
        let mut all: BTreeSet<Standing> = BTreeSet::new();
        for identifier in identifiers {
            all.extend(self.relations.standing(identifier, self.as_of).iter().filter(of_side).cloned());
        }
        let _ = all.iter().try_for_each(&mut each);
    }

    /// Which identifier is at this end and which at the other.
    fn ends(&self, standing: &Standing, identifiers: &[Identifier], side: u8) -> Option<(&Identifier, &Identifier)> {
        let (first, second, sides) = self.relations.ends(standing.4)?;
        let on_first = if sides.0 == sides.1 { identifiers.contains(first) } else { sides.0 == side };
        Some(if on_first { (first, second) } else { (second, first) })
    }

    fn owner_of(&self, identifiers: &[Identifier]) -> Option<Identifier> {
        identifiers.first().map(|identifier| self.who.owner(identifier))
    }
}

fn beyond(rule: &RelationRule, side: u8) -> Refusal {
    if rule.group.is_some() && side != GROUP { Refusal::Groups } else { Refusal::AtMost }
}

/// How many others came before, each counted once.
#[derive(Default)]
struct Ranks {
    owners: BTreeSet<Identifier>,
    /// With the role.
    roles: BTreeSet<(u16, Identifier)>,
    counts: SmallVec<[(u16, usize); 4]>,
}

impl Ranks {
    /// Whether the next is beyond a limit of this end.
    fn refusal(&mut self, rule: &RelationRule, side: u8, owner: &Identifier, role: Option<u16>) -> Option<Refusal> {
        if !self.owners.contains(owner) {
            if self.owners.len() >= rule.limit(side) {
                return Some(beyond(rule, side));
            }
            self.owners.insert(owner.clone());
        }
        let most = rule.role_limit(side, role);
        let role = role.filter(|_| most < usize::MAX)?;
        if self.roles.contains(&(role, owner.clone())) {
            return None;
        }
        let place = self.counts.iter().position(|(known, _)| *known == role).unwrap_or_else(|| {
            self.counts.push((role, 0));
            self.counts.len() - 1
        });
        let count = self.counts.get_mut(place)?;
        if count.1 >= most {
            return Some(Refusal::Role);
        }
        count.1 += 1;
        self.roles.insert((role, owner.clone()));
        None
    }
}
