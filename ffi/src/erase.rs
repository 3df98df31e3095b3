use crate::base::tactful_base;
use crate::effects::tactful_effects;
use crate::engine::give_effects;
use crate::error::{tactful_error, tactful_status};
use crate::guard::{Out, array, guard, shared};
use crate::query::tactful_answer;
use crate::text::{tactful_text, time};

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
