use crate::base::tactful_base;
use crate::customer::tactful_customer;
use crate::engine::tactful_engine;
use crate::error::{tactful_error, tactful_status};
use crate::guard::{array, free, giving, shared};
use std::sync::Arc;
use tactful::next::Forecast;
use tactful::{CustomerBase, StateError};

/// State as bytes, to be kept anywhere and read again by this or a later version of the library.
#[derive(Debug)]
pub struct tactful_bytes(Vec<u8>);

impl tactful_bytes {
    pub(crate) fn of(bytes: Vec<u8>) -> Self {
        tactful_bytes(bytes)
    }
}

/// Writes a customer as bytes: the story, and up to when its effects were told. Equal stories under equal playbooks give equal
/// bytes, in whatever order their events arrived. The caller frees them with tactful_bytes_free.
///
/// Thread-safe, as long as nothing is recorded meanwhile. Fails with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_customer_to_bytes(
    customer: *const tactful_customer,
    bytes: *mut *mut tactful_bytes,
    error: *mut *mut tactful_error,
) -> tactful_status {
    giving(bytes, "bytes", error, || {
        // SAFETY: by contract.
        let customer = unsafe { shared(customer, "customer") }?;
        Ok(tactful_bytes(customer.customer.to_bytes()))
    })
}

/// Makes a customer out of `length` bytes that tactful_customer_to_bytes wrote, under the engine's playbook or another version of
/// it; the bytes are borrowed for the call only. The caller frees the customer with tactful_customer_free.
///
/// Thread-safe. Fails with TACTFUL_INVALID_STATE for bytes that are damaged, of a newer format or of another playbook, or with
/// TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_customer_from_bytes(
    engine: *const tactful_engine,
    data: *const u8,
    length: usize,
    customer: *mut *mut tactful_customer,
    error: *mut *mut tactful_error,
) -> tactful_status {
    giving(customer, "customer", error, || {
        // SAFETY: by contract.
        let (engine, data) = unsafe { (shared(engine, "engine")?, array(data, length, "data")?) };
        let customer = tactful_customer::of(engine.engine.customer_from_bytes(data)?);
        Ok(customer)
    })
}

/// Writes a whole base as bytes: all stories, and what was told about links between identifiers. The caller frees them with
/// tactful_bytes_free.
///
/// Thread-safe, as long as nothing is recorded meanwhile. Fails with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_base_to_bytes(
    base: *const tactful_base,
    bytes: *mut *mut tactful_bytes,
    error: *mut *mut tactful_error,
) -> tactful_status {
    giving(bytes, "bytes", error, || {
        // SAFETY: by contract.
        let base = unsafe { shared(base, "base") }?;
        Ok(tactful_bytes(base.read().to_bytes()))
    })
}

/// Makes a base out of `length` bytes that tactful_base_to_bytes wrote; the bytes are borrowed for the call only. The caller frees
/// the base with tactful_base_free.
///
/// Thread-safe. Fails as tactful_customer_from_bytes does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_base_from_bytes(
    engine: *const tactful_engine,
    data: *const u8,
    length: usize,
    base: *mut *mut tactful_base,
    error: *mut *mut tactful_error,
) -> tactful_status {
    giving(base, "base", error, || {
        // SAFETY: by contract.
        let (engine, data) = unsafe { (shared(engine, "engine")?, array(data, length, "data")?) };
        let base = CustomerBase::from_bytes(engine.engine.clone(), data)?;
        Ok(tactful_base::of(base))
    })
}

/// Writes what a base last learned about what comes next (tactful_base_learn) as bytes, for requests and replays elsewhere: no bytes when
/// it never did. They hold no number about few customers. The caller frees them with tactful_bytes_free.
///
/// Thread-safe. Fails with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_base_forecast_to_bytes(
    base: *const tactful_base,
    bytes: *mut *mut tactful_bytes,
    error: *mut *mut tactful_error,
) -> tactful_status {
    giving(bytes, "bytes", error, || {
        // SAFETY: by contract.
        let base = unsafe { shared(base, "base") }?;
        let written = base.read().forecast().map_or_else(Vec::new, |forecast| forecast.to_bytes());
        Ok(tactful_bytes(written))
    })
}

impl tactful_engine {
    /// A forecast out of bytes; of none there is none.
    pub(crate) fn forecast(&self, data: &[u8]) -> Result<Option<Arc<Forecast>>, StateError> {
        if data.is_empty() { Ok(None) } else { Ok(Some(Arc::new(self.engine.forecast_from_bytes(data)?))) }
    }
}

/// The first of the bytes, borrowed until they are freed. Null for null.
///
/// Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_bytes_data(bytes: *const tactful_bytes) -> *const u8 {
    // SAFETY: by contract.
    unsafe { bytes.as_ref() }.map_or(std::ptr::null(), |bytes| bytes.0.as_ptr())
}

/// How many bytes there are. 0 for null.
///
/// Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_bytes_len(bytes: *const tactful_bytes) -> usize {
    // SAFETY: by contract.
    unsafe { bytes.as_ref() }.map_or(0, |bytes| bytes.0.len())
}

/// Frees bytes. Null is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_bytes_free(bytes: *mut tactful_bytes) {
    // SAFETY: by contract null or not freed yet.
    unsafe { free(bytes) }
}
