//! From the errors of the crate to the exceptions of the package, which are defined in `tactful/errors.py`.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;
use tactful::base;
use tactful::error::{Diagnostic, Severity};
use tactful::{Diagnostics, TimeError};
use tactful_arrow::ArrowError;

mod python {
    use pyo3::import_exception;
    import_exception!(tactful.errors, EventError);
    import_exception!(tactful.errors, ExpressionError);
    import_exception!(tactful.errors, FileError);
    import_exception!(tactful.errors, InternalError);
    import_exception!(tactful.errors, LogError);
    import_exception!(tactful.errors, MissingFileError);
    import_exception!(tactful.errors, PlaybookError);
    import_exception!(tactful.errors, QueryError);
    import_exception!(tactful.errors, ReplayError);
    import_exception!(tactful.errors, RequestError);
    import_exception!(tactful.errors, StateError);
    import_exception!(tactful.errors, TrendError);
}

/// What is wrong with something that came from Python, before it is known as which exception it is raised.
#[derive(Debug)]
pub(crate) struct Bad {
    pub(crate) code: &'static str,
    pub(crate) path: String,
    pub(crate) message: String,
}

impl Bad {
    pub(crate) fn new(code: &'static str, path: &str, message: impl Into<String>) -> Self {
        Bad { code, path: path.to_owned(), message: message.into() }
    }

    /// A value of a Python type that was not expected.
    pub(crate) fn kind(path: &str, expected: &str, found: &Bound<'_, PyAny>) -> Self {
        let found = found.get_type().name().map_or_else(|_| "something else".to_owned(), |name| name.to_string());
        Self::new("wrong_type", path, format!("expected {expected}, found {found}"))
    }

    pub(crate) fn time(path: &str, error: &TimeError) -> Self {
        let code = match error {
            TimeError::OutOfRange => "time_out_of_range",
            TimeError::NotATime(_) => "not_a_time",
            TimeError::NotADuration(_) => "not_a_duration",
            _ => "wrong_time",
        };
        Self::new(code, path, error.to_string())
    }

    pub(crate) fn event(self) -> PyErr {
        python::EventError::new_err((self.message, self.code, self.path))
    }

    pub(crate) fn request(self) -> PyErr {
        python::RequestError::new_err((self.message, self.code, self.path))
    }

    pub(crate) fn query(self) -> PyErr {
        python::QueryError::new_err((self.message, self.code, self.path))
    }

    pub(crate) fn log(self) -> PyErr {
        python::LogError::new_err((self.message, self.code, self.path))
    }

    pub(crate) fn replay(self) -> PyErr {
        python::ReplayError::new_err((self.message, self.code, self.path))
    }

    pub(crate) fn trends(self) -> PyErr {
        python::TrendError::new_err((self.message, self.code, self.path))
    }

    pub(crate) fn expression(self) -> PyErr {
        python::ExpressionError::new_err((self.message, self.code, self.path))
    }
}

pub(crate) fn internal(message: &str) -> PyErr {
    python::InternalError::new_err((message.to_owned(), "internal"))
}

pub(crate) fn event(error: &tactful::EventError) -> PyErr {
    python::EventError::new_err((error.message().to_owned(), error.code(), error.path().to_owned()))
}

pub(crate) fn request(error: &tactful::RequestError) -> PyErr {
    python::RequestError::new_err((error.message().to_owned(), error.code(), error.path().to_owned()))
}

pub(crate) fn query(error: &tactful::QueryError) -> PyErr {
    python::QueryError::new_err((error.message().to_owned(), error.code(), error.path().to_owned()))
}

pub(crate) fn log(error: &tactful::mine::MineError) -> PyErr {
    python::LogError::new_err((error.to_string(), error.code(), error.path().to_owned()))
}

pub(crate) fn state(error: &tactful::StateError) -> PyErr {
    python::StateError::new_err((error.message().to_owned(), error.code(), ""))
}

pub(crate) fn trends(error: &tactful::trends::TrendError) -> PyErr {
    python::TrendError::new_err((error.to_string(), error.code(), ""))
}

