//! Values between Python and the crate.

use crate::errors::{Bad, internal};
use crate::time;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{
    PyBool, PyBytes, PyDate, PyDateTime, PyDelta, PyDict, PyFloat, PyInt, PyList, PyMapping, PySequence, PyString,
};
use std::sync::Arc;
use tactful::{Decimal, Value};

/// Lists in lists up to here, as for events from JSON.
const DEPTH: u32 = 32;

/// Whether NaN and infinities may come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doubles {
    /// Properties and facts of a request.
    Finite,
    /// Facts of an expression on its own.
    Any,
}

/// A value from Python.
pub(crate) fn value(found: &Bound<'_, PyAny>, path: &str, doubles: Doubles) -> Result<Value, Bad> {
    nested(found, path, doubles, DEPTH)
}

fn nested(found: &Bound<'_, PyAny>, path: &str, doubles: Doubles, depth: u32) -> Result<Value, Bad> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(Bad::new("too_deep", path, format!("expected at most {DEPTH} lists or mappings in each other")));
    };
    if found.is_none() {
        return Ok(Value::Null);
    }
    if let Ok(truth) = found.cast::<PyBool>() {
        return Ok(Value::Bool(truth.is_true()));
    }
    if let Ok(text) = found.cast::<PyString>() {
        let told = string(text, path)?;
        let plain = found.is_exact_instance_of::<PyString>() || !is_a(found, &TYPE_NAME, "TypeName");
        return Ok(if plain { Value::text(&told) } else { Value::Type(Arc::from(told)) });
    }
    if let Ok(number) = found.cast::<PyFloat>() {
        return double(number.value(), path, doubles);
    }
    if found.is_instance_of::<PyInt>() {
        return int(found, path);
    }
    // Asking whether something is a sequence is slow; most are lists.
    if let Ok(list) = found.cast_exact::<PyList>() {
        return list.iter().map(|item| nested(&item, path, doubles, depth)).collect::<Result<Vec<Value>, Bad>>().map(list_of);
    }
    if let Ok(time) = found.cast::<PyDateTime>() {
        return time::instant(time, path).map(Value::from);
    }
    if let Ok(date) = found.cast::<PyDate>() {
        return time::midnight(date, path).map(Value::from);
    }
    if let Ok(delta) = found.cast::<PyDelta>() {
        return time::duration(delta, path).map(Value::Duration);
    }
    if let Ok(bytes) = found.cast::<PyBytes>() {
        return Ok(Value::Bytes(Arc::from(bytes.as_bytes())));
    }
    if is_decimal(found) {
        return decimal(found, path);
    }
    if is_a(found, &OPTIONAL, "Optional") {
        return optional(found, path, doubles, depth);
    }
    if let Ok(mapping) = found.cast::<PyMapping>() {
        return entries(mapping, path, doubles, depth);
    }
    if let Ok(sequence) = found.cast::<PySequence>() {
        return items(sequence, path, doubles, depth);
    }
    // Numbers of other libraries, such as numpy's.
    if found.hasattr(intern!(found.py(), "__index__")).unwrap_or(false) {
        return int(found, path);
    }
    Err(Bad::kind(path, "None, bool, int, float, str, bytes, Decimal, datetime, date, timedelta, list or dict", found))
}

/// Classes of `tactful/kinds.py`, for kinds of values that Python has no class of its own for.
static TYPE_NAME: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static OPTIONAL: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static UINT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

fn class<'py>(py: Python<'py>, kept: &PyOnceLock<Py<PyAny>>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    let made = kept.get_or_try_init(py, || Ok::<_, PyErr>(py.import("tactful.kinds")?.getattr(name)?.unbind()))?;
    Ok(made.bind(py).clone())
}

fn is_a(found: &Bound<'_, PyAny>, kept: &PyOnceLock<Py<PyAny>>, name: &str) -> bool {
    class(found.py(), kept, name).and_then(|class| found.is_instance(&class)).unwrap_or(false)
}

