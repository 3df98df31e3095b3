use crate::value::{Duration, Value};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

/// Something that can be suggested.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// By what events name it.
    pub id: Arc<str>,
    /// What people call it; its id when the table does not say.
    pub name: Arc<str>,
    /// Its category.
    pub category: Option<Arc<str>>,
    /// Its price; always there where the playbook declares a type of prices.
    pub price: Option<Value>,
    /// By number of the attribute.
    pub(crate) values: Vec<Option<Value>>,
    /// Whether it is bought again and again; the category decides when the table does not say.
    pub(crate) replenish: Option<bool>,
    /// After which time it is usually bought again.
    pub(crate) gap: Option<Duration>,
    pub(crate) life: Option<Duration>,
    pub(crate) warranty: Option<Duration>,
    pub(crate) stock: Stock,
    /// Items and categories that go with it.
    pub(crate) complements: Vec<Arc<str>>,
}

/// How many there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stock {
    /// The table does not say, so there are enough.
    Unsaid,
    /// The same everywhere.
    Everywhere(u64),
    /// By store or market; none where the table does not say.
    In(BTreeMap<Arc<str>, u64>),
}

impl Stock {
    /// How many there are at a place, or when that does not matter anywhere; `None` where that is not counted.
    pub(crate) fn count(&self, place: Option<&str>) -> Option<u64> {
        let counted = |count: u64| Some(count).filter(|count| *count < u64::MAX);
        match (self, place) {
            (Stock::Unsaid, _) => None,
            (Stock::Everywhere(count), _) => counted(*count),
            (Stock::In(stores), Some(place)) => stores.get(place).map_or(Some(0), |count| counted(*count)),
            (Stock::In(stores), None) => {
                stores.values().try_fold(0_u64, |sum, count| Some(sum.saturating_add(counted(*count)?)))
            }
        }
    }

    /// The stores or markets that carry it, in the order of their names; `None` when the table does not tell stores apart.
    pub(crate) fn stores(&self) -> Option<impl Iterator<Item = Arc<str>>> {
        match self {
            Stock::In(stores) => Some(stores.keys().cloned()),
            Stock::Unsaid | Stock::Everywhere(_) => None,
        }
    }

    /// Whether there is any: at a place, or when that does not matter anywhere.
    pub(crate) fn any(&self, place: Option<&str>) -> bool {
        match (self, place) {
            (Stock::Unsaid, _) => true,
            (Stock::Everywhere(count), _) => *count > 0,
            (Stock::In(stores), Some(place)) => stores.get(place).is_some_and(|count| *count > 0),
            (Stock::In(stores), None) => stores.values().any(|count| *count > 0),
        }
    }
}

/// A price or size as a number.
pub(crate) fn amount(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Uint(number) => Some(*number as f64),
        Value::Double(number) => Some(*number).filter(|number| number.is_finite()),
        Value::Decimal(number) => Some(number.to_double()),
        _ => None,
    }
}

/// The items that can be suggested. Immutable; items keep the order of the table, which decides what is suggested first when nothing else
/// does.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Catalog {
    pub(super) items: Vec<Item>,
    pub(super) by_id: BTreeMap<Arc<str>, u32>,
    pub(super) by_category: BTreeMap<Arc<str>, Vec<u32>>,
    /// Names of the attributes.
    pub(super) attributes: Vec<Arc<str>>,
}

impl Catalog {
    /// How many items there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The items, in the order of the table.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The item of an id.
    #[must_use]
    pub fn item(&self, id: &str) -> Option<&Item> {
        self.get(self.number(id)?)
    }

    /// What the table says of an item under an attribute that the playbook declares.
    #[must_use]
    pub fn attribute<'i>(&self, item: &'i Item, name: &str) -> Option<&'i Value> {
        let place = self.attributes.iter().position(|own| **own == *name)?;
        item.values.get(place)?.as_ref()
    }

    /// The table again, as JSON: what [`Engine::with_catalog_json`](crate::Engine::with_catalog_json) reads.
    #[must_use]
    pub fn to_json(&self) -> String {
        let rows: Vec<BTreeMap<&str, Value>> = self.items.iter().map(|item| self.row(item)).collect();
        // Values always have a form in JSON.
        serde_json::to_string(&rows).unwrap_or_default()
    }

    fn row<'c>(&'c self, item: &'c Item) -> BTreeMap<&'c str, Value> {
        let text = |text: &Arc<str>| Value::String(text.clone());
        let length = |length: Duration| Value::String(Arc::from(length.to_string()));
        let count = |count: u64| match i64::try_from(count) {
            Ok(count) => Value::Int(count),
            Err(_) => Value::Bool(true),
        };
        let mut row = BTreeMap::from([("id", text(&item.id)), ("name", text(&item.name))]);
        row.extend(item.category.as_ref().map(|category| ("category", text(category))));
        row.extend(item.price.clone().map(|price| ("price", price)));
        let own = self.attributes.iter().zip(&item.values);
        row.extend(own.filter_map(|(name, value)| Some((&**name, value.clone()?))));
        row.extend(item.gap.map(length).or_else(|| item.replenish.map(Value::Bool)).map(|again| ("replenish", again)));
        row.extend(item.life.map(|life| ("life", length(life))));
        row.extend(item.warranty.map(|warranty| ("warranty", length(warranty))));
        if !item.complements.is_empty() {
            row.insert("complements", Value::List(item.complements.iter().map(text).collect::<Vec<_>>().into()));
        }
        match &item.stock {
            Stock::Unsaid => {}
            Stock::Everywhere(all) => drop(row.insert("stock", count(*all))),
            Stock::In(stores) => {
                let stores = stores.iter().map(|(store, own)| (text(store), count(*own)));
                row.insert("stock", Value::Map(stores.collect::<Vec<_>>().into()));
            }
        }
        row
    }

    /// SHA-256 over all that is in it, in hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for item in &self.items {
            hash.update(format!("{item:?}\n").as_bytes());
        }
        let mut text = String::with_capacity(64);
        for byte in hash.finalize() {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }

    pub(crate) fn number(&self, id: &str) -> Option<u32> {
        self.by_id.get(id).copied()
    }

    pub(crate) fn get(&self, number: u32) -> Option<&Item> {
        self.items.get(number as usize)
    }

    pub(crate) fn category(&self, name: &str) -> &[u32] {
        self.by_category.get(name).map_or(&[], Vec::as_slice)
    }

    /// The item of a name, or all of the category of that name.
    pub(crate) fn named(&self, name: &str) -> Vec<u32> {
        match self.number(name) {
            Some(number) => vec![number],
            None => self.category(name).to_vec(),
        }
    }
}
