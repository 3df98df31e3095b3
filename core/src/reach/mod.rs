//! Outbound: how and when to reach a customer about an offer, or that it is better not to.
//!
//! A placement that asks is inbound: the customer is there. Here the host wants to speak first, and the engine chooses among the
//! placements on channels that contact and the hours ahead: what the contact policy, consent and quiet hours allow, what the customer
//! prefers, how they responded on each channel so far, and what a contact costs.

mod response;

use crate::base::CustomerBase;
use crate::customer::{Customer, Identifier};
use crate::decide::{Answer, Decision, Detail, Gate, Ranked, Request, RequestError};
use crate::engine::{Beyond, Engine};
use crate::value::{Duration, Timestamp};
use response::{CONTACTS, Everybody, Leanings, RESPONSES, Responses};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How long ahead is looked when nothing is said, and at most.
const USUAL: i64 = 7 * 24 * HOUR;
const LONGEST: i64 = 31 * 24 * HOUR;
const HOUR: i64 = 3_600_000_000;
const MINUTE: i64 = 60_000_000;

/// Whom to reach about what.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReachRequest {
    /// The offer that it is about.
    pub offer: String,
    /// The placements to choose from; without any all on channels that contact.
    pub placements: Vec<String>,
    /// How long ahead it may be, up to 31 days; 7 days when not said.
    pub within: Option<Duration>,
    /// How many of all customers respond on a channel, 0 to 1, by channel: what the customer's own responses are shrunk to, in place of
    /// what the trends say that the question goes by.
    pub rates: BTreeMap<String, f64>,
}

/// How and when to reach a customer, or that it is better not to.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Reach {
    /// The customer's id.
    pub customer: String,
    /// The offer.
    pub offer: Arc<str>,
    /// `reach` or `silence`.
    pub answer: &'static str,
    /// Where to reach them; null for silence, as all up to `message`.
    pub placement: Option<Arc<str>>,
    /// The channel of the placement.
    pub channel: Option<Arc<str>>,
    /// The first instant at which it is to be sent: the best hour, or where the message may first be sent within the hour before it.
    pub not_before: Option<Timestamp>,
    /// Up to when it may be sent without asking again, to the minute; that instant is not included.
    pub not_after: Option<Timestamp>,
    /// The message as it would be at `not_before`.
    pub message: Option<String>,
    /// Why, in one sentence.
    pub reason: String,
    /// Every placement that was looked at, best first, then those that are out of the question.
    pub options: Vec<ReachOption>,
}

/// A way to reach the customer.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct ReachOption {
    /// The placement.
    pub placement: Arc<str>,
    /// Its channel.
    pub channel: Arc<str>,
    /// Its best instant; null when it is out of the question.
    pub at: Option<Timestamp>,
    /// Contacts on the channel so far: decisions of which something was sent, delivered, shown or more.
    pub contacts: u64,
    /// Of these, how many the customer clicked, accepted, converted or redeemed.
    pub responses: u64,
    /// How many of all customers respond there, 0 to 1: what the customer's own responses are shrunk to.
    pub all: f64,
    /// Where that is from: `given` with the question, out of `trends`, or `own`, the customer's own rate over all channels.
    pub all_from: &'static str,
    /// The estimated rate of response, 0 to 1: (responses + 5 x rate of all) / (contacts + 5).
    pub response: f64,
    /// How much the channel and that hour are liked: (1 + strength of the channel) x (1 + of the hour) x (1 + of the weekday).
    pub preference: f64,
    /// What a contact costs: the least `cost` of the channel's touchpoints.
    pub cost: f64,
    /// What a response is worth: the offer's `value`.
    pub value: Option<f64>,
    /// response x preference x value - cost; the response times the preference counts as 1 at most.
    pub net: Option<f64>,
    /// Why it is out of the question.
    pub reason: Option<String>,
}

/// The customer, and what the engine knows beyond them.
struct Question<'q> {
    engine: &'q Engine,
    customer: &'q Customer,
    request: Request,
    offer: usize,
    now: Timestamp,
    /// The decision for one placement at an instant ahead.
    decide: &'q dyn Fn(&Request, usize, Timestamp, Detail) -> Result<Decision, RequestError>,
}

