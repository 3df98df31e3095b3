use crate::base::tactful_base;
use crate::engine::tactful_engine;
use crate::error::{tactful_error, tactful_status};
use crate::guard::{Out, giving, guard, shared};
use crate::query::tactful_answer;
use crate::text::tactful_text;
use crate::trends::tactful_snapshot;

/// The same engine with the items of a table, in place of those it had: JSON, a list of objects with the columns of an item, or one object
/// per line; or text with cells separated by commas, semicolons or tabs (CSV, RFC 4180) and the names of the columns in the first
/// line. The playbook is not compiled again and customers go on as they are. `bad` gets what is wrong with the table as JSON, a
/// list of objects with code, row, column and message, of CSV also line: such rows are left out, all others are kept. The caller frees both.
///
/// Thread-safe. Fails with TACTFUL_INVALID_QUERY for text that is no table or a playbook without a catalog, or with
/// TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_engine_with_catalog(
    engine: *const tactful_engine,
    table: tactful_text,
    stocked: *mut *mut tactful_engine,
    bad: *mut *mut tactful_answer,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        let (out, told) = (Out::new(stocked, "stocked")?, Out::new(bad, "bad")?);
        // SAFETY: by contract.
        let (engine, table) = unsafe { (shared(engine, "engine")?, table.read("table")?) };
        let (own, wrong) = engine.engine.with_catalog_text(table)?;
        let wrong = serde_json::to_string(&wrong).unwrap_or_default();
        // SAFETY: by contract.
        unsafe {
            told.give(tactful_answer::of(wrong));
            out.give(tactful_engine::of(own));
        }
        Ok(())
    })
}

/// The same engine with what was counted over many customers: rules and learned factors read it, suggestions and the question `reach` look
/// at what others did. Decisions before its instant do not see it; a request may bring other trends for itself, see
/// tactful_request_set_trends. The caller frees the engine.
///
/// Thread-safe. Fails with TACTFUL_INVALID_TRENDS for a snapshot that was counted by other rules, or with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_engine_with_trends(
    engine: *const tactful_engine,
    snapshot: *const tactful_snapshot,
    knowing: *mut *mut tactful_engine,
    error: *mut *mut tactful_error,
) -> tactful_status {
    giving(knowing, "knowing", error, || {
        // SAFETY: by contract.
        let (engine, snapshot) = unsafe { (shared(engine, "engine")?, shared(snapshot, "snapshot")?) };
        let own = engine.engine.with_trends(snapshot.snapshot.clone())?;
        Ok(tactful_engine::of(own))
    })
}

/// Goes on with another engine of the same playbook, such as one with a new table of items or newer trends.
///
/// Thread-safe; waits for other uses of the base. Fails with TACTFUL_INVALID_EVENT for the engine of another playbook, and changes
/// nothing then, or with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_base_set_engine(
    base: *const tactful_base,
    engine: *const tactful_engine,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        let (base, engine) = unsafe { (shared(base, "base")?, shared(engine, "engine")?) };
        base.write().set_engine(engine.engine.clone())?;
        Ok(())
    })
}
