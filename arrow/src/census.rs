//! What holds of every customer at one instant, as a table.

use crate::{ArrowError, Kind, OwnedColumn, Table};
use std::sync::Arc;
use tactful::base::Census;

/// Rows of one batch at most.
const ROWS: usize = 65_536;

/// A census as a table: `customer`, for each segment `segment_<name>` (null for unknown), `offer` as a dictionary, and its `score`.
///
/// # Errors
/// [`ArrowError::TooLarge`] when 65,536 ids take 2 GiB of text or more, [`ArrowError::BadName`] for a segment named with a NUL
/// character.
pub fn census(found: &Census) -> Result<Table, ArrowError> {
    let columns = |from: usize, to: usize| -> Result<Vec<(Arc<str>, OwnedColumn)>, ArrowError> {
        let customers = found.customers.get(from..to).unwrap_or(&[]);
        let mut columns: Vec<(Arc<str>, OwnedColumn)> =
            vec![("customer".into(), OwnedColumn::texts(customers.iter().map(Some))?)];
        for (name, members) in &found.segments {
            let members = members.get(from..to).unwrap_or(&[]).iter().copied();
            columns.push((format!("segment_{name}").into(), OwnedColumn::bools(members)));
        }
        let offers = found.offers.get(from..to).unwrap_or(&[]).iter().map(Option::as_ref);
        columns.push(("offer".into(), OwnedColumn::dictionary(offers)?));
        columns.push(("score".into(), OwnedColumn::doubles(found.scores.get(from..to).unwrap_or(&[]).iter().copied())));
        Ok(columns)
    };
    let fields: Vec<(Arc<str>, Kind)> = columns(0, 0)?.into_iter().map(|(name, column)| (name, column.kind())).collect();
    let mut table = Table::empty(fields)?;
    let count = found.customers.len();
    for from in (0..count).step_by(ROWS) {
        table.push(columns(from, count.min(from + ROWS))?.into_iter().map(|(_, column)| column).collect())?;
    }
    Ok(table)
}
