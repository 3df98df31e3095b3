use super::told::Turn;
use crate::customer::{Identifier, Namespaces};
use smallvec::SmallVec;

/// What became of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It joined two customers.
    Joined,
    /// Its two identifiers were of one customer already.
    Redundant,
    /// It joins nobody.
    Refused(Reason),
}

/// Why a link joins nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::base) enum Reason {
    /// One of the two stands for several people.
    Shared,
    /// One of the two is linked with more than it could be if it were one person's.
    Guard,
    /// The customer would have more identifiers than any.
    Size,
    /// The customer would have two identifiers of a unique namespace.
    Unique,
    /// The customer would have more identifiers of a namespace than its limit.
    Limit,
    /// Both are identified, and only a device says that they are one.
    Device,
    /// It is less probable than the playbook asks for.
    Confidence,
    /// There is nothing to revoke.
    NotLinked,
    /// The identifier is nobody's.
    Never,
    /// The identifier was of a customer who was erased.
    Erased,
}

impl Reason {
    pub(in crate::base) fn name(self) -> &'static str {
        match self {
            Reason::Shared => "shared",
            Reason::Guard => "guard",
            Reason::Size => "size",
            Reason::Unique => "unique",
            Reason::Limit => "limit",
            Reason::Device => "device",
            Reason::Confidence => "confidence",
            Reason::NotLinked => "not_linked",
            Reason::Never => "never",
            Reason::Erased => "erased",
        }
    }
}

/// What a group of identifiers weighs in the rules of joining.
#[derive(Debug, Clone, Default)]
pub(super) struct Weight {
    size: u32,
    identified: bool,
    /// How many identifiers of each namespace, by its place.
    counts: SmallVec<[(u16, u32); 2]>,
}

impl Weight {
    pub(super) fn one(place: u16, identifies: bool) -> Self {
        Weight { size: 1, identified: identifies, counts: SmallVec::from_iter([(place, 1)]) }
    }

    pub(super) fn absorb(&mut self, other: &Weight) {
        self.size += other.size;
        self.identified |= other.identified;
        for (place, count) in &other.counts {
            match self.counts.iter_mut().find(|(known, _)| known == place) {
                Some((_, known)) => *known += count,
                None => self.counts.push((*place, *count)),
            }
        }
    }

    /// Why a link may not join two groups. A larger group is never allowed more than a smaller one.
    pub(super) fn refusal(&self, other: &Weight, rules: &Namespaces, through_device: bool) -> Option<Reason> {
        if self.size + other.size > rules.limits.identifiers {
            return Some(Reason::Size);
        }
        let mut refusal = None;
        for (place, count) in &self.counts {
            let theirs = other.counts.iter().find(|(known, _)| known == place).map_or(0, |(_, count)| *count);
            let Some(rule) = rules.rule(usize::from(*place)) else { continue };
            if theirs > 0 && count + theirs > rule.limit {
                let reason = if rule.unique { Reason::Unique } else { Reason::Limit };
                refusal = Some(refusal.map_or(reason, |refusal: Reason| refusal.min(reason)));
            }
        }
        refusal.or((through_device && self.identified && other.identified).then_some(Reason::Device))
    }
}

/// A link that stands, between two places in a list of nodes.
#[derive(Debug)]
pub(super) struct Edge<'a> {
    pub(super) pair: u32,
    pub(super) turn: &'a Turn,
    /// The later declared namespace of the two: links of one event are tried in the order of namespaces.
    pub(super) rank: u16,
    pub(super) names: (&'a Identifier, &'a Identifier),
    pub(super) ends: (usize, usize),
    /// Whether one of the two only says which device was used.
    pub(super) through_device: bool,
}

/// Folds links in the order of their events: each joins the two groups that its identifiers are in by then, unless a rule refuses
/// that. Gives what became of each link, and for each node the smallest place of its group.
pub(super) fn fold(
    rules: &Namespaces,
    mut weights: Vec<Weight>,
    mut edges: Vec<Edge<'_>>,
) -> (Vec<(u32, Outcome)>, Vec<usize>) {
    edges.sort_by(|a, b| (a.turn, a.rank, a.names).cmp(&(b.turn, b.rank, b.names)));
    let mut parents: Vec<usize> = (0..weights.len()).collect();
    let mut outcomes = Vec::with_capacity(edges.len());
    for edge in &edges {
        let (a, b) = (root(&mut parents, edge.ends.0), root(&mut parents, edge.ends.1));
        if a == b {
            outcomes.push((edge.pair, Outcome::Redundant));
            continue;
        }
        let (low, high) = (a.min(b), a.max(b));
        let (before, after) = weights.split_at_mut(high);
        let (Some(low_weight), Some(high_weight)) = (before.get_mut(low), after.first()) else { continue };
        if let Some(reason) = low_weight.refusal(high_weight, rules, edge.through_device) {
            outcomes.push((edge.pair, Outcome::Refused(reason)));
            continue;
        }
        low_weight.absorb(high_weight);
        if let Some(parent) = parents.get_mut(high) {
            *parent = low;
        }
        outcomes.push((edge.pair, Outcome::Joined));
    }
    let roots = (0..parents.len()).map(|place| root(&mut parents, place)).collect();
    (outcomes, roots)
}

/// The root of a place, with the path to it halved on the way.
fn root(parents: &mut [usize], mut place: usize) -> usize {
    while let Some(parent) = parents.get(place).copied().filter(|parent| *parent != place) {
        let above = parents.get(parent).copied().unwrap_or(parent);
        if let Some(own) = parents.get_mut(place) {
            *own = above;
        }
        place = above;
    }
    place
}
