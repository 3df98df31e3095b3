//! What a cap counts together for all customers, and which offers it is about.

use super::rules::Place;
use crate::playbook::{ContactRule, Group, Offer, Part, Playbook, Scope, Switch};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a cap counts together.
#[derive(Debug, Clone)]
pub(super) struct Together {
    scope: Scope,
    /// The rule's name, where offers count or obey as they say themselves, so that its counter is its own.
    own: Option<Arc<str>>,
    /// By offer: the group.
    groups: BTreeMap<Arc<str>, Arc<str>>,
    /// Offers that are not its business.
    others: BTreeSet<Arc<str>>,
    /// Offers that it holds back, but does not count, by channel or through any.
    uncounted: BTreeSet<(Arc<str>, Arc<str>)>,
    /// Offers that it does not hold back.
    free: BTreeSet<Arc<str>>,
}

impl Together {
    pub(super) fn of(rule: &ContactRule, playbook: &Playbook) -> Self {
        let mut together = Together {
            scope: rule.scope.clone(),
            own: None,
            groups: BTreeMap::new(),
            others: BTreeSet::new(),
            uncounted: BTreeSet::new(),
            free: BTreeSet::new(),
        };
        for offer in &playbook.offers {
            let name = &offer.name.text;
            let named = |group: &&Group| offer.group.as_ref().is_some_and(|own| own.text == group.name.text);
            let group = playbook.groups.iter().find(named);
            together.groups.extend(group.map(|group| (name.clone(), group.name.text.clone())));
            if !is_about(&rule.scope, offer, group) {
                together.others.insert(name.clone());
            }
            let of_group = group.filter(|_| !offer.transactional);
            let holds = |declared: [Option<&Switch>; 3]| match declared.into_iter().flatten().next() {
                Some(Switch::All) => true,
                Some(Switch::None) => false,
                Some(Switch::Only(names)) => names.iter().any(|name| name.text == rule.name),
                None => !offer.transactional,
            };
            for treatment in &offer.treatments {
                let obeys = [treatment.obeys.as_ref(), offer.obeys.as_ref(), of_group.and_then(|group| group.obeys.as_ref())];
                let counts =
                    [treatment.counts.as_ref(), offer.counts.as_ref(), of_group.and_then(|group| group.counts.as_ref())];
                if !holds(counts) {
                    together.uncounted.insert((name.clone(), treatment.channel.text.clone()));
                }
                // What one channel does not hold back is not counted by reservations through another.
                if !holds(obeys) {
                    together.free.insert(name.clone());
                }
            }
        }
        if !together.uncounted.is_empty() || !together.free.is_empty() {
            together.own = Some(rule.name.clone());
        }
        together
    }

    /// The counter for an offer somewhere; `None` when it does not count.
    pub(super) fn key(&self, at: Place<'_>) -> Option<String> {
        let uncounted = (Arc::from(at.offer), Arc::from(at.channel));
        if self.others.contains(at.offer) || self.uncounted.contains(&uncounted) {
            return None;
        }
        let scopes = match &self.scope {
            Scope::All(scopes) => scopes.as_slice(),
            one => std::slice::from_ref(one),
        };
        let keys = scopes.iter().map(|scope| self.key_of(scope, at)).collect::<Option<Vec<String>>>()?;
        let key = keys.join("+");
        Some(self.own.as_ref().map_or_else(|| key.clone(), |own| format!("{own}.{key}")))
    }

    fn key_of(&self, scope: &Scope, at: Place<'_>) -> Option<String> {
        Some(match scope {
            Scope::Offer => format!("offer.{}", at.offer),
            Scope::Group => format!("group.{}", self.groups.get(at.offer)?),
            Scope::Placement => format!("placement.{}", at.placement),
            Scope::Channel => format!("channel.{}", at.channel),
            // Nothing is counted by item over all customers.
            Scope::Item => return None,
            Scope::Everything => "everything".to_owned(),
            Scope::Only(part, names) => {
                let here = match part {
                    Part::Channels => at.channel,
                    Part::Placements => at.placement,
                    Part::Offers | Part::Groups | Part::Tags { .. } | Part::Owners => "",
                };
                if !here.is_empty() && !names.iter().any(|name| *name.text == *here) {
                    return None;
                }
                let mut names: Vec<&str> = names.iter().map(|name| &*name.text).collect();
                names.sort_unstable();
                format!("{}.{}", part.name(), names.join(","))
            }
            Scope::All(_) => String::new(),
        })
    }

    /// Whether it may hold an offer back.
    pub(super) fn binds(&self, offer: &str) -> bool {
        !self.others.contains(offer) && !self.free.contains(offer)
    }

    /// Whether its counter may be another for another offer of a placement.
    pub(super) fn tells_offers_apart(&self) -> bool {
        let each = match &self.scope {
            Scope::All(scopes) => scopes.iter().any(|scope| matches!(scope, Scope::Offer | Scope::Group)),
            scope => matches!(scope, Scope::Offer | Scope::Group),
        };
        each || !self.others.is_empty() || self.own.is_some()
    }
}

fn is_about(scope: &Scope, offer: &Offer, group: Option<&Group>) -> bool {
    let (part, names) = match scope {
        Scope::Only(part, names) => (part, names),
        Scope::All(scopes) => return scopes.iter().all(|scope| is_about(scope, offer, group)),
        scope => return *scope != Scope::Group || group.is_some(),
    };
    let among = |name: &str| names.iter().any(|own| *own.text == *name);
    match part {
        Part::Offers => among(&offer.name.text),
        Part::Groups => group.is_some_and(|group| among(&group.name.text)),
        Part::Tags { .. } => {
            offer.tags.iter().chain(group.into_iter().flat_map(|group| &group.tags)).any(|tag| among(&tag.text))
        }
        Part::Owners => offer.owner.or(group.and_then(|group| group.owner)).is_some_and(|owner| among(owner.name())),
        Part::Channels | Part::Placements => true,
    }
}
