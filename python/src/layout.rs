use crate::errors::{self, Bad};
use crate::guard::guard;
use crate::value;
use pyo3::prelude::*;
use pyo3::types::PyString;
use tactful::{expr, playbook};

/// Lays an expression out: what does not fit a line of 100 characters is broken where it branches; comments are kept.
///
/// Formatting twice is formatting once, and the meaning never changes.
///
/// Raises:
///     ExpressionError: when it cannot be parsed. Names and types are not looked at.
///
/// Example:
///     >>> tactful.format_expression("(customer.age>=18)  &&customer.city=='Bonn'")
///     'customer.age >= 18 && customer.city == "Bonn"'
#[pyfunction]
#[pyo3(signature = (text, /))]
pub(crate) fn format_expression(py: Python<'_>, text: &Bound<'_, PyString>) -> PyResult<String> {
    guard(|| {
        let text = value::string(text, "").map_err(Bad::expression)?;
        py.detach(|| expr::format(&text)).map_err(|findings| errors::expression(py, &findings))
    })
}

/// Formats the rules of a playbook's document, or of a part of one; everything else stays byte for byte.
///
/// Args:
///     text: the document.
///     name: of the document, for messages; YAML or JSON is told from its ending, or else from the text.
///
/// Raises:
///     PlaybookError: when the document or one of its rules cannot be parsed. Names and types are not looked at.
///
/// Example:
///     >>> tactful.format_playbook("segments:\n  adult: customer.age>=18  # of age\n")
///     'segments:\n  adult: customer.age >= 18  # of age\n'
#[pyfunction]
#[pyo3(signature = (text, /, *, name="playbook"))]
pub(crate) fn format_playbook(py: Python<'_>, text: &Bound<'_, PyString>, name: &str) -> PyResult<String> {
    guard(|| {
        let text = value::string(text, "").map_err(errors::documents)?;
        py.detach(|| playbook::format(name, &text)).map_err(|findings| errors::playbook(py, &findings))
    })
}
