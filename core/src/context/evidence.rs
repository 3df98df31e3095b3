//! Evidence: a condition, how old what it found is, and how much that still counts.

use super::{Context, Rule, Source, Sources, earlier, state_rule};
use crate::error::{Diagnostic, Severity};
use crate::expr::{EventKind, Expected, Facts};
use crate::playbook::Text;
use crate::value::{Duration, Timestamp, Value};

/// A compiled piece of evidence.
#[derive(Debug)]
pub(crate) struct EvidenceRule {
    /// The condition.
    pub(crate) when: Rule,
    /// How long ago the last event was that each of the condition's streams found.
    pub(crate) ages: Vec<Rule>,
    /// Events that tell what else the condition reads.
    pub(crate) told: Vec<EventKind>,
    half_life: Option<Duration>,
}

/// What a piece of evidence says at an instant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said {
    /// Whether the condition holds.
    pub(super) holds: Option<bool>,
    /// How much it counts, from 0 to 1.
    pub(super) share: f64,
    /// The last event that it rests on.
    pub(super) latest: Option<Timestamp>,
    /// Until when that holds while no event arrives.
    pub(super) until: Option<Timestamp>,
}

impl EvidenceRule {
    /// Compiles a condition; findings are added to `findings`. `None` when it is wrong.
    pub(super) fn compile(
        text: &Text,
        half_life: Option<Duration>,
        sources: &Sources,
        grid: Option<Duration>,
        findings: &mut Vec<Diagnostic>,
    ) -> Option<Self> {
        let when = state_rule(text, sources, &Expected::Bool, findings)?;
        let mut ages = Vec::new();
        for stream in crate::expr::streams(&text.text) {
            let text = Text { text: format!("{stream}.since_last()").into(), lines: Vec::new(), ..text.clone() };
            // What cannot be asked for its age was judged where it stands.
            ages.extend(Rule::compile(&text, &sources.schema, &Expected::Any, &mut Vec::new()));
        }
        let told: Vec<EventKind> = when
            .reads()
            .facts
            .iter()
            .flat_map(|fact| match sources.source(*fact) {
                Some(Source::Attribute(place)) => sources.tellers(place),
                _ => &[],
            })
            .copied()
            .collect();
        if half_life.is_some() {
            needs_grid(grid, text, findings)?;
            if ages.is_empty() && told.is_empty() {
                findings.push(Diagnostic {
                    code: "no_effect",
                    severity: Severity::Error,
                    message: "nothing in this condition tells how old what it found is, so it cannot fade".to_owned(),
                    path: text.path.to_string(),
                    place: Some(text.place.clone()),
                    hint: Some("ask for events or attributes, or leave `half_life` out".to_owned()),
                    related: None,
                });
                return None;
            }
        }
        Some(EvidenceRule { when, ages, told, half_life })
    }

    /// What it says at the context's instant.
    pub(super) fn ask(&self, context: &Context<'_>) -> Said {
        let holds = context.holds(&self.when);
        let mut said = Said { holds: holds.truth, share: 1.0, latest: None, until: holds.until };
        if said.holds != Some(true) {
            return said;
        }
        said.latest = self.latest(context);
        if let (Some(half_life), Some(latest)) = (self.half_life, said.latest) {
            said.share = fade(context, latest, half_life);
            said.until = earlier(said.until, context.next_on_grid());
        }
        said
    }

    /// The last event that the condition rests on.
    fn latest(&self, context: &Context<'_>) -> Option<Timestamp> {
        let found = self.ages.iter().filter_map(|age| match age.ask(context).outcome.value() {
            Some(Value::Duration(age)) => Some(context.now().saturating_add_micros(-age.micros())),
            _ => None,
        });
        let told = self.told.iter().filter_map(|kind| context.view().last(*kind, context.now()).map(|row| row.time()));
        found.chain(told).max()
    }
}

/// A mistake where something fades without a grid of instants at which it is read anew.
pub(super) fn needs_grid(grid: Option<Duration>, text: &Text, findings: &mut Vec<Diagnostic>) -> Option<Duration> {
    if grid.is_none() {
        findings.push(Diagnostic {
            code: "needs_grid",
            severity: Severity::Error,
            message: "what fades changes at every instant, so it needs a grid of instants at which it is read".to_owned(),
            path: text.path.to_string(),
            place: Some(text.place.clone()),
            hint: Some("declare `resolution: 1d` at the top of the playbook".to_owned()),
            related: None,
        });
    }
    grid
}

/// How much something of an instant still counts: half after each half-life, measured at the last instant of the grid.
pub(super) fn fade(context: &Context<'_>, at: Timestamp, half_life: Duration) -> f64 {
    let age = context.grid_instant().micros().saturating_sub(at.micros()).max(0);
    libm::exp2(-(age as f64 / half_life.micros().max(1) as f64))
}

impl Context<'_> {
    /// The last instant of the grid at or before now; now itself without a grid.
    pub(super) fn grid_instant(&self) -> Timestamp {
        let step = self.rules.grid.map_or(1, |grid| grid.micros().max(1));
        Timestamp::from_micros(self.now.micros().div_euclid(step).saturating_mul(step)).unwrap_or(Timestamp::MIN)
    }

    /// The next instant of the grid.
    pub(super) fn next_on_grid(&self) -> Option<Timestamp> {
        let step = self.rules.grid?.micros().max(1);
        let next = self.grid_instant().saturating_add_micros(step);
        (next > self.now).then_some(next)
    }
}
