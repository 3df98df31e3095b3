use super::CustomerBase;
use super::rows::{
    BadRow, BadRows, CustomerRow, DecisionRow, GateRow, ReplayStats, ReplayTables, SegmentRow, StageRow, TransitionRow,
};
use crate::column::Batch;
use crate::customer::{Arrival, Customer, Derived, Identifier, What};
use crate::decide::{Answer, Candidate, Decision, Detail, Gate, Request, RequestError};
use crate::engine::Beyond;
use crate::engine::Engine;
use crate::map::{JourneyMap, MapError, MapOptions};
use crate::next::{Forecast, NextError, Outlook};
use crate::value::{Duration, Timestamp};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use thiserror::Error;

/// How a replay goes.
#[derive(Debug, Clone, Default)]
pub struct ReplayOptions {
    /// The instants at which every customer known by then gets a decision; sorted and freed of repetition when used.
    pub decide_at: Vec<Timestamp>,
    /// The placements that ask.
    pub placements: Vec<String>,
    /// The outcome recorded for every chosen offer one microsecond after its decision, such as `shown`; `None` for no record.
    /// Its source is `replay`.
    pub record: Option<String>,
    /// Which column stands for what, where the names differ: `type`, `time`, `id`, `sequence`, `known_at`, `channel`, `source`,
    /// a namespace, or a property, to the name of a column.
    pub columns: BTreeMap<String, String>,
    /// What to do with rows that cannot be recorded.
    pub bad_rows: BadRows,
    /// What rules that ask what comes next go by; it answers nothing about instants before its own, so that a replay does not look ahead.
    pub forecast: Option<Arc<Forecast>>,
}

/// Events of many customers, taken in as batches of columns and then walked through in time order.
///
/// The result does not depend on the order of rows, if they have ids and sequence numbers.
#[derive(Debug)]
pub struct Replay {
    pub(super) base: CustomerBase,
    pub(super) options: ReplayOptions,
    request: Request,
    record: Option<String>,
    pub(super) tables: ReplayTables,
    /// How often the same content without an id came before.
    pub(super) repeats: BTreeMap<String, u64>,
}

/// Something that may come next: what, with what probability it is next and comes within the time, and in how many seconds half of those have
/// it who have it next.
pub type Likeliest = (Arc<str>, f64, Option<f64>);

/// What comes next for a customer in a journey.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictionRow {
    /// The customer's id.
    pub customer: Arc<str>,
    /// The journey.
    pub journey: Option<Arc<str>>,
    /// The key of the instance.
    pub instance: Option<Arc<str>>,
    /// The stage in which they are.
    pub stage: Option<Arc<str>>,
    /// The likeliest next event.
    pub event: Option<Likeliest>,
    /// The likeliest next stage; `none` is leaving the journey.
    pub next_stage: Option<Likeliest>,
    /// The likeliest next segment `entered` or `left`.
    pub change: Option<Likeliest>,
    /// With what probability no event comes within the time.
    pub nothing: Option<f64>,
}

/// A replay that cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// A row that cannot be recorded, where bad rows stop the replay. The rows before it are recorded.
    #[error("row {}{}: {}", .0.row, .0.column.as_ref().map_or_else(String::new, |column| format!(", column `{column}`")), .0.reason)]
    BadRow(BadRow),
    /// A column that is needed and not there.
    #[error("{0}")]
    Column(crate::column::ColumnError),
    /// A placement that is not declared.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// An outcome that does not exist.
    #[error("`{0}` is no outcome; write one such as `shown`")]
    Outcome(String),
    /// The caller asked to stop.
    #[error("the replay was stopped")]
    Stopped,
}

impl ReplayError {
    /// A stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            ReplayError::BadRow(bad) => bad.code,
            ReplayError::Column(error) => error.code(),
            ReplayError::Request(error) => error.code(),
            ReplayError::Outcome(_) => "unknown_outcome",
            ReplayError::Stopped => "stopped",
        }
    }
}

