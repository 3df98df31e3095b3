//! What may be seen by whom: a department, somebody working for a purpose, or the customer.

use super::labels::{Drawn, Ground, Label};
use super::minors::GUARDIAN_AGREED;
use super::{Around, Beyond, Engine, Minority};
use crate::context::Context;
use crate::customer::{Customer, Identifier, StoryRow};
use crate::decide::{Answer as Shown, Consent, Detail, OfferRule, Request, RequestError, Said};
use crate::error::nearest;
use crate::expr::{Answer, FactId, Facts};
use crate::playbook::{Assurance, DataKind, Origin, Sensitivity};
use crate::value::{Span, Timestamp, Value};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

/// What a department, or somebody working for one purpose, may see of a customer at an instant.
#[derive(Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "shared_view")]
pub struct SharedView {
    /// For whom: a department or a purpose.
    #[serde(rename = "for")]
    pub audience: Arc<str>,
    /// The purposes of theirs that the customer permits.
    pub purposes: Vec<Arc<str>>,
    /// Identifiers under which something was told.
    pub identifiers: Vec<String>,
    /// Attributes with a value.
    pub attributes: Vec<SharedAttribute>,
    /// Event types of which there was one.
    pub events: Vec<SharedEvents>,
    /// The latest events, latest first.
    pub timeline: Vec<SharedEvent>,
    /// Segments that the customer is in.
    pub segments: Vec<Arc<str>>,
    /// Personas with their posteriors.
    pub personas: BTreeMap<Arc<str>, f64>,
    /// Journeys with their stages.
    pub journeys: BTreeMap<Arc<str>, Arc<str>>,
    /// How many attributes, event types, segments, personas and journeys of the playbook they may not see, whatever is known.
    pub withheld: usize,
}

/// An attribute as it may be seen.
#[derive(Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "shared_attribute")]
pub struct SharedAttribute {
    /// Its name.
    pub attribute: Arc<str>,
    /// Its value.
    #[schemars(with = "serde_json::Value")]
    pub value: Value,
    /// The kind of data.
    pub kind: Option<&'static str>,
}

/// Events of one type as they may be seen.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "shared_events")]
pub struct SharedEvents {
    /// The type.
    pub event: Arc<str>,
    /// How many there were.
    pub count: usize,
    /// When the last was.
    pub last: Timestamp,
}

/// An event as it may be seen.
#[derive(Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "shared_event")]
pub struct SharedEvent {
    /// The type.
    pub event: Arc<str>,
    /// When it happened.
    pub time: Timestamp,
    /// The properties that may be seen.
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub properties: BTreeMap<Arc<str>, Value>,
}

/// Why a customer sees what they see, in words for them.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "reasons_for_customer")]
pub struct CustomerReasons {
    /// In the order asked.
    pub placements: Vec<PlacementReasons>,
    /// What matters for the customer as a whole: of a minor who may agree for them; of a guardian, for how many they may.
    pub notes: Vec<String>,
}

/// What a placement shows, and why.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "placement_reasons")]
pub struct PlacementReasons {
    /// The placement.
    pub placement: Arc<str>,
    /// `offers`, `fallback` or `silence`.
    pub kind: &'static str,
    /// What is said about each thing shown; empty for silence.
    pub shown: Vec<ShownReasons>,
}

/// One thing shown, and why.
#[derive(Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "shown_reasons")]
pub struct ShownReasons {
    /// The message.
    pub message: String,
    /// Sentences for the customer, such as `You see this because of what you told us: age.`
    pub because: Vec<String>,
}

/// How many events a view shows one by one.
const TIMELINE: usize = 20;

/// Who looks, and for which permitted purposes.
pub(super) struct Looker {
    /// Whether the customer objects to profiling, so that nothing concluded about them is seen.
    pub(super) no_profiling: bool,
    pub(super) purposes: Vec<(Arc<str>, Consent)>,
    pub(super) sensitivity: Sensitivity,
    pub(super) kinds: Option<Vec<DataKind>>,
}

