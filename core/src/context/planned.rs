//! What is planned for a customer where they stand in a journey.

use super::{Context, earlier};
use crate::playbook::{Cell, Journey, Playbook};
use crate::value::{Timestamp, Value};
use std::sync::Arc;

/// What is asked of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Planned {
    Goal,
    PainPoint,
    SellingPoint,
    Wording,
}

impl Planned {
    pub(super) const ALL: [(Planned, &'static str); 4] = [
        (Planned::Goal, "goal"),
        (Planned::PainPoint, "pain_point"),
        (Planned::SellingPoint, "selling_point"),
        (Planned::Wording, "wording"),
    ];

    fn of(self, cell: &Cell) -> Option<&Arc<str>> {
        match self {
            Planned::Goal => cell.goal.as_ref(),
            Planned::PainPoint => cell.pain_point.as_ref(),
            Planned::SellingPoint => cell.selling_point.as_ref(),
            Planned::Wording => cell.wording.as_ref(),
        }
    }
}

/// The plan of a journey: for each segment, or everyone, the cells by number of the stage.
pub(crate) type PlanRule = Vec<(Option<usize>, Vec<Cell>)>;

/// The compiled plan of a journey.
pub(super) fn plan_of(journey: &Journey, playbook: &Playbook) -> PlanRule {
    let plans = journey.plan.iter().map(|plan| {
        let segments = || playbook.segments.iter();
        let segment = plan.segment.as_ref().and_then(|name| segments().position(|segment| segment.name.text == name.text));
        let cell = |stage: &Arc<str>| plan.cells.iter().find(|(name, _)| name.text == *stage).map(|(_, cell)| cell.clone());
        let cells = journey.stages.iter().map(|stage| cell(&stage.name.text).unwrap_or_default());
        (segment, cells.collect())
    });
    plans.collect()
}

impl Context<'_> {
    /// What is planned for the customer where they stand: for the first segment of the plan that they are in and for which
    /// something is said, or for everyone. Unknown when it depends on a segment that is unknown.
    pub(super) fn planned(&self, journey: usize, asked: Planned) -> (Option<Value>, Option<Timestamp>) {
        let mut until = None;
        let Some(place) = self.place(journey) else { return (None, until) };
        for (segment, cells) in self.rules.sources.plans.get(journey).into_iter().flatten() {
            let Some(text) = cells.get(usize::from(place.stage)).and_then(|cell| asked.of(cell)) else { continue };
            let Some(segment) = segment else { return (Some(Value::String(text.clone())), until) };
            let holds = self.member(*segment);
            until = earlier(until, holds.until);
            match holds.truth {
                Some(true) => return (Some(Value::String(text.clone())), until),
                Some(false) => {}
                None => return (None, until),
            }
        }
        (None, until)
    }
}
