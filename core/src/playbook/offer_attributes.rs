//! What a playbook declares of offers beside what all offers have: the attributes, and their values for offers and groups.

use super::groups::Group;
use super::model::{Name, Offer};
use super::read::{At, Loader};
use super::source::cut;
use super::types;
use crate::error::nearest;
use crate::value::{Type, Value};
use std::sync::Arc;

/// What rules and messages read of every offer, in this order; `offer.name` and so on.
pub(crate) const OF_EVERY_OFFER: [&str; 13] = [
    "cost",
    "margin",
    "priority",
    "name",
    "title",
    "group",
    "owner",
    "category",
    "dimension",
    "incentive",
    "tags",
    "from",
    "until",
];

/// What formulas read besides.
pub(crate) const FACTORS: [&str; 4] = ["propensity", "context", "value", "lever"];

/// An attribute of offers; rules of offers, formulas and messages read `offer.<name>`.
#[derive(Debug, Clone, PartialEq)]
pub struct OfferAttribute {
    /// Its name.
    pub name: Name,
    /// `title`.
    pub title: Option<Arc<str>>,
    /// `type`.
    pub ty: Type,
    /// `default`: what offers have that say nothing else.
    pub default: Option<Value>,
}

/// Values of attributes, by name.
pub(super) type Values = Vec<(Name, Value)>;

impl Loader<'_> {
    /// The attributes of offers; what offers and groups say of them is filled in.
    pub(super) fn offer_attributes(
        &mut self,
        root: &At<'_>,
        offers: &mut [Offer],
        groups: &mut [Group],
    ) -> Vec<OfferAttribute> {
        let section = root.get("offer_attributes");
        let named = section.map(|section| self.identifiers(&section, "an attribute of offers")).unwrap_or_default();
        let declared: Vec<OfferAttribute> =
            named.into_iter().filter_map(|(name, at)| self.declared_of_offers(name, &at)).collect();
        let groups_at = root.get("groups");
        for at in groups_at.iter().flat_map(At::children) {
            let own = self.values(&at, &declared);
            let Some(place) = groups.iter().position(|group| group.name.text == at.key) else { continue };
            // Parts are declared after what they are a part of.
            let of = groups[place].of.as_ref().map(|of| of.text.clone());
            let around = groups.iter().find(|group| Some(&group.name.text) == of.as_ref());
            let around = around.map(|group| group.attributes.clone()).unwrap_or_default();
            groups[place].attributes = with(own, &around);
        }
        let offers_at = root.get("offers");
        for at in offers_at.iter().flat_map(At::children).filter(|at| at.get("attributes").is_some()) {
            let own = self.values(&at, &declared);
            if let Some(offer) = offers.iter_mut().find(|offer| offer.name.text == at.key) {
                offer.attributes = own;
            }
        }
        for offer in offers.iter_mut() {
            let group = offer.group.as_ref().and_then(|name| groups.iter().find(|group| group.name.text == name.text));
            if let Some(group) = group.filter(|group| !group.attributes.is_empty()) {
                offer.attributes = with(std::mem::take(&mut offer.attributes), &group.attributes);
            }
        }
        declared
    }

    fn declared_of_offers(&mut self, name: Name, at: &At<'_>) -> Option<OfferAttribute> {
        if OF_EVERY_OFFER.iter().chain(&FACTORS).any(|own| **own == *name.text) {
            let message = format!("`{}` is something that every offer has", name.text);
            let hint = "take another name, or write the key of the offer itself".to_owned();
            self.error_at_key("reserved_name", at, message, Some(hint));
            return None;
        }
        let ty = self.type_within(at).unwrap_or(Type::Dyn);
        let default = at.get("default").and_then(|default| self.value(&default, &ty, "bad_default"));
        Some(OfferAttribute { name, title: at.text("title"), ty, default })
    }

    fn value(&mut self, at: &At<'_>, ty: &Type, code: &'static str) -> Option<Value> {
        // What has no type is a mistake already.
        if *ty == Type::Dyn {
            return None;
        }
        match types::value(at.node, ty) {
            Ok(value) => Some(value),
            Err(wrong) => {
                self.error(code, at, wrong.message, wrong.hint);
                None
            }
        }
    }

    fn values(&mut self, at: &At<'_>, declared: &[OfferAttribute]) -> Values {
        let mut values = Values::new();
        let section = at.get("attributes");
        for at in section.iter().flat_map(At::children) {
            match declared.iter().find(|attribute| attribute.name.text == at.key) {
                Some(attribute) => {
                    let name = Name { text: at.key.clone(), place: self.findings.place(at.spot) };
                    values.extend(self.value(&at, &attribute.ty, "bad_value").map(|value| (name, value)));
                }
                None => {
                    let hint = match nearest(&at.key, declared.iter().map(|attribute| &*attribute.name.text)) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("declare its type at the top: `offer_attributes: {{{}: string}}`", cut(&at.key)),
                    };
                    let message = format!("`offer_attributes` does not declare `{}`", cut(&at.key));
                    self.error_at_key("unknown_name", &at, message, Some(hint));
                }
            }
        }
        values
    }
}

/// Values, and those of what is around for names that have none.
fn with(mut own: Values, around: &Values) -> Values {
    let more: Values =
        around.iter().filter(|(name, _)| !own.iter().any(|(known, _)| known.text == name.text)).cloned().collect();
    own.extend(more);
    own
}

impl Offer {
    /// The value of a declared attribute: its own, that of its group, or else the default.
    #[must_use]
    pub fn attribute<'a>(&'a self, attribute: &'a OfferAttribute) -> Option<&'a Value> {
        let own = self.attributes.iter().find(|(name, _)| name.text == attribute.name.text).map(|(_, value)| value);
        own.or(attribute.default.as_ref())
    }
}
