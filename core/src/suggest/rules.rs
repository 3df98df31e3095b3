use super::choose::Store;
use crate::catalog::{Columns, Item};
use crate::context::{Rule, Sources};
use crate::error::Diagnostic;
use crate::expr::{EventKind, Expected, PropertyId, Schema, TimeClass};
use crate::playbook::{
    CatalogSection, HowToSuggest, ItemCategory, Name, OUTCOMES, OfferItems, Playbook, SuggestOf, Suggestion, Text,
};
use crate::value::{Duration, Type, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The compiled catalog of a playbook.
#[derive(Debug)]
pub(crate) struct CatalogRules {
    pub(super) item: PropertyId,
    /// The items that an offer carries, of outcomes; only where offers carry some.
    pub(super) items: Option<PropertyId>,
    /// Event types from this number on belong to the engine.
    pub(super) declared_events: usize,
    pub(super) bought: Vec<EventKind>,
    pub(super) seen: Vec<EventKind>,
    pub(super) returned: Vec<EventKind>,
    /// The property that the lines of one basket share.
    pub(super) basket: Option<PropertyId>,
    /// The columns of its table.
    pub(crate) columns: Columns,
    pub(super) size: Option<usize>,
    pub(super) store: Vec<Rule>,
    pub(super) categories: BTreeMap<Arc<str>, ItemCategory>,
    pub(super) complements: BTreeMap<Arc<str>, Vec<Arc<str>>>,
    /// The names of a playbook and `item.…`, whose facts begin at [`first_fact`](Self::first_fact).
    pub(super) schema: Schema,
    pub(super) first_fact: u32,
    /// Names of what is in an item, in the order of its facts.
    pub(super) fields: Vec<Arc<str>>,
}

/// Facts of an item after its attributes.
const STOCK: &str = "stock";
const STORES: &str = "stores";

/// A compiled way to choose items.
#[derive(Debug)]
pub(crate) struct SuggestionRule {
    pub(crate) name: Arc<str>,
    pub(super) how: HowToSuggest,
    pub(super) of: OfRule,
    pub(super) within: Option<Duration>,
    pub(super) only: Option<Rule>,
    /// Support, confidence, lift.
    pub(super) least: [f64; 3],
    pub(super) by: By,
    pub(super) band: [f64; 2],
    pub(super) lead: Duration,
    pub(super) after: Option<(EventKind, Arc<str>)>,
    pub(super) items: Vec<Arc<str>>,
    /// What it reads of the story, as rules of which only that counts.
    pub(super) reads: Vec<Rule>,
}

/// Which items a suggestion begins with.
#[derive(Debug)]
pub(super) enum OfRule {
    Bought,
    Seen,
    Rule(Rule),
}

/// Among whom something is popular.
#[derive(Debug)]
pub(super) enum By {
    Everybody,
    /// Numbers and names of segments.
    Segments(Vec<(usize, Arc<str>)>),
    /// An attribute of the customer, which its rule reads.
    Attribute(Arc<str>, Rule),
}

/// The items of an offer: suggestions by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ItemsRule {
    pub(crate) from: Vec<usize>,
    pub(super) at_most: usize,
    pub(super) at_least: usize,
    pub(super) per_category: Option<usize>,
}

