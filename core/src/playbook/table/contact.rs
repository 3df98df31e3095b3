//! The shape of what says whom to leave alone: contact rules, groups of offers, and where offers are valid.

use super::ranking::WEIGHTS_FACTOR;
use super::{EVENTS, GATE, PURPOSES, TITLE, may, must, one_or_more};
use crate::playbook::groups::Owner;
use crate::playbook::quiet::DAYS;
use crate::playbook::shape::Shape::{Either, Leaf as One, List, Names, Object as Obj};
use crate::playbook::shape::{Field, Leaf, Object, Shape};

static WORD: Shape = One(Leaf::Text);
static WORDS: [Shape; 2] = [One(Leaf::Text), List(&WORD)];
static RULE_NAME: Shape = One(Leaf::Text);
static SWITCH: [Shape; 3] = [One(Leaf::Bool), One(Leaf::Text), List(&RULE_NAME)];

pub(super) const OWNER: Field =
    may("owner", One(Leaf::Word(&Owner::WORDS)), "", "who stands behind it; contact rules may hold back what others own");
pub(super) const TAGS: Field =
    may("tags", one_or_more(&WORDS), "", "words by which contact rules count; outcomes of a decision keep those of their time");
pub(super) const WHERE: Field = may(
    "where",
    Obj(&AREA),
    "",
    "where it is valid, any of these; it is not applicable while the customer's position is unknown or too old",
);
pub(super) const OBEYS: Field =
    may("obeys", Either(&SWITCH), "true", "whether contact rules hold it back: truth value, or the names of those that do");
pub(super) const COUNTS: Field =
    may("counts", Either(&SWITCH), "true", "whether contact rules count it: truth value, or the names of those that do");

static STORE_NAME: Shape = One(Leaf::Reference("a store"));
static STORES: [Shape; 2] = [One(Leaf::Reference("a store")), List(&STORE_NAME)];
static NEAR_ITEM: Shape = Obj(&NEAR);
static AREA: Object = Object {
    name: "area",
    doc: "Where an offer is valid: anywhere of what is listed.",
    marks: &[],
    fields: &[
        may("countries", one_or_more(&WORDS), "", "countries, as events tell them"),
        may("regions", one_or_more(&WORDS), "", "regions, as events and stores tell them"),
        may("cities", one_or_more(&WORDS), "", "cities, as events tell them"),
        may("stores", one_or_more(&STORES), "", "stores, where the customer is"),
        may("near", Either(&[Obj(&NEAR), List(&NEAR_ITEM)]), "", "around stores or points"),
    ],
};
static NEAR: Object = Object {
    name: "neighbourhood",
    doc: "Around a store or a point; it needs one of them.",
    marks: &[],
    fields: &[
        may("store", One(Leaf::Reference("a store")), "", "the store in the middle"),
        may("point", One(Leaf::Any), "", "the middle: latitude and longitude in degrees"),
        must("within", One(Leaf::Text), "how far at most, in a straight line, such as `500m`, `2.5km` or `2mi`"),
    ],
};

pub(super) const OFFER_VALUES: Field = may(
    "attributes",
    Names(&One(Leaf::Any)),
    "",
    "values of what `offer_attributes` declares; those of a group hold for its offers that say nothing else",
);

pub(super) static GROUP: Object = Object {
    name: "group",
    doc: "What holds for all offers of a group, beside what each says itself.",
    marks: &[],
    fields: &[
        may("title", One(Leaf::Text), "", TITLE),
        may(
            "of",
            One(Leaf::Reference("a group")),
            "",
            "the group that it is a part of, declared before it; what that says holds here too",
        ),
        may(
            "purposes",
            one_or_more(&PURPOSES),
            "",
            "the purposes of its offers that declare none; all of them must be permitted",
        ),
        OWNER,
        TAGS,
        may("from", One(Leaf::Instant), "", "the first instant of its validity"),
        may("until", One(Leaf::Instant), "", "the first instant after its validity"),
        WHERE,
        may("eligible", GATE, "true", "whether the customer may have any of it at all"),
        may("applicable", GATE, "true", "whether any of it makes sense for the customer now"),
        may("suitable", GATE, "true", "whether any of it is good for the customer"),
        OBEYS,
        COUNTS,
        may("context", Obj(&WEIGHTS_FACTOR), "", "weights that add up with those in `context` of its offers"),
        may("lever", Obj(&WEIGHTS_FACTOR), "", "weights that add up with those in `lever` of its offers"),
        OFFER_VALUES,
    ],
};

pub(super) static CONTACT: Shape = Either(&[Obj(&QUIET), Obj(&WHILE), Obj(&FATIGUE), Obj(&GAP), Obj(&PAUSE), Obj(&CAP)]);

pub(super) static JOURNEY_CAP: Shape = Either(&[Obj(&AT_ONCE), Obj(&ENTRIES)]);

const NAME: Field =
    may("name", One(Leaf::Text), "", "its name in explanations; `contact.<n>`, counted from 0, when not declared");
