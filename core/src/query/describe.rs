//! What a playbook declares.

use super::{Asked, QueryError, Question, Subject};
use crate::playbook::{
    self, AtMost, ConsentDefault, ContactRule, DAYS, DataKind, Demand, Format, JourneyLimit, Movement, Name, OUTCOMES,
    Playbook, Scope, Sensitivity,
};
use crate::value::{Duration, Unit, Value, Window};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the playbook declares.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Describe {}

/// What a playbook declares; every list in the order of the playbook.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "playbook")]
pub(super) struct Described<'a> {
    /// Its name.
    name: &'a str,
    /// Counts up.
    version: u64,
    /// For people.
    title: Option<&'a str>,
    /// SHA-256 over its content: 64 hexadecimal digits.
    digest: &'a str,
    /// The zone of calendar windows when the customer's own is not known.
    time_zone: String,
    /// Namespaces of identifiers, in order of priority.
    namespaces: Vec<Namespace<'a>>,
    purposes: Vec<Purpose<'a>>,
    /// Who may see what of a customer.
    departments: Vec<Department<'a>>,
    attributes: Vec<Attribute<'a>>,
    events: Vec<EventType<'a>>,
    /// Facts that come with a decision's request.
    request: Vec<RequestFact<'a>>,
    segments: Vec<Segment<'a>>,
    personas: Vec<Persona<'a>>,
    touchpoints: Vec<Touchpoint<'a>>,
    journeys: Vec<Journey<'a>>,
    /// How many journeys a customer may be in.
    journey_caps: Vec<JourneyCap<'a>>,
    channels: Vec<Channel<'a>>,
    offers: Vec<Offer<'a>>,
    placements: Vec<Placement<'a>>,
    /// The contact policy.
    contact: Vec<Contact<'a>>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "namespace")]
struct Namespace<'a> {
    name: &'a str,
    /// Whether its identifiers are counted but not addressed.
    anonymous: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "purpose")]
struct Purpose<'a> {
    name: &'a str,
    title: Option<&'a str>,
    /// `opt_in` or `opt_out`: what holds for a customer who said nothing.
    default: &'static str,
    /// The legal basis: `consent`, `contract`, `legitimate_interest`, `legal_obligation`, `vital_interest` or `public_task`.
    basis: &'static str,
    /// How long a consent holds when it does not say so itself; null for ever.
    expires_after: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "department")]
struct Department<'a> {
    name: &'a str,
    title: Option<&'a str>,
    /// What it works for.
    purposes: Vec<&'a str>,
    /// The most sensitive data that it sees: `public`, `personal` or `special`.
    sensitivity: &'static str,
    /// The kinds of data that it sees; null for any.
    reads: Option<Vec<&'static str>>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "declared_attribute")]
struct Attribute<'a> {
    name: &'a str,
    title: Option<&'a str>,
    #[serde(rename = "type")]
    ty: String,
    /// `stated`, `observed`, `inferred` or `third_party`.
    origin: &'static str,
    /// `public`, `personal` or `special`.
    sensitivity: &'static str,
    /// For which it may be used; null when not restricted.
    purposes: Option<Vec<&'a str>>,
    /// Readable when nothing was told; null when there is none.
    default: Option<&'a Value>,
    /// How long a told value is known; null for ever.
    ttl: Option<String>,
    /// Which kind of data it is; null when not declared.
    kind: Option<&'static str>,
    /// By what one of several told values is chosen.
    resolve: Vec<&'static str>,
    /// Who is believed first about it.
    sources: Vec<&'a str>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "event_type")]
struct EventType<'a> {
    name: &'a str,
    title: Option<&'a str>,
    /// Which kind of data it is; null when not declared.
    kind: Option<&'static str>,
    /// How sure a request has to be who is there for its events to be read: `anonymous` (nothing is asked for), `recognised` or
    /// `authenticated`.
    assurance: &'static str,
    /// How long its events are kept; null for ever.
    retention: Option<String>,
    properties: Vec<Property<'a>>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "property")]
