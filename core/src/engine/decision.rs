//! How the engine answers what a customer should see, and what the id of the answer is made of.

use super::next::Ahead;
use super::{Beyond, Engine, Inner, OTHER_PLAYBOOK, digest};
use crate::context::{Assignment, Beside, Context, Foresight};
use crate::customer::{Customer, Derived, Identifier, Strand, View};
use crate::decide::{
    self, Assigned, Candidate, Decision, Detail, JourneyPlace, Moment, PlacementAnswer, Request, RequestError, Trace, spoken,
};
use crate::expr::{Answer, Facts};
use crate::playbook::{Assurance, Sensitivity};
use crate::reaction::ReactionRule;
use crate::trends::Snapshot;
use crate::value::{LateText, Recipe, Timestamp, Value};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::sync::Arc;

impl Engine {
    /// Decides what a customer should see at `now`, or that silence is better. Changes nothing: the events to record come with
    /// the decision, see [`Decision::outcome`]. Events later than `now`, or known later than `known_at` (by default `now`), are
    /// not seen.
    ///
    /// # Errors
    /// [`RequestError`] for an unknown placement or a fact that does not fit.
    pub fn decide(
        &self,
        customer: &Customer,
        request: &Request,
        now: Timestamp,
        known_at: Option<Timestamp>,
    ) -> Result<Decision, RequestError> {
        self.answer(customer, request, now, known_at, Detail::Brief).map(|(decision, _)| decision)
    }

    /// The same decision, with the reasons for every candidate.
    ///
    /// # Errors
    /// As for [`decide`](Self::decide).
    pub fn explain(
        &self,
        customer: &Customer,
        request: &Request,
        now: Timestamp,
        known_at: Option<Timestamp>,
    ) -> Result<Decision, RequestError> {
        self.answer(customer, request, now, known_at, Detail::Full).map(|(decision, _)| decision)
    }

    /// The same decision with the customers who are related to this one: rules may read of them, and caps may count their contacts.
    /// Give the household or account with all its members, and whoever else may be related; who is related to whom, and as what, is
    /// read out of the stories of them all as of `now`. A [`CustomerBase`](crate::CustomerBase) gathers them itself.
    ///
    /// # Errors
    /// As for [`decide`](Self::decide), and for a customer of another playbook.
    pub fn decide_among(
        &self,
        customer: &Customer,
        related: &[&Customer],
        request: &Request,
        now: Timestamp,
        known_at: Option<Timestamp>,
    ) -> Result<Decision, RequestError> {
        let around = self.around(customer, related, now, known_at.unwrap_or(now))?;
        let beyond = Beyond { around: Some(&around), ..Beyond::default() };
        self.answer_among(customer, beyond, request, now, known_at, Detail::Brief).map(|(decision, _)| decision)
    }

    /// The decision of [`decide_among`](Self::decide_among) with the reasons for every candidate.
    ///
    /// # Errors
    /// As for [`decide_among`](Self::decide_among).
    pub fn explain_among(
        &self,
        customer: &Customer,
        related: &[&Customer],
        request: &Request,
        now: Timestamp,
        known_at: Option<Timestamp>,
    ) -> Result<Decision, RequestError> {
        let around = self.around(customer, related, now, known_at.unwrap_or(now))?;
        let beyond = Beyond { around: Some(&around), ..Beyond::default() };
        self.answer_among(customer, beyond, request, now, known_at, Detail::Full).map(|(decision, _)| decision)
    }

    /// A decision, and what became of the candidates as far as the detail asks for it and no trace holds it.
    pub(crate) fn answer(
        &self,
        customer: &Customer,
        request: &Request,
        now: Timestamp,
        known_at: Option<Timestamp>,
        detail: Detail,
    ) -> Result<(Decision, Vec<Candidate>), RequestError> {
        self.answer_among(customer, Beyond::default(), request, now, known_at, detail)
    }

