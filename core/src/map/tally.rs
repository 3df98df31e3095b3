use super::spec::{MapError, MapSpec};
use super::times::Times;
use crate::value::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What was counted of a population's way through a journey. Adding maps of disjoint populations gives the map of all, bit for bit.
///
/// It holds numbers about few customers too; what may be told is [`report`](Self::report).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JourneyMap {
    pub(super) spec: Arc<MapSpec>,
    /// By group; the empty name is everyone.
    pub(super) groups: BTreeMap<Arc<str>, Tally>,
}

/// What is counted in a group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(super) customers: u64,
    /// Customers who are nowhere in the journey at the instant.
    pub(super) outside: u64,
    /// By the number of the stage.
    pub(super) stages: BTreeMap<u16, StageTally>,
    /// From where to where; `None` is outside of the journey.
    pub(super) moves: BTreeMap<(Option<u16>, Option<u16>), MoveTally>,
    /// How many customers came to the first stage and later to the second.
    pub(super) reached: BTreeMap<(u16, u16), Count>,
}

/// How often, and of how many customers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(super) count: u64,
    pub(super) customers: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct StageTally {
    /// Stays that last at the instant, whenever they began.
    pub(super) here: Count,
    /// Stays that began in the period.
    pub(super) entries: Count,
    /// Of these, stays of customers who had been here before.
    pub(super) returns: Count,
    /// Of the entries, stays that ended.
    pub(super) exits: Count,
    /// How long those last that did not end.
    pub(super) lasting: Times,
    pub(super) touches: BTreeMap<Touch, TouchTally>,
    pub(super) outcomes: BTreeMap<Arc<str>, Count>,
    /// Answers by number, 0 to 10.
    pub(super) nps: BTreeMap<u8, Count>,
    /// Answers by number, 1 to 5.
    pub(super) csat: BTreeMap<u8, Count>,
    pub(super) complaints: Count,
    /// Stays with a complaint.
    pub(super) complained: Count,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MoveTally {
    pub(super) moves: Count,
    /// How long the stay before lasted; of moves from outside nothing.
    pub(super) times: Times,
}

/// Where customer and brand met: an event type and a channel.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Touch {
    pub(crate) event: Arc<str>,
    pub(crate) channel: Option<Arc<str>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TouchTally {
    pub(super) events: Count,
    /// Stays with it that ended.
    pub(super) ended: u64,
    /// Of these, stays that ended in a drop-out.
    pub(super) dropped: u64,
    /// How long they lasted.
    pub(super) times: Times,
}

/// One customer's way through a journey, or through one instance of it.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// In order.
    pub(crate) stays: Vec<WalkStay>,
}

#[derive(Debug)]
pub(crate) struct WalkStay {
    pub(crate) stage: u16,
    pub(crate) entered: Timestamp,
    pub(crate) left: Option<Timestamp>,
}

/// Something that happened to a customer.
#[derive(Debug)]
pub(crate) struct WalkEvent {
    pub(crate) time: Timestamp,
    pub(crate) touch: Touch,
    pub(crate) outcome: bool,
    pub(crate) nps: Option<u8>,
    pub(crate) csat: Option<u8>,
    pub(crate) complaint: bool,
}

impl Count {
    fn one(&mut self) {
        self.count += 1;
    }

    fn merge(&mut self, other: Count) {
        self.count = self.count.saturating_add(other.count);
        self.customers = self.customers.saturating_add(other.customers);
    }

    /// Counts of one customer are of one customer.
    fn seal(&mut self) {
        self.customers = u64::from(self.count > 0);
    }
}

fn merge<K: Ord + Clone, V: Default>(own: &mut BTreeMap<K, V>, other: &BTreeMap<K, V>, add: impl Fn(&mut V, &V)) {
    for (key, value) in other {
        add(own.entry(key.clone()).or_default(), value);
    }
}

impl Walk {
    /// The same as it was at an earlier instant.
    pub(crate) fn until(&self, at: Timestamp) -> Walk {
        let stays = self.stays.iter().filter(|stay| stay.entered <= at);
        Walk { stays: stays.map(|stay| WalkStay { left: stay.left.filter(|left| *left <= at), ..*stay }).collect() }
    }
}

