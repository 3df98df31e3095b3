//! Tables out: built in safe code, exported as often as anybody asks.

mod column;
mod ffi;

pub use column::{Kind, OwnedColumn};

use crate::abi::{ArrowArray, ArrowArrayStream, ArrowSchema};
use crate::error::ArrowError;
use std::ffi::CString;
use std::sync::Arc;
use tactful::column::{ColumnError, ColumnProblem};

/// A table of owned columns in batches. Cloning and exporting share the buffers.
///
/// # Examples
/// ```
/// use tactful_arrow::{OwnedColumn, Reader, Table};
/// let table = Table::new(vec![
///     ("customer".into(), OwnedColumn::texts([Some("anna"), Some("ben")])?),
///     ("score".into(), OwnedColumn::doubles([Some(0.25), None])),
/// ])?;
/// let mut stream = table.stream();
/// // SAFETY: the stream was just exported.
/// for chunk in unsafe { Reader::take(&raw mut stream) }? {
///     let chunk = chunk?;
///     let batch = chunk.batch()?;
///     assert_eq!(batch.require("customer")?.text(1)?, Some("ben"));
///     assert_eq!(batch.require("score")?.double(1)?, None);
/// }
/// # Ok::<(), tactful_arrow::ArrowError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Table {
    fields: Arc<[OwnedField]>,
    batches: Vec<OwnedBatch>,
}

#[derive(Debug)]
struct OwnedField {
    name: Arc<str>,
    exported: CString,
    kind: Kind,
}

#[derive(Debug, Clone)]
struct OwnedBatch {
    columns: Arc<[OwnedColumn]>,
    rows: usize,
}

impl Table {
    /// A table of one batch.
    ///
    /// # Errors
    /// [`ArrowError::BadName`] for a name with a NUL character, [`ArrowError::Column`] when the columns differ in length or two have
    /// the same name.
    pub fn new(columns: Vec<(Arc<str>, OwnedColumn)>) -> Result<Self, ArrowError> {
        let fields = columns.iter().map(|(name, column)| (name.clone(), column.kind())).collect();
        let mut table = Self::empty(fields)?;
        table.push(columns.into_iter().map(|(_, column)| column).collect())?;
        Ok(table)
    }

    /// A table without batches yet.
    ///
    /// # Errors
    /// [`ArrowError::BadName`] for a name with a NUL character, [`ArrowError::Column`] when two columns have the same name.
    pub fn empty(fields: Vec<(Arc<str>, Kind)>) -> Result<Self, ArrowError> {
        let mut owned: Vec<OwnedField> = Vec::with_capacity(fields.len());
        for (name, kind) in fields {
            if owned.iter().any(|field| field.name == name) {
                return Err(ColumnError::from(ColumnProblem::DuplicateColumn).named(&name).into());
            }
            let exported = CString::new(&*name).map_err(|_| ArrowError::BadName(name.to_string()))?;
            owned.push(OwnedField { name, exported, kind });
        }
        Ok(Table { fields: owned.into(), batches: Vec::new() })
    }

    /// Adds a batch.
    ///
    /// # Errors
    /// [`ArrowError::OtherColumns`] when they are not of the table's kinds, [`ArrowError::Column`] when they differ in length.
    pub fn push(&mut self, columns: Vec<OwnedColumn>) -> Result<(), ArrowError> {
        if !self.fields.iter().map(|field| field.kind).eq(columns.iter().map(OwnedColumn::kind)) {
            let expected = self.fields.iter().map(|field| field.kind).collect();
            return Err(ArrowError::OtherColumns { expected, found: columns.iter().map(OwnedColumn::kind).collect() });
        }
        let rows = columns.first().map_or(0, OwnedColumn::rows);
        for (field, column) in self.fields.iter().zip(&columns) {
            if column.rows() != rows {
                let problem =
                    ColumnProblem::UnequalLengths { what: "first column".into(), expected: rows, found: column.rows() };
                return Err(ColumnError::from(problem).named(&field.name).into());
            }
        }
        self.batches.push(OwnedBatch { columns: columns.into(), rows });
        Ok(())
    }

    /// The names and kinds of the columns.
    pub fn fields(&self) -> impl Iterator<Item = (&Arc<str>, Kind)> {
        self.fields.iter().map(|field| (&field.name, field.kind))
    }

    /// How many rows all batches have together.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.batches.iter().map(|batch| batch.rows).sum()
    }

    /// How many batches there are.
    #[must_use]
    pub fn batches(&self) -> usize {
        self.batches.len()
    }

    /// At most `rows` rows from row `start` on, without copying; what lies beyond the end is left out.
    #[must_use]
    pub fn slice(&self, start: usize, rows: usize) -> Self {
        let (mut skip, mut left) = (start, rows);
        let mut batches = Vec::new();
        for batch in &self.batches {
            let first = skip.min(batch.rows);
            let taken = left.min(batch.rows - first);
            skip -= first;
            left -= taken;
            if taken > 0 {
                let columns = batch.columns.iter().map(|column| column.slice(first, taken)).collect();
                batches.push(OwnedBatch { columns, rows: taken });
            }
        }
        Table { fields: self.fields.clone(), batches }
    }

    /// The schema: a struct of the columns.
    #[must_use]
    pub fn schema(&self) -> ArrowSchema {
        ffi::table_schema(&self.fields)
    }

    /// One batch; `None` when there is no such batch.
    #[must_use]
    pub fn batch(&self, i: usize) -> Option<ArrowArray> {
        self.batches.get(i).map(ffi::table_array)
    }

    /// All batches. May be called again and again.
    #[must_use]
    pub fn stream(&self) -> ArrowArrayStream {
        ffi::stream(self.clone())
    }
}

#[cfg(test)]
pub(crate) mod tests;
