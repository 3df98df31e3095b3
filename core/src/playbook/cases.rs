//! Cases: what is to come of a story, written down beside the playbook, so that it can be tried before it goes live.

use super::assurance::Assurance;
use super::load::{is_json, sources};
use super::model::{Name, Playbook};
use super::read::{At, Declared, Loader, Names};
use super::reserved::{OUTCOMES, RESERVED_EVENTS};
use super::shape::Shape::{Either, Leaf as One, List, Names as Mapping, Object as Obj};
use super::shape::{Field, Leaf, Object, Path, Required, Shape};
use super::source::{Findings, Spot, cut};
use super::tree::{Content, Limits, Node};
use super::{json, yaml};
use crate::error::{Diagnostics, Place};
use crate::value::{Duration, Timestamp, Value, only_parts};
use std::rc::Rc;
use std::sync::Arc;

/// The steps that one customer, or a few, go through, and what is expected on the way.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Case {
    /// What it is about, as the document calls it.
    pub(crate) name: Arc<str>,
    /// Where it stands.
    pub(crate) place: Place,
    /// In the order written.
    pub(crate) steps: Vec<Step>,
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    /// Where it stands.
    pub(crate) place: Place,
    /// When it is.
    pub(crate) when: When,
    /// Whom it is about.
    pub(crate) customer: Arc<str>,
    /// What happens, or what is expected.
    pub(crate) act: Act,
}

/// The instant of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// `at`.
    At(Timestamp),
    /// `after`: so long after the step before.
    After(Duration),
    /// The instant of the step before.
    Then,
}

/// What a step is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Act {
    /// An event is told.
    Tell {
        /// Its type.
        event: Arc<str>,
        /// Its properties.
        properties: Vec<(Arc<str>, Value)>,
        /// Its channel.
        channel: Option<Arc<str>>,
    },
    /// `confirm`: what was reserved is taken, with this outcome.
    Confirm(Arc<str>),
    /// `release`: what was reserved is given back.
    Release,
    /// Something is asked and looked at.
    Expect(Box<Expectation>),
}

/// What is expected at an instant; what is not written is not looked at.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Expectation {
    /// `ask`: the placements.
    pub(crate) placements: Vec<Name>,
    /// `facts`: what comes with the question.
    pub(crate) facts: Vec<(Arc<str>, Value)>,
    /// `scores`: numbers that come with the question: column, offer, number.
    pub(crate) scores: Vec<(Arc<str>, Arc<str>, f64)>,
    /// `seed`: what exploration draws follows from.
    pub(crate) seed: u64,
    /// `known_at`: when it is asked, of a message that is planned for the instant of the step.
    pub(crate) known_at: Option<Timestamp>,
    /// `assurance`.
    pub(crate) assurance: Assurance,
    /// `answer`: `offers`, `fallback` or `silence`, of every placement that asks.
    pub(crate) answer: Option<Arc<str>>,
    /// `offers`: exactly these, in this order, over all placements.
    pub(crate) offers: Option<Vec<Name>>,
    /// `includes`: these among them.
    pub(crate) includes: Vec<Name>,
    /// `excludes`: none of these.
    pub(crate) excludes: Vec<Name>,
    /// `message`: a text that one of the messages contains.
    pub(crate) message: Option<Arc<str>>,
    /// `stopped`: offers with the gate that stopped them.
    pub(crate) stopped: Vec<(Name, Arc<str>)>,
    /// `because`: a text that one of the reasons contains.
    pub(crate) because: Option<Arc<str>>,
    /// `until`: from when on the contact policy has nothing against an offer any more.
    pub(crate) until: Vec<(Name, Timestamp)>,
    /// `sends`: when quiet hours let an offer be sent that they move.
    pub(crate) sends: Vec<(Name, Timestamp)>,
    /// `segments`: in, out, or unknown.
    pub(crate) segments: Vec<(Name, Option<bool>)>,
    /// `stages`: the stage in a journey; `None` for outside of it.
    pub(crate) stages: Vec<(Name, Option<Arc<str>>)>,
    /// `variants`: the variant of an experiment; `None` for no part in it.
    pub(crate) variants: Vec<(Name, Option<Arc<str>>)>,
    /// `record`: the outcome that is recorded of what was chosen.
    pub(crate) record: Option<Arc<str>>,
    /// `reserve`: how long what was chosen is held.
    pub(crate) reserve: Option<Duration>,
    /// `reach`: the channel on which somebody is reached about an offer; `None` for silence.
    pub(crate) reach: Vec<(Name, Option<Arc<str>>)>,
    /// `proposed`: exactly these reactions propose something that stands, the larger priority first.
    pub(crate) proposed: Option<Vec<Name>>,
}