struct Property<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    ty: String,
    /// Whether an event without it is refused.
    required: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "request_fact")]
struct RequestFact<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    ty: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "segment")]
struct Segment<'a> {
    name: &'a str,
    title: Option<&'a str>,
    /// The condition.
    when: &'a str,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "persona")]
struct Persona<'a> {
    name: &'a str,
    title: Option<&'a str>,
    /// The share of customers who are of it.
    prior: f64,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "journey")]
struct Journey<'a> {
    name: &'a str,
    title: Option<&'a str>,
    /// `free` or `forward`.
    movement: &'static str,
    /// The property of events that tells instances apart; null for one way only.
    key: Option<&'a str>,
    /// How many instances of a customer may be open at once.
    at_most: Option<usize>,
    /// Leaves the journey at once, whatever the stage.
    exit: Option<&'a str>,
    /// The longest time in it.
    max_stay: Option<String>,
    /// Of several stages that could be entered at one instant: the one declared `last` or `first`.
    precedence: &'static str,
    /// How customers come in; null when by any stage that they may enter from outside.
    entry: Option<Way<'a>>,
    reentry: Reentry<'a>,
    migration: Migration<'a>,
    /// Whose plans there are, by segment; null for everyone.
    plan: Vec<PlanOf<'a>>,
    stages: Vec<Stage<'a>>,
    /// SHA-256 over what it says of how customers move.
    digest: &'a str,
}

/// Whether customers come in again.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "journey_reentry")]
struct Reentry<'a> {
    /// `never`, `after_leaving` or `always`.
    policy: &'static str,
    /// Not before so much time has passed since they were out.
    after: Option<String>,
    /// How often at all.
    at_most: Option<u32>,
    /// `all`, or `version` when entries under earlier versions do not count.
    count: &'a str,
}

/// Where customers are whose place was recorded under another version.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "journey_migration")]
struct Migration<'a> {
    /// The stage now, by that of then; null for outside.
    stages: BTreeMap<&'a str, Option<&'a str>>,
    /// `keep`, `restart` or `derive`.
    otherwise: &'static str,
}

/// For whom and for which stages something is planned.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "journey_planned")]
struct PlanOf<'a> {
    /// The segment; null for everyone.
    segment: Option<&'a str>,
    stages: Vec<&'a str>,
}

/// What leads on, when it happens or holds.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "journey_way")]
struct Way<'a> {
    /// The types of events.
    on: Vec<&'a str>,
    /// The condition.
    when: Option<&'a str>,
    /// The stage; null for out of the journey, and of an entry for the first.
    to: Option<&'a str>,
}

/// What leads on after a time.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "journey_timer")]
struct Timer<'a> {
    /// After how long; null for a wait for an event or a time of day alone.
    after: Option<String>,
    /// And then until this time of day in the customer's zone.
    at: Option<String>,
    /// Events of these types end it at once.
    until: Vec<&'a str>,
    /// Events of these types begin it anew.
    reset_on: Vec<&'a str>,
    /// The stage; null for out of the journey, and of a wait for its branches.
    to: Option<&'a str>,
}

/// A journey inside of a stage.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "journey_inner")]
struct Inner<'a> {
    journey: &'a str,
    /// Its stage that is entered with the outer one.
    start: Option<&'a str>,
    /// The stage of the outer journey by that in which the inner one ends; null for out of it.
    ends: BTreeMap<&'a str, Option<&'a str>>,
}

/// A place where customers and brand meet.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "declared_touchpoint")]
struct Touchpoint<'a> {
    name: &'a str,
    title: Option<&'a str>,
    channel: Option<&'a str>,
    purpose: Option<&'a str>,
    /// Who owns it; null for an own one.
    partner: Option<&'a str>,
    /// The kinds of data that may be told there; null for any.
    discloses: Option<Vec<&'static str>>,
    /// The event types that come back from it.
    events: Vec<&'a str>,
    /// How late they come at most.
    delay: Option<String>,
    /// What one contact costs.
    cost: Option<f64>,
    /// `full`, `shared` or `none`.
    control: &'a str,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "stage")]