impl Looker {
    /// Whether something with this label may be seen. What is public may be, whatever was permitted.
    pub(super) fn sees(&self, label: &Label) -> bool {
        if label.sensitivity > self.sensitivity {
            return false;
        }
        let permitted = |(purpose, consent): &(Arc<str>, Consent)| {
            label.usable(purpose) && (label.sensitivity < Sensitivity::Special || consent.explicit())
        };
        label.sensitivity == Sensitivity::Public && label.purposes.is_none() || self.purposes.iter().any(permitted)
    }

    pub(super) fn sees_kind(&self, kind: Option<DataKind>) -> bool {
        self.kinds.as_ref().is_none_or(|kinds| kind.is_some_and(|kind| kinds.contains(&kind)))
    }
}

impl Engine {
    /// What a department (by its name), or somebody working for a purpose, may see of a customer: what may be used for one of
    /// their purposes, as far as the customer permits it at that instant, up to their sensitivity and of their kinds of data.
    /// Special data is seen with explicit consent only.
    ///
    /// # Errors
    /// [`RequestError`] with code `unknown_audience` for neither a department nor a purpose, or `other_playbook`.
    pub fn view_for(
        &self,
        customer: &Customer,
        audience: &str,
        now: Timestamp,
        known_at: Option<Timestamp>,
    ) -> Result<SharedView, RequestError> {
        self.view_among(customer, None, audience, (now, known_at.unwrap_or(now)))
    }

    /// The same with what is known of those around the customer.
    pub(crate) fn view_among(
        &self,
        customer: &Customer,
        around: Option<&Around<'_>>,
        audience: &str,
        (now, known_at): (Timestamp, Timestamp),
    ) -> Result<SharedView, RequestError> {
        self.same_playbook(customer)?;
        let customer = &*self.as_known(customer, known_at);
        let looker = self.looker(&self.said_by_entitled(customer, around, None, (now, known_at)), audience)?;
        let places: Vec<_> = self.state(customer, &customer.view(known_at), now).journeys.iter().map(|j| j.place).collect();
        Ok(self.look(customer, now, known_at, |context, _| {
            let mut view = SharedView {
                audience: Arc::from(audience),
                purposes: looker.purposes.iter().map(|(purpose, _)| purpose.clone()).collect(),
                identifiers: Vec::new(),
                attributes: Vec::new(),
                events: Vec::new(),
                timeline: Vec::new(),
                segments: Vec::new(),
                personas: BTreeMap::new(),
                journeys: BTreeMap::new(),
                withheld: 0,
            };
            self.see_facts(context, &looker, &mut view);
            self.see_conclusions(context, &looker, &places, &mut view);
            view
        }))
    }

    pub(super) fn same_playbook(&self, customer: &Customer) -> Result<(), RequestError> {
        match customer.strands().iter().all(|strand| strand.layout().digest() == self.digest()) {
            true => Ok(()),
            false => Err(RequestError::new("other_playbook", "", super::OTHER_PLAYBOOK)),
        }
    }

    pub(super) fn looker(&self, said: &Said<'_>, audience: &str) -> Result<Looker, RequestError> {
        let playbook = self.playbook();
        let department = playbook.departments.iter().find(|department| *department.name.text == *audience);
        let purpose = playbook.purposes.iter().find(|purpose| *purpose.name.text == *audience);
        let (purposes, sensitivity, kinds) = match (department, purpose) {
            (Some(department), _) => {
                let names = department.purposes.iter().map(|name| name.text.clone()).collect();
                (names, department.sensitivity, department.reads.clone())
            }
            (None, Some(purpose)) => (vec![purpose.name.text.clone()], Sensitivity::Special, None),
            (None, None) => {
                let names = playbook.departments.iter().map(|department| &department.name);
                let names = names.chain(playbook.purposes.iter().map(|purpose| &purpose.name)).map(|name| &*name.text);
                let near = nearest(audience, names).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                let shown: String = audience.chars().take(80).collect();
                let message = format!("`{shown}` is neither a department nor a purpose of the playbook{near}");
                return Err(RequestError::new("unknown_audience", "for", message));
            }
        };
        let rules = self.0.offers.purposes.iter().enumerate().filter(|(_, rule)| purposes.contains(&rule.name));
        let consents = rules.map(|(number, rule)| (rule.name.clone(), said.consent(number, rule, None)));
        let purposes = consents.filter(|(_, consent)| consent.permits()).collect();
        Ok(Looker { no_profiling: said.profiling(None).is_some(), purposes, sensitivity, kinds })
    }

