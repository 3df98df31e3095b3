use crate::customer::tactful_customer;
use crate::decision::tactful_decision;
use crate::effects::tactful_effects;
use crate::engine::{give_effects, outcomes, tactful_engine};
use crate::error::{Failure, tactful_error, tactful_status};
use crate::event::tactful_event;
use crate::guard::{Out, answer, free, giving, guard, shared};
use crate::request::tactful_request;
use crate::text::{TACTFUL_NO_TIME, optional_time, tactful_text, time};
use std::sync::{RwLockReadGuard, RwLockWriteGuard};
use tactful::base::SharedBase;
use tactful::next::NextOptions;
use tactful::{CustomerBase, Duration, Effects, Identifier, QueryError, Timestamp};

/// All customers of an organisation in memory, found by identifier. Many threads may use one base at the same time, until it is freed:
/// questions run side by side, whatever changes something runs alone.
#[derive(Debug)]
pub struct tactful_base(SharedBase);

impl tactful_base {
    pub(crate) fn of(base: CustomerBase) -> Self {
        tactful_base(SharedBase::new(base))
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, CustomerBase> {
        self.0.read()
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, CustomerBase> {
        self.0.write()
    }
}

/// Makes an empty customer base. The caller frees it with tactful_base_free; it may outlive the engine.
///
/// Thread-safe. Fails with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_base_new(
    engine: *const tactful_engine,
    base: *mut *mut tactful_base,
    error: *mut *mut tactful_error,
) -> tactful_status {
    giving(base, "base", error, || {
        // SAFETY: by contract.
        let engine = unsafe { shared(engine, "engine") }?;
        Ok(tactful_base::of(CustomerBase::new(engine.engine.clone())))
    })
}

/// Records an event for the customer whom its identifiers point to, who is made when nobody is known by them. "linked" joins the
/// customers of its two identifiers, "unlinked" takes that back. `effects` may be null; the caller frees what is written there.
///
/// Thread-safe. Fails with TACTFUL_INVALID_EVENT or TACTFUL_INVALID_ARGUMENT; nothing is changed then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_base_record(
    base: *mut tactful_base,
    event: *const tactful_event,
    effects: *mut *mut tactful_effects,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        let (base, event) = unsafe { (shared(base.cast_const(), "base")?, shared(event, "event")?) };
        let caused = base.write().record(&event.0)?;
        // SAFETY: by contract.
        unsafe { give_effects(effects, &[caused]) };
        Ok(())
    })
}

/// Records what came of a decision, as tactful_engine_record_outcome does, for the customer it was made for.
///
/// Thread-safe. Fails with TACTFUL_INVALID_ARGUMENT for an unknown outcome, or with TACTFUL_INVALID_EVENT; nothing
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
        let (base, decision) = unsafe { (shared(base.cast_const(), "base")?, shared(decision, "decision")?) };
        // SAFETY: by contract.
        let events = outcomes(decision, unsafe { outcome.read("outcome") }?, time_micros)?;
        let mut base = base.write();
        let caused = events.iter().map(|event| base.record(event)).collect::<Result<Vec<Effects>, _>>()?;
        // SAFETY: by contract.
        unsafe { give_effects(effects, &caused) };
        Ok(())
    })
}

/// Folds events of all customers that are older than the playbook keeps them at `horizon`, as tactful_engine_fold does. `count` (how
/// many were folded) and `effects` may be null; the caller frees the effects.
///
/// Thread-safe. Fails with TACTFUL_INVALID_ARGUMENT.
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
        let base = unsafe { shared(base.cast_const(), "base") }?;
        let (folded, caused) = base.write().fold(time(horizon_micros, "horizon_micros")?);
        if !count.is_null() {
            // SAFETY: by contract.
            unsafe { count.write(folded) };
        }
        // SAFETY: by contract.
        unsafe { give_effects(effects, &[caused]) };
        Ok(())
    })
}

/// Lets time pass up to `now` for all customers and tells what changed without an event, in the order in which it happened; `customer` of
/// each effect says whom it is about. `effects` may be null; the caller frees what is written there.
///
/// Thread-safe. Takes time in proportion to the number of customers. Fails with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_base_advance(
    base: *mut tactful_base,
    now_micros: i64,
    effects: *mut *mut tactful_effects,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        let base = unsafe { shared(base.cast_const(), "base") }?;
        let caused = base.write().advance(time(now_micros, "now_micros")?);
        // SAFETY: by contract.
        unsafe { give_effects(effects, &[caused]) };
        Ok(())
    })
}