struct Stage<'a> {
    name: &'a str,
    title: Option<&'a str>,
    /// What the stage is for, in words.
    goal: Option<&'a str>,
    /// Why nothing can be observed here.
    no_data: Option<&'a str>,
    /// Whether customers here count as lost.
    drop_out: bool,
    /// Whether the journey ends here.
    #[serde(rename = "final")]
    last: bool,
    /// What leads in: events, a condition, or both together.
    on: Vec<&'a str>,
    enter: Option<&'a str>,
    /// From which stages only, `none` for outside; empty for any.
    from: Vec<&'a str>,
    min_stay: Option<String>,
    timeout: Option<Timer<'a>>,
    wait: Option<Timer<'a>>,
    /// In order.
    branches: Vec<Way<'a>>,
    exit: Option<Way<'a>>,
    max_stay: Option<Timer<'a>>,
    /// What leads back to the stage from which one dropped out.
    #[serde(rename = "return")]
    back: Option<Way<'a>>,
    inner: Option<Inner<'a>>,
    /// Where customers and brand typically meet, in words.
    touchpoints: Vec<&'a str>,
    /// What marketing can do here, in words.
    marketing: Option<&'a str>,
}

/// A cap over journeys: of entries in a window (`at_most`, `per`), or of how many a customer is in (`at_once`).
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "journey_cap")]
struct JourneyCap<'a> {
    name: &'a str,
    /// The cap in words.
    text: String,
    /// Those that count together and obey.
    journeys: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_once: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_most: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    per: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "channel")]
struct Channel<'a> {
    name: &'a str,
    /// `text`, `html` or `json`.
    format: &'static str,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "offer")]
struct Offer<'a> {
    name: &'a str,
    title: Option<&'a str>,
    purposes: Vec<&'a str>,
    priority: i64,
    /// Where it may be shown; empty for anywhere.
    placements: Vec<&'a str>,
    /// The channels for which there is a treatment.
    channels: Vec<&'a str>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "placement")]
struct Placement<'a> {
    name: &'a str,
    title: Option<&'a str>,
    channel: &'a str,
    slots: u32,
    /// What is shown when no offer is left; null for silence.
    fallback: Option<&'a str>,
}

/// A rule of the contact policy: a cap (`count`, `at_most`, `per`), a pause (`after`, `pause`), quiet hours (`quiet`, `dates`), or another
/// that its words tell.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "contact_rule")]
struct Contact<'a> {
    name: &'a str,
    /// The rule in words.
    text: String,
    /// What is counted together.
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_most: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    per: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pause: Option<String>,
    /// Quiet hours by the day of the week on which they begin, such as `21:00-08:00`.
    #[serde(skip_serializing_if = "Option::is_none")]
    quiet: Option<BTreeMap<&'static str, Vec<String>>>,
    /// Beside these the quiet hours of dates, by date: `2026-12-24`, or `12-25` of every year.
    #[serde(skip_serializing_if = "Option::is_none")]
    dates: Option<BTreeMap<String, Vec<String>>>,
}

impl Question for Describe {
    const NAME: &'static str = "describe";
    const SUBJECT: Subject = Subject::Playbook;
    type Answer<'a> = Described<'a>;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<Described<'a>, QueryError> {
        Ok(Described::of(asked.engine.playbook()))
    }
}

