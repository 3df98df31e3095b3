//! Journey maps as tables.

use crate::{ArrowError, OwnedColumn, Table};
use std::sync::Arc;
use tactful::base::{Likeliest, PredictionRow};
use tactful::map::{MapReport, StageReport, TimeReport};

type Columns = Vec<(Arc<str>, OwnedColumn)>;

fn counts(values: impl Iterator<Item = Option<u64>>) -> OwnedColumn {
    OwnedColumn::ints(values.map(|value| value.and_then(|value| i64::try_from(value).ok())))
}

/// A row per stage: `stage`, `title`, `drop_out`, `here`, `entries`, `entered_by`, `returns`, `exits`, `drop_outs`, `left`,
/// `drop_out_rate`, `mean_seconds`, `quarter_seconds`, `median_seconds`, `three_quarters_seconds`, `nine_tenths_seconds`, `nps`, `csat`,
/// `complaints`.
///
/// # Errors
/// [`ArrowError::TooLarge`] for 2 GiB of text or more, as below.
pub fn map_stages_table(report: &MapReport) -> Result<Table, ArrowError> {
    let rows = &report.stages;
    let count = |read: fn(&StageReport) -> Option<u64>| counts(rows.iter().map(read));
    let seconds =
        |read: fn(&TimeReport) -> Option<f64>| OwnedColumn::doubles(rows.iter().map(|row| row.time.as_ref().and_then(read)));
    let columns: Columns = vec![
        ("stage".into(), OwnedColumn::texts(rows.iter().map(|row| Some(&row.stage)))?),
        ("title".into(), OwnedColumn::texts(rows.iter().map(|row| Some(&row.title)))?),
        ("drop_out".into(), OwnedColumn::bools(rows.iter().map(|row| Some(row.drop_out)))),
        ("here".into(), count(|row| row.here)),
        ("entries".into(), count(|row| row.entries)),
        ("entered_by".into(), count(|row| row.entered_by)),
        ("returns".into(), count(|row| row.returns)),
        ("exits".into(), count(|row| row.exits)),
        ("drop_outs".into(), count(|row| row.drop_outs)),
        ("left".into(), count(|row| row.left)),
        ("drop_out_rate".into(), OwnedColumn::doubles(rows.iter().map(|row| row.drop_out_rate))),
        ("mean_seconds".into(), seconds(|time| Some(time.mean_seconds))),
        ("quarter_seconds".into(), seconds(|time| time.quarter_seconds)),
        ("median_seconds".into(), seconds(|time| time.median_seconds)),
        ("three_quarters_seconds".into(), seconds(|time| time.three_quarters_seconds)),
        ("nine_tenths_seconds".into(), seconds(|time| time.nine_tenths_seconds)),
        ("nps".into(), OwnedColumn::doubles(rows.iter().map(|row| row.nps.as_ref().map(|nps| nps.score)))),
        ("csat".into(), OwnedColumn::doubles(rows.iter().map(|row| row.csat.as_ref().map(|csat| csat.score)))),
        ("complaints".into(), count(|row| row.complaints)),
    ];
    Table::new(columns)
}

/// A row per customer and journey, or instance: `customer`, `journey`, `instance`, `stage`, and the likeliest `event`, `next_stage` and `change`
/// of a segment, each with the probability that it is next and comes within the time (`event_within` …) and the median of seconds until it
/// (`event_seconds` …); `nothing_within`. Null is what is not known.
///
/// # Errors
/// As for [`map_stages_table`].
pub fn predictions_table(rows: &[PredictionRow]) -> Result<Table, ArrowError> {
    type Read = fn(&PredictionRow) -> Option<&Likeliest>;
    let mut columns: Columns = vec![
        ("customer".into(), OwnedColumn::texts(rows.iter().map(|row| Some(&row.customer)))?),
        ("journey".into(), OwnedColumn::dictionary(rows.iter().map(|row| row.journey.as_ref()))?),
        ("instance".into(), OwnedColumn::texts(rows.iter().map(|row| row.instance.as_ref()))?),
        ("stage".into(), OwnedColumn::dictionary(rows.iter().map(|row| row.stage.as_ref()))?),
    ];
    let sequences: [(&str, Read); 3] = [
        ("event", |row| row.event.as_ref()),
        ("next_stage", |row| row.next_stage.as_ref()),
        ("change", |row| row.change.as_ref()),
    ];
    for (name, read) in sequences {
        columns.push((name.into(), OwnedColumn::dictionary(rows.iter().map(|row| read(row).map(|likely| &likely.0)))?));
        let within = rows.iter().map(|row| read(row).map(|likely| likely.1));
        columns.push((format!("{name}_within").into(), OwnedColumn::doubles(within)));
        let seconds = rows.iter().map(|row| read(row).and_then(|likely| likely.2));
        columns.push((format!("{name}_seconds").into(), OwnedColumn::doubles(seconds)));
    }
    columns.push(("nothing_within".into(), OwnedColumn::doubles(rows.iter().map(|row| row.nothing))));
    Table::new(columns)
}

/// A row per way from a stage to another: `from`, `to` (null for outside), `count`, `customers`, `share`, `median_seconds`.
///
/// # Errors
/// As for [`map_stages_table`].
pub fn map_flows_table(report: &MapReport) -> Result<Table, ArrowError> {
    let rows = &report.flows;
    let columns: Columns = vec![
        ("from".into(), OwnedColumn::dictionary(rows.iter().map(|row| row.from.as_ref()))?),
        ("to".into(), OwnedColumn::dictionary(rows.iter().map(|row| row.to.as_ref()))?),
        ("count".into(), counts(rows.iter().map(|row| Some(row.count)))),
        ("customers".into(), counts(rows.iter().map(|row| Some(row.customers)))),
        ("share".into(), OwnedColumn::doubles(rows.iter().map(|row| row.share))),
        ("median_seconds".into(), OwnedColumn::doubles(rows.iter().map(|row| row.median_seconds))),
    ];
    Table::new(columns)
}

/// A row per stage and touchpoint: `stage`, `event`, `channel`, `count`, `customers`.
///
/// # Errors
/// As for [`map_stages_table`].
pub fn map_touchpoints_table(report: &MapReport) -> Result<Table, ArrowError> {
    let rows = || report.stages.iter().flat_map(|stage| stage.touchpoints.iter().map(move |touch| (&stage.stage, touch)));
    let columns: Columns = vec![
        ("stage".into(), OwnedColumn::dictionary(rows().map(|(stage, _)| Some(stage)))?),
        ("event".into(), OwnedColumn::dictionary(rows().map(|(_, touch)| Some(&touch.event)))?),
        ("channel".into(), OwnedColumn::dictionary(rows().map(|(_, touch)| touch.channel.as_ref()))?),
        ("count".into(), counts(rows().map(|(_, touch)| Some(touch.count)))),
        ("customers".into(), counts(rows().map(|(_, touch)| Some(touch.customers)))),
    ];
    Table::new(columns)
}
