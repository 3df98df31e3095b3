//! What is looked at for what comes next in a journey.

use super::model::{Name, Playbook};
use super::read::{At, Loader, Names};
use super::trends::USUAL_K;

/// `predict` of a journey.
#[derive(Debug, Clone, PartialEq)]
pub struct Predict {
    /// `events`: the event types that are steps; `None` for all that the playbook declares.
    pub events: Option<Vec<Name>>,
    /// `segments`: those that make a difference; `None` for all, if there are at most eight, else none.
    pub segments: Option<Vec<Name>>,
    /// `k`: about how many customers a number of the population is at least.
    pub k: u32,
}

/// How many segments may be told apart.
const MOST_SEGMENTS: usize = 16;

impl Loader<'_> {
    pub(super) fn predict(&mut self, journey: &At<'_>, segments: &Names) -> Predict {
        let Some(at) = journey.get("predict") else { return Predict { events: None, segments: None, k: USUAL_K } };
        let events = self.declared.events.clone();
        let events = at.get("events").map(|_| self.references(&at, "events", "event type", &events));
        let told = at.get("segments").map(|_| self.references(&at, "segments", "segment", segments));
        if let (Some(place), Some(told)) = (at.get("segments"), &told)
            && told.len() > MOST_SEGMENTS
        {
            let message = format!("at most {MOST_SEGMENTS} segments can be told apart, found {}", told.len());
            self.error("too_many", &place, message, Some("name those that say most about what comes next".to_owned()));
        }
        Predict { events, segments: told, k: at.number("k").unwrap_or(USUAL_K) }
    }
}

/// How many segments are told apart when a journey does not say which.
const FEW_SEGMENTS: usize = 8;

impl Playbook {
    /// By number, the event types that are steps of a journey, and the segments that make a difference to what comes next in it.
    pub(crate) fn predicted(&self, journey: usize) -> (impl Iterator<Item = usize>, impl Iterator<Item = usize>) {
        let predict = self.journeys.get(journey).map(|journey| &journey.predict);
        let told =
            |names: Option<&Vec<Name>>, name: &Name| names.is_none_or(|names| names.iter().any(|own| own.text == name.text));
        let few = self.segments.len() <= FEW_SEGMENTS;
        let events = predict.and_then(|predict| predict.events.as_ref());
        let segments = predict.and_then(|predict| predict.segments.as_ref());
        let events = self.events.iter().enumerate().filter(move |(_, event)| told(events, &event.name));
        let named = self.segments.iter().enumerate().filter(move |(_, segment)| told(segments, &segment.name));
        let named = named.filter(move |_| few || segments.is_some());
        (events.map(|(number, _)| number), named.map(|(number, _)| number))
    }
}
