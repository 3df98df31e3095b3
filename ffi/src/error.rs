use crate::guard::{Out, answer, free};
use crate::text::{Text, lend, tactful_text};
use tactful::base::ReplayError;
use tactful::catalog::CatalogError;
use tactful::column::ColumnError;
use tactful::error::Severity;
use tactful::trends::TrendError;
use tactful::{Diagnostic, Diagnostics, EventError, QueryError, RequestError, StateError};
use tactful_arrow::ArrowError;

/// What became of a call: TACTFUL_OK, or the family of its error. New families are added at the end.
pub type tactful_status = i32;

/// It succeeded.
pub const TACTFUL_OK: tactful_status = 0;
/// An argument cannot be used: a null pointer, text that is not UTF-8, NaN, a time out of range, an unknown constant.
pub const TACTFUL_INVALID_ARGUMENT: tactful_status = 1;
/// The playbook does not compile; the error has a diagnostic for every mistake.
pub const TACTFUL_INVALID_PLAYBOOK: tactful_status = 2;
/// The event does not fit the playbook. Nothing was recorded.
pub const TACTFUL_INVALID_EVENT: tactful_status = 3;
/// The request does not fit the playbook.
pub const TACTFUL_INVALID_REQUEST: tactful_status = 4;
/// A table does not fit: a column is missing, a row cannot be recorded, a structure is malformed.
pub const TACTFUL_INVALID_DATA: tactful_status = 5;
/// A defect of this library. Free the handles of the call and do not use them otherwise; the process may go on.
pub const TACTFUL_INTERNAL: tactful_status = 6;
/// A question in JSON cannot be answered.
pub const TACTFUL_INVALID_QUERY: tactful_status = 7;
/// Bytes that are no state, damaged, of a newer format or of another playbook.
pub const TACTFUL_INVALID_STATE: tactful_status = 8;
/// An expression or a rule does not compile; the error has a diagnostic for every mistake.
pub const TACTFUL_INVALID_EXPRESSION: tactful_status = 9;
/// A fact does not fit the schema of an expression or of rules.
pub const TACTFUL_INVALID_FACTS: tactful_status = 10;
/// Trends that do not belong together, or a question that they cannot answer.
pub const TACTFUL_INVALID_TRENDS: tactful_status = 11;

/// Nothing can be compiled.
pub const TACTFUL_SEVERITY_ERROR: i32 = 1;
/// It compiles, but is probably not meant.
pub const TACTFUL_SEVERITY_WARNING: i32 = 2;

/// Why a call failed. Written to the last argument of a call when that is not null and the call fails; the caller frees it.
#[derive(Debug)]
pub struct tactful_error {
    status: tactful_status,
    pub(crate) code: Text,
    pub(crate) path: Text,
    pub(crate) message: Text,
    rendered: Text,
    row: i64,
    findings: Vec<Finding>,
}

/// What the body of a call gives when it fails.
pub(crate) type Failure = Box<tactful_error>;

/// A mistake in a playbook, as text to lend.
#[derive(Debug)]
pub(crate) struct Finding {
    severity: i32,
    code: Text,
    path: Text,
    message: Text,
    hint: Option<Text>,
    document: Option<Text>,
    source: Option<Text>,
    line: u32,
    column: u32,
    length: u32,
}

/// A mistake in a playbook. Its texts are borrowed from the error or engine that it was asked of.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct tactful_diagnostic {
    /// A stable code such as "unknown_name".
    pub code: tactful_text,
    /// Where in the playbook's structure, such as "offers.diapers_20.eligible".
    pub path: tactful_text,
    /// What is wrong.
    pub message: tactful_text,
    /// What to do; none when there is no advice.
    pub hint: tactful_text,
    /// The name of the document; none when no place is known.
    pub document: tactful_text,
    /// The line of text.
    pub source: tactful_text,
    /// Its number, from 1; 0 when no place is known.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// How many characters are meant.
    pub length: u32,
    /// TACTFUL_SEVERITY_ERROR or TACTFUL_SEVERITY_WARNING.
    pub severity: i32,
}

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<tactful_diagnostic>() == 112 && std::mem::offset_of!(tactful_diagnostic, line) == 96);

