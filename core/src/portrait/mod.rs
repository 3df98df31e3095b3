//! Everything known about a customer at an instant, for people: as plain data, as text for a terminal, and as HTML.
//!
//! `read` looks it up, `text` and `html` write it, `words` turns values and instants into words for both. A reader sees no more than
//! may be shown to them.

mod html;
mod read;
mod text;
mod words;

use crate::commitment::Commitment;
use crate::value::{Timestamp, Value, Zone};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A customer at an instant, as a reader may see them. [`Engine::portrait`](crate::Engine::portrait) and
/// [`CustomerBase::portrait`](crate::CustomerBase::portrait) make one.
///
/// [`to_text`](Self::to_text), [`to_html`](Self::to_html) and [`to_json`](Self::to_json) show it; `Debug` does not.
#[derive(Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "portrait")]
#[non_exhaustive]
pub struct Portrait {
    /// For whom: `customer`, a department or a purpose; null for the host, who sees everything.
    #[serde(rename = "for")]
    pub audience: Option<Arc<str>>,
    /// The purposes for which the reader may see, as far as the customer permits them; null for the host.
    pub purposes: Option<Vec<Arc<str>>>,
    /// The playbook's name.
    pub playbook: Arc<str>,
    /// What people call it.
    pub title: Option<Arc<str>>,
    /// Its version.
    pub version: u64,
    /// The time zone of its days, in which texts show instants.
    pub time_zone: String,
    #[serde(skip)]
    #[schemars(skip)]
    zone: Zone,
    /// The instant.
    pub now: Timestamp,
    /// Up to when knowledge counted.
    pub known_at: Timestamp,
    /// The customer's id; null when the reader may not see it.
    pub customer: Option<String>,
    /// What to call them: the identifier whose namespace was declared first, of those that the reader may see.
    pub called: Option<String>,
    /// How many events the reader sees.
    pub events: u64,
    /// When the first of them happened.
    pub first: Option<Timestamp>,
    /// When the last of them happened.
    pub last: Option<Timestamp>,
    /// By what the customer is known, in order.
    pub identifiers: Vec<PortraitIdentifier>,
    /// What was promised with offers that were accepted; for the host and the customer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub commitments: Vec<Commitment>,
    /// Every attribute that may be seen, in the order of the playbook; those that nobody knows too.
    pub attributes: Vec<PortraitAttribute>,
    /// What the customer permits, in the order of the playbook.
    pub consents: Vec<PortraitConsent>,
    /// Since when the customer objects to profiling.
    pub profiling_objected: Option<Timestamp>,
    /// The channels on which the customer must not be contacted, and since when.
    pub do_not_contact: BTreeMap<Arc<str>, Timestamp>,
    /// Every segment that may be seen, in the order of the playbook.
    pub segments: Vec<PortraitSegment>,
    /// Every persona that may be seen, the likeliest first.
    pub personas: Vec<PortraitChance>,
    /// Every journey that may be seen, in the order of the playbook.
    pub journeys: Vec<PortraitJourney>,
    /// Every need of which something is known, in the order of the playbook.
    pub needs: Vec<PortraitNeed>,
    /// What the customer seems to be after in the open session, the likeliest first; empty without one.
    pub intents: Vec<PortraitChance>,
    /// Every preference of which something is known, in the order of the playbook.
    pub preferences: Vec<PortraitPreference>,
    /// What is unusual for the customer, in the order of the playbook; only what could be tested.
    pub unusual: Vec<PortraitUnusual>,
    /// How many sessions there were.
    pub session_count: u64,
    /// The latest sessions, latest first.
    pub sessions: Vec<PortraitSession>,
    /// The latest events, latest first.
    pub timeline: Vec<PortraitEvent>,
    /// How many events before these are left out.
    pub earlier: u64,
    /// Exact totals of older events that are not kept any more.
    pub folded: Vec<PortraitTotals>,
    /// How many parts of the playbook are withheld from the reader, by what they are, whatever is known.
    pub withheld: BTreeMap<&'static str, usize>,
}

