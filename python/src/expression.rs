use crate::errors::{self, Bad};
use crate::event::quoted;
use crate::guard::guard;
use crate::time;
use crate::value::{self, Doubles};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyMapping, PyString};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use tactful::expr::{self, NamedFacts, Outcome, Schema, TimeClass};
use tactful::{Playbook, Timestamp, Value};

/// An expression on its own: compiled once, evaluated against any facts.
///
/// Args:
///     text: the expression.
///     schema: from dotted names to types, such as ``{"customer.age": "int", "basket": "money(EUR)"}``. With it, names and types
///         are checked now and missing facts are unknown; without, names are looked up when evaluated.
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
}

/// What a caller declares: names with types as they were given, and the schema made of them.
struct Declared {
    types: BTreeMap<String, String>,
    schema: Arc<Schema>,
}

#[pymethods]
impl Expression {
    #[new]
    #[pyo3(signature = (text, schema=None))]
    fn new(py: Python<'_>, text: &Bound<'_, PyString>, schema: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        guard(|| {
            let text = value::string(text, "").map_err(Bad::expression)?;
            let declared = schema.map(|types| Declared::new(py, types)).transpose()?;
            let known = declared.as_ref().map(|declared| &*declared.schema);
            let compiled = py.detach(|| expr::Expression::compile(&text, known));
            let expression = compiled.map_err(|findings| errors::expression(py, &findings))?;
            Ok(Expression { expression, text, declared })
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
    ///     bool, int, float, str, bytes, ``Decimal``, ``datetime`` (UTC), ``timedelta``, list, dict, ``None``, or
    ///     :data:`tactful.UNKNOWN` when it depends on facts that are missing.
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
            let facts = self.facts(told, now.unwrap_or(Timestamp::MIN)).map_err(Bad::expression)?;
            match py.detach(|| self.expression.evaluate(&facts)).outcome {
                Outcome::Value(found) => value::python(py, &found),
                Outcome::Error(error) if strict => Err(Bad::new(error.code.name(), "", error.message).expression()),
                Outcome::Unknown(_) | Outcome::Error(_) => unknown(py),
            }
        })
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("Expression({})", quoted(py, &self.text)?))
    }

    fn __getnewargs__(&self) -> (String, Option<BTreeMap<String, String>>) {
        (self.text.clone(), self.declared.as_ref().map(|declared| declared.types.clone()))
    }
}

impl Expression {
    fn facts(&self, told: Vec<(String, Value)>, now: Timestamp) -> Result<NamedFacts, Bad> {
        let Some(Declared { schema, .. }) = &self.declared else {
            return Ok(told.into_iter().fold(NamedFacts::new(now), |facts, (name, value)| facts.with(&name, value)));
        };
        let mut facts = NamedFacts::of(schema.clone(), now);
        let mut open: Vec<(String, Value)> = told;
        while let Some((name, value)) = open.pop() {
            let declared = schema.fact(&name).and_then(|fact| schema.fact_decl(fact));
            let path = || format!("facts.{}", name.chars().take(80).collect::<String>());
            match (declared, value) {
                (_, Value::Null) => {}
                (Some(declared), value) => {
                    let fits = value.coerce(&declared.ty);
                    let misfit = |misfit: tactful::value::Misfit| {
                        Bad::new("wrong_type", &path(), format!("expected {}, found {}", misfit.expected, misfit.found))
                    };
                    facts = facts.with(&name, fits.map_err(misfit)?);
                }
                (None, Value::Map(entries)) => {
                    for (key, value) in entries.iter() {
                        let Value::String(key) = key else {
                            return Err(Bad::new("undeclared_fact", &path(), "expected names that are text"));
                        };
                        open.push((format!("{name}.{key}"), value.clone()));
                    }
                }
                (None, _) => {
                    let names = schema.facts().iter().map(|fact| &*fact.path);
                    let hint = tactful::error::nearest(&name, names)
                        .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                    return Err(Bad::new("undeclared_fact", &path(), format!("the schema does not declare it{hint}")));
                }
            }
        }
        Ok(facts)
    }
}

impl Declared {
    fn new(py: Python<'_>, types: &Bound<'_, PyAny>) -> PyResult<Self> {
        let types = names(types).map_err(Bad::expression)?;
        let mut schema = Schema::new();
        for (name, ty) in &types {
            if name.split('.').any(str::is_empty) {
                let shown: String = name.chars().take(80).collect();
                let message = format!("`{shown}` is not a name; write one such as `customer.age`");
                return Err(Bad::new("bad_name", "schema", message).expression());
            }
            // Types are read as those of a playbook's request facts are.
            let document = json!({"playbook": "expression", "version": 1, "request": {"fact": ty}}).to_string();
            let read = Playbook::load(&[("schema.json", &document)]);
            let (playbook, _) = read.map_err(|findings| errors::expression(py, &findings))?;
            for fact in playbook.request {
                schema.declare_fact(name, fact.ty, TimeClass::Constant);
            }
        }
        Ok(Declared { types, schema: Arc::new(schema) })
    }
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

fn unknown(py: Python<'_>) -> PyResult<Py<PyAny>> {
    static UNKNOWN: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    Ok(UNKNOWN.import(py, "tactful.unknown", "UNKNOWN")?.clone().unbind())
}
