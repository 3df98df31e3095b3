use crate::value::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// One counter: what was taken when, and which reservations are open.
#[derive(Debug, Clone, Default)]
pub(super) struct Account {
    /// What was taken for good, by who took it: when, and how much.
    uses: BTreeMap<String, (Timestamp, i64)>,
    /// When something was taken, sorted, and how much in all up to and including each.
    times: Vec<Timestamp>,
    sums: Vec<i64>,
    /// Reservations by their end.
    open: BTreeSet<(Timestamp, String)>,
}

impl Account {
    /// What was taken for good in a span. Logarithmic.
    pub(super) fn taken(&self, span: Span) -> i64 {
        let up_to = |place: usize| place.checked_sub(1).and_then(|last| self.sums.get(last)).copied().unwrap_or(0);
        let before = self.times.partition_point(|time| *time <= span.after);
        let end = self.times.partition_point(|time| *time <= span.until).max(before);
        up_to(end).saturating_sub(up_to(before))
    }

    /// Who has a reservation that is not over at an instant.
    pub(super) fn open(&self, now: Timestamp) -> impl Iterator<Item = &str> {
        let later = self.open.range((now.saturating_add_micros(1), String::new())..);
        later.map(|(_, id)| id.as_str())
    }

    /// When somebody took for good.
    pub(super) fn used(&self, id: &str) -> Option<Timestamp> {
        self.uses.get(id).map(|(time, _)| *time)
    }

    /// What was taken for good: when, and how much.
    pub(super) fn uses(&self) -> impl Iterator<Item = (Timestamp, i64)> {
        self.uses.values().copied()
    }

    /// Takes for good. Once per name: the first time counts, however late it is told.
    pub(super) fn take(&mut self, id: &str, time: Timestamp, amount: i64) {
        match self.uses.get(id) {
            Some((earlier, _)) if *earlier <= time => return,
            Some((later, amount)) => {
                let (later, amount) = (*later, *amount);
                self.add(later, amount.saturating_neg());
            }
            None => {}
        }
        self.uses.insert(id.to_owned(), (time, amount));
        self.add(time, amount);
    }

    fn add(&mut self, time: Timestamp, amount: i64) {
        let place = self.times.partition_point(|other| *other < time);
        if self.times.get(place) != Some(&time) {
            let before = place.checked_sub(1).and_then(|last| self.sums.get(last)).copied().unwrap_or(0);
            self.times.insert(place, time);
            self.sums.insert(place, before);
        }
        self.sums.iter_mut().skip(place).for_each(|sum| *sum = sum.saturating_add(amount));
    }

    pub(super) fn hold(&mut self, id: &str, until: Timestamp) {
        self.open.insert((until, id.to_owned()));
    }

    pub(super) fn drop_hold(&mut self, id: &str, until: Timestamp) {
        self.open.remove(&(until, id.to_owned()));
    }
}
