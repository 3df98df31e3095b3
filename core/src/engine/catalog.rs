use super::Engine;
use crate::catalog::{BadItem, Catalog, CatalogError, Reading};
use crate::column::Batch;
use crate::suggest::{Company, Shelf, Suggestions};
use crate::trends::Snapshot;
use std::sync::Arc;

impl Engine {
    /// The items that can be suggested; those of the playbook, unless others were given.
    #[must_use]
    pub fn catalog(&self) -> Option<&Catalog> {
        self.1.as_ref().map(|shelf| &*shelf.catalog)
    }

    /// The same engine with the items of a table in JSON, in place of those it had: a list of objects with the columns `id`, `name`,
    /// `category`, `price`, `stock`, `replenish`, `life`, `warranty`, `complements` and the attributes that the playbook declares,
    /// or one such object per line. Rows that are wrong are left out and told; nothing else is lost. What others did has to be given
    /// [again](Self::with_trends).
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

    /// The same engine with what others did with items, out of a snapshot of trends; suggestions by company and usual gaps are made of
    /// it. Without one these find nothing. Takes the snapshot as of its own instant, so it may be made anew as often as one likes.
    #[must_use]
    pub fn with_trends(&self, snapshot: &Snapshot) -> Engine {
        let Some(shelf) = &self.1 else { return self.clone() };
        let company = Company::of(snapshot, &shelf.catalog);
        let shelf = Shelf { catalog: shelf.catalog.clone(), company: Some(Arc::new(company)) };
        Engine(self.0.clone(), Some(Arc::new(shelf)))
    }

    fn reading(&self) -> Result<Reading<'_>, CatalogError> {
        let suggestions = self.0.offers.suggestions.as_ref().ok_or_else(|| {
            CatalogError::new("no_catalog", "the playbook declares no `catalog`, so nothing is known of its columns")
        })?;
        Ok(Reading::new(&suggestions.catalog.columns))
    }

    fn stocked(&self, reading: Reading<'_>) -> (Engine, Vec<BadItem>) {
        let (catalog, bad) = reading.finish();
        let shelf = Shelf { catalog: Arc::new(catalog), company: None };
        (Engine(self.0.clone(), Some(Arc::new(shelf))), bad)
    }

    pub(crate) fn suggestions(&self) -> Option<&Suggestions> {
        self.0.offers.suggestions.as_ref()
    }

    pub(crate) fn shelf(&self) -> Option<&Shelf> {
        self.1.as_deref()
    }
}