    fn see_facts(&self, context: &Context<'_>, looker: &Looker, view: &mut SharedView) {
        let playbook = self.playbook();
        for (number, attribute) in playbook.attributes.iter().enumerate() {
            if !looker.sees(&Ground::Attribute(number).label(playbook)) || !looker.sees_kind(attribute.kind) {
                view.withheld += 1;
            } else if let Answer::Known(value) = context.fact(FactId(u32::try_from(number).unwrap_or(u32::MAX))).value {
                let kind = attribute.kind.map(DataKind::name);
                view.attributes.push(SharedAttribute { attribute: attribute.name.text.clone(), value, kind });
            }
        }
        let mut kinds = Vec::new();
        for (number, event) in playbook.events.iter().enumerate() {
            if looker.sees(&Ground::Event(number).label(playbook)) && looker.sees_kind(event.kind) {
                kinds.push(crate::expr::EventKind(u16::try_from(number).unwrap_or(u16::MAX)));
            } else {
                view.withheld += 1;
            }
        }
        let named = |identifier: &Identifier| {
            let namespace = playbook.namespaces.iter().find(|namespace| *namespace.name.text == *identifier.namespace());
            namespace.is_some_and(|namespace| looker.sees(&Label::declared(&namespace.labels)))
        };
        let strands = context.view().strands().iter().filter(|strand| named(strand.identifier()));
        view.identifiers = strands.map(|strand| strand.identifier().to_string()).collect();
        let mut events: BTreeMap<usize, SharedEvents> = BTreeMap::new();
        let mut latest = std::collections::VecDeque::new();
        context.view().events(&kinds, Span::lifetime(context.now()), &mut |row| {
            // What was told under an identifier that they may not see is not theirs to see either.
            if named(row.strand().identifier()) {
                let number = usize::from(row.kind().0);
                let name = playbook.events.get(number).map_or_else(|| Arc::from("?"), |event| event.name.text.clone());
                let seen = events.entry(number).or_insert(SharedEvents { event: name, count: 0, last: row.time() });
                (seen.count, seen.last) = (seen.count + 1, row.time());
                if latest.len() == TIMELINE {
                    latest.pop_front();
                }
                latest.push_back(row);
            }
            ControlFlow::Continue(())
        });
        view.timeline = latest.iter().rev().map(|row| self.see_event(row, looker)).collect();
        view.events = events.into_values().collect();
    }

    fn see_event(&self, row: &StoryRow<'_>, looker: &Looker) -> SharedEvent {
        let playbook = self.playbook();
        let number = usize::from(row.kind().0);
        let mut properties = BTreeMap::new();
        let declared = playbook.events.get(number);
        for (column, property) in declared.iter().flat_map(|event| event.properties.iter().enumerate()) {
            let Some(value) = row.value(column) else { continue };
            let category = property.categories.iter().position(|category| value.as_text() == Some(&category.value.text));
            let category = category.map(|category| Ground::Category(number, column, category).label(playbook));
            let sees = looker.sees(&Ground::Property(number, column).label(playbook));
            if sees && category.is_none_or(|label| looker.sees(&label)) {
                properties.insert(property.name.text.clone(), value);
            }
        }
        let name = declared.map_or_else(|| Arc::from("?"), |event| event.name.text.clone());
        SharedEvent { event: name, time: row.time(), properties }
    }

    /// Whether a conclusion may be seen: nobody objects to profiling, and all that it is drawn from may be seen.
    pub(super) fn sees_conclusion(&self, looker: &Looker, drawn: &Drawn) -> bool {
        let kinds = drawn.grounds.iter().all(|ground| {
            let conclusion = matches!(ground, Ground::Segment(_) | Ground::Persona(_) | Ground::Journey(_));
            conclusion || looker.sees_kind(ground.kind(self.playbook()))
        });
        !looker.no_profiling && kinds && looker.sees(&drawn.label)
    }

