use super::ask::Asker;
use super::derive::{Model, has, set};
use super::instance;
use super::machine::{Instant, Next};
use super::migrate;
use super::ways::Target;
use crate::context::{Context, Standing};
use crate::customer::{Change, Derived, JourneyState, OldPlace, View, Way, What};
use crate::expr::EventKind;
use crate::value::Timestamp;
use smallvec::SmallVec;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Journeys by number, as bits.
pub(super) type Bits = SmallVec<[u64; 2]>;

/// All journeys at one instant.
pub(super) struct Turn<'t, 'a> {
    pub(super) model: &'a Model,
    pub(super) view: &'t View<'a>,
    pub(super) state: &'t mut Derived,
    pub(super) context: &'t mut Context<'a>,
    pub(super) at: Timestamp,
    /// The types of the events of the instant.
    pub(super) kinds: &'t [EventKind],
    pub(super) change: &'t dyn Fn(What) -> Change,
    /// The journeys that moved, in the order in which they did.
    pub(super) moved: SmallVec<[usize; 4]>,
    /// The journeys that would begin, which a cap may not leave room for.
    pub(super) wanting: SmallVec<[(usize, Next); 2]>,
}

impl Turn<'_, '_> {
    /// Journeys in the order of the playbook; then, as long as a move causes another in a journey that was looked at before, those. What
    /// was recorded of other versions comes last.
    pub(super) fn take(&mut self, touched: &Bits) {
        let count = self.model.journeys.rules.len();
        for number in 0..count {
            self.journey(number, has(touched, number), true);
        }
        if self.kinds.contains(&self.model.rules.sources.reserved.journey_pinned) {
            let recorded = migrate::recorded(self);
            self.take_up(&recorded);
        } else {
            self.chain();
        }
    }

    /// Takes over places of other rules, and what follows from that. They are those of after the events of the instant.
    pub(super) fn take_up(&mut self, places: &[OldPlace]) {
        let mut touched = Bits::new();
        migrate::take_over(self, places, &mut touched);
        for number in (0..self.model.journeys.rules.len()).filter(|number| has(&touched, *number)) {
            self.journey(number, true, false);
        }
        self.chain();
    }

    /// Those that a cap leaves room for; then, as long as a move causes another in a journey that was looked at before, those.
    fn chain(&mut self) {
        let count = self.model.journeys.rules.len();
        let mut admitted: SmallVec<[usize; 4]> = SmallVec::new();
        if !self.wanting.is_empty() {
            let before = self.moved.len();
            self.admit();
            admitted.extend_from_slice(self.moved.get(before..).unwrap_or(&[]));
        }
        if !self.model.journeys.chained {
            return;
        }
        // Everybody has moved once; what a move brought about may move others again, but not for ever.
        let mut news = once_each(&self.moved);
        for pass in 0..=count {
            let mut again = Bits::new();
            let before = self.moved.len();
            for moved in &news {
                self.nest(*moved, &mut again);
                for (number, rule) in self.model.journeys.rules.iter().enumerate() {
                    if (number <= *moved || pass > 0 || admitted.contains(moved)) && rule.reach.journeys.contains(moved) {
                        set(&mut again, number);
                    }
                }
            }
            for number in (0..count).filter(|number| has(&again, *number)).collect::<Vec<_>>() {
                self.journey(number, true, false);
            }
            self.admit();
            news = once_each(self.moved.get(before..).unwrap_or(&[]));
            if news.is_empty() {
                break;
            }
        }
    }

    /// Lets journeys begin that caps are about, as far as there is room once all have left that leave: those of the highest priority
    /// first, then in the order of the playbook.
    fn admit(&mut self) {
        if self.wanting.is_empty() {
            return;
        }
        let mut wanting = std::mem::take(&mut self.wanting);
        let priority = |number: usize| self.model.journeys.rules.get(number).map_or(0, |rule| rule.priority);
        wanting.sort_by_key(|(number, _)| (std::cmp::Reverse(priority(*number)), *number));
        for (number, next) in wanting {
            match self.full(number) {
                Some(cap) => {
                    let what = What::Capped { journey: short(number), cap };
                    self.state.changes.push((self.change)(what));
                }
                None => self.begin(number, &next),
            }
        }
    }