const ONE: Shape = One(Leaf::Pattern(
    r"^(offer|group|item|placement|channel|everything|(offer|group|tag|owner|channel|placement)s? *\( *[A-Za-z0-9_]+ *(, *[A-Za-z0-9_]+ *)*\))$",
    "a scope such as `offer`, `everything` or `channels(email, push)`",
));
static ONE_SCOPE: Shape = ONE;
static SCOPES: [Shape; 2] = [ONE, List(&ONE_SCOPE)];
pub(super) const SCOPE: Shape = Either(&SCOPES);
const ABOUT: Field = may("scope", SCOPE, "\"everything\"", "what it is about");
const TAGS_OF: Field = may(
    "tags",
    One(Leaf::Word(&["sent", "now"])),
    "\"sent\"",
    "with a scope of tags: whether those count that an offer had when it was sent, or those it has now",
);
const ZONE: Field =
    may("zone", One(Leaf::Text), "\"customer\"", "by whose clock: `customer`, `playbook`, or a zone such as `UTC`");
const UNKNOWN_ZONE: Field = may(
    "unknown_zone",
    One(Leaf::Text),
    "\"playbook\"",
    "what holds while the customer's zone is unknown: that of the `playbook` or another zone counts, `hold` what it is about, or `ignore` the rule",
);
const SUBJECT: Field = may(
    "subject",
    One(Leaf::Reference("a relation")),
    "\"customer\"",
    "whose events are counted: `customer`, or a relation with a group, whose members and group count together",
);
const CAP_SUBJECT: Field = may(
    "subject",
    One(Leaf::Reference("a relation")),
    "\"customer\"",
    "whose events are counted: `customer`, `all customers`, or a relation with a group, whose members and group count together",
);
const COUNTED: &str = "an outcome, an event type, a list of these, or `any` outcome";

