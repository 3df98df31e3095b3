//! Who is around a customer, and what a decision may read of them.

use super::Engine;
use crate::context::{Beside, BesideFact, Context};
use crate::counters::Counters;
use crate::customer::{Customer, Identifier, StoryRow, View};
use crate::decide::{Consent, RequestError};
use crate::expr::{Answer, EventKind, EventRow, FactId, Facts, Folded, PropertyId, Read};
use crate::next::Forecast;
use crate::playbook::Assurance;
use crate::relation::{AsOf, Ask, Extent, RelationRules, Relations, Stand, Who};
use crate::value::{Span, Timestamp, Value, Zone};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

/// Who is around a customer at an instant.
#[derive(Debug)]
pub(crate) struct Around<'c> {
    /// By number of the subject.
    stands: Vec<Stand>,
    /// Those of whom something is known, by id; not the customer.
    others: BTreeMap<Identifier, Cow<'c, Customer>>,
    /// Those who may consent for somebody while that is a minor, by id, with their identifiers: for the customer and the others, by id.
    guardians: BTreeMap<Identifier, BTreeMap<Identifier, Vec<Identifier>>>,
    /// The id of the customer.
    own: Option<Identifier>,
}

impl<'c> Around<'c> {
    /// Asks who is around a customer with some identifiers, as far as `extents` say for each subject; `fetch` finds a customer by their
    /// id.
    pub(crate) fn new(
        ask: &Ask<'_>,
        identifiers: &[Identifier],
        extents: &[Extent],
        fetch: &dyn Fn(&Identifier) -> Option<Cow<'c, Customer>>,
    ) -> Self {
        let stands = ask.stands(identifiers, extents);
        let own = identifiers.first().map(|identifier| ask.who.owner(identifier));
        let mut owners: BTreeSet<&Identifier> = BTreeSet::new();
        for stand in &stands {
            owners.extend(stand.with.iter().chain(&stand.members));
        }
        let mut others = BTreeMap::new();
        for owner in owners.into_iter().filter(|owner| Some(*owner) != own.as_ref()) {
            others.extend(fetch(owner).map(|customer| (owner.clone(), customer)));
        }
        let mut guardians: BTreeMap<Identifier, BTreeMap<Identifier, Vec<Identifier>>> = BTreeMap::new();
        if let Some((relation, role)) = ask.rules.guardian()
            && let Some(rule) = ask.rules.relations.get(relation)
        {
            let side = rule.across(u8::try_from(role).unwrap_or(0));
            for ward in others.keys().chain(&own) {
                let of_ward = if Some(ward) == own.as_ref() { identifiers.to_vec() } else { ask.who.identifiers(ward) };
                ask.holding(&of_ward, relation, side, &mut |tie| {
                    let identifiers = ask.who.identifiers(&tie.owner);
                    guardians.entry(ward.clone()).or_default().insert(tie.owner, identifiers);
                });
            }
        }
        Around { stands, others, guardians, own }
    }

    /// Those of whom something is known, by id.
    pub(crate) fn others(&self) -> impl Iterator<Item = &Customer> {
        self.others.values().map(|other| &**other)
    }

    /// Whether it is about that customer.
    pub(super) fn is_about(&self, customer: &Customer) -> bool {
        self.own.is_some() && self.own.as_ref() == customer.identifier()
    }

    /// Those who may consent for somebody while that is a minor, by id, with their identifiers.
    pub(super) fn guardians(&self, ward: &Identifier) -> impl Iterator<Item = (&Identifier, &Vec<Identifier>)> {
        self.guardians.get(ward).into_iter().flatten()
    }

    /// Somebody else around the customer.
    pub(super) fn other(&self, owner: &Identifier) -> Option<&Customer> {
        self.others.get(owner).map(|other| &**other)
    }

    /// What the customer has to do with every subject of the relations, in their order.
    pub(super) fn stands(&self) -> &[Stand] {
        &self.stands
    }
}

