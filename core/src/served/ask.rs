use super::bias::{Counts, ProtectedServed};
use super::groups::{Grouping, Protected};
use crate::base::CustomerBase;
use crate::decide::{Candidate, Gate, Request, RequestError};
use crate::error::nearest;
use crate::trends::Snapshot;
use crate::value::{Timestamp, USUAL_THRESHOLD, Value, threshold};
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

/// What to look at.
#[derive(Debug, Clone)]
pub struct ServedOptions {
    /// The instant at which every customer is asked.
    pub now: Timestamp,
    /// The placements, filled in this order; all of the playbook without.
    pub placements: Vec<String>,
    /// Facts of every request.
    pub facts: Vec<(String, Value)>,
    /// Trends for every request.
    pub trends: Option<Arc<Snapshot>>,
    /// From which strength, 0 to 1, a need is strong; 0.5 by default.
    pub strong: f64,
    /// By what groups are told apart that must not be treated differently.
    pub protected: Vec<Protected>,
    /// The fewest customers of a group that is shown, 1 to 1,000,000; smaller ones are put together. 10 by default.
    pub k: u64,
    /// How often intervals are to hold the truth, above 0 and below 1; 0.95 by default.
    pub confidence: f64,
}

impl ServedOptions {
    /// All placements at an instant, without protected groups.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        ServedOptions {
            now,
            placements: Vec::new(),
            facts: Vec::new(),
            trends: None,
            strong: 0.5,
            protected: Vec::new(),
            k: USUAL_THRESHOLD,
            confidence: 0.95,
        }
    }
}

/// Who gets what at an instant, and who goes without.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "served")]
#[non_exhaustive]
pub struct Served {
    /// The instant.
    pub now: Timestamp,
    /// Customers who were asked: those known by then under an identifier that is not anonymous.
    pub customers: u64,
    /// Those who get an offer in any of the placements.
    pub served: u64,
    /// By placement, in the order asked.
    pub placements: Vec<PlacementServed>,
    /// From which strength a need is strong.
    pub strong: f64,
    /// By need, in the order of the playbook.
    pub needs: Vec<NeedServed>,
    /// The smallest group that is shown.
    pub k: u64,
    /// How often intervals are to hold the truth.
    pub confidence: f64,
    /// By what groups are told apart, as asked.
    pub protected: Vec<ProtectedServed>,
}

/// How many customers are left in a placement after each gate.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "placement_served")]
#[non_exhaustive]
pub struct PlacementServed {
    /// The placement.
    pub placement: Arc<str>,
    /// How many customers get an offer.
    pub served: u64,
    /// The gates that leave somebody without, in their order. Who has a candidate after a gate is left.
    pub gates: Vec<GateServed>,
}

/// What a gate does to customers.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "gate_served")]
#[non_exhaustive]
pub struct GateServed {
    /// The gate.
    pub gate: &'static str,
    /// For how many it stops the last candidate that they had.
    pub closed: u64,
    /// For how many of these something that is not known stops one of them there, so that knowing it might help.
    pub unknown: u64,
    /// How many still have a candidate after it.
    pub left: u64,
}

/// For how many a gate stops the last candidate.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "gate_closed")]
#[non_exhaustive]
pub struct Closed {
    /// The gate; `none` where no offer is made at all.
    pub gate: &'static str,
    /// For how many.
    pub customers: u64,
}

/// How many customers with a strong need go without.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "need_served")]
#[non_exhaustive]
pub struct NeedServed {
    /// The need.
    pub need: Arc<str>,
    /// How many customers have it strongly.
    pub strong: u64,
    /// How many of them get no offer at all.
    pub unserved: u64,
    /// Where their last candidate stops, in the order of gates.
    pub unserved_by: Vec<Closed>,
    /// The offers that read the need, which are taken to answer it; where there is none nothing does.
    pub offers: Vec<Arc<str>>,
    /// How many of them get none of these offers.
    pub unmet: u64,
    /// Where the last of these offers stops for them, in the order of gates.
    pub unmet_by: Vec<Closed>,
}

