//! Others who are related to the customer, as rules of decisions read them.

use super::{Context, Source};
use crate::customer::View;
use crate::expr::{FactId, Facts, Read, Schema, SubjectId, TimeClass};
use crate::playbook::{Playbook, Relation};
use crate::value::{Type, Value};
use std::fmt;
use std::sync::Arc;

/// What is asked of the others on one side of a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BesideFact {
    /// `account.members`: how many members the group has, the customer among them.
    Members,
    /// `account.members("<role>")`: how many of them in a role.
    MembersIn(usize),
    /// `account.role`: the customer's role; of several the first that the playbook declares.
    Role,
    /// `account.roles`: all of them.
    Roles,
    /// `account.since`: since when the customer is related.
    Since,
    /// `partner.count`: how many others there are.
    Count,
    /// `account.<attribute>`.
    Attribute(usize),
    /// `account.segment("<name>")`.
    Segment(usize),
    /// `account.journey("<name>").stage`.
    Stage(usize),
    /// `account.journey("<name>").since`.
    StageSince(usize),
}

/// The others of whom a decision may read.
pub(crate) trait Beside: fmt::Debug {
    /// A fact of a subject; `None` while it is not known.
    fn read(&self, subject: usize, asked: BesideFact) -> Option<Value>;
    /// The events of a subject; `None` while it is not known who that is.
    fn rows(&self, subject: usize) -> Option<&dyn Facts>;
    /// Everybody whose contacts count together with the customer's in a relation with a group: members, groups and the customer.
    fn together(&self, relation: usize) -> &[View<'_>];
}

impl<'a> Context<'a> {
    /// The same, with others who are related to the customer.
    #[inline(always)]
    pub(crate) fn beside(mut self, beside: Option<&'a dyn Beside>) -> Self {
        self.set_beside(beside);
        self
    }

    /// Takes others who are related to the customer, in place: a context is large.
    #[inline]
    pub(crate) fn set_beside(&mut self, beside: Option<&'a dyn Beside>) {
        self.beside = beside;
    }

    /// The others who are related to the customer; `None` when nobody said who they are.
    pub(crate) fn others(&self) -> Option<&'a dyn Beside> {
        self.beside
    }

    pub(super) fn beside_fact(&self, fact: FactId, subject: usize, asked: BesideFact) -> Read {
        let value = self.beside.and_then(|beside| beside.read(subject, asked));
        value.map_or_else(|| Read::missing(self.rules.sources.path(fact)), Read::known)
    }
}

/// Declares everything that is read through relations, after all else. The relation's own facts come first: an attribute of the same
/// name is not read through it.
pub(super) fn declare(playbook: &Playbook, schema: &mut Schema, facts: &mut Vec<Source>) {
    let mut subject = 0;
    for relation in &playbook.relations {
        for (path, _) in relation.subjects() {
            let SubjectId(_) = schema.declare_subject(&path);
            for (name, ty, class, asked) in facts_of(playbook, relation) {
                let path = format!("{path}.{name}");
                if schema.fact(&path).is_none() {
                    schema.declare_fact(&path, ty, class);
                    facts.push(Source::Beside(subject, asked));
                }
            }
            subject += 1;
        }
    }
}

type Declared = (String, Type, TimeClass, BesideFact);

fn facts_of(playbook: &Playbook, relation: &Relation) -> Vec<Declared> {
    let step = |name: &str, ty: Type, asked: BesideFact| (name.to_owned(), ty, TimeClass::Step, asked);
    let mut declared = vec![step("since", Type::Timestamp, BesideFact::Since)];
    if relation.group.is_some() {
        declared.push(step("members", Type::Int, BesideFact::Members));
        if !relation.roles.is_empty() {
            let roles: Arc<[Arc<str>]> = relation.roles.iter().map(|role| role.name.text.clone()).collect();
            declared.push(step("role", Type::Enum(roles), BesideFact::Role));
            declared.push(step("roles", Type::List(Box::new(Type::String)), BesideFact::Roles));
        }
        let roles = relation.roles.iter().enumerate();
        declared.extend(
            roles.map(|(number, role)| step(&format!("members.{}", role.name.text), Type::Int, BesideFact::MembersIn(number))),
        );
    } else {
        declared.push(step("count", Type::Int, BesideFact::Count));
    }
    let attributes = playbook.attributes.iter().enumerate();
    declared.extend(attributes.map(|(n, one)| step(&one.name.text, one.ty.clone(), BesideFact::Attribute(n))));
    let segments = playbook.segments.iter().enumerate();
    declared.extend(segments.map(|(n, one)| step(&format!("segment.{}", one.name.text), Type::Bool, BesideFact::Segment(n))));
    for (n, journey) in playbook.journeys.iter().enumerate() {
        let stages: Arc<[Arc<str>]> = journey.stages.iter().map(|stage| stage.name.text.clone()).collect();
        let path = format!("journey.{}", journey.name.text);
        declared.push(step(&format!("{path}.stage"), Type::Enum(stages), BesideFact::Stage(n)));
        declared.push(step(&format!("{path}.since"), Type::Timestamp, BesideFact::StageSince(n)));
    }
    declared
}