/// What a decision reads beyond the customer.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Beyond<'a> {
    /// Who is around the customer; `None` when nobody says so.
    pub(crate) around: Option<&'a Around<'a>>,
    /// What is counted over all customers; `None` when nobody says so.
    pub(crate) counters: Option<&'a dyn Counters>,
    /// Whether of what is limited for the customer there is always enough.
    pub(crate) unlimited: bool,
    /// The numbers of the only offers that are asked about, in order; all without them.
    pub(crate) only: Option<&'a [usize]>,
    /// On which identifier the customer is met, unless the request names one.
    pub(crate) met: Option<&'a Identifier>,
    /// What a population says about what comes next, unless the request brings it.
    pub(crate) forecast: Option<&'a Arc<Forecast>>,
    /// What explored slots are given to in place of what is drawn.
    pub(crate) replayed: Option<&'a crate::decide::Replayed>,
}

/// Customers whom the host has beside each other: an identifier belongs to whoever has a story under it.
struct Given<'a> {
    owners: BTreeMap<&'a Identifier, &'a Customer>,
}

impl Who for Given<'_> {
    fn owner(&self, identifier: &Identifier) -> Identifier {
        let own = self.owners.get(identifier).and_then(|customer| customer.identifier());
        own.unwrap_or(identifier).clone()
    }

    fn identifiers(&self, owner: &Identifier) -> Vec<Identifier> {
        match self.owners.get(owner) {
            Some(customer) => identifiers_of(customer),
            None => vec![owner.clone()],
        }
    }
}

/// The identifiers of a customer, as far as the customer alone tells.
pub(crate) fn identifiers_of(customer: &Customer) -> Vec<Identifier> {
    let mut identifiers: Vec<Identifier> = customer.identifier().cloned().into_iter().collect();
    identifiers.extend(customer.strands().iter().map(|strand| strand.identifier().clone()));
    identifiers.sort();
    identifiers.dedup();
    identifiers
}

impl Engine {
    /// The compiled relations.
    pub(crate) fn relations(&self) -> &RelationRules {
        &self.model().rules.sources.relations
    }

