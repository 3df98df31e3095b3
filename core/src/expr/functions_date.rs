//! Functions over days of the calendar. Those that depend on today (`years()`, `today`) are not functions, see `check_today`.

use super::ErrorCode;
use super::signature::{Call, Function, Sort, function, takes};
use super::value_ops::Fault;
use crate::value::{Date, Value};

/// The table.
pub(super) const TABLE: &[Function] =
    &[
        function("date", Call::Global, &[takes(&[Sort::Date], Sort::Date), takes(&[Sort::String], Sort::Date)], |args, _| {
            match args {
                [Value::Date(day)] => Ok(Value::Date(*day)),
                [Value::String(text)] => {
                    let wrong = || Fault::new(ErrorCode::BadConversion, "the text is no date; write it as `2000-02-29`");
                    Date::parse(text).map(Value::Date).ok_or_else(wrong)
                }
                _ => Err(Fault::no_overload("date", args)),
            }
        }),
        function("add_days", Call::Method, &[takes(&[Sort::Date, Sort::Int], Sort::Date)], |args, _| {
            moved("add_days", args, Date::add_days)
        }),
        function("add_months", Call::Method, &[takes(&[Sort::Date, Sort::Int], Sort::Date)], |args, _| {
            moved("add_months", args, Date::add_months)
        }),
        function("add_years", Call::Method, &[takes(&[Sort::Date, Sort::Int], Sort::Date)], |args, _| {
            moved("add_years", args, |day, years| day.add_months(years.checked_mul(12)?))
        }),
    ];

fn moved(name: &str, args: &[Value], by: fn(Date, i64) -> Option<Date>) -> Result<Value, Fault> {
    match args {
        [Value::Date(day), Value::Int(number)] => by(*day, *number).map(Value::Date).ok_or_else(|| Fault::overflow("the date")),
        _ => Err(Fault::no_overload(name, args)),
    }
}
