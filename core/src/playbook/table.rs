//! The shape of a playbook: every key, what it takes, what it means and what holds without it.

use super::arbitration::{INCENTIVES, SIDES};
use super::labels::DataKind;
use super::preferences::UnusualTest;
use super::reserved::OUTCOMES;
use super::shape::Shape::{Either, Leaf as One, List, Names, Object as Obj};
use super::shape::{Field, Leaf, Object, Shape};
use super::table_contact::{CONTACT, COUNTS, GROUP, OBEYS, OWNER, TAGS, WHERE};
use super::table_reactions::{FEEDBACK_RULE, QUESTION, REACTION};

/// The key by which JSON documents name their schema.
pub(super) const SCHEMA_KEY: &str = "$schema";

pub(super) const fn may(key: &'static str, shape: Shape, default: &'static str, doc: &'static str) -> Field {
    Field { key, required: false, shape, doc, default }
}

pub(super) const fn must(key: &'static str, shape: Shape, doc: &'static str) -> Field {
    Field { key, required: true, shape, doc, default: "" }
}

pub(super) const TITLE: &str = "a name for people";

/// A name, or a list of names.
pub(super) const fn one_or_more(names: &'static [Shape; 2]) -> Shape {
    Either(names)
}

static PURPOSE_NAME: Shape = One(Leaf::Reference("a purpose"));
pub(super) static PURPOSES: [Shape; 2] = [One(Leaf::Reference("a purpose")), List(&PURPOSE_NAME)];
static PLACEMENT_NAME: Shape = One(Leaf::Reference("a placement"));
static PLACEMENTS: [Shape; 2] = [One(Leaf::Reference("a placement")), List(&PLACEMENT_NAME)];
static EVENT_NAME: Shape = One(Leaf::Reference("an event type"));
pub(super) static EVENTS: [Shape; 2] = [One(Leaf::Reference("an event type")), List(&EVENT_NAME)];
static STAGE_NAME: Shape = One(Leaf::Reference("a stage"));
static STAGES: [Shape; 2] = [One(Leaf::Reference("a stage")), List(&STAGE_NAME)];
static ENUM_NAME: Shape = One(Leaf::Text);
static SOURCE_NAME: Shape = One(Leaf::Text);
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const CRITERION: Leaf = Leaf::Word(&["source", "origin", "confidence", "latest", "earliest"]);
static CRITERION_NAME: Shape = One(CRITERION);
static CRITERIA: [Shape; 2] = [One(CRITERION), List(&CRITERION_NAME)];

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
        may("touchpoints", Names(&Obj(&TOUCHPOINT)), "", "where customers and brand meet, owned or not"),
        may("channels", Names(&CHANNEL), "", "the channels of messages"),
        may("arbitration", Obj(&ARBITRATION), "", "how offers are ranked where a placement does not say otherwise"),
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

static DIMENSION: Shape = One(Leaf::Reference("a dimension"));
static DIMENSIONS: [Shape; 2] = [One(Leaf::Reference("a dimension")), List(&DIMENSION)];
static TREND: Object = Object {
    name: "trend",
    doc: "What is counted over many customers.",
    marks: &[],
    fields: &[
        must(
            "count",
            One(Leaf::Reference("an event type")),
            "an event type, an outcome, `outcome` (any of them), `feedback` (any that is declared), `stage_entered` or `segment_entered`",
        ),
        may(
            "by",
            one_or_more(&DIMENSIONS),
            "",
            "dimensions: properties of the event (text, bool, int), `channel`, `segment` (those the customer was in then); of an outcome `offer`, `treatment` (offer and channel) and `placement` too; of `outcome` `outcome`, which one, too; of `feedback` `feedback` (its name), `sentiment`, `topic` and `region`; of `stage_entered` `journey` and `stage`",
        ),
        may("sum", PROPERTY_NAME, "", "a numeric property of the event that is summed up as well"),
        may(
            "histogram",
            PROPERTY_NAME,
            "",
            "a numeric property of the event whose distribution is kept, in logarithmic buckets",
        ),
        may("half_life", One(Leaf::Duration), "", "after this time a count is worth half; without it counts keep their worth"),
        may(
            "epoch",
            One(Leaf::Duration),
            "\"1d\"",
            "the span of time that is counted together, from 1970 on; a snapshot holds those that are over",
        ),
        may("k", One(Leaf::Whole(2, 1_000_000)), "10", "no answer is about fewer customers than this"),
    ],
};

static ITEM_ROW: Shape = Names(&One(Leaf::Any));
static ITEM_TYPE: Shape = Either(&[One(Leaf::Type), Obj(&TYPE_ENUM)]);
static ITEM_TEXT: Shape = One(Leaf::Text);
const ITEM_TEXTS: Shape = Either(&[One(Leaf::Text), List(&ITEM_TEXT)]);
static COMPLEMENTS: Shape = ITEM_TEXTS;
static STORE_RULE: Shape = One(Leaf::Rule);
static STORE_OF: [Shape; 2] = [One(Leaf::Rule), List(&STORE_RULE)];
static CATALOG: Object = Object {
    name: "catalog",
    doc: "What there is to suggest: what items are like, and which events are about them.",
    marks: &[],
    fields: &[
        must("item", PROPERTY_NAME, "the property by which events name the item that they are about"),
        may(
            "bought",
            one_or_more(&EVENTS),
            "",
            "event types by which items are bought; an outcome such as `converted` is about the items that the offer carries",
        ),
        may("seen", one_or_more(&EVENTS), "", "event types by which items are looked at"),
        may("returned", one_or_more(&EVENTS), "", "event types by which items are given back"),
        may(
            "basket",
            PROPERTY_NAME,
            "",
            "the property that purchases of one basket share; without it those of one instant are one",
        ),
        may("price", One(Leaf::Type), "", "the type of prices; every item needs one then"),
        may("attributes", Names(&ITEM_TYPE), "", "what else is known of items, by type; expressions read `item.<name>`"),
        may(
            "size",
            One(Leaf::Reference("an attribute of items")),
            "",
            "the attribute by which `next_size` compares; without it the price",
        ),
        may(
            "store",
            Either(&STORE_OF),
            "",
            "the store or market: an expression that gives it such as `request.store` or `location.point.nearest_store()`, or a list of these of which the first that is known counts; only what is in stock there is suggested, and nothing while none is known",
        ),
        may("half_life", One(Leaf::Duration), "", "after this time a purchase or look counts half"),
        may("epoch", One(Leaf::Duration), "\"7d\"", "the span of time that is counted together"),
        may("k", One(Leaf::Whole(2, 1_000_000)), "10", "nothing is suggested because of what fewer customers did"),
        may("categories", Names(&Obj(&ITEM_CATEGORY)), "", "what holds for all items of a category, by its name"),
        may(
            "complements",
            Names(&COMPLEMENTS),
            "",
            "what goes with what: by item or category one or a list of items or categories",
        ),
        may(
            "file",
            One(Leaf::Text),
            "",
            "the table of items beside the playbook, such as `items.csv`, never outside of its folder; the host gives it as a document of that name",
        ),
        may(
            "items",
            List(&ITEM_ROW),
            "",
            "the items: rows with the columns `id`, `name`, `category`, `price`, `stock`, `replenish`, `life`, `warranty`, `complements` and the attributes",
        ),
    ],
};
static ITEM_CATEGORY: Object = Object {
    name: "item category",
    doc: "What holds for all items of a category.",
    marks: &[],
    fields: &[
        may(
            "replenish",
            Either(&[One(Leaf::Bool), One(Leaf::Duration)]),
            "false",
            "whether items are bought again and again, or after which time when nothing else tells",
        ),
        may("life", One(Leaf::Duration), "", "how long an item lasts that is bought once"),
        may("warranty", One(Leaf::Duration), "", "how long an item is under warranty"),
    ],
};