/// What one customer adds to a map from `since` to `at`.
pub(crate) fn contribution(spec: &MapSpec, (since, at): (Timestamp, Timestamp), walks: &[Walk], events: &[WalkEvent]) -> Tally {
    let mut tally = Tally { customers: 1, ..Tally::default() };
    let drops =
        |stage: Option<u16>| stage.is_some_and(|stage| spec.stages.get(usize::from(stage)).is_some_and(|stage| stage.drop_out));
    let mut pairs: BTreeSet<(u16, u16)> = BTreeSet::new();
    for walk in walks {
        let mut seen: BTreeSet<u16> = BTreeSet::new();
        let mut ever: BTreeSet<u16> = BTreeSet::new();
        for (number, stay) in walk.stays.iter().enumerate() {
            let before = number.checked_sub(1).and_then(|number| walk.stays.get(number));
            let next = walk.stays.get(number + 1).filter(|next| Some(next.entered) == stay.left).map(|next| next.stage);
            let came_from = before.filter(|before| before.left == Some(stay.entered)).map(|before| before.stage);
            let stage = tally.stages.entry(stay.stage).or_default();
            if stay.left.is_none() {
                stage.here.one();
            }
            let returned = !ever.insert(stay.stage);
            if stay.entered < since {
                continue;
            }
            stage.entries.one();
            if returned {
                stage.returns.one();
            }
            pairs.extend(seen.iter().filter(|first| **first != stay.stage).map(|first| (*first, stay.stage)));
            seen.insert(stay.stage);
            let length = stay.left.unwrap_or(at).micros().saturating_sub(stay.entered.micros());
            match stay.left {
                Some(_) => stage.exits.one(),
                None => stage.lasting.add(length),
            }
            // What happens at the instant of a move belongs to the stage that it leads to.
            let first = events.partition_point(|event| event.time < stay.entered);
            let end = stay.left.map_or(events.len(), |left| events.partition_point(|event| event.time < left));
            let during = events.get(first..end).unwrap_or(&[]);
            let mut touched: BTreeSet<&Touch> = BTreeSet::new();
            let mut complained = false;
            for event in during.iter().filter(|event| event.time <= at) {
                if event.outcome {
                    stage.outcomes.entry(event.touch.event.clone()).or_default().one();
                } else {
                    stage.touches.entry(event.touch.clone()).or_default().events.one();
                    touched.insert(&event.touch);
                }
                event.nps.into_iter().for_each(|answer| stage.nps.entry(answer).or_default().one());
                event.csat.into_iter().for_each(|answer| stage.csat.entry(answer).or_default().one());
                if event.complaint {
                    stage.complaints.one();
                    complained = true;
                }
            }
            if complained {
                stage.complained.one();
            }
            if stay.left.is_some() {
                for touch in touched {
                    if let Some(touch) = stage.touches.get_mut(touch) {
                        touch.ended += 1;
                        touch.dropped += u64::from(drops(next));
                        touch.times.add(length);
                    }
                }
                let way = tally.moves.entry((Some(stay.stage), next)).or_default();
                way.moves.one();
                way.times.add(length);
            }
            if came_from.is_none() {
                tally.moves.entry((None, Some(stay.stage))).or_default().moves.one();
            }
        }
    }
    for pair in pairs {
        tally.reached.entry(pair).or_default().one();
    }
    tally.outside = u64::from(tally.stages.values().all(|stage| stage.here.count == 0));
    tally.seal();
    tally
}

impl Tally {
    fn seal(&mut self) {
        for stage in self.stages.values_mut() {
            let StageTally { here, entries, returns, exits, complaints, complained, .. } = stage;
            [here, entries, returns, exits, complaints, complained].into_iter().for_each(Count::seal);
            stage.touches.values_mut().for_each(|touch| touch.events.seal());
            stage.outcomes.values_mut().chain(stage.nps.values_mut()).chain(stage.csat.values_mut()).for_each(Count::seal);
        }
        self.moves.values_mut().for_each(|way| way.moves.seal());
        self.reached.values_mut().for_each(Count::seal);
    }