/// Counts by gate; the last is where there was no candidate.
type Gates = [u64; Gate::ALL.len() + 1];
const NONE: usize = Gate::ALL.len();

impl CustomerBase {
    /// Who gets what at an instant, and who goes without: decides for all customers and counts where their candidates stop. Groups are told
    /// apart by attributes or segments that the decisions need not read; where they do, the answer says which offers.
    ///
    /// Takes one decision per customer.
    ///
    /// # Errors
    /// [`RequestError`] for an undeclared placement, attribute or segment, a fact that does not fit, or a number out of range.
    pub fn served(&self, options: &ServedOptions) -> Result<Served, RequestError> {
        let engine = self.engine();
        let playbook = engine.playbook();
        for (name, value, most) in [("strong", options.strong, 1.0), ("confidence", options.confidence, 0.999_999)] {
            if !(value > 0.0 && value <= most) {
                return Err(RequestError::new("out_of_range", name, "expected a number above 0, at most 1".to_owned()));
            }
        }
        threshold(options.k).map_err(|message| RequestError::new("out_of_range", "k", message))?;
        let names: Vec<String> = match options.placements.as_slice() {
            [] => playbook.placements.iter().map(|placement| placement.name.text.to_string()).collect(),
            names => names.to_vec(),
        };
        let request =
            Request { placements: names, facts: options.facts.clone(), trends: options.trends.clone(), ..Request::default() };
        let groupings: Vec<Grouping> = options
            .protected
            .iter()
            .enumerate()
            .map(|(place, protected)| Grouping::of(engine, protected, place))
            .collect::<Result<_, _>>()?;
        let mut count = Count {
            placements: vec![([0; NONE + 1], [0; NONE + 1]); request.placements.len()],
            needs: playbook
                .needs
                .iter()
                .enumerate()
                .map(|(number, need)| NeedCount { offers: engine.answers_to(number), ..NeedCount::of(&need.name.text) })
                .collect(),
            groups: vec![Counts::default(); groupings.len()],
            customers: 0,
            served: 0,
        };
        if request.placements.is_empty() {
            return Err(RequestError::new("no_placement", "placements", "the playbook declares no placement".to_owned()));
        }
        if self.is_empty() {
            // A wrong request is wrong for nobody, too.
            let nobody = crate::customer::Customer::of_strands(Vec::new());
            engine.decide(&nobody, &request, options.now, None)?;
        }
        for customer in self.iter() {
            let known = customer.view(options.now).next_instant(None).is_some_and(|first| first <= options.now);
            if !known || !crate::base::addressed(engine, customer) {
                continue;
            }
            let Some(identifier) = customer.strands().first().map(|strand| strand.identifier().clone()) else { continue };
            let candidates = self.candidates(&identifier, &request, options.now)?;
            let (strong, groups) = engine.look(customer, options.now, options.now, |context, _| {
                let strong: Vec<bool> = (0..playbook.needs.len())
                    .map(|need| context.need(need).strength.is_some_and(|strength| strength >= options.strong))
                    .collect();
                (strong, groupings.iter().map(|grouping| grouping.group(context)).collect::<Vec<_>>())
            });
            count.add(&request, &candidates, &strong, groups);
        }
        let offers: Vec<Arc<str>> = playbook.offers.iter().map(|offer| offer.name.text.clone()).collect();
        let protected = groupings.into_iter().zip(count.groups);
        Ok(Served {
            now: options.now,
            customers: count.customers,
            served: count.served,
            placements: request.placements.iter().zip(&count.placements).map(placement).collect(),
            strong: options.strong,
            needs: count.needs.into_iter().map(NeedCount::finish).collect(),
            k: options.k,
            confidence: options.confidence,
            protected: protected
                .map(|(grouping, counts)| counts.finish(grouping, &offers, options.k, options.confidence))
                .collect(),
        })
    }
}

