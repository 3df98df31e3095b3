use crate::customer::tactful_customer;
use crate::decision::tactful_decision;
use crate::effects::tactful_effects;
use crate::error::{Failure, Finding, fill, tactful_diagnostic, tactful_error, tactful_status};
use crate::event::tactful_event;
use crate::guard::{Out, answer, array, exclusive, free, giving, guard, shared};
use crate::request::tactful_request;
use crate::text::{TACTFUL_NO_TIME, Text, optional_time, tactful_text, time};
use tactful::playbook::{Limits, OUTCOMES};
use tactful::{Customer, Effects, Engine, Event, Identifier};

/// A compiled playbook. Never changes; one is enough for all threads.
#[derive(Debug)]
pub struct tactful_engine {
    pub(crate) engine: Engine,
    digest: Text,
    warnings: Vec<Finding>,
}

impl tactful_engine {
    pub(crate) fn of(engine: Engine) -> Self {
        let warnings = engine.warnings().0.iter().map(Finding::new).collect();
        let digest = Text::new(&**engine.digest());
        tactful_engine { engine, digest, warnings }
    }
}

/// A named text: a part of a playbook.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct tactful_document {
    /// The name that diagnostics show, such as a file's.
    pub name: tactful_text,
    /// YAML or JSON.
    pub text: tactful_text,
}

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<tactful_document>() == 32 && std::mem::offset_of!(tactful_document, text) == 16);

/// Compiles a playbook of `count` documents, a base and its parts. The documents are copied; the caller frees the engine with
/// tactful_engine_free.
///
/// Thread-safe. Fails with TACTFUL_INVALID_PLAYBOOK and all mistakes of all documents, or TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_engine_compile(
    documents: *const tactful_document,
    count: usize,
    engine: *mut *mut tactful_engine,
    error: *mut *mut tactful_error,
) -> tactful_status {
    // SAFETY: by contract.
    unsafe { tactful_engine_compile_within(documents, count, Limits::default().bytes, engine, error) }
}

/// Compiles a playbook whose documents have up to `bytes` bytes each, with values in proportion: for very many offers.
/// tactful_engine_compile takes 4 MiB.
///
/// Thread-safe. Fails as tactful_engine_compile does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_engine_compile_within(
    documents: *const tactful_document,
    count: usize,
    bytes: usize,
    engine: *mut *mut tactful_engine,
    error: *mut *mut tactful_error,
) -> tactful_status {
    giving(engine, "engine", error, || {
        // SAFETY: by contract.
        let documents = unsafe { array(documents, count, "documents") }?;
        // SAFETY: by contract.
        let read = |(number, document): (usize, &tactful_document)| unsafe {
            let name = document.name.read(&format!("documents[{number}].name"))?;
            Ok((name, document.text.read(&format!("documents[{number}].text"))?))
        };
        let documents = documents.iter().enumerate().map(read).collect::<Result<Vec<(&str, &str)>, Failure>>()?;
        let engine = Engine::compile_within(&documents, Limits::of_bytes(bytes))?;
        Ok(tactful_engine::of(engine))
    })
}

/// The digest of the playbook: 64 hexadecimal digits, equal for playbooks that decide alike. Borrowed from the engine. None for
/// null.
///
/// Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_engine_digest(engine: *const tactful_engine) -> tactful_text {
    // SAFETY: by contract.
    unsafe { engine.as_ref() }.map_or(tactful_text::NONE, |engine| engine.digest.lend())
}

/// How many things in the playbook are probably not meant, although it compiles. 0 for null.
///
/// Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_engine_warning_count(engine: *const tactful_engine) -> usize {
    // SAFETY: by contract.
    unsafe { engine.as_ref() }.map_or(0, |engine| engine.warnings.len())
}

/// Fills `warning` with the warning at `index`. False, and nothing is written, when there is none. Its texts are borrowed from
/// the engine.
///
/// Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_engine_warning(
    engine: *const tactful_engine,
    index: usize,
    warning: *mut tactful_diagnostic,
) -> bool {
    // SAFETY: by contract.
    unsafe { fill(warning, || engine.as_ref()?.warnings.get(index).map(Finding::lend)) }
}

/// Puts an event into a customer's story. An event told twice changes nothing; a late one takes its place in time. `effects` may
/// be null; the caller frees what is written there with tactful_effects_free.
///
/// The engine and event may be shared between threads, the customer not. Fails with TACTFUL_INVALID_EVENT or
/// TACTFUL_INVALID_ARGUMENT; nothing is changed then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_engine_record(
    engine: *const tactful_engine,
    customer: *mut tactful_customer,
    event: *const tactful_event,
    effects: *mut *mut tactful_effects,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        let (engine, event, customer) =
            unsafe { (shared(engine, "engine")?, shared(event, "event")?, exclusive(customer, "customer")?) };
        let caused = engine.engine.record(&mut customer.customer, &event.0, None)?;
        customer.rename();
        // SAFETY: by contract.
        unsafe { give_effects(effects, &[caused]) };
        Ok(())
    })
}

