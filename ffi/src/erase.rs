use crate::base::tactful_base;
use crate::customer::tactful_customer;
use crate::effects::tactful_effects;
use crate::engine::{give_effects, tactful_engine};
use crate::error::{tactful_error, tactful_status};
use crate::event::tactful_event;
use crate::guard::{Out, array, exclusive, free, giving, guard, shared};
use crate::query::tactful_answer;
use crate::state::tactful_bytes;
use crate::text::{tactful_text, time};
use tactful::base::Tombstones;

/// The customer whom an identifier points to, with all identifiers.
pub const TACTFUL_ERASE_PERSON: i32 = 1;
/// One identifier, and what was told under it; the rest of the customer stays.
pub const TACTFUL_ERASE_IDENTIFIER: i32 = 2;

/// Erases the customer whom an identifier points to (TACTFUL_ERASE_PERSON), or that identifier alone (TACTFUL_ERASE_IDENTIFIER): story,
/// totals and links. Events up to `at_micros`, or known by then, are refused from then on with the code "erased", by a hash of the
/// identifier under `key`, at least 16 bytes that the host keeps; all erasures of a base have one key, borrowed for the call only. The
/// receipt is JSON that names nobody; the caller frees it with tactful_answer_free. `effects` may be null; the caller frees what is
/// written there: what changed for others.
///
/// Thread-safe. Fails with TACTFUL_INVALID_EVENT for the identifier or the key, or with TACTFUL_INVALID_ARGUMENT; nothing
/// is changed then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_base_erase(
    base: *mut tactful_base,
    identifier: tactful_text,
    scope: i32,
    at_micros: i64,
    key: *const u8,
    key_length: usize,
    receipt: *mut *mut tactful_answer,
    effects: *mut *mut tactful_effects,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        let out = Out::new(receipt, "receipt")?;
        // SAFETY: by contract.
        let (base, key) = unsafe { (shared(base.cast_const(), "base")?, array(key, key_length, "key")?) };
        // SAFETY: by contract.
        let identifier = unsafe { identifier.identifier("identifier") }?;
        let at = time(at_micros, "at_micros")?;
        let erasure = match scope {
            TACTFUL_ERASE_PERSON => base.write().erase(&identifier, at, key)?,
            TACTFUL_ERASE_IDENTIFIER => base.write().erase_identifier(&identifier, at, key)?,
            _ => {
                let message = "expected TACTFUL_ERASE_PERSON or TACTFUL_ERASE_IDENTIFIER";
                return Err(tactful_error::argument("unknown_constant", "scope", message));
            }
        };
        // SAFETY: by contract.
        unsafe {
            give_effects(effects, &[erasure.effects]);
            out.give(tactful_answer::of(erasure.receipt.to_json()));
        }
        Ok(())
    })
}

/// Gives a base out of bytes the key of its erasures, which the bytes do not hold. Without it events up to the last erasure are refused
/// with the code "erasure_key". The key is borrowed for the call only.
///
/// Thread-safe. Fails with TACTFUL_INVALID_EVENT for a key that is too short or not theirs, or with
/// TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_base_unlock(
    base: *mut tactful_base,
    key: *const u8,
    key_length: usize,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        let (base, key) = unsafe { (shared(base.cast_const(), "base")?, array(key, key_length, "key")?) };
        Ok(base.write().unlock(key)?)
    })
}

/// Who was erased, for a host that keeps customers itself: hashes under a key that only the host has, each with the instant up to which
/// nothing is taken in again. A base has its own.
#[derive(Debug)]
pub struct tactful_tombstones(Tombstones);

/// Makes tombstones of nobody yet, under a key of at least 16 bytes, borrowed for the call only. The caller frees them with
/// tactful_tombstones_free.
///
/// Thread-safe. Fails with TACTFUL_INVALID_EVENT for a key that is too short, or with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_tombstones_new(
    key: *const u8,
    key_length: usize,
    tombstones: *mut *mut tactful_tombstones,
    error: *mut *mut tactful_error,
) -> tactful_status {
    giving(tombstones, "tombstones", error, || {
        // SAFETY: by contract.
        let key = unsafe { array(key, key_length, "key") }?;
        let made = Tombstones::new(key)?;
        Ok(tactful_tombstones(made))
    })
}