impl Finding {
    pub(crate) fn new(diagnostic: &Diagnostic) -> Self {
        let place = diagnostic.place.as_ref();
        Finding {
            severity: match diagnostic.severity {
                Severity::Error => TACTFUL_SEVERITY_ERROR,
                Severity::Warning => TACTFUL_SEVERITY_WARNING,
            },
            code: Text::new(diagnostic.code),
            path: Text::new(&*diagnostic.path),
            message: Text::new(&*diagnostic.message),
            hint: diagnostic.hint.as_deref().map(Text::new),
            document: place.map(|place| Text::new(&*place.document)),
            source: place.map(|place| Text::new(&*place.source)),
            line: place.map_or(0, |place| place.line),
            column: place.map_or(0, |place| place.column),
            length: place.map_or(0, |place| place.length),
        }
    }

    pub(crate) fn lend(&self) -> tactful_diagnostic {
        tactful_diagnostic {
            code: self.code.lend(),
            path: self.path.lend(),
            message: self.message.lend(),
            hint: lend(self.hint.as_ref()),
            document: lend(self.document.as_ref()),
            source: lend(self.source.as_ref()),
            line: self.line,
            column: self.column,
            length: self.length,
            severity: self.severity,
        }
    }
}

impl tactful_error {
    fn new(status: tactful_status, code: &str, path: &str, message: impl Into<String>) -> Failure {
        let message = message.into();
        let rendered =
            if path.is_empty() { format!("error[{code}]: {message}") } else { format!("error[{code}]: {path}: {message}") };
        let (code, path, message, rendered) = (Text::new(code), Text::new(path), Text::new(message), Text::new(rendered));
        Box::new(tactful_error { status, code, path, message, rendered, row: -1, findings: Vec::new() })
    }

    /// An argument that cannot be used.
    pub(crate) fn argument(code: &str, name: &str, message: impl Into<String>) -> Failure {
        Self::new(TACTFUL_INVALID_ARGUMENT, code, name, message)
    }

    /// A pointer that is null.
    pub(crate) fn null(name: &str) -> Failure {
        Self::argument("null_pointer", name, "expected a pointer that is not null")
    }

    /// A table that cannot be used.
    pub(crate) fn data(code: &str, path: &str, message: impl Into<String>) -> Failure {
        Self::new(TACTFUL_INVALID_DATA, code, path, message)
    }

    /// A panic.
    pub(crate) fn internal(text: &str) -> Failure {
        Self::new(TACTFUL_INTERNAL, "panic", "", format!("a defect of this library, please report it: {text}"))
    }

    /// A request that does not fit.
    pub(crate) fn request(code: &str, path: &str, message: &str) -> Failure {
        Self::new(TACTFUL_INVALID_REQUEST, code, path, message)
    }

    /// An expression or rules that do not compile.
    #[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
    pub(crate) fn expression(diagnostics: Diagnostics) -> Failure {
        Self::findings(TACTFUL_INVALID_EXPRESSION, &diagnostics)
    }

    /// A fact that does not fit.
    pub(crate) fn facts(code: &str, path: &str, message: &str) -> Failure {
        Self::new(TACTFUL_INVALID_FACTS, code, path, message)
    }

    fn findings(status: tactful_status, diagnostics: &Diagnostics) -> Failure {
        let (code, path, message) =
            diagnostics.0.first().map_or(("invalid", "", ""), |first| (first.code, &*first.path, &*first.message));
        let mut error = Self::new(status, code, path, message);
        error.rendered = Text::new(diagnostics.to_string());
        error.findings = diagnostics.0.iter().map(Finding::new).collect();
        error
    }

    pub(crate) fn status(&self) -> tactful_status {
        self.status
    }

    fn at_row(mut self: Box<Self>, row: Option<u64>) -> Failure {
        self.row = row.and_then(|row| i64::try_from(row).ok()).unwrap_or(-1);
        self
    }
}

impl From<Diagnostics> for Failure {
    fn from(diagnostics: Diagnostics) -> Self {
        tactful_error::findings(TACTFUL_INVALID_PLAYBOOK, &diagnostics)
    }
}

impl From<EventError> for Failure {
    fn from(error: EventError) -> Self {
        tactful_error::new(TACTFUL_INVALID_EVENT, error.code(), error.path(), error.message())
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        tactful_error::request(error.code(), error.path(), error.message())
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        tactful_error::new(TACTFUL_INVALID_QUERY, error.code(), error.path(), error.message())
    }
}

impl From<CatalogError> for Failure {
    fn from(error: CatalogError) -> Self {
        tactful_error::new(TACTFUL_INVALID_QUERY, error.code(), "table", error.to_string())
    }
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        tactful_error::new(TACTFUL_INVALID_STATE, error.code(), "", error.message())
    }
}

