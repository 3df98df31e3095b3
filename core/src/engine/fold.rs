//! Retention: old events become totals.

use super::journeys::pin;
use super::{Effects, Engine};
use crate::customer::{Checkpoint, Customer, Derived, Event, SavedPlace, Start, StateNames, Strand, View};
use crate::expr::EventKind;
use crate::journey::derive;
use crate::playbook::Playbook;
use crate::value::Timestamp;
use std::sync::Arc;

impl Engine {
    /// Folds events that are older than the playbook keeps them: those of a type with `retention: r` at or before `horizon - r`
    /// become totals of their strand. Lets time pass up to the horizon first; tells how many events there were, and what changed
    /// by then without an event.
    ///
    /// Counts, sums, least and greatest over a window that holds all that was folded stay exact; windows that cut through it, and
    /// everything else about it, are unknown from then on. Segments and journeys keep the state that they had at the horizon, and go
    /// on from there: windows that are no longer than the retention never notice. An event from before the fold that arrives
    /// later is refused with the code `too_late`.
    ///
    /// # Examples
    /// ```
    /// # use tactful::{Engine, Event, Identifier, Timestamp};
    /// let engine = Engine::compile(&[("shop.yaml", "{playbook: shop, version: 1, identity: {customer: {}},
    ///     events: {visit: {retention: 30d, properties: {page: string}}}, segments: {known: events('visit').count() >= 1}}")])?;
    /// let ada = Identifier::parse("customer:ada")?;
    /// let mut customer = engine.customer(&ada)?;
    /// let visit = Event::new("visit", Timestamp::parse("2010-03-01T10:00:00Z")?, ada).with("page", "home");
    /// engine.record(&mut customer, &visit, None)?;
    /// let now = Timestamp::parse("2010-06-01T00:00:00Z")?;
    /// assert_eq!(engine.fold(&mut customer, now).0, 1);
    /// assert_eq!((customer.len(), engine.segments(&customer, now)[0].1), (0, Some(true)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fold(&self, customer: &mut Customer, horizon: Timestamp) -> (u64, Effects) {
        if customer.strands().iter().any(|strand| strand.layout().digest() != self.digest()) {
            return (0, Effects { arrival: None, effects: Vec::new() });
        }
        let effects = self.advance(customer, horizon);
        let mut cuts: Vec<(EventKind, Timestamp)> = Vec::new();
        for (kind, event) in (0..).map(EventKind).zip(self.layout().schema().events()) {
            if let Some(retention) = event.retention {
                let until = horizon.saturating_add_micros(-retention.micros());
                if customer.strands().iter().any(|strand| strand.has_before(kind, until)) {
                    cuts.push((kind, until));
                }
            }
        }
        if cuts.is_empty() {
            return (0, effects);
        }
        let whole = self.checkpoint(customer.strands(), customer.derived.start.clone(), horizon);
        let alone: Vec<Checkpoint> = customer
            .strands()
            .iter()
            .map(|strand| {
                let start = strand.folded().and_then(|fold| fold.checkpoint.as_ref()).map(|before| self.start(before));
                self.checkpoint(std::slice::from_ref(strand), start, horizon)
            })
            .collect();
        let mut count = 0;
        for (strand, alone) in customer.strands_mut().iter_mut().zip(alone) {
            let folded: u64 = cuts.iter().map(|(kind, until)| strand.fold(*kind, *until)).sum();
            if folded > 0 || strand.folded().is_some() {
                let mut fold = strand.folded().cloned().unwrap_or_default();
                fold.checkpoint = Some(alone);
                strand.set_fold(Some(fold));
            }
            count += folded;
        }
        customer.derived.forget();
        customer.derived.start = Some(self.start(&whole));
        customer.set_checkpoint(whole);
        customer.compact();
        (count, effects)
    }

    /// Segments and journeys at an instant, as all events show them.
    fn checkpoint(&self, strands: &[Strand], start: Option<Arc<Start>>, at: Timestamp) -> Checkpoint {
        let view = View::new(strands, Timestamp::MAX);
        let mut state = Derived::starting(start.clone());
        derive(&self.0.model, &view, &mut state, at);
        state.settled = Some(at);
        state.advanced = None;
        state.start = None;
        let known = strands.iter().map(Strand::known).max().unwrap_or(at).max(at);
        let known = start.map_or(known, |start| start.known.max(known));
        Checkpoint { known, names: self.0.names.clone(), state }
    }

    fn start(&self, checkpoint: &Checkpoint) -> Arc<Start> {
        let (state, places) = checkpoint.under(&self.0.names);
        Arc::new(Start { known: checkpoint.known, state, places })
    }

    /// Where a customer out of bytes was in journeys whose rules have changed since: as pins in their story, that this version takes over
    /// from, once.
    pub(crate) fn pin(&self, customer: &mut Customer) {
        let (Some(mut saved), Some(identifier)) = (customer.saved(), customer.identifier().cloned()) else { return };
        let Some(strand) = customer.strands().first().map(|strand| strand.identifier().clone()) else { return };
        let definition = |place: &SavedPlace| {
            let journey = self.0.playbook.journeys.iter().find(|journey| journey.name.text == place.journey)?;
            Some(journey.digest.clone())
        };
        let other = |place: &&SavedPlace| definition(place).is_some_and(|digest| digest != place.definition);
        let pins: Vec<Event> = saved.places.iter().filter(other).map(|place| pin(&identifier, saved.at, place)).collect();
        // What holds under the same rules is a place of this version.
        for place in &mut saved.places {
            if definition(place).as_ref() == Some(&place.definition) {
                place.version = self.0.playbook.version;
            }
        }
        customer.set_saved(saved);
        for pin in pins {
            let prepared = self.layout().prepare(&pin, None);
            if prepared.is_ok_and(|prepared| self.insert(customer, &strand, &prepared).is_ok()) {
                customer.derived.taken_over = true;
            }
        }
    }

    /// Where walks of a customer begin who was just made of strands or bytes.
    pub(crate) fn restart(&self, customer: &mut Customer) {
        customer.derived.start = customer.checkpoint().map(|checkpoint| self.start(checkpoint));
    }

    pub(super) fn state_names(
        playbook: &Playbook,
        trends: &crate::trends::TrendRules,
        reactions: &crate::reaction::Reactions,
    ) -> Arc<StateNames> {
        let watches = playbook.watches.iter().map(|watch| watch.name.text.clone()).collect();
        // A feedback that has to be answered is no reaction of that name.
        let named = |rule: &crate::reaction::ReactionRule| match rule.missed {
            true => Arc::from(format!("feedback.{}", rule.name)),
            false => rule.name.clone(),
        };
        let reactions = reactions.rules.iter().map(named).collect();
        let definitions = playbook.journeys.iter().map(|journey| journey.digest.clone()).collect();
        let (segments, journeys) = (trends.segments.clone(), trends.journeys.clone());
        Arc::new(StateNames { segments, journeys, definitions, watches, reactions })
    }
}
