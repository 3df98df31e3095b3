//! What there is to suggest: the catalog and the suggestions that are made from it.

use super::model::{EventType, Name, Text};
use super::read::{At, Loader, Names};
use super::reserved::OUTCOMES;
use super::source::cut;
use super::tree::{Content, Node};
use crate::value::{Duration, Type, Value};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

/// What items of a catalog are like, and which events are about them.
#[derive(Debug, Clone, PartialEq)]
pub struct CatalogSection {
    /// The property that names the item, in all events that are about one.
    pub item: Name,
    /// The event types by which items are bought; an outcome is about the items that its offer carries.
    pub bought: Vec<Name>,
    /// The event types by which items are looked at.
    pub seen: Vec<Name>,
    /// The event types by which items are given back.
    pub returned: Vec<Name>,
    /// The property by which purchases belong together; without it those of one instant do.
    pub basket: Option<Name>,
    /// The type of prices; without it items have none.
    pub price: Option<Type>,
    /// What else is known of items.
    pub attributes: Vec<(Name, Type)>,
    /// The attribute by which sizes are compared.
    pub size: Option<Name>,
    /// The store or market whose stock counts: the first of these that is known.
    pub store: Vec<Text>,
    /// After this time a purchase or look counts half.
    pub half_life: Option<Duration>,
    /// The span of time that is counted together.
    pub epoch: Duration,
    /// No count is about fewer customers.
    pub k: u32,
    /// What holds for all items of a category.
    pub categories: Vec<ItemCategory>,
    /// What goes with what, each an item or a category.
    pub complements: Vec<(Name, Vec<Name>)>,
    /// The table of items that stands beside the playbook.
    pub file: Option<Name>,
    /// The items that the playbook brings itself.
    pub items: Vec<ItemRow>,
}

/// What holds for all items of a category.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemCategory {
    /// Its name.
    pub name: Arc<str>,
    /// Whether its items are bought again and again.
    pub replenish: bool,
    /// After which time usually, when neither the customer nor others tell.
    pub gap: Option<Duration>,
    /// How long its items last.
    pub life: Option<Duration>,
    /// How long they are under warranty.
    pub warranty: Option<Duration>,
}

/// An item as it is written in a playbook.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemRow {
    /// The columns.
    pub cells: Vec<(Arc<str>, Value)>,
    /// Where it stands.
    pub name: Name,
}

/// A way to choose items for a customer.
#[derive(Debug, Clone, PartialEq)]
pub struct Suggestion {
    /// Its name.
    pub name: Name,
    /// How items are found.
    pub how: HowToSuggest,
    /// Which items it begins with: those bought or seen, or what an expression gives.
    pub of: SuggestOf,
    /// How far back what was bought, seen or happened counts.
    pub within: Option<Duration>,
    /// Which items may be suggested: reads `item.<name>` too.
    pub only: Option<Text>,
    /// The least support, confidence and lift.
    pub least: [Option<f64>; 3],
    /// In whose company: `segment` or an attribute.
    pub by: Option<Name>,
    /// The segments that count.
    pub segments: Vec<Name>,
    /// The least and the greatest price, as a multiple of that of the item it begins with.
    pub band: [f64; 2],
    /// Before and after the end of life or warranty.
    pub lead: Duration,
    /// The event after which, of a life event.
    pub after: Option<Name>,
    /// Items and categories, of a life event.
    pub items: Vec<Arc<str>>,
}

/// How items are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HowToSuggest {
    /// Others bought both.
    BoughtTogether,
    /// Others looked at both.
    SeenTogether,
    /// Many want it at present.
    Popular,
    /// The next larger one of the category.
    NextSize,
    /// Declared to go with it.
    Complements,
    /// It is used up, worn out or out of warranty about now.
    DueAgain,
    /// Needed after something happened.
    AfterEvent,
    /// Looked at before, and not bought.
    StillLooking,
}

impl HowToSuggest {
    /// All, in the order of the documentation.
    pub const ALL: [Self; 8] = [
        Self::BoughtTogether,
        Self::SeenTogether,
        Self::Popular,
        Self::NextSize,
        Self::Complements,
        Self::DueAgain,
        Self::AfterEvent,
        Self::StillLooking,
    ];

    /// The word of the playbook.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BoughtTogether => "bought_together",
            Self::SeenTogether => "seen_together",
            Self::Popular => "popular",
            Self::NextSize => "next_size",
            Self::Complements => "complements",
            Self::DueAgain => "due_again",
            Self::AfterEvent => "after_event",
            Self::StillLooking => "still_looking",
        }
    }
}