impl<'a> Described<'a> {
    fn of(playbook: &'a Playbook) -> Self {
        Described {
            name: text(&playbook.name),
            version: playbook.version,
            title: playbook.title.as_deref(),
            digest: &playbook.digest,
            time_zone: playbook.time_zone.to_string(),
            namespaces: (playbook.namespaces.iter())
                .map(|namespace| Namespace { name: text(&namespace.name), anonymous: namespace.anonymous })
                .collect(),
            purposes: playbook.purposes.iter().map(purpose).collect(),
            departments: playbook.departments.iter().map(department).collect(),
            attributes: playbook.attributes.iter().map(attribute).collect(),
            events: playbook.events.iter().map(event_type).collect(),
            request: (playbook.request.iter())
                .map(|fact| RequestFact { name: text(&fact.name), ty: fact.ty.to_string() })
                .collect(),
            segments: (playbook.segments.iter())
                .map(|segment| Segment { name: text(&segment.name), title: segment.title.as_deref(), when: &segment.when.text })
                .collect(),
            personas: (playbook.personas.iter())
                .map(|persona| Persona { name: text(&persona.name), title: persona.title.as_deref(), prior: persona.prior })
                .collect(),
            touchpoints: playbook.touchpoints.iter().map(touchpoint).collect(),
            journeys: playbook.journeys.iter().map(journey).collect(),
            journey_caps: playbook.journey_caps.iter().map(journey_cap).collect(),
            channels: playbook.channels.iter().map(channel).collect(),
            offers: playbook.offers.iter().map(offer).collect(),
            placements: playbook.placements.iter().map(placement).collect(),
            contact: playbook.contact.iter().map(contact).collect(),
        }
    }
}

fn text(name: &Name) -> &str {
    &name.text
}

fn texts(names: &[Name]) -> Vec<&str> {
    names.iter().map(text).collect()
}

fn purpose(purpose: &playbook::Purpose) -> Purpose<'_> {
    let default = match purpose.default {
        ConsentDefault::OptIn => "opt_in",
        ConsentDefault::OptOut => "opt_out",
    };
    Purpose {
        name: text(&purpose.name),
        title: purpose.title.as_deref(),
        default,
        basis: purpose.basis.name(),
        expires_after: purpose.expires_after.map(|length| length.to_string()),
    }
}

fn department(department: &playbook::Department) -> Department<'_> {
    Department {
        name: text(&department.name),
        title: department.title.as_deref(),
        purposes: texts(&department.purposes),
        sensitivity: sensitivity(department.sensitivity),
        reads: kinds(department.reads.as_ref()),
    }
}

fn sensitivity(sensitivity: Sensitivity) -> &'static str {
    match sensitivity {
        Sensitivity::Public => "public",
        Sensitivity::Personal => "personal",
        Sensitivity::Special => "special",
    }
}

fn kinds(reads: Option<&Vec<DataKind>>) -> Option<Vec<&'static str>> {
    reads.map(|kinds| kinds.iter().map(|kind| kind.name()).collect())
}

fn attribute(attribute: &playbook::Attribute) -> Attribute<'_> {
    Attribute {
        name: text(&attribute.name),
        title: attribute.title.as_deref(),
        ty: attribute.ty.to_string(),
        origin: attribute.origin.name(),
        sensitivity: sensitivity(attribute.sensitivity),
        purposes: attribute.purposes.as_deref().map(texts),
        default: attribute.default.as_ref(),
        ttl: attribute.ttl.map(|ttl| ttl.to_string()),
        kind: attribute.kind.map(DataKind::name),
        resolve: attribute.resolve.iter().map(|criterion| criterion.name()).collect(),
        sources: attribute.sources.iter().map(|source| &**source).collect(),
    }
}

fn event_type(event: &playbook::EventType) -> EventType<'_> {
    let properties = event.properties.iter().map(|property| Property {
        name: text(&property.name),
        ty: property.ty.to_string(),
        required: property.required,
    });
    EventType {
        name: text(&event.name),
        title: event.title.as_deref(),
        kind: event.kind.map(DataKind::name),
        assurance: event.assurance.name(),
        retention: event.retention.map(|length| length.to_string()),
        properties: properties.collect(),
    }
}

