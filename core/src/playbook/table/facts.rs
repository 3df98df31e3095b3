//! The shape of facts: attributes, event types with their properties, facts of a request, segments, and what other systems call them.

use super::labels::{
    ASSURANCE, DECLASSIFY_KEY, LABEL_KIND, LABEL_PURPOSES, LABEL_REVEAL, LABEL_SENSITIVITY, NARROW_PURPOSES, NARROW_SENSITIVITY,
};
use super::{ATTRIBUTE_NAME, EVENT_NAME, PROPERTY_NAME, TITLE, may, must, one_or_more};
use crate::playbook::shape::Shape::{Either, Leaf as One, List, Names, Object as Obj};
use crate::playbook::shape::{Leaf, Object, Shape};

static ENUM_NAME: Shape = One(Leaf::Text);
pub(super) static SOURCE_NAME: Shape = One(Leaf::Text);
const CRITERION: Leaf = Leaf::Word(&["source", "origin", "confidence", "latest", "earliest"]);
static CRITERION_NAME: Shape = One(CRITERION);
static CRITERIA: [Shape; 2] = [One(CRITERION), List(&CRITERION_NAME)];

pub(super) static RENAMED: Object = Object {
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

static OLD_PROPERTY: Shape = PROPERTY_NAME;

pub(super) static TYPE_ENUM: Object = Object {
    name: "enum type",
    doc: "Text out of a declared set.",
    marks: &["enum"],
    fields: &[must("enum", List(&ENUM_NAME), "the words, in order")],
};

const TYPE: Shape = Either(&[One(Leaf::Type), Obj(&TYPE_ENUM)]);
const RETIRED: &str = "whether nothing tells it any more; rules that can be known only through it are warned of";
pub(super) static ATTRIBUTE: Shape = Either(&[One(Leaf::Type), Obj(&TYPE_ENUM), Obj(&ATTRIBUTE_OBJECT)]);

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

pub(super) static EVENT: Shape = Either(&[Obj(&EVENT_OBJECT), Names(&PROPERTY)]);

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

pub(super) static REQUEST: Shape = Either(&[One(Leaf::Type), Obj(&TYPE_ENUM), Obj(&REQUEST_OBJECT)]);

static REQUEST_OBJECT: Object = Object {
    name: "request fact",
    doc: "A fact that comes with a question.",
    marks: &[],
    fields: &[must("type", TYPE, "the type of its values"), may("retired", One(Leaf::Bool), "false", RETIRED)],
};

pub(super) static OFFER_ATTRIBUTE: Shape = Either(&[One(Leaf::Type), Obj(&TYPE_ENUM), Obj(&OFFER_ATTRIBUTE_OBJECT)]);

static OFFER_ATTRIBUTE_OBJECT: Object = Object {
    name: "attribute of offers",
    doc: "A declared fact about an offer.",
    marks: &[],
    fields: &[
        must("type", TYPE, "the type of its values"),
        may("title", One(Leaf::Text), "", TITLE),
        may("default", One(Leaf::Any), "", "what offers have that say nothing else, of the declared type"),
    ],
};

pub(super) static COMPUTED: Shape = Either(&[One(Leaf::Rule), Obj(&COMPUTED_TABLE), Obj(&COMPUTED_OBJECT)]);

static COMPUTED_TABLE: Object = Object {
    name: "computed table",
    doc: "A named value out of a decision table.",
    marks: &["rows"],
    fields: &[
        must("rows", List(&ROW), "the rows in order, at most 100"),
        may(
            "hit",
            One(Leaf::Word(&["first", "unique", "collect", "sum"])),
            "\"first\"",
            "what comes of the rows that are hit: the first gives the value, the only one does, a list of all, or their sum",
        ),
        may("title", One(Leaf::Text), "", TITLE),
    ],
};

static ROW: Shape = Obj(&ROW_OBJECT);

static ROW_OBJECT: Object = Object {
    name: "row",
    doc: "A row of a decision table.",
    marks: &[],
    fields: &[
        may("when", One(Leaf::Rule), "", "the row is hit when this is true, not when it is unknown; without it always"),
        must(
            "give",
            Either(&[One(Leaf::Rule), Names(&GIVEN)]),
            "what the row gives, an expression, all rows of one type; or several by name, in all rows the same, read as `computed.<table>.<name>`",
        ),
    ],
};

static GIVEN: Shape = One(Leaf::Rule);

static COMPUTED_OBJECT: Object = Object {
    name: "computed value",
    doc: "A named value.",
    marks: &[],
    fields: &[
        must("value", One(Leaf::Rule), "an expression of any type; where it is read it stands for itself"),
        may("title", One(Leaf::Text), "", TITLE),
    ],
};

pub(super) static SEGMENT: Shape = Either(&[One(Leaf::Rule), Obj(&SEGMENT_OBJECT)]);

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

static FOREIGN_NAME: Shape = One(Leaf::Text);
static FOREIGN: Shape = Either(&[One(Leaf::Text), List(&FOREIGN_NAME)]);

pub(super) static INTAKE: Object = Object {
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
        may(
            "group",
            One(Leaf::Reference("a relation")),
            "",
            "the relation with a household or account that a message `group` tells; the only one with a group when not declared",
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
