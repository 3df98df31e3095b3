use super::{Column, ColumnError, ColumnProblem};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A table of columns of equal length with different names.
#[derive(Debug, Clone)]
pub struct Batch<'a> {
    columns: Vec<(Arc<str>, Column<'a>)>,
    rows: usize,
}

impl<'a> Batch<'a> {
    /// Puts columns together.
    ///
    /// # Errors
    /// `unequal_lengths` when a column has not `rows` rows, `duplicate_column` when two have the same name.
    pub fn new(columns: Vec<(Arc<str>, Column<'a>)>, rows: usize) -> Result<Self, ColumnError> {
        let mut names = BTreeSet::new();
        for (name, column) in &columns {
            column.same_length("batch", rows).map_err(|error| error.named(name))?;
            if !names.insert(name) {
                return Err(ColumnError::from(ColumnProblem::DuplicateColumn).named(name));
            }
        }
        Ok(Batch { columns, rows })
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The columns with their names, in the order of the table.
    #[must_use]
    pub fn columns(&self) -> &[(Arc<str>, Column<'a>)] {
        &self.columns
    }

    /// The names of the columns, in the order of the table.
    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> + Clone {
        self.columns.iter().map(|(name, _)| name)
    }

    /// The column of a name, when there is one. Takes time in proportion to the number of columns.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column<'a>> {
        self.columns.iter().find(|(own, _)| **own == *name).map(|(_, column)| column)
    }

    /// The column of a name that has to be there.
    ///
    /// # Errors
    /// `no_such_column` with the nearest of the names that there are.
    pub fn require(&self, name: &str) -> Result<&Column<'a>, ColumnError> {
        self.column(name).ok_or_else(|| ColumnError::no_such_column(name, self.names()))
    }
}