static PAUSE: Object = Object {
    name: "pause",
    doc: "A pause after an outcome, or after several within a time.",
    marks: &["pause", "after"],
    fields: &[
        NAME,
        must(
            "after",
            one_or_more(&EVENTS),
            "what begins the pause: an outcome, an event type, a list of these, or `any` outcome",
        ),
        may("times", One(Leaf::Whole(1, 1_000)), "1", "how many of them begin it"),
        may("within", One(Leaf::Duration), "", "in which time they happen, when `times` is more than 1"),
        must("scope", SCOPE, "what is paused"),
        TAGS_OF,
        SUBJECT,
        must("pause", Either(&[One(Leaf::Duration), One(Leaf::Word(&["forever"]))]), "how long, or `forever`"),
    ],
};
static GAP: Object = Object {
    name: "gap",
    doc: "The least time between any two contacts.",
    marks: &["gap"],
    fields: &[
        NAME,
        must("gap", One(Leaf::Duration), "how long nothing follows a contact, in the same decision neither"),
        may("between", one_or_more(&EVENTS), "\"shown\"", COUNTED),
        ABOUT,
        TAGS_OF,
        SUBJECT,
    ],
};
const WINDOW: Shape = One(Leaf::Pattern(
    r"^(rolling +\S+|hour|day|days\( *[0-9]+ *\)|week|week\( *[a-z]+ *\)|month|every( +[0-9]+)? +(hour|day|week|month)s?( +since +[0-9]{4}-[0-9]{2}-[0-9]{2})?|session|lifetime)$",
    "`rolling <duration>`, `hour`, `day`, `days(2)`, `week`, `week(sunday)`, `month`, `every 2 weeks`, `session` or `lifetime`",
));
static CAP: Object = Object {
    name: "cap",
    doc: "At most so many counted events per window.",
    marks: &[],
    fields: &[
        NAME,
        must("count", one_or_more(&EVENTS), COUNTED),
        must("scope", SCOPE, "what is counted together"),
        TAGS_OF,
        must(
            "at_most",
            Either(&[One(Leaf::Whole(0, u32::MAX as i64)), One(Leaf::Rule)]),
            "how many, 0 for never; or an int expression that says it for each customer, which holds everything back while it is unknown",
        ),
        CAP_SUBJECT,
        must("per", WINDOW, "the window; a week begins on the playbook's `week_begins` unless it names a day"),
        ZONE,
        UNKNOWN_ZONE,
    ],
};
static QUIET: Object = Object {
    name: "quiet time",
    doc: "Hours in which nobody is contacted, on channels that contact.",
    marks: &["quiet"],
    fields: &[
        NAME,
        must(
            "quiet",
            Either(&[One(Leaf::Text), Obj(&QUIET_HOURS)]),
            "from when to when, such as `21:00-08:00`, or by day; hours belong to the day on which they begin",
        ),
        may("days", one_or_more(&DAY_NAMES), "", "the days on which they begin; every day when not declared"),
        may(
            "then",
            One(Leaf::Word(&["hold", "move", "drop"])),
            "\"hold\"",
            "what becomes of a message: it waits and the answer says until when, it moves to the nearest instant outside, or it is dropped",
        ),
        ABOUT,
        ZONE,
        UNKNOWN_ZONE,
    ],
};
const DAY: Leaf = Leaf::Word(&DAYS);
static DAY_NAME: Shape = One(DAY);
static DAY_NAMES: [Shape; 2] = [One(DAY), List(&DAY_NAME)];
const QUIET_TEXT: Shape = One(Leaf::Text);
static QUIET_DATE: Shape = One(Leaf::Text);
static QUIET_DATES: [Shape; 2] = [One(Leaf::Text), List(&QUIET_DATE)];
static QUIET_HOURS: Object = Object {
    name: "quiet hours",
    doc: "Quiet hours by the day on which they begin: `21:00-08:00`, several with commas between, or `none`; and by date.",
    marks: &[],
    fields: &[
        may("daily", QUIET_TEXT, "", "those of every day that has none of its own"),
        may("weekdays", QUIET_TEXT, "", "those that begin on Monday to Friday"),
        may("weekend", QUIET_TEXT, "", "those that begin on Saturday and Sunday"),
        may("mon", QUIET_TEXT, "", "those that begin on Monday"),
        may("tue", QUIET_TEXT, "", "those that begin on Tuesday"),
        may("wed", QUIET_TEXT, "", "those that begin on Wednesday"),
        may("thu", QUIET_TEXT, "", "those that begin on Thursday"),
        may("fri", QUIET_TEXT, "", "those that begin on Friday"),
        may("sat", QUIET_TEXT, "", "those that begin on Saturday"),
        may("sun", QUIET_TEXT, "", "those that begin on Sunday"),
        may(
            "dates",
            one_or_more(&QUIET_DATES),
            "",
            "beside these those of dates: `2026-12-24`, `12-25` for every year, or `12-24..12-26`; all day, or the hours after it, such as `12-24 14:00-24:00`",
        ),
    ],
};
/// A factor or cost from 0 on.
const FACTOR: Shape = One(Leaf::Amount(1e6));
static COST: Shape = FACTOR;
static FATIGUE: Object = Object {
    name: "fatigue budget",
    doc: "How much a customer bears: contacts and rejections spend it, time gives it back.",
    marks: &["fatigue"],
    fields: &[
        NAME,
        must("fatigue", One(Leaf::Number(0.0, 1e6)), "the budget; a contact that would spend more is held back"),
        must("half_life", One(Leaf::Duration), "after this time half of what was spent is there again"),
        may("costs", Names(&COST), "", "what a contact costs, by channel"),
        may("otherwise", FACTOR, "1", "what a contact costs on other channels"),
        may("sensitivity", Obj(&SENSITIVITY), "", "factors by the most sensitive data about the customer that an offer reads"),
        may(
            "spend",
            Names(&COST),
            "",
            "factors by outcome, others spend nothing; `shown` and `rejected` with 1 when not declared",
        ),
        ABOUT,
        TAGS_OF,
        SUBJECT,
    ],
};
static SENSITIVITY: Object = Object {
    name: "sensitivity factors",
    doc: "How much more a contact costs because of what its offer reads.",
    marks: &[],
    fields: &[
        may("public", FACTOR, "1", "for offers that read nothing about the customer, or only what is public"),
        may("personal", FACTOR, "1", "for offers that read personal data"),
        may("special", FACTOR, "1", "for offers that read special data"),
    ],
};
static WHILE: Object = Object {
    name: "restraint",
    doc: "Nothing while a condition holds, such as an open ticket.",
    marks: &["while"],
    fields: &[
        NAME,
        must("while", One(Leaf::Rule), "the condition; like other prohibitions it may read anything about the customer"),
        may("when_unknown", One(Leaf::Bool), "true", "what the condition counts as when it is unknown"),
        ABOUT,
    ],
};

static JOURNEY_NAME: Shape = One(Leaf::Reference("a journey"));
static JOURNEYS: [Shape; 2] = [One(Leaf::Reference("a journey")), List(&JOURNEY_NAME)];
const CAPPED: Field = may(
    "journeys",
    one_or_more(&JOURNEYS),
    "",
    "the journeys that count together and obey; without it all that have no `key` and are not inside of another",
);
const CAP_NAME: Field =
    may("name", One(Leaf::Text), "", "its name in effects; `journey_caps.<n>`, counted from 0, when not declared");
static AT_ONCE: Object = Object {
    name: "cap of journeys at once",
    doc: "In how many journeys a customer is at one time. Whoever would come into more does not come in.",
    marks: &["at_once"],
    fields: &[CAP_NAME, CAPPED, must("at_once", One(Leaf::Whole(1, u32::MAX as i64)), "in how many")],
};
static ENTRIES: Object = Object {
    name: "cap of entries",
    doc: "How often a customer comes into journeys in a window. Whoever would come in more often does not come in.",
    marks: &[],
    fields: &[
        CAP_NAME,
        CAPPED,
        must("at_most", One(Leaf::Whole(1, u32::MAX as i64)), "how often"),
        must("per", WINDOW, "the window; no `session`"),
        ZONE,
        UNKNOWN_ZONE,
    ],
};
