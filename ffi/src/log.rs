use crate::column::{Laid, tactful_column};
use crate::error::{Failure, tactful_error, tactful_status};
use crate::guard::{Out, array, giving, guard};
use crate::query::tactful_answer;
use crate::text::tactful_text;
use std::sync::Arc;
use tactful::column::{Batch, Column};
use tactful::mine::{LogBuilder, MineError};
use tactful::query::LogQuestion;
use tactful_arrow::{ArrowArrayStream, LogError, Reader, read_log};

/// Answers a question in JSON about an event log in a stream of the Arrow C stream interface, which is consumed and left released, also
/// when this fails: "directly_follows", "variants", "paths", "funnel" or "matching", see docs/maps.md. The key "table" says which
/// columns hold the case, the activity and the time. The caller frees the answer with tactful_answer_free.
///
/// Thread-safe. Fails with TACTFUL_INVALID_QUERY, TACTFUL_INVALID_DATA or TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_log_query_stream(
    stream: *mut ArrowArrayStream,
    question: tactful_text,
    answer: *mut *mut tactful_answer,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract. Taken first, so that the stream is released whatever comes.
        let reader = unsafe { Reader::take(stream) };
        let out = Out::new(answer, "answer")?;
        // SAFETY: by contract.
        let question = LogQuestion::read(unsafe { question.read("question") }?)?;
        let log = read_log([reader?], question.columns())?;
        // SAFETY: by contract.
        unsafe { out.give(tactful_answer::of(question.answer(&log)?)) };
        Ok(())
    })
}

/// The same for `row_count` rows of plain arrays. Everything is borrowed for the call.
///
/// Thread-safe. Fails as tactful_log_query_stream does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_log_query_columns(
    columns: *const tactful_column,
    column_count: usize,
    row_count: usize,
    question: tactful_text,
    answer: *mut *mut tactful_answer,
    error: *mut *mut tactful_error,
) -> tactful_status {
    giving(answer, "answer", error, || {
        // SAFETY: by contract.
        let (columns, question) = unsafe { (array(columns, column_count, "columns")?, question.read("question")?) };
        let question = LogQuestion::read(question)?;
        let mut laid: Vec<(&str, &tactful_column, Laid)> = Vec::with_capacity(columns.len());
        for (number, column) in columns.iter().enumerate() {
            // SAFETY: by contract.
            let name = unsafe { column.name.read(&format!("columns[{number}].name")) }?;
            // SAFETY: by contract.
            laid.push((name, column, unsafe { column.lay_out(row_count, name) }?));
        }
        // SAFETY: by contract.
        let built =
            laid.iter().map(|(name, column, laid)| Ok((Arc::from(*name), unsafe { column.column(laid, row_count, name) }?)));
        let built = built.collect::<Result<Vec<(Arc<str>, Column<'_>)>, Failure>>()?;
        let mut builder = LogBuilder::default();
        builder.push_batch(&Batch::new(built, row_count)?, question.columns())?;
        Ok(tactful_answer::of(question.answer(&builder.finish())?))
    })
}

impl From<MineError> for Failure {
    fn from(error: MineError) -> Self {
        tactful_error::data(error.code(), error.path(), error.to_string())
    }
}

impl From<LogError> for Failure {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Arrow(error) => error.into(),
            LogError::Mine(error) => error.into(),
        }
    }
}
