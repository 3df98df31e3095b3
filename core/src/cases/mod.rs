//! Trying cases against a playbook, on a virtual clock.

use crate::base::CustomerBase;
use crate::customer::{Event, Identifier};
use crate::decide::{Answer, Decision, Gate, Request};
use crate::engine::{Effected, Engine};
use crate::error::{Diagnostics, Place};
use crate::playbook::{Act, Beyond, Case, Expectation, When, cases};
use crate::reach::ReachRequest;
use crate::value::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What became of a case.
#[derive(Debug, Clone, PartialEq)]
pub struct CaseReport {
    /// What the case is about.
    pub name: Arc<str>,
    /// Where it stands.
    pub place: Place,
    /// How many expectations were looked at.
    pub expectations: usize,
    /// What came otherwise; none when all came as expected.
    pub failures: Vec<CaseFailure>,
}

/// Something that came otherwise than expected.
#[derive(Debug, Clone, PartialEq)]
pub struct CaseFailure {
    /// The step.
    pub place: Place,
    /// Its instant.
    pub at: Timestamp,
    /// What was expected and what came, and why.
    pub message: String,
}

impl Engine {
    /// Tries the cases of a document, each on a customer base of its own and on a virtual clock that stands where the step says.
    /// `docs/cases.md` has the form of the document.
    ///
    /// # Errors
    /// All mistakes of the document; names that the playbook does not declare are among them.
    ///
    /// # Examples
    /// ```
    /// let engine = tactful::Engine::compile(&[("shop.yaml", "{playbook: shop, version: 1, identity: {customer: {}},
    ///     events: {visit: {page: string}}, segments: {here: 'events(\"visit\").within(\"7d\").exists()'}}")])?;
    /// let reports = engine.try_cases("cases.yaml", "
    /// cases:
    ///   a visit counts for a week:
    ///     steps:
    ///       - {at: 2026-03-01T10:00:00Z, event: visit}
    ///       - {after: 6d, segments: {here: true}}
    ///       - {after: 2d, segments: {here: true}}
    /// ")?;
    /// assert_eq!(reports[0].failures[0].message, "expected segment `here` to be true, but it is false");
    /// # Ok::<(), tactful::Diagnostics>(())
    /// ```
    pub fn try_cases(&self, name: &str, text: &str) -> Result<Vec<CaseReport>, Diagnostics> {
        let gates = Gate::ALL.map(Gate::name);
        let identity = self.identity();
        let identifier = |text: &str| match Identifier::parse(text) {
            Ok(identifier) => identity.read(&identifier).map(|_| ()).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let beyond = Beyond { gates: &gates, identifier: &identifier };
        Ok(cases(self.playbook(), &beyond, name, text)?.iter().map(|case| Run::new(self, case).report()).collect())
    }
}

/// A case as it is gone through.
struct Run<'a> {
    case: &'a Case,
    base: CustomerBase,
    clock: Option<Timestamp>,
    /// What was reserved last, by customer: the decision.
    reserved: BTreeMap<Identifier, String>,
    expectations: usize,
    failures: Vec<CaseFailure>,
}

impl<'a> Run<'a> {
    fn new(engine: &Engine, case: &'a Case) -> Self {
        let base = CustomerBase::new(engine.clone());
        Run { case, base, clock: None, reserved: BTreeMap::new(), expectations: 0, failures: Vec::new() }
    }

