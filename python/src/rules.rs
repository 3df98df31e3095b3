use crate::errors::{self, Bad};
use crate::explanation::Explanation;
use crate::expression::{Declared, unknown, wrong_fact};
use crate::guard::guard;
use crate::stream::{reader, sources};
use crate::table::Table;
use crate::time;
use crate::value::{self, Doubles};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyMapping, PyString, PyTuple};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tactful::expr::{self, NamedFacts, RuleId, RuleScratch, Truth};
use tactful::{Timestamp, Value};
use tactful_arrow::Matching;

/// From so many rules on a question is asked with the interpreter released.
const LONG: usize = 2_000;

/// Many named conditions over one schema: which of them are true?
///
/// Ten rules or a hundred thousand: they are found by an index over the values, not by trying each. A fact that is missing is
/// unknown, and a rule matches when it is *known* to be true.
///
/// Args:
///     rules: a mapping from names to conditions, or a sequence of (name, condition).
///     schema: from dotted names to types, such as ``{"customer.age": "int", "tags": "list(string)"}``.
///
/// Raises:
///     ExpressionError: with everything that is wrong with any rule in ``diagnostics``; their ``path`` is the rule's name.
///
/// Example:
///     >>> rules = tactful.RuleSet(
///     ...     {"adult": "customer.age >= 18", "vip": "customer.age >= 18 && 'vip' in customer.tags"},
///     ...     {"customer.age": "int", "customer.tags": "list(string)"},
///     ... )
///     >>> rules.matches({"customer": {"age": 42}})
///     ['adult']
///     >>> rules.value("vip", {"customer.age": 42})
///     tactful.UNKNOWN
///     >>> row = rules.row({"customer.age": 42})
///     >>> row["customer.tags"] = ["vip"]
///     >>> rules.matches(row)
///     ['adult', 'vip']
#[pyclass(frozen, mapping, module = "tactful")]
pub(crate) struct RuleSet {
    inner: Arc<Inner>,
}

struct Inner {
    rules: expr::RuleSet,
    declared: Declared,
    names: Vec<Py<PyString>>,
    /// Rows and memory that are not in use.
    idle: Mutex<Vec<Facts>>,
}

/// Prepared facts and memory for a question.
struct Facts {
    row: expr::Row,
    scratch: RuleScratch,
}

/// The facts of one customer, prepared for the rules of one :class:`RuleSet`; :meth:`RuleSet.row` makes one. Facts that were not set are
/// unknown. It may be changed and asked again and again, and is what a fast loop keeps.
///
/// Example:
///     >>> rules = tactful.RuleSet({"adult": "age >= 18"}, {"age": "int"})
///     >>> row = rules.row()
///     >>> row["age"] = 17
///     >>> rules.holds("adult", row)
///     False
#[pyclass(frozen, module = "tactful")]
pub(crate) struct Row {
    inner: Arc<Inner>,
    facts: Mutex<Facts>,
}

/// A lock that no panic makes useless: what it holds is written anew before it is read.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[pymethods]
impl RuleSet {
    #[new]
    #[pyo3(signature = (rules, schema))]
    fn new(py: Python<'_>, rules: &Bound<'_, PyAny>, schema: &Bound<'_, PyAny>) -> PyResult<Self> {
        guard(|| {
            let pairs = pairs(rules).map_err(Bad::expression)?;
            let declared = Declared::new(py, schema)?;
            let told = pairs.iter().map(|(name, text)| (name, text));
            let compiled = py.detach(|| expr::RuleSet::compile_shared(told, declared.schema.clone()));
            let rules = compiled.map_err(|findings| errors::expression(py, &findings))?;
            let names = pairs.iter().map(|(name, _)| PyString::new(py, name).unbind()).collect();
            Ok(RuleSet { inner: Arc::new(Inner { rules, declared, names, idle: Mutex::new(Vec::new()) }) })
        })
    }

