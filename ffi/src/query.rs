use crate::base::tactful_base;
use crate::customer::tactful_customer;
use crate::engine::tactful_engine;
use crate::error::{tactful_error, tactful_status};
use crate::guard::{free, giving, shared};
use crate::text::{Text, tactful_text};

/// The answer to a question, in JSON. Never changes.
#[derive(Debug)]
pub struct tactful_answer(Text);

impl tactful_answer {
    pub(crate) fn of(json: String) -> Self {
        tactful_answer(Text::new(json))
    }
}

/// Answers a question in JSON, such as {"query": "describe"}, about the playbook or about a customer; `customer` may be null when the
/// question is about no customer. docs/queries.md lists the questions. Nothing is changed. The caller frees the answer with
/// tactful_answer_free.
///
/// Thread-safe, as long as nothing is recorded for the customer meanwhile. Fails with TACTFUL_INVALID_QUERY or
/// TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_engine_query(
    engine: *const tactful_engine,
    customer: *const tactful_customer,
    question: tactful_text,
    answer: *mut *mut tactful_answer,
    error: *mut *mut tactful_error,
) -> tactful_status {
    giving(answer, "answer", error, || {
        // SAFETY: by contract.
        let (engine, customer) = unsafe { (shared(engine, "engine")?, customer.as_ref()) };
        // SAFETY: by contract.
        let question = unsafe { question.read("question") }?;
        let answer = engine.engine.query(customer.map(|customer| &customer.customer), question)?;
        Ok(tactful_answer::of(answer))
    })
}

/// Answers a question in JSON about the playbook, or about the customer whom its "identifier" points to; somebody unknown is a customer
/// without events. The rest is as for tactful_engine_query.
///
/// Thread-safe. Fails with TACTFUL_INVALID_QUERY or TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_base_query(
    base: *const tactful_base,
    question: tactful_text,
    answer: *mut *mut tactful_answer,
    error: *mut *mut tactful_error,
) -> tactful_status {
    giving(answer, "answer", error, || {
        // SAFETY: by contract.
        let (base, question) = unsafe { (shared(base, "base")?, question.read("question")?) };
        let answer = base.read().query(question)?;
        Ok(tactful_answer::of(answer))
    })
}

/// The answer as a JSON object. Borrowed from the answer. None for null.
///
/// Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_answer_to_json(answer: *const tactful_answer) -> tactful_text {
    // SAFETY: by contract.
    unsafe { answer.as_ref() }.map_or(tactful_text::NONE, |answer| answer.0.lend())
}

/// Frees an answer. Null is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_answer_free(answer: *mut tactful_answer) {
    // SAFETY: by contract null or not freed yet.
    unsafe { free(answer) }
}
