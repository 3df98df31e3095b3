use crate::errors::internal;
use crate::expression::unknown;
use crate::guard::guard;
use crate::html;
use crate::query::loads;
use crate::value;
use pyo3::prelude::*;
use tactful::expr::{self, Outcome};

/// Why an expression or a rule came to what it did. ``str()`` gives the reasons, one a line.
#[pyclass(frozen, module = "tactful")]
pub(crate) struct Explanation {
    explanation: expr::Explanation,
}

impl Explanation {
    pub(crate) fn of(explanation: expr::Explanation) -> Self {
        Explanation { explanation }
    }

    fn lines(&self) -> String {
        self.explanation.to_string()
    }
}

#[pymethods]
impl Explanation {
    /// What it came to; :data:`tactful.UNKNOWN` when that is not known or it cannot be computed.
    #[getter]
    fn value(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        guard(|| match &self.explanation.outcome {
            Outcome::Value(found) => value::python(py, found),
            Outcome::Unknown(_) | Outcome::Error(_) => unknown(py),
        })
    }

    /// The comparisons that decided, in words, then what would make it true.
    #[getter]
    fn reasons(&self) -> Vec<String> {
        self.lines().lines().map(str::to_owned).collect()
    }

    /// The facts that are missing, when it is unknown because of them.
    #[getter]
    fn missing(&self) -> Vec<String> {
        match &self.explanation.outcome {
            Outcome::Unknown(missing) => missing.iter().map(str::to_owned).collect(),
            Outcome::Value(_) | Outcome::Error(_) => Vec::new(),
        }
    }

    /// Every part with what it came to, as plain data; a new dict each time.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        guard(|| {
            let text = serde_json::to_string(&self.explanation).map_err(|error| internal(&error.to_string()))?;
            loads(py, &text)
        })
    }

    fn __str__(&self) -> String {
        self.lines()
    }

    fn __repr__(&self) -> String {
        format!("<Explanation of {}>", self.explanation.text)
    }

    fn _repr_html_(&self) -> String {
        let items: String = self.lines().lines().map(|line| format!("<li>{}</li>", html::escape(line))).collect();
        format!("<ul>{items}</ul>")
    }
}