fn optional(found: &Bound<'_, PyAny>, path: &str, doubles: Doubles, depth: u32) -> Result<Value, Bad> {
    let failed = |error: PyErr| Bad::new("wrong_type", path, error.to_string());
    if !found.is_truthy().map_err(failed)? {
        return Ok(Value::Optional(None));
    }
    let held = found.getattr(intern!(found.py(), "value")).map_err(failed)?;
    Ok(Value::Optional(Some(Arc::new(nested(&held, path, doubles, depth)?))))
}

/// Text without lone surrogates.
pub(crate) fn string(text: &Bound<'_, PyString>, path: &str) -> Result<String, Bad> {
    match text.to_cow() {
        Ok(text) => Ok(text.into_owned()),
        Err(_) => Err(Bad::new("not_utf8", path, "expected text without lone surrogates")),
    }
}

fn double(number: f64, path: &str, doubles: Doubles) -> Result<Value, Bad> {
    if doubles == Doubles::Finite && !number.is_finite() {
        return Err(Bad::new(
            "not_finite",
            path,
            "expected a finite number, found NaN or infinity; leave out what is not known",
        ));
    }
    Ok(Value::Double(number))
}

fn int(found: &Bound<'_, PyAny>, path: &str) -> Result<Value, Bad> {
    if !found.is_exact_instance_of::<PyInt>()
        && is_a(found, &UINT, "Uint")
        && let Ok(number) = found.extract::<u64>()
    {
        return Ok(Value::Uint(number));
    }
    let small = found.extract::<i64>().map(Value::Int);
    small
        .or_else(|_| found.extract::<u64>().map(Value::Uint))
        .map_err(|_| Bad::new("out_of_range", path, "expected a whole number of at most 64 bits; write a longer one as text"))
}

fn is_decimal(found: &Bound<'_, PyAny>) -> bool {
    decimal_class(found.py()).and_then(|class| found.is_instance(class)).unwrap_or(false)
}

fn decimal_class(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    CLASS.import(py, "decimal", "Decimal")
}

fn decimal(found: &Bound<'_, PyAny>, path: &str) -> Result<Value, Bad> {
    let wrong = |message: String| Bad::new("wrong_type", path, message);
    let parts = found.call_method0("as_tuple").map_err(|error| wrong(error.to_string()))?;
    // NaN and infinities have a letter for an exponent.
    let Ok(exponent) = parts.getattr("exponent").and_then(|exponent| exponent.extract::<i32>()) else {
        return Err(Bad::new(
            "not_finite",
            path,
            "expected a finite number, found NaN or infinity; leave out what is not known",
        ));
    };
    let scale = u8::try_from(exponent.saturating_neg().max(0)).ok().filter(|scale| *scale <= Decimal::MAX_SCALE);
    let Some(scale) = scale else {
        return Err(wrong(format!("expected a decimal with at most {} digits after the point", Decimal::MAX_SCALE)));
    };
    let text = found.str().map_err(|error| wrong(error.to_string()))?;
    let number = Decimal::parse(&string(&text, path)?, scale, None);
    number.map(Value::Decimal).map_err(|error| wrong(format!("expected a decimal of at most 38 digits: {error}")))
}

fn entries(mapping: &Bound<'_, PyMapping>, path: &str, doubles: Doubles, depth: u32) -> Result<Value, Bad> {
    let pairs = mapping.items().map_err(|error| Bad::new("wrong_type", path, error.to_string()))?;
    let mut entries = Vec::with_capacity(pairs.len());
    for pair in pairs {
        let (key, item) = pair
            .extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>()
            .map_err(|error| Bad::new("wrong_type", path, error.to_string()))?;
        let key = nested(&key, path, doubles, depth)?;
        if !matches!(key, Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::String(_)) {
            return Err(Bad::new("wrong_type", path, "expected keys that are text, whole numbers or truth values"));
        }
        entries.push((key, nested(&item, path, doubles, depth)?));
    }
    Ok(Value::Map(entries.into()))
}