    fn see_conclusions(
        &self,
        context: &Context<'_>,
        looker: &Looker,
        places: &[Option<crate::customer::Place>],
        view: &mut SharedView,
    ) {
        let (playbook, flow) = (self.playbook(), &self.0.flow);
        let sees = |drawn: &Drawn| self.sees_conclusion(looker, drawn);
        for (number, (segment, drawn)) in playbook.segments.iter().zip(&flow.segments).enumerate() {
            if !sees(drawn) {
                view.withheld += 1;
            } else if matches!(context.segment(number).value, Answer::Known(Value::Bool(true))) {
                view.segments.push(segment.name.text.clone());
            }
        }
        for ((persona, drawn), posterior) in playbook.personas.iter().zip(&flow.personas).zip(context.personas()) {
            if sees(drawn) {
                view.personas.insert(persona.name.text.clone(), posterior);
            } else {
                view.withheld += 1;
            }
        }
        for ((journey, drawn), place) in playbook.journeys.iter().zip(&flow.journeys).zip(places) {
            if !sees(drawn) {
                view.withheld += 1;
            } else if let Some(stage) = place.and_then(|place| journey.stages.get(usize::from(place.stage))) {
                view.journeys.insert(journey.name.text.clone(), stage.name.text.clone());
            }
        }
    }

    /// Why the customer sees what a decision shows them, in words for the customer. Names which of their facts played a part,
    /// never what is special or inferred without `reveal`, nor what their consent does not cover, and no values.
    ///
    /// # Errors
    /// As for [`decide`](Self::decide).
    pub fn reasons_for_customer(
        &self,
        customer: &Customer,
        request: &Request,
        now: Timestamp,
        known_at: Option<Timestamp>,
    ) -> Result<CustomerReasons, RequestError> {
        self.reasons_among(customer, Beyond::default(), request, now, known_at.unwrap_or(now))
    }

    /// The same with what is known beyond the customer.
    pub(crate) fn reasons_among(
        &self,
        customer: &Customer,
        beyond: Beyond<'_>,
        request: &Request,
        now: Timestamp,
        known_at: Timestamp,
    ) -> Result<CustomerReasons, RequestError> {
        let (decision, _) = self.answer_among(customer, beyond, request, now, Some(known_at), Detail::Brief)?;
        let customer = &*self.as_known(customer, known_at);
        let (around, at) = (beyond.around, (now, known_at));
        let minority = self.minority(customer, around, at, (request.assurance, request.identifier.as_ref()));
        let ward = minority.as_ref().is_some_and(|minority| !minority.consents_alone);
        let said = self.said(customer.view(known_at), now, request.identifier.as_ref());
        let said = if ward { said.by_guardians(&self.guardian_of(customer, around)) } else { said };
        let placements = self.look_as(customer, now, known_at, request, |context| {
            let said = said.since(context.begins());
            let reasons = decision.placements.iter().map(|answer| {
                let shown = match &answer.answer {
                    Shown::Offers { offers } => offers
                        .iter()
                        .map(|ranked| {
                            let rule = self.0.offers.offers.iter().find(|offer| offer.name == ranked.offer);
                            let because = rule.map(|rule| {
                                let mut because = self.because(rule, context, &said, &answer.channel);
                                let given = |purpose: &usize| self.is_given(*purpose, &said, &answer.channel);
                                because.extend(
                                    ward.then_some(GUARDIAN_AGREED.to_owned()).filter(|_| rule.purposes.iter().any(given)),
                                );
                                because
                            });
                            ShownReasons { message: ranked.message.clone(), because: because.unwrap_or_default() }
                        })
                        .collect(),
                    Shown::Fallback { message } => vec![ShownReasons {
                        message: message.to_string(),
                        because: vec!["You see this because everybody sees it here for whom nothing else is shown.".to_owned()],
                    }],
                    Shown::Silence => Vec::new(),
                };
                PlacementReasons { placement: answer.placement.clone(), kind: answer.kind(), shown }
            });
            reasons.collect()
        });
        Ok(CustomerReasons { placements, notes: minority.iter().flat_map(Minority::notes).collect() })
    }

    /// Whether somebody said yes to a purpose.
    fn is_given(&self, purpose: usize, said: &Said<'_>, channel: &str) -> bool {
        let rule = self.0.offers.purposes.get(purpose);
        rule.is_some_and(|rule| matches!(said.consent(purpose, rule, Some(channel)), Consent::Given { .. }))
    }

