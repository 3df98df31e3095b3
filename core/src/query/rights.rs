//! What data protection law asks for: all that is known about one customer, who they are and by which links, and how long
//! what is kept.

use super::{Asked, QueryError, Question, Subject};
use crate::base::{LinkTold, Story};
use crate::customer::{Aside, Customer, Identifier, View};
use crate::engine::Engine;
use crate::expr::EventKind;
use crate::playbook::DataKind;
use crate::portrait::Portrait;
use crate::value::{Span, Timestamp, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything known about a customer, machine-readable: events that can be recorded again, and what is drawn from them at an
/// instant.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Export {
    /// The instant of what is drawn from the events; all events are there, whenever they happened.
    now: Timestamp,
}

/// Everything known about a customer.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "export")]
pub(super) struct ExportAnswer<'a> {
    /// The customer's id.
    customer: &'a str,
    /// The instant of what is drawn from the events.
    now: Timestamp,
    /// The playbook under which the events can be recorded again.
    playbook: PlaybookName<'a>,
    /// By what the customer is known, in order; those too that were only linked.
    identifiers: Vec<String>,
    /// All events in their order, in tactful's own JSON, each with all identifiers of the customer that it named. Recorded in an
    /// empty base of the same playbook they make an equal customer.
    #[schemars(with = "Vec<serde_json::Map<String, serde_json::Value>>")]
    events: Vec<serde_json::Map<String, serde_json::Value>>,
    /// How many statements about links are left out because they name an identifier of somebody else.
    links_withheld: u64,
    /// What was told about these identifiers and others of this customer.
    links: Vec<LinkTold>,
    /// Events that were told under another version of the playbook and do not fit this one.
    aside: Vec<AsideEvent<'a>>,
    /// Exact totals of older events that are not kept any more.
    totals: Vec<ExportTotals<'a>>,
    /// What is drawn from all that at the instant: attributes with where they come from, consents, segments, personas, journeys,
    /// needs, preferences, sessions. Its timeline is empty, since the events are above.
    portrait: Portrait,
}

/// A playbook.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "playbook_name")]
struct PlaybookName<'a> {
    /// Its name.
    name: &'a str,
    /// Its version.
    version: u64,
    /// Its digest.
    digest: &'a str,
}

/// An event that does not fit the playbook.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "aside_event")]
struct AsideEvent<'a> {
    /// The event as it was told.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    event: serde_json::Map<String, serde_json::Value>,
    /// Why it does not fit.
    code: &'a str,
    /// What of it does not.
    path: &'a str,
}

/// What is left of older events of a type.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "export_totals")]
struct ExportTotals<'a> {
    /// Under which identifier.
    identifier: &'a str,
    /// The type.
    event: &'a str,
    /// How many there were.
    count: u64,
    /// When the first of them happened.
    first: Timestamp,
    /// When the last of them happened.
    last: Timestamp,
    /// Up to when events of this type are totals.
    until: Timestamp,
    /// By numeric property.
    properties: BTreeMap<&'a str, Numbers>,
}

/// Totals of a numeric property.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "export_numbers")]
struct Numbers {
    /// How many events told it.
    told: i64,
    /// Their sum.
    sum: Option<Value>,
    /// The least.
    least: Option<Value>,
    /// The greatest.
    greatest: Option<Value>,
}