    /// The names of the rules, in the order given.
    #[getter]
    fn names<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.inner.names.iter().map(|name| name.bind(py)))
    }

    /// What is probably not meant, although all rules compile.
    #[getter]
    fn warnings(&self, py: Python<'_>) -> PyResult<Vec<Py<PyAny>>> {
        errors::diagnostics(py, &tactful::Diagnostics(self.inner.rules.warnings().to_vec()))
    }

    /// Prepared facts: a row that is filled once and asked often.
    ///
    /// Args:
    ///     facts: by dotted name, or nested.
    ///     now: the instant, for rules that read ``now``.
    #[pyo3(signature = (facts=None, now=None))]
    fn row(&self, facts: Option<&Bound<'_, PyAny>>, now: Option<&Bound<'_, PyAny>>) -> PyResult<Row> {
        guard(|| {
            let mut made = Facts { row: self.inner.rules.row(), scratch: self.inner.rules.scratch() };
            self.inner.fill(&mut made, facts, now)?;
            Ok(Row { inner: self.inner.clone(), facts: Mutex::new(made) })
        })
    }

    /// The names of the rules that are known to be true, in the order given.
    ///
    /// Args:
    ///     facts: by dotted name or nested, or a :class:`Row` of this rule set.
    ///     now: the instant, for rules that read ``now``; not with a row, which has its own.
    ///
    /// Raises:
    ///     ExpressionError: for a fact that the schema does not declare or that is of another type.
    #[pyo3(signature = (facts, now=None))]
    fn matches<'py>(
        &self,
        py: Python<'py>,
        facts: &Bound<'py, PyAny>,
        now: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyList>> {
        guard(|| self.ask(py, facts, now, |inner, facts| inner.list(py, facts))?)
    }

    /// The same for facts as a JSON object, which is read without building Python objects; fields that no rule reads are skipped.
    ///
    /// Example:
    ///     >>> rules = tactful.RuleSet({"adult": "age >= 18"}, {"age": "int"})
    ///     >>> rules.matches_json('{"age": 42, "whatever": [1, 2]}')
    ///     ['adult']
    #[pyo3(signature = (text, now=None))]
    fn matches_json<'py>(
        &self,
        py: Python<'py>,
        text: &Bound<'py, PyString>,
        now: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyList>> {
        guard(|| {
            let Ok(text) = text.to_str() else {
                return Err(Bad::new("not_utf8", "facts", "expected text without lone surrogates").expression());
            };
            self.inner.borrow(|facts| {
                self.inner.fill(facts, None, now)?;
                facts.row.read_json(text).map_err(|error| wrong_row(&error))?;
                self.inner.list(py, facts)
            })
        })
    }

    /// Which rules are true for which rows of a table: a :class:`Table` with the columns ``row`` (from 0 over all) and ``rule``, one row
    /// for every match, by row and then in the order of the rules.
    ///
    /// Columns are found by the names of the facts; a fact without a column is unknown, other columns are not read. A list column is
    /// read for a fact that is a list; elements that are null are left out.
    ///
    /// Args:
    ///     table: anything that exports an Arrow stream, such as a table of polars, pyarrow, pandas or DuckDB; or several.
    ///
    /// Raises:
    ///     ReplayError: for something that is no table, or a value that does not fit its fact.
    ///
    /// Example:
    ///     >>> import pyarrow as pa
    ///     >>> rules = tactful.RuleSet({"adult": "age >= 18", "old": "age >= 65"}, {"age": "int"})
    ///     >>> pa.table(rules.matches_table(pa.table({"age": [17, 70, None]}))).to_pylist()
    ///     [{'row': 1, 'rule': 'adult'}, {'row': 1, 'rule': 'old'}]
    fn matches_table(&self, py: Python<'_>, table: &Bound<'_, PyAny>) -> PyResult<Table> {
        guard(|| {
            let inner = &self.inner;
            let mut matching = Matching::new(&inner.rules);
            for source in sources(table)? {
                for chunk in reader(source.bind(py))? {
                    let chunk = chunk.map_err(|error| errors::arrow(&error))?;
                    py.detach(|| matching.add(&chunk)).map_err(|error| errors::arrow(&error))?;
                }
            }
            matching.table().map(|table| Table::of("matches", table)).map_err(|error| errors::arrow(&error))
        })
    }

    /// Whether one rule is known to be true.
    ///
    /// Args and errors: as for :meth:`matches`; an unknown name is a ``KeyError``.
    #[pyo3(signature = (name, facts, now=None))]
    fn holds(
        &self,
        py: Python<'_>,
        name: &Bound<'_, PyString>,
        facts: &Bound<'_, PyAny>,
        now: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<bool> {
        guard(|| {
            let rule = self.rule(name)?;
            self.ask(py, facts, now, |inner, facts| inner.rules.holds(rule, &facts.row))
        })
    }

    /// What one rule comes to: ``True``, ``False``, or :data:`tactful.UNKNOWN` when it depends on facts that are missing.
    ///
    /// Args:
    ///     strict: whether an error in the evaluation, such as a division by zero, is raised; else it gives ``UNKNOWN``.
    ///
    /// Other args and errors: as for :meth:`matches`; an unknown name is a ``KeyError``.
    #[pyo3(signature = (name, facts, now=None, *, strict=false))]
    fn value(
        &self,
        py: Python<'_>,
        name: &Bound<'_, PyString>,
        facts: &Bound<'_, PyAny>,
        now: Option<&Bound<'_, PyAny>>,
        strict: bool,
    ) -> PyResult<Py<PyAny>> {
        guard(|| {
            let rule = self.rule(name)?;
            let truth = self.ask(py, facts, now, |inner, facts| inner.rules.value(rule, &facts.row))?;
            match truth {
                Some(Truth::True) => Ok(PyBool::new(py, true).to_owned().into_any().unbind()),
                Some(Truth::False) => Ok(PyBool::new(py, false).to_owned().into_any().unbind()),
                Some(Truth::Error) if strict => {
                    Err(Bad::new("evaluation_error", "", "the rule cannot be computed; explain it to see why").expression())
                }
                Some(Truth::Unknown | Truth::Error) | None => unknown(py),
            }
        })
    }

    /// Why a rule came to what it did.
    ///
    /// Args and errors: as for :meth:`matches`, facts as a mapping; an unknown name is a ``KeyError``.
    ///
    /// Example:
    ///     >>> rules = tactful.RuleSet({"adult": "age >= 18"}, {"age": "int"})
    ///     >>> print(rules.explain("adult", {"age": 17}))
    ///     `age >= 18` is false: `age` is 17
    #[pyo3(signature = (name, facts, now=None))]
    fn explain(
        &self,
        py: Python<'_>,
        name: &Bound<'_, PyString>,
        facts: &Bound<'_, PyAny>,
        now: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Explanation> {
        guard(|| {
            let rule = self.rule(name)?;
            let inner = &self.inner;
            let name = inner.rules.name(rule).unwrap_or("");
            if let Ok(row) = facts.cast::<Row>() {
                let row = row.get();
                inner.same(row)?;
                let facts = lock(&row.facts);
                return inner.rules.explain(name, &facts.row).map(Explanation::of).ok_or_else(|| errors::internal("no rule"));
            }
            let told = value::named(facts, "facts", Doubles::Any).map_err(Bad::expression)?;
            let now = time::optional(now, "now").map_err(Bad::expression)?;
            let facts = NamedFacts::told(Some(&inner.declared.schema), told, now.unwrap_or(Timestamp::MIN));
            let facts = facts.map_err(|error| wrong_fact(&error))?;
            py.detach(|| inner.rules.explain(name, &facts)).map(Explanation::of).ok_or_else(|| errors::internal("no rule"))
        })
    }

    fn __len__(&self) -> usize {
        self.inner.rules.len()
    }

    fn __contains__(&self, name: &Bound<'_, PyAny>) -> bool {
        name.extract::<&str>().is_ok_and(|name| self.inner.rules.rule(name).is_some())
    }

    fn __getitem__(&self, name: &Bound<'_, PyString>) -> PyResult<String> {
        let rule = self.rule(name)?;
        Ok(self.inner.rules.text(rule).unwrap_or("").to_owned())
    }

    fn __repr__(&self) -> String {
        let count = self.inner.rules.len();
        format!("<RuleSet of {count} {}>", if count == 1 { "rule" } else { "rules" })
    }

    fn __getnewargs__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyList>, BTreeMap<String, String>)> {
        let rules = &self.inner.rules;
        let pairs = (0..).take(rules.len()).map(|rule| {
            let rule = RuleId(rule);
            PyTuple::new(py, [rules.name(rule).unwrap_or(""), rules.text(rule).unwrap_or("")])
        });
        let pairs = pairs.collect::<PyResult<Vec<_>>>()?;
        Ok((PyList::new(py, pairs)?, self.inner.declared.types.clone()))
    }
}