    fn report(mut self) -> CaseReport {
        for (number, step) in self.case.steps.iter().enumerate() {
            let time = match (step.when, self.clock) {
                (When::At(time), _) => Some(time),
                (When::After(length), Some(clock)) => Some(clock.saturating_add_micros(length.nanos() / 1000)),
                (When::Then, clock) => clock,
                (When::After(_), None) => None,
            };
            let Some(time) = time else { continue };
            // Time never goes back: an event from before is one that arrives late.
            let clock = self.clock.map_or(time, |clock| clock.max(time));
            self.clock = Some(clock);
            let who = Identifier::parse(&step.customer).ok();
            let wrong = match &step.act {
                Act::Tell { event, properties, channel } => {
                    let Some(who) = &who else { continue };
                    let mut told = Event::new(event, time, who.clone());
                    (told.known_at, told.id) = (Some(clock), Some(format!("step {number}")));
                    told.properties = properties.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
                    told.channel = channel.as_ref().map(ToString::to_string);
                    self.base.record(&told).err().map(|error| vec![format!("the event is refused: {error}")])
                }
                Act::Confirm(_) | Act::Release if time < clock => {
                    Some(vec![format!("it is {clock} already, and what was reserved ends now")])
                }
                Act::Confirm(outcome) => who.and_then(|who| self.end(&who, Some(outcome), time)),
                Act::Release => who.and_then(|who| self.end(&who, None, time)),
                Act::Expect(_) if time < clock => {
                    Some(vec![format!("it is {clock} already, and what is expected is expected now")])
                }
                Act::Expect(expectation) => {
                    self.expectations += 1;
                    who.map(|who| self.look(&who, expectation, time))
                }
            };
            let failure = |message| CaseFailure { place: step.place.clone(), at: time, message };
            self.failures.extend(wrong.into_iter().flatten().map(failure));
        }
        let Run { case, expectations, failures, .. } = self;
        CaseReport { name: case.name.clone(), place: case.place.clone(), expectations, failures }
    }

    /// What comes otherwise than expected.
    fn look(&mut self, who: &Identifier, expected: &Expectation, now: Timestamp) -> Vec<String> {
        let mut wrong = Vec::new();
        if !expected.placements.is_empty() {
            let request = Request {
                placements: expected.placements.iter().map(|name| name.text.to_string()).collect(),
                facts: expected.facts.iter().map(|(name, value)| (name.to_string(), value.clone())).collect(),
                scores: expected
                    .scores
                    .iter()
                    .map(|(column, offer, number)| (column.to_string(), offer.to_string(), *number))
                    .collect(),
                seed: expected.seed,
                assurance: expected.assurance,
                ..Request::default()
            };
            match self.base.explain(who, &request, now, expected.known_at) {
                Ok(decision) => {
                    compare(expected, &decision, &mut wrong);
                    self.record(expected, &decision, who, now, &mut wrong);
                    if let Some(length) = expected.reserve {
                        match self.base.reserve(who, &request, now, Some(length)) {
                            Ok(held) => drop(self.reserved.insert(who.clone(), held.decision.id.as_str().to_owned())),
                            Err(error) => wrong.push(format!("it cannot be reserved: {error}")),
                        }
                    }
                }
                Err(error) => wrong.push(format!("the question is refused: {error}")),
            }
        }
        wrong.extend(self.standing(expected, who, now));
        wrong.extend(self.reached(expected, who, now));
        wrong
    }

    /// Takes or gives back what was reserved last; says what is wrong with that.
    fn end(&mut self, who: &Identifier, outcome: Option<&Arc<str>>, now: Timestamp) -> Option<Vec<String>> {
        let Some(decision) = self.reserved.remove(who) else {
            return Some(vec![format!("nothing is reserved for `{}`", who.as_str())]);
        };
        let ended = match outcome {
            Some(outcome) => self.base.confirm(who, &decision, None, outcome, now),
            None => self.base.release(who, &decision, None, now),
        };
        ended.err().map(|error| vec![format!("what was reserved cannot be ended: {error}")])
    }

    /// Ways to reach the customer and proposals that are otherwise.
    fn reached(&self, expected: &Expectation, who: &Identifier, now: Timestamp) -> Vec<String> {
        let mut wrong = Vec::new();
        let word = |channel: Option<&str>| channel.map_or("not at all".to_owned(), |channel| format!("by `{channel}`"));
        for (name, channel) in &expected.reach {
            let asked = ReachRequest { offer: name.text.to_string(), ..ReachRequest::default() };
            match self.base.reach(who, &asked, &Request::default(), now) {
                Ok(found) if found.channel == *channel => {}
                Ok(found) => wrong.push(format!(
                    "expected the customer to be reached {} about `{}`, but it is {}: {}",
                    word(channel.as_deref()),
                    name.text,
                    word(found.channel.as_deref()),
                    found.reason
                )),
                Err(error) => wrong.push(format!("the question is refused: {error}")),
            }
        }
        if let Some(proposed) = &expected.proposed {
            let engine = self.base.engine();
            let due = self.base.find(who).map(|customer| engine.reactions(customer, now, None).due).unwrap_or_default();
            let found: Vec<&str> = due
                .iter()
                .filter_map(|due| match &due.proposal {
                    Effected::ReactionDue { reaction, .. } => Some(&**reaction),
                    _ => None,
                })
                .collect();
            let names: Vec<&str> = proposed.iter().map(|name| &*name.text).collect();
            let list = |names: &[&str]| if names.is_empty() { "none".to_owned() } else { format!("`{}`", names.join("`, `")) };
            if found != names {
                wrong.push(format!("expected the proposals of {}, but they are of {}", list(&names), list(&found)));
            }
        }
        wrong
    }

