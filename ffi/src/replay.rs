use crate::column::{Laid, tactful_column};
use crate::engine::tactful_engine;
use crate::error::{Failure, tactful_error, tactful_status};
use crate::guard::{Out, array, exclusive, free, giving, guard, shared};
use crate::query::tactful_answer;
use crate::text::{Text, lend, tactful_text, time};
use std::ops::ControlFlow;
use std::sync::Arc;
use tactful::base::{BadRows, Replay, ReplayOptions};
use tactful::column::{Batch, Column};
use tactful_arrow::{ArrowArrayStream, NamedTables, Reader, tables};

/// A row that cannot be recorded stops the replay.
pub const TACTFUL_BAD_ROWS_STOP: i32 = 0;
/// A row that cannot be recorded is reported in the table "bad_rows", and the replay goes on.
pub const TACTFUL_BAD_ROWS_REPORT: i32 = 1;

/// Events of many customers, taken in as tables and then walked through in time order.
#[derive(Debug)]
pub struct tactful_replay {
    replay: Replay,
    ignored: Vec<Text>,
    /// When it was run.
    tables: Option<NamedTables>,
}

/// Says that a column stands for something, where the names differ.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct tactful_column_role {
    /// "type", "time", "id", "sequence", "known_at", "channel", "source", a namespace, or a property.
    pub role: tactful_text,
    /// The name of the column.
    pub column: tactful_text,
}

/// How a replay goes. Zeroed options only read the events. Everything is copied.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct tactful_replay_options {
    /// The instants at which every customer known by then gets a decision, in microseconds since 1970-01-01T00:00:00Z.
    pub decide_at: *const i64,
    /// How many.
    pub decide_at_count: usize,
    /// The placements that ask.
    pub placements: *const tactful_text,
    /// How many.
    pub placement_count: usize,
    /// Which columns stand for what, where the names differ.
    pub roles: *const tactful_column_role,
    /// How many.
    pub role_count: usize,
    /// The outcome recorded for every chosen offer, such as "shown"; empty for none.
    pub outcome: tactful_text,
    /// TACTFUL_BAD_ROWS_STOP or TACTFUL_BAD_ROWS_REPORT.
    pub bad_rows: i32,
    /// What rules that ask what comes next go by: bytes that tactful_base_forecast_to_bytes wrote. Of instants before its own it knows
    /// nothing.
    pub forecast: *const u8,
    /// How many bytes; 0 for no forecast.
    pub forecast_length: usize,
}

/// Counts of a replay.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct tactful_replay_stats {
    /// Rows read.
    pub rows: u64,
    /// Events recorded from them.
    pub events: u64,
    /// Rows that told an event again.
    pub duplicates: u64,
    /// Rows whose id was told with other content.
    pub conflicts: u64,
    /// Rows that could not be recorded.
    pub bad_rows: u64,
    /// Customers who can be addressed; known after the run.
    pub customers: u64,
    /// Visitors under anonymous identifiers, who are counted but not addressed; known after the run.
    pub anonymous_visitors: u64,
    /// Their events.
    pub anonymous_events: u64,
    /// Decisions made.
    pub decisions: u64,
    /// Events recorded because of decisions.
    pub exposures: u64,
}

#[cfg(target_pointer_width = "64")]
const _: () = {
    use std::mem::offset_of;
    assert!(size_of::<tactful_column_role>() == 32);
    assert!(size_of::<tactful_replay_options>() == 88 && offset_of!(tactful_replay_options, forecast_length) == 80);
    assert!(size_of::<tactful_replay_stats>() == 80 && offset_of!(tactful_replay_stats, exposures) == 72);
};

/// Makes a replay without events yet. `options` may be null. The caller frees it with tactful_replay_free; it may outlive the engine.
///
/// Thread-safe. Fails with TACTFUL_INVALID_REQUEST for an unknown placement or outcome, with TACTFUL_INVALID_STATE for a forecast that is
/// damaged or was counted by another playbook, or with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_replay_new(
    engine: *const tactful_engine,
    options: *const tactful_replay_options,
    replay: *mut *mut tactful_replay,
    error: *mut *mut tactful_error,
) -> tactful_status {
    giving(replay, "replay", error, || {
        // SAFETY: by contract.
        let (engine, options) = unsafe { (shared(engine, "engine")?, options.as_ref()) };
        let options = match options {
            // SAFETY: by contract.
            Some(options) => unsafe { options.read(engine) }?,
            None => ReplayOptions::default(),
        };
        let replay = Replay::new(engine.engine.clone(), options)?;
        Ok(tactful_replay { replay, ignored: Vec::new(), tables: None })
    })
}

