use super::event::Event;
use super::reserved::RECTIFIED;
use super::strand::{Arrival, Prepared, PreparedCell, Strand, StrandFull};
use super::view::StoryRow;
use super::{Customer, View};
use crate::expr::EventKind;
use crate::value::{Span, Timestamp};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Events of a strand that were rectified: they count as never told from the instant on at which that was known. By their ids.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Struck(BTreeMap<Arc<str>, Entry>);

#[derive(Clone, PartialEq)]
struct Entry {
    /// Since when it is known to be wrong.
    since: Timestamp,
    /// The event as it was told; `None` while it has not come yet.
    event: Option<Event>,
}

impl Strand {
    /// Puts an event in its place, or among those that were rectified. O(log n) to find it; an event later than all others of its
    /// type is appended.
    pub(crate) fn insert(&mut self, event: &Prepared<'_>) -> Result<Arrival, StrandFull> {
        if self.layout().rectified() == Some(event.kind) {
            return self.rectify(event);
        }
        let Some(struck) = self.struck_mut().as_mut().and_then(|struck| struck.0.get_mut(&*event.id)) else {
            return self.place(event);
        };
        // It is put beside what was told before under its id, and both give way.
        let before = struck.event.take();
        self.restore(before.as_ref())?;
        let arrival = self.place(event)?;
        self.strike(&event.id);
        Ok(arrival)
    }

    /// Takes in that an event is wrong.
    fn rectify(&mut self, event: &Prepared<'_>) -> Result<Arrival, StrandFull> {
        let arrival = self.place(event)?;
        let Some(PreparedCell::Text(id)) = event.cells.first() else { return Ok(arrival) };
        if let Arrival::ConflictKeptNew { .. } = arrival {
            // What gave way may have named another event.
            let before = std::mem::take(self.struck_mut());
            self.expect();
            for (id, entry) in before.map(|struck| struck.0).into_iter().flatten() {
                self.restore(entry.event.as_ref())?;
                self.strike(&id);
            }
        } else if arrival == Arrival::ConflictKeptOld {
            return Ok(arrival);
        }
        let known_at = event.known_at;
        let struck = self.struck_mut().get_or_insert_default();
        let entry = struck.0.entry(Arc::from(&**id)).or_insert(Entry { since: known_at, event: None });
        entry.since = entry.since.min(known_at);
        self.strike(id);
        Ok(arrival)
    }

    /// Remembers which events are rectified by what is in the story.
    pub(super) fn expect(&mut self) {
        let Some(kind) = self.layout().rectified() else { return };
        let mut struck = Struck::default();
        View::new(std::slice::from_ref(self), Timestamp::MAX).events(&[kind], Span::lifetime(Timestamp::MAX), &mut |row| {
            if let Some(id) = row.text(0) {
                let since = row.known_at();
                let entry = struck.0.entry(Arc::from(id)).or_insert(Entry { since, event: None });
                entry.since = entry.since.min(since);
            }
            ControlFlow::Continue(())
        });
        *self.struck_mut() = (!struck.0.is_empty()).then(|| Box::new(struck));
    }

    /// Moves an event that was rectified out of the story. Links and relations stay: `unlinked` and `unrelated` take these back.
    fn strike(&mut self, id: &str) {
        let layout = self.layout().clone();
        let reserved = |kind: EventKind| {
            let name = layout.schema().event_decl(kind).map(|event| &*event.name);
            matches!(name, Some(RECTIFIED | "linked" | "unlinked" | "related" | "unrelated"))
        };
        let Some((kind, row)) = self.row_of(id).filter(|(kind, _)| !reserved(*kind)) else { return };
        let told = StoryRow::at(self, kind, row).and_then(|row| row.told());
        if let Some(entry) = self.struck_mut().as_mut().and_then(|struck| struck.0.get_mut(id)) {
            entry.event = told;
            self.remove(id);
        }
    }

    fn restore(&mut self, event: Option<&Event>) -> Result<(), StrandFull> {
        let layout = self.layout().clone();
        if let Some(Ok(prepared)) = event.map(|event| layout.prepare(event, None)) {
            self.place(&prepared)?;
        }
        Ok(())
    }

    /// The events that were rectified, by id; they are not in the story.
    pub fn rectified(&self) -> impl Iterator<Item = &Event> {
        self.struck().into_iter().flat_map(|struck| struck.0.values()).filter_map(|entry| entry.event.as_ref())
    }

    /// Whether an event of that id is kept, or is awaited since it was rectified.
    pub(crate) fn knows(&self, id: &str) -> bool {
        let aside = || self.aside().iter().any(|aside| aside.event().id.as_deref() == Some(id));
        self.row_of(id).is_some() || self.struck().is_some_and(|struck| struck.0.contains_key(id)) || aside()
    }

    /// The event of an id that was rectified.
    pub(crate) fn rectified_event(&self, id: &str) -> Option<&Event> {
        self.struck()?.0.get(id)?.event.as_ref()
    }

    /// Takes events out of the bytes that hold them; gives back what was not rectified.
    pub(super) fn keep_rectified(&mut self, events: Vec<Event>) -> Vec<Event> {
        let mut others = Vec::new();
        for event in events {
            let id = event.id.clone().unwrap_or_default();
            match self.struck_mut().as_mut().and_then(|struck| struck.0.get_mut(&*id)) {
                Some(entry) if entry.event.is_none() => entry.event = Some(event),
                _ => others.push(event),
            }
        }
        others
    }

    /// Forgets events of a type up to an instant that were rectified.
    pub(super) fn forget_rectified(&mut self, name: &str, until: Timestamp) {
        for entry in self.struck_mut().iter_mut().flat_map(|struck| struck.0.values_mut()) {
            entry.event.take_if(|event| event.event_type == name && event.time <= until);
        }
    }

    /// Whether an event was in the story by what was known at an instant, and is not any more.
    fn rectified_after(&self, known_at: Timestamp) -> bool {
        let later = |entry: &Entry| entry.since > known_at && entry.event.is_some();
        self.struck().is_some_and(|struck| struck.0.values().any(later))
    }

    /// Puts the events back that were not known to be wrong at an instant.
    fn unrectify(&mut self, known_at: Timestamp) {
        let later = self.struck_mut().iter_mut().flat_map(|struck| struck.0.values_mut());
        let events: Vec<Event> = later.filter(|entry| entry.since > known_at).filter_map(|entry| entry.event.take()).collect();
        for event in events {
            // It was in its place before.
            let _ = self.restore(Some(&event));
        }
    }
}

impl Customer {
    /// The events that were rectified: told once, and known to be wrong since.
    pub fn rectified(&self) -> impl Iterator<Item = &Event> {
        self.strands().iter().flat_map(Strand::rectified)
    }

    /// The customer with the events that were not known to be wrong at an instant; `None` when there are none.
    pub(crate) fn before_rectified(&self, known_at: Timestamp) -> Option<Customer> {
        if self.strands().iter().all(|strand| strand.struck().is_none() || !strand.rectified_after(known_at)) {
            return None;
        }
        let mut customer = self.clone();
        customer.strands_mut().iter_mut().for_each(|strand| strand.unrectify(known_at));
        customer.derived = super::Derived::default();
        Some(customer)
    }
}

/// The text of the first property of an event, which names another event.
pub(crate) fn named_event<'a>(event: &'a Prepared<'_>) -> Option<&'a str> {
    match event.cells.first()? {
        PreparedCell::Text(id) => Some(id),
        _ => None,
    }
}