impl RuleSet {
    fn rule(&self, name: &Bound<'_, PyString>) -> PyResult<RuleId> {
        let known = name.to_str().ok().and_then(|name| self.inner.rules.rule(name));
        known.ok_or_else(|| pyo3::exceptions::PyKeyError::new_err(name.clone().unbind()))
    }

    /// Asks something of a row, or of facts that are prepared for it.
    fn ask<T>(
        &self,
        _py: Python<'_>,
        facts: &Bound<'_, PyAny>,
        now: Option<&Bound<'_, PyAny>>,
        ask: impl FnOnce(&Inner, &mut Facts) -> T,
    ) -> PyResult<T> {
        if let Ok(row) = facts.cast::<Row>() {
            let row = row.get();
            self.inner.same(row)?;
            if now.is_some() {
                return Err(
                    Bad::new("now_twice", "now", "a row has an instant of its own; give it with `RuleSet.row`").expression()
                );
            }
            return Ok(ask(&self.inner, &mut lock(&row.facts)));
        }
        self.inner.borrow(|prepared| {
            self.inner.fill(prepared, Some(facts), now)?;
            Ok(ask(&self.inner, prepared))
        })
    }
}

impl Inner {
    fn same(&self, row: &Row) -> PyResult<()> {
        if std::ptr::eq(&raw const *row.inner, self) {
            return Ok(());
        }
        Err(Bad::new("other_rules", "facts", "the row was made by another rule set").expression())
    }