fn touchpoint(touchpoint: &playbook::Touchpoint) -> Touchpoint<'_> {
    Touchpoint {
        name: text(&touchpoint.name),
        title: touchpoint.title.as_deref(),
        channel: touchpoint.channel.as_ref().map(text),
        purpose: touchpoint.purpose.as_ref().map(text),
        partner: touchpoint.partner.as_deref(),
        discloses: kinds(touchpoint.discloses.as_ref()),
        events: texts(&touchpoint.events),
        delay: touchpoint.delay.map(|delay| delay.to_string()),
        cost: touchpoint.cost,
        control: &touchpoint.control,
    }
}

fn condition(when: Option<&playbook::Text>) -> Option<&str> {
    when.map(|when| &*when.text)
}

fn name(name: Option<&Name>) -> Option<&str> {
    name.map(text)
}

fn length(length: Option<Duration>) -> Option<String> {
    length.map(|length| length.to_string())
}

fn time_of_day(time: Option<chrono::NaiveTime>) -> Option<String> {
    time.map(|time| time.format("%H:%M").to_string())
}

fn journey(journey: &playbook::Journey) -> Journey<'_> {
    let movement = match journey.movement {
        Movement::Free => "free",
        Movement::Forward => "forward",
    };
    let precedence = match journey.precedence {
        playbook::Precedence::First => "first",
        playbook::Precedence::Last => "last",
    };
    let reentry = &journey.reentry;
    let policy = match reentry.policy {
        playbook::ReentryPolicy::Never => "never",
        playbook::ReentryPolicy::AfterLeaving => "after_leaving",
        playbook::ReentryPolicy::Always => "always",
    };
    let otherwise = match journey.migration.otherwise {
        playbook::MigrationRule::Keep => "keep",
        playbook::MigrationRule::Restart => "restart",
        playbook::MigrationRule::Derive => "derive",
    };
    let moved = journey.migration.stages.iter().map(|(old, new)| (&**old, name(new.as_ref())));
    let plans = journey.plan.iter().map(|plan| PlanOf {
        segment: name(plan.segment.as_ref()),
        stages: plan.cells.iter().map(|(stage, _)| text(stage)).collect(),
    });
    Journey {
        name: text(&journey.name),
        title: journey.title.as_deref(),
        movement,
        key: name(journey.key.as_ref()),
        at_most: journey.key.as_ref().map(|_| journey.at_most),
        exit: condition(journey.exit.as_ref()),
        max_stay: length(journey.max_stay),
        precedence,
        entry: journey.entry.as_ref().map(|entry| Way {
            on: texts(&entry.on),
            when: condition(entry.when.as_ref()),
            to: name(entry.to.as_ref()),
        }),
        reentry: Reentry {
            policy,
            after: length(reentry.after),
            at_most: reentry.at_most,
            count: if reentry.this_version { "version" } else { "all" },
        },
        migration: Migration { stages: moved.collect(), otherwise },
        plan: plans.collect(),
        stages: journey.stages.iter().map(stage).collect(),
        digest: &journey.digest,
    }
}

