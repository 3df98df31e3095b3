//! The shape of journeys, their stages and the touchpoints where customers and brand meet.

use super::insight::PREDICT;
use super::labels::{DECLASSIFY_KEY, KIND_NAME, NARROW_PURPOSES, NARROW_SENSITIVITY};
use super::{EVENT_NAME, EVENTS, STAGES, TITLE, WEEKDAYS, may, must, one_or_more};
use crate::playbook::shape::Shape::{Either, Leaf as One, List, Names, Object as Obj};
use crate::playbook::shape::{Leaf, Object, Shape};

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

pub(super) static JOURNEY: Object = Object {
    name: "journey",
    doc: "A named path of stages.",
    marks: &[],
    fields: &[
        may("title", One(Leaf::Text), "", TITLE),
        may(
            "priority",
            One(Leaf::Whole(i64::MIN, i64::MAX)),
            "0",
            "which of several journeys begins at one instant where `journey_caps` leave room for fewer, larger first",
        ),
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
            One(Leaf::Whole(1, 100_000)),
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
            One(Leaf::Word(&crate::playbook::templates::NAMES)),
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

pub(super) static TOUCHPOINT: Object = Object {
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
        may("cost", One(Leaf::Amount(1e12)), "", "what one contact costs"),
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
        may(
            "today",
            One(Leaf::Word(&["skip", "ahead", "reached"])),
            "\"skip\"",
            "with `weekday`, whether the day on which it begins counts: not, while the time of day is still to come, or also after it, and then the wait ends at once",
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
