//! What can be shown: offers and their treatments.

use super::catalog::suggestion_names;
use super::model::{Name, Offer, Shown, Treatment};
use super::read::{At, Loader};

impl Loader<'_> {
    pub(super) fn offers(&mut self, root: &At<'_>) -> Vec<Offer> {
        let Some(section) = root.get("offers") else { return Vec::new() };
        let named = self.named(&section, "an offer");
        let known = suggestion_names(root);
        let one = |(name, at): (Name, At<'_>)| Offer { items: self.offer_items(&at, &known), ..self.offer(root, name, &at) };
        named.into_iter().map(one).collect()
    }

    fn offer(&mut self, root: &At<'_>, name: Name, at: &At<'_>) -> Offer {
        let purposes = self.purposes_of(at);
        let known = self.declared.placements.clone();
        let placements = self.references(at, "placements", "placement", &known);
        let (valid_from, valid_until) = self.validity(at, &format!("offer `{}`", name.text));
        let group = at.get("group").and_then(|at| {
            let known = self.declared.groups.clone();
            self.reference(&at, "group", &known)
        });
        let (eligible, if_eligible) = self.condition(at, "eligible", false);
        let (applicable, if_applicable) = self.condition(at, "applicable", false);
        let (suitable, if_suitable) = self.condition(at, "suitable", false);
        Offer {
            title: at.text("title"),
            purposes,
            placements,
            valid_from,
            valid_until,
            reads: self.kinds_of(at),
            assurance: at.assurance(),
            minors: at.flag("minors"),
            group,
            owner: at.owner(),
            tags: self.tags(at),
            area: self.area(root, at),
            transactional: at.flag("transactional"),
            obeys: self.switch(at, "obeys"),
            counts: self.switch(at, "counts"),
            eligible,
            applicable,
            suitable,
            when_unknown: [if_eligible, if_applicable, if_suitable],
            factors: ["propensity", "context", "value", "lever"].map(|key| self.factor(&at.get(key)?)),
            priority: at.number("priority").unwrap_or(0),
            category: at.text("category"),
            dimension: at.text("dimension"),
            incentive: at.text("incentive"),
            mandatory: at.flag("mandatory"),
            margin: self.money_of(at, "margin"),
            treatments: at.get("treatments").map(|section| self.treatments(&section)).unwrap_or_default(),
            inventory: self.inventory(at),
            cost: self.money(at, "cost", None),
            terms: self.terms(at),
            commitment: self.commitment(at),
            despite_overdue: at.flag("despite_overdue"),
            items: None,
            question: self.question(at),
            attributes: Vec::new(),
            name,
        }
    }

    fn treatments(&mut self, section: &At<'_>) -> Vec<Treatment> {
        let mut treatments = Vec::new();
        for at in section.children() {
            let Some(channel) = self.channel(&at.key, at.spot, &at.path) else { continue };
            let with = at.get("with").map(|section| self.shown(&section)).unwrap_or_default();
            let variants = self.variants(&at);
            if !variants.is_empty() {
                let (obeys, counts) = (self.switch(&at, "obeys"), self.switch(&at, "counts"));
                treatments.push(Treatment { channel, variants, with, assurance: at.assurance(), obeys, counts });
            }
        }
        treatments
    }

    pub(super) fn shown(&mut self, section: &At<'_>) -> Vec<Shown> {
        let named = self.identifiers(section, "a shown value");
        let read = |(name, at): (Name, At<'_>)| {
            let value = self.rule(&at).or_else(|| self.rule_of(&at, "value"))?;
            Some(Shown { name, value, missing: at.text("missing") })
        };
        named.into_iter().filter_map(read).collect()
    }
}