/// Records what came of a decision for the customer it was made for: `outcome` is "shown", "clicked", "rejected" … and is told
/// for every chosen offer. Telling it twice counts once. `effects` may be null; the caller frees what is written there.
///
/// The engine and decision may be shared between threads, the customer not. Fails with TACTFUL_INVALID_ARGUMENT for an
/// unknown outcome or another customer, or with TACTFUL_INVALID_EVENT; nothing is changed then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_engine_record_outcome(
    engine: *const tactful_engine,
    customer: *mut tactful_customer,
    decision: *const tactful_decision,
    outcome: tactful_text,
    time_micros: i64,
    effects: *mut *mut tactful_effects,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        let (engine, decision, customer) =
            unsafe { (shared(engine, "engine")?, shared(decision, "decision")?, exclusive(customer, "customer")?) };
        // SAFETY: by contract.
        let events = outcomes(decision, unsafe { outcome.read("outcome") }?, time_micros)?;
        let owner = &decision.decision.customer;
        if !customer.customer.strands().iter().any(|strand| strand.identifier().as_str() == owner) {
            return Err(tactful_error::argument(
                "other_customer",
                "decision",
                "expected a decision that was made for this customer",
            ));
        }
        let caused = events.iter().map(|event| engine.engine.record(&mut customer.customer, event, None));
        let caused = caused.collect::<Result<Vec<Effects>, _>>()?;
        customer.rename();
        // SAFETY: by contract.
        unsafe { give_effects(effects, &caused) };
        Ok(())
    })
}

/// Lets time pass for a customer up to `now` and tells what changed without an event. `effects` may be null; the caller frees what
/// is written there.
///
/// The engine may be shared between threads, the customer not. Fails with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_engine_advance(
    engine: *const tactful_engine,
    customer: *mut tactful_customer,
    now_micros: i64,
    effects: *mut *mut tactful_effects,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        let (engine, customer) = unsafe { (shared(engine, "engine")?, exclusive(customer, "customer")?) };
        let caused = engine.engine.advance(&mut customer.customer, time(now_micros, "now_micros")?);
        // SAFETY: by contract.
        unsafe { give_effects(effects, &[caused]) };
        Ok(())
    })
}

/// Folds events of a customer that are older than the playbook keeps them at `horizon` into exact totals, after letting time pass up
/// to there. `count` (how many were folded) and `effects` may be null; the caller frees the effects.
///
/// The engine may be shared between threads, the customer not. Fails with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_engine_fold(
    engine: *const tactful_engine,
    customer: *mut tactful_customer,
    horizon_micros: i64,
    count: *mut u64,
    effects: *mut *mut tactful_effects,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        let (engine, customer) = unsafe { (shared(engine, "engine")?, exclusive(customer, "customer")?) };
        let (folded, caused) = engine.engine.fold(&mut customer.customer, time(horizon_micros, "horizon_micros")?);
        if !count.is_null() {
            // SAFETY: by contract.
            unsafe { count.write(folded) };
        }
        // SAFETY: by contract.
        unsafe { give_effects(effects, &[caused]) };
        Ok(())
    })
}

/// The first instant after everything derived so far at which something may change without an event, in microseconds since
/// 1970; TACTFUL_NO_TIME when nothing will, and for null.
///
/// Thread-safe, as long as nothing is recorded meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_engine_next_due(engine: *const tactful_engine, customer: *const tactful_customer) -> i64 {
    // SAFETY: by contract.
    let (engine, customer) = unsafe { (engine.as_ref(), customer.as_ref()) };
    answer(TACTFUL_NO_TIME, || {
        let due = engine.zip(customer).and_then(|(engine, customer)| engine.engine.next_due(&customer.customer));
        due.map_or(TACTFUL_NO_TIME, tactful::Timestamp::micros)
    })
}

/// Decides what a customer should see at `now`, or that silence is better. Events later than `now`, or known later than
/// `known_at`, are not seen; TACTFUL_NO_TIME for `known_at` stands for `now`. Nothing is changed. The caller frees the decision with
/// tactful_decision_free.
///
/// Thread-safe, as long as nothing is recorded for the customer meanwhile. Fails with TACTFUL_INVALID_REQUEST or
/// TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_engine_decide(
    engine: *const tactful_engine,
    customer: *const tactful_customer,
    request: *const tactful_request,
    now_micros: i64,
    known_at_micros: i64,
    decision: *mut *mut tactful_decision,
    error: *mut *mut tactful_error,
) -> tactful_status {
    giving(decision, "decision", error, || {
        // SAFETY: by contract.
        let (engine, customer, request) =
            unsafe { (shared(engine, "engine")?, shared(customer, "customer")?, shared(request, "request")?) };
        let (now, known_at) = (time(now_micros, "now_micros")?, optional_time(known_at_micros, "known_at_micros")?);
        let made = engine.engine.decide(&customer.customer, &request.0, now, known_at)?;
        Ok(tactful_decision::new(made))
    })
}

