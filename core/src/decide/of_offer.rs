//! What rules of offers read of the offer itself: names that stand for what the playbook says.

use super::rules::{around, tags};
use crate::expr::{Fixed, Schema};
use crate::playbook::{OF_EVERY_OFFER, Offer, PARTS, Playbook};
use crate::suggest::CatalogRules;
use crate::value::{Type, Value};
use std::sync::Arc;

/// Schemas in which the names of one offer stand for what is said of that.
pub(super) struct OfferNames<'p> {
    playbook: &'p Playbook,
    /// As they are written, with their types.
    names: Vec<(Arc<str>, Type)>,
    /// Without the items that it carries.
    pub(super) plain: Schema,
    /// With them.
    pub(super) items: Option<Schema>,
}

/// The type of what all offers have.
pub(super) fn type_of(name: &str) -> Type {
    match name {
        "cost" | "margin" | "priority" | "propensity" | "context" | "value" | "lever" => Type::Double,
        "tags" => Type::List(Box::new(Type::String)),
        "from" | "until" => Type::Timestamp,
        _ => Type::String,
    }
}

impl<'p> OfferNames<'p> {
    pub(super) fn new(playbook: &'p Playbook, schema: &Schema, catalog: Option<&CatalogRules>) -> Self {
        let every = OF_EVERY_OFFER.iter().map(|name| (format!("offer.{name}").into(), type_of(name)));
        let own = playbook.offer_attributes.iter().map(|own| (format!("offer.{}", own.name.text).into(), own.ty.clone()));
        let names = every.chain(own).collect();
        OfferNames { playbook, names, plain: schema.clone(), items: catalog.map(|catalog| catalog.schema().clone()) }
    }

    /// Lets the names stand for an offer.
    pub(super) fn stand_for(&mut self, offer: &Offer) {
        let values = values(offer, self.playbook);
        let fixed =
            self.names.iter().zip(values).map(|((path, ty), value)| Fixed { path: path.clone(), ty: ty.clone(), value });
        let fixed: Arc<[Fixed]> = fixed.collect();
        self.plain.fix(fixed.clone());
        if let Some(items) = &mut self.items {
            items.fix(fixed);
        }
    }
}

/// What is said of an offer: in the order of [`OF_EVERY_OFFER`], then its own attributes. A cost or margin that is not declared is 0.
fn values(offer: &Offer, playbook: &Playbook) -> Vec<Option<Value>> {
    let group = offer.group.as_ref().and_then(|name| playbook.groups.iter().find(|group| group.name.text == name.text));
    let text = |text: &Option<Arc<str>>| text.clone().map(Value::String);
    let every = OF_EVERY_OFFER.iter().map(|name| match *name {
        "cost" => Some(Value::Double(offer.cost.map_or(0.0, crate::value::Decimal::to_double))),
        "margin" => Some(Value::Double(offer.margin.map_or(0.0, |sum| sum as f64 / PARTS as f64))),
        "priority" => Some(Value::Double(offer.priority as f64)),
        "name" => Some(Value::String(offer.name.text.clone())),
        "title" => text(&offer.title),
        "group" => offer.group.as_ref().map(|group| Value::String(group.text.clone())),
        "owner" => offer.owner.or(group.and_then(|group| group.owner)).map(|owner| Value::text(owner.name())),
        "category" => text(&offer.category),
        "dimension" => text(&offer.dimension),
        "incentive" => text(&offer.incentive),
        "tags" => Some(Value::List(tags(offer, group).iter().map(|tag| Value::String(tag.clone())).collect())),
        "from" => {
            around(group, playbook).iter().map(|group| group.valid_from).fold(offer.valid_from, Ord::max).map(Value::from)
        }
        "until" => {
            let ends = around(group, playbook);
            ends.iter().filter_map(|group| group.valid_until).chain(offer.valid_until).min().map(Value::from)
        }
        _ => None,
    });
    every.chain(own(offer, playbook)).collect()
}

/// Its own attributes, in the order in which they are declared.
pub(super) fn own(offer: &Offer, playbook: &Playbook) -> Vec<Option<Value>> {
    playbook.offer_attributes.iter().map(|attribute| offer.attribute(attribute).cloned()).collect()
}

/// What messages show of an offer: what is said of it, and all names there are.
#[derive(Debug, Clone, Default)]
pub(super) struct ShownOffer {
    name: Arc<str>,
    /// With no value where nothing is said.
    pub(super) values: Vec<(Arc<str>, Option<Value>)>,
}

impl ShownOffer {
    pub(super) fn of(offer: &Offer, playbook: &Playbook) -> Self {
        let own = playbook.offer_attributes.iter().map(|own| own.name.text.clone());
        let names = OF_EVERY_OFFER.iter().map(|name| Arc::from(*name)).chain(own);
        ShownOffer { name: offer.name.text.clone(), values: names.zip(values(offer, playbook)).collect() }
    }

    /// Where there is no offer.
    pub(super) fn none() -> Self {
        ShownOffer::default()
    }

    /// Why a message cannot show something of the offer.
    pub(super) fn wrong(&self, name: &str, template: &str) -> Option<(String, Option<String>)> {
        match self.values.iter().find(|(own, _)| **own == *name) {
            Some((_, Some(value))) if !super::message::blank(value) => None,
            // Words that several offers share may ask first.
            Some(_) if template.contains(&format!("offer.{name} is defined")) => None,
            Some(_) => {
                let hint = format!("say what it is, or write `{{% if offer.{name} is defined %}}` around it");
                Some((format!("offer `{}` has no `{name}`, so that the message cannot show it", self.name), Some(hint)))
            }
            None if self.values.is_empty() => {
                Some(("the message shows something of an offer, but there is none".to_owned(), None))
            }
            None => {
                let near = crate::error::nearest(name, self.values.iter().map(|(own, _)| &**own));
                let hint = match near {
                    Some(near) => format!("did you mean `offer.{near}`?"),
                    None => format!("declare it: `offer_attributes: {{{name}: string}}`"),
                };
                Some((format!("offers have no `{name}`"), Some(hint)))
            }
        }
    }
}