const fn may(key: &'static str, shape: Shape, doc: &'static str) -> Field {
    Field { key, required: false, shape, doc, default: "" }
}

const fn must(key: &'static str, shape: Shape, doc: &'static str) -> Field {
    Field { key, required: true, shape, doc, default: "" }
}

const AT: Field = may("at", One(Leaf::Instant), "the instant");
const AFTER: Field =
    may("after", One(Leaf::Duration), "how long after the step before; without `at` and `after` it is the same instant");
const WHO: Field = may("customer", One(Leaf::Text), "whom it is about, when it is not the customer of the case");

static OFFER: Shape = One(Leaf::Reference("an offer"));
static OFFERS: [Shape; 2] = [One(Leaf::Reference("an offer")), List(&OFFER)];
static PLACEMENT: Shape = One(Leaf::Reference("a placement"));
static PLACEMENTS: [Shape; 2] = [One(Leaf::Reference("a placement")), List(&PLACEMENT)];
static REACTION: Shape = One(Leaf::Reference("a reaction"));
static REACTIONS: [Shape; 2] = [One(Leaf::Reference("a reaction")), List(&REACTION)];
static INSTANT: Shape = One(Leaf::Instant);
static NUMBER: Shape = One(Leaf::Number(f64::NEG_INFINITY, f64::INFINITY));
static NUMBERS: Shape = Mapping(&NUMBER);
static ANY: Shape = One(Leaf::Any);
static STEP: Shape = Either(&[
    Obj(&EVENT),
    Obj(&SET),
    Obj(&CONSENT),
    Obj(&WITHDRAW),
    Obj(&LINK),
    Obj(&UNLINK),
    Obj(&CONFIRM),
    Obj(&RELEASE),
    Obj(&EXPECTATION),
]);

