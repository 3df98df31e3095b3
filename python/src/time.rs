//! Instants and lengths of time, between Python and the crate.

use crate::errors::Bad;
use chrono::{DateTime, Utc};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDate, PyDateAccess, PyDateTime, PyDelta, PyDeltaAccess, PyString};
use tactful::{Duration, Timestamp};

const DAY: i64 = 86_400_000_000;

/// An instant from an aware `datetime` or RFC 3339 text.
pub(crate) fn instant(value: &Bound<'_, PyAny>, path: &str) -> Result<Timestamp, Bad> {
    if let Ok(text) = value.cast::<PyString>() {
        let text = text.to_cow().map_err(|_| Bad::new("not_utf8", path, "expected text without lone surrogates"))?;
        return Timestamp::parse(&text).map_err(|error| Bad::time(path, &error));
    }
    let Ok(time) = value.cast::<PyDateTime>() else {
        return Err(Bad::kind(path, "an aware datetime or RFC 3339 text such as `2026-03-29T02:30:00Z`", value));
    };
    let aware = time.call_method0("utcoffset").is_ok_and(|offset| !offset.is_none());
    if !aware {
        let hint = "expected a datetime with a time zone, found one without; write `datetime(…, tzinfo=timezone.utc)`";
        return Err(Bad::new("naive_time", path, hint));
    }
    let micros = since_epoch(time).map_err(|error| Bad::new("wrong_time", path, error.to_string()))?;
    Timestamp::from_micros(micros).map_err(|error| Bad::time(path, &error))
}

/// The same, or nothing for `None`.
pub(crate) fn optional(value: Option<&Bound<'_, PyAny>>, path: &str) -> Result<Option<Timestamp>, Bad> {
    value.filter(|value| !value.is_none()).map(|value| instant(value, path)).transpose()
}

fn since_epoch(time: &Bound<'_, PyDateTime>) -> PyResult<i64> {
    static EPOCH: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = time.py();
    let epoch = EPOCH.get_or_try_init(py, || Ok::<_, PyErr>(DateTime::UNIX_EPOCH.into_pyobject(py)?.into_any().unbind()))?;
    Ok(micros(time.sub(epoch)?.cast::<PyDelta>()?))
}

fn micros(delta: &Bound<'_, PyDelta>) -> i64 {
    // A timedelta has at most 10^9 days, whose microseconds do not fit; an instant before the year 10000 does.
    let days = i64::from(delta.get_days()).saturating_mul(DAY);
    days.saturating_add(i64::from(delta.get_seconds()) * 1_000_000 + i64::from(delta.get_microseconds()))
}

/// A day as its midnight in UTC.
pub(crate) fn midnight(date: &Bound<'_, PyDate>, path: &str) -> Result<Timestamp, Bad> {
    let month = u32::from(date.get_month());
    chrono::NaiveDate::from_ymd_opt(date.get_year(), month, u32::from(date.get_day()))
        .and_then(|date| date.and_hms_opt(0, 0, 0))
        .and_then(|time| Timestamp::from_micros(time.and_utc().timestamp_micros()).ok())
        .ok_or_else(|| Bad::new("time_out_of_range", path, "expected a date between the years 1 and 9999"))
}

/// A length of time.
pub(crate) fn duration(delta: &Bound<'_, PyDelta>, path: &str) -> Result<Duration, Bad> {
    Duration::from_micros(micros(delta))
        .map_err(|_| Bad::new("out_of_range", path, "expected a length of time below 292 years"))
}

/// An instant as an aware `datetime` in UTC.
pub(crate) fn datetime(time: Timestamp) -> DateTime<Utc> {
    time.to_chrono()
}

/// A length of time as a `timedelta`, cut to microseconds.
pub(crate) fn timedelta(py: Python<'_>, duration: Duration) -> PyResult<Bound<'_, PyDelta>> {
    let micros = duration.micros();
    let (days, rest) = (micros.div_euclid(DAY), micros.rem_euclid(DAY));
    let part = |part: i64| i32::try_from(part).unwrap_or(0);
    PyDelta::new(py, part(days), part(rest / 1_000_000), part(rest % 1_000_000), false)
}
