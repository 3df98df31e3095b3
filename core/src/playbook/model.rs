//! The playbook as plain data: what the loader fills and the engine compiles. Names are in the order of the documents.

use super::assurance::Assurance;
use super::labels::{Category, DataKind, Department, Guard, Labels, LegalBasis};
use super::needs::{Need, Problem, Searches};
use super::predict::Predict;
use super::preferences::{Preference, Unusual, Watch};
use super::questions::AnswerEvent;
use super::relations::Relation;
use super::touchpoints::{Plan, Touchpoint};
use super::ways::{Branch, Inner, JourneyEntry, MaxStay, Migration, Precedence, Reentry, Return, StageExit, Wait};
use crate::error::Place;
use crate::value::{Decimal, Duration, Type, Value, Zone};
use std::sync::Arc;

/// A text out of a document, with the places of its characters; the source of a rule or of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The text itself.
    pub text: Arc<str>,
    /// Where it begins.
    pub place: Place,
    /// Where in the playbook's structure, such as `segments.loyal`.
    pub path: Arc<str>,
    /// Runs: (byte offset in `text`, line, column, source line), ascending, the first at offset 0. From there to the next
    /// one, one character of the text is one column of that line. A run begins with each line and after each escape. Empty
    /// when the whole text stands as it is on the line of `place`.
    pub lines: Vec<(u32, u32, u32, Arc<str>)>,
}

impl Text {
    /// The place of the `length` characters from a byte of the text on; for a byte beyond the text its end. Linear in the
    /// length of the line.
    #[must_use]
    pub fn place_of(&self, byte: usize, length: u32) -> Place {
        let run = self.lines.partition_point(|line| line.0 as usize <= byte).checked_sub(1).and_then(|run| self.lines.get(run));
        let (start, line, column, source) = match run {
            Some((start, line, column, source)) => (*start as usize, *line, *column, source),
            None => (0, self.place.line, self.place.column, &self.place.source),
        };
        let before =
            self.text.char_indices().map(|(at, _)| at).skip_while(|at| *at < start).take_while(|at| *at < byte).count();
        Place {
            document: self.place.document.clone(),
            line,
            column: column.saturating_add(u32::try_from(before).unwrap_or(u32::MAX)),
            length: length.max(1),
            source: source.clone(),
        }
    }
}

/// A name that was declared or used, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The name.
    pub text: Arc<str>,
    /// Where it stands.
    pub place: Place,
}

