use crate::errors::{self, Bad};
use crate::event::quoted;
use crate::explanation::Explanation;
use crate::guard::guard;
use crate::time;
use crate::value::{self, Doubles};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyMapping, PyString};
use std::collections::BTreeMap;
use std::sync::Arc;
use tactful::Timestamp;
use tactful::expr::{self, CompileOptions, FactError, NamedFacts, Outcome, Schema};

/// An expression on its own: compiled once, evaluated against any facts.
///
/// Args:
///     text: the expression.
///     schema: from dotted names to types, such as ``{"customer.age": "int", "basket": "money(EUR)"}``. With it, names and types
///         are checked now and missing facts are unknown; without, names are looked up when evaluated.
///     container: the namespace in which names are looked up first, as CEL has it.
///
/// Raises:
///     ExpressionError: with everything that is wrong with it in ``diagnostics``.
///
/// Example:
///     >>> adult = tactful.Expression("customer.age >= 18", {"customer.age": "int"})
///     >>> adult.evaluate({"customer": {"age": 42}})
///     True
///     >>> adult.evaluate({})
///     tactful.UNKNOWN
#[pyclass(frozen, module = "tactful")]
pub(crate) struct Expression {
    expression: expr::Expression,
    text: String,
    declared: Option<Declared>,
    container: String,
}

/// Text and schema, as they were given.
type NewArguments = (String, Option<BTreeMap<String, String>>);

/// What a caller declares: names with types as they were given, and the schema made of them.
pub(crate) struct Declared {
    pub(crate) types: BTreeMap<String, String>,
    pub(crate) schema: Arc<Schema>,
}

#[pymethods]
impl Expression {
    #[new]
    #[pyo3(signature = (text, schema=None, *, container=""))]
    fn new(py: Python<'_>, text: &Bound<'_, PyString>, schema: Option<&Bound<'_, PyAny>>, container: &str) -> PyResult<Self> {
        guard(|| {
            let text = value::string(text, "").map_err(Bad::expression)?;
            let declared = schema.map(|types| Declared::new(py, types)).transpose()?;
            let known = declared.as_ref().map(|declared| &*declared.schema);
            let compiled = py.detach(|| {
                let mut options = CompileOptions::new(known);
                options.container = container;
                expr::Expression::compile_with(&text, &options)
            });
            let expression = compiled.map_err(|findings| errors::expression(py, &findings))?;
            Ok(Expression { expression, text, declared, container: container.to_owned() })
        })
    }

    /// The expression as it was written.
    #[getter]
    fn text(&self) -> &str {
        &self.text
    }

    /// Evaluates it.
    ///
    /// Args:
    ///     facts: by dotted name, or nested: ``{"customer.age": 42}`` and ``{"customer": {"age": 42}}`` mean the same.
    ///     now: the instant; needed when the expression reads ``now``.
    ///     strict: whether an error in the evaluation, such as a division by zero, is raised; else it gives ``UNKNOWN``.
    ///
    /// Returns:
    ///     bool, int, float, str, bytes, ``Decimal``, ``datetime`` (UTC), ``timedelta``, list, dict, ``None``,
    ///     :class:`tactful.TypeName`, :class:`tactful.Optional`, or :data:`tactful.UNKNOWN` when it depends on facts that are missing.
    ///
    /// Raises:
    ///     ExpressionError: for a fact that no expression can read or that does not fit the schema; and see ``strict``.
    ///
    /// Example:
    ///     >>> tactful.Expression("1 / n").evaluate({"n": 0}, strict=True)
    ///     Traceback (most recent call last):
    ///     tactful.errors.ExpressionError: division by zero
    #[pyo3(signature = (facts, now=None, *, strict=false))]
    fn evaluate(
        &self,
        py: Python<'_>,
        facts: &Bound<'_, PyAny>,
        now: Option<&Bound<'_, PyAny>>,
        strict: bool,
    ) -> PyResult<Py<PyAny>> {
        guard(|| {
            let told = value::named(facts, "facts", Doubles::Any).map_err(Bad::expression)?;
            let now = time::optional(now, "now").map_err(Bad::expression)?;
            if now.is_none() && self.expression.checked().reads().now {
                return Err(
                    Bad::new("missing_now", "now", "the expression reads `now`; give the instant of the question").expression()
                );
            }
            let schema = self.declared.as_ref().map(|declared| &declared.schema);
            let facts = NamedFacts::told(schema, told, now.unwrap_or(Timestamp::MIN)).map_err(|error| wrong_fact(&error))?;
            match py.detach(|| self.expression.evaluate(&facts)).outcome {
                Outcome::Value(found) => value::python(py, &found),
                Outcome::Error(error) if strict => Err(Bad::new(error.code.name(), "", error.message).expression()),
                Outcome::Unknown(_) | Outcome::Error(_) => unknown(py),
            }
        })
    }

