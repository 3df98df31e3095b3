use crate::decision::tactful_decision;
use crate::effects::tactful_effects;
use crate::engine::{give_effects, outcomes, tactful_engine};
use crate::error::{tactful_error, tactful_status};
use crate::event::tactful_event;
use crate::guard::{Out, exclusive, free, guard, shared};
use crate::request::tactful_request;
use crate::text::{optional_time, tactful_text, time};
use tactful::{CustomerBase, Effects};

/// All customers of an organisation in memory, found by identifier.
#[derive(Debug)]
pub struct tactful_base(pub(crate) CustomerBase);

/// Makes an empty customer base. The caller frees it with tactful_base_free; it may outlive the engine.
///
/// Thread-safe. Fails with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_base_new(
    engine: *const tactful_engine,
    base: *mut *mut tactful_base,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        let out = Out::new(base, "base")?;
        // SAFETY: by contract.
        let engine = unsafe { shared(engine, "engine") }?;
        // SAFETY: by contract.
        unsafe { out.give(tactful_base(CustomerBase::new(engine.engine.clone()))) };
        Ok(())
    })
}

/// Records an event for the customer whom its identifiers point to, who is made when nobody is known by them. "linked" joins the
/// customers of its two identifiers, "unlinked" takes that back. `effects` may be null; the caller frees what is written there.
///
/// Not thread-safe for one base. Fails with TACTFUL_INVALID_EVENT or TACTFUL_INVALID_ARGUMENT; nothing is changed then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_base_record(
    base: *mut tactful_base,
    event: *const tactful_event,
    effects: *mut *mut tactful_effects,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        let (base, event) = unsafe { (exclusive(base, "base")?, shared(event, "event")?) };
        let caused = base.0.record(&event.0)?;
        // SAFETY: by contract.
        unsafe { give_effects(effects, &[caused]) };
        Ok(())
    })
}

/// Records what came of a decision, as tactful_engine_record_outcome does, for the customer it was made for.
///
/// Not thread-safe for one base. Fails with TACTFUL_INVALID_ARGUMENT for an unknown outcome, or with TACTFUL_INVALID_EVENT; nothing
/// is changed then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_base_record_outcome(
    base: *mut tactful_base,
    decision: *const tactful_decision,
    outcome: tactful_text,
    time_micros: i64,
    effects: *mut *mut tactful_effects,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        let (base, decision) = unsafe { (exclusive(base, "base")?, shared(decision, "decision")?) };
        // SAFETY: by contract.
        let events = outcomes(decision, unsafe { outcome.read("outcome") }?, time_micros)?;
        let caused = events.iter().map(|event| base.0.record(event)).collect::<Result<Vec<Effects>, _>>()?;
        // SAFETY: by contract.
        unsafe { give_effects(effects, &caused) };
        Ok(())
    })
}

/// Folds events of all customers that are older than the playbook keeps them at `horizon`, as tactful_engine_fold does. `count` (how
/// many were folded) and `effects` may be null; the caller frees the effects.
///
/// Not thread-safe for one base. Fails with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_base_fold(
    base: *mut tactful_base,
    horizon_micros: i64,
    count: *mut u64,
    effects: *mut *mut tactful_effects,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        let base = unsafe { exclusive(base, "base") }?;
        let (folded, caused) = base.0.fold(time(horizon_micros, "horizon_micros")?);
        if !count.is_null() {
            // SAFETY: by contract.
            unsafe { count.write(folded) };
        }
        // SAFETY: by contract.
        unsafe { give_effects(effects, &[caused]) };
        Ok(())
    })
}

/// Decides for the customer whom an identifier points to; somebody unknown is a customer without events. The rest is as for
/// tactful_engine_decide. The caller frees the decision with tactful_decision_free.
///
/// Thread-safe, as long as nothing is recorded meanwhile. Fails with TACTFUL_INVALID_REQUEST, also for an identifier of an undeclared
/// namespace, or with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_base_decide(
    base: *const tactful_base,
    identifier: tactful_text,
    request: *const tactful_request,
    now_micros: i64,
    known_at_micros: i64,
    decision: *mut *mut tactful_decision,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        let out = Out::new(decision, "decision")?;
        // SAFETY: by contract.
        let (base, request) = unsafe { (shared(base, "base")?, shared(request, "request")?) };
        // SAFETY: by contract.
        let identifier = unsafe { identifier.identifier("identifier") }?;
        let (now, known_at) = (time(now_micros, "now_micros")?, optional_time(known_at_micros, "known_at_micros")?);
        let made = base.0.decide(&identifier, &request.0, now, known_at)?;
        // SAFETY: by contract.
        unsafe { out.give(tactful_decision::new(made)) };
        Ok(())
    })
}

/// The same decision as of tactful_base_decide, with the reasons for every candidate.
///
/// Ownership, threads and errors are as there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_base_explain(
    base: *const tactful_base,
    identifier: tactful_text,
    request: *const tactful_request,
    now_micros: i64,
    known_at_micros: i64,
    decision: *mut *mut tactful_decision,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        let out = Out::new(decision, "decision")?;
        // SAFETY: by contract.
        let (base, request) = unsafe { (shared(base, "base")?, shared(request, "request")?) };
        // SAFETY: by contract.
        let identifier = unsafe { identifier.identifier("identifier") }?;
        let (now, known_at) = (time(now_micros, "now_micros")?, optional_time(known_at_micros, "known_at_micros")?);
        let made = base.0.explain(&identifier, &request.0, now, known_at)?;
        // SAFETY: by contract.
        unsafe { out.give(tactful_decision::new(made)) };
        Ok(())
    })
}

/// How many customers there are. 0 for null.
///
/// Thread-safe, as long as nothing is recorded meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_base_len(base: *const tactful_base) -> usize {
    // SAFETY: by contract.
    unsafe { base.as_ref() }.map_or(0, |base| base.0.len())
}

/// Frees a customer base. Null is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_base_free(base: *mut tactful_base) {
    // SAFETY: by contract null or not freed yet.
    unsafe { free(base) }
}