impl CatalogRules {
    pub(crate) fn compile(section: &CatalogSection, sources: &Sources, findings: &mut Vec<Diagnostic>) -> Option<Self> {
        let kinds = |names: &[Name]| names.iter().filter_map(|name| sources.schema.event(&name.text)).collect();
        let mut schema = sources.schema.clone();
        let first_fact = u32::try_from(schema.facts().len()).unwrap_or(u32::MAX);
        let mut fields: Vec<(Arc<str>, Type)> = ["id", "name", "category"].map(|name| (Arc::from(name), Type::String)).to_vec();
        fields.push((Arc::from("price"), section.price.clone().unwrap_or(Type::Double)));
        fields.extend(section.attributes.iter().map(|(name, ty)| (name.text.clone(), ty.clone())));
        fields.push((Arc::from(STOCK), Type::Int));
        if fields.iter().all(|(name, _)| **name != *STORES) {
            fields.push((Arc::from(STORES), Type::List(Box::new(Type::String))));
        }
        for (name, ty) in &fields {
            schema.declare_fact(&format!("item.{name}"), ty.clone(), TimeClass::Constant);
        }
        let size = section.size.as_ref().and_then(|name| section.attributes.iter().position(|(own, _)| own.text == name.text));
        let rule = |text: &Text| Rule::compile(text, &sources.schema, &Expected::Any, findings);
        let store = section.store.iter().filter_map(rule).collect();
        Some(CatalogRules {
            item: sources.schema.property(&section.item.text)?,
            items: sources.reserved.items.and_then(|_| sources.schema.property("items")),
            declared_events: sources.declared_events,
            bought: kinds(&section.bought),
            seen: kinds(&section.seen),
            basket: section.basket.as_ref().and_then(|name| sources.schema.property(&name.text)),
            returned: kinds(&section.returned),
            columns: Columns {
                price: section.price.clone(),
                attributes: section.attributes.iter().map(|(name, ty)| (name.text.clone(), ty.clone())).collect(),
            },
            size,
            store,
            categories: section.categories.iter().map(|category| (category.name.clone(), category.clone())).collect(),
            complements: section
                .complements
                .iter()
                .map(|(name, with)| (name.text.clone(), with.iter().map(|name| name.text.clone()).collect()))
                .collect(),
            schema,
            first_fact,
            fields: fields.into_iter().map(|(name, _)| name).collect(),
        })
    }

    /// What is in an item, by the order of its facts; `store` as for [`Stock`](crate::catalog::Stock).
    pub(super) fn field(&self, item: &Item, place: usize, store: &Store) -> Option<Value> {
        match place {
            0 => Some(Value::String(item.id.clone())),
            1 => Some(Value::String(item.name.clone())),
            2 => item.category.clone().map(Value::String),
            3 => item.price.clone(),
            place if place - 4 < self.columns.attributes.len() => item.values.get(place - 4)?.clone(),
            place if place - 4 == self.columns.attributes.len() => {
                let count = item.stock.count(store.as_ref()?.as_deref())?;
                Some(Value::Int(i64::try_from(count).unwrap_or(i64::MAX)))
            }
            _ => item.stock.stores().map(|stores| Value::List(stores.map(Value::String).collect::<Vec<_>>().into())),
        }
    }

    /// What is known of an item, by name.
    pub(crate) fn known(&self, item: &Item, store: &Store) -> impl Iterator<Item = (&Arc<str>, Value)> {
        self.fields.iter().enumerate().filter_map(|(place, name)| Some((name, self.field(item, place, store)?)))
    }

    /// Names of what is in an item.
    pub(crate) fn fields(&self) -> &[Arc<str>] {
        &self.fields
    }

    /// The number of the first fact of an item.
    pub(crate) fn first_fact(&self) -> u32 {
        self.first_fact
    }

    /// The names of a playbook and those of an item.
    pub(crate) fn schema(&self) -> &Schema {
        &self.schema
    }

    fn category(&self, item: &Item) -> Option<&ItemCategory> {
        self.categories.get(item.category.as_ref()?)
    }

    /// Whether an item is bought again and again.
    pub(super) fn replenishable(&self, item: &Item) -> bool {
        item.replenish.unwrap_or_else(|| self.category(item).is_some_and(|category| category.replenish))
    }

    /// After which time it is declared to be bought again.
    pub(super) fn gap(&self, item: &Item) -> Option<Duration> {
        item.gap.or_else(|| self.category(item)?.gap)
    }

    /// How long it lasts, and how long it is under warranty.
    pub(super) fn lasts(&self, item: &Item) -> [Option<Duration>; 2] {
        let category = self.category(item);
        [
            item.life.or_else(|| category.and_then(|category| category.life)),
            item.warranty.or_else(|| category.and_then(|category| category.warranty)),
        ]
    }
}