/// The whole document.
static CASES: Object = Object {
    name: "document of cases",
    doc: "Cases that are tried against a playbook.",
    marks: &[],
    fields: &[must("cases", Mapping(&Obj(&CASE)), "the cases by what they are about")],
};
static CASE: Object = Object {
    name: "case",
    doc: "The steps that a customer goes through, and what is expected on the way.",
    marks: &[],
    fields: &[
        may(
            "customer",
            One(Leaf::Text),
            "whom it is about, as `namespace:value`; a customer of the first namespace when not written",
        ),
        must("steps", List(&STEP), "in the order written"),
    ],
};
static EVENT: Object = Object {
    name: "step with an event",
    doc: "An event.",
    marks: &["event"],
    fields: &[
        AT,
        AFTER,
        WHO,
        must("event", One(Leaf::Reference("an event type")), "the event type"),
        may("properties", Mapping(&ANY), "its properties"),
        may("channel", One(Leaf::Text), "its channel"),
    ],
};
static SET: Object = Object {
    name: "step with attributes",
    doc: "Attributes that become known.",
    marks: &["set"],
    fields: &[AT, AFTER, WHO, must("set", Mapping(&ANY), "the attributes with their values; null takes one back")],
};
static CONSENT: Object = Object {
    name: "step with a consent",
    doc: "Consent that is given.",
    marks: &["consent"],
    fields: &[AT, AFTER, WHO, must("consent", One(Leaf::Reference("a purpose")), "the purpose")],
};
static WITHDRAW: Object = Object {
    name: "step with a withdrawal",
    doc: "Consent that is withdrawn.",
    marks: &["withdraw"],
    fields: &[AT, AFTER, WHO, must("withdraw", One(Leaf::Reference("a purpose")), "the purpose")],
};
static LINK: Object = Object {
    name: "step with a link",
    doc: "Two identifiers turn out to be one customer.",
    marks: &["link"],
    fields: &[AT, AFTER, WHO, must("link", One(Leaf::Text), "the other identifier")],
};
static UNLINK: Object = Object {
    name: "step with a revoked link",
    doc: "Two identifiers turn out not to be one customer.",
    marks: &["unlink"],
    fields: &[AT, AFTER, WHO, must("unlink", One(Leaf::Text), "the other identifier")],
};
static CONFIRM: Object = Object {
    name: "step with a confirmation",
    doc: "What was reserved last is taken.",
    marks: &["confirm"],
    fields: &[AT, AFTER, WHO, must("confirm", One(Leaf::Text), "the outcome that comes with it, such as `accepted`")],
};
static RELEASE: Object = Object {
    name: "step with a release",
    doc: "What was reserved last is given back.",
    marks: &["release"],
    fields: &[AT, AFTER, WHO, must("release", One(Leaf::Word(&["all"])), "`all` of it")],
};
static EXPECTATION: Object = Object {
    name: "step with an expectation",
    doc: "What is expected; what is not written is not looked at.",
    marks: &["ask", "segments", "stages", "variants", "reach", "proposed"],
    fields: &[
        AT,
        AFTER,
        WHO,
        may("ask", Either(&PLACEMENTS), "the placements that ask"),
        may("facts", Mapping(&ANY), "the facts that come with the question"),
        may("scores", Mapping(&NUMBERS), "the numbers that come with the question, by column and offer"),
        may("seed", One(Leaf::Whole(0, i64::MAX)), "what exploration draws follows from"),
        may("known_at", One(Leaf::Instant), "when it is asked, for a message that is planned for the instant of the step"),
        may(
            "assurance",
            One(Leaf::Word(&["anonymous", "recognised", "authenticated"])),
            "how sure the host is who is there; `recognised` when not written",
        ),
        may("answer", One(Leaf::Word(&["offers", "fallback", "silence"])), "what every placement gets"),
        may("offers", Either(&OFFERS), "exactly these offers, in this order, over all placements"),
        may("includes", Either(&OFFERS), "these offers among them"),
        may("excludes", Either(&OFFERS), "none of these offers"),
        may("message", One(Leaf::Text), "a text that one of the messages contains"),
        may("stopped", Mapping(&One(Leaf::Text)), "offers with the gate at which they are stopped"),
        may("because", One(Leaf::Text), "a text that one of the reasons contains"),
        may("until", Mapping(&INSTANT), "offers with the instant from which on the contact policy has nothing against them"),
        may("sends", Mapping(&INSTANT), "offers with the instant to which quiet hours move them"),
        may("segments", Mapping(&ANY), "segments with `true`, `false` or `unknown`"),
        may("stages", Mapping(&ANY), "journeys with the stage; null for outside of the journey"),
        may("variants", Mapping(&ANY), "experiments with the variant; null for no part in it"),
        may("record", One(Leaf::Text), "the outcome that is recorded of what was chosen, such as `shown`"),
        may("reserve", One(Leaf::Duration), "how long what was chosen is held, until `confirm` or `release`"),
        may("reach", Mapping(&ANY), "offers with the channel on which the customer is reached about them; null for silence"),
        may("proposed", Either(&REACTIONS), "exactly these reactions propose something that stands, the larger priority first"),
    ],
};

/// What only those above know: the names of the gates, and what is wrong with an identifier.
pub(crate) struct Beyond<'a> {
    pub(crate) gates: &'a [&'a str],
    pub(crate) identifier: &'a dyn Fn(&str) -> Result<(), String>,
}

