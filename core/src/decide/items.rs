use super::gates::{Detail, Stop};
use super::message::{Written, write};
use super::rules::Offers;
use super::trace::Gate;
use super::{Reads, Survivor};
use crate::suggest::{Asking, Suggested, choose};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The message of an offer with the items that it carries; `shown` are those of earlier ones, which are not repeated.
pub(super) fn answer(
    offers: &Offers,
    reads: Reads<'_, '_>,
    survivor: &Survivor<'_>,
    shown: &BTreeSet<Arc<str>>,
    detail: Detail,
) -> Result<(Written, Vec<Suggested>), Stop> {
    let (offer, context) = (survivor.offer, reads.of(survivor.offer));
    let (Some(rule), Some(suggestions)) = (&offer.items, &offers.suggestions) else {
        let written = write(&offers.messages, offer, survivor.treatment, context, None, detail)?;
        return Ok((written, Vec::new()));
    };
    let stop = |reason: String| Stop::new(Gate::Message, false, vec![reason]);
    let shelf = reads.shelf.ok_or_else(|| stop("the catalog has no items".to_owned()))?;
    let asking = Asking::new(&suggestions.catalog, &suggestions.list, shelf, context);
    let items = choose(&asking, rule, shown).map_err(stop)?;
    let carried = Some((&items[..], &suggestions.catalog, &*shelf.catalog));
    let written = write(&offers.messages, offer, survivor.treatment, context, carried, detail)?;
    Ok((written, items))
}
