use crate::errors;
use crate::errors::Bad;
use crate::replay::names;
use crate::stream;
use crate::table::Table;
use crate::time;
use pyo3::prelude::*;
use std::collections::BTreeMap;
use tactful::base::{Census, CensusOptions};
use tactful_arrow::Chunk;

/// Answers for all customers of some tables.
pub(crate) fn run(
    py: Python<'_>,
    engine: &tactful::Engine,
    events: &Bound<'_, PyAny>,
    now: &Bound<'_, PyAny>,
    placement: Option<String>,
    columns: Option<&Bound<'_, PyAny>>,
) -> PyResult<Table> {
    let options = CensusOptions {
        now: time::instant(now, "now").map_err(Bad::request)?,
        placement,
        columns: columns.map_or_else(|| Ok(BTreeMap::new()), names).map_err(Bad::replay)?,
    };
    let mut chunks: Vec<Chunk> = Vec::new();
    for source in stream::sources(events)? {
        let reader = stream::reader(source.bind(py))?;
        chunks.extend(py.detach(|| reader.collect::<Result<Vec<_>, _>>()).map_err(|error| errors::arrow(&error))?);
    }
    let batches = chunks.iter().map(Chunk::batch).collect::<Result<Vec<_>, _>>().map_err(|error| errors::arrow(&error))?;
    let found = py.detach(|| Census::of(engine, &batches, &options)).map_err(|error| errors::replay(&error))?;
    let table = tactful_arrow::census(&found).map_err(|error| errors::arrow(&error))?;
    Ok(Table::of("census", table))
}
