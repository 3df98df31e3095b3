//! What a replay found, as tables: the one place that says how the rows of each are called and laid out.

use crate::{ArrowError, Kind, OwnedColumn, Table};
use std::sync::Arc;
use tactful::Playbook;
use tactful::base::{BadRow, CustomerRow, DecisionRow, GateRow, ReplayTables, SegmentRow, StageRow, TransitionRow};

/// Tables by name, in the order in which they are named.
pub type NamedTables = Vec<(&'static str, Table)>;

/// Rows of one batch at most, so that texts stay far below what 32-bit offsets can address.
const ROWS: usize = 65_536;

/// The tables of a replay by name: `customers`, `decisions`, `gates`, `segments`, `stages`, `transitions` and `bad_rows`.
///
/// Names of offers, segments, stages and the like come as dictionaries, counts as 64-bit integers, instants in microseconds, UTC.
/// A table without rows has its columns all the same.
///
/// # Errors
/// [`ArrowError::TooLarge`] when 65,536 rows hold 2 GiB of text or more, [`ArrowError::BadName`] for a journey named with a NUL
/// character.
pub fn tables(found: &ReplayTables, playbook: &Playbook) -> Result<NamedTables, ArrowError> {
    let journeys: Vec<Arc<str>> = playbook.journeys.iter().map(|journey| journey.name.text.clone()).collect();
    Ok(vec![
        ("customers", batched(&found.customers, |rows| customers(rows, &journeys))?),
        ("decisions", batched(&found.decisions, decisions)?),
        ("gates", batched(&found.gates, gates)?),
        ("segments", batched(&found.segments, segments)?),
        ("stages", batched(&found.stages, stages)?),
        ("transitions", batched(&found.transitions, transitions)?),
        ("bad_rows", batched(&found.bad_rows, bad_rows)?),
    ])
}

type Columns = Vec<(Arc<str>, OwnedColumn)>;

/// Builds a table batch by batch. No rows give no batches, but a schema.
fn batched<T>(rows: &[T], build: impl Fn(&[T]) -> Result<Columns, ArrowError>) -> Result<Table, ArrowError> {
    let fields: Vec<(Arc<str>, Kind)> = build(&[])?.into_iter().map(|(name, column)| (name, column.kind())).collect();
    let mut table = Table::empty(fields)?;
    for part in rows.chunks(ROWS) {
        table.push(build(part)?.into_iter().map(|(_, column)| column).collect())?;
    }
    Ok(table)
}

fn customers(rows: &[CustomerRow], journeys: &[Arc<str>]) -> Result<Columns, ArrowError> {
    let mut columns: Columns = vec![
        ("customer".into(), OwnedColumn::texts(rows.iter().map(|row| Some(&row.customer)))?),
        ("events".into(), counts(rows.iter().map(|row| row.events))),
        ("first_time".into(), OwnedColumn::timestamps(rows.iter().map(|row| row.first))),
        ("last_time".into(), OwnedColumn::timestamps(rows.iter().map(|row| row.last))),
        ("segments".into(), OwnedColumn::text_lists(rows.iter().map(|row| Some(&row.segments)))?),
        ("persona".into(), OwnedColumn::dictionary(rows.iter().map(|row| row.persona.as_ref()))?),
    ];
    for (number, journey) in journeys.iter().enumerate() {
        let places = || rows.iter().map(|row| row.journeys.get(number).and_then(Option::as_ref));
        let stages = places().map(|place| place.map(|(stage, _)| stage));
        columns.push((format!("journey_{journey}").into(), OwnedColumn::dictionary(stages)?));
        let since = places().map(|place| place.map(|(_, since)| *since));
        columns.push((format!("journey_{journey}_since").into(), OwnedColumn::timestamps(since)));
    }
    columns.push(("next_due".into(), OwnedColumn::timestamps(rows.iter().map(|row| row.next_due))));
    Ok(columns)
}

fn decisions(rows: &[DecisionRow]) -> Result<Columns, ArrowError> {
    Ok(vec![
        ("customer".into(), OwnedColumn::texts(rows.iter().map(|row| Some(&row.customer)))?),
        ("time".into(), OwnedColumn::timestamps(rows.iter().map(|row| Some(row.time)))),
        ("placement".into(), OwnedColumn::dictionary(rows.iter().map(|row| Some(&row.placement)))?),
        ("slot".into(), OwnedColumn::ints(rows.iter().map(|row| Some(row.slot)))),
        ("offer".into(), OwnedColumn::dictionary(rows.iter().map(|row| row.offer.as_ref()))?),
        ("kind".into(), OwnedColumn::dictionary(rows.iter().map(|row| Some(row.kind)))?),
        ("score".into(), OwnedColumn::doubles(rows.iter().map(|row| row.score))),
        ("message".into(), OwnedColumn::texts(rows.iter().map(|row| row.message.as_ref()))?),
        ("reason".into(), OwnedColumn::dictionary(rows.iter().map(|row| Some(&row.reason)))?),
        ("decision".into(), OwnedColumn::texts(rows.iter().map(|row| Some(&row.decision)))?),
    ])
}

fn gates(rows: &[GateRow]) -> Result<Columns, ArrowError> {
    Ok(vec![
        ("time".into(), OwnedColumn::timestamps(rows.iter().map(|row| Some(row.time)))),
        ("placement".into(), OwnedColumn::dictionary(rows.iter().map(|row| Some(&row.placement)))?),
        ("offer".into(), OwnedColumn::dictionary(rows.iter().map(|row| Some(&row.offer)))?),
        ("gate".into(), OwnedColumn::dictionary(rows.iter().map(|row| Some(row.gate)))?),
        ("customers".into(), counts(rows.iter().map(|row| row.customers))),
    ])
}

fn segments(rows: &[SegmentRow]) -> Result<Columns, ArrowError> {
    Ok(vec![
        ("time".into(), OwnedColumn::timestamps(rows.iter().map(|row| Some(row.time)))),
        ("segment".into(), OwnedColumn::dictionary(rows.iter().map(|row| Some(&row.segment)))?),
        ("members".into(), counts(rows.iter().map(|row| row.members))),
        ("unknown".into(), counts(rows.iter().map(|row| row.unknown))),
    ])
}

fn stages(rows: &[StageRow]) -> Result<Columns, ArrowError> {
    Ok(vec![
        ("time".into(), OwnedColumn::timestamps(rows.iter().map(|row| Some(row.time)))),
        ("journey".into(), OwnedColumn::dictionary(rows.iter().map(|row| Some(&row.journey)))?),
        ("stage".into(), OwnedColumn::dictionary(rows.iter().map(|row| row.stage.as_ref()))?),
        ("customers".into(), counts(rows.iter().map(|row| row.customers))),
        ("entries".into(), counts(rows.iter().map(|row| row.entries))),
        ("exits".into(), counts(rows.iter().map(|row| row.exits))),
    ])
}

fn transitions(rows: &[TransitionRow]) -> Result<Columns, ArrowError> {
    Ok(vec![
        ("journey".into(), OwnedColumn::dictionary(rows.iter().map(|row| Some(&row.journey)))?),
        ("from".into(), OwnedColumn::dictionary(rows.iter().map(|row| row.from.as_ref()))?),
        ("to".into(), OwnedColumn::dictionary(rows.iter().map(|row| row.to.as_ref()))?),
        ("count".into(), counts(rows.iter().map(|row| row.count))),
    ])
}

fn bad_rows(rows: &[BadRow]) -> Result<Columns, ArrowError> {
    Ok(vec![
        ("row".into(), counts(rows.iter().map(|row| row.row))),
        ("column".into(), OwnedColumn::dictionary(rows.iter().map(|row| row.column.as_ref()))?),
        ("code".into(), OwnedColumn::dictionary(rows.iter().map(|row| Some(row.code)))?),
        ("reason".into(), OwnedColumn::texts(rows.iter().map(|row| Some(&row.reason)))?),
    ])
}

/// Counts as the signed integers that every data frame has; one beyond them stays at the largest.
fn counts(numbers: impl IntoIterator<Item = u64>) -> OwnedColumn {
    OwnedColumn::ints(numbers.into_iter().map(|number| Some(i64::try_from(number).unwrap_or(i64::MAX))))
}

#[cfg(test)]
mod tests {
    use super::tables;
    use crate::Reader;
    use std::sync::Arc;
    use tactful::base::{BadRow, CustomerRow, DecisionRow, ReplayTables, TransitionRow};
    use tactful::{Engine, Timestamp};

    const SHOP: &str = "
playbook: shop
version: 1
identity: {customer: {}}
events: {purchase: {amount: money(EUR)}}
journeys:
  lifecycle:
    stages:
      fresh: {enter: 'events(\"purchase\").count() >= 1'}
      loyal: {enter: 'events(\"purchase\").count() >= 3'}
";

    fn time(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros).unwrap()
    }

    #[test]
    fn every_table_has_its_columns_even_without_rows() {
        let engine = Engine::compile(&[("shop.yaml", SHOP)]).unwrap();
        let found = tables(&ReplayTables::default(), engine.playbook()).unwrap();
        let shape: Vec<String> = found
            .iter()
            .map(|(name, table)| {
                let columns: Vec<&str> = table.fields().map(|(name, _)| &**name).collect();
                format!("{name}({}) {} rows", columns.join(", "), table.rows())
            })
            .collect();
        assert_eq!(
            shape,
            [
                "customers(customer, events, first_time, last_time, segments, persona, journey_lifecycle, journey_lifecycle_since, \
                 next_due) 0 rows",
                "decisions(customer, time, placement, slot, offer, kind, score, message, reason, decision) 0 rows",
                "gates(time, placement, offer, gate, customers) 0 rows",
                "segments(time, segment, members, unknown) 0 rows",
                "stages(time, journey, stage, customers, entries, exits) 0 rows",
                "transitions(journey, from, to, count) 0 rows",
                "bad_rows(row, column, code, reason) 0 rows",
            ]
        );
    }

    #[test]
    fn rows_arrive_as_they_were_found() {
        let engine = Engine::compile(&[("shop.yaml", SHOP)]).unwrap();
        let fresh: Arc<str> = Arc::from("fresh");
        let row = |customer: &str, place| CustomerRow {
            customer: customer.to_owned(),
            events: 3,
            first: Some(time(1)),
            last: Some(time(2)),
            segments: vec![Arc::from("a"), Arc::from("b")],
            persona: None,
            journeys: vec![place],
            next_due: None,
        };
        let decision = DecisionRow {
            customer: Arc::from("customer:1"),
            time: time(7),
            placement: Arc::from("home"),
            slot: 0,
            kind: "silence",
            offer: None,
            score: None,
            message: None,
            reason: Arc::from("2 candidates: eligible 2"),
            decision: Arc::from("d"),
        };
        // More rows than one batch holds.
        let found = ReplayTables {
            customers: vec![row("customer:1", Some((fresh.clone(), time(1)))), row("customer:2", None)],
            decisions: vec![decision; super::ROWS + 1],
            transitions: vec![TransitionRow { journey: Arc::from("lifecycle"), from: None, to: Some(fresh), count: u64::MAX }],
            bad_rows: vec![BadRow { row: 5, column: None, code: "wrong_type", reason: "expected text".to_owned() }],
            ..ReplayTables::default()
        };
        let found = tables(&found, engine.playbook()).unwrap();
        let read = |name: &str| {
            let (_, table) = found.iter().find(|(own, _)| *own == name).unwrap();
            let mut stream = table.stream();
            // SAFETY: the stream was just exported.
            unsafe { Reader::take(&raw mut stream) }.unwrap().map(Result::unwrap).collect::<Vec<_>>()
        };
        let customers = read("customers");
        let batch = customers[0].batch().unwrap();
        assert_eq!(batch.require("customer").unwrap().text(1), Ok(Some("customer:2")));
        assert_eq!(batch.require("first_time").unwrap().timestamp(0), Ok(Some(time(1))));
        assert_eq!(batch.require("last_time").unwrap().timestamp(0), Ok(Some(time(2))));
        assert_eq!(batch.require("journey_lifecycle").unwrap().text(0), Ok(Some("fresh")));
        assert_eq!(batch.require("journey_lifecycle_since").unwrap().timestamp(1), Ok(None));
        let decisions = read("decisions");
        assert_eq!(decisions.len(), 2);
        let batch = decisions[1].batch().unwrap();
        assert_eq!(batch.rows(), 1);
        assert_eq!(batch.require("kind").unwrap().text(0), Ok(Some("silence")));
        assert_eq!(batch.require("offer").unwrap().text(0), Ok(None));
        let transitions = read("transitions");
        assert_eq!(transitions[0].batch().unwrap().require("count").unwrap().int(0), Ok(Some(i64::MAX)));
        let bad = read("bad_rows");
        let batch = bad[0].batch().unwrap();
        assert_eq!(batch.require("row").unwrap().int(0), Ok(Some(5)));
        assert_eq!(batch.require("column").unwrap().text(0), Ok(None));
        assert_eq!(batch.require("code").unwrap().text(0), Ok(Some("wrong_type")));
    }
}