static SUGGESTION_NAME: Shape = One(Leaf::Reference("a suggestion"));
static SUGGESTION_NAMES: [Shape; 2] = [One(Leaf::Reference("a suggestion")), List(&SUGGESTION_NAME)];
static SEGMENT_NAME: Shape = One(Leaf::Reference("a segment"));
pub(super) static SEGMENT_NAMES: [Shape; 2] = [One(Leaf::Reference("a segment")), List(&SEGMENT_NAME)];
static SUGGESTION: Object = Object {
    name: "suggestion",
    doc: "A way to choose items of the catalog for a customer.",
    marks: &[],
    fields: &[
        must(
            "how",
            One(Leaf::Word(&[
                "bought_together",
                "seen_together",
                "popular",
                "next_size",
                "complements",
                "due_again",
                "after_event",
                "still_looking",
            ])),
            "how items are found",
        ),
        may(
            "of",
            One(Leaf::Rule),
            "\"bought\"",
            "which items it begins with, or counts: `bought`, `seen`, or an expression that gives an item or a list of items; `seen` by default where it is about looks",
        ),
        may("within", One(Leaf::Duration), "", "how far back what the customer bought, saw or went through counts"),
        may(
            "only",
            One(Leaf::Rule),
            "true",
            "which items may be suggested: a condition that reads `item.<name>` beside everything else; unknown is no",
        ),
        may("support", One(Leaf::Number(f64::NEG_INFINITY, f64::INFINITY)), "", "the least share of baskets that have both"),
        may(
            "confidence",
            One(Leaf::Number(f64::NEG_INFINITY, f64::INFINITY)),
            "",
            "the least share of baskets with the one that have the other too",
        ),
        may(
            "lift",
            One(Leaf::Number(f64::NEG_INFINITY, f64::INFINITY)),
            "1",
            "the least that the one makes the other likelier, as a multiple",
        ),
        may(
            "by",
            One(Leaf::Reference("an attribute")),
            "",
            "for `popular`: among whom, `segment` or an attribute of the customer such as a place",
        ),
        may("segments", one_or_more(&SEGMENT_NAMES), "", "for `by: segment`: the segments that count; all by default"),
        may(
            "above",
            One(Leaf::Number(f64::NEG_INFINITY, f64::INFINITY)),
            "1",
            "for `next_size`: the price is above this multiple of that of the item it begins with",
        ),
        may("up_to", One(Leaf::Number(f64::NEG_INFINITY, f64::INFINITY)), "1.5", "for `next_size`: and at most this multiple"),
        may("lead", One(Leaf::Duration), "\"30d\"", "for `due_again`: how long before and after the end of life or warranty"),
        may("event", One(Leaf::Reference("an event type")), "", "for `after_event`: what happened"),
        may("items", ITEM_TEXTS, "", "for `after_event`: items and categories that are needed then"),
    ],
};
static OFFER_ITEMS: Object = Object {
    name: "offer items",
    doc: "The items that an offer carries.",
    marks: &[],
    fields: &[
        must("from", one_or_more(&SUGGESTION_NAMES), "suggestions, in the order in which they are asked"),
        may("at_most", One(Leaf::Whole(1, 100)), "3", "at most so many items"),
        may("at_least", One(Leaf::Whole(1, 100)), "1", "with fewer the offer drops out"),
        may("per_category", One(Leaf::Whole(1, 100)), "", "at most so many items of one category"),
    ],
};

static RENAMED: Object = Object {
    name: "renaming",
    doc: "What was called otherwise in earlier versions: old names to new ones.",
    marks: &[],
    fields: &[
        may("events", Names(&EVENT_NAME), "", "event types: the old name to the declared one"),
        may("attributes", Names(&ATTRIBUTE_NAME), "", "attributes: the old name to the declared one"),
        may(
            "properties",
            Names(&OLD_PROPERTY),
            "",
            "properties: `<event type>.<old name>`, with the event type's declared name, to the declared name of the property",
        ),
    ],
};
static ATTRIBUTE_NAME: Shape = One(Leaf::Reference("an attribute"));
pub(super) const PROPERTY_NAME: Shape = One(Leaf::Reference("a property"));
static OLD_PROPERTY: Shape = PROPERTY_NAME;

static SESSIONS: Object = Object {
    name: "session setting",
    doc: "What a session is.",
    marks: &[],
    fields: &[
        may("gap", One(Leaf::Duration), "\"30m\"", "the longest pause inside one session"),
        may("new_campaign", One(Leaf::Bool), "false", "whether an event of another campaign begins a session"),
        may("midnight", One(Leaf::Bool), "false", "whether midnight in the customer's zone ends a session"),
        may("pages", one_or_more(&EVENTS), "", "event types that count as pages; events that tell a page when not declared"),
        may("cart", Obj(&CART), "", "how the cart of a session is filled and emptied"),
    ],
};
static CART: Object = Object {
    name: "cart",
    doc: "How the cart of a session is filled and emptied.",
    marks: &[],
    fields: &[
        must("add", one_or_more(&EVENTS), "event types that put an item into the cart"),
        may("remove", one_or_more(&EVENTS), "", "event types that take an item out of the cart"),
        may("empty", one_or_more(&EVENTS), "", "event types that empty the cart, such as a purchase"),
        must("item", One(Leaf::Text), "the property that names the item"),
        may("value", One(Leaf::Text), "", "the property that says what an item is worth, a number or money"),
    ],
};
static LOCATIONS: Object = Object {
    name: "location setting",
    doc: "How positions are read.",
    marks: &[],
    fields: &[may("ttl", One(Leaf::Duration), "", "how long a position is known; for ever when not declared")],
};
static STORE: Object = Object {
    name: "store",
    doc: "A store; expressions read `store(\"<name>\")`, its point.",
    marks: &[],
    fields: &[
        must("point", One(Leaf::Any), "where it is: latitude and longitude in degrees"),
        may("title", One(Leaf::Text), "", TITLE),
        may("region", One(Leaf::Text), "", "the region it belongs to"),
        may("time_zone", One(Leaf::Zone), "", "the zone of its opening hours; the playbook's when not declared"),
        may("opening_hours", Obj(&HOURS), "", "when it is open"),
    ],
};
const HOURS_OF_DAY: Shape = One(Leaf::Text);
static HOURS: Object = Object {
    name: "opening hours",
    doc: "When a store is open: `09:00-18:00`, several with commas between, or `closed`.",
    marks: &[],
    fields: &[
        may("daily", HOURS_OF_DAY, "", "the hours of every day that has none of its own"),
        may("weekdays", HOURS_OF_DAY, "", "the hours of Monday to Friday"),
        may("mon", HOURS_OF_DAY, "", "the hours of Monday"),
        may("tue", HOURS_OF_DAY, "", "the hours of Tuesday"),
        may("wed", HOURS_OF_DAY, "", "the hours of Wednesday"),
        may("thu", HOURS_OF_DAY, "", "the hours of Thursday"),
        may("fri", HOURS_OF_DAY, "", "the hours of Friday"),
        may("sat", HOURS_OF_DAY, "", "the hours of Saturday"),
        may("sun", HOURS_OF_DAY, "", "the hours of Sunday"),
    ],
};

static NAMESPACE: Object = Object {
    name: "namespace",
    doc: "A namespace of identifiers: the part before the first colon, as in `email:ann@example.com`.",
    marks: &[],
    fields: &[
        may(
            "anonymous",
            One(Leaf::Bool),
            "false",
            "whether its identifiers (cookies, devices) are counted but not addressed; a link through one never joins two customers of whom both are identified",
        ),
        may(
            "shared",
            One(Leaf::Bool),
            "false",
            "whether its identifiers stand for several people, such as a public terminal; they join nobody",
        ),
        may(
            "unique",
            One(Leaf::Bool),
            "false",
            "whether a customer has at most one identifier of this namespace; two with different ones are never joined",
        ),
        may(
            "limit",
            One(Leaf::Whole(1, 1_000_000)),
            "",
            "how many of its identifiers a customer has at most; any number when not declared",
        ),
        may(
            "guard",
            One(Leaf::Whole(1, 1_000_000)),
            "100",
            "with how many identifiers that are not anonymous one of this namespace may be linked before it counts as shared and joins nobody",
        ),
        may(
            "normalize",
            One(Leaf::Word(&["none", "trim", "lower", "email", "phone"])),
            "\"none\"",
            "how values are brought into one form: `trim` blanks, `lower` case as well, `email` as well and in the form of an address, `phone` as E.164",
        ),
        may(
            "region",
            One(Leaf::Text),
            "",
            "with `normalize: phone`: the country of numbers that name none, two letters as in ISO 3166 such as `DE`",
        ),
        LABEL_PURPOSES,
        LABEL_SENSITIVITY,
        may(
            "never",
            List(&One(Leaf::Text)),
            "[]",
            "values that are nobody's, such as test addresses: a value, a pattern with `*` for any text, or a regular expression for the whole value between slashes such as `/0+/`",
        ),
    ],
};

static IDENTITY_LIMITS: Object = Object {
    name: "identity limits",
    doc: "The guard against customers that grow together without being one.",
    marks: &[],
    fields: &[
        may(
            "identifiers",
            One(Leaf::Whole(2, 100_000)),
            "1000",
            "how many identifiers a customer has at most; one that is linked with more than that joins nobody",
        ),
        may(
            "confidence",
            One(Leaf::Number(0.0, 1.0)),
            "0.8",
            "below it a probabilistic link does not join, above 0 and below 1",
        ),
    ],
};

static RELATION: Object = Object {
    name: "relation",
    doc: "How customers are related: with `group` to a household or account, else two of them with each other.",
    marks: &[],
    fields: &[
        may("title", One(Leaf::Text), "", TITLE),
        may(
            "group",
            One(Leaf::Reference("a namespace")),
            "",
            "the namespace of households or accounts, each of which is a customer of its own; between two customers when not declared",
        ),
        may(
            "roles",
            Either(&ROLES),
            "",
            "the roles of members; between two customers the two sides, or none when it is the same both ways",
        ),
        may(
            "at_most",
            One(Leaf::Whole(1, 100_000)),
            "1000",
            "how many members a group has, or to how many others somebody is related; those told later than that are refused",
        ),
        may("groups", One(Leaf::Whole(1, 1_000)), "1", "of how many groups somebody is a member"),
        may(
            "consents",
            One(Leaf::Reference("a role")),
            "",
            "the role whose holders consent for those of the other role who are minors",
        ),
        LABEL_PURPOSES,
        LABEL_SENSITIVITY,
        LABEL_REVEAL,
    ],
};
static ROLE_NAME: Shape = One(Leaf::Text);
static ROLES: [Shape; 2] = [List(&ROLE_NAME), Names(&Obj(&ROLE))];
static ROLE: Object = Object {
    name: "role",
    doc: "A role in a relation.",
    marks: &[],
    fields: &[
        may("title", One(Leaf::Text), "", TITLE),
        may(
            "at_most",
            One(Leaf::Whole(1, 100_000)),
            "",
            "how many there are of it in one group, or for one of the other role; any number when not declared",
        ),
    ],
};