/// A whole playbook.
#[derive(Debug, Clone, PartialEq)]
pub struct Playbook {
    /// `playbook`: its name.
    pub name: Name,
    /// `version`: counts up.
    pub version: u64,
    /// `title`: for people.
    pub title: Option<Arc<str>>,
    /// `time_zone`: of calendar windows when the customer's own is unknown; UTC when not declared.
    pub time_zone: Zone,
    /// `week_begins`: the first day of the week; Monday when not declared.
    pub week_begins: chrono::Weekday,
    /// `customer_zone`: the attribute (text) that holds a customer's own time zone.
    pub customer_zone: Option<Name>,
    /// `sessions.gap`: the longest pause inside one session; 30 minutes when not declared.
    pub session_gap: Duration,
    /// `sessions`: what else a session is.
    pub sessions: super::Sessions,
    /// `locations.ttl`: how long a position is known; for ever when not declared.
    pub position_ttl: Option<Duration>,
    /// `stores`.
    pub stores: Vec<super::Store>,
    /// `identity`: namespaces in order of priority.
    pub namespaces: Vec<Namespace>,
    /// `identity_limits`.
    pub identity_limits: IdentityLimits,
    /// `purposes`.
    pub purposes: Vec<Purpose>,
    /// `relations`, in order.
    pub relations: Vec<Relation>,
    /// `departments`.
    pub departments: Vec<Department>,
    /// `minors`: who is too young to be made offers.
    pub minors: Option<Guard>,
    /// `do_not_contact`: who must not be contacted.
    pub do_not_contact: Option<Guard>,
    /// `sources`: who tells facts, the most trusted first.
    pub sources: Vec<Name>,
    /// `attributes`.
    pub attributes: Vec<Attribute>,
    /// `events`.
    pub events: Vec<EventType>,
    /// `intake`: how messages of other systems name what is declared here.
    pub intake: super::Intake,
    /// `request`: facts that come with a question.
    pub request: Vec<RequestFact>,
    /// `computed`.
    pub computed: Vec<Computed>,
    /// `segments`.
    pub segments: Vec<Segment>,
    /// `personas`.
    pub personas: Vec<Persona>,
    /// `resolution`: the grid of instants at which what fades with time is read anew.
    pub resolution: Option<Duration>,
    /// `needs`.
    pub needs: Vec<Need>,
    /// `problems`.
    pub problems: Vec<Problem>,
    /// `searches`.
    pub searches: Option<Searches>,
    /// `intents`: what customers are up to in the present session; told apart like personas.
    pub intents: Vec<Persona>,
    /// `preferences`.
    pub preferences: Vec<Preference>,
    /// `unusual`.
    pub unusual: Vec<Unusual>,
    /// `watches`.
    pub watches: Vec<Watch>,
    /// `persona_threshold`: the posterior from which on a customer is said to be of a persona; 0.5 when not declared.
    pub persona_threshold: f64,
    /// `journeys`.
    pub journeys: Vec<Journey>,
    /// `touchpoints`.
    pub touchpoints: Vec<Touchpoint>,
    /// `channels`.
    pub channels: Vec<Channel>,
    /// `arbitration`: how offers are ranked where a placement does not say otherwise.
    pub arbitration: super::Arbitration,
    /// `offers`.
    pub offers: Vec<Offer>,
    /// `groups`.
    pub groups: Vec<super::Group>,
    /// `placements`.
    pub placements: Vec<Placement>,
    /// `experiments`.
    pub experiments: Vec<super::Experiment>,
    /// `journey_caps`: how many journeys a customer is in, and how often one begins.
    pub journey_caps: Vec<super::JourneyCap>,
    /// `contact`: caps, pauses, gaps, quiet hours, fatigue and restraint.
    pub contact: Vec<super::ContactRule>,
    /// `feedback`: what customers say of the organisation.
    pub feedback: Vec<super::Feedback>,
    /// `reactions`: what pushes.
    pub reactions: Vec<super::Reaction>,
    /// `offer_attributes`: what is declared of offers beside what all offers have.
    pub offer_attributes: Vec<super::OfferAttribute>,
    /// `budgets`.
    pub budgets: Vec<super::Budget>,
    /// `decisions`: how long decisions and reservations hold.
    pub decisions: super::Decisions,
    /// `outcomes`: what follows from them.
    pub outcomes: super::Outcomes,
    /// `commitments.hold`: the purposes that are held while something promised is overdue; empty for all.
    pub held: Vec<Name>,
    /// `trends`: what is counted over many customers.
    pub trends: Vec<Trend>,
    /// How the brand speaks.
    pub voice: Option<super::Voice>,
    /// Pieces that messages may include.
    pub snippets: Vec<(Name, Text)>,
    /// What there is to suggest.
    pub catalog: Option<super::CatalogSection>,
    /// Ways to choose items.
    pub suggestions: Vec<super::Suggestion>,
    /// `renamed`: names that earlier versions had.
    pub renamed: Vec<Renamed>,
    /// SHA-256 over the canonical form of the merged documents (comments, layout and file names do not count) and the
    /// version of the tables in use; 64 hexadecimal digits.
    pub digest: Arc<str>,
}

/// What is counted over many customers.
#[derive(Debug, Clone, PartialEq)]
pub struct Trend {
    /// Its name.
    pub name: Name,
    /// `count`: an event type, an outcome, `stage_entered` or `segment_entered`.
    pub count: Name,
    /// `by`: the dimensions, in order.
    pub by: Vec<Name>,
    /// `sum`: a property that is summed up as well.
    pub sum: Option<Name>,
    /// `histogram`: a property whose distribution is kept.
    pub histogram: Option<Name>,
    /// `half_life`: after which a count is worth half; `None` for never.
    pub half_life: Option<Duration>,
    /// `epoch`: the span of time that is counted together.
    pub epoch: Duration,
    /// `k`: how many customers an answer is about at least.
    pub k: u32,
}