    /// Lends facts that nobody uses.
    fn borrow<T>(&self, ask: impl FnOnce(&mut Facts) -> PyResult<T>) -> PyResult<T> {
        let idle = lock(&self.idle).pop();
        let mut facts = idle.unwrap_or_else(|| Facts { row: self.rules.row(), scratch: self.rules.scratch() });
        let answer = ask(&mut facts);
        let mut idle = lock(&self.idle);
        if idle.len() < 16 {
            idle.push(facts);
        }
        answer
    }

    /// Replaces all facts.
    fn fill(&self, facts: &mut Facts, told: Option<&Bound<'_, PyAny>>, now: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        facts.row.clear();
        facts.row.set_now(match now {
            Some(now) => time::instant(now, "now").map_err(Bad::expression)?,
            None => Timestamp::from_micros(0).unwrap_or(Timestamp::MIN),
        });
        match told {
            Some(told) => self.tell(&mut facts.row, "", told, 0),
            None => Ok(()),
        }
    }

    /// Sets facts by dotted name, or nested.
    fn tell(&self, row: &mut expr::Row, before: &str, told: &Bound<'_, PyAny>, depth: u32) -> PyResult<()> {
        if let Ok(dict) = told.cast::<PyDict>() {
            for (name, item) in dict.iter() {
                self.tell_one(row, before, &name, &item, depth)?;
            }
            return Ok(());
        }
        let Ok(mapping) = told.cast::<PyMapping>() else {
            return Err(Bad::kind("facts", "a mapping from names to values", told).expression());
        };
        for pair in mapping.items()? {
            let (name, item) = pair.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>()?;
            self.tell_one(row, before, &name, &item, depth)?;
        }
        Ok(())
    }

    fn tell_one(
        &self,
        row: &mut expr::Row,
        before: &str,
        name: &Bound<'_, PyAny>,
        item: &Bound<'_, PyAny>,
        depth: u32,
    ) -> PyResult<()> {
        let Some(name) = name.cast::<PyString>().ok().and_then(|name| name.to_str().ok()) else {
            return Err(Bad::kind("facts", "names that are text", name).expression());
        };
        let joined;
        let path = if before.is_empty() {
            name
        } else {
            joined = format!("{before}.{name}");
            &joined
        };
        match row.fact_id(path) {
            Some(fact) => set(row, fact, path, item),
            None if item.is_none() => Ok(()),
            None if depth < 32 && item.cast::<PyMapping>().is_ok() => self.tell(row, path, item, depth + 1),
            None => {
                let told = vec![(path.to_owned(), Value::Bool(true))];
                match NamedFacts::told(Some(&self.declared.schema), told, Timestamp::MIN) {
                    Err(error) => Err(wrong_fact(&error)),
                    Ok(_) => Ok(()),
                }
            }
        }
    }