/// The first instant at which something may change for any customer without an event, in microseconds since 1970: when to call
/// tactful_base_advance. TACTFUL_NO_TIME when nothing will, and for null. The question "customers" says for whom.
///
/// Thread-safe. Takes time in proportion to the number of customers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_base_next_due(base: *const tactful_base) -> i64 {
    // SAFETY: by contract.
    let base = unsafe { base.as_ref() };
    answer(TACTFUL_NO_TIME, || base.and_then(|base| base.read().next_due()).map_or(TACTFUL_NO_TIME, Timestamp::micros))
}

/// Gives a copy of the customer whom an identifier points to, for the functions that take a customer; nothing that is done to it changes
/// the base. Null is written when nobody is known by it. The caller frees it with tactful_customer_free.
///
/// Thread-safe. Fails with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_base_find(
    base: *const tactful_base,
    identifier: tactful_text,
    customer: *mut *mut tactful_customer,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        let out = Out::new(customer, "customer")?;
        // SAFETY: by contract.
        let (base, identifier) = unsafe { (shared(base, "base")?, identifier.identifier("identifier")?) };
        let found = base.read().find(&identifier).cloned();
        // SAFETY: by contract.
        unsafe {
            match found {
                Some(found) => out.give(tactful_customer::of(found)),
                None => out.write(std::ptr::null_mut()),
            }
        }
        Ok(())
    })
}

/// Counts what came next for all customers as of `at`, and keeps what that says for decisions and the question "next", until it learns
/// again. Only steps of `since` or later count, all with TACTFUL_NO_TIME. Rules that ask what comes next are unknown before, and at
/// instants before `at`.
///
/// Thread-safe. Fails with TACTFUL_INVALID_QUERY for a period that ends before it begins, or with
/// TACTFUL_INVALID_ARGUMENT; nothing is changed then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_base_learn(
    base: *mut tactful_base,
    at_micros: i64,
    since_micros: i64,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        let base = unsafe { shared(base.cast_const(), "base") }?;
        let (at, since) = (time(at_micros, "at_micros")?, optional_time(since_micros, "since_micros")?);
        base.write().learn(&NextOptions { at, since }).map_err(QueryError::from)?;
        Ok(())
    })
}

/// Decides for the customer whom an identifier points to; somebody unknown is a customer without events. The rest is as for
/// tactful_engine_decide. The caller frees the decision with tactful_decision_free.
///
/// Thread-safe. Fails with TACTFUL_INVALID_REQUEST, also for an identifier of an undeclared
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
    giving(decision, "decision", error, || {
        // SAFETY: by contract.
        let (base, request) = unsafe { (shared(base, "base")?, shared(request, "request")?) };
        // SAFETY: by contract.
        let identifier = unsafe { identifier.identifier("identifier") }?;
        let (now, known_at) = (time(now_micros, "now_micros")?, optional_time(known_at_micros, "known_at_micros")?);
        let made = base.read().decide(&identifier, &request.0, now, known_at)?;
        Ok(tactful_decision::new(made))
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
    giving(decision, "decision", error, || {
        // SAFETY: by contract.
        let (base, request) = unsafe { (shared(base, "base")?, shared(request, "request")?) };
        // SAFETY: by contract.
        let identifier = unsafe { identifier.identifier("identifier") }?;
        let (now, known_at) = (time(now_micros, "now_micros")?, optional_time(known_at_micros, "known_at_micros")?);
        let made = base.read().explain(&identifier, &request.0, now, known_at)?;
        Ok(tactful_decision::new(made))
    })
}

/// Decides for the customer whom an identifier points to, and holds what was chosen for them, all slots or none, until it is confirmed,
/// released or over. Records "decided" and "reserved". Caps and inventory are exact, however many threads do this: deciding, checking and
/// counting are one step. `reserve_for_micros` is how long it holds; TACTFUL_NO_TIME for what the playbook declares. `expires_micros`, when
/// it is over, may be null. The caller frees the decision with tactful_decision_free.
///
/// Thread-safe. When an outcome of the customer is recorded at `now_micros` or up to an hour later, the decision is of the instant after that.
/// Fails with TACTFUL_INVALID_REQUEST, with the code "not_in_order" when that is farther off, or with TACTFUL_INVALID_ARGUMENT; nothing is
/// changed then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_base_reserve(
    base: *mut tactful_base,
    identifier: tactful_text,
    request: *const tactful_request,
    now_micros: i64,
    reserve_for_micros: i64,
    decision: *mut *mut tactful_decision,
    expires_micros: *mut i64,
    error: *mut *mut tactful_error,
) -> tactful_status {
    giving(decision, "decision", error, || {
        // SAFETY: by contract.
        let (base, request) = unsafe { (shared(base.cast_const(), "base")?, shared(request, "request")?) };
        // SAFETY: by contract.
        let identifier = unsafe { identifier.identifier("identifier") }?;
        let now = time(now_micros, "now_micros")?;
        let length = (reserve_for_micros != TACTFUL_NO_TIME).then(|| Duration::from_micros(reserve_for_micros)).transpose();
        let length =
            length.map_err(|_| tactful_error::argument("out_of_range", "reserve_for_micros", "below 292 years".to_owned()))?;
        let held = base.write().reserve(&identifier, &request.0, now, length)?;
        if !expires_micros.is_null() {
            // SAFETY: by contract.
            unsafe { expires_micros.write(held.expires.micros()) };
        }
        Ok(tactful_decision::new(held.decision))
    })
}