/// A name that an earlier version had.
#[derive(Debug, Clone, PartialEq)]
pub struct Renamed {
    /// What is called otherwise now.
    pub what: RenamedKind,
    /// The old name.
    pub old: Arc<str>,
    /// The declared name.
    pub new: Name,
}

/// What can be called otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RenamedKind {
    /// An event type.
    Event,
    /// An attribute.
    Attribute,
    /// A property of an event type.
    Property {
        /// The event type's declared name.
        event: Arc<str>,
    },
}

/// A namespace of identifiers.
#[derive(Debug, Clone, PartialEq)]
pub struct Namespace {
    /// Its name, the part of an identifier before the first colon.
    pub name: Name,
    /// `anonymous`: identifiers of this namespace (cookies, devices) are counted but not addressed, and a link through one never
    /// joins two customers of whom both are identified.
    pub anonymous: bool,
    /// What may be done with its identifiers.
    pub labels: Labels,
    /// `shared`: identifiers of this namespace (a terminal, a family's tablet) stand for several people and join nobody.
    pub shared: bool,
    /// `unique`: a customer has at most one identifier of this namespace; two with different ones are never joined.
    pub unique: bool,
    /// `limit`: how many identifiers of this namespace a customer has at most; `None` for any number.
    pub limit: Option<u32>,
    /// `guard`: with how many identifiers that are not anonymous one of this namespace may be linked before it counts as shared.
    pub guard: u32,
    /// `normalize`.
    pub normalize: Normalize,
    /// `never`: values that are nobody's, in normalised form.
    pub never: Vec<Never>,
}

/// How the values of a namespace are brought into one form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Normalize {
    /// As they are told.
    None,
    /// `trim`: without blanks around.
    Trim,
    /// `lower`: trimmed, in lower case.
    Lower,
    /// `email`: trimmed, in lower case; must have the form of an address.
    Email,
    /// `phone`: E.164; a number without a country belongs to the region, a code of ISO 3166 with two letters.
    Phone {
        /// `region`, such as `DE`; without one only numbers with a country are read.
        region: Option<Arc<str>>,
    },
}

/// A value, or a pattern of values, that is nobody's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Never {
    /// This value.
    Value(Arc<str>),
    /// Values of this form: a regular expression for the whole value. Written with `*` for any text, or between slashes.
    Pattern(Arc<str>),
}

/// `identity_limits`: the guard against customers that grow together without being one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IdentityLimits {
    /// `identifiers`: how many a customer has at most; an identifier linked with more than that joins nobody.
    pub identifiers: u32,
    /// `confidence`: below it a probabilistic link does not join.
    pub confidence: f64,
}

impl Default for IdentityLimits {
    fn default() -> Self {
        IdentityLimits { identifiers: 1_000, confidence: 0.8 }
    }
}

/// A purpose for which personal facts may be used.
#[derive(Debug, Clone, PartialEq)]
pub struct Purpose {
    /// Its name.
    pub name: Name,
    /// `title`.
    pub title: Option<Arc<str>>,
    /// `default`: what holds for a customer who said nothing.
    pub default: ConsentDefault,
    /// `basis`: why it is lawful.
    pub basis: LegalBasis,
    /// `expires_after`: how long a consent lasts that does not say so itself.
    pub expires_after: Option<Duration>,
}

/// What holds for a customer who said nothing about a purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsentDefault {
    /// `opt_in`: not permitted until consent is given.
    OptIn,
    /// `opt_out`: permitted until consent is withdrawn.
    OptOut,
}

/// A declared attribute of customers.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribute {
    /// Its name; expressions read `customer.<name>`.
    pub name: Name,
    /// `title`.
    pub title: Option<Arc<str>>,
    /// `type`.
    pub ty: Type,
    /// `default`: readable when nothing was told.
    pub default: Option<Value>,
    /// `origin`.
    pub origin: Origin,
    /// `sensitivity`.
    pub sensitivity: Sensitivity,
    /// `purposes`: for which it may be used; `None` when not restricted.
    pub purposes: Option<Vec<Name>>,
    /// `reveal`: whether messages and explanations for the customer may show it although it is inferred or special.
    pub reveal: bool,
    /// `kind`: which kind of data it is.
    pub kind: Option<DataKind>,
    /// `assurance`: how sure a request has to be who is there for it to be read; anonymous when nothing is asked for.
    pub assurance: Assurance,
    /// `ttl`: how long a told value is known.
    pub ttl: Option<Duration>,
    /// `retired`: nothing tells it any more.
    pub retired: bool,
    /// `sources`: who is believed first; those of the playbook when not declared.
    pub sources: Vec<Arc<str>>,
    /// `resolve`: by what one of several facts is chosen, the first that tells them apart; the latest when not declared.
    pub resolve: Vec<Criterion>,
    /// Event types of the host that are answers of the customer to a question about it, as offers declare in `question.answer`.
    pub answers: Vec<AnswerEvent>,
}