impl Engine {
    /// How and when to reach a customer about an offer, known by `now`; changes nothing.
    ///
    /// Every whole hour ahead is tried, and `now` itself. An hour is possible on a placement when the offer, were it the only one, would be
    /// chosen there then: consent, eligibility, contact policy and quiet hours hold as in every decision. Of what is possible the
    /// greatest expected net value wins, the earlier one of equals, then the placement named first.
    ///
    /// # Errors
    /// As for [`Engine::decide`]; `unknown_offer`, `wrong_rate` (not between 0 and 1), `wrong_within` (not above 0, or beyond 31 days), and
    /// `no_contact` when no placement is on a channel that contacts.
    pub fn reach(
        &self,
        customer: &Customer,
        asked: &ReachRequest,
        request: &Request,
        now: Timestamp,
    ) -> Result<Reach, RequestError> {
        let decide = |request: &Request, only: usize, at: Timestamp, detail: Detail| {
            let only = [only];
            let beyond = Beyond { only: Some(&only), ..Beyond::default() };
            Ok(self.answer_among(customer, beyond, request, at, Some(now), detail)?.0)
        };
        self.reach_by(customer, asked, request, now, &decide)
    }

    fn reach_by(
        &self,
        customer: &Customer,
        asked: &ReachRequest,
        request: &Request,
        now: Timestamp,
        decide: &dyn Fn(&Request, usize, Timestamp, Detail) -> Result<Decision, RequestError>,
    ) -> Result<Reach, RequestError> {
        let playbook = self.playbook();
        let Some(offer) = playbook.offers.iter().position(|offer| *offer.name.text == *asked.offer) else {
            let shown: String = asked.offer.chars().take(80).collect();
            let near = crate::error::nearest(&asked.offer, playbook.offers.iter().map(|offer| &*offer.name.text));
            let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            return Err(RequestError::new("unknown_offer", "offer", format!("offer `{shown}` is not declared{hint}")));
        };
        if let Some((channel, _)) = asked.rates.iter().find(|(_, rate)| !(0.0..=1.0).contains(*rate)) {
            let shown: String = channel.chars().take(80).collect();
            return Err(RequestError::new("wrong_rate", format!("rates.{shown}"), "expected a rate from 0 to 1"));
        }
        let within = asked.within.map_or(USUAL, Duration::micros);
        if !(1..=LONGEST).contains(&within) {
            return Err(RequestError::new("wrong_within", "within", "expected a time above 0 and up to 31 days, such as `7d`"));
        }
        let until = now.saturating_add_micros(within);
        let contacts = |channel: &str| playbook.channels.iter().any(|own| *own.name.text == *channel && own.contact);
        let mut placements: Vec<(Arc<str>, Arc<str>)> = Vec::new();
        for placement in &playbook.placements {
            let (name, channel) = (&placement.name.text, &placement.channel.text);
            let wanted = asked.placements.is_empty() && contacts(channel) || asked.placements.iter().any(|own| **own == **name);
            if wanted {
                placements.push((name.clone(), channel.clone()));
            }
        }
        if let Some(unknown) = asked.placements.iter().find(|own| placements.iter().all(|(name, _)| **name != ***own)) {
            let request = Request { placements: vec![unknown.clone()], ..request.clone() };
            decide(&request, offer, now, Detail::Brief)?;
        }
        if placements.is_empty() {
            let message = "no placement is on a channel that contacts; name placements";
            return Err(RequestError::new("no_contact", "placements", message));
        }
        let question = Question { engine: self, customer, request: request.clone(), offer, now, decide };
        question.answer(&placements, asked, until)
    }
}

impl CustomerBase {
    /// How and when to reach whom an identifier points to about an offer. See [`Engine::reach`]; relatives and what is counted over
    /// all customers are known here.
    ///
    /// # Errors
    /// As for [`Engine::reach`], and for an identifier that cannot be used.
    pub fn reach(
        &self,
        identifier: &Identifier,
        asked: &ReachRequest,
        request: &Request,
        now: Timestamp,
    ) -> Result<Reach, RequestError> {
        let (met, customer) = self.somebody(identifier, now, None)?;
        let decide = |request: &Request, only: usize, at: Timestamp, detail: Detail| {
            let around = self.around(&met, at, Some(now));
            let only = [only];
            let beyond = Beyond { around: around.as_ref(), counters: self.counters(), only: Some(&only), ..Beyond::default() };
            Ok(self.engine().answer_among(&customer, beyond, &self.completed(request.met_on(&met)), at, Some(now), detail)?.0)
        };
        self.engine().reach_by(&customer, asked, request, now, &decide)
    }
}

const NOT_MADE: &str = "the offer is not made there";

/// The best instant on a placement.
struct Best {
    at: Timestamp,
    net: f64,
    preference: f64,
    value: f64,
    ranked: Ranked,
}

