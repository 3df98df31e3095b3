use crate::base::tactful_base;
use crate::customer::tactful_customer;
use crate::engine::tactful_engine;
use crate::error::{tactful_error, tactful_status};
use crate::event::tactful_event;
use crate::guard::{Out, array, exclusive, free, giving, guard, shared};
use crate::query::tactful_answer;
use crate::state::tactful_bytes;
use crate::text::{Text, tactful_text, time};
use std::sync::Arc;
use tactful::Engine;
use tactful::trends::{Snapshot, Trends};

/// What was counted over many customers, with what each of them contributed, so that it can be replaced and forgotten.
#[derive(Debug)]
pub struct tactful_trends {
    engine: Engine,
    trends: Trends,
}

/// What was counted, as it may be read: about at least k customers in every cell, without anybody in it. Never changes.
#[derive(Debug)]
pub struct tactful_snapshot {
    pub(crate) snapshot: Arc<Snapshot>,
    digest: Text,
}

impl tactful_snapshot {
    fn of(snapshot: Snapshot) -> Self {
        let digest = Text::new(snapshot.digest());
        tactful_snapshot { snapshot: Arc::new(snapshot), digest }
    }
}

/// An answer of a trend.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct tactful_count {
    /// How many, decayed.
    pub count: f64,
    /// The sum, decayed; NaN when the trend sums nothing.
    pub sum: f64,
    /// About how many customers it is at least; 0 when there is no answer, because it would be about too few customers or nobody.
    pub customers: u64,
}

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<tactful_count>() == 24 && std::mem::offset_of!(tactful_count, customers) == 16);

/// Makes trends of nobody yet, for what the engine's playbook counts. The caller frees them with tactful_trends_free; they may outlive
/// the engine.
///
/// Thread-safe. Fails with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_trends_new(
    engine: *const tactful_engine,
    trends: *mut *mut tactful_trends,
    error: *mut *mut tactful_error,
) -> tactful_status {
    giving(trends, "trends", error, || {
        // SAFETY: by contract.
        let engine = unsafe { shared(engine, "engine") }?.engine.clone();
        let trends = engine.trends();
        Ok(tactful_trends { engine, trends })
    })
}

/// Counts a customer, in place of what they contributed before under any of their identifiers.
///
/// Not thread-safe for the same trends. Fails with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_trends_observe(
    trends: *mut tactful_trends,
    customer: *const tactful_customer,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        let (trends, customer) = unsafe { (exclusive(trends, "trends")?, shared(customer, "customer")?) };
        trends.engine.observe(&mut trends.trends, &customer.customer);
        Ok(())
    })
}

/// Counts the customer of a base to whom an identifier points, as tactful_trends_observe does; all customers of the base when
/// `identifier` is empty. Somebody unknown is not counted.
///
/// Not thread-safe for the same trends. Fails with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_trends_observe_base(
    trends: *mut tactful_trends,
    base: *const tactful_base,
    identifier: tactful_text,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        let (trends, base) = unsafe { (exclusive(trends, "trends")?, shared(base, "base")?) };
        if identifier.len == 0 {
            base.read().observe(&mut trends.trends);
            return Ok(());
        }
        // SAFETY: by contract.
        let identifier = unsafe { identifier.identifier("identifier") }?;
        if let Some(customer) = base.read().find(&identifier) {
            trends.engine.observe(&mut trends.trends, customer);
        }
        Ok(())
    })
}

/// Counts something that nobody known said or did, such as a review, a mention or press: one voice, by its id, told again it replaces what
/// was counted. Identifiers are not looked at.
///
/// Not thread-safe for the same trends. Fails with TACTFUL_INVALID_ARGUMENT, and with TACTFUL_INVALID_EVENT for an event without an id, or
/// that does not fit the playbook.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_trends_hear(
    trends: *mut tactful_trends,
    event: *const tactful_event,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        let (trends, event) = unsafe { (exclusive(trends, "trends")?, shared(event, "event")?) };
        let engine = trends.engine.clone();
        Ok(engine.hear(&mut trends.trends, &event.0)?)
    })
}