    /// The same with what is known beyond the customer.
    pub(crate) fn answer_among(
        &self,
        customer: &Customer,
        beyond: Beyond<'_>,
        request: &Request,
        now: Timestamp,
        known_at: Option<Timestamp>,
        detail: Detail,
    ) -> Result<(Decision, Vec<Candidate>), RequestError> {
        let inner = &*self.0;
        let met_on = request.identifier.as_ref().or(beyond.met);
        let around = beyond.around.filter(|_| !self.relations().is_empty());
        if !self.knows(customer) {
            return Err(RequestError::new("other_playbook", "", OTHER_PLAYBOOK));
        }
        let known_at = known_at.unwrap_or(now);
        let customer = &*self.as_known(customer, known_at);
        let reaction = self.reaction(request)?;
        let placements = match reaction.and_then(|rule| rule.placement.as_ref()) {
            Some((name, _)) if request.placements.is_empty() => self.placements_of(std::slice::from_ref(name))?,
            _ => self.placements_of(&request.placements)?,
        };
        let only = beyond.only.or(reaction.and_then(|rule| rule.offers.as_deref()));
        let facts = decide::facts_in_order(request, &inner.offers.request, &inner.model.rules.sources.schema)?;
        let trends = self.trends_for(request.trends.as_ref(), now);
        let mut moment = Moment::of(&inner.offers, &inner.trends, request, trends, customer.id(), now)?;
        moment.replayed = beyond.replayed;
        let view = customer.view(known_at);
        let state = self.state(customer, &view, now);
        // Everything may be read of somebody authenticated, and of somebody recognised where nothing asks for more.
        let less =
            request.assurance == Assurance::Anonymous || request.assurance < Assurance::Authenticated && inner.offers.graded;
        let ranked = Ranked::of(request, trends, inner.offers.explores);
        if let (Detail::Brief, [placement], false, None, None) = (detail, &placements[..], less, around, only)
            && reaction.is_none()
            && trends.is_none()
            && request.scores.is_empty()
            && let Cow::Borrowed(state) = state
            && let Some(answer) = self.alone(&view, state, *placement, now)
        {
            let question = Question { instant: (now, known_at), request, facts, identifier: None, forecast: None, ranked };
            return Ok((self.decision(customer, question, vec![answer]), Vec::new()));
        }
        let places: SmallVec<[_; 2]> = state.journeys.iter().map(|journey| journey.place).collect();
        let said = self.said(view, now, met_on);
        // What is decided depends on which identifier the customer is met on.
        let binds = said.by_identifier() || request.assurance == Assurance::Anonymous || !inner.offers.namespaces.is_empty();
        let met = (request.assurance == Assurance::Anonymous).then_some(met_on);
        let assigned = inner.model.rules.experiments.assign(view, now, met);
        // What comes next is found out only where a rule may ask for it.
        let forecast = request
            .forecast
            .as_ref()
            .or(beyond.forecast)
            .map(|forecast| &**forecast)
            .filter(|_| !inner.model.rules.foreseen.is_empty());
        if forecast.is_some_and(|forecast| forecast.spec().digest != *self.digest()) {
            let message = "the forecast was made with another playbook; learn it again, or read it from its bytes";
            return Err(RequestError::new("other_playbook", "forecast", message));
        }
        let ahead = forecast.and_then(|forecast| {
            let asked = |journey| inner.model.rules.foreseen.contains(&journey);
            Ahead::new(forecast, now, &self.ways(forecast.spec(), &view, &state, now, asked))
        });
        let (answers, trace) = {
            let stages = &inner.model.journeys.stages;
            let new = || {
                let mut context = Context::new(&inner.model.rules, view, now, &facts, &places, stages);
                context.set_standing(&state.journeys);
                context.set_assigned(&assigned);
                context.set_ahead(ahead.as_ref().map(|ahead| ahead as &dyn Foresight));
                context.set_trends(trends.map(|trends| &**trends));
                context
            };
            let instant = (now, known_at);
            let others = around.map(|around| self.others(around, customer, None, instant, Assurance::Authenticated));
            // Of others only what they permit for the purposes of each offer; of somebody anonymous nobody is another.
            let permitted: Vec<_> = match around.filter(|_| request.assurance > Assurance::Anonymous) {
                Some(around) => {
                    let others = |key| self.others(around, customer, Some(key), instant, request.assurance);
                    inner.offers.shared.iter().map(others).collect()
                }
                None => Vec::new(),
            };
            let others = others.as_ref().map(|others| others as &dyn Beside);
            let mut whole = new();
            whole.set_beside(others);
            let told = others.filter(|_| request.assurance > Assurance::Anonymous);
            let limited = less.then(|| new().limited(request.assurance, met_on).beside(told));
            // What others have to do with it is not derived, and what was derived before a fold may be unknown after it.
            let folded = view.strands().iter().any(|strand| strand.folded().is_some());
            if detail != Detail::Full && around.is_none() && !folded && state.settled.is_some() {
                whole.known(&state.segments);
            }
            if let Some(live) = state.live.as_ref().filter(|live| detail != Detail::Full && live.is_at(state.settled)) {
                whole.standing_on(live);
            }
            let context = limited.as_ref().unwrap_or(&whole);
            let said = said.since(Facts::begins(context));
            let shared = |others| match less {
                true => new().limited(request.assurance, met_on).beside(Some(others)),
                false => new().beside(Some(others)),
            };
            let shared: Vec<Context<'_>> = permitted.iter().map(|others| shared(others as &dyn Beside)).collect();
            let guardian = self.guardian_of(customer, around);
            let reads = decide::Reads {
                context,
                whole: &whole,
                shared: &shared,
                shelf: self.shelf(),
                counters: beyond.counters,
                unlimited: beyond.unlimited,
                only,
                triggered: reaction.map_or(Sensitivity::Public, |rule| inner.offers.triggered_by(&rule.name)),
            };
            let mut answers = decide::decide(&inner.offers, reads, said, &guardian, &moment, &placements, detail);
            let candidates = if detail == Detail::Full { std::mem::take(&mut answers.candidates) } else { Vec::new() };
            let trace = (detail == Detail::Full).then(|| self.trace(context, request.assurance, candidates));
            (answers, trace)
        };
        let identifier = met_on.filter(|_| binds).cloned();
        let forecast = forecast.map(|forecast| forecast.digest().clone());
        let question = Question { instant: (now, known_at), request, facts, identifier, forecast, ranked };
        let decision = Decision {
            trends: trends.map(|trends| trends.digest_text()),
            assigned: answers.exposed.into_iter().filter_map(|number| self.assigned(&assigned, number)).collect(),
            trace,
            ..self.decision(customer, question, answers.placements)
        };
        Ok((decision, answers.candidates))
    }

