//! What is counted over all customers of a base, out of their stories.

use super::CustomerBase;
use crate::counters::{Counters, MemoryCounters, Whose, counted, feed};
use crate::customer::{Arrival, Identifier, Prepared, Strand, View};
use crate::encoding::{Reader, StateError, Writer};
use crate::value::{Span, Timestamp};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};

/// What customers took who were erased since: how much of each counter at which instants, not who. Otherwise their erasure would give it
/// back.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Carried(BTreeMap<(Arc<str>, Timestamp), i64>);

impl Carried {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.size(self.0.len());
        for ((key, time), amount) in &self.0 {
            writer.text(key);
            writer.signed(time.micros());
            writer.signed(*amount);
        }
    }

    pub(super) fn read(mut reader: Reader<'_>) -> Result<Self, StateError> {
        let mut carried = BTreeMap::new();
        let mut last: Option<(Arc<str>, Timestamp)> = None;
        for _ in 0..reader.count(3)? {
            let key = (Arc::from(reader.text()?), reader.time()?);
            if last.as_ref().is_some_and(|last| *last >= key) {
                return Err(reader.corrupt("what erased customers took, in order"));
            }
            carried.insert(key.clone(), reader.signed()?);
            last = Some(key);
        }
        reader.end()?;
        Ok(Carried(carried))
    }
}

impl CustomerBase {
    /// What is counted over all customers; `None` where the playbook limits nothing for all of them.
    pub(crate) fn counters(&self) -> Option<&dyn Counters> {
        (!self.engine.offers().counters.is_empty()).then(|| self.ledger() as &dyn Counters)
    }

    /// What is counted, and how reservations stand. Made from the stories when it is first asked for, and kept up then.
    pub(super) fn ledger(&self) -> &MemoryCounters {
        self.counted.get_or_init(|| {
            let counters = self.recount(self.customers.values().flat_map(|customer| customer.strands()));
            for ((key, time), amount) in &self.carried.0 {
                counters.carry(key, *time, *amount);
            }
            counters
        })
    }

    fn recount<'s>(&self, strands: impl Iterator<Item = &'s Strand>) -> MemoryCounters {
        let counters = MemoryCounters::default();
        let (rules, reserved) = (&self.engine.offers().counters, &self.engine.model().rules.sources.reserved);
        let kinds = counted(reserved);
        for strand in strands {
            let view = View::new(std::slice::from_ref(strand), Timestamp::MAX);
            view.events(&kinds, Span::lifetime(Timestamp::MAX), &mut |row| {
                feed(&counters, rules, Whose::All, reserved, &row);
                ControlFlow::Continue(())
            });
        }
        counters
    }

    /// Counts an event that was told. What gives way to another, or is said to be wrong, makes everything be counted anew.
    pub(super) fn count(&mut self, identifier: &Identifier, event: &Prepared<'_>, arrival: Arrival) {
        let Some(counters) = self.counted.get() else { return };
        let reserved = &self.engine.model().rules.sources.reserved;
        let counted = reserved.outcomes.contains(&event.kind) || [reserved.confirmed, reserved.released].contains(&event.kind);
        match arrival {
            Arrival::New if counted => {
                let customer = self.customers.get(self.links.customer_of(identifier));
                let strand = customer.iter().flat_map(|customer| customer.strands()).find(|own| own.identifier() == identifier);
                let Some(strand) = strand else { return };
                let view = View::new(std::slice::from_ref(strand), Timestamp::MAX);
                view.events(&[event.kind], Span::from(event.time, event.time), &mut |row| {
                    if row.id() == event.id {
                        feed(counters, &self.engine.offers().counters, Whose::All, reserved, &row);
                        return ControlFlow::Break(());
                    }
                    ControlFlow::Continue(())
                });
            }
            Arrival::ConflictKeptNew { .. } => self.counted = OnceLock::new(),
            Arrival::New if event.kind == reserved.rectified => self.counted = OnceLock::new(),
            Arrival::New | Arrival::Duplicate | Arrival::ConflictKeptOld => {}
        }
    }

    /// Keeps what some identifiers took, without saying who, before they are erased.
    pub(super) fn carry(&mut self, members: &[Identifier]) {
        if self.counters().is_some() {
            let strands = members.iter().filter_map(|member| {
                let customer = self.customers.get(self.links.customer_of(member))?;
                customer.strands().iter().find(|strand| strand.identifier() == member)
            });
            for (key, time, amount) in self.recount(strands).taken_when() {
                let carried = self.carried.0.entry((key, time)).or_default();
                *carried = carried.saturating_add(amount);
            }
        }
        self.counted = OnceLock::new();
    }
}