fn list_of(items: Vec<Value>) -> Value {
    Value::List(items.into())
}

fn items(sequence: &Bound<'_, PySequence>, path: &str, doubles: Doubles, depth: u32) -> Result<Value, Bad> {
    let failed = |error: PyErr| Bad::new("wrong_type", path, error.to_string());
    let items: Result<Vec<Value>, Bad> =
        sequence.try_iter().map_err(failed)?.map(|item| nested(&item.map_err(failed)?, path, doubles, depth)).collect();
    items.map(list_of)
}

/// Named values from a mapping: properties or facts.
pub(crate) fn named(mapping: &Bound<'_, PyAny>, path: &str, doubles: Doubles) -> Result<Vec<(String, Value)>, Bad> {
    let Ok(mapping) = mapping.cast::<PyMapping>() else {
        return Err(Bad::kind(path, "a mapping from names to values", mapping));
    };
    let failed = |error: PyErr| Bad::new("wrong_type", path, error.to_string());
    let mut named = Vec::new();
    for pair in mapping.items().map_err(failed)? {
        let (name, item) = pair.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>().map_err(failed)?;
        let Ok(name) = name.cast::<PyString>() else { return Err(Bad::kind(path, "names that are text", &name)) };
        let name = string(name, path)?;
        let name_shown: String = name.chars().take(80).collect();
        let place = if path.is_empty() { name_shown } else { format!("{path}.{name_shown}") };
        let value = value(&item, &place, doubles)?;
        named.push((name, value));
    }
    Ok(named)
}

/// A value for Python: decimals and money as `Decimal`, instants as aware `datetime` in UTC, types by their name.
pub(crate) fn python(py: Python<'_>, value: &Value) -> PyResult<Py<PyAny>> {
    Ok(match value {
        Value::Null => py.None(),
        Value::Bool(truth) => PyBool::new(py, *truth).to_owned().into_any().unbind(),
        Value::Int(number) => number.into_pyobject(py)?.into_any().unbind(),
        Value::Uint(number) => number.into_pyobject(py)?.into_any().unbind(),
        Value::Double(number) => PyFloat::new(py, *number).into_any().unbind(),
        Value::Decimal(number) => decimal_class(py)?.call1((number.amount_text(),))?.unbind(),
        Value::String(text) => PyString::new(py, text).into_any().unbind(),
        Value::Type(name) => class(py, &TYPE_NAME, "TypeName")?.call1((&**name,))?.unbind(),
        Value::Optional(None) => class(py, &OPTIONAL, "Optional")?.call0()?.unbind(),
        Value::Optional(Some(held)) => class(py, &OPTIONAL, "Optional")?.call1((python(py, held)?,))?.unbind(),
        Value::Bytes(bytes) => PyBytes::new(py, bytes).into_any().unbind(),
        Value::List(items) => {
            let items: PyResult<Vec<Py<PyAny>>> = items.iter().map(|item| python(py, item)).collect();
            PyList::new(py, items?)?.into_any().unbind()
        }
        Value::Map(entries) => {
            let map = PyDict::new(py);
            for (key, item) in entries.iter() {
                map.set_item(python(py, key)?, python(py, item)?)?;
            }
            map.into_any().unbind()
        }
        Value::Timestamp(moment) => time::datetime(moment.to_timestamp()).into_pyobject(py)?.into_any().unbind(),
        Value::Date(day) => day.to_chrono().into_pyobject(py)?.into_any().unbind(),
        Value::Point(point) => (point.latitude(), point.longitude()).into_pyobject(py)?.into_any().unbind(),
        Value::Duration(duration) => time::timedelta(py, *duration)?.into_any().unbind(),
        _ => return Err(internal("a value of a kind that Python does not know yet")),
    })
}