/// Reads a document of cases that are to be tried against a playbook; every name in it must be declared there.
///
/// # Errors
/// All mistakes of the document, in the order of their places.
pub(crate) fn cases(playbook: &Playbook, beyond: &Beyond<'_>, name: &str, text: &str) -> Result<Vec<Case>, Diagnostics> {
    let limits = Limits::default().bounded();
    let (mut findings, fits) = sources(&[(name, text)], limits);
    if !fits {
        return Err(findings.finish());
    }
    let json = findings.sources.first().is_some_and(is_json);
    let root = if json { json::parse(0, limits, &mut findings) } else { yaml::parse(0, limits, &mut findings) };
    let start = Spot { document: 0, line: 1, column: 1, length: 1 };
    let Some(root) = root else {
        if !findings.has_errors() {
            findings.error("empty_document", start, "", "the document is empty".to_owned(), None);
        }
        return Err(findings.finish());
    };
    if !matches!(root.content, Content::Map(_)) {
        let message = format!("expected a mapping with `cases`, found {}", root.kind());
        findings.error("wrong_kind", root.spot, "", message, None);
        return Err(findings.finish());
    }
    CASES.check(&root, Spot { length: 1, ..root.spot }, &mut Path::default(), &mut findings, Required::Yes);
    let (cases, findings) = read(playbook, beyond, findings, &root);
    if findings.has_errors() { Err(findings.finish()) } else { Ok(cases) }
}

fn read<'a>(playbook: &Playbook, beyond: &Beyond<'_>, findings: Findings<'a>, root: &Node) -> (Vec<Case>, Findings<'a>) {
    let names = |names: Vec<&Name>| -> Rc<Names> { Rc::new(names.iter().map(|name| name.text.clone()).collect()) };
    let events = playbook.events.iter().map(|event| event.name.text.clone());
    let known = events.chain(OUTCOMES.map(Arc::from)).chain(RESERVED_EVENTS.iter().map(|name| Arc::from(*name)));
    let declared = Declared {
        attributes: names(playbook.attributes.iter().map(|attribute| &attribute.name).collect()),
        purposes: names(playbook.purposes.iter().map(|purpose| &purpose.name).collect()),
        events: Rc::new(known.collect()),
        channels: names(playbook.channels.iter().map(|channel| &channel.name).collect()),
        placements: names(playbook.placements.iter().map(|placement| &placement.name).collect()),
        groups: names(playbook.groups.iter().map(|group| &group.name).collect()),
        ..Declared::default()
    };
    let mut reader = Reader {
        loader: Loader { findings, declared },
        playbook,
        beyond,
        offers: names(playbook.offers.iter().map(|offer| &offer.name).collect()),
    };
    let at = At::root(root);
    let list = at.get("cases").iter().flat_map(At::children).map(|at| reader.case(&at)).collect();
    (list, reader.loader.findings)
}

struct Reader<'a, 'p> {
    loader: Loader<'a>,
    playbook: &'p Playbook,
    beyond: &'p Beyond<'p>,
    offers: Rc<Names>,
}

impl Reader<'_, '_> {
    fn case(&mut self, at: &At<'_>) -> Case {
        let first = self.playbook.namespaces.first().map_or("customer", |namespace| &*namespace.name.text);
        let customer = self.identifier(at, "customer").unwrap_or_else(|| Arc::from(format!("{first}:case")));
        let mut steps = Vec::new();
        for at in at.get("steps").iter().flat_map(At::items) {
            if let Some(act) = self.act(&at) {
                let customer = self.identifier(&at, "customer").unwrap_or_else(|| customer.clone());
                let when = self.when(&at, steps.is_empty());
                steps.push(Step { place: self.loader.findings.place(at.node.spot), when, customer, act });
            }
        }
        Case { name: at.key.clone(), place: self.loader.findings.place(at.spot), steps }
    }

