//! What comes next for the customers of an engine.

use super::Engine;
use crate::context::{Foresight, key_of};
use crate::customer::{Customer, Derived, Place, View, What};
use crate::encoding::StateError;
use crate::expr::{EventKind, EventRow};
use crate::next::{
    Contribution, Forecast, JourneySpec, Mark, Next, NextError, NextOptions, NextSpec, OUT, Point, Told, Track, Transitions,
};
use crate::playbook::USUAL_K;
use crate::value::{Duration, Span, Timestamp};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// One customer's way through a journey, or through one instance of it.
pub(crate) struct Way {
    pub(crate) journey: u16,
    pub(crate) instance: Option<Arc<str>>,
    /// Where they are; `None` outside of the journey.
    pub(crate) place: Option<Place>,
    /// In the order of [`Track::ALL`].
    pub(crate) tracks: [Vec<Mark>; 3],
}

impl Way {
    /// Where they stand in each sequence.
    pub(crate) fn points(&self) -> [Option<Point>; 3] {
        let mut points = [None; 3];
        for ((point, track), marks) in points.iter_mut().zip(Track::ALL).zip(&self.tracks) {
            *point = marks.len().checked_sub(1).and_then(|last| Point::after(track, marks, last));
        }
        points
    }
}

impl Engine {
    /// Transitions of nobody yet, of all journeys of the playbook; see `predict` there.
    ///
    /// # Errors
    /// [`NextError`] for a period that ends before it begins.
    ///
    /// # Examples
    /// ```
    /// # use tactful::{Duration, Engine, Event, Identifier, Timestamp, next::NextOptions};
    /// let engine = Engine::compile(&[("shop.yaml", "{playbook: shop, version: 1, identity: {customer: {}},
    ///     events: {visit: {page: string}, purchase: {sku: string}},
    ///     journeys: {way: {predict: {k: 2}, stages: {curious: {on: visit}, buyer: {on: purchase}}}}}")])?;
    /// let at = Timestamp::parse("2010-03-31T00:00:00Z")?;
    /// let mut transitions = engine.transitions(&NextOptions::new(at))?;
    /// let record = |name: &str, events: &[(&str, &str)]| -> Result<_, Box<dyn std::error::Error>> {
    ///     let identifier = Identifier::parse(name)?;
    ///     let mut customer = engine.customer(&identifier)?;
    ///     for (event, day) in events {
    ///         engine.record(&mut customer, &Event::new(event, Timestamp::parse(day)?, identifier.clone()), None)?;
    ///     }
    ///     Ok(customer)
    /// };
    /// for name in ["customer:1", "customer:2", "customer:3"] {
    ///     let customer = record(name, &[("visit", "2010-03-01T10:00:00Z"), ("purchase", "2010-03-03T10:00:00Z")])?;
    ///     engine.observe_next(&mut transitions, &customer);
    /// }
    /// let forecast = transitions.forecast();
    /// let ada = record("customer:ada", &[("visit", "2010-04-01T10:00:00Z")])?;
    /// let now = Timestamp::parse("2010-04-01T12:00:00Z")?;
    /// let chance = engine.chance(&ada, &forecast, "way", "purchase", Duration::parse("14d")?, now);
    /// // Three of three bought after a visit: nearly sure, and not quite, since three are few.
    /// assert_eq!(chance.map(|chance| (chance * 100.0).round()), Some(96.0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn transitions(&self, options: &NextOptions) -> Result<Transitions, NextError> {
        Ok(Transitions::new(Arc::new(self.next_spec(options)?)))
    }

    /// Counts a customer, in place of what they contributed before under any of their identifiers.
    pub fn observe_next(&self, transitions: &mut Transitions, customer: &Customer) {
        let spec = transitions.spec().clone();
        let NextOptions { at, since } = spec.options;
        let known = &*self.as_known(customer, at);
        let view = known.view(at);
        let state = self.state(known, &view, at);
        let mut contribution = Contribution::default();
        for way in self.ways(&spec, &view, &state, at, |_| true) {
            for (track, marks) in Track::ALL.into_iter().zip(&way.tracks) {
                contribution.count(way.journey, track, marks, since, at);
            }
        }
        let identifiers = customer.strands().iter().map(|strand| strand.identifier().as_str());
        transitions.replace(customer.id(), identifiers, contribution);
    }

    /// Transitions out of the bytes that [`Transitions::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`StateError`] for bytes that are damaged, or of transitions that were counted by another playbook.
    pub fn transitions_from_bytes(&self, bytes: &[u8]) -> Result<Transitions, StateError> {
        Transitions::of_bytes(&|options| self.next_spec(options), bytes)
    }

    /// A forecast out of the bytes that [`Forecast::to_bytes`] wrote.
    ///
    /// # Errors
    /// As for [`transitions_from_bytes`](Self::transitions_from_bytes).
    pub fn forecast_from_bytes(&self, bytes: &[u8]) -> Result<Forecast, StateError> {
        Forecast::of_bytes(&|options| self.next_spec(options), bytes)
    }

    fn next_spec(&self, options: &NextOptions) -> Result<NextSpec, NextError> {
        if options.since.is_some_and(|since| since > options.at) {
            return Err(NextError::new("wrong_value", "since", "expected an instant that is not after `at`"));
        }
        let playbook = self.playbook();
        let events: Vec<Arc<str>> = playbook.events.iter().map(|event| event.name.text.clone()).collect();
        let segments: Vec<Arc<str>> = playbook.segments.iter().map(|segment| segment.name.text.clone()).collect();
        let looked_at = |journey: usize| -> (Vec<u16>, Vec<u16>) {
            let (events, segments) = playbook.predicted(journey);
            (
                events.filter_map(|number| number.try_into().ok()).collect(),
                segments.filter_map(|number| number.try_into().ok()).collect(),
            )
        };
        let journeys = playbook.journeys.iter().enumerate().map(|(number, journey)| {
            let (events, segments) = looked_at(number);
            let stages = journey.stages.iter().map(|stage| stage.name.text.clone()).collect();
            JourneySpec { name: journey.name.text.clone(), stages, events, segments, k: journey.predict.k }
        });
        let mut journeys: Vec<JourneySpec> = journeys.collect();
        if journeys.is_empty() {
            let (events, segments) = looked_at(0);
            journeys.push(JourneySpec { name: Arc::from(""), stages: Vec::new(), events, segments, k: USUAL_K });
        }
        let (name, digest) = (playbook.name.text.clone(), playbook.digest.clone());
        Ok(NextSpec { options: *options, playbook: name, digest, events, segments, journeys })
    }

    /// The ways of a customer through journeys, as far as they went by `now`.
    pub(crate) fn ways(
        &self,
        spec: &NextSpec,
        view: &View<'_>,
        state: &Derived,
        now: Timestamp,
        wanted: impl Fn(u16) -> bool,
    ) -> Vec<Way> {
        let mut ways = Vec::new();
        let first = view.next_instant(None).filter(|first| *first <= now);
        for (number, journey) in (0_u16..).zip(&spec.journeys).filter(|(number, _)| wanted(*number)) {
            let place = usize::from(number);
            let kinds: Vec<EventKind> = journey.events.iter().map(|number| EventKind(*number)).collect();
            let (segments, changes) = segments_of(journey, state, now);
            let walked = state.journeys.get(place);
            let key = self.model().journeys.rules.get(place).and_then(|rule| rule.key.as_ref());
            match (key, walked) {
                (Some(key), Some(walked)) => {
                    let mut marks: BTreeMap<String, Vec<(Timestamp, u32)>> = BTreeMap::new();
                    view.events(&kinds, Span::lifetime(now), &mut |row| {
                        if let Some(value) = EventRow::property(&row, key.property)
                            && key.kinds.binary_search(&EventRow::kind(&row)).is_ok()
                        {
                            let mark = (EventRow::time(&row), u32::from(EventRow::kind(&row).0));
                            marks.entry(key_of(&value)).or_default().push(mark);
                        }
                        ControlFlow::Continue(())
                    });
                    for (own, walk) in walked.instances.iter().flat_map(|instances| instances.all()) {
                        let stages = stages_of(walk, walk.visits.first().map(|visit| visit.entered), now);
                        let tracks = tracks(&stages, &segments, marks.remove(&**own).unwrap_or_default(), Vec::new());
                        ways.push(Way { journey: number, instance: Some(own.clone()), place: walk.place, tracks });
                    }
                }
                _ => {
                    let stages = walked.map_or_else(Vec::new, |walked| stages_of(walked, first, now));
                    let mut marks: Vec<(Timestamp, u32)> = Vec::new();
                    view.events(&kinds, Span::lifetime(now), &mut |row| {
                        marks.push((EventRow::time(&row), u32::from(EventRow::kind(&row).0)));
                        ControlFlow::Continue(())
                    });
                    let tracks = tracks(&stages, &segments, marks, changes.clone());
                    let place = walked.and_then(|walked| walked.place);
                    ways.push(Way { journey: number, instance: None, place, tracks });
                }
            }
        }
        ways
    }

    /// What comes next for a customer, in every journey or in one: the next event, the next stage and the next segment entered or left, each
    /// with the `top` likeliest, and with what probability they come within some times.
    ///
    /// # Errors
    /// [`NextError`] for a journey that is not declared, a forecast made with another playbook, or one of a later instant than `now`.
    pub fn next(
        &self,
        customer: &Customer,
        forecast: &Forecast,
        journey: Option<&str>,
        within: &[Duration],
        top: usize,
        (now, known_at): (Timestamp, Timestamp),
    ) -> Result<Vec<Next>, NextError> {
        let spec = forecast.spec();
        if spec.digest != *self.digest() {
            return Err(NextError::new("other_playbook", "", "the forecast was made with another playbook; learn it again"));
        }
        if now < forecast.at() {
            let message =
                format!("the population was counted up to {}, which is after {now}; count an earlier one", forecast.at());
            return Err(NextError::new("too_early", "now", message));
        }
        let wanted = |own: &JourneySpec| journey.is_none_or(|name| *own.name == *name);
        if let Some(name) = journey.filter(|_| !spec.journeys.iter().any(wanted)) {
            let near = crate::error::nearest(name, spec.journeys.iter().map(|own| &*own.name));
            let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            let shown: String = name.chars().take(80).collect();
            let message = format!("journey `{shown}` is not declared in the playbook{hint}");
            return Err(NextError::new("undeclared_name", "journey", message));
        }
        let customer = &*self.as_known(customer, known_at);
        let view = customer.view(known_at);
        let state = self.state(customer, &view, now);
        let is_wanted = |own: u16| spec.journeys.get(usize::from(own)).is_some_and(wanted);
        let told = Told { within, top, now };
        let next = |way: Way| {
            let own = spec.journeys.get(usize::from(way.journey))?;
            let [event, next_stage, change] = way.points();
            let outlook = |track: Track, point: Option<Point>| forecast.outlook(way.journey, track, &point?, told);
            Some(Next {
                journey: Some(own.name.clone()).filter(|name| !name.is_empty()),
                instance: way.instance.clone(),
                stage: way.place.and_then(|place| own.stages.get(usize::from(place.stage)).cloned()),
                event: outlook(Track::Event, event),
                next_stage: outlook(Track::Stage, next_stage).filter(|_| !own.stages.is_empty()),
                change: outlook(Track::Change, change),
            })
        };
        Ok(self.ways(spec, &view, &state, now, is_wanted).into_iter().filter_map(next).collect())
    }

    /// With what probability an event is the next of a journey's events and happens within a time, for a customer at `now`; `None` when
    /// that is unknown: of a journey or an event type that is not declared, of somebody of whom nothing is known, with a forecast of a later
    /// instant or of too few.
    #[must_use]
    pub fn chance(
        &self,
        customer: &Customer,
        forecast: &Forecast,
        journey: &str,
        event: &str,
        within: Duration,
        now: Timestamp,
    ) -> Option<f64> {
        let spec = forecast.spec();
        let (number, _) = (0_u16..).zip(&spec.journeys).find(|(_, own)| *own.name == *journey)?;
        let event = spec.events.iter().position(|own| **own == *event)?;
        let customer = &*self.as_known(customer, now);
        let view = customer.view(now);
        let state = self.state(customer, &view, now);
        let ways = self.ways(spec, &view, &state, now, |own| own == number);
        Ahead::new(forecast, now, &ways)?.chance(number, Track::Event, u32::try_from(event).ok()?, within.micros())
    }
}