/// By what a customer is known.
#[derive(Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "portrait_identifier")]
#[non_exhaustive]
pub struct PortraitIdentifier {
    /// The identifier.
    pub identifier: String,
    /// Whether it does not say who it is: a browser, a device.
    pub anonymous: bool,
    /// How many events were told under it.
    pub events: u64,
    /// When the first of them happened.
    pub first: Option<Timestamp>,
    /// When the last of them happened.
    pub last: Option<Timestamp>,
}

/// An attribute.
#[derive(Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "portrait_attribute")]
#[non_exhaustive]
pub struct PortraitAttribute {
    /// Its name.
    pub attribute: Arc<str>,
    /// What people call it.
    pub title: Option<Arc<str>>,
    /// Which kind of data it is.
    pub kind: Option<&'static str>,
    /// `public`, `personal` or `special`.
    pub sensitivity: &'static str,
    /// For what it may be used; null for anything.
    pub purposes: Option<Vec<Arc<str>>>,
    /// The value; null when it is not known.
    pub value: Option<Value>,
    /// What it comes from: `told`, `default` or `nothing`.
    pub from: &'static str,
    /// How it came to be known: `stated`, `observed`, `inferred` or `third_party`; null unless it was told.
    pub origin: Option<&'static str>,
    /// How sure it is, 0 to 1.
    pub confidence: Option<f64>,
    /// When it was so.
    pub time: Option<Timestamp>,
    /// Who told it.
    pub source: Option<Arc<str>>,
    /// The channel that it came through.
    pub channel: Option<Arc<str>>,
    /// When it expires.
    pub expires: Option<Timestamp>,
    /// How many other facts were told that do not count.
    pub others: usize,
}

/// What holds for one purpose.
#[derive(Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "portrait_consent")]
#[non_exhaustive]
pub struct PortraitConsent {
    /// The purpose.
    pub purpose: Arc<str>,
    /// What people call it.
    pub title: Option<Arc<str>>,
    /// Whether it is permitted.
    pub permitted: bool,
    /// `given`, `withdrawn`, `objected`, `expired`, `elsewhere`, `not_entitled`, `never_asked` or `lawful`.
    pub state: &'static str,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Whether the customer said yes in so many words.
    pub explicit: bool,
    /// Why the purpose is lawful.
    pub basis: &'static str,
}

/// A segment.
#[derive(Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "portrait_segment")]
#[non_exhaustive]
pub struct PortraitSegment {
    /// Its name.
    pub segment: Arc<str>,
    /// What people call it.
    pub title: Option<Arc<str>>,
    /// In, out, or null for unknown.
    pub member: Option<bool>,
}

/// Something with a probability: a persona or an intent.
#[derive(Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "portrait_chance")]
#[non_exhaustive]
pub struct PortraitChance {
    /// Its name.
    pub name: Arc<str>,
    /// What people call it.
    pub title: Option<Arc<str>>,
    /// How likely it is, 0 to 1.
    pub posterior: f64,
    /// Whether that is enough to count on it.
    pub likely: bool,
}

/// A journey.
#[derive(Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "portrait_journey")]
#[non_exhaustive]
pub struct PortraitJourney {
    /// Its name.
    pub journey: Arc<str>,
    /// What people call it.
    pub title: Option<Arc<str>>,
    /// The stage; null outside of the journey.
    pub stage: Option<Arc<str>>,
    /// What people call the stage.
    pub stage_title: Option<Arc<str>>,
    /// Since when.
    pub since: Option<Timestamp>,
    /// All stages in their order: what people call them, else their names.
    pub stages: Vec<Arc<str>>,
    /// Which of them it is.
    pub place: Option<usize>,
}

/// A need.
#[derive(Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "portrait_need")]
#[non_exhaustive]
pub struct PortraitNeed {
    /// Its name.
    pub need: Arc<str>,
    /// What people call it.
    pub title: Option<Arc<str>>,
    /// `pragmatic` or `trend_driven`.
    pub kind: &'static str,
    /// How strong it is, 0 to 1.
    pub strength: f64,
    /// Whether the customer said so.
    pub stated: bool,
    /// The last event that it rests on.
    pub time: Option<Timestamp>,
}

