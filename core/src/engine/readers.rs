//! Which offers read something, themselves or through what is concluded from it.

use super::Engine;
use super::labels::Ground;
use std::sync::Arc;

impl Engine {
    /// The offers that read an attribute, by its number, to be chosen, ranked or worded.
    pub(crate) fn attribute_readers(&self, number: usize) -> Vec<Arc<str>> {
        self.readers(Ground::Attribute(number))
    }

    /// The offers that read a segment.
    pub(crate) fn segment_readers(&self, number: usize) -> Vec<Arc<str>> {
        self.readers(Ground::Segment(number))
    }

    /// The offers that read a need, which are taken to answer it.
    pub(crate) fn answers_to(&self, need: usize) -> Vec<Arc<str>> {
        self.readers(Ground::Need(need))
    }

    fn readers(&self, ground: Ground) -> Vec<Arc<str>> {
        let (playbook, rules, flow) = (self.playbook(), &self.model().rules, &self.0.flow);
        // What guards all offers is read by each.
        let guarded = self.offers().guards().any(|rule| flow.reads(rule, ground, playbook, rules));
        let reads =
            |offer: &&crate::decide::OfferRule| guarded || offer.rules().any(|rule| flow.reads(rule, ground, playbook, rules));
        self.offers().offers.iter().filter(reads).map(|offer| offer.name.clone()).collect()
    }
}
