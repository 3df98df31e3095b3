//! Receipts: what a decision was made from, so that it can be made again later and compared.
//!
//! A receipt holds digests of what was known, not what it was: the story by type of event, the related, the playbook, and what was read of
//! shared counters. `verify` makes the decision again and says what differs.

mod setting;
mod verify;

pub(crate) use setting::Setting;
pub(crate) use verify::{Verdict, verify};

use crate::counters::{CounterError, Counters, Hold};
use crate::customer::{Customer, Identifier, IdentifierError};
use crate::decide::{Answer, Decision, Detail, PlacementAnswer, Request, RequestError};
use crate::engine::digest;
use crate::playbook::Assurance;
use crate::value::{FromJson, Span, Timestamp, Value};
use schemars::JsonSchema;
use serde::de::DeserializeSeed;
use serde::{Deserialize, Serialize};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The version of receipts that is written.
const VERSION: u32 = 1;

/// What a decision was made from, and what came out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "receipt")]
#[serde(deny_unknown_fields)]
pub(crate) struct Receipt {
    /// The version of the form: 1.
    pub(crate) receipt: u32,
    /// The id of the decision.
    pub(crate) decision: String,
    /// The customer's id.
    pub(crate) customer: String,
    /// On which identifier the customer was met.
    pub(crate) met_on: Option<String>,
    /// The playbook.
    pub(crate) playbook: PlaybookRead,
    /// The instant of the question.
    pub(crate) now: Timestamp,
    /// Up to when knowledge counted.
    pub(crate) known_at: Timestamp,
    /// The placements, in the order asked.
    pub(crate) placements: Vec<String>,
    /// The facts of the request, by name.
    pub(crate) facts: BTreeMap<String, serde_json::Value>,
    /// How sure the host was who was there.
    pub(crate) assurance: String,
    /// What exploration drew from.
    #[serde(default, skip_serializing_if = "none")]
    pub(crate) seed: u64,
    /// Numbers of columns, by column and offer.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) scores: BTreeMap<String, BTreeMap<String, f64>>,
    /// The reaction that was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reaction: Option<String>,
    /// Digest of the trends that were read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) trends: Option<String>,
    /// Digest of the items that could be suggested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) catalog: Option<String>,
    /// Digest of the forecast that was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) forecast: Option<String>,
    /// What was known of the customer, by type of event.
    pub(crate) story: BTreeMap<String, EventsRead>,
    /// Digest of the stories of those who are related to the customer; null where nobody is.
    pub(crate) related: Option<String>,
    /// What was read of shared counters.
    pub(crate) counters: Vec<CounterRead>,
    /// What came out, by placement.
    pub(crate) answers: Vec<AnswerRead>,
    /// SHA-256 over all of this with an empty text here: the first 32 hexadecimal digits.
    pub(crate) digest: String,
}

/// A playbook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "receipt_playbook")]
#[serde(deny_unknown_fields)]
pub(crate) struct PlaybookRead {
    /// Its name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: u64,
    /// Its digest, tables included.
    pub(crate) digest: String,
}

/// The events of a type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "receipt_events")]
#[serde(deny_unknown_fields)]
pub(crate) struct EventsRead {
    /// How many.
    pub(crate) count: u64,
    /// Digest of their content, in the order of the story.
    pub(crate) digest: String,
}

/// A counter in a span.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "receipt_counter")]
#[serde(deny_unknown_fields)]
pub(crate) struct CounterRead {
    /// The counter.
    pub(crate) counter: String,
    /// Not part of the span itself.
    pub(crate) after: Timestamp,
    /// The last instant of the span.
    pub(crate) until: Timestamp,
    /// How much was taken: pieces, or money in millionths.
    pub(crate) taken: i64,
}

/// What a placement got.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "receipt_answer")]
#[serde(deny_unknown_fields)]
pub(crate) struct AnswerRead {
    /// The placement.
    pub(crate) placement: String,
    /// `offers`, `fallback` or `silence`.
    pub(crate) kind: String,
    /// The offers, by slot.
    pub(crate) offers: Vec<String>,
    /// Digest of the whole answer: offers, scores, messages, terms.
    pub(crate) digest: String,
}

impl Receipt {
    /// Decides, and notes from what.
    pub(crate) fn issue(setting: &Setting<'_>) -> Result<(Decision, Self), RequestError> {
        let reading = Reading { inner: setting.counters(), log: Mutex::new(BTreeMap::new()) };
        let (decision, _) =
            setting.decide_with(setting.engine, setting.customer, &setting.request, Some(&reading), Detail::Brief)?;
        let playbook = setting.engine.playbook();
        let mut receipt = Receipt {
            receipt: VERSION,
            decision: decision.id.to_string(),
            customer: setting.customer.id().to_owned(),
            met_on: setting.request.identifier.as_ref().map(ToString::to_string),
            playbook: PlaybookRead {
                name: playbook.name.text.to_string(),
                version: playbook.version,
                digest: playbook.digest.to_string(),
            },
            now: setting.now,
            known_at: setting.known_at,
            placements: setting.request.placements.clone(),
            facts: setting.request.facts.iter().map(|(name, value)| (name.clone(), value.to_json())).collect(),
            assurance: setting.request.assurance.name().to_owned(),
            seed: setting.request.seed,
            scores: scores(&setting.request),
            reaction: setting.request.reaction.clone(),
            trends: setting.trends(),
            catalog: setting.catalog(),
            forecast: setting.forecast(),
            story: story(&setting.engine.as_known(setting.customer, setting.known_at), setting.now, setting.known_at),
            related: setting.related(),
            counters: reading.told(),
            answers: answers(&decision),
            digest: String::new(),
        };
        receipt.digest = receipt.own_digest();
        Ok((decision, receipt))
    }

