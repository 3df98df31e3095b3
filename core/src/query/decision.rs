//! A decision under the glass: explained, with a receipt, verified, and what would have to be otherwise.

use super::tact::{assurance, met_on, refused};
use super::{Asked, QueryError, Question, Subject, shown};
use crate::counterfactual::{Asking, Win, what_to_ask, what_would_win};
use crate::decide::{Candidate, Decision, Detail, Request};
use crate::engine::{CustomerReasons, PlacementReasons};
use crate::receipt::{Receipt, Setting, Verdict, verify};
use crate::value::{FromJson, Timestamp, Value, escaped};
use schemars::JsonSchema;
use serde::de::DeserializeSeed;
use serde::{Deserialize, Serialize};
use std::cell::Cell;
use std::collections::BTreeMap;

/// A question about a decision: what a request has, and more.
macro_rules! about_a_decision {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $ty:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name {
            /// The placements, in the order asked.
            placements: Vec<String>,
            /// The facts of the request, by name.
            #[serde(default)]
            facts: BTreeMap<String, serde_json::Value>,
            /// The instant; later events are not seen.
            now: Timestamp,
            /// Up to when knowledge counts; by default `now`.
            known_at: Option<Timestamp>,
            /// On which identifier the customer is met; by default the one that is asked with, or the person as a whole.
            met_on: Option<String>,
            /// How sure the host is who is there: `anonymous`, `recognised` (not said) or `authenticated`.
            assurance: Option<String>,
            /// Numbers for factors that are declared as columns, by column, then offer.
            #[serde(default)]
            scores: BTreeMap<String, BTreeMap<String, f64>>,
            /// What exploration draws follow from; 0 when not said.
            #[serde(default)]
            seed: u64,
            /// The reaction that it answers: only its offers are looked at, on its placement when none is named.
            reaction: Option<String>,
            $($(#[$field_doc])* $field: $ty,)*
        }

        impl $name {
            fn setting<'a>(&self, asked: &Asked<'a>) -> Result<Setting<'a>, QueryError> {
                let request = Request {
                    placements: self.placements.clone(),
                    facts: facts(&self.facts),
                    identifier: met_on(self.met_on.as_deref())?,
                    assurance: assurance(self.assurance.as_deref())?,
                    scores: scores(&self.scores),
                    seed: self.seed,
                    reaction: self.reaction.clone(),
                    ..Request::default()
                };
                setting(asked, request, self.now, self.known_at)
            }
        }
    };
}

fn scores(told: &BTreeMap<String, BTreeMap<String, f64>>) -> Vec<(String, String, f64)> {
    let numbers = |(column, numbers): (&String, &BTreeMap<String, f64>)| {
        numbers.iter().map(|(offer, number)| (column.clone(), offer.clone(), *number)).collect::<Vec<_>>()
    };
    told.iter().flat_map(numbers).collect()
}

fn facts(told: &BTreeMap<String, serde_json::Value>) -> Vec<(String, Value)> {
    // The question as a whole was within the limits already.
    let nodes = Cell::new(u32::MAX);
    let value = |json: &serde_json::Value| FromJson::new(&nodes).deserialize(json).unwrap_or(Value::Null);
    told.iter().map(|(name, json)| (name.clone(), value(json))).collect()
}

fn setting<'a>(
    asked: &Asked<'a>,
    request: Request,
    now: Timestamp,
    known_at: Option<Timestamp>,
) -> Result<Setting<'a>, QueryError> {
    Setting::new(asked.engine, asked.customer()?, asked.whom(), request, now, known_at).map_err(|error| refused(&error))
}

about_a_decision! {
    /// A decision with the gate that stopped each candidate, the facts read, the arithmetic of its rank and its margin.
    Explain {
        /// `json` (by default), `text` for a terminal, or `html` for a part of a page.
        #[serde(default)]
        format: Format,
        /// `customer` for what the customer may be told, in words for them, instead.
        #[serde(rename = "for")]
        audience: Option<ForWhom>,
    }
}

/// For whom an explanation is.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "explanation_for")]
enum ForWhom {
    Customer,
}

/// The form of an explanation.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "explanation_format")]
enum Format {
    #[default]
    Json,
    Text,
    Html,
}

