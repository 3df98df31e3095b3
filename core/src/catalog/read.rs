use super::item::{Catalog, Item, Stock};
use crate::column::Batch;
use crate::error::nearest;
use crate::playbook::ITEM_COLUMNS;
use crate::value::{Duration, FromJson, Type, Value};
use serde::Serialize;
use serde::de::{DeserializeSeed, SeqAccess, Visitor};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// The most items of a catalog.
const MAX_ITEMS: usize = 1_000_000;
/// The longest table in JSON, in bytes.
const MAX_BYTES: usize = 256 << 20;
/// The most values of a row.
const MAX_NODES: u32 = 2_000;
/// The longest id, in bytes.
const MAX_ID: usize = 500;

/// What is wrong with a row of a table of items, or with a column. The row is left out, the column is not read; all others are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BadItem {
    /// A stable code: `missing_id`, `missing_price`, `bad_price`, `duplicate_item`, `wrong_type`, `unknown_column`, `unknown_item`,
    /// `not_a_row`, `too_many`.
    pub code: &'static str,
    /// The row, from 0 on; none when it is about a column as a whole.
    pub row: Option<usize>,
    /// The line on which the row begins, from 1 on; of tables as text only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The column.
    pub column: Option<String>,
    /// What was expected, and what to do.
    pub message: String,
}

impl fmt::Display for BadItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.row) {
            (Some(line), _) => write!(f, "line {line}")?,
            (None, Some(row)) => write!(f, "row {row}")?,
            (None, None) => {}
        }
        let numbered = self.line.is_some() || self.row.is_some();
        if let Some(column) = &self.column {
            write!(f, "{}column `{column}`", if numbered { ", " } else { "" })?;
        }
        let told = numbered || self.column.is_some();
        write!(f, "{}{}", if told { ": " } else { "" }, self.message)
    }
}

/// A table that is no catalog at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogError {
    code: &'static str,
    message: String,
}

impl CatalogError {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        CatalogError { code, message: message.into() }
    }

    /// A stable code: `no_catalog`, `invalid_json`, `invalid_csv`, `empty_table`, `file_name`, `missing_column`, `duplicate_column`, `too_long`, or that of
    /// a column that cannot be read.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }
}

impl fmt::Display for CatalogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CatalogError {}

/// The columns that a table of items may have beside those of every table.
#[derive(Debug, Clone, Default)]
pub(crate) struct Columns {
    pub(crate) price: Option<Type>,
    pub(crate) attributes: Vec<(Arc<str>, Type)>,
}

/// A table of items while it is read.
#[derive(Debug)]
pub(crate) struct Reading<'r> {
    pub(super) rules: &'r Columns,
    catalog: Catalog,
    bad: Vec<BadItem>,
    /// Columns that nobody declared.
    odd: BTreeSet<Arc<str>>,
    /// The row of each item, and its line.
    rows: Vec<(usize, Option<u64>)>,
    /// The line of the row that is read.
    pub(super) line: Option<u64>,
    /// How many rows earlier pieces of the table have.
    before: usize,
}

impl<'r> Reading<'r> {
    pub(crate) fn new(rules: &'r Columns) -> Self {
        let attributes = rules.attributes.iter().map(|(name, _)| name.clone()).collect();
        let catalog = Catalog { attributes, ..Catalog::default() };
        Reading { rules, catalog, bad: Vec::new(), odd: BTreeSet::new(), rows: Vec::new(), line: None, before: 0 }
    }

    pub(super) fn bad(&mut self, code: &'static str, row: Option<usize>, column: Option<&str>, message: impl Into<String>) {
        let column = column.map(|name| name.chars().take(80).collect());
        let line = self.line.filter(|_| row.is_some());
        self.bad.push(BadItem { code, row, line, column, message: message.into() });
    }

