//! Who counts as a minor, who may consent for them, and what that leaves of what was said.

use super::{Around, Engine};
use crate::context::{Beside, Context};
use crate::customer::{Customer, Identifier};
use crate::decide::{Guards, Said};
use crate::playbook::Assurance;
use crate::value::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// How many minors around a customer are listed.
const MOST: usize = 1_000;

/// Whether a customer counts as a minor, and who may consent.
#[derive(Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "minority")]
pub struct Minority {
    /// Whether they are a minor; null when that is unknown, which counts as true.
    pub minor: Option<bool>,
    /// Whether their own consent counts: not that of a minor, where the playbook lets guardians consent.
    pub consents_alone: bool,
    /// The ids of those who may consent for them, in order, as far as relations are known.
    pub guardians: Vec<String>,
    /// Those around them who count as minors, by id: their wards, and the members of their households and accounts; at most 1000.
    pub minors_around: Vec<MinorAround>,
}

/// Somebody around a customer who counts as a minor.
#[derive(Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "minor_around")]
pub struct MinorAround {
    /// Their id.
    pub customer: String,
    /// Whether they are a minor; null when that is unknown, which counts as true.
    pub minor: Option<bool>,
    /// Whether the customer of whom is asked may consent for them.
    pub may_consent: bool,
}

/// What is said to a minor about what a guardian agreed to.
pub(super) const GUARDIAN_AGREED: &str = "Somebody who may agree for you has agreed to it.";

impl Minority {
    /// Sentences for the customer; they name nobody.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        match self.minor {
            Some(true) => notes.push("You are a minor to us, so some things are not shown to you.".to_owned()),
            None => notes.push("We do not know whether you are of age, so some things are not shown to you.".to_owned()),
            Some(false) => {}
        }
        if !self.consents_alone {
            notes.push(match self.guardians.is_empty() {
                true => "Until then only a guardian can agree for you, and we do not know of one.".to_owned(),
                false => "Until then your guardian agrees for you; a no from you counts.".to_owned(),
            });
        }
        let wards = self.minors_around.iter().filter(|minor| minor.may_consent).count();
        match wards {
            0 => {}
            1 => notes.push("You may agree for one minor, and take that back.".to_owned()),
            wards => notes.push(format!("You may agree for {wards} minors, and take that back.")),
        }
        notes
    }
}

impl Engine {
    /// What the guards of the playbook say of somebody whom the host is so sure about.
    pub(super) fn guards(
        &self,
        customer: &Customer,
        around: Option<&Around<'_>>,
        (now, known_at): (Timestamp, Timestamp),
        (assurance, who): (Assurance, Option<&Identifier>),
    ) -> Guards {
        let customer = &*self.as_known(customer, known_at);
        let view = customer.view(known_at);
        let state = self.state(customer, &view, now);
        let places: Vec<_> = state.journeys.iter().map(|journey| journey.place).collect();
        let model = self.model();
        // What is around one customer says nothing of another.
        let around = around.filter(|around| around.is_about(customer));
        let others = around.map(|around| self.others(around, customer, None, (now, known_at), Assurance::Authenticated));
        let others = others.as_ref().map(|others| others as &dyn Beside);
        let new = || Context::new(&model.rules, view, now, &[], &places, &model.journeys.stages).standing(&state.journeys);
        let whole = new().beside(others);
        if assurance == Assurance::Authenticated {
            return Guards::ask(&self.0.offers, &whole, &whole);
        }
        let told = others.filter(|_| assurance > Assurance::Anonymous);
        Guards::ask(&self.0.offers, &new().limited(assurance, who).beside(told), &whole)
    }

    /// What somebody said about what may be done; of a minor those consents count that a guardian gave, where the playbook says so.
    pub(super) fn said_by_entitled<'a>(
        &self,
        customer: &'a Customer,
        around: Option<&Around<'_>>,
        who: Option<&'a Identifier>,
        at: (Timestamp, Timestamp),
    ) -> Said<'a> {
        let said = self.said(customer.view(at.1), at.0, who);
        let minor = || self.guards(customer, around, at, (Assurance::Authenticated, None)).is_minor();
        if self.0.offers.guardian && minor() { said.by_guardians(&self.guardian_of(customer, around)) } else { said }
    }

    /// Whether an identifier is of somebody who may consent for a customer while that is a minor.
    pub(super) fn guardian_of<'a>(&'a self, ward: &Customer, around: Option<&'a Around<'_>>) -> impl Fn(&str) -> bool + 'a {
        let ward = ward.identifier().cloned();
        move |identifier: &str| {
            let identifier = Identifier::parse(identifier).ok();
            let identifier = identifier.as_ref().and_then(|identifier| self.identity().read(identifier).ok());
            let (Some(identifier), Some(around), Some(ward)) = (identifier, around, &ward) else { return false };
            around.guardians(ward).any(|(_, identifiers)| identifiers.contains(&identifier))
        }
    }

    /// Whether somebody counts as a minor, and who may consent; `None` where the playbook does not say who is one.
    pub(super) fn minority(
        &self,
        customer: &Customer,
        around: Option<&Around<'_>>,
        at: (Timestamp, Timestamp),
        who: (Assurance, Option<&Identifier>),
    ) -> Option<Minority> {
        self.0.offers.minors.as_ref()?;
        let guards = self.guards(customer, around, at, who);
        let guardians = match (customer.identifier(), around) {
            (Some(own), Some(around)) => around.guardians(own).map(|(id, _)| id.to_string()).collect(),
            _ => Vec::new(),
        };
        Some(Minority {
            minor: guards.minor(),
            consents_alone: !self.0.offers.guardian || !guards.is_minor(),
            guardians,
            minors_around: around.map_or_else(Vec::new, |around| self.minors_around(customer, around, at)),
        })
    }

    /// Those around a customer who count as minors.
    fn minors_around(&self, customer: &Customer, around: &Around<'_>, at: (Timestamp, Timestamp)) -> Vec<MinorAround> {
        let rules = self.relations();
        let Some(own) = customer.identifier() else { return Vec::new() };
        let guardian = rules.guardian();
        let mut found: BTreeMap<&Identifier, bool> = BTreeMap::new();
        for (stand, subject) in around.stands().iter().zip(&rules.subjects) {
            let Some(rule) = rules.relations.get(subject.relation) else { continue };
            for member in stand.members.iter().filter(|member| *member != own) {
                found.entry(member).or_insert(false);
            }
            // The side of the wards is the one across from the guardians.
            let wards = guardian.is_some_and(|(relation, role)| {
                relation == subject.relation && rule.across(u8::try_from(role).unwrap_or(0)) == subject.side
            });
            for ward in stand.with.iter().filter(|_| wards) {
                found.insert(ward, true);
            }
        }
        let known = found.into_iter().filter_map(|(owner, may_consent)| Some((owner, around.other(owner)?, may_consent)));
        let minors = known.filter_map(|(owner, other, may_consent)| {
            let guards = self.guards(other, None, at, (Assurance::Authenticated, None));
            let found = || MinorAround { customer: owner.to_string(), minor: guards.minor(), may_consent };
            guards.is_minor().then(found)
        });
        minors.take(MOST).collect()
    }
}

/// How many, not who.
impl fmt::Debug for Minority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Minority");
        shown.field("consents_alone", &self.consents_alone).field("guardians", &self.guardians.len());
        shown.field("minors_around", &self.minors_around.len()).finish_non_exhaustive()
    }
}

/// Not who.
impl fmt::Debug for MinorAround {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MinorAround").field("may_consent", &self.may_consent).finish_non_exhaustive()
    }
}