/// Takes back what a customer, by their id, contributed. `forgotten` (may be null) says whether there was anything.
///
/// Not thread-safe for the same trends. Fails with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_trends_forget(
    trends: *mut tactful_trends,
    id: tactful_text,
    forgotten: *mut bool,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        let (trends, id) = unsafe { (exclusive(trends, "trends")?, id.read("id")?) };
        let found = trends.trends.forget(id);
        if !forgotten.is_null() {
            // SAFETY: by contract.
            unsafe { forgotten.write(found) };
        }
        Ok(())
    })
}

/// Adds other trends, which stay as they are: in any order and by any partition of the customers with equal bits.
///
/// Not thread-safe for the same trends. Fails with TACTFUL_INVALID_TRENDS when the others were counted by other rules, or with
/// TACTFUL_INVALID_ARGUMENT; nothing is changed then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_trends_merge(
    trends: *mut tactful_trends,
    other: *const tactful_trends,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        if std::ptr::eq(trends, other) {
            return Err(tactful_error::argument("same_handle", "other", "expected other trends than those that are added to"));
        }
        // SAFETY: by contract.
        let (trends, other) = unsafe { (exclusive(trends, "trends")?, shared(other, "other")?) };
        trends.trends.merge(&other.trends)?;
        Ok(())
    })
}

/// How many customers contribute. 0 for null.
///
/// Thread-safe, as long as nobody is counted meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_trends_len(trends: *const tactful_trends) -> usize {
    // SAFETY: by contract.
    unsafe { trends.as_ref() }.map_or(0, |trends| trends.trends.len())
}

/// Makes a snapshot of the epochs that are over at an instant. With the snapshot that was read before (may be null), what fewer than
/// k customers changed since stays as it was, so that the difference of two answers tells about nobody either. The caller frees the
/// snapshot with tactful_snapshot_free.
///
/// Thread-safe, as long as nobody is counted meanwhile. Fails with TACTFUL_INVALID_TRENDS when the one before was counted by other
/// rules, or with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_trends_snapshot(
    trends: *const tactful_trends,
    at_micros: i64,
    before: *const tactful_snapshot,
    snapshot: *mut *mut tactful_snapshot,
    error: *mut *mut tactful_error,
) -> tactful_status {
    giving(snapshot, "snapshot", error, || {
        // SAFETY: by contract.
        let (trends, before) = unsafe { (shared(trends, "trends")?, before.as_ref()) };
        let made = trends.trends.snapshot(time(at_micros, "at_micros")?, before.map(|before| &*before.snapshot))?;
        Ok(tactful_snapshot::of(made))
    })
}

/// Writes trends as bytes, equal for equal trends. The caller frees them with tactful_bytes_free.
///
/// Thread-safe, as long as nobody is counted meanwhile. Fails with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_trends_to_bytes(
    trends: *const tactful_trends,
    bytes: *mut *mut tactful_bytes,
    error: *mut *mut tactful_error,
) -> tactful_status {
    giving(bytes, "bytes", error, || {
        // SAFETY: by contract.
        let trends = unsafe { shared(trends, "trends") }?;
        Ok(tactful_bytes::of(trends.trends.to_bytes()))
    })
}

/// Makes trends out of `length` bytes that tactful_trends_to_bytes wrote, under a playbook that counts alike; the bytes are borrowed
/// for the call only. The caller frees the trends with tactful_trends_free.
///
/// Thread-safe. Fails with TACTFUL_INVALID_STATE or TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_trends_from_bytes(
    engine: *const tactful_engine,
    data: *const u8,
    length: usize,
    trends: *mut *mut tactful_trends,
    error: *mut *mut tactful_error,
) -> tactful_status {
    giving(trends, "trends", error, || {
        // SAFETY: by contract.
        let (engine, data) = unsafe { (shared(engine, "engine")?, array(data, length, "data")?) };
        let engine = engine.engine.clone();
        let trends = engine.trends_from_bytes(data)?;
        Ok(tactful_trends { engine, trends })
    })
}

/// Frees trends. Null is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_trends_free(trends: *mut tactful_trends) {
    // SAFETY: by contract null or not freed yet.
    unsafe { free(trends) }
}

/// SHA-256 over all that can be read of a snapshot, in hexadecimal digits. Borrowed from the snapshot. None for null.
///
/// Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_snapshot_digest(snapshot: *const tactful_snapshot) -> tactful_text {
    // SAFETY: by contract.
    unsafe { snapshot.as_ref() }.map_or(tactful_text::NONE, |snapshot| snapshot.digest.lend())
}