/// An explanation: one of them.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "explained")]
pub(super) struct Explained {
    /// The decision with its trace, for the format `json`.
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<serde_json::Value>,
    /// Of each candidate in the order of the trace: how close it was, and the facts read; for the format `json`.
    #[serde(skip_serializing_if = "Option::is_none")]
    candidates: Option<Vec<Closer>>,
    /// What the customer may be told, for the format `json`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reasons: Option<CustomerReasons>,
    /// For the format `text`.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// For the format `html`.
    #[serde(skip_serializing_if = "Option::is_none")]
    html: Option<String>,
}

/// More of a candidate than the trace has.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "candidate_seen")]
struct Closer {
    /// The placement.
    placement: String,
    /// The offer.
    offer: String,
    /// How far its score is above the best that lost, when it was chosen, or below the lowest that won; null without a score.
    margin: Option<f64>,
    /// The facts and aggregates that its conditions and factors read.
    facts: Vec<FactRead>,
}

/// A fact or an aggregate.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "fact_read")]
struct FactRead {
    /// As expressions write it.
    fact: String,
    /// Its value as text; null when it is not known.
    value: Option<String>,
}

impl Closer {
    fn of(own: &Candidate) -> Self {
        let facts = own.facts.iter().map(|(fact, value)| FactRead { fact: fact.clone(), value: value.clone() });
        Closer {
            placement: own.placement.to_string(),
            offer: own.offer.to_string(),
            margin: own.margin,
            facts: facts.collect(),
        }
    }
}

impl Question for Explain {
    const NAME: &'static str = "explain";
    const SUBJECT: Subject = Subject::Customer;
    type Answer<'a> = Explained;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<Explained, QueryError> {
        let setting = self.setting(asked)?;
        let none = Explained { decision: None, candidates: None, reasons: None, text: None, html: None };
        let reasons = || setting.reasons().map_err(|error| refused(&error));
        if let Some(ForWhom::Customer) = self.audience {
            let reasons = reasons()?;
            return Ok(match self.format {
                Format::Json => Explained { reasons: Some(reasons), ..none },
                Format::Text => Explained { text: Some(reasons.to_string()), ..none },
                Format::Html => Explained { html: Some(reasons.to_html()), ..none },
            });
        }
        let made = setting.decide_with(setting.engine, setting.customer, &setting.request, setting.counters(), Detail::Full);
        let decision = made.map_err(|error| refused(&error))?.0;
        let candidates = || decision.trace.iter().flat_map(|trace| &trace.candidates);
        Ok(match self.format {
            Format::Json => Explained {
                decision: serde_json::to_value(&decision).ok(),
                candidates: Some(candidates().map(Closer::of).collect()),
                ..none
            },
            Format::Text => Explained { text: Some(text(&decision, &reasons()?)), ..none },
            Format::Html => Explained { html: Some(html(&decision, &reasons()?)), ..none },
        })
    }
}

/// The trace, below each candidate what it read and how close it was, and what the customer may be told.
fn text(decision: &Decision, reasons: &CustomerReasons) -> String {
    let mut text =
        format!("decision {} of {} at {}\nplaybook {}\n", decision.id, decision.customer, decision.now, decision.playbook);
    for answer in &decision.placements {
        let chosen: Vec<&str> = answer.offers().iter().map(|ranked| &*ranked.offer).collect();
        let told = if chosen.is_empty() { answer.kind().to_owned() } else { chosen.join(", ") };
        text += &format!("{}: {told} ({})\n", answer.placement, answer.reason);
    }
    let Some(trace) = &decision.trace else { return text };
    text += &trace.to_string();
    text += "read:\n";
    for own in &trace.candidates {
        let margin = own.margin.map_or_else(String::new, |margin| format!(", margin {margin}"));
        text += &format!("  {} in {}{margin}\n", own.offer, own.placement);
        for (fact, value) in &own.facts {
            text += &format!("    {fact}: {}\n", value.as_deref().unwrap_or("not known"));
        }
    }
    text += "for the customer:\n";
    for placement in &reasons.placements {
        for sentence in placement.sentences() {
            text += &format!("  {}: {sentence}\n", placement.placement);
        }
    }
    text
}