/// Takes for good what tactful_base_reserve held: records "confirmed", and what came of it, such as "shown" or "accepted". `decision` is the
/// id of the decision; of its offers only `offer`, or all when that is null. `effects` may be null; the caller frees what is written there.
///
/// Thread-safe. Fails with TACTFUL_INVALID_REQUEST and the code "unknown_decision", "not_reserved", "already_confirmed", "already_released",
/// "expired_decision", "not_decided" or "unknown_outcome", or with TACTFUL_INVALID_ARGUMENT; nothing is changed then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_base_confirm(
    base: *mut tactful_base,
    identifier: tactful_text,
    decision: tactful_text,
    offer: tactful_text,
    outcome: tactful_text,
    now_micros: i64,
    effects: *mut *mut tactful_effects,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        let outcome = unsafe { outcome.read("outcome") }?;
        // SAFETY: by contract.
        let told = unsafe { Told::of(base, identifier, decision, offer, now_micros) }?;
        let caused = told.base.write().confirm(&told.identifier, told.decision, told.offer, outcome, told.now)?;
        // SAFETY: by contract.
        unsafe { give_effects(effects, &caused) };
        Ok(())
    })
}

/// Gives back what tactful_base_reserve held: records "released".
///
/// Arguments and threads are as for tactful_base_confirm. Fails as that does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_base_release(
    base: *mut tactful_base,
    identifier: tactful_text,
    decision: tactful_text,
    offer: tactful_text,
    now_micros: i64,
    effects: *mut *mut tactful_effects,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        let told = unsafe { Told::of(base, identifier, decision, offer, now_micros) }?;
        let caused = told.base.write().release(&told.identifier, told.decision, told.offer, told.now)?;
        // SAFETY: by contract.
        unsafe { give_effects(effects, &caused) };
        Ok(())
    })
}

/// Records what came of a decision that was recorded before, such as "clicked", for the very slots that were decided. Telling it twice
/// counts once.
///
/// Arguments and threads are as for tactful_base_confirm. Fails with TACTFUL_INVALID_REQUEST and the code "unknown_decision",
/// "expired_decision", "not_decided" or "unknown_outcome", or with TACTFUL_INVALID_ARGUMENT; nothing is changed then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_base_feedback(
    base: *mut tactful_base,
    identifier: tactful_text,
    decision: tactful_text,
    offer: tactful_text,
    outcome: tactful_text,
    now_micros: i64,
    effects: *mut *mut tactful_effects,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        let outcome = unsafe { outcome.read("outcome") }?;
        // SAFETY: by contract.
        let told = unsafe { Told::of(base, identifier, decision, offer, now_micros) }?;
        let caused = told.base.write().feedback(&told.identifier, told.decision, told.offer, outcome, told.now)?;
        // SAFETY: by contract.
        unsafe { give_effects(effects, &caused) };
        Ok(())
    })
}

/// What is told of a decision.
struct Told<'a> {
    base: &'a tactful_base,
    identifier: Identifier,
    decision: &'a str,
    offer: Option<&'a str>,
    now: Timestamp,
}

impl Told<'_> {
    /// # Safety
    /// The base is null or alive, and the texts are null or alive.
    unsafe fn of(
        base: *mut tactful_base,
        identifier: tactful_text,
        decision: tactful_text,
        offer: tactful_text,
        now_micros: i64,
    ) -> Result<Self, Failure> {
        // SAFETY: by contract.
        let base = unsafe { shared(base.cast_const(), "base") }?;
        // SAFETY: by contract.
        let (identifier, decision) = unsafe { (identifier.identifier("identifier")?, decision.read("decision")?) };
        let offer = match offer.data.is_null() {
            true => None,
            // SAFETY: by contract.
            false => Some(unsafe { offer.read("offer") }?),
        };
        Ok(Told { base, identifier, decision, offer, now: time(now_micros, "now_micros")? })
    }
}

/// How many customers there are. 0 for null.
///
/// Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_base_len(base: *const tactful_base) -> usize {
    // SAFETY: by contract.
    unsafe { base.as_ref() }.map_or(0, |base| base.read().len())
}

/// Frees a customer base. Null is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_base_free(base: *mut tactful_base) {
    // SAFETY: by contract null or not freed yet.
    unsafe { free(base) }
}
