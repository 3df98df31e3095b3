use super::derived::{Derived, JourneyState};
use super::layout::Layout;
use crate::value::Timestamp;
use std::sync::Arc;

/// A place in a journey that was found under other rules than those of now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OldPlace {
    /// The number that the journey has now.
    pub(crate) journey: usize,
    pub(crate) instance: Option<Arc<str>>,
    /// By name; `None` for outside.
    pub(crate) stage: Option<Arc<str>>,
    pub(crate) since: Option<Timestamp>,
    pub(crate) entries: u32,
    /// The event that tells it; `None` for what is left of folded events, from which nothing else can be derived.
    pub(crate) event: Option<Arc<str>>,
    /// When the customer came in and went out the last time, as far as that is known.
    pub(crate) began: Option<Timestamp>,
    pub(crate) ended: Option<Timestamp>,
}

/// Where a customer was in their journeys up to when their effects were told, and under which rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Saved {
    pub(crate) at: Timestamp,
    pub(crate) places: Vec<SavedPlace>,
}

/// Where they were in one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SavedPlace {
    pub(crate) journey: Arc<str>,
    /// Of the playbook.
    pub(crate) version: u64,
    /// The digest of the journey's rules.
    pub(crate) definition: Arc<str>,
    pub(crate) instance: Option<Arc<str>>,
    /// The stage and since when; `None` for outside.
    pub(crate) stay: Option<(Arc<str>, Timestamp)>,
    pub(crate) entries: u32,
}

impl Saved {
    /// Out of what was derived and told; `None` for a customer who was in no journey.
    pub(super) fn of(derived: &Derived, layout: &Layout) -> Option<Self> {
        let at = derived.told()?;
        let mut places = Vec::new();
        for (names, state) in layout.journeys().iter().zip(&derived.journeys) {
            let instances = state.instances.iter().flat_map(|instances| instances.all());
            let instances = instances.map(|(key, state)| (Some(key.clone()), &**state));
            for (instance, state) in std::iter::once((None, state)).chain(instances) {
                let Some((stay, entries)) = stay(state, at) else { continue };
                let stage = |(stage, since)| Some((names.stages.get(usize::from(stage))?.clone(), since));
                places.push(SavedPlace {
                    journey: names.name.clone(),
                    version: layout.playbook().1,
                    definition: names.definition.clone(),
                    instance,
                    stay: stay.and_then(stage),
                    entries,
                });
            }
        }
        (!places.is_empty()).then_some(Saved { at, places })
    }
}

/// In which stage a walk was at an instant, since when, and how often it had begun; `None` before the first stage. Late events of which
/// nothing was told may have moved it since.
fn stay(state: &JourneyState, at: Timestamp) -> Option<(Option<(u16, Timestamp)>, u32)> {
    let visits = state.visits.iter().rev().take_while(|visit| visit.entered > at).count();
    let last = state.visits.get(state.visits.len().checked_sub(visits + 1)?)?;
    let open = last.left.is_none_or(|left| left > at);
    let stay = match state.place {
        Some(place) if visits == 0 && open => Some((place.stage, place.since)),
        _ => open.then_some((last.stage, last.entered)),
    };
    // Each later entry came from outside.
    let from_outside = |(own, visit): (usize, &super::Visit)| {
        let before = own.checked_sub(1).and_then(|before| state.visits.get(before));
        visit.entered > at && before.is_none_or(|before| before.left != Some(visit.entered))
    };
    let later = state.visits.iter().enumerate().filter(|own| from_outside(*own)).count();
    Some((stay, state.walk.entries.saturating_sub(u32::try_from(later).unwrap_or(u32::MAX))))
}