/// One table per placement, and what the customer may be told of it.
fn html(decision: &Decision, reasons: &CustomerReasons) -> String {
    let mut page = String::from("<section class=\"tactful-decision\">\n");
    for (number, answer) in decision.placements.iter().enumerate() {
        let chosen: Vec<&str> = answer.offers().iter().map(|ranked| &*ranked.offer).collect();
        let told = if chosen.is_empty() { answer.kind().to_owned() } else { chosen.join(", ") };
        page += &format!("<h3>{}: {}</h3>\n<p>{}</p>\n", escaped(&answer.placement), escaped(&told), escaped(&answer.reason));
        page += "<table><thead><tr><th>offer</th><th>gate</th><th>score</th><th>margin</th><th>why</th><th>read</th></tr></thead><tbody>\n";
        let trace = decision.trace.iter().flat_map(|trace| &trace.candidates);
        for own in trace.filter(|own| own.placement == answer.placement) {
            let score = own.score.map_or_else(String::new, |score| {
                format!("{} = {} × {} × {} × {}", score.total, score.propensity, score.context, score.value, score.lever)
            });
            let margin = own.margin.map_or_else(String::new, |margin| margin.to_string());
            let read: Vec<String> =
                own.facts.iter().map(|(fact, value)| format!("{fact}: {}", value.as_deref().unwrap_or("not known"))).collect();
            let cells = [&*own.offer, own.gate.name(), &score, &margin, &own.reasons.join("; "), &read.join("; ")];
            let cells: Vec<String> = cells.iter().map(|cell| format!("<td>{}</td>", escaped(cell))).collect();
            page += &format!("<tr>{}</tr>\n", cells.concat());
        }
        page += "</tbody></table>\n";
        let sentences = reasons.placements.get(number).into_iter().flat_map(PlacementReasons::sentences);
        let items: String = sentences.map(|sentence| format!("<li>{}</li>\n", escaped(sentence))).collect();
        if !items.is_empty() {
            page += &format!("<p>For the customer:</p>\n<ul class=\"tactful-reasons\">\n{items}</ul>\n");
        }
    }
    page + "</section>\n"
}

about_a_decision! {
    /// A decision with a receipt of what it was made from.
    Issue {}
}

/// A decision and its receipt.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "issued")]
pub(super) struct Issued {
    /// The decision.
    decision: serde_json::Value,
    /// To be kept, and verified with the question `verify`.
    receipt: Receipt,
}

impl Question for Issue {
    const NAME: &'static str = "receipt";
    const SUBJECT: Subject = Subject::Customer;
    type Answer<'a> = Issued;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<Issued, QueryError> {
        let (decision, receipt) = Receipt::issue(&self.setting(asked)?).map_err(|error| refused(&error))?;
        Ok(Issued { decision: serde_json::to_value(&decision).unwrap_or_default(), receipt })
    }
}

/// Whether the decision of a receipt comes out again, and what differs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Verify {
    /// As the question `receipt` gave it.
    receipt: Receipt,
}

impl Question for Verify {
    const NAME: &'static str = "verify";
    const SUBJECT: Subject = Subject::Customer;
    type Answer<'a> = Verdict;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<Verdict, QueryError> {
        let receipt = &self.receipt;
        let request = receipt.request().map_err(|error| refused(&error))?;
        let setting = setting(asked, request, receipt.now, Some(receipt.known_at))?;
        verify(receipt, &setting).map_err(|error| refused(&error))
    }
}

about_a_decision! {
    /// The smallest change of facts, of a lever or a value that would make an offer win.
    WouldWin {
        /// The offer.
        offer: String,
        /// In which of the placements; by default the first.
        placement: Option<String>,
    }
}

impl Question for WouldWin {
    const NAME: &'static str = "what_would_win";
    const SUBJECT: Subject = Subject::Customer;
    type Answer<'a> = Win;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<Win, QueryError> {
        let offers = &asked.engine.playbook().offers;
        if !offers.iter().any(|offer| *offer.name.text == *self.offer) {
            return Err(QueryError::undeclared("offer", "offer", &self.offer, offers.iter().map(|offer| &*offer.name.text)));
        }
        let placement = self.placement.as_deref().or(self.placements.first().map(String::as_str)).unwrap_or("");
        if !self.placements.iter().any(|own| own == placement) {
            let message = format!("`{}` is not among `placements`", shown(placement));
            return Err(QueryError::new("undeclared_name", "placement", message));
        }
        what_would_win(&self.setting(asked)?, placement, &self.offer).map_err(|error| refused(&error))
    }
}

about_a_decision! {
    /// Which fact that is not known would most change what is decided.
    ToAsk {}
}

impl Question for ToAsk {
    const NAME: &'static str = "what_to_ask";
    const SUBJECT: Subject = Subject::Customer;
    type Answer<'a> = Asking;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<Asking, QueryError> {
        what_to_ask(&self.setting(asked)?).map_err(|error| refused(&error))
    }
}