pub(crate) fn identifier(path: &str, error: tactful::IdentifierError) -> Bad {
    Bad::new(error.code(), path, error.to_string())
}

pub(crate) fn missing_file(path: &str) -> PyErr {
    python::MissingFileError::new_err((
        format!("`{path}` does not exist; give the path of a playbook in YAML or JSON"),
        "missing_file",
        path.to_owned(),
    ))
}

pub(crate) fn unreadable_file(path: &str, error: &std::io::Error) -> PyErr {
    python::FileError::new_err((format!("`{path}` cannot be read: {error}"), "unreadable_file", path.to_owned()))
}

/// A document that is not text.
pub(crate) fn not_utf8(document: &str, byte: usize) -> PyErr {
    let message = format!("document `{document}` is not text in UTF-8, from byte {byte} on");
    python::PlaybookError::new_err((message, "not_utf8", document.to_owned()))
}

/// A playbook that was not given as documents at all.
pub(crate) fn documents(bad: Bad) -> PyErr {
    python::PlaybookError::new_err((bad.message, bad.code, bad.path))
}

pub(crate) fn playbook(py: Python<'_>, findings: &Diagnostics) -> PyErr {
    match told(py, findings) {
        Ok(told) => python::PlaybookError::new_err(told),
        Err(error) => error,
    }
}

pub(crate) fn expression(py: Python<'_>, findings: &Diagnostics) -> PyErr {
    match told(py, findings) {
        Ok(told) => python::ExpressionError::new_err(told),
        Err(error) => error,
    }
}

/// Message, code and path of the first finding, and all findings.
fn told(py: Python<'_>, findings: &Diagnostics) -> PyResult<(String, &'static str, String, Vec<Py<PyAny>>)> {
    let first = findings.0.first();
    let message = first.map_or_else(String::new, |finding| finding.message.clone());
    let path = first.map_or_else(String::new, |finding| finding.path.clone());
    Ok((message, first.map_or("error", |finding| finding.code), path, diagnostics(py, findings)?))
}

pub(crate) fn diagnostics(py: Python<'_>, findings: &Diagnostics) -> PyResult<Vec<Py<PyAny>>> {
    findings.0.iter().map(|finding| diagnostic(py, finding)).collect()
}

fn diagnostic(py: Python<'_>, finding: &Diagnostic) -> PyResult<Py<PyAny>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let class = CLASS.import(py, "tactful.errors", "Diagnostic")?;
    let told = PyDict::new(py);
    told.set_item("code", finding.code)?;
    let severity = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    told.set_item("severity", severity)?;
    told.set_item("message", &finding.message)?;
    told.set_item("path", &finding.path)?;
    if let Some(place) = &finding.place {
        told.set_item("document", &*place.document)?;
        told.set_item("line", place.line)?;
        told.set_item("column", place.column)?;
        told.set_item("length", place.length)?;
        told.set_item("source", &*place.source)?;
    }
    told.set_item("hint", finding.hint.as_deref())?;
    told.set_item("text", finding.to_string())?;
    class.call((), Some(&told)).map(Bound::unbind)
}

pub(crate) fn replay(error: &base::ReplayError) -> PyErr {
    let message = error.to_string();
    let (row, column) = match error {
        base::ReplayError::BadRow(bad) => (Some(bad.row), bad.column.as_deref().map(str::to_owned)),
        base::ReplayError::Column(error) => (error.row().map(|row| row as u64), error.column().map(str::to_owned)),
        base::ReplayError::Request(error) => return request(error),
        _ => (None, None),
    };
    let path = match error {
        base::ReplayError::Outcome(_) => "record",
        _ => "",
    };
    python::ReplayError::new_err((message, error.code(), path, row, column))
}

pub(crate) fn arrow(error: &ArrowError) -> PyErr {
    let (row, column) = match error {
        ArrowError::Column(error) => (error.row().map(|row| row as u64), error.column().map(str::to_owned)),
        _ => (None, None),
    };
    python::ReplayError::new_err((error.to_string(), error.code(), "", row, column))
}