static PURPOSE: Shape = Either(&[One(Leaf::Word(&["opt_in", "opt_out"])), Obj(&PURPOSE_OBJECT)]);
static PURPOSE_OBJECT: Object = Object {
    name: "purpose",
    doc: "A purpose for which personal facts may be used.",
    marks: &[],
    fields: &[
        may("title", One(Leaf::Text), "", TITLE),
        may(
            "default",
            One(Leaf::Word(&["opt_in", "opt_out"])),
            "",
            "what holds for a customer who said nothing: `opt_in` forbids until consent is given, `opt_out` permits until it is withdrawn; as the basis says when not declared: `opt_in` for consent, else `opt_out`",
        ),
        may(
            "basis",
            One(Leaf::Word(&[
                "consent",
                "contract",
                "legitimate_interest",
                "legal_obligation",
                "vital_interest",
                "public_task",
            ])),
            "\"consent\"",
            "why the purpose is lawful; contract, legal obligation and vital interest hold whatever the customer says",
        ),
        may(
            "expires_after",
            One(Leaf::Duration),
            "",
            "how long a consent lasts that does not say so itself; for ever when not declared",
        ),
    ],
};

const LABEL_PURPOSES: Field =
    may("purposes", one_or_more(&PURPOSES), "", "the purposes for which it may be used; any when not declared");
const LABEL_SENSITIVITY: Field = may(
    "sensitivity",
    One(Leaf::Word(&["public", "personal", "special"])),
    "\"personal\"",
    "how careful one has to be with it; special needs explicit consent",
);
const LABEL_REVEAL: Field = may(
    "reveal",
    One(Leaf::Bool),
    "false",
    "whether messages and explanations for the customer may show it although it is inferred or special",
);
const LABEL_KIND: Field =
    may("kind", One(Leaf::Word(&DataKind::WORDS)), "", "which kind of data it is, as marketing knows them");
const NARROW_PURPOSES: Field = may(
    "purposes",
    one_or_more(&PURPOSES),
    "",
    "the purposes for which it may be used, fewer than those of what it reads; those when not declared",
);
const NARROW_SENSITIVITY: Field = may(
    "sensitivity",
    One(Leaf::Word(&["public", "personal", "special"])),
    "",
    "how careful one has to be with it, at least as careful as with what it reads; as careful when not declared",
);
const DECLASSIFY_KEY: Field = may("declassify", Obj(&DECLASSIFY), "", "allows more than what it reads allows, for a reason");
const ASSURANCE: Leaf = Leaf::Word(&["recognised", "authenticated"]);
const MINIMUM: Field = may("assurance", One(ASSURANCE), "", "how sure the request has to be who is there for it to be shown");
const READS: Field = may("reads", List(&KIND_NAME), "", "the kinds of data that may be read to choose; any when not declared");
static KIND_NAME: Shape = One(Leaf::Word(&DataKind::WORDS));

static DECLASSIFY: Object = Object {
    name: "declassification",
    doc: "Allows more for a conclusion than for the facts that it is drawn from.",
    marks: &[],
    fields: &[
        must("reason", One(Leaf::Text), "why that is right, for those who check the playbook"),
        may(
            "purposes",
            one_or_more(&PURPOSES),
            "",
            "the purposes for which it may be used; as for what it reads when not declared",
        ),
        may(
            "sensitivity",
            One(Leaf::Word(&["public", "personal", "special"])),
            "",
            "how careful one has to be with it; as with what it reads when not declared",
        ),
        LABEL_REVEAL,
    ],
};

static DEPARTMENT: Object = Object {
    name: "department",
    doc: "Who may see what of a customer.",
    marks: &[],
    fields: &[
        may("title", One(Leaf::Text), "", TITLE),
        must(
            "purposes",
            one_or_more(&PURPOSES),
            "what it works for: it sees what may be used for one of these and is permitted",
        ),
        may(
            "sensitivity",
            One(Leaf::Word(&["public", "personal", "special"])),
            "\"personal\"",
            "the most sensitive data that it sees",
        ),
        may("reads", List(&KIND_NAME), "", "the kinds of data that it sees; any when not declared"),
    ],
};

const GUARD: Shape = Either(&[One(Leaf::Rule), Obj(&GUARD_OBJECT)]);
static GUARD_OBJECT: Object = Object {
    name: "guard",
    doc: "A condition that forbids.",
    marks: &[],
    fields: &[
        must("when", One(Leaf::Rule), "the condition; forbids while it is true or unknown"),
        may("when_unknown", One(Leaf::Bool), "true", "what it counts as when it is unknown"),
        may(
            "purposes",
            one_or_more(&PURPOSES),
            "",
            "only offers with one of these purposes are forbidden; all when not declared",
        ),
    ],
};
pub(super) const GATE: Shape = Either(&[One(Leaf::Rule), Obj(&GATE_OBJECT)]);
static GATE_OBJECT: Object = Object {
    name: "condition",
    doc: "A condition that permits.",
    marks: &[],
    fields: &[
        must("when", One(Leaf::Rule), "the condition"),
        may("when_unknown", One(Leaf::Bool), "false", "what the permission counts as when it is unknown"),
    ],
};
const EXIT: Shape = Either(&[One(Leaf::Rule), Obj(&EXIT_OBJECT)]);
static EXIT_OBJECT: Object = Object {
    name: "exit condition",
    doc: "A condition that ends a journey.",
    marks: &[],
    fields: &[
        must("when", One(Leaf::Rule), "the condition"),
        may("when_unknown", One(Leaf::Bool), "true", "what it counts as when it is unknown"),
    ],
};

static TYPE_ENUM: Object = Object {
    name: "enum type",
    doc: "Text out of a declared set.",
    marks: &["enum"],
    fields: &[must("enum", List(&ENUM_NAME), "the words, in order")],
};
const TYPE: Shape = Either(&[One(Leaf::Type), Obj(&TYPE_ENUM)]);

const RETIRED: &str = "whether nothing tells it any more; rules that can be known only through it are warned of";

static ATTRIBUTE: Shape = Either(&[One(Leaf::Type), Obj(&TYPE_ENUM), Obj(&ATTRIBUTE_OBJECT)]);
static ATTRIBUTE_OBJECT: Object = Object {
    name: "attribute",
    doc: "A declared fact about a customer.",
    marks: &[],
    fields: &[
        must("type", TYPE, "the type of its values"),
        may("title", One(Leaf::Text), "", TITLE),
        may("default", One(Leaf::Any), "", "what is read when nothing was told, of the declared type; `has` stays false"),
        may(
            "origin",
            One(Leaf::Word(&["stated", "observed", "inferred", "third_party"])),
            "\"stated\"",
            "how it came to be known",
        ),
        LABEL_SENSITIVITY,
        LABEL_PURPOSES,
        LABEL_REVEAL,
        LABEL_KIND,
        may(
            "assurance",
            One(ASSURANCE),
            "",
            "how sure a request has to be who is there for the value to be read; below it is unknown",
        ),
        may("ttl", One(Leaf::Duration), "", "how long a told value is known; for ever when not declared"),
        may("retired", One(Leaf::Bool), "false", RETIRED),
        may(
            "resolve",
            one_or_more(&CRITERIA),
            "\"latest\"",
            "by what one of several told values is chosen: the first of these that tells them apart, at last the latest",
        ),
        may("sources", List(&SOURCE_NAME), "", "who is believed first about it; the playbook's `sources` when not declared"),
    ],
};

static EVENT: Shape = Either(&[Obj(&EVENT_OBJECT), Names(&PROPERTY)]);
static EVENT_OBJECT: Object = Object {
    name: "event type",
    doc: "A declared event type in its long form, known by the key `properties`.",
    marks: &["properties"],
    fields: &[
        may("title", One(Leaf::Text), "", TITLE),
        must("properties", Names(&PROPERTY), "its properties, by type"),
        LABEL_SENSITIVITY,
        LABEL_PURPOSES,
        LABEL_REVEAL,
        LABEL_KIND,
        may(
            "assurance",
            One(ASSURANCE),
            "",
            "how sure a request has to be who is there for its events to be read; below it what they tell is unknown",
        ),
        may(
            "retention",
            One(Leaf::Duration),
            "",
            "how long its events are kept; rules that look further back are warned of; without it they are kept for ever",
        ),
    ],
};
static PROPERTY: Shape = Either(&[One(Leaf::Type), Obj(&TYPE_ENUM), Obj(&PROPERTY_OBJECT)]);
static PROPERTY_OBJECT: Object = Object {
    name: "property",
    doc: "A property of an event type.",
    marks: &[],
    fields: &[
        must("type", TYPE, "the type of its values"),
        may("required", One(Leaf::Bool), "false", "whether an event without it is refused"),
        LABEL_SENSITIVITY,
        LABEL_PURPOSES,
        LABEL_REVEAL,
        may("categories", Names(&Obj(&CATEGORY)), "", "values of it that need more care than the others, by value"),
    ],
};
static CATEGORY: Object = Object {
    name: "category",
    doc: "A value of a property that needs more care than the others.",
    marks: &[],
    fields: &[LABEL_SENSITIVITY, LABEL_PURPOSES, LABEL_REVEAL],
};

static REQUEST: Shape = Either(&[One(Leaf::Type), Obj(&TYPE_ENUM), Obj(&REQUEST_OBJECT)]);
static REQUEST_OBJECT: Object = Object {
    name: "request fact",
    doc: "A fact that comes with a question.",
    marks: &[],
    fields: &[must("type", TYPE, "the type of its values"), may("retired", One(Leaf::Bool), "false", RETIRED)],
};

