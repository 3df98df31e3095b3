use crate::engine::document;
use crate::errors::{self, Bad};
use crate::{query, stream};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFloat, PyInt, PyList, PyString};
use std::path::PathBuf;
use tactful::Engine;
use tactful::catalog::CatalogError;
use tactful_arrow::Chunk;

/// An engine with the items of a table, and what is wrong with that.
pub(crate) fn read<'py>(py: Python<'py>, engine: &Engine, table: &Bound<'py, PyAny>) -> PyResult<(Engine, Bound<'py, PyAny>)> {
    let wrong = |error: CatalogError| Bad::new(error.code(), "table", error.to_string()).query();
    let read = if table.hasattr("__arrow_c_stream__")? {
        let reader = stream::reader(table)?;
        let chunks = py.detach(|| reader.collect::<Result<Vec<Chunk>, _>>()).map_err(|error| errors::arrow(&error))?;
        let batches = chunks.iter().map(Chunk::batch).collect::<Result<Vec<_>, _>>().map_err(|error| errors::arrow(&error))?;
        py.detach(|| engine.with_catalog_batches(&batches))
    } else if table.hasattr("__fspath__")? {
        let path: PathBuf = table.extract()?;
        let end = path.extension().and_then(|end| end.to_str()).unwrap_or("").to_ascii_lowercase();
        let module = match &*end {
            "parquet" => Some("pyarrow.parquet"),
            "arrow" | "feather" | "ipc" => Some("pyarrow.feather"),
            _ => None,
        };
        if let Some(module) = module {
            let columns = py.import(module)?.getattr("read_table")?.call1((path,))?;
            return read(py, engine, &columns);
        }
        let (_, text) = py.detach(|| document(&path))?;
        py.detach(|| engine.with_catalog_text(&text))
    } else if let Ok(text) = table.cast::<PyString>() {
        let text = text.to_str()?.to_owned();
        py.detach(|| engine.with_catalog_text(&text))
    } else {
        let options = PyDict::new(py);
        options.set_item("default", py.import("builtins")?.getattr("str")?)?;
        let rows = plain(table)?;
        let text: String = py.import("json")?.getattr("dumps")?.call((rows,), Some(&options))?.extract()?;
        py.detach(|| engine.with_catalog_json(&text))
    };
    let (engine, bad) = read.map_err(wrong)?;
    let bad = serde_json::to_string(&bad).map_err(|error| errors::internal(&error.to_string()))?;
    Ok((engine, query::loads(py, &bad)?))
}

/// Rows whose numbers JSON can write: those that it cannot are told as text, so that only their rows are wrong.
fn plain<'py>(table: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let Ok(rows) = table.cast::<PyList>() else { return Ok(table.clone()) };
    let copy = PyList::empty(table.py());
    for row in rows {
        let Ok(cells) = row.cast::<PyDict>() else {
            copy.append(row)?;
            continue;
        };
        let cells = cells.copy()?;
        for (name, value) in cells.copy()? {
            let finite = value.cast::<PyFloat>().map_or(Ok(true), |number| number.extract().map(f64::is_finite))?;
            let narrow = value.cast::<PyInt>().is_err() || value.extract::<i64>().is_ok() || value.extract::<u64>().is_ok();
            if !(finite && narrow) {
                cells.set_item(name, value.str()?)?;
            }
        }
        copy.append(cells)?;
    }
    Ok(copy.into_any())
}