    fn when(&mut self, at: &At<'_>, first: bool) -> When {
        let (instant, after) = (self.loader.instant_of(at, "at"), self.loader.duration_of(at, "after"));
        if let (Some(place), Some(_)) = (at.get("after"), instant) {
            self.loader.error_at_key("too_many", &place, "a step has `at` or `after`, not both".to_owned(), None);
        }
        if first && at.get("at").is_none() {
            let hint = Some("such as `at: 2026-03-01T10:00:00Z`".to_owned());
            self.loader.error("missing_key", at, "the first step of a case says when it is, by `at`".to_owned(), hint);
        }
        instant.map(When::At).or(after.map(When::After)).unwrap_or(When::Then)
    }

    fn identifier(&mut self, at: &At<'_>, key: &str) -> Option<Arc<str>> {
        let at = at.get(key)?;
        let text = at.node.text()?;
        match (self.beyond.identifier)(text) {
            Ok(()) => Some(text.clone()),
            Err(error) => {
                self.loader.error("bad_identifier", &at, error, None);
                None
            }
        }
    }

    fn act(&mut self, at: &At<'_>) -> Option<Act> {
        let tell = |event: &str, properties| Some(Act::Tell { event: Arc::from(event), properties, channel: None });
        let own = |key: &str, value: Arc<str>| vec![(Arc::from(key), Value::String(value))];
        if let Some(place) = at.get("event") {
            let known = self.loader.declared.events.clone();
            let event = self.loader.reference(&place, "event type", &known)?.text;
            let properties = self.values(at, "properties");
            let declared = self.playbook.events.iter().find(|declared| declared.name.text == event);
            for place in at.get("properties").iter().flat_map(At::children).filter(|_| declared.is_some()) {
                let known = declared.into_iter().flat_map(|event| &event.properties).map(|property| &property.name);
                self.known_parts(&place, &place.key, "property", known);
            }
            // As for the actions of a case: a channel that nobody declared is a slip.
            let known = self.loader.declared.channels.clone();
            let channel = at.get("channel").and_then(|at| self.loader.reference(&at, "channel", &known)).map(|name| name.text);
            return Some(Act::Tell { event, properties, channel });
        }
        if at.get("set").is_some() {
            for place in at.get("set").iter().flat_map(At::children) {
                let known = self.playbook.attributes.iter().map(|attribute| &attribute.name);
                self.known_parts(&place, &place.key, "attribute", known);
            }
            return tell("attributes_set", self.values(at, "set"));
        }
        for (key, event) in [("consent", "consent_given"), ("withdraw", "consent_withdrawn")] {
            if let Some(place) = at.get(key) {
                let known = self.loader.declared.purposes.clone();
                let purpose = self.loader.reference(&place, "purpose", &known)?;
                return tell(event, own("purpose", purpose.text));
            }
        }
        for (key, event) in [("link", "linked"), ("unlink", "unlinked")] {
            if at.get(key).is_some() {
                let other = self.identifier(at, key)?;
                return tell(event, own("other", other));
            }
        }
        if at.get("confirm").is_some() {
            return self.outcome(at, "confirm").map(Act::Confirm);
        }
        if at.get("release").is_some() {
            return Some(Act::Release);
        }
        EXPECTATION.marks.iter().any(|mark| at.get(mark).is_some()).then(|| Act::Expect(Box::new(self.expectation(at))))
    }

