use super::caps::CapRule;
use super::ways::{Back, Branch, Entry, Guard, Key, Outer, StageExit, Target, Wait};
use crate::context::{JourneyFact, Reach, Rule, Source, Sources, state_rule};
use crate::error::Diagnostic;
use crate::expr::{EventKind, Expected, FactId};
use crate::playbook::{Journey, Migration, Movement, Name, Playbook, Precedence, Reentry, Text};
use crate::value::Duration;
use chrono::NaiveTime;
use smallvec::SmallVec;
use std::sync::Arc;

/// The compiled journeys of a playbook.
#[derive(Debug, Default)]
pub(crate) struct Journeys {
    /// In the order of the playbook.
    pub(crate) rules: Vec<JourneyRule>,
    /// The names of each journey's stages.
    pub(crate) stages: Vec<Vec<Arc<str>>>,
    /// Their names.
    pub(crate) names: Vec<Arc<str>>,
    /// Whether a move in one may move another that was looked at before; filled when all is compiled.
    pub(crate) chained: bool,
    /// Caps over several of them.
    pub(super) caps: Vec<CapRule>,
}

/// A compiled journey.
#[derive(Debug)]
pub(crate) struct JourneyRule {
    /// Which of several begins where there is room for fewer; the larger.
    pub(super) priority: i64,
    /// The caps that it obeys and counts for, by number.
    pub(super) caps: SmallVec<[u16; 2]>,
    /// Which ways customers may go.
    pub(crate) movement: Movement,
    /// Which of several stages is entered.
    pub(crate) precedence: Precedence,
    /// In the order of the playbook.
    pub(crate) stages: Vec<StageRule>,
    /// Leaves the journey at once.
    pub(crate) exit: Option<Rule>,
    /// Whether it does so when the condition is unknown.
    pub(crate) exit_unknown: bool,
    /// What tells instances apart.
    pub(crate) key: Option<Key>,
    /// How customers come in; by way of any stage when there is none.
    pub(crate) entry: Option<Entry>,
    /// Whether they come in again.
    pub(crate) reentry: Reentry,
    /// The longest time in the journey.
    pub(crate) max_stay: Option<Duration>,
    /// The journey around it.
    pub(crate) outer: Option<Outer>,
    /// Where customers are whose place was recorded under another version.
    pub(crate) migration: Migration,
    /// Equal for equal rules.
    pub(crate) digest: Arc<str>,
    /// How many conditions there are: one per stage, that of leaving, and the guards.
    pub(crate) slots: usize,
    /// Whether there is more than stages with their entries, time-outs and the exit.
    pub(crate) rich: bool,
    /// What the conditions read in the end; filled when all is compiled. Its own stages are left out, its other instances are not.
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
    /// Leaving at once.
    pub(crate) exit: Option<StageExit>,
    /// Waiting.
    pub(crate) wait: Option<Wait>,
    /// Ways on.
    pub(crate) branches: Vec<Branch>,
    /// The longest stay, and where it leads.
    pub(crate) max_stay: Option<(Duration, Target)>,
    /// Back to where one dropped out.
    pub(crate) back: Option<Back>,
    /// Whether customers here count as lost.
    pub(crate) drop_out: bool,
    /// Whether the journey ends here.
    pub(crate) last: bool,
}

/// A compiled time-out.
#[derive(Debug)]
pub(crate) struct TimeoutRule {
    /// How long after entering, or after the last event of `reset_on`.
    pub(crate) after: Duration,
    /// And until this time of day.
    pub(crate) at: Option<NaiveTime>,
    /// The stage entered then.
    pub(crate) to: Target,
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
        let names = playbook.journeys.iter().map(|journey| journey.name.text.clone()).collect();
        let rules = rules.into_iter().collect::<Option<_>>()?;
        let mut journeys = Journeys { rules, stages, names, chained: false, caps: Vec::new() };
        journeys.nest(playbook);
        journeys.cap(playbook);
        Some(journeys)
    }

    /// The number of a stage.
    pub(crate) fn stage(&self, journey: usize, name: &str) -> Option<u16> {
        let place = self.stages.get(journey)?.iter().position(|stage| **stage == *name)?;
        u16::try_from(place).ok()
    }

    /// Whether moves may cause others: known when what each reads is known.
    pub(crate) fn chain(&mut self) {
        self.chained = self.rules.iter().enumerate().any(|(number, rule)| {
            rule.outer.is_some() || rule.reach.journeys.iter().any(|journey| *journey >= number || self.is_capped(*journey))
        });
    }

    /// Whether a journey begins after others were looked at.
    fn is_capped(&self, number: usize) -> bool {
        self.rules.get(number).is_some_and(|rule| !rule.caps.is_empty())
    }

    /// Tells every journey that is inside of another which that is.
    fn nest(&mut self, playbook: &Playbook) {
        for (number, outer) in playbook.journeys.iter().enumerate() {
            for (stage, inner) in (0..).zip(&outer.stages).filter_map(|(place, stage)| Some((place, stage.inner.as_ref()?))) {
                let Some(own) = self.names.iter().position(|name| *name == inner.journey.text) else { continue };
                let start = inner.start.as_ref().and_then(|start| self.stage(own, &start.text));
                let ends = inner.ends.iter().filter_map(|(end, to)| {
                    let to = to.as_ref().and_then(|to| self.stage(number, &to.text));
                    Some((self.stage(own, &end.text)?, to))
                });
                let ends = ends.collect();
                if let Some(rule) = self.rules.get_mut(own) {
                    rule.outer = Some(Outer { journey: number, stage, start, ends });
                }
            }
        }
    }
}