/// By what one of several facts about an attribute is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Criterion {
    /// `source`: the source that is declared earlier; those that are not declared come last.
    Source,
    /// `origin`: stated, then observed, inferred, third party.
    Origin,
    /// `confidence`: the surer one.
    Confidence,
    /// `latest`: the one told later.
    Latest,
    /// `earliest`: the one told earlier.
    Earliest,
}

impl Criterion {
    /// Its name in playbooks and answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Criterion::Source => "source",
            Criterion::Origin => "origin",
            Criterion::Confidence => "confidence",
            Criterion::Latest => "latest",
            Criterion::Earliest => "earliest",
        }
    }

    /// The criterion of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Criterion::Source, Criterion::Origin, Criterion::Confidence, Criterion::Latest, Criterion::Earliest]
            .into_iter()
            .find(|criterion| criterion.name() == name)
    }
}

/// How a fact came to be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The customer said it.
    Stated,
    /// It was seen.
    Observed,
    /// It was concluded from something else.
    Inferred,
    /// Somebody else said it.
    ThirdParty,
}

impl Origin {
    /// All of them, the most direct first.
    pub const ALL: [Origin; 4] = [Origin::Stated, Origin::Observed, Origin::Inferred, Origin::ThirdParty];

    /// Its name in playbooks, events and answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Origin::Stated => "stated",
            Origin::Observed => "observed",
            Origin::Inferred => "inferred",
            Origin::ThirdParty => "third_party",
        }
    }

    /// The origin of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|origin| origin.name() == name)
    }
}

/// How careful one has to be with a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sensitivity {
    /// Anybody may know it.
    Public,
    /// About a person.
    Personal,
    /// Of a special category (health, belief, origin …).
    Special,
}

/// A declared event type.
#[derive(Debug, Clone, PartialEq)]
pub struct EventType {
    /// Its name.
    pub name: Name,
    /// `title`.
    pub title: Option<Arc<str>>,
    /// `properties`, in order.
    pub properties: Vec<Property>,
    /// What may be done with events of this type.
    pub labels: Labels,
    /// `kind`: which kind of data it is.
    pub kind: Option<DataKind>,
    /// `assurance`: how sure a request has to be who is there for its events to be read; anonymous when nothing is asked for.
    pub assurance: Assurance,
    /// `retention`: how long its events are kept; `None` for ever.
    pub retention: Option<Duration>,
}

/// A property of an event type.
#[derive(Debug, Clone, PartialEq)]
pub struct Property {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: Type,
    /// `required`: an event without it is refused.
    pub required: bool,
    /// What may be done with it, beside what holds for the event type.
    pub labels: Labels,
    /// `categories`: values that need more care than the others.
    pub categories: Vec<Category>,
}

/// A fact that comes with a question; expressions read `request.<name>`.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestFact {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: Type,
    /// `retired`: nothing tells it any more.
    pub retired: bool,
}

/// A named value.
#[derive(Debug, Clone, PartialEq)]
pub struct Computed {
    /// Its name; expressions read `computed.<name>`.
    pub name: Name,
    /// `title`.
    pub title: Option<Arc<str>>,
    /// `value`, or what a table comes to.
    pub value: Text,
    /// The cells of a table: conditions, and what rows give.
    pub cells: Vec<(Text, TableCell)>,
}

/// What a cell of a decision table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableCell {
    /// `when`.
    When,
    /// `give`.
    Give,
}

/// A named condition.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Its name; expressions read `segment("<name>")`.
    pub name: Name,
    /// `title`.
    pub title: Option<Arc<str>>,
    /// `when`.
    pub when: Text,
    /// What may be done with the membership, beside what holds for what it reads.
    pub labels: Labels,
}

