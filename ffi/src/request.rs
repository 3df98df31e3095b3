use crate::base::tactful_base;
use crate::engine::tactful_engine;
use crate::error::{tactful_error, tactful_status};
use crate::event::{path, set};
use crate::guard::{array, exclusive, free, giving, guard, shared};
use crate::text::tactful_text;
use crate::trends::tactful_snapshot;
use crate::value::tactful_value;
use tactful::{Assurance, Request};

/// It may be anybody: only the present session is read.
pub const TACTFUL_ASSURANCE_ANONYMOUS: i32 = 0;
/// Probably the customer; what holds when nothing is said.
pub const TACTFUL_ASSURANCE_RECOGNISED: i32 = 1;
/// The customer proved it.
pub const TACTFUL_ASSURANCE_AUTHENTICATED: i32 = 2;

/// A question: which placements ask, and what the host knows about this moment. It can be asked any number of times.
#[derive(Debug)]
pub struct tactful_request(pub(crate) Request);

/// Makes a question without placements yet. The caller frees it with tactful_request_free.
///
/// Thread-safe. Fails with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_request_new(
    request: *mut *mut tactful_request,
    error: *mut *mut tactful_error,
) -> tactful_status {
    giving(request, "request", error, || Ok(tactful_request(Request::default())))
}

/// Adds a placement that asks; they are filled in this order.
///
/// Not thread-safe for one request, as are all its setters. Fails with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_request_add_placement(
    request: *mut tactful_request,
    placement: tactful_text,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        let (request, placement) = unsafe { (exclusive(request, "request")?, placement.read("placement")?) };
        request.0.placements.push(placement.to_owned());
        Ok(())
    })
}

/// Sets a fact that the playbook declares under "request", or unsets it with TACTFUL_VALUE_NONE. The value is copied.
/// tactful_request_set_text and its likes are short for this.
///
/// Fails with TACTFUL_INVALID_ARGUMENT; the request is as before then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_request_set(
    request: *mut tactful_request,
    fact: tactful_text,
    value: tactful_value,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        let (request, fact) = unsafe { (exclusive(request, "request")?, fact.read("fact")?) };
        // SAFETY: by contract.
        let value = unsafe { value.read(&path("facts", fact)) }?;
        set(&mut request.0.facts, fact, value);
        Ok(())
    })
}

/// Says how sure the host is who is there: TACTFUL_ASSURANCE_ANONYMOUS, TACTFUL_ASSURANCE_RECOGNISED (when never said) or
/// TACTFUL_ASSURANCE_AUTHENTICATED.
///
/// Fails with TACTFUL_INVALID_ARGUMENT for another number; the request is as before then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_request_set_assurance(
    request: *mut tactful_request,
    assurance: i32,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        let request = unsafe { exclusive(request, "request") }?;
        request.0.assurance = match assurance {
            TACTFUL_ASSURANCE_ANONYMOUS => Assurance::Anonymous,
            TACTFUL_ASSURANCE_RECOGNISED => Assurance::Recognised,
            TACTFUL_ASSURANCE_AUTHENTICATED => Assurance::Authenticated,
            _ => {
                return Err(tactful_error::argument(
                    "unknown_assurance",
                    "assurance",
                    "expected 0, 1 or 2: see TACTFUL_ASSURANCE_ANONYMOUS",
                ));
            }
        };
        Ok(())
    })
}

/// Sets a number of a column for an offer, for factors that the playbook takes out of that column. NaN and infinities count as unknown.
///
/// Fails with TACTFUL_INVALID_ARGUMENT; the request is as before then. Deciding fails with TACTFUL_INVALID_REQUEST for a column or an
/// offer that the playbook does not know.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_request_set_score(
    request: *mut tactful_request,
    column: tactful_text,
    offer: tactful_text,
    number: f64,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        let (request, column) = unsafe { (exclusive(request, "request")?, column.read("column")?) };
        // SAFETY: by contract.
        let offer = unsafe { offer.read("offer") }?;
        let scores = &mut request.0.scores;
        match scores.iter_mut().find(|score| score.0 == column && score.1 == offer) {
            Some(score) => score.2 = number,
            None => scores.push((column.to_owned(), offer.to_owned(), number)),
        }
        Ok(())
    })
}