impl JourneyRule {
    fn compile(journey: &Journey, sources: &Sources, findings: &mut Vec<Diagnostic>) -> Option<Self> {
        let number = |name: &str| {
            let place = journey.stages.iter().position(|stage| *stage.name.text == *name)?;
            u16::try_from(place).ok()
        };
        let target = |to: &Option<Name>| to.as_ref().and_then(|to| number(&to.text));
        let kinds =
            |names: &[Name]| -> Vec<EventKind> { names.iter().filter_map(|name| sources.schema.event(&name.text)).collect() };
        let mut complete = true;
        let mut rule = |text: &Option<Text>, findings: &mut Vec<Diagnostic>| {
            let text = text.as_ref()?;
            let rule = state_rule(text, sources, &Expected::Bool, findings);
            complete &= rule.is_some();
            rule
        };
        let mut slots = journey.stages.len() + 1;
        let mut slot = |rule: Option<Rule>| {
            let rule = rule?;
            slots += 1;
            Some(Guard { slot: slots - 1, rule })
        };
        let stages: Vec<StageRule> = journey
            .stages
            .iter()
            .map(|stage| StageRule {
                on: kinds(&stage.on),
                enter: rule(&stage.enter, findings),
                from: (!stage.from.is_empty()).then(|| stage.from.iter().map(|name| number(&name.text)).collect()),
                min_stay: stage.min_stay,
                timeout: stage.timeout.as_ref().map(|timeout| TimeoutRule {
                    after: timeout.after,
                    at: timeout.at,
                    to: target(&timeout.to),
                    reset_on: kinds(&timeout.reset_on),
                }),
                exit: stage.exit.as_ref().map(|exit| StageExit {
                    on: kinds(&exit.on),
                    when: slot(rule(&exit.when, findings)),
                    unknown: exit.unknown,
                    to: target(&exit.to),
                }),
                wait: stage.wait.as_ref().map(|wait| Wait {
                    length: wait.length,
                    at: wait.at,
                    days: wait.days,
                    weekday: wait.weekday,
                    today: wait.today,
                    until: kinds(&wait.until),
                    reset_on: kinds(&wait.reset_on),
                    to: wait.to.as_ref().map(target),
                }),
                branches: stage
                    .branches
                    .iter()
                    .map(|branch| Branch {
                        on: kinds(&branch.on),
                        when: slot(rule(&branch.when, findings)),
                        to: target(&branch.to),
                    })
                    .collect(),
                max_stay: stage.max_stay.as_ref().map(|stay| (stay.after, target(&stay.to))),
                back: stage.back.as_ref().map(|back| Back { on: kinds(&back.on), when: slot(rule(&back.when, findings)) }),
                drop_out: stage.drop_out,
                last: stage.last,
            })
            .collect();
        let exit = rule(&journey.exit, findings);
        let entry = journey.entry.as_ref().map(|entry| Entry {
            on: kinds(&entry.on),
            when: slot(rule(&entry.when, findings)),
            to: target(&entry.to).unwrap_or(0),
        });
        let rich = entry.is_some()
            || journey.max_stay.is_some()
            || stages.iter().any(|stage| {
                stage.exit.is_some()
                    || stage.wait.is_some()
                    || !stage.branches.is_empty()
                    || stage.max_stay.is_some()
                    || stage.back.is_some()
            });
        let mut compiled = JourneyRule {
            priority: journey.priority,
            caps: SmallVec::new(),
            movement: journey.movement,
            precedence: journey.precedence,
            stages,
            exit,
            exit_unknown: journey.exit_unknown,
            key: None,
            entry,
            reentry: journey.reentry.clone(),
            max_stay: journey.max_stay,
            outer: None,
            migration: journey.migration.clone(),
            digest: journey.digest.clone(),
            slots,
            rich,
            reach: Reach::default(),
            reads_itself: false,
        };
        if let Some(key) = &journey.key {
            let path = format!("journeys.{}.key", journey.name.text);
            compiled.key = Key::of((key, &path), journey.at_most, &compiled, sources, findings);
            complete &= compiled.key.is_some();
        }
        complete.then_some(compiled)
    }

