use crate::context::{Reach, Rule, Sources, state_rule};
use crate::error::Diagnostic;
use crate::expr::{EventKind, Expected};
use crate::playbook::{Journey, Movement, Playbook};
use crate::value::Duration;
use std::sync::Arc;

/// The compiled journeys of a playbook.
#[derive(Debug, Default)]
pub(crate) struct Journeys {
    /// In the order of the playbook.
    pub(crate) rules: Vec<JourneyRule>,
    /// The names of each journey's stages.
    pub(crate) stages: Vec<Vec<Arc<str>>>,
}

/// A compiled journey.
#[derive(Debug)]
pub(crate) struct JourneyRule {
    /// Which ways customers may go.
    pub(crate) movement: Movement,
    /// In the order of the playbook.
    pub(crate) stages: Vec<StageRule>,
    /// Leaves the journey at once.
    pub(crate) exit: Option<Rule>,
    /// Whether it does so when the condition is unknown.
    pub(crate) exit_unknown: bool,
    /// What the conditions read in the end, its own stages left out; filled when all is compiled.
    pub(crate) reach: Reach,
    /// Whether a condition reads the journey itself, so that a move can cause another at the same instant.
    pub(crate) reads_itself: bool,
}

/// A compiled stage.
#[derive(Debug)]
pub(crate) struct StageRule {
    /// Entered when one of these happens; without any, when `enter` becomes true.
    pub(crate) on: Vec<EventKind>,
    /// The condition.
    pub(crate) enter: Option<Rule>,
    /// Only from these; `None` inside stands for outside of the journey.
    pub(crate) from: Option<Vec<Option<u16>>>,
    /// No other stage is entered before.
    pub(crate) min_stay: Option<Duration>,
    /// Leaving because nothing happened.
    pub(crate) timeout: Option<TimeoutRule>,
}

/// A compiled time-out.
#[derive(Debug)]
pub(crate) struct TimeoutRule {
    /// How long after entering, or after the last event of `reset_on`.
    pub(crate) after: Duration,
    /// The stage entered then.
    pub(crate) to: u16,
    /// Events that start the time anew.
    pub(crate) reset_on: Vec<EventKind>,
}

impl Journeys {
    /// Compiles the journeys; findings are added to `findings`. `None` when an expression is wrong.
    pub(crate) fn compile(playbook: &Playbook, sources: &Sources, findings: &mut Vec<Diagnostic>) -> Option<Self> {
        let rules: Vec<Option<JourneyRule>> =
            playbook.journeys.iter().map(|journey| JourneyRule::compile(journey, sources, findings)).collect();
        let stages = playbook
            .journeys
            .iter()
            .map(|journey| journey.stages.iter().map(|stage| stage.name.text.clone()).collect())
            .collect();
        Some(Journeys { rules: rules.into_iter().collect::<Option<_>>()?, stages })
    }
}

impl JourneyRule {
    fn compile(journey: &Journey, sources: &Sources, findings: &mut Vec<Diagnostic>) -> Option<Self> {
        let number = |name: &str| {
            let place = journey.stages.iter().position(|stage| *stage.name.text == *name)?;
            u16::try_from(place).ok()
        };
        let kinds =
            |names: &[crate::playbook::Name]| names.iter().filter_map(|name| sources.schema.event(&name.text)).collect();
        let mut complete = true;
        let mut rule = |text: &Option<crate::playbook::Text>, findings: &mut Vec<Diagnostic>| {
            let text = text.as_ref()?;
            let rule = state_rule(text, sources, &Expected::Bool, findings);
            complete &= rule.is_some();
            rule
        };
        let stages: Vec<StageRule> = journey
            .stages
            .iter()
            .map(|stage| StageRule {
                on: kinds(&stage.on),
                enter: rule(&stage.enter, findings),
                from: (!stage.from.is_empty()).then(|| stage.from.iter().map(|name| number(&name.text)).collect()),
                min_stay: stage.min_stay,
                timeout: stage.timeout.as_ref().and_then(|timeout| {
                    Some(TimeoutRule {
                        after: timeout.after,
                        to: number(&timeout.to.text)?,
                        reset_on: kinds(&timeout.reset_on),
                    })
                }),
            })
            .collect();
        let exit = rule(&journey.exit, findings);
        complete.then_some(JourneyRule {
            movement: journey.movement,
            stages,
            exit,
            exit_unknown: journey.exit_unknown,
            reach: Reach::default(),
            reads_itself: false,
        })
    }

    /// All conditions: one per stage that has one, and that of leaving.
    pub(crate) fn conditions(&self) -> impl Iterator<Item = &Rule> {
        self.stages.iter().filter_map(|stage| stage.enter.as_ref()).chain(&self.exit)
    }

    /// The same, to be changed.
    pub(crate) fn conditions_mut(&mut self) -> impl Iterator<Item = &mut Rule> {
        self.stages.iter_mut().filter_map(|stage| stage.enter.as_mut()).chain(&mut self.exit)
    }

    /// Whether a customer may go from where they are to a stage.
    #[must_use]
    pub(crate) fn allows(&self, from: Option<u16>, to: u16) -> bool {
        let listed =
            self.stages.get(usize::from(to)).and_then(|stage| stage.from.as_ref()).is_none_or(|listed| listed.contains(&from));
        let forward = match (self.movement, from) {
            (Movement::Forward, Some(from)) => to > from,
            _ => true,
        };
        listed && forward && from != Some(to)
    }
}
