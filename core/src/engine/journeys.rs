//! Where customers were in their journeys.

use super::Engine;
use crate::customer::{Customer, What};
use crate::journey::{JourneyHistory, Stay};
use crate::value::Timestamp;
use std::collections::BTreeMap;

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
    pub(crate) fn journey_history_as_known(
        &self,
        customer: &Customer,
        now: Timestamp,
        known_at: Timestamp,
    ) -> Vec<JourneyHistory> {
        let view = customer.view(known_at);
        let state = self.state(customer, &view, now);
        let mut causes = BTreeMap::new();
        for change in &state.changes {
            if let (What::Moved { journey, .. }, Some(event)) = (&change.what, &change.event) {
                causes.insert((*journey, change.at), event.clone());
            }
        }
        let names = self.playbook().journeys.iter().zip(&self.model().journeys.stages);
        let mut histories = Vec::new();
        for (number, ((journey, stages), walked)) in (0_u16..).zip(names.zip(&state.journeys)) {
            let stays: Vec<Stay> = walked
                .visits
                .iter()
                .filter_map(|visit| {
                    Some(Stay {
                        stage: stages.get(usize::from(visit.stage))?.clone(),
                        number: visit.stage,
                        entered: visit.entered,
                        left: visit.left,
                        event: causes.get(&(number, visit.entered)).cloned(),
                    })
                })
                .collect();
            if !stays.is_empty() {
                histories.push(JourneyHistory { journey: journey.name.text.clone(), instance: None, stays });
            }
        }
        histories
    }
}
