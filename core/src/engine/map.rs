//! Journey maps of the customers of an engine.

use super::Engine;
use crate::customer::Customer;
use crate::expr::EventKind;
use crate::map::{
    Calendar, JourneyMap, MapError, MapOptions, MapSpec, PlanReport, Question, Split, StageSpec, Touch, Walk, WalkEvent,
    WalkStay, contribution,
};
use crate::playbook::OUTCOMES;
use crate::value::{Span, Timestamp, Value};
use std::ops::ControlFlow;
use std::sync::Arc;

impl Engine {
    /// A journey map of nobody yet.
    ///
    /// # Errors
    /// [`MapError`] for a journey, an event type or a property that the playbook does not declare, or a period that ends before it begins.
    ///
    /// # Examples
    /// ```
    /// # use tactful::{Engine, Event, Identifier, Timestamp, map::MapOptions};
    /// let engine = Engine::compile(&[("shop.yaml", "{playbook: shop, version: 1, identity: {customer: {}},
    ///     events: {visit: {page: string}, purchase: {sku: string}},
    ///     journeys: {way: {stages: {curious: {on: visit, from: none}, buyer: {on: purchase}}}}}")])?;
    /// let at = Timestamp::parse("2010-03-31T00:00:00Z")?;
    /// let mut map = engine.journey_map(&MapOptions::new("way", at))?;
    /// for (name, event) in [("customer:1", "visit"), ("customer:2", "visit"), ("customer:2", "purchase")] {
    ///     let identifier = Identifier::parse(name)?;
    ///     let mut customer = engine.customer(&identifier)?;
    ///     engine.record(&mut customer, &Event::new(event, Timestamp::parse("2010-03-01T10:00:00Z")?, identifier), None)?;
    ///     engine.observe_journey(&mut map, &customer);
    /// }
    /// let report = map.report(None, 1)?;
    /// assert_eq!(report.stages.iter().map(|stage| stage.here).collect::<Vec<_>>(), [Some(2), Some(1)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn journey_map(&self, options: &MapOptions) -> Result<JourneyMap, MapError> {
        let playbook = self.playbook();
        let Some(journey) = playbook.journeys.iter().find(|journey| *journey.name.text == *options.journey) else {
            let names = playbook.journeys.iter().map(|journey| &*journey.name.text);
            return Err(MapError::undeclared("journey", "journey", &options.journey, names));
        };
        if options.since.is_some_and(|since| since > options.at) {
            return Err(MapError::new("wrong_value", "since", "expected an instant that is not after `at`"));
        }
        let mut options = options.clone();
        options.nps = self.question(options.nps, "nps")?;
        options.csat = self.question(options.csat, "csat")?;
        let names = || playbook.events.iter().map(|event| &*event.name.text);
        for name in &options.complaints {
            if !names().any(|own| *own == **name) {
                return Err(MapError::undeclared("event type", "complaints", name, names()));
            }
        }
        let stages = journey.stages.iter().map(|stage| StageSpec {
            name: stage.name.text.clone(),
            title: stage.title.clone(),
            goal: stage.goal.clone(),
            drop_out: stage.drop_out,
            long_stay_good: stage.long_stay_good,
            no_data: stage.no_data.clone(),
        });
        Ok(JourneyMap::new(MapSpec {
            stages: stages.collect(),
            playbook: playbook.name.text.clone(),
            title: journey.title.clone(),
            keyed: journey.key.is_some(),
            calendar: Calendar { zone: playbook.time_zone, week_begins: playbook.week_begins },
            options,
        }))
    }

    /// What is planned for a journey (`plan` in the playbook), beside what a map of it counted: with groups by segment, when something
    /// is planned for a segment. No number is about fewer than `k` customers.
    ///
    /// # Errors
    /// [`MapError`] for a map of another journey or version, or without groups by segment.
    ///
    /// # Examples
    /// ```
    /// # use tactful::{Engine, Timestamp, map::{MapOptions, Split}};
    /// let engine = Engine::compile(&[("shop.yaml", "{playbook: shop, version: 1, identity: {customer: {}},
    ///     events: {visit: {page: string}}, segments: {keen: 'events(\"visit\").count() > 3'},
    ///     journeys: {way: {stages: {curious: {on: visit}},
    ///       plan: {keen: {curious: {goal: They find what they look for., wording: Here is more.}}}}}}")])?;
    /// let options = MapOptions { split: Split::Segments, ..MapOptions::new("way", Timestamp::parse("2010-03-31T00:00:00Z")?) };
    /// let mut map = engine.journey_map(&options)?; // and then engine.observe_journey(&mut map, &customer) for each customer
    /// let plan = engine.journey_plan(&map, 10)?;
    /// assert_eq!(plan.cells[0].goal.as_deref(), Some("They find what they look for."));
    /// assert!(plan.svg(Default::default()).starts_with("<svg "));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn journey_plan(&self, map: &JourneyMap, k: u64) -> Result<PlanReport, MapError> {
        let name = &map.spec().options.journey;
        let Some(journey) = self.playbook().journeys.iter().find(|journey| *journey.name.text == **name) else {
            let names = self.playbook().journeys.iter().map(|journey| &*journey.name.text);
            return Err(MapError::undeclared("journey", "journey", name, names));
        };
        map.plan(journey, self.playbook(), k)
    }

    /// A question that is declared; of one that is not asked for, the usual one if the playbook declares it.
    fn question(&self, asked: Option<Question>, name: &'static str) -> Result<Option<Question>, MapError> {
        let events = &self.playbook().events;
        let found = |question: &Question| {
            let event = events.iter().find(|event| *event.name.text == *question.event)?;
            Some((event, event.properties.iter().any(|property| *property.name.text == *question.property)))
        };
        let Some(asked) = asked else {
            let usual = Question { event: name.to_owned(), property: "score".to_owned() };
            return Ok(Some(usual).filter(|usual| found(usual).is_some_and(|(_, property)| property)));
        };
        match found(&asked) {
            None => Err(MapError::undeclared("event type", name, &asked.event, events.iter().map(|event| &*event.name.text))),
            Some((event, false)) => {
                let properties = event.properties.iter().map(|property| &*property.name.text);
                Err(MapError::undeclared("property", name, &asked.property, properties))
            }
            Some(_) => Ok(Some(asked)),
        }
    }

    /// Counts a customer in a map, once.
    pub fn observe_journey(&self, map: &mut JourneyMap, customer: &Customer) {
        let spec = map.spec().clone();
        let at = spec.options.at;
        // Nobody is counted before they are known.
        let Some(first) = customer.view(at).next_instant(None).filter(|first| *first <= at) else { return };
        let histories =
            self.journey_history(customer, at).into_iter().filter(|history| *history.journey == *spec.options.journey);
        let walks = histories.map(|history| Walk {
            stays: history
                .stays
                .iter()
                .map(|stay| WalkStay { stage: stay.number, entered: stay.entered, left: stay.left })
                .collect(),
        });
        let walks: Vec<Walk> = walks.collect();
        let groups: Vec<Arc<str>> = match spec.options.split {
            Split::Everyone | Split::Periods(_) => Vec::new(),
            Split::Segments => {
                let segments = self.segments(customer, at).into_iter();
                segments.filter(|(_, member)| *member == Some(true)).map(|(name, _)| name).collect()
            }
            Split::Personas => self.persona(customer, at).into_iter().collect(),
        };
        let events = self.walk_events(&spec, customer);
        map.add(&groups, &contribution(&spec, (spec.options.since.unwrap_or(Timestamp::MIN), at), &walks, &events));
        for period in spec.periods().take_while(|period| period.at >= first) {
            let walks: Vec<Walk> = walks.iter().map(|walk| walk.until(period.at)).collect();
            map.add_period(&period.name, &contribution(&spec, (period.since, period.at), &walks, &events));
        }
    }

    fn walk_events(&self, spec: &MapSpec, customer: &Customer) -> Vec<WalkEvent> {
        let reserved = &self.model().rules.sources.reserved;
        let declared = &self.playbook().events;
        let outcomes = OUTCOMES.iter().filter_map(|name| Some((reserved.outcome(name)?, Arc::from(*name))));
        let outcomes: Vec<(EventKind, Arc<str>)> = outcomes.collect();
        let own = (0..).map(EventKind).take(declared.len());
        let kinds: Vec<EventKind> = own.chain(outcomes.iter().map(|(kind, _)| *kind)).collect();
        let column = |question: &Option<Question>| {
            let question = question.as_ref()?;
            let (kind, event) = (0..).zip(declared).find(|(_, event)| *event.name.text == *question.event)?;
            let column = event.properties.iter().position(|property| *property.name.text == *question.property)?;
            Some((EventKind(kind), column))
        };
        let (nps, csat) = (column(&spec.options.nps), column(&spec.options.csat));
        let mut events = Vec::new();
        let at = spec.options.at;
        customer.view(at).events(&kinds, Span::lifetime(at), &mut |row| {
            let outcome = outcomes.iter().find(|(kind, _)| *kind == row.kind()).map(|(_, name)| name.clone());
            let name = outcome.clone().or_else(|| Some(declared.get(usize::from(row.kind().0))?.name.text.clone()));
            let Some(name) = name else { return ControlFlow::Continue(()) };
            let answer = |column: Option<(EventKind, usize)>, from: u8, to: u8| {
                let (_, column) = column.filter(|(kind, _)| *kind == row.kind())?;
                whole(&row.value(column)?).filter(|answer| (from..=to).contains(answer))
            };
            events.push(WalkEvent {
                time: row.time(),
                nps: answer(nps, 0, 10),
                csat: answer(csat, 1, 5),
                complaint: *name == *"complained" || spec.options.complaints.iter().any(|own| **own == *name),
                outcome: outcome.is_some(),
                touch: Touch { event: name, channel: row.channel().map(Arc::from) },
            });
            ControlFlow::Continue(())
        });
        events
    }
}

/// An answer as a small whole number.
fn whole(value: &Value) -> Option<u8> {
    match value {
        Value::Int(number) => u8::try_from(*number).ok(),
        Value::Uint(number) => u8::try_from(*number).ok(),
        Value::Double(number) => (0..=10).find(|answer| f64::from(*answer) == *number),
        Value::Decimal(number) => (0..=10).find(|answer| f64::from(*answer) == number.to_double()),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}