    fn because(&self, offer: &OfferRule, context: &Context<'_>, said: &Said<'_>, channel: &str) -> Vec<String> {
        let (playbook, flow) = (self.playbook(), &self.0.flow);
        let purposes = self.0.offers.purposes.iter().enumerate();
        let permitted: Vec<&Arc<str>> = purposes
            .filter(|(number, rule)| said.consent(*number, rule, Some(channel)).permits())
            .map(|(_, rule)| &rule.name)
            .collect();
        let mut grounds: BTreeSet<Ground> = BTreeSet::new();
        for rule in offer.rules() {
            grounds.extend(flow.grounds(rule, playbook, &self.0.model.rules));
        }
        let mut parts: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
        let mut held_back = false;
        for ground in grounds {
            let label = flow.ground(ground, playbook);
            let covered = label.purposes.is_none() || permitted.iter().any(|purpose| label.usable(purpose));
            // What is known of others is theirs.
            if label.hidden || !covered || matches!(ground, Ground::Relation(_)) {
                held_back = true;
            } else if let Some((how, what)) = self.in_words(ground, context) {
                let list = parts.entry(how).or_default();
                if !list.contains(&what) {
                    list.push(what);
                }
            }
        }
        let mut sentences: Vec<String> =
            parts.into_iter().map(|(how, what)| format!("You see this because of {how}: {}.", what.join(", "))).collect();
        if held_back {
            sentences.push("Other things that we know may have played a part too; you can ask us which.".to_owned());
        }
        if sentences.is_empty() {
            sentences.push("You see this because it is shown to everybody here.".to_owned());
        }
        sentences
    }

    /// How something came to be known and what it is called; `None` when nothing is known of it.
    fn in_words(&self, ground: Ground, context: &Context<'_>) -> Option<(&'static str, String)> {
        let playbook = self.playbook();
        let title = |title: &Option<Arc<str>>, name: &str| match title {
            Some(title) => title.to_string(),
            None => name.replace('_', " "),
        };
        match ground {
            Ground::Attribute(number) => {
                let attribute = playbook.attributes.get(number)?;
                let fact = FactId(u32::try_from(number).unwrap_or(u32::MAX));
                let how = match attribute.origin {
                    Origin::Stated => "what you told us",
                    Origin::Observed => "what we noticed",
                    Origin::Inferred => "what we concluded",
                    Origin::ThirdParty => "what others told us",
                };
                context.has(fact).then(|| (how, title(&attribute.title, &attribute.name.text)))
            }
            Ground::Event(number) => {
                let event = playbook.events.get(number)?;
                let kind = crate::expr::EventKind(u16::try_from(number).unwrap_or(u16::MAX));
                context.view().last(kind, context.now()).filter(|row| context.reads(row.time()) && !context.hides(kind))?;
                Some(("what you did", title(&event.title, &event.name.text)))
            }
            Ground::Segment(number) => {
                let segment = playbook.segments.get(number)?;
                let member = matches!(context.segment(number).value, Answer::Known(Value::Bool(true)));
                member.then(|| ("a group that you belong to", title(&segment.title, &segment.name.text)))
            }
            Ground::Persona(number) => {
                let persona = playbook.personas.get(number)?;
                Some(("what you have in common with others", title(&persona.title, &persona.name.text)))
            }
            Ground::Journey(number) => {
                let journey = playbook.journeys.get(number)?;
                Some(("where you are with us", title(&journey.title, &journey.name.text)))
            }
            Ground::Intent(number) => {
                let intent = playbook.intents.get(number)?;
                Some(("what you seem to be looking for", title(&intent.title, &intent.name.text)))
            }
            Ground::Need(number) => {
                let need = playbook.needs.get(number)?;
                let strong = context.need(number).strength.is_some_and(|strength| strength > 0.0);
                strong.then(|| ("what you seem to need", title(&need.title, &need.name.text)))
            }
            Ground::Preference(number) => {
                let preference = playbook.preferences.get(number)?;
                let known = context.preference(number).is_some_and(|known| !known.values.is_empty());
                known.then(|| ("what you prefer", title(&preference.title, &preference.name.text)))
            }
            Ground::Unusual(number) => {
                let unusual = playbook.unusual.get(number)?;
                Some(("what has changed lately", title(&unusual.title, &unusual.name.text)))
            }
            Ground::Outcome => Some(("how you responded before", "earlier offers".to_owned())),
            // The event type is named already.
            Ground::Property(..) | Ground::Category(..) | Ground::Relation(_) | Ground::Namespace(_) => None,
        }
    }

