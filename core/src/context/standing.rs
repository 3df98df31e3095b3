//! What rules read of a journey beside the stage and since when.

use super::planned::Planned;
use super::{Context, Source};
use crate::customer::{Instances, JourneyState};
use crate::expr::{FactId, Read};
use crate::value::{Type, Value};
use smallvec::SmallVec;
use std::sync::Arc;

/// What is asked of a journey beside its stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JourneyFact {
    /// `.previous`: the stage before the present one.
    Previous,
    /// `.visits("stage")`: how often the customer came into a stage.
    Visits(u16),
    /// `.entries`: how often they came into the journey.
    Entries,
    /// `.open`: how many instances have not ended.
    Open,
    /// `.goal`, `.pain_point`, `.selling_point` or `.wording` of the plan.
    Planned(Planned),
    /// `.next("purchase").within("14d")`: what comes next.
    Ahead,
}

/// How a customer stands in a journey.
#[derive(Debug, Clone, Default)]
pub(crate) struct Standing {
    previous: Option<u16>,
    visits: SmallVec<[u32; 8]>,
    entries: u32,
    /// Whether it must not be read.
    hidden: bool,
    /// Of a journey with a key.
    pub(crate) instances: Instances,
}

impl Standing {
    /// Of what is derived.
    pub(crate) fn of(state: &JourneyState) -> Self {
        if let Some(instances) = &state.instances {
            return Standing {
                previous: instances.latest().and_then(|latest| previous(latest)),
                visits: SmallVec::from_slice(instances.visits()),
                entries: u32::try_from(instances.entries()).unwrap_or(u32::MAX),
                hidden: false,
                instances: Instances::clone(instances),
            };
        }
        let mut standing = Standing { previous: previous(state), entries: state.walk.entries, ..Standing::default() };
        for visit in &state.visits {
            let stage = usize::from(visit.stage);
            if standing.visits.len() <= stage {
                standing.visits.resize(stage + 1, 0);
            }
            if let Some(count) = standing.visits.get_mut(stage) {
                *count = count.saturating_add(1);
            }
        }
        standing
    }

    /// What somebody sees of whom the host is not sure enough.
    pub(super) fn hidden() -> Self {
        Standing { hidden: true, ..Standing::default() }
    }
}

/// The stage before the present one.
fn previous(state: &JourneyState) -> Option<u16> {
    let open = usize::from(state.place.is_some());
    state.visits.len().checked_sub(1 + open).and_then(|place| state.visits.get(place)).map(|visit| visit.stage)
}

impl<'a> Context<'a> {
    /// Takes how the customer stands in all journeys, where rules ask for more than stages.
    #[inline(always)]
    pub(crate) fn standing(mut self, journeys: &[JourneyState]) -> Self {
        self.set_standing(journeys);
        self
    }

    /// The same in place.
    #[inline]
    pub(crate) fn set_standing(&mut self, journeys: &[JourneyState]) {
        if self.rules.journeys_told {
            self.standings = standings(journeys);
        }
    }

    /// The customer stands otherwise in a journey.
    pub(crate) fn stand(&mut self, journey: usize, standing: Standing) {
        if let Some(own) = self.standings.get_mut(journey) {
            *own = standing;
            self.forget();
        }
    }

    fn stage_name(&self, journey: usize, stage: u16) -> Option<Value> {
        self.stages.get(journey)?.get(usize::from(stage)).map(|name| Value::String(name.clone()))
    }

    /// What is asked of a journey as a whole.
    pub(super) fn journey_fact(&self, journey: usize, asked: JourneyFact) -> Option<Value> {
        // Of somebody of whom too little may be read nothing is known.
        let standing = self.standings.get(journey).filter(|standing| !standing.hidden)?;
        let number = |count: usize| Value::Int(i64::try_from(count).unwrap_or(i64::MAX));
        match asked {
            JourneyFact::Previous => standing.previous.and_then(|stage| self.stage_name(journey, stage)),
            JourneyFact::Visits(stage) => {
                Some(Value::Int(standing.visits.get(usize::from(stage)).copied().map_or(0, i64::from)))
            }
            JourneyFact::Entries => Some(Value::Int(i64::from(standing.entries))),
            JourneyFact::Planned(asked) => self.planned(journey, asked).0,
            JourneyFact::Ahead => None,
            JourneyFact::Open => Some(number(standing.instances.count_open())),
        }
    }

    /// A fact of a journey, of one instance.
    pub(super) fn instance_fact(&self, fact: FactId, key: &str) -> Read {
        let missing = || Read::missing(self.rules.sources.path(fact));
        let journey = match self.rules.sources.source(fact) {
            Some(Source::Stage(journey) | Source::Since(journey) | Source::Journey(journey, _)) => journey,
            _ => return missing(),
        };
        let Some(standing) = self.standings.get(journey).filter(|standing| !standing.hidden) else { return missing() };
        let nowhere = JourneyState::default();
        let state = standing.instances.get(key).map_or(&nowhere, |state| &**state);
        let one = Standing::of(state);
        let value = match self.rules.sources.source(fact) {
            Some(Source::Stage(_)) => state.place.and_then(|place| self.stage_name(journey, place.stage)),
            Some(Source::Since(_)) => state.place.map(|place| Value::from(place.since)),
            Some(Source::Journey(_, JourneyFact::Previous)) => one.previous.and_then(|stage| self.stage_name(journey, stage)),
            Some(Source::Journey(_, JourneyFact::Visits(stage))) => {
                Some(Value::Int(one.visits.get(usize::from(stage)).copied().map_or(0, i64::from)))
            }
            Some(Source::Journey(_, JourneyFact::Entries)) => Some(Value::Int(i64::from(one.entries))),
            _ => None,
        };
        value.map_or_else(missing, Read::known)
    }
}

#[cold]
fn standings(journeys: &[JourneyState]) -> Vec<Standing> {
    journeys.iter().map(Standing::of).collect()
}

/// The fact that stands for what comes next, which no rule can write as a field.
const NEXT: &str = "next()";

/// The facts of a journey beside its stage: names below `journey.<name>`, types.
pub(super) fn facts(stages: &Arc<[Arc<str>]>, keyed: bool, planned: bool) -> Vec<(String, Type, JourneyFact)> {
    let mut facts = vec![("previous".to_owned(), Type::Enum(stages.clone()), JourneyFact::Previous)];
    for (number, stage) in (0..).zip(stages.iter()) {
        facts.push((format!("visits.{stage}"), Type::Int, JourneyFact::Visits(number)));
    }
    facts.push(("entries".to_owned(), Type::Int, JourneyFact::Entries));
    facts.push((NEXT.to_owned(), Type::Double, JourneyFact::Ahead));
    if planned {
        facts.extend(Planned::ALL.map(|(asked, name)| (name.to_owned(), Type::String, JourneyFact::Planned(asked))));
    }
    if keyed {
        facts.push(("open".to_owned(), Type::Int, JourneyFact::Open));
    }
    facts
}