impl tactful_replay_options {
    /// # Safety
    /// The pointers are as long as the counts say.
    unsafe fn read(&self, engine: &tactful_engine) -> Result<ReplayOptions, Failure> {
        // SAFETY: as promised by the caller.
        let (instants, placements, roles) = unsafe {
            (
                array(self.decide_at, self.decide_at_count, "options.decide_at")?,
                array(self.placements, self.placement_count, "options.placements")?,
                array(self.roles, self.role_count, "options.roles")?,
            )
        };
        // SAFETY: as promised by the caller.
        let forecast = unsafe { array(self.forecast, self.forecast_length, "options.forecast")? };
        // SAFETY: as promised by the caller.
        let text = |text: &tactful_text, name: &str| unsafe { text.read(name) }.map(str::to_owned);
        let outcome = text(&self.outcome, "options.outcome")?;
        Ok(ReplayOptions {
            forecast: engine.forecast(forecast)?,
            decide_at: instants.iter().map(|micros| time(*micros, "options.decide_at")).collect::<Result<_, _>>()?,
            placements: placements.iter().map(|name| text(name, "options.placements")).collect::<Result<_, _>>()?,
            record: Some(outcome).filter(|outcome| !outcome.is_empty()),
            columns: roles
                .iter()
                .map(|role| Ok((text(&role.role, "options.roles.role")?, text(&role.column, "options.roles.column")?)))
                .collect::<Result<_, Failure>>()?,
            bad_rows: match self.bad_rows {
                TACTFUL_BAD_ROWS_STOP => BadRows::Stop,
                TACTFUL_BAD_ROWS_REPORT => BadRows::Report,
                other => {
                    let message = format!("expected TACTFUL_BAD_ROWS_STOP or TACTFUL_BAD_ROWS_REPORT, found {other}");
                    return Err(tactful_error::argument("unknown_constant", "options.bad_rows", message));
                }
            },
        })
    }
}

/// Takes in the rows of a stream of the Arrow C stream interface, in any order. The stream is consumed and left released, also when
/// this fails. A table needs the columns "type" and "time", one per namespace of identifiers, and one per property.
///
/// Not thread-safe for one replay. Fails with TACTFUL_INVALID_DATA, or TACTFUL_INVALID_ARGUMENT after the run; the rows before a bad
/// one stay recorded, see tactful_error_row.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_replay_add_stream(
    replay: *mut tactful_replay,
    stream: *mut ArrowArrayStream,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract. Taken first, so that the stream is released whatever comes.
        let reader = unsafe { Reader::take(stream) };
        // SAFETY: by contract.
        let replay = unsafe { exclusive(replay, "replay") }?;
        for chunk in reader? {
            let chunk = chunk?;
            replay.add(&chunk.batch()?)?;
        }
        Ok(())
    })
}

/// Takes in `row_count` rows of plain arrays, in any order. Everything is borrowed for the call. The columns are those of
/// tactful_replay_add_stream.
///
/// Not thread-safe for one replay. Fails as tactful_replay_add_stream does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_replay_add_columns(
    replay: *mut tactful_replay,
    columns: *const tactful_column,
    column_count: usize,
    row_count: usize,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        let (replay, columns) = unsafe { (exclusive(replay, "replay")?, array(columns, column_count, "columns")?) };
        let mut laid: Vec<(&str, &tactful_column, Laid)> = Vec::with_capacity(columns.len());
        for (number, column) in columns.iter().enumerate() {
            // SAFETY: by contract.
            let name = unsafe { column.name.read(&format!("columns[{number}].name")) }?;
            // SAFETY: by contract.
            laid.push((name, column, unsafe { column.lay_out(row_count, name) }?));
        }
        // SAFETY: by contract.
        let built =
            laid.iter().map(|(name, column, laid)| Ok((Arc::from(*name), unsafe { column.column(laid, row_count, name) }?)));
        let built = built.collect::<Result<Vec<(Arc<str>, Column<'_>)>, Failure>>()?;
        replay.add(&Batch::new(built, row_count)?)
    })
}

/// Walks through time: lets every customer advance to each instant, decides, and records what was shown. Once per replay.
///
/// Not thread-safe for one replay. Fails with TACTFUL_INVALID_ARGUMENT when it was run before, TACTFUL_INVALID_DATA when a result is
/// larger than Arrow can carry.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_replay_run(replay: *mut tactful_replay, error: *mut *mut tactful_error) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        let replay = unsafe { exclusive(replay, "replay") }?;
        replay.not_run_yet()?;
        // Whatever comes of it: half a run is not run again.
        let tables_of = replay.tables.insert(NamedTables::new());
        replay.replay.run(&mut |_| ControlFlow::Continue(()))?;
        *tables_of = tables(replay.replay.tables(), replay.replay.base().engine().playbook())?;
        Ok(())
    })
}