    /// Reads a row; what is wrong with it is noted.
    pub(crate) fn row(&mut self, row: usize, cells: &[(Arc<str>, Value)]) {
        for (name, _) in cells {
            let known = ITEM_COLUMNS.contains(&&**name) || self.rules.attributes.iter().any(|(own, _)| own == name);
            if !known && !name.starts_with("stock.") && self.odd.insert(name.clone()) {
                let names = ITEM_COLUMNS.into_iter().chain(self.rules.attributes.iter().map(|(name, _)| &**name));
                let hint = nearest(name, names).map_or_else(
                    || "; declare it under `catalog.attributes`".to_owned(),
                    |near| format!("; did you mean `{near}`?"),
                );
                self.bad("unknown_column", None, Some(name), format!("the playbook declares no such attribute of items{hint}"));
            }
        }
        let before = self.bad.len();
        let item = self.item(row, cells);
        let Some(item) = item.filter(|_| self.bad.len() == before) else { return };
        if self.catalog.by_id.contains_key(&item.id) {
            let shown: String = item.id.chars().take(80).collect();
            self.bad("duplicate_item", Some(row), Some("id"), format!("item `{shown}` is in the table already"));
            return;
        }
        if self.catalog.items.len() >= MAX_ITEMS {
            self.bad("too_many", Some(row), None, format!("a catalog has at most {MAX_ITEMS} items"));
            return;
        }
        let number = u32::try_from(self.catalog.items.len()).unwrap_or(u32::MAX);
        self.catalog.by_id.insert(item.id.clone(), number);
        if let Some(category) = &item.category {
            self.catalog.by_category.entry(category.clone()).or_default().push(number);
        }
        self.catalog.items.push(item);
        self.rows.push((row, self.line));
    }

