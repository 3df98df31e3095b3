use crate::engine::tactful_engine;
use crate::error::{Failure, tactful_error, tactful_status};
use crate::guard::{Out, array, guard, shared};
use crate::replay::tactful_column_role;
use crate::text::{tactful_text, time};
use tactful::base::{Census, CensusOptions};
use tactful_arrow::{ArrowArrayStream, Chunk, Reader, census};

/// Segments and the best offer of every customer at one instant, straight from a stream of events in the columns that
/// tactful_replay_add_stream takes. `now` is in microseconds since 1970-01-01T00:00:00Z; events later than that are not seen. An empty
/// `placement` asks for segments only. The table that is exported has "customer", "segment_<name>" for each segment, "offer" and
/// "score", one row per customer in the order in which they first appear. `events` is consumed and left released, also when this
/// fails; what `table` held before is overwritten, and the caller releases it.
///
/// Thread-safe. Fails with TACTFUL_INVALID_DATA, TACTFUL_INVALID_REQUEST for an unknown placement, or TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_engine_census(
    engine: *const tactful_engine,
    events: *mut ArrowArrayStream,
    now: i64,
    placement: tactful_text,
    roles: *const tactful_column_role,
    role_count: usize,
    table: *mut ArrowArrayStream,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract. Taken first, so that the stream is released whatever comes.
        let reader = unsafe { Reader::take(events) };
        let out = Out::new(table, "table")?;
        // SAFETY: by contract.
        let (engine, roles) = unsafe { (shared(engine, "engine")?, array(roles, role_count, "roles")?) };
        // SAFETY: as promised by the caller.
        let text = |text: &tactful_text, name: &str| unsafe { text.read(name) }.map(str::to_owned);
        let placement = text(&placement, "placement")?;
        let options = CensusOptions {
            now: time(now, "now")?,
            placement: Some(placement).filter(|name| !name.is_empty()),
            columns: roles
                .iter()
                .map(|role| Ok((text(&role.role, "roles.role")?, text(&role.column, "roles.column")?)))
                .collect::<Result<_, Failure>>()?,
        };
        let chunks = reader?.collect::<Result<Vec<_>, _>>()?;
        let batches = chunks.iter().map(Chunk::batch).collect::<Result<Vec<_>, _>>()?;
        let found = Census::of(&engine.engine, &batches, &options)?;
        // SAFETY: by contract.
        unsafe { out.write(census(&found)?.stream()) };
        Ok(())
    })
}