/// The same decision as of tactful_engine_decide, with the reasons for every candidate.
///
/// Ownership, threads and errors are as there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_engine_explain(
    engine: *const tactful_engine,
    customer: *const tactful_customer,
    request: *const tactful_request,
    now_micros: i64,
    known_at_micros: i64,
    decision: *mut *mut tactful_decision,
    error: *mut *mut tactful_error,
) -> tactful_status {
    giving(decision, "decision", error, || {
        // SAFETY: by contract.
        let (engine, customer, request) =
            unsafe { (shared(engine, "engine")?, shared(customer, "customer")?, shared(request, "request")?) };
        let (now, known_at) = (time(now_micros, "now_micros")?, optional_time(known_at_micros, "known_at_micros")?);
        let made = engine.engine.explain(&customer.customer, &request.0, now, known_at)?;
        Ok(tactful_decision::new(made))
    })
}

/// The same decision with other customers who are related to this one: rules may read of them, and caps may count their contacts. Give
/// the household or account with all its members, and whoever else may be related; who is related to whom is read out of the stories
/// of them all. With tactful_engine_decide everything that rules read of others is unknown.
///
/// Thread-safe, as long as nothing is recorded for any of the customers meanwhile. The caller frees the decision with
/// tactful_decision_free. Fails with TACTFUL_INVALID_REQUEST or TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_engine_decide_among(
    engine: *const tactful_engine,
    customer: *const tactful_customer,
    related: *const *const tactful_customer,
    related_count: usize,
    request: *const tactful_request,
    now_micros: i64,
    known_at_micros: i64,
    decision: *mut *mut tactful_decision,
    error: *mut *mut tactful_error,
) -> tactful_status {
    giving(decision, "decision", error, || {
        // SAFETY: by contract.
        let (engine, customer, request) =
            unsafe { (shared(engine, "engine")?, shared(customer, "customer")?, shared(request, "request")?) };
        // SAFETY: by contract.
        let related = unsafe { others(related, related_count) }?;
        let (now, known_at) = (time(now_micros, "now_micros")?, optional_time(known_at_micros, "known_at_micros")?);
        let made = engine.engine.decide_among(&customer.customer, &related, &request.0, now, known_at)?;
        Ok(tactful_decision::new(made))
    })
}

/// The same decision as of tactful_engine_decide_among, with the reasons for every candidate.
///
/// Ownership, threads and errors are as there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_engine_explain_among(
    engine: *const tactful_engine,
    customer: *const tactful_customer,
    related: *const *const tactful_customer,
    related_count: usize,
    request: *const tactful_request,
    now_micros: i64,
    known_at_micros: i64,
    decision: *mut *mut tactful_decision,
    error: *mut *mut tactful_error,
) -> tactful_status {
    giving(decision, "decision", error, || {
        // SAFETY: by contract.
        let (engine, customer, request) =
            unsafe { (shared(engine, "engine")?, shared(customer, "customer")?, shared(request, "request")?) };
        // SAFETY: by contract.
        let related = unsafe { others(related, related_count) }?;
        let (now, known_at) = (time(now_micros, "now_micros")?, optional_time(known_at_micros, "known_at_micros")?);
        let made = engine.engine.explain_among(&customer.customer, &related, &request.0, now, known_at)?;
        Ok(tactful_decision::new(made))
    })
}

/// The customers that a caller gives beside another.
///
/// # Safety
/// `related` points to so many customers, or to nothing when there are none.
unsafe fn others<'a>(related: *const *const tactful_customer, count: usize) -> Result<Vec<&'a Customer>, Failure> {
    // SAFETY: as promised by the caller.
    let related = unsafe { array(related, count, "related") }?;
    // SAFETY: as promised by the caller.
    let each = |(number, one): (usize, &*const tactful_customer)| unsafe {
        shared(*one, &format!("related[{number}]")).map(|one| &one.customer)
    };
    related.iter().enumerate().map(each).collect()
}

/// Frees an engine. Customers, bases and replays made with it stay usable. Null is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_engine_free(engine: *mut tactful_engine) {
    // SAFETY: by contract null or not freed yet.
    unsafe { free(engine) }
}

/// Gives effects to a caller who wants to have them.
///
/// # Safety
/// `place` is null or may be written to.
pub(crate) unsafe fn give_effects(place: *mut *mut tactful_effects, caused: &[Effects]) {
    if let Ok(out) = Out::new(place, "effects") {
        // SAFETY: as promised by the caller.
        unsafe { out.give(tactful_effects::of(caused)) };
    }
}

/// The events that tell an outcome of a decision.
pub(crate) fn outcomes(decision: &tactful_decision, outcome: &str, time_micros: i64) -> Result<Vec<Event>, Failure> {
    let time = time(time_micros, "time_micros")?;
    if !OUTCOMES.contains(&outcome) {
        let shown: String = outcome.chars().take(80).collect();
        return Err(tactful_error::argument(
            "unknown_outcome",
            "outcome",
            format!("`{shown}` is no outcome; write one such as `shown`"),
        ));
    }
    let decision = &decision.decision;
    let owner = Identifier::parse(&decision.customer).map_err(tactful::EventError::from)?;
    Ok(decision.outcome(outcome, time, &owner))
}