impl Question<'_> {
    fn answer(
        &self,
        placements: &[(Arc<str>, Arc<str>)],
        asked: &ReachRequest,
        until: Timestamp,
    ) -> Result<Reach, RequestError> {
        let leanings = Leanings::of(self.engine, self.customer, self.now);
        let responses = Responses::of(self.engine, self.customer, self.now);
        let trends = self.engine.trends_for(self.request.trends.as_ref(), self.now);
        let counted = trends.and_then(|trends| trends.responses(&CONTACTS, &RESPONSES, self.now));
        let looked_at: BTreeSet<&str> = placements.iter().map(|(_, channel)| &**channel).collect();
        let everybody = counted.as_ref().map(|counted| Everybody::of(counted, &looked_at));
        let mut options: Vec<(ReachOption, Option<Best>)> = Vec::with_capacity(placements.len());
        for (placement, channel) in placements {
            let (contacts, responded) = responses.on(channel);
            let (all, all_from) = match (asked.rates.get(&**channel), &everybody) {
                (Some(rate), _) => (*rate, "given"),
                (None, Some(everybody)) => (everybody.rate(channel), "trends"),
                (None, None) => (responses.overall(), "own"),
            };
            let response = responses.rate(channel, all);
            let liked = leanings.channel(channel);
            let mut option = ReachOption {
                placement: placement.clone(),
                channel: channel.clone(),
                at: None,
                contacts,
                responses: responded,
                all,
                all_from,
                response,
                preference: liked.unwrap_or(0.0),
                cost: self.cost(channel),
                value: None,
                net: None,
                reason: None,
            };
            let Some(liked) = liked else {
                option.reason = Some(format!("the customer does not want `{channel}`"));
                options.push((option, None));
                continue;
            };
            let found = self.best(placement, &leanings, (response, liked, option.cost), until)?;
            match &found {
                Ok(best) => {
                    (option.at, option.net) = (Some(best.at), Some(best.net));
                    (option.preference, option.value) = (best.preference, Some(best.value));
                    if best.net <= 0.0 {
                        option.reason = Some("a contact costs more than it is expected to bring".to_owned());
                    }
                }
                Err(reason) => option.reason = Some(reason.clone()),
            }
            options.push((option, found.ok()));
        }
        let rank = |option: &ReachOption| if option.reason.is_some() { f64::NEG_INFINITY } else { option.net.unwrap_or(0.0) };
        // Stable: of equals the earlier instant, then the placement named first.
        options.sort_by(|(a, _), (b, _)| rank(b).total_cmp(&rank(a)).then(a.at.unwrap_or(until).cmp(&b.at.unwrap_or(until))));
        let mut reach = Reach {
            customer: self.customer.id().to_owned(),
            offer: self.engine.playbook().offers[self.offer].name.text.clone(),
            answer: "silence",
            placement: None,
            channel: None,
            not_before: None,
            not_after: None,
            message: None,
            reason: String::new(),
            options: Vec::new(),
        };
        match options.first() {
            Some((option, Some(best))) if option.reason.is_none() => {
                reach.answer = "reach";
                (reach.placement, reach.channel) = (Some(option.placement.clone()), Some(option.channel.clone()));
                reach.not_before = Some(self.begin(&option.placement, &leanings, best.at)?);
                reach.not_after = Some(self.end(&option.placement, best.at, until)?);
                reach.message = Some(best.ranked.message.clone());
                reach.reason = format!(
                    "`{}` is expected to bring most: {} of {} contacts there had a response, {:.3} expected",
                    option.channel, option.responses, option.contacts, option.response
                );
            }
            _ => {
                let mut reasons = options.iter().filter_map(|(option, _)| option.reason.as_deref());
                // What stops the offer where it is made says more than where it is not.
                let first = reasons.clone().find(|reason| *reason != NOT_MADE).or_else(|| reasons.next());
                reach.reason = first.map_or_else(String::new, |reason| format!("silence is better: {reason}"));
            }
        }
        reach.options = options.into_iter().map(|(option, _)| option).collect();
        Ok(reach)
    }

    /// The least that a contact on a channel costs.
    fn cost(&self, channel: &str) -> f64 {
        let touchpoints = self.engine.playbook().touchpoints.iter();
        let own = touchpoints.filter(|one| one.channel.as_ref().is_some_and(|own| *own.text == *channel));
        own.filter_map(|one| one.cost).min_by(f64::total_cmp).unwrap_or(0.0)
    }

    /// What would be sent on a placement at an instant; `None` when nothing may be.
    fn sent(&self, placement: &str, at: Timestamp) -> Result<Option<Ranked>, RequestError> {
        let request = Request { placements: vec![placement.to_owned()], ..self.request.clone() };
        let decision = (self.decide)(&request, self.offer, at, Detail::Brief)?;
        let answer = decision.placements.into_iter().next().map(|answer| answer.answer);
        let Some(Answer::Offers { offers }) = answer else { return Ok(None) };
        // What quiet hours would move is tried where they move it to.
        Ok(offers.into_iter().next().filter(|ranked| ranked.at.is_none_or(|moved| moved == at)))
    }

    /// The best instant on a placement, or why there is none.
    fn best(
        &self,
        placement: &str,
        leanings: &Leanings,
        (response, liked, cost): (f64, f64, f64),
        until: Timestamp,
    ) -> Result<Result<Best, String>, RequestError> {
        let mut best: Option<Best> = None;
        let mut value: Option<f64> = None;
        for at in hours(self.now, until) {
            let preference = liked * leanings.at(at);
            let net = |value: f64| (response * preference).clamp(0.0, 1.0) * value - cost;
            // An instant that cannot be better is not asked about.
            if let (Some(best), Some(value)) = (&best, value)
                && net(value) <= best.net
            {
                continue;
            }
            let Some(ranked) = self.sent(placement, at)? else { continue };
            let value = match value {
                Some(value) => value,
                None => *value.insert(self.value(placement, at)?),
            };
            if best.as_ref().is_none_or(|best| net(value) > best.net) {
                best = Some(Best { at, net: net(value), preference, value, ranked });
            }
        }
        match best {
            Some(best) => Ok(Ok(best)),
            None => Ok(Err(self.stopped(placement)?)),
        }
    }

    /// The offer's value at an instant.
    fn value(&self, placement: &str, at: Timestamp) -> Result<f64, RequestError> {
        let request = Request { placements: vec![placement.to_owned()], ..self.request.clone() };
        let decision = (self.decide)(&request, self.offer, at, Detail::Full)?;
        let candidates = decision.trace.into_iter().flat_map(|trace| trace.candidates);
        Ok(candidates.filter_map(|candidate| candidate.score).map(|score| score.value).next().unwrap_or(1.0))
    }

    /// Why nothing may be sent on a placement, as things are now.
    fn stopped(&self, placement: &str) -> Result<String, RequestError> {
        let request = Request { placements: vec![placement.to_owned()], ..self.request.clone() };
        let decision = (self.decide)(&request, self.offer, self.now, Detail::Full)?;
        let candidates = decision.trace.into_iter().flat_map(|trace| trace.candidates);
        let stopped = candidates.into_iter().find(|candidate| candidate.gate != Gate::Chosen);
        Ok(stopped.map_or_else(
            || NOT_MADE.to_owned(),
            |candidate| format!("stopped at `{}`: {}", candidate.gate.name(), candidate.reasons.join(", ")),
        ))
    }

    /// From when on it may be sent where that begins within the hour before an instant, to the minute.
    fn begin(&self, placement: &str, leanings: &Leanings, at: Timestamp) -> Result<Timestamp, RequestError> {
        let before = at.saturating_add_micros(-HOUR).max(self.now);
        if before == at || self.sent(placement, before)?.is_some() {
            return Ok(at);
        }
        self.edge(placement, before, at, false).map(|edge| if leanings.at(edge) == leanings.at(at) { edge } else { at })
    }

    /// The minute at which it changes, between two instants, whether it may be sent; at the first that is `before`.
    fn edge(&self, placement: &str, first: Timestamp, last: Timestamp, before: bool) -> Result<Timestamp, RequestError> {
        let (mut low, mut high) = (first.micros().div_euclid(MINUTE), (last.micros() - 1).div_euclid(MINUTE) + 1);
        while low + 1 < high {
            let middle = low.midpoint(high);
            let instant = Timestamp::from_micros(middle * MINUTE).unwrap_or(last);
            if self.sent(placement, instant)?.is_some() == before { low = middle } else { high = middle }
        }
        Ok(Timestamp::from_micros(high * MINUTE).unwrap_or(last).min(last))
    }

    /// Up to when it may be sent from an instant on, to the minute.
    fn end(&self, placement: &str, from: Timestamp, until: Timestamp) -> Result<Timestamp, RequestError> {
        let mut last = from;
        for at in hours(from, until).skip(1) {
            if self.sent(placement, at)?.is_none() {
                return self.edge(placement, last, at, true);
            }
            last = at;
        }
        Ok(until)
    }
}

/// An instant, then every whole hour up to another.
fn hours(from: Timestamp, until: Timestamp) -> impl Iterator<Item = Timestamp> {
    let first = from.micros().div_euclid(HOUR) + 1;
    let later = (first..).map_while(move |hour| Timestamp::from_micros(hour.checked_mul(HOUR)?).ok());
    std::iter::once(from).chain(later).take_while(move |at| *at < until)
}
