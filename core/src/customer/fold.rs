use super::derived::{Change, Derived, JourneyState, WatchState, What};
use super::layout::{CellKind, JourneyNames};
use super::places::OldPlace;
use super::reactions::ReactionState;
use crate::expr::{Bits, FoldedNumbers};
use crate::value::{Decimal, Duration, Timestamp, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is left of the events of a strand that were folded: exact totals per event type, and what was derived from all of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fold {
    /// By the name of the event type.
    pub(crate) kinds: BTreeMap<Arc<str>, Totals>,
    /// What was derived from this strand alone.
    pub(crate) checkpoint: Option<Checkpoint>,
}

/// Exact totals of folded events of one type.
#[derive(Debug, Clone, PartialEq)]
pub struct Totals {
    /// Events up to this instant are folded; later ones are not.
    pub until: Timestamp,
    /// How many there were.
    pub count: u64,
    /// When the first of them happened.
    pub first: Timestamp,
    /// When the last of them happened.
    pub last: Timestamp,
    /// When the last of them became known.
    pub known: Timestamp,
    /// By the name of the numeric property.
    pub(crate) numbers: BTreeMap<Arc<str>, Numbers>,
}

impl Fold {
    /// What is left of each event type, by its name.
    pub fn totals(&self) -> impl Iterator<Item = (&str, &Totals)> {
        self.kinds.iter().map(|(name, totals)| (&**name, totals))
    }
}

/// Totals of a numeric property.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Numbers {
    pub(crate) meaning: Bits,
    pub(crate) told: u64,
    pub(crate) sum: Sum,
    pub(crate) least: u64,
    pub(crate) greatest: u64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Sum {
    Whole(i128),
    /// A left fold in the order of the story.
    Double(f64),
}

impl Totals {
    pub(super) fn new(until: Timestamp, time: Timestamp) -> Self {
        Totals { until, count: 0, first: time, last: time, known: Timestamp::MIN, numbers: BTreeMap::new() }
    }

    /// Both together. A property of two types has no totals; a sum of doubles depends on the order, so it has
    /// none either: they are kept as of a type that no number has, so that nobody takes them for nothing.
    pub(super) fn with(mut self, other: Totals) -> Self {
        let (mine, theirs) = (std::mem::take(&mut self.numbers), other.numbers);
        let mut merged: BTreeMap<Arc<str>, Numbers> = BTreeMap::new();
        for (name, numbers) in &mine {
            match theirs.get(name) {
                None => {
                    merged.insert(name.clone(), *numbers);
                }
                Some(others) => {
                    merged.insert(name.clone(), numbers.with(others).unwrap_or(Numbers::first(Bits::Timestamp, 0)));
                }
            }
        }
        merged.extend(theirs.into_iter().filter(|(name, _)| !mine.contains_key(name)));
        Totals {
            until: self.until.max(other.until),
            count: self.count.saturating_add(other.count),
            first: self.first.min(other.first),
            last: self.last.max(other.last),
            known: self.known.max(other.known),
            numbers: merged,
        }
    }

    /// The totals of a property as values of its type; `None` when they are of another type.
    pub(super) fn numbers(&self, name: &str, cell: CellKind) -> Option<FoldedNumbers> {
        let CellKind::Bits(meaning) = cell else { return None };
        let Some(numbers) = self.numbers.get(name) else { return Some(FoldedNumbers::default()) };
        if numbers.meaning != meaning {
            return None;
        }
        let sum = match (numbers.sum, meaning) {
            (Sum::Double(sum), _) => Value::Double(sum),
            (Sum::Whole(sum), Bits::Decimal { scale, currency }) => Value::Decimal(Decimal::new(sum, scale, currency)),
            (Sum::Whole(sum), Bits::Uint) => Value::Uint(u64::try_from(sum).ok()?),
            (Sum::Whole(sum), Bits::Duration) => Value::Duration(Duration::from_nanos(i64::try_from(sum).ok()?)),
            (Sum::Whole(sum), _) => Value::Int(i64::try_from(sum).ok()?),
        };
        Some(FoldedNumbers {
            told: i64::try_from(numbers.told).ok()?,
            sum: Some(sum),
            least: Some(meaning.value(numbers.least)),
            greatest: Some(meaning.value(numbers.greatest)),
        })
    }
}

impl Numbers {
    /// Whether a property of this kind has totals.
    pub(super) fn of(meaning: Bits) -> bool {
        matches!(meaning, Bits::Int | Bits::Uint | Bits::Double | Bits::Decimal { .. } | Bits::Duration)
    }

    pub(super) fn first(meaning: Bits, bits: u64) -> Self {
        let sum = if meaning == Bits::Double { Sum::Double(0.0) } else { Sum::Whole(0) };
        let mut numbers = Numbers { meaning, told: 0, sum, least: bits, greatest: bits };
        numbers.add(bits);
        numbers
    }

    fn with(&self, other: &Numbers) -> Option<Numbers> {
        let (Sum::Whole(one), Sum::Whole(two)) = (self.sum, other.sum) else { return None };
        if self.meaning != other.meaning {
            return None;
        }
        let less = |a: u64, b: u64| if self.meaning == Bits::Uint { a < b } else { a.cast_signed() < b.cast_signed() };
        Some(Numbers {
            meaning: self.meaning,
            told: self.told.saturating_add(other.told),
            sum: Sum::Whole(one.checked_add(two)?),
            least: if less(other.least, self.least) { other.least } else { self.least },
            greatest: if less(self.greatest, other.greatest) { other.greatest } else { self.greatest },
        })
    }

    pub(super) fn add(&mut self, bits: u64) {
        self.told += 1;
        self.sum = match self.sum {
            Sum::Double(sum) => Sum::Double(sum + f64::from_bits(bits)),
            Sum::Whole(sum) if self.meaning == Bits::Uint => Sum::Whole(sum + i128::from(bits)),
            Sum::Whole(sum) => Sum::Whole(sum + i128::from(bits.cast_signed())),
        };
        let less = |a: u64, b: u64| match self.meaning {
            Bits::Double => f64::from_bits(a) < f64::from_bits(b),
            Bits::Uint => a < b,
            _ => a.cast_signed() < b.cast_signed(),
        };
        if less(bits, self.least) {
            self.least = bits;
        }
        if less(self.greatest, bits) {
            self.greatest = bits;
        }
    }
}

/// Segments and journeys as they were at an instant, when all events before it were still there. By name, so that another version
/// of the playbook finds its own.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Checkpoint {
    /// Up to when knowledge counted.
    pub(crate) known: Timestamp,
    pub(crate) names: Arc<StateNames>,
    /// By number of the names; `settled` is its instant.
    pub(crate) state: Derived,
}