fn stage(stage: &playbook::Stage) -> Stage<'_> {
    let timeout = stage.timeout.as_ref().map(|timeout| Timer {
        after: Some(timeout.after.to_string()),
        at: time_of_day(timeout.at),
        until: Vec::new(),
        reset_on: texts(&timeout.reset_on),
        to: name(timeout.to.as_ref()),
    });
    let wait = stage.wait.as_ref().map(|wait| Timer {
        after: length(wait.length),
        at: time_of_day(wait.at),
        until: texts(&wait.until),
        reset_on: texts(&wait.reset_on),
        to: wait.to.as_ref().and_then(|to| name(to.as_ref())),
    });
    let max_stay = stage.max_stay.as_ref().map(|most| Timer {
        after: Some(most.after.to_string()),
        at: None,
        until: Vec::new(),
        reset_on: Vec::new(),
        to: name(most.to.as_ref()),
    });
    let branches = stage.branches.iter().map(|branch| Way {
        on: texts(&branch.on),
        when: condition(branch.when.as_ref()),
        to: name(branch.to.as_ref()),
    });
    Stage {
        name: text(&stage.name),
        title: stage.title.as_deref(),
        goal: stage.goal.as_deref(),
        no_data: stage.no_data.as_deref(),
        drop_out: stage.drop_out,
        last: stage.last,
        on: texts(&stage.on),
        enter: condition(stage.enter.as_ref()),
        from: texts(&stage.from),
        min_stay: length(stage.min_stay),
        timeout,
        wait,
        branches: branches.collect(),
        exit: stage.exit.as_ref().map(|exit| Way {
            on: texts(&exit.on),
            when: condition(exit.when.as_ref()),
            to: name(exit.to.as_ref()),
        }),
        max_stay,
        back: stage.back.as_ref().map(|back| Way { on: texts(&back.on), when: condition(back.when.as_ref()), to: None }),
        inner: stage.inner.as_ref().map(|inner| Inner {
            journey: text(&inner.journey),
            start: name(inner.start.as_ref()),
            ends: inner.ends.iter().map(|(end, to)| (text(end), name(to.as_ref()))).collect(),
        }),
        touchpoints: stage.touchpoints.iter().map(|own| &**own).collect(),
        marketing: stage.marketing.as_deref(),
    }
}

fn channel(channel: &playbook::Channel) -> Channel<'_> {
    let format = match channel.format {
        Format::Text => "text",
        Format::Html => "html",
        Format::Json => "json",
        Format::Sms => "sms",
        Format::Script => "script",
    };
    Channel { name: text(&channel.name), format }
}

fn offer(offer: &playbook::Offer) -> Offer<'_> {
    Offer {
        name: text(&offer.name),
        title: offer.title.as_deref(),
        purposes: texts(&offer.purposes),
        priority: offer.priority,
        placements: texts(&offer.placements),
        channels: offer.treatments.iter().map(|treatment| text(&treatment.channel)).collect(),
    }
}

fn placement(placement: &playbook::Placement) -> Placement<'_> {
    Placement {
        name: text(&placement.name),
        title: placement.title.as_deref(),
        channel: text(&placement.channel),
        slots: placement.slots,
        fallback: placement.fallback.as_ref().map(|fallback| &*fallback.message),
    }
}

fn contact(rule: &ContactRule) -> Contact<'_> {
    let scope = scope(&rule.scope);
    let names = |names: &[Name]| -> String {
        match names {
            names if names.len() >= OUTCOMES.len() => "any".to_owned(),
            names => names.iter().map(|name| &*name.text).collect::<Vec<_>>().join(", "),
        }
    };
    let many = |names: &str| format!("`{}`", names.replace(", ", "` or `"));
    let whom = told(&scope);
    let (mut count, mut cap, mut per, mut after, mut length) = (None, None, None, None, None);
    let (mut quiet, mut dates) = (None, None);
    let text = match &rule.demand {
        Demand::Cap { count: kinds, at_most, per: within } => {
            let (kinds, within) = (names(kinds), window(within));
            let most = match at_most {
                AtMost::Number(most) => most.to_string(),
                AtMost::Rule(rule) => format!("`{}`", rule.text),
            };
            let text = format!("at most {most} {} per {within}, counted for {whom}", many(&kinds));
            (count, cap, per) = (Some(kinds), at_most.number(), Some(within));
            text
        }
        Demand::Pause { after: kinds, times, within, pause } => {
            let kinds = names(kinds);
            let pause = pause.map_or_else(|| "forever".to_owned(), |pause| pause.to_string());
            let some =
                within.filter(|_| *times > 1).map_or_else(String::new, |within| format!(" {times} times within {within}"));
            let text = format!("a pause of {pause} after {}{some}, for {whom}", many(&kinds));
            (after, length) = (Some(kinds), Some(pause));
            text
        }
        Demand::Gap { between, gap } => format!("{gap} between any two {}, for {whom}", many(&names(between))),
        Demand::Quiet { hours, then } => {
            let of = |hours: &[(u16, u16)]| hours.iter().map(hours_of).collect::<Vec<_>>();
            let days = DAYS.into_iter().zip(&hours.days).filter(|(_, hours)| !hours.is_empty());
            quiet = Some(days.map(|(day, hours)| (day, of(hours))).collect());
            dates = Some(hours.dates.iter().map(|date| (date.to_string(), of(&date.hours))).collect::<BTreeMap<_, _>>())
                .filter(|dates| !dates.is_empty());
            format!("quiet hours for {whom}, then {}", then.name())
        }
        Demand::Fatigue(fatigue) => {
            format!("a budget of {} with a half-life of {}, for {whom}", fatigue.budget, fatigue.half_life)
        }
        Demand::While { when, .. } => format!("nothing while `{}`, for {whom}", when.text),
    };
    let text = match &rule.subject {
        Some(subject) => format!("{text} and all of the {}", subject.text),
        None => text,
    };
    Contact { name: &rule.name, text, scope, count, at_most: cap, per, after, pause: length, quiet, dates }
}