    /// What a placement gets where nothing but what was derived of the customer has a say, see [`Lane::answer`](decide::Lane::answer); `None`
    /// where it takes more to tell.
    pub(super) fn alone(&self, view: &View<'_>, state: &Derived, placement: usize, now: Timestamp) -> Option<PlacementAnswer> {
        let Inner { model, offers, .. } = &*self.0;
        let lane = offers.lanes.get(placement)?;
        let live = state.live.as_ref().filter(|live| live.is_at(state.settled))?;
        let spoken = spoken(&model.rules.sources.reserved);
        let plain = |strand: &Strand| strand.folded().is_none() && !strand.tells_any(&spoken);
        if !view.strands().iter().all(plain) {
            return None;
        }
        let rule = offers.placements.get(placement)?;
        lane.answer(offers, (placement, rule), (&model.rules, &state.segments, live), now)
    }

    /// A decision for a customer.
    fn decision(&self, customer: &Customer, question: Question<'_>, placements: Vec<PlacementAnswer>) -> Decision {
        let Question { instant: (now, known_at), request, facts, identifier, forecast, ranked } = question;
        Decision {
            id: LateText::new(DecisionId {
                playbook: self.digest().clone(),
                customer: customer.identifier().cloned(),
                now,
                known_at,
                placements: placements.iter().map(|answer| answer.placement.clone()).collect(),
                facts,
                identifier,
                assurance: request.assurance,
                forecast: forecast.clone(),
                ranked,
            }),
            customer: customer.id().to_owned(),
            now,
            known_at,
            playbook: self.digest().clone(),
            forecast,
            placements,
            trends: None,
            assigned: Vec::new(),
            trace: None,
        }
    }

    fn assigned(&self, assigned: &[Option<Assignment>], number: usize) -> Option<Assigned> {
        let rule = self.0.model.rules.experiments.rules.get(number)?;
        let arm = assigned.get(number).copied().flatten()?.arm;
        Some(Assigned { experiment: rule.name.clone(), variant: rule.arm(arm)?.clone() })
    }

    /// The reaction that a question answers.
    fn reaction(&self, request: &Request) -> Result<Option<&ReactionRule>, RequestError> {
        let Some(name) = &request.reaction else { return Ok(None) };
        let reactions = &self.0.model.reactions;
        let found = reactions.named(name).map(Some);
        found.ok_or_else(|| {
            let shown: String = name.chars().take(80).collect();
            let own = reactions.rules.iter().filter(|rule| !rule.missed);
            let near = crate::error::nearest(name, own.map(|rule| &*rule.name));
            let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            RequestError::new("unknown_reaction", "reaction", format!("reaction `{shown}` is not declared{hint}"))
        })
    }

    fn placements_of<T: AsRef<str>>(&self, names: &[T]) -> Result<SmallVec<[usize; 4]>, RequestError> {
        let declared = &self.0.offers.placements;
        let mut numbers = SmallVec::new();
        for (place, name) in names.iter().map(AsRef::as_ref).enumerate() {
            let path = || format!("placements[{place}]");
            let shown = || -> String { name.chars().take(80).collect() };
            let Some(number) = declared.iter().position(|placement| *placement.name == *name) else {
                let near = crate::error::nearest(name, declared.iter().map(|placement| &*placement.name));
                let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                return Err(RequestError::new(
                    "unknown_placement",
                    path(),
                    format!("placement `{}` is not declared{hint}", shown()),
                ));
            };
            if numbers.contains(&number) {
                return Err(RequestError::new("placement_twice", path(), format!("placement `{}` is asked twice", shown())));
            }
            numbers.push(number);
        }
        if numbers.is_empty() {
            return Err(RequestError::new("no_placement", "placements", "a request names at least one placement"));
        }
        Ok(numbers)
    }