/// Erases a customer who is kept outside of a base: sets a tombstone for each of their identifiers, and leaves the customer without
/// events. Ask tactful_tombstones_check before an event is recorded, and drop what else is kept of them, such as their bytes. The
/// receipt is JSON that names nobody; the caller frees it with tactful_answer_free.
///
/// Not thread-safe for the same customer or the same tombstones. Fails with TACTFUL_INVALID_EVENT for a customer of another playbook,
/// or with TACTFUL_INVALID_ARGUMENT; nothing is changed then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_engine_erase(
    engine: *const tactful_engine,
    customer: *mut tactful_customer,
    at_micros: i64,
    tombstones: *mut tactful_tombstones,
    receipt: *mut *mut tactful_answer,
    error: *mut *mut tactful_error,
) -> tactful_status {
    giving(receipt, "receipt", error, || {
        // SAFETY: by contract.
        let (engine, customer) = unsafe { (shared(engine, "engine")?, exclusive(customer, "customer")?) };
        // SAFETY: by contract.
        let tombstones = unsafe { exclusive(tombstones, "tombstones") }?;
        let at = time(at_micros, "at_micros")?;
        let erasure = engine.engine.erase(customer.customer.clone(), at, &mut tombstones.0)?;
        // Nothing is left but by what they are found.
        if let Some(first) = erasure.identifiers.first() {
            customer.customer = engine.engine.customer(first)?;
            customer.rename();
        }
        Ok(tactful_answer::of(erasure.receipt.to_json()))
    })
}

/// Refuses an event about a customer who was erased after it.
///
/// Thread-safe. Fails with TACTFUL_INVALID_EVENT, with the code "erased" or for an identifier, or with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_tombstones_check(
    tombstones: *const tactful_tombstones,
    engine: *const tactful_engine,
    event: *const tactful_event,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        let (tombstones, engine) = unsafe { (shared(tombstones, "tombstones")?, shared(engine, "engine")?) };
        // SAFETY: by contract.
        let event = unsafe { shared(event, "event") }?;
        Ok(tombstones.0.check(&engine.engine, &event.0)?)
    })
}

/// How many identifiers were erased. 0 for null.
///
/// Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_tombstones_len(tombstones: *const tactful_tombstones) -> usize {
    // SAFETY: by contract.
    unsafe { tombstones.as_ref() }.map_or(0, |tombstones| tombstones.0.len())
}

/// Writes tombstones as bytes, without their key. The caller frees them with tactful_bytes_free.
///
/// Thread-safe. Fails with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_tombstones_to_bytes(
    tombstones: *const tactful_tombstones,
    bytes: *mut *mut tactful_bytes,
    error: *mut *mut tactful_error,
) -> tactful_status {
    giving(bytes, "bytes", error, || {
        // SAFETY: by contract.
        let tombstones = unsafe { shared(tombstones, "tombstones") }?;
        Ok(tactful_bytes::of(tombstones.0.to_bytes()))
    })
}

/// Makes tombstones out of `length` bytes that tactful_tombstones_to_bytes wrote, and their key; both are borrowed for the call only.
/// The caller frees them with tactful_tombstones_free.
///
/// Thread-safe. Fails with TACTFUL_INVALID_STATE for bytes that are damaged or of a newer format, with the code "erasure_key" for
/// another key, or with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_tombstones_from_bytes(
    data: *const u8,
    length: usize,
    key: *const u8,
    key_length: usize,
    tombstones: *mut *mut tactful_tombstones,
    error: *mut *mut tactful_error,
) -> tactful_status {
    giving(tombstones, "tombstones", error, || {
        // SAFETY: by contract.
        let (data, key) = unsafe { (array(data, length, "data")?, array(key, key_length, "key")?) };
        let made = Tombstones::from_bytes(data, key)?;
        Ok(tactful_tombstones(made))
    })
}

/// Frees tombstones. Null is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_tombstones_free(tombstones: *mut tactful_tombstones) {
    // SAFETY: by contract null or not freed yet.
    unsafe { free(tombstones) }
}