/// What comes next for one customer at an instant.
#[derive(Debug)]
pub(crate) struct Ahead<'f> {
    forecast: &'f Forecast,
    now: Timestamp,
    /// Of each journey that was looked at where the customer stands; of one with instances in the open one that moved last.
    points: Vec<(u16, [Option<Point>; 3])>,
}

impl<'f> Ahead<'f> {
    /// `None` when the population was counted later than `now`.
    pub(crate) fn new(forecast: &'f Forecast, now: Timestamp, ways: &[Way]) -> Option<Self> {
        if now < forecast.at() {
            return None;
        }
        let mut points: Vec<(u16, [Option<Point>; 3])> = Vec::new();
        for way in ways {
            let latest = ways.iter().filter(|other| other.journey == way.journey && other.place.is_some());
            let latest = latest.max_by_key(|other| (other.place.map(|place| place.since), other.instance.clone()));
            let is_latest = way.instance.is_none() || latest.is_some_and(|latest| latest.instance == way.instance);
            if is_latest {
                points.push((way.journey, way.points()));
            }
        }
        Some(Ahead { forecast, now, points })
    }
}

impl Foresight for Ahead<'_> {
    fn chance(&self, journey: u16, track: Track, what: u32, within: i64) -> Option<f64> {
        let (_, points) = self.points.iter().find(|(own, _)| *own == journey)?;
        let place = Track::ALL.iter().position(|own| *own == track)?;
        let point = points.get(place)?.as_ref()?;
        let (curve, _) = self.forecast.curve(journey, track, point)?;
        curve.chance(what, self.now.micros().saturating_sub(point.since.micros()), within)
    }
}