static SEGMENT: Shape = Either(&[One(Leaf::Rule), Obj(&SEGMENT_OBJECT)]);
static SEGMENT_OBJECT: Object = Object {
    name: "segment",
    doc: "A named condition.",
    marks: &[],
    fields: &[
        must("when", One(Leaf::Rule), "the condition; reads the customer and `now` only"),
        may("title", One(Leaf::Text), "", TITLE),
        NARROW_PURPOSES,
        NARROW_SENSITIVITY,
        DECLASSIFY_KEY,
    ],
};

static PERSONA: Object = Object {
    name: "persona",
    doc: "A named type of customer, with what speaks for and against it.",
    marks: &[],
    fields: &[
        must("prior", One(Leaf::Number(0.0, 1.0)), "the share of customers of this type, above 0 and below 1"),
        may("title", One(Leaf::Text), "", TITLE),
        may("evidence", List(&Obj(&EVIDENCE)), "[]", "what speaks for or against it"),
        NARROW_PURPOSES,
        NARROW_SENSITIVITY,
        LABEL_REVEAL,
        DECLASSIFY_KEY,
    ],
};
static EVIDENCE: Object = Object {
    name: "piece of evidence",
    doc: "What speaks for or against a persona.",
    marks: &[],
    fields: &[
        must("when", One(Leaf::Rule), "the condition"),
        must(
            "odds",
            One(Leaf::Number(0.0, f64::INFINITY)),
            "the factor on the odds when the condition is true, above 0; below 1 speaks against",
        ),
        may("otherwise", One(Leaf::Number(0.0, f64::INFINITY)), "1", "the factor when the condition is false, above 0"),
        may(
            "half_life",
            One(Leaf::Duration),
            "",
            "after which time since the last event that the condition found the odds count half, on the scale of logarithms",
        ),
    ],
};

const HALF_LIFE: Field =
    may("half_life", One(Leaf::Duration), "", "after which time an event counts half; the same for ever when not declared");

static NEED: Object = Object {
    name: "need",
    doc: "Something that a customer needs, stated or concluded from what they do.",
    marks: &[],
    fields: &[
        may("title", One(Leaf::Text), "", TITLE),
        may(
            "kind",
            One(Leaf::Word(&["pragmatic", "trend_driven"])),
            "\"pragmatic\"",
            "what drives it: something has to be done, or others have it",
        ),
        may(
            "stated",
            One(Leaf::Rule),
            "",
            "what the customer said themselves: the strength is 1 while it is true, 0 while it is false; while it is unknown the evidence counts",
        ),
        may("evidence", List(&Obj(&NEED_EVIDENCE)), "[]", "what speaks for it"),
        NARROW_PURPOSES,
        NARROW_SENSITIVITY,
        LABEL_REVEAL,
        DECLASSIFY_KEY,
    ],
};
static NEED_EVIDENCE: Object = Object {
    name: "reason for a need",
    doc: "What speaks for a need.",
    marks: &[],
    fields: &[
        must("when", One(Leaf::Rule), "the condition"),
        must("strength", One(Leaf::Number(0.0, 1.0)), "the strength of the need when nothing else speaks for it; above 0"),
        may(
            "half_life",
            One(Leaf::Duration),
            "",
            "after which time since the last event that the condition found the strength is half",
        ),
    ],
};
static SEARCHES: Object = Object {
    name: "search setting",
    doc: "Which events are searches.",
    marks: &[],
    fields: &[
        must("on", one_or_more(&EVENTS), "the event types"),
        must("property", One(Leaf::Text), "the property, of type string, that holds what was searched for"),
        HALF_LIFE,
        may("within", One(Leaf::Duration), "", "how far back searches count; all of them when not declared"),
    ],
};
static TERM: Shape = One(Leaf::Text);
static PROBLEM: Object = Object {
    name: "problem",
    doc: "A problem that customers put into words, and the needs behind it.",
    marks: &[],
    fields: &[
        may("title", One(Leaf::Text), "", TITLE),
        must(
            "terms",
            List(&TERM),
            "the words that customers search with, without regard to case; several words stand in a row, `*` at the end of a word is any ending",
        ),
        must(
            "needs",
            Names(&One(Leaf::Number(0.0, 1.0))),
            "the strength of each need when the problem was searched for; above 0",
        ),
    ],
};
static PREFERENCE: Object = Object {
    name: "preference",
    doc: "What customers like and dislike, concluded from events; what they stated comes first.",
    marks: &[],
    fields: &[
        may("title", One(Leaf::Text), "", TITLE),
        may("from", List(&Obj(&PREFERENCE_SOURCE)), "[]", "the events that tell of it"),
        HALF_LIFE,
        may("within", One(Leaf::Duration), "", "how far back events count; all of them when not declared"),
        may("prior", One(Leaf::Number(0.0, f64::INFINITY)), "1", "the weight of not knowing, to which strengths are relative"),
        may("at_least", One(Leaf::Whole(1, 1_000_000)), "2", "observations of a value before anything is said about it"),
        may("liked", One(Leaf::Number(0.0, 1.0)), "0.2", "the strength from which on a value is liked"),
        may("disliked", One(Leaf::Number(-1.0, 0.0)), "-0.2", "the strength up to which a value is disliked"),
        may(
            "bands",
            List(&One(Leaf::Number(f64::NEG_INFINITY, f64::INFINITY))),
            "",
            "limits, ascending: numbers count as `<10`, `10-50`, `>=50`",
        ),
        may("groups", Names(&Either(&[TERM_VALUE, List(&TERM)])), "", "what values count as: each group with its values"),
        may("stated", One(Leaf::Reference("an attribute")), "", "the attribute with what the customer said they like"),
        may(
            "stated_dislikes",
            One(Leaf::Reference("an attribute")),
            "",
            "the attribute with what the customer said they dislike",
        ),
        NARROW_PURPOSES,
        NARROW_SENSITIVITY,
        LABEL_REVEAL,
        DECLASSIFY_KEY,
    ],
};
const TERM_VALUE: Shape = One(Leaf::Text);
static PREFERENCE_SOURCE: Object = Object {
    name: "source of a preference",
    doc: "Events that tell of a preference.",
    marks: &[],
    fields: &[
        must("on", one_or_more(&EVENTS), "the event types"),
        may("property", One(Leaf::Text), "", "the property whose value is liked or disliked; each element of a list"),
        may(
            "read",
            One(Leaf::Word(&["channel", "weekday", "hour"])),
            "",
            "instead of a property: the channel of the event, or the day of the week or hour of the day in the customer's zone",
        ),
        may("weight", One(Leaf::Number(f64::NEG_INFINITY, f64::INFINITY)), "1", "what an event counts; below 0 speaks against"),
    ],
};
static UNUSUAL: Object = Object {
    name: "unusual thing",
    doc: "What is unusual for a customer, by their own history, with a stated test and rate of false alarms.",
    marks: &[],
    fields: &[
        may("title", One(Leaf::Text), "", TITLE),
        must(
            "test",
            One(Leaf::Word(&UnusualTest::WORDS)),
            "`silence`: nothing for longer than the customer's gaps explain; `burst`: events follow each other faster; `shift`: other values than the usual one; `higher` and `lower`: the level of the values",
        ),
        must("on", one_or_more(&EVENTS), "the event types"),
        may("property", One(Leaf::Text), "", "the values that are compared, for `shift`, `higher` and `lower`"),
        may("recent", One(Leaf::Whole(1, 20)), "4", "how many of the latest gaps or values are compared with those before"),
        may(
            "history",
            One(Leaf::Whole(2, 10_000)),
            "",
            "how many earlier gaps or values are compared with at most, never fewer than `at_least`; all when not declared, for `higher` and `lower` 40",
        ),
        may("at_least", One(Leaf::Whole(2, 1_000)), "5", "how many earlier gaps or values are needed; unknown with fewer"),
        may("false_alarm", One(Leaf::Number(0.000_001, 0.5)), "0.01", "how often the test is wrong when nothing is unusual"),
        NARROW_PURPOSES,
        NARROW_SENSITIVITY,
        LABEL_REVEAL,
        DECLASSIFY_KEY,
    ],
};
const SHARE: Leaf = Leaf::Pattern("^[0-9]{1,3}(\\.[0-9]{1,2})?%$", "a share such as `5%`");
static OFFER_NAME: Shape = One(Leaf::Reference("an offer"));
static OFFERS: [Shape; 2] = [One(Leaf::Reference("an offer")), List(&OFFER_NAME)];
static DETECTS: Object = Object {
    name: "detects",
    doc: "The change that an experiment is to show in 80 of 100 cases.",
    marks: &[],
    fields: &[
        must("customers", One(Leaf::Whole(1, 1_000_000_000_000)), "how many customers are expected while it runs"),
        must("rate", One(SHARE), "how many of them do what counts when nothing is changed"),
        must("change", One(SHARE), "by how much that differs, in points"),
    ],
};
static TAG_NAME: Shape = One(Leaf::Reference("a tag"));
static TAG_NAMES: [Shape; 2] = [One(Leaf::Reference("a tag")), List(&TAG_NAME)];
static EXPERIMENT: Object = Object {
    name: "experiment",
    doc: "A part of the customers, split by a hash of an identifier into variants and those who are held out.",
    marks: &[],
    fields: &[
        may("title", One(Leaf::Text), "", TITLE),
        may(
            "by",
            One(Leaf::Reference("a namespace")),
            "",
            "the namespace of the identifier that is hashed; by default the customer's oldest identifier",
        ),
        may("salt", One(Leaf::Text), "", "what is hashed with the identifier; by default the name"),
        may("share", One(SHARE), "\"100%\"", "how many customers take part"),
        may(
            "group",
            One(Leaf::Text),
            "",
            "nobody takes part in two experiments of one group; their shares are at most 100% together",
        ),
        may("holdout", One(SHARE), "\"0%\"", "how many of those who take part are shown none of its offers"),
        may(
            "variants",
            Names(&One(SHARE)),
            "",
            "how many of those who take part get which variant; 100% together with the holdout",
        ),
        may(
            "offers",
            one_or_more(&OFFERS),
            "",
            "what those held out go without; by default all offers that are not transactional",
        ),
        may(
            "except_tags",
            one_or_more(&TAG_NAMES),
            "",
            "offers with one of these tags, of their own or of their group, are not held back",
        ),
        may("from", One(Leaf::Instant), "", "the first instant"),
        may("until", One(Leaf::Instant), "", "the first instant after it"),
        may("detects", Obj(&DETECTS), "", "what it is to show; `tactful check` warns when it is too small for that"),
    ],
};

