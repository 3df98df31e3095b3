use super::backoff::{BackOff, Node, Place, nodes};
use super::curve::Curve;
use super::publish::{Published, publish};
use super::spec::NextSpec;
use super::steps::{OTHER, Point, Track, seen};
use super::transitions::Transitions;
use crate::value::Timestamp;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

/// What a population says about what comes next: immutable, and every number in it is about at least `k` customers.
///
/// How probabilities follow from it: for each time since the last step, the share of those still waiting whom each next step then
/// reaches (cause-specific hazards of a life table, Kaplan and Meier 1958, Prentice and others 1978); from these the probability that
/// a step is the next and comes within a time (cumulative incidence, Aalen and Johansen 1978). Shares are drawn to those of wider contexts, of
/// which the widest looks at nothing and the narrowest at three steps, the stage and the segments (Witten and Bell 1991, Buehlmann 1967).
#[derive(Debug, Clone)]
pub struct Forecast {
    pub(super) spec: Arc<NextSpec>,
    pub(super) cells: Vec<Published>,
    nodes: BTreeMap<Place, Node>,
    digest: Arc<str>,
}

impl PartialEq for Forecast {
    fn eq(&self, other: &Self) -> bool {
        self.spec == other.spec && self.cells == other.cells
    }
}

/// On what a curve rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Basis {
    /// How many steps back it looks.
    pub(crate) order: u8,
    /// How often somebody stood in this context.
    pub(crate) steps: u64,
}

impl Forecast {
    pub(super) fn of(transitions: &Transitions) -> Self {
        let spec = transitions.spec.clone();
        let k = |journey: u16| spec.journeys.get(usize::from(journey)).map_or(usize::MAX, |own| own.k as usize);
        let cells = publish(&transitions.contributions, k);
        Self::of_cells(spec, cells)
    }

    pub(super) fn of_cells(spec: Arc<NextSpec>, cells: Vec<Published>) -> Self {
        let nodes = nodes(&cells);
        let mut forecast = Forecast { spec, cells, nodes, digest: Arc::from("") };
        let mut digest = String::with_capacity(64);
        for byte in Sha256::digest(forecast.to_bytes()) {
            // Writing to a string cannot fail.
            let _ = write!(digest, "{byte:02x}");
        }
        forecast.digest = Arc::from(digest);
        forecast
    }

    pub(crate) fn spec(&self) -> &Arc<NextSpec> {
        &self.spec
    }

    /// The instant as of which the population was counted. Nothing can be asked about earlier ones.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.spec.options.at
    }

    /// SHA-256 over its bytes, in hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> &Arc<str> {
        &self.digest
    }

    /// What comes next for somebody who stands so; `None` when too few of the population ever stood anywhere.
    pub(crate) fn curve(&self, journey: u16, track: Track, point: &Point) -> Option<(Curve, Basis)> {
        let k = self.spec.journeys.get(usize::from(journey))?.k;
        let mut back_off = BackOff::default();
        let mut basis = Basis { order: 0, steps: 0 };
        for (level, looks) in (0_u8..).zip(track.levels()) {
            // Of what is narrower than a context that is not told nothing is told either.
            let Some(node) = self.nodes.get(&(journey, track, level, seen(&point.context, *looks))) else { break };
            back_off.narrow(level, node, k);
            basis = Basis { order: track.order(usize::from(level)), steps: node.steps() };
        }
        back_off.curve().map(|curve| (curve, basis))
    }

    /// The name of a step of a sequence: an event type, a stage, or a segment entered or left.
    pub(crate) fn name(&self, journey: u16, track: Track, what: u32) -> Option<String> {
        let number = usize::try_from(what).ok()?;
        if what == OTHER {
            return None;
        }
        match track {
            Track::Event => self.spec.events.get(number).map(ToString::to_string),
            Track::Stage => self.spec.journeys.get(usize::from(journey))?.stages.get(number).map(ToString::to_string),
            Track::Change => {
                let name = self.spec.segments.get(number / 2)?;
                Some(format!("{} {name}", if number % 2 == 0 { "entered" } else { "left" }))
            }
        }
    }
}
