//! The shape of what pushes and of what asks: reactions, feedback and questions.

use super::contact::SCOPE;
use super::{EVENTS, PROPERTY_NAME, SEGMENT_NAMES, TITLE, may, must, one_or_more};
use crate::playbook::questions::Scale;
use crate::playbook::reactions::Sentiment;
use crate::playbook::shape::Shape::{Leaf as One, List};
use crate::playbook::shape::{Leaf, Object, Shape};

static OFFER_NAME: Shape = One(Leaf::Reference("an offer"));
static OFFER_NAMES: [Shape; 2] = [One(Leaf::Reference("an offer")), List(&OFFER_NAME)];
static GROUP_NAME: Shape = One(Leaf::Reference("a group"));
static GROUP_NAMES: [Shape; 2] = [One(Leaf::Reference("a group")), List(&GROUP_NAME)];
static WATCH_NAME: Shape = One(Leaf::Reference("a watch"));
static WATCH_NAMES: [Shape; 2] = [One(Leaf::Reference("a watch")), List(&WATCH_NAME)];
static TOLD_NAME: Shape = One(Leaf::Reference("an attribute"));
static TOLD_NAMES: [Shape; 2] = [One(Leaf::Reference("an attribute")), List(&TOLD_NAME)];
static PATH_NAME: Shape = One(Leaf::Text);
static PATH_NAMES: [Shape; 2] = [One(Leaf::Text), List(&PATH_NAME)];
const ANY: f64 = f64::INFINITY;

pub(super) static REACTION: Object = Object {
    name: "reaction",
    doc: "A rule that pushes: when it is triggered, an effect proposes a decision.",
    marks: &[],
    fields: &[
        may("title", One(Leaf::Text), "", TITLE),
        may("on", one_or_more(&EVENTS), "", "triggered by an event of these types"),
        may("where", One(Leaf::Rule), "true", "only by events of `on` for which it is true; reads them as `event.<property>`"),
        may("enters", one_or_more(&SEGMENT_NAMES), "", "triggered when the customer comes into one of these segments"),
        may("leaves", one_or_more(&SEGMENT_NAMES), "", "triggered when the customer goes out of one of these segments"),
        may(
            "stage",
            one_or_more(&PATH_NAMES),
            "",
            "triggered when the customer comes into a stage, `<journey>.<stage>`, or any of a journey, `<journey>`",
        ),
        may("watch", one_or_more(&WATCH_NAMES), "", "triggered when a watched fact changes"),
        may("told", one_or_more(&TOLD_NAMES), "", "triggered when one of these attributes is told, the same value included"),
        may("when", One(Leaf::Rule), "", "triggered when this becomes true; reads the customer and `now` only"),
        may("due", One(Leaf::Rule), "", "triggered when the instant comes that this gives; reads the customer and `now` only"),
        may(
            "feedback",
            One(Leaf::Reference("a feedback")),
            "",
            "triggered by feedback of this name that sounds like `sentiment`",
        ),
        may("sentiment", One(Leaf::Word(&Sentiment::WORDS)), "\"negative\"", "how the feedback has to sound"),
        may("if", One(Leaf::Rule), "true", "has to be true at the instant of the proposal; reads the customer and `now` only"),
        may("after", One(Leaf::Duration), "", "proposed so long after each trigger; at once without it"),
        may(
            "debounce",
            One(Leaf::Duration),
            "",
            "triggers less far apart are one, and it is proposed so long after the last of them",
        ),
        may("at_latest", One(Leaf::Duration), "", "with `debounce`: proposed at the latest so long after the first trigger"),
        may("pause", One(Leaf::Duration), "", "after a proposal nothing is proposed for so long"),
        may("cancel", one_or_more(&EVENTS), "", "events of these types take back what waits"),
        may(
            "same",
            PROPERTY_NAME,
            "",
            "a property of the events of `on` and `cancel`: what differs in it is triggered, waits and is cancelled apart",
        ),
        may("placement", One(Leaf::Reference("a placement")), "", "where a decision is proposed; the effect tells its channel"),
        may(
            "offers",
            one_or_more(&OFFER_NAMES),
            "",
            "the only offers that are looked at; any of the placement when not declared",
        ),
        may("groups", one_or_more(&GROUP_NAMES), "", "offers of these groups are looked at too"),
        may("valid_for", One(Leaf::Duration), "", "how long the proposal stands; the effect tells `not_after`"),
        may("priority", One(Leaf::Whole(i64::MIN, i64::MAX)), "0", "larger ones come first, at one instant and in the queue"),
    ],
};