impl Question for Export {
    const NAME: &'static str = "export";
    const SUBJECT: Subject = Subject::Customer;
    type Answer<'a> = ExportAnswer<'a>;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<ExportAnswer<'a>, QueryError> {
        let (customer, engine) = (asked.customer()?, asked.engine);
        let mut identifiers: Vec<String> = customer.strands().iter().map(|strand| strand.identifier().to_string()).collect();
        let (story, links, portrait) = match asked.whom() {
            Some((base, identifier)) => {
                identifiers.extend(base.identifiers(identifier)?.iter().map(Identifier::to_string));
                identifiers.sort();
                identifiers.dedup();
                let links = base.links(identifier, Timestamp::MAX, Timestamp::MAX)?.into_iter();
                let own = |name: &String| identifiers.binary_search(name).is_ok();
                let links = links.filter(|link| own(&link.identifiers.0) && own(&link.identifiers.1)).collect();
                (base.story(identifier)?, links, base.portrait(identifier, None, self.now, Some(Timestamp::MAX), 0)?)
            }
            None => {
                let mut events = customer.events();
                events.extend(customer.rectified().cloned());
                events.sort_by(|a, b| (a.time, a.sequence, &a.id).cmp(&(b.time, b.sequence, &b.id)));
                let story = Story { events, withheld: 0 };
                (story, Vec::new(), engine.portrait(customer, None, self.now, Some(Timestamp::MAX), 0)?)
            }
        };
        let playbook = engine.playbook();
        let aside = |own: &'a Aside| AsideEvent { event: own.event().json(), code: own.code(), path: own.path() };
        Ok(ExportAnswer {
            customer: customer.id(),
            now: self.now,
            playbook: PlaybookName { name: &playbook.name.text, version: playbook.version, digest: engine.digest() },
            identifiers,
            events: story.events.iter().map(crate::customer::Event::json).collect(),
            links_withheld: story.withheld,
            links,
            aside: customer.aside().map(aside).collect(),
            totals: totals(engine, customer),
            portrait,
        })
    }
}

fn totals<'a>(engine: &Engine, customer: &'a Customer) -> Vec<ExportTotals<'a>> {
    let mut all = Vec::new();
    for strand in customer.strands() {
        let view = View::new(std::slice::from_ref(strand), Timestamp::MAX);
        for (name, totals) in strand.folded().iter().flat_map(|fold| fold.totals()) {
            let schema = strand.layout().schema();
            let mut properties = BTreeMap::new();
            if let Some(kind) = engine.layout().schema().event(name)
                && let Some(event) = schema.event_decl(kind)
            {
                for property in &event.properties {
                    let numbers = view.folded(&[kind], Span::lifetime(Timestamp::MAX), Some(property.id));
                    if let Some(numbers) = numbers.and_then(|folded| folded.numbers).filter(|numbers| numbers.told > 0) {
                        let (told, sum) = (numbers.told, numbers.sum);
                        let numbers = Numbers { told, sum, least: numbers.least, greatest: numbers.greatest };
                        properties.insert(&*property.name, numbers);
                    }
                }
            }
            all.push(ExportTotals {
                identifier: strand.identifier().as_str(),
                event: name,
                count: totals.count,
                first: totals.first,
                last: totals.last,
                until: totals.until,
                properties,
            });
        }
    }
    all
}

/// Who a customer was at an instant, by which links, and what else was told about their identifiers.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Identity {
    /// The instant; links and revocations that happened later do not count.
    now: Timestamp,
    /// Up to when knowledge counts; by default `now`.
    known_at: Option<Timestamp>,
}

/// Who a customer was.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "identity")]
pub(super) struct IdentityAnswer {
    /// The customer's id then: the smallest identifier.
    customer: String,
    /// The instant.
    now: Timestamp,
    /// Up to when knowledge counted.
    known_at: Timestamp,
    /// All identifiers that were of the customer then, in order.
    identifiers: Vec<Known>,
    /// What was told about these and any others by then, in the order of the story. Of a customer outside of a base: none.
    links: Vec<LinkTold>,
}

/// By what a customer is known.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "known_identifier")]
struct Known {
    /// The identifier.
    identifier: String,
    /// Whether it does not say who it is: a browser, a device.
    anonymous: bool,
    /// Whether several people use it, so that it joins nobody.
    shared: bool,
    /// How many events were told under it by then.
    events: u64,
    /// When the first of them happened.
    first: Option<Timestamp>,
    /// When the last of them happened.
    last: Option<Timestamp>,
}