    fn expectation(&mut self, at: &At<'_>) -> Expectation {
        let (known, offers) = (self.loader.declared.placements.clone(), self.offers.clone());
        let reactions: Rc<Names> = Rc::new(self.playbook.reactions.iter().map(|reaction| reaction.name.text.clone()).collect());
        let placements = self.loader.references(at, "ask", "placement", &known);
        let about = [
            "facts",
            "scores",
            "seed",
            "known_at",
            "assurance",
            "answer",
            "offers",
            "includes",
            "excludes",
            "message",
            "stopped",
            "because",
            "until",
            "sends",
            "record",
            "reserve",
        ];
        for place in about.iter().filter_map(|key| at.get(key)).filter(|_| placements.is_empty() && at.get("ask").is_none()) {
            let hint = Some("add `ask: <placement>`".to_owned());
            self.loader.error_at_key(
                "no_effect",
                &place,
                format!("`{}` is about a decision, but nothing asks", place.key),
                hint,
            );
        }
        for place in at.get("facts").iter().flat_map(At::children) {
            self.known(&place, "fact of the request", self.playbook.request.iter().map(|fact| &fact.name));
        }
        let mut stopped = Vec::new();
        for place in at.get("stopped").iter().flat_map(At::children) {
            self.known(&place, "offer", self.playbook.offers.iter().map(|offer| &offer.name));
            let Some(gate) = place.node.text() else { continue };
            if !self.beyond.gates.contains(&&**gate) {
                let names = self.beyond.gates.join(", ");
                let message = format!("`{}` is no gate", cut(gate));
                self.loader.error("wrong_word", &place, message, Some(format!("gates: {names}")));
            }
            stopped.push((self.name(&place), gate.clone()));
        }
        let mut scores = Vec::new();
        for column in at.get("scores").iter().flat_map(At::children) {
            for place in column.children() {
                self.known(&place, "offer", self.playbook.offers.iter().map(|offer| &offer.name));
                scores.extend(column.number(&place.key).map(|number| (column.key.clone(), place.key.clone(), number)));
            }
        }
        let mut segments = Vec::new();
        for place in at.get("segments").iter().flat_map(At::children) {
            self.known(&place, "segment", self.playbook.segments.iter().map(|segment| &segment.name));
            let member = match &place.node.content {
                Content::Bool(member) => Some(*member),
                Content::Text(written) if &*written.text == "unknown" => None,
                _ => {
                    let message = "expected `true`, `false` or `unknown`".to_owned();
                    self.loader.error("wrong_kind", &place, message, None);
                    continue;
                }
            };
            segments.push((self.name(&place), member));
        }
        let playbook = self.playbook;
        let stages = |name: &str| {
            let journey = playbook.journeys.iter().find(|journey| *journey.name.text == *name);
            journey.map(|journey| journey.stages.iter().map(|stage| stage.name.text.clone()).collect()).unwrap_or_default()
        };
        let arms = |name: &str| {
            let experiment = playbook.experiments.iter().find(|experiment| *experiment.name.text == *name);
            experiment.map(|experiment| experiment.arms().map(|(arm, _)| arm).collect()).unwrap_or_default()
        };
        Expectation {
            facts: self.values(at, "facts"),
            scores,
            seed: at.number("seed").unwrap_or_default(),
            known_at: self.loader.instant_of(at, "known_at"),
            assurance: at.text("assurance").and_then(|word| Assurance::named(&word)).unwrap_or_default(),
            answer: at.text("answer"),
            offers: at.get("offers").map(|_| self.loader.references(at, "offers", "offer", &offers)),
            includes: self.loader.references(at, "includes", "offer", &offers),
            excludes: self.loader.references(at, "excludes", "offer", &offers),
            message: at.text("message"),
            stopped,
            because: at.text("because"),
            until: self.instants(at, "until"),
            sends: self.instants(at, "sends"),
            segments,
            stages: self.choices(
                at,
                "stages",
                ("journey", "stage"),
                playbook.journeys.iter().map(|journey| &journey.name),
                stages,
            ),
            variants: self.choices(
                at,
                "variants",
                ("experiment", "variant"),
                playbook.experiments.iter().map(|experiment| &experiment.name),
                arms,
            ),
            record: self.outcome(at, "record"),
            reserve: self.loader.duration_of(at, "reserve"),
            reach: self.choices(at, "reach", ("offer", "channel"), playbook.offers.iter().map(|offer| &offer.name), |_| {
                playbook.channels.iter().map(|channel| channel.name.text.clone()).collect()
            }),
            proposed: at.get("proposed").map(|_| self.loader.references(at, "proposed", "reaction", &reactions)),
            placements,
        }
    }

