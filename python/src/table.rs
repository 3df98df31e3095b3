use crate::errors;
use crate::guard::guard;
use crate::html;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use std::sync::Arc;
use tactful::value::{Type, Value};
use tactful_arrow::{self as arrow, ArrowError, Reader};

/// How many rows a notebook shows.
const SHOWN: usize = 10;

/// A table of results. It exports Arrow again and again, without copies: ``polars.DataFrame(table)``, ``pyarrow.table(table)``,
/// ``pandas.DataFrame.from_arrow(table)``, or directly in a DuckDB query. ``len()`` is the number of rows.
///
/// Instants are in microseconds, UTC.
#[pyclass(frozen, module = "tactful")]
pub(crate) struct Table {
    name: &'static str,
    table: arrow::Table,
}

impl Table {
    pub(crate) fn of(name: &'static str, table: arrow::Table) -> Self {
        Table { name, table }
    }

    /// The first rows as text.
    fn first(&self) -> Result<Vec<Vec<String>>, ArrowError> {
        let mut stream = self.table.slice(0, SHOWN).stream();
        let mut rows = Vec::new();
        // SAFETY: the stream was just exported and is held here alone.
        for chunk in unsafe { Reader::take(&raw mut stream) }? {
            let chunk = chunk?;
            let batch = chunk.batch()?;
            for row in 0..batch.rows() {
                rows.push(batch.columns().iter().map(|(_, column)| cell(column.value_as(row, &Type::Dyn))).collect());
            }
        }
        Ok(rows)
    }
}

fn cell(value: Result<Option<Value>, tactful::column::ColumnError>) -> String {
    match value {
        Ok(Some(Value::String(text))) => text.to_string(),
        Ok(Some(Value::Timestamp(time))) => time.to_string(),
        Ok(Some(value)) => value.to_json().to_string(),
        Ok(None) => String::new(),
        // Lists are not read back.
        Err(_) => "[…]".to_owned(),
    }
}

#[pymethods]
impl Table {
    /// The names of the columns.
    #[getter]
    fn columns(&self) -> Vec<String> {
        self.table.fields().map(|(name, _)| name.to_string()).collect()
    }

    /// The table as an Arrow stream of the PyCapsule interface; may be asked for any number of times.
    ///
    /// A requested schema is not followed, as the interface allows.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        guard(|| PyCapsule::new_with_value(py, self.table.stream(), c"arrow_array_stream"))
    }

    /// The types of the columns, as the PyCapsule interface has them.
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        guard(|| PyCapsule::new_with_value(py, self.table.schema(), c"arrow_schema"))
    }

    fn __len__(&self) -> usize {
        self.table.rows()
    }

    fn __bool__(&self) -> bool {
        true
    }

    fn __repr__(&self) -> String {
        format!("<Table {}: {} rows of {}>", self.name, self.table.rows(), self.columns().join(", "))
    }

    fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
        guard(|| {
            let rows = py.detach(|| self.first()).map_err(|error| errors::arrow(&error))?;
            let names: Vec<Arc<str>> = self.table.fields().map(|(name, _)| name.clone()).collect();
            let names: Vec<&str> = names.iter().map(|name| &**name).collect();
            let shown = if rows.len() < self.table.rows() { format!(", the first {}", rows.len()) } else { String::new() };
            Ok(html::table(&format!("{}: {} rows{shown}", self.name, self.table.rows()), &names, &rows))
        })
    }
}
