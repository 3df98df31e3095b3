//! The shape of offers: what they cost, promise and hold in stock, what becomes of them, and experiments with them.

use super::contact::{COUNTS, OBEYS, OFFER_VALUES, OWNER, TAGS, WHERE};
use super::insight::{DETECTS, SHARE};
use super::items::{OFFER_ITEMS, SUGGESTION_NAME};
use super::labels::{MINIMUM, READS};
use super::messages::TREATMENT;
use super::ranking::FACTOR;
use super::reactions::QUESTION;
use super::{GATE, OFFERS, PLACEMENTS, PURPOSES, TITLE, may, must, one_or_more};
use crate::playbook::arbitration::{INCENTIVES, SIDES};
use crate::playbook::reserved::OUTCOMES;
use crate::playbook::shape::Shape::{Either, Leaf as One, List, Names, Object as Obj};
use crate::playbook::shape::{Leaf, Object, Shape};

static TAG_NAME: Shape = One(Leaf::Reference("a tag"));
static TAG_NAMES: [Shape; 2] = [One(Leaf::Reference("a tag")), List(&TAG_NAME)];

pub(super) static EXPERIMENT: Object = Object {
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

pub(super) static OFFER: Object = Object {
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
        may("margin", MONEY, "", "what is earned when it is taken; rules of offers and formulas read `offer.margin`"),
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
        may("cost", One(Leaf::Amount(1e12)), "0", "what it costs once, in the currency of its budgets"),
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
        OFFER_VALUES,
    ],
};

const WINDOW: Shape = One(Leaf::Pattern(
    r"^(rolling +\S+|hour|day|days\( *[0-9]+ *\)|week|month|every( +[0-9]+)? +(hour|day|week|month)s?( +since +[0-9]{4}-[0-9]{2}-[0-9]{2})?|lifetime)$",
    "`rolling <duration>`, `hour`, `day`, `days(2)`, `week`, `month`, `every 2 weeks` or `lifetime`",
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

pub(super) static BUDGET: Object = Object {
    name: "budget",
    doc: "Money that offers may cost, all customers together or each.",
    marks: &[],
    fields: &[
        may("title", One(Leaf::Text), "", TITLE),
        must("amount", One(Leaf::Amount(1e12)), "how much"),
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

pub(super) static DECISIONS: Object = Object {
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

pub(super) static FEEDBACK: Object = Object {
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

pub(super) static COMMITMENTS: Object = Object {
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