    /// Offers with instants.
    fn instants(&mut self, at: &At<'_>, key: &str) -> Vec<(Name, Timestamp)> {
        let Some(section) = at.get(key) else { return Vec::new() };
        let mut instants = Vec::new();
        for place in section.children() {
            self.known(&place, "offer", self.playbook.offers.iter().map(|offer| &offer.name));
            instants.extend(self.loader.instant_of(&section, &place.key).map(|instant| (self.name(&place), instant)));
        }
        instants
    }

    fn outcome(&mut self, at: &At<'_>, key: &str) -> Option<Arc<str>> {
        let place = at.get(key)?;
        let outcomes: Names = OUTCOMES.map(Arc::from).into();
        self.loader.reference(&place, "outcome", &outcomes).map(|name| name.text)
    }

    /// Names with one of the words that each allows, or null.
    fn choices<'n>(
        &mut self,
        at: &At<'_>,
        key: &str,
        (noun, word): (&str, &str),
        known: impl Iterator<Item = &'n Name> + Clone,
        words: impl Fn(&str) -> Names,
    ) -> Vec<(Name, Option<Arc<str>>)> {
        let mut chosen = Vec::new();
        for place in at.get(key).iter().flat_map(At::children) {
            if !self.known(&place, noun, known.clone()) {
                continue;
            }
            let choice = match &place.node.content {
                Content::Null => None,
                Content::Text(_) => self.loader.reference(&place, word, &words(&place.key)).map(|name| name.text),
                _ => {
                    let message = format!("expected the name of a {word}, or null");
                    self.loader.error("wrong_kind", &place, message, None);
                    continue;
                }
            };
            chosen.push((self.name(&place), choice));
        }
        chosen
    }

    /// Whether a key is one of the declared names.
    fn known<'n>(&mut self, at: &At<'_>, noun: &str, names: impl Iterator<Item = &'n Name> + Clone) -> bool {
        let found = names.clone().any(|name| name.text == at.key);
        if !found {
            let near = crate::error::nearest(&at.key, names.map(|name| &*name.text));
            let hint = near.map(|near| format!("did you mean `{near}`?"));
            self.loader.error_at_key("unknown_name", at, format!("unknown {noun} `{}`", cut(&at.key)), hint);
        }
        found
    }

    /// A name, or the names of the parts of an object.
    fn known_parts<'n>(&mut self, at: &At<'_>, name: &str, noun: &str, names: impl Iterator<Item = &'n Name> + Clone) {
        let declared: Vec<&str> = names.clone().map(|own| &*own.text).collect();
        if matches!(at.node.content, Content::Map(_)) && only_parts(name, &declared) {
            for part in at.children() {
                self.known_parts(&part, &format!("{name}_{}", part.key), noun, names.clone());
            }
        } else if !declared.contains(&name) {
            let near = crate::error::nearest(name, declared).map(|near| format!("did you mean `{near}`?"));
            self.loader.error_at_key("unknown_name", at, format!("unknown {noun} `{}`", cut(name)), near);
        }
    }

    fn name(&self, at: &At<'_>) -> Name {
        Name { text: at.key.clone(), place: self.loader.findings.place(at.spot) }
    }

    fn values(&mut self, at: &At<'_>, key: &str) -> Vec<(Arc<str>, Value)> {
        at.get(key).iter().flat_map(At::children).map(|at| (at.key.clone(), value(at.node))).collect()
    }
}

/// A value as an event in JSON has it.
fn value(node: &Node) -> Value {
    match &node.content {
        Content::Null => Value::Null,
        Content::Bool(truth) => Value::Bool(*truth),
        Content::Number(text) => match (text.parse(), text.parse()) {
            (Ok(whole), _) => Value::Int(whole),
            (_, Ok(double)) => Value::Double(double),
            _ => Value::String(text.clone()),
        },
        Content::Text(written) => Value::String(written.text.clone()),
        Content::List(items) => Value::List(items.iter().map(value).collect()),
        Content::Map(entries) => {
            Value::Map(entries.iter().map(|entry| (Value::String(entry.key.clone()), value(&entry.value))).collect())
        }
    }
}