pub(super) static FEEDBACK_RULE: Object = Object {
    name: "feedback",
    doc: "What customers say of the organisation, and what follows when it is negative.",
    marks: &[],
    fields: &[
        may("title", One(Leaf::Text), "", TITLE),
        must("on", one_or_more(&EVENTS), "the event types that are feedback: ratings, complaints, reviews"),
        may("score", PROPERTY_NAME, "", "the property that says how content somebody is; without it all of it is negative"),
        may("negative", One(Leaf::Number(-ANY, ANY)), "", "up to this score it is negative"),
        may("positive", One(Leaf::Number(-ANY, ANY)), "", "from this score on it is positive"),
        may(
            "same",
            PROPERTY_NAME,
            "",
            "the property that tells cases apart, such as a ticket; without it one answer is for all",
        ),
        may("topic", PROPERTY_NAME, "", "the property that says what it is about, a text; for trends that count `feedback`"),
        may(
            "region",
            PROPERTY_NAME,
            "",
            "the property that says from where it comes, a text; the region where the event happened when not declared",
        ),
        may("resolved_by", one_or_more(&EVENTS), "", "event types that end a case of negative feedback"),
        may("time_out", One(Leaf::Duration), "", "after this time a case ends by itself"),
        may("respond_within", One(Leaf::Duration), "", "how long an answer may take; an effect tells when it is missed"),
        may("answered_by", one_or_more(&EVENTS), "", "event types that are an answer, beside those of `resolved_by`"),
        may(
            "hold",
            SCOPE,
            "",
            "the offers that are held back while a case is open: a scope of contact rules, such as `tag(promotion)`",
        ),
    ],
};

static ANSWER: Object = Object {
    name: "answer",
    doc: "Where the host tells the answer to a question: events of its own type are facts about the attribute, stated by the customer.",
    marks: &[],
    fields: &[
        must("on", One(Leaf::Reference("an event type")), "the event type"),
        must(
            "property",
            PROPERTY_NAME,
            "its property that is the answer; events without it, or with a value that does not fit, are none",
        ),
    ],
};

pub(super) static QUESTION: Object = Object {
    name: "question",
    doc: "What an offer asks the customer, and when.",
    marks: &[],
    fields: &[
        must(
            "attribute",
            One(Leaf::Reference("an attribute")),
            "the attribute that the answer becomes, as stated by the customer",
        ),
        may(
            "scale",
            One(Leaf::Word(&Scale::WORDS)),
            "",
            "what an answer may be: `nps` 0 to 10, `csat` 1 to 5, `ces` 1 to 7; whatever the attribute takes when not declared",
        ),
        may(
            "after",
            one_or_more(&EVENTS),
            "",
            "event types of a touchpoint: it is asked after the latest, until that is answered",
        ),
        may(
            "answer",
            Shape::Object(&ANSWER),
            "",
            "the host's own event type that is the answer, beside `attribute_set`: read from the story as a fact that was stated",
        ),
        may("delay", One(Leaf::Duration), "", "asked from so long after the touchpoint on"),
        may("within", One(Leaf::Duration), "", "asked until so long after the touchpoint; for ever when not declared"),
        may(
            "every",
            One(Leaf::Duration),
            "",
            "asked again so long after the answer; without it and `after` only while the attribute is unknown",
        ),
        may("retry", One(Leaf::Duration), "", "without an answer not asked again before so long after it was sent or shown"),
        may("at_most", One(Leaf::Whole(1, 1_000_000)), "", "how often it is sent or shown without an answer"),
        may(
            "sample",
            One(Leaf::Text),
            "\"100%\"",
            "how many customers are asked, such as `10%`; with `every` others in each period of that length, from 1970 on",
        ),
    ],
};