/// Exports a result: "customers", "decisions", "segments", "stages", "transitions" or "bad_rows". May be asked again and again; the
/// caller releases each stream, which may outlive the replay. What `stream` held before is overwritten, not released.
///
/// Thread-safe after the run. Fails with TACTFUL_INVALID_ARGUMENT for another name, or before the run.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_replay_table(
    replay: *const tactful_replay,
    name: tactful_text,
    stream: *mut ArrowArrayStream,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        let out = Out::new(stream, "stream")?;
        // SAFETY: by contract.
        let (replay, name) = unsafe { (shared(replay, "replay")?, name.read("name")?) };
        let Some(tables) = &replay.tables else {
            return Err(tactful_error::argument("not_run", "replay", "expected a replay that was run"));
        };
        let Some((_, table)) = tables.iter().find(|(own, _)| *own == name) else {
            let names: Vec<&str> = tables.iter().map(|(own, _)| *own).collect();
            let shown: String = name.chars().take(80).collect();
            let message = format!("expected one of {}, found `{shown}`", names.join(", "));
            return Err(tactful_error::argument("no_such_table", "name", message));
        };
        // SAFETY: by contract.
        unsafe { out.write(table.stream()) };
        Ok(())
    })
}

/// What another replay of the same history does differently, as a JSON object: `before` and `after` with the customers reached, what was
/// given and its declared value; how many decisions stay and change; who gains and loses; and lists by placement, offer, gate
/// and segment; segments of fewer than 10 customers are withheld. The caller frees the answer with tactful_answer_free.
///
/// Thread-safe. Fails with TACTFUL_INVALID_ARGUMENT, code `not_run`, for a replay that was not run.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_replay_compare(
    before: *const tactful_replay,
    after: *const tactful_replay,
    answer: *mut *mut tactful_answer,
    error: *mut *mut tactful_error,
) -> tactful_status {
    giving(answer, "answer", error, || {
        // SAFETY: by contract.
        let (before, after) = unsafe { (shared(before, "before")?, shared(after, "after")?) };
        for (replay, name) in [(before, "before"), (after, "after")] {
            if replay.tables.is_none() {
                return Err(tactful_error::argument("not_run", name, "expected a replay that was run"));
            }
        }
        let json = serde_json::to_string(&before.replay.compare(&after.replay))
            .map_err(|error| tactful_error::argument("not_json", "after", error.to_string()))?;
        Ok(tactful_answer::of(json))
    })
}

/// Fills `stats` with the counts so far. False, and nothing is written, for null.
///
/// Thread-safe, as long as nothing is added or run meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_replay_get_stats(replay: *const tactful_replay, stats: *mut tactful_replay_stats) -> bool {
    // SAFETY: by contract.
    let read = || unsafe { replay.as_ref() }.map(|replay| replay.stats());
    // SAFETY: by contract.
    unsafe { crate::error::fill(stats, read) }
}

/// The name of the column at `index` that stands for nothing declared and was not read. Borrowed from the replay until more is
/// added. None when there is none.
///
/// Thread-safe, as long as nothing is added meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_replay_ignored_column(replay: *const tactful_replay, index: usize) -> tactful_text {
    // SAFETY: by contract.
    lend(unsafe { replay.as_ref() }.and_then(|replay| replay.ignored.get(index)))
}

/// Frees a replay. Null is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_replay_free(replay: *mut tactful_replay) {
    // SAFETY: by contract null or not freed yet.
    unsafe { free(replay) }
}

impl tactful_replay {
    fn not_run_yet(&self) -> Result<(), Failure> {
        if self.tables.is_none() {
            return Ok(());
        }
        Err(tactful_error::argument("already_run", "replay", "expected a replay that was not run yet; make a new one"))
    }

    fn add(&mut self, batch: &Batch<'_>) -> Result<(), Failure> {
        self.not_run_yet()?;
        let added = self.replay.add(batch, &mut |_| ControlFlow::Continue(()));
        self.ignored = self.replay.tables().stats.ignored_columns.iter().map(|name| Text::new(&**name)).collect();
        Ok(added?)
    }

    fn stats(&self) -> tactful_replay_stats {
        let stats = &self.replay.tables().stats;
        tactful_replay_stats {
            rows: stats.rows,
            events: stats.events,
            duplicates: stats.duplicates,
            conflicts: stats.conflicts,
            bad_rows: stats.bad_rows,
            customers: stats.customers,
            anonymous_visitors: stats.anonymous_visitors,
            anonymous_events: stats.anonymous_events,
            decisions: stats.decisions,
            exposures: stats.exposures,
        }
    }
}