/// A preference.
#[derive(Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "portrait_preference")]
#[non_exhaustive]
pub struct PortraitPreference {
    /// Its name.
    pub preference: Arc<str>,
    /// What people call it.
    pub title: Option<Arc<str>>,
    /// How many events told of it.
    pub observations: u64,
    /// What is known of each value: what was stated first, then the strongest first; at most 20.
    pub values: Vec<PortraitLiking>,
}

/// How much a value is liked.
#[derive(Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "portrait_liking")]
#[non_exhaustive]
pub struct PortraitLiking {
    /// The value.
    pub value: Arc<str>,
    /// From -1 (disliked) to 1 (liked).
    pub strength: f64,
    /// How many events told of it.
    pub observations: u64,
    /// Whether the customer said so.
    pub stated: bool,
    /// Whether it counts as liked (true), as disliked (false), or as neither (null).
    pub liked: Option<bool>,
}

/// Whether something is unusual.
#[derive(Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "portrait_unusual")]
#[non_exhaustive]
pub struct PortraitUnusual {
    /// Its name.
    pub unusual: Arc<str>,
    /// What people call it.
    pub title: Option<Arc<str>>,
    /// The test.
    pub test: &'static str,
    /// Whether it holds.
    pub holds: bool,
}

/// A session.
#[derive(Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "portrait_session")]
#[non_exhaustive]
pub struct PortraitSession {
    /// When its first event happened.
    pub start: Timestamp,
    /// When its last one happened.
    pub end: Timestamp,
    /// Whether it is still open.
    pub open: bool,
    /// How many events.
    pub events: u64,
    /// How many pages.
    pub pages: u64,
    /// The channels, sorted.
    pub channels: Vec<Arc<str>>,
    /// The latest device.
    pub device: Option<Arc<str>>,
    /// The first campaign.
    pub campaign: Option<Arc<str>>,
}

/// An event of the timeline.
#[derive(Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "portrait_event")]
#[non_exhaustive]
pub struct PortraitEvent {
    /// The type, as a host tells it.
    pub event: Arc<str>,
    /// What people call it.
    pub title: Option<Arc<str>>,
    /// Which kind of data it is.
    pub kind: Option<&'static str>,
    /// When it happened.
    pub time: Timestamp,
    /// When it became known, when that was later.
    pub known_at: Option<Timestamp>,
    /// Under which identifier.
    pub identifier: String,
    /// The channel.
    pub channel: Option<Arc<str>>,
    /// Who told it.
    pub source: Option<Arc<str>>,
    /// The properties that may be seen, in declared order.
    pub properties: Vec<(Arc<str>, Value)>,
    /// Details such as the device, the page and the place, by name; only the host sees them.
    pub details: Vec<(&'static str, Value)>,
}

/// What is left of older events of a type.
#[derive(Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "portrait_totals")]
#[non_exhaustive]
pub struct PortraitTotals {
    /// The type.
    pub event: Arc<str>,
    /// What people call it.
    pub title: Option<Arc<str>>,
    /// How many there were.
    pub count: u64,
    /// When the first of them happened.
    pub first: Timestamp,
    /// When the last of them happened.
    pub last: Timestamp,
}

impl Portrait {
    /// As text for a terminal, at most 100 columns wide as long as values are short. Control characters in values are replaced,
    /// so that nothing in them can steer the terminal.
    #[must_use]
    pub fn to_text(&self) -> String {
        text::write(self)
    }

    /// As a page of HTML that needs nothing else: no script, no font, no picture. Light or dark as the reader's system is.
    #[must_use]
    pub fn to_html(&self) -> String {
        html::page(self)
    }

    /// The same as a part of a page, with its style.
    #[must_use]
    pub fn to_html_part(&self) -> String {
        html::part(self)
    }

    /// As JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// For whom and how much, not what.
impl fmt::Debug for Portrait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Portrait")
            .field("for", &self.audience)
            .field("now", &self.now)
            .field("events", &self.events)
            .finish_non_exhaustive()
    }
}
