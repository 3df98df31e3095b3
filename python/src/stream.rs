//! Tables that come in as Arrow streams.

use crate::errors::{self, Bad};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict, PyString};
use tactful_arrow::Reader;

/// The table, or the tables, that a caller means.
pub(crate) fn sources(events: &Bound<'_, PyAny>) -> PyResult<Vec<Py<PyAny>>> {
    if is_stream(events)? {
        return Ok(vec![events.clone().unbind()]);
    }
    if events.is_instance_of::<PyString>() || events.is_instance_of::<PyDict>() {
        return Err(no_table("events", events));
    }
    let Ok(items) = events.try_iter() else { return Err(no_table("events", events)) };
    let mut sources = Vec::new();
    for (place, item) in items.enumerate() {
        let item = item?;
        if !is_stream(&item)? {
            return Err(no_table(&format!("events[{place}]"), &item));
        }
        sources.push(item.unbind());
    }
    if sources.is_empty() {
        return Err(Bad::new("no_table", "events", "expected at least one table, found an empty sequence").replay());
    }
    Ok(sources)
}

/// Asks a table for its stream.
pub(crate) fn reader(source: &Bound<'_, PyAny>) -> PyResult<Reader> {
    let capsule = source.call_method0(intern!(source.py(), "__arrow_c_stream__"))?;
    let Ok(capsule) = capsule.cast::<PyCapsule>() else { return Err(no_table("events", source)) };
    let pointer = capsule.pointer_checked(Some(c"arrow_array_stream"))?;
    // SAFETY: a capsule of this name holds, by the PyCapsule interface, a pointer to a stream. The capsule was made for this call and
    // is held here alone, so nobody else uses the stream; after it is taken the capsule's destructor finds it released.
    unsafe { Reader::take(pointer.as_ptr().cast()) }.map_err(|error| errors::arrow(&error))
}

fn is_stream(found: &Bound<'_, PyAny>) -> PyResult<bool> {
    found.hasattr(intern!(found.py(), "__arrow_c_stream__"))
}

fn no_table(path: &str, found: &Bound<'_, PyAny>) -> PyErr {
    let expected =
        "a table that exports an Arrow stream (`__arrow_c_stream__`), such as one of polars, pyarrow, pandas or DuckDB";
    let bad = Bad::kind(path, expected, found);
    Bad { code: "not_a_table", ..bad }.replay()
}
