//! The shape of who a customer is and where: identifiers, relations, sessions, places.

use super::labels::{LABEL_PURPOSES, LABEL_REVEAL, LABEL_SENSITIVITY};
use super::{EVENTS, TITLE, may, must, one_or_more};
use crate::playbook::shape::Shape::{Either, Leaf as One, List, Names, Object as Obj};
use crate::playbook::shape::{Leaf, Object, Shape};

pub(super) static SESSIONS: Object = Object {
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

pub(super) static LOCATIONS: Object = Object {
    name: "location setting",
    doc: "How positions are read.",
    marks: &[],
    fields: &[may("ttl", One(Leaf::Duration), "", "how long a position is known; for ever when not declared")],
};

pub(super) static STORE: Object = Object {
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

pub(super) static NAMESPACE: Object = Object {
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

pub(super) static IDENTITY_LIMITS: Object = Object {
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

pub(super) static RELATION: Object = Object {
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