/// Sets what exploration draws follow from: the same seed, customer and instant give the same draws. 0 when never set.
///
/// Fails with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_request_set_seed(
    request: *mut tactful_request,
    seed: u64,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        unsafe { exclusive(request, "request") }?.0.seed = seed;
        Ok(())
    })
}

/// Sets the reaction that the question answers: only its offers are looked at, on its placement when none was added.
///
/// Fails with TACTFUL_INVALID_ARGUMENT. Deciding fails with TACTFUL_INVALID_REQUEST for a reaction that the playbook does not know.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_request_set_reaction(
    request: *mut tactful_request,
    reaction: tactful_text,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        let (request, reaction) = unsafe { (exclusive(request, "request")?, reaction.read("reaction")?) };
        request.0.reaction = Some(reaction.to_owned());
        Ok(())
    })
}

/// Sets what was counted over many customers, for learned factors and rules that read trends; null for nothing. The snapshot may be freed
/// before the request.
///
/// Fails with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_request_set_trends(
    request: *mut tactful_request,
    snapshot: *const tactful_snapshot,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        let request = unsafe { exclusive(request, "request") }?;
        // SAFETY: by contract `snapshot` is null or a live snapshot.
        request.0.trends = unsafe { snapshot.as_ref() }.map(|snapshot| snapshot.snapshot.clone());
        Ok(())
    })
}

/// Takes what a base learned about what comes next (tactful_base_learn), for rules that ask that of a customer who is not kept in the base;
/// null for nothing. The base may be freed before the request, and what it learns later is not seen.
///
/// Fails with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_request_set_forecast(
    request: *mut tactful_request,
    base: *const tactful_base,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        let request = unsafe { exclusive(request, "request") }?;
        // SAFETY: by contract `base` is null or a live base.
        request.0.forecast = unsafe { base.as_ref() }.and_then(|base| base.read().forecast().cloned());
        Ok(())
    })
}

/// Takes a forecast out of `length` bytes that tactful_base_forecast_to_bytes (or another binding) wrote, under a playbook that counts
/// alike; the bytes are borrowed for the call only. Length 0 is for nothing.
///
/// Fails with TACTFUL_INVALID_STATE for bytes that are damaged or were counted by another playbook, or with TACTFUL_INVALID_ARGUMENT; the
/// request is as before then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_request_set_forecast_bytes(
    request: *mut tactful_request,
    engine: *const tactful_engine,
    data: *const u8,
    length: usize,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        let request = unsafe { exclusive(request, "request") }?;
        // SAFETY: by contract.
        let (engine, data) = unsafe { (shared(engine, "engine")?, array(data, length, "data")?) };
        request.0.forecast = engine.forecast(data)?;
        Ok(())
    })
}

/// Says on which identifier the customer of tactful_engine_decide is met, for consents that bind to one and for somebody anonymous; in
/// the form that the engine's playbook gives it. tactful_base_decide takes the identifier that it is asked with.
///
/// Fails with TACTFUL_INVALID_EVENT for an undeclared namespace or another form, or with TACTFUL_INVALID_ARGUMENT; the request is as
/// before then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_request_met_on(
    request: *mut tactful_request,
    engine: *const tactful_engine,
    identifier: tactful_text,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        let (request, engine) = unsafe { (exclusive(request, "request")?, shared(engine, "engine")?) };
        // SAFETY: by contract.
        let identifier = unsafe { identifier.identifier("identifier") }?;
        request.0.identifier = Some(engine.engine.identifier(&identifier)?);
        Ok(())
    })
}

/// Frees a request. Null is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_request_free(request: *mut tactful_request) {
    // SAFETY: by contract null or not freed yet.
    unsafe { free(request) }
}
