use super::ask::Ask;
use super::rules::{JourneyRule, StageRule};
use super::ways::{Guard, Target, next_time_of_day};
use crate::customer::{JourneyState, Place, SegmentState, Visit, Way};
use crate::expr::EventKind;
use crate::playbook::{Precedence, ReentryPolicy};
use crate::value::Timestamp;
use smallvec::SmallVec;

/// From where to where, move by move.
pub(super) type Moves = SmallVec<[(Target, Target); 2]>;

/// What a journey's step needs to know about its instant.
pub(super) struct Instant<'a> {
    pub(super) at: Timestamp,
    /// The types of the events that happened at this instant, in the order of the story.
    pub(super) kinds: &'a [EventKind],
    /// Whether the conditions have to be looked at: an event or an edge that they depend on.
    pub(super) touched: bool,
    /// Whether the customer is where the journey may begin: in the outer stage, when there is one.
    pub(super) inside: bool,
}

/// Where to go next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Next {
    to: Target,
    way: Way,
    /// Whether the journey begins, also when the customer is in it.
    begins: bool,
}

impl Next {
    fn on(to: Target, way: Way) -> Self {
        Next { to, way, begins: false }
    }
}

/// Which conditions became true.
type Rises = SmallVec<[bool; 8]>;

impl JourneyState {
    /// The first instant at which the customer may move without an event.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.due()
    }

    /// Moves through one instant. `ask` evaluates a condition with the journey where it is at that moment; returns each
    /// move as from and to.
    ///
    /// The order is that of the semantics: what events start anew, exits, branches by event, the ends of waits, time-outs and longest
    /// stays, other branches, entries. At most one move more than there are stages is made at one instant, so that conditions which
    /// contradict each other cannot go on for ever.
    ///
    /// What begins a journey that a cap is about is not done, but told: whether there is room is known when all others have moved.
    pub(super) fn step(&mut self, rule: &JourneyRule, instant: &Instant<'_>, ask: &mut dyn Ask) -> (Moves, Option<Next>) {
        let mut moves = Moves::new();
        self.conditions.resize(rule.slots, SegmentState::default());
        self.waiting.resize(rule.stages.len(), false);
        self.reset_timers(rule, instant, ask);
        let wants = self.rounds(rule, instant, ask, (0, instant.touched), &mut moves);
        (moves, wants)
    }

    /// Begins because there is room, and goes on from there.
    pub(super) fn begin(&mut self, rule: &JourneyRule, next: &Next, instant: &Instant<'_>, ask: &mut dyn Ask) -> Moves {
        let from = self.place.map(|place| place.stage);
        self.go(rule, next, instant.at, ask);
        let mut moves = Moves::from_slice(&[(from, next.to)]);
        self.rounds(rule, instant, ask, (1, rule.reads_itself || rule.rich), &mut moves);
        moves
    }

    fn rounds(
        &mut self,
        rule: &JourneyRule,
        instant: &Instant<'_>,
        ask: &mut dyn Ask,
        (first, mut touched): (usize, bool),
        moves: &mut Moves,
    ) -> Option<Next> {
        for round in first..=rule.stages.len() {
            let rises = if touched { self.look(rule, instant, round, ask) } else { SmallVec::from_elem(false, rule.slots) };
            let from = self.place.map(|place| place.stage);
            let next = self
                .exit(rule)
                .or_else(|| self.stage_exit(rule, instant, round))
                .or_else(|| self.branch_by_event(rule, instant, round))
                .or_else(|| self.timers(rule, instant))
                .or_else(|| self.branch(rule))
                .or_else(|| self.entry(rule, instant, round, &rises));
            let next = next?;
            if next.begins && !rule.caps.is_empty() {
                return Some(next);
            }
            self.go(rule, &next, instant.at, ask);
            moves.push((from, next.to));
            touched = rule.reads_itself || rule.rich;
            if next.to.is_none() {
                break;
            }
        }
        None
    }

    /// Moves because of what happened in another journey, or in another version of the playbook.
    pub(super) fn put(
        &mut self,
        rule: &JourneyRule,
        to: Target,
        way: Way,
        at: Timestamp,
        ask: &mut dyn Ask,
    ) -> (Target, Target) {
        let from = self.place.map(|place| place.stage);
        self.conditions.resize(rule.slots, SegmentState::default());
        self.waiting.resize(rule.stages.len(), false);
        let begins = to.is_some() && (from.is_none() || self.is_over(rule));
        self.go(rule, &Next { to, way, begins }, at, ask);
        // What held before anybody looked does not become true when it is looked at for the first time.
        let unseen = self.conditions.iter().all(|condition| *condition == SegmentState::default());
        if way == Way::Migration && to.is_some() && unseen {
            self.look(rule, &Instant { at, kinds: &[], touched: true, inside: true }, 1, ask);
        }
        (from, to)
    }

    fn stage<'r>(&self, rule: &'r JourneyRule) -> Option<&'r StageRule> {
        rule.stages.get(usize::from(self.place?.stage))
    }

    /// Whether the customer is in a final stage.
    pub(super) fn is_over(&self, rule: &JourneyRule) -> bool {
        self.stage(rule).is_some_and(|stage| stage.last)
    }

    /// Evaluates the conditions again; tells which of them became true.
    fn look(&mut self, rule: &JourneyRule, instant: &Instant<'_>, round: usize, ask: &mut dyn Ask) -> Rises {
        ask.stand(self);
        let mut rises: Rises = SmallVec::from_elem(false, rule.slots);
        for ((stage, state), rise) in rule.stages.iter().zip(&mut self.conditions).zip(&mut rises) {
            *rise = match &stage.enter {
                // With a triggering event the condition is a guard, looked at when the event happens.
                Some(enter) if stage.on.is_empty() => look_at(enter, state, ask),
                Some(enter) if round == 0 && stage.triggered(instant) => {
                    let holds = ask.holds(enter).truth == Some(true);
                    *state = SegmentState::new(Some(holds), None);
                    holds
                }
                _ => false,
            };
        }
        if let (Some(exit), Some(state)) = (&rule.exit, self.conditions.get_mut(rule.stages.len())) {
            look_at(exit, state, ask);
        }
        if rule.rich {
            self.look_at_guards(rule, instant, round, ask, &mut rises);
        }
        rises
    }

    /// The same for the conditions of the stage where the customer is, and that of the entry. Those of other stages are forgotten.
    fn look_at_guards(
        &mut self,
        rule: &JourneyRule,
        instant: &Instant<'_>,
        round: usize,
        ask: &mut dyn Ask,
        rises: &mut Rises,
    ) {
        let mut look = |guard: &Option<Guard>, on: &[EventKind], conditions: &mut [SegmentState]| {
            let Some(Guard { slot, rule }) = guard else { return };
            let (Some(state), Some(rise)) = (conditions.get_mut(*slot), rises.get_mut(*slot)) else { return };
            if on.is_empty() {
                *rise = look_at(rule, state, ask);
            } else if round == 0 && on.iter().any(|kind| instant.kinds.contains(kind)) {
                let holds = ask.holds(rule).truth;
                *state = SegmentState::new(holds, None);
                *rise = holds == Some(true);
            } else {
                *state = SegmentState::default();
            }
        };
        if let Some(entry) = &rule.entry {
            look(&entry.when, &entry.on, &mut self.conditions);
        }
        let here = self.place.map(|place| usize::from(place.stage));
        for (number, stage) in rule.stages.iter().enumerate() {
            let exit = stage.exit.iter().map(|exit| (&exit.when, &exit.on[..]));
            let branches = stage.branches.iter().map(|branch| (&branch.when, &branch.on[..]));
            let back = stage.back.iter().map(|back| (&back.when, &back.on[..]));
            for (guard, on) in exit.chain(branches).chain(back) {
                if here == Some(number) {
                    look(guard, on, &mut self.conditions);
                } else if let Some(state) = guard.as_ref().and_then(|guard| self.conditions.get_mut(guard.slot)) {
                    *state = SegmentState::default();
                }
            }
        }
    }

    /// How a guard stands; true when there is none.
    fn guard(&self, guard: &Option<Guard>) -> Option<bool> {
        match guard {
            Some(guard) => self.conditions.get(guard.slot).and_then(|condition| condition.member()),
            None => Some(true),
        }
    }

    /// Leaving the journey, when that condition holds.
    fn exit(&self, rule: &JourneyRule) -> Option<Next> {
        (self.place.is_some() && self.barred(rule) && !self.is_over(rule)).then_some(Next::on(None, Way::Exit))
    }

    /// Whether the condition for leaving holds. A prohibition that is unknown counts as one, unless the rule says otherwise.
    fn barred(&self, rule: &JourneyRule) -> bool {
        let condition = self.conditions.get(rule.stages.len());
        let holds = condition.and_then(|condition| condition.member()).unwrap_or(rule.exit_unknown);
        rule.exit.is_some() && holds
    }

    /// Leaving the stage at once.
    fn stage_exit(&self, rule: &JourneyRule, instant: &Instant<'_>, round: usize) -> Option<Next> {
        let exit = self.stage(rule)?.exit.as_ref()?;
        let happened = exit.on.is_empty() || (round == 0 && exit.on.iter().any(|kind| instant.kinds.contains(kind)));
        (happened && self.guard(&exit.when).unwrap_or(exit.unknown)).then_some(Next::on(exit.to, Way::StageExit))
    }

    /// Of the events that happened the first, in the order of the story, that a branch or the wait waits for. Of several branches for
    /// one event the first that holds.
    fn branch_by_event(&mut self, rule: &JourneyRule, instant: &Instant<'_>, round: usize) -> Option<Next> {
        let stage = self.stage(rule)?;
        if round > 0 || (stage.wait.is_none() && stage.branches.is_empty()) {
            return None;
        }
        for kind in instant.kinds {
            let branches = stage.branches.iter().filter(|branch| branch.on.contains(kind));
            if let Some(branch) = branches.into_iter().find(|branch| self.guard(&branch.when) == Some(true)) {
                return Some(Next::on(branch.to, Way::Branch));
            }
            if let Some(wait) = stage.wait.as_ref().filter(|wait| wait.until.contains(kind)) {
                match wait.to {
                    Some(to) => return Some(Next::on(to, Way::Wait)),
                    None => self.walk.wait = None,
                }
            }
        }
        None
    }

    /// What falls due: the end of a wait, a time-out, the longest stay in the stage, that in the journey.
    fn timers(&mut self, rule: &JourneyRule, instant: &Instant<'_>) -> Option<Next> {
        let (place, stage) = (self.place?, self.stage(rule)?);
        let due = |time: Option<Timestamp>| time.is_some_and(|time| time <= instant.at);
        if due(self.walk.wait) {
            self.walk.wait = None;
            if let Some(to) = stage.wait.as_ref().and_then(|wait| wait.to) {
                return Some(Next::on(to, Way::Wait));
            }
        }
        if due(place.timeout) {
            return stage.timeout.as_ref().map(|timeout| Next::on(timeout.to, Way::Timeout));
        }
        if due(self.walk.limit) {
            return stage.max_stay.as_ref().map(|(_, to)| Next::on(*to, Way::MaxStay));
        }
        due(self.walk.end).then_some(Next::on(None, Way::MaxStay))
    }

    /// The first branch that holds, when nothing is waited for.
    fn branch(&self, rule: &JourneyRule) -> Option<Next> {
        let stage = self.stage(rule)?;
        // A wait that only an event ends has no instant; it lasts as long as its mark is there.
        if self.walk.wait.is_some() {
            return None;
        }
        let mut branches = stage.branches.iter().filter(|branch| branch.on.is_empty());
        branches.find(|branch| self.guard(&branch.when) == Some(true)).map(|branch| Next::on(branch.to, Way::Branch))
    }

    /// Whether a customer who is out may come in.
    fn may_begin(&self, rule: &JourneyRule, at: Timestamp) -> bool {
        let reentry = &rule.reentry;
        if self.walk.entries == 0 {
            return true;
        }
        let rested = match (reentry.after, self.walk.ended) {
            (Some(after), Some(ended)) => ended.saturating_add_micros(after.micros()) <= at,
            _ => true,
        };
        let apart = match (reentry.after_entry, self.walk.began) {
            (Some(after), Some(began)) => began.saturating_add_micros(after.micros()) <= at,
            _ => true,
        };
        reentry.policy != ReentryPolicy::Never && rested && apart && reentry.at_most.is_none_or(|most| self.walk.entries < most)
    }

    /// The stage to enter: of several the one that takes precedence.
    fn entry(&mut self, rule: &JourneyRule, instant: &Instant<'_>, round: usize, rises: &[bool]) -> Option<Next> {
        // A customer who meets the condition for leaving does not come in.
        if self.barred(rule) {
            return None;
        }
        let out = self.place.is_none() || self.is_over(rule);
        let from = self.place.filter(|_| !out).map(|place| place.stage);
        let may_begin = instant.inside && self.may_begin(rule, instant.at);
        let held = self.place.and_then(|place| place.stays_until).is_some_and(|until| until > instant.at);
        let over = self.place.and_then(|place| place.stays_until).is_some_and(|until| until <= instant.at);
        if let (true, Some(place)) = (over, &mut self.place) {
            place.stays_until = None;
        }
        let mut target = None;
        for (number, stage) in rule.stages.iter().enumerate() {
            let holds = self.conditions.get(number).is_some_and(|condition| condition.member() == Some(true));
            let rose = rises.get(number).copied().unwrap_or(false);
            let by_event = round == 0 && stage.triggered(instant) && (stage.enter.is_none() || rose);
            let waited = self.waiting.get(number).copied().unwrap_or(false) && holds;
            let by_condition = stage.on.is_empty() && stage.enter.is_some() && (rose || (over && waited));
            if held {
                // What becomes possible during a minimum stay waits for its end, if it still holds then.
                if let Some(waiting) = self.waiting.get_mut(number) {
                    *waiting = by_condition || waited;
                }
                continue;
            }
            let Ok(number) = u16::try_from(number) else { break };
            let first = rule.precedence == Precedence::First && target.is_some();
            if (by_event || by_condition) && !first && rule.allows(from, number) && (!out || may_begin) {
                let way = if by_event { Way::Event } else { Way::Condition };
                target = Some(Next { to: Some(number), way, begins: out });
            }
        }
        if !held {
            self.waiting.iter_mut().for_each(|waiting| *waiting = false);
        }
        if target.is_none() && !held {
            target = self.back(rule, instant, round, rises);
        }
        let always = rule.reentry.policy == ReentryPolicy::Always;
        match &rule.entry {
            Some(entry) if (out || always) && may_begin && (target.is_none() || out) => {
                let rose = entry.when.as_ref().is_some_and(|guard| rises.get(guard.slot).copied().unwrap_or(false));
                let happened = round == 0 && entry.on.iter().any(|kind| instant.kinds.contains(kind));
                let enters = if entry.on.is_empty() { rose } else { happened && (entry.when.is_none() || rose) };
                let begins = Next { to: Some(entry.to), way: Way::Entry, begins: true };
                if enters && target.is_none() { Some(begins) } else { target }
            }
            _ => target,
        }
    }

    /// Back to the stage from which the customer dropped out.
    fn back(&self, rule: &JourneyRule, instant: &Instant<'_>, round: usize, rises: &[bool]) -> Option<Next> {
        let back = self.stage(rule)?.back.as_ref()?;
        let to = self.walk.back?;
        let rose = back.when.as_ref().is_some_and(|guard| rises.get(guard.slot).copied().unwrap_or(false));
        let happened = round == 0 && back.on.iter().any(|kind| instant.kinds.contains(kind));
        let goes = if back.on.is_empty() { rose } else { happened && self.guard(&back.when) == Some(true) };
        goes.then_some(Next::on(Some(to), Way::Return))
    }

    fn go(&mut self, rule: &JourneyRule, next: &Next, at: Timestamp, ask: &mut dyn Ask) {
        if let Some(visit) = self.visits.last_mut().filter(|visit| visit.left.is_none()) {
            (visit.left, visit.ended) = (Some(at), Some(next.way));
        }
        let before = self.place.map(|place| place.stage);
        let lost = self.stage(rule).is_some_and(|stage| stage.drop_out);
        (self.walk.wait, self.walk.limit) = (None, None);
        let entered = next.to.and_then(|stage| Some((stage, rule.stages.get(usize::from(stage))?)));
        let Some((stage, entered)) = entered else {
            self.place = None;
            (self.walk.ended, self.walk.end, self.walk.back) = (Some(at), None, None);
            return;
        };
        if next.begins {
            self.walk.entries = self.walk.entries.saturating_add(1);
            (self.walk.began, self.walk.ended, self.walk.back) = (Some(at), None, None);
            self.walk.end = rule.max_stay.map(|stay| at.saturating_add_micros(stay.micros()));
        } else if entered.drop_out && !lost {
            self.walk.back = before;
        }
        self.visits.push(Visit { stage, entered: at, left: None, by: next.way, ended: None });
        self.place = Some(Place {
            stage,
            since: at,
            timeout: entered.timeout_from(at, ask),
            stays_until: entered.min_stay.map(|stay| at.saturating_add_micros(stay.micros())),
        });
        self.walk.wait = entered.wait_from(at, ask);
        self.walk.limit = entered.max_stay.as_ref().map(|(stay, _)| at.saturating_add_micros(stay.micros()));
        if entered.last {
            (self.walk.ended, self.walk.end) = (Some(at), None);
        }
    }

    fn reset_timers(&mut self, rule: &JourneyRule, instant: &Instant<'_>, ask: &mut dyn Ask) {
        let Some(place) = &mut self.place else { return };
        let Some(stage) = rule.stages.get(usize::from(place.stage)) else { return };
        let happened = |kinds: &[EventKind]| kinds.iter().any(|kind| instant.kinds.contains(kind));
        if stage.timeout.as_ref().is_some_and(|timeout| happened(&timeout.reset_on)) {
            place.timeout = stage.timeout_from(instant.at, ask);
        }
        if self.walk.wait.is_some() && stage.wait.as_ref().is_some_and(|wait| happened(&wait.reset_on)) {
            self.walk.wait = stage.wait_from(instant.at, ask);
        }
    }
}

impl StageRule {
    fn triggered(&self, instant: &Instant<'_>) -> bool {
        self.on.iter().any(|kind| instant.kinds.contains(kind))
    }

    fn timeout_from(&self, at: Timestamp, ask: &mut dyn Ask) -> Option<Timestamp> {
        let timeout = self.timeout.as_ref()?;
        let after = at.saturating_add_micros(timeout.after.micros());
        Some(timeout.at.map_or(after, |time| next_time_of_day(after, time, ask.zone())))
    }

    /// When its wait ends; the end of time for one that only an event ends.
    fn wait_from(&self, at: Timestamp, ask: &mut dyn Ask) -> Option<Timestamp> {
        let wait = self.wait.as_ref()?;
        Some(wait.end(at, ask.zone()).unwrap_or(Timestamp::MAX))
    }
}

/// Evaluates a condition again; tells whether it became true.
fn look_at(rule: &crate::context::Rule, state: &mut SegmentState, ask: &mut dyn Ask) -> bool {
    let before = state.member();
    let answer = ask.holds(rule);
    *state = SegmentState::new(answer.truth, answer.until);
    state.member() == Some(true) && before != Some(true)
}
