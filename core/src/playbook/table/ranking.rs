//! The shape of how offers are ranked: factors, strategies, bandits, diversity.

use super::{may, must, one_or_more};
use crate::playbook::reserved::OUTCOMES;
use crate::playbook::shape::Shape::{Either, Leaf as One, List, Object as Obj};
use crate::playbook::shape::{Leaf, Object, Shape};

static GROUP_NAME: Shape = One(Leaf::Reference("a group of offers"));
static STEP: Shape = Either(&[One(Leaf::Reference("a group of offers")), List(&GROUP_NAME)]);

pub(super) static ARBITRATION: Object = Object {
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

pub(super) static DIVERSITIES: [Shape; 2] = [Obj(&DIVERSITY), List(&DIVERSITY_ITEM)];
static DIVERSITY_ITEM: Shape = Obj(&DIVERSITY);

pub(super) const FACTOR: Shape =
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

pub(super) static WEIGHTS_FACTOR: Object = Object {
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