/// From when on the customer was in which stage, [`OUT`] included; `first` is when they came to be known.
fn stages_of(walk: &crate::customer::JourneyState, first: Option<Timestamp>, now: Timestamp) -> Vec<(Timestamp, u32)> {
    let mut stages: Vec<(Timestamp, u32)> = Vec::new();
    let entered = walk.visits.first().map(|visit| visit.entered);
    stages.extend(first.filter(|first| entered.is_none_or(|entered| *first < entered)).map(|first| (first, OUT)));
    for (place, visit) in walk.visits.iter().enumerate() {
        stages.push((visit.entered, u32::from(visit.stage)));
        let next = walk.visits.get(place + 1).map(|next| next.entered);
        stages.extend(visit.left.filter(|left| next != Some(*left)).map(|left| (left, OUT)));
    }
    stages.retain(|(time, _)| *time <= now);
    stages
}

/// From when on the customer was in which of a journey's segments, as bits, and what changed when.
fn segments_of(journey: &JourneySpec, state: &Derived, now: Timestamp) -> (Vec<(Timestamp, u32)>, Vec<(Timestamp, u32)>) {
    let (mut segments, mut changes): (Vec<(Timestamp, u32)>, Vec<(Timestamp, u32)>) = (Vec::new(), Vec::new());
    let mut inside = 0_u32;
    for change in state.changes.iter().take_while(|change| change.at <= now) {
        let (segment, left) = match change.what {
            What::Entered { segment } => (segment, 0),
            What::Left { segment } => (segment, 1),
            _ => continue,
        };
        let Some(bit) = journey.segments.iter().position(|own| *own == segment) else { continue };
        let bit = 1_u32 << bit.min(31);
        inside = if left == 0 { inside | bit } else { inside & !bit };
        changes.push((change.at, u32::from(segment) * 2 + left));
        match segments.last_mut().filter(|(at, _)| *at == change.at) {
            Some(last) => last.1 = inside,
            None => segments.push((change.at, inside)),
        }
    }
    (segments, changes)
}

/// What held just after an instant.
fn at_time(held: &[(Timestamp, u32)], time: Timestamp) -> Option<u32> {
    let place = held.partition_point(|(from, _)| *from <= time).checked_sub(1)?;
    held.get(place).map(|(_, what)| *what)
}

fn tracks(
    stages: &[(Timestamp, u32)],
    segments: &[(Timestamp, u32)],
    events: Vec<(Timestamp, u32)>,
    changes: Vec<(Timestamp, u32)>,
) -> [Vec<Mark>; 3] {
    let mark = |(time, what): (Timestamp, u32)| Mark {
        time,
        what,
        stage: at_time(stages, time).unwrap_or(OUT),
        segments: at_time(segments, time).unwrap_or(0),
    };
    [events, stages.to_vec(), changes].map(|steps| steps.into_iter().map(mark).collect())
}