/// A named type of customer.
#[derive(Debug, Clone, PartialEq)]
pub struct Persona {
    /// Its name; expressions read `persona("<name>")`, the posterior.
    pub name: Name,
    /// `title`.
    pub title: Option<Arc<str>>,
    /// `prior`: above 0 and below 1; all priors together at most 1, the rest is "none of these".
    pub prior: f64,
    /// `evidence`.
    pub evidence: Vec<Evidence>,
    /// What may be done with the posterior, beside what holds for what it reads.
    pub labels: Labels,
}

/// What speaks for or against a persona.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// `when`: a condition.
    pub when: Text,
    /// `odds`: the factor on the odds when the condition is true; above 0.
    pub odds: f64,
    /// `otherwise`: the factor when it is false; 1 when not declared.
    pub otherwise: f64,
    /// `half_life`: after which time since the last event that the condition found the odds count half, on the scale of logarithms.
    pub half_life: Option<Duration>,
}

/// A journey: stages and how customers move between them.
#[derive(Debug, Clone, PartialEq)]
pub struct Journey {
    /// Its name; expressions read `journey("<name>").stage` and `.since`.
    pub name: Name,
    /// `title`.
    pub title: Option<Arc<str>>,
    /// `priority`: which of several journeys begins at an instant where a cap leaves room for fewer, larger first; 0 when not declared.
    pub priority: i64,
    /// `movement`.
    pub movement: Movement,
    /// `stages`, in order; of several that could be entered at one instant the later declared is.
    pub stages: Vec<Stage>,
    /// `exit`: leaves the journey at once, whatever the stage.
    pub exit: Option<Text>,
    /// `exit.when_unknown`: whether an exit condition that is unknown counts as true; it does when not declared.
    pub exit_unknown: bool,
    /// `key`: the property of events that tells instances apart, such as `order_id`.
    pub key: Option<Name>,
    /// `at_most`: how many instances of a customer may be open at once, and how many that ended are remembered.
    pub at_most: usize,
    /// `entry`.
    pub entry: Option<JourneyEntry>,
    /// `reentry`.
    pub reentry: Reentry,
    /// `max_stay`: the longest time in the journey; whoever is in then is out.
    pub max_stay: Option<Duration>,
    /// `precedence`.
    pub precedence: Precedence,
    /// `plan`: what is planned by segment and stage, in order.
    pub plan: Vec<Plan>,
    /// `predict`: what is looked at for what comes next.
    pub predict: Predict,
    /// `migration`.
    pub migration: Migration,
    /// SHA-256 over what the journey says of how customers move: equal for equal rules.
    pub digest: Arc<str>,
    /// What may be done with the stage, beside what holds for what it reads.
    pub labels: Labels,
}

/// Which ways customers may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Movement {
    /// From any stage to any other.
    Free,
    /// Only to a stage declared later, except by time-out.
    Forward,
}

/// A stage of a journey.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// Its name.
    pub name: Name,
    /// `title`.
    pub title: Option<Arc<str>>,
    /// `goal`: what the stage is for, in words.
    pub goal: Option<Arc<str>>,
    /// `on`: entered when an event of one of these types happens (and `enter`, if declared, is true).
    pub on: Vec<Name>,
    /// `enter`: without `on`, entered when this becomes true.
    pub enter: Option<Text>,
    /// `from`: only from these stages; `none` stands for not being in the journey. Empty for any.
    pub from: Vec<Name>,
    /// `min_stay`: no other stage is entered before.
    pub min_stay: Option<Duration>,
    /// `timeout`.
    pub timeout: Option<Timeout>,
    /// `exit`.
    pub exit: Option<StageExit>,
    /// `wait`.
    pub wait: Option<Wait>,
    /// `branches`, in order.
    pub branches: Vec<Branch>,
    /// `max_stay`.
    pub max_stay: Option<MaxStay>,
    /// `return`.
    pub back: Option<Return>,
    /// `final`: the journey ends here; whoever is here is no longer in it, and may come in again.
    pub last: bool,
    /// `inner`.
    pub inner: Option<Inner>,
    /// `touchpoints`: where customers and brand typically meet, for people.
    pub touchpoints: Vec<Arc<str>>,
    /// `marketing`: what marketing can do here, for people.
    pub marketing: Option<Arc<str>>,
    /// `drop_out`: customers here count as lost.
    pub drop_out: bool,
    /// `long_stay`: whether it is good that customers stay here for long.
    pub long_stay_good: bool,
    /// `no_data`: why nothing can be observed here; such a stage has no way in.
    pub no_data: Option<Arc<str>>,
}