    fn list<'py>(&self, py: Python<'py>, facts: &mut Facts) -> PyResult<Bound<'py, PyList>> {
        let Facts { row, scratch } = facts;
        let matches = if self.rules.len() >= LONG {
            py.detach(|| self.rules.matches(row, scratch))
        } else {
            self.rules.matches(row, scratch)
        };
        PyList::new(py, matches.iter().filter_map(|rule| Some(self.names.get(rule.0 as usize)?.bind(py))).collect::<Vec<_>>())
    }
}

/// Sets a fact; the kinds that most facts have go the short way.
fn set(row: &mut expr::Row, fact: expr::FactId, path: &str, item: &Bound<'_, PyAny>) -> PyResult<()> {
    let told = if let Ok(text) = item.cast_exact::<PyString>() {
        match text.to_str() {
            Ok(text) => row.set_text(fact, text),
            Err(_) => return Err(Bad::new("not_utf8", path, "expected text without lone surrogates").expression()),
        }
    } else if let Ok(truth) = item.cast::<PyBool>() {
        row.set_bool(fact, truth.is_true())
    } else if let Ok(number) = item.cast_exact::<PyFloat>() {
        row.set_double(fact, number.value())
    } else if item.is_exact_instance_of::<PyInt>()
        && let Ok(number) = item.extract::<i64>()
    {
        // A conversion that fails makes an exception, so only what is a number is tried.
        row.set_int(fact, number)
    } else {
        let value = value::value(item, &format!("facts.{path}"), Doubles::Any).map_err(Bad::expression)?;
        row.set(fact, &value)
    };
    told.map_err(|error| wrong_row(&error))
}

fn wrong_row(error: &expr::RowError) -> PyErr {
    let path = error.path().map_or_else(|| "facts".to_owned(), |path| format!("facts.{path}"));
    Bad::new(error.code(), &path, error.to_string()).expression()
}

/// Names with conditions, in order.
fn pairs(rules: &Bound<'_, PyAny>) -> Result<Vec<(String, String)>, Bad> {
    let wrong = || Bad::kind("rules", "a mapping from names to conditions, or a sequence of (name, condition)", rules);
    let items = match rules.cast::<PyMapping>() {
        Ok(mapping) => mapping.items().map_err(|_| wrong())?.into_any(),
        Err(_) => rules.clone(),
    };
    let mut pairs = Vec::new();
    for pair in items.try_iter().map_err(|_| wrong())? {
        let pair = pair.map_err(|_| wrong())?;
        let (name, text) = pair.extract::<(Bound<'_, PyString>, Bound<'_, PyString>)>().map_err(|_| wrong())?;
        pairs.push((value::string(&name, "rules")?, value::string(&text, "rules")?));
    }
    Ok(pairs)
}

#[pymethods]
impl Row {
    fn __setitem__(&self, name: &Bound<'_, PyString>, item: &Bound<'_, PyAny>) -> PyResult<()> {
        guard(|| self.inner.tell_one(&mut lock(&self.facts).row, "", name, item, 0))
    }

    fn __delitem__(&self, name: &Bound<'_, PyString>) -> PyResult<()> {
        guard(|| self.inner.tell_one(&mut lock(&self.facts).row, "", name, name.py().None().bind(name.py()), 0))
    }

    /// Sets several facts, by dotted name or nested; the others stay.
    fn update(&self, facts: &Bound<'_, PyAny>) -> PyResult<()> {
        guard(|| self.inner.tell(&mut lock(&self.facts).row, "", facts, 0))
    }

    /// Replaces all facts by those of a JSON object; the instant stays.
    fn read_json(&self, text: &str) -> PyResult<()> {
        guard(|| lock(&self.facts).row.read_json(text).map_err(|error| wrong_row(&error)))
    }

    /// Forgets all facts; the instant stays.
    fn clear(&self) {
        lock(&self.facts).row.clear();
    }

    /// Sets the instant, for rules that read ``now``.
    fn set_now(&self, now: &Bound<'_, PyAny>) -> PyResult<()> {
        guard(|| {
            let now = time::instant(now, "now").map_err(Bad::expression)?;
            lock(&self.facts).row.set_now(now);
            Ok(())
        })
    }

    fn __repr__(&self) -> String {
        format!("<Row for {} rules>", self.inner.rules.len())
    }
}