static WATCH: Shape = Either(&[One(Leaf::Rule), Obj(&WATCH_OBJECT)]);
static WATCH_OBJECT: Object = Object {
    name: "watch",
    doc: "A fact whose changes are told as effects.",
    marks: &[],
    fields: &[
        must("value", One(Leaf::Rule), "what is watched; reads the customer and `now` only"),
        may("title", One(Leaf::Text), "", TITLE),
    ],
};

static PREDICT: Object = Object {
    name: "prediction",
    doc: "What is looked at for what comes next in a journey.",
    marks: &[],
    fields: &[
        may(
            "events",
            one_or_more(&EVENTS),
            "",
            "the event types that are steps; all when not declared, what happens besides is passed over",
        ),
        may(
            "segments",
            one_or_more(&SEGMENT_NAMES),
            "",
            "the segments that make a difference and whose entering and leaving is predicted, at most 16; all when not declared, if there are at most eight",
        ),
        may("k", One(Leaf::Whole(2, 1_000_000)), "10", "no number of the population is about fewer customers than this"),
    ],
};

static JOURNEY: Object = Object {
    name: "journey",
    doc: "A named path of stages.",
    marks: &[],
    fields: &[
        may("title", One(Leaf::Text), "", TITLE),
        may(
            "movement",
            One(Leaf::Word(&["free", "forward"])),
            "\"free\"",
            "`free`: from any stage to any other; `forward`: only to a stage declared later, except by time-out",
        ),
        may(
            "precedence",
            One(Leaf::Word(&["last", "first"])),
            "\"last\"",
            "which of several stages that could be entered at one instant is: that declared last or first",
        ),
        may(
            "key",
            One(Leaf::Text),
            "",
            "the property of events that tells instances apart, such as `order_id`: one walk for each of its values",
        ),
        may(
            "at_most",
            One(Leaf::Whole(1, 1_000)),
            "100",
            "with `key`: how many instances of a customer may be open at once, and how many that ended are remembered",
        ),
        may("entry", Obj(&ENTRY), "", "how customers come in; by way of any stage when not declared"),
        may(
            "reentry",
            Either(&REENTRY),
            "\"after_leaving\"",
            "whether customers come in again: `never`, `after_leaving`, or `always`, also while they are in",
        ),
        may("max_stay", One(Leaf::Duration), "", "the longest time in the journey; whoever is in then is out"),
        may(
            "plan",
            Names(&PLAN_OF_SEGMENT),
            "",
            "what is planned, by segment (or `everyone`) and stage; expressions read `journey(\"<name>\").wording` and more",
        ),
        may("predict", Obj(&PREDICT), "", "what is looked at for what comes next"),
        may(
            "migration",
            Obj(&MIGRATION),
            "",
            "where customers are whose place was recorded under an earlier version of the journey",
        ),
        may("exit", EXIT, "", "leaves the journey at once when true or unknown, whatever the stage"),
        NARROW_PURPOSES,
        NARROW_SENSITIVITY,
        DECLASSIFY_KEY,
        may(
            "template",
            One(Leaf::Word(&super::templates::NAMES)),
            "",
            "a journey in the box, whose keys and stages stand for those that are not declared here",
        ),
        may("form", One(Leaf::Word(&["b2c", "b2b"])), "\"b2c\"", "with `template`: for consumers or for business customers"),
        may("vocabulary", One(Leaf::Word(&["segment", "ga4"])), "\"segment\"", "with `template`: whose names its events have"),
        may(
            "names",
            Names(&EVENT_NAME),
            "",
            "with `template`: what events of the vocabulary are called here, such as `order_completed: purchase`",
        ),
        may("without", one_or_more(&STAGES), "", "with `template`: stages that are left out"),
        may(
            "stages",
            Names(&Obj(&STAGE)),
            "",
            "the stages, in order; required without `template`, with it what is declared otherwise",
        ),
    ],
};
static STAGE: Object = Object {
    name: "stage",
    doc: "A stage of a journey. It needs a way in (`on`, `enter` or a time-out of another stage) or the key `no_data`.",
    marks: &[],
    fields: &[
        may("title", One(Leaf::Text), "", TITLE),
        may("goal", One(Leaf::Text), "", "what the stage is for, in words"),
        may(
            "on",
            one_or_more(&EVENTS),
            "",
            "entered when an event of one of these types happens (and `enter`, if declared, is true)",
        ),
        may("enter", One(Leaf::Rule), "", "without `on`: entered when this becomes true"),
        may(
            "from",
            one_or_more(&STAGES),
            "",
            "only from these stages; `none` stands for not being in the journey; any when not declared",
        ),
        may("min_stay", One(Leaf::Duration), "", "no other stage is entered before"),
        may("timeout", Obj(&TIMEOUT), "", "leaving the stage because nothing happened"),
        may("exit", Either(&STAGE_EXIT), "", "leaving the stage at once, whatever else holds"),
        may("wait", Obj(&WAIT), "", "waiting here before going on"),
        may("branches", List(&BRANCH_ITEM), "", "ways on from here"),
        may("max_stay", Obj(&MAX_STAY), "", "the longest stay, whatever happens"),
        may("return", Obj(&RETURN), "", "with `drop_out`: back to the stage from which the customer came"),
        may(
            "final",
            One(Leaf::Bool),
            "false",
            "whether the journey ends here: whoever is here may come in again as from outside",
        ),
        may("inner", Obj(&INNER), "", "a journey that runs while customers are here"),
        may("touchpoints", Either(&TOUCHPOINT_TEXTS), "", "where customers and brand typically meet here, in words"),
        may("marketing", One(Leaf::Text), "", "what marketing can do here, in words"),
        may("drop_out", One(Leaf::Bool), "false", "whether customers here count as lost"),
        may(
            "long_stay",
            One(Leaf::Word(&["bad", "good"])),
            "\"bad\"",
            "whether it is bad or good that customers stay here for long; maps do not call it a pain point where it is good",
        ),
        may("no_data", One(Leaf::Text), "", "why nothing can be observed here; such a stage has no way in"),
    ],
};
static ENTRY: Object = Object {
    name: "entry",
    doc: "How customers come into a journey. It needs `on`, `when` or both.",
    marks: &[],
    fields: &[
        may("on", one_or_more(&EVENTS), "", "when an event of one of these types happens (and `when`, if declared, is true)"),
        may("when", One(Leaf::Rule), "", "without `on`: when this becomes true, such as `segment(\"lapsing\")`"),
        may("to", One(Leaf::Reference("a stage")), "", "the stage entered; the first when not declared"),
    ],
};
const REENTRY_WORD: Leaf = Leaf::Word(&["never", "after_leaving", "always"]);
static REENTRY: [Shape; 2] = [One(REENTRY_WORD), Obj(&REENTRY_RULE)];
static REENTRY_RULE: Object = Object {
    name: "re-entry",
    doc: "Whether customers come into a journey again.",
    marks: &[],
    fields: &[
        may(
            "policy",
            One(REENTRY_WORD),
            "\"after_leaving\"",
            "`never`, `after_leaving`, or `always`, also while they are in: then they begin anew",
        ),
        may("after", One(Leaf::Duration), "", "not before so much time has passed since they were out"),
        may("after_entry", One(Leaf::Duration), "", "not before so much time has passed since they came in"),
        may("at_most", One(Leaf::Whole(1, 1_000_000)), "", "how often they come in at all"),
        may(
            "count",
            One(Leaf::Word(&["all", "version"])),
            "\"all\"",
            "`version`: entries recorded under an earlier version of the journey do not count",
        ),
    ],
};
static PLAN_OF_SEGMENT: Shape = Names(&Obj(&CELL));
static CELL: Object = Object {
    name: "plan",
    doc: "What is planned for a segment in a stage.",
    marks: &[],
    fields: &[
        may("goal", One(Leaf::Text), "", "what is to be reached"),
        may("pain_point", One(Leaf::Text), "", "what is known to hurt"),
        may("selling_point", One(Leaf::Text), "", "what speaks for the brand"),
        may("wording", One(Leaf::Text), "", "how to say it"),
        may(
            "stay",
            One(Leaf::Duration),
            "",
            "how long half of them are to stay in the stage at most; at least, where `long_stay` is `good`",
        ),
        may("goes_on", One(Leaf::Number(0.0, 1.0)), "", "the share that is to come to the next stage, above 0 and below 1"),
    ],
};
static TOUCHPOINT: Object = Object {
    name: "touchpoint",
    doc: "A place where customers and brand meet.",
    marks: &[],
    fields: &[
        may("title", One(Leaf::Text), "", TITLE),
        may(
            "channel",
            One(Leaf::Reference("a channel")),
            "",
            "its channel; events that came through another are not attributed to it",
        ),
        may("purpose", One(Leaf::Reference("a purpose")), "", "what it is for"),
        may("partner", One(Leaf::Text), "", "who owns it; an own one when not declared"),
        may("discloses", List(&KIND_NAME), "", "the kinds of data that may be told there; any when not declared"),
        may("events", one_or_more(&EVENTS), "", "the event types that come back from it"),
        may("delay", One(Leaf::Duration), "", "how late they come at most"),
        may("cost", One(Leaf::Number(-1e-9, 1e12)), "", "what one contact costs"),
        may(
            "control",
            One(Leaf::Word(&["full", "shared", "none"])),
            "\"full\"",
            "how much the brand decides about what happens there",
        ),
    ],
};
static OLD_STAGE: Shape = One(Leaf::Reference("a stage"));
static MIGRATION: Object = Object {
    name: "migration",
    doc: "Where customers are whose place was recorded under an earlier version of the journey.",
    marks: &[],
    fields: &[
        may("stages", Names(&OLD_STAGE), "", "the stage now, by that of the earlier version; `none` for outside"),
        may(
            "otherwise",
            One(Leaf::Word(&["keep", "restart", "derive"])),
            "\"derive\"",
            "for other stages: the stage of the same name, out and in anew, or where the rules of this version say",
        ),
    ],
};
static STAGE_EXIT: [Shape; 2] = [One(Leaf::Rule), Obj(&STAGE_EXIT_RULE)];
static STAGE_EXIT_RULE: Object = Object {
    name: "stage exit",
    doc: "What ends a stay in a stage at once, also during a wait or minimum stay. It needs `on`, `when` or both.",
    marks: &[],
    fields: &[
        may("on", one_or_more(&EVENTS), "", "when an event of one of these types happens (and `when`, if declared, is true)"),
        may("when", One(Leaf::Rule), "", "without `on`: as soon as this holds"),
        may("when_unknown", One(Leaf::Bool), "true", "what the condition counts as when it is unknown"),
        may(
            "to",
            One(Leaf::Reference("a stage")),
            "\"none\"",
            "the stage that is entered then; `none` for leaving the journey",
        ),
    ],
};
static WAIT: Object = Object {
    name: "wait",
    doc: "Waiting in a stage: for a time, until a time of day, until an event; what comes first of event and time ends it.",
    marks: &[],
    fields: &[
        may("for", One(Leaf::Duration), "", "so long"),
        may(
            "at",
            One(Leaf::Text),
            "",
            "until this time of day in the customer's zone, such as `\"09:00\"`; with `for` the first after that",
        ),
        may("days", One(Leaf::Whole(1, 3660)), "", "with `at`: on the day that is so many days of the calendar later"),
        may(
            "weekday",
            One(Leaf::Word(&WEEKDAYS)),
            "",
            "with `at`: on the next day of this name, after the day on which it begins",
        ),
        may("until", one_or_more(&EVENTS), "", "event types that end it at once"),
        may("reset_on", one_or_more(&EVENTS), "", "event types that begin it anew"),
        may(
            "to",
            One(Leaf::Reference("a stage")),
            "",
            "the stage that it leads to, or `none`; the branches decide when not declared",
        ),
    ],
};
static BRANCH: Object = Object {
    name: "branch",
    doc: "A way on. With `on` the first event that happens decides, also during a wait; without it the first branch of the list that holds, after the wait.",
    marks: &[],
    fields: &[
        may("on", one_or_more(&EVENTS), "", "event types that lead here (when `when`, if declared, is true)"),
        may("when", One(Leaf::Rule), "", "the condition; always when neither is declared"),
        must("to", One(Leaf::Reference("a stage")), "the stage that it leads to, or `none`"),
    ],
};
static BRANCH_ITEM: Shape = Obj(&BRANCH);
static MAX_STAY: Object = Object {
    name: "longest stay",
    doc: "The longest stay in a stage, whatever happens.",
    marks: &[],
    fields: &[
        must("after", One(Leaf::Duration), "how long after entering the stage; longer than `min_stay`"),
        may(
            "to",
            One(Leaf::Reference("a stage")),
            "\"none\"",
            "the stage that is entered then; `none` for leaving the journey",
        ),
    ],
};
static RETURN: Object = Object {
    name: "return",
    doc: "Back to the stage from which the customer had dropped out. It needs `on`, `when` or both.",
    marks: &[],
    fields: &[
        may("on", one_or_more(&EVENTS), "", "when an event of one of these types happens (and `when`, if declared, is true)"),
        may("when", One(Leaf::Rule), "", "without `on`: when this becomes true"),
    ],
};
static INNER_END: Shape = One(Leaf::Reference("a stage"));
static INNER: Object = Object {
    name: "inner journey",
    doc: "A journey that runs only while customers are in this stage, and ends when they leave it.",
    marks: &[],
    fields: &[
        must("journey", One(Leaf::Reference("a journey")), "the journey inside"),
        may(
            "start",
            One(Leaf::Reference("a stage")),
            "",
            "its stage that is entered together with this one; by its own rules when not declared",
        ),
        may(
            "ends",
            Names(&INNER_END),
            "",
            "to which stage of this journey each stage that ends the inner one leads, or `none`",
        ),
    ],
};
static TOUCHPOINT_TEXT: Shape = One(Leaf::Text);
static TOUCHPOINT_TEXTS: [Shape; 2] = [One(Leaf::Text), List(&TOUCHPOINT_TEXT)];
static TIMEOUT: Object = Object {
    name: "time-out",
    doc: "Leaving a stage because nothing happened.",
    marks: &[],
    fields: &[
        must(
            "after",
            One(Leaf::Duration),
            "how long after entering the stage, or after the last event of `reset_on`; longer than `min_stay`",
        ),
        may("at", One(Leaf::Text), "", "and then until this time of day in the customer's zone, such as `\"09:00\"`"),
        must("to", One(Leaf::Reference("a stage")), "the stage that is entered then; `none` for leaving the journey"),
        may("reset_on", one_or_more(&EVENTS), "", "event types that start the time anew"),
    ],
};