/// How far a replay is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is done at present.
    pub step: Step,
    /// How much of it: rows, or customers over all instants.
    pub done: u64,
    /// How much there is, when that is known.
    pub total: Option<u64>,
    /// The instant that the replay has come to.
    pub now: Option<Timestamp>,
}

/// What a replay does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Takes in rows.
    Load,
    /// Walks through time.
    Replay,
}

/// Told how far a replay is; may stop it.
pub type Watch<'a> = dyn FnMut(Progress) -> ControlFlow<()> + 'a;

impl Replay {
    /// An empty replay.
    ///
    /// # Errors
    /// [`ReplayError`] for an unknown placement or outcome.
    pub fn new(engine: Engine, mut options: ReplayOptions) -> Result<Self, ReplayError> {
        let forecast = options.forecast.clone();
        let request = Request { placements: options.placements.clone(), forecast, ..Request::default() };
        options.decide_at.sort_unstable();
        options.decide_at.dedup();
        if !options.decide_at.is_empty() && !request.placements.is_empty() {
            let anybody = Customer::of_strands(Vec::new());
            engine.decide(&anybody, &request, Timestamp::MIN, None)?;
        }
        let record = options.record.clone();
        if let Some(outcome) = &record
            && !crate::playbook::OUTCOMES.contains(&outcome.as_str())
        {
            return Err(ReplayError::Outcome(outcome.clone()));
        }
        let mut base = CustomerBase::new(engine);
        base.foresee(options.forecast.clone());
        Ok(Replay { base, options, request, record, tables: ReplayTables::default(), repeats: BTreeMap::new() })
    }

    /// The customers as they are now.
    #[must_use]
    pub fn base(&self) -> &CustomerBase {
        &self.base
    }

    /// What was found so far.
    #[must_use]
    pub fn tables(&self) -> &ReplayTables {
        &self.tables
    }

    /// Takes in the rows of a batch, in any order.
    ///
    /// # Errors
    /// [`ReplayError`] for a missing column, or a bad row when those stop the replay; the rows before it stay recorded.
    pub fn add(&mut self, batch: &Batch<'_>, watch: &mut Watch<'_>) -> Result<(), ReplayError> {
        super::load::add(self, batch, watch)
    }

    /// Takes in the rows of some customers only.
    pub(super) fn add_some(&mut self, batch: &Batch<'_>, wanted: &dyn Fn(&Identifier) -> bool) -> Result<(), ReplayError> {
        super::load::add_some(self, batch, wanted)
    }

    /// The customers who can be addressed, by id.
    pub(super) fn order(&self) -> impl Iterator<Item = &Identifier> {
        let engine = self.base.engine();
        self.base.customers.iter().filter(|(_, customer)| addressed(engine, customer)).map(|(id, _)| id)
    }

    /// Walks through time: lets every customer advance to each instant, decides, and records what was shown.
    ///
    /// # Errors
    /// [`ReplayError::Stopped`] when the caller asks to stop.
    pub fn run(&mut self, watch: &mut Watch<'_>) -> Result<&ReplayTables, ReplayError> {
        let engine = self.base.engine().clone();
        let owners: Vec<Identifier> =
            self.base.customers.iter().filter(|(_, customer)| addressed(&engine, customer)).map(|(id, _)| id.clone()).collect();
        self.count_visitors(&engine);
        let instants = self.options.decide_at.clone();
        let last = self.base.iter().filter_map(|customer| customer.view(Timestamp::MAX).last_instant()).max();
        let end = last.map(|last| instants.last().map_or(last, |instant| last.max(*instant)));
        let steps = instants.len() as u64 + u64::from(end.is_some());
        let total = Some(owners.len() as u64 * steps);
        let mut done = 0;
        let mut moves = vec![Moves::default(); owners.len()];
        for now in instants {
            let mut tally = Tally::new(&engine);
            for (owner, moves) in owners.iter().zip(&mut moves) {
                self.visit(&engine, owner, now, moves, &mut tally)?;
                done += 1;
                if done % 512 == 0 && watch(Progress { step: Step::Replay, done, total, now: Some(now) }).is_break() {
                    return Err(ReplayError::Stopped);
                }
            }
            tally.finish(&engine, now, &mut self.tables);
        }
        if let Some(end) = end {
            for owner in &owners {
                self.finish(&engine, owner, end);
                done += 1;
            }
        }
        self.transitions(&engine, &owners);
        self.tables.stats.customers = owners.len() as u64;
        let _ = watch(Progress { step: Step::Replay, done, total, now: end });
        Ok(&self.tables)
    }

