use super::arbitrate::Chance;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Offers that explored slots are given to in place of those drawn, to learn how probable each would have been after those before it.
///
/// Everything else is as in any decision: what is given a slot counts for caps, stock, diversity and items of the slots that follow.
#[derive(Debug, Default)]
pub(crate) struct Replayed {
    /// By placement, the offers of its slots.
    offers: BTreeMap<Arc<str>, Vec<Arc<str>>>,
    /// By placement and slot, how probable each offer was that could have had it.
    told: RefCell<BTreeMap<(Arc<str>, usize), Vec<(Arc<str>, f64)>>>,
}

impl Replayed {
    pub(crate) fn new(offers: BTreeMap<Arc<str>, Vec<Arc<str>>>) -> Self {
        Replayed { offers, told: RefCell::default() }
    }

    /// Which of those that run for a slot gets it; `None` when nobody is named or who is does not run.
    pub(super) fn take<'n>(
        &self,
        placement: &Arc<str>,
        slot: usize,
        running: impl Iterator<Item = (&'n Arc<str>, &'n Chance)>,
    ) -> Option<usize> {
        let chances: Vec<(Arc<str>, f64)> = running.map(|(offer, chance)| (offer.clone(), chance.probability)).collect();
        let named = self.offers.get(placement).and_then(|offers| offers.get(slot));
        let place = named.and_then(|named| chances.iter().position(|(offer, _)| offer == named));
        self.told.borrow_mut().insert((placement.clone(), slot), chances);
        place
    }

    /// How probable each offer was for an explored slot; `None` for a slot that was not explored, or for which nothing was left.
    pub(crate) fn told(&self, placement: &Arc<str>, slot: usize) -> Option<Vec<(Arc<str>, f64)>> {
        self.told.borrow().get(&(placement.clone(), slot)).cloned()
    }
}