/// Leaving a stage because nothing happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeout {
    /// `after`: how long after entering, or after the last event of `reset_on`.
    pub after: Duration,
    /// `at`: and until this time of day in the customer's zone comes.
    pub at: Option<chrono::NaiveTime>,
    /// `to`: the stage entered then; `None` for outside.
    pub to: Option<Name>,
    /// `reset_on`: events of these types start the time anew.
    pub reset_on: Vec<Name>,
}

/// A channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Channel {
    /// Its name.
    pub name: Name,
    /// `format`: how values are escaped in its messages.
    pub format: Format,
    /// `contact`: whether showing something here is contacting the customer.
    pub contact: bool,
    /// `segments`: how many segments a message of format `sms` may take.
    pub segments: u32,
}

/// The format of a channel's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `text`: as it is.
    Text,
    /// `html`: values are escaped for HTML.
    Html,
    /// `json`: values are written as JSON.
    Json,
    /// `sms`: text that is counted in segments.
    Sms,
    /// `script`: what somebody says to the customer, and why.
    Script,
}

/// Something that can be shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    /// Its name.
    pub name: Name,
    /// `title`.
    pub title: Option<Arc<str>>,
    /// `purposes`: all of them must be permitted.
    pub purposes: Vec<Name>,
    /// `placements`: where it may be shown; empty for anywhere.
    pub placements: Vec<Name>,
    /// `reads`: the kinds of data that may be read to choose it; `None` for any.
    pub reads: Option<Vec<DataKind>>,
    /// `assurance`: how sure a request has to be who is there; anonymous when nothing is asked for.
    pub assurance: Assurance,
    /// `minors`: whether it is made to minors too.
    pub minors: bool,
    /// `group`.
    pub group: Option<Name>,
    /// `owner`.
    pub owner: Option<super::Owner>,
    /// `tags`.
    pub tags: Vec<Name>,
    /// `where`, as a condition.
    pub area: Option<Text>,
    /// `transactional`: whether the customer waits for it.
    pub transactional: bool,
    /// `obeys`: which contact rules hold it back.
    pub obeys: Option<super::Switch>,
    /// `counts`: which contact rules count it.
    pub counts: Option<super::Switch>,
    /// `from`: the first instant of validity, as CEL writes it.
    pub valid_from: Option<crate::value::Timestamp>,
    /// `until`: the first instant after its validity.
    pub valid_until: Option<crate::value::Timestamp>,
    /// `eligible`: whether the customer may have it at all.
    pub eligible: Option<Text>,
    /// `applicable`: whether it makes sense for the customer now.
    pub applicable: Option<Text>,
    /// `suitable`: whether it is good for the customer.
    pub suitable: Option<Text>,
    /// `when_unknown` of `eligible`, `applicable` and `suitable`: what they count as when they are unknown.
    pub when_unknown: [bool; 3],
    /// `propensity`, `context`, `value` and `lever`: the factors of the score, in this order.
    pub factors: [Option<Factor>; 4],
    /// `priority`: breaks ties of the score, larger first; 0 when not declared.
    pub priority: i64,
    /// `category`: for diversity.
    pub category: Option<Arc<str>>,
    /// `dimension`: `content`, `commerce`, `community` or `convenience`.
    pub dimension: Option<Arc<str>>,
    /// `incentive`: what it gives the customer, such as `discount`.
    pub incentive: Option<Arc<str>>,
    /// `mandatory`: whether it comes before all others wherever it passes the gates.
    pub mandatory: bool,
    /// `margin`: what is earned when it is taken, in parts of [`PARTS`](super::PARTS).
    pub margin: Option<u64>,
    /// `treatments`, by channel.
    pub treatments: Vec<Treatment>,
    /// `inventory`: how many there are of it.
    pub inventory: Vec<super::Stock>,
    /// `cost`: what it costs once.
    pub cost: Option<Decimal>,
    /// `terms`: what is promised with it.
    pub terms: Vec<(Name, Text)>,
    /// `commitment`: what follows when it is accepted.
    pub commitment: Option<super::Commitment>,
    /// `despite_overdue`: whether it is made although something promised is overdue.
    pub despite_overdue: bool,
    /// The items that it carries.
    pub items: Option<super::OfferItems>,
    /// `question`: what it asks.
    pub question: Option<super::Question>,
    /// `attributes`, with those of its group.
    pub attributes: Vec<(Name, Value)>,
}