    /// The map of a journey of all customers who can be addressed.
    ///
    /// # Errors
    /// As for [`Engine::journey_map`].
    pub fn journey_map(&self, options: &MapOptions) -> Result<JourneyMap, MapError> {
        let engine = self.base.engine();
        let mut map = engine.journey_map(options)?;
        for customer in self.base.iter().filter(|customer| addressed(engine, customer)) {
            engine.observe_journey(&mut map, customer);
        }
        Ok(map)
    }

    /// What comes next for every customer who can be addressed, known by `now`, in every journey: the likeliest of each sequence, with the
    /// probability that it comes within a time. By the forecast of the replay, or one that is given.
    ///
    /// # Errors
    /// [`NextError`] without a forecast, or for one of another playbook.
    pub fn predictions(
        &self,
        now: Timestamp,
        within: Duration,
        forecast: Option<&Forecast>,
    ) -> Result<Vec<PredictionRow>, NextError> {
        let Some(forecast) = forecast.or(self.options.forecast.as_deref()) else {
            return Err(NextError::new("missing_forecast", "forecast", "the replay has no forecast; give one"));
        };
        let engine = self.base.engine();
        let mut rows = Vec::new();
        for customer in self.base.iter().filter(|customer| addressed(engine, customer)) {
            if customer.view(now).next_instant(None).is_none_or(|first| first > now) {
                continue;
            }
            let id: Arc<str> = Arc::from(customer.id());
            for next in engine.next(customer, forecast, None, &[within], 1, (now, now))? {
                let likeliest = |outlook: &Option<Outlook>| {
                    let likely = outlook.as_ref()?.likely.first()?;
                    Some((Arc::from(likely.what.as_str()), likely.within.first().copied()?, likely.median_seconds))
                };
                rows.push(PredictionRow {
                    customer: id.clone(),
                    event: likeliest(&next.event),
                    next_stage: likeliest(&next.next_stage),
                    change: likeliest(&next.change),
                    nothing: next.event.as_ref().and_then(|outlook| outlook.nothing.first().copied()),
                    journey: next.journey,
                    instance: next.instance,
                    stage: next.stage,
                });
            }
        }
        Ok(rows)
    }

    /// One customer at one instant.
    fn visit(
        &mut self,
        engine: &Engine,
        owner: &Identifier,
        now: Timestamp,
        moves: &mut Moves,
        tally: &mut Tally,
    ) -> Result<(), ReplayError> {
        let Some(customer) = self.base.customers.get_mut(owner) else { return Ok(()) };
        if customer.view(Timestamp::MAX).next_instant(None).is_none_or(|first| first > now) {
            return Ok(());
        }
        engine.advance(customer, now);
        tally.add(&customer.derived, moves);
        if self.request.placements.is_empty() {
            return Ok(());
        }
        let Some(customer) = self.base.customers.get(owner) else { return Ok(()) };
        let around = self.base.around(owner, now, None);
        let beyond = Beyond { around: around.as_ref(), counters: self.base.counters(), ..Beyond::default() };
        let (decision, candidates) = engine.answer_among(customer, beyond, &self.request, now, None, Detail::Gates)?;
        drop(around);
        tally.gates(&candidates);
        self.tables.stats.decisions += 1;
        note(&decision, &mut self.tables.decisions);
        let Some(outcome) = &self.record else { return Ok(()) };
        let Some(customer) = self.base.customers.get_mut(owner) else { return Ok(()) };
        let Some(identifier) = customer.strands().first().map(|strand| strand.identifier().clone()) else { return Ok(()) };
        for mut event in decision.outcome(outcome, now.saturating_add_micros(1), &identifier) {
            event.source = Some("replay".to_owned());
            let exposure = event.event_type == *outcome;
            if engine.record(customer, &event, None).is_ok_and(|effects| effects.arrival == Some(Arrival::New)) && exposure {
                self.tables.stats.exposures += 1;
            }
        }
        Ok(())
    }