    fn begin(&mut self, number: usize, next: &Next) {
        let Some(rule) = self.model.journeys.rules.get(number) else { return };
        let Some(mut journey) = self.state.journeys.get_mut(number).map(std::mem::take) else { return };
        let was = journey.clone_but_visits();
        let visits = (journey.visits.len(), journey.visits.last().is_some_and(|visit| visit.left.is_none()));
        let instant = Instant { at: self.at, kinds: &[], touched: true, inside: true };
        let mut ask = Asker { context: self.context, number, instance: None, others: None };
        let moves = journey.begin(rule, next, &instant, &mut ask);
        self.settle(number, journey, &was, visits, &moves);
    }

    /// One journey's turn. With `events` those of the instant move it; they do so once.
    fn journey(&mut self, number: usize, touched: bool, events: bool) {
        let Some(rule) = self.model.journeys.rules.get(number) else { return };
        let depends = events && rule.reach.journeys.iter().any(|journey| self.moved.contains(journey));
        if !touched && !depends {
            return;
        }
        if rule.key.is_some() {
            return instance::take(self, number, depends || !events, events);
        }
        let Some(mut journey) = self.state.journeys.get_mut(number).map(std::mem::take) else { return };
        let ordered = if events && rule.rich { self.in_order() } else { SmallVec::from_slice(self.kinds) };
        let kinds = if events { &ordered[..] } else { &[] };
        let instant = Instant { at: self.at, kinds, touched: true, inside: self.is_inside(number, None) };
        let was = journey.clone_but_visits();
        let visits = (journey.visits.len(), journey.visits.last().is_some_and(|visit| visit.left.is_none()));
        let mut ask = Asker { context: self.context, number, instance: None, others: None };
        let (moves, wants) = journey.step(rule, &instant, &mut ask);
        self.wanting.extend(wants.map(|next| (number, next)));
        self.settle(number, journey, &was, visits, &moves);
    }

    /// Puts a journey back after it was looked at.
    pub(super) fn settle(
        &mut self,
        number: usize,
        journey: JourneyState,
        was: &JourneyState,
        visits: (usize, bool),
        moves: &[(Target, Target)],
    ) {
        self.context.move_to(number, journey.place);
        if !moves.is_empty() && self.context.rules().journeys_told {
            self.context.stand(number, Standing::of(&journey));
        }
        let walked = journey.walk != was.walk;
        if let Some(place) = self.state.journeys.get_mut(number) {
            *place = journey;
        }
        self.state.journey_was(number, was, visits);
        if walked {
            self.state.walk_was(number, was.walk, None);
        }
        for (from, to) in moves {
            let what = What::Moved { journey: short(number), from: *from, to: *to, instance: None };
            self.state.changes.push((self.change)(what));
            self.moved.push(number);
        }
    }

    /// The types of the events of the instant in the order of the story.
    fn in_order(&self) -> SmallVec<[EventKind; 4]> {
        if self.kinds.len() < 2 {
            return SmallVec::from_slice(self.kinds);
        }
        let mut kinds = SmallVec::new();
        self.view.events(self.kinds, crate::value::Span::from(self.at, self.at), &mut |row| {
            let kind = crate::expr::EventRow::kind(&row);
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
            std::ops::ControlFlow::Continue(())
        });
        kinds
    }

    /// Whether the customer is in the stage in which a journey runs.
    pub(super) fn is_inside(&self, number: usize, key: Option<&str>) -> bool {
        let Some(outer) = self.model.journeys.rules.get(number).and_then(|rule| rule.outer.as_ref()) else { return true };
        self.place_of(outer.journey, key) == Some(outer.stage)
    }

