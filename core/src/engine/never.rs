//! Offers that can never be shown for reasons other than their conditions: dates, stock, money, caps of nothing, channels without a placement.

use crate::decide::{OfferRule, Offers};
use crate::journey::Model;
use crate::playbook::{AtMost, Demand, Offer, Playbook, Scope};

/// Why an offer can never be shown, whatever its conditions say; as far as the playbook alone tells.
pub(super) fn why(playbook: &Playbook, model: &Model, offers: &Offers, (offer, rule): (&Offer, &OfferRule)) -> Option<String> {
    if let (Some(from), Some(until)) = (rule.from, rule.until)
        && until <= from
    {
        return Some(format!("with its group it begins at {from} and ends at {until}"));
    }
    if offer.inventory.iter().any(|stock| stock.at_most == 0) {
        return Some("its `inventory` is 0".to_owned());
    }
    let bears = |names: &[crate::playbook::Name]| names.is_empty() || names.iter().any(|name| name.text == offer.name.text);
    let dear = offer.cost.map(crate::value::Decimal::to_double).and_then(|cost| {
        let budget = playbook.budgets.iter().find(|budget| bears(&budget.offers) && cost > budget.amount.to_double())?;
        Some(format!("it costs {cost}, more than all of the budget `{}`", budget.name.text))
    });
    if dear.is_some() {
        return dear;
    }
    if rule.treatments.is_empty() || offers.placements.is_empty() {
        return None;
    }
    let of_all = |scope: &Scope| matches!(scope, Scope::Everything | Scope::Offer | Scope::Placement | Scope::Channel);
    let nothing = playbook.contact.iter().enumerate().find(|(number, contact)| {
        let none = matches!(&contact.demand, Demand::Cap { at_most: AtMost::Number(0), .. }) && of_all(&contact.scope);
        none && rule.treatments.iter().all(|treatment| treatment.obeys.holds(*number))
    });
    if let Some((_, contact)) = nothing {
        return Some(format!("`{}` allows 0", contact.name));
    }
    let here = |(number, placement)| crate::decide::here(rule, number, placement).is_some();
    let place = offers.offers.iter().position(|own| own.name == rule.name);
    let singled = model.reactions.rules.iter().filter_map(|reaction| reaction.offers.as_ref());
    let singled = singled.flatten().any(|own| Some(*own) == place);
    // Of placements that it names itself something is said already.
    let lost = offer.placements.is_empty() && !singled && !offers.placements.iter().enumerate().any(here);
    lost.then(|| {
        let channels: Vec<String> = rule.treatments.iter().map(|treatment| format!("`{}`", treatment.channel)).collect();
        format!("no placement is on {}", channels.join(" or "))
    })
}