/// Which items a suggestion begins with.
#[derive(Debug, Clone, PartialEq)]
pub enum SuggestOf {
    /// Those the customer bought.
    Bought,
    /// Those the customer looked at.
    Seen,
    /// What an expression gives: the name of an item, or a list of names.
    Rule(Text),
}

/// The items that an offer carries.
#[derive(Debug, Clone, PartialEq)]
pub struct OfferItems {
    /// Suggestions, in the order in which they are asked.
    pub from: Vec<Name>,
    /// At most so many items.
    pub at_most: u32,
    /// With fewer the offer drops out.
    pub at_least: u32,
    /// At most so many of one category.
    pub per_category: Option<u32>,
}

/// What columns of a catalog are called that every catalog has.
pub(crate) const ITEM_COLUMNS: [&str; 9] =
    ["id", "name", "category", "price", "stock", "replenish", "life", "warranty", "complements"];

impl Loader<'_> {
    pub(super) fn catalog(&mut self, root: &At<'_>, events: &[EventType]) -> Option<CatalogSection> {
        let section = root.get("catalog")?;
        let declared = events.iter().map(|event| event.name.text.clone());
        let own: Rc<Names> = Rc::new(declared.chain(OUTCOMES.map(Arc::from)).collect());
        let [bought, seen, returned] =
            ["bought", "seen", "returned"].map(|key| self.references(&section, key, "event type", &own));
        let about: Vec<&EventType> = events
            .iter()
            .filter(|event| [&bought, &seen, &returned].into_iter().flatten().any(|name| name.text == event.name.text))
            .collect();
        let property = |event: &&EventType, name: &str| event.properties.iter().any(|own| *own.name.text == *name);
        let names: Names = about.iter().flat_map(|event| &event.properties).map(|own| own.name.text.clone()).collect();
        if bought.is_empty() && seen.is_empty() && ["bought", "seen"].iter().all(|key| section.get(key).is_none()) {
            let message = "the catalog does not say which events are about its items".to_owned();
            let hint = "name event types under `bought` or `seen`; they name the item by the property `item`".to_owned();
            self.error_at_key("missing_key", &section, message, Some(hint));
            return None;
        }
        let item = section.get("item").and_then(|at| {
            let name = self.reference(&at, "property", &Rc::new(names.clone()))?;
            if let Some(event) = about.iter().find(|event| names.contains(&name.text) && !property(event, &name.text)) {
                let message = format!("event type `{}` has no property `{}`", event.name.text, cut(&name.text));
                let hint = "every event type that is about items names the item by the same property".to_owned();
                self.error("unknown_name", &at, message, Some(hint));
            }
            let ty = about.iter().flat_map(|event| &event.properties).find(|own| own.name.text == name.text).map(|own| &own.ty);
            if let Some(ty) = ty.filter(|ty| !matches!(ty, Type::String | Type::Enum(_) | Type::Dyn)) {
                let message = format!("property `{}` is of type {}, expected string", name.text, cut(&ty.to_string()));
                self.error("bad_type", &at, message, None);
            }
            Some(name)
        })?;
        let basket = section.get("basket").and_then(|at| self.reference(&at, "property", &Rc::new(names)));
        let price = section.get("price").and_then(|at| {
            let ty = self.type_within(&at)?;
            if !matches!(ty, Type::Money { .. } | Type::Decimal { .. } | Type::Double | Type::Int) {
                let message = format!("prices cannot be of type {}", cut(&ty.to_string()));
                self.error("bad_type", &at, message, Some("write `money(EUR)` or another numeric type".to_owned()));
                return None;
            }
            Some(ty)
        });
        let attributes = section.get("attributes").map(|at| self.item_attributes(&at)).unwrap_or_default();
        let known: Rc<Names> = Rc::new(attributes.iter().map(|(name, _)| name.text.clone()).collect());
        let size = section.get("size").and_then(|at| self.reference(&at, "attribute of items", &known));
        Some(CatalogSection {
            item,
            bought,
            seen,
            returned,
            basket,
            price,
            attributes,
            size,
            store: section.get("store").iter().flat_map(At::one_or_more).filter_map(|at| self.rule(&at)).collect(),
            half_life: self.duration_of(&section, "half_life"),
            epoch: self.duration_of(&section, "epoch").unwrap_or(Duration::from_nanos(7 * DAY)),
            k: section.number("k").unwrap_or(super::trends::USUAL_K),
            categories: section.get("categories").map(|at| self.item_categories(&at)).unwrap_or_default(),
            complements: section.get("complements").map(|at| self.complements(&at)).unwrap_or_default(),
            file: self.item_file(&section),
            items: section.get("items").map(|at| self.item_rows(&at)).unwrap_or_default(),
        })
    }

    /// The name of a table beside the playbook, which does not lead out of its folder.
    fn item_file(&mut self, section: &At<'_>) -> Option<Name> {
        let at = section.get("file")?;
        let text = at.node.text()?.clone();
        let inside = !text.starts_with('/')
            && !text.contains(['\\', ':', '\0'])
            && text.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
        if !inside || !is_table(&text) {
            let message = format!("`{}` is no table beside the playbook", cut(&text));
            let hint = "write a name such as `items.csv` or `tables/items.jsonl`, within the folder of the playbook; tables end in .csv, .tsv, .jsonl or .ndjson";
            self.error("bad_file", &at, message, Some(hint.to_owned()));
            return None;
        }
        if section.get("items").is_some() {
            self.error("contradiction", &at, "items stand under `items` or in `file`, not in both".to_owned(), None);
        }
        Some(Name { place: self.findings.place(at.node.spot), text })
    }

    fn item_attributes(&mut self, section: &At<'_>) -> Vec<(Name, Type)> {
        let mut attributes = Vec::new();
        for (name, at) in self.identifiers(section, "an attribute of items") {
            if ITEM_COLUMNS.contains(&&*name.text) {
                let message = format!("`{}` is a column that every catalog has and cannot be declared", name.text);
                self.error_at_key("reserved_name", &at, message, None);
                continue;
            }
            let ty = self.type_within(&at).unwrap_or(Type::Dyn);
            attributes.push((name, ty));
        }
        attributes
    }

    fn item_categories(&mut self, section: &At<'_>) -> Vec<ItemCategory> {
        let mut categories = Vec::new();
        for at in section.children() {
            let gap = match at.get("replenish").map(|at| at.node.text().is_some()) {
                Some(true) => self.duration_of(&at, "replenish"),
                _ => None,
            };
            categories.push(ItemCategory {
                name: at.key.clone(),
                replenish: gap.is_some() || at.flag("replenish"),
                gap,
                life: self.duration_of(&at, "life"),
                warranty: self.duration_of(&at, "warranty"),
            });
        }
        categories
    }

    fn complements(&mut self, section: &At<'_>) -> Vec<(Name, Vec<Name>)> {
        let mut list = Vec::new();
        for at in section.children() {
            let place = self.findings.place(at.spot);
            let mut with: Vec<Name> = Vec::new();
            for at in at.one_or_more() {
                let Some(text) = at.node.text() else { continue };
                if with.iter().any(|name| name.text == *text) {
                    self.error("duplicate_name", &at, format!("`{}` stands twice in one list", cut(text)), None);
                }
                with.push(Name { text: text.clone(), place: self.findings.place(at.node.spot) });
            }
            list.push((Name { text: at.key.clone(), place }, with));
        }
        list
    }

    fn item_rows(&mut self, section: &At<'_>) -> Vec<ItemRow> {
        let row = |(number, at): (usize, At<'_>)| ItemRow {
            cells: at.children().map(|cell| (cell.key.clone(), value(cell.node))).collect(),
            name: Name { text: Arc::from(format!("catalog.items[{number}]")), place: self.findings.place(at.node.spot) },
        };
        section.items().enumerate().map(row).collect()
    }

    pub(super) fn suggestions(&mut self, root: &At<'_>, catalog: Option<&CatalogSection>) -> Vec<Suggestion> {
        let Some(section) = root.get("suggestions") else { return Vec::new() };
        if catalog.is_none() && root.get("catalog").is_none() {
            let hint = "declare under `catalog` which events are about items".to_owned();
            self.error_at_key("no_catalog", &section, "suggestions need a catalog".to_owned(), Some(hint));
        }
        let mut list = Vec::new();
        for (name, at) in self.named(&section, "a suggestion") {
            let word = at.text("how");
            let Some(how) = HowToSuggest::ALL.into_iter().find(|how| word.as_deref() == Some(how.name())) else { continue };
            list.push(self.suggestion(name, how, &at, root));
        }
        list
    }

    fn suggestion(&mut self, name: Name, how: HowToSuggest, at: &At<'_>, root: &At<'_>) -> Suggestion {
        let seen = matches!(how, HowToSuggest::SeenTogether | HowToSuggest::StillLooking);
        let of = match at.text("of").as_deref() {
            None if seen => SuggestOf::Seen,
            None | Some("bought") => SuggestOf::Bought,
            Some("seen") => SuggestOf::Seen,
            Some(_) => self.rule_of(at, "of").map_or(SuggestOf::Bought, SuggestOf::Rule),
        };
        let segments: Rc<Names> = Rc::new(root.get("segments").iter().flat_map(At::children).map(|child| child.key).collect());
        let mut groups: Names = (*self.declared.attributes).clone();
        groups.insert(Arc::from("segment"));
        let by = at.get("by").and_then(|at| self.reference(&at, "attribute", &Rc::new(groups)));
        let after = at.get("event").and_then(|at| {
            let known = self.declared.events.clone();
            self.reference(&at, "event type", &known)
        });
        if how == HowToSuggest::AfterEvent && (at.get("event").is_none() || at.get("items").is_none()) {
            let message = "`after_event` needs `event`, after which, and `items`, what is suggested then".to_owned();
            self.error_at_key("missing_key", at, message, None);
        }
        let band = ["above", "up_to"].map(|key| at.number::<f64>(key));
        let band = [band[0].unwrap_or(1.0), band[1].unwrap_or(1.5)];
        if let (true, Some(place)) = (band[1] <= band[0], at.get("up_to").or_else(|| at.get("above"))) {
            let message = format!("no price is above {} and up to {} times another", band[0], band[1]);
            self.error("bad_band", &place, message, None);
        }
        for (key, most) in [("support", 1.0), ("confidence", 1.0), ("lift", f64::INFINITY)] {
            let Some(place) = at.get(key) else { continue };
            if at.number::<f64>(key).is_some_and(|number| !(0.0..=most).contains(&number)) {
                let range = if most.is_finite() { "a share from 0 to 1" } else { "a multiple of 0 or more" };
                self.error("out_of_range", &place, format!("expected {range}"), None);
            }
        }
        let texts = at.get("items").iter().flat_map(At::one_or_more).filter_map(|at| at.node.text().cloned()).collect();
        Suggestion {
            how,
            of,
            within: self.duration_of(at, "within"),
            only: self.rule_of(at, "only"),
            least: ["support", "confidence", "lift"].map(|key| at.number(key)),
            by,
            segments: self.references(at, "segments", "segment", &segments),
            band,
            lead: self.duration_of(at, "lead").unwrap_or(Duration::from_nanos(30 * DAY)),
            after,
            items: texts,
            name,
        }
    }

    /// The items that an offer carries; `known` are the suggestions.
    pub(super) fn offer_items(&mut self, at: &At<'_>, known: &Rc<Names>) -> Option<OfferItems> {
        let section = at.get("suggest")?;
        let inner = matches!(section.node.content, Content::Map(_));
        let from = if inner {
            self.references(&section, "from", "suggestion", known)
        } else {
            self.references(at, "suggest", "suggestion", known)
        };
        let items = OfferItems {
            from,
            at_most: section.number("at_most").unwrap_or(3),
            at_least: section.number("at_least").unwrap_or(1),
            per_category: section.number("per_category"),
        };
        if items.at_least > items.at_most {
            let message = format!("at least {} items cannot be at most {}", items.at_least, items.at_most);
            self.error("bad_number", &section, message, None);
        }
        Some(items)
    }
}