impl From<TrendError> for Failure {
    fn from(error: TrendError) -> Self {
        tactful_error::new(TACTFUL_INVALID_TRENDS, error.code(), "", error.to_string())
    }
}

impl From<ColumnError> for Failure {
    fn from(error: ColumnError) -> Self {
        let row = error.row().map(|row| row as u64);
        tactful_error::data(error.code(), error.column().unwrap_or(""), error.problem().to_string()).at_row(row)
    }
}

impl From<ArrowError> for Failure {
    fn from(error: ArrowError) -> Self {
        match error {
            ArrowError::Column(error) => error.into(),
            error => tactful_error::data(error.code(), "", error.to_string()),
        }
    }
}

impl From<ReplayError> for Failure {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::BadRow(bad) => {
                tactful_error::data(bad.code, bad.column.as_deref().unwrap_or(""), bad.reason).at_row(Some(bad.row))
            }
            ReplayError::Column(error) => error.into(),
            ReplayError::Request(error) => error.into(),
            error => tactful_error::request(error.code(), "", &error.to_string()),
        }
    }
}

/// Reads an error that may be null.
unsafe fn read<T>(error: *const tactful_error, otherwise: T, read: impl FnOnce(&tactful_error) -> T) -> T {
    // SAFETY: by contract `error` is null or a live error.
    unsafe { error.as_ref() }.map_or(otherwise, read)
}

/// The family of an error, as the call returned it. TACTFUL_OK for null.
///
/// Thread-safe, as are all accessors of errors.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_error_status(error: *const tactful_error) -> tactful_status {
    // SAFETY: by contract.
    unsafe { read(error, TACTFUL_OK, |error| error.status) }
}

/// The stable code, such as "undeclared_event_type"; that of the first mistake of a playbook. Borrowed from the error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_error_code(error: *const tactful_error) -> tactful_text {
    // SAFETY: by contract.
    unsafe { read(error, tactful_text::NONE, |error| error.code.lend()) }
}

/// What it is about: an argument, a part of the event or request such as "properties.amount", a place in the playbook's
/// structure, or a column; empty when it is about no part. Borrowed from the error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_error_path(error: *const tactful_error) -> tactful_text {
    // SAFETY: by contract.
    unsafe { read(error, tactful_text::NONE, |error| error.path.lend()) }
}

/// What is wrong, and what was expected. Borrowed from the error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_error_message(error: *const tactful_error) -> tactful_text {
    // SAFETY: by contract.
    unsafe { read(error, tactful_text::NONE, |error| error.message.lend()) }
}

/// The whole error for people: code, path and message on one line, or all mistakes of a playbook as a compiler shows them.
/// Borrowed from the error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_error_rendered(error: *const tactful_error) -> tactful_text {
    // SAFETY: by contract.
    unsafe { read(error, tactful_text::NONE, |error| error.rendered.lend()) }
}

/// The number of the row of a table, from 0 over all batches; -1 when it is about no row.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_error_row(error: *const tactful_error) -> i64 {
    // SAFETY: by contract.
    unsafe { read(error, -1, |error| error.row) }
}

/// How many mistakes of a playbook there are; 0 for other errors.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_error_diagnostic_count(error: *const tactful_error) -> usize {
    // SAFETY: by contract.
    unsafe { read(error, 0, |error| error.findings.len()) }
}

/// Fills `diagnostic` with the mistake at `index`, errors first, then by place; with document, line and column. False, and
/// nothing is written, when there is none. Its texts are borrowed from the error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_error_diagnostic(
    error: *const tactful_error,
    index: usize,
    diagnostic: *mut tactful_diagnostic,
) -> bool {
    // SAFETY: by contract.
    unsafe { read(error, false, |error| fill(diagnostic, || error.findings.get(index).map(Finding::lend))) }
}

/// Frees an error. Null is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_error_free(error: *mut tactful_error) {
    // SAFETY: by contract null or not freed yet.
    unsafe { free(error) }
}

/// Writes what is there to a place that may be null; says whether it did.
///
/// # Safety
/// `place` is null or may be written to.
pub(crate) unsafe fn fill<T>(place: *mut T, find: impl FnOnce() -> Option<T>) -> bool {
    answer(false, || match (Out::new(place, ""), find()) {
        (Ok(place), Some(found)) => {
            // SAFETY: as promised by the caller.
            unsafe { place.write(found) };
            true
        }
        _ => false,
    })
}
