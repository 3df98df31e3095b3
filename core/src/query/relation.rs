//! Who is related to whom.

use super::{Asked, QueryError, Question, Subject};
use crate::customer::Identifier;
use crate::engine::identifiers_of;
use crate::relation::{AsOf, Ask, Refusal, Relations as Index, Tie, Which, Who};
use crate::value::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

/// How many relations an answer lists when the question does not say.
const USUAL: usize = 1_000;

/// To whom a customer is related at an instant, since when, and by which event; of a household or account its members. A base knows
/// what was told on either side; of a customer alone only their own story is read.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Relations {
    /// The instant; later events are not seen.
    now: Timestamp,
    /// Up to when knowledge counts; by default `now`.
    known_at: Option<Timestamp>,
    /// Only of this relation; by default of all.
    relation: Option<String>,
    /// At most so many are listed; by default 1000.
    at_most: Option<usize>,
}

/// To whom a customer is related.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "relations")]
pub(super) struct RelationsAnswer {
    /// The customer.
    customer: String,
    /// The instant.
    now: Timestamp,
    /// Up to when knowledge counted.
    known_at: Timestamp,
    /// In the order of the playbook, then of the story.
    relations: Vec<Related>,
    /// How many there are, also those that are not listed.
    total: usize,
}

/// That two customers are related.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "related")]
struct Related {
    /// The relation.
    relation: String,
    /// What the customer is in it: `member` or `group`, their role in one between two roles; null where both are the same.
    side: Option<String>,
    /// The role of the member of a group; null without one.
    role: Option<String>,
    /// The customer's identifier on which it was told, or to which.
    identifier: String,
    /// The identifier of the other.
    with: String,
    /// The customer whom that identifier points to.
    customer: String,
    /// Since when.
    since: Timestamp,
    /// The event that told it.
    event: String,
    /// Whether it holds, or is refused by a limit.
    holds: bool,
    /// Which limit refuses it: `at_most`, `role` or `groups`.
    limit: Option<&'static str>,
}

/// A customer alone: every identifier of others is somebody else.
struct Alone(Vec<Identifier>);

impl Who for Alone {
    fn owner(&self, identifier: &Identifier) -> Identifier {
        if self.0.contains(identifier) { self.0.first().unwrap_or(identifier).clone() } else { identifier.clone() }
    }

    fn identifiers(&self, owner: &Identifier) -> Vec<Identifier> {
        if self.0.contains(owner) { self.0.clone() } else { vec![owner.clone()] }
    }
}

impl Question for Relations {
    const NAME: &'static str = "relations";
    const SUBJECT: Subject = Subject::Customer;
    type Answer<'a> = RelationsAnswer;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<RelationsAnswer, QueryError> {
        let customer = asked.customer()?;
        let engine = asked.engine;
        let rules = engine.relations();
        let names = || rules.relations.iter().map(|relation| &*relation.name);
        if let Some(name) = self.relation.as_ref().filter(|name| !names().any(|known| *known == ***name)) {
            return Err(QueryError::undeclared("relation", "relation", name, names()));
        }
        let known_at = self.known_at.unwrap_or(self.now);
        let as_of = AsOf { now: self.now, known_at };
        let own = identifiers_of(customer);
        let mut answer =
            RelationsAnswer { customer: customer.id().to_owned(), now: self.now, known_at, relations: Vec::new(), total: 0 };
        match asked.base {
            Some(base) => {
                let who = base.holders(as_of);
                let own = own.first().map(|first| who.identifiers(first)).unwrap_or_default();
                answer.customer = own.first().map_or(answer.customer, ToString::to_string);
                self.list(&base.ask(&who), &own, &mut answer);
            }
            None => {
                let reserved = &engine.model().rules.sources.reserved;
                let relations = Index::of(rules, engine.identity(), reserved, customer.strands().iter());
                let who = Alone(own.clone());
                self.list(&Ask { rules, relations: &relations, who: &who, as_of }, &own, &mut answer);
            }
        }
        Ok(answer)
    }
}

impl Relations {
    fn list(&self, ask: &Ask<'_>, own: &[Identifier], answer: &mut RelationsAnswer) {
        let most = self.at_most.unwrap_or(USUAL);
        for (number, rule) in ask.rules.relations.iter().enumerate() {
            if self.relation.as_ref().is_some_and(|name| **name != *rule.name) {
                continue;
            }
            for side in if rule.across(0) == 0 { 0..1 } else { 0..2 } {
                ask.ties(own, number, side, Which::All, &mut |tie| {
                    answer.total += 1;
                    if answer.relations.len() < most {
                        let Tie { own, other, owner, role, turn, refused, .. } = tie;
                        let side = match (&rule.group, side) {
                            (Some(_), 0) => Some("member"),
                            (Some(_), _) => Some("group"),
                            (None, side) => rule.role(u16::from(side)).map(|role| &**role),
                        };
                        answer.relations.push(Related {
                            relation: rule.name.to_string(),
                            side: side.map(str::to_owned),
                            role: role.and_then(|role| rule.role(role)).map(ToString::to_string),
                            identifier: own.to_string(),
                            with: other.to_string(),
                            customer: owner.to_string(),
                            since: turn.0,
                            event: turn.2.to_string(),
                            holds: refused.is_none(),
                            limit: refused.map(Refusal::name),
                        });
                    }
                    ControlFlow::Continue(())
                });
            }
        }
    }
}