    /// Why it came to what it did: what every part came to and, for a condition that is not true, what would make it so.
    ///
    /// Args and errors: as for :meth:`evaluate`.
    ///
    /// Example:
    ///     >>> print(tactful.Expression("age >= 18", {"age": "int"}).explain({"age": 17}))
    ///     `age >= 18` is false: `age` is 17
    ///     would be true if `age` were 18
    #[pyo3(signature = (facts, now=None))]
    fn explain(&self, py: Python<'_>, facts: &Bound<'_, PyAny>, now: Option<&Bound<'_, PyAny>>) -> PyResult<Explanation> {
        guard(|| {
            let told = value::named(facts, "facts", Doubles::Any).map_err(Bad::expression)?;
            let now = time::optional(now, "now").map_err(Bad::expression)?;
            let schema = self.declared.as_ref().map(|declared| &declared.schema);
            let facts = NamedFacts::told(schema, told, now.unwrap_or(Timestamp::MIN)).map_err(|error| wrong_fact(&error))?;
            Ok(Explanation::of(py.detach(|| self.expression.explain(&facts))))
        })
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("Expression({})", quoted(py, &self.text)?))
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<(NewArguments, Bound<'py, PyDict>)> {
        let options = PyDict::new(py);
        options.set_item("container", &self.container)?;
        Ok(((self.text.clone(), self.declared.as_ref().map(|declared| declared.types.clone())), options))
    }
}

impl Declared {
    pub(crate) fn new(py: Python<'_>, types: &Bound<'_, PyAny>) -> PyResult<Self> {
        let types = names(types).map_err(Bad::expression)?;
        let schema = tactful::playbook::schema(types.iter().map(|(name, ty)| (name.as_str(), ty.as_str())));
        let schema = Arc::new(schema.map_err(|findings| errors::expression(py, &findings))?);
        Ok(Declared { types, schema })
    }
}

pub(crate) fn wrong_fact(error: &FactError) -> PyErr {
    Bad::new(error.code(), error.path(), error.message()).expression()
}

/// Names with types.
fn names(types: &Bound<'_, PyAny>) -> Result<BTreeMap<String, String>, Bad> {
    let wrong = || Bad::kind("schema", "a mapping from dotted names to types such as `int` or `money(EUR)`", types);
    let mut names = BTreeMap::new();
    for pair in types.cast::<PyMapping>().map_err(|_| wrong())?.items().map_err(|_| wrong())? {
        let (name, ty) = pair.extract::<(Bound<'_, PyString>, Bound<'_, PyString>)>().map_err(|_| wrong())?;
        names.insert(value::string(&name, "schema")?, value::string(&ty, "schema")?);
    }
    Ok(names)
}

pub(crate) fn unknown(py: Python<'_>) -> PyResult<Py<PyAny>> {
    static UNKNOWN: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    Ok(UNKNOWN.import(py, "tactful.unknown", "UNKNOWN")?.clone().unbind())
}