struct Count {
    customers: u64,
    served: u64,
    /// By placement: where customers stop, and for how many of them something is not known.
    placements: Vec<(Gates, Gates)>,
    needs: Vec<NeedCount>,
    groups: Vec<Counts>,
}

impl Count {
    fn add(&mut self, request: &Request, candidates: &[Candidate], strong: &[bool], groups: Vec<Arc<str>>) {
        self.customers += 1;
        for (name, (stopped, unknown)) in request.placements.iter().zip(&mut self.placements) {
            let here = || candidates.iter().filter(|candidate| *candidate.placement == **name);
            let farthest = farthest(here());
            stopped[farthest] += 1;
            let missing = here().any(|candidate| candidate.gate as usize == farthest && candidate.unknown);
            unknown[farthest] += u64::from(missing && farthest < Gate::Chosen as usize);
        }
        let all = farthest(candidates.iter());
        let served = all == Gate::Chosen as usize;
        self.served += u64::from(served);
        for (need, _) in self.needs.iter_mut().zip(strong).filter(|(_, strong)| **strong) {
            need.strong += 1;
            need.unserved[all] += 1;
            need.unmet[farthest(candidates.iter().filter(|candidate| need.offers.contains(&candidate.offer)))] += 1;
        }
        let mut chosen: Vec<&Arc<str>> =
            candidates.iter().filter(|candidate| candidate.gate == Gate::Chosen).map(|candidate| &candidate.offer).collect();
        chosen.sort();
        chosen.dedup();
        for (counts, group) in self.groups.iter_mut().zip(groups) {
            counts.add(group, &chosen);
        }
    }
}

/// The farthest gate that any candidate reaches.
fn farthest<'a>(candidates: impl Iterator<Item = &'a Candidate>) -> usize {
    candidates.map(|candidate| candidate.gate as usize).max().unwrap_or(NONE)
}

fn gate(number: usize) -> &'static str {
    Gate::ALL.get(number).map_or("none", |gate| gate.name())
}

fn placement((name, (stopped, unknown)): (&String, &(Gates, Gates))) -> PlacementServed {
    let mut left: u64 = stopped.iter().sum();
    // Who has no candidate at all is out before the first gate.
    let order = std::iter::once(NONE).chain(0..Gate::Chosen as usize);
    let mut gates = Vec::new();
    for number in order.filter(|number| stopped[*number] > 0) {
        left -= stopped[number];
        gates.push(GateServed { gate: gate(number), closed: stopped[number], unknown: unknown[number], left });
    }
    PlacementServed { placement: name.as_str().into(), served: stopped[Gate::Chosen as usize], gates }
}

struct NeedCount {
    need: Arc<str>,
    offers: Vec<Arc<str>>,
    strong: u64,
    unserved: Gates,
    unmet: Gates,
}

impl NeedCount {
    fn of(need: &Arc<str>) -> Self {
        NeedCount { need: need.clone(), offers: Vec::new(), strong: 0, unserved: [0; NONE + 1], unmet: [0; NONE + 1] }
    }

    fn finish(self) -> NeedServed {
        let closed = |gates: &Gates| -> (u64, Vec<Closed>) {
            let stopped = gates.iter().enumerate().filter(|(number, count)| *number != Gate::Chosen as usize && **count > 0);
            let by: Vec<Closed> = stopped.map(|(number, count)| Closed { gate: gate(number), customers: *count }).collect();
            (by.iter().map(|closed| closed.customers).sum(), by)
        };
        let ((unserved, unserved_by), (unmet, unmet_by)) = (closed(&self.unserved), closed(&self.unmet));
        NeedServed { need: self.need, strong: self.strong, unserved, unserved_by, offers: self.offers, unmet, unmet_by }
    }
}

/// That something is not declared.
pub(super) fn undeclared<'a>(what: &str, name: &str, path: String, names: impl Iterator<Item = &'a str>) -> RequestError {
    let near = nearest(name, names).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    let shown: String = name.chars().take(80).collect();
    RequestError::new("undeclared_group", path, format!("{what} `{shown}` is not declared{near}"))
}