    fn trace(&self, context: &Context<'_>, assurance: Assurance, candidates: Vec<Candidate>) -> Trace {
        let playbook = self.playbook();
        let member = |number: usize| matches!(context.segment(number).value, Answer::Known(Value::Bool(true)));
        let segments = playbook.segments.iter().enumerate().filter(|(number, _)| member(*number));
        let journeys = playbook.journeys.iter().zip(&self.0.model.journeys.stages).enumerate();
        Trace {
            assurance,
            segments: segments.map(|(_, segment)| segment.name.text.clone()).collect(),
            personas: playbook.personas.iter().map(|persona| persona.name.text.clone()).zip(context.personas()).collect(),
            journeys: journeys
                .map(|(number, (journey, stages))| {
                    let place = context.place(number);
                    let stage = place.and_then(|place| stages.get(usize::from(place.stage)).cloned());
                    JourneyPlace { journey: journey.name.text.clone(), stage, since: place.map(|place| place.since) }
                })
                .collect(),
            commitments: context.commitments(),
            candidates,
        }
    }
}

/// What a decision answers.
struct Question<'r> {
    /// Of the question, and up to when knowledge counts.
    instant: (Timestamp, Timestamp),
    request: &'r Request,
    facts: Vec<Option<Value>>,
    /// On which identifier the customer is met, when that matters.
    identifier: Option<Identifier>,
    /// The forecast that rules may ask.
    forecast: Option<Arc<str>>,
    ranked: Option<Box<Ranked>>,
}

/// What the id of a decision is made of.
struct DecisionId {
    playbook: Arc<str>,
    customer: Option<Identifier>,
    now: Timestamp,
    known_at: Timestamp,
    placements: SmallVec<[Arc<str>; 2]>,
    facts: Vec<Option<Value>>,
    /// On which identifier the customer was met, when that matters.
    identifier: Option<Identifier>,
    assurance: Assurance,
    /// The forecast that rules could ask.
    forecast: Option<Arc<str>>,
    ranked: Option<Box<Ranked>>,
}

/// What ranking read beside the customer.
struct Ranked {
    scores: Vec<(String, String, f64)>,
    seed: u64,
    trends: Option<Arc<Snapshot>>,
    /// The reaction that was answered.
    reaction: Option<String>,
}

impl Ranked {
    /// `None` when there is nothing.
    fn of(request: &Request, trends: Option<&Arc<Snapshot>>, explores: bool) -> Option<Box<Self>> {
        let seed = if explores { request.seed } else { 0 };
        let any = !request.scores.is_empty() || seed != 0 || trends.is_some() || request.reaction.is_some();
        any.then(|| {
            let mut scores = request.scores.clone();
            scores.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
            Box::new(Ranked { scores, seed, trends: trends.cloned(), reaction: request.reaction.clone() })
        })
    }
}

impl Recipe for DecisionId {
    fn write(&self) -> String {
        let facts = serde_json::to_string(&self.facts).unwrap_or_default();
        let customer = self.customer.as_ref().map_or("", Identifier::as_str);
        let mut placements = self.placements.join("\n");
        if let Some(identifier) = &self.identifier {
            placements = format!("{placements}\n\n{identifier}");
        }
        if self.assurance != Assurance::Recognised {
            placements = format!("{placements}\n\n\n{}", self.assurance);
        }
        if let Some(forecast) = &self.forecast {
            placements = format!("{placements}\n\n\n\n{forecast}");
        }
        if let Some(ranked) = &self.ranked {
            let trends = ranked.trends.as_ref().map_or_else(|| Arc::from(""), |trends| trends.digest_text());
            placements = format!("{placements}\n\n\n\n{}\n{trends}", ranked.seed);
            if let Some(reaction) = &ranked.reaction {
                placements = format!("{placements}\n\n{reaction}");
            }
            for (column, offer, number) in &ranked.scores {
                placements = format!("{placements}\n{column}\n{offer}\n{:016x}", number.to_bits());
            }
        }
        digest(&[&self.playbook, customer, &self.now.to_string(), &self.known_at.to_string(), &placements, &facts])
    }
}
