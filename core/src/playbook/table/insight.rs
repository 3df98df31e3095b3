//! The shape of what is concluded about a customer: personas, needs, preferences, what is unusual, watches.

use super::labels::{DECLASSIFY_KEY, LABEL_REVEAL, NARROW_PURPOSES, NARROW_SENSITIVITY};
use super::{EVENTS, SEGMENT_NAMES, TITLE, may, must, one_or_more};
use crate::playbook::preferences::UnusualTest;
use crate::playbook::shape::Shape::{Either, Leaf as One, List, Names, Object as Obj};
use crate::playbook::shape::{Field, Leaf, Object, Shape};

pub(super) static PERSONA: Object = Object {
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

pub(super) static NEED: Object = Object {
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

pub(super) static SEARCHES: Object = Object {
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

pub(super) static PROBLEM: Object = Object {
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

pub(super) static PREFERENCE: Object = Object {
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

pub(super) static UNUSUAL: Object = Object {
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

pub(super) const SHARE: Leaf = Leaf::Pattern("^[0-9]{1,3}(\\.[0-9]{1,2})?%$", "a share such as `5%`");

pub(super) static DETECTS: Object = Object {
    name: "detects",
    doc: "The change that an experiment is to show in 80 of 100 cases.",
    marks: &[],
    fields: &[
        must("customers", One(Leaf::Whole(1, 1_000_000_000_000)), "how many customers are expected while it runs"),
        must("rate", One(SHARE), "how many of them do what counts when nothing is changed"),
        must("change", One(SHARE), "by how much that differs, in points"),
    ],
};

pub(super) static WATCH: Shape = Either(&[One(Leaf::Rule), Obj(&WATCH_OBJECT)]);

static WATCH_OBJECT: Object = Object {
    name: "watch",
    doc: "A fact whose changes are told as effects.",
    marks: &[],
    fields: &[
        must("value", One(Leaf::Rule), "what is watched; reads the customer and `now` only"),
        may("title", One(Leaf::Text), "", TITLE),
    ],
};

pub(super) static PREDICT: Object = Object {
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