/// The names of segments, of journeys with their stages, of watches and of reactions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct StateNames {
    pub(crate) segments: Vec<Arc<str>>,
    pub(crate) journeys: Vec<(Arc<str>, Vec<Arc<str>>)>,
    /// Of each journey the digest of its rules, empty where nobody knows it.
    pub(crate) definitions: Vec<Arc<str>>,
    pub(crate) watches: Vec<Arc<str>>,
    pub(crate) reactions: Vec<Arc<str>>,
}

impl Checkpoint {
    /// Takes note of the rules that it was derived under, where bytes of before those were written do not tell.
    pub(crate) fn settle_definitions(&mut self, journeys: Option<&[JourneyNames]>) {
        if self.names.definitions.len() == self.names.journeys.len() {
            return;
        }
        let definition = |name: &Arc<str>| journeys.and_then(|all| all.iter().find(|own| own.name == *name));
        let mut names = (*self.names).clone();
        let definitions =
            names.journeys.iter().map(|(name, _)| definition(name).map_or(Arc::from(""), |own| own.definition.clone()));
        names.definitions = definitions.collect();
        self.names = Arc::new(names);
    }

    /// The state by the numbers that other names have. Of journeys whose rules were others the places are told apart, to be taken over.
    pub(crate) fn under(&self, names: &StateNames) -> (Derived, Vec<OldPlace>) {
        if *self.names == *names {
            return (self.state.clone(), Vec::new());
        }
        let mut old_places = Vec::new();
        let place = |all: &[Arc<str>], name: Option<&Arc<str>>| {
            let place = all.iter().position(|own| Some(own) == name)?;
            u16::try_from(place).ok()
        };
        let journey_names: Vec<Arc<str>> = names.journeys.iter().map(|(name, _)| name.clone()).collect();
        let segment = |number: u16| place(&names.segments, self.names.segments.get(usize::from(number)));
        let journey = |number: u16| {
            let (name, stages) = self.names.journeys.get(usize::from(number))?;
            let new = place(&journey_names, Some(name))?;
            Some((new, stages, &names.journeys.get(usize::from(new))?.1))
        };
        let mut state = Derived::default();
        state.settled = self.state.settled;
        state.segments = vec![Default::default(); names.segments.len()].into();
        state.journeys = vec![JourneyState::default(); names.journeys.len()].into();
        state.watches = vec![WatchState::default(); names.watches.len()].into();
        let watch = |number: u16| place(&names.watches, self.names.watches.get(usize::from(number)));
        for (number, old) in (0..).zip(&self.state.watches) {
            if let Some(new) = watch(number).and_then(|new| state.watches.get_mut(usize::from(new))) {
                new.clone_from(old);
            }
        }
        state.reactions = vec![ReactionState::default(); names.reactions.len()].into();
        let reaction = |number: u16| place(&names.reactions, self.names.reactions.get(usize::from(number)));
        for (number, old) in (0..).zip(&self.state.reactions) {
            if let Some(new) = reaction(number).and_then(|new| state.reactions.get_mut(usize::from(new))) {
                new.clone_from(old);
            }
        }
        for (number, old) in (0..).zip(&self.state.segments) {
            if let Some(new) = segment(number).and_then(|new| state.segments.get_mut(usize::from(new))) {
                *new = *old;
            }
        }
        for (number, old) in (0..).zip(&self.state.journeys) {
            let Some((new, from, to)) = journey(number) else { continue };
            // Conditions are numbered by stage: with other stages they are looked at anew.
            let same = from == to;
            let stage = |stage: u16| place(to, from.get(usize::from(stage)));
            let definition = |names: &StateNames, number: u16| names.definitions.get(usize::from(number)).cloned();
            let changed = definition(&self.names, number) != definition(names, new);
            if changed {
                let instances = old.instances.iter().flat_map(|instances| instances.all());
                let instances = instances.map(|(key, state)| (Some(key.clone()), &**state));
                for (instance, old) in std::iter::once((None, old)).chain(instances).filter(|(_, old)| !old.visits.is_empty()) {
                    old_places.push(OldPlace {
                        journey: usize::from(new),
                        instance,
                        stage: old.place.and_then(|place| from.get(usize::from(place.stage)).cloned()),
                        since: old.place.map(|place| place.since),
                        entries: old.walk.entries,
                        event: None,
                        began: old.walk.began,
                        ended: old.walk.ended,
                    });
                }
            }
            let take_over = |old: &JourneyState| JourneyState {
                place: old.place.and_then(|place| Some(super::Place { stage: stage(place.stage)?, ..place })),
                conditions: if same { old.conditions.clone() } else { Default::default() },
                waiting: if same { old.waiting.clone() } else { Default::default() },
                visits: old
                    .visits
                    .iter()
                    .filter_map(|visit| Some(super::Visit { stage: stage(visit.stage)?, ..*visit }))
                    .collect(),
                walk: super::Walk { back: old.walk.back.and_then(stage), ..old.walk },
                instances: None,
            };
            // Under other rules the stays so far are what is left of it.
            let stays = |old: &JourneyState| JourneyState { visits: take_over(old).visits, ..JourneyState::default() };
            let take_over = |old: &JourneyState| if changed { stays(old) } else { take_over(old) };
            let mut moved = take_over(old);
            moved.instances = old.instances.as_ref().map(|instances| {
                let all = instances.all().map(|(key, state)| (key.clone(), Arc::new(take_over(state)))).collect();
                Box::new(super::Instances::of(all, instances.full))
            });
            if let Some(place) = state.journeys.get_mut(usize::from(new)) {
                *place = moved;
            }
        }
        for change in &self.state.changes {
            let what = match change.what.clone() {
                What::Entered { segment: number } => segment(number).map(|segment| What::Entered { segment }),
                What::Left { segment: number } => segment(number).map(|segment| What::Left { segment }),
                What::Moved { journey: number, from, to, instance } => journey(number).and_then(|(journey, old, new)| {
                    let stage = |number: Option<u16>| match number {
                        None => Some(None),
                        Some(number) => place(new, old.get(usize::from(number))).map(Some),
                    };
                    Some(What::Moved { journey, from: stage(from)?, to: stage(to)?, instance })
                }),
                What::Watched { watch: number, from, to } => watch(number).map(|watch| What::Watched { watch, from, to }),
                What::Proposed { reaction: number, by, since, instance } => {
                    reaction(number).map(|reaction| What::Proposed { reaction, by, since, instance })
                }
                What::Capped { journey: number, cap } => journey(number).map(|(journey, ..)| What::Capped { journey, cap }),
                What::Full { journey: number, instance } => {
                    journey(number).map(|(journey, ..)| What::Full { journey, instance })
                }
                What::Migrated { journey: number, instance, from, to, how } => journey(number).map(|(journey, old, new)| {
                    let to = to.and_then(|stage| place(new, old.get(usize::from(stage))));
                    What::Migrated { journey, instance, from, to, how }
                }),
            };
            state.changes.extend(what.map(|what| Change { what, ..change.clone() }));
        }
        (state, old_places)
    }
}