    fn record(
        &mut self,
        expected: &Expectation,
        decision: &Decision,
        who: &Identifier,
        now: Timestamp,
        wrong: &mut Vec<String>,
    ) {
        let Some(outcome) = &expected.record else { return };
        for event in decision.outcome(outcome, now, who) {
            if let Err(error) = self.base.record(&event) {
                wrong.push(format!("the outcome cannot be recorded: {error}"));
            }
        }
    }

    /// Segments, stages and variants that are otherwise.
    fn standing(&self, expected: &Expectation, who: &Identifier, now: Timestamp) -> Vec<String> {
        let mut wrong = Vec::new();
        let engine = self.base.engine();
        let nobody = engine.customer(who).ok();
        let Some(customer) = self.base.find(who).or(nobody.as_ref()) else {
            return vec![format!("`{}` is no declared namespace", who.namespace())];
        };
        let word = |member: Option<bool>| member.map_or("unknown", |member| if member { "true" } else { "false" });
        let members = engine.segments(customer, now);
        for (name, member) in &expected.segments {
            let found = members.iter().find(|(segment, _)| *segment == name.text).and_then(|(_, member)| *member);
            if found != *member {
                wrong.push(format!("expected segment `{}` to be {}, but it is {}", name.text, word(*member), word(found)));
            }
        }
        let place =
            |stage: &Option<Arc<str>>| stage.as_ref().map_or("outside of it".to_owned(), |stage| format!("in `{stage}`"));
        let history = if expected.stages.is_empty() { Vec::new() } else { engine.journey_history(customer, now) };
        for (name, stage) in &expected.stages {
            let journeys = history.iter().filter(|journey| journey.journey == name.text);
            let open: Vec<Option<Arc<str>>> = journeys
                .flat_map(|journey| journey.stays.last())
                .filter(|stay| stay.left.is_none())
                .map(|stay| Some(stay.stage.clone()))
                .collect();
            let found = open.first().cloned().flatten();
            if !(open.contains(stage) || open.is_empty() && stage.is_none()) {
                wrong.push(format!(
                    "expected journey `{}`: {}, but the customer is {}",
                    name.text,
                    place(stage),
                    place(&found)
                ));
            }
        }
        let experiments = &engine.model().rules.experiments;
        let assigned = experiments.assign(customer.view(now), now, None);
        for (name, variant) in &expected.variants {
            let rules = experiments.rules.iter().zip(&assigned).find(|(rule, _)| rule.name == name.text);
            let found = rules.and_then(|(rule, assigned)| rule.arm((*assigned)?.arm)).cloned();
            if found != *variant {
                let word =
                    |variant: &Option<Arc<str>>| variant.as_ref().map_or("no part".to_owned(), |name| format!("`{name}`"));
                wrong.push(format!("expected experiment `{}`: {}, but it is {}", name.text, word(variant), word(&found)));
            }
        }
        wrong
    }
}