impl SuggestionRule {
    pub(crate) fn compile(
        suggestion: &Suggestion,
        section: &CatalogSection,
        rules: &CatalogRules,
        playbook: &Playbook,
        sources: &Sources,
        findings: &mut Vec<Diagnostic>,
    ) -> Self {
        let of = match &suggestion.of {
            SuggestOf::Bought => OfRule::Bought,
            SuggestOf::Seen => OfRule::Seen,
            SuggestOf::Rule(text) => {
                Rule::compile(text, &sources.schema, &Expected::Any, findings).map_or(OfRule::Bought, OfRule::Rule)
            }
        };
        let only = suggestion.only.as_ref().and_then(|text| Rule::compile(text, &rules.schema, &Expected::Bool, findings));
        let written = |text: String| {
            let text = Text {
                text: Arc::from(text),
                place: suggestion.name.place.clone(),
                path: Arc::from(format!("suggestions.{}", suggestion.name.text)),
                lines: Vec::new(),
            };
            Rule::compile(&text, &sources.schema, &Expected::Any, &mut Vec::new())
        };
        let by = match suggestion.by.as_ref().map(|name| &*name.text) {
            None => By::Everybody,
            Some("segment") => {
                let counts =
                    |name: &Arc<str>| suggestion.segments.is_empty() || suggestion.segments.iter().any(|own| own.text == *name);
                let all = playbook.segments.iter().map(|segment| segment.name.text.clone()).enumerate();
                By::Segments(all.filter(|(_, name)| counts(name)).collect())
            }
            Some(name) => match written(format!("customer.{name}")) {
                Some(rule) => By::Attribute(Arc::from(name), rule),
                None => By::Everybody,
            },
        };
        let item = &section.item.text;
        let mut texts = Vec::new();
        for name in section.bought.iter().chain(&section.seen).chain(&section.returned) {
            let about = if OUTCOMES.contains(&&*name.text) { "has(e.items)".to_owned() } else { format!("e.{item} != \"\"") };
            texts.push(format!("events(\"{}\").where(e, {about}).exists()", name.text));
        }
        for (name, basket) in section.bought.iter().zip(section.basket.iter().cycle()) {
            texts.push(format!("events(\"{}\").where(e, has(e.{})).exists()", name.text, basket.text));
        }
        if let By::Segments(segments) = &by {
            texts.extend(segments.iter().map(|(_, name)| format!("segment(\"{name}\")")));
        }
        if let Some(event) = &suggestion.after {
            texts.push(format!("events(\"{}\").exists()", event.text));
        }
        let after = suggestion.after.as_ref().and_then(|name| Some((sources.schema.event(&name.text)?, name.text.clone())));
        SuggestionRule {
            name: suggestion.name.text.clone(),
            how: suggestion.how,
            of,
            within: suggestion.within,
            only,
            least: {
                let [support, confidence, lift] = suggestion.least;
                [support.unwrap_or(0.0), confidence.unwrap_or(0.0), lift.unwrap_or(1.0)]
            },
            by,
            band: suggestion.band,
            lead: suggestion.lead,
            after,
            items: suggestion.items.clone(),
            reads: texts.into_iter().filter_map(written).collect(),
        }
    }

    /// Every rule that it reads with.
    pub(crate) fn rules<'r>(&'r self, catalog: &'r CatalogRules) -> impl Iterator<Item = &'r Rule> {
        let of = match &self.of {
            OfRule::Rule(rule) => Some(rule),
            OfRule::Bought | OfRule::Seen => None,
        };
        let by = match &self.by {
            By::Attribute(_, rule) => Some(rule),
            By::Everybody | By::Segments(_) => None,
        };
        of.into_iter().chain(by).chain(&self.only).chain(&self.reads).chain(&catalog.store)
    }
}

impl ItemsRule {
    pub(crate) fn compile(items: &OfferItems, playbook: &Playbook) -> Self {
        let place = |name: &Name| playbook.suggestions.iter().position(|suggestion| suggestion.name.text == name.text);
        ItemsRule {
            from: items.from.iter().filter_map(place).collect(),
            at_most: items.at_most as usize,
            at_least: items.at_least as usize,
            per_category: items.per_category.map(|count| count as usize),
        }
    }
}