    /// Who is around a customer among those whom the host gives; who is related to whom is read out of the stories of them all.
    pub(crate) fn around<'c>(
        &self,
        customer: &'c Customer,
        others: &[&'c Customer],
        now: Timestamp,
        known_at: Timestamp,
    ) -> Result<Around<'c>, RequestError> {
        if !others.iter().all(|other| self.knows(other)) {
            return Err(RequestError::new("other_playbook", "related", super::OTHER_PLAYBOOK));
        }
        let all = || std::iter::once(customer).chain(others.iter().copied());
        let reserved = &self.model().rules.sources.reserved;
        let strands = all().flat_map(|one| one.strands());
        let relations = Relations::of(self.relations(), self.identity(), reserved, strands);
        let mut owners = BTreeMap::new();
        for one in all() {
            for identifier in one.identifier().into_iter().chain(one.strands().iter().map(|strand| strand.identifier())) {
                owners.entry(identifier).or_insert(one);
            }
        }
        let given = Given { owners };
        let ask = Ask { rules: self.relations(), relations: &relations, who: &given, as_of: AsOf { now, known_at } };
        let found = |owner: &Identifier| given.owners.get(owner).map(|customer| Cow::Borrowed(*customer));
        Ok(Around::new(&ask, &identifiers_of(customer), &self.offers().extents, &found))
    }

    /// What may be read of those around a customer: `key` says which purposes all have to permit, and whether in so many words; with
    /// `None` nobody is asked, as for what forbids.
    pub(super) fn others<'a>(
        &'a self,
        around: &'a Around<'_>,
        customer: &'a Customer,
        key: Option<&(Vec<usize>, bool)>,
        (now, known_at): (Timestamp, Timestamp),
        assurance: Assurance,
    ) -> Others<'a> {
        let own = customer.identifier();
        let find = |owner: &Identifier| match around.others.get(owner) {
            Some(other) => Some(other.as_ref()),
            None if Some(owner) == own => Some(customer),
            None => None,
        };
        let mut judged: BTreeMap<&Identifier, bool> = BTreeMap::new();
        let mut permits = |owner: &'a Identifier, other: &Customer| {
            let Some(key) = key.filter(|_| Some(owner) != own) else { return true };
            *judged.entry(owner).or_insert_with(|| self.shares(other, around, key, now, known_at))
        };
        let rules = self.relations();
        let mut subjects = Vec::with_capacity(around.stands.len());
        let mut together: Vec<Vec<View<'a>>> = vec![vec![customer.view(known_at)]; rules.relations.len()];
        for (stand, subject) in around.stands.iter().zip(&rules.subjects) {
            let Some(rule) = rules.relations.get(subject.relation) else { continue };
            let grouped = rule.group.is_some();
            let mut people: BTreeMap<&Identifier, &Customer> = BTreeMap::new();
            for owner in stand.with.iter().chain(&stand.members) {
                people.extend(find(owner).map(|other| (owner, other)));
            }
            if let Some(together) = together.get_mut(subject.relation).filter(|_| grouped && key.is_none()) {
                let others = people.iter().filter(|(owner, _)| Some(**owner) != own);
                together.extend(others.map(|(_, other)| other.view(known_at)));
            }
            people.retain(|owner, other| permits(owner, other));
            let known = if grouped { stand.with.len() == 1 } else { !people.is_empty() };
            let views = || people.values().map(|other| other.view(known_at)).collect();
            let rows = known.then(|| Rows { now, views: views() });
            let main = match &stand.with[..] {
                [only] => people.get(only).map(|other| self.beside(other, now, known_at, assurance)),
                _ => None,
            };
            subjects.push(SubjectView { stand, subject: subjects.len(), grouped, rows, main });
        }
        Others { engine: self, subjects, together }
    }

    fn beside<'a>(&'a self, other: &'a Customer, now: Timestamp, known_at: Timestamp, assurance: Assurance) -> Context<'a> {
        let view = other.view(known_at);
        let places: Vec<_> = self.state(other, &view, now).journeys.iter().map(|journey| journey.place).collect();
        let model = self.model();
        let context = Context::new(&model.rules, view, now, &[], &places, &model.journeys.stages);
        if assurance < Assurance::Authenticated { context.limited(assurance.max(Assurance::Recognised), None) } else { context }
    }

    /// Whether somebody lets what is known of them be used for purposes. A household or account is nobody who could be asked: it is
    /// read unless somebody said no on its behalf.
    fn shares(
        &self,
        other: &Customer,
        around: &Around<'_>,
        (purposes, explicit): &(Vec<usize>, bool),
        now: Timestamp,
        known_at: Timestamp,
    ) -> bool {
        let said = self.said_by_entitled(other, Some(around), None, (now, known_at));
        if said.profiling(None).is_some() {
            return false;
        }
        let group = other.identifier().is_some_and(|identifier| self.identity().is_group(identifier));
        purposes.iter().all(|number| {
            let Some(purpose) = self.0.offers.purposes.get(*number) else { return false };
            let consent = said.consent(*number, purpose, None);
            match group {
                true => !matches!(consent, Consent::Withdrawn(_) | Consent::Objected(_)),
                false => consent.permits() && (!explicit || consent.explicit()),
            }
        })
    }
}

/// Those around a customer, as far as they may be read.
#[derive(Debug)]
pub(super) struct Others<'a> {
    engine: &'a Engine,
    subjects: Vec<SubjectView<'a>>,
    /// By relation.
    together: Vec<Vec<View<'a>>>,
}

#[derive(Debug)]
struct SubjectView<'a> {
    stand: &'a Stand,
    subject: usize,
    grouped: bool,
    rows: Option<Rows<'a>>,
    /// The only group or other.
    main: Option<Context<'a>>,
}