/// A factor of an offer's score.
#[derive(Debug, Clone, PartialEq)]
pub struct Factor {
    /// Where the number comes from.
    pub source: FactorSource,
    /// `prior`: what counts when the number is unknown.
    pub prior: Option<f64>,
}

impl Factor {
    /// The number, when it is the same for everybody.
    #[must_use]
    pub fn constant(&self) -> Option<f64> {
        match &self.source {
            FactorSource::Rule(text) => text.text.trim().parse::<f64>().ok().filter(|number| number.is_finite()),
            FactorSource::Column(_) | FactorSource::Learned(_) | FactorSource::Weights(_) => None,
        }
    }
}

/// Where a factor of a score comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum FactorSource {
    /// An expression that gives a number.
    Rule(Text),
    /// `column`: numbers that come with the request, by offer.
    Column(Arc<str>),
    /// `learned`: a rate of outcomes.
    Learned(super::Learned),
    /// `weights`: conditions, each with what it adds in hundredths when it is true.
    Weights(Vec<(Text, f64)>),
}

/// The form of an offer for a channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Treatment {
    /// The channel.
    pub channel: Name,
    /// `message`: its wordings, each a template; `{{ name }}` stands for a value of `with`.
    pub variants: Vec<super::Variant>,
    /// `with`: the values that the message may show.
    pub with: Vec<Shown>,
    /// `assurance`: how sure a request has to be who is there; anonymous when nothing is asked for.
    pub assurance: Assurance,
    /// `obeys`: which contact rules hold it back; as the offer when not declared.
    pub obeys: Option<super::Switch>,
    /// `counts`: which contact rules count it; as the offer when not declared.
    pub counts: Option<super::Switch>,
}

/// A value that a message may show.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// Its name in the template.
    pub name: Name,
    /// `value`: an expression.
    pub value: Text,
    /// `missing`: what is shown when the value is unknown; without it the offer drops out then.
    pub missing: Option<Arc<str>>,
}

/// A slot at a touchpoint that asks for offers.
#[derive(Debug, Clone, PartialEq)]
pub struct Placement {
    /// Its name.
    pub name: Name,
    /// `title`.
    pub title: Option<Arc<str>>,
    /// `channel`.
    pub channel: Name,
    /// `slots`: how many offers it takes, 1 to 100.
    pub slots: u32,
    /// `purposes`: all of them must be permitted before anything is chosen for a customer.
    pub purposes: Vec<Name>,
    /// `reads`: the kinds of data that may be read to choose; `None` for any.
    pub reads: Option<Vec<DataKind>>,
    /// `assurance`: how sure a request has to be who is there; anonymous when nothing is asked for.
    pub assurance: Assurance,
    /// `fallback`: what is shown when no offer is left; silence when not declared.
    pub fallback: Option<Fallback>,
    /// `arbitration`: how its offers are ranked; as the playbook says when not declared.
    pub arbitration: Option<super::Arbitration>,
    /// `repeats`: whether it may show what another placement of the same request shows.
    pub repeats: bool,
    /// `diversity`.
    pub diversity: Vec<super::Diversity>,
}

/// What a placement shows when no offer is left.
#[derive(Debug, Clone, PartialEq)]
pub struct Fallback {
    /// `message`: the text, or the first of its wordings.
    pub message: Arc<str>,
    /// The templates, when it is not the same for everybody.
    pub treatment: Option<Treatment>,
    /// `purposes`: all of them must be permitted.
    pub purposes: Vec<Name>,
    /// `from`: the first instant of validity.
    pub valid_from: Option<crate::value::Timestamp>,
    /// `until`: the first instant after its validity.
    pub valid_until: Option<crate::value::Timestamp>,
}
