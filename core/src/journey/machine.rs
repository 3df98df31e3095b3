use super::rules::{JourneyRule, StageRule};
use crate::context::{Holds, earlier};
use crate::customer::{JourneyState, Place, SegmentState, Visit};
use crate::expr::EventKind;
use crate::value::Timestamp;
use smallvec::SmallVec;

/// From where to where, move by move.
pub(super) type Moves = SmallVec<[(Option<u16>, Option<u16>); 2]>;

/// What a journey's step needs to know about its instant.
pub(super) struct Instant<'a> {
    pub(super) at: Timestamp,
    /// The types of the events that happened at this instant.
    pub(super) kinds: &'a [EventKind],
    /// Whether the conditions have to be looked at: an event or an edge that they depend on.
    pub(super) touched: bool,
}

impl JourneyState {
    /// When something may change without an event.
    pub(super) fn due(&self) -> Option<Timestamp> {
        let conditions = self.conditions.iter().fold(None, |due, condition| earlier(due, condition.due()));
        let place = self.place.and_then(|place| earlier(place.timeout, place.stays_until));
        earlier(conditions, place)
    }

    /// Moves through one instant. `ask` evaluates a condition with the journey where it is at that moment; returns each
    /// move as from and to.
    ///
    /// The order is that of the semantics: exit, time-out, entries. At most one move more than there are stages is made at
    /// one instant, so that conditions which contradict each other cannot go on for ever.
    pub(super) fn step(
        &mut self,
        rule: &JourneyRule,
        instant: &Instant<'_>,
        ask: &mut dyn FnMut(&crate::context::Rule, Option<Place>) -> Holds,
    ) -> Moves {
        let mut moves = Moves::new();
        let count = rule.stages.len();
        self.conditions.resize(count + 1, SegmentState::default());
        self.waiting.resize(count, false);
        self.reset_timer(rule, instant);
        let mut touched = instant.touched;
        for round in 0..=count {
            let rises = if touched { self.look(rule, instant, round, ask) } else { SmallVec::from_elem(false, count) };
            let from = self.place.map(|place| place.stage);
            let target =
                self.exit(rule).or_else(|| self.timeout(rule, instant)).or_else(|| self.entry(rule, instant, round, &rises));
            let Some(to) = target else { break };
            self.go(rule, to, instant.at);
            moves.push((from, to));
            touched = rule.reads_itself;
            if to.is_none() {
                break;
            }
        }
        moves
    }

    /// Evaluates the conditions again; tells which of them became true.
    fn look(
        &mut self,
        rule: &JourneyRule,
        instant: &Instant<'_>,
        round: usize,
        ask: &mut dyn FnMut(&crate::context::Rule, Option<Place>) -> Holds,
    ) -> SmallVec<[bool; 8]> {
        let place = self.place;
        let mut rises = SmallVec::with_capacity(rule.stages.len());
        for (stage, state) in rule.stages.iter().zip(&mut self.conditions) {
            rises.push(match &stage.enter {
                // With a triggering event the condition is a guard, looked at when the event happens.
                Some(enter) if stage.on.is_empty() => look_at(enter, state, place, ask),
                Some(enter) if round == 0 && stage.triggered(instant) => {
                    let holds = ask(enter, place).truth == Some(true);
                    *state = SegmentState::new(Some(holds), None);
                    holds
                }
                _ => false,
            });
        }
        if let (Some(exit), Some(state)) = (&rule.exit, self.conditions.last_mut()) {
            look_at(exit, state, place, ask);
        }
        rises
    }

    /// Leaving, when that condition holds. A prohibition that is unknown counts as one, unless the rule says otherwise.
    fn exit(&self, rule: &JourneyRule) -> Option<Option<u16>> {
        (self.place.is_some() && self.barred(rule)).then_some(None)
    }

    fn barred(&self, rule: &JourneyRule) -> bool {
        let holds = self.conditions.last().and_then(|condition| condition.member()).unwrap_or(rule.exit_unknown);
        rule.exit.is_some() && holds
    }

    fn timeout(&self, rule: &JourneyRule, instant: &Instant<'_>) -> Option<Option<u16>> {
        let place = self.place?;
        let due = place.timeout.is_some_and(|timeout| timeout <= instant.at);
        let to = rule.stages.get(usize::from(place.stage))?.timeout.as_ref()?.to;
        due.then_some(Some(to))
    }

    /// The stage to enter: of several the one declared last.
    fn entry(&mut self, rule: &JourneyRule, instant: &Instant<'_>, round: usize, rises: &[bool]) -> Option<Option<u16>> {
        // A customer who meets the condition for leaving does not come in.
        if self.barred(rule) {
            return None;
        }
        let from = self.place.map(|place| place.stage);
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
            if (by_event || by_condition) && rule.allows(from, number) {
                target = Some(Some(number));
            }
        }
        if !held {
            self.waiting.iter_mut().for_each(|waiting| *waiting = false);
        }
        target
    }

    fn go(&mut self, rule: &JourneyRule, to: Option<u16>, at: Timestamp) {
        if let Some(visit) = self.visits.last_mut().filter(|visit| visit.left.is_none()) {
            visit.left = Some(at);
        }
        self.place = to.and_then(|stage| {
            let entered = rule.stages.get(usize::from(stage))?;
            self.visits.push(Visit { stage, entered: at, left: None });
            let timeout = entered.timeout.as_ref().map(|timeout| at.saturating_add_micros(timeout.after.micros()));
            let stays_until = entered.min_stay.map(|stay| at.saturating_add_micros(stay.micros()));
            Some(Place { stage, since: at, timeout, stays_until })
        });
    }

    fn reset_timer(&mut self, rule: &JourneyRule, instant: &Instant<'_>) {
        let Some(place) = &mut self.place else { return };
        let Some(timeout) = rule.stages.get(usize::from(place.stage)).and_then(|stage| stage.timeout.as_ref()) else { return };
        if timeout.reset_on.iter().any(|kind| instant.kinds.contains(kind)) {
            place.timeout = Some(instant.at.saturating_add_micros(timeout.after.micros()));
        }
    }
}

impl StageRule {
    fn triggered(&self, instant: &Instant<'_>) -> bool {
        self.on.iter().any(|kind| instant.kinds.contains(kind))
    }
}

/// Evaluates a condition again; tells whether it became true.
fn look_at(
    rule: &crate::context::Rule,
    state: &mut SegmentState,
    place: Option<Place>,
    ask: &mut dyn FnMut(&crate::context::Rule, Option<Place>) -> Holds,
) -> bool {
    let before = state.member();
    let answer = ask(rule, place);
    *state = SegmentState::new(answer.truth, answer.until);
    state.member() == Some(true) && before != Some(true)
}
