//! The shape of a playbook: every key, what it takes, what it means and what holds without it.

mod contact;
mod customers;
mod facts;
mod insight;
mod items;
mod journeys;
mod labels;
mod messages;
mod offers;
mod ranking;
mod reactions;

use crate::playbook::shape::Shape::{Either, Leaf as One, List, Names, Object as Obj};
use crate::playbook::shape::{Field, Leaf, Object, Shape};
use contact::{CONTACT, GROUP, JOURNEY_CAP};
use customers::{IDENTITY_LIMITS, LOCATIONS, NAMESPACE, RELATION, SESSIONS, STORE};
use facts::{ATTRIBUTE, COMPUTED, EVENT, INTAKE, OFFER_ATTRIBUTE, RENAMED, REQUEST, SEGMENT, SOURCE_NAME};
use insight::{NEED, PERSONA, PREFERENCE, PROBLEM, SEARCHES, UNUSUAL, WATCH};
use items::{CATALOG, SUGGESTION, TREND};
use journeys::{JOURNEY, TOUCHPOINT};
use labels::{DEPARTMENT, GUARD, PURPOSE};
use messages::{CHANNEL, PLACEMENT, VOICE};
use offers::{BUDGET, COMMITMENTS, DECISIONS, EXPERIMENT, FEEDBACK, OFFER};
use ranking::ARBITRATION;
use reactions::{FEEDBACK_RULE, REACTION};

/// The key by which JSON documents name their schema.
pub(super) const SCHEMA_KEY: &str = "$schema";

const fn may(key: &'static str, shape: Shape, default: &'static str, doc: &'static str) -> Field {
    Field { key, required: false, shape, doc, default }
}

const fn must(key: &'static str, shape: Shape, doc: &'static str) -> Field {
    Field { key, required: true, shape, doc, default: "" }
}

const TITLE: &str = "a name for people";

/// A name, or a list of names.
const fn one_or_more(names: &'static [Shape; 2]) -> Shape {
    Either(names)
}