/// Reads what a trend counted where `length` of its dimensions have these values, decayed to `now`; other dimensions may have any value.
/// The answer has 0 customers when it would be about too few of them.
///
/// Thread-safe. Fails with TACTFUL_INVALID_TRENDS for a trend or dimension that is not declared or an instant before the snapshot, or
/// with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_snapshot_read(
    snapshot: *const tactful_snapshot,
    trend: tactful_text,
    dimensions: *const tactful_text,
    values: *const tactful_text,
    length: usize,
    now_micros: i64,
    count: *mut tactful_count,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        let out = Out::new(count, "count")?;
        // SAFETY: by contract.
        let (snapshot, trend) = unsafe { (shared(snapshot, "snapshot")?, trend.read("trend")?) };
        // SAFETY: by contract.
        let (names, values) = unsafe { (array(dimensions, length, "dimensions")?, array(values, length, "values")?) };
        let mut wanted = Vec::with_capacity(length);
        for (name, value) in names.iter().zip(values) {
            // SAFETY: by contract.
            wanted.push(unsafe { (name.read("dimensions")?, value.read("values")?) });
        }
        let found = snapshot.snapshot.read(trend, &wanted, time(now_micros, "now_micros")?)?;
        let answer = found.map_or(tactful_count { count: 0.0, sum: f64::NAN, customers: 0 }, |found| tactful_count {
            count: found.count,
            sum: found.sum.unwrap_or(f64::NAN),
            customers: found.customers,
        });
        // SAFETY: by contract.
        unsafe { out.write(answer) };
        Ok(())
    })
}

/// All cells of a trend in JSON, decayed to `now`, as the question "trend" of tactful_base_query gives them. The caller frees the answer
/// with tactful_answer_free.
///
/// Thread-safe. Fails as tactful_snapshot_read does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_snapshot_cells(
    snapshot: *const tactful_snapshot,
    trend: tactful_text,
    now_micros: i64,
    answer: *mut *mut tactful_answer,
    error: *mut *mut tactful_error,
) -> tactful_status {
    giving(answer, "answer", error, || {
        // SAFETY: by contract.
        let (snapshot, trend) = unsafe { (shared(snapshot, "snapshot")?, trend.read("trend")?) };
        let shown = snapshot.snapshot.show(trend, time(now_micros, "now_micros")?)?;
        Ok(tactful_answer::of(shown.to_json()))
    })
}

/// Writes a snapshot as bytes. It holds hashes of who contributed, for the snapshot after it; `members` 0 leaves them out, for one that is
/// given away. The caller frees the bytes with tactful_bytes_free.
///
/// Thread-safe. Fails with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_snapshot_to_bytes(
    snapshot: *const tactful_snapshot,
    members: i32,
    bytes: *mut *mut tactful_bytes,
    error: *mut *mut tactful_error,
) -> tactful_status {
    giving(bytes, "bytes", error, || {
        // SAFETY: by contract.
        let snapshot = unsafe { shared(snapshot, "snapshot") }?;
        let written = match members {
            0 => Snapshot::clone(&snapshot.snapshot).without_members().to_bytes(),
            _ => snapshot.snapshot.to_bytes(),
        };
        Ok(tactful_bytes::of(written))
    })
}

/// Makes a snapshot out of `length` bytes that tactful_snapshot_to_bytes wrote, under a playbook that counts alike; the bytes are borrowed
/// for the call only. The caller frees the snapshot with tactful_snapshot_free.
///
/// Thread-safe. Fails with TACTFUL_INVALID_STATE or TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_snapshot_from_bytes(
    engine: *const tactful_engine,
    data: *const u8,
    length: usize,
    snapshot: *mut *mut tactful_snapshot,
    error: *mut *mut tactful_error,
) -> tactful_status {
    giving(snapshot, "snapshot", error, || {
        // SAFETY: by contract.
        let (engine, data) = unsafe { (shared(engine, "engine")?, array(data, length, "data")?) };
        let read = engine.engine.snapshot_from_bytes(data)?;
        Ok(tactful_snapshot::of(read))
    })
}

/// Frees a snapshot. Null is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_snapshot_free(snapshot: *mut tactful_snapshot) {
    // SAFETY: by contract null or not freed yet.
    unsafe { free(snapshot) }
}
