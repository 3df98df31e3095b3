//! Functions over instants and lengths of time.

use super::functions::moment;
use super::signature::{Call, Function, Overload, Sort, function, takes};
use super::value_ops::Fault;
use super::{ErrorCode, Limits};
use crate::value::{Duration, Moment, TimeError, Value, Zone};
use chrono::{DateTime, Datelike, NaiveDateTime, Timelike};

use Call::Method;
use Sort::{Duration as Length, Int, String as Text, Timestamp};

const OF_DAY: &[Overload] = &[takes(&[Timestamp], Int), takes(&[Timestamp, Text], Int), takes(&[Sort::Date], Int)];
const OF_BOTH: &[Overload] = &[takes(&[Timestamp], Int), takes(&[Timestamp, Text], Int), takes(&[Length], Int)];
const IN_UNITS: &[Overload] = &[takes(&[Length], Sort::Double)];

/// Accessors of timestamps and durations.
pub(super) const TABLE: &[Function] = &[
    function("getFullYear", Method, OF_DAY, |args, _| field("getFullYear", args, |time| i64::from(time.year()))),
    function("getMonth", Method, OF_DAY, |args, _| field("getMonth", args, |time| i64::from(time.month0()))),
    function("getDate", Method, OF_DAY, |args, _| field("getDate", args, |time| i64::from(time.day()))),
    function("getDayOfMonth", Method, OF_DAY, |args, _| field("getDayOfMonth", args, |time| i64::from(time.day0()))),
    function("getDayOfWeek", Method, OF_DAY, |args, _| {
        field("getDayOfWeek", args, |time| i64::from(time.weekday().num_days_from_sunday()))
    }),
    function("getDayOfYear", Method, OF_DAY, |args, _| field("getDayOfYear", args, |time| i64::from(time.ordinal0()))),
    function("getHours", Method, OF_BOTH, |args, _| match args {
        [Value::Duration(length)] => Ok(Value::Int(length.nanos() / 3_600_000_000_000)),
        _ => field("getHours", args, |time| i64::from(time.hour())),
    }),
    function("getMinutes", Method, OF_BOTH, |args, _| match args {
        [Value::Duration(length)] => Ok(Value::Int(length.nanos() / 60_000_000_000)),
        _ => field("getMinutes", args, |time| i64::from(time.minute())),
    }),
    function("getSeconds", Method, OF_BOTH, |args, _| match args {
        [Value::Duration(length)] => Ok(Value::Int(length.nanos() / 1_000_000_000)),
        _ => field("getSeconds", args, |time| i64::from(time.second())),
    }),
    // Of a duration the standard gives the part below a second, not the whole in milliseconds.
    function("getMilliseconds", Method, OF_BOTH, |args, _| match args {
        [Value::Duration(length)] => Ok(Value::Int(length.nanos() / 1_000_000 % 1_000)),
        _ => field("getMilliseconds", args, |time| i64::from(time.nanosecond() / 1_000_000)),
    }),
    Function {
        name: "days",
        call: Method,
        overloads: IN_UNITS,
        run: |args, _| units("days", args, 86_400_000_000_000.0),
        linear: true,
    },
    Function {
        name: "hours",
        call: Method,
        overloads: IN_UNITS,
        run: |args, _| units("hours", args, 3_600_000_000_000.0),
        linear: true,
    },
    Function {
        name: "minutes",
        call: Method,
        overloads: IN_UNITS,
        run: |args, _| units("minutes", args, 60_000_000_000.0),
        linear: true,
    },
    Function {
        name: "seconds",
        call: Method,
        overloads: IN_UNITS,
        run: |args, _| units("seconds", args, 1_000_000_000.0),
        linear: true,
    },
];

fn field(name: &str, args: &[Value], read: fn(&NaiveDateTime) -> i64) -> Result<Value, Fault> {
    if let [Value::Date(day)] = args {
        return Ok(Value::Int(read(&day.to_chrono().into())));
    }
    let (time, zone) = match args {
        [Value::Timestamp(time)] => (*time, Zone::UTC),
        [Value::Timestamp(time), Value::String(zone)] => {
            (*time, Zone::parse(zone).map_err(|error| Fault::new(ErrorCode::BadArgument, error.to_string()))?)
        }
        _ => return Err(Fault::no_overload(name, args)),
    };
    Ok(Value::Int(read(&zone.local(time))))
}

fn units(name: &str, args: &[Value], unit: f64) -> Result<Value, Fault> {
    match args {
        [Value::Duration(length)] => Ok(Value::Double(length.nanos() as f64 / unit)),
        _ => Err(Fault::no_overload(name, args)),
    }
}

/// `timestamp(x)`.
pub(super) fn to_timestamp(args: &[Value], _: &Limits) -> Result<Value, Fault> {
    match args {
        [Value::Timestamp(time)] => Ok(Value::Timestamp(*time)),
        [Value::Int(seconds)] => moment(*seconds, 0),
        [Value::String(text)] => {
            let parsed = DateTime::parse_from_rfc3339(text).map_err(|_| {
                let text = text.chars().take(40).collect();
                Fault::new(ErrorCode::BadConversion, TimeError::NotATime(text).to_string())
            })?;
            moment(parsed.timestamp(), parsed.timestamp_subsec_nanos())
        }
        _ => Err(Fault::no_overload("timestamp", args)),
    }
}

/// `duration(x)`.
pub(super) fn to_duration(args: &[Value], _: &Limits) -> Result<Value, Fault> {
    match args {
        [Value::Duration(length)] => Ok(Value::Duration(*length)),
        [Value::String(text)] => Duration::parse(text).map(Value::Duration).map_err(|error| {
            let code = if error == TimeError::OutOfRange { ErrorCode::Overflow } else { ErrorCode::BadConversion };
            Fault::new(code, error.to_string())
        }),
        _ => Err(Fault::no_overload("duration", args)),
    }
}

/// The text of an instant: RFC 3339 in UTC, without needless digits.
pub(super) fn time_text(time: Moment) -> String {
    let whole = time.to_chrono().format("%Y-%m-%dT%H:%M:%S").to_string();
    format!("{whole}{}Z", fraction(u64::from(time.nanos())))
}

/// The text of a length of time in seconds, as the standard has it.
pub(super) fn length_text(length: Duration) -> String {
    let sign = if length.nanos() < 0 { "-" } else { "" };
    let nanos = length.nanos().unsigned_abs();
    format!("{sign}{}{}s", nanos / 1_000_000_000, fraction(nanos % 1_000_000_000))
}

fn fraction(nanos: u64) -> String {
    if nanos == 0 {
        return String::new();
    }
    let digits = format!("{nanos:09}");
    format!(".{}", digits.trim_end_matches('0'))
}