static PURPOSE_NAME: Shape = One(Leaf::Reference("a purpose"));
static PURPOSES: [Shape; 2] = [One(Leaf::Reference("a purpose")), List(&PURPOSE_NAME)];
static PLACEMENT_NAME: Shape = One(Leaf::Reference("a placement"));
static PLACEMENTS: [Shape; 2] = [One(Leaf::Reference("a placement")), List(&PLACEMENT_NAME)];
static EVENT_NAME: Shape = One(Leaf::Reference("an event type"));
static EVENTS: [Shape; 2] = [One(Leaf::Reference("an event type")), List(&EVENT_NAME)];
static STAGE_NAME: Shape = One(Leaf::Reference("a stage"));
static STAGES: [Shape; 2] = [One(Leaf::Reference("a stage")), List(&STAGE_NAME)];
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// The whole document.
pub(super) static PLAYBOOK: Object = Object {
    name: "playbook",
    doc: "A playbook: what an organisation knows about its customers, where they stand, and what it may say to them.",
    marks: &[],
    fields: &[
        must("playbook", One(Leaf::Text), "the name of the playbook"),
        must("version", One(Leaf::Whole(0, i64::MAX)), "a whole number that counts up with every change"),
        may("title", One(Leaf::Text), "", TITLE),
        may(
            "time_zone",
            One(Leaf::Zone),
            "\"UTC\"",
            "the zone of calendar windows when the customer's own is unknown: an IANA name or `+02:00`",
        ),
        may("week_begins", One(Leaf::Word(&WEEKDAYS)), "\"monday\"", "the day on which calendar weeks begin"),
        may(
            "customer_zone",
            One(Leaf::Reference("an attribute")),
            "",
            "the attribute (of type string) that holds a customer's own time zone",
        ),
        may("sessions", Obj(&SESSIONS), "", "what a session is"),
        may("locations", Obj(&LOCATIONS), "", "how positions are read"),
        may("stores", Names(&Obj(&STORE)), "", "the stores; expressions read `store(\"<name>\")`"),
        may("identity", Names(&Obj(&NAMESPACE)), "", "namespaces of identifiers, in order of priority"),
        may("identity_limits", Obj(&IDENTITY_LIMITS), "", "the guard against customers that grow together without being one"),
        may("purposes", Names(&PURPOSE), "", "the purposes for which personal facts may be used"),
        may(
            "relations",
            Names(&Obj(&RELATION)),
            "",
            "how customers are related to each other, or to a household or account; expressions read `<name>.members` and more",
        ),
        may("departments", Names(&Obj(&DEPARTMENT)), "", "who may see what of a customer, for views of the customer"),
        may("minors", GUARD, "", "who is too young to be made offers; without it nobody is taken for a minor"),
        may("do_not_contact", GUARD, "", "who must not be contacted, beside those who said so themselves"),
        may("sources", List(&SOURCE_NAME), "[]", "who tells facts, the most trusted first; those not listed come last"),
        may("attributes", Names(&ATTRIBUTE), "", "the declared facts about a customer; expressions read `customer.<name>`"),
        may(
            "events",
            Names(&EVENT),
            "",
            "the declared event types with their properties; expressions read `events(\"<name>\")`",
        ),
        may("intake", Obj(&INTAKE), "", "what messages of other systems call things, such as those of Segment and CloudEvents"),
        may("request", Names(&REQUEST), "", "the facts that come with a question, by type; expressions read `request.<name>`"),
        may("computed", Names(&COMPUTED), "", "named values that several rules read; expressions read `computed.<name>`"),
        may("segments", Names(&SEGMENT), "", "named conditions; expressions read `segment(\"<name>\")`"),
        may("personas", Names(&Obj(&PERSONA)), "", "named types of customer; all priors together are at most 1"),
        may(
            "persona_threshold",
            One(Leaf::Number(0.0, 1.0)),
            "0.5",
            "the posterior from which on a customer is said to be of a persona, above 0 and below 1",
        ),
        may(
            "resolution",
            One(Leaf::Duration),
            "",
            "the grid, counted from 1970, at whose instants what fades with time is read anew; needed by every `half_life`",
        ),
        may("needs", Names(&Obj(&NEED)), "", "what customers need; expressions read `need(\"<name>\")`, the strength"),
        may("searches", Obj(&SEARCHES), "", "which events are searches"),
        may("problems", Names(&Obj(&PROBLEM)), "", "what customers search for, and the needs behind it"),
        may(
            "intents",
            Names(&Obj(&PERSONA)),
            "",
            "what customers are up to in the present session; expressions read `intent(\"<name>\")`; unknown without a session",
        ),
        may(
            "preferences",
            Names(&Obj(&PREFERENCE)),
            "",
            "what customers like and dislike; expressions read `preference(\"<name>\").liked` and more",
        ),
        may(
            "unusual",
            Names(&Obj(&UNUSUAL)),
            "",
            "what is unusual for a customer, by their own history; expressions read `unusual(\"<name>\")`",
        ),
        may("watches", Names(&WATCH), "", "facts whose changes are told as effects"),
        may("journeys", Names(&Obj(&JOURNEY)), "", "named paths of stages"),
        may("journey_caps", List(&JOURNEY_CAP), "", "how many journeys a customer is in, and how often one begins"),
        may("touchpoints", Names(&Obj(&TOUCHPOINT)), "", "where customers and brand meet, owned or not"),
        may("channels", Names(&CHANNEL), "", "the channels of messages"),
        may("arbitration", Obj(&ARBITRATION), "", "how offers are ranked where a placement does not say otherwise"),
        may(
            "offer_attributes",
            Names(&OFFER_ATTRIBUTE),
            "",
            "declared facts about offers, by type; rules of offers, formulas and messages read `offer.<name>`",
        ),
        may("offers", Names(&Obj(&OFFER)), "", "what can be shown"),
        may("groups", Names(&Obj(&GROUP)), "", "groups of offers, and what holds for all of one"),
        may("placements", Names(&Obj(&PLACEMENT)), "", "the slots that ask for offers"),
        may(
            "experiments",
            Names(&Obj(&EXPERIMENT)),
            "",
            "who gets which variant, and who is held out; expressions read `experiment(\"<name>\")`",
        ),
        may("contact", List(&CONTACT), "", "the contact policy: caps, pauses, gaps, quiet hours, fatigue and restraint"),
        may("feedback", Names(&Obj(&FEEDBACK_RULE)), "", "what customers say of the organisation, and what follows"),
        may("reactions", Names(&Obj(&REACTION)), "", "rules that push: on a trigger an effect proposes a decision"),
        may("budgets", Names(&Obj(&BUDGET)), "", "money that offers may cost, all customers together or each"),
        may("decisions", Obj(&DECISIONS), "", "how long decisions and reservations hold"),
        may("outcomes", Obj(&FEEDBACK), "", "what follows from the outcomes of decisions"),
        may("commitments", Obj(&COMMITMENTS), "", "what follows from offers that were accepted"),
        may("trends", Names(&Obj(&TREND)), "", "what is counted over many customers"),
        may("voice", Obj(&VOICE), "", "how the brand speaks: language, form of address and appeal, greetings"),
        may(
            "snippets",
            Names(&One(Leaf::Text)),
            "",
            "pieces of templates; a message takes one in with `{% include \"<name>\" %}`",
        ),
        may("catalog", Obj(&CATALOG), "", "what there is to suggest: what items are like, and which events are about them"),
        may("suggestions", Names(&Obj(&SUGGESTION)), "", "ways to choose items of the catalog for a customer"),
        may("renamed", Obj(&RENAMED), "", "names that earlier versions had, so that the stories of customers carry over"),
        may(SCHEMA_KEY, One(Leaf::Text), "", "where an editor finds the JSON Schema; not part of the playbook"),
    ],
};

static SEGMENT_NAME: Shape = One(Leaf::Reference("a segment"));
static SEGMENT_NAMES: [Shape; 2] = [One(Leaf::Reference("a segment")), List(&SEGMENT_NAME)];
static ATTRIBUTE_NAME: Shape = One(Leaf::Reference("an attribute"));
const PROPERTY_NAME: Shape = One(Leaf::Reference("a property"));
const GATE: Shape = Either(&[One(Leaf::Rule), Obj(&GATE_OBJECT)]);

static GATE_OBJECT: Object = Object {
    name: "condition",
    doc: "A condition that permits.",
    marks: &[],
    fields: &[
        must("when", One(Leaf::Rule), "the condition"),
        may("when_unknown", One(Leaf::Bool), "false", "what the permission counts as when it is unknown"),
    ],
};

static OFFER_NAME: Shape = One(Leaf::Reference("an offer"));
static OFFERS: [Shape; 2] = [One(Leaf::Reference("an offer")), List(&OFFER_NAME)];