const FORMAT: Leaf = Leaf::Word(&["text", "html", "json", "sms", "script"]);
static CHANNEL: Shape = Either(&[One(FORMAT), Obj(&CHANNEL_OBJECT)]);
static CHANNEL_OBJECT: Object = Object {
    name: "channel",
    doc: "A channel of messages.",
    marks: &[],
    fields: &[
        may(
            "format",
            One(FORMAT),
            "\"text\"",
            "how values are written into messages: as they are, escaped for HTML, or as JSON; `sms` counts segments, `script` says to somebody what to say and why",
        ),
        may(
            "segments",
            One(Leaf::Whole(1, 20)),
            "3",
            "how many segments a message of format `sms` may take; a longer one is not sent",
        ),
        may(
            "contact",
            One(Leaf::Bool),
            "true",
            "whether showing something here is contacting the customer, so that do-not-contact forbids it; false for a page that customers open themselves",
        ),
    ],
};

static OFFER: Object = Object {
    name: "offer",
    doc: "Something that can be shown.",
    marks: &[],
    fields: &[
        may("title", One(Leaf::Text), "", TITLE),
        may("purposes", one_or_more(&PURPOSES), "", "all of them must be permitted"),
        may("placements", one_or_more(&PLACEMENTS), "", "where it may be shown; anywhere when not declared"),
        READS,
        MINIMUM,
        may("minors", One(Leaf::Bool), "false", "whether it is made to minors too"),
        may(
            "despite_overdue",
            One(Leaf::Bool),
            "false",
            "whether it is made although something promised is overdue, as service is",
        ),
        may("group", One(Leaf::Reference("a group")), "", "the group that it belongs to"),
        OWNER,
        TAGS,
        WHERE,
        may(
            "transactional",
            One(Leaf::Bool),
            "false",
            "whether it is a message that the customer waits for, such as a receipt: no contact rule holds it back or counts it, unless `obeys` or `counts` say so",
        ),
        OBEYS,
        COUNTS,
        may("from", One(Leaf::Instant), "", "the first instant of its validity"),
        may("until", One(Leaf::Instant), "", "the first instant after its validity"),
        may("eligible", GATE, "true", "whether the customer may have it at all"),
        may("applicable", GATE, "true", "whether it makes sense for the customer now"),
        may("suitable", GATE, "true", "whether it is good for the customer"),
        may("propensity", FACTOR, "1", "first factor of the score: how likely the customer takes it"),
        may("context", FACTOR, "1", "second factor: how well it fits the situation"),
        may("value", FACTOR, "1", "third factor: what it is worth"),
        may("lever", FACTOR, "1", "fourth factor: the weight that the business gives it"),
        may("priority", One(Leaf::Whole(i64::MIN, i64::MAX)), "0", "breaks ties of the score, larger first"),
        may("category", One(Leaf::Text), "", "what it is about, for diversity"),
        may("dimension", One(Leaf::Word(&SIDES)), "", "which side of the relationship it is about, for diversity"),
        may("incentive", One(Leaf::Word(&INCENTIVES)), "", "what it gives the customer"),
        may("mandatory", One(Leaf::Bool), "false", "whether it comes before all others wherever it passes the gates"),
        may("margin", MONEY, "", "what is earned when it is taken; formulas read `offer.margin`"),
        may("treatments", Names(&Obj(&TREATMENT)), "", "its form for each channel"),
        may(
            "suggest",
            Either(&[One(Leaf::Reference("a suggestion")), List(&SUGGESTION_NAME), Obj(&OFFER_ITEMS)]),
            "",
            "the suggestions whose items the offer carries; without an item the offer drops out",
        ),
        may(
            "inventory",
            Either(&[One(Leaf::Whole(0, 1_000_000_000_000)), Obj(&STOCK), List(&STOCK_ITEM)]),
            "",
            "how many there are of it, all customers together: in all, per period, or both",
        ),
        may("cost", One(Leaf::Number(-1e-9, 1e12)), "0", "what it costs once, in the currency of its budgets"),
        may(
            "terms",
            Names(&PROMISED),
            "",
            "what is promised with it: values that are frozen when it is decided, and hold once it is accepted",
        ),
        may("commitment", Obj(&COMMITMENT), "", "what follows when it is accepted; without it nothing is owed"),
        may(
            "question",
            Either(&[One(Leaf::Reference("an attribute")), Obj(&QUESTION)]),
            "",
            "what it asks the customer: the attribute that the answer becomes, or more",
        ),
    ],
};
const WINDOW: Shape = One(Leaf::Pattern(
    r"^(rolling +\S+|day|days\( *[0-9]+ *\)|week|month|lifetime)$",
    "`rolling <duration>`, `day`, `days(2)`, `week`, `month` or `lifetime`",
));
static PROMISED: Shape = One(Leaf::Rule);
static STOCK_ITEM: Shape = Obj(&STOCK);
static STOCK: Object = Object {
    name: "inventory",
    doc: "How many there are of an offer.",
    marks: &[],
    fields: &[
        must("at_most", One(Leaf::Whole(0, 1_000_000_000_000)), "how many, all customers together"),
        may("per", WINDOW, "\"lifetime\"", "the window, in the playbook's zone"),
        may(
            "count",
            One(Leaf::Word(&OUTCOMES)),
            "\"accepted\"",
            "the outcome that takes one, beside a reservation that is open or confirmed",
        ),
    ],
};
static BUDGET: Object = Object {
    name: "budget",
    doc: "Money that offers may cost, all customers together or each.",
    marks: &[],
    fields: &[
        may("title", One(Leaf::Text), "", TITLE),
        must("amount", One(Leaf::Number(-1e-9, 1e12)), "how much"),
        must("currency", One(Leaf::Text), "three letters, such as `EUR`"),
        may("per", WINDOW, "\"lifetime\"", "the window, in the playbook's zone"),
        may(
            "subject",
            One(Leaf::Reference("a relation")),
            "\"all customers\"",
            "who spends it together: `all customers`, each `customer` for themselves, or a relation with a group, whose members and group spend together",
        ),
        may(
            "count",
            One(Leaf::Word(&OUTCOMES)),
            "\"accepted\"",
            "the outcome that spends the `cost` of its offer, beside a reservation that is open or confirmed",
        ),
        may("offers", one_or_more(&OFFERS), "", "whose cost it bears; by default that of all offers"),
    ],
};
static DECISIONS: Object = Object {
    name: "setting of decisions",
    doc: "How long decisions and reservations hold.",
    marks: &[],
    fields: &[
        may(
            "expire_after",
            One(Leaf::Duration),
            "",
            "from then on a decision takes no feedback any more; for ever when not declared",
        ),
        may("reserve_for", One(Leaf::Duration), "\"15m\"", "how long a reservation holds that does not say so itself"),
    ],
};
static OUTCOME_NAME: Shape = One(Leaf::Word(&OUTCOMES));
static FEEDBACK: Object = Object {
    name: "setting of outcomes",
    doc: "What follows from the outcomes of decisions.",
    marks: &[],
    fields: &[
        may(
            "ignored_after",
            One(Leaf::Duration),
            "",
            "what was shown and not answered for so long is `ignored`; never when not declared",
        ),
        may(
            "close_channel",
            List(&OUTCOME_NAME),
            "[]",
            "outcomes after which a channel is closed until contact is allowed on it again, such as `bounced` and `complained`",
        ),
    ],
};
static COMMITMENTS: Object = Object {
    name: "setting of commitments",
    doc: "What follows from offers that were accepted.",
    marks: &[],
    fields: &[may(
        "hold",
        one_or_more(&PURPOSES),
        "",
        "offers with any of these purposes are held while something promised is overdue; by default all offers that do not declare `despite_overdue`",
    )],
};
static COMMITMENT: Object = Object {
    name: "commitment",
    doc: "What follows when an offer is accepted.",
    marks: &[],
    fields: &[
        may("fulfil_within", One(Leaf::Duration), "", "how long it may take until it is `fulfilled`; overdue from then on"),
        may("expires_after", One(Leaf::Duration), "", "when it ends if it is not fulfilled; never when not declared"),
    ],
};
const MONEY: Shape = Either(&[One(Leaf::Number(f64::NEG_INFINITY, f64::INFINITY)), One(Leaf::Text)]);

