use super::rule::Rule;
use super::sources::{Source, Sources};
use crate::expr::EventKind;
use std::collections::BTreeSet;

/// What a rule reads in the end, directly or through segments, personas and journeys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reach {
    /// Event types, the reserved one of each attribute included.
    pub(crate) kinds: BTreeSet<EventKind>,
    /// Attributes, by number.
    pub(crate) attributes: BTreeSet<usize>,
    /// Journeys, by number.
    pub(crate) journeys: BTreeSet<usize>,
    /// Whether it depends on sessions, which any declared event moves.
    pub(crate) sessions: bool,
}

/// The reach of every segment, persona and journey.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reaches {
    /// In the order of the playbook.
    pub(crate) segments: Vec<Reach>,
    /// In the order of the playbook.
    pub(crate) personas: Vec<Reach>,
    /// In the order of the playbook.
    pub(crate) intents: Vec<Reach>,
    /// In the order of the playbook.
    pub(crate) needs: Vec<Reach>,
    /// In the order of the playbook.
    pub(crate) preferences: Vec<Reach>,
    /// In the order of the playbook.
    pub(crate) unusual: Vec<Reach>,
    /// In the order of the playbook.
    pub(crate) watches: Vec<Reach>,
    /// In the order of the playbook.
    pub(crate) journeys: Vec<Reach>,
}

impl Reach {
    /// Adds all that another rule reads.
    pub(crate) fn absorb(&mut self, other: &Reach) {
        self.kinds.extend(&other.kinds);
        self.attributes.extend(&other.attributes);
        self.journeys.extend(&other.journeys);
        self.sessions |= other.sessions;
    }
}

impl Reaches {
    /// The reach of a rule, given those of what it may read.
    #[must_use]
    pub(crate) fn of(&self, rule: &Rule, sources: &Sources) -> Reach {
        let mut reach = Reach { kinds: rule.reads().events.clone(), sessions: rule.reads().session, ..Reach::default() };
        for fact in &rule.reads().facts {
            sources.planned_by(*fact).for_each(|segment| reach.absorb_from(&self.segments, segment));
            match sources.source(*fact) {
                Some(Source::Attribute(place)) => {
                    reach.attributes.insert(place);
                    reach.kinds.extend(sources.tellers(place));
                }
                Some(Source::Segment(place)) => reach.absorb_from(&self.segments, place),
                // A posterior depends on the evidence of all its family.
                Some(Source::Persona(_) | Source::LikelyPersona) => {
                    self.personas.iter().for_each(|persona| reach.absorb(persona))
                }
                Some(Source::Intent(_) | Source::LikelyIntent) => {
                    reach.sessions = true;
                    self.intents.iter().for_each(|intent| reach.absorb(intent));
                }
                Some(Source::Need(place) | Source::NeedTime(place)) => reach.absorb_from(&self.needs, place),
                Some(Source::Preference(place, _)) => reach.absorb_from(&self.preferences, place),
                Some(Source::Unusual(place)) => reach.absorb_from(&self.unusual, place),
                Some(Source::Stage(place) | Source::Since(place) | Source::Journey(place, _)) => {
                    reach.journeys.insert(place);
                    reach.absorb_from(&self.journeys, place);
                }
                Some(Source::Commitment(_)) => {
                    reach.kinds.extend(sources.commitments.iter().flat_map(|rules| rules.kinds()));
                }
                // Sessions and places follow all events that the playbook declares.
                Some(Source::Session(_) | Source::Location(_)) => reach.sessions = true,
                Some(
                    Source::Request(_)
                    | Source::Experiment(_)
                    | Source::Drawn(_)
                    | Source::StoreOpen(_)
                    | Source::NeedKind(_)
                    | Source::Beside(..),
                )
                | None => {}
            }
        }
        if rule.reads().zone || reach.sessions {
            reach.kinds.extend(sources.zone.into_iter().flat_map(|zone| sources.tellers(zone)));
        }
        reach
    }
}

impl Reach {
    fn absorb_from(&mut self, known: &[Reach], place: usize) {
        if let Some(other) = known.get(place) {
            self.absorb(other);
        }
    }
}
