//! What an event changes of what was derived, and what of that is told.

use super::Engine;
use super::effect::{Effect, EffectKind, Namer};
use crate::customer::{Arrival, Change, Customer, EventError, Identifier, Pending, Prepared, View, What};
use crate::journey::{News, derive, derive_marked, derive_news};
use crate::value::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

impl Engine {
    /// The same as [`settle`](Self::settle), put off while that would walk through very many instants for few late events: so many of
    /// them cost no more than a walk through the story now and then. What was put off is told when it is made up for.
    pub(super) fn settle_late(&self, customer: &mut Customer, from: Timestamp, time: Timestamp) -> Vec<Effect> {
        let pending = customer.derived.take_pending();
        let from = pending.map_or(from, |pending| pending.from.min(from));
        if puts_off(customer, from) {
            customer.derived.put_off(Pending { from });
            return Vec::new();
        }
        let effects = self.settle(customer, from, time);
        customer.derived.walked_at = u32::try_from(customer.len()).unwrap_or(u32::MAX);
        effects
    }

    /// Puts an event that happened long before others beside the story, when nothing is derived from it now.
    #[cold]
    pub(super) fn wait(
        &self,
        customer: &mut Customer,
        identifier: &Identifier,
        event: &Prepared<'_>,
    ) -> Result<Option<Arrival>, EventError> {
        let pending = customer.derived.pending();
        let from = pending.map_or(event.time, |pending| pending.from.min(event.time));
        if customer.count_from(event.time) <= MANY_INSTANTS || !(puts_off(customer, from) || self.indifferent(customer, event))
        {
            return Ok(None);
        }
        self.relation_sayings(identifier, event)?;
        Ok(customer.wait(identifier, event))
    }

    /// Whether a late event changes nothing that was derived: no rule reads its type, the customer had begun before, and nothing
    /// changed at its instant, nor began to wait, that it could be named for.
    pub(super) fn indifferent(&self, customer: &Customer, event: &Prepared<'_>) -> bool {
        let derived = &customer.derived;
        let late = derived.pending().is_none() && derived.settled.is_some_and(|settled| event.time <= settled);
        // What follows sessions follows all events that the playbook declares, so only these are known to be read by no rule.
        let declared = usize::from(event.kind.0) < self.0.model.rules.sources.declared_events;
        late && declared
            && self.0.model.touches.none(event.kind)
            && customer.begins().is_some_and(|first| first < event.time)
            && derived.changes.binary_search_by_key(&event.time, |change| change.at).is_err()
            && !self.0.model.reactions.waits_on_conditions()
    }

    /// The same as [`settle`](Self::settle) for an event later than all others.
    pub(super) fn settle_next(&self, customer: &mut Customer, news: News<'_>) -> Vec<Effect> {
        let model = &self.0.model;
        customer.mark_kind(news.kind, model.rules.plan.filters());
        let (strands, state) = customer.parts_mut();
        let told = state.advanced;
        let (reached, kept) = (told.unwrap_or(news.at).max(news.at), state.changes.len());
        let view = View::new(strands, Timestamp::MAX);
        if state.settled.is_none() {
            derive_news(model, &view, state, news.at.saturating_add_micros(-1), &news);
        }
        derive_marked(model, &view, state, reached, &news);
        if customer.derived.changes.len() == kept {
            return Vec::new();
        }
        let told = if told == Some(news.at) { told.map(|told| told.saturating_add_micros(-1)) } else { told };
        self.compare(customer.identifier(), &[], customer.derived.changes.get(kept..).unwrap_or(&[]), told)
    }

