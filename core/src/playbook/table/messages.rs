//! The shape of messages: channels, wordings, the voice, and the placements that ask for them.

use super::contact::{COUNTS, OBEYS};
use super::labels::{ASSURANCE, MINIMUM, READS};
use super::ranking::{ARBITRATION, DIVERSITIES};
use super::{PURPOSES, TITLE, may, must, one_or_more};
use crate::playbook::shape::Shape::{Either, Leaf as One, List, Names, Object as Obj};
use crate::playbook::shape::{Leaf, Object, Shape};

const FORMAT: Leaf = Leaf::Word(&["text", "html", "json", "sms", "script"]);
pub(super) static CHANNEL: Shape = Either(&[One(FORMAT), Obj(&CHANNEL_OBJECT)]);

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

pub(super) static TREATMENT: Object = Object {
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

pub(super) static VOICE: Object = Object {
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

pub(super) static PLACEMENT: Object = Object {
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

static FALLBACK_WORDING: Shape = Either(&[One(Leaf::Text), Obj(&FALLBACK_WORDING_OBJECT)]);

static FALLBACK_WORDING_OBJECT: Object = Object {
    name: "wording of a fallback",
    doc: "One wording of several, chosen as those of offers are.",
    marks: &[],
    fields: &[
        must("text", One(Leaf::Text), "a template"),
        may("language", One(Leaf::Text), "", "the language in which it is, such as `de` or `pt-br`"),
        may("address", One(ADDRESS), "", "the form of address that it takes"),
        may("appeal", One(APPEAL), "", "what it appeals to"),
        may("stage", Either(&[One(Leaf::Text), List(&STAGE_TEXT)]), "", "the stages for which it is, one or a list"),
        may("returning", One(Leaf::Bool), "", "whether it is for those who come back; false for those who are new"),
        may("when", One(Leaf::Rule), "", "a condition; unknown is no"),
    ],
};

static FALLBACK: Object = Object {
    name: "fallback",
    doc: "What a placement shows when no offer is left.",
    marks: &[],
    fields: &[
        must(
            "message",
            Either(&[One(Leaf::Text), List(&FALLBACK_WORDING)]),
            "a template in the format of the channel, as in treatments; or a list of wordings, of which the closest is taken",
        ),
        may("with", Names(&SHOWN), "", "the values that the message may show"),
        may("purposes", one_or_more(&PURPOSES), "", "all of them must be permitted"),
        may("from", One(Leaf::Instant), "", "the first instant of its validity"),
        may("until", One(Leaf::Instant), "", "the first instant after its validity"),
    ],
};
