use crate::commitment::Commitment;
use crate::playbook::Assurance;
use crate::value::Timestamp;
use serde::Serialize;
use std::fmt;
use std::sync::Arc;

/// Why a decision came out as it did: what became of each candidate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trace {
    /// How sure the host was who is there; told unless the customer was recognised, as usual.
    #[serde(skip_serializing_if = "usual")]
    pub assurance: Assurance,
    /// The segments that the customer was in, in the order of the playbook.
    pub segments: Vec<Arc<str>>,
    /// The personas with their posteriors, in the order of the playbook.
    pub personas: Vec<(Arc<str>, f64)>,
    /// The journeys with the stage and since when; no stage outside of the journey.
    pub journeys: Vec<JourneyPlace>,
    /// What was promised with offers that the customer accepted, and how that stands.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub commitments: Vec<Commitment>,
    /// Every offer that could be shown in a placement, in the order of placements, then of the playbook.
    pub candidates: Vec<Candidate>,
}

/// Whether a request is about somebody recognised, which goes without saying.
fn usual(assurance: &Assurance) -> bool {
    *assurance == Assurance::Recognised
}

/// Where the customer stands in a journey.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JourneyPlace {
    /// The journey.
    pub journey: Arc<str>,
    /// The stage.
    pub stage: Option<Arc<str>>,
    /// Since when.
    pub since: Option<Timestamp>,
}

/// What became of one offer for one placement.
#[derive(Clone, PartialEq, Serialize)]
pub struct Candidate {
    /// The placement.
    pub placement: Arc<str>,
    /// The offer.
    pub offer: Arc<str>,
    /// The first gate that stopped it, or `chosen`.
    pub gate: Gate,
    /// Whether a fact that is not known stopped it, rather than one that is.
    pub unknown: bool,
    /// Why, one sentence each, with the values that were read.
    pub reasons: Vec<String>,
    /// From when on the contact policy has nothing against it, if nothing else happens; only with reasons.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The kinds of data about the customer that it reads, such as `behavioural`, as far as the playbook declares them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<&'static str>,
    /// The arithmetic of its rank, when it came that far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<Score>,
    /// How far its score is above the best that lost, when it was chosen, or below the lowest that won.
    #[serde(skip)]
    pub margin: Option<f64>,
    /// The facts and aggregates that its conditions and factors read, as expressions write them, with their values as text; `None` for what
    /// is not known.
    #[serde(skip)]
    pub facts: Vec<(String, Option<String>)>,
    /// How probable it was to be taken for the slot that it got, or else for the first that it could have had; only where offers are
    /// explored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
}

/// The factors of a score, in the order of multiplication; one that is not declared is 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Score {
    /// How likely the customer responds.
    pub propensity: f64,
    /// How well it fits the moment.
    pub context: f64,
    /// What a response is worth.
    pub value: f64,
    /// What the organisation wants to push.
    pub lever: f64,
    /// The product, or what the formula says.
    pub total: f64,
}

/// The gates in the order in which they are passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Gate {
    /// A purpose is not permitted.
    Consent,
    /// The host is not sure enough who is there.
    Assurance,
    /// Not yet or no longer valid.
    Validity,
    /// The customer may not have it.
    Eligible,
    /// It makes no sense now.
    Applicable,
    /// It would not be good for the customer.
    Suitable,
    /// There is none left, or no money for it.
    Inventory,
    /// The contact policy holds it back.
    Contact,
    /// An experiment holds it back for the sake of comparison.
    Experiment,
    /// There are not enough items for it to carry.
    Items,
    /// It has no score.
    Score,
    /// Its message cannot be written.
    Message,
    /// Another took the slot.
    Outranked,
    /// It passed.
    Chosen,
}

impl Gate {
    /// All of them, in order.
    pub const ALL: [Gate; 14] = [
        Gate::Consent,
        Gate::Assurance,
        Gate::Validity,
        Gate::Eligible,
        Gate::Applicable,
        Gate::Suitable,
        Gate::Inventory,
        Gate::Contact,
        Gate::Experiment,
        Gate::Items,
        Gate::Score,
        Gate::Message,
        Gate::Outranked,
        Gate::Chosen,
    ];

