//! The shape of what facts may be used for: purposes, labels, departments, and who must be left alone.

use super::{PURPOSES, TITLE, may, must, one_or_more};
use crate::playbook::labels::DataKind;
use crate::playbook::shape::Shape::{Either, Leaf as One, List, Object as Obj};
use crate::playbook::shape::{Field, Leaf, Object, Shape};

pub(super) static PURPOSE: Shape = Either(&[One(Leaf::Word(&["opt_in", "opt_out"])), Obj(&PURPOSE_OBJECT)]);

static PURPOSE_OBJECT: Object = Object {
    name: "purpose",
    doc: "A purpose for which personal facts may be used.",
    marks: &[],
    fields: &[
        may("title", One(Leaf::Text), "", TITLE),
        may(
            "default",
            One(Leaf::Word(&["opt_in", "opt_out"])),
            "",
            "what holds for a customer who said nothing: `opt_in` forbids until consent is given, `opt_out` permits until it is withdrawn; as the basis says when not declared: `opt_in` for consent, else `opt_out`",
        ),
        may(
            "basis",
            One(Leaf::Word(&[
                "consent",
                "contract",
                "legitimate_interest",
                "legal_obligation",
                "vital_interest",
                "public_task",
            ])),
            "\"consent\"",
            "why the purpose is lawful; contract, legal obligation and vital interest hold whatever the customer says",
        ),
        may(
            "expires_after",
            One(Leaf::Duration),
            "",
            "how long a consent lasts that does not say so itself; for ever when not declared",
        ),
    ],
};

pub(super) const LABEL_PURPOSES: Field =
    may("purposes", one_or_more(&PURPOSES), "", "the purposes for which it may be used; any when not declared");

pub(super) const LABEL_SENSITIVITY: Field = may(
    "sensitivity",
    One(Leaf::Word(&["public", "personal", "special"])),
    "\"personal\"",
    "how careful one has to be with it; special needs explicit consent",
);

pub(super) const LABEL_REVEAL: Field = may(
    "reveal",
    One(Leaf::Bool),
    "false",
    "whether messages and explanations for the customer may show it although it is inferred or special",
);

pub(super) const LABEL_KIND: Field =
    may("kind", One(Leaf::Word(&DataKind::WORDS)), "", "which kind of data it is, as marketing knows them");

pub(super) const NARROW_PURPOSES: Field = may(
    "purposes",
    one_or_more(&PURPOSES),
    "",
    "the purposes for which it may be used, fewer than those of what it reads; those when not declared",
);

pub(super) const NARROW_SENSITIVITY: Field = may(
    "sensitivity",
    One(Leaf::Word(&["public", "personal", "special"])),
    "",
    "how careful one has to be with it, at least as careful as with what it reads; as careful when not declared",
);

pub(super) const DECLASSIFY_KEY: Field =
    may("declassify", Obj(&DECLASSIFY), "", "allows more than what it reads allows, for a reason");
pub(super) const ASSURANCE: Leaf = Leaf::Word(&["recognised", "authenticated"]);
pub(super) const MINIMUM: Field =
    may("assurance", One(ASSURANCE), "", "how sure the request has to be who is there for it to be shown");
pub(super) const READS: Field =
    may("reads", List(&KIND_NAME), "", "the kinds of data that may be read to choose; any when not declared");
pub(super) static KIND_NAME: Shape = One(Leaf::Word(&DataKind::WORDS));

static DECLASSIFY: Object = Object {
    name: "declassification",
    doc: "Allows more for a conclusion than for the facts that it is drawn from.",
    marks: &[],
    fields: &[
        must("reason", One(Leaf::Text), "why that is right, for those who check the playbook"),
        may(
            "purposes",
            one_or_more(&PURPOSES),
            "",
            "the purposes for which it may be used; as for what it reads when not declared",
        ),
        may(
            "sensitivity",
            One(Leaf::Word(&["public", "personal", "special"])),
            "",
            "how careful one has to be with it; as with what it reads when not declared",
        ),
        LABEL_REVEAL,
    ],
};

pub(super) static DEPARTMENT: Object = Object {
    name: "department",
    doc: "Who may see what of a customer.",
    marks: &[],
    fields: &[
        may("title", One(Leaf::Text), "", TITLE),
        must(
            "purposes",
            one_or_more(&PURPOSES),
            "what it works for: it sees what may be used for one of these and is permitted",
        ),
        may(
            "sensitivity",
            One(Leaf::Word(&["public", "personal", "special"])),
            "\"personal\"",
            "the most sensitive data that it sees",
        ),
        may("reads", List(&KIND_NAME), "", "the kinds of data that it sees; any when not declared"),
    ],
};

pub(super) const GUARD: Shape = Either(&[One(Leaf::Rule), Obj(&GUARD_OBJECT)]);

static GUARD_OBJECT: Object = Object {
    name: "guard",
    doc: "A condition that forbids.",
    marks: &[],
    fields: &[
        must("when", One(Leaf::Rule), "the condition; forbids while it is true or unknown"),
        may("when_unknown", One(Leaf::Bool), "true", "what it counts as when it is unknown"),
        may(
            "purposes",
            one_or_more(&PURPOSES),
            "",
            "only offers with one of these purposes are forbidden; all when not declared",
        ),
    ],
};