    /// What was asked.
    ///
    /// # Errors
    /// [`RequestError`] for a `met_on` that is no identifier, and an assurance that is none.
    pub(crate) fn request(&self) -> Result<Request, RequestError> {
        let wrong = |error: IdentifierError| RequestError::new(error.code(), "met_on", error.to_string());
        let assurance = Assurance::named(&self.assurance).ok_or_else(|| RequestError::unknown_assurance(&self.assurance))?;
        // What holds the receipt was within the limits already.
        let nodes = Cell::new(u32::MAX);
        let value = |json: &serde_json::Value| FromJson::new(&nodes).deserialize(json).unwrap_or(Value::Null);
        let numbers = |(column, numbers): (&String, &BTreeMap<String, f64>)| {
            numbers.iter().map(|(offer, number)| (column.clone(), offer.clone(), *number)).collect::<Vec<_>>()
        };
        Ok(Request {
            placements: self.placements.clone(),
            facts: self.facts.iter().map(|(name, json)| (name.clone(), value(json))).collect(),
            identifier: self.met_on.as_deref().map(Identifier::parse).transpose().map_err(wrong)?,
            assurance,
            scores: self.scores.iter().flat_map(numbers).collect(),
            seed: self.seed,
            reaction: self.reaction.clone(),
            ..Request::default()
        })
    }

    /// Whether it is as it was issued.
    pub(crate) fn is_genuine(&self) -> bool {
        self.receipt == VERSION && self.digest == self.own_digest()
    }

    fn own_digest(&self) -> String {
        let plain = Receipt { digest: String::new(), ..self.clone() };
        digest(&[&serde_json::to_string(&plain).unwrap_or_default()])
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn none(seed: &u64) -> bool {
    *seed == 0
}

/// The numbers of a request by column, then offer.
fn scores(request: &Request) -> BTreeMap<String, BTreeMap<String, f64>> {
    let mut scores: BTreeMap<String, BTreeMap<String, f64>> = BTreeMap::new();
    // What is no number counts as unknown, as a column that is not there.
    for (column, offer, number) in request.scores.iter().filter(|(_, _, number)| number.is_finite()) {
        scores.entry(column.clone()).or_default().insert(offer.clone(), *number);
    }
    scores
}

/// What is known of a customer at an instant, by type of event.
fn story(customer: &Customer, now: Timestamp, known_at: Timestamp) -> BTreeMap<String, EventsRead> {
    let mut by_type: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for event in customer.events() {
        if event.time <= now && event.known_at.unwrap_or(event.time) <= known_at {
            let told = event.to_json();
            by_type.entry(event.event_type).or_default().push(told);
        }
    }
    let read = |told: Vec<String>| {
        let parts: Vec<&str> = told.iter().map(String::as_str).collect();
        EventsRead { count: told.len() as u64, digest: digest(&parts) }
    };
    by_type.into_iter().map(|(name, told)| (name, read(told))).collect()
}

fn answers(decision: &Decision) -> Vec<AnswerRead> {
    let read = |answer: &PlacementAnswer| AnswerRead {
        placement: answer.placement.to_string(),
        kind: answer.kind().to_owned(),
        offers: answer.offers().iter().map(|ranked| ranked.offer.to_string()).collect(),
        digest: shown(answer),
    };
    decision.placements.iter().map(read).collect()
}

/// Digest of what is shown: offers, scores, messages, terms.
fn shown(answer: &PlacementAnswer) -> String {
    let mut parts: Vec<String> = vec![answer.kind().to_owned()];
    if let Answer::Fallback { message } = &answer.answer {
        parts.push(message.to_string());
    }
    for ranked in answer.offers() {
        let terms = ranked.terms.as_ref().map_or_else(String::new, crate::decide::Terms::to_json);
        parts.extend([ranked.offer.to_string(), ranked.score.to_bits().to_string(), ranked.message.clone(), terms]);
    }
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    digest(&parts)
}

/// Counters that note what is read of them.
#[derive(Debug)]
struct Reading<'a> {
    inner: Option<&'a dyn Counters>,
    log: Mutex<BTreeMap<(String, Timestamp, Timestamp), i64>>,
}

impl Reading<'_> {
    fn told(self) -> Vec<CounterRead> {
        let log = self.log.into_inner().unwrap_or_else(PoisonError::into_inner);
        let read = |((counter, after, until), taken)| CounterRead { counter, after, until, taken };
        log.into_iter().map(read).collect()
    }
}

impl Counters for Reading<'_> {
    fn taken(&self, key: &str, span: Span) -> i64 {
        let taken = self.inner.map_or(0, |inner| inner.taken(key, span));
        let place = (key.to_owned(), span.after, span.until);
        self.log.lock().unwrap_or_else(PoisonError::into_inner).insert(place, taken);
        taken
    }

    fn reserve(&self, _: &[Hold], _: Timestamp, _: Timestamp) -> Result<(), CounterError> {
        Err(CounterError::not_reserved(""))
    }

    fn confirm(&self, id: &str, _: Timestamp) -> Result<(), CounterError> {
        Err(CounterError::not_reserved(id))
    }

    fn release(&self, id: &str, _: Timestamp) -> Result<(), CounterError> {
        Err(CounterError::not_reserved(id))
    }
}
