//! Event logs in, and what was mined from them as tables.

use crate::{ArrowError, OwnedColumn, Reader, Table};
use std::sync::Arc;
use tactful::mine::{EventLog, FollowsTable, FunnelTable, LogBuilder, LogColumns, MineError, Paths, Variants};
use thiserror::Error;

/// A log that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LogError {
    /// The stream is at fault.
    #[error(transparent)]
    Arrow(#[from] ArrowError),
    /// A column or a row is.
    #[error(transparent)]
    Mine(#[from] MineError),
}

/// The log that stands in tables. Rows sorted by case and time are taken as they are, others are sorted.
///
/// # Errors
/// [`LogError`] for a stream that fails, a missing column, or a row without case, activity or time.
pub fn read_log(readers: impl IntoIterator<Item = Reader>, columns: &LogColumns) -> Result<EventLog, LogError> {
    let mut builder = LogBuilder::default();
    for reader in readers {
        for chunk in reader {
            builder.push_batch(&chunk?.batch()?, columns)?;
        }
    }
    Ok(builder.finish())
}

type Columns = Vec<(Arc<str>, OwnedColumn)>;

fn counts(values: impl Iterator<Item = u64>) -> OwnedColumn {
    OwnedColumn::ints(values.map(|value| i64::try_from(value).ok()))
}

/// `from`, `to`, `count`, `cases`, `mean_seconds`, `median_seconds`.
///
/// # Errors
/// [`ArrowError::TooLarge`] for 2 GiB of text or more.
pub fn follows_table(found: &FollowsTable) -> Result<Table, ArrowError> {
    let pairs = &found.pairs;
    let columns: Columns = vec![
        ("from".into(), OwnedColumn::dictionary(pairs.iter().map(|pair| Some(&pair.from)))?),
        ("to".into(), OwnedColumn::dictionary(pairs.iter().map(|pair| Some(&pair.to)))?),
        ("count".into(), counts(pairs.iter().map(|pair| pair.count))),
        ("cases".into(), counts(pairs.iter().map(|pair| pair.cases))),
        ("mean_seconds".into(), OwnedColumn::doubles(pairs.iter().map(|pair| Some(pair.mean_seconds)))),
        ("median_seconds".into(), OwnedColumn::doubles(pairs.iter().map(|pair| Some(pair.median_seconds)))),
    ];
    Table::new(columns)
}

/// `activities` (a list), `cases`, `share`, `mean_seconds`, `median_seconds`.
///
/// # Errors
/// [`ArrowError::TooLarge`] for 2 GiB of text or more.
pub fn variants_table(found: &Variants) -> Result<Table, ArrowError> {
    let rows = &found.variants;
    let columns: Columns = vec![
        ("activities".into(), OwnedColumn::text_lists(rows.iter().map(|row| Some(&row.activities)))?),
        ("cases".into(), counts(rows.iter().map(|row| row.cases))),
        ("share".into(), OwnedColumn::doubles(rows.iter().map(|row| Some(row.share)))),
        ("mean_seconds".into(), OwnedColumn::doubles(rows.iter().map(|row| Some(row.mean_seconds)))),
        ("median_seconds".into(), OwnedColumn::doubles(rows.iter().map(|row| Some(row.median_seconds)))),
    ];
    Table::new(columns)
}

/// `activities` (a list), `count`, `cases`, `mean_seconds`, `median_seconds`.
///
/// # Errors
/// [`ArrowError::TooLarge`] for 2 GiB of text or more.
pub fn paths_table(found: &Paths) -> Result<Table, ArrowError> {
    let rows = &found.paths;
    let columns: Columns = vec![
        ("activities".into(), OwnedColumn::text_lists(rows.iter().map(|row| Some(&row.activities)))?),
        ("count".into(), counts(rows.iter().map(|row| row.count))),
        ("cases".into(), counts(rows.iter().map(|row| row.cases))),
        ("mean_seconds".into(), OwnedColumn::doubles(rows.iter().map(|row| Some(row.mean_seconds)))),
        ("median_seconds".into(), OwnedColumn::doubles(rows.iter().map(|row| Some(row.median_seconds)))),
    ];
    Table::new(columns)
}

/// `activity`, `cases`, `share`, `conversion`, `mean_seconds`, `median_seconds`.
///
/// # Errors
/// [`ArrowError::TooLarge`] for 2 GiB of text or more.
pub fn funnel_table(found: &FunnelTable) -> Result<Table, ArrowError> {
    let rows = &found.stages;
    let columns: Columns = vec![
        ("activity".into(), OwnedColumn::texts(rows.iter().map(|row| Some(&row.activity)))?),
        ("cases".into(), counts(rows.iter().map(|row| row.cases))),
        ("share".into(), OwnedColumn::doubles(rows.iter().map(|row| row.share))),
        ("conversion".into(), OwnedColumn::doubles(rows.iter().map(|row| row.conversion))),
        ("mean_seconds".into(), OwnedColumn::doubles(rows.iter().map(|row| row.mean_seconds))),
        ("median_seconds".into(), OwnedColumn::doubles(rows.iter().map(|row| row.median_seconds))),
    ];
    Table::new(columns)
}
