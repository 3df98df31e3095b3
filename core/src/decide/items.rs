//! The items that offers carry: chosen before offers are ranked, and again when another offer took one of them.

use super::Reads;
use super::contact::Contacts;
use super::gates::{Detail, Stop};
use super::message::Messages;
use super::rules::{OfferRule, Offers, TreatmentRule};
use super::trace::Gate;
use crate::suggest::{Asking, ItemsRule, Suggested, Suggestions, choose};
use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What one decision chooses items from.
pub(super) struct Shop<'r, 'a> {
    offers: &'r Offers,
    reads: Reads<'r, 'a>,
    /// For offers that read of nobody else.
    common: OnceCell<Option<Asking<'r, 'a>>>,
    /// By place in [`Offers::shared`].
    shared: Vec<OnceCell<Option<Asking<'r, 'a>>>>,
}

impl<'r, 'a> Shop<'r, 'a> {
    pub(super) fn new(offers: &'r Offers, reads: Reads<'r, 'a>) -> Self {
        let shared = reads.shared.iter().map(|_| OnceCell::new()).collect();
        Shop { offers, reads, common: OnceCell::new(), shared }
    }

    /// The customer asking as far as an offer may read of them; `None` where there is no catalog.
    pub(super) fn asking(&self, offer: &OfferRule) -> Option<&Asking<'r, 'a>> {
        let suggestions: &Suggestions = self.offers.suggestions.as_ref()?;
        let shelf = self.reads.shelf?;
        let cell = offer.beside.and_then(|place| self.shared.get(place)).unwrap_or(&self.common);
        let context = self.reads.of(offer);
        cell.get_or_init(|| Some(Asking::new(&suggestions.catalog, &suggestions.list, shelf, context))).as_ref()
    }

    /// What messages are written with.
    pub(super) fn messages(&self) -> &'r Messages {
        &self.offers.messages
    }

    /// The items of an offer, none for one that carries none; `shown` are those of earlier offers, which are not repeated.
    pub(super) fn choose(
        &self,
        offer: &OfferRule,
        treatment: &TreatmentRule,
        contacts: &Contacts<'_, '_>,
        shown: &BTreeSet<Arc<str>>,
        detail: Detail,
    ) -> Result<Vec<Suggested>, Stop> {
        let Some(rule): Option<&ItemsRule> = offer.items.as_ref() else { return Ok(Vec::new()) };
        let stop = |reason: String| Stop::because(Gate::Items, false, detail, || reason);
        let asking = self.asking(offer).ok_or_else(|| stop("the catalog has no items".to_owned()))?;
        let spent = contacts.spent_items(offer, treatment);
        choose(asking, rule, shown, &|item| spent.holds(item)).map_err(stop)
    }
}