    fn item(&mut self, row: usize, cells: &[(Arc<str>, Value)]) -> Option<Item> {
        let cell = |name: &str| cells.iter().find(|(own, _)| **own == *name).map(|(_, value)| value);
        let told = |name: &str| cell(name).filter(|value| !matches!(value, Value::Null));
        let id = match told("id") {
            Some(Value::String(text)) if !text.trim().is_empty() && text.len() <= MAX_ID => text.clone(),
            Some(Value::Int(number)) => Arc::from(number.to_string()),
            Some(Value::String(text)) if text.len() > MAX_ID => {
                self.bad("wrong_type", Some(row), Some("id"), format!("an id has at most {MAX_ID} bytes"));
                return None;
            }
            Some(Value::String(_)) | None => {
                self.bad("missing_id", Some(row), Some("id"), "every item needs an id, by which events name it");
                return None;
            }
            Some(other) => {
                let message = format!("expected text or a whole number, found {}", other.type_name());
                self.bad("wrong_type", Some(row), Some("id"), message);
                return None;
            }
        };
        let text = |reading: &mut Self, name: &'static str| match told(name) {
            None => None,
            Some(Value::String(text)) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
            Some(Value::Int(number)) => Some(Arc::from(number.to_string())),
            Some(other) => {
                let message = format!("expected text, found {}", other.type_name());
                reading.bad("wrong_type", Some(row), Some(name), message);
                None
            }
        };
        let (name, category) = (text(self, "name").unwrap_or_else(|| id.clone()), text(self, "category"));
        let price = self.price(row, told("price"));
        let mut values = Vec::with_capacity(self.rules.attributes.len());
        for (name, ty) in &self.rules.attributes {
            values.push(told(name).and_then(|value| self.coerced(row, name, value, ty)));
        }
        let (mut replenish, mut gap) = (None, None);
        match told("replenish") {
            Some(Value::Bool(again)) => replenish = Some(*again),
            Some(value) => {
                gap = self.length(row, "replenish", value);
                replenish = gap.map(|_| true);
            }
            None => {}
        }
        let life = told("life").and_then(|value| self.length(row, "life", value));
        let warranty = told("warranty").and_then(|value| self.length(row, "warranty", value));
        let complements = match told("complements") {
            Some(Value::List(items)) => items.iter().filter_map(Value::as_text).map(Arc::from).collect(),
            Some(Value::String(text)) => vec![text.clone()],
            Some(other) => {
                let message = format!("expected an item or category, or a list of them, found {}", other.type_name());
                self.bad("wrong_type", Some(row), Some("complements"), message);
                Vec::new()
            }
            None => Vec::new(),
        };
        let stock = self.stock(row, told("stock"), cells);
        Some(Item { id, name, category, price, values, replenish, gap, life, warranty, stock, complements })
    }

    fn price(&mut self, row: usize, told: Option<&Value>) -> Option<Value> {
        let ty = match (&self.rules.price, told) {
            (Some(ty), Some(_)) => ty.clone(),
            (Some(ty), None) => {
                let message = format!("every item needs a price of type {ty}, or leave `price` out of the playbook's catalog");
                self.bad("missing_price", Some(row), Some("price"), message);
                return None;
            }
            (None, Some(_)) => {
                if self.odd.insert(Arc::from("price")) {
                    let message = "the playbook declares no type of prices; write `price: money(EUR)` under `catalog`";
                    self.bad("unknown_column", None, Some("price"), message);
                }
                return None;
            }
            (None, None) => return None,
        };
        let price = self.coerced(row, "price", told?, &ty)?;
        if super::item::amount(&price).is_none_or(|amount| amount < 0.0) {
            self.bad("bad_price", Some(row), Some("price"), "a price is not negative");
            return None;
        }
        Some(price)
    }

    fn coerced(&mut self, row: usize, column: &str, value: &Value, ty: &Type) -> Option<Value> {
        // An amount may name the currency that it is in.
        let bare = match (ty, value) {
            (Type::Money { currency, .. }, Value::String(text)) => {
                text.trim_end().strip_suffix(&*currency.to_string()).map(|amount| Value::text(amount.trim_end()))
            }
            _ => None,
        };
        match bare.unwrap_or_else(|| value.clone()).coerce(ty) {
            Ok(value) => Some(value),
            Err(misfit) => {
                let message = format!("expected {}, found {}", misfit.expected, misfit.found);
                self.bad("wrong_type", Some(row), Some(column), message);
                None
            }
        }
    }

    fn length(&mut self, row: usize, column: &'static str, value: &Value) -> Option<Duration> {
        match self.coerced(row, column, value, &Type::Duration)? {
            Value::Duration(length) if length > Duration::ZERO => Some(length),
            _ => {
                self.bad("wrong_type", Some(row), Some(column), "expected a duration above zero such as `30d`");
                None
            }
        }
    }

    fn stock(&mut self, row: usize, told: Option<&Value>, cells: &[(Arc<str>, Value)]) -> Stock {
        let count = |value: &Value| match value {
            Value::Bool(there) => Some(if *there { u64::MAX } else { 0 }),
            Value::Int(count) => u64::try_from(*count).ok(),
            Value::Uint(count) => Some(*count),
            _ => None,
        };
        let mut stores: BTreeMap<Arc<str>, u64> = BTreeMap::new();
        let mut each = |reading: &mut Self, store: &str, value: &Value| match count(value) {
            Some(count) => drop(stores.insert(Arc::from(store), count)),
            None => {
                let message = format!("expected a count of 0 or more, or a truth value, found {}", value.type_name());
                reading.bad("wrong_type", Some(row), Some("stock"), message);
            }
        };
        for (name, value) in cells.iter().filter(|(_, value)| !matches!(value, Value::Null)) {
            if let Some(store) = name.strip_prefix("stock.") {
                each(self, store, value);
            }
        }
        match told {
            Some(Value::Map(entries)) => {
                for (store, value) in entries.iter() {
                    each(self, store.as_text().unwrap_or_default(), value);
                }
                Stock::In(stores)
            }
            Some(value) => match count(value) {
                Some(count) => Stock::Everywhere(count),
                None => {
                    let message =
                        format!("expected a count of 0 or more, a truth value, or one by store, found {}", value.type_name());
                    self.bad("wrong_type", Some(row), Some("stock"), message);
                    Stock::Unsaid
                }
            },
            None if stores.is_empty() => Stock::Unsaid,
            None => Stock::In(stores),
        }
    }

    /// The catalog, and what is wrong with the table.
    pub(crate) fn finish(mut self) -> (Catalog, Vec<BadItem>) {
        let known = |name: &str| self.catalog.by_id.contains_key(name) || self.catalog.by_category.contains_key(name);
        let mut unknown = Vec::new();
        for (item, place) in self.catalog.items.iter().zip(&self.rows) {
            unknown.extend(item.complements.iter().filter(|name| !known(name)).map(|name| (*place, name.clone())));
        }
        for ((row, line), name) in unknown {
            self.line = line;
            let shown: String = name.chars().take(80).collect();
            let message = format!("`{shown}` is neither an item nor a category of the table; nothing is suggested for it");
            self.bad("unknown_item", Some(row), Some("complements"), message);
        }
        self.bad.sort_by_key(|bad| bad.row);
        (self.catalog, self.bad)
    }

    /// Reads the rows of a table of columns, or of a piece of one.
    pub(crate) fn columns(&mut self, batch: &Batch<'_>) {
        let ty = |name: &str| match name {
            "id" | "name" | "category" | "complements" => Type::String,
            "price" => self.rules.price.clone().unwrap_or(Type::Dyn),
            "replenish" => Type::Bool,
            "life" | "warranty" => Type::String,
            "stock" => Type::Int,
            name if name.starts_with("stock.") => Type::Int,
            name => self.rules.attributes.iter().find(|(own, _)| **own == *name).map_or(Type::Dyn, |(_, ty)| ty.clone()),
        };
        let types: Vec<Type> = batch.names().map(|name| ty(name)).collect();
        let first = self.before;
        self.before += batch.rows();
        for row in 0..batch.rows() {
            let number = first + row;
            let mut cells = Vec::with_capacity(types.len());
            let before = self.bad.len();
            for ((name, column), ty) in batch.columns().iter().zip(&types) {
                if matches!(ty, Type::Dyn) {
                    cells.push((name.clone(), Value::Null));
                    continue;
                }
                // What can be written in two ways is tried in both.
                let other = match &**name {
                    "replenish" => Some(Type::String),
                    "id" | "name" | "category" => Some(Type::Int),
                    name if name == "stock" || name.starts_with("stock.") => Some(Type::Bool),
                    _ => None,
                };
                let read = column.value_as(row, ty);
                let read = match (read, other) {
                    (Err(error), Some(other)) => column.value_as(row, &other).map_err(|_| error),
                    (read, _) => read,
                };
                match read {
                    Ok(value) => cells.push((name.clone(), value.unwrap_or(Value::Null))),
                    Err(error) => self.bad("wrong_type", Some(number), Some(name), error.problem().to_string()),
                }
            }
            if self.bad.len() == before {
                self.row(number, &cells);
            }
        }
    }
}

