use super::rules::{Delay, ReactionRule, Reactions, What};
use crate::context::{Context, Rule};
use crate::customer::{self, Change, Derived, ReactionState, SegmentState, StoryRow, View, Waiting};
use crate::expr::{EventKind, EventRow, Outcome, value_text};
use crate::value::{Span, Timestamp, Value};
use std::ops::ControlFlow;
use std::sync::Arc;

/// How many proposals of one reaction wait at once; what is triggered beyond that is not taken up.
const MOST: usize = 64;

/// What happened at one instant.
pub(crate) struct Instant<'t, 'a> {
    pub(crate) view: &'t View<'a>,
    pub(crate) context: &'t Context<'a>,
    pub(crate) at: Timestamp,
    /// The types of the events of the instant.
    pub(crate) kinds: &'t [EventKind],
    /// How many changes there were before the instant.
    pub(crate) before: usize,
    /// The journeys that moved.
    pub(crate) moved: &'t [usize],
    /// Whether it is the first instant of all.
    pub(crate) first: bool,
    pub(crate) change: &'t dyn Fn(customer::What) -> Change,
}

/// Takes all reactions through one instant: what is triggered, what is cancelled, what is due. Segments, journeys and watches stand
/// as they do after it.
pub(crate) fn turn(reactions: &Reactions, instant: &Instant<'_, '_>, state: &mut Derived) {
    for number in &reactions.order {
        let (Some(rule), Some(before)) = (reactions.rules.get(*number), state.reactions.get(*number)) else { continue };
        let before = before.clone();
        let mut after = before.clone();
        let news = state.changes.get(instant.before..).unwrap_or(&[]);
        for trigger in triggered(rule, instant, news, &mut after) {
            after.take(rule, trigger, instant.at);
        }
        after.cancel(rule, instant);
        for proposed in after.propose(rule, instant) {
            let Waiting { by, since, instance, event, .. } = proposed;
            let reaction = u16::try_from(*number).unwrap_or(u16::MAX);
            state.changes.push(Change {
                at: instant.at,
                what: customer::What::Proposed { reaction, by, since, instance },
                event,
            });
        }
        if after != before {
            if let Some(place) = state.reactions.get_mut(*number) {
                *place = after;
            }
            state.reaction_was(*number, before);
        }
    }
}

/// Something that triggers a reaction.
struct Triggered {
    by: u16,
    instance: Option<Arc<str>>,
    event: Option<Arc<str>>,
}

/// What triggers a reaction at an instant, in the order of its triggers; conditions are looked at anew.
fn triggered(rule: &ReactionRule, instant: &Instant<'_, '_>, news: &[Change], state: &mut ReactionState) -> Vec<Triggered> {
    let mut found = Vec::new();
    let mut slot = 0;
    for (by, trigger) in (0_u16..).zip(&rule.triggers) {
        let happened = |wanted: &dyn Fn(&customer::What) -> bool| news.iter().find(|change| wanted(&change.what));
        let change = match &trigger.what {
            What::Event(kinds, condition) => {
                if kinds.iter().any(|kind| instant.kinds.contains(kind)) {
                    found.extend(instant.events(rule, by, kinds, condition.as_ref()));
                }
                continue;
            }
            What::Told(attribute) => {
                if rule.same.is_none()
                    && let Some(event) = instant.told(usize::from(*attribute))
                {
                    found.push(Triggered { by, instance: None, event: Some(event) });
                }
                continue;
            }
            What::Condition(condition) => {
                let (own, touched) = (slot, instant.concerns(rule));
                slot += 1;
                let first = state.conditions.get(own).is_none();
                state.conditions.resize(state.conditions.len().max(slot), SegmentState::default());
                let Some(place) = state.conditions.get_mut(own) else { continue };
                let due = place.due().is_some_and(|due| due <= instant.at);
                if first || touched || due {
                    let was = place.member() == Some(true);
                    let asked = condition.ask(instant.context);
                    let truth = truth(&asked.outcome);
                    *place = SegmentState::new(truth, asked.until);
                    if !was && truth == Some(true) {
                        // By what event, if any, is what the instant says of a change.
                        let event = (instant.change)(customer::What::Entered { segment: 0 }).event;
                        found.push(Triggered { by, instance: None, event });
                    }
                }
                continue;
            }
            What::Enters(own) => happened(&|what| matches!(what, customer::What::Entered { segment } if segment == own)),
            What::Leaves(own) => happened(&|what| matches!(what, customer::What::Left { segment } if segment == own)),
            What::Watch(own) => happened(&|what| matches!(what, customer::What::Watched { watch, .. } if watch == own)),
            What::Stage(own, stage) => {
                for change in news {
                    if let customer::What::Moved { journey, to: Some(to), instance, .. } = &change.what
                        && journey == own
                        && stage.is_none_or(|stage| stage == *to)
                    {
                        found.push(Triggered { by, instance: instance.clone(), event: change.event.clone() });
                    }
                }
                continue;
            }
        };
        found.extend(change.map(|change| Triggered { by, instance: None, event: change.event.clone() }));
    }
    found
}

impl Instant<'_, '_> {
    /// Whether the conditions of a reaction may stand otherwise than before.
    fn concerns(&self, rule: &ReactionRule) -> bool {
        let reach = &rule.reach;
        self.first
            || self.kinds.iter().any(|kind| reach.kinds.contains(kind))
            || (reach.sessions && !self.kinds.is_empty())
            || reach.journeys.iter().any(|journey| self.moved.contains(journey))
    }