    fn merge(&mut self, other: &Tally) {
        self.customers = self.customers.saturating_add(other.customers);
        self.outside = self.outside.saturating_add(other.outside);
        merge(&mut self.stages, &other.stages, StageTally::merge);
        merge(&mut self.moves, &other.moves, |own, other| {
            own.moves.merge(other.moves);
            own.times.merge(&other.times);
        });
        merge(&mut self.reached, &other.reached, |own, other| own.merge(*other));
    }
}

impl StageTally {
    fn merge(&mut self, other: &StageTally) {
        let count = |own: &mut Count, other: &Count| own.merge(*other);
        count(&mut self.here, &other.here);
        count(&mut self.entries, &other.entries);
        count(&mut self.returns, &other.returns);
        count(&mut self.exits, &other.exits);
        count(&mut self.complaints, &other.complaints);
        count(&mut self.complained, &other.complained);
        self.lasting.merge(&other.lasting);
        merge(&mut self.touches, &other.touches, |own, other| {
            own.events.merge(other.events);
            own.ended = own.ended.saturating_add(other.ended);
            own.dropped = own.dropped.saturating_add(other.dropped);
            own.times.merge(&other.times);
        });
        merge(&mut self.outcomes, &other.outcomes, count);
        merge(&mut self.nps, &other.nps, count);
        merge(&mut self.csat, &other.csat, count);
    }
}

impl JourneyMap {
    /// The map of nobody.
    pub(crate) fn new(spec: MapSpec) -> Self {
        JourneyMap { spec: Arc::new(spec), groups: BTreeMap::from([(Arc::from(""), Tally::default())]) }
    }

    pub(crate) fn spec(&self) -> &MapSpec {
        &self.spec
    }

    /// Adds what a customer contributes in a period.
    pub(crate) fn add_period(&mut self, period: &Arc<str>, contribution: &Tally) {
        self.groups.entry(period.clone()).or_default().merge(contribution);
    }

    /// Adds what a customer contributes, to everyone and to their groups.
    pub(crate) fn add(&mut self, groups: &[Arc<str>], contribution: &Tally) {
        for group in groups.iter().chain([&Arc::from("")]) {
            self.groups.entry(group.clone()).or_default().merge(contribution);
        }
    }

    /// Adds the map of another population, none of whose customers is in this one: associative and commutative, bit for bit.
    ///
    /// # Errors
    /// [`MapError`] with code `other_map` when it is of another journey, instant, period or split; nothing is changed then.
    pub fn merge(&mut self, other: &JourneyMap) -> Result<(), MapError> {
        if self.spec != other.spec {
            let message = "the maps are of different journeys, instants, periods or groups, which cannot be added";
            return Err(MapError::new("other_map", "", message));
        }
        merge(&mut self.groups, &other.groups, Tally::merge);
        Ok(())
    }

    /// How many customers were counted.
    #[must_use]
    pub fn customers(&self) -> u64 {
        self.groups.get("").map_or(0, |everyone| everyone.customers)
    }

    /// The groups of at least `k` customers, in the order of their names.
    pub fn groups(&self, k: u64) -> impl Iterator<Item = &Arc<str>> {
        self.groups.iter().filter(move |(name, group)| !name.is_empty() && group.customers >= k).map(|(name, _)| name)
    }

    /// What was counted in a group; `None` for everyone.
    pub(super) fn tally(&self, group: Option<&str>) -> Result<&Tally, MapError> {
        self.groups.get(group.unwrap_or("")).ok_or_else(|| {
            let names = self.groups.keys().map(|name| &**name).filter(|name| !name.is_empty());
            let name = group.unwrap_or("");
            let hint = crate::error::nearest(name, names).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            let shown: String = name.chars().take(80).collect();
            MapError::new("unknown_group", "group", format!("the map has no group `{shown}`{hint}"))
        })
    }
}