/// A table that is not too long, without the mark that some programs begin a text with.
fn fits(text: &str) -> Result<&str, CatalogError> {
    if text.len() > MAX_BYTES {
        return Err(CatalogError::new("too_long", format!("a table of items has at most {} MiB of text", MAX_BYTES >> 20)));
    }
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

impl Reading<'_> {
    /// Reads the rows of a table in JSON, or, when it begins with neither `[` nor `{`, as text.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), CatalogError> {
        let text = fits(text)?;
        if text.trim_start().starts_with(['[', '{']) { self.json(text) } else { self.csv(text) }
    }

    /// Reads the rows of a table in JSON: a list of objects, or one object per line.
    pub(crate) fn json(&mut self, text: &str) -> Result<(), CatalogError> {
        let text = fits(text)?;
        let mut rows = Rows { reading: self, next: 0 };
        let wrong = |error: serde_json::Error| CatalogError::new("invalid_json", error.to_string());
        if text.trim_start().starts_with('[') {
            let mut reader = serde_json::Deserializer::from_str(text);
            serde::Deserializer::deserialize_seq(&mut reader, &mut rows).map_err(wrong)?;
            return reader.end().map_err(wrong);
        }
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let nodes = Cell::new(MAX_NODES);
            let mut reader = serde_json::Deserializer::from_str(line);
            let value = FromJson::new(&nodes).deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
            let wrong = |error: serde_json::Error| CatalogError::new("invalid_json", format!("line {}: {error}", number + 1));
            rows.take(&value.map_err(wrong)?);
        }
        Ok(())
    }
}

struct Rows<'a, 'r> {
    reading: &'a mut Reading<'r>,
    next: usize,
}

impl Rows<'_, '_> {
    fn take(&mut self, value: &Value) {
        let row = self.next;
        self.next += 1;
        match value {
            Value::Map(entries) => {
                let cells: Vec<(Arc<str>, Value)> =
                    entries.iter().map(|(key, value)| (Arc::from(key.as_text().unwrap_or_default()), value.clone())).collect();
                self.reading.row(row, &cells);
            }
            other => {
                let message = format!("expected an object with the columns of an item, found {}", other.type_name());
                self.reading.bad("not_a_row", Some(row), None, message);
            }
        }
    }
}

impl<'de> Visitor<'de> for &mut Rows<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of items")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        loop {
            let nodes = Cell::new(MAX_NODES);
            match access.next_element_seed(FromJson::new(&nodes))? {
                Some(value) => self.take(&value),
                None => return Ok(()),
            }
        }
    }
}