    /// The instances that events of types are about: one where they are not told apart.
    fn events(&self, rule: &ReactionRule, by: u16, kinds: &[EventKind], condition: Option<&Rule>) -> Vec<Triggered> {
        let asked = condition.map(|condition| condition.ask(self.context).outcome);
        match (rule.same, asked) {
            (None, asked) => {
                let holds = asked.is_none_or(|outcome| truth(&outcome) == Some(true));
                let event = self.first_of(kinds, &|_| true).filter(|_| holds);
                event.map(|event| Triggered { by, instance: None, event: Some(event) }).into_iter().collect()
            }
            (Some(property), Some(Outcome::Value(Value::List(keys)))) => {
                let one = |key: &Value| {
                    let instance = key_text(key);
                    let event =
                        self.first_of(kinds, &|row| row.property(property).is_some_and(|own| key_text(&own) == instance));
                    Triggered { by, instance: Some(instance), event }
                };
                keys.iter().map(one).collect()
            }
            // Where no event tells the property there is nothing that could be told apart.
            (Some(_), _) => Vec::new(),
        }
    }

    /// The id of the first event of types at the instant.
    /// The first event of the instant that tells an attribute.
    fn told(&self, attribute: usize) -> Option<Arc<str>> {
        let rules = self.context.rules();
        let kinds = rules.sources.tellers(attribute);
        let (true, Some(rule)) = (kinds.iter().any(|kind| self.kinds.contains(kind)), rules.attributes.get(attribute)) else {
            return None;
        };
        self.first_of(kinds, &|row| rule.tells(row))
    }

    fn first_of(&self, kinds: &[EventKind], wanted: &dyn Fn(&StoryRow<'_>) -> bool) -> Option<Arc<str>> {
        let mut found = None;
        self.view.events(kinds, Span::from(self.at, self.at), &mut |row| {
            if wanted(&row) {
                found = Some(Arc::from(row.id()));
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        found
    }
}

fn truth(outcome: &Outcome) -> Option<bool> {
    match outcome {
        Outcome::Value(Value::Bool(truth)) => Some(*truth),
        _ => None,
    }
}

fn key_text(value: &Value) -> Arc<str> {
    match value {
        Value::String(text) => text.clone(),
        value => value_text(value).into(),
    }
}

impl ReactionState {
    /// Takes up a trigger.
    fn take(&mut self, rule: &ReactionRule, trigger: Triggered, at: Timestamp) {
        let Triggered { by, instance, event } = trigger;
        let room = self.waiting.len() < MOST;
        let known = self.waiting.iter_mut().find(|own| own.instance == instance && (own.since == at || rule.debounces()));
        match (known, rule.delay) {
            // Triggers of one instant are one.
            (Some(own), _) if own.since == at => {}
            (Some(own), Delay::Debounce(quiet, latest)) => {
                (own.since, own.by, own.event) = (at, by, event);
                own.due = at.saturating_add_micros(quiet);
                if let Some(latest) = latest {
                    own.due = own.due.min(own.first.saturating_add_micros(latest));
                }
            }
            (_, Delay::After(length) | Delay::Debounce(length, _)) if room => {
                let due = at.saturating_add_micros(length);
                self.waiting.push(Waiting { due, since: at, first: at, by, instance, event });
            }
            _ => {}
        }
    }

    /// Takes back what events of the instant cancel.
    fn cancel(&mut self, rule: &ReactionRule, instant: &Instant<'_, '_>) {
        if self.waiting.is_empty() || !rule.cancel.iter().any(|kind| instant.kinds.contains(kind)) {
            return;
        }
        let Some(property) = rule.same else { return self.waiting.clear() };
        let waiting = &mut self.waiting;
        instant.view.events(&rule.cancel, Span::from(instant.at, instant.at), &mut |row| {
            if let Some(key) = row.property(property).map(|key| key_text(&key)) {
                waiting.retain(|own| own.instance.as_ref() != Some(&key));
            }
            ControlFlow::Continue(())
        });
    }

    /// What is due and may be proposed.
    fn propose(&mut self, rule: &ReactionRule, instant: &Instant<'_, '_>) -> Vec<Waiting> {
        let mut proposed = Vec::new();
        if self.waiting.iter().all(|waiting| waiting.due > instant.at) {
            return proposed;
        }
        let due: Vec<Waiting> = self.waiting.iter().filter(|waiting| waiting.due <= instant.at).cloned().collect();
        self.waiting.retain(|waiting| waiting.due > instant.at);
        let condition = rule.condition.as_ref();
        let holds = condition.is_none_or(|condition| truth(&condition.ask(instant.context).outcome) == Some(true));
        for waiting in due.into_iter().filter(|_| holds) {
            let paused = |pause: crate::value::Duration| {
                self.last.is_some_and(|last| last.saturating_add_micros(pause.micros()) > instant.at)
            };
            if rule.pause.is_some_and(paused) {
                continue;
            }
            self.last = Some(instant.at);
            proposed.push(waiting);
        }
        proposed
    }
}

impl ReactionRule {
    /// Whether an event is about what an instance stands for; about all without one.
    pub(crate) fn is_about(&self, row: &StoryRow<'_>, instance: Option<&Arc<str>>) -> bool {
        let Some(instance) = instance else { return true };
        let key = self.same.and_then(|property| row.property(property)).map(|key| key_text(&key));
        key.as_ref() == Some(instance)
    }

    fn debounces(&self) -> bool {
        matches!(self.delay, Delay::Debounce(..))
    }
}