    /// Derives what an event at `time`, already in its place, changes from the instant `from` on, and compares with what was
    /// said before.
    pub(super) fn settle(&self, customer: &mut Customer, from: Timestamp, time: Timestamp) -> Vec<Effect> {
        customer.mark(self.0.model.rules.plan.filters());
        let mut state = std::mem::take(&mut customer.derived);
        let told = state.advanced;
        let frontier = state.settled;
        let reached = state.advanced.unwrap_or(time).max(time);
        let strands = customer.strands();
        let view = View::new(strands, Timestamp::MAX);
        let (said, kept) = if frontier.is_some_and(|settled| settled >= from) {
            state.rewind(from)
        } else {
            // What time alone changes comes first.
            let kept = state.changes.len();
            derive(&self.0.model, &view, &mut state, time.saturating_add_micros(-1));
            (Vec::new(), kept)
        };
        state.mark();
        derive(&self.0.model, &view, &mut state, reached);
        // What lies before the instant up to which everything was told corrects that; what comes with its last instant adds to it.
        let told = if told == Some(from) { told.map(|told| told.saturating_add_micros(-1)) } else { told };
        let effects = self.compare(customer.identifier(), &said, state.changes.get(kept..).unwrap_or(&[]), told);
        customer.derived = state;
        effects
    }

    /// What is withdrawn, corrected and new between two versions of history, of which all up to `told` was told before. What only has
    /// another cause is withdrawn and corrected too, because the id follows from the cause.
    pub(crate) fn compare(
        &self,
        customer: Option<&Identifier>,
        said: &[Change],
        holds: &[Change],
        told: Option<Timestamp>,
    ) -> Vec<Effect> {
        if said.is_empty() && holds.is_empty() {
            return Vec::new();
        }
        let namer = Namer { playbook: &self.0.playbook, model: &self.0.model, customer: customer.cloned() };
        let (before, after) = (Among::of(said), Among::of(holds));
        let withdrawn = once(said).filter(|change| !after.has(change)).map(|change| (change, EffectKind::Withdrawn));
        let news = once(holds).filter(|change| !before.has(change)).map(|change| {
            let news = told.is_none_or(|told| change.at > told) && before.cause(change).is_none();
            (change, if news { EffectKind::Happened } else { EffectKind::Corrected })
        });
        withdrawn.chain(news).map(|(change, kind)| namer.effect(change, kind)).collect()
    }
}

/// Whether too few events came since the story was last walked through for late ones to walk through all that happened since an instant.
fn puts_off(customer: &Customer, from: Timestamp) -> bool {
    let derived = &customer.derived;
    if derived.settled.is_none_or(|settled| settled < from) {
        return false;
    }
    let (later, new) = (customer.count_from(from), customer.len().saturating_sub(derived.walked_at as usize));
    later > MANY_INSTANTS && new.saturating_mul(PER_EVENT) < later
}

/// A late event is derived from at once when no more events than this happened after it.
const MANY_INSTANTS: usize = 1_024;

/// Of a longer story so many events are walked through again for late ones per event that came.
const PER_EVENT: usize = 16;

/// Changes without those that came before at the same instant, where rules moved somebody in a circle: an effect is told once.
fn once(changes: &[Change]) -> impl Iterator<Item = &Change> {
    let few = changes.len() <= FEW;
    let mut seen = BTreeSet::new();
    changes.iter().enumerate().filter_map(move |(place, change)| {
        let new = match few {
            true => !changes.get(..place)?.iter().any(|other| other.at == change.at && other.what == change.what),
            false => seen.insert((change.at, &change.what)),
        };
        new.then_some(change)
    })
}

/// So many changes are looked through one by one.
const FEW: usize = 16;

/// Changes in which others are looked up by instant and what changed; of several that are one the first counts, as in [`once`].
enum Among<'a> {
    Few(&'a [Change]),
    Many(BTreeMap<(Timestamp, &'a What), Cause<'a>>),
}

/// The event that caused a change; `None` when only time passed.
type Cause<'a> = Option<&'a str>;

impl<'a> Among<'a> {
    fn of(changes: &'a [Change]) -> Self {
        match changes.len() {
            0..=FEW => Among::Few(changes),
            _ => Among::Many(changes.iter().rev().map(|change| ((change.at, &change.what), change.event.as_deref())).collect()),
        }
    }

    /// The cause of the same change, when it is among them.
    fn cause(&self, change: &Change) -> Option<Cause<'a>> {
        match self {
            Among::Few(changes) => {
                let same = changes.iter().find(|other| other.at == change.at && other.what == change.what);
                same.map(|same| same.event.as_deref())
            }
            Among::Many(changes) => changes.get(&(change.at, &change.what)).copied(),
        }
    }

    fn has(&self, change: &Change) -> bool {
        self.cause(change) == Some(change.event.as_deref())
    }
}
