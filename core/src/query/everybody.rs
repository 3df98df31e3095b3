//! Who is in a base, page by page, and who is to be looked at by when.

use super::{Asked, QueryError, Question, Subject};
use crate::customer::{Identifier, IdentifierError};
use crate::value::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The customers of a base, by id.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Everybody {
    /// Only those whose id comes after this one: the last of the page before.
    after: Option<String>,
    /// At most so many; by default 1,000.
    limit: Option<u64>,
    /// Only those for whom something may change by this instant without an event.
    due_by: Option<Timestamp>,
}

/// A page of customers.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "customers")]
pub(super) struct EverybodyAnswer<'a> {
    /// How many the base has.
    total: usize,
    /// The customers, by id.
    customers: Vec<Somebody<'a>>,
    /// What to ask `after` for the next page; null when this was the last.
    next: Option<&'a str>,
}

/// One of them.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "customers_one")]
struct Somebody<'a> {
    /// The customer's id: the smallest identifier.
    customer: &'a str,
    /// How many events are known.
    events: usize,
    /// The first instant at which something may change without an event; null when nothing will.
    next_due: Option<Timestamp>,
}

impl Question for Everybody {
    const NAME: &'static str = "customers";
    const SUBJECT: Subject = Subject::Base;
    type Answer<'a> = EverybodyAnswer<'a>;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<EverybodyAnswer<'a>, QueryError> {
        let base = asked.base()?;
        let limit = usize::try_from(self.limit.unwrap_or(1000)).unwrap_or(usize::MAX);
        if limit == 0 {
            return Err(QueryError::new("wrong_value", "limit", "expected a number above 0"));
        }
        let wrong = |error: IdentifierError| QueryError::new(error.code(), "after", error.to_string());
        let after = self.after.as_deref().map(Identifier::parse).transpose().map_err(wrong)?;
        let mut found = base.after(after.as_ref()).map(|customer| Somebody {
            customer: customer.id(),
            events: customer.len(),
            next_due: asked.engine.next_due(customer),
        });
        let wanted = |one: &Somebody<'_>| self.due_by.is_none_or(|by| one.next_due.is_some_and(|due| due <= by));
        let customers: Vec<_> = found.by_ref().filter(wanted).take(limit).collect();
        let more = found.find(wanted).is_some();
        Ok(EverybodyAnswer { total: base.len(), next: customers.last().filter(|_| more).map(|one| one.customer), customers })
    }
}
