//! What a base knows about one customer, as events to be recorded again and as links.

use super::CustomerBase;
use super::links::State;
use crate::customer::{Event, EventError, Identifier};
use crate::value::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// What was told about two identifiers, and what came of it.
#[derive(Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "link_told")]
#[non_exhaustive]
pub struct LinkTold {
    /// The two identifiers, the smaller first.
    pub identifiers: (String, String),
    /// `same` (they are of one customer), `refused` by a rule, or `revoked`.
    pub state: &'static str,
    /// Why it was refused; null otherwise, and when that depends on others who are not known for that instant.
    pub reason: Option<&'static str>,
    /// Since when.
    pub since: Timestamp,
    /// The id of the event that brought it about.
    pub event: Arc<str>,
    /// How sure the surest link is, 0 to 1.
    pub confidence: Option<f64>,
}

/// The events of a customer, to be recorded again.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Story {
    /// In their order, each with all identifiers of the customer that it named.
    pub events: Vec<Event>,
    /// How many statements about links are left out because they name an identifier of somebody else.
    pub withheld: u64,
}

impl CustomerBase {
    /// The events of the customer whom an identifier points to, as hosts would tell them: recorded in any order in an empty base
    /// of the same playbook they make an equal customer. Identifiers that are not of this customer are left out, and so is a
    /// `linked` or `unlinked` that would name nobody else then. Somebody unknown has none.
    ///
    /// # Errors
    /// [`EventError`] for an identifier of an undeclared namespace or of another form.
    pub fn story(&self, identifier: &Identifier) -> Result<Story, EventError> {
        let identity = self.engine.identity();
        let identifier = identity.read(identifier)?.into_owned();
        let members = self.links.members(&identifier);
        let Some(customer) = self.customers.get(self.links.customer_of(&identifier)) else {
            return Ok(Story { events: Vec::new(), withheld: 0 });
        };
        let beside = self.links.named_beside(&members);
        let mut story = Story { events: Vec::with_capacity(customer.len()), withheld: 0 };
        let mut events = customer.events();
        events.extend(customer.rectified().cloned());
        events.sort_by(|a, b| (a.time, a.sequence, &a.id).cmp(&(b.time, b.sequence, &b.id)));
        for mut event in events {
            let Some(primary) = event.identifiers.first().cloned() else { continue };
            let id: Arc<str> = Arc::from(event.id.as_deref().unwrap_or_default());
            let mut others = beside.get(&(primary.clone(), (event.time, event.sequence, id))).cloned().unwrap_or_default();
            if event.event_type == "linked" || event.event_type == "unlinked" {
                let other = event.property("other").and_then(|other| other.as_text().map(str::to_owned));
                let told = other.and_then(|other| Some(identity.read(&Identifier::parse(&other).ok()?).ok()?.into_owned()));
                match told {
                    Some(told) if members.binary_search(&told).is_ok() => drop(others.remove(&told)),
                    _ => event.properties.retain(|(name, _)| name != "other"),
                }
                let names_one = event.property("other").is_some() || event.property("event").is_some();
                if others.is_empty() && !names_one {
                    story.withheld += 1;
                    continue;
                }
            }
            // One that would come before its own was named by a twin: an event of equal content that is kept under that one.
            others.retain(|other| {
                let both = [primary.clone(), other.clone()];
                identity.read_all(&both).is_ok_and(|named| *named.primary == primary)
            });
            event.identifiers.extend(others);
            story.events.push(event);
        }
        Ok(story)
    }

    /// What was told about the identifiers of a customer at an instant and any others, by what was known at another; in the order
    /// of the story.
    ///
    /// # Errors
    /// As for [`story`](Self::story).
    pub fn links(&self, identifier: &Identifier, now: Timestamp, known_at: Timestamp) -> Result<Vec<LinkTold>, EventError> {
        let members = self.identifiers_at(identifier, now, known_at)?;
        let statements = self.links.statements(self.engine.identity(), &members, now, known_at);
        let told = statements.into_iter().map(|own| LinkTold {
            identifiers: (own.identifiers.0.to_string(), own.identifiers.1.to_string()),
            state: own.state.name(),
            reason: own.reason.filter(|_| own.state == State::Refused).map(super::links::Reason::name),
            since: own.turn.0,
            event: own.turn.2,
            confidence: own.confidence,
        });
        Ok(told.collect())
    }
}

/// How many, not whose.
impl fmt::Debug for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Story").field("events", &self.events.len()).field("withheld", &self.withheld).finish()
    }
}

/// What came of it, not of whom.
impl fmt::Debug for LinkTold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: BTreeSet<&str> =
            [&self.identifiers.0, &self.identifiers.1].iter().filter_map(|own| own.split(':').next()).collect();
        f.debug_struct("LinkTold").field("namespaces", &kinds).field("state", &self.state).finish_non_exhaustive()
    }
}