    fn place_of(&self, number: usize, key: Option<&str>) -> Target {
        let journey = self.state.journeys.get(number)?;
        let place = match key {
            Some(key) => journey.instances.as_ref()?.get(key)?.place,
            None => journey.place,
        };
        place.map(|place| place.stage)
    }

    /// What a move means for the journeys around and inside.
    fn nest(&mut self, moved: usize, again: &mut Bits) {
        let keys: Vec<Option<Arc<str>>> = match self.model.journeys.rules.get(moved).map(|rule| rule.key.is_some()) {
            Some(true) => {
                let mut keys: Vec<Option<Arc<str>>> = Vec::new();
                let mut known: BTreeSet<Option<&str>> = BTreeSet::new();
                for change in self.state.changes.iter().rev().take_while(|change| change.at == self.at) {
                    if let What::Moved { journey, instance, .. } = &change.what
                        && usize::from(*journey) == moved
                        && known.insert(instance.as_deref())
                    {
                        keys.push(instance.clone());
                    }
                }
                keys
            }
            _ => vec![None],
        };
        for key in keys {
            for (number, rule) in self.model.journeys.rules.iter().enumerate() {
                let Some(outer) = &rule.outer else { continue };
                let here = self.place_of(outer.journey, key.as_deref()) == Some(outer.stage);
                let inner = self.place_of(number, key.as_deref());
                if outer.journey == moved && here {
                    let since = self.since(outer.journey, key.as_deref()) == Some(self.at);
                    let began = self.since(number, key.as_deref()) == Some(self.at);
                    if let (true, false, Some(start)) = (since, began, outer.start) {
                        self.put(number, key.as_ref(), Some(start), Way::Outer);
                    }
                    set(again, number);
                } else if outer.journey == moved && inner.is_some() && !self.is_over(number, key.as_deref()) {
                    self.put(number, key.as_ref(), None, Way::Outer);
                }
                if number == moved && here {
                    let end = outer.ends.iter().find(|(end, _)| Some(*end) == inner);
                    if let Some((_, to)) = end {
                        self.put(outer.journey, key.as_ref(), *to, Way::Inner);
                        set(again, outer.journey);
                    }
                }
            }
        }
    }

    fn since(&self, number: usize, key: Option<&str>) -> Option<Timestamp> {
        let journey = self.state.journeys.get(number)?;
        let place = match key {
            Some(key) => journey.instances.as_ref()?.get(key)?.place,
            None => journey.place,
        };
        place.map(|place| place.since)
    }

    /// Whether a walk ended in a final stage, or in one that ends it for the journey around it.
    fn is_over(&self, number: usize, key: Option<&str>) -> bool {
        let Some(rule) = self.model.journeys.rules.get(number) else { return true };
        let stage = self.place_of(number, key);
        stage.and_then(|stage| rule.stages.get(usize::from(stage))).is_some_and(|stage| stage.last)
    }

    /// Moves a journey or an instance from outside of it.
    pub(super) fn put(&mut self, number: usize, key: Option<&Arc<str>>, to: Target, way: Way) {
        let Some(rule) = self.model.journeys.rules.get(number) else { return };
        if let Some(key) = key {
            return instance::put(self, number, key, to, way);
        }
        let Some(mut journey) = self.state.journeys.get_mut(number).map(std::mem::take) else { return };
        let was = journey.clone_but_visits();
        let visits = (journey.visits.len(), journey.visits.last().is_some_and(|visit| visit.left.is_none()));
        let mut ask = Asker { context: self.context, number, instance: None, others: None };
        let moved = journey.put(rule, to, way, self.at, &mut ask);
        self.settle(number, journey, &was, visits, &[moved]);
    }
}

/// Each journey that moved, where it moved first.
fn once_each(moved: &[usize]) -> SmallVec<[usize; 4]> {
    let mut each: SmallVec<[usize; 4]> = SmallVec::new();
    for number in moved {
        if !each.contains(number) {
            each.push(*number);
        }
    }
    each
}

/// A number as changes hold it.
pub(super) fn short(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}