    fn finish(&mut self, engine: &Engine, owner: &Identifier, end: Timestamp) {
        let Some(customer) = self.base.customers.get_mut(owner) else { return };
        engine.advance(customer, end);
        let declared = customer.view(Timestamp::MAX).declared();
        let playbook = engine.playbook();
        let members =
            playbook.segments.iter().zip(&customer.derived.segments).filter(|(_, state)| state.member() == Some(true));
        let journeys = engine.model().journeys.stages.iter().zip(&customer.derived.journeys);
        self.tables.customers.push(CustomerRow {
            customer: customer.id().to_owned(),
            events: declared.map_or(0, |(_, _, count)| count as u64),
            first: declared.map(|(first, ..)| first),
            last: declared.map(|(_, last, _)| last),
            segments: members.map(|(segment, _)| segment.name.text.clone()).collect(),
            persona: engine.persona(customer, end),
            journeys: journeys
                .map(|(stages, journey)| {
                    let place = journey.place?;
                    Some((stages.get(usize::from(place.stage))?.clone(), place.since))
                })
                .collect(),
            next_due: engine.next_due(customer),
        });
    }

    fn count_visitors(&mut self, engine: &Engine) {
        let stats = &mut self.tables.stats;
        for customer in self.base.customers.values().filter(|customer| !addressed(engine, customer)) {
            stats.anonymous_visitors += 1;
            stats.anonymous_events += customer.len() as u64;
        }
    }

    fn transitions(&mut self, engine: &Engine, owners: &[Identifier]) {
        let mut counts: BTreeMap<(u16, Option<u16>, Option<u16>), u64> = BTreeMap::new();
        for customer in owners.iter().filter_map(|owner| self.base.customers.get(owner)) {
            for change in &customer.derived.changes {
                if let What::Moved { journey, from, to, .. } = change.what {
                    *counts.entry((journey, from, to)).or_default() += 1;
                }
            }
        }
        let stages = &engine.model().journeys.stages;
        let name = |journey: u16, stage: Option<u16>| stages.get(usize::from(journey))?.get(usize::from(stage?)).cloned();
        for ((journey, from, to), count) in counts {
            let Some(declared) = engine.playbook().journeys.get(usize::from(journey)) else { continue };
            let (from, to) = (name(journey, from), name(journey, to));
            self.tables.transitions.push(TransitionRow { journey: declared.name.text.clone(), from, to, count });
        }
    }

    pub(super) fn stats(&mut self) -> &mut ReplayStats {
        &mut self.tables.stats
    }
}

/// Whether a customer has an identifier that is not anonymous.
pub(crate) fn addressed(engine: &Engine, customer: &Customer) -> bool {
    let anonymous =
        |name: &str| engine.playbook().namespaces.iter().any(|namespace| namespace.anonymous && *namespace.name.text == *name);
    customer.strands().iter().any(|strand| !anonymous(strand.identifier().namespace()))
}

fn note(decision: &Decision, rows: &mut Vec<DecisionRow>) {
    let (customer, id): (Arc<str>, Arc<str>) = (Arc::from(decision.customer.as_str()), Arc::from(decision.id.as_str()));
    for answer in &decision.placements {
        let row = DecisionRow {
            customer: customer.clone(),
            time: decision.now,
            placement: answer.placement.clone(),
            slot: 0,
            kind: "silence",
            offer: None,
            score: None,
            message: None,
            reason: Arc::from(answer.reason.as_str()),
            decision: id.clone(),
        };
        match &answer.answer {
            Answer::Offers { offers } => rows.extend(offers.iter().enumerate().map(|(slot, ranked)| DecisionRow {
                slot: i64::try_from(slot).unwrap_or(i64::MAX),
                kind: "offer",
                offer: Some(ranked.offer.clone()),
                score: Some(ranked.score),
                message: Some(Arc::from(ranked.message.as_str())),
                ..row.clone()
            })),
            Answer::Fallback { message } => rows.push(DecisionRow { kind: "fallback", message: Some(message.clone()), ..row }),
            Answer::Silence => rows.push(row),
        }
    }
}