impl Beside for Others<'_> {
    fn read(&self, subject: usize, asked: BesideFact) -> Option<Value> {
        let view = self.subjects.get(subject)?;
        let stand = view.stand;
        let count = |count: usize| Some(Value::Int(i64::try_from(count).unwrap_or(i64::MAX)));
        let single = stand.with.len() == 1;
        let fact = |prefix: &str, name: &Arc<str>, suffix: &str| {
            let main = view.main.as_ref()?;
            let fact = self.engine.model().rules.sources.schema.fact(&format!("{prefix}.{name}{suffix}"))?;
            known(main.fact(fact))
        };
        let playbook = self.engine.playbook();
        match asked {
            BesideFact::Members if single => count(stand.count),
            BesideFact::MembersIn(role) if single => {
                let role = u16::try_from(role).ok()?;
                count(stand.in_roles.iter().find(|(own, _)| *own == role).map_or(0, |(_, count)| *count))
            }
            BesideFact::Role if single => self.role(view.subject, *stand.roles.first()?),
            BesideFact::Roles if single && !stand.roles.is_empty() => {
                let roles: Vec<Value> = stand.roles.iter().filter_map(|role| self.role(view.subject, *role)).collect();
                Some(Value::List(roles.into()))
            }
            BesideFact::Since if single => stand.since.map(Value::from),
            BesideFact::Count if !view.grouped && !stand.with.is_empty() => count(stand.with.len()),
            BesideFact::Attribute(number) => {
                let main = view.main.as_ref()?;
                known(main.fact(FactId(u32::try_from(number).ok()?)))
            }
            BesideFact::Segment(number) => known(view.main.as_ref()?.segment(number)),
            BesideFact::Stage(number) => fact("journey", &playbook.journeys.get(number)?.name.text, ".stage"),
            BesideFact::StageSince(number) => fact("journey", &playbook.journeys.get(number)?.name.text, ".since"),
            _ => None,
        }
    }

    fn rows(&self, subject: usize) -> Option<&dyn Facts> {
        self.subjects.get(subject)?.rows.as_ref().map(|rows| rows as &dyn Facts)
    }

    fn together(&self, relation: usize) -> &[View<'_>] {
        self.together.get(relation).map_or(&[], |views| views)
    }
}

impl Others<'_> {
    fn role(&self, subject: usize, role: u16) -> Option<Value> {
        let rules = self.engine.relations();
        let relation = rules.relations.get(rules.subjects.get(subject)?.relation)?;
        relation.role(role).map(|name| Value::String(name.clone()))
    }
}

fn known(read: Read) -> Option<Value> {
    match read.value {
        Answer::Known(value) => Some(value),
        Answer::Unknown(_) => None,
    }
}

/// The stories of several customers, read as one.
#[derive(Debug)]
struct Rows<'a> {
    now: Timestamp,
    views: Vec<View<'a>>,
}

impl Facts for Rows<'_> {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn zone(&self) -> Option<Zone> {
        None
    }

    fn fact(&self, _: FactId) -> Read {
        Read::missing("?".into())
    }

    fn events(&self, kinds: &[EventKind], span: Span, visit: &mut dyn FnMut(&dyn EventRow) -> ControlFlow<()>) {
        let span = Span { until: span.until.min(self.now), ..span };
        let mut rows: Vec<StoryRow<'_>> = Vec::new();
        for view in &self.views {
            view.events(kinds, span, &mut |row| {
                rows.push(row);
                ControlFlow::Continue(())
            });
        }
        rows.sort_by(StoryRow::compare);
        let _ = rows.iter().try_for_each(|row| visit(row));
    }

    fn folded(&self, kinds: &[EventKind], span: Span, property: Option<PropertyId>) -> Option<Folded> {
        let span = Span { until: span.until.min(self.now), ..span };
        let folded = self.views.iter().filter_map(|view| view.folded(kinds, span, property));
        folded.reduce(Folded::with)
    }

    fn next_event(&self, _: &[EventKind]) -> Option<Timestamp> {
        None
    }

    fn session(&self) -> Option<(Timestamp, Timestamp)> {
        None
    }
}