static GROUP_NAME: Shape = One(Leaf::Reference("a group of offers"));
static STEP: Shape = Either(&[One(Leaf::Reference("a group of offers")), List(&GROUP_NAME)]);
static ARBITRATION: Object = Object {
    name: "arbitration",
    doc: "How offers are ranked.",
    marks: &[],
    fields: &[
        may(
            "formula",
            One(Leaf::Rule),
            "",
            "what the score is instead of the product of the factors; reads `offer.propensity`, `offer.context`, `offer.value`, `offer.lever`, `offer.cost`, `offer.margin`, `offer.priority`, `offer.name`, `offer.group`, `offer.category`, `offer.tags`, `offer.from`, `offer.until` and all that offers may read",
        ),
        may(
            "sequence",
            List(&STEP),
            "",
            "groups of offers, each a name or a list of names: those of one step are ranked together and before those of later steps; offers of no step come last",
        ),
        may(
            "explore",
            Either(&[One(Leaf::Word(&["thompson", "random"])), Obj(&EPSILON), Obj(&UCB)]),
            "",
            "whether other offers than the best are tried now and then, to learn about them: `thompson` draws each learned propensity from what is known of it, `random` takes any one, all alike",
        ),
        may(
            "at_least",
            One(Leaf::Number(f64::NEG_INFINITY, f64::INFINITY)),
            "",
            "the lowest score with which an offer is shown, unless it is mandatory; before anything is drawn to explore",
        ),
    ],
};
static EPSILON: Object = Object {
    name: "exploration by chance",
    doc: "With this probability any one of the offers that are left is taken.",
    marks: &["epsilon_greedy"],
    fields: &[must("epsilon_greedy", One(Leaf::Number(0.0, 1.0)), "the probability, above 0 and below 1")],
};
static UCB: Object = Object {
    name: "exploration by confidence",
    doc: "Each learned propensity is as high as it may well be.",
    marks: &["ucb"],
    fields: &[must("ucb", One(Leaf::Number(0.0, 1e6)), "how many times the width of what is not known is added, above 0")],
};
static DIVERSITY: Object = Object {
    name: "diversity",
    doc: "At most so many offers of one kind.",
    marks: &[],
    fields: &[
        must("by", One(Leaf::Word(&["group", "category", "dimension", "incentive"])), "what offers are told apart by"),
        must("at_most", One(Leaf::Whole(1, 100)), "how many of one kind; offers of no kind are not counted"),
        may("within", One(Leaf::Word(&["placement", "request"])), "\"placement\"", "where they are counted"),
    ],
};
static DIVERSITIES: [Shape; 2] = [Obj(&DIVERSITY), List(&DIVERSITY_ITEM)];
static DIVERSITY_ITEM: Shape = Obj(&DIVERSITY);

const FACTOR: Shape =
    Either(&[One(Leaf::Rule), Obj(&COLUMN_FACTOR), Obj(&LEARNED_FACTOR), Obj(&WEIGHTS_FACTOR), Obj(&FACTOR_OBJECT)]);