    /// What a customer said about what may be done, on an identifier and a channel or as a person; in the order of the playbook.
    #[must_use]
    pub fn consents(
        &self,
        customer: &Customer,
        met_on: Option<&Identifier>,
        channel: Option<&str>,
        now: Timestamp,
        known_at: Option<Timestamp>,
    ) -> Permissions {
        self.consents_among(customer, None, met_on, channel, (now, known_at.unwrap_or(now)))
    }

    /// The same with what is known of those around the customer.
    pub(crate) fn consents_among(
        &self,
        customer: &Customer,
        around: Option<&Around<'_>>,
        met_on: Option<&Identifier>,
        channel: Option<&str>,
        at: (Timestamp, Timestamp),
    ) -> Permissions {
        let customer = &*self.as_known(customer, at.1);
        let said = self.said_by_entitled(customer, around, met_on, at);
        let purposes = self.0.offers.purposes.iter().enumerate().map(|(number, rule)| {
            let consent = said.consent(number, rule, channel);
            Permission {
                purpose: rule.name.clone(),
                permitted: consent.permits(),
                state: consent.name(),
                since: consent.since(),
                explicit: consent.explicit(),
                given_by: match consent {
                    Consent::Given { since, .. } => said.given_by(number, since).map(Arc::from),
                    _ => None,
                },
                basis: rule.basis.name(),
            }
        });
        let channels = self.playbook().channels.iter().map(|channel| &channel.name.text);
        let closed = channels.filter_map(|name| Some((name.clone(), said.do_not_contact(name)?))).collect();
        Permissions {
            purposes: purposes.collect(),
            profiling_objected: said.profiling(channel),
            do_not_contact: closed,
            minority: self.minority(customer, around, at, (Assurance::Authenticated, None)),
        }
    }
}

/// What a customer said about what may be done.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "permissions")]
pub struct Permissions {
    /// In the order of the playbook.
    pub purposes: Vec<Permission>,
    /// Since when the customer objects to profiling; null when they do not.
    pub profiling_objected: Option<Timestamp>,
    /// The channels on which the customer must not be contacted, and since when.
    pub do_not_contact: BTreeMap<Arc<str>, Timestamp>,
    /// Whether the customer counts as a minor, and who may consent for them; null where the playbook does not say who is one.
    pub minority: Option<Minority>,
}

/// What holds for one purpose.
#[derive(Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "permission")]
pub struct Permission {
    /// The purpose.
    pub purpose: Arc<str>,
    /// Whether it is permitted.
    pub permitted: bool,
    /// `given`, `withdrawn`, `objected`, `expired`, `elsewhere` (on another identifier or channel), `not_entitled` (given by a minor,
    /// or by nobody's guardian), `never_asked`, or `lawful` whatever the customer says.
    pub state: &'static str,
    /// Since when; null when nothing was said.
    pub since: Option<Timestamp>,
    /// Whether the customer said yes in so many words.
    pub explicit: bool,
    /// Who gave it for the customer, as told: of a minor a guardian; null when the customer did.
    pub given_by: Option<Arc<str>>,
    /// Why the purpose is lawful.
    pub basis: &'static str,
}

/// For whom and how much, not what.
impl fmt::Debug for SharedView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedView")
            .field("audience", &self.audience)
            .field("attributes", &self.attributes)
            .field("events", &self.events.len())
            .field("withheld", &self.withheld)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Permission");
        shown.field("purpose", &self.purpose).field("permitted", &self.permitted).field("state", &self.state);
        shown.field("since", &self.since).field("explicit", &self.explicit).field("basis", &self.basis).finish_non_exhaustive()
    }
}

impl fmt::Debug for SharedAttribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedAttribute").field("attribute", &self.attribute).finish_non_exhaustive()
    }
}

impl fmt::Debug for SharedEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedEvent").field("event", &self.event).field("time", &self.time).finish_non_exhaustive()
    }
}

impl fmt::Debug for ShownReasons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShownReasons").field("because", &self.because).finish_non_exhaustive()
    }
}
