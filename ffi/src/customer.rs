use crate::engine::tactful_engine;
use crate::error::{tactful_error, tactful_status};
use crate::guard::{free, giving, shared};
use crate::text::{Text, tactful_text};
use tactful::Customer;

/// One customer as an engine knows them: their story, and what is derived from it.
#[derive(Debug)]
pub struct tactful_customer {
    pub(crate) customer: Customer,
    id: Text,
}

impl tactful_customer {
    pub(crate) fn of(customer: Customer) -> Self {
        let id = Text::new(customer.id());
        tactful_customer { customer, id }
    }

    /// Keeps the text of the id in step with the customer.
    pub(crate) fn rename(&mut self) {
        if self.id.as_str() != self.customer.id() {
            self.id = Text::new(self.customer.id());
        }
    }
}

/// Makes a customer of whom nothing is known yet but an identifier, written "namespace:value". The caller frees it with
/// tactful_customer_free; it may outlive the engine.
///
/// Thread-safe. Fails with TACTFUL_INVALID_ARGUMENT, or TACTFUL_INVALID_EVENT for an undeclared namespace.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_customer_new(
    engine: *const tactful_engine,
    identifier: tactful_text,
    customer: *mut *mut tactful_customer,
    error: *mut *mut tactful_error,
) -> tactful_status {
    giving(customer, "customer", error, || {
        // SAFETY: by contract.
        let (engine, identifier) = unsafe { (shared(engine, "engine")?, identifier.identifier("identifier")?) };
        let customer = engine.engine.customer(&identifier)?;
        Ok(tactful_customer::of(customer))
    })
}

/// The customer's id: the smallest identifier. Borrowed from the customer until something is recorded. None for null.
///
/// Thread-safe, as long as nothing is recorded meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_customer_id(customer: *const tactful_customer) -> tactful_text {
    // SAFETY: by contract.
    unsafe { customer.as_ref() }.map_or(tactful_text::NONE, |customer| customer.id.lend())
}

/// How many events are known. 0 for null.
///
/// Thread-safe, as long as nothing is recorded meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_customer_len(customer: *const tactful_customer) -> usize {
    // SAFETY: by contract.
    unsafe { customer.as_ref() }.map_or(0, |customer| customer.customer.len())
}

/// Frees a customer. Null is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_customer_free(customer: *mut tactful_customer) {
    // SAFETY: by contract null or not freed yet.
    unsafe { free(customer) }
}