static COLUMN_FACTOR: Object = Object {
    name: "factor out of a column",
    doc: "A factor that comes with the request, a number for each offer.",
    marks: &["column"],
    fields: &[
        must("column", One(Leaf::Text), "the name of the column"),
        may(
            "prior",
            One(Leaf::Number(f64::NEG_INFINITY, f64::INFINITY)),
            "",
            "what counts when the request has no number for the offer; without it the offer drops out then",
        ),
    ],
};
static WEIGHT: Shape = Obj(&WEIGHT_OBJECT);
static WEIGHT_OBJECT: Object = Object {
    name: "weight",
    doc: "What a condition adds to a factor.",
    marks: &[],
    fields: &[
        must("when", One(Leaf::Rule), "the condition"),
        must("add", One(Leaf::Number(-1e9, 1e9)), "how many hundredths are added when it is true"),
    ],
};
static WEIGHTS_FACTOR: Object = Object {
    name: "factor of weights",
    doc: "A factor of weights that add up: 1 + their sum / 100.",
    marks: &["weights"],
    fields: &[
        must("weights", List(&WEIGHT), "the weights; of those whose condition is true the sum counts"),
        may(
            "prior",
            One(Leaf::Number(f64::NEG_INFINITY, f64::INFINITY)),
            "",
            "what counts when a condition is unknown; without it the offer drops out then",
        ),
    ],
};
static DIMENSION_NAME: Shape = One(Leaf::Reference("a dimension"));
static LEARNED_BY: [Shape; 2] = [One(Leaf::Reference("a dimension")), List(&DIMENSION_NAME)];
static LEARNED_FACTOR: Object = Object {
    name: "learned factor",
    doc: "A rate that is learned from trends: the mean of the posterior of a Beta prior.",
    marks: &["learned"],
    fields: &[
        must("learned", One(Leaf::Word(&OUTCOMES)), "the outcome that is a success, such as `clicked`"),
        may("of", One(Leaf::Word(&OUTCOMES)), "\"shown\"", "the outcome that is a trial"),
        may(
            "trend",
            One(Leaf::Reference("a trend")),
            "\"outcomes\"",
            "where they were counted: a trend with `count: outcome` and the dimension `outcome`",
        ),
        may(
            "by",
            one_or_more(&LEARNED_BY),
            "\"offer\"",
            "dimensions of the trend by which rates are told apart; `segment` takes all segments of the customer together",
        ),
        may("half_life", One(Leaf::Duration), "", "after this time a count is worth half; that of the trend when not declared"),
        may("prior", One(Leaf::Number(0.0, 1.0)), "0.5", "the rate before anything was counted, above 0 and below 1"),
        may("weight", One(Leaf::Number(0.0, 1e9)), "2", "how many trials the prior counts as, above 0"),
    ],
};
static FACTOR_OBJECT: Object = Object {
    name: "factor",
    doc: "A factor of an offer's score.",
    marks: &[],
    fields: &[
        must("value", One(Leaf::Rule), "an expression that gives a number"),
        may(
            "prior",
            One(Leaf::Number(f64::NEG_INFINITY, f64::INFINITY)),
            "",
            "what counts when the expression is unknown; without it the offer drops out then",
        ),
    ],
};
static TREATMENT: Object = Object {
    name: "treatment",
    doc: "The form of an offer for a channel.",
    marks: &[],
    fields: &[
        must(
            "message",
            Either(&[One(Leaf::Text), List(&WORDING)]),
            "a template; `{{ name }}` stands for a value of `with`; or a list of wordings, of which the closest is taken",
        ),
        may("headers", Names(&One(Leaf::Text)), "", "templates of single lines that go with the message, such as `subject`"),
        may("with", Names(&SHOWN), "", "the values that the message may show"),
        MINIMUM,
        OBEYS,
        COUNTS,
    ],
};
static WORDING: Shape = Either(&[One(Leaf::Text), Obj(&WORDING_OBJECT)]);
static STAGE_TEXT: Shape = One(Leaf::Text);
static WORDING_OBJECT: Object = Object {
    name: "wording",
    doc: "One wording of several of a message. All that it asks for has to hold; of several that fit, the one that asks for most is taken.",
    marks: &[],
    fields: &[
        must("text", One(Leaf::Text), "a template"),
        may("language", One(Leaf::Text), "", "the language in which it is, such as `de` or `pt-br`"),
        may("address", One(ADDRESS), "", "the form of address that it takes"),
        may("appeal", One(APPEAL), "", "what it appeals to"),
        may("stage", Either(&[One(Leaf::Text), List(&STAGE_TEXT)]), "", "the stages for which it is, one or a list"),
        may("returning", One(Leaf::Bool), "", "whether it is for those who come back; false for those who are new"),
        may("when", One(Leaf::Rule), "", "a condition; unknown is no"),
        may("headers", Names(&One(Leaf::Text)), "", "headers of this wording, in place of those of the treatment"),
    ],
};
const ADDRESS: Leaf = Leaf::Word(&["formal", "informal"]);
const APPEAL: Leaf = Leaf::Word(&["emotional", "factual"]);
static VOICE: Object = Object {
    name: "voice",
    doc: "How the brand speaks to a customer.",
    marks: &[],
    fields: &[
        may("language", One(Leaf::Rule), "", "an expression that gives the customer's language, such as `de` or `pt-br`"),
        may(
            "default_language",
            One(Leaf::Text),
            "\"en\"",
            "the language when the customer's is unknown, or nothing is written in it",
        ),
        may(
            "address",
            One(Leaf::Rule),
            "",
            "an expression that gives the form of address that the customer stated: `formal` or `informal`",
        ),
        may("default_address", One(ADDRESS), "\"formal\"", "the form of address when the customer stated none"),
        may("title", One(Leaf::Rule), "", "an expression that gives the title, such as `Dr.` or `Ms`"),
        may("given_name", One(Leaf::Rule), "", "an expression that gives the first name"),
        may("family_name", One(Leaf::Rule), "", "an expression that gives the family name"),
        may("nickname", One(Leaf::Rule), "", "an expression that gives the name that the customer wants to be called by"),
        may(
            "suffix",
            One(Leaf::Rule),
            "",
            "an expression that gives what follows the family name in Chinese, Japanese and Korean; the title when not declared",
        ),
        may(
            "stage",
            One(Leaf::Rule),
            "",
            "an expression that gives the stage of the journey, such as `journey(\"lifecycle\").stage`",
        ),
        may(
            "returning",
            One(Leaf::Rule),
            "",
            "whether the customer comes back; by default when anything happened before the present session",
        ),
        may("appeal", Names(&One(APPEAL)), "", "by persona what messages appeal to"),
        may("default_appeal", One(APPEAL), "", "what messages appeal to when no persona tells"),
        may("greetings", Names(&Obj(&GREETING)), "", "by language; messages show `{{ greeting }}`"),
    ],
};
static GREETING: Object = Object {
    name: "greeting",
    doc: "How to greet in a language.",
    marks: &[],
    fields: &[
        must("formal", One(Leaf::Text), "with title and family name, which stand for `{{ name }}`"),
        must("informal", One(Leaf::Text), "with nickname or first name, which stands for `{{ name }}`"),
        must("without_name", One(Leaf::Text), "when the name is not known"),
    ],
};
static SHOWN: Shape = Either(&[One(Leaf::Rule), Obj(&SHOWN_OBJECT)]);
static SHOWN_OBJECT: Object = Object {
    name: "shown value",
    doc: "A value that a message may show.",
    marks: &[],
    fields: &[
        must("value", One(Leaf::Rule), "an expression"),
        may("missing", One(Leaf::Text), "", "what is shown when the value is unknown; without it the offer drops out then"),
    ],
};

static PLACEMENT: Object = Object {
    name: "placement",
    doc: "A slot at a touchpoint that asks for offers.",
    marks: &[],
    fields: &[
        may("title", One(Leaf::Text), "", TITLE),
        must("channel", One(Leaf::Reference("a channel")), "the channel of its messages"),
        may("slots", One(Leaf::Whole(1, 100)), "1", "how many offers it takes, 1 to 100"),
        may(
            "purposes",
            one_or_more(&PURPOSES),
            "",
            "all of them must be permitted before anything is chosen for a customer; else the fallback is shown",
        ),
        READS,
        may(
            "assurance",
            One(ASSURANCE),
            "",
            "how sure the request has to be who is there for anything to be chosen; below it the fallback is shown",
        ),
        may(
            "fallback",
            Either(&[One(Leaf::Text), Obj(&FALLBACK)]),
            "",
            "what is shown when no offer is left; silence when not declared",
        ),
        may("arbitration", Obj(&ARBITRATION), "", "how its offers are ranked; as the playbook says when not declared"),
        may("repeats", One(Leaf::Bool), "false", "whether it may show what another placement of the same request shows"),
        may("diversity", Either(&DIVERSITIES), "", "at most so many offers of one kind; one rule or several, which all hold"),
    ],
};
static FALLBACK: Object = Object {
    name: "fallback",
    doc: "What a placement shows when no offer is left.",
    marks: &[],
    fields: &[
        must("message", One(Leaf::Text), "plain text, the same for everybody"),
        may("purposes", one_or_more(&PURPOSES), "", "all of them must be permitted"),
        may("from", One(Leaf::Instant), "", "the first instant of its validity"),
        may("until", One(Leaf::Instant), "", "the first instant after its validity"),
    ],
};

static FOREIGN_NAME: Shape = One(Leaf::Text);
static FOREIGN: Shape = Either(&[One(Leaf::Text), List(&FOREIGN_NAME)]);

static INTAKE: Object = Object {
    name: "intake",
    doc: "What messages of other systems call things. Names count in any spelling: `Order Completed` is `order_completed`.",
    marks: &[],
    fields: &[
        may(
            "user_id",
            One(Leaf::Reference("a namespace")),
            "",
            "the namespace of `userId`; without it the first that is not anonymous",
        ),
        may(
            "anonymous_id",
            One(Leaf::Reference("a namespace")),
            "",
            "the namespace of `anonymousId`; without it the first that is anonymous",
        ),
        may("events", Names(&FOREIGN), "", "by event type what others call it, one name or a list"),
        may(
            "properties",
            Names(&FOREIGN),
            "",
            "by property where others have it: a key, or a path such as `context.campaign.source`; one or a list",
        ),
        may(
            "attributes",
            Names(&FOREIGN),
            "",
            "by attribute where others have it: a trait, or a path such as `context.timezone`; one or a list",
        ),
        may("purposes", Names(&FOREIGN), "", "by purpose the categories that others ask consent for; one or a list"),
    ],
};
