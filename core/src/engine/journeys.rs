//! Where customers were in their journeys, and how that is told to another version of the playbook.

use super::Engine;
use super::effect::digest;
use crate::customer::{Customer, Event, Identifier, SavedPlace, Visit, Walk, What};
use crate::journey::{JourneyHistory, Stay};
use crate::value::{Timestamp, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Engine {
    /// The stages that a customer has seen by `now`, journey by journey in the order of the playbook; journeys in which they never
    /// were are left out. Events later than `now` are not seen, and nothing is changed.
    ///
    /// # Examples
    /// ```
    /// # use tactful::{Engine, Event, Identifier, Timestamp};
    /// let engine = Engine::compile(&[("shop.yaml", "{playbook: shop, version: 1, identity: {customer: {}},
    ///     events: {visit: {page: string}}, journeys: {way: {stages: {
    ///       here: {on: visit, timeout: {after: 7d, to: gone}}, gone: {drop_out: true}}}}}")])?;
    /// let ada = Identifier::parse("customer:ada")?;
    /// let mut customer = engine.customer(&ada)?;
    /// engine.record(&mut customer, &Event::new("visit", Timestamp::parse("2010-03-01T10:00:00Z")?, ada), None)?;
    /// let history = engine.journey_history(&customer, Timestamp::parse("2010-03-31T00:00:00Z")?);
    /// let stays: Vec<_> = history[0].stays.iter().map(|stay| (&*stay.stage, stay.left.map(|left| left.to_string()))).collect();
    /// assert_eq!(stays, [("here", Some("2010-03-08T10:00:00Z".to_owned())), ("gone", None)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn journey_history(&self, customer: &Customer, now: Timestamp) -> Vec<JourneyHistory> {
        self.journey_history_as_known(customer, now, now)
    }

    /// The same with what was known by an instant.
    #[must_use]
    pub fn journey_history_as_known(&self, customer: &Customer, now: Timestamp, known_at: Timestamp) -> Vec<JourneyHistory> {
        let view = customer.view(known_at);
        let state = self.state(customer, &view, now);
        let mut causes: BTreeMap<(u16, Option<&str>, Timestamp), &Arc<str>> = BTreeMap::new();
        for change in &state.changes {
            if let (What::Moved { journey, instance, .. }, Some(event)) = (&change.what, &change.event) {
                causes.insert((*journey, instance.as_deref(), change.at), event);
            }
        }
        let model = self.model();
        let mut histories = Vec::new();
        for (number, walked) in (0_u16..).zip(&state.journeys) {
            let place = usize::from(number);
            let (Some(name), Some(stages)) = (model.journeys.names.get(place), model.journeys.stages.get(place)) else { break };
            let instances = walked.instances.iter().flat_map(|instances| instances.all());
            let instances = instances.map(|(key, state)| (Some(key.clone()), &**state));
            for (instance, walk) in std::iter::once((None, walked)).chain(instances) {
                let stay = |visit: &Visit| {
                    Some(Stay {
                        stage: stages.get(usize::from(visit.stage))?.clone(),
                        number: visit.stage,
                        entered: visit.entered,
                        left: visit.left,
                        by: visit.by,
                        ended: visit.ended,
                        event: causes.get(&(number, instance.as_deref(), visit.entered)).map(|event| (*event).clone()),
                    })
                };
                let stays: Vec<Stay> = walk.visits.iter().filter_map(stay).collect();
                if !stays.is_empty() {
                    let Walk { entries, began, ended, .. } = walk.walk;
                    let next = walk.next().filter(|_| instance.is_none() || walk.is_open());
                    let journey = name.clone();
                    histories.push(JourneyHistory { journey, instance, entries, began, ended, next, stays });
                }
            }
        }
        histories
    }

    /// Where a customer is in every journey at `now`, as events of the type `journey_pinned`: recorded before the playbook is changed,
    /// they tell the next version from where it takes over, see `migration` in the playbook. Changes nothing.
    ///
    /// # Examples
    /// ```
    /// # use tactful::{Engine, Event, Identifier, Timestamp};
    /// # let engine = Engine::compile(&[("shop.yaml", "{playbook: shop, version: 1, identity: {customer: {}},
    /// #     events: {visit: {page: string}}, journeys: {way: {stages: {here: {on: visit}}}}}")])?;
    /// let ada = Identifier::parse("customer:ada")?;
    /// let mut customer = engine.customer(&ada)?;
    /// engine.record(&mut customer, &Event::new("visit", Timestamp::parse("2010-03-01T10:00:00Z")?, ada), None)?;
    /// let pins = engine.journey_pins(&customer, Timestamp::parse("2010-04-01T00:00:00Z")?);
    /// assert_eq!(pins.len(), 1);
    /// for pin in &pins {
    ///     engine.record(&mut customer, pin, None)?;
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn journey_pins(&self, customer: &Customer, now: Timestamp) -> Vec<Event> {
        let Some(identifier) = customer.identifier() else { return Vec::new() };
        let histories = self.journey_history(customer, now);
        let pins = histories.iter().filter_map(|history| {
            let journey = self.playbook().journeys.iter().find(|journey| journey.name.text == history.journey)?;
            let place = SavedPlace {
                journey: history.journey.clone(),
                version: self.playbook().version,
                definition: journey.digest.clone(),
                instance: history.instance.clone(),
                stay: history.open().map(|stay| (stay.stage.clone(), stay.entered)),
                entries: history.entries,
            };
            Some(pin(identifier, now, &place))
        });
        pins.collect()
    }
}

/// A place as an event that tells it.
pub(super) fn pin(identifier: &Identifier, at: Timestamp, place: &SavedPlace) -> Event {
    let SavedPlace { journey, version, definition, instance, stay, entries } = place;
    let instance_text = instance.as_deref().unwrap_or("");
    let id = digest(&["journey_pinned", identifier.as_str(), journey, instance_text, &at.to_string(), definition]);
    let mut pin = Event::new("journey_pinned", at, identifier.clone())
        .with("journey", &**journey)
        .with("version", i64::try_from(*version).unwrap_or(i64::MAX))
        .with("definition", &**definition)
        .with("entries", i64::from(*entries))
        .with_id(&id);
    if let Some(instance) = instance {
        pin = pin.with("instance", &**instance);
    }
    if let Some((stage, since)) = stay {
        pin = pin.with("stage", &**stage).with("since", Value::from(*since));
    }
    pin
}