/// What a decision gives otherwise than expected, with the reasons that it gives itself.
fn compare(expected: &Expectation, decision: &Decision, wrong: &mut Vec<String>) {
    let chosen: Vec<&str> = decision.offers().map(|ranked| &*ranked.offer).collect();
    let list = |names: &[&str]| if names.is_empty() { "none".to_owned() } else { format!("`{}`", names.join("`, `")) };
    let candidates = || decision.trace.iter().flat_map(|trace| &trace.candidates);
    // Why an offer is not among those that were chosen.
    let why = |offer: &str| {
        let told: Vec<String> = candidates()
            .filter(|candidate| *candidate.offer == *offer && candidate.gate != Gate::Chosen)
            .map(|candidate| {
                let reasons =
                    if candidate.reasons.is_empty() { String::new() } else { format!(": {}", candidate.reasons.join("; ")) };
                format!("\n`{offer}` was stopped at {} in `{}`{reasons}", candidate.gate.name(), candidate.placement)
            })
            .collect();
        if told.is_empty() && !chosen.contains(&offer) { format!("\n`{offer}` is no candidate there") } else { told.concat() }
    };
    if let Some(answer) = &expected.answer {
        for placement in &decision.placements {
            let found = match &placement.answer {
                Answer::Offers { .. } => "offers",
                Answer::Fallback { .. } => "fallback",
                Answer::Silence => "silence",
            };
            if found != &**answer {
                let offers: Vec<&str> = placement.offers().iter().map(|ranked| &*ranked.offer).collect();
                let offers = if offers.is_empty() { String::new() } else { format!(" {}", list(&offers)) };
                wrong.push(format!(
                    "expected {answer} in `{}`, but it gets {found}{offers}: {}",
                    placement.placement,
                    placement.reason.as_str()
                ));
            }
        }
    }
    if let Some(offers) = &expected.offers {
        let names: Vec<&str> = offers.iter().map(|name| &*name.text).collect();
        if names != chosen {
            let missing: String = names.iter().filter(|name| !chosen.contains(name)).map(|name| why(name)).collect();
            wrong.push(format!("expected the offers {}, but they are {}{missing}", list(&names), list(&chosen)));
        }
    }
    for name in expected.includes.iter().filter(|name| !chosen.contains(&&*name.text)) {
        wrong.push(format!("expected `{}` among the offers, but they are {}{}", name.text, list(&chosen), why(&name.text)));
    }
    for name in expected.excludes.iter().filter(|name| chosen.contains(&&*name.text)) {
        wrong.push(format!("expected `{}` not to be offered, but the offers are {}", name.text, list(&chosen)));
    }
    if let Some(text) = &expected.message {
        let fallbacks = decision.placements.iter().filter_map(|placement| match &placement.answer {
            Answer::Fallback { message } => Some(&**message),
            _ => None,
        });
        let messages: Vec<&str> = decision.offers().map(|ranked| &*ranked.message).chain(fallbacks).collect();
        if !messages.iter().any(|message| message.contains(&**text)) {
            wrong.push(format!("expected a message with `{text}`, but the messages are {}", list(&messages)));
        }
    }
    for (name, gate) in &expected.stopped {
        let gates: Vec<&str> =
            candidates().filter(|candidate| candidate.offer == name.text).map(|candidate| candidate.gate.name()).collect();
        if !gates.contains(&&**gate) {
            let found = if gates.is_empty() { String::new() } else { format!(", not at `{}`", gates.join("`, `")) };
            wrong.push(format!("expected `{}` to be stopped at `{gate}`{found}{}", name.text, why(&name.text)));
        }
    }
    for (name, until) in &expected.until {
        let found: Vec<Option<Timestamp>> =
            candidates().filter(|candidate| candidate.offer == name.text).map(|candidate| candidate.until).collect();
        if !found.contains(&Some(*until)) {
            let told: Vec<String> = found.iter().flatten().map(ToString::to_string).collect();
            let told = match (chosen.contains(&&*name.text), told.is_empty()) {
                (true, _) => "chosen".to_owned(),
                (false, true) => "stopped by something else".to_owned(),
                (false, false) => format!("until {}", told.join(", ")),
            };
            wrong.push(format!("expected `{}` to be held back until {until}, but it is {told}{}", name.text, why(&name.text)));
        }
    }
    for (name, instant) in &expected.sends {
        let found = decision.offers().find(|ranked| ranked.offer == name.text);
        let told = match found.map(|ranked| ranked.at) {
            Some(Some(at)) => format!("but at {at}"),
            Some(None) => "but at once".to_owned(),
            None => format!("but it is not chosen{}", why(&name.text)),
        };
        if found.and_then(|ranked| ranked.at) != Some(*instant) {
            wrong.push(format!("expected `{}` to be sent at {instant}, {told}", name.text));
        }
    }
    if let Some(text) = &expected.because
        && !candidates().flat_map(|candidate| &candidate.reasons).any(|reason| reason.contains(&**text))
    {
        let reasons: Vec<String> =
            candidates().flat_map(|candidate| &candidate.reasons).map(|reason| format!("\n{reason}")).collect();
        wrong.push(format!("expected a reason with `{text}`, but the reasons are{}", reasons.concat()));
    }
}
