//! The shape of what can be suggested: the catalog, suggestions, and the trends they read.

use super::facts::TYPE_ENUM;
use super::{EVENTS, PROPERTY_NAME, SEGMENT_NAMES, may, must, one_or_more};
use crate::playbook::shape::Shape::{Either, Leaf as One, List, Names, Object as Obj};
use crate::playbook::shape::{Leaf, Object, Shape};

static DIMENSION: Shape = One(Leaf::Reference("a dimension"));
static DIMENSIONS: [Shape; 2] = [One(Leaf::Reference("a dimension")), List(&DIMENSION)];

pub(super) static TREND: Object = Object {
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

pub(super) static CATALOG: Object = Object {
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

pub(super) static SUGGESTION_NAME: Shape = One(Leaf::Reference("a suggestion"));
static SUGGESTION_NAMES: [Shape; 2] = [One(Leaf::Reference("a suggestion")), List(&SUGGESTION_NAME)];

pub(super) static SUGGESTION: Object = Object {
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

pub(super) static OFFER_ITEMS: Object = Object {
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