    /// All conditions: one per stage that has one, that of leaving, and the guards.
    pub(crate) fn conditions(&self) -> impl Iterator<Item = &Rule> {
        let guards = self.guards().map(|guard| &guard.rule);
        self.stages.iter().filter_map(|stage| stage.enter.as_ref()).chain(&self.exit).chain(guards)
    }

    fn guards(&self) -> impl Iterator<Item = &Guard> {
        let stages = self.stages.iter().flat_map(|stage| {
            let exit = stage.exit.iter().filter_map(|exit| exit.when.as_ref());
            let branches = stage.branches.iter().filter_map(|branch| branch.when.as_ref());
            exit.chain(branches).chain(stage.back.iter().filter_map(|back| back.when.as_ref()))
        });
        stages.chain(self.entry.iter().filter_map(|entry| entry.when.as_ref()))
    }

    /// Whether a condition asks how many of its own instances, given the journey's number, are open, or for one of them by its key.
    pub(crate) fn reads_instances(&self, number: usize, sources: &Sources) -> bool {
        let open = |fact: &FactId| sources.source(*fact) == Some(Source::Journey(number, JourneyFact::Open));
        let one = |fact: FactId| match sources.source(fact) {
            Some(Source::Stage(journey) | Source::Since(journey) | Source::Journey(journey, _)) => journey == number,
            _ => false,
        };
        self.conditions().any(|rule| rule.checked().asked_of_instances().any(one) || rule.reads().facts.iter().any(open))
    }

    /// The same, to be changed, where they are the same for all instances: those that read events with the key are left out.
    pub(crate) fn conditions_mut(&mut self) -> impl Iterator<Item = &mut Rule> {
        let JourneyRule { stages, exit, entry, key, .. } = self;
        let stages = stages.iter_mut().flat_map(|stage| {
            let exit = stage.exit.iter_mut().filter_map(|exit| exit.when.as_mut());
            let branches = stage.branches.iter_mut().filter_map(|branch| branch.when.as_mut());
            let guards = exit.chain(branches).chain(stage.back.iter_mut().filter_map(|back| back.when.as_mut()));
            stage.enter.iter_mut().chain(guards.map(|guard| &mut guard.rule))
        });
        let entry = entry.iter_mut().filter_map(|entry| entry.when.as_mut()).map(|guard| &mut guard.rule);
        let own = |rule: &Rule, key: &Key| rule.reads().events.iter().any(|kind| key.kinds.binary_search(kind).is_ok());
        stages.chain(exit).chain(entry).filter(move |rule| key.as_ref().is_none_or(|key| !own(rule, key)))
    }

    /// The types of all events that move customers by happening, or start a time anew.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = EventKind> {
        let stages = self.stages.iter().flat_map(|stage| {
            let resets = stage.timeout.iter().flat_map(|timeout| &timeout.reset_on);
            let exits = stage.exit.iter().flat_map(|exit| &exit.on);
            let waits = stage.wait.iter().flat_map(|wait| wait.until.iter().chain(&wait.reset_on));
            let branches = stage.branches.iter().flat_map(|branch| &branch.on);
            let back = stage.back.iter().flat_map(|back| &back.on);
            stage.on.iter().chain(resets).chain(exits).chain(waits).chain(branches).chain(back)
        });
        stages.chain(self.entry.iter().flat_map(|entry| &entry.on)).copied()
    }

    /// Whether it goes by a time of day, which follows the customer's own zone.
    pub(crate) fn reads_clock(&self) -> bool {
        self.stages.iter().any(|stage| {
            stage.timeout.as_ref().is_some_and(|timeout| timeout.at.is_some())
                || stage.wait.as_ref().is_some_and(|wait| wait.at.is_some())
        })
    }

    /// Whether a customer may go from where they are to a stage because it can be entered.
    #[must_use]
    pub(crate) fn allows(&self, from: Option<u16>, to: u16) -> bool {
        let from_list = self.stages.get(usize::from(to)).and_then(|stage| stage.from.as_ref());
        // Who may come in by the entry only comes in elsewhere where that is said.
        let listed = match from_list {
            Some(listed) => listed.contains(&from),
            None => from.is_some() || self.entry.is_none(),
        };
        let forward = match (self.movement, from) {
            (Movement::Forward, Some(from)) => to > from,
            _ => true,
        };
        listed && forward && from != Some(to)
    }

    /// Whether a way leads from a stage to another whatever its entry says; `None` inside for outside.
    pub(crate) fn leads(&self, from: u16) -> impl Iterator<Item = Target> {
        self.stages.get(usize::from(from)).into_iter().flat_map(|stage| {
            let timeout = stage.timeout.iter().map(|timeout| timeout.to);
            let exit = stage.exit.iter().map(|exit| exit.to);
            let wait = stage.wait.iter().filter_map(|wait| wait.to);
            let stay = stage.max_stay.iter().map(|(_, to)| *to);
            timeout.chain(exit).chain(wait).chain(stage.branches.iter().map(|branch| branch.to)).chain(stay)
        })
    }
}