    /// The name in traces.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Gate::Consent => "consent",
            Gate::Assurance => "assurance",
            Gate::Validity => "validity",
            Gate::Eligible => "eligible",
            Gate::Applicable => "applicable",
            Gate::Suitable => "suitable",
            Gate::Inventory => "inventory",
            Gate::Contact => "contact",
            Gate::Experiment => "experiment",
            Gate::Items => "items",
            Gate::Score => "score",
            Gate::Message => "message",
            Gate::Outranked => "outranked",
            Gate::Chosen => "chosen",
        }
    }

    /// What became of an offer that came as far as this gate, in words.
    #[must_use]
    pub fn fate(self) -> &'static str {
        match self {
            Gate::Consent => "without consent",
            Gate::Assurance => "for customers better known",
            Gate::Validity => "out of season",
            Gate::Eligible => "not eligible",
            Gate::Applicable => "not applicable",
            Gate::Suitable => "not suitable",
            Gate::Inventory => "used up",
            Gate::Contact => "held back by the contact policy",
            Gate::Experiment => "held out",
            Gate::Items => "without items",
            Gate::Score => "without a score",
            Gate::Message => "without a message",
            Gate::Outranked => "outranked",
            Gate::Chosen => "chosen",
        }
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.assurance {
            Assurance::Recognised => {}
            Assurance::Anonymous => writeln!(f, "assurance: anonymous, only the present session on this identifier is read")?,
            Assurance::Authenticated => writeln!(f, "assurance: authenticated")?,
        }
        let names: Vec<&str> = self.segments.iter().map(|name| &**name).collect();
        writeln!(f, "segments: {}", if names.is_empty() { "none".to_owned() } else { names.join(", ") })?;
        for (persona, posterior) in &self.personas {
            writeln!(f, "persona {persona}: {:.0} %", posterior * 100.0)?;
        }
        for place in &self.journeys {
            match (&place.stage, place.since) {
                (Some(stage), Some(since)) => writeln!(f, "journey {}: {stage} since {since}", place.journey)?,
                _ => writeln!(f, "journey {}: not in it", place.journey)?,
            }
        }
        for own in &self.commitments {
            write!(f, "commitment {}: {} since {}", own.offer, own.state.name(), own.since)?;
            match (own.until, own.due) {
                (Some(until), _) => writeln!(f, ", until {until}")?,
                (None, Some(due)) => writeln!(f, ", due {due}")?,
                (None, None) => writeln!(f)?,
            }
        }
        let mut placement = "";
        for candidate in &self.candidates {
            if *candidate.placement != *placement {
                placement = &candidate.placement;
                writeln!(f, "{placement}:")?;
            }
            match candidate.gate {
                Gate::Chosen => write!(f, "  {}: chosen", candidate.offer)?,
                gate => write!(f, "  {}: stopped at {}", candidate.offer, gate.name())?,
            }
            if let Some(score) = &candidate.score {
                let Score { propensity, context, value, lever, total } = score;
                write!(f, ", score {total} = {propensity} x {context} x {value} x {lever}")?;
            }
            if let Some(probability) = candidate.probability {
                write!(f, ", probability {probability}")?;
            }
            writeln!(f)?;
            if !candidate.data.is_empty() {
                writeln!(f, "    reads {} data", candidate.data.join(", "))?;
            }
            for reason in &candidate.reasons {
                writeln!(f, "    {reason}")?;
            }
            if let Some(until) = candidate.until {
                writeln!(f, "    until {until}")?;
            }
        }
        Ok(())
    }
}

/// What became of it, without the reasons, which hold values.
impl fmt::Debug for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Candidate")
            .field("placement", &self.placement)
            .field("offer", &self.offer)
            .field("gate", &self.gate)
            .field("unknown", &self.unknown)
            .field("score", &self.score)
            .finish_non_exhaustive()
    }
}