impl Question for Identity {
    const NAME: &'static str = "identity";
    const SUBJECT: Subject = Subject::Customer;
    type Answer<'a> = IdentityAnswer;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<IdentityAnswer, QueryError> {
        let (now, known_at) = (self.now, self.known_at.unwrap_or(self.now));
        let mut portrait = match asked.whom() {
            Some((base, identifier)) => base.portrait(identifier, None, now, Some(known_at), 0)?,
            None => asked.engine.portrait(asked.customer()?, None, now, Some(known_at), 0)?,
        };
        let links = match asked.whom() {
            Some((base, identifier)) => base.links(identifier, now, known_at)?,
            None => Vec::new(),
        };
        let namespaces = &asked.engine.playbook().namespaces;
        let shared = |name: &str| {
            let namespace = name.split(':').next().unwrap_or_default();
            namespaces.iter().any(|own| *own.name.text == *namespace && own.shared)
        };
        let known = std::mem::take(&mut portrait.identifiers).into_iter().map(|own| Known {
            shared: shared(&own.identifier),
            identifier: own.identifier,
            anonymous: own.anonymous,
            events: own.events,
            first: own.first,
            last: own.last,
        });
        let customer = portrait.customer.take().unwrap_or_default();
        Ok(IdentityAnswer { customer, now, known_at, identifiers: known.collect(), links })
    }
}

/// How long events of each type are kept, and what of them is due to become totals: of one customer, or of all in a base.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Retention {
    /// The instant.
    now: Timestamp,
    /// Of whom, in a base; by default of all customers together.
    identifier: Option<String>,
}

/// How long what is kept.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "retention")]
pub(super) struct RetentionAnswer<'a> {
    /// The instant.
    now: Timestamp,
    /// How many customers it is about.
    customers: usize,
    /// Every declared event type, in the order of the playbook.
    event_types: Vec<Kept<'a>>,
    /// How many events are kept although they are due to become totals.
    due: u64,
}

/// An event type.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "retention_of_events")]
struct Kept<'a> {
    /// The type.
    event: &'a str,
    /// Which kind of data it is.
    kind: Option<&'static str>,
    /// How long its events are kept; null for ever.
    retention: Option<String>,
    /// How many events are kept.
    kept: u64,
    /// When the oldest of them happened.
    oldest: Option<Timestamp>,
    /// How many of them are older than that, so that `fold` makes totals of them.
    due: u64,
    /// How many became totals.
    folded: u64,
    /// Up to when, in the story in which that is the latest.
    folded_until: Option<Timestamp>,
}

impl Question for Retention {
    const NAME: &'static str = "retention";
    const SUBJECT: Subject = Subject::Base;
    type Answer<'a> = RetentionAnswer<'a>;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<RetentionAnswer<'a>, QueryError> {
        let customers: Vec<&Customer> = match (asked.customer, &self.identifier) {
            (Some(_), None) => vec![asked.customer()?],
            (Some(_), Some(_)) => {
                return Err(QueryError::new("unknown_key", "identifier", "the question is about the customer given with it"));
            }
            (None, Some(text)) => {
                let wrong = |code, message: String| QueryError::new(code, "identifier", message);
                let identifier = Identifier::parse(text).map_err(|error| wrong(error.code(), error.to_string()))?;
                let base = asked.base()?;
                base.identifiers(&identifier).map_err(|error| wrong(error.code(), error.message().to_owned()))?;
                base.find(&identifier).into_iter().collect()
            }
            (None, None) => asked.base()?.iter().collect(),
        };
        let declared = asked.engine.playbook().events.iter().zip((0..).map(EventKind));
        let mut event_types: Vec<Kept<'a>> = Vec::new();
        for (event, kind) in declared {
            let mut own = Kept {
                event: &event.name.text,
                kind: event.kind.map(DataKind::name),
                retention: event.retention.map(|retention| retention.to_string()),
                kept: 0,
                oldest: None,
                due: 0,
                folded: 0,
                folded_until: None,
            };
            let until = event.retention.map(|retention| self.now.saturating_add_micros(-retention.micros()));
            for strand in customers.iter().flat_map(|customer| customer.strands()) {
                let (kept, oldest, due) = strand.age(kind, until);
                (own.kept, own.due) = (own.kept + kept, own.due + due);
                own.oldest = own.oldest.into_iter().chain(oldest).min();
                let totals = strand.folded().and_then(|fold| fold.totals().find(|(name, _)| *name == own.event));
                if let Some((_, totals)) = totals {
                    own.folded += totals.count;
                    own.folded_until = own.folded_until.max(Some(totals.until));
                }
            }
            event_types.push(own);
        }
        let due = event_types.iter().map(|own| own.due).sum();
        Ok(RetentionAnswer { now: self.now, customers: customers.len(), event_types, due })
    }
}