/// How many of a customer's changes were counted already.
#[derive(Debug, Clone, Copy, Default)]
struct Moves {
    counted: usize,
}

/// Counts of one instant.
struct Tally {
    members: Vec<u64>,
    unknown: Vec<u64>,
    /// By journey, then stage; the last is "outside".
    stages: Vec<Vec<[u64; 3]>>,
    /// By placement, offer and gate.
    gates: BTreeMap<(Arc<str>, Arc<str>, Gate), u64>,
}

impl Tally {
    fn new(engine: &Engine) -> Self {
        let segments = engine.playbook().segments.len();
        let stages = engine.model().journeys.stages.iter().map(|stages| vec![[0; 3]; stages.len() + 1]).collect();
        Tally { members: vec![0; segments], unknown: vec![0; segments], stages, gates: BTreeMap::new() }
    }

    fn add(&mut self, state: &Derived, moves: &mut Moves) {
        for ((segment, members), unknown) in state.segments.iter().zip(&mut self.members).zip(&mut self.unknown) {
            match segment.member() {
                Some(true) => *members += 1,
                Some(false) => {}
                None => *unknown += 1,
            }
        }
        for (journey, counts) in state.journeys.iter().zip(&mut self.stages) {
            let outside = counts.len() - 1;
            let place = journey.place.map_or(outside, |place| usize::from(place.stage));
            if let Some(count) = counts.get_mut(place) {
                count[0] += 1;
            }
        }
        for change in state.changes.iter().skip(moves.counted) {
            let What::Moved { journey, from, to, .. } = change.what else { continue };
            let Some(counts) = self.stages.get_mut(usize::from(journey)) else { continue };
            let outside = counts.len() - 1;
            for (stage, which) in [(to, 1), (from, 2)] {
                if let Some(count) = counts.get_mut(stage.map_or(outside, usize::from)) {
                    count[which] += 1;
                }
            }
        }
        moves.counted = state.changes.len();
    }

    fn gates(&mut self, candidates: &[Candidate]) {
        for candidate in candidates {
            *self.gates.entry((candidate.placement.clone(), candidate.offer.clone(), candidate.gate)).or_default() += 1;
        }
    }

    fn finish(self, engine: &Engine, time: Timestamp, tables: &mut ReplayTables) {
        let playbook = engine.playbook();
        for placement in playbook.placements.iter().map(|placement| &placement.name.text) {
            for offer in playbook.offers.iter().map(|offer| &offer.name.text) {
                for gate in Gate::ALL {
                    if let Some(customers) = self.gates.get(&(placement.clone(), offer.clone(), gate)) {
                        let (placement, offer, customers) = (placement.clone(), offer.clone(), *customers);
                        tables.gates.push(GateRow { time, placement, offer, gate: gate.name(), customers });
                    }
                }
            }
        }
        let segments = engine.playbook().segments.iter().zip(self.members).zip(self.unknown);
        tables.segments.extend(segments.map(|((segment, members), unknown)| SegmentRow {
            time,
            segment: segment.name.text.clone(),
            members,
            unknown,
        }));
        for (journey, counts) in engine.playbook().journeys.iter().zip(self.stages) {
            let names = journey.stages.iter().map(|stage| Some(stage.name.text.clone())).chain([None]);
            tables.stages.extend(names.zip(counts).map(|(stage, [customers, entries, exits])| StageRow {
                time,
                journey: journey.name.text.clone(),
                stage,
                customers,
                entries,
                exits,
            }));
        }
    }
}
