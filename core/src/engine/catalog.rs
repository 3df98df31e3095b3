use super::{Engine, Given};
use crate::catalog::{BadItem, Catalog, CatalogError, Reading};
use crate::column::Batch;
use crate::suggest::{Shelf, Suggestions};
use std::sync::Arc;

impl Engine {
    /// The items that can be suggested; those of the playbook, unless others were given.
    #[must_use]
    pub fn catalog(&self) -> Option<&Catalog> {
        self.1.shelf.as_ref().map(|shelf| &*shelf.catalog)
    }

    /// The same engine with the items of a table in JSON, in place of those it had: a list of objects with the columns `id`, `name`,
    /// `category`, `price`, `stock`, `replenish`, `life`, `warranty`, `complements` and the attributes that the playbook declares,
    /// or one such object per line. Rows that are wrong are left out and told; nothing else is lost.
    ///
    /// Cheap beside reading the table: the playbook is not compiled again, and customers go on as they are.
    ///
    /// # Errors
    /// [`CatalogError`] for text that is no table, and for a playbook without a catalog.
    ///
    /// # Examples
    /// ```
    /// # use tactful::Engine;
    /// let engine = Engine::compile(&[("shop.yaml", r#"
    /// playbook: shop
    /// version: 1
    /// identity: {customer: {}}
    /// events: {purchase: {sku: string}}
    /// catalog: {item: sku, bought: purchase, price: money(EUR)}
    /// "#)])?;
    /// let (engine, bad) = engine.with_catalog_json(r#"[{"id": "tea", "price": 4.5}, {"id": "cup"}]"#)?;
    /// assert_eq!(engine.catalog().map(|catalog| catalog.len()), Some(1));
    /// assert_eq!((bad[0].code, bad[0].row), ("missing_price", Some(1)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_catalog_json(&self, table: &str) -> Result<(Engine, Vec<BadItem>), CatalogError> {
        let mut reading = self.reading()?;
        reading.json(table)?;
        Ok(self.stocked(reading))
    }

    /// The same engine with the items of a table as text, see [`with_catalog_json`](Self::with_catalog_json): in JSON when it begins with `[` or
    /// `{`, else with cells separated by commas, semicolons or tabs (what stands most often in the first line), in quotes where they need
    /// some (RFC 4180), and the names of the columns in the first line. An empty cell tells nothing, lists have their elements
    /// between `|`, stock by store stands in columns called `stock.<store>`, numbers have a decimal point. A mark of the order of bytes at
    /// the beginning is left out. What is wrong is told with its line.
    ///
    /// # Errors
    /// [`CatalogError`] for text that is no table, such as one without the column `id`, and for a playbook without a catalog.
    ///
    /// # Examples
    /// ```
    /// # use tactful::Engine;
    /// # let engine = Engine::compile(&[("shop.yaml", r#"
    /// # playbook: shop
    /// # version: 1
    /// # identity: {customer: {}}
    /// # events: {purchase: {sku: string}}
    /// # catalog: {item: sku, bought: purchase, price: money(EUR)}
    /// # "#)])?;
    /// let (engine, bad) = engine.with_catalog_text("id,name,price\ntea,\"Tea, green\",4.50\ncup,Cup,\n")?;
    /// assert_eq!(engine.catalog().and_then(|catalog| catalog.item("tea")).map(|tea| &*tea.name), Some("Tea, green"));
    /// assert_eq!((bad[0].code, bad[0].line), ("missing_price", Some(3)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_catalog_text(&self, table: &str) -> Result<(Engine, Vec<BadItem>), CatalogError> {
        let mut reading = self.reading()?;
        reading.text(table)?;
        Ok(self.stocked(reading))
    }

    /// The same engine with the items of a table of columns, in one piece or several of the same columns, see
    /// [`with_catalog_json`](Self::with_catalog_json). Stock by store stands in columns called `stock.<store>`; rows are counted through all
    /// pieces.
    ///
    /// # Errors
    /// [`CatalogError`] for a playbook without a catalog, or a table without the column `id`.
    pub fn with_catalog_batches(&self, table: &[Batch<'_>]) -> Result<(Engine, Vec<BadItem>), CatalogError> {
        let mut reading = self.reading()?;
        for piece in table {
            piece.require("id").map_err(|error| CatalogError::new(error.code(), error.to_string()))?;
            reading.columns(piece);
        }
        Ok(self.stocked(reading))
    }

    fn reading(&self) -> Result<Reading<'_>, CatalogError> {
        let suggestions = self.0.offers.suggestions.as_ref().ok_or_else(|| {
            CatalogError::new("no_catalog", "the playbook declares no `catalog`, so nothing is known of its columns")
        })?;
        Ok(Reading::new(&suggestions.catalog.columns))
    }

    fn stocked(&self, reading: Reading<'_>) -> (Engine, Vec<BadItem>) {
        let (catalog, bad) = reading.finish();
        let shelf = Some(Arc::new(Shelf::new(catalog)));
        (Engine(self.0.clone(), Given { shelf, ..self.1.clone() }), bad)
    }

    pub(crate) fn suggestions(&self) -> Option<&Suggestions> {
        self.0.offers.suggestions.as_ref()
    }

    pub(crate) fn shelf(&self) -> Option<&Shelf> {
        self.1.shelf.as_deref()
    }
}