/// Quiet hours of a day, in minutes, as the playbook writes them.
fn hours_of((from, until): &(u16, u16)) -> String {
    let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    let ends = if *until > 24 * 60 { until - 24 * 60 } else { *until };
    format!("{}-{}", clock(*from), clock(ends))
}

fn journey_cap(cap: &playbook::JourneyCap) -> JourneyCap<'_> {
    let journeys = texts(&cap.journeys);
    let of = journeys.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let (text, at_once, at_most, per) = match &cap.limit {
        JourneyLimit::AtOnce(most) => (format!("in at most {most} of {of} at once"), Some(*most), None, None),
        JourneyLimit::Entries(most, per) => {
            let per = window(per);
            (format!("at most {most} entries per {per} into {of}"), None, Some(*most), Some(per))
        }
    };
    JourneyCap { name: &cap.name, text, journeys, at_once, at_most, per }
}

/// A scope as the playbook writes it.
fn scope(scope: &Scope) -> String {
    match scope {
        Scope::Offer => "offer".to_owned(),
        Scope::Group => "group".to_owned(),
        Scope::Item => "item".to_owned(),
        Scope::Placement => "placement".to_owned(),
        Scope::Channel => "channel".to_owned(),
        Scope::Everything => "everything".to_owned(),
        Scope::Only(part, names) => {
            let plural = if names.len() > 1 { "s" } else { "" };
            let names: Vec<&str> = names.iter().map(|name| &*name.text).collect();
            format!("{}{plural}({})", part.name(), names.join(", "))
        }
        Scope::All(scopes) => scopes.iter().map(self::scope).collect::<Vec<_>>().join(" & "),
    }
}

fn told(scope: &str) -> String {
    match scope {
        "offer" | "group" | "item" | "placement" | "channel" => format!("each {scope}"),
        "everything" => "everything together".to_owned(),
        list if list.contains(" & ") => list.split(" & ").map(told).collect::<Vec<_>>().join(" of "),
        only => only.to_owned(),
    }
}

fn window(window: &Window) -> String {
    match window {
        Window::Rolling(length) => format!("rolling {length}"),
        Window::Calendar(Unit::Day) => "day".to_owned(),
        Window::Calendar(Unit::Week { .. }) => "week".to_owned(),
        Window::Calendar(Unit::Month) => "month".to_owned(),
        Window::Days(days) => format!("days({days})"),
        Window::Blocks(blocks) => blocks.to_string(),
        Window::Session => "session".to_owned(),
        Window::Lifetime => "lifetime".to_owned(),
    }
}
