//! When the events of each instance of a journey with a key happened, so that what is one instance's is found without going through
//! what is that of all others.

use crate::value::Timestamp;
use smallvec::SmallVec;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The instants at which events of each key happened, as far as a walk has come. It is made anew with every walk and never encoded.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Keyed {
    /// Nothing up to this instant is in it; `None` when all is.
    after: Option<Timestamp>,
    /// In the order of time.
    all: Vec<Mention>,
    /// The place of the last of each key.
    last: BTreeMap<Arc<str>, u32>,
}

/// One instant at which something happened to one instance.
#[derive(Debug, Clone, PartialEq)]
struct Mention {
    at: Timestamp,
    key: Arc<str>,
    /// The place of the one before of the same key.
    before: Option<u32>,
}

impl Keyed {
    /// From here on, of a walk that has come to an instant.
    pub(crate) fn beginning(settled: Option<Timestamp>) -> Self {
        Keyed { after: settled, ..Keyed::default() }
    }

    /// Up to which instant events have to be looked for elsewhere.
    pub(crate) fn after(&self) -> Option<Timestamp> {
        self.after
    }

    /// Something happened to an instance, at or after all that was told.
    pub(crate) fn push(&mut self, key: &Arc<str>, at: Timestamp) {
        let Ok(place) = u32::try_from(self.all.len()) else { return };
        let before = match self.last.get_mut(key) {
            Some(last) => Some(std::mem::replace(last, place)),
            None => {
                self.last.insert(key.clone(), place);
                None
            }
        };
        self.all.push(Mention { at, key: key.clone(), before });
    }

    /// A walk went back to an instant.
    pub(crate) fn rewind(&mut self, settled: Option<Timestamp>) {
        while self.all.last().is_some_and(|last| settled.is_none_or(|settled| last.at > settled)) {
            let Some(Mention { key, before, .. }) = self.all.pop() else { break };
            match (before, self.last.get_mut(&key)) {
                (Some(before), Some(last)) => *last = before,
                _ => {
                    self.last.remove(&key);
                }
            }
        }
        self.after = self.after.filter(|after| settled.is_some_and(|settled| settled >= *after)).or(self.after.and(settled));
    }

    /// The instants at which something happened to an instance after one and up to another, in order.
    pub(crate) fn instants(&self, key: &str, after: Timestamp, until: Timestamp) -> SmallVec<[Timestamp; 8]> {
        let mut found = SmallVec::new();
        let mut next = self.last.get(key).copied();
        while let Some(mention) = next.and_then(|place| self.all.get(place as usize)).filter(|mention| mention.at > after) {
            if mention.at <= until {
                found.push(mention.at);
            }
            next = mention.before;
        }
        found.dedup();
        found.reverse();
        found
    }

    /// Bytes of memory in use, roughly.
    pub(crate) fn memory(&self) -> usize {
        self.all.capacity() * size_of::<Mention>() + self.last.len() * 64
    }
}