const DAY: i64 = 86_400_000_000_000;

/// Whether a document is a table of items, by how its name ends, and no part of a playbook.
pub(crate) fn is_table(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [".csv", ".tsv", ".jsonl", ".ndjson"].iter().any(|end| name.ends_with(end))
}

/// A cell of a row.
fn value(node: &Node) -> Value {
    match &node.content {
        Content::Null => Value::Null,
        Content::Bool(truth) => Value::Bool(*truth),
        Content::Number(number) => match (number.parse::<i64>(), number.parse::<f64>()) {
            (Ok(number), _) => Value::Int(number),
            (_, Ok(number)) => Value::Double(number),
            _ => Value::text(number),
        },
        Content::Text(written) => Value::String(written.text.clone()),
        Content::List(items) => Value::List(items.iter().map(value).collect::<Vec<_>>().into()),
        Content::Map(entries) => {
            let pairs = entries.iter().map(|entry| (Value::String(entry.key.clone()), value(&entry.value)));
            Value::Map(pairs.collect::<Vec<_>>().into())
        }
    }
}

/// The names of the suggestions of a document.
pub(super) fn suggestion_names(root: &At<'_>) -> Rc<Names> {
    Rc::new(root.get("suggestions").iter().flat_map(At::children).map(|child| child.key).collect::<BTreeSet<_>>())
}
