//! The catalog: what there is to suggest, as a table of items with typed attributes that comes with the playbook or beside it.

mod csv;
mod item;
mod read;

pub(crate) use item::amount;
pub use item::{Catalog, Item};
pub use read::{BadItem, CatalogError};
pub(crate) use read::{Columns, Reading};
